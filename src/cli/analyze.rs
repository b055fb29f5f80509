//! `halfspeed analyze`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use halfspeed::Result;
use halfspeed::engine::source::measure_file;
use halfspeed::master::Step;
use halfspeed::report::{AnalysisDocument, analysis_text};

use super::output::{print_json, print_text};
use super::progress::Progress;
use super::{CommonArgs, logger};

#[derive(Debug, Args)]
pub(super) struct AnalyzeArgs {
    /// The files to measure.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    common: CommonArgs,
}

impl AnalyzeArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        logger::start(self.common.verbose);
        let progress = Progress::new(self.common.quiet);
        let measure = |path: &PathBuf| {
            let source = measure_file(path, &|done, total| progress.show(Step::Mix, done, total))?;
            Ok(AnalysisDocument::new(&source))
        };
        let documents: Result<Vec<_>> = self.files.iter().map(measure).collect();
        progress.finish();
        let documents = documents?;
        match &documents[..] {
            [document] if self.common.json => print_json(document)?,
            documents if self.common.json => print_json(&documents)?,
            documents if !self.common.quiet => print_text(&analysis_text(documents))?,
            _ => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}
