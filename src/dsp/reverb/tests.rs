use super::*;
use crate::dsp::testing::{band_pass, channel, check_promises, decay_time_s, impulse, noise};

const RATE_HZ: u32 = 44_100;

fn wet() -> ReverbSettings {
    ReverbSettings { mix_percent: 100.0, pre_delay_ms: 0.0, ..Default::default() }
}

fn impulse_response(settings: &ReverbSettings, rate_hz: u32, seconds: f64) -> Vec<Frame> {
    settings.validate().unwrap();
    let mut signal = impulse((seconds * f64::from(rate_hz)) as usize);
    Reverb::new(settings, rate_hz).process(&mut signal);
    signal
}

/// Impulses into either channel, at different moments of the modulation and in slightly different sizes, as ISO 3382-1
/// averages over positions: one decay of a narrow band scatters by several per cent around its mean, in a room as here.
fn positions(settings: &ReverbSettings, rate_hz: u32, seconds: f64) -> Vec<Vec<f64>> {
    settings.validate().unwrap();
    let frames = (seconds * f64::from(rate_hz)) as usize;
    let mut responses = Vec::new();
    for (wait, size) in [(0, 1.0), (9_000, 0.97), (17_000, 0.94), (31_000, 0.91)] {
        let settings = ReverbSettings { size_percent: size * settings.size_percent, ..*settings };
        for input in 0..2 {
            let mut reverb = Reverb::new(&settings, rate_hz);
            reverb.process(&mut vec![[0.0; 2]; wait]);
            let mut signal = vec![[0.0; 2]; frames];
            signal[0][input] = 1.0;
            reverb.process(&mut signal);
            responses.extend([0, 1].map(|output| channel(&signal, output)));
        }
    }
    responses
}

#[test]
fn every_octave_decays_in_the_time_that_is_set() {
    let hall = wet().decay_s;
    let bright = [1.6, 1.5, 1.4, 1.4, 1.5, 1.6, 1.6, 1.5, 1.3];
    let mut worst_percent = 0.0f64;
    for (decay_s, rate_hz, size_percent) in [
        (hall, 44_100, 100.0),
        (hall, 96_000, 60.0),
        (bright, 48_000, 100.0),
        ([0.5; OCTAVES], 44_100, 50.0),
        ([1.0; OCTAVES], 48_000, 50.0),
        ([4.0; OCTAVES], 44_100, 150.0),
    ] {
        let settings = ReverbSettings { decay_s, size_percent, ..wet() };
        let longest_s = decay_s.into_iter().fold(0.0, f64::max);
        let responses = positions(&settings, rate_hz, 0.8 * longest_s + 0.2);
        for (hz, wanted_s) in OCTAVES_HZ.into_iter().zip(decay_s) {
            let bands: Vec<Vec<f64>> = responses.iter().map(|response| band_pass(response, hz, rate_hz)).collect();
            let measured_s = decay_time_s(&bands, rate_hz);
            let off_percent = 100.0 * (measured_s / wanted_s - 1.0);
            println!("{rate_hz}, {size_percent} %, {hz} Hz: {measured_s:.3} s for {wanted_s} s: {off_percent:+.1} %");
            worst_percent = worst_percent.max(off_percent.abs());
        }
    }
    assert!(worst_percent < 5.0, "{worst_percent} %");
}

/// Share of samples beyond one standard deviation in a window, over that of Gaussian noise (J. S. Abel, P. Huang, "A
/// Simple, Robust Measure of Reverberation Echo Density", AES 121, 2006).
fn echo_density(window: &[f64]) -> f64 {
    let deviation = (window.iter().map(|x| x * x).sum::<f64>() / window.len() as f64).sqrt();
    let beyond = window.iter().filter(|x| x.abs() > deviation).count() as f64 / window.len() as f64;
    beyond / 0.3173
}

#[test]
fn echoes_are_dense_soon_and_no_tone_rings_on() {
    let settings = ReverbSettings { decay_s: [2.0; OCTAVES], ..wet() };
    let response = channel(&impulse_response(&settings, RATE_HZ, 1.5), 0);
    let window = RATE_HZ as usize / 40;
    for start in (RATE_HZ as usize / 10..RATE_HZ as usize).step_by(window) {
        let density = echo_density(&response[start..start + window]);
        assert!((0.8..1.2).contains(&density), "{density} at {start}");
    }
    // No tone stands out of the late part. Of a thousand bins of noise the strongest has about 8.4 dB over the mean; a
    // mode that rings stands 20 dB and more out.
    let late = &response[RATE_HZ as usize / 2..RATE_HZ as usize / 2 + 32_768];
    let power: Vec<f64> = crate::dsp::testing::response(late).iter().map(|bin| bin.norm_sqr()).collect();
    for bins in power[100..16_000].chunks(1000) {
        let mean = bins.iter().sum::<f64>() / bins.len() as f64;
        let strongest = bins.iter().copied().fold(0.0, f64::max);
        assert!(strongest / mean < 40.0, "{} dB", 10.0 * (strongest / mean).log10());
    }
}

#[test]
fn the_channels_are_decorrelated_and_width_closes_them() {
    for (width_percent, low, high) in [(100.0, -0.15, 0.15), (0.0, 0.999, 1.001)] {
        let response = impulse_response(&ReverbSettings { width_percent, ..wet() }, RATE_HZ, 1.0);
        let late = &response[4410..];
        let sum = |of: &dyn Fn(&Frame) -> f64| late.iter().map(of).sum::<f64>();
        let cross = sum(&|frame| frame[0] * frame[1]);
        let correlation = cross / (sum(&|frame| frame[0] * frame[0]) * sum(&|frame| frame[1] * frame[1])).sqrt();
        assert!((low..high).contains(&correlation), "{correlation}");
    }
}

#[test]
fn pre_delay_and_mix_are_as_set() {
    let settings = ReverbSettings { pre_delay_ms: 100.0, ..wet() };
    let response = impulse_response(&settings, RATE_HZ, 0.3);
    assert!(response[..4410].iter().all(|frame| *frame == [0.0; 2]));
    assert!(response[4410..5500].iter().any(|frame| frame[0].abs() > 1e-3));
    let dry = ReverbSettings { mix_percent: 0.0, ..wet() };
    assert_eq!(impulse_response(&dry, RATE_HZ, 0.3), impulse(13_230));
    let energy: f64 = impulse_response(&ReverbSettings { early_gain_db: -60.0, ..wet() }, RATE_HZ, 2.0)
        .iter()
        .map(|frame| frame[0] * frame[0] + frame[1] * frame[1])
        .sum();
    assert!((0.5..8.0).contains(&energy), "{energy} of 2");
}

#[test]
fn the_common_promises_hold() {
    for (seed, rate_hz) in [8_000, 44_100, 192_000, 384_000].into_iter().enumerate() {
        let pick = noise(8, seed as u64);
        let decay_s = std::array::from_fn(|octave| 0.2 + 14.9 * (pick[octave % 8][octave / 8] + 1.0));
        let settings = ReverbSettings {
            decay_s,
            size_percent: 110.0 + 90.0 * pick[0][1],
            modulation_percent: 50.0 * (pick[1][1] + 1.0),
            modulation_hz: 5.0,
            mix_percent: 100.0,
            ..Default::default()
        };
        settings.validate().unwrap();
        check_promises(&Reverb::new(&settings, rate_hz), 60.0);
    }
    let bad = ReverbSettings { size_percent: 10.0, ..Default::default() };
    assert_eq!(
        bad.validate().unwrap_err().to_string(),
        "reverb.size_percent: 10 is outside 20 to 200; choose a value in that range"
    );
}
