//! Profiles: the list as a document, and both forms for the terminal.

use schemars::JsonSchema;
use serde::Serialize;

use super::figures::{hertz, number, printable};
use super::text::{line, wrap};
use crate::measure::wide_bands::{WIDE_BANDS, WideBand};
use crate::suggest::profile::{Candidate, Chosen, Profile, Source, Spread};

/// `halfspeed.profiles/1`: what `profile list` tells.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProfileListDocument {
    /// Always `halfspeed.profiles/1`.
    pub schema: &'static str,
    /// The profiles.
    pub profiles: Vec<Profile>,
}

impl ProfileListDocument {
    /// The document of some profiles.
    pub fn new(profiles: Vec<Profile>) -> Self {
        Self { schema: "halfspeed.profiles/1", profiles }
    }
}

/// The profile that a mix was held against, and how near it is.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ProfileDocument {
    /// Its name; `null` where none was near enough.
    pub name: Option<String>,
    /// What kind of songs it was made from; `null` without a profile.
    pub description: Option<String>,
    /// How many; `null` without a profile.
    pub songs: Option<usize>,
    /// Where they are from.
    pub sources: Vec<Source>,
    /// Distance of the mix from it, 0 or more, about 1 for its own songs; `null` without a profile.
    pub distance: Option<f64>,
    /// All that were looked at, nearest first.
    pub candidates: Vec<Candidate>,
}

impl ProfileDocument {
    /// The document of a choice.
    pub fn new(chosen: &Chosen) -> Self {
        let profile = chosen.profile.as_ref().map(|(profile, _)| profile);
        Self {
            name: profile.map(|profile| profile.name.clone()),
            description: profile.map(|profile| profile.description.clone()),
            songs: profile.map(|profile| profile.songs),
            sources: profile.map_or(Vec::new(), |profile| profile.sources.clone()),
            distance: chosen.profile.as_ref().map(|(_, fit)| fit.distance),
            candidates: chosen.candidates.clone(),
        }
    }

    /// Which one, and how near, in a line.
    pub(super) fn words(&self) -> String {
        match (&self.name, self.candidates.first()) {
            (Some(name), Some(_)) => {
                format!("{name} (distance {}, 1 is typical of its own songs)", number(self.distance, 2))
            }
            (_, Some(nearest)) => {
                format!("none is near enough (the nearest, {}, lies {:.2} away)", nearest.name, nearest.distance)
            }
            _ => "none: the mix has nothing that could be compared".into(),
        }
    }
}

/// Profiles, one a line.
pub fn profile_list_text(document: &ProfileListDocument) -> String {
    let mut out = String::new();
    line(&mut out, &format!("{:<22}{:>6}{:>8}{:>8}{:>8}  songs of", "", "songs", "LUFS", "LRA", "PLR"));
    for profile in &document.profiles {
        let [lufs, range, plr] =
            [profile.loudness_lufs, profile.range_lu, profile.plr_db].map(|value| number(value.mean, 1));
        let sources: Vec<&str> = profile.sources.iter().map(|source| source.name.as_str()).collect();
        let from = match sources.as_slice() {
            [] | [_] => sources.concat(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
        line(
            &mut out,
            &format!("{:<22}{:>6}{lufs:>8}{range:>8}{plr:>8}  {}", profile.name, profile.songs, printable(&from)),
        );
        wrap(&mut out, &printable(&profile.description), 4);
    }
    out
}

/// All of a profile, aligned.
pub fn profile_text(profile: &Profile) -> String {
    let mut out = String::new();
    line(&mut out, &format!("{}: {} songs", printable(&profile.name), profile.songs));
    if !profile.description.is_empty() {
        wrap(&mut out, &printable(&profile.description), 2);
    }
    line(&mut out, "");
    line(&mut out, &format!("{:<36}{:>9}{:>9}", "", "mean", "spread"));
    let mut row = |name: &str, value: Option<Spread>| {
        let [mean, spread] = [value.map(|value| value.mean), value.map(|value| value.spread)].map(|v| number(v, 1));
        line(&mut out, &format!("  {name:<34}{mean:>9}{spread:>9}"));
    };
    row("Integrated loudness, LUFS", Some(profile.loudness_lufs));
    row("Loudness range, LU", Some(profile.range_lu));
    row("Peak to loudness ratio, dB", Some(profile.plr_db));
    row("Crest of 400 ms, dB", Some(profile.crest_db));
    for (WideBand { low_hz, high_hz, .. }, width) in WIDE_BANDS.into_iter().zip(&profile.width_db) {
        row(&format!("Width, {} to {}, dB", hertz(low_hz), hertz(high_hz)), *width);
    }
    for band in &profile.tone {
        let value = Spread { mean: band.mean_db, spread: band.spread_db };
        row(&format!("Tone at {}, dB", hertz(band.center_hz)), Some(value));
    }
    line(&mut out, "");
    for source in &profile.sources {
        let songs = if source.songs == 1 { "1 song".into() } else { format!("{} songs", source.songs) };
        wrap(&mut out, &printable(&format!("{songs} of {} ({})", source.name, source.licence)), 0);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::tests::assert_fits;
    use crate::suggest::profile::tests::pink;

    #[test]
    fn a_profile_is_told_with_its_sources() {
        let text = profile_text(&pink("pink"));
        assert_fits(&text);
        assert!(text.contains("  Integrated loudness, LUFS             -14.0      2.0\n"), "{text}");
        assert!(text.contains("3 songs of noise (CC0-1.0)"), "{text}");
        let list = profile_list_text(&ProfileListDocument::new(vec![pink("pink"), pink("rosa")]));
        assert_fits(&list);
        assert!(list.contains("rosa") && list.lines().count() == 5, "{list}");
    }
}
