//! What lossy codecs do to a programme: it is encoded, decoded and measured, as a service would.
//!
//! Opus and Vorbis are always there; MP3 and AAC need an encoder that is installed, and which one it was is told.

mod check;
mod external;
mod opus;
mod search;
mod selection;
mod vorbis;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

pub use self::check::check;
pub use self::search::{LOWEST_DBTP, STEPS_PER_DB};
pub use self::selection::Selection;
use crate::error::{Error, Result};
use crate::io::{OutputFile, ScratchFolder, Spool};
use crate::paths::path_text;
use crate::source::load_audio;

/// What can be had by name, with the bit rates in kbit/s that services send.
const KNOWN: [(&str, &[u32]); 4] =
    [("opus", &[64, 128, 160]), ("vorbis", &[96, 160, 320]), ("mp3", &[128, 320]), ("aac", &[128, 256, 320])];

/// Every known codec by its id: `opus-64`, ...
fn known_ids() -> impl Iterator<Item = String> {
    KNOWN.into_iter().flat_map(|(name, rates)| rates.iter().map(move |rate| format!("{name}-{rate}")))
}

/// The complaint about a name that is no codec's, with what else could be named.
fn unknown(id: &str, else_named: &str) -> Error {
    let known: Vec<String> = known_ids().collect();
    let reason = format!("unknown; there are {}, and other rates of them{else_named}", known.join(", "));
    Error::setting(format!("codec {id:?}"), reason)
}

/// All that MP3 has from 32 to 48 kHz (ISO/IEC 11172-3, layer III), kbit/s: encoders take others for the nearest.
const MP3_KBPS: [u32; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];

/// What is decoded must not exceed this, or a player clips it.
const PASS_DBTP: f64 = 0.0;

/// A codec at a bit rate, with an encoder for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Codec {
    /// Name and bit rate: `opus-128`.
    pub id: String,
    kbps: u32,
    encoder: Encoder,
}

#[derive(Debug, Clone, PartialEq)]
enum Encoder {
    Opus,
    Vorbis,
    External(external::Tool),
}

/// Where to keep what codecs encode, as `<codec>.<ending>`.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The folder; it is made where there is none.
    pub folder: &'a Path,
    /// Whether files that exist are replaced.
    pub force: bool,
}

/// What a codec does to a programme.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CodecCheck {
    /// Name of the codec with its bit rate: `opus-128`.
    pub id: String,
    /// What encoded it.
    pub encoder: String,
    /// True peak of what is decoded, dBTP.
    pub true_dbtp: Option<f64>,
    /// What that is over the programme's own, dB.
    pub rise_db: Option<f64>,
    /// Change of the loudness, by the third octaves of the loud parts, LU. At equal loudness the peak rises by `rise_db` less this.
    pub loudness_change_lu: Option<f64>,
    /// Where the codec cuts off, Hz: above it less than a tenth of the programme's power is left. `None` where it doesn't.
    pub band_limit_hz: Option<f64>,
    /// Change of the side's power over that of the mid, the mean of all third octaves below the band limit, dB.
    pub side_change_db: Option<f64>,
    /// Noise of the codec over what the music masks, by third octave up to the band limit, dB.
    pub noise_to_mask_db: Vec<Option<f64>>,
    /// The largest of those. `None` where there is none.
    pub worst_noise_to_mask_db: Option<f64>,
    /// Whether what is decoded stays at or under 0 dBTP, so that no player clips.
    pub passes: bool,
    /// Where it does not: the highest ceiling, in tenths of a dB, that the programme can be limited to for it to pass.
    /// `None` where it passes, and where no ceiling helps.
    pub passing_ceiling_dbtp: Option<f64>,
}

/// The rate of a stream: the programme's, or what a service sends instead where an encoder has no mode for it, the usual
/// one of its family.
fn stream_rate_hz(rate_hz: u32, has_mode: impl Fn(u32) -> bool) -> u32 {
    match rate_hz {
        _ if has_mode(rate_hz) => rate_hz,
        _ if rate_hz.is_multiple_of(11_025) => 44_100,
        _ => 48_000,
    }
}

impl Codec {
    /// The codec of a name such as `opus-128`. For MP3 and AAC, encoders on the search path are tried out.
    ///
    /// # Errors
    /// [`Error::Setting`] for an unknown name or bit rate, and for a codec that has no encoder here, with what to
    /// install.
    pub fn named(id: &str) -> Result<Self> {
        Self::known(id).unwrap_or_else(|| Err(unknown(id, "")))
    }

    /// A codec by name, or why it can't be had here; `None` for an unknown name or bit rate.
    fn known(id: &str) -> Option<Result<Self>> {
        let (name, kbps) = id.split_once('-')?;
        let kbps: u32 = kbps.parse().ok().filter(|kbps| (32..=512).contains(kbps))?;
        let encoder = match name {
            "opus" => Encoder::Opus,
            "vorbis" => Encoder::Vorbis,
            "mp3" if !MP3_KBPS.contains(&kbps) => return None,
            "mp3" | "aac" => match external::find(name) {
                Some(tool) => Encoder::External(tool),
                None => return Some(Err(Error::setting(format!("codec {id:?}"), external::absence(name)))),
            },
            _ => return None,
        };
        Some(Ok(Self { id: format!("{name}-{kbps}"), kbps, encoder }))
    }

    /// What encodes, for people.
    pub fn encoder(&self) -> String {
        match &self.encoder {
            Encoder::Opus => "opus-pure".into(),
            Encoder::Vorbis => "aoTuV Vorbis".into(),
            Encoder::External(tool) => path_text(tool.path()),
        }
    }

    /// Ending of its files.
    fn extension(&self) -> &'static str {
        match &self.encoder {
            Encoder::Opus => "opus",
            Encoder::Vorbis => "ogg",
            Encoder::External(tool) => tool.extension(),
        }
    }

    /// Encodes a programme into a file, and tells the gain that it got for that.
    fn encode(&self, audio: &Spool, destination: &Path) -> Result<f32> {
        let create = || File::create(destination).map_err(|error| Error::write(destination, error));
        match &self.encoder {
            Encoder::Opus => opus::encode(audio, self.kbps, create()?, destination).map(|()| 1.0),
            Encoder::Vorbis => vorbis::encode(audio, self.kbps, create()?, destination).map(|()| 1.0),
            Encoder::External(tool) => tool.encode(audio, self.kbps, destination),
        }
    }

    /// Encodes a programme and decodes it again, at the rate of the codec.
    ///
    /// # Errors
    /// Those of the spool, of the file, of the encoder and of the decoder.
    pub fn round_trip(&self, audio: &Spool) -> Result<Spool> {
        self.round_trip_kept(audio, None)
    }

    /// The same; the stream is kept if that is wished.
    fn round_trip_kept(&self, audio: &Spool, kept: Option<Kept<'_>>) -> Result<Spool> {
        let scratch = ScratchFolder::new()?;
        let stream = scratch.file(&self.file_name());
        let gain = self.encode(audio, &stream)?;
        if let Some(Kept { folder, force }) = kept {
            std::fs::create_dir_all(folder).map_err(|error| Error::write(folder, error))?;
            let destination = folder.join(self.file_name());
            let mut file = OutputFile::create(&destination)?;
            let copied = File::open(&stream).and_then(|mut stream| io::copy(&mut stream, &mut file));
            copied.map_err(|error| Error::write(&destination, error))?;
            file.commit(force)?;
        }
        let mut decoded = load_audio(&stream, None, &|_, _| {})?;
        if gain != 1.0 {
            decoded.transform(|left, right| left.iter_mut().chain(right).for_each(|x| *x /= gain))?;
        }
        Ok(decoded)
    }

    /// Name of its file in a folder.
    pub fn file_name(&self) -> PathBuf {
        PathBuf::from(format!("{}.{}", self.id, self.extension()))
    }
}

#[cfg(test)]
mod tests;
