//! The listener's whole path as audio: gain, what the device does, noise; for listening to, not for scores.

use std::path::Path;

use super::devices::Device;
use super::impulse::Measured;
use super::noise::Noise;
use super::programme::{PLAYBACK_LUFS, Programme};
use crate::audio::AudioBuffer;
use crate::dsp::convolution::{Convolution, ConvolutionSettings, ImpulseResponse};
use crate::dsp::dynamic_eq::{DynamicBand, DynamicEq, DynamicKind};
use crate::dsp::eq::{BandChannel, BandKind, EqBand, Equalizer};
use crate::dsp::minimum_phase::kernel;
use crate::dsp::resample::Resampler;
use crate::dsp::stereo::crossfeed::Crossfeed;
use crate::dsp::{Frame, Processor};
use crate::error::{Error, Result};
use crate::io::{OutputFile, SampleFormat, Spool, WavWriter};
use crate::measure::loudness::LoudnessMeter;
use crate::units::db_to_amplitude;

/// Loudness that all renders are brought to, LUFS: that of broadcasting, which leaves room for peaks.
pub const RENDER_LUFS: f64 = -23.0;
/// A render that would need more gain is no music, but what rounding has left, dB.
const MOST_MATCH_DB: f64 = 180.0;
/// Frames handled together.
const BLOCK_FRAMES: usize = 1 << 16;
/// Frames in a partition of a convolution.
const PARTITION_FRAMES: usize = 4096;
/// Length of a device's response, s: the slowest filters of the table have died down to -120 dB.
const KERNEL_S: f64 = 0.35;
/// The farthest that a device's own limiter goes, dB.
const MOST_PROTECTION_DB: f64 = 24.0;
/// Below this noise isn't rendered, Hz: nobody hears it, and it would only take room from the rest. The third octaves that are scored
/// begin above.
const LOWEST_NOISE_HZ: f64 = 20.0;

/// A device as a processor.
pub struct DevicePath {
    gain: f64,
    width: f64,
    mono_bass: Option<Equalizer>,
    protection: Option<DynamicEq>,
    response: Option<Convolution>,
    crossfeed: Option<Crossfeed>,
}

impl DevicePath {
    /// A device at rest, behind a gain on the programme.
    ///
    /// # Errors
    /// A response that can't be used.
    pub(super) fn new(device: &Device, measured: Option<&Measured>, gain_db: f64, sample_rate_hz: u32) -> Result<Self> {
        let mono_bass = device.mono_below_hz.map(|frequency_hz| {
            let band = EqBand {
                kind: BandKind::HighPass,
                channel: BandChannel::Side,
                frequency_hz,
                slope_db_per_octave: 24,
                ..EqBand::default()
            };
            Equalizer::new(&[band], sample_rate_hz)
        });
        let protection = device.protection.map(|protection| {
            let band = DynamicBand {
                kind: DynamicKind::LowShelf,
                frequency_hz: protection.limit_hz,
                q: std::f64::consts::FRAC_1_SQRT_2,
                threshold_db: protection.threshold_dbfs,
                ratio: protection.ratio,
                range_db: -MOST_PROTECTION_DB,
                ..DynamicBand::default()
            };
            DynamicEq::new(&[band], sample_rate_hz)
        });
        let impulse = match measured {
            Some(measured) => Some(ImpulseResponse::at_rate(&measured.response, sample_rate_hz)?),
            None if device.filters.is_empty() => None,
            None => {
                let frames = (KERNEL_S * f64::from(sample_rate_hz)) as usize;
                Some(ImpulseResponse::mono(kernel(|hz| device.gain_db_at(hz), frames, sample_rate_hz)))
            }
        };
        let settings =
            ConvolutionSettings { partition_frames: PARTITION_FRAMES, mix_percent: 100.0, ..Default::default() };
        Ok(Self {
            gain: db_to_amplitude(gain_db),
            width: device.width,
            mono_bass,
            protection,
            response: impulse.map(|impulse| Convolution::new(&settings, &impulse, sample_rate_hz)).transpose()?,
            crossfeed: device.crossfeed.as_ref().map(|settings| Crossfeed::new(settings, sample_rate_hz)),
        })
    }

    /// Frames by which the output lags the input.
    pub fn latency_frames(&self) -> usize {
        self.response.as_ref().map_or(0, Convolution::latency_frames)
    }

    /// Plays a block, in place. A device that changes nothing changes no bit.
    pub fn process(&mut self, frames: &mut [Frame]) {
        if self.gain != 1.0 {
            frames.iter_mut().for_each(|frame| *frame = frame.map(|x| x * self.gain));
        }
        if self.width != 1.0 {
            for frame in frames.iter_mut() {
                let (mid, side) = (0.5 * (frame[0] + frame[1]), 0.5 * self.width * (frame[0] - frame[1]));
                *frame = [mid + side, mid - side];
            }
        }
        if let Some(mono_bass) = &mut self.mono_bass {
            mono_bass.process(frames);
        }
        if let Some(protection) = &mut self.protection {
            protection.process(frames);
        }
        if let Some(response) = &mut self.response {
            response.process(frames);
        }
        if let Some(crossfeed) = &mut self.crossfeed {
            crossfeed.process(frames);
        }
    }
}

/// Writes what is heard of a programme on a device, in its noise, as a WAV file of 32-bit float.
///
/// `gain_db` is what the player applies. The music alone is brought to [`RENDER_LUFS`], so that renders compare, however little of it
/// the device leaves. Where it leaves nothing, or the music is shorter than 400 ms, the level stays as it is.
///
/// # Errors
/// Those of the spool and of the file.
pub(super) fn render(
    audio: &Spool,
    device: &Device,
    measured: Option<&Measured>,
    gain_db: f64,
    destination: &Path,
    force: bool,
) -> Result<()> {
    let rate = audio.sample_rate_hz();
    // Played twice, to be measured and to be written, so that nothing of it has to be kept.
    let play = |visit: &mut dyn FnMut(&mut AudioBuffer) -> Result<()>| {
        let mut path = DevicePath::new(device, measured, gain_db, rate)?;
        let mut skipped = path.latency_frames();
        each_block(audio, skipped, |frames, block| {
            path.process(frames);
            let from = skipped.min(frames.len());
            skipped -= from;
            block.clear();
            frames[from..].iter().for_each(|frame| block.push(frame[0] as f32, frame[1] as f32));
            visit(block)
        })
    };
    let mut meter = LoudnessMeter::stereo(rate);
    play(&mut |block| {
        meter.push(&[block.left(), block.right()]);
        Ok(())
    })?;
    let match_db = meter.finish().gain_to_db(RENDER_LUFS).filter(|db| *db < MOST_MATCH_DB).unwrap_or(0.0);
    let mut noise = device.noise.map(|noise| NoiseMaker::new(&noise, device, rate)).transpose()?;
    let gain = db_to_amplitude(match_db) as f32;
    let failed = |error| Error::write(destination, error);
    let mut file = OutputFile::create(destination)?;
    let mut writer = WavWriter::create(&mut file, rate, SampleFormat::Float32).map_err(failed)?;
    play(&mut |block| {
        let (left, right) = block.channels_mut();
        left.iter_mut().chain(right.iter_mut()).for_each(|x| *x *= gain);
        if let Some(noise) = &mut noise {
            noise.add(left, right);
        }
        writer.write_float(block.left(), block.right()).map_err(failed)
    })?;
    writer.finish().map_err(failed)?;
    file.commit(force)
}

/// Hands on a programme in blocks, and silence at its end for what lags.
fn each_block(
    audio: &Spool,
    tail: usize,
    mut visit: impl FnMut(&mut [Frame], &mut AudioBuffer) -> Result<()>,
) -> Result<()> {
    let mut frames: Vec<Frame> = Vec::new();
    audio.blocks(0, BLOCK_FRAMES, |block| {
        frames.clear();
        let pairs = block.left().iter().zip(block.right());
        frames.extend(pairs.map(|(l, r)| [f64::from(*l), f64::from(*r)]));
        visit(&mut frames, block)
    })?;
    if tail > 0 {
        visit(&mut vec![[0.0; 2]; tail], &mut AudioBuffer::new(audio.sample_rate_hz()))?;
    }
    Ok(())
}

/// Hands on a programme at a sample rate, block by block.
pub(super) fn at_rate(
    audio: &Spool,
    sample_rate_hz: u32,
    mut sink: impl FnMut(&AudioBuffer) -> Result<()>,
) -> Result<()> {
    let mut resampler = Resampler::new(audio.sample_rate_hz(), sample_rate_hz)?;
    let mut converted = AudioBuffer::new(sample_rate_hz);
    // Some encoders take an empty block for the end.
    let mut put_out = |converted: &AudioBuffer| if converted.is_empty() { Ok(()) } else { sink(converted) };
    audio.blocks(0, BLOCK_FRAMES, |block| {
        resampler.push(block, &mut converted);
        put_out(&converted)
    })?;
    resampler.finish(&mut converted);
    put_out(&converted)
}

/// Makes noise of a spectrum, different in both channels and the same every time.
struct NoiseMaker {
    states: [u64; 2],
    response: Convolution,
    frames: Vec<Frame>,
}

impl NoiseMaker {
    fn new(noise: &Noise, device: &Device, sample_rate_hz: u32) -> Result<Self> {
        let nyquist_hz = 0.5 * f64::from(sample_rate_hz);
        // Sound pressure of a digital power when the music at the render's loudness is listened to as loudly as it is.
        let spl_offset_db = Programme::spl_offset_db(device.listening_db_spl) + PLAYBACK_LUFS - RENDER_LUFS;
        let bands = noise.bands();
        let gain_db = |hz: f64| {
            // A Butterworth high-pass of the eighth order: 48 dB an octave.
            let cut_db = -10.0 * (1.0 + (LOWEST_NOISE_HZ / hz).powi(16)).log10();
            let hz = hz.max(LOWEST_NOISE_HZ);
            let place = 10.0 * (hz / 1000.0).log10();
            let (below, share) = (place.floor(), place - place.floor());
            let band_db = (1.0 - share) * bands.level_db(below as i32) + share * bands.level_db(below as i32 + 1);
            // A third octave is 10^(1/20) - 10^(-1/20) of its centre wide; white noise spreads over all frequencies.
            // Both channels together make the level.
            let width_hz = 0.230_768_251_677_747_3 * hz;
            cut_db + band_db - spl_offset_db - 10.0 * (2.0 * width_hz / nyquist_hz).log10()
        };
        let frames = (KERNEL_S * f64::from(sample_rate_hz)) as usize;
        let impulse = ImpulseResponse::mono(kernel(gain_db, frames, sample_rate_hz));
        let settings =
            ConvolutionSettings { partition_frames: PARTITION_FRAMES, mix_percent: 100.0, ..Default::default() };
        Ok(Self {
            states: [1, 2],
            response: Convolution::new(&settings, &impulse, sample_rate_hz)?,
            frames: Vec::new(),
        })
    }

    fn add(&mut self, left: &mut [f32], right: &mut [f32]) {
        // Uniform from -sqrt 3 to sqrt 3: a power of 1. The generator is Knuth's 64-bit one.
        let root_3 = 3f64.sqrt();
        let next = |state: &mut u64| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((*state >> 33) as f64 / f64::from(1u32 << 30) - 1.0) * root_3
        };
        let Self { states: [first, second], response, frames } = self;
        frames.clear();
        frames.extend((0..left.len()).map(|_| [next(first), next(second)]));
        response.process(frames);
        for ((l, r), frame) in left.iter_mut().zip(right).zip(frames.iter()) {
            *l += frame[0] as f32;
            *r += frame[1] as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{Noise as White, channel, noise as white, response};
    use crate::measure::spectrum::{SpectrumMeter, ThirdOctaves};
    use crate::translate::devices::built_in;
    use crate::translate::noise::NoiseShape;
    use crate::units::power_to_db;

    fn unlimited(device: &Device) -> Device {
        Device { width: 1.0, mono_below_hz: None, crossfeed: None, protection: None, ..device.clone() }
    }

    #[test]
    fn every_device_plays_its_curve_within_a_tenth_of_a_db() {
        for rate in [44_100, 48_000] {
            for device in built_in().iter().filter(|device| !device.filters.is_empty()) {
                let mut path = DevicePath::new(&unlimited(device), None, 0.0, rate).expect("sound");
                let mut signal = vec![[0.0; 2]; 1 << 16];
                signal[0] = [1.0; 2];
                path.process(&mut signal);
                let bins = response(&channel(&signal, 0));
                for &hz in ThirdOctaves::below(48_000).centers_hz() {
                    // Between bins in a straight line: they are 0.7 Hz apart.
                    let place = hz * signal.len() as f64 / f64::from(rate);
                    let (bin, share) = (place as usize, place.fract());
                    let level = (1.0 - share) * bins[bin].norm() + share * bins[bin + 1].norm();
                    let (found_db, table_db) = (20.0 * level.log10(), device.gain_db_at(hz));
                    assert!(
                        (found_db - table_db).abs() < 0.1,
                        "{} at {hz:.0} Hz, {rate}: {found_db} for {table_db}",
                        device.id
                    );
                }
            }
        }
    }

    #[test]
    fn a_device_that_is_none_changes_no_bit() {
        let flat = Device { width: 1.0, protection: None, filters: Vec::new(), ..built_in().remove(0) };
        assert!(flat.is_neutral());
        let signal = white(5_000, 3);
        let mut played = signal.clone();
        let mut path = DevicePath::new(&flat, None, 0.0, 44_100).expect("sound");
        path.process(&mut played);
        assert_eq!((played, path.latency_frames()), (signal, 0));
    }

    #[test]
    fn a_mono_device_plays_the_mid_and_a_narrow_one_less_side() {
        let signal = white(1_000, 5);
        for (width, wanted) in [(0.0, 0.0), (0.3, 0.3)] {
            let narrow = Device { width, protection: None, filters: Vec::new(), ..built_in().remove(0) };
            let mut played = signal.clone();
            DevicePath::new(&narrow, None, 0.0, 44_100).expect("sound").process(&mut played);
            for (was, is) in signal.iter().zip(&played) {
                assert!((is[0] + is[1] - was[0] - was[1]).abs() < 1e-12);
                assert!((is[0] - is[1] - wanted * (was[0] - was[1])).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn noise_has_its_spectrum_at_the_level_of_the_render() {
        let device = built_in().into_iter().find(|device| device.id == "car").expect("in the table");
        let noise = Noise { dba: 68.0, shape: NoiseShape::Road, slope_db_per_octave: 0.0 };
        let mut maker = NoiseMaker::new(&noise, &device, 48_000).expect("sound");
        let mut block = AudioBuffer::silence(48_000, 48_000 * 20);
        let (left, right) = block.channels_mut();
        maker.add(left, right);
        let mut meter = SpectrumMeter::new(48_000);
        meter.push(&block);
        let frames = meter.finish();
        let offset_db = Programme::spl_offset_db(device.listening_db_spl) + PLAYBACK_LUFS - RENDER_LUFS;
        for (band, (hz, power)) in (-16..).zip(frames.bands.centers_hz().iter().zip(frames.mean(|_| true))) {
            let level_db = power_to_db(2.0 * f64::from(power.mid + power.side)) + offset_db;
            // 20 s of noise: the lowest band is 6 Hz wide, so its level is known to half a dB.
            let tolerance_db = if band < -8 { 1.2 } else { 0.5 };
            assert!(
                (level_db - noise.bands().level_db(band)).abs() < tolerance_db,
                "{hz:.0} Hz: {level_db} for {}",
                noise.bands().level_db(band)
            );
        }
    }

    #[test]
    fn noise_has_next_to_nothing_below_what_is_heard() {
        let device = built_in().remove(0);
        let noise = Noise { dba: 45.0, shape: NoiseShape::Slope, slope_db_per_octave: -5.0 };
        let mut maker = NoiseMaker::new(&noise, &device, 48_000).expect("sound");
        let mut block = AudioBuffer::silence(48_000, 48_000 * 20);
        let (left, right) = block.channels_mut();
        maker.add(left, right);
        let samples: Vec<f64> = block.left().iter().map(|&x| f64::from(x)).collect();
        // Bins 0.05 Hz apart: below 15 Hz, and from 20 Hz on.
        let powers: Vec<f64> = response(&samples).iter().map(|bin| bin.norm_sqr()).collect();
        let [below, audible] = [&powers[..300], &powers[400..]].map(|bins| bins.iter().sum::<f64>());
        assert!(power_to_db(below / audible) < -25.0, "{} dB", power_to_db(below / audible));
    }

    #[test]
    fn renders_have_the_length_of_the_music_and_one_loudness() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut music = White(9);
        let samples: Vec<f32> = (0..44_100 * 3).map(|_| 0.2 * music.next() as f32).collect();
        let mut spool = Spool::new(44_100);
        spool.push(&AudioBuffer::from_channels(44_100, samples.clone(), samples)).expect("memory");
        for device in built_in().iter().filter(|device| ["phone-mono", "headphones"].contains(&device.id.as_str())) {
            let quiet = Device { noise: None, ..device.clone() };
            let path = folder.path().join(format!("{}.wav", device.id));
            render(&spool, &quiet, None, -3.0, &path, false).expect("rendered");
            let source = crate::source::measure_file(&path, &|_, _| {}).expect("a file");
            assert_eq!(source.measurement.frames, 44_100 * 3);
            let lufs = source.measurement.loudness.integrated_lufs().expect("loud");
            assert!((lufs - RENDER_LUFS).abs() < 0.01, "{}: {lufs}", device.id);
            assert!(render(&spool, &quiet, None, 0.0, &path, false).is_err(), "it exists");
        }
    }

    #[test]
    fn renders_have_one_loudness_however_faint_the_device_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("faint.wav");
        let flat = Device { width: 1.0, protection: None, filters: Vec::new(), noise: None, ..built_in().remove(0) };
        let rendered = |samples: Vec<f32>, gain_db: f64| {
            let mut spool = Spool::new(44_100);
            spool.push(&AudioBuffer::from_channels(44_100, samples.clone(), samples)).expect("memory");
            render(&spool, &flat, None, gain_db, &path, true).expect("rendered");
            crate::source::measure_file(&path, &|_, _| {}).expect("a file").measurement
        };
        let mut noise = White(9);
        let half = 44_100 * 3;
        // The second half, 8 dB softer, comes under the absolute gate before the first does.
        let level = |n: usize| if n < half { 0.2f32 } else { 0.08 };
        let music: Vec<f32> = (0..2 * half).map(|n| level(n) * noise.next() as f32).collect();
        for gain_db in [-3.0, -48.0, -52.0, -56.0, -60.0, -100.0] {
            let lufs = rendered(music.clone(), gain_db).loudness.integrated_lufs().expect("loud");
            assert!((lufs - RENDER_LUFS).abs() < 0.01, "{gain_db}: {lufs}");
        }
        let silent = rendered(vec![0.0; half], 0.0);
        assert_eq!((silent.frames, silent.peaks.sample_peak), (half as u64, 0.0));
    }
}
