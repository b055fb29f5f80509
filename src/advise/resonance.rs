//! Resonances: narrow peaks that stand at one frequency whatever is played.
//!
//! Notes make narrow peaks too, but only while they sound, and narrower ones: a tone fills one band of a 24th of an
//! octave, a resonance lifts everything around it. So each band's level is looked at where it is low, in the middle and
//! high, over time, and what is narrower than two bands is taken off each of these spectra (a running median of three).

use super::fine::{BANDS_PER_OCTAVE, FineSpectrum};
use super::thresholds::{RESONANCE_DB, RESONANCE_OCTAVES};
use super::words::hertz;
use super::{Advice, Mend, Severity, evidence};
use crate::measure::analysis::{median, quantile};

/// Quantiles of the level over time.
const SHARES: [f64; 3] = [0.2, 0.5, 0.9];
/// Frames this far under the loudest are pauses, dB.
const PAUSE_DB: f32 = 40.0;
/// Fewer frames than this, 0.37 s each, say nothing of what is always there.
const MIN_FRAMES: usize = 12;
/// The surroundings: bands this far away, on both sides.
const NEAR: usize = 5;
const FAR: usize = 14;
/// Form of a resonance of Q 14 in these bands, from its top outwards, after the median, for a height of 1 dB.
const SHAPE: [f64; 5] = [0.59, 0.59, 0.31, 0.18, 0.11];
/// Width of an endlessly narrow peak in this analysis, octaves.
const OWN_OCTAVES: f64 = 0.13;
/// Peaks closer than this are one.
const APART: usize = 8;
/// What stands out less is no peak, dB.
const MIN_HEIGHT_DB: f64 = 2.0;
/// At most so many are told.
const MOST: usize = 4;

/// A narrow peak.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Peak {
    hz: f64,
    height_db: f64,
    octaves: f64,
}

pub(super) fn advice(fine: &FineSpectrum) -> Vec<Advice> {
    let is_told = |peak: &Peak| peak.height_db >= RESONANCE_DB && RESONANCE_OCTAVES.contains(&peak.octaves);
    let mut peaks: Vec<Peak> = peaks(fine).into_iter().filter(is_told).collect();
    peaks.sort_by(|a, b| b.height_db.total_cmp(&a.height_db));
    peaks.truncate(MOST);
    peaks.iter().map(told).collect()
}

fn told(peak: &Peak) -> Advice {
    let Peak { hz, height_db, octaves } = *peak;
    // The analysis itself is some bands wide.
    let octaves = octaves.powi(2) - OWN_OCTAVES.powi(2);
    let half = (0.5 * octaves.max(0.0025).sqrt()).exp2();
    let q = half / (half * half - 1.0);
    Advice {
        id: "resonance",
        severity: if height_db > 2.0 * RESONANCE_DB { Severity::Medium } else { Severity::Low },
        confidence: (0.3 + 0.05 * (height_db - RESONANCE_DB)).clamp(0.3, 0.6),
        message: format!(
            "a narrow peak at {} stands {height_db:.0} dB over its surroundings, whatever is played. A hint: it may be a \
             resonance of a room, a drum or a filter, or a note that is meant; engineers often disagree on these",
            hertz(hz)
        ),
        band_hz: Some([hz / half, hz * half]),
        times_s: Vec::new(),
        evidence: evidence([("frequency_hz", hz), ("height_db", height_db), ("q", q)]),
        fix: format!(
            "bell -{:.0} dB at {}, Q {q:.0}, on the track that rings; sweep it a little to find the exact place",
            (0.6 * height_db).min(9.0),
            hertz(hz)
        ),
        mend: Mend::Master,
    }
}

/// All narrow peaks of the spectrum.
fn peaks(fine: &FineSpectrum) -> Vec<Peak> {
    let level = |frame: &&[f32]| frame.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let loudest_db = fine.frames().map(|frame| level(&frame)).fold(f32::NEG_INFINITY, f32::max);
    let frames: Vec<&[f32]> = fine.frames().filter(|frame| level(frame) > loudest_db - PAUSE_DB).collect();
    let centers_hz = fine.centers_hz();
    if frames.len() < MIN_FRAMES || centers_hz.len() < 2 * FAR {
        return Vec::new();
    }
    let quantiles: Vec<[f64; 3]> = (0..centers_hz.len())
        .map(|band| {
            let mut levels: Vec<f64> = frames.iter().map(|frame| f64::from(frame[band])).collect();
            levels.sort_by(f64::total_cmp);
            SHARES.map(|share| quantile(&levels, share).unwrap_or(f64::NEG_INFINITY))
        })
        .collect();
    let quantiles = without_tones(&quantiles);
    // How much of a resonance's shape stands over the surroundings, in each quantile; the least of them.
    let height = |band: usize| -> Option<f64> {
        let below = band.checked_sub(FAR)?..=band - NEAR;
        let above = band + NEAR..=band + FAR;
        if *above.end() >= quantiles.len() {
            return None;
        }
        let share_of = |which: usize| {
            let side = |range: std::ops::RangeInclusive<usize>| median(range.map(|b| quantiles[b][which]).collect());
            let ground = side(below.clone())?.max(side(above.clone())?);
            let rise =
                |offset: usize| 0.5 * (quantiles[band - offset][which] + quantiles[band + offset][which]) - ground;
            let product: f64 =
                SHAPE.iter().enumerate().map(|(offset, shape)| rise(offset) * shape * sides(offset)).sum();
            let energy: f64 = SHAPE.iter().enumerate().map(|(offset, shape)| shape * shape * sides(offset)).sum();
            Some(product / energy)
        };
        Some(share_of(0)?.min(share_of(1)?).min(share_of(2)?))
    };
    let heights: Vec<f64> = (0..quantiles.len()).map(|band| height(band).unwrap_or(0.0)).collect();
    let is_peak = |band: &usize| {
        let around = band.saturating_sub(APART)..=(band + APART).min(heights.len() - 1);
        // The first of a plateau is its top.
        let is_top =
            |other: usize| heights[other] < heights[*band] || (heights[other] == heights[*band] && other >= *band);
        heights[*band] > MIN_HEIGHT_DB && around.clone().all(is_top)
    };
    (0..heights.len()).filter(is_peak).map(|band| shape(centers_hz, &heights, band)).collect()
}

/// Bands that lie so far from a peak: one at the top, two elsewhere.
fn sides(offset: usize) -> f64 {
    if offset == 0 { 1.0 } else { 2.0 }
}

/// The median of each band and its two neighbours.
fn without_tones(quantiles: &[[f64; 3]]) -> Vec<[f64; 3]> {
    (0..quantiles.len())
        .map(|band| {
            let around = &quantiles[band.saturating_sub(1)..(band + 2).min(quantiles.len())];
            [0, 1, 2].map(|which| median(around.iter().map(|levels| levels[which]).collect()).unwrap_or_default())
        })
        .collect()
}

/// Place and width of the peak with its top in a band.
fn shape(centers_hz: &[f64], heights: &[f64], band: usize) -> Peak {
    let at = |offset: isize| band.checked_add_signed(offset).and_then(|b| heights.get(b)).copied().unwrap_or(0.0);
    let top = at(0);
    // Steps to where it has fallen to half of its height in dB.
    let reach = |direction: isize| {
        (1..=FAR as isize).find(|step| at(direction * step) <= 0.5 * top).map_or(FAR as f64, |step| {
            let (before, after) = (at(direction * (step - 1)), at(direction * step));
            (step - 1) as f64 + (before - 0.5 * top) / (before - after).max(1e-9)
        })
    };
    let (below, above) = (reach(-1), reach(1));
    let middle = 0.5 * (above - below);
    Peak {
        hz: centers_hz[band] * (middle / BANDS_PER_OCTAVE).exp2(),
        height_db: top,
        octaves: (below + above) / BANDS_PER_OCTAVE,
    }
}
