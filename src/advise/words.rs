//! Numbers as advice writes them.

/// A frequency: `310 Hz`, `3.2 kHz`.
pub(super) fn hertz(hz: f64) -> String {
    if hz < 995.0 {
        let step = if hz < 100.0 { 1.0 } else { 10.0 };
        format!("{:.0} Hz", (hz / step).round() * step)
    } else {
        format!("{:.1} kHz", 1e-3 * hz)
    }
}
