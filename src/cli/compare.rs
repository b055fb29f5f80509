//! `halfspeed compare`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use halfspeed::Result;
use halfspeed::progress::Step;
use halfspeed::report::{AnalysisDocument, ComparisonDocument, comparison_text};
use halfspeed::source::measure_file;

use super::progress::Progress;
use super::{CommonArgs, logger};

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The first file.
    first: PathBuf,
    /// The file to compare it with.
    second: PathBuf,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

impl CompareArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        logger::start(self.common.verbose);
        let progress = Progress::new(self.common.quiet);
        let (first, second) = rayon::join(
            || measure_file(&self.first, &|done, total| progress.show(Step::Mix, done, total)),
            || measure_file(&self.second, &|done, total| progress.show(Step::Reference, done, total)),
        );
        progress.finish();
        let comparison = ComparisonDocument::new(AnalysisDocument::new(&first?), AnalysisDocument::new(&second?));
        self.common.tell(&comparison, comparison_text)?;
        Ok(ExitCode::SUCCESS)
    }
}
