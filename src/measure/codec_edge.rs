//! The frequency above which a spectrum falls off a cliff, as a lossy codec's low-pass or a conversion from a lower
//! sample rate leaves it.

use crate::units::power_to_db;

use crate::statistics::median;

/// Resolution.
const CELL_HZ: f64 = 100.0;
/// Where cliffs are sought from: no codec for music cuts lower, and no music ends so abruptly.
const LOWEST_HZ: f64 = 4_000.0;
/// Nearer to half of the sample rate than this there is the converter's own filter.
const HIGHEST_RATIO: f64 = 0.95;
/// Stretch under the cliff whose median level counts, so that a single tone is no cliff.
const BELOW_HZ: f64 = 1_000.0;
/// Room for the fall.
const FALL_HZ: f64 = 300.0;
/// How far it falls, at least, and never rises again.
const FALL_DB: f64 = 20.0;
/// What lies under this has no cliff worth the name, dB of mean square in a cell.
const FLOOR_DB: f64 = -130.0;

/// The frequency of the cliff in a long-term power spectrum: the median of the 1 kHz below exceeds everything from
/// 0.3 kHz above on by 20 dB or more. `None` where there is none.
pub(super) fn codec_edge_hz(power: &[f64], bin_hz: f64) -> Option<f64> {
    let bins = ((CELL_HZ / bin_hz).round() as usize).max(1);
    let cell_hz = bins as f64 * bin_hz;
    let cells: Vec<f64> =
        power.chunks_exact(bins).map(|cell| power_to_db(cell.iter().sum::<f64>().max(1e-30))).collect();
    let in_cells = |hz: f64| (hz / cell_hz).round() as usize;
    let (below, fall) = (in_cells(BELOW_HZ), in_cells(FALL_HZ));
    let end = in_cells(HIGHEST_RATIO * bin_hz * power.len() as f64).min(cells.len());
    // The loudest of each cell and all above it.
    let mut loudest_from = cells.clone();
    for cell in (1..cells.len()).rev() {
        loudest_from[cell - 1] = loudest_from[cell - 1].max(loudest_from[cell]);
    }
    let is_cliff = |&edge: &usize| {
        let level_db = median(cells[edge - below..edge].to_vec()).unwrap_or(f64::NEG_INFINITY);
        level_db > FLOOR_DB && level_db - loudest_from[edge + fall] >= FALL_DB
    };
    let mean_db = |cells: &[f64]| cells.iter().sum::<f64>() / cells.len() as f64;
    let steepness_db = |edge: usize| mean_db(&cells[edge - fall..edge]) - mean_db(&cells[edge..edge + fall]);
    let first = in_cells(LOWEST_HZ).max(below).max(fall);
    (first..end.saturating_sub(fall))
        .filter(is_cliff)
        .max_by(|&a, &b| steepness_db(a).total_cmp(&steepness_db(b)))
        .map(|edge| edge as f64 * cell_hz)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::Noise;

    const BIN_HZ: f64 = 44_100.0 / 8_192.0;

    /// A spectrum by its level in each bin, with the unrest of a measured one.
    fn edge_of(level_db: impl Fn(f64) -> f64) -> Option<f64> {
        let mut noise = Noise(3);
        let power: Vec<f64> = (0..=4096)
            .map(|bin| 10f64.powf(level_db(f64::from(bin) * BIN_HZ) / 10.0) * (0.5 + noise.ratio()))
            .collect();
        codec_edge_hz(&power, BIN_HZ)
    }

    fn pink(hz: f64) -> f64 {
        -50.0 - 10.0 * hz.max(20.0).log10()
    }

    #[test]
    fn low_passes_of_codecs_are_found() {
        for edge_hz in [5_500.0, 11_000.0, 16_000.0, 19_000.0, 20_000.0] {
            // 16-bit noise remains above; the filter takes 200 Hz to fall.
            let found = edge_of(|hz| pink(hz).min(pink(hz) - 0.3 * (hz - edge_hz)).max(-134.0)).expect("a cliff");
            assert!((found - edge_hz - 50.0).abs() <= 200.0, "{found} for {edge_hz}");
        }
    }

    #[test]
    fn what_nature_does_is_no_cliff() {
        assert_eq!(edge_of(pink), None);
        assert_eq!(edge_of(|_| -90.0), None);
        // 24 dB an octave from 2 kHz, down to 16-bit noise.
        assert_eq!(edge_of(|hz| (-60.0 - 80.0 * (hz / 2e3).max(1.0).log10()).max(-134.0)), None);
        // The converter's own filter.
        assert_eq!(edge_of(|hz| if hz < 21_200.0 { pink(hz) } else { -150.0 }), None);
        // A tone alone, and a tone over noise.
        assert_eq!(edge_of(|hz| if (hz - 9e3).abs() < 10.0 { -20.0 } else { -160.0 }), None);
        assert_eq!(edge_of(|hz| if (hz - 9e3).abs() < 10.0 { -20.0 } else { -110.0 }), None);
        assert_eq!(edge_of(|_| -400.0), None);
        assert_eq!(codec_edge_hz(&[], BIN_HZ), None);
        assert_eq!(codec_edge_hz(&[1.0; 300], BIN_HZ), None);
    }
}
