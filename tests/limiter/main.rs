//! What the limiter promises, on the signals that limiters fail on, with a meter that shares nothing with its own.

mod meter;
mod signals;

use std::f64::consts::TAU;
use std::process::Command;

use halfspeed::AudioBuffer;
use halfspeed::dsp::dither::Dither;
use halfspeed::dsp::limiter::{BassLevels, Levels, Limiter, LimiterSettings, TruePeaks, limit};

use meter::true_peak_db;
use signals::{Random, music};

const CEILING_DBTP: f64 = -1.0;

/// One channel of a programme with the same in both, after the limiter; its ceiling is 0 dB of `signal`.
fn limited(rate: u32, signal: &[f32]) -> Vec<f32> {
    let ceiling = 10f32.powf(CEILING_DBTP as f32 / 20.0);
    let scaled: Vec<f32> = signal.iter().map(|x| x * ceiling).collect();
    let settings = LimiterSettings { ceiling_dbtp: CEILING_DBTP, ..Default::default() };
    limit(&AudioBuffer::from_channels(rate, scaled.clone(), scaled), &settings).left().to_vec()
}

/// With dither, as a file of 24 bits has it.
fn quantised(signal: &[f32]) -> Vec<f32> {
    let (mut left, mut right) = (vec![0; signal.len()], vec![0; signal.len()]);
    Dither::new(24).quantise(signal, signal, &mut left, &mut right);
    left.iter().map(|&x| (f64::from(x) / f64::from(1 << 23)) as f32).collect()
}

fn ceiling_holds_at(rate: u32) {
    let mut worst = Vec::new();
    for (name, signal) in signals::all(rate) {
        let limited = limited(rate, &signal);
        assert_eq!(limited.len(), signal.len(), "{name}");
        let highest = limited.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!(f64::from(highest) <= 10f64.powf(CEILING_DBTP / 20.0), "{name}: a sample at {highest}");
        worst.push((true_peak_db(&quantised(&limited)) - CEILING_DBTP, name));
    }
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (over_db, name) in &worst {
        println!("{rate} Hz: {over_db:+.4} dB, {name}");
    }
    assert!(worst[0].0 <= 0.02, "{} Hz: {:?}", rate, worst[0]);
}

#[test]
fn the_ceiling_holds_at_44_1_khz() {
    ceiling_holds_at(44_100);
}

#[test]
fn the_ceiling_holds_at_48_khz() {
    ceiling_holds_at(48_000);
}

#[test]
fn the_ceiling_holds_at_96_khz() {
    ceiling_holds_at(96_000);
}

fn tone(rate: u32, hz: f64, amplitude: f64, seconds: f64) -> Vec<f32> {
    let frames = (f64::from(rate) * seconds) as usize;
    (0..frames).map(|n| (amplitude * (TAU * hz * n as f64 / f64::from(rate)).sin()) as f32).collect()
}

/// RMS of what is left of a stretch without its best fitting tone of a frequency, and RMS of that tone.
fn residue(signal: &[f32], rate: u32, hz: f64) -> (f64, f64) {
    let wave = |n: usize| (TAU * hz * n as f64 / f64::from(rate)).sin_cos();
    let (mut ss, mut sc, mut cc, mut xs, mut xc) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (n, &x) in signal.iter().enumerate() {
        let ((sin, cos), x) = (wave(n), f64::from(x));
        (ss, sc, cc, xs, xc) = (ss + sin * sin, sc + sin * cos, cc + cos * cos, xs + x * sin, xc + x * cos);
    }
    let determinant = ss * cc - sc * sc;
    let (a, b) = ((xs * cc - xc * sc) / determinant, (xc * ss - xs * sc) / determinant);
    let left = signal.iter().enumerate().map(|(n, &x)| {
        let (sin, cos) = wave(n);
        (f64::from(x) - a * sin - b * cos).powi(2)
    });
    ((left.sum::<f64>() / signal.len() as f64).sqrt(), ((a * a + b * b) / 2.0).sqrt())
}

#[test]
fn a_steady_sine_6_db_over_stays_a_sine() {
    for rate in [44_100, 48_000, 96_000] {
        for (hz, bar_db) in [(50.0, -60.0), (100.0, -75.0), (1000.0, -90.0)] {
            let limited = limited(rate, &tone(rate, hz, 2.0, 4.0));
            let (rest, tone) = residue(&limited[3 * rate as usize..], rate, hz);
            let thd_db = 20.0 * (rest / tone).log10();
            println!("{rate} Hz: THD+N {thd_db:.1} dB at {hz} Hz");
            assert!(thd_db <= bar_db, "{rate} Hz: {thd_db} dB at {hz} Hz");
        }
    }
}

/// What is left of a stretch without the input at its best gain, dB of the stretch.
fn bent_db(output: &[f32], input: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let gain = dot(output, input) / dot(input, input);
    let rest = output.iter().zip(input).map(|(y, x)| (f64::from(*y) - gain * f64::from(*x)).powi(2)).sum::<f64>();
    10.0 * (rest / dot(output, output)).log10()
}

#[test]
fn two_bass_notes_and_one_sided_waves_get_a_constant_gain() {
    // Partials with amplitude and phase; each 3 dB over. Their crests come once in 24, 36, 49 and 33 ms.
    let pulse: Vec<(f64, f64, f64)> = (1..=6).map(|k| (30.0 * f64::from(k), 1.0 / f64::from(k), TAU / 4.0)).collect();
    let octave = vec![(41.2, 1.0, 0.0), (82.4, 0.7, 0.5)];
    let fifth = vec![(55.0, 1.0, 0.0), (82.5, 0.8, 0.0)];
    let lowest_fifth = vec![(41.2, 1.0, TAU / 4.0), (61.8, 1.0, TAU / 4.0)];
    for rate in [44_100, 96_000] {
        for (partials, bar_db) in [(&octave, -40.0), (&fifth, -33.0), (&lowest_fifth, -40.0), (&pulse, -27.0)] {
            let mut wave = vec![0.0; 4 * rate as usize];
            for (n, x) in wave.iter_mut().enumerate() {
                let partial = |(hz, amplitude, phase): &(f64, f64, f64)| {
                    amplitude * (TAU * hz * n as f64 / f64::from(rate) + phase).sin()
                };
                *x = partials.iter().map(partial).sum::<f64>();
            }
            let peak = wave.iter().fold(0.0f64, |peak, x| peak.max(x.abs()));
            let signal: Vec<f32> = wave.iter().map(|x| (x / peak * 10f64.powf(3.0 / 20.0)) as f32).collect();
            let steady = 2 * rate as usize..7 * rate as usize / 2;
            let bent_db = bent_db(&limited(rate, &signal)[steady.clone()], &signal[steady]);
            println!("{rate} Hz: {bent_db:.1} dB of {partials:?}");
            assert!(bent_db <= bar_db, "{rate} Hz: {bent_db} dB of {partials:?}");
        }
    }
}

#[test]
fn a_tone_of_17_khz_leaves_no_aliases() {
    for rate in [44_100, 48_000, 96_000] {
        let limited = limited(rate, &tone(rate, 17_000.0, 2.0, 4.0));
        let (rest, _) = residue(&limited[3 * rate as usize..39 * rate as usize / 10], rate, 17_000.0);
        let rest_dbfs = 20.0 * (rest * 2f64.sqrt()).log10();
        println!("{rate} Hz: {rest_dbfs:.1} dBFS beside 17 kHz");
        assert!(rest_dbfs <= -100.0, "{rate} Hz: {rest_dbfs} dBFS");
    }
}

#[test]
fn the_gain_is_back_half_a_second_after_a_burst() {
    for rate in [44_100, 96_000] {
        let mut signal = tone(rate, 1000.0, 0.5, 2.0);
        let burst = rate as usize / 2..rate as usize * 6 / 10;
        signal[burst.clone()].iter_mut().for_each(|x| *x *= 4.0);
        let limited = limited(rate, &signal);
        let back = burst.end + rate as usize / 2..burst.end + rate as usize / 2 + rate as usize / 10;
        let rms = |x: &[f32]| (x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / x.len() as f64).sqrt();
        let gain_db = 20.0 * (rms(&limited[back.clone()]) / rms(&signal[back])).log10() - CEILING_DBTP;
        println!("{rate} Hz: {gain_db:.4} dB half a second after the burst");
        assert!(gain_db.abs() <= 0.1, "{rate} Hz: {gain_db} dB");
    }
}

#[test]
fn what_stays_below_the_ceiling_passes_bit_for_bit() {
    for rate in [8000, 44_100, 96_000] {
        let mut random = Random(5);
        let signal: Vec<f32> =
            (0..rate as usize).map(|n| 0.15 * music(n as f64 / f64::from(rate), &mut random) as f32).collect();
        let programme = AudioBuffer::from_channels(rate, signal.clone(), signal);
        assert!(limit(&programme, &LimiterSettings::default()) == programme, "{rate} Hz");
    }
}

fn two_channels(rate: u32) -> AudioBuffer {
    let mut random = Random(9);
    let left: Vec<f32> =
        (0..2 * rate as usize).map(|n| music(n as f64 / f64::from(rate), &mut random) as f32).collect();
    let right = left.iter().map(|x| 0.5 * x).collect();
    AudioBuffer::from_channels(rate, left, right)
}

#[test]
fn linked_channels_keep_the_image_and_unlinked_ones_their_own_level() {
    let programme = two_channels(44_100);
    let linked = limit(&programme, &LimiterSettings::default());
    assert!(linked.left().iter().zip(linked.right()).all(|(left, right)| 0.5 * left == *right));
    let each = limit(&programme, &LimiterSettings { stereo_link_percent: 0.0, ..Default::default() });
    // The right channel has peaks of its own, but half of them.
    let energy = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    assert!(energy(each.left()) >= energy(linked.left()) && energy(each.right()) > 1.2 * energy(linked.right()));
    for channel in [each.left(), each.right()] {
        assert!(true_peak_db(&channel[..20_000]) <= CEILING_DBTP + 0.02);
    }
}

#[test]
fn blocks_do_not_matter() {
    for (rate, stereo_link_percent) in [(8000, 100.0), (44_100, 30.0)] {
        let settings = LimiterSettings { stereo_link_percent, drive_db: 3.0, ..Default::default() };
        let programme = two_channels(rate);
        let (mut peaks, mut finder) = (Vec::new(), TruePeaks::new(rate));
        finder.push(&programme, 0.0, &mut peaks);
        finder.finish(0.0, &mut peaks);
        let (mut bass, mut finder) = (Vec::new(), BassLevels::new(rate));
        finder.push(programme.left(), programme.right(), &mut bass);
        finder.finish(&mut bass);
        let mut limiter = Limiter::new(&settings, Levels { peaks: &peaks, bass: &bass }, rate);
        let mut joined = AudioBuffer::new(rate);
        let mut limited = AudioBuffer::new(rate);
        for (left, right) in programme.left().chunks(997).zip(programme.right().chunks(997)) {
            limiter.push(&AudioBuffer::from_channels(rate, left.to_vec(), right.to_vec()), &mut limited);
            joined.extend(limited.left(), limited.right());
        }
        limiter.finish(&mut limited);
        joined.extend(limited.left(), limited.right());
        assert!(joined == limit(&programme, &settings), "{rate} Hz");
    }
}

/// Written masters, which is what the ceiling is promised for, as the README has it: not a hair over it.
#[test]
fn masters_keep_the_ceiling_at_16_and_24_bits() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mix = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clips/mix.flac");
    for bits in [16u16, 24] {
        let path = folder.path().join(format!("{bits}.wav"));
        let options = ["--suggester", "loudness", "--loudness=-10", "--ceiling=-1", "--quiet"];
        let bits_text = bits.to_string();
        let status = Command::new(env!("CARGO_BIN_EXE_halfspeed"))
            .args(["master", mix, "--bits", &bits_text, "-o"])
            .arg(&path)
            .args(options)
            .status();
        assert!(status.expect("the program starts").success());
        let mut reader = hound::WavReader::open(&path).expect("a WAV");
        assert_eq!(reader.spec().bits_per_sample, bits);
        let scale = f64::from(bits - 1).exp2();
        let samples: Vec<f32> =
            reader.samples::<i32>().map(|x| (f64::from(x.expect("whole")) / scale) as f32).collect();
        for channel in 0..2 {
            let signal: Vec<f32> = samples.iter().skip(channel).step_by(2).copied().collect();
            let peak_db = true_peak_db(&signal);
            assert!((-1.3..=CEILING_DBTP).contains(&peak_db), "{bits} bits: {peak_db} dBTP");
        }
    }
}
