//! Changes of a finished master for the sake of its translation: each is made, measured, and kept only if it helps.

use super::meet::{Goal, Met, limiter_ceiling, meet};
use super::{Made, process_again};
use crate::error::Result;
use crate::measure::Measurement;
use crate::progress::StepProgress;
use crate::suggest::Proposal;
use crate::translate::ceiling::{Attempt, CeilingFix, CeilingOutcome, lowered};
use crate::translate::codecs::{CodecCheck, check};
use crate::translate::fix::{self, Change, Fix, LeftOut, Rejected, Verified};
use crate::translate::{AppliedFix, DeviceScore, Devices, Programme, Translation};

/// Most changes that are tried for the sake of translation: each costs as much as another master.
const MAX_FIXES: usize = 3;
/// What fixes move a suggestion's quantity by, in its own unit, from which on it is told.
const WORTH_SAYING: f64 = 0.3;

/// A change that a device asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Wish {
    /// Where the device stands in the table.
    device: usize,
    change: Change,
}

/// What became of the changes that were rendered.
#[derive(Default)]
pub(super) struct Tried {
    /// What the master was given.
    pub(super) applied: Vec<AppliedFix>,
    /// What it was not.
    pub(super) rejected: Vec<Rejected>,
}

/// Makes the master again with each proposed change, the weakest device's first, and keeps what helps a device that asks for it
/// without hurting another one.
pub(super) fn with_changes(
    goal: &Goal<'_>,
    devices: &Devices,
    mut made: Made,
    proposed: &Translation,
    on_progress: StepProgress<'_>,
) -> Result<(Made, Tried)> {
    let mut tried = Tried::default();
    let Some(unfixed) = Programme::new(made.measurement()) else { return Ok((made, tried)) };
    let mut wishes = wishes(devices, proposed);
    let original = devices.score(&unfixed);
    let mut before = original.clone();
    for _ in 0..MAX_FIXES {
        let Some(&Wish { change, .. }) = wishes.first() else { break };
        let mut recipe = made.recipe.clone();
        change.apply(&mut recipe);
        made.processed = None;
        let mut processed = process_again(goal.job, &recipe, on_progress)?;
        let met = meet(goal, &mut processed, &mut recipe, on_progress)?;
        let candidate = Made::new(recipe, processed, met);
        // A master that met its goal has loudness.
        let Some(programme) = Programme::new(candidate.measurement()) else { break };
        let after = devices.score(&programme);
        let rewrites = fix::rewrites(&unfixed, &programme).then_some(LeftOut::Rewrites);
        let judged = |device| {
            // What two changes do together counts too.
            let in_all = fix::judge(devices, &original, &after, device);
            let together = in_all.left_out.map(|_| LeftOut::NotWithOthers);
            fix::judge(devices, &before, &after, device).or_left_out(together).or_left_out(rewrites)
        };
        let verified: Vec<Verified> = (0..after.len()).map(judged).collect();
        let helped = helped(&mut wishes, change, &verified);
        match helped.and_then(|index| Some((index, devices.iter().nth(index)?))) {
            Some((index, device)) => {
                tried.applied.push(AppliedFix {
                    device: device.id.clone(),
                    name: device.name.clone(),
                    change,
                    setting: change.describe(),
                    gain: verified[index].gain,
                });
                (made, before) = (candidate, after);
            }
            None => tried.rejected.push(Rejected { change, verified }),
        }
    }
    Ok((made, tried))
}

/// What devices ask for, the weakest one's wishes first, each device's best first.
fn wishes(devices: &Devices, proposed: &Translation) -> Vec<Wish> {
    let mut asking: Vec<(f64, usize, &[Fix])> = proposed
        .devices
        .iter()
        .filter_map(|device| Some((device.own.score?, devices.position(&device.id)?, &device.fixes[..])))
        .collect();
    asking.sort_by(|a, b| a.0.total_cmp(&b.0));
    let of_device = |(_, device, fixes): (f64, usize, &[Fix])| -> Vec<Wish> {
        fixes.iter().map(|fix| Wish { device, change: fix.change }).collect()
    };
    asking.into_iter().flat_map(of_device).collect()
}

/// The first device that asked for a change that was rendered and passes for it; `None` where none does. Leaves what is still to be
/// tried: other changes, and where one device is helped, other settings for the other devices.
fn helped(wishes: &mut Vec<Wish>, change: Change, verified: &[Verified]) -> Option<usize> {
    let is_helped = |wish: &&Wish| wish.change == change && verified[wish.device].passes;
    let helped = wishes.iter().find(is_helped).map(|wish| wish.device);
    match helped {
        Some(helped) => wishes.retain(|wish| wish.device != helped && !wish.change.is_like(&change)),
        None => wishes.retain(|wish| wish.change != change),
    }
    helped
}

/// What each suggestion's quantity is in a master.
pub(super) fn quantities(proposal: &Proposal, measurement: &Measurement) -> Vec<Option<f64>> {
    proposal.suggestions.iter().map(|suggestion| suggestion.quantity.of(measurement)).collect()
}

/// Takes what fixes moved into the predictions: `unfixed` are the [`quantities`] before them.
pub(super) fn note_moves(proposal: &mut Proposal, unfixed: Vec<Option<f64>>, fixed: &Measurement) {
    let fixed = quantities(proposal, fixed);
    for (suggestion, (was, is)) in proposal.suggestions.iter_mut().zip(unfixed.into_iter().zip(fixed)) {
        let Some(moved) = is.zip(was).map(|(is, was)| is - was) else { continue };
        suggestion.predicted = suggestion.predicted.map(|predicted| predicted + moved);
        if moved.abs() >= WORTH_SAYING {
            let unit = suggestion.quantity.unit();
            suggestion
                .cause
                .push_str(&format!("; what was changed for devices and codecs moves it by {moved:+.1} {unit}"));
        }
    }
}

/// A master and what codecs do to it.
pub(super) struct Behind<'a> {
    /// What it has to meet: a lower ceiling than before, perhaps.
    pub(super) goal: Goal<'a>,
    pub(super) made: Made,
    pub(super) checks: Vec<CodecCheck>,
    pub(super) fix: Option<CeilingFix>,
}

/// Checks a master with codecs. Where it clips behind one of them and fixes are wanted, it is made again with the lower
/// ceiling that the check finds, checked again, and kept if all pass that can and no device is hurt.
pub(super) fn behind_codecs<'a>(
    goal: Goal<'a>,
    devices: &Devices,
    made: Made,
    on_progress: StepProgress<'_>,
) -> Result<Behind<'a>> {
    let job = goal.job;
    let checked =
        |met: &Met| check(met.written.file.temporary(), &met.written.source.measurement, &job.codecs.codecs, None);
    let checks = checked(&made.met)?;
    let mut behind = Behind { goal, made, checks, fix: None };
    let before = scores(devices, behind.made.measurement());
    let Some(before) = before.filter(|_| job.translate_fix) else { return Ok(behind) };
    let was_lufs = behind.made.measurement().loudness.integrated_lufs();
    let mut last = None;
    behind.fix = lowered(&behind.checks, goal.ceiling_dbtp, |ceiling_dbtp| {
        let lower = Goal { ceiling_dbtp, ..goal };
        let mut recipe = behind.made.recipe.clone();
        let held_dbtp = limiter_ceiling(ceiling_dbtp, recipe.soft_clip.is_some());
        recipe.limiter.ceiling_dbtp = recipe.limiter.ceiling_dbtp.min(held_dbtp);
        let met = meet(&lower, behind.made.processed(job, on_progress)?, &mut recipe, on_progress)?;
        let checks = checked(&met)?;
        let measurement = &met.written.source.measurement;
        let is_lufs = measurement.loudness.integrated_lufs();
        // A master that met its goal has loudness, and with it scores.
        let harm = scores(devices, measurement).map(|now| fix::harm(devices, &before, &now, None)).unwrap_or_default();
        last = Some((lower, recipe, met, checks.clone()));
        Ok(Attempt { checks, loudness_change_lu: was_lufs.zip(is_lufs).map(|(was, is)| is - was), harm })
    })?;
    let is_applied = behind.fix.as_ref().is_some_and(|fix| fix.outcome == CeilingOutcome::Applied);
    if let Some((lower, recipe, met, checks)) = last.filter(|_| is_applied) {
        (behind.goal, behind.checks) = (lower, checks);
        (behind.made.recipe, behind.made.met) = (recipe, met);
    }
    Ok(behind)
}

fn scores(devices: &Devices, measurement: &Measurement) -> Option<Vec<DeviceScore>> {
    Programme::new(measurement).map(|programme| devices.score(&programme))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESENCE: Change = Change::Presence { gain_db: 2.0 };
    const HARMONICS: Change = Change::BassHarmonics { level_db: -12.0 };

    fn verified(passes: [bool; 3]) -> Vec<Verified> {
        let left_out = |passes: bool| (!passes).then_some(LeftOut::TooLittle);
        let one = |passes| Verified { gain: 1.0, worst_harm: 0.0, harmed: None, passes, left_out: left_out(passes) };
        passes.map(one).into()
    }

    fn wishes_of_three() -> Vec<Wish> {
        let gentler = Change::Presence { gain_db: 1.0 };
        [(2, PRESENCE), (2, gentler), (0, PRESENCE), (0, HARMONICS), (1, gentler)]
            .map(|(device, change)| Wish { device, change })
            .into()
    }

    #[test]
    fn a_change_that_fails_one_device_is_judged_for_the_others_that_asked_for_it() {
        let mut wishes = wishes_of_three();
        assert_eq!(helped(&mut wishes, PRESENCE, &verified([true, true, false])), Some(0));
        // That device is helped, and the setting is taken: its other wish and all other presence are done with.
        assert_eq!(wishes, []);
    }

    #[test]
    fn a_change_that_passes_for_nobody_who_asked_for_it_is_not_rendered_again() {
        let mut wishes = wishes_of_three();
        assert_eq!(helped(&mut wishes, PRESENCE, &verified([false, true, false])), None);
        assert_eq!(wishes.len(), 3);
        assert!(wishes.iter().all(|wish| wish.change != PRESENCE), "{wishes:?}");
        assert_eq!(helped(&mut wishes, wishes_of_three()[1].change, &verified([false, false, true])), Some(2));
        assert_eq!(wishes, [Wish { device: 0, change: HARMONICS }]);
    }
}
