//! The gates, each alone, and the tones of ITU-R BS.2217.

use halfspeed::measure::loudness::{AlbumLoudness, LoudnessMeter, LoudnessSeries};

use crate::assert_near;
use crate::signals::{Part, SILENT, noise, tone, tone_of};

fn loudness(samples: &[f32]) -> LoudnessSeries {
    let mut meter = LoudnessMeter::stereo(48_000);
    meter.push(&[samples, samples]);
    meter.finish()
}

fn album<const N: usize>(tracks: [&LoudnessSeries; N]) -> AlbumLoudness {
    let mut album = AlbumLoudness::default();
    tracks.into_iter().for_each(|track| album.push(track));
    album
}

fn of_tone(parts: &[Part]) -> LoudnessSeries {
    loudness(&tone(48_000, parts))
}

#[test]
fn a_tone_in_one_channel_reads_what_the_standard_says() {
    let sine = tone_of(997, 48_000, &[(5.0, 0.0)]);
    let silence = vec![0.0; sine.len()];
    let mut meter = LoudnessMeter::stereo(48_000);
    meter.push(&[&sine, &silence]);
    assert_near(meter.finish().integrated_lufs(), -3.010, 0.005);
}

#[test]
fn tones_of_six_frequencies_read_the_same() {
    let tones = [(25, -11.916), (100, -21.176), (500, -22.352), (1_000, -23.007), (2_000, -25.380), (10_000, -26.351)];
    for (hz, dbfs) in tones {
        assert_near(loudness(&tone_of(hz, 48_000, &[(20.0, dbfs)])).integrated_lufs(), -23.0, 0.01);
    }
}

#[test]
fn the_absolute_gate_keeps_out_what_is_under_70() {
    assert_near(of_tone(&[(10.0, -65.0), (10.0, -72.0)]).integrated_lufs(), -65.0, 0.1);
    // BS.2217, AbsGateTest: a tone just over the gate, in a floor of single bits of 16.
    let parts = [0.8, 0.5, 0.5, 0.5, 0.5, 0.5, 0.7];
    let levels = [SILENT, -69.48, SILENT, -69.48, SILENT, -69.48, SILENT];
    let mut samples = tone(48_000, &parts.into_iter().zip(levels).collect::<Vec<_>>());
    let floor = noise(samples.len(), 3);
    samples.iter_mut().zip(floor).for_each(|(x, bit)| *x += (bit / 1.5).round() / 32_768.0);
    assert_near(loudness(&samples).integrated_lufs(), -69.5, 0.1);
}

#[test]
fn the_relative_gate_follows_the_whole_programme() {
    assert_near(of_tone(&[(20.0, -36.0), (60.0, -23.0)]).integrated_lufs(), -23.0, 0.03);
    // BS.2217, RelGateTest.
    let parts = [(0.5, SILENT), (0.9, -19.9), (1.3, -7.1), (0.8, -19.9), (0.5, SILENT)];
    assert_near(of_tone(&parts).integrated_lufs(), -10.0, 0.1);
}

#[test]
fn what_is_too_short_or_silent_has_no_value() {
    assert_eq!(of_tone(&[(0.399, -23.0)]).integrated_lufs(), None);
    assert_near(of_tone(&[(0.4, -23.0)]).integrated_lufs(), -23.0, 0.03);
    let silence = of_tone(&[(10.0, SILENT)]);
    assert_eq!((silence.integrated_lufs(), silence.range_lu(), silence.max_momentary_lufs()), (None, None, None));
    assert_eq!(of_tone(&[(2.9, -23.0)]).max_short_term_lufs(), None);
}

#[test]
fn repeating_a_programme_does_not_change_its_range() {
    let parts = [(20.0, -50.0), (20.0, -35.0), (20.0, -20.0), (20.0, -35.0), (20.0, -50.0)];
    let once = of_tone(&parts).range_lu().expect("a range");
    assert_near(of_tone(&parts.repeat(2)).range_lu(), once, 0.1);
}

#[test]
fn an_album_is_gated_as_one() {
    // Alone, the quiet track passes its own gate; on the album it falls under that of the loud one.
    let (loud, quiet) = (of_tone(&[(30.0, -20.0)]), of_tone(&[(30.0, -40.0)]));
    assert_near(quiet.integrated_lufs(), -40.0, 0.03);
    assert_near(album([&loud, &quiet]).integrated_lufs(), -20.0, 0.03);
    let even = of_tone(&[(30.0, -26.0)]);
    let mean = 10.0 * (0.5 * (10f64.powf(-2.0) + 10f64.powf(-2.6))).log10();
    assert_near(album([&loud, &even]).integrated_lufs(), mean, 0.03);
    assert_near(album([&loud, &even]).range_lu(), 6.0, 0.05);
    assert_eq!(album([&of_tone(&[(5.0, SILENT)])]).integrated_lufs(), None);
}
