//! How much of the lead is heard over everything else and the noise: the band audibility of the Speech Intelligibility
//! Index (ANSI S3.5-1997), with music in place of speech.
//!
//! The lead is taken to be what both channels share: the power of the mid without that of the side, which unrelated
//! sound puts into both alike. An estimate, good for comparing versions of one song.

use std::ops::Range;

use super::super::ear::Ear;
use super::super::programme::Programme;
use super::ramp;
use crate::units::power_to_db;

/// Importance of the third octaves from 160 Hz to 8 kHz (ANSI S3.5-1997, table 3).
const IMPORTANCE: [f64; 18] = [
    0.0083, 0.0095, 0.0150, 0.0289, 0.0440, 0.0578, 0.0653, 0.0711, 0.0818, 0.0844, 0.0882, 0.0898, 0.0868, 0.0844,
    0.0771, 0.0527, 0.0364, 0.0185,
];
/// Centre of the first of them, Hz.
const FIRST_HZ: f64 = 158.5;
/// Audible from this much under the rest up to this much over it, dB (ANSI S3.5-1997, 5.6).
const AUDIBLE_DB: [f64; 2] = [-15.0, 15.0];
/// Less side than this share of the mid makes no stereo to tell a lead from.
const LEAST_SIDE: f64 = 0.003;

/// Why a programme has no lead to score; `None` if it has one.
pub(super) fn absence(programme: &Programme) -> Option<&'static str> {
    let Some(bands) = lead_bands(programme) else { return Some("there is nothing from 160 Hz on") };
    let (mid, side) =
        programme.whole[bands].iter().fold((0.0, 0.0), |(mid, side), power| (mid + power[0], side + power[1]));
    (side < LEAST_SIDE * mid).then_some(
        "it is mono or nearly so (the side is 25 dB or more under the mid): a lead is told from the rest by standing in \
         the centre, and here all does",
    )
}

/// Bands in which a lead is sought.
fn lead_bands(programme: &Programme) -> Option<Range<usize>> {
    let first = programme.bands.band_at(FIRST_HZ)?;
    Some(first..programme.band_count().min(first + IMPORTANCE.len()))
}

/// For each loud frame the share of the lead that is heard, 0 to 1. `None` for a programme without stereo.
pub(super) fn frames(ear: &Ear<'_>) -> Option<Vec<f32>> {
    let programme = ear.programme;
    if absence(programme).is_some() {
        return None;
    }
    let bands = lead_bands(programme)?;
    let scale = ear.scale;
    // Where the sample rate cuts the uppermost bands off, the others tell.
    let held: f64 = IMPORTANCE[..bands.len()].iter().sum();
    let frame = |index: usize| {
        let (mid, side) = programme.frame(index);
        bands
            .clone()
            .zip(IMPORTANCE)
            .map(|(band, importance)| {
                let (mid, side) = (f64::from(mid[band]), f64::from(side[band]));
                let lead = (mid - side).max(0.0);
                let rest = (mid - lead) * ear.response.mid[band] + side * ear.response.side[band];
                let over = scale * lead * ear.response.mid[band] / (scale * rest + ear.floor[band]);
                importance * if over > 0.0 { ramp(power_to_db(over), AUDIBLE_DB[0], AUDIBLE_DB[1]) } else { 0.0 }
            })
            .sum::<f64>()
    };
    Some(
        (0..programme.frames())
            .map(|index| if programme.loud[index] { (frame(index) / held) as f32 } else { f32::NAN })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn importance_sums_to_one() {
        assert!((IMPORTANCE.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}
