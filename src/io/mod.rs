//! Files in and out: decode by content, write WAV, replace files safely, and hold a programme that is too long for
//! memory.
//!
//! Types of third-party decoders never leave this module.

mod caf;
mod decode;
mod mp4;
mod ogg;
mod opus;
mod output;
mod packets;
mod spool;
mod tags;
mod text;
mod wav;

pub use decode::{Decoder, SourceInfo};
pub use output::{OutputFile, ScratchFolder, check_output, check_output_folder, is_same_place, remove_unfinished};
pub use spool::Spool;
pub use tags::{Tag, Tags};
pub use text::read_text;
pub use wav::{SampleFormat, WavWriter};

use crate::audio::AudioBuffer;
pub use crate::audio::{MAX_RATE_HZ, MIN_RATE_HZ};

/// Frames that a decoder aims at for a block.
const BLOCK_FRAMES: usize = 4_096;

/// What is wrong with a file, before the name of the file and the time are put to it.
#[derive(Debug)]
enum Fault {
    /// The operating system failed.
    Read(std::io::Error),
    /// Not a format that can be read.
    Format(String),
    /// The format is known, the content is damaged.
    Damaged(String),
    /// Sound, but not usable here.
    Content(String),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            Self::Damaged("the file ends early; get a complete copy".into())
        } else {
            Self::Read(error)
        }
    }
}

/// What a container says about its audio.
#[derive(Debug, Clone, PartialEq)]
struct StreamInfo {
    format: &'static str,
    sample_rate_hz: u32,
    channels: u32,
    bits: Option<u32>,
    float: bool,
    lossy: bool,
    frames: Option<u64>,
    tags: Tags,
}

/// One opened audio stream: WAV, Opus, or whatever the packet decoder knows.
trait Stream: Send {
    /// What the header says.
    fn info(&self) -> &StreamInfo;

    /// Appends about [`BLOCK_FRAMES`] frames to an empty block; leaves it empty at the end.
    ///
    /// Mono goes to both channels.
    fn fill(&mut self, block: &mut AudioBuffer) -> Result<(), Fault>;
}

/// The complaint about a file that is several in a row.
fn several_streams() -> Fault {
    Fault::Content("it holds several streams one after the other; split it first".into())
}

/// The complaint about a file with more than two channels.
fn too_many_channels(count: u32) -> Fault {
    Fault::Content(format!("it has {count} channels; fold it down to stereo first, halfspeed works on mono and stereo"))
}
