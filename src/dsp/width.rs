//! Stereo width of the whole signal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Frame, Processor};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::db_to_amplitude;

/// How wide the whole signal is made.
///
/// A plain gain on the side: no filters, so no phase is turned, unlike width by band in the four-band stage.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct WidthSettings {
    /// Gain of the side signal (left minus right), -60 to 12 dB; the mid is left alone. Default: 0.
    pub side_gain_db: f64,
}

parameters!(WidthSettings { side_gain_db: Within(-60.0, 12.0) });

impl WidthSettings {
    /// Checks the range that the field doc gives.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] if it is out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("width", None)
    }
}

/// A side gain as a matrix: `left' = own * left + other * right`, and the same for right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Width {
    own: f64,
    other: f64,
}

impl Width {
    /// The matrix of a side gain in dB.
    pub fn new(side_gain_db: f64) -> Self {
        let side_gain = db_to_amplitude(side_gain_db);
        Self { own: 0.5 * (1.0 + side_gain), other: 0.5 * (1.0 - side_gain) }
    }

    /// One frame made wider or narrower.
    #[inline(always)]
    pub fn apply(self, [left, right]: Frame) -> Frame {
        [self.own * left + self.other * right, self.own * right + self.other * left]
    }
}

impl Processor for Width {
    fn process(&mut self, frames: &mut [Frame]) {
        frames.iter_mut().for_each(|frame| *frame = self.apply(*frame));
    }

    /// Nothing to forget.
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::check_promises;

    #[test]
    fn the_side_gets_the_gain_and_the_mid_stays() {
        let [left, right] = Width::new(-6.0).apply([0.9, 0.3]);
        assert!((left + right - 1.2).abs() < 1e-15);
        assert!(((left - right) - 0.6 * 10f64.powf(-0.3)).abs() < 1e-15);
        assert_eq!(Width::new(0.0).apply([0.9, 0.3]), [0.9, 0.3]);
        assert!(WidthSettings { side_gain_db: 13.0 }.validate().is_err());
    }

    #[test]
    fn the_common_promises_hold() {
        check_promises(&Width::new(6.0), 2.0);
    }
}
