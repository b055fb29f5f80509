//! Stdout for results. A reader that goes away, such as `head`, is no error.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;

use halfspeed::io::OutputFile;
use halfspeed::report::Colors;
use halfspeed::{Error, Result};
use serde::Serialize;

/// Prints text. `false` where its reader has gone.
fn print(text: &str) -> Result<bool> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::write("stdout", error)),
    }
}

/// Prints text for people.
pub(super) fn print_text(text: &str) -> Result<()> {
    print(text).map(|_| ())
}

/// Prints one JSON document.
pub(super) fn print_json(document: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(document).map_err(|error| Error::write("stdout", error.into()))?;
    print_text(&(text + "\n"))
}

/// Prints one JSON document in a line. `false` where its reader has gone.
pub(super) fn print_json_line(document: &impl Serialize) -> Result<bool> {
    let text = serde_json::to_string(document).map_err(|error| Error::write("stdout", error.into()))?;
    print(&(text + "\n"))
}

/// Writes a text file: complete, or not at all.
pub(super) fn write_text(path: &Path, text: &str, force: bool) -> Result<()> {
    let mut file = OutputFile::create(path)?;
    file.write_all(text.as_bytes()).map_err(|error| Error::write(path, error))?;
    file.commit(force)
}

/// Colours on a terminal, unless `NO_COLOR` is set (no-color.org) or the terminal knows none.
pub(super) fn colors() -> Colors {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if std::io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb { Colors::Ansi } else { Colors::None }
}
