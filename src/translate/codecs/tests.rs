//! Streams are whole, in place and as the names say.

use super::*;
use crate::audio::AudioBuffer;
use crate::dsp::testing::Noise;
use crate::io::{SampleFormat, WavWriter};
use crate::source::measure_file;

/// Two seconds of chord and soft noise, with a click to tell time by.
fn programme(rate: u32) -> AudioBuffer {
    let mut noise = Noise(4);
    let mut block = AudioBuffer::new(rate);
    for n in 0..2 * rate as usize {
        let time = n as f64 / f64::from(rate);
        let chord =
            [220.0, 277.2, 329.6, 4_000.0].map(|hz: f64| (std::f64::consts::TAU * hz * time).sin()).iter().sum::<f64>();
        let x = 0.15 * chord + 0.02 * noise.next();
        block.push(x as f32, (0.8 * x + 0.02 * noise.next()) as f32);
    }
    block
}

fn spooled(audio: &AudioBuffer) -> Spool {
    let mut spool = Spool::new(audio.sample_rate_hz());
    spool.push(audio).expect("memory");
    spool
}

/// A file of floats at 44.1 kHz.
fn wav(path: &Path, left: &[f32], right: &[f32]) -> PathBuf {
    let mut writer =
        WavWriter::create(File::create(path).expect("created"), 44_100, SampleFormat::Float32).expect("header");
    writer.write_float(left, right).expect("written");
    writer.finish().expect("finished");
    path.to_owned()
}

#[test]
fn what_is_decoded_is_as_long_as_the_programme_and_near_it() {
    let streams = [
        ("opus-160", 48_000, 48_000),
        ("opus-128", 44_100, 48_000),
        ("vorbis-320", 44_100, 44_100),
        ("vorbis-96", 48_000, 48_000),
        // Above what the encoders know.
        ("vorbis-320", 384_000, 48_000),
        ("vorbis-320", 352_800, 44_100),
        ("opus-160", 352_800, 48_000),
    ];
    for (name, rate, rate_of_stream) in streams {
        let audio = programme(rate);
        let codec = Codec::named(name).expect("always there");
        let decoded = codec.round_trip(&spooled(&audio)).expect("a stream");
        let rate_out = decoded.sample_rate_hz();
        assert_eq!(rate_out, rate_of_stream);
        let expected = audio.frames() as u64 * u64::from(rate_out) / u64::from(rate);
        assert_eq!(decoded.frames(), expected, "{name}");
        let mut block = AudioBuffer::default();
        decoded.read(0, decoded.frames() as usize, &mut block).expect("memory");
        let rms =
            |samples: &[f32]| (samples.iter().map(|x| f64::from(x * x)).sum::<f64>() / samples.len() as f64).sqrt();
        assert!((20.0 * (rms(block.left()) / rms(audio.left())).log10()).abs() < 0.3, "{name}");
        if rate_out == rate {
            let error: Vec<f32> = block.left().iter().zip(audio.left()).map(|(a, b)| a - b).collect();
            assert!(rms(&error) < 0.2 * rms(audio.left()), "{name}: {} of {}", rms(&error), rms(audio.left()));
        }
    }
}

#[test]
fn the_same_programme_gives_the_same_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let audio = spooled(&programme(44_100));
    for name in ["opus-96", "vorbis-160"] {
        let codec = Codec::named(name).expect("always there");
        let streams = ["a", "b"].map(|file| {
            let path = folder.path().join(file);
            codec.encode(&audio, &path).expect("encoded");
            std::fs::read(path).expect("written")
        });
        assert!(streams[0] == streams[1] && streams[0].len() > 4_000, "{name}");
    }
}

#[test]
fn a_check_tells_the_rise_and_the_ceiling_that_passes() {
    let folder = tempfile::tempdir().expect("a folder");
    // Noise clipped hard at full scale: every codec exceeds it.
    let mut noise = Noise(11);
    let samples: Vec<f32> = (0..88_200).map(|_| (3.0 * noise.next()).clamp(-0.98, 0.98) as f32).collect();
    let path = wav(&folder.path().join("loud.wav"), &samples, &samples);
    let source = measure_file(&path, &|_, _| {}).expect("a file");
    let codec = Codec::named("vorbis-96").expect("always there");
    let found = check(
        &path,
        &source.measurement,
        std::slice::from_ref(&codec),
        Some(Kept { folder: folder.path(), force: false }),
    )
    .expect("checked")
    .remove(0);
    assert!(!found.passes && found.true_dbtp.expect("loud") > 0.0 && found.encoder.contains("Vorbis"), "{found:?}");
    assert!(
        (found.rise_db.expect("loud") - (found.true_dbtp.unwrap() - source.measurement.peaks.true_dbtp().unwrap()))
            .abs()
            < 1e-9
    );
    let ceiling = found.passing_ceiling_dbtp.expect("some ceiling passes");
    assert!((-8.0..0.0).contains(&ceiling) && ((ceiling * 10.0).round() - ceiling * 10.0).abs() < 1e-6, "{ceiling}");
    // At this bit rate the top octave of noise is gone.
    assert!(found.band_limit_hz.is_some_and(|hz| (10_000.0..21_000.0).contains(&hz)), "{found:?}");
    assert!(found.worst_noise_to_mask_db.is_some());
    // The stream that stays is the one that was measured.
    let kept = measure_file(&folder.path().join(codec.file_name()), &|_, _| {}).expect("a stream");
    assert_eq!(kept.measurement.peaks.true_dbtp(), found.true_dbtp);
}

#[test]
fn a_change_of_loudness_is_that_of_the_meter() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = |name: &str, gain: f32| {
        let audio = programme(44_100);
        let [left, right] = [audio.left(), audio.right()].map(|x| x.iter().map(|x| gain * x).collect::<Vec<f32>>());
        wav(&folder.path().join(name), &left, &right)
    };
    let measured = |path: &Path| measure_file(path, &|_, _| {}).expect("a file").measurement;
    let codec = Codec::named("vorbis-96").expect("always there");
    // What the encoder gets is half of what was measured: as if it had turned it down.
    let (whole, half) = (written("whole.wav", 1.0), written("half.wav", 0.5));
    let source = measured(&whole);
    let kept = Some(Kept { folder: folder.path(), force: false });
    let found = check(&half, &source, std::slice::from_ref(&codec), kept).expect("checked").remove(0);
    let stream = measured(&folder.path().join(codec.file_name()));
    let [was, is] = [&source, &stream].map(|measurement| measurement.loudness.integrated_lufs().expect("loud"));
    assert!(is - was < -5.5, "{was} to {is} LUFS");
    assert!((found.loudness_change_lu.expect("loud") - (is - was)).abs() < 0.1, "{found:?}, {was} to {is} LUFS");
}

#[test]
fn unknown_codecs_are_named() {
    let told = Codec::named("ac3-128").unwrap_err().to_string();
    assert!(told.contains("ac3-128") && told.contains("opus-128"), "{told}");
    assert!(Codec::named("opus-9000").is_err() && Codec::named("opus").is_err());
}
