//! Linear-phase crossovers whose bands sum to a pure delay.
//!
//! The magnitudes are those of the fourth-order Linkwitz-Riley crossover ([`super::crossover`]) as real, positive
//! responses: `1 / (1 + r^4)` for what stays below a corner, one minus it for what goes on, with `r` the ratio of the
//! bilinear transform's frequencies. Such kernels are symmetrical in time and die away by `exp(-w t / sqrt(2))` on both
//! sides of their centre, `w` being the corner's angular frequency: 123 dB at either end for a corner of 20 Hz. All bands
//! but the highest are convolved; the highest is the delayed input minus the others, so the sum is exact by
//! construction.
//!
//! The price is latency (0.25 s at 44.1 kHz, the same for all corners) and a ringing ahead of what rings after: the
//! lower a corner, the longer.

use std::f64::consts::PI;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use super::convolution::{Convolution, ConvolutionSettings, ImpulseResponse};
use super::crossover::Splitter;
use super::delay_line::DelayLine;
use super::{Frame, Processor};

/// How far kernels reach to either side of their centre, s.
const REACH_S: f64 = 0.16;
/// Least time between two transforms, s.
const PARTITION_S: f64 = 0.08;

/// A splitter into bands of linear phase.
#[derive(Debug, Clone)]
pub struct LinearPhaseSplitter<const N: usize> {
    /// One for each band but the highest.
    kernels: Vec<Convolution>,
    input: DelayLine,
    latency_frames: usize,
}

impl<const N: usize> Splitter<N> for LinearPhaseSplitter<N> {
    fn new(corners_hz: &[f64], sample_rate_hz: u32) -> Self {
        let rate = f64::from(sample_rate_hz);
        let reach = (REACH_S * rate).ceil() as usize;
        let partition_frames = ((PARTITION_S * rate) as usize).next_power_of_two();
        let settings = ConvolutionSettings { partition_frames, mix_percent: 100.0, ..Default::default() };
        let kernels = (0..N - 1).map(|band| {
            let kernel = ImpulseResponse::mono(kernel(&corners_hz[..=band], reach, sample_rate_hz));
            Convolution::new(&settings, &kernel, sample_rate_hz).expect("kernels are finite")
        });
        let latency_frames = partition_frames + reach;
        Self { kernels: kernels.collect(), input: DelayLine::new(latency_frames), latency_frames }
    }

    fn latency_frames(&self) -> usize {
        self.latency_frames
    }

    fn split(&mut self, frame: Frame) -> [Frame; N] {
        let mut bands = [[0.0; 2]; N];
        let mut rest = self.input.exchange(frame);
        for (band, kernel) in bands.iter_mut().zip(&mut self.kernels) {
            *band = frame;
            kernel.process(std::slice::from_mut(band));
            rest = [rest[0] - band[0], rest[1] - band[1]];
        }
        bands[N - 1] = rest;
        bands
    }

    fn reset(&mut self) {
        self.kernels.iter_mut().for_each(Convolution::reset);
        self.input.reset();
    }
}

/// The kernel of the band below the last of rising corners and above the others, with its centre at `reach`.
fn kernel(corners_hz: &[f64], reach: usize, sample_rate_hz: u32) -> Vec<f64> {
    // Four times as long as needed, so that what is cut off does not fold in.
    let length = (8 * reach).next_power_of_two();
    let warped = |fraction: f64| (PI * fraction).tan();
    let below = |corner_hz: f64, bin: usize| {
        let corner = warped(corner_hz / f64::from(sample_rate_hz));
        1.0 / (1.0 + (warped(bin as f64 / length as f64) / corner).powi(4))
    };
    let mut spectrum: Vec<Complex<f64>> = (0..=length / 2)
        .map(|bin| {
            let (last, others) =
                corners_hz.split_last().map_or((1.0, &[][..]), |(last, rest)| (below(*last, bin), rest));
            let passed: f64 = others.iter().map(|&corner_hz| 1.0 - below(corner_hz, bin)).product();
            Complex::new(last * passed / length as f64, 0.0)
        })
        .collect();
    let mut time = vec![0.0; length];
    RealFftPlanner::new()
        .plan_fft_inverse(length)
        .process(&mut spectrum, &mut time)
        .expect("lengths are the planner's own");
    (0..=2 * reach).map(|index| time[index.abs_diff(reach)]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::crossover::SerialSplitter;
    use super::super::testing::{channel, impulse, noise, response};
    use super::*;

    const RATES_HZ: [u32; 6] = [8000, 44_100, 48_000, 96_000, 192_000, 384_000];

    fn sum<const N: usize>(bands: [Frame; N]) -> Frame {
        bands.into_iter().fold([0.0; 2], |sum, band| [sum[0] + band[0], sum[1] + band[1]])
    }

    #[test]
    fn bands_sum_to_a_pure_delay_at_every_rate() {
        for rate in RATES_HZ {
            let mut splitter = LinearPhaseSplitter::<4>::new(&[20.0, 300.0, 3000.0], rate);
            let latency = splitter.latency_frames();
            let input = noise(latency + 2000, 3);
            let output: Vec<Frame> = input.iter().map(|frame| sum(splitter.split(*frame))).collect();
            for (output, input) in output[latency..].iter().zip(&input) {
                // A millionth of a dB is 1.15e-7 of the amplitude.
                assert!((output[0] - input[0]).abs() < 1e-12 && (output[1] - input[1]).abs() < 1e-12, "{rate} Hz");
            }
        }
    }

    #[test]
    fn every_band_follows_linkwitz_riley_with_the_phase_of_a_delay() {
        for (rate, corners_hz) in [(8000, [60.0, 700.0]), (44_100, [120.0, 5000.0]), (96_000, [200.0, 18_000.0])] {
            let mut splitter = LinearPhaseSplitter::<3>::new(&corners_hz, rate);
            let latency = splitter.latency_frames();
            let length = (4 * latency).next_power_of_two();
            let split: Vec<[Frame; 3]> = impulse(length).into_iter().map(|frame| splitter.split(frame)).collect();
            let warped = |hz: f64| (PI * hz / f64::from(rate)).tan();
            for band in 0..3 {
                let signal = channel(&split.iter().map(|bands| bands[band]).collect::<Vec<_>>(), 0);
                let bins = response(&signal);
                for bin in (1..length / 2).step_by(37) {
                    let hz = bin as f64 * f64::from(rate) / length as f64;
                    let low = corners_hz.map(|corner_hz| 1.0 / (1.0 + (warped(hz) / warped(corner_hz)).powi(4)));
                    let expected = [low[0], (1.0 - low[0]) * low[1], (1.0 - low[0]) * (1.0 - low[1])][band];
                    // Turned back by the delay, what is left is real.
                    let turn = 2.0 * PI * ((bin * latency) % length) as f64 / length as f64;
                    let seen = bins[bin] * Complex::from_polar(1.0, turn);
                    assert!((seen - expected).norm() < 1e-5, "{rate} Hz, band {band}, {hz} Hz: {seen} for {expected}");
                }
            }
        }
    }

    #[test]
    fn magnitudes_are_those_of_the_recursive_crossover() {
        let corners_hz = [200.0, 2000.0];
        let length = 1 << 16;
        let mut linear = LinearPhaseSplitter::<3>::new(&corners_hz, 48_000);
        let mut recursive = SerialSplitter::<3>::new(&corners_hz, 48_000);
        let both: Vec<_> =
            impulse(length).into_iter().map(|frame| (linear.split(frame), recursive.split(frame))).collect();
        for band in [0, 2] {
            let linear = response(&both.iter().map(|(bands, _)| bands[band][0]).collect::<Vec<_>>());
            let recursive = response(&both.iter().map(|(_, bands)| bands[band][0]).collect::<Vec<_>>());
            for (bin, (linear, recursive)) in linear.iter().zip(&recursive).enumerate() {
                assert!((linear.norm() - recursive.norm()).abs() < 1e-5, "band {band}, bin {bin}");
            }
        }
    }
}
