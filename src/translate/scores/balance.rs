//! How far the tonal balance at the ear is from that of the file.

use super::super::ear::Ear;
use super::super::programme::Programme;
use crate::units::{db_to_power, power_to_db};

/// Deviations beyond this count as this, dB: what is gone can't be more gone.
const MOST_DB: f64 = 30.0;
/// Bands with less of the K-weighted whole than this have no part in the loudness, dB.
const LEAST_PART_DB: f64 = -30.0;
/// A deviation by this much leaves 1/e of the score.
const SCALE_DB: f64 = 12.0;

/// Level of each band at the ear over that in the file, both over their K-weighted wholes, dB.
pub(super) fn changes_db(ear: &Ear<'_>, mean: &[[f64; 2]]) -> Vec<Option<f64>> {
    let heard = ear.response.of(mean);
    let (all, left) = (ear.programme.weighted(mean), ear.programme.weighted(&heard));
    mean.iter()
        .zip(&heard)
        .map(|(power, heard)| {
            let source = power[0] + power[1];
            (source > 0.0 && left > 0.0).then(|| {
                let db = power_to_db((heard[0] + heard[1]) / left * all / source);
                db.max(-2.0 * MOST_DB)
            })
        })
        .collect()
}

/// 100 for the same balance, falling with the deviation: its root mean square over third octaves, each weighted by its
/// part in the loudness.
pub(super) fn score(ear: &Ear<'_>, mean: &[[f64; 2]]) -> Option<f64> {
    let deviations_db = changes_db(ear, mean).into_iter().map(|change| Some(change?.clamp(-MOST_DB, MOST_DB)));
    points(deviations_db, &ear.programme.loudness_parts(mean))
}

/// What a change takes from the music itself, points: as [`score`] counts, but of bands that it makes weaker alone, wherever they
/// are played.
pub(in super::super) fn loss(programme: &Programme, changed: &Programme) -> f64 {
    let losses_db = moved_db(programme, changed, 1.0).map(|change| change.map(|db| db.clamp(-MOST_DB, 0.0)));
    points(losses_db, &programme.loudness_parts(&programme.whole)).map_or(0.0, |left| 100.0 - left)
}

/// By how much a change moves each band, dB, with a gain of power on what it makes; `None` where there is nothing.
fn moved_db(programme: &Programme, changed: &Programme, gain: f64) -> impl Iterator<Item = Option<f64>> {
    let powers = programme.whole.iter().zip(&changed.whole);
    let changes_db = powers.map(move |(was, is)| power_to_db((is[0] + is[1]) / (was[0] + was[1]) * gain));
    changes_db.map(|db| (!db.is_nan()).then_some(db))
}

/// How far a change moves the balance of the music itself, wherever it is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Departure {
    /// As [`score`] counts, at equal loudness.
    pub(in super::super) points: f64,
    /// By how much the band rises that rises most, of those that have a part in the loudness, dB.
    pub(in super::super) most_db: f64,
}

impl Departure {
    pub(in super::super) fn between(programme: &Programme, changed: &Programme) -> Self {
        let whole = programme.weighted(&programme.whole);
        let matched = whole / changed.weighted(&changed.whole);
        let changes_db: Vec<Option<f64>> =
            moved_db(programme, changed, matched).map(|change| change.map(|db| db.clamp(-MOST_DB, MOST_DB))).collect();
        let is_heard =
            |(power, weight): (&[f64; 2], &f64)| weight * (power[0] + power[1]) >= whole * db_to_power(LEAST_PART_DB);
        let heard = changed.whole.iter().zip(&changed.weights).map(is_heard);
        let most_db = changes_db.iter().zip(heard).filter_map(|(change, is_heard)| change.filter(|_| is_heard));
        Self {
            most_db: most_db.fold(0.0, f64::max),
            points: points(changes_db.iter().copied(), &programme.loudness_parts(&programme.whole))
                .map_or(0.0, |left| 100.0 - left),
        }
    }
}

/// What deviations leave of 100, where there are any, each with its weight.
fn points(deviations_db: impl Iterator<Item = Option<f64>>, loudness_parts: &[f64]) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (deviation, loudness) in deviations_db.zip(loudness_parts) {
        if let Some(deviation_db) = deviation {
            sum += loudness * deviation_db.powi(2);
            weights += loudness;
        }
    }
    (weights > 0.0).then(|| 100.0 * (-(sum / weights).sqrt() / SCALE_DB).exp())
}
