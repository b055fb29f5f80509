//! Clicks: a few samples that nothing before them announces and nothing after them explains.
//!
//! A second difference far above all others within 19 to 30 ms (longer below 44.1 kHz) makes a candidate. Linear prediction from the
//! sound before it (as in Essentia's `ClickDetector`, after P. A. A. Esquef et al., "Detection of clicks in audio signals using
//! warped linear prediction", DSP 2002) then tells whether it is over at once, as clicks are, or begins a sound, as drums do.

use super::cells::{GROUP_CELLS, Group, LOOK_AHEAD_GROUPS, LOOK_BACK_GROUPS};
use super::thresholds::{CLICK_DB, CLICK_MIN_DBFS};
use super::{Check, Finding, Severity, Times};
use crate::linear::predictor;
use crate::units::{db_to_amplitude, ms_to_frames};

/// Second difference of a candidate over those around it.
const CANDIDATE_RATIO: f32 = 8.0;
/// Cells on either side that may belong to the click itself.
const OWN_CELLS: usize = 2;
/// Cells on either side that it is compared with: 19 to 30 ms at 44.1 kHz and above.
const NEAR_CELLS: usize = 84;
const ORDER: usize = 24;
/// A click, with the samples that an earlier filter spread it over, is over within this on either side.
const CLICK_MS: f64 = 0.4;
/// Errors are compared over this long on either side.
const SIDE_MS: f64 = 5.0;

/// Finds clicks in both channels.
#[derive(Debug, Clone)]
pub(super) struct Clicks {
    sample_rate_hz: u32,
    min_error: f64,
    ratio: f64,
    found: Vec<u64>,
    loudest_db: f64,
}

impl Clicks {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        Self {
            sample_rate_hz,
            min_error: db_to_amplitude(CLICK_MIN_DBFS),
            ratio: db_to_amplitude(CLICK_DB),
            found: Vec::new(),
            loudest_db: f64::NEG_INFINITY,
        }
    }

    pub(super) fn push(&mut self, group: &Group<'_>) {
        let peak = group.extremes().bend;
        // Most groups end here: one of the groups before and after is about as rough.
        if f64::from(peak) < self.min_error
            || peak < CANDIDATE_RATIO * group.extremes_before(2).bend
            || peak < CANDIDATE_RATIO * group.extremes_after(2).bend
        {
            return;
        }
        let Some(cell) = group.own_cells().find(|&index| group.bends[index] == peak) else { return };
        let largest = |range: std::ops::Range<usize>| group.bends[range].iter().copied().fold(0.0f32, f32::max);
        let before = largest(cell - NEAR_CELLS..cell - OWN_CELLS);
        let after = largest(cell + OWN_CELLS + 1..(cell + NEAR_CELLS).min(group.bends.len()));
        if peak < CANDIDATE_RATIO * before.max(after) {
            return;
        }
        let start = cell * group.cell_frames();
        let at = (start..start + group.cell_frames())
            .max_by(|&a, &b| bend_at(group.samples, a).total_cmp(&bend_at(group.samples, b)))
            .map_or(start, |at| at + 1);
        let frame = group.frame_of(at);
        let side = ms_to_frames(SIDE_MS, self.sample_rate_hz) as u64;
        if frame < side {
            return;
        }
        if let Some(db) = self.judge(group, at) {
            self.add(frame, db);
        }
    }

    fn add(&mut self, frame: u64, db: f64) {
        // The same click in the other channel is not another one.
        let near = ms_to_frames(1.0, self.sample_rate_hz) as u64;
        if self.found.iter().rev().take(4).any(|known| known.abs_diff(frame) <= near) {
            return;
        }
        self.loudest_db = self.loudest_db.max(db);
        self.found.push(frame);
    }

    /// Error at the click over the larger of the errors before and after it, dB, if that is enough.
    fn judge(&self, group: &Group<'_>, at: usize) -> Option<f64> {
        let click = ms_to_frames(CLICK_MS, self.sample_rate_hz).max(4);
        let side = ms_to_frames(SIDE_MS, self.sample_rate_hz);
        let learn = GROUP_CELLS * group.cell_frames();
        let samples = &group.samples[at - click - learn..(at + click + ORDER + side).min(group.samples.len())];
        let at = click + learn;
        let weights = weights(&samples[..learn]);
        let error = |n: usize| {
            let predicted: f64 = weights.iter().enumerate().map(|(k, w)| w * f64::from(samples[n - 1 - k])).sum();
            f64::from(samples[n]) - predicted
        };
        let rms = |range: std::ops::Range<usize>| {
            let frames = range.len().max(1) as f64;
            (range.map(|n| error(n).powi(2)).sum::<f64>() / frames).sqrt()
        };
        let peak = (at - click..at + click).map(|n| error(n).abs()).fold(0.0, f64::max);
        // What predicts from the click itself errs too: the comparison begins after it.
        let around = rms(at - click - side..at - click).max(rms(at + click + ORDER..samples.len()));
        (peak >= self.min_error && peak >= self.ratio * around)
            .then(|| 20.0 * (peak / around.max(f64::from(f32::EPSILON))).log10())
    }

    pub(super) fn finish(mut self, frames: u64) -> Option<Finding> {
        // At the very end, silence follows that is none of the programme's.
        let end = frames.saturating_sub(ms_to_frames(SIDE_MS, self.sample_rate_hz) as u64);
        self.found.retain(|&frame| frame < end);
        if self.found.is_empty() {
            return None;
        }
        let mut times = Times::default();
        for &frame in &self.found {
            times.add(frame);
        }
        let message = format!(
            "{}, up to {:.0} dB over the sound around; listen there, and mend the edit, the buffer setting or the file",
            if self.found.len() == 1 { "1 click".into() } else { format!("{} clicks", self.found.len()) },
            self.loudest_db
        );
        Some(
            Finding::new(Check::Click, Severity::Warning, self.loudest_db, CLICK_DB, message)
                .at(times.seconds(self.sample_rate_hz)),
        )
    }
}

const _: () = assert!(NEAR_CELLS < LOOK_AHEAD_GROUPS * GROUP_CELLS && NEAR_CELLS < LOOK_BACK_GROUPS * GROUP_CELLS);

fn bend_at(samples: &[f32], at: usize) -> f32 {
    ((samples[at] - samples[at + 1]) - (samples[at + 1] - samples[at + 2])).abs()
}

/// Weights that predict a sample from those before it, nearest first, by the autocorrelation of a windowed stretch.
fn weights(samples: &[f32]) -> [f64; ORDER] {
    let length = samples.len() as f64;
    let windowed: Vec<f64> = samples
        .iter()
        .enumerate()
        .map(|(n, x)| f64::from(*x) * (std::f64::consts::PI * (n as f64 + 0.5) / length).sin())
        .collect();
    let correlation = |lag: usize| windowed[lag..].iter().zip(&windowed).map(|(a, b)| a * b).sum::<f64>();
    // A trace of white noise keeps silence and pure tones solvable.
    let mut lags: Vec<f64> = (0..=ORDER).map(correlation).collect();
    lags[0] = lags[0] * (1.0 + 1e-9) + 1e-12;
    predictor(&lags)
}
