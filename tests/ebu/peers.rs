//! Agreement with an independent meter: the `ebur128` crate, a port of libebur128.

use ebur128::{EbuR128, Mode};

use crate::signals::{music, noise};
use crate::{assert_near, measure};

/// What the other meter reads too high or low: it leaves the high-pass numerator of the K-weighting as it is at
/// 48 kHz, so that the gain drifts with the rate (ours follows the 48 kHz response, as the standard asks).
fn drift_db(rate: u32) -> f64 {
    let pass_band_gain = |rate: f64| {
        let k = (std::f64::consts::PI * 38.135_470_876_024_44 / rate).tan();
        let norm = 1.0 / (1.0 + k / 0.500_327_037_323_877_3 + k * k);
        let (a1, a2) = (2.0 * (k * k - 1.0) * norm, (1.0 - k / 0.500_327_037_323_877_3 + k * k) * norm);
        4.0 / (1.0 - a1 + a2)
    };
    20.0 * (pass_band_gain(f64::from(rate)) / pass_band_gain(48_000.0)).log10()
}

fn assert_agreement(rate: u32, left: &[f32], right: &[f32]) {
    let mut other = EbuR128::new(2, rate, Mode::I | Mode::M | Mode::S | Mode::TRUE_PEAK).expect("a valid rate");
    let (mut momentary, mut short_term) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    let hop = rate as usize / 100;
    for (at, (left, right)) in left.chunks(hop).zip(right.chunks(hop)).enumerate() {
        other.add_frames_planar_f32(&[left, right]).expect("two channels");
        if at >= 39 {
            momentary = momentary.max(other.loudness_momentary().expect("measured"));
        }
        if at >= 299 && (at - 299) % 5 == 0 {
            short_term = short_term.max(other.loudness_shortterm().expect("measured"));
        }
    }
    let ours = measure(rate, left, right);
    let drift_db = drift_db(rate);
    assert!(drift_db.abs() < 0.005 || rate > 48_000);
    assert_near(ours.loudness.integrated_lufs(), other.loudness_global().expect("measured") - drift_db, 0.01);
    assert_near(ours.loudness.max_momentary_lufs(), momentary - drift_db, 0.01);
    assert_near(ours.loudness.max_short_term_lufs(), short_term - drift_db, 0.01);
    // The other one takes 4 points a sample at 44.1 and 48 kHz, 2 at 96 kHz and none at 192 kHz: it reads less, most of all on noise.
    if rate <= 48_000 {
        let peak = |c| other.true_peak(c).expect("measured");
        let over_db = ours.peaks.true_dbtp().expect("loud") - 20.0 * peak(0).max(peak(1)).log10();
        assert!((-0.1..1.5).contains(&over_db), "{over_db} dB at {rate} Hz");
    }
}

#[test]
fn music_measures_the_same_elsewhere() {
    for rate in [44_100, 48_000, 96_000] {
        for seed in 1..=4 {
            let [left, right] = music(rate, 8, 1000 * seed);
            assert_agreement(rate, &left, &right);
        }
    }
}

#[test]
fn noise_measures_the_same_elsewhere() {
    for rate in [44_100, 48_000, 88_200, 96_000, 192_000] {
        let frames = rate as usize * 6;
        let swell = |seed| -> Vec<f32> {
            let samples = noise(frames, seed).into_iter().enumerate();
            samples.map(|(n, x)| x * (0.3 + 0.25 * (n as f32 / rate as f32).sin())).collect()
        };
        assert_agreement(rate, &swell(11), &swell(12));
    }
}

#[test]
fn the_range_of_a_long_programme_is_the_same_elsewhere() {
    let [left, right] = music(44_100, 90, 17);
    let mut other = EbuR128::new(2, 44_100, Mode::LRA).expect("a valid rate");
    other.add_frames_planar_f32(&[&left, &right]).expect("two channels");
    // It steps its windows by a second, ours by a tenth.
    let ours = measure(44_100, &left, &right).loudness.range_lu();
    assert_near(ours, other.loudness_range().expect("measured"), 0.1);
}
