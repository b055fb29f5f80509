//! The loud parts of a programme, over which tone and width are told, and their third octaves.

use std::ops::Range;

use super::Measurement;
use super::loudness::LoudnessSeries;
use super::spectrum::BandPower;

/// Frames of the spectrum this much quieter than the programme are no part of its loud parts, LU. The relative gate of BS.1770
/// lies as far under a loudness that quiet parts have a share in, and so lower.
const GATE_LU: f64 = 10.0;

/// For each frame of the spectrum, whether it belongs to the loud parts.
pub(super) fn loud_frames(loudness: &LoudnessSeries, frames: usize) -> Vec<bool> {
    let momentary = loudness.momentary_lufs();
    let Some(integrated_lufs) = loudness.integrated_lufs() else { return vec![true; frames] };
    // A window of 0.2 s from `k * 100 ms` lies in the middle of the 400 ms that begin 100 ms earlier.
    (0..frames)
        .map(|k| {
            let index = k.saturating_sub(1).min(momentary.len().saturating_sub(1));
            momentary.get(index).is_none_or(|&lufs| lufs > integrated_lufs - GATE_LU)
        })
        .collect()
}

impl Measurement {
    /// Whether a spectral frame belongs to the loud parts; past the end none does.
    pub fn is_loud(&self, frame: usize) -> bool {
        self.loud_frames.get(frame).copied().unwrap_or(false)
    }

    /// The spectral frames of the loud parts, in order.
    pub fn loud_spectra(&self) -> impl Iterator<Item = &[BandPower]> {
        self.spectrum.iter().zip(&self.loud_frames).filter(|(_, loud)| **loud).map(|(frame, _)| frame)
    }

    /// Centre of each third octave, Hz, with its mean power over the loud parts.
    pub fn loud_bands(&self) -> impl Iterator<Item = (f64, &BandPower)> {
        self.spectrum.bands.centers_hz().iter().copied().zip(&self.loud_spectrum)
    }

    /// Sum over the third octaves of the loud parts whose centres lie within a range, of what `of` takes from each.
    pub fn loud_power(&self, hz: Range<f64>, of: impl Fn(&BandPower) -> f64) -> f64 {
        self.loud_spectrum[self.spectrum.bands.within(hz)].iter().map(of).sum()
    }
}
