//! A waveform that is off centre is brought back ahead of everything else: what is louder later would be farther off.

use crate::dsp::eq::{BandChannel, BandKind, EqBand, response_db};
use crate::engine::source::Source;
use crate::quality::Finding;
use crate::suggest::{Proposal, Quantity, Suggestion, loudness_change_lu};
use crate::units::db_to_amplitude;

/// Under all music, and high enough to be done within a tenth of a second, Hz.
const CORNER_HZ: f64 = 10.0;

/// An offset of the master from here on costs half a dB of its headroom, percent of full scale. Smaller ones are common, releases
/// have them too, and nobody hears them; a high-pass turns the phases of the bass.
const WORTHWHILE_PERCENT: f64 = 5.0;

/// Adds a high-pass where quality control found an offset that would matter in the master, which is to be so much louder.
pub(super) fn centre(mix: &Source, gain_db: f64, proposal: &mut Proposal) {
    // The equaliser may raise the lows, and with them the offset, by more than the whole.
    let lows_db = response_db(&proposal.eq, BandChannel::Mid, CORNER_HZ, mix.info.sample_rate_hz);
    let gain_db = gain_db + lows_db - loudness_change_lu(&mix.measurement, proposal);
    let in_master = |finding: &Finding| finding.value.abs() * db_to_amplitude(gain_db);
    let matters = |finding: &&Finding| finding.id == "dc" && in_master(finding) >= WORTHWHILE_PERCENT;
    let Some(found) = mix.findings.iter().find(matters) else { return };
    let grown = match in_master(found) {
        _ if gain_db <= 0.0 => String::new(),
        percent if percent < 100.0 => {
            format!(" and grows with the gain, to {percent:.1} % at the loudness that is asked for")
        }
        _ => " and grows with the gain".into(),
    };
    let kind = BandKind::HighPass;
    proposal.eq.insert(0, EqBand { kind, frequency_hz: CORNER_HZ, name: "offset".into(), ..EqBand::default() });
    let quantity = Quantity::Offset;
    let suggestion = Suggestion {
        id: "eq.offset".into(),
        setting: format!("high-pass at {CORNER_HZ:.0} Hz"),
        cause: format!(
            "the waveform is off centre by {:.2} % of full scale, which costs headroom{grown}",
            found.value.abs()
        ),
        quantity,
        before: quantity.of(&mix.measurement),
        predicted: Some(0.0),
    };
    proposal.suggestions.insert(0, suggestion);
}
