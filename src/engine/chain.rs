//! Everything before the limiter, block by block.

use super::recipe::Recipe;
use crate::audio::AudioBuffer;
use crate::dsp::Frame;
use crate::dsp::compressor::Compressor;
use crate::dsp::eq::Equalizer;
use crate::dsp::leveler::Leveler;
use crate::dsp::multiband::Multiband;
use crate::dsp::soft_clip::SoftClip;
use crate::dsp::width::Width;

/// The stages of a recipe up to the limiter. What goes in at a frame comes out [`Chain::latency_frames`] later.
pub(super) struct Chain {
    equalizer: Equalizer,
    multiband: Option<Multiband>,
    width: Option<Width>,
    glue: Option<Compressor>,
    leveler: Option<Leveler>,
    soft_clip: Option<SoftClip>,
    frames: Vec<Frame>,
}

/// The deepest gain reduction of each stage, dB.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ChainLog {
    /// Of each of the four bands, lowest first.
    pub multiband_db: [f64; 4],
    /// Of the glue compressor.
    pub glue_db: f64,
    /// Of the leveler.
    pub leveler_db: f64,
}

impl Chain {
    /// The stages at rest, from a validated recipe.
    pub(super) fn new(recipe: &Recipe, sample_rate_hz: u32) -> Self {
        let multiband = recipe.multiband.as_ref().filter(|settings| !settings.is_neutral());
        Self {
            equalizer: Equalizer::new(&recipe.eq, sample_rate_hz),
            multiband: multiband.map(|settings| Multiband::new(settings, sample_rate_hz)),
            width: recipe.width.map(|settings| Width::new(settings.side_gain_db)),
            glue: recipe.glue.as_ref().map(|settings| Compressor::new(settings, sample_rate_hz)),
            leveler: recipe.leveler.as_ref().map(|settings| Leveler::new(settings, sample_rate_hz)),
            soft_clip: recipe.soft_clip.as_ref().map(SoftClip::new),
            frames: Vec::new(),
        }
    }

    /// Frames by which the output lags the input.
    pub(super) fn latency_frames(&self) -> usize {
        self.leveler.as_ref().map_or(0, Leveler::latency_frames)
            + self.soft_clip.as_ref().map_or(0, SoftClip::latency_frames)
    }

    /// Processes a block in place.
    pub(super) fn process(&mut self, block: &mut AudioBuffer) {
        let (left, right) = block.channels_mut();
        self.frames.clear();
        self.frames.extend(left.iter().zip(right.iter()).map(|(&l, &r)| [f64::from(l), f64::from(r)]));
        // Pieces that stay in the first-level cache through all stages.
        for piece in self.frames.chunks_mut(1024) {
            self.equalizer.process(piece);
            if let Some(multiband) = &mut self.multiband {
                multiband.process(piece);
            }
            if let Some(width) = self.width {
                piece.iter_mut().for_each(|frame| *frame = width.apply(*frame));
            }
            if let Some(glue) = &mut self.glue {
                glue.process(piece);
            }
            if let Some(leveler) = &mut self.leveler {
                leveler.process(piece);
            }
            if let Some(soft_clip) = &mut self.soft_clip {
                soft_clip.process(piece);
            }
        }
        for ((l, r), frame) in left.iter_mut().zip(right).zip(&self.frames) {
            (*l, *r) = (frame[0] as f32, frame[1] as f32);
        }
    }

    pub(super) fn log(&self) -> ChainLog {
        ChainLog {
            multiband_db: self.multiband.as_ref().map_or([0.0; 4], Multiband::max_reductions_db),
            glue_db: self.glue.as_ref().map_or(0.0, Compressor::max_reduction_db),
            leveler_db: self.leveler.as_ref().map_or(0.0, Leveler::max_reduction_db),
        }
    }
}
