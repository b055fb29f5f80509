//! What the search for the limiter's drive, and the limiter, know of a programme: a few numbers per control interval.

use crate::dsp::coarse::Coarse;
use crate::dsp::interpolation::magnitude;
use crate::dsp::limiter::{BassLevels, Levels, interval_frames};
use crate::measure::k_weighting::KWeighting;

/// Peak, level of the bass and K-weighted energy of each control interval in each channel.
///
/// Three hours have 21 million intervals: sixteen bytes for each are 350 MB.
#[derive(Debug, Clone, Default)]
pub(super) struct Intervals {
    /// Largest sample, or true peak where it has been looked for; full scale = 1.0.
    pub(super) peaks: Vec<[f32; 2]>,
    bass: Vec<[Coarse; 2]>,
    energies: Vec<[Coarse; 2]>,
}

impl Intervals {
    /// Number of intervals; the last one may be a partial one.
    pub(super) fn len(&self) -> usize {
        self.energies.len()
    }

    /// What the limiter has to know.
    pub(super) fn levels(&self) -> Levels<'_> {
        Levels { peaks: &self.peaks, bass: &self.bass }
    }

    /// K-weighted sum of squares of each interval, within 0.4 %: that averages out over the hundreds of intervals of a gating
    /// block.
    pub(super) fn energies(&self) -> impl Iterator<Item = [f32; 2]> {
        self.energies.iter().map(|energies| energies.map(Coarse::value))
    }
}

/// Measures the intervals, whatever the blocks.
pub(super) struct IntervalMeter {
    interval: usize,
    weighting: KWeighting,
    bass: BassLevels,
    /// Frames of the interval under way.
    filled: usize,
    peaks: [f32; 2],
    energy: [f64; 2],
    finished: Intervals,
}

impl IntervalMeter {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        Self {
            interval: interval_frames(sample_rate_hz),
            weighting: KWeighting::new(sample_rate_hz),
            bass: BassLevels::new(sample_rate_hz),
            filled: 0,
            peaks: [0.0; 2],
            energy: [0.0; 2],
            finished: Intervals::default(),
        }
    }

    pub(super) fn push(&mut self, left: &[f32], right: &[f32]) {
        self.bass.push(left, right, &mut self.finished.bass);
        // To the end of the interval under way, then whole ones, then the beginning of the next.
        let first = left.len().min(self.interval - self.filled);
        let ((left, left_rest), (right, right_rest)) = (left.split_at(first), right.split_at(first));
        self.add(left, right);
        let whole = left_rest.len() - left_rest.len() % self.interval;
        let (left, right) = (&left_rest[..whole], &right_rest[..whole]);
        let peaks = left.chunks_exact(self.interval).zip(right.chunks_exact(self.interval));
        self.finished.peaks.extend(peaks.map(|(left, right)| [left, right].map(magnitude)));
        let energies = &mut self.finished.energies;
        self.weighting.energies(left, right, self.interval, |energy| energies.push(energy.map(Coarse::nearest)));
        self.add(&left_rest[whole..], &right_rest[whole..]);
    }

    /// Takes part of an interval.
    fn add(&mut self, left: &[f32], right: &[f32]) {
        for (peak, channel) in self.peaks.iter_mut().zip([left, right]) {
            *peak = peak.max(magnitude(channel));
        }
        self.weighting.add_energy(left, right, &mut self.energy);
        self.filled += left.len();
        if self.filled == self.interval {
            self.close();
        }
    }

    fn close(&mut self) {
        self.finished.peaks.push(std::mem::take(&mut self.peaks));
        self.finished.energies.push(std::mem::take(&mut self.energy).map(Coarse::nearest));
        self.filled = 0;
    }

    pub(super) fn finish(mut self) -> Intervals {
        if self.filled > 0 {
            self.close();
        }
        self.bass.finish(&mut self.finished.bass);
        self.finished
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::noise;

    #[test]
    fn blocks_change_nothing() {
        let [left, right]: [Vec<f32>; 2] =
            [0, 1].map(|channel| noise(10_001, 1).iter().map(|frame| frame[channel] as f32).collect());
        let intervals = |block: usize| {
            let mut meter = IntervalMeter::new(44_100);
            left.chunks(block).zip(right.chunks(block)).for_each(|(left, right)| meter.push(left, right));
            meter.finish()
        };
        let whole = intervals(10_001);
        assert_eq!(whole.len(), 10_001usize.div_ceil(interval_frames(44_100)));
        let largest = left.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
        assert_eq!(whole.peaks.iter().fold(0.0, |largest: f32, peaks| largest.max(peaks[0])), largest);
        let cut = intervals(7);
        assert!(whole.peaks == cut.peaks && whole.bass == cut.bass && whole.energies().eq(cut.energies()));
    }
}
