//! A device known by its measured impulse response.

use std::path::Path;

use realfft::RealFftPlanner;

use crate::audio::AudioBuffer;
use crate::engine::source::load_response;
use crate::error::{Error, Result};
use crate::measure::spectrum::ThirdOctaves;

/// Longest response that is taken, s: what rings for longer is a room, not a device.
const LONGEST_S: u32 = 10;

/// An impulse response at its own rate.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) response: AudioBuffer,
    /// Power gain by bin, the mean of both channels.
    powers: Vec<f64>,
    bin_hz: f64,
}

impl Measured {
    /// Reads a response from a file.
    pub(super) fn load(path: &Path) -> Result<Self> {
        Self::new(load_response(path, LONGEST_S)?)
            .ok_or_else(|| Error::content(path, "it is silent or not finite; is this an impulse response?"))
    }

    /// `None` for a response without finite power.
    pub(super) fn new(response: AudioBuffer) -> Option<Self> {
        let rate = response.sample_rate_hz();
        // Bins of half a hertz or less, so that the lowest bands have several.
        let length = response.frames().max(2 * rate as usize).next_power_of_two();
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(length);
        let mut powers = vec![0.0; length / 2 + 1];
        for channel in [response.left(), response.right()] {
            let mut input: Vec<f64> = channel.iter().map(|x| f64::from(*x)).collect();
            input.resize(length, 0.0);
            let mut bins = fft.make_output_vec();
            fft.process(&mut input, &mut bins).ok()?;
            powers.iter_mut().zip(&bins).for_each(|(power, bin)| *power += 0.5 * bin.norm_sqr());
        }
        let whole: f64 = powers.iter().sum();
        (whole.is_finite() && whole > 0.0).then(|| Self { response, powers, bin_hz: f64::from(rate) / length as f64 })
    }

    /// Mean power gain in third octaves; 0 above half of its sample rate.
    pub(super) fn band_powers(&self, centers_hz: &[f64]) -> Vec<f64> {
        let bin = |hz: f64| (hz / self.bin_hz).round() as usize;
        centers_hz
            .iter()
            .map(|&hz| {
                let bins = self
                    .powers
                    .get(bin(hz / ThirdOctaves::HALF_WIDTH)..=bin(hz * ThirdOctaves::HALF_WIDTH))
                    .unwrap_or(&[]);
                bins.iter().sum::<f64>() / bins.len().max(1) as f64
            })
            .collect()
    }
}
