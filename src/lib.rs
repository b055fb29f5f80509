//! halfspeed measures a mix and its references, suggests settings, applies them with its own engine, measures again
//! and says what it did.
//!
//! ```text
//! decode    path                 -> AudioBuffer blocks + SourceInfo    io
//! measure   blocks               -> Measurement                        measure
//! suggest   Measurement, Target  -> Recipe + Suggestions               suggest
//! render    Spool, Recipe        -> Processed + ChainLog               engine
//! verify    the written file     -> Measurement, corrections           master
//! translate Measurement          -> Translation                        translate
//! report    all of these         -> text | JSON | HTML                 report
//! ```
//!
//! Arrows point one way: `dsp` and `measure` know nothing of files, settings files or reports; `engine` turns plain
//! settings into processors; writers in `report` never compute.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod advise;
mod aligned;
pub mod audio;
pub mod dsp;
pub mod engine;
pub mod error;
pub mod io;
mod linear;
pub mod master;
pub mod measure;
mod network;
mod parallel;
pub mod paths;
pub mod progress;
pub mod quality;
pub mod report;
pub mod slots;
pub mod source;
mod statistics;
pub mod suggest;
pub mod translate;
pub mod units;

pub use audio::AudioBuffer;
pub use error::{Error, Result};
