//! What a device's own limiter has to hold back.
//!
//! The excursion of a closed-box driver is the same for all frequencies below its resonance and falls by 12 dB an octave
//! above (R. Small, "Closed-Box Loudspeaker Systems", JAES 20, 1972): bass that is not heard costs as much as bass that
//! is.

use super::super::ear::Ear;
use crate::units::power_to_db;

/// Reduction of the loudest parts that is a score of 0, dB.
const MOST_DB: f64 = 12.0;
/// The loudest parts: this share of the time is louder.
const LOUDEST: f64 = 0.05;

/// Reduction in each frame, dB (0 or more), `NaN` in pauses. `None` for a device without limiter.
pub(super) fn frames(ear: &Ear<'_>, pauses: &[bool]) -> Option<Vec<f32>> {
    let protection = ear.device.protection?;
    let programme = ear.programme;
    let excursion: Vec<f64> =
        programme.bands.centers_hz().iter().map(|hz| (protection.limit_hz / hz).powi(4).min(1.0)).collect();
    let kept = ear.device.side_powers(programme.bands.centers_hz());
    let frame = |(index, &is_pause): (usize, &bool)| {
        if is_pause {
            return f32::NAN;
        }
        let (mid, side) = programme.frame(index);
        let powers = mid.iter().zip(side).zip(excursion.iter().zip(&kept));
        // Powers are those of both channels together; a driver gets one.
        let drive = 0.5 * powers.map(|((m, s), (x, kept))| x * (f64::from(*m) + kept * f64::from(*s))).sum::<f64>();
        let over_db = (power_to_db(drive) - protection.threshold_dbfs).max(0.0);
        (over_db * (1.0 - 1.0 / protection.ratio)) as f32
    };
    Some(pauses.iter().enumerate().map(frame).collect())
}

/// 100 for no reduction, 0 for 12 dB in the loudest parts.
pub(super) fn score(frames: &[f32]) -> Option<f64> {
    let mut sorted: Vec<f32> = frames.iter().copied().filter(|reduction| !reduction.is_nan()).collect();
    sorted.sort_by(f32::total_cmp);
    let index = ((sorted.len() as f64 * (1.0 - LOUDEST)) as usize).min(sorted.len().checked_sub(1)?);
    Some(100.0 * (1.0 - f64::from(sorted[index]) / MOST_DB).clamp(0.0, 1.0))
}
