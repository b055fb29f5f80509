//! Second-order sections: their coefficients and the filter itself.

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

/// Resonances of the two sections that make Butterworth's filter of the fourth order.
pub(crate) const BUTTERWORTH_4_Q: [f64; 2] = [0.541_196_100_146_197, 1.306_562_964_876_376_6];

impl Coefficients {
    /// Passes everything unchanged.
    pub const IDENTITY: Self = Self { b: [1.0, 0.0, 0.0], a: [0.0, 0.0] };

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

    /// How far the farther pole is from the origin: what rings falls by this factor each frame.
    fn pole_radius(&self) -> f64 {
        let [a1, a2] = self.a;
        let discriminant = 0.25 * a1 * a1 - a2;
        if discriminant < 0.0 { a2.sqrt() } else { 0.5 * a1.abs() + discriminant.sqrt() }
    }
}

/// `|c0 + c1 z^-1 + c2 z^-2|^2 = C0 (1 - p) + C1 p + 4 C2 p (1 - p)` with `p = sin^2(w / 2)`: the form in which a
/// squared magnitude is linear in its unknowns (Vicanek 2016).
pub(super) fn numerator_terms([c0, c1, c2]: [f64; 3]) -> [f64; 3] {
    [(c0 + c1 + c2).powi(2), (c0 - c1 + c2).powi(2), -4.0 * c0 * c2]
}

pub(super) fn magnitude_terms(p: f64, [c0, c1, c2]: [f64; 3]) -> f64 {
    c0 * (1.0 - p) + c1 * p + 4.0 * c2 * p * (1.0 - p)
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

    /// Frames in which what rings in the slowest section falls by a ratio of amplitudes.
    pub(super) fn decay_frames(&self, ratio: f64) -> f64 {
        let slowest = self.sections.iter().map(|section| section.coefficients.pole_radius()).fold(0.0, f64::max);
        ratio.ln() / -slowest.ln()
    }

    /// Brings the chain to the state in which it would be had a constant gone in for ever; gives what comes out.
    pub fn settle_on(&mut self, constant: Frame) -> Frame {
        self.sections.iter_mut().fold(constant, |x, Section { coefficients: Coefficients { b, a }, state }| {
            let gain = (b[0] + b[1] + b[2]) / (1.0 + a[0] + a[1]);
            let y = x.map(|x| gain * x);
            *state = [[0, 1].map(|c| y[c] - b[0] * x[c]), [0, 1].map(|c| b[2] * x[c] - a[1] * y[c])];
            y
        })
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

    /// Forgets everything heard so far.
    pub(super) fn reset(&mut self) {
        self.sections.iter_mut().for_each(|section| section.state = [[0.0; 2]; 2]);
        self.position = 0;
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

    #[test]
    fn a_chain_that_has_settled_does_not_move() {
        let high_pass = Coefficients::high_pass(10.0, 0.707, 48_000);
        let low_pass = Coefficients::low_pass(9_000.0, 1.3, 48_000);
        for (sections, expected) in [(vec![low_pass, high_pass], 0.0), (vec![low_pass], 0.25)] {
            let mut cascade = Cascade::new(sections);
            assert!((cascade.settle_on([0.25, -0.25])[0] - expected).abs() < 1e-12);
            let mut frames = vec![[0.25, -0.25]; 1000];
            cascade.process(&mut frames);
            assert!(
                frames.iter().all(|frame| (frame[0] - expected).abs() < 1e-9 && (frame[1] + expected).abs() < 1e-9)
            );
        }
    }

    const RATE_HZ: u32 = 44_100;

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
    fn a_decay_takes_as_long_as_told() {
        // A pair of poles that rings, and two on the axis.
        for q in [5.0, 0.3] {
            let mut cascade = Cascade::new([Coefficients::low_pass(100.0, q, RATE_HZ)]);
            let fall = cascade.decay_frames(1000.0).round() as usize;
            let mut rings = vec![[0.0; 2]; 44_100];
            rings[0] = [1.0; 2];
            cascade.process(&mut rings);
            // Peaks over a period, of which the first begins where only the slowest part is left.
            let peak =
                |from: usize| rings[from..from + 441].iter().fold(0.0f64, |peak, frame| peak.max(frame[0].abs()));
            let ratio = peak(1000) / peak(1000 + fall);
            assert!((ratio / 1000.0 - 1.0).abs() < 0.05, "{q}: {ratio}");
        }
        assert_eq!(Cascade::new([]).decay_frames(1000.0), 0.0);
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
