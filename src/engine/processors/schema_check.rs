//! As much of JSON Schema (draft 2020-12) as the schemas of settings use. A keyword that it doesn't know is a failure,
//! so that no constraint goes untested.

use serde_json::{Map, Value};

/// Whether a value is as a schema says.
pub(crate) fn is_valid(root: &Value, value: &Value) -> bool {
    matches(root, root.as_object().expect("a schema"), value)
}

fn matches(root: &Value, schema: &Map<String, Value>, value: &Value) -> bool {
    schema.iter().all(|(keyword, rule)| keeps(root, schema, keyword, rule, value))
}

/// Whether a value keeps one rule. A rule about numbers says nothing of words, and so on.
fn keeps(root: &Value, schema: &Map<String, Value>, keyword: &str, rule: &Value, value: &Value) -> bool {
    let is_as = |rule: &Value, value: &Value| match rule {
        Value::Bool(anything) => *anything,
        rule => matches(root, rule.as_object().expect("a schema"), value),
    };
    let all_of = |rules: &Value| rules.as_array().expect("schemas").iter().filter(|rule| is_as(rule, value)).count();
    let bound = || rule.as_f64().expect("a number");
    let items = value.as_array();
    match keyword {
        "type" => match rule {
            Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
            kind => is_of(kind, value),
        },
        "minimum" => value.as_f64().is_none_or(|x| x >= bound()),
        "maximum" => value.as_f64().is_none_or(|x| x <= bound()),
        "minItems" => items.is_none_or(|items| items.len() as f64 >= bound()),
        "maxItems" => items.is_none_or(|items| items.len() as f64 <= bound()),
        "enum" => rule.as_array().expect("values").iter().any(|choice| same(choice, value)),
        "const" => same(rule, value),
        "oneOf" => all_of(rule) == 1,
        "anyOf" => all_of(rule) > 0,
        "allOf" => all_of(rule) == rule.as_array().map_or(0, Vec::len),
        "$ref" => {
            let place = rule.as_str().and_then(|place| place.strip_prefix('#')).expect("a place in the schema");
            is_as(root.pointer(place).expect("what is referred to"), value)
        }
        "items" => items.is_none_or(|items| items.iter().all(|item| is_as(rule, item))),
        "required" => value.as_object().is_none_or(|fields| {
            rule.as_array().expect("names").iter().all(|name| fields.contains_key(name.as_str().unwrap_or_default()))
        }),
        "properties" => value.as_object().is_none_or(|fields| {
            let known = rule.as_object().expect("schemas");
            fields.iter().all(|(name, value)| known.get(name).is_none_or(|rule| is_as(rule, value)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|fields| {
            let known = schema.get("properties").and_then(Value::as_object);
            let others = fields.iter().filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)));
            others.into_iter().all(|(_, value)| is_as(rule, value))
        }),
        // They tell people something, and constrain nothing.
        "$schema" | "$defs" | "title" | "description" | "default" | "format" => true,
        other => {
            assert!(other.starts_with("x-"), "the keyword {other:?} is not checked");
            true
        }
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().expect("a type") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|x| x.fract() == 0.0),
        other => panic!("no type of JSON: {other:?}"),
    }
}

/// Equal, numbers by their value.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
