//! Progress bars on stderr, one for each step of a job.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use halfspeed::progress::Step;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The bars of a job; none where stderr is no terminal.
pub(super) struct Progress {
    screen: Option<MultiProgress>,
    bars: Mutex<HashMap<Step, ProgressBar>>,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        let screen = (!quiet && std::io::stderr().is_terminal()).then(MultiProgress::new);
        Self { screen, bars: Mutex::default() }
    }

    /// A step has done so many frames.
    pub(super) fn show(&self, step: Step, done: u64, total: Option<u64>) {
        let Some(screen) = &self.screen else { return };
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(step).or_insert_with(|| {
            let form = if total.is_some() { "{msg:10} {wide_bar} {percent:>3} %" } else { "{msg:10} {spinner}" };
            let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style);
            screen.add(bar.with_message(name(step)))
        });
        // Several files share a bar; those that are read at the same time take turns on it.
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    /// Removes the bars, so that the result stands alone.
    pub(super) fn finish(&self) {
        let bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        bars.values().for_each(ProgressBar::finish_and_clear);
    }
}

fn name(step: Step) -> &'static str {
    match step {
        Step::Mix => "mix",
        Step::Reference => "reference",
        Step::Process => "processing",
        Step::Verify => "checking",
    }
}
