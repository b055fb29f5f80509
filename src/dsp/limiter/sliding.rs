//! Sliding minimum and mean over the last values, exact however long they run.

use crate::dsp::sliding_maximum::SlidingMaximum;

/// Reductions are whole numbers of 2^-32 dB, so that sliding sums neither drift nor depend on where they began.
pub(super) type FixedDb = i64;

pub(super) const FIXED_ONE: f64 = 4_294_967_296.0;

/// Rounded up: a reduction is never too small.
pub(super) fn to_fixed(db: f64) -> FixedDb {
    // A whole unit more than the truncated value: `ceil` is a library call on processors of the baseline.
    if db == 0.0 { 0 } else { (db * FIXED_ONE) as FixedDb + 1 }
}

/// The least of the last `length` values from 0 to 1000 dB; zeros before the first.
#[derive(Debug, Clone)]
pub(super) struct SlidingMinimum {
    /// Of what is missing to the highest value.
    missing: SlidingMaximum<FixedDb>,
}

impl SlidingMinimum {
    /// The highest value.
    const HIGHEST: FixedDb = 1000 << 32;

    pub(super) fn new(length: usize) -> Self {
        let mut missing = SlidingMaximum::new(length);
        (0..length).for_each(|_| {
            missing.push(Self::HIGHEST);
        });
        Self { missing }
    }

    pub(super) fn push(&mut self, value: FixedDb) -> FixedDb {
        Self::HIGHEST - self.missing.push(Self::HIGHEST - value)
    }
}

/// Two sliding means in a row that together look back over a number of values: their weights form a trapezium.
#[derive(Debug, Clone)]
pub(super) struct Smoother {
    sums: [SlidingSum; 2],
    scale: f64,
}

impl Smoother {
    pub(super) fn new(look_back: usize) -> Self {
        let lengths = [look_back / 2 + 1, look_back - look_back / 2 + 1];
        Self { sums: lengths.map(SlidingSum::new), scale: 1.0 / (FIXED_ONE * (lengths[0] * lengths[1]) as f64) }
    }

    /// The smoothed value in dB.
    pub(super) fn push(&mut self, value: FixedDb) -> f64 {
        self.sums.iter_mut().fold(value, |value, sum| sum.push(value)) as f64 * self.scale
    }
}

/// The sum of the last `length` values; zeros before the first.
#[derive(Debug, Clone)]
struct SlidingSum {
    values: Vec<FixedDb>,
    oldest: usize,
    sum: FixedDb,
}

impl SlidingSum {
    fn new(length: usize) -> Self {
        Self { values: vec![0; length], oldest: 0, sum: 0 }
    }

    fn push(&mut self, value: FixedDb) -> FixedDb {
        self.sum += value - std::mem::replace(&mut self.values[self.oldest], value);
        self.oldest = if self.oldest + 1 == self.values.len() { 0 } else { self.oldest + 1 };
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_and_the_mean_are_those_of_the_last_values() {
        let values: Vec<FixedDb> = (0..200).map(|n| (n * 7919) % 101).collect();
        let (mut minimum, mut smoother) = (SlidingMinimum::new(5), Smoother::new(3));
        for (n, &value) in values.iter().enumerate() {
            let last = |count: usize| &values[(n + 1).saturating_sub(count)..=n];
            let least = if n < 4 { 0 } else { *last(5).iter().min().expect("some") };
            assert_eq!(minimum.push(value), least);
            let weighted: FixedDb = last(4).iter().rev().zip([1, 2, 2, 1]).map(|(value, weight)| value * weight).sum();
            assert!((smoother.push(value) - weighted as f64 / 6.0 / FIXED_ONE).abs() < 1e-18);
        }
    }
}
