//! Excerpts of the mix on which settings are tried before the whole of it is rendered.

use std::ops::Range;

use crate::dsp::limiter::LimiterSettings;
use crate::engine::Recipe;
use crate::engine::drive::DriveSearch;
use crate::engine::render::process;
use crate::error::Result;
use crate::io::Spool;
use crate::measure::Measurement;
use crate::measure::spectrum::{BandPower, SpectrumMeter};
use crate::slots::{SLOTS_PER_S, slot_border};
use crate::statistics::standard_deviation;
use crate::units::{db_to_power, power_to_db_checked};

/// Excerpts shorter than this, and fewer of them, say too little.
const SHORTEST_SLOTS: usize = 4 * SLOTS_PER_S as usize;
const FEWEST: usize = 4;
/// How near the loudness of a trial comes to that of the master, LU.
const TRUSTED_LU: f64 = 0.3;

/// What an excerpt serves for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Settings may follow from it.
    Fit,
    /// Settings are judged by it alone.
    HeldOut,
}

/// Excerpts from all over a mix, every second one held out.
pub(super) struct Audition<'a> {
    mix: &'a Measurement,
    audio: &'a Spool,
    /// In slots of 100 ms.
    excerpts: Vec<Range<usize>>,
    /// What the excerpts are to have in the master.
    target_lufs: f64,
}

/// Spectra of loud parts of the excerpts, by third octave.
pub(super) struct Heard {
    frames: Vec<(Part, Vec<BandPower>)>,
    /// Where the limiter set in, dBFS of what was processed; `None` where there was none.
    pub(super) threshold_dbfs: Option<f64>,
}

impl<'a> Audition<'a> {
    /// At most `most` excerpts of a mix, none longer than `longest_s`: the loudest of each of as many equal parts. `None` for a
    /// mix too short or too quiet for it.
    pub(super) fn new(
        mix: &'a Measurement,
        audio: &'a Spool,
        most: usize,
        longest_s: usize,
        master_lufs: f64,
    ) -> Option<Self> {
        let momentary: Vec<f64> = mix.loudness.momentary_lufs().into_iter().map(db_to_power).collect();
        let excerpts = loudest(&momentary, most, longest_s * SLOTS_PER_S as usize)?;
        let excerpts_lufs = mix.loudness.integrated_lufs_within(&excerpts)?;
        let target_lufs = master_lufs + excerpts_lufs - mix.loudness.integrated_lufs()?;
        Some(Self { mix, audio, excerpts, target_lufs })
    }

    /// How many excerpts there are.
    pub(super) fn excerpts(&self) -> usize {
        self.excerpts.len()
    }

    /// Length of each.
    pub(super) fn excerpt_s(&self) -> f64 {
        self.excerpts.first().map_or(0.0, |excerpt| excerpt.len() as f64 / f64::from(SLOTS_PER_S))
    }

    /// Applies a recipe to the excerpts, at the drive that makes them as much louder as the master is to be.
    ///
    /// # Errors
    /// A setting out of range, or the spool's.
    pub(super) fn render(&self, recipe: &Recipe) -> Result<Heard> {
        let rate = self.audio.sample_rate_hz();
        let border = |slot: usize| slot_border(slot as u64, rate);
        let excerpts = self.excerpts.iter().map(|excerpt| border(excerpt.start)..border(excerpt.end));
        let processed = process(self.audio.stretches(excerpts)?, recipe, &|_, _| {})?;
        let search = DriveSearch::new(&processed, &recipe.limiter);
        let limiter = LimiterSettings { drive_db: self.drive_db(&search).unwrap_or(0.0), ..recipe.limiter.clone() };
        let mut meter = SpectrumMeter::new(rate);
        processed.limit(&limiter, |block| {
            meter.push(block);
            Ok(())
        })?;
        let spectrum = meter.finish();
        let parts = self.parts(spectrum.window_s).into_iter().zip(spectrum.iter());
        let frames = parts.filter_map(|(part, frame)| Some((part?, frame.to_vec()))).collect();
        Ok(Heard { frames, threshold_dbfs: Some(limiter.ceiling_dbtp - limiter.drive_db) })
    }

    /// The drive that the master would get: to its loudness, as far as limiting that nobody forces goes. `None` where nothing is
    /// left to be loud.
    fn drive_db(&self, search: &DriveSearch<'_>) -> Option<f64> {
        let start = search.outcome(search.drive_without_limiting(self.target_lufs)?);
        let found = search.drive_for_loudness(self.target_lufs, TRUSTED_LU, start)?;
        Some(search.held(&found).unwrap_or(found).drive_db)
    }

    /// The excerpts as they are in the mix.
    pub(super) fn mix(&self) -> Heard {
        let slots = self.excerpts.iter().flat_map(Clone::clone).collect::<Vec<usize>>();
        let frames: Vec<&[BandPower]> = self.mix.spectrum.iter().collect();
        let parts = self.parts(self.mix.spectrum.window_s);
        let known = parts.into_iter().zip(slots).filter_map(|(part, slot)| Some((part?, frames.get(slot)?.to_vec())));
        Heard { frames: known.collect(), threshold_dbfs: None }
    }

    /// What each 100 ms of the excerpts serves for; `None` where the mix isn't loud, and where a spectrum that is `window_s`
    /// long begins with the fade in or reaches into the next excerpt.
    fn parts(&self, window_s: f64) -> Vec<Option<Part>> {
        let window_slots = (window_s * f64::from(SLOTS_PER_S)).ceil() as usize;
        let slots = self.excerpts.iter().enumerate().flat_map(|(index, excerpt)| {
            let part = if index % 2 == 0 { Part::Fit } else { Part::HeldOut };
            excerpt.clone().map(move |slot| {
                let is_whole = slot > excerpt.start && slot + window_slots < excerpt.end;
                (is_whole && self.mix.is_loud(slot)).then_some(part)
            })
        });
        slots.collect()
    }
}

impl Heard {
    /// The spectra of one part.
    pub(super) fn frames(&self, wanted: Part) -> Vec<&[BandPower]> {
        let frames = self.frames.iter().filter(|(part, _)| *part == wanted);
        frames.map(|(_, frame)| frame.as_slice()).collect()
    }

    /// How far the levels of its frames spread: standard deviation, dB. `None` without any.
    pub(super) fn level_spread_db(&self) -> Option<f64> {
        let power = |frame: &[BandPower]| frame.iter().map(BandPower::total).sum();
        let levels_db: Option<Vec<f64>> =
            self.frames.iter().map(|(_, frame)| power_to_db_checked(power(frame))).collect();
        standard_deviation(&levels_db?)
    }
}

/// The loudest excerpt of each of `most` equal parts of a programme, of which the power of every 100 ms is known; of fewer
/// parts, where they would become too short. `None` where that leaves too few.
fn loudest(powers: &[f64], most: usize, longest_slots: usize) -> Option<Vec<Range<usize>>> {
    let count = most.min(powers.len() / SHORTEST_SLOTS);
    if count < FEWEST {
        return None;
    }
    let part_slots = powers.len() / count;
    let length = part_slots.min(longest_slots);
    let loudest_of = |part: usize| {
        let first = part * part_slots;
        let power = |start: &usize| powers[*start..start + length].iter().sum::<f64>();
        let starts = first..=first + part_slots - length;
        // The first of equals.
        let start = starts.rev().max_by(|a, b| power(a).total_cmp(&power(b))).unwrap_or(first);
        start..start + length
    };
    Some((0..count).map(loudest_of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_the_loudest_of_their_parts() {
        let mut powers = vec![0.1; 600];
        powers[20..80].fill(0.5);
        powers[390..450].fill(0.5);
        assert_eq!(loudest(&powers, 4, 60), Some(vec![20..80, 150..210, 390..450, 450..510]));
    }

    #[test]
    fn short_programmes_have_fewer_and_shorter_excerpts() {
        let of = |seconds: usize, most: usize| {
            loudest(&vec![1.0; 10 * seconds], most, 60).map(|all| (all.len(), all[0].len()))
        };
        assert_eq!((of(60, 6), of(24, 6), of(23, 6)), (Some((6, 60)), Some((6, 40)), Some((5, 46))));
        assert_eq!((of(40, 8), of(16, 6), of(15, 6)), (Some((8, 50)), Some((4, 40)), None));
    }
}
