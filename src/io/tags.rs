//! What a file says of its music: title, artist and so on, as the `INFO` list of a WAV file has it (IBM and Microsoft, "Multimedia
//! Programming Interface and Data Specifications 1.0", 1991). It has no place for an ISRC or a picture, which are left behind.

use std::collections::BTreeMap;

/// What is carried on, and what Vorbis comments call it.
const KNOWN: [([u8; 4], &str); 8] = [
    (*b"INAM", "TITLE"),
    (*b"IART", "ARTIST"),
    (*b"IPRD", "ALBUM"),
    (*b"ITRK", "TRACKNUMBER"),
    (*b"ICRD", "DATE"),
    (*b"IGNR", "GENRE"),
    (*b"ICMT", "COMMENT"),
    (*b"ICOP", "COPYRIGHT"),
];
/// A longer text is something else.
const MAX_TEXT_BYTES: usize = 1 << 16;

/// Texts about a file's music, at most one of a kind: `INAM` title, `IART` artist, `IPRD` album, `ITRK` track number, `ICRD` date, `IGNR`
/// genre, `ICMT` comment, `ICOP` copyright.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags(BTreeMap<[u8; 4], String>);

impl Tags {
    /// The text of a kind.
    pub fn get(&self, id: [u8; 4]) -> Option<&str> {
        self.0.get(&id).map(String::as_str)
    }

    /// Takes a text on, unless there is one of its kind or it says nothing.
    pub(super) fn add(&mut self, id: [u8; 4], text: &str) {
        let text = text.split('\0').next().unwrap_or_default().trim();
        let is_known = KNOWN.iter().any(|(known, _)| *known == id);
        if is_known && !text.is_empty() && text.len() <= MAX_TEXT_BYTES {
            self.0.entry(id).or_insert_with(|| text.to_owned());
        }
    }

    /// Takes on what another description has beyond this one.
    pub(super) fn complete(&mut self, other: Self) {
        for (id, text) in other.0 {
            self.0.entry(id).or_insert(text);
        }
    }

    /// From Vorbis comments, by their names.
    pub(super) fn of_comments<'a>(comment: impl Fn(&str) -> Option<&'a str>) -> Self {
        let mut tags = Self::default();
        for (id, name) in KNOWN {
            tags.add(id, comment(name).unwrap_or_default());
        }
        tags
    }

    /// From the content of a `LIST` chunk, as far as it is whole; none of another kind of list.
    pub(super) fn of_list(list: &[u8]) -> Self {
        let mut tags = Self::default();
        let mut rest = list.strip_prefix(b"INFO").unwrap_or_default();
        while let Some((head, behind)) = rest.split_first_chunk::<8>() {
            let [a, b, c, d, size @ ..] = *head;
            let size = u32::from_le_bytes(size) as usize;
            let Some(text) = behind.get(..size) else { break };
            tags.add([a, b, c, d], &text_of(text));
            rest = behind.get(size + (size & 1)..).unwrap_or_default();
        }
        tags
    }

    /// The `LIST` chunk, in UTF-8; no bytes where there is nothing to say.
    pub(super) fn chunk(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.0.is_empty() {
            let mut list = b"INFO".to_vec();
            for (id, text) in &self.0 {
                push_chunk(&mut list, id, &[text.as_bytes(), b"\0"].concat());
            }
            push_chunk(&mut out, b"LIST", &list);
        }
        out
    }
}

/// UTF-8, or what was written before that: Latin-1.
fn text_of(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|&byte| char::from(byte)).collect(), str::to_owned)
}

/// Chunks begin at even offsets.
fn push_chunk(out: &mut Vec<u8>, id: &[u8; 4], content: &[u8]) {
    out.extend(id);
    out.extend((content.len() as u32).to_le_bytes());
    out.extend(content);
    if content.len() & 1 == 1 {
        out.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(texts: &[([u8; 4], &str)]) -> Tags {
        let mut tags = Tags::default();
        texts.iter().for_each(|(id, text)| tags.add(*id, text));
        tags
    }

    #[test]
    fn what_is_written_is_read_and_every_text_begins_at_an_even_offset() {
        let known =
            tags(&[(*b"INAM", "Fr\u{fc}hling"), (*b"IART", "odd"), (*b"ITRK", "12"), (*b"IART", "a second one")]);
        let chunk = known.chunk();
        assert_eq!(chunk[8..34], *b"INFOIART\x04\0\0\0odd\0INAM\x0A\0\0\0Fr");
        assert_eq!((chunk.len() - 8) as u32, u32::from_le_bytes(chunk[4..8].try_into().expect("four")));
        assert!(chunk.len().is_multiple_of(2));
        assert_eq!(Tags::of_list(&chunk[8..]), known);
        assert!(tags(&[(*b"INAM", " \0hidden"), (*b"ISFT", "an encoder")]).chunk().is_empty());
    }

    #[test]
    fn a_list_is_read_as_far_as_it_is_whole_and_in_either_coding() {
        let list = b"INFOINAM\x04\0\0\0Fr\xFC\0IART\x03\0\0\0abc\0ICMT\xFF\xFF\xFF\xFFcut";
        let read = Tags::of_list(list);
        assert_eq!((read.get(*b"INAM"), read.get(*b"IART"), read.get(*b"ICMT")), (Some("Fr\u{fc}"), Some("abc"), None));
        (0..list.len()).for_each(|length| drop(Tags::of_list(&list[..length])));
        assert_eq!(Tags::of_list(b"adtlINAM\x02\0\0\0a\0"), Tags::default());
    }
}
