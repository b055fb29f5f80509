//! How far equaliser and side gain move the stereo image of a mix, told by the third octaves of its loud parts. Levelling and
//! limiting move it too, by how much is known only afterwards.

use super::quantity::WIDTH_HZ;
use crate::dsp::eq::{BandChannel, EqBand, response_db};
use crate::measure::Measurement;
use crate::measure::analysis::Image;
use crate::measure::k_weighting::KWeighting;
use crate::units::db_to_power;

/// What settings add to a stereo image. `None` where there is nothing to be moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ImageChange {
    /// To the width, as [`super::Quantity::Width`] has it, dB.
    pub(crate) width_db: Option<f64>,
    /// To the balance, K-weighted power of the left over the right channel, dB.
    pub(crate) balance_db: Option<f64>,
}

impl ImageChange {
    /// That of an equaliser and a gain of the side.
    pub(crate) fn of(mix: &Measurement, eq: &[EqBand], side_gain_db: f64) -> Self {
        let (before, after) = (Behind::new(mix, &[], 0.0), Behind::new(mix, eq, side_gain_db));
        let change_db = |of: fn(&Behind) -> Option<f64>| Some(of(&after)? - of(&before)?);
        Self {
            width_db: change_db(|behind| behind.width.width_db()),
            balance_db: change_db(|behind| behind.heard.balance_db()),
        }
    }
}

/// What the loud parts are behind settings.
struct Behind {
    /// Where width is told.
    width: Image,
    /// K-weighted.
    heard: Image,
}

impl Behind {
    /// An equaliser and a gain of the side.
    fn new(mix: &Measurement, eq: &[EqBand], side_gain_db: f64) -> Self {
        let rate_hz = mix.sample_rate_hz;
        let weighting = KWeighting::new(rate_hz);
        let mut behind = Self { width: Image::SILENT, heard: Image::SILENT };
        for (hz, band) in mix.loud_bands() {
            let mid_db = response_db(eq, BandChannel::Mid, hz, rate_hz);
            let side_db = response_db(eq, BandChannel::Side, hz, rate_hz) + side_gain_db;
            let image = Image {
                mid: f64::from(band.mid) * db_to_power(mid_db),
                side: f64::from(band.side) * db_to_power(side_db),
                // But for bands on the mid or the side alone, whose phases don't count here, both are turned alike.
                cross: f64::from(band.cross) * db_to_power(0.5 * (mid_db + side_db)),
            };
            if WIDTH_HZ.contains(&hz) {
                behind.width.add(image, 1.0);
            }
            behind.heard.add(image, db_to_power(weighting.gain_db_at(hz, f64::from(rate_hz))));
        }
        behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::dsp::testing::Noise;
    use crate::measure::Meter;

    fn measured(frame: impl FnMut(usize) -> [f64; 2]) -> Measurement {
        let mut audio = AudioBuffer::new(48_000);
        (0..96_000).map(frame).for_each(|[left, right]| audio.push(left as f32, right as f32));
        let mut meter = Meter::new(48_000);
        meter.push(&audio);
        meter.finish()
    }

    /// A middle at 500 Hz and a side at 2 kHz, each with its gain.
    fn tones(mid: f64, side: f64) -> Measurement {
        let tone = |n: usize, hz: f64| (std::f64::consts::TAU * hz * n as f64 / 48_000.0).sin();
        measured(|n| {
            let (mid, side) = (mid * tone(n, 500.0), side * tone(n, 2000.0));
            [mid + side, mid - side]
        })
    }

    #[test]
    fn an_equaliser_widens_where_it_lifts_what_lies_in_the_side() {
        let mix = tones(0.2, 0.05);
        let bell = EqBand { frequency_hz: 2000.0, gain_db: 6.0, q: 2.0, ..EqBand::default() };
        let gain_db = |hz: f64| response_db(std::slice::from_ref(&bell), BandChannel::Stereo, hz, 48_000);
        let expected_db = gain_db(2000.0) - gain_db(500.0) + 1.5;
        let width_db = ImageChange::of(&mix, std::slice::from_ref(&bell), 1.5).width_db.expect("both are there");
        assert!((width_db - expected_db).abs() < 0.1, "{width_db}, {expected_db} dB");
        let of_side = EqBand { channel: BandChannel::Side, ..bell };
        let width_db = ImageChange::of(&mix, &[of_side], 0.0).width_db.expect("both are there");
        assert!((width_db - 6.0).abs() < 0.1, "{width_db} dB");
    }

    #[test]
    fn a_side_that_is_turned_down_takes_the_balance_with_it() {
        let (mut own, mut other) = (Noise(7), Noise(8));
        let leaning = measured(|_| [0.3 * own.next(), 0.15 * other.next()]);
        let balance_db = leaning.loudness.balance_db().expect("both are there");
        let change = ImageChange::of(&leaning, &[], -60.0);
        assert!(change.balance_db.is_some_and(|db| (db + balance_db).abs() < 0.2), "{change:?}, {balance_db} dB");
        let none = ImageChange { width_db: Some(0.0), balance_db: Some(0.0) };
        assert_eq!(ImageChange::of(&leaning, &[], 0.0), none);
    }

    #[test]
    fn what_is_mono_has_no_width_to_be_moved() {
        let change = ImageChange::of(&tones(0.2, 0.0), &[], 3.0);
        assert_eq!(change.width_db, None);
        assert!(change.balance_db.is_some_and(|db| db.abs() < 1e-6), "{change:?}");
    }
}
