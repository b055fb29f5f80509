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

/// What is kept of a window of the mid or of the side.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// Mean square of the band.
    pub(super) power: f64,
    /// Mean square below 20 Hz.
    pub(super) sub_sonic: f64,
    /// Lines of both mains frequencies.
    pub(super) lines: [[Line; HARMONICS]; 2],
}

/// Gathers the low band of the mid and of the side, where a record player makes most of its rumble, and where nothing hides the
/// hum of what stands far to the left or right.
pub(super) struct LowBand {
    /// Whether the low-pass goes over samples, instead of the sums of cells, which are too long for it at low sample rates.
    from_samples: bool,
    /// Cells, or samples, to one sample of the low band.
    step: usize,
    rate_hz: f64,
    /// Low-pass over them.
    taps: Vec<f32>,
    bands: [Decimated; 2],
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    pub(super) windows: [Vec<Window>; 2],
    pub(super) standing: Standing,
}

/// Places of both bands.
const MID: usize = 0;
const SIDE: usize = 1;

/// A signal on its way to the low band's rate.
#[derive(Default)]
struct Decimated {
    /// Of cells, or samples themselves, that are still needed.
    sums: Vec<f32>,
    samples: Vec<f32>,
}

impl LowBand {
    pub(super) fn new(sample_rate_hz: u32, cell_frames: usize) -> Self {
        let step_of = |frames: usize| (f64::from(sample_rate_hz) / frames as f64 / RATE_HZ).round() as usize;
        // Under 33.6 kHz a cell is as long as a step or longer: its sum alone would let most of what lies above fold down.
        let from_samples = step_of(cell_frames) < 2;
        let summed_frames = if from_samples { 1 } else { cell_frames };
        let step = step_of(summed_frames);
        let rate_hz = f64::from(sample_rate_hz) / summed_frames as f64 / step as f64;
        let frames = (WINDOW_S * rate_hz) as usize;
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(frames.next_power_of_two());
        // Three output steps long, so that little of what lies above folds down; hum at 500 Hz is weakened by some dB.
        let length = 3 * step;
        let sum: f64 = hann(length).sum();
        let scale = 0.5 / (summed_frames as f64 * sum);
        Self {
            from_samples,
            step,
            rate_hz,
            taps: hann(length).map(|weight| (weight * scale) as f32).collect(),
            bands: [Decimated::default(), Decimated::default()],
            window: hann(frames).map(|weight| weight as f32).collect(),
            input: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
            windows: Default::default(),
            standing: Standing::new(rate_hz),
        }
    }

    pub(super) fn push(&mut self, left: &Group<'_>, right: &Group<'_>) {
        let [left, right] = [left, right].map(|group| self.source(group));
        let both = || left.iter().zip(right);
        let known = self.bands[MID].samples.len();
        self.bands[MID].push(both().map(|(l, r)| l + r), &self.taps, self.step);
        self.bands[SIDE].push(both().map(|(l, r)| l - r), &self.taps, self.step);
        self.standing.push(&self.bands[MID].samples[known..]);
        if self.bands[MID].samples.len() >= self.window.len() {
            for band in [MID, SIDE] {
                self.transform(band);
                let window = self.look();
                self.windows[band].push(window);
                self.bands[band].samples.drain(..self.window.len());
            }
        }
    }

    /// What the low-pass goes over.
    fn source<'a>(&self, group: &Group<'a>) -> &'a [f32] {
        let own = group.own_cells();
        if self.from_samples {
            let cell_frames = group.cell_frames();
            &group.samples[own.start * cell_frames..own.end * cell_frames]
        } else {
            &group.sums[own]
        }
    }

    /// Transforms the next window of a band.
    fn transform(&mut self, band: usize) {
        self.input.fill(0.0);
        for ((x, w), sample) in self.input.iter_mut().zip(&self.window).zip(&self.bands[band].samples) {
            *x = w * sample;
        }
        self.fft
            .process_with_scratch(&mut self.input, &mut self.spectrum, &mut self.scratch)
            .expect("buffers were made by the same plan");
    }

    /// Bins of the window that was transformed last.
    fn bins(&self, low_hz: f64, high_hz: f64) -> &[Complex<f32>] {
        let bin_hz = self.rate_hz / self.input.len() as f64;
        let last = self.spectrum.len();
        &self.spectrum
            [((low_hz / bin_hz).ceil() as usize).min(last)..((high_hz / bin_hz).floor() as usize + 1).min(last)]
    }

    /// Mean square of what lies there.
    fn power_within(&self, low_hz: f64, high_hz: f64) -> f64 {
        // Parseval, with the window's own mean square.
        let scale = 2.0 / (self.input.len() as f64 * 0.375 * self.window.len() as f64);
        scale * self.bins(low_hz, high_hz).iter().map(|x| f64::from(x.norm_sqr())).sum::<f64>()
    }

    /// What is kept of the window that was transformed last.
    fn look(&self) -> Window {
        let of_tone = 2.0 / (0.25 * (self.window.len() as f64).powi(2));
        let peak = |low_hz: f64, high_hz: f64| {
            of_tone as f32 * self.bins(low_hz, high_hz).iter().map(|x| x.norm_sqr()).fold(0.0, f32::max)
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
        Window {
            power: self.power_within(SUB_SONIC_HZ.0, 0.5 * self.rate_hz),
            sub_sonic: self.power_within(SUB_SONIC_HZ.0, SUB_SONIC_HZ.1),
            lines,
        }
    }
}

impl Decimated {
    fn push(&mut self, cells: impl Iterator<Item = f32>, taps: &[f32], step: usize) {
        self.sums.extend(cells);
        let count = (self.sums.len() + step).saturating_sub(taps.len()) / step;
        let first = self.samples.len();
        self.samples.resize(first + count, 0.0);
        // Tap by tap, so that no sample waits for the last product of its own sum.
        for (offset, tap) in taps.iter().enumerate() {
            let sums = self.sums.iter().skip(offset).step_by(step);
            self.samples[first..].iter_mut().zip(sums).for_each(|(sample, sum)| *sample += tap * sum);
        }
        self.sums.drain(..count * step);
    }
}
