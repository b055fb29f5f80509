//! The two channels against each other, from what is measured already.

use super::thresholds::{
    BALANCE_FAIL_LU, BALANCE_WARNING_LU, DEAD_CHANNEL_LUFS, DUAL_MONO_SIDE_DB, PHASE_SHARE_PERCENT,
    POLARITY_CORRELATION,
};
use super::{Finding, MAX_TIMES, Severity};
use crate::measure::Measurement;
use crate::slots::{SHORT_TERM_S, SHORT_TERM_SLOTS};
use crate::units::db_to_power;

/// Windows so much quieter than the mean don't count, dB.
const QUIET_DB: f64 = -20.0;

/// All findings about the channels of a file with two of them. `peaks` are their largest samples.
pub(super) fn findings(measurement: &Measurement, peaks: [f32; 2]) -> Vec<Finding> {
    if let Some(finding) = dead_channel(measurement, peaks) {
        return vec![finding];
    }
    if let Some(finding) = dual_mono(measurement) {
        return vec![finding];
    }
    [balance(measurement), polarity(measurement).or_else(|| phase(measurement))].into_iter().flatten().collect()
}

fn dead_channel(measurement: &Measurement, peaks: [f32; 2]) -> Option<Finding> {
    let integrated_lufs = measurement.loudness.integrated_lufs();
    let balance_db = measurement.loudness.balance_db();
    let quieter_lufs = balance_db.zip(integrated_lufs).map(|(balance, lufs)| lufs - balance.abs());
    let is_dead = peaks.contains(&0.0) || quieter_lufs.is_some_and(|lufs| lufs < DEAD_CHANNEL_LUFS);
    is_dead.then(|| {
        let name = if peaks[0] < peaks[1] { "left" } else { "right" };
        Finding {
            id: "dead_channel",
            severity: Severity::Fail,
            // Digital silence has no loudness: the scale ends here.
            value: quieter_lufs.filter(|lufs| lufs.is_finite()).unwrap_or(-200.0).max(-200.0),
            unit: "LUFS",
            threshold: DEAD_CHANNEL_LUFS,
            times_s: Vec::new(),
            message: format!("the {name} channel is silent; check the cabling, the panning and the export"),
        }
    })
}

fn dual_mono(measurement: &Measurement) -> Option<Finding> {
    let correlation = measurement.levels.whole().correlation()?;
    let side_db = measurement.levels.whole().width_db();
    (correlation > 0.9999 && side_db.is_none_or(|db| db < DUAL_MONO_SIDE_DB)).then(|| Finding {
        id: "dual_mono",
        severity: Severity::Info,
        value: correlation,
        unit: "correlation",
        threshold: 0.9999,
        times_s: Vec::new(),
        message: "both channels are the same: a mono programme in a stereo file; check that this is meant".into(),
    })
}

fn balance(measurement: &Measurement) -> Option<Finding> {
    let balance_lu = measurement.loudness.balance_db()?;
    let severity = match balance_lu.abs() {
        size if size > BALANCE_FAIL_LU => Severity::Fail,
        size if size > BALANCE_WARNING_LU => Severity::Warning,
        _ => return None,
    };
    let (louder, quieter) = if balance_lu > 0.0 { ("left", "right") } else { ("right", "left") };
    Some(Finding {
        id: "balance",
        severity,
        value: balance_lu,
        unit: "LU",
        threshold: BALANCE_WARNING_LU,
        times_s: Vec::new(),
        message: format!(
            "the {louder} channel is {:.1} LU louder than the {quieter}; check the panning, or turn the {louder} down",
            balance_lu.abs()
        ),
    })
}

fn polarity(measurement: &Measurement) -> Option<Finding> {
    let correlation = measurement.levels.whole().correlation().filter(|&value| value < POLARITY_CORRELATION)?;
    Some(Finding {
        id: "polarity",
        severity: Severity::Fail,
        value: correlation,
        unit: "correlation",
        threshold: POLARITY_CORRELATION,
        times_s: Vec::new(),
        message: format!(
            "one channel is upside down (correlation {correlation:.2}): in mono most of it disappears; invert the polarity \
             of one channel"
        ),
    })
}

fn phase(measurement: &Measurement) -> Option<Finding> {
    let frames: Vec<[f64; 3]> = measurement
        .spectrum
        .iter()
        .map(|frame| {
            frame.iter().fold([0.0; 3], |[mid, side, cross], band| {
                [mid + f64::from(band.mid), side + f64::from(band.side), cross + f64::from(band.cross)]
            })
        })
        .collect();
    let windows: Vec<[f64; 3]> = frames
        .chunks(SHORT_TERM_SLOTS)
        .map(|frames| frames.iter().fold([0.0; 3], |sum, frame| [0, 1, 2].map(|k| sum[k] + frame[k])))
        .collect();
    let mean = windows.iter().map(|[mid, side, _]| mid + side).sum::<f64>() / windows.len().max(1) as f64;
    let gate = mean * db_to_power(QUIET_DB);
    let loud = || windows.iter().enumerate().filter(|(_, [mid, side, _])| mid + side > gate);
    // Left and right correlate below 0 where the side is stronger than the mid; but a hard-panned sound has as much of
    // either, and leans one way or the other by rounding.
    let opposed: Vec<usize> = loud().filter(|(_, [mid, side, _])| *side > 1.1 * *mid).map(|(index, _)| index).collect();
    let share_percent = 100.0 * opposed.len() as f64 / loud().count().max(1) as f64;
    (share_percent > PHASE_SHARE_PERCENT).then(|| Finding {
        id: "phase",
        severity: Severity::Warning,
        value: share_percent,
        unit: "percent",
        threshold: PHASE_SHARE_PERCENT,
        times_s: opposed.iter().take(MAX_TIMES).map(|&index| index as f64 * SHORT_TERM_S).collect(),
        message: format!(
            "left and right work against each other in {share_percent:.0} % of the time: it gets quieter in mono; look for \
             an inverted microphone or a widener that goes too far"
        ),
    })
}
