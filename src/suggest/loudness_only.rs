//! Nothing but loudness and peaks.

use super::{Amounts, Proposal, Suggester, Target};
use crate::measure::Measurement;

/// Leaves tone, dynamics and width alone: the mark that anything cleverer has to beat.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoudnessOnly;

impl Suggester for LoudnessOnly {
    fn name(&self) -> &'static str {
        "loudness"
    }

    fn suggest(&self, _mix: &Measurement, _target: &Target<'_>, _amounts: &Amounts) -> Proposal {
        Proposal::default()
    }
}
