//! From audio to numbers.
//!
//! A [`Meter`] takes a programme block by block and gives a [`Measurement`]: everything over time. An
//! [`Analysis`](analysis::Analysis) is its summary, as `halfspeed analyze` prints it. What the numbers mean, and where
//! their definitions come from, stands at each field; `docs/measurements.md` has them in one place.
//!
//! # A file
//!
//! ```
//! use halfspeed::source::measure_file;
//!
//! # let path = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clips/mix.flac"));
//! let source = measure_file(path, &|_done, _total| {})?;
//! let analysis = source.measurement.analysis();
//! println!("{:?} LUFS, {:?} dBTP", analysis.loudness.integrated_lufs, analysis.peak.true_dbtp);
//! # assert!(analysis.loudness.integrated_lufs.is_some());
//! # Ok::<(), halfspeed::Error>(())
//! ```
//!
//! # Samples in memory
//!
//! ```
//! use halfspeed::{AudioBuffer, measure::Meter};
//!
//! let sine: Vec<f32> = (0..480_000).map(|n| 0.1 * (n as f32 * 0.1309).sin()).collect();
//! let mut meter = Meter::new(48_000);
//! meter.push(&AudioBuffer::from_channels(48_000, sine.clone(), sine));
//! let measurement = meter.finish();
//! assert!((measurement.loudness.integrated_lufs().unwrap() - -20.0).abs() < 0.1);
//! assert!((measurement.peaks.true_dbtp().unwrap() - -20.0).abs() < 0.01);
//! ```
//!
//! # A stream, in pieces of any size
//!
//! ```
//! use halfspeed::{AudioBuffer, measure::Meter};
//!
//! let mut meter = Meter::new(44_100);
//! let mut block = AudioBuffer::new(44_100);
//! # let mut packets = (0..200).map(|packet| [[0.2f32; 441], [if packet % 2 == 0 { 0.1 } else { -0.1 }; 441]]);
//! while let Some([left, right]) = packets.next() {
//!     block.clear();
//!     block.extend(&left, &right);
//!     meter.push(&block);
//! }
//! let measurement = meter.finish();
//! let momentary_lufs = measurement.loudness.momentary_10_ms_lufs();
//! assert_eq!((measurement.frames, momentary_lufs.len()), (88_200, 161));
//! ```
//!
//! # Several programmes as one album
//!
//! ```
//! use halfspeed::measure::loudness::{AlbumLoudness, LoudnessMeter};
//!
//! let track = |amplitude: f32| {
//!     let sine: Vec<f32> = (0..480_000).map(|n| amplitude * (n as f32 * 0.1309).sin()).collect();
//!     let mut meter = LoudnessMeter::stereo(48_000);
//!     meter.push(&[&sine, &sine]);
//!     meter.finish()
//! };
//! let mut album = AlbumLoudness::default();
//! album.push(&track(0.1));
//! // The quiet one, 40 LU below, falls under the gate of both together.
//! album.push(&track(0.001));
//! assert!((album.integrated_lufs().unwrap() - -20.0).abs() < 0.1);
//! ```

pub mod analysis;
mod codec_edge;
mod coincidence;
mod dr;
pub mod dynamics;
pub mod k_weighting;
mod loud_parts;
pub mod loudness;
mod near_peak;
pub mod peak;
pub mod spectrum;
mod sums;
pub mod weighting;
pub mod wide_bands;

pub use near_peak::PeakShape;

use crate::audio::{AudioBuffer, assert_rate};
use dynamics::{LevelMeter, Levels};
use loud_parts::loud_frames;
use loudness::{LoudnessMeter, LoudnessSeries};
use peak::{Peaks, TruePeakMeter};
use spectrum::{BandPower, SpectralFrames, SpectrumMeter};

/// Measures a stereo programme in one go. The examples of [this module](self) show how.
pub struct Meter {
    sample_rate_hz: u32,
    frames: u64,
    loudness: LoudnessMeter,
    peaks: TruePeakMeter,
    levels: LevelMeter,
    spectrum: SpectrumMeter,
}

/// Everything that was measured of a programme, over time.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// Sample rate in Hz.
    pub sample_rate_hz: u32,
    /// Length in frames.
    pub frames: u64,
    /// K-weighted loudness.
    pub loudness: LoudnessSeries,
    /// Sample and true peaks.
    pub peaks: Peaks,
    /// Levels, crest, correlation.
    pub levels: Levels,
    /// Third-octave spectra.
    pub spectrum: SpectralFrames,
    /// For each spectral frame, whether it belongs to the loud parts: the 400 ms around it are less than 10 LU quieter than the
    /// programme's integrated loudness. All of them, where it has none.
    pub loud_frames: Vec<bool>,
    /// Mean spectrum of the loud parts.
    pub loud_spectrum: Vec<BandPower>,
}

impl Meter {
    /// A meter at rest.
    ///
    /// # Panics
    /// If the sample rate is outside 8 to 384 kHz.
    pub fn new(sample_rate_hz: u32) -> Self {
        assert_rate(sample_rate_hz);
        Self {
            sample_rate_hz,
            frames: 0,
            loudness: LoudnessMeter::stereo(sample_rate_hz),
            peaks: TruePeakMeter::new(sample_rate_hz),
            levels: LevelMeter::new(sample_rate_hz),
            spectrum: SpectrumMeter::new(sample_rate_hz),
        }
    }

    /// Takes the next block. How a programme is cut into blocks changes nothing.
    ///
    /// # Panics
    /// If the block has another sample rate.
    pub fn push(&mut self, block: &AudioBuffer) {
        assert_eq!(block.sample_rate_hz(), self.sample_rate_hz, "blocks have the rate of their meter");
        self.frames += block.frames() as u64;
        self.loudness.push(&[block.left(), block.right()]);
        self.peaks.push(block);
        self.levels.push(block);
        self.spectrum.push(block);
    }

    /// Ends the programme.
    pub fn finish(self) -> Measurement {
        let (loudness, spectrum) = (self.loudness.finish(), self.spectrum.finish());
        let loud_frames = loud_frames(&loudness, spectrum.iter().len());
        Measurement {
            sample_rate_hz: self.sample_rate_hz,
            frames: self.frames,
            peaks: self.peaks.finish(),
            levels: self.levels.finish(),
            loud_spectrum: spectrum.mean(|frame| loud_frames[frame]),
            loudness,
            spectrum,
            loud_frames,
        }
    }
}

impl Measurement {
    /// Length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.frames as f64 / f64::from(self.sample_rate_hz)
    }

    /// True peak minus integrated loudness, dB. `None` where the programme has no loudness.
    pub fn plr_db(&self) -> Option<f64> {
        Some(self.peaks.true_dbtp()? - self.loudness.integrated_lufs()?)
    }
}
