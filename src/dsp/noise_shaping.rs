//! Noise shaping: quantisation error moved to where hearing is least sensitive.
//!
//! The errors of the last samples are fed back, so the total error passes `H(z) = 1 - sum c_k z^-k`. Both curves are
//! those of S. P. Lipshitz, J. Vanderkooy, R. A. Wannamaker, "Minimally Audible Noise Shaping", JAES 39(11), 1991, and
//! R. A. Wannamaker, "Psychoacoustically Optimal Noise Shaping", JAES 40(7/8), 1992, made for 44.1 kHz. Weighted by
//! the threshold of hearing (E. Terhardt, "Calculating Virtual Pitch", Hearing Research 1, 1979) the noise falls by
//! 9.4 and 11.4 dB there, while its plain power rises by 12.2 and 18.4 dB.
//!
//! At other rates the same curve in Hz is fitted anew: held at its last value above 22.05 kHz, by linear prediction
//! on its inverse (J. Makhoul, "Linear Prediction: A Tutorial Review", Proc. IEEE 63(4), 1975), which gives the
//! published taps back at 44.1 kHz. Shaping is meant for 16 bits at 44.1 or 48 kHz. It raises peaks by some tens of
//! steps, so a ceiling has to be checked after it, and no signal should be shaped twice.

use std::f64::consts::TAU;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::linear::predictor;

/// Which curve the quantisation noise follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoiseShaping {
    /// White: plain triangular dither. The default.
    #[default]
    None,
    /// Lipshitz, improved E-weighting, five taps: the gentler curve.
    Lipshitz,
    /// Wannamaker, F-weighting, nine taps: the lowest audible noise of the two.
    Wannamaker,
}

const LIPSHITZ: [f64; 5] = [2.033, -2.165, 1.959, -1.590, 0.6149];
const WANNAMAKER: [f64; 9] = [2.412, -3.370, 3.937, -4.174, 3.353, -2.205, 1.281, -0.569, 0.0847];
/// The rate that the published taps are for.
const DESIGN_RATE_HZ: u32 = 44_100;
/// The most taps of any curve.
pub(super) const TAPS: usize = 9;

impl NoiseShaping {
    /// Whether the noise stays white.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// The feedback taps `c_k` at a sample rate, newest error first, zero where a curve has fewer.
    pub(super) fn taps(self, sample_rate_hz: u32) -> [f64; TAPS] {
        let published: &[f64] = match self {
            Self::None => &[],
            Self::Lipshitz => &LIPSHITZ,
            Self::Wannamaker => &WANNAMAKER,
        };
        if published.is_empty() || sample_rate_hz == DESIGN_RATE_HZ {
            let mut taps = [0.0; TAPS];
            taps[..published.len()].copy_from_slice(published);
            return taps;
        }
        refit(published, sample_rate_hz)
    }

    /// Gain of the noise over white dither at a frequency, dB.
    pub fn gain_db_at(self, frequency_hz: f64, sample_rate_hz: u32) -> f64 {
        10.0 * power_at(&self.taps(sample_rate_hz), frequency_hz / f64::from(sample_rate_hz)).log10()
    }
}

/// `|H|^2` at a frequency in cycles a sample.
fn power_at(taps: &[f64], frequency: f64) -> f64 {
    let (mut re, mut im) = (1.0, 0.0);
    for (k, tap) in (1..).zip(taps) {
        let angle = TAU * frequency * f64::from(k);
        re -= tap * angle.cos();
        im += tap * angle.sin();
    }
    re * re + im * im
}

/// Taps that follow the published curve, in Hz, at another rate: those that predict what has the inverse of the curve's power.
fn refit(published: &[f64], sample_rate_hz: u32) -> [f64; TAPS] {
    const POINTS: u32 = 2048;
    let mut autocorrelation = [0.0; TAPS + 1];
    for point in 0..POINTS {
        let fraction = 0.5 * (f64::from(point) + 0.5) / f64::from(POINTS);
        let published_fraction = (fraction * f64::from(sample_rate_hz) / f64::from(DESIGN_RATE_HZ)).min(0.5);
        let inverse = 1.0 / power_at(published, published_fraction);
        for (lag, sum) in (0..).zip(&mut autocorrelation) {
            *sum += inverse * (TAU * fraction * f64::from(lag)).cos();
        }
    }
    predictor(&autocorrelation)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The power that a sound may have for each Hz at the threshold of hearing.
    fn audible(frequency_hz: f64) -> f64 {
        10f64.powf(-crate::measure::weighting::threshold_in_quiet_db(frequency_hz) / 10.0)
    }

    fn audible_gain_db(shaping: NoiseShaping, sample_rate_hz: u32) -> f64 {
        let (mut shaped, mut white) = (0.0, 0.0);
        for hz in (20..(sample_rate_hz / 2).min(22_050)).step_by(10).map(f64::from) {
            white += audible(hz);
            shaped += audible(hz) * 10f64.powf(shaping.gain_db_at(hz, sample_rate_hz) / 10.0);
        }
        10.0 * (shaped / white).log10()
    }

    #[test]
    fn audible_noise_falls_by_nine_db_or_more_at_every_usual_rate() {
        for (shaping, expected_db) in [(NoiseShaping::Lipshitz, -9.4), (NoiseShaping::Wannamaker, -11.4)] {
            let at_44_1 = audible_gain_db(shaping, 44_100);
            assert!((at_44_1 - expected_db).abs() < 0.2, "{shaping:?}: {at_44_1} dB");
            for rate_hz in [44_100, 48_000, 88_200, 96_000, 192_000] {
                let gain_db = audible_gain_db(shaping, rate_hz);
                assert!(gain_db < -9.0, "{shaping:?} at {rate_hz}: {gain_db} dB");
            }
        }
    }

    #[test]
    fn fitting_at_the_design_rate_gives_the_published_taps() {
        for published in [&LIPSHITZ[..], &WANNAMAKER] {
            let fitted = refit(published, DESIGN_RATE_HZ);
            for (tap, fitted) in published.iter().chain(&[0.0; TAPS]).zip(fitted) {
                assert!((tap - fitted).abs() < 1e-3, "{tap} and {fitted}");
            }
        }
    }

    #[test]
    fn no_rate_makes_the_noise_boundless() {
        for shaping in [NoiseShaping::Lipshitz, NoiseShaping::Wannamaker] {
            for rate_hz in [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 384_000] {
                let taps = shaping.taps(rate_hz);
                let power = 1.0 + taps.iter().map(|tap| tap * tap).sum::<f64>();
                assert!(power < 100.0, "{shaping:?} at {rate_hz}: {} dB", 10.0 * power.log10());
            }
        }
    }
}
