//! DC offset.

use super::thresholds::{DC_FAIL_PERCENT, DC_HALF_WAVE_S, DC_WARNING_PERCENT};
use super::{Check, Finding, Severity};
use crate::measure::Measurement;

/// The larger mean of both channels.
pub(super) fn finding(measurement: &Measurement) -> Option<Finding> {
    let peak = f64::from(measurement.peaks.sample_peak);
    let left_over_percent = 100.0 * peak * DC_HALF_WAVE_S / measurement.duration_s();
    let percent = measurement.levels.dc().map(|mean| 100.0 * mean);
    let worst = if percent[0].abs() >= percent[1].abs() { percent[0] } else { percent[1] };
    let (severity, threshold) = match worst.abs() - left_over_percent {
        size if size > DC_FAIL_PERCENT => (Severity::Fail, DC_FAIL_PERCENT),
        size if size > DC_WARNING_PERCENT => (Severity::Warning, DC_WARNING_PERCENT),
        _ => return None,
    };
    let message = format!(
        "the waveform is off centre by {worst:.2} % of full scale, which costs headroom and clicks at edits; put a \
         high-pass filter at 5 to 20 Hz on it"
    );
    Some(Finding::new(Check::Dc, severity, worst, threshold, message))
}
