//! Parametric equaliser: named bands, each on both channels, on the mid or on the side.

use serde::{Deserialize, Serialize};

use super::Frame;
use super::biquad::{Cascade, Coefficients};
use crate::error::{Error, Result};

/// One band of the equaliser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EqBand {
    /// What the band is for, in a word or two: "mud", "air". Only shown, never used.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Shape of the band.
    pub kind: BandKind,
    /// Which part of the stereo signal it works on. Default: stereo.
    #[serde(default)]
    pub channel: BandChannel,
    /// Centre or corner, 10 Hz to 0.49 of the sample rate.
    pub frequency_hz: f64,
    /// Boost or cut, -24 to 24 dB. Not used by a high-pass. Default: 0.
    #[serde(default)]
    pub gain_db: f64,
    /// Quality, 0.1 to 20. Default: 0.707.
    #[serde(default = "default_q")]
    pub q: f64,
}

fn default_q() -> f64 {
    std::f64::consts::FRAC_1_SQRT_2
}

/// Shape of an [`EqBand`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BandKind {
    /// Boost or cut around a centre.
    Bell,
    /// Boost or cut below a corner.
    LowShelf,
    /// Boost or cut above a corner.
    HighShelf,
    /// 12 dB per octave below a corner.
    HighPass,
}

/// What an [`EqBand`] works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BandChannel {
    /// Left and right alike.
    #[default]
    Stereo,
    /// `(left + right) / 2`.
    Mid,
    /// `(left - right) / 2`.
    Side,
}

impl EqBand {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first field out of range.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        let highest_hz = 0.49 * f64::from(sample_rate_hz);
        let complain =
            |field: &str, reason: String| Err(Error::setting(format!("eq band {:?}, {field}", self.name), reason));
        if !(10.0..=highest_hz).contains(&self.frequency_hz) {
            return complain("frequency_hz", format!("{} is outside 10 to {highest_hz:.0} Hz", self.frequency_hz));
        }
        if !(-24.0..=24.0).contains(&self.gain_db) {
            return complain("gain_db", format!("{} is outside -24 to 24 dB", self.gain_db));
        }
        if !(0.1..=20.0).contains(&self.q) {
            return complain("q", format!("{} is outside 0.1 to 20", self.q));
        }
        Ok(())
    }

    /// The section that realises this band.
    pub fn coefficients(&self, sample_rate_hz: u32) -> Coefficients {
        match self.kind {
            BandKind::Bell => Coefficients::bell(self.frequency_hz, self.gain_db, self.q, sample_rate_hz),
            BandKind::LowShelf => Coefficients::low_shelf(self.frequency_hz, self.gain_db, self.q, sample_rate_hz),
            BandKind::HighShelf => Coefficients::high_shelf(self.frequency_hz, self.gain_db, self.q, sample_rate_hz),
            BandKind::HighPass => Coefficients::high_pass(self.frequency_hz, self.q, sample_rate_hz),
        }
    }
}

/// Gain of several bands together at a frequency, in dB, for one part of the stereo signal.
pub fn response_db(bands: &[EqBand], channel: BandChannel, frequency_hz: f64, sample_rate_hz: u32) -> f64 {
    bands
        .iter()
        .filter(|band| band.channel == channel || band.channel == BandChannel::Stereo)
        .map(|band| band.coefficients(sample_rate_hz).gain_db_at(frequency_hz, sample_rate_hz))
        .sum()
}

/// The equaliser: all bands in series. Minimum phase, no latency.
#[derive(Debug, Clone)]
pub struct Equalizer {
    stereo: Cascade,
    mid_side: Option<MidSide>,
}

#[derive(Debug, Clone)]
struct MidSide {
    mid: Cascade,
    side: Cascade,
}

impl Equalizer {
    /// An equaliser at rest, from validated bands.
    pub fn new(bands: &[EqBand], sample_rate_hz: u32) -> Self {
        let cascade = |channel| {
            let chosen = bands.iter().filter(|band| band.channel == channel);
            Cascade::new(chosen.map(|band| band.coefficients(sample_rate_hz)))
        };
        let (mid, side) = (cascade(BandChannel::Mid), cascade(BandChannel::Side));
        let mid_side = (!mid.is_identity() || !side.is_identity()).then_some(MidSide { mid, side });
        Self { stereo: cascade(BandChannel::Stereo), mid_side }
    }

    /// Equalises a block in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        self.stereo.process(frames);
        if let Some(MidSide { mid, side }) = &mut self.mid_side {
            // A cascade filters both of its channels with the same sections, so mid and side each take a pass over a
            // small piece of the block, which stays in the cache.
            let mut other = [[0.0; 2]; 128];
            for piece in frames.chunks_mut(128) {
                let other = &mut other[..piece.len()];
                for (frame, other) in piece.iter_mut().zip(other.iter_mut()) {
                    let [l, r] = *frame;
                    *frame = [0.5 * (l + r), 0.0];
                    *other = [0.0, 0.5 * (l - r)];
                }
                mid.process(piece);
                side.process(other);
                for (frame, other) in piece.iter_mut().zip(other.iter()) {
                    *frame = [frame[0] + other[1], frame[0] - other[1]];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(channel: BandChannel, gain_db: f64) -> EqBand {
        EqBand { name: "test".into(), kind: BandKind::Bell, channel, frequency_hz: 1000.0, gain_db, q: 1.0 }
    }

    fn noise(frames: usize) -> Vec<Frame> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state) / f64::from(u32::MAX) - 0.5
        };
        (0..frames).map(|_| [next(), next()]).collect()
    }

    #[test]
    fn zero_gain_is_bit_transparent() {
        let input = noise(1000);
        let mut output = input.clone();
        Equalizer::new(&[band(BandChannel::Stereo, 0.0), band(BandChannel::Side, 0.0)], 48_000).process(&mut output);
        assert_eq!(input, output);
    }

    #[test]
    fn a_side_band_leaves_the_mid_alone() {
        let input = noise(2000);
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
}
