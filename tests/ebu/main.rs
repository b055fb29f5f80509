//! The minimum requirements of EBU Tech 3341 (version 4, Table 1) and Tech 3342, on synthesised signals, and the page
//! `docs/conformance.md` that says how they are met; other meters and the gates; and that neither blocks nor gain
//! change anything.
//!
//! Cases 7 and 8 of Tech 3341, and 5 and 6 of Tech 3342, are recordings of the EBU that may not be passed on.

mod cases;
mod gates;
mod page;
mod peers;
mod signals;

use halfspeed::AudioBuffer;
use halfspeed::measure::{Measurement, Meter};

use cases::Case;

const RATES_HZ: [u32; 5] = [44_100, 48_000, 88_200, 96_000, 192_000];

fn measure(rate: u32, left: &[f32], right: &[f32]) -> Measurement {
    let mut meter = Meter::new(rate);
    meter.push(&AudioBuffer::from_channels(rate, left.to_vec(), right.to_vec()));
    meter.finish()
}

#[track_caller]
fn assert_near(value: Option<f64>, expected: f64, tolerance: f64) {
    let value = value.expect("the signal has a value");
    assert!((value - expected).abs() <= tolerance, "{value:.4}, expected {expected} +- {tolerance}");
}

#[test]
fn every_case_at_every_rate_and_the_page_that_says_so() {
    let by_rate = RATES_HZ.map(|rate| (rate, cases::all(rate)));
    for (rate, cases) in &by_rate {
        assert_eq!(cases.len(), 29);
        for Case { number, reads, exact, tolerance, readings, .. } in cases {
            assert!(!readings.is_empty(), "case {number} at {rate} Hz");
            for reading in readings {
                let miss = reading - exact;
                let is_near = -tolerance.0 <= miss && miss <= tolerance.1;
                assert!(is_near, "case {number} at {rate} Hz: {reads} {reading:.4}, exact {exact}");
            }
        }
    }
    page::check(&by_rate);
}

#[test]
fn blocks_change_nothing() {
    let [left, right] = signals::music(44_100, 12, 5);
    let whole = measure(44_100, &left, &right).analysis();
    for frames in [1, 997, 4_096, 50_000] {
        let mut parts = Meter::new(44_100);
        for (left, right) in left.chunks(frames).zip(right.chunks(frames)) {
            parts.push(&AudioBuffer::from_channels(44_100, left.to_vec(), right.to_vec()));
        }
        assert_eq!(parts.finish().analysis(), whole, "blocks of {frames}");
    }
}

#[test]
fn twice_the_amplitude_is_6_02_lu_more_and_nothing_else() {
    let [left, right] = signals::music(44_100, 12, 7);
    let doubled = [&left, &right].map(|samples| samples.iter().map(|x| 2.0 * x).collect::<Vec<f32>>());
    let (was, is) = (measure(44_100, &left, &right).analysis(), measure(44_100, &doubled[0], &doubled[1]).analysis());
    let gain_db = 20.0 * 2f64.log10();
    let pairs = [
        (was.loudness.integrated_lufs, is.loudness.integrated_lufs, gain_db),
        (was.loudness.max_momentary_lufs, is.loudness.max_momentary_lufs, gain_db),
        (was.loudness.max_short_term_lufs, is.loudness.max_short_term_lufs, gain_db),
        (was.peak.true_dbtp, is.peak.true_dbtp, gain_db),
        (was.loudness.range_lu, is.loudness.range_lu, 0.0),
        (was.loudness.psr_min_db, is.loudness.psr_min_db, 0.0),
        (was.dynamics.dr14, is.dynamics.dr14, 0.0),
        (was.stereo.mono_loss_db, is.stereo.mono_loss_db, 0.0),
    ];
    for (was, is, change) in pairs {
        assert_near(is, was.expect("a value") + change, 1e-9);
    }
    assert_eq!(was.dynamics.limiting, is.dynamics.limiting);
}

#[test]
fn a_steady_tone_has_no_dynamics() {
    // Tech 3341 case 1: the true peak of a stereo tone lies as high as its loudness.
    let samples = signals::tone(48_000, &[(20.0, -23.0)]);
    let analysis = measure(48_000, &samples, &samples).analysis();
    assert_near(analysis.loudness.plr_db, 0.0, 0.02);
    assert_near(analysis.loudness.psr_min_db, 0.0, 0.02);
    assert_near(analysis.loudness.psr_p5_db, 0.0, 0.02);
    assert_near(analysis.dynamics.short_to_long_p95_db, 0.0, 0.01);
    assert_near(analysis.dynamics.bands[2].short_to_long_p95_db, 0.0, 0.01);
    assert_near(analysis.stereo.mono_loss_db, 0.0, 1e-6);
}

#[test]
fn mono_loss_is_that_of_theory() {
    // Correlations 0, -0.5 and -1 of equal powers lose 3.01, 6.02 and all.
    let (a, b) = (signals::noise(480_000, 1), signals::noise(480_000, 99));
    let mix = |r: f32| -> Vec<f32> { a.iter().zip(&b).map(|(a, b)| r * a + (1.0 - r * r).sqrt() * b).collect() };
    for (r, loss_db) in [(0.0, 3.01), (-0.5, 6.02), (0.5, 1.25)] {
        let analysis = measure(48_000, &a, &mix(r)).analysis();
        assert_near(analysis.stereo.mono_loss_db, loss_db, 0.1);
        assert_near(analysis.stereo.bands[3].mono_loss_db, loss_db, 0.1);
        assert_near(analysis.stereo.over_time.correlation_p50, f64::from(r), 0.02);
    }
    assert_near(measure(48_000, &a, &mix(-1.0)).analysis().stereo.mono_loss_db, 100.0, 0.0);
}
