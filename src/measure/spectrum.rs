//! Third-octave spectra of mid and side, ten times a second.
//!
//! Hann-windowed FFTs about 0.2 s long, whose bins are gathered into third-octave bands (IEC 61260-1: centres at
//! 10^(k/10) kHz). A bin that straddles a band edge is shared between both bands. Levels are mean squares: the band
//! levels of a programme add up to its own.

use std::ops::Range;
use std::sync::Arc;

use pulp::{Arch, NullaryFnOnce};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use crate::aligned::Aligned;
use crate::audio::{AudioBuffer, assert_rate};
use crate::dsp::window::hann;
use crate::linear::weighted_sum;
use crate::slots::slot_border;
use crate::units::power_to_db;

/// Power of the third-octave bands of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BandPower {
    /// Mean square of `(left + right) / 2`.
    pub mid: f32,
    /// Mean square of `(left - right) / 2`.
    pub side: f32,
    /// Mean product of mid and side: a quarter of the power by which left exceeds right.
    pub cross: f32,
}

impl BandPower {
    /// Power of mid and side together.
    pub fn total(&self) -> f64 {
        f64::from(self.mid) + f64::from(self.side)
    }

    /// Level of the mid, dB; -200 where there is none.
    pub fn mid_db(&self) -> f64 {
        power_to_db(f64::from(self.mid) + 1e-20)
    }
}

/// Third-octave bands below half of a sample rate.
#[derive(Debug, Clone, PartialEq)]
pub struct ThirdOctaves {
    centers_hz: Vec<f64>,
}

impl ThirdOctaves {
    /// The bands from 25 Hz to 20 kHz whose upper edge a sample rate can hold.
    pub fn below(sample_rate_hz: u32) -> Self {
        let nyquist_hz = 0.5 * f64::from(sample_rate_hz);
        let centers_hz = (-16..=13)
            .map(|k| 1000.0 * 10f64.powf(f64::from(k) / 10.0))
            .take_while(|&center_hz| center_hz * Self::HALF_WIDTH <= nyquist_hz)
            .collect();
        Self { centers_hz }
    }

    /// Ratio of a band's upper edge to its centre: `10^(1/20)`.
    pub const HALF_WIDTH: f64 = 1.122_018_454_301_963_4;

    /// Exact centre frequencies, rising.
    pub fn centers_hz(&self) -> &[f64] {
        &self.centers_hz
    }

    /// The band that a frequency lies in.
    pub fn band_at(&self, hz: f64) -> Option<usize> {
        let band = (10.0 * (hz / self.centers_hz.first()?).log10()).round();
        Some(band as usize).filter(|&index| band >= 0.0 && index < self.centers_hz.len())
    }

    /// The bands whose centres lie within a range: none where it ends before it begins.
    pub fn within(&self, hz: Range<f64>) -> Range<usize> {
        let below = |edge_hz: f64| self.centers_hz.partition_point(|&center_hz| center_hz < edge_hz);
        let end = below(hz.end);
        below(hz.start).min(end)..end
    }

    /// Lower and upper edge of a band.
    pub fn edges_hz(&self, band: usize) -> (f64, f64) {
        (self.centers_hz[band] / Self::HALF_WIDTH, self.centers_hz[band] * Self::HALF_WIDTH)
    }
}

/// Frames of band powers.
#[derive(Debug, Clone)]
pub struct SpectralFrames {
    /// The bands.
    pub bands: ThirdOctaves,
    /// `frames x bands`, one frame after the other.
    powers: Vec<BandPower>,
    /// Mean square of left and right in each bin of the transform, over all frames, multiples of [`Self::bin_hz`] from 0.
    pub bins: Vec<f64>,
    /// Distance of the bins.
    pub bin_hz: f64,
    /// Length of the transform in seconds: frame `k` covers that much from `k * 100 ms`.
    pub window_s: f64,
}

impl SpectralFrames {
    /// The frames in order, ten a second.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[BandPower]> {
        self.powers.chunks_exact(self.bands.centers_hz.len().max(1))
    }

    /// Mean power of each band over the frames that `choose` wants.
    pub fn mean(&self, choose: impl Fn(usize) -> bool) -> Vec<BandPower> {
        let mut sums = vec![[0.0f64; 3]; self.bands.centers_hz.len()];
        let mut count = 0.0;
        for (_, frame) in self.iter().enumerate().filter(|(index, _)| choose(*index)) {
            count += 1.0;
            for (sum, power) in sums.iter_mut().zip(frame) {
                *sum = [sum[0] + f64::from(power.mid), sum[1] + f64::from(power.side), sum[2] + f64::from(power.cross)];
            }
        }
        let mean = |sum: f64| if count > 0.0 { (sum / count) as f32 } else { 0.0 };
        sums.into_iter()
            .map(|[mid, side, cross]| BandPower { mid: mean(mid), side: mean(side), cross: mean(cross) })
            .collect()
    }
}

/// Computes [`SpectralFrames`] from blocks.
pub struct SpectrumMeter {
    sample_rate_hz: u32,
    bands: ThirdOctaves,
    shares: Vec<Share>,
    window: Aligned<f32>,
    fft: Arc<dyn Fft<f32>>,
    scratch: Aligned<Complex<f32>>,
    /// Mid as the real and side as the imaginary part: one transform does for both.
    mid_side: Aligned<Complex<f32>>,
    bins: BinPowers,
    arch: Arch,
    pending: AudioBuffer,
    /// Frame number of the first pending sample.
    position: u64,
    frames: u64,
    powers: Vec<BandPower>,
    /// Sum of mid and side of all frames, by bin.
    long_term: Vec<f64>,
    /// Mean square of a bin of either sign whose squared magnitude is 1.
    scale: f64,
}

/// The part that the bins from `first` on have in a band.
struct Share {
    first: usize,
    weights: Vec<f32>,
}

/// Squared magnitudes of mid and side by bin, and the real part of their product.
struct BinPowers {
    mid: Aligned<f32>,
    side: Aligned<f32>,
    cross: Aligned<f32>,
}

impl BinPowers {
    /// Takes apart the transform of mid + i side. Of a real signal's transform the upper half is the lower one,
    /// mirrored and conjugated, so that with `z` at a bin and `y` at its mirror image the mid is `(z + y*) / 2` and the
    /// side `(z - y*) / 2i`.
    #[inline(always)]
    fn set(&mut self, mid_side: &[Complex<f32>]) {
        let half = mid_side.len() / 2;
        let (first, lower, upper) = (mid_side[0], &mid_side[1..=half], &mid_side[half..]);
        (self.mid[0], self.side[0], self.cross[0]) = (first.re * first.re, first.im * first.im, first.re * first.im);
        let powers = self.mid[1..].iter_mut().zip(&mut self.side[1..]).zip(&mut self.cross[1..]);
        for (((mid_power, side_power), cross), (z, y)) in powers.zip(lower.iter().zip(upper.iter().rev())) {
            let m = Complex::new(0.5 * (z.re + y.re), 0.5 * (z.im - y.im));
            let s = Complex::new(0.5 * (z.im + y.im), 0.5 * (y.re - z.re));
            *mid_power = m.re * m.re + m.im * m.im;
            *side_power = s.re * s.re + s.im * s.im;
            *cross = m.re * s.re + m.im * s.im;
        }
    }

    #[inline(always)]
    fn gather(&self, share: &Share) -> BandPower {
        let bins = share.first..share.first + share.weights.len();
        BandPower {
            mid: weighted_sum(&share.weights, &self.mid[bins.clone()]),
            side: weighted_sum(&share.weights, &self.side[bins.clone()]),
            cross: weighted_sum(&share.weights, &self.cross[bins]),
        }
    }
}

/// The windowed mid and side of a stretch, as a value for the processor at hand.
struct Windowing<'a> {
    mid_side: &'a mut [Complex<f32>],
    window: &'a [f32],
    left: &'a [f32],
    right: &'a [f32],
}

impl NullaryFnOnce for Windowing<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let samples = self.window.iter().zip(self.left.iter().zip(self.right));
        for (value, (w, (l, r))) in self.mid_side.iter_mut().zip(samples) {
            *value = Complex::new(0.5 * w * (l + r), 0.5 * w * (l - r));
        }
    }
}

/// What follows a transform, as a value: unlike a closure's, its body is sure to be compiled for the processor that it
/// is dispatched to. The order of the sums, and so the result, is the same with all.
struct Gathering<'a> {
    mid_side: &'a [Complex<f32>],
    bins: &'a mut BinPowers,
    shares: &'a [Share],
    powers: &'a mut Vec<BandPower>,
    long_term: &'a mut [f64],
}

impl NullaryFnOnce for Gathering<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.bins.set(self.mid_side);
        for share in self.shares {
            self.powers.push(self.bins.gather(share));
        }
        for (sum, (mid, side)) in self.long_term.iter_mut().zip(self.bins.mid.iter().zip(self.bins.side.iter())) {
            *sum += f64::from(mid + side);
        }
    }
}

/// A transform that would be longer than this has three quarters of a power of two, seconds.
const LONGEST_TRANSFORM_S: f64 = 0.2;

/// Frames of a transform: 8192 at 44.1 and 48 kHz, which makes bins of 5.4 and 5.9 Hz, about as wide as the lowest band. As wide
/// at all rates, since a low tone fills more third octaves the wider they are.
fn transform_length(sample_rate_hz: u32) -> usize {
    let length = ((0.15 * f64::from(sample_rate_hz)) as usize).next_power_of_two();
    if length as f64 > LONGEST_TRANSFORM_S * f64::from(sample_rate_hz) { length / 4 * 3 } else { length }
}

impl SpectrumMeter {
    /// A meter at rest.
    ///
    /// # Panics
    /// If the sample rate is outside 8 to 384 kHz.
    pub fn new(sample_rate_hz: u32) -> Self {
        assert_rate(sample_rate_hz);
        let length = transform_length(sample_rate_hz);
        let fft = FftPlanner::<f32>::new().plan_fft_forward(length);
        let window: Vec<f32> = hann(length).map(|weight| weight as f32).collect();
        // Parseval: the sum over all bins of both signs is `length` times the windowed energy.
        let energy: f64 = window.iter().map(|w| f64::from(*w).powi(2)).sum();
        let scale = 2.0 / (length as f64 * energy);
        let bands = ThirdOctaves::below(sample_rate_hz);
        let bin_hz = f64::from(sample_rate_hz) / length as f64;
        let shares = (0..bands.centers_hz.len())
            .map(|band| {
                let (low, high) = bands.edges_hz(band);
                let (low, high) = (low / bin_hz, high / bin_hz);
                let first = (low - 0.5).ceil().max(1.0) as usize;
                let last = (high + 0.5).floor().min((length / 2 - 1) as f64) as usize;
                let overlap = |bin: usize| high.min(bin as f64 + 0.5) - low.max(bin as f64 - 0.5);
                let weights = (first..=last).map(|bin| (overlap(bin).clamp(0.0, 1.0) * scale) as f32).collect();
                Share { first, weights }
            })
            .collect();
        let bins = || Aligned::new(length / 2 + 1);
        Self {
            sample_rate_hz,
            bands,
            shares,
            scratch: Aligned::new(fft.get_inplace_scratch_len()),
            mid_side: Aligned::new(length),
            bins: BinPowers { mid: bins(), side: bins(), cross: bins() },
            arch: Arch::new(),
            window: window.as_slice().into(),
            fft,
            pending: AudioBuffer::new(sample_rate_hz),
            position: 0,
            frames: 0,
            powers: Vec::new(),
            long_term: vec![0.0; length / 2 + 1],
            scale,
        }
    }

    /// Takes the next block.
    pub fn push(&mut self, block: &AudioBuffer) {
        self.pending.extend(block.left(), block.right());
        let mut start = self.next_start();
        while start + self.window.len() <= self.pending.frames() {
            self.transform(start);
            start = self.next_start();
        }
        // What is left has to be moved: not for every block.
        let done = start.min(self.pending.frames());
        if done >= 2 * self.window.len() {
            self.pending.remove_front(done);
            self.position += done as u64;
        }
    }

    /// Ends the programme. What is shorter than one window is measured as if silence followed it; otherwise what is
    /// left over after the last whole window is part of no frame.
    pub fn finish(mut self) -> SpectralFrames {
        if self.frames == 0 && !self.pending.is_empty() {
            self.pending.resize(self.window.len());
            self.transform(0);
        }
        let window_s = self.window.len() as f64 / f64::from(self.sample_rate_hz);
        let mean = self.scale / self.frames.max(1) as f64;
        SpectralFrames {
            bands: self.bands,
            powers: self.powers,
            bins: self.long_term.iter().map(|sum| sum * mean).collect(),
            bin_hz: 1.0 / window_s,
            window_s,
        }
    }

    /// Where the next frame begins within the pending samples.
    fn next_start(&self) -> usize {
        (slot_border(self.frames, self.sample_rate_hz) - self.position) as usize
    }

    fn transform(&mut self, start: usize) {
        let range = start..start + self.window.len();
        let (left, right) = (&self.pending.left()[range.clone()], &self.pending.right()[range]);
        self.arch.dispatch(Windowing { mid_side: &mut self.mid_side, window: &self.window, left, right });
        self.fft.process_with_scratch(&mut self.mid_side, &mut self.scratch);
        let Self { mid_side, bins, shares, powers, long_term, .. } = self;
        self.arch.dispatch(Gathering { mid_side, bins, shares, powers, long_term });
        self.frames += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::Noise;

    fn measure(sample_rate_hz: u32, frames: usize, signal: impl Fn(usize) -> (f32, f32)) -> SpectralFrames {
        let mut block = AudioBuffer::new(sample_rate_hz);
        for n in 0..frames {
            let (l, r) = signal(n);
            block.push(l, r);
        }
        let mut meter = SpectrumMeter::new(sample_rate_hz);
        meter.push(&block);
        meter.finish()
    }

    #[test]
    fn a_tone_reads_its_level_in_its_band_at_every_rate() {
        for rate in [8_000, 22_050, 44_100, 96_000, 192_000] {
            let signal = |n: usize| (std::f32::consts::TAU * 1000.0 * n as f32 / rate as f32).sin();
            let spectrum = measure(rate, rate as usize, |n| (signal(n), 0.0));
            let mean = spectrum.mean(|_| true);
            let band = spectrum.bands.centers_hz().iter().position(|hz| (hz - 1000.0).abs() < 1.0).expect("1 kHz");
            // Only in the left channel: mid and side are half as large each, and fully correlated.
            for power in [mean[band].mid, mean[band].side, mean[band].cross] {
                assert!((power_to_db(f64::from(power)) + 9.03).abs() < 0.05, "{rate} Hz: {power}");
            }
            let rest: f32 = mean.iter().enumerate().filter(|(b, _)| b.abs_diff(band) > 1).map(|(_, p)| p.mid).sum();
            assert!(rest < 1e-5 * mean[band].mid);
        }
    }

    #[test]
    fn a_tone_in_the_bass_leaks_no_further_than_what_counts_as_empty() {
        let tone = |n: usize| (std::f32::consts::TAU * 80.0 * n as f32 / 44_100.0).sin();
        let spectrum = measure(44_100, 441_000, |n| (tone(n), tone(n)));
        let mean = spectrum.mean(|_| true);
        let level_db = |hz: f64| mean[spectrum.bands.band_at(hz).expect("a band")].mid_db();
        let [below_db, far_below_db] = [50.0, 25.0].map(|hz| level_db(hz) - level_db(80.0));
        assert!(below_db < -55.0 && far_below_db < -70.0, "{below_db} dB at 50 Hz, {far_below_db} dB at 25 Hz");
    }

    #[test]
    fn bands_add_up_to_the_signal() {
        let mut white = Noise(1);
        let noise: Vec<f32> = (0..441_000).map(|_| 0.5 * white.next() as f32).collect();
        let spectrum = measure(44_100, noise.len(), |n| (noise[n], noise[n]));
        let sum: f64 = spectrum.mean(|_| true).iter().map(|power| f64::from(power.mid)).sum();
        // White noise between the outer edges of the 25 Hz and the 16 kHz band: that of 20 kHz would end above Nyquist.
        let covered = (1000.0 * 10f64.powf(1.25) - 1000.0 * 10f64.powf(-1.65)) / 22_050.0;
        let expected = covered / 12.0;
        assert!((power_to_db(sum / expected)).abs() < 0.1, "{}", power_to_db(sum / expected));
    }

    #[test]
    fn ten_frames_a_second_and_short_input_gives_one() {
        assert_eq!(measure(44_100, 441_000, |_| (0.0, 0.0)).iter().len(), 99);
        assert_eq!(measure(44_100, 100, |_| (1.0, 1.0)).iter().len(), 1);
        assert_eq!(measure(44_100, 0, |_| (1.0, 1.0)).iter().len(), 0);
    }
}
