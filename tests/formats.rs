//! What goes in comes out: every format against a reference, and every broken file to a clear error.

use std::io::Cursor;
use std::num::{NonZeroU8, NonZeroU32};
use std::path::{Path, PathBuf};

use halfspeed::io::{Decoder, SampleFormat, SourceInfo, Tag, WavWriter};
use halfspeed::{AudioBuffer, Error};
use vorbis_rs::VorbisEncoderBuilder;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn decode(path: &Path) -> Result<(SourceInfo, AudioBuffer), Error> {
    let mut decoder = Decoder::open(path)?;
    let mut all = AudioBuffer::new(decoder.info().sample_rate_hz);
    let mut block = AudioBuffer::default();
    while decoder.next_block(&mut block)? {
        assert!(!block.is_empty());
        all.extend(block.left(), block.right());
    }
    assert!(block.is_empty());
    assert!(!decoder.next_block(&mut block)?, "the end stays the end");
    Ok((decoder.info().clone(), all))
}

/// Decodes bytes as a file of some name.
fn decode_bytes(bytes: &[u8], name: &str) -> Result<(SourceInfo, AudioBuffer), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    decode(&path)
}

fn message(result: Result<(SourceInfo, AudioBuffer), Error>) -> String {
    result.expect_err("this file should be refused").to_string()
}

/// A 16-bit fixture by way of hound, which knows nothing of halfspeed.
fn reference(name: &str) -> AudioBuffer {
    let mut reader = hound::WavReader::open(fixture(name)).unwrap();
    let mut audio = AudioBuffer::new(reader.spec().sample_rate);
    let samples: Vec<f32> = reader.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect();
    samples.chunks_exact(2).for_each(|frame| audio.push(frame[0], frame[1]));
    audio
}

/// Integers of a few bits that reach both ends of the range, left and right different.
fn integers(bits: u32, frames: usize) -> (Vec<i32>, Vec<i32>) {
    let (low, high) = (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1);
    let mut state = 12_345u64;
    let mut next = |frame: usize| match frame {
        0 => low as i32,
        1 => high as i32,
        _ => {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as i64 % (high + 1)) as i32 * if state & 1 == 0 { 1 } else { -1 }
        }
    };
    (0..frames).map(|frame| (next(frame), next(frame))).unzip()
}

fn write(format: SampleFormat, frames: usize) -> (Vec<u8>, AudioBuffer) {
    let mut writer = WavWriter::create(Cursor::new(Vec::new()), 48_000, format).unwrap();
    let mut audio = AudioBuffer::new(48_000);
    let bits = format.bits().min(24);
    let (left, right) = integers(bits, frames);
    let scale = (1u32 << (bits - 1)) as f32;
    for (left, right) in left.iter().zip(&right) {
        audio.push(*left as f32 / scale, *right as f32 / scale);
    }
    // In two parts, so that appending is tested too.
    let cut = frames / 3;
    for part in [0..cut, cut..frames] {
        if format == SampleFormat::Float32 {
            writer.write_float(&audio.left()[part.clone()], &audio.right()[part]).unwrap();
        } else {
            writer.write_int(&left[part.clone()], &right[part]).unwrap();
        }
    }
    (writer.finish().unwrap().into_inner(), audio)
}

const FORMATS: [SampleFormat; 3] = [SampleFormat::Int16, SampleFormat::Int24, SampleFormat::Float32];

#[test]
fn written_files_come_back_bit_for_bit() {
    for format in FORMATS {
        for frames in [1, 2, 8_192, 20_001] {
            let (bytes, audio) = write(format, frames);
            let (info, read) = decode_bytes(&bytes, "a.wav").unwrap();
            assert_eq!(read, audio, "{format}");
            assert_eq!((info.format.as_str(), info.sample_rate_hz, info.channels), ("WAV", 48_000, 2));
            assert_eq!((info.bits, info.float), (Some(format.bits()), format == SampleFormat::Float32));
            assert_eq!((info.lossy, info.frames), (false, Some(frames as u64)));
        }
    }
}

#[test]
fn hound_reads_what_is_written() {
    for format in FORMATS {
        let (bytes, audio) = write(format, 5_000);
        let mut reader = hound::WavReader::new(Cursor::new(bytes)).unwrap();
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate, u32::from(spec.bits_per_sample)), (2, 48_000, format.bits()));
        let samples: Vec<f32> = if format == SampleFormat::Float32 {
            reader.samples::<f32>().map(Result::unwrap).collect()
        } else {
            let scale = (1u32 << (format.bits() - 1)) as f32;
            reader.samples::<i32>().map(|sample| sample.unwrap() as f32 / scale).collect()
        };
        let interleaved: Vec<f32> = audio.left().iter().zip(audio.right()).flat_map(|(l, r)| [*l, *r]).collect();
        assert_eq!(samples, interleaved, "{format}");
    }
}

#[test]
fn the_same_audio_gives_the_same_bytes() {
    for format in FORMATS {
        assert_eq!(write(format, 999).0, write(format, 999).0);
    }
}

#[test]
fn integers_beyond_the_range_are_held_at_its_end() {
    let mut writer = WavWriter::create(Cursor::new(Vec::new()), 48_000, SampleFormat::Int16).unwrap();
    writer.write_int(&[40_000, i32::MIN], &[i32::MAX, -40_000]).unwrap();
    let (_, audio) = decode_bytes(&writer.finish().unwrap().into_inner(), "a.wav").unwrap();
    assert_eq!(audio.left(), [32_767.0 / 32_768.0, -1.0]);
    assert_eq!(audio.right(), [32_767.0 / 32_768.0, -1.0]);
}

#[test]
fn files_that_hound_writes_are_read_exactly() {
    for channels in [1u16, 2] {
        for bits in [8u16, 16, 24, 32] {
            let (left, right) = integers(u32::from(bits), 3_001);
            let spec = hound::WavSpec {
                channels,
                sample_rate: 96_000,
                bits_per_sample: bits,
                sample_format: hound::SampleFormat::Int,
            };
            let mut file = Cursor::new(Vec::new());
            let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
            for (left, right) in left.iter().zip(&right) {
                writer.write_sample(*left).unwrap();
                if channels == 2 {
                    writer.write_sample(*right).unwrap();
                }
            }
            writer.finalize().unwrap();
            let (info, audio) = decode_bytes(file.get_ref(), "a.wav").unwrap();
            assert_eq!((info.channels, info.bits, info.float), (u32::from(channels), Some(u32::from(bits)), false));
            let value = |sample: &i32| (f64::from(*sample) / f64::from(bits - 1).exp2()) as f32;
            assert_eq!(audio.left(), left.iter().map(value).collect::<Vec<_>>(), "{bits} bits");
            let second = if channels == 2 { &right } else { &left };
            assert_eq!(audio.right(), second.iter().map(value).collect::<Vec<_>>(), "{bits} bits");
        }
    }
}

#[test]
fn float_files_that_hound_writes_are_read_exactly() {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let values = [0.0f32, -0.0, 1.5, -3.25, f32::MIN_POSITIVE, 1e-42, 0.1, -0.999_999_9];
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    values.iter().for_each(|value| writer.write_sample(*value).unwrap());
    writer.finalize().unwrap();
    let (info, audio) = decode_bytes(file.get_ref(), "a.wav").unwrap();
    assert_eq!((info.bits, info.float), (Some(32), true));
    let read: Vec<_> = audio.left().iter().zip(audio.right()).flat_map(|(l, r)| [l.to_bits(), r.to_bits()]).collect();
    assert_eq!(read, values.map(f32::to_bits));
}

/// A WAV of hand-made chunks. The RIFF size fits.
fn wav(magic: &[u8; 4], chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (name, content) in chunks {
        body.extend(*name);
        body.extend((content.len() as u32).to_le_bytes());
        body.extend(*content);
        body.extend(vec![0; content.len() & 1]);
    }
    [&magic[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}

fn fmt(tag: u16, channels: u16, rate_hz: u32, frame_bytes: u16, bits: u16) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(tag.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(rate_hz.to_le_bytes());
    out.extend((rate_hz * u32::from(frame_bytes)).to_le_bytes());
    out.extend(frame_bytes.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out
}

/// `fmt ` of WAVE_FORMAT_EXTENSIBLE with integer PCM.
fn extensible(channels: u16, frame_bytes: u16, bits: u16, valid_bits: u16) -> Vec<u8> {
    let mut out = fmt(0xFFFE, channels, 48_000, frame_bytes, bits);
    out.extend([22, 0]);
    out.extend(valid_bits.to_le_bytes());
    out.extend([3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
    out
}

#[test]
fn chunks_may_come_in_any_order_with_odd_sizes() {
    let audio = [0, 0x40, 0, 0xC0];
    let file = wav(
        b"RIFF",
        &[
            (b"LIST", b"odd"),
            (b"fmt ", &fmt(1, 2, 48_000, 4, 16)),
            (b"bext", &[7; 31]),
            (b"data", &audio),
            (b"id3 ", b"x"),
        ],
    );
    let (_, read) = decode_bytes(&file, "a.wav").unwrap();
    assert_eq!((read.left(), read.right()), (&[0.5][..], &[-0.5][..]));
}

#[test]
fn twenty_four_bits_in_four_bytes_are_read_from_either_side() {
    // The format's way: the upper three bytes, declared as 24 valid bits of 32.
    let upper = [0, 0, 0, 0x40, 0, 0, 0, 0xC0];
    for format in [extensible(2, 8, 32, 24), fmt(1, 2, 48_000, 8, 24)] {
        let (info, read) = decode_bytes(&wav(b"RIFF", &[(b"fmt ", &format), (b"data", &upper)]), "a.wav").unwrap();
        assert_eq!((read.left(), read.right()), (&[0.5][..], &[-0.5][..]));
        assert_eq!(info.bits, Some(24));
    }
    // The other way that exists: the lower three, sign in the fourth.
    let lower = [1, 0, 0x40, 0, 0, 0, 0xC0, 0xFF];
    let file = wav(b"RIFF", &[(b"fmt ", &fmt(1, 2, 48_000, 8, 24)), (b"data", &lower)]);
    let (_, read) = decode_bytes(&file, "a.wav").unwrap();
    assert_eq!((read.left(), read.right()), (&[0.5 + 1.0 / 8_388_608.0][..], &[-0.5][..]));
    // Behind ever so much silence.
    let silent = vec![0; 1 << 20];
    let file = wav(b"RIFF", &[(b"fmt ", &fmt(1, 2, 48_000, 8, 24)), (b"data", &[&silent[..], &lower].concat())]);
    let (_, read) = decode_bytes(&file, "a.wav").unwrap();
    assert_eq!((read.left().last(), read.right().last()), (Some(&(0.5 + 1.0 / 8_388_608.0)), Some(&-0.5)));
}

#[test]
fn sixty_four_bit_float_is_read() {
    let data: Vec<u8> = [0.25f64, -1.75].iter().flat_map(|value| value.to_le_bytes()).collect();
    let file = wav(b"RIFF", &[(b"fmt ", &fmt(3, 1, 48_000, 8, 64)), (b"data", &data)]);
    let (info, read) = decode_bytes(&file, "a.wav").unwrap();
    assert_eq!((read.left(), read.right()), (&[0.25, -1.75][..], &[0.25, -1.75][..]));
    assert_eq!((info.bits, info.float, info.channels), (Some(64), true, 1));
}

/// RF64 or BW64 around two frames of 16-bit stereo.
fn long_wav(magic: &[u8; 4], data_bytes: u64, data: &[u8]) -> Vec<u8> {
    let mut ds64 = vec![0; 28];
    ds64[8..16].copy_from_slice(&data_bytes.to_le_bytes());
    let mut file = wav(magic, &[(b"ds64", &ds64), (b"fmt ", &fmt(1, 2, 48_000, 4, 16)), (b"data", data)]);
    file[4..8].fill(0xFF);
    let size = file.len() - data.len() - 4;
    file[size..size + 4].fill(0xFF);
    file
}

#[test]
fn rf64_and_bw64_take_their_length_from_ds64() {
    let data = [0, 0x40, 0, 0xC0, 0, 0x20, 0, 0xE0];
    for magic in [b"RF64", b"BW64"] {
        // A length of 0 comes from a writer that was cut off or streams: then all of it counts.
        for (claim, frames) in [(8, 2), (4, 1), (0, 2), (u64::MAX, 2)] {
            let (info, read) = decode_bytes(&long_wav(magic, claim, &data), "a.wav").unwrap();
            assert_eq!(info.format.as_bytes(), magic);
            assert_eq!((read.frames(), info.frames), (frames, Some(frames as u64)));
        }
        let error = message(decode_bytes(&long_wav(magic, 5 << 30, &data), "a.wav"));
        assert!(error.contains("ends after 2 of 1342177280 frames"), "{error}");
    }
}

#[test]
fn lengths_that_a_streaming_writer_left_open_mean_all_there_is() {
    let data = [0, 0x40, 0, 0xC0, 0, 0x20, 0, 0xE0];
    let file = wav(b"RIFF", &[(b"fmt ", &fmt(1, 2, 48_000, 4, 16)), (b"data", &data)]);
    for size in [0u32, u32::MAX, u32::MAX - 36, 0x7FFF_F000] {
        let mut open = file.clone();
        open[4..8].copy_from_slice(&size.to_le_bytes());
        let at = open.len() - data.len() - 4;
        open[at..at + 4].copy_from_slice(&size.to_le_bytes());
        assert_eq!(decode_bytes(&open, "a.wav").unwrap().1.frames(), 2, "{size:#x}");
    }
}

#[test]
fn a_frame_size_that_is_left_out_follows_from_the_bits() {
    let data = [0, 0x40, 0, 0xC0, 0, 0x20, 0, 0xE0];
    let file = wav(b"RIFF", &[(b"fmt ", &fmt(1, 2, 48_000, 0, 16)), (b"data", &data)]);
    let (_, read) = decode_bytes(&file, "a.wav").unwrap();
    assert_eq!((read.left(), read.right()), (&[0.5, 0.25][..], &[-0.5, -0.25][..]));
}

#[test]
fn a_caf_that_leaves_its_length_open_is_read_to_its_end() {
    let mut bytes = std::fs::read(fixture("caf.caf")).unwrap();
    let size = bytes.windows(4).position(|four| four == b"data").unwrap() + 4;
    bytes[size..size + 8].fill(0xFF);
    let (info, audio) = decode_bytes(&bytes, "a.caf").unwrap();
    assert_eq!(info.frames, Some(7_001));
    assert!(audio == reference("signal.wav"));
}

#[test]
fn lossless_formats_equal_the_reference_bit_for_bit() {
    let want = reference("signal.wav");
    let files = [
        ("signal.wav", "WAV"),
        ("flac.flac", "FLAC"),
        ("flac.oga", "FLAC"),
        ("alac.m4a", "ALAC"),
        ("aiff.aiff", "AIFF"),
        ("caf.caf", "CAF"),
        ("rf64.wav", "RF64"),
    ];
    for (name, format) in files {
        let (info, audio) = decode(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(info.format, format, "{name}");
        assert_eq!((info.bits, info.float, info.lossy, info.channels), (Some(16), false, false, 2), "{name}");
        assert_eq!(info.frames, Some(7_001), "{name}");
        assert!(audio == want, "{name} differs");
    }
    for (name, format) in [("mono.flac", "FLAC"), ("float.aifc", "AIFF")] {
        let (info, audio) = decode(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((info.format.as_str(), info.channels, info.float), (format, 1, name == "float.aifc"), "{name}");
        assert_eq!(info.bits, Some(if info.float { 32 } else { 16 }), "{name}");
        assert!(audio.left() == want.left() && audio.right() == want.left(), "{name} differs");
    }
}

/// The shift of `audio` against `want`, in frames, at which they are most alike.
fn lag(audio: &[f32], want: &[f32]) -> i64 {
    let likeness = |lag: &i64| {
        let pairs = want.iter().enumerate().filter_map(|(frame, want)| {
            let at = usize::try_from(frame as i64 + lag).ok()?;
            Some(f64::from(*want) * f64::from(*audio.get(at)?))
        });
        pairs.sum::<f64>()
    };
    (-2_500..=2_500).max_by(|a, b| likeness(a).total_cmp(&likeness(b))).unwrap()
}

/// Signal to error in dB, at no shift.
fn snr_db(audio: &[f32], want: &[f32]) -> f64 {
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    let error = power(&mut audio.iter().zip(want).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    10.0 * (power(&mut want.iter().map(|x| f64::from(*x))) / error).log10()
}

#[test]
fn lossy_formats_keep_length_and_place() {
    for (name, format, source, min_snr_db) in [
        ("lame.mp3", "MP3", "signal.wav", 20.0),
        ("id3v1.mp3", "MP3", "signal.wav", 15.0),
        ("mono.mp3", "MP3", "signal.wav", 20.0),
        ("vorbis.ogg", "Vorbis", "signal.wav", 10.0),
        ("opus.opus", "Opus", "signal48.wav", 10.0),
        ("mono.opus", "Opus", "signal48.wav", 10.0),
        ("aac.m4a", "AAC", "signal.wav", 15.0),
        ("mulaw.wav", "WAV", "signal.wav", 30.0),
    ] {
        let want = reference(source);
        let (info, audio) = decode(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((info.format.as_str(), info.lossy, info.bits), (format, true, None), "{name}");
        assert_eq!(info.sample_rate_hz, want.sample_rate_hz(), "{name}");
        assert_eq!(audio.frames(), want.frames(), "{name}");
        assert_eq!(lag(audio.left(), want.left()), 0, "{name}");
        let snr_db = snr_db(audio.left(), want.left());
        assert!(snr_db > min_snr_db, "{name}: {snr_db} dB");
        if info.channels == 1 {
            assert_eq!(audio.left(), audio.right(), "{name}");
        } else {
            assert_eq!(lag(audio.right(), want.right()), 0, "{name}");
        }
    }
}

#[test]
fn files_that_state_no_delay_keep_it() {
    let want = reference("signal.wav");
    for (name, delay) in [("bare.mp3", 1_105), ("adts.aac", 1_024), ("adpcm.wav", 0)] {
        let (_, audio) = decode(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(lag(audio.left(), want.left()), delay, "{name}");
        assert!(audio.frames() >= want.frames() + delay as usize, "{name}");
    }
}

/// An Ogg file with each page changed, and summed again: over all of it with the sum itself at 0 (RFC 3533, section 6).
fn with_pages(bytes: &[u8], mut change: impl FnMut(&mut [u8])) -> Vec<u8> {
    let (mut changed, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let segments = usize::from(rest[26]);
        let body: usize = rest[27..27 + segments].iter().map(|&bytes| usize::from(bytes)).sum();
        let (page, behind) = rest.split_at(27 + segments + body);
        let mut page = page.to_vec();
        change(&mut page);
        page[22..26].fill(0);
        let sum = page.iter().fold(0u32, |sum, &byte| {
            (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| sum << 1 ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 })
        });
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        changed.extend(page);
        rest = behind;
    }
    changed
}

/// An Ogg file as a recording of a broadcast has it: its positions go on from so many frames.
fn begun_before(bytes: &[u8], frames: i64) -> Vec<u8> {
    with_pages(bytes, |page| {
        let position = i64::from_le_bytes(page[6..14].try_into().unwrap());
        // Headers are at 0, and at -1 is a page on which no packet ends.
        if position > 0 {
            page[6..14].copy_from_slice(&(position + frames).to_le_bytes());
        }
    })
}

/// An Ogg file whose last page is made two. So many packets go to the first, and end at a position.
fn with_last_page_cut(bytes: &[u8], packets: usize, position: i64) -> Vec<u8> {
    let start = bytes.windows(4).rposition(|window| window == b"OggS").unwrap();
    let (before, page) = bytes.split_at(start);
    let (mut first, mut second) = (page[..27].to_vec(), page[..27].to_vec());
    let segments = usize::from(page[26]);
    let (table, body) = page[27..].split_at(segments);
    // A segment of less than 255 bytes ends a packet.
    let cut = 1 + (0..segments).filter(|&segment| table[segment] < 255).nth(packets - 1).unwrap();
    let cut_bytes: usize = table[..cut].iter().map(|&bytes| usize::from(bytes)).sum();
    let ((first_table, second_table), (first_body, second_body)) = (table.split_at(cut), body.split_at(cut_bytes));
    first[5] = 0;
    first[6..14].copy_from_slice(&position.to_le_bytes());
    first[26] = first_table.len() as u8;
    second[18] += 1;
    second[26] = second_table.len() as u8;
    let parts = [before, &first, first_table, first_body, &second, second_table, second_body];
    with_pages(&parts.concat(), |_| {})
}

#[test]
fn a_recording_that_counts_from_elsewhere_is_whole() {
    let (left, right) = integers(16, 2 * 44_100);
    let samples = [left, right].map(|channel| channel.iter().map(|&x| x as f32 / 65_536.0).collect::<Vec<f32>>());
    let (rate, channels) = (NonZeroU32::new(44_100).unwrap(), NonZeroU8::new(2).unwrap());
    let mut encoder = VorbisEncoderBuilder::new_with_serial(rate, channels, Vec::new(), 1).build().unwrap();
    encoder.encode_audio_block(&samples).unwrap();
    let vorbis = encoder.finish().unwrap();
    let opus = std::fs::read(fixture("opus.opus")).unwrap();
    // Half of its packets, 20 ms each.
    let opus_in_two = with_last_page_cut(&opus, 4, 4 * 960);
    for (bytes, name) in [(vorbis, "a.ogg"), (opus_in_two, "a.opus")] {
        let (want_info, want) = decode_bytes(&bytes, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let moved = begun_before(&bytes, 480_000);
        let (info, audio) = decode_bytes(&moved, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(info.frames, want_info.frames, "{name}");
        assert!(audio == want, "{name}: {} instead of {} frames", audio.frames(), want.frames());
    }
    assert!(
        decode_bytes(&with_last_page_cut(&opus, 4, 4 * 960), "a").unwrap().1 == decode_bytes(&opus, "a").unwrap().1
    );
}

#[test]
fn opus_streams_in_a_row_are_not_cut_to_the_first() {
    let [stereo, mono] = ["opus.opus", "mono.opus"].map(|name| std::fs::read(fixture(name)).unwrap());
    for second in [&stereo, &mono] {
        let error = message(decode_bytes(&[&stereo[..], second].concat(), "a.opus"));
        assert!(error.contains("several streams") && error.contains("split it"), "{error}");
    }
    let tagged = [&stereo[..], b"TAG behind it"].concat();
    assert!(decode_bytes(&tagged, "a.opus").unwrap().1 == decode_bytes(&stereo, "a.opus").unwrap().1);
}

#[test]
fn joined_mp3_files_are_read_to_their_end() {
    let one = std::fs::read(fixture("lame.mp3")).unwrap();
    let (_, alone) = decode_bytes(&one, "a.mp3").unwrap();
    let (_, joined) = decode_bytes(&one.repeat(2), "a.mp3").unwrap();
    assert!(joined.left().starts_with(alone.left()) && joined.right().starts_with(alone.right()));
    // What its encoder put before it, the second file keeps: nothing says any more how much that is.
    let second = &joined.left()[alone.frames() + 1_105..][..alone.frames()];
    let off = second.iter().zip(alone.left()).fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs()));
    assert!(off < 1e-6, "{off}");
}

#[test]
fn a_last_page_without_its_mark_is_the_last_all_the_same() {
    for name in ["vorbis.ogg", "opus.opus"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let (_, want) = decode_bytes(&bytes, name).unwrap();
        let bytes = with_pages(&bytes, |page| page[5] &= !4);
        let (_, audio) = decode_bytes(&bytes, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(audio.frames().abs_diff(want.frames()) < 1024, "{name}: {} {}", audio.frames(), want.frames());
    }
}

#[test]
fn an_mp3_without_a_header_is_read_to_its_end() {
    let dense = std::fs::read(fixture("bare.mp3")).unwrap();
    let (_, alone) = decode_bytes(&dense, "dense.mp3").unwrap();
    // Empty frames of 32 kbit/s: MPEG 1, layer III, 44.1 kHz, stereo (ISO/IEC 11172-3, 2.4.1.3). The length that the first frames
    // would have the file have at 128 kbit/s is far less.
    let mut empty = vec![0xFF, 0xFB, 0x10, 0x00];
    empty.resize(104, 0);
    let (_, audio) = decode_bytes(&[dense, empty.repeat(400)].concat(), "variable.mp3").unwrap();
    assert_eq!(audio.frames(), alone.frames() + 400 * 1152);
}

#[test]
fn the_name_of_a_file_does_not_matter() {
    let bytes = std::fs::read(fixture("flac.flac")).unwrap();
    assert_eq!(decode_bytes(&bytes, "song.mp3").unwrap().0.format, "FLAC");
    let bytes = std::fs::read(fixture("opus.opus")).unwrap();
    assert_eq!(decode_bytes(&bytes, "song.wav").unwrap().0.format, "Opus");
}

#[test]
fn more_than_two_channels_are_refused_with_their_count() {
    let six = wav(b"RIFF", &[(b"fmt ", &fmt(1, 6, 48_000, 12, 16)), (b"data", &[0; 24])]);
    let errors = [
        message(decode(&fixture("surround.flac"))),
        message(decode(&fixture("surround.opus"))),
        message(decode_bytes(&six, "a.wav")),
    ];
    for error in errors {
        assert!(error.contains("6 channels") && error.contains("fold it down"), "{error}");
    }
}

#[test]
fn he_aac_is_refused_by_name() {
    let mut bytes = std::fs::read(fixture("aac.m4a")).unwrap();
    // The decoder configuration of AAC-LC at 44.1 kHz, made to say SBR (object type 5).
    let config = bytes.windows(4).position(|four| four == [0x05, 0x80, 0x80, 0x80]).unwrap() + 5;
    assert_eq!(bytes[config] >> 3, 2);
    bytes[config] = 5 << 3 | bytes[config] & 7;
    let error = message(decode_bytes(&bytes, "a.m4a"));
    assert!(error.contains("HE-AAC") && error.contains("convert it"), "{error}");
}

#[test]
fn sample_rates_outside_the_range_are_refused() {
    for rate_hz in [0, 1, 7_999, 384_001, u32::MAX / 4] {
        let file = wav(b"RIFF", &[(b"fmt ", &fmt(1, 2, rate_hz, 4, 16)), (b"data", &[0; 8])]);
        let error = message(decode_bytes(&file, "a.wav"));
        assert!(error.contains(&format!("{rate_hz} Hz")) && error.contains("convert it"), "{error}");
    }
    for rate_hz in [8_000, 384_000] {
        let file = wav(b"RIFF", &[(b"fmt ", &fmt(1, 2, rate_hz, 4, 16)), (b"data", &[0; 8])]);
        assert_eq!(decode_bytes(&file, "a.wav").unwrap().1.frames(), 2);
    }
}

#[test]
fn what_is_no_audio_is_refused_with_what_it_is() {
    let text = b"Dear mastering engineer, the mix is in the other file.\n".repeat(40);
    let no_audio = wav(b"RIFF", &[(b"fmt ", &fmt(1, 2, 48_000, 4, 16)), (b"data", b"")]);
    let no_format = wav(b"RIFF", &[(b"data", &[0; 8])]);
    for (bytes, part) in [
        (&b""[..], "is empty"),
        (b"R", "it is text"),
        (&text, "it is text"),
        (b"\0\0\0\0\x01\x02", "no known audio format"),
        (b"wvpk-something", "WavPack"),
        (b"RIFF\x24\0\0\0AVI LIST", "it is AVI"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "it is WebP"),
        (b"RIFF\x24\0\0\0ACONanih", "no known audio format"),
        (&no_audio, "0 frames"),
        (&no_format, "without a format description"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "ends before its audio begins"),
        (b"fLaC\0\0\0\x22", "ends early"),
    ] {
        let error = message(decode_bytes(bytes, "a.wav"));
        assert!(error.contains(part), "{error}");
        assert!(error.contains("a.wav"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(message(decode(folder.path())).contains("it is a folder"));
    assert!(matches!(decode(&folder.path().join("none.wav")), Err(Error::Read { .. })));
}

#[test]
fn a_codec_that_is_not_supported_is_no_damage() {
    let coded =
        |tag| wav(b"RIFF", &[(b"fmt ", &[&fmt(tag, 1, 16_000, 1, 8)[..], &[0; 2]].concat()), (b"data", &[0; 80])]);
    // Mono, 10 packets, 16 bits, 44.1 kHz in 80 bits, IMA4 without a name; then as many packets.
    let common = b"\0\x01\0\0\0\x0A\0\x10\x40\x0E\xAC\x44\0\0\0\0\0\0ima4\0\0";
    let chunks = [b"AIFCCOMM\0\0\0\x18".as_slice(), common, b"SSND\0\0\x01\x5C", &[0; 348]].concat();
    let aifc = [b"FORM".as_slice(), &(chunks.len() as u32).to_be_bytes(), &chunks].concat();
    let vorbis = std::fs::read(fixture("vorbis.ogg")).unwrap();
    let mut is_first = true;
    let speex = with_pages(&vorbis, |page| {
        if std::mem::take(&mut is_first) {
            page[28..36].copy_from_slice(b"Speex   ");
        }
    });
    let [g722, gsm, mp3, wma] = [0x028F, 0x31, 0x55, 0x161].map(coded);
    for (bytes, name) in
        [(g722, "g722.wav"), (gsm, "gsm.wav"), (mp3, "mp3.wav"), (wma, "wma.wav"), (aifc, "a.aifc"), (speex, "a.spx")]
    {
        match decode_bytes(&bytes, name) {
            Err(Error::Format { reason, .. }) => {
                assert!(reason.contains("codec is not supported") && reason.contains("convert it"), "{name}: {reason}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    // What lacks a part is damaged all the same: a stream without its first page, or with that alone.
    let pages: Vec<usize> = (0..vorbis.len()).filter(|&at| vorbis[at..].starts_with(b"OggS")).collect();
    for bytes in [&vorbis[pages[1]..], &vorbis[..pages[1]]] {
        assert!(matches!(decode_bytes(bytes, "a.ogg"), Err(Error::Damaged { .. })));
    }
}

#[test]
fn a_header_that_makes_no_sense_is_told_with_a_remedy() {
    let no_format = wav(b"RIFF", &[(b"data", &[0; 8])]);
    let short_format = wav(b"RIFF", &[(b"fmt ", &fmt(1, 2, 48_000, 4, 16)[..14]), (b"data", &[0; 8])]);
    let odd_frames = wav(b"RIFF", &[(b"fmt ", &fmt(1, 2, 48_000, 3, 16)), (b"data", &[0; 8])]);
    let chunks = wav(b"RIFF", &vec![(b"note", &b""[..]); 10_000]);
    for (bytes, part) in [
        (no_format, "without a format description"),
        (short_format, "too short"),
        (odd_frames, "contradict each other"),
        (chunks, "more than 10000 chunks"),
    ] {
        let error = message(decode_bytes(&bytes, "a.wav"));
        assert!(error.contains(part) && error.contains("; export it again"), "{error}");
    }
}

#[test]
fn truncated_files_are_damaged_and_say_where() {
    for name in [
        "signal.wav",
        "rf64.wav",
        "flac.flac",
        "flac.oga",
        "lame.mp3",
        "vorbis.ogg",
        "opus.opus",
        "alac.m4a",
        "aac.m4a",
        "aiff.aiff",
        "caf.caf",
    ] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        match decode_bytes(&bytes[..bytes.len() / 2], name) {
            Err(Error::Damaged { at_s, reason, .. }) => {
                assert!((0.0..0.16).contains(&at_s), "{name}: {at_s}");
                assert!(reason.contains("copy"), "{name}: {reason}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    // What is there comes first.
    let bytes = std::fs::read(fixture("signal.wav")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.wav");
    std::fs::write(&path, &bytes[..bytes.len() - 4_000]).unwrap();
    let mut decoder = Decoder::open(&path).unwrap();
    let mut block = AudioBuffer::default();
    assert!(decoder.next_block(&mut block).unwrap());
    assert_eq!(block.frames(), 6_001);
    assert!(
        matches!(decoder.next_block(&mut block), Err(Error::Damaged { at_s, .. }) if (at_s - 6_001.0 / 44_100.0).abs() < 1e-9)
    );
    assert!(!decoder.next_block(&mut block).unwrap());
}

#[test]
fn damage_in_the_middle_is_not_passed_over() {
    let mut bytes = std::fs::read(fixture("flac.flac")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0x55);
    assert!(matches!(decode_bytes(&bytes, "a.flac"), Err(Error::Damaged { .. })));
}

#[test]
fn values_that_are_no_numbers_are_refused_with_their_time() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut samples = vec![0.25f32; 2 * 48_000];
        samples[2 * 36_000 + 1] = value;
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let file = wav(b"RIFF", &[(b"fmt ", &fmt(3, 2, 48_000, 8, 32)), (b"data", &data)]);
        let error = message(decode_bytes(&file, "a.wav"));
        assert!(error.contains("0.750 s") && error.contains("export it again"), "{error}");
    }
}

#[test]
fn a_level_beyond_single_precision_is_refused_as_a_level() {
    let data: Vec<u8> = [0.25f64, -1e300].iter().flat_map(|value| value.to_le_bytes()).collect();
    let file = wav(b"RIFF", &[(b"fmt ", &fmt(3, 1, 48_000, 8, 64)), (b"data", &data)]);
    let error = message(decode_bytes(&file, "a.wav"));
    assert!(error.contains("over full scale") && !error.contains("not a number"), "{error}");
}

#[test]
fn huge_claims_cost_nothing() {
    for at in [4, 16, 40] {
        let mut file = wav(b"RIFF", &[(b"fmt ", &fmt(1, 2, 48_000, 4, 16)), (b"data", &[0; 8])]);
        file[at..at + 4].copy_from_slice(&0x7FFF_FFF0u32.to_le_bytes());
        // Of the whole file, of the format's description, and of the audio.
        assert_eq!(decode_bytes(&file, "a.wav").is_ok(), at == 4, "{at}");
    }
    for frame_bytes in [0, 1, 3, 6, 7, 65_535] {
        let file = wav(b"RIFF", &[(b"fmt ", &fmt(1, 2, 48_000, frame_bytes, 16)), (b"data", &[0; 8])]);
        // 0 is left out, and no claim.
        assert!(matches!(frame_bytes, 0 | 6) || decode_bytes(&file, "a.wav").is_err(), "{frame_bytes}");
    }
}

#[test]
fn no_prefix_of_a_file_makes_it_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    for format in FORMATS {
        let (bytes, _) = write(format, 40);
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(decode(&path).is_err(), "{length} bytes of {format}");
        }
    }
}

#[test]
fn no_change_of_bytes_makes_it_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let mut state = 1u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (small, _) = write(SampleFormat::Int24, 40);
    for _ in 0..2_000 {
        let mut bytes = small.clone();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        std::fs::write(&path, &bytes).unwrap();
        let _ = decode(&path);
    }
    // Other people's decoders get their share; a panic of theirs must come out as an error.
    for name in ["flac.flac", "lame.mp3", "aac.m4a", "vorbis.ogg", "opus.opus", "alac.m4a", "adpcm.wav", "caf.caf"] {
        let original = std::fs::read(fixture(name)).unwrap();
        for _ in 0..100 {
            let mut bytes = original.clone();
            for _ in 0..=random(8) {
                // Half of the changes go to the header, where lengths are.
                let region = if random(2) == 0 { bytes.len().min(200) } else { bytes.len() };
                bytes[random(region)] = random(256) as u8;
            }
            std::fs::write(&path, &bytes).unwrap();
            let _ = decode(&path);
        }
    }
}

/// An ID3v2 tag of some frames.
fn id3v2(frames: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let frame = |(id, content): &(&[u8; 4], Vec<u8>)| {
        [&id[..], &(content.len() as u32).to_be_bytes(), &[0, 0], content].concat()
    };
    let frames = frames.iter().map(frame).collect::<Vec<_>>().concat();
    let synchsafe = [21, 14, 7, 0].map(|shift| (frames.len() >> shift & 0x7F) as u8);
    [&b"ID3\x03\0\0"[..], &synchsafe, &frames].concat()
}

/// One with a picture of some size.
fn id3v2_picture(bytes: usize) -> Vec<u8> {
    id3v2(&[(b"APIC", [&b"\0image/png\0\x03\0"[..], &vec![0xFF; bytes]].concat())])
}

#[test]
fn tags_around_an_mp3_do_no_harm() {
    let plain = std::fs::read(fixture("lame.mp3")).unwrap();
    let (_, want) = decode_bytes(&plain, "a.mp3").unwrap();
    let ape = [&b"APETAGEX\xD0\x07\0\0\x40\0\0\0\x01\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\0"[..], &[b'x'; 32]].concat();
    let id3v1 = [&b"TAG"[..], &[b' '; 125]].concat();
    let lyrics = b"LYRICSBEGININD0000200LYRICS200".to_vec();
    // What looks like the start of one more frame, cut off.
    let cut = plain[plain.len() - 500..plain.len() - 300].to_vec();
    for behind in [vec![], ape, id3v1, lyrics, cut, vec![0; 5_000], vec![0xFF; 5_000]] {
        for before in [vec![], id3v2_picture(100), id3v2_picture(3 << 20)] {
            let (_, audio) = decode_bytes(&[&before[..], &plain, &behind].concat(), "a.mp3").unwrap();
            assert!(audio == want, "{} bytes before, {} behind", before.len(), behind.len());
        }
    }
}

#[test]
fn what_is_said_of_the_music_is_read() {
    let list = b"INFOINAM\x05\0\0\0song\0\0IART\x04\0\0\0who\0";
    let (format, audio) = (fmt(1, 1, 48_000, 2, 16), [0, 0x40, 0, 0xC0]);
    let (before, behind) = (
        wav(b"RIFF", &[(b"fmt ", &format), (b"LIST", list), (b"data", &audio)]),
        wav(b"RIFF", &[(b"fmt ", &format), (b"data", &audio), (b"bext", &[1; 5]), (b"LIST", list)]),
    );
    // A list of another kind goes first, and one that promises more than there is goes last.
    let mut among = wav(b"RIFF", &[(b"fmt ", &format), (b"data", &audio), (b"LIST", b"adtl"), (b"LIST", list)]);
    among.extend(b"LIST\xFF\0\0\0INFO");
    for bytes in [before, behind, among] {
        let (SourceInfo { tags, frames, .. }, audio) = decode_bytes(&bytes, "a.wav").unwrap();
        assert_eq!(
            (tags.get(Tag::Title), tags.get(Tag::Artist), tags.get(Tag::Album)),
            (Some("song"), Some("who"), None)
        );
        assert_eq!((frames, audio.frames()), (Some(2), 2));
    }

    let mut bytes = std::fs::read(fixture("flac.flac")).unwrap();
    let texts = ["TITLE=Fr\u{fc}hling", "artist=who", "ALBUM=all", "TRACKNUMBER=3", "DATE=1999", "ISRC=XX0000000000"];
    let sized = |text: &str| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let texts = texts.map(sized).concat();
    let comments = [sized("nobody"), 6u32.to_le_bytes().to_vec(), texts].concat();
    let block = [&[0x84, 0, 0, comments.len() as u8][..], &comments].concat();
    let at = bytes.windows(4).position(|head| head == b"\x84\0\0\x28").expect("a last block of comments");
    drop(bytes.splice(at..at + 4 + 0x28, block));
    let (SourceInfo { tags, .. }, audio) = decode_bytes(&bytes, "a.flac").unwrap();
    assert!(audio == reference("signal.wav"));
    let told = [Tag::Title, Tag::Artist, Tag::Album, Tag::TrackNumber, Tag::Date].map(|id| tags.get(id));
    assert_eq!(told, ["Fr\u{fc}hling", "who", "all", "3", "1999"].map(Some));

    // iTunes notes levels and paddings as comments, for itself.
    let comment = |name: &str, text: &str| (b"COMM", [&b"\0eng"[..], name.as_bytes(), b"\0", text.as_bytes()].concat());
    let mp3 = std::fs::read(fixture("lame.mp3")).unwrap();
    let tag =
        id3v2(&[comment("iTunNORM", " 00000ABC 00000DEF"), comment("iTunSMPB", " 00000000"), comment("", "by hand")]);
    let (SourceInfo { tags, .. }, _) = decode_bytes(&[tag, mp3].concat(), "a.mp3").unwrap();
    assert_eq!(tags.get(Tag::Comment), Some("by hand"));

    assert_eq!(decode(&fixture("id3v1.mp3")).unwrap().0.tags.get(Tag::Artist), Some("halfspeed"));
}

#[test]
fn a_tag_before_a_flac_does_no_harm() {
    let plain = std::fs::read(fixture("flac.flac")).unwrap();
    for picture_bytes in [100, 3 << 20] {
        let (_, audio) = decode_bytes(&[id3v2_picture(picture_bytes), plain.clone()].concat(), "a.flac").unwrap();
        assert!(audio == reference("signal.wav"), "{picture_bytes}");
    }
}
