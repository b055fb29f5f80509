//! A programme at the listener's ear: what a device leaves of it, over the noise.

use super::devices::Device;
use super::programme::Programme;
use crate::measure::weighting::threshold_in_quiet_db;
use crate::units::{db_to_power, power_to_db};

/// How far a listener turns the volume up for a programme of which the device leaves little, dB.
const MOST_VOLUME_DB: f64 = 12.0;

/// Power gains of a device in third octaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// On the mid.
    pub(super) mid: Vec<f64>,
    /// On the side.
    pub(super) side: Vec<f64>,
}

impl Response {
    /// The response of a device's table in bands around some centres. `measured` are the power gains of an impulse
    /// response, if the device has one.
    pub(super) fn new(device: &Device, centers_hz: &[f64], measured: Option<&[f64]>) -> Self {
        let gain = |band: usize| match measured {
            Some(gains) => gains[band],
            None => db_to_power(device.gain_db_at(centers_hz[band])),
        };
        let crossfeed = |hz| device.crossfeed.map_or([1.0; 2], |settings| settings.mid_side_power_at(hz));
        let kept = device.side_powers(centers_hz);
        let (mid, side) = (0..centers_hz.len())
            .map(|band| {
                let [mid, side] = crossfeed(centers_hz[band]);
                (gain(band) * mid, gain(band) * side * kept[band])
            })
            .unzip();
        Self { mid, side }
    }

    /// What is left of mean powers of mid and side.
    pub(super) fn of(&self, mean: &[[f64; 2]]) -> Vec<[f64; 2]> {
        let gains = self.mid.iter().zip(&self.side);
        mean.iter().zip(gains).map(|(power, (mid, side))| [power[0] * mid, power[1] * side]).collect()
    }
}

/// Powers at the ear, as sound pressure squared over that of 0 dB SPL.
pub(super) struct Ear<'a> {
    /// What is played.
    pub(super) programme: &'a Programme,
    pub(super) device: &'a Device,
    pub(super) response: Response,
    /// What a band's power is multiplied by on its way from the programme, besides the response.
    pub(super) scale: f64,
    /// Noise and the threshold in quiet, in each band.
    pub(super) floor: Vec<f64>,
}

impl<'a> Ear<'a> {
    /// A programme through a device. The listener sets the volume so that it is as loud as the device is listened to.
    pub(super) fn new(programme: &'a Programme, device: &'a Device, response: Response) -> Self {
        let left = response.of(&programme.whole);
        let lost_db = power_to_db(programme.weighted(&programme.whole) / programme.weighted(&left));
        let volume_db = if lost_db.is_nan() { 0.0 } else { lost_db.min(MOST_VOLUME_DB) };
        let scale = db_to_power(Programme::spl_offset_db(device.listening_db_spl) + volume_db);
        let noise_bands = device.noise.map(|noise| noise.bands());
        let floor = programme
            .bands
            .centers_hz()
            .iter()
            .map(|&hz| {
                let band = (10.0 * (hz / 1000.0).log10()).round() as i32;
                let noise = noise_bands.map_or(0.0, |bands| db_to_power(bands.level_db(band)));
                noise + db_to_power(threshold_in_quiet_db(hz))
            })
            .collect();
        Self { programme, device, response, scale, floor }
    }

    /// Powers of mid and side of a frame at the ear.
    pub(super) fn frame(&self, index: usize) -> impl Iterator<Item = [f64; 2]> + '_ {
        let (mid, side) = self.programme.frame(index);
        let gains = self.response.mid.iter().zip(&self.response.side);
        mid.iter()
            .zip(side)
            .zip(gains)
            .map(|((m, s), (gm, gs))| [self.scale * gm * f64::from(*m), self.scale * gs * f64::from(*s)])
    }
}
