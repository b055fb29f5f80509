//! Parametric equaliser: named bands, each on both channels, on one of them, on the mid or on the side.
//!
//! Every band follows its analogue prototype ([`super::prototype`]): at 44.1 kHz, for gains to 12 dB and Q to 4,
//! within 0.1 dB to 10 kHz, 0.3 dB to 16 kHz and 0.6 dB to 20 kHz. Steep high- and low-passes are Butterworth's
//! (S. Butterworth, "On the Theory of Filter Amplifiers", 1930). Bands of 0 dB are left out: no bit changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::biquad::{Cascade, Coefficients};
use super::prototype::Prototype;
use super::{Frame, Processor, Retune};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::power_to_db;

/// One band of the equaliser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = describe::<Self>)]
pub struct EqBand {
    /// What the band is for, in a word or two: "mud", "air". Only shown, never used. Default: empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Shape of the band.
    pub kind: BandKind,
    /// Which part of the stereo signal it works on. Default: stereo.
    #[serde(default)]
    pub channel: BandChannel,
    /// Centre or corner, 10 Hz to 0.49 of the sample rate. Default: 1000 (in code; a recipe has to say).
    pub frequency_hz: f64,
    /// Boost or cut, -24 to 24 dB; of a tilt, the gain of the treble, the bass getting its negative. Not used by passes
    /// and notches. Default: 0.
    #[serde(default)]
    pub gain_db: f64,
    /// Quality, 0.1 to 20. Not used by tilts and by passes of other slopes than 12 dB per octave. Default: 0.707.
    #[serde(default = "default_q")]
    pub q: f64,
    /// Slope of a high- or low-pass: 6, 12, 18, 24, 36 or 48 dB per octave. Not used by other kinds. Default: 12.
    #[serde(default = "default_slope", skip_serializing_if = "is_default_slope")]
    #[schemars(!skip_serializing_if)]
    pub slope_db_per_octave: u32,
}

impl Default for EqBand {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: BandKind::Bell,
            channel: BandChannel::Stereo,
            frequency_hz: 1000.0,
            gain_db: 0.0,
            q: default_q(),
            slope_db_per_octave: default_slope(),
        }
    }
}

/// Slopes that a high- or low-pass can have, dB per octave.
pub const SLOPES_DB_PER_OCTAVE: [f64; 6] = [6.0, 12.0, 18.0, 24.0, 36.0, 48.0];

fn default_slope() -> u32 {
    12
}

// The signature is serde's.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_default_slope(slope: &u32) -> bool {
    *slope == default_slope()
}

fn default_q() -> f64 {
    std::f64::consts::FRAC_1_SQRT_2
}

/// Shape of an [`EqBand`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BandKind {
    /// Boost or cut around a centre.
    Bell,
    /// Boost or cut below a corner.
    LowShelf,
    /// Boost or cut above a corner.
    HighShelf,
    /// Falls below a corner.
    HighPass,
    /// Falls above a corner.
    LowPass,
    /// Treble against bass, around a pivot.
    Tilt,
    /// Silence at a centre.
    Notch,
}

/// What an [`EqBand`] works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BandChannel {
    /// Left and right alike.
    #[default]
    Stereo,
    /// `(left + right) / 2`.
    Mid,
    /// `(left - right) / 2`.
    Side,
    /// The left channel alone.
    Left,
    /// The right channel alone.
    Right,
}

parameters!(EqBand {
    frequency_hz: ToRate(10.0, 0.49),
    gain_db: Within(-24.0, 24.0),
    q: Within(0.1, 20.0),
    slope_db_per_octave: OneOf(&SLOPES_DB_PER_OCTAVE),
});

impl EqBand {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        let band =
            if self.name.is_empty() { format!("at {} Hz", self.frequency_hz) } else { format!("{:?}", self.name) };
        self.check(&format!("eq band {band}"), Some(sample_rate_hz))
    }

    /// The analogue sections that this band stands for; none if it changes nothing.
    pub fn prototypes(&self) -> Vec<Prototype> {
        let &Self { kind, frequency_hz, gain_db, q, .. } = self;
        match kind {
            BandKind::Bell | BandKind::LowShelf | BandKind::HighShelf | BandKind::Tilt if gain_db == 0.0 => Vec::new(),
            BandKind::Bell => vec![Prototype::bell(frequency_hz, gain_db, q)],
            BandKind::LowShelf => vec![Prototype::low_shelf(frequency_hz, gain_db, q)],
            BandKind::HighShelf => vec![Prototype::high_shelf(frequency_hz, gain_db, q)],
            BandKind::Tilt => vec![Prototype::tilt(frequency_hz, gain_db)],
            BandKind::Notch => vec![Prototype::notch(frequency_hz, q)],
            BandKind::HighPass => self.pass(Prototype::high_pass_first_order, Prototype::high_pass),
            BandKind::LowPass => self.pass(Prototype::low_pass_first_order, Prototype::low_pass),
        }
    }

    fn pass(&self, first: fn(f64) -> Prototype, second: fn(f64, f64) -> Prototype) -> Vec<Prototype> {
        let order = self.slope_db_per_octave / 6;
        if order == 2 {
            return vec![second(self.frequency_hz, self.q)];
        }
        let odd = (order % 2 == 1).then(|| first(self.frequency_hz));
        // Butterworth's pole pairs lie evenly on a half circle.
        let pairs = (0..order / 2).map(|pair| {
            let angle = std::f64::consts::PI * f64::from(2 * pair + 1 + order % 2) / f64::from(2 * order);
            second(self.frequency_hz, 0.5 / angle.cos())
        });
        odd.into_iter().chain(pairs).collect()
    }

    /// The digital sections that realise this band.
    pub fn sections(&self, sample_rate_hz: u32) -> Vec<Coefficients> {
        let &Self { kind, frequency_hz, gain_db, q, .. } = self;
        let prototypes = self.prototypes();
        let share = 0.5 / prototypes.len() as f64;
        let realise = |prototype: Prototype| {
            let plain = match kind {
                BandKind::Bell => Some(Coefficients::bell(frequency_hz, gain_db, q, sample_rate_hz)),
                BandKind::LowShelf => Some(Coefficients::low_shelf(frequency_hz, gain_db, q, sample_rate_hz)),
                BandKind::HighShelf => Some(Coefficients::high_shelf(frequency_hz, gain_db, q, sample_rate_hz)),
                BandKind::HighPass | BandKind::LowPass if prototype.denominator[0] != 0.0 => {
                    let q = 1.0 / prototype.denominator[1];
                    Some(if kind == BandKind::HighPass {
                        Coefficients::high_pass(frequency_hz, q, sample_rate_hz)
                    } else {
                        Coefficients::low_pass(frequency_hz, q, sample_rate_hz)
                    })
                }
                _ => None,
            };
            match plain.filter(|plain| prototype.is_met_by(plain, sample_rate_hz, share)) {
                Some(plain) => [plain, Coefficients::IDENTITY],
                None => prototype.sections(sample_rate_hz),
            }
        };
        let sections = prototypes.into_iter().flat_map(realise);
        sections.filter(|section| *section != Coefficients::IDENTITY).collect()
    }

    /// Gain in dB of the analogue prototype at a frequency: what the sections follow.
    pub fn gain_db_at(&self, frequency_hz: f64) -> f64 {
        power_to_db(self.prototypes().iter().map(|prototype| prototype.power_at(frequency_hz)).product())
    }
}

/// Gain of several bands together at a frequency, in dB, for one part of the stereo signal.
pub fn response_db(bands: &[EqBand], channel: BandChannel, frequency_hz: f64, sample_rate_hz: u32) -> f64 {
    bands
        .iter()
        .filter(|band| band.channel == channel || band.channel == BandChannel::Stereo)
        .flat_map(|band| band.sections(sample_rate_hz))
        .map(|section| section.gain_db_at(frequency_hz, sample_rate_hz))
        .sum()
}

/// The equaliser: all bands in series, those of both channels first, then mid and side, then left and right. Minimum
/// phase, no latency.
#[derive(Debug, Clone)]
pub struct Equalizer {
    sample_rate_hz: u32,
    stereo: Cascade,
    mid_side: Option<[Cascade; 2]>,
    left_right: Option<[Cascade; 2]>,
}

impl Equalizer {
    /// An equaliser at rest, from validated bands.
    pub fn new(bands: &[EqBand], sample_rate_hz: u32) -> Self {
        let cascade = |channel| {
            let chosen = bands.iter().filter(|band| band.channel == channel);
            Cascade::new(chosen.flat_map(|band| band.sections(sample_rate_hz)))
        };
        let pair = |channels: [BandChannel; 2]| {
            let pair = channels.map(cascade);
            pair.iter().any(|cascade| !cascade.is_identity()).then_some(pair)
        };
        Self {
            sample_rate_hz,
            stereo: cascade(BandChannel::Stereo),
            mid_side: pair([BandChannel::Mid, BandChannel::Side]),
            left_right: pair([BandChannel::Left, BandChannel::Right]),
        }
    }

    /// Brings the equaliser to the state in which it would be had a constant gone in for ever: a programme that is off centre
    /// begins without a step then.
    pub fn settle_on(&mut self, constant: Frame) {
        let [left, right] = self.stereo.settle_on(constant);
        let mut decoded = [left, right];
        if let Some([mid, side]) = &mut self.mid_side {
            let mid = mid.settle_on([0.5 * (left + right), 0.0])[0];
            let side = side.settle_on([0.0, 0.5 * (left - right)])[1];
            decoded = [mid + side, mid - side];
        }
        if let Some([left, right]) = &mut self.left_right {
            left.settle_on([decoded[0], 0.0]);
            right.settle_on([0.0, decoded[1]]);
        }
    }
}

impl Processor for Equalizer {
    fn process(&mut self, frames: &mut [Frame]) {
        self.stereo.process(frames);
        if let Some(cascades) = &mut self.mid_side {
            apart(cascades, frames, |[l, r]| [0.5 * (l + r), 0.5 * (l - r)], |[m, s]| [m + s, m - s]);
        }
        if let Some(cascades) = &mut self.left_right {
            apart(cascades, frames, |frame| frame, |frame| frame);
        }
    }

    fn reset(&mut self) {
        let pairs = [&mut self.mid_side, &mut self.left_right].into_iter().flatten().flatten();
        std::iter::once(&mut self.stereo).chain(pairs).for_each(Cascade::reset);
    }
}

/// Runs a cascade over each channel of an encoded signal. A cascade filters both of its channels with the same
/// sections, so each takes a pass over a small piece of the block, which stays in the cache.
fn apart(
    [first, second]: &mut [Cascade; 2],
    frames: &mut [Frame],
    encode: impl Fn(Frame) -> Frame,
    decode: impl Fn(Frame) -> Frame,
) {
    let mut other = [[0.0; 2]; 128];
    for piece in frames.chunks_mut(128) {
        let other = &mut other[..piece.len()];
        for (frame, other) in piece.iter_mut().zip(other.iter_mut()) {
            let [one, two] = encode(*frame);
            *frame = [one, 0.0];
            *other = [0.0, two];
        }
        first.process(piece);
        second.process(other);
        for (frame, other) in piece.iter_mut().zip(other.iter()) {
            *frame = decode([frame[0], other[1]]);
        }
    }
}

/// Sections have settled on a tone when their own ringing is that much weaker than at first: it comes out within 0.1 dB.
const SETTLED_RATIO: f64 = 100.0;
/// What rings longer, the narrowest boosts below 40 Hz, is not waited for: a change has to be heard some time.
const LONGEST_SETTLE_S: f64 = 1.0;

impl Retune for Equalizer {
    type Settings = [EqBand];

    fn retuned(&self, bands: &[EqBand]) -> Self {
        Self::new(bands, self.sample_rate_hz)
    }

    fn settle_frames(&self) -> usize {
        let pairs = [&self.mid_side, &self.left_right].into_iter().flatten().flatten();
        let decays = std::iter::once(&self.stereo).chain(pairs).map(|cascade| cascade.decay_frames(SETTLED_RATIO));
        decays.fold(0.0, f64::max).min(LONGEST_SETTLE_S * f64::from(self.sample_rate_hz)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::smooth::Smooth;
    use crate::dsp::testing::{Noise, check_promises, noise, sine};

    fn band(channel: BandChannel, gain_db: f64) -> EqBand {
        EqBand {
            name: "test".into(),
            kind: BandKind::Bell,
            channel,
            frequency_hz: 1000.0,
            gain_db,
            q: 1.0,
            ..EqBand::default()
        }
    }

    #[test]
    fn zero_gain_is_bit_transparent() {
        let input = noise(1000, 1);
        let mut output = input.clone();
        Equalizer::new(&[band(BandChannel::Stereo, 0.0), band(BandChannel::Side, 0.0)], 48_000).process(&mut output);
        assert_eq!(input, output);
    }

    #[test]
    fn a_tone_in_a_narrow_low_band_does_not_dip_when_the_band_changes() {
        let rate = 8000;
        for channel in [BandChannel::Stereo, BandChannel::Left] {
            let narrow = |gain_db| [EqBand { frequency_hz: 40.0, q: 10.0, gain_db, channel, ..EqBand::default() }];
            let mut frames = sine(32_000, 40.0 / f64::from(rate), 0.1);
            let (before, after) = frames.split_at_mut(16_000);
            let mut smooth = Smooth::new(Equalizer::new(&narrow(12.0), rate), rate);
            smooth.process(before);
            smooth.set(&narrow(11.0)).expect("no latency");
            smooth.process(after);
            // Period by period, from 12 to 11 dB.
            let levels_db = frames[12_000..].chunks(200).map(|period| {
                power_to_db(period.iter().map(|frame| frame[0] * frame[0]).sum::<f64>() / 200.0 / (0.5 * 0.1 * 0.1))
            });
            for (period, level_db) in levels_db.enumerate() {
                assert!((10.9..12.1).contains(&level_db), "{channel:?}, {period}: {level_db}");
            }
        }
    }

    #[test]
    fn a_side_band_leaves_the_mid_alone() {
        let input = noise(2000, 1);
        let mut output = input.clone();
        Equalizer::new(&[band(BandChannel::Side, 9.0)], 48_000).process(&mut output);
        let mid = |f: &Frame| f[0] + f[1];
        assert!(input.iter().zip(&output).all(|(a, b)| (mid(a) - mid(b)).abs() < 1e-14));
        assert!(input.iter().zip(&output).any(|(a, b)| ((a[0] - a[1]) - (b[0] - b[1])).abs() > 0.1));
    }

    #[test]
    fn out_of_range_settings_are_named() {
        let error = EqBand { frequency_hz: 30_000.0, ..band(BandChannel::Mid, 1.0) }.validate(48_000).unwrap_err();
        assert!(error.to_string().contains("frequency_hz") && error.to_string().contains("23520"), "{error}");
        assert!(EqBand { gain_db: f64::NAN, ..band(BandChannel::Mid, 1.0) }.validate(48_000).is_err());
    }

    /// Worst error against the analogue curve to 10, to 16 and to 20 kHz, dB, wherever it is above -80 dB.
    fn worst_errors_db(band: &EqBand, rate: u32) -> [f64; 3] {
        let sections = band.sections(rate);
        let mut worst = [0.0f64; 3];
        for step in 0..=300 {
            let hz = 20.0 * 1000f64.powf(f64::from(step) / 300.0);
            let expected_db = band.gain_db_at(hz);
            if expected_db > -80.0 {
                let gain_db: f64 = sections.iter().map(|section| section.gain_db_at(hz, rate)).sum();
                let range = if hz <= 10e3 {
                    0
                } else if hz <= 16e3 {
                    1
                } else {
                    2
                };
                worst[range] = worst[range].max((gain_db - expected_db).abs());
            }
        }
        worst
    }

    fn grid() -> Vec<EqBand> {
        let mut bands = Vec::new();
        for frequency_hz in (0..=45).map(|k| 20.0 * 1000f64.powf(f64::from(k) / 45.0)) {
            for kind in [BandKind::Bell, BandKind::LowShelf, BandKind::HighShelf] {
                for q in [0.1, 0.3, 0.5, 0.707, 1.0, 1.5, 2.0, 3.0, 4.0] {
                    for gain_db in [-12.0, -6.0, -2.0, -0.3, 1.0, 4.0, 9.0, 12.0] {
                        bands.push(EqBand { kind, frequency_hz, gain_db, q, ..EqBand::default() });
                    }
                }
            }
            for gain_db in [-12.0, -3.0, 6.0, 12.0] {
                bands.push(EqBand { kind: BandKind::Tilt, frequency_hz, gain_db, ..EqBand::default() });
            }
            for kind in [BandKind::HighPass, BandKind::LowPass] {
                for slope_db_per_octave in SLOPES_DB_PER_OCTAVE.map(|slope| slope as u32) {
                    bands.push(EqBand { kind, frequency_hz, slope_db_per_octave, ..EqBand::default() });
                }
            }
        }
        bands
    }

    #[test]
    fn every_band_follows_its_analogue_curve_to_20_khz() {
        for (rate, limits) in [(44_100, [0.1, 0.3, 0.6]), (48_000, [0.1, 0.3, 0.6]), (88_200, [0.05; 3])] {
            let mut worst = [0.0f64; 3];
            for band in grid() {
                let errors = worst_errors_db(&band, rate);
                assert!(
                    errors.iter().zip(limits).all(|(error, limit)| *error < limit),
                    "{band:?} at {rate}: {errors:?}"
                );
                worst = std::array::from_fn(|k| worst[k].max(errors[k]));
            }
            println!("{rate} Hz: {worst:?}");
        }
    }

    #[test]
    fn steep_passes_are_butterworth() {
        for slope_db_per_octave in SLOPES_DB_PER_OCTAVE.map(|slope| slope as u32) {
            for kind in [BandKind::HighPass, BandKind::LowPass] {
                let band = EqBand { kind, slope_db_per_octave, ..EqBand::default() };
                for hz in [125.0f64, 500.0, 1000.0, 2000.0, 8000.0] {
                    let ratio = if kind == BandKind::LowPass { hz / 1000.0 } else { 1000.0 / hz };
                    let expected_db = -power_to_db(1.0 + ratio.powi(slope_db_per_octave as i32 / 3));
                    assert!((band.gain_db_at(hz) - expected_db).abs() < 1e-9, "{band:?} at {hz}");
                }
            }
        }
    }

    #[test]
    fn a_left_band_leaves_the_right_alone() {
        let input = noise(2000, 1);
        let mut output = input.clone();
        Equalizer::new(&[band(BandChannel::Left, 9.0)], 48_000).process(&mut output);
        assert!(input.iter().zip(&output).all(|(a, b)| a[1] == b[1]));
        let mut both = input;
        Equalizer::new(&[band(BandChannel::Stereo, 9.0)], 48_000).process(&mut both);
        assert!(both.iter().zip(&output).all(|(a, b)| a[0] == b[0]));
    }

    #[test]
    fn blocks_do_not_matter_on_any_channel() {
        use BandChannel::{Left, Mid, Right, Side, Stereo};
        let bands = [Stereo, Mid, Side, Left, Right].map(|channel| EqBand { frequency_hz: 12e3, ..band(channel, 5.0) });
        let (mut whole, mut parts) = (noise(3000, 1), noise(3000, 1));
        Equalizer::new(&bands, 44_100).process(&mut whole);
        let mut equalizer = Equalizer::new(&bands, 44_100);
        parts.chunks_mut(97).for_each(|block| equalizer.process(block));
        assert_eq!(whole, parts);
    }

    #[test]
    fn any_settings_in_range_stay_finite() {
        let kinds = [
            BandKind::Bell,
            BandKind::LowShelf,
            BandKind::HighShelf,
            BandKind::HighPass,
            BandKind::LowPass,
            BandKind::Tilt,
            BandKind::Notch,
        ];
        let mut random = Noise(1);
        let mut next = |low: f64, high: f64| low * (high / low).powf(random.ratio());
        for step in 0..700 {
            let band = EqBand {
                kind: kinds[step % 7],
                frequency_hz: next(10.0, 21_600.0),
                gain_db: next(1.0, 49.0) - 25.0,
                q: next(0.1, 20.0),
                slope_db_per_octave: SLOPES_DB_PER_OCTAVE[step % 6] as u32,
                ..EqBand::default()
            };
            let mut frames = noise(2000, 1);
            frames.extend([[1e-310, -1e-308]; 500]);
            Equalizer::new(std::slice::from_ref(&band), 44_100).process(&mut frames);
            assert!(frames.iter().flatten().all(|x| x.abs() < 1e3), "{band:?}");
        }
    }

    #[test]
    fn the_common_promises_hold() {
        use BandChannel::{Left, Mid, Right, Side, Stereo};
        let bands = [Stereo, Mid, Side, Left, Right].map(|channel| band(channel, 6.0));
        for rate_hz in [8_000, 44_100, 384_000] {
            check_promises(&Equalizer::new(&bands, rate_hz), 30.0);
        }
    }
}
