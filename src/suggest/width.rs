//! Which width to aim for.
//!
//! How wide each band is belongs to the arrangement; how wide all of them are, to the master. So one change is sought
//! for all bands: where mix and reference are alike, the median of what matched frames differ by, otherwise a quarter of the
//! difference in the middle of the spectrum. (Error over third octaves on the pairs described in
//! `registration::likeness`: 1.58 dB on the same song, 2.86 on another; doing nothing 3.09 and 3.33; band by band it
//! was worse. Half of the difference would do better there, but those mixes were narrowed on purpose.)
//! A change that is the same in all bands needs no crossover either, and crossovers turn phases: with them, masters
//! came out less like the true ones than without any change of width.
//!
//! Who asks for a clone gets the width by which the change is judged afterwards, that of [`Quantity::Width`]: in the median of the
//! bands, bass and air outvote what lies between.

use super::image::ImageChange;
use super::quantity::WIDTH_HZ;
use super::stages::{Standard, explained};
use super::tone::Evidence;
use super::{Quantity, Shares, Suggestion};
use crate::dsp::crossover::BANDS;
use crate::dsp::eq::EqBand;
use crate::dsp::width::WidthSettings;
use crate::measure::Measurement;
use crate::quality::has_dead_channel;
use crate::quality::thresholds::POLARITY_CORRELATION;
use crate::statistics::median;

/// Changes under this are not worth a setting, dB.
const WORTHWHILE_DB: f64 = 0.3;
/// Bounds of the change on another song, dB: narrowing is safe, widening costs mono compatibility. And on the same one, whose
/// own master shows how wide it is meant to be: mixes that are 8 dB too narrow came out nearer to their masters so.
const RANGE_DB: (f64, f64) = (-6.0, 4.0);
const PROVEN_RANGE_DB: (f64, f64) = (-8.0, 8.0);
/// Bounds of the differences that are believed, on the same song and on another one, dB.
const CREDIBLE_DB: (f64, f64) = (9.0, 6.0);
/// Of the difference to another song, the share to take over.
const UNPROVEN_SHARE: f64 = 0.25;
/// Widths are read no lower and no higher than this: what lies under it is mono, over it a side without a middle, dB.
const READ_DB: (f64, f64) = (-40.0, 10.0);

/// The side gain that the rule calls for, dB. `None` where either programme is mono, or the reference is no model.
pub(super) fn rule_db(mix: &Measurement, reference: &Measurement, evidence: &Evidence) -> Option<f64> {
    change(&differences(mix, reference), evidence.matched_width_db(), evidence.likeness_ratio())
}

/// Whether a channel of the reference is upside down, as quality control has it, where the mix's channels agree: a fault that is
/// not copied.
pub(crate) fn is_opposed(mix: &Measurement, reference: &Measurement) -> bool {
    is_upside_down(reference) && !correlation_is_under(mix, 0.0)
}

/// Whether a channel is upside down, as quality control has it: what is the middle then measures as the side.
pub(crate) fn is_upside_down(of: &Measurement) -> bool {
    correlation_is_under(of, POLARITY_CORRELATION)
}

fn correlation_is_under(of: &Measurement, least: f64) -> bool {
    of.levels.whole().correlation().is_some_and(|correlation| correlation < least)
}

/// What has a width to go by: no programme of which one channel alone is silent, as quality control has it. What the other leaves in
/// the side is no width.
fn with_width(of: &Measurement) -> Option<&Measurement> {
    Some(of).filter(|of| !has_dead_channel(&of.loudness))
}

/// Width of each wide band, dB.
pub(super) fn of_bands(of: &Measurement) -> Vec<Option<f64>> {
    with_width(of).map_or_else(|| vec![None; BANDS], |of| of.band_stereo().iter().map(|band| band.width_db).collect())
}

/// Width between two frequencies, dB.
pub(super) fn within(of: &Measurement, low_hz: f64, high_hz: f64) -> Option<f64> {
    with_width(of)?.width_db(low_hz, high_hz)
}

/// How much wider each wide band of the reference is, dB; nothing where the reference is no model.
fn differences(mix: &Measurement, reference: &Measurement) -> Vec<Option<f64>> {
    if is_opposed(mix, reference) {
        return vec![None; BANDS];
    }
    let both = of_bands(mix).into_iter().zip(of_bands(reference));
    both.map(|(mix_db, reference_db)| Some(read_db(reference_db?) - read_db(mix_db?))).collect()
}

fn read_db(width_db: f64) -> f64 {
    width_db.clamp(READ_DB.0, READ_DB.1)
}

/// How much wider the reference is in the middle of all bands, dB. `None` where either programme is mono, or the reference
/// is no model.
pub(super) fn middle_db(mix: &Measurement, reference: &Measurement) -> Option<f64> {
    median(differences(mix, reference).into_iter().flatten().collect())
}

/// The side gain that gives a mix the width of the reference, as [`Quantity::Width`] has it, dB. `None` where either programme is
/// mono there, or the reference is no model.
pub(super) fn whole_db(mix: &Measurement, reference: &Measurement) -> Option<f64> {
    let of = |programme| Quantity::Width.of(programme).map(read_db);
    if is_opposed(mix, reference) { None } else { Some(of(reference)? - of(mix)?) }
}

/// As much of a change of width as may be, dB. The bolder, from 0 to 1, the farther it may go.
pub(super) fn bounded_db(mix: &Measurement, change_db: f64, boldness_ratio: f64) -> f64 {
    let bound = |other: f64, same: f64| other + boldness_ratio * (same - other);
    // On another song's word, a mix whose channels agree is not widened until they work against each other.
    let width_db = mix.levels.whole().width_db();
    let room_db = width_db.map_or(RANGE_DB.1, |width_db| (-width_db).clamp(0.0, RANGE_DB.1));
    change_db.clamp(bound(RANGE_DB.0, PROVEN_RANGE_DB.0), bound(room_db, PROVEN_RANGE_DB.1))
}

/// The setting for a change of width, and why; none for changes not worth one. `eq` is what works beside it, `likeness_ratio` how
/// alike mix and standard are, 0 to 1, and `share` what is taken of `wanted_change_db`.
pub(super) fn suggest(
    mix: &Measurement,
    standard: Standard<'_>,
    eq: &[EqBand],
    wanted_change_db: f64,
    likeness_ratio: f64,
    share: Shares,
) -> Option<(WidthSettings, Suggestion)> {
    // A clone has the width of the reference once the equaliser has had its part in it.
    let by_eq_db = share.whole * ImageChange::of(mix, eq, 0.0).width_db.unwrap_or(0.0);
    let asked_db = wanted_change_db - by_eq_db;
    // Who asks for a clone gets its width too, as if it were the same song's.
    let change_db = bounded_db(mix, asked_db, likeness_ratio.max(share.whole));
    if change_db.abs() < WORTHWHILE_DB {
        return None;
    }
    let settings = WidthSettings { side_gain_db: (change_db * 100.0).round() / 100.0 };
    let (before, wanted) = (Quantity::Width.of(mix), standard.value(Quantity::Width));
    let cause = before.zip(wanted).map_or_else(String::new, |(before, wanted)| {
        let relation = if before < wanted { "narrower" } else { "wider" };
        let (name, whose) = (standard.name(), standard.whose());
        let range = format!("{:.0} to {:.0} Hz", WIDTH_HZ.start, WIDTH_HZ.end);
        let said =
            format!("{relation} than {name}: side over mid from {range} is {before:.1} dB, {whose} {wanted:.1} dB");
        let bounded = if (asked_db - change_db).abs() < WORTHWHILE_DB {
            String::new()
        } else {
            format!("; {asked_db:+.1} dB would be asked for, and {change_db:+.1} dB is as far as it goes")
        };
        let beside_eq = if by_eq_db.abs() < WORTHWHILE_DB {
            String::new()
        } else {
            format!("; the equaliser moves it by {by_eq_db:+.1} dB, which this gain takes into account")
        };
        explained(said, change_db, wanted - before, share) + &beside_eq + &bounded
    });
    let moved_db = ImageChange::of(mix, eq, settings.side_gain_db).width_db;
    let suggestion = Suggestion {
        id: "width".into(),
        setting: format!("side {:+.1} dB", settings.side_gain_db),
        cause,
        quantity: Quantity::Width,
        before,
        predicted: before.zip(moved_db).map(|(before, moved)| before + moved),
    };
    Some((settings, suggestion))
}

/// The change that all bands together call for, dB. `None` where either programme is mono.
fn change(differences: &[Option<f64>], matched_db: Option<f64>, likeness_ratio: f64) -> Option<f64> {
    let known = median(differences.iter().flatten().copied().collect())?;
    let known = matched_db.unwrap_or(known);
    let middle: Vec<f64> = differences[1..3].iter().flatten().copied().collect();
    let middle = middle.iter().sum::<f64>() / middle.len().max(1) as f64;
    let proven = known.clamp(-CREDIBLE_DB.0, CREDIBLE_DB.0);
    let unproven = UNPROVEN_SHARE * middle.clamp(-CREDIBLE_DB.1, CREDIBLE_DB.1);
    Some(likeness_ratio * proven + (1.0 - likeness_ratio) * unproven)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::dsp::testing::Noise;
    use crate::measure::Meter;

    #[test]
    fn a_soft_programme_has_a_width_and_a_dead_channel_leaves_none() {
        let width_db = |right_level: f32| {
            let (mut own, mut other) = (Noise(7), Noise(8));
            let mut audio = AudioBuffer::new(44_100);
            (0..88_200).for_each(|_| audio.push(7e-4 * own.next() as f32, right_level * other.next() as f32));
            let mut meter = Meter::new(44_100);
            meter.push(&audio);
            within(&meter.finish(), 120.0, 5_000.0)
        };
        assert!(width_db(2.6e-4).is_some_and(|db| db.abs() < 1.0));
        assert_eq!(width_db(7e-6), None);
    }

    #[test]
    fn the_same_song_is_followed_and_another_one_with_care() {
        let differences = [Some(1.0), Some(2.0), Some(3.0), Some(4.0)];
        assert_eq!(change(&differences, None, 1.0), Some(2.5));
        assert_eq!(change(&differences, None, 0.0), Some(0.625));
        assert_eq!(change(&differences, Some(1.25), 1.0), Some(1.25));
        assert_eq!(change(&[None; 4], None, 1.0), None);
        assert_eq!(change(&[Some(30.0); 4], None, 1.0), Some(9.0));
    }
}
