//! Phase rotation: allpasses that turn the phase around a corner and leave the level alone.
//!
//! On both channels they make lopsided waveforms (voices, brass) symmetrical, which gains headroom; on one of them
//! they align it with the other. First-order sections in series, each 90 degrees at its corner and 180 above (U. Zölzer
//! (ed.), "DAFX", 2nd ed. 2011, section 2.2.3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::section::{Allpass, below_nyquist};
use super::super::{Frame, Processor};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;

/// Which channels are turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// Left and right.
    #[default]
    Both,
    /// The left one only.
    Left,
    /// The right one only.
    Right,
}

/// How the phase is turned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct PhaseRotationSettings {
    /// Where half of the turn is reached, 20 to 20000 Hz. Default: 200.
    pub frequency_hz: f64,
    /// Sections, 1 to 8: each turns by 180 degrees in all. Default: 4.
    pub sections: u32,
    /// Which channels. Default: both.
    pub channels: Channels,
}

impl Default for PhaseRotationSettings {
    fn default() -> Self {
        Self { frequency_hz: 200.0, sections: 4, channels: Channels::Both }
    }
}

parameters!(PhaseRotationSettings { frequency_hz: Within(20.0, 20_000.0), sections: Within(1.0, MAX_SECTIONS as f64) });

impl PhaseRotationSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("phase_rotation", None)
    }
}

const MAX_SECTIONS: usize = 8;

/// The allpasses. No latency.
#[derive(Debug, Clone)]
pub struct PhaseRotation {
    allpass: Allpass,
    sections: usize,
    channels: [bool; 2],
    states: [Frame; MAX_SECTIONS],
}

impl PhaseRotation {
    /// The allpasses at rest, from validated settings.
    pub fn new(settings: &PhaseRotationSettings, sample_rate_hz: u32) -> Self {
        Self {
            allpass: Allpass::new(below_nyquist(settings.frequency_hz, sample_rate_hz), sample_rate_hz),
            sections: settings.sections as usize,
            channels: [settings.channels != Channels::Right, settings.channels != Channels::Left],
            states: [[0.0; 2]; MAX_SECTIONS],
        }
    }
}

impl Processor for PhaseRotation {
    fn process(&mut self, frames: &mut [Frame]) {
        for frame in frames {
            let mut x = *frame;
            for state in &mut self.states[..self.sections] {
                x = [0, 1].map(|c| self.allpass.step(x[c], &mut state[c]));
            }
            for channel in 0..2 {
                if self.channels[channel] {
                    frame[channel] = x[channel];
                }
            }
        }
    }

    fn reset(&mut self) {
        self.states = [[0.0; 2]; MAX_SECTIONS];
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::dsp::testing::{channel, check_promises, impulse, response};

    #[test]
    fn the_level_stays_and_the_phase_turns_by_90_degrees_a_section() {
        let settings = PhaseRotationSettings { frequency_hz: 1500.0, sections: 1, channels: Channels::Left };
        let mut signal = impulse(4800);
        PhaseRotation::new(&settings, 48_000).process(&mut signal);
        assert_eq!(channel(&signal, 1), channel(&impulse(4800), 1));
        let bins = response(&channel(&signal, 0));
        assert!(bins.iter().all(|bin| (bin.norm() - 1.0).abs() < 1e-9));
        assert!((bins[150].arg() + 0.5 * PI).abs() < 1e-6, "{}", bins[150].arg());
        assert!(bins[1].arg().abs() < 0.02);
    }

    #[test]
    fn the_common_promises_hold() {
        for rate_hz in [8_000, 48_000, 384_000] {
            let settings = PhaseRotationSettings { frequency_hz: 20_000.0, sections: 8, ..Default::default() };
            settings.validate().unwrap();
            check_promises(&PhaseRotation::new(&settings, rate_hz), 8.0);
        }
        assert!(PhaseRotationSettings { sections: 9, ..Default::default() }.validate().is_err());
    }
}
