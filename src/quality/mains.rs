//! The low band in overlapping windows of 16 s, and how far tones at the mains' harmonics stand out in each: long windows
//! add hum up in phase, and music, whose notes change, spreads out beside it.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::measure::analysis::quantile;

const WINDOW_S: f64 = 16.0;
/// A window begins this often, as a share of its length.
const HOP: f64 = 0.25;
/// Mains frequencies, Hz.
pub(super) const MAINS_HZ: [f64; 2] = [50.0, 60.0];
/// Harmonics of each that are looked at.
pub(super) const HARMONICS: usize = 8;
/// Deviations of the mains from its frequency that are tried: -0.2 % to 0.2 %, within which networks stay nearly always.
pub(super) const DEVIATIONS: usize = 17;
const DEVIATION_STEP: f64 = 0.000_25;
/// What lies beside a harmonic, Hz from it.
const NEIGHBOURS_HZ: (f64, f64) = (0.25, 2.0);
/// Of the neighbourhood, the level that is exceeded this rarely: the skirts of a note count.
const NEIGHBOUR_SHARE: f64 = 0.8;

/// One harmonic in one window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Line {
    /// Mean square of a tone at each deviation.
    pub(super) powers: [f32; DEVIATIONS],
    /// The same of the neighbourhood.
    pub(super) neighbour: f32,
}

/// What is kept of a window.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// Mean square of the band.
    pub(super) power: f64,
    /// Lines of both mains frequencies.
    pub(super) lines: [[Line; HARMONICS]; 2],
}

/// Cuts the low band into windows.
pub(super) struct Mains {
    rate_hz: f64,
    samples: Vec<f32>,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    pub(super) windows: Vec<Window>,
}

impl Mains {
    pub(super) fn new(rate_hz: f64) -> Self {
        let frames = (WINDOW_S * rate_hz) as usize;
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(frames.next_power_of_two());
        let hann = |n: usize| (std::f64::consts::PI * (n as f64 + 0.5) / frames as f64).sin().powi(2) as f32;
        Self {
            rate_hz,
            samples: Vec::new(),
            window: (0..frames).map(hann).collect(),
            input: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
            windows: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, samples: &[f32]) {
        self.samples.extend_from_slice(samples);
        while self.samples.len() >= self.window.len() {
            self.transform();
            self.samples.drain(..(HOP * self.window.len() as f64) as usize);
        }
    }

    fn transform(&mut self) {
        self.input.fill(0.0);
        for ((x, w), sample) in self.input.iter_mut().zip(&self.window).zip(&self.samples) {
            *x = w * sample;
        }
        self.fft
            .process_with_scratch(&mut self.input, &mut self.spectrum, &mut self.scratch)
            .expect("buffers were made by the same plan");
        let bin_hz = self.rate_hz / self.input.len() as f64;
        let frames = self.window.len() as f64;
        let of_tone = (2.0 / (0.25 * frames * frames)) as f32;
        let power = |bin: usize| self.spectrum.get(bin).map_or(0.0, |x| of_tone * x.norm_sqr());
        let lines = MAINS_HZ.map(|mains_hz| {
            std::array::from_fn(|index| {
                let hz = mains_hz * (index + 1) as f64;
                let (near, far) = NEIGHBOURS_HZ;
                if hz + far > 0.45 * self.rate_hz {
                    return Line::default();
                }
                let bin = |hz: f64| (hz / bin_hz).round() as usize;
                let beside = (bin(hz - far)..=bin(hz - near)).chain(bin(hz + near)..=bin(hz + far));
                let deviations: [f64; DEVIATIONS] =
                    std::array::from_fn(|step| (step as f64 - (DEVIATIONS / 2) as f64) * DEVIATION_STEP);
                let mut beside: Vec<f64> = beside.map(|bin| f64::from(power(bin))).collect();
                beside.sort_by(f64::total_cmp);
                Line {
                    powers: deviations.map(|deviation| power(bin(hz * (1.0 + deviation)))),
                    neighbour: quantile(&beside, NEIGHBOUR_SHARE).unwrap_or(0.0) as f32,
                }
            })
        });
        let mean_square = self.samples[..self.window.len()].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / frames;
        self.windows.push(Window { power: mean_square, lines });
    }
}
