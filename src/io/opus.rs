//! Ogg Opus through opus-pure, always at 48 kHz.

use std::fs::File;
use std::io::{BufReader, Read};

use opus_pure::{MAX_PACKET_SAMPLES, OggOpusReader, OggPacket, OpusDecoder, Trim};

use super::ogg::{goes_on, require_end};
use super::{BLOCK_FRAMES, Fault, Stream, StreamInfo, Tags, several_streams, too_many_channels};
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
    start: Start,
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
            tags: Tags::of_comments(|name| reader.tags().get(name)),
        };
        let samples = vec![0.0; MAX_PACKET_SAMPLES * usize::from(channels)];
        Ok(Self { reader, decoder, trim, start: Start::default(), info, packet: OggPacket::default(), samples })
    }

    /// The stream has ended: so should the file.
    fn end(&self) -> Result<(), Fault> {
        let source = self.reader.get_ref();
        if goes_on(source.buffer().chain(source.get_ref()))? { Err(several_streams()) } else { Ok(()) }
    }
}

/// Where a stream begins to count. A recording of a broadcast goes on from the broadcast's count (RFC 7845, section 4.5), while
/// [`Trim`] expects to begin at 0.
#[derive(Debug, Default)]
struct Start {
    /// The position at the end of the first page that holds audio.
    first_page_end: Option<i64>,
    /// Frames decoded of that page so far.
    first_page_frames: i64,
}

impl Start {
    /// The position of a packet's page as if the stream began at 0. A packet decodes to so many frames.
    ///
    /// A first page counts as what it says. Should it be the last one too, nothing tells its start, and its end is what is cut.
    fn since_start(&mut self, page_end: i64, frames: i64) -> i64 {
        let first_page_end = *self.first_page_end.get_or_insert(page_end);
        if page_end == first_page_end {
            self.first_page_frames += frames;
            return page_end;
        }
        page_end.saturating_sub(first_page_end.saturating_sub(self.first_page_frames).max(0))
    }
}

impl Stream for OpusStream {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn fill(&mut self, block: &mut AudioBuffer) -> Result<(), Fault> {
        let channels = self.info.channels as usize;
        while block.frames() < BLOCK_FRAMES {
            if !self.reader.read_packet_into(&mut self.packet).map_err(fault)? {
                return self.end();
            }
            let frames =
                self.decoder.decode(&self.packet.data, MAX_PACKET_SAMPLES, &mut self.samples).map_err(fault)?;
            self.packet.page_granule = self.start.since_start(self.packet.page_granule, frames as i64);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_the_first_packet_whatever_a_broadcast_had_counted_before() {
        for before in [0i64, 48_000, 1 << 40] {
            let mut start = Start::default();
            let pages: [(i64, i64); 5] = [(1_920, 960), (1_920, 960), (3_840, 960), (3_840, 960), (4_100, 960)];
            let ends: Vec<i64> = pages.iter().map(|(end, frames)| start.since_start(before + end, *frames)).collect();
            assert_eq!(ends[2..], [3_840, 3_840, 4_100], "{before}");
        }
        // The only page of a stream that begins at 0, padded at its end.
        assert_eq!(Start::default().since_start(700, 960), 700);
        for hostile in [i64::MIN, -1, i64::MAX] {
            let mut start = Start::default();
            start.since_start(hostile, 960);
            start.since_start(0, 960);
        }
    }
}
