//! What limiters have trouble with.

use std::f64::consts::{PI, TAU};

/// A signal and what it is.
pub type Signal = (String, Vec<f32>);

/// The whole set at a rate; 0 dB is the ceiling of the limiter that they are meant for.
pub fn all(rate: u32) -> Vec<Signal> {
    let hz = f64::from(rate);
    let frames = (hz * 0.4) as usize;
    let make = |name: &str, sample: &mut dyn FnMut(usize) -> f64| -> Signal {
        (name.to_owned(), (0..frames).map(|n| sample(n) as f32).collect())
    };
    let burst = move |n: usize| n % (rate as usize / 20) < rate as usize / 100;
    let mut random = Random(1);
    let mut pink = Pink::default();
    let mut signals = vec![
        make("fs/4 at 45 degrees, 6 dB over", &mut |n| 2.0 * 2f64.sqrt() * (TAU * n as f64 / 4.0 + PI / 4.0).sin()),
        make("pairs (1, 1, -1, -1) in bursts", &mut |n| if burst(n) { [2.0, 2.0, -2.0, -2.0][n % 4] } else { 0.0 }),
        make("alternating (1, -1) in bursts", &mut |n| if burst(n) { [2.0, -2.0][n % 2] } else { 0.0 }),
        make("impulses of one sample", &mut |n| if n % 977 == 500 { 4.0 } else { 0.0 }),
        make("impulses over a tone", &mut |n| {
            (if n % 977 == 500 { 3.0 } else { 0.0 }) + 0.9 * (TAU * 997.0 * n as f64 / hz).sin()
        }),
        make("white noise, 12 dB over", &mut |_| 4.0 * random.bipolar()),
        make("pink noise, 12 dB over", &mut |_| 4.0 * pink.next(&mut random)),
        make("bursts of white noise", &mut |n| if burst(n) { 4.0 * random.bipolar() } else { 0.05 * random.bipolar() }),
        make("30 Hz and 12 kHz", &mut |n| {
            let t = n as f64 / hz;
            1.5 * (TAU * 30.0 * t).sin() + 0.7 * (TAU * 12_000.0 * t).sin()
        }),
        make("17 kHz, 6 dB over", &mut |n| 2.0 * (TAU * 17_000.0 * n as f64 / hz).sin()),
        make("steps at both ends", &mut |_| 2.0),
        make("a step from silence", &mut |n| if n < frames / 2 { 0.0 } else { -2.0 }),
        make("a square of 100 Hz", &mut |n| if (TAU * 100.0 * n as f64 / hz).sin() < 0.0 { -2.0 } else { 2.0 }),
        make("dense music", &mut |n| music(n as f64 / hz, &mut random)),
    ];
    for offset in 0..4 {
        signals.push((format!("EBU Tech 3341 case {}, 6 dB over", 20 + offset), ebu_burst(rate, offset)));
    }
    signals.push(("EBU Tech 3341 case 19, 6 dB over".into(), ebu_19(rate)));
    signals
}

/// Kick, bass, chord, hi-hat: about as loud as masters are.
pub fn music(t: f64, random: &mut Random) -> f64 {
    let beat = t % 0.12;
    let kick = 1.6 * (TAU * (50.0 * beat + 4.0 * (1.0 - (-beat * 60.0).exp()))).sin() * (-beat * 18.0).exp();
    let bass = 0.5 * (TAU * 55.0 * t).sin() + 0.2 * (TAU * 110.0 * t).sin();
    let chord: f64 = [220.0, 277.2, 329.6, 880.0, 1760.0].iter().map(|hz| 0.2 * (TAU * hz * t).sin()).sum();
    let hat = 0.9 * random.bipolar() * (-(t % 0.06) * 90.0).exp();
    kick + bass + chord + hat
}

fn ebu_19(rate: u32) -> Vec<f32> {
    let frames = rate as usize / 4;
    let tone = |n: usize| 2.0 * 1.41 * (TAU * n as f64 / 4.0 + PI / 4.0).sin();
    (0..frames).map(|n| (faded(n, frames, rate) * tone(n)) as f32).collect()
}

/// A tone of a sixth of the rate that holds one period of a quarter of it, twice as high; made four times as fast,
/// low-passed at half the rate, decimated from an offset on.
fn ebu_burst(rate: u32, offset: usize) -> Vec<f32> {
    let frames = rate as usize / 10;
    let at = frames * 4 / 2 / 24 * 24;
    let fast: Vec<f64> = (0..frames * 4)
        .map(|n| {
            let tone = |n: usize| faded(n / 4, frames, rate) * (TAU * n as f64 / 24.0).sin();
            match n {
                n if n < at => tone(n),
                n if n < at + 16 => 2.0 * (TAU * (n - at) as f64 / 16.0).sin(),
                n => tone(n - 16),
            }
        })
        .collect();
    let taps: Vec<f64> = (-256..=256)
        .map(|k| {
            let x = f64::from(k) / 4.0;
            let sinc = if k == 0 { 1.0 } else { (PI * x).sin() / (PI * x) };
            0.25 * sinc * (0.5 + 0.5 * (PI * f64::from(k) / 257.0).cos())
        })
        .collect();
    (0..frames)
        .map(|n| {
            let centre = 4 * n + offset + 256;
            let reach = |tap: usize| centre.checked_sub(tap).and_then(|at| fast.get(at)).copied().unwrap_or(0.0);
            taps.iter().enumerate().map(|(tap, weight)| weight * reach(tap)).sum::<f64>() as f32
        })
        .collect()
}

fn faded(n: usize, frames: usize, rate: u32) -> f64 {
    let fade = f64::from(rate) * 0.01;
    (n as f64 / fade).min((frames - n) as f64 / fade).min(1.0)
}

/// Uniform noise that is the same each time.
pub struct Random(pub u64);

impl Random {
    /// From -1 to 1.
    pub fn bipolar(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// P. Kellet's filter: white noise to pink within 0.05 dB.
#[derive(Default)]
struct Pink([f64; 6]);

impl Pink {
    fn next(&mut self, random: &mut Random) -> f64 {
        let white = random.bipolar();
        let poles = [0.99886, 0.99332, 0.969, 0.8665, 0.55, -0.7616];
        let gains = [0.0555179, 0.0750759, 0.153852, 0.3104856, 0.5329522, -0.016898];
        for ((state, pole), gain) in self.0.iter_mut().zip(poles).zip(gains) {
            *state = pole * *state + gain * white;
        }
        0.25 * (self.0.iter().sum::<f64>() + 0.5362 * white)
    }
}
