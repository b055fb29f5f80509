//! Pan laws: a mono source between two loudspeakers.

use std::f64::consts::FRAC_PI_2;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{Frame, Processor};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;

/// How the two gains depend on the position `p`, 0 (left) to 1 (right).
///
/// The laws in dB are powers of the straight line, `(1 - p)^(X / 6.02)` and `p^(X / 6.02)`, which are X dB down in
/// the middle (D. Griesinger, "Stereo and Surround Panning in Practice", AES 112, 2002, compares them by ear).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PanLaw {
    /// Sine and cosine: constant power, 3.01 dB down in the middle. The default.
    #[default]
    EqualPower,
    /// 3 dB down in the middle (nearly the square root of the position).
    #[serde(rename = "minus_3_db")]
    Minus3Db,
    /// 4.5 dB down in the middle: between constant power and constant sum.
    #[serde(rename = "minus_4_5_db")]
    Minus4Point5Db,
    /// 6.02 dB down in the middle: the channels sum to the source wherever it is.
    #[serde(rename = "minus_6_db")]
    Minus6Db,
}

impl PanLaw {
    /// Gains of the left and right channel for a position of -100 (left) to 100 % (right).
    pub fn gains(self, position_percent: f64) -> [f64; 2] {
        let right = 0.5 + position_percent / 200.0;
        let left = 1.0 - right;
        let power = |drop_db: f64| {
            let exponent = drop_db / (20.0 * 2f64.log10());
            [left.powf(exponent), right.powf(exponent)]
        };
        match self {
            Self::EqualPower => [(FRAC_PI_2 * left).sin(), (FRAC_PI_2 * right).sin()],
            Self::Minus3Db => power(3.0),
            Self::Minus4Point5Db => power(4.5),
            Self::Minus6Db => [left, right],
        }
    }
}

/// Where a source is put.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct PanSettings {
    /// Position, -100 (left) to 100 % (right). Default: 0.
    pub position_percent: f64,
    /// The law. Default: equal power.
    pub law: PanLaw,
}

parameters!(PanSettings { position_percent: Within(-100.0, 100.0) });

impl PanSettings {
    /// Checks the range that the field doc gives.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] if it is out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("pan", None)
    }
}

/// Places half the sum of both channels. No latency and no memory. For stereo sources, balance
/// ([`super::image::ImageSettings::balance_percent`]) keeps the image instead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pan {
    gains: [f64; 2],
}

impl Pan {
    /// The gains of validated settings.
    pub fn new(settings: &PanSettings) -> Self {
        Self { gains: settings.law.gains(settings.position_percent).map(|gain| 0.5 * gain) }
    }
}

impl Processor for Pan {
    fn process(&mut self, frames: &mut [Frame]) {
        for frame in frames {
            let sum = frame[0] + frame[1];
            *frame = self.gains.map(|gain| gain * sum);
        }
    }

    /// Nothing to forget.
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::check_promises;
    use crate::units::amplitude_to_db;

    #[test]
    fn each_law_has_its_middle_and_its_ends() {
        let laws = [
            (PanLaw::EqualPower, -3.0103),
            (PanLaw::Minus3Db, -3.0),
            (PanLaw::Minus4Point5Db, -4.5),
            (PanLaw::Minus6Db, -6.0206),
        ];
        for (law, middle_db) in laws {
            for gain in law.gains(0.0) {
                assert!((amplitude_to_db(gain) - middle_db).abs() < 1e-4, "{law:?}");
            }
            for (position, ends) in [(-100.0, [1.0, 0.0]), (100.0, [0.0, 1.0])] {
                assert!(law.gains(position).iter().zip(ends).all(|(gain, end)| (gain - end).abs() < 1e-15), "{law:?}");
            }
            let [left, right] = law.gains(-37.0);
            let mirrored = law.gains(37.0);
            assert!((left - mirrored[1]).abs() < 1e-15 && (right - mirrored[0]).abs() < 1e-15);
        }
        for position in [-80.0, -33.0, 0.0, 5.0, 60.0] {
            let [left, right] = PanLaw::EqualPower.gains(position);
            assert!((left * left + right * right - 1.0).abs() < 1e-15);
            let [left, right] = PanLaw::Minus6Db.gains(position);
            assert!((left + right - 1.0).abs() < 1e-15);
        }
        let settings: PanSettings = serde_json::from_str(r#"{"law": "minus_4_5_db"}"#).unwrap();
        assert_eq!(settings.law, PanLaw::Minus4Point5Db);
        check_promises(&Pan::new(&settings), 1.0);
        assert!(PanSettings { position_percent: 101.0, ..settings }.validate().is_err());
    }
}
