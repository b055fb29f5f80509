//! Dynamic equaliser: bells and shelves whose gain follows the level in their own range.
//!
//! A band's level is measured behind a filter of its own shape: a band-pass for a bell, a low- or high-pass for a
//! shelf. While it is above the threshold, the gain moves towards `range_db` by `1 - 1 / ratio` dB for each dB. The band
//! itself is the topology-preserving state-variable filter (V. Zavalishin, "The Art of VA Filter Design", 2012; A.
//! Simper, "Linear Trapezoidal Integrated State Variable Filter", 2013), which may be modulated at every sample: its
//! gain is computed once per control interval and moves in a straight line between. At 0 dB it adds nothing, bit for
//! bit. All levels are those of the input, so bands don't hear what others do.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compressor::{Ramp, control_interval_frames};
use super::{Frame, Processor, Retune, glide};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::{db_to_amplitude, one_pole_coefficient, power_to_db};

/// One band of the dynamic equaliser.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct DynamicBand {
    /// Shape of the band. Default: bell.
    pub kind: DynamicKind,
    /// Centre or corner, 20 Hz to 0.45 of the sample rate. Default: 1000.
    pub frequency_hz: f64,
    /// Quality, 0.1 to 10. Not used by shelves. Default: 1.
    pub q: f64,
    /// Level of the band where its gain begins to move, -100 to 0 dB of mean square. Default: -30.
    pub threshold_db: f64,
    /// Input change over output change above the threshold, 1 to 20. Default: 4.
    pub ratio: f64,
    /// The farthest that the gain goes, -24 (down) to 24 (up) dB. Default: -6.
    pub range_db: f64,
    /// Time to 63 % of a move away from 0 dB, 1 to 500 ms. Default: 5.
    pub attack_ms: f64,
    /// Time to 63 % of a move back, 5 to 5000 ms. Default: 80.
    pub release_ms: f64,
}

/// Shape of a [`DynamicBand`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DynamicKind {
    /// Around a centre.
    #[default]
    Bell,
    /// Below a corner.
    LowShelf,
    /// Above a corner.
    HighShelf,
}

impl Default for DynamicBand {
    fn default() -> Self {
        Self {
            kind: DynamicKind::Bell,
            frequency_hz: 1000.0,
            q: 1.0,
            threshold_db: -30.0,
            ratio: 4.0,
            range_db: -6.0,
            attack_ms: 5.0,
            release_ms: 80.0,
        }
    }
}

parameters!(DynamicBand {
    frequency_hz: ToRate(20.0, 0.45),
    q: Within(0.1, 10.0),
    threshold_db: Within(-100.0, 0.0),
    ratio: Within(1.0, 20.0),
    range_db: Within(-24.0, 24.0),
    attack_ms: Within(1.0, 500.0),
    release_ms: Within(5.0, 5000.0),
});

impl DynamicBand {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names `stage` and the first field out of range.
    pub fn validate(&self, stage: &str, sample_rate_hz: u32) -> Result<()> {
        self.check(stage, Some(sample_rate_hz))
    }

    /// Gain in dB that a steady level of the band calls for.
    pub fn static_gain_db(&self, level_db: f64) -> f64 {
        let moved = (1.0 - 1.0 / self.ratio) * (level_db - self.threshold_db).max(0.0);
        moved.min(self.range_db.abs()) * self.range_db.signum()
    }
}

/// Thresholds that follow the other bands: those of a resonance tamer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relative {
    /// By how much a band may stand out of the mean of its neighbours, dB.
    pub(super) margin_db: f64,
    /// How many bands on either side are neighbours; those next to a band hear it too, and don't count. Every band that moves has to have
    /// one.
    pub(super) reach: usize,
}

/// Neighbours are taken to be at least this loud, so that nothing stands out of silence.
const QUIETEST_DB: f64 = -75.0;

/// The dynamic equaliser: all bands in series. No latency.
#[derive(Debug, Clone)]
pub struct DynamicEq {
    sample_rate_hz: u32,
    relative: Option<Relative>,
    bands: Vec<Band>,
    /// The present piece before any band.
    input: Vec<Frame>,
    interval: usize,
    position: usize,
}

#[derive(Debug, Clone)]
struct Band {
    settings: DynamicBand,
    detector: StateVariable,
    filter: StateVariable,
    attack: f64,
    release: f64,
    averaging: f64,
    sums: Frame,
    mean_square: f64,
    level_db: f64,
    gain_db: f64,
    ramp: Ramp,
    target: f64,
    deepest_db: f64,
}

impl DynamicEq {
    /// A dynamic equaliser at rest, from validated bands.
    pub fn new(bands: &[DynamicBand], sample_rate_hz: u32) -> Self {
        let interval = control_interval_frames(sample_rate_hz);
        let bands = bands.iter().map(|&settings| Band::new(settings, sample_rate_hz)).collect();
        Self { sample_rate_hz, relative: None, bands, input: vec![[0.0; 2]; interval], interval, position: 0 }
    }

    /// The same with thresholds that follow the other bands.
    pub(super) fn relative(self, relative: Relative) -> Self {
        Self { relative: Some(relative), ..self }
    }

    /// One of other bands with thresholds that follow each other; each goes on from the band of this one that is nearest to it.
    pub(super) fn retuned_relative(&self, bands: &[DynamicBand], relative: Relative) -> Self {
        let mut next = self.with_bands(bands).relative(relative);
        for next in &mut next.bands {
            let octaves = |band: &Band| (band.settings.frequency_hz / next.settings.frequency_hz).log2().abs();
            if let Some(band) = self.bands.iter().min_by(|a, b| octaves(a).total_cmp(&octaves(b))) {
                next.go_on_from(band);
            }
        }
        next
    }

    /// One of other bands, at rest, that ends its interval with this one.
    fn with_bands(&self, bands: &[DynamicBand]) -> Self {
        Self { position: self.position, ..Self::new(bands, self.sample_rate_hz) }
    }

    fn next_interval(&mut self) {
        self.bands.iter_mut().for_each(|band| band.measure(self.interval));
        if let Some(Relative { margin_db, reach }) = self.relative {
            for index in 0..self.bands.len() {
                let last = self.bands.len().min(index + reach + 1);
                let (mut sum_db, mut neighbours) = (0.0, 0.0);
                for other in (index.saturating_sub(reach)..last).filter(|other| other.abs_diff(index) > 1) {
                    sum_db += self.bands[other].level_db.max(QUIETEST_DB);
                    neighbours += 1.0;
                }
                self.bands[index].settings.threshold_db = sum_db / neighbours + margin_db;
            }
        }
        self.bands.iter_mut().for_each(|band| band.move_gain(self.interval));
    }

    /// Present gain of each band, dB.
    pub fn gains_db(&self) -> impl Iterator<Item = f64> {
        self.bands.iter().map(|band| band.gain_db)
    }

    /// The gain farthest from 0 dB so far of each band, dB.
    pub fn deepest_gains_db(&self) -> impl Iterator<Item = f64> {
        self.bands.iter().map(|band| band.deepest_db)
    }
}

impl Processor for DynamicEq {
    fn process(&mut self, frames: &mut [Frame]) {
        let mut rest = frames;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at_mut(rest.len().min(self.interval - self.position));
            let input = &mut self.input[..piece.len()];
            input.copy_from_slice(piece);
            self.bands.iter_mut().for_each(|band| band.process(piece, input));
            self.position += piece.len();
            if self.position == self.interval {
                self.position = 0;
                self.next_interval();
            }
            rest = tail;
        }
    }

    fn reset(&mut self) {
        self.bands.iter_mut().for_each(|band| *band = Band::new(band.settings, self.sample_rate_hz));
        self.position = 0;
    }
}

impl Retune for DynamicEq {
    type Settings = [DynamicBand];

    fn retuned(&self, bands: &[DynamicBand]) -> Self {
        let mut next = self.with_bands(bands);
        next.bands.iter_mut().zip(&self.bands).for_each(|(next, band)| next.go_on_from(band));
        next
    }
}

/// How far a band may move for its filters to go on from where they were.
const NEAR_OCTAVES: f64 = 1.0;

impl Band {
    /// Averaging time of the level: four periods of the centre, at least 2 ms.
    fn averaging_s(frequency_hz: f64) -> f64 {
        (4.0 / frequency_hz).max(0.002)
    }

    fn new(settings: DynamicBand, sample_rate_hz: u32) -> Self {
        let steps_per_s = f64::from(sample_rate_hz) / control_interval_frames(sample_rate_hz) as f64;
        let filter = StateVariable::new(&settings, sample_rate_hz);
        Self {
            settings,
            detector: filter.clone(),
            filter,
            attack: one_pole_coefficient(settings.attack_ms * 1e-3, steps_per_s),
            release: one_pole_coefficient(settings.release_ms * 1e-3, steps_per_s),
            averaging: one_pole_coefficient(Self::averaging_s(settings.frequency_hz), steps_per_s),
            sums: [0.0; 2],
            mean_square: 0.0,
            level_db: f64::NEG_INFINITY,
            gain_db: 0.0,
            ramp: Ramp::new(0.0),
            target: 0.0,
            deepest_db: 0.0,
        }
    }

    /// Takes over what a band of other settings has heard and done. What its integrators hold fits settings nearby: much lower, a high
    /// band's state would ring as a note of its own.
    fn go_on_from(&mut self, band: &Band) {
        (self.mean_square, self.gain_db, self.sums) = (band.mean_square, band.gain_db, band.sums);
        let moved_octaves = (self.settings.frequency_hz / band.settings.frequency_hz).log2();
        if moved_octaves.abs() <= NEAR_OCTAVES {
            (self.detector.state, self.filter.state) = (band.detector.state, band.filter.state);
        }
        self.target = self.filter.mix(self.gain_db);
        self.ramp = Ramp::new(self.target);
    }

    fn process(&mut self, piece: &mut [Frame], input: &[Frame]) {
        match self.settings.kind {
            DynamicKind::Bell => self.process_part(piece, input, |damping, _, band, _| damping * band),
            // Behind critical damping: low-pass plus half of the band-pass is a first-order low-pass.
            DynamicKind::LowShelf => self.process_part(piece, input, |_, _, band, low| low + band),
            DynamicKind::HighShelf => self.process_part(piece, input, |_, x, band, low| x - low - band),
        }
    }

    /// Both filters in one pass: each waits for its own last output, so they overlap in the processor.
    fn process_part(&mut self, piece: &mut [Frame], input: &[Frame], part: impl Fn(f64, f64, f64, f64) -> f64 + Copy) {
        let (mut detector, mut filter) = (self.detector.clone(), self.filter.clone());
        let (mut sums, mut ramp) = (self.sums, self.ramp);
        for (frame, input) in piece.iter_mut().zip(input) {
            let heard = detector.step(*input, part);
            sums = [sums[0] + heard[0] * heard[0], sums[1] + heard[1] * heard[1]];
            ramp.gain += ramp.step;
            let part = filter.step(*frame, part);
            *frame = [frame[0] + ramp.gain * part[0], frame[1] + ramp.gain * part[1]];
        }
        (self.detector, self.filter, self.sums, self.ramp) = (detector, filter, sums, ramp);
    }

    fn measure(&mut self, interval: usize) {
        let [left, right] = std::mem::take(&mut self.sums);
        let power = left.max(right) / interval as f64;
        self.mean_square = (power + self.averaging * (self.mean_square - power)).max(1e-30);
        self.level_db = power_to_db(self.mean_square);
    }

    fn move_gain(&mut self, interval: usize) {
        let wanted_db = self.settings.static_gain_db(self.level_db);
        let coefficient = if wanted_db.abs() > self.gain_db.abs() { self.attack } else { self.release };
        self.gain_db = glide(self.gain_db, wanted_db, coefficient);
        if self.gain_db.abs() > self.deepest_db.abs() {
            self.deepest_db = self.gain_db;
        }
        self.ramp.arrive(self.target);
        self.target = self.filter.mix(self.gain_db);
        self.ramp.aim(self.target, interval);
        self.detector.settle();
        self.filter.settle();
    }
}

/// A second-order state-variable filter that gives the part of a signal which a band turns up or down, 0 dB at its
/// loudest: band-pass, low-pass or high-pass.
#[derive(Debug, Clone)]
struct StateVariable {
    damping: f64,
    a: [f64; 3],
    state: [Frame; 2],
}

impl StateVariable {
    fn new(settings: &DynamicBand, sample_rate_hz: u32) -> Self {
        let g = (PI * settings.frequency_hz / f64::from(sample_rate_hz)).tan();
        // Shelves are first-order parts in parallel with the input: of critical damping, whatever the quality.
        let damping = if settings.kind == DynamicKind::Bell { 1.0 / settings.q } else { 2.0 };
        let a1 = 1.0 / (1.0 + g * (g + damping));
        Self { damping, a: [a1, g * a1, g * g * a1], state: [[0.0; 2]; 2] }
    }

    /// The next frame's part, from the filter's damping, its input, its band-pass and its low-pass.
    #[inline(always)]
    fn step(&mut self, x: Frame, part: impl Fn(f64, f64, f64, f64) -> f64) -> Frame {
        let [a1, a2, a3] = self.a;
        let mut parts = [0.0; 2];
        for channel in 0..2 {
            let [s1, s2] = [self.state[0][channel], self.state[1][channel]];
            let rest = x[channel] - s2;
            let band = a1 * s1 + a2 * rest;
            let low = s2 + a2 * s1 + a3 * rest;
            self.state[0][channel] = 2.0 * band - s1;
            self.state[1][channel] = 2.0 * low - s2;
            parts[channel] = part(self.damping, x[channel], band, low);
        }
        parts
    }

    /// How much of the part is added for a gain.
    fn mix(&self, gain_db: f64) -> f64 {
        if gain_db == 0.0 { 0.0 } else { db_to_amplitude(gain_db) - 1.0 }
    }

    /// Ends decays before they turn into denormals.
    fn settle(&mut self) {
        for value in self.state.iter_mut().flatten() {
            if value.abs() < 1e-200 {
                *value = 0.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::smooth::Smooth;
    use crate::dsp::testing::check_promises;

    const RATE_HZ: u32 = 48_000;

    fn tone(hz: f64, amplitude: f64, frames: usize) -> Vec<Frame> {
        (0..frames).map(|n| amplitude * (n as f64 * hz * 2.0 * PI / 48e3).sin()).map(|x| [x, x]).collect()
    }

    fn level_db(frames: &[Frame]) -> f64 {
        power_to_db(frames.iter().map(|f| f[0] * f[0]).sum::<f64>() / frames.len() as f64)
    }

    /// Change in level of a steady tone.
    fn change_db(band: DynamicBand, hz: f64, amplitude: f64) -> f64 {
        let input = tone(hz, amplitude, 96_000);
        let mut output = input.clone();
        DynamicEq::new(&[band], RATE_HZ).process(&mut output);
        level_db(&output[48_000..]) - level_db(&input[48_000..])
    }

    #[test]
    fn steady_levels_meet_the_static_curve() {
        let band = DynamicBand { threshold_db: -30.0, ratio: 3.0, range_db: -12.0, ..DynamicBand::default() };
        // 0.1: -23.01 dB of mean square.
        assert!((change_db(band, 1000.0, 0.1) + 6.99 / 1.5).abs() < 0.06, "{}", change_db(band, 1000.0, 0.1));
        assert!((change_db(band, 1000.0, 0.9) + 12.0).abs() < 0.01);
        assert_eq!(change_db(band, 1000.0, 0.01), 0.0);
        assert_eq!(change_db(band, 60.0, 0.3), 0.0);
        let up = DynamicBand { range_db: 4.0, ..band };
        assert!((change_db(up, 1000.0, 0.9) - 4.0).abs() < 0.01);
        for (kind, inside, outside) in [(DynamicKind::LowShelf, 40.0, 15e3), (DynamicKind::HighShelf, 12e3, 40.0)] {
            let shelf = DynamicBand { kind, ..band };
            // A first-order part: its phase is not quite 0 at a twelfth or 25 times of the corner.
            assert!((change_db(shelf, inside, 0.9) + 12.0).abs() < 0.3, "{kind:?} {}", change_db(shelf, inside, 0.9));
            assert_eq!(change_db(shelf, outside, 0.1), 0.0, "{kind:?}");
        }
    }

    #[test]
    fn attack_and_release_take_their_time() {
        let band = DynamicBand { attack_ms: 50.0, release_ms: 200.0, range_db: -10.0, ..DynamicBand::default() };
        let mut eq = DynamicEq::new(&[band], RATE_HZ);
        let mut time_to = |amplitude: f64, reached: &dyn Fn(f64) -> bool| {
            let frames = tone(1000.0, amplitude, 96_000);
            let mut pieces = frames.chunks(48);
            let before = pieces.len();
            while !reached(eq.gains_db().next().unwrap_or(0.0)) {
                eq.process(&mut pieces.next().expect("in time").to_vec());
            }
            (before - pieces.len()) as f64 / 1000.0
        };
        let attack_s = time_to(0.9, &|db| db <= -6.32);
        let _settled = time_to(0.9, &|db| db < -9.99);
        let release_s = time_to(0.0, &|db| db >= -3.68);
        assert!((0.05..0.06).contains(&attack_s), "{attack_s}");
        // The averaged level takes 24 ms to fall by 26 dB.
        assert!((0.2..0.235).contains(&release_s), "{release_s}");
    }

    #[test]
    fn a_band_that_turns_down_goes_on_where_its_settings_change() {
        // Narrow and low: at rest it would take half a second to turn the tone down again.
        let band = DynamicBand { frequency_hz: 40.0, q: 10.0, range_db: -12.0, ..DynamicBand::default() };
        let mut frames = tone(40.0, 0.5, 96_000);
        let (before, after) = frames.split_at_mut(72_000);
        let mut smooth = Smooth::new(DynamicEq::new(&[band], RATE_HZ), RATE_HZ);
        smooth.process(before);
        smooth.set(&[DynamicBand { range_db: -12.5, ..band }]).expect("no latency");
        smooth.process(after);
        for period in frames[60_000..].chunks(1200) {
            let change_db = level_db(period) - level_db(&tone(40.0, 0.5, 1200));
            assert!((-12.6..-11.8).contains(&change_db), "{change_db}");
        }
    }

    #[test]
    fn blocks_do_not_matter_nor_do_extremes_and_changes_do_not_click() {
        let band = DynamicBand { threshold_db: -40.0, ..DynamicBand::default() };
        let (mut whole, mut parts) = (tone(900.0, 0.5, 9000), tone(900.0, 0.5, 9000));
        DynamicEq::new(&[band], RATE_HZ).process(&mut whole);
        let mut eq = DynamicEq::new(&[band], RATE_HZ);
        parts.chunks_mut(101).for_each(|block| eq.process(block));
        assert_eq!(whole, parts);

        let kinds = [DynamicKind::Bell, DynamicKind::LowShelf, DynamicKind::HighShelf];
        for (kind, frequency_hz) in kinds.into_iter().flat_map(|kind| [20.0, 21_600.0].map(|hz| (kind, hz))) {
            for (q, range_db, ratio) in [(0.1, 24.0, 20.0), (10.0, -24.0, 20.0), (10.0, 24.0, 1.0)] {
                let band = DynamicBand { kind, frequency_hz, q, range_db, ratio, threshold_db: -100.0, ..band };
                band.validate("band", RATE_HZ).expect("in range");
                let mut frames = tone(frequency_hz, 1.0, 20_000);
                frames.extend([[1e-310, 0.0]; 2000]);
                DynamicEq::new(&[band; 3], RATE_HZ).process(&mut frames);
                assert!(frames.iter().flatten().all(|x| x.abs() < 1e5), "{band:?}");
            }
        }

        let near = DynamicBand { frequency_hz: 440.0, range_db: -12.0, ..band };
        let eq = DynamicEq::new(&[near], RATE_HZ);
        let click_db = crate::dsp::smooth::tests::click_db(eq, &[&[DynamicBand { frequency_hz: 900.0, ..near }]]);
        assert!(click_db < -80.0, "{click_db} dBFS");
    }

    #[test]
    fn the_common_promises_hold() {
        let kinds = [DynamicKind::Bell, DynamicKind::LowShelf, DynamicKind::HighShelf];
        let bands =
            kinds.map(|kind| DynamicBand { kind, threshold_db: -40.0, range_db: 6.0, ..DynamicBand::default() });
        for rate_hz in [8_000, 44_100, 384_000] {
            check_promises(&DynamicEq::new(&bands, rate_hz), 30.0);
        }
    }
}
