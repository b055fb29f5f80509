//! Whether a reference's channels were turned down together or each by itself.
//!
//! A limiter that works on each channel betrays itself at the ceiling (`measure::coincidence`). Where a reference hardly touches it,
//! a mix of the same song tells as well: each channel's compressor takes more from whichever is louder, so that the two stay nearer
//! to each other over time than they do in the mix, more than a change of width explains. On pairs of the same song, of the validation
//! packages, that is so by 0.6 nepers or more for 15 of 18 masters behind an unlinked chain, and for one of 14 behind a linked one.

use super::registration::SAME_SONG_RATIO;
use crate::measure::Measurement;
use crate::measure::dynamics::LevelSlot;
use crate::statistics::{mean, median};

/// From here on, channels that stand at the ceiling together tell of a limiter that worked on each by itself.
const COINCIDENCE_RATIO: f64 = 1.7;
/// How much nearer the channels have come to each other, nepers.
const EVENED_NP: f64 = 0.6;
/// Slots that are quieter than this share of the mean don't count, nor what the channels differ by beyond this, dB.
const LOUD_SHARE: f64 = 0.1;
const MOST_DB: f64 = 10.0;
/// A decibel in nepers.
const NP_PER_DB: f64 = std::f64::consts::LN_10 / 20.0;

/// Whether each channel of the reference was limited or compressed by itself.
pub(super) fn is_unlinked(mix: &Measurement, reference: &Measurement, likeness_ratio: f64) -> bool {
    let at_the_ceiling = || reference.levels.coincidence_ratio.is_some_and(|ratio| ratio > COINCIDENCE_RATIO);
    let over_time = || likeness_ratio >= SAME_SONG_RATIO && evened_np(mix, reference).is_some_and(|np| np > EVENED_NP);
    at_the_ceiling() || over_time()
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
        assert!(!is_unlinked(&mix, &linked, 1.0));
        assert!(is_unlinked(&mix, &apart, 1.0));
        assert!(!is_unlinked(&mix, &apart, 0.1), "another song's balance tells nothing");
    }
}
