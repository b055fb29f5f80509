//! Second-order sections: coefficient design and the filter itself.
//!
//! Bells and shelves follow their analogue prototypes up to 20 kHz instead of cramping towards Nyquist, after
//! Martin Vicanek, "Matched Second Order Digital Filters" (2016): the poles are the analogue ones by impulse
//! invariance, the zeros are solved so that the magnitude is right at DC and at two more frequencies. Cuts are the
//! exact inverse of boosts. Measured against the analogue prototype at 44.1 kHz (|gain| <= 12 dB, bell Q 0.3 to 4,
//! shelf Q 0.5 to 1): within 0.43 dB to 10 kHz, 0.53 dB to 16 kHz and 0.9 dB to 20 kHz at the extremes; see the tests.

use std::f64::consts::PI;

use super::Frame;
use crate::units::power_to_db;

/// Transfer function `(b0 + b1 z^-1 + b2 z^-2) / (1 + a1 z^-1 + a2 z^-2)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficients {
    /// Feed-forward, newest sample first.
    pub b: [f64; 3],
    /// Feedback `a1, a2`.
    pub a: [f64; 2],
}

impl Coefficients {
    /// Passes everything unchanged.
    pub const IDENTITY: Self = Self { b: [1.0, 0.0, 0.0], a: [0.0, 0.0] };

    /// A bell with `gain_db` at its centre; `q` is the bandwidth between the half-gain points
    /// (Bristow-Johnson's definition, symmetrical for boost and cut).
    pub fn bell(frequency_hz: f64, gain_db: f64, q: f64, sample_rate_hz: u32) -> Self {
        Self::boost_or_inverse(gain_db, |boost_db| {
            let amplitude = 10f64.powf(boost_db / 40.0);
            let prototype = Prototype {
                numerator: [1.0, amplitude / q, 1.0],
                denominator: [1.0, 1.0 / (amplitude * q), 1.0],
                frequency_hz,
            };
            prototype.matched(f64::from(sample_rate_hz))
        })
    }

    /// A shelf that lifts everything well below `frequency_hz` by `gain_db`; half of the gain is reached at
    /// `frequency_hz`. `q` shapes the knee: 0.707 is the steepest without overshoot.
    pub fn low_shelf(frequency_hz: f64, gain_db: f64, q: f64, sample_rate_hz: u32) -> Self {
        Self::boost_or_inverse(gain_db, |boost_db| {
            Prototype::low_shelf(frequency_hz, boost_db, q).matched(f64::from(sample_rate_hz))
        })
    }

    /// A shelf that lifts everything well above `frequency_hz` by `gain_db`; see [`Self::low_shelf`].
    pub fn high_shelf(frequency_hz: f64, gain_db: f64, q: f64, sample_rate_hz: u32) -> Self {
        // The poles of the *cutting* high shelf lie lower, where they can be matched best.
        Self::boost_or_inverse(-gain_db, |boost_db| {
            Prototype::high_shelf(frequency_hz, -boost_db, q).matched(f64::from(sample_rate_hz))
        })
    }

    /// A second-order high-pass with resonance `q` (0.707: Butterworth), by the bilinear transform: exact where it is
    /// used, far below Nyquist.
    pub fn high_pass(frequency_hz: f64, q: f64, sample_rate_hz: u32) -> Self {
        let (k, norm) = Self::bilinear(frequency_hz, q, sample_rate_hz);
        Self { b: [norm, -2.0 * norm, norm], a: [2.0 * (k * k - 1.0) * norm, (1.0 - k / q + k * k) * norm] }
    }

    /// A second-order low-pass; see [`Self::high_pass`].
    pub fn low_pass(frequency_hz: f64, q: f64, sample_rate_hz: u32) -> Self {
        let (k, norm) = Self::bilinear(frequency_hz, q, sample_rate_hz);
        let b = k * k * norm;
        Self { b: [b, 2.0 * b, b], a: [2.0 * (k * k - 1.0) * norm, (1.0 - k / q + k * k) * norm] }
    }

    /// Pre-warped frequency and the factor that makes a0 equal 1.
    fn bilinear(frequency_hz: f64, q: f64, sample_rate_hz: u32) -> (f64, f64) {
        let k = (PI * frequency_hz / f64::from(sample_rate_hz)).tan();
        (k, 1.0 / (1.0 + k / q + k * k))
    }

    fn boost_or_inverse(gain_db: f64, boost: impl Fn(f64) -> Self) -> Self {
        if gain_db == 0.0 {
            Self::IDENTITY
        } else if gain_db > 0.0 {
            boost(gain_db)
        } else {
            boost(-gain_db).inverse()
        }
    }

    /// The section that undoes this one. Only for minimum-phase sections, as all bells and shelves here are.
    fn inverse(self) -> Self {
        let [b0, b1, b2] = self.b;
        Self { b: [1.0 / b0, self.a[0] / b0, self.a[1] / b0], a: [b1 / b0, b2 / b0] }
    }

    /// Power gain at a frequency.
    pub fn power_at(&self, frequency_hz: f64, sample_rate_hz: u32) -> f64 {
        let half = (PI * frequency_hz / f64::from(sample_rate_hz)).sin().powi(2);
        magnitude_terms(half, numerator_terms(self.b))
            / magnitude_terms(half, numerator_terms([1.0, self.a[0], self.a[1]]))
    }

    /// Gain in dB at a frequency.
    pub fn gain_db_at(&self, frequency_hz: f64, sample_rate_hz: u32) -> f64 {
        power_to_db(self.power_at(frequency_hz, sample_rate_hz))
    }
}

/// `|c0 + c1 z^-1 + c2 z^-2|^2 = C0 (1 - p) + C1 p + 4 C2 p (1 - p)` with `p = sin^2(w / 2)`: the form in which a
/// squared magnitude is linear in its unknowns (Vicanek 2016).
fn numerator_terms([c0, c1, c2]: [f64; 3]) -> [f64; 3] {
    [(c0 + c1 + c2).powi(2), (c0 - c1 + c2).powi(2), -4.0 * c0 * c2]
}

fn magnitude_terms(p: f64, [c0, c1, c2]: [f64; 3]) -> f64 {
    c0 * (1.0 - p) + c1 * p + 4.0 * c2 * p * (1.0 - p)
}

/// An analogue second-order section in `s / (2 pi frequency_hz)`, highest power first.
struct Prototype {
    numerator: [f64; 3],
    denominator: [f64; 3],
    frequency_hz: f64,
}

impl Prototype {
    fn low_shelf(frequency_hz: f64, gain_db: f64, q: f64) -> Self {
        let a = 10f64.powf(gain_db / 40.0);
        let slope = a.sqrt() / q;
        Self { numerator: [a, a * slope, a * a], denominator: [a, slope, 1.0], frequency_hz }
    }

    fn high_shelf(frequency_hz: f64, gain_db: f64, q: f64) -> Self {
        let a = 10f64.powf(gain_db / 40.0);
        let slope = a.sqrt() / q;
        Self { numerator: [a * a, a * slope, a], denominator: [1.0, slope, a], frequency_hz }
    }

    fn power_at(&self, frequency_hz: f64) -> f64 {
        let w = frequency_hz / self.frequency_hz;
        let power = |[c2, c1, c0]: [f64; 3]| (c0 - c2 * w * w).powi(2) + (c1 * w).powi(2);
        power(self.numerator) / power(self.denominator)
    }

    fn matched(&self, sample_rate_hz: f64) -> Coefficients {
        let [d2, d1, d0] = self.denominator;
        let pole = (d0 / d2).sqrt();
        let w = pole * 2.0 * PI * self.frequency_hz / sample_rate_hz;
        let damping = d1 / d2 / (2.0 * pole);
        let decay = (-damping * w).exp();
        let a1 = if damping <= 1.0 {
            -2.0 * decay * ((1.0 - damping * damping).sqrt() * w).min(PI).cos()
        } else {
            -2.0 * decay * ((damping * damping - 1.0).sqrt() * w).cosh()
        };
        let a = [a1, decay * decay];
        let denominator = numerator_terms([1.0, a[0], a[1]]);

        // Where the magnitude is matched besides DC: at the centre and somewhat above it, held away from Nyquist,
        // where an analogue response goes on that no sampled one can follow.
        let nyquist_bound = self.frequency_hz > 0.3 * sample_rate_hz;
        let (first_hz, second_hz) = if nyquist_bound {
            (0.25 * sample_rate_hz, 0.45 * sample_rate_hz)
        } else {
            (self.frequency_hz, (1.6 * self.frequency_hz).min(0.45 * sample_rate_hz))
        };
        let wanted = |frequency_hz: f64| {
            let p = (PI * frequency_hz / sample_rate_hz).sin().powi(2);
            (p, self.power_at(frequency_hz) * magnitude_terms(p, denominator))
        };
        let b0_term = self.power_at(0.0) * denominator[0];
        let (p, p_power) = wanted(first_hz);
        let (r, r_power) = wanted(second_hz);
        let (p_rest, r_rest) = (p_power - b0_term * (1.0 - p), r_power - b0_term * (1.0 - r));
        let (p_cross, r_cross) = (4.0 * p * (1.0 - p), 4.0 * r * (1.0 - r));
        let determinant = p * r_cross - p_cross * r;
        let b1_term = ((p_rest * r_cross - p_cross * r_rest) / determinant).max(0.0);
        let b2_term = (p * r_rest - p_rest * r) / determinant;

        let (root0, root1) = (b0_term.sqrt(), b1_term.sqrt());
        let sum = 0.5 * (root0 + root1);
        let b0 = 0.5 * (sum + (sum * sum + b2_term).max(0.0).sqrt());
        Coefficients { b: [b0, 0.5 * (root0 - root1), -b2_term / (4.0 * b0)], a }
    }
}

/// A chain of second-order sections over stereo frames, transposed direct form II.
#[derive(Debug, Clone)]
pub struct Cascade {
    sections: Vec<Section>,
    /// Frames since states were last looked at.
    position: usize,
}

/// States are looked at this often, counted from the beginning...
const SETTLE_FRAMES: usize = 256;
/// ... and what lies below this, -1000 dBFS, is silence.
const SILENCE: f64 = 1e-50;

#[derive(Debug, Clone, Copy)]
struct Section {
    coefficients: Coefficients,
    state: [Frame; 2],
}

impl Cascade {
    /// A chain at rest. Sections that pass everything unchanged are left out, so that neutral settings cost nothing
    /// and change no bit.
    pub fn new(sections: impl IntoIterator<Item = Coefficients>) -> Self {
        let sections = sections
            .into_iter()
            .filter(|coefficients| *coefficients != Coefficients::IDENTITY)
            .map(|coefficients| Section { coefficients, state: [[0.0; 2]; 2] })
            .collect();
        Self { sections, position: 0 }
    }

    /// Whether the chain changes nothing.
    pub fn is_identity(&self) -> bool {
        self.sections.is_empty()
    }

    /// Filters a block in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        let mut rest = frames;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at_mut(rest.len().min(SETTLE_FRAMES - self.position));
            self.run(piece);
            self.position += piece.len();
            if self.position == SETTLE_FRAMES {
                self.position = 0;
                self.settle();
            }
            rest = tail;
        }
    }

    /// Ends decays into silence before they turn into denormals, which are slow.
    fn settle(&mut self) {
        for value in self.sections.iter_mut().flat_map(|section| section.state.iter_mut().flatten()) {
            if value.abs() < SILENCE {
                *value = 0.0;
            }
        }
    }

    fn run(&mut self, frames: &mut [Frame]) {
        // Four sections to a pass: a section waits for its own last output, but the sections of one pass overlap in
        // the processor.
        let (quads, rest) = self.sections.as_chunks_mut::<4>();
        let (pairs, single) = rest.as_chunks_mut::<2>();
        quads.iter_mut().for_each(|sections| run(sections, frames));
        pairs.iter_mut().for_each(|sections| run(sections, frames));
        single.iter_mut().for_each(|section| run(std::array::from_mut(section), frames));
    }
}

fn run<const N: usize>(sections: &mut [Section; N], frames: &mut [Frame]) {
    let coefficients = sections.map(|section| section.coefficients);
    let mut states = sections.map(|section| section.state);
    for frame in frames {
        let mut x = *frame;
        for (Coefficients { b, a }, [s1, s2]) in coefficients.iter().zip(&mut states) {
            let y = [b[0] * x[0] + s1[0], b[0] * x[1] + s1[1]];
            *s1 = [b[1] * x[0] + s2[0] - a[0] * y[0], b[1] * x[1] + s2[1] - a[0] * y[1]];
            *s2 = [b[2] * x[0] - a[1] * y[0], b[2] * x[1] - a[1] * y[1]];
            x = y;
        }
        *frame = x;
    }
    for (section, state) in sections.iter_mut().zip(states) {
        section.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::db_to_power;

    const RATE_HZ: u32 = 44_100;

    /// Largest deviation from the analogue prototype, in dB, up to a frequency.
    fn worst_deviation_db(coefficients: &Coefficients, analogue_db: impl Fn(f64) -> f64, up_to_hz: f64) -> f64 {
        (0..300)
            .map(|step| 20.0 * (up_to_hz / 20.0).powf(f64::from(step) / 299.0))
            .map(|hz| (coefficients.gain_db_at(hz, RATE_HZ) - analogue_db(hz)).abs())
            .fold(0.0, f64::max)
    }

    fn bell_db(frequency_hz: f64, gain_db: f64, q: f64, at_hz: f64) -> f64 {
        let (a, w) = (10f64.powf(gain_db / 40.0), at_hz / frequency_hz);
        let power = |c: f64| (1.0 - w * w).powi(2) + (c * w).powi(2);
        10.0 * (power(a / q) / power(1.0 / (a * q))).log10()
    }

    fn shelf_db(frequency_hz: f64, gain_db: f64, q: f64, at_hz: f64, high: bool) -> f64 {
        let (a, w) = (10f64.powf(gain_db / 40.0), at_hz / frequency_hz);
        let w = if high { 1.0 / w } else { w };
        let slope = a.sqrt() / q;
        let power = |c2: f64, c0: f64| (c0 - c2 * w * w).powi(2) + (slope * w).powi(2);
        10.0 * (a * a * power(1.0, a) / power(a, 1.0)).log10()
    }

    #[test]
    fn bells_and_shelves_follow_their_analogue_prototypes_to_20_khz() {
        let mut worst = [0.0f64; 3];
        for frequency_hz in [30.0, 100.0, 1e3, 3e3, 5e3, 8e3, 10e3, 12e3, 14e3, 16e3] {
            for gain_db in [-12.0, -6.0, -3.0, 3.0, 6.0, 12.0] {
                let mut check = |coefficients: Coefficients, analogue_db: &dyn Fn(f64) -> f64| {
                    for (worst, up_to_hz) in worst.iter_mut().zip([10e3, 16e3, 20e3]) {
                        *worst = worst.max(worst_deviation_db(&coefficients, analogue_db, up_to_hz));
                    }
                };
                for q in [0.3, 0.5, 0.7, 1.0, 2.0, 4.0] {
                    check(Coefficients::bell(frequency_hz, gain_db, q, RATE_HZ), &|hz| {
                        bell_db(frequency_hz, gain_db, q, hz)
                    });
                }
                for q in [0.5, 0.7, 1.0] {
                    let low = Coefficients::low_shelf(frequency_hz, gain_db, q, RATE_HZ);
                    check(low, &|hz| shelf_db(frequency_hz, gain_db, q, hz, false));
                    let high = Coefficients::high_shelf(frequency_hz, gain_db, q, RATE_HZ);
                    check(high, &|hz| shelf_db(frequency_hz, gain_db, q, hz, true));
                }
            }
        }
        assert!(worst[0] < 0.43 && worst[1] < 0.53 && worst[2] < 0.91, "{worst:?}");
    }

    #[test]
    fn a_section_passes_a_sine_as_its_response_says() {
        let coefficients = Coefficients::bell(1000.0, 6.0, 1.0, RATE_HZ);
        let mut cascade = Cascade::new([coefficients]);
        let mut frames: Vec<Frame> =
            (0..44_100).map(|n| (2.0 * PI * 700.0 * f64::from(n) / 44_100.0).sin()).map(|x| [x, -x]).collect();
        cascade.process(&mut frames);
        let power: f64 = frames[22_050..].iter().map(|f| f[0] * f[0]).sum::<f64>() / 22_050.0;
        assert!((power / (0.5 * coefficients.power_at(700.0, RATE_HZ)) - 1.0).abs() < 1e-9);
        assert!(frames.iter().all(|f| f[0] == -f[1]));
    }

    #[test]
    fn butterworth_pair_is_3_db_down_at_its_corner() {
        let q = std::f64::consts::FRAC_1_SQRT_2;
        for design in [Coefficients::high_pass, Coefficients::low_pass] {
            assert!((design(1000.0, q, RATE_HZ).power_at(1000.0, RATE_HZ) - 0.5).abs() < 1e-12);
        }
        assert!(Coefficients::high_pass(30.0, q, RATE_HZ).power_at(3.0, RATE_HZ) < db_to_power(-39.9));
    }

    #[test]
    fn neutral_sections_are_left_out_and_blocks_do_not_matter() {
        assert!(Cascade::new([Coefficients::bell(1000.0, 0.0, 1.0, RATE_HZ)]).is_identity());
        let design = || (1..=7).map(|k| Coefficients::bell(100.0 * f64::from(k), 2.0, 1.0, RATE_HZ));
        let input: Vec<Frame> = (0..1000).map(|n| [f64::from(n % 17) - 8.0, f64::from(n % 5)]).collect();
        let (mut whole, mut parts) = (input.clone(), input);
        Cascade::new(design()).process(&mut whole);
        let mut cascade = Cascade::new(design());
        parts.chunks_mut(37).for_each(|block| cascade.process(block));
        assert_eq!(whole, parts);
    }
}
