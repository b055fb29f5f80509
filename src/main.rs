//! The `halfspeed` command: parse, call, print the error chain, choose the exit code.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // An interrupted run leaves no half-written file behind. Without a handler the default action still ends the run.
    let handler = ctrlc::set_handler(|| {
        halfspeed::io::remove_unfinished();
        std::process::exit(130);
    });
    if let Err(error) = handler {
        eprintln!("warning: temporary files may stay behind if this run is interrupted: {error}");
    }
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            // A file's name may hold what steers a terminal.
            let told = error.to_string().replace(|c: char| c.is_control() && c != '\n', "\u{FFFD}");
            eprintln!("error: {told}");
            ExitCode::from(1)
        }
    }
}
