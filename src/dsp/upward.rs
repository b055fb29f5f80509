//! Upward compression: what is quiet is made louder, what is loud stays.
//!
//! Below the threshold the gain grows by `1 - 1 / ratio` dB for each dB, up to a range (U. Zoelzer, "DAFX", 2nd edition,
//! 4.2). Below a floor it shrinks again dB for dB, so that noise in pauses is not raised. The level is the mean square
//! over 10 ms of the louder channel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ride::{Levels, Ride};
use super::{Frame, Processor, Retune, glide};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::{db_to_amplitude, one_pole_coefficient, power_to_db};

/// How quiet passages are made louder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct UpwardSettings {
    /// Level below which the gain grows, -80 to 0 dB of mean square. Default: -35.
    pub threshold_db: f64,
    /// Input change over output change below the threshold, 1 (none) to 20. Default: 1.5.
    pub ratio: f64,
    /// The largest gain, 0 to 24 dB. Default: 6.
    pub range_db: f64,
    /// Level below which the gain shrinks again, -100 to -20 dB. Default: -65.
    pub floor_db: f64,
    /// Time to 63 % of the way down when the level rises, 1 to 500 ms. Default: 10.
    pub attack_ms: f64,
    /// Time to 63 % of the way up when the level falls, 10 to 5000 ms. Default: 200.
    pub release_ms: f64,
}

impl Default for UpwardSettings {
    fn default() -> Self {
        Self { threshold_db: -35.0, ratio: 1.5, range_db: 6.0, floor_db: -65.0, attack_ms: 10.0, release_ms: 200.0 }
    }
}

parameters!(UpwardSettings {
    threshold_db: Within(-80.0, 0.0),
    ratio: Within(1.0, 20.0),
    range_db: Within(0.0, 24.0),
    floor_db: Within(-100.0, -20.0),
    attack_ms: Within(1.0, 500.0),
    release_ms: Within(10.0, 5000.0),
});

impl UpwardSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("upward", None)
    }

    /// Gain in dB (0 or more) that a steady level calls for.
    pub fn static_gain_db(&self, level_db: f64) -> f64 {
        let slope = 1.0 - 1.0 / self.ratio;
        let gain_db = (slope * (self.threshold_db - level_db.max(self.floor_db))).clamp(0.0, self.range_db);
        (gain_db - (self.floor_db - level_db).max(0.0)).max(0.0)
    }
}

/// The upward compressor. No latency.
#[derive(Debug, Clone)]
pub struct UpwardCompressor {
    sample_rate_hz: u32,
    ride: Ride,
    law: Law,
}

#[derive(Debug, Clone)]
struct Law {
    settings: UpwardSettings,
    attack: f64,
    release: f64,
    averaging: f64,
    mean_square: f64,
    gain_db: f64,
}

impl UpwardCompressor {
    /// A compressor at rest, from validated settings.
    pub fn new(settings: &UpwardSettings, sample_rate_hz: u32) -> Self {
        let ride = Ride::new(1.0, sample_rate_hz);
        let steps_per_s = ride.steps_per_s(sample_rate_hz);
        let law = Law {
            settings: *settings,
            attack: one_pole_coefficient(settings.attack_ms * 1e-3, steps_per_s),
            release: one_pole_coefficient(settings.release_ms * 1e-3, steps_per_s),
            averaging: one_pole_coefficient(0.01, steps_per_s),
            mean_square: 0.0,
            gain_db: 0.0,
        };
        Self { sample_rate_hz, ride, law }
    }

    /// The present gain, dB (0 or more).
    pub fn gain_db(&self) -> f64 {
        self.law.gain_db
    }
}

impl Processor for UpwardCompressor {
    fn process(&mut self, frames: &mut [Frame]) {
        self.ride.process(frames, |levels| self.law.gain(levels));
    }

    fn reset(&mut self) {
        *self = Self::new(&self.law.settings, self.sample_rate_hz);
    }
}

impl Law {
    fn gain(&mut self, levels: Levels) -> f64 {
        self.mean_square = (levels.mean_square + self.averaging * (self.mean_square - levels.mean_square)).max(1e-30);
        let wanted_db = self.settings.static_gain_db(power_to_db(self.mean_square));
        let coefficient = if wanted_db < self.gain_db { self.attack } else { self.release };
        self.gain_db = glide(self.gain_db, wanted_db, coefficient);
        db_to_amplitude(self.gain_db)
    }
}

impl Retune for UpwardCompressor {
    type Settings = UpwardSettings;

    fn retuned(&self, settings: &UpwardSettings) -> Self {
        let Law { mean_square, gain_db, .. } = self.law;
        Self { law: Law { mean_square, gain_db, ..Self::new(settings, self.sample_rate_hz).law }, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::check_promises;
    use crate::units::{amplitude_to_db, db_to_power};

    const RATE_HZ: u32 = 48_000;

    fn tone(amplitude: f64, frames: usize) -> Vec<Frame> {
        (0..frames).map(|n| amplitude * (n as f64 * 0.3).sin()).map(|x| [x, x]).collect()
    }

    #[test]
    fn steady_levels_meet_the_static_curve() {
        let settings =
            UpwardSettings { threshold_db: -30.0, ratio: 2.0, range_db: 12.0, floor_db: -60.0, ..Default::default() };
        let amplitude = |db: f64| 10f64.powf((db + 3.0103) / 20.0);
        for (level_db, expected_db) in
            [(-20.0, 0.0), (-40.0, 5.0), (-50.0, 10.0), (-58.0, 12.0), (-65.0, 7.0), (-80.0, 0.0)]
        {
            let mut frames = tone(amplitude(level_db), 96_000);
            let mut compressor = UpwardCompressor::new(&settings, RATE_HZ);
            compressor.process(&mut frames);
            let change_db = 20.0 * (frames[95_000][0] / tone(amplitude(level_db), 96_000)[95_000][0]).log10();
            assert!((change_db - expected_db).abs() < 0.05, "{level_db}: {change_db}");
        }
    }

    #[test]
    fn attack_and_release_take_their_time() {
        let settings =
            UpwardSettings { threshold_db: -20.0, ratio: 20.0, range_db: 10.0, attack_ms: 50.0, ..Default::default() };
        let mut compressor = UpwardCompressor::new(&settings, RATE_HZ);
        let mut time_to = |amplitude: f64, reached: &dyn Fn(f64) -> bool| {
            let mut ms = 0.0;
            while !reached(compressor.gain_db()) {
                compressor.process(&mut tone(amplitude, 48));
                ms += 1.0;
            }
            ms
        };
        let release_ms = time_to(0.01, &|db| db >= 6.32);
        assert!((198.0..206.0).contains(&release_ms), "{release_ms}");
        let _settled = time_to(0.01, &|db| db > 9.999);
        let attack_ms = time_to(1.0, &|db| db <= 3.68);
        assert!((50.0..54.0).contains(&attack_ms), "{attack_ms}");
    }

    #[test]
    fn the_slowest_release_arrives_and_silence_ends_at_unity() {
        // A gain of 1.4 dB, and 15 000 steps to 63 % of it: the first is under 1e-4 dB.
        let settings = UpwardSettings { release_ms: 5000.0, ..Default::default() };
        let mut law = UpwardCompressor::new(&settings, RATE_HZ).law;
        let mut play = |level_db: f64, seconds: usize| {
            let levels = Levels { peak: 1.0, mean_square: db_to_power(level_db) };
            (0..3000 * seconds).fold(0.0, |_, _| law.gain(levels))
        };
        let gain_db = amplitude_to_db(play(-39.2, 60));
        assert!((gain_db - 1.4).abs() < 1e-4, "{gain_db}");
        assert_eq!(play(f64::NEG_INFINITY, 1), 1.0);
    }

    #[test]
    fn blocks_do_not_matter_nor_do_extremes_and_changes_do_not_click() {
        let settings = UpwardSettings::default();
        let (mut whole, mut parts) = (tone(0.005, 5000), tone(0.005, 5000));
        UpwardCompressor::new(&settings, RATE_HZ).process(&mut whole);
        let mut compressor = UpwardCompressor::new(&settings, RATE_HZ);
        parts.chunks_mut(101).for_each(|block| compressor.process(block));
        assert_eq!(whole, parts);
        let mut denormal = vec![[1e-310, 0.0]; 3000];
        compressor.process(&mut denormal);
        assert!(denormal.iter().flatten().all(|x| x.is_finite()));
        let louder = UpwardSettings { threshold_db: 0.0, ratio: 20.0, range_db: 20.0, ..settings };
        let click_db = crate::dsp::smooth::tests::click_db(UpwardCompressor::new(&settings, RATE_HZ), &[&louder]);
        assert!(click_db < -80.0, "{click_db} dBFS");
    }

    #[test]
    fn the_common_promises_hold() {
        for rate_hz in [8_000, 44_100, 384_000] {
            let settings = UpwardSettings { threshold_db: 0.0, ..Default::default() };
            check_promises(&UpwardCompressor::new(&settings, rate_hz), 2.0);
        }
    }
}
