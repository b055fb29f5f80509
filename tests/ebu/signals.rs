//! Synthesised test signals: EBU Tech 3341 (version 4), Table 1, and Tech 3342.

use std::f64::consts::TAU;

/// A stretch of tone: seconds, and peak level in dBFS. `f64::NEG_INFINITY` is silence.
pub type Part = (f64, f64);

pub const SILENT: f64 = f64::NEG_INFINITY;

/// A tone of a whole number of Hz whose level changes; its phase goes on.
pub fn tone_of(hz: u32, rate: u32, parts: &[Part]) -> Vec<f32> {
    // A second holds a whole number of periods at any rate.
    let second: Vec<f64> = (0..rate).map(|n| (TAU * f64::from(hz) * f64::from(n) / f64::from(rate)).sin()).collect();
    let mut samples = Vec::new();
    for &(seconds, dbfs) in parts {
        let amplitude = 10f64.powf(dbfs / 20.0);
        let end = samples.len() + (seconds * f64::from(rate)).round() as usize;
        samples.extend((samples.len()..end).map(|n| (amplitude * second[n % second.len()]) as f32));
    }
    samples
}

/// The 1 kHz tone of all loudness cases.
pub fn tone(rate: u32, parts: &[Part]) -> Vec<f32> {
    tone_of(1000, rate, parts)
}

/// Half a second of a tone of `rate / divisor`, with the fades of 10 ms that the document has.
pub fn steady_tone(rate: u32, divisor: f64, amplitude: f64, degrees: f64) -> Vec<f32> {
    let fade = f64::from(rate) * 0.01;
    let frames = f64::from(rate) * 0.5;
    (0..frames as usize)
        .map(|n| {
            let n = n as f64;
            let gain = (n / fade).min((frames - n) / fade).min(1.0);
            (gain * amplitude * (TAU * n / divisor + degrees.to_radians()).sin()) as f32
        })
        .collect()
}

/// Cases 20 to 23: a tone of `rate / 6` at 0.5 that holds one period of `rate / 4` at 1.0, phase-continuous, made at
/// four times the rate, low-passed at half the rate, and decimated from sample `offset` (0 to 3) on.
pub fn burst(rate: u32, offset: usize) -> Vec<f32> {
    const FAST: usize = 4;
    const TONE_PERIOD: usize = 6 * FAST;
    const BURST_PERIOD: usize = 4 * FAST;
    const TAPS: usize = 511;
    let frames = rate as usize / 10;
    let fade = f64::from(rate) * 0.01 * FAST as f64;
    // At a rising zero of the tone.
    let at = frames * FAST / 2 / TONE_PERIOD * TONE_PERIOD;
    let fast: Vec<f64> = (0..frames * FAST)
        .map(|n| {
            let gain = (n as f64 / fade).min((frames * FAST - n) as f64 / fade).min(1.0);
            let sine = |n: usize, period: usize| (TAU * (n % period) as f64 / period as f64).sin();
            match n.checked_sub(at) {
                Some(after) if after < BURST_PERIOD => sine(after, BURST_PERIOD),
                Some(after) => 0.5 * gain * sine(after - BURST_PERIOD, TONE_PERIOD),
                None => 0.5 * gain * sine(n, TONE_PERIOD),
            }
        })
        .collect();
    let middle = (TAPS / 2) as f64;
    let taps: Vec<f64> = (0..TAPS)
        .map(|n| {
            let x = std::f64::consts::PI * (n as f64 - middle) / FAST as f64;
            let sinc = if x == 0.0 { 1.0 } else { x.sin() / x };
            let turn = TAU * n as f64 / (TAPS - 1) as f64;
            sinc * (0.42 - 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos()) / FAST as f64
        })
        .collect();
    (0..frames)
        .map(|frame| {
            let start = frame * FAST + offset;
            let products = taps.iter().enumerate().map(|(tap, weight)| {
                let index = (start + tap).checked_sub(TAPS / 2);
                weight * index.and_then(|index| fast.get(index)).copied().unwrap_or(0.0)
            });
            products.sum::<f64>() as f32
        })
        .collect()
}

/// Seeded white noise of amplitude 1.
pub fn noise(frames: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..frames)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (2.0 * f64::from(state) / f64::from(u32::MAX) - 1.0) as f32
        })
        .collect()
}

/// Chords, a beat and noise that come and go: the seed chooses pitches, tempo and form.
pub fn music(rate: u32, seconds: u32, seed: u32) -> [Vec<f32>; 2] {
    let choice: Vec<f64> = noise(8, seed).iter().map(|&x| f64::from(x) * 0.5 + 0.5).collect();
    let hiss = noise((rate * seconds) as usize, seed + 1);
    let channel = |detune: f64| {
        hiss.iter()
            .enumerate()
            .map(|(n, &hiss)| {
                let t = n as f64 / f64::from(rate);
                let beat_s = 0.35 + 0.3 * choice[0];
                let in_beat = t % beat_s;
                let kick = (-in_beat * 25.0).exp() * (TAU * (45.0 + 20.0 * choice[1]) * in_beat).sin();
                let chord: f64 = (1..5)
                    .map(|k| (TAU * (100.0 + 200.0 * choice[k]) * (k as f64) * detune * t).sin() / k as f64)
                    .sum();
                let form = 0.55 + 0.45 * (t * (0.3 + choice[6])).sin();
                let wash = 0.1 * f64::from(hiss) * (-(in_beat - 0.1).abs() * 40.0).exp();
                (0.4 * kick + form * (0.12 * chord + wash)) as f32
            })
            .collect()
    };
    [channel(1.0), channel(1.003)]
}
