//! Everything below 500 Hz, in windows of 2 s: what hum and sub-sonic rumble are read from.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::cells::Group;
use super::standing::Standing;
use crate::dsp::window::hann;

const WINDOW_S: f64 = 2.0;
/// The low band is brought down to about this rate, Hz.
const RATE_HZ: f64 = 1_400.0;
/// Mains frequencies, Hz.
pub(super) const MAINS_HZ: [f64; 2] = [50.0, 60.0];
/// Harmonics of each that are looked at.
pub(super) const HARMONICS: usize = 8;
/// A harmonic lies within this of its place, Hz; its neighbours in this range beside it.
const PLACE_HZ: f64 = 0.6;
const NEIGHBOURS_HZ: (f64, f64) = (1.8, 5.0);
/// Rumble lies between, Hz: what is below is DC.
const SUB_SONIC_HZ: (f64, f64) = (2.0, 20.0);

/// One harmonic in one window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Line {
    /// Mean square of a tone there.
    pub(super) power: f32,
    /// The same of the strongest neighbour.
    pub(super) neighbour: f32,
}

/// What is kept of a window.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// Mean square of the band.
    pub(super) power: f64,
    /// Mean square below 20 Hz.
    pub(super) sub_sonic: f64,
    /// Lines of both mains frequencies.
    pub(super) lines: [[Line; HARMONICS]; 2],
}

/// Gathers the low band of the mid.
pub(super) struct LowBand {
    /// Cells to one sample of the low band.
    step: usize,
    rate_hz: f64,
    /// Low-pass over cell sums.
    taps: Vec<f32>,
    sums: Vec<f32>,
    samples: Vec<f32>,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    pub(super) windows: Vec<Window>,
    pub(super) standing: Standing,
}

impl LowBand {
    pub(super) fn new(sample_rate_hz: u32, cell_frames: usize) -> Self {
        let cell_rate_hz = f64::from(sample_rate_hz) / cell_frames as f64;
        let step = (cell_rate_hz / RATE_HZ).round().max(1.0) as usize;
        let rate_hz = cell_rate_hz / step as f64;
        let frames = (WINDOW_S * rate_hz) as usize;
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(frames.next_power_of_two());
        // Three output steps long, so that little of what lies above folds down; hum at 500 Hz is weakened by some dB.
        let length = if step == 1 { 1 } else { 3 * step };
        let sum: f64 = hann(length).sum();
        let scale = 0.5 / (cell_frames as f64 * sum);
        Self {
            step,
            rate_hz,
            taps: hann(length).map(|weight| (weight * scale) as f32).collect(),
            sums: Vec::new(),
            samples: Vec::new(),
            window: hann(frames).map(|weight| weight as f32).collect(),
            input: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
            windows: Vec::new(),
            standing: Standing::new(rate_hz),
        }
    }

    pub(super) fn push(&mut self, left: &Group<'_>, right: &Group<'_>) {
        let own = left.own_cells();
        self.sums.extend(left.sums[own.clone()].iter().zip(&right.sums[own]).map(|(l, r)| l + r));
        let known = self.samples.len();
        let mut start = 0;
        while start + self.taps.len() <= self.sums.len() {
            let sums = &self.sums[start..start + self.taps.len()];
            self.samples.push(sums.iter().zip(&self.taps).map(|(sum, tap)| sum * tap).sum());
            start += self.step;
        }
        self.sums.drain(..start.min(self.sums.len()));
        self.standing.push(&self.samples[known..]);
        if self.samples.len() >= self.window.len() {
            self.transform();
            self.samples.drain(..self.window.len());
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
        let length = self.input.len() as f64;
        let bin_hz = self.rate_hz / length;
        let frames = self.window.len() as f64;
        let (of_noise, of_tone) = (2.0 / (length * 0.375 * frames), 2.0 / (0.25 * frames * frames));
        let bins = |low_hz: f64, high_hz: f64| {
            let last = self.spectrum.len();
            &self.spectrum
                [((low_hz / bin_hz).ceil() as usize).min(last)..((high_hz / bin_hz).floor() as usize + 1).min(last)]
        };
        let sum = |low_hz: f64, high_hz: f64| {
            of_noise * bins(low_hz, high_hz).iter().map(|x| f64::from(x.norm_sqr())).sum::<f64>()
        };
        let peak = |low_hz: f64, high_hz: f64| {
            of_tone as f32 * bins(low_hz, high_hz).iter().map(|x| x.norm_sqr()).fold(0.0, f32::max)
        };
        let lines = MAINS_HZ.map(|mains_hz| {
            std::array::from_fn(|index| {
                let hz = mains_hz * (index + 1) as f64;
                if hz + NEIGHBOURS_HZ.1 > 0.45 * self.rate_hz {
                    return Line::default();
                }
                let (near, far) = NEIGHBOURS_HZ;
                Line {
                    power: peak(hz - PLACE_HZ, hz + PLACE_HZ),
                    neighbour: peak(hz - far, hz - near).max(peak(hz + near, hz + far)),
                }
            })
        });
        self.windows.push(Window {
            power: sum(SUB_SONIC_HZ.0, 0.5 * self.rate_hz),
            sub_sonic: sum(SUB_SONIC_HZ.0, SUB_SONIC_HZ.1),
            lines,
        });
    }
}
