//! Level: clipping, too much compression of the whole, no headroom, too little level for the bits.

use super::thresholds::{
    CLIPPED_PEAKS_PER_MINUTE, CLIPPED_PEAKS_PER_MINUTE_HIGH, FLAT_TOP_RATIO, HEADROOM_DBTP, LOW_LEVEL_GAIN_DB,
    PLR_LOW_DB, PLR_OPEN_DB, PSR_LOW_DB, STEADY_RANGE_LU, USED_BITS_LOW,
};
use super::{Advice, Mend, Problem, Severity, evidence};
use crate::engine::drive::DRIVE_RANGE_DB;
use crate::measure::Measurement;
use crate::quality::{self, Check, Finding, Format};
use crate::targets::DEFAULT_LOUDNESS_LUFS;
use crate::units::amplitude_to_db;

/// A clipped peak is told with so much around it, seconds.
const CLIP_SPAN_S: f64 = 0.1;
/// What to do about a level that went lost.
const LEVEL_FIX: &str = "look for a master fader, a gain plug-in or an export setting that is far down, and export again at a usual \
                         level, with peaks from -12 to -6 dBFS";
/// What to do about peaks that are cut off.
const CLIP_FIX: &str = "take clippers and limiters off the master bus, lower the faders until peaks stay under -6 dBFS, and export \
                        again in 24 bits or 32-bit float";

pub(super) fn advice(known: &[Finding], measurement: &Measurement, format: Format, findings: &mut Vec<Advice>) {
    let cut = known.iter().find(|finding| finding.id == Check::Clipping);
    let clipping = cut.and_then(|found| clipping(found, measurement));
    let analysis = measurement.analysis();
    let is_clipped = clipping.is_some();
    findings.extend(clipping);
    if let (Some(plr_db), Some(psr_db)) = (analysis.loudness.plr_db, analysis.loudness.psr_p5_db) {
        findings.extend(over_compressed(plr_db, psr_db, measurement));
    }
    // A clipped mix has been told already that it is too loud.
    let peak_dbtp = analysis.peak.true_dbtp.filter(|&dbtp| dbtp > HEADROOM_DBTP && !is_clipped);
    findings.extend(peak_dbtp.map(|dbtp| headroom(dbtp, cut, measurement)));
    let is_silent = known.iter().any(|finding| finding.id == Check::Silent);
    let of_peak = |peak_dbfs| {
        if is_silent {
            return Some(next_to_silent(peak_dbfs));
        }
        let of_bits = format.bits.and_then(|bits| low_level(bits, peak_dbfs));
        of_bits.or_else(|| low_loudness(analysis.loudness.integrated_lufs?, peak_dbfs))
    };
    findings.extend(analysis.peak.sample_dbfs.and_then(of_peak));
}

fn clipping(found: &Finding, measurement: &Measurement) -> Option<Advice> {
    let minutes = (measurement.duration_s() / 60.0).max(1.0 / 60.0);
    let peaks = found.value?;
    let rate = peaks / minutes;
    (rate >= CLIPPED_PEAKS_PER_MINUTE).then(|| Advice {
        id: Problem::Clipping,
        severity: if rate >= CLIPPED_PEAKS_PER_MINUTE_HIGH { Severity::High } else { Severity::Medium },
        confidence: 0.95,
        message: format!(
            "{peaks:.0} peaks are cut off flat, {rate:.0} a minute; what is cut off can't be brought back by mastering"
        ),
        band_hz: None,
        times_s: places_s(found, measurement),
        evidence: evidence([("clipped_peaks", peaks), ("clipped_peaks_per_minute", rate)]),
        fix: CLIP_FIX.into(),
        mend: Mend::Mix,
    })
}

/// Where peaks are cut off.
fn places_s(found: &Finding, measurement: &Measurement) -> Vec<[f64; 2]> {
    found.times_s.iter().map(|&at| [at, (at + CLIP_SPAN_S).min(measurement.duration_s())]).collect()
}

fn over_compressed(plr_db: f64, psr_db: f64, measurement: &Measurement) -> Option<Advice> {
    let found = if plr_db < PLR_LOW_DB {
        format!("peaks stand only {:.1} dB over the loudness", plr_db.max(0.0))
    } else if psr_db < PSR_LOW_DB && plr_db < PLR_OPEN_DB {
        format!("in its dense parts, peaks stand only {psr_db:.1} dB over the loudness of their 3 s")
    } else {
        return None;
    };
    let near_peak_percent = measurement.levels.peak_shape.map_or(f64::NAN, |shape| 100.0 * shape.within_1_db_ratio);
    let may_be_tones = may_be_steady_tones(measurement);
    let or_tones = if may_be_tones { ", unless it is made of steady tones, which have no more by nature" } else { "" };
    Some(Advice {
        id: Problem::OverCompressed,
        severity: if plr_db < PLR_LOW_DB - 1.0 && !may_be_tones { Severity::High } else { Severity::Medium },
        confidence: if may_be_tones { 0.4 } else { 0.7 },
        message: format!(
            "{found}: the mix has been compressed or limited already{or_tones}; mastering can't undo that, and some styles want it"
        ),
        band_hz: None,
        times_s: Vec::new(),
        evidence: evidence([
            ("plr_db", plr_db),
            ("psr_p5_db", psr_db),
            ("samples_within_1_db_of_peak_percent", near_peak_percent),
        ]),
        fix: "send a mix without limiter on the master bus, and with at most 2 dB of gain reduction in its compressor; keep \
              the limited version as a listening copy"
            .into(),
        mend: Mend::Mix,
    })
}

/// Whether the level hardly moves and the peaks don't tell of a limiter.
fn may_be_steady_tones(measurement: &Measurement) -> bool {
    let is_steady = measurement.loudness.range_lu().is_some_and(|range_lu| range_lu < STEADY_RANGE_LU);
    is_steady && measurement.levels.peak_shape.is_some_and(|shape| shape.flat_top_ratio < FLAT_TOP_RATIO)
}

/// `cut` tells of peaks that are cut off flat, too few to be a fault of their own.
fn headroom(peak_dbtp: f64, cut: Option<&Finding>, measurement: &Measurement) -> Advice {
    let peaks = cut.and_then(|found| found.value);
    let (lost, mend) = match peaks {
        None => ("nothing is lost yet, but".into(), Mend::Master),
        Some(peaks) => (format!("{peaks:.0} peaks are cut off flat already, and"), Mend::Mix),
    };
    // That many, or so long, are no chance: something on the bus or in the export cuts them off.
    let is_cut_through = cut.is_some_and(|found| found.severity == quality::Severity::Fail);
    Advice {
        id: Problem::Headroom,
        severity: if is_cut_through { Severity::Medium } else { Severity::Low },
        confidence: 0.99,
        message: format!(
            "the true peak is at {peak_dbtp:.1} dBTP: {lost} equalisers and converters before the limiter may clip"
        ),
        band_hz: None,
        times_s: cut.map_or(Vec::new(), |found| places_s(found, measurement)),
        evidence: evidence([("true_peak_dbtp", peak_dbtp), ("clipped_peaks", peaks.unwrap_or(f64::NAN))]),
        fix: if is_cut_through {
            CLIP_FIX.into()
        } else {
            format!("lower the whole mix by {:.0} dB, not the limiter's ceiling, and export again", peak_dbtp + 6.0)
        },
        mend,
    }
}

/// A mix whose level went lost on its way: first of all advice, as nobody exports one so on purpose.
fn next_to_silent(peak_dbfs: f64) -> Advice {
    Advice {
        id: Problem::LowLevel,
        severity: Severity::High,
        confidence: 1.0,
        message: format!(
            "the highest sample is at {peak_dbfs:.1} dBFS, where others have only the end of a fade: the export is not what was \
             heard, and has lost the detail of its quiet parts if it went through 16 bits"
        ),
        band_hz: None,
        times_s: Vec::new(),
        evidence: evidence([("sample_peak_dbfs", peak_dbfs)]),
        fix: LEVEL_FIX.into(),
        mend: Mend::Mix,
    }
}

/// A mix that has the bits for its level, but is farther down than a master is turned up.
fn low_loudness(lufs: f64, peak_dbfs: f64) -> Option<Advice> {
    let gain_db = DEFAULT_LOUDNESS_LUFS - lufs;
    (gain_db > LOW_LEVEL_GAIN_DB).then(|| Advice {
        id: Problem::LowLevel,
        severity: Severity::Medium,
        confidence: 0.95,
        message: format!(
            "at {lufs:.1} LUFS it takes {gain_db:.0} dB to come to {DEFAULT_LOUDNESS_LUFS:.0} LUFS: mastering raises its noise with the \
             music, and by {:.0} dB at the most",
            DRIVE_RANGE_DB.1
        ),
        band_hz: None,
        times_s: Vec::new(),
        evidence: evidence([("integrated_lufs", lufs), ("sample_peak_dbfs", peak_dbfs)]),
        fix: LEVEL_FIX.into(),
        mend: Mend::Mix,
    })
}

fn low_level(bits: u32, peak_dbfs: f64) -> Option<Advice> {
    let used_bits = f64::from(bits) + peak_dbfs / amplitude_to_db(2.0);
    (used_bits < USED_BITS_LOW).then(|| Advice {
        id: Problem::LowLevel,
        severity: Severity::Medium,
        confidence: 0.95,
        message: format!(
            "the highest sample is at {peak_dbfs:.1} dBFS, so {used_bits:.0} of the file's {bits} bits are used: mastering raises \
             their noise with the music"
        ),
        band_hz: None,
        times_s: Vec::new(),
        evidence: evidence([("sample_peak_dbfs", peak_dbfs), ("used_bits", used_bits)]),
        fix: "export again in 24 bits or 32-bit float; with peaks from -12 to -6 dBFS any of them does".into(),
        mend: Mend::Mix,
    })
}
