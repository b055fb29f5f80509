//! DC offset.

use super::thresholds::{DC_FAIL_PERCENT, DC_HALF_WAVE_S, DC_WARNING_PERCENT};
use super::{Check, Finding, Severity};
use crate::measure::Measurement;

/// How far a waveform is off centre.
pub(crate) struct Offset {
    /// The larger mean of both channels, percent of full scale.
    pub(crate) percent: f64,
    /// What of its size can't be left over from a wave of the music, percent of full scale. Not over 0: nothing of it.
    pub(crate) sure_percent: f64,
}

impl Offset {
    pub(crate) fn of(measurement: &Measurement) -> Self {
        let peak = f64::from(measurement.peaks.sample_peak);
        let left_over_percent = 100.0 * peak * DC_HALF_WAVE_S / measurement.duration_s();
        let [left, right] = measurement.levels.dc().map(|mean| 100.0 * mean);
        let percent = if left.abs() >= right.abs() { left } else { right };
        Self { percent, sure_percent: percent.abs() - left_over_percent }
    }
}

/// The larger mean of both channels.
pub(super) fn finding(measurement: &Measurement) -> Option<Finding> {
    let Offset { percent, sure_percent } = Offset::of(measurement);
    let (severity, threshold) = match sure_percent {
        size if size > DC_FAIL_PERCENT => (Severity::Fail, DC_FAIL_PERCENT),
        size if size > DC_WARNING_PERCENT => (Severity::Warning, DC_WARNING_PERCENT),
        _ => return None,
    };
    let message = format!(
        "the waveform is off centre by {percent:.2} % of full scale, which costs headroom and clicks at edits; put a \
         high-pass filter at 5 to 20 Hz on it"
    );
    Some(Finding::new(Check::Dc, severity, percent, threshold, message))
}
