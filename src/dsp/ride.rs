//! A gain that is decided once in a short interval and moves in straight lines: the frame of quick level processors.

use super::Frame;
use super::compressor::Ramp;

/// Levels of an interval, of the louder channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Levels {
    pub(super) peak: f64,
    pub(super) mean_square: f64,
}

/// Applies a gain that a law gives for each interval of a third of a millisecond.
#[derive(Debug, Clone)]
pub(super) struct Ride {
    interval: usize,
    position: usize,
    peak: f64,
    sums: Frame,
    ramp: Ramp,
    target: f64,
}

impl Ride {
    /// At rest, with a gain to begin with.
    pub(super) fn new(gain: f64, sample_rate_hz: u32) -> Self {
        Self {
            interval: (sample_rate_hz as usize / 3000).max(1),
            position: 0,
            peak: 0.0,
            sums: [0.0; 2],
            ramp: Ramp::new(gain),
            target: gain,
        }
    }

    /// How often the law is asked.
    pub(super) fn steps_per_s(&self, sample_rate_hz: u32) -> f64 {
        f64::from(sample_rate_hz) / self.interval as f64
    }

    /// Processes a block in place; `law` gives the gain that follows an interval.
    pub(super) fn process(&mut self, frames: &mut [Frame], mut law: impl FnMut(Levels) -> f64) {
        let mut rest = frames;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at_mut(rest.len().min(self.interval - self.position));
            for frame in piece.iter_mut() {
                self.peak = self.peak.max(frame[0].abs()).max(frame[1].abs());
                self.sums = [self.sums[0] + frame[0] * frame[0], self.sums[1] + frame[1] * frame[1]];
                self.ramp.gain += self.ramp.step;
                *frame = [frame[0] * self.ramp.gain, frame[1] * self.ramp.gain];
            }
            self.position += piece.len();
            if self.position == self.interval {
                self.position = 0;
                let [left, right] = std::mem::take(&mut self.sums);
                let mean_square = left.max(right) / self.interval as f64;
                self.ramp.arrive(self.target);
                self.target = law(Levels { peak: std::mem::take(&mut self.peak), mean_square });
                self.ramp.aim(self.target, self.interval);
            }
            rest = tail;
        }
    }
}
