//! Profiles as their users meet them: built from songs, shown, followed, refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use halfspeed::suggest::profile::Profile;
use serde_json::Value;
use tempfile::TempDir;

const MIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clips/mix.flac");

fn halfspeed(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_halfspeed")).args(args).output().expect("the program starts")
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("stdout is one JSON document")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Six seconds of noise through a one-pole low-pass: the nearer `darkness` is to 1, the darker.
fn song(folder: &Path, name: &str, darkness: f32) -> PathBuf {
    let path = folder.join(name);
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&path, spec).expect("a new file");
    let (mut state, mut held) = (3u32, [0.0f32; 2]);
    for n in 0..44_100 * 6 {
        for channel in &mut held {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = state as f32 / u32::MAX as f32 - 0.5;
            *channel = darkness * *channel + (1.0 - darkness) * noise;
            let beat = if (n / 11_025) % 2 == 0 { 1.0 } else { 0.5 };
            writer.write_sample(*channel * beat).expect("space");
        }
    }
    writer.finalize().expect("space");
    path
}

#[test]
fn what_ships_is_sound_and_names_its_sources() {
    let profiles = Profile::built_in();
    assert!(profiles.len() >= 8, "{} profiles", profiles.len());
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/references")).expect("the folder").flatten();
    let shipped = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "json")).count();
    assert_eq!(profiles.len(), shipped, "a profile of references/ is unsound or not built in");
    for profile in profiles {
        assert!(!profile.description.is_empty() && profile.tone.len() == 27, "{}", profile.name);
        assert!(profile.sources.iter().all(|source| source.songs > 0 && !source.licence.is_empty()));
    }
}

#[test]
fn the_list_and_each_profile_are_shown_as_text_and_json() {
    let list = json(&halfspeed(&["profile", "list", "--json"]));
    assert_eq!(list["schema"], "halfspeed.profiles/1");
    let name = list["profiles"][0]["name"].as_str().expect("a name");
    let shown = json(&halfspeed(&["profile", "show", name, "--json"]));
    assert_eq!((&shown["schema"], &shown), (&Value::from("halfspeed.profile/1"), &list["profiles"][0]));
    let text = String::from_utf8(halfspeed(&["profile", "show", name]).stdout).expect("text");
    assert!(text.contains(name) && text.contains("songs of") && text.contains("Tone at 1 kHz"), "{text}");
}

#[test]
fn songs_become_a_profile_that_a_mix_is_held_against() {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let songs: Vec<String> = [("a.wav", 0.5), ("b.wav", 0.52), ("c.wav", 0.48)]
        .map(|(name, darkness)| song(folder.path(), name, darkness).display().to_string())
        .to_vec();
    let [a, b, c] = [0, 1, 2].map(|index| songs[index].as_str());
    let profile = at("mine.json");
    let built =
        json(&halfspeed(&["profile", "build", a, b, c, "-o", &profile, "--licence", "CC0-1.0", "--json", "--quiet"]));
    assert_eq!((&built["name"], &built["songs"]), (&Value::from("mine"), &Value::from(3)));
    assert_eq!(built["sources"][0]["licence"], "CC0-1.0");
    assert!(said(&halfspeed(&["profile", "build", a, b, c, "-o", &profile])).contains("exists already"));

    // A mix far darker than the songs: it is brightened, and the report names the profile and its distance.
    let dark = song(folder.path(), "dark.wav", 0.97).display().to_string();
    let (first, second) = (at("first.wav"), at("second.wav"));
    let report = json(&halfspeed(&["master", &dark, "--profile", &profile, "-o", &first, "--json", "--quiet"]));
    assert_eq!((&report["profile"]["name"], &report["model"]["name"]), (&"mine".into(), &"profile".into()));
    assert!(report["profile"]["distance"].as_f64().is_some_and(|distance| distance > 0.0));
    let tilt = |of: &str| report[of]["spectrum"]["tilt_db_per_octave"].as_f64().expect("a tilt");
    assert!(tilt("after") > tilt("before") + 0.3, "{} {}", tilt("before"), tilt("after"));
    let page = at("page.html");
    let text = halfspeed(&["master", &dark, "--profile", &profile, "-o", &second, "--report", &page]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("  profile    mine (distance"), "{}", said(&text));
    assert!(fs::read_to_string(&page).expect("a page").contains("mine (distance"));
    assert!(fs::read(&first).expect("written") == fs::read(&second).expect("written"), "not the same bytes");

    // Near enough to a profile of a folder it is followed; a mix of another kind is not, and that is told.
    let profiles = folder.path().display().to_string();
    let chosen = json(&halfspeed(&["advise", a, "--profile", &profiles, "--json"]));
    assert_eq!(chosen["profile"]["name"], "mine");
    let out = at("out.wav");
    let left = json(&halfspeed(&["master", &dark, "--profile", &profiles, "-o", &out, "--json", "--quiet"]));
    assert_eq!((&left["profile"]["name"], &left["suggestions"]), (&Value::Null, &Value::Array(Vec::new())));
    assert!(left["notes"].to_string().contains("none is near enough"), "{}", left["notes"]);
}

#[test]
fn mistakes_about_profiles_are_told() {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (out, json_out) = (at("out.wav"), at("p.json"));
    let refused = |args: &[&str], code: i32, words: &[&str]| {
        let output = halfspeed(args);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{text:?} lacks one of {words:?}");
    };
    refused(&["master", MIX, "--profile", "nosuch", "-o", &out], 2, &["nosuch", "orchestral", "auto"]);
    refused(&["master", MIX, "--profile", "auto", "--reference", MIX, "-o", &out], 2, &["--reference"]);
    refused(&["profile", "build", MIX, "-o", &json_out], 2, &["3 or more"]);
    refused(&["profile", "build", MIX, "-o", &json_out, "--source", "nowhere=CC0-1.0"], 2, &["nowhere"]);
    refused(
        &["profile", "build", "no.wav", MIX, "none.wav", "-o", &json_out],
        1,
        &["no.wav: there", "none.wav: there"],
    );
    refused(&["profile", "show", "auto"], 2, &["profile list"]);
    fs::write(at("bad.json"), "{}").expect("written");
    refused(&["profile", "show", &at("bad.json")], 1, &["bad.json", "missing field", "profile build"]);
}
