//! The command line: one file a command.

mod advise;
mod analyze;
mod compare;
mod logger;
mod master;
mod output;
mod processors;
mod profile;
mod progress;
mod render;
mod schema;
mod translate;

pub(crate) use self::logger::tell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};
use halfspeed::paths::path_text;
use halfspeed::report::{FailedFile, FailureDocument, printable, printable_lines};
use halfspeed::{Error, Result};
use serde::Serialize;

use self::output::{print_json, print_text};

/// Measures mixes, masters them against references, and proves what it did.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Master a mix, against a reference if one is given.
    Master(master::MasterArgs),
    /// Apply a saved recipe again.
    Render(render::RenderArgs),
    /// Measure files.
    Analyze(analyze::AnalyzeArgs),
    /// Say what to fix in a mix before it is mastered.
    Advise(advise::AdviseArgs),
    /// Compare two files, band by band, at equal loudness.
    Compare(compare::CompareArgs),
    /// List the processors and their parameters.
    Processors(processors::ProcessorsArgs),
    /// Print the JSON schema of what a command prints with --json: every field with its meaning.
    Schema(schema::SchemaArgs),
    /// List, show and build profiles: what finished songs of a kind measure.
    Profile(profile::ProfileArgs),
    /// Tell what is left of a programme on phones, in cars, on streaming services.
    Translate(translate::TranslateArgs),
}

/// Options that every command has.
#[derive(Debug, Args)]
struct CommonArgs {
    /// Print one JSON document on stdout instead of text.
    #[arg(long)]
    json: bool,
    /// No progress bars, no text; warnings and errors still show.
    #[arg(long, short)]
    quiet: bool,
    /// Tell on stderr what goes on inside.
    #[arg(long, short, conflicts_with = "quiet")]
    verbose: bool,
}

impl CommonArgs {
    /// Tells what was found: to programs, to people, or not at all.
    fn tell<D: Serialize>(&self, document: &D, text: impl FnOnce(&D) -> String) -> Result<()> {
        match (self.json, self.quiet) {
            (true, _) => print_json(document),
            (false, true) => Ok(()),
            (false, false) => print_text(&text(document)),
        }
    }

    /// Where something beside stdout was written, for who reads text.
    fn tell_written(&self, what: &str, path: &Path) -> Result<()> {
        let is_told = !self.json && !self.quiet;
        if is_told { print_text(&format!("{what}: {}\n", printable(&path_text(path)))) } else { Ok(()) }
    }

    /// The same of files of which some may not have come about: these are told as errors, beside the document that stands on stdout
    /// already. `false` if there are any.
    fn tell_all_written(&self, side_files: Vec<SideFile<'_>>) -> Result<bool> {
        let mut is_whole = true;
        for (what, path, written) in side_files {
            match written {
                Ok(()) => self.tell_written(what, path)?,
                Err(error) => {
                    tell_error(&error);
                    is_whole = false;
                }
            }
        }
        Ok(is_whole)
    }
}

/// A file beside stdout: what it is, where it lies, and whether it could be written. All are written before anything is told, so that
/// neither what can't be told nor one that can't be written costs the rest.
type SideFile<'a> = (&'static str, &'a Path, Result<()>);

impl Cli {
    /// What the command line says. Wrong usage ends the run, as a wish for help does.
    pub fn given() -> Self {
        Self::try_parse().unwrap_or_else(|mut error| {
            let command = std::env::args_os().nth(1).and_then(|command| command.into_string().ok());
            if let Some(tip) = tip(&error, command.as_deref()) {
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
            }
            // Nothing has been parsed that would say so.
            if error.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
                let told = error.render().to_string();
                let told = told.strip_prefix("error: ").unwrap_or(&told).trim_end();
                let _ = print_json(&FailureDocument::new(None, told));
            }
            error.exit()
        })
    }

    /// Whether stdout is for programs.
    pub fn speaks_json(&self) -> bool {
        match &self.command {
            Command::Master(args) => args.common.json,
            Command::Render(args) => args.common.json,
            Command::Analyze(args) => args.common.json,
            Command::Advise(args) => args.common.json,
            Command::Compare(args) => args.common.json,
            Command::Processors(args) => args.common.json,
            Command::Schema(_) => false,
            Command::Profile(args) => args.common().json,
            Command::Translate(args) => args.common.json,
        }
    }

    /// Runs the chosen command. An error comes before anything is told on stdout, or where that can't be written.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Master(args) => args.run(),
            Command::Render(args) => args.run(),
            Command::Analyze(args) => args.run(),
            Command::Advise(args) => args.run(),
            Command::Compare(args) => args.run(),
            Command::Processors(args) => args.run(),
            Command::Schema(args) => args.run(),
            Command::Profile(args) => args.run(),
            Command::Translate(args) => args.run(),
        }
    }
}

/// An error in the words of the command line: with the option that helps.
fn told(error: &Error) -> String {
    match error {
        Error::Exists { path } => {
            format!("{} exists already; choose another name, or pass --force to replace it", path_text(path))
        }
        _ => error.to_string(),
    }
}

/// What is said beside an error of usage, where clap knows nothing to say: a second file is a reference more often than not, and what has a
/// schema but is no document is a settings file.
fn tip(error: &clap::Error, command: Option<&str>) -> Option<&'static str> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    match (error.kind(), command) {
        (ErrorKind::UnknownArgument, Some("master" | "advise")) if !argument.starts_with('-') => {
            Some("a finished track goes with '--reference FILE'")
        }
        (ErrorKind::InvalidValue, Some("schema")) => {
            Some("settings files have theirs: 'halfspeed processors --schema recipe', or '--schema graph'")
        }
        _ => None,
    }
}

/// Tells of an error on stderr.
pub(crate) fn tell_error(error: &Error) {
    tell(&format!("error: {}", printable_lines(&told(error))));
}

/// Tells of an error on stdout, to programs.
pub(crate) fn print_failure(error: &Error) {
    let path = error.path().map(path_text);
    // Where stdout can't be written, stderr has told so.
    let _ = print_json(&FailureDocument::new(path.as_deref(), &told(error)));
}

/// Tells of a file that could not be worked on, where the run goes on with others.
fn tell_failed(failed: &FailedFile) {
    tell(&format!("error: {}", printable_lines(&failed.error)));
}

/// Of a run in which all files could be worked on, or not all.
fn exit_code(is_whole: bool) -> ExitCode {
    ExitCode::from(u8::from(!is_whole))
}

/// Parses a number within bounds, for clap.
fn number_within(text: &str, (low, high): (f64, f64)) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number; write it without a unit".to_owned())?;
    if (low..=high).contains(&value) { Ok(value) } else { Err(format!("must be from {low} to {high}")) }
}

/// The name of a WAV file to write, for clap.
fn wav_output(text: &str) -> Result<PathBuf, String> {
    output_named(text, &["wav"], "masters are written as WAV")
}

/// The name of a page to write, for clap.
fn html_output(text: &str) -> Result<PathBuf, String> {
    output_named(text, &["html", "htm"], "reports are written as HTML")
}

/// The name of a recipe to write, for clap.
fn toml_output(text: &str) -> Result<PathBuf, String> {
    output_named(text, &["toml"], "recipes are written as TOML")
}

/// The name of a profile to write, for clap.
fn json_output(text: &str) -> Result<PathBuf, String> {
    output_named(text, &["json"], "profiles are written as JSON")
}

/// The name of a table to write, for clap.
fn csv_output(text: &str) -> Result<PathBuf, String> {
    output_named(text, &["csv"], "values over time are written as CSV")
}

/// The name of a file to write, if it ends as what is written does.
fn output_named(text: &str, endings: &[&str], what: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let fits = |extension: &OsStr| endings.iter().any(|ending| extension.eq_ignore_ascii_case(ending));
    if path.extension().is_some_and(fits) {
        Ok(path)
    } else {
        Err(format!("{what}: give a name that ends in .{}", endings[0]))
    }
}
