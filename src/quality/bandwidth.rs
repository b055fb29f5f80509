//! Where the spectrum ends: the edges that codecs and lower sample rates leave.

use realfft::num_complex::Complex;

use super::thresholds::{
    EDGE_DB_PER_KHZ, EDGE_MAX_HZ, EDGE_MAX_OF_NYQUIST, EDGE_MIN_HZ, EDGE_SPREAD_HZ, HIGH_RATE_HZ, UP_SAMPLED_DBFS,
    UP_SAMPLED_STEP_DB,
};
use super::{Check, Finding, Severity};
use crate::statistics::median;
use crate::units::{db_to_power, power_to_db};

/// Spectra are told in bands of this width, Hz.
const BAND_HZ: f64 = 100.0;
/// Levels are compared over this many bands below and above an edge.
const SIDE_BANDS: usize = 5;
/// Bands between them: the edge itself.
const EDGE_BANDS: usize = 3;
/// What stands for nothing at all, dBFS in a band.
const NOTHING_DB: f64 = -180.0;
/// A step that is no chance, dB.
const MIN_STEP_DB: f64 = 20.0;
/// Fewer excerpts than this prove nothing.
const MIN_EXCERPTS: usize = 2;
/// Share of the excerpts that must show an edge: quiet ones can't.
const EDGE_SHARE: f64 = 0.4;
/// Share of the edges that must lie close together.
const EDGE_AGREEMENT: f64 = 0.8;
/// Excerpts quieter than this say nothing, dBFS.
const QUIET_DBFS: f64 = -70.0;
/// Lower sample rates that files are converted from, Hz.
const RATES_HZ: [f64; 4] = [44_100.0, 48_000.0, 88_200.0, 96_000.0];

/// Collects the spectra of excerpts.
pub(super) struct Bandwidth {
    sample_rate_hz: u32,
    bands: Vec<std::ops::Range<usize>>,
    scale: f64,
    sums: Vec<f64>,
    count: usize,
    edges_hz: Vec<f64>,
    /// Excerpts with an edge at half of each lower sample rate.
    rate_edges: [usize; RATES_HZ.len()],
}

impl Bandwidth {
    /// For transforms of a length, the first half of which holds a Hann-windowed excerpt.
    pub(super) fn new(sample_rate_hz: u32, length: usize) -> Self {
        let bin_hz = f64::from(sample_rate_hz) / length as f64;
        let bands: Vec<_> = (0..(0.5 * f64::from(sample_rate_hz) / BAND_HZ) as usize)
            .map(|band| {
                let bin = |band: usize| (band as f64 * BAND_HZ / bin_hz).round() as usize;
                bin(band)..bin(band + 1).min(length / 2)
            })
            .collect();
        // Mean square of the excerpt: both signs of a bin, over the energy of the window (3/8 of half the length).
        let scale = 2.0 / (length as f64 * 0.375 * 0.5 * length as f64);
        Self {
            sample_rate_hz,
            sums: vec![0.0; bands.len()],
            bands,
            scale,
            count: 0,
            edges_hz: Vec::new(),
            rate_edges: [0; RATES_HZ.len()],
        }
    }

    /// Takes the spectra of one excerpt.
    pub(super) fn push(&mut self, spectra: &[Vec<Complex<f32>>; 2]) {
        let powers: Vec<f64> = self
            .bands
            .iter()
            .map(|band| {
                let sum = |spectrum: &[Complex<f32>]| spectrum[band.clone()].iter().map(|x| x.norm_sqr()).sum::<f32>();
                0.5 * self.scale * f64::from(sum(&spectra[0]) + sum(&spectra[1]))
            })
            .collect();
        if power_to_db(powers.iter().sum()) < QUIET_DBFS {
            return;
        }
        self.count += 1;
        for (sum, power) in self.sums.iter_mut().zip(&powers) {
            *sum += power;
        }
        let step_db = EDGE_DB_PER_KHZ * EDGE_BANDS as f64 * BAND_HZ * 1e-3;
        let levels = levels_db(&powers);
        if self.sample_rate_hz > HIGH_RATE_HZ {
            for (count, rate_hz) in self.rate_edges.iter_mut().zip(RATES_HZ) {
                let edge = at_nyquist(&levels, rate_hz);
                *count += usize::from(edge.is_some_and(|edge| edge.step_db >= MIN_STEP_DB));
            }
        }
        self.edges_hz.extend(
            steepest(&levels, EDGE_MIN_HZ, self.highest_edge_hz())
                .filter(|edge| edge.step_db > step_db.max(MIN_STEP_DB))
                .map(|e| e.hz),
        );
    }

    /// Above, an edge is the converter's own.
    fn highest_edge_hz(&self) -> f64 {
        EDGE_MAX_HZ.min(EDGE_MAX_OF_NYQUIST * 0.5 * f64::from(self.sample_rate_hz))
    }

    /// A programme that holds less than its sample rate can.
    pub(super) fn up_sampled(&self) -> Option<Finding> {
        if self.sample_rate_hz <= HIGH_RATE_HZ || self.count < MIN_EXCERPTS {
            return None;
        }
        let mean: Vec<f64> = self.sums.iter().map(|sum| sum / self.count as f64).collect();
        let levels = levels_db(&mean);
        let is_end = |rate_hz: f64, edges: usize| {
            let Some(edge) = at_nyquist(&levels, rate_hz) else { return false };
            let above = ((1.05 * 0.5 * rate_hz / BAND_HZ) as usize).min(mean.len());
            let above_dbfs = power_to_db(mean[above..].iter().sum());
            edges as f64 >= EDGE_SHARE * self.count as f64
                && (edge.step_db >= UP_SAMPLED_STEP_DB || (edge.step_db >= MIN_STEP_DB && above_dbfs < UP_SAMPLED_DBFS))
        };
        let lower = RATES_HZ.into_iter().zip(self.rate_edges);
        let mut lower = lower.filter(|(rate_hz, _)| 1.5 * rate_hz < f64::from(self.sample_rate_hz));
        // A sharp edge says which rate it was; a slope may begin at one and end at another.
        let (rate_hz, _) = lower
            .clone()
            .find(|&(rate_hz, edges)| is_end(rate_hz, edges))
            .or_else(|| lower.find(|&(rate_hz, _)| is_slope_into_nothing(&levels, rate_hz)))?;
        let message = format!(
            "the file has a sample rate of {} Hz but holds nothing above {:.2} kHz: it was made from a file at about \
             {rate_hz} Hz; ask for the original, or deliver it at that rate",
            self.sample_rate_hz,
            0.5e-3 * rate_hz
        );
        Some(Finding::new(Check::UpSampled, Severity::Warning, rate_hz, f64::from(self.sample_rate_hz), message))
    }

    /// The low-pass of a codec. `lossy`: the file says itself that it is coded.
    pub(super) fn lossy_source(self, lossy: bool) -> Option<Finding> {
        let edge_hz = median(self.edges_hz.clone())?;
        let near = self.edges_hz.iter().filter(|hz| (**hz - edge_hz).abs() < EDGE_SPREAD_HZ).count();
        let edges = self.edges_hz.len();
        let is_steady = near as f64 >= EDGE_AGREEMENT * edges as f64
            && edges as f64 >= EDGE_SHARE * self.count as f64
            && edges >= MIN_EXCERPTS;
        is_steady.then(|| {
            let edge_khz = 1e-3 * edge_hz;
            let (severity, message) = if lossy {
                (
                    Severity::Info,
                    format!("its coding removed everything above {edge_khz:.1} kHz; master from the original"),
                )
            } else {
                let message = format!(
                    "the spectrum ends like a wall at {edge_khz:.1} kHz: it was probably made from an MP3, AAC or other lossy \
                     file, or from one at a lower sample rate; ask for the original"
                );
                (Severity::Warning, message)
            };
            Finding::new(Check::LossySource, severity, edge_hz, self.highest_edge_hz(), message)
        })
    }
}

fn levels_db(powers: &[f64]) -> Vec<f64> {
    powers.iter().map(|&power| power_to_db(power).max(NOTHING_DB)).collect()
}

/// Bands of a spectrum that count: the last ones are the converter's own edge.
fn usable(levels_db: &[f64]) -> usize {
    levels_db.len() - levels_db.len() / 50
}

/// The least of the levels below an edge: every band counts, so that a single tone is none.
fn below_db(levels_db: &[f64], band: usize) -> f64 {
    levels_db[band - SIDE_BANDS..band].iter().copied().fold(f64::INFINITY, f64::min)
}

struct Edge {
    hz: f64,
    step_db: f64,
}

/// Whether the spectrum falls into nothing beyond half of a lower sample rate, as behind a converter whose filter ends late:
/// ffmpeg's own is 6 dB down there, 37 dB at 0.56 of the rate and all the way at 0.6.
fn is_slope_into_nothing(levels_db: &[f64], rate_hz: f64) -> bool {
    let band = |share: f64| (share * rate_hz / BAND_HZ) as usize;
    let usable = usable(levels_db);
    let (slope, above) = (band(0.56), band(0.65));
    if above + SIDE_BANDS >= usable {
        return false;
    }
    let below_db = below_db(levels_db, band(0.46));
    let highest_db = |bands: &[f64]| bands.iter().copied().fold(NOTHING_DB, f64::max);
    let above_dbfs = power_to_db(levels_db[above..usable].iter().map(|db| db_to_power(*db)).sum());
    below_db - highest_db(&levels_db[slope..above]) >= MIN_STEP_DB
        && below_db - highest_db(&levels_db[above..usable]) >= UP_SAMPLED_STEP_DB
        && above_dbfs < UP_SAMPLED_DBFS
}

/// The edge at half of a lower sample rate.
fn at_nyquist(levels_db: &[f64], rate_hz: f64) -> Option<Edge> {
    steepest(levels_db, 0.44 * rate_hz, 0.51 * rate_hz)
}

/// The steepest fall within a range of frequencies after which the spectrum does not rise again.
fn steepest(levels_db: &[f64], low_hz: f64, high_hz: f64) -> Option<Edge> {
    let usable = usable(levels_db);
    let (low, high) = ((low_hz / BAND_HZ) as usize, (high_hz / BAND_HZ) as usize);
    let mut highest_above = vec![NOTHING_DB; levels_db.len() + 1];
    for band in (0..usable).rev() {
        highest_above[band] = highest_above[band + 1].max(levels_db[band]);
    }
    (low.max(SIDE_BANDS)..high.min(usable.saturating_sub(EDGE_BANDS + 1)))
        .map(|band| Edge {
            hz: (band as f64 + 0.5 * EDGE_BANDS as f64) * BAND_HZ,
            step_db: below_db(levels_db, band) - highest_above[band + EDGE_BANDS],
        })
        .max_by(|a, b| a.step_db.total_cmp(&b.step_db))
}
