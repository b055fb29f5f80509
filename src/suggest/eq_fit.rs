//! Fits a few parametric bands to a gain curve.
//!
//! Band after band is added where it helps most, and after each addition all bands are adjusted together
//! (Gauss-Newton with Levenberg's damping on gains, log frequencies and log Qs). The overall level of the curve is
//! free: loudness is set by the limiter's drive.

use crate::dsp::eq::{BandKind, EqBand};
use crate::linear::solve;
use crate::measure::spectrum::ThirdOctaves;
use crate::units::power_to_db;

/// The curve to fit: one point for each third octave.
#[derive(Debug, Clone)]
pub(super) struct Curve<'a> {
    pub(super) centers_hz: &'a [f64],
    pub(super) gains_db: &'a [f64],
    /// How much each point matters, 0 or more.
    pub(super) weights: &'a [f64],
}

impl Curve<'_> {
    /// No band lies above the points that matter: beyond, it would move what nobody asked for, such as what a codec left
    /// over its edge.
    fn highest_hz(&self) -> f64 {
        let highest = self.centers_hz.iter().zip(self.weights).rfind(|(_, weight)| **weight > 0.0);
        highest.map_or(0.0, |(hz, _)| hz * ThirdOctaves::HALF_WIDTH)
    }
}

/// Largest gain of a band, dB.
const MAX_GAIN_DB: f64 = 9.0;
/// A band must take this much off the weighted RMS error, dB, to be worth having.
const WORTHWHILE_DB: f64 = 0.06;
/// The search for a band begins with these.
const BELL_QS: [f64; 4] = [0.5, 0.8, 1.2, 2.0];
const Q_RANGE: (f64, f64) = (0.4, 3.0);
const SHELF_Q: f64 = std::f64::consts::FRAC_1_SQRT_2;
/// Two bells that lie nearer to each other than this, and both boost or both cut, are one, octaves: together they could go beyond its
/// bound.
const LEAST_APART_OCTAVES: f64 = 1.0 / 6.0;
/// A band of less gain would not be heard, dB.
const LEAST_GAIN_DB: f64 = 0.1;

/// At most `max_bands` bands whose sum follows the curve, lowest frequency first. Bands that would not be heard are left out.
pub(super) fn fit(curve: &Curve<'_>, max_bands: usize) -> Vec<EqBand> {
    let mut bands: Vec<EqBand> = Vec::new();
    let mut error = rms_error(curve, &bands);
    while bands.len() < max_bands {
        let Some(candidate) = best_addition(curve, &bands) else { break };
        let mut extended = bands.clone();
        extended.push(candidate);
        refine(curve, &mut extended);
        let extended_error = rms_error(curve, &extended);
        if error - extended_error < WORTHWHILE_DB {
            break;
        }
        (bands, error) = (extended, extended_error);
    }
    let is_heard = |band: &EqBand| band.gain_db.abs() >= LEAST_GAIN_DB;
    bands.retain(is_heard);
    while merge_neighbours(&mut bands) {
        refine(curve, &mut bands);
        bands.retain(is_heard);
    }
    bands.sort_by(|a, b| a.frequency_hz.total_cmp(&b.frequency_hz));
    for band in &mut bands {
        // Settings that people can dial in: nothing is lost at a hundredth of a dB.
        band.frequency_hz = round_to_digits(band.frequency_hz, 3);
        band.gain_db = (band.gain_db * 100.0).round() / 100.0;
        band.q = (band.q * 100.0).round() / 100.0;
        band.name = name_of(band.frequency_hz).into();
    }
    bands
}

/// Makes one bell of the first two that should be one; whether there were any.
fn merge_neighbours(bands: &mut Vec<EqBand>) -> bool {
    let is_bell = |band: &EqBand| band.kind == BandKind::Bell;
    let are_one = |a: &EqBand, b: &EqBand| {
        is_bell(a)
            && is_bell(b)
            && a.channel == b.channel
            && a.gain_db * b.gain_db > 0.0
            && (a.frequency_hz / b.frequency_hz).log2().abs() < LEAST_APART_OCTAVES
    };
    let mut pairs = (1..bands.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
    let Some((first, second)) = pairs.find(|&(first, second)| are_one(&bands[first], &bands[second])) else {
        return false;
    };
    let merged = bands.remove(second);
    let gain_db = bands[first].gain_db + merged.gain_db;
    bands[first].gain_db = gain_db.clamp(-MAX_GAIN_DB, MAX_GAIN_DB);
    true
}

/// What engineers call the region of a frequency.
pub(super) fn name_of(frequency_hz: f64) -> &'static str {
    match frequency_hz {
        ..60.0 => "sub",
        60.0..120.0 => "bass",
        120.0..250.0 => "warmth",
        250.0..600.0 => "low mids",
        600.0..2000.0 => "mids",
        2000.0..5000.0 => "presence",
        5000.0..10_000.0 => "brilliance",
        _ => "air",
    }
}

fn round_to_digits(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits - 1 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

fn response_db(curve: &Curve<'_>, band: &EqBand) -> Vec<f64> {
    let prototypes = band.prototypes();
    let power_at = |&hz: &f64| prototypes.iter().map(|prototype| prototype.power_at(hz)).product();
    curve.centers_hz.iter().map(power_at).map(power_to_db).collect()
}

/// What the bands leave of the curve, its weighted mean removed.
fn residual_db(curve: &Curve<'_>, bands: &[EqBand]) -> Vec<f64> {
    let mut residual = curve.gains_db.to_vec();
    for band in bands {
        for (left, gain) in residual.iter_mut().zip(response_db(curve, band)) {
            *left -= gain;
        }
    }
    remove_mean(curve.weights, &mut residual);
    residual
}

/// Takes the weighted mean off some values.
pub(super) fn remove_mean(weights: &[f64], values: &mut [f64]) {
    let total: f64 = weights.iter().sum();
    let mean = dot(weights, values) / total.max(f64::MIN_POSITIVE);
    values.iter_mut().for_each(|value| *value -= mean);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn weighted_square(weights: &[f64], values: &[f64]) -> f64 {
    weights.iter().zip(values).map(|(weight, value)| weight * value * value).sum()
}

fn rms_error(curve: &Curve<'_>, bands: &[EqBand]) -> f64 {
    let total: f64 = curve.weights.iter().sum();
    (weighted_square(curve.weights, &residual_db(curve, bands)) / total.max(f64::MIN_POSITIVE)).sqrt()
}

/// The single band that takes most off the error, its gain by linear least squares on a band of 1 dB.
fn best_addition(curve: &Curve<'_>, bands: &[EqBand]) -> Option<EqBand> {
    let residual = residual_db(curve, bands);
    let mut best: Option<(f64, EqBand)> = None;
    let highest_hz = curve.highest_hz();
    for &frequency_hz in curve.centers_hz.iter().filter(|&&hz| hz <= highest_hz) {
        let bells = BELL_QS.map(|q| (BandKind::Bell, q));
        for (kind, q) in bells.into_iter().chain([(BandKind::LowShelf, SHELF_Q), (BandKind::HighShelf, SHELF_Q)]) {
            let allowed = match kind {
                BandKind::LowShelf => frequency_hz <= 500.0,
                BandKind::HighShelf => (1500.0..=10_500.0).contains(&frequency_hz),
                _ => true,
            };
            if !allowed {
                continue;
            }
            let mut band = EqBand { kind, frequency_hz, gain_db: 1.0, q, ..EqBand::default() };
            let mut shape = response_db(curve, &band);
            remove_mean(curve.weights, &mut shape);
            let weighted: Vec<f64> = shape.iter().zip(curve.weights).map(|(s, w)| s * w).collect();
            let energy = weighted_square(curve.weights, &shape);
            let projection = dot(&weighted, &residual);
            if energy <= 0.0 {
                continue;
            }
            let gain = projection * projection / energy;
            if best.as_ref().is_none_or(|(most, _)| gain > *most) {
                band.gain_db = (projection / energy).clamp(-MAX_GAIN_DB, MAX_GAIN_DB);
                best = Some((gain, band));
            }
        }
    }
    best.map(|(_, band)| band).filter(|band| band.gain_db != 0.0)
}

/// Adjusts all bands together.
fn refine(curve: &Curve<'_>, bands: &mut Vec<EqBand>) {
    let mut damping = 1e-2;
    let mut error = rms_error(curve, bands);
    for _ in 0..12 {
        let Some(step) = gauss_newton_step(curve, bands, damping) else { return };
        let moved: Vec<EqBand> =
            bands.iter().zip(step.chunks_exact(3)).map(|(band, step)| moved(curve, band, step)).collect();
        let moved_error = rms_error(curve, &moved);
        if moved_error < error {
            let improvement = error - moved_error;
            (*bands, error) = (moved, moved_error);
            damping *= 0.3;
            if improvement < 1e-3 {
                return;
            }
        } else {
            damping *= 5.0;
        }
    }
}

/// A band with its gain, log frequency and log Q moved, within bounds. Shelves keep their Q.
fn moved(curve: &Curve<'_>, band: &EqBand, step: &[f64]) -> EqBand {
    let (low_hz, high_hz): (f64, f64) = match band.kind {
        BandKind::LowShelf => (30.0, 500.0),
        BandKind::HighShelf => (1500.0, 10_500.0),
        _ => (30.0, 16_500.0),
    };
    EqBand {
        gain_db: (band.gain_db + step[0]).clamp(-MAX_GAIN_DB, MAX_GAIN_DB),
        frequency_hz: (band.frequency_hz * step[1].clamp(-0.5, 0.5).exp())
            .clamp(low_hz, high_hz.min(curve.highest_hz()).max(low_hz)),
        q: if band.kind == BandKind::Bell {
            (band.q * step[2].clamp(-0.5, 0.5).exp()).clamp(Q_RANGE.0, Q_RANGE.1)
        } else {
            band.q
        },
        ..band.clone()
    }
}

fn gauss_newton_step(curve: &Curve<'_>, bands: &[EqBand], damping: f64) -> Option<Vec<f64>> {
    const NUDGES: [f64; 3] = [0.05, 0.01, 0.01];
    let mut columns: Vec<Vec<f64>> = Vec::with_capacity(3 * bands.len());
    for band in bands {
        let here = response_db(curve, band);
        for (parameter, nudge) in NUDGES.into_iter().enumerate() {
            let mut step = [0.0; 3];
            step[parameter] = nudge;
            let mut column = response_db(curve, &moved(curve, band, &step));
            for (there, here) in column.iter_mut().zip(&here) {
                *there = (*there - here) / nudge;
            }
            remove_mean(curve.weights, &mut column);
            columns.push(column);
        }
    }
    let residual = residual_db(curve, bands);
    let weighted = |column: &[f64]| -> Vec<f64> { column.iter().zip(curve.weights).map(|(c, w)| c * w).collect() };
    let size = columns.len();
    let mut matrix = vec![vec![0.0; size + 1]; size];
    for (row, column) in columns.iter().enumerate() {
        let weighted = weighted(column);
        for (other, cell) in columns.iter().zip(&mut matrix[row]) {
            *cell = dot(&weighted, other);
        }
        matrix[row][row] = matrix[row][row] * (1.0 + damping) + 1e-6;
        matrix[row][size] = dot(&weighted, &residual);
    }
    solve(&mut matrix)?;
    Some(matrix.iter().map(|row| row[size]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::biquad::Coefficients;

    fn fitted(of: impl Fn(f64) -> f64, max_bands: usize) -> (Vec<EqBand>, f64) {
        let bands = ThirdOctaves::below(48_000);
        let gains_db: Vec<f64> = bands.centers_hz().iter().map(|&hz| of(hz)).collect();
        let weights = vec![1.0; gains_db.len()];
        let curve = Curve { centers_hz: bands.centers_hz(), gains_db: &gains_db, weights: &weights };
        let fit = fit(&curve, max_bands);
        let error = rms_error(&curve, &fit);
        (fit, error)
    }

    #[test]
    fn known_bands_are_found_again() {
        let bell = Coefficients::bell(310.0, -3.5, 1.1, 48_000);
        let shelf = Coefficients::high_shelf(7000.0, 4.0, SHELF_Q, 48_000);
        let (bands, error) = fitted(|hz| bell.gain_db_at(hz, 48_000) + shelf.gain_db_at(hz, 48_000) + 2.0, 8);
        assert!(bands.len() <= 4 && error < 0.1, "{error} dB with {bands:?}");
        let found = bands.iter().find(|band| (band.frequency_hz / 310.0).log2().abs() < 1.0 / 6.0).expect("the bell");
        assert!((found.gain_db + 3.5).abs() < 0.5, "{found:?}");
    }

    #[test]
    fn no_two_bands_at_one_place_go_beyond_the_bound_of_one() {
        let dip = Coefficients::bell(1000.0, -14.0, 2.0, 48_000);
        let (bands, _) = fitted(|hz| dip.gain_db_at(hz, 48_000), 8);
        let cuts: Vec<&EqBand> = bands.iter().filter(|band| band.gain_db < -1.0).collect();
        let is_apart = |pair: &[&EqBand]| (pair[1].frequency_hz / pair[0].frequency_hz).log2() >= LEAST_APART_OCTAVES;
        assert!(!cuts.is_empty() && cuts.windows(2).all(is_apart), "{bands:?}");
    }

    #[test]
    fn nothing_is_set_where_nothing_matters() {
        let bands = ThirdOctaves::below(48_000);
        let gains_db: Vec<f64> = bands.centers_hz().iter().map(|&hz| if hz > 9000.0 { 8.0 } else { 0.0 }).collect();
        for edge_hz in [14_000.0, 1000.0] {
            let weights: Vec<f64> = bands.centers_hz().iter().map(|&hz| f64::from(hz < edge_hz)).collect();
            let fit = fit(&Curve { centers_hz: bands.centers_hz(), gains_db: &gains_db, weights: &weights }, 8);
            assert!(fit.iter().all(|band| band.frequency_hz < edge_hz * 1.03), "{fit:?}");
            assert_eq!(fit.is_empty(), edge_hz < 9000.0);
        }
    }

    #[test]
    fn a_flat_curve_needs_no_band_and_a_rough_one_stays_within_bounds() {
        assert!(fitted(|_| 3.0, 8).0.is_empty());
        let (bands, error) = fitted(|hz| 6.0 * (3.0 * hz.ln()).sin(), 8);
        assert!(bands.len() <= 8 && error < 3.0);
        assert!(bands.iter().all(|band| band.gain_db.abs() <= MAX_GAIN_DB && band.validate(48_000).is_ok()));
    }
}
