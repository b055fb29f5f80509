//! Reports for the terminal.
use super::{AnalysisDocument, MasterReport};
/// x
pub fn master_text(_report: &MasterReport) -> String {
    String::new()
}
/// x
pub fn analysis_text(_documents: &[AnalysisDocument]) -> String {
    String::new()
}
/// x
pub fn comparison_text(_a: &AnalysisDocument, _b: &AnalysisDocument) -> String {
    String::new()
}
