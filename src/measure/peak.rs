//! Peaks: of the samples, and of the signal between them (true peak, ITU-R BS.1770-5, Annex 2).

use crate::audio::{AudioBuffer, assert_rate};
use crate::dsp::interpolation::{CONTEXT_FRAMES, Interpolator};
use crate::slots::{SLOTS_PER_S, slot_border};
use crate::units::amplitude_to_db_checked;

/// How many of the highest places are told.
const HIGHEST: usize = 5;
/// Places nearer to each other than this count as one, the higher of them.
const APART_S: u32 = 1;
/// So many of the highest slots hold all places that are told: each rules out those nearer than that on either side.
const CANDIDATES: usize = HIGHEST * (2 * SLOTS_PER_S * APART_S + 1) as usize;

/// Zeros before the programme: the context, and one frame more, after which the signal may swing up to the first sample.
const LEAD_FRAMES: usize = CONTEXT_FRAMES + 1;

/// Finds the true peak of every 100 ms of each channel, at up to 16 points a sample.
#[derive(Debug, Clone)]
pub struct TruePeakMeter {
    sample_rate_hz: u32,
    interpolator: Interpolator,
    /// [`LEAD_FRAMES`] that are done with, then what is not yet part of a finished slot.
    channels: [Vec<f32>; 2],
    /// Frame number of the first sample after them.
    position: u64,
    sample_peak: f32,
    slots: Vec<f32>,
    /// The places of the highest slots, highest first.
    candidates: Vec<HighPlace>,
}

/// A place where the signal is among its highest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HighPlace {
    /// The frame that the peak follows within less than one sample.
    pub frame: u64,
    /// 0 for left, 1 for right.
    pub channel: usize,
    /// True peak, full scale = 1.0.
    pub peak: f32,
}

/// What [`TruePeakMeter`] found.
#[derive(Debug, Clone)]
pub struct Peaks {
    /// Largest sample of either channel, full scale = 1.0.
    pub sample_peak: f32,
    /// True peak of each 100 ms, the larger of both channels, full scale = 1.0. The last slot may be a partial one.
    pub true_peak_slots: Vec<f32>,
    /// The highest places, at most five, a second apart or more, highest first.
    pub highest: Vec<HighPlace>,
}

impl Peaks {
    /// Largest sample, dBFS. `None` for silence.
    pub fn sample_dbfs(&self) -> Option<f64> {
        amplitude_to_db_checked(f64::from(self.sample_peak))
    }

    /// True peak, dBTP: never under the sample peak. `None` for silence.
    pub fn true_dbtp(&self) -> Option<f64> {
        amplitude_to_db_checked(f64::from(self.true_peak_slots.iter().copied().fold(0.0, f32::max)))
    }
}

impl TruePeakMeter {
    /// A meter at rest.
    ///
    /// # Panics
    /// If the sample rate is outside 8 to 384 kHz.
    pub fn new(sample_rate_hz: u32) -> Self {
        assert_rate(sample_rate_hz);
        let lead = vec![0.0; LEAD_FRAMES];
        Self {
            sample_rate_hz,
            interpolator: Interpolator::for_measuring(sample_rate_hz),
            channels: [lead.clone(), lead],
            position: 0,
            sample_peak: 0.0,
            slots: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// Takes the next block.
    pub fn push(&mut self, block: &AudioBuffer) {
        self.channels[0].extend_from_slice(block.left());
        self.channels[1].extend_from_slice(block.right());
        let mut from = LEAD_FRAMES;
        loop {
            let to = from + (slot_border(self.slots.len() as u64 + 1, self.sample_rate_hz) - self.position) as usize;
            if to + CONTEXT_FRAMES > self.channels[0].len() {
                break;
            }
            self.read_slot(from, to);
            from = to;
        }
        for channel in &mut self.channels {
            channel.drain(..from - LEAD_FRAMES);
        }
    }

    /// Ends the programme: silence follows it, and what swings over its end counts.
    pub fn finish(mut self) -> Peaks {
        let end = self.channels[0].len();
        for channel in &mut self.channels {
            channel.resize(end + CONTEXT_FRAMES, 0.0);
        }
        let mut from = LEAD_FRAMES;
        while from < end {
            let length = slot_border(self.slots.len() as u64 + 1, self.sample_rate_hz) - self.position;
            let to = (from + length as usize).min(end);
            self.read_slot(from, to);
            from = to;
        }
        let highest = self.highest();
        Peaks { sample_peak: self.sample_peak, true_peak_slots: self.slots, highest }
    }

    fn read_slot(&mut self, from: usize, to: usize) {
        let (mut peak, mut highest_channel) = (0.0f32, 0);
        // The first slot begins with the way to the first sample.
        let first = if self.slots.is_empty() { from - 1 } else { from };
        for (index, channel) in self.channels.iter().enumerate() {
            let [samples, of_channel] = self.interpolator.peaks(channel, first, to, peak);
            self.sample_peak = self.sample_peak.max(samples);
            if of_channel > peak {
                (peak, highest_channel) = (of_channel, index);
            }
        }
        self.slots.push(peak);
        if peak > self.candidates.get(CANDIDATES - 1).map_or(0.0, |lowest| lowest.peak) {
            let place = self.locate(highest_channel, first, to, peak);
            let frame = self.position + place.saturating_sub(from) as u64;
            let rank = self.candidates.partition_point(|other| other.peak >= peak);
            self.candidates.truncate(CANDIDATES - 1);
            self.candidates.insert(rank, HighPlace { frame, channel: highest_channel, peak });
        }
        self.position += (to - from) as u64;
    }

    /// The sample after which the signal comes to its peak, which is known, by halving the stretch.
    fn locate(&self, channel: usize, mut from: usize, mut to: usize, peak: f32) -> usize {
        let signal = &self.channels[channel];
        // What can't reach it is ruled out without being read; the last bits depend on where a stretch begins.
        let nearly = peak * (1.0 - 8.0 * f32::EPSILON);
        while to - from > 1 {
            let middle = from.midpoint(to);
            let is_first = self.interpolator.peak(signal, from, middle, nearly) > nearly;
            if is_first { to = middle } else { from = middle }
        }
        from
    }

    /// Of the candidates, the highest, each with those left out that lie close to it.
    fn highest(&self) -> Vec<HighPlace> {
        let apart = u64::from(APART_S * self.sample_rate_hz);
        let mut highest: Vec<HighPlace> = Vec::with_capacity(HIGHEST);
        for place in &self.candidates {
            if highest.len() < HIGHEST && highest.iter().all(|other| other.frame.abs_diff(place.frame) >= apart) {
                highest.push(*place);
            }
        }
        highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_on_the_last_sample_is_not_lost() {
        let mut samples = vec![0.0f32; 10_000];
        samples[9_999] = 0.9;
        samples[9_998] = 0.9;
        let mut meter = TruePeakMeter::new(44_100);
        meter.push(&AudioBuffer::from_channels(44_100, samples.clone(), samples));
        let peaks = meter.finish();
        assert_eq!(peaks.true_peak_slots.len(), 3);
        // Two equal samples: the signal between them is 0.9 * 4 / pi, less the window's small loss.
        let expected_db = 20.0 * (0.9 * 4.0 / std::f64::consts::PI).log10();
        assert!((peaks.true_dbtp().expect("not silent") - expected_db).abs() < 0.02);
        assert!((peaks.sample_dbfs().expect("not silent") - 20.0 * 0.9f64.log10()).abs() < 1e-6);
    }

    #[test]
    fn a_peak_before_the_first_sample_is_not_lost() {
        // Alternating samples that begin at once and fade swing farthest before the first of them.
        let begin: Vec<f32> = (0..40u8).map(|n| if n % 2 == 0 { 0.5 } else { -0.5 }).collect();
        let fade = (0..400u16).map(|n| (1.0 - f32::from(n) / 400.0) * if n % 2 == 0 { 0.5 } else { -0.5 });
        let samples: Vec<f32> = begin.into_iter().chain(fade).collect();
        let read = |samples: Vec<f32>| {
            let mut meter = TruePeakMeter::new(44_100);
            meter.push(&AudioBuffer::from_channels(44_100, samples.clone(), samples));
            meter.finish()
        };
        let (at_once, later) = (read(samples.clone()), read([vec![0.0; 100], samples.clone()].concat()));
        let backwards = read(samples.iter().rev().copied().collect());
        let [at_once_dbtp, later_dbtp, backwards_dbtp] =
            [&at_once, &later, &backwards].map(|peaks| peaks.true_dbtp().expect("not silent"));
        assert!((at_once_dbtp - later_dbtp).abs() < 1e-5, "{at_once_dbtp} {later_dbtp}");
        assert!((at_once_dbtp - backwards_dbtp).abs() < 1e-5, "{at_once_dbtp} {backwards_dbtp}");
        assert_eq!(at_once.highest[0].frame, 0);
    }

    #[test]
    fn blocks_do_not_matter_and_nothing_reads_nothing() {
        let samples: Vec<f32> = (0..30_000).map(|n| (n as f32 * 1.3).sin() * (n as f32 * 0.001).cos()).collect();
        let run = |sizes: usize| {
            let mut meter = TruePeakMeter::new(48_000);
            for chunk in samples.chunks(sizes) {
                meter.push(&AudioBuffer::from_channels(48_000, chunk.to_vec(), chunk.to_vec()));
            }
            meter.finish().true_peak_slots
        };
        assert_eq!(run(30_000), run(613));
        let empty = TruePeakMeter::new(48_000).finish();
        assert_eq!((empty.true_dbtp(), empty.sample_dbfs()), (None, None));
    }

    #[test]
    fn the_highest_places_are_found_to_the_sample() {
        let mut channels = [vec![0.0f32; 480_000], vec![0.0f32; 480_000]];
        // A place, its channel and its height; the second is too near to the first to count.
        let places = [
            (50_000, 0, 0.9),
            (60_000, 1, 0.8),
            (150_000, 1, 0.5),
            (220_000, 0, 0.6),
            (300_003, 0, 0.7),
            (360_000, 1, 0.4),
            (430_000, 1, 0.3),
        ];
        for (frame, channel, height) in places {
            channels[channel][frame] = height;
        }
        let [left, right] = channels;
        let mut meter = TruePeakMeter::new(48_000);
        meter.push(&AudioBuffer::from_channels(48_000, left, right));
        let found: Vec<_> = meter.finish().highest.iter().map(|p| (p.frame, p.channel, p.peak)).collect();
        assert_eq!(
            found,
            [(50_000, 0, 0.9), (300_003, 0, 0.7), (220_000, 0, 0.6), (150_000, 1, 0.5), (360_000, 1, 0.4)]
        );
    }

    #[test]
    fn places_that_a_higher_one_rules_out_rule_out_none_themselves() {
        // Clicks every 0.9 s, each higher than the last: every other one is told, from the end on.
        let mut samples = vec![0.0f32; 480_000];
        for (rank, click) in samples.iter_mut().skip(20_000).step_by(43_200).enumerate() {
            *click = 0.05 * (rank + 1) as f32;
        }
        let mut meter = TruePeakMeter::new(48_000);
        for block in samples.chunks(10_000) {
            meter.push(&AudioBuffer::from_channels(48_000, block.to_vec(), block.to_vec()));
        }
        let frames: Vec<u64> = meter.finish().highest.iter().map(|place| place.frame).collect();
        assert_eq!(frames, [10, 8, 6, 4, 2].map(|rank| 20_000 + 43_200 * rank));
    }
}
