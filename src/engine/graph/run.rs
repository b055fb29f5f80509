//! The mix as it runs: strips with their processors, block by block.

use rayon::prelude::*;

use super::plan::{Plan, Route};
use super::settings::{GraphSettings, StripSettings};
use crate::audio::AudioBuffer;
use crate::dsp::delay_line::DelayLine;
use crate::dsp::stereo::image::{Image, ImageSettings};
use crate::dsp::stereo::pan::Pan;
use crate::dsp::{Frame, Processor};
use crate::engine::processors::LoadResponse;
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
    processor: Box<dyn Processor + Send + Sync>,
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
        let count = plan.routes.len();
        let mut assembly = Assembly {
            settings,
            plan: &plan,
            sample_rate_hz,
            load,
            places: vec![(0, 0); count],
            latencies: vec![0; count],
        };
        let mut levels = Vec::new();
        for (level, indices) in plan.levels.iter().enumerate() {
            let mut strips = Vec::new();
            for (place, &index) in indices.iter().enumerate() {
                assembly.places[index] = (level, place);
                strips.push(assembly.strip(index)?);
            }
            levels.push(strips);
        }
        let latency_frames = assembly.latencies.last().copied().unwrap_or(0);
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

/// A mix while it is put together, level by level.
struct Assembly<'a> {
    settings: &'a GraphSettings,
    plan: &'a Plan,
    sample_rate_hz: u32,
    load: LoadResponse<'a>,
    /// Level and place in it of each strip so far.
    places: Vec<(usize, usize)>,
    /// By how much the output of each lags the tracks, frames.
    latencies: Vec<usize>,
}

impl Assembly<'_> {
    /// Builds a strip, after those that it hears.
    fn strip(&mut self, index: usize) -> Result<Strip> {
        let GraphSettings { tracks, buses, master, .. } = self.settings;
        let settings = tracks.iter().chain(buses).nth(index);
        let (gain_db, chain) = settings.map_or((master.gain_db, &master.chain), |strip| (strip.gain_db, &strip.chain));
        let processors = chain.iter().map(|settings| settings.build(self.sample_rate_hz, self.load));
        let processors = processors.collect::<Result<Vec<_>>>()?;
        // What comes in at each processor, and goes out at the last, lags what comes in at the strip by so much.
        let mut lags = vec![0];
        lags.extend(processors.iter().scan(0, |lag, processor| {
            *lag += processor.latency_frames();
            Some(*lag)
        }));
        let (routes, side_chains) = (&self.plan.routes[index], &self.plan.side_chains[index]);
        // What a processor listens to arrives with what it works on.
        let heard = side_chains.iter().zip(&lags);
        let heard = heard.filter_map(|(from, lag)| from.map(|from| self.latencies[from].saturating_sub(*lag)));
        let arrival = routes.iter().map(|route| self.latencies[route.from]).chain(heard).max().unwrap_or(0);
        let links = processors.into_iter().zip(side_chains).zip(&lags).map(|((processor, from), lag)| {
            let route = from.map(|from| Route { from, gain_db: 0.0, pre_fader: false });
            let side_chain = route.map(|route| self.feed(route, arrival + lag));
            Link { processor, side_chain, heard: Vec::new() }
        });
        let chain = links.collect();
        let feeds = routes.iter().map(|&route| self.feed(route, arrival)).collect();
        self.latencies[index] = arrival + lags.last().unwrap_or(&0);
        let is_muted = settings.is_some_and(|strip| strip.mute);
        let is_sent_pre_fader = settings.is_some_and(|strip| strip.sends.iter().any(|send| send.pre_fader));
        Ok(Strip {
            track: (index < tracks.len()).then_some(index),
            delay: DelayLine::new(arrival),
            feeds,
            chain,
            placing: settings.and_then(Placing::new),
            gain: if is_muted { 0.0 } else { db_to_amplitude(gain_db) },
            pre_fader: Vec::new(),
            is_sent_pre_fader: is_sent_pre_fader && !is_muted,
            output: Vec::new(),
        })
    }

    /// Brings what comes by a route to where it is heard, `arrival` frames after the tracks.
    fn feed(&self, route: Route, arrival: usize) -> Feed {
        Feed {
            from: self.places[route.from],
            gain: db_to_amplitude(route.gain_db),
            pre_fader: route.pre_fader,
            delay: DelayLine::new(arrival - self.latencies[route.from]),
        }
    }
}

impl Placing {
    /// As a strip's settings have it; none where they leave it in the middle.
    fn new(strip: &StripSettings) -> Option<Self> {
        if let Some(pan) = &strip.pan {
            return Some(Self::Pan(Pan::new(pan)));
        }
        let settings = ImageSettings { balance_percent: strip.balance_percent, ..ImageSettings::default() };
        (strip.balance_percent != 0.0).then(|| Self::Balance(Image::new(&settings)))
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
        for Link { processor, side_chain, heard } in &mut self.chain {
            match side_chain {
                None => processor.process(&mut self.output),
                Some(feed) => {
                    heard.clear();
                    heard.resize(frames, [0.0; 2]);
                    feed.add_to(heard, done);
                    processor.process_with_side_chain(&mut self.output, heard);
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
