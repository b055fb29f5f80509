//! True-peak look-ahead limiter.
//!
//! The signal is cut into control intervals of half a millisecond. Of each, the true peak is found
//! ([`TruePeaks`]); from the peaks and the settings follows the gain at each border between intervals
//! ([`GainEnvelope`]); the gain moves in a straight line between borders ([`apply`]).
//!
//! What users complain about in limiters is pumping, lost bass and distortion. So: the reduction that a peak needs is
//! held for a while after it, longer than half a period of the lowest notes, so that the gain does not follow the
//! waveform of a bass; after a short peak the gain comes back fast; under a sustained load a slow part takes over and
//! fast releases end on it; and the way down is an S-shape spread over the whole look-ahead.
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
    /// How long before a peak the gain starts to fall, 1 to 20 ms. Default: 5.
    pub lookahead_ms: f64,
    /// How long the full reduction is kept after a peak, 0 to 100 ms. Default: 15, half a period of 33 Hz.
    pub hold_ms: f64,
    /// Time to 63 % of the way back after a short peak, 5 to 1000 ms. Default: 60.
    pub release_ms: f64,
    /// Time to 63 % of the way back after a sustained load, 50 to 5000 ms. Default: 600.
    pub sustained_release_ms: f64,
}

impl Default for LimiterSettings {
    fn default() -> Self {
        Self {
            drive_db: 0.0,
            ceiling_dbtp: -1.0,
            lookahead_ms: 5.0,
            hold_ms: 15.0,
            release_ms: 60.0,
            sustained_release_ms: 600.0,
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
            ("lookahead_ms", self.lookahead_ms, 1.0, 20.0),
            ("hold_ms", self.hold_ms, 0.0, 100.0),
            ("release_ms", self.release_ms, 5.0, 1000.0),
            ("sustained_release_ms", self.sustained_release_ms, 50.0, 5000.0),
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
    hold: SlidingMaximum,
    fast_release: f64,
    slow_attack: f64,
    slow_release: f64,
    fast_db: f64,
    slow_db: f64,
    smoothers: [SlidingMean; 2],
    /// Borders still to be swallowed before the first one comes out.
    warm_up: usize,
    latency: usize,
}

impl GainEnvelope {
    /// How fast a sustained load charges the slow release.
    const SLOW_ATTACK_S: f64 = 0.2;

    /// An envelope at rest, from validated settings.
    pub fn new(settings: &LimiterSettings, sample_rate_hz: u32) -> Self {
        let steps_per_s = f64::from(sample_rate_hz) / interval_frames(sample_rate_hz) as f64;
        let intervals = |ms: f64| (ms * 1e-3 * steps_per_s).round() as usize;
        let lookahead = intervals(settings.lookahead_ms).max(2);
        // Two means in a row, together as long as the look-ahead: their weights form a trapezium.
        let lengths = [lookahead / 2 + 1, lookahead - lookahead / 2 + 1];
        Self {
            drive_over_ceiling_db: settings.drive_db - settings.ceiling_dbtp,
            threshold: db_to_amplitude(settings.ceiling_dbtp - settings.drive_db),
            // A border needs the reduction of both intervals that it touches, and the means see `lookahead` borders
            // back: so that they see nothing less than a peak's reduction, it is held that long, and then some.
            hold: SlidingMaximum::new(lookahead + 2 + intervals(settings.hold_ms)),
            fast_release: one_pole_coefficient(settings.release_ms * 1e-3, steps_per_s),
            slow_attack: one_pole_coefficient(Self::SLOW_ATTACK_S, steps_per_s),
            slow_release: one_pole_coefficient(settings.sustained_release_ms * 1e-3, steps_per_s),
            fast_db: 0.0,
            slow_db: 0.0,
            smoothers: lengths.map(SlidingMean::new),
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
        let held_db = self.hold.push(to_fixed(over_db.max(0.0))) as f64 / FIXED_ONE;

        let follow = |state: f64, rise: f64, fall: f64| {
            let next = held_db + (if held_db > state { rise } else { fall }) * (state - held_db);
            if next < 1e-4 { 0.0 } else { next }
        };
        self.fast_db = follow(self.fast_db, 0.0, self.fast_release);
        self.slow_db = follow(self.slow_db, self.slow_attack, self.slow_release);

        let mut smooth = to_fixed(self.fast_db.max(self.slow_db));
        for smoother in &mut self.smoothers {
            smooth = smoother.push(smooth);
        }
        if self.warm_up > 0 {
            self.warm_up -= 1;
            return None;
        }
        Some(smooth as f64 / FIXED_ONE)
    }
}

/// Rounded up: a reduction is never too small.
fn to_fixed(db: f64) -> FixedDb {
    (db * FIXED_ONE).ceil() as FixedDb
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

/// The mean of the last `length` values, rounded up; zero before the first.
#[derive(Debug, Clone)]
struct SlidingMean {
    values: VecDeque<FixedDb>,
    sum: FixedDb,
}

impl SlidingMean {
    fn new(length: usize) -> Self {
        Self { values: VecDeque::from(vec![0; length]), sum: 0 }
    }

    fn push(&mut self, value: FixedDb) -> FixedDb {
        self.sum += value - self.values.pop_front().unwrap_or(0);
        self.values.push_back(value);
        let length = self.values.len() as FixedDb;
        (self.sum + length - 1) / length
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
        let peaks: Vec<f32> = (0..4000).map(|k| (std::f32::consts::PI * k as f32 / 20.0).sin().abs()).collect();
        let settings = LimiterSettings { drive_db: 6.0, ..Default::default() };
        let reductions = reductions(&settings, &peaks);
        let steady = &reductions[2000..3900];
        let spread = steady.iter().fold(0.0f64, |spread, db| spread.max((db - steady[0]).abs()));
        assert!((steady[0] - 7.0).abs() < 0.01 && spread < 1e-6, "{} +- {spread}", steady[0]);
    }

    #[test]
    fn the_gain_is_back_half_a_second_after_a_burst() {
        let mut peaks = vec![0.4f32; 3000];
        peaks[1000..1200].fill(1.6);
        let reductions = reductions(&LimiterSettings::default(), &peaks);
        assert!((reductions[1100] - 5.08).abs() < 0.01);
        assert!(reductions[985] == 0.0 && reductions[995] > 1.0, "look-ahead");
        assert!(reductions[2200] < 0.9 * 5.08 && reductions[2999] < 1.0, "{}", reductions[2200]);
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
