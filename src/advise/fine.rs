//! A spectrum fine enough for resonances: 24 bands an octave, three times a second.

use std::ops::Range;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::audio::AudioBuffer;
use crate::units::power_to_db;

/// Bands of an octave.
pub(super) const BANDS_PER_OCTAVE: f64 = 24.0;
/// The lowest band lies here, Hz: bins are too wide for those below.
const LOWEST_HZ: f64 = 110.0;
/// No band lies above, Hz.
const HIGHEST_HZ: f64 = 14_000.0;
/// What stands for nothing at all, dB.
const NOTHING_DB: f32 = -160.0;

/// Gathers band levels over time.
pub(super) struct FineSpectrum {
    centers_hz: Vec<f64>,
    bins: Vec<Range<usize>>,
    scale: f64,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    scratch: Vec<Complex<f32>>,
    spectra: [Vec<Complex<f32>>; 2],
    pending: AudioBuffer,
    levels_db: Vec<f32>,
}

impl FineSpectrum {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        let length = ((0.3 * f64::from(sample_rate_hz)) as usize).next_power_of_two();
        let bin_hz = f64::from(sample_rate_hz) / length as f64;
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(length);
        let highest_hz = HIGHEST_HZ.min(0.45 * f64::from(sample_rate_hz));
        let center = |band: usize| LOWEST_HZ * (band as f64 / BANDS_PER_OCTAVE).exp2();
        let centers_hz: Vec<f64> = (0..).map(center).take_while(|&hz| hz < highest_hz).collect();
        let half = (0.5 / BANDS_PER_OCTAVE).exp2();
        let bins = centers_hz
            .iter()
            .map(|hz| {
                let low = (hz / half / bin_hz).round() as usize;
                low..((hz * half / bin_hz).round() as usize).max(low + 1)
            })
            .collect();
        let hann = |n: usize| (std::f64::consts::PI * (n as f64 + 0.5) / length as f64).sin().powi(2) as f32;
        Self {
            centers_hz,
            bins,
            scale: 1.0 / (length as f64 * 0.375 * length as f64),
            window: (0..length).map(hann).collect(),
            input: fft.make_input_vec(),
            scratch: fft.make_scratch_vec(),
            spectra: [fft.make_output_vec(), fft.make_output_vec()],
            fft,
            pending: AudioBuffer::new(sample_rate_hz),
            levels_db: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, block: &AudioBuffer) {
        self.pending.extend(block.left(), block.right());
        let length = self.window.len();
        let mut start = 0;
        while start + length <= self.pending.frames() {
            self.transform(start..start + length);
            start += length;
        }
        self.pending.remove_front(start);
    }

    fn transform(&mut self, range: Range<usize>) {
        let channels = [&self.pending.left()[range.clone()], &self.pending.right()[range]];
        for (samples, spectrum) in channels.into_iter().zip(&mut self.spectra) {
            for ((x, w), sample) in self.input.iter_mut().zip(&self.window).zip(samples) {
                *x = w * sample;
            }
            self.fft
                .process_with_scratch(&mut self.input, spectrum, &mut self.scratch)
                .expect("buffers were made by the same plan");
        }
        let [left, right] = &self.spectra;
        for bins in &self.bins {
            let power: f32 = left[bins.clone()].iter().chain(&right[bins.clone()]).map(|x| x.norm_sqr()).sum();
            // A density: what is even reads the same in wide bands and in narrow ones.
            let density = self.scale * f64::from(power) / bins.len() as f64;
            self.levels_db.push((power_to_db(density) as f32).max(NOTHING_DB));
        }
    }

    /// Band centres.
    pub(super) fn centers_hz(&self) -> &[f64] {
        &self.centers_hz
    }

    /// Levels of the frames in order, dB.
    pub(super) fn frames(&self) -> impl Iterator<Item = &[f32]> {
        self.levels_db.chunks_exact(self.centers_hz.len().max(1))
    }
}
