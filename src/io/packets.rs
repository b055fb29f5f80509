//! FLAC, MP3, AAC, ALAC, Vorbis, AIFF, CAF and the rarer WAV codecs through Symphonia.

use std::fs::File;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known as id;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::{Metadata, MetadataOptions, StandardTag};
use symphonia::core::units::Duration;

use super::caf::{CompletedFile, missing_size};
use super::mp4::{Edit, find_edit};
use super::ogg::require_end;
use super::wav::is_wav;
use super::{BLOCK_FRAMES, Fault, Stream, StreamInfo, Tag, Tags, several_streams, too_many_channels};
use crate::audio::AudioBuffer;

/// What ffmpeg's CAF counts too much of ALAC: its last packet as a full one.
const ALAC_SLACK_FRAMES: u64 = 4_096;
/// MP3 encoders disagree by a frame or two on how many frames their header counts.
const MP3_SLACK_FRAMES: u64 = 2 * 1_152;
/// The core of HE-AAC has so low a rate, and so have a few speech files. Which of both a stream is often stands only in the
/// packets themselves; to take the core for the whole would lose all treble without a word.
const HE_AAC_CORE_MAX_HZ: u32 = 24_000;

/// A file that Symphonia reads, one packet at a time.
pub(super) struct PacketStream {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track_id: u32,
    codec: AudioCodecId,
    info: StreamInfo,
    /// Frames that the decoder has yet to produce before the audio begins.
    skip: u64,
    /// Frames of audio still to come; what follows is padding.
    take: u64,
    /// Frames that must come, or the file is cut off.
    owed: u64,
    /// Where the next packet should begin, in frames.
    next_start: Option<i64>,
    /// What an MP3 has beyond its stated length.
    beyond: Beyond,
    /// An MP3 error that is harmless if it is the last thing in the file (tags, a cut frame).
    pending: Option<Fault>,
    planes: Vec<Vec<f32>>,
}

impl PacketStream {
    /// Finds the format by content; `head` are the first bytes of the file.
    pub(super) fn open(mut file: File, head: &[u8]) -> Result<Self, Fault> {
        if head.starts_with(b"OggS") {
            require_end(&mut file)?;
        }
        if let Some(looks) = foreign(head) {
            return Err(unsupported(looks));
        }
        let mut again = file.try_clone()?;
        let missing = if head.starts_with(b"caff") { missing_size(&mut file)? } else { None };
        let source: Box<dyn MediaSource> = match missing {
            Some(missing) => Box::new(CompletedFile { file, missing }),
            None => Box::new(file),
        };
        let source = MediaSourceStream::new(source, Default::default());
        let mut reader = symphonia::default::get_probe()
            .probe(&Hint::new(), source, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| unknown(head, error))?;
        let tags = tags_of(reader.metadata());
        let container = reader.format_info().short_name;
        let track = reader.default_track(TrackType::Audio).ok_or_else(|| {
            Fault::Format("there is no audio in it that halfspeed knows; convert it to WAV or FLAC first".into())
        })?;
        let params = track
            .codec_params
            .as_ref()
            .and_then(CodecParameters::audio)
            .ok_or_else(|| Fault::Format("its codec is not supported; convert it to WAV or FLAC first".into()))?;
        let channels = params.channels.as_ref().map_or(0, |channels| channels.count() as u32);
        if channels > 2 {
            return Err(too_many_channels(channels));
        }
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(params, &AudioDecoderOptions::default())
            .map_err(|error| no_decoder(params.codec, error))?;
        let (codec, track_id) = (params.codec, track.id);
        let known = decoder.codec_params();
        let rate_hz = known.sample_rate.or(params.sample_rate);
        let channels = known.channels.as_ref().map_or(channels, |channels| channels.count() as u32);
        let Some(rate_hz) = rate_hz.filter(|_| channels > 0) else {
            return Err(Fault::Damaged(
                "its header states no sample rate or no channels; get another copy, or convert it to WAV or FLAC first"
                    .into(),
            ));
        };
        if channels > 2 {
            return Err(too_many_channels(channels));
        }
        if codec == id::CODEC_ID_AAC && rate_hz <= HE_AAC_CORE_MAX_HZ {
            return Err(Fault::Content(format!(
                "it is AAC at {rate_hz} Hz, as the lower half of HE-AAC is, and can't be told from it; use the original, or \
                 convert it to WAV first"
            )));
        }
        let edit = if container == "isomp4" {
            // The copy of the handle shares its position with Symphonia's, which must not notice.
            let position = std::io::Seek::stream_position(&mut again)?;
            let edit = find_edit(&mut again, track_id, rate_hz)?;
            std::io::Seek::seek(&mut again, std::io::SeekFrom::Start(position))?;
            edit
        } else {
            None
        };
        let span = Span::of(codec, track, edit);
        let padding = u64::from(track.padding.unwrap_or(0));
        let beyond = Beyond::new(span.frames.filter(|_| container == "mp3").map(|frames| frames + padding), rate_hz);
        let info = StreamInfo { tags, ..describe(container, params, rate_hz, channels, span.frames) };
        Ok(Self {
            reader,
            decoder,
            track_id,
            codec,
            info,
            skip: span.skip,
            take: span.take,
            owed: span.owed,
            next_start: None,
            beyond,
            pending: None,
            planes: Vec::new(),
        })
    }

    /// Decodes one packet into the block. `false` at the end.
    fn packet(&mut self, block: &mut AudioBuffer) -> Result<bool, Fault> {
        let mut packet = match self.reader.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return self.end(),
            // Without the mark of the last page, Symphonia reads on; that the page is whole was made sure of.
            Err(SymphoniaError::IoError(error))
                if self.codec == id::CODEC_ID_VORBIS && error.kind() == std::io::ErrorKind::UnexpectedEof =>
            {
                return self.end();
            }
            Err(error) => return Err(fault(error)),
        };
        if packet.track_id != self.track_id {
            return Ok(true);
        }
        if let Some(fault) = self.pending.take() {
            return Err(fault);
        }
        if self.codec == id::CODEC_ID_MP3 && self.info.frames.is_none() {
            // The length is not told: Symphonia guesses it from a few packets, and cuts off what lies beyond.
            packet.trim_end = Duration::ZERO;
        }
        let start = packet.pts.get();
        let is_beyond = start >= self.beyond.from;
        if is_beyond {
            packet.trim_end = Duration::ZERO;
        }
        let audio = match self.decoder.decode(&packet) {
            Ok(audio) => audio,
            Err(error) if self.codec == id::CODEC_ID_MP3 => {
                self.pending = Some(fault(error));
                return Ok(true);
            }
            Err(error) => return Err(fault(error)),
        };
        if self.codec == id::CODEC_ID_FLAC && self.next_start.is_some_and(|expected| expected != start) {
            return Err(Fault::Damaged("a stretch of it is unreadable; get another copy".into()));
        }
        self.next_start = Some(start.saturating_add_unsigned(audio.frames() as u64));
        let (rate_hz, channels) = (audio.spec().rate(), audio.spec().channels().count() as u32);
        if (rate_hz, channels) != (self.info.sample_rate_hz, self.info.channels) {
            return Err(Fault::Damaged(format!(
                "its audio changes to {rate_hz} Hz with {channels} channels half-way; convert it to WAV first"
            )));
        }
        let place = if is_beyond && !self.beyond.is_read { &mut self.beyond.held } else { &mut *block };
        append(audio, &mut self.planes, &mut self.skip, &mut self.take, place);
        self.beyond.release(block);
        Ok(true)
    }

    /// The stream has ended: is that as it should be?
    fn end(&mut self) -> Result<bool, Fault> {
        if self.owed > 0 {
            return Err(Fault::Damaged(format!("the file ends {} frames early; get a complete copy", self.owed)));
        }
        if let Some(harmless) = self.pending.take() {
            log::debug!("ignored behind the last audio: {harmless:?}");
        }
        Ok(false)
    }
}

impl Stream for PacketStream {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn fill(&mut self, block: &mut AudioBuffer) -> Result<(), Fault> {
        while block.frames() < BLOCK_FRAMES {
            let before = block.frames();
            let more = self.packet(block)?;
            self.owed = self.owed.saturating_sub((block.frames() - before) as u64);
            if !more {
                break;
            }
        }
        Ok(())
    }
}

/// What an MP3 has beyond its stated length: a frame or two that its header did not count, or another file put behind it.
struct Beyond {
    /// Where that begins, in frames.
    from: i64,
    /// Audio that may be either.
    held: AudioBuffer,
    /// Whether it is another file: then all of it is read.
    is_read: bool,
}

impl Beyond {
    /// Behind an end in frames, padding included, if one is stated.
    fn new(end: Option<u64>, rate_hz: u32) -> Self {
        let from = end.and_then(|end| i64::try_from(end).ok()).unwrap_or(i64::MAX);
        Self { from, held: AudioBuffer::new(rate_hz), is_read: false }
    }

    /// Gives out what is held once it is too much to be of the file itself.
    fn release(&mut self, block: &mut AudioBuffer) {
        if self.held.frames() as u64 > MP3_SLACK_FRAMES {
            log::warn!("an MP3 goes on behind the end that it states, as joined files do: all of it is read");
            block.extend(self.held.left(), self.held.right());
            self.held.clear();
            self.is_read = true;
        }
    }
}

/// Which of the decoded frames are the audio.
struct Span {
    skip: u64,
    take: u64,
    owed: u64,
    frames: Option<u64>,
}

impl Span {
    fn of(codec: AudioCodecId, track: &Track, edit: Option<Edit>) -> Self {
        let stated = track.num_frames.filter(|&frames| frames > 0);
        if let Some(Edit { skip, take }) = edit {
            return Self { skip, take: take.unwrap_or(u64::MAX), owed: take.unwrap_or(0), frames: take };
        }
        match codec {
            // Symphonia trims these itself. Without a LAME header the length of an MP3 is a guess.
            id::CODEC_ID_MP3 => {
                let frames = stated.filter(|_| track.delay.is_some());
                let owed = frames.unwrap_or(0).saturating_sub(MP3_SLACK_FRAMES);
                Self { skip: 0, take: u64::MAX, owed, frames }
            }
            // Ogg states where the last frame lies. A recording of a broadcast goes on from the broadcast's count: its first frame is
            // where the first packet begins, behind what the decoder needs of that.
            id::CODEC_ID_VORBIS => {
                let first = track.start_ts.get().saturating_add(track.delay.map_or(0, i64::from)).max(0).unsigned_abs();
                let frames = stated.map(|end| end.saturating_sub(first));
                Self { skip: 0, take: u64::MAX, owed: frames.unwrap_or(0), frames }
            }
            // Nothing in ADTS says how long it is.
            id::CODEC_ID_AAC if track.delay.is_none() => Self { skip: 0, take: u64::MAX, owed: 0, frames: None },
            _ => Self {
                skip: track.delay.map_or(0, u64::from),
                take: stated.unwrap_or(u64::MAX),
                owed: stated.unwrap_or(0).saturating_sub(if codec == id::CODEC_ID_ALAC {
                    ALAC_SLACK_FRAMES
                } else {
                    0
                }),
                frames: stated,
            },
        }
    }
}

/// What a file says of its music. Of several descriptions the last one goes first: what stands at the end of an MP3 is read before what
/// stands at its start, and cuts texts short.
fn tags_of(mut metadata: Metadata<'_>) -> Tags {
    let mut tags = Tags::default();
    while let Some(revision) = metadata.current() {
        let mut newer = Tags::default();
        let of_tracks = revision.per_track.iter().flat_map(|track| &track.metadata.tags);
        for (tag, text) in revision.media.tags.iter().chain(of_tracks).filter_map(told) {
            newer.add(tag, &text);
        }
        newer.complete(tags);
        tags = newer;
        if metadata.pop().is_none() {
            break;
        }
    }
    tags
}

/// What a tag says of the music. What programs write to themselves into comments (iTunes: `iTunNORM`, `iTunSMPB`) is none of it.
fn told(tag: &symphonia::core::meta::Tag) -> Option<(Tag, String)> {
    let mut descriptions = tag.raw.sub_fields.iter().flatten().filter(|part| part.field == "SHORT_DESCRIPTION");
    if descriptions.any(|part| part.value.to_string().starts_with("iTun")) {
        return None;
    }
    let (tag, text) = match tag.std.as_ref()? {
        StandardTag::TrackTitle(text) => (Tag::Title, text.to_string()),
        StandardTag::Artist(text) => (Tag::Artist, text.to_string()),
        StandardTag::Album(text) => (Tag::Album, text.to_string()),
        StandardTag::TrackNumber(number) => (Tag::TrackNumber, number.to_string()),
        StandardTag::RecordingDate(text) | StandardTag::ReleaseDate(text) => (Tag::Date, text.to_string()),
        StandardTag::RecordingYear(year) | StandardTag::ReleaseYear(year) => (Tag::Date, year.to_string()),
        StandardTag::Genre(text) => (Tag::Genre, text.to_string()),
        StandardTag::Comment(text) => (Tag::Comment, text.to_string()),
        StandardTag::Copyright(text) => (Tag::Copyright, text.to_string()),
        _ => return None,
    };
    Some((tag, text))
}

/// Copies the audio part of a decoded packet to the block.
fn append(
    audio: GenericAudioBufferRef<'_>,
    planes: &mut Vec<Vec<f32>>,
    skip: &mut u64,
    take: &mut u64,
    block: &mut AudioBuffer,
) {
    let frames = audio.frames();
    let from = (*skip).min(frames as u64) as usize;
    let count = (*take).min((frames - from) as u64) as usize;
    *skip -= from as u64;
    *take -= count as u64;
    if count == 0 {
        return;
    }
    audio.copy_to_vecs_planar(planes);
    if let (Some(left), Some(right)) = (planes.first(), planes.last()) {
        block.extend(&left[from..from + count], &right[from..from + count]);
    }
}

fn describe(
    container: &str,
    params: &AudioCodecParameters,
    sample_rate_hz: u32,
    channels: u32,
    frames: Option<u64>,
) -> StreamInfo {
    let (format, lossy) = match params.codec {
        id::CODEC_ID_FLAC => ("FLAC", false),
        id::CODEC_ID_MP3 => ("MP3", true),
        id::CODEC_ID_AAC => ("AAC", true),
        id::CODEC_ID_ALAC => ("ALAC", false),
        id::CODEC_ID_VORBIS => ("Vorbis", true),
        codec => {
            let container = match container {
                "aiff" => "AIFF",
                "caf" => "CAF",
                "isomp4" => "MOV",
                _ => "WAV",
            };
            let name = codec_name(codec);
            (container, name.contains("adpcm") || name.contains("law"))
        }
    };
    let float_bits = match params.codec {
        id::CODEC_ID_PCM_F32LE | id::CODEC_ID_PCM_F32BE => Some(32),
        id::CODEC_ID_PCM_F64LE | id::CODEC_ID_PCM_F64BE => Some(64),
        _ => None,
    };
    let bits = match params.codec {
        // Byte 5 of ALAC's configuration; the container's own field is no use for more than 16 bits.
        id::CODEC_ID_ALAC => params
            .extra_data
            .as_deref()
            .and_then(|config| alac_configuration(config).get(5))
            .map(|&bits| u32::from(bits)),
        _ => float_bits.or(params.bits_per_coded_sample).or(params.bits_per_sample).filter(|_| !lossy),
    };
    let float = float_bits.is_some();
    StreamInfo { format, sample_rate_hz, channels, bits, float, lossy, frames, tags: Tags::default() }
}

/// ALAC's configuration, without the two atoms that QuickTime and CAF may put before it.
fn alac_configuration(cookie: &[u8]) -> &[u8] {
    let (frma_bytes, alac_bytes) = (12, 12);
    if cookie.get(4..8) == Some(b"frma") { cookie.get(frma_bytes + alac_bytes..).unwrap_or(&[]) } else { cookie }
}

fn codec_name(codec: AudioCodecId) -> &'static str {
    symphonia::default::get_codecs().get_audio_decoder(codec).map_or("", |found| found.codec.info.short_name)
}

/// No reader has recognised the file.
fn unknown(head: &[u8], error: SymphoniaError) -> Fault {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let is_riff_wave = starts(b"RIFF") && is_wav(head);
    let known = starts(b"fLaC") || starts(b"OggS") || starts(b"FORM") || starts(b"caff") || is_riff_wave;
    if known || head.get(4..8) == Some(b"ftyp") {
        return match error {
            SymphoniaError::Unsupported(what) if !is_lack(what) => no_codec(what),
            // Its end is there: all of it was searched for a stream that is known.
            SymphoniaError::IoError(error)
                if starts(b"OggS") && !is_vorbis_or_flac(head) && error.kind() == std::io::ErrorKind::UnexpectedEof =>
            {
                no_codec("Ogg that begins with neither Vorbis, Opus nor FLAC")
            }
            SymphoniaError::IoError(error) => error.into(),
            other => Fault::Damaged(format!("its header can't be understood ({other}); get another copy")),
        };
    }
    if let SymphoniaError::IoError(error) = error
        && error.kind() != std::io::ErrorKind::UnexpectedEof
    {
        return Fault::Read(error);
    }
    let text = head.iter().all(|&byte| byte >= 0x20 && byte != 0x7F || matches!(byte, b'\t' | b'\n' | b'\r'));
    unsupported(if text { "it is text" } else { "its content is of no known audio format" })
}

/// Whether what Symphonia doesn't support is that something isn't there, as in a damaged file.
fn is_lack(what: &str) -> bool {
    ["missing", "not marked", "no suitable format reader"].iter().any(|words| what.contains(words))
}

/// Whether the first packet of an Ogg file, which lies behind the header of its page, is that of a codec that Symphonia decodes.
fn is_vorbis_or_flac(head: &[u8]) -> bool {
    head.get(28..).is_some_and(|packet| packet.starts_with(b"\x01vorbis") || packet.starts_with(b"\x7FFLAC"))
}

/// What a file is that no reader here is for, by how it begins. Asked first, since readers look for audio within other files.
fn foreign(head: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 11] = [
        (b"wvpk", "it is WavPack"),
        (b"MAC ", "it is Monkey's Audio"),
        (b"DSD ", "it is DSD"),
        (b"FRM8", "it is DSD"),
        (b"riff", "it is Wave64"),
        (&[0x30, 0x26, 0xB2, 0x75], "it is Windows Media"),
        (&[0x1A, 0x45, 0xDF, 0xA3], "it is Matroska or WebM"),
        (b"PK\x03\x04", "it is a ZIP archive"),
        (b"%PDF", "it is a PDF"),
        (b"\x7FELF", "it is a program"),
        (b"MZ", "it is a program"),
    ];
    // RIFF holds more than sound; what it does hold stands behind its size.
    match head.strip_prefix(b"RIFF").and_then(|rest| rest.get(4..8)) {
        Some(b"AVI ") => return Some("it is AVI"),
        Some(b"WEBP") => return Some("it is WebP"),
        _ => {}
    }
    KNOWN.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, looks)| *looks)
}

fn unsupported(looks: &str) -> Fault {
    Fault::Format(format!("{looks}; convert it to WAV, FLAC or AIFF first"))
}

fn no_decoder(codec: AudioCodecId, error: SymphoniaError) -> Fault {
    match error {
        SymphoniaError::Unsupported(_) if codec == id::CODEC_ID_AAC => he_aac(),
        SymphoniaError::Unsupported(what) => no_codec(what),
        other => fault(other),
    }
}

fn no_codec(what: &str) -> Fault {
    Fault::Format(format!("its codec is not supported ({what}); convert it to WAV or FLAC first"))
}

fn he_aac() -> Fault {
    Fault::Content(
        "it is HE-AAC (or another AAC than LC), which is not supported; use the original, or convert it to WAV first"
            .into(),
    )
}

fn fault(error: SymphoniaError) -> Fault {
    match error {
        SymphoniaError::IoError(error) => error.into(),
        SymphoniaError::ResetRequired => several_streams(),
        other => Fault::Damaged(format!("{other}; get another copy")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alac_is_configured_with_and_without_atoms() {
        let configuration = [0, 0, 16, 0, 0, 24, 40, 10];
        let atoms = *b"\0\0\0\x0cfrmaalac\0\0\0\x24alac\0\0\0\0";
        assert_eq!(alac_configuration(&configuration), configuration);
        assert_eq!(alac_configuration(&[&atoms[..], &configuration].concat()), configuration);
    }
}
