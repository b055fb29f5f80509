//! Every kind of processor with its parameters, read from the JSON schema of [`ProcessorSettings`]: the doc comments,
//! bounds and defaults that the code itself uses.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::{Map, Value};

use super::ProcessorSettings;
use crate::dsp::parameter::unit_of;
use crate::engine::recipe::stage_of;

/// A kind of processor.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ProcessorEntry {
    /// Its name in settings files.
    pub kind: String,
    /// What it does, in a line.
    pub summary: String,
    /// How, and after whom. Empty where there is no more to say.
    pub method: String,
    /// What a recipe calls it. `None` where only graphs take it.
    pub recipe_stage: Option<&'static str>,
    /// Its parameters, in the order of the settings.
    pub parameters: Vec<ParameterEntry>,
}

/// A parameter of a processor.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ParameterEntry {
    /// Where it stands: `threshold_db`, `bands[].gain_db`.
    pub name: String,
    /// Its unit; `None` for bare numbers, words and switches.
    pub unit: Option<&'static str>,
    /// Least value of a number.
    pub minimum: Option<f64>,
    /// Greatest value of a number.
    pub maximum: Option<f64>,
    /// The greatest value as a share of the sample rate, where it is one.
    pub maximum_per_sample_rate: Option<f64>,
    /// Every value, where there is a choice of some.
    pub choices: Vec<Value>,
    /// What holds if it is left out; `null` for nothing.
    pub default: Value,
    /// Whether it may not be left out.
    pub required: bool,
    /// What it means, in a line.
    pub meaning: String,
    /// All that is said about it.
    pub description: String,
}

/// The JSON schema of a settings type, with ranges, units and defaults.
pub fn schema_of<T: JsonSchema>() -> Schema {
    SchemaSettings::default().into_generator().into_root_schema_for::<T>()
}

/// The same without references and by itself, so that it can stand within another schema.
pub(crate) fn inlined_schema_of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::default().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>()
}

/// Every kind of processor.
pub fn catalogue() -> Vec<ProcessorEntry> {
    let schema = inlined_schema_of::<ProcessorSettings>();
    let kinds = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    kinds.filter_map(Value::as_object).map(entry).collect()
}

fn entry(schema: &Map<String, Value>) -> ProcessorEntry {
    let kind = schema.get("properties").and_then(|properties| properties["kind"]["const"].as_str()).unwrap_or_default();
    let description = text(schema, "description");
    let (summary, method) = description.split_once("\n\n").unwrap_or((description, ""));
    let mut parameters = Vec::new();
    collect("", schema, &mut parameters);
    parameters.retain(|parameter| parameter.name != "kind");
    ProcessorEntry {
        kind: kind.to_owned(),
        summary: one_line(summary),
        method: one_line(method),
        recipe_stage: stage_of(kind),
        parameters,
    }
}

/// Appends the parameters of an object, those of objects and lists within it too.
fn collect(prefix: &str, schema: &Map<String, Value>, parameters: &mut Vec<ParameterEntry>) {
    let required = schema.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for (field, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let Some(property) = property.as_object() else { continue };
        let name = format!("{prefix}{field}");
        let inner = non_null(property);
        let items = inner.get("items").and_then(Value::as_object).map(non_null);
        if inner.contains_key("properties") {
            collect(&format!("{name}."), inner, parameters);
            continue;
        }
        let is_list_of_objects = items.is_some_and(|items| items.contains_key("properties"));
        let value = items.filter(|_| !is_list_of_objects).unwrap_or(inner);
        let number = |key: &str| value.get(key).and_then(Value::as_f64);
        let description = one_line(text(property, "description"));
        parameters.push(ParameterEntry {
            unit: unit_of(field),
            minimum: number("minimum").filter(|_| number("maximum").is_some()),
            maximum: number("maximum"),
            maximum_per_sample_rate: number("x-maximum-per-sample-rate"),
            choices: choices(value),
            // What a list of objects holds is told field by field.
            default: property.get("default").filter(|_| !is_list_of_objects).cloned().unwrap_or_default(),
            required: required.iter().any(|required| required == field),
            meaning: meaning(&description, number("minimum")),
            description,
            name: name.clone(),
        });
        if let Some(items) = items.filter(|_| is_list_of_objects) {
            collect(&format!("{name}[]."), items, parameters);
        }
    }
}

/// The part of a choice between something and nothing that is something.
pub(crate) fn non_null(schema: &Map<String, Value>) -> &Map<String, Value> {
    let some = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    some.into_iter().find(|choice| choice.get("type").is_none_or(|kind| kind != "null")).unwrap_or(schema)
}

/// The values to choose from.
fn choices(schema: &Map<String, Value>) -> Vec<Value> {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.clone();
    }
    if schema.get("type").is_some_and(|kind| kind == "boolean") {
        return vec![Value::Bool(false), Value::Bool(true)];
    }
    let variants = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    variants.filter_map(|variant| variant.get("const").cloned()).collect()
}

pub(crate) fn text<'a>(schema: &'a Map<String, Value>, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A text in one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a description says before it comes to the range and the default.
fn meaning(description: &str, minimum: Option<f64>) -> String {
    let sentence = description.split(". ").find(|sentence| !sentence.starts_with("Default:")).unwrap_or_default();
    let range = minimum.and_then(|low| sentence.find(&format!(", {low} ")));
    sentence[..range.unwrap_or(sentence.len())].trim_end_matches('.').to_owned()
}
