//! Which profile a mix is held against.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Fit, MOST_DISTANCE, Profile, fit};
use crate::error::{Error, Result};
use crate::measure::Measurement;

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum ProfileChoice {
    /// The nearest of these, if any is near enough.
    Nearest(Vec<Profile>),
    /// This one, however far it is.
    This(Box<Profile>),
}

/// What was chosen, and how near it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The profile; `None` where none is near enough.
    pub profile: Option<(Profile, Fit)>,
    /// All that were looked at, nearest first.
    pub candidates: Vec<Candidate>,
}

/// A profile that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ProfileCandidate")]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Its distance from the mix; about 1 for the profile's own songs.
    pub distance: f64,
}

impl ProfileChoice {
    /// From what a user says: `auto` for the nearest of those that ship, the name of one of them, a profile's file, or a
    /// folder of profiles for the nearest of those.
    ///
    /// # Errors
    /// Those of [`Profile::load`] and [`Profile::load_folder`]; [`Error::Setting`] for a name that no profile has.
    pub fn find(wanted: &str) -> Result<Self> {
        let built_in = Profile::built_in();
        if wanted == "auto" {
            return Ok(Self::Nearest(built_in));
        }
        if let Some(profile) = built_in.iter().find(|profile| profile.name == wanted) {
            return Ok(Self::This(Box::new(profile.clone())));
        }
        let path = Path::new(wanted);
        if path.is_dir() {
            return Profile::load_folder(path).map(Self::Nearest);
        }
        if path.exists() || wanted.contains(['/', '\\', '.']) {
            return Profile::load(path).map(|profile| Self::This(Box::new(profile)));
        }
        let names: Vec<&str> = built_in.iter().map(|profile| profile.name.as_str()).collect();
        let reason = format!("there is none of that name, but {} and auto; or give a file", names.join(", "));
        Err(Error::setting(format!("profile {wanted:?}"), reason))
    }

    /// Chooses for a mix. Of two that are as near, the first.
    pub fn choose(&self, mix: &Measurement) -> Chosen {
        let (profiles, most_distance) = match self {
            Self::Nearest(profiles) => (profiles.as_slice(), MOST_DISTANCE),
            Self::This(profile) => (std::slice::from_ref(profile.as_ref()), f64::INFINITY),
        };
        let mut fits: Vec<(Profile, Fit)> =
            profiles.iter().filter_map(|profile| fit(mix, profile).map(|fit| (profile.clone(), fit))).collect();
        fits.sort_by(|a, b| a.1.distance.total_cmp(&b.1.distance));
        let candidates = fits
            .iter()
            .map(|(profile, fit)| Candidate { name: profile.name.clone(), distance: fit.distance })
            .collect();
        Chosen { profile: fits.into_iter().next().filter(|(_, fit)| fit.distance <= most_distance), candidates }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{pink, pink_noise};
    use super::*;

    #[test]
    fn the_nearest_is_chosen_and_none_that_is_far() {
        let mut dark = pink("dark");
        for (index, band) in dark.tone.iter_mut().enumerate() {
            band.mean_db = -2.0 * index as f64;
        }
        let mix = pink_noise();
        let chosen = ProfileChoice::Nearest(vec![dark.clone(), pink("pink")]).choose(&mix);
        assert_eq!(chosen.candidates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["pink", "dark"]);
        assert_eq!(chosen.profile.expect("pink is near").0.name, "pink");
        let none = ProfileChoice::Nearest(vec![dark.clone()]).choose(&mix);
        assert!(none.profile.is_none() && none.candidates.len() == 1, "{none:?}");
        assert!(ProfileChoice::This(Box::new(dark)).choose(&mix).profile.is_some());
    }

    #[test]
    fn a_name_that_no_profile_has_is_told_with_those_that_there_are() {
        let error = ProfileChoice::find("nosuch").expect_err("no such profile").to_string();
        assert!(error.contains("nosuch") && error.contains("auto"), "{error}");
        assert!(ProfileChoice::find("auto").is_ok());
    }
}
