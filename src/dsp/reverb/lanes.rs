//! Sixteen signals side by side, a block at a time: their rings, the mixing matrix, and the noise that sets delays and
//! signs.
//!
//! Each line's block lies in one piece, so that vectors go along time, whatever the delays. They are single precision,
//! as twice as many fit into a vector and into the caches; a rounding is off by 2^-24 of the value at most (-144 dB), and so
//! falls with the room.

/// Delay lines in the network.
pub(super) const LANES: usize = 16;
/// Frames worked on together. No delay that is fed back is shorter.
pub(super) const BLOCK_FRAMES: usize = 32;

/// A value for each line.
pub(super) type Lanes = [f64; LANES];
/// A block of one signal.
pub(super) type Block = [f32; BLOCK_FRAMES];
/// A block of each line. Where fewer frames are at hand, what lies beyond them is of no account.
pub(super) type Blocks = [Block; LANES];

/// The last frames of a signal. The ring goes on for a block beyond its end, with what it begins with, so that every block
/// in it lies in one piece.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    samples: Vec<f32>,
    frames: usize,
    position: usize,
}

impl Ring {
    pub(super) fn new(longest_delay: usize) -> Self {
        // A block ahead of the position may hold frames of no account, and a block behind it is read whole.
        let frames = longest_delay + 2 * BLOCK_FRAMES;
        Self { samples: vec![0.0; frames + BLOCK_FRAMES], frames, position: 0 }
    }

    /// Puts a block in at the position.
    #[inline(always)]
    pub(super) fn put(&mut self, block: &Block) {
        let end = self.position + BLOCK_FRAMES;
        self.samples[self.position..end].copy_from_slice(block);
        if end > self.frames {
            self.samples.copy_within(self.frames..end, 0);
        } else if self.position < BLOCK_FRAMES {
            self.samples.copy_within(self.position..BLOCK_FRAMES, self.frames + self.position);
        }
    }

    /// The block that begins a delay before the position. Delays shorter than a block are only good after [`Self::put`].
    #[inline(always)]
    pub(super) fn delayed(&self, delay: usize) -> &Block {
        let start = if self.position >= delay { self.position - delay } else { self.position + self.frames - delay };
        self.samples[start..].first_chunk().expect("the ring goes on for a block")
    }

    /// Moves the position: so many frames of the block that was put in count.
    #[inline(always)]
    pub(super) fn advance(&mut self, frames: usize) {
        self.position += frames;
        if self.position >= self.frames {
            self.position -= self.frames;
        }
    }

    pub(super) fn reset(&mut self) {
        self.samples.fill(0.0);
        self.position = 0;
    }
}

/// A block times a gain. By value: what might lie in the same place could not be taken together.
#[inline(always)]
pub(super) fn scaled(mut block: Block, gain: f32) -> Block {
    for x in &mut block {
        *x *= gain;
    }
    block
}

/// The sum of two blocks.
#[inline(always)]
pub(super) fn sum(mut a: Block, b: &Block) -> Block {
    for (a, b) in a.iter_mut().zip(b) {
        *a += b;
    }
    a
}

/// No sound.
pub(super) const SILENCE: Blocks = [[0.0; BLOCK_FRAMES]; LANES];

/// Mixes with the Hadamard matrix over 4, which keeps the energy and spreads each line over all. Two passes over four lines
/// at a time; `between` is what the first leaves.
#[inline(always)]
pub(super) fn hadamard(x: &Blocks, between: &mut Blocks, mixed: &mut Blocks) {
    for first in [0, 4, 8, 12] {
        mix_four(x, between, [first, first + 1, first + 2, first + 3]);
    }
    for first in [0, 1, 2, 3] {
        mix_four(between, mixed, [first, first + 4, first + 8, first + 12]);
    }
}

#[inline(always)]
fn mix_four(x: &Blocks, y: &mut Blocks, [i, j, k, l]: [usize; 4]) {
    for t in 0..BLOCK_FRAMES {
        let (sum, difference) = (x[i][t] + x[j][t], x[i][t] - x[j][t]);
        let (other_sum, other_difference) = (x[k][t] + x[l][t], x[k][t] - x[l][t]);
        y[i][t] = 0.5 * (sum + other_sum);
        y[j][t] = 0.5 * (difference + other_difference);
        y[k][t] = 0.5 * (sum - other_sum);
        y[l][t] = 0.5 * (difference - other_difference);
    }
}

/// Uniform values from 0 to 1, the same in every run.
pub(super) fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(x: &Blocks) -> Blocks {
        let (mut between, mut mixed) = (SILENCE, SILENCE);
        hadamard(x, &mut between, &mut mixed);
        mixed
    }

    #[test]
    fn the_matrix_keeps_energy_and_undoes_itself() {
        let x: Blocks = std::array::from_fn(|lane| std::array::from_fn(|t| (lane as f32 * 0.7 + t as f32).sin()));
        let there = mixed(&x);
        let back = mixed(&there);
        for t in 0..BLOCK_FRAMES {
            let energy = |x: &Blocks| x.iter().map(|line| f64::from(line[t]).powi(2)).sum::<f64>();
            assert!((energy(&there) / energy(&x) - 1.0).abs() < 1e-6);
            assert!(x.iter().zip(&back).all(|(x, back)| (x[t] - back[t]).abs() < 1e-6));
        }
        let one: Blocks = std::array::from_fn(|lane| [if lane == 5 { 1.0 } else { 0.0 }; BLOCK_FRAMES]);
        assert!(mixed(&one).iter().all(|line| line[0].abs() == 0.25));
    }

    #[test]
    fn a_ring_gives_back_what_went_in_whatever_the_pieces() {
        for delay in [1, 31, 32, 100] {
            let mut ring = Ring::new(100);
            let mut frame = 0usize;
            for piece in [32, 1, 7, 32, 25, 32, 31, 3].into_iter().cycle().take(80) {
                ring.put(&std::array::from_fn(|t| if t < piece { (frame + t + 1) as f32 } else { f32::NAN }));
                for (t, sample) in ring.delayed(delay).iter().take(piece).enumerate() {
                    assert_eq!(*sample, (frame + t + 1).saturating_sub(delay) as f32, "{delay} at {frame}");
                }
                ring.advance(piece);
                frame += piece;
            }
        }
    }
}
