//! Several files as one programme.

use serde::Serialize;

use crate::measure::Measurement;
use crate::measure::loudness::LoudnessSeries;

/// What several files measure as one album.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlbumDocument {
    /// Gated over the blocks of all files together (BS.1770-5).
    pub integrated_lufs: Option<f64>,
    /// Over the windows of all files together (Tech 3342).
    pub range_lu: Option<f64>,
    /// Loudest 3 s of any file.
    pub max_short_term_lufs: Option<f64>,
    /// Highest of any file.
    pub true_dbtp: Option<f64>,
    /// Highest true peak minus the loudness of the album.
    pub plr_db: Option<f64>,
    /// Least of any file.
    pub psr_min_db: Option<f64>,
    /// Mean of the files' DR14, as the DR database has it. `None` if a file has none.
    pub dr14: Option<f64>,
}

impl AlbumDocument {
    /// Of some files.
    pub fn new(files: &[&Measurement]) -> Self {
        let series = || files.iter().map(|file| &file.loudness);
        let integrated_lufs = LoudnessSeries::integrated_lufs_of(series());
        let true_dbtp = files.iter().filter_map(|file| file.peaks.true_dbtp()).reduce(f64::max);
        let analyses = files.iter().map(|file| file.analysis().loudness.psr_min_db);
        let ranges: Option<Vec<f64>> = files.iter().map(|file| file.levels.dr14).collect();
        Self {
            integrated_lufs,
            range_lu: LoudnessSeries::range_lu_of(series()),
            max_short_term_lufs: series().filter_map(LoudnessSeries::max_short_term_lufs).reduce(f64::max),
            true_dbtp,
            plr_db: true_dbtp.zip(integrated_lufs).map(|(peak, loudness)| peak - loudness),
            psr_min_db: analyses.flatten().reduce(f64::min),
            dr14: ranges.filter(|of| !of.is_empty()).map(|of| of.iter().sum::<f64>() / of.len() as f64),
        }
    }

    /// The value of a key figure, where an album has one.
    pub(super) fn figure(&self, id: &str) -> Option<f64> {
        match id {
            "integrated_lufs" => self.integrated_lufs,
            "range_lu" => self.range_lu,
            "max_short_term_lufs" => self.max_short_term_lufs,
            "true_dbtp" => self.true_dbtp,
            "plr_db" => self.plr_db,
            "psr_min_db" => self.psr_min_db,
            "dr14" => self.dr14,
            _ => None,
        }
    }
}
