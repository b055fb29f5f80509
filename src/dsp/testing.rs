//! What the tests of the processors share: signals, spectra and the promises that every processor makes.

use std::f64::consts::TAU;

use realfft::RealFftPlanner;

use super::Frame;

/// White noise, uniform from -1 to 1, the same for the same seed.
pub fn noise(frames: usize, seed: u32) -> Vec<Frame> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    (0..frames).map(|_| [next(), next()]).collect()
}

/// A sine in both channels; the frequency is in cycles a frame.
pub fn sine(frames: usize, frequency: f64, amplitude: f64) -> Vec<Frame> {
    (0..frames).map(|n| amplitude * (TAU * frequency * n as f64).sin()).map(|x| [x, x]).collect()
}

/// One full-scale frame, then silence.
pub fn impulse(frames: usize) -> Vec<Frame> {
    let mut signal = vec![[0.0; 2]; frames];
    signal[0] = [1.0; 2];
    signal
}

/// One channel of a signal.
pub fn channel(frames: &[Frame], index: usize) -> Vec<f64> {
    frames.iter().map(|frame| frame[index]).collect()
}

/// Hann window of a length.
fn hann(length: usize) -> impl Fn(usize) -> f64 {
    move |n| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / length as f64).cos()
}

/// Amplitude of a tone (cycles a frame) in a signal, through a Hann window.
pub fn tone_amplitude(signal: &[f64], frequency: f64) -> f64 {
    let window = hann(signal.len());
    let (mut re, mut im, mut sum) = (0.0, 0.0, 0.0);
    for (n, x) in signal.iter().enumerate() {
        let angle = TAU * frequency * n as f64;
        re += window(n) * x * angle.cos();
        im += window(n) * x * angle.sin();
        sum += window(n);
    }
    2.0 * re.hypot(im) / sum
}

/// Averaged periodogram through Hann windows that overlap by half, scaled so that white noise reads its power.
pub fn power_spectrum(signal: &[f64], length: usize) -> Vec<f64> {
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(length);
    let window = hann(length);
    let energy: f64 = (0..length).map(|n| window(n).powi(2)).sum();
    let mut spectrum = vec![0.0; length / 2 + 1];
    let mut bins = fft.make_output_vec();
    let starts: Vec<usize> = (0..=signal.len() - length).step_by(length / 2).collect();
    for &start in &starts {
        let mut input: Vec<f64> = (0..length).map(|n| window(n) * signal[start + n]).collect();
        fft.process(&mut input, &mut bins).expect("sizes match");
        for (sum, bin) in spectrum.iter_mut().zip(&bins) {
            *sum += bin.norm_sqr() / energy / starts.len() as f64;
        }
    }
    spectrum
}

/// Spectrum of a whole signal without a window: the response, for an impulse response.
pub fn response(signal: &[f64]) -> Vec<realfft::num_complex::Complex<f64>> {
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(signal.len());
    let mut bins = fft.make_output_vec();
    fft.process(&mut signal.to_vec(), &mut bins).expect("sizes match");
    bins
}
