//! Flat tops: samples that were cut off at a level.

use super::cells::Group;
use super::thresholds::{
    CLIP_CORNER_SPREADS, CLIP_DBFS, CLIP_FAIL_FRAMES, CLIP_FAIL_RUNS, CLIP_FULL_SCALE, CLIP_RUN_FRAMES,
    CLIP_RUNS_BELOW_FULL_SCALE, CLIP_SPREAD, CLIP_WARNING_RUNS,
};
use super::{Check, Finding, Severity, Times};
use crate::units::{amplitude_to_db, db_to_amplitude};

/// Levels of flat tops are told apart in steps of this, dB.
const LEVEL_STEP_DB: f64 = 0.05;
/// Levels below full scale, from [`CLIP_DBFS`] on. The next one is full scale, then come those above it.
const BELOW_FULL_SCALE: usize = (-CLIP_DBFS / LEVEL_STEP_DB) as usize;
/// Up to +4 dBFS; what lies above counts with the last.
const LEVELS: usize = BELOW_FULL_SCALE + 1 + 80;

/// Finds flat tops in both channels.
#[derive(Debug, Clone)]
pub(super) struct Clipping {
    /// Least magnitude of a flat top.
    floor: f32,
    /// Up to where each channel has been looked at.
    done: [u64; 2],
    /// Flat tops by level.
    levels: Vec<Level>,
}

#[derive(Debug, Clone, Default)]
struct Level {
    count: usize,
    longest: usize,
    times: Times,
}

impl Clipping {
    pub(super) fn new() -> Self {
        let floor = db_to_amplitude(CLIP_DBFS) as f32;
        Self { floor, done: [0; 2], levels: vec![Level::default(); LEVELS] }
    }

    pub(super) fn push(&mut self, channel: usize, group: &Group<'_>) {
        if group.extremes().peak < self.floor {
            return;
        }
        let cell_frames = group.cell_frames();
        for index in group.own_cells() {
            if group.peaks[index] < self.floor {
                continue;
            }
            let start = index * cell_frames;
            if !has_flat(&group.samples[start..start + cell_frames + CLIP_RUN_FRAMES - 1], self.floor) {
                continue;
            }
            for at in start..start + cell_frames {
                if group.samples[at].abs() >= self.floor && group.frame_of(at) >= self.done[channel] {
                    self.look(channel, group, at);
                }
            }
        }
    }

    /// Judges the run that begins with a sample.
    fn look(&mut self, channel: usize, group: &Group<'_>, at: usize) {
        let first = group.samples[at];
        let (mut low, mut high) = (first, first);
        let rest = group.samples[at + 1..].iter().take_while(|&&x| {
            (low, high) = (low.min(x), high.max(x));
            high - low <= CLIP_SPREAD
        });
        let length = 1 + rest.count();
        if length < CLIP_RUN_FRAMES {
            return;
        }
        self.done[channel] = group.frame_of(at + length);
        let sample = |at: usize| group.samples.get(at).copied().unwrap_or(0.0);
        let (before, after) = (sample(at - 1), sample(at + length));
        let sign = first.signum();
        // Magnitudes fall on either side, and not as the top of a slow wave would.
        let corner = CLIP_CORNER_SPREADS * CLIP_SPREAD;
        let is_top = (first - before) * sign >= corner && (first - after) * sign >= corner;
        // From rail to rail within one sample, or flat before or after as well: square waves, drawn and not clipped.
        let is_square = before * sign <= -0.9 * self.floor && after * sign <= -0.9 * self.floor;
        let is_stair = is_flat(sample(at - 2), before) || is_flat(after, sample(at + length + 1));
        if is_top && !is_square && !is_stair {
            let level = &mut self.levels[level_index(first.abs())];
            level.count += 1;
            level.longest = level.longest.max(length);
            level.times.add(group.frame_of(at));
        }
    }

    pub(super) fn finish(self, sample_rate_hz: u32, lossy: bool) -> Option<Finding> {
        // A flat top at full scale needs no company; beyond it, in floating point, it does.
        let mut sum = Level::default();
        for (index, level) in self.levels.iter().enumerate() {
            // A clipper's level may lie on the border of two steps.
            let near = &self.levels[index.saturating_sub(1)..(index + 2).min(LEVELS)];
            let count: usize = near.iter().map(|level| level.count).sum();
            if count >= CLIP_RUNS_BELOW_FULL_SCALE || (index == BELOW_FULL_SCALE && !lossy) {
                sum.count += level.count;
                sum.longest = sum.longest.max(level.longest);
                sum.times.merge(&level.times);
            }
        }
        if sum.count < CLIP_WARNING_RUNS {
            return None;
        }
        // Where their number doesn't fail, one that is long does.
        let (severity, threshold) = match (sum.count >= CLIP_FAIL_RUNS, sum.longest >= CLIP_FAIL_FRAMES) {
            (true, _) => (Severity::Fail, CLIP_FAIL_RUNS),
            (false, true) => (Severity::Fail, 1),
            (false, false) => (Severity::Warning, CLIP_WARNING_RUNS),
        };
        let message = format!(
            "{} cut off flat, the longest over {} samples; go back to where the level was too high (a clipper, a limiter, \
             the recording) and export again with headroom",
            if sum.count == 1 { "1 peak is".into() } else { format!("{} peaks are", sum.count) },
            sum.longest
        );
        Some(
            Finding::new(Check::Clipping, severity, sum.count as f64, threshold as f64, message)
                .at(sum.times.seconds(sample_rate_hz)),
        )
    }
}

fn level_index(amplitude: f32) -> usize {
    let steps_over = |dbfs: f64| ((amplitude_to_db(f64::from(amplitude)) - dbfs).max(0.0) / LEVEL_STEP_DB) as usize;
    if amplitude < CLIP_FULL_SCALE {
        steps_over(CLIP_DBFS).min(BELOW_FULL_SCALE - 1)
    } else if amplitude <= 1.0 {
        BELOW_FULL_SCALE
    } else {
        (BELOW_FULL_SCALE + 1 + steps_over(0.0)).min(LEVELS - 1)
    }
}

/// Whether two neighbours are level.
#[inline(always)]
fn is_flat(a: f32, b: f32) -> bool {
    (a - b).abs() <= CLIP_SPREAD
}

/// Whether three neighbours lie within the spread, above the floor. Branch-free: loud music is full of high samples.
fn has_flat(samples: &[f32], floor: f32) -> bool {
    samples
        .windows(CLIP_RUN_FRAMES)
        .fold(false, |found, x| found | (is_flat(x[0], x[1]) & is_flat(x[1], x[2]) & (x[0].abs() >= floor)))
}
