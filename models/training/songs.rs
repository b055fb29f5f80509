//! Songs as both examples read them, and rows as both write them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

use halfspeed::AudioBuffer;
use halfspeed::io::Decoder;
use serde::Deserialize;

/// The split of packages that hold no recordings but modules, MIDI files or projects, of which songs were rendered.
pub const RENDERED: &str = "rendered";

/// Songs are read up to here, seconds: long ones don't rule.
const SONG_S: usize = 240;

/// A package of the lock file.
#[derive(Deserialize)]
pub struct Package {
    pub split: String,
    pub tracks: Vec<String>,
}

/// The packages of the lock file with their names. Rendered ones come last, so that the others have the numbers, and with them
/// the draws, that they had before there were any.
pub fn packages(lock: &str) -> Result<Vec<(String, Package)>, Box<dyn Error>> {
    let packages: BTreeMap<String, Package> = serde_json::from_str(&fs::read_to_string(lock)?)?;
    let mut packages: Vec<_> = packages.into_iter().collect();
    packages.sort_by_key(|(_, of)| of.split == RENDERED);
    Ok(packages)
}

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
