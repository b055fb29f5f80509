//! A mix towards a profile: only what lies outside of the corridor of mean and spread is moved, and of that a part.
//!
//! A spectrum says more of what is played than of how it was produced: finished songs of one kind spread by 4 dB a band,
//! mixes depart from their masters by 2. So a profile can't tell a fault from an arrangement unless it is a gross one, and
//! three things keep it from harm. What lies within one spread of the mean is left alone. The corridor widens by the
//! distance of the mix's content (how its bands move, which no equaliser changes) from the profile's songs: what content
//! explains is not moved. And a fixed share of what is left is taken. `models/training/profiles/README.md` has what came of it.

use super::dynamics::{Density, Means};
use super::link::Link;
use super::profile::{Fit, Profile, departures_db};
use super::registration::smooth;
use super::stages::{Standard, shape};
use super::tone::{Levels, Tone};
use super::{Amounts, Proposal, Shares, quantity, width};
use crate::measure::Measurement;
use crate::statistics::mean;

/// Of what lies outside of the corridor, the share to take back; all of it for who asks for a clone.
const SHARE: f64 = 0.3;

/// What a master towards a profile is to have.
#[derive(Debug, Clone, Copy)]
pub struct Goal {
    /// Loudness that says how dense the master is to be ahead of the limiter, which may be driven beyond it, LUFS.
    pub loudness_lufs: f64,
    /// True peak that the limiter will hold, dBTP.
    pub ceiling_dbtp: f64,
    /// Rate at which the settings will be applied, Hz: nothing is set above its band.
    pub sample_rate_hz: u32,
}

/// A loudness within a profile's corridor, LUFS: `default_lufs` where that lies inside, the near edge otherwise.
pub fn loudness_within(profile: &Profile, default_lufs: f64) -> f64 {
    let loudness = profile.loudness_lufs;
    let rounded = |lufs: f64| (lufs * 10.0).round() / 10.0;
    default_lufs.clamp(rounded(loudness.mean - loudness.spread), rounded(loudness.mean + loudness.spread))
}

/// Proposes settings that bring `mix` towards a profile that lies as near as `fit` says.
pub fn towards_profile(mix: &Measurement, profile: &Profile, fit: Fit, goal: Goal, amounts: &Amounts) -> Proposal {
    let Some(levels) = Levels::of(mix, usize::MAX) else { return Proposal::default() };
    let widening = fit.content_distance.max(1.0);
    let departures = departures_db(&levels, profile);
    let standard = Standard::Profile(profile, level_offset_db(mix, &levels, &departures, profile).unwrap_or(0.0));
    let [eq_share, width_share] =
        [amounts.eq_ratio, amounts.width_ratio].map(|ratio| Shares::of(ratio).blend(SHARE, 1.0));
    let tone = tone(&levels, &departures, widening, eq_share).below(goal.sample_rate_hz);
    let side_gain_db = side_gain_db(mix, profile, widening, width_share);
    let allowed_plr_db = goal.ceiling_dbtp - goal.loudness_lufs;
    let density = Density { allowed_plr_db, headroom_db: 0.0, link: Link::Together, means: Means::default() };
    shape(mix, standard, &tone, side_gain_db, density, amounts)
}

/// What is left of a departure outside of a corridor.
fn outside(departure: f64, half_width: f64) -> f64 {
    departure.signum() * (departure.abs() - half_width).max(0.0)
}

/// What brings the profile's levels, which are over a mean of its own bands, to the scale of the mix's: on it, the two agree
/// in the mean over the bands that both hold. `None` where there are no such bands.
fn level_offset_db(
    mix: &Measurement,
    levels: &Levels,
    departures: &[Option<(f64, f64)>],
    profile: &Profile,
) -> Option<f64> {
    let profile_mean_db = quantity::overall_level_of_profile_db(profile)?;
    let held = || levels.centers_hz.iter().zip(&levels.levels_db).zip(departures).filter(|(_, band)| band.is_some());
    let mix_db = mean(held().map(|((_, db), _)| *db))? - quantity::overall_level_db(mix)?;
    let expected_db = mean(held().filter_map(|((&hz, _), _)| Some(profile.tone_at(hz)?.mean_db)))? - profile_mean_db;
    Some(mix_db - expected_db)
}

fn tone(levels: &Levels, departures: &[Option<(f64, f64)>], widening: f64, share: f64) -> Tone {
    let mut curve_db: Vec<f64> = departures
        .iter()
        .map(|band| band.map_or(0.0, |(departure_db, spread_db)| -share * outside(departure_db, widening * spread_db)))
        .collect();
    smooth(&mut curve_db);
    let weights = departures.iter().map(|band| if band.is_some() { 1.0 } else { 0.0 }).collect();
    Tone::of_curve(levels.centers_hz.clone(), weights, &curve_db)
}

/// One change for all bands, as [`super::width`] has it: from the mean of what lies outside in the middle two of the wide bands.
fn side_gain_db(mix: &Measurement, profile: &Profile, widening: f64, share: f64) -> Option<f64> {
    let widths_db = width::of_bands(mix);
    mean(widths_db.into_iter().zip(&profile.width_db).skip(1).take(2).filter_map(|(width_db, expected)| {
        let expected = expected.as_ref()?;
        Some(-share * outside(width_db? - expected.mean, widening * expected.spread))
    }))
}

#[cfg(test)]
mod tests {
    use super::super::profile::tests::{pink, pink_noise};
    use super::super::profile::{ToneBand, fit};
    use super::*;
    use crate::audio::AudioBuffer;
    use crate::dsp::testing::Noise;
    use crate::measure::Meter;
    use crate::suggest::Quantity;

    const GOAL: Goal = Goal { loudness_lufs: -14.0, ceiling_dbtp: -1.0, sample_rate_hz: 48_000 };

    fn towards(profile: &Profile) -> Proposal {
        let mix = pink_noise();
        let near = Fit { content_distance: 1.0, ..fit(&mix, profile).expect("loud") };
        towards_profile(&mix, profile, near, GOAL, &Amounts::default())
    }

    #[test]
    fn what_lies_within_the_corridor_is_left_alone() {
        let proposal = towards(&pink("pink"));
        assert!(proposal.eq.is_empty() && proposal.width.is_none(), "{proposal:?}");
    }

    #[test]
    fn of_what_lies_outside_a_share_is_moved() {
        // The profile has 12 dB more above 4 kHz than pink noise: 8 of 27 bands, so that the mean lies 3.56 dB higher.
        let mut bright = pink("bright");
        let lift = |band: &mut ToneBand| band.mean_db += if band.center_hz > 3500.0 { 12.0 } else { 0.0 };
        bright.tone.iter_mut().for_each(lift);
        let proposal = towards(&bright);
        let at = |hz: f64| {
            let near = |point: &&super::super::CurvePoint| (point.frequency_hz / hz - 1.0).abs() < 0.05;
            proposal.target_curve.iter().find(near).expect("in range").gain_db
        };
        let lifted = bright.tone.iter().filter(|band| band.mean_db > 0.0).count() as f64;
        let mean_db = 12.0 * lifted / bright.tone.len() as f64;
        // Above, 12 - mean less a spread of 2 is missing; below, there is the mean less 2 too much.
        let expected_db = SHARE * ((12.0 - mean_db - 2.0) + (mean_db - 2.0));
        assert!((at(10_000.0) - at(500.0) - expected_db).abs() < 0.15, "{} {expected_db}", at(10_000.0) - at(500.0));
        // Where the content is another one, the corridor is wider, and less is moved.
        let far = Fit { distance: 1.0, content_distance: 3.0 };
        let shy = towards_profile(&pink_noise(), &bright, far, GOAL, &Amounts::default());
        let most = |proposal: &Proposal| proposal.eq.iter().map(|band| band.gain_db.abs()).fold(0.0, f64::max);
        assert!(most(&shy) < 0.7 * most(&proposal), "{} {}", most(&shy), most(&proposal));
    }

    #[test]
    fn a_wide_profile_widens() {
        let mut wide = pink("wide");
        // The noise's side lies 6 dB under its mid; 10 dB over that, less a spread of 2: 8 dB, of which a share.
        wide.width_db.iter_mut().flatten().for_each(|width| width.mean = 4.0);
        let width = towards(&wide).width.expect("a change").side_gain_db;
        assert!((width - SHARE * 8.0).abs() < 0.1, "{width}");
    }

    #[test]
    fn a_dead_channel_leaves_no_width_to_change() {
        let measured = |right_level: f32| {
            let (mut own, mut other) = (Noise(7), Noise(8));
            let mut audio = AudioBuffer::new(44_100);
            (0..44_100).for_each(|_| audio.push(0.3 * own.next() as f32, right_level * other.next() as f32));
            let mut meter = Meter::new(44_100);
            meter.push(&audio);
            meter.finish()
        };
        let mut narrow = pink("narrow");
        narrow.width_db.iter_mut().flatten().for_each(|width| width.mean = -12.0);
        // Unrelated channels: the side is as strong as the mid, 12 dB over that, less a spread of 2.
        let change_db = side_gain_db(&measured(0.3), &narrow, 1.0, 1.0);
        assert!(change_db.is_some_and(|db| (db + 10.0).abs() < 1.0), "{change_db:?}");
        for right_level in [0.0, 1e-5] {
            let dead = measured(right_level);
            assert_eq!((side_gain_db(&dead, &narrow, 1.0, 1.0), Quantity::Width.of(&dead)), (None, None));
        }
    }

    #[test]
    fn the_loudness_comes_into_the_corridor() {
        let mut profile = pink("pink");
        assert_eq!(loudness_within(&profile, -14.0), -14.0);
        profile.loudness_lufs.mean = -20.0;
        assert_eq!(loudness_within(&profile, -14.0), -18.0);
        profile.loudness_lufs.mean = -8.04;
        assert_eq!(loudness_within(&profile, -14.0), -10.0);
    }
}
