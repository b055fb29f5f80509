//! How a programme translates: the document.

use serde::Serialize;

use super::FileDocument;
use super::figures::signed;
use crate::translate::Translation;
use crate::translate::fix::Fix;
use crate::translate::job::Translated;

/// `halfspeed.translation/1`: what is left of a programme on devices, services and codecs.
#[derive(Debug, Clone, Serialize)]
pub struct TranslationDocument {
    /// Always `halfspeed.translation/1`.
    pub schema: &'static str,
    /// The programme.
    pub file: FileDocument,
    /// The mix that it was made from, if one was given.
    pub before: Option<FileDocument>,
    /// The reference, if one was given.
    pub reference: Option<FileDocument>,
    /// Codecs that were asked for and can't be checked here, and why.
    pub codecs_absent: Vec<String>,
    /// What was found.
    #[serde(flatten)]
    pub translation: Translation,
}

impl TranslationDocument {
    /// The document of a programme that was looked at.
    pub fn new(translated: Translated, codecs_absent: Vec<String>) -> Self {
        Self {
            schema: "halfspeed.translation/1",
            file: FileDocument::new(&translated.source),
            before: translated.before.as_ref().map(FileDocument::new),
            reference: translated.reference.as_ref().map(FileDocument::new),
            codecs_absent,
            translation: translated.translation,
        }
    }
}

/// What a fix should do, and does.
pub(super) fn fix_outcome(fix: &Fix) -> String {
    let predicted = format!("{} points predicted", signed(Some(fix.predicted_gain), 1));
    match &fix.verified {
        None => predicted,
        Some(verified) => {
            let harm = match &verified.harmed {
                Some(harmed) if verified.worst_harm >= 0.05 => {
                    format!(", {} on {harmed}", signed(Some(-verified.worst_harm), 1))
                }
                _ => String::new(),
            };
            let verdict = if verified.passes { "" } else { ": left out" };
            format!("{predicted}, {} rendered{harm}{verdict}", signed(Some(verified.gain), 1))
        }
    }
}

/// Changes of a score that are worth a word in the summary, points.
const NOTABLE: f64 = 5.0;

/// A sentence on what mastering changed.
pub(super) fn summary(translation: &Translation) -> String {
    let changes: Vec<(&str, f64)> = translation
        .devices
        .iter()
        .filter_map(|device| Some((device.name.as_str(), device.own.score? - device.before.as_ref()?.score?)))
        .collect();
    let of = |sign: f64| {
        let mut found: Vec<_> = changes.iter().filter(|(_, change)| sign * change >= NOTABLE).collect();
        found.sort_by(|a, b| (sign * b.1).total_cmp(&(sign * a.1)));
        found
            .iter()
            .take(3)
            .map(|(name, change)| format!("{name} {}", signed(Some(*change), 0)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (better, worse) = (of(1.0), of(-1.0));
    match (better.is_empty(), worse.is_empty()) {
        (true, true) => "Translation stays as it was, within 5 points on every device.".into(),
        (false, true) => format!("Translates better on: {better}."),
        (true, false) => format!("Translates worse on: {worse}."),
        (false, false) => format!("Translates better on: {better}; worse on: {worse}."),
    }
}
