//! A lower ceiling for a master that lossy codecs lift over full scale.

use serde::Serialize;

use super::codecs::CodecCheck;

/// A lower ceiling that was sought for the sake of codecs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CeilingFix {
    /// The codecs behind which the master clips.
    pub codecs: Vec<CodecOver>,
    /// The ceiling of the master before, dBTP.
    pub from_dbtp: f64,
    /// The highest ceiling found to pass, in tenths of a dB; the last one tried where none does. `None` where nothing down
    /// to -8 dBTP was worth a try.
    pub to_dbtp: Option<f64>,
    /// What it does to the loudness of the master, LU.
    pub loudness_change_lu: Option<f64>,
    /// What it takes from the device that loses most, points (0 or more).
    pub worst_harm: f64,
    /// Which device that is.
    pub harmed: Option<String>,
    /// What became of it.
    pub outcome: CeilingOutcome,
}

/// A codec behind which a master clips.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CodecOver {
    /// Name of the codec with its bit rate.
    pub id: String,
    /// True peak of what is decoded from the master before, dBTP.
    pub before_dbtp: Option<f64>,
    /// The same with the lower ceiling; `None` where none was tried.
    pub after_dbtp: Option<f64>,
}

/// What became of a lower ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CeilingOutcome {
    /// The master has it, and passes the same codecs.
    Applied,
    /// No ceiling makes all of the codecs pass: the master stays as it was.
    NonePasses,
    /// It passes and takes too much from a device: the master stays as it was.
    Harms,
}

/// The ceiling at which every failing codec that can be helped passes, dBTP. `None` where nothing fails or helps.
pub fn passing_all(checks: &[CodecCheck]) -> Option<f64> {
    checks.iter().filter(|check| !check.passes).filter_map(|check| check.passing_ceiling_dbtp).reduce(f64::min)
}

/// The failing codecs before, with what became of each after.
pub fn overs(before: &[CodecCheck], after: Option<&[CodecCheck]>) -> Vec<CodecOver> {
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
}
