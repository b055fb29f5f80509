//! Faults that quality control found and that are told as they are: a dead channel, clicks, dropouts, hum, noise, DC, silence at the
//! ends, cut ends, a lossy source, bits and a sample rate that hold nothing.

use super::thresholds::RELEASE_RATE_HZ;
use super::{Advice, Mend, Problem, Severity, evidence};
use crate::measure::Measurement;
use crate::quality::{self, Check, Finding, Format, in_hertz};

/// A place is told with so much after it, seconds.
const SPAN_S: f64 = 1.0;
/// What is found at the very end is told with so much before it, seconds.
const END_SPAN_S: f64 = 0.05;

/// Names of a finding's frequencies in the evidence, in their order: hum has eight at the most.
const FREQUENCIES: [&str; 8] = [
    "frequency_1_hz",
    "frequency_2_hz",
    "frequency_3_hz",
    "frequency_4_hz",
    "frequency_5_hz",
    "frequency_6_hz",
    "frequency_7_hz",
    "frequency_8_hz",
];

/// What to do about a mix that an encoder has been at.
const LOSSY_FIX: &str = "export the mix as WAV or FLAC of 24 bits, and replace samples that came from lossy files";

/// What follows from a finding.
struct Rule {
    problem: Problem,
    confidence: f64,
    mend: Mend,
    /// Name of the finding's value in the evidence.
    value: &'static str,
    fix: &'static str,
}

impl Rule {
    /// `None` for what is not told as it is.
    fn of(check: Check) -> Option<Self> {
        let rule = match check {
            Check::DeadChannel => Self {
                problem: Problem::DeadChannel,
                confidence: 0.99,
                mend: Mend::Mix,
                value: "level_lufs",
                fix: "export again with both channels; where mono is meant, pan it to the middle",
            },
            Check::Click => Self {
                problem: Problem::Click,
                confidence: 0.8,
                mend: Mend::Mix,
                value: "loudest_db",
                fix: "solo the tracks at these times; put a crossfade of 5 ms on the edit, freeze the plug-in that \
                      overruns, or redraw the samples",
            },
            Check::Dropout => Self {
                problem: Problem::Dropout,
                confidence: 0.9,
                mend: Mend::Mix,
                value: "longest_ms",
                fix: "export again with a larger buffer, or offline; where a recording has the gap, use another take",
            },
            Check::Hum => Self {
                problem: Problem::Hum,
                confidence: 0.9,
                mend: Mend::Master,
                value: "loudest_dbfs",
                fix: "find the track that hums (solo them in a pause), mend its ground loop or mute it between \
                      phrases; else notches of Q 30, -20 dB, where it stands out",
            },
            Check::Noise => Self {
                problem: Problem::Noise,
                confidence: 0.7,
                mend: Mend::Master,
                value: "level_dbfs_a",
                fix: "mute or gate the noisy tracks in pauses; else noise reduction of 6 to 10 dB learned from the \
                      pause",
            },
            Check::Dc => Self {
                problem: Problem::Dc,
                confidence: 0.99,
                mend: Mend::Master,
                value: "offset_percent",
                fix: "high-pass at 10 Hz, 12 dB/octave, on the tracks or plug-ins that cause it",
            },
            Check::SubSonic => Self {
                problem: Problem::SubSonic,
                confidence: 0.9,
                mend: Mend::Master,
                value: "share_db",
                fix: "high-pass at 20 to 30 Hz, 12 dB/octave or more, on the tracks that rumble (solo them and watch \
                      the woofer); else on the mix",
            },
            Check::HeadSilence => Self {
                problem: Problem::HeadSilence,
                confidence: 0.99,
                mend: Mend::Master,
                value: "silence_s",
                fix: "trim the start to under half a second",
            },
            Check::TailSilence => Self {
                problem: Problem::TailSilence,
                confidence: 0.99,
                mend: Mend::Master,
                value: "silence_s",
                fix: "trim the end to under 3 s after the last reverb",
            },
            Check::UpSampled => Self {
                problem: Problem::UpSampled,
                confidence: 0.8,
                mend: Mend::Mix,
                value: "original_rate_hz",
                fix: "export the mix at the rate of its project, and look there for recordings and samples at a lower \
                      one; a higher rate adds nothing to what they hold",
            },
            Check::PaddedBits => Self {
                problem: Problem::PaddedBits,
                confidence: 0.9,
                mend: Mend::Mix,
                value: "used_bits",
                fix: "find what cut the bits off (a recorder, a plug-in or an export at 16 bits) and export again in \
                      24 bits",
            },
            Check::CutStart => Self {
                problem: Problem::CutStart,
                confidence: 0.9,
                mend: Mend::Mix,
                value: "level_dbfs",
                fix: "export again from 100 ms before the first sound; a fade-in of 5 ms takes away the click, and brings \
                      nothing back",
            },
            Check::CutEnd => Self {
                problem: Problem::CutEnd,
                confidence: 0.9,
                mend: Mend::Mix,
                value: "level_dbfs",
                fix: "export again until the last reverb has died away; a fade-out of 1 to 3 s hides the cut, and brings \
                      nothing back",
            },
            Check::LossySource => Self {
                problem: Problem::LossySource,
                confidence: 0.8,
                mend: Mend::Mix,
                value: "edge_hz",
                fix: LOSSY_FIX,
            },
            // Level and stereo judge these by measures of their own, and two equal channels are no fault.
            Check::Silent
            | Check::Clipping
            | Check::InterSampleOvers
            | Check::Polarity
            | Check::Phase
            | Check::Balance
            | Check::ChannelDelay
            | Check::DualMono => return None,
        };
        Some(rule)
    }
}

/// Adds what quality control knows.
pub(super) fn advice(known: &[Finding], measurement: &Measurement, findings: &mut Vec<Advice>) {
    let end_s = measurement.duration_s();
    for finding in known {
        let is_left_out = match finding.id {
            // Small offsets are common, and only `analyze` has to know.
            Check::Dc => finding.severity < quality::Severity::Fail,
            // What says itself that it is lossy is told once.
            Check::LossySource => finding.severity == quality::Severity::Info,
            _ => false,
        };
        if is_left_out {
            continue;
        }
        let Some(rule) = Rule::of(finding.id) else { continue };
        // Silence at the start is placed where it ends, that at the end where it begins.
        let span = |at_s| match finding.id {
            Check::HeadSilence => [0.0, at_s],
            Check::TailSilence => [at_s, end_s],
            _ => span_s(at_s, end_s),
        };
        let mut numbers = evidence([(rule.value, finding.value.unwrap_or(f64::NAN))]);
        numbers.extend(FREQUENCIES.into_iter().zip(finding.frequencies_hz.iter().copied()));
        let fix = match &finding.frequencies_hz[..] {
            [] => rule.fix.into(),
            frequencies_hz => format!("{}: at {}", rule.fix, in_hertz(frequencies_hz)),
        };
        findings.push(Advice {
            id: rule.problem,
            severity: severity(finding.severity),
            confidence: rule.confidence,
            message: finding.message.clone(),
            band_hz: None,
            times_s: finding.times_s.iter().map(|&at_s| span(at_s)).collect(),
            evidence: numbers,
            fix,
            mend: rule.mend,
        });
    }
}

/// A mix in a lossy format, whether its encoder left an edge or not.
pub(super) fn lossy_format(format: Format) -> Option<Advice> {
    format.lossy.then(|| Advice {
        id: Problem::LossySource,
        severity: Severity::Medium,
        confidence: 0.99,
        message: "the mix is in a lossy format: its encoder took away what it held for inaudible, and a master that is brighter \
                  or denser, encoded once more, may uncover that"
            .into(),
        band_hz: None,
        times_s: Vec::new(),
        evidence: evidence([]),
        fix: LOSSY_FIX.into(),
        mend: Mend::Mix,
    })
}

/// A mix whose sample rate leaves out what releases hold.
pub(super) fn low_sample_rate(format: Format) -> Option<Advice> {
    let Format { sample_rate_hz, .. } = format;
    (sample_rate_hz < RELEASE_RATE_HZ).then(|| Advice {
        id: Problem::LowSampleRate,
        severity: Severity::Medium,
        confidence: 0.99,
        message: format!(
            "at {sample_rate_hz} Hz it can hold nothing above {:.1} kHz, and no mastering brings that back",
            0.5e-3 * f64::from(sample_rate_hz)
        ),
        band_hz: None,
        times_s: Vec::new(),
        evidence: evidence([("sample_rate_hz", f64::from(sample_rate_hz))]),
        fix: "export again at 44.1 or 48 kHz; if the project itself runs at that rate, from its recordings on".into(),
        mend: Mend::Mix,
    })
}

/// A second from a place on, or up to it where the programme ends there.
fn span_s(at_s: f64, end_s: f64) -> [f64; 2] {
    let to_s = (at_s + SPAN_S).min(end_s);
    if to_s > at_s { [at_s, to_s] } else { [(end_s - END_SPAN_S).max(0.0), end_s] }
}

/// How much a finding of quality control matters.
pub(super) fn severity(severity: quality::Severity) -> Severity {
    match severity {
        quality::Severity::Info => Severity::Low,
        quality::Severity::Warning => Severity::Medium,
        quality::Severity::Fail => Severity::High,
    }
}
