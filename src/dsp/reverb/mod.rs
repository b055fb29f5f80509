//! Algorithmic reverb: a room with a decay time for each octave.
//!
//! Pre-delay, early reflections of a rectangular room, and a late part: a diffuser into a feedback delay network of 16
//! lines with a Hadamard matrix (J.-M. Jot, A. Chaigne, "Digital Delay Networks for Designing Artificial
//! Reverberators", AES 90, 1991). Each line's filter is solved so that decay times measure as set, within 5 % by octave
//! (ISO 3382-1, T30 by M. R. Schroeder's backward integration, over several positions), as long as neighbouring octaves
//! differ by less than about half: beyond, an octave also holds what rings longer next to it.

mod decay;
mod diffuser;
mod early;
mod lanes;
mod network;

use pulp::{Arch, NullaryFnOnce};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::diffuser::Diffuser;
use self::early::Early;
use self::lanes::{BLOCK_FRAMES, Blocks, SILENCE, scaled, sum};
use self::network::Network;
use super::delay_line::DelayLine;
use super::{Frame, Processor};
use crate::dsp::parameter::{Parameters, describe, exactly, parameters};
use crate::error::Result;
use crate::units::{db_to_amplitude, ms_to_frames};

/// Octaves that have a decay time.
pub const OCTAVES: usize = 9;
/// Their centres.
pub const OCTAVES_HZ: [f64; OCTAVES] = [63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0];

/// The room and how much of it is heard.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct ReverbSettings {
    /// Time before the first reflection, 0 to 500 ms. Default: 10.
    pub pre_delay_ms: f64,
    /// Size of the room, 20 to 200 %: the distances of reflections. It is held down for short decays, to what the
    /// longest of them divided by 1 s allows. Default: 100.
    pub size_percent: f64,
    /// Time in which each octave falls by 60 dB, from 63 Hz to 16 kHz, 0.2 to 30 s; octaves above half the sample
    /// rate do not count. Default: 2.2, 2.2, 2.1, 2, 1.9, 1.7, 1.4, 1, 0.7.
    #[serde(deserialize_with = "exactly")]
    pub decay_s: [f64; OCTAVES],
    /// Level of the early reflections, -60 to 12 dB. Default: -6.
    pub early_gain_db: f64,
    /// Level of the late part, -60 to 12 dB; at 0 it has about the input's energy at 1 kHz. Default: 0.
    pub late_gain_db: f64,
    /// How far the lines of the network are turned into each other, 0 to 100 %. Default: 30.
    pub modulation_percent: f64,
    /// How often, 0.05 to 5 Hz. Default: 0.5.
    pub modulation_hz: f64,
    /// Width of the reverb, 0 (mono) to 200 %. Default: 100.
    pub width_percent: f64,
    /// Share of the reverb in the output, 0 (none) to 100 % (nothing else, as on a send). Default: 25.
    pub mix_percent: f64,
}

impl Default for ReverbSettings {
    fn default() -> Self {
        Self {
            pre_delay_ms: 10.0,
            size_percent: 100.0,
            decay_s: [2.2, 2.2, 2.1, 2.0, 1.9, 1.7, 1.4, 1.0, 0.7],
            early_gain_db: -6.0,
            late_gain_db: 0.0,
            modulation_percent: 30.0,
            modulation_hz: 0.5,
            width_percent: 100.0,
            mix_percent: 25.0,
        }
    }
}

parameters!(ReverbSettings {
    pre_delay_ms: Within(0.0, 500.0),
    size_percent: Within(20.0, 200.0),
    decay_s: Within(0.2, 30.0),
    early_gain_db: Within(-60.0, 12.0),
    late_gain_db: Within(-60.0, 12.0),
    modulation_percent: Within(0.0, 100.0),
    modulation_hz: Within(0.05, 5.0),
    width_percent: Within(0.0, 200.0),
    mix_percent: Within(0.0, 100.0),
});

impl ReverbSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("reverb", None)
    }
}

/// The reverb. No latency: the dry signal is not delayed.
#[derive(Debug, Clone)]
pub struct Reverb {
    pre_delay: DelayLine,
    early: Early,
    diffuser: Diffuser,
    network: Network,
    late_gain: f64,
    dry: f64,
    /// Gains of mid and side of the reverb.
    wet: [f64; 2],
    arch: Arch,
    /// Blocks of the lines: what goes into the network, and what comes out.
    entering: Blocks,
    late: Blocks,
}

impl Reverb {
    /// An empty room, from validated settings.
    pub fn new(settings: &ReverbSettings, sample_rate_hz: u32) -> Self {
        let longest_s = settings.decay_s.into_iter().take(decay::octaves_at(sample_rate_hz)).fold(0.0, f64::max);
        let size = (settings.size_percent / 100.0).min(longest_s);
        let modulation = settings.modulation_percent / 100.0;
        // A line's gain `g` at 1 kHz makes `1 / (1 - g^2)` of the energy that enters.
        let line_loss_db = 60.0 * size * Network::mean_line_s() / settings.decay_s[4];
        let energy = 1.0 - 10f64.powf(-line_loss_db / 10.0);
        let mix = settings.mix_percent / 100.0;
        Self {
            pre_delay: DelayLine::new(ms_to_frames(settings.pre_delay_ms, sample_rate_hz)),
            early: Early::new(size, db_to_amplitude(settings.early_gain_db), sample_rate_hz),
            diffuser: Diffuser::new(size, sample_rate_hz),
            network: Network::new(size, &settings.decay_s, modulation, settings.modulation_hz, sample_rate_hz),
            late_gain: db_to_amplitude(settings.late_gain_db) * (2.0 * energy).sqrt(),
            dry: 1.0 - mix,
            wet: [0.5 * mix, 0.5 * mix * settings.width_percent / 100.0],
            arch: Arch::new(),
            entering: SILENCE,
            late: SILENCE,
        }
    }

    /// Adds the room to no more frames than the network takes at once.
    #[inline(always)]
    fn block(&mut self, frames: &mut [Frame]) {
        let mut delayed = [[0.0; BLOCK_FRAMES]; 2];
        for (t, frame) in frames.iter().enumerate() {
            [delayed[0][t], delayed[1][t]] = self.pre_delay.exchange(*frame).map(|x| x as f32);
        }
        let early = self.early.step(&delayed, frames.len());
        // Eight lines for each channel, of the input's energy together.
        for (lane, entering) in self.entering.iter_mut().enumerate() {
            *entering = scaled(delayed[lane % 2], 0.125f32.sqrt());
        }
        self.diffuser.step(&mut self.entering, frames.len());
        self.network.step(&self.entering, frames.len(), &mut self.late);
        let mut wet = [[0.0; BLOCK_FRAMES]; 2];
        for (lane, late) in self.late.iter().enumerate() {
            wet[lane % 2] = sum(wet[lane % 2], late);
        }
        for (t, frame) in frames.iter_mut().enumerate() {
            let [left, right] =
                [0, 1].map(|channel| f64::from(early[channel][t]) + self.late_gain * f64::from(wet[channel][t]));
            let (mid, side) = (self.wet[0] * (left + right), self.wet[1] * (left - right));
            *frame = [self.dry * frame[0] + (mid + side), self.dry * frame[1] + (mid - side)];
        }
    }
}

impl Processor for Reverb {
    fn process(&mut self, frames: &mut [Frame]) {
        self.arch.dispatch(Work { reverb: self, frames });
    }

    /// Empties the room.
    fn reset(&mut self) {
        self.pre_delay.reset();
        self.early.reset();
        self.diffuser.reset();
        self.network.reset();
    }
}

/// Processing as a value: unlike a closure's, its body is sure to be compiled for the processor that it is dispatched to.
struct Work<'a> {
    reverb: &'a mut Reverb,
    frames: &'a mut [Frame],
}

impl NullaryFnOnce for Work<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut rest = self.frames;
        while !rest.is_empty() {
            let (block, after) = rest.split_at_mut(rest.len().min(self.reverb.network.block_frames()));
            self.reverb.block(block);
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests;
