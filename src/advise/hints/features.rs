//! What the network sees of each band: how far it stands over its surroundings, at quiet moments and at loud ones.
//!
//! Notes stand high while they sound. A resonance stands high always, and most plainly where the surroundings are smooth: in
//! noise, in drums, in what rings on. So beside quantiles over time there is the height at the moments with the smoothest
//! surroundings. Nothing changes with the level of the programme, or with the order of its channels.

use std::ops::RangeInclusive;

use super::spectrum::{FineSpectrum, Resolution};
use crate::units::{db_to_power, power_to_db};

/// Quantiles over time.
const SHARES: [f64; 7] = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95];
const MEDIAN: usize = 3;
/// Surroundings, in bands from the one in question, on both sides: a resonance ends before the far ones.
const FAR: RangeInclusive<usize> = 5..=14;
const NEAR: RangeInclusive<usize> = 3..=5;
/// Those whose roughness is looked at.
const ROUGH: RangeInclusive<usize> = 4..=14;
/// Looks this far under the loudest one are pauses, dB.
const PAUSE_DB: f32 = 40.0;
/// Shares of the looks, those with the smoothest surroundings.
const SMOOTHEST: [f64; 2] = [0.1, 0.25];
/// The broad course of the spectrum is a mean over so many bands on both sides.
const BROAD: usize = 24;
/// Fewer looks than this say nothing of what is always there.
const MIN_LOOKS: usize = 10;

/// Rows that hold levels, which stand against the broad course of their median.
const LEVEL_ROWS: std::ops::Range<usize> = 2 * SHARES.len()..3 * SHARES.len() + 1;
/// All rows of a band but its place.
const OWN_ROWS: usize = 3 * SHARES.len() + 8;

/// The features' names, in order: rows of a matrix whose columns are bands.
pub fn names() -> Vec<String> {
    let quantiles = |of: &'static str| SHARES.iter().map(move |share| format!("{of}.p{:.0}", 100.0 * share));
    let smooth = ["far.smoothest_10", "far.smoothest_25", "near.smoothest_10", "near.smoothest_25"];
    let rest = ["far.smoothest_25.p25", "roughness.p10", "roughness.p50", "place"];
    quantiles("far_db")
        .chain(quantiles("near_db"))
        .chain(quantiles("level_db"))
        .chain(["level_db.mean"].into_iter().chain(smooth).chain(rest).map(String::from))
        .collect()
}

/// What a network that sees these carries, to be refused where they differ.
pub fn schema_hash() -> u64 {
    crate::network::schema_hash(&names())
}

/// The features, row by row, as [`names`] orders them. `None` where too little is heard.
pub(super) fn of(spectrum: &FineSpectrum) -> Option<Vec<f32>> {
    let columns: Vec<[f32; OWN_ROWS]> =
        spectrum.resolutions().iter().map(columns).collect::<Option<Vec<_>>>()?.concat();
    let bands = columns.len();
    let broad = broad_course(&columns.iter().map(|column| column[2 * SHARES.len() + MEDIAN]).collect::<Vec<_>>());
    let mut matrix = Vec::with_capacity((OWN_ROWS + 1) * bands);
    for row in 0..OWN_ROWS {
        let against = |band: usize| if LEVEL_ROWS.contains(&row) { broad[band] } else { 0.0 };
        matrix.extend(columns.iter().enumerate().map(|(band, column)| column[row] - against(band)));
    }
    // Bands are few where the sample rate is low; their places stay the same.
    matrix.extend((0..bands).map(|band| band as f32 / 84.0 - 1.0));
    Some(matrix)
}

/// The mean of as many bands on both sides as there are, up to [`BROAD`].
fn broad_course(values: &[f32]) -> Vec<f32> {
    let mean = |around: &[f32]| around.iter().sum::<f32>() / around.len() as f32;
    (0..values.len())
        .map(|band| mean(&values[band.saturating_sub(BROAD)..(band + BROAD + 1).min(values.len())]))
        .collect()
}

/// What is seen of the bands that a resolution judges.
fn columns(resolution: &Resolution) -> Option<Vec<[f32; OWN_ROWS]>> {
    let highest = |look: &[f32]| look.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let loudest_db = resolution.looks().map(highest).fold(f32::NEG_INFINITY, f32::max);
    let looks: Vec<Look> =
        resolution.looks().filter(|look| highest(look) > loudest_db - PAUSE_DB).map(Look::new).collect();
    if looks.len() < MIN_LOOKS {
        return None;
    }
    let first = resolution.known.start;
    Some(resolution.own.clone().map(|band| column(&looks, band - first)).collect())
}

/// Levels at one time, with their sums and those of their squares up to each band.
struct Look<'a> {
    levels_db: &'a [f32],
    sums: Vec<[f64; 2]>,
}

impl<'a> Look<'a> {
    fn new(levels_db: &'a [f32]) -> Self {
        let mut sums = vec![[0.0; 2]];
        for &level_db in levels_db {
            let [sum, squares] = sums[sums.len() - 1];
            let level_db = f64::from(level_db);
            sums.push([sum + level_db, squares + level_db * level_db]);
        }
        Self { levels_db, sums }
    }

    /// Mean and mean square of the surroundings; both sides count the same, however many bands they hold.
    fn around(&self, band: usize, away: &RangeInclusive<usize>) -> [f64; 2] {
        let count = self.levels_db.len();
        let below = band.saturating_sub(*away.end())..(band + 1).saturating_sub(*away.start());
        let above = (band + away.start()).min(count)..(band + away.end() + 1).min(count);
        let (mut means, mut sides) = ([0.0; 2], 0.0f64);
        for side in [below, above].into_iter().filter(|side| !side.is_empty()) {
            for (which, mean) in means.iter_mut().enumerate() {
                *mean += (self.sums[side.end][which] - self.sums[side.start][which]) / side.len() as f64;
            }
            sides += 1.0;
        }
        means.map(|mean| mean / sides.max(1.0))
    }
}

/// What is seen of one band, given by its place among the known ones.
fn column(looks: &[Look], band: usize) -> [f32; OWN_ROWS] {
    let count = looks.len();
    let mut level: Vec<f32> = looks.iter().map(|look| look.levels_db[band]).collect();
    let over = |away: &RangeInclusive<usize>| -> Vec<f32> {
        looks.iter().map(|look| look.levels_db[band] - look.around(band, away)[0] as f32).collect()
    };
    let (mut far, mut near) = (over(&FAR), over(&NEAR));
    let mut by_roughness: Vec<(f32, usize)> = looks
        .iter()
        .map(|look| {
            let [mean, square] = look.around(band, &ROUGH);
            (square - mean * mean).max(0.0).sqrt() as f32
        })
        .zip(0..)
        .collect();
    by_roughness.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let [few, some] = SMOOTHEST.map(|share| ((share * count as f64) as usize).max(2));
    let of_smoothest = |values: &[f32], number: usize| -> Vec<f32> {
        by_roughness[..number].iter().map(|&(_, look)| values[look]).collect()
    };
    let mean = |values: Vec<f32>| values.iter().sum::<f32>() / values.len() as f32;
    let mean_power = level.iter().map(|db| db_to_power(f64::from(*db))).sum::<f64>() / count as f64;
    let mut smooth_far = of_smoothest(&far, some);
    smooth_far.sort_by(f32::total_cmp);
    let last = [
        power_to_db(mean_power) as f32,
        mean(of_smoothest(&far, few)),
        mean(of_smoothest(&far, some)),
        mean(of_smoothest(&near, few)),
        mean(of_smoothest(&near, some)),
        smooth_far[some / 4],
        by_roughness[few].0,
        by_roughness[count / 2].0,
    ];
    let mut column = [0.0; OWN_ROWS];
    for (values, rows) in [&mut far, &mut near, &mut level].into_iter().zip(column.chunks_exact_mut(SHARES.len())) {
        values.sort_by(f32::total_cmp);
        for (row, share) in rows.iter_mut().zip(SHARES) {
            *row = values[(share * (count - 1) as f64).round() as usize];
        }
    }
    column[3 * SHARES.len()..].copy_from_slice(&last);
    column
}
