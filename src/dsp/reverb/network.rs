//! The feedback delay network: sixteen lines through their filters, turned in pairs, mixed and fed back.

use std::f64::consts::TAU;

use super::super::biquad::Coefficients;
use super::super::section::flushed;
use super::OCTAVES;
use super::decay::{Attenuation, for_whole_octaves};
use super::lanes::{LANES, Lanes, Lines, hadamard, uniform};

/// Shortest and longest line at a size of 100 %, seconds.
const LINES_S: [f64; 2] = [0.029, 0.093];
/// Frames between two angles of the modulation.
const MODULATION_FRAMES: usize = 32;
/// Largest turn at a modulation of 100 %.
const LARGEST_TURN: f64 = 0.8;
const PAIRS: usize = LANES / 2;

#[derive(Debug, Clone)]
pub(super) struct Network {
    lines: Lines,
    gains: Lanes,
    sections: Vec<LaneSection>,
    modulation: Modulation,
}

/// A second-order section of every line.
#[derive(Debug, Clone)]
struct LaneSection {
    b: [Lanes; 3],
    a: [Lanes; 2],
    state: [Lanes; 2],
}

impl Network {
    pub(super) fn new(
        size: f64,
        decay_s: &[f64; OCTAVES],
        modulation: f64,
        modulation_hz: f64,
        sample_rate_hz: u32,
    ) -> Self {
        let rate = f64::from(sample_rate_hz);
        let mut random = uniform(2);
        // Lengths in geometric steps, a little off, and prime: no two lines repeat together.
        let delays: [usize; LANES] = std::array::from_fn(|lane| {
            let step = (lane as f64 + 0.5 * (random() - 0.5)) / (LANES - 1) as f64;
            let seconds = LINES_S[0] * (LINES_S[1] / LINES_S[0]).powf(step);
            next_prime((size * seconds * rate) as usize)
        });
        let centres_s = for_whole_octaves(decay_s, size * Self::mean_line_s(), sample_rate_hz);
        let attenuations = delays.map(|delay| Attenuation::new(delay as f64 / rate, &centres_s, sample_rate_hz));
        let sections = (0..OCTAVES)
            .map(|octave| attenuations.each_ref().map(|attenuation| attenuation.sections[octave]))
            .filter(|lanes| lanes.iter().any(|coefficients| *coefficients != Coefficients::IDENTITY))
            .map(|lanes| LaneSection {
                b: [0, 1, 2].map(|k| lanes.map(|coefficients| coefficients.b[k])),
                a: [0, 1].map(|k| lanes.map(|coefficients| coefficients.a[k])),
                state: [[0.0; LANES]; 2],
            })
            .collect();
        Self {
            lines: Lines::new(delays),
            gains: attenuations.each_ref().map(|attenuation| attenuation.gain),
            sections,
            modulation: Modulation::new(modulation * LARGEST_TURN, modulation_hz, rate),
        }
    }

    /// Mean length of the lines, seconds, at a size of 1.
    pub(super) fn mean_line_s() -> f64 {
        (LINES_S[0] * LINES_S[1]).sqrt()
    }

    #[inline(always)]
    pub(super) fn step(&mut self, input: Lanes) -> Lanes {
        let mut x = self.lines.read();
        x.iter_mut().zip(&self.gains).for_each(|(x, gain)| *x *= gain);
        for LaneSection { b, a, state: [s1, s2] } in &mut self.sections {
            for lane in 0..LANES {
                let y = b[0][lane] * x[lane] + s1[lane];
                s1[lane] = flushed(b[1][lane] * x[lane] + s2[lane] - a[0][lane] * y);
                s2[lane] = flushed(b[2][lane] * x[lane] - a[1][lane] * y);
                x[lane] = y;
            }
        }
        self.modulation.turn(&mut x);
        let mut fed_back = hadamard(x);
        for lane in 0..LANES {
            fed_back[lane] = flushed(fed_back[lane] + input[lane]);
        }
        self.lines.push(fed_back);
        x
    }

    pub(super) fn reset(&mut self) {
        self.lines.reset();
        self.sections.iter_mut().for_each(|section| section.state = [[0.0; LANES]; 2]);
        self.modulation.reset();
    }
}

/// Slow turns of pairs of lines into each other. A turn keeps the energy, so unlike delays that move, this leaves
/// pitch and decay as they are (S. J. Schlecht, E. A. P. Habets, "Time-Varying Feedback Matrices in Feedback Delay
/// Networks", JASA 138(3), 2015).
#[derive(Debug, Clone)]
struct Modulation {
    depth: f64,
    /// Turns of each pair's oscillator between two angles.
    advances: [f64; PAIRS],
    interval: u64,
    position: usize,
    cosines: [f64; PAIRS],
    sines: [f64; PAIRS],
    cosine_steps: [f64; PAIRS],
    sine_steps: [f64; PAIRS],
}

impl Modulation {
    fn new(depth: f64, frequency_hz: f64, rate: f64) -> Self {
        // Pairs a few per cent apart, so that they never move together.
        let advances = std::array::from_fn(|pair| {
            frequency_hz * (0.8 + 0.4 * pair as f64 / PAIRS as f64) * MODULATION_FRAMES as f64 / rate
        });
        let mut modulation = Self {
            depth,
            advances,
            interval: 0,
            position: 0,
            cosines: [1.0; PAIRS],
            sines: [0.0; PAIRS],
            cosine_steps: [0.0; PAIRS],
            sine_steps: [0.0; PAIRS],
        };
        modulation.reset();
        modulation
    }

    fn angle(&self, pair: usize, interval: u64) -> f64 {
        let phase = interval as f64 * self.advances[pair] + pair as f64 / PAIRS as f64;
        self.depth * (TAU * phase.fract()).sin()
    }

    fn next_interval(&mut self) {
        let step = 1.0 / MODULATION_FRAMES as f64;
        for pair in 0..PAIRS {
            let (from, to) = (self.angle(pair, self.interval), self.angle(pair, self.interval + 1));
            (self.cosines[pair], self.sines[pair]) = (from.cos(), from.sin());
            self.cosine_steps[pair] = step * (to.cos() - from.cos());
            self.sine_steps[pair] = step * (to.sin() - from.sin());
        }
        self.interval += 1;
    }

    #[inline(always)]
    fn turn(&mut self, x: &mut Lanes) {
        if self.depth == 0.0 {
            return;
        }
        let (first, second) = x.split_at_mut(PAIRS);
        for pair in 0..PAIRS {
            let (c, s) = (self.cosines[pair], self.sines[pair]);
            (first[pair], second[pair]) = (c * first[pair] - s * second[pair], s * first[pair] + c * second[pair]);
            self.cosines[pair] += self.cosine_steps[pair];
            self.sines[pair] += self.sine_steps[pair];
        }
        self.position += 1;
        if self.position == MODULATION_FRAMES {
            self.position = 0;
            self.next_interval();
        }
    }

    fn reset(&mut self) {
        (self.interval, self.position) = (0, 0);
        self.next_interval();
    }
}

fn next_prime(from: usize) -> usize {
    let prime = |n: &usize| (2..).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    (from.max(2)..).find(prime).unwrap_or(from)
}
