//! Writes stereo WAV, and RF64 when it grows past what RIFF can count.

use std::fmt;
use std::io::{Seek, SeekFrom, Write};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SIZE_ELSEWHERE, TAG_FLOAT, TAG_PCM};
use crate::io::Tags;

/// How samples are stored in a file that halfspeed writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum SampleFormat {
    /// 16-bit integers (`"16"`).
    #[serde(rename = "16")]
    Int16,
    /// 24-bit integers (`"24"`).
    #[serde(rename = "24")]
    Int24,
    /// 32-bit float (`"32f"`).
    #[serde(rename = "32f")]
    Float32,
}

impl SampleFormat {
    /// Bits per sample: 16, 24 or 32.
    pub fn bits(self) -> u32 {
        match self {
            Self::Int16 => 16,
            Self::Int24 => 24,
            Self::Float32 => 32,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Int16 => "16",
            Self::Int24 => "24",
            Self::Float32 => "32f",
        }
    }

    fn frame_bytes(self) -> u16 {
        self.bits() as u16 / 4
    }
}

impl fmt::Display for SampleFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for SampleFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Int16, Self::Int24, Self::Float32]
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| format!("\"{name}\" is no sample format; use 16, 24 or 32f"))
    }
}

/// Writes a stereo WAV file, block by block.
///
/// - The header reserves room (a `JUNK` chunk) and becomes RF64 (EBU Tech 3306) when the file passes 4 GiB; below that
///   it is RIFF, which everything reads.
/// - Integers use the plain PCM format chunk, 24 bits too: with two channels and full containers
///   `WAVE_FORMAT_EXTENSIBLE` would add no information, and some players, hardware and CD tools refuse it. Float
///   carries the `fact` chunk that the format asks of everything that is not PCM.
/// - What is said of the music stands in a `LIST` chunk behind the audio, where it is in no reader's way.
/// - No dates, no version, no unwritten bytes: the same audio and texts give the same file.
///
/// The file is complete only after [`WavWriter::finish`]. Errors are those of the sink: the caller knows its name.
#[derive(Debug)]
pub struct WavWriter<W: Write + Seek> {
    sink: W,
    sample_rate_hz: u32,
    format: SampleFormat,
    frames: u64,
    bytes: Vec<u8>,
    /// What comes behind the audio.
    list: Vec<u8>,
}

impl<W: Write + Seek> WavWriter<W> {
    /// Begins a file at the start of an empty sink. No buffered writer is needed around it: blocks go out whole.
    pub fn create(mut sink: W, sample_rate_hz: u32, format: SampleFormat) -> std::io::Result<Self> {
        sink.write_all(&header(format, sample_rate_hz, 0, 0))?;
        Ok(Self { sink, sample_rate_hz, format, frames: 0, bytes: Vec::new(), list: Vec::new() })
    }

    /// Says what the music is, instead of what was said before.
    pub fn describe(&mut self, tags: &Tags) {
        self.list = tags.chunk();
    }

    /// Frames written so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Appends quantised integers, -2^(bits-1) up to 2^(bits-1) - 1. Values beyond are held at the end of the range.
    ///
    /// # Panics
    /// If the slices differ in length, or the file holds floats: mistakes in the calling code.
    pub fn write_int(&mut self, left: &[i32], right: &[i32]) -> std::io::Result<()> {
        match self.format {
            SampleFormat::Int16 => {
                self.write(left, right, |sample| (sample.clamp(-0x8000, 0x7FFF) as i16).to_le_bytes())
            }
            SampleFormat::Int24 => self.write(left, right, |sample| {
                let [a, b, c, _] = sample.clamp(-0x80_0000, 0x7F_FFFF).to_le_bytes();
                [a, b, c]
            }),
            SampleFormat::Float32 => panic!("integers can't go into a float file"),
        }
    }

    /// Appends floats, full scale = 1.0, as they are.
    ///
    /// # Panics
    /// If the slices differ in length, or the file holds integers: mistakes in the calling code.
    pub fn write_float(&mut self, left: &[f32], right: &[f32]) -> std::io::Result<()> {
        assert_eq!(self.format, SampleFormat::Float32, "floats must be quantised before they go into an integer file");
        self.write(left, right, f32::to_le_bytes)
    }

    /// Completes the header and hands the sink back, flushed.
    pub fn finish(mut self) -> std::io::Result<W> {
        self.sink.write_all(&self.list)?;
        let header = header(self.format, self.sample_rate_hz, self.frames, self.list.len() as u64);
        self.sink.seek(SeekFrom::Start(0))?;
        self.sink.write_all(&header)?;
        self.sink.seek(SeekFrom::End(0))?;
        self.sink.flush()?;
        Ok(self.sink)
    }

    fn write<T: Copy, const N: usize>(
        &mut self,
        left: &[T],
        right: &[T],
        bytes: impl Fn(T) -> [u8; N],
    ) -> std::io::Result<()> {
        assert_eq!(left.len(), right.len(), "both channels must have the same length");
        self.bytes.resize(left.len() * 2 * N, 0);
        let (samples, _) = self.bytes.as_chunks_mut::<N>();
        let (pairs, _) = samples.as_chunks_mut::<2>();
        for ((left, right), pair) in left.iter().zip(right).zip(pairs) {
            *pair = [bytes(*left), bytes(*right)];
        }
        self.sink.write_all(&self.bytes)?;
        self.frames += left.len() as u64;
        Ok(())
    }
}

/// Everything before the audio of a stereo file, behind which so many bytes of other chunks come. Its length depends on the format only,
/// not on the number of frames.
///
/// A frame has an even number of bytes, so the data chunk never needs padding.
fn header(format: SampleFormat, sample_rate_hz: u32, frames: u64, bytes_behind: u64) -> Vec<u8> {
    let float = format == SampleFormat::Float32;
    let frame_bytes = format.frame_bytes();
    let data_bytes = frames * u64::from(frame_bytes);
    let header_bytes: u64 = if float { 12 + 36 + 26 + 12 + 8 } else { 12 + 36 + 24 + 8 };
    let riff_bytes = header_bytes - 8 + data_bytes + bytes_behind;
    let long = riff_bytes >= u64::from(SIZE_ELSEWHERE);
    let short_size = |bytes: u64| u32::try_from(bytes).unwrap_or(SIZE_ELSEWHERE).to_le_bytes();

    let mut out = Vec::with_capacity(header_bytes as usize);
    out.extend(if long { b"RF64" } else { b"RIFF" });
    out.extend(if long { SIZE_ELSEWHERE.to_le_bytes() } else { short_size(riff_bytes) });
    out.extend(b"WAVE");
    // ds64 must be the first chunk; until it is needed a JUNK chunk of the same size keeps its place.
    out.extend(if long { b"ds64" } else { b"JUNK" });
    out.extend(28u32.to_le_bytes());
    let sizes = if long { [riff_bytes, data_bytes, frames] } else { [0; 3] };
    sizes.iter().for_each(|size| out.extend(size.to_le_bytes()));
    out.extend(0u32.to_le_bytes());

    out.extend(b"fmt ");
    out.extend(if float { 18u32 } else { 16 }.to_le_bytes());
    out.extend(if float { TAG_FLOAT } else { TAG_PCM }.to_le_bytes());
    out.extend(2u16.to_le_bytes());
    out.extend(sample_rate_hz.to_le_bytes());
    out.extend((sample_rate_hz * u32::from(frame_bytes)).to_le_bytes());
    out.extend(frame_bytes.to_le_bytes());
    out.extend((format.bits() as u16).to_le_bytes());
    if float {
        out.extend(0u16.to_le_bytes());
        out.extend(b"fact");
        out.extend(4u32.to_le_bytes());
        out.extend(short_size(frames));
    }
    out.extend(b"data");
    out.extend(if long { SIZE_ELSEWHERE.to_le_bytes() } else { short_size(data_bytes) });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::wav::read::WavStream;
    use crate::io::{Stream, Tag};
    use std::io::Cursor;

    /// Size fields of a header: RIFF, first chunk's name, data.
    fn sizes(header: &[u8]) -> (u32, [u8; 4], u32) {
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        (word(4), header[12..16].try_into().unwrap(), word(header.len() - 4))
    }

    #[test]
    fn a_header_becomes_rf64_exactly_where_riff_ends() {
        // 80 bytes of header, of which RIFF counts 72; the last size that fits is 2^32 - 2.
        let last = (u64::from(u32::MAX) - 1 - 72) / 4;
        let riff = header(SampleFormat::Int16, 44_100, last, 0);
        assert_eq!(&riff[..4], b"RIFF");
        assert_eq!(sizes(&riff), ((72 + last * 4) as u32, *b"JUNK", (last * 4) as u32));
        let long = header(SampleFormat::Int16, 44_100, last + 1, 0);
        assert_eq!(&long[..4], b"RF64");
        assert_eq!(sizes(&long), (u32::MAX, *b"ds64", u32::MAX));
        assert_eq!(riff.len(), long.len());
        let word = |at: usize| u64::from_le_bytes(long[at..at + 8].try_into().unwrap());
        assert_eq!((word(20), word(28), word(36)), (72 + (last + 1) * 4, (last + 1) * 4, last + 1));
        // What comes behind the audio counts.
        assert_eq!(&header(SampleFormat::Int16, 44_100, last, 4)[..4], b"RF64");
    }

    #[test]
    fn headers_have_the_length_they_count() {
        for format in [SampleFormat::Int16, SampleFormat::Int24, SampleFormat::Float32] {
            let header = header(format, 48_000, 0, 0);
            assert_eq!(sizes(&header).0 as usize + 8, header.len(), "{format}");
        }
    }

    #[test]
    fn a_long_header_reads_back_with_its_length() {
        for (format, frames) in [(SampleFormat::Int24, 1u64 << 33), (SampleFormat::Float32, 1 << 40)] {
            let file = Cursor::new(header(format, 96_000, frames, 0));
            let stream = WavStream::open(file).unwrap().unwrap();
            assert_eq!(stream.info().format, "RF64");
            assert_eq!(stream.info().frames, Some(frames));
        }
    }

    #[test]
    fn what_is_said_of_the_music_stands_behind_the_audio() {
        let mut tags = Tags::default();
        tags.add(Tag::Title, "song");
        let mut writer = WavWriter::create(Cursor::new(Vec::new()), 48_000, SampleFormat::Int24).unwrap();
        writer.describe(&tags);
        writer.write_int(&[1, 2, 3], &[4, 5, 6]).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        assert_eq!(sizes(&bytes).0 as usize + 8, bytes.len());
        assert_eq!(&bytes[80 + 18..80 + 18 + 12], b"LIST\x12\0\0\0INFO");
        let stream = WavStream::open(Cursor::new(bytes)).unwrap().unwrap();
        assert_eq!((stream.info().frames, &stream.info().tags), (Some(3), &tags));
    }

    #[test]
    fn sample_formats_have_the_names_that_the_command_line_uses() {
        for format in [SampleFormat::Int16, SampleFormat::Int24, SampleFormat::Float32] {
            assert_eq!(format.to_string().parse(), Ok(format));
            assert_eq!(serde_json::to_string(&format).unwrap(), format!("\"{format}\""));
        }
        assert!("20".parse::<SampleFormat>().unwrap_err().contains("16, 24 or 32f"));
    }
}
