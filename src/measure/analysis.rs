//! The summary of a measurement, as people and programs read it.

use serde::Serialize;

use super::Measurement;
use super::spectrum::BandPower;
use crate::dsp::multiband::DEFAULT_CORNERS_HZ;
use crate::units::{power_to_db, power_to_db_checked};

/// Everything that `halfspeed analyze --json` says of a programme, apart from its file. A value that does not exist,
/// such as the loudness of silence, is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Analysis {
    /// Loudness.
    pub loudness: LoudnessAnalysis,
    /// Peaks.
    pub peak: PeakAnalysis,
    /// Long-term spectrum of the loud parts.
    pub spectrum: SpectrumAnalysis,
    /// Dynamics.
    pub dynamics: DynamicsAnalysis,
    /// Stereo image.
    pub stereo: StereoAnalysis,
}

/// Loudness (ITU-R BS.1770-5, EBU Tech 3341 and 3342).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoudnessAnalysis {
    /// Gated loudness of the whole programme.
    pub integrated_lufs: Option<f64>,
    /// Loudness range.
    pub range_lu: Option<f64>,
    /// Loudest 400 ms.
    pub max_momentary_lufs: Option<f64>,
    /// Loudest 3 s.
    pub max_short_term_lufs: Option<f64>,
    /// True peak minus integrated loudness.
    pub plr_db: Option<f64>,
    /// Least difference between the true peak within 3 s and their loudness, where the programme is not quiet.
    pub psr_min_db: Option<f64>,
}

/// Peaks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeakAnalysis {
    /// Largest sample.
    pub sample_dbfs: Option<f64>,
    /// Largest value of the signal between samples, at 16 points a sample (8 or 4 at high rates).
    pub true_dbtp: Option<f64>,
}

/// Long-term spectrum of the loud parts, in third-octave bands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpectrumAnalysis {
    /// Band centres.
    pub center_hz: Vec<f64>,
    /// Level of the mid, `(left + right) / 2`, dB of mean square.
    pub mid_db: Vec<Option<f64>>,
    /// Level of the side, `(left - right) / 2`, dB of mean square.
    pub side_db: Vec<Option<f64>>,
    /// Slope of a straight line through the mid's levels per octave of bandwidth, from 100 Hz to 10 kHz: 0 for pink
    /// noise.
    pub tilt_db_per_octave: Option<f64>,
}

/// Dynamics.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DynamicsAnalysis {
    /// Peak over RMS of the whole programme.
    pub crest_db: Option<f64>,
    /// Median peak over RMS of 400 ms.
    pub short_crest_db: Option<f64>,
    /// "Measuring DR" (Algorithmix 2009).
    pub dr14: Option<f64>,
    /// Level over time in four bands.
    pub bands: Vec<BandDynamics>,
}

/// Quantiles of the level that a band has in 0.17 s, ten times a second, over the loud parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BandDynamics {
    /// Lower edge.
    pub low_hz: f64,
    /// Upper edge.
    pub high_hz: f64,
    /// Exceeded 90 % of the time.
    pub p10_db: Option<f64>,
    /// Exceeded half of the time.
    pub p50_db: Option<f64>,
    /// Exceeded 5 % of the time.
    pub p95_db: Option<f64>,
}

/// Stereo image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StereoAnalysis {
    /// Correlation of left and right, -1 to 1.
    pub correlation: Option<f64>,
    /// Power of the side over the mid.
    pub width_db: Option<f64>,
    /// K-weighted energy of the left over the right channel.
    pub balance_db: Option<f64>,
    /// The same in four bands, over the loud parts.
    pub bands: Vec<BandStereo>,
}

/// Stereo image of one band.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BandStereo {
    /// Lower edge.
    pub low_hz: f64,
    /// Upper edge.
    pub high_hz: f64,
    /// Correlation of left and right.
    pub correlation: Option<f64>,
    /// Power of the side over the mid.
    pub width_db: Option<f64>,
    /// Power of the left over the right channel.
    pub balance_db: Option<f64>,
}

/// Edges of the four bands in which dynamics and width are told, Hz: the default corners of the multiband stage.
pub fn wide_band_edges_hz() -> [(f64, f64); 4] {
    let [low, middle, high] = DEFAULT_CORNERS_HZ;
    [(20.0, low), (low, middle), (middle, high), (high, 20_000.0)]
}

impl Measurement {
    /// The summary.
    pub fn analysis(&self) -> Analysis {
        let integrated_lufs = self.loudness.integrated_lufs();
        let true_dbtp = self.peaks.true_dbtp();
        Analysis {
            loudness: LoudnessAnalysis {
                integrated_lufs,
                range_lu: self.loudness.range_lu(),
                max_momentary_lufs: self.loudness.max_momentary_lufs(),
                max_short_term_lufs: self.loudness.max_short_term_lufs(),
                plr_db: true_dbtp.zip(integrated_lufs).map(|(peak, loudness)| peak - loudness),
                psr_min_db: self.psr_min_db(),
            },
            peak: PeakAnalysis { sample_dbfs: self.peaks.sample_dbfs(), true_dbtp },
            spectrum: self.spectrum_analysis(),
            dynamics: DynamicsAnalysis {
                crest_db: self.levels.crest_db(),
                short_crest_db: self.levels.short_crest_db(),
                dr14: self.levels.dr14,
                bands: self.band_dynamics(),
            },
            stereo: StereoAnalysis {
                correlation: self.levels.correlation(),
                width_db: self.levels.width_db(),
                balance_db: self.loudness.balance_db(),
                bands: self.band_stereo(),
            },
        }
    }

    /// PSR after E. Grimm et al. (AES 143, e-Brief 2017): windows of 3 s, not more than 20 LU under the programme.
    fn psr_min_db(&self) -> Option<f64> {
        const WINDOW_SLOTS: usize = 30;
        let gate_lufs = self.loudness.integrated_lufs()? - 20.0;
        let windows = self.peaks.true_peak_slots.windows(WINDOW_SLOTS);
        windows
            .zip(self.loudness.short_term_lufs())
            .filter(|(_, lufs)| *lufs > gate_lufs)
            .filter_map(|(peaks, lufs)| {
                let peak = f64::from(peaks.iter().copied().fold(0.0, f32::max));
                power_to_db_checked(peak * peak).map(|dbtp| dbtp - lufs)
            })
            .reduce(f64::min)
    }

    fn spectrum_analysis(&self) -> SpectrumAnalysis {
        let bands = &self.loud_spectrum;
        let center_hz = self.spectrum.bands.centers_hz().to_vec();
        let mid_db: Vec<_> = bands.iter().map(|band| power_to_db_checked(f64::from(band.mid))).collect();
        let points = center_hz.iter().zip(&mid_db).filter(|(hz, _)| (99.0..10_100.0).contains(*hz));
        let points: Vec<_> = points.filter_map(|(hz, db)| db.map(|db| (hz.log2(), db))).collect();
        SpectrumAnalysis {
            tilt_db_per_octave: slope(&points),
            side_db: bands.iter().map(|band| power_to_db_checked(f64::from(band.side))).collect(),
            mid_db,
            center_hz,
        }
    }

    /// Third-octave bands whose centre lies within a range.
    fn bands_within(&self, low_hz: f64, high_hz: f64) -> std::ops::Range<usize> {
        let centers = self.spectrum.bands.centers_hz();
        centers.partition_point(|&hz| hz < low_hz)..centers.partition_point(|&hz| hz < high_hz)
    }

    /// Levels of a range of frequencies, mid and side together, that are exceeded 90 %, 50 % and 5 % of the time in the
    /// loud parts, dB. `None` where there is no level.
    pub fn level_quantiles_db(&self, low_hz: f64, high_hz: f64) -> Option<[f64; 3]> {
        let range = self.bands_within(low_hz, high_hz);
        let loud = self.spectrum.iter().zip(&self.loud_frames).filter(|(_, loud)| **loud);
        let mut powers: Vec<f64> = loud
            .map(|(frame, _)| frame[range.clone()].iter().map(|band| f64::from(band.mid + band.side)).sum())
            .filter(|&power| power > 0.0)
            .collect();
        powers.sort_by(f64::total_cmp);
        let level_db = |share: f64| quantile(&powers, share).map(power_to_db);
        Some([level_db(0.1)?, level_db(0.5)?, level_db(0.95)?])
    }

    /// Level quantiles of the four wide bands.
    pub fn band_dynamics(&self) -> Vec<BandDynamics> {
        let of_band = |(low_hz, high_hz)| {
            let [p10_db, p50_db, p95_db] = self.level_quantiles_db(low_hz, high_hz).map_or([None; 3], |q| q.map(Some));
            BandDynamics { low_hz, high_hz, p10_db, p50_db, p95_db }
        };
        wide_band_edges_hz().map(of_band).to_vec()
    }

    /// Power of the side over the mid in a range of frequencies, over the loud parts, dB. `None` where either is silent.
    pub fn width_db(&self, low_hz: f64, high_hz: f64) -> Option<f64> {
        let bands = &self.loud_spectrum[self.bands_within(low_hz, high_hz)];
        let (mid, side) = bands.iter().fold((0.0, 0.0), |(mid, side), band| (mid + band.mid, side + band.side));
        let audible = side > 1e-10 * mid && mid > 1e-10 * side;
        audible.then(|| power_to_db(f64::from(side / mid)))
    }

    /// Stereo image of the four wide bands.
    pub fn band_stereo(&self) -> Vec<BandStereo> {
        let bands = &self.loud_spectrum;
        wide_band_edges_hz()
            .map(|(low_hz, high_hz)| {
                let range = self.bands_within(low_hz, high_hz);
                let sum =
                    |of: fn(&BandPower) -> f32| bands[range.clone()].iter().map(|b| f64::from(of(b))).sum::<f64>();
                let (mid, side, cross) = (sum(|b| b.mid), sum(|b| b.side), sum(|b| b.cross));
                let (left, right) = (mid + side + 2.0 * cross, mid + side - 2.0 * cross);
                let audible = |value: f64, of: f64| value > 1e-10 * of;
                BandStereo {
                    low_hz,
                    high_hz,
                    correlation: Some((mid - side) / (left * right).sqrt()).filter(|value| value.is_finite()),
                    width_db: (audible(side, mid) && audible(mid, side)).then(|| power_to_db(side / mid)),
                    balance_db: (audible(left, right) && audible(right, left)).then(|| power_to_db(left / right)),
                }
            })
            .to_vec()
    }
}

/// Value below which a share of sorted values lies, linear between neighbours. `None` for no values.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let position = share * sorted.len().checked_sub(1)? as f64;
    let (lower, fraction) = (position.floor() as usize, position.fract());
    let upper = sorted[(lower + 1).min(sorted.len() - 1)];
    Some(sorted[lower] + fraction * (upper - sorted[lower]))
}

/// The middle value; the mean of the two middle ones of an even number.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some(0.5 * (values[values.len() / 2 - 1] + upper)) }
}

/// Slope of the least-squares line.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let (mean_x, mean_y) = points.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x / n, sy + y / n));
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    (points.len() >= 2).then(|| covariance / variance).filter(|value| value.is_finite())
}
