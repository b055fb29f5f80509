//! The curves of the characters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::biquad::Coefficients;
use crate::units::db_to_amplitude;

/// Which device the harmonics are those of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Character {
    /// Symmetric and soft, the treble first.
    #[default]
    Tape,
    /// Asymmetric: even and odd harmonics.
    Tube,
    /// Symmetric, late and hard, the bass first.
    Transformer,
}

impl Character {
    /// The shelf ahead of the curve, or the one behind it that undoes it (`sign` -1).
    pub(super) fn shelf(self, sign: f64, sample_rate_hz: u32) -> Option<Coefficients> {
        let corner = |hz: f64| hz.min(0.25 * f64::from(sample_rate_hz));
        match self {
            Self::Tape => Some(Coefficients::high_shelf(corner(3000.0), 6.0 * sign, 0.7, sample_rate_hz)),
            Self::Tube => None,
            Self::Transformer => Some(Coefficients::low_shelf(corner(100.0), 12.0 * sign, 0.7, sample_rate_hz)),
        }
    }
}

/// Operating point of the tube.
const BIAS: f64 = 0.4;
/// Amplitude of the sine whose level is kept: -12 dBFS.
const REFERENCE_DB: f64 = -12.0;

/// A curve between its drive and its make-up gain. Each function gives what saturation *adds*: output minus input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve {
    pub(super) character: Character,
    drive: f64,
    /// Make-up over drive.
    down: f64,
    bias_output: f64,
    bias_slope: f64,
}

impl Curve {
    pub(super) fn new(character: Character, drive: f64) -> Self {
        let root = (1.0 + BIAS * BIAS).sqrt();
        let mut curve =
            Self { character, drive, down: 1.0 / drive, bias_output: BIAS / root, bias_slope: root * root * root };
        // The fundamental of the reference sine, by its first Fourier coefficient.
        const STEPS: u32 = 1024;
        let amplitude = db_to_amplitude(REFERENCE_DB);
        let fundamental: f64 = (0..STEPS)
            .map(|step| (std::f64::consts::TAU * f64::from(step) / f64::from(STEPS)).sin())
            .map(|sine| 2.0 / f64::from(STEPS) * sine * (amplitude * sine + curve.added(amplitude * sine)))
            .sum();
        curve.down *= amplitude / fundamental;
        curve
    }

    fn added(&self, x: f64) -> f64 {
        match self.character {
            Character::Tape => self.tape(x),
            Character::Tube => self.tube(x),
            Character::Transformer => self.transformer(x),
        }
    }

    #[cfg(test)]
    pub(super) fn makeup(&self) -> f64 {
        self.down * self.drive
    }

    #[inline(always)]
    pub(super) fn tape(&self, x: f64) -> f64 {
        let u = self.drive * x;
        self.down * (u / (1.0 + u * u).sqrt()) - x
    }

    #[inline(always)]
    pub(super) fn tube(&self, x: f64) -> f64 {
        let u = self.drive * x + BIAS;
        self.down * self.bias_slope * (u / (1.0 + u * u).sqrt() - self.bias_output) - x
    }

    #[inline(always)]
    pub(super) fn transformer(&self, x: f64) -> f64 {
        let u = self.drive * x;
        let square = u * u;
        self.down * (u / (1.0 + square * square).sqrt().sqrt()) - x
    }
}
