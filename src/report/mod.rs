//! What is told of a job: documents made of plain data, and writers that never compute.

mod comparison;
mod document;
mod figures;
mod html;
#[cfg(test)]
mod sample;
mod svg;
mod text;

pub use comparison::{BandDifference, ComparisonDocument, NumberDifference, WorstDifference};
pub use document::{
    AnalysisDocument, FileDocument, MasterCurves, MasterReport, ModelDocument, Promise, ReductionsDocument,
    SuggestionDocument,
};
pub use html::master_html;
pub use text::{analysis_text, comparison_text, master_text};
