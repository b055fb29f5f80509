//! How much of the music stands out of the noise, over time and over its bands.

use super::super::ear::Ear;
use super::ramp;
use crate::units::power_to_db;

/// A band is heard from this much under the noise up to this much over it, dB: not at all, to surely.
const HEARD_DB: [f64; 2] = [-3.0, 9.0];

/// For each frame that is no pause, the share of its bands that stands out of the noise, 0 to 1: each band counts by
/// its part in the loudness of the whole programme. `None` without noise.
pub(super) fn frames(ear: &Ear<'_>, pauses: &[bool]) -> Option<Vec<f32>> {
    ear.device.noise?;
    let programme = ear.programme;
    let parts = programme.loudness_parts(&programme.whole);
    let all: f64 = parts.iter().sum();
    let frame = |(index, &is_pause): (usize, &bool)| {
        if is_pause {
            return f32::NAN;
        }
        let heard = ear.frame(index).zip(ear.floor.iter().zip(&parts)).map(|([mid, side], (floor, part))| {
            let over_db = power_to_db((mid + side) / floor);
            part * ramp(over_db, HEARD_DB[0], HEARD_DB[1])
        });
        (heard.sum::<f64>() / all) as f32
    };
    Some(pauses.iter().enumerate().map(frame).collect())
}
