//! The classical matcher: statistics and rules, no model.

use super::stages::{Aims, propose};
use super::tone::Evidence;
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
        let Some(evidence) = Evidence::between(mix, target.reference) else { return Proposal::default() };
        let mut aims = vec![Aims::by_rule(mix, target.reference, &evidence)];
        for other in target.others {
            aims.extend(Evidence::between(mix, other).map(|evidence| Aims::by_rule(mix, other, &evidence)));
        }
        propose(mix, target, amounts, &evidence, &Aims::together(&aims))
    }
}
