//! How near a mix lies to a profile.

use super::build::{content_of, width_of};
use super::{Profile, Spread};
use crate::measure::Measurement;
use crate::statistics::mean;
use crate::suggest::tone::Levels;

/// A profile that lies farther than this from a mix says nothing about it.
pub const MOST_DISTANCE: f64 = 1.25;
/// Spreads are taken for this much or more, dB: a handful of songs that agree by chance would otherwise exclude all others.
const LEAST_SPREAD_DB: f64 = 1.0;
/// How far a mix's third octaves may be off by its production rather than its kind: standard deviation, dB.
const PRODUCTION_SPREAD_DB: f64 = 3.0;

/// How near a mix lies to a profile. 1 is how far its own songs lie in the root mean square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Of content, tone and width together.
    pub distance: f64,
    /// Of what no equaliser changes: how each wide band moves.
    pub content_distance: f64,
}

/// How near a mix lies to a profile: root mean square of the deviations in spreads, those of content and of tone counting
/// the same and those of width half as much. `None` for a silent mix.
pub fn fit(mix: &Measurement, profile: &Profile) -> Option<Fit> {
    let content = mean_square(content_deviations(mix, profile))?;
    let tone = mean_square(tone_deviations(mix, profile)?)?;
    let width = mean_square(width_deviations(mix, profile));
    let (sum, weight) = width.map_or((content + tone, 2.0), |width| (content + tone + 0.5 * width, 2.5));
    Some(Fit { distance: (sum / weight).sqrt(), content_distance: content.sqrt() })
}

fn content_deviations(mix: &Measurement, profile: &Profile) -> Vec<f64> {
    let bands = mix.band_dynamics();
    let mut deviations = Vec::new();
    for (index, content) in profile.content.iter().enumerate() {
        for (band, expected) in bands.iter().zip(&content.bands) {
            deviations.extend(content_of(band)[index].map(|db| expected.deviation(db, LEAST_SPREAD_DB)));
        }
    }
    deviations
}

fn tone_deviations(mix: &Measurement, profile: &Profile) -> Option<Vec<f64>> {
    let levels = Levels::of(mix, usize::MAX)?;
    let departures = departures_db(&levels, profile);
    let deviation = |(departure_db, spread_db): (f64, f64)| departure_db / spread_db.hypot(PRODUCTION_SPREAD_DB);
    Some(departures.into_iter().flatten().map(deviation).collect())
}

fn width_deviations(mix: &Measurement, profile: &Profile) -> Vec<f64> {
    let bands = mix.band_stereo();
    let both = bands.iter().zip(&profile.width_db);
    let deviation = |(band, expected): (_, &Option<Spread>)| {
        let band: &crate::measure::analysis::BandStereo = band;
        Some(expected.as_ref()?.deviation(width_of(band.width_db)?, LEAST_SPREAD_DB))
    };
    both.filter_map(deviation).collect()
}

/// By how much each band of a mix stands over a profile's mean, with the profile's spread, dB: mean 0 over the bands that
/// both hold, `None` for the others.
pub(in crate::suggest) fn departures_db(levels: &Levels, profile: &Profile) -> Vec<Option<(f64, f64)>> {
    let bands = levels.centers_hz.iter().zip(&levels.levels_db).zip(&levels.holds);
    let raw: Vec<Option<(f64, f64)>> = bands
        .map(|((&hz, &db), &holds)| {
            let expected = profile.tone_at(hz).filter(|_| holds)?;
            Some((db - expected.mean_db, expected.spread_db))
        })
        .collect();
    let mean_db = mean(raw.iter().flatten().map(|(departure_db, _)| *departure_db)).unwrap_or(0.0);
    raw.into_iter().map(|band| band.map(|(departure_db, spread_db)| (departure_db - mean_db, spread_db))).collect()
}

/// `None` of nothing.
fn mean_square(deviations: Vec<f64>) -> Option<f64> {
    mean(deviations.into_iter().map(|deviation| deviation * deviation))
}
