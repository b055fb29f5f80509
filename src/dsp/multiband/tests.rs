use super::*;
use crate::dsp::compressor::BandCompressorSettings;
use crate::dsp::smooth::Smooth;
use crate::dsp::testing::check_promises;
use crate::units::power_to_db;

const RATE_HZ: u32 = 48_000;

fn with_band(index: usize, band: MultibandBand) -> MultibandSettings {
    // Far apart, so that a tone in the middle of a band is in that band alone.
    let mut settings = MultibandSettings { corners_hz: [40.0, 400.0, 8000.0], ..Default::default() };
    settings.bands[index] = band;
    settings
}

fn power(frames: &[Frame], of: impl Fn(&Frame) -> f64) -> f64 {
    frames.iter().map(|frame| of(frame).powi(2)).sum::<f64>() / frames.len() as f64
}

fn tone(hz: f64, left: f64, right: f64) -> Vec<Frame> {
    let wave = |n: usize| (std::f64::consts::TAU * hz * n as f64 / f64::from(RATE_HZ)).sin();
    (0..96_000).map(|n| [left * wave(n), right * wave(n)]).collect()
}

#[test]
fn width_changes_the_side_of_its_band_only() {
    let settings = with_band(2, MultibandBand { side_gain_db: -6.0, compressor: None });
    for (hz, expected_db) in [(1800.0, -6.0), (40.0, 0.0), (22_000.0, 0.0)] {
        let mut frames = tone(hz, 0.5, -0.2);
        let input = frames.clone();
        Multiband::new(&settings, RATE_HZ).process(&mut frames);
        let change_db =
            |of: &dyn Fn(&Frame) -> f64| power_to_db(power(&frames[48_000..], of) / power(&input[48_000..], of));
        assert!((change_db(&|f| f[0] - f[1]) - expected_db).abs() < 0.05, "side at {hz} Hz");
        assert!(change_db(&|f| f[0] + f[1]).abs() < 0.01, "mid at {hz} Hz");
    }
}

#[test]
fn a_band_is_compressed_by_its_own_level_only() {
    let compressor = BandCompressorSettings { threshold_db: -30.0, ratio: 2.0, knee_db: 0.0, ..Default::default() };
    let settings = with_band(1, MultibandBand { side_gain_db: 0.0, compressor: Some(compressor) });
    for (hz, expected_db) in [(126.0, -9.99), (10_000.0, 0.0)] {
        let mut frames = tone(hz, 0.447, 0.447);
        let before = power(&frames[48_000..], |f| f[0]);
        let mut stage = Multiband::new(&settings, RATE_HZ);
        stage.process(&mut frames);
        let change_db = power_to_db(power(&frames[48_000..], |f| f[0]) / before);
        assert!((change_db - expected_db).abs() < 0.35, "{hz} Hz: {change_db}");
        assert!((stage.max_reductions_db()[1] + expected_db).abs() < 0.4);
    }
}

#[test]
fn blocks_do_not_matter() {
    let compressor = BandCompressorSettings { threshold_db: -30.0, ..Default::default() };
    let settings = with_band(0, MultibandBand { side_gain_db: 3.0, compressor: Some(compressor) });
    let (mut whole, mut parts) = (tone(80.0, 0.9, 0.3), tone(80.0, 0.9, 0.3));
    Multiband::new(&settings, RATE_HZ).process(&mut whole);
    let mut stage = Multiband::new(&settings, RATE_HZ);
    parts.chunks_mut(333).for_each(|block| stage.process(block));
    assert_eq!(whole, parts);
}

#[test]
fn neutral_settings_are_recognised_and_bad_ones_named() {
    assert!(MultibandSettings::default().is_neutral());
    let settings = MultibandSettings { corners_hz: [120.0, 100.0, 5000.0], ..Default::default() };
    assert!(settings.validate(RATE_HZ).unwrap_err().to_string().starts_with("multiband.corners_hz"));
}

fn bands(count: usize) -> BandsSettings {
    let corners_hz = [40.0, 400.0, 2000.0, 6000.0, 12_000.0][..count - 1].to_vec();
    BandsSettings { corners_hz, crossover: Crossover::default(), bands: vec![MultibandBand::default(); count] }
}

#[test]
fn any_number_of_bands_is_flat_at_unity_and_compresses_apart() {
    for count in 2..=6 {
        let mut settings = bands(count);
        settings.validate(RATE_HZ).expect("valid");
        let input = tone(1000.0, 0.5, -0.2);
        let mut output = input.clone();
        Bands::new(&settings, RATE_HZ).process(&mut output);
        let change_db = power_to_db(power(&output[48_000..], |f| f[0]) / power(&input[48_000..], |f| f[0]));
        assert!(change_db.abs() < 1e-6, "{count} bands: {change_db} dB");

        let compressor = BandCompressorSettings { threshold_db: -30.0, ratio: 2.0, knee_db: 0.0, ..Default::default() };
        settings.bands[0].compressor = Some(compressor);
        let (mut low, mut high) = (tone(15.0, 0.447, 0.447), tone(10_000.0, 0.447, 0.447));
        let before = power(&high[48_000..], |f| f[0]);
        let mut stage = Bands::new(&settings, RATE_HZ);
        stage.process(&mut high);
        assert!(power_to_db(power(&high[48_000..], |f| f[0]) / before).abs() < 1e-6);
        assert_eq!(stage.max_reductions_db(), vec![0.0; count]);
        stage.process(&mut low);
        assert!(stage.max_reductions_db()[0] > 8.0 && stage.max_reductions_db().len() == count);
    }
}

#[test]
fn any_number_of_bands_does_not_depend_on_blocks_and_changes_without_a_click() {
    for count in 2..=6 {
        let mut settings = bands(count);
        let compressor = BandCompressorSettings { threshold_db: -30.0, ..Default::default() };
        settings.bands.iter_mut().for_each(|band| band.compressor = Some(compressor.clone()));
        let (mut whole, mut parts) = (tone(80.0, 0.9, 0.3), tone(80.0, 0.9, 0.3));
        Bands::new(&settings, RATE_HZ).process(&mut whole);
        let mut stage = Bands::new(&settings, RATE_HZ);
        parts.chunks_mut(333).for_each(|block| stage.process(block));
        assert_eq!(whole, parts);
        let click_db = crate::dsp::smooth::tests::click_db(Bands::new(&bands(count), RATE_HZ), &[&settings]);
        assert!(click_db < -80.0, "{click_db} dBFS");
    }
}

#[test]
fn numbers_that_do_not_fit_are_named() {
    let error = BandsSettings { corners_hz: vec![100.0, 200.0], ..bands(4) }.validate(RATE_HZ).unwrap_err();
    assert_eq!(error.to_string(), "multiband.bands: 4 bands do not fit 2 corners; there must be 3");
    let mut settings = MultibandSettings::default();
    settings.bands[1].compressor = Some(BandCompressorSettings { ratio: 30.0, ..Default::default() });
    let error = settings.validate(RATE_HZ).unwrap_err();
    assert!(error.to_string().starts_with("multiband.bands[1].compressor.ratio"), "{error}");
}

#[test]
fn what_a_band_cannot_do_is_no_setting_of_it() {
    let band = |compressor: &str| toml::from_str::<MultibandBand>(&format!("[compressor]\n{compressor}\n"));
    let settings =
        band("threshold_db = -30.0\nmix_percent = 50.0\nprogram_dependent_release = true").expect("settings");
    assert!(settings.compressor.is_some_and(|compressor| compressor.mix_percent == 50.0));
    for (name, value) in [
        ("detector", "\"peak\""),
        ("stereo_link_percent", "50.0"),
        ("look_ahead_ms", "5.0"),
        ("side_chain_high_pass_hz", "100.0"),
    ] {
        let error = band(&format!("{name} = {value}")).unwrap_err().to_string();
        assert!(error.contains(&format!("unknown field `{name}`")), "{error}");
    }
}

#[test]
fn a_crossover_of_another_kind_is_refused_while_it_runs() {
    for (from, to) in
        [(Crossover::LinkwitzRiley, Crossover::LinearPhase), (Crossover::LinearPhase, Crossover::LinkwitzRiley)]
    {
        let of = |crossover, count| BandsSettings { crossover, ..bands(count) };
        let mut smooth = Smooth::new(Bands::new(&of(from, 4), RATE_HZ), RATE_HZ);
        for count in [4, 3] {
            let error = smooth.set(&of(to, count)).unwrap_err().to_string();
            assert!(error.starts_with("latency"), "{error}");
            smooth.set(&of(from, count)).expect("the same latency");
        }
    }
}

#[test]
fn linear_phase_changes_the_phase_alone() {
    let settings = BandsSettings { crossover: Crossover::LinearPhase, ..bands(5) };
    let mut stage = Bands::new(&settings, RATE_HZ);
    let latency = stage.latency_frames();
    let input = crate::dsp::testing::noise(3 * latency, 11);
    let mut output = input.clone();
    output.chunks_mut(777).for_each(|block| stage.process(block));
    for (output, input) in output[latency..].iter().zip(&input) {
        assert!((output[0] - input[0]).abs() < 1e-12 && (output[1] - input[1]).abs() < 1e-12);
    }

    // A band is compressed as much as with the other crossover, in the middle of the band.
    let compressor = BandCompressorSettings { threshold_db: -30.0, ratio: 2.0, knee_db: 0.0, ..Default::default() };
    for crossover in [Crossover::LinkwitzRiley, Crossover::LinearPhase] {
        let mut settings = with_band(1, MultibandBand { side_gain_db: 0.0, compressor: Some(compressor.clone()) });
        settings.crossover = crossover;
        let mut frames = tone(126.0, 0.447, 0.447);
        let before = power(&frames[48_000..], |f| f[0]);
        Multiband::new(&settings, RATE_HZ).process(&mut frames);
        let change_db = power_to_db(power(&frames[48_000..], |f| f[0]) / before);
        assert!((change_db + 9.99).abs() < 0.35, "{crossover:?}: {change_db}");
    }
}

#[test]
fn the_common_promises_hold() {
    let busy = |count: usize, crossover| {
        let compressor = BandCompressorSettings { threshold_db: -30.0, ..Default::default() };
        let band = MultibandBand { side_gain_db: 3.0, compressor: Some(compressor) };
        BandsSettings { crossover, bands: vec![band; count], ..bands(count) }
    };
    for count in 2..=6 {
        check_promises(&Bands::new(&busy(count, Crossover::LinkwitzRiley), RATE_HZ), 20.0);
    }
    // The lowest rate, at which it lags the least.
    check_promises(&Bands::new(&busy(4, Crossover::LinearPhase), 8_000), 20.0);
}
