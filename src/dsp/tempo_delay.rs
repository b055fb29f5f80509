//! Stereo delay in note values: echoes in time with the music, filtered on every round.
//!
//! A note of `b` beats lasts `60 b / tempo` seconds, rounded to the nearest frame. Each round through the feedback path
//! passes a second-order Butterworth high-pass and low-pass (neither lifts any frequency, so the feedback below 100 %
//! always dies away) and loses the feedback gain: `n` rounds are `n` times 20 log10(feedback) dB down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::delay_line::DelayLine;
use super::section::{Section, flushed};
use super::{Frame, Processor};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;

/// A note, in 4/4 time where a beat is a quarter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// Four beats.
    Whole,
    /// Two beats.
    Half,
    /// One beat. The default.
    #[default]
    Quarter,
    /// Half a beat.
    Eighth,
    /// A quarter of a beat.
    Sixteenth,
    /// An eighth of a beat.
    ThirtySecond,
}

/// How a note is lengthened or shortened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Feel {
    /// As it is. The default.
    #[default]
    Straight,
    /// Half as long again.
    Dotted,
    /// Two thirds as long.
    Triplet,
}

/// A length in note values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoteLength {
    /// The note. Default: a quarter.
    pub note: Note,
    /// Straight, dotted or triplet. Default: straight.
    pub feel: Feel,
}

impl NoteLength {
    /// How many beats it lasts.
    pub fn beats(self) -> f64 {
        let beats = match self.note {
            Note::Whole => 4.0,
            Note::Half => 2.0,
            Note::Quarter => 1.0,
            Note::Eighth => 0.5,
            Note::Sixteenth => 0.25,
            Note::ThirtySecond => 0.125,
        };
        match self.feel {
            Feel::Straight => beats,
            Feel::Dotted => 1.5 * beats,
            Feel::Triplet => 2.0 / 3.0 * beats,
        }
    }

    /// How long it lasts at a tempo in beats a minute, seconds.
    pub fn seconds(self, tempo_bpm: f64) -> f64 {
        60.0 * self.beats() / tempo_bpm
    }
}

/// How echoes follow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct TempoDelaySettings {
    /// Tempo in beats a minute, 20 to 400. Default: 120.
    pub tempo_bpm: f64,
    /// Time of the left echo. Default: a quarter.
    pub left: NoteLength,
    /// Time of the right echo. Default: a quarter.
    pub right: NoteLength,
    /// Level of each round against the one before, 0 to 98 %. Default: 40.
    pub feedback_percent: f64,
    /// Echoes change sides: the sum of the input starts on the left, and each channel feeds the other. Default: no.
    pub ping_pong: bool,
    /// High-pass in the echo path, 20 to 20000 Hz. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_cut_hz: Option<f64>,
    /// Low-pass in the echo path, 20 to 20000 Hz. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_cut_hz: Option<f64>,
    /// Share of the echoes in the output, 0 (none) to 100 % (nothing else, as on a send). Default: 25.
    pub mix_percent: f64,
}

impl Default for TempoDelaySettings {
    fn default() -> Self {
        Self {
            tempo_bpm: 120.0,
            left: NoteLength::default(),
            right: NoteLength::default(),
            feedback_percent: 40.0,
            ping_pong: false,
            low_cut_hz: None,
            high_cut_hz: None,
            mix_percent: 25.0,
        }
    }
}

parameters!(TempoDelaySettings {
    tempo_bpm: Within(20.0, 400.0),
    feedback_percent: Within(0.0, 98.0),
    low_cut_hz: Within(20.0, 20_000.0),
    high_cut_hz: Within(20.0, 20_000.0),
    mix_percent: Within(0.0, 100.0),
});

impl TempoDelaySettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("tempo_delay", None)
    }
}

/// The delay. No latency: the dry signal is not delayed.
#[derive(Debug, Clone)]
pub struct TempoDelay {
    /// One line for each channel (and of each, only that channel is used): their times differ.
    lines: [DelayLine; 2],
    filters: Vec<Section>,
    feedback: f64,
    ping_pong: bool,
    mix: f64,
}

impl TempoDelay {
    /// A silent delay, from validated settings.
    pub fn new(settings: &TempoDelaySettings, sample_rate_hz: u32) -> Self {
        let line = |length: NoteLength| {
            let frames = length.seconds(settings.tempo_bpm) * f64::from(sample_rate_hz);
            DelayLine::new((frames.round() as usize).max(1))
        };
        let cuts = [
            Section::high_pass(settings.low_cut_hz, sample_rate_hz),
            Section::low_pass(settings.high_cut_hz, sample_rate_hz),
        ];
        Self {
            lines: [line(settings.left), line(settings.right)],
            filters: cuts.into_iter().flatten().collect(),
            feedback: settings.feedback_percent / 100.0,
            ping_pong: settings.ping_pong,
            mix: settings.mix_percent / 100.0,
        }
    }
}

impl Processor for TempoDelay {
    fn process(&mut self, frames: &mut [Frame]) {
        for frame in frames {
            let mut echo = [self.lines[0].oldest()[0], self.lines[1].oldest()[1]];
            for filter in &mut self.filters {
                echo = filter.step(echo);
            }
            let [left, right] = *frame;
            let (input, back) =
                if self.ping_pong { ([0.5 * (left + right), 0.0], [echo[1], echo[0]]) } else { ([left, right], echo) };
            let next = [0, 1].map(|c| flushed(input[c] + self.feedback * back[c]));
            self.lines.iter_mut().for_each(|line| line.push(next));
            *frame = [0, 1].map(|c| (1.0 - self.mix) * frame[c] + self.mix * echo[c]);
        }
    }

    fn reset(&mut self) {
        self.lines.iter_mut().for_each(DelayLine::reset);
        self.filters.iter_mut().for_each(Section::reset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{channel, check_promises, impulse, noise, response};
    use crate::units::amplitude_to_db;

    const RATE_HZ: u32 = 48_000;

    fn length(note: Note, feel: Feel) -> NoteLength {
        NoteLength { note, feel }
    }

    fn echoes(settings: &TempoDelaySettings, frames: usize) -> Vec<Frame> {
        settings.validate().unwrap();
        let mut signal = impulse(frames);
        TempoDelay::new(settings, RATE_HZ).process(&mut signal);
        signal
    }

    #[test]
    fn notes_last_as_long_as_in_the_score() {
        let wet = TempoDelaySettings { mix_percent: 100.0, feedback_percent: 50.0, ..Default::default() };
        // At 120 beats a minute a quarter is half a second: 24000 frames.
        for (left, frames) in [
            (length(Note::Whole, Feel::Straight), 96_000),
            (length(Note::Half, Feel::Triplet), 32_000),
            (length(Note::Quarter, Feel::Straight), 24_000),
            (length(Note::Quarter, Feel::Dotted), 36_000),
            (length(Note::Eighth, Feel::Triplet), 8_000),
            (length(Note::Sixteenth, Feel::Dotted), 9_000),
            (length(Note::ThirtySecond, Feel::Straight), 3_000),
        ] {
            let output = echoes(&TempoDelaySettings { left, ..wet }, 3 * frames + 1);
            for (n, frame) in output.iter().enumerate() {
                let round = n / frames;
                let expected = if n > 0 && n % frames == 0 { 0.5f64.powi(round as i32 - 1) } else { 0.0 };
                assert_eq!(frame[0], expected, "{left:?}, frame {n}");
            }
        }
        let odd = TempoDelaySettings { tempo_bpm: 93.7, ..wet };
        let first = echoes(&odd, 40_000).iter().position(|frame| frame[0] != 0.0);
        assert_eq!(first, Some((48_000.0 * 60.0 / 93.7f64).round() as usize));
    }

    #[test]
    fn ping_pong_changes_sides() {
        let output = echoes(
            &TempoDelaySettings {
                left: length(Note::Sixteenth, Feel::Straight),
                right: length(Note::Eighth, Feel::Straight),
                ping_pong: true,
                mix_percent: 100.0,
                ..Default::default()
            },
            40_000,
        );
        let hits = |index: usize| -> Vec<(usize, f64)> {
            let hit = |(n, frame): (usize, &Frame)| (frame[index] != 0.0).then_some((n, frame[index]));
            output.iter().enumerate().filter_map(hit).collect()
        };
        assert_eq!(hits(0), [(6_000, 1.0), (24_000, 0.4 * 0.4)]);
        assert_eq!(hits(1), [(18_000, 0.4), (36_000, 0.4 * (0.4 * 0.4))]);
    }

    #[test]
    fn every_round_passes_the_filters() {
        let settings = TempoDelaySettings {
            left: length(Note::Quarter, Feel::Straight),
            feedback_percent: 80.0,
            low_cut_hz: Some(200.0),
            high_cut_hz: Some(4000.0),
            mix_percent: 100.0,
            ..Default::default()
        };
        let output = channel(&echoes(&settings, 24_000 * 4), 0);
        for round in 1..=3usize {
            let bins = response(&output[24_000 * round..24_000 * (round + 1)]);
            let level_db = |hz: usize| amplitude_to_db(bins[hz / 2].norm());
            let feedback_db = (round - 1) as f64 * amplitude_to_db(0.8);
            assert!((level_db(900) - feedback_db).abs() < 0.1, "{round}: {}", level_db(900));
            for corner in [200, 4000] {
                let expected_db = feedback_db - 3.01 * round as f64;
                assert!((level_db(corner) - expected_db).abs() < 0.1, "{round}, {corner} Hz: {}", level_db(corner));
            }
        }
    }

    #[test]
    fn the_common_promises_hold() {
        for (seed, rate_hz) in [8_000, 44_100, 384_000].into_iter().enumerate() {
            let pick = noise(2, seed as u64);
            let settings = TempoDelaySettings {
                tempo_bpm: 400.0,
                left: length(Note::ThirtySecond, Feel::Triplet),
                right: length(Note::ThirtySecond, Feel::Straight),
                feedback_percent: 98.0,
                ping_pong: seed == 1,
                low_cut_hz: Some(10_010.0 + 9_990.0 * pick[0][0]),
                high_cut_hz: Some(10_010.0 + 9_990.0 * pick[0][1]),
                mix_percent: 70.0,
            };
            settings.validate().unwrap();
            check_promises(&TempoDelay::new(&settings, rate_hz), 50.0);
        }
        let parsed = serde_json::from_str::<TempoDelaySettings>(r#"{"tempo": 3}"#);
        assert!(parsed.unwrap_err().to_string().contains("unknown field"));
    }
}
