//! Levels over time, crest factors, and the DR of "Measuring DR".

use pulp::{Arch, NullaryFnOnce};

use crate::audio::AudioBuffer;
use crate::units::{amplitude_to_db, amplitude_to_db_checked, power_to_db, power_to_db_checked};

use super::analysis::median;
use super::peak::slot_border;

/// Collects levels over time.
#[derive(Debug, Clone)]
pub struct LevelMeter {
    sample_rate_hz: u32,
    /// Of the slot under way.
    current: Sums,
    /// Of the slots before it.
    total: Sums,
    slots: Vec<LevelSlot>,
    dr: DrBlocks,
    arch: Arch,
}

/// One slot of 100 ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelSlot {
    /// Mean square of both channels together.
    pub mean_square: f64,
    /// Largest sample of either channel.
    pub peak: f32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    frames: u64,
    squares: [f64; 2],
    product: f64,
    values: [f64; 2],
    peaks: [f32; 2],
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.product += other.product;
        for c in 0..2 {
            self.squares[c] += other.squares[c];
            self.values[c] += other.values[c];
            self.peaks[c] = self.peaks[c].max(other.peaks[c]);
        }
    }
}

impl Sums {
    /// These sums with more samples.
    #[inline(always)]
    fn with(self, left: &[f32], right: &[f32]) -> Self {
        let Self { frames, mut squares, mut product, mut values, mut peaks } = self;
        for (&l, &r) in left.iter().zip(right) {
            let x = [f64::from(l), f64::from(r)];
            squares = [squares[0] + x[0] * x[0], squares[1] + x[1] * x[1]];
            values = [values[0] + x[0], values[1] + x[1]];
            product += x[0] * x[1];
            let magnitudes = [l.abs(), r.abs()];
            for (peak, magnitude) in peaks.iter_mut().zip(magnitudes) {
                *peak = if magnitude > *peak { magnitude } else { *peak };
            }
        }
        Self { frames: frames + left.len() as u64, squares, product, values, peaks }
    }
}

impl LevelMeter {
    /// A meter at rest.
    pub fn new(sample_rate_hz: u32) -> Self {
        Self {
            sample_rate_hz,
            current: Sums::default(),
            total: Sums::default(),
            slots: Vec::new(),
            dr: DrBlocks::new(sample_rate_hz),
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
            let position = position + (end - start) as u64;
            if position == self.dr.block_end() {
                self.close_dr_block();
            }
            if position == slot_end {
                self.close_slot();
            }
            start = end;
        }
    }

    fn close_slot(&mut self) {
        let slot = std::mem::take(&mut self.current);
        self.slots.push(LevelSlot {
            mean_square: (slot.squares[0] + slot.squares[1]) / (2.0 * slot.frames as f64),
            peak: slot.peaks[0].max(slot.peaks[1]),
        });
        self.total.add(&slot);
        self.dr.note_peaks(slot.peaks);
    }

    fn close_dr_block(&mut self) {
        self.dr.note_peaks(self.current.peaks);
        let squares = [0, 1].map(|c| self.total.squares[c] + self.current.squares[c]);
        self.dr.close(squares, self.total.frames + self.current.frames);
    }

    /// Ends the programme.
    pub fn finish(mut self) -> Levels {
        // A last slot that isn't full counts for the totals, and is no slot of its own.
        let rest = self.current;
        self.close_dr_block();
        self.total.add(&rest);
        Levels { slots: self.slots, dr14: self.dr.finish(), total: self.total }
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
    /// blocks of 3 s, or where a channel is silent.
    pub dr14: Option<f64>,
    total: Sums,
}

impl Levels {
    /// Peak over RMS of the whole programme, both channels together: 3.01 dB for a sine. `None` for silence.
    pub fn crest_db(&self) -> Option<f64> {
        let peak = f64::from(self.total.peaks[0].max(self.total.peaks[1]));
        let mean_square = (self.total.squares[0] + self.total.squares[1]) / (2.0 * self.total.frames as f64);
        amplitude_to_db_checked(peak).zip(power_to_db_checked(mean_square)).map(|(peak_db, rms_db)| peak_db - rms_db)
    }

    /// Median crest factor of windows of 400 ms that are no more than 20 dB quieter than the loudest: what a
    /// compressor or limiter takes away. `None` under 400 ms, or for silence.
    pub fn short_crest_db(&self) -> Option<f64> {
        let windows: Vec<_> = self
            .slots
            .chunks_exact(4)
            .map(|slots| {
                let power = slots.iter().map(|slot| slot.mean_square).sum::<f64>() / 4.0;
                (power, f64::from(slots.iter().fold(0.0f32, |peak, slot| peak.max(slot.peak))))
            })
            .collect();
        let gate = 0.01 * windows.iter().fold(0.0, |loudest: f64, (power, _)| loudest.max(*power));
        let crests = windows.into_iter().filter(|(power, _)| *power > gate);
        median(crests.map(|(power, peak)| amplitude_to_db(peak) - power_to_db(power)).collect())
    }

    /// Correlation of left and right, -1 to 1. `None` where either is silent.
    pub fn correlation(&self) -> Option<f64> {
        let [left, right] = self.total.squares;
        Some(self.total.product / (left * right).sqrt()).filter(|value| value.is_finite())
    }

    /// Power of the side over that of the mid, dB. `None` where either is silent, as the side of a mono file is.
    pub fn width_db(&self) -> Option<f64> {
        let [left, right] = self.total.squares;
        let (mid, side) = (left + right + 2.0 * self.total.product, left + right - 2.0 * self.total.product);
        // What f64 sums leave of an exact zero is no width.
        if side <= 1e-12 * mid || mid <= 1e-12 * side { None } else { power_to_db_checked(side / mid) }
    }

    /// Mean of each channel, full scale = 1.0: the DC offset.
    pub fn dc(&self) -> [f64; 2] {
        self.total.values.map(|sum| if self.total.frames == 0 { 0.0 } else { sum / self.total.frames as f64 })
    }
}

/// Blocks of 3 s for the DR value.
#[derive(Debug, Clone)]
struct DrBlocks {
    block_frames: u64,
    end: u64,
    start: u64,
    squares_before: [f64; 2],
    peaks: [f32; 2],
    /// RMS (of the convention in which a full-scale sine reads 1) and peak of each block, for both channels.
    blocks: [Vec<(f64, f32)>; 2],
}

impl DrBlocks {
    fn new(sample_rate_hz: u32) -> Self {
        // The published procedure counts 3 * (44100 + 60) samples at 44.1 kHz; other rates take 3 s.
        let block_frames = if sample_rate_hz == 44_100 { 132_480 } else { 3 * u64::from(sample_rate_hz) };
        Self {
            block_frames,
            end: block_frames,
            start: 0,
            squares_before: [0.0; 2],
            peaks: [0.0; 2],
            blocks: [Vec::new(), Vec::new()],
        }
    }

    fn block_end(&self) -> u64 {
        self.end
    }

    fn note_peaks(&mut self, peaks: [f32; 2]) {
        self.peaks = [self.peaks[0].max(peaks[0]), self.peaks[1].max(peaks[1])];
    }

    fn close(&mut self, squares: [f64; 2], position: u64) {
        let frames = position - self.start;
        if frames > 0 {
            for (c, blocks) in self.blocks.iter_mut().enumerate() {
                let mean_square = (squares[c] - self.squares_before[c]).max(0.0) / frames as f64;
                blocks.push(((2.0 * mean_square).sqrt(), self.peaks[c]));
            }
        }
        (self.start, self.end) = (position, position + self.block_frames);
        (self.squares_before, self.peaks) = (squares, [0.0; 2]);
    }

    fn finish(self) -> Option<f64> {
        let of_channel = |blocks: &[(f64, f32)]| {
            if blocks.len() < 2 {
                return None;
            }
            let mut rms: Vec<f64> = blocks.iter().map(|block| block.0).collect();
            let mut peaks: Vec<f32> = blocks.iter().map(|block| block.1).collect();
            rms.sort_by(|a, b| b.total_cmp(a));
            peaks.sort_by(|a, b| b.total_cmp(a));
            let loudest = (blocks.len() / 5).max(1);
            let power = rms[..loudest].iter().map(|value| value * value).sum::<f64>() / loudest as f64;
            power_to_db_checked(power).zip(amplitude_to_db_checked(f64::from(peaks[1]))).map(|(rms, peak)| peak - rms)
        };
        let [left, right] = self.blocks.each_ref().map(|blocks| of_channel(blocks));
        left.zip(right).map(|(left, right)| (0.5 * (left + right)).round())
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
        assert_eq!(levels(30, |n| (sine(n), 0.0)).dr14, None);
    }

    #[test]
    fn stereo_measures_of_known_signals() {
        let wide = levels(1, |n| (sine(n), (n as f32 * 0.237).sin()));
        assert!(wide.correlation().expect("loud").abs() < 0.01 && wide.width_db().expect("loud").abs() < 0.1);
        let mono = levels(1, |n| (sine(n), sine(n)));
        assert!((mono.correlation().expect("loud") - 1.0).abs() < 1e-12);
        assert_eq!(mono.width_db(), None);
        let offset = levels(1, |_| (0.02, 0.0));
        assert!((offset.dc()[0] - 0.02).abs() < 1e-6 && offset.correlation().is_none());
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
            (levels.slots.clone(), levels.crest_db(), levels.dr14)
        };
        assert_eq!(run(400_000), run(777));
    }
}
