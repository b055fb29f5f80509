//! How loud a master is to be, and how dense.

use super::{
    CEILING_RANGE_DBTP, DEFAULT_LOUDNESS_LUFS, LOUDNESS_RANGE_LUFS, LOUDNESS_TOLERANCE_LU, MasterJob, References,
};
use crate::source::Source;
use crate::suggest::corridor;
use crate::suggest::profile::Chosen;

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
        let followed = reference.filter(|_| job.loudness_lufs.is_none());
        Self {
            wished_lufs: job.loudness_lufs.unwrap_or(natural_lufs),
            dense_lufs,
            held_dbtp: match job.loudness_lufs {
                None => (job.ceiling_dbtp - turned_down_lu).max(CEILING_RANGE_DBTP.0),
                Some(_) => job.ceiling_dbtp,
            },
            because: followed.and_then(|reference| {
                let name =
                    if references.others.is_empty() { "the reference" } else { "the reference of middle loudness" };
                quieter_than(reference, name, job.ceiling_dbtp)
            }),
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
    let of_profile = || Some(corridor::loudness_within(&chosen?.profile.as_ref()?.0, wished_lufs));
    of_reference().or_else(of_profile).unwrap_or(wished_lufs)
}

/// Where the limiter of a reference held it, dBFS: its highest sample, which is what most limiters of releases hold. What a
/// lossy decoder adds to full scale, no limiter left.
fn held_at_dbfs(reference: &Source) -> Option<f64> {
    let peak_dbfs = reference.measurement.peaks.sample_dbfs()?;
    Some(if reference.info.lossy { peak_dbfs.min(0.0) } else { peak_dbfs })
}

/// How far the reference's peaks stand over the ceiling, dB: by so much a master that is as dense has to be quieter, as if
/// the reference itself were turned down to the ceiling.
fn over_ceiling_db(reference: &Source, ceiling_dbtp: f64) -> f64 {
    held_at_dbfs(reference).map_or(0.0, |peak_dbfs| (peak_dbfs - ceiling_dbtp).max(0.0))
}

/// How much louder the reference would be with its peaks at the ceiling, LU.
fn turned_down_lu(reference: &Source, ceiling_dbtp: f64) -> f64 {
    reference.measurement.peaks.true_dbtp().map_or(0.0, |peak_dbtp| (ceiling_dbtp - peak_dbtp).max(0.0))
}

/// Why a master is quieter than its reference, and how it becomes as loud.
fn quieter_than(reference: &Source, name: &str, ceiling_dbtp: f64) -> Option<String> {
    let quieter_lu = over_ceiling_db(reference, ceiling_dbtp);
    let (lufs, held_dbfs) = (reference.measurement.loudness.integrated_lufs()?, held_at_dbfs(reference)?);
    let is_over_scale = reference.measurement.peaks.sample_dbfs()? > held_dbfs;
    let peaks = if is_over_scale {
        "its limiter held 0.0 dBFS at the most".into()
    } else {
        format!("it peaks at {held_dbfs:.1} dBFS")
    };
    let remedy =
        if lufs <= LOUDNESS_RANGE_LUFS.1 { format!("; --loudness={lufs:.1} asks for as much") } else { String::new() };
    (quieter_lu >= LOUDNESS_TOLERANCE_LU).then(|| {
        format!(
            "{name} measures {lufs:.1} LUFS, and {peaks}, over the ceiling of {ceiling_dbtp:.1} dBTP; turned down \
             as the reference itself would be, the master is {quieter_lu:.1} LU quieter{remedy}"
        )
    })
}
