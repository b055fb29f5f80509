//! Convolution reverb: the sound of a measured room.
//!
//! Uniformly partitioned overlap-save convolution in the frequency domain (F. Wefers, "Partitioned Convolution
//! Algorithms for Real-Time Auralization", 2015, chapter 5): the impulse response is cut into partitions, each
//! transformed once; every partition of input is transformed once, multiplied with all, and transformed back once for
//! each output. Equal to direct convolution within 1e-6. The latency is one partition; longer partitions are faster.
//! Work is done where a partition of input is complete.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::delay_line::DelayLine;
use super::resample::Resampler;
use super::{Frame, Processor};
use crate::audio::AudioBuffer;
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::{Error, Result};
use crate::units::{db_to_amplitude, ms_to_frames};

/// How the room is used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct ConvolutionSettings {
    /// Frames in a partition, and the latency: a power of two, 32 to 65536. Default: 1024.
    pub partition_frames: usize,
    /// Time before the room answers, 0 to 500 ms. Default: 0.
    pub pre_delay_ms: f64,
    /// Gain of the room, -60 to 24 dB. Default: 0.
    pub gain_db: f64,
    /// Share of the room in the output, 0 (none) to 100 % (nothing else, as on a send). Default: 25.
    pub mix_percent: f64,
}

impl Default for ConvolutionSettings {
    fn default() -> Self {
        Self { partition_frames: 1024, pre_delay_ms: 0.0, gain_db: 0.0, mix_percent: 25.0 }
    }
}

parameters!(ConvolutionSettings {
    partition_frames: OneOf(&[
        32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16_384.0, 32_768.0, 65_536.0
    ]),
    pre_delay_ms: Within(0.0, 500.0),
    gain_db: Within(-60.0, 24.0),
    mix_percent: Within(0.0, 100.0),
});

impl ConvolutionSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("convolution", None)
    }
}

/// What a room answers to a click, at the rate that the audio has.
#[derive(Debug, Clone, PartialEq)]
pub enum ImpulseResponse {
    /// One response for each channel.
    Stereo([Vec<f64>; 2]),
    /// True stereo: left to left, left to right, right to left, right to right.
    TrueStereo([Vec<f64>; 4]),
}

impl ImpulseResponse {
    /// The same response for both channels.
    pub fn mono(response: Vec<f64>) -> Self {
        Self::Stereo([response.clone(), response])
    }

    /// A recorded response at the rate of the audio, with its gain kept: what a response adds up to is its gain, so more
    /// samples of the same room count less each.
    ///
    /// # Errors
    /// Rates that the resampler refuses.
    pub fn at_rate(response: &AudioBuffer, sample_rate_hz: u32) -> Result<Self> {
        let from_hz = response.sample_rate_hz();
        let (mut taps, mut rest) = (AudioBuffer::new(sample_rate_hz), AudioBuffer::new(sample_rate_hz));
        let mut resampler = Resampler::new(from_hz, sample_rate_hz)?;
        resampler.push(response, &mut taps);
        resampler.finish(&mut rest);
        taps.extend(rest.left(), rest.right());
        let scale = f64::from(from_hz) / f64::from(sample_rate_hz);
        let channel = |samples: &[f32]| samples.iter().map(|x| f64::from(*x) * scale).collect();
        Ok(Self::Stereo([channel(taps.left()), channel(taps.right())]))
    }

    fn responses(&self) -> &[Vec<f64>] {
        match self {
            Self::Stereo(responses) => responses,
            Self::TrueStereo(responses) => responses,
        }
    }
}

/// The convolution. Its latency, for dry and wet alike, is [`Self::latency_frames`].
#[derive(Clone)]
pub struct Convolution {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    partition: usize,
    /// The paths from an input to an output, with the spectra of their partitions one after the other.
    paths: Vec<Path>,
    /// Spectra of the last partitions of each input: a ring of as many as the longest response has.
    history: [Vec<Complex<f64>>; 2],
    partitions: usize,
    /// Where in the history the next spectrum goes.
    newest: usize,
    /// Two partitions of each input: the last one and the one being filled.
    input: [Vec<f64>; 2],
    /// The partition of each output that is being played.
    output: [Vec<f64>; 2],
    filled: usize,
    sum: Vec<Complex<f64>>,
    time: Vec<f64>,
    scratch: Vec<Complex<f64>>,
    pre_delay: DelayLine,
    dry: f64,
    wet: f64,
}

#[derive(Clone)]
struct Path {
    from: usize,
    to: usize,
    spectra: Vec<Complex<f64>>,
}

impl std::fmt::Debug for Convolution {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Convolution")
            .field("partition", &self.partition)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

impl Convolution {
    /// A silent room, from validated settings.
    ///
    /// # Errors
    /// [`Error::Setting`] if the response is empty or has values that are not finite.
    pub fn new(settings: &ConvolutionSettings, response: &ImpulseResponse, sample_rate_hz: u32) -> Result<Self> {
        let responses = response.responses();
        let longest = responses.iter().map(Vec::len).max().unwrap_or(0);
        if longest == 0 {
            return Err(Error::setting("convolution impulse response", "it is empty"));
        }
        if responses.iter().flatten().any(|x| !x.is_finite()) {
            return Err(Error::setting("convolution impulse response", "it has values that are not finite"));
        }
        let partition = settings.partition_frames;
        let mut planner = RealFftPlanner::<f64>::new();
        let (forward, inverse) = (planner.plan_fft_forward(2 * partition), planner.plan_fft_inverse(2 * partition));
        let partitions = longest.div_ceil(partition);
        let bins = partition + 1;
        let mut time = vec![0.0; 2 * partition];
        let scratch_len = forward.get_scratch_len().max(inverse.get_scratch_len());
        let mut scratch = vec![Complex::default(); scratch_len];
        let paths = responses
            .iter()
            .enumerate()
            .map(|(index, response)| {
                let (from, to) = if responses.len() == 2 { (index, index) } else { (index / 2, index % 2) };
                let mut spectra = vec![Complex::default(); bins * response.len().div_ceil(partition)];
                for (samples, spectrum) in response.chunks(partition).zip(spectra.chunks_exact_mut(bins)) {
                    time.fill(0.0);
                    // The transforms together multiply by their length.
                    for (to, from) in time.iter_mut().zip(samples) {
                        *to = from / (2 * partition) as f64;
                    }
                    transform(&*forward, &mut time, spectrum, &mut scratch);
                }
                Path { from, to, spectra }
            })
            .collect();
        let mix = settings.mix_percent / 100.0;
        Ok(Self {
            forward,
            inverse,
            partition,
            paths,
            history: [(); 2].map(|()| vec![Complex::default(); bins * partitions]),
            partitions,
            newest: 0,
            input: [(); 2].map(|()| vec![0.0; 2 * partition]),
            output: [(); 2].map(|()| vec![0.0; partition]),
            filled: 0,
            sum: vec![Complex::default(); bins],
            time,
            scratch,
            pre_delay: DelayLine::new(ms_to_frames(settings.pre_delay_ms, sample_rate_hz)),
            dry: 1.0 - mix,
            wet: mix * db_to_amplitude(settings.gain_db),
        })
    }

    /// Takes in a complete partition of input and makes the next one of output.
    fn convolve(&mut self) {
        let (partition, bins) = (self.partition, self.partition + 1);
        let slot = self.newest * bins..(self.newest + 1) * bins;
        for (input, history) in self.input.iter_mut().zip(&mut self.history) {
            self.time.copy_from_slice(input);
            transform(&*self.forward, &mut self.time, &mut history[slot.clone()], &mut self.scratch);
            input.copy_within(partition.., 0);
        }
        for (channel, output) in self.output.iter_mut().enumerate() {
            self.sum.fill(Complex::default());
            for path in self.paths.iter().filter(|path| path.to == channel) {
                for (age, spectrum) in path.spectra.chunks_exact(bins).enumerate() {
                    let at = (self.newest + self.partitions - age) % self.partitions;
                    let past = &self.history[path.from][at * bins..(at + 1) * bins];
                    for ((sum, x), h) in self.sum.iter_mut().zip(past).zip(spectrum) {
                        sum.re += x.re * h.re - x.im * h.im;
                        sum.im += x.re * h.im + x.im * h.re;
                    }
                }
            }
            // Both ends of a real signal's spectrum are real; rounding says otherwise.
            (self.sum[0].im, self.sum[partition].im) = (0.0, 0.0);
            self.inverse
                .process_with_scratch(&mut self.sum, &mut self.time, &mut self.scratch)
                .expect("buffers were made for this transform");
            for (output, wet) in output.iter_mut().zip(&self.time[partition..]) {
                *output += self.wet * wet;
            }
        }
        self.newest = (self.newest + 1) % self.partitions;
    }
}

impl Processor for Convolution {
    fn process(&mut self, frames: &mut [Frame]) {
        let mut rest = frames;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at_mut(rest.len().min(self.partition - self.filled));
            for (offset, frame) in piece.iter_mut().enumerate() {
                let at = self.filled + offset;
                let next = self.pre_delay.exchange(*frame);
                for channel in 0..2 {
                    // The dry signal waits in the output, which has been played up to here.
                    let played = std::mem::replace(&mut self.output[channel][at], self.dry * frame[channel]);
                    self.input[channel][self.partition + at] = next[channel];
                    frame[channel] = played;
                }
            }
            self.filled += piece.len();
            if self.filled == self.partition {
                self.filled = 0;
                self.convolve();
            }
            rest = tail;
        }
    }

    /// Empties the room.
    fn reset(&mut self) {
        self.history.iter_mut().for_each(|history| history.fill(Complex::default()));
        self.input.iter_mut().chain(&mut self.output).for_each(|samples| samples.fill(0.0));
        self.pre_delay.reset();
        (self.filled, self.newest) = (0, 0);
    }

    fn latency_frames(&self) -> usize {
        self.partition
    }
}

fn transform(
    forward: &dyn RealToComplex<f64>,
    time: &mut [f64],
    spectrum: &mut [Complex<f64>],
    scratch: &mut [Complex<f64>],
) {
    forward.process_with_scratch(time, spectrum, scratch).expect("buffers were made for this transform");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{channel, check_promises, noise};

    fn direct(signal: &[f64], response: &[f64]) -> Vec<f64> {
        (0..signal.len()).map(|n| (0..response.len().min(n + 1)).map(|k| response[k] * signal[n - k]).sum()).collect()
    }

    fn room(length: usize, seed: u64) -> [Vec<f64>; 2] {
        let frames = noise(length, seed);
        [0, 1].map(|index| channel(&frames, index))
    }

    fn wet(partition_frames: usize) -> ConvolutionSettings {
        ConvolutionSettings { partition_frames, mix_percent: 100.0, ..Default::default() }
    }

    #[test]
    fn equal_to_direct_convolution_for_any_length() {
        let input = noise(3000, 1);
        let [left, right] = [0, 1].map(|index| channel(&input, index));
        for (length, partition) in [(1, 32), (31, 32), (33, 32), (64, 64), (1000, 128), (2500, 256), (700, 1024)] {
            let responses = room(length, 2);
            let mut convolution =
                Convolution::new(&wet(partition), &ImpulseResponse::Stereo(responses.clone()), 48_000).unwrap();
            let mut output = input.clone();
            convolution.process(&mut output);
            let latency = convolution.latency_frames();
            for (index, signal) in [&left, &right].into_iter().enumerate() {
                let expected = direct(signal, &responses[index]);
                for n in latency..3000 {
                    assert!((output[n][index] - expected[n - latency]).abs() < 1e-10, "{length} in {partition}: {n}");
                }
            }
        }
    }

    #[test]
    fn true_stereo_crosses_over() {
        let input = noise(2000, 1);
        let [left, right] = [0, 1].map(|index| channel(&input, index));
        let ([ll, lr], [rl, rr]) = (room(500, 2), room(333, 3));
        let responses = ImpulseResponse::TrueStereo([ll.clone(), lr.clone(), rl.clone(), rr.clone()]);
        let mut convolution = Convolution::new(&wet(64), &responses, 48_000).unwrap();
        let mut output = input;
        convolution.process(&mut output);
        for (index, [from_left, from_right]) in [[ll, rl], [lr, rr]].iter().enumerate() {
            let (a, b) = (direct(&left, from_left), direct(&right, from_right));
            for n in 64..2000 {
                assert!((output[n][index] - a[n - 64] - b[n - 64]).abs() < 1e-10);
            }
        }
    }

    /// A response of ones sums to its length, at every rate: the gain at 0 Hz stays.
    #[test]
    fn another_rate_keeps_the_gain() {
        let mut click = AudioBuffer::new(44_100);
        click.extend(&[0.25; 400], &[0.5; 400]);
        for rate_hz in [22_050, 44_100, 48_000, 96_000] {
            let ImpulseResponse::Stereo(responses) = ImpulseResponse::at_rate(&click, rate_hz).unwrap() else {
                panic!("a stereo response stays stereo")
            };
            for (response, gain) in responses.iter().zip([100.0, 200.0]) {
                let sum: f64 = response.iter().sum();
                assert!((sum / gain - 1.0).abs() < 1e-3, "{rate_hz} Hz: {sum} for {gain}");
            }
        }
    }

    #[test]
    fn dry_and_pre_delay_are_in_their_places() {
        let input = noise(1000, 1);
        let settings =
            ConvolutionSettings { partition_frames: 64, pre_delay_ms: 5.0, mix_percent: 40.0, ..Default::default() };
        let mut output = input.clone();
        Convolution::new(&settings, &ImpulseResponse::mono(vec![1.0]), 48_000).unwrap().process(&mut output);
        for n in 304..1000 {
            for channel in 0..2 {
                let expected = 0.6 * input[n - 64][channel] + 0.4 * input[n - 304][channel];
                assert!((output[n][channel] - expected).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_common_promises_hold() {
        for rate_hz in [8_000, 384_000] {
            let convolution =
                Convolution::new(&ConvolutionSettings::default(), &ImpulseResponse::Stereo(room(300, 5)), rate_hz);
            check_promises(&convolution.unwrap(), 100.0);
        }
        for response in [vec![], vec![f64::NAN]] {
            assert!(Convolution::new(&wet(64), &ImpulseResponse::mono(response), 48_000).is_err());
        }
        let error = wet(100).validate().unwrap_err();
        assert!(error.to_string().starts_with("convolution.partition_frames: 100 is none of 32, 64,"), "{error}");
    }
}
