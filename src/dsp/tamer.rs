//! De-esser and resonance tamer: dynamic equalisers set by one idea each.
//!
//! A de-esser turns down the range of sibilants, about 4 to 9 kHz, while they are loud (M. Senior, "Mixing Secrets for the
//! Small Studio", 2011, chapter 9). A resonance tamer watches a row of narrow bands and turns down those that stand out
//! of their neighbours for the moment, whatever the overall level: the threshold of each moves with the rest.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dynamic_eq::{DynamicBand, DynamicEq, DynamicKind, Relative};
use super::{Frame, Processor, Retune};
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::{Error, Result};

/// How sibilants are turned down.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct DeEsserSettings {
    /// Centre of the sibilants, or the corner of a shelf, 2000 to 14 000 Hz. Default: 6500.
    pub frequency_hz: f64,
    /// Level of that range above which it is turned down, -80 to 0 dB of mean square. Default: -35.
    pub threshold_db: f64,
    /// The most by which it is turned down, 0 to 24 dB. Default: 8.
    pub range_db: f64,
    /// Whether everything above the frequency is turned down instead of a range around it. Default: no.
    pub shelf: bool,
}

impl Default for DeEsserSettings {
    fn default() -> Self {
        Self { frequency_hz: 6500.0, threshold_db: -35.0, range_db: 8.0, shelf: false }
    }
}

parameters!(DeEsserSettings {
    frequency_hz: Within(2000.0, 14_000.0),
    threshold_db: Within(-80.0, 0.0),
    range_db: Within(0.0, 24.0),
});

impl DeEsserSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first field out of range.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        self.check("de_esser", None)?;
        let highest_hz = 0.45 * f64::from(sample_rate_hz);
        if self.frequency_hz > highest_hz {
            let reason = format!("{} is above {highest_hz}, 0.45 of the sample rate; lower it", self.frequency_hz);
            return Err(Error::setting("de_esser.frequency_hz", reason));
        }
        Ok(())
    }

    /// The band of a [`super::dynamic_eq::DynamicEq`] that does it: quick, because sibilants are short.
    pub fn band(&self) -> DynamicBand {
        DynamicBand {
            kind: if self.shelf { DynamicKind::HighShelf } else { DynamicKind::Bell },
            frequency_hz: self.frequency_hz,
            q: 1.2,
            threshold_db: self.threshold_db,
            ratio: 4.0,
            range_db: -self.range_db,
            attack_ms: 1.0,
            release_ms: 40.0,
        }
    }
}

/// How resonances are tamed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct TamerSettings {
    /// Where the row of bands begins, 50 to 5000 Hz. Default: 150.
    pub lowest_hz: f64,
    /// Where it ends, above the lowest, 50 Hz to 0.4 of the sample rate. Default: 10 000.
    pub highest_hz: f64,
    /// Bands per octave, 1 to 6. Default: 3.
    pub bands_per_octave: f64,
    /// By how much a band may stand out of the mean of its neighbours, 0 to 24 dB. Default: 6.
    pub margin_db: f64,
    /// Share of what is beyond the margin that is taken away, 0 to 100 %. Default: 70.
    pub amount_percent: f64,
    /// The most by which a band is turned down, 0 to 24 dB. Default: 9.
    pub range_db: f64,
    /// Time to 63 % of a move down, 2 to 500 ms. Default: 15.
    pub attack_ms: f64,
    /// Time to 63 % of a move back, 10 to 5000 ms. Default: 120.
    pub release_ms: f64,
}

impl Default for TamerSettings {
    fn default() -> Self {
        Self {
            lowest_hz: 150.0,
            highest_hz: 10_000.0,
            bands_per_octave: 3.0,
            margin_db: 6.0,
            amount_percent: 70.0,
            range_db: 9.0,
            attack_ms: 15.0,
            release_ms: 120.0,
        }
    }
}

parameters!(TamerSettings {
    lowest_hz: Within(50.0, 5000.0),
    highest_hz: ToRate(50.0, 0.4),
    bands_per_octave: Within(1.0, 6.0),
    margin_db: Within(0.0, 24.0),
    amount_percent: Within(0.0, 100.0),
    range_db: Within(0.0, 24.0),
    attack_ms: Within(2.0, 500.0),
    release_ms: Within(10.0, 5000.0),
});

impl TamerSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first field out of range.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        self.check("tamer", Some(sample_rate_hz))?;
        if self.highest_hz <= self.lowest_hz {
            let reason = format!("{} must be above lowest_hz, {}", self.highest_hz, self.lowest_hz);
            return Err(Error::setting("tamer.highest_hz", reason));
        }
        Ok(())
    }
}

/// In a row of fewer bands than this, some have no neighbours but those next to them.
const SHORT_ROW: i32 = 4;
/// Where a band may lie that is only heard: the least of [`DynamicBand::frequency_hz`]...
const HEARD_FROM_HZ: f64 = 20.0;
/// ... and its greatest, as a share of the sample rate.
const HEARD_TO: f64 = 0.45;

impl TamerSettings {
    /// An octave on either side is the neighbourhood.
    fn relative(&self) -> Relative {
        Relative { margin_db: self.margin_db, reach: self.bands_per_octave.ceil().max(2.0) as usize }
    }

    /// The row, and where in it the bands lie that move. A short row has neighbours beyond its ends, which are only heard; a longer one
    /// has enough of its own, and what lies beyond it may be nothing at all, out of which everything would stand.
    fn row(&self, sample_rate_hz: u32) -> (Vec<DynamicBand>, Range<usize>) {
        let octaves = (self.highest_hz / self.lowest_hz).log2();
        let last = (octaves * self.bands_per_octave).floor() as i32;
        let beyond = if last + 1 < SHORT_ROW { self.relative().reach as i32 } else { 0 };
        let frequency_hz = |index: i32| self.lowest_hz * (f64::from(index) / self.bands_per_octave).exp2();
        let band = |index: i32| DynamicBand {
            kind: DynamicKind::Bell,
            frequency_hz: frequency_hz(index),
            // As wide between the points 3 dB down as bands are apart.
            q: 0.5 / (0.5 * std::f64::consts::LN_2 / self.bands_per_octave).sinh(),
            threshold_db: 0.0,
            // Infinite for 100 %.
            ratio: 1.0 / (1.0 - self.amount_percent / 100.0),
            range_db: if (0..=last).contains(&index) { -self.range_db } else { 0.0 },
            attack_ms: self.attack_ms,
            release_ms: self.release_ms,
        };
        let heard_hz = HEARD_FROM_HZ..=HEARD_TO * f64::from(sample_rate_hz);
        let indices = (-beyond..=last + beyond).filter(|&index| heard_hz.contains(&frequency_hz(index)));
        let first = indices.clone().filter(|index| *index < 0).count();
        (indices.map(band).collect(), first..first + last as usize + 1)
    }
}

/// The resonance tamer. No latency.
#[derive(Debug, Clone)]
pub struct Tamer {
    eq: DynamicEq,
    /// Which of its bands move.
    moving: Range<usize>,
    sample_rate_hz: u32,
}

impl Tamer {
    /// A tamer at rest, from validated settings.
    pub fn new(settings: &TamerSettings, sample_rate_hz: u32) -> Self {
        let (bands, moving) = settings.row(sample_rate_hz);
        Self { eq: DynamicEq::new(&bands, sample_rate_hz).relative(settings.relative()), moving, sample_rate_hz }
    }

    /// The gain farthest from 0 dB so far of each band, dB, lowest band first.
    pub fn deepest_gains_db(&self) -> impl Iterator<Item = f64> {
        self.eq.deepest_gains_db().skip(self.moving.start).take(self.moving.len())
    }
}

impl Processor for Tamer {
    fn process(&mut self, frames: &mut [Frame]) {
        self.eq.process(frames);
    }

    fn reset(&mut self) {
        self.eq.reset();
    }
}

impl Retune for Tamer {
    type Settings = TamerSettings;

    fn retuned(&self, settings: &TamerSettings) -> Self {
        let (bands, moving) = settings.row(self.sample_rate_hz);
        Self { eq: self.eq.retuned_relative(&bands, settings.relative()), moving, sample_rate_hz: self.sample_rate_hz }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::smooth::Smooth;
    use crate::dsp::testing::{Noise, check_promises};

    const RATE_HZ: u32 = 48_000;

    /// Noise of equal power in each octave, roughly, and a tone.
    fn signal(tone_hz: f64, tone: f64, noise: f64) -> Vec<Frame> {
        let (mut white, mut slow) = (Noise(1), [0.0f64; 5]);
        let next = |n: usize| {
            let mut pink = 0.0;
            for (octave, slow) in slow.iter_mut().enumerate() {
                if n.is_multiple_of(1 << (2 * octave)) {
                    *slow = 0.5 * white.next();
                }
                pink += *slow;
            }
            noise * pink + tone * (n as f64 * tone_hz * std::f64::consts::TAU / 48e3).sin()
        };
        (0..96_000).map(next).map(|x| [x, x]).collect()
    }

    /// Amplitude of a tone in the second half of a signal.
    fn amplitude(frames: &[Frame], hz: f64) -> f64 {
        let half = &frames[48_000..];
        let sum = |of: fn(f64) -> f64| -> f64 {
            half.iter().enumerate().map(|(n, f)| f[0] * of(n as f64 * hz * std::f64::consts::TAU / 48e3)).sum()
        };
        2.0 * sum(f64::sin).hypot(sum(f64::cos)) / half.len() as f64
    }

    #[test]
    fn a_de_esser_turns_down_what_hisses_and_nothing_else() {
        let settings = DeEsserSettings::default();
        settings.validate(RATE_HZ).expect("defaults are in range");
        let mut frames = signal(6500.0, 0.5, 0.0);
        DynamicEq::new(&[settings.band()], RATE_HZ).process(&mut frames);
        // -9.03 dB of mean square is 25.97 over the threshold; 3/4 of that is beyond the range of 8 dB.
        assert!((20.0 * (amplitude(&frames, 6500.0) / 0.5).log10() + 8.0).abs() < 0.01);
        let (mut low, voice) = (signal(300.0, 0.3, 0.0), signal(300.0, 0.3, 0.0));
        DynamicEq::new(&[settings.band()], RATE_HZ).process(&mut low);
        assert_eq!(low, voice);
    }

    #[test]
    fn a_tamer_turns_down_what_stands_out_at_any_level() {
        let settings = TamerSettings::default();
        settings.validate(RATE_HZ).expect("defaults are in range");
        for level in [1.0, 0.1] {
            let input = signal(952.0, 0.5 * level, 0.05 * level);
            let mut output = input.clone();
            let mut tamer = Tamer::new(&settings, RATE_HZ);
            tamer.process(&mut output);
            let change_db = 20.0 * (amplitude(&output, 952.0) / amplitude(&input, 952.0)).log10();
            assert!((-12.0..-6.0).contains(&change_db), "{change_db}");
            let deepest: Vec<f64> = tamer.deepest_gains_db().collect();
            assert!(deepest[13..].iter().all(|db| *db > -3.0), "{deepest:?}");
        }
    }

    #[test]
    fn every_band_of_a_narrow_row_moves() {
        for (lowest_hz, highest_hz, bands_per_octave) in [
            (2000.0, 3500.0, 3.0),
            (2000.0, 3000.0, 3.0),
            (2000.0, 2100.0, 6.0),
            (1000.0, 4000.0, 1.0),
            (50.0, 60.0, 1.0),
        ] {
            let settings = TamerSettings { lowest_hz, highest_hz, bands_per_octave, ..TamerSettings::default() };
            settings.validate(RATE_HZ).expect("in range");
            let count = Tamer::new(&settings, RATE_HZ).deepest_gains_db().count();
            for band in 0..count {
                let centre_hz = lowest_hz * (band as f64 / bands_per_octave).exp2();
                let mut tamer = Tamer::new(&settings, RATE_HZ);
                tamer.process(&mut signal(centre_hz, 0.5, 0.02)[..24_000]);
                let deepest: Vec<f64> = tamer.deepest_gains_db().collect();
                assert!(deepest[band] < -4.0, "{lowest_hz} to {highest_hz} Hz, {band}: {deepest:?}");
            }
        }
        // At half of 8 kHz nothing is left above the row.
        let highest = TamerSettings { lowest_hz: 3100.0, highest_hz: 3200.0, ..TamerSettings::default() };
        let (row, moving) = highest.row(8000);
        assert!(row.iter().all(|band| band.validate("band", 8000).is_ok()) && moving == (3..4), "{row:?}");
    }

    #[test]
    fn what_is_turned_down_stays_down_where_settings_change() {
        let settings = TamerSettings::default();
        let mut smooth = Smooth::new(Tamer::new(&settings, RATE_HZ), RATE_HZ);
        // Other numbers of bands, too: each goes on from the one that was nearest.
        let changes = [(5.9, 150.0), (6.0, 150.0), (6.1, 75.0), (6.0, 150.0)];
        let mut frames = signal(952.0, 0.5, 0.0);
        let (before, after) = frames.split_at_mut(48_000);
        smooth.process(before);
        for (block, (margin_db, lowest_hz)) in after.chunks_mut(12_000).zip(changes) {
            smooth.set(&TamerSettings { margin_db, lowest_hz, ..settings }).expect("no latency");
            smooth.process(block);
        }
        // Peaks of 2 ms.
        let peaks =
            frames[40_000..].chunks(96).map(|piece| piece.iter().fold(0.0f64, |peak, frame| peak.max(frame[0].abs())));
        let (least, most) = peaks.fold((1.0f64, 0.0f64), |(least, most), peak| (least.min(peak), most.max(peak)));
        assert!(most < 1.1 * least, "{least} to {most}");
    }

    #[test]
    fn noise_alone_is_left_almost_alone_and_blocks_do_not_matter() {
        let mut whole = signal(100.0, 0.0, 0.2);
        let mut parts = whole.clone();
        let energy = |frames: &[Frame]| frames.iter().map(|f| f[0] * f[0]).sum::<f64>();
        let before = energy(&whole);
        let settings = TamerSettings::default();
        Tamer::new(&settings, RATE_HZ).process(&mut whole);
        assert!(10.0 * (energy(&whole) / before).log10() > -0.5);
        let mut tamer = Tamer::new(&settings, RATE_HZ);
        parts.chunks_mut(313).for_each(|block| tamer.process(block));
        assert_eq!(whole, parts);
        let wrong = TamerSettings { highest_hz: 100.0, ..settings }.validate(RATE_HZ).unwrap_err();
        assert_eq!(wrong.to_string(), "tamer.highest_hz: 100 must be above lowest_hz, 150");
    }

    #[test]
    fn the_common_promises_hold() {
        for rate_hz in [44_100, 384_000] {
            check_promises(&Tamer::new(&TamerSettings::default(), rate_hz), 10.0);
        }
    }
}
