//! One change of a setting that helps a weak device: what it is, what it should gain, and what it gains.
//!
//! A handful of moderate changes is tried on the band powers, where each costs a millisecond; the one that should help
//! most without hurting another device is then rendered, limited to the same loudness and ceiling, measured, and
//! scored again.

use schemars::JsonSchema;
use serde::Serialize;

use super::programme::Programme;
use super::scores::{Departure, balance_loss, bass_lack_db, cost_of_balance};
use super::{DeviceScore, Devices, WEAK_SCORE};
use crate::dsp::bass_harmonics::BassHarmonicsSettings;
use crate::dsp::eq::{BandChannel, BandKind, EqBand};
use crate::dsp::limiter::LimiterSettings;
use crate::engine::Recipe;
use crate::engine::drive::DriveSearch;
use crate::engine::render::process;
use crate::error::{Error, Result};
use crate::io::Spool;
use crate::measure::{Measurement, Meter};
use crate::units::db_to_amplitude;

/// A fix must not take more than this from the score of another device.
pub const MOST_HARM: f64 = 2.0;
/// Nor raise a third octave of the programme itself by more than this, dB.
pub const MOST_RISE_DB: f64 = 3.0;
/// A fix has to promise this much to be worth a change ...
pub const LEAST_GAIN: f64 = 1.0;
/// ... and this much has to come true.
pub const LEAST_VERIFIED_GAIN: f64 = 0.5;
/// How near a rendered change comes to the loudness of the programme, LU.
const LOUDNESS_TOLERANCE_LU: f64 = 0.05;
/// Times it is limited at the most for that.
const MAX_ATTEMPTS: usize = 4;

/// The bell where leads are understood, two octaves wide.
const PRESENCE_HZ: f64 = 2_500.0;
const PRESENCE_Q: f64 = 0.7;

/// A change of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "id", rename_all = "snake_case")]
pub enum Change {
    /// Harmonics of the bass.
    BassHarmonics {
        /// Level of each over the fundamental, dB.
        level_db: f64,
    },
    /// No side below a corner.
    MonoBass {
        /// The corner.
        below_hz: f64,
    },
    /// More of the centre where leads are understood.
    Presence {
        /// Gain at 2.5 kHz, dB.
        gain_db: f64,
    },
    /// Nothing below what most speakers play.
    LowCut {
        /// The corner.
        below_hz: f64,
    },
}

/// All that are tried, gentle ones first.
const CANDIDATES: [Change; 9] = [
    Change::Presence { gain_db: 1.0 },
    Change::Presence { gain_db: 2.0 },
    Change::BassHarmonics { level_db: -18.0 },
    Change::BassHarmonics { level_db: -12.0 },
    Change::BassHarmonics { level_db: -8.0 },
    Change::MonoBass { below_hz: 100.0 },
    Change::MonoBass { below_hz: 150.0 },
    Change::LowCut { below_hz: 30.0 },
    Change::LowCut { below_hz: 40.0 },
];

impl Change {
    /// Equaliser bands that make it up.
    pub(crate) fn eq(&self) -> Vec<EqBand> {
        let high_pass = |name: &str, channel, frequency_hz| EqBand {
            name: name.into(),
            kind: BandKind::HighPass,
            channel,
            frequency_hz,
            slope_db_per_octave: 24,
            ..EqBand::default()
        };
        match *self {
            Self::BassHarmonics { .. } => Vec::new(),
            Self::MonoBass { below_hz } => vec![high_pass("mono bass", BandChannel::Side, below_hz)],
            Self::LowCut { below_hz } => vec![high_pass("low cut", BandChannel::Stereo, below_hz)],
            Self::Presence { gain_db } => vec![EqBand {
                name: "presence".into(),
                kind: BandKind::Bell,
                channel: BandChannel::Mid,
                frequency_hz: PRESENCE_HZ,
                gain_db,
                q: PRESENCE_Q,
                ..EqBand::default()
            }],
        }
    }

    fn bass_harmonics(&self) -> Option<BassHarmonicsSettings> {
        match *self {
            Self::BassHarmonics { level_db } => Some(BassHarmonicsSettings { level_db, ..Default::default() }),
            _ => None,
        }
    }

    /// Whether there is less of something for everybody.
    fn takes_away(&self) -> bool {
        matches!(self, Self::MonoBass { .. } | Self::LowCut { .. })
    }

    /// Whether it changes the same setting.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Puts it into a recipe.
    pub fn apply(&self, recipe: &mut Recipe) {
        recipe.eq.extend(self.eq());
        recipe.bass_harmonics = self.bass_harmonics().or(recipe.bass_harmonics);
    }

    /// In words: which setting, to what.
    pub fn describe(&self) -> String {
        match self {
            Self::BassHarmonics { level_db } => {
                let BassHarmonicsSettings { corner_hz, .. } = BassHarmonicsSettings::default();
                format!("harmonics of the bass below {corner_hz:.0} Hz at {level_db:.0} dB")
            }
            Self::MonoBass { below_hz } => format!("mono below {below_hz:.0} Hz"),
            Self::Presence { gain_db } => {
                format!("{gain_db:+.0} dB at {:.1} kHz on the mid, Q {PRESENCE_Q}", 1e-3 * PRESENCE_HZ)
            }
            Self::LowCut { below_hz } => format!("high-pass at {below_hz:.0} Hz"),
        }
    }

    /// The programme as it should become.
    pub(super) fn predicted(&self, programme: &Programme) -> Programme {
        match self.bass_harmonics() {
            Some(settings) => programme.with_harmonics(&settings),
            None => programme.equalised(&self.eq()),
        }
    }
}

/// A fix for one device.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Fix {
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// The change in words.
    pub setting: String,
    /// What it should add to the device's score, points.
    pub predicted_gain: f64,
    /// What it adds when it is rendered; `None` where it was not.
    pub verified: Option<Verified>,
}

/// What a rendered fix does.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Verified {
    /// What it adds to the device's score, points.
    pub gain: f64,
    /// What it takes from the device that loses most, points (0 or more).
    pub worst_harm: f64,
    /// Which device that is, by its id; `None` where none loses.
    pub harmed: Option<String>,
    /// Whether it is kept: it helps and hurts no other device by more than 2 points.
    pub passes: bool,
    /// Why it is left out; `None` where it passes.
    pub left_out: Option<LeftOut>,
}

/// Why a rendered fix is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// It adds too little.
    TooLittle,
    /// It takes too much from another device.
    Harms,
    /// Together with the changes before it, it adds too little or takes too much.
    NotWithOthers,
    /// It makes another sound of the programme.
    Rewrites,
}

impl Verified {
    /// The same, left out for a reason unless it has one of its own.
    pub(crate) fn or_left_out(mut self, reason: Option<LeftOut>) -> Self {
        self.left_out = self.left_out.or(reason);
        self.passes = self.left_out.is_none();
        self
    }
}

impl Fix {
    /// Whether it was rendered and left out.
    pub fn is_left_out(&self) -> bool {
        self.verified.as_ref().is_some_and(|verified| !verified.passes)
    }
}

/// A change that was rendered and left out, with what it does for each device, in the order of their table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rejected {
    pub(crate) change: Change,
    pub(crate) verified: Vec<Verified>,
}

/// Proposals that are kept for a device, the best first: the next one is tried where one fails.
const PROPOSALS: usize = 3;

/// For each device the fixes that should help, the best first; none where the device is not weak, not told of, or nothing helps.
pub fn predict(devices: &Devices, programme: &Programme, scores: &[DeviceScore]) -> Vec<Vec<Fix>> {
    let told = || devices.iter().map(move |device| devices.is_told(device)).zip(scores);
    let weakest = told().filter_map(|(is_told, score)| score.score.filter(|_| is_told)).fold(f64::INFINITY, f64::min);
    let tried: Vec<(Change, Vec<f64>)> = CANDIDATES
        .into_iter()
        .map(|change| (change, change.predicted(programme)))
        // Devices are scored on what they keep of what they get: what nobody gets any more would not be missed, and what all get
        // too much of would be as it was meant.
        .filter(|(change, changed)| !change.takes_away() || takes_little(programme, changed))
        .filter(|(_, changed)| !rewrites(programme, changed))
        .map(|(change, changed)| (change, gains(scores, &devices.score(&changed))))
        .filter(|(_, gains)| gains.iter().all(|gain| *gain >= -MOST_HARM))
        .collect();
    let proposals = |index: usize| {
        let mut helpful: Vec<&(Change, Vec<f64>)> =
            tried.iter().filter(|(_, gains)| gains[index] >= LEAST_GAIN).collect();
        helpful.sort_by(|a, b| b.1[index].total_cmp(&a.1[index]));
        let fix = |(change, gains): &(Change, Vec<f64>)| Fix {
            change: *change,
            setting: change.describe(),
            predicted_gain: gains[index],
            verified: None,
        };
        helpful.into_iter().take(PROPOSALS).map(fix).collect()
    };
    // The weakest device always gets proposals, however good it is.
    let is_weak = |score: &DeviceScore| score.score.is_some_and(|score| score < WEAK_SCORE || score <= weakest);
    let of_device = |(index, (is_told, score)): (usize, (bool, &DeviceScore))| -> Vec<Fix> {
        if is_told && is_weak(score) { proposals(index) } else { Vec::new() }
    };
    told().enumerate().map(of_device).collect()
}

/// Whether a change makes another sound of the programme: what it takes from the score of a device that plays everything as it is,
/// held against the programme without it, or how far it raises a band.
pub fn rewrites(programme: &Programme, changed: &Programme) -> bool {
    let Departure { points, most_db } = Departure::between(programme, changed);
    cost_of_balance(programme, points) > MOST_HARM || most_db > MOST_RISE_DB
}

/// Whether a change that takes something away takes little of the balance, and of the bass.
fn takes_little(programme: &Programme, changed: &Programme) -> bool {
    balance_loss(programme, changed) <= MOST_HARM && bass_lack_db(programme, changed).is_none()
}

/// What each device gains; 0 where it has no score.
fn gains(before: &[DeviceScore], after: &[DeviceScore]) -> Vec<f64> {
    // What lacks bass is not tried.
    before.iter().zip(after).map(|(was, is)| is.parts.gain_over(&was.parts, false).unwrap_or(0.0)).collect()
}

/// What a change takes from the device that loses most, and which that is; the device that it is for does not count.
pub fn harm(
    devices: &Devices,
    before: &[DeviceScore],
    after: &[DeviceScore],
    helped: Option<usize>,
) -> (f64, Option<String>) {
    let gains = gains(before, after);
    let others = gains.iter().zip(devices.iter()).enumerate().filter(|(other, _)| Some(*other) != helped);
    let harmed = others.map(|(_, pair)| pair).min_by(|a, b| a.0.total_cmp(b.0)).filter(|(gain, _)| **gain < 0.0);
    harmed.map_or((0.0, None), |(gain, device)| (-gain, Some(device.id.clone())))
}

/// What a change does to the scores of all devices, by its measurement.
///
/// `before` are the scores without it; `index` is the device that it is for.
pub fn judge(devices: &Devices, before: &[DeviceScore], after: &[DeviceScore], index: usize) -> Verified {
    let gain = gains(before, after)[index];
    let (worst_harm, harmed) = harm(devices, before, after, Some(index));
    let left_out = if gain < LEAST_VERIFIED_GAIN {
        Some(LeftOut::TooLittle)
    } else {
        (worst_harm > MOST_HARM).then_some(LeftOut::Harms)
    };
    Verified { gain, worst_harm, harmed, passes: left_out.is_none(), left_out }
}

/// Renders a finished programme with a change, at its own loudness and under its own true peak, and measures that; what peaks over
/// full scale is turned down to it, as scores don't depend on the level.
///
/// # Errors
/// Those of the engine; [`Error::Setting`] for a programme without loudness.
pub fn rendered(audio: Spool, original: &Measurement, change: &Change) -> Result<Measurement> {
    let silent = || Error::setting("fix", "the programme has no loudness");
    let lufs = original.loudness.integrated_lufs().ok_or_else(silent)?;
    let peak_dbtp = original.peaks.true_dbtp().ok_or_else(silent)?;
    let ceiling_dbtp = peak_dbtp.clamp(-20.0, 0.0);
    let lufs = lufs - peak_dbtp.max(0.0);
    let mut recipe =
        Recipe { limiter: LimiterSettings { ceiling_dbtp, ..LimiterSettings::default() }, ..Recipe::default() };
    change.apply(&mut recipe);
    let mut processed = process(audio, &recipe, &|_, _| {})?;
    let (mut drive_db, mut correction_lu, mut attempts) = (0.0, 0.0, MAX_ATTEMPTS);
    loop {
        let search = DriveSearch::new(&processed, &recipe.limiter);
        let wanted = search.drive_for_loudness(lufs + correction_lu, 0.05, search.outcome(drive_db));
        drive_db = wanted.ok_or_else(silent)?.drive_db;
        recipe.limiter.drive_db = drive_db;
        processed.find_true_peaks(db_to_amplitude(ceiling_dbtp - drive_db) as f32)?;
        let mut meter = Meter::new(processed.sample_rate_hz());
        processed.limit(&recipe.limiter, |block| {
            meter.push(block);
            Ok(())
        })?;
        let measurement = meter.finish();
        let miss_lu = lufs - measurement.loudness.integrated_lufs().ok_or_else(silent)?;
        attempts -= 1;
        if miss_lu.abs() <= LOUDNESS_TOLERANCE_LU || attempts == 0 {
            return Ok(measurement);
        }
        correction_lu += miss_lu;
    }
}
