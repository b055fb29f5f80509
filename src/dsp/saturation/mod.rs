//! Saturation and excitation: the harmonics of tape, tubes and transformers, on the whole signal or on a band of it.
//!
//! Each character is a curve without memory between a pair of shelves that undo each other, so that quiet signals
//! pass unchanged in tone and the shelf decides which part of the spectrum meets the curve first:
//!
//! | character | curve `s(u)` | harmonics of a sine of amplitude A after the drive (A well below 1) | shelf |
//! |---|---|---|---|
//! | tape | `q(u) = u / sqrt(1 + u^2)` | odd: third `A^2 / 8` | 6 dB more above 3 kHz |
//! | tube | `(q(u + 0.4) - q(0.4)) / q'(0.4)` | even and odd: second `0.259 A` | none |
//! | transformer | `u / (1 + u^4)^(1/4)` | odd: third `5 A^4 / 64`, fifth `A^4 / 64`; clean for longer, then hard | 12 dB more below 100 Hz |
//!
//! Curves and harmonics after D. T. Yeh, J. Abel, J. O. Smith, "Simplified, Physically-Informed Models of Distortion and
//! Overdrive Guitar Effects Pedals" (DAFx 2007) and U. Zölzer (ed.), "DAFX", 2nd ed. 2011, chapter 4. What is added, the
//! curve's output minus its input, is computed at 4 or 8 times the sample rate and joins the delayed input, which
//! itself is untouched: at a mix of 0 % the stage is a pure delay. Aliases of a 5 kHz tone at -6 dBFS driven by 12 dB at
//! 44.1 kHz, below the tone: 92 dB (tape), 139 dB (tube), 121 dB (transformer) at 4 times the rate; 129 dB or more at 8.

mod curve;
mod oversampling;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::curve::Curve;
use self::oversampling::{CHUNK_FRAMES, Oversampler};
use super::delay_line::DelayLine;
use super::section::{Section, below_nyquist, flushed};
use super::{Frame, Processor};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::db_to_amplitude;

pub use self::curve::Character;

/// What is saturated, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct SaturationSettings {
    /// Which device the harmonics are those of. Default: tape.
    pub character: Character,
    /// Level into the curve, 0 to 36 dB. The output is turned down so that a sine at -12 dBFS keeps its level.
    /// Default: 6.
    pub drive_db: f64,
    /// Only what lies above this is driven, 20 to 20000 Hz (12 dB an octave); an exciter at 3000 or so. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_cut_hz: Option<f64>,
    /// Only what lies below this is driven, 20 to 20000 Hz (12 dB an octave). Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_cut_hz: Option<f64>,
    /// How much of the change is added, 0 to 100 %. Default: 100.
    pub mix_percent: f64,
    /// Multiple of the sample rate that the curve runs at, 4 or 8. Default: 4.
    pub oversampling_ratio: u32,
}

impl Default for SaturationSettings {
    fn default() -> Self {
        Self {
            character: Character::Tape,
            drive_db: 6.0,
            low_cut_hz: None,
            high_cut_hz: None,
            mix_percent: 100.0,
            oversampling_ratio: 4,
        }
    }
}

parameters!(SaturationSettings {
    drive_db: Within(0.0, 36.0),
    low_cut_hz: Within(20.0, 20_000.0),
    high_cut_hz: Within(20.0, 20_000.0),
    mix_percent: Within(0.0, 100.0),
    oversampling_ratio: OneOf(&[4.0, 8.0]),
});

impl SaturationSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("saturation", None)
    }
}

/// The saturation stage. Its latency is [`Self::latency_frames`].
#[derive(Debug, Clone)]
pub struct Saturation {
    curve: Curve,
    oversampler: Oversampler,
    before: Vec<Section>,
    after: Vec<Section>,
    dry: DelayLine,
    latency_frames: usize,
    mix: f64,
    blocker: DcBlocker,
}

impl Saturation {
    /// The stage at rest, from validated settings.
    pub fn new(settings: &SaturationSettings, sample_rate_hz: u32) -> Self {
        let cuts = [
            Section::high_pass(settings.low_cut_hz, sample_rate_hz),
            Section::low_pass(settings.high_cut_hz, sample_rate_hz),
        ];
        let shelf = |sign: f64| settings.character.shelf(sign, sample_rate_hz).map(Section::new);
        let oversampler = Oversampler::new(settings.oversampling_ratio);
        let latency_frames = oversampler.latency_frames();
        Self {
            curve: Curve::new(settings.character, db_to_amplitude(settings.drive_db)),
            oversampler,
            before: cuts.into_iter().flatten().chain(shelf(1.0)).collect(),
            after: shelf(-1.0).into_iter().collect(),
            dry: DelayLine::new(latency_frames),
            latency_frames,
            mix: settings.mix_percent / 100.0,
            blocker: DcBlocker::new(sample_rate_hz),
        }
    }
}

impl Processor for Saturation {
    fn process(&mut self, frames: &mut [Frame]) {
        let mut change = [[0.0; 2]; CHUNK_FRAMES];
        for chunk in frames.chunks_mut(CHUNK_FRAMES) {
            let change = &mut change[..chunk.len()];
            change.copy_from_slice(chunk);
            for section in &mut self.before {
                change.iter_mut().for_each(|frame| *frame = section.step(*frame));
            }
            let curve = self.curve;
            // One call for each curve, so that the compiler can run it on several samples at once.
            match curve.character {
                Character::Tape => self.oversampler.process(change, |x| curve.tape(x)),
                Character::Tube => self.oversampler.process(change, |x| curve.tube(x)),
                Character::Transformer => self.oversampler.process(change, |x| curve.transformer(x)),
            }
            for section in &mut self.after {
                change.iter_mut().for_each(|frame| *frame = section.step(*frame));
            }
            for (frame, change) in chunk.iter_mut().zip(change) {
                let change = self.blocker.step(*change);
                let dry = self.dry.exchange(*frame);
                *frame = [dry[0] + self.mix * change[0], dry[1] + self.mix * change[1]];
            }
        }
    }

    fn reset(&mut self) {
        self.oversampler.reset();
        self.before.iter_mut().chain(&mut self.after).for_each(Section::reset);
        self.dry.reset();
        self.blocker.last = [[0.0; 2]; 2];
    }

    fn latency_frames(&self) -> usize {
        self.latency_frames
    }
}

/// A first-order high-pass at 5 Hz: asymmetric curves shift the mean.
#[derive(Debug, Clone)]
struct DcBlocker {
    pole: f64,
    /// Last input, last output.
    last: [Frame; 2],
}

impl DcBlocker {
    fn new(sample_rate_hz: u32) -> Self {
        let pole = (-std::f64::consts::TAU * below_nyquist(5.0, sample_rate_hz) / f64::from(sample_rate_hz)).exp();
        Self { pole, last: [[0.0; 2]; 2] }
    }

    #[inline(always)]
    fn step(&mut self, x: Frame) -> Frame {
        let [last_x, last_y] = self.last;
        let y = [0, 1].map(|c| flushed(x[c] - last_x[c] + self.pole * last_y[c]));
        self.last = [x, y];
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{channel, check_promises, noise, power_spectrum, sine, tone_amplitude};
    use crate::units::amplitude_to_db;

    const RATE_HZ: u32 = 44_100;
    const CHARACTERS: [Character; 3] = [Character::Tape, Character::Tube, Character::Transformer];

    fn saturated(settings: SaturationSettings, input: &[Frame]) -> Vec<f64> {
        let mut output = input.to_vec();
        Saturation::new(&settings, RATE_HZ).process(&mut output);
        channel(&output, 0)
    }

    #[test]
    fn quiet_signals_pass_and_a_mix_of_nothing_is_a_delay() {
        let input = noise(5000, 1);
        let settings = SaturationSettings { mix_percent: 0.0, ..Default::default() };
        let latency = Saturation::new(&settings, RATE_HZ).latency_frames();
        let output = saturated(settings, &input);
        assert!((latency..5000).all(|n| output[n] == input[n - latency][0]));

        let quiet: Vec<Frame> = input.iter().map(|frame| frame.map(|x| 1e-6 * x)).collect();
        for character in CHARACTERS {
            let settings = SaturationSettings { character, drive_db: 0.0, ..Default::default() };
            let makeup = Curve::new(character, 1.0).makeup();
            assert!((makeup - 1.0).abs() < 0.06, "{character:?}: {makeup}");
            let output = saturated(settings, &quiet);
            let worst = (2000..5000).map(|n| (output[n] - quiet[n - latency][0]).abs()).fold(0.0, f64::max);
            assert!(worst < 0.1e-6, "{character:?}: {worst}");
        }
    }

    #[test]
    fn harmonics_are_those_of_the_formula() {
        let frequency = 1000.0 / f64::from(RATE_HZ);
        // At 1 kHz the tape's shelf has begun: the transformer and the tube have none of note there.
        let cases: [(Character, [(f64, f64); 3]); 2] = [
            (Character::Tube, [(2.0, 0.2586 * 0.1), (3.0, -1.0), (4.0, -1.0)]),
            (Character::Transformer, [(2.0, 0.0), (3.0, 5.0 / 64.0 * 1e-4), (5.0, 1.0 / 64.0 * 1e-4)]),
        ];
        for (character, harmonics) in cases {
            let settings = SaturationSettings { character, drive_db: 20.0, ..Default::default() };
            let output = &saturated(settings, &sine(88_200, frequency, 0.01))[44_100..];
            let first = tone_amplitude(output, frequency);
            for (order, expected) in harmonics.into_iter().filter(|(_, expected)| *expected >= 0.0) {
                let ratio = tone_amplitude(output, order * frequency) / first;
                assert!((ratio - expected).abs() < 0.06 * expected + 1e-9, "{character:?} {order}: {ratio} {expected}");
            }
        }
        let tape = SaturationSettings { drive_db: 20.0, ..Default::default() };
        let low = 100.0 / f64::from(RATE_HZ);
        let output = &saturated(tape, &sine(88_200, low, 0.01))[44_100..];
        let ratio = tone_amplitude(output, 3.0 * low) / tone_amplitude(output, low);
        assert!((ratio / (0.01 / 8.0) - 1.0).abs() < 0.06, "{ratio}");
        assert!(tone_amplitude(output, 2.0 * low) < 1e-9);
    }

    #[test]
    fn aliases_stay_low() {
        // 5001 Hz at -6 dBFS, driven by 12 dB: everything between the harmonics is aliased.
        let bin = 1858;
        let frequency = bin as f64 / 16_384.0;
        for (ratio, bars_db) in [(4, [-91.0, -120.0, -120.0]), (8, [-120.0; 3])] {
            for (character, bar_db) in CHARACTERS.into_iter().zip(bars_db) {
                let settings =
                    SaturationSettings { character, drive_db: 12.0, oversampling_ratio: ratio, ..Default::default() };
                let output = saturated(settings, &sine(32_768, frequency, 0.5));
                let spectrum = power_spectrum(&output[16_384..], 16_384);
                let alias = spectrum
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| *at > 20 && (at + bin / 2) % bin > 10 && (at % bin > 6 && at % bin < bin - 6))
                    .map(|(_, power)| *power)
                    .fold(0.0, f64::max);
                let alias_db = 10.0 * (alias / spectrum[bin]).log10();
                assert!(alias_db < bar_db, "{character:?} at {ratio}: {alias_db} dB");
            }
        }
    }

    #[test]
    fn level_is_kept_and_no_offset_is_left() {
        let frequency = 1000.0 / f64::from(RATE_HZ);
        for character in CHARACTERS {
            for drive_db in [0.0, 6.0, 12.0, 24.0] {
                let settings = SaturationSettings { character, drive_db, ..Default::default() };
                let output = &saturated(settings, &sine(132_300, frequency, 0.251))[88_200..];
                let level_db = amplitude_to_db(tone_amplitude(output, frequency) / 0.251);
                assert!(level_db.abs() < 0.3, "{character:?} at {drive_db} dB: {level_db} dB");
                let mean = output.iter().sum::<f64>() / output.len() as f64;
                assert!(mean.abs() < 1e-6, "{character:?} at {drive_db} dB: {mean}");
            }
        }
    }

    #[test]
    fn a_corner_keeps_the_rest_clean() {
        let low = 60.0 / f64::from(RATE_HZ);
        let settings = SaturationSettings { drive_db: 24.0, low_cut_hz: Some(3000.0), ..Default::default() };
        let output = &saturated(settings, &sine(88_200, low, 0.5))[44_100..];
        let third_db = amplitude_to_db(tone_amplitude(output, 3.0 * low) / 0.5);
        assert!(third_db < -100.0, "{third_db} dB");
        assert!((tone_amplitude(output, low) / 0.5 - 1.0).abs() < 1e-3);
    }

    #[test]
    fn the_common_promises_hold() {
        let bad = SaturationSettings { oversampling_ratio: 3, ..Default::default() };
        assert_eq!(
            bad.validate().unwrap_err().to_string(),
            "saturation.oversampling_ratio: 3 is none of 4, 8; choose one of them"
        );
        for (seed, rate_hz) in [8_000, 44_100, 96_000, 384_000].into_iter().enumerate() {
            let pick = noise(4, seed as u64);
            let settings = SaturationSettings {
                character: CHARACTERS[seed % 3],
                drive_db: 18.0 * (pick[0][0] + 1.0),
                low_cut_hz: Some(10_010.0 + 9_990.0 * pick[1][0]),
                high_cut_hz: Some(10_010.0 + 9_990.0 * pick[1][1]),
                mix_percent: 50.0 * (pick[2][0] + 1.0),
                oversampling_ratio: if seed % 2 == 0 { 4 } else { 8 },
            };
            settings.validate().unwrap();
            check_promises(&Saturation::new(&settings, rate_hz), 4.0);
        }
    }
}
