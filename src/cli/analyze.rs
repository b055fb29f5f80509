//! `halfspeed analyze`.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use halfspeed::io::{check_output, is_same_place};
use halfspeed::measure::Measurement;
use halfspeed::measure::loudness::AlbumLoudness;
use halfspeed::paths::path_text;
use halfspeed::progress::Step;
use halfspeed::report::{
    AlbumAnalysisDocument, AlbumDocument, AnalysisDocument, FailedFile, FailureDocument, analysis_csv, analysis_html,
    analysis_text,
};
use halfspeed::source::measure_file;
use halfspeed::{Error, Result};

use super::output::{colors, print_json_line, write_text};
use super::progress::Progress;
use super::{CommonArgs, SideFile, csv_output, exit_code, html_output, logger, tell_failed};

#[derive(Debug, Args)]
pub(super) struct AnalyzeArgs {
    /// The files to measure; several are also measured as one album.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print a JSON document a line and file on stdout, each as soon as it and those before it are measured; no album.
    #[arg(long, conflicts_with_all = ["json", "html", "csv"])]
    json_lines: bool,
    /// Write a report with pictures, one self-contained HTML file.
    #[arg(long, value_name = "FILE", value_parser = html_output)]
    html: Option<PathBuf>,
    /// Write values over time, a row every 100 ms, a .csv file.
    #[arg(long, value_name = "FILE", value_parser = csv_output)]
    csv: Option<PathBuf>,
    /// Replace files that exist.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// What is kept of the files of a run, in order: little of each, as there may be many.
#[derive(Default)]
struct Measured {
    documents: Vec<AnalysisDocument>,
    /// Of the same files where something is drawn or written over time, else none: 7 kB for each second of audio.
    measurements: Vec<Measurement>,
    loudness: AlbumLoudness,
    failed: Vec<FailedFile>,
}

impl AnalyzeArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        logger::start(self.common.verbose);
        self.check_outputs()?;
        if self.json_lines {
            return self.tell_in_lines();
        }
        let measured = self.measure();
        measured.failed.iter().for_each(tell_failed);
        let album = (self.files.len() > 1).then(|| AlbumDocument::new(&measured.documents, &measured.loudness));
        let side_files = self.write(&measured, album.as_ref());
        self.tell(&measured, album.as_ref())?;
        let is_written = self.common.tell_all_written(side_files)?;
        Ok(exit_code(is_written && measured.failed.is_empty()))
    }

    fn measure(&self) -> Measured {
        let mut measured = Measured::default();
        let progress = Progress::new(self.common.quiet);
        for path in &self.files {
            match measure_file(path, &|done, total| progress.show(Step::Mix, done, total)) {
                Ok(source) => {
                    measured.documents.push(AnalysisDocument::new(&source));
                    measured.loudness.push(&source.measurement.loudness);
                    if self.html.is_some() || self.csv.is_some() {
                        measured.measurements.push(source.measurement);
                    }
                }
                Err(error) => measured.failed.push(FailedFile::new(path, &error)),
            }
        }
        progress.finish();
        measured
    }

    /// Writes the page and the table over time.
    fn write(&self, measured: &Measured, album: Option<&AlbumDocument>) -> Vec<SideFile<'_>> {
        if measured.measurements.is_empty() {
            return Vec::new();
        }
        let files = || measured.documents.iter().zip(&measured.measurements);
        let page = self.html.iter().map(|path| {
            let page = analysis_html(&files().collect::<Vec<_>>(), album);
            ("Report", path.as_path(), write_text(path, &page, self.force))
        });
        let table = self.csv.iter().map(|path| {
            let table = analysis_csv(files().map(|(document, values)| (document.file.path.as_str(), values)));
            ("Values over time", path.as_path(), write_text(path, &table, self.force))
        });
        page.chain(table).collect()
    }

    fn tell(&self, Measured { documents, failed, .. }: &Measured, album: Option<&AlbumDocument>) -> Result<()> {
        let text = || if documents.is_empty() { String::new() } else { analysis_text(documents, album, colors()) };
        match (album, documents.first()) {
            (Some(album), _) => self.common.tell(&AlbumAnalysisDocument::new(album, documents, failed), |_| text()),
            (None, Some(document)) => self.common.tell(document, |_| text()),
            (None, None) => failed
                .iter()
                .try_for_each(|failed| self.common.tell(&FailureDocument::of_file(failed), |_| String::new())),
        }
    }

    /// Tells of each file in a line, in the order in which they were given.
    fn tell_in_lines(&self) -> Result<ExitCode> {
        let mut is_whole = true;
        let measure = |path: &Path| {
            let document = measure_file(path, &|_, _| {}).map(|source| AnalysisDocument::new(&source));
            document.map_err(|error| FailedFile::new(path, &error))
        };
        in_order(&self.files, measure, |measured| match measured {
            Ok(document) => print_json_line(&document),
            Err(failed) => {
                is_whole = false;
                tell_failed(&failed);
                print_json_line(&FailureDocument::of_file(&failed))
            }
        })?;
        Ok(exit_code(is_whole))
    }

    /// What is written must replace neither an input nor the other output.
    fn check_outputs(&self) -> Result<()> {
        let inputs: Vec<&Path> = self.files.iter().map(PathBuf::as_path).collect();
        for path in self.html.iter().chain(&self.csv) {
            check_output(path, &inputs, self.force)?;
        }
        match (&self.html, &self.csv) {
            (Some(html), Some(csv)) if is_same_place(html, csv) => {
                Err(Error::setting(path_text(csv), "--html and --csv each need a name of their own"))
            }
            _ => Ok(()),
        }
    }
}

/// Works on as many files at once as there are threads, and shows what comes of each in their order, until `show` has seen enough. No
/// file is begun while as many before it are not shown.
fn in_order<T: Send>(
    files: &[PathBuf],
    work: impl Fn(&Path) -> T + Sync,
    mut show: impl FnMut(T) -> Result<bool>,
) -> Result<()> {
    let (at_once, work) = (rayon::current_num_threads(), &work);
    std::thread::scope(|scope| {
        let mut waiting = files.iter();
        let mut under_way = VecDeque::new();
        loop {
            let more = waiting.by_ref().take(at_once - under_way.len());
            under_way.extend(more.map(|path| scope.spawn(move || work(path))));
            let Some(first) = under_way.pop_front() else { return Ok(()) };
            if !show(first.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))? {
                return Ok(());
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn files_are_shown_in_their_order_and_few_are_begun_ahead() {
        let files: Vec<PathBuf> = (0..50).map(|index| PathBuf::from(index.to_string())).collect();
        let begun = AtomicUsize::new(0);
        let work = |path: &Path| {
            begun.fetch_add(1, Ordering::SeqCst);
            path.to_owned()
        };
        let mut shown = Vec::new();
        in_order(&files, work, |path| {
            shown.push(path);
            assert!(begun.load(Ordering::SeqCst) < shown.len() + rayon::current_num_threads());
            Ok(true)
        })
        .expect("all are shown");
        assert_eq!(shown, files);
    }

    #[test]
    fn nothing_more_is_begun_for_a_reader_who_has_gone() {
        let files = vec![PathBuf::from("song.wav"); 1_000];
        let begun = AtomicUsize::new(0);
        in_order(&files, |_| begun.fetch_add(1, Ordering::SeqCst), |_| Ok(false)).expect("no error");
        assert!(begun.into_inner() <= rayon::current_num_threads());
    }
}
