//! Mains hum under music: tones that run through at one frequency.
//!
//! Under loud music no window is quiet enough for hum to stand out by its level. But hum runs through, and music leaves gaps:
//! before a beat, between two notes of the bass. What is heard there tells of hum, what is heard elsewhere tells of music.
//! So every moment of every frequency is divided by its own power, which is the weight that the least squares of a steady tone
//! in changing noise give it, and a transform over 40 s shows at which frequencies something steady is left. Music that
//! repeats with the accuracy of a sequencer has such lines too, at every multiple of its beat, and tuned notes have theirs:
//! the lines at multiples of the mains frequency have to stand higher together than those at multiples of all frequencies
//! nearby, but for three that may be notes, and to be loud enough beside the programme where it leaves gaps.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::low_band::MAINS_HZ;
use super::thresholds::{HUM_STANDING_DB, HUM_STANDING_UNDER_LU};
use crate::dsp::window::hann;
use crate::linear::weighted_sum;
use crate::statistics::median;
use crate::units::power_to_db;

/// Length of a segment, and the least that makes one.
const SEGMENT_S: f64 = 40.0;
const MIN_SEGMENT_S: f64 = 20.0;
/// Samples of a moment, 0.18 s at the low band's rate: short enough for gaps, long enough to tell the harmonics apart.
const MOMENT: usize = 256;
const HOP: usize = MOMENT / 4;
/// Bins that are looked at of a tone, counted from it.
const TONE_BINS: [f64; 7] = [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0];
/// A bin's window reaches so far beside it, before a moment is weighed and after.
const WINDOW_REACH: usize = 4;
/// A moment counts no more than one that is as quiet as this share of all: the rest may be the silence before a song starts.
const QUIETEST_SHARE: f64 = 0.02;
/// Below this there is nothing, full scale = 1.0.
const NOTHING: f32 = 1e-7;
/// Harmonics that are sought, and the most that one counts, dB.
const HARMONICS: usize = 4;
const MOST_DB: f64 = 35.0;
/// No line is sought above: the fourth harmonic of the highest of the others.
const HIGHEST_HZ: f64 = 280.0;
/// A line stands over the median of what lies so far around it, Hz.
const GROUND_HZ: f64 = 3.0;
/// Mains and clocks are off by no more than this at the fundamental, Hz. The others that it is held against are as wide.
const PLACE_HZ: f64 = 0.1;
/// Others lie from here to there on both sides, in places of that width.
const OTHERS: std::ops::RangeInclusive<isize> = 2..=30;
/// So many of the others may stand higher: a scale has that many notes there.
const NOTES: usize = 3;
/// Places this near to a note are its flanks.
const FLANK: usize = 4;
/// A harmonic that is told stands this far over its ground, dB: a tenth of a percent of all noise does.
const TOLD_DB: f64 = 10.0;
/// A single line is a note.
const MIN_TOLD: usize = 2;

/// What is seen in each of [`TONE_BINS`].
type Bins = [Complex<f32>; TONE_BINS.len()];

/// Gathers the low band, segment by segment.
pub(super) struct Standing {
    rate_hz: f64,
    /// Samples of a segment.
    segment: usize,
    evening: Evening,
    fft: Arc<dyn RealToComplex<f32>>,
    samples: Vec<f32>,
    /// Of the segments that are over, by mains frequency.
    stands: [Vec<Stand>; MAINS_HZ.len()],
}

/// Hum that was found.
pub(super) struct Found {
    pub(super) mains_hz: f64,
    /// Those that stand out, rising.
    pub(super) harmonics_hz: Vec<f64>,
    pub(super) loudest_dbfs: f64,
    /// From here on it is told.
    pub(super) threshold_dbfs: f64,
}

/// How far the harmonics of one mains frequency stand out in a segment.
struct Stand {
    over_others_db: f64,
    harmonics_hz: Vec<f64>,
    /// The loudest: only known where they stand out enough.
    loudest: Option<Tone>,
}

impl Stand {
    /// Whether it is hum that is loud enough to be told.
    fn is_hum(&self, threshold_dbfs: f64) -> bool {
        let is_loud = self.loudest.is_some_and(|tone| tone.in_gaps_dbfs >= threshold_dbfs);
        self.over_others_db >= HUM_STANDING_DB && self.harmonics_hz.len() >= MIN_TOLD && is_loud
    }
}

impl Standing {
    /// For a low band of this sample rate.
    pub(super) fn new(rate_hz: f64) -> Self {
        let segment = (SEGMENT_S * rate_hz) as usize;
        let fft = RealFftPlanner::new().plan_fft_forward(segment.next_power_of_two());
        Self { rate_hz, segment, evening: Evening::new(rate_hz), fft, samples: Vec::new(), stands: Default::default() }
    }

    /// Takes the next samples of the low band.
    pub(super) fn push(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let (now, rest) = samples.split_at(samples.len().min(self.segment - self.samples.len()));
            self.samples.extend_from_slice(now);
            samples = rest;
            if self.samples.len() == self.segment {
                self.end_segment();
            }
        }
    }

    fn end_segment(&mut self) {
        let sounding = self.samples.iter().filter(|x| x.abs() > NOTHING).count();
        if sounding as f64 >= MIN_SEGMENT_S * self.rate_hz {
            let lines = Lines::of(&self.evening.even(&self.samples), self.fft.as_ref(), self.rate_hz);
            for (mains_hz, stands) in MAINS_HZ.into_iter().zip(&mut self.stands) {
                let (over_others_db, harmonics_hz) = lines.stand(mains_hz);
                let mut loudest = None;
                if over_others_db >= HUM_STANDING_DB {
                    let tones = harmonics_hz.iter().map(|hz| self.evening.tone(&self.samples, hz / self.rate_hz));
                    loudest = tones.max_by(|a, b| a.in_gaps_dbfs.total_cmp(&b.in_gaps_dbfs));
                }
                stands.push(Stand { over_others_db, harmonics_hz, loudest });
            }
        }
        self.samples.clear();
    }

    /// Hum that stands out in half of all segments of a programme of this loudness, and is loud enough there: a note that is held
    /// as long as a segment is given up in others.
    pub(super) fn finish(mut self, integrated_lufs: f64) -> Option<Found> {
        self.end_segment();
        let threshold_dbfs = integrated_lufs - HUM_STANDING_UNDER_LU;
        let found = MAINS_HZ.into_iter().zip(&self.stands).filter_map(|(mains_hz, stands)| {
            let over_others_db = median(stands.iter().map(|stand| stand.over_others_db).collect())?;
            let humming = stands.iter().filter(|stand| stand.is_hum(threshold_dbfs));
            let is_steady = over_others_db >= HUM_STANDING_DB && 2 * humming.clone().count() >= stands.len();
            let best = humming.max_by(|a, b| a.over_others_db.total_cmp(&b.over_others_db)).filter(|_| is_steady)?;
            let (harmonics_hz, loudest_dbfs) = (best.harmonics_hz.clone(), best.loudest?.level_dbfs);
            Some((over_others_db, Found { mains_hz, harmonics_hz, loudest_dbfs, threshold_dbfs }))
        });
        found.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, found)| found)
    }
}

/// Divides each moment of each frequency by its power.
struct Evening {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    window: Vec<f32>,
    /// How far each bin's turn about a tone has come where each hop of a moment begins.
    hop_turns: [Bins; MOMENT / HOP],
    /// How far the first bin above a tone turns in half a sample, the other way.
    half_sample: Complex<f32>,
    /// Bins that can hold a line, or reach into one that can: the others are left out.
    bins: usize,
}

impl Evening {
    /// For a low band of this sample rate.
    fn new(rate_hz: f64) -> Self {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(MOMENT);
        let window: Vec<f32> = hann(MOMENT).map(|weight| weight as f32).collect();
        let highest = (HIGHEST_HZ * MOMENT as f64 / rate_hz).ceil() as usize;
        Self {
            bins: (highest + WINDOW_REACH + 1).min(forward.complex_len()),
            forward,
            inverse: planner.plan_fft_inverse(MOMENT),
            window,
            hop_turns: std::array::from_fn(|hop| {
                TONE_BINS.map(|bins| backwards(bins * (hop * HOP) as f64 / MOMENT as f64))
            }),
            half_sample: backwards(0.5 / MOMENT as f64),
        }
    }

    /// The programme, as loud at all times and at all frequencies that lines are sought at.
    fn even(&self, samples: &[f32]) -> Vec<f32> {
        let count = (samples.len() + HOP).saturating_sub(MOMENT) / HOP;
        let (mut input, mut spectrum) = (self.forward.make_input_vec(), self.forward.make_output_vec());
        let mut scratch = vec![Complex::default(); self.forward.get_scratch_len().max(self.inverse.get_scratch_len())];
        // `moments x bins`, and the powers the other way round.
        let mut spectra = vec![Complex::default(); count * self.bins];
        let mut powers = vec![0.0; count * self.bins];
        let moments = samples.windows(MOMENT).step_by(HOP);
        for (at, (moment, kept)) in moments.zip(spectra.chunks_exact_mut(self.bins)).enumerate() {
            input.iter_mut().zip(moment).zip(&self.window).for_each(|((x, sample), w)| *x = sample * w);
            let done = self.forward.process_with_scratch(&mut input, &mut spectrum, &mut scratch);
            done.expect("buffers were made by the same plan");
            kept.copy_from_slice(&spectrum[..self.bins]);
            for bin in 0..self.bins {
                let power = |bin: usize| spectrum[bin.min(spectrum.len() - 1)].norm_sqr();
                powers[bin * count + at] = smooth([power(bin.saturating_sub(1)), power(bin), power(bin + 1)]);
            }
        }
        powers.chunks_exact_mut(count.max(1)).for_each(weigh);
        let mut evened = vec![0.0; samples.len()];
        let mut output = self.inverse.make_output_vec();
        for (at, kept) in spectra.chunks_exact(self.bins).enumerate() {
            for (bin, (weighted, value)) in spectrum.iter_mut().zip(kept).enumerate() {
                *weighted = value * powers[bin * count + at];
            }
            spectrum[self.bins..].fill(Complex::default());
            let done = self.inverse.process_with_scratch(&mut spectrum, &mut output, &mut scratch);
            done.expect("its ends are real, as those of every such spectrum");
            for ((sum, x), w) in evened[at * HOP..].iter_mut().zip(&output).zip(&self.window) {
                *sum += x * w;
            }
        }
        evened
    }

    /// What a moment's window sees of a tone, from two bins below it to two above (the window's outermost bins hold nothing of it), by
    /// what its hops have of one bin more on either side: a Hann window is half a bin, less a quarter of each neighbour, turned by half a
    /// sample.
    fn looks(&self, hops: &[Bins]) -> [Complex<f32>; 5] {
        let bins: Bins =
            std::array::from_fn(|bin| hops.iter().zip(&self.hop_turns).map(|(hop, turn)| turn[bin] * hop[bin]).sum());
        std::array::from_fn(|look| {
            let neighbours = bins[look] * self.half_sample.conj() + bins[look + 2] * self.half_sample;
            bins[look + 1] * 0.5 - neighbours * 0.25
        })
    }

    /// Levels of a steady tone: means of what each moment says of it.
    fn tone(&self, samples: &[f32], turns_per_sample: f64) -> Tone {
        // Moments overlap: what each hop has of a bin serves four of them.
        let hops = hops(samples, turns_per_sample);
        let seen: Vec<[Complex<f32>; 5]> = hops.windows(MOMENT / HOP).map(|hops| self.looks(hops)).collect();
        let mean_dbfs = |power: fn([f32; 5]) -> f32| {
            let mut weights: Vec<f32> = seen.iter().map(|looks| power(looks.map(|look| look.norm_sqr()))).collect();
            weigh(&mut weights);
            let sum: Complex<f32> = seen.iter().zip(&weights).map(|(looks, weight)| looks[2] * weight).sum();
            let mean = sum / weights.iter().sum::<f32>();
            // The window's mean is a half, and so is a sine's share at its frequency; its mean square is half of its square.
            power_to_db(8.0 * f64::from(mean.norm_sqr()) / (MOMENT as f64).powi(2))
        };
        Tone {
            level_dbfs: mean_dbfs(|[below, .., above]| 0.5 * (below + above)),
            in_gaps_dbfs: mean_dbfs(|[_, below, at, above, _]| smooth([below, at, above])),
        }
    }
}

/// What each hop has of a tone and of the bins beside it, turned back to where the first one begins.
fn hops(samples: &[f32], turns_per_sample: f64) -> Vec<Bins> {
    let turns = TONE_BINS.map(|bins| Turn::new(turns_per_sample + bins / MOMENT as f64));
    let of_hop = |(hop, samples)| {
        let start = backwards(turns_per_sample * (hop * HOP) as f64);
        turns.each_ref().map(|turn| start * turn.of(samples))
    };
    samples.chunks_exact(HOP).enumerate().map(of_hop).collect()
}

/// A conjugate tone, as long as a hop.
struct Turn {
    re: [f32; HOP],
    im: [f32; HOP],
}

impl Turn {
    fn new(turns_per_sample: f64) -> Self {
        let turns: [Complex<f32>; HOP] = std::array::from_fn(|n| backwards(turns_per_sample * n as f64));
        Self { re: turns.map(|turn| turn.re), im: turns.map(|turn| turn.im) }
    }

    /// What a hop has of it.
    fn of(&self, hop: &[f32]) -> Complex<f32> {
        Complex::new(weighted_sum(&self.re, hop), weighted_sum(&self.im, hop))
    }
}

/// A unit vector that has turned so far against a tone.
fn backwards(turns: f64) -> Complex<f32> {
    let (sin, cos) = (TAU * turns.fract()).sin_cos();
    Complex::new(cos as f32, -sin as f32)
}

/// What is read of a tone that may be hum.
#[derive(Clone, Copy)]
struct Tone {
    /// Its level, as the moments tell it that are quiet beside it.
    level_dbfs: f64,
    /// As the moments tell it that are quiet where it is: 2 to 5 dB too little for hum, since music and hum cancel in some of
    /// them; far too little for a tone of the music, which comes and goes.
    in_gaps_dbfs: f64,
}

/// Makes of the power that each moment of a frequency has what that moment counts.
fn weigh(powers: &mut [f32]) {
    let mut sorted = powers.to_vec();
    let quiet = (QUIETEST_SHARE * sorted.len() as f64) as usize;
    let least = *sorted.select_nth_unstable_by(quiet, f32::total_cmp).1 + (NOTHING * MOMENT as f32).powi(2);
    for power in powers {
        // To the power of 5/4: a little more than 1, because the power of a single moment is itself uncertain, and the quiet
        // ones are the surest.
        let bounded = power.max(least);
        *power = 1.0 / (bounded * bounded.sqrt().sqrt());
    }
}

/// The middle one's power with its neighbours': a single one is at times 0 by chance.
fn smooth([below, at, above]: [f32; 3]) -> f32 {
    0.25 * below + 0.5 * at + 0.25 * above
}

/// What is steady in a segment, by frequency.
struct Lines {
    bin_hz: f64,
    levels_db: Vec<f64>,
}

impl Lines {
    /// `fft` is no shorter than the programme.
    fn of(evened: &[f32], fft: &dyn RealToComplex<f32>, rate_hz: f64) -> Self {
        let (mut input, mut spectrum) = (fft.make_input_vec(), fft.make_output_vec());
        let half = 0.5 * evened.len() as f32;
        for (n, (x, sample)) in input.iter_mut().zip(evened).enumerate() {
            // As soft at its ends as a Hann window, and made without a sine for every sample.
            let from_middle = n as f32 / half - 1.0;
            *x = sample * (1.0 - from_middle * from_middle).powi(2);
        }
        fft.process(&mut input, &mut spectrum).expect("buffers were made by the same plan");
        let bin_hz = rate_hz / fft.len() as f64;
        let level_db = |x: &Complex<f32>| power_to_db(f64::from(x.norm_sqr()) + f64::MIN_POSITIVE);
        Self { bin_hz, levels_db: spectrum.iter().take((HIGHEST_HZ / bin_hz) as usize).map(level_db).collect() }
    }

    /// By how much multiples of the mains frequency stand higher than those of others, dB, and those that are told, Hz.
    fn stand(&self, mains_hz: f64) -> (f64, Vec<f64>) {
        let place = |offset: isize| self.strongest(mains_hz + 2.0 * PLACE_HZ * offset as f64);
        let offsets = OTHERS.flat_map(|offset| [-offset, offset]);
        let mut others: Vec<(isize, f64)> = offsets.map(|offset| (offset, place(offset).1)).collect();
        others.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut notes: Vec<isize> = Vec::new();
        let highest_other_db = others.iter().find_map(|&(offset, db)| {
            let is_flank = notes.iter().any(|note| note.abs_diff(offset) <= FLANK);
            if !is_flank {
                notes.push(offset);
            }
            (notes.len() > NOTES).then_some(db)
        });
        let (fundamental_hz, together_db) = place(0);
        let harmonics_hz = (1..=HARMONICS).map(|number| number as f64 * fundamental_hz);
        let told_hz = harmonics_hz.filter(|&hz| self.level_db(hz) >= self.ground_db(hz) + TOLD_DB).collect();
        (together_db - highest_other_db.unwrap_or(0.0), told_hz)
    }

    /// The fundamental in a place whose multiples stand highest over their ground, and by how much together, dB.
    fn strongest(&self, place_hz: f64) -> (f64, f64) {
        let grounds_db: [f64; HARMONICS] = std::array::from_fn(|index| self.ground_db((index + 1) as f64 * place_hz));
        let together_db = |hz: f64| -> f64 {
            let over = |(number, ground_db): (usize, &f64)| self.level_db(number as f64 * hz) - ground_db;
            (1..).zip(&grounds_db).map(|line| over(line).clamp(0.0, MOST_DB)).sum()
        };
        // A quarter of a bin at the fundamental is one at the fourth harmonic.
        let steps = (4.0 * PLACE_HZ / self.bin_hz) as isize;
        (-steps..=steps)
            .map(|step| place_hz + 0.25 * self.bin_hz * step as f64)
            .map(|hz| (hz, together_db(hz)))
            .fold((place_hz, 0.0), |best, this| if this.1 > best.1 { this } else { best })
    }

    fn level_db(&self, hz: f64) -> f64 {
        self.levels_db.get((hz / self.bin_hz).round() as usize).copied().unwrap_or(f64::NEG_INFINITY)
    }

    /// What is usual around a frequency.
    fn ground_db(&self, hz: f64) -> f64 {
        let bin = |hz: f64| ((hz / self.bin_hz) as usize).min(self.levels_db.len());
        let mut around = self.levels_db[bin(hz - GROUND_HZ)..bin(hz + GROUND_HZ)].to_vec();
        let middle = around.len() / 2;
        if around.is_empty() { 0.0 } else { *around.select_nth_unstable_by(middle, f64::total_cmp).1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::Noise;

    const LOW_RATE_HZ: f64 = 1_400.0;

    /// In a programme as loud as a mix is.
    fn found(sample: impl FnMut(usize) -> f64) -> Option<Found> {
        found_at(-20.0, sample)
    }

    fn found_at(integrated_lufs: f64, sample: impl FnMut(usize) -> f64) -> Option<Found> {
        found_within(45.0, integrated_lufs, sample)
    }

    fn found_within(duration_s: f64, integrated_lufs: f64, sample: impl FnMut(usize) -> f64) -> Option<Found> {
        let samples: Vec<f32> = (0..(duration_s * LOW_RATE_HZ) as usize).map(sample).map(|x| x as f32).collect();
        let mut standing = Standing::new(LOW_RATE_HZ);
        samples.chunks(333).for_each(|block| standing.push(block));
        standing.finish(integrated_lufs)
    }

    /// Four harmonics of amplitude 0.01.
    fn hum(mains_hz: f64, n: usize) -> f64 {
        let phase = TAU * mains_hz * n as f64 / LOW_RATE_HZ;
        (1..=4).map(|number| 0.01 * (f64::from(number) * phase + f64::from(number)).sin()).sum()
    }

    /// A bass that plays G, B, A and E again and again, 26 dB louder than the hum: G lies 1 Hz below 50 Hz, B 1.7 Hz above
    /// 60 Hz. A rest as long as the note follows each.
    fn bass(n: usize) -> f64 {
        let time_s = n as f64 / LOW_RATE_HZ;
        let note = (time_s / 0.66) as usize;
        let age_s = time_s - note as f64 * 0.66;
        let hz = [49.0, 61.74, 55.0, 41.2][note % 4];
        let start = (note as f64 * 0.618).fract();
        let harmonics =
            (1..=6).map(|number| (TAU * f64::from(number) * (hz * age_s + start)).sin() / f64::from(number));
        let fade = ((0.33 - age_s) / 0.03).clamp(0.0, 1.0);
        0.2 * fade * (-2.0 * age_s).exp() * harmonics.sum::<f64>()
    }

    #[test]
    fn hops_see_what_the_window_sees_of_a_moment() {
        let mut noise = Noise(5);
        let samples: Vec<f32> = (0..MOMENT).map(|_| noise.next() as f32).collect();
        let evening = Evening::new(LOW_RATE_HZ);
        let tone = 0.0371;
        for (seen, bins) in evening.looks(&hops(&samples, tone)).into_iter().zip([-2.0, -1.0, 0.0, 1.0, 2.0]) {
            let turns = tone + bins / MOMENT as f64;
            let weighted = samples.iter().zip(&evening.window).enumerate();
            let expected: Complex<f32> =
                weighted.map(|(n, (x, weight))| backwards(turns * n as f64) * x * weight).sum();
            assert!((seen - expected).norm() < 1e-4, "{bins}: {seen}, {expected}");
        }
    }

    #[test]
    fn hum_is_found_far_under_noise_and_its_level_read() {
        for mains_hz in [50.0, 59.96] {
            let mut noise = Noise(3);
            let found = found(|n| 0.1 * noise.next() + hum(mains_hz, n)).expect("hum is there");
            let harmonics_hz = found.harmonics_hz;
            assert!((found.mains_hz - mains_hz).abs() < 0.1 && harmonics_hz.len() >= 3, "{harmonics_hz:?}");
            let is_harmonic = |hz: &f64| (hz / mains_hz - (hz / mains_hz).round()).abs() < 0.005;
            assert!(harmonics_hz.iter().all(is_harmonic) && harmonics_hz.is_sorted(), "{harmonics_hz:?}");
            // A sine of amplitude 0.01 has -43 dBFS; the loudest of four in noise reads a little more.
            assert!((found.loudest_dbfs + 43.0).abs() < 2.0, "{}", found.loudest_dbfs);
        }
    }

    #[test]
    fn hum_that_is_too_quiet_beside_the_programme_is_not_told() {
        for (integrated_lufs, told) in [(-3.0, true), (5.0, false)] {
            let mut noise = Noise(3);
            let found = found_at(integrated_lufs, |n| 0.1 * noise.next() + hum(50.0, n));
            assert_eq!(found.is_some(), told, "hum at -43 dBFS in a programme of {integrated_lufs} LUFS");
        }
    }

    #[test]
    fn what_is_loud_for_a_third_of_the_time_alone_is_no_hum() {
        for (loud_s, told) in [(40.0, false), (80.0, true)] {
            let mut noise = Noise(3);
            let gain = |n: usize| if (n as f64) < loud_s * LOW_RATE_HZ { 1.0 } else { 0.03 };
            let found = found_within(120.0, -20.0, |n| 0.01 * noise.next() + gain(n) * hum(50.0, n));
            assert_eq!(found.is_some(), told, "{loud_s} s of 120");
        }
    }

    /// A tone that comes and goes, as loud as hum at -40 dBFS in the mean, with silence half of the time.
    #[test]
    fn a_tone_that_rests_reads_far_less_than_it_has() {
        let mut noise = Noise(3);
        let beating =
            |n: usize| if (n / 700).is_multiple_of(2) { (TAU * 50.0 * n as f64 / LOW_RATE_HZ).sin() } else { 0.0 };
        let samples: Vec<f32> =
            (0..(40.0 * LOW_RATE_HZ) as usize).map(|n| (0.028 * beating(n) + 0.001 * noise.next()) as f32).collect();
        let in_gaps_dbfs = Evening::new(LOW_RATE_HZ).tone(&samples, 50.0 / LOW_RATE_HZ).in_gaps_dbfs;
        assert!(in_gaps_dbfs < -60.0, "{in_gaps_dbfs}");
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
