//! `halfspeed processors`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use halfspeed::engine::graph::GraphSettings;
use halfspeed::engine::processors::catalogue::{catalogue, schema_of};
use halfspeed::engine::recipe::Recipe;
use halfspeed::report::{ProcessorsDocument, processors_text};
use halfspeed::{Error, Result};

use super::output::print_json;
use super::{CommonArgs, logger};

#[derive(Debug, Args)]
pub(super) struct ProcessorsArgs {
    /// The processor, as it is called in settings files; all of them unless one is named.
    name: Option<String>,
    /// Print the JSON schema of a kind of settings file instead.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "json"])]
    schema: Option<SettingsFile>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// Settings files that have a schema.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum SettingsFile {
    /// A mix: tracks, buses and a master.
    Graph,
    /// A master.
    Recipe,
}

impl ProcessorsArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        logger::start(self.common.verbose);
        match self.schema {
            Some(SettingsFile::Graph) => print_json(&schema_of::<GraphSettings>())?,
            Some(SettingsFile::Recipe) => print_json(&schema_of::<Recipe>())?,
            None => self.list()?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn list(&self) -> Result<()> {
        let mut processors = catalogue();
        if let Some(name) = &self.name {
            let kinds: Vec<String> = processors.iter().map(|processor| processor.kind.clone()).collect();
            processors.retain(|processor| processor.kind == *name);
            if processors.is_empty() {
                let near: Vec<&str> =
                    kinds.iter().filter(|kind| kind.contains(name.as_str())).map(String::as_str).collect();
                let choice = if near.is_empty() { kinds.join(", ") } else { near.join(", ") };
                let reason = format!("there is no processor {name:?}; choose one of {choice}");
                return Err(Error::setting("processors", reason));
            }
        }
        self.common.tell(&ProcessorsDocument::new(processors), processors_text)
    }
}
