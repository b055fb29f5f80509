//! Tells a complete Ogg file from one that breaks off, and from several in a row.

use std::io::{Read, Seek, SeekFrom};

use super::Fault;

/// The longest page: header, segment table, 255 segments of 255 bytes.
const MAX_PAGE_BYTES: u64 = 27 + 255 + 255 * 255;
/// How a page begins: its mark and the version of the format (RFC 3533, section 6).
const PAGE_START: &[u8] = b"OggS\0";
/// Flag of the last page of a stream (RFC 3533, section 6).
const END_OF_STREAM: u8 = 4;

/// Fails if the last page is cut off. Leaves the file at its start.
///
/// Decoders end quietly at such a place, and nothing else in an Ogg file says how long it should be. Some writers leave the mark of the
/// last page out: a page that is whole and ends with the file is taken for the last all the same, and told.
pub(super) fn require_end(file: &mut (impl Read + Seek)) -> Result<(), Fault> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(2 * MAX_PAGE_BYTES)))?;
    let mut tail = Vec::new();
    file.by_ref().take(2 * MAX_PAGE_BYTES).read_to_end(&mut tail)?;
    file.seek(SeekFrom::Start(0))?;
    if last_page_ends(&tail) {
        return Ok(());
    }
    if last_page_fills(&tail) {
        log::warn!(
            "the last page of an Ogg file is whole but not marked as the last: compare its length with the original's"
        );
        return Ok(());
    }
    Err(Fault::Damaged("the file breaks off before the end of its stream; get a complete copy".into()))
}

/// Whether a page begins in what follows the last one of a stream. Tags behind it are none.
pub(super) fn goes_on(following: impl Read) -> std::io::Result<bool> {
    let mut bytes = Vec::new();
    following.take(MAX_PAGE_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes.windows(PAGE_START.len()).any(|bytes| bytes == PAGE_START))
}

/// Whether the last page in `tail` is all there and marked as the last of its stream.
fn last_page_ends(tail: &[u8]) -> bool {
    last_page(tail).is_some_and(|(page, length)| page.len() >= length && page[5] & END_OF_STREAM != 0)
}

/// Whether the last page in `tail` ends where that does.
fn last_page_fills(tail: &[u8]) -> bool {
    last_page(tail).is_some_and(|(page, length)| page.len() == length)
}

/// What begins with the last page in `tail`, and the length that the page should have.
fn last_page(tail: &[u8]) -> Option<(&[u8], usize)> {
    let page = &tail[tail.windows(PAGE_START.len()).rposition(|bytes| bytes == PAGE_START)?..];
    let segments = usize::from(*page.get(26)?);
    let body: usize = page.get(27..27 + segments)?.iter().map(|&bytes| usize::from(bytes)).sum();
    Some((page, 27 + segments + body))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with one segment of three bytes.
    fn page(flags: u8) -> Vec<u8> {
        let mut page = PAGE_START.to_vec();
        page.push(flags);
        page.extend([0; 20]);
        page.extend([1, 3, 7, 7, 7]);
        page
    }

    #[test]
    fn what_follows_a_stream_is_another_only_if_it_has_a_page() {
        assert!(goes_on(&page(0)[..]).unwrap() && goes_on(&[b"TAG".to_vec(), page(2)].concat()[..]).unwrap());
        assert!(!goes_on(&b""[..]).unwrap() && !goes_on(&b"TAG behind it, named OggS"[..]).unwrap());
    }

    #[test]
    fn only_a_whole_last_page_with_its_flag_is_an_end() {
        assert!(last_page_ends(&[page(0), page(END_OF_STREAM)].concat()));
        assert!(last_page_ends(&[page(END_OF_STREAM), b"TAG behind it".to_vec()].concat()));
        assert!(!last_page_ends(&[page(END_OF_STREAM), page(0)].concat()));
        assert!(last_page_fills(&page(0)) && !last_page_fills(&[page(0), b"T".to_vec()].concat()));
        let whole = page(END_OF_STREAM);
        for length in 0..whole.len() {
            assert!(!last_page_ends(&whole[..length]) && !last_page_fills(&whole[..length]), "{length} bytes");
        }
    }
}
