//! What a master still lacks of its reference, told by the sounds that both share.

use super::registration::{Cloud, placed, register};
use super::tone::{Evidence, difference, of_held, starts};
use crate::measure::spectrum::BandPower;
use crate::statistics::median;
use crate::units::power_to_db;

/// What sounds of the reference have more of than the same sounds of a master.
#[derive(Debug, Clone, PartialEq)]
pub struct Residual {
    /// Level of the mid, by band of the evidence, less what chance would show, dB; 0 where a band is not held.
    pub(super) tone_db: Vec<f64>,
    /// Side over mid, dB; `None` where either programme is mono.
    pub(super) width_db: Option<f64>,
    /// How far mids and sides are off: mean over the bands that are held and both, dB.
    pub error_db: f64,
    /// How alike the two are, 0 (different songs) to 1 (the same recording).
    pub likeness_ratio: f64,
}

impl Residual {
    /// `frames` are spectra of the master by third octave. `None` where there are too few of them, or where they lack bands that
    /// the evidence has.
    pub(super) fn between(frames: &[&[BandPower]], evidence: &Evidence) -> Option<Self> {
        let bands = of_held(&evidence.held, &evidence.bands);
        let of_bands = |frame: &&[BandPower]| bands.iter().map(|&band| frame.get(band).copied()).collect();
        let master = frames.iter().map(of_bands).collect::<Option<Vec<Vec<BandPower>>>>()?;
        let level_db = |band: usize| {
            let sum: f64 = master.iter().map(|frame| f64::from(frame[band].mid)).sum();
            power_to_db(sum / master.len().max(1) as f64 + 1e-20)
        };
        let levels_db: Vec<f64> = (0..bands.len()).map(level_db).collect();
        let reference_db = of_held(&evidence.held, &evidence.reference_db);
        let difference_db = difference(&levels_db, &reference_db, &vec![1.0; bands.len()]);
        let found = register(&Cloud::new(&master), &evidence.reference_cloud, &starts(&difference_db))?;
        let width_db = median(found.width_db.iter().flatten().copied().collect());
        let sides =
            found.shift_db.iter().zip(&found.width_db).map(|(tone_db, width_db)| tone_db + width_db.unwrap_or(0.0));
        let errors: Vec<f64> = found.shift_db.iter().copied().chain(sides).map(f64::abs).collect();
        Some(Self {
            width_db,
            error_db: errors.iter().sum::<f64>() / errors.len().max(1) as f64,
            likeness_ratio: found.likeness_ratio,
            tone_db: placed(&found.proven_shift_db(), &evidence.held, evidence.bands.len()),
        })
    }
}
