//! Turns a click into a dense burst: three steps of short delays, signs and a Hadamard matrix.
//!
//! Without feedback, so it has no decay of its own; each step multiplies the echoes by 16 (after J.-M. Jot's and
//! M. Puckette's unitary mixing; G. Luff, "Let's Write a Reverb", ADC 2021).

use super::lanes::{LANES, Lanes, Lines, hadamard, uniform};

/// Longest delay of each step, seconds.
const STEPS_S: [f64; 3] = [0.005, 0.013, 0.029];

#[derive(Debug, Clone)]
pub(super) struct Diffuser {
    steps: [(Lines, Lanes); STEPS_S.len()],
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
            (Lines::new(delays), std::array::from_fn(|_| if random() < 0.5 { -1.0 } else { 1.0 }))
        });
        Self { steps }
    }

    #[inline(always)]
    pub(super) fn step(&mut self, mut x: Lanes) -> Lanes {
        for (lines, signs) in &mut self.steps {
            let mut delayed = lines.read();
            lines.push(x);
            delayed.iter_mut().zip(signs).for_each(|(x, sign)| *x *= *sign);
            x = hadamard(delayed);
        }
        x
    }

    pub(super) fn reset(&mut self) {
        self.steps.iter_mut().for_each(|(lines, _)| lines.reset());
    }
}
