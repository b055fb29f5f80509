//! `halfspeed render`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use halfspeed::engine::Recipe;
use halfspeed::master::render;
use halfspeed::report::{AnalysisDocument, analysis_text};
use halfspeed::{Error, Result};

use super::output::colors;
use super::progress::Progress;
use super::{CommonArgs, logger, wav_output};

/// What `render` may be over the ceiling, as it writes once: see the README.
const CEILING_TOLERANCE_DB: f64 = 0.02;

#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// The audio: the mix of the recipe, or another version of it.
    mix: PathBuf,
    /// The recipe, as written by `halfspeed master --recipe-out`.
    #[arg(long, value_name = "FILE")]
    recipe: PathBuf,
    /// The file to write, a .wav file.
    #[arg(long, short, value_name = "FILE", value_parser = wav_output)]
    output: PathBuf,
    /// Replace the output if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

impl RenderArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        logger::start(self.common.verbose);
        let recipe = Recipe::load(&self.recipe)?;
        let progress = Progress::new(self.common.quiet);
        let written = render(&self.mix, &recipe, &self.output, self.force, &|step, done, total| {
            progress.show(step, done, total);
        });
        progress.finish();
        // What is out of range stands in the recipe.
        let written = written.map_err(|error| match error {
            Error::Setting { setting, reason } => {
                Error::Recipe { path: self.recipe.clone(), reason: format!("{setting}: {reason}") }
            }
            other => other,
        })?;
        let ceiling_dbtp = recipe.limiter.ceiling_dbtp;
        if let Some(dbtp) =
            written.measurement.peaks.true_dbtp().filter(|dbtp| *dbtp > ceiling_dbtp + CEILING_TOLERANCE_DB)
        {
            log::warn!(
                "the true peak is {dbtp:.2} dBTP, over the recipe's ceiling of {ceiling_dbtp:.2}; lower the drive or the ceiling"
            );
        }
        let text = |document: &AnalysisDocument| analysis_text(std::slice::from_ref(document), None, colors());
        self.common.tell(&AnalysisDocument::new(&written), text)?;
        Ok(ExitCode::SUCCESS)
    }
}
