//! The one error type: what went wrong, with which file, and what to do about it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::paths::path_text;

/// Everything that can fail. Each message names the file or setting, the cause and, where there is one, the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened or read.
    #[error("can't read {}: {}", path_text(path), told(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file could not be created, written or renamed.
    #[error("can't write {}: {}", path_text(path), told(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// No known audio format was found in the content.
    #[error("{} is not an audio file that halfspeed can read: {reason}", path_text(path))]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found instead, and what to do.
        reason: String,
    },
    /// The format is known, the content is damaged.
    #[error("{} is damaged at {at_s:.3} s: {reason}", path_text(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How far decoding came, in seconds.
        at_s: f64,
        /// The decoder's reason.
        reason: String,
    },
    /// The content is sound, but not something that can be mastered or measured here.
    #[error("{}: {reason}", path_text(path))]
    Content {
        /// The file.
        path: PathBuf,
        /// What is the matter, and what to do.
        reason: String,
    },
    /// The output already exists.
    #[error("{} exists already; choose another name, or allow it to be replaced", path_text(path))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The output would replace an input.
    #[error("{} is an input and would be overwritten; choose another output", path_text(path))]
    OutputIsInput {
        /// The file.
        path: PathBuf,
    },
    /// A setting is out of its range or contradicts another.
    #[error("{setting}: {reason}")]
    Setting {
        /// Which setting, as the user would find it: `limiter.ceiling_dbtp`, `--bits`.
        setting: String,
        /// What is wrong with it, and the range.
        reason: String,
    },
    /// A recipe file could not be understood.
    #[error("recipe {}: {reason}", path_text(path))]
    Recipe {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// The temporary audio store failed (most often: no space left on the disk).
    #[error(
        "can't use temporary storage in {}: {source}; free some space, or set TMPDIR to another disk",
        path_text(directory)
    )]
    Spool {
        /// The directory that holds temporary files.
        directory: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

/// Shorthand for a result with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the operating system reports, with a remedy where there is a usual one.
fn told(error: &std::io::Error) -> String {
    let is_plain = error.get_ref().is_none();
    match error.kind() {
        ErrorKind::NotFound if is_plain => "there is no such file; check the name".into(),
        ErrorKind::PermissionDenied => "permission denied; check who may read and write there".into(),
        ErrorKind::StorageFull => "the disk is full; free some space, or choose another one".into(),
        ErrorKind::FileTooLarge => {
            "it grows larger than the disk or a limit (ulimit -f) allows; choose another disk, or raise the limit"
                .into()
        }
        ErrorKind::IsADirectory => "it is a folder; give the name of a file".into(),
        ErrorKind::NotADirectory => "a part of its path is a file, not a folder; check the path".into(),
        ErrorKind::InvalidFilename => "the name is too long or not allowed there; choose another one".into(),
        ErrorKind::ReadOnlyFilesystem => "the disk can't be written to; choose another one".into(),
        _ => error.to_string(),
    }
}

impl Error {
    /// The file that it is about; `None` for a setting, and for storage that is no file's.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Read { path, .. }
            | Self::Write { path, .. }
            | Self::Format { path, .. }
            | Self::Damaged { path, .. }
            | Self::Content { path, .. }
            | Self::Exists { path }
            | Self::OutputIsInput { path }
            | Self::Recipe { path, .. } => Some(path),
            Self::Setting { .. } | Self::Spool { .. } => None,
        }
    }

    /// A reading error of `path`.
    pub fn read(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Read { path: path.as_ref().to_owned(), source }
    }

    /// A writing error of `path`.
    pub fn write(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Write { path: path.as_ref().to_owned(), source }
    }

    /// A complaint about what a file holds.
    pub fn content(path: impl AsRef<Path>, reason: impl Into<String>) -> Self {
        Self::Content { path: path.as_ref().to_owned(), reason: reason.into() }
    }

    /// A complaint about a setting.
    pub fn setting(setting: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Setting { setting: setting.into(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_is_an_input_is_told_without_a_command() {
        let told = Error::OutputIsInput { path: "mix.wav".into() }.to_string();
        assert_eq!(told, "mix.wav is an input and would be overwritten; choose another output");
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_utf_8_is_told_by_its_bytes() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(OsStr::from_bytes(b"\xe9.wav"));
        assert_eq!(Error::content(path, "it is odd").to_string(), "\\xe9.wav: it is odd");
    }
}
