//! Harmonics of the bass, from which hearing makes up a fundamental that small speakers can't play.
//!
//! The mid below a corner passes two chains of allpasses, 90 degrees apart within 1.1 degrees from 25 to 180 Hz (R. Dome,
//! "Wideband Phase Shift Networks", Electronics 19, 1946). Over the length of the pair each is the cosine or the sine of
//! an angle, and the Chebyshev polynomials of order 2 to 5 turn a cosine into those of the multiples (E. Larsen and R.
//! Aarts, "Audio Bandwidth Extension", 2004, chapter 2). So the harmonics stand to the bass as set, whatever its level
//! and however fast it changes, unlike those of a saturator. They are band-limited and added to both channels alike;
//! the bass itself stays as it is. The highest product lies at five times the corner, where no rate aliases.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::biquad::{BUTTERWORTH_4_Q, Coefficients};
use super::section::{Allpass, Section};
use super::{Frame, Processor};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::{db_to_amplitude, db_to_power};

/// The harmonics that are made.
pub const ORDERS: [u32; 4] = [2, 3, 4, 5];
/// What the harmonics are held between, Hz: 12 dB an octave.
const LOWEST_HZ: f64 = 80.0;
const HIGHEST_HZ: f64 = 900.0;
const BUTTERWORTH_Q: f64 = std::f64::consts::FRAC_1_SQRT_2;
/// Corners of the allpasses of both chains, Hz: the smallest error of their phase difference from 25 to 180 Hz.
const ALLPASSES_HZ: [[f64; 2]; 2] = [[40.083_906, 442.172_062], [10.177_034, 112.264_508]];
/// Bass under this is silence.
const LEAST: f64 = 1e-6;

/// Which harmonics, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct BassHarmonicsSettings {
    /// The bass lies below this, 40 to 200 Hz (24 dB an octave). Default: 110.
    pub corner_hz: f64,
    /// Level of each of the harmonics 2 to 5 over the fundamental, -40 to 0 dB. Default: -12.
    pub level_db: f64,
}

impl Default for BassHarmonicsSettings {
    fn default() -> Self {
        Self { corner_hz: 110.0, level_db: -12.0 }
    }
}

parameters!(BassHarmonicsSettings { corner_hz: Within(40.0, 200.0), level_db: Within(-40.0, 0.0) });

impl BassHarmonicsSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("bass_harmonics", None)
    }

    /// Power of a harmonic over that of a steady fundamental at a frequency.
    pub fn power_at(&self, fundamental_hz: f64, order: u32) -> f64 {
        let u = |hz: f64, corner_hz: f64| (hz / corner_hz).powi(2);
        let low = 1.0 / (1.0 + u(fundamental_hz, self.corner_hz).powi(4));
        let harmonic_hz = fundamental_hz * f64::from(order);
        let (over, under) = (u(harmonic_hz, LOWEST_HZ), u(harmonic_hz, HIGHEST_HZ));
        db_to_power(self.level_db) * low * over * over / (1.0 + over * over) / (1.0 + under * under)
    }
}

/// The stage. No latency.
#[derive(Debug, Clone)]
pub struct BassHarmonics {
    level: f64,
    low_pass: [Section; 2],
    /// Allpasses with their states.
    chains: [[(Allpass, f64); 2]; 2],
    held: [Section; 2],
}

impl BassHarmonics {
    /// The stage at rest, from validated settings.
    pub fn new(settings: &BassHarmonicsSettings, sample_rate_hz: u32) -> Self {
        let low_pass = |q| Section::new(Coefficients::low_pass(settings.corner_hz, q, sample_rate_hz));
        Self {
            level: db_to_amplitude(settings.level_db),
            low_pass: BUTTERWORTH_4_Q.map(low_pass),
            chains: ALLPASSES_HZ.map(|chain| chain.map(|hz| (Allpass::new(hz, sample_rate_hz), 0.0))),
            held: [
                Section::new(Coefficients::high_pass(LOWEST_HZ, BUTTERWORTH_Q, sample_rate_hz)),
                Section::new(Coefficients::low_pass(HIGHEST_HZ, BUTTERWORTH_Q, sample_rate_hz)),
            ],
        }
    }
}

impl Processor for BassHarmonics {
    fn process(&mut self, frames: &mut [Frame]) {
        for frame in frames {
            let mid = 0.5 * (frame[0] + frame[1]);
            let [bass, _] = self.low_pass.iter_mut().fold([mid, 0.0], |x, section| section.step(x));
            let [cosine, sine] = self
                .chains
                .each_mut()
                .map(|chain| chain.iter_mut().fold(bass, |x, (allpass, state)| allpass.step(x, state)));
            let length = cosine.hypot(sine);
            let made = if length > LEAST { self.level * length * chebyshev_2_to_5(cosine / length) } else { 0.0 };
            let [added, _] = self.held.iter_mut().fold([made, 0.0], |x, section| section.step(x));
            *frame = frame.map(|x| x + added);
        }
    }

    fn reset(&mut self) {
        self.low_pass.iter_mut().chain(&mut self.held).for_each(Section::reset);
        self.chains.iter_mut().flatten().for_each(|(_, state)| *state = 0.0);
    }
}

/// The sum of the Chebyshev polynomials of order 2 to 5: of the cosine of an angle, the cosines of its multiples.
fn chebyshev_2_to_5(x: f64) -> f64 {
    let (mut before, mut here, mut sum) = (1.0, x, 0.0);
    for _ in ORDERS {
        (before, here) = (here, 2.0 * x * here - before);
        sum += here;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{channel, check_promises, sine, tone_amplitude};
    use crate::units::{amplitude_to_db, power_to_db};

    #[test]
    fn a_bass_tone_gets_its_harmonics_at_any_level_and_keeps_itself() {
        let settings = BassHarmonicsSettings::default();
        for (hz, amplitude) in [(40.0, 0.5), (55.0, 0.5), (55.0, 0.01), (80.0, 0.1)] {
            let mut signal = sine(96_000, hz / 48_000.0, amplitude);
            BassHarmonics::new(&settings, 48_000).process(&mut signal);
            let steady = &channel(&signal, 0)[48_000..];
            let level_db = |order: f64| amplitude_to_db(tone_amplitude(steady, order * hz / 48_000.0) / amplitude);
            assert!(level_db(1.0).abs() < 0.5, "{hz} Hz: {} dB", level_db(1.0));
            for order in ORDERS {
                let (found, expected) = (level_db(f64::from(order)), power_to_db(settings.power_at(hz, order)));
                assert!(
                    (found - expected).abs() < 1.5,
                    "{hz} Hz at {amplitude}, harmonic {order}: {found} for {expected}"
                );
            }
            assert!(level_db(7.0) < -45.0, "{} dB", level_db(7.0));
        }
    }

    #[test]
    fn what_is_no_bass_passes() {
        let tone = sine(48_000, 1_000.0 / 48_000.0, 0.5);
        let mut signal = tone.clone();
        BassHarmonics::new(&BassHarmonicsSettings::default(), 48_000).process(&mut signal);
        let worst = tone.iter().zip(&signal).skip(4_800).map(|(a, b)| (a[0] - b[0]).abs()).fold(0.0, f64::max);
        assert!(worst < 0.5e-3, "{worst}");
    }

    #[test]
    fn it_keeps_the_promises_of_every_processor() {
        check_promises(&BassHarmonics::new(&BassHarmonicsSettings { corner_hz: 200.0, level_db: 0.0 }, 48_000), 12.0);
    }
}
