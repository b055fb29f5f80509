//! Sends the library's log to stderr.

use std::io::Write;

use halfspeed::report::printable_lines;
use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("halfspeed")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let said = printable_lines(&record.args().to_string());
            tell(&format!("{}: {said}", record.level().as_str().to_lowercase()));
        }
    }

    fn flush(&self) {}
}

/// A line on stderr. Where nobody reads it any more, the work goes on.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Warnings always, more if wanted.
pub(super) fn start(verbose: bool) {
    // It fails only where a logger is set already, which then does the same job.
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(if verbose { LevelFilter::Debug } else { LevelFilter::Warn });
    }
}
