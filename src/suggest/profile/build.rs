//! A profile from measured songs.

use super::{CONTENT_NAMES, Content, Profile, SCHEMA, Source, Spread, ToneBand, is_name};
use crate::error::{Error, Result};
use crate::measure::Measurement;
use crate::measure::wide_bands::WIDE_BANDS;
use crate::statistics::mean;
use crate::suggest::tone::Levels;

/// Fewer songs than this tell nothing of how far songs spread.
pub const LEAST_SONGS: usize = 3;
/// Widths and content are read within these, dB: what lies outside is mono, or silence between the notes.
const WIDTH_RANGE_DB: (f64, f64) = (-40.0, 10.0);
const CONTENT_RANGE_DB: (f64, f64) = (-40.0, 40.0);

/// What a profile says of itself.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// Short name: lower-case letters, digits and hyphens.
    pub name: String,
    /// What kind of songs these are.
    pub description: String,
    /// Where the songs are from.
    pub sources: Vec<Source>,
}

impl Labels {
    /// Checks, before any song is measured, what needs none of them measured.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer than [`LEAST_SONGS`] songs, and a name that can't be one.
    pub fn check(&self, songs: usize) -> Result<()> {
        if songs < LEAST_SONGS {
            let reason = format!(
                "{songs} is too few: a profile needs {LEAST_SONGS} or more; to come near to one song, master with --reference"
            );
            return Err(Error::setting("songs", reason));
        }
        if is_name(&self.name) { Ok(()) } else { Err(Error::setting("name", super::NAME_RULE)) }
    }
}

/// The profile of finished songs. Their order changes nothing but rounding errors far below the three decimals.
///
/// # Errors
/// [`Error::Setting`] for fewer than [`LEAST_SONGS`] songs, a name that can't be one, and songs that have no loudness or
/// too few bands; it tells what to do.
pub fn build(songs: &[&Measurement], labels: Labels) -> Result<Profile> {
    labels.check(songs.len())?;
    let analyses: Vec<_> = songs.iter().map(|song| song.analysis()).collect();
    let bands: Vec<_> = songs.iter().map(|song| song.band_dynamics()).collect();
    let over = |name: &str, values: Vec<Option<f64>>| {
        spread_of(&values).ok_or_else(|| {
            let remedy = "leave out what is silent, shorter than a song or of a low sample rate";
            Error::setting(name, format!("fewer than {LEAST_SONGS} of the songs have a value; {remedy}"))
        })
    };
    let wide_bands = WIDE_BANDS.len();
    let content = CONTENT_NAMES.iter().enumerate().map(|(index, &name)| {
        let of_band = |band: usize| over(name, bands.iter().map(|song| content_of(&song[band])[index]).collect());
        Ok(Content { name: name.into(), bands: (0..wide_bands).map(of_band).collect::<Result<_>>()? })
    });
    let width = |band: usize| {
        spread_of(&analyses.iter().map(|song| width_of(song.stereo.bands[band].width_db)).collect::<Vec<_>>())
    };
    let profile = Profile {
        schema: SCHEMA.into(),
        name: labels.name,
        description: labels.description,
        songs: songs.len(),
        sources: labels.sources,
        loudness_lufs: over("loudness_lufs", analyses.iter().map(|song| song.loudness.integrated_lufs).collect())?,
        range_lu: over("range_lu", analyses.iter().map(|song| song.loudness.range_lu).collect())?,
        plr_db: over("plr_db", analyses.iter().map(|song| song.loudness.plr_db).collect())?,
        crest_db: over("crest_db", analyses.iter().map(|song| song.dynamics.short_crest_db).collect())?,
        tone: tone_of(songs),
        width_db: (0..wide_bands).map(width).collect(),
        content: content.collect::<Result<_>>()?,
    };
    profile.validate()?;
    Ok(profile)
}

/// What describes content in a band, as [`CONTENT_NAMES`] orders it.
pub(super) fn content_of(band: &crate::measure::analysis::BandDynamics) -> [Option<f64>; 3] {
    [band.long_range_db, band.short_to_long_p10_db, band.short_to_long_p95_db]
        .map(|value| value.map(|db| db.clamp(CONTENT_RANGE_DB.0, CONTENT_RANGE_DB.1)))
}

/// A width as profiles have it.
pub(super) fn width_of(width_db: Option<f64>) -> Option<f64> {
    width_db.map(|db| db.clamp(WIDTH_RANGE_DB.0, WIDTH_RANGE_DB.1))
}

/// Third octaves that [`LEAST_SONGS`] songs or more hold, each song centred on the mean of those that it holds.
fn tone_of(songs: &[&Measurement]) -> Vec<ToneBand> {
    let levels: Vec<Levels> = songs.iter().filter_map(|song| Levels::of(song, usize::MAX)).collect();
    let Some(longest) = levels.iter().max_by_key(|levels| levels.centers_hz.len()) else { return Vec::new() };
    let centered: Vec<Vec<Option<f64>>> = levels.iter().map(centered).collect();
    let of_band = |(band, &center_hz): (usize, &f64)| {
        let values: Vec<Option<f64>> = centered.iter().map(|song| song.get(band).copied().flatten()).collect();
        spread_of(&values).map(|Spread { mean, spread }| ToneBand {
            center_hz: rounded(center_hz),
            mean_db: mean,
            spread_db: spread,
        })
    };
    longest.centers_hz.iter().enumerate().filter_map(of_band).collect()
}

/// Levels over the mean of the bands that hold something; `None` for the others.
fn centered(levels: &Levels) -> Vec<Option<f64>> {
    let held = levels.levels_db.iter().zip(&levels.holds).filter(|(_, holds)| **holds).map(|(db, _)| *db);
    let mean_db = mean(held).unwrap_or(0.0);
    levels.levels_db.iter().zip(&levels.holds).map(|(db, &holds)| holds.then_some(db - mean_db)).collect()
}

/// Mean and standard deviation (of the population that these are a sample of); `None` for fewer than [`LEAST_SONGS`] values.
fn spread_of(values: &[Option<f64>]) -> Option<Spread> {
    let values: Vec<f64> = values.iter().flatten().copied().collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (values.len() >= LEAST_SONGS).then(|| Spread { mean: rounded(mean), spread: rounded(variance.sqrt()) })
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_are_those_of_a_sample() {
        // 2, 4 and 9: mean 5, squares 9 + 1 + 16 = 26 over two degrees of freedom.
        let spread = spread_of(&[Some(2.0), None, Some(4.0), Some(9.0)]).expect("three values");
        assert_eq!(spread, Spread { mean: 5.0, spread: 3.606 });
        assert_eq!(spread_of(&[Some(1.0), Some(2.0), None]), None);
    }

    #[test]
    fn too_few_songs_and_odd_names_are_refused() {
        let error = build(&[], Labels { name: "mine".into(), ..Labels::default() }).expect_err("no songs").to_string();
        assert!(error.contains("3 or more") && error.contains("--reference"), "{error}");
    }
}
