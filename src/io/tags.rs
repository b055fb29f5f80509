//! What a file says of its music: title, artist and so on, as the `INFO` list of a WAV file has it (IBM and Microsoft, "Multimedia
//! Programming Interface and Data Specifications 1.0", 1991). It has no place for an ISRC or a picture, which are left behind.

use std::collections::BTreeMap;

/// A longer text is something else.
const MAX_TEXT_BYTES: usize = 1 << 16;

/// What a text is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Tag {
    /// Title of the song.
    Title,
    /// Who plays it.
    Artist,
    /// What it was released on.
    Album,
    /// Its place there.
    TrackNumber,
    /// When it was released.
    Date,
    /// Its kind.
    Genre,
    /// Anything else.
    Comment,
    /// Whose it is.
    Copyright,
}

impl Tag {
    /// Every one.
    const ALL: [Self; 8] = [
        Self::Title,
        Self::Artist,
        Self::Album,
        Self::TrackNumber,
        Self::Date,
        Self::Genre,
        Self::Comment,
        Self::Copyright,
    ];

    /// What the `INFO` list of a WAV file calls it, and what Vorbis comments do.
    const fn names(self) -> ([u8; 4], &'static str) {
        match self {
            Self::Title => (*b"INAM", "TITLE"),
            Self::Artist => (*b"IART", "ARTIST"),
            Self::Album => (*b"IPRD", "ALBUM"),
            Self::TrackNumber => (*b"ITRK", "TRACKNUMBER"),
            Self::Date => (*b"ICRD", "DATE"),
            Self::Genre => (*b"IGNR", "GENRE"),
            Self::Comment => (*b"ICMT", "COMMENT"),
            Self::Copyright => (*b"ICOP", "COPYRIGHT"),
        }
    }
}

/// Texts about a file's music, at most one of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags(BTreeMap<Tag, String>);

impl Tags {
    /// The text of a kind.
    pub fn get(&self, tag: Tag) -> Option<&str> {
        self.0.get(&tag).map(String::as_str)
    }

    /// Puts a text in place of any of its kind: up to its first NUL, without white space about it. One that says nothing, or has more
    /// than 64 KiB, leaves none.
    pub fn set(&mut self, tag: Tag, text: &str) {
        self.0.remove(&tag);
        self.add(tag, text);
    }

    /// Takes a text on, unless there is one of its kind or it says nothing.
    pub(super) fn add(&mut self, tag: Tag, text: &str) {
        let text = text.split('\0').next().unwrap_or_default().trim();
        if !text.is_empty() && text.len() <= MAX_TEXT_BYTES {
            self.0.entry(tag).or_insert_with(|| text.to_owned());
        }
    }

    /// Takes on what another description has beyond this one.
    pub(super) fn complete(&mut self, other: Self) {
        for (tag, text) in other.0 {
            self.0.entry(tag).or_insert(text);
        }
    }

    /// From Vorbis comments, by their names.
    pub(super) fn of_comments<'a>(comment: impl Fn(&str) -> Option<&'a str>) -> Self {
        let mut tags = Self::default();
        for tag in Tag::ALL {
            tags.add(tag, comment(tag.names().1).unwrap_or_default());
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
            if let Some(tag) = Tag::ALL.into_iter().find(|tag| tag.names().0 == [a, b, c, d]) {
                tags.add(tag, &text_of(text));
            }
            rest = behind.get(size + (size & 1)..).unwrap_or_default();
        }
        tags
    }

    /// The `LIST` chunk, in UTF-8; no bytes where there is nothing to say.
    pub(super) fn chunk(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.0.is_empty() {
            let mut list = b"INFO".to_vec();
            for (tag, text) in &self.0 {
                push_chunk(&mut list, &tag.names().0, &[text.as_bytes(), b"\0"].concat());
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

    fn tags(texts: &[(Tag, &str)]) -> Tags {
        let mut tags = Tags::default();
        texts.iter().for_each(|(tag, text)| tags.add(*tag, text));
        tags
    }

    #[test]
    fn what_is_written_is_read_and_every_text_begins_at_an_even_offset() {
        let known = tags(&[
            (Tag::Artist, "Fr\u{fc}hling"),
            (Tag::Title, "odd"),
            (Tag::TrackNumber, "12"),
            (Tag::Title, "a second one"),
        ]);
        let chunk = known.chunk();
        assert_eq!(chunk[8..34], *b"INFOINAM\x04\0\0\0odd\0IART\x0A\0\0\0Fr");
        assert_eq!((chunk.len() - 8) as u32, u32::from_le_bytes(chunk[4..8].try_into().expect("four")));
        assert!(chunk.len().is_multiple_of(2));
        assert_eq!(Tags::of_list(&chunk[8..]), known);
        assert!(tags(&[(Tag::Title, " \0hidden")]).chunk().is_empty());
        assert_eq!(Tags::of_list(b"INFOISFT\x04\0\0\0who\0"), Tags::default(), "an encoder");
    }

    #[test]
    fn a_text_that_is_set_takes_the_place_of_another() {
        let mut song = tags(&[(Tag::Title, "a draft"), (Tag::Artist, "who")]);
        song.set(Tag::Title, " final ");
        song.set(Tag::Artist, "");
        assert_eq!((song.get(Tag::Title), song.get(Tag::Artist)), (Some("final"), None));
    }

    #[test]
    fn a_list_is_read_as_far_as_it_is_whole_and_in_either_coding() {
        let list = b"INFOINAM\x04\0\0\0Fr\xFC\0IART\x03\0\0\0abc\0ICMT\xFF\xFF\xFF\xFFcut";
        let read = Tags::of_list(list);
        let told = [Tag::Title, Tag::Artist, Tag::Comment].map(|tag| read.get(tag));
        assert_eq!(told, [Some("Fr\u{fc}"), Some("abc"), None]);
        (0..list.len()).for_each(|length| drop(Tags::of_list(&list[..length])));
        assert_eq!(Tags::of_list(b"adtlINAM\x02\0\0\0a\0"), Tags::default());
    }
}
