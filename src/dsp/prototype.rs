//! Analogue filter sections, and digital ones that follow them to 20 kHz instead of cramping towards Nyquist.
//!
//! A sampled magnitude is a rational function of `p = sin^2(pi f / rate)`, an analogue one of `f^2`. With an
//! approximation of `f^2` by a ratio of quadratics in `p`, each analogue squared magnitude turns into a sampled one of
//! twice the order, and its minimum-phase factor is found in closed form, root by root (spectral factorisation as in
//! Martin Vicanek, "Matched Second Order Digital Filters", 2016). All that is lost is the approximation's error in
//! frequency: at 44.1 kHz 0.04 % to 10 kHz, 0.12 % to 16 kHz, 0.4 % to 20 kHz. A bell of 12 dB at Q 4 changes by
//! about 60 dB per unit of ln f, so that is within 0.03, 0.1 and 0.3 dB. Where a single second-order section is near
//! enough (most bands of most masters) those of `matched.rs` are used, at half the cost.

use std::f64::consts::PI;

use super::biquad::Coefficients;

/// `asin^2(sqrt p) = p (1 + MAP[0] p) / (1 + MAP[1] p + MAP[2] p^2)`: minimax in relative error, weighted 1 to 10 kHz,
/// 1/3 to 16 kHz and 1/10 to 20 kHz at 44.1 kHz (Lawson's algorithm).
const MAP: [f64; 3] = [-0.788_597_062_414_545_4, -1.130_175_383_276_103_5, 0.226_578_850_745_710_35];

/// An analogue section of first or second order in `s / (2 pi frequency_hz)`, highest power first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prototype {
    /// Coefficients of `s^2`, `s` and 1.
    pub numerator: [f64; 3],
    /// Coefficients of `s^2`, `s` and 1.
    pub denominator: [f64; 3],
    /// Where `s = j`.
    pub frequency_hz: f64,
}

impl Prototype {
    /// A bell with `gain_db` at its centre; `q` is the bandwidth between the half-gain points
    /// (Bristow-Johnson's definition, symmetrical for boost and cut).
    pub fn bell(frequency_hz: f64, gain_db: f64, q: f64) -> Self {
        let a = 10f64.powf(gain_db / 40.0);
        Self { numerator: [1.0, a / q, 1.0], denominator: [1.0, 1.0 / (a * q), 1.0], frequency_hz }
    }

    /// A shelf below `frequency_hz`, where half of the gain in dB is reached; `q` 0.707 is the steepest without
    /// overshoot.
    pub fn low_shelf(frequency_hz: f64, gain_db: f64, q: f64) -> Self {
        let a = 10f64.powf(gain_db / 40.0);
        let slope = a.sqrt() / q;
        Self { numerator: [a, a * slope, a * a], denominator: [a, slope, 1.0], frequency_hz }
    }

    /// A shelf above `frequency_hz`; see [`Self::low_shelf`].
    pub fn high_shelf(frequency_hz: f64, gain_db: f64, q: f64) -> Self {
        let a = 10f64.powf(gain_db / 40.0);
        let slope = a.sqrt() / q;
        Self { numerator: [a * a, a * slope, a], denominator: [1.0, slope, a], frequency_hz }
    }

    /// `gain_db` far above `frequency_hz`, its negative far below, 0 dB at it: first order.
    pub fn tilt(frequency_hz: f64, gain_db: f64) -> Self {
        let a = 10f64.powf(gain_db / 20.0);
        Self { numerator: [0.0, a, 1.0], denominator: [0.0, 1.0, a], frequency_hz }
    }

    /// Silence at the centre; `q` is the centre over the bandwidth between the points 3 dB down.
    pub fn notch(frequency_hz: f64, q: f64) -> Self {
        Self { numerator: [1.0, 0.0, 1.0], denominator: [1.0, 1.0 / q, 1.0], frequency_hz }
    }

    /// A second-order high-pass; `q` 0.707 is Butterworth's.
    pub fn high_pass(frequency_hz: f64, q: f64) -> Self {
        Self { numerator: [1.0, 0.0, 0.0], denominator: [1.0, 1.0 / q, 1.0], frequency_hz }
    }

    /// A second-order low-pass; `q` 0.707 is Butterworth's.
    pub fn low_pass(frequency_hz: f64, q: f64) -> Self {
        Self { numerator: [0.0, 0.0, 1.0], denominator: [1.0, 1.0 / q, 1.0], frequency_hz }
    }

    /// 6 dB per octave below the corner.
    pub fn high_pass_first_order(frequency_hz: f64) -> Self {
        Self { numerator: [0.0, 1.0, 0.0], denominator: [0.0, 1.0, 1.0], frequency_hz }
    }

    /// 6 dB per octave above the corner.
    pub fn low_pass_first_order(frequency_hz: f64) -> Self {
        Self { numerator: [0.0, 0.0, 1.0], denominator: [0.0, 1.0, 1.0], frequency_hz }
    }

    /// Power gain at a frequency.
    pub fn power_at(&self, frequency_hz: f64) -> f64 {
        let u = (frequency_hz / self.frequency_hz).powi(2);
        let power = |[c2, c1, c0]: [f64; 3]| (c0 - c2 * u).powi(2) + c1 * c1 * u;
        power(self.numerator) / power(self.denominator)
    }

    /// Whether a digital section follows within a share of the equaliser's tolerances, wherever the gain is above
    /// -80 dB.
    pub(super) fn is_met_by(&self, section: &Coefficients, sample_rate_hz: u32, share: f64) -> bool {
        let rate = f64::from(sample_rate_hz);
        let scale = (rate / 44_100.0).min(1.0);
        let grid = (1..=32).map(|k| f64::from(k) / 32.0 * 20e3 * scale);
        let around = [0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 1.4, 2.0].map(|ratio| ratio * self.frequency_hz);
        grid.chain(around).filter(|&hz| hz <= 20e3 * scale).all(|hz| {
            let tolerance_db = match hz / scale {
                _ if sample_rate_hz >= 88_200 => 0.05,
                ..=10e3 => 0.1,
                ..=16e3 => 0.3,
                _ => 1.0,
            };
            let wanted = self.power_at(hz);
            // A small change in dB: 10 / ln 10 times the relative change.
            wanted < 1e-8
                || (section.power_at(hz, sample_rate_hz) / wanted - 1.0).abs() * (10.0 / std::f64::consts::LN_10)
                    < share * tolerance_db
        })
    }

    /// One or two digital sections that follow this one to 20 kHz.
    pub fn sections(&self, sample_rate_hz: u32) -> [Coefficients; 2] {
        let turn = PI * self.frequency_hz / f64::from(sample_rate_hz);
        // Frequency squared over that of the section, per unit of the map. A zero on the frequency axis has no width for the
        // map's error to hide in: there the map is made exact.
        let has_null = self.numerator[1] == 0.0 && self.numerator[0] * self.numerator[2] > 0.0;
        let scale = if has_null && turn < 0.5 * PI { 1.0 / map(turn.sin().powi(2)) } else { turn.powi(-2) };
        let order = if self.denominator[0] == 0.0 { 1 } else { 2 };
        let zeros = factors(roots_in_u(self.numerator, order), scale);
        let poles = factors(roots_in_u(self.denominator, order), scale);
        let mut sections = [0, 1].map(|k| Coefficients { b: zeros[k], a: [poles[k][1], poles[k][2]] });
        // Both sides are the same function but for a factor: settled where the numerator is not zero.
        let at_dc = self.numerator[2] != 0.0;
        let (sign, wanted) = if at_dc {
            (1.0, self.numerator[2] / self.denominator[2])
        } else {
            let u = scale * map(1.0);
            (-1.0, self.power_at(self.frequency_hz * u.sqrt()).sqrt())
        };
        let value = |[c0, c1, c2]: [f64; 3]| c0 + sign * c1 + c2;
        let had: f64 = (0..2).map(|k| value(zeros[k]) / value(poles[k])).product();
        sections[0].b = sections[0].b.map(|b| b * wanted / had);
        sections
    }
}

/// The square of an angle whose sine has a square of `p`, as the map has it.
fn map(p: f64) -> f64 {
    p * (1.0 + MAP[0] * p) / (1.0 + MAP[1] * p + MAP[2] * p * p)
}

#[derive(Clone, Copy)]
struct Complex {
    re: f64,
    im: f64,
}

impl Complex {
    const fn real(re: f64) -> Self {
        Self { re, im: 0.0 }
    }

    fn scaled(self, by: f64) -> Self {
        Self { re: self.re * by, im: self.im * by }
    }

    fn plus(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }

    fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    fn over(self, other: Self) -> Self {
        let conjugate = Self { re: other.re, im: -other.im };
        self.times(conjugate).scaled(1.0 / other.norm())
    }

    fn norm(self) -> f64 {
        self.re * self.re + self.im * self.im
    }

    fn sqrt(self) -> Self {
        let size = self.norm().sqrt();
        let re = (0.5 * (size + self.re)).max(0.0).sqrt();
        let im = (0.5 * (size - self.re)).max(0.0).sqrt();
        Self { re, im: im.copysign(self.im) }
    }
}

/// Where the squared magnitude of `c2 s^2 + c1 s + c0` is zero, in `u = |s|^2`; `None` at infinity, for the orders
/// that are missing.
fn roots_in_u([c2, c1, c0]: [f64; 3], order: usize) -> Vec<Option<Complex>> {
    let mut roots = if c2 != 0.0 {
        // c2^2 u^2 + (c1^2 - 2 c0 c2) u + c0^2, in which the discriminant is c1^2 (c1^2 - 4 c0 c2).
        let half = 0.5 * (2.0 * c0 * c2 - c1 * c1) / (c2 * c2);
        let discriminant = 0.25 * c1 * c1 * (c1 * c1 - 4.0 * c0 * c2) / c2.powi(4);
        if discriminant < 0.0 {
            let im = (-discriminant).sqrt();
            vec![Some(Complex { re: half, im }), Some(Complex { re: half, im: -im })]
        } else {
            // Both are of one sign (or zero): the larger first, the other from their product.
            let larger = half + discriminant.sqrt().copysign(half);
            let smaller = if larger == 0.0 { 0.0 } else { (c0 / c2).powi(2) / larger };
            vec![Some(Complex::real(smaller)), Some(Complex::real(larger))]
        }
    } else if c1 != 0.0 {
        vec![Some(Complex::real(-(c0 / c1).powi(2)))]
    } else {
        Vec::new()
    };
    roots.resize(order, None);
    roots
}

/// The two sections `[1, c1, c2]` in `z^-1` that the map makes of roots in `u`, all zeros within the unit circle.
fn factors(roots: Vec<Option<Complex>>, scale: f64) -> [[f64; 3]; 2] {
    let mapped: Vec<[Complex; 2]> = roots.iter().map(|root| roots_in_p(root.map(|u| u.scaled(1.0 / scale)))).collect();
    match mapped.as_slice() {
        [only] => [pair(only[0], only[1]), [1.0, 0.0, 0.0]],
        [one, two] if roots[0].is_some_and(|u| u.im != 0.0) => [pair(one[0], two[0]), pair(one[1], two[1])],
        [one, two] if one.iter().chain(two).all(|p| p.im == 0.0) => [pair(one[0], two[0]), pair(one[1], two[1])],
        [one, two] => [pair(one[0], one[1]), pair(two[0], two[1])],
        _ => [[1.0, 0.0, 0.0]; 2],
    }
}

/// The two values of `p` that the map sends to `v`, the nearer first.
fn roots_in_p(v: Option<Complex>) -> [Complex; 2] {
    let one = Complex::real(1.0);
    // p (1 + m0 p) - v (1 + m1 p + m2 p^2) = 0
    let [a, b, c] = match v {
        Some(v) => [Complex::real(MAP[0]).plus(v.scaled(-MAP[2])), one.plus(v.scaled(-MAP[1])), v.scaled(-1.0)],
        None => [Complex::real(MAP[2]), Complex::real(MAP[1]), one],
    };
    let mut root = b.times(b).plus(a.times(c).scaled(-4.0)).sqrt();
    if root.re * b.re + root.im * b.im < 0.0 {
        root = root.scaled(-1.0);
    }
    let q = b.plus(root).scaled(-0.5);
    let far = if a.norm() < 1e-24 { Complex::real(1e12) } else { q.over(a) };
    [c.over(q), far]
}

/// `(1 - z1 z^-1)(1 - z2 z^-1)` with the roots within the unit circle that belong to two values of `p`, conjugate or
/// both real.
fn pair(p1: Complex, p2: Complex) -> [f64; 3] {
    let (z1, z2) = (root_in_z(p1), root_in_z(p2));
    if p1.im == 0.0 && p2.im == 0.0 {
        // A double zero on the circle has one value of p for both.
        if z1.im != 0.0 && z2.im != 0.0 { [1.0, -2.0 * z1.re, 1.0] } else { [1.0, -(z1.re + z2.re), z1.re * z2.re] }
    } else {
        [1.0, -2.0 * z1.re, z1.norm()]
    }
}

/// The solution within the unit circle of `z + 1 / z = 2 - 4 p`.
fn root_in_z(p: Complex) -> Complex {
    let middle = Complex::real(1.0).plus(p.scaled(-2.0));
    let root = p.times(p).plus(p.scaled(-1.0)).sqrt().scaled(2.0);
    let (one, other) = (middle.plus(root), middle.plus(root.scaled(-1.0)));
    // The outer one keeps its digits; the inner one is its reciprocal.
    let outer = if one.norm() >= other.norm() { one } else { other };
    Complex::real(1.0).over(outer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain_db(sections: &[Coefficients], hz: f64, rate: u32) -> f64 {
        sections.iter().map(|section| section.gain_db_at(hz, rate)).sum()
    }

    fn is_stable_and_minimum_phase(section: &Coefficients) -> bool {
        let inside = |c1: f64, c2: f64| c2.abs() <= 1.0 && c1.abs() <= 1.0 + c2 + 1e-12;
        let [b0, b1, b2] = section.b;
        let [a1, a2] = section.a;
        b0 > 0.0 && inside(b1 / b0, b2 / b0) && a2.abs() < 1.0 && inside(a1, a2)
    }

    #[test]
    fn a_notch_is_silent_at_its_own_frequency_at_every_rate() {
        for (frequency_hz, q, rate) in
            [(19_000.0, 10.0, 44_100), (15_625.0, 20.0, 48_000), (3_000.0, 20.0, 8_000), (1_000.0, 20.0, 96_000)]
        {
            let prototype = Prototype::notch(frequency_hz, q);
            let sections = prototype.sections(rate);
            assert!(gain_db(&sections, frequency_hz, rate) < -80.0, "{frequency_hz} Hz at {rate}");
            // And 3 dB down where its bandwidth ends.
            let edge_hz = frequency_hz * ((1.0 + 0.25 / (q * q)).sqrt() + 0.5 / q);
            let at_edge_db = gain_db(&sections, edge_hz, rate);
            // The map's error in frequency, a quarter of a percent there, is half a dB on a slope as steep.
            assert!((at_edge_db + 3.01).abs() < 0.7, "{frequency_hz} Hz at {rate}: {at_edge_db} dB");
            assert!(sections.iter().all(is_stable_and_minimum_phase));
        }
    }

    #[test]
    fn two_sections_follow_every_prototype() {
        let mut worst = [0.0f64; 3];
        for frequency_hz in [200.0, 1e3, 4e3, 8e3, 12e3, 15e3, 18e3, 19.9e3, 21.5e3] {
            let mut prototypes = vec![
                Prototype::high_pass_first_order(frequency_hz),
                Prototype::low_pass_first_order(frequency_hz),
                Prototype::tilt(frequency_hz, 12.0),
                Prototype::tilt(frequency_hz, -3.0),
            ];
            for q in [0.3, 0.5, 0.707, 1.3, 2.6, 4.0] {
                prototypes.extend([Prototype::high_pass(frequency_hz, q), Prototype::low_pass(frequency_hz, q)]);
                for gain_db in [-12.0, -1.0, 3.0, 12.0] {
                    prototypes.extend([
                        Prototype::bell(frequency_hz, gain_db, q),
                        Prototype::low_shelf(frequency_hz, gain_db, q),
                        Prototype::high_shelf(frequency_hz, gain_db, q),
                    ]);
                }
            }
            for prototype in prototypes {
                let sections = prototype.sections(44_100);
                assert!(sections.iter().all(is_stable_and_minimum_phase), "{prototype:?} {sections:?}");
                for step in 0..=400 {
                    let hz = 20.0 * 1000f64.powf(f64::from(step) / 400.0);
                    let error_db = gain_db(&sections, hz, 44_100) - 10.0 * prototype.power_at(hz).log10();
                    let band = if hz <= 10e3 {
                        0
                    } else if hz <= 16e3 {
                        1
                    } else {
                        2
                    };
                    worst[band] = worst[band].max(error_db.abs());
                }
            }
        }
        println!("{worst:?}");
        assert!(worst[0] < 0.05 && worst[1] < 0.15 && worst[2] < 0.5, "{worst:?}");
    }

    #[test]
    fn a_notch_is_silent_at_its_centre() {
        for hz in [1000.0, 15_000.0] {
            let sections = Prototype::notch(hz, 2.0).sections(48_000);
            assert!(sections.iter().all(is_stable_and_minimum_phase), "{sections:?}");
            assert!((-400..=400).any(|k| gain_db(&sections, hz * (1.0 + f64::from(k) * 1e-5), 48_000) < -70.0));
            assert!(gain_db(&sections, 20.0, 48_000).abs() < 0.01);
        }
    }
}
