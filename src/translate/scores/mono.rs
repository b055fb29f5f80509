//! What is lost where channels are summed.

use std::ops::{Range, RangeInclusive};

use schemars::JsonSchema;
use serde::Serialize;

use super::super::ear::Ear;
use super::super::programme::{FRAMES_PER_S, Programme};
use crate::units::{db_to_power, power_to_db};

/// Bands with less of the K-weighted whole than this are left out, dB.
const LEAST_DB: f64 = -20.0;
/// A loss of the whole by this much is a score of 0; of one band, by twice as much.
const ALL_DB: f64 = 6.0;
/// An element counts as lost in mono where its band falls by this much, dB ...
const LOST_DB: f64 = 6.0;
/// ... for this long at a stretch, s.
const LEAST_S: f64 = 1.0;
/// Losses are told up to this, dB.
const MOST_DB: f64 = 100.0;
/// Pauses up to this long, s, don't cut a stretch in two.
const BRIDGED_S: f64 = 0.3;

/// The score of what a device's summing leaves. `None` on a device that keeps the stereo.
pub(super) fn score(ear: &Ear<'_>, mean: &[[f64; 2]]) -> Option<f64> {
    let kept = ear.device.side_powers(ear.programme.bands.centers_hz());
    if kept.iter().all(|&kept| kept == 1.0) {
        return None;
    }
    let weights = &ear.programme.weights;
    let all = ear.programme.weighted(mean);
    if all <= 0.0 {
        return None;
    }
    let left: f64 = mean.iter().zip(weights).zip(&kept).map(|((p, w), kept)| w * (p[0] + kept * p[1])).sum();
    let worst_db = mean
        .iter()
        .zip(weights)
        .zip(&kept)
        .filter(|((power, weight), _)| *weight * (power[0] + power[1]) >= all * db_to_power(LEAST_DB))
        .map(|((power, _), kept)| loss_db(power[0], power[1], *kept))
        .fold(0.0, f64::max);
    let lost_db = power_to_db(all / left).max(0.5 * worst_db);
    Some(100.0 * (1.0 - lost_db / ALL_DB).clamp(0.0, 1.0))
}

/// What is lost of mid and side when a share of the side's power is kept, dB (0 or more).
fn loss_db(mid: f64, side: f64, kept: f64) -> f64 {
    power_to_db((mid + side) / (mid + kept * side)).min(MOST_DB)
}

/// Something that is mostly in the side: little of it is left in mono.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LostElement {
    /// Where it lies, Hz.
    pub band_hz: [f64; 2],
    /// When it plays, from and to, s.
    pub times_s: Vec<[f64; 2]>,
    /// What is lost of it when both channels are summed, at the one of those times that loses most, dB.
    pub loss_db: f64,
}

/// Elements that a mono device loses, lowest first: neighbouring bands, each of some weight, that fall by 6 dB or more
/// for a second or longer.
pub fn lost_in_mono(programme: &Programme) -> Vec<LostElement> {
    let count = programme.band_count();
    let mut lost = vec![Vec::new(); count];
    for index in (0..programme.frames()).filter(|&index| programme.loud[index]) {
        let (mid, side) = programme.frame(index);
        let weighted = |band: usize| programme.weights[band] * f64::from(mid[band] + side[band]);
        let all: f64 = (0..count).map(weighted).sum();
        for (band, frames) in lost.iter_mut().enumerate() {
            let falls = f64::from(side[band]) >= (db_to_power(LOST_DB) - 1.0) * f64::from(mid[band]);
            if falls && weighted(band) >= all * db_to_power(LEAST_DB) {
                frames.push(index);
            }
        }
    }
    // Moments in which a wide sound happens to cancel are no element.
    let gap = (BRIDGED_S * FRAMES_PER_S) as usize;
    for frames in &mut lost {
        let stretches = frames.chunk_by(|a, b| b - a <= gap);
        *frames = stretches.filter(|run| run.len() as f64 >= LEAST_S * FRAMES_PER_S).flatten().copied().collect();
    }
    let runs = lost.chunk_by(|a, b| a.is_empty() == b.is_empty()).scan(0, |start, run| {
        let bands = *start..*start + run.len();
        *start = bands.end;
        Some((!run[0].is_empty(), bands))
    });
    runs.filter(|(lost, _)| *lost).map(|(_, bands)| element(programme, &lost, bands, gap)).collect()
}

fn element(programme: &Programme, lost: &[Vec<usize>], bands: Range<usize>, gap: usize) -> LostElement {
    let mut frames: Vec<usize> = lost[bands.clone()].iter().flatten().copied().collect();
    frames.sort_unstable();
    frames.dedup();
    let stretches = || frames.chunk_by(|a, b| b - a <= gap).filter_map(|run| Some(*run.first()?..=*run.last()?));
    let loss_within = |stretch: RangeInclusive<usize>| {
        let (mut mid_sum, mut side_sum) = (0.0, 0.0);
        for band in bands.clone() {
            for &index in lost[band].iter().filter(|index| stretch.contains(*index)) {
                let (mid, side) = programme.frame(index);
                mid_sum += f64::from(mid[band]);
                side_sum += f64::from(side[band]);
            }
        }
        loss_db(mid_sum, side_sum, 0.0)
    };
    LostElement {
        band_hz: [programme.bands.edges_hz(bands.start).0, programme.bands.edges_hz(bands.end - 1).1],
        times_s: stretches()
            .map(|run| [*run.start(), run.end() + 1].map(|frame| frame as f64 / FRAMES_PER_S))
            .collect(),
        loss_db: stretches().map(loss_within).fold(0.0, f64::max),
    }
}
