//! The list of processors: its document, and the page of the documentation.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::engine::processors::catalogue::{ParameterEntry, ProcessorEntry};

/// `halfspeed.processors/1`: every kind of processor with its parameters.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProcessorsDocument {
    /// Always `halfspeed.processors/1`.
    pub schema: &'static str,
    /// The processors, in the order in which a signal usually meets them.
    pub processors: Vec<ProcessorEntry>,
}

impl ProcessorsDocument {
    /// The document of some or all entries of the catalogue.
    pub fn new(processors: Vec<ProcessorEntry>) -> Self {
        Self { schema: "halfspeed.processors/1", processors }
    }
}

const HEAD: &str = "\
# Processors

Every processor that a mix can chain, with its parameters; a recipe has a fixed row of some. Made from the code that
checks them; `halfspeed processors` prints the same, `--json` for programs, `--schema graph` and `--schema recipe` as
JSON schemas. Written anew by

    HALFSPEED_UPDATE_DOCS=1 cargo test --test docs

A name like `bands[].gain_db` stands for that field of every element of `bands`. `fs` is the sample rate.
";

/// The page of the documentation.
pub fn processors_markdown(document: &ProcessorsDocument) -> String {
    let mut page = String::from(HEAD);
    for processor in &document.processors {
        let _ = writeln!(page, "\n## {}\n\n{} {}", processor.kind, processor.summary, processor.method);
        let _ = writeln!(page, "\n{}", taken_by(processor));
        let _ = writeln!(page, "\n| parameter | range | unit | default | meaning |\n|---|---|---|---|---|");
        for parameter in &processor.parameters {
            let [name, range, unit, default, _] = row(parameter).map(|cell| cell.replace('|', "or"));
            let _ = writeln!(page, "| `{name}` | {range} | {unit} | {default} | {} |", parameter.description);
        }
    }
    // Summaries without more to say end in a space.
    page.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Which settings files take a processor.
pub(super) fn taken_by(processor: &ProcessorEntry) -> String {
    processor.recipe_stage.map_or_else(
        || "For graphs alone.".into(),
        |stage| format!("For graphs, and for recipes under the name {stage}."),
    )
}

/// Name, range, unit, default and meaning of a parameter.
pub(super) fn row(parameter: &ParameterEntry) -> [String; 5] {
    let range = match (parameter.minimum, parameter.maximum, parameter.maximum_per_sample_rate) {
        (Some(low), _, Some(share)) => format!("{} to {} fs", number(low), number(share)),
        (Some(low), Some(high), None) => format!("{} to {}", number(low), number(high)),
        _ => parameter.choices.iter().map(plain).collect::<Vec<_>>().join(" | "),
    };
    let default = match &parameter.default {
        Value::Null if parameter.required => "required".into(),
        Value::Null => "none".into(),
        Value::Array(values) if values.is_empty() => "none".into(),
        value => plain(value),
    };
    [parameter.name.clone(), range, parameter.unit.unwrap_or_default().into(), default, parameter.meaning.clone()]
}

/// A value without the signs of JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Bool(is_on) => if *is_on { "yes" } else { "no" }.into(),
        Value::Number(value) => number(value.as_f64().unwrap_or(f64::NAN)),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields.values().map(plain).collect::<Vec<_>>().join(" "),
        Value::Null => "none".into(),
    }
}

/// A number with no more than four digits behind the point.
fn number(value: f64) -> String {
    format!("{}", (value * 1e4).round() / 1e4)
}
