//! True-peak look-ahead limiter.
//!
//! The signal is cut into control intervals of half a millisecond. Of each, the true peak is found
//! ([`TruePeaks`]); from the peaks and the settings follows the gain at each border between intervals
//! ([`GainEnvelope`]); the gain moves in a straight line between borders ([`apply`]).
//!
//! What users complain about in limiters is pumping, lost bass and distortion. So two reductions compete,
//! and the deeper one counts. The sustained one follows the peaks slowly, held for longer than half a period of the
//! lowest notes: under a lasting load it settles, and a bass note gets a constant gain instead of one that follows its
//! waveform. What a peak needs beyond that is left to the transient one, which is there for some milliseconds and gone
//! again before anything is heard to duck. Both grow along an S-shape within their look-ahead.
//!
//! Because peaks and gains are apart, "how loud would it get at 2 dB more drive?" is answered from the peaks alone.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::interpolation::{CONTEXT_FRAMES, Interpolator};
use crate::audio::AudioBuffer;
use crate::error::{Error, Result};
use crate::units::{amplitude_to_db, db_to_amplitude, one_pole_coefficient};

/// How the limiter works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimiterSettings {
    /// Gain before limiting, -60 to 40 dB. Default: 0.
    pub drive_db: f64,
    /// Highest true peak to let through, -20 to 0 dBTP. Default: -1.
    pub ceiling_dbtp: f64,
    /// How long before a peak the sustained reduction starts to grow, 2 to 20 ms. Default: 5.
    pub lookahead_ms: f64,
    /// How long a peak counts for the sustained reduction, 0 to 100 ms. Default: 15, half a period of 33 Hz.
    pub hold_ms: f64,
    /// Time to 63 % of the way up for the sustained reduction, 10 to 1000 ms. Default: 200.
    pub sustained_attack_ms: f64,
    /// Time to 63 % of the way back for the sustained reduction, 50 to 5000 ms. Default: 120.
    pub sustained_release_ms: f64,
    /// Time to 63 % of the way back for the transient reduction, 1 to 1000 ms. Default: 20.
    pub transient_release_ms: f64,
}

impl Default for LimiterSettings {
    fn default() -> Self {
        Self {
            drive_db: 0.0,
            ceiling_dbtp: -1.0,
            lookahead_ms: 5.0,
            hold_ms: 15.0,
            sustained_attack_ms: 200.0,
            sustained_release_ms: 120.0,
            transient_release_ms: 20.0,
        }
    }
}

impl LimiterSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        let fields = [
            ("drive_db", self.drive_db, -60.0, 40.0),
            ("ceiling_dbtp", self.ceiling_dbtp, -20.0, 0.0),
            ("lookahead_ms", self.lookahead_ms, 2.0, 20.0),
            ("hold_ms", self.hold_ms, 0.0, 100.0),
            ("sustained_attack_ms", self.sustained_attack_ms, 10.0, 1000.0),
            ("sustained_release_ms", self.sustained_release_ms, 50.0, 5000.0),
            ("transient_release_ms", self.transient_release_ms, 1.0, 1000.0),
        ];
        for (field, value, low, high) in fields {
            if !(low..=high).contains(&value) {
                return Err(Error::setting(format!("limiter.{field}"), format!("{value} is outside {low} to {high}")));
            }
        }
        Ok(())
    }
}

/// Frames in a control interval: half a millisecond.
pub fn interval_frames(sample_rate_hz: u32) -> usize {
    (sample_rate_hz as usize / 2000).max(4)
}

/// Finds the true peak of each control interval of a programme, both channels together, whatever the blocks.
#[derive(Debug, Clone)]
pub struct TruePeaks {
    interpolator: Interpolator,
    interval: usize,
    /// Context, then what is not yet part of a finished interval.
    left: Vec<f32>,
    right: Vec<f32>,
}

impl TruePeaks {
    /// A finder at rest.
    pub fn new(sample_rate_hz: u32) -> Self {
        let context = vec![0.0; CONTEXT_FRAMES];
        Self {
            interpolator: Interpolator::for_limiting(sample_rate_hz),
            interval: interval_frames(sample_rate_hz),
            left: context.clone(),
            right: context,
        }
    }

    /// Takes the next block and appends the peaks that it completes. A peak above `floor` is exact; below it, it may
    /// be read low, but never below the sample peak.
    pub fn push(&mut self, block: &AudioBuffer, floor: f32, peaks: &mut Vec<f32>) {
        self.left.extend_from_slice(block.left());
        self.right.extend_from_slice(block.right());
        let mut from = CONTEXT_FRAMES;
        while from + self.interval + CONTEXT_FRAMES <= self.left.len() {
            peaks.push(self.peak(from, from + self.interval, floor));
            from += self.interval;
        }
        self.left.drain(..from - CONTEXT_FRAMES);
        self.right.drain(..from - CONTEXT_FRAMES);
    }

    /// Ends the programme: silence follows it. Appends the remaining peaks; the last interval may be a partial one.
    pub fn finish(mut self, floor: f32, peaks: &mut Vec<f32>) {
        let end = self.left.len();
        self.left.resize(end + CONTEXT_FRAMES, 0.0);
        self.right.resize(end + CONTEXT_FRAMES, 0.0);
        let mut from = CONTEXT_FRAMES;
        while from < end {
            let to = (from + self.interval).min(end);
            peaks.push(self.peak(from, to, floor));
            from = to;
        }
    }

    fn peak(&self, from: usize, to: usize, floor: f32) -> f32 {
        self.interpolator.peak(&self.left, from, to, floor).max(self.interpolator.peak(&self.right, from, to, floor))
    }
}

/// Reductions are whole numbers of 2^-32 dB, so that sliding sums neither drift nor depend on where they began.
type FixedDb = i64;

const FIXED_ONE: f64 = 4_294_967_296.0;

/// Turns the peaks of control intervals into the reduction at the borders between them.
///
/// Border `k` lies before interval `k`. [`Self::push`] takes interval after interval and gives the borders in order,
/// a look-ahead later.
#[derive(Debug, Clone)]
pub struct GainEnvelope {
    drive_over_ceiling_db: f64,
    /// Peaks up to here pass.
    threshold: f64,
    last_need: FixedDb,
    sustained: Sustained,
    transient: Transient,
    /// Transient reductions, waiting for the sustained one at their border: it looks further ahead.
    waiting: VecDeque<f64>,
    /// Borders still to be swallowed before the first one comes out.
    warm_up: usize,
    latency: usize,
}

#[derive(Debug, Clone)]
struct Sustained {
    hold: SlidingMaximum,
    attack: f64,
    release: f64,
    state_db: f64,
    smoother: Smoother,
}

#[derive(Debug, Clone)]
struct Transient {
    hold: SlidingMaximum,
    release: f64,
    state_db: f64,
    smoother: Smoother,
}

/// Borders before a peak over which the transient reduction grows: 1.5 ms.
const TRANSIENT_LOOKAHEAD: usize = 3;

impl GainEnvelope {
    /// An envelope at rest, from validated settings.
    pub fn new(settings: &LimiterSettings, sample_rate_hz: u32) -> Self {
        let steps_per_s = f64::from(sample_rate_hz) / interval_frames(sample_rate_hz) as f64;
        let intervals = |ms: f64| (ms * 1e-3 * steps_per_s).round() as usize;
        let coefficient = |ms: f64| one_pole_coefficient(ms * 1e-3, steps_per_s);
        let lookahead = intervals(settings.lookahead_ms).max(TRANSIENT_LOOKAHEAD);
        Self {
            drive_over_ceiling_db: settings.drive_db - settings.ceiling_dbtp,
            threshold: db_to_amplitude(settings.ceiling_dbtp - settings.drive_db),
            last_need: 0,
            sustained: Sustained {
                hold: SlidingMaximum::new(lookahead + 1 + intervals(settings.hold_ms)),
                attack: coefficient(settings.sustained_attack_ms),
                release: coefficient(settings.sustained_release_ms),
                state_db: 0.0,
                smoother: Smoother::new(lookahead),
            },
            transient: Transient {
                // So that the smoother sees nothing less than a peak's need, it is held as long as the smoother looks.
                hold: SlidingMaximum::new(TRANSIENT_LOOKAHEAD + 1),
                release: coefficient(settings.transient_release_ms),
                state_db: 0.0,
                smoother: Smoother::new(TRANSIENT_LOOKAHEAD),
            },
            waiting: VecDeque::from(vec![0.0; lookahead - TRANSIENT_LOOKAHEAD]),
            warm_up: lookahead,
            latency: lookahead,
        }
    }

    /// Borders by which the output lags the input.
    pub fn latency(&self) -> usize {
        self.latency
    }

    /// Takes the true peak of the next interval (before drive); gives the reduction in dB (0 or more) at the next
    /// border, once the look-ahead is filled.
    pub fn push(&mut self, peak: f32) -> Option<f64> {
        let peak = f64::from(peak);
        let over_db = if peak > self.threshold { amplitude_to_db(peak) + self.drive_over_ceiling_db } else { 0.0 };
        let interval_need = to_fixed(over_db.max(0.0));
        // A border has to suit both intervals that it touches.
        let need = interval_need.max(self.last_need);
        self.last_need = interval_need;

        let sustained = self.sustained.push(need);
        self.waiting.push_back(self.transient.push(need));
        let transient = self.waiting.pop_front().unwrap_or_default();
        if self.warm_up > 0 {
            self.warm_up -= 1;
            return None;
        }
        Some(sustained.max(transient))
    }
}

impl Sustained {
    fn push(&mut self, need: FixedDb) -> f64 {
        let held_db = self.hold.push(need) as f64 / FIXED_ONE;
        let coefficient = if held_db > self.state_db { self.attack } else { self.release };
        self.state_db = settled(held_db + coefficient * (self.state_db - held_db));
        self.smoother.push(to_fixed(self.state_db))
    }
}

impl Transient {
    fn push(&mut self, need: FixedDb) -> f64 {
        let held_db = self.hold.push(need) as f64 / FIXED_ONE;
        self.state_db = settled(held_db.max(held_db + self.release * (self.state_db - held_db)));
        self.smoother.push(to_fixed(self.state_db))
    }
}

/// A release ends at a ten-thousandth of a dB: what lies below the threshold long after a peak is bit-exact.
fn settled(db: f64) -> f64 {
    if db < 1e-4 { 0.0 } else { db }
}

/// Two sliding means in a row that together look back over a number of values: their weights form a trapezium.
#[derive(Debug, Clone)]
struct Smoother {
    sums: [SlidingSum; 2],
    scale: f64,
}

impl Smoother {
    fn new(look_back: usize) -> Self {
        let lengths = [look_back / 2 + 1, look_back - look_back / 2 + 1];
        Self { sums: lengths.map(SlidingSum::new), scale: 1.0 / (FIXED_ONE * (lengths[0] * lengths[1]) as f64) }
    }

    /// The smoothed value in dB.
    fn push(&mut self, value: FixedDb) -> f64 {
        self.sums.iter_mut().fold(value, |value, sum| sum.push(value)) as f64 * self.scale
    }
}

/// Rounded up: a reduction is never too small.
fn to_fixed(db: f64) -> FixedDb {
    // A whole unit more than the truncated value: `ceil` is a library call on processors of the baseline.
    if db == 0.0 { 0 } else { (db * FIXED_ONE) as FixedDb + 1 }
}

/// The gain for a reduction in dB: exactly 1 for none.
pub fn gain_of_reduction(reduction_db: f64) -> f64 {
    db_to_amplitude(-reduction_db)
}

/// Multiplies one interval (or its first part) with a gain that moves in a straight line from the border before it to
/// the border after it, `interval` frames later.
pub fn apply(left: &mut [f32], right: &mut [f32], from_gain: f64, to_gain: f64, interval: usize) {
    if from_gain == 1.0 && to_gain == 1.0 {
        return;
    }
    let step = (to_gain - from_gain) / interval as f64;
    for (n, (l, r)) in left.iter_mut().zip(right).enumerate() {
        let gain = from_gain + step * n as f64;
        *l = (f64::from(*l) * gain) as f32;
        *r = (f64::from(*r) * gain) as f32;
    }
}

/// The largest of the last `length` values.
#[derive(Debug, Clone)]
struct SlidingMaximum {
    length: usize,
    count: usize,
    /// Falling values with the index at which each came: the front is the maximum.
    candidates: VecDeque<(usize, FixedDb)>,
}

impl SlidingMaximum {
    fn new(length: usize) -> Self {
        Self { length, count: 0, candidates: VecDeque::with_capacity(length + 1) }
    }

    fn push(&mut self, value: FixedDb) -> FixedDb {
        while self.candidates.back().is_some_and(|&(_, last)| last <= value) {
            self.candidates.pop_back();
        }
        self.candidates.push_back((self.count, value));
        if self.candidates.front().is_some_and(|&(index, _)| index + self.length <= self.count) {
            self.candidates.pop_front();
        }
        self.count += 1;
        self.candidates.front().map_or(value, |&(_, maximum)| maximum)
    }
}

/// The sum of the last `length` values; zeros before the first.
#[derive(Debug, Clone)]
struct SlidingSum {
    values: Vec<FixedDb>,
    oldest: usize,
    sum: FixedDb,
}

impl SlidingSum {
    fn new(length: usize) -> Self {
        Self { values: vec![0; length], oldest: 0, sum: 0 }
    }

    fn push(&mut self, value: FixedDb) -> FixedDb {
        self.sum += value - std::mem::replace(&mut self.values[self.oldest], value);
        self.oldest = if self.oldest + 1 == self.values.len() { 0 } else { self.oldest + 1 };
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 44_100;

    fn reductions(settings: &LimiterSettings, peaks: &[f32]) -> Vec<f64> {
        let mut envelope = GainEnvelope::new(settings, RATE_HZ);
        let silence = std::iter::repeat_n(0.0, envelope.latency() + 1);
        peaks.iter().copied().chain(silence).filter_map(|peak| envelope.push(peak)).collect()
    }

    #[test]
    fn every_interval_gets_at_least_the_reduction_that_it_needs() {
        let settings = LimiterSettings { drive_db: 6.0, hold_ms: 0.0, ..Default::default() };
        let mut state = 3u32;
        let peaks: Vec<f32> = (0..20_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state as f32 / u32::MAX as f32).powi(9)
            })
            .collect();
        let reductions = reductions(&settings, &peaks);
        assert_eq!(reductions.len(), peaks.len() + 1);
        for (k, &peak) in peaks.iter().enumerate() {
            let need_db = (amplitude_to_db(f64::from(peak)) + 7.0).max(0.0);
            assert!(reductions[k] >= need_db && reductions[k + 1] >= need_db, "interval {k}");
        }
    }

    #[test]
    fn below_the_ceiling_there_is_no_reduction_at_all() {
        assert!(reductions(&LimiterSettings::default(), &[0.89; 500]).iter().all(|&db| db == 0.0));
        assert_eq!(gain_of_reduction(0.0), 1.0);
    }

    #[test]
    fn a_bass_note_gets_a_constant_gain() {
        // 50 Hz: a peak every 10 ms, that is every 20 intervals.
        let peaks: Vec<f32> = (0..12_000).map(|k| (std::f32::consts::PI * k as f32 / 20.0).sin().abs()).collect();
        let settings = LimiterSettings { drive_db: 6.0, ..Default::default() };
        let reductions = reductions(&settings, &peaks);
        let steady = &reductions[8000..11_900];
        let spread = steady.iter().fold(0.0f64, |spread, db| spread.max((db - steady[0]).abs()));
        assert!((steady[0] - 7.0).abs() < 0.01 && spread < 1e-4, "{} +- {spread}", steady[0]);
    }

    #[test]
    fn a_burst_is_limited_at_once_and_the_gain_is_back_half_a_second_after_it() {
        let mut peaks = vec![0.4f32; 3000];
        peaks[1000..1200].fill(1.6);
        let reductions = reductions(&LimiterSettings::default(), &peaks);
        assert!((reductions[1000] - 5.08).abs() < 0.01 && (reductions[1199] - 5.08).abs() < 0.3);
        assert!(reductions[980] == 0.0 && reductions[998] > 0.5, "look-ahead");
        assert!(reductions[2200] < 0.1, "{}", reductions[2200]);
    }

    #[test]
    fn peaks_do_not_depend_on_blocks_and_cover_the_last_sample() {
        let samples: Vec<f32> = (0..1000).map(|n| (n as f32 * 0.7).sin() * if n == 999 { 2.0 } else { 0.5 }).collect();
        let run = |sizes: usize| {
            let (mut peaks, mut finder) = (Vec::new(), TruePeaks::new(RATE_HZ));
            for chunk in samples.chunks(sizes) {
                finder.push(&AudioBuffer::from_channels(RATE_HZ, chunk.to_vec(), chunk.to_vec()), 0.0, &mut peaks);
            }
            finder.finish(0.0, &mut peaks);
            peaks
        };
        let peaks = run(1000);
        assert_eq!(peaks.len(), 1000usize.div_ceil(interval_frames(RATE_HZ)));
        assert!(*peaks.last().expect("not empty") >= samples[999].abs());
        assert_eq!(peaks, run(7));
    }
}
