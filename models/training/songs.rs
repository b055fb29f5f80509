//! Songs as both examples read them, and rows as both write them.

use std::fs;
use std::io;
use std::path::Path;

use halfspeed::AudioBuffer;
use halfspeed::io::Decoder;

/// Songs are read up to here, seconds: long ones don't rule.
const SONG_S: usize = 240;

/// The start of a stereo song at 32 kHz or more; `None` for anything else.
pub fn start_of(path: &Path) -> Option<AudioBuffer> {
    let mut decoder = Decoder::open(path).ok()?;
    let rate = decoder.info().sample_rate_hz;
    if decoder.info().channels != 2 || rate < 32_000 {
        return None;
    }
    let (mut song, mut block) = (AudioBuffer::new(rate), AudioBuffer::new(rate));
    while song.frames() < SONG_S * rate as usize && decoder.next_block(&mut block).ok()? {
        song.extend(block.left(), block.right());
    }
    Some(song)
}

/// Writes values as little-endian floats. The file is there once it is whole.
pub fn write_rows<'a>(path: &Path, values: impl IntoIterator<Item = &'a f32>) -> io::Result<()> {
    let bytes: Vec<u8> = values.into_iter().flat_map(|value| value.to_le_bytes()).collect();
    let partial = path.with_extension("part");
    fs::write(&partial, bytes)?;
    fs::rename(&partial, path)
}
