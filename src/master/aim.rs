//! How loud a master is to be, and how dense.

use super::{
    CEILING_RANGE_DBTP, DEFAULT_LOUDNESS_LUFS, LOUDNESS_RANGE_LUFS, LOUDNESS_TOLERANCE_LU, MasterJob, References,
};
use crate::source::Source;
use crate::suggest::corridor;
use crate::suggest::profile::{Chosen, Profile, Spread};

/// From here on it is told what a true peak has over the samples that were held, dB: it comes from a clipper, from a limiter that sees
/// samples alone, or from a lossy decoder. Set by judgement.
const BEYOND_HELD_DB: f64 = 1.0;

/// What is wished for, and what of that is density.
pub(super) struct Aim {
    /// Loudness of the written file.
    pub(super) wished_lufs: f64,
    /// The loudness under the ceiling up to which the mix is made denser ahead of the limiter. What goes beyond is the
    /// limiter's alone, and that is held.
    pub(super) dense_lufs: f64,
    /// How high the peaks may reach, dBTP: under the ceiling by as much as a reference's that was turned down, so that the master
    /// is as dense.
    pub(super) held_dbtp: f64,
    /// Why the wish is not the reference's own loudness, if it isn't.
    pub(super) because: Option<String>,
}

impl Aim {
    /// After the job's own wish, the reference, the profile.
    pub(super) fn of(job: &MasterJob<'_>, references: &References, chosen: Option<&Chosen>) -> Self {
        let reference = references.middle.as_ref();
        let natural_lufs = natural_loudness_lufs(reference, chosen, job.ceiling_dbtp, job.loudness_lufs);
        // A reference that was turned down is as dense as it was.
        let turned_down_lu = reference.map_or(0.0, |source| turned_down_lu(source, job.ceiling_dbtp));
        let as_dense_lufs = natural_lufs + turned_down_lu;
        let dense_lufs = match job.loudness_lufs {
            None => as_dense_lufs,
            Some(wished_lufs) if job.force_loudness => wished_lufs,
            Some(wished_lufs) => wished_lufs.min(as_dense_lufs),
        };
        Self {
            wished_lufs: job.loudness_lufs.unwrap_or(natural_lufs),
            dense_lufs,
            held_dbtp: match job.loudness_lufs {
                None => (job.ceiling_dbtp - turned_down_lu).max(CEILING_RANGE_DBTP.0),
                Some(_) => job.ceiling_dbtp,
            },
            because: match (job.loudness_lufs, reference) {
                (Some(_), _) => None,
                (None, Some(reference)) => {
                    let is_only = references.others.is_empty();
                    let name = if is_only { "the reference" } else { "the reference of middle loudness" };
                    quieter_than(reference, name, job.ceiling_dbtp)
                }
                (None, None) => chosen.and_then(|chosen| unlike_usual(&chosen.profile.as_ref()?.0, natural_lufs)),
            },
        }
    }
}

/// The loudness at which a master under the ceiling is as dense as the reference; else what of the profile's range is nearest to
/// the wish, or to the usual loudness; else these themselves.
fn natural_loudness_lufs(
    reference: Option<&Source>,
    chosen: Option<&Chosen>,
    ceiling_dbtp: f64,
    wished_lufs: Option<f64>,
) -> f64 {
    let of_reference = || {
        let reference = reference?;
        Some(reference.measurement.loudness.integrated_lufs()? - over_ceiling_db(reference, ceiling_dbtp))
    };
    let wished_lufs = wished_lufs.unwrap_or(DEFAULT_LOUDNESS_LUFS);
    let of_profile = || {
        let profile = &chosen?.profile.as_ref()?.0;
        // Whatever stands in its file.
        Some(corridor::loudness_within(profile, wished_lufs).clamp(LOUDNESS_RANGE_LUFS.0, LOUDNESS_RANGE_LUFS.1))
    };
    of_reference().or_else(of_profile).unwrap_or(wished_lufs)
}

/// Why a master after a profile doesn't have the usual loudness.
fn unlike_usual(profile: &Profile, wished_lufs: f64) -> Option<String> {
    (wished_lufs != DEFAULT_LOUDNESS_LUFS).then(|| {
        let Spread { mean, spread } = profile.loudness_lufs;
        format!(
            "the songs of {} have {:.1} to {:.1} LUFS, of which this is nearest to the usual {DEFAULT_LOUDNESS_LUFS:.0}; \
             --loudness={DEFAULT_LOUDNESS_LUFS:.0} asks for that",
            profile.name,
            mean - spread,
            mean + spread
        )
    })
}

/// Where the limiter of a reference held it, dBFS: its highest sample, which is what most limiters of releases hold. What lies between
/// samples that were cut off, the limiter never saw, and what a lossy decoder adds to full scale, no limiter left: neither says how
/// dense the reference was made.
fn held_at_dbfs(reference: &Source) -> Option<f64> {
    let peak_dbfs = reference.measurement.peaks.sample_dbfs()?;
    Some(if reference.info.lossy { peak_dbfs.min(0.0) } else { peak_dbfs })
}

/// The true peak of a reference, dBTP, where it is so far over what was held that it says nothing of the density.
fn beyond_held_dbtp(reference: &Source) -> Option<f64> {
    let (peak_dbtp, held_dbfs) = (reference.measurement.peaks.true_dbtp()?, held_at_dbfs(reference)?);
    (peak_dbtp >= held_dbfs + BEYOND_HELD_DB).then_some(peak_dbtp)
}

/// How far such a reference stands over its loudness where its limiter held it, dB: how dense a master after it is to be. `None` of
/// any other, whose true peak says as much.
pub(crate) fn held_plr_db(reference: &Source) -> Option<f64> {
    beyond_held_dbtp(reference)?;
    Some(held_at_dbfs(reference)? - reference.measurement.loudness.integrated_lufs()?)
}

/// How far the reference's peaks stand over the ceiling, dB: by so much a master that is as dense has to be quieter, as if
/// the reference itself were turned down to the ceiling.
fn over_ceiling_db(reference: &Source, ceiling_dbtp: f64) -> f64 {
    held_at_dbfs(reference).map_or(0.0, |peak_dbfs| (peak_dbfs - ceiling_dbtp).max(0.0))
}

/// How much louder the reference would be with its peaks at the ceiling, LU: those of its samples where the true peak says nothing.
fn turned_down_lu(reference: &Source, ceiling_dbtp: f64) -> f64 {
    let peak = match beyond_held_dbtp(reference) {
        Some(_) => held_at_dbfs(reference),
        None => reference.measurement.peaks.true_dbtp(),
    };
    peak.map_or(0.0, |peak| (ceiling_dbtp - peak).max(0.0))
}

/// Why a master is quieter than its reference, and how it becomes as loud.
fn quieter_than(reference: &Source, name: &str, ceiling_dbtp: f64) -> Option<String> {
    let quieter_lu = over_ceiling_db(reference, ceiling_dbtp);
    let (lufs, held_dbfs) = (reference.measurement.loudness.integrated_lufs()?, held_at_dbfs(reference)?);
    let is_over_scale = reference.measurement.peaks.sample_dbfs()? > held_dbfs;
    let peaks = if is_over_scale {
        "its limiter held 0.0 dBFS at the most".into()
    } else {
        // Without the sign of what is rounded to nothing.
        format!("its samples peak at {:.1} dBFS", 0.1 * (10.0 * held_dbfs).round() + 0.0)
    };
    let reaches = if is_over_scale { "decoded," } else { "between them, where no limiter held it," };
    let beyond = beyond_held_dbtp(reference).map_or(String::new(), |peak_dbtp| {
        format!(" ({reaches} it reaches {peak_dbtp:.1} dBTP, which says nothing of its density)")
    });
    let remedy =
        if lufs <= LOUDNESS_RANGE_LUFS.1 { format!("; --loudness={lufs:.1} asks for as much") } else { String::new() };
    (quieter_lu >= LOUDNESS_TOLERANCE_LU).then(|| {
        format!(
            "{name} measures {lufs:.1} LUFS, and {peaks}, over the ceiling of {ceiling_dbtp:.1} dBTP{beyond}; turned down \
             as the reference itself would be, the master is {quieter_lu:.1} LU quieter{remedy}"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, SQRT_2};

    use super::*;
    use crate::AudioBuffer;
    use crate::io::{SourceInfo, Tags};
    use crate::measure::Meter;
    use crate::suggest::profile::Fit;

    /// A soft tone with a burst whose samples reach `highest`: those of a sine at a quarter of the rate lie 3 dB under its crests.
    fn reference(highest: f64, is_cut: bool, lossy: bool) -> Source {
        let sample = |n: usize| {
            let burst = if is_cut {
                SQRT_2 * (FRAC_PI_2 * (n as f64 + 0.5)).sin()
            } else {
                (FRAC_PI_2 * n as f64 / 100.0).sin()
            };
            if (48_000..49_000).contains(&n) { highest * burst } else { 0.05 * (0.1309 * n as f64).sin() }
        };
        let samples: Vec<f32> = (0..96_000).map(|n| sample(n) as f32).collect();
        let mut meter = Meter::new(48_000);
        meter.push(&AudioBuffer::from_channels(48_000, samples.clone(), samples));
        let info = SourceInfo {
            path: "reference.wav".into(),
            format: "WAV".into(),
            sample_rate_hz: 48_000,
            channels: 2,
            bits: None,
            float: false,
            lossy,
            frames: None,
            tags: Tags::default(),
        };
        Source { info, measurement: meter.finish(), findings: Vec::new() }
    }

    #[test]
    fn what_a_cut_reference_reaches_between_its_samples_says_nothing_of_its_density() {
        let cut = reference(0.98, true, false);
        let (peaks, lufs) = (&cut.measurement.peaks, cut.measurement.loudness.integrated_lufs().expect("loud"));
        assert!(peaks.true_dbtp() > peaks.sample_dbfs().map(|dbfs| dbfs + 2.5));
        assert_eq!(held_plr_db(&cut), peaks.sample_dbfs().map(|dbfs| dbfs - lufs));
        let told = quieter_than(&cut, "the reference", -1.0).expect("over the ceiling");
        let [before, after] = [
            "and its samples peak at -0.2 dBFS, over the ceiling of -1.0 dBTP (between them, where no limiter held it, it reaches ",
            " dBTP, which says nothing of its density); turned down as the reference itself would be, the master is 0.8 LU",
        ];
        assert!(told.contains(before) && told.contains(after), "{told}");

        let decoded = quieter_than(&reference(1.2, true, true), "the reference", -1.0).expect("over the ceiling");
        assert!(
            decoded.contains("held 0.0 dBFS at the most, over the ceiling of -1.0 dBTP (decoded, it reaches"),
            "{decoded}"
        );

        let whole = reference(0.98, false, false);
        assert_eq!(held_plr_db(&whole), None);
        let told = quieter_than(&whole, "the reference", -1.0).expect("over the ceiling");
        assert!(told.contains("over the ceiling of -1.0 dBTP; turned down"), "{told}");
    }

    #[test]
    fn a_profile_that_asks_for_another_loudness_than_the_usual_says_why() {
        let loud = |mean| Profile {
            loudness_lufs: Spread { mean, spread: 0.5 },
            ..Profile::built_in().into_iter().next().expect("one ships")
        };
        let told = unlike_usual(&loud(-9.0), -9.5).expect("it isn't the usual");
        assert!(told.contains("have -9.5 to -8.5 LUFS") && told.contains("--loudness=-14"), "{told}");
        assert_eq!(unlike_usual(&loud(-14.0), DEFAULT_LOUDNESS_LUFS), None);
        // No louder than can be wished for.
        let chosen = Chosen {
            profile: Some((loud(-1.0), Fit { distance: 1.0, content_distance: 1.0 })),
            candidates: Vec::new(),
        };
        assert_eq!(natural_loudness_lufs(None, Some(&chosen), -1.0, None), LOUDNESS_RANGE_LUFS.1);
    }

    #[test]
    fn a_cut_reference_counts_the_same_turned_down() {
        let density = |highest: f64| {
            let cut = reference(highest, true, false);
            let lufs = cut.measurement.loudness.integrated_lufs().expect("loud");
            // Where the limiter holds a master that is as loud as wanted, over that loudness.
            -1.0 - (lufs - over_ceiling_db(&cut, -1.0) + turned_down_lu(&cut, -1.0))
        };
        assert!((density(0.98) - held_plr_db(&reference(0.98, true, false)).expect("cut")).abs() < 1e-6);
        let quiet = reference(0.5, true, false);
        assert!((density(0.5) - held_plr_db(&quiet).expect("cut")).abs() < 1e-6);
    }
}
