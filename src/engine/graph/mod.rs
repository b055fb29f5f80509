//! The mix: tracks, sends, buses and a master, each a chain of processors, from plain settings.
//!
//! ```text
//! GraphSettings -> Plan -> Graph -> render
//! names            order    processors
//! ```
//!
//! A strip (track, bus or master) goes through its chain, is placed, and passes its fader. It feeds one output and any
//! number of sends, before or behind the fader. All paths that meet are delayed to the latest of them, so what was
//! together stays together, and the mix as a whole is moved back by what remains. Sums run in the order of the settings:
//! neither the number of threads nor the length of blocks changes a bit.

mod plan;
mod render;
mod run;
mod settings;
#[cfg(test)]
mod tests;

pub use self::render::{TrackInput, render};
pub use self::run::Graph;
pub use self::settings::{GraphSettings, MASTER, MasterSettings, SendSettings, StripSettings};
