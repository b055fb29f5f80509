//! A device known by its measured impulse response.

use std::path::Path;

use realfft::RealFftPlanner;

use crate::audio::AudioBuffer;
use crate::error::{Error, Result};
use crate::measure::spectrum::ThirdOctaves;
use crate::source::load_response;
use crate::statistics::mean;

/// Longest response that is taken, s: what rings for longer is a room, not a device.
const LONGEST_S: u32 = 10;

/// An impulse response at its own rate.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) response: AudioBuffer,
    /// Power gain by bin, the mean of both channels, at the level at which pink noise passes as loud as it is: how loud a response was
    /// recorded says nothing about the device.
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
        let mut measured = Self { response, powers, bin_hz: f64::from(rate) / length as f64 };
        let pink = mean(measured.band_powers(ThirdOctaves::below(rate).centers_hz()).into_iter())?;
        measured.powers.iter_mut().for_each(|power| *power /= pink);
        (pink.is_finite() && pink > 0.0).then_some(measured)
    }

    /// Mean power gain in third octaves, of the last one as far as its sample rate reaches; 0 above half of that.
    pub(super) fn band_powers(&self, centers_hz: &[f64]) -> Vec<f64> {
        let bin = |hz: f64| (hz / self.bin_hz).round() as usize;
        let of_band = |&hz: &f64| {
            let last = bin(hz * ThirdOctaves::HALF_WIDTH).min(self.powers.len() - 1);
            let bins = self.powers.get(bin(hz / ThirdOctaves::HALF_WIDTH)..=last).unwrap_or(&[]);
            mean(bins.iter().copied()).filter(|_| bin(hz) < self.powers.len()).unwrap_or(0.0)
        };
        centers_hz.iter().map(of_band).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impulse_of_any_height_is_a_device_that_changes_nothing() {
        for (height, rate_hz) in [(1.0, 48_000), (0.01, 44_100), (100.0, 44_100)] {
            let mut left = vec![0.0; 1000];
            left[10] = height;
            let response = AudioBuffer::from_channels(rate_hz, left.clone(), left);
            let powers = Measured::new(response).expect("finite").band_powers(ThirdOctaves::below(96_000).centers_hz());
            // The uppermost third octave that lies within reaches over the end; those above are silent.
            let held =
                ThirdOctaves::below(96_000).centers_hz().iter().filter(|hz| **hz < 0.5 * f64::from(rate_hz)).count();
            assert!(powers[..held].iter().all(|power| (power - 1.0).abs() < 1e-6), "{powers:?}");
            assert!(powers[held..].iter().all(|power| *power == 0.0), "{powers:?}");
        }
    }
}
