//! What spectra music has, and how far a spectrum departs from them in a given way.
//!
//! The table was made from 221 songs of free game soundtracks (colobot, freedroidrpg, hedgewars, megaglest, naev,
//! singularity, supertux, wesnoth: orchestral, electronic, rock, folk) and 24 finished masters of sections of the same:
//! third-octave levels of the mid over the loud parts, as `halfspeed analyze --json` tells them, the mean from 40 Hz to
//! 10 kHz of each song removed; then median and half the distance of the quantiles at 16 and 84 % of each band.
//!
//! Departures of neighbouring bands go together. The correlation falls as `exp(-distance / 3 octaves)`: a process
//! without memory, so that what a band has is foretold by its neighbours, and a departure counts as far as the trend
//! on both sides does not explain it. Longer or shorter correlations change little.

/// Centre in Hz, level in dB, spread in dB.
const TABLE: [(f64, f64, f64); 25] = [
    (39.8, -0.6, 9.7),
    (50.1, 3.4, 8.3),
    (63.1, 5.1, 6.6),
    (79.4, 5.3, 5.5),
    (100.0, 6.0, 4.7),
    (125.9, 5.3, 4.3),
    (158.5, 4.6, 4.2),
    (199.5, 5.2, 3.5),
    (251.2, 4.3, 4.3),
    (316.2, 5.3, 4.5),
    (398.1, 4.4, 4.6),
    (501.2, 2.8, 4.5),
    (631.0, 2.6, 4.2),
    (794.3, 1.8, 4.3),
    (1000.0, 0.6, 4.1),
    (1258.9, -0.3, 4.3),
    (1584.9, -2.1, 4.1),
    (1995.3, -3.1, 3.8),
    (2511.9, -4.7, 3.8),
    (3162.3, -6.1, 3.9),
    (3981.1, -7.2, 3.7),
    (5011.9, -8.7, 4.9),
    (6309.6, -9.6, 5.4),
    (7943.3, -10.6, 6.6),
    (10_000.0, -12.3, 7.9),
];

/// Distance over which departures of music's spectra lose their kinship, octaves.
const KINSHIP_OCTAVES: f64 = 3.0;

/// Level and spread of music at a frequency, dB. `None` outside of the table.
pub(super) fn of_music(hz: f64) -> Option<(f64, f64)> {
    TABLE.iter().find(|(center_hz, ..)| (hz / center_hz - 1.0).abs() < 0.05).map(|&(_, level, spread)| (level, spread))
}

/// A spectrum's departure from what is expected, with what is known of its scatter.
#[derive(Debug, Clone)]
pub(super) struct Departure {
    /// Band centres.
    pub(super) centers_hz: Vec<f64>,
    /// Measured minus expected, dB; the overall level is free.
    pub(super) departure_db: Vec<f64>,
    /// Lower triangular Cholesky factor of the covariance of what music does by itself.
    factor: Vec<Vec<f64>>,
}

/// How much of a shape is in a departure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share {
    /// Multiples of the shape.
    pub(super) amount: f64,
    /// Its standard deviation.
    pub(super) sigma: f64,
}

impl Share {
    /// What two witnesses say together, each by its own certainty.
    pub(super) fn and(self, other: Self) -> Self {
        let [own, others] = [self, other].map(|share| share.sigma.powi(-2));
        Self {
            amount: (own * self.amount + others * other.amount) / (own + others),
            sigma: (own + others).sqrt().recip(),
        }
    }
}

impl Departure {
    /// From a spectrum of music: bands with their level.
    pub(super) fn from_music(bands: &[(f64, f64)]) -> Self {
        Self::new(
            bands.iter().filter_map(|&(hz, db)| of_music(hz).map(|(level, spread)| (hz, db - level, spread))).collect(),
        )
    }

    /// From bands with their departure and how far it spreads by itself.
    pub(super) fn new(bands: Vec<(f64, f64, f64)>) -> Self {
        let covariance = |a: &(f64, f64, f64), b: &(f64, f64, f64)| {
            let kinship = (-(a.0 / b.0).log2().abs() / KINSHIP_OCTAVES).exp();
            // A little of each band's own keeps the matrix far from singular.
            a.2 * b.2 * if a.0 == b.0 { 1.01 } else { kinship }
        };
        let mut factor: Vec<Vec<f64>> = Vec::new();
        for (row, a) in bands.iter().enumerate() {
            let mut values: Vec<f64> = Vec::with_capacity(row + 1);
            for (column, b) in bands[..=row].iter().enumerate() {
                let known: f64 =
                    (0..column).map(|k| values[k] * if column == row { values[k] } else { factor[column][k] }).sum();
                let rest = covariance(a, b) - known;
                values.push(if column == row { rest.max(1e-9).sqrt() } else { rest / factor[column][column] });
            }
            factor.push(values);
        }
        Self {
            centers_hz: bands.iter().map(|band| band.0).collect(),
            departure_db: bands.iter().map(|band| band.1).collect(),
            factor,
        }
    }

    /// How much of a shape there is: generalised least squares, with a free overall level beside it.
    pub(super) fn share_of(&self, shape_db: impl Fn(f64) -> f64) -> Option<Share> {
        let shape = self.whiten(self.centers_hz.iter().map(|&hz| shape_db(hz)).collect());
        let level = self.whiten(vec![1.0; self.centers_hz.len()]);
        let values = self.whiten(self.departure_db.clone());
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let level_energy = dot(&level, &level);
        let slant = dot(&shape, &level) / level_energy;
        // What of the shape is no overall level.
        let own: Vec<f64> = shape.iter().zip(&level).map(|(s, l)| s - slant * l).collect();
        let energy = dot(&own, &own);
        (level_energy > 0.0 && energy > 1e-9)
            .then(|| Share { amount: dot(&own, &values) / energy, sigma: energy.sqrt().recip() })
    }

    /// Solves the triangular system: unit variances, no correlation.
    fn whiten(&self, mut values: Vec<f64>) -> Vec<f64> {
        for row in 0..values.len() {
            let (done, rest) = values.split_at_mut(row);
            let known: f64 = self.factor[row].iter().zip(done.iter()).map(|(f, v)| f * v).sum();
            rest[0] = (rest[0] - known) / self.factor[row][row];
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The level of music at every band, with a departure on top.
    fn spectrum(departure_db: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        TABLE.iter().map(|&(hz, level, _)| (hz, level + departure_db(hz))).collect()
    }

    #[test]
    fn the_amount_of_a_shape_is_exact_whatever_the_level() {
        let bump = |hz: f64| (-(hz / 300.0).log2().powi(2)).exp();
        for level_db in [-40.0, 0.0, 20.0] {
            let found = Departure::from_music(&spectrum(|hz| level_db + 5.0 * bump(hz))).share_of(bump);
            assert!(found.is_some_and(|share| (share.amount - 5.0).abs() < 1e-9 && share.sigma > 1.0), "{found:?}");
        }
    }

    #[test]
    fn a_trend_is_no_bump() {
        let bump = |hz: f64| (-(hz / 300.0).log2().powi(2)).exp();
        let tilted = Departure::from_music(&spectrum(|hz| -2.0 * (hz / 1000.0).log2()));
        let share = tilted.share_of(bump).expect("all bands are known");
        assert!(share.amount.abs() < 2.0, "{share:?}");
    }

    #[test]
    fn of_two_witnesses_the_surer_counts_more() {
        let share = |amount, sigma| Share { amount, sigma };
        assert_eq!(share(4.0, 3.0).and(share(2.0, 3.0)), share(3.0, 3.0 / 2f64.sqrt()));
        let together = share(4.0, 1.0).and(share(-10.0, 1e6));
        assert!((together.amount - 4.0).abs() < 1e-6 && together.sigma < 1.0 + 1e-9, "{together:?}");
    }

    #[test]
    fn too_few_bands_say_nothing() {
        assert_eq!(Departure::from_music(&[]).share_of(|_| 1.0), None);
        assert_eq!(Departure::new(vec![(1000.0, 3.0, 3.0)]).share_of(|_| 1.0), None);
    }
}
