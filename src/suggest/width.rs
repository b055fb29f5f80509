//! Which width to aim for, by band.

use super::{Quantity, Suggestion, WIDE_BAND_NAMES, wide_band_range};
use crate::dsp::crossover::BANDS;
use crate::measure::Measurement;

/// Changes under this are not worth a setting, dB.
const WORTHWHILE_DB: f64 = 0.3;
/// Bounds of the change: narrowing is safe, widening costs mono compatibility, dB.
const RANGE_DB: (f64, f64) = (-6.0, 4.0);

/// Side gain by band, with a suggestion for each band that changes. `take` is the share of the difference to take over.
pub(super) fn suggest(mix: &Measurement, reference: &Measurement, take: f64) -> ([f64; BANDS], Vec<Suggestion>) {
    let mut gains_db = [0.0; BANDS];
    let mut suggestions = Vec::new();
    let (mix, reference) = (mix.band_stereo(), reference.band_stereo());
    for (band, gain_db) in gains_db.iter_mut().enumerate() {
        // A band without side, or without any level, has no width to change.
        let Some((before_db, wanted_db)) = mix[band].width_db.zip(reference[band].width_db) else { continue };
        // Below this, widening would only lift what nobody hears and a cutter can't cut.
        let highest_db = if band == 0 { 0.0 } else { RANGE_DB.1 };
        let change_db = (take * (wanted_db - before_db)).clamp(RANGE_DB.0, highest_db);
        if change_db.abs() < WORTHWHILE_DB {
            continue;
        }
        *gain_db = (change_db * 100.0).round() / 100.0;
        let relation = if wanted_db > before_db { "narrower" } else { "wider" };
        suggestions.push(Suggestion {
            id: format!("width.{}", WIDE_BAND_NAMES[band]),
            setting: format!("side {gain_db:+.1} dB, {}", wide_band_range(band)),
            cause: format!(
                "{} than the reference by {:.1} dB (side over mid {before_db:.1} dB, reference {wanted_db:.1} dB)",
                relation,
                (wanted_db - before_db).abs()
            ),
            quantity: Quantity::Width { band },
            before: Some(before_db),
            predicted: Some(before_db + *gain_db),
        });
    }
    (gains_db, suggestions)
}
