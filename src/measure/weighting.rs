//! Curves of hearing: A-weighting and the threshold in quiet.

/// A-weighting (IEC 61672-1, Annex E), dB.
pub fn a_weighting_db(hz: f64) -> f64 {
    let square = hz * hz;
    let poles = (square + 20.598_997f64.powi(2))
        * ((square + 107.652_65f64.powi(2)) * (square + 737.862_23f64.powi(2))).sqrt()
        * (square + 12_194.217f64.powi(2));
    2.0 + 20.0 * (12_194.217f64.powi(2) * square * square / poles).log10()
}

/// The quietest tone that is heard in silence, dB SPL (E. Terhardt, "Calculating Virtual Pitch", Hearing Research 1,
/// 1979, equation 3).
pub fn threshold_in_quiet_db(hz: f64) -> f64 {
    let khz = hz / 1000.0;
    3.64 * khz.powf(-0.8) - 6.5 * (-0.6 * (khz - 3.3).powi(2)).exp() + 1e-3 * khz.powi(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weighting_is_that_of_the_standard() {
        // IEC 61672-1, table 3, at the exact centres.
        for (exponent, expected_db) in
            [(-16, -44.7), (-10, -19.1), (-3, -3.2), (0, 0.0), (4, 1.3), (10, -2.5), (13, -9.3)]
        {
            let hz = 1000.0 * 10f64.powf(f64::from(exponent) / 10.0);
            assert!((a_weighting_db(hz) - expected_db).abs() <= 0.051, "{hz} Hz: {}", a_weighting_db(hz));
        }
    }

    #[test]
    fn hearing_is_keenest_around_3_khz() {
        let most = (20..16_000)
            .min_by(|a, b| threshold_in_quiet_db(f64::from(*a)).total_cmp(&threshold_in_quiet_db(f64::from(*b))));
        assert!(most.is_some_and(|hz| (3_000..3_700).contains(&hz)), "{most:?}");
        // The term at 1 kHz is 3.64 dB less 0.27 dB of the dip, and a thousandth.
        assert!((threshold_in_quiet_db(1_000.0) - 3.369).abs() < 0.01, "{}", threshold_in_quiet_db(1_000.0));
    }
}
