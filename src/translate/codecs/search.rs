//! The highest ceiling at which a programme passes a codec.
//!
//! Only the few places where the decoded programme is highest decide, so the search encodes them alone; what it finds is
//! proved on the whole programme, and a place that fails there joins them.

use std::ops::Range;

use super::check::{decoded_peaks, passes};
use super::{Codec, PASS_DBTP};
use crate::dsp::limiter::LimiterSettings;
use crate::engine::render::Processed;
use crate::error::Result;
use crate::io::Spool;
use crate::measure::peak::Peaks;
use crate::slots::slot_border;
use crate::units::db_to_amplitude;

/// The lowest ceiling that is tried, dBTP.
pub const LOWEST_DBTP: f64 = -8.0;
/// Steps to a dB in which ceilings are told.
pub const STEPS_PER_DB: f64 = 10.0;
/// Places that join the search at a time.
const PLACES: usize = 6;
/// Slots of 100 ms ahead of a place: the limiter and the codec have settled by then.
const LEAD_SLOTS: usize = 12;
/// Slots from a place on.
const TAIL_SLOTS: usize = 4;

/// The search for one programme.
pub(super) struct CeilingSearch {
    /// Its true peaks are known above [`LOWEST_DBTP`].
    programme: Processed,
    /// True peak of it, dBTP.
    own_dbtp: f64,
}

impl CeilingSearch {
    /// Prepares the search.
    ///
    /// # Errors
    /// Those of the spool.
    pub(super) fn new(mut programme: Processed, own_dbtp: f64) -> Result<Self> {
        programme.find_true_peaks(floor())?;
        Ok(Self { programme, own_dbtp })
    }

    /// The highest ceiling in tenths of a dB at which the limited programme passes; `None` if none down to
    /// [`LOWEST_DBTP`] does. `decoded` is what the codec makes of the programme as it is, which fails.
    ///
    /// # Errors
    /// Those of the spool and of the codec.
    pub(super) fn passing_ceiling(&self, codec: &Codec, decoded: &Peaks) -> Result<Option<f64>> {
        let mut places = Vec::new();
        join_highest(&mut places, &decoded.true_peak_slots);
        // The first tenth at or above its own peak changes nothing, so it fails like the programme; where that lies over full scale,
        // all that limiters have is still to be tried.
        let mut fails = if self.own_dbtp > 0.0 { 1 } else { (self.own_dbtp * STEPS_PER_DB).ceil() as i32 };
        // What the programme exceeds by is the first guess.
        let mut over_db = decoded.true_dbtp().unwrap_or_default() - PASS_DBTP;
        loop {
            let mut excerpts = self.programme.stretches(&self.stretches(&places))?;
            excerpts.find_true_peaks(floor())?;
            let Some(step) = highest_passing(&excerpts, codec, fails, over_db)? else { return Ok(None) };
            let whole = limited_and_decoded(&self.programme, codec, step)?;
            if passes(&whole) {
                return self.raised(codec, step, fails, &whole).map(|step| Some(dbtp_of(step)));
            }
            if step == steps(LOWEST_DBTP) {
                return Ok(None);
            }
            join_highest(&mut places, &whole.true_peak_slots);
            over_db = whole.true_dbtp().unwrap_or_default() - PASS_DBTP;
            fails = step;
        }
    }

    /// The excerpts, begun anew for the codec, may have asked for more than the programme needs: where what is decoded
    /// from it leaves a step or more unused, higher steps under `fails` are tried.
    fn raised(&self, codec: &Codec, mut step: i32, mut fails: i32, decoded: &Peaks) -> Result<i32> {
        let unused = |decoded: &Peaks| decoded.true_dbtp().map_or(0, |peak| steps(PASS_DBTP - peak));
        let mut room = unused(decoded);
        while room > 0 && fails - step > 1 {
            let higher = (step + room).min(fails - 1);
            let decoded = limited_and_decoded(&self.programme, codec, higher)?;
            if passes(&decoded) {
                (step, room) = (higher, unused(&decoded));
            } else {
                (fails, room) = (higher, room / 2);
            }
        }
        Ok(step)
    }

    /// The surroundings of places in frames, in order, those that touch as one.
    fn stretches(&self, places: &[usize]) -> Vec<Range<u64>> {
        let border = |slot: usize| slot_border(slot as u64, self.programme.sample_rate_hz());
        let mut sorted = places.to_vec();
        sorted.sort_unstable();
        let mut stretches: Vec<Range<u64>> = Vec::new();
        for place in sorted {
            let (start, end) = (border(place.saturating_sub(LEAD_SLOTS)), border(place + TAIL_SLOTS));
            match stretches.last_mut() {
                Some(last) if start <= last.end => last.end = end,
                _ => stretches.push(start..end),
            }
        }
        stretches
    }
}

/// The highest step under `fails` at which a programme passes, by halving from a guess of `over_db` lower.
fn highest_passing(programme: &Processed, codec: &Codec, mut fails: i32, over_db: f64) -> Result<Option<i32>> {
    let lowest = steps(LOWEST_DBTP);
    let passes_at = |step: i32| Ok(passes(&limited_and_decoded(programme, codec, step)?));
    let mut guess = (fails - (over_db * STEPS_PER_DB).ceil() as i32).clamp(lowest, (fails - 1).max(lowest));
    while !passes_at(guess)? {
        if guess == lowest {
            return Ok(None);
        }
        let further = (fails - guess).max(2);
        (fails, guess) = (guess, (guess - further / 2).max(lowest));
    }
    while fails - guess > 1 {
        let middle = guess + (fails - guess) / 2;
        if passes_at(middle)? { guess = middle } else { fails = middle }
    }
    Ok(Some(guess))
}

/// The peaks of what a codec makes of a programme that is limited to a step.
fn limited_and_decoded(programme: &Processed, codec: &Codec, step: i32) -> Result<Peaks> {
    let limiter = LimiterSettings { ceiling_dbtp: dbtp_of(step), ..LimiterSettings::default() };
    let mut limited = Spool::new(programme.sample_rate_hz());
    programme.limit(&limiter, |block| limited.push(block))?;
    decoded_peaks(&codec.round_trip(&limited)?)
}

/// Adds the places of the highest slots, each a stretch away from those that are there already and from each other.
fn join_highest(places: &mut Vec<usize>, slots: &[f32]) {
    let mut order: Vec<usize> = (0..slots.len()).collect();
    order.sort_by(|&a, &b| slots[b].total_cmp(&slots[a]));
    let wanted = places.len() + PLACES;
    for slot in order {
        if places.len() == wanted {
            break;
        }
        // Within the tail of a place it is heard already.
        if !places.iter().any(|&place| (place.saturating_sub(1)..place + TAIL_SLOTS).contains(&slot)) {
            places.push(slot);
        }
    }
}

fn steps(dbtp: f64) -> i32 {
    (dbtp * STEPS_PER_DB).floor() as i32
}

fn dbtp_of(step: i32) -> f64 {
    f64::from(step) / STEPS_PER_DB
}

/// Peaks under the lowest ceiling need not be exact.
fn floor() -> f32 {
    db_to_amplitude(LOWEST_DBTP) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_the_highest_and_apart() {
        let mut slots = vec![0.1; 100];
        (slots[50], slots[51], slots[53], slots[90], slots[0]) = (0.9, 1.0, 0.8, 0.7, 0.6);
        let mut places = Vec::new();
        join_highest(&mut places, &slots);
        assert_eq!(places.len(), PLACES);
        // 50 and 53 are heard with 51.
        assert_eq!(places[..3], [51, 90, 0]);
        let before = places.clone();
        join_highest(&mut places, &slots);
        assert_eq!((places.len(), &places[..PLACES]), (2 * PLACES, &before[..]));
    }
}
