//! The two channels against each other, from what is measured already.

use super::thresholds::{
    BALANCE_FAIL_LU, BALANCE_WARNING_LU, DEAD_CHANNEL_LUFS, DEAD_CHANNEL_UNDER_LU, DUAL_MONO_CORRELATION,
    DUAL_MONO_SIDE_DB, PHASE_SHARE_PERCENT, PHASE_SIDE_OVER_MID, POLARITY_CORRELATION,
};
use super::{Check, Finding, MAX_TIMES, Severity};
use crate::measure::Measurement;
use crate::measure::loudness::{LoudnessSeries, MOMENTARY_S};
use crate::measure::spectrum::BandPower;
use crate::slots::{SHORT_TERM_S, SHORT_TERM_SLOTS};
use crate::units::db_to_power;

/// Windows, and moments within them, that are so much quieter than the mean don't count, dB.
const QUIET_DB: f64 = -20.0;

/// All findings about the channels of a file with two of them. `peaks` are their largest samples.
pub(super) fn findings(measurement: &Measurement, peaks: [f32; 2]) -> Vec<Finding> {
    if let Some(finding) = dead_channel(measurement, peaks) {
        return vec![finding];
    }
    if let Some(finding) = dual_mono(measurement) {
        return vec![finding];
    }
    // A moment's channels differ by chance.
    let is_long = measurement.duration_s() >= MOMENTARY_S;
    let opposed = is_long.then(|| polarity(measurement).or_else(|| phase(measurement))).flatten();
    [balance(measurement), opposed].into_iter().flatten().collect()
}

/// Whether one channel holds next to nothing, and far less than the other.
pub(crate) fn has_dead_channel(loudness: &LoudnessSeries) -> bool {
    let is_faint = loudness.quieter_channel_lufs().is_some_and(|lufs| lufs < DEAD_CHANNEL_LUFS);
    is_faint && loudness.balance_db().is_none_or(|lu| lu.abs() > DEAD_CHANNEL_UNDER_LU)
}

fn dead_channel(measurement: &Measurement, peaks: [f32; 2]) -> Option<Finding> {
    let balance_db = measurement.loudness.balance_db();
    let quieter_lufs = measurement.loudness.quieter_channel_lufs();
    let is_dead = peaks.contains(&0.0) || has_dead_channel(&measurement.loudness);
    is_dead.then(|| {
        // One click makes a channel no louder: peaks tell only where there is nothing else to go by.
        let is_left = balance_db.filter(|_| !peaks.contains(&0.0)).map_or(peaks[0] < peaks[1], |db| db < 0.0);
        let name = if is_left { "left" } else { "right" };
        Finding::new(
            Check::DeadChannel,
            Severity::Fail,
            quieter_lufs.filter(|lufs| lufs.is_finite()),
            DEAD_CHANNEL_LUFS,
            format!("the {name} channel is silent; check the cabling, the panning and the export"),
        )
    })
}

fn dual_mono(measurement: &Measurement) -> Option<Finding> {
    let correlation = measurement.levels.whole().correlation()?;
    let side_db = measurement.levels.whole().width_db();
    (correlation > DUAL_MONO_CORRELATION && side_db.is_none_or(|db| db < DUAL_MONO_SIDE_DB)).then(|| {
        Finding::new(
            Check::DualMono,
            Severity::Info,
            correlation,
            DUAL_MONO_CORRELATION,
            "both channels are the same: a mono programme in a stereo file; check that this is meant",
        )
    })
}

fn balance(measurement: &Measurement) -> Option<Finding> {
    let balance_lu = measurement.loudness.balance_db()?;
    let (severity, threshold) = match balance_lu.abs() {
        size if size > BALANCE_FAIL_LU => (Severity::Fail, BALANCE_FAIL_LU),
        size if size > BALANCE_WARNING_LU => (Severity::Warning, BALANCE_WARNING_LU),
        _ => return None,
    };
    let (louder, quieter) = if balance_lu > 0.0 { ("left", "right") } else { ("right", "left") };
    let message = format!(
        "the {louder} channel is {:.1} LU louder than the {quieter}; check the panning, or turn the {louder} down",
        balance_lu.abs()
    );
    Some(Finding::new(Check::Balance, severity, balance_lu, threshold, message))
}

fn polarity(measurement: &Measurement) -> Option<Finding> {
    let correlation = measurement.levels.whole().correlation().filter(|&value| value < POLARITY_CORRELATION)?;
    let message = format!(
        "one channel is probably upside down, or a widener goes too far (correlation {correlation:.2}): in mono most of it \
         disappears; invert the polarity of one channel, or turn the widener down"
    );
    Some(Finding::new(Check::Polarity, Severity::Fail, correlation, POLARITY_CORRELATION, message))
}

fn phase(measurement: &Measurement) -> Option<Finding> {
    let powers = |frame: &[BandPower]| {
        frame.iter().fold([0.0; 2], |[mid, side], band| [mid + f64::from(band.mid), side + f64::from(band.side)])
    };
    let frames: Vec<[f64; 2]> = measurement.spectrum.iter().map(powers).collect();
    let mean = frames.iter().map(|[mid, side]| mid + side).sum::<f64>() / frames.len().max(1) as f64;
    let gate = mean * db_to_power(QUIET_DB);
    let (mut loud_frames, mut opposed_frames, mut opposed) = (0usize, 0usize, Vec::new());
    for (index, window) in frames.chunks(SHORT_TERM_SLOTS).enumerate() {
        let all: f64 = window.iter().map(|[mid, side]| mid + side).sum();
        if all <= gate * window.len() as f64 {
            continue;
        }
        // One hit in a pause makes no 3 s of sound: only what is loud is judged and counted.
        let loud = window.iter().filter(|[mid, side]| mid + side > gate);
        let count = loud.clone().count();
        let [mid, side] = loud.fold([0.0; 2], |sum, frame| [sum[0] + frame[0], sum[1] + frame[1]]);
        loud_frames += count;
        if side > PHASE_SIDE_OVER_MID * mid {
            opposed_frames += count;
            opposed.push(index);
        }
    }
    let share_percent = 100.0 * opposed_frames as f64 / loud_frames.max(1) as f64;
    (share_percent > PHASE_SHARE_PERCENT).then(|| {
        let times_s = opposed.iter().take(MAX_TIMES).map(|&index| index as f64 * SHORT_TERM_S).collect();
        let message = format!(
            "left and right work against each other in {share_percent:.0} % of the loud parts: it gets quieter in mono; look for \
             an inverted microphone or a widener that goes too far"
        );
        Finding::new(Check::Phase, Severity::Warning, share_percent, PHASE_SHARE_PERCENT, message).at(times_s)
    })
}
