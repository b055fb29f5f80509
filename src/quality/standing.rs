//! Mains hum under music: tones whose phase stands still.
//!
//! Under loud music no window is quiet enough for hum to stand out by its level. But hum runs through: at its exact
//! frequency the phase of what is heard keeps leaning one way, while notes come and go with phases of their own. So each
//! multiple of 50 and 60 Hz is brought down to 0 Hz 16 times a second, a loud moment counts no more than a quiet one, and
//! a transform over 40 s shows at which frequency the phases agree. Hum agrees most at multiples of one frequency. Music
//! that repeats with the accuracy of a sequencer has lines too, at every multiple of its beat: a line counts by how far it
//! stands over all others nearby.

use std::f64::consts::TAU;
use std::sync::Arc;

use pulp::{Arch, NullaryFnOnce};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use super::low_band::{HARMONICS, MAINS_HZ};
use super::thresholds::HUM_STANDING_DB;
use crate::measure::analysis::median;
use crate::units::power_to_db;

/// Looks a second.
const RATE_HZ: f64 = 16.0;
/// Looks that a window spans: 0.25 s.
const OVERLAP: usize = 4;
/// Looks in a segment, 40 s, and the fewest that make one.
const SEGMENT: usize = 640;
const MIN_SEGMENT: usize = 320;
/// The transform is longer, so that no line falls between its bins.
const TRANSFORM: usize = 4 * SEGMENT;
/// Mains and clocks are off by no more than this, Hz at the fundamental.
const PLACE_HZ: f64 = 0.1;
/// Other lines are sought so far around, Hz.
const AROUND_HZ: f64 = 5.0;
/// What is nearer than two widths of a line of a segment is the line itself, bins of the transform.
const LINE_BINS: usize = 8;
/// Harmonics that count, and the most that one counts, dB.
const COUNTED: usize = 3;
const MOST_DB: f64 = 12.0;
/// A harmonic that is told stands over all other lines by this, dB.
const TOLD_DB: f64 = 3.0;
/// Looks are divided by their magnitude to this power: a little more than 1, because a quiet look tells more.
const EVENNESS: f32 = 1.2;
/// Below this there is nothing, full scale = 1.0.
const NOTHING: f32 = 1e-7;
const CELLS: usize = MAINS_HZ.len() * HARMONICS;

/// One look at every harmonic of both mains frequencies.
type Look = [Complex<f32>; CELLS];

/// Gathers looks from the low band.
pub(super) struct Standing {
    rate_hz: f64,
    hop: usize,
    fft: Arc<dyn Fft<f32>>,
    arch: Arch,
    /// Window times the oscillation of each harmonic, sample by sample.
    turns: Vec<Look>,
    /// The oscillation of each harmonic at the start of the next look.
    oscillators: [Oscillator; CELLS],
    samples: Vec<f32>,
    looks: Vec<Look>,
    /// Of the segments that are over, by mains frequency.
    stands: [Vec<Stand>; MAINS_HZ.len()],
}

/// Hum that was found.
pub(super) struct Found {
    pub(super) mains_hz: f64,
    pub(super) harmonics: usize,
    pub(super) loudest_dbfs: f64,
}

/// How far the harmonics of one mains frequency stand out in a segment.
#[derive(Clone, Copy)]
struct Stand {
    score_db: f64,
    harmonics: usize,
    loudest_dbfs: f64,
}

impl Standing {
    /// For a low band of this sample rate.
    pub(super) fn new(rate_hz: f64) -> Self {
        let hop = (rate_hz / RATE_HZ).round().max(1.0) as usize;
        let length = OVERLAP * hop;
        let window = |n: usize| (std::f64::consts::PI * (n as f64 + 0.5) / length as f64).sin().powi(2);
        // A sine reads its root mean square.
        let scale = 2.0 * std::f64::consts::SQRT_2 / length as f64;
        let hz: Vec<f64> = harmonics_hz().collect();
        let look = |n: usize| std::array::from_fn(|cell| turn(hz[cell] / rate_hz * n as f64, window(n) * scale));
        Self {
            rate_hz,
            hop,
            fft: FftPlanner::new().plan_fft_forward(TRANSFORM),
            arch: Arch::new(),
            turns: (0..length).map(look).collect(),
            oscillators: std::array::from_fn(|cell| Oscillator::new(hz[cell] / rate_hz * hop as f64)),
            samples: Vec::new(),
            looks: Vec::new(),
            stands: Default::default(),
        }
    }

    /// Takes the next samples of the low band.
    pub(super) fn push(&mut self, samples: &[f32]) {
        self.samples.extend_from_slice(samples);
        let mut start = 0;
        while start + self.turns.len() <= self.samples.len() {
            let mut look = self.arch.dispatch(Turning { turns: &self.turns, samples: &self.samples[start..] });
            look.iter_mut().zip(&mut self.oscillators).for_each(|(cell, oscillator)| *cell *= oscillator.next());
            self.looks.push(look);
            start += self.hop;
            if self.looks.len() == SEGMENT {
                self.end_segment();
            }
        }
        self.samples.drain(..start);
    }

    fn end_segment(&mut self) {
        let highest = (0.45 * self.rate_hz) - AROUND_HZ;
        for (mains, stands) in self.stands.iter_mut().enumerate() {
            let cells = mains * HARMONICS..(mains + 1) * HARMONICS;
            let harmonics = cells.zip(harmonics_hz().skip(mains * HARMONICS)).filter(|(_, hz)| *hz < highest);
            let harmonics: Vec<usize> = harmonics.map(|(cell, _)| cell).collect();
            let sounds = |look: &&Look| harmonics.iter().any(|&cell| look[cell].norm() > NOTHING);
            if self.looks.iter().filter(sounds).count() >= MIN_SEGMENT {
                let step_hz = self.rate_hz / self.hop as f64 / TRANSFORM as f64;
                stands.push(stand(&self.looks, &harmonics, self.fft.as_ref(), step_hz));
            }
        }
        self.looks.clear();
    }

    /// Hum that stands still in half of all segments.
    pub(super) fn finish(mut self) -> Option<Found> {
        self.end_segment();
        let found = MAINS_HZ.into_iter().zip(&self.stands).filter_map(|(mains_hz, stands)| {
            let score_db = median(stands.iter().map(|stand| stand.score_db).collect())?;
            let best = stands.iter().max_by(|a, b| a.score_db.total_cmp(&b.score_db))?;
            let Stand { harmonics, loudest_dbfs, .. } = *best;
            (score_db >= HUM_STANDING_DB).then_some((score_db, Found { mains_hz, harmonics, loudest_dbfs }))
        });
        found.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, found)| found)
    }
}

/// The sum of a look as a value: unlike a closure's, its body is sure to be compiled for the processor that it is
/// dispatched to.
struct Turning<'a> {
    turns: &'a [Look],
    samples: &'a [f32],
}

impl NullaryFnOnce for Turning<'_> {
    type Output = Look;

    #[inline(always)]
    fn call(self) -> Look {
        let mut look = Look::default();
        for (turns, sample) in self.turns.iter().zip(self.samples) {
            for (cell, turn) in look.iter_mut().zip(turns) {
                *cell += turn * sample;
            }
        }
        look
    }
}

fn stand(looks: &[Look], harmonics: &[usize], fft: &dyn Fft<f32>, step_hz: f64) -> Stand {
    let around = (AROUND_HZ / step_hz) as usize;
    let spectra: Vec<Lines> = harmonics.iter().map(|&cell| Lines::new(agreement(looks, cell, fft, around))).collect();
    let place = (PLACE_HZ / step_hz) as isize;
    let mut best = Stand { score_db: f64::NEG_INFINITY, harmonics: 0, loudest_dbfs: f64::NEG_INFINITY };
    let mut best_offset = 0;
    for offset in -place..=place {
        // Multiples of a frequency that is off are off by multiples of that.
        let lines = (1..).zip(&spectra).map(|(number, spectrum)| {
            let at = around.saturating_add_signed(offset * number);
            spectrum.over_others(at, 1.max(number.unsigned_abs() / 2)).clamp(0.0, MOST_DB)
        });
        let mut lines: Vec<f64> = lines.collect();
        lines.sort_by(|a, b| b.total_cmp(a));
        let score_db = lines.iter().take(COUNTED).sum::<f64>();
        if score_db > best.score_db {
            let harmonics = lines.iter().filter(|db| **db >= TOLD_DB).count();
            best = Stand { score_db, harmonics, ..best };
            best_offset = offset;
        }
    }
    let level_dbfs = |(number, &cell): (isize, &usize)| {
        let mut oscillator = Oscillator::new((best_offset * number) as f64 / TRANSFORM as f64);
        let turned = looks.iter().map(|look| look[cell] * oscillator.next());
        let mean = turned.sum::<Complex<f32>>() / looks.len() as f32;
        power_to_db(f64::from(mean.norm_sqr()))
    };
    best.loudest_dbfs = (1..).zip(harmonics).map(level_dbfs).fold(f64::NEG_INFINITY, f64::max);
    best
}

/// How well the phases of a harmonic agree, by frequency, from so many bins below its place to as many above.
fn agreement(looks: &[Look], cell: usize, fft: &dyn Fft<f32>, around: usize) -> Vec<f32> {
    let mut phases = vec![Complex::default(); TRANSFORM];
    for (phase, look) in phases.iter_mut().zip(looks) {
        let magnitude = look[cell].norm();
        if magnitude > NOTHING {
            *phase = look[cell] / magnitude.powf(EVENNESS);
        }
    }
    fft.process(&mut phases);
    phases[TRANSFORM - around..].iter().chain(&phases[..=around]).map(|sum| sum.norm()).collect()
}

/// How well phases agree, by frequency, and the largest of all lower and of all higher frequencies.
struct Lines {
    spectrum: Vec<f32>,
    up_to: Vec<f32>,
    from: Vec<f32>,
}

impl Lines {
    fn new(spectrum: Vec<f32>) -> Self {
        let running = |highest: &mut f32, &value: &f32| {
            *highest = highest.max(value);
            Some(*highest)
        };
        let up_to = spectrum.iter().scan(0.0, running).collect();
        let mut from: Vec<f32> = spectrum.iter().rev().scan(0.0, running).collect();
        from.reverse();
        Self { spectrum, up_to, from }
    }

    /// The line within so many bins of a place over the strongest elsewhere, dB.
    fn over_others(&self, at: usize, within: usize) -> f64 {
        let near = &self.spectrum[at.saturating_sub(within)..(at + within + 1).min(self.spectrum.len())];
        let here = near.iter().copied().fold(0.0, f32::max);
        let below = at.checked_sub(LINE_BINS + 1).and_then(|last| self.up_to.get(last)).copied().unwrap_or(0.0);
        let above = self.from.get(at + LINE_BINS + 1).copied().unwrap_or(0.0);
        let elsewhere = below.max(above);
        if here > 0.0 && elsewhere > 0.0 { 20.0 * f64::from(here / elsewhere).log10() } else { 0.0 }
    }
}

fn harmonics_hz() -> impl Iterator<Item = f64> {
    MAINS_HZ.into_iter().flat_map(|mains_hz| (1..=HARMONICS).map(move |number| mains_hz * number as f64))
}

/// An oscillation that turns clockwise by a fixed angle at a time. Errors add up to less than 1e-9 in a week of looks.
struct Oscillator {
    state: Complex<f64>,
    step: Complex<f64>,
}

impl Oscillator {
    fn new(turns: f64) -> Self {
        let (sin, cos) = (TAU * turns.fract()).sin_cos();
        Self { state: Complex::new(1.0, 0.0), step: Complex::new(cos, -sin) }
    }

    fn next(&mut self) -> Complex<f32> {
        let now = Complex::new(self.state.re as f32, self.state.im as f32);
        self.state *= self.step;
        now
    }
}

/// A clockwise turn: what brings an oscillation down to 0 Hz.
fn turn(turns: f64, magnitude: f64) -> Complex<f32> {
    let (sin, cos) = (TAU * turns).sin_cos();
    Complex::new((magnitude * cos) as f32, (-magnitude * sin) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::Noise;

    const LOW_RATE_HZ: f64 = 1_400.0;

    fn found(sample: impl FnMut(usize) -> f64) -> Option<Found> {
        let samples: Vec<f32> = (0..(45.0 * LOW_RATE_HZ) as usize).map(sample).map(|x| x as f32).collect();
        let mut standing = Standing::new(LOW_RATE_HZ);
        samples.chunks(333).for_each(|block| standing.push(block));
        standing.finish()
    }

    /// Four harmonics of amplitude 0.01.
    fn hum(mains_hz: f64, n: usize) -> f64 {
        let phase = TAU * mains_hz * n as f64 / LOW_RATE_HZ;
        (1..=4).map(|number| 0.01 * (f64::from(number) * phase + f64::from(number)).sin()).sum()
    }

    /// A bass that plays G, B, A and E again and again, 0.43 s each, 20 dB louder than the hum: G lies 1 Hz below 50 Hz, B
    /// 1.7 Hz above 60 Hz.
    fn bass(n: usize) -> f64 {
        let time_s = n as f64 / LOW_RATE_HZ;
        let note = (time_s / 0.43) as usize;
        let age_s = time_s - note as f64 * 0.43;
        let hz = [49.0, 61.74, 55.0, 41.2][note % 4];
        let start = (note as f64 * 0.618).fract();
        let harmonics =
            (1..=6).map(|number| (TAU * f64::from(number) * (hz * age_s + start)).sin() / f64::from(number));
        0.1 * (-2.0 * age_s).exp() * harmonics.sum::<f64>()
    }

    #[test]
    fn hum_is_found_far_under_noise_and_its_level_read() {
        for mains_hz in [50.0, 59.96] {
            let mut noise = Noise(3);
            let found = found(|n| 0.1 * noise.next() + hum(mains_hz, n)).expect("hum is there");
            assert!((found.mains_hz - mains_hz).abs() < 0.1 && found.harmonics >= 3, "{}", found.harmonics);
            // A sine of amplitude 0.01 has -43 dBFS; the loudest of four in noise reads a little more.
            assert!((found.loudest_dbfs + 43.0).abs() < 2.0, "{}", found.loudest_dbfs);
        }
    }

    #[test]
    fn hum_is_found_under_a_bass_that_is_no_hum_itself() {
        assert!(found(bass).is_none());
        for mains_hz in [50.0, 60.0] {
            let found = found(|n| bass(n) + hum(mains_hz, n)).expect("hum is there");
            assert_eq!(found.mains_hz, mains_hz);
        }
    }

    #[test]
    fn noise_loops_and_silence_are_no_hum() {
        let mut noise = Noise(3);
        assert!(found(|_| 0.1 * noise.next()).is_none());
        // Half a second of noise again and again, to the sample: lines at every multiple of 2 Hz, 50 and 60 Hz among them.
        let period: Vec<f64> = (0..700).map(|_| 0.1 * noise.next()).collect();
        assert!(found(|n| period[n % period.len()]).is_none());
        assert!(found(|_| 0.0).is_none());
    }

    #[test]
    fn a_tone_that_is_no_multiple_of_the_mains_is_no_hum() {
        assert!(found(|n| hum(51.3, n)).is_none());
    }
}
