//! Stereo image.

use super::{BandStereo, Measurement, StereoAnalysis, StereoOverTime};
use crate::measure::dynamics::{LevelSlot, correlation};
use crate::measure::spectrum::BandPower;
use crate::measure::wide_bands::{WIDE_BANDS, WideBand};
use crate::slots::{SHORT_TERM_S, SHORT_TERM_SLOTS, SLOT_S};
use crate::statistics::quantile;
use crate::units::power_to_db;

/// Where nothing is left in mono.
const MOST_MONO_LOSS_DB: f64 = 100.0;

/// A side under this share of the mid's power is none: -60 dB, where the windows' skirts and roundings of a mono programme are.
const MONO_SIDE: f64 = 1e-6;

/// A band under this share of the power of all holds nothing but roundings: -120 dB.
const EMPTY_BAND: f64 = 1e-12;

/// A channel under this share of the other's power can't be told from none, -70 dB: it is what mid and side leave of each other, in
/// single precision. There a correlation of 1 reads 0.96 to 1.05, 10 dB lower 0.7 to 1.8, and a silent channel is read 82 dB down.
const FAINT_CHANNEL: f64 = 1e-7;

/// Sums of a stretch of spectrum.
#[derive(Clone, Copy)]
pub(crate) struct Image {
    pub(crate) mid: f64,
    pub(crate) side: f64,
    /// Of both: a quarter of what the left has more than the right.
    pub(crate) cross: f64,
}

impl Image {
    pub(crate) const SILENT: Self = Self { mid: 0.0, side: 0.0, cross: 0.0 };

    /// Adds as much of another one.
    pub(crate) fn add(&mut self, other: Self, share: f64) {
        self.mid += share * other.mid;
        self.side += share * other.side;
        self.cross += share * other.cross;
    }

    fn power(self) -> f64 {
        self.mid + self.side
    }

    fn of(bands: &[BandPower]) -> Self {
        let sum = |of: fn(&BandPower) -> f32| bands.iter().map(|band| f64::from(of(band))).sum::<f64>();
        Self { mid: sum(|band| band.mid), side: sum(|band| band.side), cross: sum(|band| band.cross) }
    }

    /// Mean squares of left and right. `None` where one is silent against the other.
    fn left_right(self) -> Option<(f64, f64)> {
        let (left, right) = (self.power() + 2.0 * self.cross, self.power() - 2.0 * self.cross);
        (left.min(right) > FAINT_CHANNEL * left.max(right)).then_some((left, right))
    }

    fn correlation(self) -> Option<f64> {
        let (left, right) = self.left_right()?;
        correlation(self.mid - self.side, left, right)
    }

    pub(crate) fn width_db(self) -> Option<f64> {
        let is_mono = self.side < MONO_SIDE * self.mid;
        ratio_db(self.side, self.mid).filter(|_| !is_mono)
    }

    pub(crate) fn balance_db(self) -> Option<f64> {
        let (left, right) = self.left_right()?;
        Some(power_to_db(left / right))
    }

    /// With mid `(L + R) / 2` and side `(L - R) / 2`, the mean of `L^2` and `R^2` is the sum of their powers.
    fn mono_loss_db(self) -> Option<f64> {
        let all = self.power();
        (all > 0.0).then(|| power_to_db(all / self.mid).clamp(0.0, MOST_MONO_LOSS_DB))
    }
}

/// `None` where either is silent against the other.
fn ratio_db(value: f64, of: f64) -> Option<f64> {
    (value > 1e-10 * of && of > 1e-10 * value).then(|| power_to_db(value / of))
}

impl Measurement {
    pub(super) fn stereo_analysis(&self) -> StereoAnalysis {
        let whole = self.levels.whole();
        StereoAnalysis {
            correlation: whole.correlation(),
            width_db: whole.width_db(),
            balance_db: self.loudness.balance_db(),
            mono_loss_db: Image::of(&self.loud_spectrum).mono_loss_db(),
            over_time: self.stereo_over_time(),
            bands: self.band_stereo(),
        }
    }

    /// The audible windows of 3 s, each with the slot that it begins with.
    fn images_over_time(&self) -> impl Iterator<Item = (usize, LevelSlot)> {
        let windows = self.levels.slots.windows(SHORT_TERM_SLOTS).zip(self.audible_windows()).enumerate();
        windows.filter(|(_, (_, audible))| *audible).map(|(start, (slots, _))| (start, LevelSlot::of(slots)))
    }

    /// Of the audible windows of 3 s, ten a second, the share in which left and right correlate less than `correlation`, and where
    /// those are: from and to, in seconds, what overlaps in one.
    pub(crate) fn opposed(&self, correlation: f64) -> (f64, Vec<[f64; 2]>) {
        let (mut windows, mut opposed, mut times_s) = (0u32, 0u32, Vec::<[f64; 2]>::new());
        for (start, image) in self.images_over_time() {
            windows += 1;
            if image.correlation().is_none_or(|value| value >= correlation) {
                continue;
            }
            opposed += 1;
            let from_s = start as f64 * SLOT_S;
            match times_s.last_mut() {
                Some(last) if from_s <= last[1] => last[1] = from_s + SHORT_TERM_S,
                _ => times_s.push([from_s, from_s + SHORT_TERM_S]),
            }
        }
        (f64::from(opposed) / f64::from(windows.max(1)), times_s)
    }

    fn stereo_over_time(&self) -> StereoOverTime {
        let windows: Vec<LevelSlot> = self.images_over_time().map(|(_, image)| image).collect();
        let all = |of: fn(&LevelSlot) -> Option<f64>| windows.iter().filter_map(of).collect::<Vec<f64>>();
        let (mut correlations, mut widths_db, mut balances_db) =
            (all(LevelSlot::correlation), all(LevelSlot::width_db), all(LevelSlot::balance_db));
        let negative = correlations.iter().filter(|&&value| value < 0.0).count();
        StereoOverTime {
            correlation_p5: quantile(&mut correlations, 0.05),
            correlation_p50: quantile(&mut correlations, 0.5),
            negative_ratio: (!correlations.is_empty()).then(|| negative as f64 / correlations.len() as f64),
            width_p10_db: quantile(&mut widths_db, 0.1),
            width_p90_db: quantile(&mut widths_db, 0.9),
            balance_p5_db: quantile(&mut balances_db, 0.05),
            balance_p95_db: quantile(&mut balances_db, 0.95),
        }
    }

    /// Power of the side over the mid in a range of frequencies, over the loud parts, dB. `None` where either is silent, or the side
    /// 60 dB under the mid or more.
    pub fn width_db(&self, low_hz: f64, high_hz: f64) -> Option<f64> {
        Image::of(&self.loud_spectrum[self.spectrum.bands.within(low_hz..high_hz)]).width_db()
    }

    /// Stereo image of the four wide bands.
    pub fn band_stereo(&self) -> Vec<BandStereo> {
        let whole = Image::of(&self.loud_spectrum);
        let of_band = |WideBand { low_hz, high_hz, .. }| {
            let image = Image::of(&self.loud_spectrum[self.spectrum.bands.within(low_hz..high_hz)]);
            let image = if image.power() < EMPTY_BAND * whole.power() { Image::SILENT } else { image };
            BandStereo {
                low_hz,
                high_hz,
                correlation: image.correlation(),
                width_db: image.width_db(),
                balance_db: image.balance_db(),
                mono_loss_db: image.mono_loss_db(),
            }
        };
        WIDE_BANDS.map(of_band).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::dsp::testing::Noise;
    use crate::measure::Meter;

    /// The bands of noise whose left and right channel are so many times as large.
    fn bands(gains: [f32; 2]) -> Vec<BandStereo> {
        let mut noise = Noise(7);
        let mut block = AudioBuffer::new(44_100);
        for _ in 0..88_200 {
            let sample = 0.1 * noise.next() as f32;
            block.push(gains[0] * sample, gains[1] * sample);
        }
        let mut meter = Meter::new(44_100);
        meter.push(&block);
        meter.finish().band_stereo()
    }

    #[test]
    fn a_silent_channel_has_neither_correlation_nor_balance_in_any_band() {
        for gains in [[1.0, 0.0], [0.0, 1.0], [1.0, 1e-4]] {
            for band in bands(gains) {
                assert_eq!((band.correlation, band.balance_db), (None, None), "{gains:?}: {band:?}");
            }
        }
    }

    #[test]
    fn correlations_of_bands_stay_within_their_bounds() {
        for gains in [[1.0, 1.0], [1.0, 1e-3], [-1.0, 1.0], [-1e-3, 1.0]] {
            let sign = f64::from(gains[0] * gains[1]).signum();
            for band in bands(gains) {
                let correlation = sign * band.correlation.expect("both are there");
                assert!((0.98..=1.0).contains(&correlation), "{gains:?}: {band:?}");
            }
        }
    }
}
