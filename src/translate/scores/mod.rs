//! Scores from 0 (lost) to 100 (as it was meant) for what a device leaves of a programme.
//!
//! Each part is a formula that falls when the fault that it names grows; `docs/translation.md` has them in one place.
//! Everything follows from the band powers at the ear. What changes over time is computed for each frame; a section's score is
//! that of its frames.

mod balance;
mod bass;
mod lead;
mod mono;
mod noise;
mod stress;

use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;

pub(super) use self::balance::{Departure, loss as balance_loss};
pub(super) use self::bass::{lack_db as bass_lack_db, masking};
pub use self::mono::{LostElement, lost_in_mono};
use super::ear::Ear;
use super::programme::Programme;

/// A part of a score.
// JSON has the names of the fields of `parts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The pitch of the bass line.
    Bass,
    /// The lead over the rest.
    Lead,
    /// What is left where channels are summed.
    Mono,
    /// The tonal balance.
    Balance,
    /// The music over the noise.
    Noise,
    /// The rest that the device's own limiter has.
    Stress,
}

impl Part {
    /// All parts, in the order in which they are told.
    pub const ALL: [Self; 6] = [Self::Bass, Self::Lead, Self::Mono, Self::Balance, Self::Noise, Self::Stress];

    /// Weight in the whole.
    fn weight(self) -> f64 {
        match self {
            Self::Bass | Self::Lead => 0.25,
            Self::Mono | Self::Balance => 0.15,
            Self::Noise | Self::Stress => 0.10,
        }
    }

    /// Whether it holds what is heard against what the version itself has, so that what the version lacks is not missed.
    fn is_of_version(self) -> bool {
        matches!(self, Self::Bass | Self::Balance | Self::Noise)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

/// The parts of a score, each 0 to 100. `None` where a part does not apply: no bass in the music, no room noise, ...
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, JsonSchema)]
pub struct Parts {
    /// Whether the bass line's pitch is heard, by itself or by its harmonics.
    pub bass: Option<f64>,
    /// How much of the lead is heard over the rest and the noise.
    pub lead: Option<f64>,
    /// How little is lost where channels are summed.
    pub mono: Option<f64>,
    /// How near the tonal balance is to that of the file.
    pub balance: Option<f64>,
    /// How much of the time the music stands out of the noise.
    pub noise: Option<f64>,
    /// How little the device's own limiter has to hold back.
    pub stress: Option<f64>,
}

impl Parts {
    /// The value of a part.
    pub fn of(&self, part: Part) -> Option<f64> {
        match part {
            Part::Bass => self.bass,
            Part::Lead => self.lead,
            Part::Mono => self.mono,
            Part::Balance => self.balance,
            Part::Noise => self.noise,
            Part::Stress => self.stress,
        }
    }

    /// The whole score: the weighted mean of the parts that apply. `None` if none does.
    pub fn score(&self) -> Option<f64> {
        weighted_mean(|part| self.of(part))
    }

    /// What these parts gain over those of another version of the programme, points: the weighted mean of the changes of the parts
    /// that apply to both. `None` if none does. Where `lacks_bass`, what the parts that don't miss it gain is not counted.
    pub(super) fn gain_over(&self, before: &Self, lacks_bass: bool) -> Option<f64> {
        weighted_mean(|part| {
            let gain = self.of(part)? - before.of(part)?;
            Some(if lacks_bass && part.is_of_version() { gain.min(0.0) } else { gain })
        })
    }
}

/// The mean of what parts have, by their weights; `None` where none has anything.
fn weighted_mean(of: impl Fn(Part) -> Option<f64>) -> Option<f64> {
    let parts = Part::ALL.into_iter().filter_map(|part| Some((of(part)?, part.weight())));
    let (sum, weights) = parts.fold((0.0, 0.0), |(sum, all), (part, weight)| (sum + part * weight, all + weight));
    (weights > 0.0).then(|| sum / weights)
}

/// What of a programme's scores is the same for every device.
pub(super) struct Traits {
    bass: bass::Line,
    /// Whether each frame is a pause.
    pauses: Vec<bool>,
}

impl Traits {
    pub(super) fn new(programme: &Programme) -> Self {
        Self { bass: bass::Line::new(programme), pauses: programme.pauses() }
    }
}

/// A part that no device is scored on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Unscored {
    /// The part.
    pub part: Part,
    /// Why, in words.
    pub reason: &'static str,
}

/// The parts that a programme is scored on nowhere, with the reason.
pub(super) fn unscored(programme: &Programme) -> Vec<Unscored> {
    let bass = bass::Line::new(programme).absence().map(|reason| Unscored { part: Part::Bass, reason });
    let lead = lead::absence(programme).map(|reason| Unscored { part: Part::Lead, reason });
    bass.into_iter().chain(lead).collect()
}

/// What is taken from the score of a device that plays a programme as it is, by so many points of the balance. Stereo, in a silent
/// room and without a limiter, it has no other part than the bass and the lead that there are.
pub(super) fn cost_of_balance(programme: &Programme, points: f64) -> f64 {
    let absent = unscored(programme);
    let kept = |part: Part| absent.iter().all(|unscored| unscored.part != part).then_some(100.0);
    let left =
        Parts { bass: kept(Part::Bass), lead: kept(Part::Lead), balance: Some(100.0 - points), ..Parts::default() };
    left.score().map_or(0.0, |score| 100.0 - score)
}

/// Parts that change over time, for each frame; `NaN` where a frame has none.
pub(super) struct Scored<'a> {
    ear: &'a Ear<'a>,
    bass: Vec<f32>,
    lead: Option<Vec<f32>>,
    noise: Option<Vec<f32>>,
    stress: Option<Vec<f32>>,
}

impl<'a> Scored<'a> {
    pub(super) fn new(ear: &'a Ear<'a>, traits: &Traits) -> Self {
        Self {
            bass: bass::frames(ear, &traits.bass),
            lead: lead::frames(ear),
            noise: noise::frames(ear, &traits.pauses),
            stress: stress::frames(ear, &traits.pauses),
            ear,
        }
    }

    /// The parts over a range of frames.
    pub(super) fn parts(&self, range: Range<usize>) -> Parts {
        let mean = self.ear.programme.mean(range.clone());
        let percent = |frames: &[f32]| mean_of(&frames[range.clone()]).map(|share| 100.0 * share);
        Parts {
            bass: percent(&self.bass),
            lead: self.lead.as_deref().and_then(percent),
            mono: mono::score(self.ear, &mean),
            balance: balance::score(self.ear, &mean),
            noise: self.noise.as_deref().and_then(percent),
            stress: self.stress.as_deref().and_then(|frames| stress::score(&frames[range.clone()])),
        }
    }

    /// Level of each band at the ear over that in the file, both over the K-weighted whole, dB. `None` where the file
    /// has nothing.
    pub(super) fn band_changes_db(&self) -> Vec<Option<f64>> {
        balance::changes_db(self.ear, &self.ear.programme.whole)
    }
}

/// The mean of what is a number.
fn mean_of(frames: &[f32]) -> Option<f64> {
    let (sum, count) =
        frames.iter().filter(|x| x.is_finite()).fold((0.0, 0u32), |(sum, count), x| (sum + f64::from(*x), count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// A straight line from 0 at `low` to 1 at `high`, and flat beyond.
fn ramp(value: f64, low: f64, high: f64) -> f64 {
    ((value - low) / (high - low)).clamp(0.0, 1.0)
}
