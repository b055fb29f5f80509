//! The program as its users meet it: what it promises, and what it says when it can't.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use halfspeed::AudioBuffer;
use halfspeed::io::{Decoder, Tag};
use serde_json::Value;
use tempfile::TempDir;

const MIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clips/mix.flac");
const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clips/reference.flac");

/// A folder of its own for each test.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn wav(&self, name: &str, rate: u32, channels: u16, samples: impl IntoIterator<Item = f32>) -> PathBuf {
        let path = self.path(name);
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let mut writer = hound::WavWriter::create(&path, spec).expect("a new file");
        samples.into_iter().for_each(|sample| writer.write_sample(sample).expect("space"));
        writer.finalize().expect("space");
        path
    }

    /// The clip behind a clipper, driven hard.
    fn cut_mix(&self) -> PathBuf {
        self.wav("cut.wav", 44_100, 2, mix_samples().into_iter().map(|x| 0.89 * (8.0 * x).tanh()))
    }

    fn files(&self) -> usize {
        fs::read_dir(self.0.path()).expect("the folder").count()
    }
}

fn halfspeed<I: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = I>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_halfspeed")).args(args).output().expect("the program starts")
}

fn master(mix: &Path, output: &Path, more: &[&str]) -> Output {
    let mut args = vec!["master".as_ref(), mix.as_os_str(), "-o".as_ref(), output.as_os_str()];
    args.extend(more.iter().map(|arg| std::ffi::OsStr::new(*arg)));
    halfspeed(args)
}

/// The program fails with this exit code, says all of these words on stderr, and leaves no new file behind.
#[track_caller]
fn assert_refused(bench: &Bench, output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{said:?} lacks one of {words:?}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(!bench.path("out.wav").exists(), "an output was left behind");
    let strays = fs::read_dir(bench.0.path()).expect("the folder").flatten();
    assert!(strays.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with(".halfspeed-")));
}

fn tone(frames: usize) -> impl Iterator<Item = f32> {
    (0..frames).flat_map(|n| {
        let x = 0.2 * (n as f32 * 0.05).sin() * (1.0 + 0.5 * (n as f32 * 0.0003).sin());
        [x, 0.7 * x + 0.05 * (n as f32 * 0.11).sin()]
    })
}

/// The samples of the clip, left and right in turn.
fn mix_samples() -> Vec<f32> {
    let (mut decoder, mut block) = (Decoder::open(Path::new(MIX)).expect("the clip"), AudioBuffer::new(44_100));
    let mut samples = Vec::new();
    while decoder.next_block(&mut block).expect("audio") {
        samples.extend(block.left().iter().zip(block.right()).flat_map(|(left, right)| [*left, *right]));
    }
    samples
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("stdout is one JSON document")
}

/// Where a master's peaks were cut off.
fn cut_dbfs(report: &Value) -> f64 {
    report["settings"]["soft_clip"]["ceiling_db"].as_f64().expect("a soft clip")
}

/// The loudness of a reference that is turned down until its samples peak at -1 dBFS.
fn lufs_at_the_ceiling(reference: &Value) -> f64 {
    let peak_dbfs = reference["peak"]["sample_dbfs"].as_f64().expect("not silent");
    reference["loudness"]["integrated_lufs"].as_f64().expect("loud") - (peak_dbfs + 1.0).max(0.0)
}

#[test]
fn a_master_keeps_its_promises_and_can_be_rendered_again_to_the_byte() {
    let bench = Bench::new();
    let (out, again, recipe) = (bench.path("master.wav"), bench.path("again.wav"), bench.path("recipe.toml"));
    let report_path = bench.path("report.html");
    let output = master(
        Path::new(MIX),
        &out,
        &[
            "--reference",
            REFERENCE,
            "--json",
            "--recipe-out",
            recipe.to_str().unwrap(),
            "--report",
            report_path.to_str().unwrap(),
        ],
    );
    let report = json(&output);
    assert_eq!(report["schema"], "halfspeed.master/1");
    for promise in report["verified"].as_array().expect("promises") {
        assert_eq!(promise["met"], true, "{promise}");
    }
    assert!(report["suggestions"].as_array().is_some_and(|list| !list.is_empty()));

    // Held against an independent meter, which reads what was written.
    let mut reader = hound::WavReader::open(&out).expect("a WAV");
    assert_eq!((reader.spec().bits_per_sample, reader.spec().sample_rate), (24, 44_100));
    let samples: Vec<f32> = reader.samples::<i32>().map(|x| x.expect("whole") as f32 / 8_388_608.0).collect();
    let mut meter =
        ebur128::EbuR128::new(2, 44_100, ebur128::Mode::I | ebur128::Mode::TRUE_PEAK).expect("a valid rate");
    meter.add_frames_f32(&samples).expect("whole frames");
    assert!((meter.loudness_global().expect("loud") - lufs_at_the_ceiling(&report["reference"])).abs() < 0.1);
    let peak = (0..2).map(|c| meter.true_peak(c).expect("measured")).fold(0.0, f64::max);
    assert!(20.0 * peak.log10() < -0.9, "{} dBTP", 20.0 * peak.log10());
    let mix = json(&halfspeed(["analyze", MIX, "--json"]));
    assert_eq!(samples.len() as f64 / 2.0 / 44_100.0, mix["file"]["duration_s"].as_f64().expect("a length"));

    let page = fs::read_to_string(&report_path).expect("a report");
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));

    let output =
        halfspeed(["render", MIX, "--recipe", recipe.to_str().unwrap(), "-o", again.to_str().unwrap(), "--quiet"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(fs::read(&out).expect("master") == fs::read(&again).expect("rendered"), "the bytes differ");
}

#[test]
fn a_master_says_of_the_music_what_the_mix_says() {
    let bench = Bench::new();
    let mix = bench.wav("mix.wav", 44_100, 2, tone(44_100));
    let list = b"LIST\x1E\0\0\0INFOINAM\x05\0\0\0song\0\0IART\x03\0\0\0who\0";
    let mut bytes = fs::read(&mix).expect("written");
    bytes.extend(list);
    let riff_bytes = bytes.len() as u32 - 8;
    bytes[4..8].copy_from_slice(&riff_bytes.to_le_bytes());
    fs::write(&mix, bytes).expect("space");
    let [out, again, recipe] = ["master.wav", "again.wav", "recipe.toml"].map(|name| bench.path(name));
    let report = json(&master(&mix, &out, &["--json", "--recipe-out", recipe.to_str().expect("plain")]));
    let promises = report["verified"].as_array().expect("promises");
    assert!(promises.iter().any(|promise| promise["id"] == "length" && promise["met"] == true), "{report}");
    let tags = Decoder::open(&out).expect("a master").info().tags.clone();
    assert_eq!(
        (tags.get(Tag::Title), tags.get(Tag::Artist), tags.get(Tag::Comment)),
        (Some("song"), Some("who"), None)
    );
    let args = ["render".as_ref(), mix.as_os_str(), "--recipe".as_ref(), recipe.as_os_str(), "-o".as_ref()];
    assert!(halfspeed(args.into_iter().chain([again.as_os_str()])).status.success());
    assert!(fs::read(&out).expect("master") == fs::read(&again).expect("rendered"), "the bytes differ");
}

#[test]
fn a_master_is_quieter_than_a_reference_by_what_that_peaks_over_the_ceiling() {
    let bench = Bench::new();
    let highest = tone(48_000 * 4).fold(0.0f32, |highest, x| highest.max(x.abs()));
    let full_scale = bench.wav("reference.wav", 48_000, 2, tone(48_000 * 4).map(|x| x / highest));
    let mix = bench.wav("mix.wav", 48_000, 2, tone(48_000 * 4));
    let by = |more: &[&str]| {
        let options = [&["--reference", full_scale.to_str().unwrap(), "--force", "--json"], more].concat();
        let report = json(&master(&mix, &bench.path("out.wav"), &options));
        let reference_lufs = report["reference"]["loudness"]["integrated_lufs"].as_f64().expect("loud");
        let quieter_lu = reference_lufs - report["verified"][0]["wanted"].as_f64().expect("a wish");
        let because = report["verified"][0]["wanted_because"].as_str();
        let is_said = because.is_some_and(|because| because.contains("--loudness="));
        (reference_lufs, quieter_lu, is_said)
    };
    let (reference_lufs, quieter_lu, is_said) = by(&[]);
    assert!((quieter_lu - 1.0).abs() < 1e-4 && is_said, "{quieter_lu}");
    let (_, quieter_lu, is_said) = by(&["--ceiling", "-3"]);
    assert!((quieter_lu - 3.0).abs() < 1e-4 && is_said, "{quieter_lu}");
    let (_, quieter_lu, is_said) = by(&["--loudness", &reference_lufs.to_string()]);
    assert!(quieter_lu.abs() < 1e-9 && !is_said, "{quieter_lu}");
}

#[test]
fn a_mix_that_is_its_own_reference_is_left_alone() {
    let bench = Bench::new();
    for suggester in ["model", "classical"] {
        let out = bench.path(&format!("{suggester}.wav"));
        let report = json(&master(Path::new(MIX), &out, &["--reference", MIX, "--suggester", suggester, "--json"]));
        for band in report["settings"]["eq"].as_array().into_iter().flatten() {
            assert!(band["gain_db"].as_f64().is_some_and(|gain| gain.abs() < 0.5), "{suggester}: {band}");
        }
        for stage in ["multiband", "glue", "width"] {
            assert!(report["settings"][stage].is_null(), "{suggester}: {stage}");
        }
    }
}

#[test]
fn gain_polarity_and_order_of_channels_change_no_equaliser_and_no_width() {
    let bench = Bench::new();
    let frames: Vec<[f32; 2]> = mix_samples().as_chunks().0.to_vec();
    let settings = |name: &str, change: &dyn Fn([f32; 2]) -> [f32; 2]| {
        let mix = bench.wav(&format!("{name}.wav"), 44_100, 2, frames.iter().flat_map(|frame| change(*frame)));
        let out = bench.path(&format!("{name} master.wav"));
        let report = json(&master(&mix, &out, &["--reference", REFERENCE, "--json"]));
        assert!(report["settings"]["eq"].as_array().is_some_and(|bands| !bands.is_empty()), "{report}");
        let leveler = &report["settings"]["leveler"];
        (report["settings"]["eq"].clone(), report["settings"]["width"].clone(), leveler["ratio"].clone())
    };
    let plain = settings("plain", &|frame| frame);
    assert_eq!(settings("quieter", &|frame| frame.map(|x| 0.25 * x)), plain);
    assert_eq!(settings("inverted", &|frame| frame.map(|x| -x)), plain);
    assert_eq!(settings("swapped", &|[left, right]| [right, left]), plain);
}

/// Third octaves of the mid between 50 Hz and 10 kHz, their mean removed, dB.
fn tone_db(analysis: &Value) -> Vec<f64> {
    let numbers =
        |name: &str| analysis["spectrum"][name].as_array().expect("bands").iter().map(|x| x.as_f64().unwrap_or(-120.0));
    let chosen = numbers("center_hz").zip(numbers("mid_db")).filter(|(hz, _)| (50.0..10_000.0).contains(hz));
    let levels: Vec<f64> = chosen.map(|(_, db)| db).collect();
    let mean = levels.iter().sum::<f64>() / levels.len() as f64;
    levels.iter().map(|db| db - mean).collect()
}

#[test]
fn amounts_go_from_loudness_alone_to_a_clone() {
    let bench = Bench::new();
    let wanted = tone_db(&json(&halfspeed(["analyze", REFERENCE, "--json"])));
    let distance_db = |amount: &str| {
        let out = bench.path(&format!("{amount}.wav"));
        let report = json(&master(Path::new(MIX), &out, &["--reference", REFERENCE, "--amount", amount, "--json"]));
        if amount == "0" {
            assert!(report["settings"]["eq"].as_array().is_none_or(Vec::is_empty), "{report}");
        }
        let tone = tone_db(&json(&halfspeed(["analyze", out.to_str().unwrap(), "--json"])));
        tone.iter().zip(&wanted).map(|(is, wanted)| (is - wanted).abs()).sum::<f64>() / wanted.len() as f64
    };
    let [nothing, proven, clone] = ["0", "50", "100"].map(distance_db);
    assert!(clone < 0.5 * proven && proven < nothing, "{nothing}, {proven}, {clone} dB");
}

#[test]
fn the_report_says_what_the_model_did_and_what_the_rules_would_have_done() {
    let bench = Bench::new();
    let by = |suggester: &str| {
        let out = bench.path(&format!("{suggester}.wav"));
        json(&master(Path::new(MIX), &out, &["--reference", REFERENCE, "--suggester", suggester, "--json"]))["model"]
            .clone()
    };
    let model = by("model");
    assert_eq!(model["name"], "model");
    assert!(model["classical_curve"].as_array().is_some_and(|curve| curve.len() == 27), "{model}");
    // Either it was followed, and says how far, or it says why not.
    let followed = model["version"].is_string() && model["share_ratio"].as_f64().is_some_and(|share| share > 0.0);
    assert!(followed != model["fallback"].is_string(), "{model}");
    let classical = by("classical");
    assert!(classical["name"] == "classical" && classical["version"].is_null(), "{classical}");
}

#[test]
fn several_references_make_one_target() {
    let bench = Bench::new();
    let out = bench.path("master.wav");
    let report = json(&master(
        Path::new(MIX),
        &out,
        &["--reference", REFERENCE, "--reference", MIX, "--reference", REFERENCE, "--json"],
    ));
    assert_eq!(report["other_references"].as_array().map(Vec::len), Some(2));
    let wanted = report["verified"][0]["wanted"].as_f64().expect("a wish");
    assert!((wanted - lufs_at_the_ceiling(&report["reference"])).abs() < 1e-9);
    assert!(report["reference"]["file"]["path"].as_str().is_some_and(|path| path == REFERENCE), "the middle of three");
}

#[test]
fn each_of_several_references_is_looked_at() {
    let bench = Bench::new();
    let poor = bench.wav("poor.wav", 44_100, 1, tone(220_500).map(|x| 0.1 * x));
    let poor = poor.to_str().expect("a plain name");
    let report = json(&master(Path::new(MIX), &bench.path("out.wav"), &["-r", REFERENCE, "-r", poor, "--json"]));
    let notes = report["notes"].to_string();
    assert_eq!(report["other_references"][0]["path"], REFERENCE, "the quieter of two stands for both");
    assert!(notes.contains("The reference poor.wav is mono") && notes.contains("poor.wav is only 10.0 s"), "{notes}");
    let swapped = json(&master(
        Path::new(MIX),
        &bench.path("swapped.wav"),
        &["-r", REFERENCE, "-r", poor, "-r", REFERENCE, "--json"],
    ));
    assert_eq!(swapped["reference"]["file"]["path"], REFERENCE);
    assert!(swapped["notes"].to_string().contains("The reference poor.wav is mono"), "{}", swapped["notes"]);
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let bench = Bench::new();
    let masters: Vec<Vec<u8>> = ["1", "2"]
        .iter()
        .map(|threads| {
            let out = bench.path(&format!("{threads}.wav"));
            let status = Command::new(env!("CARGO_BIN_EXE_halfspeed"))
                .env("RAYON_NUM_THREADS", threads)
                .args(["master", MIX, "--reference", REFERENCE, "--quiet", "--bits", "16", "-o"])
                .arg(&out)
                .status()
                .expect("the program starts");
            assert!(status.success());
            fs::read(out).expect("a master")
        })
        .collect();
    assert!(masters[0] == masters[1]);
}

#[test]
fn a_neutral_recipe_changes_no_bit() {
    let bench = Bench::new();
    let input: Vec<f32> = tone(50_000).collect();
    let mix = bench.wav("mix.wav", 48_000, 2, input.iter().copied());
    let (recipe, out) = (bench.path("neutral.toml"), bench.path("out.wav"));
    fs::write(&recipe, "schema = \"halfspeed.recipe/1\"\n[output]\nformat = \"32f\"\n").expect("space");
    let output = halfspeed([
        "render".as_ref(),
        mix.as_os_str(),
        "--recipe".as_ref(),
        recipe.as_os_str(),
        "-o".as_ref(),
        out.as_os_str(),
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written: Vec<f32> = hound::WavReader::open(&out).expect("a WAV").samples().map(|x| x.expect("whole")).collect();
    assert!(written.iter().map(|x| x.to_bits()).eq(input.iter().map(|x| x.to_bits())));
}

#[test]
fn every_rate_and_mono_are_mastered_in_place() {
    for (rate, channels) in [(8_000, 2), (44_100, 1), (96_000, 2), (192_000, 2), (384_000, 2)] {
        let bench = Bench::new();
        let frames = rate as usize;
        let samples = tone(frames).step_by(2 / channels as usize);
        let mix = bench.wav("mix.wav", rate, channels, samples);
        let out = bench.path("out.wav");
        let report = json(&master(&mix, &out, &["--loudness", "-16", "--json"]));
        assert_eq!(report["after"]["file"]["sample_rate_hz"], rate);
        assert_eq!(report["verified"][0]["met"], true, "{rate} Hz: {}", report["verified"]);
        // The loudest sample stays where it was: nothing is delayed.
        let written: Vec<f32> = hound::WavReader::open(&out)
            .expect("a WAV")
            .samples::<i32>()
            .step_by(2)
            .map(|x| x.expect("whole") as f32)
            .collect();
        let input: Vec<f32> = tone(frames).step_by(2).collect();
        assert_eq!(written.len(), input.len());
        let correlation = |lag: isize| -> f64 {
            (1000..input.len() - 1000)
                .map(|n| f64::from(input[n]) * f64::from(written[n.checked_add_signed(lag).expect("inside")]))
                .sum()
        };
        assert!((-3..=3).all(|lag| correlation(lag) <= correlation(0)), "{rate} Hz is not aligned");
    }
}

#[test]
fn another_rate_is_converted_to() {
    let bench = Bench::new();
    let mix = bench.wav("mix.wav", 48_000, 2, tone(48_000));
    let report = json(&master(&mix, &bench.path("out.wav"), &["--loudness", "-16", "--rate", "44100", "--json"]));
    assert_eq!(report["after"]["file"]["sample_rate_hz"], 44_100);
    assert_eq!(report["after"]["file"]["duration_s"], 1.0);
}

#[test]
fn a_loudness_out_of_reach_is_explained_and_no_failure() {
    let bench = Bench::new();
    // Bursts over quiet noise, a tenth of the time: a limiter would have to take 20 dB off.
    let samples = (0..96_000).flat_map(|n: u32| {
        let noise = (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5;
        let x = if n % 4800 < 480 { 0.9 } else { 0.02 } * noise;
        [x, x]
    });
    let mix = bench.wav("mix.wav", 48_000, 2, samples);
    let report = json(&master(&mix, &bench.path("out.wav"), &["--loudness", "-6", "--json"]));
    let [loudness, peak, ..] = &report["verified"].as_array().expect("promises")[..] else {
        panic!("too few promises")
    };
    assert_eq!((&loudness["met"], &peak["met"]), (&Value::Bool(false), &Value::Bool(true)));
    assert!(loudness["reason"].as_str().is_some_and(|reason| reason.contains("limit")), "{loudness}");
}

#[test]
fn nothing_is_set_above_what_a_low_rate_holds() {
    let bench = Bench::new();
    for rate in ["8000", "11025", "16000"] {
        let out = bench.path(&format!("{rate}.wav"));
        let report = json(&master(Path::new(MIX), &out, &["-r", REFERENCE, "--rate", rate, "--json"]));
        let bands = report["settings"]["eq"].as_array().expect("an equaliser");
        let nyquist_hz = 0.5 * rate.parse::<f64>().expect("a number");
        assert!(bands.iter().all(|band| band["frequency_hz"].as_f64().is_some_and(|hz| hz < nyquist_hz)), "{bands:?}");
        for suggestion in report["suggestions"].as_array().expect("suggestions") {
            let read_to_hz = suggestion["quantity"]["high_hz"].as_f64();
            assert!(read_to_hz.is_none_or(|hz| hz <= nyquist_hz), "{suggestion}");
        }
    }
}

#[test]
fn a_loudness_that_was_missed_is_told_even_where_nothing_else_is() {
    let bench = Bench::new();
    let output = master(Path::new(MIX), &bench.path("out.wav"), &["--loudness=-4", "--quiet"]);
    assert!(output.status.success() && output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("integrated_loudness of -4.00 LUFS was not met"), "{said}");
}

#[test]
fn an_offset_is_taken_out_and_told() {
    let bench = Bench::new();
    let mix = bench.wav("mix.wav", 44_100, 2, tone(441_000).map(|x| x + 0.1));
    let out = bench.path("out.wav");
    let report = json(&master(&mix, &out, &["-r", REFERENCE, "--json"]));
    let told = &report["suggestions"][0];
    assert_eq!(told["id"], "eq.offset");
    assert!((told["before"].as_f64().expect("measured") - 10.0).abs() < 0.1, "{told}");
    assert!(told["achieved"].as_f64().expect("measured") < 0.05, "{told}");
    // The mix begins with the offset: that is no step to be heard.
    let mut block = AudioBuffer::default();
    Decoder::open(&out).expect("a master").next_block(&mut block).expect("audio");
    assert!(block.left()[0].abs() < 0.01, "{}", block.left()[0]);
}

#[test]
fn a_silent_channel_tells_nothing_of_the_width() {
    let bench = Bench::new();
    let mix = bench.wav("mix.wav", 44_100, 2, tone(441_000));
    let dead =
        bench.wav("dead.wav", 44_100, 2, tone(1_000_000).enumerate().map(|(n, x)| if n % 2 == 1 { 0.0 } else { x }));
    let report = json(&master(&mix, &bench.path("out.wav"), &["-r", dead.to_str().expect("a plain name"), "--json"]));
    assert!(report["settings"]["width"].is_null(), "{}", report["settings"]);
    assert!(
        report["notes"].to_string().contains("In the reference: the right channel is silent"),
        "{}",
        report["notes"]
    );
}

#[test]
fn two_seconds_of_one_song_are_not_taken_for_two_songs() {
    let bench = Bench::new();
    let mix = bench.wav("mix.wav", 44_100, 2, tone(88_200));
    let report = json(&master(&mix, &bench.path("out.wav"), &["-r", mix.to_str().expect("a plain name"), "--json"]));
    assert!(
        report["model"]["fallback"].as_str().is_some_and(|reason| reason.contains("too short")),
        "{}",
        report["model"]
    );
    assert_eq!(report["settings"]["eq"].as_array().map_or(0, Vec::len), 0, "{}", report["settings"]);
}

#[test]
fn a_reader_of_messages_that_goes_away_ends_no_run() {
    let bench = Bench::new();
    let out = bench.path("out.wav");
    let mut child = Command::new(env!("CARGO_BIN_EXE_halfspeed"))
        .args(["master", MIX, "--verbose", "-o"])
        .args([&out])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stderr.take());
    assert!(child.wait().expect("ends").success() && out.exists());
}

#[test]
fn a_reference_with_a_channel_upside_down_is_taken_the_right_way_up() {
    let bench = Bench::new();
    let mix = bench.wav("mix.wav", 44_100, 2, tone(441_000));
    let report = |name: &str, right: f32| {
        let louder = |(index, x)| 1.5 * if index % 2 == 1 { right * x } else { x };
        let reference = bench.wav(name, 44_100, 2, tone(441_000).enumerate().map(louder));
        let reference = reference.to_str().expect("a plain name");
        json(&master(&mix, &bench.path(&format!("master of {name}")), &["-r", reference, "--json"]))
    };
    let (upright, turned) = (report("upright.wav", 1.0), report("turned.wav", -1.0));
    assert_eq!(turned["settings"], upright["settings"]);
    let notes = turned["notes"].to_string();
    assert!(notes.contains("taken the right way up") && notes.contains("upside down"), "{notes}");
    assert!(notes.contains("only 10.0 s long"), "{notes}");
    assert!(!upright["notes"].to_string().contains("upside down"));
}

#[test]
fn a_mix_with_a_channel_upside_down_gets_loudness_and_peaks_alone() {
    let bench = Bench::new();
    let turned = tone(441_000).enumerate().map(|(index, x)| if index % 2 == 1 { -x } else { x });
    let mix = bench.wav("mix.wav", 44_100, 2, turned);
    for aim in [["-r", REFERENCE], ["--profile", "electronic"]] {
        let report = json(&master(&mix, &bench.path(&format!("{}.wav", aim[0])), &[aim[0], aim[1], "--json"]));
        assert_eq!(report["suggestions"].as_array().map(Vec::len), Some(0), "{}", report["suggestions"]);
        let notes = report["notes"].to_string();
        assert!(notes.contains("only loudness and peaks were set. Turn it the right way up"), "{notes}");
    }
}

#[test]
fn an_offset_that_is_taken_out_makes_no_peaks() {
    let bench = Bench::new();
    let report = |name: &str, reference: &Path, offset: f32| {
        let mix = bench.wav(name, 44_100, 2, mix_samples().into_iter().map(|x| x + offset));
        let reference = reference.to_str().expect("a plain name");
        json(&master(&mix, &bench.path(&format!("out {name}")), &["-r", reference, "--json"]))
    };
    let plr_before_db = |report: &Value, id: &str| {
        let suggestions = report["suggestions"].as_array().expect("a list");
        suggestions.iter().find(|suggestion| suggestion["id"] == id).expect(id)["before"].as_f64().expect("loud")
    };
    let reference = Path::new(REFERENCE);
    let (centred, off_centre) = (report("centred.wav", reference, 0.0), report("off.wav", reference, 0.1));
    assert_eq!(off_centre["settings"]["eq"][0]["name"], "offset");
    let leveler = |report: &Value| plr_before_db(report, "compression.leveler");
    assert!((leveler(&centred) - leveler(&off_centre)).abs() < 0.3, "{} {}", leveler(&centred), leveler(&off_centre));

    // Nor does it move where peaks are cut off.
    let cut = bench.cut_mix();
    let (centred, off_centre) = (report("a.wav", &cut, 0.0), report("b.wav", &cut, 0.1));
    assert!(
        (cut_dbfs(&centred) - cut_dbfs(&off_centre)).abs() < 0.5,
        "{} {}",
        cut_dbfs(&centred),
        cut_dbfs(&off_centre)
    );
}

#[test]
fn a_reference_under_the_ceiling_keeps_its_density() {
    let bench = Bench::new();
    let report = |name: &str, gain: f32| {
        // Denser than the mix, by a soft curve.
        let reference = bench.wav(name, 44_100, 2, mix_samples().into_iter().map(|x| gain * (3.0 * x).tanh()));
        let out = bench.path(&format!("out {name}"));
        json(&master(Path::new(MIX), &out, &["-r", reference.to_str().expect("a plain name"), "--json"]))
    };
    let plr_db = |report: &Value| report["after"]["loudness"]["plr_db"].as_f64().expect("loud");
    let (low, full) = (report("low.wav", 0.5), report("full.wav", 0.9));
    assert!(low["notes"].to_string().contains("Peaks are held at -8.2 dBTP"), "{}", low["notes"]);
    // Without a wish for density, there is no reason to hold them lower.
    let plain = master(
        Path::new(MIX),
        &bench.path("plain.wav"),
        &["-r", bench.path("low.wav").to_str().expect("a plain name"), "--amount", "0", "--json"],
    );
    let limiter = &json(&plain)["settings"]["limiter"];
    assert!(limiter["ceiling_dbtp"].as_f64().is_some_and(|dbtp| dbtp > -1.2), "{limiter}");
    assert!((plr_db(&low) - plr_db(&full)).abs() < 0.3, "{} and {} dB", plr_db(&low), plr_db(&full));
}

#[test]
fn a_master_denser_than_levelling_makes_it_keeps_what_loud_and_soft_parts_differ_by() {
    let bench = Bench::new();
    let cut = bench.cut_mix();
    let report =
        json(&master(Path::new(MIX), &bench.path("out.wav"), &["-r", cut.to_str().expect("a plain name"), "--json"]));
    let settings = &report["settings"];
    assert!(settings["soft_clip"].is_object() && settings["leveler"].is_null(), "{settings}");
    let range_lu = |of: &str| report[of]["loudness"]["range_lu"].as_f64().expect("long enough");
    assert!(
        (range_lu("after") - range_lu("reference")).abs() < 1.0,
        "{} and {}",
        range_lu("after"),
        range_lu("reference")
    );
    assert_eq!(report["verified"][0]["met"], true, "{}", report["verified"]);
    // A mix far over full scale, as floating point allows, is no other.
    let hot = bench.wav("hot.wav", 44_100, 2, mix_samples().into_iter().map(|x| 32.0 * x));
    let louder = json(&master(&hot, &bench.path("louder.wav"), &["-r", cut.to_str().expect("a plain name"), "--json"]));
    assert!((cut_dbfs(&louder) - cut_dbfs(&report) - 30.1).abs() < 0.3, "{} {}", cut_dbfs(&louder), cut_dbfs(&report));
    // Several references, and a clone, become dense by the same means.
    let cut = cut.to_str().expect("a plain name");
    for more in [["-r", cut], ["--amount", "100"]] {
        let report = json(&master(
            Path::new(MIX),
            &bench.path(more[0]).with_extension("wav"),
            &["-r", cut, more[0], more[1], "--json"],
        ));
        assert!(report["settings"]["soft_clip"].is_object(), "{more:?}: {}", report["settings"]);
    }
}

#[test]
fn nothing_is_tried_where_nothing_of_it_would_be_taken() {
    let bench = Bench::new();
    for amount in ["0", "100"] {
        let out = bench.path(&format!("{amount}.wav"));
        let report = json(&master(Path::new(MIX), &out, &["-r", MIX, "--amount", amount, "--json"]));
        let refinement = &report["model"]["refinement"];
        assert_eq!(refinement["excerpts"], 0, "{refinement}");
        assert!(refinement["reason"].as_str().is_some_and(|reason| reason.contains("amounts")), "{refinement}");
    }
}

#[test]
fn a_loudness_out_of_reach_of_a_quiet_mix_is_put_down_to_what_prevents_it() {
    let bench = Bench::new();
    let quiet = bench.wav("quiet.wav", 44_100, 2, tone(441_000).map(|x| 0.25 * x));
    let report = json(&master(&quiet, &bench.path("out.wav"), &["--loudness=-3", "--force-loudness", "--json"]));
    let reason = report["verified"][0]["reason"].as_str().expect("out of reach");
    assert!(!reason.contains("too quiet"), "{reason}");
}

#[test]
fn files_that_cannot_be_mastered_are_named_with_the_cause() {
    let bench = Bench::new();
    let out = bench.path("out.wav");
    let missing = bench.path("missing.wav");
    assert_refused(&bench, &master(&missing, &out, &[]), 1, &["missing.wav", "can't read"]);
    // A report goes by the name that it has elsewhere, too.
    let page = bench.path("page.html");
    let page = page.to_str().expect("plain");
    assert_refused(&bench, &master(&missing, &out, &["--html", page]), 1, &["missing.wav", "can't read"]);

    let text = bench.path("text.wav");
    fs::write(&text, "this is no audio").expect("space");
    assert_refused(&bench, &master(&text, &out, &[]), 1, &["text.wav"]);

    let empty = bench.path("empty.wav");
    fs::write(&empty, "").expect("space");
    assert_refused(&bench, &master(&empty, &out, &[]), 1, &["empty.wav", "empty"]);

    let silent = bench.wav("silent.wav", 44_100, 2, vec![0.0; 88_200]);
    assert_refused(&bench, &master(&silent, &out, &[]), 1, &["silent.wav", "silent"]);

    let one = bench.wav("one.wav", 44_100, 2, [0.5, 0.5]);
    assert_refused(&bench, &master(&one, &out, &[]), 1, &["one.wav", "too short"]);

    let surround = bench.wav("surround.wav", 48_000, 8, vec![0.1; 8 * 48_000]);
    assert_refused(&bench, &master(&surround, &out, &[]), 1, &["surround.wav", "8 channels", "stereo"]);

    let broken = bench.wav("nan.wav", 44_100, 2, (0..88_200).map(|n| if n == 44_100 { f32::NAN } else { 0.1 }));
    assert_refused(&bench, &master(&broken, &out, &[]), 1, &["nan.wav", "0.5"]);

    let whole = bench.wav("whole.wav", 44_100, 2, tone(44_100));
    let bytes = fs::read(&whole).expect("a file");
    let cut = bench.path("cut.wav");
    fs::write(&cut, &bytes[..bytes.len() / 2]).expect("space");
    assert_refused(&bench, &master(&cut, &out, &[]), 1, &["cut.wav"]);
}

#[test]
fn outputs_are_never_replaced_by_accident() {
    let bench = Bench::new();
    let mix = bench.wav("mix.wav", 44_100, 2, tone(44_100));
    let before = fs::read(&mix).expect("the mix");
    let into_itself = master(&mix, &mix, &["--force"]);
    assert_eq!(into_itself.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&into_itself.stderr).contains("input"));

    let taken = bench.path("taken.wav");
    fs::write(&taken, "precious").expect("space");
    let files = bench.files();
    assert_refused(&bench, &master(&mix, &taken, &[]), 1, &["taken.wav", "--force"]);
    assert_eq!(fs::read(&taken).expect("still there"), b"precious");
    assert_eq!(fs::read(&mix).expect("the mix"), before);
    assert_eq!(bench.files(), files);
    assert!(master(&mix, &taken, &["--force", "--quiet"]).status.success());

    let nowhere = bench.path("no/such/folder/out.wav");
    assert_refused(&bench, &master(&mix, &nowhere, &[]), 1, &["out.wav", "can't write"]);
}

#[test]
fn shaped_noise_is_quieter_to_the_ear_and_keeps_the_promises() {
    let bench = Bench::new();
    // Nothing but a tone far below: what is written beside it is noise.
    let mix = bench.wav("mix.wav", 44_100, 2, (0..176_400).map(|n| 0.02 * ((n / 2) as f32 * 0.0142).sin()));
    let noise_above_8_khz_db = |shaping: &str| {
        let out = bench.path(&format!("{shaping}.wav"));
        let recipe = bench.path(&format!("{shaping}.toml"));
        let recipe_out = recipe.to_str().expect("UTF-8");
        let more = ["--bits", "16", "--shaping", shaping, "--loudness", "-30", "--recipe-out", recipe_out, "--json"];
        let report = json(&master(&mix, &out, &more));
        assert!(report["verified"].as_array().expect("a list").iter().all(|promise| promise["met"] == true));
        let kept = fs::read_to_string(recipe).expect("a recipe").contains(&format!("noise_shaping = \"{shaping}\""));
        assert_eq!(kept, shaping != "none");
        let levels = report["after"]["spectrum"]["mid_db"].as_array().expect("a list");
        let level = |band: usize| levels[band].as_f64().expect("dither is everywhere");
        // 3.15 kHz, where hearing is keenest, and 16 kHz, where it is not.
        [level(21), level(28)]
    };
    let [white, shaped] = ["none", "wannamaker"].map(noise_above_8_khz_db);
    assert!(shaped[0] < white[0] - 10.0 && shaped[1] > white[1] + 10.0, "{white:?} {shaped:?}");
    let float = master(&mix, &bench.path("out.wav"), &["--bits", "32f", "--shaping", "lipshitz"]);
    assert_refused(&bench, &float, 2, &["noise_shaping", "16 or 24 bits"]);
}

#[test]
fn options_that_have_nothing_to_act_on_are_told() {
    let bench = Bench::new();
    let mix = bench.wav("mix.wav", 44_100, 2, tone(44_100));
    let idle = ["--amount", "80", "--suggester", "classical", "--thorough"];
    let said = |name: &str, more: &[&str]| {
        let output = master(&mix, &bench.path(name), &[&idle[..], more].concat());
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let alone = said("alone.wav", &[]);
    assert!(
        alone.contains("without a reference or profile") && alone.contains("--amount, --suggester, --thorough"),
        "{alone}"
    );
    assert!(!said("beside.wav", &["--reference", REFERENCE]).contains("nothing is suggested"));
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_right() {
    let bench = Bench::new();
    let mix = bench.wav("mix.wav", 44_100, 2, tone(44_100));
    let out = bench.path("out.wav");
    assert_refused(&bench, &master(&mix, &bench.path("out.mp3"), &[]), 2, &[".wav"]);
    assert_refused(&bench, &master(&mix, &out, &["--amount", "120"]), 2, &["0 to 100"]);
    assert_refused(&bench, &master(&mix, &out, &["--ceiling", "3"]), 2, &["--ceiling"]);
    assert_refused(&bench, &master(&mix, &out, &["--bits", "20"]), 2, &["--bits"]);
    assert_refused(&bench, &halfspeed(["master"]), 2, &["Usage"]);
    assert_refused(&bench, &master(&mix, &out, &["ref.wav"]), 2, &["'ref.wav'", "goes with '--reference FILE'"]);
    assert_refused(&bench, &halfspeed(["advise", MIX, REFERENCE]), 2, &["goes with '--reference FILE'"]);
    assert_refused(&bench, &master(&mix, &out, &["--rate", "1000"]), 2, &["1000", "8000"]);

    let recipe = bench.path("bad.toml");
    fs::write(&recipe, "schema = \"halfspeed.recipe/1\"\n[limiter]\ndrive = 3\n").expect("space");
    let args =
        ["render".as_ref(), mix.as_os_str(), "--recipe".as_ref(), recipe.as_os_str(), "-o".as_ref(), out.as_os_str()];
    assert_refused(&bench, &halfspeed(args), 2, &["bad.toml", "line 3", "drive"]);
    fs::write(&recipe, "schema = \"halfspeed.recipe/1\"\n[limiter]\nceiling_dbtp = 3.0\n").expect("space");
    assert_refused(&bench, &halfspeed(args), 2, &["bad.toml", "limiter.ceiling_dbtp"]);
    // A recipe that can't be read is a file that can't be read.
    fs::write(&recipe, b"RIFF\xff\xfe").expect("space");
    assert_refused(&bench, &halfspeed(args), 1, &["bad.toml", "not text"]);
    fs::remove_file(&recipe).expect("written");
    assert_refused(&bench, &halfspeed(args), 1, &["bad.toml", "no such file"]);
}

#[test]
fn every_document_has_a_schema_that_tells_its_fields() {
    let bench = Bench::new();
    let silent = bench.wav("silent.wav", 44_100, 2, vec![0.0; 44_100]);
    let document = json(&halfspeed(["analyze".as_ref(), silent.as_os_str(), "--json".as_ref()]));
    let schema = json(&halfspeed(["schema", "analysis"]));
    for field in document.as_object().expect("fields").keys() {
        assert!(schema["properties"][field].is_object(), "{field}: {schema}");
    }
    let loudness = &schema["$defs"]["LoudnessAnalysis"]["properties"]["max_momentary_lufs"];
    assert_eq!(loudness["description"], "Loudest 400 ms.");
    assert_refused(&bench, &halfspeed(["schema", "sonnet"]), 2, &["sonnet", "album-translation"]);
    assert_refused(&bench, &halfspeed(["schema", "recipe"]), 2, &["'halfspeed processors --schema recipe'"]);
    assert_eq!(json(&halfspeed(["processors", "--schema", "recipe"]))["title"], "Recipe");
}

#[test]
fn analyze_and_compare_speak_json_and_text() {
    let bench = Bench::new();
    let silent = bench.wav("silent.wav", 44_100, 2, vec![0.0; 88_200]);
    let document = json(&halfspeed(["analyze".as_ref(), silent.as_os_str(), "--json".as_ref()]));
    assert_eq!(document["schema"], "halfspeed.analysis/1");
    assert!(document["loudness"]["integrated_lufs"].is_null() && document["peak"]["true_dbtp"].is_null());

    let documents = json(&halfspeed(["analyze", MIX, REFERENCE, "--json"]));
    assert_eq!(documents["schema"], "halfspeed.album-analysis/1");
    assert_eq!(documents["tracks"].as_array().map(Vec::len), Some(2));
    assert!(documents["album"]["integrated_lufs"].as_f64().is_some_and(|lufs| lufs < 0.0), "{documents}");
    let comparison = json(&halfspeed(["compare", MIX, REFERENCE, "--json"]));
    assert_eq!(comparison["schema"], "halfspeed.comparison/1");
    let text = halfspeed(["compare", MIX, REFERENCE]);
    assert!(text.status.success() && String::from_utf8_lossy(&text.stdout).contains("LUFS"));
}

#[test]
fn analyze_writes_a_page_and_a_table_over_time() {
    let bench = Bench::new();
    let (page, table) = (bench.path("report.html"), bench.path("series.csv"));
    let args = |force: bool| {
        let mut args = vec!["analyze".as_ref(), std::ffi::OsStr::new(MIX), REFERENCE.as_ref(), "--html".as_ref()];
        args.extend([page.as_os_str(), "--csv".as_ref(), table.as_os_str()]);
        args.extend(force.then_some(std::ffi::OsStr::new("--force")));
        args
    };
    let text = halfspeed(args(false));
    assert!(text.status.success());
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.lines().any(|line| line.starts_with("album")) && !text.contains('\u{1b}'), "{text}");
    assert!(text.contains("  reference.flac: warning click"), "{text}");
    let [page_name, table_name] = [&page, &table].map(|path| path.to_str().expect("plain"));
    assert!(text.ends_with(&format!("\nReport: {page_name}\nValues over time: {table_name}\n")), "{text}");
    assert!(fs::read_to_string(&page).expect("written").contains(">album<"));
    let csv = fs::read_to_string(&table).expect("written");
    assert!(csv.starts_with("file,time_s,momentary_lufs,") && csv.lines().count() > 400);

    // Neither is replaced without being told to, and never an input.
    assert_refused(&bench, &halfspeed(args(false)), 1, &["report.html", "--force"]);
    assert!(halfspeed(args(true)).status.success());
    let clash = ["analyze".as_ref(), table.as_os_str(), "--csv".as_ref(), table.as_os_str(), "--force".as_ref()];
    assert_eq!(halfspeed(clash).status.code(), Some(1));
}

#[test]
fn a_file_that_cannot_be_measured_costs_no_other() {
    let bench = Bench::new();
    let song = bench.wav("song.wav", 44_100, 2, tone(44_100));
    let [text, missing] = ["text.wav", "missing.wav"].map(|name| bench.path(name));
    fs::write(&text, "this is no audio").expect("space");
    let run = |more: &[&str]| {
        let files = [&text, &song, &missing].map(|path| path.as_os_str());
        let output = halfspeed(["analyze".as_ref()].into_iter().chain(files).chain(more.iter().map(AsRef::as_ref)));
        assert_refused(&bench, &output, 1, &["error: ", "text.wav is not an audio file", "missing.wav: there is no"]);
        String::from_utf8(output.stdout).expect("text")
    };
    let document: Value = serde_json::from_str(&run(&["--json"])).expect("one document");
    assert_eq!(document["schema"], "halfspeed.album-analysis/1");
    assert_eq!(document["tracks"][0]["file"]["path"].as_str(), song.to_str());
    assert_eq!(document["album"]["sample_dbfs"], document["tracks"][0]["peak"]["sample_dbfs"]);
    assert!(document["album"]["max_momentary_lufs"].is_f64(), "{}", document["album"]);
    let failed = document["failed"].as_array().expect("a list");
    let paths: Vec<_> = failed.iter().map(|file| file["path"].as_str()).collect();
    assert_eq!(paths, [text.to_str(), missing.to_str()]);
    assert!(failed[1]["error"].as_str().is_some_and(|error| error.contains("there is no such file")), "{failed:?}");
    let table = bench.path("series.csv");
    let told = run(&["--csv", table.to_str().expect("plain")]);
    assert!(told.contains("song.wav") && told.contains("\nalbum"), "{told}");
    assert_eq!(fs::read_to_string(table).expect("written").lines().count(), 11);

    let whole = json(&halfspeed(["analyze".as_ref(), song.as_os_str(), song.as_os_str(), "--json".as_ref()]));
    assert!(whole.get("failed").is_none(), "{whole}");
}

#[test]
fn programs_that_read_json_are_told_of_a_failure_in_it() {
    let bench = Bench::new();
    let failure = |args: &[&str], code: i32, words: &[&str]| {
        let output = halfspeed(args.iter().chain(&["--json"]));
        assert_refused(&bench, &output, code, words);
        let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
        assert_eq!(document["schema"], "halfspeed.failure/1", "{args:?}");
        let error = document["error"].as_str().expect("a text");
        assert!(words.iter().all(|word| error.contains(word)), "{error:?} lacks one of {words:?}");
        document["path"].clone()
    };
    let out = bench.path("out.wav");
    let out = out.to_str().expect("plain");
    for args in [
        &["analyze", "gone.wav"][..],
        &["advise", "gone.wav"],
        &["compare", MIX, "gone.wav"],
        &["master", "gone.wav", "-o", out],
        &["render", MIX, "--recipe", "gone.wav", "-o", out],
        &["translate", "gone.wav"],
        &["profile", "show", "gone.wav"],
    ] {
        assert_eq!(failure(args, 1, &["gone.wav", "no such file"]), "gone.wav", "{args:?}");
    }
    for (args, words) in
        [(&["master", MIX][..], "--output"), (&["analyse"], "analyze"), (&["analyze", MIX, "--web"], "--web")]
    {
        assert_eq!(failure(args, 2, &[words]), Value::Null, "{args:?}");
    }
    assert_eq!(failure(&["processors", "sonnet"], 2, &["sonnet", "choose"]), Value::Null);
    // What stands in the way is told with the option that helps, as to people.
    let there = bench.path("there.wav");
    fs::write(&there, "").expect("space");
    let there = there.to_str().expect("plain");
    assert_eq!(failure(&["master", MIX, "-o", there], 1, &["there.wav", "--force"]), there);

    // Of several files, all that fail stand in one document.
    for (command, schema) in [("analyze", "halfspeed.album-analysis/1"), ("translate", "halfspeed.album-translation/1")]
    {
        let output = halfspeed([command, "missing.wav", "gone.wav", "--json"]);
        assert_refused(&bench, &output, 1, &["missing.wav", "gone.wav"]);
        let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
        assert_eq!((&document["schema"], &document["tracks"]), (&schema.into(), &Value::Array(Vec::new())));
        assert_eq!(document["failed"].as_array().map(Vec::len), Some(2), "{document}");
    }

    // A side file that can't be written leaves the document that was promised alone.
    #[cfg(unix)]
    {
        let output = Command::new("sh")
            .args(["-c", "ulimit -f 0 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_halfspeed"), "analyze", MIX, "--json"])
            .args(["--csv".as_ref(), bench.path("series.csv").as_os_str()])
            .output()
            .expect("a shell");
        assert_refused(&bench, &output, 1, &["can't write", "series.csv"]);
        let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
        assert_eq!(document["schema"], "halfspeed.analysis/1");
    }
}

#[test]
fn lines_of_json_tell_of_each_file_in_its_place() {
    let bench = Bench::new();
    let long = bench.wav("long.wav", 44_100, 2, tone(441_000));
    let short = bench.wav("short.wav", 44_100, 2, tone(4_410));
    let missing = bench.path("missing.wav");
    let lines = |files: &[&Path]| {
        let args = ["analyze", "--json-lines"].map(AsRef::as_ref).into_iter();
        let output = halfspeed(args.chain(files.iter().map(|path| path.as_os_str())));
        let text = String::from_utf8(output.stdout).expect("text");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a document")).collect();
        (output.status.code(), lines)
    };
    let (code, told) = lines(&[&long, &missing, &short]);
    assert_eq!(code, Some(1));
    let paths: Vec<_> = told.iter().map(|line| line["file"]["path"].as_str().or(line["path"].as_str())).collect();
    assert_eq!(paths, [long.to_str(), missing.to_str(), short.to_str()]);
    let schemas: Vec<_> = told.iter().map(|line| line["schema"].as_str().unwrap_or_default()).collect();
    assert_eq!(schemas, ["halfspeed.analysis/1", "halfspeed.failure/1", "halfspeed.analysis/1"]);
    assert!(told[1]["error"].is_string());
    let alone = json(&halfspeed(["analyze".as_ref(), short.as_os_str(), "--json".as_ref()]));
    assert_eq!(lines(&[&short]), (Some(0), vec![alone]));
    assert_refused(&bench, &halfspeed(["analyze", MIX, "--json-lines", "--csv", "series.csv"]), 2, &["--json-lines"]);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8_are_told_apart() {
    use std::os::unix::ffi::OsStrExt;
    let bench = Bench::new();
    let song = bench.wav("song.wav", 8_000, 1, tone(8_000));
    let names = [b"\xfe.wav", b"\xff.wav"].map(|name| bench.0.path().join(std::ffi::OsStr::from_bytes(name)));
    for name in &names {
        fs::copy(&song, name).expect("space");
    }
    let document =
        json(&halfspeed(["analyze".as_ref(), names[0].as_os_str(), names[1].as_os_str(), "--json".as_ref()]));
    let ends = |index: usize, end: &str| {
        document["tracks"][index]["file"]["path"].as_str().is_some_and(|path| path.ends_with(end))
    };
    assert!(ends(0, "/\\xfe.wav") && ends(1, "/\\xff.wav"), "{document}");
}

#[test]
fn names_that_end_otherwise_than_what_is_written_are_refused() {
    let bench = Bench::new();
    let at = |name: &str| bench.path(name).to_str().expect("plain").to_owned();
    assert_refused(&bench, &halfspeed(["analyze", MIX, "--csv", &at("series.wav")]), 2, &["ends in .csv"]);
    assert_refused(&bench, &halfspeed(["profile", "build", MIX, "-o", &at("own.wav")]), 2, &["ends in .json"]);
    assert_eq!(bench.files(), 0);
}

#[test]
fn one_file_is_told_with_verdicts() {
    let text = halfspeed(["analyze", MIX]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for wanted in ["Tone", "Highest: ", "lost in mono", "players at -14 LUFS"] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
}

#[test]
fn advice_names_faults_with_a_fix_and_keeps_its_schema() {
    let bench = Bench::new();
    let mix = bench.wav("off.wav", 44_100, 2, tone(200_000).map(|x| x + 0.05));
    let report = json(&halfspeed(["advise".as_ref(), mix.as_os_str(), "--json".as_ref()]));
    assert_eq!((&report["schema"], &report["reference"]), (&Value::from("halfspeed.advice/1"), &Value::Null));
    let findings = report["findings"].as_array().expect("findings");
    let offset = findings.iter().find(|finding| finding["id"] == "dc").expect("the offset is told");
    assert_eq!((&offset["severity"], &offset["mend"]), (&Value::from("high"), &Value::from("master")));
    assert!((offset["evidence"]["offset_percent"].as_f64().expect("a number") - 5.0).abs() < 0.2, "{offset}");
    for finding in findings {
        let confidence = finding["confidence"].as_f64().expect("a number");
        assert!((0.0..=1.0).contains(&confidence), "{finding}");
        assert!(["message", "fix"].iter().all(|key| finding[key].as_str().is_some_and(|text| !text.is_empty())));
        assert!(finding["times_s"].is_array() && (finding["band_hz"].is_null() || finding["band_hz"].is_array()));
    }

    let output = halfspeed(["advise".as_ref(), mix.as_os_str(), "--reference".as_ref(), REFERENCE.as_ref()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("held against reference.flac"), "{text}");
    assert!(
        text.contains("HIGH") && text.contains("Fix: ") && text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    let quiet = halfspeed(["advise".as_ref(), mix.as_os_str(), "--quiet".as_ref()]);
    assert!(quiet.status.success() && quiet.stdout.is_empty());
}

#[test]
fn advice_says_what_a_reference_is_worth_and_why_it_tells_nothing_of_the_tone() {
    let bench = Bench::new();
    let turned = tone(441_000).enumerate().map(|(index, x)| if index % 2 == 1 { -x } else { x });
    let turned = bench.wav("turned.wav", 44_100, 2, turned);
    let args = ["advise".as_ref(), MIX.as_ref(), "-r".as_ref(), turned.as_os_str()];
    let fault = "The reference itself has a channel that is probably upside down, or a widener that goes too far";
    let report = json(&halfspeed(args.into_iter().chain(["--json".as_ref()])));
    assert!(report["notes"][0].as_str().is_some_and(|note| note.starts_with(fault)), "{}", report["notes"]);
    assert!(String::from_utf8_lossy(&halfspeed(args).stdout).contains(fault));

    let told = "Tone: nothing stands out against mix.flac.";
    assert_eq!(json(&halfspeed(["advise", MIX, "-r", MIX, "--json"]))["notes"], Value::from(vec![told]));
    let text = halfspeed(["advise", MIX, "-r", MIX]);
    assert!(String::from_utf8_lossy(&text.stdout).ends_with(&format!("Nothing to fix was found.\n{told}\n")));
    assert_eq!(json(&halfspeed(["advise", MIX, "--json"]))["notes"], Value::Array(Vec::new()));
}

#[test]
fn advice_refuses_what_it_cannot_judge() {
    let bench = Bench::new();
    let missing = bench.path("missing.wav");
    assert_refused(&bench, &halfspeed(["advise".as_ref(), missing.as_os_str()]), 1, &["missing.wav", "can't read"]);
    let silent = bench.wav("silent.wav", 44_100, 2, vec![0.0; 88_200]);
    assert_refused(&bench, &halfspeed(["advise".as_ref(), silent.as_os_str()]), 1, &["silent.wav", "silent"]);
    let with_silence = ["advise".as_ref(), MIX.as_ref(), "--reference".as_ref(), silent.as_os_str()];
    assert_refused(&bench, &halfspeed(with_silence), 1, &["silent.wav", "silent"]);
    for command in ["advise", "translate"] {
        let short = [command.as_ref(), MIX.as_ref(), "-r".as_ref(), silent.as_os_str()];
        assert_refused(&bench, &halfspeed(short), 1, &["silent.wav", "silent"]);
    }
    assert_refused(&bench, &halfspeed(["advise"]), 2, &["MIX"]);
}

#[test]
fn a_translation_is_told_for_every_device_before_and_after() {
    let bench = Bench::new();
    let page = bench.path("page.html");
    let args = ["translate", REFERENCE, "--before", MIX, "--json", "--verify", "--codecs", "opus-96", "--html"];
    let document = json(&halfspeed(args.iter().map(AsRef::as_ref).chain([page.as_os_str()])));
    assert_eq!(document["schema"], "halfspeed.translation/1");
    let devices = document["devices"].as_array().expect("a list");
    assert_eq!(devices.len(), 16);
    let bands = document["center_hz"].as_array().expect("a list").len();
    for device in devices {
        for score in [&device["score"], &device["before"]["score"]] {
            assert!(score.as_f64().is_some_and(|score| (0.0..=100.0).contains(&score)), "{device}");
        }
        assert_eq!(device["bands"].as_array().expect("a list").len(), bands);
        assert!(device["parts"]["balance"].is_f64() && device["reference"].is_null());
        let fix = &device["fix"];
        assert!(fix.is_null() || (fix["predicted_gain"].is_f64() && fix["verified"]["gain"].is_f64()), "{fix}");
    }
    assert!(devices.iter().any(|device| device["fix"].is_object()), "the weakest has a proposal");
    let spotify = &document["platforms"][0];
    let (gain, played) = (spotify["gain_db"].as_f64().expect("a gain"), spotify["played_lufs"].as_f64().expect("loud"));
    assert!(spotify["id"] == "spotify" && (gain >= 0.0 || (played + 14.0).abs() < 1e-6), "{spotify}");
    assert!(document["codecs"][0]["id"] == "opus-96" && document["codecs"][0]["rise_db"].is_f64());
    assert!(fs::read_to_string(page).expect("a page").contains("Will it translate?"));
}

#[test]
fn what_devices_play_is_written_equally_loud_and_own_devices_belong() {
    let bench = Bench::new();
    let table = bench.path("mine.toml");
    let entry = "[[device]]\nid = \"kitchen\"\nname = \"Kitchen\"\nprovenance = \"by ear\"\nwidth = 0.0\n";
    fs::write(&table, format!("schema = \"halfspeed.devices/1\"\n{entry}")).expect("space");
    let run = |more: &[&str]| {
        let args = ["translate", MIX, "--only", "kitchen,phone-mono", "--device"].map(AsRef::as_ref);
        halfspeed(args.into_iter().chain([table.as_os_str()]).chain(more.iter().map(AsRef::as_ref)))
    };
    let folder = bench.path("heard");
    let folder_name = folder.to_str().expect("plain");
    let document =
        json(&run(&["--json", "--render", folder_name, "--render-platform", "spotify", "--render-codec", "opus-96"]));
    assert_eq!(document["devices"].as_array().expect("a list").len(), 2);
    let kitchen = hound::WavReader::open(folder.join("kitchen.wav")).expect("a WAV file");
    assert_eq!(kitchen.spec().channels, 2);
    assert!(kitchen.into_samples::<f32>().collect::<Vec<_>>().chunks_exact(2).all(|frame| match frame {
        [Ok(left), Ok(right)] => (left - right).abs() < 1e-6,
        _ => false,
    }));
    assert!(folder.join("phone-mono.wav").exists());
    let again = run(&["--render", folder_name]);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("--force"));
    // People are told where what was written lies.
    let told = |more: &[&str]| {
        let output = run(&[&["--render", folder_name, "--force"][..], more].concat());
        String::from_utf8(output.stdout).expect("text")
    };
    assert!(told(&[]).ends_with(&format!("\nRenders: {folder_name}\n")) && told(&["--quiet"]).is_empty());
}

#[test]
fn responses_whose_names_make_no_ids_are_numbered() {
    let bench = Bench::new();
    let impulse = || std::iter::once(1.0).chain(std::iter::repeat_n(0.0, 4_800));
    let [one, two] = ["\u{65e5}.wav", "\u{672c}.wav"].map(|name| bench.wav(name, 48_000, 1, impulse()));
    let args = ["translate".as_ref(), MIX.as_ref(), "--device".as_ref(), one.as_os_str(), "--device".as_ref()];
    let more = ["--only", "device,device-2", "--json"].map(AsRef::as_ref);
    let document = json(&halfspeed(args.into_iter().chain([two.as_os_str()]).chain(more)));
    let ids: Vec<_> = document["devices"].as_array().expect("a list").iter().map(|device| &device["id"]).collect();
    assert_eq!(ids, ["device", "device-2"]);
}

#[test]
fn mistakes_about_translation_are_told() {
    let bench = Bench::new();
    let silence = bench.wav("silence.wav", 44_100, 2, vec![0.0; 88_200]);
    let silence = silence.to_str().expect("plain");
    for (args, code, words) in [
        (vec!["translate", MIX, "--codecs", "ac3-1"], 2, vec!["ac3-1", "opus-128", "(spotify, ", "or all"]),
        (vec!["translate", MIX, "--only", "toaster"], 2, vec!["toaster", "phone-mono"]),
        (vec!["translate", silence], 1, vec!["silence.wav", "silent"]),
        (vec!["translate", MIX, "--device", silence], 1, vec!["silence.wav", "impulse response"]),
    ] {
        assert_refused(&bench, &halfspeed(args), code, &words);
    }
}

#[test]
fn a_master_takes_over_what_makes_it_translate() {
    let bench = Bench::new();
    let out = bench.path("out.wav");
    let report = json(&master(Path::new(MIX), &out, &["--reference", REFERENCE, "--translate-fix", "--json"]));
    let translation = &report["translation"];
    assert_eq!(translation["devices"].as_array().expect("a list").len(), 16);
    let phone = &translation["devices"][0];
    assert!(phone["score"].is_f64() && phone["before"]["score"].is_f64() && phone["reference"]["score"].is_f64());
    let applied = translation["applied"].as_array().expect("a list");
    assert!(!applied.is_empty());
    for fix in applied {
        assert!(fix["gain"].as_f64().is_some_and(|gain| gain > 0.0), "{fix}");
    }
    assert!(
        report["verified"].as_array().expect("a list").iter().all(|promise| promise["met"] == true),
        "{}",
        report["verified"]
    );
    let plain = json(&master(Path::new(MIX), &bench.path("plain.wav"), &["--json"]));
    assert!(plain["translation"].is_null());
}

#[test]
fn a_master_gets_the_ceiling_at_which_codecs_do_not_clip() {
    let bench = Bench::new();
    let out = bench.path("out.wav");
    let loud = ["--suggester", "loudness", "--loudness", "-9", "--ceiling", "-0.1"];
    let fixed = ["--codecs", "vorbis-96", "--translate-fix", "--json"];
    let report = json(&master(Path::new(MIX), &out, &[&loud[..], &fixed].concat()));
    let ceiling = &report["translation"]["ceiling"];
    assert_eq!(ceiling["outcome"], "applied", "{ceiling}");
    let (from, to) = (ceiling["from_dbtp"].as_f64().expect("dBTP"), ceiling["to_dbtp"].as_f64().expect("dBTP"));
    assert!(from == -0.1 && (-6.0..-0.1).contains(&to), "{ceiling}");
    assert!(ceiling["codecs"][0]["before_dbtp"].as_f64() > Some(0.0), "{ceiling}");
    assert!(ceiling["codecs"][0]["after_dbtp"].as_f64().is_some_and(|dbtp| dbtp <= 0.0), "{ceiling}");
    // What was promised of the ceiling is what it was lowered to.
    assert_eq!(report["verified"][1]["wanted"].as_f64(), Some(to));
    assert!(report["verified"].as_array().expect("a list").iter().all(|promise| promise["met"] == true));
    assert!(report["settings"]["limiter"]["ceiling_dbtp"].as_f64().is_some_and(|dbtp| dbtp < to));

    // The file says the same by itself.
    let args = ["translate".as_ref(), out.as_os_str(), "--only".as_ref(), "hi-fi".as_ref()];
    let again = json(&halfspeed(args.into_iter().chain(["--codecs", "vorbis-96", "--json"].map(AsRef::as_ref))));
    assert_eq!(again["codecs"][0]["passes"], true, "{}", again["codecs"]);
    assert_eq!(again["codecs"][0]["true_dbtp"], ceiling["codecs"][0]["after_dbtp"]);
}

#[test]
fn several_files_translate_as_an_album() {
    let bench = Bench::new();
    // 997 Hz in both channels at full scale is 0.0 LUFS (EBU Tech 3341): -10 and -16 LUFS, 10 s each. Gated together the
    // mean of 0.1 and 0.0251 is 0.0626, or -12.04 LUFS; both lie over the relative gate, 10 LU below.
    let tone = |name: &str, dbfs: f64| {
        let amplitude = 10f64.powf(dbfs / 20.0);
        let sine = |n: usize| (amplitude * (2.0 * std::f64::consts::PI * 997.0 * n as f64 / 48_000.0).sin()) as f32;
        bench.wav(name, 48_000, 2, (0..960_000).map(|n| sine(n / 2)))
    };
    let (loud, quiet) = (tone("loud.wav", -10.0), tone("quiet.wav", -16.0));
    let page = bench.path("album.html");
    let run = |more: &[&str]| {
        let files = ["translate".as_ref(), loud.as_os_str(), quiet.as_os_str(), "--only".as_ref(), "hi-fi".as_ref()];
        halfspeed(files.into_iter().chain(more.iter().map(AsRef::as_ref)))
    };
    let document = json(&run(&["--json", "--html", page.to_str().expect("plain")]));
    assert_eq!(document["schema"], "halfspeed.album-translation/1");
    let near = |value: &Value, expected: f64| {
        assert!(value.as_f64().is_some_and(|value| (value - expected).abs() < 0.01), "{value} for {expected}");
    };
    near(&document["album"]["integrated_lufs"], -12.04);
    near(&document["album"]["loudest_track_lufs"], -10.0);
    near(&document["album"]["true_dbtp"], -10.0);
    let of = |list: &Value, id: &str| {
        list.as_array().expect("a list").iter().find(|service| service["id"] == id).expect("in the table").clone()
    };
    // Service, gain on the album, gain on each track alone.
    for (id, album, alone) in [
        ("spotify", Some(-1.96), [-4.0, 2.0]),
        ("spotify-loud", Some(1.04), [-1.0, 5.0]),
        ("tidal", Some(-1.96), [-4.0, 0.0]),
        ("aes-td1008", Some(-4.0), [-6.0, 0.0]),
        ("youtube", None, [-4.0, 0.0]),
        ("qobuz", None, [0.0, 0.0]),
    ] {
        let service = of(&document["platforms"], id);
        match album {
            Some(gain) => {
                near(&service["gain_db"], gain);
                near(&service["played_lufs"], -12.04 + gain);
                near(&service["true_dbtp"], -10.0 + gain);
            }
            None => assert!(service["gain_db"].is_null() && service["played_lufs"].is_null(), "{service}"),
        }
        for (track, gain) in document["tracks"].as_array().expect("a list").iter().zip(alone) {
            let playback = of(&track["platforms"], id);
            near(&playback["gain_db"], gain);
            assert_eq!(playback["album_gain_db"], service["gain_db"]);
        }
    }
    // Tones in mono have neither a lead nor a bass, and the report says why.
    let track = &document["tracks"][0];
    assert!(track["devices"][0]["parts"]["lead"].is_null() && track["devices"][0]["parts"]["bass"].is_null());
    let parts: Vec<_> = track["unscored"].as_array().expect("a list").iter().map(|one| one["part"].clone()).collect();
    assert_eq!(parts, ["bass", "lead"]);
    let page = fs::read_to_string(page).expect("a page");
    assert!(page.contains("Album of 2 files") && page.contains("No lead score: it is mono"));
    let text = String::from_utf8(run(&[]).stdout).expect("text");
    assert!(text.contains("Album of 2 files: -12.0 LUFS") && text.contains("-4.0 to +2.0"), "{text}");
    assert!(document.get("failed").is_none());
    assert_refused(&bench, &run(&["--before", MIX]), 2, &["--before", "one file"]);

    // What can't be read is told, and costs no other track.
    let missing = run(&["missing.wav", "gone.wav", "--json"]);
    assert_refused(&bench, &missing, 1, &["missing.wav", "gone.wav"]);
    let document: Value = serde_json::from_slice(&missing.stdout).expect("one document");
    assert_eq!(document["tracks"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&document["failed"][0]["path"], &document["failed"][1]["path"]),
        (&"missing.wav".into(), &"gone.wav".into())
    );
    let all_missing = halfspeed(["translate", "missing.wav", "gone.wav"]);
    assert_refused(&bench, &all_missing, 1, &["missing.wav", "gone.wav"]);
    assert!(all_missing.stdout.is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_recipe_and_a_report_are_written_even_where_nothing_can_be_told() {
    let bench = Bench::new();
    let mix = bench.wav("mix.wav", 44_100, 2, tone(44_100));
    let (recipe, report) = (bench.path("recipe.toml"), bench.path("report.html"));
    let output = Command::new(env!("CARGO_BIN_EXE_halfspeed"))
        .args(["master".as_ref(), mix.as_os_str(), "-o".as_ref(), bench.path("master.wav").as_os_str()])
        .args(["--recipe-out".as_ref(), recipe.as_os_str(), "--report".as_ref(), report.as_os_str()])
        .stdout(fs::OpenOptions::new().write(true).open("/dev/full").expect("a device"))
        .output()
        .expect("the program starts");
    assert_refused(&bench, &output, 1, &["can't write stdout", "the disk is full"]);
    assert!(recipe.exists() && report.exists());
}

#[cfg(unix)]
#[test]
fn a_file_that_grows_over_a_limit_leaves_nothing_behind() {
    let bench = Bench::new();
    let mix = bench.wav("mix.wav", 44_100, 2, tone(44_100));
    let table = bench.path("series.csv");
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 0 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_halfspeed"), "analyze"])
        .args([mix.as_os_str(), "--csv".as_ref(), table.as_os_str()])
        .output()
        .expect("a shell");
    assert_refused(&bench, &output, 1, &["can't write", "series.csv", "ulimit -f"]);
    assert!(!table.exists());
}

#[test]
fn force_does_not_replace_what_is_read() {
    let bench = Bench::new();
    let response = bench.wav("kitchen.wav", 48_000, 1, std::iter::once(1.0).chain(std::iter::repeat_n(0.0, 4_800)));
    let before = fs::read(&response).expect("a file");
    let folder = bench.0.path().to_str().expect("plain");
    let device = response.to_str().expect("plain");
    let args = ["translate", REFERENCE, "--device", device, "--only", "kitchen", "--render", folder, "--force"];
    assert_refused(&bench, &halfspeed(args), 1, &["kitchen.wav", "input"]);
    assert_eq!(fs::read(&response).expect("a file"), before);

    let profile = bench.path("own.toml");
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/references/orchestral.json"), &profile).expect("a profile");
    let name = profile.to_str().expect("plain");
    let refused = master(Path::new(MIX), &bench.path("out.wav"), &["--profile", name, "--recipe-out", name, "--force"]);
    assert_refused(&bench, &refused, 1, &["own.toml", "input"]);
}

#[test]
fn a_failure_leaves_no_empty_folders() {
    let bench = Bench::new();
    let (renders, streams) = (bench.path("renders"), bench.path("streams"));
    let [renders, streams] = [&renders, &streams].map(|folder| folder.to_str().expect("plain"));
    let args = ["translate", "missing.wav", "--render", renders, "--codec-dir", streams, "--codecs", "opus-128"];
    assert_refused(&bench, &halfspeed(args), 1, &["missing.wav"]);
    assert!(!Path::new(renders).exists() && !Path::new(streams).exists());
    let within_a_file = format!("{MIX}/renders");
    assert_refused(&bench, &halfspeed(["translate", MIX, "--render", &within_a_file]), 1, &["renders", "not a folder"]);
}

#[test]
fn renders_that_cannot_be_written_cost_no_analysis() {
    let bench = Bench::new();
    let (table, page, outer) = (bench.path("mine.toml"), bench.path("page.html"), bench.path("outer"));
    // No file system takes a file of such a name.
    let id = "k".repeat(300);
    let entry = format!("[[device]]\nid = \"{id}\"\nname = \"Kitchen\"\nprovenance = \"by ear\"\n");
    fs::write(&table, format!("schema = \"halfspeed.devices/1\"\n{entry}")).expect("space");
    let folder = outer.join("renders");
    let [table, page_name, folder] = [&table, &page, &folder].map(|path| path.to_str().expect("plain"));
    let args = ["translate", MIX, "--device", table, "--only", &id, "--html", page_name, "--render", folder];
    let output = halfspeed(args);
    assert_refused(&bench, &output, 1, &["can't write", "kkk.wav"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("What is left") && text.ends_with(&format!("\nReport: {page_name}\n")), "{text}");
    assert!(!text.contains("Renders:") && page.exists() && !outer.exists());
}

#[test]
fn what_no_music_reaches_is_refused() {
    let bench = Bench::new();
    for value in [3e38f32, 2e19, f32::NAN] {
        let loud = bench.wav("loud.wav", 16_000, 2, std::iter::repeat_n(value, 16_000));
        let refused = halfspeed(["analyze".as_ref(), loud.as_os_str()]);
        assert_refused(&bench, &refused, 1, &["loud.wav", "at 0.000 s", "export it again"]);
    }
}
