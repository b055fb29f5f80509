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
    let is_short = bytes.len() as u64 <= MOST_BYTES;
    String::from_utf8(bytes).ok().filter(|_| is_short).ok_or_else(|| other("not such a text"))
}
