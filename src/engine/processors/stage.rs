//! What all processors can do, so that a chain can hold any of them.

use crate::dsp::Frame;
use crate::dsp::bass_harmonics::BassHarmonics;
use crate::dsp::compressor::Compressor;
use crate::dsp::convolution::Convolution;
use crate::dsp::dynamic_eq::DynamicEq;
use crate::dsp::eq::Equalizer;
use crate::dsp::eq_fir::FirEqualizer;
use crate::dsp::expander::Expander;
use crate::dsp::leveler::Leveler;
use crate::dsp::limiter::StreamLimiter;
use crate::dsp::multiband::Bands;
use crate::dsp::reverb::Reverb;
use crate::dsp::saturation::Saturation;
use crate::dsp::soft_clip::SoftClip;
use crate::dsp::stereo::alignment::Alignment;
use crate::dsp::stereo::band_width::BandWidth;
use crate::dsp::stereo::crossfeed::Crossfeed;
use crate::dsp::stereo::image::Image;
use crate::dsp::stereo::pan::Pan;
use crate::dsp::stereo::phase_rotation::PhaseRotation;
use crate::dsp::tamer::Tamer;
use crate::dsp::tempo_delay::TempoDelay;
use crate::dsp::transient::TransientShaper;
use crate::dsp::upward::UpwardCompressor;
use crate::dsp::width::Width;

/// A processor that runs.
pub trait Stage: Send + Sync {
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

    /// Frames by which the output lags the input.
    fn latency_frames(&self) -> usize {
        0
    }
}

macro_rules! stages {
    ($($prompt:ty),*; late: $($late:ty),* $(,)?) => {
        $(impl Stage for $prompt {
            fn process(&mut self, frames: &mut [Frame]) {
                self.process(frames);
            }
        })*
        $(impl Stage for $late {
            fn process(&mut self, frames: &mut [Frame]) {
                self.process(frames);
            }

            fn latency_frames(&self) -> usize {
                self.latency_frames()
            }
        })*
    };
}

stages!(
    Equalizer, DynamicEq, Tamer, Expander, UpwardCompressor, TransientShaper, BandWidth, Image, Pan, PhaseRotation,
    TempoDelay, Reverb, BassHarmonics, Crossfeed;
    late: FirEqualizer, Bands, Leveler, Saturation, Alignment, Convolution, SoftClip, StreamLimiter,
);

impl Stage for Width {
    fn process(&mut self, frames: &mut [Frame]) {
        frames.iter_mut().for_each(|frame| *frame = self.apply(*frame));
    }
}

impl Stage for Compressor {
    fn process(&mut self, frames: &mut [Frame]) {
        self.process(frames);
    }

    fn process_with_side_chain(&mut self, frames: &mut [Frame], side_chain: &[Frame]) {
        self.process_with_side_chain(frames, side_chain);
    }

    fn latency_frames(&self) -> usize {
        self.latency_frames()
    }
}
