//! What is left of a programme on the devices and services that people listen with.
//!
//! A [`Programme`] holds the band powers that were measured once; a [`Devices`] table turns them into a score for every
//! device, with the parts that made it. Nothing is rendered for that. [`platforms`] tells what streaming services do to
//! the loudness. `docs/translation.md` has every formula.
//!
//! Levels and corners of devices are models, not measurements; scores compare versions of one programme, before and
//! after mastering, better than one programme with another.

pub mod ceiling;
pub mod codecs;
pub mod devices;
mod ear;
pub mod fix;
mod impulse;
pub mod job;
mod noise;
pub mod path;
pub mod platforms;
mod programme;
mod scores;
mod sections;

use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use self::ceiling::CeilingFix;
use self::codecs::CodecCheck;
use self::devices::Device;
use self::ear::{Ear, Response};
use self::fix::{Change, Fix, Rejected};
pub use self::noise::{Noise, NoiseShape};
use self::platforms::Playback;
pub use self::programme::{PLAYBACK_LUFS, Programme};
pub use self::scores::{LostElement, Part, Parts, Unscored, lost_in_mono};
use self::scores::{Scored, Traits, bass_lack_db, unscored};
use crate::error::Result;
use crate::io::Spool;
use crate::measure::Measurement;
use crate::parallel::in_order;

/// A device's score for one programme.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeviceScore {
    /// The whole, 0 to 100. `None` if no part applies.
    pub score: Option<f64>,
    /// The parts that made it.
    pub parts: Parts,
    /// Level of each third octave at the ear over that in the file, at equal loudness, dB.
    pub bands: Vec<Option<f64>>,
}

/// The score of a section of the song.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SectionScore {
    /// From and to, s.
    pub times_s: [f64; 2],
    /// The whole, 0 to 100. `None` if no part applies.
    pub score: Option<f64>,
    /// The parts that made it.
    pub parts: Parts,
    /// The whole in the mix that it was made from. `None` without one, or where it has another length.
    pub before: Option<f64>,
}

/// Devices whose impulse responses have been read.
pub struct Devices {
    entries: Vec<(Device, Option<impulse::Measured>)>,
    /// Ids of those that are told of; all where it is empty.
    only: Vec<String>,
}

impl Devices {
    /// Reads the impulse responses of devices that have one.
    ///
    /// # Errors
    /// Those of the decoder; [`crate::Error::Content`] for a response that is silent or too long.
    pub fn new(devices: Vec<Device>) -> Result<Self> {
        let entry = |device: Device| {
            let measured = device.impulse_response.as_deref().map(impulse::Measured::load).transpose()?;
            Ok((device, measured))
        };
        Ok(Self { entries: devices.into_iter().map(entry).collect::<Result<_>>()?, only: Vec::new() })
    }

    /// Tells of some alone, by their ids; of all where there are none. All are still scored: what helps one must hurt no other.
    #[must_use]
    pub fn telling(self, only: Vec<String>) -> Self {
        Self { only, ..self }
    }

    /// The devices that are told of, in order.
    pub fn told(&self) -> impl Iterator<Item = &Device> {
        self.iter().filter(move |device| self.is_told(device))
    }

    fn is_told(&self, device: &Device) -> bool {
        self.only.is_empty() || self.only.contains(&device.id)
    }

    /// Where a device stands among all.
    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        self.iter().position(|device| device.id == id)
    }

    /// All devices, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Device> {
        self.entries.iter().map(|(device, _)| device)
    }

    /// The score of a programme on every device, in order.
    pub fn score(&self, programme: &Programme) -> Vec<DeviceScore> {
        let traits = Traits::new(programme);
        self.on_each(programme, &traits, |scored| {
            let parts = scored.parts(0..programme.frames());
            DeviceScore { score: parts.score(), parts, bands: scored.band_changes_db() }
        })
    }

    /// The scores of the sections of a programme on every device, in order; against the mix that it was made from, if that
    /// is as long, to the second.
    pub fn score_sections(&self, programme: &Programme, before: Option<&Programme>) -> Vec<Vec<SectionScore>> {
        let ranges = sections::sections(programme);
        let second = programme::FRAMES_PER_S as usize;
        let before = before.filter(|before| before.frames().abs_diff(programme.frames()) <= second);
        let befores = before.map(|before| self.section_parts(before, &ranges));
        let parts = self.section_parts(programme, &ranges).into_iter().enumerate();
        parts
            .map(|(device, parts)| {
                let section = |(index, (range, parts)): (usize, (&Range<usize>, Parts))| SectionScore {
                    times_s: [range.start, range.end].map(|frame| frame as f64 / programme::FRAMES_PER_S),
                    score: parts.score(),
                    parts,
                    before: befores.as_ref().and_then(|befores| befores[device][index].score()),
                };
                ranges.iter().zip(parts).enumerate().map(section).collect()
            })
            .collect()
    }

    /// The parts of the scores over some ranges of frames, for every device; none for one of several that is hardly loud anywhere.
    fn section_parts(&self, programme: &Programme, ranges: &[Range<usize>]) -> Vec<Vec<Parts>> {
        let traits = Traits::new(programme);
        let end = programme.frames();
        let section = |scored: &Scored<'_>, range: &Range<usize>| {
            let range = range.start.min(end)..range.end.min(end);
            let is_told = ranges.len() == 1 || programme.is_loud_enough(range.clone());
            if is_told { scored.parts(range) } else { Parts::default() }
        };
        self.on_each(programme, &traits, |scored| ranges.iter().map(|range| section(scored, range)).collect())
    }

    /// Writes what is heard of a programme on each device that is told of into a folder, as `<device>.wav`, all equally loud.
    ///
    /// `gain_db` is what the player applies.
    ///
    /// # Errors
    /// Those of the spool and of the files.
    pub fn render(&self, audio: &Spool, gain_db: f64, folder: &Path, force: bool) -> Result<()> {
        let told = self.entries.par_iter().filter(|(device, _)| self.is_told(device));
        let written = told.map(|(device, measured)| {
            let destination = folder.join(format!("{}.wav", device.id));
            path::render(audio, device, measured.as_ref(), gain_db, &destination, force)
        });
        in_order(written).map(|_| ())
    }

    fn on_each<T: Send>(&self, programme: &Programme, traits: &Traits, of: impl Fn(&Scored<'_>) -> T + Sync) -> Vec<T> {
        self.entries
            .par_iter()
            .map(|(device, measured)| {
                let centers = programme.bands.centers_hz();
                let gains = measured.as_ref().map(|measured| measured.band_powers(centers));
                let response = Response::new(device, centers, gains.as_deref());
                let ear = Ear::new(programme, device, response);
                of(&Scored::new(&ear, traits))
            })
            .collect()
    }
}

/// Under this a device is weak, and what would help it is worth telling.
pub const WEAK_SCORE: f64 = 60.0;

/// What is left of a programme, everywhere.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Translation {
    /// Centres of the third octaves in `bands`, Hz.
    pub center_hz: Vec<f64>,
    /// What streaming services do to it.
    pub platforms: Vec<Playback>,
    /// Month up to which the table of services holds.
    pub platforms_as_of: String,
    /// What devices leave of it, in the order of their table.
    pub devices: Vec<DeviceTranslation>,
    /// What it lacks of the bass of the mix that it was made from (30 to 130 Hz, at equal loudness), dB. `None` without a mix, and where
    /// that is 3 dB or less. Where there is some, `change` leaves out what `bass`, `balance` and `noise` gain.
    pub bass_lack_db: Option<f64>,
    /// Change of the peak to loudness ratio from the mix that it was made from, which no score knows of, dB. `None` without a mix.
    pub plr_change_db: Option<f64>,
    /// Parts that the programme is scored on nowhere, and why.
    pub unscored: Vec<Unscored>,
    /// What a mono device loses, lowest first.
    pub lost_in_mono: Vec<LostElement>,
    /// What lossy codecs do to it; empty where none was asked for.
    pub codecs: Vec<CodecCheck>,
    /// Codecs that were asked for and can't be checked here, and why.
    pub codecs_absent: Vec<String>,
    /// Changes that the master was given for the sake of its translation.
    pub applied: Vec<AppliedFix>,
    /// The lower ceiling that the master was given, or was not, for the sake of codecs; `None` where none was called for.
    pub ceiling: Option<CeilingFix>,
}

/// A change that a master was given.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AppliedFix {
    /// The device that it is for, by its id.
    pub device: String,
    /// What people call that.
    pub name: String,
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// The change in words.
    pub setting: String,
    /// What it added to the device's score, points.
    pub gain: f64,
}

/// What a device leaves of a programme, and of other versions of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeviceTranslation {
    /// Short name of the device.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The score of the programme.
    #[serde(flatten)]
    pub own: DeviceScore,
    /// The scores of its sections, in order.
    pub sections: Vec<SectionScore>,
    /// The score of the mix that it was made from. `None` without one.
    pub before: Option<DeviceScore>,
    /// What it gains over that mix, points: the weighted mean of the changes of the parts that both have. `None` without a mix, and where
    /// they share no part.
    pub change: Option<f64>,
    /// The score of the reference. `None` without one.
    pub reference: Option<DeviceScore>,
    /// What would help, on a weak device, the best first. The JSON tells that one; `None` where there is nothing.
    #[serde(rename = "fix", serialize_with = "the_first")]
    #[schemars(with = "Option<Fix>")]
    pub fixes: Vec<Fix>,
}

fn the_first<S: Serializer>(fixes: &[Fix], serializer: S) -> std::result::Result<S::Ok, S::Error> {
    fixes.first().serialize(serializer)
}

impl DeviceTranslation {
    /// What would help most.
    pub fn fix(&self) -> Option<&Fix> {
        self.fixes.first()
    }
}

impl Translation {
    /// Scores a programme and other versions of it, on the devices that are told of. `None` if it has no loudness.
    pub fn new(
        devices: &Devices,
        measurement: &Measurement,
        before: Option<&Measurement>,
        reference: Option<&Measurement>,
    ) -> Option<Self> {
        let programme = Programme::new(measurement)?;
        let scores = devices.score(&programme);
        let [mix, production] = [before, reference].map(|measurement| measurement.and_then(Programme::new));
        let other = |programme: Option<&Programme>| -> Vec<Option<DeviceScore>> {
            match programme {
                Some(programme) => devices.score(programme).into_iter().map(Some).collect(),
                None => vec![None; scores.len()],
            }
        };
        let (befores, references) = (other(mix.as_ref()), other(production.as_ref()));
        let fixes = fix::predict(devices, &programme, &scores);
        let sections = devices.score_sections(&programme, mix.as_ref());
        let bass_lack_db = mix.as_ref().and_then(|mix| bass_lack_db(mix, &programme));
        let table = platforms::built_in();
        let rows = devices.iter().zip(scores).zip(sections).zip(befores.into_iter().zip(references)).zip(fixes);
        Some(Self {
            center_hz: programme.bands.centers_hz().to_vec(),
            platforms: table.services.iter().map(|service| service.playback(measurement, None)).collect(),
            platforms_as_of: table.as_of,
            devices: rows
                .filter(|((((device, _), _), _), _)| devices.is_told(device))
                .map(|((((device, own), sections), (before, reference)), fixes)| DeviceTranslation {
                    id: device.id.clone(),
                    name: device.name.clone(),
                    change: before
                        .as_ref()
                        .and_then(|before| own.parts.gain_over(&before.parts, bass_lack_db.is_some())),
                    own,
                    sections,
                    before,
                    reference,
                    fixes,
                })
                .collect(),
            bass_lack_db,
            plr_change_db: before.and_then(|before| Some(measurement.plr_db()? - before.plr_db()?)),
            unscored: unscored(&programme),
            lost_in_mono: lost_in_mono(&programme),
            codecs: Vec::new(),
            codecs_absent: Vec::new(),
            applied: Vec::new(),
            ceiling: None,
        })
    }

    /// Notes what the programme was given, and proposes no more of the same; and what was rendered and left out, which is proposed
    /// last and with what it does.
    pub(crate) fn note_tried(&mut self, devices: &Devices, applied: Vec<AppliedFix>, rejected: &[Rejected]) {
        for device in &mut self.devices {
            device.fixes.retain(|fix| applied.iter().all(|applied| !applied.change.is_like(&fix.change)));
            let position = devices.position(&device.id);
            for fix in &mut device.fixes {
                let found = rejected.iter().find(|rejected| rejected.change == fix.change);
                fix.verified = found.zip(position).and_then(|(found, index)| found.verified.get(index).cloned());
            }
            device.fixes.sort_by_key(Fix::is_left_out);
        }
        self.applied = applied;
    }

    /// Each device that something would help, with what would help it most.
    pub fn fixes(&self) -> impl Iterator<Item = (&DeviceTranslation, &Fix)> {
        self.devices.iter().filter_map(|device| Some((device, device.fix()?)))
    }

    /// The device with the lowest score.
    pub fn weakest(&self) -> Option<&DeviceTranslation> {
        let scored = self.devices.iter().filter(|device| device.own.score.is_some());
        scored.min_by(|a, b| a.own.score.partial_cmp(&b.own.score).unwrap_or(std::cmp::Ordering::Equal))
    }
}

#[cfg(test)]
mod tests;
