//! What the tests of the processors share: signals, spectra and the promises that every processor makes.

use std::f64::consts::TAU;

use realfft::RealFftPlanner;

use super::{Frame, Processor};

/// Deterministic noise, uniform in -1 to 1.
pub struct Noise(pub u64);

impl Noise {
    /// The next value.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    }

    /// The next value as a share, 0 to 1.
    pub fn ratio(&mut self) -> f64 {
        0.5 + 0.5 * self.next()
    }
}

/// White noise, uniform from -1 to 1, the same for the same seed.
pub fn noise(frames: usize, seed: u64) -> Vec<Frame> {
    let mut noise = Noise(seed);
    (0..frames).map(|_| [noise.next(), noise.next()]).collect()
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

/// Runs noise, spikes, denormal values and silence through a processor at rest and checks what all promise: the same
/// bits for any blocks and after a reset, output that is finite and below `bound`, and an end in normal numbers.
pub fn check_promises<P: Processor + Clone>(at_rest: &P, bound: f64) {
    let mut input = noise(3000, 7);
    input.extend([[1.0, -1.0], [0.0, 0.0], [5e-324, -1e-310], [f64::MIN_POSITIVE, 0.0]].repeat(100));
    input.extend(vec![[0.0; 2]; 3000]);

    let (mut whole, mut used) = (input.clone(), at_rest.clone());
    used.process(&mut whole);
    let worst =
        whole.iter().flatten().fold(0.0f64, |worst, x| if x.is_finite() { worst.max(x.abs()) } else { f64::NAN });
    assert!(worst <= bound, "largest output: {worst}");
    assert!(whole[whole.len() - 500..].iter().flatten().all(|x| *x == 0.0 || x.abs() > 1e-300), "denormal numbers");

    for block_frames in [1, 7, 64, 1000] {
        let (mut parts, mut processor) = (input.clone(), at_rest.clone());
        parts.chunks_mut(block_frames).for_each(|block| processor.process(block));
        assert_eq!(parts, whole, "blocks of {block_frames}");
    }
    used.reset();
    let mut again = input;
    used.process(&mut again);
    assert_eq!(again, whole, "after a reset");
}

/// The octave around a centre, by its spectrum: flat, with short slopes at the edges.
pub fn band_pass(signal: &[f64], centre_hz: f64, sample_rate_hz: u32) -> Vec<f64> {
    let length = (2 * signal.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
    let mut padded = signal.to_vec();
    padded.resize(length, 0.0);
    let mut bins = forward.make_output_vec();
    forward.process(&mut padded, &mut bins).expect("sizes match");
    for (bin, value) in bins.iter_mut().enumerate() {
        let hz = bin as f64 * f64::from(sample_rate_hz) / length as f64;
        // From the edge on, half an octave away from the centre, over a sixth of an octave.
        let beyond = ((hz / centre_hz).log2().abs() - 5.0 / 12.0) * 6.0;
        *value *= 0.5 + 0.5 * (std::f64::consts::PI * beyond.clamp(0.0, 1.0)).cos();
    }
    (bins[0].im, bins[length / 2].im) = (0.0, 0.0);
    inverse.process(&mut bins, &mut padded).expect("sizes match");
    padded.truncate(signal.len());
    padded
}

/// Decay time by ISO 3382-1: backward integration of the energy of all responses, a line from -5 to -35 dB, its time
/// to -60 dB.
pub fn decay_time_s(responses: &[Vec<f64>], sample_rate_hz: u32) -> f64 {
    let mut sum = 0.0;
    let mut energy: Vec<f64> =
        (0..responses[0].len()).map(|n| responses.iter().map(|response| response[n] * response[n]).sum()).collect();
    for value in energy.iter_mut().rev() {
        sum += *value;
        *value = sum;
    }
    let (mut count, mut t1, mut d1, mut t2, mut td) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (n, value) in energy.iter().enumerate() {
        let db = 10.0 * (value / sum).log10();
        if (-35.0..=-5.0).contains(&db) {
            let t = n as f64 / f64::from(sample_rate_hz);
            (count, t1, d1, t2, td) = (count + 1.0, t1 + t, d1 + db, t2 + t * t, td + t * db);
        }
    }
    -60.0 * (count * t2 - t1 * t1) / (count * td - t1 * d1)
}
