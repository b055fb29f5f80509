//! The edit list of an M4A file: how much encoder delay to cut at its start, and how long it really is.
//!
//! Symphonia reads the edit list and drops it, so the `moov` atom is read here once more.

use std::io::{Read, Seek, SeekFrom};

/// More than the index of a day of audio; a larger one is not read.
const MAX_MOOV_BYTES: u64 = 64 << 20;

/// The part of the decoded audio that is meant to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    /// Frames of encoder delay at the start.
    pub skip: u64,
    /// Frames after that, if stated.
    pub take: Option<u64>,
}

/// Looks for iTunes' gapless tag, then for an edit list of the track. Leaves the file at its start.
pub(super) fn find_edit(file: &mut (impl Read + Seek), track_id: u32, rate_hz: u32) -> std::io::Result<Option<Edit>> {
    let moov = read_moov(file);
    file.seek(SeekFrom::Start(0))?;
    Ok(moov?.and_then(|moov| gapless_tag(&moov).or_else(|| edit_list(&moov, track_id, rate_hz))))
}

/// Finds the `moov` atom and reads its content.
fn read_moov(file: &mut (impl Read + Seek)) -> std::io::Result<Option<Vec<u8>>> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut at = 0;
    while at + 8 <= length {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        let (short, long) = head.split_at_mut(8);
        file.read_exact(short)?;
        let mut size = u64::from(be32(short, 0).unwrap_or(0));
        let mut head_bytes = 8;
        if size == 1 {
            file.read_exact(long)?;
            size = be64(long, 0).unwrap_or(0);
            head_bytes = 16;
        }
        if size == 0 {
            size = length - at;
        }
        if size < head_bytes {
            return Ok(None);
        }
        if &short[4..8] == b"moov" {
            let bytes = (size - head_bytes).min(length - at - head_bytes.min(length - at));
            if bytes > MAX_MOOV_BYTES {
                return Ok(None);
            }
            let mut moov = Vec::new();
            file.by_ref().take(bytes).read_to_end(&mut moov)?;
            return Ok(Some(moov));
        }
        let Some(next) = at.checked_add(size) else { return Ok(None) };
        at = next;
    }
    Ok(None)
}

/// The edit of a track that has exactly one edit besides empty ones.
fn edit_list(moov: &[u8], track_id: u32, rate_hz: u32) -> Option<Edit> {
    let movie_scale = scale_and_duration(find(moov, &[b"mvhd"])?)?.0;
    let track = atoms(moov).filter(|(kind, _)| kind == b"trak").map(|(_, body)| body).find(|track| {
        find(track, &[b"tkhd"]).and_then(|tkhd| be32(tkhd, if tkhd.first() == Some(&1) { 20 } else { 12 }))
            == Some(track_id)
    })?;
    let (media_scale, media_duration) = scale_and_duration(find(track, &[b"mdia", b"mdhd"])?)?;
    let list = find(track, &[b"edts", b"elst"])?;
    let long = list.first() == Some(&1);
    let entries = list.get(8..)?.chunks_exact(if long { 20 } else { 12 }).take(be32(list, 4)? as usize);
    let mut edits = entries.filter_map(|entry| {
        let (duration, start) = if long {
            (be64(entry, 0)?, be64(entry, 8)? as i64)
        } else {
            (u64::from(be32(entry, 0)?), i64::from(be32(entry, 4)? as i32))
        };
        // A start of -1 is silence put before the audio; a programme has no use for it.
        Some((duration, u64::try_from(start).ok()?))
    });
    let (duration, start) = edits.next()?;
    if edits.next().is_some() {
        return None;
    }
    let skip = rescale(start, rate_hz, media_scale)?;
    // The edit's duration counts in ticks of the movie, often milliseconds. Where the media itself ends within such a
    // tick of it, its finer count is the true one.
    let coarse = rescale(duration, rate_hz, movie_scale)?;
    let fine = rescale(media_duration.saturating_sub(start), rate_hz, media_scale)?;
    let tick = u64::from(rate_hz.div_ceil(movie_scale)) + 1;
    let take = if coarse.abs_diff(fine) <= tick { fine } else { coarse };
    Some(Edit { skip, take: Some(take).filter(|&frames| frames > 0) })
}

/// iTunes' `iTunSMPB` tag: delay, padding and length as hexadecimal text.
fn gapless_tag(moov: &[u8]) -> Option<Edit> {
    // `meta` is an atom with four bytes of version and flags before its children.
    let tags = find(find(moov, &[b"udta", b"meta"])?.get(4..)?, &[b"ilst"])?;
    let data = atoms(tags).filter(|(kind, _)| kind == b"----").find_map(|(_, tag)| {
        let named = find(tag, &[b"name"]).and_then(|name| name.get(4..)) == Some(b"iTunSMPB");
        named.then(|| find(tag, &[b"data"])).flatten()
    })?;
    let text = std::str::from_utf8(data.get(8..)?).ok()?;
    let mut numbers = text.split_whitespace().map(|word| u64::from_str_radix(word, 16).ok());
    let (skip, _padding, take) = (numbers.nth(1)??, numbers.next()??, numbers.next()??);
    Some(Edit { skip, take: Some(take).filter(|&frames| frames > 0) })
}

/// Ticks a second and length in ticks of a `mvhd` or `mdhd` atom.
fn scale_and_duration(header: &[u8]) -> Option<(u32, u64)> {
    let (scale, duration) = if header.first() == Some(&1) {
        (be32(header, 20)?, be64(header, 24)?)
    } else {
        (be32(header, 12)?, u64::from(be32(header, 16)?))
    };
    (scale > 0).then_some((scale, duration))
}

/// Ticks to frames, to nearest.
fn rescale(ticks: u64, rate_hz: u32, scale: u32) -> Option<u64> {
    let frames = (u128::from(ticks) * u128::from(rate_hz) + u128::from(scale / 2)) / u128::from(scale);
    u64::try_from(frames).ok()
}

/// The body of the first atom at a path of kinds.
fn find<'a>(mut body: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    for kind in path {
        body = atoms(body).find(|(found, _)| found == *kind)?.1;
    }
    Some(body)
}

/// The atoms in a body: kind and content. Stops at the first that does not fit.
fn atoms(mut body: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let size = be32(body, 0)? as usize;
        let kind = body.get(4..8)?.try_into().ok()?;
        let content = body.get(8..size)?;
        body = &body[size..];
        Some((kind, content))
    })
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// A movie at 1000 ticks a second with a track 1 at 44100.
    fn movie(edits: &[u32], tags: &[u8]) -> Vec<u8> {
        let track = [
            atom(b"tkhd", &words(&[0, 0, 0, 1])),
            atom(b"edts", &atom(b"elst", &words(&[&[0, edits.len() as u32 / 3], edits].concat()))),
            atom(b"mdia", &atom(b"mdhd", &words(&[0, 0, 0, 44_100, 1_024 + 30_001]))),
        ];
        let moov = [atom(b"mvhd", &words(&[0, 0, 0, 1_000, 680])), atom(b"trak", &track.concat()), tags.to_vec()];
        [atom(b"ftyp", b"M4A "), atom(b"moov", &moov.concat())].concat()
    }

    fn edit(file: Vec<u8>) -> Option<Edit> {
        find_edit(&mut Cursor::new(file), 1, 44_100).unwrap()
    }

    #[test]
    fn the_media_length_refines_an_edit_in_milliseconds() {
        assert_eq!(edit(movie(&[680, 1_024, 0x10000], &[])), Some(Edit { skip: 1_024, take: Some(30_001) }));
    }

    #[test]
    fn an_edit_that_ends_early_counts() {
        assert_eq!(edit(movie(&[500, 1_024, 0x10000], &[])), Some(Edit { skip: 1_024, take: Some(22_050) }));
    }

    #[test]
    fn empty_edits_are_passed_over_and_cuts_are_left_alone() {
        assert_eq!(edit(movie(&[9, u32::MAX, 0x10000, 680, 1_024, 0x10000], &[])).unwrap().skip, 1_024);
        assert_eq!(edit(movie(&[100, 1_024, 0x10000, 100, 9_000, 0x10000], &[])), None);
    }

    #[test]
    fn the_gapless_tag_goes_first() {
        let text = b"\0\0\0\x01\0\0\0\0 00000000 00000840 000001CA 0000000000007531 00000000";
        let tag = [atom(b"mean", b"\0\0\0\0com.apple.iTunes"), atom(b"name", b"\0\0\0\0iTunSMPB"), atom(b"data", text)];
        let list = atom(b"ilst", &atom(b"----", &tag.concat()));
        let tags = atom(b"udta", &atom(b"meta", &[vec![0; 4], list].concat()));
        assert_eq!(edit(movie(&[680, 1_024, 0x10000], &tags)), Some(Edit { skip: 2_112, take: Some(30_001) }));
    }

    #[test]
    fn no_prefix_and_no_single_byte_makes_it_panic() {
        let file = movie(&[680, 1_024, 0x10000], &[]);
        for length in 0..file.len() {
            let _ = find_edit(&mut Cursor::new(&file[..length]), 1, 44_100);
        }
        for at in 0..file.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut bytes = file.clone();
                bytes[at] = value;
                let _ = find_edit(&mut Cursor::new(bytes), 1, 44_100);
            }
        }
    }
}
