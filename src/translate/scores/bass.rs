//! Whether the bass line is heard on a device that can't play it: by its fundamental, or by harmonics that follow it,
//! from which hearing makes up the missing fundamental (J. Schouten, "The residue and the mechanism of hearing", 1940;
//! E. Larsen and R. Aarts, "Audio Bandwidth Extension", 2004, chapter 2).

use super::super::ear::Ear;
use super::super::programme::Programme;
use super::ramp;
use crate::statistics::correlation;
use crate::units::{db_to_power, power_to_db};

/// Where fundamentals of a bass line are sought.
const BASS_HZ: std::ops::Range<f64> = 30.0..130.0;
/// Harmonics that carry the pitch.
const HARMONICS: [f64; 4] = [2.0, 3.0, 4.0, 5.0];
/// How far under its loudest a bass note may lie, dB, and under the whole frame.
const UNDER_LOUDEST_DB: f64 = 20.0;
const UNDER_ALL_DB: f64 = 25.0;
/// Share of the time that has to have bass for there to be a bass line.
const LEAST_SHARE: f64 = 0.05;
/// Frames of a window in which harmonics are held against the bass: 6 s.
const WINDOW: usize = 60;
/// A bass whose amplitude varies less than this over a window, relative to its mean, is steady: there is nothing to
/// follow, and everything does.
const STEADY_RATIO: f64 = 0.12;
/// Audible from this much under the noise up to this much over it, dB: not at all, to surely.
const AUDIBLE_DB: [f64; 2] = [-6.0, 6.0];
/// What masks a band from its neighbours: this much less for each third octave that the masker lies below or above,
/// dB, and this much to begin with. After the slopes of simultaneous masking (E. Zwicker and H. Fastl,
/// "Psychoacoustics", 1990, chapter 4: about 27 dB per Bark downwards, 10 upwards at these levels).
const MASKING_FROM_BELOW_DB: f64 = 8.0;
const MASKING_FROM_ABOVE_DB: f64 = 20.0;
const MASKING_OFFSET_DB: f64 = 6.0;

/// A version that has less of the bass than the other by this much lacks it, dB ...
const LACKING_DB: f64 = 3.0;
/// ... and what it lacks is told up to this, dB.
const MOST_LACK_DB: f64 = 60.0;

/// What a version of a programme lacks of another one's bass, at equal loudness, dB. `None` where that is 3 dB or less, and where the
/// other one has no bass to speak of.
pub(in crate::translate) fn lack_db(before: &Programme, after: &Programme) -> Option<f64> {
    let power = |bands: &[[f64; 2]]| bands.iter().map(|[mid, side]| mid + side).sum::<f64>();
    let bass = |programme: &Programme| power(&programme.whole[programme.bands.within(BASS_HZ)]);
    let has_bass = bass(before) >= power(&before.whole) * db_to_power(-UNDER_ALL_DB);
    let lack_db = power_to_db(bass(before) / bass(after)).min(MOST_LACK_DB);
    (has_bass && lack_db > LACKING_DB).then_some(lack_db)
}

/// The bass line of a programme.
pub(in crate::translate) struct Line {
    /// Band of the fundamental in each frame that has bass.
    fundamentals: Vec<Option<u8>>,
    /// In each window, how closely each band's amplitude follows the bass: correlation squared, 0 to 1.
    followed: Vec<Vec<f32>>,
}

impl Line {
    pub(super) fn new(programme: &Programme) -> Self {
        let bass = programme.bands.within(BASS_HZ);
        let count = programme.band_count();
        let power = |frame: usize, band: usize| {
            let (mid, side) = programme.frame(frame);
            f64::from(mid[band] + side[band])
        };
        let levels: Vec<f64> =
            (0..programme.frames()).map(|frame| bass.clone().map(|band| power(frame, band)).sum()).collect();
        let mut sorted = levels.clone();
        sorted.sort_by(f64::total_cmp);
        let loudest = sorted.get(sorted.len() * 19 / 20).copied().unwrap_or(0.0);
        let fundamentals: Vec<Option<u8>> = levels
            .iter()
            .enumerate()
            .map(|(frame, &level)| {
                let all: f64 = (0..count).map(|band| power(frame, band)).sum();
                let is_bass = level > 0.0
                    && level >= loudest * db_to_power(-UNDER_LOUDEST_DB)
                    && level >= all * db_to_power(-UNDER_ALL_DB);
                let strongest = bass.clone().max_by(|&a, &b| power(frame, a).total_cmp(&power(frame, b)));
                strongest.filter(|_| is_bass).map(|band| band as u8)
            })
            .collect();
        let has_line = fundamentals.iter().flatten().count() as f64 >= LEAST_SHARE * levels.len() as f64;
        let followed = (0..programme.frames())
            .step_by(WINDOW)
            .map(|start| {
                let frames = start..programme.frames().min(start + WINDOW);
                let bass: Vec<f64> = levels[frames.clone()].iter().map(|level| level.sqrt()).collect();
                (0..count)
                    .map(|band| {
                        let of_band: Vec<f64> = frames.clone().map(|frame| power(frame, band).sqrt()).collect();
                        following(&bass, &of_band) as f32
                    })
                    .collect()
            })
            .collect();
        Self { fundamentals: if has_line { fundamentals } else { vec![None; levels.len()] }, followed }
    }

    /// Why a programme has no bass to score; `None` if it has one.
    pub(super) fn absence(&self) -> Option<&'static str> {
        let has_none = self.fundamentals.iter().all(Option::is_none);
        has_none.then_some("there is no bass line: 30 to 130 Hz lie 25 dB or more under the whole nearly all the time")
    }
}

/// How closely one amplitude follows another: their correlation squared, 0 if it is negative.
fn following(leader: &[f64], follower: &[f64]) -> f64 {
    let count = leader.len() as f64;
    let mean = leader.iter().sum::<f64>() / count;
    let variance = leader.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
    if variance.sqrt() < STEADY_RATIO * mean { 1.0 } else { correlation(leader, follower).max(0.0).powi(2) }
}

/// For each frame with bass, how surely its pitch is heard, 0 to 1.
pub(super) fn frames(ear: &Ear<'_>, line: &Line) -> Vec<f32> {
    let centers = ear.programme.bands.centers_hz();
    let mut heard = Vec::with_capacity(centers.len());
    let mut maskers = vec![0.0; centers.len()];
    line.fundamentals
        .iter()
        .enumerate()
        .map(|(frame, fundamental)| {
            let Some(fundamental) = fundamental.map(usize::from) else { return f32::NAN };
            heard.clear();
            heard.extend(ear.frame(frame).map(|[mid, side]| mid + side));
            masking(&heard, &mut maskers);
            let audible = |power: f64, band: usize| {
                let over_db = power_to_db(power / (ear.floor[band] + maskers[band]));
                ramp(over_db, AUDIBLE_DB[0], AUDIBLE_DB[1])
            };
            let followed = &line.followed[frame / WINDOW];
            // A fundamental anywhere in its band has its harmonics within the band of the harmonic or next to it.
            let harmonic = |order: f64| {
                let Some(center) = ear.programme.bands.band_at(order * centers[fundamental]) else { return 0.0 };
                (center.saturating_sub(1)..=center + 1)
                    .filter(|&band| band > fundamental && band < heard.len())
                    .map(|band| audible(heard[band] * f64::from(followed[band]), band))
                    .fold(0.0, f64::max)
            };
            let mut harmonics = HARMONICS.map(harmonic);
            harmonics.sort_by(f64::total_cmp);
            // It takes two harmonics to make a pitch.
            let pitch = harmonics[HARMONICS.len() - 2];
            audible(heard[fundamental], fundamental).max(pitch) as f32
        })
        .collect()
}

/// What all other bands mask in each.
pub(in crate::translate) fn masking(heard: &[f64], maskers: &mut [f64]) {
    let (offset, below, above) =
        (db_to_power(-MASKING_OFFSET_DB), db_to_power(-MASKING_FROM_BELOW_DB), db_to_power(-MASKING_FROM_ABOVE_DB));
    let mut spread = 0.0;
    for (masker, power) in maskers.iter_mut().zip(heard) {
        *masker = spread * offset;
        spread = (spread + power) * below;
    }
    spread = 0.0;
    for (masker, power) in maskers.iter_mut().zip(heard).rev() {
        *masker += spread * offset;
        spread = (spread + power) * above;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masking_falls_with_distance_and_more_so_downwards() {
        let mut maskers = [0.0; 7];
        masking(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], &mut maskers);
        let db = maskers.map(power_to_db);
        assert!((db[4] + 14.0).abs() < 1e-9 && (db[5] + 22.0).abs() < 1e-9 && (db[2] + 26.0).abs() < 1e-9);
        assert_eq!(maskers[3], 0.0, "a band does not mask itself");
    }

    #[test]
    fn what_follows_the_bass_is_told_from_what_does_not() {
        let bass: Vec<f64> = (0..60).map(|n| if n % 8 < 4 { 1.0 } else { 0.1 }).collect();
        let half: Vec<f64> = bass.iter().map(|x| 0.5 * x).collect();
        let other: Vec<f64> = (0..60).map(|n| if n % 8 < 4 { 0.1 } else { 1.0 }).collect();
        assert!((following(&bass, &half) - 1.0).abs() < 1e-9);
        assert_eq!(following(&bass, &other), 0.0);
        assert_eq!(following(&[1.0; 60], &half), 1.0, "a steady bass leads nothing");
    }
}
