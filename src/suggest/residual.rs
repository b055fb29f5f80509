//! What a master still lacks of its reference, told by the sounds that both share.

use super::registration::{Cloud, register};
use super::tone::{Evidence, difference, starts};
use crate::measure::spectrum::BandPower;
use crate::statistics::{mean, median};
use crate::units::power_to_db;

/// What sounds of the reference have more of than the same sounds of a master.
#[derive(Debug, Clone, PartialEq)]
pub struct Residual {
    /// Level of the mid, by band of the evidence, less what chance would show, dB.
    pub(super) tone_db: Vec<f64>,
    /// Side over mid, dB; `None` where either programme is mono.
    pub(super) width_db: Option<f64>,
    /// How far mids and sides are off: mean over the bands that both hold and both, dB.
    pub error_db: f64,
    /// How alike the two are, 0 (different songs) to 1 (the same recording).
    pub likeness_ratio: f64,
}

impl Residual {
    /// `frames` are spectra of the master by third octave. `None` where there are too few of them, or where they lack bands that
    /// the evidence has.
    pub(super) fn between(frames: &[&[BandPower]], evidence: &Evidence) -> Option<Self> {
        let of_bands = |frame: &&[BandPower]| evidence.bands.iter().map(|&band| frame.get(band).copied()).collect();
        let master = frames.iter().map(of_bands).collect::<Option<Vec<Vec<BandPower>>>>()?;
        let level_db = |band: usize| {
            let sum: f64 = master.iter().map(|frame| f64::from(frame[band].mid)).sum();
            power_to_db(sum / master.len().max(1) as f64 + 1e-20)
        };
        let levels_db: Vec<f64> = (0..evidence.bands.len()).map(level_db).collect();
        let difference_db = difference(&levels_db, &evidence.reference_db, &evidence.weights);
        let found =
            register(&Cloud::new(&master), &evidence.reference_cloud, &starts(&difference_db), &evidence.weights)?;
        let width_db = median(found.width_db.iter().flatten().copied().collect());
        let bands = found.held_shift_db.iter().zip(&found.width_db).zip(&evidence.weights);
        let held = bands.filter(|(_, weight)| **weight > 0.0);
        let errors_db = held.flat_map(|((mid_db, width_db), _)| [*mid_db, mid_db + width_db.unwrap_or(0.0)]);
        Some(Self {
            width_db,
            error_db: mean(errors_db.map(f64::abs)).unwrap_or(0.0),
            likeness_ratio: found.likeness_ratio,
            tone_db: found.proven_shift_db(),
        })
    }
}
