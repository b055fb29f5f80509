//! Oversampling by 2, 4 or 8: half-band filters, one for each doubling, up and down again.
//!
//! Each filter is a linear-phase half-band FIR (Kaiser window, beta 11) in polyphase form: every second tap is zero
//! but for the centre (P. P. Vaidyanathan, "Multirate Systems and Filter Banks", 1993, section 4.6), so half of the
//! samples are a plain delay. Flat within 0.0003 dB to 0.45 of the sample rate; what lies above 0.55 of it, and the
//! images, is at least 100 dB down.

use std::f64::consts::PI;

use super::super::Frame;
use super::super::window::kaiser;

/// Frames that go through at a time, at the base rate.
pub(super) const CHUNK_FRAMES: usize = 32;
/// Outputs of one filter that are summed at a time, in registers.
const GROUP_FRAMES: usize = 8;
/// Taps on either side of the centre that are not zero, for each doubling: the higher the rate, the wider the gap.
const SIDE_TAPS: [usize; 3] = [46, 8, 6];
const KAISER_BETA: f64 = 11.0;

/// Runs a function of samples at a multiple of the sample rate.
#[derive(Debug, Clone)]
pub(super) struct Oversampler {
    stages: Vec<Stage>,
    /// Frames at the highest rate that make the whole latency a whole number of frames.
    padding: Fifo,
}

/// One doubling: the way up and the way down.
#[derive(Debug, Clone)]
struct Stage {
    taps: Vec<f64>,
    /// Input at the lower rate, after its history.
    up: Fifo,
    /// The frames of even time at the higher rate, after their history; these meet the taps.
    down_even: Fifo,
    /// The frames of odd time; one of these meets the centre tap.
    down_odd: Fifo,
    high: Vec<Frame>,
}

/// History and new frames in one slice.
#[derive(Debug, Clone)]
struct Fifo {
    frames: Vec<Frame>,
    history: usize,
}

impl Fifo {
    /// `history` frames of silence, and room for a chunk (with slack for the last group).
    fn new(history: usize, chunk: usize) -> Self {
        Self { frames: vec![[0.0; 2]; history + chunk + GROUP_FRAMES], history }
    }

    fn input(&mut self, count: usize) -> &mut [Frame] {
        &mut self.frames[self.history..self.history + count]
    }

    /// Lets go of the oldest `count` frames.
    fn advance(&mut self, count: usize) {
        self.frames.copy_within(count..count + self.history, 0);
    }
}

impl Oversampler {
    /// For a ratio of 2, 4 or 8.
    pub(super) fn new(ratio: u32) -> Self {
        let stages: Vec<Stage> = (0..ratio.ilog2() as usize).map(Stage::new).collect();
        // Stage k delays by its centre, 2 side taps - 1, at its higher rate on the way up, and again on the way down.
        let highest_rate = 1 << stages.len();
        let delay = delay_at_highest_rate(stages.len());
        let padding = delay.next_multiple_of(highest_rate) - delay;
        Self { stages, padding: Fifo::new(padding, CHUNK_FRAMES * highest_rate) }
    }

    /// Frames by which the output lags the input, at the base rate.
    pub(super) fn latency_frames(&self) -> usize {
        (delay_at_highest_rate(self.stages.len()) + self.padding.history) >> self.stages.len()
    }

    /// Applies `shape` to up to [`CHUNK_FRAMES`] frames at the high rate, in place.
    pub(super) fn process(&mut self, frames: &mut [Frame], shape: impl Fn(f64) -> f64) {
        run(&mut self.stages, &mut self.padding, frames, &shape);
    }

    pub(super) fn reset(&mut self) {
        for stage in &mut self.stages {
            for fifo in [&mut stage.up, &mut stage.down_even, &mut stage.down_odd] {
                fifo.frames.fill([0.0; 2]);
            }
        }
        self.padding.frames.fill([0.0; 2]);
    }
}

fn run(stages: &mut [Stage], padding: &mut Fifo, frames: &mut [Frame], shape: &impl Fn(f64) -> f64) {
    let Some((stage, rest)) = stages.split_first_mut() else {
        let count = frames.len();
        for (delayed, frame) in padding.input(count).iter_mut().zip(&*frames) {
            *delayed = frame.map(shape);
        }
        frames.copy_from_slice(&padding.frames[..count]);
        padding.advance(count);
        return;
    };
    let mut high = std::mem::take(&mut stage.high);
    stage.up(frames, &mut high);
    run(rest, padding, &mut high[..2 * frames.len()], shape);
    stage.down(&high, frames);
    stage.high = high;
}

impl Stage {
    fn new(index: usize) -> Self {
        let taps = half_band(SIDE_TAPS[index]);
        let (history, chunk) = (taps.len() - 1, CHUNK_FRAMES << index);
        Self {
            up: Fifo::new(history, chunk),
            down_even: Fifo::new(history, chunk),
            down_odd: Fifo::new(history, chunk),
            high: vec![[0.0; 2]; 2 * chunk],
            taps,
        }
    }

    /// Twice as many frames: those of even time through the taps, those of odd time delayed.
    fn up(&mut self, frames: &[Frame], high: &mut [Frame]) {
        let count = frames.len();
        self.up.input(count).copy_from_slice(frames);
        let centre = self.taps.len() / 2;
        for start in (0..count).step_by(GROUP_FRAMES) {
            let sums = group(&self.taps, &self.up.frames[start..]);
            for (n, sum) in sums.into_iter().take(count - start).enumerate() {
                high[2 * (start + n)] = sum.map(|x| 2.0 * x);
                high[2 * (start + n) + 1] = self.up.frames[start + n + centre];
            }
        }
        self.up.advance(count);
    }

    /// Every second frame of the filtered signal.
    fn down(&mut self, high: &[Frame], frames: &mut [Frame]) {
        let count = frames.len();
        for (n, pair) in high[..2 * count].as_chunks::<2>().0.iter().enumerate() {
            self.down_even.frames[self.down_even.history + n] = pair[0];
            self.down_odd.frames[self.down_odd.history + n] = pair[1];
        }
        // The centre, at odd time 2 side taps - 1 before an even one: half a frame less than `side taps` frames.
        let centre = self.taps.len() / 2 - 1;
        for start in (0..count).step_by(GROUP_FRAMES) {
            let sums = group(&self.taps, &self.down_even.frames[start..]);
            for (n, [left, right]) in sums.into_iter().take(count - start).enumerate() {
                let [odd_left, odd_right] = self.down_odd.frames[start + n + centre];
                frames[start + n] = [left + 0.5 * odd_left, right + 0.5 * odd_right];
            }
        }
        self.down_even.advance(count);
        self.down_odd.advance(count);
    }
}

/// Symmetric taps on the first outputs of a window.
#[inline(always)]
fn group(taps: &[f64], window: &[Frame]) -> [Frame; GROUP_FRAMES] {
    let mut sums = [[0.0; 2]; GROUP_FRAMES];
    for (k, &tap) in taps[..taps.len() / 2].iter().enumerate() {
        let last = taps.len() - 1 - k;
        let early: &[Frame; GROUP_FRAMES] = window[k..k + GROUP_FRAMES].try_into().expect("length is fixed");
        let late: &[Frame; GROUP_FRAMES] = window[last..last + GROUP_FRAMES].try_into().expect("length is fixed");
        for n in 0..GROUP_FRAMES {
            sums[n][0] += tap * (early[n][0] + late[n][0]);
            sums[n][1] += tap * (early[n][1] + late[n][1]);
        }
    }
    sums
}

/// By how much some stages delay on the way up and down again, frames at the highest rate.
fn delay_at_highest_rate(stages: usize) -> usize {
    (0..stages).map(|stage| (2 * (2 * SIDE_TAPS[stage] - 1)) << (stages - stage - 1)).sum()
}

/// The taps of a half-band low-pass that are not zero, without the centre (which is 0.5): `2 side` of them.
fn half_band(side: usize) -> Vec<f64> {
    let reach = 2.0 * side as f64;
    let mut taps: Vec<f64> = (0..2 * side)
        .map(|k| {
            let n = 2.0 * k as f64 - (2 * side - 1) as f64;
            kaiser(n / reach, KAISER_BETA) * (0.5 * PI * n).sin() / (PI * n)
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap *= 0.5 / sum);
    taps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{channel, impulse, response, sine, tone_amplitude};
    use crate::units::amplitude_to_db;

    fn through(ratio: u32, signal: &mut [Frame], shape: impl Fn(f64) -> f64 + Copy) {
        let mut oversampler = Oversampler::new(ratio);
        signal.chunks_mut(CHUNK_FRAMES).for_each(|chunk| oversampler.process(chunk, shape));
    }

    #[test]
    fn up_and_down_is_flat_and_takes_the_latency_that_it_says() {
        for ratio in [2, 4, 8] {
            let latency = Oversampler::new(ratio).latency_frames();
            let mut signal = impulse(4096);
            through(ratio, &mut signal, |x| x);
            let signal = channel(&signal, 0);
            let peak = signal.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            assert_eq!(peak, latency, "{ratio}");
            for n in 1..50 {
                assert!((signal[latency - n] - signal[latency + n]).abs() < 1e-12, "linear phase");
            }
            let bins = response(&signal);
            let worst = bins[..4096 * 45 / 100].iter().map(|bin| amplitude_to_db(bin.norm()).abs()).fold(0.0, f64::max);
            assert!(worst < 3e-4, "{ratio}: {worst} dB");
        }
    }

    #[test]
    fn what_is_made_above_the_base_rate_is_taken_out() {
        for ratio in [2, 4, 8] {
            // A square makes a tone of twice the frequency: 0.9 of the sample rate here, which would fold to 0.1.
            let mut signal = sine(8192, 0.45, 1.0);
            through(ratio, &mut signal, |x| x * x - 0.5);
            let alias_db = amplitude_to_db(tone_amplitude(&channel(&signal[1000..], 0), 0.1));
            assert!(alias_db < -106.0, "{ratio}: {alias_db} dB");
        }
    }
}
