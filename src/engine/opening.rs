//! The offset with which a programme begins.
//!
//! A high-pass takes an offset out, but learns of it only as the programme begins, and answers that step with a thump. Who
//! knows the offset can tell the filter ahead. Music must not be taken for one: it is weighed with windows that leave next to
//! nothing of a bass note, and both have to find the same; and what sets in later has its step in the programme itself.

use crate::audio::AudioBuffer;
use crate::dsp::Frame;
use crate::dsp::window::hann;
use crate::error::Result;
use crate::io::Spool;
use crate::statistics::mean;

/// Length of each of the two windows, s: ten periods of the lowest string of a bass, of which a Hann window leaves less than a
/// thousandth.
const WINDOW_S: f64 = 0.25;
/// How far the two may differ, as a share of their mean.
const AGREEMENT_RATIO: f64 = 0.2;
/// Less is no offset, full scale = 1.0.
const LEAST_OFFSET: f64 = 0.01;
/// A programme whose first milliseconds are on average nearer to 0 than half of the offset has not begun with it.
const BEGINNING_S: f64 = 0.002;
const BEGUN_RATIO: f64 = 0.5;

/// The offset of each channel, full scale = 1.0; 0 where the first half second has none, or is not all there.
///
/// # Errors
/// The spool's.
pub(super) fn opening_offset(audio: &Spool) -> Result<Frame> {
    let frames = |seconds: f64| (seconds * f64::from(audio.sample_rate_hz())) as usize;
    let (window, beginning) = (frames(WINDOW_S), frames(BEGINNING_S));
    let mut opening = AudioBuffer::new(audio.sample_rate_hz());
    audio.read(0, 2 * window, &mut opening)?;
    Ok([opening.left(), opening.right()].map(|channel| offset_of(channel, window, beginning)))
}

fn offset_of(opening: &[f32], window: usize, beginning: usize) -> f64 {
    let weighed = |part: &[f32]| {
        let sum: f64 = part.iter().zip(hann(window)).map(|(x, weight)| f64::from(*x) * weight).sum();
        sum / (0.5 * window as f64)
    };
    if opening.len() < 2 * window {
        return 0.0;
    }
    let (first, second) = (weighed(&opening[..window]), weighed(&opening[window..]));
    let offset = 0.5 * (first + second);
    let size = mean(opening[..beginning].iter().map(|x| f64::from(x.abs()))).unwrap_or(0.0);
    let agrees = (first - second).abs() <= AGREEMENT_RATIO * offset.abs();
    let has_begun = size >= BEGUN_RATIO * offset.abs();
    if agrees && has_begun && offset.abs() >= LEAST_OFFSET { offset } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    const RATE_HZ: f64 = 44_100.0;
    const WINDOW: usize = 11_025;
    const BEGINNING: usize = 88;

    fn found(opening: &[f32]) -> f64 {
        offset_of(opening, WINDOW, BEGINNING)
    }

    fn opening(value: impl Fn(f64) -> f64) -> Vec<f32> {
        (0..2 * WINDOW).map(|n| value(n as f64 / RATE_HZ) as f32).collect()
    }

    #[test]
    fn an_offset_is_found_under_music() {
        let under = |note_hz: f64| found(&opening(|t| 0.1 + 0.8 * (TAU * note_hz * t).sin()));
        for note_hz in [30.0, 41.2, 110.0, 997.0] {
            assert!((under(note_hz) - 0.1).abs() < 0.001, "{note_hz} Hz: {}", under(note_hz));
        }
        assert!((found(&opening(|_| -0.02)) + 0.02).abs() < 1e-6);
    }

    #[test]
    fn music_is_no_offset() {
        let note =
            |hz: f64, from_s: f64| move |t: f64| if t < from_s { 0.0 } else { 0.9 * (TAU * hz * (t - from_s)).sin() };
        for (hz, from_s) in [(41.2, 0.0), (41.25, 0.1), (30.0, 0.0), (55.0, 0.3)] {
            assert_eq!(found(&opening(note(hz, from_s))), 0.0, "{hz} Hz from {from_s} s");
        }
        // A stroke, a click, and what begins only after a while.
        assert_eq!(found(&opening(|t| if t < 0.01 { 0.8 * (TAU * 50.0 * t).sin() } else { 0.0 })), 0.0);
        assert_eq!(found(&[0.5]), 0.0);
        for lead_s in [0.1, 0.02, 0.005] {
            assert_eq!(found(&opening(|t| if t < lead_s { 0.0 } else { 0.1 })), 0.0, "{lead_s} s of silence ahead");
        }
    }
}
