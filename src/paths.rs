//! How a path is written: in documents, tables, text and errors alike.

use std::fmt::Write;
use std::path::Path;

/// A path as text, whatever its bytes: those that are not UTF-8 are written as `\xff`, so that names that differ in them stay apart.
pub fn path_text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_8_stays_as_it_is() {
        let path = Path::new("songs/\u{65e5}\u{672c} \u{fffd} \\x.wav");
        assert_eq!(Some(path_text(path).as_str()), path.to_str());
    }

    #[cfg(unix)]
    #[test]
    fn other_bytes_stay_apart() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let text = |bytes: &[u8]| path_text(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(text(b"dir/caf\xe9 \xff\xfe.wav"), "dir/caf\\xe9 \\xff\\xfe.wav");
        assert_eq!(text(b"\xe6\x97"), "\\xe6\\x97");
        assert_ne!(text(b"\xfe.wav"), text(b"\xff.wav"));
    }
}
