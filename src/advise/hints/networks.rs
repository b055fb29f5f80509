//! The networks within the program, and what their numbers mean.

use std::sync::OnceLock;

use super::Resonance;
use super::features;
use super::spectrum::BANDS_PER_OCTAVE;
use crate::advise::prior::Share;
use crate::advise::tonal::TONES;
use crate::network::Network;
use crate::statistics::median;

static RESONANCE_ONNX: &[u8] = include_bytes!("../../../models/resonance.onnx");
static TONE_ONNX: &[u8] = include_bytes!("../../../models/tone.onnx");

/// Bands that the tone network was trained on: all that there are up to 14 kHz. The other one slides over any number.
const TONE_BANDS: usize = 168;
/// Peaks closer than this are one.
const APART: usize = 8;
/// A peak's frequency is the mean of so many bands on both sides, each by its certainty.
const FLANK: usize = 2;
/// Less certainty than this is none.
const LEAST_CERTAINTY: f64 = 0.1;

/// Where a programme rings, by the features of its segments. Empty where the network can't be used.
pub(super) fn resonances(segments: &[Vec<f32>], bands_hz: &[f64]) -> Vec<Resonance> {
    let rows = features::names();
    let Ok(network) = Network::load(RESONANCE_ONNX, &[1, rows.len(), bands_hz.len()], &rows) else {
        return Vec::new();
    };
    let said: Vec<Vec<f64>> = segments.iter().filter_map(|segment| network.run(segment).ok()).collect();
    // A resonance is there all along.
    let middle = |row: usize, band: usize| {
        let at = row * bands_hz.len() + band;
        median(said.iter().filter_map(|outputs| outputs.get(at).copied()).collect()).unwrap_or(0.0)
    };
    let certainty: Vec<f64> = (0..bands_hz.len()).map(|band| middle(0, band)).collect();
    let around = |band: usize, reach: usize| band.saturating_sub(reach)..(band + reach + 1).min(certainty.len());
    let is_peak = |band: &usize| {
        let top = certainty[*band];
        // The first of a plateau is its top.
        let is_lower = |other: usize| certainty[other] < top || (certainty[other] == top && other >= *band);
        top >= LEAST_CERTAINTY && around(*band, APART).all(is_lower)
    };
    let peak = |band: usize| {
        let weight: f64 = around(band, FLANK).map(|other| certainty[other]).sum();
        let offset = |other: usize| certainty[other] * (other as f64 - band as f64);
        let bands = around(band, FLANK).map(offset).sum::<f64>() / weight;
        Resonance {
            hz: bands_hz[band] * (bands / BANDS_PER_OCTAVE).exp2(),
            height_db: middle(1, band),
            q: middle(2, band).exp2(),
            certainty_ratio: certainty[band],
        }
    };
    (0..certainty.len()).filter(is_peak).map(peak).collect()
}

/// How much of each fault of tone a programme has, as [`TONES`] orders them. `None` where the network can't be used.
pub(super) fn tone(segments: &[Vec<f32>]) -> Option<[Share; TONES.len()]> {
    static NETWORK: OnceLock<Result<Network, String>> = OnceLock::new();
    let load = || {
        let rows = features::names();
        Network::load(TONE_ONNX, &[1, rows.len(), TONE_BANDS], &rows)
    };
    let network = NETWORK.get_or_init(load).as_ref().ok()?;
    let said: Vec<Vec<f64>> = segments.iter().filter_map(|segment| network.run(segment).ok()).collect();
    let mean = |at: usize| said.iter().map(|outputs| outputs.get(at).copied()).sum::<Option<f64>>();
    let count = said.len() as f64;
    let mut shares = [Share { amount: 0.0, sigma: 0.0 }; TONES.len()];
    for (index, (share, tone)) in shares.iter_mut().zip(&TONES).enumerate() {
        share.amount = tone.gain_db.signum() * mean(index)? / count;
        share.sigma = mean(TONES.len() + index)? / count;
    }
    (!said.is_empty()).then_some(shares)
}

#[cfg(all(test, feature = "ml"))]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        features: Vec<f32>,
        resonance: Vec<f64>,
        tone: Vec<f64>,
    }

    /// The outputs are those of the training program's own arithmetic (models/training/faults/train.py, PyTorch).
    #[test]
    fn the_networks_say_what_they_were_trained_to_say() {
        let golden: Vec<Golden> =
            serde_json::from_str(include_str!("../../../models/faults_golden.json")).expect("a list of segments");
        assert!(golden.len() >= 4);
        let rows = features::names();
        for (onnx, of) in [(RESONANCE_ONNX, 0), (TONE_ONNX, 1)] {
            assert!(onnx.len() < 1_000_000);
            let network = Network::load(onnx, &[1, rows.len(), TONE_BANDS], &rows).expect("loads");
            for segment in &golden {
                let outputs = network.run(&segment.features).expect("runs");
                let wanted = if of == 0 { &segment.resonance } else { &segment.tone };
                assert_eq!(outputs.len(), wanted.len());
                for (index, (got, wanted)) in outputs.iter().zip(wanted).enumerate() {
                    assert!((got - wanted).abs() < 1e-3, "output {index}: {got}, trained to say {wanted}");
                }
            }
        }
    }
}
