//! The mix as it runs: strips with their processors, block by block.

use rayon::prelude::*;

use super::plan::Plan;
use super::settings::GraphSettings;
use crate::audio::AudioBuffer;
use crate::dsp::Frame;
use crate::dsp::delay_line::DelayLine;
use crate::dsp::stereo::image::{Image, ImageSettings};
use crate::dsp::stereo::pan::Pan;
use crate::engine::processors::{LoadResponse, ProcessorSettings, Stage};
use crate::error::Result;
use crate::units::db_to_amplitude;

/// A mix at work. What goes in comes out [`Self::latency_frames`] later.
pub struct Graph {
    sample_rate_hz: u32,
    tracks: usize,
    /// Strips by level; the last one is the master.
    levels: Vec<Vec<Strip>>,
    latency_frames: usize,
    tail_frames: u64,
}

/// A track, a bus or the master.
struct Strip {
    /// Number of the track; none for others.
    track: Option<usize>,
    /// Brings a track to the latest of what its processors listen to.
    delay: DelayLine,
    feeds: Vec<Feed>,
    chain: Vec<Link>,
    placing: Option<Placing>,
    gain: f64,
    /// The present block ahead of pan, balance and fader; empty unless a send wants it.
    pre_fader: Vec<Frame>,
    is_sent_pre_fader: bool,
    /// The present block as it leaves.
    output: Vec<Frame>,
}

/// A processor in its place.
struct Link {
    stage: Box<dyn Stage>,
    side_chain: Option<Feed>,
    /// The present block of the side-chain.
    heard: Vec<Frame>,
}

struct Feed {
    /// Level and place in it of where it comes from.
    from: (usize, usize),
    gain: f64,
    pre_fader: bool,
    /// Brings it to the latest of all that meet.
    delay: DelayLine,
}

enum Placing {
    Pan(Pan),
    Balance(Image),
}

impl Graph {
    /// A mix at rest.
    ///
    /// # Errors
    /// Those of [`GraphSettings::validate`] and of `load`.
    pub fn new(settings: &GraphSettings, sample_rate_hz: u32, load: LoadResponse<'_>) -> Result<Self> {
        settings.validate(sample_rate_hz)?;
        let plan = Plan::new(settings)?;
        let strips: Vec<_> = settings.tracks.iter().chain(&settings.buses).collect();
        let build = |chain: &[ProcessorSettings]| -> Result<Vec<Box<dyn Stage>>> {
            chain.iter().map(|processor| processor.build(sample_rate_hz, load)).collect()
        };
        let mut place_of = vec![(0, 0); plan.feeds.len()];
        // By how much the output of each strip lags the tracks.
        let mut latencies = vec![0usize; plan.feeds.len()];
        let mut levels = Vec::new();
        for (level, indices) in plan.levels.iter().enumerate() {
            let mut built = Vec::new();
            for (place, &index) in indices.iter().enumerate() {
                place_of[index] = (level, place);
                let strip = strips.get(index);
                let (gain_db, chain) =
                    strip.map_or((settings.master.gain_db, &settings.master.chain), |s| (s.gain_db, &s.chain));
                let stages = build(chain)?;
                let own_latency =
                    |count: usize| -> usize { stages[..count].iter().map(|stage| stage.latency_frames()).sum() };
                // What a processor listens to arrives with what it works on.
                let side_chains = &plan.side_chains[index];
                let heard = side_chains
                    .iter()
                    .enumerate()
                    .filter_map(|(place, from)| from.map(|from| latencies[from].saturating_sub(own_latency(place))));
                let arrival = plan.feeds[index].iter().map(|feed| latencies[feed.from]).chain(heard).max().unwrap_or(0);
                let feed = |from: usize, gain_db: f64, pre_fader: bool, arrival: usize| Feed {
                    from: place_of[from],
                    gain: db_to_amplitude(gain_db),
                    pre_fader,
                    delay: DelayLine::new(arrival - latencies[from]),
                };
                let feeds = plan.feeds[index].iter().map(|f| feed(f.from, f.gain_db, f.pre_fader, arrival)).collect();
                let listening = side_chains
                    .iter()
                    .enumerate()
                    .map(|(place, from)| from.map(|from| feed(from, 0.0, false, arrival + own_latency(place))));
                let listening: Vec<Option<Feed>> = listening.collect();
                let latency = arrival + own_latency(stages.len());
                let links = stages.into_iter().zip(listening);
                let chain = links.map(|(stage, side_chain)| Link { stage, side_chain, heard: Vec::new() }).collect();
                latencies[index] = latency;
                let is_muted = strip.is_some_and(|strip| strip.mute);
                built.push(Strip {
                    track: (index < settings.tracks.len()).then_some(index),
                    delay: DelayLine::new(arrival),
                    feeds,
                    chain,
                    placing: strip.and_then(|strip| match &strip.pan {
                        Some(pan) => Some(Placing::Pan(Pan::new(pan))),
                        None if strip.balance_percent == 0.0 => None,
                        None => Some(Placing::Balance(Image::new(&ImageSettings {
                            balance_percent: strip.balance_percent,
                            ..ImageSettings::default()
                        }))),
                    }),
                    gain: if is_muted { 0.0 } else { db_to_amplitude(gain_db) },
                    pre_fader: Vec::new(),
                    is_sent_pre_fader: !is_muted && strip.is_some_and(|s| s.sends.iter().any(|send| send.pre_fader)),
                    output: Vec::new(),
                });
            }
            levels.push(built);
        }
        let latency_frames = latencies.last().copied().unwrap_or(0);
        let tail_frames = (settings.tail_s * f64::from(sample_rate_hz)).round() as u64;
        Ok(Self { sample_rate_hz, tracks: settings.tracks.len(), levels, latency_frames, tail_frames })
    }

    /// Sample rate in Hz.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// How many tracks it mixes.
    pub fn tracks(&self) -> usize {
        self.tracks
    }

    /// Frames by which the mix lags the tracks.
    pub fn latency_frames(&self) -> usize {
        self.latency_frames
    }

    /// Frames that the mix goes on after its longest track.
    pub fn tail_frames(&self) -> u64 {
        self.tail_frames
    }

    /// Mixes the next block of every track, in the order of the settings, and replaces the content of `mix` with it.
    ///
    /// # Panics
    /// If there is not one block for each track, or if they differ in length: mistakes in the calling code.
    pub fn process(&mut self, tracks: &[AudioBuffer], mix: &mut AudioBuffer) {
        assert_eq!(tracks.len(), self.tracks, "a mix takes one block for each track");
        let frames = tracks.first().map_or(0, AudioBuffer::frames);
        assert!(tracks.iter().all(|track| track.frames() == frames), "all blocks must have the same length");
        for level in 0..self.levels.len() {
            let (done, rest) = self.levels.split_at_mut(level);
            // Strips of a level don't hear each other: how they are shared among threads changes nothing.
            rest[0].par_iter_mut().for_each(|strip| strip.process(tracks, frames, done));
        }
        mix.clear();
        let master = self.levels.last().and_then(|level| level.last());
        for &[left, right] in master.map_or(&[][..], |master| &master.output) {
            mix.push(left as f32, right as f32);
        }
    }
}

impl Feed {
    /// Adds the present block of a strip that is done.
    fn add_to(&mut self, frames: &mut [Frame], done: &[Vec<Strip>]) {
        let (level, place) = self.from;
        let from = &done[level][place];
        let signal = if self.pre_fader { &from.pre_fader } else { &from.output };
        // A muted strip has nothing ahead of its fader.
        for (frame, signal) in frames.iter_mut().zip(signal) {
            let [left, right] = self.delay.exchange(*signal);
            *frame = [frame[0] + self.gain * left, frame[1] + self.gain * right];
        }
    }
}

impl Strip {
    fn process(&mut self, tracks: &[AudioBuffer], frames: usize, done: &[Vec<Self>]) {
        self.output.clear();
        match self.track {
            Some(index) => {
                let samples = tracks[index].left().iter().zip(tracks[index].right());
                let frames = samples.map(|(&left, &right)| [f64::from(left), f64::from(right)]);
                self.output.extend(frames.map(|frame| self.delay.exchange(frame)));
            }
            None => self.output.resize(frames, [0.0; 2]),
        }
        for feed in &mut self.feeds {
            feed.add_to(&mut self.output, done);
        }
        for Link { stage, side_chain, heard } in &mut self.chain {
            match side_chain {
                None => stage.process(&mut self.output),
                Some(feed) => {
                    heard.clear();
                    heard.resize(frames, [0.0; 2]);
                    feed.add_to(heard, done);
                    stage.process_with_side_chain(&mut self.output, heard);
                }
            }
        }
        if self.is_sent_pre_fader {
            self.pre_fader.clone_from(&self.output);
        }
        match &mut self.placing {
            Some(Placing::Pan(pan)) => pan.process(&mut self.output),
            Some(Placing::Balance(image)) => image.process(&mut self.output),
            None => {}
        }
        if self.gain != 1.0 {
            self.output.iter_mut().for_each(|frame| *frame = [self.gain * frame[0], self.gain * frame[1]]);
        }
    }
}
