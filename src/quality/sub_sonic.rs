//! Energy below what can be heard.

use super::low_band::Window;
use super::thresholds::SUB_SONIC_DB;
use super::{Check, Finding, Severity};
use crate::measure::Measurement;
use crate::statistics::mean;
use crate::units::power_to_db_checked;

/// Half of the energy, dB.
const MOST_OF_ALL_DB: f64 = -3.0;

pub(super) fn finding(windows: &[Vec<Window>; 2], measurement: &Measurement) -> Option<Finding> {
    let slots = &measurement.levels.slots;
    let total = slots.iter().map(|slot| slot.mean_square()).sum::<f64>() / slots.len() as f64;
    let [mid, side] = windows.each_ref().map(|windows| mean(windows.iter().map(|window| window.sub_sonic)));
    let sub_sonic = mid? + side?;
    let db = power_to_db_checked(sub_sonic / total).filter(|&db| db > SUB_SONIC_DB)?;
    let how_much = if db > MOST_OF_ALL_DB {
        "more than half of all energy lies below 20 Hz, which nobody hears".into()
    } else {
        format!("the energy below 20 Hz, which nobody hears, lies only {:.0} dB under everything", -db)
    };
    let message = format!("{how_much}; put a high-pass filter at 20 to 30 Hz on the tracks that rumble");
    Some(Finding::new(Check::SubSonic, Severity::Warning, db, SUB_SONIC_DB, message))
}
