//! `halfspeed advise`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use halfspeed::Result;
use halfspeed::advise::advise_file;
use halfspeed::progress::Step;
use halfspeed::report::{AdviceDocument, advice_text};
use halfspeed::suggest::profile::ProfileChoice;

use super::progress::Progress;
use super::{CommonArgs, logger};

#[derive(Debug, Args)]
pub(super) struct AdviseArgs {
    /// The mix.
    mix: PathBuf,
    /// A finished production that sounds as the mix should: its tone and its lead are what the mix is held against.
    #[arg(long, short, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Songs of the mix's kind to hold its tone against: `auto` for the nearest profile of those that ship, the name of one, a
    /// profile's file, or a folder of profiles.
    #[arg(long, value_name = "auto|NAME|FILE", conflicts_with = "reference")]
    profile: Option<String>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

impl AdviseArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        logger::start(self.common.verbose);
        let profile = self.profile.as_deref().map(ProfileChoice::find).transpose()?;
        let progress = Progress::new(self.common.quiet);
        let show = |done, total| progress.show(Step::Mix, done, total);
        let advised = advise_file(&self.mix, self.reference.as_deref(), profile.as_ref(), &show);
        progress.finish();
        self.common.tell(&AdviceDocument::new(&advised?), advice_text)?;
        Ok(ExitCode::SUCCESS)
    }
}
