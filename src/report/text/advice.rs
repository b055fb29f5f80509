//! What to fix in a mix, for the terminal.

use super::super::AdviceDocument;
use super::super::figures::{clock_fine, describe_file, file_name, hertz, printable};
use super::{WIDTH, line, shorten, wrap};
use crate::advise::{Advice, Mend, Severity};

/// Times that are written out; the JSON has them all.
const TIMES: usize = 4;
/// What lasts longer is told with its end, s: windows of 3 s are told by where they begin.
const LASTING_S: f64 = 3.0;

/// What to fix, worst first, each with its evidence and what to do.
pub fn advice_text(document: &AdviceDocument) -> String {
    let mut out = String::new();
    line(&mut out, &shorten(&file_name(&document.file.path), WIDTH));
    line(&mut out, &format!("  {}", describe_file(&document.file)));
    if let Some(reference) = &document.reference {
        line(&mut out, &format!("  held against {}", shorten(&file_name(&reference.path), WIDTH - 16)));
    }
    if let Some(profile) = &document.profile {
        line(&mut out, &shorten(&printable(&format!("  profile {}", profile.words())), WIDTH));
    }
    line(&mut out, "");
    if document.findings.is_empty() {
        line(&mut out, "Nothing to fix was found.");
    }
    for (number, advice) in (1..).zip(&document.findings) {
        told(&mut out, number, advice);
    }
    let has_profile = document.profile.as_ref().is_some_and(|profile| profile.name.is_some());
    if document.reference.is_none() && !has_profile && !document.findings.is_empty() {
        wrap(
            &mut out,
            "Tone was held against music in general; a reference (--reference FILE) makes that part surer.",
            0,
        );
    }
    document.notes.iter().for_each(|note| wrap(&mut out, note, 0));
    out
}

fn told(out: &mut String, number: usize, advice: &Advice) {
    let severity = match advice.severity {
        Severity::High => "HIGH",
        Severity::Medium => "MEDIUM",
        Severity::Low => "LOW",
    };
    let band = advice.band_hz.map_or(String::new(), |[low, high]| format!(", {} to {}", hertz(low), hertz(high)));
    let name = advice.id.to_string().replace('_', " ");
    let percent = (100.0 * advice.confidence).round();
    line(out, &format!("{number:>2}  {severity:<6}  {name}{band} ({percent:.0} % sure)"));
    wrap(out, &printable(&advice.message), 12);
    if !advice.times_s.is_empty() {
        let time = |&[from_s, to_s]: &[f64; 2]| {
            let until = if to_s - from_s > LASTING_S { format!(" to {}", clock_fine(to_s)) } else { String::new() };
            clock_fine(from_s) + &until
        };
        let times: Vec<String> = advice.times_s.iter().take(TIMES).map(time).collect();
        let more = advice.times_s.len().saturating_sub(TIMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        wrap(out, &format!("at {}{more}", times.join(", ")), 12);
    }
    wrap(out, &format!("Fix: {}.", printable(&advice.fix)), 12);
    let mend = match advice.mend {
        Mend::Master => "Mastering could mend it too.",
        Mend::Mix => "Only the mix can mend it.",
    };
    line(out, &format!("{:12}{mend}", ""));
    line(out, "");
}
