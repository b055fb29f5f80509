//! Turns a click into a dense burst: three steps of short delays, signs and a Hadamard matrix.
//!
//! Without feedback, so it has no decay of its own; each step multiplies the echoes by 16 (after J.-M. Jot's and
//! M. Puckette's unitary mixing; G. Luff, "Let's Write a Reverb", ADC 2021).

use super::lanes::{Blocks, LANES, Ring, SILENCE, hadamard, scaled, uniform};

/// Longest delay of each step, seconds.
const STEPS_S: [f64; 3] = [0.005, 0.013, 0.029];

#[derive(Debug, Clone)]
pub(super) struct Diffuser {
    steps: [[Line; LANES]; STEPS_S.len()],
    delayed: Blocks,
    between: Blocks,
}

#[derive(Debug, Clone)]
struct Line {
    ring: Ring,
    delay: usize,
    sign: f32,
}

impl Diffuser {
    pub(super) fn new(size: f64, sample_rate_hz: u32) -> Self {
        let mut random = uniform(1);
        let steps = STEPS_S.map(|longest_s| {
            let longest = longest_s * size * f64::from(sample_rate_hz);
            // One delay in each sixteenth of the range, handed to the lines in a shuffled order.
            let mut delays: [usize; LANES] =
                std::array::from_fn(|lane| 1 + (longest * (lane as f64 + random()) / LANES as f64) as usize);
            for lane in (1..LANES).rev() {
                delays.swap(lane, (random() * (lane + 1) as f64) as usize);
            }
            delays.map(|delay| Line { ring: Ring::new(delay), delay, sign: if random() < 0.5 { -1.0 } else { 1.0 } })
        });
        Self { steps, delayed: SILENCE, between: SILENCE }
    }

    /// Spreads the first `frames` frames of a block.
    #[inline(always)]
    pub(super) fn step(&mut self, x: &mut Blocks, frames: usize) {
        for lines in &mut self.steps {
            lines.iter_mut().zip(&*x).for_each(|(line, x)| line.ring.put(x));
            for (line, delayed) in lines.iter_mut().zip(&mut self.delayed) {
                *delayed = scaled(*line.ring.delayed(line.delay), line.sign);
                line.ring.advance(frames);
            }
            hadamard(&self.delayed, &mut self.between, x);
        }
    }

    pub(super) fn reset(&mut self) {
        self.steps.iter_mut().flatten().for_each(|line| line.ring.reset());
    }
}
