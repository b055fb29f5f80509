//! Peaks between samples, beyond what converters and lossy encoders can hold.

use super::cells::Group;
use super::thresholds::{FULL_SCALE_DBTP, LOSSY_HEADROOM_DBTP, LOSSY_HEADROOM_TOLERANCE_DB};
use super::{Check, Finding, Severity, Times};
use crate::dsp::interpolation::larger;
use crate::measure::Measurement;
use crate::slots::slot_at;
use crate::units::amplitude_to_db;

/// A signal rises between samples by no more than this over the larger of both, in practice.
const MAX_RISE: f32 = 1.5;
/// Slots whose highest sample lies below this have no overs worth placing.
const MIN_SAMPLE: f32 = 0.6;

/// Remembers where the highest point of every 100 ms lies. How high it is, the true-peak meter knows.
#[derive(Debug, Clone)]
pub(super) struct Overs {
    sample_rate_hz: u32,
    slots: Vec<(f32, u64)>,
}

impl Overs {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        Self { sample_rate_hz, slots: Vec::new() }
    }

    pub(super) fn push(&mut self, group: &Group<'_>) {
        if group.extremes().peak < MIN_SAMPLE {
            return;
        }
        let cell_frames = group.cell_frames();
        for index in group.own_cells() {
            let peak = group.peaks[index];
            if peak < MIN_SAMPLE {
                continue;
            }
            let start = index * cell_frames;
            let slot = self.slot_of(group.frame_of(start));
            if self.slots.len() < slot + 2 {
                self.slots.resize(slot + 2, (MIN_SAMPLE, 0));
            }
            if peak * MAX_RISE > self.slots[slot].0 {
                self.look(group, start..start + cell_frames);
            }
        }
    }

    fn slot_of(&self, frame: u64) -> usize {
        slot_at(frame, self.sample_rate_hz) as usize
    }

    fn look(&mut self, group: &Group<'_>, range: std::ops::Range<usize>) {
        let slots = [range.start, range.end - 1].map(|at| self.slot_of(group.frame_of(at)));
        let heights = &group.samples[range.start - 1..range.end + 2];
        // Most cells hold nothing higher than what is known, and seeing that is faster than asking where.
        let known = self.slots[slots[0]].0.min(self.slots[slots[1]].0);
        if highest(heights) <= known {
            return;
        }
        for (at, window) in range.zip(heights.windows(4)) {
            let (height, frame) = (height([window[0], window[1], window[2], window[3]]), group.frame_of(at));
            let slot = self.slot_of(frame);
            if height > self.slots[slot].0 {
                self.slots[slot] = (height, frame);
            }
        }
    }

    pub(super) fn finish(self, measurement: &Measurement, lossy: bool) -> Option<Finding> {
        let peaks = &measurement.peaks;
        let dbtp = peaks.true_dbtp().filter(|&dbtp| dbtp > LOSSY_HEADROOM_DBTP + LOSSY_HEADROOM_TOLERANCE_DB)?;
        let severity = if dbtp > FULL_SCALE_DBTP { Severity::Fail } else { Severity::Info };
        let threshold = if dbtp > FULL_SCALE_DBTP { FULL_SCALE_DBTP } else { LOSSY_HEADROOM_DBTP };
        let mut times = Times::default();
        for (&peak, &(height, frame)) in peaks.true_peak_slots.iter().zip(&self.slots) {
            if height > MIN_SAMPLE && amplitude_to_db(f64::from(peak)) > threshold {
                times.add(frame);
            }
        }
        let message = if dbtp <= FULL_SCALE_DBTP {
            format!(
                "the true peak is {dbtp:.2} dBTP: MP3, AAC and streaming encoders may push it over full scale; leave 1 dB"
            )
        } else if lossy {
            format!(
                "the true peak is {dbtp:.2} dBTP: played back, it clips; lossy coding has raised the peaks, go back to the \
                 original and encode it 1 dB or more lower"
            )
        } else {
            format!("the true peak is {dbtp:.2} dBTP: played back, it clips; lower the level or the limiter's ceiling")
        };
        Some(
            Finding::new(Check::InterSampleOvers, severity, dbtp, threshold, message)
                .at(times.seconds(self.sample_rate_hz)),
        )
    }
}

/// The larger of the second of four samples and the point half-way to the third. Four-point interpolation is enough to
/// say where a peak lies.
#[inline(always)]
fn height([a, b, c, d]: [f32; 4]) -> f32 {
    larger(b.abs(), (0.625 * (b + c) - 0.125 * (a + d)).abs())
}

/// The largest height in a cell with one sample before it and two after it, side by side in lanes.
fn highest(samples: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    for at in (0..samples.len() - 3).step_by(8) {
        let window: &[f32; 11] = samples[at..at + 11].try_into().expect("cells are a number of lanes long");
        for lane in 0..8 {
            let height = height([window[lane], window[lane + 1], window[lane + 2], window[lane + 3]]);
            lanes[lane] = larger(height, lanes[lane]);
        }
    }
    lanes.into_iter().fold(0.0, f32::max)
}
