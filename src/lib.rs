//! halfspeed measures a mix and its references, suggests settings, applies them with its own engine, measures again
//! and says what it did.
//!
//! ```text
//! decode    path                 -> AudioBuffer blocks + SourceInfo    io
//! measure   blocks               -> Measurement                        measure
//! suggest   Measurement, Target  -> Recipe + Suggestions               suggest
//! render    Spool, Recipe        -> Processed + ChainLog               engine
//! verify    the written file     -> Measurement, corrections           master
//! translate Measurement          -> Translation                        translate
//! report    all of these         -> text | JSON | HTML                 report
//! ```
//!
//! Arrows point one way: `dsp` and `measure` know nothing of files, settings files or reports; `engine` turns plain
//! settings into processors; writers in `report` never compute.
//!
//! From files to the report that `halfspeed master --json` prints, and to what the other commands tell of the result:
//!
//! ```
//! use halfspeed::master::{MasterJob, master, render};
//! use halfspeed::report::{ComparisonDocument, MasterReport, TranslationDocument};
//! use halfspeed::translate::codecs::Selection;
//! use halfspeed::translate::job::{Job, translate_file};
//! use halfspeed::translate::{Devices, devices};
//!
//! let folder = tempfile::tempdir()?;
//! let (output, again) = (folder.path().join("master.wav"), folder.path().join("again.wav"));
//! let job = MasterJob {
//!     references: vec!["tests/clips/reference.flac".into()],
//!     ..MasterJob::new("tests/clips/mix.flac", &output)
//! };
//! let report = MasterReport::new(&job, master(&job, &|_step, _done, _total| {})?);
//! assert!(report.verified.iter().all(|promise| promise.met));
//! let json = serde_json::to_string(&report)?;
//! assert!(json.starts_with(r#"{"schema":"halfspeed.master/1","#));
//!
//! // The same settings again make the same bytes.
//! render(&job.mix, &report.settings, &again, false, &|_step, _done, _total| {})?;
//! assert!(std::fs::read(&output)? == std::fs::read(&again)?);
//!
//! // What has changed, band by band, at equal loudness.
//! let comparison = ComparisonDocument::new(report.before.clone(), report.after.clone());
//! assert!(!comparison.bands.is_empty());
//!
//! // What is left of it on devices and services, before and after.
//! let devices = Devices::new(devices::built_in())?;
//! let translated = translate_file(
//!     &Job {
//!         file: &output,
//!         before: Some(&job.mix),
//!         reference: None,
//!         devices: &devices,
//!         verify: false,
//!         codecs: &Selection::default(),
//!         kept_streams: None,
//!     },
//!     &|_done, _total| {},
//! )?;
//! let document = TranslationDocument::new(translated);
//! assert!(document.translation.devices.iter().all(|device| device.before.is_some()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`report::DOCUMENT_KINDS`] has the schemas of all documents, `docs/json.md` their fields.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod advise;
mod aligned;
pub mod audio;
pub mod dsp;
pub mod engine;
pub mod error;
pub mod io;
mod linear;
pub mod master;
pub mod measure;
mod network;
mod parallel;
pub mod paths;
pub mod progress;
pub mod quality;
pub mod report;
pub mod slots;
pub mod source;
mod statistics;
pub mod suggest;
mod targets;
pub mod translate;
pub mod units;

pub use audio::AudioBuffer;
pub use error::{Error, Result};

/// What the README shows of the library is tried too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
