//! Files that appear only when they are complete, and folders that are gone with the run.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{NamedTempFile, TempPath};

use crate::error::{Error, Result};
use crate::paths::path_text;

/// Temporary files and folders that exist now, and whether more may be made.
///
/// Each is made, renamed or removed, and forgotten under this lock, so that [`remove_unfinished`] misses none.
struct Unfinished {
    paths: Vec<PathBuf>,
    closed: bool,
}

impl Unfinished {
    fn forget(&mut self, path: &Path) {
        self.paths.retain(|known| known != path);
    }
}

static UNFINISHED: Mutex<Unfinished> = Mutex::new(Unfinished { paths: Vec::new(), closed: false });

fn unfinished() -> MutexGuard<'static, Unfinished> {
    // The list is sound after any panic: at worst it names a file that is gone.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every unfinished output and scratch folder of this process and lets none be made or completed any more.
///
/// For the handler of Ctrl-C, just before the process ends. A handler that runs as an ordinary thread (the `ctrlc`
/// crate) may call it at any time; a raw signal handler may not, since it takes a lock.
pub fn remove_unfinished() {
    let mut unfinished = unfinished();
    unfinished.closed = true;
    for path in unfinished.paths.drain(..) {
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
}

/// Checks that a folder is there, or can be made in one that is.
///
/// # Errors
/// [`Error::Write`] where something else stands in its place.
pub fn check_output_folder(folder: &Path) -> Result<()> {
    let there = folder.ancestors().find(|ancestor| ancestor.exists());
    if there.is_some_and(|there| !there.is_dir()) {
        return Err(Error::write(folder, io::ErrorKind::NotADirectory.into()));
    }
    Ok(())
}

/// Checks an output before any work goes into it.
///
/// # Errors
/// [`Error::OutputIsInput`] if it is one of `inputs`, under whatever name; [`Error::Exists`] if it exists and `force`
/// is not set; [`Error::Write`] if it is a folder or a device, names one of them, or lies in no folder.
pub fn check_output(path: &Path, inputs: &[&Path], force: bool) -> Result<()> {
    let folder = folder_of(path);
    if !folder.is_dir() {
        let folder_is =
            if folder.exists() { "is no folder; choose another one" } else { "does not exist; create it first" };
        let reason = format!("the folder {} {folder_is}", path_text(folder));
        return Err(Error::write(path, io::Error::new(io::ErrorKind::NotFound, reason)));
    }
    if path.is_dir() {
        let reason = "it is a folder; name a file in it";
        return Err(Error::write(path, io::Error::new(io::ErrorKind::IsADirectory, reason)));
    }
    if path.file_name().is_none() || ends_as_folder(path) {
        let reason = "it names no file; let it end in a file's name";
        return Err(Error::write(path, io::Error::new(io::ErrorKind::InvalidInput, reason)));
    }
    require_replaceable(path)?;
    if let Ok(output) = path.canonicalize()
        && inputs.iter().any(|input| input.canonicalize().is_ok_and(|input| input == output))
    {
        return Err(Error::OutputIsInput { path: path.to_owned() });
    }
    if !force && path.symlink_metadata().is_ok() {
        return Err(Error::Exists { path: path.to_owned() });
    }
    Ok(())
}

/// Whether a path ends in a separator, or in `.` after one: what is renamed to it would have to be a folder.
fn ends_as_folder(path: &Path) -> bool {
    let name = path.as_os_str().as_encoded_bytes();
    let name = name.strip_suffix(b".").unwrap_or(name);
    name.last().is_some_and(|&byte| std::path::is_separator(char::from(byte)))
}

/// Fails where a device or a pipe is: an output is renamed to its place, and would put a file there for good.
fn require_replaceable(path: &Path) -> Result<()> {
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        let reason = "it is not a regular file; name another place";
        return Err(Error::write(path, io::Error::new(io::ErrorKind::InvalidInput, reason)));
    }
    Ok(())
}

/// Whether two paths name one place for a file, in whatever way they are spelled.
pub fn is_same_place(a: &Path, b: &Path) -> bool {
    let folder = |path: &Path| folder_of(path).canonicalize().ok();
    a == b || (a.file_name() == b.file_name() && folder(a).is_some() && folder(a) == folder(b))
}

/// A file under a temporary name in the folder of its destination, renamed into place when it is complete.
///
/// Dropped without [`OutputFile::commit`] it leaves nothing behind. Write through [`Write`] and [`Seek`].
#[derive(Debug)]
pub struct OutputFile {
    destination: PathBuf,
    file: File,
    /// `None` only after `commit` has taken it.
    temporary: Option<TempPath>,
}

impl OutputFile {
    /// Makes the temporary file. The destination itself is not touched.
    ///
    /// # Errors
    /// [`Error::Write`] if the folder can't be written to.
    pub fn create(destination: &Path) -> Result<Self> {
        let mut unfinished = unfinished();
        if unfinished.closed {
            return Err(Error::write(destination, io::ErrorKind::Interrupted.into()));
        }
        let file = make_temporary(folder_of(destination)).map_err(|error| Error::write(destination, error))?;
        let (file, temporary) = file.into_parts();
        unfinished.paths.push(temporary.to_path_buf());
        Ok(Self { destination: destination.to_owned(), file, temporary: Some(temporary) })
    }

    /// Where it will go.
    pub fn destination(&self) -> &Path {
        &self.destination
    }

    /// Where it is now: to read back what was written before it is committed.
    pub fn temporary(&self) -> &Path {
        self.temporary.as_deref().unwrap_or(&self.destination)
    }

    /// Brings everything to the disk and renames it to its destination; replaces a file there only with `force`.
    ///
    /// # Errors
    /// [`Error::Exists`] without `force`, even if the other file appeared a moment ago; [`Error::Write`] if the system
    /// reports a late error, or something else than a file is there. The temporary file is gone in either case.
    pub fn commit(mut self, force: bool) -> Result<()> {
        require_replaceable(&self.destination)?;
        // Late errors (quota, network) show here, before anything is replaced.
        self.file.sync_all().map_err(|error| Error::write(&self.destination, error))?;
        let Some(temporary) = self.temporary.take() else { return Ok(()) };
        let mut unfinished = unfinished();
        unfinished.forget(&temporary);
        let moved = if force {
            temporary.persist(&self.destination)
        } else {
            match temporary.persist_noclobber(&self.destination) {
                // Some file systems can't refuse to replace in one step; look first, then.
                Err(error) if error.error.kind() == io::ErrorKind::Unsupported && !self.destination.exists() => {
                    error.path.persist(&self.destination)
                }
                other => other,
            }
        };
        moved.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists if !force => Error::Exists { path: self.destination.clone() },
            _ => Error::write(&self.destination, error.error),
        })
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            let mut unfinished = unfinished();
            unfinished.forget(&temporary);
            drop(temporary);
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for OutputFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// A folder for what other code can only write to a path; removed with all that is in it when dropped.
#[derive(Debug)]
pub struct ScratchFolder {
    path: PathBuf,
}

impl ScratchFolder {
    /// Makes one where the system keeps temporary files.
    ///
    /// # Errors
    /// [`Error::Spool`] if it can't be made.
    pub fn new() -> Result<Self> {
        let failed = |source| Error::Spool { directory: std::env::temp_dir(), source };
        let mut unfinished = unfinished();
        if unfinished.closed {
            return Err(failed(io::ErrorKind::Interrupted.into()));
        }
        let path = tempfile::Builder::new().prefix("halfspeed-").tempdir().map_err(failed)?.keep();
        unfinished.paths.push(path.clone());
        Ok(Self { path })
    }

    /// A file of this name in it.
    pub fn file(&self, name: &Path) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        let mut unfinished = unfinished();
        // What can't be removed is left to the system, which clears its folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.path);
        unfinished.forget(&self.path);
    }
}

/// The folder of a path; `.` for a bare name.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn make_temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".halfspeed-").suffix(".part");
    // Temporary files are private by default; this one becomes an ordinary file, so the umask decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_only_when_it_is_committed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.wav");
        let mut file = OutputFile::create(&path).unwrap();
        file.write_all(b"all of it").unwrap();
        assert!(!path.exists());
        assert_eq!(std::fs::read(file.temporary()).unwrap(), b"all of it");
        file.commit(false).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"all of it");
        assert_eq!(names(folder.path()), ["out.wav"]);
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(OutputFile::create(&folder.path().join("out.wav")).unwrap());
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_scratch_folder_is_gone_with_what_is_in_it() {
        let scratch = ScratchFolder::new().unwrap();
        let file = scratch.file(Path::new("stream.ogg"));
        std::fs::write(&file, b"stream").unwrap();
        assert!(file.exists());
        drop(scratch);
        assert!(!file.parent().unwrap().exists());
    }

    #[test]
    fn an_existing_file_is_replaced_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.wav");
        std::fs::write(&path, b"old").unwrap();
        assert!(matches!(check_output(&path, &[], false), Err(Error::Exists { .. })));
        check_output(&path, &[], true).unwrap();
        let mut file = OutputFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert!(matches!(file.commit(false), Err(Error::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        let mut file = OutputFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.commit(true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["out.wav"]);
    }

    #[test]
    fn an_input_is_never_an_output_under_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("mix.wav");
        std::fs::write(&input, b"mix").unwrap();
        let roundabout = folder.path().join(".").join("mix.wav");
        assert!(matches!(check_output(&roundabout, &[&input], true), Err(Error::OutputIsInput { .. })));
        #[cfg(unix)]
        {
            let link = folder.path().join("link.wav");
            std::os::unix::fs::symlink(&input, &link).unwrap();
            assert!(matches!(check_output(&link, &[&input], true), Err(Error::OutputIsInput { .. })));
        }
        check_output(&folder.path().join("master.wav"), &[&input], false).unwrap();
    }

    #[test]
    fn a_path_that_ends_as_a_folder_names_no_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("there"), b"a file").unwrap();
        for name in ["out.wav/", "out.wav/.", "there/", "there/.", ".", ".."] {
            let result = check_output(&folder.path().join(name), &[], true);
            assert!(matches!(result, Err(Error::Write { .. })), "{name}: {result:?}");
        }
        for name in ["out.", "out..", "..out"] {
            check_output(&folder.path().join(name), &[], false).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_replaced_even_by_force() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let (socket, link) = (folder.path().join("socket"), folder.path().join("link"));
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        for path in [socket.as_path(), &link, Path::new("/dev/null")] {
            let error = check_output(path, &[], true).unwrap_err();
            assert!(error.to_string().contains("not a regular file"), "{error}");
        }
        let mut file = OutputFile::create(&socket).unwrap();
        file.write_all(b"new").unwrap();
        assert!(matches!(file.commit(true), Err(Error::Write { .. })));
        assert!(socket.metadata().unwrap().file_type().is_socket());
        assert_eq!(names(folder.path()), ["link", "socket"]);
    }

    #[test]
    fn one_place_is_told_however_it_is_spelled() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        assert!(is_same_place(&place("out.wav"), &place("./out.wav")));
        assert!(!is_same_place(&place("out.wav"), &place("report.html")));
        assert!(!is_same_place(&place("a/out.wav"), &place("b/out.wav")));
    }

    #[test]
    fn a_missing_folder_is_found_out_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let error = check_output(&folder.path().join("no/out.wav"), &[], false).unwrap_err();
        assert!(error.to_string().contains("create it first"), "{error}");
        assert!(check_output(folder.path(), &[], true).unwrap_err().to_string().contains("it is a folder"));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_has_ordinary_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, plain) = (folder.path().join("out.wav"), folder.path().join("plain"));
        OutputFile::create(&path).unwrap().commit(false).unwrap();
        std::fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
    }
}
