//! Levels over time, crest factors, and the DR of "Measuring DR".

use pulp::{Arch, NullaryFnOnce};

use crate::audio::{AudioBuffer, assert_rate};
use crate::slots::slot_border;
use crate::units::{amplitude_to_db, amplitude_to_db_checked, power_to_db, power_to_db_checked};

use super::coincidence::Coincidence;
use super::dr::DrBlocks;
use super::near_peak::{NearPeak, PeakShape};
use super::sums::{Sums, Total};
use crate::statistics::median;

/// Collects levels over time.
#[derive(Debug, Clone)]
pub struct LevelMeter {
    sample_rate_hz: u32,
    /// Since the last border of a slot or a DR block.
    current: Sums,
    /// Of the slot under way, up to there.
    slot: Total,
    /// Of the whole programme, up to there.
    total: Total,
    slots: Vec<LevelSlot>,
    dr: DrBlocks,
    near_peak: [NearPeak; 2],
    coincidence: Coincidence,
    arch: Arch,
}

/// One slot of 100 ms.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LevelSlot {
    /// Mean of left and right: the offset.
    pub means: [f64; 2],
    /// Mean square of left and right.
    pub mean_squares: [f64; 2],
    /// Mean product of left and right.
    pub product: f64,
    /// Largest sample of either channel.
    pub peak: f32,
}

impl LevelSlot {
    /// Several slots as one.
    pub fn of(slots: &[Self]) -> Self {
        let mean = |of: fn(&Self) -> f64| slots.iter().map(of).sum::<f64>() / slots.len().max(1) as f64;
        Self {
            means: [mean(|slot| slot.means[0]), mean(|slot| slot.means[1])],
            mean_squares: [mean(|slot| slot.mean_squares[0]), mean(|slot| slot.mean_squares[1])],
            product: mean(|slot| slot.product),
            peak: slots.iter().fold(0.0, |peak, slot| peak.max(slot.peak)),
        }
    }

    /// Mean square of both channels together.
    pub fn mean_square(&self) -> f64 {
        0.5 * (self.mean_squares[0] + self.mean_squares[1])
    }

    /// Correlation of left and right about their means, -1 to 1: an offset makes channels neither agree nor oppose each other. `None`
    /// where either is silent but for its offset.
    pub fn correlation(&self) -> Option<f64> {
        let [left, right] = self.variances();
        correlation(self.covariance(), left, right)
    }

    /// Power of the side over that of the mid, both about their means, dB. `None` where either is silent, as the side of a mono file
    /// is.
    pub fn width_db(&self) -> Option<f64> {
        let [left, right] = self.variances();
        let (both, shared) = (0.5 * (left + right), self.covariance());
        let (mid, side) = (both + shared, both - shared);
        // What f64 sums leave of an exact zero is no width.
        let rest_of_offset = OFFSET_REST * self.means.iter().map(|mean| mean * mean).sum::<f64>();
        let is_none = |power: f64, other: f64| power <= rest_of_offset.max(1e-12 * other);
        if is_none(side, mid) || is_none(mid, side) { None } else { power_to_db_checked(side / mid) }
    }

    /// Power of the left over that of the right channel, both about their means, dB. `None` where either is silent.
    pub fn balance_db(&self) -> Option<f64> {
        let [left, right] = self.variances();
        power_to_db_checked(left / right)
    }

    /// Mean squares of left and right about their means; zero where a channel is nothing but an offset.
    fn variances(&self) -> [f64; 2] {
        [0, 1].map(|c| {
            let offset = self.means[c] * self.means[c];
            let variance = self.mean_squares[c] - offset;
            if variance <= OFFSET_REST * offset { 0.0 } else { variance }
        })
    }

    /// Mean product of left and right about their means.
    fn covariance(&self) -> f64 {
        self.product - self.means[0] * self.means[1]
    }
}

/// What roundings of f64 sums may leave of the power of an offset once it is taken out: -100 dB. An hour's come to -115 dB.
const OFFSET_REST: f64 = 1e-10;

/// Correlation of two channels by their mean product and mean squares, within -1 to 1 whatever roundings make of it. `None` where
/// either is silent.
pub(super) fn correlation(product: f64, left: f64, right: f64) -> Option<f64> {
    Some(product / (left * right).sqrt()).filter(|value| value.is_finite()).map(|value| value.clamp(-1.0, 1.0))
}

impl LevelMeter {
    /// A meter at rest.
    ///
    /// # Panics
    /// If the sample rate is outside 8 to 384 kHz.
    pub fn new(sample_rate_hz: u32) -> Self {
        assert_rate(sample_rate_hz);
        Self {
            sample_rate_hz,
            current: Sums::default(),
            slot: Total::default(),
            total: Total::default(),
            slots: Vec::new(),
            dr: DrBlocks::new(sample_rate_hz),
            near_peak: [NearPeak::default(), NearPeak::default()],
            coincidence: Coincidence::new(sample_rate_hz),
            arch: Arch::new(),
        }
    }

    /// Takes the next block.
    pub fn push(&mut self, block: &AudioBuffer) {
        let mut start = 0;
        while start < block.frames() {
            let position = self.total.frames + self.current.frames;
            let slot_end = slot_border(self.slots.len() as u64 + 1, self.sample_rate_hz);
            let stop = slot_end.min(self.dr.block_end());
            let end = block.frames().min(start + (stop - position) as usize);
            let (left, right) = (&block.left()[start..end], &block.right()[start..end]);
            let current = self.current;
            // The widest vectors at hand; the order of the sums, and so the result, is the same with all.
            self.current = self.arch.dispatch(Summation { sums: current, left, right });
            let peaks = self.current.total().peaks;
            for ((near_peak, samples), peak) in self.near_peak.iter_mut().zip([left, right]).zip(peaks) {
                near_peak.push(samples, peak);
            }
            self.coincidence.push(left, right, peaks[0].max(peaks[1]));
            let position = position + (end - start) as u64;
            if position == stop {
                self.close_stretch();
            }
            if position == slot_end {
                self.slots.push(std::mem::take(&mut self.slot).means());
            }
            if position == self.dr.block_end() {
                self.dr.close(self.total.squares, self.total.frames);
            }
            start = end;
        }
    }

    /// Ends what lies between two borders, so that its peaks count for its own DR block alone.
    fn close_stretch(&mut self) {
        let stretch = std::mem::take(&mut self.current).total();
        self.slot.add(&stretch);
        self.total.add(&stretch);
        self.dr.note_peaks(stretch.peaks);
    }

    /// Ends the programme.
    pub fn finish(mut self) -> Levels {
        // A last slot that isn't full counts for the totals, and is no slot of its own.
        self.close_stretch();
        self.dr.close(self.total.squares, self.total.frames);
        Levels {
            slots: self.slots,
            dr14: self.dr.finish(),
            peak_shape: PeakShape::of(&self.near_peak, self.total.frames),
            coincidence_ratio: self.coincidence.ratio(),
            total: self.total,
        }
    }
}

/// A summation as a value: unlike a closure's, its body is sure to be compiled for the processor that it is dispatched to.
struct Summation<'a> {
    sums: Sums,
    left: &'a [f32],
    right: &'a [f32],
}

impl NullaryFnOnce for Summation<'_> {
    type Output = Sums;

    #[inline(always)]
    fn call(self) -> Sums {
        self.sums.with(self.left, self.right)
    }
}

/// Levels over a whole programme.
#[derive(Debug, Clone)]
pub struct Levels {
    /// Every whole 100 ms.
    pub slots: Vec<LevelSlot>,
    /// Dynamic range after "Measuring DR" (Algorithmix, version 1.3, 2009), a whole number of dB. `None` under two
    /// whole blocks of 3 s (the last of more than two may be cut short), or where a channel is silent.
    pub dr14: Option<f64>,
    /// What limiters and clippers leave behind. `None` for silence.
    pub peak_shape: Option<PeakShape>,
    /// How many times as often as by chance both channels stand at the ceiling together, at the least: what a limiter leaves behind
    /// that works on each channel by itself. `None` where too little stands there, and where both channels are the same.
    pub coincidence_ratio: Option<f64>,
    total: Total,
}

impl Levels {
    /// The whole programme as one slot.
    pub fn whole(&self) -> LevelSlot {
        self.total.means()
    }

    /// Peak over RMS of the whole programme, both channels together: 3.01 dB for a sine (RMS is the plain root of the
    /// mean square; AES17 counts 3.01 dB less). `None` for silence.
    pub fn crest_db(&self) -> Option<f64> {
        let whole = self.whole();
        let (peak_db, rms_db) =
            (amplitude_to_db_checked(f64::from(whole.peak)), power_to_db_checked(whole.mean_square()));
        peak_db.zip(rms_db).map(|(peak_db, rms_db)| peak_db - rms_db)
    }

    /// Median crest factor of windows of 400 ms that are no more than 20 dB quieter than the loudest: what a
    /// compressor or limiter takes away. `None` under 400 ms, or for silence.
    pub fn short_crest_db(&self) -> Option<f64> {
        let windows: Vec<_> = self
            .slots
            .chunks_exact(4)
            .map(|slots| {
                let window = LevelSlot::of(slots);
                (window.mean_square(), f64::from(window.peak))
            })
            .collect();
        let gate = 0.01 * windows.iter().fold(0.0, |loudest: f64, (power, _)| loudest.max(*power));
        let crests = windows.into_iter().filter(|(power, _)| *power > gate);
        median(crests.map(|(power, peak)| amplitude_to_db(peak) - power_to_db(power)).collect())
    }

    /// Mean of each channel, full scale = 1.0: the DC offset.
    pub fn dc(&self) -> [f64; 2] {
        self.whole().means
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(seconds: usize, signal: impl Fn(usize) -> (f32, f32)) -> Levels {
        let mut block = AudioBuffer::new(44_100);
        for n in 0..seconds * 44_100 {
            let (l, r) = signal(n);
            block.push(l, r);
        }
        let mut meter = LevelMeter::new(44_100);
        meter.push(&block);
        meter.finish()
    }

    fn sine(n: usize) -> f32 {
        (n as f32 * 0.1).sin()
    }

    #[test]
    fn crest_factors_are_those_of_theory() {
        // Sine: sqrt(2). Square: 1. Triangle: sqrt(3).
        assert!((levels(10, |n| (sine(n), sine(n))).crest_db().expect("loud") - 3.0103).abs() < 0.001);
        let square = |n: usize| if n % 100 < 50 { 0.5 } else { -0.5 };
        assert!(levels(10, |n| (square(n), square(n))).crest_db().expect("loud").abs() < 1e-9);
        let triangle = |n: usize| ((n % 400) as f32 / 200.0 - 1.0).abs() * 2.0 - 1.0;
        let crest_db = levels(10, |n| (triangle(n), triangle(n))).short_crest_db().expect("loud");
        assert!((crest_db - 4.771).abs() < 0.01, "{crest_db}");
    }

    #[test]
    fn dr_of_a_sine_is_0_and_of_a_square_minus_3() {
        assert_eq!(levels(30, |n| (sine(n), sine(n))).dr14, Some(0.0));
        let square = |n: usize| if n % 100 < 50 { 0.9 } else { -0.9 };
        assert_eq!(levels(30, |n| (square(n), square(n))).dr14, Some(-3.0));
        assert_eq!(levels(2, |n| (sine(n), sine(n))).dr14, None);
        // One peak stays one, wherever in a block of 3 s it lies: the second highest is still the sine's.
        for border in [132_480, 264_960, 396_900] {
            for position in [border - 2_000, border - 1, border] {
                let with_peak = |n| if n == position { 1.0 } else { 0.25 * sine(n) };
                assert_eq!(levels(30, |n| (with_peak(n), with_peak(n))).dr14, Some(0.0), "{position}");
            }
        }
        assert_eq!(levels(30, |n| (sine(n), 0.0)).dr14, None);
    }

    #[test]
    fn dr_needs_two_whole_blocks() {
        // A second block that is short and nearly silent would tell of peaks far under the sound.
        let fading = |n: usize| if n < 132_480 { 0.5 * sine(n) } else { 0.001 * sine(n) };
        assert_eq!(levels(4, |n| (fading(n), fading(n))).dr14, None);
        let steady = |n: usize| (sine(n), sine(n));
        assert_eq!([6, 7].map(|seconds| levels(seconds, steady).dr14), [None, Some(0.0)], "two blocks have 6.008 s");
        // The rest after them counts: with its peak the second highest is one of 1.0.
        let rising = |n: usize| if (132_480..264_960).contains(&n) { 0.25 * sine(n) } else { sine(n) };
        assert_eq!(levels(7, |n| (rising(n), rising(n))).dr14, Some(0.0));
    }

    #[test]
    fn stereo_measures_of_known_signals() {
        let wide = levels(1, |n| (sine(n), (n as f32 * 0.237).sin()));
        assert!(
            wide.whole().correlation().expect("loud").abs() < 0.01
                && wide.whole().width_db().expect("loud").abs() < 0.1
        );
        let mono = levels(1, |n| (sine(n), sine(n)));
        assert!((mono.whole().correlation().expect("loud") - 1.0).abs() < 1e-12);
        assert_eq!(mono.whole().width_db(), None);
        // Roundings of sums of one channel at two levels come to this.
        assert_eq!([1.0, -1.0].map(|sign| correlation(sign * (1.0 + 2e-15), 1.0, 1.0)), [Some(1.0), Some(-1.0)]);
        let offset = levels(1, |_| (0.02, 0.0));
        assert!((offset.dc()[0] - 0.02).abs() < 1e-6 && offset.whole().correlation().is_none());
    }

    #[test]
    fn an_offset_is_neither_a_middle_nor_a_side() {
        let image = |offsets: [f32; 2]| {
            let (mid, side) = (|n| 0.1 * sine(n), |n: usize| 0.03 * (n as f32 * 0.237).sin());
            let levels = levels(3, |n| (offsets[0] + mid(n) + side(n), offsets[1] + mid(n) - side(n)));
            [levels.whole(), LevelSlot::of(&levels.slots), levels.slots[3]].map(|slot| {
                [slot.correlation(), slot.width_db(), slot.balance_db()].map(|value| value.expect("both are there"))
            })
        };
        let centred = image([0.0; 2]);
        assert!((centred[0][1] - 20.0 * 0.3f64.log10()).abs() < 0.05, "{centred:?}");
        for offsets in [[0.06, -0.06], [0.06, 0.06], [0.5, 0.0]] {
            let moved = image(offsets);
            let mut pairs = moved.iter().flatten().zip(centred.iter().flatten());
            assert!(pairs.all(|(moved, centred)| (moved - centred).abs() < 1e-4), "{offsets:?}: {moved:?}");
        }
        for offsets in [(0.02, -0.03), (0.3, 0.3), (0.7, 0.0)] {
            let whole = levels(60, |_| offsets).whole();
            assert_eq!((whole.correlation(), whole.width_db(), whole.balance_db()), (None, None, None), "{offsets:?}");
        }
        let mono = levels(1, |n| (sine(n) / 4.0 + 0.02, sine(n) / 4.0 - 0.02)).whole();
        assert_eq!(mono.width_db(), None);
    }

    #[test]
    fn blocks_do_not_matter() {
        let signal: Vec<f32> = (0..400_000).map(|n| sine(n) * (n as f32 * 1e-4).sin()).collect();
        let run = |sizes: usize| {
            let mut meter = LevelMeter::new(44_100);
            for chunk in signal.chunks(sizes) {
                meter.push(&AudioBuffer::from_channels(44_100, chunk.to_vec(), chunk.to_vec()));
            }
            let levels = meter.finish();
            (levels.slots.clone(), levels.crest_db(), levels.dr14, levels.peak_shape)
        };
        assert_eq!(run(400_000), run(777));
    }
}
