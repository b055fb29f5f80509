//! The window of transforms.

use std::f64::consts::PI;

/// Hann window of a length, symmetric and without a zero at its ends.
pub(crate) fn hann(length: usize) -> impl Iterator<Item = f64> {
    (0..length).map(move |n| (PI * (n as f64 + 0.5) / length as f64).sin().powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_symmetric_and_windows_that_overlap_by_half_add_up_to_one() {
        let window: Vec<f64> = hann(64).collect();
        for n in 0..32 {
            assert!((window[n] + window[n + 32] - 1.0).abs() < 1e-12, "{n}");
            assert!((window[n] - window[63 - n]).abs() < 1e-12, "{n}");
        }
    }
}
