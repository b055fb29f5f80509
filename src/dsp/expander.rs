//! Downward expander and gate.
//!
//! Below the threshold the level falls `ratio` times as fast, down to a range (D. Giannoulis, M. Massberg, J. D. Reiss,
//! JAES 60(6), 2012; U. Zoelzer, "DAFX", 2nd edition, 4.2). A high ratio makes a gate: hysteresis and hold keep it from
//! chattering. The level is the peak, which falls with 30 ms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ride::{Levels, Ride};
use super::{Frame, Processor, Retune, glide};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::{amplitude_to_db, db_to_amplitude, one_pole_coefficient};

/// How quiet passages are made quieter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct ExpanderSettings {
    /// Peak level below which it turns down, -100 to 0 dBFS. Default: -45.
    pub threshold_db: f64,
    /// Output change over input change below the threshold, 1 (none) to 100 (a gate). Default: 2.
    pub ratio: f64,
    /// The most by which it turns down, 0 to 100 dB. Default: 20.
    pub range_db: f64,
    /// How far below the threshold the level has to fall until an open gate begins to close, 0 to 24 dB. Default: 3.
    pub hysteresis_db: f64,
    /// Time to 63 % of the way up in dB, 0.1 to 100 ms. Default: 1.
    pub attack_ms: f64,
    /// How long it stays open, 0 to 2000 ms. Default: 20.
    pub hold_ms: f64,
    /// Time to 63 % of the way down in dB, 5 to 5000 ms. Default: 100.
    pub release_ms: f64,
}

impl Default for ExpanderSettings {
    fn default() -> Self {
        Self {
            threshold_db: -45.0,
            ratio: 2.0,
            range_db: 20.0,
            hysteresis_db: 3.0,
            attack_ms: 1.0,
            hold_ms: 20.0,
            release_ms: 100.0,
        }
    }
}

parameters!(ExpanderSettings {
    threshold_db: Within(-100.0, 0.0),
    ratio: Within(1.0, 100.0),
    range_db: Within(0.0, 100.0),
    hysteresis_db: Within(0.0, 24.0),
    attack_ms: Within(0.1, 100.0),
    hold_ms: Within(0.0, 2000.0),
    release_ms: Within(5.0, 5000.0),
});

impl ExpanderSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("expander", None)
    }

    /// Reduction in dB (0 or more) that a steady level calls for, while the gate is shut.
    pub fn static_reduction_db(&self, level_db: f64) -> f64 {
        ((self.ratio - 1.0) * (self.threshold_db - level_db)).clamp(0.0, self.range_db)
    }
}

/// The expander. No latency.
#[derive(Debug, Clone)]
pub struct Expander {
    sample_rate_hz: u32,
    ride: Ride,
    law: Law,
}

#[derive(Debug, Clone)]
struct Law {
    settings: ExpanderSettings,
    attack: f64,
    release: f64,
    fall: f64,
    hold_steps: f64,
    level: f64,
    is_open: bool,
    held_steps: f64,
    reduction_db: f64,
}

impl Expander {
    /// An expander at rest, shut, from validated settings.
    pub fn new(settings: &ExpanderSettings, sample_rate_hz: u32) -> Self {
        let reduction_db = settings.static_reduction_db(f64::NEG_INFINITY);
        // Nothing times infinity: a ratio of 1.
        let reduction_db = if reduction_db.is_nan() { 0.0 } else { reduction_db };
        let ride = Ride::new(db_to_amplitude(-reduction_db), sample_rate_hz);
        let steps_per_s = ride.steps_per_s(sample_rate_hz);
        let law = Law {
            settings: *settings,
            attack: one_pole_coefficient(settings.attack_ms * 1e-3, steps_per_s),
            release: one_pole_coefficient(settings.release_ms * 1e-3, steps_per_s),
            fall: one_pole_coefficient(0.03, steps_per_s),
            hold_steps: settings.hold_ms * 1e-3 * steps_per_s,
            level: 0.0,
            is_open: false,
            held_steps: 0.0,
            reduction_db,
        };
        Self { sample_rate_hz, ride, law }
    }

    /// The present reduction, dB (0 or more).
    pub fn reduction_db(&self) -> f64 {
        self.law.reduction_db
    }
}

impl Processor for Expander {
    fn process(&mut self, frames: &mut [Frame]) {
        self.ride.process(frames, |levels| self.law.gain(levels));
    }

    fn reset(&mut self) {
        *self = Self::new(&self.law.settings, self.sample_rate_hz);
    }
}

impl Law {
    fn gain(&mut self, levels: Levels) -> f64 {
        self.level = levels.peak.max(self.fall * self.level).max(1e-9);
        let level_db = amplitude_to_db(self.level);
        if level_db >= self.settings.threshold_db {
            self.is_open = true;
            self.held_steps = 0.0;
        } else if level_db >= self.settings.threshold_db - self.settings.hysteresis_db {
            self.held_steps = 0.0;
        } else if self.is_open {
            self.is_open = self.held_steps < self.hold_steps;
            self.held_steps += 1.0;
        }
        let wanted_db = if self.is_open { 0.0 } else { self.settings.static_reduction_db(level_db) };
        let coefficient = if wanted_db < self.reduction_db { self.attack } else { self.release };
        self.reduction_db = glide(self.reduction_db, wanted_db, coefficient);
        db_to_amplitude(-self.reduction_db)
    }
}

impl Retune for Expander {
    type Settings = ExpanderSettings;

    fn retuned(&self, settings: &ExpanderSettings) -> Self {
        let Law { level, is_open, held_steps, reduction_db, .. } = self.law;
        let law = Law { level, is_open, held_steps, reduction_db, ..Self::new(settings, self.sample_rate_hz).law };
        Self { law, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::check_promises;

    const RATE_HZ: u32 = 48_000;

    fn tone(amplitude: f64, frames: usize) -> Vec<Frame> {
        (0..frames).map(|n| amplitude * (n as f64 * 0.3).sin()).map(|x| [x, x]).collect()
    }

    #[test]
    fn steady_levels_meet_the_static_curve() {
        let settings = ExpanderSettings { threshold_db: -40.0, ratio: 3.0, range_db: 30.0, ..Default::default() };
        for (amplitude, expected_db) in [(0.1, 0.0), (0.01, 0.0), (0.003_162, 20.0), (0.001, 30.0)] {
            let mut expander = Expander::new(&settings, RATE_HZ);
            let (input, mut output) = (tone(amplitude, 96_000), tone(amplitude, 96_000));
            expander.process(&mut output);
            let change_db = 20.0 * (output[95_000][0] / input[95_000][0]).log10();
            assert!((change_db + expected_db).abs() < 0.15, "{amplitude}: {change_db}");
        }
        let (input, mut output) = (tone(0.1, 96_000), tone(0.1, 96_000));
        Expander::new(&settings, RATE_HZ).process(&mut output);
        assert_eq!(input[48_000..], output[48_000..]);
    }

    #[test]
    fn a_gate_opens_holds_and_closes_in_its_times() {
        let settings = ExpanderSettings {
            threshold_db: -30.0,
            ratio: 100.0,
            range_db: 40.0,
            attack_ms: 5.0,
            hold_ms: 100.0,
            release_ms: 200.0,
            ..Default::default()
        };
        let mut gate = Expander::new(&settings, RATE_HZ);
        let mut time_to = |amplitude: f64, reached: &dyn Fn(f64) -> bool| {
            let mut ms = 0.0;
            while !reached(gate.reduction_db()) {
                gate.process(&mut tone(amplitude, 48));
                ms += 1.0;
            }
            ms
        };
        let attack_ms = time_to(0.5, &|db| db <= 0.368 * 40.0);
        assert!((5.0..=6.0).contains(&attack_ms), "{attack_ms}");
        let _open = time_to(0.5, &|db| db == 0.0);
        // The level falls from -6 to -33 dB in 93 ms, then comes the hold.
        let hold_ms = time_to(0.0, &|db| db > 0.01);
        assert!((192.0..197.0).contains(&hold_ms), "{hold_ms}");
        let release_ms = time_to(0.0, &|db| db >= 0.632 * 40.0);
        assert!((198.0..206.0).contains(&release_ms), "{release_ms}");
    }

    #[test]
    fn the_hold_begins_anew_where_the_level_comes_back() {
        let settings =
            ExpanderSettings { threshold_db: -30.0, hysteresis_db: 6.0, hold_ms: 100.0, ..Default::default() };
        let mut gate = Expander::new(&settings, RATE_HZ);
        let mut play = |amplitude: f64, ms: usize| {
            gate.process(&mut tone(amplitude, 48 * ms));
            gate.reduction_db()
        };
        assert_eq!(play(0.05, 300), 0.0);
        // The level needs 20 ms and more to fall through the hysteresis; then 60 of the 100 ms are spent.
        assert_eq!(play(0.0, 100), 0.0);
        // -33 dB opens no gate, but keeps one open.
        assert_eq!(play(0.0224, 20), 0.0);
        assert_eq!(play(0.0, 100), 0.0);
        assert!(play(0.0, 200) > 0.0);
    }

    #[test]
    fn the_slowest_release_arrives_and_an_open_gate_is_at_unity() {
        // A reduction of 1.4 dB, and 15 000 steps to 63 % of it: the first is under 1e-4 dB.
        let settings = ExpanderSettings {
            threshold_db: -40.0,
            hysteresis_db: 0.0,
            hold_ms: 0.0,
            release_ms: 5000.0,
            ..Default::default()
        };
        let mut law = Expander::new(&settings, RATE_HZ).law;
        let mut play = |level_db: f64, seconds: usize| {
            let levels = Levels { peak: db_to_amplitude(level_db), mean_square: 0.0 };
            (0..3000 * seconds).fold(0.0, |_, _| law.gain(levels))
        };
        assert_eq!(play(-20.0, 1), 1.0);
        let gain_db = amplitude_to_db(play(-41.4, 60));
        assert!((gain_db + 1.4).abs() < 1e-4, "{gain_db}");
        assert_eq!(play(-20.0, 1), 1.0);
    }

    #[test]
    fn blocks_do_not_matter_nor_do_extremes_and_changes_do_not_click() {
        let (mut whole, mut parts) = (tone(0.005, 5000), tone(0.005, 5000));
        Expander::new(&ExpanderSettings::default(), RATE_HZ).process(&mut whole);
        let mut expander = Expander::new(&ExpanderSettings::default(), RATE_HZ);
        parts.chunks_mut(101).for_each(|block| expander.process(block));
        assert_eq!(whole, parts);
        for ratio in [1.0, 100.0] {
            let settings = ExpanderSettings { ratio, range_db: 100.0, ..Default::default() };
            let mut frames = vec![[1e-310, 0.0]; 3000];
            Expander::new(&settings, RATE_HZ).process(&mut frames);
            assert!(frames.iter().flatten().all(|x| x.is_finite()));
        }
        let open = ExpanderSettings { threshold_db: -90.0, ..Default::default() };
        let shut = ExpanderSettings { threshold_db: 0.0, range_db: 40.0, ..Default::default() };
        let click_db = crate::dsp::smooth::tests::click_db(Expander::new(&open, RATE_HZ), &[&shut]);
        assert!(click_db < -80.0, "{click_db} dBFS");
    }

    #[test]
    fn the_common_promises_hold() {
        for (ratio, rate_hz) in [(2.0, 8_000), (100.0, 44_100), (2.0, 384_000)] {
            let settings = ExpanderSettings { threshold_db: -20.0, ratio, ..Default::default() };
            check_promises(&Expander::new(&settings, rate_hz), 1.001);
        }
    }
}
