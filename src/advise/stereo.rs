//! The two channels: bass in the side, phase, loss in mono, balance, delay.

use super::quality::severity;
use super::thresholds::{
    MONO_LOSS_DB, PHASE_BASS_CORRELATION, PHASE_CORRELATION, PHASE_PART_CORRELATION, PHASE_PART_RATIO, SIDE_BASS_DB,
    SIDE_BASS_NARROW_DB, SIDE_BASS_OVER_LOW_MIDS_DB,
};
use super::{Advice, Mend, Problem, Severity, evidence};
use crate::measure::Measurement;
use crate::measure::analysis::Analysis;
use crate::quality::thresholds::BALANCE_WARNING_LU;
use crate::quality::{Check, Finding, MAX_TIMES};
use crate::slots::SHORT_TERM_S;
use crate::units::db_to_power;

/// What counts as bass, Hz, and the part of it that only large speakers play.
const BASS_HZ: [f64; 2] = [20.0, 120.0];
const DEEP_BASS_HZ: [f64; 2] = [20.0, 85.0];
/// Everything, Hz.
const ALL_HZ: [f64; 2] = [0.0, f64::INFINITY];
/// What lies over the bass, Hz: its side is as a rule the wider one.
const LOW_MIDS_HZ: [f64; 2] = [120.0, 500.0];
/// A band so far under all bands together loses nothing that is heard, dB.
const FAINT_DB: f64 = -20.0;
/// Bass so far under everything is what a high-pass left of it, dB.
const NO_BASS_DB: f64 = -30.0;
/// What to do about channels that work against each other.
const PHASE_FIX: &str = "switch the polarity of one channel where the whole mix or one track sounds hollow; where a widener or a Haas \
                         delay causes it, turn it down until the correlation stays above 0";

pub(super) fn advice(known: &[Finding], measurement: &Measurement, findings: &mut Vec<Advice>) {
    if is_without_image(known) {
        return;
    }
    let analysis = measurement.analysis();
    let delay = finding_of(known, Check::ChannelDelay);
    let in_parts = if is_opposed(&analysis) || delay.is_some() { None } else { phase_in_parts(&analysis, measurement) };
    let phase = in_parts.or_else(|| phase(finding_of(known, Check::Phase), delay, &analysis, measurement));
    findings.extend(delay.and_then(|found| channel_delay(found, measurement.sample_rate_hz)));
    findings.extend(phase);
    findings.extend(balance(measurement));
    if !is_explained(known, &analysis) {
        findings.extend(side_bass(measurement));
        findings.extend(mono_loss(&analysis, measurement));
    }
}

/// Bass in the side, where neither a channel that is late nor one that is upside down explains it.
pub(crate) fn side_bass_of(known: &[Finding], measurement: &Measurement) -> Option<Advice> {
    let is_own = |_: &Advice| !is_without_image(known) && !is_explained(known, &measurement.analysis());
    side_bass(measurement).filter(is_own)
}

fn finding_of(known: &[Finding], check: Check) -> Option<&Finding> {
    known.iter().find(|finding| finding.id == check)
}

/// Whether there is but one channel.
fn is_without_image(known: &[Finding]) -> bool {
    finding_of(known, Check::DeadChannel).or(finding_of(known, Check::DualMono)).is_some()
}

/// Whether the channels work against each other on the whole.
fn is_opposed(analysis: &Analysis) -> bool {
    analysis.stereo.correlation.is_some_and(|correlation| correlation < PHASE_CORRELATION)
}

/// Whether a whole channel is inverted or late: loss in mono and bass in the side follow from that.
fn is_explained(known: &[Finding], analysis: &Analysis) -> bool {
    let mids = analysis.stereo.bands.get(1).and_then(|band| band.correlation);
    (is_opposed(analysis) && mids.is_some_and(|correlation| correlation < 0.0))
        || finding_of(known, Check::ChannelDelay).is_some()
}

/// Power of the loud parts between two frequencies, both channels together.
fn power_within(measurement: &Measurement, [low_hz, high_hz]: [f64; 2]) -> f64 {
    measurement.loud_power(low_hz..high_hz, |band| f64::from(band.mid + band.side))
}

/// Whether what lies between two frequencies is more than a remnant, `under_db` (below 0) under everything.
fn is_heard(measurement: &Measurement, low_hz: f64, high_hz: f64, under_db: f64) -> bool {
    let all = power_within(measurement, ALL_HZ);
    power_within(measurement, [low_hz, high_hz]) > all * db_to_power(under_db)
}

fn side_bass(measurement: &Measurement) -> Option<Advice> {
    if !is_heard(measurement, BASS_HZ[0], BASS_HZ[1], NO_BASS_DB) {
        return None;
    }
    let width_db = |[low_hz, high_hz]: [f64; 2]| measurement.width_db(low_hz, high_hz);
    let with_width = |band_hz| Some((width_db(band_hz)?, band_hz));
    let wide = || [BASS_HZ, DEEP_BASS_HZ].into_iter().filter_map(with_width).find(|(db, _)| *db > SIDE_BASS_DB);
    let wider_than_above = || {
        let (bass_db, above_db) = (width_db(BASS_HZ)?, width_db(LOW_MIDS_HZ)?);
        let is_wider = bass_db > SIDE_BASS_NARROW_DB && bass_db > above_db + SIDE_BASS_OVER_LOW_MIDS_DB;
        is_wider.then_some((bass_db, BASS_HZ))
    };
    let (bass_db, band_hz) = wide().or_else(wider_than_above)?;
    let against_mid = if bass_db < 0.0 { "weaker" } else { "louder" };
    Some(Advice {
        id: Problem::SideBass,
        severity: if bass_db > SIDE_BASS_DB + 3.0 { Severity::High } else { Severity::Medium },
        confidence: 0.8,
        message: format!(
            "below {:.0} Hz the side is {:.1} dB {against_mid} than the mid: such bass loses its weight in mono and on one \
             subwoofer, and can't be cut to vinyl",
            band_hz[1],
            bass_db.abs()
        ),
        band_hz: Some(band_hz),
        times_s: Vec::new(),
        evidence: evidence([("side_over_mid_db", bass_db)]),
        fix:
            "pan bass and kick to the centre and take wideners and stereo chorus off them; else high-pass the side at \
              120 Hz, 24 dB/octave"
                .into(),
        mend: Mend::Master,
    })
}

/// Whether a delay alone may make the channels correlate so little, below 0, between two frequencies. What it turns by less than
/// a quarter of a period agrees all the same: so much of the power has to lie above.
fn is_of_delay(delay: &Finding, correlation: f64, [low_hz, high_hz]: [f64; 2], measurement: &Measurement) -> bool {
    let Some(delay_ms) = delay.value else { return false };
    let quarter_hz = 250.0 / delay_ms.abs();
    let turned = power_within(measurement, [low_hz.max(quarter_hz), high_hz]);
    turned >= -correlation * power_within(measurement, [low_hz, high_hz])
}

fn phase(
    found: Option<&Finding>,
    delay: Option<&Finding>,
    analysis: &Analysis,
    measurement: &Measurement,
) -> Option<Advice> {
    let correlation = analysis.stereo.correlation?;
    let low_band = analysis.stereo.bands.first();
    let bass = low_band.and_then(|band| band.correlation).unwrap_or(1.0);
    let is_own = |correlation: f64, band_hz: [f64; 2]| {
        delay.is_none_or(|delay| !is_of_delay(delay, correlation, band_hz, measurement))
    };
    let is_inverted = is_opposed(analysis) && is_own(correlation, ALL_HZ);
    let is_bass_opposed = bass < PHASE_BASS_CORRELATION
        && is_heard(measurement, BASS_HZ[0], BASS_HZ[1], NO_BASS_DB)
        && is_own(bass, BASS_HZ);
    if !is_inverted && !is_bass_opposed {
        return None;
    }
    let windows = found.map_or(&[][..], |finding| &finding.times_s);
    Some(Advice {
        id: Problem::Phase,
        severity: if is_inverted { Severity::High } else { Severity::Medium },
        confidence: if correlation < -0.5 { 0.95 } else { 0.7 },
        message: if is_inverted {
            format!(
                "left and right work against each other (correlation {correlation:.2}): in mono most of it disappears; one \
                 channel is probably upside down, or a widener goes too far"
            )
        } else {
            let loss_db = low_band.and_then(|band| band.mono_loss_db).unwrap_or_default();
            format!(
                "below 120 Hz left and right work against each other (correlation {bass:.2}): the bass loses {loss_db:.1} dB \
                 in mono, and one channel may be upside down"
            )
        },
        band_hz: (!is_inverted).then_some(BASS_HZ),
        times_s: windows.iter().map(|&at| [at, (at + SHORT_TERM_S).min(measurement.duration_s())]).collect(),
        evidence: evidence([("correlation", correlation), ("bass_correlation", bass)]),
        fix: PHASE_FIX.into(),
        mend: if is_inverted { Mend::Master } else { Mend::Mix },
    })
}

/// Channels that agree on the whole, and work against each other for much of the time: a section, or a track that others cover later.
fn phase_in_parts(analysis: &Analysis, measurement: &Measurement) -> Option<Advice> {
    let (ratio, times_s) = measurement.opposed(PHASE_PART_CORRELATION);
    let percent = 100.0 * ratio;
    (ratio >= PHASE_PART_RATIO).then(|| Advice {
        id: Problem::Phase,
        severity: Severity::Medium,
        confidence: 0.7,
        message: format!(
            "in {percent:.0} % of all audible 3 s left and right work against each other (correlation under {PHASE_PART_CORRELATION}): \
             in mono these parts lose 6 dB or more"
        ),
        band_hz: None,
        times_s: times_s.into_iter().take(MAX_TIMES).collect(),
        evidence: evidence([
            ("correlation", analysis.stereo.correlation.unwrap_or(f64::NAN)),
            ("opposed_percent", percent),
        ]),
        fix: PHASE_FIX.into(),
        mend: Mend::Mix,
    })
}

fn mono_loss(analysis: &Analysis, measurement: &Measurement) -> Option<Advice> {
    let bands = analysis.stereo.bands.iter().filter(|band| is_heard(measurement, band.low_hz, band.high_hz, FAINT_DB));
    let worst = bands.filter_map(|band| band.mono_loss_db.map(|db| (band, db))).max_by(|a, b| a.1.total_cmp(&b.1));
    let (band, loss_db) = worst.filter(|(_, loss_db)| *loss_db > MONO_LOSS_DB)?;
    Some(Advice {
        id: Problem::MonoLoss,
        severity: if loss_db > MONO_LOSS_DB + 3.0 { Severity::High } else { Severity::Medium },
        confidence: 0.8,
        message: format!(
            "in mono, {:.0} Hz to {:.0} Hz lose {loss_db:.1} dB: phones and club systems would play another balance",
            band.low_hz, band.high_hz
        ),
        band_hz: Some([band.low_hz, band.high_hz]),
        times_s: Vec::new(),
        evidence: evidence([("mono_loss_db", loss_db), ("band_correlation", band.correlation.unwrap_or(f64::NAN))]),
        fix: "find the wide track in this range (listen in mono), and narrow it to 50 % or replace its widener by a double \
              that was played twice"
            .into(),
        mend: Mend::Mix,
    })
}

fn balance(measurement: &Measurement) -> Option<Advice> {
    let balance_lu = measurement.loudness.balance_db().filter(|lu| lu.abs() > BALANCE_WARNING_LU)?;
    let (louder, quieter) = if balance_lu > 0.0 { ("left", "right") } else { ("right", "left") };
    Some(Advice {
        id: Problem::Balance,
        severity: if balance_lu.abs() > 2.0 * BALANCE_WARNING_LU { Severity::High } else { Severity::Medium },
        confidence: 0.85,
        message: format!("the {louder} channel is {:.1} LU louder than the {quieter}", balance_lu.abs()),
        band_hz: None,
        times_s: Vec::new(),
        evidence: evidence([("balance_lu", balance_lu)]),
        fix: format!(
            "check the pan of the loudest tracks and the gain of both channels; {quieter} channel +{:.1} dB puts the middle \
             back",
            balance_lu.abs()
        ),
        mend: Mend::Master,
    })
}

fn channel_delay(found: &Finding, sample_rate_hz: u32) -> Option<Advice> {
    let delay_ms = found.value?;
    let late = if delay_ms > 0.0 { "right" } else { "left" };
    let late_ms = delay_ms.abs();
    let late_frames = 1e-3 * late_ms * f64::from(sample_rate_hz);
    let inverted = if found.is_inverted { " and invert it" } else { "" };
    Some(Advice {
        id: Problem::ChannelDelay,
        severity: severity(found.severity).max(if late_ms > 1.0 { Severity::High } else { Severity::Low }),
        confidence: 0.9,
        message: found.message.clone(),
        band_hz: None,
        times_s: Vec::new(),
        evidence: evidence([("delay_ms", delay_ms)]),
        fix: format!(
            "move the {late} channel {late_frames:.1} samples ({late_ms:.3} ms) earlier{inverted}, or find the plug-in that delays it"
        ),
        mend: Mend::Master,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::measure::Meter;

    /// A left channel that is one sample late.
    fn late_by_a_sample(rate_hz: u32) -> Finding {
        Finding::new(
            Check::ChannelDelay,
            crate::quality::Severity::Warning,
            -1e3 / f64::from(rate_hz),
            1e3 / f64::from(rate_hz),
            "",
        )
    }

    #[test]
    fn bass_in_the_side_is_told_unless_a_late_channel_explains_it() {
        // A tone of 60 Hz, in the side 5 dB over the mid, beside one in the middle.
        let tone = |hz: f32, n: u16| (std::f32::consts::TAU * hz * f32::from(n) / 44_100.0).sin();
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for n in 0..44_100u16 {
            let (mid, side) = (0.1 * tone(60.0, n) + 0.3 * tone(1000.0, n), 0.1778 * tone(60.0, n));
            left.push(mid + side);
            right.push(mid - side);
        }
        let mut meter = Meter::new(44_100);
        meter.push(&AudioBuffer::from_channels(44_100, left, right));
        let measurement = meter.finish();
        let told = side_bass_of(&[], &measurement).expect("bass in the side");
        assert!(told.message.starts_with("below 120 Hz the side is 5.0 dB louder than the mid"), "{}", told.message);
        assert_eq!(side_bass_of(&[late_by_a_sample(44_100)], &measurement), None);
    }

    #[test]
    fn a_delay_of_one_sample_is_told_at_every_rate() {
        for (rate_hz, expected) in [(44_100u32, "1.0 samples (0.023 ms)"), (384_000, "1.0 samples (0.003 ms)")] {
            let found = late_by_a_sample(rate_hz);
            let fix = channel_delay(&found, rate_hz).expect("a delay").fix;
            assert!(fix.starts_with(&format!("move the left channel {expected} earlier, or")), "{fix}");
            let inverted = channel_delay(&Finding { is_inverted: true, ..found }, rate_hz).expect("a delay").fix;
            assert!(inverted.contains(" earlier and invert it, or find"), "{inverted}");
        }
    }
}
