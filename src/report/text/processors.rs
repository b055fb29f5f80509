//! The list of processors.

use super::{line, wrap, wrap_beside};
use crate::engine::processors::catalogue::ParameterEntry;
use crate::report::ProcessorsDocument;
use crate::report::processors::{row, taken_by};

/// A table for each processor.
pub fn processors_text(document: &ProcessorsDocument) -> String {
    let mut out = String::new();
    for (index, processor) in document.processors.iter().enumerate() {
        if index > 0 {
            line(&mut out, "");
        }
        line(&mut out, &processor.kind);
        wrap(&mut out, &processor.summary, 2);
        wrap(&mut out, &processor.method, 2);
        wrap(&mut out, &taken_by(processor), 2);
        let rows: Vec<[String; 4]> = processor.parameters.iter().map(cells).collect();
        let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [name_width, range_width, default_width] = [0, 1, 2].map(widest);
        for [name, range, default, meaning] in &rows {
            let lead = format!("    {name:<name_width$}  {range:<range_width$}  {default:<default_width$}  ");
            wrap_beside(&mut out, &lead, meaning);
        }
    }
    out
}

/// Name, range with its unit, default, and meaning with the words there are to choose from: in a column of their own they
/// would leave it no room.
fn cells(parameter: &ParameterEntry) -> [String; 4] {
    let [name, range, unit, default, meaning] = row(parameter);
    if parameter.choices.is_empty() {
        [name, format!("{range} {unit}").trim().into(), default, meaning]
    } else {
        [name, unit, default, format!("{meaning}: {range}")]
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_fits;
    use super::*;
    use crate::engine::processors::catalogue::catalogue;

    #[test]
    fn the_tables_fit() {
        let text = processors_text(&ProcessorsDocument::new(catalogue()));
        assert_fits(&text);
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for told in [
            "For graphs, and for recipes under the name glue.",
            "For graphs alone.",
            "bands[].frequency_hz 10 to 0.49 fs Hz required Centre or corner",
            "detector rms What the level is: rms | peak",
        ] {
            assert!(flat.contains(told), "{told}");
        }
    }
}
