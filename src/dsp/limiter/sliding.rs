//! Sliding maximum and sliding mean over the last values, exact however long they run.

use std::collections::VecDeque;

/// Reductions are whole numbers of 2^-32 dB, so that sliding sums neither drift nor depend on where they began.
pub(super) type FixedDb = i64;

pub(super) const FIXED_ONE: f64 = 4_294_967_296.0;

/// Rounded up: a reduction is never too small.
pub(super) fn to_fixed(db: f64) -> FixedDb {
    // A whole unit more than the truncated value: `ceil` is a library call on processors of the baseline.
    if db == 0.0 { 0 } else { (db * FIXED_ONE) as FixedDb + 1 }
}

/// The largest of the last `length` values.
#[derive(Debug, Clone)]
pub(super) struct SlidingMaximum {
    length: usize,
    count: usize,
    /// Falling values with the index at which each came: the front is the maximum.
    candidates: VecDeque<(usize, FixedDb)>,
}

impl SlidingMaximum {
    pub(super) fn new(length: usize) -> Self {
        Self { length, count: 0, candidates: VecDeque::with_capacity(length + 1) }
    }

    pub(super) fn push(&mut self, value: FixedDb) -> FixedDb {
        while self.candidates.back().is_some_and(|&(_, last)| last <= value) {
            self.candidates.pop_back();
        }
        self.candidates.push_back((self.count, value));
        if self.candidates.front().is_some_and(|&(index, _)| index + self.length <= self.count) {
            self.candidates.pop_front();
        }
        self.count += 1;
        self.candidates.front().map_or(value, |&(_, maximum)| maximum)
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
    fn the_maximum_and_the_mean_are_those_of_the_last_values() {
        let values: Vec<FixedDb> = (0..200).map(|n| (n * 7919) % 101).collect();
        let (mut maximum, mut smoother) = (SlidingMaximum::new(7), Smoother::new(3));
        for (n, &value) in values.iter().enumerate() {
            let last = |count: usize| &values[(n + 1).saturating_sub(count)..=n];
            assert_eq!(Some(&maximum.push(value)), last(7).iter().max());
            let weighted: FixedDb = last(4).iter().rev().zip([1, 2, 2, 1]).map(|(value, weight)| value * weight).sum();
            assert!((smoother.push(value) - weighted as f64 / 6.0 / FIXED_ONE).abs() < 1e-18);
        }
    }
}
