//! Stdout for results. A reader that goes away, such as `head`, is no error.

use std::io::{ErrorKind, Write};

use halfspeed::{Error, Result};
use serde::Serialize;

/// Prints text for people.
pub(super) fn print_text(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::write("stdout", error)),
        _ => Ok(()),
    }
}

/// Prints one JSON document.
pub(super) fn print_json(document: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(document).map_err(|error| Error::write("stdout", error.into()))?;
    print_text(&(text + "\n"))
}
