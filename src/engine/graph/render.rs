//! A whole mix, from the first frame of its tracks to the last of its tail.

use super::run::Graph;
use crate::audio::AudioBuffer;
use crate::error::{Error, Result};
use crate::io::Spool;

/// Frames in one block.
const BLOCK_FRAMES: usize = 1 << 14;

/// Where the audio of a track comes from.
pub trait TrackInput {
    /// Sample rate in Hz.
    fn sample_rate_hz(&self) -> u32;

    /// Length in frames.
    fn frames(&self) -> u64;

    /// Replaces the content of `into` with up to `frames` frames from `start_frame` on: fewer at the end, none beyond.
    ///
    /// # Errors
    /// Whatever keeps the audio from being read.
    fn read(&self, start_frame: u64, frames: usize, into: &mut AudioBuffer) -> Result<()>;
}

impl TrackInput for AudioBuffer {
    fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz()
    }

    fn frames(&self) -> u64 {
        self.frames() as u64
    }

    fn read(&self, start_frame: u64, frames: usize, into: &mut AudioBuffer) -> Result<()> {
        let start = self.frames().min(usize::try_from(start_frame).unwrap_or(usize::MAX));
        let end = self.frames().min(start.saturating_add(frames));
        into.clear();
        into.extend(&self.left()[start..end], &self.right()[start..end]);
        Ok(())
    }
}

impl TrackInput for Spool {
    fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz()
    }

    fn frames(&self) -> u64 {
        self.frames()
    }

    fn read(&self, start_frame: u64, frames: usize, into: &mut AudioBuffer) -> Result<()> {
        self.read(start_frame, frames, into)
    }
}

/// Mixes tracks, in the order of the settings, and hands the mix on block by block: as many frames as the longest track
/// has, and the tail more, in step with the tracks.
///
/// # Errors
/// [`Error::Setting`] if there are more or fewer inputs than tracks, or if one has another sample rate; those of the
/// inputs and of `sink`.
pub fn render(
    mut graph: Graph,
    inputs: &[&dyn TrackInput],
    mut sink: impl FnMut(&AudioBuffer) -> Result<()>,
) -> Result<()> {
    let rate = graph.sample_rate_hz();
    if inputs.len() != graph.tracks() {
        let reason = format!("{} tracks but {} inputs; there must be one for each", graph.tracks(), inputs.len());
        return Err(Error::setting("graph.track", reason));
    }
    if let Some(other) = inputs.iter().map(|input| input.sample_rate_hz()).find(|other| *other != rate) {
        let reason = format!("an input has {other} Hz, the mix {rate} Hz; convert it first");
        return Err(Error::setting("graph.track", reason));
    }
    let longest = inputs.iter().map(|input| input.frames()).max().unwrap_or(0);
    // The mix lags: what is put out first is from before the tracks, and what they still hold is pushed out by silence.
    let mut early = graph.latency_frames() as u64;
    let total = longest + graph.tail_frames() + early;
    let mut blocks = vec![AudioBuffer::new(rate); inputs.len()];
    let mut mix = AudioBuffer::new(rate);
    let mut done = 0;
    while done < total {
        let frames = (total - done).min(BLOCK_FRAMES as u64) as usize;
        for (input, block) in inputs.iter().zip(&mut blocks) {
            input.read(done, frames, block)?;
            block.resize(frames);
        }
        graph.process(&blocks, &mut mix);
        let skipped = early.min(mix.frames() as u64) as usize;
        mix.remove_front(skipped);
        early -= skipped as u64;
        done += frames as u64;
        if !mix.is_empty() {
            sink(&mix)?;
        }
    }
    Ok(())
}
