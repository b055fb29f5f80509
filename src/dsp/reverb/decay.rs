//! Filters that make each delay line of the network lose what its length and the decay times ask for.
//!
//! A line of `t` seconds has to lose `60 t / T` dB where the decay time is `T`. A graphic equaliser by octaves does
//! that: two shelves and bells, whose gains are solved so that the response is met at every centre in spite of their
//! overlap (S. J. Schlecht, E. A. P. Habets, "Accurate Reverberation Time Control in Feedback Delay Networks", DAFx
//! 2017; J.-M. Jot, A. Chaigne, "Digital Delay Networks for Designing Artificial Reverberators", AES 90, 1991).

use super::super::biquad::Coefficients;
use super::{OCTAVES, OCTAVES_HZ};
use crate::linear::solve;
use crate::units::{db_to_amplitude, power_to_db};

/// Octaves that a sample rate has.
pub(super) fn octaves_at(sample_rate_hz: u32) -> usize {
    OCTAVES_HZ.iter().filter(|hz| **hz < 0.45 * f64::from(sample_rate_hz)).count()
}

/// A gain and one section for each octave, the lowest first; identities beyond the last octave that the rate has.
pub(super) struct Attenuation {
    pub(super) gain: f64,
    pub(super) sections: [Coefficients; OCTAVES],
}

impl Attenuation {
    /// For a line of `delay_s` seconds.
    pub(super) fn new(delay_s: f64, decay_s: &[f64; OCTAVES], sample_rate_hz: u32) -> Self {
        let octaves = octaves_at(sample_rate_hz);
        let targets_db = decay_s.map(|decay_s| -60.0 * delay_s / decay_s);
        let base_db = targets_db[..octaves].iter().sum::<f64>() / octaves as f64;
        // What a decibel of each section does at each centre: the slope of the equations to solve.
        const PROBE_DB: f64 = 1.0;
        let slope: [[f64; OCTAVES]; OCTAVES] = std::array::from_fn(|section| {
            let coefficients = design(section, octaves, PROBE_DB, sample_rate_hz);
            OCTAVES_HZ
                .map(|hz| coefficients.gain_db_at(hz.min(0.45 * f64::from(sample_rate_hz)), sample_rate_hz) / PROBE_DB)
        });
        let mut gains_db = [0.0; OCTAVES];
        let mut sections = [Coefficients::IDENTITY; OCTAVES];
        let response_db = |sections: &[Coefficients; OCTAVES], hz: f64| {
            base_db + power_to_db(sections.iter().map(|section| section.power_at(hz, sample_rate_hz)).product())
        };
        for _ in 0..12 {
            let errors: [f64; OCTAVES] = std::array::from_fn(|octave| {
                if octave < octaves { targets_db[octave] - response_db(&sections, OCTAVES_HZ[octave]) } else { 0.0 }
            });
            if errors.iter().all(|error| error.abs() < 1e-9) {
                break;
            }
            let mut equations = [[0.0; OCTAVES + 1]; OCTAVES];
            for (octave, equation) in equations.iter_mut().enumerate() {
                for (cell, section) in equation.iter_mut().zip(&slope[..octaves]) {
                    *cell = section[octave];
                }
                equation[octaves] = errors[octave];
            }
            if solve(&mut equations[..octaves]).is_none() {
                break;
            }
            for section in 0..octaves {
                gains_db[section] = (gains_db[section] + equations[section][octaves]).clamp(-40.0, 40.0);
                sections[section] = design(section, octaves, gains_db[section], sample_rate_hz);
            }
        }
        // Between centres of very different decay a response may overshoot; the network must lose energy everywhere.
        let least_db = 0.5 * targets_db[..octaves].iter().copied().fold(f64::MIN, f64::max);
        let most_db = (0..=400)
            .map(|step| 10.0 * (0.05 * f64::from(sample_rate_hz)).powf(f64::from(step) / 400.0))
            .map(|hz| response_db(&sections, hz.min(0.499 * f64::from(sample_rate_hz))))
            .fold(response_db(&sections, 0.0), f64::max);
        let gain = db_to_amplitude(base_db - (most_db - least_db).max(0.0));
        Self { gain, sections }
    }
}

/// Times for the centres that make whole octaves measure as `decay_s`: an octave also holds what its neighbours ask for
/// at its edges. T30 is predicted from the response of a line of `delay_s` seconds (white noise: a sum of decays) and
/// the times are moved until it fits; to at most half or twice the setting.
pub(super) fn for_whole_octaves(decay_s: &[f64; OCTAVES], delay_s: f64, sample_rate_hz: u32) -> [f64; OCTAVES] {
    let mut centres_s = *decay_s;
    if decay_s.iter().all(|time| *time == decay_s[0]) {
        return centres_s;
    }
    for _ in 0..6 {
        let attenuation = Attenuation::new(delay_s, &centres_s, sample_rate_hz);
        for octave in 0..OCTAVES {
            if OCTAVES_HZ[octave] < 0.45 * f64::from(sample_rate_hz) {
                let predicted_s = attenuation.octave_s(octave, delay_s, sample_rate_hz);
                let moved_s = centres_s[octave] * (decay_s[octave] / predicted_s).powf(0.8);
                centres_s[octave] = moved_s.clamp(0.5 * decay_s[octave], 2.0 * decay_s[octave]);
            }
        }
    }
    centres_s
}

impl Attenuation {
    /// The T30 of noise in an octave that decays through this line again and again.
    fn octave_s(&self, octave: usize, delay_s: f64, sample_rate_hz: u32) -> f64 {
        const POINTS: usize = 16;
        const STEPS: usize = 120;
        // Decay times across the octave, evenly in Hz as noise is; as far as the sample rate goes.
        let (low, high) = (OCTAVES_HZ[octave] * 0.5f64.sqrt(), OCTAVES_HZ[octave] * 2f64.sqrt());
        let high = high.min(0.49 * f64::from(sample_rate_hz));
        let times: [f64; POINTS] = std::array::from_fn(|point| {
            let hz = low + (high - low) * (point as f64 + 0.5) / POINTS as f64;
            let power: f64 = self.sections.iter().map(|section| section.power_at(hz, sample_rate_hz)).product();
            -60.0 * delay_s / power_to_db(power * self.gain * self.gain)
        });
        let longest_s = times.into_iter().fold(0.0, f64::max);
        // What is left to come after a time: each decay's integral.
        let left = |t: f64| times.iter().map(|time| time * 10f64.powf(-6.0 * t / time)).sum::<f64>();
        let start = left(0.0);
        let (mut count, mut t1, mut d1, mut t2, mut td) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for step in 0..STEPS {
            let t = 0.75 * longest_s * step as f64 / STEPS as f64;
            let db = power_to_db(left(t) / start);
            if (-35.0..=-5.0).contains(&db) {
                (count, t1, d1, t2, td) = (count + 1.0, t1 + t, d1 + db, t2 + t * t, td + t * db);
            }
        }
        -60.0 * (count * t2 - t1 * t1) / (count * td - t1 * d1)
    }
}

/// The section of one octave: shelves at both ends, bells between.
fn design(section: usize, octaves: usize, gain_db: f64, sample_rate_hz: u32) -> Coefficients {
    let edge = std::f64::consts::SQRT_2;
    if section == 0 {
        Coefficients::low_shelf(OCTAVES_HZ[0] * edge, gain_db, 0.7, sample_rate_hz)
    } else if section + 1 == octaves {
        Coefficients::high_shelf(OCTAVES_HZ[section] / edge, gain_db, 0.7, sample_rate_hz)
    } else {
        Coefficients::bell(OCTAVES_HZ[section], gain_db, 1.2, sample_rate_hz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octave_loses_what_it_should() {
        let decay_s = [3.0, 2.8, 2.4, 2.0, 1.9, 1.7, 1.3, 0.9, 0.5];
        for rate_hz in [8_000, 22_050, 44_100, 96_000, 384_000] {
            for delay_s in [0.02, 0.05, 0.09] {
                let attenuation = Attenuation::new(delay_s, &decay_s, rate_hz);
                for (hz, decay_s) in
                    OCTAVES_HZ.into_iter().zip(decay_s).filter(|(hz, _)| *hz < 0.45 * f64::from(rate_hz))
                {
                    let power: f64 = attenuation.sections.iter().map(|section| section.power_at(hz, rate_hz)).product();
                    let loss_db = power_to_db(power * attenuation.gain.powi(2));
                    let wanted_db = -60.0 * delay_s / decay_s;
                    assert!((loss_db / wanted_db - 1.0).abs() < 1e-3, "{rate_hz}, {hz} Hz: {loss_db} for {wanted_db}");
                }
            }
        }
    }

    #[test]
    fn wild_settings_still_lose_everywhere() {
        for odd in [0.1, 30.0] {
            let decay_s = std::array::from_fn(|octave| if octave % 2 == 0 { odd } else { 30.1 - odd });
            let attenuation = Attenuation::new(0.03, &decay_s, 48_000);
            for hz in (0..24_000).step_by(50).map(f64::from) {
                let power: f64 = attenuation.sections.iter().map(|section| section.power_at(hz, 48_000)).product();
                assert!(power * attenuation.gain.powi(2) < 1.0, "{hz} Hz");
            }
        }
    }
}
