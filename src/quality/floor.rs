//! What stands under everything else: the quietest second that keeps its level.

use std::ops::Range;

/// A floor is steady for at least this long, in tenths of a second, to within this, dB.
pub(super) const STEADY_FRAMES: usize = 10;
const STEADY_DB: f64 = 2.0;
/// What is so much quieter than a floor, dB, for more than this share of the time, disproves it.
const QUIETER_DB: f64 = 6.0;
const QUIETER_SHARE: f64 = 0.01;

/// Where the quietest steady second begins and its level, dB, of a programme whose levels are told ten times a second. Only seconds
/// within `range_db` that are wanted count. What lies below `black_db` is digital silence; `None` where anything else is quieter: what
/// equipment leaves lies under everything, so that the second is part of the music.
pub(super) fn quietest(
    levels_db: &[f64],
    range_db: &Range<f64>,
    black_db: f64,
    is_wanted: impl Fn(Range<usize>) -> bool,
) -> Option<(usize, f64)> {
    let seconds = levels_db.windows(STEADY_FRAMES).enumerate().filter_map(|(start, levels)| {
        let (low, high) = levels.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
        let is_steady = range_db.contains(&low) && range_db.contains(&high) && high - low <= STEADY_DB;
        (is_steady && is_wanted(start..start + STEADY_FRAMES)).then_some((start, 0.5 * (low + high)))
    });
    let (start, level_db) = seconds.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let quieter = levels_db.iter().filter(|db| (black_db..level_db - QUIETER_DB).contains(*db)).count();
    (quieter as f64 <= QUIETER_SHARE * levels_db.len() as f64).then_some((start, level_db))
}
