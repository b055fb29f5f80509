//! The promises that all processors keep, tried on every kind there is: what is listed is what is checked, and whatever
//! is in range gives finite output that does not depend on blocks.

use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::catalogue::{ParameterEntry, catalogue, schema_of};
use super::schema_check::is_valid;
use super::*;
use crate::dsp::Frame;
use crate::dsp::testing::{Noise, noise};
use crate::engine::Recipe;

fn room(_: &Path, _: u32) -> Result<ImpulseResponse> {
    let decay = |seed: u64| {
        let noise = noise(3000, seed);
        noise.iter().enumerate().map(|(n, frame)| frame[0] * (-(n as f64) / 500.0).exp()).collect()
    };
    Ok(ImpulseResponse::Stereo([decay(1), decay(2)]))
}

/// Settings of a kind in which every parameter has a value that can be changed.
fn example(kind: &str) -> Value {
    match kind {
        "eq" => json!({"kind": kind, "bands": [{"kind": "bell", "frequency_hz": 1000.0}]}),
        "dynamic_eq" => json!({"kind": kind, "bands": [{}]}),
        "multiband" => json!({"kind": kind, "corners_hz": [1000.0], "bands": [{"compressor": {}}, {}]}),
        "side_chain_compressor" => json!({"kind": kind, "side_chain": "kick"}),
        "convolution" => json!({"kind": kind, "impulse_response": "room.wav", "room": {}}),
        _ => json!({"kind": kind}),
    }
}

/// Puts a value where a parameter stands.
fn with(kind: &str, name: &str, value: &Value) -> Value {
    let mut settings = example(kind);
    let mut place = &mut settings;
    let mut steps = name.split('.').peekable();
    while let Some(step) = steps.next() {
        if steps.peek().is_none() {
            place[step] = value.clone();
            break;
        }
        place = match step.strip_suffix("[]") {
            Some(list) => &mut place[list][0],
            None => &mut place[step],
        };
    }
    settings
}

fn accepts(settings: &Value) -> bool {
    let parsed: Result<ProcessorSettings, _> = serde_json::from_value(settings.clone());
    parsed.is_ok_and(|settings| settings.validate(384_000).is_ok())
}

/// Whether a parameter is a row of numbers, and how long.
fn row_length(kind: &str, name: &str) -> Option<usize> {
    match (kind, name) {
        ("multiband", "corners_hz") => Some(1),
        ("band_width", "corners_hz") => Some(3),
        ("band_width", "width_percent") => Some(4),
        ("reverb", "decay_s") => Some(9),
        _ => None,
    }
}

#[test]
fn defaults_pass_and_what_is_out_of_range_fails_in_the_check_and_in_the_schema() {
    let schema = schema_of::<ProcessorSettings>().to_value();
    let mut tried = 0;
    for entry in catalogue() {
        let settings = example(&entry.kind);
        assert!(is_valid(&schema, &settings), "{settings}");
        assert!(accepts(&settings), "{settings}");
        assert!(!is_valid(&schema, &with(&entry.kind, "no_such_thing", &json!(1))), "{}", entry.kind);
        assert!(!accepts(&with(&entry.kind, "no_such_thing", &json!(1))), "{}", entry.kind);
        for ParameterEntry { name, minimum, maximum, choices, .. } in &entry.parameters {
            let mut bad: Vec<Value> = Vec::new();
            let mut good: Vec<Value> = choices.clone();
            let row = |x: Value| row_length(&entry.kind, name).map_or(x.clone(), |length| json!(vec![x; length]));
            if let (Some(low), Some(high)) = (minimum, maximum) {
                let whole = ["sections"].contains(&name.as_str());
                let number = |x: f64| if whole { json!(x as i64) } else { json!(x) };
                bad.extend([low - 1.0, high + 1.0].map(number).map(row));
                // A row that has to rise can't be the same all along.
                if !name.ends_with("corners_hz") {
                    good.extend([*low, *high].map(number).map(row));
                }
            } else if choices.first().is_some_and(Value::is_number) {
                bad.push(json!(5));
            } else if !choices.is_empty() {
                bad.push(json!("no_such_thing"));
            }
            for value in bad {
                let settings = with(&entry.kind, name, &value);
                assert!(!accepts(&settings), "{settings}");
                assert!(!is_valid(&schema, &settings), "{settings}");
                tried += 1;
            }
            for value in good {
                let settings = with(&entry.kind, name, &value);
                assert!(is_valid(&schema, &settings), "{settings}");
                // What one field may be can depend on another: highest_hz has to be above lowest_hz.
                assert!(accepts(&settings) || entry.kind == "tamer", "{settings}");
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn a_recipe_has_a_schema_with_the_same_ranges() {
    let schema = schema_of::<Recipe>().to_value();
    let recipe = Recipe { glue: Some(CompressorSettings::default()), ..Recipe::default() };
    let mut settings = serde_json::to_value(&recipe).expect("plain data");
    assert!(is_valid(&schema, &settings), "{settings}");
    settings["glue"]["ratio"] = json!(0.5);
    assert!(!is_valid(&schema, &settings));
    assert_eq!(schema["$defs"]["LimiterSettings"]["properties"]["ceiling_dbtp"]["x-unit"], "dBTP");
}

#[test]
fn every_kind_is_listed_with_all_that_a_reader_needs() {
    let entries = catalogue();
    assert_eq!(entries.len(), 25);
    for entry in &entries {
        assert!(!entry.kind.is_empty() && entry.summary.ends_with('.'), "{entry:?}");
        assert!(!entry.parameters.is_empty(), "{}", entry.kind);
        for parameter in &entry.parameters {
            assert!(parameter.meaning.len() > 3, "{} {parameter:?}", entry.kind);
        }
    }
}

/// Every number of a text. A space between thousands is none between numbers.
fn numbers_in(text: &str) -> Vec<f64> {
    let letters: Vec<char> = text.chars().collect();
    let is_digit = |index: usize| letters.get(index).is_some_and(char::is_ascii_digit);
    let mut joined = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let between = *letter == ' ' && index > 0 && is_digit(index - 1) && (1..4).all(|k| is_digit(index + k));
        if !between {
            joined.push(*letter);
        }
    }
    let words = joined.split(|c: char| !(c.is_ascii_digit() || c == '-' || c == '.'));
    words.filter_map(|word| word.trim_end_matches('.').parse().ok()).collect()
}

/// What is wrong with the doc comment of a parameter.
fn doc_mistakes(parameter: &ParameterEntry) -> Vec<String> {
    let ParameterEntry { minimum, maximum, maximum_per_sample_rate, default, description, .. } = parameter;
    let mut mistakes = Vec::new();
    let (text, told) = description.split_once("Default: ").map_or((&description[..], None), |(a, b)| (a, Some(b)));
    let said = numbers_in(text);
    for bound in [*minimum, maximum_per_sample_rate.or(*maximum)].into_iter().flatten() {
        if !said.contains(&bound) {
            mistakes.push(format!("doesn't say {bound}"));
        }
    }
    let defaults = told.map(numbers_in).unwrap_or_default();
    let is_told = match default {
        Value::Number(number) => {
            defaults.first().is_some_and(|x| (x - number.as_f64().unwrap_or(f64::NAN)).abs() < 1e-3)
        }
        Value::Array(numbers) if !numbers.is_empty() => {
            defaults == numbers.iter().filter_map(Value::as_f64).collect::<Vec<_>>()
                || (defaults.len() == 1 && numbers.iter().all(|number| number.as_f64() == defaults.first().copied()))
        }
        Value::Bool(is_on) => told.is_some_and(|told| told.starts_with(if *is_on { "yes" } else { "no" })),
        _ => parameter.required || told.is_some(),
    };
    if !is_told {
        mistakes.push(format!("doesn't say its default, {default}"));
    }
    mistakes
}

#[test]
fn what_the_docs_say_is_what_is_checked() {
    let mut mistakes = Vec::new();
    for entry in catalogue() {
        for parameter in &entry.parameters {
            let place = format!("{}.{}: {}", entry.kind, parameter.name, parameter.description);
            mistakes.extend(doc_mistakes(parameter).into_iter().map(|mistake| format!("{place} - {mistake}")));
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// Settings at random, all in range.
struct Dice(Noise);

impl Dice {
    /// Uniform in 0 to 1.
    fn share(&mut self) -> f64 {
        0.5 + 0.5 * self.0.next()
    }

    fn below(&mut self, count: usize) -> usize {
        ((self.share() * count as f64) as usize).min(count - 1)
    }

    fn value(&mut self, schema: &Map<String, Value>, rate: u32) -> Value {
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return values[self.below(values.len())].clone();
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(choices) = schema.get(key).and_then(Value::as_array) {
                let choice = self.below(choices.len());
                return self.value(choices[choice].as_object().expect("a schema"), rate);
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) if self.share() < 0.3 => return kinds.last().map(|_| Value::Null).expect("two kinds"),
            Value::Array(kinds) => kinds[0].as_str(),
            kind => kind.as_str(),
        };
        let number = |key: &str| schema.get(key).and_then(Value::as_f64);
        match kind.expect("a type") {
            "null" => Value::Null,
            "boolean" => json!(self.share() < 0.5),
            "string" => json!("room.wav"),
            "array" => {
                let least = number("minItems").unwrap_or(0.0) as usize;
                let most = number("maxItems").unwrap_or(4.0) as usize;
                let items = schema["items"].as_object().expect("a schema");
                let count = least + self.below(most - least + 1);
                (0..count).map(|_| self.value(items, rate)).collect()
            }
            "object" => {
                let properties = schema["properties"].as_object().expect("fields");
                let fields = properties
                    .iter()
                    .map(|(name, schema)| (name.clone(), self.value(schema.as_object().expect("a schema"), rate)));
                let mut fields: Map<String, Value> = fields.collect();
                fit(&mut fields);
                Value::Object(fields)
            }
            kind => {
                let low = number("minimum").expect("a range");
                let high = number("x-maximum-per-sample-rate")
                    .map_or(number("maximum").expect("a range"), |share| share * f64::from(rate));
                let high = high.min(0.45 * f64::from(rate)).max(low).min(number("maximum").unwrap_or(high));
                let drawn = match self.below(10) {
                    0 => low,
                    1 => high,
                    _ if low > 0.0 && high > 50.0 * low => low * (high / low).powf(self.share()),
                    _ => low + self.share() * (high - low),
                };
                if kind == "integer" { json!(drawn.round() as i64) } else { json!(drawn) }
            }
        }
    }
}

/// Makes fields suit each other: corners rise, and there is a band more than corners.
fn fit(fields: &mut Map<String, Value>) {
    if let Some(Value::Array(corners)) = fields.get_mut("corners_hz") {
        corners.sort_by(|a, b| a.as_f64().partial_cmp(&b.as_f64()).expect("numbers"));
        let count = corners.len() + 1;
        if let Some(Value::Array(bands)) = fields.get_mut("bands") {
            bands.resize(count, json!({}));
        }
    }
}

/// Loud noise, silence, a constant, clicks, denormal numbers, levels far beyond full scale, and silence again.
fn awkward(frames: usize) -> Vec<Frame> {
    let mut signal = noise(1500, 4);
    signal.extend([[0.0; 2]; 700]);
    signal.extend([[1.0, -1.0]; 500]);
    signal.extend([[0.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0; 2]].repeat(60));
    signal.extend([[5e-324, -1e-310], [f64::MIN_POSITIVE, 0.0]].repeat(300));
    signal.extend([[1e6, -1e6], [-1e6, -1e6], [0.0, 1e6]].repeat(80));
    signal.resize(frames.max(signal.len()), [0.0; 2]);
    signal
}

#[test]
fn any_settings_in_range_give_finite_output_that_does_not_depend_on_blocks() {
    let inline = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    let schema = inline.into_generator().into_root_schema_for::<ProcessorSettings>().to_value();
    let kinds = schema["oneOf"].as_array().expect("kinds");
    let mut dice = Dice(Noise(20_261_123));
    for kind in kinds {
        for (rate, rounds) in [(8000, 4), (44_100, 4), (192_000, 2)] {
            let mut tried = 0;
            for _ in 0..60 {
                let drawn = dice.value(kind.as_object().expect("a schema"), rate);
                let settings: ProcessorSettings = serde_json::from_value(drawn.clone()).expect("a processor");
                // Where two fields don't suit each other, the dice are thrown again.
                if settings.validate(rate).is_err() {
                    continue;
                }
                let mut stage = settings.build(rate, &room).expect("a stage");
                let mut whole = awkward(6000 + stage.latency_frames().min(50_000));
                let mut parts = whole.clone();
                stage.process(&mut whole);
                assert!(whole.iter().flatten().all(|x| x.is_finite()), "{rate} Hz: {drawn}");
                let mut stage = settings.build(rate, &room).expect("a stage");
                let mut rest = &mut parts[..];
                for length in [1, 7, 333, 64, 1021].into_iter().cycle() {
                    let (block, tail) = rest.split_at_mut(length.min(rest.len()));
                    stage.process(block);
                    rest = tail;
                    if rest.is_empty() {
                        break;
                    }
                }
                let same = whole.iter().zip(&parts).all(|(a, b)| a.map(f64::to_bits) == b.map(f64::to_bits));
                assert!(same, "{rate} Hz, blocks: {drawn}");
                tried += 1;
                if tried == rounds {
                    break;
                }
            }
            assert_eq!(tried, rounds, "{rate} Hz: {}", kind["properties"]["kind"]["const"]);
        }
    }
}

#[test]
fn silence_after_music_ends_in_zero_or_in_normal_numbers() {
    let rate = 8000;
    for entry in catalogue() {
        let kind = entry.kind.as_str();
        let settings = match kind {
            "eq" => json!({"kind": kind, "bands": [{"kind": "bell", "frequency_hz": 1000.0, "gain_db": 6.0}]}),
            "compressor" => json!({"kind": kind, "side_chain_high_pass_hz": 200.0}),
            "band_width" => {
                json!({"kind": kind, "width_percent": [0.0, 100.0, 120.0, 150.0], "corners_hz": [100.0, 500.0, 2000.0]})
            }
            "multiband" => json!({"kind": kind, "corners_hz": [500.0, 2000.0], "bands": [{"compressor": {}}, {}, {}]}),
            "tamer" => json!({"kind": kind, "highest_hz": 3000.0}),
            "de_esser" => json!({"kind": kind, "frequency_hz": 3000.0}),
            "tempo_delay" => json!({"kind": kind, "tempo_bpm": 400.0, "low_cut_hz": 200.0, "high_cut_hz": 2000.0}),
            _ => example(kind),
        };
        let settings: ProcessorSettings = serde_json::from_value(settings).expect("a processor");
        settings.validate(rate).expect("valid");
        let mut stage = settings.build(rate, &room).expect("a stage");
        let mut signal = noise(1000, 3);
        signal.resize(30_000 + stage.latency_frames(), [0.0; 2]);
        stage.process(&mut signal);
        // Far below any converter, far above the denormal numbers.
        let slow = signal.iter().flatten().filter(|x| **x != 0.0 && x.abs() < 1e-290).count();
        assert_eq!(slow, 0, "{kind}");
    }
}
