//! A programme as its band powers over time: all that the scores need, so that no device has to be rendered for them.

use std::ops::Range;

use crate::dsp::bass_harmonics::{BassHarmonicsSettings, ORDERS};
use crate::dsp::eq::{BandChannel, EqBand};
use crate::measure::Measurement;
use crate::measure::k_weighting::KWeighting;
use crate::measure::loudness::OFFSET_DB;
use crate::measure::spectrum::ThirdOctaves;
use crate::units::db_to_power;

/// Frames of band power a second.
pub(super) const FRAMES_PER_S: f64 = 10.0;
/// Loudness that the levels of devices and their limiters refer to, LUFS.
pub const PLAYBACK_LUFS: f64 = -14.0;
/// Quieter than this under the loudest frame is a pause and not music, dB.
const PAUSE_DB: f64 = 40.0;
/// A section that is loud for less than a second is not scored by itself.
const LEAST_LOUD_FRAMES: usize = 10;
/// Rate whose K-weighting is used for band centres, Hz: the standard's own.
const K_RATE_HZ: u32 = 48_000;

/// K-weighting of bands, as powers.
pub(super) fn k_weights(bands: &ThirdOctaves) -> Vec<f64> {
    let filter = KWeighting::new(K_RATE_HZ);
    bands.centers_hz().iter().map(|&hz| db_to_power(filter.gain_db_at(hz, f64::from(K_RATE_HZ)))).collect()
}

/// Band powers of a programme, ten frames a second, brought to [`PLAYBACK_LUFS`].
#[derive(Debug, Clone)]
pub struct Programme {
    /// The bands.
    pub(super) bands: ThirdOctaves,
    /// Power of the mid, frame after frame: of left and right together.
    pub(super) mid: Vec<f32>,
    /// Power of the side, likewise.
    pub(super) side: Vec<f32>,
    /// Whether each frame belongs to the loud parts.
    pub(super) loud: Vec<bool>,
    /// K-weighting of each band, as a power.
    pub(super) weights: Vec<f64>,
    /// Mean power of mid and side in each band, over all loud frames.
    pub(super) whole: Vec<[f64; 2]>,
}

impl Programme {
    /// The band powers of a measured programme. `None` if it has no loudness, or nothing that was analysed.
    pub fn new(measurement: &Measurement) -> Option<Self> {
        measurement.loudness.integrated_lufs()?;
        let bands = measurement.spectrum.bands.clone();
        let weights = k_weights(&bands);
        // Left and right together have twice the power of mid and side.
        let (mid, side) =
            measurement.spectrum.iter().flatten().map(|power| (2.0 * power.mid, 2.0 * power.side)).unzip();
        let mut programme =
            Self { bands, mid, side, loud: measurement.loud_frames.clone(), weights, whole: Vec::new() };
        programme.normalise().then_some(programme)
    }

    /// Number of bands.
    pub(super) fn band_count(&self) -> usize {
        self.bands.centers_hz().len()
    }

    /// Number of frames.
    pub(super) fn frames(&self) -> usize {
        self.loud.len()
    }

    /// Band powers of mid and side of a frame.
    pub(super) fn frame(&self, index: usize) -> (&[f32], &[f32]) {
        let range = index * self.band_count()..(index + 1) * self.band_count();
        (&self.mid[range.clone()], &self.side[range])
    }

    /// Mean power of mid and side in each band, over the loud frames of a range.
    pub(super) fn mean(&self, range: Range<usize>) -> Vec<[f64; 2]> {
        let mut sums = vec![[0.0; 2]; self.band_count()];
        let mut count = 0.0;
        for index in range.filter(|&index| self.loud[index]) {
            let (mid, side) = self.frame(index);
            for (sum, (m, s)) in sums.iter_mut().zip(mid.iter().zip(side)) {
                *sum = [sum[0] + f64::from(*m), sum[1] + f64::from(*s)];
            }
            count += 1.0;
        }
        sums.into_iter().map(|sum| sum.map(|value| value / f64::max(count, 1.0))).collect()
    }

    /// Whether each frame is a pause: silent, or this far under the loudest one.
    pub(super) fn pauses(&self) -> Vec<bool> {
        let power = |index: usize| -> f64 {
            let (mid, side) = self.frame(index);
            mid.iter().zip(side).zip(&self.weights).map(|((m, s), weight)| weight * f64::from(m + s)).sum()
        };
        let powers: Vec<f64> = (0..self.frames()).map(power).collect();
        let least = db_to_power(-PAUSE_DB) * powers.iter().copied().fold(0.0, f64::max);
        powers.into_iter().map(|power| power <= 0.0 || power < least).collect()
    }

    /// Whether a range of frames is loud for long enough to be scored by itself.
    pub(super) fn is_loud_enough(&self, range: Range<usize>) -> bool {
        self.loud[range].iter().filter(|loud| **loud).count() >= LEAST_LOUD_FRAMES
    }

    /// K-weighted power over the bands.
    pub(super) fn weighted(&self, mean: &[[f64; 2]]) -> f64 {
        mean.iter().zip(&self.weights).map(|(power, weight)| weight * (power[0] + power[1])).sum()
    }

    /// Brings the loud parts to [`PLAYBACK_LUFS`]; false if there is nothing to bring.
    fn normalise(&mut self) -> bool {
        self.whole = self.mean(0..self.frames());
        let power = self.weighted(&self.whole);
        let gain = db_to_power(PLAYBACK_LUFS - OFFSET_DB) / power;
        if !gain.is_finite() || gain <= 0.0 {
            return false;
        }
        self.mid.iter_mut().chain(&mut self.side).for_each(|value| *value = (f64::from(*value) * gain) as f32);
        self.whole = self.mean(0..self.frames());
        true
    }

    /// What each band of a mean contributes to its loudness, which grows with a power of 0.3 of sound intensity
    /// (S. Stevens, "On the psychophysical law", 1957).
    pub(super) fn loudness_parts(&self, mean: &[[f64; 2]]) -> Vec<f64> {
        mean.iter().zip(&self.weights).map(|(power, weight)| (weight * (power[0] + power[1])).powf(0.3)).collect()
    }

    /// The programme behind an equaliser, at the same loudness. Bands on one channel alone are not known here.
    pub(super) fn equalised(&self, eq: &[EqBand]) -> Self {
        let gains = |channel| -> Vec<f32> {
            let chosen = || eq.iter().filter(|band| band.channel == channel || band.channel == BandChannel::Stereo);
            let gain = |&hz: &f64| db_to_power(chosen().map(|band| band.gain_db_at(hz)).sum()) as f32;
            self.bands.centers_hz().iter().map(gain).collect()
        };
        let (mid, side) = (gains(BandChannel::Mid), gains(BandChannel::Side));
        let mut changed = self.clone();
        let count = self.band_count();
        for (powers, gains) in [(&mut changed.mid, mid), (&mut changed.side, side)] {
            powers.chunks_exact_mut(count).flat_map(|frame| frame.iter_mut().zip(&gains)).for_each(|(p, g)| *p *= g);
        }
        changed.normalise();
        changed
    }

    /// The programme with harmonics of its bass, by the gains of the stage that adds them, at the same loudness.
    pub(super) fn with_harmonics(&self, settings: &BassHarmonicsSettings) -> Self {
        let mut changed = self.clone();
        let (count, centers) = (self.band_count(), self.bands.centers_hz());
        let top = centers.partition_point(|&hz| hz < 2.0 * settings.corner_hz);
        let paths: Vec<(usize, usize, f32)> = (0..top)
            .flat_map(|from| ORDERS.map(|order| (from, order)))
            .filter_map(|(from, order)| {
                let to = self.bands.band_at(f64::from(order) * centers[from])?;
                Some((from, to, settings.power_at(centers[from], order) as f32))
            })
            .collect();
        for (frame, source) in changed.mid.chunks_exact_mut(count).zip(self.mid.chunks_exact(count)) {
            for &(from, to, gain) in &paths {
                frame[to] += source[from] * gain;
            }
        }
        changed.normalise();
        changed
    }

    /// What a programme of such power sounds as, dB SPL over power, when it is listened to at a level.
    pub(super) fn spl_offset_db(listening_db_spl: f64) -> f64 {
        listening_db_spl - PLAYBACK_LUFS + OFFSET_DB
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::measure::Meter;
    use crate::units::power_to_db;

    /// Measures a signal given frame by frame.
    pub(in crate::translate) fn measured(rate: u32, seconds: f64, signal: impl Fn(usize) -> (f64, f64)) -> Measurement {
        let (left, right) =
            (0..(seconds * f64::from(rate)) as usize).map(signal).map(|(l, r)| (l as f32, r as f32)).unzip();
        let mut meter = Meter::new(rate);
        meter.push(&AudioBuffer::from_channels(rate, left, right));
        meter.finish()
    }

    #[test]
    fn a_programme_is_brought_to_the_loudness_of_playback() {
        let tone = |n: usize| 0.03 * (n as f64 * 0.1309).sin();
        let programme = Programme::new(&measured(48_000, 3.0, |n| (tone(n), tone(n)))).expect("loud enough");
        let whole = programme.weighted(&programme.whole);
        assert!((power_to_db(whole) + OFFSET_DB - PLAYBACK_LUFS).abs() < 1e-3);
        assert!(Programme::new(&measured(48_000, 1.0, |_| (0.0, 0.0))).is_none());
    }

    #[test]
    fn an_equaliser_on_the_mid_leaves_the_side_where_it_was_but_for_the_loudness() {
        let tone = |n: usize, step: f64| 0.1 * (n as f64 * step).sin();
        let source = measured(48_000, 3.0, |n| {
            let (mid, side) = (tone(n, 0.1309), tone(n, 0.0131));
            (mid + side, mid - side)
        });
        let programme = Programme::new(&source).expect("loud enough");
        let bell = EqBand { frequency_hz: 1000.0, gain_db: 6.0, channel: BandChannel::Mid, ..EqBand::default() };
        let changed = programme.equalised(&[bell]);
        let sum = |powers: &[f32]| powers.iter().map(|power| f64::from(*power)).sum::<f64>();
        let by_db = |a: &[f32], b: &[f32]| power_to_db(sum(b) / sum(a));
        let (mid_db, side_db) = (by_db(&programme.mid, &changed.mid), by_db(&programme.side, &changed.side));
        assert!((mid_db - side_db - 6.0).abs() < 0.05, "{mid_db} {side_db}");
    }
}
