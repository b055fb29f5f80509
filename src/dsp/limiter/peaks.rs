//! The true peak of each control interval.

use super::interval_frames;
use crate::audio::AudioBuffer;
use crate::dsp::interpolation::{CONTEXT_FRAMES, Interpolator, magnitude};

/// Intervals looked at together before each is looked at alone.
const STRETCH_INTERVALS: usize = 8;

/// Finds the true peaks of both channels in each control interval of a programme, whatever the blocks.
#[derive(Debug, Clone)]
pub struct TruePeaks {
    interpolator: Interpolator,
    interval: usize,
    /// Context, then what is not yet part of a finished interval.
    left: Vec<f32>,
    right: Vec<f32>,
}

impl TruePeaks {
    /// A finder at rest.
    pub fn new(sample_rate_hz: u32) -> Self {
        let context = vec![0.0; CONTEXT_FRAMES];
        Self {
            interpolator: Interpolator::for_measuring(sample_rate_hz),
            interval: interval_frames(sample_rate_hz),
            left: context.clone(),
            right: context,
        }
    }

    /// Takes the next block and appends the peaks that it completes, left and right. A peak above `floor` is exact; below
    /// it, it may be read low, but never below the sample peak.
    pub fn push(&mut self, block: &AudioBuffer, floor: f32, peaks: &mut Vec<[f32; 2]>) {
        self.left.extend_from_slice(block.left());
        self.right.extend_from_slice(block.right());
        let complete = (self.left.len() - CONTEXT_FRAMES).saturating_sub(CONTEXT_FRAMES) / self.interval;
        let end = CONTEXT_FRAMES + complete * self.interval;
        self.find(end, floor, peaks);
        self.left.drain(..end - CONTEXT_FRAMES);
        self.right.drain(..end - CONTEXT_FRAMES);
    }

    /// Ends the programme: silence follows it. Appends the remaining peaks; the last interval may be a partial one.
    pub fn finish(mut self, floor: f32, peaks: &mut Vec<[f32; 2]>) {
        let end = self.left.len();
        self.left.resize(end + CONTEXT_FRAMES, 0.0);
        self.right.resize(end + CONTEXT_FRAMES, 0.0);
        self.find(end, floor, peaks);
    }

    /// Appends the peaks of the intervals from the end of the context up to `end`.
    fn find(&self, end: usize, floor: f32, peaks: &mut Vec<[f32; 2]>) {
        let first = peaks.len();
        peaks.resize(first + (end - CONTEXT_FRAMES).div_ceil(self.interval), [0.0; 2]);
        for (channel, signal) in [&self.left, &self.right].into_iter().enumerate() {
            let mut from = CONTEXT_FRAMES;
            for stretch in peaks[first..].chunks_mut(STRETCH_INTERVALS) {
                let to = (from + STRETCH_INTERVALS * self.interval).min(end);
                // Most stretches are quiet, and one search over all of it is cheaper than many short ones.
                let loud = self.interpolator.peak(signal, from, to, floor) > floor;
                for peak in stretch {
                    let to = (from + self.interval).min(end);
                    peak[channel] = if loud {
                        self.interpolator.peak(signal, from, to, floor)
                    } else {
                        magnitude(&signal[from..to])
                    };
                    from = to;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 44_100;

    fn peaks(samples: &[f32], block: usize, floor: f32) -> Vec<[f32; 2]> {
        let (mut peaks, mut finder) = (Vec::new(), TruePeaks::new(RATE_HZ));
        for chunk in samples.chunks(block) {
            let half = chunk.iter().map(|x| 0.5 * x).collect();
            finder.push(&AudioBuffer::from_channels(RATE_HZ, chunk.to_vec(), half), floor, &mut peaks);
        }
        finder.finish(floor, &mut peaks);
        peaks
    }

    #[test]
    fn peaks_do_not_depend_on_blocks_and_cover_the_last_sample() {
        let samples: Vec<f32> = (0..1000).map(|n| (n as f32 * 0.7).sin() * if n == 999 { 2.0 } else { 0.5 }).collect();
        let whole = peaks(&samples, 1000, 0.0);
        assert_eq!(whole.len(), 1000usize.div_ceil(interval_frames(RATE_HZ)));
        assert!(whole.last().expect("not empty")[0] >= samples[999].abs());
        assert!(whole.iter().all(|[left, right]| 0.5 * left == *right));
        assert_eq!(whole, peaks(&samples, 7, 0.0));
    }

    #[test]
    fn a_floor_changes_no_peak_above_it() {
        let samples: Vec<f32> = (0..20_000).map(|n| (n as f32 * 1.3).sin() * (n as f32 * 0.001).sin()).collect();
        for (exact, floored) in peaks(&samples, 4096, 0.0).iter().zip(peaks(&samples, 4096, 0.8)) {
            assert!(if exact[0] > 0.8 { exact[0] == floored[0] } else { floored[0] <= exact[0] });
        }
    }
}
