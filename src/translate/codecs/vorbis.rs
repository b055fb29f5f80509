//! Encodes Ogg Vorbis through aoTuV's libvorbis.

use std::fs::File;
use std::io::BufWriter;
use std::num::{NonZeroU8, NonZeroU32};
use std::path::Path;

use vorbis_rs::{VorbisBitrateManagementStrategy, VorbisEncoderBuilder};

use super::super::path::at_rate;
use super::stream_rate_hz;
use crate::error::{Error, Result};
use crate::io::Spool;

/// Nominal bit rates in kbit/s of the quality levels 0, 1, ... 10 at 44.1 and 48 kHz.
const NOMINAL_KBPS: [f64; 11] = [64.0, 80.0, 96.0, 112.0, 128.0, 160.0, 192.0, 224.0, 256.0, 320.0, 500.0];
/// The same programme gives the same file: no random number of the stream.
const SERIAL: i32 = 1;
/// The rates that services send, for which these hold, Hz.
const RATES_HZ: [u32; 2] = [44_100, 48_000];

/// The quality, -0.1 to 1, whose nominal bit rate is this.
fn quality(kbps: u32) -> f32 {
    let kbps = f64::from(kbps);
    let below = NOMINAL_KBPS.iter().rposition(|nominal| *nominal <= kbps).unwrap_or(0).min(NOMINAL_KBPS.len() - 2);
    let (low, high) = (NOMINAL_KBPS[below], NOMINAL_KBPS[below + 1]);
    (0.1 * (below as f64 + (kbps - low) / (high - low))).clamp(-0.1, 1.0) as f32
}

pub(super) fn encode(audio: &Spool, kbps: u32, file: File, path: &Path) -> Result<()> {
    let failed = |error: vorbis_rs::VorbisError| Error::write(path, std::io::Error::other(error.to_string()));
    let rate_hz = stream_rate_hz(audio.sample_rate_hz(), |rate_hz| RATES_HZ.contains(&rate_hz));
    let rate = NonZeroU32::new(rate_hz).unwrap_or(NonZeroU32::MIN);
    let channels = NonZeroU8::MIN.saturating_add(1);
    let mut encoder = VorbisEncoderBuilder::new_with_serial(rate, channels, BufWriter::new(file), SERIAL)
        .bitrate_management_strategy(VorbisBitrateManagementStrategy::QualityVbr { target_quality: quality(kbps) })
        .build()
        .map_err(failed)?;
    at_rate(audio, rate_hz, |block| encoder.encode_audio_block([block.left(), block.right()]).map_err(failed))?;
    encoder.finish().map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_rates_are_those_of_the_quality_levels() {
        for (kbps, expected) in [(64, 0.0), (96, 0.2), (160, 0.5), (320, 0.9), (500, 1.0), (144, 0.45), (32, -0.1)] {
            assert!((quality(kbps) - expected).abs() < 1e-6, "{kbps}: {}", quality(kbps));
        }
    }
}
