//! CAF files whose writer left the length of the audio open, as it does into a pipe.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// The size of a chunk that is the last one and reaches to the end of the file (Apple, "Core Audio Format Specification",
/// "Audio Data Chunk").
const OPEN: i64 = -1;
const FILE_HEADER_BYTES: u64 = 8;
const CHUNK_HEADER_BYTES: u64 = 12;
/// No sound file has more chunks than this; more is a trap for the reader.
const MAX_CHUNKS: usize = 10_000;

/// The size that a chunk should state, and where in the file it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MissingSize {
    at: u64,
    size: [u8; 8],
}

/// Looks for audio whose length is left open. Leaves the file at its start.
pub(super) fn missing_size(file: &mut (impl Read + Seek)) -> Result<Option<MissingSize>> {
    let missing = find_open_data(file);
    file.seek(SeekFrom::Start(0))?;
    missing
}

fn find_open_data(file: &mut (impl Read + Seek)) -> Result<Option<MissingSize>> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut at = FILE_HEADER_BYTES;
    for _ in 0..MAX_CHUNKS {
        let start = at + CHUNK_HEADER_BYTES;
        if start > length {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        let (mut kind, mut size) = ([0; 4], [0; 8]);
        file.read_exact(&mut kind)?;
        file.read_exact(&mut size)?;
        let size = i64::from_be_bytes(size);
        if &kind == b"data" && size == OPEN {
            return Ok(Some(MissingSize { at: at + 4, size: (length - start).to_be_bytes() }));
        }
        let Some(next) = start.checked_add_signed(size).filter(|&next| next >= start) else { break };
        at = next;
    }
    Ok(None)
}

/// A file as it would be if its audio stated its length: Symphonia looks for chunks behind it otherwise.
pub(super) struct CompletedFile {
    pub file: File,
    pub missing: MissingSize,
}

impl Read for CompletedFile {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let start = self.file.stream_position()?;
        let count = self.file.read(buffer)?;
        for (at, byte) in (self.missing.at..).zip(self.missing.size) {
            let place = at.checked_sub(start).and_then(|place| usize::try_from(place).ok());
            if let Some(stated) = place.and_then(|place| buffer[..count].get_mut(place)) {
                *stated = byte;
            }
        }
        Ok(count)
    }
}

impl Seek for CompletedFile {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.file.seek(to)
    }
}

impl MediaSource for CompletedFile {
    fn is_seekable(&self) -> bool {
        self.file.is_seekable()
    }

    fn byte_len(&self) -> Option<u64> {
        self.file.byte_len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    /// A file with one chunk before ten bytes of audio that state a size.
    fn file(data_size: i64) -> Vec<u8> {
        let chunk = |kind: &[u8; 4], size: i64, body: &[u8]| [&kind[..], &size.to_be_bytes(), body].concat();
        [b"caff\0\x01\0\0".to_vec(), chunk(b"desc", 3, b"abc"), chunk(b"data", data_size, b"0123456789")].concat()
    }

    #[test]
    fn only_a_size_left_open_is_missing() {
        assert_eq!(missing_size(&mut Cursor::new(file(10))).unwrap(), None);
        let missing = missing_size(&mut Cursor::new(file(OPEN))).unwrap();
        assert_eq!(missing, Some(MissingSize { at: 8 + 12 + 3 + 4, size: 10u64.to_be_bytes() }));
        for size in [i64::MIN, -2, i64::MAX] {
            assert_eq!(missing_size(&mut Cursor::new(file(size))).unwrap(), None);
        }
        let whole = file(OPEN);
        for length in 0..8 + 12 + 3 + 12 {
            assert_eq!(missing_size(&mut Cursor::new(&whole[..length])).unwrap(), None, "{length} bytes");
        }
    }

    #[test]
    fn a_completed_file_reads_as_if_its_size_were_stated_however_it_is_cut() {
        let mut open = tempfile::tempfile().unwrap();
        open.write_all(&file(OPEN)).unwrap();
        let missing = missing_size(&mut open).unwrap().unwrap();
        let mut completed = CompletedFile { file: open, missing };
        for count in 1..40 {
            completed.seek(SeekFrom::Start(0)).unwrap();
            let (mut all, mut block) = (Vec::new(), vec![0; count]);
            loop {
                let filled = completed.read(&mut block).unwrap();
                if filled == 0 {
                    break;
                }
                all.extend_from_slice(&block[..filled]);
            }
            assert_eq!(all, file(10), "{count} bytes at a time");
        }
    }
}
