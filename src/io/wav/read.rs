//! Reads WAV, RF64 and BW64 with integer or float PCM.

use std::io::{Read, Seek, SeekFrom};

use super::{SIZE_ELSEWHERE, TAG_EXTENSIBLE, TAG_FLOAT, TAG_PCM};
use crate::audio::AudioBuffer;
use crate::io::{Fault, Stream, StreamInfo, Tags, too_many_channels};

/// Frames read at a time: large enough that system calls do not count.
const READ_FRAMES: usize = 8_192;
/// No sound file has more chunks than this; more is a trap for the reader.
const MAX_CHUNKS: usize = 10_000;
/// Nor this many behind the audio, where a description is looked for.
const MAX_CHUNKS_BEHIND: usize = 100;
/// A longer list is none of texts.
const MAX_LIST_BYTES: u64 = 1 << 20;
/// What follows the tag in the sub-format GUID of every PCM and float file.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// Whether a file's first bytes are those of the WAV family.
pub(in crate::io) fn is_wav(head: &[u8]) -> bool {
    head.len() >= 12 && matches!(&head[..4], b"RIFF" | b"RF64" | b"BW64") && &head[8..12] == b"WAVE"
}

/// How a sample lies in its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    U8,
    I16,
    I24,
    /// 24 bits in the lower three bytes of four.
    I24InLow,
    I32,
    F32,
    F64,
}

impl Coding {
    fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I24InLow | Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// The format chunk, as far as it matters.
struct Format {
    channels: u16,
    sample_rate_hz: u32,
    block_bytes: usize,
    bits: u16,
    valid_bits: u16,
    float: bool,
}

/// A WAV file whose header has been read.
pub(in crate::io) struct WavStream<R> {
    source: R,
    info: StreamInfo,
    coding: Coding,
    /// Audio bytes still to come, whole frames.
    left_bytes: u64,
    /// Why the end, once reached, is a fault.
    short: Option<String>,
    bytes: Vec<u8>,
}

impl<R: Read + Seek> WavStream<R> {
    /// Reads the header up to the audio. `None`: a codec that is not plain PCM.
    pub(in crate::io) fn open(mut source: R) -> Result<Option<Self>, Fault> {
        let file_bytes = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let mut head = [0; 12];
        read_header(&mut source, &mut head)?;
        let name = match &head[..4] {
            b"RF64" => "RF64",
            b"BW64" => "BW64",
            _ => "WAV",
        };
        let riff_bytes = u64::from(u32_at(&head, 4)) + 8;
        let mut long_data_bytes = None;
        let mut format = None;
        let mut tags = Tags::default();
        for _ in 0..MAX_CHUNKS {
            let mut chunk = [0; 8];
            read_header(&mut source, &mut chunk)?;
            let size = u32_at(&chunk, 4);
            let start = source.stream_position()?;
            match &chunk[..4] {
                b"ds64" if name != "WAV" => {
                    let mut sizes = [0; 16];
                    read_header(&mut source, &mut sizes)?;
                    long_data_bytes = Some(u64_at(&sizes, 8));
                }
                b"fmt " => match read_format(&mut source, size)? {
                    Some(found) => format = Some(found),
                    None => return Ok(None),
                },
                b"LIST" => tags.complete(read_tags(&mut source, size)?),
                b"data" => {
                    let Some(format) = format else {
                        return Err(Fault::Damaged(
                            "its audio comes without a format description before it; export it again".into(),
                        ));
                    };
                    let present = file_bytes.saturating_sub(start);
                    let declared = data_bytes(size, long_data_bytes, present, file_bytes.checked_sub(riff_bytes));
                    if declared <= present {
                        tags.complete(tags_behind(&mut source, start + declared + (declared & 1)));
                        source.seek(SeekFrom::Start(start))?;
                    }
                    let mut stream = Self::at_data(source, name, &format, declared, present)?;
                    stream.info.tags = tags;
                    return Ok(Some(stream));
                }
                _ => {}
            }
            // Chunks begin at even offsets.
            source.seek(SeekFrom::Start(start + u64::from(size) + u64::from(size & 1)))?;
        }
        Err(Fault::Damaged(format!("it has more than {MAX_CHUNKS} chunks and no audio among them; export it again")))
    }

    fn at_data(mut source: R, name: &'static str, format: &Format, declared: u64, present: u64) -> Result<Self, Fault> {
        let coding = coding(&mut source, format)?;
        let block = format.block_bytes as u64;
        let frames = declared / block;
        let frames_present = declared.min(present) / block;
        let short = (frames_present < frames).then(|| {
            format!("the file ends after {frames_present} of {frames} frames; get a complete copy, or export it again")
        });
        Ok(Self {
            source,
            info: StreamInfo {
                format: name,
                sample_rate_hz: format.sample_rate_hz,
                channels: u32::from(format.channels),
                bits: Some(u32::from(format.valid_bits)),
                float: format.float,
                lossy: false,
                frames: Some(frames),
                tags: Tags::default(),
            },
            coding,
            left_bytes: frames_present * block,
            short,
            bytes: Vec::new(),
        })
    }
}

impl<R: Read + Send> Stream for WavStream<R> {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn fill(&mut self, block: &mut AudioBuffer) -> Result<(), Fault> {
        let block_bytes = self.coding.bytes() * self.info.channels as usize;
        let want = self.left_bytes.min((READ_FRAMES * block_bytes) as u64) as usize;
        if want == 0 {
            return match self.short.take() {
                Some(reason) => Err(Fault::Damaged(reason)),
                None => Ok(()),
            };
        }
        self.bytes.resize(want, 0);
        self.source.read_exact(&mut self.bytes)?;
        self.left_bytes -= want as u64;
        convert(self.coding, self.info.channels == 2, &self.bytes, block);
        Ok(())
    }
}

/// The length of the audio: what the header says, or all that is there when a streaming writer left it open. `beyond_riff` is how
/// much longer the file is than its header says.
fn data_bytes(size: u32, long: Option<u64>, present: u64, beyond_riff: Option<u64>) -> u64 {
    // sox leaves 0x7FFFF000 when it cannot seek back; others 2^32 - 1 less some header.
    let may_be_open = size == 0x7FFF_F000 || size >= 0xFFFF_FF00;
    let size_bytes = u64::from(size);
    // A writer that doesn't know RF64 counts modulo 2^32. Where not even that fits the file, nobody came back to count.
    let counted = beyond_riff.filter(|bytes| bytes.is_multiple_of(1 << 32)).map(|bytes| size_bytes + bytes);
    match long {
        Some(0 | u64::MAX) if size == SIZE_ELSEWHERE => present,
        Some(bytes) if size == SIZE_ELSEWHERE => bytes,
        _ if size == 0 && beyond_riff == Some(0) => 0,
        _ if size == 0 || (may_be_open && counted.is_none_or(|bytes| bytes > present)) => present,
        None => counted.unwrap_or(size_bytes),
        Some(_) => size_bytes,
    }
}

/// Reads what a list says of the music.
fn read_tags(source: &mut impl Read, size: u32) -> std::io::Result<Tags> {
    let mut list = Vec::new();
    source.by_ref().take(u64::from(size).min(MAX_LIST_BYTES)).read_to_end(&mut list)?;
    Ok(Tags::of_list(&list))
}

/// What the lists behind the audio say, where most writers put them. Whatever else stands there is no fault of the audio's.
fn tags_behind(source: &mut (impl Read + Seek), mut at: u64) -> Tags {
    let mut tags = Tags::default();
    for _ in 0..MAX_CHUNKS_BEHIND {
        let mut chunk = [0; 8];
        if source.seek(SeekFrom::Start(at)).and_then(|_| source.read_exact(&mut chunk)).is_err() {
            break;
        }
        let size = u32_at(&chunk, 4);
        if &chunk[..4] == b"LIST" {
            tags.complete(read_tags(source, size).unwrap_or_default());
        }
        at += 8 + u64::from(size) + u64::from(size & 1);
    }
    tags
}

/// Reads the format chunk. `None`: a codec that is not plain PCM.
fn read_format(source: &mut impl Read, size: u32) -> Result<Option<Format>, Fault> {
    if size < 16 {
        return Err(Fault::Damaged("its format description is too short; export it again".into()));
    }
    let mut bytes = [0; 40];
    let bytes = &mut bytes[..size.min(40) as usize];
    read_header(source, bytes)?;
    let mut tag = u16_at(bytes, 0);
    let bits = u16_at(bytes, 14);
    let mut valid_bits = bits;
    if tag == TAG_EXTENSIBLE {
        if bytes.len() < 40 || bytes[26..40] != GUID_TAIL {
            return Ok(None);
        }
        tag = u16_at(bytes, 24);
        // 0 and nonsense both mean "all of them".
        valid_bits = Some(u16_at(bytes, 18)).filter(|&valid| valid > 0 && valid < bits).unwrap_or(bits);
    }
    if tag != TAG_PCM && tag != TAG_FLOAT {
        return Ok(None);
    }
    let channels = u16_at(bytes, 2);
    let block_bytes = match usize::from(u16_at(bytes, 12)) {
        // Left out, as some writers do.
        0 => usize::from(channels) * usize::from(bits).div_ceil(8),
        stated => stated,
    };
    Ok(Some(Format {
        channels,
        sample_rate_hz: u32_at(bytes, 4),
        block_bytes,
        bits,
        valid_bits,
        float: tag == TAG_FLOAT,
    }))
}

/// Chooses the conversion. The block size decides the container: samples lie in its upper bits, as the format asks.
///
/// Exception: for "24 bits" in four bytes some writers leave the *top* byte empty, so the audio is asked.
fn coding(source: &mut (impl Read + Seek), format: &Format) -> Result<Coding, Fault> {
    let channels = usize::from(format.channels);
    if channels > 2 {
        return Err(too_many_channels(u32::from(format.channels)));
    }
    if channels == 0 || !format.block_bytes.is_multiple_of(channels) {
        return Err(Fault::Damaged("its channel count and frame size contradict each other; export it again".into()));
    }
    let coding = match (format.float, format.bits, format.block_bytes / channels) {
        (true, 32, 4) => Coding::F32,
        (true, 64, 8) => Coding::F64,
        (false, 1..=8, 1) => Coding::U8,
        (false, 1..=16, 2) => Coding::I16,
        (false, 1..=24, 3) => Coding::I24,
        (false, 24, 4) if low_aligned(source)? => Coding::I24InLow,
        (false, 1..=32, 4) => Coding::I32,
        (float, bits, bytes) => {
            let kind = if float { "float" } else { "integer" };
            return Err(Fault::Format(format!(
                "{bits}-bit {kind} samples in {bytes} bytes are not supported; export it as 16 or 24-bit or 32-bit float"
            )));
        }
    };
    Ok(coding)
}

/// Whether the first stretch of four-byte samples that is not silent has its 24 bits in the lower three bytes.
fn low_aligned(source: &mut (impl Read + Seek)) -> Result<bool, Fault> {
    let start = source.stream_position()?;
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if source.by_ref().take(1 << 18).read_to_end(&mut bytes)? == 0 || bytes.iter().any(|byte| *byte != 0) {
            break;
        }
    }
    source.seek(SeekFrom::Start(start))?;
    let samples = bytes.chunks_exact(4);
    let low_empty = samples.clone().all(|b| b[0] == 0);
    let high_is_sign = samples.clone().all(|b| b[3] == if b[2] & 0x80 == 0 { 0 } else { 0xFF });
    Ok(high_is_sign && !low_empty)
}

/// Interleaved bytes to planar `f32`: integers by exact division by 2^(bits - 1).
fn convert(coding: Coding, stereo: bool, bytes: &[u8], block: &mut AudioBuffer) {
    match coding {
        Coding::U8 => each(bytes, stereo, block, |[b]: [u8; 1]| (f32::from(b) - 128.0) / 128.0),
        Coding::I16 => each(bytes, stereo, block, |b: [u8; 2]| f32::from(i16::from_le_bytes(b)) / 32_768.0),
        Coding::I24 if stereo => stereo_i24(bytes, block),
        Coding::I24 => each(bytes, stereo, block, |[a, b, c]: [u8; 3]| i24(a, b, c)),
        Coding::I24InLow => each(bytes, stereo, block, |[a, b, c, _]: [u8; 4]| i24(a, b, c)),
        // To f64 first, so that there is one rounding, to nearest.
        Coding::I32 => {
            each(bytes, stereo, block, |b: [u8; 4]| (f64::from(i32::from_le_bytes(b)) / 2_147_483_648.0) as f32)
        }
        Coding::F32 => each(bytes, stereo, block, f32::from_le_bytes),
        Coding::F64 => each(bytes, stereo, block, |b: [u8; 8]| narrow(f64::from_le_bytes(b))),
    }
}

/// To nearest. A level beyond the range of `f32` stays a number: it is refused as a level, not as infinity.
fn narrow(value: f64) -> f32 {
    if value.is_finite() { value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32 } else { value as f32 }
}

/// 24 bits, little endian, as the upper bits of 32: the division stays exact.
fn i24(a: u8, b: u8, c: u8) -> f32 {
    i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0
}

/// What [`each`] does with pairs of [`i24`], four frames at a time: three loads of eight bytes and shifts take half as
/// long as loads of three.
fn stereo_i24(bytes: &[u8], block: &mut AudioBuffer) {
    const UNUSED: u64 = 0xFF;
    let (groups, rest) = bytes.as_chunks::<24>();
    let start = block.frames();
    let end = start + 4 * groups.len();
    let (left, right) = block.resize(end);
    let (left, _) = left[start..].as_chunks_mut::<4>();
    let (right, _) = right[start..].as_chunks_mut::<4>();
    for ((left, right), group) in left.iter_mut().zip(right).zip(groups) {
        let (words, _) = group.as_chunks::<8>();
        let [a, b, c] = [words[0], words[1], words[2]].map(u64::from_le_bytes);
        let samples = [a << 8, a >> 16, a >> 40 | b << 24, b, b >> 24, b >> 48 | c << 16, c >> 8, c >> 32];
        let values = samples.map(|bits| (bits & !UNUSED) as i32 as f32 / 2_147_483_648.0);
        for frame in 0..4 {
            left[frame] = values[2 * frame];
            right[frame] = values[2 * frame + 1];
        }
    }
    each(rest, true, block, |[a, b, c]: [u8; 3]| i24(a, b, c));
}

/// Converts every sample of `N` bytes. Appends to the block; mono goes to both channels.
fn each<const N: usize>(bytes: &[u8], stereo: bool, block: &mut AudioBuffer, value: impl Fn([u8; N]) -> f32) {
    let start = block.frames();
    let (samples, _) = bytes.as_chunks::<N>();
    if stereo {
        let (pairs, _) = samples.as_chunks::<2>();
        let (left, right) = block.resize(start + pairs.len());
        for ((left, right), pair) in left[start..].iter_mut().zip(&mut right[start..]).zip(pairs) {
            *left = value(pair[0]);
            *right = value(pair[1]);
        }
    } else {
        let (left, right) = block.resize(start + samples.len());
        for ((left, right), sample) in left[start..].iter_mut().zip(&mut right[start..]).zip(samples) {
            *left = value(*sample);
            *right = *left;
        }
    }
}

/// Fills `bytes`, or says that the header is cut off.
fn read_header(source: &mut impl Read, bytes: &mut [u8]) -> Result<(), Fault> {
    source.read_exact(bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            Fault::Damaged("the file ends before its audio begins; get a complete copy".into())
        }
        _ => Fault::Read(error),
    })
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that goes on with zeros after its header.
    struct Sparse {
        header: Vec<u8>,
        bytes: u64,
        position: u64,
    }

    impl Read for Sparse {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let left = (self.bytes - self.position.min(self.bytes)).min(buffer.len() as u64) as usize;
            for (n, byte) in buffer[..left].iter_mut().enumerate() {
                *byte = self.header.get(self.position as usize + n).copied().unwrap_or(0);
            }
            self.position += left as u64;
            Ok(left)
        }
    }

    impl Seek for Sparse {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.position = match to {
                SeekFrom::Start(position) => position,
                SeekFrom::End(offset) => self.bytes.saturating_add_signed(offset),
                SeekFrom::Current(offset) => self.position.saturating_add_signed(offset),
            };
            Ok(self.position)
        }
    }

    #[test]
    fn sizes_that_a_writer_counted_modulo_4_gib_are_made_whole() {
        let frames_of = |data_bytes: u64, told_bytes: u64| {
            let mut header = b"RIFF".to_vec();
            header.extend(((36 + told_bytes) as u32).to_le_bytes());
            header.extend(b"WAVEfmt ");
            header.extend(16u32.to_le_bytes());
            header.extend([1, 0, 2, 0]);
            header.extend(44_100u32.to_le_bytes());
            header.extend((4 * 44_100u32).to_le_bytes());
            header.extend([4, 0, 16, 0]);
            header.extend(b"data");
            header.extend((told_bytes as u32).to_le_bytes());
            let bytes = header.len() as u64 + data_bytes;
            let stream = WavStream::open(Sparse { header, bytes, position: 0 });
            stream.ok().flatten().expect("PCM").info.frames
        };
        let long = (1 << 32) + 16_000;
        assert_eq!(frames_of(long, long), Some(long / 4));
        assert_eq!(frames_of(16_000, 16_000), Some(4_000));
        // What else lies behind the audio is none of it.
        assert_eq!(frames_of(20_000, 16_000), Some(4_000));
    }

    #[test]
    fn a_stream_longer_than_the_size_left_open_is_audio_to_its_end() {
        let (header_bytes, present) = (44u64, (5u64 << 30) + 12);
        for size in [0x7FFF_F000u32, 0xFFFF_FF00, u32::MAX - 36, u32::MAX] {
            // What sox and ffmpeg have RIFF say: as much as the audio and the header, or as much as there can be.
            for riff in [size.saturating_add(36), u32::MAX] {
                let beyond_riff = (header_bytes + present).checked_sub(u64::from(riff) + 8);
                assert_eq!(data_bytes(size, None, present, beyond_riff), present, "{size:#x} in {riff:#x}");
            }
        }
    }

    #[test]
    fn a_size_that_fits_the_file_counts_although_it_looks_open() {
        let behind = 1u64 << 20;
        for size in [0x7FFF_F000u32, 0xFFFF_FF00] {
            let told = u64::from(size);
            assert_eq!(data_bytes(size, None, told + behind, Some(0)), told, "with chunks behind it");
            assert_eq!(data_bytes(size, None, told + (1 << 32) + behind, Some(1 << 32)), told + (1 << 32));
        }
        // Less than 4 GiB of audio, and more with its header: only RIFF's own size is modulo 2^32.
        assert_eq!(data_bytes(0xFFFF_FFF0, None, 0xFFFF_FFF0, Some(1 << 32)), 0xFFFF_FFF0);
    }
}
