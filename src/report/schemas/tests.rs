use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::page::{Page, Row};
use super::*;
use crate::advise::{Advice, Mend, Problem, Severity};
use crate::engine::processors::catalogue::catalogue;
use crate::engine::processors::schema_check::is_valid;
use crate::master::{Candidate, Refinement};
use crate::measure::loudness::AlbumLoudness;
use crate::report::{AlbumDocument, FailedFile, ProfileDocument, sample};
use crate::suggest::profile::Source;
use crate::suggest::{CurvePoint, ModelVerdict};

fn json(document: &impl Serialize) -> Value {
    serde_json::to_value(document).expect("plain data")
}

fn chosen_profile() -> ProfileDocument {
    ProfileDocument {
        name: Some("pink".into()),
        description: Some("noise".into()),
        songs: Some(3),
        sources: vec![Source { name: "noise".into(), songs: 3, licence: "CC0-1.0".into() }],
        distance: Some(1.2),
        candidates: vec![crate::suggest::profile::Candidate { name: "pink".into(), distance: 1.2 }],
    }
}

fn advice() -> AdviceDocument {
    let finding = Advice {
        id: Problem::Mud,
        severity: Severity::Low,
        confidence: 0.4,
        message: "Much around 300 Hz.".into(),
        band_hz: Some([200.0, 500.0]),
        times_s: vec![[1.0, 2.0]],
        evidence: BTreeMap::from([("level_db", 3.0)]),
        fix: "Cut 2 dB at 300 Hz.".into(),
        mend: Mend::Master,
    };
    AdviceDocument {
        schema: "halfspeed.advice/1",
        file: sample::before().file,
        reference: Some(sample::reference().file),
        profile: Some(chosen_profile()),
        findings: vec![finding],
        notes: vec!["Tone: nothing stands out against reference.wav.".into()],
    }
}

/// A master with all that a report can hold.
fn master() -> MasterReport {
    let mut report = sample::report();
    report.other_references = vec![sample::reference().file];
    report.profile = Some(chosen_profile());
    let curve = vec![CurvePoint { frequency_hz: 100.0, gain_db: 1.0 }];
    report.model.verdict = Some(ModelVerdict { classical_curve: curve, ..ModelVerdict::default() });
    report.model.refinement = Some(Refinement {
        excerpts: 6,
        excerpt_s: 4.0,
        candidates: vec![Candidate { name: "model", error_db: 1.2 }],
        chosen: "model",
        reason: None,
    });
    report
}

/// Of each kind, a document that holds as much as one can.
fn examples() -> Vec<Value> {
    let (a, b) = (sample::before(), sample::after());
    let (album, tracks) = (AlbumDocument::new(&[], &AlbumLoudness::default()), [a.clone(), b.clone()]);
    let failed = [FailedFile { path: "c.wav".into(), error: "c.wav holds no audio".into() }];
    let mut albums = sample::album_translation();
    albums.failed = failed.to_vec();
    let mut translation = albums.tracks[0].clone();
    (translation.before, translation.reference) = (Some(a.file.clone()), Some(b.file.clone()));
    let profiles = Profile::built_in();
    vec![
        json(&a),
        json(&AlbumAnalysisDocument::new(&album, &tracks, &failed)),
        json(&FailureDocument::of_file(&failed[0])),
        json(&ComparisonDocument::new(a.clone(), b)),
        json(&advice()),
        json(&master()),
        json(&translation),
        json(&albums),
        json(&profiles[0]),
        json(&ProfileListDocument::new(profiles)),
        json(&ProcessorsDocument::new(catalogue())),
    ]
}

/// The paths of all fields of a value, as the page writes them.
fn collect_paths(path: &str, value: &Value, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect_paths(&path, value, paths);
                paths.insert(path);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect_paths(&format!("{path}[]"), value, paths)),
        _ => {}
    }
}

#[test]
fn every_document_is_as_its_schema_says() {
    for (kind, document) in DOCUMENT_KINDS.into_iter().zip(examples()) {
        assert_eq!(document["schema"], kind.id());
        assert!(is_valid(&kind.schema(), &document), "{}: {document:#}", kind.name);
    }
}

#[test]
fn every_field_that_is_printed_is_told() {
    let page = Page::new().spread_out();
    for ((kind, schema), document) in page.documents.iter().zip(examples()) {
        let rows = page.rows(schema);
        let mut paths = BTreeSet::new();
        collect_paths("", &document, &mut paths);
        // What names its own fields is told as a whole.
        let is_open = |row: &Row| row.kind.starts_with("object of") || row.kind.starts_with("anything");
        let is_told =
            |path: &str| rows.iter().any(|row| row.path == path || (is_open(row) && path.starts_with(&row.path)));
        let untold: Vec<&str> = paths.iter().map(String::as_str).filter(|path| !is_told(path)).collect();
        assert!(untold.is_empty(), "{}: {untold:?}", kind.name);
        assert!(paths.len() > 2, "{}", kind.name);
    }
}

#[test]
fn every_field_has_a_meaning_in_plain_words() {
    let page = Page::new().spread_out();
    for (kind, schema) in &page.documents {
        for Row { path, meaning, .. } in page.rows(schema) {
            // Links and names of Rust mean nothing to who reads JSON.
            let is_plain =
                !meaning.is_empty() && !["[`", "](", "`None`", "::"].iter().any(|mark| meaning.contains(mark));
            assert!(is_plain, "{}: {path}: {meaning:?}", kind.name);
        }
    }
}

#[test]
fn a_name_stands_for_one_thing_in_all_schemas() {
    let mut known = BTreeMap::new();
    for kind in DOCUMENT_KINDS {
        for (name, part) in kind.schema()["$defs"].as_object().into_iter().flatten() {
            let first = known.entry(name.clone()).or_insert_with(|| part.clone());
            assert_eq!(first, part, "{name} of {}", kind.name);
        }
    }
    assert!(known.len() > 20);
}

#[test]
fn the_page_tells_checks_and_problems_with_their_meaning() {
    let page = json_markdown();
    for told in [
        "\n## halfspeed.master/1\n",
        "| `quality[].id` | [Check](#check) |",
        "| `inter_sample_overs` | Peaks, those between samples too,",
        "| `sibilance` | Too much around 7 kHz. |",
        "| `suggestions[].quantity.kind` | `band_level` or `width` or",
        "| `before` | [halfspeed.analysis/1](#halfspeedanalysis1) |  |",
    ] {
        assert!(page.contains(told), "{told}");
    }
}
