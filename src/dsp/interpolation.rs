//! Band-limited interpolation between samples, and the peak that it finds there.
//!
//! A Kaiser-windowed sinc (beta 9, 48 taps) evaluated on a grid of up to 16 points a sample. The samples themselves
//! are grid points, so the peak found is never under the sample peak. Under-read of a steady tone, any phase, up to
//! 0.45 of the sample rate: at most 0.03 dB at 16 points.
//!
//! Most of the work is not done. Where no sample nearby is large enough for the signal between to reach the peak
//! already known, nothing is evaluated; where it is, the grid is refined from 2 points a sample upwards only as long as
//! a finer one could still find more. What is evaluated runs in the widest vectors that the processor has; it multiplies
//! and adds in the same order with each, so the results are the same to the bit.

use pulp::Arch;

/// Samples of context that the kernel needs on either side of a stretch.
pub const CONTEXT_FRAMES: usize = TAPS / 2;

const TAPS: usize = 48;
/// Frames evaluated at a time: a few vector registers.
const SEGMENT_FRAMES: usize = 24;
const KAISER_BETA: f64 = 9.0;

/// Interpolates a signal between its samples.
#[derive(Debug, Clone)]
pub struct Interpolator {
    grids: Vec<Grid>,
    /// What the signal between samples can reach at the most, as a multiple of the largest sample nearby.
    bound: f32,
    arch: Arch,
}

/// The points that one refinement adds.
#[derive(Debug, Clone)]
struct Grid {
    phases: Vec<[f32; TAPS]>,
    /// What a finer grid can reach at the most, as a multiple of this one's peak nearby: a signal limited to half the
    /// sample rate rises between `n` points a sample by at most `1 / cos(pi / (2 n))`.
    rise: f32,
}

impl Interpolator {
    /// For measuring: 16 points a sample at up to 64 kHz, 8 up to 128 kHz, 4 above: at least 700 000 points a second.
    pub fn for_measuring(sample_rate_hz: u32) -> Self {
        match sample_rate_hz {
            0..=64_000 => Self::new(&[2, 4, 16]),
            64_001..=128_000 => Self::new(&[2, 8]),
            _ => Self::new(&[2, 4]),
        }
    }

    /// For steering a limiter: a quarter of the points.
    pub fn for_limiting(sample_rate_hz: u32) -> Self {
        match sample_rate_hz {
            0..=64_000 => Self::new(&[2, 4]),
            _ => Self::new(&[2]),
        }
    }

    /// Grids of rising numbers of points a sample, each a multiple of the one before.
    fn new(factors: &[usize]) -> Self {
        let mut coarser = 1;
        let grids: Vec<Grid> = factors
            .iter()
            .map(|&factor| {
                let new_points = (1..factor).filter(|point| point % (factor / coarser) != 0);
                let phases = new_points.map(|point| kernel(point as f64 / factor as f64)).collect();
                coarser = factor;
                Grid { phases, rise: 1.0 / (std::f32::consts::PI / (2.0 * factor as f32)).cos() }
            })
            .collect();
        let weight = |taps: &[f32; TAPS]| taps.iter().map(|tap| tap.abs()).sum::<f32>();
        let bound = grids.iter().flat_map(|grid| &grid.phases).map(weight).fold(1.0, f32::max);
        Self { grids, bound, arch: Arch::new() }
    }

    /// The largest magnitude of the signal from sample `from` up to, not including, sample `to`, where it exceeds
    /// `floor`; some value not above `floor` where it doesn't (never under the sample peak).
    ///
    /// `signal` must reach [`CONTEXT_FRAMES`] before `from` and beyond `to`.
    ///
    /// # Panics
    /// If the context is missing.
    pub fn peak(&self, signal: &[f32], from: usize, to: usize, floor: f32) -> f32 {
        assert!(from >= CONTEXT_FRAMES && to + CONTEXT_FRAMES <= signal.len(), "context is missing");
        // One dispatch for the whole stretch, so that everything below is compiled for the processor at hand.
        self.arch.dispatch(
            #[inline(always)]
            || self.search(signal, from, to, floor),
        )
    }

    #[inline(always)]
    fn search(&self, signal: &[f32], from: usize, to: usize, floor: f32) -> f32 {
        let mut peak = magnitude(&signal[from..to]);
        let mut start = from;
        while start < to {
            let frames = SEGMENT_FRAMES.min(to - start);
            let window = &signal[start - (CONTEXT_FRAMES - 1)..start + frames + CONTEXT_FRAMES];
            let mut reach = magnitude(window) * self.bound;
            let mut nearby = magnitude(&signal[start..start + frames + 1]);
            for grid in &self.grids {
                if reach <= peak.max(floor) {
                    break;
                }
                let between = evaluate(&grid.phases, window, frames);
                peak = peak.max(between);
                nearby = nearby.max(between);
                reach = nearby * grid.rise;
            }
            start += frames;
        }
        peak
    }
}

#[inline(always)]
fn magnitude(signal: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (chunks, rest) = signal.as_chunks::<8>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = if x.abs() > *lane { x.abs() } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(0.0, |peak, x| peak.max(x.abs()))
}

/// Peak of the interpolated points that follow each of the first `frames` samples of a window.
#[inline(always)]
fn evaluate(phases: &[[f32; TAPS]], window: &[f32], frames: usize) -> f32 {
    let mut padded = [0.0f32; SEGMENT_FRAMES + TAPS - 1];
    padded[..frames + TAPS - 1].copy_from_slice(&window[..frames + TAPS - 1]);
    let mut peak = 0.0f32;
    for taps in phases {
        let mut sums = [0.0f32; SEGMENT_FRAMES];
        for (tap, &weight) in taps.iter().enumerate() {
            let inputs: &[f32; SEGMENT_FRAMES] = padded[tap..tap + SEGMENT_FRAMES].try_into().expect("length is fixed");
            for (sum, x) in sums.iter_mut().zip(inputs) {
                *sum += weight * x;
            }
        }
        peak = peak.max(magnitude(&sums[..frames]));
    }
    peak
}

/// Weights that give the signal `fraction` of a sample after the middle of 48 samples (after the 24th).
fn kernel(fraction: f64) -> [f32; TAPS] {
    let half = CONTEXT_FRAMES as f64;
    let mut taps = [0.0; TAPS];
    for (index, tap) in taps.iter_mut().enumerate() {
        let distance = index as f64 - (half - 1.0) - fraction;
        let x = std::f64::consts::PI * distance;
        let sinc = if x == 0.0 { 1.0 } else { x.sin() / x };
        let radius = (1.0 - (distance / half).powi(2)).max(0.0).sqrt();
        *tap = sinc * bessel_i0(KAISER_BETA * radius) / bessel_i0(KAISER_BETA);
    }
    // Constant signals stay constant.
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
}

/// Modified Bessel function of the first kind and order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..50 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn tone(normalised_frequency: f64, phase: f64, frames: usize) -> Vec<f32> {
        (0..frames).map(|n| (TAU * normalised_frequency * n as f64 + phase).sin() as f32).collect()
    }

    #[test]
    fn steady_tones_read_within_their_bound() {
        let interpolator = Interpolator::for_measuring(44_100);
        let (mut low, mut high) = (f64::MAX, f64::MIN);
        for step in 1..=45 {
            for phase in 0..16 {
                let signal = tone(f64::from(step) / 100.0, TAU * f64::from(phase) / 32.0, 1000);
                let peak_db = 20.0 * f64::from(interpolator.peak(&signal, 100, 900, 0.0)).log10();
                (low, high) = (low.min(peak_db), high.max(peak_db));
            }
        }
        assert!(low > -0.03 && high < 0.001, "{low} to {high} dB");
    }

    #[test]
    fn skipping_changes_nothing() {
        let interpolator = Interpolator::for_measuring(44_100);
        let mut state = 7u32;
        let signal: Vec<f32> = (0..20_000)
            .map(|n| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let swell = (n as f32 / 900.0).sin().powi(6);
                (state as f32 / u32::MAX as f32 - 0.5) * swell
            })
            .collect();
        let all: Vec<_> = interpolator.grids.iter().flat_map(|grid| grid.phases.clone()).collect();
        let (from, to) = (CONTEXT_FRAMES, signal.len() - CONTEXT_FRAMES);
        let everything = (from..to)
            .map(|n| evaluate(&all, &signal[n + 1 - CONTEXT_FRAMES..n + 1 + CONTEXT_FRAMES], 1).max(signal[n].abs()))
            .fold(0.0, f32::max);
        assert_eq!(interpolator.peak(&signal, from, to, 0.0), everything);
    }
}
