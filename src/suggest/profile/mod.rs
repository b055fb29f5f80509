//! Profiles: what many finished songs of a kind measure, to hold a mix against where there is no reference.
//!
//! A profile is the corridor that several references would make, measured once and kept as a JSON file: the mean of each
//! quantity over the songs and how far songs spread about it. Those that ship are in `references/`, with their sources and
//! licences; `halfspeed profile build` makes more. [`super::corridor`] moves a mix towards one, [`fit`] says which one is
//! nearest.

mod build;
mod choice;
mod fit;

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::io::read_text;
use crate::measure::wide_bands::WIDE_BANDS;

pub use build::{LEAST_SONGS, Labels, build};
pub use choice::{Candidate, Chosen, ProfileChoice};
pub(super) use fit::departures_db;
pub use fit::{Fit, MOST_DISTANCE, fit};

/// The form of profile that this version reads and writes.
pub const SCHEMA: &str = "halfspeed.profile/1";
/// What describes content, in each of the four wide bands: fields of [`crate::measure::analysis::BandDynamics`]. An
/// equaliser leaves them as they are.
pub const CONTENT_NAMES: [&str; 3] = ["long_range_db", "short_to_long_p10_db", "short_to_long_p95_db"];

/// What finished songs of a kind measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Always `halfspeed.profile/1`.
    pub schema: String,
    /// Short name: lower-case letters, digits and hyphens.
    pub name: String,
    /// What kind of songs these are.
    pub description: String,
    /// How many songs were measured, 3 or more.
    pub songs: usize,
    /// Where they are from.
    pub sources: Vec<Source>,
    /// Integrated loudness, LUFS.
    pub loudness_lufs: Spread,
    /// Loudness range, LU.
    pub range_lu: Spread,
    /// True peak over integrated loudness, dB.
    pub plr_db: Spread,
    /// Median peak over RMS of 400 ms, dB.
    pub crest_db: Spread,
    /// Third octaves of the mid over the loud parts, rising, each song at a mean level of 0 dB over the bands that it holds.
    pub tone: Vec<ToneBand>,
    /// Power of the side over the mid in the four wide bands, dB; `null` where too few songs are stereo.
    pub width_db: Vec<Option<Spread>>,
    /// What describes the content, in the four wide bands: `long_range_db`, `short_to_long_p10_db` and
    /// `short_to_long_p95_db`, in that order.
    pub content: Vec<Content>,
}

/// Songs of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProfileSource")]
pub struct Source {
    /// A package, an album, a folder.
    pub name: String,
    /// How many songs of it were measured.
    pub songs: usize,
    /// Their licence.
    pub licence: String,
}

/// Mean and standard deviation of a quantity over songs, in the unit of the field that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation, 0 or more.
    pub spread: f64,
}

/// A third octave of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToneBand {
    /// Its centre.
    pub center_hz: f64,
    /// Mean level.
    pub mean_db: f64,
    /// Standard deviation of the level, 0 or more.
    pub spread_db: f64,
}

/// A number that describes content, in the four wide bands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Which of the three it is: as in `dynamics.bands` of an analysis.
    pub name: String,
    /// Its values, lowest band first.
    pub bands: Vec<Spread>,
}

impl Profile {
    /// Checks what the field docs promise.
    ///
    /// # Errors
    /// [`Error::Setting`] names the field, what is the matter and what is asked for.
    pub fn validate(&self) -> Result<()> {
        let wide_bands = WIDE_BANDS.len();
        check(self.schema == SCHEMA, "schema", || {
            format!("it is {:?}, this version reads {SCHEMA:?}; build the profile again", self.schema)
        })?;
        check(is_name(&self.name), "name", || NAME_RULE.into())?;
        check(self.songs >= LEAST_SONGS, "songs", || format!("it needs {LEAST_SONGS} or more"))?;
        let told = self.sources.iter().try_fold(0usize, |sum, source| sum.checked_add(source.songs));
        check(told == Some(self.songs), "sources", || {
            let told = told.map_or_else(|| "too many".into(), |told| told.to_string());
            format!("they add up to {told} songs, not {}", self.songs)
        })?;
        let single = [
            ("loudness_lufs", self.loudness_lufs),
            ("range_lu", self.range_lu),
            ("plr_db", self.plr_db),
            ("crest_db", self.crest_db),
        ];
        for (field, value) in single {
            value.validate(field)?;
        }
        let (low_lufs, high_lufs) = FINISHED_SONGS_LUFS;
        check((low_lufs..=high_lufs).contains(&self.loudness_lufs.mean), "loudness_lufs", || {
            format!("its mean must lie between {low_lufs:.0} and {high_lufs:.0}")
        })?;
        let rising = self.tone.windows(2).all(|pair| pair[0].center_hz < pair[1].center_hz);
        check(self.tone.len() >= LEAST_TONE_BANDS && rising, "tone", || {
            format!("it needs {LEAST_TONE_BANDS} or more third octaves, rising")
        })?;
        for band in &self.tone {
            check(band.center_hz > 0.0, "tone.center_hz", || "it must be over 0".into())?;
            Spread { mean: band.mean_db, spread: band.spread_db }.validate("tone")?;
        }
        check(self.width_db.len() == wide_bands, "width_db", || format!("it needs {wide_bands} values"))?;
        for width in self.width_db.iter().flatten() {
            width.validate("width_db")?;
        }
        let named = self.content.iter().map(|content| content.name.as_str()).eq(CONTENT_NAMES);
        check(named, "content", || format!("it needs {}, in this order", CONTENT_NAMES.join(", ")))?;
        for content in &self.content {
            let field = format!("content.{}", content.name);
            check(content.bands.len() == wide_bands, &field, || format!("it needs {wide_bands} bands"))?;
            content.bands.iter().try_for_each(|band| band.validate(&field))?;
        }
        Ok(())
    }

    /// Reads a profile.
    ///
    /// # Errors
    /// Those of [`read_text`]; [`Error::Content`] with file and place if it is no profile.
    pub fn load(path: &Path) -> Result<Self> {
        let text = read_text(path, "a profile is a JSON file, as `halfspeed profile build` writes it")?;
        Self::parse(&text).map_err(|reason| {
            Error::content(path, format!("not a profile: {reason}; `halfspeed profile build` makes one"))
        })
    }

    /// Reads all profiles of a folder, in the order of their names. Other `*.json` files are passed over, and named in the log.
    ///
    /// # Errors
    /// [`Error::Read`] if something can't be read; [`Error::Content`] if it holds none.
    pub fn load_folder(folder: &Path) -> Result<Vec<Self>> {
        let entries = std::fs::read_dir(folder).map_err(|error| Error::read(folder, error))?;
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| Error::read(folder, error))?.path();
            if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
                paths.push(path);
            }
        }
        paths.sort();
        let mut profiles = Vec::new();
        for path in paths {
            match Self::load(&path) {
                Ok(profile) => profiles.push(profile),
                Err(other @ Error::Content { .. }) => log::warn!("passed over: {other}"),
                Err(error) => return Err(error),
            }
        }
        if profiles.is_empty() {
            return Err(Error::content(folder, "no profile (.json) is in it; `halfspeed profile build` makes one"));
        }
        Ok(profiles)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let profile: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        profile.validate().map_err(|error| error.to_string())?;
        Ok(profile)
    }

    /// The profile as JSON, which [`Profile::load`] reads again. Numbers have three decimals: more would be noise.
    pub fn to_json(&self) -> String {
        // A structure of numbers and strings can't fail to become JSON.
        serde_json::to_string_pretty(self).map_or_else(|_| String::new(), |text| text + "\n")
    }

    /// The profiles that ship.
    pub fn built_in() -> Vec<Self> {
        // A test reads each: they are part of the program.
        BUILT_IN.iter().filter_map(|text| Self::parse(text).ok()).collect()
    }

    /// Level and spread of the third octave at a frequency, dB.
    pub fn tone_at(&self, hz: f64) -> Option<ToneBand> {
        // Neighbouring centres lie 26 % apart.
        self.tone.iter().copied().find(|band| (band.center_hz / hz - 1.0).abs() < 0.05)
    }
}

/// Between these lies the loudness of finished songs, LUFS.
const FINISHED_SONGS_LUFS: (f64, f64) = (-70.0, 0.0);
/// Fewer third octaves than this are no spectrum.
const LEAST_TONE_BANDS: usize = 12;

const BUILT_IN: [&str; 11] = [
    include_str!("../../../references/ambient-dark.json"),
    include_str!("../../../references/beats.json"),
    include_str!("../../../references/dark-cinematic.json"),
    include_str!("../../../references/deep-synth.json"),
    include_str!("../../../references/dense-bright.json"),
    include_str!("../../../references/electronic.json"),
    include_str!("../../../references/light-acoustic.json"),
    include_str!("../../../references/open-percussive.json"),
    include_str!("../../../references/orchestral.json"),
    include_str!("../../../references/retro-narrow.json"),
    include_str!("../../../references/warm-folk.json"),
];

const NAME_RULE: &str = "it needs lower-case letters, digits and hyphens, and nothing else";

/// Whether it can be a profile's name: lower-case letters, digits and hyphens.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn check(holds: bool, field: &str, reason: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::setting(field, reason())) }
}

impl Spread {
    fn validate(self, field: &str) -> Result<()> {
        // A JSON number too large becomes infinite.
        let sound = self.mean.is_finite() && self.spread.is_finite() && self.spread >= 0.0;
        check(sound, field, || format!("{} with a spread of {} is no value", self.mean, self.spread))
    }

    /// How many spreads a value lies from the mean; spreads are taken for `least` or more.
    fn deviation(self, value: f64, least: f64) -> f64 {
        (value - self.mean) / self.spread.max(least)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::dsp::testing::Noise;
    use crate::measure::{Measurement, Meter};

    /// A pink profile: every band at 0 dB with a spread of 2 dB.
    pub(crate) fn pink(name: &str) -> Profile {
        let value = |mean| Spread { mean, spread: 2.0 };
        Profile {
            schema: SCHEMA.into(),
            name: name.into(),
            description: "pink noise".into(),
            songs: 3,
            sources: vec![Source { name: "noise".into(), songs: 3, licence: "CC0-1.0".into() }],
            loudness_lufs: value(-14.0),
            range_lu: value(5.0),
            plr_db: value(12.0),
            crest_db: value(12.0),
            tone: (-14..=12)
                .map(|k| ToneBand {
                    center_hz: (1e6 * 10f64.powf(f64::from(k) / 10.0)).round() / 1000.0,
                    mean_db: 0.0,
                    spread_db: 2.0,
                })
                .collect(),
            width_db: vec![None, Some(value(-6.0)), Some(value(-6.0)), None],
            content: CONTENT_NAMES.map(|name| Content { name: name.into(), bands: vec![value(0.0); 4] }).to_vec(),
        }
    }

    /// Pink noise: as much power in every third octave, the side 6 dB under the mid.
    pub(crate) fn pink_noise() -> Measurement {
        let mut meter = Meter::new(44_100);
        let mut white = Noise(7);
        let mut noise = || 0.5 * white.next();
        // P. Kellet's filter of white noise, within 0.05 dB of -3 dB per octave above 9 Hz.
        let pink = || {
            let mut poles = [0.0; 6];
            move |white: f64| {
                let stages = [
                    (0.99886, 0.0555179),
                    (0.99332, 0.0750759),
                    (0.96900, 0.1538520),
                    (0.86650, 0.3104856),
                    (0.55000, 0.5329522),
                    (-0.7616, -0.0168980),
                ];
                for (pole, (decay, gain)) in poles.iter_mut().zip(stages) {
                    *pole = decay * *pole + gain * white;
                }
                poles.iter().sum::<f64>() + 0.5362 * white
            }
        };
        let (mut of_mid, mut of_side) = (pink(), pink());
        let mut block = AudioBuffer::new(44_100);
        for _ in 0..44_100 * 8 {
            let (mid, side) = (0.1 * of_mid(noise()), 0.05 * of_side(noise()));
            block.push((mid + side) as f32, (mid - side) as f32);
        }
        meter.push(&block);
        meter.finish()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b-side", "a-side"] {
            std::fs::write(folder.path().join(format!("{name}.json")), pink(name).to_json()).expect("written");
        }
        let read = Profile::load_folder(folder.path()).expect("sound");
        assert_eq!(read, [pink("a-side"), pink("b-side")]);
    }

    #[test]
    fn what_is_no_profile_is_refused_with_file_cause_and_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mine.json");
        let spoilt = |text: &str, with: &str| pink("mine").to_json().replacen(text, with, 1);
        let wrapping = || {
            // More than any number holds, and 3 if nobody looks.
            let mut profile = pink("mine");
            let source = profile.sources[0].clone();
            profile.sources = [usize::MAX, 4].map(|songs| Source { songs, ..source.clone() }).into();
            profile.to_json()
        };
        for (text, cause) in [
            ("{".to_owned(), "EOF"),
            (spoilt("profile/1", "profile/7"), "this version reads"),
            (spoilt("\"mine\"", "\"My Songs\""), "lower-case"),
            (spoilt("\"songs\": 3", "\"songs\": 1"), "3 or more"),
            (spoilt("\"songs\": 3", "\"songs\": 4"), "add up to 3"),
            (wrapping(), "add up to too many"),
            (spoilt("\"spread\": 2.0", "\"spread\": -2.0"), "no value"),
            (spoilt("\"name\"", "\"nome\""), "unknown field"),
            (spoilt("long_range_db", "long_db"), "content"),
        ] {
            std::fs::write(&path, text).expect("written");
            let error = Profile::load(&path).expect_err(cause).to_string();
            assert!(error.contains("mine.json") && error.contains(cause), "{cause}: {error}");
            assert!(error.contains("profile build"), "{error}");
        }
        std::fs::remove_file(&path).expect("removed");
        assert!(Profile::load(&path).is_err_and(|error| error.to_string().contains("can't read")));
        assert!(Profile::load_folder(folder.path()).is_err_and(|error| error.to_string().contains("no profile")));
    }
}
