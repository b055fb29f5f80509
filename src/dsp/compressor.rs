//! Feed-forward compressor with soft knee.
//!
//! Detector, gain computer and smoothing follow D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range
//! Compressor Design", JAES 60(6), 2012 (smoothed branching on the gain reduction in dB). The gain is computed about
//! 1 400 times a second and ramped between: a compressor for mixes and buses, with attacks of 2 ms and more.
//!
//! Parallel compression is the mix of two gains, dry and wet in phase. The program-dependent release is that of two
//! time constants in parallel (G. W. McNally, "Dynamic Range Control of Digital Audio Signals", JAES 32(5), 1984): a
//! slow one that short peaks hardly charge.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Frame;
use super::biquad::{Cascade, Coefficients};
use super::settled;
use super::smooth::Processor;
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::{Error, Result};
use crate::units::{db_to_amplitude, db_to_power, ms_to_frames, one_pole_coefficient, power_to_db};

/// How a compressor works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct CompressorSettings {
    /// Level where compression begins, -80 to 0 dB of mean square (a full-scale sine is at -3.01) or, of a peak
    /// detector, dBFS. Default: -18.
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
    /// What the level is. Default: RMS.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if)]
    pub detector: Detector,
    /// How far the louder channel's level counts in the other one, 0 (each for itself) to 100 %. Default: 100.
    #[serde(skip_serializing_if = "is_hundred")]
    #[schemars(!skip_serializing_if)]
    pub stereo_link_percent: f64,
    /// How long the gain moves ahead of what moves it, 0 to 20 ms; all of it is latency. Default: 0.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if)]
    pub look_ahead_ms: f64,
    /// Share of the compressed signal in the output, 0 to 100 %. Default: 100.
    #[serde(skip_serializing_if = "is_hundred")]
    #[schemars(!skip_serializing_if)]
    pub mix_percent: f64,
    /// Corner of a high-pass ahead of the detector, 12 dB per octave, 20 to 2000 Hz. Default: none.
    #[serde(skip_serializing_if = "is_default")]
    pub side_chain_high_pass_hz: Option<f64>,
    /// Whether a release takes up to five times longer the longer the reduction lasted. Default: no.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if)]
    pub program_dependent_release: bool,
}

/// What a compressor takes for the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// Mean square, averaged over 5 ms.
    #[default]
    Rms,
    /// The largest sample of each control interval.
    Peak,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn hundred() -> f64 {
    100.0
}

// The signature is serde's.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_hundred(percent: &f64) -> bool {
    *percent == hundred()
}

impl Default for CompressorSettings {
    fn default() -> Self {
        Self {
            threshold_db: -18.0,
            ratio: 2.0,
            knee_db: 6.0,
            attack_ms: 20.0,
            release_ms: 150.0,
            makeup_db: 0.0,
            detector: Detector::default(),
            stereo_link_percent: hundred(),
            look_ahead_ms: 0.0,
            mix_percent: hundred(),
            side_chain_high_pass_hz: None,
            program_dependent_release: false,
        }
    }
}

parameters!(CompressorSettings {
    threshold_db: Within(-80.0, 0.0),
    ratio: Within(1.0, 20.0),
    knee_db: Within(0.0, 24.0),
    attack_ms: Within(2.0, 500.0),
    release_ms: Within(10.0, 5000.0),
    makeup_db: Within(-24.0, 24.0),
    stereo_link_percent: Within(0.0, 100.0),
    look_ahead_ms: Within(0.0, 20.0),
    mix_percent: Within(0.0, 100.0),
    side_chain_high_pass_hz: Within(20.0, 2000.0),
});

impl CompressorSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names `stage` and the first field out of range.
    pub fn validate(&self, stage: &str) -> Result<()> {
        self.check(stage, None)
    }

    /// Checks as [`Self::validate`] does, and that nothing is set that one band of several can't do.
    pub(super) fn validate_in_band(&self, stage: &str) -> Result<()> {
        self.validate(stage)?;
        let neutral = Self::default();
        let fields = [
            ("detector", self.detector == neutral.detector),
            ("stereo_link_percent", self.stereo_link_percent == neutral.stereo_link_percent),
            ("look_ahead_ms", self.look_ahead_ms == neutral.look_ahead_ms),
            ("side_chain_high_pass_hz", self.side_chain_high_pass_hz == neutral.side_chain_high_pass_hz),
        ];
        match fields.into_iter().find(|(_, is_neutral)| !is_neutral) {
            None => Ok(()),
            Some((field, _)) => {
                Err(Error::setting(format!("{stage}.{field}"), "a band has no such setting; remove it"))
            }
        }
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

    pub(super) fn new(settings: &CompressorSettings, sample_rate_hz: u32) -> Self {
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
    pub(super) fn step(&mut self, power: f64) -> f64 {
        self.mean_square = power + self.averaging * (self.mean_square - power);
        let wanted_db = if self.mean_square <= self.knee_start_power {
            0.0
        } else {
            self.settings.static_reduction_db(power_to_db(self.mean_square))
        };
        let coefficient = if wanted_db > self.fast_db { self.attack } else { self.release };
        self.fast_db = settled(wanted_db + coefficient * (self.fast_db - wanted_db));
        self.reduction_db = self.fast_db;
        if self.settings.program_dependent_release {
            self.slow_db = settled(self.fast_db + self.slow_release * (self.slow_db - self.fast_db));
            self.reduction_db = self.fast_db.max(self.slow_db);
        }
        self.gain()
    }

    /// The gain that goes with the present reduction.
    pub(super) fn gain(&self) -> f64 {
        let wet = self.makeup * db_to_amplitude(-self.reduction_db);
        wet + self.dry * (1.0 - wet)
    }

    /// One of other settings in the same state.
    pub(super) fn retuned(&self, settings: &CompressorSettings, sample_rate_hz: u32) -> Self {
        let (mean_square, fast_db, slow_db, reduction_db) =
            (self.mean_square, self.fast_db, self.slow_db, self.reduction_db);
        Self { mean_square, fast_db, slow_db, reduction_db, ..Self::new(settings, sample_rate_hz) }
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

/// A compressor on the whole stereo signal. Its only latency is the look-ahead; without one the gain lags its cause by
/// one control interval, about 0.7 ms.
#[derive(Debug, Clone)]
pub struct Compressor {
    sample_rate_hz: u32,
    /// Of the left and the right channel; linked ones share the first.
    computers: [GainComputer; 2],
    link: f64,
    detector: Detector,
    high_pass: Cascade,
    interval: usize,
    position: usize,
    /// Sums of squares since the interval began, or largest squares.
    sums: Frame,
    ramps: [Ramp; 2],
    targets: [f64; 2],
    max_reduction_db: f64,
    /// What the detector hears of a piece of the block.
    key: Vec<Frame>,
    /// The look-ahead, a ring.
    delayed: Vec<Frame>,
    oldest: usize,
}

impl Compressor {
    /// A compressor at rest, from validated settings.
    pub fn new(settings: &CompressorSettings, sample_rate_hz: u32) -> Self {
        let computer = GainComputer::new(settings, sample_rate_hz);
        let gain = computer.gain();
        let interval = control_interval_frames(sample_rate_hz);
        let q = std::f64::consts::FRAC_1_SQRT_2;
        let high_pass = settings.side_chain_high_pass_hz.map(|hz| Coefficients::high_pass(hz, q, sample_rate_hz));
        Self {
            sample_rate_hz,
            computers: [computer.clone(), computer],
            link: settings.stereo_link_percent / 100.0,
            detector: settings.detector,
            high_pass: Cascade::new(high_pass),
            interval,
            position: 0,
            sums: [0.0; 2],
            ramps: [Ramp::new(gain); 2],
            targets: [gain; 2],
            max_reduction_db: 0.0,
            key: vec![[0.0; 2]; interval],
            delayed: vec![[0.0; 2]; ms_to_frames(settings.look_ahead_ms, sample_rate_hz)],
            oldest: 0,
        }
    }

    /// Frames by which the output lags the input.
    pub fn latency_frames(&self) -> usize {
        self.delayed.len()
    }

    /// Compresses a block in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        let mut rest = frames;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at_mut(rest.len().min(self.interval - self.position));
            if self.link == 1.0
                && self.detector == Detector::Rms
                && self.high_pass.is_identity()
                && self.delayed.is_empty()
            {
                self.process_plainly(piece);
            } else {
                self.key[..piece.len()].copy_from_slice(piece);
                self.process_keyed_piece(piece);
            }
            rest = tail;
        }
    }

    /// Compresses a block in place by the level of another signal: its frames, one for each of the block's.
    ///
    /// # Panics
    /// If the blocks differ in length.
    pub fn process_with_side_chain(&mut self, frames: &mut [Frame], side_chain: &[Frame]) {
        assert_eq!(frames.len(), side_chain.len(), "a side-chain has as many frames as the signal");
        let (mut rest, mut side_chain) = (frames, side_chain);
        while !rest.is_empty() {
            let length = rest.len().min(self.interval - self.position);
            let (piece, tail) = rest.split_at_mut(length);
            let (key, key_tail) = side_chain.split_at(length);
            self.key[..length].copy_from_slice(key);
            self.process_keyed_piece(piece);
            (rest, side_chain) = (tail, key_tail);
        }
    }

    /// The most usual settings, in one pass.
    #[inline]
    fn process_plainly(&mut self, piece: &mut [Frame]) {
        let (mut sums, mut ramp) = (self.sums, self.ramps[0]);
        for frame in piece.iter_mut() {
            sums = [sums[0] + frame[0] * frame[0], sums[1] + frame[1] * frame[1]];
            ramp.gain += ramp.step;
            *frame = [frame[0] * ramp.gain, frame[1] * ramp.gain];
        }
        self.sums = sums;
        self.ramps = [ramp; 2];
        self.advance(piece.len());
    }

    fn process_keyed_piece(&mut self, piece: &mut [Frame]) {
        let key = &mut self.key[..piece.len()];
        self.high_pass.process(key);
        for (frame, key) in piece.iter_mut().zip(key) {
            if !self.delayed.is_empty() {
                std::mem::swap(frame, &mut self.delayed[self.oldest]);
                self.oldest = (self.oldest + 1) % self.delayed.len();
            }
            for channel in 0..2 {
                let square = key[channel] * key[channel];
                self.sums[channel] = match self.detector {
                    Detector::Rms => self.sums[channel] + square,
                    Detector::Peak => self.sums[channel].max(square),
                };
                self.ramps[channel].gain += self.ramps[channel].step;
                frame[channel] *= self.ramps[channel].gain;
            }
        }
        self.advance(piece.len());
    }

    fn advance(&mut self, frames: usize) {
        self.position += frames;
        if self.position < self.interval {
            return;
        }
        self.position = 0;
        let over = match self.detector {
            Detector::Rms => self.interval as f64,
            Detector::Peak => 1.0,
        };
        let [left, right] = std::mem::take(&mut self.sums).map(|sum| sum / over);
        let louder = left.max(right);
        if self.link == 1.0 {
            self.close_interval(0, louder);
            (self.ramps[1], self.targets[1]) = (self.ramps[0], self.targets[0]);
            return;
        }
        for (channel, own) in [left, right].into_iter().enumerate() {
            self.close_interval(channel, own + self.link * (louder - own));
        }
    }

    #[inline]
    fn close_interval(&mut self, channel: usize, power: f64) {
        self.ramps[channel].arrive(self.targets[channel]);
        self.targets[channel] = self.computers[channel].step(power);
        self.ramps[channel].aim(self.targets[channel], self.interval);
        self.max_reduction_db = self.max_reduction_db.max(self.computers[channel].reduction_db());
    }

    /// The deepest gain reduction so far, dB (0 or more).
    pub fn max_reduction_db(&self) -> f64 {
        self.max_reduction_db
    }
}

impl Processor for Compressor {
    type Settings = CompressorSettings;

    fn process(&mut self, frames: &mut [Frame]) {
        self.process(frames);
    }

    fn retuned(&self, settings: &CompressorSettings) -> Self {
        let mut next = Self::new(settings, self.sample_rate_hz);
        for (next, computer) in next.computers.iter_mut().zip(&self.computers) {
            *next = computer.retuned(settings, self.sample_rate_hz);
        }
        if self.link == 1.0 {
            next.computers[1] = next.computers[0].clone();
        }
        next.targets = next.computers.each_ref().map(GainComputer::gain);
        next.ramps = next.targets.map(Ramp::new);
        (next.position, next.sums, next.max_reduction_db) = (self.position, self.sums, self.max_reduction_db);
        if next.delayed.len() == self.delayed.len() {
            next.delayed.copy_from_slice(&self.delayed);
            next.oldest = self.oldest;
        }
        next
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
        assert_eq!(error.to_string(), "glue.ratio: 0.5 is outside 1 to 20; choose a value in that range");
    }

    #[test]
    fn a_peak_detector_reads_peaks_and_a_mix_adds_the_input() {
        let settings = CompressorSettings {
            threshold_db: -20.0,
            ratio: 4.0,
            knee_db: 0.0,
            detector: Detector::Peak,
            ..Default::default()
        };
        let input = sine(0.5, 96_000);
        let reduction_db = |settings: &CompressorSettings| {
            let mut output = input.clone();
            Compressor::new(settings, RATE_HZ).process(&mut output);
            level_db(&input[72_000..]) - level_db(&output[72_000..])
        };
        let expected_db = 0.75 * (20.0 - 6.02);
        assert!((reduction_db(&settings) - expected_db).abs() < 0.05, "{}", reduction_db(&settings));
        let parallel = CompressorSettings { mix_percent: 40.0, ..settings };
        let expected_db = -20.0 * (0.6 + 0.4 * 10f64.powf(-expected_db / 20.0)).log10();
        assert!((reduction_db(&parallel) - expected_db).abs() < 0.03, "{}", reduction_db(&parallel));
    }

    #[test]
    fn the_link_decides_how_much_a_quiet_channel_moves() {
        for (link, expected_db) in [(100.0, 10.0), (0.0, 0.0), (50.0, 10.0 - 0.5 * 3.01 + 0.5 * 0.04)] {
            let settings = CompressorSettings {
                threshold_db: -23.01,
                ratio: 2.0,
                knee_db: 0.0,
                stereo_link_percent: link,
                ..Default::default()
            };
            let input: Vec<Frame> = sine(1.0, 96_000).iter().map(|f| [f[0], 0.01 * f[0]]).collect();
            let mut output = input.clone();
            Compressor::new(&settings, RATE_HZ).process(&mut output);
            let right_db = -20.0 * (output[90_003][1] / input[90_003][1]).log10();
            assert!((right_db - expected_db).abs() < 0.05, "{link} %: {right_db}");
            let left_db = -20.0 * (output[90_003][0] / input[90_003][0]).log10();
            assert!((left_db - 10.0).abs() < 0.05, "{link} %: {left_db}");
        }
    }

    #[test]
    fn look_ahead_delays_and_lets_the_gain_come_first() {
        let settings = CompressorSettings {
            threshold_db: -30.0,
            ratio: 20.0,
            look_ahead_ms: 10.0,
            attack_ms: 2.0,
            ..Default::default()
        };
        let mut frames = vec![[0.0; 2]; 4800];
        frames.extend(sine(1.0, 4800));
        let mut compressor = Compressor::new(&settings, RATE_HZ);
        assert_eq!(compressor.latency_frames(), 480);
        compressor.process(&mut frames);
        assert!(frames[..5280].iter().all(|frame| frame[0] == 0.0) && frames[5281][0] != 0.0);
        let peak = |frames: &[Frame]| frames.iter().fold(0.0f64, |peak, frame| peak.max(frame[0]));
        assert!(peak(&frames[5280..5400]) < 1.5 * peak(&frames[9000..]), "{}", peak(&frames[5280..5400]));
    }

    #[test]
    fn the_side_chain_decides_when_there_is_one() {
        let settings = CompressorSettings { threshold_db: -30.0, ..Default::default() };
        let mut ducked = sine(0.01, 48_000);
        Compressor::new(&settings, RATE_HZ).process_with_side_chain(&mut ducked, &sine(0.5, 48_000));
        let wanted_db = settings.static_reduction_db(-9.03);
        assert!((level_db(&sine(0.01, 48_000)[24_000..]) - level_db(&ducked[24_000..]) - wanted_db).abs() < 0.05);
        // Bass does not count behind a high-pass: 200 Hz is 24 dB down at a quarter of the corner.
        let bass: Vec<Frame> =
            (0..96_000).map(|n| (f64::from(n) * 200.0 * std::f64::consts::TAU / 48e3).sin()).map(|x| [x; 2]).collect();
        let filtered = CompressorSettings { side_chain_high_pass_hz: Some(800.0), ..settings };
        let mut output = bass.clone();
        let mut compressor = Compressor::new(&filtered, RATE_HZ);
        compressor.process(&mut output);
        let reduction_db = level_db(&bass[48_000..]) - level_db(&output[48_000..]);
        assert!((reduction_db - filtered.static_reduction_db(-3.01 - 24.1)).abs() < 0.15, "{reduction_db}");
    }

    #[test]
    fn a_program_dependent_release_takes_longer_after_longer_passages() {
        let settings = CompressorSettings {
            threshold_db: -30.0,
            attack_ms: 2.0,
            release_ms: 100.0,
            program_dependent_release: true,
            ..Default::default()
        };
        let release_s = |loud_s: f64| {
            let mut computer = GainComputer::new(&settings, RATE_HZ);
            let steps_per_s = f64::from(RATE_HZ) / control_interval_frames(RATE_HZ) as f64;
            (0..(loud_s * steps_per_s) as usize).for_each(|_| _ = computer.step(1.0));
            let full_db = computer.reduction_db();
            let steps = (0..).take_while(|_| {
                computer.step(0.0);
                computer.reduction_db() > 0.368 * full_db
            });
            steps.count() as f64 / steps_per_s
        };
        assert!((0.1..0.16).contains(&release_s(0.03)), "{}", release_s(0.03));
        // One time constant after the other: 1.25 exp(-t / 0.5 s) is 0.368 at 0.61 s.
        assert!((0.6..0.64).contains(&release_s(5.0)), "{}", release_s(5.0));
    }

    #[test]
    fn options_do_not_depend_on_blocks_and_changes_do_not_click() {
        let settings = CompressorSettings {
            threshold_db: -30.0,
            detector: Detector::Peak,
            stereo_link_percent: 30.0,
            look_ahead_ms: 3.0,
            mix_percent: 70.0,
            side_chain_high_pass_hz: Some(100.0),
            program_dependent_release: true,
            ..Default::default()
        };
        let (mut whole, mut parts) = (sine(0.9, 5000), sine(0.9, 5000));
        Compressor::new(&settings, RATE_HZ).process(&mut whole);
        let mut compressor = Compressor::new(&settings, RATE_HZ);
        parts.chunks_mut(101).for_each(|block| compressor.process(block));
        assert_eq!(whole, parts);

        let before = CompressorSettings { threshold_db: -6.0, release_ms: 1000.0, ..Default::default() };
        let after =
            CompressorSettings { threshold_db: -30.0, ratio: 8.0, makeup_db: 12.0, attack_ms: 100.0, ..before.clone() };
        for (from, to) in [(&before, &after), (&after, &before)] {
            let click_db = crate::dsp::smooth::tests::click_db(Compressor::new(from, 48_000), &[to]);
            assert!(click_db < -80.0, "{click_db} dBFS");
        }
    }

    #[test]
    fn any_settings_in_range_stay_finite() {
        let mut state = 1u32;
        let mut next = |low: f64, high: f64| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Every fourth time an end of the range.
            let share = f64::from(state >> 8) / f64::from(u32::MAX >> 8);
            low + (high - low) * if state >> 30 == 0 { (2.0 * share).floor() } else { share }
        };
        for round in 0..300 {
            let settings = CompressorSettings {
                threshold_db: next(-80.0, 0.0),
                ratio: next(1.0, 20.0),
                knee_db: next(0.0, 24.0),
                attack_ms: next(2.0, 500.0),
                release_ms: next(10.0, 5000.0),
                makeup_db: next(-24.0, 24.0),
                detector: if round % 2 == 0 { Detector::Peak } else { Detector::Rms },
                stereo_link_percent: next(0.0, 100.0),
                look_ahead_ms: next(0.0, 20.0),
                mix_percent: next(0.0, 100.0),
                side_chain_high_pass_hz: (round % 3 == 0).then(|| next(20.0, 2000.0)),
                program_dependent_release: round % 5 == 0,
            };
            settings.validate("fuzz").expect("in range");
            let mut frames = sine(10.0, 1500);
            frames.extend([[1e-310, -1e-320]; 1500]);
            frames.extend([[0.0; 2]; 500]);
            Compressor::new(&settings, RATE_HZ).process(&mut frames);
            assert!(frames.iter().flatten().all(|x| x.abs() <= 160.0), "{settings:?}");
        }
    }
}
