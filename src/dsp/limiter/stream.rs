//! The limiter as a stage among others: it finds the levels itself, and lags by as much as it has to look ahead.

use std::collections::VecDeque;

use super::needs::IntervalLevels;
use super::process::Windows;
use super::{BassLevels, LimiterSettings, TruePeaks, interval_frames};
use crate::audio::AudioBuffer;
use crate::dsp::coarse::Coarse;
use crate::dsp::interpolation::CONTEXT_FRAMES;
use crate::dsp::{Frame, Processor};
use crate::units::db_to_amplitude;

/// A limiter for a programme that is still to come: the same samples as [`super::limit`], [`Self::latency_frames`] later.
#[derive(Debug, Clone)]
pub struct StreamLimiter {
    settings: LimiterSettings,
    peak_finder: TruePeaks,
    /// Peaks above this are exact.
    floor: f32,
    peaks: Vec<[f32; 2]>,
    bass_finder: BassLevels,
    bass: Vec<[Coarse; 2]>,
    /// Interval of the first of the peaks and of the bass's levels.
    first_known: usize,
    windows: Windows,
    /// What the levels are ahead of, for the windows to have all they ask for.
    waiting: VecDeque<Frame>,
    ahead: usize,
    limited: VecDeque<Frame>,
    latency_frames: usize,
    /// The present block as the finder and the windows take it.
    block: AudioBuffer,
    done: AudioBuffer,
}

impl StreamLimiter {
    /// A limiter at rest, from validated settings.
    pub fn new(settings: &LimiterSettings, sample_rate_hz: u32) -> Self {
        let windows = Windows::new(settings, 0, sample_rate_hz);
        // The finder itself lags by its context and by the interval under way.
        let ahead = windows.levels_ahead_frames() + CONTEXT_FRAMES + interval_frames(sample_rate_hz);
        let latency_frames = ahead + windows.latency_frames();
        Self {
            settings: settings.clone(),
            peak_finder: TruePeaks::new(sample_rate_hz),
            floor: db_to_amplitude(settings.ceiling_dbtp - settings.drive_db) as f32,
            peaks: Vec::new(),
            bass_finder: BassLevels::new(sample_rate_hz),
            bass: Vec::new(),
            first_known: 0,
            windows,
            waiting: VecDeque::new(),
            ahead,
            limited: vec![[0.0; 2]; latency_frames].into(),
            latency_frames,
            block: AudioBuffer::new(sample_rate_hz),
            done: AudioBuffer::new(sample_rate_hz),
        }
    }
}

impl Processor for StreamLimiter {
    /// Limits a block in place. Its samples are rounded to `f32`.
    fn process(&mut self, frames: &mut [Frame]) {
        self.block.clear();
        frames.iter().for_each(|frame| self.block.push(frame[0] as f32, frame[1] as f32));
        self.peak_finder.push(&self.block, self.floor, &mut self.peaks);
        self.bass_finder.push(self.block.left(), self.block.right(), &mut self.bass);
        self.waiting.extend(frames.iter());
        self.block.clear();
        let known = self.waiting.len().saturating_sub(self.ahead);
        self.waiting.drain(..known).for_each(|frame| self.block.push(frame[0] as f32, frame[1] as f32));
        self.done.clear();
        let (peaks, bass, first) = (&self.peaks, &self.bass, self.first_known);
        let levels_of = |k| IntervalLevels { peaks: peaks[k - first], bass: bass[k - first] };
        self.windows.push(&self.block, levels_of, &mut self.done);
        let used = self.windows.next_interval().saturating_sub(self.first_known).min(self.peaks.len());
        self.peaks.drain(..used);
        self.bass.drain(..used);
        self.first_known += used;
        let done = self.done.left().iter().zip(self.done.right());
        self.limited.extend(done.map(|(&left, &right)| [f64::from(left), f64::from(right)]));
        let limited = self.limited.drain(..frames.len());
        for (frame, limited) in frames.iter_mut().zip(limited) {
            *frame = limited;
        }
    }

    fn reset(&mut self) {
        *self = Self::new(&self.settings, self.block.sample_rate_hz());
    }

    fn latency_frames(&self) -> usize {
        self.latency_frames
    }
}

#[cfg(test)]
mod tests {
    use super::super::limit;
    use super::*;
    use crate::dsp::testing::{check_promises, noise};

    #[test]
    fn a_stream_is_limited_as_a_whole_programme_is() {
        for (rate, settings) in [
            (44_100, LimiterSettings { drive_db: 9.0, ..Default::default() }),
            (
                8000,
                LimiterSettings { drive_db: 3.0, lookahead_ms: 20.0, stereo_link_percent: 50.0, ..Default::default() },
            ),
        ] {
            let frames = 3 * rate as usize / 2;
            let input = noise(frames, 5);
            let planar = |channel: usize| input.iter().map(|frame| frame[channel] as f32).collect();
            let expected = limit(&AudioBuffer::from_channels(rate, planar(0), planar(1)), &settings);
            for block_frames in [1, 100, 4096, 1 << 17] {
                let mut limiter = StreamLimiter::new(&settings, rate);
                let latency = limiter.latency_frames();
                let mut output = input.clone();
                output.extend(vec![[0.0; 2]; latency]);
                output.chunks_mut(block_frames).for_each(|block| limiter.process(block));
                assert!(output[..latency].iter().all(|frame| *frame == [0.0; 2]));
                let (left, right): (Vec<f32>, Vec<f32>) =
                    output[latency..].iter().map(|frame| (frame[0] as f32, frame[1] as f32)).unzip();
                assert_eq!((&left[..], &right[..]), (expected.left(), expected.right()), "blocks of {block_frames}");
            }
        }
    }

    #[test]
    fn the_common_promises_hold() {
        // The lowest rate, at which it lags the least.
        let settings = LimiterSettings { drive_db: 6.0, ..Default::default() };
        check_promises(&StreamLimiter::new(&settings, 8_000), 1.0);
    }
}
