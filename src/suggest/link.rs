//! Whether a reference's channels were turned down together or each by itself.
//!
//! A limiter that works on each channel betrays itself at the ceiling (`measure::coincidence`). Where a reference hardly touches it,
//! a mix of the same song tells as well: each channel's compressor takes more from whichever is louder, so that the two stay nearer
//! to each other over time than they do in the mix, more than a change of width explains. On pairs of the same song, of the validation
//! packages, that is so by 0.6 nepers or more for 15 of 18 masters behind an unlinked chain, and for one of 14 behind a linked one.
//! Another song that hardly touches its ceiling tells nothing.

use super::registration::SAME_SONG_RATIO;
use crate::measure::Measurement;
use crate::measure::dynamics::LevelSlot;
use crate::statistics::{mean, median};

/// From here on, channels that stand at the ceiling together tell of a limiter that worked on each by itself; under the second, of one
/// that turned both down. On 28 pairs behind ffmpeg's linked compressor and limiter, of the validation packages, it is at most 1.08 but
/// for one; on 76 behind pedalboard's unlinked ones it is over 1.7 for 61, not known for 8, and over 1.1 for all but one of the rest.
const APART_RATIO: f64 = 1.7;
const TOGETHER_RATIO: f64 = 1.1;
/// How much nearer the channels have come to each other, nepers.
const EVENED_NP: f64 = 0.6;
/// Slots that are quieter than this share of the mean don't count, nor what the channels differ by beyond this, dB.
const LOUD_SHARE: f64 = 0.1;
const MOST_DB: f64 = 10.0;
/// A decibel in nepers.
const NP_PER_DB: f64 = std::f64::consts::LN_10 / 20.0;

/// How a chain compressed and limited both channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Both by the louder one.
    Together,
    /// Each by itself.
    Apart,
    /// Nothing tells.
    Unknown,
}

impl Link {
    /// The chain of a reference.
    pub(super) fn of(mix: &Measurement, reference: &Measurement, likeness_ratio: f64) -> Self {
        let at_the_ceiling = reference.levels.coincidence_ratio;
        if at_the_ceiling.is_some_and(|ratio| ratio > APART_RATIO) {
            return Self::Apart;
        }
        let is_same_song = likeness_ratio >= SAME_SONG_RATIO;
        match is_same_song.then(|| evened_np(mix, reference)).flatten() {
            Some(np) if np > EVENED_NP => Self::Apart,
            Some(_) => Self::Together,
            None if at_the_ceiling.is_some_and(|ratio| ratio < TOGETHER_RATIO) => Self::Together,
            None => Self::Unknown,
        }
    }

    /// What more than half of several say.
    pub(super) fn of_most(links: &[Self]) -> Self {
        let is_most = |wanted: Self| 2 * links.iter().filter(|&&link| link == wanted).count() > links.len();
        [Self::Together, Self::Apart].into_iter().find(|&link| is_most(link)).unwrap_or(Self::Unknown)
    }
}

/// How much nearer to each other the reference's channels stay than the mix's, beyond what its width explains.
fn evened_np(mix: &Measurement, reference: &Measurement) -> Option<f64> {
    let width_db = |of: &Measurement| of.levels.whole().width_db();
    let wider_np = NP_PER_DB * (width_db(reference)? - width_db(mix)?);
    Some(wider_np - (sway_db(reference)? / sway_db(mix)?).ln()).filter(|np| np.is_finite())
}

/// Mean deviation of the balance of 100 ms from its median, over the loud ones.
fn sway_db(programme: &Measurement) -> Option<f64> {
    let slots = &programme.levels.slots;
    let loud = LOUD_SHARE * programme.levels.whole().mean_square();
    let balances: Vec<f64> =
        slots.iter().filter(|slot| slot.mean_square() > loud).filter_map(LevelSlot::balance_db).collect();
    let middle_db = median(balances.clone())?;
    mean(balances.iter().map(|db| (db - middle_db).abs().min(MOST_DB)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::measure::Meter;

    /// Hits that go from side to side over a steady middle; the louder channel is turned down by a share of what it is louder by.
    fn programme(share: f64) -> Measurement {
        let mut audio = AudioBuffer::new(48_000);
        let tone = |n: usize, hz: f64| (std::f64::consts::TAU * hz * n as f64 / 48_000.0).sin();
        for n in 0..480_000 {
            let pan = tone(n, 0.7);
            let (left, right) = (0.2 * 3f64.powf(pan), 0.2 * 3f64.powf(-pan));
            let gain = |own: f64, other: f64| (own / other).max(1.0).powf(-share);
            let (middle, side) = (tone(n, 440.0), 0.5 * tone(n, 617.0));
            let of = |own: f64, other: f64, x: f64| (gain(own, other) * own * x) as f32;
            audio.push(of(left, right, middle + side), of(right, left, middle - side));
        }
        let mut meter = Meter::new(48_000);
        meter.push(&audio);
        meter.finish()
    }

    #[test]
    fn channels_that_were_compressed_apart_stay_nearer_to_each_other() {
        let (mix, linked, apart) = (programme(0.0), programme(0.0), programme(0.75));
        assert_eq!(Link::of(&mix, &linked, 1.0), Link::Together);
        assert_eq!(Link::of(&mix, &apart, 1.0), Link::Apart);
        // Both sway, and neither stands at a ceiling.
        assert_eq!(Link::of(&mix, &apart, 0.1), Link::Unknown, "another song's balance tells nothing");
    }

    #[test]
    fn the_ceiling_of_another_song_tells_as_far_as_it_was_reached() {
        let (mix, mut reference) = (programme(0.0), programme(0.0));
        for (ratio, expected) in
            [(Some(0.4), Link::Together), (Some(1.4), Link::Unknown), (Some(3.0), Link::Apart), (None, Link::Unknown)]
        {
            reference.levels.coincidence_ratio = ratio;
            assert_eq!(Link::of(&mix, &reference, 0.1), expected, "{ratio:?}");
        }
    }

    #[test]
    fn of_several_more_than_half_have_to_agree() {
        use Link::{Apart, Together, Unknown};
        assert_eq!(Link::of_most(&[Apart, Apart, Together]), Apart);
        assert_eq!(Link::of_most(&[Together]), Together);
        assert_eq!(Link::of_most(&[Apart, Together]), Unknown);
        assert_eq!(Link::of_most(&[Apart, Unknown, Together]), Unknown);
    }
}
