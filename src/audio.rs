//! Stereo audio as the crate passes it around: planar `f32`, full scale = 1.0.

/// Lowest sample rate that the crate works at, Hz.
pub const MIN_RATE_HZ: u32 = 8_000;
/// Highest sample rate that the crate works at, Hz.
pub const MAX_RATE_HZ: u32 = 384_000;

/// Refuses sample rates that nothing here is made for.
///
/// # Panics
/// If the rate is outside [`MIN_RATE_HZ`] to [`MAX_RATE_HZ`]: that is a mistake in the calling code.
pub(crate) fn assert_rate(sample_rate_hz: u32) {
    let range = MIN_RATE_HZ..=MAX_RATE_HZ;
    assert!(range.contains(&sample_rate_hz), "a sample rate of {sample_rate_hz} Hz is outside {range:?}");
}

/// A stretch of stereo audio in memory, planar, full scale = 1.0.
///
/// Both channels always have the same length. A mono programme is held as two equal channels:
/// whoever decodes it says so (see [`crate::io::SourceInfo::channels`]).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AudioBuffer {
    sample_rate_hz: u32,
    left: Vec<f32>,
    right: Vec<f32>,
}

impl AudioBuffer {
    /// An empty buffer at a sample rate in Hz.
    pub fn new(sample_rate_hz: u32) -> Self {
        Self { sample_rate_hz, left: Vec::new(), right: Vec::new() }
    }

    /// A buffer that owns two channels of equal length.
    ///
    /// # Panics
    /// If the channels differ in length: that is a mistake in the calling code.
    pub fn from_channels(sample_rate_hz: u32, left: Vec<f32>, right: Vec<f32>) -> Self {
        assert_eq!(left.len(), right.len(), "both channels must have the same length");
        Self { sample_rate_hz, left, right }
    }

    /// Silence of a length.
    pub fn silence(sample_rate_hz: u32, frames: usize) -> Self {
        Self::from_channels(sample_rate_hz, vec![0.0; frames], vec![0.0; frames])
    }

    /// Sample rate in Hz.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Length in frames (a frame is one sample of each channel).
    pub fn frames(&self) -> usize {
        self.left.len()
    }

    /// Whether there is no frame in it.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// The left channel.
    pub fn left(&self) -> &[f32] {
        &self.left
    }

    /// The right channel.
    pub fn right(&self) -> &[f32] {
        &self.right
    }

    /// Removes every frame and keeps the allocation.
    pub fn clear(&mut self) {
        self.left.clear();
        self.right.clear();
    }

    /// Appends one frame.
    pub fn push(&mut self, left: f32, right: f32) {
        self.left.push(left);
        self.right.push(right);
    }

    /// Appends frames.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn extend(&mut self, left: &[f32], right: &[f32]) {
        assert_eq!(left.len(), right.len(), "both channels must have the same length");
        self.left.extend_from_slice(left);
        self.right.extend_from_slice(right);
    }

    /// Removes the first frames.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn remove_front(&mut self, frames: usize) {
        self.left.drain(..frames);
        self.right.drain(..frames);
    }

    /// Both channels, mutable, to be changed in place.
    pub fn channels_mut(&mut self) -> (&mut [f32], &mut [f32]) {
        (&mut self.left, &mut self.right)
    }

    /// Both channels, mutable, with a new length; new frames are silent.
    pub fn resize(&mut self, frames: usize) -> (&mut [f32], &mut [f32]) {
        self.left.resize(frames, 0.0);
        self.right.resize(frames, 0.0);
        (&mut self.left, &mut self.right)
    }
}
