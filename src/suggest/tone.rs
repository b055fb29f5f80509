//! Which gain curve to aim for.
//!
//! Taking over a reference's long-term spectrum takes over its arrangement too: on another song that leaves more error
//! to the true production EQ than doing nothing. So two pieces of evidence are weighed by how much content both
//! programmes share: the difference of the long-term spectra, and the registration of matched frames.

use super::CurvePoint;
use super::eq_fit::remove_mean;
use super::registration::{Cloud, Registration, register, smooth};
use crate::measure::Measurement;
use crate::measure::spectrum::{BandPower, ThirdOctaves};
use crate::statistics::median;

/// What tone was asked for, and how sure that is.
#[derive(Debug, Clone)]
pub(super) struct Tone {
    /// Third-octave centres.
    pub(super) centers_hz: Vec<f64>,
    /// Gain to aim for, dB.
    pub(super) curve_db: Vec<f64>,
    /// How much each point matters: 0 where the reference or the mix holds nothing.
    pub(super) weights: Vec<f64>,
    /// How alike the two programmes are, 0 to 1.
    pub(super) likeness_ratio: f64,
    /// Share of moments of the mix that have a twin in the reference.
    pub(super) matched_ratio: f64,
}

impl Tone {
    /// A curve to aim for, over as many bands as have a gain. Gains bend towards their bound, over and under the level that the curve calls
    /// its zero, and are 0 where there is nothing to be matched.
    pub(super) fn of_curve(centers_hz: Vec<f64>, weights: Vec<f64>, curve_db: &[f64]) -> Self {
        let bounded = |(gain, weight): (&f64, &f64)| weight * MAX_GAIN_DB * (gain / MAX_GAIN_DB).tanh();
        let curve_db: Vec<f64> = curve_db.iter().zip(&weights).map(bounded).collect();
        let (mut centers_hz, mut weights) = (centers_hz, weights);
        centers_hz.truncate(curve_db.len());
        weights.truncate(curve_db.len());
        Self { centers_hz, curve_db, weights, likeness_ratio: 0.0, matched_ratio: 0.0 }
    }

    /// The same without what a sample rate can't hold.
    pub(super) fn below(mut self, sample_rate_hz: u32) -> Self {
        let highest_hz = ThirdOctaves::below(sample_rate_hz).centers_hz().last().copied().unwrap_or(0.0);
        let kept = self.centers_hz.partition_point(|&hz| hz <= highest_hz);
        self.centers_hz.truncate(kept);
        self.curve_db.truncate(kept);
        self.weights.truncate(kept);
        self
    }
}

/// Bands from here to there take part: below, there is rumble; above, codecs and hiss.
const RANGE_HZ: (f64, f64) = (35.0, 17_000.0);
/// A band this far under a programme's strongest band holds nothing to be matched, dB.
const EMPTY_DB: f64 = 60.0;
/// A fall by more than this from one band to the next, above 8 kHz, is a codec's or converter's low-pass, dB.
const EDGE_DB: f64 = 12.0;
/// Gains bend towards this bound, dB.
const MAX_GAIN_DB: f64 = 10.0;
/// Of a difference that may be arrangement as well as production, the share to take over: more than a tenth of
/// another song's spectrum leaves more error than it mends.
const UNPROVEN_SHARE: f64 = 0.1;

/// How much the sides count beside the mids. On pairs of the same song, of packages that are in no test, masters came 3 %
/// nearer to the true ones (MR-STFT); from 0.3 to 0.6 it hardly matters.
const SIDE_SHARE: f64 = 0.35;

/// What speaks for a gain curve.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    /// The third octaves that take part, by their number in the spectrum.
    pub(super) bands: Vec<usize>,
    /// Their centres.
    pub(super) centers_hz: Vec<f64>,
    /// Level of the mix's mid in its loud parts, dB.
    pub(super) mix_db: Vec<f64>,
    /// Level of the reference's mid in its loud parts, dB.
    pub(super) reference_db: Vec<f64>,
    /// 0 where the reference or the mix holds nothing, else 1.
    pub(super) weights: Vec<f64>,
    /// Reference minus mix, smoothed, mean 0, dB.
    pub(super) difference_db: Vec<f64>,
    /// The reference's loud parts.
    pub(super) reference_cloud: Cloud,
    /// What matched frames say; `None` for too short a programme.
    pub(super) registration: Option<Registration>,
}

impl Evidence {
    /// Gathers it. `None` if either programme is silent.
    pub(super) fn between(mix: &Measurement, reference: &Measurement) -> Option<Self> {
        let count = mix.spectrum.bands.centers_hz().len().min(reference.spectrum.bands.centers_hz().len());
        let (mix_levels, reference_levels) = (Levels::of(mix, count)?, Levels::of(reference, count)?);
        let Levels { bands, centers_hz, levels_db: mix_db, holds: mix_holds } = mix_levels;
        let Levels { levels_db: reference_db, holds: reference_holds, .. } = reference_levels;
        let weights: Vec<f64> =
            mix_holds.iter().zip(&reference_holds).map(|(a, b)| if *a && *b { 1.0 } else { 0.0 }).collect();

        let difference_db = difference(&mix_db, &reference_db, &weights);
        let reference_cloud = loud_cloud(reference, &bands);
        let registration = register(&loud_cloud(mix, &bands), &reference_cloud, &starts(&difference_db), &weights);
        Some(Self { bands, centers_hz, mix_db, reference_db, weights, difference_db, reference_cloud, registration })
    }

    /// How alike the two programmes are, 0 to 1.
    pub(super) fn likeness_ratio(&self) -> f64 {
        self.registration.as_ref().map_or(0.0, |found| found.likeness_ratio)
    }

    /// How much more side over mid the second programme's sounds have, dB: the median over the bands. `None` without matched
    /// frames that have both.
    pub(super) fn matched_width_db(&self) -> Option<f64> {
        median(self.registration.as_ref()?.width_db.iter().flatten().copied().collect())
    }

    /// What the sides of the matched frames say beyond their mids, by band, smoothed, dB: an equaliser that works on both
    /// channels changes them alike, so that they tell of the same curve a second time. 0 where there is no side.
    fn side_departure_db(&self) -> Vec<f64> {
        let mut departure_db = vec![0.0; self.bands.len()];
        if let (Some(found), Some(middle_db)) = (&self.registration, self.matched_width_db()) {
            for (departure_db, width_db) in departure_db.iter_mut().zip(&found.width_db) {
                *departure_db = width_db.map_or(0.0, |width_db| width_db - middle_db);
            }
            smooth(&mut departure_db);
        }
        departure_db
    }

    /// A curve to aim for, over the bands of the evidence that has most, with this evidence's words about it.
    pub(super) fn tone(&self, curve_db: &[f64], widest: &Self) -> Tone {
        Tone {
            likeness_ratio: self.likeness_ratio(),
            matched_ratio: self.registration.as_ref().map_or(0.0, |found| found.pair_share),
            ..Tone::of_curve(widest.centers_hz.clone(), widest.weights.clone(), curve_db)
        }
    }

    /// The points of a curve.
    pub(super) fn curve(&self, gains_db: &[f64]) -> Vec<CurvePoint> {
        let points = self.centers_hz.iter().zip(gains_db);
        points.map(|(&frequency_hz, &gain_db)| CurvePoint { frequency_hz, gain_db }).collect()
    }

    /// Gain that turns the mix's sounds into the reference's where both share content: what the matched frames' mids say, and in
    /// part their sides. 0 for too short a programme.
    fn shared_db(&self) -> Vec<f64> {
        let Some(found) = &self.registration else { return vec![0.0; self.bands.len()] };
        found
            .held_shift_db
            .iter()
            .zip(self.side_departure_db())
            .map(|(mid_db, side_db)| mid_db + SIDE_SHARE * side_db)
            .collect()
    }

    /// The same where both hold something.
    pub(super) fn shared_curve(&self) -> Vec<CurvePoint> {
        let points = self.curve(&self.shared_db()).into_iter().zip(&self.weights);
        points.filter(|(_, weight)| **weight > 0.0).map(|(point, _)| point).collect()
    }

    /// The curve by rule: shared content as far as there is any, a little of the average otherwise.
    pub(super) fn rule_db(&self) -> Vec<f64> {
        let likeness = self.likeness_ratio();
        let gain = |(shared, average): (f64, &f64)| likeness * shared + (1.0 - likeness) * UNPROVEN_SHARE * average;
        self.shared_db().into_iter().zip(&self.difference_db).map(gain).collect()
    }
}

/// Levels of the third octaves that take part.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    /// The bands, by their number in the spectrum.
    pub(super) bands: Vec<usize>,
    /// Their centres.
    pub(super) centers_hz: Vec<f64>,
    /// Level of the mid in the loud parts, dB.
    pub(super) levels_db: Vec<f64>,
    /// Whether there is anything: not empty, and not past a codec's edge.
    pub(super) holds: Vec<bool>,
}

impl Levels {
    /// Those of a programme, out of the first `count` bands of its spectrum. `None` if it is silent.
    pub(super) fn of(measurement: &Measurement, count: usize) -> Option<Self> {
        let all_hz = measurement.spectrum.bands.centers_hz();
        let count = count.min(all_hz.len());
        let bands: Vec<usize> = (0..count).filter(|&band| (RANGE_HZ.0..RANGE_HZ.1).contains(&all_hz[band])).collect();
        let spectrum = &measurement.loud_spectrum;
        let levels_db: Vec<f64> = bands.iter().map(|&band| spectrum[band].mid_db()).collect();
        let centers_hz: Vec<f64> = bands.iter().map(|&band| all_hz[band]).collect();
        let holds = holding(&centers_hz, &levels_db)?;
        Some(Self { bands, centers_hz, levels_db, holds })
    }
}

/// Which bands hold something: not empty, and not past a codec's edge. `None` for a silent programme.
fn holding(centers_hz: &[f64], levels_db: &[f64]) -> Option<Vec<bool>> {
    let strongest_db = levels_db.iter().copied().fold(f64::MIN, f64::max);
    if strongest_db < -120.0 {
        return None;
    }
    let edge =
        (1..levels_db.len()).find(|&band| centers_hz[band] > 8000.0 && levels_db[band] < levels_db[band - 1] - EDGE_DB);
    let edge = edge.unwrap_or(levels_db.len());
    Some(levels_db.iter().enumerate().map(|(band, db)| band < edge && *db > strongest_db - EMPTY_DB).collect())
}

/// What a second spectrum has more of than a first, dB: smoothed, mean 0, and nothing where the weight is 0.
pub(super) fn difference(from_db: &[f64], to_db: &[f64], weights: &[f64]) -> Vec<f64> {
    let mut difference_db: Vec<f64> = to_db.iter().zip(from_db).map(|(to, from)| to - from).collect();
    remove_mean(weights, &mut difference_db);
    for (difference, weight) in difference_db.iter_mut().zip(weights) {
        *difference *= weight;
    }
    smooth(&mut difference_db);
    difference_db
}

/// Shifts from which to lay one programme's frames over another's: none, half and all of what their spectra differ by.
pub(super) fn starts(difference_db: &[f64]) -> [Vec<f64>; 3] {
    let scaled = |ratio: f64| difference_db.iter().map(|db| ratio * db).collect();
    [scaled(0.0), scaled(0.5), scaled(1.0)]
}

/// The loud parts of a programme, in some of its bands.
fn loud_cloud(measurement: &Measurement, bands: &[usize]) -> Cloud {
    let of_bands = |frame: &[BandPower]| -> Vec<BandPower> { bands.iter().map(|&band| frame[band]).collect() };
    Cloud::new(&measurement.loud_spectra().map(of_bands).collect::<Vec<_>>())
}
