//! Filters for processors that ring on into silence: their states never fall into denormal numbers, which would slow
//! them down a hundredfold.

use super::Frame;
use super::biquad::Coefficients;

/// The value, or 0 where it is under about 1e-36. Everything else keeps its bits as long as it is above 1e-4, and is
/// right to 1e-36 below.
#[inline(always)]
pub(super) fn flushed(value: f64) -> f64 {
    const FLOOR: f64 = 1e-20;
    (value + FLOOR) - FLOOR
}

/// A first-order allpass: the phase turns by 90 degrees at its corner, by 180 far above (U. Zölzer (ed.), "DAFX", 2nd ed.
/// 2011, section 2.2.3). The state is the caller's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allpass {
    coefficient: f64,
}

impl Allpass {
    pub(super) fn new(corner_hz: f64, sample_rate_hz: u32) -> Self {
        let k = (std::f64::consts::PI * corner_hz / f64::from(sample_rate_hz)).tan();
        Self { coefficient: (k - 1.0) / (k + 1.0) }
    }

    #[inline(always)]
    pub(super) fn step(&self, x: f64, state: &mut f64) -> f64 {
        let y = self.coefficient * x + *state;
        *state = flushed(x - self.coefficient * y);
        y
    }
}

/// A second-order section over stereo frames, transposed direct form II.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section {
    coefficients: Coefficients,
    state: [Frame; 2],
}

impl Section {
    pub(super) fn new(coefficients: Coefficients) -> Self {
        Self { coefficients, state: [[0.0; 2]; 2] }
    }

    /// A Butterworth high-pass, or none for a corner that is not set.
    pub(super) fn high_pass(corner_hz: Option<f64>, sample_rate_hz: u32) -> Option<Self> {
        corner_hz.map(|hz| {
            Self::new(Coefficients::high_pass(below_nyquist(hz, sample_rate_hz), BUTTERWORTH_Q, sample_rate_hz))
        })
    }

    /// A Butterworth low-pass, or none for a corner that is not set.
    pub(super) fn low_pass(corner_hz: Option<f64>, sample_rate_hz: u32) -> Option<Self> {
        corner_hz.map(|hz| {
            Self::new(Coefficients::low_pass(below_nyquist(hz, sample_rate_hz), BUTTERWORTH_Q, sample_rate_hz))
        })
    }

    #[inline(always)]
    pub(super) fn step(&mut self, x: Frame) -> Frame {
        let Coefficients { b, a } = self.coefficients;
        let [s1, s2] = &mut self.state;
        let mut y = [0.0; 2];
        for c in 0..2 {
            y[c] = b[0] * x[c] + s1[c];
            s1[c] = flushed(b[1] * x[c] + s2[c] - a[0] * y[c]);
            s2[c] = flushed(b[2] * x[c] - a[1] * y[c]);
        }
        y
    }

    pub(super) fn reset(&mut self) {
        self.state = [[0.0; 2]; 2];
    }
}

const BUTTERWORTH_Q: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// A corner held where a filter can still have it.
pub(super) fn below_nyquist(hz: f64, sample_rate_hz: u32) -> f64 {
    hz.min(0.45 * f64::from(sample_rate_hz))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_never_becomes_denormal() {
        let mut section = Section::high_pass(Some(20.0), 48_000).unwrap();
        section.step([1.0, -0.3]);
        let tail: Vec<Frame> = (0..400_000).map(|_| section.step([0.0; 2])).collect();
        assert!(tail[399_999].iter().all(|x| x.abs() < 1e-30));
        assert!(tail.iter().flatten().all(|x| *x == 0.0 || x.abs() > 1e-40));
    }

    #[test]
    fn music_is_not_touched_by_the_flush() {
        for x in [1.0, -0.3, 1e-4, 0.123_456_789] {
            assert_eq!(flushed(x), x);
        }
        assert!((flushed(1e-9) / 1e-9 - 1.0).abs() < 1e-15);
        assert_eq!(flushed(1e-40), 0.0);
    }
}
