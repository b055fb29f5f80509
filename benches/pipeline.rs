//! Where the time of a master goes: each step on 30 s of dense synthetic music at 44.1 kHz, in multiples of real time.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use halfspeed::AudioBuffer;
use halfspeed::dsp::compressor::{BandCompressorSettings, CompressorSettings};
use halfspeed::dsp::eq::EqBand;
use halfspeed::dsp::leveler::LevelerSettings;
use halfspeed::dsp::multiband::{MultibandBand, MultibandSettings};
use halfspeed::engine::Recipe;
use halfspeed::engine::render::process;
use halfspeed::io::{Decoder, Spool};
use halfspeed::measure::Meter;
use halfspeed::measure::dynamics::LevelMeter;
use halfspeed::measure::k_weighting::KWeighting;
use halfspeed::measure::loudness::LoudnessMeter;
use halfspeed::measure::peak::TruePeakMeter;
use halfspeed::measure::spectrum::SpectrumMeter;

const RATE_HZ: u32 = 44_100;
const SECONDS: u32 = 30;
const BLOCK_FRAMES: usize = 4096;

/// Chords, a beat and noise: peaks well over the average, as in music.
fn music() -> Vec<AudioBuffer> {
    let mut state = 1u32;
    let samples: Vec<f32> = (0..RATE_HZ * SECONDS)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let t = f64::from(n) / f64::from(RATE_HZ);
            let beat = (-(t % 0.5) * 30.0).exp() * (t % 0.5 * 350.0).sin();
            let chord: f64 =
                [110.0, 277.2, 329.6, 1318.5].iter().map(|hz| (t * hz * std::f64::consts::TAU).sin()).sum();
            (0.5 * beat + 0.06 * chord + 0.05 * (f64::from(state) / f64::from(u32::MAX) - 0.5)) as f32
        })
        .collect();
    samples
        .chunks(BLOCK_FRAMES)
        .map(|left| {
            let right = left.iter().map(|x| 0.8 * x).collect();
            AudioBuffer::from_channels(RATE_HZ, left.to_vec(), right)
        })
        .collect()
}

fn measure(criterion: &mut Criterion) {
    let blocks = music();
    let mut group = criterion.benchmark_group("measure");
    group.throughput(Throughput::Elements(u64::from(RATE_HZ * SECONDS))).sample_size(20);
    group.bench_function("everything", |b| {
        b.iter(|| {
            let mut meter = Meter::new(RATE_HZ);
            blocks.iter().for_each(|block| meter.push(block));
            black_box(meter.finish())
        });
    });
    group.bench_function("summary", |b| {
        let mut meter = Meter::new(RATE_HZ);
        blocks.iter().for_each(|block| meter.push(block));
        let measurement = meter.finish();
        b.iter(|| black_box(measurement.analysis()));
    });
    group.bench_function("K-weighting", |b| {
        b.iter(|| {
            let mut filter = KWeighting::new(RATE_HZ);
            blocks.iter().map(|block| filter.energy(block.left(), block.right())[0]).sum::<f64>()
        });
    });
    group.bench_function("loudness", |b| {
        b.iter(|| {
            let mut meter = LoudnessMeter::stereo(RATE_HZ);
            blocks.iter().for_each(|block| meter.push(&[block.left(), block.right()]));
            black_box(meter.finish())
        });
    });
    group.bench_function("true peak", |b| {
        b.iter(|| {
            let mut meter = TruePeakMeter::new(RATE_HZ);
            blocks.iter().for_each(|block| meter.push(block));
            black_box(meter.finish())
        });
    });
    group.bench_function("levels", |b| {
        b.iter(|| {
            let mut meter = LevelMeter::new(RATE_HZ);
            blocks.iter().for_each(|block| meter.push(block));
            black_box(meter.finish())
        });
    });
    group.bench_function("spectrum", |b| {
        b.iter(|| {
            let mut meter = SpectrumMeter::new(RATE_HZ);
            blocks.iter().for_each(|block| meter.push(block));
            black_box(meter.finish())
        });
    });
    // The same programme as a file in memory: what decoding costs on top, and what another meter takes for loudness,
    // range and true peak alone.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("music.wav");
    write_wav(&path, &blocks);
    group.bench_function("decoding a WAV", |b| {
        b.iter(|| {
            let mut decoder = Decoder::open(&path).expect("a file");
            let mut block = AudioBuffer::new(RATE_HZ);
            let mut frames = 0;
            while decoder.next_block(&mut block).expect("audio") {
                frames += block.frames();
            }
            frames
        });
    });
    group.bench_function("the ebur128 crate", |b| {
        b.iter(|| {
            let mode = ebur128::Mode::I | ebur128::Mode::LRA | ebur128::Mode::TRUE_PEAK;
            let mut other = ebur128::EbuR128::new(2, RATE_HZ, mode).expect("a valid rate");
            for block in &blocks {
                other.add_frames_planar_f32(&[block.left(), block.right()]).expect("two channels");
            }
            (other.loudness_global(), other.loudness_range(), other.true_peak(0))
        });
    });
    group.finish();
}

fn write_wav(path: &std::path::Path, blocks: &[AudioBuffer]) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a new file");
    for block in blocks {
        for sample in block.left().iter().zip(block.right()).flat_map(|(l, r)| [l, r]) {
            writer.write_sample((sample * 32_767.0) as i16).expect("space");
        }
    }
    writer.finalize().expect("space");
}

fn render(criterion: &mut Criterion) {
    let blocks = music();
    let source = || {
        let mut source = Spool::new(RATE_HZ);
        blocks.iter().for_each(|block| source.push(block).expect("memory"));
        source
    };
    let band = |frequency_hz: f64| EqBand { frequency_hz, gain_db: 2.0, q: 1.0, ..EqBand::default() };
    let eq = Recipe { eq: (0..8).map(|k| band(60.0 * 2f64.powi(k))).collect(), ..Recipe::default() };
    let glue = Recipe { glue: Some(CompressorSettings::default()), ..Recipe::default() };
    let compressed = || MultibandBand { side_gain_db: 1.0, compressor: Some(BandCompressorSettings::default()) };
    let multiband = Recipe {
        multiband: Some(MultibandSettings { bands: [(); 4].map(|()| compressed()), ..MultibandSettings::default() }),
        ..Recipe::default()
    };
    let leveler = Recipe { leveler: Some(LevelerSettings::default()), ..Recipe::default() };
    let whole = Recipe { eq: eq.eq.clone(), multiband: multiband.multiband.clone(), ..glue.clone() };

    let mut group = criterion.benchmark_group("render");
    group.throughput(Throughput::Elements(u64::from(RATE_HZ * SECONDS))).sample_size(20);
    for (name, recipe) in [
        ("nothing", &Recipe::default()),
        ("eight bands", &eq),
        ("glue", &glue),
        ("leveler", &leveler),
        ("multiband", &multiband),
        ("all", &whole),
    ] {
        group.bench_function(name, |b| {
            b.iter_batched(
                source,
                |source| black_box(process(source, recipe, &|_, _| {}).expect("memory")),
                BatchSize::LargeInput,
            );
        });
    }
    let mut processed = process(source(), &whole, &|_, _| {}).expect("memory");
    let mut limiter = whole.limiter.clone();
    limiter.drive_db = 9.0;
    group.bench_function("limiter", |b| {
        b.iter(|| {
            processed.find_true_peaks(0.3).expect("memory");
            processed.limit(&limiter, |block| {
                black_box(block);
                Ok(())
            })
        });
    });
    group.finish();
}

criterion_group!(benches, measure, render);
criterion_main!(benches);
