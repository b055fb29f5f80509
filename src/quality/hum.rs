//! Mains hum: tones at 50 or 60 Hz and their multiples that stand still under everything.

use super::mains::{DEVIATIONS, HARMONICS, MAINS_HZ, Window};
use super::thresholds::{HUM_HARMONICS, HUM_LOWEST_DB, HUM_LOWEST_LIMIT_DB, HUM_MIN_DBFS, HUM_PROMINENCE_DB};
use super::{Finding, Severity};
use crate::measure::analysis::median;
use crate::units::{db_to_power, power_to_db};

/// Of the windows, the share in which the neighbourhood of a harmonic is quietest is looked at, but not fewer than this.
const QUIET_SHARE: f64 = 0.5;
const MIN_WINDOWS: usize = 2;
/// Windows below this are digital silence, dBFS: hum is not switched off.
const SILENCE_DBFS: f64 = -110.0;
/// The harmonics that nearly all hum has.
const LOWEST: usize = 4;
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
    let combs = [0, 1].map(|mains| {
        let combs = (0..DEVIATIONS).map(|deviation| Comb::of(&sounding, mains, deviation));
        combs.reduce(|best, next| if next.lowest_db > best.lowest_db { next } else { best })
    });
    let [Some(of_50), Some(of_60)] = combs else { return None };
    let (mains_hz, comb) = match (of_50.is_hum(), of_60.is_hum()) {
        (true, false) => (MAINS_HZ[0], of_50),
        (false, true) => (MAINS_HZ[1], of_60),
        // No mains has both: these are low notes.
        _ => return None,
    };
    Some(Finding {
        id: "hum",
        severity: Severity::Warning,
        value: comb.loudest_db,
        unit: "dBFS",
        threshold: HUM_MIN_DBFS,
        times_s: Vec::new(),
        message: format!(
            "mains hum at {mains_hz:.0} Hz, up to {:.0} dBFS; find the ground loop and record again, or cut {mains_hz:.0} Hz \
             and its multiples with narrow notches",
            comb.loudest_db
        ),
    })
}

/// All harmonics of one frequency.
#[derive(Debug, Clone, Copy)]
struct Comb {
    /// How many stand out by themselves.
    standing: usize,
    /// By how much the lowest four stand out altogether, dB; none counts for more than a limit.
    lowest_db: f64,
    loudest_db: f64,
}

impl Comb {
    fn of(windows: &[&Window], mains: usize, deviation: usize) -> Self {
        let harmonics: Vec<Option<Harmonic>> =
            (0..HARMONICS).map(|index| harmonic(windows, mains, index, deviation)).collect();
        let lowest = harmonics.iter().take(LOWEST);
        let limited = |harmonic: &Option<Harmonic>| {
            harmonic.map_or(-HUM_LOWEST_LIMIT_DB, |h| h.prominence_db.clamp(-HUM_LOWEST_LIMIT_DB, HUM_LOWEST_LIMIT_DB))
        };
        let audible = harmonics.iter().flatten().filter(|harmonic| harmonic.level_db >= HUM_MIN_DBFS);
        let prominent = audible.filter(|harmonic| harmonic.prominence_db > 0.5 * HUM_PROMINENCE_DB);
        Self {
            standing: harmonics.iter().flatten().filter(|harmonic| harmonic.is_hum()).count(),
            lowest_db: lowest.map(limited).sum(),
            loudest_db: prominent.map(|harmonic| harmonic.level_db).fold(f64::NEG_INFINITY, f64::max),
        }
    }

    fn is_hum(&self) -> bool {
        let stands_out = self.standing >= HUM_HARMONICS || self.lowest_db >= HUM_LOWEST_DB;
        stands_out && self.loudest_db >= HUM_MIN_DBFS
    }
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
