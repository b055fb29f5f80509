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
    feeds: Vec<Feed>,
    chain: Vec<Box<dyn Stage>>,
    placing: Option<Placing>,
    gain: f64,
    /// The present block ahead of pan, balance and fader; empty unless a send wants it.
    pre_fader: Vec<Frame>,
    is_sent_pre_fader: bool,
    /// The present block as it leaves.
    output: Vec<Frame>,
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
        let mut latencies = vec![0; plan.feeds.len()];
        let mut levels = Vec::new();
        for (level, indices) in plan.levels.iter().enumerate() {
            let mut built = Vec::new();
            for (place, &index) in indices.iter().enumerate() {
                place_of[index] = (level, place);
                let arrival = plan.feeds[index].iter().map(|feed| latencies[feed.from]).max().unwrap_or(0);
                let feeds = plan.feeds[index].iter().map(|feed| Feed {
                    from: place_of[feed.from],
                    gain: db_to_amplitude(feed.gain_db),
                    pre_fader: feed.pre_fader,
                    delay: DelayLine::new(arrival - latencies[feed.from]),
                });
                let feeds: Vec<Feed> = feeds.collect();
                let strip = strips.get(index);
                let (gain_db, chain) =
                    strip.map_or((settings.master.gain_db, &settings.master.chain), |s| (s.gain_db, &s.chain));
                let chain = build(chain)?;
                latencies[index] = arrival + chain.iter().map(|stage| stage.latency_frames()).sum::<usize>();
                let is_muted = strip.is_some_and(|strip| strip.mute);
                built.push(Strip {
                    track: (index < settings.tracks.len()).then_some(index),
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

impl Strip {
    fn process(&mut self, tracks: &[AudioBuffer], frames: usize, done: &[Vec<Self>]) {
        self.output.clear();
        match self.track {
            Some(index) => {
                let samples = tracks[index].left().iter().zip(tracks[index].right());
                self.output.extend(samples.map(|(&left, &right)| [f64::from(left), f64::from(right)]));
            }
            None => self.output.resize(frames, [0.0; 2]),
        }
        for feed in &mut self.feeds {
            let (level, place) = feed.from;
            let from = &done[level][place];
            let signal = if feed.pre_fader { &from.pre_fader } else { &from.output };
            // A muted strip has nothing ahead of its fader.
            for (frame, signal) in self.output.iter_mut().zip(signal) {
                let [left, right] = feed.delay.exchange(*signal);
                *frame = [frame[0] + feed.gain * left, frame[1] + feed.gain * right];
            }
        }
        self.chain.iter_mut().for_each(|stage| stage.process(&mut self.output));
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
