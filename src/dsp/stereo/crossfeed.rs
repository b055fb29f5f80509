//! Crossfeed for headphones: each ear gets the other channel's bass, as from speakers.
//!
//! The corner of the bleed and how much of it there is follow the convention of the bs2b project: levels of the two
//! paths from `feed_db`, first-order low-pass across, first-order high shelf along (B. Bauer, "Stereophonic Earphones
//! and Binaural Loudspeakers", JAES 9, 1961). A centred sound keeps its level at low frequencies.

use std::f64::consts::TAU;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::section::flushed;
use super::super::{Frame, Processor};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::{amplitude_to_db, db_to_amplitude};

/// How much bleeds, and up to where.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct CrossfeedSettings {
    /// Corner of the bleed, 300 to 2000 Hz. Default: 700.
    pub frequency_hz: f64,
    /// Level difference of the direct over the crossed path at low frequencies, 1 to 15 dB. Default: 4.5.
    pub feed_db: f64,
}

impl Default for CrossfeedSettings {
    fn default() -> Self {
        Self { frequency_hz: 700.0, feed_db: 4.5 }
    }
}

parameters!(CrossfeedSettings { frequency_hz: Within(300.0, 2000.0), feed_db: Within(1.0, 15.0) });

impl CrossfeedSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names `stage` and the first field out of range.
    pub fn validate(&self, stage: &str) -> Result<()> {
        self.check(stage, None)
    }

    /// Gains of the crossed path, of the shelf's cut, and the shelf's corner in Hz.
    fn paths(&self) -> (f64, f64, f64) {
        let low_db = -5.0 / 6.0 * self.feed_db - 3.0;
        let cut = 1.0 - db_to_amplitude(self.feed_db / 6.0 - 3.0);
        let shelf_hz = self.frequency_hz * 2f64.powf((low_db - amplitude_to_db(cut)) / 12.0);
        (db_to_amplitude(low_db), cut, shelf_hz)
    }

    /// Power gains of mid and side at a frequency, of the analogue paths, with a centred sound at low frequencies as 1.
    pub fn mid_side_power_at(&self, frequency_hz: f64) -> [f64; 2] {
        let (crossed, cut, shelf_hz) = self.paths();
        // 1 / (1 + j r) as real and imaginary part.
        let low_pass = |corner_hz: f64| {
            let ratio = frequency_hz / corner_hz;
            let norm = 1.0 / (1.0 + ratio * ratio);
            [norm, -ratio * norm]
        };
        let (across, along) = (low_pass(self.frequency_hz), low_pass(shelf_hz));
        let direct = [1.0 - cut * along[0], -cut * along[1]];
        let scale = 1.0 / (1.0 - cut + crossed).powi(2);
        [1.0, -1.0].map(|sign| {
            let re = direct[0] + sign * crossed * across[0];
            let im = direct[1] + sign * crossed * across[1];
            scale * (re * re + im * im)
        })
    }
}

/// The stage. No latency.
#[derive(Debug, Clone)]
pub struct Crossfeed {
    crossed: f64,
    cut: f64,
    scale: f64,
    across: f64,
    along: f64,
    low: [Frame; 2],
}

impl Crossfeed {
    /// The stage at rest, from validated settings.
    pub fn new(settings: &CrossfeedSettings, sample_rate_hz: u32) -> Self {
        let (crossed, cut, shelf_hz) = settings.paths();
        let pole = |hz: f64| (-TAU * hz / f64::from(sample_rate_hz)).exp();
        Self {
            crossed,
            cut,
            scale: 1.0 / (1.0 - cut + crossed),
            across: pole(settings.frequency_hz),
            along: pole(shelf_hz),
            low: [[0.0; 2]; 2],
        }
    }
}

impl Processor for Crossfeed {
    fn process(&mut self, frames: &mut [Frame]) {
        let [across, along] = &mut self.low;
        for frame in frames {
            for channel in 0..2 {
                across[channel] = flushed(frame[channel] + self.across * (across[channel] - frame[channel]));
                along[channel] = flushed(frame[channel] + self.along * (along[channel] - frame[channel]));
            }
            *frame = [0, 1].map(|c| self.scale * (frame[c] - self.cut * along[c] + self.crossed * across[1 - c]));
        }
    }

    fn reset(&mut self) {
        self.low = [[0.0; 2]; 2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{channel, check_promises, impulse, response};

    #[test]
    fn a_centred_bass_keeps_its_level_and_a_hard_left_one_bleeds_by_the_feed() {
        let settings = CrossfeedSettings::default();
        let [mid, side] = settings.mid_side_power_at(1.0);
        assert!((mid - 1.0).abs() < 1e-4);
        // Left only: the direct path over the crossed one is the feed.
        let (direct, crossed) = (0.5 * (mid.sqrt() + side.sqrt()), 0.5 * (mid.sqrt() - side.sqrt()));
        assert!((amplitude_to_db(direct / crossed) - 4.5).abs() < 0.2, "{}", amplitude_to_db(direct / crossed));
        assert!(settings.mid_side_power_at(15_000.0)[1] > settings.mid_side_power_at(100.0)[1]);
    }

    #[test]
    fn the_stage_follows_its_analogue_paths() {
        let settings = CrossfeedSettings::default();
        let rate = 192_000;
        let mut signal = impulse(1 << 16);
        signal[0][1] = 0.0;
        Crossfeed::new(&settings, rate).process(&mut signal);
        let (left, right) = (response(&channel(&signal, 0)), response(&channel(&signal, 1)));
        for hz in [100.0f64, 700.0, 2_000.0, 6_000.0] {
            let bin = (hz * signal.len() as f64 / f64::from(rate)).round();
            let at = settings.mid_side_power_at(bin * f64::from(rate) / signal.len() as f64);
            let bin = bin as usize;
            let found = [left[bin] + right[bin], left[bin] - right[bin]].map(|x| x.norm_sqr());
            for (found, wanted) in found.into_iter().zip(at) {
                assert!((10.0 * (found / wanted).log10()).abs() < 0.2, "{hz} Hz: {found} for {wanted}");
            }
        }
    }

    #[test]
    fn it_keeps_the_promises_of_every_processor() {
        check_promises(&Crossfeed::new(&CrossfeedSettings::default(), 48_000), 3.0);
    }
}
