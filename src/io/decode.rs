//! Opens an audio file by its content and streams it as stereo `f32`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::opus::{OpusStream, is_opus};
use super::packets::PacketStream;
use super::wav::{WavStream, is_wav};
use super::{Fault, MAX_RATE_HZ, MIN_RATE_HZ, Stream, StreamInfo, Tags};
use crate::audio::AudioBuffer;
use crate::error::{Error, Result};

/// What no music comes near to and every sum of squares still holds, dBFS: 2^20 times full scale.
const MOST_DBFS: u32 = 120;
const MOST: f32 = (1 << 20) as f32;
/// The bits of an `f32` that hold its exponent.
const EXPONENT_BITS: u32 = 0x7F80_0000;

/// What a file's header says about its audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceInfo {
    /// The file.
    pub path: PathBuf,
    /// `WAV`, `RF64`, `BW64`, `FLAC`, `MP3`, `AAC`, `ALAC`, `Vorbis`, `Opus`, `AIFF`, `CAF` or `MOV` (PCM in an MP4
    /// or QuickTime file).
    pub format: String,
    /// Sample rate in Hz, 8000 to 384000. Opus is always 48000.
    pub sample_rate_hz: u32,
    /// Channels in the file: 1 or 2. Blocks always have two.
    pub channels: u32,
    /// Bits per sample, where the format has such: 32 or 64 for float.
    pub bits: Option<u32>,
    /// Whether samples are stored as floating point.
    pub float: bool,
    /// Whether the format discards parts of the audio: MP3, AAC, Vorbis, Opus, ADPCM, A-law.
    pub lossy: bool,
    /// Length in frames, if the file says so. It is a claim: don't allocate by it.
    pub frames: Option<u64>,
    /// What it says of its music.
    pub tags: Tags,
}

/// Streams the audio of a file, block by block, in memory that does not grow with its length.
///
/// The format comes from the content, never from the name. Mono comes as two equal channels. Encoder delay and padding
/// are cut where the file states them: MP3 with a LAME header, M4A with an edit list or iTunes' gapless tag, CAF,
/// Vorbis and Opus. AAC in ADTS and MP3 without a header state nothing and keep theirs.
pub struct Decoder {
    info: SourceInfo,
    stream: Box<dyn Stream>,
    frames: u64,
    /// What stopped the stream, to be told once the audio before it is delivered.
    fault: Option<Fault>,
    ended: bool,
}

impl Decoder {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`Error::Read`] if it can't be opened; [`Error::Format`] if it is empty, or of no known format;
    /// [`Error::Damaged`] if it breaks off or contradicts itself; [`Error::Content`] for more than two channels, for
    /// sample rates outside 8 to 384 kHz and for HE-AAC.
    pub fn open(path: &Path) -> Result<Self> {
        let stream = contain(|| open_stream(path)).map_err(|fault| blame(path, 0.0, fault))?;
        let StreamInfo { format, sample_rate_hz, channels, bits, float, lossy, frames, tags } = stream.info().clone();
        let complaint = match (sample_rate_hz, channels) {
            (_, 0) => Some(Fault::Damaged("it claims to have no channels; export it again".into())),
            (_, 3..) => Some(super::too_many_channels(channels)),
            (MIN_RATE_HZ..=MAX_RATE_HZ, _) => None,
            (rate, _) => Some(Fault::Content(format!(
                "its sample rate is {rate} Hz; halfspeed works from {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz, convert it first"
            ))),
        };
        if let Some(fault) = complaint {
            return Err(blame(path, 0.0, fault));
        }
        let format = format.to_owned();
        let info =
            SourceInfo { path: path.to_owned(), format, sample_rate_hz, channels, bits, float, lossy, frames, tags };
        Ok(Self { info, stream, frames: 0, fault: None, ended: false })
    }

    /// What the header says.
    pub fn info(&self) -> &SourceInfo {
        &self.info
    }

    /// Replaces the content of `block` with the next few thousand frames. `false` (and an empty block) at the end.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the time where decoding stopped, also when the file ends before its header says it does:
    /// what is there comes first, the error after it. [`Error::Content`] if the file holds no audio at all, several Ogg
    /// streams one after the other, or a value that is no number or over 120 dBFS. After an error the file counts as
    /// ended.
    pub fn next_block(&mut self, block: &mut AudioBuffer) -> Result<bool> {
        if block.sample_rate_hz() == self.info.sample_rate_hz {
            block.clear();
        } else {
            *block = AudioBuffer::new(self.info.sample_rate_hz);
        }
        if self.ended {
            return Ok(false);
        }
        let filled = match self.fault.take() {
            Some(fault) => Err(fault),
            None => match contain(|| self.stream.fill(block)) {
                // What is there comes first, the fault with the next call.
                Err(fault) if !block.is_empty() => {
                    self.fault = Some(fault);
                    Ok(())
                }
                other => other,
            },
        };
        if let Err(fault) = filled.and_then(|()| self.check(block)) {
            block.clear();
            self.ended = true;
            return Err(blame(&self.info.path, self.seconds(self.frames), fault));
        }
        self.ended = block.is_empty();
        self.frames += block.frames() as u64;
        Ok(!self.ended)
    }

    fn check(&self, block: &AudioBuffer) -> Result<(), Fault> {
        if block.is_empty() && self.frames == 0 {
            return Err(Fault::Content("it holds no audio (0 frames); export it again".into()));
        }
        let first = if self.info.float || self.info.lossy { first_beyond_sound(block) } else { None };
        let Some((frame, value)) = first else { return Ok(()) };
        let what = if value.is_finite() {
            format!("a sample of {value:e}, more than {MOST_DBFS} dB over full scale")
        } else {
            "a value that is not a number (NaN or infinity)".into()
        };
        let at_s = self.seconds(self.frames + frame as u64);
        Err(Fault::Content(format!("it holds {what} at {at_s:.3} s; a plug-in has failed, export it again")))
    }

    fn seconds(&self, frames: u64) -> f64 {
        frames as f64 / f64::from(self.info.sample_rate_hz)
    }
}

/// Chooses the reader by content.
fn open_stream(path: &Path) -> Result<Box<dyn Stream>, Fault> {
    // Asked before it is opened: opening a pipe waits for its other end.
    let metadata = std::fs::metadata(path).map_err(Fault::Read)?;
    if metadata.is_dir() {
        return Err(Fault::Format("it is a folder; name the files in it".into()));
    }
    if !metadata.is_file() {
        return Err(Fault::Format("it is not a regular file; save the audio to a file first".into()));
    }
    if metadata.len() == 0 {
        return Err(Fault::Format("the file is empty; export it again".into()));
    }
    let mut file = File::open(path).map_err(Fault::Read)?;
    let mut head = Vec::new();
    file.by_ref().take(64).read_to_end(&mut head).map_err(Fault::Read)?;
    if is_wav(&head) {
        if let Some(stream) = WavStream::open(file)? {
            return Ok(Box::new(stream));
        }
        file = File::open(path).map_err(Fault::Read)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(Fault::Read)?;
    if is_opus(&head) {
        return Ok(Box::new(OpusStream::open(file)?));
    }
    Ok(Box::new(PacketStream::open(file, &head)?))
}

/// Runs third-party decoders on hostile bytes: should one of them panic after all, that is a damaged file, not a crash.
///
/// Sound, because a stream is never used again after a fault.
fn contain<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Fault::Damaged("its decoder gave up; get another copy, or convert it to WAV".into())))
}

/// Puts the file's name and the time to a fault.
fn blame(path: &Path, at_s: f64, fault: Fault) -> Error {
    let path = path.to_owned();
    match fault {
        Fault::Read(source) => Error::Read { path, source },
        Fault::Format(reason) => Error::Format { path, reason },
        Fault::Damaged(reason) => Error::Damaged { path, at_s, reason },
        Fault::Content(reason) => Error::Content { path, reason },
    }
}

/// The first frame in which a channel holds NaN, infinity or what no music reaches, with that value.
fn first_beyond_sound(block: &AudioBuffer) -> Option<(usize, f32)> {
    // Exponents, without a branch: this runs over all audio and should vectorise.
    let is_beyond = |x: &f32| x.to_bits() & EXPONENT_BITS >= MOST.to_bits();
    let all_sound = |samples: &[f32]| !samples.iter().fold(false, |beyond, x| beyond | is_beyond(x));
    if all_sound(block.left()) && all_sound(block.right()) {
        return None;
    }
    let mut frames = block.left().iter().zip(block.right()).enumerate();
    frames.find_map(|(frame, (l, r))| [l, r].into_iter().find(|x| is_beyond(x)).map(|x| (frame, *x)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_decoder_is_a_damaged_file() {
        assert!(matches!(contain(|| -> Result<(), Fault> { panic!("as a decoder might") }), Err(Fault::Damaged(_))));
    }

    #[test]
    fn the_first_value_that_is_no_sound_is_found_in_either_channel() {
        let mut block = AudioBuffer::from_channels(48_000, vec![1.0; 100], vec![-0.0; 100]);
        block.resize(100).0[2] = -0.999 * MOST;
        assert_eq!(first_beyond_sound(&block), None);
        block.resize(100).0[70] = f32::NAN;
        assert_eq!(first_beyond_sound(&block).map(|(frame, _)| frame), Some(70));
        block.resize(100).1[30] = f32::NEG_INFINITY;
        assert_eq!(first_beyond_sound(&block), Some((30, f32::NEG_INFINITY)));
        block.resize(100).1[3] = -MOST;
        assert_eq!(first_beyond_sound(&block), Some((3, -MOST)));
    }
}
