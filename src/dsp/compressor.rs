//! Feed-forward compressor with soft knee, linked channels, level as short-term power.
//!
//! Detector, gain computer and smoothing follow D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range
//! Compressor Design", JAES 60(6), 2012 (smoothed branching on the gain reduction in dB). The gain is computed about
//! 1 400 times a second and ramped between: a compressor for mixes and buses, with attacks of 2 ms and more.

use serde::{Deserialize, Serialize};

use super::Frame;
use crate::error::{Error, Result};
use crate::units::{db_to_amplitude, db_to_power, one_pole_coefficient, power_to_db};

/// How a compressor works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompressorSettings {
    /// Level where compression begins, dB of mean square (a full-scale sine is at -3.01), -80 to 0. Default: -18.
    pub threshold_db: f64,
    /// Input change over output change above the threshold, 1 (none) to 20. Default: 2.
    pub ratio: f64,
    /// Width of the range around the threshold over which the ratio sets in, 0 to 24 dB. Default: 6.
    pub knee_db: f64,
    /// Time to 63 % of a rise in gain reduction, 2 to 500 ms. Default: 20.
    pub attack_ms: f64,
    /// Time to 63 % of a fall in gain reduction, 10 to 5000 ms. Default: 150.
    pub release_ms: f64,
    /// Gain after compression, -24 to 24 dB. Default: 0.
    pub makeup_db: f64,
}

impl Default for CompressorSettings {
    fn default() -> Self {
        Self { threshold_db: -18.0, ratio: 2.0, knee_db: 6.0, attack_ms: 20.0, release_ms: 150.0, makeup_db: 0.0 }
    }
}

impl CompressorSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names `stage` and the first field out of range.
    pub fn validate(&self, stage: &str) -> Result<()> {
        let fields = [
            ("threshold_db", self.threshold_db, -80.0, 0.0),
            ("ratio", self.ratio, 1.0, 20.0),
            ("knee_db", self.knee_db, 0.0, 24.0),
            ("attack_ms", self.attack_ms, 2.0, 500.0),
            ("release_ms", self.release_ms, 10.0, 5000.0),
            ("makeup_db", self.makeup_db, -24.0, 24.0),
        ];
        for (field, value, low, high) in fields {
            if !(low..=high).contains(&value) {
                return Err(Error::setting(format!("{stage}.{field}"), format!("{value} is outside {low} to {high}")));
            }
        }
        Ok(())
    }

    /// Reduction in dB (0 or more) that a steady level calls for.
    pub fn static_reduction_db(&self, level_db: f64) -> f64 {
        let over = level_db - self.threshold_db;
        let slope = 1.0 - 1.0 / self.ratio;
        if over <= -0.5 * self.knee_db {
            0.0
        } else if over >= 0.5 * self.knee_db {
            slope * over
        } else {
            slope * (over + 0.5 * self.knee_db).powi(2) / (2.0 * self.knee_db)
        }
    }
}

/// Frames between two computations of the gain: about 0.7 ms.
pub(super) fn control_interval_frames(sample_rate_hz: u32) -> usize {
    (f64::from(sample_rate_hz) * 0.0007).round().max(2.0) as usize
}

/// The level-to-gain half of a compressor, stepped once per control interval.
#[derive(Debug, Clone)]
pub(super) struct GainComputer {
    settings: CompressorSettings,
    makeup: f64,
    /// Mean square below which there is nothing to reduce.
    knee_start_power: f64,
    averaging: f64,
    attack: f64,
    release: f64,
    mean_square: f64,
    reduction_db: f64,
}

impl GainComputer {
    /// Averaging time of the level detector: long enough that a bass note's own waveform does not wobble the gain.
    const AVERAGING_S: f64 = 0.005;

    pub(super) fn new(settings: &CompressorSettings, sample_rate_hz: u32) -> Self {
        let steps_per_s = f64::from(sample_rate_hz) / control_interval_frames(sample_rate_hz) as f64;
        Self {
            makeup: db_to_amplitude(settings.makeup_db),
            knee_start_power: db_to_power(settings.threshold_db - 0.5 * settings.knee_db),
            averaging: one_pole_coefficient(Self::AVERAGING_S, steps_per_s),
            attack: one_pole_coefficient(settings.attack_ms * 1e-3, steps_per_s),
            release: one_pole_coefficient(settings.release_ms * 1e-3, steps_per_s),
            mean_square: 0.0,
            reduction_db: 0.0,
            settings: settings.clone(),
        }
    }

    /// The gain that follows an interval whose mean square (of the louder channel) was `power`.
    pub(super) fn step(&mut self, power: f64) -> f64 {
        self.mean_square = power + self.averaging * (self.mean_square - power);
        let wanted_db = if self.mean_square <= self.knee_start_power {
            0.0
        } else {
            self.settings.static_reduction_db(power_to_db(self.mean_square))
        };
        let coefficient = if wanted_db > self.reduction_db { self.attack } else { self.release };
        self.reduction_db = wanted_db + coefficient * (self.reduction_db - wanted_db);
        // Under a ten-thousandth of a dB a release is over: silence stays bit-exact, and no denormals linger.
        if self.reduction_db < 1e-4 {
            self.reduction_db = 0.0;
        }
        self.makeup * db_to_amplitude(-self.reduction_db)
    }

    pub(super) fn initial_gain(&self) -> f64 {
        self.makeup
    }

    pub(super) fn reduction_db(&self) -> f64 {
        self.reduction_db
    }
}

/// Mean square of the louder channel, from per-channel sums of squares over an interval.
pub(super) fn louder_mean_square(sums: Frame, frames: usize) -> f64 {
    sums[0].max(sums[1]) / frames as f64
}

/// A gain that moves in a straight line over each control interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ramp {
    pub(super) gain: f64,
    pub(super) step: f64,
}

impl Ramp {
    pub(super) fn new(gain: f64) -> Self {
        Self { gain, step: 0.0 }
    }

    /// Heads for `target`, to be reached after `frames`.
    pub(super) fn aim(&mut self, target: f64, frames: usize) {
        self.step = (target - self.gain) / frames as f64;
    }

    /// Ends the interval exactly on its target, so that rounding does not add up.
    pub(super) fn arrive(&mut self, target: f64) {
        self.gain = target;
    }
}

/// A compressor on the whole stereo signal. No latency: the gain lags its cause by one control interval, about 0.7 ms.
#[derive(Debug, Clone)]
pub struct Compressor {
    computer: GainComputer,
    interval: usize,
    position: usize,
    sums: Frame,
    ramp: Ramp,
    target: f64,
    max_reduction_db: f64,
}

impl Compressor {
    /// A compressor at rest, from validated settings.
    pub fn new(settings: &CompressorSettings, sample_rate_hz: u32) -> Self {
        let computer = GainComputer::new(settings, sample_rate_hz);
        let gain = computer.initial_gain();
        Self {
            computer,
            interval: control_interval_frames(sample_rate_hz),
            position: 0,
            sums: [0.0; 2],
            ramp: Ramp::new(gain),
            target: gain,
            max_reduction_db: 0.0,
        }
    }

    /// Compresses a block in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        let mut rest = frames;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at_mut(rest.len().min(self.interval - self.position));
            for frame in piece.iter_mut() {
                self.sums = [self.sums[0] + frame[0] * frame[0], self.sums[1] + frame[1] * frame[1]];
                self.ramp.gain += self.ramp.step;
                *frame = [frame[0] * self.ramp.gain, frame[1] * self.ramp.gain];
            }
            self.position += piece.len();
            if self.position == self.interval {
                self.ramp.arrive(self.target);
                self.target = self.computer.step(louder_mean_square(self.sums, self.interval));
                self.ramp.aim(self.target, self.interval);
                self.max_reduction_db = self.max_reduction_db.max(self.computer.reduction_db());
                self.sums = [0.0; 2];
                self.position = 0;
            }
            rest = tail;
        }
    }

    /// The deepest gain reduction so far, dB (0 or more).
    pub fn max_reduction_db(&self) -> f64 {
        self.max_reduction_db
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;

    fn sine(amplitude: f64, frames: usize) -> Vec<Frame> {
        (0..frames).map(|n| amplitude * (n as f64 * 0.3).sin()).map(|x| [x, x]).collect()
    }

    fn level_db(frames: &[Frame]) -> f64 {
        power_to_db(frames.iter().map(|f| f[0] * f[0]).sum::<f64>() / frames.len() as f64)
    }

    #[test]
    fn static_curve_is_met_by_steady_tones() {
        let settings = CompressorSettings { threshold_db: -20.0, ratio: 4.0, knee_db: 6.0, ..Default::default() };
        for (amplitude, expected_db) in [(0.5, 0.75 * (20.0 - 9.03)), (0.1414, 0.75 * 9.0 / 12.0), (0.05, 0.0)] {
            let input = sine(amplitude, 96_000);
            let mut output = input.clone();
            Compressor::new(&settings, RATE_HZ).process(&mut output);
            let reduction_db = level_db(&input[72_000..]) - level_db(&output[72_000..]);
            assert!((reduction_db - expected_db).abs() < 0.05, "{amplitude}: {reduction_db} instead of {expected_db}");
        }
    }

    #[test]
    fn attack_and_release_take_their_time() {
        let settings = CompressorSettings {
            threshold_db: -30.0,
            ratio: 2.0,
            attack_ms: 50.0,
            release_ms: 200.0,
            ..Default::default()
        };
        let mut computer = GainComputer::new(&settings, RATE_HZ);
        let steps_per_s = f64::from(RATE_HZ) / control_interval_frames(RATE_HZ) as f64;
        let mut time_to = |power: f64, reached: &dyn Fn(f64) -> bool| {
            let mut steps = 0.0;
            while !reached(computer.reduction_db()) {
                computer.step(power);
                steps += 1.0;
            }
            steps / steps_per_s
        };
        let attack_s = time_to(0.1, &|db| db >= 0.632 * 10.0);
        let _settled = time_to(0.1, &|db| db >= 9.999);
        let release_s = time_to(0.0, &|db| db <= 0.368 * 10.0);
        // The level detector's own 5 ms add to both.
        assert!((0.050..0.058).contains(&attack_s), "attack {attack_s}");
        assert!((0.200..0.240).contains(&release_s), "release {release_s}");
    }

    #[test]
    fn below_the_knee_nothing_changes_and_blocks_do_not_matter() {
        let input = sine(0.01, 5000);
        let mut output = input.clone();
        Compressor::new(&CompressorSettings::default(), RATE_HZ).process(&mut output);
        assert_eq!(input, output);

        let (mut whole, mut parts) = (sine(0.9, 5000), sine(0.9, 5000));
        Compressor::new(&CompressorSettings::default(), RATE_HZ).process(&mut whole);
        let mut compressor = Compressor::new(&CompressorSettings::default(), RATE_HZ);
        parts.chunks_mut(101).for_each(|block| compressor.process(block));
        assert_eq!(whole, parts);
    }

    #[test]
    fn out_of_range_settings_are_named() {
        let error = CompressorSettings { ratio: 0.5, ..Default::default() }.validate("glue").unwrap_err();
        assert_eq!(error.to_string(), "glue.ratio: 0.5 is outside 1 to 20");
    }
}
