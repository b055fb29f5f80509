//! What is told of a job: documents made of plain data, and writers that never compute.

mod document;
mod html;
mod svg;
mod text;

pub use document::{
    AnalysisDocument, FileDocument, MasterCurves, MasterReport, ModelDocument, Promise, SuggestionDocument,
};
pub use html::master_html;
pub use text::{analysis_text, comparison_text, master_text};
