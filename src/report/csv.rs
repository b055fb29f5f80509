//! Values over time, for a spreadsheet or a plotting program.

use std::fmt::Write;

use super::figures::number;
use crate::measure::Measurement;
use crate::slots::SHORT_TERM_SLOTS;
use crate::units::{amplitude_to_db_checked, power_to_db_checked};

/// Slots of 100 ms in the window of momentary loudness.
const MOMENTARY_SLOTS: usize = 4;

/// One row every 100 ms for each file. Momentary loudness, short-term loudness and PSR are those of the 400 ms and 3 s
/// that end at `time_s`, the others those of the 100 ms before it. What does not exist is left empty.
pub fn analysis_csv<'a>(files: impl IntoIterator<Item = (&'a str, &'a Measurement)>) -> String {
    let mut out = String::from(
        "file,time_s,momentary_lufs,short_term_lufs,psr_db,true_dbtp,rms_dbfs,correlation,width_db,balance_db\n",
    );
    for (path, measurement) in files {
        rows(&mut out, &quoted(path), measurement);
    }
    out
}

fn rows(out: &mut String, file: &str, measurement: &Measurement) {
    let (momentary, short_term) = (measurement.loudness.momentary_lufs(), measurement.loudness.short_term_lufs());
    let psr_db = measurement.psr_db();
    let peaks = &measurement.peaks.true_peak_slots;
    for (slot, (level, &peak)) in measurement.levels.slots.iter().zip(peaks).enumerate() {
        let ending_here = |slots: usize| (slot + 1).checked_sub(slots);
        let values = [
            (ending_here(MOMENTARY_SLOTS).and_then(|start| momentary.get(start).copied()), 2),
            (ending_here(SHORT_TERM_SLOTS).and_then(|start| short_term.get(start).copied()), 2),
            (ending_here(SHORT_TERM_SLOTS).and_then(|start| psr_db.get(start).copied().flatten()), 2),
            (amplitude_to_db_checked(f64::from(peak)), 2),
            (power_to_db_checked(level.mean_square()), 2),
            (level.correlation(), 3),
            (level.width_db(), 2),
            (level.balance_db(), 2),
        ];
        let _ = write!(out, "{file},{:.1}", (slot + 1) as f64 / 10.0);
        for (value, decimals) in values {
            let text = value.filter(|value| value.is_finite()).map_or(String::new(), |value| number(value, decimals));
            let _ = write!(out, ",{text}");
        }
        out.push('\n');
    }
}

/// A field as RFC 4180 has it.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::measure::Meter;

    #[test]
    fn rows_are_as_long_as_the_head_and_windows_end_at_their_time() {
        let sine: Vec<f32> = (0..4 * 48_000).map(|n| 0.1 * (n as f32 * 0.1309).sin()).collect();
        let mut meter = Meter::new(48_000);
        meter.push(&AudioBuffer::from_channels(48_000, sine.clone(), sine));
        let csv = analysis_csv([("a \"b\",c.wav", &meter.finish())]);
        let rows: Vec<Vec<&str>> = csv.lines().map(|row| row.rsplitn(10, ',').collect()).collect();
        assert_eq!(rows.len(), 41);
        assert!(rows.iter().all(|row| row.len() == 10), "{csv}");
        assert!(csv.contains("\n\"a \"\"b\"\",c.wav\",0.1,,,,"), "{csv}");
        // Columns from the right: time is the ninth.
        let at = |time: &str| rows.iter().find(|row| row[8] == time).expect("a row");
        let reads_20 = |text: &str| text.parse::<f64>().is_ok_and(|lufs| (lufs + 20.0).abs() < 0.1);
        assert!(at("0.3")[7].is_empty() && reads_20(at("0.4")[7]));
        assert!(at("2.9")[6].is_empty() && reads_20(at("3.0")[6]) && !at("3.0")[5].is_empty());
        assert_eq!((at("4.0")[2], at("4.0")[1]), ("1.000", ""));
    }

    #[test]
    fn silence_leaves_fields_empty() {
        let mut meter = Meter::new(8_000);
        meter.push(&AudioBuffer::from_channels(8_000, vec![0.0; 8_000], vec![0.0; 8_000]));
        let csv = analysis_csv([("x", &meter.finish())]);
        assert_eq!(csv.lines().last(), Some("x,1.0,,,,,,,,"));
    }
}
