//! K-weighting (ITU-R BS.1770-5, Annex 1) at any sample rate.

use std::f64::consts::PI;

use pulp::{Arch, NullaryFnOnce};

use crate::linear::solve;
use crate::units::{db_to_amplitude, power_to_db};

/// The rate for which the standard gives coefficients.
const STANDARD_RATE_HZ: f64 = 48_000.0;
/// Below this rate the shelf is fitted: the bilinear transform would bend it by up to 0.3 dB (at 8 kHz).
const LOWEST_BILINEAR_HZ: u32 = 44_100;

/// K-weighting of two channels: the shelf and the high-pass of BS.1770-5, Annex 1.
///
/// The standard gives coefficients for 48 kHz and asks for the same response at other rates. From 44.1 kHz up the
/// filters come from their analogue parameters, as derived by B. De Man ("Evaluation of Implementations of the EBU
/// R128 Loudness Measurement", AES 145, 2018), with the numerator of the high-pass scaled so that its pass-band gain
/// is that at 48 kHz. At lower rates the shelf is fitted to the 48 kHz response. Either way the response is within
/// 0.01 dB of the 48 kHz one, from 20 Hz to the lesser of 20 kHz and 0.45 of the rate.
#[derive(Debug, Clone)]
pub struct KWeighting {
    /// The shelf, with the gain of the high-pass.
    shelf: Biquad,
    high_pass_a: [f64; 2],
    state: State,
    arch: Arch,
}

/// The last two values inside each section, of both channels.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    shelf: [[f64; 2]; 2],
    high_pass: [[f64; 2]; 2],
}

/// Coefficients of a second-order section; `a0` is 1.
#[derive(Debug, Clone, Copy)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl Biquad {
    /// Squared magnitude where `sin^2(pi f / rate)` is `phi` (M. Vicanek, "Matched Second Order Digital Filters", 2016).
    fn power(&self, phi: f64) -> f64 {
        let square = |[c0, c1, c2]: [f64; 3]| {
            let sum = c0 + c1 + c2;
            sum * sum - 4.0 * (c0 * c1 + 4.0 * c0 * c2 + c1 * c2) * phi + 16.0 * c0 * c2 * phi * phi
        };
        square(self.b) / square([1.0, self.a[0], self.a[1]])
    }
}

fn warp(hz: f64, rate_hz: f64) -> f64 {
    (PI * hz / rate_hz).tan()
}

/// `sin^2(pi f / rate)`.
fn phi(hz: f64, rate_hz: f64) -> f64 {
    (PI * hz / rate_hz).sin().powi(2)
}

/// The shelf, from its analogue parameters.
fn bilinear_shelf(rate_hz: f64) -> Biquad {
    const SHELF_HZ: f64 = 1_681.974_450_955_533;
    const SHELF_DB: f64 = 3.999_843_853_973_347;
    const SHELF_Q: f64 = 0.707_175_236_955_419_6;
    const MIDDLE_EXPONENT: f64 = 0.499_666_774_154_541_6;
    let k = warp(SHELF_HZ, rate_hz);
    let top = db_to_amplitude(SHELF_DB);
    let middle = top.powf(MIDDLE_EXPONENT);
    let norm = 1.0 / (1.0 + k / SHELF_Q + k * k);
    Biquad {
        b: [
            (top + middle * k / SHELF_Q + k * k) * norm,
            2.0 * (k * k - top) * norm,
            (top - middle * k / SHELF_Q + k * k) * norm,
        ],
        a: [2.0 * (k * k - 1.0) * norm, (1.0 - k / SHELF_Q + k * k) * norm],
    }
}

/// Denominator of the high-pass, from its analogue parameters.
fn high_pass_a(rate_hz: f64) -> [f64; 2] {
    const HIGH_PASS_HZ: f64 = 38.135_470_876_024_44;
    const HIGH_PASS_Q: f64 = 0.500_327_037_323_877_3;
    let k = warp(HIGH_PASS_HZ, rate_hz);
    let norm = 1.0 / (1.0 + k / HIGH_PASS_Q + k * k);
    [2.0 * (k * k - 1.0) * norm, (1.0 - k / HIGH_PASS_Q + k * k) * norm]
}

fn pass_band_gain([a1, a2]: [f64; 2]) -> f64 {
    4.0 / (1.0 - a1 + a2)
}

/// A section with the squared magnitude of the 48 kHz shelf up to 0.48 of a lower rate: a ratio of two quadratics in
/// `phi`, by least squares weighted with the denominator of the round before (C. Sanathanan and J. Koerner, "Transfer
/// function synthesis as a ratio of two complex polynomials", 1963), taken apart into coefficients after Vicanek.
fn fitted_shelf(rate_hz: f64) -> Biquad {
    const POINTS: usize = 400;
    const ROUNDS: usize = 8;
    let standard = bilinear_shelf(STANDARD_RATE_HZ);
    let points: Vec<(f64, f64)> = (0..POINTS)
        .map(|n| 0.48 * rate_hz * (n as f64 + 0.5) / POINTS as f64)
        .map(|hz| (phi(hz, rate_hz), standard.power(phi(hz, STANDARD_RATE_HZ))))
        .collect();
    let mut fit = [1.0, 0.0, 0.0, 0.0, 0.0];
    for _ in 0..ROUNDS {
        let mut equations = [[0.0; 6]; 5];
        for &(p, wanted) in &points {
            let weight = 1.0 / (wanted * (1.0 + fit[3] * p + fit[4] * p * p));
            let row = [1.0, p, p * p, -wanted * p, -wanted * p * p, wanted].map(|value| value * weight);
            for (equation, factor) in equations.iter_mut().zip(row) {
                equation.iter_mut().zip(row).for_each(|(sum, value)| *sum += factor * value);
            }
        }
        // What is found stays where a round finds nothing better.
        if solve(&mut equations).is_none() {
            break;
        }
        fit = equations.map(|equation| equation[5]);
    }
    let [b0, b1, b2] = minimum_phase([fit[0], fit[1], fit[2]]);
    let [a0, a1, a2] = minimum_phase([1.0, fit[3], fit[4]]);
    Biquad { b: [b0 / a0, b1 / a0, b2 / a0], a: [a1 / a0, a2 / a0] }
}

/// Coefficients whose squared magnitude is a quadratic in `phi`.
fn minimum_phase([constant, linear, square]: [f64; 3]) -> [f64; 3] {
    let (at_zero, at_nyquist) = (constant.sqrt(), (constant + linear + square).sqrt());
    let outer = 0.5 * (at_zero + at_nyquist);
    let first = 0.5 * (outer + (outer * outer - 0.25 * square).sqrt());
    [first, 0.5 * (at_zero - at_nyquist), square / (16.0 * first)]
}

impl KWeighting {
    /// The filter at rest.
    pub fn new(sample_rate_hz: u32) -> Self {
        let rate_hz = f64::from(sample_rate_hz);
        let high_pass_a_here = high_pass_a(rate_hz);
        let gain = pass_band_gain(high_pass_a(STANDARD_RATE_HZ)) / pass_band_gain(high_pass_a_here);
        let shelf = if sample_rate_hz < LOWEST_BILINEAR_HZ { fitted_shelf(rate_hz) } else { bilinear_shelf(rate_hz) };
        Self {
            shelf: Biquad { b: shelf.b.map(|coefficient| coefficient * gain), a: shelf.a },
            high_pass_a: high_pass_a_here,
            state: State::default(),
            arch: Arch::new(),
        }
    }

    /// Gain of the filter at a frequency, dB; `sample_rate_hz` is the rate that the filter was made for.
    pub fn gain_db_at(&self, frequency_hz: f64, sample_rate_hz: f64) -> f64 {
        let high_pass = Biquad { b: [1.0, -2.0, 1.0], a: self.high_pass_a };
        let phi = phi(frequency_hz, sample_rate_hz);
        power_to_db(self.shelf.power(phi) * high_pass.power(phi))
    }

    /// Filters a stretch of two channels and gives the sum of squares of each.
    pub fn energy(&mut self, left: &[f32], right: &[f32]) -> [f64; 2] {
        let mut sums = [0.0; 2];
        self.add_energy(left, right, &mut sums);
        sums
    }

    /// Filters a stretch of two channels and adds the squares to the sum of each, one after the other, so that it
    /// doesn't matter where a stretch is cut.
    pub fn add_energy(&mut self, left: &[f32], right: &[f32], energy: &mut [f64; 2]) {
        let length = left.len().max(1);
        let start = *energy;
        self.arch.dispatch(Filtering { filter: self, left, right, length, start, visit: |sums| *energy = sums });
    }

    /// Filters stretches of `length` frames, one after the other, and tells the sum of squares of each; the last may be
    /// shorter.
    pub fn energies(&mut self, left: &[f32], right: &[f32], length: usize, visit: impl FnMut([f64; 2])) {
        self.arch.dispatch(Filtering { filter: self, left, right, length, start: [0.0; 2], visit });
    }

    /// `sums` and the squares of a filtered stretch. Products and sums are fused, which is the same to the bit with every
    /// processor.
    #[inline(always)]
    fn filtered_energy(&mut self, left: &[f32], right: &[f32], mut sums: [f64; 2]) -> [f64; 2] {
        let Biquad { b: [b0, b1, b2], a: [a1, a2] } = self.shelf;
        let [c1, c2] = self.high_pass_a;
        let State { shelf: [mut v1, mut v2], high_pass: [mut w1, mut w2] } = self.state;
        for (&l, &r) in left.iter().zip(right) {
            let x = [f64::from(l), f64::from(r)];
            let (mut v, mut w) = ([0.0; 2], [0.0; 2]);
            for c in 0..2 {
                // Both in direct form II, whose recursion is the shortest: one fused step a frame.
                v[c] = (-a1).mul_add(v1[c], (-a2).mul_add(v2[c], x[c]));
                let y = b0.mul_add(v[c], b1.mul_add(v1[c], b2 * v2[c]));
                w[c] = (-c1).mul_add(w1[c], (-c2).mul_add(w2[c], y));
                // The zeros of the high-pass are a plain second difference.
                let z = (-2.0f64).mul_add(w1[c], w[c] + w2[c]);
                sums[c] = z.mul_add(z, sums[c]);
            }
            (v2, v1) = (v1, v);
            (w2, w1) = (w1, w);
        }
        let settled = |state: [[f64; 2]; 2]| state.map(|values| values.map(flush_denormal));
        self.state = State { shelf: settled([v1, v2]), high_pass: settled([w1, w2]) };
        sums
    }
}

/// Filtering as a value: unlike a closure's, its body is sure to be compiled for the processor that it is dispatched to.
struct Filtering<'a, V> {
    filter: &'a mut KWeighting,
    left: &'a [f32],
    right: &'a [f32],
    length: usize,
    /// What the sums of each stretch begin with.
    start: [f64; 2],
    visit: V,
}

impl<V: FnMut([f64; 2])> NullaryFnOnce for Filtering<'_, V> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        for (left, right) in self.left.chunks(self.length).zip(self.right.chunks(self.length)) {
            (self.visit)(self.filter.filtered_energy(left, right, self.start));
        }
    }
}

/// Far below any signal: kept from turning into denormals, which are slow.
#[inline(always)]
fn flush_denormal(x: f64) -> f64 {
    if x.abs() < 1e-30 { 0.0 } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_at_48_khz_are_those_of_the_standard() {
        // BS.1770-5, Annex 1, Tables 1 and 2.
        let filter = KWeighting::new(48_000);
        let published = [
            (filter.shelf.b[0], 1.535_124_859_586_97),
            (filter.shelf.b[1], -2.691_696_189_406_38),
            (filter.shelf.b[2], 1.198_392_810_852_85),
            (filter.shelf.a[0], -1.690_659_293_182_41),
            (filter.shelf.a[1], 0.732_480_774_215_85),
            (filter.high_pass_a[0], -1.990_047_454_833_98),
            (filter.high_pass_a[1], 0.990_072_250_366_21),
        ];
        for (ours, theirs) in published {
            assert!((ours - theirs).abs() < 1e-10, "{ours} for {theirs}");
        }
    }

    #[test]
    fn weighting_is_within_a_hundredth_of_a_db_at_every_rate() {
        let reference = KWeighting::new(48_000);
        let rates = [
            8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 37_800, 44_100, 64_000, 88_200, 96_000, 176_400,
            192_000, 352_800, 384_000,
        ];
        for rate in rates {
            let filter = KWeighting::new(rate);
            let top_hz = 20_000f64.min(0.45 * f64::from(rate));
            for step in 0..=400 {
                let hz = 20.0 * (top_hz / 20.0).powf(f64::from(step) / 400.0);
                let error_db = filter.gain_db_at(hz, f64::from(rate)) - reference.gain_db_at(hz, 48_000.0);
                assert!(error_db.abs() < 0.01, "{error_db} dB at {hz} Hz, {rate} Hz");
            }
        }
    }

    #[test]
    fn filtering_has_the_gain_of_the_coefficients() {
        for rate in [8_000u32, 44_100] {
            for hz in [40.0, 1000.0, 3000.0] {
                let mut filter = KWeighting::new(rate);
                let tone: Vec<f32> =
                    (0..4 * rate).map(|n| (2.0 * PI * hz * f64::from(n) / f64::from(rate)).sin() as f32).collect();
                let (settling, steady) = tone.split_at(2 * rate as usize);
                filter.energy(settling, settling);
                let [left, right] = filter.energy(steady, steady);
                let read_db = power_to_db(2.0 * left / steady.len() as f64);
                assert!((read_db - filter.gain_db_at(hz, f64::from(rate))).abs() < 1e-4, "{hz} Hz at {rate} Hz");
                assert_eq!(left, right);
            }
        }
    }
}
