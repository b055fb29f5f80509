//! Peaks against loudness, and levels over time.

use super::{BandDynamics, DynamicsAnalysis, Measurement};
use crate::measure::wide_bands::{WIDE_BANDS, WideBand};
use crate::slots::SHORT_TERM_SLOTS;
use crate::statistics::quantile;
use crate::units::{power_to_db, power_to_db_checked};

impl Measurement {
    pub(super) fn dynamics_analysis(&self) -> DynamicsAnalysis {
        DynamicsAnalysis {
            crest_db: self.levels.crest_db(),
            short_crest_db: self.levels.short_crest_db(),
            dr14: self.levels.dr14,
            short_to_long_p95_db: self.short_to_long_p95_db(),
            limiting: self.levels.peak_shape,
            coincidence_ratio: self.levels.coincidence_ratio,
            bands: self.band_dynamics(),
        }
    }

    /// PSR every 100 ms: true peak within 3 s minus their short-term loudness (after J. Shepherd, E. Grimm et al.,
    /// AES 143, e-Brief 373, 2017). Value `k` covers the 3 s from `k * 100 ms`; `None` where they are silent.
    pub fn psr_db(&self) -> Vec<Option<f64>> {
        let peaks = self.peaks.true_peak_slots.windows(SHORT_TERM_SLOTS);
        peaks
            .zip(self.loudness.short_term_lufs())
            .map(|(peaks, lufs)| {
                let peak = f64::from(peaks.iter().copied().fold(0.0, f32::max));
                power_to_db_checked(peak * peak).map(|dbtp| dbtp - lufs).filter(|psr_db| psr_db.is_finite())
            })
            .collect()
    }

    /// The least PSR and its 5th percentile, where the programme is not quiet.
    pub(super) fn psr_summary_db(&self) -> [Option<f64>; 2] {
        let windows = self.psr_db().into_iter().zip(self.audible_windows());
        let mut psr_db: Vec<f64> = windows.filter(|(_, audible)| *audible).filter_map(|(psr_db, _)| psr_db).collect();
        [0.0, 0.05].map(|share| quantile(&mut psr_db, share))
    }

    /// Momentary over short-term loudness, the former in the middle of the latter.
    fn short_to_long_p95_db(&self) -> Option<f64> {
        const MIDDLE_SLOTS: usize = 13;
        let (momentary, long) = (self.loudness.momentary_lufs(), self.loudness.short_term_lufs());
        let pairs = momentary.iter().skip(MIDDLE_SLOTS).zip(&long).zip(self.audible_windows());
        let ratios_db = pairs.filter(|(_, audible)| *audible).map(|((short, long), _)| short - long);
        // A gap in the middle of a window says nothing.
        let mut ratios_db: Vec<f64> = ratios_db.filter(|db| db.is_finite()).collect();
        quantile(&mut ratios_db, 0.95)
    }

    /// Power of a range of frequencies in every frame, mid and side together.
    fn powers_within(&self, low_hz: f64, high_hz: f64) -> Vec<f64> {
        let range = self.spectrum.bands.within(low_hz..high_hz);
        let of_frame = |frame: &[_]| sum_of(&frame[range.clone()]);
        self.spectrum.iter().map(of_frame).collect()
    }

    /// Levels of a range of frequencies, mid and side together, that are exceeded 90 %, 50 % and 5 % of the time in the
    /// loud parts, dB. `None` where there is no level.
    pub fn level_quantiles_db(&self, low_hz: f64, high_hz: f64) -> Option<[f64; 3]> {
        self.loud_quantiles_db(&self.powers_within(low_hz, high_hz))
    }

    /// The same of a power that is known of every frame.
    pub(crate) fn loud_quantiles_db(&self, powers: &[f64]) -> Option<[f64; 3]> {
        // What is silent has no level.
        let loud = powers.iter().zip(&self.loud_frames).filter(|(power, loud)| **loud && **power > 0.0);
        let mut powers: Vec<f64> = loud.map(|(power, _)| *power).collect();
        let mut level_db = |share: f64| quantile(&mut powers, share).map(power_to_db);
        Some([level_db(0.1)?, level_db(0.5)?, level_db(0.95)?])
    }

    /// Levels over time of the four wide bands.
    pub fn band_dynamics(&self) -> Vec<BandDynamics> {
        WIDE_BANDS.map(|band| self.dynamics_of_band(band)).to_vec()
    }

    fn dynamics_of_band(&self, WideBand { low_hz, high_hz, .. }: WideBand) -> BandDynamics {
        let short = self.powers_within(low_hz, high_hz);
        let long: Vec<f64> = (0..short.len())
            .map(|frame| {
                let window =
                    &short[frame.saturating_sub(SHORT_TERM_SLOTS / 2)..(frame + SHORT_TERM_SLOTS / 2).min(short.len())];
                window.iter().sum::<f64>() / window.len() as f64
            })
            .collect();
        let ratios: Vec<f64> =
            short.iter().zip(&long).map(|(short, long)| if *long > 0.0 { short / long } else { 0.0 }).collect();
        let quantiles = |powers: &[f64]| self.loud_quantiles_db(powers).map_or([None; 3], |q| q.map(Some));
        let [p10_db, p50_db, p95_db] = quantiles(&short);
        let [long_p10_db, _, long_p95_db] = quantiles(&long);
        let [short_to_long_p10_db, short_to_long_p50_db, short_to_long_p95_db] = quantiles(&ratios);
        BandDynamics {
            low_hz,
            high_hz,
            p10_db,
            p50_db,
            p95_db,
            spread_db: p95_db.zip(p10_db).map(|(high, low)| high - low),
            long_range_db: long_p95_db.zip(long_p10_db).map(|(high, low)| high - low),
            short_to_long_p10_db,
            short_to_long_p50_db,
            short_to_long_p95_db,
        }
    }
}

fn sum_of(bands: &[crate::measure::spectrum::BandPower]) -> f64 {
    bands.iter().map(|band| f64::from(band.mid + band.side)).sum()
}
