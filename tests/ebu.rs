//! The minimum requirements of EBU Tech 3341 (version 4, Table 1) and Tech 3342, on synthesised signals.
//!
//! Levels are per-channel peaks in dBFS of a stereo 1 kHz tone in phase. The tolerances are those of the documents;
//! the meter itself is a good deal nearer.

use std::f64::consts::TAU;

use halfspeed::AudioBuffer;
use halfspeed::measure::loudness::LoudnessMeter;
use halfspeed::measure::{Measurement, Meter};

const RATES_HZ: [u32; 5] = [44_100, 48_000, 88_200, 96_000, 192_000];

/// A tone whose level changes; its phase goes on.
fn tone(rate: u32, parts: &[(f64, f64)]) -> Vec<f32> {
    let mut samples = Vec::new();
    for &(seconds, dbfs) in parts {
        let amplitude = 10f64.powf(dbfs / 20.0);
        for _ in 0..(seconds * f64::from(rate)).round() as usize {
            let phase = TAU * 1000.0 * samples.len() as f64 / f64::from(rate);
            samples.push((amplitude * phase.sin()) as f32);
        }
    }
    samples
}

fn measure(rate: u32, samples: &[f32]) -> Measurement {
    let mut meter = Meter::new(rate);
    meter.push(&AudioBuffer::from_channels(rate, samples.to_vec(), samples.to_vec()));
    meter.finish()
}

#[track_caller]
fn assert_near(value: Option<f64>, expected: f64, tolerance: f64) {
    let value = value.expect("the signal has a value");
    assert!((value - expected).abs() <= tolerance, "{value:.4}, expected {expected} +- {tolerance}");
}

#[test]
fn cases_1_to_5_integrated_loudness() {
    let cases: [(&[(f64, f64)], f64); 5] = [
        (&[(20.0, -23.0)], -22.993),
        (&[(20.0, -33.0)], -32.993),
        (&[(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)], -23.014),
        (&[(10.0, -72.0), (10.0, -36.0), (60.0, -23.0), (10.0, -36.0), (10.0, -72.0)], -23.014),
        (&[(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)], -22.979),
    ];
    // "Exact" readings of a meter with the standard's own coefficients, at 48 kHz.
    for (parts, exact_lufs) in cases {
        for rate in [44_100, 48_000, 96_000] {
            let mut meter = LoudnessMeter::stereo(rate);
            let samples = tone(rate, parts);
            meter.push(&[&samples, &samples]);
            assert_near(meter.finish().integrated_lufs(), exact_lufs, 0.01);
        }
    }
}

#[test]
fn case_1_momentary_and_short_term() {
    for rate in RATES_HZ {
        let samples = tone(rate, &[(20.0, -23.0)]);
        let mut meter = LoudnessMeter::stereo(rate);
        meter.push(&[&samples, &samples]);
        let loudness = meter.finish();
        assert_near(loudness.max_momentary_lufs(), -23.0, 0.03);
        assert_near(loudness.max_short_term_lufs(), -23.0, 0.03);
    }
}

#[test]
fn case_6_five_channels() {
    let rate = 48_000;
    let channels = [-28.0, -28.0, -24.0, -30.0, -30.0].map(|dbfs| tone(rate, &[(20.0, dbfs)]));
    let mut meter = LoudnessMeter::new(rate, &[1.0, 1.0, 1.0, 1.41, 1.41]);
    meter.push(&channels.each_ref().map(Vec::as_slice));
    assert_near(meter.finish().integrated_lufs(), -23.016, 0.01);
}

#[test]
fn cases_9_and_12_constant_windows() {
    let rate = 48_000;
    let short_term: Vec<_> = [(1.34, -20.0), (1.66, -30.0)].repeat(5);
    let series = measure(rate, &tone(rate, &short_term)).loudness;
    assert!(series.short_term_lufs().iter().all(|lufs| (lufs + 22.986).abs() < 0.01));
    let momentary: Vec<_> = [(0.18, -20.0), (0.22, -30.0)].repeat(25);
    let series = measure(rate, &tone(rate, &momentary)).loudness;
    assert!(series.momentary_lufs().iter().all(|lufs| (lufs + 22.960).abs() < 0.03));
}

#[test]
fn cases_10_and_13_maxima_whatever_the_onset() {
    let rate = 48_000;
    for i in 0..20 {
        let silence = f64::from(i) * 0.15;
        let samples = tone(rate, &[(silence, -200.0), (3.0, -23.0), (1.0, -200.0)]);
        assert_near(measure(rate, &samples).loudness.max_short_term_lufs(), -22.993, 0.01);
        let silence = f64::from(i) * 0.02;
        let samples = tone(rate, &[(silence, -200.0), (0.4, -23.0), (1.0, -200.0)]);
        assert_near(measure(rate, &samples).loudness.max_momentary_lufs(), -22.994, 0.03);
    }
}

#[test]
fn cases_15_to_19_true_peak_of_steady_tones() {
    // Divisor of the sample rate, amplitude, phase in degrees, expected dBTP.
    let cases = [
        (4.0, 0.5, 0.0, -6.02),
        (4.0, 0.5, 45.0, -6.02),
        (6.0, 0.5, 60.0, -6.02),
        (8.0, 0.5, 67.5, -6.02),
        (4.0, 1.41, 45.0, 2.98),
    ];
    for rate in [44_100, 48_000, 96_000] {
        for (divisor, amplitude, degrees, expected_dbtp) in cases {
            // With the 10 ms fades of the document: a hard onset would really overshoot.
            let fade = f64::from(rate) * 0.01;
            let frames = f64::from(rate) * 0.5;
            let samples: Vec<f32> = (0..frames as usize)
                .map(|n| {
                    let n = n as f64;
                    let gain = (n / fade).min((frames - n) / fade).min(1.0);
                    (gain * amplitude * (TAU * n / divisor + f64::to_radians(degrees)).sin()) as f32
                })
                .collect();
            let peaks = measure(rate, &samples).peaks;
            assert_near(peaks.true_dbtp(), expected_dbtp, 0.05);
            assert!(peaks.true_dbtp() >= peaks.sample_dbfs());
        }
    }
}

#[test]
fn loudness_range_cases_1_to_4() {
    let cases: [(&[f64], f64); 4] = [
        (&[-20.0, -30.0], 10.0),
        (&[-20.0, -15.0], 5.0),
        (&[-40.0, -20.0], 20.0),
        (&[-50.0, -35.0, -20.0, -35.0, -50.0], 15.0),
    ];
    for (levels, expected_lu) in cases {
        let parts: Vec<_> = levels.iter().map(|&dbfs| (20.0, dbfs)).collect();
        assert_near(measure(48_000, &tone(48_000, &parts)).loudness.range_lu(), expected_lu, 0.05);
    }
}

/// Agreement with an independent meter (the `ebur128` crate) on noise that swells.
#[test]
fn another_meter_agrees() {
    for rate in RATES_HZ {
        let mut state = 11u32;
        let samples: Vec<f32> = (0..rate * 12)
            .map(|n| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let swell = 0.55 + 0.45 * (f64::from(n) / f64::from(rate)).sin();
                (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32 * swell as f32
            })
            .collect();
        let mut other = ebur128::EbuR128::new(2, rate, ebur128::Mode::I | ebur128::Mode::LRA).expect("a valid rate");
        other.add_frames_planar_f32(&[&samples, &samples]).expect("two channels");
        let ours = measure(rate, &samples).loudness;
        assert_near(ours.integrated_lufs(), other.loudness_global().expect("measured"), 0.04);
        // It steps its 3 s windows by a second, ours by a tenth: on so short a signal the quantiles differ.
        assert_near(ours.range_lu(), other.loudness_range().expect("measured"), 0.1);
    }
}

#[test]
fn blocks_and_gain_change_nothing_but_the_level() {
    let samples = tone(44_100, &[(5.0, -20.0), (5.0, -26.0)]);
    let mut parts = Meter::new(44_100);
    for chunk in samples.chunks(997) {
        parts.push(&AudioBuffer::from_channels(44_100, chunk.to_vec(), chunk.to_vec()));
    }
    let (whole, parts) = (measure(44_100, &samples).analysis(), parts.finish().analysis());
    assert_eq!(whole, parts);
    let doubled: Vec<f32> = samples.iter().map(|x| 2.0 * x).collect();
    let gained = measure(44_100, &doubled).loudness.integrated_lufs().expect("loud");
    assert!((gained - whole.loudness.integrated_lufs.expect("loud") - 6.0206).abs() < 1e-3);
}
