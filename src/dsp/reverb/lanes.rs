//! Sixteen signals side by side: a ring of them, the mixing matrix, and the noise that sets delays and signs.

/// Delay lines in the network.
pub(super) const LANES: usize = 16;

/// One sample of each line.
pub(super) type Lanes = [f64; LANES];

/// Delay lines of whole frames in one ring.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    ring: Vec<Lanes>,
    position: usize,
    delays: [usize; LANES],
}

impl Lines {
    pub(super) fn new(delays: [usize; LANES]) -> Self {
        let longest = delays.into_iter().max().unwrap_or(0);
        Self { ring: vec![[0.0; LANES]; (longest + 1).next_power_of_two()], position: 0, delays }
    }

    /// What each line gives now. A delay of 0 is only good after [`Self::push`].
    #[inline(always)]
    pub(super) fn read(&self) -> Lanes {
        let mask = self.ring.len() - 1;
        std::array::from_fn(|lane| self.ring[self.position.wrapping_sub(self.delays[lane]) & mask][lane])
    }

    /// Puts the next sample into each line.
    #[inline(always)]
    pub(super) fn push(&mut self, lanes: Lanes) {
        let mask = self.ring.len() - 1;
        self.ring[self.position & mask] = lanes;
        self.position = (self.position + 1) & mask;
    }

    pub(super) fn reset(&mut self) {
        self.ring.fill([0.0; LANES]);
        self.position = 0;
    }
}

/// The Hadamard matrix over 4: keeps the energy and spreads each line over all.
#[inline(always)]
pub(super) fn hadamard(mut x: Lanes) -> Lanes {
    let mut stride = 1;
    while stride < LANES {
        let mut y = [0.0; LANES];
        let mut start = 0;
        while start < LANES {
            for k in start..start + stride {
                (y[k], y[k + stride]) = (x[k] + x[k + stride], x[k] - x[k + stride]);
            }
            start += 2 * stride;
        }
        x = y;
        stride *= 2;
    }
    x.map(|x| 0.25 * x)
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

    #[test]
    fn the_matrix_keeps_energy_and_undoes_itself() {
        let x: Lanes = std::array::from_fn(|lane| (lane as f64 * 0.7).sin());
        let energy = |x: &Lanes| x.iter().map(|x| x * x).sum::<f64>();
        let mixed = hadamard(x);
        assert!((energy(&mixed) / energy(&x) - 1.0).abs() < 1e-14);
        assert!(hadamard(mixed).iter().zip(x).all(|(a, b)| (a - b).abs() < 1e-14));
    }
}
