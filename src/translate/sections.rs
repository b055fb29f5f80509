//! The sections of a song: where its sound changes for long.
//!
//! Novelty along the diagonal of a self-similarity matrix (J. Foote, "Automatic Audio Segmentation Using a Measure of
//! Audio Novelty", ICME 2000): with mean spectra of a second as features, the difference between the means before and
//! after is the checkerboard kernel's contrast.

use std::ops::Range;

use super::programme::{FRAMES_PER_S, Programme};
use crate::units::power_to_db;

/// Seconds that are compared on both sides of a border.
const SIDE: usize = 8;
/// Shortest section, s.
const LEAST: usize = 12;
/// Root mean square change of the third octaves at a border, dB.
const CHANGE_DB: f64 = 4.0;
/// Most sections that are told apart.
const MOST: usize = 12;
/// Levels under this count as this, dB of mean square in a programme at [`PLAYBACK_LUFS`](super::PLAYBACK_LUFS).
const FLOOR_DB: f64 = -60.0;

/// Ranges of frames, in order, that cover the programme.
pub(super) fn sections(programme: &Programme) -> Vec<Range<usize>> {
    let second = FRAMES_PER_S as usize;
    let features: Vec<Vec<f64>> = (0..programme.frames() / second)
        .map(|s| {
            let mut sums = vec![0.0; programme.band_count()];
            for index in s * second..(s + 1) * second {
                let (mid, side) = programme.frame(index);
                sums.iter_mut().zip(mid.iter().zip(side)).for_each(|(sum, (m, s))| *sum += f64::from(m + s));
            }
            sums.into_iter().map(|sum| power_to_db(sum / FRAMES_PER_S).max(FLOOR_DB)).collect()
        })
        .collect();
    let mean = |range: Range<usize>, band: usize| {
        let length = range.len() as f64;
        features[range].iter().map(|feature| feature[band]).sum::<f64>() / length
    };
    let change_db = |at: usize| {
        let square = |band: usize| (mean(at..at + SIDE, band) - mean(at - SIDE..at, band)).powi(2);
        ((0..programme.band_count()).map(square).sum::<f64>() / programme.band_count().max(1) as f64).sqrt()
    };
    let mut changes: Vec<(f64, usize)> = (SIDE..(features.len() + 1).saturating_sub(SIDE))
        .map(|at| (change_db(at), at))
        .filter(|(change, _)| *change >= CHANGE_DB)
        .collect();
    changes.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut borders = vec![0, features.len()];
    for (_, at) in changes {
        if borders.len() <= MOST && borders.iter().all(|border| border.abs_diff(at) >= LEAST) {
            borders.push(at);
        }
    }
    borders.sort_unstable();
    let mut ranges: Vec<Range<usize>> = borders.windows(2).map(|pair| pair[0] * second..pair[1] * second).collect();
    if let Some(last) = ranges.last_mut() {
        last.end = programme.frames();
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::programme::tests::measured;

    #[test]
    fn a_change_of_sound_begins_a_section() {
        let source = measured(8_000, 60.0, |n| {
            let step = if n < 8_000 * 24 { 0.15 } else { 0.9 };
            let x = 0.2 * (n as f64 * step).sin();
            (x, x)
        });
        let found = sections(&Programme::new(&source).expect("loud"));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].end.abs_diff(240) <= 10 && found[0].end == found[1].start && found[0].start == 0);
        let steady = measured(8_000, 40.0, |n| (0.2 * (n as f64 * 0.3).sin(), 0.0));
        let programme = Programme::new(&steady).expect("loud");
        assert_eq!(sections(&programme), vec![0..programme.frames()]);
    }

    #[test]
    fn a_short_programme_is_one_section() {
        let programme = Programme::new(&measured(8_000, 1.0, |n| (0.2 * (n as f64 * 0.3).sin(), 0.0))).expect("loud");
        assert_eq!(sections(&programme), vec![0..programme.frames()]);
    }
}
