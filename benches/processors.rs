//! What each processor for mixing costs: ten seconds of stereo at 44.1 kHz, in multiples of real time, and the same
//! after the music has stopped. Then every kind of processor on music, on the silence after it and on the quietest
//! numbers that a file can hold: states that turn into denormal numbers would show as a slowdown. And the work that
//! `processor_peers.py` has another library do in the same run, on the music that `HALFSPEED_SONG` names, else on noise.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use halfspeed::AudioBuffer;
use halfspeed::dsp::convolution::{Convolution, ConvolutionSettings, ImpulseResponse};
use halfspeed::dsp::dither::Dither;
use halfspeed::dsp::noise_shaping::NoiseShaping;
use halfspeed::dsp::resample::Resampler;
use halfspeed::dsp::reverb::{OCTAVES, Reverb, ReverbSettings};
use halfspeed::dsp::saturation::{Character, Saturation, SaturationSettings};
use halfspeed::dsp::stereo::alignment::{Alignment, AlignmentSettings};
use halfspeed::dsp::stereo::band_width::{BandWidth, BandWidthSettings};
use halfspeed::dsp::stereo::image::{Image, ImageSettings};
use halfspeed::dsp::stereo::pan::{Pan, PanSettings};
use halfspeed::dsp::stereo::phase_rotation::{PhaseRotation, PhaseRotationSettings};
use halfspeed::dsp::tempo_delay::{TempoDelay, TempoDelaySettings};
use halfspeed::dsp::{Frame, Processor};
use halfspeed::engine::processors::ProcessorSettings;
use halfspeed::engine::processors::catalogue::catalogue;
use halfspeed::io::Decoder;

const RATE_HZ: u32 = 44_100;
const SECONDS: u32 = 10;
const BLOCK_FRAMES: usize = 512;

fn noise() -> Vec<Frame> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0.5 * (f64::from(state) / f64::from(u32::MAX) - 0.5)
    };
    (0..RATE_HZ * SECONDS).map(|_| [next(), next()]).collect()
}

/// Times a processor on noise; with `tail`, also on silence that follows, where states die away.
fn time(criterion: &mut Criterion, name: &str, tail: bool, process: impl FnMut(&mut [Frame])) {
    time_on(criterion, name, &noise(), tail, process);
}

fn time_on(criterion: &mut Criterion, name: &str, signal: &[Frame], tail: bool, mut process: impl FnMut(&mut [Frame])) {
    let mut group = criterion.benchmark_group("processors");
    group.throughput(Throughput::Elements(u64::from(RATE_HZ * SECONDS))).sample_size(10);
    let mut work = signal.to_vec();
    group.bench_function(name, |b| {
        b.iter(|| {
            work.copy_from_slice(signal);
            work.chunks_mut(BLOCK_FRAMES).for_each(&mut process);
            black_box(work[0])
        });
    });
    if tail {
        group.bench_function(format!("{name}, silence"), |b| {
            b.iter(|| {
                work.fill([0.0; 2]);
                work.chunks_mut(BLOCK_FRAMES).for_each(&mut process);
                black_box(work[0])
            });
        });
    }
    group.finish();
}

fn processors(criterion: &mut Criterion) {
    for (name, character, oversampling_ratio) in [
        ("saturation, tape 4x", Character::Tape, 4),
        ("saturation, tube 4x", Character::Tube, 4),
        ("saturation, transformer 4x", Character::Transformer, 4),
        ("saturation, tape 8x", Character::Tape, 8),
    ] {
        let settings = SaturationSettings { character, oversampling_ratio, ..Default::default() };
        let mut saturation = Saturation::new(&settings, RATE_HZ);
        time(criterion, name, oversampling_ratio == 4, |block| saturation.process(block));
    }

    let mut image = Image::new(&ImageSettings { side_gain_db: 3.0, ..Default::default() });
    time(criterion, "image", false, |block| image.process(block));
    let mut pan = Pan::new(&PanSettings::default());
    time(criterion, "pan", false, |block| pan.process(block));
    let mut rotation = PhaseRotation::new(&PhaseRotationSettings::default(), RATE_HZ);
    time(criterion, "phase rotation", true, |block| rotation.process(block));
    let settings = AlignmentSettings { left_delay_ms: 0.33, right_delay_ms: 0.0 };
    let mut alignment = Alignment::new(&settings, RATE_HZ);
    time(criterion, "alignment", false, |block| alignment.process(block));
    let settings = BandWidthSettings { width_percent: [0.0, 100.0, 120.0, 150.0], ..Default::default() };
    let mut width = BandWidth::new(&settings, RATE_HZ);
    time(criterion, "width by band", true, |block| width.process(block));

    let mut reverb = Reverb::new(&ReverbSettings::default(), RATE_HZ);
    time(criterion, "reverb", true, |block| reverb.process(block));
    let flat = ReverbSettings { decay_s: [2.0; OCTAVES], ..Default::default() };
    let mut reverb = Reverb::new(&flat, RATE_HZ);
    time(criterion, "reverb, one decay", true, |block| reverb.process(block));

    let response = |channel: usize| noise().iter().take(3 * RATE_HZ as usize).map(|frame| frame[channel]).collect();
    let room = ImpulseResponse::Stereo([response(0), response(1)]);
    for partition_frames in [256, 1024, 8192] {
        let settings = ConvolutionSettings { partition_frames, ..Default::default() };
        let mut convolution = Convolution::new(&settings, &room, RATE_HZ).expect("a sound response");
        let name = format!("convolution, 3 s in {partition_frames}");
        time(criterion, &name, partition_frames == 1024, |block| convolution.process(block));
    }

    let settings =
        TempoDelaySettings { low_cut_hz: Some(200.0), high_cut_hz: Some(6000.0), ..TempoDelaySettings::default() };
    let mut delay = TempoDelay::new(&settings, RATE_HZ);
    time(criterion, "tempo delay", true, |block| delay.process(block));
}

fn dither(criterion: &mut Criterion) {
    let signal: [Vec<f32>; 2] = [0, 1].map(|channel| noise().iter().map(|frame| frame[channel] as f32).collect());
    let mut output = [vec![0i32; signal[0].len()], vec![0i32; signal[0].len()]];
    let mut group = criterion.benchmark_group("dither");
    group.throughput(Throughput::Elements(u64::from(RATE_HZ * SECONDS))).sample_size(20);
    for shaping in [NoiseShaping::None, NoiseShaping::Lipshitz, NoiseShaping::Wannamaker] {
        group.bench_function(format!("{shaping:?}"), |b| {
            let mut dither = Dither::shaped(16, shaping, RATE_HZ);
            let [left, right] = &mut output;
            b.iter(|| {
                dither.quantise(&signal[0], &signal[1], left, right);
                black_box(left[0])
            });
        });
    }
    group.finish();
}

/// Settings of a kind that leave it something to do.
fn busy(kind: &str) -> String {
    let rest = match kind {
        "eq" => {
            r#", "bands": [{"kind": "bell", "frequency_hz": 900, "gain_db": 6}, {"kind": "high_pass", "frequency_hz": 30},
            {"kind": "high_shelf", "frequency_hz": 8000, "gain_db": 3}]"#
        }
        "dynamic_eq" => r#", "bands": [{}, {"kind": "low_shelf", "frequency_hz": 120}]"#,
        "compressor" => r#", "threshold_db": -40, "side_chain_high_pass_hz": 100, "program_dependent_release": true"#,
        "side_chain_compressor" => r#", "side_chain": "drums""#,
        "multiband" => {
            r#", "corners_hz": [120, 700, 5000], "bands": [{"compressor": {}}, {"compressor": {}}, {"compressor": {}}, {}]"#
        }
        "transient" => r#", "attack_db": 6, "sustain_db": -6"#,
        "band_width" => r#", "width_percent": [0, 100, 120, 150]"#,
        "alignment" => r#", "left_delay_ms": 0.33"#,
        "tempo_delay" => r#", "low_cut_hz": 200, "high_cut_hz": 6000"#,
        "convolution" => r#", "impulse_response": "room.wav""#,
        "soft_clip" => r#", "ceiling_db": -12"#,
        "limiter" => r#", "drive_db": 9"#,
        _ => "",
    };
    format!(r#"{{"kind": "{kind}"{rest}}}"#)
}

fn denormals(criterion: &mut Criterion) {
    let room = |_: &Path, _: u32| {
        let response: Vec<f64> = noise().iter().take(RATE_HZ as usize).map(|frame| frame[0]).collect();
        Ok(ImpulseResponse::mono(response))
    };
    let seconds = 4;
    let music: Vec<Frame> = noise().into_iter().take((seconds * RATE_HZ) as usize).collect();
    let quietest: Vec<Frame> = music.iter().map(|frame| frame.map(|x| f64::from((1e-40 * x) as f32))).collect();
    let mut group = criterion.benchmark_group("denormals");
    group.throughput(Throughput::Elements(music.len() as u64)).sample_size(10);
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(500));
    for entry in catalogue() {
        let settings: ProcessorSettings = serde_json::from_str(&busy(&entry.kind)).expect("settings");
        settings.validate(RATE_HZ).expect("in range");
        let silence = vec![[0.0; 2]; music.len()];
        for (name, signal) in [("music", &music), ("silence after it", &silence), ("1e-40 after it", &quietest)] {
            let mut stage = settings.build(RATE_HZ, &room).expect("a stage");
            let mut work = music.clone();
            work.chunks_mut(BLOCK_FRAMES).for_each(|block| stage.process(block));
            group.bench_function(format!("{}, {name}", entry.kind), |b| {
                b.iter(|| {
                    work.copy_from_slice(signal);
                    work.chunks_mut(BLOCK_FRAMES).for_each(|block| stage.process(block));
                    black_box(work[0])
                });
            });
        }
    }
    group.finish();
}

/// What `processor_peers.py` compares, under the names that it looks for.
const PEERS: &[(&str, &[&str])] = &[
    ("equaliser, 8 bands", &[EIGHT_BANDS]),
    (
        "high-pass",
        &[r#"{"kind": "eq", "bands": [{"kind": "high_pass", "frequency_hz": 30, "slope_db_per_octave": 6}]}"#],
    ),
    (
        "compressor",
        &[r#"{"kind": "compressor", "detector": "peak", "threshold_db": -20, "ratio": 4, "knee_db": 0, "attack_ms": 5,
            "release_ms": 100}"#],
    ),
    ("gate", &[r#"{"kind": "expander", "threshold_db": -30, "ratio": 10, "attack_ms": 1, "release_ms": 100}"#]),
    ("delay", &[r#"{"kind": "tempo_delay"}"#]),
    ("reverb", &[r#"{"kind": "reverb", "decay_s": [2, 2, 2, 2, 2, 2, 2, 2, 2]}"#]),
    (
        "convolution, 3 s",
        &[r#"{"kind": "convolution", "impulse_response": "room.wav", "room": {"partition_frames": 8192}}"#],
    ),
    ("limiter", &[LIMITER]),
    (
        "mastering chain",
        &[EIGHT_BANDS, FOUR_COMPRESSORS, r#"{"kind": "band_width", "width_percent": [0, 100, 110, 120]}"#, LIMITER],
    ),
];
const EIGHT_BANDS: &str = r#"{"kind": "eq", "bands": [
    {"kind": "low_shelf", "frequency_hz": 60, "gain_db": 2}, {"kind": "bell", "frequency_hz": 120, "gain_db": -2},
    {"kind": "bell", "frequency_hz": 240, "gain_db": 2}, {"kind": "bell", "frequency_hz": 480, "gain_db": -2},
    {"kind": "bell", "frequency_hz": 960, "gain_db": 2}, {"kind": "bell", "frequency_hz": 1920, "gain_db": -2},
    {"kind": "bell", "frequency_hz": 3840, "gain_db": 2}, {"kind": "high_shelf", "frequency_hz": 7680, "gain_db": -2}]}"#;
const FOUR_COMPRESSORS: &str = r#"{"kind": "multiband", "corners_hz": [120, 700, 5000],
    "bands": [{"compressor": {}}, {"compressor": {}}, {"compressor": {}}, {"compressor": {}}]}"#;
const LIMITER: &str = r#"{"kind": "limiter", "drive_db": 6}"#;

/// The first ten seconds of the song that the environment names, which has to be at 44.1 kHz; noise without one.
fn song() -> Vec<Frame> {
    let Some(path) = std::env::var_os("HALFSPEED_SONG") else { return noise() };
    let mut decoder = Decoder::open(Path::new(&path)).expect("a song");
    assert_eq!(decoder.info().sample_rate_hz, RATE_HZ, "the song's sample rate");
    let (mut block, mut frames) = (AudioBuffer::new(RATE_HZ), Vec::new());
    while frames.len() < (RATE_HZ * SECONDS) as usize && decoder.next_block(&mut block).expect("a whole song") {
        frames.extend(block.left().iter().zip(block.right()).map(|(l, r)| [f64::from(*l), f64::from(*r)]));
    }
    frames.resize((RATE_HZ * SECONDS) as usize, [0.0; 2]);
    frames
}

fn peers(criterion: &mut Criterion) {
    let song = song();
    let room = |_: &Path, _: u32| {
        let response: Vec<f64> = noise().iter().take(3 * RATE_HZ as usize).map(|frame| frame[0]).collect();
        Ok(ImpulseResponse::mono(response))
    };
    for (name, chain) in PEERS {
        let stages = chain.iter().map(|settings| {
            let settings: ProcessorSettings = serde_json::from_str(settings).expect("settings");
            settings.validate(RATE_HZ).expect("in range");
            settings.build(RATE_HZ, &room).expect("a stage")
        });
        let mut stages: Vec<_> = stages.collect();
        time_on(criterion, &format!("peers, {name}"), &song, false, |block| {
            stages.iter_mut().for_each(|stage| stage.process(block));
        });
    }
    let [left, right] = [0, 1].map(|channel| song.iter().map(|frame| frame[channel] as f32).collect::<Vec<f32>>());
    let blocks: Vec<AudioBuffer> = left
        .chunks(BLOCK_FRAMES)
        .zip(right.chunks(BLOCK_FRAMES))
        .map(|(left, right)| AudioBuffer::from_channels(RATE_HZ, left.to_vec(), right.to_vec()))
        .collect();
    let mut group = criterion.benchmark_group("processors");
    group.throughput(Throughput::Elements(u64::from(RATE_HZ * SECONDS))).sample_size(10);
    group.bench_function("peers, to 48 kHz", |b| {
        b.iter(|| {
            let mut resampler = Resampler::new(RATE_HZ, 48_000).expect("a pair of rates");
            let mut out = AudioBuffer::new(48_000);
            blocks.iter().for_each(|block| resampler.push(block, &mut out));
            resampler.finish(&mut out);
            black_box(out.frames())
        });
    });
    group.finish();
}

criterion_group!(benches, processors, denormals, dither, peers);
criterion_main!(benches);
