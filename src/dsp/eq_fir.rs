//! The equaliser's curve as a finite impulse response: of linear phase, or of minimum phase.
//!
//! The kernels come from the equaliser's own sections, so all modes have one curve. Linear phase is the magnitude alone,
//! delayed; what rings after an event in the usual equaliser rings half before it. A pre-echo is heard where a post-echo
//! is not, so a band stays of minimum phase where its pre-echo would last longer than 5 ms above -60 dB of the main
//! peak, and always below 200 Hz. Convolution by overlap-save (Oppenheim and Schafer, "Discrete-Time Signal
//! Processing", 8.7.3). Kernels of 0.35 s or more, faded at their ends: within 0.02 dB of the sections for a bell of Q 4 and 12 dB from
//! 60 Hz up; at 30 Hz it loses 0.33 dB at 44.1 kHz, where kernels are shortest (0.03 dB at 48 kHz).

use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::biquad::Coefficients;
use super::eq::{BandChannel, EqBand};
use super::{Frame, Processor, Retune};

/// How the equaliser's bands are realised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EqMode {
    /// Recursive sections: no latency.
    #[default]
    MinimumPhaseIir,
    /// A kernel symmetrical in time, except for bands that would ring ahead of events for too long.
    LinearPhase,
    /// The same phase as the recursive sections, as a kernel.
    MinimumPhaseFir,
}

impl EqMode {
    /// Whether this is the usual mode.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Bands of lower frequency stay of minimum phase.
const LOWEST_LINEAR_HZ: f64 = 200.0;
/// Longest time for which a linear-phase kernel may ring ahead of its main peak...
const PRE_ECHO_S: f64 = 0.005;
/// ... above this share of it: -60 dB.
const PRE_ECHO_FLOOR: f64 = 1e-3;

/// An equaliser by convolution. What goes in comes out [`Self::latency_frames`] later.
#[derive(Clone)]
pub struct FirEqualizer {
    mode: EqMode,
    sample_rate_hz: u32,
    /// Frames between two transforms: half of one.
    hop: usize,
    delay: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    /// Spectra from left to left, right to right, right to left and left to right; the last two only if used.
    kernels: Vec<Vec<Complex<f64>>>,
    /// The last two hops of both channels; the newer one is being filled.
    input: [Vec<f64>; 2],
    /// The hop that is being put out.
    output: [Vec<f64>; 2],
    position: usize,
    time: Vec<f64>,
    spectra: [Vec<Complex<f64>>; 2],
    product: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl fmt::Debug for FirEqualizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirEqualizer")
            .field("mode", &self.mode)
            .field("hop", &self.hop)
            .field("delay", &self.delay)
            .finish_non_exhaustive()
    }
}

impl FirEqualizer {
    /// An equaliser at rest, from validated bands. Any mode but linear phase gives minimum phase.
    pub fn new(bands: &[EqBand], mode: EqMode, sample_rate_hz: u32) -> Self {
        let length = (f64::from(sample_rate_hz) * 0.35) as usize;
        let hop = length.next_power_of_two();
        let delay = if mode == EqMode::LinearPhase { hop / 4 } else { 0 };
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(2 * hop), planner.plan_fft_inverse(2 * hop));
        let spectrum = forward.make_output_vec();
        let scratch_length = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            mode,
            sample_rate_hz,
            hop,
            delay,
            kernels: Design { bands, mode, sample_rate_hz, hop, delay }.kernels(&*forward),
            input: [vec![0.0; 2 * hop], vec![0.0; 2 * hop]],
            output: [vec![0.0; hop], vec![0.0; hop]],
            position: 0,
            time: vec![0.0; 2 * hop],
            spectra: [spectrum.clone(), spectrum.clone()],
            product: spectrum,
            scratch: vec![Complex::default(); scratch_length],
            forward,
            inverse,
        }
    }

    /// Brings the equaliser at rest to the state in which it would be had a constant gone in for ever: a programme that is off
    /// centre begins without a step then.
    pub fn settle_on(&mut self, constant: Frame) {
        for (input, constant) in self.input.iter_mut().zip(constant) {
            input[..self.hop].fill(constant);
        }
    }

    fn transform(&mut self) {
        for (input, spectrum) in self.input.iter_mut().zip(&mut self.spectra) {
            self.time.copy_from_slice(input);
            self.forward
                .process_with_scratch(&mut self.time, spectrum, &mut self.scratch)
                .expect("lengths are the planner's own");
            input.copy_within(self.hop.., 0);
        }
        for channel in 0..2 {
            let own = self.spectra[channel].iter().zip(&self.kernels[channel]);
            self.product.iter_mut().zip(own).for_each(|(product, (x, h))| *product = x * h);
            if let Some(kernel) = self.kernels.get(2 + channel) {
                let other = self.spectra[1 - channel].iter().zip(kernel);
                self.product.iter_mut().zip(other).for_each(|(product, (x, h))| *product += x * h);
            }
            // A real spectrum ends in real values; rounding must not make the inverse refuse it.
            self.product[0].im = 0.0;
            self.product[self.hop].im = 0.0;
            self.inverse
                .process_with_scratch(&mut self.product, &mut self.time, &mut self.scratch)
                .expect("lengths are the planner's own");
            self.output[channel].copy_from_slice(&self.time[self.hop..]);
        }
    }
}

impl Processor for FirEqualizer {
    fn process(&mut self, frames: &mut [Frame]) {
        let mut rest = frames;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at_mut(rest.len().min(self.hop - self.position));
            for (index, frame) in (self.position..).zip(piece.iter_mut()) {
                for (channel, sample) in frame.iter_mut().enumerate() {
                    self.input[channel][self.hop + index] = *sample;
                    *sample = self.output[channel][index];
                }
            }
            self.position += piece.len();
            if self.position == self.hop {
                self.transform();
                self.position = 0;
            }
            rest = tail;
        }
    }

    fn reset(&mut self) {
        self.input.iter_mut().chain(&mut self.output).for_each(|samples| samples.fill(0.0));
        self.position = 0;
    }

    fn latency_frames(&self) -> usize {
        self.hop + self.delay
    }
}

impl Retune for FirEqualizer {
    type Settings = [EqBand];

    fn retuned(&self, bands: &[EqBand]) -> Self {
        let design =
            Design { bands, mode: self.mode, sample_rate_hz: self.sample_rate_hz, hop: self.hop, delay: self.delay };
        // What has gone in stays; only the kernels change.
        Self { kernels: design.kernels(&*self.forward), ..self.clone() }
    }

    /// The blocks at hand were made with the old kernels.
    fn settle_frames(&self) -> usize {
        self.hop
    }
}

/// What kernels are made from.
struct Design<'a> {
    bands: &'a [EqBand],
    mode: EqMode,
    sample_rate_hz: u32,
    hop: usize,
    delay: usize,
}

impl Design<'_> {
    /// Spectra over two hops of the kernels between the channels, scaled for the unscaled inverse transform.
    fn kernels(&self, forward: &dyn RealToComplex<f64>) -> Vec<Vec<Complex<f64>>> {
        let [stereo, mid, side, left, right] =
            [BandChannel::Stereo, BandChannel::Mid, BandChannel::Side, BandChannel::Left, BandChannel::Right]
                .map(|channel| self.response(channel));
        let crosses = self.bands.iter().any(|band| matches!(band.channel, BandChannel::Mid | BandChannel::Side));
        let mix = |outer: &[Complex<f64>], sign: f64| -> Vec<Complex<f64>> {
            let matrix = mid.iter().zip(&side).map(|(m, s)| (m + s * sign) * 0.5);
            matrix.zip(outer.iter().zip(&stereo)).map(|(matrix, (outer, stereo))| matrix * outer * stereo).collect()
        };
        let own = [mix(&left, 1.0), mix(&right, 1.0)];
        let other = crosses.then(|| [mix(&left, -1.0), mix(&right, -1.0)]);
        own.into_iter().chain(other.into_iter().flatten()).map(|response| self.kernel(response, forward)).collect()
    }

    /// Bins of a transform long enough that a kernel's end does not fold into its beginning.
    fn bins(&self) -> usize {
        4 * self.hop + 1
    }

    /// Response of the bands of one channel, its linear-phase part without delay.
    fn response(&self, channel: BandChannel) -> Vec<Complex<f64>> {
        let mut response = vec![Complex::new(1.0, 0.0); self.bins()];
        let mut linear: Vec<(f64, Vec<Complex<f64>>)> = Vec::new();
        for band in self.bands.iter().filter(|band| band.channel == channel) {
            let own = self.of_sections(&band.sections(self.sample_rate_hz));
            if self.mode == EqMode::LinearPhase && band.frequency_hz >= LOWEST_LINEAR_HZ {
                linear.push((self.pre_echo_s(own.iter().map(|bin| bin.norm())), own));
            } else {
                multiply(&mut response, &own);
            }
        }
        // The longest ringing bands leave first, until all that stay keep the limit together.
        linear.sort_by(|a, b| a.0.total_cmp(&b.0));
        loop {
            let mut together = vec![1.0; self.bins()];
            for (_, own) in &linear {
                together.iter_mut().zip(own).for_each(|(a, b)| *a *= b.norm());
            }
            if linear.is_empty() || self.pre_echo_s(together.iter().copied()) <= PRE_ECHO_S {
                response.iter_mut().zip(&together).for_each(|(a, b)| *a *= b);
                return response;
            }
            if let Some((_, own)) = linear.pop() {
                multiply(&mut response, &own);
            }
        }
    }

    fn of_sections(&self, sections: &[Coefficients]) -> Vec<Complex<f64>> {
        let last = (self.bins() - 1) as f64;
        let value = |bin: usize| {
            let z = Complex::from_polar(1.0, -std::f64::consts::PI * bin as f64 / last);
            let one = Complex::new(1.0, 0.0);
            sections.iter().fold(one, |product, Coefficients { b, a }| {
                product * ((z * b[2] + b[1]) * z + b[0]) / ((z * a[1] + a[0]) * z + 1.0)
            })
        };
        (0..self.bins()).map(value).collect()
    }

    /// How long the kernel of these magnitudes rings above the floor ahead of its centre.
    fn pre_echo_s(&self, magnitudes: impl Iterator<Item = f64>) -> f64 {
        let kernel = to_time(magnitudes.map(|magnitude| Complex::new(magnitude, 0.0)).collect());
        let floor = PRE_ECHO_FLOOR * kernel[0].abs();
        let last = kernel[..kernel.len() / 2].iter().rposition(|value| value.abs() > floor).unwrap_or(0);
        last as f64 / f64::from(self.sample_rate_hz)
    }

    /// Cuts a response to a kernel of one hop and brings it to the convolution's transform.
    fn kernel(&self, mut response: Vec<Complex<f64>>, forward: &dyn RealToComplex<f64>) -> Vec<Complex<f64>> {
        let last = (self.bins() - 1) as f64;
        for (bin, value) in response.iter_mut().enumerate() {
            *value *= Complex::from_polar(1.0, -std::f64::consts::PI * ((bin * self.delay) as f64 / last % 2.0));
        }
        let mut kernel = to_time(response);
        kernel.truncate(self.hop);
        let fade_in = self.delay / 4;
        let fade_out = self.hop / 8;
        let fade =
            |index: usize, length: usize| 0.5 - 0.5 * (std::f64::consts::PI * index as f64 / length as f64).cos();
        for (index, value) in kernel[..fade_in].iter_mut().enumerate() {
            *value *= fade(index, fade_in);
        }
        for (index, value) in kernel.iter_mut().rev().take(fade_out).enumerate() {
            *value *= fade(index, fade_out);
        }
        kernel.resize(2 * self.hop, 0.0);
        let scale = 1.0 / kernel.len() as f64;
        kernel.iter_mut().for_each(|value| *value *= scale);
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut kernel, &mut spectrum).expect("lengths are the planner's own");
        spectrum
    }
}

fn multiply(product: &mut [Complex<f64>], by: &[Complex<f64>]) {
    product.iter_mut().zip(by).for_each(|(a, b)| *a *= b);
}

/// The signal of a spectrum.
fn to_time(mut spectrum: Vec<Complex<f64>>) -> Vec<f64> {
    let length = 2 * (spectrum.len() - 1);
    spectrum[0].im = 0.0;
    spectrum[length / 2].im = 0.0;
    let mut signal = vec![0.0; length];
    RealFftPlanner::new()
        .plan_fft_inverse(length)
        .process(&mut spectrum, &mut signal)
        .expect("lengths are the planner's own");
    let scale = 1.0 / length as f64;
    signal.iter_mut().for_each(|value| *value *= scale);
    signal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::eq::{BandKind, Equalizer};
    use crate::dsp::testing::check_promises;

    const RATE_HZ: u32 = 44_100;

    /// The spectrum of a signal.
    fn to_frequency(mut signal: Vec<f64>) -> Vec<Complex<f64>> {
        let transform = RealFftPlanner::new().plan_fft_forward(signal.len());
        let mut spectrum = transform.make_output_vec();
        let _ = transform.process(&mut signal, &mut spectrum);
        spectrum
    }

    fn bands() -> Vec<EqBand> {
        let band = |kind, frequency_hz, gain_db, q| EqBand { kind, frequency_hz, gain_db, q, ..EqBand::default() };
        vec![
            band(BandKind::HighPass, 30.0, 0.0, 0.707),
            band(BandKind::LowShelf, 120.0, 3.0, 0.7),
            band(BandKind::Bell, 400.0, -4.0, 4.0),
            band(BandKind::Bell, 3000.0, 6.0, 1.0),
            band(BandKind::HighShelf, 12_000.0, 6.0, 0.7),
        ]
    }

    fn impulse_response(bands: &[EqBand], mode: EqMode) -> (Vec<f64>, usize) {
        let mut equalizer = FirEqualizer::new(bands, mode, RATE_HZ);
        let mut frames = vec![[0.0; 2]; 65_536];
        frames[0] = [1.0, -1.0];
        equalizer.process(&mut frames);
        assert!(frames.iter().all(|f| (f[0] + f[1]).abs() < 1e-12));
        (frames.iter().map(|f| f[0]).collect(), equalizer.latency_frames())
    }

    #[test]
    fn a_constant_that_it_settles_on_is_taken_out_from_the_first_frame() {
        for mode in [EqMode::LinearPhase, EqMode::MinimumPhaseFir] {
            let mut eq = FirEqualizer::new(&bands(), mode, RATE_HZ);
            eq.settle_on([0.1, -0.2]);
            let mut frames = vec![[0.1, -0.2]; 2 * eq.latency_frames()];
            eq.process(&mut frames);
            let worst = frames.iter().flatten().fold(0.0, |worst: f64, x| worst.max(x.abs()));
            assert!(worst < 1e-4, "{mode:?}: {worst}");
        }
    }

    #[test]
    fn all_modes_have_one_curve() {
        for mode in [EqMode::LinearPhase, EqMode::MinimumPhaseFir] {
            let (response, _) = impulse_response(&bands(), mode);
            let spectrum = to_frequency(response);
            let mut worst = 0.0f64;
            for (bin, value) in spectrum.iter().enumerate() {
                let hz = bin as f64 * f64::from(RATE_HZ) / 65_536.0;
                if (20.0..=20e3).contains(&hz) {
                    let sections = bands().into_iter().flat_map(|band| band.sections(RATE_HZ));
                    let expected_db: f64 = sections.map(|section| section.gain_db_at(hz, RATE_HZ)).sum();
                    worst = worst.max((20.0 * value.norm().log10() - expected_db).abs());
                }
            }
            println!("{mode:?}: {worst} dB");
            assert!(worst < 0.01, "{mode:?}: {worst} dB");
        }
    }

    #[test]
    fn minimum_phase_is_that_of_the_sections() {
        let (response, latency) = impulse_response(&bands(), EqMode::MinimumPhaseFir);
        let mut frames = vec![[0.0; 2]; 8192];
        frames[0] = [1.0; 2];
        Equalizer::new(&bands(), RATE_HZ).process(&mut frames);
        assert!(frames.iter().zip(&response[latency..]).all(|(frame, x)| (frame[0] - x).abs() < 1e-9));
    }

    #[test]
    fn linear_phase_is_symmetrical_and_rings_ahead_for_5_ms_at_most() {
        let (response, latency) = impulse_response(&bands()[3..], EqMode::LinearPhase);
        assert!((0..4000).all(|n| (response[latency - n] - response[latency + n]).abs() < 1e-12));
        // High Q and steep slopes above 200 Hz: those that would ring are made minimum phase.
        let mut ringing = bands();
        ringing.push(EqBand { frequency_hz: 250.0, gain_db: 12.0, q: 4.0, ..EqBand::default() });
        ringing.push(EqBand {
            kind: BandKind::HighPass,
            frequency_hz: 210.0,
            slope_db_per_octave: 48,
            ..EqBand::default()
        });
        for bands in [bands(), ringing] {
            let (response, latency) = impulse_response(&bands, EqMode::LinearPhase);
            let peak = response.iter().fold(0.0f64, |peak, x| peak.max(x.abs()));
            let first = response.iter().position(|x| x.abs() > 1e-3 * peak).unwrap_or(0);
            assert!(latency - first <= 221, "{} frames ahead", latency - first);
        }
    }

    #[test]
    fn nothing_to_do_delays_and_every_channel_gets_its_own() {
        let noise = |n: usize| ((n * 7919 + 13) % 1009) as f64 / 1009.0 - 0.5;
        let input: Vec<Frame> = (0..60_000).map(|n| [noise(n), noise(3 * n + 1)]).collect();
        let (mut output, mut flat) = (input.clone(), FirEqualizer::new(&[], EqMode::LinearPhase, RATE_HZ));
        flat.process(&mut output);
        let latency = flat.latency_frames();
        assert!(output[latency..].iter().zip(&input).all(|(a, b)| (a[0] - b[0]).abs() < 1e-13));

        let channels =
            [BandChannel::Mid, BandChannel::Side, BandChannel::Left, BandChannel::Right, BandChannel::Stereo];
        let bands: Vec<EqBand> = (1..)
            .zip(channels)
            .map(|(k, channel)| EqBand { channel, gain_db: f64::from(k), ..EqBand::default() })
            .collect();
        let mut fir = FirEqualizer::new(&bands, EqMode::MinimumPhaseFir, RATE_HZ);
        let (mut whole, mut expected) = (input.clone(), input.clone());
        fir.clone().process(&mut whole);
        Equalizer::new(&bands, RATE_HZ).process(&mut expected);
        let latency = fir.latency_frames();
        for (a, b) in whole[latency..].iter().zip(&expected) {
            assert!((a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9, "{a:?} {b:?}");
        }
        let mut parts = input;
        parts.chunks_mut(997).for_each(|block| fir.process(block));
        assert_eq!(whole, parts);
    }

    #[test]
    fn the_common_promises_hold() {
        let bands = [BandChannel::Stereo, BandChannel::Side].map(|channel| EqBand {
            channel,
            gain_db: 6.0,
            ..EqBand::default()
        });
        for mode in [EqMode::LinearPhase, EqMode::MinimumPhaseFir] {
            // The lowest rate, at which it lags the least.
            check_promises(&FirEqualizer::new(&bands, mode, 8_000), 30.0);
        }
    }
}
