//! From a file to what jobs work on: measured, inspected, kept, in one pass over it.

use std::path::Path;

use crate::audio::AudioBuffer;
use crate::dsp::resample::Resampler;
use crate::error::{Error, Result};
use crate::io::{Decoder, SourceInfo, Spool};
use crate::measure::loudness::MOMENTARY_S;
use crate::measure::{Measurement, Meter};
use crate::paths::path_text;
use crate::progress::Progress;
use crate::quality::{Finding, Format, Inspector};

/// A decoded and measured file.
pub struct Source {
    /// What the file is.
    pub info: SourceInfo,
    /// What it measures, at its own sample rate.
    pub measurement: Measurement,
    /// What quality control found, worst first.
    pub findings: Vec<Finding>,
}

impl Source {
    /// Its integrated loudness, LUFS, for what can't do without.
    ///
    /// # Errors
    /// [`Error::Content`] if it has none: it is silent or too short.
    pub fn integrated_lufs(&self) -> Result<f64> {
        self.measurement.loudness.integrated_lufs().ok_or_else(|| {
            let reason = if self.measurement.duration_s() < MOMENTARY_S {
                "it is shorter than 0.4 s, too short to have a loudness; is this the right file?"
            } else {
                "it is silent (nothing above -70 LUFS); is this the right file?"
            };
            Error::content(&self.info.path, reason)
        })
    }
}

/// Decodes and measures a file, holding none of it.
///
/// # Errors
/// Those of [`Decoder`].
pub fn measure_file(path: &Path, progress: Progress<'_>) -> Result<Source> {
    read(Decoder::open(path)?, progress, |_| Ok(()))
}

/// Measures a file again with its right channel turned over, for one that has a channel upside down; what quality control found in
/// it as it is stays.
///
/// # Errors
/// Those of [`Decoder`].
pub fn turned_over(source: Source, progress: Progress<'_>) -> Result<Source> {
    let measurement = measured_again(&source.info, progress, |block| {
        block.channels_mut().1.iter_mut().for_each(|x| *x = -*x);
    })?;
    Ok(Source { measurement, ..source })
}

/// What a file measures without the offset of each of its channels.
///
/// # Errors
/// Those of [`Decoder`].
pub fn centred(source: &Source, progress: Progress<'_>) -> Result<Measurement> {
    let [left_offset, right_offset] = source.measurement.levels.dc().map(|mean| mean as f32);
    measured_again(&source.info, progress, |block| {
        let (left, right) = block.channels_mut();
        left.iter_mut().for_each(|x| *x -= left_offset);
        right.iter_mut().for_each(|x| *x -= right_offset);
    })
}

/// Measures a file whose blocks are changed first.
fn measured_again(
    info: &SourceInfo,
    progress: Progress<'_>,
    mut change: impl FnMut(&mut AudioBuffer),
) -> Result<Measurement> {
    let mut meter = Meter::new(info.sample_rate_hz);
    each_block(&mut Decoder::open(&info.path)?, progress, |block| {
        change(block);
        meter.push(block);
        Ok(())
    })?;
    Ok(meter.finish())
}

/// Decodes and measures a file and keeps its audio, at another sample rate if one is given.
///
/// # Errors
/// Those of [`Decoder`], [`Spool`] and [`Resampler`].
pub fn load_file(path: &Path, sample_rate_hz: Option<u32>, progress: Progress<'_>) -> Result<(Source, Spool)> {
    let decoder = Decoder::open(path)?;
    let mut kept = Kept::new(decoder.info().sample_rate_hz, sample_rate_hz)?;
    let source = read(decoder, progress, |block| kept.push(block))?;
    Ok((source, kept.finish()?))
}

/// Decodes a file and keeps its audio, at another sample rate if one is given, without measuring it.
///
/// # Errors
/// Those of [`load_file`].
pub fn load_audio(path: &Path, sample_rate_hz: Option<u32>, progress: Progress<'_>) -> Result<Spool> {
    let mut decoder = Decoder::open(path)?;
    let mut kept = Kept::new(decoder.info().sample_rate_hz, sample_rate_hz)?;
    each_block(&mut decoder, progress, |block| kept.push(block))?;
    kept.finish()
}

/// Decodes a file and shows every block of it.
fn each_block(
    decoder: &mut Decoder,
    progress: Progress<'_>,
    mut visit: impl FnMut(&mut AudioBuffer) -> Result<()>,
) -> Result<()> {
    let mut block = AudioBuffer::new(decoder.info().sample_rate_hz);
    let mut done = 0;
    while decoder.next_block(&mut block)? {
        visit(&mut block)?;
        done += block.frames() as u64;
        progress(done, decoder.info().frames);
    }
    Ok(())
}

/// Decodes a file of at most `longest_s` into memory: an impulse response.
///
/// # Errors
/// Those of [`Decoder`]; [`Error::Content`] as soon as it turns out longer.
pub fn load_response(path: &Path, longest_s: u32) -> Result<AudioBuffer> {
    let mut decoder = Decoder::open(path)?;
    let rate_hz = decoder.info().sample_rate_hz;
    let (mut response, mut block) = (AudioBuffer::new(rate_hz), AudioBuffer::new(rate_hz));
    while decoder.next_block(&mut block)? {
        response.extend(block.left(), block.right());
        if response.frames() > longest_s as usize * rate_hz as usize {
            let reason = format!("it is longer than {longest_s} s, too long for an impulse response here; cut it");
            return Err(Error::content(path, reason));
        }
    }
    Ok(response)
}

/// A programme on its way into a spool, at the spool's rate.
struct Kept {
    spool: Spool,
    /// None at the same rate: it would only copy.
    resampler: Option<Resampler>,
    converted: AudioBuffer,
}

impl Kept {
    fn new(file_rate_hz: u32, wanted_rate_hz: Option<u32>) -> Result<Self> {
        let rate_hz = wanted_rate_hz.unwrap_or(file_rate_hz);
        let resampler = (rate_hz != file_rate_hz).then(|| Resampler::new(file_rate_hz, rate_hz)).transpose()?;
        Ok(Self { spool: Spool::new(rate_hz), resampler, converted: AudioBuffer::new(rate_hz) })
    }

    fn push(&mut self, block: &AudioBuffer) -> Result<()> {
        match &mut self.resampler {
            None => self.spool.push(block),
            Some(resampler) => {
                resampler.push(block, &mut self.converted);
                self.spool.push(&self.converted)
            }
        }
    }

    fn finish(mut self) -> Result<Spool> {
        if let Some(mut resampler) = self.resampler {
            resampler.finish(&mut self.converted);
            self.spool.push(&self.converted)?;
        }
        Ok(self.spool)
    }
}

/// Decodes and measures an opened file and shows every block of it to `sink`.
///
/// # Errors
/// Those of [`Decoder`] and of `sink`.
pub fn read(
    mut decoder: Decoder,
    progress: Progress<'_>,
    mut sink: impl FnMut(&AudioBuffer) -> Result<()>,
) -> Result<Source> {
    let info = decoder.info().clone();
    let SourceInfo { path, format, sample_rate_hz, channels, .. } = &info;
    log::info!("measuring {}: {format}, {sample_rate_hz} Hz, channels: {channels}", path_text(path));
    let mut meter = Meter::new(*sample_rate_hz);
    let mut inspector = Inspector::new(format_of(&info));
    each_block(&mut decoder, progress, |block| {
        meter.push(block);
        inspector.push(block);
        sink(block)
    })?;
    let measurement = meter.finish();
    let (frames, lufs) = (measurement.frames, measurement.loudness.integrated_lufs());
    log::info!("measured {}: {frames} frames, {lufs:?} LUFS", path_text(path));
    Ok(Source { findings: inspector.finish(&measurement), info, measurement })
}

/// What quality control has to know of a file.
pub fn format_of(info: &SourceInfo) -> Format {
    Format {
        sample_rate_hz: info.sample_rate_hz,
        channels: info.channels,
        bits: info.bits.filter(|_| !info.float && !info.lossy),
        lossy: info.lossy,
    }
}
