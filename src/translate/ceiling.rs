//! A lower ceiling for a master that lossy codecs lift over full scale.

use schemars::JsonSchema;
use serde::Serialize;

use super::codecs::{CodecCheck, STEPS_PER_DB};
use super::fix::MOST_HARM;
use crate::error::Result;

/// Most ceilings that are tried: what is limited anew overshoots a little otherwise than what was limited twice in the
/// search.
const MAX_CEILINGS: usize = 3;

/// A lower ceiling that was sought for the sake of codecs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CeilingFix {
    /// The codecs behind which the master clips.
    pub codecs: Vec<CodecOver>,
    /// The ceiling of the master before, dBTP.
    pub from_dbtp: f64,
    /// The highest ceiling found to pass, in tenths of a dB; the last one tried where none does. `None` where nothing down
    /// to -8 dBTP passes.
    pub to_dbtp: Option<f64>,
    /// What it does to the loudness of the master, LU. `None` where none was tried.
    pub loudness_change_lu: Option<f64>,
    /// What it takes from the device that loses most, points (0 or more).
    pub worst_harm: f64,
    /// Which device that is, by its id; `None` where none loses.
    pub harmed: Option<String>,
    /// What became of it.
    pub outcome: CeilingOutcome,
}

/// A codec behind which a master clips.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CodecOver {
    /// Name of the codec with its bit rate.
    pub id: String,
    /// True peak of what is decoded from the master before, dBTP.
    pub before_dbtp: Option<f64>,
    /// The same with the lower ceiling; `None` where none was tried.
    pub after_dbtp: Option<f64>,
}

/// What became of a lower ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CeilingOutcome {
    /// The master has it, and passes the same codecs.
    Applied,
    /// No ceiling makes all of the codecs pass: the master stays as it was.
    NonePasses,
    /// It passes and takes too much from a device: the master stays as it was.
    Harms,
}

/// A master with a lower ceiling, against the one before.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What the codecs do to it.
    pub checks: Vec<CodecCheck>,
    /// What it changes in loudness, LU.
    pub loudness_change_lu: Option<f64>,
    /// What it takes from the device that loses most, points (0 or more), and which that is.
    pub harm: (f64, Option<String>),
}

/// Tries the ceilings that checks ask for until every codec passes that can. `None` where all pass as it is.
///
/// With [`CeilingOutcome::Applied`] the last attempt is the master to keep; with any other, the one before all of them.
///
/// # Errors
/// Those of `attempt`, which makes and checks a master with a ceiling.
pub fn lowered(
    before: &[CodecCheck],
    from_dbtp: f64,
    mut attempt: impl FnMut(f64) -> Result<Attempt>,
) -> Result<Option<CeilingFix>> {
    if before.iter().all(|check| check.passes) {
        return Ok(None);
    }
    let mut fix = CeilingFix {
        codecs: overs(before, None),
        from_dbtp,
        to_dbtp: None,
        loudness_change_lu: None,
        worst_harm: 0.0,
        harmed: None,
        outcome: CeilingOutcome::NonePasses,
    };
    // A codec that no ceiling helps must not keep the others from being helped.
    let is_hopeless = |check: &CodecCheck| !check.passes && check.passing_ceiling_dbtp.is_none();
    let hopeless: Vec<&str> = before.iter().filter(|check| is_hopeless(check)).map(|check| check.id.as_str()).collect();
    let mut wanted = passing_all(before);
    for _ in 0..MAX_CEILINGS {
        let Some(ceiling_dbtp) = wanted else { break };
        let Attempt { checks, loudness_change_lu, harm } = attempt(ceiling_dbtp)?;
        fix.codecs = overs(before, Some(&checks));
        fix.to_dbtp = Some(ceiling_dbtp);
        fix.loudness_change_lu = loudness_change_lu;
        (fix.worst_harm, fix.harmed) = harm;
        if checks.iter().all(|check| check.passes || hopeless.contains(&check.id.as_str())) {
            fix.outcome = if fix.worst_harm <= MOST_HARM { CeilingOutcome::Applied } else { CeilingOutcome::Harms };
            break;
        }
        wanted = passing_all(&checks).map(|next| next.min(ceiling_dbtp - 1.0 / STEPS_PER_DB));
    }
    Ok(Some(fix))
}

/// The ceiling at which every failing codec that can be helped passes, dBTP. `None` where nothing fails or helps.
fn passing_all(checks: &[CodecCheck]) -> Option<f64> {
    checks.iter().filter(|check| !check.passes).filter_map(|check| check.passing_ceiling_dbtp).reduce(f64::min)
}

/// The failing codecs before, with what became of each after.
fn overs(before: &[CodecCheck], after: Option<&[CodecCheck]>) -> Vec<CodecOver> {
    let then = |id: &str| after?.iter().find(|check| check.id == id)?.true_dbtp;
    let failing = before.iter().filter(|check| !check.passes);
    failing
        .map(|check| CodecOver { id: check.id.clone(), before_dbtp: check.true_dbtp, after_dbtp: then(&check.id) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, true_dbtp: f64, passing_ceiling_dbtp: Option<f64>) -> CodecCheck {
        CodecCheck {
            id: id.into(),
            encoder: "a test".into(),
            true_dbtp: Some(true_dbtp),
            rise_db: None,
            loudness_change_lu: None,
            band_limit_hz: None,
            side_change_db: None,
            noise_to_mask_db: Vec::new(),
            worst_noise_to_mask_db: None,
            passes: true_dbtp <= 0.0,
            passing_ceiling_dbtp,
        }
    }

    #[test]
    fn the_lowest_ceiling_makes_all_pass_that_can() {
        let checks = [
            check("a-1", 0.4, Some(-1.4)),
            check("b-1", 1.1, Some(-2.1)),
            check("c-1", -0.2, None),
            check("d-1", 9.0, None),
        ];
        assert_eq!(passing_all(&checks), Some(-2.1));
        assert_eq!(passing_all(&checks[2..]), None);
        let after = [check("a-1", -0.6, None), check("b-1", -0.1, None)];
        let told: Vec<_> =
            overs(&checks, Some(&after)).into_iter().map(|over| (over.id, over.before_dbtp, over.after_dbtp)).collect();
        let expected = [
            ("a-1".to_owned(), Some(0.4), Some(-0.6)),
            ("b-1".to_owned(), Some(1.1), Some(-0.1)),
            ("d-1".to_owned(), Some(9.0), None),
        ];
        assert_eq!(told, expected);
        assert!(overs(&checks, None).iter().all(|over| over.after_dbtp.is_none()));
    }

    /// What becomes of a master whose codec asks for -2 dBTP, by what each attempt leads to: the decoded true peak, what
    /// the codec then asks for, and the harm. With it the ceilings that were tried.
    fn tried(attempts: &[(f64, Option<f64>, f64)]) -> (CeilingFix, Vec<f64>) {
        let mut ceilings = Vec::new();
        let fix = lowered(&[check("a-1", 0.8, Some(-2.0)), check("b-1", 9.0, None)], -1.0, |ceiling_dbtp| {
            let (true_dbtp, passing, harm) = attempts[ceilings.len()];
            ceilings.push(ceiling_dbtp);
            Ok(Attempt {
                checks: vec![check("a-1", true_dbtp, passing), check("b-1", 8.0, None)],
                loudness_change_lu: Some(-0.4),
                harm: (harm, (harm > 0.0).then(|| "car".into())),
            })
        });
        (fix.expect("no errors").expect("one fails"), ceilings)
    }

    #[test]
    fn a_ceiling_that_passes_is_applied_unless_it_harms() {
        let (applied, ceilings) = tried(&[(-0.1, None, 1.9)]);
        assert_eq!(
            (applied.outcome, applied.to_dbtp, &ceilings[..]),
            (CeilingOutcome::Applied, Some(-2.0), &[-2.0][..])
        );
        assert_eq!((applied.codecs[0].before_dbtp, applied.codecs[0].after_dbtp), (Some(0.8), Some(-0.1)));
        assert_eq!((applied.loudness_change_lu, applied.worst_harm), (Some(-0.4), 1.9));
        let (harms, _) = tried(&[(-0.1, None, 2.1)]);
        assert_eq!((harms.outcome, harms.harmed.as_deref()), (CeilingOutcome::Harms, Some("car")));
    }

    #[test]
    fn a_miss_goes_on_a_step_lower_at_least_and_not_for_ever() {
        let (applied, ceilings) = tried(&[(0.02, Some(-2.0), 0.0), (-0.1, None, 0.0)]);
        assert_eq!((applied.outcome, &ceilings[..]), (CeilingOutcome::Applied, &[-2.0, -2.1][..]));
        let (none, ceilings) = tried(&[(0.3, Some(-2.6), 0.0), (0.2, Some(-3.0), 0.0), (0.1, Some(-3.2), 0.0)]);
        assert_eq!(
            (none.outcome, none.to_dbtp, &ceilings[..]),
            (CeilingOutcome::NonePasses, Some(-3.0), &[-2.0, -2.6, -3.0][..])
        );
    }

    #[test]
    fn nothing_is_tried_where_nothing_fails_or_helps() {
        let never = |_| -> Result<Attempt> { panic!("nothing to try") };
        assert_eq!(lowered(&[check("a-1", -0.1, None)], -1.0, never).expect("no errors"), None);
        let none = lowered(&[check("a-1", 9.0, None)], -1.0, never).expect("no errors").expect("it fails");
        assert_eq!((none.outcome, none.to_dbtp), (CeilingOutcome::NonePasses, None));
    }
}
