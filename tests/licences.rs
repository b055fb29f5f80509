//! Every dependency that ships has a permissive licence.

use std::process::Command;

use serde_json::Value;

/// The licences of deny.toml.
const ALLOWED: [&str; 10] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be met with allowed licences: every part joined by AND has an allowed choice of OR.
fn is_permissive(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    expression.split(" AND ").all(|part| {
        let part = part.trim().trim_start_matches('(').trim_end_matches(')');
        part.split(" OR ").any(|licence| ALLOWED.contains(&licence.trim()))
    })
}

#[test]
fn expressions_are_read_as_spdx_has_them() {
    assert!(is_permissive("MIT OR Apache-2.0") && is_permissive("MIT/Apache-2.0"));
    assert!(is_permissive("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(is_permissive("MIT OR Apache-2.0 OR LGPL-2.1-or-later"));
    assert!(!is_permissive("GPL-3.0-only") && !is_permissive("MIT AND LGPL-3.0-or-later"));
}

#[test]
fn every_dependency_is_permissive() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo runs the test, so it runs for the test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    assert!(packages.len() > 20);
    let offenders: Vec<_> = packages
        .iter()
        .filter(|package| !is_permissive(package["license"].as_str().unwrap_or("none")))
        .map(|package| format!("{} is {}", package["name"], package["license"]))
        .collect();
    assert!(offenders.is_empty(), "{offenders:?}");
}
