//! Two to six bands, each with its own compressor and its own stereo width.
//!
//! Recipes have four bands, [`MultibandSettings`]; [`BandsSettings`] take any number. At unity the output is the input
//! behind an allpass, flat within a millionth of a dB (see [`super::crossover`]), or, with crossovers of linear phase,
//! the input delayed ([`super::linear_crossover`]).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Frame;
use super::compressor::{CompressorSettings, GainComputer, Ramp, control_interval_frames, louder_mean_square};
use super::crossover::{BANDS, FourBandSplitter, SerialSplitter, Splitter};
use super::linear_crossover::LinearPhaseSplitter;
use super::smooth::Processor;
use super::width::Width;
use crate::dsp::parameter::{Parameters, describe, exactly, parameters};
use crate::error::{Error, Result};

/// How the four-band stage works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct MultibandSettings {
    /// Corner frequencies between the bands, rising, 20 Hz to 0.45 of the sample rate. Default: 120, 700, 5000.
    #[serde(deserialize_with = "exactly")]
    pub corners_hz: [f64; BANDS - 1],
    /// How the bands are split: recursively, which turns phases around the corners, or with linear phase, which takes a
    /// quarter of a second. Default: linkwitz_riley.
    #[serde(skip_serializing_if = "Crossover::is_default")]
    #[schemars(!skip_serializing_if)]
    pub crossover: Crossover,
    /// The bands, lowest first. Default: four that change nothing.
    #[serde(deserialize_with = "exactly")]
    pub bands: [MultibandBand; BANDS],
}

/// How a multiband stage splits its bands. Magnitudes are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Crossover {
    /// Recursive, without latency; the bands sum to an allpass.
    #[default]
    LinkwitzRiley,
    /// By kernels symmetrical in time; the bands sum to a delay.
    LinearPhase,
}

impl Crossover {
    /// Whether this is the usual kind.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One band of the four-band stage.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct MultibandBand {
    /// Gain of the side signal (left minus right), -24 to 12 dB; the mid is left alone. Default: 0.
    pub side_gain_db: f64,
    /// Compression of the band; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressor: Option<CompressorSettings>,
}

/// Where the bands meet unless a recipe says otherwise: bass, low mids, presence, air.
pub const DEFAULT_CORNERS_HZ: [f64; BANDS - 1] = [120.0, 700.0, 5000.0];

impl Default for MultibandSettings {
    fn default() -> Self {
        Self { corners_hz: DEFAULT_CORNERS_HZ, crossover: Crossover::default(), bands: Default::default() }
    }
}

parameters!(MultibandSettings { corners_hz: ToRate(20.0, 0.45) });

impl MultibandSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first field out of range.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        self.check("multiband", Some(sample_rate_hz))?;
        validate_bands(&self.corners_hz, &self.bands)
    }

    /// Whether the stage would only delay phases: then it is left out, and no bit changes.
    pub fn is_neutral(&self) -> bool {
        self.bands.iter().all(MultibandBand::is_neutral)
    }
}

parameters!(MultibandBand { side_gain_db: Within(-24.0, 12.0) });

impl MultibandBand {
    fn is_neutral(&self) -> bool {
        let compresses = self.compressor.as_ref().is_some_and(|c| c.ratio != 1.0 || c.makeup_db != 0.0);
        !compresses && self.side_gain_db == 0.0
    }
}

/// How a stage of two to six bands works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct BandsSettings {
    /// One to five corner frequencies between the bands, rising, 20 Hz to 0.45 of the sample rate. Default: 120, 700, 5000.
    #[schemars(length(min = 1, max = 5))]
    pub corners_hz: Vec<f64>,
    /// How the bands are split: recursively, which turns phases around the corners, or with linear phase, which takes a
    /// quarter of a second. Default: linkwitz_riley.
    #[serde(skip_serializing_if = "Crossover::is_default")]
    #[schemars(!skip_serializing_if)]
    pub crossover: Crossover,
    /// The bands, lowest first, one more than corners. Default: four that change nothing.
    #[schemars(length(min = 2, max = 6))]
    pub bands: Vec<MultibandBand>,
}

parameters!(BandsSettings { corners_hz: ToRate(20.0, 0.45) });

impl Default for BandsSettings {
    fn default() -> Self {
        let MultibandSettings { corners_hz, crossover, bands } = MultibandSettings::default();
        Self { corners_hz: corners_hz.to_vec(), crossover, bands: bands.to_vec() }
    }
}

impl BandsSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first field out of range.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        let (corners, bands) = (self.corners_hz.len(), self.bands.len());
        if !(1..=5).contains(&corners) {
            return Err(Error::setting("multiband.corners_hz", format!("{corners} corners are not 1 to 5")));
        }
        if bands != corners + 1 {
            let reason = format!("{bands} bands do not fit {corners} corners; there must be {}", corners + 1);
            return Err(Error::setting("multiband.bands", reason));
        }
        self.check("multiband", Some(sample_rate_hz))?;
        validate_bands(&self.corners_hz, &self.bands)
    }
}

fn validate_bands(corners_hz: &[f64], bands: &[MultibandBand]) -> Result<()> {
    if !corners_hz.is_sorted_by(|low, high| low < high) {
        return Err(Error::setting("multiband.corners_hz", format!("{corners_hz:?} must rise; sort them")));
    }
    for (index, band) in bands.iter().enumerate() {
        band.check(&format!("multiband.bands[{index}]"), None)?;
        if let Some(compressor) = &band.compressor {
            compressor.validate_in_band(&format!("multiband.bands[{index}].compressor"))?;
        }
    }
    Ok(())
}

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
    fn of_bands(crossover: Crossover, corners_hz: &[f64], bands: &[MultibandBand], sample_rate_hz: u32) -> Self {
        match crossover {
            Crossover::LinkwitzRiley => Self::Recursive(BandStage::of_bands(corners_hz, bands, sample_rate_hz)),
            Crossover::LinearPhase => Self::LinearPhase(BandStage::of_bands(corners_hz, bands, sample_rate_hz)),
        }
    }

    /// Frames by which the output lags the input: none with the usual crossover.
    pub fn latency_frames(&self) -> usize {
        match self {
            Self::Recursive(stage) => stage.splitter.latency_frames(),
            Self::LinearPhase(stage) => stage.splitter.latency_frames(),
        }
    }

    /// Frames until kernels that begin empty are full: they reach as far beyond their middle as before it.
    fn settle_frames(&self) -> usize {
        2 * self.latency_frames()
    }

    /// Processes a block in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        match self {
            Self::Recursive(stage) => stage.process(frames),
            Self::LinearPhase(stage) => stage.process(frames),
        }
    }

    /// The deepest gain reduction of each band so far, dB (0 or more).
    pub fn max_reductions_db(&self) -> [f64; N] {
        match self {
            Self::Recursive(stage) => stage.max_reductions_db(),
            Self::LinearPhase(stage) => stage.max_reductions_db(),
        }
    }

    /// The same with other bands; the crossover's kind stays, so that the latency does.
    fn retuned_bands(&self, corners_hz: &[f64], bands: &[MultibandBand]) -> Self {
        match self {
            Self::Recursive(stage) => Self::Recursive(stage.retuned_bands(corners_hz, bands)),
            Self::LinearPhase(stage) => Self::LinearPhase(stage.retuned_bands(corners_hz, bands)),
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
            let computer = band.compressor.as_ref().map(|settings| GainComputer::new(settings, sample_rate_hz));
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

    /// Processes a block in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
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
                let computer = computer.retuned(settings, self.sample_rate_hz);
                next.target = computer.gain();
                next.ramp = Ramp::new(next.target);
                next.computer = Some(computer);
            }
        }
        next
    }
}

impl Processor for Multiband {
    type Settings = MultibandSettings;

    fn process(&mut self, frames: &mut [Frame]) {
        self.process(frames);
    }

    fn retuned(&self, settings: &MultibandSettings) -> Self {
        self.retuned_bands(&settings.corners_hz, &settings.bands)
    }

    fn latency_frames(&self) -> usize {
        self.latency_frames()
    }

    fn settle_frames(&self) -> usize {
        self.settle_frames()
    }
}

/// A stage of two to six bands.
#[derive(Debug, Clone)]
pub struct Bands {
    sample_rate_hz: u32,
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
        Self { sample_rate_hz, stage }
    }

    /// Frames by which the output lags the input: none with the usual crossover.
    pub fn latency_frames(&self) -> usize {
        with_stage!(&self.stage, stage => stage.latency_frames())
    }

    /// Processes a block in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        with_stage!(&mut self.stage, stage => stage.process(frames));
    }

    /// The deepest gain reduction of each band so far, dB (0 or more).
    pub fn max_reductions_db(&self) -> Vec<f64> {
        with_stage!(&self.stage, stage => stage.max_reductions_db().to_vec())
    }
}

impl Processor for Bands {
    type Settings = BandsSettings;

    fn process(&mut self, frames: &mut [Frame]) {
        self.process(frames);
    }

    fn retuned(&self, settings: &BandsSettings) -> Self {
        let BandsSettings { corners_hz, bands, .. } = settings;
        let stage = match (&self.stage, bands.len()) {
            (AnyStage::Two(stage), 2) => AnyStage::Two(stage.retuned_bands(corners_hz, bands)),
            (AnyStage::Three(stage), 3) => AnyStage::Three(stage.retuned_bands(corners_hz, bands)),
            (AnyStage::Four(stage), 4) => AnyStage::Four(stage.retuned_bands(corners_hz, bands)),
            (AnyStage::Five(stage), 5) => AnyStage::Five(stage.retuned_bands(corners_hz, bands)),
            (AnyStage::Six(stage), 6) => AnyStage::Six(stage.retuned_bands(corners_hz, bands)),
            _ => return Self::new(settings, self.sample_rate_hz),
        };
        Self { sample_rate_hz: self.sample_rate_hz, stage }
    }

    fn latency_frames(&self) -> usize {
        self.latency_frames()
    }

    fn settle_frames(&self) -> usize {
        with_stage!(&self.stage, stage => stage.settle_frames())
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::power_to_db;

    const RATE_HZ: u32 = 48_000;

    fn with_band(index: usize, band: MultibandBand) -> MultibandSettings {
        // Far apart, so that a tone in the middle of a band is in that band alone.
        let mut settings = MultibandSettings { corners_hz: [40.0, 400.0, 8000.0], ..Default::default() };
        settings.bands[index] = band;
        settings
    }

    fn power(frames: &[Frame], of: impl Fn(&Frame) -> f64) -> f64 {
        frames.iter().map(|frame| of(frame).powi(2)).sum::<f64>() / frames.len() as f64
    }

    fn tone(hz: f64, left: f64, right: f64) -> Vec<Frame> {
        let wave = |n: usize| (std::f64::consts::TAU * hz * n as f64 / f64::from(RATE_HZ)).sin();
        (0..96_000).map(|n| [left * wave(n), right * wave(n)]).collect()
    }

    #[test]
    fn width_changes_the_side_of_its_band_only() {
        let settings = with_band(2, MultibandBand { side_gain_db: -6.0, compressor: None });
        for (hz, expected_db) in [(1800.0, -6.0), (40.0, 0.0), (22_000.0, 0.0)] {
            let mut frames = tone(hz, 0.5, -0.2);
            let input = frames.clone();
            Multiband::new(&settings, RATE_HZ).process(&mut frames);
            let change_db =
                |of: &dyn Fn(&Frame) -> f64| power_to_db(power(&frames[48_000..], of) / power(&input[48_000..], of));
            assert!((change_db(&|f| f[0] - f[1]) - expected_db).abs() < 0.05, "side at {hz} Hz");
            assert!(change_db(&|f| f[0] + f[1]).abs() < 0.01, "mid at {hz} Hz");
        }
    }

    #[test]
    fn a_band_is_compressed_by_its_own_level_only() {
        let compressor = CompressorSettings { threshold_db: -30.0, ratio: 2.0, knee_db: 0.0, ..Default::default() };
        let settings = with_band(1, MultibandBand { side_gain_db: 0.0, compressor: Some(compressor) });
        for (hz, expected_db) in [(126.0, -9.99), (10_000.0, 0.0)] {
            let mut frames = tone(hz, 0.447, 0.447);
            let before = power(&frames[48_000..], |f| f[0]);
            let mut stage = Multiband::new(&settings, RATE_HZ);
            stage.process(&mut frames);
            let change_db = power_to_db(power(&frames[48_000..], |f| f[0]) / before);
            assert!((change_db - expected_db).abs() < 0.35, "{hz} Hz: {change_db}");
            assert!((stage.max_reductions_db()[1] + expected_db).abs() < 0.4);
        }
    }

    #[test]
    fn blocks_do_not_matter() {
        let compressor = CompressorSettings { threshold_db: -30.0, ..Default::default() };
        let settings = with_band(0, MultibandBand { side_gain_db: 3.0, compressor: Some(compressor) });
        let (mut whole, mut parts) = (tone(80.0, 0.9, 0.3), tone(80.0, 0.9, 0.3));
        Multiband::new(&settings, RATE_HZ).process(&mut whole);
        let mut stage = Multiband::new(&settings, RATE_HZ);
        parts.chunks_mut(333).for_each(|block| stage.process(block));
        assert_eq!(whole, parts);
    }

    #[test]
    fn neutral_settings_are_recognised_and_bad_ones_named() {
        assert!(MultibandSettings::default().is_neutral());
        let settings = MultibandSettings { corners_hz: [120.0, 100.0, 5000.0], ..Default::default() };
        assert!(settings.validate(RATE_HZ).unwrap_err().to_string().starts_with("multiband.corners_hz"));
    }

    fn bands(count: usize) -> BandsSettings {
        let corners_hz = [40.0, 400.0, 2000.0, 6000.0, 12_000.0][..count - 1].to_vec();
        BandsSettings { corners_hz, crossover: Crossover::default(), bands: vec![MultibandBand::default(); count] }
    }

    #[test]
    fn any_number_of_bands_is_flat_at_unity_and_compresses_apart() {
        for count in 2..=6 {
            let mut settings = bands(count);
            settings.validate(RATE_HZ).expect("valid");
            let input = tone(1000.0, 0.5, -0.2);
            let mut output = input.clone();
            Bands::new(&settings, RATE_HZ).process(&mut output);
            let change_db = power_to_db(power(&output[48_000..], |f| f[0]) / power(&input[48_000..], |f| f[0]));
            assert!(change_db.abs() < 1e-6, "{count} bands: {change_db} dB");

            let compressor = CompressorSettings { threshold_db: -30.0, ratio: 2.0, knee_db: 0.0, ..Default::default() };
            settings.bands[0].compressor = Some(compressor);
            let (mut low, mut high) = (tone(15.0, 0.447, 0.447), tone(10_000.0, 0.447, 0.447));
            let before = power(&high[48_000..], |f| f[0]);
            let mut stage = Bands::new(&settings, RATE_HZ);
            stage.process(&mut high);
            assert!(power_to_db(power(&high[48_000..], |f| f[0]) / before).abs() < 1e-6);
            assert_eq!(stage.max_reductions_db(), vec![0.0; count]);
            stage.process(&mut low);
            assert!(stage.max_reductions_db()[0] > 8.0 && stage.max_reductions_db().len() == count);
        }
    }

    #[test]
    fn any_number_of_bands_does_not_depend_on_blocks_and_changes_without_a_click() {
        for count in 2..=6 {
            let mut settings = bands(count);
            let compressor = CompressorSettings { threshold_db: -30.0, ..Default::default() };
            settings.bands.iter_mut().for_each(|band| band.compressor = Some(compressor.clone()));
            let (mut whole, mut parts) = (tone(80.0, 0.9, 0.3), tone(80.0, 0.9, 0.3));
            Bands::new(&settings, RATE_HZ).process(&mut whole);
            let mut stage = Bands::new(&settings, RATE_HZ);
            parts.chunks_mut(333).for_each(|block| stage.process(block));
            assert_eq!(whole, parts);
            let click_db = crate::dsp::smooth::tests::click_db(Bands::new(&bands(count), RATE_HZ), &[&settings]);
            assert!(click_db < -80.0, "{click_db} dBFS");
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_named() {
        let error = BandsSettings { corners_hz: vec![100.0, 200.0], ..bands(4) }.validate(RATE_HZ).unwrap_err();
        assert_eq!(error.to_string(), "multiband.bands: 4 bands do not fit 2 corners; there must be 3");
        let mut settings = MultibandSettings::default();
        settings.bands[1].compressor = Some(CompressorSettings { look_ahead_ms: 1.0, ..Default::default() });
        let error = settings.validate(RATE_HZ).unwrap_err();
        assert!(error.to_string().starts_with("multiband.bands[1].compressor.look_ahead_ms"), "{error}");
    }

    #[test]
    fn linear_phase_changes_the_phase_alone() {
        let settings = BandsSettings { crossover: Crossover::LinearPhase, ..bands(5) };
        let mut stage = Bands::new(&settings, RATE_HZ);
        let latency = stage.latency_frames();
        let input = crate::dsp::testing::noise(3 * latency, 11);
        let mut output = input.clone();
        output.chunks_mut(777).for_each(|block| stage.process(block));
        for (output, input) in output[latency..].iter().zip(&input) {
            assert!((output[0] - input[0]).abs() < 1e-12 && (output[1] - input[1]).abs() < 1e-12);
        }

        // A band is compressed as much as with the other crossover, in the middle of the band.
        let compressor = CompressorSettings { threshold_db: -30.0, ratio: 2.0, knee_db: 0.0, ..Default::default() };
        for crossover in [Crossover::LinkwitzRiley, Crossover::LinearPhase] {
            let mut settings = with_band(1, MultibandBand { side_gain_db: 0.0, compressor: Some(compressor.clone()) });
            settings.crossover = crossover;
            let mut frames = tone(126.0, 0.447, 0.447);
            let before = power(&frames[48_000..], |f| f[0]);
            Multiband::new(&settings, RATE_HZ).process(&mut frames);
            let change_db = power_to_db(power(&frames[48_000..], |f| f[0]) / before);
            assert!((change_db + 9.99).abs() < 0.35, "{crossover:?}: {change_db}");
        }
    }
}
