//! Sliding maximum over the last values, of levels or of reductions.

use super::interpolation::larger;

/// The largest of the last `length` values of 0 or more; zeros before the first.
///
/// In blocks of `length`, a window reaches from some value of the last block to the newest of this one: its maximum is
/// the larger of what follows there and of what has come here (M. van Herk, "A fast algorithm for local minimum and
/// maximum filters on rectangular and octagonal kernels", 1992). Three comparisons a value, and none to guess.
#[derive(Debug, Clone)]
pub(crate) struct SlidingMaximum<T> {
    /// This block's values so far, then the maxima of the last block from each place on.
    block: Vec<T>,
    filled: usize,
    /// Of this block.
    maximum: T,
}

impl<T: Copy + Default + PartialOrd> SlidingMaximum<T> {
    pub(crate) fn new(length: usize) -> Self {
        Self { block: vec![T::default(); length], filled: 0, maximum: T::default() }
    }

    pub(crate) fn push(&mut self, value: T) -> T {
        self.block[self.filled] = value;
        self.filled += 1;
        self.maximum = larger(value, self.maximum);
        if let Some(&rest) = self.block.get(self.filled) {
            return larger(rest, self.maximum);
        }
        let largest = self.maximum;
        let mut following = T::default();
        for value in self.block.iter_mut().rev() {
            following = larger(*value, following);
            *value = following;
        }
        (self.filled, self.maximum) = (0, T::default());
        largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maximum_is_that_of_the_last_values() {
        let values: Vec<u32> = (0..200).map(|n| (n * 7919) % 101).collect();
        for length in [1, 2, 7, 300] {
            let mut maximum = SlidingMaximum::new(length);
            for (n, &value) in values.iter().enumerate() {
                let last = &values[(n + 1).saturating_sub(length)..=n];
                assert_eq!(Some(&maximum.push(value)), last.iter().max());
            }
        }
    }
}
