//! `halfspeed translate`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use halfspeed::io::{check_output, check_output_folder};
use halfspeed::progress::Step;
use halfspeed::report::{
    AlbumTranslationDocument, FailedFile, TranslationDocument, album_translation_html, album_translation_text,
    translation_html, translation_text,
};
use halfspeed::translate::Devices;
use halfspeed::translate::codecs::{Codec, Kept, Selection};
use halfspeed::translate::devices::{self, Device};
use halfspeed::translate::job::{Delivery, Job, translate_album, translate_file};
use halfspeed::translate::platforms::{self, Platform};
use halfspeed::{Error, Result};
use serde::Serialize;

use super::output::write_text;
use super::progress::Progress;
use super::{CommonArgs, SideFile, exit_code, html_output, logger, tell_failed};

#[derive(Debug, Args)]
pub(super) struct TranslateArgs {
    /// The programme, most often a master. Several files are an album: services are told what they do to it as one.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The mix that it was made from: every score is told before and after.
    #[arg(long, value_name = "MIX")]
    before: Option<PathBuf>,
    /// A finished production to compare with.
    #[arg(long, short, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Devices to add to the table that ships: a table of the same form (.toml), or an impulse response (.wav), whose id is
    /// its name in lower-case letters, digits and hyphens, with a number where that is taken.
    #[arg(long, value_name = "FILE")]
    device: Vec<PathBuf>,
    /// Tell of these devices only, by their ids. What would help them must still hurt no other.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    /// Encode, decode and measure with these codecs (opus-128, vorbis-320, mp3-320, aac-256, ...), those of a service
    /// (spotify, deezer, ...), or `all`.
    #[arg(long, value_name = "CODEC", value_delimiter = ',')]
    codecs: Vec<String>,
    /// Keep what the codecs encode in this folder.
    #[arg(long, value_name = "DIR", requires = "codecs")]
    codec_dir: Option<PathBuf>,
    /// Render the proposed fixes, and tell what each does to all devices.
    #[arg(long)]
    verify: bool,
    /// Write what each device plays into this folder, equally loud.
    #[arg(long, value_name = "DIR")]
    render: Option<PathBuf>,
    /// With --render: through this codec first.
    #[arg(long, value_name = "CODEC", requires = "render")]
    render_codec: Option<String>,
    /// With --render: with the gain of this service (spotify, youtube, ...).
    #[arg(long, value_name = "SERVICE", requires = "render")]
    render_platform: Option<String>,
    /// Write a report with pictures, one self-contained HTML file.
    #[arg(long, value_name = "FILE", value_parser = html_output)]
    html: Option<PathBuf>,
    /// Replace files that exist.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

impl TranslateArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        logger::start(self.common.verbose);
        let devices = self.devices()?;
        let responses: Vec<PathBuf> = devices.iter().filter_map(|device| device.impulse_response.clone()).collect();
        let programmes = self.files.iter().chain(&self.before).chain(&self.reference);
        let inputs: Vec<&Path> = programmes.chain(&self.device).chain(&responses).map(PathBuf::as_path).collect();
        if let Some(path) = &self.html {
            check_output(path, &inputs, self.force)?;
        }
        let devices = Devices::new(devices)?.telling(self.only.clone());
        let codecs = Selection::of(&self.codecs)?;
        match &self.files[..] {
            [file] => self.one(file, &inputs, &devices, &codecs),
            _ => self.album(&devices, &codecs),
        }
    }

    fn one(&self, file: &Path, inputs: &[&Path], devices: &Devices, codecs: &Selection) -> Result<ExitCode> {
        let render_codec = self.render_codec.as_deref().map(Codec::named).transpose()?;
        let platform = self.render_platform.as_deref().map(platform).transpose()?;
        // A folder is made once there is something to put into it; one that exists may hold something.
        for folder in self.render.iter().chain(&self.codec_dir) {
            check_output_folder(folder)?;
        }
        if let Some(folder) = self.render.as_ref().filter(|folder| folder.exists()) {
            for device in devices.told() {
                check_output(&folder.join(format!("{}.wav", device.id)), inputs, self.force)?;
            }
        }
        if let Some(folder) = self.codec_dir.as_ref().filter(|folder| folder.exists()) {
            for codec in &codecs.codecs {
                check_output(&folder.join(codec.file_name()), inputs, self.force)?;
            }
        }
        let job = Job {
            file,
            before: self.before.as_deref(),
            reference: self.reference.as_deref(),
            devices,
            verify: self.verify,
            codecs,
            kept_streams: self.codec_dir.as_deref().map(|folder| Kept { folder, force: self.force }),
        };
        let progress = Progress::new(self.common.quiet);
        let translated = translate_file(&job, &|done, total| progress.show(Step::Mix, done, total));
        progress.finish();
        let translated = translated?;
        let delivery = Delivery { codec: render_codec.as_ref(), platform: platform.as_ref() };
        let renders = self.render.as_deref().map(|folder| {
            let written = translated.render(devices, delivery, folder, self.force);
            ("Renders", folder, written)
        });
        let document = TranslationDocument::new(translated);
        Ok(exit_code(self.tell(&document, renders, translation_html, translation_text)?))
    }

    fn album(&self, devices: &Devices, codecs: &Selection) -> Result<ExitCode> {
        let for_one = [
            ("--before", self.before.is_some()),
            ("--reference", self.reference.is_some()),
            ("--render", self.render.is_some()),
            ("--codec-dir", self.codec_dir.is_some()),
        ];
        if let Some((option, _)) = for_one.into_iter().find(|(_, is_given)| *is_given) {
            return Err(Error::setting(option, "goes with one file; several are looked at as an album"));
        }
        let progress = Progress::new(self.common.quiet);
        let show = |done, total| progress.show(Step::Mix, done, total);
        let (mut tracks, mut failed) = (Vec::new(), Vec::new());
        for path in &self.files {
            let (file, verify) = (path.as_path(), self.verify);
            let job = Job { file, before: None, reference: None, devices, verify, codecs, kept_streams: None };
            match translate_file(&job, &show) {
                Ok(track) => tracks.push(track),
                Err(error) => failed.push(FailedFile::new(path, &error)),
            }
        }
        progress.finish();
        failed.iter().for_each(tell_failed);
        let document = AlbumTranslationDocument::new(translate_album(tracks), failed);
        if document.tracks.is_empty() {
            self.common.tell(&document, album_translation_text)?;
            return Ok(exit_code(false));
        }
        let is_written = self.tell(&document, None, album_translation_html, album_translation_text)?;
        Ok(exit_code(is_written && document.failed.is_empty()))
    }

    /// Tells what was found, and writes the page of it. `false` if that can't be written, or a render wasn't.
    fn tell<D: Serialize>(
        &self,
        document: &D,
        renders: Option<SideFile<'_>>,
        html: fn(&D) -> String,
        text: fn(&D) -> String,
    ) -> Result<bool> {
        // The first codec that can be checked makes the folder.
        let streams = self.codec_dir.as_deref().filter(|folder| folder.exists());
        let streams = streams.map(|folder| ("Streams", folder, Ok(())));
        let page = self.html.as_deref().map(|path| ("Report", path, write_text(path, &html(document), self.force)));
        let side_files = renders.into_iter().chain(streams).chain(page).collect();
        self.common.tell(document, text)?;
        self.common.tell_all_written(side_files)
    }

    /// The table that ships and what was added. Those that are asked for are among them.
    fn devices(&self) -> Result<Vec<Device>> {
        let mut all = devices::built_in();
        for path in &self.device {
            let is_table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
            let added =
                if is_table { devices::load(path)? } else { vec![devices::of_impulse_response(path).told_from(&all)] };
            for device in added {
                if all.iter().any(|known| known.id == device.id) {
                    let reason = format!("there is already a device {:?}; give it another id", device.id);
                    return Err(Error::content(path, reason));
                }
                all.push(device);
            }
        }
        if let Some(unknown) = self.only.iter().find(|id| all.iter().all(|device| device.id != **id)) {
            let known: Vec<&str> = all.iter().map(|device| device.id.as_str()).collect();
            return Err(Error::setting(
                "--only",
                format!("there is no device {unknown:?}; there are {}", known.join(", ")),
            ));
        }
        Ok(all)
    }
}

fn platform(id: &str) -> Result<Platform> {
    let services = platforms::built_in().services;
    let known = services.iter().map(|service| service.id.clone()).collect::<Vec<_>>().join(", ");
    services
        .into_iter()
        .find(|service| service.id == id)
        .ok_or_else(|| Error::setting("--render-platform", format!("there is no service {id:?}; there are {known}")))
}
