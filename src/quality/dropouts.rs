//! Dropouts: silence torn into a sound.
//!
//! Rests, gates and stutters are silent too; but a sound fades into them, however fast, or another one follows. A
//! dropout stops a waveform anywhere, and it goes on as loud as before.

use super::cells::{Group, cell_frames};
use super::thresholds::{GAP_DBFS, GAP_LEVEL_STEP_DB, GAP_MAX_S, GAP_MIN_S, GAP_SOUND_DBFS};
use super::{Check, Finding, Severity, Times};
use crate::units::{amplitude_to_db, db_to_amplitude, db_to_power, ms_to_frames};

/// Level is taken over this long on either side.
const SIDE_MS: f64 = 5.0;
/// A waveform is torn where its last (or first) millisecond reaches this share of the level.
const EDGE_MS: f64 = 1.0;
const EDGE_SHARE: f32 = 0.7;
/// Sound is so far over the step of its samples, dB: what has fewer steps is silent between them by nature.
const OVER_STEP_DB: f64 = 20.0;
/// Where so many samples equal the one before, square waves were drawn, which stop and begin anywhere.
const DRAWN_SHARE: f64 = 0.5;

/// Finds dropouts in both channels.
#[derive(Debug, Clone)]
pub(super) struct Dropouts {
    sample_rate_hz: u32,
    silence: f32,
    /// Least mean square of sound.
    sound_power: f64,
    gaps: [Gap; 2],
    found: Vec<(u64, u64)>,
}

#[derive(Debug, Clone, Copy)]
enum Gap {
    /// There is sound.
    None,
    /// Silence that began with a fade, or with the programme.
    Rest,
    /// Silence that tore a sound of a mean square, from a frame on.
    Torn { frame: u64, power: f64 },
}

impl Dropouts {
    /// For a programme whose samples have so many bits, where they are integers.
    pub(super) fn new(sample_rate_hz: u32, bits: Option<u32>) -> Self {
        let step_db = bits.map_or(f64::NEG_INFINITY, |bits| amplitude_to_db((1.0 - f64::from(bits)).exp2()));
        Self {
            sample_rate_hz,
            silence: db_to_amplitude(GAP_DBFS) as f32,
            sound_power: db_to_power(GAP_SOUND_DBFS.max(step_db + OVER_STEP_DB)),
            gaps: [Gap::Rest; 2],
            found: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, channel: usize, group: &Group<'_>) {
        if matches!(self.gaps[channel], Gap::None) && group.extremes().least_peak > self.silence {
            return;
        }
        let cell_frames = group.cell_frames();
        for index in group.own_cells() {
            let is_silent = group.peaks[index] <= self.silence;
            match (self.gaps[channel], is_silent) {
                (Gap::None, true) => {
                    let sound = group.samples[..index * cell_frames].iter().rposition(|x| x.abs() > self.silence);
                    self.gaps[channel] = sound.map_or(Gap::Rest, |last| self.open(group, last + 1));
                }
                (Gap::Torn { frame, power }, false) => {
                    let start = index * cell_frames;
                    let sound = group.samples[start..].iter().position(|x| x.abs() > self.silence);
                    self.close(group, frame, power, start + sound.unwrap_or(0));
                    self.gaps[channel] = Gap::None;
                }
                (Gap::Rest, false) => self.gaps[channel] = Gap::None,
                _ => {}
            }
        }
    }

    /// A gap begins at a sample.
    fn open(&self, group: &Group<'_>, at: usize) -> Gap {
        let side = ms_to_frames(SIDE_MS, self.sample_rate_hz);
        let sound = &group.samples[at.saturating_sub(side)..at];
        match self.torn_power(sound, sound.len().saturating_sub(self.edge_frames())..sound.len()) {
            Some(power) => Gap::Torn { frame: group.frame_of(at), power },
            None => Gap::Rest,
        }
    }

    /// A gap ends before a sample.
    fn close(&mut self, group: &Group<'_>, frame: u64, power_before: f64, at: usize) {
        let end = group.frame_of(at);
        let length_s = (end - frame) as f64 / f64::from(self.sample_rate_hz);
        let side = ms_to_frames(SIDE_MS, self.sample_rate_hz);
        let sound = &group.samples[at..(at + side).min(group.samples.len())];
        let Some(power) = self.torn_power(sound, 0..self.edge_frames().min(sound.len())) else { return };
        let ratio = power / power_before;
        let step = db_to_power(GAP_LEVEL_STEP_DB);
        if (self.shortest_s()..=GAP_MAX_S).contains(&length_s) && (1.0 / step..step).contains(&ratio) {
            let near = ms_to_frames(1.0, self.sample_rate_hz) as u64;
            if !self.found.iter().rev().take(4).any(|known| known.0.abs_diff(frame) <= near) {
                self.found.push((frame, end - frame));
            }
        }
    }

    /// Gaps from here on are told: any shorter one may lie across two cells without filling either.
    fn shortest_s(&self) -> f64 {
        let surely_seen = 2 * cell_frames(self.sample_rate_hz) - 1;
        GAP_MIN_S.max(surely_seen as f64 / f64::from(self.sample_rate_hz))
    }

    fn edge_frames(&self) -> usize {
        ms_to_frames(EDGE_MS, self.sample_rate_hz)
    }

    /// Mean square of a stretch of sound, if it is loud enough and torn at its edge.
    fn torn_power(&self, sound: &[f32], edge: std::ops::Range<usize>) -> Option<f64> {
        let power = sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / sound.len().max(1) as f64;
        let peak = sound[edge].iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        let torn = peak >= EDGE_SHARE * power.sqrt() as f32;
        let level = sound.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let drawn = level as f64 >= DRAWN_SHARE * sound.len() as f64;
        (torn && !drawn && power >= self.sound_power).then_some(power)
    }

    pub(super) fn finish(self) -> Option<Finding> {
        let longest = self.found.iter().map(|gap| gap.1).max()?;
        let longest_ms = 1e3 * longest as f64 / f64::from(self.sample_rate_hz);
        let mut times = Times::default();
        for gap in &self.found {
            times.add(gap.0);
        }
        let message = format!(
            "the sound drops out {}, for up to {longest_ms:.1} ms; export or record again with a larger buffer",
            if self.found.len() == 1 { "once".into() } else { format!("{} times", self.found.len()) }
        );
        Some(
            Finding::new(Check::Dropout, Severity::Fail, longest_ms, 1e3 * self.shortest_s(), message)
                .at(times.seconds(self.sample_rate_hz)),
        )
    }
}
