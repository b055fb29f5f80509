//! The page of the documentation that tells every field of every document.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value};

use super::{DOCUMENT_KINDS, DocumentKind};
use crate::dsp::parameter::unit_of;
use crate::engine::processors::catalogue::{non_null, one_line, text};

/// What is said behind the type of a field that may be missing.
const ABSENT: &str = ", or absent";

const HEAD: &str = "\
# JSON

Every document that `--json` and `--json-lines` print, and every field in it. Made from the code that writes them; `halfspeed schema
analysis` and so on print the same as JSON schemas. Written anew by

    HALFSPEED_UPDATE_DOCS=1 cargo test --test docs

`bands[].width_db` stands for that field of every element of `bands`. A number's unit is the end of its name. `null` stands where a value
doesn't exist, such as the loudness of silence. How numbers are measured: [measurements.md](measurements.md); how scores
are made: [translation.md](translation.md). The four wide bands are 20 to 120, 120 to 700, 700 to 5000 and
5000 to 20 000 Hz; mid is `(L + R) / 2`, side `(L - R) / 2`.
";

const PARTS_HEAD: &str = "
# Shared parts

What several documents hold, and words that are chosen from. Schemas have them under these names in `$defs`.
";

/// The page of the documentation.
pub fn json_markdown() -> String {
    let page = Page::new();
    let mut out = String::from(HEAD);
    for (kind, schema) in &page.documents {
        let _ = writeln!(out, "\n## {}\n\nFrom {}. {}", kind.id(), kind.printed_by, meaning(schema));
        page.fields(schema, &mut out);
    }
    out.push_str(PARTS_HEAD);
    for (name, schema) in page.parts.iter().filter(|(name, _)| page.headings.contains_key(*name)) {
        let _ = writeln!(out, "\n## {name}\n\n{}", meaning(schema));
        let words = words(schema);
        if words.is_empty() {
            page.fields(schema, &mut out);
            continue;
        }
        let _ = writeln!(out, "\n| value | meaning |\n|---|---|");
        for (word, meaning) in words {
            let _ = writeln!(out, "| `{word}` | {} |", cell(&meaning));
        }
    }
    out
}

/// All that the page tells.
pub(super) struct Page {
    /// The kinds of documents with their schemas.
    pub(super) documents: Vec<(DocumentKind, Map<String, Value>)>,
    /// The schemas of what they hold, by the names that schemas refer to them by.
    parts: BTreeMap<String, Map<String, Value>>,
    /// The headings of what has a section of its own, by the same names: documents, choices of words, and what is held in
    /// several places. All else is told where it is held.
    headings: BTreeMap<String, String>,
}

/// A field.
#[derive(Debug)]
pub(super) struct Row {
    /// Where it stands: `bands[].width_db`.
    pub(super) path: String,
    /// What its value is.
    pub(super) kind: String,
    unit: &'static str,
    pub(super) meaning: String,
}

impl Page {
    pub(super) fn new() -> Self {
        let documents: Vec<(DocumentKind, Map<String, Value>)> =
            DOCUMENT_KINDS.into_iter().filter_map(|kind| Some((kind, kind.schema().as_object()?.clone()))).collect();
        let mut headings: BTreeMap<String, String> =
            documents.iter().map(|(kind, schema)| (text(schema, "title").to_owned(), kind.id())).collect();
        let held = documents.iter().flat_map(|(_, schema)| objects(schema.get("$defs")));
        let parts: BTreeMap<String, Map<String, Value>> = held
            .filter(|(name, _)| !headings.contains_key(*name))
            .map(|(name, schema)| (name.clone(), schema.clone()))
            .collect();
        let mut places = BTreeMap::new();
        let schemas = documents.iter().map(|(_, schema)| schema).chain(parts.values());
        schemas.for_each(|schema| count_places(schema, &mut places));
        for (name, schema) in &parts {
            if places.get(name).is_some_and(|count| *count > 1) || !words(schema).is_empty() {
                headings.insert(name.clone(), name.clone());
            }
        }
        Self { documents, parts, headings }
    }

    /// The same with everything told where it is held.
    #[cfg(test)]
    pub(super) fn spread_out(mut self) -> Self {
        for (_, schema) in &self.documents {
            self.parts.insert(text(schema, "title").to_owned(), schema.clone());
        }
        self.headings.clear();
        self
    }

    /// Writes the table of an object's fields.
    fn fields(&self, schema: &Map<String, Value>, out: &mut String) {
        let _ = writeln!(out, "\n| field | type | unit | meaning |\n|---|---|---|---|");
        for Row { path, kind, unit, meaning } in self.rows(schema) {
            let _ = writeln!(out, "| `{path}` | {} | {unit} | {} |", cell(&kind), cell(&meaning));
        }
    }

    /// The fields of an object.
    pub(super) fn rows(&self, schema: &Map<String, Value>) -> Vec<Row> {
        let mut rows = Vec::new();
        self.collect("", schema, &mut rows);
        rows
    }

    /// Adds the fields of an object, and those of what it holds and is told here.
    fn collect(&self, prefix: &str, schema: &Map<String, Value>, rows: &mut Vec<Row>) {
        let required = schema.get("required").and_then(Value::as_array);
        for (name, field) in objects(schema.get("properties")) {
            let is_required = required.is_some_and(|names| names.iter().any(|required| required == name));
            let path = format!("{prefix}{name}");
            let (suffix, inner) = self.innermost(field);
            rows.push(Row {
                path: path.clone(),
                kind: self.kind(field) + if is_required { "" } else { ABSENT },
                // A ratio of settings is so many to one, that of a document a share.
                unit: unit_of(name).filter(|unit| *unit != ":1").unwrap_or_default(),
                meaning: told_with(meaning(field), &meaning(inner)),
            });
            self.collect(&format!("{path}{suffix}."), inner, rows);
        }
        self.collect_variants(prefix, schema, rows);
    }

    /// Adds the fields of an object that holds other ones by what it is: the one that says so, and those of each variant.
    fn collect_variants(&self, prefix: &str, schema: &Map<String, Value>, rows: &mut Vec<Row>) {
        let first = rows.len();
        let (mut variants, mut holders) = (0, BTreeMap::<String, usize>::new());
        for variant in branches(schema, "oneOf") {
            let tag = objects(variant.get("properties")).find(|(_, field)| field.contains_key("const"));
            let Some((tag, name)) = tag.map(|(tag, field)| (format!("{prefix}{tag}"), text(field, "const"))) else {
                continue;
            };
            let mut own = Vec::new();
            self.collect(prefix, variant, &mut own);
            variants += 1;
            for mut row in own {
                *holders.entry(row.path.clone()).or_default() += 1;
                let is_tag = row.path == tag;
                let told = if is_tag { meaning(variant) } else { row.meaning };
                row.meaning = if is_tag { format!("`{name}`: {told}") } else { format!("Of `{name}`: {told}") };
                match rows[first..].iter_mut().find(|known| known.path == row.path) {
                    Some(known) => {
                        known.meaning += &format!(" {}", row.meaning);
                        if is_tag {
                            known.kind += &format!(" or {}", row.kind);
                        }
                    }
                    None => rows.push(row),
                }
            }
        }
        let is_of_some = |row: &&mut Row| holders.get(&row.path).is_some_and(|&count| count < variants);
        for row in rows[first..].iter_mut().filter(is_of_some).filter(|row| !row.kind.ends_with(ABSENT)) {
            row.kind += ABSENT;
        }
    }

    /// What a value comes down to without lists, `null` and references to what is told where it is held; and `[]` for each list.
    fn innermost<'a>(&'a self, schema: &'a Map<String, Value>) -> (String, &'a Map<String, Value>) {
        let inner = non_null(schema);
        if let Some(items) = inner.get("items").and_then(Value::as_object) {
            let (suffix, inner) = self.innermost(items);
            return (format!("[]{suffix}"), inner);
        }
        let told_here = reference(inner).filter(|name| !self.headings.contains_key(*name));
        (String::new(), told_here.and_then(|name| self.parts.get(name)).unwrap_or(inner))
    }

    /// What a value is: `number or null`, `string[]`, with `number[2]` for a list of two, or a link to where it is told.
    fn kind(&self, schema: &Map<String, Value>) -> String {
        let kind = self.kind_of_something(non_null(schema));
        if is_nullable(schema) { format!("{kind} or null") } else { kind }
    }

    fn kind_of_something(&self, schema: &Map<String, Value>) -> String {
        if let Some(name) = reference(schema) {
            let link = |heading: &String| format!("[{heading}](#{})", anchor(heading));
            return self.headings.get(name).map_or_else(|| "object".into(), link);
        }
        if let Some(items) = schema.get("items").and_then(Value::as_object) {
            let count = schema.get("maxItems").filter(|most| schema.get("minItems") == Some(*most));
            let each = self.kind(items);
            let each = if each.contains(' ') { format!("({each})") } else { each };
            return format!("{each}[{}]", count.map_or_else(String::new, Value::to_string));
        }
        let words = words(schema);
        if !words.is_empty() {
            return words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
        }
        if let Some(values) = schema.get("additionalProperties").and_then(Value::as_object) {
            return format!("object of {}s", self.kind(values));
        }
        match schema.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).take(1).collect(),
            _ if schema.contains_key("oneOf") => "object".into(),
            _ => "anything".into(),
        }
    }
}

/// What a schema says of its value, in one line.
fn meaning(schema: &Map<String, Value>) -> String {
    one_line(text(schema, "description"))
}

/// What a field means, with what is said of all objects of its type unless that is the same.
fn told_with(field: String, of_type: &str) -> String {
    match of_type {
        "" => field,
        _ if of_type.starts_with(field.trim_end_matches('.')) => of_type.to_owned(),
        _ => format!("{field} {of_type}"),
    }
}

/// A text as it can stand in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The named schemas of an object.
fn objects(fields: Option<&Value>) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
    let fields = fields.and_then(Value::as_object).into_iter().flatten();
    fields.filter_map(|(name, schema)| Some((name, schema.as_object()?)))
}

/// The schemas of a choice.
fn branches<'a>(schema: &'a Map<String, Value>, keyword: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    schema.get(keyword).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// The words that a value is chosen from, with their meanings.
fn words(schema: &Map<String, Value>) -> Vec<(String, String)> {
    let alike = |schema: &Map<String, Value>| -> Vec<(String, String)> {
        let words = schema.get("enum").and_then(Value::as_array).into_iter().flatten().chain(schema.get("const"));
        words.filter_map(Value::as_str).map(|word| (word.to_owned(), meaning(schema))).collect()
    };
    let own = alike(schema);
    if own.is_empty() { branches(schema, "oneOf").flat_map(alike).collect() } else { own }
}

fn is_nullable(schema: &Map<String, Value>) -> bool {
    let kinds = schema.get("type").and_then(Value::as_array).into_iter().flatten();
    let of_choices = branches(schema, "anyOf").filter_map(|choice| choice.get("type"));
    kinds.chain(of_choices).any(|kind| kind == "null")
}

/// The name of what a schema refers to.
fn reference(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// Counts how often each name is referred to, outside of definitions.
fn count_places(schema: &Map<String, Value>, places: &mut BTreeMap<String, usize>) {
    if let Some(name) = reference(schema) {
        *places.entry(name.to_owned()).or_default() += 1;
    }
    for (_, value) in schema.iter().filter(|(keyword, _)| *keyword != "$defs") {
        let inner = value.as_array().into_iter().flatten().chain([value]);
        inner.filter_map(Value::as_object).for_each(|schema| count_places(schema, places));
    }
}

/// Where a heading can be linked to, as GitHub and GitLab make it.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '-').collect()
}
