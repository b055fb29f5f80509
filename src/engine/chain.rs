//! Everything before the limiter, block by block.

use super::recipe::Recipe;
use crate::dsp::bass_harmonics::BassHarmonics;
use crate::dsp::compressor::Compressor;
use crate::dsp::eq::Equalizer;
use crate::dsp::eq_fir::{EqMode, FirEqualizer};
use crate::dsp::leveler::Leveler;
use crate::dsp::multiband::Multiband;
use crate::dsp::soft_clip::SoftClip;
use crate::dsp::width::Width;
use crate::dsp::{Frame, Processor};
use crate::slots::{slot_at, slot_border};

/// Frames that go through all stages together: few enough to stay in the first-level cache.
const PIECE_FRAMES: usize = 1024;

/// The stages of a recipe up to the limiter. What goes in at a frame comes out [`Chain::latency_frames`] later.
pub(super) struct Chain {
    equalizer: Equalizer,
    /// Stands in for the equaliser in the modes that convolve.
    fir: Option<FirEqualizer>,
    bass_harmonics: Option<BassHarmonics>,
    multiband: Option<Multiband>,
    width: Option<Width>,
    glue: Option<Compressor>,
    leveler: Option<Leveler>,
    /// Deepest reduction of the leveler within each 100 ms, dB.
    leveler_db: Vec<f64>,
    /// Frames that have gone in.
    position: usize,
    sample_rate_hz: u32,
    soft_clip: Option<SoftClip>,
    /// A piece on its way through the stages.
    piece: Vec<Frame>,
}

/// What the stages did: gain reductions in dB (0 or more).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChainLog {
    /// Deepest of each of the four bands, lowest first.
    pub multiband_db: [f64; 4],
    /// Deepest of the glue compressor.
    pub glue_db: f64,
    /// Deepest of the leveler within each 100 ms; empty without one.
    pub leveler_db: Vec<f64>,
}

impl Chain {
    /// The stages at rest, from a validated recipe.
    pub(super) fn new(recipe: &Recipe, sample_rate_hz: u32) -> Self {
        let multiband = recipe.multiband.as_ref().filter(|settings| !settings.is_neutral());
        let convolves = recipe.eq_mode != EqMode::MinimumPhaseIir && !recipe.eq.is_empty();
        let (sections, convolved) = if convolves { (&[][..], Some(&recipe.eq)) } else { (&recipe.eq[..], None) };
        Self {
            equalizer: Equalizer::new(sections, sample_rate_hz),
            fir: convolved.map(|bands| FirEqualizer::new(bands, recipe.eq_mode, sample_rate_hz)),
            bass_harmonics: recipe.bass_harmonics.as_ref().map(|settings| BassHarmonics::new(settings, sample_rate_hz)),
            multiband: multiband.map(|settings| Multiband::new(settings, sample_rate_hz)),
            width: recipe.width.map(|settings| Width::new(settings.side_gain_db)),
            glue: recipe.glue.as_ref().map(|settings| Compressor::new(settings, sample_rate_hz)),
            leveler: recipe.leveler.as_ref().map(|settings| Leveler::new(settings, sample_rate_hz)),
            leveler_db: Vec::new(),
            position: 0,
            sample_rate_hz,
            soft_clip: recipe.soft_clip.as_ref().map(SoftClip::new),
            piece: vec![[0.0; 2]; PIECE_FRAMES],
        }
    }

    /// Tells the offset with which the programme begins, so that an equaliser that takes it out need not find out.
    pub(super) fn begin_at(&mut self, offset: Frame) {
        self.equalizer.settle_on(offset);
        if let Some(fir) = &mut self.fir {
            fir.settle_on(offset);
        }
    }

    /// Frames by which the output lags the input.
    pub(super) fn latency_frames(&self) -> usize {
        self.leveler_latency_frames() + self.soft_clip.as_ref().map_or(0, SoftClip::latency_frames)
    }

    /// Frames by which the leveler's output lags the chain's input.
    fn leveler_latency_frames(&self) -> usize {
        self.fir.as_ref().map_or(0, FirEqualizer::latency_frames)
            + self.multiband.as_ref().map_or(0, Multiband::latency_frames)
            + self.glue.as_ref().map_or(0, Compressor::latency_frames)
            + self.leveler.as_ref().map_or(0, Leveler::latency_frames)
    }

    /// Processes left and right in place.
    pub(super) fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        let leveler_latency = self.leveler_latency_frames();
        let mut start = 0;
        while start < left.len() {
            // What the leveler puts out of a piece lies in one slot.
            let slot = slot_at(self.position.saturating_sub(leveler_latency) as u64, self.sample_rate_hz);
            let slot_end = slot_border(slot + 1, self.sample_rate_hz) as usize + leveler_latency;
            let end = left.len().min(start + PIECE_FRAMES.min(slot_end - self.position));
            let (left, right) = (&mut left[start..end], &mut right[start..end]);
            let piece = &mut self.piece[..left.len()];
            for ((frame, &mut l), &mut r) in piece.iter_mut().zip(&mut *left).zip(&mut *right) {
                *frame = [f64::from(l), f64::from(r)];
            }
            self.equalizer.process(piece);
            if let Some(fir) = &mut self.fir {
                fir.process(piece);
            }
            if let Some(bass_harmonics) = &mut self.bass_harmonics {
                bass_harmonics.process(piece);
            }
            if let Some(multiband) = &mut self.multiband {
                multiband.process(piece);
            }
            if let Some(width) = &mut self.width {
                width.process(piece);
            }
            if let Some(glue) = &mut self.glue {
                glue.process(piece);
            }
            if let Some(leveler) = &mut self.leveler {
                leveler.process(piece);
                self.leveler_db.resize(slot as usize + 1, 0.0);
                self.leveler_db[slot as usize] = self.leveler_db[slot as usize].max(leveler.take_reduction_db());
            }
            if let Some(soft_clip) = &mut self.soft_clip {
                soft_clip.process(piece);
            }
            self.position += piece.len();
            for ((l, r), frame) in left.iter_mut().zip(right).zip(&*piece) {
                (*l, *r) = (frame[0] as f32, frame[1] as f32);
            }
            start = end;
        }
    }

    pub(super) fn log(&self) -> ChainLog {
        ChainLog {
            multiband_db: self.multiband.as_ref().map_or([0.0; 4], Multiband::max_reductions_db),
            glue_db: self.glue.as_ref().map_or(0.0, Compressor::max_reduction_db),
            leveler_db: self.leveler_db.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::AudioBuffer;
    use crate::dsp::eq::EqBand;

    #[test]
    fn an_equaliser_that_convolves_lags_as_told() {
        let eq = vec![EqBand { gain_db: 6.0, frequency_hz: 2000.0, ..EqBand::default() }];
        for eq_mode in [EqMode::MinimumPhaseIir, EqMode::LinearPhase, EqMode::MinimumPhaseFir] {
            let mut chain = Chain::new(&Recipe { eq: eq.clone(), eq_mode, ..Recipe::default() }, 48_000);
            let mut block = AudioBuffer::silence(48_000, 60_000);
            block.channels_mut().0[100] = 0.5;
            let (left, right) = block.channels_mut();
            chain.process(left, right);
            let loudest = (0..60_000).max_by(|&a, &b| block.left()[a].abs().total_cmp(&block.left()[b].abs()));
            assert_eq!(loudest, Some(100 + chain.latency_frames()), "{eq_mode:?}");
            assert_eq!(chain.latency_frames() == 0, eq_mode == EqMode::MinimumPhaseIir);
        }
    }
}
