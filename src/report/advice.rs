//! What to fix in a mix: the document.

use schemars::JsonSchema;
use serde::Serialize;

use super::figures::file_name;
use super::{FileDocument, ProfileDocument};
use crate::advise::{Advice, Advised, UntoldTone};
use crate::paths::path_text;
use crate::quality::{Check, Finding, Severity};
use crate::source::Source;

/// `halfspeed.advice/1`: what to fix in a mix before it is mastered.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AdviceDocument {
    /// Always `halfspeed.advice/1`.
    pub schema: &'static str,
    /// The mix.
    pub file: FileDocument,
    /// The reference, if there was one.
    pub reference: Option<FileDocument>,
    /// The profile that the tone was held against; `null` where none was asked for.
    pub profile: Option<ProfileDocument>,
    /// What to fix, worst first.
    pub findings: Vec<Advice>,
    /// What else the user should know: what is wrong with the reference, and why nothing of the tone is told beside it.
    pub notes: Vec<String>,
}

impl AdviceDocument {
    /// The document of a mix that was looked over.
    pub fn new(advised: &Advised) -> Self {
        Self {
            schema: "halfspeed.advice/1",
            file: FileDocument::new(&advised.mix),
            reference: advised.reference.as_ref().map(FileDocument::new),
            profile: advised.chosen.as_ref().map(ProfileDocument::new),
            findings: advised.findings.clone(),
            notes: advised.reference.as_ref().map_or(Vec::new(), |reference| notes(reference, advised.untold_tone)),
        }
    }
}

/// What is wrong with a reference, and why nothing of the tone is told beside it.
fn notes(reference: &Source, untold: Option<UntoldTone>) -> Vec<String> {
    let faults: Vec<&str> = reference.findings.iter().filter_map(fault).collect();
    let faults = (!faults.is_empty())
        .then(|| format!("The reference itself has {}: what is held against it counts less.", faults.join(" and ")));
    let name = file_name(&path_text(&reference.info.path));
    let tone = untold.map(|untold| match untold {
        UntoldTone::NothingStandsOut => format!("Tone: nothing stands out against {name}."),
        UntoldTone::TooLittleShared => {
            format!("Tone: what differs from {name} is no more than what songs that share so little differ by.")
        }
        UntoldTone::PartMissing => {
            format!("Tone: a part of the spectrum is missing in the mix or in {name}, which is no matter of tone.")
        }
        UntoldTone::NotComparable => {
            format!("Tone: too little of the spectrum is in both the mix and {name} to hold one against the other.")
        }
    });
    faults.into_iter().chain(tone).collect()
}

/// A fault that makes a reference a poor one, by name; others are a matter of its file, not of its sound.
fn fault(finding: &Finding) -> Option<&'static str> {
    match finding.id {
        _ if finding.severity != Severity::Fail => None,
        Check::Clipping => Some("peaks that are cut off flat"),
        Check::Dc => Some("an offset"),
        Check::Dropout => Some("gaps torn into the sound"),
        Check::Polarity => Some("a channel that is probably upside down, or a widener that goes too far"),
        Check::DeadChannel => Some("a silent channel"),
        Check::Balance => Some("one channel far louder than the other"),
        _ => None,
    }
}
