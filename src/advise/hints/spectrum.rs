//! A spectrum fine enough for resonances: 24 bands an octave, each looked at for as long as its width asks for.
//!
//! What tells a resonance from a note is heard between the notes. So high bands, which are wide enough for it, get short
//! windows, and each window of the lowest ones is accompanied by four of each of the others.

use std::ops::Range;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::audio::AudioBuffer;
use crate::dsp::window::hann;
use crate::units::power_to_db;

/// Bands of an octave.
pub(super) const BANDS_PER_OCTAVE: f64 = 24.0;
/// The lowest band lies here, Hz: bins are too wide for those below.
const LOWEST_HZ: f64 = 110.0;
/// No band lies above, Hz.
const HIGHEST_HZ: f64 = 14_000.0;
/// The first band of each resolution, two octaves apart or more; windows are a quarter as long from one to the next.
const FIRST_BANDS: [usize; 3] = [0, 72, 120];
/// Windows of the lowest resolution last as long as this at least, seconds.
const LONGEST_WINDOW_S: f64 = 0.3;
/// Looks of the other resolutions within one of those windows.
const LOOKS: usize = 4;
/// Bands of the surroundings, on both sides, that a resolution knows as well.
pub(super) const MARGIN: usize = 15;
/// What stands for nothing at all, dB.
const NOTHING_DB: f32 = -160.0;

/// Centres of all bands below what a sample rate can hold, Hz.
pub(super) fn centers_hz(sample_rate_hz: u32) -> Vec<f64> {
    let highest_hz = HIGHEST_HZ.min(0.45 * f64::from(sample_rate_hz));
    let center = |band: usize| LOWEST_HZ * (band as f64 / BANDS_PER_OCTAVE).exp2();
    (0..).map(center).take_while(|&hz| hz < highest_hz).collect()
}

/// Levels over time of neighbouring bands, seen with one window.
pub(super) struct Resolution {
    /// The bands that are judged with this window.
    pub(super) own: Range<usize>,
    /// Those and their surroundings.
    pub(super) known: Range<usize>,
    /// Bins of the known bands.
    bins: Vec<Range<usize>>,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    levels_db: Vec<f32>,
}

impl Resolution {
    /// `bands` are the centres of all bands; `own` those that are judged with this window.
    fn new(bands_hz: &[f64], own: Range<usize>, length: usize, sample_rate_hz: u32) -> Self {
        let known = own.start.saturating_sub(MARGIN)..(own.end + MARGIN).min(bands_hz.len());
        let bin_hz = f64::from(sample_rate_hz) / length as f64;
        let half = (0.5 / BANDS_PER_OCTAVE).exp2();
        let bins = bands_hz[known.clone()].iter().map(|hz| {
            let low = (hz / half / bin_hz).round() as usize;
            low..((hz * half / bin_hz).round() as usize).max(low + 1)
        });
        Self {
            own,
            bins: bins.collect(),
            known,
            window: hann(length).map(|weight| weight as f32).collect(),
            fft: RealFftPlanner::<f32>::new().plan_fft_forward(length),
            levels_db: Vec::new(),
        }
    }

    /// Levels of the known bands, look by look, dB.
    pub(super) fn looks(&self) -> impl Iterator<Item = &[f32]> {
        self.levels_db.chunks_exact(self.known.len())
    }

    fn look(&mut self, left: &[f32], right: &[f32], scratch: &mut Scratch) {
        let length = self.window.len();
        for (samples, spectrum) in [left, right].into_iter().zip(&mut scratch.spectra) {
            let input = &mut scratch.input[..length];
            for ((x, w), sample) in input.iter_mut().zip(&self.window).zip(samples) {
                *x = w * sample;
            }
            self.fft
                .process_with_scratch(input, &mut spectrum[..length / 2 + 1], &mut scratch.fft)
                .expect("buffers were made by the same plan");
        }
        let scale = 1.0 / (length as f64 * 0.375 * length as f64);
        for bins in &self.bins {
            let power = |spectrum: &[Complex<f32>]| spectrum[bins.clone()].iter().map(|x| x.norm_sqr()).sum::<f32>();
            let [left, right] = scratch.spectra.each_ref().map(|spectrum| f64::from(power(spectrum)));
            // A density: what is even reads the same in wide bands and in narrow ones.
            let density = scale * (left + right) / bins.len() as f64;
            self.levels_db.push((power_to_db(density) as f32).max(NOTHING_DB));
        }
    }
}

/// Buffers that all resolutions share.
struct Scratch {
    input: Vec<f32>,
    fft: Vec<Complex<f32>>,
    spectra: [Vec<Complex<f32>>; 2],
}

/// Gathers band levels over time.
pub(super) struct FineSpectrum {
    resolutions: Vec<Resolution>,
    scratch: Scratch,
    pending: AudioBuffer,
    /// Windows of the lowest resolution that are gathered.
    windows: usize,
}

impl FineSpectrum {
    /// `bands_hz` are those of [`centers_hz`].
    pub(super) fn new(bands_hz: &[f64], sample_rate_hz: u32) -> Self {
        let longest = ((LONGEST_WINDOW_S * f64::from(sample_rate_hz)) as usize).next_power_of_two();
        let ends = FIRST_BANDS[1..].iter().copied().chain([usize::MAX]).map(|end| end.min(bands_hz.len()));
        let resolutions: Vec<Resolution> = FIRST_BANDS
            .into_iter()
            .zip(ends)
            .enumerate()
            .filter(|(_, (first, end))| first < end)
            .map(|(index, (first, end))| Resolution::new(bands_hz, first..end, longest >> (2 * index), sample_rate_hz))
            .collect();
        let scratch_length = resolutions.iter().map(|resolution| resolution.fft.get_scratch_len()).max().unwrap_or(0);
        let spectrum = vec![Complex::default(); longest / 2 + 1];
        Self {
            resolutions,
            scratch: Scratch {
                input: vec![0.0; longest],
                fft: vec![Complex::default(); scratch_length],
                spectra: [spectrum.clone(), spectrum],
            },
            pending: AudioBuffer::new(sample_rate_hz),
            windows: 0,
        }
    }

    /// Takes samples, as many as complete a window at the most, and tells how many it took.
    pub(super) fn push(&mut self, left: &[f32], right: &[f32]) -> usize {
        let Some(longest) = self.resolutions.first().map(|resolution| resolution.window.len()) else {
            return left.len();
        };
        let taken = left.len().min(longest - self.pending.frames());
        self.pending.extend(&left[..taken], &right[..taken]);
        if self.pending.frames() == longest {
            for resolution in &mut self.resolutions {
                let length = resolution.window.len();
                let looks = if length == longest { 1 } else { LOOKS };
                for look in 0..looks {
                    let range = look * longest / looks..look * longest / looks + length;
                    let (left, right) = (&self.pending.left()[range.clone()], &self.pending.right()[range]);
                    resolution.look(left, right, &mut self.scratch);
                }
            }
            self.pending.clear();
            self.windows += 1;
        }
        taken
    }

    /// Windows of the lowest resolution that are gathered.
    pub(super) fn windows(&self) -> usize {
        self.windows
    }

    /// From low bands to high ones.
    pub(super) fn resolutions(&self) -> &[Resolution] {
        &self.resolutions
    }

    /// Forgets what is gathered, but for samples that no window has seen yet.
    pub(super) fn clear(&mut self) {
        self.resolutions.iter_mut().for_each(|resolution| resolution.levels_db.clear());
        self.windows = 0;
    }
}
