//! Settings files: text, of a size that settings have.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// More than any file of settings has, bytes: an audio file given in its place is not read to its end.
const MOST_BYTES: u64 = 16 << 20;

/// Reads a text file. `kind` says what it should be, for the error: "a recipe is a TOML file".
///
/// # Errors
/// [`Error::Read`] if it can't be read; [`Error::Content`] if it is a folder, not text, or too long.
pub fn read_text(path: &Path, kind: &str) -> Result<String> {
    let other = |what: &str| Error::content(path, format!("it is {what}; {kind}"));
    if path.is_dir() {
        return Err(other("a folder"));
    }
    let file = File::open(path).map_err(|error| Error::read(path, error))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| Error::read(path, error))?;
    let is_long = bytes.len() as u64 > MOST_BYTES;
    match String::from_utf8(bytes) {
        // A character that was cut in two where reading ended is no other text.
        Ok(_) if is_long => Err(other("over 16 MiB long")),
        Err(error) if is_long && error.utf8_error().error_len().is_none() => Err(other("over 16 MiB long")),
        text => text.map_err(|_| other("not text")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_no_settings_file_is_told_by_what_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let told = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, content).expect("space");
            read_text(&path, "a recipe is a TOML file").map_err(|error| error.to_string())
        };
        assert_eq!(told("recipe.toml", b"eq = []"), Ok("eq = []".into()));
        let audio = told("mix.wav", b"RIFF\xff\xfe\x00\x80").expect_err("no text");
        assert!(audio.contains("mix.wav") && audio.contains("it is not text; a recipe is a TOML file"), "{audio}");
        let long = told("long.toml", "#".repeat((MOST_BYTES + 1) as usize).as_bytes()).expect_err("too long");
        assert!(long.contains("it is over 16 MiB long"), "{long}");
        let long =
            told("long.toml", "\u{65e5}".repeat((MOST_BYTES / 3 + 1) as usize).as_bytes()).expect_err("too long");
        assert!(long.contains("it is over 16 MiB long"), "{long}");
    }
}
