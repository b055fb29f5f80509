//! What limiters and clippers leave behind: how many samples crowd under the peak.
//!
//! A histogram of sample magnitudes just under the peak of each channel. The share of samples within 1 dB of it is the
//! "high-level sample density" of E. Deruty and D. Tardieu, "About Dynamic Processing in Mainstream Music" (JAES 62,
//! 2014), taken from the programme's own peak instead of full scale, so that a gain changes nothing. That clipping
//! shows as a spike in the outermost bin of such a histogram is the observation of J. Eaton and P. Naylor, "Detection
//! of clipping in coded speech signals" (EUSIPCO 2013).

use schemars::JsonSchema;
use serde::Serialize;

use crate::units::db_to_amplitude;

/// Bits of a magnitude that a bin leaves out: 12 bits of the mantissa stay, steps of 0.001 to 0.002 dB.
const DROPPED_BITS: u32 = 11;
/// Bins kept under the peak: over 1 dB.
const BINS: usize = 1024;
/// Samples looked at together.
const CHUNK: usize = 16;

/// How the samples crowd under the peak. A gain changes nothing. Shares are over both channels, each against its own
/// peak, to within 0.002 dB.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct PeakShape {
    /// Share of samples within 1 dB of the peak (high-level sample density). A sine has 0.30, mixes that were not
    /// limited well under 0.001.
    pub within_1_db_ratio: f64,
    /// Share of samples within 0.1 dB of the peak: more than 0.0001 speaks for a limiter.
    pub within_0_1_db_ratio: f64,
    /// Share of those samples that lie within 0.01 dB of the peak. Where the tops of waves are round it is about 0.3,
    /// the root of a tenth; where they are cut flat it goes towards 1.
    pub flat_top_ratio: f64,
}

/// Counts the samples of one channel just under its peak, wherever that turns out to be.
#[derive(Debug, Clone)]
pub(super) struct NearPeak {
    /// Bin of the largest sample yet.
    top: u32,
    /// Samples by bins under the top.
    counts: Box<[u64; BINS]>,
}

impl Default for NearPeak {
    fn default() -> Self {
        Self { top: 0, counts: Box::new([0; BINS]) }
    }
}

fn bin(magnitude: f32) -> u32 {
    magnitude.to_bits() >> DROPPED_BITS
}

impl NearPeak {
    /// Takes more samples, none of which exceeds `peak`; some sample yet must have reached it.
    pub(super) fn push(&mut self, samples: &[f32], peak: f32) {
        let top = bin(peak);
        if top > self.top {
            let rise = (top - self.top) as usize;
            if rise < BINS {
                self.counts.copy_within(..BINS - rise, rise);
            }
            self.counts[..rise.min(BINS)].fill(0);
            self.top = top;
        }
        // Whatever ends up within the bins is at or over this.
        let floor = f32::from_bits(self.top.saturating_sub(BINS as u32 - 1) << DROPPED_BITS);
        if peak < floor || peak == 0.0 {
            return;
        }
        for chunk in samples.chunks(CHUNK) {
            // All of them at once: most chunks hold nothing so high.
            if !chunk.iter().fold(false, |is_high, x| is_high | (x.abs() >= floor)) {
                continue;
            }
            for magnitude in chunk.iter().map(|x| x.abs()).filter(|&magnitude| magnitude >= floor) {
                self.counts[(self.top - bin(magnitude)) as usize] += 1;
            }
        }
    }

    /// How many samples lie within so many dB of the peak, at most 1.
    fn within(&self, db: f64) -> u64 {
        let peak = f32::from_bits(self.top << DROPPED_BITS);
        let lowest = bin((f64::from(peak) * db_to_amplitude(-db)) as f32);
        self.counts[..=((self.top - lowest) as usize).min(BINS - 1)].iter().sum()
    }
}

impl PeakShape {
    /// Of two channels of so many frames. `None` for silence.
    pub(super) fn of(channels: &[NearPeak; 2], frames: u64) -> Option<Self> {
        let within = |db| channels.iter().filter(|c| c.top > 0).map(|channel| channel.within(db)).sum::<u64>() as f64;
        let near = within(0.1);
        (near > 0.0).then(|| Self {
            within_1_db_ratio: within(1.0) / (2 * frames) as f64,
            within_0_1_db_ratio: near / (2 * frames) as f64,
            flat_top_ratio: within(0.01) / near,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::Noise;

    fn shape(samples: &[f32]) -> Option<PeakShape> {
        let mut near_peak = NearPeak::default();
        let mut peak = 0.0f32;
        for block in samples.chunks(1000) {
            peak = block.iter().fold(peak, |peak, x| peak.max(x.abs()));
            near_peak.push(block, peak);
        }
        PeakShape::of(&[near_peak.clone(), near_peak], samples.len() as u64)
    }

    fn noise() -> Vec<f32> {
        let mut noise = Noise(5);
        // The sum of twelve is nearly normal.
        (0..400_000).map(|_| 0.05 * (0..12).map(|_| noise.next() as f32).sum::<f32>()).collect()
    }

    #[test]
    fn a_sine_has_the_shares_of_theory() {
        let sine: Vec<f32> = (0..1_000_000).map(|n| (0.37 * (f64::from(n) * 0.123).sin()) as f32).collect();
        let shape = shape(&sine).expect("loud");
        let share = |db: f64| std::f64::consts::FRAC_2_PI * db_to_amplitude(-db).acos();
        assert!((shape.within_1_db_ratio - share(1.0)).abs() < 0.001, "{shape:?}");
        assert!((shape.within_0_1_db_ratio - share(0.1)).abs() < 0.002, "{shape:?}");
        assert!((shape.flat_top_ratio - share(0.01) / share(0.1)).abs() < 0.03, "{shape:?}");
    }

    #[test]
    fn clipping_shows_as_flat_tops_at_any_level() {
        let free = shape(&noise()).expect("loud");
        assert!(free.within_0_1_db_ratio < 1e-4, "{free:?}");
        for gain in [0.01, 1.0, 3.0] {
            let clipped: Vec<f32> = noise().iter().map(|x| gain * x.clamp(-0.2, 0.2)).collect();
            let shape = shape(&clipped).expect("loud");
            assert!(shape.within_0_1_db_ratio > 0.02 && shape.flat_top_ratio > 0.9, "{shape:?}");
        }
    }

    #[test]
    fn silence_has_no_shape() {
        assert_eq!(shape(&[0.0; 5000]), None);
        assert_eq!(shape(&[]), None);
    }
}
