//! Ogg Opus through opus-pure, always at 48 kHz.

use std::fs::File;
use std::io::BufReader;

use opus_pure::{MAX_PACKET_SAMPLES, OggOpusReader, OggPacket, OpusDecoder, Trim};

use super::ogg::require_end;
use super::{BLOCK_FRAMES, Fault, Stream, StreamInfo, too_many_channels};
use crate::audio::AudioBuffer;

/// Opus decodes at this rate, whatever it was made from.
const RATE_HZ: u32 = 48_000;

/// Whether a file's first bytes are those of Ogg Opus: the first page holds nothing but the `OpusHead` packet.
pub(super) fn is_opus(head: &[u8]) -> bool {
    head.len() >= 36 && &head[..4] == b"OggS" && &head[28..36] == b"OpusHead"
}

/// An Ogg Opus file whose headers have been read.
pub(super) struct OpusStream {
    reader: OggOpusReader<BufReader<File>>,
    decoder: OpusDecoder,
    trim: Trim,
    info: StreamInfo,
    packet: OggPacket,
    samples: Vec<f32>,
}

impl OpusStream {
    /// Reads the headers.
    pub(super) fn open(mut file: File) -> Result<Self, Fault> {
        require_end(&mut file)?;
        let reader = OggOpusReader::new(BufReader::new(file)).map_err(fault)?;
        let head = reader.head();
        let channels = head.channel_count;
        if channels > 2 {
            return Err(too_many_channels(u32::from(channels)));
        }
        let decoder = head.decoder(RATE_HZ as i32).map_err(fault)?;
        let trim = Trim::new(head, RATE_HZ as i32, usize::from(channels)).map_err(fault)?;
        let info = StreamInfo {
            format: "Opus",
            sample_rate_hz: RATE_HZ,
            channels: u32::from(channels),
            bits: None,
            float: false,
            lossy: true,
            frames: None,
        };
        let samples = vec![0.0; MAX_PACKET_SAMPLES * usize::from(channels)];
        Ok(Self { reader, decoder, trim, info, packet: OggPacket::default(), samples })
    }
}

impl Stream for OpusStream {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn fill(&mut self, block: &mut AudioBuffer) -> Result<(), Fault> {
        let channels = self.info.channels as usize;
        while block.frames() < BLOCK_FRAMES && self.reader.read_packet_into(&mut self.packet).map_err(fault)? {
            let frames =
                self.decoder.decode(&self.packet.data, MAX_PACKET_SAMPLES, &mut self.samples).map_err(fault)?;
            let kept = self.trim.keep_range(&self.packet, frames * channels);
            for frame in self.samples[kept].chunks_exact(channels) {
                block.push(frame[0], frame[channels - 1]);
            }
        }
        Ok(())
    }
}

fn fault(error: opus_pure::Error) -> Fault {
    match error {
        opus_pure::Error::Io(error) => error.into(),
        other => Fault::Damaged(format!("{other}; get another copy")),
    }
}
