//! An independent true-peak meter: 16 points a sample in double precision, a sinc under a four-term Blackman-Harris window
//! of 128 samples (F. J. Harris, "On the Use of Windows for Harmonic Analysis with the Discrete Fourier Transform",
//! Proc. IEEE 66(1), 1978). It shares nothing with the product's.

use std::f64::consts::PI;

const POINTS: usize = 16;
const HALF: usize = 64;

/// The highest magnitude of a signal and of what lies between its samples, silence before and after it.
pub fn true_peak(signal: &[f32]) -> f64 {
    let mut padded = vec![0.0; HALF];
    padded.extend(signal.iter().map(|&x| f64::from(x)));
    padded.resize(padded.len() + HALF, 0.0);
    let mut peak = signal.iter().fold(0.0, |peak: f64, x| peak.max(f64::from(x.abs())));
    for point in 1..POINTS {
        let fraction = point as f64 / POINTS as f64;
        let weights: Vec<f64> = (0..2 * HALF).map(|tap| weight(tap as f64 - (HALF - 1) as f64 - fraction)).collect();
        for window in padded.windows(2 * HALF) {
            let mut sums = [0.0f64; 8];
            for (x, weights) in window.as_chunks::<8>().0.iter().zip(weights.as_chunks::<8>().0) {
                for ((sum, x), weight) in sums.iter_mut().zip(x).zip(weights) {
                    *sum += x * weight;
                }
            }
            peak = peak.max(sums.iter().sum::<f64>().abs());
        }
    }
    peak
}

/// The true peak in dB.
pub fn true_peak_db(signal: &[f32]) -> f64 {
    20.0 * true_peak(signal).log10()
}

fn weight(distance: f64) -> f64 {
    let sinc = if distance == 0.0 { 1.0 } else { (PI * distance).sin() / (PI * distance) };
    let turn = PI * (distance / HALF as f64 + 1.0);
    sinc * (0.35875 - 0.48829 * turn.cos() + 0.14128 * (2.0 * turn).cos() - 0.01168 * (3.0 * turn).cos())
}

#[test]
fn tones_read_as_theory_has_them() {
    for (divisor, degrees, amplitude) in [(4.0, 45.0, 1.0f64), (6.0, 60.0, 0.5), (8.0, 67.5, 0.5)] {
        let tone: Vec<f32> = (0..2000)
            .map(|n| (amplitude * (2.0 * PI * f64::from(n) / divisor + f64::to_radians(degrees)).sin()) as f32)
            .collect();
        // What lies within the window's reach of the ends is no steady tone.
        let inner = tone.iter().enumerate().map(|(n, x)| x * smooth(n.min(1999 - n) as f32 / 500.0));
        let read = true_peak(&inner.collect::<Vec<_>>());
        assert!((20.0 * (read / amplitude).log10()).abs() < 0.005, "fs/{divisor}: {read}");
    }
}

fn smooth(x: f32) -> f32 {
    0.5 - 0.5 * (std::f32::consts::PI * x.min(1.0)).cos()
}
