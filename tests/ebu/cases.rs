//! Every case of EBU Tech 3341 and 3342 that can be synthesised, and what the meter reads.

use halfspeed::AudioBuffer;
use halfspeed::measure::loudness::{LoudnessMeter, LoudnessSeries};
use halfspeed::measure::peak::TruePeakMeter;

use crate::signals::{Part, SILENT, burst, steady_tone, tone};

/// A case at one rate.
pub struct Case {
    /// Number in the document.
    pub number: &'static str,
    /// What the signal is.
    pub signal: &'static str,
    /// What is read.
    pub reads: &'static str,
    /// What the document asks for.
    pub expected: &'static str,
    /// What a meter with the coefficients of the standard reads at 48 kHz, or the exact value where theory has one.
    pub exact: f64,
    /// How far a reading may lie below and above it.
    pub tolerance: (f64, f64),
    /// The readings.
    pub readings: Vec<f64>,
}

const LU: (f64, f64) = (0.03, 0.03);
const RANGE: (f64, f64) = (0.05, 0.05);
const PEAK: (f64, f64) = (0.05, 0.05);

fn loudness(rate: u32, parts: &[Part]) -> LoudnessSeries {
    let samples = tone(rate, parts);
    let mut meter = LoudnessMeter::stereo(rate);
    meter.push(&[&samples, &samples]);
    meter.finish()
}

fn five_channels(rate: u32) -> LoudnessSeries {
    let channels = [-28.0, -28.0, -24.0, -30.0, -30.0].map(|dbfs| tone(rate, &[(20.0, dbfs)]));
    let mut meter = LoudnessMeter::new(rate, &[1.0, 1.0, 1.0, 1.41, 1.41]);
    meter.push(&channels.each_ref().map(Vec::as_slice));
    meter.finish()
}

fn true_dbtp(rate: u32, samples: Vec<f32>) -> f64 {
    let mut meter = TruePeakMeter::new(rate);
    meter.push(&AudioBuffer::from_channels(rate, samples.clone(), samples));
    let peaks = meter.finish();
    assert!(peaks.true_dbtp() >= peaks.sample_dbfs());
    peaks.true_dbtp().unwrap_or(f64::NAN)
}

fn value(reading: Option<f64>) -> f64 {
    reading.unwrap_or(f64::NAN)
}

/// Twenty tones, one dB louder each, in segments of which each begins so much later: how far the maximum so far lies
/// over the tone's level at the end of each segment.
fn live(
    rate: u32,
    shift_s: f64,
    tone_s: f64,
    segment_s: f64,
    of: impl Fn(&LoudnessSeries) -> Vec<f64>,
    window_s: f64,
) -> Vec<f64> {
    let steps = (0..20).map(f64::from);
    let parts: Vec<Part> = steps
        .flat_map(|i| {
            let silence_s = i * shift_s;
            [(silence_s, SILENT), (tone_s, i - 38.0), (segment_s - tone_s - silence_s, SILENT)]
        })
        .collect();
    let series = of(&loudness(rate, &parts));
    let hop_s = (20.0 * segment_s - window_s) / (series.len() - 1) as f64;
    (0..20)
        .map(|i| {
            let end = (((i + 1) as f64 * segment_s - window_s) / hop_s).round() as usize;
            series[..=end.min(series.len() - 1)].iter().copied().fold(f64::NEG_INFINITY, f64::max)
                - (f64::from(i) - 38.0)
        })
        .collect()
}

/// All cases at a rate.
pub fn all(rate: u32) -> Vec<Case> {
    let case = |number, signal, reads, expected, exact, tolerance, readings| Case {
        number,
        signal,
        reads,
        expected,
        exact,
        tolerance,
        readings,
    };
    let mut cases = Vec::new();

    for (number, signal, dbfs, expected, exact) in
        [("1", "-23 dBFS, 20 s", -23.0, "-23.0", -22.993), ("2", "-33 dBFS, 20 s", -33.0, "-33.0", -32.993)]
    {
        let series = loudness(rate, &[(20.0, dbfs)]);
        cases.push(case(number, signal, "I", expected, exact, LU, vec![value(series.integrated_lufs())]));
        cases.push(case(number, signal, "M", expected, exact, LU, vec![value(series.max_momentary_lufs())]));
        cases.push(case(number, signal, "S", expected, exact, LU, vec![value(series.max_short_term_lufs())]));
    }
    let integrated: [(_, _, f64, &[Part]); 3] = [
        ("3", "10 s -36; 60 s -23; 10 s -36", -23.014, &[(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)]),
        (
            "4",
            "10 s -72; 10 s -36; 60 s -23; 10 s -36; 10 s -72",
            -23.014,
            &[(10.0, -72.0), (10.0, -36.0), (60.0, -23.0), (10.0, -36.0), (10.0, -72.0)],
        ),
        ("5", "20 s -26; 20.1 s -20; 20 s -26", -22.979, &[(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)]),
    ];
    for (number, signal, exact, parts) in integrated {
        let reading = value(loudness(rate, parts).integrated_lufs());
        cases.push(case(number, signal, "I", "-23.0", exact, LU, vec![reading]));
    }
    let reading = value(five_channels(rate).integrated_lufs());
    cases.push(case("6", "5.0: L, R -28; C -24; Ls, Rs -30", "I", "-23.0", -23.016, LU, vec![reading]));

    let series = loudness(rate, &[(1.34, -20.0), (1.66, -30.0)].repeat(5));
    let signal = "(1.34 s -20; 1.66 s -30) x 5";
    cases.push(case("9", signal, "S from 3 s on", "-23.0", -22.986, LU, series.short_term_50_ms_lufs()));
    let steps = || (0..20).map(f64::from);
    let readings = steps()
        .map(|i| loudness(rate, &[(i * 0.15, SILENT), (3.0, -23.0), (1.0, SILENT)]))
        .map(|series| value(series.max_short_term_lufs()));
    let signal = "20 files: i x 0.15 s silence; 3 s -23; 1 s silence";
    cases.push(case("10", signal, "max S", "-23.0", -22.993, LU, readings.collect()));
    let readings = live(rate, 0.15, 3.0, 6.0, LoudnessSeries::short_term_50_ms_lufs, 3.0);
    let signal = "live: i x 0.15 s silence; 3 s at -38 + i; silence to 6 s";
    cases.push(case("11", signal, "max S, over -38 + i", "0.0", 0.007, LU, readings));

    let series = loudness(rate, &[(0.18, -20.0), (0.22, -30.0)].repeat(25));
    let momentary = series.momentary_10_ms_lufs().split_off(60);
    cases.push(case("12", "(0.18 s -20; 0.22 s -30) x 25", "M from 1 s on", "-23.0", -22.960, LU, momentary));
    let readings = steps()
        .map(|i| loudness(rate, &[(i * 0.02, SILENT), (0.4, -23.0), (1.0, SILENT)]))
        .map(|series| value(series.max_momentary_lufs()));
    let signal = "20 files: i x 20 ms silence; 400 ms -23; 1 s silence";
    cases.push(case("13", signal, "max M", "-23.0", -22.994, LU, readings.collect()));
    let readings = live(rate, 0.02, 0.4, 0.8, LoudnessSeries::momentary_10_ms_lufs, 0.4);
    let signal = "live: i x 20 ms silence; 400 ms at -38 + i; silence to 0.8 s";
    cases.push(case("14", signal, "max M, over -38 + i", "0.0", 0.006, LU, readings));

    let half = 10f64.powf(-6.0 / 20.0);
    let steady = [
        ("15", "fs/4, 0.50, 0 degrees", 4.0, half, 0.0, "-6.0", -6.0),
        ("16", "fs/4, 0.50, 45 degrees", 4.0, half, 45.0, "-6.0", -6.0),
        ("17", "fs/6, 0.50, 60 degrees", 6.0, half, 60.0, "-6.0", -6.0),
        ("18", "fs/8, 0.50, 67.5 degrees", 8.0, half, 67.5, "-6.0", -6.0),
        ("19", "fs/4, 1.41, 45 degrees", 4.0, 2f64.sqrt(), 45.0, "+3.0", 3.01),
    ];
    for (number, signal, divisor, amplitude, degrees, expected, exact) in steady {
        let reading = true_dbtp(rate, steady_tone(rate, divisor, amplitude, degrees));
        cases.push(case(number, signal, "TP", expected, exact, PEAK, vec![reading]));
    }
    for (offset, number) in ["20", "21", "22", "23"].into_iter().enumerate() {
        let signal = "fs/6 at 0.50 with one period of fs/4 at 1.00, offset by 0 to 3 quarter samples";
        let reading = true_dbtp(rate, burst(rate, offset));
        cases.push(case(number, signal, "TP", "0.0", -0.078, (0.072, 0.078), vec![reading]));
    }

    let ranges: [(_, _, _, f64, &[f64]); 4] = [
        ("3342-1", "20 s -20; 20 s -30", "10", 10.0, &[-20.0, -30.0]),
        ("3342-2", "20 s -20; 20 s -15", "5", 5.0, &[-20.0, -15.0]),
        ("3342-3", "20 s -40; 20 s -20", "20", 20.0, &[-40.0, -20.0]),
        ("3342-4", "20 s each of -50; -35; -20; -35; -50", "15", 15.0, &[-50.0, -35.0, -20.0, -35.0, -50.0]),
    ];
    for (number, signal, expected, exact, levels) in ranges {
        let parts: Vec<Part> = levels.iter().map(|&dbfs| (20.0, dbfs)).collect();
        cases.push(case(number, signal, "LRA", expected, exact, RANGE, vec![value(loudness(rate, &parts).range_lu())]));
    }
    cases
}
