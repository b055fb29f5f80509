//! Feed-forward compressor with soft knee.
//!
//! Detector, gain computer and smoothing follow D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range
//! Compressor Design", JAES 60(6), 2012 (smoothed branching on the gain reduction in dB). The gain is computed about
//! 1 400 times a second and ramped between: a compressor for mixes and buses, with attacks of 2 ms and more.
//!
//! Parallel compression is the mix of two gains, dry and wet in phase. The program-dependent release is that of two
//! time constants in parallel (G. W. McNally, "Dynamic Range Control of Digital Audio Signals", JAES 32(5), 1984): a
//! slow one that short peaks hardly charge.

mod gain;
mod settings;
#[cfg(test)]
mod tests;

pub(super) use self::gain::{GainComputer, Ramp, control_interval_frames, louder_mean_square};
pub use self::settings::{BandCompressorSettings, CompressorSettings, Detector};
use super::biquad::{Cascade, Coefficients};
use super::{Frame, Processor, Retune};
use crate::units::ms_to_frames;

/// A compressor on the whole stereo signal. Its only latency is the look-ahead; without one the gain lags its cause by
/// one control interval, about 0.7 ms.
#[derive(Debug, Clone)]
pub struct Compressor {
    sample_rate_hz: u32,
    /// Of the left and the right channel; linked ones share the first.
    computers: [GainComputer; 2],
    link: f64,
    detector: Detector,
    high_pass: Cascade,
    interval: usize,
    position: usize,
    /// Sums of squares since the interval began, or largest squares.
    sums: Frame,
    ramps: [Ramp; 2],
    targets: [f64; 2],
    max_reduction_db: f64,
    /// What the detector hears of a piece of the block.
    key: Vec<Frame>,
    /// The look-ahead, a ring.
    delayed: Vec<Frame>,
    oldest: usize,
}

impl Compressor {
    /// A compressor at rest, from validated settings.
    pub fn new(settings: &CompressorSettings, sample_rate_hz: u32) -> Self {
        let computer = GainComputer::new(settings, sample_rate_hz);
        let gain = computer.gain();
        let interval = control_interval_frames(sample_rate_hz);
        let q = std::f64::consts::FRAC_1_SQRT_2;
        let high_pass = settings.side_chain_high_pass_hz.map(|hz| Coefficients::high_pass(hz, q, sample_rate_hz));
        Self {
            sample_rate_hz,
            computers: [computer.clone(), computer],
            link: settings.stereo_link_percent / 100.0,
            detector: settings.detector,
            high_pass: Cascade::new(high_pass),
            interval,
            position: 0,
            sums: [0.0; 2],
            ramps: [Ramp::new(gain); 2],
            targets: [gain; 2],
            max_reduction_db: 0.0,
            key: vec![[0.0; 2]; interval],
            delayed: vec![[0.0; 2]; ms_to_frames(settings.look_ahead_ms, sample_rate_hz)],
            oldest: 0,
        }
    }

    /// The most usual settings, in one pass.
    #[inline]
    fn process_plainly(&mut self, piece: &mut [Frame]) {
        let (mut sums, mut ramp) = (self.sums, self.ramps[0]);
        for frame in piece.iter_mut() {
            sums = [sums[0] + frame[0] * frame[0], sums[1] + frame[1] * frame[1]];
            ramp.gain += ramp.step;
            *frame = [frame[0] * ramp.gain, frame[1] * ramp.gain];
        }
        self.sums = sums;
        self.ramps = [ramp; 2];
        self.advance(piece.len());
    }

    fn process_keyed_piece(&mut self, piece: &mut [Frame]) {
        let key = &mut self.key[..piece.len()];
        self.high_pass.process(key);
        for (frame, key) in piece.iter_mut().zip(key) {
            if !self.delayed.is_empty() {
                std::mem::swap(frame, &mut self.delayed[self.oldest]);
                self.oldest = (self.oldest + 1) % self.delayed.len();
            }
            for channel in 0..2 {
                let square = key[channel] * key[channel];
                self.sums[channel] = match self.detector {
                    Detector::Rms => self.sums[channel] + square,
                    Detector::Peak => self.sums[channel].max(square),
                };
                self.ramps[channel].gain += self.ramps[channel].step;
                frame[channel] *= self.ramps[channel].gain;
            }
        }
        self.advance(piece.len());
    }

    fn advance(&mut self, frames: usize) {
        self.position += frames;
        if self.position < self.interval {
            return;
        }
        self.position = 0;
        let over = match self.detector {
            Detector::Rms => self.interval as f64,
            Detector::Peak => 1.0,
        };
        let [left, right] = std::mem::take(&mut self.sums).map(|sum| sum / over);
        let louder = left.max(right);
        if self.link == 1.0 {
            self.close_interval(0, louder);
            (self.ramps[1], self.targets[1]) = (self.ramps[0], self.targets[0]);
            return;
        }
        for (channel, own) in [left, right].into_iter().enumerate() {
            self.close_interval(channel, own + self.link * (louder - own));
        }
    }

    #[inline]
    fn close_interval(&mut self, channel: usize, power: f64) {
        self.ramps[channel].arrive(self.targets[channel]);
        self.targets[channel] = self.computers[channel].step(power);
        self.ramps[channel].aim(self.targets[channel], self.interval);
        self.max_reduction_db = self.max_reduction_db.max(self.computers[channel].reduction_db());
    }

    /// The deepest gain reduction so far, dB (0 or more).
    pub fn max_reduction_db(&self) -> f64 {
        self.max_reduction_db
    }
}

impl Processor for Compressor {
    fn process(&mut self, frames: &mut [Frame]) {
        let mut rest = frames;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at_mut(rest.len().min(self.interval - self.position));
            if self.link == 1.0
                && self.detector == Detector::Rms
                && self.high_pass.is_identity()
                && self.delayed.is_empty()
            {
                self.process_plainly(piece);
            } else {
                self.key[..piece.len()].copy_from_slice(piece);
                self.process_keyed_piece(piece);
            }
            rest = tail;
        }
    }

    /// Compresses a block by the level of another signal.
    fn process_with_side_chain(&mut self, frames: &mut [Frame], side_chain: &[Frame]) {
        assert_eq!(frames.len(), side_chain.len(), "a side-chain has as many frames as the signal");
        let (mut rest, mut side_chain) = (frames, side_chain);
        while !rest.is_empty() {
            let length = rest.len().min(self.interval - self.position);
            let (piece, tail) = rest.split_at_mut(length);
            let (key, key_tail) = side_chain.split_at(length);
            self.key[..length].copy_from_slice(key);
            self.process_keyed_piece(piece);
            (rest, side_chain) = (tail, key_tail);
        }
    }

    fn reset(&mut self) {
        self.computers.iter_mut().for_each(GainComputer::reset);
        self.targets = self.computers.each_ref().map(GainComputer::gain);
        self.ramps = self.targets.map(Ramp::new);
        self.high_pass.reset();
        self.delayed.fill([0.0; 2]);
        (self.oldest, self.position, self.sums, self.max_reduction_db) = (0, 0, [0.0; 2], 0.0);
    }

    /// The look-ahead.
    fn latency_frames(&self) -> usize {
        self.delayed.len()
    }
}

impl Retune for Compressor {
    type Settings = CompressorSettings;

    fn retuned(&self, settings: &CompressorSettings) -> Self {
        let mut next = Self::new(settings, self.sample_rate_hz);
        for (next, computer) in next.computers.iter_mut().zip(&self.computers) {
            *next = computer.retuned(settings, self.sample_rate_hz);
        }
        if self.link == 1.0 {
            next.computers[1] = next.computers[0].clone();
        }
        next.targets = next.computers.each_ref().map(GainComputer::gain);
        next.ramps = next.targets.map(Ramp::new);
        next.max_reduction_db = self.max_reduction_db;
        // Sums of squares are no peaks: with another detector an interval begins.
        if next.detector == self.detector {
            (next.position, next.sums) = (self.position, self.sums);
        }
        if next.delayed.len() == self.delayed.len() {
            next.delayed.copy_from_slice(&self.delayed);
            next.oldest = self.oldest;
        }
        next
    }
}
