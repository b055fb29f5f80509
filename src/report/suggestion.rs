//! A suggestion and what became of it.

use schemars::JsonSchema;
use serde::Serialize;

use super::figures::{number, signed};
use crate::suggest::Suggestion;

/// A miss of the prediction beyond this is marked, in the suggestion's unit.
const FAR_OFF: f64 = 1.0;
/// A movement up to this counts as none.
const STILL: f64 = 0.3;

/// A suggestion with what became of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SuggestionDocument {
    /// The suggestion.
    #[serde(flatten)]
    pub suggestion: Suggestion,
    /// What is measured, in words: "width, 120 to 5000 Hz".
    pub measure: String,
    /// Unit of `before`, `predicted`, `achieved`, `reference` and `reference_by_samples`: `dB` or `%`.
    pub unit: &'static str,
    /// Value in the written master. `None` where it has none.
    pub achieved: Option<f64>,
    /// Value in the reference, the median of several, or mean of the profile. `None` where that has none.
    pub reference: Option<f64>,
    /// The same of a density by the samples that the reference's limiter held, where its true peak is 1 dB or more over them (it
    /// clips, say): the master is made after them. `null` elsewhere.
    pub reference_by_samples: Option<f64>,
    /// Whether it came about as predicted.
    pub outcome: Outcome,
}

/// What became of a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SuggestionOutcome")]
pub enum Outcome {
    /// It came about, to within 1 of its unit.
    AsPredicted,
    /// The value moved against the prediction, and no nearer to the reference.
    WrongWay,
    /// The value is farther from the prediction.
    Off,
    /// A value is missing.
    Unknown,
}

impl SuggestionDocument {
    /// Of a suggestion, and of what its quantity is in the written master and in what it was held against.
    pub fn new(suggestion: Suggestion, achieved: Option<f64>, reference: Option<f64>) -> Self {
        Self {
            measure: suggestion.quantity.describe(),
            unit: suggestion.quantity.unit(),
            achieved,
            reference,
            reference_by_samples: None,
            outcome: Outcome::of(&suggestion, achieved, reference),
            suggestion,
        }
    }

    /// How far the master lies over the prediction.
    pub(super) fn miss(&self) -> Option<f64> {
        Some(self.achieved? - self.suggestion.predicted?)
    }

    /// What of the reference the change was made after.
    pub(super) fn held_against(&self) -> Option<f64> {
        self.reference_by_samples.or(self.reference)
    }

    /// Why that is another number than the reference's true peak gives.
    pub(super) fn reference_words(&self) -> Option<String> {
        let by_true_peak = number(self.reference, 1);
        let unit = self.unit;
        self.reference_by_samples.map(|_| {
            format!(
                "A reference counts by the samples its limiter held; by true peak it would be {by_true_peak} {unit}."
            )
        })
    }

    /// The outcome in words.
    pub(super) fn outcome_words(&self) -> String {
        match self.outcome {
            Outcome::AsPredicted => "as predicted".into(),
            Outcome::WrongWay => "moved the wrong way".into(),
            Outcome::Off => format!("{} {} off the prediction", signed(self.miss(), 1), self.unit),
            Outcome::Unknown => "not measurable".into(),
        }
    }
}

impl Outcome {
    /// Holds what was achieved against what was predicted. What came nearer to the reference went no wrong way.
    fn of(suggestion: &Suggestion, achieved: Option<f64>, reference: Option<f64>) -> Self {
        let Some(((before, predicted), achieved)) = suggestion.before.zip(suggestion.predicted).zip(achieved) else {
            return Self::Unknown;
        };
        let (wanted, got, miss) = (predicted - before, achieved - before, achieved - predicted);
        let is_nearer = reference.is_some_and(|reference| (achieved - reference).abs() < (before - reference).abs());
        if !miss.is_finite() {
            Self::Unknown
        } else if wanted.abs() > STILL && got.abs() > STILL && wanted.signum() != got.signum() && !is_nearer {
            Self::WrongWay
        } else if miss.abs() > FAR_OFF {
            Self::Off
        } else {
            Self::AsPredicted
        }
    }

    /// Whether a reader should look.
    pub(super) fn is_bad(self) -> bool {
        matches!(self, Self::WrongWay | Self::Off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn outcomes_tell_the_wrong_way_from_a_miss() {
        let document = |before, predicted, achieved| {
            let suggestion = sample::suggestion().suggestion;
            let suggestion = Suggestion { before: Some(before), predicted: Some(predicted), ..suggestion };
            SuggestionDocument::new(suggestion, achieved, None)
        };
        let outcome = |before, predicted, achieved| document(before, predicted, achieved).outcome;
        assert_eq!(outcome(5.0, 3.0, Some(3.9)), Outcome::AsPredicted);
        assert_eq!(outcome(5.0, 3.0, Some(5.5)), Outcome::WrongWay);
        assert_eq!(outcome(5.0, 3.0, Some(1.5)), Outcome::Off);
        assert_eq!(document(5.0, 3.0, Some(1.5)).miss(), Some(-1.5));
        assert_eq!(outcome(5.0, 3.0, Some(5.05)), Outcome::Off);
        assert_eq!(document(5.0, 3.0, Some(5.05)).miss(), Some(5.05 - 3.0));
        assert_eq!(outcome(5.0, 3.0, None), Outcome::Unknown);
        let with_reference = |reference| {
            let suggestion = document(-18.6, -19.2, None).suggestion;
            SuggestionDocument::new(suggestion, Some(-16.6), Some(reference)).outcome
        };
        assert_eq!([with_reference(-16.4), with_reference(-21.0)], [Outcome::Off, Outcome::WrongWay]);
    }

    #[test]
    fn programs_are_told_the_outcome_too() {
        let told = serde_json::to_value(sample::suggestion()).expect("JSON");
        assert_eq!(told["outcome"], "as_predicted", "{told}");
    }
}
