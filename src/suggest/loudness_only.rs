//! Nothing but loudness and peaks.

use super::{Plan, Suggester, Target};
use crate::measure::Measurement;

/// Leaves tone, dynamics and width alone: the mark that anything cleverer has to beat.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoudnessOnly;

impl Suggester for LoudnessOnly {
    fn name(&self) -> &'static str {
        "loudness"
    }

    fn plan<'a>(&self, mix: &'a Measurement, target: Target<'a>) -> Plan<'a> {
        Plan::nothing(mix, target)
    }
}
