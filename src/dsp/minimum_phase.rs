//! A minimum-phase impulse response for any curve of gain over frequency.
//!
//! By the real cepstrum of the logarithm of the magnitude, folded onto positive times (A. Oppenheim and R. Schafer,
//! "Discrete-Time Signal Processing", 3rd ed., 13.6): unlike sections of second order, it follows an analogue curve up
//! to half of the sample rate.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

/// Gains below this are made this, dB: the logarithm of nothing has no cepstrum.
const LEAST_DB: f64 = -160.0;
/// Transform over kernel: what the cepstrum folds over its end has died down by then.
const OVERSIZE: usize = 8;

/// The response of `frames` samples whose gain at each frequency in Hz is `gain_db_at`, in dB.
pub fn kernel(gain_db_at: impl Fn(f64) -> f64, frames: usize, sample_rate_hz: u32) -> Vec<f64> {
    let length = (OVERSIZE * frames).next_power_of_two();
    let bin_hz = f64::from(sample_rate_hz) / length as f64;
    let log_gain = |bin: usize| {
        let db = gain_db_at(bin as f64 * bin_hz);
        (if db.is_finite() { db.max(LEAST_DB) } else { LEAST_DB }) * (std::f64::consts::LN_10 / 20.0)
    };
    let mut values: Vec<Complex<f64>> = (0..=length / 2).map(|bin| Complex::new(log_gain(bin), 0.0)).collect();
    for bin in length / 2 + 1..length {
        values.push(values[length - bin]);
    }
    let mut planner = FftPlanner::new();
    let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
    inverse.process(&mut values);
    let scale = 1.0 / length as f64;
    for (index, value) in values.iter_mut().enumerate() {
        let fold = match index {
            0 => 1.0,
            _ if index == length / 2 => 1.0,
            _ if index < length / 2 => 2.0,
            _ => 0.0,
        };
        *value = Complex::new(value.re * scale * fold, 0.0);
    }
    forward.process(&mut values);
    values.iter_mut().for_each(|value| *value = value.exp());
    inverse.process(&mut values);
    values.iter().take(frames).map(|value| value.re * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::response;
    use crate::units::power_to_db;

    #[test]
    fn a_flat_curve_is_a_click() {
        let kernel = kernel(|_| 6.0, 256, 48_000);
        assert!((kernel[0] - 10f64.powf(0.3)).abs() < 1e-12);
        assert!(kernel[1..].iter().all(|x| x.abs() < 1e-12));
    }

    #[test]
    fn a_first_order_section_has_its_known_response() {
        // 1 / (1 - a z^-1) is a^n in time, and of minimum phase.
        let a = 0.9f64;
        let db = |hz: f64| -power_to_db(1.0 - 2.0 * a * (std::f64::consts::TAU * hz / 48_000.0).cos() + a * a);
        for (n, x) in kernel(db, 512, 48_000).iter().enumerate().take(100) {
            assert!((x - a.powi(n as i32)).abs() < 1e-9, "{n}: {x}");
        }
    }

    #[test]
    fn a_curve_to_half_the_rate_is_followed() {
        let db = |hz: f64| 3.0 * (hz / 2_000.0).sin() - hz / 1_000.0;
        let bins = response(&kernel(db, 8_192, 44_100));
        for (bin, value) in bins.iter().enumerate() {
            let hz = bin as f64 * 44_100.0 / 8_192.0;
            assert!((power_to_db(value.norm_sqr()) - db(hz)).abs() < 0.01, "{hz} Hz");
        }
    }
}
