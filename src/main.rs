//! The `halfspeed` command: parse, call, print the error chain, choose the exit code.

mod cli;

use std::process::ExitCode;

use halfspeed::Error;
#[cfg(unix)]
use nix::sys::signal::{SigSet, Signal};

fn main() -> ExitCode {
    #[cfg(unix)]
    block_size_signal();
    // An interrupted run leaves no half-written file behind. Without a handler the default action still ends the run.
    let handler = ctrlc::set_handler(|| {
        halfspeed::io::remove_unfinished();
        std::process::exit(130);
    });
    if let Err(error) = handler {
        cli::tell(&format!("warning: temporary files may stay behind if this run is interrupted: {error}"));
    }
    let cli = cli::Cli::given();
    let speaks_json = cli.speaks_json();
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            cli::tell_error(&error);
            if speaks_json {
                cli::print_failure(&error);
            }
            // A setting that can't be, on the command line or in a recipe, and a recipe that is none. One that can't be read, or is no
            // text, is a file like others.
            ExitCode::from(if matches!(error, Error::Setting { .. } | Error::Recipe { .. }) { 2 } else { 1 })
        }
    }
}

/// A write beyond a limit on the size of files (`ulimit -f`) then fails like any other, and leaves no half-written file behind; the
/// signal's default action ends the process on the spot. Threads that are started later have it blocked too.
#[cfg(unix)]
fn block_size_signal() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGXFSZ);
    // It fails for no signal that there is.
    let _ = signals.thread_block();
}
