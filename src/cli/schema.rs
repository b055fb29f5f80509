//! `halfspeed schema`.

use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use halfspeed::Result;
use halfspeed::report::DOCUMENT_KINDS;

use super::output::print_json;

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// The kind of document: what its `schema` field says between `halfspeed.` and `/1`. Settings files have theirs:
    /// `halfspeed processors --schema recipe`, or `--schema graph`.
    #[arg(value_name = "DOCUMENT", value_parser = PossibleValuesParser::new(DOCUMENT_KINDS.map(|kind| kind.name)))]
    document: String,
}

impl SchemaArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        for kind in DOCUMENT_KINDS.iter().filter(|kind| kind.name == self.document) {
            print_json(&kind.schema())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
