//! The level of the bass in each control interval.

use super::interval_frames;
use crate::dsp::Frame;
use crate::dsp::bass_crest::BassCrest;
use crate::dsp::biquad::BUTTERWORTH_4_Q;
use crate::dsp::coarse::Coarse;

/// What lies below is bass.
const BASS_HZ: f64 = 200.0;

/// Finds the level of the bass of both channels in each control interval of a programme, whatever the blocks.
#[derive(Debug, Clone)]
pub struct BassLevels {
    crest: BassCrest,
    interval: usize,
    /// Frames of the interval under way, and their sums.
    filled: usize,
    sums: Frame,
}

impl BassLevels {
    /// A finder at rest.
    pub fn new(sample_rate_hz: u32) -> Self {
        let interval = interval_frames(sample_rate_hz);
        let crest = BassCrest::new(BASS_HZ, &BUTTERWORTH_4_Q, f64::from(sample_rate_hz) / interval as f64);
        Self { crest, interval, filled: 0, sums: [0.0; 2] }
    }

    /// Takes the next block and appends the levels of the intervals that it completes, left and right.
    pub fn push(&mut self, mut left: &[f32], mut right: &[f32], levels: &mut Vec<[Coarse; 2]>) {
        while !left.is_empty() {
            let frames = left.len().min(self.interval - self.filled);
            let ((left_piece, left_rest), (right_piece, right_rest)) = (left.split_at(frames), right.split_at(frames));
            // One by one: in any other order, sums would depend on the blocks by a rounding.
            for (&left, &right) in left_piece.iter().zip(right_piece) {
                self.sums = [self.sums[0] + f64::from(left), self.sums[1] + f64::from(right)];
            }
            (left, right) = (left_rest, right_rest);
            self.filled += frames;
            if self.filled == self.interval {
                self.close(levels);
            }
        }
    }

    /// Ends the programme: silence follows it. Appends the levels of an interval that it cuts short.
    pub fn finish(mut self, levels: &mut Vec<[Coarse; 2]>) {
        if self.filled > 0 {
            self.close(levels);
        }
    }

    fn close(&mut self, levels: &mut Vec<[Coarse; 2]>) {
        let means = std::mem::take(&mut self.sums).map(|sum| sum / self.interval as f64);
        levels.push(self.crest.push(means).map(Coarse::at_least));
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_the_bass_in_each_channel_whatever_the_blocks() {
        let wave = |hz: f64| move |n: u32| (std::f64::consts::TAU * hz * f64::from(n) / 48_000.0).sin() as f32;
        let left: Vec<f32> = (0..20_011).map(wave(55.0)).collect();
        let right: Vec<f32> = (0..20_011).map(wave(2000.0)).collect();
        let levels = |block: usize| {
            let (mut finder, mut levels) = (BassLevels::new(48_000), Vec::new());
            left.chunks(block).zip(right.chunks(block)).for_each(|(left, right)| finder.push(left, right, &mut levels));
            finder.finish(&mut levels);
            levels
        };
        let whole = levels(20_011);
        assert_eq!(whole.len(), 20_011usize.div_ceil(24));
        let highest = |channel: usize| whole[400..].iter().fold(0.0f32, |high, level| high.max(level[channel].value()));
        assert!((0.98..1.02).contains(&highest(0)) && highest(1) < 0.01, "{} {}", highest(0), highest(1));
        assert!(whole == levels(7) && whole == levels(1000));
    }
}
