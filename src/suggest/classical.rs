//! The classical matcher: statistics and rules, no model.

use super::{Plan, Suggester, Target};
use crate::measure::Measurement;

/// Tone and width by what matched sounds differ by, density by band: bold where mix and reference are alike, shy where they aren't.
#[derive(Debug, Clone, Copy, Default)]
pub struct Classical;

impl Suggester for Classical {
    fn name(&self) -> &'static str {
        "classical"
    }

    fn plan<'a>(&self, mix: &'a Measurement, target: Target<'a>) -> Plan<'a> {
        Plan::by_rule(mix, target)
    }
}
