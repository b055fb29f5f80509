//! A waveform that is off centre is brought back ahead of everything else: what is louder later would be farther off.

use crate::dsp::eq::{BandChannel, BandKind, EqBand, response_db};
use crate::error::Result;
use crate::measure::Measurement;
use crate::quality::offset::Offset;
use crate::source::{Source, centred};
use crate::suggest::{Proposal, Quantity, Suggestion, loudness_change_lu};
use crate::units::db_to_amplitude;

/// Under all music, and high enough to be done within a tenth of a second, Hz.
const CORNER_HZ: f64 = 10.0;

/// An offset of the master from here on costs half a dB of its headroom, percent of full scale. Smaller ones are common, releases
/// have them too, and nobody hears them; a high-pass turns the phases of the bass.
const WORTHWHILE_PERCENT: f64 = 5.0;

/// A smaller offset of the mix is told with more decimals, percent of full scale.
const SMALL_PERCENT: f64 = 0.1;

/// Whether a mix has an offset that would matter in a master in which it is so much larger.
fn matters(mix: &Measurement, gain_db: f64) -> bool {
    let Offset { percent, sure_percent } = Offset::of(mix);
    sure_percent > 0.0 && in_master(percent.abs(), gain_db) >= WORTHWHILE_PERCENT
}

/// An offset in a master in which it is so much larger, percent of full scale.
fn in_master(percent: f64, gain_db: f64) -> f64 {
    percent * db_to_amplitude(gain_db)
}

/// By how much more than the whole a proposal raises an offset, dB: the equaliser may raise the lows.
fn lift_db(mix: &Measurement, proposal: &Proposal) -> f64 {
    response_db(&proposal.eq, BandChannel::Mid, CORNER_HZ, mix.sample_rate_hz) - loudness_change_lu(mix, proposal)
}

/// What is proposed for a mix that is to be so much louder, by what it measures, and whether that is without its offset. Where the
/// offset would matter in the master, by the gain or by the equaliser that is proposed, it must not count as peaks of the music: then
/// the proposal is one for the mix without it, with what takes it out.
///
/// # Errors
/// Those of the decoder and of who proposes.
pub(super) fn propose_centred<T>(
    mix: &Source,
    gain_db: f64,
    mut propose: impl FnMut(&Measurement, bool) -> Result<(Proposal, T)>,
) -> Result<(Proposal, T)> {
    let measurement = &mix.measurement;
    if !matters(measurement, gain_db) {
        let (proposal, rest) = propose(measurement, false)?;
        if !matters(measurement, gain_db + lift_db(measurement, &proposal)) {
            return Ok((proposal, rest));
        }
    }
    let (mut proposal, rest) = propose(&centred(mix, &|_, _| {})?, true)?;
    centre(measurement, gain_db, &mut proposal);
    Ok((proposal, rest))
}

/// What takes an offset out.
pub(super) fn high_pass() -> EqBand {
    EqBand { kind: BandKind::HighPass, frequency_hz: CORNER_HZ, name: "offset".into(), ..EqBand::default() }
}

/// Adds a high-pass, for the offset of a mix that is to be so much louder.
fn centre(mix: &Measurement, gain_db: f64, proposal: &mut Proposal) {
    let gain_db = gain_db + lift_db(mix, proposal);
    let found_percent = Offset::of(mix).percent.abs();
    let decimals = if found_percent < SMALL_PERCENT { 4 } else { 2 };
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
        cause: format!(
            "the waveform is off centre by {found_percent:.decimals$} % of full scale, which costs headroom{grown}"
        ),
        quantity,
        before: quantity.of(mix),
        predicted: Some(0.0),
    };
    proposal.suggestions.insert(0, suggestion);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::audio::AudioBuffer;
    use crate::io::{SampleFormat, WavWriter};
    use crate::measure::Meter;
    use crate::source::measure_file;

    const RATE_HZ: u32 = 48_000;

    /// Ten seconds of 1 kHz beside an offset.
    fn off_centre(amplitude: f32, offset: f32) -> Vec<f32> {
        (0..10 * RATE_HZ).map(|n| offset + amplitude * (n as f32 * std::f32::consts::TAU / 48.0).sin()).collect()
    }

    fn measured(samples: Vec<f32>) -> Measurement {
        let mut meter = Meter::new(RATE_HZ);
        meter.push(&AudioBuffer::from_channels(RATE_HZ, samples.clone(), samples));
        meter.finish()
    }

    fn source(path: &Path, samples: &[f32]) -> Source {
        let file = std::fs::File::create(path).expect("a file");
        let mut writer = WavWriter::create(file, RATE_HZ, SampleFormat::Float32).expect("a head");
        writer.write_float(samples, samples).expect("written");
        writer.finish().expect("complete");
        measure_file(path, &|_, _| {}).expect("a file")
    }

    #[test]
    fn an_offset_too_small_for_quality_control_matters_where_the_gain_is_high() {
        let faint = measured(off_centre(0.005, 0.000_85));
        assert!(matters(&faint, 40.0) && !matters(&faint, 35.0));
        // Half a wave of 40 Hz that is left over after half a second is none.
        let wave: Vec<f32> = (0..24_600).map(|n| 0.005 * (n as f32 * std::f32::consts::TAU / 1_200.0).sin()).collect();
        let left_over = measured(wave);
        assert!(Offset::of(&left_over).percent > 0.005 && !matters(&left_over, 80.0));
    }

    #[test]
    fn a_mix_is_judged_without_an_offset_that_its_equaliser_makes_large() {
        let folder = tempfile::tempdir().expect("a folder");
        let mix = source(&folder.path().join("mix.wav"), &off_centre(0.1, 0.01));
        let shelf = |gain_db| EqBand { kind: BandKind::LowShelf, frequency_hz: 80.0, gain_db, ..EqBand::default() };
        // The gain of the whole, the equaliser's in the lows, and the means of what is judged, percent.
        let judged = |gain_db: f64, lows_db: f64| {
            let mut means = Vec::new();
            let (proposal, ()) = propose_centred(&mix, gain_db, |measurement, is_centred| {
                let percent = 100.0 * measurement.levels.dc()[0];
                assert_eq!(is_centred, percent.abs() < 1e-3, "{percent}");
                means.push(percent.round());
                Ok((Proposal { eq: vec![shelf(lows_db)], ..Proposal::default() }, ()))
            })
            .expect("judged");
            let is_told = proposal.suggestions.iter().any(|suggestion| suggestion.id == "eq.offset");
            assert_eq!(is_told, proposal.eq[0].name == "offset");
            (means, is_told)
        };
        assert_eq!(judged(12.0, 0.0), (vec![1.0], false));
        assert_eq!(judged(12.0, 6.0), (vec![1.0, 0.0], true));
        assert_eq!(judged(18.0, 0.0), (vec![0.0], true));
        // Once judged without it, it is taken out, also where the equaliser would have made it small.
        assert_eq!(judged(18.0, -6.0), (vec![0.0], true));
    }
}
