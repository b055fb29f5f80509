//! Applies a recipe: process, limit, quantise, write.

use std::io::BufWriter;
use std::path::Path;

use super::chain::Chain;
pub use super::chain::ChainLog;
use super::recipe::Recipe;
use super::source::Progress;
use crate::audio::AudioBuffer;
use crate::dsp::dither::Dither;
use crate::dsp::limiter::{self, GainEnvelope, LimiterSettings, TruePeaks};
use crate::error::{Error, Result};
use crate::io::{OutputFile, SampleFormat, Spool, WavWriter};
use crate::measure::k_weighting::KWeighting;
use crate::units::db_to_amplitude;

/// Control intervals of the limiter in one block: 1.5 s of audio at a time.
const BLOCK_INTERVALS: usize = 3000;

/// A programme that has passed everything but the limiter, and what the limiter needs to know of it.
pub struct Processed {
    /// Begins with the frames by which the stages lag.
    audio: Spool,
    latency_frames: usize,
    /// Largest sample of each control interval.
    pub(super) sample_peaks: Vec<f32>,
    /// K-weighted sum of squares of each control interval, both channels.
    pub(super) energies: Vec<f32>,
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
    let mut intervals = Intervals::new(rate);
    let (mut done, total) = (0, audio.frames());
    let latency_frames = chain.latency_frames();
    // What the stages still hold at the end is pushed out by silence.
    audio.push(&AudioBuffer::silence(rate, latency_frames))?;
    let mut lead_in = latency_frames;
    audio.transform(|block| {
        chain.process(block);
        let skipped = lead_in.min(block.frames());
        intervals.push(&block.left()[skipped..], &block.right()[skipped..]);
        lead_in -= skipped;
        done += block.frames() as u64;
        progress(done, Some(total));
    })?;
    let (sample_peaks, energies) = intervals.finish();
    Ok(Processed { audio, latency_frames, sample_peaks, energies, log: chain.log() })
}

/// Sample peak and K-weighted energy of each control interval, whatever the blocks.
struct Intervals {
    interval: usize,
    weighting: KWeighting,
    /// Frames of the interval under way.
    filled: usize,
    peak: f32,
    energy: f64,
    sample_peaks: Vec<f32>,
    energies: Vec<f32>,
}

impl Intervals {
    fn new(sample_rate_hz: u32) -> Self {
        Self {
            interval: limiter::interval_frames(sample_rate_hz),
            weighting: KWeighting::new(sample_rate_hz),
            filled: 0,
            peak: 0.0,
            energy: 0.0,
            sample_peaks: Vec::new(),
            energies: Vec::new(),
        }
    }

    fn push(&mut self, left: &[f32], right: &[f32]) {
        let mut start = 0;
        while start < left.len() {
            let end = left.len().min(start + self.interval - self.filled);
            let (left, right) = (&left[start..end], &right[start..end]);
            self.peak = left.iter().chain(right).fold(self.peak, |peak, x| peak.max(x.abs()));
            self.energy += self.weighting.energy(left, right).iter().sum::<f64>();
            self.filled += end - start;
            if self.filled == self.interval {
                self.close();
            }
            start = end;
        }
    }

    fn close(&mut self) {
        self.sample_peaks.push(std::mem::take(&mut self.peak));
        self.energies.push(std::mem::take(&mut self.energy) as f32);
        self.filled = 0;
    }

    fn finish(mut self) -> (Vec<f32>, Vec<f32>) {
        if self.filled > 0 {
            self.close();
        }
        (self.sample_peaks, self.energies)
    }
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

    /// True peak of each control interval, exact where it exceeds `floor` (full scale = 1.0).
    ///
    /// # Errors
    /// The spool's.
    pub fn true_peaks(&self, floor: f32) -> Result<Vec<f32>> {
        let rate = self.sample_rate_hz();
        let mut finder = TruePeaks::new(rate);
        let mut peaks = Vec::with_capacity(self.sample_peaks.len());
        self.blocks(|block, _| {
            finder.push(block, floor, &mut peaks);
            Ok(())
        })?;
        finder.finish(floor, &mut peaks);
        Ok(peaks)
    }

    /// Limits the programme, given its peaks (see [`Self::true_peaks`]; exact above the limiter's threshold), and
    /// hands it on block by block.
    ///
    /// # Errors
    /// Those of the spool and of `sink`.
    pub fn limit(
        &self,
        settings: &LimiterSettings,
        peaks: &[f32],
        mut sink: impl FnMut(&AudioBuffer) -> Result<()>,
    ) -> Result<LimiterLog> {
        let rate = self.sample_rate_hz();
        let interval = limiter::interval_frames(rate);
        let drive = db_to_amplitude(settings.drive_db);
        let mut reductions = reductions_db(settings, peaks, rate);
        let intervals_per_slot = (f64::from(rate) * 0.1 / interval as f64).round() as usize;
        let mut log = LimiterLog { reduction_db: vec![0.0; peaks.len().div_ceil(intervals_per_slot)] };
        let mut gain_before = 1.0;
        if let Some(reduction_db) = reductions.next() {
            gain_before = drive * limiter::gain_of_reduction(reduction_db);
        }
        self.blocks(|block, first_interval| {
            let (left, right) = block.channels_mut();
            let pieces = left.chunks_mut(interval).zip(right.chunks_mut(interval));
            for (index, ((left, right), reduction_db)) in (first_interval..).zip(pieces.zip(&mut reductions)) {
                let gain_after = drive * limiter::gain_of_reduction(reduction_db);
                limiter::apply(left, right, gain_before, gain_after, interval);
                gain_before = gain_after;
                let slot = &mut log.reduction_db[index / intervals_per_slot];
                *slot = slot.max(reduction_db);
            }
            sink(block)
        })?;
        Ok(log)
    }

    /// Limits the programme into a temporary file beside `destination`.
    ///
    /// # Errors
    /// [`Error::Write`], or the spool's.
    pub fn write(
        &self,
        settings: &LimiterSettings,
        peaks: &[f32],
        format: SampleFormat,
        destination: &Path,
    ) -> Result<(OutputFile, LimiterLog)> {
        let mut file = OutputFile::create(destination)?;
        let failed = |error| Error::write(destination, error);
        let sink = BufWriter::with_capacity(1 << 20, &mut file);
        let mut writer = WavWriter::create(sink, self.sample_rate_hz(), format).map_err(failed)?;
        let mut dither = Dither::new(format.bits());
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let log = self.limit(settings, peaks, |block| {
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

    /// Hands on the processed audio, cut at control intervals, with the index of each block's first interval.
    fn blocks(&self, mut visit: impl FnMut(&mut AudioBuffer, usize) -> Result<()>) -> Result<()> {
        let interval = limiter::interval_frames(self.sample_rate_hz());
        let mut block = AudioBuffer::new(self.sample_rate_hz());
        let mut first_interval = 0;
        while first_interval * interval < self.frames() as usize {
            self.audio.read(
                (self.latency_frames + first_interval * interval) as u64,
                BLOCK_INTERVALS * interval,
                &mut block,
            )?;
            visit(&mut block, first_interval)?;
            first_interval += BLOCK_INTERVALS;
        }
        Ok(())
    }
}

/// The limiter's reduction at every border between control intervals, the first before the first interval and the last
/// after the last one.
pub(super) fn reductions_db(
    settings: &LimiterSettings,
    peaks: &[f32],
    sample_rate_hz: u32,
) -> impl Iterator<Item = f64> {
    let mut envelope = GainEnvelope::new(settings, sample_rate_hz);
    let silence = std::iter::repeat_n(0.0, envelope.latency() + 1);
    peaks.iter().copied().chain(silence).filter_map(move |peak| envelope.push(peak))
}
