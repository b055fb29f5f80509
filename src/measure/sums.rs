//! The sums from which levels, correlation and DC follow.

use super::dynamics::LevelSlot;

/// Sums over samples, in four lanes: sample `n` of a slot goes to lane `n % 4`, wherever blocks are cut.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) frames: u64,
    squares: [[f64; LANES]; 2],
    product: [f64; LANES],
    values: [[f64; LANES]; 2],
    peaks: [[f32; LANES]; 2],
}

const LANES: usize = 4;

impl Sums {
    /// These sums with more samples.
    #[inline(always)]
    pub(super) fn with(mut self, left: &[f32], right: &[f32]) -> Self {
        let lane = (self.frames % LANES as u64) as usize;
        let head = left.len().min((LANES - lane) % LANES);
        self.add_some(lane, &left[..head], &right[..head]);
        let ((lefts, left_rest), (rights, right_rest)) =
            (left[head..].as_chunks::<LANES>(), right[head..].as_chunks::<LANES>());
        for (left, right) in lefts.iter().zip(rights) {
            self.add_lanes(left, right);
        }
        self.add_some(0, left_rest, right_rest);
        self.frames += left.len() as u64;
        self
    }

    #[inline(always)]
    fn add_lanes(&mut self, left: &[f32; LANES], right: &[f32; LANES]) {
        for lane in 0..LANES {
            self.add_one(lane, left[lane], right[lane]);
        }
    }

    #[inline(always)]
    fn add_some(&mut self, first_lane: usize, left: &[f32], right: &[f32]) {
        for (offset, (&l, &r)) in left.iter().zip(right).enumerate() {
            self.add_one(first_lane + offset, l, r);
        }
    }

    #[inline(always)]
    fn add_one(&mut self, lane: usize, l: f32, r: f32) {
        let x = [f64::from(l), f64::from(r)];
        self.product[lane] += x[0] * x[1];
        for (c, magnitude) in [l.abs(), r.abs()].into_iter().enumerate() {
            self.squares[c][lane] += x[c] * x[c];
            self.values[c][lane] += x[c];
            self.peaks[c][lane] = if magnitude > self.peaks[c][lane] { magnitude } else { self.peaks[c][lane] };
        }
    }

    /// The lanes together.
    pub(super) fn total(&self) -> Total {
        let sum = |lanes: [f64; LANES]| (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
        Total {
            frames: self.frames,
            squares: self.squares.map(sum),
            product: sum(self.product),
            values: self.values.map(sum),
            peaks: self.peaks.map(|lanes| lanes.into_iter().fold(0.0, f32::max)),
        }
    }
}

/// Sums over any number of slots.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Total {
    pub(super) frames: u64,
    pub(super) squares: [f64; 2],
    pub(super) product: f64,
    pub(super) values: [f64; 2],
    pub(super) peaks: [f32; 2],
}

impl Total {
    pub(super) fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.product += other.product;
        for c in 0..2 {
            self.squares[c] += other.squares[c];
            self.values[c] += other.values[c];
            self.peaks[c] = self.peaks[c].max(other.peaks[c]);
        }
    }

    /// The means; all zero for no frames.
    pub(super) fn means(&self) -> LevelSlot {
        let mean = |sum: f64| if self.frames == 0 { 0.0 } else { sum / self.frames as f64 };
        LevelSlot {
            means: self.values.map(mean),
            mean_squares: self.squares.map(mean),
            product: mean(self.product),
            peak: self.peaks[0].max(self.peaks[1]),
        }
    }
}
