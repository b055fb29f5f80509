//! Whether each channel was limited by itself.
//!
//! A limiter that turns both channels down together leaves their difference in level alone: where one is at the ceiling, the
//! other is there too by chance only. One that works on each channel holds both at the ceiling wherever both exceed it, far more
//! often than chance has it. Counted are peaks of 1 ms, and chance is how often the channels differ by little more.
//!
//! On 64 masters of the suggester's validation packages behind two makers' limiters, the ratio was under 1.7 with the linked one
//! (ffmpeg's), and over that on 30 of 36 with the other (JUCE's, in pedalboard); the rest were hardly limited.

use pulp::{Arch, NullaryFnOnce};

use crate::dsp::interpolation::magnitude;
use crate::units::db_to_amplitude;

/// Peaks are those of so many windows a second.
const WINDOWS_PER_S: u32 = 1000;
/// At the ceiling is what lies so far under the programme's peak, dB.
const CEILING_DB: f64 = 0.1;
/// Chance is looked at farther down, too, where no limiter holds anything: between these, dB.
const BELOW_DB: (f64, f64) = (1.0, 2.0);
/// Channels that differ by less than the first coincide, by less than the second do so nearly, dB.
const NEAR_DB: f64 = 0.1;
const APART_DB: f64 = 0.5;
/// Fewer windows at the ceiling than this prove nothing.
const LEAST_WINDOWS: f64 = 10.0;
/// Bits of a peak that a bin leaves out: 9 bits of the mantissa stay, steps of 0.008 to 0.017 dB.
const DROPPED_BITS: u32 = 14;
/// Bins kept under the peak: over 2 dB.
const BINS: usize = 256;

/// Counts how often both channels peak alike, wherever the programme's peak turns out to be.
#[derive(Debug, Clone)]
pub(super) struct Coincidence {
    window_frames: usize,
    /// Frames of the window under way, and its peaks.
    filled: usize,
    peaks: [f32; 2],
    /// Bin of the highest peak yet.
    top: u32,
    /// Windows that coincide, and that nearly do, by bins under the top.
    counts: Box<[[u64; 2]; BINS]>,
    /// The quieter channel over the louder, at least.
    ratios: [f32; 2],
    arch: Arch,
}

/// The largest sample of each channel, as a value: its body is sure to be compiled for the processor that it is dispatched to.
struct Magnitudes<'a>([&'a [f32]; 2]);

impl NullaryFnOnce for Magnitudes<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn call(self) -> [f32; 2] {
        self.0.map(magnitude)
    }
}

fn bin(peak: f32) -> u32 {
    peak.to_bits() >> DROPPED_BITS
}

impl Coincidence {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        Self {
            window_frames: (sample_rate_hz / WINDOWS_PER_S).max(1) as usize,
            filled: 0,
            peaks: [0.0; 2],
            top: 0,
            counts: Box::new([[0; 2]; BINS]),
            ratios: [NEAR_DB, APART_DB].map(|db| db_to_amplitude(-db) as f32),
            arch: Arch::new(),
        }
    }

    /// Takes more samples, none of which exceeds `peak`.
    pub(super) fn push(&mut self, left: &[f32], right: &[f32], peak: f32) {
        let mut start = 0;
        while start < left.len() {
            let left_over = left.len() - start;
            if self.filled == 0 && left_over >= self.window_frames && self.is_out(bin(peak)) {
                start += left_over - left_over % self.window_frames;
                continue;
            }
            let end = start + left_over.min(self.window_frames - self.filled);
            let of_piece = self.arch.dispatch(Magnitudes([&left[start..end], &right[start..end]]));
            self.peaks = [self.peaks[0].max(of_piece[0]), self.peaks[1].max(of_piece[1])];
            self.filled += end - start;
            if self.filled == self.window_frames {
                self.filled = 0;
                let [left, right] = std::mem::take(&mut self.peaks);
                self.count(left.max(right), left.min(right));
            }
            start = end;
        }
    }

    /// Whether a window that peaks in a bin is too low to be counted.
    fn is_out(&self, bin: u32) -> bool {
        self.top.saturating_sub(bin) as usize >= BINS
    }

    fn count(&mut self, louder: f32, quieter: f32) {
        let here = bin(louder);
        if here > self.top {
            let rise = ((here - self.top) as usize).min(BINS);
            self.counts.copy_within(..BINS - rise, rise);
            self.counts[..rise].fill([0; 2]);
            self.top = here;
        }
        let under = (self.top - here) as usize;
        if let Some(counts) = self.counts.get_mut(under)
            && quieter > self.ratios[1] * louder
        {
            counts[usize::from(quieter <= self.ratios[0] * louder)] += 1;
        }
    }

    /// How many times as often as by chance both channels stand at the ceiling together, at the least: a standard deviation under
    /// what was counted. `None` where that says nothing: few places at the ceiling, one channel, no difference between both.
    pub(super) fn ratio(&self) -> Option<f64> {
        let [near, apart] = self.within((0.0, CEILING_DB));
        let [near_below, apart_below] = self.within(BELOW_DB);
        if near + apart < LEAST_WINDOWS || apart + apart_below == 0.0 {
            return None;
        }
        // As often for each dB of difference.
        let density = |near: f64, apart: f64| near / NEAR_DB / (apart.max(1.0) / (APART_DB - NEAR_DB));
        let by_nature = density(near_below, apart_below).max(1.0);
        Some((density(near - near.sqrt(), apart) / by_nature).max(0.0))
    }

    /// Windows whose louder channel lies so far under the peak, dB.
    fn within(&self, (from_db, to_db): (f64, f64)) -> [f64; 2] {
        let top = f64::from(f32::from_bits(self.top << DROPPED_BITS));
        let under = |db: f64| ((self.top - bin((top * db_to_amplitude(-db)) as f32)) as usize).min(BINS);
        let bins = under(from_db)..under(to_db).max(under(from_db) + 1).min(BINS);
        self.counts[bins].iter().fold([0.0; 2], |sum, counts| [0, 1].map(|k| sum[k] + counts[k] as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Levels that share a part, new ones every millisecond and limited to 1: each channel by itself, or both by the louder one.
    fn ratio(is_linked: bool, is_wide: bool) -> Option<f64> {
        let mut noise = crate::dsp::testing::Noise(7);
        let mut meter = Coincidence::new(48_000);
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        for _ in 0..60_000 {
            let mid = 1.2 * noise.next() as f32;
            let side = if is_wide { 0.6 * noise.next() as f32 } else { 0.0 };
            let (left, right) = (mid + side, mid - side);
            let gain = |peak: f32| 1.0 / peak.abs().max(1.0);
            let gains = if is_linked { [gain(left.abs().max(right.abs())); 2] } else { [gain(left), gain(right)] };
            lefts.extend([left * gains[0]; 48]);
            rights.extend([right * gains[1]; 48]);
        }
        for (left, right) in lefts.chunks(1000).zip(rights.chunks(1000)) {
            meter.push(left, right, magnitude(left).max(magnitude(right)));
        }
        meter.ratio()
    }

    #[test]
    fn channels_that_were_limited_each_by_itself_meet_at_the_ceiling() {
        let (apart, linked) = (ratio(false, true).expect("wide"), ratio(true, true).expect("wide"));
        assert!(apart > 3.0 && linked < 1.3, "{apart} and {linked}");
        assert_eq!(ratio(false, false), None);
    }
}
