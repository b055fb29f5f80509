//! What a processor is, and what one is whose settings can be changed while it runs.

use super::Frame;

/// A signal processor at work: made from settings, fed block by block.
pub trait Processor {
    /// Processes a block in place. The same frames come out however a programme is cut into blocks.
    fn process(&mut self, frames: &mut [Frame]);

    /// Processes a block in place while it hears another signal, a frame for each of the block's. Most don't listen.
    ///
    /// # Panics
    /// If the blocks differ in length: a mistake in the calling code.
    fn process_with_side_chain(&mut self, frames: &mut [Frame], side_chain: &[Frame]) {
        assert_eq!(frames.len(), side_chain.len(), "a side-chain has as many frames as the signal");
        self.process(frames);
    }

    /// Goes back to rest, as if it had just been made from its settings: what it has heard is forgotten, and what it
    /// logged. May allocate.
    fn reset(&mut self);

    /// Frames by which the output lags the input. None, unless a processor says otherwise.
    fn latency_frames(&self) -> usize {
        0
    }
}

/// A processor whose settings can be changed while it runs, as [`Smooth`](super::smooth::Smooth) does without a click.
pub trait Retune: Processor + Clone {
    /// What can be changed.
    type Settings: ?Sized;

    /// One of other, validated settings that goes on from here.
    #[must_use]
    fn retuned(&self, settings: &Self::Settings) -> Self;

    /// Frames until one that was [`retuned`](Self::retuned) plays nothing but its own settings: what works in blocks has to begin
    /// a new one, and what holds its input may have to be filled. None, unless a processor says otherwise.
    fn settle_frames(&self) -> usize {
        0
    }
}
