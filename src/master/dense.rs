//! How a master becomes dense: by evening levels out, by cutting peaks off, or by some of both.
//!
//! A compressor or a limiter with a release turns loud sounds down as a whole; a clipper takes their peaks and leaves them as much
//! louder than soft ones as they were. Where mix and reference share sounds, their levels tell which of these its chain did
//! ([`Plan::level_ratio`]), and excerpts of the mix tell what the settings at hand would do.

use super::audition::Heard;
use super::refine::Refiner;
use crate::error::Result;
use crate::suggest::Plan;

/// Levelling evens out too much where it leaves a smaller share of what the levels of sounds differ by than the reference has, by more
/// than this. On 38 songs behind a compressor and a limiter it never does, by 0.17 at the most (`models/MODEL_CARD.md`, "How a reference
/// became loud").
const MOST_EVENED_OUT: f64 = 0.2;
/// The shares of levelling that are tried then, beside cutting.
const LEVELLING_SHARES: [f64; 2] = [0.5, 0.0];
/// Times that the place is sought where peaks are to be cut off.
const CUTS: usize = 2;

impl Refiner<'_> {
    /// A plan by the means that leave levels most nearly as far apart as the reference's chain did; and what was heard of it, if that
    /// is known.
    ///
    /// # Errors
    /// A setting out of range, or the spool's.
    pub(super) fn dense<'p>(&self, plan: Plan<'p>) -> Result<(Plan<'p>, Option<Heard>)> {
        let is_cut = plan.is_beyond_levelling();
        let (plan, heard) = match (is_cut, plan.level_ratio()) {
            (true, _) => self.with_peaks_cut(plan, 1.0)?,
            (false, Some(_)) => {
                let (_, heard) = self.render(&plan)?;
                (plan, Some(heard))
            }
            (false, None) => (plan, None),
        };
        let left_ratio = heard.as_ref().and_then(|heard| self.left_ratio(heard));
        let evens_out = |(wanted, left): &(f64, f64)| wanted - left > MOST_EVENED_OUT && plan.levels();
        if let Some((wanted, left)) = plan.level_ratio().zip(left_ratio).filter(evens_out) {
            return Ok((self.less_levelled(plan, wanted, left)?, None));
        }
        // What was heard last of a cut was where it had not found its place yet.
        Ok((plan, heard.filter(|_| !is_cut)))
    }

    /// The plan with peaks cut off and less levelling, as far as that comes nearer to the wanted share of what levels differ by than
    /// what levelling leaves.
    fn less_levelled<'p>(&self, plan: Plan<'p>, wanted: f64, left: f64) -> Result<Plan<'p>> {
        let (mut nearest, mut least) = (plan.clone(), (wanted - left).abs());
        for share in LEVELLING_SHARES {
            let (tried, heard) = self.with_peaks_cut(plan.clone(), share)?;
            let distance =
                heard.and_then(|heard| self.left_ratio(&heard)).map_or(f64::INFINITY, |left| (wanted - left).abs());
            log::info!(
                "{share} of the levelling: levels differ by {distance:.2} of the mix's more or less than the reference's"
            );
            if distance < least {
                (nearest, least) = (tried, distance);
            }
        }
        Ok(nearest)
    }

    /// A plan with peaks cut off where the limiter would set in, and so much of its levelling; and what was last heard of it. What
    /// cutting costs of the loudness moves that place, and is only known once it is tried.
    fn with_peaks_cut<'p>(&self, plan: Plan<'p>, levelling_share: f64) -> Result<(Plan<'p>, Option<Heard>)> {
        let (mut plan, mut last) = (plan.with_peaks_cut(levelling_share), None);
        for _ in 0..CUTS {
            let (proposal, heard) = self.render(&plan)?;
            let cut_dbfs = proposal.soft_clip.map(|settings| settings.ceiling_db);
            let lower_db =
                cut_dbfs.zip(heard.threshold_dbfs).map(|(cut_dbfs, threshold_dbfs)| cut_dbfs - threshold_dbfs);
            last = Some(heard);
            let Some(lower_db) = lower_db else { break };
            plan = plan.with_lower_cut(lower_db);
        }
        Ok((plan, last))
    }

    /// What is left of what the levels of the excerpts' sounds differ by.
    fn left_ratio(&self, heard: &Heard) -> Option<f64> {
        let (is_db, was_db) = heard.level_spread_db().zip(self.audition.mix().level_spread_db())?;
        Some(is_db / was_db).filter(|ratio| ratio.is_finite())
    }
}
