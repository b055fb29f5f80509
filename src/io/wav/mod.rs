//! The WAV family: RIFF, RF64 (EBU Tech 3306) and BW64 (ITU-R BS.2088) in, RIFF and RF64 out.

mod read;
mod write;

pub(super) use read::{WavStream, is_wav};
pub use write::{SampleFormat, WavWriter};

/// `WAVE_FORMAT_PCM`.
const TAG_PCM: u16 = 1;
/// `WAVE_FORMAT_IEEE_FLOAT`.
const TAG_FLOAT: u16 = 3;
/// `WAVE_FORMAT_EXTENSIBLE`: the real tag opens the sub-format GUID.
const TAG_EXTENSIBLE: u16 = 0xFFFE;
/// A size field that says "see the ds64 chunk", or from a streaming writer "unknown".
const SIZE_ELSEWHERE: u32 = u32::MAX;
