//! Two files against each other, at the same loudness.

use schemars::JsonSchema;
use serde::Serialize;

use super::AnalysisDocument;
use super::figures::{KEY_FIGURES, change, hertz_range};
use crate::measure::analysis::Analysis;
use crate::measure::wide_bands::{WIDE_BANDS, WideBand};

/// A band this far under the strongest band of its file holds nothing to compare, dB.
const EMPTY_DB: f64 = 60.0;
/// What lies even so far under that is what rounding leaves of a silent side, and no level to compare with, dB.
const SILENT_DB: f64 = 40.0;
/// Differences under this are none, dB.
const LEAST_DB: f64 = 0.05;
/// How many of the largest differences are picked out.
const WORST: usize = 6;

/// `halfspeed.comparison/1`: two files, and how the second differs from the first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ComparisonDocument {
    /// Always `halfspeed.comparison/1`.
    pub schema: &'static str,
    /// The first file.
    pub a: AnalysisDocument,
    /// The second file.
    pub b: AnalysisDocument,
    /// Gain that brings `b` to the integrated loudness of `a`, dB. `None` where either has none.
    pub match_gain_db: Option<f64>,
    /// Key numbers, then width and level spread of the four wide bands.
    pub numbers: Vec<NumberDifference>,
    /// Third-octave levels, rising in frequency.
    pub bands: Vec<BandDifference>,
    /// The largest differences of `bands`, worst first; at most six.
    pub worst: Vec<WorstDifference>,
}

/// A number of both files.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NumberDifference {
    /// Which number: the name of its field in an analysis (`integrated_lufs`), with the wide band of `width_db` and `spread_db`
    /// (`width_db.bass`).
    pub id: String,
    /// What is measured, in words.
    pub measure: String,
    /// Unit of the values; empty for a plain number.
    pub unit: &'static str,
    /// Digits after the point that are worth showing; not part of the JSON.
    #[serde(skip)]
    pub decimals: usize,
    /// Value of the first file. `None` where it has none.
    pub a: Option<f64>,
    /// Value of the second file. `None` where it has none.
    pub b: Option<f64>,
    /// Second minus first. `None` where either has no value.
    pub difference: Option<f64>,
}

/// How the second file differs from the first in one third octave, at the same integrated loudness. `None` where a
/// file has no level, where both lie more than 60 dB under their strongest band, or one of them lies another 40 dB under that.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct BandDifference {
    /// Centre.
    pub center_hz: f64,
    /// Of the mid, dB.
    pub mid_db: Option<f64>,
    /// Of the side, dB.
    pub side_db: Option<f64>,
}

/// One of the largest differences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct WorstDifference {
    /// Centre of the third octave.
    pub center_hz: f64,
    /// `mid` or `side`.
    pub channel: &'static str,
    /// Second minus first at the same integrated loudness, dB.
    pub difference_db: f64,
}

impl ComparisonDocument {
    /// Compares two measured files.
    pub fn new(a: AnalysisDocument, b: AnalysisDocument) -> Self {
        let match_gain_db = change(b.analysis.loudness.integrated_lufs, a.analysis.loudness.integrated_lufs);
        let bands = match_gain_db.map_or_else(Vec::new, |gain_db| bands(&a.analysis, &b.analysis, gain_db));
        Self {
            schema: "halfspeed.comparison/1",
            match_gain_db,
            numbers: numbers(&a.analysis, &b.analysis),
            worst: worst(&bands),
            bands,
            a,
            b,
        }
    }
}

fn numbers(a: &Analysis, b: &Analysis) -> Vec<NumberDifference> {
    let number = |id: String, measure: String, unit, decimals, a: Option<f64>, b: Option<f64>| NumberDifference {
        id,
        measure,
        unit,
        decimals,
        a,
        b,
        difference: change(a, b),
    };
    let mut numbers: Vec<_> = KEY_FIGURES
        .iter()
        .map(|figure| {
            let (a, b) = ((figure.of)(a), (figure.of)(b));
            number(figure.id.into(), figure.name.into(), figure.unit, figure.decimals, a, b)
        })
        .collect();
    for ((WideBand { id, .. }, a), b) in WIDE_BANDS.iter().zip(&a.stereo.bands).zip(&b.stereo.bands) {
        let measure = format!("Width, {}", hertz_range(a.low_hz, a.high_hz));
        numbers.push(number(format!("width_db.{id}"), measure, "dB", 1, a.width_db, b.width_db));
    }
    for ((WideBand { id, .. }, a), b) in WIDE_BANDS.iter().zip(&a.dynamics.bands).zip(&b.dynamics.bands) {
        let measure = format!("Level spread, {}", hertz_range(a.low_hz, a.high_hz));
        numbers.push(number(format!("spread_db.{id}"), measure, "dB", 1, a.spread_db, b.spread_db));
    }
    numbers
}

/// Differences of all third octaves that both files have, with `gain_db` on the second.
fn bands(a: &Analysis, b: &Analysis, gain_db: f64) -> Vec<BandDifference> {
    let (a, b) = (&a.spectrum, &b.spectrum);
    let strongest = |levels: &[Option<f64>]| levels.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let floors = (strongest(&a.mid_db) - EMPTY_DB, strongest(&b.mid_db) - EMPTY_DB);
    let is_there = |(a, b): &(f64, f64)| {
        let (a_over_db, b_over_db) = (a - floors.0, b - floors.1);
        a_over_db.max(b_over_db) > 0.0 && a_over_db.min(b_over_db) > -SILENT_DB
    };
    let difference = |a: Option<f64>, b: Option<f64>| a.zip(b).filter(is_there).map(|(a, b)| b + gain_db - a);
    let levels = a.mid_db.iter().zip(&a.side_db).zip(b.mid_db.iter().zip(&b.side_db));
    a.center_hz
        .iter()
        .zip(levels)
        .map(|(&center_hz, ((mid_a, side_a), (mid_b, side_b)))| BandDifference {
            center_hz,
            mid_db: difference(*mid_a, *mid_b),
            side_db: difference(*side_a, *side_b),
        })
        .collect()
}

fn worst(bands: &[BandDifference]) -> Vec<WorstDifference> {
    let mut all: Vec<_> = bands
        .iter()
        .flat_map(|band| [("mid", band.center_hz, band.mid_db), ("side", band.center_hz, band.side_db)])
        .filter_map(|(channel, center_hz, difference_db)| {
            difference_db.map(|difference_db| WorstDifference { center_hz, channel, difference_db })
        })
        .filter(|worst| worst.difference_db.abs() >= LEAST_DB)
        .collect();
    all.sort_by(|a, b| b.difference_db.abs().total_cmp(&a.difference_db.abs()));
    all.truncate(WORST);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn shifted(gain_db: f64) -> AnalysisDocument {
        let mut document = sample::before();
        let analysis = &mut document.analysis;
        analysis.loudness.integrated_lufs = analysis.loudness.integrated_lufs.map(|lufs| lufs + gain_db);
        for level in analysis.spectrum.mid_db.iter_mut().chain(&mut analysis.spectrum.side_db) {
            *level = level.map(|db| db + gain_db);
        }
        document
    }

    #[test]
    fn a_gain_is_no_difference() {
        let comparison = ComparisonDocument::new(sample::before(), shifted(7.0));
        assert_eq!(comparison.match_gain_db, Some(-7.0));
        let audible: Vec<f64> =
            comparison.bands.iter().flat_map(|band| [band.mid_db, band.side_db]).flatten().collect();
        assert!(audible.len() > 40 && audible.iter().all(|db| db.abs() < 1e-9), "{audible:?}");
        assert_eq!(comparison.numbers[0].difference, Some(7.0));
    }

    #[test]
    fn the_worst_band_comes_first() {
        let mut b = shifted(-3.0);
        b.analysis.spectrum.side_db[12] = b.analysis.spectrum.side_db[12].map(|db| db - 5.0);
        b.analysis.spectrum.mid_db[20] = b.analysis.spectrum.mid_db[20].map(|db| db + 4.0);
        let comparison = ComparisonDocument::new(sample::before(), b);
        let found: Vec<_> = comparison.worst.iter().take(2).map(|w| (w.channel, w.difference_db.round())).collect();
        assert_eq!(found, [("side", -5.0), ("mid", 4.0)]);
        assert_eq!(comparison.worst[0].center_hz, comparison.bands[12].center_hz);
        assert_eq!(comparison.worst.len(), 2, "the others differ by nothing");
    }

    #[test]
    fn bands_that_hold_nothing_are_not_compared() {
        let (mut a, mut b) = (sample::before(), sample::before());
        a.analysis.spectrum.side_db[0] = Some(-130.0);
        b.analysis.spectrum.side_db[0] = Some(-110.0);
        b.analysis.spectrum.mid_db[1] = None;
        let comparison = ComparisonDocument::new(a, b);
        assert_eq!((comparison.bands[0].side_db, comparison.bands[1].mid_db), (None, None));
        // The side of a mono file beside one that is wide.
        let mut mono = sample::before();
        mono.analysis.spectrum.side_db.fill(Some(-170.0));
        let comparison = ComparisonDocument::new(mono, sample::before());
        assert!(comparison.bands.iter().all(|band| band.side_db.is_none() && band.mid_db.is_some()));
    }

    #[test]
    fn silence_has_no_differences() {
        let mut b = sample::before();
        b.analysis.loudness.integrated_lufs = None;
        let comparison = ComparisonDocument::new(sample::before(), b);
        assert_eq!((comparison.match_gain_db, comparison.bands.len(), comparison.worst.len()), (None, 0, 0));
        assert_eq!(comparison.numbers[0].difference, None);
    }

    #[test]
    fn the_json_has_its_schema() {
        let json = serde_json::to_value(ComparisonDocument::new(sample::before(), sample::after())).unwrap();
        assert_eq!(json["schema"], "halfspeed.comparison/1");
        assert_eq!(json["a"]["schema"], "halfspeed.analysis/1");
        assert_eq!(json["numbers"][0]["id"], "integrated_lufs");
        assert!(json["bands"][3]["mid_db"].is_number() && json["worst"][0]["channel"].is_string());
    }
}
