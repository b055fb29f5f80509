//! Transient shaper: attacks and tails made stronger or weaker, whatever their level.
//!
//! Two pairs of peak followers with unequal times are compared in dB ("differential envelopes", SPL's Transient Designer,
//! German patent 19 755 447, 1997). While a quick rise is ahead of a slow one an attack is going on; while a slow fall
//! lingers above a quick one a tail is. No threshold: a level change of the whole signal changes nothing.
//!
//! Steady sound is neither: followers hear a peak for half the period of a low note, so that none falls between two of its crests, and
//! differ by more than a noise's own unrest before anything is done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ride::{Levels, Ride};
use super::sliding_maximum::SlidingMaximum;
use super::{Frame, Processor, Retune, glide};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::{amplitude_to_db, db_to_amplitude, one_pole_coefficient};

/// How transients are shaped.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct TransientSettings {
    /// Gain of attacks at the most, -24 to 24 dB. Default: 0.
    pub attack_db: f64,
    /// Gain of tails at the most, -24 to 24 dB. Default: 0.
    pub sustain_db: f64,
}

parameters!(TransientSettings { attack_db: Within(-24.0, 24.0), sustain_db: Within(-24.0, 24.0) });

impl TransientSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("transient", None)
    }
}

/// Rise of the two followers that are compared for attacks, s.
const RISES_S: [f64; 2] = [0.0005, 0.02];
/// Fall of the two followers that are compared for tails, s.
const FALLS_S: [f64; 2] = [0.05, 0.5];
/// How long a peak counts, s: half a period of 40 Hz. Only falls come later for it.
const HOLD_S: f64 = 0.0125;
/// Difference between followers that gets no gain yet, dB. In a minute of white Gaussian noise the largest is 3.1 dB; in pink noise 0.1 % of
/// what rises and 2 % of what falls go beyond 3 dB.
const START_DB: f64 = 3.0;
/// Difference between followers that gets the whole gain, dB.
const FULL_DB: f64 = 12.0;
/// What the gain itself takes to move, s.
const MOVE_S: f64 = 0.001;

/// The transient shaper. No latency.
#[derive(Debug, Clone)]
pub struct TransientShaper {
    sample_rate_hz: u32,
    ride: Ride,
    law: Law,
}

#[derive(Debug, Clone)]
struct Law {
    settings: TransientSettings,
    held: SlidingMaximum<f64>,
    rises: [Follower; 2],
    falls: [Follower; 2],
    smoothing: f64,
    gain_db: f64,
}

/// A peak follower with separate rise and fall.
#[derive(Debug, Clone, Copy)]
struct Follower {
    rise: f64,
    fall: f64,
    level: f64,
}

impl Follower {
    fn step_db(&mut self, peak: f64) -> f64 {
        let coefficient = if peak > self.level { self.rise } else { self.fall };
        self.level = peak + coefficient * (self.level - peak);
        amplitude_to_db(self.level)
    }
}

impl TransientShaper {
    /// A shaper at rest, from validated settings.
    pub fn new(settings: &TransientSettings, sample_rate_hz: u32) -> Self {
        let ride = Ride::new(1.0, sample_rate_hz);
        let steps_per_s = ride.steps_per_s(sample_rate_hz);
        let follower = |rise_s, fall_s| Follower {
            rise: one_pole_coefficient(rise_s, steps_per_s),
            fall: one_pole_coefficient(fall_s, steps_per_s),
            level: FLOOR,
        };
        let law = Law {
            settings: *settings,
            // One more, since a crest lies anywhere within its interval.
            held: SlidingMaximum::new((HOLD_S * steps_per_s).ceil() as usize + 1),
            rises: RISES_S.map(|rise_s| follower(rise_s, FALLS_S[0])),
            falls: FALLS_S.map(|fall_s| follower(RISES_S[0], fall_s)),
            smoothing: one_pole_coefficient(MOVE_S, steps_per_s),
            gain_db: 0.0,
        };
        Self { sample_rate_hz, ride, law }
    }

    /// The present gain, dB.
    pub fn gain_db(&self) -> f64 {
        self.law.gain_db
    }
}

impl Processor for TransientShaper {
    fn process(&mut self, frames: &mut [Frame]) {
        self.ride.process(frames, |levels| self.law.gain(levels));
    }

    fn reset(&mut self) {
        *self = Self::new(&self.law.settings, self.sample_rate_hz);
    }
}

/// Share of the whole gain that a difference between followers gets.
fn share(difference_db: f64) -> f64 {
    ((difference_db - START_DB) / (FULL_DB - START_DB)).clamp(0.0, 1.0)
}

/// Below -80 dBFS there are neither attacks nor tails.
const FLOOR: f64 = 1e-4;

impl Law {
    fn gain(&mut self, levels: Levels) -> f64 {
        let peak = self.held.push(levels.peak).max(FLOOR);
        let [quick, slow] = self.rises.each_mut().map(|follower| follower.step_db(peak));
        let attack = share(quick - slow);
        let [quick, slow] = self.falls.each_mut().map(|follower| follower.step_db(peak));
        let tail = share(slow - quick);
        let wanted_db = self.settings.attack_db * attack + self.settings.sustain_db * tail;
        self.gain_db = glide(self.gain_db, wanted_db, self.smoothing);
        db_to_amplitude(self.gain_db)
    }
}

impl Retune for TransientShaper {
    type Settings = TransientSettings;

    fn retuned(&self, settings: &TransientSettings) -> Self {
        let mut next = self.clone();
        next.law.settings = *settings;
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{Noise, check_promises, noise, sine};

    const RATE_HZ: u32 = 48_000;

    /// A tone of 3 kHz that begins at once, lasts and dies away with 200 ms.
    fn stroke(amplitude: f64) -> Vec<Frame> {
        (0..96_000)
            .map(|n| {
                let level = match n {
                    ..12_000 => 0.0,
                    12_000..48_000 => 1.0,
                    _ => (f64::from(48_000 - n) / 9600.0).exp(),
                };
                [amplitude * level * (f64::from(n) * 0.4).sin(); 2]
            })
            .collect()
    }

    fn gains_db(settings: TransientSettings, amplitude: f64) -> Vec<f64> {
        let mut shaper = TransientShaper::new(&settings, RATE_HZ);
        let mut frames = stroke(amplitude);
        let steps = frames.chunks_mut(16).map(|piece| {
            shaper.process(piece);
            shaper.gain_db()
        });
        steps.collect()
    }

    #[test]
    fn attacks_get_their_gain_for_a_moment() {
        for amplitude in [1.0, 0.1] {
            for attack_db in [6.0, -9.0] {
                let gains = gains_db(TransientSettings { attack_db, sustain_db: 0.0 }, amplitude);
                let at = |ms: usize| gains[750 + ms * 3] / attack_db;
                assert!(
                    at(4) > 0.9 && at(100) < 0.05 && gains[..750].iter().all(|gain| *gain == 0.0),
                    "{:?}",
                    (at(4), at(100))
                );
                // In steady tones and tails there is none.
                assert!(gains[2900..].iter().all(|gain| gain.abs() < 0.3));
            }
        }
    }

    #[test]
    fn steady_sound_is_left_alone() {
        let tone = |hz: f64| (format!("{hz} Hz"), sine(48_000, hz / f64::from(RATE_HZ), 0.5));
        let mut steady: Vec<(String, Vec<Frame>)> = [41.0, 50.0, 100.0, 200.0, 440.0, 1000.0].map(tone).into();
        // Twelve uniform values add up to nearly a Gaussian one: its crests differ far more.
        let mut values = Noise(1);
        let bell = (0..48_000).map(|_| [0.05 * (0..12).map(|_| values.next()).sum::<f64>(); 2]);
        steady.push(("white noise".into(), noise(48_000, 1)));
        steady.push(("Gaussian noise".into(), bell.collect()));
        for (attack_db, sustain_db) in [(24.0, 0.0), (-24.0, 0.0), (0.0, 24.0), (0.0, -24.0)] {
            for (name, input) in &steady {
                let mut shaper = TransientShaper::new(&TransientSettings { attack_db, sustain_db }, RATE_HZ);
                let mut output = input.clone();
                shaper.process(&mut output);
                let farthest_db = output[24_000..].iter().zip(&input[24_000..]).fold(0.0f64, |farthest_db, (y, x)| {
                    if x[0] == 0.0 { farthest_db } else { farthest_db.max(amplitude_to_db(y[0] / x[0]).abs()) }
                });
                assert!(farthest_db < 0.01, "{name}, {attack_db} and {sustain_db} dB: {farthest_db} dB");
            }
        }
    }

    #[test]
    fn tails_get_theirs() {
        for amplitude in [1.0, 0.1] {
            let gains = gains_db(TransientSettings { attack_db: 0.0, sustain_db: 6.0 }, amplitude);
            assert!(gains[800..3000].iter().all(|gain| gain.abs() < 0.3));
            assert!(gains[3000..].iter().fold(0.0f64, |most, gain| most.max(*gain)) > 3.0);
        }
    }

    #[test]
    fn neutral_settings_change_no_bit_nor_do_blocks_and_changes_do_not_click() {
        let mut frames = stroke(0.5);
        TransientShaper::new(&TransientSettings::default(), RATE_HZ).process(&mut frames);
        assert_eq!(frames, stroke(0.5));
        let settings = TransientSettings { attack_db: 24.0, sustain_db: -24.0 };
        let (mut whole, mut parts) = (stroke(0.5), stroke(0.5));
        TransientShaper::new(&settings, RATE_HZ).process(&mut whole);
        let mut shaper = TransientShaper::new(&settings, RATE_HZ);
        parts.chunks_mut(101).for_each(|block| shaper.process(block));
        assert_eq!(whole, parts);
        assert!(whole.iter().flatten().all(|x| x.is_finite()));
        let neutral = TransientShaper::new(&TransientSettings::default(), RATE_HZ);
        let click_db = crate::dsp::smooth::tests::click_db(neutral, &[&settings]);
        assert!(click_db < -80.0, "{click_db} dBFS");
    }

    #[test]
    fn the_common_promises_hold() {
        for rate_hz in [8_000, 44_100, 384_000] {
            let settings = TransientSettings { attack_db: 24.0, sustain_db: -24.0 };
            check_promises(&TransientShaper::new(&settings, rate_hz), 16.0);
        }
    }
}
