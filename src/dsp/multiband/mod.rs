//! Two to six bands, each with its own compressor and its own stereo width.
//!
//! Recipes have four bands, [`MultibandSettings`]; [`BandsSettings`] take any number. At unity the output is the input
//! behind an allpass, flat within a millionth of a dB (see [`super::crossover`]), or, with crossovers of linear phase,
//! the input delayed ([`super::linear_crossover`]).

mod settings;
mod stage;
#[cfg(test)]
mod tests;

pub use self::settings::{BandsSettings, Crossover, DEFAULT_CORNERS_HZ, MultibandBand, MultibandSettings};
pub use self::stage::{BandStage, Multiband, Stage};
use super::crossover::SerialSplitter;
use super::{Frame, Processor, Retune};

/// A stage of two to six bands.
#[derive(Debug, Clone)]
pub struct Bands {
    sample_rate_hz: u32,
    crossover: Crossover,
    stage: AnyStage,
}

#[derive(Debug, Clone)]
// One of a kind, and moved once.
#[expect(clippy::large_enum_variant)]
enum AnyStage {
    Two(Stage<SerialSplitter<2>, 2>),
    Three(Stage<SerialSplitter<3>, 3>),
    Four(Multiband),
    Five(Stage<SerialSplitter<5>, 5>),
    Six(Stage<SerialSplitter<6>, 6>),
}

/// Does the same with a stage of any number of bands.
macro_rules! with_stage {
    ($stage:expr, $inner:ident => $result:expr) => {
        match $stage {
            AnyStage::Two($inner) => $result,
            AnyStage::Three($inner) => $result,
            AnyStage::Four($inner) => $result,
            AnyStage::Five($inner) => $result,
            AnyStage::Six($inner) => $result,
        }
    };
}

impl Bands {
    /// The stage at rest, from validated settings.
    pub fn new(settings: &BandsSettings, sample_rate_hz: u32) -> Self {
        let BandsSettings { corners_hz, crossover, bands } = settings;
        let stage = match bands.len() {
            2 => AnyStage::Two(Stage::of_bands(*crossover, corners_hz, bands, sample_rate_hz)),
            3 => AnyStage::Three(Stage::of_bands(*crossover, corners_hz, bands, sample_rate_hz)),
            4 => AnyStage::Four(Stage::of_bands(*crossover, corners_hz, bands, sample_rate_hz)),
            5 => AnyStage::Five(Stage::of_bands(*crossover, corners_hz, bands, sample_rate_hz)),
            _ => AnyStage::Six(Stage::of_bands(*crossover, corners_hz, bands, sample_rate_hz)),
        };
        Self { sample_rate_hz, crossover: *crossover, stage }
    }

    /// The deepest gain reduction of each band so far, dB (0 or more).
    pub fn max_reductions_db(&self) -> Vec<f64> {
        with_stage!(&self.stage, stage => stage.max_reductions_db().to_vec())
    }
}

impl Processor for Bands {
    fn process(&mut self, frames: &mut [Frame]) {
        with_stage!(&mut self.stage, stage => stage.process(frames));
    }

    fn reset(&mut self) {
        with_stage!(&mut self.stage, stage => stage.reset());
    }

    /// None with the usual crossover.
    fn latency_frames(&self) -> usize {
        with_stage!(&self.stage, stage => stage.latency_frames())
    }
}

impl Retune for Bands {
    type Settings = BandsSettings;

    fn retuned(&self, settings: &BandsSettings) -> Self {
        let BandsSettings { corners_hz, crossover, bands } = settings;
        if *crossover != self.crossover {
            return Self::new(settings, self.sample_rate_hz);
        }
        let stage = match (&self.stage, bands.len()) {
            (AnyStage::Two(stage), 2) => AnyStage::Two(stage.retuned_bands(corners_hz, bands)),
            (AnyStage::Three(stage), 3) => AnyStage::Three(stage.retuned_bands(corners_hz, bands)),
            (AnyStage::Four(stage), 4) => AnyStage::Four(stage.retuned_bands(corners_hz, bands)),
            (AnyStage::Five(stage), 5) => AnyStage::Five(stage.retuned_bands(corners_hz, bands)),
            (AnyStage::Six(stage), 6) => AnyStage::Six(stage.retuned_bands(corners_hz, bands)),
            _ => return Self::new(settings, self.sample_rate_hz),
        };
        Self { stage, ..*self }
    }

    fn settle_frames(&self) -> usize {
        with_stage!(&self.stage, stage => stage.settle_frames())
    }
}
