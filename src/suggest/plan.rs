//! What to aim for, with all that speaks for it.

use super::dynamics::{LEAST_LEVELLED_PLR_DB, Means};
use super::registration::SAME_SONG_RATIO;
use super::residual::Residual;
use super::stages::{self, Aims};
use super::tone::Evidence;
use super::{Amounts, CurvePoint, ModelVerdict, Proposal, Shares, Target};
use crate::measure::Measurement;
use crate::measure::spectrum::BandPower;

/// Of what is left of the tone and of the width after a look at the result, the shares to add to the aims, times likeness. On 22
/// songs of packages that are in no training and no test, with the whole programme looked at, half of the tone and all of the
/// width brought masters nearest to the true ones (MR-STFT 0.314; 0.325 without the width, 0.327 without either).
const TONE_SHARE: f64 = 0.5;
const WIDTH_SHARE: f64 = 1.0;

/// What a suggester aims for with a mix and its target. Settings for any amounts follow from it.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// The mix.
    pub mix: &'a Measurement,
    /// What it is to come near to.
    pub target: Target<'a>,
    /// What speaks for a curve with each reference that isn't silent; nothing where the first is, or the mix.
    pub(super) gathered: Vec<(&'a Measurement, Evidence)>,
    /// What is put down to production.
    pub(super) aims: Aims,
    /// What became of asking the network; `None` where none was meant to be.
    pub(super) verdict: Option<ModelVerdict>,
}

impl<'a> Plan<'a> {
    /// Gathers the evidence and aims for what the rules make of it.
    pub(super) fn by_rule(mix: &'a Measurement, target: Target<'a>) -> Self {
        let with = |reference: &'a Measurement| Some((reference, Evidence::between(mix, reference)?));
        let gathered = with(target.reference).map_or_else(Vec::new, |first| {
            std::iter::once(first).chain(target.others.iter().copied().filter_map(with)).collect()
        });
        Self { aims: rule_aims(mix, &gathered), mix, target, gathered, verdict: None }
    }

    /// Leaves tone, dynamics and width alone.
    pub(super) fn nothing(mix: &'a Measurement, target: Target<'a>) -> Self {
        Self { mix, target, gathered: Vec::new(), aims: Aims::together(&[]), verdict: None }
    }

    /// The settings that lead as far as the amounts say towards the aims, and beyond them to a clone.
    pub fn propose(&self, amounts: &Amounts) -> Proposal {
        let model = self.verdict.as_ref().map(|verdict| ModelVerdict {
            // The rest is the reference's own curve.
            share_ratio: verdict.share_ratio.map(|share| share * (1.0 - Shares::of(amounts.eq_ratio).whole)),
            ..verdict.clone()
        });
        Proposal { model, ..stages::propose(self.mix, &self.target, amounts, &self.gathered, &self.aims) }
    }

    /// Whether a network was asked, and the classical rules made it nevertheless.
    pub fn is_left_to_rules(&self) -> bool {
        self.verdict.as_ref().is_some_and(ModelVerdict::is_left_to_rules)
    }

    /// How many references speak for it.
    pub fn references(&self) -> usize {
        self.gathered.len()
    }

    /// How alike mix and reference are, 0 (another song) to 1 (the same recording).
    pub fn likeness_ratio(&self) -> f64 {
        self.gathered.first().map_or(0.0, |(_, evidence)| evidence.likeness_ratio())
    }

    /// Gain that turns the mix's sounds into those of the (first) reference, as far as both share content: to be believed as far as
    /// they are alike. Only bands where both hold something.
    pub fn shared_curve(&self) -> Vec<CurvePoint> {
        self.gathered.first().map_or_else(Vec::new, |(_, evidence)| evidence.shared_curve())
    }

    /// How far the levels of shared sounds spread in the (first) reference, over how far they do in the mix: 1 where its chain left
    /// them, less where it evened them out. `None` where they are not known to be the same sounds, or don't agree.
    pub fn level_ratio(&self) -> Option<f64> {
        let known = self.gathered.first().filter(|(_, evidence)| evidence.likeness_ratio() >= SAME_SONG_RATIO);
        known.and_then(|(_, evidence)| evidence.registration.as_ref()?.level_ratio)
    }

    /// Whether the master is to be denser than evening levels out makes it, so that its peaks have to be cut off too.
    pub fn is_beyond_levelling(&self) -> bool {
        self.target.ceiling_dbtp - self.target.loudness_lufs < LEAST_LEVELLED_PLR_DB
    }

    /// Whether levels are evened out at all, as far as the usual amounts go.
    pub fn levels(&self) -> bool {
        self.propose(&Amounts::default()).leveler.is_some()
    }

    /// The same, but peaks are cut off, and only so much of the levelling is done.
    #[must_use]
    pub fn with_peaks_cut(mut self, levelling_share: f64) -> Self {
        self.aims.means = Means { levelling_share, cut_db: Some(0.0) };
        self
    }

    /// The same, but peaks are cut off lower by so much, dB.
    #[must_use]
    pub fn with_lower_cut(mut self, lower_db: f64) -> Self {
        self.aims.means.cut_db = self.aims.means.cut_db.map(|cut_db| (cut_db + lower_db).max(0.0));
        self
    }

    /// The same with the aims of the rules, in place of a network's.
    pub fn with_rules(&self) -> Self {
        let reason = "tried on excerpts of the mix, they come nearer to the reference";
        Self { aims: self.rule_aims(), verdict: self.unfollowed(Some(reason)), ..self.clone() }
    }

    /// The aims of the rules, with peaks as they are to be here.
    fn rule_aims(&self) -> Aims {
        Aims { means: self.aims.means, ..rule_aims(self.mix, &self.gathered) }
    }

    /// The same, but tone and width are left alone, and a network that spoke of them is not followed in density either.
    pub fn with_nothing(&self) -> Self {
        let aims = if self.verdict.is_some() { self.rule_aims() } else { self.aims.clone() };
        let mut plan = Self { aims, verdict: self.unfollowed(None), ..self.clone() };
        plan.aims.curve_db.fill(0.0);
        plan.aims.side_gain_db = plan.aims.side_gain_db.map(|_| 0.0);
        plan
    }

    /// The verdict on a network that is not followed after all.
    fn unfollowed(&self, fallback: Option<&str>) -> Option<ModelVerdict> {
        self.verdict.as_ref().map(|verdict| ModelVerdict {
            classical_curve: verdict.classical_curve.clone(),
            classical_side_gain_db: verdict.classical_side_gain_db,
            fallback: fallback.map(String::from),
            ..ModelVerdict::default()
        })
    }

    /// What the sounds of a master still lack of the reference's. `frames` are spectra of the master's loud parts, by third
    /// octave. `None` where there are too few of them.
    pub fn residual(&self, frames: &[&[BandPower]]) -> Option<Residual> {
        Residual::between(frames, &self.gathered.first()?.1)
    }

    /// Aims farther, by part of what was left when the aims were tried: the more, the more of the sounds are shared.
    pub fn corrected(&self, left: &Residual) -> Self {
        let mut corrected = self.clone();
        for (aim_db, left_db) in corrected.aims.curve_db.iter_mut().zip(&left.tone_db) {
            *aim_db += TONE_SHARE * left.likeness_ratio * left_db;
        }
        if let (Some(aim_db), Some(left_db)) = (&mut corrected.aims.side_gain_db, left.width_db) {
            *aim_db += WIDTH_SHARE * left.likeness_ratio * left_db;
        }
        corrected
    }

    /// How far the aims in tone and width are from those of another plan for the same mix, dB: mean over mids and sides.
    pub fn distance_db(&self, other: &Self) -> f64 {
        let side_db = |plan: &Self| plan.aims.side_gain_db.unwrap_or(0.0);
        let width_db = side_db(self) - side_db(other);
        let tone = self.aims.curve_db.iter().zip(&other.aims.curve_db).map(|(own, other)| own - other);
        let sum: f64 = tone.map(|db| db.abs() + (db + width_db).abs()).sum();
        sum / (2 * self.aims.curve_db.len()).max(1) as f64
    }
}

fn rule_aims(mix: &Measurement, gathered: &[(&Measurement, Evidence)]) -> Aims {
    let with = |(reference, evidence): &(&Measurement, Evidence)| Aims::by_rule(mix, reference, evidence);
    Aims::together(&gathered.iter().map(with).collect::<Vec<_>>())
}
