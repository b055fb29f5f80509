//! MP3 and AAC by an encoder that is installed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::super::path::at_rate;
use super::stream_rate_hz;
use crate::audio::AudioBuffer;
use crate::dsp::dither::Dither;
use crate::dsp::interpolation::magnitude;
use crate::error::{Error, Result};
use crate::io::{SampleFormat, ScratchFolder, Spool, WavWriter};

/// Beyond this no audio is, in powers of two over full scale.
const MOST_HALVINGS: f32 = 100.0;
/// What both formats have a mode for and services send. Below, encoders have other modes, and above, not all of them know the same.
const RATES_HZ: [u32; 3] = [32_000, 44_100, 48_000];

/// Steps of 24 bits from zero to full scale.
const FULL_SCALE: f32 = 8_388_608.0;

/// An encoder on this machine.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tool {
    program: Program,
    path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Program {
    Lame,
    FfmpegMp3,
    FdkAac,
    FfmpegAac,
}

/// Programs by codec, the better ones first.
const PROGRAMS: [(&str, &str, Program); 4] = [
    ("mp3", "lame", Program::Lame),
    ("mp3", "ffmpeg", Program::FfmpegMp3),
    ("aac", "fdkaac", Program::FdkAac),
    ("aac", "ffmpeg", Program::FfmpegAac),
];

/// Rates at which every one of them encodes.
const TRIAL_KBPS: u32 = 128;
const TRIAL_RATE_HZ: u32 = 44_100;

/// An encoder for `mp3` or else for `aac`, looked for once in a run: to find one that works, programs are tried out.
pub(super) fn find(codec: &str) -> Option<Tool> {
    static MP3: OnceLock<Option<Tool>> = OnceLock::new();
    static AAC: OnceLock<Option<Tool>> = OnceLock::new();
    let known = if codec == "mp3" { &MP3 } else { &AAC };
    known.get_or_init(|| search(codec)).clone()
}

/// An encoder on the search path, one that encodes: programs are built without parts of theirs, and some are broken.
fn search(codec: &str) -> Option<Tool> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    candidates(codec, &folders).find(|tool| match tool.try_out() {
        Ok(()) => true,
        Err(error) => {
            log::info!("passed over: {error}");
            false
        }
    })
}

/// All that have the name of an encoder in some folders: the better programs first, each in the order of the folders.
fn candidates(codec: &str, folders: &[PathBuf]) -> impl Iterator<Item = Tool> {
    PROGRAMS.into_iter().filter(move |(of, _, _)| *of == codec).flat_map(move |(_, name, program)| {
        let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let paths = folders.iter().map(move |folder| folder.join(&name)).filter(|path| path.is_file());
        paths.map(move |path| Tool { program, path })
    })
}

/// Why a codec can't be had, and what to do.
pub(super) fn absence(codec: &str) -> String {
    let names: Vec<&str> = PROGRAMS.iter().filter(|(of, _, _)| *of == codec).map(|(_, name, _)| *name).collect();
    format!("no encoder for {codec} was found that works; install {}", names.join(" or "))
}

impl Tool {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn extension(&self) -> &'static str {
        match self.program {
            Program::Lame | Program::FfmpegMp3 => "mp3",
            Program::FdkAac | Program::FfmpegAac => "m4a",
        }
    }

    /// Encodes a moment of silence.
    fn try_out(&self) -> Result<()> {
        let mut silence = Spool::new(TRIAL_RATE_HZ);
        let frames = vec![0.0; TRIAL_RATE_HZ as usize / 10];
        silence.push(&AudioBuffer::from_channels(TRIAL_RATE_HZ, frames.clone(), frames))?;
        let scratch = ScratchFolder::new()?;
        self.encode(&silence, TRIAL_KBPS, &scratch.file(&Path::new("trial").with_extension(self.extension())))?;
        Ok(())
    }

    /// Encodes a programme into a file. Tells what it was multiplied by for 24 bits to hold it: 1, or less for what exceeds full
    /// scale.
    pub(super) fn encode(&self, audio: &Spool, kbps: u32, destination: &Path) -> Result<f32> {
        let scratch = ScratchFolder::new()?;
        let source = scratch.file(Path::new("programme.wav"));
        let gain = write_wav(audio, &source)?;
        let output = Command::new(&self.path)
            .args(self.arguments(kbps, &source, destination))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Error::read(&self.path, error))?;
        if output.status.success() {
            return Ok(gain);
        }
        let told = String::from_utf8_lossy(&output.stderr);
        let last = told.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
        Err(Error::content(&self.path, format!("it failed to encode ({}): {last}", output.status)))
    }

    fn arguments(&self, kbps: u32, source: &Path, destination: &Path) -> Vec<OsString> {
        let (rate, rate_k) = (OsString::from(kbps.to_string()), OsString::from(format!("{kbps}k")));
        let (source, destination) = (source.as_os_str().to_owned(), destination.as_os_str().to_owned());
        let ffmpeg = |encoder: &str| {
            let head = ["-nostdin", "-v", "error", "-y", "-i"].map(OsString::from).to_vec();
            let tail = ["-c:a".into(), encoder.into(), "-b:a".into(), rate_k.clone(), destination.clone()];
            [head, vec![source.clone()], tail.to_vec()].concat()
        };
        match self.program {
            Program::Lame => vec!["--quiet".into(), "--cbr".into(), "-b".into(), rate, source, destination],
            Program::FdkAac => {
                vec!["--silent".into(), "-b".into(), rate_k, "-o".into(), destination.clone(), source.clone()]
            }
            Program::FfmpegMp3 => ffmpeg("libmp3lame"),
            Program::FfmpegAac => ffmpeg("aac"),
        }
    }
}

/// 24 bits: every encoder reads them. What they hold goes in as it is, as a service would encode it: a last bit that is dithered anew can
/// move the peaks of what is decoded by half a dB. What exceeds full scale is halved until it doesn't; tells what became of it.
///
/// Resampled twice, to find its peak and to be written, so that nothing of it has to be kept.
fn write_wav(audio: &Spool, path: &Path) -> Result<f32> {
    let failed = |error| Error::write(path, error);
    let file = std::fs::File::create(path).map_err(failed)?;
    let rate_hz = stream_rate_hz(audio.sample_rate_hz(), |rate_hz| RATES_HZ.contains(&rate_hz));
    let mut writer = WavWriter::create(file, rate_hz, SampleFormat::Int24).map_err(failed)?;
    let (mut peak, mut is_held) = (0.0f32, true);
    at_rate(audio, rate_hz, |block| {
        peak = peak.max(magnitude(block.left())).max(magnitude(block.right()));
        is_held = is_held && is_held_by_24_bits(block.left()) && is_held_by_24_bits(block.right());
        Ok(())
    })?;
    let halvings = peak.log2().ceil().clamp(0.0, MOST_HALVINGS);
    let gain = (-halvings).exp2();
    let mut dither = Dither::new(SampleFormat::Int24.bits());
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut scaled = AudioBuffer::new(rate_hz);
    at_rate(audio, rate_hz, |block| {
        left.resize(block.frames(), 0);
        right.resize(block.frames(), 0);
        if is_held {
            left.iter_mut().zip(block.left()).for_each(|(step, x)| *step = (x * FULL_SCALE) as i32);
            right.iter_mut().zip(block.right()).for_each(|(step, x)| *step = (x * FULL_SCALE) as i32);
            return writer.write_int(&left, &right).map_err(failed);
        }
        scaled.clear();
        scaled.extend(block.left(), block.right());
        let (scaled_left, scaled_right) = scaled.channels_mut();
        scaled_left.iter_mut().chain(scaled_right.iter_mut()).for_each(|x| *x *= gain);
        dither.quantise(scaled_left, scaled_right, &mut left, &mut right);
        writer.write_int(&left, &right).map_err(failed)
    })?;
    writer.finish().map_err(failed)?;
    Ok(gain)
}

/// Whether all samples are steps of 24 bits.
fn is_held_by_24_bits(samples: &[f32]) -> bool {
    samples.iter().map(|x| x * FULL_SCALE).all(|step| step.fract() == 0.0 && (-FULL_SCALE..FULL_SCALE).contains(&step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::Noise;
    use crate::source::load_audio;

    /// What an encoder is given of a left channel, beside a right one of steps.
    fn given(left: Vec<f32>, rate_hz: u32) -> (f32, Vec<f32>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("programme.wav");
        let right = vec![0.25; left.len()];
        let mut audio = Spool::new(rate_hz);
        audio.push(&AudioBuffer::from_channels(rate_hz, left, right)).expect("memory");
        let gain = write_wav(&audio, &path).expect("written");
        let written = load_audio(&path, None, &|_, _| {}).expect("a file");
        let mut block = AudioBuffer::new(written.sample_rate_hz());
        written.read(0, written.frames() as usize, &mut block).expect("memory");
        (gain, block.left().to_vec())
    }

    #[test]
    fn every_folder_is_searched_and_the_better_program_comes_first() {
        let folders = [(); 3].map(|()| tempfile::tempdir().expect("a folder"));
        let paths = folders.each_ref().map(|folder| folder.path().to_owned());
        let file = |folder: usize, name: &str| {
            let path = paths[folder].join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            std::fs::write(&path, "no program").expect("written");
            path
        };
        let wanted = [file(0, "lame"), file(2, "lame"), file(0, "ffmpeg"), file(1, "ffmpeg")];
        std::fs::create_dir(paths[1].join("lame")).expect("a folder is no program");
        let found: Vec<PathBuf> = candidates("mp3", &paths).map(|tool| tool.path).collect();
        assert_eq!(found, wanted);
        assert!(candidates("mp3", &paths).all(|tool| tool.try_out().is_err()), "none of them encodes");
    }

    #[test]
    fn an_encoder_is_given_the_very_samples_that_24_bits_hold() {
        let mut noise = Noise(21);
        for bits in [16, 24] {
            let full_scale = 2f64.powi(bits - 1);
            let step = |x: f64| ((x * full_scale).floor() / full_scale) as f32;
            let mut samples: Vec<f32> = (0..5_000).map(|_| step(noise.next())).collect();
            (samples[0], samples[1]) = (-1.0, step(1.0 - 1.0 / full_scale));
            assert_eq!(given(samples.clone(), 44_100), (1.0, samples), "{bits} bits");
        }
    }

    #[test]
    fn what_24_bits_do_not_hold_is_dithered_and_what_exceeds_them_is_halved() {
        // Half a step is no step: without dither, all of it would be rounded alike.
        let (gain, between) = given(vec![0.5 / FULL_SCALE; 5_000], 48_000);
        assert_eq!(gain, 1.0);
        assert!(between.iter().any(|x| *x != between[0]), "dithered");
        let (gain, halved) = given(vec![1.0, -1.5, 0.0], 48_000);
        assert_eq!(gain, 0.5);
        assert!((halved[0] - 0.5).abs() < 1e-6 && (halved[1] + 0.75).abs() < 1e-6, "{halved:?}");
    }
}
