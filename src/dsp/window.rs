//! Windows, of transforms and of kernels, and the kernel that they bound.

use std::f64::consts::PI;

/// Hann window of a length, symmetric and without a zero at its ends.
pub(crate) fn hann(length: usize) -> impl Iterator<Item = f64> {
    (0..length).map(move |n| (PI * (n as f64 + 0.5) / length as f64).sin().powi(2))
}

/// Kaiser window at a position from -1 to 1, its ends (J. Kaiser, "Nonrecursive digital filter design using the I0-sinh window
/// function", 1974). The larger `beta`, the less it lets through beside its main lobe, which is wider then.
pub(crate) fn kaiser(position: f64, beta: f64) -> f64 {
    bessel_i0(beta * (1.0 - position * position).max(0.0).sqrt()) / bessel_i0(beta)
}

/// `sin(pi x) / (pi x)`: what band-limited interpolation weighs a sample with that lies so many samples away.
pub(crate) fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Modified Bessel function of the first kind and order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..60 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bessel_function_has_its_tabulated_values() {
        // M. Abramowitz, I. Stegun, "Handbook of Mathematical Functions", Table 9.8 and 9.11.
        for (x, value) in [(0.0, 1.0), (1.0, 1.266_065_878), (5.0, 27.239_871_82), (10.0, 2_815.716_628)] {
            assert!((bessel_i0(x) / value - 1.0).abs() < 1e-9, "{x}");
        }
        assert_eq!([kaiser(0.0, 8.0), kaiser(1.0, 8.0) * bessel_i0(8.0)], [1.0; 2]);
    }

    #[test]
    fn hann_is_symmetric_and_windows_that_overlap_by_half_add_up_to_one() {
        let window: Vec<f64> = hann(64).collect();
        for n in 0..32 {
            assert!((window[n] + window[n + 32] - 1.0).abs() < 1e-12, "{n}");
            assert!((window[n] - window[63 - n]).abs() < 1e-12, "{n}");
        }
    }
}
