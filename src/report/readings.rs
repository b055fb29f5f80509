//! Everything that is told of one file, in sections: the same on the terminal and on the page.

use crate::measure::analysis::Analysis;

/// A measured value and how it is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    /// Its field in the JSON.
    pub(super) id: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    /// `None` where there is none.
    pub(super) value: Option<f64>,
    /// Digits after the point.
    pub(super) decimals: usize,
    /// Its unit; empty for a plain number.
    pub(super) unit: &'static str,
}

/// The sections by their titles.
pub(super) fn sections(analysis: &Analysis) -> [(&'static str, Vec<Reading>); 5] {
    let Analysis { loudness, peak, spectrum, dynamics, stereo } = analysis;
    let near_peak_percent = dynamics.limiting.map(|limiting| 100.0 * limiting.within_0_1_db_ratio);
    let reading = |id, name, value, decimals, unit| Reading { id, name, value, decimals, unit };
    [
        (
            "Loudness",
            vec![
                reading("integrated_lufs", "integrated", loudness.integrated_lufs, 1, "LUFS"),
                reading("range_lu", "range", loudness.range_lu, 1, "LU"),
                reading("max_short_term_lufs", "max short-term (3 s)", loudness.max_short_term_lufs, 1, "LUFS"),
                reading("max_momentary_lufs", "max momentary (400 ms)", loudness.max_momentary_lufs, 1, "LUFS"),
                reading("plr_db", "peak to loudness, PLR", loudness.plr_db, 1, "dB"),
                reading("psr_min_db", "least PSR", loudness.psr_min_db, 1, "dB"),
                reading("psr_p5_db", "PSR, 5th percentile", loudness.psr_p5_db, 1, "dB"),
            ],
        ),
        (
            "Peak",
            vec![
                reading("true_dbtp", "true peak", peak.true_dbtp, 2, "dBTP"),
                reading("sample_dbfs", "sample peak", peak.sample_dbfs, 2, "dBFS"),
            ],
        ),
        (
            "Dynamics",
            vec![
                reading("crest_db", "crest", dynamics.crest_db, 1, "dB"),
                reading("short_crest_db", "short-term crest", dynamics.short_crest_db, 1, "dB"),
                reading("short_to_long_p95_db", "400 ms over 3 s, 95 %", dynamics.short_to_long_p95_db, 1, "dB"),
                reading("dr14", "DR14", dynamics.dr14, 0, "dB"),
                reading("near_peak_percent", "within 0.1 dB of the peak", near_peak_percent, 3, "%"),
            ],
        ),
        (
            "Stereo",
            vec![
                reading("width_db", "width, side over mid", stereo.width_db, 1, "dB"),
                reading("correlation", "correlation", stereo.correlation, 2, ""),
                reading("correlation_p5", "correlation, worst 5 %", stereo.over_time.correlation_p5, 2, ""),
                reading("balance_db", "balance, left over right", stereo.balance_db, 1, "dB"),
                reading("mono_loss_db", "lost in mono", stereo.mono_loss_db, 1, "dB"),
            ],
        ),
        (
            "Tone",
            vec![
                reading("tilt_db_per_octave", "tilt per octave", spectrum.tilt_db_per_octave, 1, "dB"),
                reading("centroid_hz", "centroid", spectrum.centroid_hz, 0, "Hz"),
                reading("sub_to_bass_db", "sub over bass", spectrum.sub_to_bass_db, 1, "dB"),
                reading("codec_edge_hz", "spectrum ends at", spectrum.codec_edge_hz, 0, "Hz"),
            ],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::KEY_FIGURES;
    use crate::report::sample;

    #[test]
    fn one_file_and_several_are_told_alike() {
        let analysis = sample::before().analysis;
        for reading in sections(&analysis).iter().flat_map(|(_, readings)| readings) {
            if let Some(figure) = KEY_FIGURES.iter().find(|figure| figure.id == reading.id) {
                assert_eq!(
                    (reading.value, reading.decimals),
                    ((figure.of)(&analysis), figure.decimals),
                    "{}",
                    reading.id
                );
            }
        }
    }
}
