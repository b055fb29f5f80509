//! Renders training pairs and writes what the model is to see and to say: `training_pairs LOCK MUSIC_DIR OUT_DIR ROUNDS`.
//!
//! For each song and round mastering chains are drawn at random and applied to two of its excerpts and to one of another
//! song; each mix is an excerpt made worse by other random settings. A row holds the features of mix and reference, and
//! what the true master has that the mix lacks. Seeds depend on the song and the round alone, and a round that has been
//! written is not rendered again. Songs that were rendered from modules, MIDI files and projects are trained on, in groups of their
//! own. Every fourth round's masters are other makers' alone.

mod chain;
#[path = "../draw.rs"]
mod draw;
mod foreign;
mod row;
#[path = "../songs.rs"]
mod songs;

use std::fs;
use std::path::{Path, PathBuf};

use halfspeed::AudioBuffer;
use halfspeed::measure::{Measurement, Meter};
use halfspeed::suggest::features;
use rayon::prelude::*;

use chain::{Makers, Master, Roughening};
use draw::Draw;
use row::{Kind, Pair, label_names};
use songs::RENDERED;

/// Length of an excerpt. Those of the development cases are longer; features of shorter ones are noisier.
const EXCERPT_S: f64 = 25.0;
/// Songs that lend each other references.
const GROUP: usize = 24;
/// One round in so many goes through other makers' effects.
const OTHERS_EVERY: u64 = 4;
/// Chains that a song goes through in a round: it is read once for all of them.
const CHAINS: usize = 4;

/// A song's two excerpts.
struct Song {
    id: usize,
    package: usize,
    validation: bool,
    excerpts: [AudioBuffer; 2],
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, lock, music, out, rounds] = arguments.as_slice() else {
        return Err("usage: training_pairs LOCK MUSIC_DIR OUT_DIR ROUNDS".into());
    };
    foreign::check()?;
    let packages = songs::packages(lock)?;
    let out = Path::new(out);
    fs::create_dir_all(out)?;
    let schema = serde_json::json!({
        "features": features::names(), "schema_hash": format!("{:016x}", features::schema_hash()),
        "labels": label_names(), "packages": packages.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    });
    fs::write(out.join("schema.json"), serde_json::to_string(&schema)?)?;

    for round in 0..rounds.parse::<u64>()? {
        for split in ["train", RENDERED, "validation"] {
            let mut songs: Vec<(usize, usize, PathBuf)> = Vec::new();
            for (package, (name, of)) in packages.iter().enumerate().filter(|(_, (_, of))| of.split == split) {
                let tracks = of.tracks.iter().map(|track| Path::new(music).join(name).join(track));
                songs.extend(tracks.enumerate().map(|(index, path)| (package * 1000 + index, package, path)));
            }
            shuffle(&mut songs, &mut Draw::new(round, 1));
            for (number, group) in songs.chunks(GROUP).enumerate() {
                let path = out.join(format!("{split}-{round:02}-{number:03}.f32"));
                if path.exists() {
                    continue;
                }
                let validation = split == "validation";
                let songs: Vec<Song> = group
                    .par_iter()
                    .filter_map(|(id, package, path)| {
                        let excerpts = excerpts(path, &mut Draw::new(round, *id as u64 + 1_000_000))?;
                        Some(Song { id: *id, package: *package, validation, excerpts })
                    })
                    .collect();
                let rows: Vec<Vec<f32>> =
                    (0..songs.len()).into_par_iter().flat_map_iter(|index| rows_of(&songs, index, round)).collect();
                songs::write_rows(&path, rows.iter().flatten())?;
                println!("{}: {} rows", path.display(), rows.len());
            }
        }
    }
    Ok(())
}

/// Fisher-Yates.
fn shuffle<T>(items: &mut [T], draw: &mut Draw) {
    for last in (1..items.len()).rev() {
        items.swap(last, (draw.uniform(0.0, 1.0) * (last + 1) as f64) as usize);
    }
}

/// Two excerpts of a stereo song of a minute or more, at about the same level; `None` for anything else.
fn excerpts(path: &Path, draw: &mut Draw) -> Option<[AudioBuffer; 2]> {
    let song = songs::start_of(path)?;
    let rate = song.sample_rate_hz();
    let length = (EXCERPT_S * f64::from(rate)) as usize;
    let half = song.frames() / 2;
    if half < length + rate as usize {
        return None;
    }
    let cut = |from: usize| -> AudioBuffer {
        let of = |channel: &[f32]| channel[from..from + length].to_vec();
        AudioBuffer::from_channels(rate, of(song.left()), of(song.right()))
    };
    let mut place = |from: usize| from + (draw.uniform(0.0, 1.0) * (half - length) as f64) as usize;
    let found = [cut(place(0)), cut(place(half))];
    let power = |audio: &AudioBuffer| {
        let square = |channel: &[f32]| channel.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        (square(audio.left()) + square(audio.right())) / (2 * audio.frames()) as f64
    };
    let side = |audio: &AudioBuffer| {
        let differences = audio.left().iter().zip(audio.right()).map(|(l, r)| f64::from(l - r).powi(2));
        differences.sum::<f64>() / (4 * audio.frames()) as f64
    };
    let [a, b] = [power(&found[0]), power(&found[1])];
    let usable = a.min(b) > 1e-5 && a.max(b) < 16.0 * a.min(b) && side(&found[0]) > 2e-4 * a;
    usable.then_some(found)
}

/// The rows of a song in a round: for each chain, every excerpt as a mix beside the song's other master and beside another
/// song's, that other song beside this one's, and now and then a master as its own mix.
fn rows_of(songs: &[Song], index: usize, round: u64) -> Vec<Vec<f32>> {
    let song = &songs[index];
    let mut draw = Draw::new(round, song.id as u64);
    let makers = if round % OTHERS_EVERY == OTHERS_EVERY - 1 { Makers::Others } else { Makers::Ours };
    (0..CHAINS).flat_map(|_| rows_of_chain(songs, index, makers, &mut draw)).collect()
}

fn rows_of_chain(songs: &[Song], index: usize, makers: Makers, draw: &mut Draw) -> Vec<Vec<f32>> {
    let song = &songs[index];
    let chain = Master::draw(draw, makers);
    let step = 1 + (draw.uniform(0.0, 1.0) * (songs.len() - 1) as f64) as usize;
    let other = Some(&songs[(index + step) % songs.len()]).filter(|other| other.id != song.id);
    let mastered = |audio: &AudioBuffer| chain.apply(audio).map(|master| measure(&master));
    let [Some(first), Some(second)] = song.excerpts.each_ref().map(mastered) else {
        return Vec::new();
    };
    let mut mix = |audio: &AudioBuffer| measure(&Roughening::draw(draw).apply(audio));
    let mut rows = Vec::new();
    let mut pair = |song: &Song, kind, mix: &Measurement, reference: &Measurement, truth: &Measurement| {
        rows.extend(Pair { song, kind, mix, reference, truth }.row());
    };
    pair(song, Kind::Same, &mix(&song.excerpts[0]), &second, &first);
    pair(song, Kind::Same, &mix(&song.excerpts[1]), &first, &second);
    if let Some((other, master)) = other.and_then(|other| Some((other, mastered(&other.excerpts[0])?))) {
        pair(song, Kind::Other, &mix(&song.excerpts[0]), &master, &first);
        pair(song, Kind::Other, &mix(&song.excerpts[1]), &master, &second);
        pair(other, Kind::Other, &mix(&other.excerpts[0]), &first, &master);
    }
    if draw.chance(0.24) {
        pair(song, Kind::Done, &first, &second, &first);
    }
    if draw.chance(0.16) {
        pair(song, Kind::Done, &first, &first, &first);
    }
    rows
}

fn measure(audio: &AudioBuffer) -> Measurement {
    let mut meter = Meter::new(audio.sample_rate_hz());
    meter.push(audio);
    meter.finish()
}
