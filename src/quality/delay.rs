//! A delay of one whole channel against the other.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner};

use super::thresholds::{
    DELAY_AGREEMENT, DELAY_CORRELATION, DELAY_FRAMES, DELAY_PHASE_OVER_IN_TIME, DELAY_PHASE_PROMINENCE,
    DELAY_PHASE_SHARE,
};
use super::{Check, Finding, Severity};
use crate::statistics::median;
use crate::units::{db_to_power, ms_to_frames};

/// Longest delay that is sought.
const MAX_DELAY_MS: f64 = 25.0;
/// Fewer excerpts than this prove nothing.
const MIN_EXCERPTS: usize = 2;
/// Excerpts quieter than this say nothing, dB.
const MIN_DB: f64 = -70.0;
/// Lags so far from the best one are others, ms, and what correlates so nearly as well at one of them has no best.
const APART_MS: f64 = 1.0;
const AMBIGUOUS_SHARE: f64 = 0.95;
/// Phases between these frequencies count: lower ones say little of a delay, higher ones are lost in codecs.
const PHASE_HZ: (f64, f64) = (150.0, 8_000.0);
/// Bins whose product lies so far under the strongest of the excerpt (a square of a power: -60 dB) have no phase to speak of.
const PHASE_FLOOR: f32 = 1e-12;
/// The window spreads an offset over so many of the lowest bins.
const OFFSET_BINS: usize = 4;
/// Phases tell of delays from here on, ms: shorter ones belong to spaced microphones and wideners.
const PHASE_MIN_MS: f64 = 2.0;

/// By how many samples the right channel is late (the left one below 0), and whether one of them is upside down.
struct Late {
    frames: f64,
    is_inverted: bool,
}

/// Cross-correlates excerpts.
pub(super) struct Delays {
    sample_rate_hz: u32,
    inverse: Arc<dyn ComplexToReal<f32>>,
    product: Vec<Complex<f32>>,
    correlation: Vec<f32>,
    scratch: Vec<Complex<f32>>,
    /// By how many samples the right channel is late, and the correlation with that undone.
    found: Vec<(f64, f64)>,
    phases: PhaseSum,
    /// The cross-spectrum of all excerpts together, as loud as they are.
    whole: Vec<Complex<f32>>,
}

impl Delays {
    pub(super) fn new(sample_rate_hz: u32, planner: &mut RealFftPlanner<f32>, length: usize) -> Self {
        let inverse = planner.plan_fft_inverse(length);
        Self {
            sample_rate_hz,
            product: inverse.make_input_vec(),
            correlation: inverse.make_output_vec(),
            scratch: inverse.make_scratch_vec(),
            inverse,
            found: Vec::new(),
            phases: PhaseSum::new(sample_rate_hz, length),
            whole: vec![Complex::default(); length / 2 + 1],
        }
    }

    /// Takes the spectra of one excerpt.
    pub(super) fn push(&mut self, spectra: &[Vec<Complex<f32>>; 2]) {
        self.phases.push(spectra);
        let length = self.correlation.len();
        let mut energy = [0.0f64; 2];
        let bins = self.product.iter_mut().zip(&mut self.whole).zip(spectra[0].iter().zip(&spectra[1]));
        for (bin, ((product, whole), (l, r))) in bins.enumerate() {
            // Bass correlates at any short delay: each bin counts by the power of the signal's slope.
            let position = bin as f32 / length as f32;
            let weight = position * position;
            let own = l.conj() * r;
            *whole += own;
            *product = own * weight;
            energy[0] += f64::from(weight * l.norm_sqr());
            energy[1] += f64::from(weight * r.norm_sqr());
        }
        let scale = 0.5 / (energy[0] * energy[1]).sqrt();
        // The window has 3/8 of the power; the slope of music has some 20 dB less than music.
        let floor = db_to_power(MIN_DB) * (length as f64 * length as f64) * 1e-3;
        if !scale.is_finite() || energy[0] < floor || energy[1] < floor {
            return;
        }
        self.correlate();
        let reach = ms_to_frames(MAX_DELAY_MS, self.sample_rate_hz).min(length / 4);
        let at = |lag: isize| f64::from(self.correlation[lag.rem_euclid(length as isize) as usize]);
        // Negative lags lie at the end.
        let early = self.correlation[length - reach..].iter().zip(-(reach as isize)..);
        let late = self.correlation[..=reach].iter().zip(0..);
        let Some((_, best)) = early.chain(late).max_by(|a, b| a.0.abs().total_cmp(&b.0.abs())) else { return };
        // A steady tone correlates as well a period later, which says nothing of a delay. In time it says that there is none.
        let apart = ms_to_frames(APART_MS, self.sample_rate_hz) as isize;
        let is_other = |lag: isize| (lag - best).abs() > apart && at(lag).abs() > AMBIGUOUS_SHARE * at(best).abs();
        if best != 0 && (-(reach as isize)..=reach as isize).any(is_other) {
            return;
        }
        let [before, peak, after] = [best - 1, best, best + 1].map(at);
        let bend = before - 2.0 * peak + after;
        let shift = if bend == 0.0 { 0.0 } else { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) };
        let overlap = window_overlap(best.unsigned_abs() as f64 / (0.5 * length as f64));
        self.found.push((best as f64 + shift, peak * scale / overlap));
    }

    /// From `product` to `correlation`.
    fn correlate(&mut self) {
        let ends = [0, self.product.len() - 1];
        for end in ends {
            self.product[end].im = 0.0;
        }
        self.inverse
            .process_with_scratch(&mut self.product, &mut self.correlation, &mut self.scratch)
            .expect("buffers were made by the same plan");
    }

    /// A delay that excerpts agree on, or one that shows in the phases of all of them together.
    pub(super) fn finish(mut self) -> Option<Finding> {
        let rate_hz = self.sample_rate_hz;
        let Late { frames, is_inverted } = self.agreed().or_else(|| self.of_phases())?;
        let ms = 1e3 * frames / f64::from(rate_hz);
        let late = if frames > 0.0 { "right" } else { "left" };
        let (state, mend) = if is_inverted {
            ("late and upside down", "move it earlier by as much and invert it")
        } else {
            ("late", "move it earlier by as much")
        };
        let message = format!(
            "the {late} channel is {:.3} ms ({:.1} samples) {state}; {mend}, or find the plug-in whose delay is not \
             compensated",
            ms.abs(),
            frames.abs()
        );
        let threshold_ms = 1e3 * DELAY_FRAMES / f64::from(rate_hz);
        let delay = Finding::new(Check::ChannelDelay, Severity::Warning, ms, threshold_ms, message);
        Some(Finding { is_inverted, ..delay })
    }

    fn agreed(&self) -> Option<Late> {
        let frames = median(self.found.iter().map(|found| found.0).collect())?;
        let agreeing: Vec<f64> =
            self.found.iter().filter(|found| (found.0 - frames).abs() < 1.0).map(|found| found.1).collect();
        let share = agreeing.len() as f64 / self.found.len() as f64;
        let correlation = median(agreeing)?;
        let is_late = frames.abs() >= DELAY_FRAMES - 0.25 && correlation.abs() >= DELAY_CORRELATION;
        let is_sure = share >= DELAY_AGREEMENT && self.found.len() >= MIN_EXCERPTS;
        (is_late && is_sure).then_some(Late { frames, is_inverted: correlation < 0.0 })
    }

    /// Wide material correlates little, but a delay of a whole channel turns the phases of everything that both share.
    fn of_phases(&mut self) -> Option<Late> {
        let length = self.correlation.len() as isize;
        self.product.copy_from_slice(&self.phases.sum);
        self.correlate();
        let signed_at = |lag: isize| f64::from(self.correlation[lag.rem_euclid(length) as usize]);
        let at = |lag: isize| signed_at(lag).abs();
        let reach = ms_to_frames(MAX_DELAY_MS, self.sample_rate_hz).min(length as usize / 4) as isize;
        let near = ms_to_frames(PHASE_MIN_MS, self.sample_rate_hz) as isize;
        let best = (-reach..=reach).filter(|lag| lag.abs() >= near).max_by(|&a, &b| at(a).total_cmp(&at(b)))?;
        let in_time = (1 - near..near).map(at).fold(0.0, f64::max);
        let elsewhere =
            (-reach..=reach).filter(|lag| (lag - best).abs() > near && lag.abs() >= near).map(|lag| at(lag).powi(2));
        let background = (elsewhere.clone().sum::<f64>() / elsewhere.count().max(1) as f64).sqrt();
        let share = at(best) / (2.0 * self.phases.count as f64);
        let is_late = share >= DELAY_PHASE_SHARE
            && at(best) >= DELAY_PHASE_PROMINENCE * background
            && at(best) >= DELAY_PHASE_OVER_IN_TIME * in_time;
        if !is_late {
            return None;
        }
        let is_opposed = signed_at(best) < 0.0;
        // Where middle and side are equally strong, what is in time cancels, and one late sound in the side stands out. A whole channel
        // that is late takes the loud bass along, which the phases leave out: in time, both share less than with the delay undone.
        self.product.copy_from_slice(&self.whole);
        self.product[..OFFSET_BINS].fill(Complex::default());
        self.correlate();
        let [in_time, moved] = [0, best].map(|lag| f64::from(self.correlation[lag.rem_euclid(length) as usize]));
        let undone = moved / window_overlap(best.unsigned_abs() as f64 / (0.5 * length as f64));
        let is_whole = undone.abs() > in_time.abs();
        is_whole.then_some(Late { frames: best as f64, is_inverted: is_opposed && undone < 0.0 })
    }
}

/// Phase differences of the channels, added up over the excerpts (C. Knapp, G. Carter, "The generalized correlation
/// method for estimation of time delay", IEEE ASSP 24(4), 1976: the phase transform).
struct PhaseSum {
    bins: std::ops::Range<usize>,
    sum: Vec<Complex<f32>>,
    /// Phases in the sum.
    count: u64,
}

impl PhaseSum {
    fn new(sample_rate_hz: u32, length: usize) -> Self {
        let bin = |hz: f64| (hz / f64::from(sample_rate_hz) * length as f64) as usize;
        let bins = bin(PHASE_HZ.0)..bin(PHASE_HZ.1).min(length / 2);
        Self { bins, sum: vec![Complex::default(); length / 2 + 1], count: 0 }
    }

    fn push(&mut self, spectra: &[Vec<Complex<f32>>; 2]) {
        let [left, right] = spectra.each_ref().map(|spectrum| &spectrum[self.bins.clone()]);
        let strongest = left.iter().zip(right).map(|(l, r)| (l.conj() * r).norm_sqr()).fold(0.0, f32::max);
        let floor = strongest * PHASE_FLOOR;
        for ((sum, l), r) in self.sum[self.bins.clone()].iter_mut().zip(left).zip(right) {
            let product = l.conj() * r;
            let power = product.norm_sqr();
            if power > floor {
                *sum += product / power.sqrt();
                self.count += 1;
            }
        }
    }
}

/// What is left of the energy of a Hann window times itself, moved by a share of its length.
fn window_overlap(share: f64) -> f64 {
    use std::f64::consts::TAU;
    (1.0 - share) * (2.0 + (TAU * share).cos()) / 3.0 + (TAU * share).sin() / TAU
}
