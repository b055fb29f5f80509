//! Stereo tools: where a source sits, how wide it is, and how its channels agree in phase and time.

pub mod alignment;
pub mod band_width;
pub mod crossfeed;
pub mod image;
pub mod pan;
pub mod phase_rotation;
