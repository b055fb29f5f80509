//! Mains hum: tones at 50 or 60 Hz and their multiples that stand still under everything. Where the music leaves room
//! they stand out by their level; under music that does not, that they run through it: see [`super::standing`].

use super::low_band::{HARMONICS, Line, MAINS_HZ, Window};
use super::standing::{Found, Standing};
use super::thresholds::{HUM_HARMONICS, HUM_MIN_DBFS, HUM_PROMINENCE_DB};
use super::{Check, Finding, Severity, in_hertz};
use crate::measure::Measurement;
use crate::statistics::median;
use crate::units::{db_to_power, power_to_db};

/// Of the windows, the share in which the neighbourhood of a harmonic is quietest is looked at, but not fewer than this.
const QUIET_SHARE: f64 = 0.2;
const MIN_WINDOWS: usize = 3;
/// Windows below this are digital silence, dBFS: hum is not switched off.
const SILENCE_DBFS: f64 = -110.0;
/// A harmonic stands out in at least this share of those.
const STEADY_SHARE: f64 = 0.8;
/// Mains hum keeps its level: its quantiles at 10 and 90 % lie this close, dB.
const STEADY_DB: f64 = 6.0;

pub(super) fn finding(windows: &[Vec<Window>; 2], standing: Standing, measurement: &Measurement) -> Option<Finding> {
    let under_music = || standing.finish(measurement.loudness.integrated_lufs()?);
    let [mid, side] = windows.each_ref().map(|windows| in_pauses(windows));
    mid.or(side).or_else(under_music).map(told)
}

/// Hum that stands out where little else sounds.
fn in_pauses(windows: &[Window]) -> Option<Found> {
    let sounding: Vec<&Window> = windows.iter().filter(|window| window.power > db_to_power(SILENCE_DBFS)).collect();
    if sounding.len() < MIN_WINDOWS {
        return None;
    }
    let (mains_hz, harmonics) = (0..MAINS_HZ.len())
        .map(|mains| {
            let harmonic_hz = |index: usize| MAINS_HZ[mains] * (index + 1) as f64;
            let standing = |index| Some((harmonic_hz(index), level_db(&sounding, mains, index)?));
            let harmonics: Vec<(f64, f64)> = (0..HARMONICS).filter_map(standing).collect();
            (MAINS_HZ[mains], harmonics)
        })
        .max_by_key(|(_, harmonics)| harmonics.len())?;
    let (harmonics_hz, levels_dbfs): (Vec<f64>, Vec<f64>) = harmonics.into_iter().unzip();
    let loudest_dbfs = levels_dbfs.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let is_hum = harmonics_hz.len() >= HUM_HARMONICS;
    is_hum.then_some(Found { mains_hz, harmonics_hz, loudest_dbfs, threshold_dbfs: HUM_MIN_DBFS })
}

fn told(Found { mains_hz, harmonics_hz, loudest_dbfs, threshold_dbfs }: Found) -> Finding {
    let message = format!(
        "mains hum at {mains_hz:.0} Hz stands out at {}, up to {loudest_dbfs:.0} dBFS; find the ground loop and record again, or cut \
         these frequencies with narrow notches",
        in_hertz(&harmonics_hz)
    );
    let hum = Finding::new(Check::Hum, Severity::Warning, loudest_dbfs, threshold_dbfs, message);
    Finding { frequencies_hz: harmonics_hz, ..hum }
}

/// Level of one harmonic, if it stands out wherever the music leaves room for it.
fn level_db(windows: &[&Window], mains: usize, index: usize) -> Option<f64> {
    let mut lines: Vec<Line> = windows.iter().map(|window| window.lines[mains][index]).collect();
    lines.sort_by(|a, b| a.neighbour.total_cmp(&b.neighbour));
    lines.truncate(((QUIET_SHARE * lines.len() as f64) as usize).max(MIN_WINDOWS));
    let ratio = db_to_power(HUM_PROMINENCE_DB) as f32;
    let standing = lines.iter().filter(|line| line.power > ratio * line.neighbour).count();
    let mut levels: Vec<f64> = lines.iter().map(|line| power_to_db(f64::from(line.power))).collect();
    levels.sort_by(f64::total_cmp);
    let at = |share: f64| levels[(share * (levels.len() - 1) as f64).round() as usize];
    let steady = standing as f64 >= STEADY_SHARE * lines.len() as f64 && at(0.9) - at(0.1) <= STEADY_DB;
    median(levels.clone()).filter(|&level| steady && level >= HUM_MIN_DBFS)
}
