//! Long-term spectrum.

use std::ops::Range;

use super::{Measurement, SpectrumAnalysis};
use crate::measure::codec_edge::codec_edge_hz;
use crate::measure::spectrum::BandPower;
use crate::statistics::{quantile, slope};
use crate::units::{power_to_db, power_to_db_checked};

/// Bands that make up the sub, by their centres.
const SUB_HZ: Range<f64> = 20.0..60.0;
/// Bands that make up the bass, by their centres.
const BASS_HZ: Range<f64> = 60.0..120.0;

impl Measurement {
    pub(super) fn spectrum_analysis(&self) -> SpectrumAnalysis {
        let bands = &self.loud_spectrum;
        let center_hz = self.spectrum.bands.centers_hz().to_vec();
        let mid_db: Vec<_> = bands.iter().map(|band| power_to_db_checked(f64::from(band.mid))).collect();
        let points = center_hz.iter().zip(&mid_db).filter(|(hz, _)| (99.0..10_100.0).contains(*hz));
        let points: Vec<_> = points.filter_map(|(hz, db)| db.map(|db| (hz.log2(), db))).collect();
        let [centroid_hz, centroid_spread_hz] = self.centroid_hz().map_or([None; 2], |values| values.map(Some));
        let power = |hz| self.loud_power(hz, BandPower::total);
        SpectrumAnalysis {
            tilt_db_per_octave: slope(&points),
            side_db: bands.iter().map(|band| power_to_db_checked(f64::from(band.side))).collect(),
            spread_db: (0..bands.len()).map(|band| self.spread_db(band)).collect(),
            centroid_hz,
            centroid_spread_hz,
            sub_to_bass_db: power_to_db_checked(power(SUB_HZ) / power(BASS_HZ)),
            codec_edge_hz: codec_edge_hz(&self.spectrum.bins, self.spectrum.bin_hz),
            mid_db,
            center_hz,
        }
    }

    /// Centre of gravity of the mid, and the standard deviation about it.
    fn centroid_hz(&self) -> Option<[f64; 2]> {
        let moment = |weight: &dyn Fn(f64) -> f64| {
            self.loud_bands().map(|(hz, band)| weight(hz) * f64::from(band.mid)).sum::<f64>()
        };
        let power = moment(&|_| 1.0);
        let centroid_hz = moment(&|hz| hz) / power;
        let variance = moment(&|hz| (hz - centroid_hz).powi(2)) / power;
        (power > 0.0 && variance.is_finite()).then(|| [centroid_hz, variance.sqrt()])
    }

    /// 95th over 10th percentile of a band's level in the loud parts.
    fn spread_db(&self, band: usize) -> Option<f64> {
        let powers = self.loud_spectra().map(|frame| frame[band].total());
        let mut powers: Vec<f64> = powers.filter(|&power| power > 0.0).collect();
        Some(power_to_db(quantile(&mut powers, 0.95)? / quantile(&mut powers, 0.1)?))
    }
}
