//! Signal processors: each unit is plain settings, a processor built from them, and its tests.
//!
//! What all of them can do is said by [`Processor`]; those whose settings can be changed while they run are [`Retune`] too. They work in
//! place on blocks of stereo [`Frame`]s in `f64`. None allocates while it processes blocks no larger than those before, and none depends on
//! how a programme is cut into blocks: the same frames come out, bit for bit.

mod bass_crest;
pub mod bass_harmonics;
pub mod biquad;
pub mod coarse;
pub mod compressor;
pub mod convolution;
pub mod crossover;
pub(crate) mod delay_line;
pub mod dither;
pub mod dynamic_eq;
pub mod eq;
pub mod eq_fir;
pub mod expander;
pub mod interpolation;
pub mod leveler;
pub mod limiter;
pub mod linear_crossover;
mod matched;
pub mod minimum_phase;
pub mod multiband;
pub mod noise_shaping;
pub mod parameter;
mod processor;
pub mod prototype;
pub mod resample;
pub mod reverb;
mod ride;
pub mod saturation;
mod section;
mod sliding_maximum;
pub mod smooth;
pub mod soft_clip;
pub mod stereo;
pub mod tamer;
pub mod tempo_delay;
#[cfg(test)]
pub(crate) mod testing;
pub mod transient;
pub mod upward;
pub mod width;
pub(crate) mod window;

pub use self::processor::{Processor, Retune};

/// One sample of each channel, left and right, full scale = 1.0.
///
/// Keeping both channels side by side lets the compiler run a filter on them with one vector instruction.
pub type Frame = [f64; 2];

/// One step of a change of gain in dB on its way to another, of which `coefficient` is left. Where none is wanted, it ends at
/// a ten-thousandth of a dB: what follows long after its cause is bit-exact, and no denormals linger.
fn glide(db: f64, wanted_db: f64, coefficient: f64) -> f64 {
    const NONE_DB: f64 = 1e-4;
    let next_db = wanted_db + coefficient * (db - wanted_db);
    if wanted_db.abs().max(next_db.abs()) < NONE_DB { 0.0 } else { next_db }
}

#[cfg(test)]
mod tests {
    use super::glide;

    #[test]
    fn a_glide_arrives_however_slow_and_ends_in_nothing() {
        // 36 000 steps to 63 %: the first is under 1e-4 dB.
        let coefficient = (-1.0f64 / 36_000.0).exp();
        for wanted_db in [1.4, -1.4, 0.001] {
            let mut db = 0.0;
            (0..600_000).for_each(|_| db = glide(db, wanted_db, coefficient));
            assert!((db / wanted_db - 1.0).abs() < 1e-6, "{db} instead of {wanted_db}");
            (0..600_000).for_each(|_| db = glide(db, 0.0, coefficient));
            assert_eq!(db, 0.0);
        }
        assert_eq!(glide(0.0, 5e-5, 0.5), 0.0);
    }
}
