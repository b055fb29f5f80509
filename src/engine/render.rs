//! Applies a recipe: process, limit, quantise, write.

use std::ops::Range;
use std::path::Path;

use super::chain::Chain;
pub use super::chain::ChainLog;
use super::intervals::{IntervalMeter, Intervals};
use super::opening::opening_offset;
use super::recipe::{OutputSettings, Recipe};
use crate::audio::AudioBuffer;
use crate::dsp::dither::Dither;
use crate::dsp::eq::BandKind;
use crate::dsp::limiter::{Limiter, LimiterSettings, TruePeaks};
use crate::error::{Error, Result};
use crate::io::{OutputFile, SampleFormat, Spool, Tags, WavWriter};
use crate::progress::Progress;

/// Frames that go from the spool to the file at a time: few enough to stay in the second-level cache on their way.
const BLOCK_FRAMES: usize = 1 << 14;

/// A programme that has passed everything but the limiter, and what the limiter needs to know of it.
pub struct Processed {
    /// Begins with the frames by which the stages lag.
    audio: Spool,
    latency_frames: usize,
    pub(super) intervals: Intervals,
    /// What the stages did.
    pub log: ChainLog,
}

/// What the limiter did.
#[derive(Debug, Clone, PartialEq)]
pub struct LimiterLog {
    /// Deepest reduction within each 100 ms, dB (0 or more).
    pub reduction_db: Vec<f64>,
}

/// Runs everything before the limiter over a programme, in place.
///
/// # Errors
/// A setting out of range, or the spool's errors.
pub fn process(mut audio: Spool, recipe: &Recipe, progress: Progress<'_>) -> Result<Processed> {
    let rate = audio.sample_rate_hz();
    recipe.validate(rate)?;
    let mut chain = Chain::new(recipe, rate);
    // A recipe that takes no offset out leaves the opening alone too.
    if recipe.eq.iter().any(|band| band.kind == BandKind::HighPass) {
        chain.begin_at(opening_offset(&audio)?);
    }
    let mut intervals = IntervalMeter::new(rate);
    let (mut done, total) = (0, audio.frames());
    let latency_frames = chain.latency_frames();
    // What the stages still hold at the end is pushed out by silence.
    audio.push(&AudioBuffer::silence(rate, latency_frames))?;
    let mut lead_in = latency_frames;
    audio.transform(|left, right| {
        chain.process(left, right);
        let skipped = lead_in.min(left.len());
        intervals.push(&left[skipped..], &right[skipped..]);
        lead_in -= skipped;
        done += left.len() as u64;
        progress(done, Some(total));
    })?;
    Ok(Processed { audio, latency_frames, intervals: intervals.finish(), log: chain.log() })
}

impl Processed {
    /// Sample rate in Hz.
    pub fn sample_rate_hz(&self) -> u32 {
        self.audio.sample_rate_hz()
    }

    /// Length in frames.
    pub fn frames(&self) -> u64 {
        self.audio.frames() - self.latency_frames as u64
    }

    /// The largest value of left and right in each control interval, full scale = 1.0: of the samples, or also between them
    /// after [`Self::find_true_peaks`].
    pub fn peaks(&self) -> &[[f32; 2]] {
        &self.intervals.peaks
    }

    /// Stretches of the programme as one of their own, like [`Spool::stretches`].
    ///
    /// # Errors
    /// The spool's.
    pub fn stretches(&self, stretches: &[Range<u64>]) -> Result<Self> {
        let later = self.latency_frames as u64;
        let audio = self.audio.stretches(stretches.iter().map(|stretch| stretch.start + later..stretch.end + later))?;
        let mut intervals = IntervalMeter::new(audio.sample_rate_hz());
        audio.blocks(0, BLOCK_FRAMES, |block| {
            intervals.push(block.left(), block.right());
            Ok(())
        })?;
        Ok(Self { audio, latency_frames: 0, intervals: intervals.finish(), log: ChainLog::default() })
    }

    /// Looks between the samples for the peak of each control interval, so that it is exact where it exceeds `floor` (full
    /// scale = 1.0). Until then only the samples' own peaks are known.
    ///
    /// # Errors
    /// The spool's.
    pub fn find_true_peaks(&mut self, floor: f32) -> Result<()> {
        let mut finder = TruePeaks::new(self.sample_rate_hz());
        let mut peaks = std::mem::take(&mut self.intervals.peaks);
        let (mut found, mut at) = (Vec::new(), 0);
        let mut keep = |found: &mut Vec<[f32; 2]>| {
            peaks[at..at + found.len()].copy_from_slice(found);
            at += found.len();
            found.clear();
        };
        let visited = self.blocks(|block| {
            finder.push(block, floor, &mut found);
            keep(&mut found);
            Ok(())
        });
        if visited.is_ok() {
            finder.finish(floor, &mut found);
            keep(&mut found);
        }
        self.intervals.peaks = peaks;
        visited
    }

    /// Limits the programme and hands it on block by block. Its peaks must be exact above the limiter's threshold (see
    /// [`Self::find_true_peaks`]).
    ///
    /// # Errors
    /// Those of the spool and of `sink`.
    pub fn limit(
        &self,
        settings: &LimiterSettings,
        mut sink: impl FnMut(&AudioBuffer) -> Result<()>,
    ) -> Result<LimiterLog> {
        let rate = self.sample_rate_hz();
        let mut limiter = Limiter::new(settings, self.intervals.levels(), rate);
        let mut limited = AudioBuffer::new(rate);
        self.blocks(|block| {
            limiter.push(block, &mut limited);
            sink(&limited)
        })?;
        let reduction_db = limiter.finish(&mut limited);
        sink(&limited)?;
        Ok(LimiterLog { reduction_db })
    }

    /// Limits the programme into a temporary file beside `destination`, which says this of the music.
    ///
    /// # Errors
    /// [`Error::Write`], or the spool's.
    pub fn write(
        &self,
        settings: &LimiterSettings,
        output: OutputSettings,
        tags: &Tags,
        destination: &Path,
    ) -> Result<(OutputFile, LimiterLog)> {
        let OutputSettings { format, noise_shaping, .. } = output;
        let mut file = OutputFile::create(destination)?;
        let failed = |error| Error::write(destination, error);
        let mut writer = WavWriter::create(&mut file, self.sample_rate_hz(), format).map_err(failed)?;
        writer.describe(tags);
        let mut dither = Dither::shaped(format.bits(), noise_shaping, self.sample_rate_hz());
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let log = self.limit(settings, |block| {
            if format == SampleFormat::Float32 {
                return writer.write_float(block.left(), block.right()).map_err(failed);
            }
            left.resize(block.frames(), 0);
            right.resize(block.frames(), 0);
            dither.quantise(block.left(), block.right(), &mut left, &mut right);
            writer.write_int(&left, &right).map_err(failed)
        })?;
        writer.finish().map_err(failed)?;
        Ok((file, log))
    }

    /// Hands on the processed audio.
    fn blocks(&self, mut visit: impl FnMut(&AudioBuffer) -> Result<()>) -> Result<()> {
        self.audio.blocks(self.latency_frames as u64, BLOCK_FRAMES, |block| visit(block))
    }
}
