//! Signal processors: each unit is plain settings, a processor built from them, and its tests.
//!
//! Processors work in place on blocks of stereo [`Frame`]s in `f64`. None allocates while it processes, and none
//! depends on how a programme is cut into blocks: the same frames come out, bit for bit.

pub mod biquad;
pub mod compressor;
pub mod crossover;
pub mod dither;
pub mod eq;
pub mod interpolation;
pub mod leveler;
pub mod limiter;
pub mod multiband;
pub mod resample;
pub mod soft_clip;
pub mod width;

/// One sample of each channel, left and right, full scale = 1.0.
///
/// Keeping both channels side by side lets the compiler run a filter on them with one vector instruction.
pub type Frame = [f64; 2];
