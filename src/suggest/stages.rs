//! From what to aim for to the settings of the stages, each with its reason.

use std::cmp::Reverse;

use super::dynamics::{Density, Means, Need};
use super::eq_fit::{self, Curve};
use super::link::Link;
use super::profile::Profile;
use super::tone::{Evidence, Tone};
use super::{Amounts, CurvePoint, Proposal, Quantity, Shares, Suggestion, Target, dynamics, quantity, width};
use crate::dsp::eq::{BandChannel, BandKind, EqBand, response_db};
use crate::dsp::multiband::MultibandSettings;
use crate::measure::Measurement;
use crate::measure::k_weighting::KWeighting;
use crate::measure::spectrum::ThirdOctaves;
use crate::measure::wide_bands::{WIDE_BANDS, WideBand};
use crate::statistics::median;
use crate::units::{db_to_power, power_to_db};

/// Most equaliser bands.
const MAX_EQ_BANDS: usize = 8;

/// What to aim for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Aims {
    /// Gain by band of the evidence, dB.
    pub(super) curve_db: Vec<f64>,
    /// Gain of the side; `None` where either programme is mono.
    pub(super) side_gain_db: Option<f64>,
    /// How much farther the master's peaks are to stand over its loudness than those of the reference, dB: less than 0 for a
    /// denser master.
    pub(super) headroom_db: f64,
    /// How the master becomes dense.
    pub(super) means: Means,
}

impl Aims {
    /// Those of the rules: bold where mix and reference are alike, shy where they aren't.
    pub(super) fn by_rule(mix: &Measurement, reference: &Measurement, evidence: &Evidence) -> Self {
        Self {
            curve_db: evidence.rule_db(),
            side_gain_db: width::rule_db(mix, reference, evidence),
            headroom_db: 0.0,
            means: Means::default(),
        }
    }

    /// Those that would leave no difference, whatever it comes from.
    pub(super) fn whole(mix: &Measurement, reference: &Measurement, evidence: &Evidence) -> Self {
        Self {
            curve_db: evidence.difference_db.clone(),
            side_gain_db: width::whole_db(mix, reference),
            headroom_db: 0.0,
            means: Means::default(),
        }
    }

    /// What amounts take of these aims, which are proven, and of the whole difference.
    fn taken(&self, whole: &Self, amounts: &Amounts) -> Self {
        let [eq, width, dynamics] = [amounts.eq_ratio, amounts.width_ratio, amounts.dynamics_ratio].map(Shares::of);
        let curve_db = self.curve_db.iter().zip(&whole.curve_db).map(|(proven, whole)| eq.blend(*proven, *whole));
        let side_gain_db = self.side_gain_db.map(|proven| width.blend(proven, whole.side_gain_db.unwrap_or(proven)));
        Self {
            curve_db: curve_db.collect(),
            side_gain_db,
            headroom_db: dynamics.blend(self.headroom_db, whole.headroom_db),
            means: self.means,
        }
    }

    /// The same without what lies within the corridor that several references make, to which `whole` leads, and without what
    /// would lead away from it.
    fn outside_of(&self, whole: &Self) -> Self {
        let outside = |wish_db: f64, to_corridor_db: f64| if wish_db * to_corridor_db > 0.0 { wish_db } else { 0.0 };
        let curve_db = self.curve_db.iter().zip(&whole.curve_db).map(|(wish, whole)| outside(*wish, *whole));
        Self {
            curve_db: curve_db.collect(),
            side_gain_db: self.side_gain_db.zip(whole.side_gain_db).map(|(wish, whole)| outside(wish, whole)),
            headroom_db: self.headroom_db,
            means: self.means,
        }
    }

    /// Those of several references together: to the near edge of the corridor of median and spread, and nowhere for a mix
    /// that lies within it. In each band, those speak whose sample rate holds it.
    pub(super) fn together(all: &[Self]) -> Self {
        let bands = all.iter().map(|aims| aims.curve_db.len()).max().unwrap_or(0);
        let wishes_db = |band: usize| all.iter().filter_map(|aims| aims.curve_db.get(band).copied()).collect();
        let curve_db = (0..bands).map(|band| to_corridor_db(wishes_db(band)));
        let side_gains: Vec<f64> = all.iter().filter_map(|aims| aims.side_gain_db).collect();
        Self {
            curve_db: curve_db.collect(),
            side_gain_db: (!side_gains.is_empty()).then(|| to_corridor_db(side_gains)),
            headroom_db: to_corridor_db(all.iter().map(|aims| aims.headroom_db).collect()),
            means: Means::default(),
        }
    }
}

/// The change to the near edge of a corridor about the median of several wished changes, as wide as their median absolute
/// deviation to either side; 0 within it.
pub(super) fn to_corridor_db(wishes_db: Vec<f64>) -> f64 {
    let middle = median(wishes_db.clone()).unwrap_or(0.0);
    let spread = median(wishes_db.iter().map(|wish| (wish - middle).abs()).collect()).unwrap_or(0.0);
    middle.signum() * (middle.abs() - spread).max(0.0)
}

/// What a mix is held against.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standard<'a> {
    References(&'a [&'a Measurement]),
    /// A profile, and what has to be added to its levels to be on the mix's own scale, dB: the two may hold other bands.
    Profile(&'a Profile, f64),
}

impl Standard<'_> {
    /// What suggestions call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::References([_]) => "the reference",
            Self::References(_) => "the references' median",
            Self::Profile(..) => "the profile",
        }
    }

    /// The same, with something of its own to follow.
    pub(super) fn whose(self) -> &'static str {
        match self {
            Self::References([_]) => "the reference's",
            Self::References(_) => "the references'",
            Self::Profile(..) => "the profile's",
        }
    }

    /// Its value of a quantity; that of several references is their median, a profile's a mean.
    pub(super) fn value(self, quantity: Quantity) -> Option<f64> {
        match self {
            Self::References(references) => quantity.median_of(references),
            Self::Profile(profile, offset_db) => {
                let is_level = matches!(quantity, Quantity::BandLevel { .. });
                quantity.of_profile(profile).map(|value| if is_level { value + offset_db } else { value })
            }
        }
    }
}

/// The settings that lead as far as the amounts say towards what is proven, and beyond it. `gathered` is what
/// speaks for a curve with each reference.
pub(super) fn propose(
    mix: &Measurement,
    target: &Target<'_>,
    amounts: &Amounts,
    gathered: &[(&Measurement, Evidence)],
    proven: &Aims,
) -> Proposal {
    let Some((_, evidence)) = gathered.first() else { return Proposal::default() };
    let whole: Vec<Aims> = gathered.iter().map(|(reference, evidence)| Aims::whole(mix, reference, evidence)).collect();
    let whole = Aims::together(&whole);
    let mut aims = if gathered.len() > 1 {
        let corridor = Aims { side_gain_db: width_to_corridor_db(mix, gathered), ..whole.clone() };
        proven.outside_of(&corridor)
    } else {
        proven.clone()
    };
    let width_share = Shares::of(amounts.width_ratio);
    if !width_share.is_proven() {
        // On from what 50 sets: no amount between leads beyond both ends.
        let bounded_db = |change_db| width::bounded_db(mix, change_db, evidence.likeness_ratio());
        aims.side_gain_db = aims.side_gain_db.map(bounded_db);
    }
    let aims = aims.taken(&whole, amounts);
    let widest = gathered.iter().map(|(_, evidence)| evidence).min_by_key(|evidence| Reverse(evidence.bands.len()));
    let tone = evidence.tone(&aims.curve_db, widest.unwrap_or(evidence)).below(target.sample_rate_hz);
    let allowed_plr_db = target.ceiling_dbtp - target.loudness_lufs;
    let links: Vec<Link> =
        gathered.iter().map(|(reference, evidence)| Link::of(mix, reference, evidence.likeness_ratio())).collect();
    let density =
        Density { allowed_plr_db, headroom_db: aims.headroom_db, link: Link::of_most(&links), means: proven.means };
    let references: Vec<&Measurement> = gathered.iter().map(|(reference, _)| *reference).collect();
    let standard = Standard::References(&references);
    let mut proposal = Proposal {
        likeness_ratio: Some(tone.likeness_ratio),
        matched_ratio: Some(tone.matched_ratio),
        ..shape(mix, standard, &tone, aims.side_gain_db, density, amounts)
    };
    let share = Shares::of(amounts.dynamics_ratio);
    let moved_db = WIDE_BANDS.map(|band| band_change_db(mix, &proposal.eq, band));
    let likenesses: Vec<f64> = gathered.iter().map(|(_, evidence)| evidence.likeness_ratio()).collect();
    let (compressors, suggestions) = dynamics::by_band(mix, &references, &likenesses, &proposal, moved_db, share);
    let mut multiband = MultibandSettings::default();
    for (band, compressor) in multiband.bands.iter_mut().zip(compressors) {
        band.compressor = compressor;
    }
    // At low rates there is no air band to split off.
    if !multiband.is_neutral() && multiband.validate(target.sample_rate_hz).is_ok() {
        proposal.multiband = Some(multiband);
        proposal.suggestions.extend(suggestions);
    }
    proposal
}

/// How far the width lies outside of the corridor that several references make, told by the middle of all bands, dB. `None` where mix or
/// references are mono.
fn width_to_corridor_db(mix: &Measurement, gathered: &[(&Measurement, Evidence)]) -> Option<f64> {
    let wishes_db: Vec<f64> = gathered.iter().filter_map(|(reference, _)| width::middle_db(mix, reference)).collect();
    (!wishes_db.is_empty()).then(|| to_corridor_db(wishes_db))
}

/// Equaliser, width and leveler towards a tone, a change of the side and a density.
pub(super) fn shape(
    mix: &Measurement,
    standard: Standard<'_>,
    tone: &Tone,
    side_gain_db: Option<f64>,
    density: Density,
    amounts: &Amounts,
) -> Proposal {
    let mut proposal = Proposal::default();
    let [eq_share, width_share] = [amounts.eq_ratio, amounts.width_ratio].map(Shares::of);
    equalise(mix, standard, tone, eq_share, &mut proposal);
    let width = side_gain_db
        .and_then(|change_db| width::suggest(mix, standard, &proposal.eq, change_db, tone.likeness_ratio, width_share));
    if let Some((width, suggestion)) = width {
        proposal.width = Some(width);
        proposal.suggestions.push(suggestion);
    }
    let moved_lu = loudness_change_lu(mix, &proposal);
    let need = Need::of(mix, standard, density, moved_lu, Shares::of(amounts.dynamics_ratio));
    let (leveler, levelling) = need.as_ref().and_then(Need::leveler).unzip();
    let (soft_clip, cutting) = need.as_ref().and_then(Need::soft_clip).unzip();
    proposal.leveler = leveler;
    proposal.soft_clip = soft_clip;
    proposal.suggestions.extend(levelling.into_iter().chain(cutting));
    proposal
}

/// How much louder the proposed equaliser and width make a mix, LU: K-weighted power of the loud parts, band by band.
pub(crate) fn loudness_change_lu(mix: &Measurement, proposal: &Proposal) -> f64 {
    let weighting = KWeighting::new(mix.sample_rate_hz);
    let width_db = proposal.width.map_or(0.0, |width| width.side_gain_db);
    level_change_db(mix, &proposal.eq, width_db, |hz| weighting.gain_db_at(hz, f64::from(mix.sample_rate_hz)))
}

/// How much louder an equaliser makes a band of the mix's loud parts, dB.
fn band_change_db(mix: &Measurement, eq: &[EqBand], WideBand { low_hz, high_hz, .. }: WideBand) -> f64 {
    level_change_db(mix, eq, 0.0, |hz| if (low_hz..high_hz).contains(&hz) { 0.0 } else { f64::NEG_INFINITY })
}

/// How much an equaliser and a gain of the side raise the power of a mix's loud parts, each third octave with its weight, dB.
fn level_change_db(mix: &Measurement, eq: &[EqBand], width_db: f64, weight_db: impl Fn(f64) -> f64) -> f64 {
    let (mut before, mut after) = (0.0, 0.0);
    for (hz, band) in mix.loud_bands() {
        let weight_db = weight_db(hz);
        for (power, channel, width_db) in [(band.mid, BandChannel::Mid, 0.0), (band.side, BandChannel::Side, width_db)]
        {
            let eq_db = response_db(eq, channel, hz, mix.sample_rate_hz);
            before += f64::from(power) * db_to_power(weight_db);
            after += f64::from(power) * db_to_power(weight_db + eq_db + width_db);
        }
    }
    if before > 0.0 && after > 0.0 { power_to_db(after / before) } else { 0.0 }
}

fn equalise(mix: &Measurement, standard: Standard<'_>, tone: &Tone, share: Shares, proposal: &mut Proposal) {
    let gains_db = &tone.curve_db;
    let curve = Curve { centers_hz: &tone.centers_hz, gains_db, weights: &tone.weights };
    proposal.eq = eq_fit::fit(&curve, MAX_EQ_BANDS);
    // The fit leaves the overall level free: shown is the curve at the level at which it was fitted.
    let eq_db = |hz: f64| response_db(&proposal.eq, BandChannel::Stereo, hz, mix.sample_rate_hz);
    let offsets = tone.centers_hz.iter().zip(gains_db).zip(&tone.weights);
    let (sum, total) = offsets.fold((0.0, 0.0), |(sum, total), ((&hz, gain_db), weight)| {
        (sum + weight * (eq_db(hz) - gain_db), total + weight)
    });
    let offset_db = if total > 0.0 { sum / total } else { 0.0 };
    let points = tone.centers_hz.iter().zip(gains_db);
    proposal.target_curve =
        points.map(|(&frequency_hz, gain_db)| CurvePoint { frequency_hz, gain_db: gain_db + offset_db }).collect();
    let mut suggestions: Vec<_> =
        proposal.eq.iter().map(|band| explain(mix, standard, tone, share, band, &proposal.eq)).collect();
    number_repeated(&mut suggestions);
    proposal.suggestions.extend(suggestions);
}

/// Tells suggestions apart whose bands lie in the same region: `eq.mids`, `eq.mids.2`.
fn number_repeated(suggestions: &mut [Suggestion]) {
    let ids: Vec<String> = suggestions.iter().map(|suggestion| suggestion.id.clone()).collect();
    for (index, suggestion) in suggestions.iter_mut().enumerate() {
        let before = ids[..index].iter().filter(|id| **id == suggestion.id).count();
        if before > 0 {
            suggestion.id.push_str(&format!(".{}", before + 1));
        }
    }
}

/// A suggestion for one band of the equaliser, judged by the level in the region where it works.
fn explain(
    mix: &Measurement,
    standard: Standard<'_>,
    tone: &Tone,
    share: Shares,
    band: &EqBand,
    all: &[EqBand],
) -> Suggestion {
    let (low_hz, high_hz) = reach(band, &tone.centers_hz);
    let quantity = Quantity::BandLevel { low_hz, high_hz };
    let (before, wanted) = (quantity.of(mix), standard.value(quantity));
    let mean_gain_db = |choose: &dyn Fn(f64) -> bool| {
        let chosen = tone.centers_hz.iter().filter(|hz| choose(**hz));
        let gains = chosen.map(|&hz| response_db(all, BandChannel::Stereo, hz, mix.sample_rate_hz));
        let (sum, count) = gains.fold((0.0, 0.0), |(sum, count), gain| (sum + gain, count + 1.0));
        if count > 0.0 { sum / count } else { 0.0 }
    };
    let change_db = mean_gain_db(&|hz| (low_hz..=high_hz).contains(&hz)) - mean_gain_db(&quantity::is_overall);
    let cause = before.zip(wanted).map_or_else(String::new, |(before, wanted)| {
        let relation = if before >= wanted { "above" } else { "below" };
        let said = format!(
            "{low_hz:.0} to {high_hz:.0} Hz lie {:.1} dB {relation} {}",
            (before - wanted).abs(),
            standard.name()
        );
        // Bands overlap, and only what they do together was aimed for.
        if change_db * band.gain_db < 0.0 {
            let together = if change_db.abs() < 0.05 {
                "leave them as they are".into()
            } else {
                format!("change them by {change_db:+.1} dB")
            };
            format!("{said}; this band softens what those around it do: together they {together}")
        } else if change_db.abs() < NEITHER_WAY_DB && band.gain_db.abs() >= NEITHER_WAY_DB {
            format!(
                "{said}; over the mean, all bands together change that by {:+.1} dB",
                (10.0 * change_db).round() / 10.0 + 0.0
            )
        } else {
            explained(said, change_db, wanted - before, share)
        }
    });
    Suggestion {
        id: format!("eq.{}", band.name.replace(' ', "_")),
        setting: describe(band),
        cause,
        quantity,
        before,
        predicted: before.map(|before| before + change_db),
    }
}

/// A change or a lack up to this goes neither way, dB.
const NEITHER_WAY_DB: f64 = 0.3;

/// What was found, for a change that may go against it or beyond it: long-term values tell of the arrangement as well, and what was
/// put down to that is not followed, unless more is taken than what is proven.
pub(super) fn explained(found: String, change_db: f64, missing_db: f64, share: Shares) -> String {
    let beyond_db = (change_db - missing_db) * change_db.signum();
    if change_db.abs().min(beyond_db) < NEITHER_WAY_DB || !share.is_proven() {
        return found;
    }
    let verdict = if change_db > 0.0 { "too little" } else { "too much" };
    if change_db * missing_db > 0.0 {
        return format!("{found}; as a matter of mastering, the mix is held to have {verdict} by more than that");
    }
    format!("{found}, but that is put down to the arrangement: as a matter of mastering, the mix has {verdict}")
}

/// The lowest third octave that takes part ends here, Hz: what works below is read there.
const LOWEST_READ_HZ: f64 = 45.0;

/// Where a band does most of its work.
fn reach(band: &EqBand, centers_hz: &[f64]) -> (f64, f64) {
    let (low_hz, high_hz) = match band.kind {
        BandKind::Bell => {
            // Half-gain points of a bell of this Q, in octaves around its centre.
            let half_octaves = (0.5 / band.q).asinh() / std::f64::consts::LN_2;
            let ratio = 2f64.powf(half_octaves.max(1.0 / 6.0));
            ((band.frequency_hz / ratio).max(35.0), (band.frequency_hz * ratio).min(17_000.0))
        }
        BandKind::LowShelf => (35.0, band.frequency_hz),
        BandKind::HighShelf => (band.frequency_hz, 17_000.0),
        BandKind::HighPass => (20.0, band.frequency_hz),
        BandKind::LowPass => (band.frequency_hz, 20_000.0),
        BandKind::Tilt => (20.0, 20_000.0),
        BandKind::Notch => (band.frequency_hz / 1.1, band.frequency_hz * 1.1),
    };
    // Only where third octaves take part, of which the uppermost is read alone for what works above it.
    let Some(&last_hz) = centers_hz.last() else { return (low_hz, high_hz) };
    let last_edges_hz = (last_hz / ThirdOctaves::HALF_WIDTH, last_hz * ThirdOctaves::HALF_WIDTH);
    (low_hz.min(last_edges_hz.0), high_hz.clamp(LOWEST_READ_HZ, LOWEST_READ_HZ.max(last_edges_hz.1)))
}

fn describe(band: &EqBand) -> String {
    let EqBand { gain_db, frequency_hz, q, .. } = band;
    match band.kind {
        BandKind::Bell => format!("{gain_db:+.1} dB at {frequency_hz:.0} Hz, Q {q:.1}"),
        BandKind::LowShelf => format!("{gain_db:+.1} dB shelf below {frequency_hz:.0} Hz"),
        BandKind::HighShelf => format!("{gain_db:+.1} dB shelf above {frequency_hz:.0} Hz"),
        BandKind::HighPass => format!("high-pass at {frequency_hz:.0} Hz"),
        BandKind::LowPass => format!("low-pass at {frequency_hz:.0} Hz"),
        BandKind::Tilt => format!("{gain_db:+.1} dB tilt around {frequency_hz:.0} Hz"),
        BandKind::Notch => format!("notch at {frequency_hz:.0} Hz"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::measure::Meter;
    use crate::units::db_to_amplitude;

    #[test]
    fn amounts_go_from_nothing_over_what_is_proven_to_a_clone() {
        let aims = |db: f64| Aims {
            curve_db: vec![db, -db],
            side_gain_db: Some(0.5 * db),
            headroom_db: -db,
            means: Means::default(),
        };
        let taken = |ratio: f64| {
            let amounts = Amounts { eq_ratio: ratio, dynamics_ratio: ratio, width_ratio: ratio };
            aims(2.0).taken(&aims(6.0), &amounts)
        };
        assert_eq!(taken(0.0), aims(0.0));
        assert_eq!(taken(0.25), aims(1.0));
        assert_eq!(taken(0.5), aims(2.0));
        assert_eq!(taken(0.75), aims(4.0));
        assert_eq!(taken(1.0), aims(6.0));
    }

    /// Two seconds, too few for matched frames: in each wide band a tone in the middle, and one in the side that lies so far over it.
    fn with_widths(widths_db: [f64; 4]) -> Measurement {
        let mut audio = AudioBuffer::new(48_000);
        for n in 0..96_000 {
            let (mut mid, mut side) = (0.0, 0.0);
            for (hz, width_db) in [60.0, 400.0, 2000.0, 9000.0].into_iter().zip(widths_db) {
                let angle = std::f64::consts::TAU * hz * f64::from(n) / 48_000.0;
                mid += 0.1 * angle.sin();
                side += 0.1 * db_to_amplitude(width_db) * angle.cos();
            }
            audio.push((mid + side) as f32, (mid - side) as f32);
        }
        let mut meter = Meter::new(48_000);
        meter.push(&audio);
        meter.finish()
    }

    /// What is set where so much is proven.
    fn side_gain_db(mix: &Measurement, reference: &Measurement, proven_db: f64, width_ratio: f64) -> f64 {
        let amounts = Amounts { width_ratio, ..Amounts::default() };
        side_gain_with_db(mix, reference, proven_db, amounts)
    }

    fn side_gain_with_db(mix: &Measurement, reference: &Measurement, proven_db: f64, amounts: Amounts) -> f64 {
        proposal(mix, reference, proven_db, amounts).width.map_or(0.0, |width| width.side_gain_db)
    }

    fn proposal(mix: &Measurement, reference: &Measurement, proven_db: f64, amounts: Amounts) -> Proposal {
        let evidence = Evidence::between(mix, reference).expect("loud");
        let proven = Aims {
            curve_db: vec![0.0; evidence.bands.len()],
            side_gain_db: Some(proven_db),
            headroom_db: 0.0,
            means: Means::default(),
        };
        let target =
            Target { reference, others: &[], loudness_lufs: -14.0, ceiling_dbtp: -1.0, sample_rate_hz: 48_000 };
        propose(mix, &target, &amounts, &[(reference, evidence)], &proven)
    }

    #[test]
    fn a_clone_has_the_width_that_it_is_judged_by() {
        // Wider than the reference where that is told, and narrower in the bass and the air.
        let (mix, reference) = (with_widths([-20.0, -4.0, -4.0, -20.0]), with_widths([-3.0, -10.0, -10.0, -3.0]));
        let gain_db = side_gain_db(&mix, &reference, 1.5, 1.0);
        assert!((gain_db + 6.0).abs() < 0.1, "{gain_db} dB");
    }

    #[test]
    fn a_clone_leaves_to_the_equaliser_what_that_does_to_the_width() {
        // One song's widths, 9 dB apart: the reference has its upper half 8 dB louder, mid and side alike.
        let mix = with_widths([-16.0, -16.0, -7.0, -7.0]);
        let mut reference = mix.clone();
        for (band, hz) in reference.loud_spectrum.iter_mut().zip(mix.spectrum.bands.centers_hz()) {
            if *hz > 1000.0 {
                (band.mid, band.side, band.cross) = (band.mid * 6.3, band.side * 6.3, band.cross * 6.3);
            }
        }
        let asked_db = width::whole_db(&mix, &reference).expect("both are wide");
        let alone_db = side_gain_db(&mix, &reference, 0.0, 1.0);
        assert!((alone_db - asked_db).abs() < 0.01 && asked_db > 1.5, "{alone_db} of {asked_db} dB");
        let both = Amounts { eq_ratio: 1.0, width_ratio: 1.0, ..Amounts::default() };
        let gain_db = side_gain_with_db(&mix, &reference, 0.0, both);
        assert!(gain_db < 0.5 * asked_db, "{gain_db} of {asked_db} dB");
        // Half as much of both leaves something for either.
        let half = Amounts { eq_ratio: 0.75, width_ratio: 0.75, ..Amounts::default() };
        let proposed = proposal(&mix, &reference, -2.0, half);
        let width = proposed.suggestions.iter().find(|suggestion| suggestion.id == "width").expect("a change");
        assert!(width.cause.contains("; the equaliser moves it by +"), "{}", width.cause);
    }

    #[test]
    fn no_amount_over_50_leads_beyond_both_ends() {
        // There is room for 3 dB of the 6 that are proven, and the whole difference is 2.
        let (mix, reference) = (with_widths([-3.0; 4]), with_widths([-1.0; 4]));
        let gains_db: Vec<f64> =
            (5..=10).map(|tenths| side_gain_db(&mix, &reference, 6.0, f64::from(tenths) / 10.0)).collect();
        assert!((gains_db[0] - 3.0).abs() < 0.1 && (gains_db[5] - 2.0).abs() < 0.1, "{gains_db:?}");
        assert!(gains_db.iter().rev().is_sorted(), "{gains_db:?}");
    }

    #[test]
    fn the_arrangement_is_named_where_a_change_goes_against_what_was_found() {
        let said = |change_db, missing_db, amount| explained("found".into(), change_db, missing_db, Shares::of(amount));
        assert!(said(-1.0, 1.0, 0.5).contains("the arrangement") && said(-1.0, 1.0, 0.5).ends_with("too much"));
        assert!(said(1.0, -1.0, 0.5).ends_with("too little"));
        // Nothing was found, and it is changed all the same.
        assert!(said(-1.0, 0.2, 0.5).contains("the arrangement"));
        for (change_db, missing_db, amount) in [(1.0, 1.0, 0.5), (0.04, -1.0, 0.5), (-1.0, -1.2, 0.5), (-1.0, 1.0, 1.0)]
        {
            assert_eq!(said(change_db, missing_db, amount), "found", "{change_db} {missing_db} {amount}");
        }
        // However little was found, it is not against the arrangement to go further the same way.
        assert!(said(1.0, 0.2, 0.5).ends_with("too little by more than that"));
        let beyond = "found; as a matter of mastering, the mix is held to have";
        assert_eq!(said(2.4, 1.1, 0.5), format!("{beyond} too little by more than that"));
        assert_eq!(said(-2.4, -1.1, 0.5), format!("{beyond} too much by more than that"));
    }

    #[test]
    fn several_references_lead_to_their_corridor_and_never_away_from_it() {
        let aims = |curve_db: [f64; 3], side_gain_db| Aims {
            curve_db: curve_db.into(),
            side_gain_db: Some(side_gain_db),
            headroom_db: 0.0,
            means: Means::default(),
        };
        let corridor = aims([2.0, 0.0, -2.0], -3.0);
        assert_eq!(aims([1.0, 1.0, 1.0], 1.0).outside_of(&corridor), aims([1.0, 0.0, 0.0], 0.0));
        assert_eq!(aims([-1.0, 0.0, -4.0], -1.0).outside_of(&corridor), aims([0.0, 0.0, -4.0], -1.0));
    }

    #[test]
    fn a_band_that_softens_its_neighbours_is_not_put_down_to_the_arrangement() {
        let programme = with_widths([-10.0; 4]);
        let centers_hz = ThirdOctaves::below(48_000).centers_hz().to_vec();
        let tone = Tone::of_curve(centers_hz, vec![1.0; 30], &[0.0; 30]);
        let bell = |gain_db| EqBand { frequency_hz: 400.0, gain_db, q: 2.0, ..EqBand::default() };
        // At 400 Hz lies 3 dB more than in the standard, which is otherwise the same: a third of that in the three bands where the bell works,
        // less what the whole gained.
        let louder = {
            let mut louder = programme.clone();
            louder.loud_spectrum.iter_mut().zip(programme.spectrum.bands.centers_hz()).for_each(|(band, hz)| {
                if (390.0..410.0).contains(hz) {
                    band.mid *= 2.0;
                }
            });
            louder
        };
        let references = [&programme];
        let cause = |all: &[EqBand]| {
            explain(&louder, Standard::References(&references), &tone, Shares::of(0.5), &all[0], all).cause
        };
        let softened = cause(&[bell(-2.0), bell(6.0)]);
        assert!(softened.contains("softens") && !softened.contains("arrangement"), "{softened}");
        assert!(cause(&[bell(2.0)]).contains("arrangement"), "{}", cause(&[bell(2.0)]));
        let undone = cause(&[bell(2.0), bell(-1.9)]);
        assert!(
            undone.contains("0.8 dB above") && undone.ends_with("all bands together change that by +0.1 dB"),
            "{undone}"
        );
    }

    #[test]
    fn every_band_that_can_be_fitted_is_read_somewhere() {
        let centers = ThirdOctaves::below(44_100).centers_hz().to_vec();
        for kind in [BandKind::Bell, BandKind::LowShelf] {
            for frequency_hz in [30.0, 36.0, 41.0, 60.0, 90.0, 500.0] {
                let (low_hz, high_hz) = reach(&EqBand { kind, frequency_hz, q: 3.0, ..EqBand::default() }, &centers);
                assert!(centers.iter().any(|hz| (low_hz..=high_hz).contains(hz)), "{kind:?} {frequency_hz}");
            }
        }
    }

    #[test]
    fn several_references_are_told_by_their_median() {
        let pulsing = |depth: f64| {
            let mut meter = Meter::new(48_000);
            let mut audio = AudioBuffer::new(48_000);
            for n in 0..240_000 {
                let level = if n % 12_000 < 240 { 0.5 } else { 0.5 * db_to_amplitude(-depth) };
                let x = (level * (std::f64::consts::TAU * 440.0 * f64::from(n) / 48_000.0).sin()) as f32;
                audio.push(x, x);
            }
            meter.push(&audio);
            meter.finish()
        };
        let all = [pulsing(12.0), pulsing(3.0), pulsing(6.0)];
        let several: Vec<&Measurement> = all.iter().collect();
        let plr_db =
            |which: &[&Measurement]| Standard::References(which).value(Quantity::PeakToLoudness).expect("loud");
        assert_eq!(plr_db(&several), plr_db(&several[2..]));
        assert!(plr_db(&several[..1]) > plr_db(&several) + 3.0);
        assert_eq!(Standard::References(&several).name(), "the references' median");
        assert_eq!(Standard::References(&several[..1]).name(), "the reference");
    }

    #[test]
    fn one_reference_is_followed_and_several_make_a_corridor() {
        let aims = |tone: f64, side_gain_db: Option<f64>| {
            let headroom_db = -tone;
            Aims { curve_db: vec![tone, -tone, 1.0], side_gain_db, headroom_db, means: Means::default() }
        };
        assert_eq!(Aims::together(&[aims(2.0, Some(1.5))]), aims(2.0, Some(1.5)));
        // Wishes of 1, 2 and 4 dB: median 2, median deviation 1. Wishes of both signs: the mix lies within.
        let several = [aims(1.0, Some(-1.0)), aims(2.0, None), aims(4.0, Some(1.0))];
        assert_eq!(Aims::together(&several), aims(1.0, Some(0.0)));
        // The last band is only held by two of three.
        let (wish, within) = (aims(3.0, Some(2.0)), Aims::together(&[aims(-1.0, Some(-1.0)), aims(1.0, Some(1.0))]));
        assert_eq!(
            wish.outside_of(&within),
            Aims { curve_db: vec![0.0, 0.0, 1.0], side_gain_db: Some(0.0), headroom_db: -3.0, means: Means::default() }
        );
        let [mut short, second, third] = several;
        short.curve_db.truncate(2);
        assert_eq!(Aims::together(&[short, second, third]).curve_db, [1.0, -1.0, 1.0]);
    }
}
