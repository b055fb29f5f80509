//! Stereo image.

use super::{BandStereo, Measurement, StereoAnalysis, StereoOverTime};
use crate::measure::dynamics::LevelSlot;
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

/// Sums of a stretch of spectrum.
#[derive(Clone, Copy)]
struct Image {
    mid: f64,
    side: f64,
    cross: f64,
}

impl Image {
    const SILENT: Self = Self { mid: 0.0, side: 0.0, cross: 0.0 };

    fn power(self) -> f64 {
        self.mid + self.side
    }

    fn of(bands: &[BandPower]) -> Self {
        let sum = |of: fn(&BandPower) -> f32| bands.iter().map(|band| f64::from(of(band))).sum::<f64>();
        Self { mid: sum(|band| band.mid), side: sum(|band| band.side), cross: sum(|band| band.cross) }
    }

    /// Mean squares of left and right.
    fn left_right(self) -> (f64, f64) {
        (self.mid + self.side + 2.0 * self.cross, self.mid + self.side - 2.0 * self.cross)
    }

    fn correlation(self) -> Option<f64> {
        let (left, right) = self.left_right();
        Some((self.mid - self.side) / (left * right).sqrt()).filter(|value| value.is_finite())
    }

    fn width_db(self) -> Option<f64> {
        let is_mono = self.side < MONO_SIDE * self.mid;
        ratio_db(self.side, self.mid).filter(|_| !is_mono)
    }

    fn balance_db(self) -> Option<f64> {
        let (left, right) = self.left_right();
        ratio_db(left, right)
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
        let sorted = |of: fn(&LevelSlot) -> Option<f64>| {
            let mut values: Vec<f64> = windows.iter().filter_map(of).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let (correlations, widths_db, balances_db) =
            (sorted(LevelSlot::correlation), sorted(LevelSlot::width_db), sorted(LevelSlot::balance_db));
        let negative = correlations.partition_point(|&value| value < 0.0);
        StereoOverTime {
            correlation_p5: quantile(&correlations, 0.05),
            correlation_p50: quantile(&correlations, 0.5),
            negative_ratio: (!correlations.is_empty()).then(|| negative as f64 / correlations.len() as f64),
            width_p10_db: quantile(&widths_db, 0.1),
            width_p90_db: quantile(&widths_db, 0.9),
            balance_p5_db: quantile(&balances_db, 0.05),
            balance_p95_db: quantile(&balances_db, 0.95),
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
