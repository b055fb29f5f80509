//! Resonances: narrow peaks that stand at one frequency whatever is played.

use super::hints::Resonance;
use super::thresholds::{RESONANCE_CERTAINTY_RATIO, RESONANCE_RANGE_HZ};
use super::words::exact_hertz;
use super::{Advice, Mend, Problem, Severity, evidence};

/// At most so many are told.
const MOST: usize = 4;
/// What stands out more is told with more weight, dB.
const MUCH_DB: f64 = 12.0;
/// No finding of this kind is surer: engineers who were asked agree on fewer than half.
const MOST_CONFIDENCE: f64 = 0.6;

pub(super) fn advice(resonances: &[Resonance]) -> Vec<Advice> {
    let is_told = |resonance: &&Resonance| {
        resonance.certainty_ratio >= RESONANCE_CERTAINTY_RATIO && RESONANCE_RANGE_HZ.contains(&resonance.hz)
    };
    let mut told_ones: Vec<&Resonance> = resonances.iter().filter(is_told).collect();
    told_ones.sort_by(|a, b| b.certainty_ratio.total_cmp(&a.certainty_ratio));
    told_ones.truncate(MOST);
    told_ones.into_iter().map(told).collect()
}

fn told(&Resonance { hz, height_db, q, certainty_ratio }: &Resonance) -> Advice {
    // Half of the width of a bell with this Q, as a factor: q = half / (half^2 - 1).
    let half = (1.0 + (1.0 + 4.0 * q * q).sqrt()) / (2.0 * q);
    Advice {
        id: Problem::Resonance,
        severity: if height_db > MUCH_DB { Severity::Medium } else { Severity::Low },
        confidence: MOST_CONFIDENCE * certainty_ratio,
        message: format!(
            "a narrow peak at {} stands about {height_db:.0} dB over its surroundings, whatever is played. A hint: it may be a \
             resonance of a room, a drum or a filter, or a note that is meant; engineers often disagree on these",
            exact_hertz(hz)
        ),
        band_hz: Some([hz / half, hz * half]),
        times_s: Vec::new(),
        evidence: evidence([("frequency_hz", hz), ("height_db", height_db), ("q", q), ("certainty", certainty_ratio)]),
        fix: format!(
            "bell -{:.0} dB at {}, Q {q:.0}, on the track that rings; sweep it a little to find the exact place",
            (0.6 * height_db).min(9.0),
            exact_hertz(hz)
        ),
        mend: Mend::Master,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_is_told_where_it_has_to_be() {
        let ringing = Resonance { hz: 1_042.0, height_db: 15.0, q: 14.0, certainty_ratio: 0.98 };
        let told = told(&ringing);
        assert!(told.fix.starts_with("bell -9 dB at 1.04 kHz, Q 14,"), "{}", told.fix);
        assert!(told.message.starts_with("a narrow peak at 1.04 kHz stands"), "{}", told.message);
    }
}
