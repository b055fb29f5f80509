//! Plain settings in, processed audio out.
//!
//! A [`Recipe`] holds every setting of a master. Rendering goes in two halves, because only the last stage needs to
//! know the whole programme: [`render::process`] runs everything up to the limiter and keeps the result;
//! [`render::Processed::limit`] limits that, as often as it takes to meet a loudness ([`drive`]).
//!
//! A [`graph::GraphSettings`] holds every setting of a mix: tracks, buses and a master, each with a chain of
//! [`processors`].

mod chain;
pub mod drive;
pub mod graph;
mod intervals;
mod opening;
pub mod processors;
pub mod recipe;
pub mod render;

pub use recipe::{OutputSettings, Recipe};
