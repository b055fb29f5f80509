//! The summary of a measurement, as people and programs read it.

mod dynamics;
mod spectrum;
mod stereo;

pub(crate) use self::stereo::Image;

use schemars::JsonSchema;
use serde::Serialize;

use super::peak::HighPlace;
use super::{Measurement, PeakShape};
use crate::units::amplitude_to_db_checked;

/// Everything that `halfspeed analyze --json` says of a programme, apart from its file. A value that does not exist,
/// such as the loudness of silence, is `None`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LoudnessAnalysis {
    /// Gated loudness of the whole programme. `None` where nothing is over the gate.
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
    /// The same difference that 95 % of those windows exceed.
    pub psr_p5_db: Option<f64>,
}

/// Peaks.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PeakAnalysis {
    /// Largest sample.
    pub sample_dbfs: Option<f64>,
    /// Largest value of the signal between samples, at 16 points a sample (8 or 4 at high rates).
    pub true_dbtp: Option<f64>,
    /// The highest places, at most five, a second apart or more, highest first.
    pub highest: Vec<HighPeak>,
}

/// One of the highest places.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct HighPeak {
    /// Where it is.
    pub time_s: f64,
    /// `left` or `right`.
    pub channel: &'static str,
    /// How high.
    pub true_dbtp: f64,
}

/// Long-term spectrum of the loud parts, in third-octave bands.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
    /// How far the level of each band, mid and side together, moves in the loud parts: its 95th over its 10th
    /// percentile of 0.2 s, dB.
    pub spread_db: Vec<Option<f64>>,
    /// Centre of gravity of the mid's power (G. Peeters, "A large set of audio features", 2004).
    pub centroid_hz: Option<f64>,
    /// Standard deviation of the mid's power about the centroid.
    pub centroid_spread_hz: Option<f64>,
    /// Power of 22 to 56 Hz over that of 56 to 112 Hz, mid and side together.
    pub sub_to_bass_db: Option<f64>,
    /// Frequency above which the long-term spectrum falls by 20 dB or more within 0.3 kHz and stays there, as after a
    /// lossy codec. `None` if it does not, or not below 0.95 of half the sample rate.
    pub codec_edge_hz: Option<f64>,
}

/// Dynamics.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DynamicsAnalysis {
    /// Peak over RMS of the whole programme.
    pub crest_db: Option<f64>,
    /// Median peak over RMS of 400 ms.
    pub short_crest_db: Option<f64>,
    /// "Measuring DR" (Algorithmix 2009).
    pub dr14: Option<f64>,
    /// Micro-dynamics of the whole: the loudness of 400 ms over that of the 3 s around it, 95th percentile, where the
    /// programme is not quiet. Not a standard measure.
    pub short_to_long_p95_db: Option<f64>,
    /// What limiters and clippers leave behind.
    pub limiting: Option<PeakShape>,
    /// How many times as often as by chance both channels stand at the ceiling together, at the least: over 1.7 where a limiter
    /// worked on each channel by itself.
    pub coincidence_ratio: Option<f64>,
    /// Level over time in the four wide bands.
    pub bands: Vec<BandDynamics>,
}

/// Level of a band over time, in the loud parts. The short level is that of 0.2 s, ten times a second; the long one
/// the mean power of the 3 s around it. These are no standard measures.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BandDynamics {
    /// Lower edge.
    pub low_hz: f64,
    /// Upper edge.
    pub high_hz: f64,
    /// Short level that is exceeded 90 % of the time.
    pub p10_db: Option<f64>,
    /// Exceeded half of the time.
    pub p50_db: Option<f64>,
    /// Exceeded 5 % of the time.
    pub p95_db: Option<f64>,
    /// How far the short level moves: its 95th over its 10th percentile, dB.
    pub spread_db: Option<f64>,
    /// Macro-dynamics: 95th over 10th percentile of the long level.
    pub long_range_db: Option<f64>,
    /// Micro-dynamics: short over long level, exceeded 90 % of the time: how deep the gaps between the hits are.
    pub short_to_long_p10_db: Option<f64>,
    /// Exceeded half of the time.
    pub short_to_long_p50_db: Option<f64>,
    /// Exceeded 5 % of the time: how far the hits stand out.
    pub short_to_long_p95_db: Option<f64>,
}

/// Stereo image.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StereoAnalysis {
    /// Correlation of left and right about their means, -1 to 1: an offset counts for nothing.
    pub correlation: Option<f64>,
    /// Power of the side over the mid, both about their means.
    pub width_db: Option<f64>,
    /// K-weighted energy of the left over the right channel.
    pub balance_db: Option<f64>,
    /// What the sum to mono loses of the power, over the loud parts: `10 lg ((L^2 + R^2) / 2) - 10 lg (((L + R) / 2)^2)`
    /// in the mean; 0 for mono, 3.01 for independent channels of equal power, at most 100.
    pub mono_loss_db: Option<f64>,
    /// How it changes.
    pub over_time: StereoOverTime,
    /// The same in the four wide bands, over the loud parts.
    pub bands: Vec<BandStereo>,
}

/// Stereo image over time: quantiles over windows of 3 s, ten a second, that are not more than 20 LU under the programme.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StereoOverTime {
    /// Correlation that 95 % of the windows exceed.
    pub correlation_p5: Option<f64>,
    /// Median correlation.
    pub correlation_p50: Option<f64>,
    /// Share of the windows with a correlation below 0, 0 to 1.
    pub negative_ratio: Option<f64>,
    /// Side over mid that 90 % of the windows exceed.
    pub width_p10_db: Option<f64>,
    /// Side over mid that 10 % of the windows exceed.
    pub width_p90_db: Option<f64>,
    /// Left over right that 95 % of the windows exceed.
    pub balance_p5_db: Option<f64>,
    /// Left over right that 5 % of the windows exceed.
    pub balance_p95_db: Option<f64>,
}

/// Stereo image of one band.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BandStereo {
    /// Lower edge.
    pub low_hz: f64,
    /// Upper edge.
    pub high_hz: f64,
    /// Correlation of left and right, -1 to 1.
    pub correlation: Option<f64>,
    /// Power of the side over the mid.
    pub width_db: Option<f64>,
    /// Power of the left over the right channel.
    pub balance_db: Option<f64>,
    /// What the sum to mono loses of the power.
    pub mono_loss_db: Option<f64>,
}

impl Measurement {
    /// The summary.
    pub fn analysis(&self) -> Analysis {
        let [psr_min_db, psr_p5_db] = self.psr_summary_db();
        Analysis {
            loudness: LoudnessAnalysis {
                integrated_lufs: self.loudness.integrated_lufs(),
                range_lu: self.loudness.range_lu(),
                max_momentary_lufs: self.loudness.max_momentary_lufs(),
                max_short_term_lufs: self.loudness.max_short_term_lufs(),
                plr_db: self.plr_db(),
                psr_min_db,
                psr_p5_db,
            },
            peak: PeakAnalysis {
                sample_dbfs: self.peaks.sample_dbfs(),
                true_dbtp: self.peaks.true_dbtp(),
                highest: self.highest_peaks(),
            },
            spectrum: self.spectrum_analysis(),
            dynamics: self.dynamics_analysis(),
            stereo: self.stereo_analysis(),
        }
    }

    fn highest_peaks(&self) -> Vec<HighPeak> {
        let of = |place: &HighPlace| {
            Some(HighPeak {
                time_s: place.frame as f64 / f64::from(self.sample_rate_hz),
                channel: if place.channel == 0 { "left" } else { "right" },
                true_dbtp: amplitude_to_db_checked(f64::from(place.peak))?,
            })
        };
        self.peaks.highest.iter().filter_map(of).collect()
    }

    /// Whether each window of 3 s, ten a second, counts among those that are not quiet: at most 20 LU under the
    /// programme, and over -70 LUFS. None does where the programme has no loudness.
    fn audible_windows(&self) -> Vec<bool> {
        let gate_lufs = self.loudness.integrated_lufs().map_or(f64::INFINITY, |lufs| (lufs - 20.0).max(-70.0));
        self.loudness.short_term_lufs().iter().map(|&lufs| lufs > gate_lufs).collect()
    }
}
