//! A delay of whole frames.

use super::Frame;

/// The last frames of a signal, in a ring.
#[derive(Debug, Clone)]
pub(crate) struct DelayLine {
    frames: Vec<Frame>,
    /// Where the next frame goes.
    position: usize,
    delay: usize,
}

impl DelayLine {
    /// A line full of silence that holds `delay` frames back.
    pub(crate) fn new(delay: usize) -> Self {
        Self { frames: vec![[0.0; 2]; delay.max(1)], position: 0, delay }
    }

    /// Puts a frame in and takes out the one from `delay` frames ago.
    #[inline(always)]
    pub(crate) fn exchange(&mut self, frame: Frame) -> Frame {
        if self.delay == 0 {
            return frame;
        }
        let last = std::mem::replace(&mut self.frames[self.position], frame);
        self.advance();
        last
    }

    /// The frame that [`Self::push`] will overwrite: the one from `delay` frames ago.
    #[inline(always)]
    pub(crate) fn oldest(&self) -> Frame {
        self.frames[self.position]
    }

    /// Puts a frame in.
    #[inline(always)]
    pub(crate) fn push(&mut self, frame: Frame) {
        self.frames[self.position] = frame;
        self.advance();
    }

    #[inline(always)]
    fn advance(&mut self) {
        self.position += 1;
        if self.position == self.frames.len() {
            self.position = 0;
        }
    }

    pub(crate) fn reset(&mut self) {
        self.frames.fill([0.0; 2]);
        self.position = 0;
    }
}
