//! Mains hum: tones at 50 or 60 Hz and their multiples that stand still under everything.

use super::mains::{DEVIATIONS, HARMONICS, MAINS_HZ, Window};
use super::thresholds::{HUM_HARMONICS, HUM_MIN_DBFS, HUM_PROMINENCE_DB};
use super::{Finding, Severity};
use crate::measure::analysis::median;
use crate::units::{db_to_power, power_to_db};

/// Of the windows, the share in which the neighbourhood of a harmonic is quietest is looked at, but not fewer than this.
const QUIET_SHARE: f64 = 0.5;
const MIN_WINDOWS: usize = 2;
/// Windows below this are digital silence, dBFS: hum is not switched off.
const SILENCE_DBFS: f64 = -110.0;
/// Mains hum keeps its level: its quantiles at 10 and 90 % lie this close, dB.
const STEADY_DB: f64 = 6.0;

/// One harmonic over the windows that leave room for it.
#[derive(Debug, Clone, Copy)]
struct Harmonic {
    level_db: f64,
    prominence_db: f64,
    spread_db: f64,
}

impl Harmonic {
    fn is_hum(&self) -> bool {
        self.prominence_db >= HUM_PROMINENCE_DB && self.spread_db <= STEADY_DB && self.level_db >= HUM_MIN_DBFS
    }
}

pub(super) fn finding(windows: &[Window]) -> Option<Finding> {
    let sounding: Vec<&Window> = windows.iter().filter(|window| window.power > db_to_power(SILENCE_DBFS)).collect();
    if sounding.len() < MIN_WINDOWS {
        return None;
    }
    let candidates = (0..MAINS_HZ.len()).flat_map(|mains| (0..DEVIATIONS).map(move |deviation| (mains, deviation)));
    let (mains_hz, standing) = candidates
        .map(|(mains, deviation)| {
            let harmonics = (0..HARMONICS).filter_map(|index| harmonic(&sounding, mains, index, deviation));
            if std::env::var("HS_DUMP").is_ok() && deviation == 8 { let h: Vec<_> = (0..HARMONICS).filter_map(|index| harmonic(&sounding, mains, index, deviation)).map(|h| format!("{:.1}/{:.1}/{:.1}", h.prominence_db, h.spread_db, h.level_db)).collect(); eprintln!("DUMP hum {} {}", MAINS_HZ[mains], h.join(" ")); }
            let standing: Vec<Harmonic> = harmonics.filter(Harmonic::is_hum).collect();
            (MAINS_HZ[mains], standing)
        })
        .max_by(|a, b| prominence(&a.1).total_cmp(&prominence(&b.1)))?;
    let loudest_db = standing.iter().map(|harmonic| harmonic.level_db).fold(f64::NEG_INFINITY, f64::max);
    (standing.len() >= HUM_HARMONICS).then(|| Finding {
        id: "hum",
        severity: Severity::Warning,
        value: loudest_db,
        unit: "dBFS",
        threshold: HUM_MIN_DBFS,
        times_s: Vec::new(),
        message: format!(
            "mains hum at {mains_hz:.0} Hz with {} harmonics, up to {loudest_db:.0} dBFS; find the ground loop and record \
             again, or cut {mains_hz:.0} Hz and its multiples with narrow notches",
            standing.len()
        ),
    })
}

fn prominence(harmonics: &[Harmonic]) -> f64 {
    harmonics.iter().map(|harmonic| harmonic.prominence_db).sum()
}

/// One harmonic where the music leaves most room for it.
fn harmonic(windows: &[&Window], mains: usize, index: usize, deviation: usize) -> Option<Harmonic> {
    let mut lines: Vec<(f64, f64)> = windows
        .iter()
        .map(|window| &window.lines[mains][index])
        .map(|line| (power_to_db(f64::from(line.neighbour)), power_to_db(f64::from(line.powers[deviation]))))
        .filter(|(_, level_db)| level_db.is_finite())
        .collect();
    lines.sort_by(|a, b| a.0.total_cmp(&b.0));
    lines.truncate(((QUIET_SHARE * lines.len() as f64).ceil() as usize).max(MIN_WINDOWS));
    let prominence_db = median(lines.iter().map(|(neighbour_db, level_db)| level_db - neighbour_db).collect())?;
    let mut levels: Vec<f64> = lines.iter().map(|(_, level_db)| *level_db).collect();
    levels.sort_by(f64::total_cmp);
    let at = |share: f64| levels[(share * (levels.len() - 1) as f64).round() as usize];
    Some(Harmonic { level_db: median(levels.clone())?, prominence_db, spread_db: at(0.9) - at(0.1) })
}
