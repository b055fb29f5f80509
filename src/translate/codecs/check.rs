//! Measures what a codec does.

use std::path::Path;

use rayon::prelude::*;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use super::super::path::at_rate;
use super::super::programme::k_weights;
use super::super::scores::masking;
use super::search::CeilingSearch;
use super::{Codec, CodecCheck, Kept, PASS_DBTP};
use crate::audio::AudioBuffer;
use crate::engine::Recipe;
use crate::engine::render::process;
use crate::error::Result;
use crate::io::Spool;
use crate::measure::Measurement;
use crate::measure::peak::{Peaks, TruePeakMeter};
use crate::measure::spectrum::{BandPower, SpectralFrames, SpectrumMeter, ThirdOctaves};
use crate::parallel::in_order;
use crate::source::load_audio;
use crate::units::{db_to_power, power_to_db, power_to_db_checked};

/// Above the band limit less than this share of the power is left.
const LEFT_SHARE: f64 = 0.1;
/// Of mid and side, the one with less than this share of the other's power is rounding.
const NO_SIDE: f32 = 1e-9;
/// Resolution of the band limit, Hz.
const CELL_HZ: f64 = 100.0;
/// Music below this in a cell says nothing about a limit, dB of mean square.
const FLOOR_DB: f64 = -110.0;
/// Frames by which a decoder may be off, at most.
const MOST_LAG: usize = 4_096;
/// Frames that the lag is found on.
const LAG_FRAMES: usize = 1 << 16;
/// Frames handled together.
const BLOCK_FRAMES: usize = 1 << 16;
/// Tones and noise within a band mask noise that lies this much under them, dB (after E. Zwicker and H. Fastl,
/// "Psychoacoustics", 1990, chapter 4: noise masked by a tone, the stricter case for codecs).
const IN_BAND_DB: f64 = 10.0;

/// Encodes a file with each codec, decodes and measures it, all at once. The streams are kept if that is wished.
///
/// # Errors
/// Those of the file and of the codecs.
pub fn check(
    file: &Path,
    measurement: &Measurement,
    codecs: &[Codec],
    kept: Option<Kept<'_>>,
) -> Result<Vec<CodecCheck>> {
    if codecs.is_empty() {
        return Ok(Vec::new());
    }
    let audio = load_audio(file, None, &|_, _| {})?;
    let checked = in_order(codecs.par_iter().map(|codec| one(codec, &audio, measurement, kept)))?;
    let (mut checks, decoded): (Vec<CodecCheck>, Vec<Peaks>) = checked.into_iter().unzip();
    if let (true, Some(own_dbtp)) = (checks.iter().any(|check| !check.passes), measurement.peaks.true_dbtp()) {
        let search = CeilingSearch::new(process(audio, &Recipe::default(), &|_, _| {})?, own_dbtp)?;
        let failing = checks.par_iter_mut().zip(codecs).zip(&decoded).filter(|((check, _), _)| !check.passes);
        in_order(failing.map(|((check, codec), decoded)| {
            check.passing_ceiling_dbtp = search.passing_ceiling(codec, decoded)?;
            Ok(())
        }))?;
    }
    Ok(checks)
}

/// All but the ceiling that passes, and the peaks of what is decoded.
fn one(codec: &Codec, audio: &Spool, measurement: &Measurement, kept: Option<Kept<'_>>) -> Result<(CodecCheck, Peaks)> {
    let decoded = codec.round_trip_kept(audio, kept)?;
    let peaks = decoded_peaks(&decoded)?;
    let true_dbtp = peaks.true_dbtp();
    let own_dbtp = measurement.peaks.true_dbtp();
    let rate = audio.sample_rate_hz();
    let mut back = Spool::new(rate);
    at_rate(&decoded, rate, |block| back.push(block))?;
    let lag = lag_frames(audio, &back)?;
    let (decoded_spectrum, noise) = spectra(audio, &back, lag)?;
    let band_limit_hz = band_limit(&measurement.spectrum, &decoded_spectrum);
    let loud = |frame| measurement.is_loud(frame);
    let (source, left) = (&measurement.loud_spectrum, decoded_spectrum.mean(loud));
    let bands = &measurement.spectrum.bands;
    let top = band_limit_hz.unwrap_or(f64::INFINITY);
    let kept = bands.centers_hz().iter().take_while(|hz| **hz * ThirdOctaves::HALF_WIDTH <= top).count();
    let side_change_db = side_change(&source[..kept], &left[..kept]);
    let noise_to_mask_db: Vec<Option<f64>> = noise_to_mask(source, &noise.mean(loud))
        .into_iter()
        .enumerate()
        .map(|(band, db)| db.filter(|_| band < kept))
        .collect();
    let check = CodecCheck {
        id: codec.id.clone(),
        encoder: codec.encoder(),
        true_dbtp,
        rise_db: true_dbtp.zip(own_dbtp).map(|(peak, own)| peak - own),
        loudness_change_lu: loudness_change(source, &left, &k_weights(bands)),
        band_limit_hz,
        side_change_db,
        worst_noise_to_mask_db: noise_to_mask_db.iter().flatten().copied().reduce(f64::max),
        noise_to_mask_db,
        passes: passes(&peaks),
        passing_ceiling_dbtp: None,
    };
    Ok((check, peaks))
}

/// True peaks of what came out of a codec.
pub(super) fn decoded_peaks(decoded: &Spool) -> Result<Peaks> {
    let mut meter = TruePeakMeter::new(decoded.sample_rate_hz());
    decoded.blocks(0, BLOCK_FRAMES, |block| {
        meter.push(block);
        Ok(())
    })?;
    Ok(meter.finish())
}

/// Whether no player clips what came out of a codec.
pub(super) fn passes(decoded: &Peaks) -> bool {
    decoded.true_dbtp().is_none_or(|peak| peak <= PASS_DBTP)
}

/// By how many frames the decoded programme lags, by the peak of the cross-correlation of both channels where the programme is
/// loudest; 0 where nothing correlates.
fn lag_frames(audio: &Spool, decoded: &Spool) -> Result<i64> {
    let start = loudest_stretch(audio)?;
    // Left as the real and right as the imaginary part: the real part of the correlation is the sum of those of the channels.
    let stretch = |spool: &Spool| -> Result<Vec<Complex<f32>>> {
        let mut block = AudioBuffer::new(spool.sample_rate_hz());
        spool.read(start, LAG_FRAMES, &mut block)?;
        let mut values: Vec<Complex<f32>> =
            block.left().iter().zip(block.right()).map(|(&l, &r)| Complex::new(l, r)).collect();
        values.resize(2 * LAG_FRAMES, Complex::default());
        Ok(values)
    };
    let (mut a, mut b) = (stretch(audio)?, stretch(decoded)?);
    let mut planner = FftPlanner::new();
    let (forward, inverse) = (planner.plan_fft_forward(2 * LAG_FRAMES), planner.plan_fft_inverse(2 * LAG_FRAMES));
    forward.process(&mut a);
    forward.process(&mut b);
    b.iter_mut().zip(&a).for_each(|(b, a)| *b *= a.conj());
    inverse.process(&mut b);
    let lags = (0..=MOST_LAG).chain(2 * LAG_FRAMES - MOST_LAG..2 * LAG_FRAMES);
    let positive = lags.filter(|&lag| b[lag].re > 0.0);
    let best = positive.max_by(|&x, &y| b[x].re.total_cmp(&b[y].re)).unwrap_or(0);
    Ok(if best <= MOST_LAG { best as i64 } else { best as i64 - 2 * LAG_FRAMES as i64 })
}

/// First frame of the loudest stretch of [`LAG_FRAMES`]: pauses say nothing about a lag.
fn loudest_stretch(audio: &Spool) -> Result<u64> {
    let (mut start, mut most, mut at) = (0, 0.0, 0);
    audio.blocks(0, LAG_FRAMES, |block| {
        let energy: f64 = block.left().iter().chain(block.right()).map(|x| f64::from(*x).powi(2)).sum();
        if energy > most {
            (start, most) = (at, energy);
        }
        at += block.frames() as u64;
        Ok(())
    })?;
    Ok(start)
}

/// Spectra of the decoded programme and of its difference from the original.
fn spectra(audio: &Spool, decoded: &Spool, lag: i64) -> Result<(SpectralFrames, SpectralFrames)> {
    let rate = audio.sample_rate_hz();
    let (mut of_decoded, mut of_noise) = (SpectrumMeter::new(rate), SpectrumMeter::new(rate));
    let mut other = AudioBuffer::new(rate);
    let mut done: u64 = 0;
    audio.blocks(0, BLOCK_FRAMES, |original| {
        let from = done as i64 + lag;
        let missing = from.min(0).unsigned_abs() as usize;
        let mut aligned = AudioBuffer::silence(rate, missing.min(original.frames()));
        decoded.read(from.max(0) as u64, original.frames() - aligned.frames(), &mut other)?;
        aligned.extend(other.left(), other.right());
        aligned.resize(original.frames());
        of_decoded.push(&aligned);
        let (left, right) = aligned.channels_mut();
        left.iter_mut().zip(original.left()).for_each(|(x, y)| *x -= y);
        right.iter_mut().zip(original.right()).for_each(|(x, y)| *x -= y);
        of_noise.push(&aligned);
        done += original.frames() as u64;
        Ok(())
    })?;
    Ok((of_decoded.finish(), of_noise.finish()))
}

/// The frequency above which the codec leaves nothing that the programme has. `None` where it leaves everything.
fn band_limit(source: &SpectralFrames, decoded: &SpectralFrames) -> Option<f64> {
    let bins = ((CELL_HZ / source.bin_hz).round() as usize).max(1);
    let cells = |spectrum: &SpectralFrames| -> Vec<f64> {
        spectrum.bins.chunks_exact(bins).map(|cell| cell.iter().sum()).collect()
    };
    let pairs: Vec<(f64, f64)> = cells(source).into_iter().zip(cells(decoded)).collect();
    let told = |(source, _): &(f64, f64)| power_to_db(*source) > FLOOR_DB;
    let last_told = pairs.iter().rposition(told)?;
    let last_left = pairs.iter().rposition(|pair| told(pair) && pair.1 >= LEFT_SHARE * pair.0)?;
    (last_left < last_told).then(|| (last_left + 1) as f64 * bins as f64 * source.bin_hz)
}

/// Change of the K-weighted power: some encoders turn what they get down.
fn loudness_change(source: &[BandPower], left: &[BandPower], weights: &[f64]) -> Option<f64> {
    let weighted =
        |bands: &[BandPower]| -> f64 { bands.iter().zip(weights).map(|(power, weight)| weight * power.total()).sum() };
    power_to_db_checked(weighted(left) / weighted(source))
}

/// Change of the side over that of the mid, the mean of all bands that have both, dB.
fn side_change(source: &[BandPower], left: &[BandPower]) -> Option<f64> {
    let change = |was: f32, is: f32| power_to_db_checked(f64::from(is) / f64::from(was));
    let has_both = |was: &BandPower| was.side > NO_SIDE * was.mid && was.mid > NO_SIDE * was.side;
    let pairs = source.iter().zip(left).filter(|(was, _)| has_both(was));
    let changes: Vec<f64> =
        pairs.filter_map(|(was, is)| Some(change(was.side, is.side)? - change(was.mid, is.mid)?)).collect();
    (!changes.is_empty()).then(|| changes.iter().sum::<f64>() / changes.len() as f64)
}

/// Noise over what the music masks, in each band, dB.
fn noise_to_mask(source: &[BandPower], noise: &[BandPower]) -> Vec<Option<f64>> {
    let powers = |bands: &[BandPower]| -> Vec<f64> { bands.iter().map(|b| f64::from(b.mid + b.side)).collect() };
    let (source, noise) = (powers(source), powers(noise));
    let mut masks = vec![0.0; source.len()];
    masking(&source, &mut masks);
    let in_band = db_to_power(-IN_BAND_DB);
    let masks = masks.iter().zip(&source).map(|(spread, own)| spread + own * in_band);
    noise.iter().zip(masks).map(|(noise, mask)| power_to_db_checked(noise / mask)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::Noise;

    /// Silence, then a second of noise on the left and that times `right` on the right, then silence: the middle has none of it.
    fn spool(delay: usize, right: f32) -> Spool {
        let mut noise = Noise(7);
        let mut left = vec![0.0; 3 * LAG_FRAMES + delay];
        left[delay..delay + 48_000].fill_with(|| 0.3 * noise.next() as f32);
        let mut spool = Spool::new(48_000);
        let mirrored = left.iter().map(|x| right * x).collect();
        spool.push(&AudioBuffer::from_channels(48_000, left, mirrored)).expect("memory");
        spool
    }

    #[test]
    fn a_lag_is_found_where_the_middle_is_silent_and_where_the_channels_are_opposed() {
        for right in [1.0, 0.0, -1.0] {
            assert_eq!(lag_frames(&spool(1_000, right), &spool(1_312, right)).expect("memory"), 312, "right {right}");
            assert_eq!(lag_frames(&spool(1_000, right), &spool(988, right)).expect("memory"), -12, "right {right}");
        }
        let mut silence = Spool::new(48_000);
        silence.push(&AudioBuffer::silence(48_000, LAG_FRAMES)).expect("memory");
        assert_eq!(lag_frames(&silence, &silence).expect("memory"), 0);
        assert_eq!(lag_frames(&spool(0, 1.0), &silence).expect("memory"), 0);
    }

    #[test]
    fn an_encoder_that_turns_its_input_down_changes_the_loudness_by_as_much() {
        let bands = |gain: f32, low: f32| {
            [(low, 0.1), (0.4, 0.2)].map(|(mid, side)| BandPower { mid: gain * mid, side: gain * side, cross: 0.0 })
        };
        let change_lu = |left: [BandPower; 2], weights: &[f64]| loudness_change(&bands(1.0, 0.3), &left, weights);
        // LAME's 0.95 of the amplitude.
        let down_lu = change_lu(bands(0.95 * 0.95, 0.3), &[0.5, 2.0]).expect("loud");
        assert!((down_lu - 20.0 * 0.95f64.log10()).abs() < 1e-4, "{down_lu}");
        // Of a band that hardly counts nothing is left.
        assert!(change_lu(bands(1.0, 0.0), &[0.0, 2.0]).is_some_and(|lu| lu.abs() < 1e-6));
        assert_eq!(loudness_change(&[], &[], &[]), None);
    }

    #[test]
    fn rounding_errors_are_no_side() {
        let band = |side: f32| BandPower { mid: 0.1, side, cross: 0.0 };
        assert_eq!(side_change(&[band(1e-14)], &[band(1e-12)]), None);
        let halved = side_change(&[band(1e-14), band(0.02)], &[band(1e-12), band(0.01)]).expect("one band has a side");
        assert!((halved + 3.01).abs() < 0.01, "{halved}");
    }

    #[test]
    fn rounding_errors_are_no_mid() {
        let band = |mid: f32| BandPower { mid, side: 0.1, cross: 0.0 };
        assert_eq!(side_change(&[band(1e-14)], &[band(1e-8)]), None);
    }
}
