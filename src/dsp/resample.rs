//! Sample-rate conversion without delay, to the exact length.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use crate::audio::{AudioBuffer, MAX_RATE_HZ, MIN_RATE_HZ};
use crate::error::{Error, Result};

/// Least FFT block in frames on the side of the lower rate. It sets how steep the filter is: with 1024 it is flat to
/// 0.97 of the lower Nyquist frequency (21.4 kHz at 44.1 kHz) and rings for 12 ms on either side.
const MIN_BLOCK_FRAMES: usize = 1_024;

/// Converts a programme from one sample rate to another, block by block.
///
/// Any two rates from 8 to 384 kHz. `n` frames become `ceil(n * to / from)`, and the delay of the filter is taken out
/// to the frame, so that audio stays where it was in time. Arithmetic is f64.
///
/// An FFT of a block, a linear-phase filter (squared Blackman-Harris window) and an inverse FFT of another length: the
/// ratio is exact, so the result does not drift. A block is a whole number of periods of the two rates, and an even
/// one: with an odd block the delay of half of it would not be whole. Rates with no common divisor make the period as
/// long as the rate (about 100 MB of tables at worst, 383,999 to 384,000 Hz); all usual pairs need blocks of a few
/// thousand frames.
pub struct Resampler {
    from_hz: u32,
    to_hz: u32,
    /// `None` when the rates are equal.
    engine: Option<Fft<f64>>,
    /// Input that does not fill a block yet: two channels of block length.
    input: [Vec<f64>; 2],
    filled: usize,
    output: [Vec<f64>; 2],
    /// Frames of filter delay still to drop.
    delay: usize,
    frames_in: u64,
    frames_out: u64,
}

impl Resampler {
    /// A converter between two rates in Hz, each from 8000 to 384000.
    ///
    /// # Errors
    /// [`Error::Setting`] for a rate outside that range.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self> {
        for rate_hz in [from_hz, to_hz] {
            if !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate_hz) {
                let reason = format!("{rate_hz} Hz is outside {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz");
                return Err(Error::setting("sample rate", reason));
            }
        }
        let engine = (from_hz != to_hz).then(|| engine(from_hz as usize, to_hz as usize)).transpose()?;
        let (block_in, block_out, delay) = engine
            .as_ref()
            .map_or((0, 0, 0), |engine| (engine.input_frames_max(), engine.output_frames_max(), engine.output_delay()));
        Ok(Self {
            from_hz,
            to_hz,
            engine,
            input: [vec![0.0; block_in], vec![0.0; block_in]],
            filled: 0,
            output: [vec![0.0; block_out], vec![0.0; block_out]],
            delay,
            frames_in: 0,
            frames_out: 0,
        })
    }

    /// Takes a block in and replaces the content of `out` with what is ready: nothing, or several blocks.
    ///
    /// # Panics
    /// If the block has another sample rate: a mistake in the calling code.
    pub fn push(&mut self, block: &AudioBuffer, out: &mut AudioBuffer) {
        assert_eq!(block.sample_rate_hz(), self.from_hz, "the resampler was built for another rate");
        self.empty(out);
        self.frames_in += block.frames() as u64;
        if self.engine.is_none() {
            out.extend(block.left(), block.right());
            self.frames_out += block.frames() as u64;
            return;
        }
        let mut at = 0;
        while at < block.frames() {
            let count = (block.frames() - at).min(self.input[0].len() - self.filled);
            for (input, channel) in self.input.iter_mut().zip([block.left(), block.right()]) {
                for (to, from) in input[self.filled..].iter_mut().zip(&channel[at..at + count]) {
                    *to = f64::from(*from);
                }
            }
            self.filled += count;
            at += count;
            if self.filled == self.input[0].len() {
                self.convert(u64::MAX, out);
            }
        }
    }

    /// Replaces the content of `out` with the rest, and makes the converter ready for another programme.
    pub fn finish(&mut self, out: &mut AudioBuffer) {
        self.empty(out);
        let total = (u128::from(self.frames_in) * u128::from(self.to_hz)).div_ceil(u128::from(self.from_hz)) as u64;
        while self.frames_out < total {
            for input in &mut self.input {
                input[self.filled..].fill(0.0);
            }
            self.convert(total, out);
        }
        if let Some(engine) = &mut self.engine {
            engine.reset();
            self.delay = engine.output_delay();
        }
        (self.filled, self.frames_in, self.frames_out) = (0, 0, 0);
    }

    /// Converts the full input block and appends the result, up to a total length.
    fn convert(&mut self, total: u64, out: &mut AudioBuffer) {
        let Some(engine) = &mut self.engine else { return };
        let (frames_in, frames_out) = (self.input[0].len(), self.output[0].len());
        // Sizes were asked of the engine itself, so neither step can fail.
        let input = SequentialSliceOfVecs::new(&self.input, 2, frames_in).expect("the input block has its size");
        let mut output =
            SequentialSliceOfVecs::new_mut(&mut self.output, 2, frames_out).expect("the output block has its size");
        engine.process_into_buffer(&input, &mut output, None).expect("blocks have the sizes that the engine asked for");
        self.filled = 0;
        let from = self.delay.min(frames_out);
        self.delay -= from;
        let count = (total - self.frames_out).min((frames_out - from) as u64) as usize;
        for frame in from..from + count {
            out.push(self.output[0][frame] as f32, self.output[1][frame] as f32);
        }
        self.frames_out += count as u64;
    }

    fn empty(&self, out: &mut AudioBuffer) {
        if out.sample_rate_hz() == self.to_hz {
            out.clear();
        } else {
            *out = AudioBuffer::new(self.to_hz);
        }
    }
}

/// An engine whose block is an even number of periods.
fn engine(from_hz: usize, to_hz: usize) -> Result<Fft<f64>> {
    let mut divisor = (from_hz, to_hz);
    while divisor.1 > 0 {
        divisor = (divisor.1, divisor.0 % divisor.1);
    }
    let divisor = divisor.0;
    let periods = (MIN_BLOCK_FRAMES * divisor).div_ceil(from_hz.min(to_hz)).next_multiple_of(2);
    let block = periods * from_hz / divisor;
    Fft::new_custom(from_hz, to_hz, block, 1, 2, WindowFunction::BlackmanHarris2, FixedSync::Both)
        .map_err(|error| Error::setting("sample rate", format!("{from_hz} Hz to {to_hz} Hz: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::amplitude_to_db;

    /// Two tones, faded in and out so that their ends have no sound above the filter.
    fn tone(rate_hz: u32, seconds: f64, frequencies_hz: [f64; 2]) -> AudioBuffer {
        let mut audio = AudioBuffer::new(rate_hz);
        for frame in 0..(seconds * f64::from(rate_hz)).ceil() as usize {
            let t = frame as f64 / f64::from(rate_hz);
            let fade = (t.min(seconds - t) / 0.1).clamp(0.0, 1.0);
            let fade = fade * fade * fade * (fade * (fade * 6.0 - 15.0) + 10.0);
            let [left, right] = frequencies_hz.map(|hz| (fade * 0.5 * (std::f64::consts::TAU * hz * t).sin()) as f32);
            audio.push(left, right);
        }
        audio
    }

    fn resample(audio: &AudioBuffer, to_hz: u32, block_frames: usize) -> AudioBuffer {
        let mut resampler = Resampler::new(audio.sample_rate_hz(), to_hz).unwrap();
        let (mut out, mut all) = (AudioBuffer::default(), AudioBuffer::new(to_hz));
        let mut at = 0;
        while at < audio.frames() {
            let end = audio.frames().min(at + block_frames);
            let (left, right) = (audio.left()[at..end].to_vec(), audio.right()[at..end].to_vec());
            resampler.push(&AudioBuffer::from_channels(audio.sample_rate_hz(), left, right), &mut out);
            all.extend(out.left(), out.right());
            at = end;
        }
        resampler.finish(&mut out);
        all.extend(out.left(), out.right());
        all
    }

    fn rms_db(samples: impl Iterator<Item = f64>) -> f64 {
        let (count, sum) = samples.fold((0, 0.0), |(count, sum), x| (count + 1, sum + x * x));
        amplitude_to_db((sum / f64::from(count)).sqrt())
    }

    /// Level of the difference over the samples that both have.
    fn null_db(a: &[f32], b: &[f32]) -> f64 {
        rms_db(a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b)))
    }

    #[test]
    fn tones_null_against_the_ideal_at_the_new_rate() {
        let rates = [
            (44_100, 48_000),
            (48_000, 44_100),
            (88_200, 48_000),
            (96_000, 44_100),
            (44_100, 192_000),
            (192_000, 44_100),
            (44_056, 48_000),
            (8_000, 384_000),
            (47_951, 48_000),
        ];
        for (from_hz, to_hz) in rates {
            let top = 0.4 * f64::from(from_hz.min(to_hz));
            let out = resample(&tone(from_hz, 1.0, [997.0, top]), to_hz, 4_096);
            let ideal = tone(to_hz, 1.0, [997.0, top]);
            for (out, ideal) in [(out.left(), ideal.left()), (out.right(), ideal.right())] {
                let null = null_db(out, ideal);
                assert!(null < -140.0, "{from_hz} to {to_hz}: {null} dB");
            }
        }
    }

    #[test]
    fn length_is_exact_for_every_pair() {
        let rates = [8_000, 11_025, 22_050, 44_056, 44_100, 48_000, 88_200, 96_000, 192_000, 384_000];
        for from_hz in rates {
            for to_hz in rates {
                for frames in [0, 1, 2, 147, 4_410, 10_007] {
                    let audio = AudioBuffer::from_channels(from_hz, vec![0.5; frames], vec![0.5; frames]);
                    let want = (frames as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz));
                    assert_eq!(resample(&audio, to_hz, 1_000).frames() as u64, want, "{from_hz} to {to_hz}, {frames}");
                }
            }
        }
    }

    #[test]
    fn nothing_above_the_new_limit_comes_through() {
        let out = resample(&tone(96_000, 1.0, [30_000.0, 24_000.0]), 44_100, 4_096);
        for channel in [out.left(), out.right()] {
            let level = rms_db(channel.iter().map(|x| f64::from(*x)));
            assert!(level < -140.0, "{level} dB");
        }
    }

    #[test]
    fn the_top_octave_is_flat() {
        let out = resample(&tone(96_000, 1.0, [20_000.0, 21_000.0]), 44_100, 4_096);
        let ideal = tone(44_100, 1.0, [20_000.0, 21_000.0]);
        assert!(null_db(out.left(), ideal.left()) < -120.0, "{}", null_db(out.left(), ideal.left()));
        assert!(null_db(out.right(), ideal.right()) < -80.0, "{}", null_db(out.right(), ideal.right()));
    }

    #[test]
    fn block_size_does_not_matter() {
        let audio = tone(44_100, 0.5, [440.0, 5_000.0]);
        let whole = resample(&audio, 48_000, usize::MAX >> 1);
        for block_frames in [1, 441, 4_096] {
            assert_eq!(resample(&audio, 48_000, block_frames), whole);
        }
    }

    #[test]
    fn equal_rates_change_nothing() {
        let audio = tone(48_000, 0.2, [440.0, 5_000.0]);
        assert_eq!(resample(&audio, 48_000, 999), audio);
    }

    #[test]
    fn a_finished_resampler_starts_afresh() {
        let audio = tone(44_100, 0.1, [440.0, 5_000.0]);
        let mut resampler = Resampler::new(44_100, 48_000).unwrap();
        let mut runs = Vec::new();
        for _ in 0..2 {
            let (mut out, mut rest) = (AudioBuffer::default(), AudioBuffer::default());
            resampler.push(&audio, &mut out);
            resampler.finish(&mut rest);
            out.extend(rest.left(), rest.right());
            runs.push(out);
        }
        assert_eq!(runs[0], runs[1]);
    }

    #[test]
    fn rates_outside_the_range_are_refused() {
        assert!(Resampler::new(7_999, 48_000).is_err());
        assert!(Resampler::new(48_000, 384_001).is_err());
    }

    /// The sine of one frequency that is closest to the middle of a signal: level in dB, phase in cycles against a
    /// sine that starts at 0, and the level of all that is left, dB.
    fn fit(signal: &[f32], frequency: f64) -> (f64, f64, f64) {
        let middle = signal.len() / 4..signal.len() * 3 / 4;
        // Least squares with a constant: three normal equations, nearly diagonal, so a few sweeps solve them.
        let wave = |n: usize| (std::f64::consts::TAU * (frequency * n as f64).fract()).sin_cos();
        let (mut sine, mut cosine, mut constant) = (0.0, 0.0, 0.0);
        let count = middle.len() as f64;
        for _ in 0..6 {
            let (mut s, mut c, mut d) = (0.0, 0.0, 0.0);
            for n in middle.clone() {
                let (sin, cos) = wave(n);
                let rest = f64::from(signal[n]) - sine * sin - cosine * cos - constant;
                (s, c, d) = (s + rest * sin, c + rest * cos, d + rest);
            }
            (sine, cosine, constant) = (sine + 2.0 * s / count, cosine + 2.0 * c / count, constant + d / count);
        }
        let residue = middle.map(|n| {
            let (sin, cos) = wave(n);
            f64::from(signal[n]) - sine * sin - cosine * cos
        });
        (amplitude_to_db(sine.hypot(cosine)), cosine.atan2(sine) / std::f64::consts::TAU, rms_db(residue))
    }

    #[test]
    fn from_96_to_44_1_khz_level_and_time_are_kept_to_20_khz() {
        for step in 0..=20 {
            let hz = [20.0 * 1000f64.powf(f64::from(step) / 20.0), 20_000.0 - 500.0 * f64::from(step)];
            let out = resample(&tone(96_000, 1.0, hz), 44_100, 4_096);
            for (channel, hz) in [out.left(), out.right()].into_iter().zip(hz) {
                let (level_db, cycles, _) = fit(channel, hz / 44_100.0);
                assert!((level_db + 6.020_6).abs() < 0.01, "{hz} Hz: {level_db} dB");
                let delay_frames = cycles / hz * 44_100.0;
                assert!(delay_frames.abs() < 0.01, "{hz} Hz: {delay_frames} frames late");
            }
        }
    }

    #[test]
    fn from_96_to_44_1_khz_nothing_folds_back() {
        for hz in [22_050.0, 22_100.0, 22_500.0, 23_000.0, 26_000.0, 31_000.0, 36_000.0, 41_000.0, 44_000.0, 47_000.0] {
            let out = resample(&tone(96_000, 1.0, [hz, hz + 20.0]), 44_100, 4_096);
            for channel in [out.left(), out.right()] {
                let level = rms_db(channel.iter().map(|x| f64::from(*x)));
                assert!(level < -120.0 - 9.03, "{hz} Hz: {level} dB");
            }
        }
    }

    #[test]
    fn from_96_to_44_1_khz_a_tone_stays_clean() {
        let loud = |rate_hz| {
            let mut audio = tone(rate_hz, 2.0, [997.0, 6_998.0]);
            let (left, right) = audio.channels_mut();
            left.iter_mut().chain(right).for_each(|x| *x *= 1.782_5);
            audio
        };
        let out = resample(&loud(96_000), 44_100, 4_096);
        for (channel, hz) in [(out.left(), 997.0), (out.right(), 6_998.0)] {
            let (level_db, _, residue_db) = fit(channel, hz / 44_100.0);
            assert!((level_db + 1.0).abs() < 0.001, "{level_db} dB");
            assert!(residue_db < -130.0, "{hz} Hz: distortion and noise at {residue_db} dBFS");
        }
    }
}
