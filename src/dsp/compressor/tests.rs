use super::*;
use crate::dsp::parameter::Parameters;
use crate::dsp::testing::{Noise, check_promises};
use crate::units::{db_to_power, power_to_db};

const RATE_HZ: u32 = 48_000;

fn sine(amplitude: f64, frames: usize) -> Vec<Frame> {
    (0..frames).map(|n| amplitude * (n as f64 * 0.3).sin()).map(|x| [x, x]).collect()
}

fn level_db(frames: &[Frame]) -> f64 {
    power_to_db(frames.iter().map(|f| f[0] * f[0]).sum::<f64>() / frames.len() as f64)
}

#[test]
fn static_curve_is_met_by_steady_tones() {
    let settings = CompressorSettings { threshold_db: -20.0, ratio: 4.0, knee_db: 6.0, ..Default::default() };
    for (amplitude, expected_db) in [(0.5, 0.75 * (20.0 - 9.03)), (0.1414, 0.75 * 9.0 / 12.0), (0.05, 0.0)] {
        let input = sine(amplitude, 96_000);
        let mut output = input.clone();
        Compressor::new(&settings, RATE_HZ).process(&mut output);
        let reduction_db = level_db(&input[72_000..]) - level_db(&output[72_000..]);
        assert!((reduction_db - expected_db).abs() < 0.05, "{amplitude}: {reduction_db} instead of {expected_db}");
    }
}

#[test]
fn attack_and_release_take_their_time() {
    let settings = CompressorSettings {
        threshold_db: -30.0,
        ratio: 2.0,
        attack_ms: 50.0,
        release_ms: 200.0,
        ..Default::default()
    };
    let mut computer = GainComputer::new(&settings, RATE_HZ);
    let steps_per_s = f64::from(RATE_HZ) / control_interval_frames(RATE_HZ) as f64;
    let mut time_to = |power: f64, reached: &dyn Fn(f64) -> bool| {
        let mut steps = 0.0;
        while !reached(computer.reduction_db()) {
            computer.step(power);
            steps += 1.0;
        }
        steps / steps_per_s
    };
    let attack_s = time_to(0.1, &|db| db >= 0.632 * 10.0);
    let _settled = time_to(0.1, &|db| db >= 9.999);
    let release_s = time_to(0.0, &|db| db <= 0.368 * 10.0);
    // The level detector's own 5 ms add to both.
    assert!((0.050..0.058).contains(&attack_s), "attack {attack_s}");
    assert!((0.200..0.240).contains(&release_s), "release {release_s}");
}

#[test]
fn below_the_knee_nothing_changes_and_blocks_do_not_matter() {
    let input = sine(0.01, 5000);
    let mut output = input.clone();
    Compressor::new(&CompressorSettings::default(), RATE_HZ).process(&mut output);
    assert_eq!(input, output);

    let (mut whole, mut parts) = (sine(0.9, 5000), sine(0.9, 5000));
    Compressor::new(&CompressorSettings::default(), RATE_HZ).process(&mut whole);
    let mut compressor = Compressor::new(&CompressorSettings::default(), RATE_HZ);
    parts.chunks_mut(101).for_each(|block| compressor.process(block));
    assert_eq!(whole, parts);
}

#[test]
fn out_of_range_settings_are_named() {
    let error = CompressorSettings { ratio: 0.5, ..Default::default() }.validate("glue").unwrap_err();
    assert_eq!(error.to_string(), "glue.ratio: 0.5 is outside 1 to 20; choose a value in that range");
}

#[test]
fn a_band_is_set_as_the_whole_is() {
    assert_eq!(CompressorSettings::from(&BandCompressorSettings::default()), CompressorSettings::default());
    let band = BandCompressorSettings {
        threshold_db: -31.0,
        ratio: 3.0,
        knee_db: 2.0,
        attack_ms: 7.0,
        release_ms: 90.0,
        makeup_db: 1.5,
        mix_percent: 80.0,
        program_dependent_release: true,
    };
    let whole = CompressorSettings {
        threshold_db: -31.0,
        ratio: 3.0,
        knee_db: 2.0,
        attack_ms: 7.0,
        release_ms: 90.0,
        makeup_db: 1.5,
        mix_percent: 80.0,
        program_dependent_release: true,
        ..CompressorSettings::default()
    };
    assert_eq!(CompressorSettings::from(&band), whole);
    for band in BandCompressorSettings::PARAMETERS {
        let whole = CompressorSettings::PARAMETERS.iter().find(|whole| whole.name == band.name);
        assert_eq!(whole.map(|whole| whole.bounds), Some(band.bounds), "{}", band.name);
    }
}

#[test]
fn a_peak_detector_reads_peaks_and_a_mix_adds_the_input() {
    let settings = CompressorSettings {
        threshold_db: -20.0,
        ratio: 4.0,
        knee_db: 0.0,
        detector: Detector::Peak,
        ..Default::default()
    };
    let input = sine(0.5, 96_000);
    let reduction_db = |settings: &CompressorSettings| {
        let mut output = input.clone();
        Compressor::new(settings, RATE_HZ).process(&mut output);
        level_db(&input[72_000..]) - level_db(&output[72_000..])
    };
    let expected_db = 0.75 * (20.0 - 6.02);
    assert!((reduction_db(&settings) - expected_db).abs() < 0.05, "{}", reduction_db(&settings));
    let parallel = CompressorSettings { mix_percent: 40.0, ..settings };
    let expected_db = -20.0 * (0.6 + 0.4 * 10f64.powf(-expected_db / 20.0)).log10();
    assert!((reduction_db(&parallel) - expected_db).abs() < 0.03, "{}", reduction_db(&parallel));
}

#[test]
fn the_link_decides_how_much_a_quiet_channel_moves() {
    for (link, expected_db) in [(100.0, 10.0), (0.0, 0.0), (50.0, 10.0 - 0.5 * 3.01 + 0.5 * 0.04)] {
        let settings = CompressorSettings {
            threshold_db: -23.01,
            ratio: 2.0,
            knee_db: 0.0,
            stereo_link_percent: link,
            ..Default::default()
        };
        let input: Vec<Frame> = sine(1.0, 96_000).iter().map(|f| [f[0], 0.01 * f[0]]).collect();
        let mut output = input.clone();
        Compressor::new(&settings, RATE_HZ).process(&mut output);
        let right_db = -20.0 * (output[90_003][1] / input[90_003][1]).log10();
        assert!((right_db - expected_db).abs() < 0.05, "{link} %: {right_db}");
        let left_db = -20.0 * (output[90_003][0] / input[90_003][0]).log10();
        assert!((left_db - 10.0).abs() < 0.05, "{link} %: {left_db}");
    }
}

#[test]
fn look_ahead_delays_and_lets_the_gain_come_first() {
    let settings = CompressorSettings {
        threshold_db: -30.0,
        ratio: 20.0,
        look_ahead_ms: 10.0,
        attack_ms: 2.0,
        ..Default::default()
    };
    let mut frames = vec![[0.0; 2]; 4800];
    frames.extend(sine(1.0, 4800));
    let mut compressor = Compressor::new(&settings, RATE_HZ);
    assert_eq!(compressor.latency_frames(), 480);
    compressor.process(&mut frames);
    assert!(frames[..5280].iter().all(|frame| frame[0] == 0.0) && frames[5281][0] != 0.0);
    let peak = |frames: &[Frame]| frames.iter().fold(0.0f64, |peak, frame| peak.max(frame[0]));
    assert!(peak(&frames[5280..5400]) < 1.5 * peak(&frames[9000..]), "{}", peak(&frames[5280..5400]));
}

#[test]
fn the_side_chain_decides_when_there_is_one() {
    let settings = CompressorSettings { threshold_db: -30.0, ..Default::default() };
    let mut ducked = sine(0.01, 48_000);
    Compressor::new(&settings, RATE_HZ).process_with_side_chain(&mut ducked, &sine(0.5, 48_000));
    let wanted_db = settings.static_reduction_db(-9.03);
    assert!((level_db(&sine(0.01, 48_000)[24_000..]) - level_db(&ducked[24_000..]) - wanted_db).abs() < 0.05);
    // Bass does not count behind a high-pass: 200 Hz is 24 dB down at a quarter of the corner.
    let bass: Vec<Frame> =
        (0..96_000).map(|n| (f64::from(n) * 200.0 * std::f64::consts::TAU / 48e3).sin()).map(|x| [x; 2]).collect();
    let filtered = CompressorSettings { side_chain_high_pass_hz: Some(800.0), ..settings };
    let mut output = bass.clone();
    let mut compressor = Compressor::new(&filtered, RATE_HZ);
    compressor.process(&mut output);
    let reduction_db = level_db(&bass[48_000..]) - level_db(&output[48_000..]);
    assert!((reduction_db - filtered.static_reduction_db(-3.01 - 24.1)).abs() < 0.15, "{reduction_db}");
}

#[test]
fn the_slowest_moves_arrive_and_end_at_unity() {
    let settings = CompressorSettings {
        threshold_db: -20.0,
        attack_ms: 500.0,
        release_ms: 5000.0,
        program_dependent_release: true,
        ..Default::default()
    };
    let steps_per_s = f64::from(RATE_HZ) / control_interval_frames(RATE_HZ) as f64;
    // Reductions of 0.03 and 1.2 dB: the first step of the attack to the one, and of the slow release to the other, is under 1e-4 dB.
    for level_db in [-22.2, -17.6] {
        let mut computer = GainComputer::new(&settings, RATE_HZ);
        let mut play = |power: f64, seconds: f64| {
            (0..(seconds * steps_per_s) as usize).for_each(|_| _ = computer.step(power));
            computer.reduction_db()
        };
        let wanted_db = settings.static_reduction_db(level_db);
        let reached_db = play(db_to_power(level_db), 100.0);
        assert!((reached_db - wanted_db).abs() < 1e-6, "{reached_db} instead of {wanted_db}");
        // The release as set would leave 37 %.
        let left_db = play(0.0, 5.0);
        assert!(left_db > 0.85 * wanted_db, "{left_db} of {wanted_db}");
        assert_eq!(play(0.0, 400.0), 0.0);
        assert_eq!(computer.gain(), 1.0);
    }
}

#[test]
fn a_program_dependent_release_takes_longer_after_longer_passages() {
    let settings = CompressorSettings {
        threshold_db: -30.0,
        attack_ms: 2.0,
        release_ms: 100.0,
        program_dependent_release: true,
        ..Default::default()
    };
    let release_s = |loud_s: f64| {
        let mut computer = GainComputer::new(&settings, RATE_HZ);
        let steps_per_s = f64::from(RATE_HZ) / control_interval_frames(RATE_HZ) as f64;
        (0..(loud_s * steps_per_s) as usize).for_each(|_| _ = computer.step(1.0));
        let full_db = computer.reduction_db();
        let steps = (0..).take_while(|_| {
            computer.step(0.0);
            computer.reduction_db() > 0.368 * full_db
        });
        steps.count() as f64 / steps_per_s
    };
    assert!((0.1..0.16).contains(&release_s(0.03)), "{}", release_s(0.03));
    // One time constant after the other: 1.25 exp(-t / 0.5 s) is 0.368 at 0.61 s.
    assert!((0.6..0.64).contains(&release_s(5.0)), "{}", release_s(5.0));
}

#[test]
fn options_do_not_depend_on_blocks_and_changes_do_not_click() {
    let settings = CompressorSettings {
        threshold_db: -30.0,
        detector: Detector::Peak,
        stereo_link_percent: 30.0,
        look_ahead_ms: 3.0,
        mix_percent: 70.0,
        side_chain_high_pass_hz: Some(100.0),
        program_dependent_release: true,
        ..Default::default()
    };
    let (mut whole, mut parts) = (sine(0.9, 5000), sine(0.9, 5000));
    Compressor::new(&settings, RATE_HZ).process(&mut whole);
    let mut compressor = Compressor::new(&settings, RATE_HZ);
    parts.chunks_mut(101).for_each(|block| compressor.process(block));
    assert_eq!(whole, parts);

    let before = CompressorSettings { threshold_db: -6.0, release_ms: 1000.0, ..Default::default() };
    let after =
        CompressorSettings { threshold_db: -30.0, ratio: 8.0, makeup_db: 12.0, attack_ms: 100.0, ..before.clone() };
    for (from, to) in [(&before, &after), (&after, &before)] {
        let click_db = crate::dsp::smooth::tests::click_db(Compressor::new(from, 48_000), &[to]);
        assert!(click_db < -80.0, "{click_db} dBFS");
    }
}

#[test]
fn a_detector_that_changes_does_not_take_sums_for_peaks() {
    let rms = CompressorSettings { threshold_db: 0.0, ratio: 20.0, knee_db: 0.0, attack_ms: 2.0, ..Default::default() };
    let peak = CompressorSettings { detector: Detector::Peak, ..rms.clone() };
    for (from, to) in [(&rms, &peak), (&peak, &rms)] {
        let mut compressor = Compressor::new(from, RATE_HZ);
        // All but the last frame of an interval, of a tone 6 dB under the threshold.
        compressor.process(&mut sine(0.5, control_interval_frames(RATE_HZ) - 1));
        let mut compressor = compressor.retuned(to);
        compressor.process(&mut sine(0.5, 1000));
        assert_eq!(compressor.max_reduction_db(), 0.0, "{from:?}");
    }
}

#[test]
fn any_settings_in_range_stay_finite() {
    let mut noise = Noise(1);
    let mut next = |low: f64, high: f64| {
        let share = noise.ratio();
        // Every fourth time an end of the range.
        low + (high - low) * if noise.ratio() < 0.25 { share.round() } else { share }
    };
    for round in 0..300 {
        let settings = CompressorSettings {
            threshold_db: next(-80.0, 0.0),
            ratio: next(1.0, 20.0),
            knee_db: next(0.0, 24.0),
            attack_ms: next(2.0, 500.0),
            release_ms: next(10.0, 5000.0),
            makeup_db: next(-24.0, 24.0),
            detector: if round % 2 == 0 { Detector::Peak } else { Detector::Rms },
            stereo_link_percent: next(0.0, 100.0),
            look_ahead_ms: next(0.0, 20.0),
            mix_percent: next(0.0, 100.0),
            side_chain_high_pass_hz: (round % 3 == 0).then(|| next(20.0, 2000.0)),
            program_dependent_release: round % 5 == 0,
        };
        settings.validate("fuzz").expect("in range");
        let mut frames = sine(10.0, 1500);
        frames.extend([[1e-310, -1e-320]; 1500]);
        frames.extend([[0.0; 2]; 500]);
        Compressor::new(&settings, RATE_HZ).process(&mut frames);
        assert!(frames.iter().flatten().all(|x| x.abs() <= 160.0), "{settings:?}");
    }
}

#[test]
fn the_common_promises_hold() {
    let plain = CompressorSettings { threshold_db: -30.0, ..Default::default() };
    let with_options = CompressorSettings {
        detector: Detector::Peak,
        stereo_link_percent: 30.0,
        look_ahead_ms: 3.0,
        mix_percent: 70.0,
        side_chain_high_pass_hz: Some(100.0),
        program_dependent_release: true,
        ..plain.clone()
    };
    for settings in [plain, with_options] {
        for rate_hz in [8_000, 44_100, 384_000] {
            check_promises(&Compressor::new(&settings, rate_hz), 1.001);
        }
    }
}
