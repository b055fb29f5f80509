//! Whether the lead stands too far behind or in front, as far as a finished mix can tell: a weak sign.
//!
//! What both channels share from 1 to 4 kHz is taken for the lead: the power of the mid without that of the side, which
//! unrelated sound puts into both alike.

use std::ops::Range;

use super::thresholds::{LEAD_HIGH_DB, LEAD_LOW_DB, LEAD_REFERENCE_DB};
use super::{Advice, Mend, Problem, Severity, evidence};
use crate::measure::Measurement;
use crate::units::power_to_db_checked;

/// Where the lead lies, Hz.
const LEAD_HZ: Range<f64> = 950.0..4_200.0;
/// What it is held against, Hz.
const ALL_HZ: Range<f64> = 190.0..8_200.0;
/// Less side than this, dB under the mid, makes no stereo to tell a centre from.
const MONO_DB: f64 = -25.0;

pub(super) fn advice(measurement: &Measurement, reference: Option<&Measurement>) -> Option<Advice> {
    let lead_db = lead_db(measurement)?;
    let reference_db = reference.and_then(self::lead_db);
    let (low_db, high_db) =
        reference_db.map_or((LEAD_LOW_DB, LEAD_HIGH_DB), |db| (db - LEAD_REFERENCE_DB, db + LEAD_REFERENCE_DB));
    let is_low = lead_db < low_db;
    if !is_low && lead_db <= high_db {
        return None;
    }
    let (id, direction, change) =
        if is_low { (Problem::LeadLow, "behind", "up") } else { (Problem::LeadHigh, "in front", "down") };
    let against = if reference_db.is_some() { "in the reference" } else { "in most music" };
    Some(Advice {
        id,
        severity: Severity::Low,
        confidence: if reference_db.is_some() { 0.4 } else { 0.25 },
        message: format!(
            "the centre from 1 to 4 kHz is at {lead_db:.1} dB of everything else, further {direction} than {against}: if there \
             is a lead voice or instrument, it may be too {}; a finished mix tells this badly, so trust your ears",
            if is_low { "quiet" } else { "loud" }
        ),
        band_hz: Some([1_000.0, 4_000.0]),
        times_s: Vec::new(),
        evidence: evidence([("centre_over_rest_db", lead_db), ("reference_db", reference_db.unwrap_or(f64::NAN))]),
        fix: format!("turn the lead {change} by 1 to 2 dB and compare at the same loudness"),
        mend: Mend::Mix,
    })
}

fn lead_db(measurement: &Measurement) -> Option<f64> {
    let is_stereo = measurement.width_db(ALL_HZ.start, ALL_HZ.end).is_some_and(|db| db > MONO_DB);
    let center = measurement.loud_power(LEAD_HZ, |band| f64::from(band.mid - band.side));
    let rest = measurement.loud_power(ALL_HZ, |band| f64::from(band.mid + band.side)) - center;
    power_to_db_checked(center / rest).filter(|_| is_stereo && center > 0.0)
}
