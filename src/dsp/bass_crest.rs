//! The level of the bass in control intervals: what a gain may not fall below between two crests of a low note.

use super::Frame;
use super::biquad::{Cascade, Coefficients};

/// Follows the magnitude of what lies under some frequency, interval by interval: a gain that moves within half its period is heard as
/// distortion.
#[derive(Debug, Clone)]
pub(crate) struct BassCrest {
    low_pass: Cascade,
}

impl BassCrest {
    /// Of what lies under `bass_hz`, at rest, for that many control intervals a second; `section_q` has a resonance for each 12 dB per
    /// octave of the low-pass.
    pub(crate) fn new(bass_hz: f64, section_q: &[f64], intervals_per_s: f64) -> Self {
        let rate = intervals_per_s.round() as u32;
        Self { low_pass: Cascade::new(section_q.iter().map(|&q| Coefficients::low_pass(bass_hz, q, rate))) }
    }

    /// Takes the mean of the next interval, which leaves next to nothing of what would fold into the bass; gives the
    /// magnitude of the bass, a millisecond or two late.
    pub(crate) fn push(&mut self, mean: Frame) -> Frame {
        let mut low = [mean];
        self.low_pass.process(&mut low);
        low[0].map(f64::abs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::biquad::BUTTERWORTH_4_Q;

    #[test]
    fn the_bass_passes_and_the_rest_does_not() {
        let highest = |hz: f64| {
            let mut crest = BassCrest::new(200.0, &BUTTERWORTH_4_Q, 2000.0);
            let levels = (0..4000).map(|k| (std::f64::consts::TAU * hz * f64::from(k) / 2000.0).sin());
            let levels: Vec<f64> = levels.map(|x| crest.push([x, -x])[1]).collect();
            levels[2000..].iter().fold(0.0f64, |highest, level| highest.max(*level))
        };
        assert!((0.98..1.001).contains(&highest(41.2)) && (0.98..1.001).contains(&highest(110.0)));
        assert!(highest(800.0) < 0.005);
    }
}
