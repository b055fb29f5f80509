//! Encodes Ogg Opus through opus-pure.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use opus_pure::{Application, OggOpusWriter, OpusEncoder, OpusHead};

use super::super::path::at_rate;
use crate::audio::AudioBuffer;
use crate::error::{Error, Result};
use crate::io::Spool;

/// Opus runs at this rate.
const RATE_HZ: u32 = 48_000;
/// 20 ms, the frame that encoders use for music.
const FRAME: usize = 960;
/// Longest packet that one frame of two channels makes, bytes (RFC 6716, 3.4).
const MAX_PACKET_BYTES: usize = 2 * 1_275;

pub(super) fn encode(audio: &Spool, kbps: u32, file: File, path: &Path) -> Result<()> {
    let failed = |error: opus_pure::Error| Error::write(path, std::io::Error::other(error.to_string()));
    let mut encoder = OpusEncoder::new(RATE_HZ as i32, 2, Application::Audio).map_err(failed)?;
    encoder.bitrate_bps = 1_000 * kbps as i32;
    let head = OpusHead::for_encoder(&encoder, audio.sample_rate_hz());
    let pre_skip = u64::from(head.pre_skip);
    let mut writer = OggOpusWriter::new(BufWriter::new(file), head).map_err(failed)?;
    let mut packet = vec![0; MAX_PACKET_BYTES];
    let mut pending: Vec<f32> = Vec::new();
    let mut frames = 0;
    at_rate(audio, RATE_HZ, |block: &AudioBuffer| {
        frames += block.frames() as u64;
        pending.extend(block.left().iter().zip(block.right()).flat_map(|(l, r)| [*l, *r]));
        let whole = pending.len() / (2 * FRAME) * (2 * FRAME);
        for input in pending[..whole].chunks_exact(2 * FRAME) {
            let length = encoder.encode(input, FRAME, &mut packet).map_err(failed)?;
            writer.write_packet(&packet[..length]).map_err(failed)?;
        }
        pending.drain(..whole);
        Ok(())
    })?;
    // What the encoder lags is pushed out by silence; the last granule says where the music ends (RFC 7845, 4.4).
    let end = pre_skip + frames;
    while (writer.granule() as u64) < end {
        pending.resize(2 * FRAME, 0.0);
        let length = encoder.encode(&pending, FRAME, &mut packet).map_err(failed)?;
        let left = (end - writer.granule() as u64).min(FRAME as u64);
        writer.write_packet_with_duration(&packet[..length], left as u32).map_err(failed)?;
        pending.clear();
    }
    writer.finish().map_err(failed)?;
    Ok(())
}
