//! Linkwitz-Riley crossovers of fourth order whose bands sum to an allpass.
//!
//! The low band is two Butterworth low-passes in series; the high band is the second-order allpass that both bands
//! sum to, minus the low band. So the sum is exact by construction (S. Linkwitz, "Active Crossover Networks for
//! Noncoincident Drivers", JAES 24(1), 1976), and a split costs two sections instead of four. Bands that do not pass a
//! split go through its allpass instead, so that all four stay in phase.

use std::f64::consts::{PI, SQRT_2};

use super::Frame;

/// Bands of the stage in a recipe.
pub const BANDS: usize = 4;

/// Splits a signal into bands that sum to a flat copy of it: behind an allpass, or delayed.
pub trait Splitter<const N: usize> {
    /// A splitter at rest, with rising corner frequencies, one fewer than bands, each below half the sample rate.
    fn new(corners_hz: &[f64], sample_rate_hz: u32) -> Self;

    /// The bands of the next frame, lowest first.
    fn split(&mut self, frame: Frame) -> [Frame; N];

    /// Ends decays into silence before they turn into denormals; to be called once in a while, at frames that do not
    /// depend on blocks.
    fn settle(&mut self) {}

    /// Back to rest.
    fn reset(&mut self);

    /// Frames by which the bands lag the input.
    fn latency_frames(&self) -> usize {
        0
    }
}

/// Any number of bands, split off one after the other from below; each then passes the allpasses of the corners above.
#[derive(Debug, Clone)]
pub struct SerialSplitter<const N: usize> {
    /// The last one of each is not used: there is a corner fewer than bands.
    splits: [Split; N],
    /// `allpasses[band][corner]`, used from the corner after next on.
    allpasses: [[Butterworth; N]; N],
}

impl<const N: usize> Splitter<N> for SerialSplitter<N> {
    fn new(corners_hz: &[f64], sample_rate_hz: u32) -> Self {
        let corner = |index: usize| corners_hz.get(index).or(corners_hz.last()).copied().unwrap_or(1000.0);
        Self {
            splits: std::array::from_fn(|index| Split::new(corner(index), sample_rate_hz)),
            allpasses: std::array::from_fn(|_| {
                std::array::from_fn(|index| Butterworth::new(corner(index), sample_rate_hz))
            }),
        }
    }

    #[inline(always)]
    fn split(&mut self, frame: Frame) -> [Frame; N] {
        let mut bands = [[0.0; 2]; N];
        let mut rest = frame;
        for corner in 0..N - 1 {
            let (low, high) = self.splits[corner].split(rest);
            bands[corner] = low;
            rest = high;
            for (band, allpasses) in bands[..corner].iter_mut().zip(&mut self.allpasses) {
                *band = allpasses[corner].step(*band).allpass;
            }
        }
        bands[N - 1] = rest;
        bands
    }

    fn settle(&mut self) {
        self.splits.iter_mut().for_each(Split::settle);
        self.allpasses.iter_mut().flatten().for_each(Butterworth::settle);
    }

    fn reset(&mut self) {
        self.splits.iter_mut().for_each(Split::reset);
        self.allpasses.iter_mut().flatten().for_each(Butterworth::reset);
    }
}

/// Four bands, split in the middle first, which takes fewer allpasses.
#[derive(Debug, Clone)]
pub struct FourBandSplitter {
    middle: Split,
    low: Split,
    high: Split,
    low_through_high: Butterworth,
    high_through_low: Butterworth,
}

impl Splitter<BANDS> for FourBandSplitter {
    fn new(corners_hz: &[f64], sample_rate_hz: u32) -> Self {
        let [low, middle, high] = std::array::from_fn(|index| corners_hz[index]);
        Self {
            middle: Split::new(middle, sample_rate_hz),
            low: Split::new(low, sample_rate_hz),
            high: Split::new(high, sample_rate_hz),
            low_through_high: Butterworth::new(high, sample_rate_hz),
            high_through_low: Butterworth::new(low, sample_rate_hz),
        }
    }

    #[inline(always)]
    fn split(&mut self, frame: Frame) -> [Frame; BANDS] {
        let (low_half, high_half) = self.middle.split(frame);
        let low_half = self.low_through_high.step(low_half).allpass;
        let high_half = self.high_through_low.step(high_half).allpass;
        let (band0, band1) = self.low.split(low_half);
        let (band2, band3) = self.high.split(high_half);
        [band0, band1, band2, band3]
    }

    fn settle(&mut self) {
        [&mut self.middle, &mut self.low, &mut self.high].into_iter().for_each(Split::settle);
        [&mut self.low_through_high, &mut self.high_through_low].into_iter().for_each(Butterworth::settle);
    }

    fn reset(&mut self) {
        [&mut self.middle, &mut self.low, &mut self.high].into_iter().for_each(Split::reset);
        [&mut self.low_through_high, &mut self.high_through_low].into_iter().for_each(Butterworth::reset);
    }
}

/// One fourth-order split.
#[derive(Debug, Clone)]
struct Split {
    first: Butterworth,
    second: Butterworth,
}

impl Split {
    fn new(corner_hz: f64, sample_rate_hz: u32) -> Self {
        let section = Butterworth::new(corner_hz, sample_rate_hz);
        Self { first: section.clone(), second: section }
    }

    #[inline(always)]
    fn split(&mut self, frame: Frame) -> (Frame, Frame) {
        let first = self.first.step(frame);
        let low = self.second.step(first.low).low;
        (low, [first.allpass[0] - low[0], first.allpass[1] - low[1]])
    }

    fn settle(&mut self) {
        self.first.settle();
        self.second.settle();
    }

    fn reset(&mut self) {
        self.first.reset();
        self.second.reset();
    }
}

/// A second-order Butterworth section, direct form II: its low-pass and its allpass share one state.
#[derive(Debug, Clone)]
struct Butterworth {
    gain: f64,
    a1: f64,
    a2: f64,
    state: [Frame; 2],
}

struct Outputs {
    low: Frame,
    allpass: Frame,
}

impl Butterworth {
    fn new(corner_hz: f64, sample_rate_hz: u32) -> Self {
        let k = (PI * corner_hz / f64::from(sample_rate_hz)).tan();
        let norm = 1.0 / (1.0 + SQRT_2 * k + k * k);
        Self {
            gain: k * k * norm,
            a1: 2.0 * (k * k - 1.0) * norm,
            a2: (1.0 - SQRT_2 * k + k * k) * norm,
            state: [[0.0; 2]; 2],
        }
    }

    #[inline(always)]
    fn step(&mut self, x: Frame) -> Outputs {
        let [w1, w2] = self.state;
        let mut w = [0.0; 2];
        let mut low = [0.0; 2];
        let mut allpass = [0.0; 2];
        for c in 0..2 {
            let a1w1 = self.a1 * w1[c];
            w[c] = (x[c] - self.a2 * w2[c]) - a1w1;
            low[c] = self.gain * ((w[c] + w2[c]) + (w1[c] + w1[c]));
            allpass[c] = (self.a2 * w[c] + w2[c]) + a1w1;
        }
        self.state = [w, w1];
        Outputs { low, allpass }
    }

    fn settle(&mut self) {
        for value in self.state.iter_mut().flatten() {
            if value.abs() < 1e-50 {
                *value = 0.0;
            }
        }
    }

    fn reset(&mut self) {
        self.state = [[0.0; 2]; 2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use realfft::RealFftPlanner;

    const CORNERS_HZ: [f64; 3] = [120.0, 700.0, 5000.0];

    fn spectrum_db(signal: &[f64]) -> Vec<f64> {
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(signal.len());
        let mut input = signal.to_vec();
        let mut output = fft.make_output_vec();
        fft.process(&mut input, &mut output).expect("sizes match");
        output.iter().map(|bin| 10.0 * bin.norm_sqr().log10()).collect()
    }

    /// How far the sum of the bands is from flat, dB.
    fn deviation_db<const N: usize>(corners_hz: &[f64]) -> f64 {
        let mut splitter = SerialSplitter::<N>::new(corners_hz, 44_100);
        let sum: Vec<f64> = (0..1 << 16)
            .map(|n| splitter.split([if n == 0 { 1.0 } else { 0.0 }, 0.0]).iter().map(|band| band[0]).sum())
            .collect();
        spectrum_db(&sum).into_iter().map(f64::abs).fold(0.0, f64::max)
    }

    #[test]
    fn any_number_of_bands_sums_to_an_allpass() {
        let worst = [
            deviation_db::<2>(&[1000.0]),
            deviation_db::<3>(&[200.0, 250.0]),
            deviation_db::<4>(&CORNERS_HZ),
            deviation_db::<5>(&[60.0, 500.0, 900.0, 7000.0]),
            deviation_db::<6>(&[100.0, 300.0, 1000.0, 3000.0, 9000.0]),
        ];
        println!("{worst:?} dB");
        assert!(worst.iter().all(|db| *db < 1e-6), "{worst:?}");
    }

    #[test]
    fn bands_sum_to_an_allpass_and_follow_linkwitz_riley() {
        let length = 1 << 16;
        let mut splitter = FourBandSplitter::new(&CORNERS_HZ, 44_100);
        let mut sum = vec![0.0; length];
        let mut bands = vec![vec![0.0; length]; BANDS];
        for n in 0..length {
            let impulse = if n == 0 { 1.0 } else { 0.0 };
            for (band, frame) in splitter.split([impulse, 0.0]).into_iter().enumerate() {
                bands[band][n] = frame[0];
                sum[n] += frame[0];
                assert_eq!(frame[1], 0.0);
            }
        }
        let worst = spectrum_db(&sum).into_iter().map(f64::abs).fold(0.0, f64::max);
        assert!(worst < 1e-6, "sum deviates by {worst} dB");

        let bin = |hz: f64| (hz / 44_100.0 * length as f64).round() as usize;
        let low = spectrum_db(&bands[0]);
        assert!((low[bin(120.0)] + 6.02).abs() < 0.1, "-6 dB at the corner, got {}", low[bin(120.0)]);
        // Fourth-order Linkwitz-Riley high-pass: r^4 / (1 + r^4), with the bilinear transform's frequencies.
        let warped = |hz: f64| (PI * hz / 44_100.0).tan();
        let high_pass_db = |hz: f64, corner_hz: f64| {
            let r4 = (warped(hz) / warped(corner_hz)).powi(4);
            20.0 * (r4 / (1.0 + r4)).log10()
        };
        let high = spectrum_db(&bands[3]);
        for hz in [100.0, 1000.0, 5000.0, 15_000.0] {
            let hz = bin(hz) as f64 * 44_100.0 / length as f64;
            let expected_db = high_pass_db(hz, 700.0) + high_pass_db(hz, 5000.0);
            assert!((high[bin(hz)] - expected_db).abs() < 0.1, "{hz} Hz: {} for {expected_db}", high[bin(hz)]);
        }
        let second = spectrum_db(&bands[1]);
        assert!((second[bin(290.0)] + 0.50).abs() < 0.02, "both corners take 0.25 dB: {}", second[bin(290.0)]);
    }
}
