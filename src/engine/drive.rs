//! How far to drive the limiter to meet a loudness.
//!
//! The limiter's gain follows from the peaks of its control intervals, and loudness from their K-weighted energies
//! times that gain squared. So the search runs on two numbers per half millisecond instead of on audio; what it
//! predicts is then measured on the written file.

use super::render::Processed;
use crate::dsp::limiter::{LimiterSettings, gain_of_reduction, interval_frames, reductions_db};
use crate::measure::loudness::integrated_lufs_of_slots;
use crate::units::db_to_power;

/// What a drive leads to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Drive before the limiter.
    pub drive_db: f64,
    /// Integrated loudness of the limited programme; `None` if it has none.
    pub integrated_lufs: Option<f64>,
    /// Reduction that is exceeded 5 % of the time in the loud parts.
    pub p95_reduction_db: f64,
    /// Loudness that another dB of drive adds, 0.125 to 1: as the last two drives showed, or else guessed.
    pub lu_per_db: f64,
}

impl Outcome {
    /// What a drive near by leads to.
    fn moved(self, drive_db: f64) -> Self {
        let more_db = drive_db - self.drive_db;
        Self {
            drive_db,
            integrated_lufs: self.integrated_lufs.map(|lufs| lufs + more_db * self.lu_per_db),
            // One dB of drive adds about one dB of reduction.
            p95_reduction_db: (self.p95_reduction_db + more_db).max(0.0),
            ..self
        }
    }
}

/// Most reduction at the 95th percentile before more loudness costs too much. Matches the hard limit that the study
/// behind the suggestions sets (more than 6 dB counts as a failure).
pub const MAX_P95_REDUCTION_DB: f64 = 6.0;
/// Least and most drive that is tried, dB.
pub const DRIVE_RANGE_DB: (f64, f64) = (-60.0, 40.0);

/// Finds the drive for a loudness.
pub struct DriveSearch<'a> {
    processed: &'a Processed,
    limiter: &'a LimiterSettings,
    slots_per_interval: f64,
}

impl<'a> DriveSearch<'a> {
    /// A search with the limiter's other settings, over the peaks that are known: as good as they are exact above the
    /// threshold at the drives tried.
    pub fn new(processed: &'a Processed, limiter: &'a LimiterSettings) -> Self {
        let rate = processed.sample_rate_hz();
        Self { processed, limiter, slots_per_interval: 10.0 * interval_frames(rate) as f64 / f64::from(rate) }
    }

    /// The gating slot of 100 ms that an interval lies in.
    fn slot_of(&self, interval: usize) -> usize {
        (interval as f64 * self.slots_per_interval) as usize
    }

    /// The drive that would give a loudness if the limiter took nothing away: a start for a search. `None` for a programme
    /// without loudness.
    pub fn drive_without_limiting(&self, target_lufs: f64) -> Option<f64> {
        let intervals = &self.processed.intervals;
        let mut powers = vec![0.0; self.slot_of(intervals.len())];
        for (index, [left, right]) in intervals.energies().enumerate() {
            if let Some(sum) = powers.get_mut(self.slot_of(index)) {
                *sum += f64::from(left) + f64::from(right);
            }
        }
        let scale = 10.0 / f64::from(self.processed.sample_rate_hz());
        powers.iter_mut().for_each(|power| *power *= scale);
        Some(target_lufs - integrated_lufs_of_slots(&powers)?)
    }

    /// What a drive leads to.
    pub fn outcome(&self, drive_db: f64) -> Outcome {
        let limited = self.limited(drive_db);
        Outcome {
            drive_db,
            integrated_lufs: integrated_lufs_of_slots(&limited.powers),
            p95_reduction_db: self.loud_p95_db(&limited, |_| 0.0),
            lu_per_db: limited.lu_per_db,
        }
    }

    /// The reduction by limiter and leveler together that is exceeded 5 % of the time in the loud parts, dB. Of the leveler, the deepest
    /// of each 100 ms counts: it moves no faster.
    pub fn p95_with_leveler_db(&self, drive_db: f64) -> f64 {
        let leveler_db = &self.processed.log.leveler_db;
        self.loud_p95_db(&self.limited(drive_db), |slot| leveler_db.get(slot).copied().unwrap_or_default())
    }

    /// The programme behind the limiter.
    fn limited(&self, drive_db: f64) -> Limited {
        let settings = LimiterSettings { drive_db, ..self.limiter.clone() };
        let intervals = &self.processed.intervals;
        let rate = self.processed.sample_rate_hz();
        let mut energies = vec![0.0; self.slot_of(intervals.len())];
        let mut at_rest = 0.0;
        // Hundredths of a dB: two bytes for each half millisecond, where a long programme has millions of them.
        let mut reductions_cdb: Vec<u16> = Vec::with_capacity(intervals.len());
        let mut reductions = reductions_db(&settings, intervals.levels(), rate);
        let mut before_db = reductions.next().unwrap_or([0.0; 2]);
        let mut gains_before = gains(before_db);
        for (index, (energy, reduction_db)) in intervals.energies().zip(reductions).enumerate() {
            let gains_after = if reduction_db == before_db { gains_before } else { gains(reduction_db) };
            if let Some(sum) = energies.get_mut(self.slot_of(index)) {
                for (channel, energy) in energy.into_iter().enumerate() {
                    let limited = f64::from(energy) * (0.5 * (gains_before[channel] + gains_after[channel])).powi(2);
                    *sum += limited;
                    at_rest += if reduction_db[channel] == 0.0 { limited } else { 0.0 };
                }
            }
            reductions_cdb.push((reduction_db[0].max(reduction_db[1]) * 100.0) as u16);
            (before_db, gains_before) = (reduction_db, gains_after);
        }
        // As if it added all where the limiter rests and nothing where it works; but there, too, it adds something.
        let lu_per_db = (at_rest / energies.iter().sum::<f64>()).clamp(0.5, 1.0);
        let scale = db_to_power(drive_db) * 10.0 / f64::from(rate);
        Limited { powers: energies.iter().map(|sum| sum * scale).collect(), reductions_cdb, lu_per_db }
    }

    /// The reduction that is exceeded 5 % of the time in the loud parts, with what came before it in each slot, dB.
    fn loud_p95_db(&self, limited: &Limited, before_db: impl Fn(usize) -> f64) -> f64 {
        let powers = &limited.powers;
        let loud_power = powers.iter().sum::<f64>() / powers.len().max(1) as f64 * 0.1;
        let mut histogram = vec![0usize; usize::from(u16::MAX) + 1];
        for (index, &cdb) in limited.reductions_cdb.iter().enumerate() {
            let slot = self.slot_of(index);
            if powers.get(slot).is_some_and(|power| *power > loud_power) {
                let before_cdb = (before_db(slot) * 100.0) as u16;
                histogram[usize::from(cdb.saturating_add(before_cdb))] += 1;
            }
        }
        percentile_95(&histogram) as f64 / 100.0
    }

    /// The drive that gives `target_lufs`, sought from an outcome near by; a last step of up to `trusted_lu` is taken on
    /// trust. Where no drive gives it, because the limiter takes back nearly all that more drive adds, the drive where that
    /// sets in. `None` for a programme without loudness.
    pub fn drive_for_loudness(&self, target_lufs: f64, trusted_lu: f64, start: Outcome) -> Option<Outcome> {
        /// Loudness gained per dB of drive under which more of it only does harm.
        const LEAST_GAIN_LU_PER_DB: f64 = 0.03;
        let clamp = |drive_db: f64| drive_db.clamp(DRIVE_RANGE_DB.0, DRIVE_RANGE_DB.1);
        let mut here = start;
        for _ in 0..12 {
            let miss_lu = target_lufs - here.integrated_lufs?;
            let drive_db = clamp(here.drive_db + (miss_lu / here.lu_per_db).clamp(-12.0, 6.0));
            if drive_db == here.drive_db {
                break;
            }
            if miss_lu.abs() < trusted_lu {
                return Some(here.moved(drive_db));
            }
            let next = self.outcome(drive_db);
            let slope = (next.integrated_lufs? - here.integrated_lufs?) / (drive_db - here.drive_db);
            if slope < LEAST_GAIN_LU_PER_DB && drive_db > here.drive_db {
                break;
            }
            here = Outcome { lu_per_db: slope.clamp(0.125, 1.0), ..next };
        }
        Some(here)
    }

    /// The drive that holds the limiting of the loud parts at [`MAX_P95_REDUCTION_DB`], where that of `found` takes more; `None`
    /// where it doesn't.
    pub fn held(&self, found: &Outcome) -> Option<Outcome> {
        let is_too_much = found.p95_reduction_db > MAX_P95_REDUCTION_DB;
        is_too_much.then(|| self.drive_for_reduction(MAX_P95_REDUCTION_DB, found.drive_db))
    }

    /// The drive that gives a reduction of `p95_db` at the 95th percentile within 0.05 dB, at most `highest_db`; the least there is
    /// where that gives more.
    pub fn drive_for_reduction(&self, p95_db: f64, highest_db: f64) -> Outcome {
        let mut high = self.outcome(highest_db);
        if high.p95_reduction_db <= p95_db {
            return high;
        }
        let with_less = |from: &Outcome| {
            // One dB of drive adds about one dB of reduction.
            let drive_db = from.drive_db - (from.p95_reduction_db - p95_db) - 1.0;
            self.outcome(drive_db.max(DRIVE_RANGE_DB.0))
        };
        let mut low = with_less(&high);
        // But which parts are loud depends on the drive too, and fewer of them may be reduced by more.
        while low.p95_reduction_db > p95_db && low.drive_db > DRIVE_RANGE_DB.0 {
            high = low;
            low = with_less(&high);
        }
        while high.drive_db - low.drive_db > 0.05 {
            let middle = self.outcome(0.5 * (low.drive_db + high.drive_db));
            if middle.p95_reduction_db > p95_db { high = middle } else { low = middle }
        }
        low
    }
}

/// A programme as a drive leaves it.
struct Limited {
    /// K-weighted power of each slot of 100 ms.
    powers: Vec<f64>,
    /// Reduction at each control interval, hundredths of a dB.
    reductions_cdb: Vec<u16>,
    /// A guess at [`Outcome::lu_per_db`].
    lu_per_db: f64,
}

/// The gains of both channels, most often the same.
fn gains(reduction_db: [f64; 2]) -> [f64; 2] {
    let left = gain_of_reduction(reduction_db[0]);
    [left, if reduction_db[1] == reduction_db[0] { left } else { gain_of_reduction(reduction_db[1]) }]
}

/// The first value of a histogram that at most 5 % of its entries exceed.
fn percentile_95(histogram: &[usize]) -> usize {
    let total: usize = histogram.iter().sum();
    let mut below = 0;
    let reached = histogram.iter().position(|count| {
        below += count;
        below * 20 >= total * 19
    });
    reached.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::AudioBuffer;
    use crate::dsp::leveler::LevelerSettings;
    use crate::engine::Recipe;
    use crate::engine::render::process;
    use crate::io::Spool;
    use crate::measure::Meter;

    /// Bursts of a tone over a quieter one: something for a limiter to do.
    fn processed() -> Processed {
        processed_by(&Recipe::default())
    }

    fn processed_by(recipe: &Recipe) -> Processed {
        let mut block = AudioBuffer::new(48_000);
        for n in 0..48_000 * 6 {
            let burst = if n % 12_000 < 1500 { 0.7 } else { 0.1 };
            let x = burst * (n as f32 * 0.06).sin() + 0.05 * (n as f32 * 0.21).sin();
            block.push(x, 0.9 * x);
        }
        let mut spool = Spool::new(48_000);
        spool.push(&block).expect("memory");
        process(spool, recipe, &|_, _| {}).expect("valid settings")
    }

    #[test]
    fn the_predicted_loudness_is_the_one_that_is_measured() {
        let mut processed = processed();
        let mut limiter = LimiterSettings::default();
        processed.find_true_peaks(0.0).expect("memory");
        let unlimited = DriveSearch::new(&processed, &limiter).outcome(0.0);
        let unlimited_lufs = unlimited.integrated_lufs.expect("loud");
        for louder_lu in [0.0, 4.0, 7.0] {
            let search = DriveSearch::new(&processed, &limiter);
            let found = search.drive_for_loudness(unlimited_lufs + louder_lu, 0.02, search.outcome(0.0)).expect("loud");
            limiter.drive_db = found.drive_db;
            let mut meter = Meter::new(48_000);
            let mut sink = |block: &AudioBuffer| {
                meter.push(block);
                Ok(())
            };
            processed.limit(&limiter, &mut sink).expect("memory");
            let measured = meter.finish();
            let miss_lu = measured.loudness.integrated_lufs().expect("loud") - (unlimited_lufs + louder_lu);
            assert!(miss_lu.abs() < 0.05, "{louder_lu} LU louder: off by {miss_lu}");
        }
    }

    #[test]
    fn what_the_leveler_takes_is_added_to_what_the_limiter_does() {
        let limiter = LimiterSettings::default();
        let mut processed = processed_by(&Recipe { leveler: Some(LevelerSettings::default()), ..Recipe::default() });
        // As if it took 3 dB throughout.
        processed.log.leveler_db.fill(3.0);
        let search = DriveSearch::new(&processed, &limiter);
        let limited_db = search.outcome(12.0).p95_reduction_db;
        assert!(limited_db > 1.0, "{limited_db}");
        assert!((search.p95_with_leveler_db(12.0) - (limited_db + 3.0)).abs() < 1e-9);
        processed.log.leveler_db.clear();
        assert_eq!(DriveSearch::new(&processed, &limiter).p95_with_leveler_db(12.0), limited_db);
    }

    #[test]
    fn the_drive_for_a_reduction_stays_under_it() {
        let mut processed = processed();
        let limiter = LimiterSettings::default();
        processed.find_true_peaks(0.0).expect("memory");
        let search = DriveSearch::new(&processed, &limiter);
        let found = search.drive_for_reduction(3.0, 20.0);
        assert!((2.8..=3.0).contains(&found.p95_reduction_db), "{found:?}");
        assert_eq!(search.drive_for_reduction(30.0, 1.0).drive_db, 1.0);
    }

    #[test]
    fn the_drive_for_a_reduction_stays_within_its_range() {
        // Samples as large as those of 16 bits, in floating point: 70 dB over full scale and more.
        let tone: Vec<f32> = (0..96_000).map(|n| 30_000.0 * (n as f32 * 0.06).sin()).collect();
        let mut spool = Spool::new(48_000);
        spool.push(&AudioBuffer::from_channels(48_000, tone.clone(), tone)).expect("memory");
        let mut processed = process(spool, &Recipe::default(), &|_, _| {}).expect("neutral settings");
        processed.find_true_peaks(0.0).expect("memory");
        let limiter = LimiterSettings::default();
        let search = DriveSearch::new(&processed, &limiter);
        let found = search.drive_for_reduction(6.0, DRIVE_RANGE_DB.0 + 5.0);
        assert!(found.drive_db >= DRIVE_RANGE_DB.0 && found.drive_db < DRIVE_RANGE_DB.0 + 0.1, "{found:?}");
    }
}
