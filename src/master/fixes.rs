//! Changes of a finished master for the sake of its translation: each is made, measured, and kept only if it helps.

use super::meet::{Goal, Met, limiter_ceiling, meet};
use super::{Made, MasterJob, OnProgress, process_again};
use crate::error::Result;
use crate::measure::Measurement;
use crate::suggest::Proposal;
use crate::translate::ceiling::{Attempt, CeilingFix, CeilingOutcome, lowered};
use crate::translate::codecs::{CodecCheck, check};
use crate::translate::fix::{self, Change};
use crate::translate::{AppliedFix, DeviceScore, Devices, Programme, Translation};

/// Most changes that are tried for the sake of translation: each costs as much as another master.
const MAX_FIXES: usize = 3;
/// What fixes move a suggestion's quantity by, in its own unit, from which on it is told.
const WORTH_SAYING: f64 = 0.3;

/// Makes the master again with each proposed change, the weakest device's first, and keeps what helps the device that
/// it is for without hurting another one.
pub(super) fn with_changes(
    job: &MasterJob<'_>,
    devices: &Devices,
    goal: &Goal,
    mut made: Made,
    proposed: &Translation,
    on_progress: OnProgress<'_>,
) -> Result<(Made, Vec<AppliedFix>)> {
    let mut wanted: Vec<(usize, f64, Change)> = proposed
        .devices
        .iter()
        .enumerate()
        .filter_map(|(index, device)| Some((index, device, device.own.score?)))
        .flat_map(|(index, device, score)| device.fixes.iter().map(move |fix| (index, score, fix.change)))
        .collect();
    wanted.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut tried: Vec<Change> = Vec::new();
    let mut applied: Vec<AppliedFix> = Vec::new();
    let Some(unfixed) = Programme::new(made.measurement()) else { return Ok((made, applied)) };
    let original = devices.score(&unfixed);
    let mut before = original.clone();
    for (index, _, change) in wanted {
        let device = &proposed.devices[index].id;
        let is_settled = tried.contains(&change)
            || applied.iter().any(|applied| applied.device == *device || applied.change.is_like(&change));
        if tried.len() == MAX_FIXES || is_settled {
            continue;
        }
        tried.push(change);
        let mut recipe = made.recipe.clone();
        change.apply(&mut recipe);
        made.processed = None;
        let mut processed = process_again(job, &recipe, on_progress)?;
        let met = meet(goal, &mut processed, &mut recipe, job, on_progress)?;
        let candidate = Made::new(recipe, processed, met);
        let Some(programme) = Programme::new(candidate.measurement()) else { continue };
        let after = devices.score(&programme);
        let verified = fix::judge(devices, &before, &after, index);
        // What two changes do together counts too.
        let in_all = fix::judge(devices, &original, &after, index);
        if verified.passes && in_all.passes && !fix::rewrites(&unfixed, &programme) {
            applied.push(AppliedFix {
                device: device.clone(),
                name: proposed.devices[index].name.clone(),
                change,
                setting: change.describe(),
                gain: verified.gain,
            });
            (made, before) = (candidate, after);
        }
    }
    Ok((made, applied))
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
            suggestion.cause.push_str(&format!("; what was changed for devices and codecs moves it by {moved:+.1}"));
        }
    }
}

/// A master and what codecs do to it.
pub(super) struct Behind {
    /// What it has to meet: a lower ceiling than before, perhaps.
    pub(super) goal: Goal,
    pub(super) made: Made,
    pub(super) checks: Vec<CodecCheck>,
    pub(super) fix: Option<CeilingFix>,
}

/// Checks a master with codecs. Where it clips behind one of them and fixes are wanted, it is made again with the lower
/// ceiling that the check finds, checked again, and kept if all pass that can and no device is hurt.
pub(super) fn behind_codecs(
    job: &MasterJob<'_>,
    devices: &Devices,
    goal: Goal,
    made: Made,
    on_progress: OnProgress<'_>,
) -> Result<Behind> {
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
        recipe.limiter.ceiling_dbtp = limiter_ceiling(ceiling_dbtp);
        let met = meet(&lower, behind.made.processed(job, on_progress)?, &mut recipe, job, on_progress)?;
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
