//! Stereo width by band, down to mono: a wide top over a bass in the middle.
//!
//! The side passes the four-band crossover and its bands get their own gains; the mid passes the same allpass, so that
//! the two stay in phase. See [`super::super::crossover`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::crossover::{BANDS, FourBandSplitter, Splitter};
use super::super::multiband::DEFAULT_CORNERS_HZ;
use super::super::section::flushed;
use super::super::{Frame, Processor};
use crate::dsp::parameter::{Parameters, describe, exactly, parameters};
use crate::error::{Error, Result};

/// How wide each band is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct BandWidthSettings {
    /// Corner frequencies between the bands, rising, 20 Hz to 0.45 of the sample rate. Default: 120, 700, 5000.
    #[serde(deserialize_with = "exactly")]
    pub corners_hz: [f64; BANDS - 1],
    /// Width of each band, lowest first: 0 (mono) to 400 %, 100 for no change. Default: 100 each.
    #[serde(deserialize_with = "exactly")]
    pub width_percent: [f64; BANDS],
}

impl Default for BandWidthSettings {
    fn default() -> Self {
        Self { corners_hz: DEFAULT_CORNERS_HZ, width_percent: [100.0; BANDS] }
    }
}

parameters!(BandWidthSettings { corners_hz: ToRate(20.0, 0.45), width_percent: Within(0.0, 400.0) });

impl BandWidthSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first field out of range.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        self.check("band_width", Some(sample_rate_hz))?;
        if !self.corners_hz.is_sorted_by(|low, high| low < high) {
            let reason = format!("{:?} must rise; sort them", self.corners_hz);
            return Err(Error::setting("band_width.corners_hz", reason));
        }
        Ok(())
    }
}

/// The stage. No latency; phases turn around the corners, unless no band is changed: then no bit is.
#[derive(Debug, Clone)]
pub struct BandWidth {
    splitter: FourBandSplitter,
    gains: [f64; BANDS],
}

impl BandWidth {
    /// The stage at rest, from validated settings.
    pub fn new(settings: &BandWidthSettings, sample_rate_hz: u32) -> Self {
        Self {
            splitter: FourBandSplitter::new(&settings.corners_hz, sample_rate_hz),
            gains: settings.width_percent.map(|percent| percent / 100.0),
        }
    }
}

impl Processor for BandWidth {
    fn process(&mut self, frames: &mut [Frame]) {
        /// Keeps the crossover's states out of denormal numbers; the flush takes it out again.
        const FLOOR: f64 = 1e-25;
        if self.gains == [1.0; BANDS] {
            return;
        }
        for frame in frames {
            let [left, right] = *frame;
            let bands = self.splitter.split([0.5 * (left + right) + FLOOR, 0.5 * (left - right) + FLOOR]);
            let (mut mid, mut side) = (0.0, 0.0);
            for ([band_mid, band_side], gain) in bands.into_iter().zip(self.gains) {
                mid += band_mid;
                side += gain * band_side;
            }
            *frame = [flushed(mid + side), flushed(mid - side)];
        }
    }

    fn reset(&mut self) {
        self.splitter.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{channel, check_promises, noise, response, tone_amplitude};
    use crate::units::amplitude_to_db;

    const RATE_HZ: u32 = 48_000;

    #[test]
    fn the_bass_becomes_mono_and_the_top_wider() {
        let settings = BandWidthSettings { width_percent: [0.0, 100.0, 100.0, 200.0], ..Default::default() };
        for (hz, expected_db) in [(30.0, -45.0), (300.0, 0.0), (1800.0, 0.0), (20_000.0, 6.02)] {
            let wave = |n: u32| (std::f64::consts::TAU * hz * f64::from(n) / f64::from(RATE_HZ)).sin();
            let mut frames: Vec<Frame> = (0..96_000).map(|n| [0.5 * wave(n), -0.2 * wave(n)]).collect();
            BandWidth::new(&settings, RATE_HZ).process(&mut frames);
            let level_db = |of: &dyn Fn(&Frame) -> f64, input: f64| {
                let signal: Vec<f64> = frames[48_000..].iter().map(of).collect();
                amplitude_to_db(tone_amplitude(&signal, hz / f64::from(RATE_HZ)) / input)
            };
            let side_db = level_db(&|frame| frame[0] - frame[1], 0.7);
            assert!((side_db - expected_db).abs() < 0.3 || side_db < expected_db.min(-40.0), "{hz} Hz: {side_db} dB");
            assert!(level_db(&|frame| frame[0] + frame[1], 0.3).abs() < 0.001, "mid at {hz} Hz");
        }
    }

    #[test]
    fn the_sum_is_flat_and_neutral_settings_change_nothing() {
        let settings = BandWidthSettings { width_percent: [0.0, 50.0, 150.0, 300.0], ..Default::default() };
        let mut frames = vec![[0.0; 2]; 1 << 16];
        frames[0] = [1.0; 2];
        BandWidth::new(&settings, RATE_HZ).process(&mut frames);
        assert!(response(&channel(&frames, 0)).iter().all(|bin| amplitude_to_db(bin.norm()).abs() < 1e-6));
        let (input, mut output) = (noise(100, 1), noise(100, 1));
        BandWidth::new(&BandWidthSettings::default(), RATE_HZ).process(&mut output);
        assert_eq!(input, output);
    }

    #[test]
    fn the_common_promises_hold() {
        let settings = BandWidthSettings { width_percent: [0.0, 50.0, 150.0, 400.0], ..Default::default() };
        for rate_hz in [16_000, 44_100, 384_000] {
            settings.validate(rate_hz).unwrap();
            check_promises(&BandWidth::new(&settings, rate_hz), 9.0);
        }
        assert!(settings.validate(8_000).unwrap_err().to_string().starts_with("band_width.corners_hz"));
    }
}
