//! The job of `halfspeed translate`: files in, a translation out.

use std::path::Path;

use super::codecs::{Codec, Kept, Selection};
use super::fix::{self, Change, Verified};
use super::platforms::{self, Album, AlbumPlayback, Platform};
use super::{DeviceScore, Devices, PLAYBACK_LUFS, Programme, Translation};
use crate::error::{Error, Result};
use crate::io::Spool;
use crate::measure::Measurement;
use crate::progress::Progress;
use crate::source::{Source, load_audio, measure_file};

/// What to look at, and how closely.
pub struct Job<'a> {
    /// The programme.
    pub file: &'a Path,
    /// The mix that it was made from.
    pub before: Option<&'a Path>,
    /// A finished production to compare with.
    pub reference: Option<&'a Path>,
    /// What it is played on; proposals are judged on all of them, also on those that are not told of.
    pub devices: &'a Devices,
    /// Whether proposed fixes are rendered.
    pub verify: bool,
    /// Codecs to encode and decode with.
    pub codecs: &'a Selection,
    /// Where to keep what they encode; nowhere if `None`.
    pub kept_streams: Option<Kept<'a>>,
}

/// What was found.
pub struct Translated {
    /// The programme.
    pub source: Source,
    /// The mix.
    pub before: Option<Source>,
    /// The reference.
    pub reference: Option<Source>,
    /// What is left of it.
    pub translation: Translation,
}

/// What a programme passes on its way to the devices.
#[derive(Clone, Copy, Default)]
pub struct Delivery<'a> {
    /// It is encoded and decoded with this.
    pub codec: Option<&'a Codec>,
    /// Whose gain it then gets; if `None`, one that brings it to [`PLAYBACK_LUFS`].
    pub platform: Option<&'a Platform>,
}

impl Translated {
    /// Writes what is heard of the programme on each device that is told of into a folder, as `<device>.wav`, all equally loud.
    /// The folder is made where there is none, and none is left behind where nothing could be written.
    ///
    /// Each device's own limiter sees the level at which the programme is delivered.
    ///
    /// # Errors
    /// Those of the files and of the codec.
    pub fn render(&self, devices: &Devices, delivery: Delivery<'_>, folder: &Path, force: bool) -> Result<()> {
        let Source { info, measurement, .. } = &self.source;
        let mut audio = load_audio(&info.path, None, &|_, _| {})?;
        if let Some(codec) = delivery.codec {
            audio = codec.round_trip(&audio)?;
        }
        let gain_db = match (delivery.platform, measurement.loudness.integrated_lufs()) {
            (Some(platform), _) => platform.playback(measurement, None).gain_db,
            (None, Some(lufs)) => PLAYBACK_LUFS - lufs,
            (None, None) => 0.0,
        };
        let made: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        let written = std::fs::create_dir_all(folder)
            .map_err(|error| Error::write(folder, error))
            .and_then(|()| devices.render(&audio, gain_db, folder, force));
        if written.is_err() {
            // Only what is empty goes, from the inside out.
            for folder in made {
                let _ = std::fs::remove_dir(folder);
            }
        }
        written
    }
}

/// Looks at how a file translates.
///
/// # Errors
/// A file that can't be read; [`Error::Content`] for one without loudness; those of the codecs.
pub fn translate_file(job: &Job<'_>, progress: Progress<'_>) -> Result<Translated> {
    let source = measure_file(job.file, progress)?;
    let silently = |_, _| {};
    let other = |path: Option<&Path>| path.map(|path| measure_file(path, &silently)).transpose();
    let (before, reference) = rayon::join(|| other(job.before), || other(job.reference));
    let (before, reference) = (before?, reference?);
    let [mix, production] = [&before, &reference].map(|source| source.as_ref().map(|source| &source.measurement));
    for heard in [Some(&source), before.as_ref(), reference.as_ref()].into_iter().flatten() {
        heard.integrated_lufs()?;
    }
    let nothing = "none of it lies in the third octaves that are scored; is this the right file?";
    let mut translation = Translation::new(job.devices, &source.measurement, mix, production)
        .ok_or_else(|| Error::content(job.file, nothing))?;
    if job.verify {
        verify(job.devices, &mut translation, &source.measurement, || load_audio(job.file, None, &|_, _| {}))?;
    }
    translation.codecs = super::codecs::check(job.file, &source.measurement, &job.codecs.codecs, job.kept_streams)?;
    translation.codecs_absent.clone_from(&job.codecs.absent);
    Ok(Translated { source, before, reference, translation })
}

/// What was found of several files that make an album.
pub struct TranslatedAlbum {
    /// The album as services see it; `None` without any track.
    pub album: Option<Album>,
    /// What they do to it.
    pub platforms: Vec<AlbumPlayback>,
    /// Month up to which the table of services holds.
    pub platforms_as_of: String,
    /// Its tracks, in order.
    pub tracks: Vec<Translated>,
}

/// Puts tracks that were looked at together as an album: what services do to it as one.
pub fn translate_album(mut tracks: Vec<Translated>) -> TranslatedAlbum {
    let measurements: Vec<&Measurement> = tracks.iter().map(|track| &track.source.measurement).collect();
    let album = Album::new(&measurements);
    let table = platforms::built_in();
    for track in &mut tracks {
        let playback = |service: &Platform| service.playback(&track.source.measurement, album.as_ref());
        track.translation.platforms = table.services.iter().map(playback).collect();
    }
    let of = |album: Album| table.services.iter().map(|service| service.album_playback(&album)).collect();
    let platforms = album.map_or(Vec::new(), of);
    TranslatedAlbum { album, platforms, platforms_as_of: table.as_of, tracks }
}

/// Renders proposed changes and tells what each does to the device that it is for. Where the best one fails, the next
/// one is tried; where all do, the best one stays, with what it does.
fn verify(
    devices: &Devices,
    translation: &mut Translation,
    measurement: &Measurement,
    load: impl Fn() -> Result<Spool>,
) -> Result<()> {
    let Some(own) = Programme::new(measurement).map(|programme| devices.score(&programme)) else { return Ok(()) };
    // Several devices ask for the same change.
    let mut rendered: Vec<(Change, Vec<DeviceScore>)> = Vec::new();
    let mut judged = |change: Change, index: usize| -> Result<Verified> {
        let known = rendered.iter().position(|(known, _)| *known == change);
        let known = match known {
            Some(known) => known,
            None => {
                let changed = fix::rendered(load()?, measurement, &change)?;
                let scores = Programme::new(&changed).map_or_else(|| own.clone(), |changed| devices.score(&changed));
                rendered.push((change, scores));
                rendered.len() - 1
            }
        };
        Ok(fix::judge(devices, &own, &rendered[known].1, index))
    };
    for device in &mut translation.devices {
        let Some(index) = devices.position(&device.id) else { continue };
        let mut passing = 0;
        for (place, proposal) in device.fixes.iter_mut().enumerate() {
            let verified = judged(proposal.change, index)?;
            let passes = verified.passes;
            proposal.verified = Some(verified);
            if passes {
                passing = place;
                break;
            }
        }
        let chosen = device.fixes.drain(..).nth(passing);
        device.fixes.extend(chosen);
    }
    Ok(())
}
