//! `docs/processors.md` is up to date: it is made from the code.

use std::path::Path;

use halfspeed::engine::processors::catalogue::catalogue;
use halfspeed::report::{ProcessorsDocument, processors_markdown};

#[test]
fn the_page_says_what_the_code_checks() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/processors.md");
    let page = processors_markdown(&ProcessorsDocument::new(catalogue()));
    if std::env::var_os("HALFSPEED_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("docs can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "docs/processors.md is out of date: HALFSPEED_UPDATE_DOCS=1 cargo test --test processors");
}
