//! From levels to gains: what is computed once per control interval, and the straight lines between.

use super::settings::{CompressorSettings, Detector};
use crate::dsp::{Frame, glide};
use crate::units::{db_to_amplitude, db_to_power, one_pole_coefficient, power_to_db};

/// Frames between two computations of the gain: about 0.7 ms.
pub(in crate::dsp) fn control_interval_frames(sample_rate_hz: u32) -> usize {
    (f64::from(sample_rate_hz) * 0.0007).round().max(2.0) as usize
}

/// The level-to-gain half of a compressor, stepped once per control interval.
#[derive(Debug, Clone)]
pub(in crate::dsp) struct GainComputer {
    settings: CompressorSettings,
    makeup: f64,
    /// Share of the input in the output.
    dry: f64,
    /// Mean square below which there is nothing to reduce.
    knee_start_power: f64,
    averaging: f64,
    attack: f64,
    release: f64,
    slow_release: f64,
    mean_square: f64,
    /// Reductions with the release as set, with the slow one, and the larger of both.
    fast_db: f64,
    slow_db: f64,
    reduction_db: f64,
}

impl GainComputer {
    /// Averaging time of the level detector: long enough that a bass note's own waveform does not wobble the gain.
    const AVERAGING_S: f64 = 0.005;
    /// How much slower a program-dependent release gets.
    const SLOWER: f64 = 5.0;

    pub(in crate::dsp) fn new(settings: &CompressorSettings, sample_rate_hz: u32) -> Self {
        let steps_per_s = f64::from(sample_rate_hz) / control_interval_frames(sample_rate_hz) as f64;
        Self {
            makeup: db_to_amplitude(settings.makeup_db),
            knee_start_power: db_to_power(settings.threshold_db - 0.5 * settings.knee_db),
            dry: 1.0 - settings.mix_percent / 100.0,
            averaging: match settings.detector {
                Detector::Rms => one_pole_coefficient(Self::AVERAGING_S, steps_per_s),
                Detector::Peak => 0.0,
            },
            attack: one_pole_coefficient(settings.attack_ms * 1e-3, steps_per_s),
            release: one_pole_coefficient(settings.release_ms * 1e-3, steps_per_s),
            slow_release: one_pole_coefficient(Self::SLOWER * settings.release_ms * 1e-3, steps_per_s),
            mean_square: 0.0,
            fast_db: 0.0,
            slow_db: 0.0,
            reduction_db: 0.0,
            settings: settings.clone(),
        }
    }

    /// The gain that follows an interval whose mean square (of the louder channel) was `power`.
    pub(in crate::dsp) fn step(&mut self, power: f64) -> f64 {
        // The floor, far below any threshold, keeps a long silence from ending in denormals.
        self.mean_square = (power + self.averaging * (self.mean_square - power)).max(1e-30);
        let wanted_db = if self.mean_square <= self.knee_start_power {
            0.0
        } else {
            self.settings.static_reduction_db(power_to_db(self.mean_square))
        };
        let coefficient = if wanted_db > self.fast_db { self.attack } else { self.release };
        self.fast_db = glide(self.fast_db, wanted_db, coefficient);
        self.reduction_db = self.fast_db;
        if self.settings.program_dependent_release {
            self.slow_db = glide(self.slow_db, self.fast_db, self.slow_release);
            self.reduction_db = self.fast_db.max(self.slow_db);
        }
        self.gain()
    }

    /// The gain that goes with the present reduction.
    pub(in crate::dsp) fn gain(&self) -> f64 {
        let wet = self.makeup * db_to_amplitude(-self.reduction_db);
        wet + self.dry * (1.0 - wet)
    }

    /// One of other settings in the same state.
    pub(in crate::dsp) fn retuned(&self, settings: &CompressorSettings, sample_rate_hz: u32) -> Self {
        let (mean_square, fast_db, slow_db, reduction_db) =
            (self.mean_square, self.fast_db, self.slow_db, self.reduction_db);
        Self { mean_square, fast_db, slow_db, reduction_db, ..Self::new(settings, sample_rate_hz) }
    }

    /// Back to no reduction.
    pub(in crate::dsp) fn reset(&mut self) {
        (self.mean_square, self.fast_db, self.slow_db, self.reduction_db) = (0.0, 0.0, 0.0, 0.0);
    }

    pub(in crate::dsp) fn reduction_db(&self) -> f64 {
        self.reduction_db
    }
}

/// Mean square of the louder channel, from per-channel sums of squares over an interval.
pub(in crate::dsp) fn louder_mean_square(sums: Frame, frames: usize) -> f64 {
    sums[0].max(sums[1]) / frames as f64
}

/// A gain that moves in a straight line over each control interval.
#[derive(Debug, Clone, Copy)]
pub(in crate::dsp) struct Ramp {
    pub(in crate::dsp) gain: f64,
    pub(in crate::dsp) step: f64,
}

impl Ramp {
    pub(in crate::dsp) fn new(gain: f64) -> Self {
        Self { gain, step: 0.0 }
    }

    /// Heads for `target`, to be reached after `frames`.
    pub(in crate::dsp) fn aim(&mut self, target: f64, frames: usize) {
        self.step = (target - self.gain) / frames as f64;
    }

    /// Ends the interval exactly on its target, so that rounding does not add up.
    pub(in crate::dsp) fn arrive(&mut self, target: f64) {
        self.gain = target;
    }
}
