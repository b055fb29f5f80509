//! Puts faults of tone and resonances into songs and writes what the networks of `advise` are to see and to say:
//! `training_faults LOCK MUSIC_DIR OUT_DIR VARIANTS`.
//!
//! Each variant is an excerpt of its own. Those to learn from get random faults behind a random equaliser, one in eight none;
//! those to judge by, when the song's package is left out, are left alone or get one fault of a known size. Seeds depend on the
//! song and the variant alone, and a song that has been written is not made again.

#[path = "../draw.rs"]
mod draw;
#[path = "../songs.rs"]
mod songs;

use std::fs;
use std::path::Path;

use halfspeed::AudioBuffer;
use halfspeed::advise::hints;
use halfspeed::advise::thresholds::RESONANCE_RANGE_HZ;
use halfspeed::advise::tonal::TONES;
use halfspeed::dsp::biquad::{Cascade, Coefficients};
use rayon::prelude::*;

use draw::Draw;
use songs::RENDERED;

/// Lengths of an excerpt, seconds.
const SHORTEST_S: f64 = 20.0;
const LONGEST_S: f64 = 40.0;
/// A row has places for so many resonances: frequency in Hz, gain in dB and Q; 0 where there is none.
const MOST_RESONANCES: usize = 3;
/// Resonances of one excerpt lie as far from each other at least, octaves.
const APART_OCTAVES: f64 = 0.8;
/// A variant's kind: to learn from; left alone; left alone but for the equaliser that a master may have; with a resonance; from
/// here on, with each tone in turn.
const LEARN: usize = 0;
const PLAIN: usize = 1;
const MASTERED: usize = 2;
const RINGING: usize = 3;
const FIRST_TONE: usize = 4;
/// Variants of a song to judge by, beside one of each tone.
const JUDGED: [usize; 6] = [PLAIN, PLAIN, MASTERED, RINGING, RINGING, RINGING];

/// What is put into an excerpt.
#[derive(Default)]
struct Faults {
    /// Of each tone, dB.
    tone_db: [f64; TONES.len()],
    /// Frequency in Hz, gain in dB, and Q.
    resonances: Vec<[f64; 3]>,
    /// What only disguises them.
    disguise: Vec<Bell>,
}

struct Bell {
    hz: f64,
    gain_db: f64,
    q: f64,
}

impl Faults {
    /// Random ones, as many as teach something.
    fn draw(draw: &mut Draw) -> Self {
        let mut faults = Self::default();
        if draw.chance(0.125) {
            return faults;
        }
        for tone_db in &mut faults.tone_db {
            *tone_db = if draw.chance(0.4) { draw.uniform(-10.0, 10.0) } else { 0.0 };
        }
        faults.disguise = disguise(draw);
        for _ in 0..(draw.uniform(0.0, MOST_RESONANCES as f64 + 1.0) as usize) {
            let [low_hz, high_hz] = [*RESONANCE_RANGE_HZ.start(), *RESONANCE_RANGE_HZ.end()];
            let [hz, gain_db, q] = [draw.log(low_hz, high_hz), draw.uniform(8.0, 18.0), draw.log(9.0, 22.0)];
            if faults.resonances.iter().all(|other| (other[0] / hz).log2().abs() >= APART_OCTAVES) {
                faults.resonances.push([hz, gain_db, q]);
            }
        }
        faults
    }

    /// What a variant of a kind gets.
    fn of_kind(kind: usize, draw: &mut Draw) -> Self {
        let mut faults = Self::default();
        match kind {
            LEARN => faults = Self::draw(draw),
            PLAIN => {}
            MASTERED => faults.disguise = disguise(draw),
            RINGING => faults.resonances.push([draw.log(200.0, 6_000.0), 14.0, 14.0]),
            _ => faults.tone_db[kind - FIRST_TONE] = TONES[kind - FIRST_TONE].gain_db,
        }
        faults
    }

    fn put_into(&self, excerpt: &AudioBuffer) -> AudioBuffer {
        let rate = excerpt.sample_rate_hz();
        let tones = TONES.iter().zip(self.tone_db).filter(|(_, gain_db)| *gain_db != 0.0);
        let resonances = self.resonances.iter().map(|&[hz, gain_db, q]| Coefficients::bell(hz, gain_db, q, rate));
        let disguise = self.disguise.iter().map(|bell| Coefficients::bell(bell.hz, bell.gain_db, bell.q, rate));
        let sections = tones.map(|(tone, gain_db)| tone.section(gain_db, rate)).chain(resonances).chain(disguise);
        let frames = excerpt.left().iter().zip(excerpt.right());
        let mut frames: Vec<[f64; 2]> = frames.map(|(l, r)| [f64::from(*l), f64::from(*r)]).collect();
        Cascade::new(sections).process(&mut frames);
        let (left, right) = frames.into_iter().map(|[l, r]| (l as f32, r as f32)).unzip();
        AudioBuffer::from_channels(rate, left, right)
    }
}

/// Up to three broad bells.
fn disguise(draw: &mut Draw) -> Vec<Bell> {
    let bell =
        |draw: &mut Draw| Bell { hz: draw.log(60.0, 14_000.0), gain_db: draw.normal(0.0, 2.0), q: draw.log(0.4, 2.0) };
    (0..draw.uniform(0.0, 4.0) as usize).map(|_| bell(draw)).collect()
}

/// A song and what is known of it.
struct Song<'a> {
    id: usize,
    package: usize,
    path: &'a Path,
}

impl Song<'_> {
    /// All of its rows, one after the other.
    fn rows(&self, variants: usize) -> Option<Vec<f32>> {
        let audio = songs::start_of(self.path)?;
        if (audio.frames() as f64) < SHORTEST_S * f64::from(audio.sample_rate_hz()) {
            return None;
        }
        let tones = FIRST_TONE..FIRST_TONE + TONES.len();
        let kinds = JUDGED.into_iter().chain(tones).chain(std::iter::repeat_n(LEARN, variants));
        let rows = kinds.enumerate().filter_map(|(variant, kind)| self.row(&audio, variant, kind));
        Some(rows.flatten().collect())
    }

    fn row(&self, audio: &AudioBuffer, variant: usize, kind: usize) -> Option<Vec<f32>> {
        let mut draw = Draw::new(variant as u64, self.id as u64);
        let rate = f64::from(audio.sample_rate_hz());
        let length = audio.frames().min((draw.uniform(SHORTEST_S, LONGEST_S) * rate) as usize);
        let start = (draw.uniform(0.0, 1.0) * (audio.frames() - length) as f64) as usize;
        let of = |channel: &[f32]| channel[start..start + length].to_vec();
        let excerpt = AudioBuffer::from_channels(audio.sample_rate_hz(), of(audio.left()), of(audio.right()));
        let power = excerpt.left().iter().chain(excerpt.right()).map(|x| f64::from(*x).powi(2)).sum::<f64>();
        if power < 1e-5 * 2.0 * length as f64 {
            return None;
        }
        let faults = Faults::of_kind(kind, &mut draw);
        let features = hints::segments_of(&faults.put_into(&excerpt)).into_iter().next()?;
        let about = [self.package, self.id, kind].map(|value| value as f32);
        let mut resonances = faults.resonances.clone();
        resonances.resize(MOST_RESONANCES, [0.0; 3]);
        let labels = faults.tone_db.into_iter().chain(resonances.into_iter().flatten()).map(|value| value as f32);
        Some(about.into_iter().chain(labels).chain(features).collect())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, lock, music, out, variants] = arguments.as_slice() else {
        return Err("usage: training_faults LOCK MUSIC_DIR OUT_DIR VARIANTS".into());
    };
    let (out, variants): (&Path, usize) = (Path::new(out), variants.parse()?);
    let mut packages = songs::packages(lock)?;
    packages.retain(|(_, of)| of.split != RENDERED);
    fs::create_dir_all(out)?;
    let schema = serde_json::json!({
        "features": hints::features::names(), "schema_hash": format!("{:016x}", hints::features::schema_hash()),
        "tones": TONES.iter().map(|tone| serde_json::json!({"id": tone.id, "gain_db": tone.gain_db})).collect::<Vec<_>>(),
        "resonances": MOST_RESONANCES, "resonance_range_hz": [RESONANCE_RANGE_HZ.start(), RESONANCE_RANGE_HZ.end()],
        "bands_hz": hints::bands_hz(48_000), "packages": packages.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    });
    fs::write(out.join("schema.json"), serde_json::to_string(&schema)?)?;
    let tracks = packages.iter().enumerate().flat_map(|(package, (name, of))| {
        let folder = Path::new(music).join(name);
        of.tracks.iter().enumerate().map(move |(index, track)| (package, index, folder.join(track)))
    });
    let tracks: Vec<_> = tracks.collect();
    tracks.par_iter().try_for_each(|(package, index, path)| {
        let id = package * 1000 + index;
        let file = out.join(format!("{id:05}.f32"));
        if file.exists() {
            return Ok(());
        }
        let song = Song { id, package: *package, path };
        let rows = song.rows(variants).unwrap_or_default();
        songs::write_rows(&file, &rows)
    })?;
    Ok(())
}
