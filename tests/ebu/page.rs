//! `docs/conformance.md`: every case, what is expected and what is read.

use std::fmt::Write;
use std::path::Path;

use crate::cases::Case;

const HEAD: &str = "\
# Conformance

What the meters read on the signals of EBU Tech 3341 (version 4, Table 1) and Tech 3342, synthesised at five sample
rates. `tests/ebu` makes the signals, holds every reading to its tolerance, and checks that this page is up to date.
Written anew by

    HALFSPEED_UPDATE_DOCS=1 cargo test --test ebu

- **expected** is what the document asks for: within 0.1 LU, 1 LU for the range, +0.2 and -0.4 dB for true peaks.
- **exact** is what a meter with the coefficients of ITU-R BS.1770-5 reads on the same signal at 48 kHz, or theory. The
  tests hold loudness to 0.03 LU of it, the range to 0.05 LU, true peaks 15 to 19 to 0.05 dB, and 20 to 23 to the range
  from -0.15 to 0.00 dBTP.
- Levels are peaks in dBFS of a 1 kHz tone, the same in all channels unless said otherwise. 0.50 is -6.00 dBFS, 1.41 is
  +3.01 dBFS.
- Where a case has several readings, the least and the greatest are given. S is read every 50 ms, M every 10 ms.
- Cases 7 and 8, and 5 and 6 of Tech 3342, are recordings which the EBU doesn't allow to be passed on.

";

fn range(readings: &[f64]) -> String {
    let least = readings.iter().copied().fold(f64::INFINITY, f64::min);
    let most = readings.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // No sign on a zero.
    let text = |value: f64| format!("{:.3}", (value * 1000.0).round() / 1000.0 + 0.0);
    if text(least) == text(most) { text(least) } else { format!("{} to {}", text(least), text(most)) }
}

fn page(by_rate: &[(u32, Vec<Case>)]) -> String {
    let mut page = String::from(HEAD);
    let rates: String = by_rate.iter().map(|(rate, _)| format!(" {} kHz |", f64::from(*rate) / 1000.0)).collect();
    let lines: String = by_rate.iter().map(|_| "--:|").collect();
    let _ = writeln!(page, "| case | signal | reads | expected | exact |{rates}");
    let _ = writeln!(page, "|---|---|---|--:|--:|{lines}");
    for index in 0..by_rate[0].1.len() {
        let Case { number, signal, reads, expected, exact, .. } = &by_rate[0].1[index];
        let readings: String =
            by_rate.iter().map(|(_, cases)| format!(" {} |", range(&cases[index].readings))).collect();
        let _ = writeln!(page, "| {number} | {signal} | {reads} | {expected} | {exact:.3} |{readings}");
    }
    page
}

/// Compares the page in the repository with these readings, or writes it.
pub fn check(by_rate: &[(u32, Vec<Case>)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let page = page(by_rate);
    if std::env::var_os("HALFSPEED_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("docs can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "docs/conformance.md is out of date: HALFSPEED_UPDATE_DOCS=1 cargo test --test ebu");
}
