//! What was done to a recording, told apart from what was played, where two programmes share content.
//!
//! The long-term spectrum of a programme mixes what was played with how it was produced. But where the same sounds
//! recur in both programmes, their short-term spectra differ by production alone. So the clouds of 0.2 s third-octave
//! spectra are laid over each other by iterative closest points (P. J. Besl, N. D. McKay, "A Method for Registration
//! of 3-D Shapes", IEEE PAMI 14(2), 1992) with one unknown: the shift between them, which is the gain curve. Frames
//! that are each other's nearest after that are the shared content, and how many there are says how far to trust it.

use std::ops::{Add, Mul};

use pulp::{Arch, NullaryFnOnce};

use crate::measure::spectrum::BandPower;
use crate::statistics::{correlation, median, standard_deviation};
use crate::units::power_to_db;

/// Frames taken from each programme at the most: what a comparison of all with all can afford.
const MAX_FRAMES: usize = 400;
/// Fewer frames than this say nothing.
const MIN_FRAMES: usize = 30;
const ITERATIONS: usize = 10;
/// A shift that moves by less is found, dB.
const SETTLED_DB: f32 = 0.02;
/// Of the mutual pairs, the share with the least distance that is believed, and how many at the least.
const KEPT_SHARE: f64 = 0.5;
const KEPT_MIN: usize = 8;
/// Levels this far under the strongest band are raised to there before they are compared, dB.
const FLOOR_DB: f32 = 70.0;
/// A side this far under the mid is none, dB.
const MONO_DB: f32 = -40.0;
/// Levels of pairs that spread by less, or are correlated by less, tell nothing of each other: standard deviation, dB.
const LEAST_LEVEL_SPREAD_DB: f64 = 1.0;
const LEAST_LEVEL_CORRELATION: f64 = 0.6;

/// The outcome.
#[derive(Debug, Clone)]
pub(super) struct Registration {
    /// Gain that turns sounds of the first programme into those of the second, by band, dB, mean 0.
    pub(super) shift_db: Vec<f64>,
    /// The same of the bands that both programmes hold, mean 0 over these: what a codec cut off is no gain, and must not leak into
    /// its neighbours. 0 elsewhere.
    pub(super) held_shift_db: Vec<f64>,
    /// Share of frames that found each other: about 0.05 for different songs, 0.2 and more for the same.
    pub(super) pair_share: f64,
    /// How alike the two programmes are, 0 to 1; see [`likeness`].
    pub(super) likeness_ratio: f64,
    /// How far the believed pairs scatter about the shift, by band: median absolute deviation, dB.
    pub(super) scatter_db: Vec<f64>,
    /// How many pairs are believed.
    pub(super) believed: usize,
    /// Mean difference between the shifts that the starting curves led to, dB.
    pub(super) disagreement_db: f64,
    /// What the believed pairs of the second programme have more of the side over the mid, by band: median, dB. `None`
    /// where too few have both.
    pub(super) width_db: Vec<Option<f64>>,
    /// How far the levels of the believed pairs spread in the second programme, over how far they do in the first: 1 where levels were
    /// left as they were. `None` where levels that differ by too little or don't agree tell nothing.
    pub(super) level_ratio: Option<f64>,
}

/// Of normally distributed values, the standard deviation over the median absolute one.
const NORMAL_DEVIATIONS: f64 = 1.4826;

impl Registration {
    /// The shift, each band less by as much as its scatter over that many pairs makes probable by chance: its expected square
    /// is that of the true shift and of the standard error together (the positive part of the estimator of W. James and
    /// C. Stein, Proc. 4th Berkeley Symp. 1, 1961, band by band).
    pub(super) fn proven_shift_db(&self) -> Vec<f64> {
        let proven = |(shift_db, scatter_db): (&f64, &f64)| {
            let variance = (NORMAL_DEVIATIONS * scatter_db).powi(2) / self.believed.max(1) as f64;
            shift_db * (1.0 - variance / (shift_db * shift_db).max(f64::MIN_POSITIVE)).max(0.0)
        };
        self.held_shift_db.iter().zip(&self.scatter_db).map(proven).collect()
    }
}

/// How alike mix and reference have to be for the levels and channels of one to tell of the other's.
pub(super) const SAME_SONG_RATIO: f64 = 0.5;

/// How far shared content is to be believed: 0 for different songs, 1 for the same recording.
///
/// Two signs count: the share of frames that found each other, and whether every starting curve led to the same
/// shift. The constants were fitted to 138 pairs of the same song and 138 of different ones, from eight freely
/// licensed game soundtracks with random mixing and mastering chains, left out album by album: mean error of the gain
/// curve 1.31 dB on the same song (taking half of the spectrum's difference: 1.78) and 1.75 dB on another one (doing
/// nothing: 1.93). All of them lie in flat optima. None of the development or evaluation music was used.
fn likeness(pair_share: f64, frames: usize, disagreement_db: f64) -> f64 {
    // Fewer frames find partners by chance more often.
    let half_way = 0.125 * (MAX_FRAMES as f64 / frames as f64).powf(0.45);
    (-0.35 * disagreement_db).exp() / (1.0 + (half_way / pair_share.max(0.01)).powi(4))
}

/// A programme's loud frames: levels in dB by band, each frame's own mean removed, so that level and broadband
/// dynamics drop out.
#[derive(Debug, Clone)]
pub(super) struct Cloud {
    frames: Vec<Vec<f32>>,
    /// The same, laid out by [`side_by_side`]: a cloud is compared with many others, and many times.
    groups: Vec<Vec<[f32; LANES]>>,
    /// Side over mid of each frame by band, dB; `None` where either is next to nothing.
    widths_db: Vec<Vec<Option<f32>>>,
    /// Level of each frame, dB: of mid and side, over all bands.
    levels_db: Vec<f64>,
}

impl Cloud {
    /// A cloud of at most 400 frames, evenly spread, from the powers of each frame by band.
    pub(super) fn new(powers: &[Vec<BandPower>]) -> Self {
        let count = powers.len().min(MAX_FRAMES);
        let chosen = || (0..count).map(|index| &powers[index * powers.len() / count]);
        let bands = powers.first().map_or(0, Vec::len);
        let strongest = (0..bands).map(|band| chosen().map(|frame| frame[band].mid).sum::<f32>()).fold(0.0, f32::max);
        let floor = (strongest / count.max(1) as f32 * 10f32.powf(-FLOOR_DB / 10.0)).max(f32::MIN_POSITIVE);
        let centred = |frame: &Vec<BandPower>| {
            let mut levels: Vec<f32> = frame.iter().map(|power| 10.0 * power.mid.max(floor).log10()).collect();
            remove_mean(&mut levels);
            levels
        };
        let width_db = |power: &BandPower| {
            let is_told = power.side > floor && power.mid > floor;
            is_told.then(|| 10.0 * (power.side / power.mid).log10()).filter(|db| *db > MONO_DB)
        };
        let level_db = |frame: &Vec<BandPower>| {
            let power: f64 = frame.iter().map(BandPower::total).sum();
            power_to_db(power.max(f64::from(floor)))
        };
        let frames: Vec<Vec<f32>> = chosen().map(centred).collect();
        Self {
            groups: side_by_side(&frames),
            frames,
            widths_db: chosen().map(|frame| frame.iter().map(width_db).collect()).collect(),
            levels_db: chosen().map(level_db).collect(),
        }
    }
}

/// Lays `from` over `to`, from several starting curves; the one after which most frames find each other wins. Bands with a weight are
/// held by both. `None` under 30 frames on either side.
pub(super) fn register(from: &Cloud, to: &Cloud, starts: &[Vec<f64>], weights: &[f64]) -> Option<Registration> {
    let frames = from.frames.len().min(to.frames.len());
    if frames < MIN_FRAMES {
        return None;
    }
    let ends: Vec<End> = starts.iter().map(|start| settle(from, to, start)).collect();
    let disagreement_db = mean_disagreement(&ends);
    // The first of equals, so that the order of starts decides and nothing else.
    let best = ends.into_iter().reduce(|best, next| if next.pairs.len() > best.pairs.len() { next } else { best })?;
    let End { shift, pairs } = best;
    let pair_share = pairs.len() as f64 / frames as f64;
    Some(Registration {
        scatter_db: scatter(from, to, &pairs, &shift),
        width_db: width_shift(from, to, &pairs),
        level_ratio: level_ratio(from, to, &pairs),
        believed: believed(&pairs).len(),
        disagreement_db,
        held_shift_db: held_shift(from, to, &pairs, weights)
            .unwrap_or_else(|| shift.clone())
            .into_iter()
            .map(f64::from)
            .collect(),
        shift_db: shift.into_iter().map(f64::from).collect(),
        pair_share,
        likeness_ratio: likeness(pair_share, frames, disagreement_db),
    })
}

/// Where a start led to.
struct End {
    shift: Vec<f32>,
    /// Frames that found each other.
    pairs: Vec<Pair>,
}

/// Follows one start to where it no longer moves.
fn settle(from: &Cloud, to: &Cloud, start: &[f64]) -> End {
    let mut shift: Vec<f32> = start.iter().map(|&db| db as f32).collect();
    let mut pairs = mutual_pairs(from, to, &shift);
    for _ in 0..ITERATIONS {
        let Some(next) = median_shift(from, to, &pairs) else { break };
        let moved_db = next.iter().zip(&shift).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        shift = next;
        if moved_db < SETTLED_DB {
            break;
        }
        pairs = mutual_pairs(from, to, &shift);
    }
    End { shift, pairs }
}

/// Mean difference between the shifts that the starts led to, dB, over all pairs of starts.
fn mean_disagreement(ends: &[End]) -> f64 {
    let mut differences = Vec::new();
    for (index, End { shift: a, .. }) in ends.iter().enumerate() {
        for End { shift: b, .. } in &ends[index + 1..] {
            let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).sum();
            differences.push(sum / a.len().max(1) as f64);
        }
    }
    differences.iter().sum::<f64>() / differences.len().max(1) as f64
}

/// A frame of each cloud, and their squared distance.
type Pair = (usize, usize, f32);

/// Frames that are each other's nearest when `shift` is added to the first cloud, nearest pair first.
fn mutual_pairs(from: &Cloud, to: &Cloud, shift: &[f32]) -> Vec<Pair> {
    let mut nearest_to: Vec<(usize, f32)> = Vec::with_capacity(from.frames.len());
    let mut nearest_from = vec![(usize::MAX, f32::INFINITY); to.frames.len()];
    let (arch, mut distances) = (Arch::new(), vec![[0.0; LANES]; to.groups.len()]);
    for (i, frame) in from.frames.iter().enumerate() {
        let mut moved: Vec<f32> = frame.iter().zip(shift).map(|(level, shift)| level + shift).collect();
        remove_mean(&mut moved);
        arch.dispatch(Distances { from: &moved, to: &to.groups, squared: &mut distances });
        let mut nearest = (usize::MAX, f32::INFINITY);
        for (j, (&distance, nearest_from)) in distances.as_flattened().iter().zip(&mut nearest_from).enumerate() {
            if distance < nearest.1 {
                nearest = (j, distance);
            }
            if distance < nearest_from.1 {
                *nearest_from = (i, distance);
            }
        }
        nearest_to.push(nearest);
    }
    let mut pairs: Vec<Pair> = nearest_to
        .into_iter()
        .enumerate()
        .filter(|&(i, (j, _))| nearest_from.get(j).is_some_and(|nearest| nearest.0 == i))
        .map(|(i, (j, distance))| (i, j, distance))
        .collect();
    pairs.sort_by(|a, b| a.2.total_cmp(&b.2));
    pairs
}

/// Frames whose distances are summed together: four vectors of eight, which stay in registers.
const LANES: usize = 32;

/// Frames by the [`LANES`], each group band by band; the last group is filled up with zeros.
fn side_by_side(frames: &[Vec<f32>]) -> Vec<Vec<[f32; LANES]>> {
    let bands = frames.first().map_or(0, Vec::len);
    let lanes_of =
        |group: &[Vec<f32>], band: usize| std::array::from_fn(|lane| group.get(lane).map_or(0.0, |frame| frame[band]));
    frames.chunks(LANES).map(|group| (0..bands).map(|band| lanes_of(group, band)).collect()).collect()
}

/// Squared distances of one frame to all of a cloud, laid out by [`side_by_side`]. A value rather than a closure, so that it is
/// sure to be compiled for the processor that it is dispatched to.
struct Distances<'a> {
    from: &'a [f32],
    to: &'a [Vec<[f32; LANES]>],
    squared: &'a mut [[f32; LANES]],
}

impl NullaryFnOnce for Distances<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (group, squared) in self.to.iter().zip(self.squared) {
            let mut sums = [0.0f32; LANES];
            for (level, others) in self.from.iter().zip(group) {
                for (sum, other) in sums.iter_mut().zip(others) {
                    *sum += (level - other) * (level - other);
                }
            }
            *squared = sums;
        }
    }
}

/// The nearest pairs, those that are believed.
fn believed(pairs: &[Pair]) -> &[Pair] {
    &pairs[..((pairs.len() as f64 * KEPT_SHARE) as usize).max(KEPT_MIN).min(pairs.len())]
}

/// Median absolute deviation of the believed pairs' differences from the shift, by band.
fn scatter(from: &Cloud, to: &Cloud, pairs: &[Pair], shift: &[f32]) -> Vec<f64> {
    let deviation = |band: usize, shift: f32| {
        let differences = believed(pairs).iter().map(|&(i, j, _)| to.frames[j][band] - from.frames[i][band]);
        median(differences.map(|difference| f64::from((difference - shift).abs())).collect()).unwrap_or(0.0)
    };
    shift.iter().enumerate().map(|(band, &shift)| deviation(band, shift)).collect()
}

/// Median difference of the side over the mid over the believed pairs, by band.
fn width_shift(from: &Cloud, to: &Cloud, pairs: &[Pair]) -> Vec<Option<f64>> {
    let bands = from.frames.first().map_or(0, Vec::len);
    let difference =
        |&(i, j, _): &Pair, band: usize| Some(f64::from(to.widths_db[j][band]?) - f64::from(from.widths_db[i][band]?));
    let differences = |band| believed(pairs).iter().filter_map(|pair| difference(pair, band)).collect::<Vec<f64>>();
    (0..bands).map(differences).map(|known| median(known.clone()).filter(|_| known.len() >= KEPT_MIN)).collect()
}

/// Slope of the reduced major axis of the believed pairs' levels: neither programme's level is free of chance, since what is told
/// by its colour may be played louder or softer.
fn level_ratio(from: &Cloud, to: &Cloud, pairs: &[Pair]) -> Option<f64> {
    let pairs = believed(pairs);
    let from_db: Vec<f64> = pairs.iter().map(|&(i, ..)| from.levels_db[i]).collect();
    let to_db: Vec<f64> = pairs.iter().map(|&(_, j, _)| to.levels_db[j]).collect();
    let (spread_from_db, spread_to_db) = (standard_deviation(&from_db)?, standard_deviation(&to_db)?);
    let is_told = spread_from_db >= LEAST_LEVEL_SPREAD_DB && correlation(&from_db, &to_db) >= LEAST_LEVEL_CORRELATION;
    is_told.then(|| spread_to_db / spread_from_db)
}

/// Median difference over the nearest pairs, smoothed over neighbouring bands, mean removed.
fn median_shift(from: &Cloud, to: &Cloud, pairs: &[Pair]) -> Option<Vec<f32>> {
    let mut medians = median_differences(from, to, pairs)?;
    smooth(&mut medians);
    remove_mean(&mut medians);
    Some(medians)
}

/// The same over the bands with a weight alone, and 0 elsewhere; `None` where all have one, or there is no pair.
fn held_shift(from: &Cloud, to: &Cloud, pairs: &[Pair], weights: &[f64]) -> Option<Vec<f32>> {
    let held: Vec<usize> = (0..weights.len()).filter(|&band| weights[band] > 0.0).collect();
    if held.len() == weights.len() {
        return None;
    }
    let medians = median_differences(from, to, pairs)?;
    let mut known: Vec<f32> = held.iter().map(|&band| medians[band]).collect();
    if !known.is_empty() {
        smooth(&mut known);
    }
    remove_mean(&mut known);
    let mut shift = vec![0.0; weights.len()];
    held.iter().zip(known).for_each(|(&band, gain)| shift[band] = gain);
    Some(shift)
}

/// Median difference over the nearest pairs, by band; `None` without any.
fn median_differences(from: &Cloud, to: &Cloud, pairs: &[Pair]) -> Option<Vec<f32>> {
    let kept = believed(pairs);
    let &(first, ..) = kept.first()?;
    let difference = |band: usize| {
        let mut differences: Vec<f32> =
            kept.iter().map(|&(i, j, _)| to.frames[j][band] - from.frames[i][band]).collect();
        let middle = differences.len() / 2;
        *differences.select_nth_unstable_by(middle, f32::total_cmp).1
    };
    Some((0..from.frames[first].len()).map(difference).collect())
}

/// Weights 1/4, 1/2, 1/4 over neighbouring bands; the outermost stand in for their missing neighbours.
pub(super) fn smooth<T: Copy + From<f32> + Add<Output = T> + Mul<Output = T>>(values: &mut [T]) {
    let (quarter, half) = (T::from(0.25), T::from(0.5));
    let original = values.to_vec();
    for (index, value) in values.iter_mut().enumerate() {
        let before = original[index.saturating_sub(1)];
        let after = original[(index + 1).min(original.len() - 1)];
        *value = quarter * before + half * original[index] + quarter * after;
    }
}

fn remove_mean(values: &mut [f32]) {
    let mean = values.iter().sum::<f32>() / values.len().max(1) as f32;
    values.iter_mut().for_each(|value| *value -= mean);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::Noise;

    fn cloud(seed: u64, width_db: f32, shift: impl Fn(usize) -> f32) -> Cloud {
        let mut noise = Noise(seed);
        let mut next = || noise.ratio() as f32;
        let power = |db: f32| 10f32.powf(db / 10.0);
        let mut band_power = |band: usize| {
            let mid = power(-60.0 + 40.0 * next() + shift(band));
            BandPower { mid, side: mid * power(width_db - 6.0 * next()), cross: 0.0 }
        };
        let powers: Vec<Vec<BandPower>> = (0..400).map(|_| (0..27).map(&mut band_power).collect()).collect();
        Cloud::new(&powers)
    }

    fn starts() -> Vec<Vec<f64>> {
        vec![vec![0.0; 27], (0..27).map(|band| f64::from(band) * 0.1 - 1.3).collect()]
    }

    #[test]
    fn a_smooth_curve_between_equal_contents_is_found() {
        let curve = |band: usize| 4.0 * (band as f32 * 0.25).sin();
        let mean = (0..27).map(curve).sum::<f32>() / 27.0;
        let found = register(&cloud(1, -8.0, |_| 0.0), &cloud(1, -5.0, curve), &starts(), &[1.0; 27]).expect("frames");
        assert!(found.pair_share > 0.9 && found.likeness_ratio > 0.95, "{found:?}");
        for (band, shift) in found.shift_db.iter().enumerate() {
            assert!((shift - f64::from(curve(band) - mean)).abs() < 0.35, "band {band}: {shift}");
        }
        assert!(found.width_db.iter().all(|db| db.is_some_and(|db| (db - 3.0).abs() < 0.1)), "{:?}", found.width_db);
    }

    #[test]
    fn what_a_codec_cut_off_is_no_gain() {
        let (held, cut_off) = (24, 60.0);
        let curve = |band: usize| if band < held { 2.0 * (band as f32 * 0.25).sin() } else { -cut_off };
        let mean = (0..held).map(curve).sum::<f32>() / held as f32;
        let weights: Vec<f64> = (0..27).map(|band| if band < held { 1.0 } else { 0.0 }).collect();
        let found = register(&cloud(1, -8.0, |_| 0.0), &cloud(1, -8.0, curve), &starts(), &weights).expect("frames");
        for (band, shift) in found.held_shift_db.iter().enumerate() {
            let wanted = if band < held { f64::from(curve(band) - mean) } else { 0.0 };
            assert!((shift - wanted).abs() < 0.35, "band {band}: {shift}, {wanted}");
        }
        // Smoothing and the mean over all bands would have had it otherwise.
        assert!((found.shift_db[held - 1] - f64::from(curve(held - 1) - mean)).abs() > 5.0);
    }

    #[test]
    fn levels_that_were_evened_out_are_told_from_those_that_were_left() {
        // Sounds of their own colour, each at a level of its own; in the second programme nearer to each other.
        let programme = |slope: f32| {
            let mut noise = Noise(3);
            let frames: Vec<Vec<BandPower>> = (0..400)
                .map(|_| {
                    let level_db = 12.0 * noise.ratio() as f32;
                    let mut band = || 10f32.powf((30.0 * noise.ratio() as f32 - 60.0 + slope * level_db) / 10.0);
                    (0..27).map(|_| band()).map(|mid| BandPower { mid, side: 0.1 * mid, cross: 0.0 }).collect()
                })
                .collect();
            Cloud::new(&frames)
        };
        let ratio =
            |slope| register(&programme(1.0), &programme(slope), &starts(), &[1.0; 27]).expect("frames").level_ratio;
        assert!(ratio(1.0).is_some_and(|ratio| (ratio - 1.0).abs() < 0.01), "{:?}", ratio(1.0));
        assert!(ratio(0.4).is_some_and(|ratio| (0.4..0.55).contains(&ratio)), "{:?}", ratio(0.4));
    }

    #[test]
    fn a_shift_within_its_scatter_is_not_proven() {
        let found = Registration {
            shift_db: vec![2.0, 0.1, -2.0],
            held_shift_db: vec![2.0, 0.1, -2.0],
            scatter_db: vec![0.0, 2.0, 2.0],
            believed: 16,
            pair_share: 1.0,
            likeness_ratio: 1.0,
            disagreement_db: 0.0,
            width_db: vec![None; 3],
            level_ratio: None,
        };
        // Standard error of the last two: 2 dB * 1.4826 / 4.
        let variance = (2.0 * 1.4826 / 4.0f64).powi(2);
        let wanted = [2.0, 0.0, -2.0 * (1.0 - variance / 4.0)];
        for (proven_db, wanted_db) in found.proven_shift_db().iter().zip(wanted) {
            assert!((proven_db - wanted_db).abs() < 1e-12, "{proven_db}");
        }
    }

    #[test]
    fn different_contents_say_so() {
        // Random frames of 27 independent bands find partners by chance far more often than music does.
        let found =
            register(&cloud(1, -8.0, |_| 0.0), &cloud(2, -8.0, |_| 0.0), &starts(), &[1.0; 27]).expect("frames");
        assert!(found.pair_share < 0.4, "{}", found.pair_share);
        assert!(likeness(0.05, 400, 2.0) < 0.02 && likeness(0.3, 400, 0.1) > 0.9);
        assert!(register(&cloud(1, -8.0, |_| 0.0), &Cloud::new(&[]), &starts(), &[1.0; 27]).is_none());
    }
}
