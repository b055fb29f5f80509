//! A waveform that is off centre is brought back ahead of everything else: what is louder later would be farther off.

use crate::dsp::eq::{BandChannel, BandKind, EqBand, response_db};
use crate::error::Result;
use crate::measure::Measurement;
use crate::quality::Check;
use crate::source::{Source, centred};
use crate::suggest::{Proposal, Quantity, Suggestion, loudness_change_lu};
use crate::units::db_to_amplitude;

/// Under all music, and high enough to be done within a tenth of a second, Hz.
const CORNER_HZ: f64 = 10.0;

/// An offset of the master from here on costs half a dB of its headroom, percent of full scale. Smaller ones are common, releases
/// have them too, and nobody hears them; a high-pass turns the phases of the bass.
const WORTHWHILE_PERCENT: f64 = 5.0;

/// The offset that quality control found, percent of full scale, where it would matter in a master in which it is so much larger.
fn found_percent(mix: &Source, gain_db: f64) -> Option<f64> {
    let found = mix.findings.iter().find(|finding| finding.id == Check::Dc)?;
    found.value.map(f64::abs).filter(|&percent| in_master(percent, gain_db) >= WORTHWHILE_PERCENT)
}

/// An offset in a master in which it is so much larger, percent of full scale.
fn in_master(percent: f64, gain_db: f64) -> f64 {
    percent * db_to_amplitude(gain_db)
}

/// What the mix measures without an offset that would matter in the master, which is to be so much louder; `None` where there is
/// no such offset. What is to be taken out must not count as peaks of the music.
///
/// # Errors
/// Those of the decoder.
pub(super) fn centred_measurement(mix: &Source, gain_db: f64) -> Result<Option<Measurement>> {
    found_percent(mix, gain_db).map(|_| centred(mix, &|_, _| {})).transpose()
}

/// What takes an offset out.
pub(super) fn high_pass() -> EqBand {
    EqBand { kind: BandKind::HighPass, frequency_hz: CORNER_HZ, name: "offset".into(), ..EqBand::default() }
}

/// Adds a high-pass where an offset would matter in the master, which is to be so much louder.
pub(super) fn centre(mix: &Source, gain_db: f64, proposal: &mut Proposal) {
    // The equaliser may raise the lows, and with them the offset, by more than the whole.
    let lows_db = response_db(&proposal.eq, BandChannel::Mid, CORNER_HZ, mix.info.sample_rate_hz);
    let gain_db = gain_db + lows_db - loudness_change_lu(&mix.measurement, proposal);
    let Some(found_percent) = found_percent(mix, gain_db) else { return };
    let grown = match in_master(found_percent, gain_db) {
        _ if gain_db <= 0.0 => String::new(),
        percent if percent < 100.0 => {
            format!(" and grows with the gain, to {percent:.1} % at the loudness that is asked for")
        }
        _ => " and grows with the gain".into(),
    };
    proposal.eq.insert(0, high_pass());
    let quantity = Quantity::Offset;
    let suggestion = Suggestion {
        id: "eq.offset".into(),
        setting: format!("high-pass at {CORNER_HZ:.0} Hz"),
        cause: format!("the waveform is off centre by {found_percent:.2} % of full scale, which costs headroom{grown}"),
        quantity,
        before: quantity.of(&mix.measurement),
        predicted: Some(0.0),
    };
    proposal.suggestions.insert(0, suggestion);
}
