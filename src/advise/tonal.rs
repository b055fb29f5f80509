//! Tonal balance: boom, mud, harshness, sibilance, dullness, thinness.
//!
//! Each is a shape, such as a broad bell at 300 Hz, and what is told is how many dB of it the spectrum holds more than
//! expected, with the uncertainty of that number: see `prior.rs`. Without a reference the expectation is what music has, whose
//! scatter is as large as most faults: a network, which sees more of a programme than its spectrum, hears half of those of 7 dB
//! ([`super::hints`]), third octaves show the grossest, and all are told as hints. A reference is a second witness: the more
//! content both programmes share, the surer it is, and the less the network counts beside it.

use std::f64::consts::FRAC_1_SQRT_2;

use super::hints::Hints;
use super::prior::{self, Departure, Share};
use super::thresholds::{
    DULL_SIGMAS, HARSHNESS_SIGMAS, NETWORK_DULL_SIGMAS, NETWORK_HARSHNESS_SIGMAS, NETWORK_MUD_SIGMAS,
    NETWORK_SIBILANCE_SIGMAS, REFERENCE_MIN_DB, REFERENCE_SIGMAS, STRANGER_SIGMAS, TONE_END_SIGMAS, TONE_SIGMAS,
};
use super::words::hertz;
use super::{Advice, Mend, Problem, Severity, Standard, evidence};
use crate::dsp::biquad::Coefficients;
use crate::measure::Measurement;
use crate::suggest::profile::Profile;
use crate::suggest::{Classical, Suggester, Target};

/// Bands from here to there take part, Hz: below, there is rumble; above, codecs and hiss.
const RANGE_HZ: [f64; 2] = [39.0, 10_500.0];
/// A band this far under the strongest one holds nothing to be judged, dB.
const EMPTY_DB: f64 = 60.0;
/// Songs of a profile spread by this much or more, dB: a handful that agree by chance would otherwise condemn all others.
const LEAST_SPREAD_DB: f64 = 2.0;
/// No equaliser makes a difference larger than this, dB.
const MOST_DB: f64 = 24.0;
/// Fewer bands than this are no spectrum.
const MIN_BANDS: usize = 12;
/// Shapes are computed at a rate that warps none of them, Hz.
const SHAPE_RATE_HZ: u32 = 96_000;
/// How far a mix's spectrum spreads about what its reference lets expect, by band: dB where all content is shared, and where none
/// is, in multiples of how far music spreads. Between, the latter falls with this power of what is not shared. Fitted to 4197
/// training pairs (models/training/pairs), whose true masters tell what mixes have too much of: what is read of the six faults
/// misses that by 0.6 to 1.6 of the uncertainties told (standard deviation) at all likenesses, boom and thin by up to 2.1.
const TWIN_SPREAD_DB: f64 = 1.0;
const STRANGER_SPREAD: f64 = 2.1;
const UNSHARED_EXPONENT: f64 = 1.5;

/// Forms of a fault.
#[derive(Debug, Clone, Copy)]
enum Form {
    Bell { hz: f64, q: f64 },
    LowShelf { hz: f64 },
    HighShelf { hz: f64 },
}

/// A fault of tone.
pub struct Tone {
    /// What is told of it.
    pub id: Problem,
    form: Form,
    /// Gain of the fault: the sign, and the size for which the form is exact, dB.
    pub gain_db: f64,
    /// Uncertainties that it must exceed against music or a profile, by third octaves.
    music_sigmas: f64,
    /// `None` where the network, which hears no lows, is not asked.
    heard: Option<Heard>,
    band_hz: [f64; 2],
    /// What it sounds like.
    sounds: &'static str,
    /// Where to look in the mix.
    look: &'static str,
}

/// How the network tells a fault.
#[derive(Clone, Copy)]
struct Heard {
    /// Spreads of what it says of untouched songs that it must exceed.
    sigmas: f64,
    /// Of each dB that there is, it says so much: where it can't be sure, it expects little.
    share: f64,
}

impl Heard {
    /// What there is by the network's word, with its caution taken off.
    fn witness(self, said: Share) -> Share {
        Share { amount: said.amount / self.share, sigma: said.sigma / self.share }
    }
}

/// All faults of tone, in the order in which the network tells them.
pub const TONES: [Tone; 6] = [
    Tone {
        id: Problem::Boom,
        form: Form::Bell { hz: 90.0, q: 1.0 },
        gain_db: 7.0,
        music_sigmas: TONE_END_SIGMAS,
        heard: None,
        band_hz: [60.0, 130.0],
        sounds: "boomy",
        look: "kick and bass, or the room",
    },
    Tone {
        id: Problem::Mud,
        form: Form::Bell { hz: 300.0, q: 1.0 },
        gain_db: 7.0,
        music_sigmas: TONE_SIGMAS,
        heard: Some(Heard { sigmas: NETWORK_MUD_SIGMAS, share: 0.26 }),
        band_hz: [200.0, 450.0],
        sounds: "muddy",
        look: "guitars, keys, pads and reverbs that pile up there",
    },
    Tone {
        id: Problem::Harshness,
        form: Form::Bell { hz: 3_200.0, q: 1.0 },
        gain_db: 7.0,
        music_sigmas: HARSHNESS_SIGMAS,
        heard: Some(Heard { sigmas: NETWORK_HARSHNESS_SIGMAS, share: 0.3 }),
        band_hz: [2_000.0, 5_000.0],
        sounds: "harsh",
        look: "distorted guitars, synthesisers, snare and voices",
    },
    Tone {
        id: Problem::Sibilance,
        form: Form::Bell { hz: 7_000.0, q: 1.4 },
        gain_db: 7.0,
        music_sigmas: TONE_END_SIGMAS,
        heard: Some(Heard { sigmas: NETWORK_SIBILANCE_SIGMAS, share: 0.25 }),
        band_hz: [5_000.0, 9_000.0],
        sounds: "sibilant",
        look: "voices and hi-hats",
    },
    Tone {
        id: Problem::Dull,
        form: Form::HighShelf { hz: 4_000.0 },
        gain_db: -9.0,
        music_sigmas: DULL_SIGMAS,
        heard: Some(Heard { sigmas: NETWORK_DULL_SIGMAS, share: 0.057 }),
        band_hz: [4_000.0, 16_000.0],
        sounds: "dull",
        look: "low-passes and dark microphones or samples",
    },
    Tone {
        id: Problem::Thin,
        form: Form::LowShelf { hz: 200.0 },
        gain_db: -9.0,
        music_sigmas: TONE_SIGMAS,
        heard: None,
        band_hz: [40.0, 200.0],
        sounds: "thin",
        look: "high-passes that are set too high, and bass that plays too low for its level",
    },
];

impl Tone {
    /// The equaliser that makes such a fault; with the opposite sign of [`Tone::gain_db`], one that is its opposite.
    pub fn section(&self, gain_db: f64, sample_rate_hz: u32) -> Coefficients {
        match self.form {
            Form::Bell { hz, q } => Coefficients::bell(hz, gain_db, q, sample_rate_hz),
            Form::LowShelf { hz } => Coefficients::low_shelf(hz, gain_db, FRAC_1_SQRT_2, sample_rate_hz),
            Form::HighShelf { hz } => Coefficients::high_shelf(hz, gain_db, FRAC_1_SQRT_2, sample_rate_hz),
        }
    }

    /// The fault's frequency response, for 1 dB of it.
    fn shape(&self) -> impl Fn(f64) -> f64 + use<> {
        let gain_db = self.gain_db;
        let section = self.section(gain_db, SHAPE_RATE_HZ);
        move |hz| section.gain_db_at(hz, SHAPE_RATE_HZ) / gain_db.abs()
    }

    /// The setting that takes so much back, 4 dB at the most: the rest is for ears to decide.
    fn fix(&self, back_db: f64) -> String {
        let gain_db = -self.gain_db.signum() * back_db.min(4.0);
        let setting = match self.form {
            Form::Bell { hz, q } => format!("bell {gain_db:+.1} dB at {}, Q {q:.1}", hertz(hz)),
            Form::LowShelf { hz } => format!("low shelf {gain_db:+.1} dB at {}, Q 0.7", hertz(hz)),
            Form::HighShelf { hz } => format!("high shelf {gain_db:+.1} dB at {}, Q 0.7", hertz(hz)),
        };
        format!("{setting}; in the mix rather on the tracks that cause it: {}", self.look)
    }
}

/// What a spectrum is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Yardstick {
    /// The table of music, by third octaves.
    Music,
    /// Songs of a kind.
    Profile,
    /// Music as the network knows it.
    Network,
    /// A finished production, and how alike the two are, 0 to 1.
    Reference { likeness_ratio: f64 },
}

impl Yardstick {
    fn expected(self) -> &'static str {
        match self {
            Self::Music | Self::Network => "the rest of the spectrum and other music let expect",
            Self::Profile => "the rest of the spectrum and the songs of the profile let expect",
            Self::Reference { .. } => "the reference and other music let expect",
        }
    }

    /// Of what it tells, the share that a fix takes back: the network's amounts are what it expects, doubts taken off.
    fn fix_share(self) -> f64 {
        if self == Self::Network { 1.0 } else { 0.5 }
    }
}

/// How much of a fault there is, and what it takes to be told.
struct Verdict {
    share: Share,
    bar_db: f64,
    yardstick: Yardstick,
}

impl Verdict {
    /// Why it isn't told, if it isn't.
    fn untold(&self) -> UntoldTone {
        match self.share.amount {
            db if db >= self.bar_db => UntoldTone::PartMissing,
            db if db >= REFERENCE_MIN_DB => UntoldTone::TooLittleShared,
            _ => UntoldTone::NothingStandsOut,
        }
    }
}

impl Tone {
    fn verdict(&self, share: Share, yardstick: Yardstick) -> Verdict {
        let bar_db = match yardstick {
            Yardstick::Music | Yardstick::Profile => self.music_sigmas * share.sigma,
            Yardstick::Network => self.heard.map_or(f64::INFINITY, |heard| heard.sigmas) * share.sigma,
            Yardstick::Reference { likeness_ratio } => {
                let sigmas = STRANGER_SIGMAS + likeness_ratio * (REFERENCE_SIGMAS - STRANGER_SIGMAS);
                REFERENCE_MIN_DB.max(sigmas * share.sigma)
            }
        };
        Verdict { share, bar_db, yardstick }
    }

    /// By a departure from the yardstick, and by what the network says, where it was asked.
    fn judged(&self, departure: &Departure, yardstick: Yardstick, said: Option<Share>) -> Option<Verdict> {
        let departed = || departure.share_of(self.shape());
        let (share, yardstick) = match (yardstick, said.zip(self.heard)) {
            (Yardstick::Music, Some((said, _))) => (said, Yardstick::Network),
            (Yardstick::Reference { .. }, Some((said, heard))) => (departed()?.and(heard.witness(said)), yardstick),
            _ => (departed()?, yardstick),
        };
        Some(self.verdict(share, yardstick))
    }
}

/// Why nothing of a tone is told beside a reference; of several reasons, the last one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UntoldTone {
    /// Nothing departs from the reference by [`REFERENCE_MIN_DB`] or more.
    NothingStandsOut,
    /// Something does, but by no more than songs that share so little differ.
    TooLittleShared,
    /// Something is so far off that it isn't there at all, or plays alone.
    PartMissing,
    /// Too few bands hold something in both, and what is told was held against music.
    NotComparable,
}

/// Adds what is to be told of the tone. `hints` are asked where there is no profile. With a reference, returns why nothing of what it
/// says is told.
pub(super) fn advice(
    measurement: &Measurement,
    hints: &Hints,
    standard: Standard<'_>,
    findings: &mut Vec<Advice>,
) -> Option<UntoldTone> {
    let against_reference = || against_reference(measurement, standard.reference()?);
    let against_profile = || {
        let Standard::Profile(profile) = standard else { return None };
        Some((Yardstick::Profile, against_profile(measurement, profile)?))
    };
    let against_music = || Some((Yardstick::Music, against_music(measurement)?));
    let departure = against_reference().or_else(against_profile).or_else(against_music);
    let not_comparable = standard.reference().map(|_| UntoldTone::NotComparable);
    let Some((yardstick, departure)) = departure else { return not_comparable };
    let said = if yardstick == Yardstick::Profile { None } else { hints.tone() };
    let highest_hz = departure.centers_hz.last().copied().unwrap_or_default();
    let (before, mut untold) = (findings.len(), UntoldTone::NothingStandsOut);
    for (index, tone) in TONES.iter().enumerate() {
        // Of a range that the sample rate cuts in half, nothing can be said.
        if highest_hz < (tone.band_hz[0] * tone.band_hz[1]).sqrt() {
            continue;
        }
        if let Some(verdict) = tone.judged(&departure, yardstick, said.map(|shares| shares[index])) {
            untold = untold.max(verdict.untold());
            findings.extend(judge(tone, verdict));
        }
    }
    match yardstick {
        Yardstick::Reference { .. } => (findings.len() == before).then_some(untold),
        _ => not_comparable,
    }
}

fn judge(tone: &Tone, Verdict { share: Share { amount, sigma }, bar_db, yardstick }: Verdict) -> Option<Advice> {
    // What is off by more is not there at all, or plays alone: no matter of tone.
    if amount < bar_db || (amount > MOST_DB && yardstick != Yardstick::Network) {
        return None;
    }
    let [low_hz, high_hz] = tone.band_hz;
    let more = if tone.gain_db > 0.0 { "more" } else { "less" };
    let has_reference = matches!(yardstick, Yardstick::Reference { .. });
    // What the network expects is less than what there is, the less sure it is: no number to be read literally.
    let how_much = if yardstick == Yardstick::Network { String::new() } else { format!("{amount:.1} dB ") };
    let message = format!(
        "{} to {} hold {how_much}{more} than {}: it may sound {}. {}",
        hertz(low_hz),
        hertz(high_hz),
        yardstick.expected(),
        tone.sounds,
        match yardstick {
            Yardstick::Reference { .. } => "The reference may be arranged otherwise; listen.",
            Yardstick::Network => "A hint: one sound song of 25 is told so too, and engineers disagree.",
            Yardstick::Music | Yardstick::Profile => "A hint: styles differ and engineers disagree.",
        },
    );
    let sureness = 1.0 - (-(amount / sigma).powi(2) / 8.0).exp();
    Some(Advice {
        id: tone.id,
        severity: match (has_reference, amount > 1.5 * bar_db) {
            (true, true) => Severity::High,
            (true, false) | (false, true) => Severity::Medium,
            (false, false) => Severity::Low,
        },
        confidence: if has_reference { 0.85 * sureness } else { 0.6 * sureness },
        message,
        band_hz: Some(tone.band_hz),
        times_s: Vec::new(),
        evidence: evidence([("deviation_db", tone.gain_db.signum() * amount), ("uncertainty_db", sigma)]),
        fix: tone.fix(yardstick.fix_share() * amount),
        mend: Mend::Master,
    })
}

/// Third-octave levels of the mid that hold something, dB. `None` where too few do.
fn levels_db(measurement: &Measurement) -> Option<Vec<(f64, f64)>> {
    let bands = measurement.loud_bands().filter(|(hz, _)| (RANGE_HZ[0]..RANGE_HZ[1]).contains(hz));
    let bands: Vec<(f64, f64)> = bands.map(|(hz, band)| (hz, band.mid_db())).collect();
    let strongest_db = bands.iter().map(|(_, db)| *db).fold(f64::NEG_INFINITY, f64::max);
    let bands: Vec<_> = bands.into_iter().filter(|(_, db)| *db > strongest_db - EMPTY_DB).collect();
    (bands.len() >= MIN_BANDS && strongest_db > -100.0).then_some(bands)
}

fn against_music(measurement: &Measurement) -> Option<Departure> {
    Some(Departure::from_music(&levels_db(measurement)?))
}

fn against_profile(measurement: &Measurement, profile: &Profile) -> Option<Departure> {
    let bands: Vec<(f64, f64, f64)> = levels_db(measurement)?
        .into_iter()
        .filter_map(|(hz, db)| {
            profile.tone_at(hz).map(|band| (hz, db - band.mean_db, band.spread_db.max(LEAST_SPREAD_DB)))
        })
        .collect();
    (bands.len() >= MIN_BANDS).then(|| Departure::new(bands))
}

/// How alike the two productions are, and what they differ by: where they share content, the difference of that; the difference
/// of their spectra otherwise.
fn against_reference(measurement: &Measurement, reference: &Measurement) -> Option<(Yardstick, Departure)> {
    let (mix, wanted) = (levels_db(measurement)?, levels_db(reference)?);
    let level = |bands: &[(f64, f64)], hz: f64| bands.iter().find(|band| (band.0 / hz - 1.0).abs() < 0.05).map(|b| b.1);
    let both: Vec<(f64, f64)> = mix.iter().filter_map(|&(hz, db)| Some((hz, db - level(&wanted, hz)?))).collect();
    if both.len() < MIN_BANDS {
        return None;
    }
    let mean_db = both.iter().map(|(_, db)| db).sum::<f64>() / both.len() as f64;
    let sample_rate_hz = measurement.sample_rate_hz;
    let target = Target { reference, others: &[], loudness_lufs: -14.0, ceiling_dbtp: -1.0, sample_rate_hz };
    let plan = Classical.plan(measurement, target);
    let (likeness, shared) = (plan.likeness_ratio(), plan.shared_curve());
    let shared: Vec<(f64, f64)> = shared.iter().map(|point| (point.frequency_hz, point.gain_db)).collect();
    let departed = |hz: f64, db: f64| (1.0 - likeness) * (db - mean_db) - likeness * level(&shared, hz).unwrap_or(0.0);
    let departure = both.iter().map(|&(hz, db)| (hz, departed(hz, db)));
    let stranger_spread = STRANGER_SPREAD * (1.0 - likeness).powf(UNSHARED_EXPONENT);
    let with_spread = |(hz, db): (f64, f64)| {
        let (_, music_spread_db) = prior::of_music(hz)?;
        Some((hz, db, TWIN_SPREAD_DB.hypot(stranger_spread * music_spread_db)))
    };
    let yardstick = Yardstick::Reference { likeness_ratio: likeness };
    Some((yardstick, Departure::new(departure.filter_map(with_spread).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_has_its_reason() {
        let untold = |amount| {
            let stranger = Yardstick::Reference { likeness_ratio: 0.0 };
            TONES[1].verdict(Share { amount, sigma: 4.0 }, stranger).untold()
        };
        assert_eq!(untold(REFERENCE_MIN_DB - 0.1), UntoldTone::NothingStandsOut);
        assert_eq!(untold(STRANGER_SIGMAS * 4.0 - 0.1), UntoldTone::TooLittleShared);
        assert_eq!(untold(MOST_DB + 0.1), UntoldTone::PartMissing);
    }

    /// What is assumed of the network is what was measured of it (models/training/faults/train.py).
    #[test]
    fn the_network_is_heard_as_its_metrics_say() {
        let metrics: serde_json::Value =
            serde_json::from_str(include_str!("../../models/faults_metrics.json")).expect("metrics");
        for (tone, heard) in TONES.iter().filter_map(|tone| Some((tone, tone.heard?))) {
            let known = &metrics["tone"][tone.id.to_string()];
            let value = |value: &serde_json::Value| value.as_f64().expect("a number");
            assert!((heard.sigmas - value(&known["alarms_0.04"]["sigmas"])).abs() < 0.01, "{}", tone.id);
            assert!((heard.share - value(&known["faulty_db"]) / tone.gain_db.abs()).abs() < 0.005, "{}", tone.id);
        }
    }
}
