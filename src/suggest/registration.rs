//! What was done to a recording, told apart from what was played, where two programmes share content.
//!
//! The long-term spectrum of a programme mixes what was played with how it was produced. But where the same sounds
//! recur in both programmes, their short-term spectra differ by production alone. So the clouds of 0.17 s third-octave
//! spectra are laid over each other by iterative closest points (P. J. Besl, N. D. McKay, "A Method for Registration
//! of 3-D Shapes", IEEE PAMI 14(2), 1992) with one unknown: the shift between them, which is the gain curve. Frames
//! that are each other's nearest after that are the shared content, and how many there are says how far to trust it.

/// Frames taken from each programme at the most: what a comparison of all with all can afford.
const MAX_FRAMES: usize = 400;
const ITERATIONS: usize = 12;
/// Of the mutual pairs, the share with the least distance that is believed.
const KEPT_PAIRS: f64 = 0.7;

/// The outcome.
#[derive(Debug, Clone)]
pub(super) struct Registration {
    /// Gain that turns sounds of the first programme into those of the second, by band, dB, mean 0.
    pub(super) shift_db: Vec<f64>,
    /// Share of frames that found each other: about 0.05 for different songs, 0.2 and more for the same.
    pub(super) pair_share: f64,
}

/// A programme's loud frames: levels in dB by band, each frame's own mean removed, so that level and broadband
/// dynamics drop out.
#[derive(Debug, Clone)]
pub(super) struct Cloud {
    frames: Vec<Vec<f32>>,
}

impl Cloud {
    /// A cloud of at most 400 of the frames, evenly spread.
    pub(super) fn new<'a>(frames: impl ExactSizeIterator<Item = &'a [f32]>) -> Self {
        let stride = frames.len().div_ceil(MAX_FRAMES).max(1);
        let centred = |frame: &[f32]| {
            let mean = frame.iter().sum::<f32>() / frame.len().max(1) as f32;
            frame.iter().map(|level| level - mean).collect()
        };
        Self { frames: frames.step_by(stride).map(centred).collect() }
    }
}

/// Lays `from` over `to`, from several starting curves; the one after which most frames find each other wins.
pub(super) fn register(from: &Cloud, to: &Cloud, starts: &[Vec<f64>]) -> Option<Registration> {
    let smaller = from.frames.len().min(to.frames.len());
    let mut best: Option<Registration> = None;
    for start in starts {
        let mut shift: Vec<f32> = start.iter().map(|&db| db as f32).collect();
        let mut pairs = mutual_pairs(from, to, &shift);
        for _ in 0..ITERATIONS {
            let Some(next) = median_shift(from, to, &pairs) else { break };
            let moved = next.iter().zip(&shift).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
            shift = next;
            pairs = mutual_pairs(from, to, &shift);
            if moved < 0.05 {
                break;
            }
        }
        let pair_share = pairs.len() as f64 / smaller.max(1) as f64;
        if best.as_ref().is_none_or(|best| pair_share > best.pair_share) {
            best = Some(Registration { shift_db: shift.iter().map(|&db| f64::from(db)).collect(), pair_share });
        }
    }
    best.filter(|_| smaller > 0)
}

/// A frame of each cloud, and their squared distance.
type Pair = (usize, usize, f32);

/// Frames that are each other's nearest when `shift` is added to the first cloud, nearest pair first.
fn mutual_pairs(from: &Cloud, to: &Cloud, shift: &[f32]) -> Vec<Pair> {
    let mut nearest_to: Vec<(usize, f32)> = Vec::with_capacity(from.frames.len());
    let mut nearest_from = vec![(usize::MAX, f32::INFINITY); to.frames.len()];
    for (i, frame) in from.frames.iter().enumerate() {
        let moved: Vec<f32> = frame.iter().zip(shift).map(|(level, shift)| level + shift).collect();
        let mut nearest = (usize::MAX, f32::INFINITY);
        for (j, (other, nearest_from)) in to.frames.iter().zip(&mut nearest_from).enumerate() {
            let distance = squared_distance(&moved, other);
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

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums side by side: a single one could not be vectorised without changing its rounding.
    let mut lanes = [0.0f32; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            lanes[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| (a - b) * (a - b)).sum();
    lanes.iter().sum::<f32>() + rest
}

/// Median difference over the nearest pairs, smoothed over neighbouring bands, mean removed.
fn median_shift(from: &Cloud, to: &Cloud, pairs: &[Pair]) -> Option<Vec<f32>> {
    let kept = &pairs[..(pairs.len() as f64 * KEPT_PAIRS).ceil() as usize];
    let &(first, ..) = kept.first()?;
    let bands = from.frames[first].len();
    let mut medians: Vec<f32> = (0..bands)
        .map(|band| {
            let mut differences: Vec<f32> =
                kept.iter().map(|&(i, j, _)| to.frames[j][band] - from.frames[i][band]).collect();
            differences.sort_by(f32::total_cmp);
            differences[differences.len() / 2]
        })
        .collect();
    smooth(&mut medians);
    let mean = medians.iter().sum::<f32>() / bands as f32;
    medians.iter_mut().for_each(|median| *median -= mean);
    Some(medians)
}

/// Weights 1/4, 1/2, 1/4 over neighbouring bands; the outermost stand in for their missing neighbours.
fn smooth(values: &mut [f32]) {
    let original = values.to_vec();
    let at = |index: usize| original[index.min(original.len() - 1)];
    for (index, value) in values.iter_mut().enumerate() {
        *value = 0.25 * at(index.saturating_sub(1)) + 0.5 * original[index] + 0.25 * at(index + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(seed: u32, shift: impl Fn(usize) -> f32) -> Cloud {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32
        };
        let frames: Vec<Vec<f32>> =
            (0..200).map(|_| (0..27).map(|band| -60.0 + 40.0 * next() + shift(band)).collect()).collect();
        Cloud::new(frames.iter().map(Vec::as_slice))
    }

    #[test]
    fn a_smooth_curve_between_equal_contents_is_found() {
        let curve = |band: usize| 4.0 * (band as f32 * 0.25).sin();
        let mean = (0..27).map(curve).sum::<f32>() / 27.0;
        let found = register(&cloud(1, |_| 0.0), &cloud(1, curve), &[vec![0.0; 27]]).expect("frames");
        assert!(found.pair_share > 0.9, "{}", found.pair_share);
        for (band, shift) in found.shift_db.iter().enumerate() {
            assert!((shift - f64::from(curve(band) - mean)).abs() < 0.35, "band {band}: {shift}");
        }
    }

    #[test]
    fn different_contents_say_so() {
        let found = register(&cloud(1, |_| 0.0), &cloud(2, |_| 0.0), &[vec![0.0; 27]]).expect("frames");
        assert!(found.pair_share < 0.4, "{}", found.pair_share);
        assert!(register(&cloud(1, |_| 0.0), &Cloud { frames: Vec::new() }, &[vec![0.0; 27]]).is_none());
    }
}
