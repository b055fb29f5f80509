//! Mid/side levels, balance, polarity and swapped channels: everything that a matrix of four gains can do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{Frame, Processor};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::db_to_amplitude;

/// How the two channels are mixed anew. Neutral by default, and then bit-transparent.
///
/// In this order: polarity, swap, mid and side gains, balance.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct ImageSettings {
    /// Gain of the mid (half the sum of the channels), -60 to 12 dB. Default: 0.
    pub mid_gain_db: f64,
    /// Gain of the side (half the difference), -60 to 12 dB. Default: 0.
    pub side_gain_db: f64,
    /// Balance, -100 (left only) to 100 % (right only): the other channel falls, linearly in amplitude. Default: 0.
    pub balance_percent: f64,
    /// Turns the left channel's polarity. Default: no.
    pub invert_left: bool,
    /// Turns the right channel's polarity. Default: no.
    pub invert_right: bool,
    /// Exchanges the channels. Default: no.
    pub swap: bool,
}

parameters!(ImageSettings {
    mid_gain_db: Within(-60.0, 12.0),
    side_gain_db: Within(-60.0, 12.0),
    balance_percent: Within(-100.0, 100.0),
});

impl ImageSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("image", None)
    }
}

/// The matrix. No latency and no memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Image {
    /// Gains from left and right into left, then into right.
    matrix: [[f64; 2]; 2],
}

impl Image {
    /// The matrix of validated settings.
    pub fn new(settings: &ImageSettings) -> Self {
        let (mid, side) = (db_to_amplitude(settings.mid_gain_db), db_to_amplitude(settings.side_gain_db));
        let (own, other) = (0.5 * (mid + side), 0.5 * (mid - side));
        let balance = settings.balance_percent / 100.0;
        let mut matrix = [[own, other], [other, own]].map(|row| if settings.swap { [row[1], row[0]] } else { row });
        for (row, gain) in matrix.iter_mut().zip([1.0 - balance.max(0.0), 1.0 + balance.min(0.0)]) {
            for (weight, invert) in row.iter_mut().zip([settings.invert_left, settings.invert_right]) {
                *weight *= if invert { -gain } else { gain };
            }
        }
        Self { matrix }
    }
}

impl Processor for Image {
    fn process(&mut self, frames: &mut [Frame]) {
        let [to_left, to_right] = self.matrix;
        for frame in frames {
            let [left, right] = *frame;
            *frame = [to_left[0] * left + to_left[1] * right, to_right[0] * left + to_right[1] * right];
        }
    }

    /// Nothing to forget.
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{check_promises, noise};

    fn one(settings: ImageSettings, frame: Frame) -> Frame {
        settings.validate().unwrap();
        let mut frames = [frame];
        Image::new(&settings).process(&mut frames);
        frames[0]
    }

    #[test]
    fn each_setting_does_what_it_says() {
        let near = |a: Frame, b: Frame| (a[0] - b[0]).abs() < 1e-15 && (a[1] - b[1]).abs() < 1e-15;
        let neutral = ImageSettings::default();
        let frame = [0.9, 0.3];
        assert_eq!(one(neutral, frame), frame);
        assert!(near(one(ImageSettings { swap: true, ..neutral }, frame), [0.3, 0.9]));
        assert!(near(one(ImageSettings { invert_left: true, ..neutral }, frame), [-0.9, 0.3]));
        assert!(near(one(ImageSettings { invert_right: true, ..neutral }, frame), [0.9, -0.3]));
        assert!(near(one(ImageSettings { balance_percent: 50.0, ..neutral }, frame), [0.45, 0.3]));
        assert!(near(one(ImageSettings { balance_percent: -100.0, ..neutral }, frame), [0.9, 0.0]));
        let [left, right] = one(ImageSettings { mid_gain_db: -6.0, ..neutral }, frame);
        assert!((left + right - 1.2 * 10f64.powf(-0.3)).abs() < 1e-15 && (left - right - 0.6).abs() < 1e-15);
        assert!(ImageSettings { side_gain_db: 13.0, ..neutral }.validate().is_err());
    }

    #[test]
    fn the_common_promises_hold() {
        let input = noise(100, 3);
        let mut output = input.clone();
        Image::new(&ImageSettings::default()).process(&mut output);
        assert_eq!(input, output);
        check_promises(&Image::new(&ImageSettings { side_gain_db: 3.0, ..Default::default() }), 2.0);
    }
}
