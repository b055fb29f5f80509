//! `halfspeed profile`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use halfspeed::io::check_output;
use halfspeed::measure::Measurement;
use halfspeed::progress::Step;
use halfspeed::report::{ProfileListDocument, profile_list_text, profile_text};
use halfspeed::source::measure_file;
use halfspeed::suggest::profile::{Labels, Profile, ProfileChoice, Source, build};
use halfspeed::{Error, Result};

use super::output::{print_text, write_text};
use super::progress::Progress;
use super::{CommonArgs, json_output, logger, tell_error};

#[derive(Debug, Args)]
pub(super) struct ProfileArgs {
    #[command(subcommand)]
    command: ProfileCommand,
}

#[derive(Debug, Subcommand)]
enum ProfileCommand {
    /// List the profiles that ship, or those of a folder.
    List(ListArgs),
    /// Show a profile: what its songs measure, and where they are from.
    Show(ShowArgs),
    /// Measure finished songs and keep what they have in common.
    Build(BuildArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// A folder of profiles [default: those that ship].
    folder: Option<PathBuf>,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The name of a profile that ships, or a profile's file.
    #[arg(value_name = "NAME|FILE")]
    profile: String,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Args)]
struct BuildArgs {
    /// Finished songs of one kind, 3 or more.
    #[arg(required = true)]
    songs: Vec<PathBuf>,
    /// The profile to write, a .json file.
    #[arg(long, short, value_name = "FILE", value_parser = json_output)]
    output: PathBuf,
    /// Its name: lower-case letters, digits and hyphens [default: that of the file].
    #[arg(long)]
    name: Option<String>,
    /// What kind of songs these are.
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// Licence of the songs.
    #[arg(long, default_value = "not stated")]
    licence: String,
    /// Where songs are from, and their licence: those with NAME among their folders. Once for each source; the others
    /// count as a source of their own, with --licence.
    #[arg(long = "source", value_name = "NAME=LICENCE", value_parser = source)]
    sources: Vec<(String, String)>,
    /// Replace a file that exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: CommonArgs,
}

fn source(text: &str) -> Result<(String, String), String> {
    let (name, licence) = text.split_once('=').ok_or("give the source's name and its licence as NAME=LICENCE")?;
    Ok((name.into(), licence.into()))
}

/// All songs, or the last error, after those before it are told: a profile of fewer songs is another one, and each is to be mended.
fn all(measured: Vec<Result<Measurement>>) -> Result<Vec<Measurement>> {
    let (mut songs, mut last) = (Vec::new(), None);
    for song in measured {
        match song {
            Ok(song) => songs.push(song),
            Err(error) => {
                if let Some(before) = last.replace(error) {
                    tell_error(&before);
                }
            }
        }
    }
    last.map_or(Ok(songs), Err)
}

fn print_profile(profile: &Profile, common: &CommonArgs) -> Result<()> {
    match (common.json, common.quiet) {
        (true, _) => print_text(&profile.to_json()),
        (false, false) => print_text(&profile_text(profile)),
        (false, true) => Ok(()),
    }
}

impl ProfileArgs {
    pub(super) fn common(&self) -> &CommonArgs {
        match &self.command {
            ProfileCommand::List(args) => &args.common,
            ProfileCommand::Show(args) => &args.common,
            ProfileCommand::Build(args) => &args.common,
        }
    }

    pub(super) fn run(self) -> Result<ExitCode> {
        match self.command {
            ProfileCommand::List(args) => args.run()?,
            ProfileCommand::Show(args) => args.run()?,
            ProfileCommand::Build(args) => args.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ListArgs {
    fn run(self) -> Result<()> {
        logger::start(self.common.verbose);
        let profiles = self.folder.as_deref().map_or_else(|| Ok(Profile::built_in()), Profile::load_folder)?;
        let document = ProfileListDocument::new(profiles);
        self.common.tell(&document, profile_list_text)
    }
}

impl ShowArgs {
    fn run(self) -> Result<()> {
        logger::start(self.common.verbose);
        let ProfileChoice::This(profile) = ProfileChoice::find(&self.profile)? else {
            let reason = "show takes one profile: give its name or its file; `halfspeed profile list` lists them";
            return Err(Error::setting(self.profile, reason));
        };
        print_profile(&profile, &self.common)
    }
}

impl BuildArgs {
    fn run(self) -> Result<()> {
        logger::start(self.common.verbose);
        let inputs: Vec<&Path> = self.songs.iter().map(PathBuf::as_path).collect();
        check_output(&self.output, &inputs, self.force)?;
        let labels =
            Labels { name: self.name()?, description: self.description.clone(), sources: self.count_sources()? };
        labels.check(self.songs.len()).map_err(|error| match error {
            Error::Setting { setting, reason } if setting == "name" => Error::setting("--name", reason),
            other => other,
        })?;
        if let Some(song) = self.given_twice() {
            return Err(Error::content(song, "it is given twice; each song counts once"));
        }
        let progress = Progress::new(self.common.quiet);
        let show = |done, total| progress.show(Step::Reference, done, total);
        // One after the other, as the progress bar tells of them.
        let measure = |path: &PathBuf| {
            let song = measure_file(path, &show)?;
            song.integrated_lufs()?;
            Ok(song.measurement)
        };
        let measured: Vec<Result<Measurement>> = self.songs.iter().map(measure).collect();
        progress.finish();
        let measured = all(measured)?;
        let profile = build(&measured.iter().collect::<Vec<_>>(), labels)?;
        write_text(&self.output, &profile.to_json(), self.force)?;
        print_profile(&profile, &self.common)
    }

    fn name(&self) -> Result<String> {
        let slug = |stem: &str| {
            let words: Vec<&str> =
                stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
            words.join("-").to_lowercase()
        };
        let stem = || self.output.file_stem().and_then(|stem| stem.to_str()).map(slug).filter(|name| !name.is_empty());
        let unnamed = || Error::setting("--name", "the output's name can't be one for a profile; give --name");
        self.name.clone().or_else(stem).ok_or_else(unnamed)
    }

    fn given_twice(&self) -> Option<&PathBuf> {
        let mut seen = std::collections::HashSet::new();
        self.songs.iter().find(|song| song.canonicalize().is_ok_and(|song| !seen.insert(song)))
    }

    fn count_sources(&self) -> Result<Vec<Source>> {
        let is_of = |song: &Path, name: &str| song.iter().any(|folder| folder == name);
        let mut rest: Vec<&PathBuf> = self.songs.iter().collect();
        let mut sources = Vec::new();
        for (name, licence) in &self.sources {
            let before = rest.len();
            rest.retain(|song| !is_of(song, name));
            if rest.len() == before {
                let reason = format!("no song has {name:?} among its folders; check the name");
                return Err(Error::setting("--source", reason));
            }
            sources.push(Source { name: name.clone(), songs: before - rest.len(), licence: licence.clone() });
        }
        if !rest.is_empty() {
            let name = if sources.is_empty() { "own songs" } else { "other songs" };
            sources.push(Source { name: name.into(), songs: rest.len(), licence: self.licence.clone() });
        }
        Ok(sources)
    }
}
