//! Soft clip: rounds off peaks instead of turning them down, oversampled against aliases.
//!
//! Ahead of a limiter it takes the shortest peaks, which a limiter would have to duck for. Up to the knee the signal
//! passes; above it follows `u / (1 + u^4)^(1/4)`, which leaves the straight line with four continuous derivatives, so
//! that its harmonics fall off fast. It runs at 4, 8 or 16 times the rate between two linear-phase filters
//! (Kaiser-windowed sinc, 110 dB), in the widest vectors that the processor has; products and sums are fused, the same to
//! the bit with each. Only what the curve takes away goes through the second filter and is added to the delayed input:
//! below the knee nothing is added, and the output is the input bit for bit.

use pulp::{Arch, NullaryFnOnce};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::window::{kaiser, sinc};
use super::{Frame, Processor};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::db_to_amplitude;

/// How peaks are rounded off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct SoftClipSettings {
    /// Level that the curve never passes, before the limiter's drive, -60 to 24 dBFS; what is above half the sample rate of the flat tops is then filtered out, by which loud treble comes out up to some dB over it. Default: -3.
    pub ceiling_db: f64,
    /// How far under the ceiling the curve leaves the straight line, 1 to 24 dB. Default: 9.
    pub knee_db: f64,
    /// Oversampling, 4, 8 or 16 times: aliases of a 17 kHz tone at most -80 or -100 dBFS 6 dB over the knee, at 16 times at
    /// most -100 dBFS 6 dB over the ceiling (where the knee is 9 dB or more; the harder the clipping, the more).
    /// Default: 16.
    pub oversampling: u32,
}

impl Default for SoftClipSettings {
    fn default() -> Self {
        Self { ceiling_db: -3.0, knee_db: 9.0, oversampling: 16 }
    }
}

parameters!(SoftClipSettings {
    ceiling_db: Within(-60.0, 24.0),
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

/// Weights for both channels of the newest frame and those before it, oldest first.
type Taps = [Frame; REACH + 1];

/// The soft clip. Its latency is [`Self::latency_frames`].
#[derive(Debug, Clone)]
pub struct SoftClip {
    curve: Curve,
    /// Weights of each point between two samples.
    phases: Vec<Taps>,
    /// The last `REACH` frames, then the block.
    input: Vec<Frame>,
    /// What the curve took at each point of the last `REACH` frames, then of the block.
    taken: Vec<Vec<Frame>>,
    /// Frames since the curve last took anything.
    idle: usize,
    /// An input up to here can't reach the knee between samples either.
    safe: f64,
    arch: Arch,
}

impl SoftClip {
    /// A soft clip at rest, from validated settings.
    pub fn new(settings: &SoftClipSettings) -> Self {
        let factor = settings.oversampling as usize;
        let length = REACH * factor + 1;
        let taps: Vec<f64> = (0..length)
            .map(|index| {
                let distance = (index as f64 - (length / 2) as f64) / factor as f64;
                sinc(distance) * kaiser(2.0 * distance / REACH as f64, KAISER_BETA)
            })
            .collect();
        let tap = |index: usize| taps.get(index).copied().unwrap_or(0.0);
        let phase = |phase: usize| std::array::from_fn(|k| [tap(phase + (REACH - k) * factor); 2]);
        let phases: Vec<Taps> = (0..factor).map(phase).collect();
        let gain = phases.iter().map(|taps| taps.iter().map(|tap| tap[0].abs()).sum::<f64>()).fold(1.0, f64::max);
        let curve = Curve::new(settings);
        Self {
            safe: curve.knee / gain,
            curve,
            phases,
            input: vec![[0.0; 2]; REACH],
            taken: vec![vec![[0.0; 2]; REACH]; factor],
            idle: REACH + 1,
            arch: Arch::new(),
        }
    }

    /// Clips frame `n` of the block.
    #[inline(always)]
    fn clip(&mut self, n: usize) -> Frame {
        let mut loudest = 0.0;
        for frame in &self.input[n..=n + REACH] {
            for x in frame {
                loudest = if x.abs() > loudest { x.abs() } else { loudest };
            }
        }
        let mut took = 0.0;
        if loudest > self.safe {
            for (taps, points) in self.phases.iter().zip(&mut self.taken) {
                let taken = dot(taps, &self.input[n..=n + REACH]).map(|x| self.curve.taken(x));
                points[n + REACH] = taken;
                took += taken[0].abs() + taken[1].abs();
            }
        }
        self.idle = if took > 0.0 { 0 } else { self.idle + 1 };
        let [mut left, mut right] = self.input[n];
        if self.idle <= REACH {
            // Back over the filter's length, from the newest point that counts: the sample itself. The points between it and
            // the next come one frame later.
            let scale = 1.0 / self.phases.len() as f64;
            for (phase, taps) in self.phases.iter().enumerate() {
                let sum = match phase {
                    0 => dot(taps, &self.taken[0][n..=n + REACH]),
                    _ => dot(&taps[1..], &self.taken[self.phases.len() - phase][n..n + REACH]),
                };
                (left, right) = (left - scale * sum[0], right - scale * sum[1]);
            }
        }
        [left, right]
    }
}

impl Processor for SoftClip {
    fn process(&mut self, frames: &mut [Frame]) {
        self.input.extend_from_slice(frames);
        self.taken.iter_mut().for_each(|points| points.resize(REACH + frames.len(), [0.0; 2]));
        self.arch.dispatch(Clipping { clip: self, frames });
        self.input.drain(..frames.len());
        self.taken.iter_mut().for_each(|points| drop(points.drain(..frames.len())));
    }

    fn reset(&mut self) {
        self.input.fill([0.0; 2]);
        self.taken.iter_mut().for_each(|points| points.fill([0.0; 2]));
        self.idle = REACH + 1;
    }

    fn latency_frames(&self) -> usize {
        REACH
    }
}

/// Clipping as a value: unlike a closure's, its body is sure to be compiled for the processor that it is dispatched to.
struct Clipping<'a> {
    clip: &'a mut SoftClip,
    frames: &'a mut [Frame],
}

impl NullaryFnOnce for Clipping<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (n, frame) in self.frames.iter_mut().enumerate() {
            *frame = self.clip.clip(n);
        }
    }
}

/// Both channels' sum of products, eight frames side by side.
#[inline(always)]
fn dot(weights: &[Frame], frames: &[Frame]) -> Frame {
    let mut lanes = [0.0f64; 16];
    let (weight_chunks, weights) = weights.as_flattened().as_chunks::<16>();
    let (chunks, rest) = frames.as_flattened().as_chunks::<16>();
    for (weights, x) in weight_chunks.iter().zip(chunks) {
        for lane in 0..16 {
            lanes[lane] = weights[lane].mul_add(x[lane], lanes[lane]);
        }
    }
    for (lane, (weight, x)) in weights.iter().zip(rest).enumerate() {
        lanes[lane] = weight.mul_add(*x, lanes[lane]);
    }
    let mut sum = [0.0; 2];
    for pair in lanes.as_chunks::<2>().0 {
        sum = [sum[0] + pair[0], sum[1] + pair[1]];
    }
    sum
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
    #[inline(always)]
    fn taken(&self, x: f64) -> f64 {
        let over = (x.abs() - self.knee).max(0.0);
        let square = (over / self.height) * (over / self.height);
        (over - over / (1.0 + square * square).sqrt().sqrt()).copysign(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::check_promises;
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
        let usual = SoftClipSettings::default().oversampling;
        for (oversampling, level_dbfs, bar_db) in [(4, -6.0, -80.0), (8, -6.0, -100.0), (usual, 3.0, -100.0)] {
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

    #[test]
    fn the_common_promises_hold() {
        for oversampling in [4, 8, 16] {
            let settings = SoftClipSettings { ceiling_db: -6.0, oversampling, ..Default::default() };
            check_promises(&SoftClip::new(&settings), 3.0);
        }
    }
}
