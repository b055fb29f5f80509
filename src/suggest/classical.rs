//! The classical matcher: statistics and rules, no model.

use super::stages::{Aims, gather, propose};
use super::{Amounts, Proposal, Suggester, Target};
use crate::measure::Measurement;

/// Tone by matched content, width and density by band: bold where mix and reference are alike, shy where they aren't.
#[derive(Debug, Clone, Copy, Default)]
pub struct Classical;

impl Suggester for Classical {
    fn name(&self) -> &'static str {
        "classical"
    }

    fn suggest(&self, mix: &Measurement, target: &Target<'_>, amounts: &Amounts) -> Proposal {
        let gathered = gather(mix, target);
        let aims: Vec<Aims> =
            gathered.iter().map(|(reference, evidence)| Aims::by_rule(mix, reference, evidence)).collect();
        propose(mix, target, amounts, &gathered, &Aims::together(&aims))
    }
}
