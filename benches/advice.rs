//! Whether the advice finds faults that were put into songs, and leaves the songs themselves alone.
//!
//! A measurement of quality rather than of time. It needs a folder of music; without one it says so and ends:
//!
//! ```text
//! HALFSPEED_SONGS=~/music cargo bench --bench advice
//! ```
//!
//! Every audio file in the folder and below is a song; one named `ref.*` beside a song is its reference. 40 s from a
//! third of each long song are taken, without their DC offset. The table tells, for each fault, how often it was found
//! where it was put in (recall; within 1/6 octave of its frequency, where it has one), how often the untouched song was
//! given the same advice (false alarms), and how far off the told frequency was at the most; the songs in question follow.
//! `HALFSPEED_SONG_NAME=truth.wav` takes only files of that name.

use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use halfspeed::AudioBuffer;
use halfspeed::advise::{Advice, Problem, advise_audio};
use halfspeed::dsp::biquad::{Cascade, Coefficients};
use halfspeed::io::Decoder;
use halfspeed::measure::{Measurement, Meter};
use halfspeed::quality::Format;

const EXCERPT_S: f64 = 40.0;
/// Resonances are put here, one a song, in turn.
const RESONANCES_HZ: [f64; 8] = [220.0, 350.0, 560.0, 890.0, 1_400.0, 2_250.0, 3_600.0, 5_700.0];

/// Mains frequencies of hum, one a song, in turn.
const MAINS_HZ: [f64; 2] = [50.0, 60.0];
/// A frequency that is told may be off by this, octaves.
const NEAR_OCTAVES: f64 = 1.0 / 6.0;

/// A fault: its name, the advice that must be given, where it lies, and how it is put in. `song` counts the songs.
struct Fault {
    name: &'static str,
    id: Problem,
    hz: fn(song: usize) -> Option<f64>,
    inject: fn(&mut Song, song: usize),
}

const FAULTS: [Fault; 11] = [
    Fault {
        name: "mud: bell +7 dB at 300 Hz, Q 1",
        id: Problem::Mud,
        hz: |_| Some(300.0),
        inject: |s, _| s.bell(300.0, 7.0, 1.0),
    },
    Fault {
        name: "harshness: bell +7 dB at 3.2 kHz, Q 1",
        id: Problem::Harshness,
        hz: |_| Some(3_200.0),
        inject: |s, _| s.bell(3_200.0, 7.0, 1.0),
    },
    Fault {
        name: "dullness: high shelf -9 dB at 4 kHz",
        id: Problem::Dull,
        hz: |_| Some(4_000.0),
        inject: |s, _| s.filter(Coefficients::high_shelf(4_000.0, -9.0, 0.707, s.rate)),
    },
    Fault {
        name: "resonance: bell +14 dB, Q 14",
        id: Problem::Resonance,
        hz: |song| Some(RESONANCES_HZ[song % RESONANCES_HZ.len()]),
        inject: |s, song| s.bell(RESONANCES_HZ[song % RESONANCES_HZ.len()], 14.0, 14.0),
    },
    Fault { name: "side bass: 3 dB over the mid's", id: Problem::SideBass, hz: |_| None, inject: |s, _| s.side_bass() },
    Fault {
        name: "polarity of one channel",
        id: Problem::Phase,
        hz: |_| None,
        inject: |s, _| s.right.iter_mut().for_each(|x| *x = -*x),
    },
    Fault { name: "9 dB of hard clipping", id: Problem::Clipping, hz: |_| None, inject: |s, _| s.clip() },
    Fault {
        name: "hum at -42 dBFS, 50 or 60 Hz",
        id: Problem::Hum,
        hz: |song| Some(MAINS_HZ[song % MAINS_HZ.len()]),
        inject: |s, song| s.hum(MAINS_HZ[song % MAINS_HZ.len()]),
    },
    Fault { name: "DC 0.02", id: Problem::Dc, hz: |_| None, inject: |s, _| s.each(|x| x + 0.02) },
    Fault { name: "20 ms of channel delay", id: Problem::ChannelDelay, hz: |_| None, inject: |s, song| s.delay(song) },
    Fault { name: "one channel -6 dB", id: Problem::Balance, hz: |_| None, inject: |s, song| s.quieter(song) },
];

/// Faults of tone: with a reference, only these are put in.
const OF_TONE: [Problem; 3] = [Problem::Mud, Problem::Harshness, Problem::Dull];

#[derive(Clone)]
struct Song {
    rate: u32,
    left: Vec<f32>,
    right: Vec<f32>,
}

impl Song {
    fn load(path: &Path) -> Option<Self> {
        let mut decoder = Decoder::open(path).ok()?;
        let (rate, channels) = (decoder.info().sample_rate_hz, decoder.info().channels);
        let mut song = Self { rate, left: Vec::new(), right: Vec::new() };
        let mut block = AudioBuffer::new(rate);
        let most = (3.0 * EXCERPT_S * f64::from(rate)) as usize;
        while song.left.len() < most && decoder.next_block(&mut block).ok()? {
            song.left.extend_from_slice(block.left());
            song.right.extend_from_slice(block.right());
        }
        let length = (EXCERPT_S * f64::from(rate)) as usize;
        let start = if song.left.len() > 2 * length { song.left.len() / 3 } else { 0 };
        for channel in [&mut song.left, &mut song.right] {
            channel.drain(..start);
            channel.truncate(length);
        }
        // Offset that the song has by itself would add to what is put in, or take from it.
        for channel in [&mut song.left, &mut song.right] {
            let mean = channel.iter().map(|x| f64::from(*x)).sum::<f64>() / channel.len().max(1) as f64;
            channel.iter_mut().for_each(|x| *x -= mean as f32);
        }
        // Mono, too short or too quiet songs can't show all of the faults.
        let peak = song.left.iter().chain(&song.right).fold(0.0f32, |peak, x| peak.max(x.abs()));
        (channels == 2 && song.left != song.right && song.left.len() > length / 2 && peak > 0.05).then_some(song)
    }

    fn filter(&mut self, section: Coefficients) {
        let mut cascade = Cascade::new([section]);
        let mut frames: Vec<[f64; 2]> =
            self.left.iter().zip(&self.right).map(|(l, r)| [f64::from(*l), f64::from(*r)]).collect();
        cascade.process(&mut frames);
        (self.left, self.right) = frames.into_iter().map(|[l, r]| (l as f32, r as f32)).unzip();
    }

    fn bell(&mut self, hz: f64, gain_db: f64, q: f64) {
        self.filter(Coefficients::bell(hz, gain_db, q, self.rate));
    }

    fn each(&mut self, change: impl Fn(f32) -> f32) {
        self.left.iter_mut().chain(&mut self.right).for_each(|x| *x = change(*x));
    }

    /// Adds the mid's bass to the side, 11 ms late so that it belongs to neither channel, 3 dB louder.
    fn side_bass(&mut self) {
        let mut low = self.clone();
        for _ in 0..2 {
            low.filter(Coefficients::low_pass(120.0, 0.707, self.rate));
        }
        let late = (0.011 * f64::from(self.rate)) as usize;
        for n in late..self.left.len() {
            let side = 1.41 * 0.5 * (low.left[n - late] + low.right[n - late]);
            self.left[n] += side;
            self.right[n] -= side;
        }
    }

    fn clip(&mut self) {
        let peak = self.left.iter().chain(&self.right).fold(0.0f32, |peak, x| peak.max(x.abs()));
        let gain = 2.818 / peak;
        self.each(|x| (gain * x).clamp(-1.0, 1.0));
    }

    /// Four harmonics, -42 dBFS altogether.
    fn hum(&mut self, mains_hz: f64) {
        let amplitudes = [1.0, 0.7, 0.5, 0.3];
        let rms = (amplitudes.iter().map(|a| 0.5 * a * a).sum::<f64>()).sqrt();
        let scale = 10f64.powf(-42.0 / 20.0) / rms;
        for n in 0..self.left.len() {
            let phase = TAU * mains_hz * n as f64 / f64::from(self.rate);
            let hum: f64 = (1..).zip(amplitudes).map(|(k, a)| a * (f64::from(k) * phase + f64::from(k)).sin()).sum();
            self.left[n] += (scale * hum) as f32;
            self.right[n] += (scale * hum) as f32;
        }
    }

    fn delay(&mut self, song: usize) {
        let frames = (0.02 * f64::from(self.rate)) as usize;
        let length = self.left.len();
        let late = if song.is_multiple_of(2) { &mut self.left } else { &mut self.right };
        late.splice(..0, vec![0.0; frames]);
        late.truncate(length);
    }

    fn quieter(&mut self, song: usize) {
        let channel = if song.is_multiple_of(2) { &mut self.left } else { &mut self.right };
        channel.iter_mut().for_each(|x| *x *= 0.501);
    }

    fn audio(&self) -> AudioBuffer {
        AudioBuffer::from_channels(self.rate, self.left.clone(), self.right.clone())
    }

    fn measure(&self) -> Measurement {
        let mut meter = Meter::new(self.rate);
        meter.push(&self.audio());
        meter.finish()
    }

    fn advice(&self, reference: Option<&Measurement>) -> Vec<Advice> {
        let format = Format { sample_rate_hz: self.rate, channels: 2, bits: None, lossy: false };
        advise_audio(&self.audio(), format, reference)
    }
}

fn songs(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        let is_audio = ["wav", "flac", "ogg", "opus", "mp3"].iter().any(|e| extension.as_deref() == Some(e.as_ref()));
        if path.is_dir() {
            songs(&path, found);
        } else if is_audio && path.file_stem() != Some("ref".as_ref()) {
            found.push(path);
        }
    }
}

#[derive(Default)]
struct Tally {
    missed: Vec<String>,
    false_alarms: Vec<String>,
    /// Farthest off of the frequencies that were told, of the songs where the fault was found.
    worst_octaves: Option<f64>,
}

fn main() {
    let Some(folder) = std::env::var_os("HALFSPEED_SONGS") else {
        println!("advice: not measured; HALFSPEED_SONGS has to name a folder of music");
        return;
    };
    let mut paths = Vec::new();
    songs(Path::new(&folder), &mut paths);
    if let Some(name) = std::env::var_os("HALFSPEED_SONG_NAME") {
        paths.retain(|path| path.file_name() == Some(&name));
    }
    if let Some(most) = std::env::var("HALFSPEED_SONG_COUNT").ok().and_then(|text| text.parse::<usize>().ok()) {
        let every = (paths.len() / most.max(1)).max(1);
        paths = paths.into_iter().step_by(every).take(most).collect();
    }
    let mut tallies: BTreeMap<bool, Vec<Tally>> = BTreeMap::new();
    let mut alarms: BTreeMap<String, usize> = BTreeMap::new();
    let (mut count, mut with_reference) = (0, 0);
    for path in &paths {
        let Some(song) = Song::load(path) else { continue };
        let reference = Song::load(&path.with_file_name("ref.wav")).map(|song| song.measure());
        let targets = [None].into_iter().chain(reference.as_ref().map(Some));
        for target in targets {
            let tally =
                tallies.entry(target.is_some()).or_insert_with(|| FAULTS.iter().map(|_| Tally::default()).collect());
            let untouched: BTreeSet<Problem> = song.advice(target).iter().map(|advice| advice.id).collect();
            if target.is_none() {
                untouched.iter().for_each(|id| *alarms.entry(id.to_string()).or_default() += 1);
            }
            for (fault, tally) in FAULTS.iter().zip(tally) {
                if target.is_some() && !OF_TONE.contains(&fault.id) {
                    continue;
                }
                if untouched.contains(&fault.id) {
                    tally.false_alarms.push(name(path));
                }
                let mut faulty = song.clone();
                (fault.inject)(&mut faulty, count);
                let findings = faulty.advice(target);
                let errors = findings.iter().filter(|advice| advice.id == fault.id).map(|advice| {
                    (fault.hz)(count).map_or(0.0, |placed_hz| (told_hz(advice) / placed_hz).log2().abs())
                });
                match errors.min_by(f64::total_cmp).filter(|octaves| *octaves <= NEAR_OCTAVES) {
                    Some(octaves) => tally.worst_octaves = Some(tally.worst_octaves.unwrap_or(0.0).max(octaves)),
                    None => tally.missed.push(name(path)),
                }
            }
        }
        count += 1;
        with_reference += usize::from(reference.is_some());
    }
    println!("{count} songs, {with_reference} with a reference");
    for (has_reference, tallies) in &tallies {
        let songs = if *has_reference { with_reference } else { count } as f64;
        println!(
            "{:<42}{:>8}{:>14}{:>14}",
            if *has_reference { "with a reference" } else { "fault" },
            "recall",
            "false alarms",
            "octaves off"
        );
        for (fault, tally) in FAULTS.iter().zip(tallies) {
            if *has_reference && !OF_TONE.contains(&fault.id) {
                continue;
            }
            let share = |number: usize| number as f64 / songs;
            let recall = 1.0 - share(tally.missed.len());
            let octaves = tally.worst_octaves.filter(|_| (fault.hz)(0).is_some());
            let octaves = octaves.map_or("-".into(), |octaves| format!("{octaves:.3}"));
            println!("{:<42}{recall:>8.2}{:>14.2}{octaves:>14}", fault.name, share(tally.false_alarms.len()));
        }
    }
    for (has_reference, tallies) in &tallies {
        for (fault, tally) in FAULTS.iter().zip(tallies) {
            let id = if *has_reference { format!("{} with a reference", fault.id) } else { fault.id.to_string() };
            for (what, songs) in [("missed", &tally.missed), ("false alarms", &tally.false_alarms)] {
                if !songs.is_empty() {
                    println!("{id}, {what}: {}", songs.join(" "));
                }
            }
        }
    }
    println!("advice on untouched songs: {alarms:?}");
    assert!(count > 0, "no stereo songs in {}", Path::new(&folder).display());
}

/// Names a song by its folder and file.
fn name(path: &Path) -> String {
    let parts: Vec<_> = path.components().rev().take(2).map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

/// The frequency that an advice tells: the middle of a bell, the corner of a shelf, the fundamental of hum.
fn told_hz(advice: &Advice) -> f64 {
    let [low_hz, high_hz] = advice.band_hz.unwrap_or([f64::NAN; 2]);
    match advice.id {
        Problem::Resonance => advice.evidence["frequency_hz"],
        Problem::Dull => low_hz,
        Problem::Hum => {
            MAINS_HZ.into_iter().find(|hz| advice.message.contains(&format!("at {hz:.0} Hz"))).unwrap_or(f64::NAN)
        }
        _ => (low_hz * high_hz).sqrt(),
    }
}
