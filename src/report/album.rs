//! Several files as one programme.

use schemars::JsonSchema;
use serde::Serialize;

use super::AnalysisDocument;
use crate::measure::analysis::Analysis;
use crate::measure::loudness::AlbumLoudness;

/// What several files measure as one album.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AlbumDocument {
    /// Gated over the blocks of all files together (BS.1770-5).
    pub integrated_lufs: Option<f64>,
    /// Over the windows of all files together (Tech 3342).
    pub range_lu: Option<f64>,
    /// Loudest 400 ms of any file.
    pub max_momentary_lufs: Option<f64>,
    /// Loudest 3 s of any file.
    pub max_short_term_lufs: Option<f64>,
    /// Highest sample of any file.
    pub sample_dbfs: Option<f64>,
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
    /// Of some files, and the loudness of all of them together.
    pub fn new(tracks: &[AnalysisDocument], loudness: &AlbumLoudness) -> Self {
        let of_any = |value: fn(&Analysis) -> Option<f64>, choose: fn(f64, f64) -> f64| {
            tracks.iter().filter_map(|track| value(&track.analysis)).reduce(choose)
        };
        let integrated_lufs = loudness.integrated_lufs();
        let true_dbtp = of_any(|analysis| analysis.peak.true_dbtp, f64::max);
        let ranges: Option<Vec<f64>> = tracks.iter().map(|track| track.analysis.dynamics.dr14).collect();
        Self {
            integrated_lufs,
            range_lu: loudness.range_lu(),
            max_momentary_lufs: of_any(|analysis| analysis.loudness.max_momentary_lufs, f64::max),
            max_short_term_lufs: of_any(|analysis| analysis.loudness.max_short_term_lufs, f64::max),
            sample_dbfs: of_any(|analysis| analysis.peak.sample_dbfs, f64::max),
            true_dbtp,
            plr_db: true_dbtp.zip(integrated_lufs).map(|(peak, loudness)| peak - loudness),
            psr_min_db: of_any(|analysis| analysis.loudness.psr_min_db, f64::min),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn peaks_and_maxima_are_those_of_any_file() {
        // The second is the louder one, with the higher peaks, and the more squeezed.
        let tracks = [sample::before(), sample::after()];
        let album = AlbumDocument::new(&tracks, &AlbumLoudness::default());
        let Analysis { loudness, peak, .. } = &tracks[1].analysis;
        assert_eq!((album.sample_dbfs, album.true_dbtp), (peak.sample_dbfs, peak.true_dbtp));
        assert_eq!(album.max_momentary_lufs, loudness.max_momentary_lufs);
        assert_eq!(album.max_short_term_lufs, loudness.max_short_term_lufs);
        assert_eq!(album.psr_min_db, loudness.psr_min_db);
        assert_eq!((album.integrated_lufs, album.plr_db), (None, None), "no loudness was given");
    }
}
