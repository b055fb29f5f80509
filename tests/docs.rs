//! `docs/processors.md` and `docs/json.md` are up to date: they are made from the code.

use std::path::Path;

use halfspeed::engine::processors::catalogue::catalogue;
use halfspeed::report::{ProcessorsDocument, json_markdown, processors_markdown};

/// Holds a page against what the code says, or writes it anew if that is asked for.
fn assert_up_to_date(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("HALFSPEED_UPDATE_DOCS").is_some() {
        std::fs::write(&path, page).expect("docs can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "{name} is out of date: HALFSPEED_UPDATE_DOCS=1 cargo test --test docs");
}

#[test]
fn the_page_of_processors_says_what_the_code_checks() {
    assert_up_to_date("docs/processors.md", &processors_markdown(&ProcessorsDocument::new(catalogue())));
}

#[test]
fn the_page_of_documents_says_what_the_code_prints() {
    assert_up_to_date("docs/json.md", &json_markdown());
}
