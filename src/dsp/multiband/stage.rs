//! The stage of a fixed number of bands: splitting, levels, gains and widths.

use super::settings::{Crossover, MultibandBand, MultibandSettings};
use crate::dsp::compressor::{GainComputer, Ramp, control_interval_frames, louder_mean_square};
use crate::dsp::crossover::{BANDS, FourBandSplitter, Splitter};
use crate::dsp::linear_crossover::LinearPhaseSplitter;
use crate::dsp::width::Width;
use crate::dsp::{Frame, Processor};

/// The four-band stage of a recipe.
pub type Multiband = Stage<FourBandSplitter, BANDS>;

/// A stage with either kind of crossover. Its latency is [`Self::latency_frames`].
#[derive(Debug, Clone)]
pub enum Stage<S, const N: usize> {
    /// The usual one: recursive.
    Recursive(BandStage<S, N>),
    /// Of linear phase.
    LinearPhase(BandStage<LinearPhaseSplitter<N>, N>),
}

impl Multiband {
    /// The stage at rest, from validated settings.
    pub fn new(settings: &MultibandSettings, sample_rate_hz: u32) -> Self {
        Self::of_bands(settings.crossover, &settings.corners_hz, &settings.bands, sample_rate_hz)
    }
}

impl<S: Splitter<N>, const N: usize> Stage<S, N> {
    pub(super) fn of_bands(
        crossover: Crossover,
        corners_hz: &[f64],
        bands: &[MultibandBand],
        sample_rate_hz: u32,
    ) -> Self {
        match crossover {
            Crossover::LinkwitzRiley => Self::Recursive(BandStage::of_bands(corners_hz, bands, sample_rate_hz)),
            Crossover::LinearPhase => Self::LinearPhase(BandStage::of_bands(corners_hz, bands, sample_rate_hz)),
        }
    }

    /// Frames until kernels that begin empty are full: they reach as far beyond their middle as before it.
    pub(super) fn settle_frames(&self) -> usize {
        2 * self.latency_frames()
    }

    /// The deepest gain reduction of each band so far, dB (0 or more).
    pub fn max_reductions_db(&self) -> [f64; N] {
        match self {
            Self::Recursive(stage) => stage.max_reductions_db(),
            Self::LinearPhase(stage) => stage.max_reductions_db(),
        }
    }

    /// One of the same kind with other bands that goes on from here.
    pub(super) fn retuned_bands(&self, corners_hz: &[f64], bands: &[MultibandBand]) -> Self {
        match self {
            Self::Recursive(stage) => Self::Recursive(stage.retuned_bands(corners_hz, bands)),
            Self::LinearPhase(stage) => Self::LinearPhase(stage.retuned_bands(corners_hz, bands)),
        }
    }
}

impl<S: Splitter<N>, const N: usize> Processor for Stage<S, N> {
    fn process(&mut self, frames: &mut [Frame]) {
        match self {
            Self::Recursive(stage) => stage.process(frames),
            Self::LinearPhase(stage) => stage.process(frames),
        }
    }

    fn reset(&mut self) {
        match self {
            Self::Recursive(stage) => stage.reset(),
            Self::LinearPhase(stage) => stage.reset(),
        }
    }

    /// None with the usual crossover.
    fn latency_frames(&self) -> usize {
        match self {
            Self::Recursive(stage) => stage.latency_frames(),
            Self::LinearPhase(stage) => stage.latency_frames(),
        }
    }
}

/// A stage of a fixed number of bands with a crossover of one kind.
#[derive(Debug, Clone)]
pub struct BandStage<S, const N: usize> {
    sample_rate_hz: u32,
    splitter: S,
    bands: [Band; N],
    /// Sums of squares of each band since the current control interval began.
    sums: [Frame; N],
    interval: usize,
    position: usize,
}

#[derive(Debug, Clone)]
struct Band {
    width: Width,
    computer: Option<GainComputer>,
    ramp: Ramp,
    target: f64,
    max_reduction_db: f64,
}

impl<S: Splitter<N>, const N: usize> BandStage<S, N> {
    /// The stage at rest, from as many validated bands as it has.
    fn of_bands(corners_hz: &[f64], bands: &[MultibandBand], sample_rate_hz: u32) -> Self {
        let bands = std::array::from_fn(|index| {
            let band = &bands[index];
            let computer = band.compressor.as_ref().map(|settings| GainComputer::new(&settings.into(), sample_rate_hz));
            let gain = computer.as_ref().map_or(1.0, GainComputer::gain);
            Band {
                width: Width::new(band.side_gain_db),
                computer,
                ramp: Ramp::new(gain),
                target: gain,
                max_reduction_db: 0.0,
            }
        });
        Self {
            sample_rate_hz,
            splitter: S::new(corners_hz, sample_rate_hz),
            bands,
            sums: [[0.0; 2]; N],
            interval: control_interval_frames(sample_rate_hz),
            position: 0,
        }
    }

    /// The deepest gain reduction of each band so far, dB (0 or more).
    pub fn max_reductions_db(&self) -> [f64; N] {
        self.bands.each_ref().map(|band| band.max_reduction_db)
    }

    fn retuned_bands(&self, corners_hz: &[f64], bands: &[MultibandBand]) -> Self {
        let mut next = Self::of_bands(corners_hz, bands, self.sample_rate_hz);
        (next.position, next.sums) = (self.position, self.sums);
        for ((next, settings), band) in next.bands.iter_mut().zip(bands).zip(&self.bands) {
            next.max_reduction_db = band.max_reduction_db;
            if let (Some(settings), Some(computer)) = (&settings.compressor, &band.computer) {
                let computer = computer.retuned(&settings.into(), self.sample_rate_hz);
                next.target = computer.gain();
                next.ramp = Ramp::new(next.target);
                next.computer = Some(computer);
            }
        }
        next
    }
}

impl<S: Splitter<N>, const N: usize> Processor for BandStage<S, N> {
    fn process(&mut self, frames: &mut [Frame]) {
        let mut rest = frames;
        let mut sums = self.sums;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at_mut(rest.len().min(self.interval - self.position));
            let mut ramps = self.bands.each_ref().map(|band| band.ramp);
            let widths = self.bands.each_ref().map(|band| band.width);
            for frame in piece.iter_mut() {
                let mut output = [0.0; 2];
                for (band, frame) in self.splitter.split(*frame).into_iter().enumerate() {
                    sums[band] = [sums[band][0] + frame[0] * frame[0], sums[band][1] + frame[1] * frame[1]];
                    ramps[band].gain += ramps[band].step;
                    let [left, right] = widths[band].apply(frame);
                    output = [output[0] + ramps[band].gain * left, output[1] + ramps[band].gain * right];
                }
                *frame = output;
            }
            self.position += piece.len();
            let complete = self.position == self.interval;
            for ((band, ramp), sums) in self.bands.iter_mut().zip(ramps).zip(&mut sums) {
                band.ramp = ramp;
                if complete {
                    band.next_interval(louder_mean_square(*sums, self.interval), self.interval);
                    *sums = [0.0; 2];
                }
            }
            if complete {
                self.position = 0;
                self.splitter.settle();
            }
            rest = tail;
        }
        self.sums = sums;
    }

    fn reset(&mut self) {
        self.splitter.reset();
        self.bands.iter_mut().for_each(Band::reset);
        (self.sums, self.position) = ([[0.0; 2]; N], 0);
    }

    fn latency_frames(&self) -> usize {
        self.splitter.latency_frames()
    }
}

impl Band {
    fn next_interval(&mut self, power: f64, interval: usize) {
        let Some(computer) = &mut self.computer else { return };
        self.ramp.arrive(self.target);
        self.target = computer.step(power);
        self.ramp.aim(self.target, interval);
        self.max_reduction_db = self.max_reduction_db.max(computer.reduction_db());
    }

    fn reset(&mut self) {
        if let Some(computer) = &mut self.computer {
            computer.reset();
            self.target = computer.gain();
        }
        self.ramp = Ramp::new(self.target);
        self.max_reduction_db = 0.0;
    }
}
