//! Applies a recipe: process, limit, quantise, write.

use std::io::BufWriter;
use std::path::Path;

use super::chain::Chain;
pub use super::chain::ChainLog;
use super::recipe::Recipe;
use super::source::Progress;
use crate::audio::AudioBuffer;
use crate::dsp::dither::Dither;
use crate::dsp::limiter::{Limiter, LimiterSettings, TruePeaks, interval_frames};
use crate::error::{Error, Result};
use crate::io::{OutputFile, SampleFormat, Spool, WavWriter};
use crate::measure::k_weighting::KWeighting;

/// Frames in one block: 1.5 s at 44.1 kHz.
const BLOCK_FRAMES: usize = 1 << 16;

/// A programme that has passed everything but the limiter, and what the limiter needs to know of it.
pub struct Processed {
    /// Begins with the frames by which the stages lag.
    audio: Spool,
    latency_frames: usize,
    /// Largest sample of each channel in each control interval.
    pub(super) sample_peaks: Vec<[f32; 2]>,
    /// K-weighted sum of squares of each channel in each control interval.
    pub(super) energies: Vec<[f32; 2]>,
    /// What the stages did.
    pub log: ChainLog,
}

/// What the limiter did.
#[derive(Debug, Clone, PartialEq)]
pub struct LimiterLog {
    /// Deepest reduction within each 100 ms, dB (0 or more).
    pub reduction_db: Vec<f64>,
}

/// Runs everything before the limiter over a programme, in place.
///
/// # Errors
/// A setting out of range, or the spool's errors.
pub fn process(mut audio: Spool, recipe: &Recipe, progress: Progress<'_>) -> Result<Processed> {
    let rate = audio.sample_rate_hz();
    recipe.validate(rate)?;
    let mut chain = Chain::new(recipe, rate);
    let mut intervals = Intervals::new(rate);
    let (mut done, total) = (0, audio.frames());
    let latency_frames = chain.latency_frames();
    // What the stages still hold at the end is pushed out by silence.
    audio.push(&AudioBuffer::silence(rate, latency_frames))?;
    let mut lead_in = latency_frames;
    audio.transform(|block| {
        chain.process(block);
        let skipped = lead_in.min(block.frames());
        intervals.push(&block.left()[skipped..], &block.right()[skipped..]);
        lead_in -= skipped;
        done += block.frames() as u64;
        progress(done, Some(total));
    })?;
    let (sample_peaks, energies) = intervals.finish();
    Ok(Processed { audio, latency_frames, sample_peaks, energies, log: chain.log() })
}

/// Sample peak and K-weighted energy of each control interval, whatever the blocks.
struct Intervals {
    interval: usize,
    weighting: KWeighting,
    /// Frames of the interval under way.
    filled: usize,
    peaks: [f32; 2],
    energy: [f64; 2],
    sample_peaks: Vec<[f32; 2]>,
    energies: Vec<[f32; 2]>,
}

impl Intervals {
    fn new(sample_rate_hz: u32) -> Self {
        Self {
            interval: interval_frames(sample_rate_hz),
            weighting: KWeighting::new(sample_rate_hz),
            filled: 0,
            peaks: [0.0; 2],
            energy: [0.0; 2],
            sample_peaks: Vec::new(),
            energies: Vec::new(),
        }
    }

    fn push(&mut self, left: &[f32], right: &[f32]) {
        let mut start = 0;
        while start < left.len() {
            let end = left.len().min(start + self.interval - self.filled);
            let (left, right) = (&left[start..end], &right[start..end]);
            for (peak, channel) in self.peaks.iter_mut().zip([left, right]) {
                *peak = channel.iter().fold(*peak, |peak, x| peak.max(x.abs()));
            }
            let [left, right] = self.weighting.energy(left, right);
            self.energy = [self.energy[0] + left, self.energy[1] + right];
            self.filled += end - start;
            if self.filled == self.interval {
                self.close();
            }
            start = end;
        }
    }

    fn close(&mut self) {
        self.sample_peaks.push(std::mem::take(&mut self.peaks));
        self.energies.push(std::mem::take(&mut self.energy).map(|energy| energy as f32));
        self.filled = 0;
    }

    fn finish(mut self) -> (Vec<[f32; 2]>, Vec<[f32; 2]>) {
        if self.filled > 0 {
            self.close();
        }
        (self.sample_peaks, self.energies)
    }
}

impl Processed {
    /// Sample rate in Hz.
    pub fn sample_rate_hz(&self) -> u32 {
        self.audio.sample_rate_hz()
    }

    /// Length in frames.
    pub fn frames(&self) -> u64 {
        self.audio.frames() - self.latency_frames as u64
    }

    /// True peaks of both channels in each control interval, exact where it exceeds `floor` (full scale = 1.0).
    ///
    /// # Errors
    /// The spool's.
    pub fn true_peaks(&self, floor: f32) -> Result<Vec<[f32; 2]>> {
        let rate = self.sample_rate_hz();
        let mut finder = TruePeaks::new(rate);
        let mut peaks = Vec::with_capacity(self.sample_peaks.len());
        self.blocks(|block| {
            finder.push(block, floor, &mut peaks);
            Ok(())
        })?;
        finder.finish(floor, &mut peaks);
        Ok(peaks)
    }

    /// Limits the programme, given its peaks (see [`Self::true_peaks`]; exact above the limiter's threshold), and
    /// hands it on block by block.
    ///
    /// # Errors
    /// Those of the spool and of `sink`.
    pub fn limit(
        &self,
        settings: &LimiterSettings,
        peaks: &[[f32; 2]],
        mut sink: impl FnMut(&AudioBuffer) -> Result<()>,
    ) -> Result<LimiterLog> {
        let rate = self.sample_rate_hz();
        let mut limiter = Limiter::new(settings, peaks, rate);
        let mut limited = AudioBuffer::new(rate);
        self.blocks(|block| {
            limiter.push(block, &mut limited);
            sink(&limited)
        })?;
        let reduction_db = limiter.finish(&mut limited);
        sink(&limited)?;
        Ok(LimiterLog { reduction_db })
    }

    /// Limits the programme into a temporary file beside `destination`.
    ///
    /// # Errors
    /// [`Error::Write`], or the spool's.
    pub fn write(
        &self,
        settings: &LimiterSettings,
        peaks: &[[f32; 2]],
        format: SampleFormat,
        destination: &Path,
    ) -> Result<(OutputFile, LimiterLog)> {
        let mut file = OutputFile::create(destination)?;
        let failed = |error| Error::write(destination, error);
        let sink = BufWriter::with_capacity(1 << 20, &mut file);
        let mut writer = WavWriter::create(sink, self.sample_rate_hz(), format).map_err(failed)?;
        let mut dither = Dither::new(format.bits());
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let log = self.limit(settings, peaks, |block| {
            if format == SampleFormat::Float32 {
                return writer.write_float(block.left(), block.right()).map_err(failed);
            }
            left.resize(block.frames(), 0);
            right.resize(block.frames(), 0);
            dither.quantise(block.left(), block.right(), &mut left, &mut right);
            writer.write_int(&left, &right).map_err(failed)
        })?;
        writer.finish().map_err(failed)?;
        Ok((file, log))
    }

    /// Hands on the processed audio.
    fn blocks(&self, mut visit: impl FnMut(&AudioBuffer) -> Result<()>) -> Result<()> {
        let mut block = AudioBuffer::new(self.sample_rate_hz());
        let mut done = 0;
        while done < self.frames() {
            self.audio.read(self.latency_frames as u64 + done, BLOCK_FRAMES, &mut block)?;
            visit(&block)?;
            done += block.frames() as u64;
        }
        Ok(())
    }
}
