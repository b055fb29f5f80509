//! A second look: settings are tried on excerpts of the mix, corrected by what these still lack of the reference, and taken over
//! only if they come nearer on excerpts that they were not fitted to.
//!
//! What equaliser and width were to do is known beforehand; what limiting does to them afterwards isn't, and sounds that have
//! been limited alike are easier to recognise in each other. So the result of a first attempt tells more than the mix did.
//! Only shared sounds can tell, so there has to be one reference, and it has to have some.

use schemars::JsonSchema;
use serde::Serialize;

use super::audition::{Audition, Heard, Part};
use crate::engine::Recipe;
use crate::error::Result;
use crate::suggest::{Amounts, Plan, Proposal, Residual};

/// Under this likeness, of the mix with the reference or of the excerpts with it, too few sounds are shared to tell what a master
/// lacks: corrections that were taken over nevertheless made masters worse (22 pairs of another song: MR-STFT 0.441 instead
/// of 0.433). The few frames of the excerpts alone exceed it by chance.
const LEAST_LIKENESS_RATIO: f64 = 0.3;
/// Where a first attempt leaves more than this of what it was to remove, two looks at the same sounds contradict each other, and
/// neither correction nor another plan is to be trusted. With them, masters came out farther from the true ones in 9 of the
/// 14 songs (of 52) that this left out: 8 of 10 development cases, 1 of 4 others.
const MOST_LEFT_RATIO: f64 = 0.5;
/// There, the plan is given up for nothing only if it leaves so much more than there was. Set by judgement, after a look at a
/// development case in which sounds that contradicted themselves gave up a plan for 6 % (MR-STFT to the true master 0.30 with the
/// plan, 0.52 without); on 106 pairs of packages that are in no training and no test it is never asked.
const CLEAR_HARM_RATIO: f64 = 1.25;
/// Plans nearer to each other than this are not told apart, dB.
const SAME_PLAN_DB: f64 = 0.3;

/// How hard to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effort {
    /// Most excerpts to try settings on.
    pub(super) excerpts: usize,
    /// How long each may be.
    pub(super) longest_s: usize,
    /// Most corrections, one after the other.
    pub(super) rounds: usize,
}

impl Effort {
    /// So that a master takes little longer.
    pub(super) const USUAL: Self = Self { excerpts: 6, longest_s: 4, rounds: 1 };
    /// Of a thorough job.
    pub(super) const THOROUGH: Self = Self { excerpts: 8, longest_s: 10, rounds: 3 };
}

/// Settings that were tried, and how near they came.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "RefinementCandidate")]
pub struct Candidate {
    /// What they follow from: `nothing`, `classical`, `model`, `refined`.
    pub name: &'static str,
    /// How far mids and sides of shared sounds stay off those of the reference on excerpts that nothing was fitted to, dB.
    pub error_db: f64,
}

/// What trying settings on excerpts led to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Refinement {
    /// Excerpts of the mix that were rendered, every second one to judge by alone.
    pub excerpts: usize,
    /// Length of each, s.
    pub excerpt_s: f64,
    /// What was tried, in that order.
    pub candidates: Vec<Candidate>,
    /// The candidate that was taken; the suggester's own where nothing could be told.
    pub chosen: &'static str,
    /// Why nothing was tried, or nothing corrected; `None` where something was.
    pub reason: Option<String>,
}

/// A plan as it was tried.
struct Trial<'a> {
    plan: Plan<'a>,
    candidate: Candidate,
    /// What the excerpts for fitting lack.
    left: Residual,
    /// How alike excerpts and reference are: mean over those for fitting and those that are held out.
    likeness_ratio: f64,
}

/// Where plans are tried, and what turns them into recipes.
pub(super) struct Refiner<'a> {
    pub(super) audition: Audition<'a>,
    pub(super) recipe: &'a dyn Fn(&Proposal) -> Recipe,
    pub(super) rounds: usize,
}

/// What a plan leaves of the error that there was. Where there was none, there is nothing to contradict.
fn left_ratio(left_db: f64, was_db: f64) -> f64 {
    if was_db > 0.0 { left_db / was_db } else { 0.0 }
}

impl Refiner<'_> {
    /// The nearest of: tone and width as they are, the plan of this name, that of the rules, and what becomes of the nearest on
    /// the excerpts for fitting when it is corrected. All are tried at the amounts that take all that is proven, whatever
    /// the master will take of it.
    ///
    /// # Errors
    /// A setting out of range, or the spool's.
    pub(super) fn refine<'p>(&self, name: &'static str, plan: Plan<'p>) -> Result<(Plan<'p>, Refinement)> {
        let is_alike = plan.likeness_ratio() >= LEAST_LIKENESS_RATIO;
        let (plan, heard) = self.dense(plan)?;
        let own = match heard {
            Some(heard) => self.heard(name, &plan, &heard),
            None if is_alike => self.trial(name, &plan)?,
            None => None,
        };
        let is_heard = own.is_some();
        let Some(own) = own.filter(|own| own.likeness_ratio >= LEAST_LIKENESS_RATIO) else {
            let reason = if is_alike && !is_heard {
                "excerpts of the master lack bands of what mix and reference share, as at a lower sample rate"
            } else {
                "mix and reference share too few sounds to judge a master by them"
            };
            return Ok((plan, Refinement::untried(name, reason)));
        };
        let as_it_is = self.heard("nothing", &plan.with_nothing(), &self.audition.mix());
        let left_ratio = as_it_is.as_ref().map_or(1.0, |nothing| left_ratio(own.error_db(), nothing.error_db()));
        let is_consistent = left_ratio < MOST_LEFT_RATIO;
        let mut trials: Vec<Trial<'_>> = as_it_is.into_iter().chain([own]).collect();
        if is_consistent {
            let rules = plan.with_rules();
            if rules.distance_db(&plan) > SAME_PLAN_DB {
                trials.extend(self.trial("classical", &rules)?);
            }
            self.correct(&mut trials)?;
        }
        let reason = "the first attempt left more than half of what it was to remove, so that shared sounds contradict themselves";
        let mut tried = Refinement {
            excerpts: self.audition.excerpts(),
            excerpt_s: self.audition.excerpt_s(),
            candidates: trials.iter().map(|trial| trial.candidate.clone()).collect(),
            chosen: name,
            reason: (!is_consistent).then(|| reason.into()),
        };
        if (MOST_LEFT_RATIO..CLEAR_HARM_RATIO).contains(&left_ratio) {
            return Ok((plan, tried));
        }
        // The first of equals: what changes less.
        let nearest = trials.into_iter().min_by(|a, b| a.candidate.error_db.total_cmp(&b.candidate.error_db));
        let Some(nearest) = nearest else { return Ok((plan, tried)) };
        tried.chosen = nearest.candidate.name;
        Ok((nearest.plan, tried))
    }

    /// Corrects the nearest trial, and what becomes of it, as long as that helps.
    fn correct(&self, trials: &mut Vec<Trial<'_>>) -> Result<()> {
        for _ in 0..self.rounds {
            // What to start from must not be chosen by the excerpts that will judge what comes of it.
            let Some(start) = trials.iter().min_by(|a, b| a.left.error_db.total_cmp(&b.left.error_db)) else { break };
            let before_db = start.candidate.error_db;
            let Some(corrected) = self.trial("refined", &start.plan.corrected(&start.left))? else { break };
            let is_nearer = corrected.candidate.error_db < before_db;
            trials.push(corrected);
            if !is_nearer {
                break;
            }
        }
        Ok(())
    }

    /// What a plan leads to on the excerpts.
    ///
    /// # Errors
    /// A setting out of range, or the spool's.
    pub(super) fn render(&self, plan: &Plan<'_>) -> Result<(Proposal, Heard)> {
        let proposal = plan.propose(&Amounts::default());
        let heard = self.audition.render(&(self.recipe)(&proposal))?;
        Ok((proposal, heard))
    }

    /// Tries a plan. `None` where nothing can be told.
    fn trial<'p>(&self, name: &'static str, plan: &Plan<'p>) -> Result<Option<Trial<'p>>> {
        let (_, heard) = self.render(plan)?;
        Ok(self.heard(name, plan, &heard))
    }

    fn heard<'p>(&self, name: &'static str, plan: &Plan<'p>, heard: &Heard) -> Option<Trial<'p>> {
        let left = plan.residual(&heard.frames(Part::Fit))?;
        let held_out = plan.residual(&heard.frames(Part::HeldOut))?;
        let likeness_ratio = 0.5 * (left.likeness_ratio + held_out.likeness_ratio);
        let candidate = Candidate { name, error_db: held_out.error_db };
        Some(Trial { plan: plan.clone(), candidate, left, likeness_ratio })
    }
}

impl Trial<'_> {
    /// Over all excerpts, dB.
    fn error_db(&self) -> f64 {
        0.5 * (self.left.error_db + self.candidate.error_db)
    }
}

impl Refinement {
    /// Nothing was tried, and why.
    pub(super) fn untried(chosen: &'static str, reason: &str) -> Self {
        Self { excerpts: 0, excerpt_s: 0.0, candidates: Vec::new(), chosen, reason: Some(reason.into()) }
    }

    /// In words.
    pub fn describe(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or_default();
        if self.candidates.is_empty() {
            return format!("Not tried on excerpts: {reason}.");
        }
        let errors: Vec<String> =
            self.candidates.iter().map(|tried| format!("{} {:.2} dB", tried.name, tried.error_db)).collect();
        let corrected = if reason.is_empty() { String::new() } else { format!(" Not corrected: {reason}.") };
        format!(
            "Tried on {} excerpts of {:.1} s, every second one only to judge by. There, sounds that it shares with the \
             reference stay off by: {}. Taken: {}.{corrected}",
            self.excerpts,
            self.excerpt_s,
            errors.join(", "),
            self.chosen
        )
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use super::*;
    use crate::dsp::eq::{BandChannel, BandKind, EqBand};
    use crate::dsp::leveler::LevelerSettings;
    use crate::dsp::limiter::LimiterSettings;
    use crate::dsp::soft_clip::SoftClipSettings;
    use crate::dsp::width::WidthSettings;
    use crate::engine::render::process;
    use crate::io::Spool;
    use crate::measure::{Measurement, Meter};
    use crate::source::load_file;
    use crate::suggest::{Classical, Suggester, Target};

    fn clip(name: &str) -> (Measurement, Spool) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clips").join(name);
        let (source, audio) = load_file(&path, None, &|_, _| {}).expect("a clip");
        (source.measurement, audio)
    }

    /// What a recipe makes of the mix, at a level at which the limiter rests.
    fn produced(recipe: &Recipe) -> Measurement {
        let processed = process(clip("mix.flac").1, recipe, &|_, _| {}).expect("valid settings");
        let mut meter = Meter::new(processed.sample_rate_hz());
        let at_rest = LimiterSettings { drive_db: -20.0, ..LimiterSettings::default() };
        let measured = processed.limit(&at_rest, |block| {
            meter.push(block);
            Ok(())
        });
        measured.expect("memory");
        meter.finish()
    }

    fn bell() -> EqBand {
        let channel = BandChannel::Stereo;
        EqBand {
            name: "presence".into(),
            kind: BandKind::Bell,
            frequency_hz: 2_000.0,
            gain_db: 4.0,
            q: 0.5,
            slope_db_per_octave: 12,
            channel,
        }
    }

    /// A recipe that realises a part of what is asked for.
    fn realised(proposal: &Proposal, ratio: f64) -> Recipe {
        let eq = proposal.eq.iter().map(|band| EqBand { gain_db: ratio * band.gain_db, ..band.clone() });
        let width = proposal.width.map(|width| WidthSettings { side_gain_db: ratio * width.side_gain_db });
        Recipe { eq: eq.collect(), width, ..Recipe::default() }
    }

    /// The mix, made wider and brighter.
    fn wider() -> Measurement {
        let width = Some(WidthSettings { side_gain_db: 3.0 });
        produced(&Recipe { eq: vec![bell()], width, ..Recipe::default() })
    }

    fn refined(reference: &Measurement, recipe: &dyn Fn(&Proposal) -> Recipe) -> (f64, Refinement) {
        let (mix, audio) = clip("mix.flac");
        let loudness_lufs = mix.loudness.integrated_lufs().expect("loud");
        let sample_rate_hz = mix.sample_rate_hz;
        let target = Target { reference, others: &[], loudness_lufs, ceiling_dbtp: -1.0, sample_rate_hz };
        let plan = Classical.plan(&mix, target);
        let Effort { excerpts, longest_s, rounds } = Effort::USUAL;
        let audition = Audition::new(&mix, &audio, excerpts, longest_s, loudness_lufs).expect("long enough");
        let (plan, refinement) = Refiner { audition, recipe, rounds }.refine("classical", plan).expect("memory");
        (plan.propose(&Amounts::default()).width.map_or(0.0, |width| width.side_gain_db), refinement)
    }

    fn error_db(refinement: &Refinement, name: &str) -> f64 {
        refinement.candidates.iter().find(|tried| tried.name == name).expect("tried").error_db
    }

    #[test]
    fn a_plan_that_falls_short_is_corrected_on_excerpts() {
        // No first attempt can do: only 70 % of it come about.
        let (side_gain_db, refinement) = refined(&wider(), &|proposal| realised(proposal, 0.7));
        assert_eq!(refinement.chosen, "refined", "{refinement:?}");
        // 3 dB and the 30 % of them that were missing.
        assert!((3.6..4.2).contains(&side_gain_db), "{side_gain_db}");
        let of = |name| error_db(&refinement, name);
        assert!(of("refined") < 0.7 * of("classical") && of("classical") < 0.5 * of("nothing"), "{refinement:?}");
    }

    #[test]
    fn a_correction_that_harms_is_not_taken() {
        let attempts = Cell::new(0);
        let fails_at_the_second = |proposal: &Proposal| {
            attempts.set(attempts.get() + 1);
            realised(proposal, if attempts.get() == 1 { 0.7 } else { 0.2 })
        };
        let (_, refinement) = refined(&wider(), &fails_at_the_second);
        assert_eq!(refinement.chosen, "classical", "{refinement:?}");
        assert!(error_db(&refinement, "refined") > error_db(&refinement, "classical"), "{refinement:?}");
    }

    #[test]
    fn a_plan_that_harms_is_not_taken_either() {
        let (side_gain_db, refinement) = refined(&wider(), &|proposal| realised(proposal, -1.0));
        assert_eq!((side_gain_db, refinement.chosen), (0.0, "nothing"), "{refinement:?}");
        assert!(refinement.describe().contains("Not corrected"), "{}", refinement.describe());
    }

    #[test]
    fn a_plan_is_not_given_up_for_a_little_that_contradicts_it() {
        let (side_gain_db, refinement) = refined(&wider(), &|proposal| realised(proposal, -0.1));
        assert!(side_gain_db > 2.0 && refinement.chosen == "classical", "{refinement:?}");
        let of = |name| error_db(&refinement, name);
        assert!(of("classical") > of("nothing") && refinement.reason.is_some(), "{refinement:?}");
    }

    /// What becomes of the mix with a reference made from it by a recipe, as dense as that is.
    fn proposed_after(reference: &Recipe) -> Proposal {
        let (mix, audio) = clip("mix.flac");
        let reference = &produced(reference);
        let plr_db = reference.plr_db().expect("loud");
        let (ceiling_dbtp, loudness_lufs, sample_rate_hz) = (-1.0, -1.0 - plr_db, mix.sample_rate_hz);
        let target = Target { reference, others: &[], loudness_lufs, ceiling_dbtp, sample_rate_hz };
        let recipe = |proposal: &Proposal| Recipe {
            eq: proposal.eq.clone(),
            leveler: proposal.leveler,
            soft_clip: proposal.soft_clip,
            limiter: LimiterSettings { ceiling_dbtp, ..LimiterSettings::default() },
            ..Recipe::default()
        };
        let Effort { excerpts, longest_s, rounds } = Effort::USUAL;
        let audition = Audition::new(&mix, &audio, excerpts, longest_s, loudness_lufs).expect("long enough");
        let refiner = Refiner { audition, recipe: &recipe, rounds };
        let (plan, _) = refiner.refine("classical", Classical.plan(&mix, target)).expect("memory");
        plan.propose(&Amounts::default())
    }

    #[test]
    fn peaks_are_cut_after_a_reference_whose_levels_were_left() {
        let soft_clip = Some(SoftClipSettings { ceiling_db: -22.0, knee_db: 3.0, oversampling: 4 });
        let after_cut = proposed_after(&Recipe { soft_clip, ..Recipe::default() });
        assert!(after_cut.leveler.is_none(), "{after_cut:?}");
        let cut_dbfs = after_cut.soft_clip.expect("a soft clip").ceiling_db;
        assert!((cut_dbfs + 22.0).abs() < 1.5, "{cut_dbfs}");

        let leveler = Some(LevelerSettings { threshold_db: -30.0, ratio: 4.0, ..LevelerSettings::default() });
        let after_levelled = proposed_after(&Recipe { leveler, ..Recipe::default() });
        assert!(after_levelled.leveler.is_some() && after_levelled.soft_clip.is_none(), "{after_levelled:?}");
    }

    #[test]
    fn another_song_says_nothing_about_a_master() {
        let (_, refinement) = refined(&clip("reference.flac").0, &|proposal| realised(proposal, 1.0));
        assert_eq!(refinement.chosen, "classical");
        assert!(refinement.candidates.is_empty() && refinement.describe().starts_with("Not tried"), "{refinement:?}");
    }
}
