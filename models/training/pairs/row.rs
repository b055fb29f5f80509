//! One row of training data.

use halfspeed::measure::Measurement;
use halfspeed::suggest::Quantity;
use halfspeed::suggest::features::{self, BANDS};
use halfspeed::units::power_to_db;

use crate::Song;

/// What a reference is to its mix.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Another section of the same song, mastered as the truth.
    Same,
    /// Another song, mastered as the truth.
    Other,
    /// The mix is the true master already.
    Done,
}

/// A mix, its reference, and the master that the same chain makes of the mix's song.
pub struct Pair<'a> {
    pub song: &'a Song,
    pub kind: Kind,
    pub mix: &'a Measurement,
    pub reference: &'a Measurement,
    pub truth: &'a Measurement,
}

/// Names of the values that follow the features.
pub fn label_names() -> Vec<String> {
    let bands = |name: &'static str| (0..BANDS).map(move |band| format!("{name}.{band}"));
    let spreads = (0..4).map(|band| format!("spread_db.{band}"));
    ["package", "song", "kind", "validation"]
        .map(String::from)
        .into_iter()
        .chain(bands("weight"))
        .chain(bands("tone_db"))
        .chain(bands("side_db"))
        .chain(bands("side_weight"))
        .chain(spreads)
        .chain(["peak_to_loudness_db", "short_crest_db", "loudness_lu"].map(String::from))
        .collect()
}

impl Pair<'_> {
    /// Features and labels. `None` where a programme is silent or holds less than all bands.
    pub fn row(&self) -> Option<Vec<f32>> {
        let (mix, truth) = (self.mix, self.truth);
        let (mut row, weights) = features::of_pair(mix, self.reference)?;
        if weights.len() != BANDS {
            return None;
        }
        row.extend([
            self.song.package as f32,
            self.song.id as f32,
            self.kind as u8 as f32,
            f32::from(u8::from(self.song.validation)),
        ]);
        row.extend(weights.iter().map(|&weight| weight as f32));
        let first = mix.spectrum.bands.centers_hz().iter().position(|&hz| hz > 35.0)?;
        let bands = first..first + BANDS;
        let (before, after) = (mix.spectrum.mean(|_| true), truth.spectrum.mean(|_| true));
        let db = |power: f32| power_to_db(f64::from(power) + 1e-16);
        let change = |band: usize| (db(after[band].mid) - db(before[band].mid)) as f32;
        row.extend(bands.clone().map(change));
        let side_change = |band: usize| (db(after[band].side) - db(before[band].side)) as f32;
        row.extend(bands.clone().map(|band| side_change(band) - change(band)));
        let has_side = |band: usize| db(before[band].side) > db(before[band].mid) - 35.0 && before[band].side > 1e-10;
        row.extend(bands.map(|band| f32::from(u8::from(has_side(band)))));
        let moved = |of: &dyn Fn(&Measurement) -> Option<f64>| Some((of(truth)? - of(mix)?) as f32);
        for band in 0..4 {
            row.push(moved(&|programme| Quantity::Spread { band }.of(programme)).unwrap_or(0.0));
        }
        row.push(moved(&|programme| Quantity::PeakToLoudness.of(programme))?);
        row.push(moved(&|programme| programme.levels.short_crest_db())?);
        row.push(moved(&|programme| programme.loudness.integrated_lufs())?);
        row.iter().all(|value| value.is_finite()).then_some(row)
    }
}
