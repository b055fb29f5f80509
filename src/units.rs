//! Conversions between the units that names carry: dB, ratios, time and samples.
//!
//! Levels go through here, so that "20 or 10?" is asked once.

/// Amplitude ratio of a level difference in dB: `10^(db / 20)`. Exactly 1.0 for 0 dB.
pub fn db_to_amplitude(db: f64) -> f64 {
    (db * (std::f64::consts::LN_10 / 20.0)).exp()
}

/// Power ratio of a level difference in dB: `10^(db / 10)`. Exactly 1.0 for 0 dB.
pub fn db_to_power(db: f64) -> f64 {
    (db * (std::f64::consts::LN_10 / 10.0)).exp()
}

/// Level in dB of an amplitude ratio. `-inf` for 0.
pub fn amplitude_to_db(amplitude: f64) -> f64 {
    20.0 * amplitude.log10()
}

/// Level in dB of a power ratio. `-inf` for 0.
pub fn power_to_db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// Level in dB of an amplitude, or `None` where there is none to speak of (zero, or not finite).
pub fn amplitude_to_db_checked(amplitude: f64) -> Option<f64> {
    Some(amplitude_to_db(amplitude)).filter(|db| db.is_finite())
}

/// Level in dB of a power, or `None` where there is none to speak of (zero, or not finite).
pub fn power_to_db_checked(power: f64) -> Option<f64> {
    Some(power_to_db(power)).filter(|db| db.is_finite())
}

/// Whole frames nearest to a time.
pub fn ms_to_frames(ms: f64, sample_rate_hz: u32) -> usize {
    (ms * 1e-3 * f64::from(sample_rate_hz)).round().max(0.0) as usize
}

/// Per-step coefficient of a one-pole smoother that covers 63 % of a step in `time_s`,
/// when it is stepped `steps_per_s` times a second. 0 (no smoothing) for a time of 0.
pub fn one_pole_coefficient(time_s: f64, steps_per_s: f64) -> f64 {
    if time_s <= 0.0 { 0.0 } else { (-1.0 / (time_s * steps_per_s)).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_convert_both_ways() {
        assert_eq!(db_to_amplitude(0.0), 1.0);
        assert!((db_to_amplitude(-6.0) - 0.501_187_233_627).abs() < 1e-12);
        assert!((amplitude_to_db(db_to_amplitude(-17.3)) + 17.3).abs() < 1e-12);
        assert!((power_to_db(db_to_power(4.2)) - 4.2).abs() < 1e-12);
        assert_eq!(amplitude_to_db_checked(0.0), None);
        assert_eq!(power_to_db_checked(f64::NAN), None);
    }

    #[test]
    fn times_round_to_the_nearest_frame() {
        assert_eq!(ms_to_frames(400.0, 44_100), 17_640);
        assert_eq!(ms_to_frames(10.0, 22_050), 221);
        assert_eq!(ms_to_frames(-1.0, 44_100), 0);
    }
}
