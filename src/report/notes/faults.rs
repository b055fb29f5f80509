//! What quality control finds in mix and master.

use crate::quality::{Check, Finding, Severity};
use crate::report::figures::number;

/// What of a fault grows by as much is told again, a share or a number of times by the factor, a level by dB.
const GROWN_RATIO: f64 = 1.5;
const GROWN_DB: f64 = 3.0;

/// Whether a finding is worth a note: a warning or a failure. A small offset is none, as nobody hears it.
fn matters(finding: &Finding) -> bool {
    finding.severity == Severity::Fail || finding.severity == Severity::Warning && finding.id != Check::Dc
}

/// What quality control finds in mix and master.
pub(super) struct Found<'a> {
    pub(super) mix: &'a [Finding],
    pub(super) master: &'a [Finding],
    /// How much louder the master is.
    pub(super) louder_lu: f64,
    /// Whether harmonics were made for the bass: those of one at the mains frequency are no hum.
    pub(super) makes_harmonics: bool,
    /// Gain of the side.
    pub(super) side_gain_db: f64,
    /// By how much its equaliser makes it wider, dB.
    pub(super) eq_width_db: f64,
}

impl Found<'_> {
    /// Whether the mix has as grave a fault as the master.
    fn is_known(&self, found: &Finding) -> bool {
        self.mix.iter().any(|known| known.id == found.id && known.severity >= found.severity)
    }

    /// What the master has and the mix had not, or less grave: what the listener gets, whoever caused it.
    pub(super) fn master_notes(&self) -> Vec<String> {
        let is_ours = |found: &Finding| found.id == Check::Hum && self.makes_harmonics;
        let told = |found: &Finding| {
            of_the_mix(found).or_else(|| self.widened(found)).unwrap_or_else(|| {
                let known = self.mix.iter().find(|known| known.id == found.id);
                format!("In the master: {}.{}", found.message, self.growth(known, Some(found)))
            })
        };
        let is_new = |found: &&Finding| matters(found) && !self.is_known(found) && !is_ours(found);
        self.master.iter().filter(is_new).map(told).collect()
    }

    /// Channels that work against each other by what was set, for which there is nothing to look for in the mix.
    fn widened(&self, found: &Finding) -> Option<String> {
        let (side_gain_db, by_eq_db) = (self.side_gain_db, self.eq_width_db);
        let is_opposed = |finding: &Finding| matches!(finding.id, Check::Phase | Check::Polarity);
        (is_opposed(found) && side_gain_db.max(by_eq_db) > 0.0 && !self.mix.iter().any(is_opposed)).then(|| {
            let in_parts = found.value.filter(|_| found.id == Check::Phase);
            let share = in_parts.map_or(String::new(), |percent| format!(" in {percent:.0} % of the loud parts"));
            let (means, remedy) = if side_gain_db >= by_eq_db {
                let means = format!("the {side_gain_db:+.1} dB of the side");
                (means, "--amount-width 0, or a lower width.side_gain_db in its recipe, leaves that out")
            } else {
                let means = format!("the equaliser, which widens by {by_eq_db:.1} dB");
                (means, "less of it (--amount-eq), or a lower width.side_gain_db in its recipe, opposes them less")
            };
            format!(
                "In the master: left and right work against each other{share}, mostly through {means}: in mono it gets quieter; {remedy}."
            )
        })
    }

    /// What the mix has, and how much more of it is in the master.
    pub(super) fn mix_notes(&self) -> Vec<String> {
        let told = |known: &Finding| {
            // What has become graver is told of the master.
            let found = self.master.iter().find(|found| found.id == known.id && known.severity >= found.severity);
            format!("In the mix: {}.{}", known.message, self.growth(Some(known), found))
        };
        self.mix.iter().filter(|known| matters(known)).map(told).collect()
    }

    /// A sentence on a fault of which there is clearly more in the master.
    fn growth(&self, known: Option<&Finding>, found: Option<&Finding>) -> String {
        known
            .zip(found)
            .filter(|(known, found)| has_grown(known, found, self.louder_lu))
            .filter(|(known, _)| known.id != Check::Hum || !self.makes_harmonics)
            .map_or(String::new(), |(known, found)| {
                format!(" It has grown: in the mix {}, in the master {}.", amount(known), amount(found))
            })
    }
}

/// What only comes to light in the master, and is the mix's. What is to be done about such a file is no advice on one that was just
/// written.
fn of_the_mix(found: &Finding) -> Option<String> {
    let value = found.value?;
    match found.id {
        Check::LossySource => Some(format!("The mix ends at {:.1} kHz, which shows in the master.", 1e-3 * value)),
        Check::UpSampled => Some(format!("The mix holds nothing above {:.2} kHz.", 0.5e-3 * value)),
        Check::PaddedBits => Some(format!("The mix uses {value:.0} bits.")),
        _ => None,
    }
}

/// Whether there is clearly more of a fault in a master that is so much louder.
fn has_grown(known: &Finding, found: &Finding, louder_lu: f64) -> bool {
    let Some((value, was)) = found.value.zip(known.value) else { return false };
    let more = value - was;
    match found.id {
        Check::Dc | Check::Clipping | Check::Phase => value.abs() >= GROWN_RATIO * was.abs(),
        Check::Balance => value.abs() - was.abs() >= GROWN_DB,
        Check::InterSampleOvers | Check::Click | Check::SubSonic => more >= GROWN_DB,
        // Heard beside the music, which grows too.
        Check::Hum | Check::Noise | Check::CutStart | Check::CutEnd => more - louder_lu >= GROWN_DB,
        // There or not, or nothing that mastering adds to.
        Check::Silent
        | Check::HeadSilence
        | Check::TailSilence
        | Check::Dropout
        | Check::Polarity
        | Check::DualMono
        | Check::DeadChannel
        | Check::ChannelDelay
        | Check::UpSampled
        | Check::PaddedBits
        | Check::LossySource => false,
    }
}

/// How much there is of a fault: `1.4 %`, `12 peaks`, `-48.3 dBFS`.
fn amount(finding: &Finding) -> String {
    match finding.unit {
        "percent" => format!("{} %", number(finding.value, 1)),
        "peaks" => format!("{} peaks", number(finding.value, 0)),
        unit => format!("{} {unit}", number(finding.value, 1)),
    }
}
