//! Excerpts of 64 to 93 ms, one every 2.5 s, and their transforms: enough for what stays the same throughout a programme.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::bandwidth::Bandwidth;
use super::delay::Delays;
use crate::audio::AudioBuffer;
use crate::dsp::window::hann;

/// An excerpt begins so often, tenths of a second.
const HOP_TENTHS: u64 = 25;

/// Takes excerpts and gives them to those who look at them.
pub(super) struct Excerpts {
    sample_rate_hz: u32,
    /// Frames of an excerpt; the transform is twice as long, so that a correlation does not wrap around.
    frames: usize,
    position: u64,
    count: u64,
    pending: AudioBuffer,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    scratch: Vec<Complex<f32>>,
    spectra: [Vec<Complex<f32>>; 2],
    pub(super) delays: Delays,
    pub(super) bandwidth: Bandwidth,
}

impl Excerpts {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        let frames = ((0.06 * f64::from(sample_rate_hz)) as usize).next_power_of_two();
        let mut planner = RealFftPlanner::<f32>::new();
        let fft = planner.plan_fft_forward(2 * frames);
        let window: Vec<f32> = hann(frames).map(|weight| weight as f32).collect();
        Self {
            sample_rate_hz,
            frames,
            position: 0,
            count: 0,
            pending: AudioBuffer::new(sample_rate_hz),
            window,
            input: fft.make_input_vec(),
            scratch: fft.make_scratch_vec(),
            spectra: [fft.make_output_vec(), fft.make_output_vec()],
            delays: Delays::new(sample_rate_hz, &mut planner, 2 * frames),
            bandwidth: Bandwidth::new(sample_rate_hz, 2 * frames),
            fft,
        }
    }

    pub(super) fn push(&mut self, block: &AudioBuffer) {
        let end = self.position + block.frames() as u64;
        loop {
            let start = self.count * HOP_TENTHS * u64::from(self.sample_rate_hz) / 10;
            let from = start + self.pending.frames() as u64;
            if from >= end {
                break;
            }
            let to = end.min(start + self.frames as u64);
            let range = (from - self.position) as usize..(to - self.position) as usize;
            self.pending.extend(&block.left()[range.clone()], &block.right()[range]);
            if self.pending.frames() < self.frames {
                break;
            }
            self.transform();
            self.pending.clear();
            self.count += 1;
        }
        self.position = end;
    }

    fn transform(&mut self) {
        for (samples, spectrum) in [self.pending.left(), self.pending.right()].into_iter().zip(&mut self.spectra) {
            self.input[self.frames..].fill(0.0);
            for ((x, w), sample) in self.input.iter_mut().zip(&self.window).zip(samples) {
                *x = w * sample;
            }
            self.fft
                .process_with_scratch(&mut self.input, spectrum, &mut self.scratch)
                .expect("buffers were made by the same plan");
        }
        self.delays.push(&self.spectra);
        self.bandwidth.push(&self.spectra);
    }
}
