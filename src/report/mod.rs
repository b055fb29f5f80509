//! What is told of a job: documents made of plain data, and writers that never compute.

mod advice;
mod album;
mod comparison;
mod csv;
mod document;
mod figures;
mod html;
mod notes;
mod processors;
mod profile;
mod readings;
#[cfg(test)]
mod sample;
mod schemas;
mod suggestion;
mod svg;
mod text;
mod translation;
mod verdicts;

pub use advice::AdviceDocument;
pub use album::AlbumDocument;
pub use comparison::{BandDifference, ComparisonDocument, NumberDifference, WorstDifference};
pub use csv::analysis_csv;
pub use document::{
    AlbumAnalysisDocument, AnalysisDocument, FailedFile, FailureDocument, FileDocument, MasterCurves, MasterReport,
    ModelDocument, ReductionsDocument,
};
pub use figures::{printable, printable_lines, promise_words};
pub use html::{album_translation_html, analysis_html, master_html, translation_html};
pub use processors::{ProcessorsDocument, processors_markdown};
pub use profile::{ProfileDocument, ProfileListDocument, profile_list_text, profile_text};
pub use schemas::{DOCUMENT_KINDS, DocumentKind, json_markdown};
pub use suggestion::{Outcome, SuggestionDocument};
pub use text::{
    Colors, advice_text, album_translation_text, analysis_text, comparison_text, master_text, processors_text,
    translation_text,
};
pub use translation::{AlbumTranslationDocument, TranslationDocument};
