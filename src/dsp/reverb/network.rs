//! The feedback delay network: sixteen lines through their filters, turned in pairs, mixed and fed back.

use std::f64::consts::TAU;

use rustfft::num_complex::Complex;

use super::super::biquad::Coefficients;
use super::super::section::flushed;
use super::OCTAVES;
use super::decay::{Attenuation, for_whole_octaves};
use super::lanes::{BLOCK_FRAMES, Block, Blocks, LANES, Lanes, Ring, SILENCE, hadamard, scaled, sum, uniform};

/// Shortest and longest line at a size of 100 %, seconds.
const LINES_S: [f64; 2] = [0.029, 0.093];
/// Largest turn at a modulation of 100 %.
const LARGEST_TURN: f64 = 0.8;
const PAIRS: usize = LANES / 2;

#[derive(Debug, Clone)]
pub(super) struct Network {
    rings: [Ring; LANES],
    delays: [usize; LANES],
    gains: [f32; LANES],
    sections: Vec<LaneSection>,
    modulation: Modulation,
    between: Blocks,
    fed_back: Blocks,
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
            next_prime(((size * seconds * rate) as usize).max(BLOCK_FRAMES))
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
            rings: delays.map(Ring::new),
            delays,
            gains: attenuations.each_ref().map(|attenuation| attenuation.gain as f32),
            sections,
            modulation: Modulation::new(modulation * LARGEST_TURN, modulation_hz, rate),
            between: SILENCE,
            fed_back: SILENCE,
        }
    }

    /// Mean length of the lines, seconds, at a size of 1.
    pub(super) fn mean_line_s() -> f64 {
        (LINES_S[0] * LINES_S[1]).sqrt()
    }

    /// Frames that can be worked on next, at most: up to where the modulation has its next angles.
    pub(super) fn block_frames(&self) -> usize {
        BLOCK_FRAMES - self.modulation.position
    }

    /// The first `frames` frames of what comes out, from what enters.
    ///
    /// No line is shorter than a block, so nothing that enters in a block comes out in it.
    #[inline(always)]
    pub(super) fn step(&mut self, input: &Blocks, frames: usize, out: &mut Blocks) {
        for (lane, out) in out.iter_mut().enumerate() {
            *out = scaled(*self.rings[lane].delayed(self.delays[lane]), self.gains[lane]);
        }
        if !self.sections.is_empty() {
            self.filter(out, frames);
        }
        self.modulation.turn(out, frames);
        hadamard(out, &mut self.between, &mut self.fed_back);
        for ((fed_back, input), ring) in self.fed_back.iter().zip(input).zip(&mut self.rings) {
            ring.put(&flushed_block(sum(*fed_back, input)));
            ring.advance(frames);
        }
    }

    /// Runs the lines through their sections: frame by frame, in vectors that go along the lines, and in double precision,
    /// which poles far below the sample rate need.
    #[inline(always)]
    fn filter(&mut self, blocks: &mut Blocks, frames: usize) {
        let mut rows = [[0.0; LANES]; BLOCK_FRAMES];
        for (lane, block) in blocks.iter().enumerate() {
            for (row, x) in rows.iter_mut().zip(block) {
                row[lane] = f64::from(*x);
            }
        }
        for LaneSection { b, a, state: [s1, s2] } in &mut self.sections {
            for x in &mut rows[..frames] {
                for lane in 0..LANES {
                    let y = b[0][lane] * x[lane] + s1[lane];
                    s1[lane] = flushed(b[1][lane] * x[lane] + s2[lane] - a[0][lane] * y);
                    s2[lane] = flushed(b[2][lane] * x[lane] - a[1][lane] * y);
                    x[lane] = y;
                }
            }
        }
        for (lane, block) in blocks.iter_mut().enumerate() {
            for (x, row) in block.iter_mut().zip(&rows) {
                *x = row[lane] as f32;
            }
        }
    }

    pub(super) fn reset(&mut self) {
        self.rings.iter_mut().for_each(Ring::reset);
        self.sections.iter_mut().for_each(|section| section.state = [[0.0; LANES]; 2]);
        self.modulation.reset();
    }
}

/// Slow turns of pairs of lines into each other, in straight lines over intervals of a block (0.7 ms at 44.1 kHz). A turn
/// keeps the energy, so unlike delays that move, this leaves pitch and decay as they are (S. J. Schlecht, E. A. P. Habets,
/// "Time-Varying Feedback Matrices in Feedback Delay Networks", JASA 138(3), 2015).
#[derive(Debug, Clone)]
struct Modulation {
    depth: f64,
    /// Each pair's oscillator, and by what it turns from one angle to the next.
    oscillators: [Complex<f64>; PAIRS],
    advances: [Complex<f64>; PAIRS],
    position: usize,
    /// Cosine and sine of each pair's angle at the begin of the interval, and at its end.
    from: [[f32; 2]; PAIRS],
    to: [[f32; 2]; PAIRS],
}

impl Modulation {
    fn new(depth: f64, frequency_hz: f64, rate: f64) -> Self {
        // Pairs a few per cent apart, so that they never move together.
        let advances = std::array::from_fn(|pair| {
            let pair_hz = frequency_hz * (0.8 + 0.4 * pair as f64 / PAIRS as f64);
            Complex::cis(TAU * pair_hz * BLOCK_FRAMES as f64 / rate)
        });
        let mut modulation = Self {
            depth,
            oscillators: [Complex::ONE; PAIRS],
            advances,
            position: 0,
            from: [[1.0, 0.0]; PAIRS],
            to: [[1.0, 0.0]; PAIRS],
        };
        modulation.reset();
        modulation
    }

    /// Goes on to the next interval.
    #[inline(always)]
    fn begin(&mut self) {
        (self.position, self.from) = (0, self.to);
        for pair in 0..PAIRS {
            self.to[pair] = small_cos_sin(self.depth * self.oscillators[pair].im).map(|x| x as f32);
            self.oscillators[pair] *= self.advances[pair];
        }
    }

    /// Turns the first `frames` frames of a block, up to the end of the interval.
    #[inline(always)]
    fn turn(&mut self, blocks: &mut Blocks, frames: usize) {
        if self.depth != 0.0 {
            let (firsts, seconds) = blocks.split_at_mut(PAIRS);
            for (pair, (firsts, seconds)) in firsts.iter_mut().zip(seconds).enumerate() {
                let [cos, sin] = self.from[pair];
                let [cos_step, sin_step] =
                    [0, 1].map(|k| (self.to[pair][k] - self.from[pair][k]) / BLOCK_FRAMES as f32);
                for (t, (first, second)) in firsts.iter_mut().zip(seconds).enumerate() {
                    let frame = (self.position + t) as f32;
                    let (c, s) = (cos + frame * cos_step, sin + frame * sin_step);
                    (*first, *second) = (c * *first - s * *second, s * *first + c * *second);
                }
            }
        }
        self.position += frames;
        if self.position == BLOCK_FRAMES {
            self.begin();
        }
    }

    fn reset(&mut self) {
        self.oscillators = std::array::from_fn(|pair| Complex::cis(TAU * pair as f64 / PAIRS as f64));
        // Once for the angle at the beginning, once for the next.
        self.begin();
        self.begin();
    }
}

/// Cosine and sine of an angle of 0.8 at the most, by their series, to within 3e-9: the energy that a turn keeps.
#[inline(always)]
fn small_cos_sin(angle: f64) -> [f64; 2] {
    let x = angle * angle;
    let cos = 1.0 - x / 2.0 * (1.0 - x / 12.0 * (1.0 - x / 30.0 * (1.0 - x / 56.0 * (1.0 - x / 90.0))));
    let sin = angle * (1.0 - x / 6.0 * (1.0 - x / 20.0 * (1.0 - x / 42.0 * (1.0 - x / 72.0))));
    [cos, sin]
}

/// [`flushed`] for a block.
#[inline(always)]
fn flushed_block(mut block: Block) -> Block {
    const FLOOR: f32 = 1e-20;
    for x in &mut block {
        *x = (*x + FLOOR) - FLOOR;
    }
    block
}

fn next_prime(from: usize) -> usize {
    let prime = |n: &usize| (2..).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    (from.max(2)..).find(prime).unwrap_or(from)
}
