//! `halfspeed analyze`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use halfspeed::io::{check_output, is_same_place};
use halfspeed::progress::Step;
use halfspeed::report::{
    AlbumAnalysisDocument, AlbumDocument, AnalysisDocument, analysis_csv, analysis_html, analysis_text,
};
use halfspeed::source::{Source, measure_file};
use halfspeed::{Error, Result};

use super::output::{colors, write_text};
use super::progress::Progress;
use super::{CommonArgs, csv_output, html_output, logger};

#[derive(Debug, Args)]
pub(super) struct AnalyzeArgs {
    /// The files to measure; several are also measured as one album.
    #[arg(required = true)]
    files: Vec<PathBuf>,
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
    common: CommonArgs,
}

impl AnalyzeArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        logger::start(self.common.verbose);
        self.check_outputs()?;
        let progress = Progress::new(self.common.quiet);
        let measure = |path: &PathBuf| measure_file(path, &|done, total| progress.show(Step::Mix, done, total));
        let sources: Result<Vec<Source>> = self.files.iter().map(measure).collect();
        progress.finish();
        let sources = sources?;
        let documents: Vec<_> = sources.iter().map(AnalysisDocument::new).collect();
        let measurements: Vec<_> = sources.iter().map(|source| &source.measurement).collect();
        let album = (sources.len() > 1).then(|| AlbumDocument::new(&measurements));
        if let Some(path) = &self.html {
            let files: Vec<_> = documents.iter().zip(measurements.iter().copied()).collect();
            write_text(path, &analysis_html(&files, album.as_ref()), self.force)?;
        }
        if let Some(path) = &self.csv {
            let files = documents.iter().zip(&measurements).map(|(file, values)| (file.file.path.as_str(), *values));
            write_text(path, &analysis_csv(files), self.force)?;
        }
        let text = || analysis_text(&documents, album.as_ref(), colors());
        match &album {
            Some(album) => self.common.tell(&AlbumAnalysisDocument::new(album, &documents), |_| text())?,
            None => self.common.tell(&documents[0], |_| text())?,
        }
        for (what, path) in [("Report", &self.html), ("Values over time", &self.csv)] {
            if let Some(path) = path {
                self.common.tell_written(what, path)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What is written must replace neither an input nor the other output.
    fn check_outputs(&self) -> Result<()> {
        let inputs: Vec<&Path> = self.files.iter().map(PathBuf::as_path).collect();
        for path in self.html.iter().chain(&self.csv) {
            check_output(path, &inputs, self.force)?;
        }
        match (&self.html, &self.csv) {
            (Some(html), Some(csv)) if is_same_place(html, csv) => {
                Err(Error::setting(csv.display().to_string(), "--html and --csv each need a name of their own"))
            }
            _ => Ok(()),
        }
    }
}
