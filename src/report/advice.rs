//! What to fix in a mix: the document.

use schemars::JsonSchema;
use serde::Serialize;

use super::{FileDocument, ProfileDocument};
use crate::advise::{Advice, Advised};

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
        }
    }
}
