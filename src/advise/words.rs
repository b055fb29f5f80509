//! Numbers as advice writes them.

/// Where something broad lies: `310 Hz`, `3.2 kHz`.
pub(super) fn hertz(hz: f64) -> String {
    if hz < 995.0 {
        let step = if hz < 100.0 { 1.0 } else { 10.0 };
        format!("{:.0} Hz", (hz / step).round() * step)
    } else {
        format!("{:.1} kHz", 1e-3 * hz)
    }
}

/// A frequency in three digits, near enough for a narrow bell: `156 Hz`, `1.04 kHz`.
pub(super) fn exact_hertz(hz: f64) -> String {
    let khz = 1e-3 * hz;
    match hz {
        ..999.5 => format!("{hz:.0} Hz"),
        ..9_995.0 => format!("{khz:.2} kHz"),
        _ => format!("{khz:.1} kHz"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_have_two_digits_or_three() {
        let all_hz = [155.6, 999.4, 1_042.0, 9_994.0, 12_345.0];
        assert_eq!(all_hz.map(hertz), ["160 Hz", "1.0 kHz", "1.0 kHz", "10.0 kHz", "12.3 kHz"]);
        assert_eq!(all_hz.map(exact_hertz), ["156 Hz", "999 Hz", "1.04 kHz", "9.99 kHz", "12.3 kHz"]);
    }
}
