//! Soft clip: rounds off peaks instead of turning them down, oversampled against aliases.
//!
//! Ahead of a limiter it takes the shortest peaks, which a limiter would have to duck for. Up to the knee the signal
//! passes; above it follows `u / (1 + u^4)^(1/4)`, which leaves the straight line with four continuous derivatives, so
//! that its harmonics fall off fast. It runs at 4, 8 or 16 times the rate between two linear-phase filters (Kaiser-windowed
//! sinc, 110 dB). Only what the curve takes away goes through the second filter and is added to the delayed input: below
//! the knee nothing is added, and the output is the input bit for bit.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Frame;
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::db_to_amplitude;

/// How peaks are rounded off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct SoftClipSettings {
    /// Level that the curve never passes (between samples; before the limiter's drive), -60 to 0 dBFS. Default: -3.
    pub ceiling_db: f64,
    /// How far under the ceiling the curve leaves the straight line, 1 to 24 dB. Default: 9.
    pub knee_db: f64,
    /// Oversampling, 4, 8 or 16 times: aliases of a 17 kHz tone at most -80 or -100 dBFS 6 dB over the knee, at 16 times at
    /// most -100 dBFS 6 dB over the ceiling (where the knee is 9 dB or more; the harder the clipping, the more).
    /// Default: 8.
    pub oversampling: u32,
}

impl Default for SoftClipSettings {
    fn default() -> Self {
        Self { ceiling_db: -3.0, knee_db: 9.0, oversampling: 8 }
    }
}

parameters!(SoftClipSettings {
    ceiling_db: Within(-60.0, 0.0),
    knee_db: Within(1.0, 24.0),
    oversampling: OneOf(&[4.0, 8.0, 16.0]),
});

impl SoftClipSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("soft_clip", None)
    }
}

/// Frames that each filter reaches back, and half of what it lags.
const REACH: usize = 64;
const KAISER_BETA: f64 = 11.0;

/// The soft clip. Its latency is [`Self::latency_frames`].
#[derive(Debug, Clone)]
pub struct SoftClip {
    curve: Curve,
    factor: usize,
    /// Weights of each point between two samples, for the newest to the oldest sample.
    phases: Vec<[f64; REACH + 1]>,
    /// The last `REACH` frames, then the block.
    input: Vec<Frame>,
    /// What the curve took at the points of the last `REACH` frames, then of the block.
    taken: Vec<Frame>,
    /// Frames since the curve last took anything.
    idle: usize,
    /// An input up to here can't reach the knee between samples either.
    safe: f64,
}

impl SoftClip {
    /// A soft clip at rest, from validated settings.
    pub fn new(settings: &SoftClipSettings) -> Self {
        let factor = settings.oversampling as usize;
        let length = REACH * factor + 1;
        let taps: Vec<f64> = (0..length)
            .map(|index| {
                let distance = (index as f64 - (length / 2) as f64) / factor as f64;
                let sinc = if distance == 0.0 { 1.0 } else { (PI * distance).sin() / (PI * distance) };
                let position = 2.0 * distance / REACH as f64;
                sinc * bessel_i0(KAISER_BETA * (1.0 - position * position).max(0.0).sqrt()) / bessel_i0(KAISER_BETA)
            })
            .collect();
        let phase = |phase: usize| std::array::from_fn(|k| taps.get(phase + k * factor).copied().unwrap_or(0.0));
        let phases: Vec<[f64; REACH + 1]> = (0..factor).map(phase).collect();
        let gain = phases.iter().map(|taps| taps.iter().map(|tap| tap.abs()).sum::<f64>()).fold(1.0, f64::max);
        let curve = Curve::new(settings);
        Self {
            safe: curve.knee / gain,
            curve,
            factor,
            phases,
            input: vec![[0.0; 2]; REACH],
            taken: vec![[0.0; 2]; REACH * factor],
            idle: REACH + 1,
        }
    }

    /// Frames by which the output lags the input.
    pub fn latency_frames(&self) -> usize {
        REACH
    }

    /// Clips a block in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        self.input.extend_from_slice(frames);
        for (n, frame) in frames.iter_mut().enumerate() {
            let now = n + REACH;
            *frame = self.input[n];
            let window = &self.input[n..=now];
            let loud = window.iter().any(|x| x[0].abs() > self.safe || x[1].abs() > self.safe);
            let before = self.taken.len();
            if loud {
                for taps in &self.phases {
                    let point = dot(taps.iter(), window.iter().rev());
                    self.taken.push([self.curve.taken(point[0]), self.curve.taken(point[1])]);
                }
            } else {
                self.taken.resize(before + self.factor, [0.0; 2]);
            }
            let took = self.taken[before..].iter().any(|x| *x != [0.0; 2]);
            self.idle = if took { 0 } else { self.idle + 1 };
            if self.idle <= REACH {
                // From the newest point, which is the sample itself, back over the filter's length.
                for (phase, taps) in self.phases.iter().enumerate() {
                    let newest = before - phase;
                    let points = self.taken[..=newest].iter().rev().step_by(self.factor);
                    let sum = dot(taps.iter(), points);
                    let scale = 1.0 / self.factor as f64;
                    *frame = [frame[0] - scale * sum[0], frame[1] - scale * sum[1]];
                }
            }
        }
        self.input.drain(..frames.len());
        self.taken.drain(..frames.len() * self.factor);
    }
}

/// Both channels' sum of products.
fn dot<'a>(weights: impl Iterator<Item = &'a f64>, frames: impl Iterator<Item = &'a Frame>) -> Frame {
    weights.zip(frames).fold([0.0; 2], |sum, (weight, x)| [sum[0] + weight * x[0], sum[1] + weight * x[1]])
}

/// What is left of a value, above the knee.
#[derive(Debug, Clone, Copy)]
struct Curve {
    knee: f64,
    height: f64,
}

impl Curve {
    fn new(settings: &SoftClipSettings) -> Self {
        let ceiling = db_to_amplitude(settings.ceiling_db);
        let knee = ceiling * db_to_amplitude(-settings.knee_db);
        Self { knee, height: ceiling - knee }
    }

    /// How much a value is too large: exactly 0 up to the knee.
    fn taken(&self, x: f64) -> f64 {
        let over = x.abs() - self.knee;
        if over <= 0.0 {
            return 0.0;
        }
        let u = over / self.height;
        (over - over / (1.0 + u.powi(4)).sqrt().sqrt()).copysign(x)
    }
}

/// Modified Bessel function of the first kind and order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    (1..60).fold(1.0, |sum, k| {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum + term
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATE_HZ: f64 = 44_100.0;

    fn clipped(settings: &SoftClipSettings, input: &[Frame]) -> Vec<Frame> {
        let mut clip = SoftClip::new(settings);
        let mut output = input.to_vec();
        output.extend(vec![[0.0; 2]; clip.latency_frames()]);
        clip.process(&mut output);
        output.split_off(clip.latency_frames())
    }

    /// Level of a frequency in a second, dBFS; whole numbers of Hz.
    fn level_db(signal: &[Frame], hz: f64) -> f64 {
        let sum = signal.iter().enumerate().fold([0.0; 2], |sum, (n, x)| {
            let (sin, cos) = (TAU * hz * n as f64 / RATE_HZ).sin_cos();
            [sum[0] + x[0] * sin, sum[1] + x[0] * cos]
        });
        20.0 * (2.0 * sum[0].hypot(sum[1]) / signal.len() as f64).log10()
    }

    #[test]
    fn a_tone_of_17_khz_leaves_no_aliases() {
        // 6 dB over the knee, and 6 dB over the ceiling.
        for (oversampling, level_dbfs, bar_db) in [(4, -6.0, -80.0), (8, -6.0, -100.0), (16, 3.0, -100.0)] {
            let settings = SoftClipSettings { ceiling_db: -3.0, oversampling, ..Default::default() };
            let wave = |n: u32| db_to_amplitude(level_dbfs) * (TAU * 17_000.0 * f64::from(n) / RATE_HZ).sin();
            let tone: Vec<Frame> = (0..66_150).map(wave).map(|x| [x; 2]).collect();
            let second = &clipped(&settings, &tone)[11_025..55_125];
            // Every product of a tone of whole kHz and a rate of whole hundreds lies on whole hundreds.
            let worst =
                (1..220).map(|k| f64::from(k) * 100.0).filter(|hz| *hz != 17_000.0).map(|hz| level_db(second, hz));
            let worst = worst.fold(f64::MIN, f64::max);
            println!("{oversampling}x: {worst} dBFS");
            assert!(worst <= bar_db, "{oversampling}x: {worst} dBFS");
            assert!((level_dbfs - 6.0..level_dbfs - 0.03).contains(&level_db(second, 17_000.0)), "the tone itself");
        }
    }

    #[test]
    fn below_the_knee_it_only_delays_and_blocks_do_not_matter() {
        let wave = |amplitude: f64| -> Vec<Frame> {
            (0..3000).map(|n| amplitude * (f64::from(n) * 0.7).sin()).map(|x| [x, -0.5 * x]).collect()
        };
        let quiet = wave(0.2);
        assert_eq!(clipped(&SoftClipSettings::default(), &quiet), quiet);

        let (mut whole, mut parts) = (wave(1.0), wave(1.0));
        SoftClip::new(&SoftClipSettings::default()).process(&mut whole);
        let mut clip = SoftClip::new(&SoftClipSettings::default());
        parts.chunks_mut(101).for_each(|block| clip.process(block));
        assert_eq!(whole, parts);
    }

    #[test]
    fn a_slow_wave_follows_the_curve() {
        let settings = SoftClipSettings { ceiling_db: -6.0, knee_db: 6.0, oversampling: 4 };
        let input: Vec<Frame> =
            (0..44_100).map(|n| (TAU * 20.0 * f64::from(n) / RATE_HZ).sin()).map(|x| [x; 2]).collect();
        let output = clipped(&settings, &input);
        let curve = Curve::new(&settings);
        for n in 2000..40_000 {
            let expected = input[n][0] - curve.taken(input[n][0]);
            assert!((output[n][0] - expected).abs() < 1e-4, "{n}: {} for {expected}", output[n][0]);
        }
        assert!(curve.taken(10.0) > 10.0 - db_to_amplitude(-6.0), "the ceiling");
    }

    #[test]
    fn out_of_range_settings_are_named() {
        let error = SoftClipSettings { oversampling: 3, ..Default::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "soft_clip.oversampling: 3 is none of 4, 8, 16; choose one of them");
    }
}
