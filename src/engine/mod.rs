//! Plain settings in, processed audio out.
//!
//! A [`Recipe`] holds every setting of a master. Rendering goes in two halves, because only the last stage needs to
//! know the whole programme: [`render::process`] runs everything up to the limiter and keeps the result;
//! [`render::Processed::limit`] limits that, as often as it takes to meet a loudness ([`drive`]).

mod chain;
pub mod drive;
mod intervals;
pub mod recipe;
pub mod render;
pub mod source;

pub use recipe::{OutputSettings, Recipe};
pub use source::Source;
