//! How much to compress: only where the target is denser.
//!
//! How dense a master has to be is its peak-to-loudness ratio: the ceiling less the loudness. The larger the gap to the
//! mix, the more a limiter would have to take alone. Levelling ahead of it shares the load: with the true equaliser and
//! width on twelve songs of the pairs described in `registration::likeness`, masters came nearer to the true ones
//! (MR-STFT 0.29 instead of 0.40) and to their loudness (0.2 instead of 1.0 LU short) at less limiting (1.5 instead of
//! 6 dB at the 95th percentile). How dense a reference is depends on its song as well as on its chain, so with a network
//! the target is what that chain would have left of this song (error on another song 0.8 instead of 1.3 dB,
//! `models/MODEL_CARD.md`). What is denser still in a band of the same song gets a compressor of its own; on
//! another song a band's spread is what is played, and compressing it made masters worse.

use std::cell::LazyCell;

use super::forecast::{Forecast, Spreads};
use super::link::Link;
use super::stages::{Standard, to_corridor_db};
use super::{Proposal, Quantity, Shares, Suggestion};
use crate::dsp::compressor::BandCompressorSettings;
use crate::dsp::crossover::BANDS;
use crate::dsp::leveler::LevelerSettings;
use crate::dsp::soft_clip::SoftClipSettings;
use crate::measure::Measurement;
use crate::measure::wide_bands::WIDE_BANDS;

/// Least reduction of a band's spread that is worth a compressor and the phases that its crossovers turn, dB.
const WORTHWHILE_DB: f64 = 1.0;
/// A band whose 95th percentile stands farther over its median rests half of the time: what varies there is whether anything is
/// played, and a threshold at the median would lie in its pauses, dB. Set by judgement, after a look at a development case. On 32 pairs
/// of the same song of packages that are in no training and no test, masters came nearer to the true ones for it (MR-STFT 0.294
/// instead of 0.300).
const MOST_SPREAD_DB: f64 = 20.0;
/// Most reduction of a band's spread, dB: a gentle stage, no effect.
const MAX_SPREAD_REDUCTION_DB: f64 = 3.0;

/// Of a difference that limiting won't make up, the share to take over, times likeness.
const SHARE: f64 = 0.5;
/// Gap in the peak-to-loudness ratio that a limiter closes alone without harm, and over which levelling sets in, dB.
const LIMITERS_SHARE_DB: f64 = 1.0;
const LEVELING_ONSET_DB: f64 = 3.0;
/// Slope of the levelling at the most (a ratio of 4).
const MAX_LEVELING_SLOPE: f64 = 0.75;
/// How much higher over the mix's integrated loudness levelling sets in for each dB that the master's peaks stand farther over its own than
/// this. On 38 pairs of the same song, of packages that are in no training and no test, 1.0 to 1.9 dB are within 1 % of each other.
const AT_TARGET_PLR_DB: f64 = 8.0;
const LEVELING_PER_PLR_DB: f64 = 1.2;
/// Where peaks can be cut off too, levelling goes no farther (`models/MODEL_CARD.md`, "How a reference became loud").
pub(super) const LEAST_LEVELLED_PLR_DB: f64 = 5.0;
/// As one, so that a sound on one side doesn't move those in the middle. On 17 + 17 pairs of the validation packages behind a linked
/// compressor and limiter (ffmpeg's), masters are nearer to the true ones with 0.5 and 40 ms than with 1 and 60 or 100 ms (MR-STFT 0.227, 0.228
/// and 0.234 on the same song, 0.382, 0.383 and 0.385 on another).
const LINKED: Levelling = Levelling { over_loudness_db: 0.0, attack_ms: 0.5, release_ms: 40.0, link_percent: 100.0 };
/// Each by itself, after a reference whose limiter worked so. On 38 + 38 pairs of these packages behind an unlinked chain (pedalboard's), a dB
/// more or less of where it sets in, 0.5 and 25 ms instead of these all stay within 1 %. Half of the louder channel's level still counts,
/// so that the image moves by 4.5 dB at the most; without, masters would be 1 % nearer.
const UNLINKED: Levelling = Levelling { over_loudness_db: -2.0, attack_ms: 0.3, release_ms: 32.0, link_percent: 50.0 };
/// Where nothing tells, what lies between.
const BETWEEN: Levelling = Levelling { over_loudness_db: -1.0, attack_ms: 0.4, release_ms: 36.0, link_percent: 75.0 };
/// How peaks are cut: from so far under the ceiling on, dB, and with so much oversampling, as much as keeps aliases of music under what
/// the cutting itself adds.
const KNEE_DB: f64 = 3.0;
const OVERSAMPLING: u32 = 4;
/// Less headroom than this, more or less, needs no words, dB.
const WORTH_SAYING_DB: f64 = 0.5;
/// What moves a spread by less, which would be told as 0.0, neither, dB.
const WORTH_SAYING_SPREAD_DB: f64 = 0.05;

/// How both channels are levelled.
struct Levelling {
    /// Where it sets in over the mix's integrated loudness, for a master whose peaks stand [`AT_TARGET_PLR_DB`] over its own.
    over_loudness_db: f64,
    attack_ms: f64,
    release_ms: f64,
    /// How far the louder channel's level counts in the other one.
    link_percent: f64,
}

/// How dense a master is to be: how far its peaks stand over its loudness.
#[derive(Debug, Clone, Copy)]
pub(super) struct Density {
    /// Room that ceiling and loudness leave, dB.
    pub(super) allowed_plr_db: f64,
    /// How much more, or less, the song is to have before the limiter, dB.
    pub(super) headroom_db: f64,
    /// Whose levels each channel follows: as the chain that made it so dense had it.
    pub(super) link: Link,
    /// How it gets there.
    pub(super) means: Means,
}

/// How a master becomes dense ahead of the limiter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Means {
    /// How much levels are evened out, 1 for as much as the density asks for.
    pub(super) levelling_share: f64,
    /// Peaks are cut off, so much lower than they may stand over the mix's loudness: by what that costs of the loudness, dB.
    pub(super) cut_db: Option<f64>,
}

impl Default for Means {
    fn default() -> Self {
        Self { levelling_share: 1.0, cut_db: None }
    }
}

impl Density {
    fn target_plr_db(self) -> f64 {
        let target_plr_db = self.allowed_plr_db + self.headroom_db;
        if self.means.cut_db.is_some() { target_plr_db.max(LEAST_LEVELLED_PLR_DB) } else { target_plr_db }
    }

    /// Why a mix is to be levelled for it.
    fn cause(self, mix_plr_db: f64, whose: &str) -> String {
        let Self { allowed_plr_db, headroom_db, link, .. } = self;
        let needed_db = mix_plr_db - allowed_plr_db;
        let levelled_db = mix_plr_db - self.target_plr_db();
        let wanted = if self.target_plr_db() > allowed_plr_db + headroom_db {
            format!(
                "the master's may stand {allowed_plr_db:.1} dB: levelling takes {levelled_db:.1} dB and goes no farther"
            )
        } else if headroom_db.abs() < WORTH_SAYING_DB {
            // What that is, nobody knows before it is rendered: nothing, perhaps.
            format!(
                "the master's may stand {allowed_plr_db:.1} dB: the limiter takes what levelling leaves of those \
                 {needed_db:.1} dB"
            )
        } else {
            let relation = if headroom_db > 0.0 { "less than" } else { "more than" };
            format!(
                "{whose} chain would take about {levelled_db:.1} dB of that, {relation} the {needed_db:.1} dB that \
                 the loudness asks for"
            )
        };
        let because = match link {
            Link::Together => String::new(),
            Link::Apart => format!("; {whose} limiter worked on each channel by itself"),
            Link::Unknown => format!("; nothing tells whether {whose} limiter turned both channels down together"),
        };
        format!("peaks stand {mix_plr_db:.1} dB over the loudness, {wanted}{because}")
    }
}

/// A mix that may have to become denser, as the stages before leave it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    density: Density,
    /// Whose the density is.
    whose: &'static str,
    mix_plr_db: f64,
    mix_lufs: f64,
    /// How much of what is needed is taken, 0 to 1.
    taken: f64,
}

impl Need {
    /// Of a mix that the stages before make `moved_lu` louder. `None` without a loudness or a peak.
    pub(super) fn of(
        mix: &Measurement,
        standard: Standard<'_>,
        density: Density,
        moved_lu: f64,
        share: Shares,
    ) -> Option<Self> {
        Some(Self {
            density,
            whose: standard.whose(),
            mix_plr_db: Quantity::PeakToLoudness.of(mix)?,
            mix_lufs: mix.loudness.integrated_lufs()? + moved_lu,
            taken: share.proven + share.whole,
        })
    }

    /// Levelling, where the master has to be denser.
    pub(super) fn leveler(&self) -> Option<(LevelerSettings, Suggestion)> {
        let Self { density, mix_plr_db, .. } = *self;
        let target_plr_db = density.target_plr_db();
        let gap_db = mix_plr_db - target_plr_db;
        let levelling = density.means.levelling_share * self.taken;
        let onset = ((gap_db - LIMITERS_SHARE_DB) / LEVELING_ONSET_DB).clamp(0.0, 1.0);
        let Levelling { over_loudness_db, attack_ms, release_ms, link_percent } = match density.link {
            Link::Together => LINKED,
            Link::Apart => UNLINKED,
            Link::Unknown => BETWEEN,
        };
        let over_loudness_db = over_loudness_db + LEVELING_PER_PLR_DB * (target_plr_db - AT_TARGET_PLR_DB);
        let settings = LevelerSettings {
            threshold_db: round((self.mix_lufs + over_loudness_db).clamp(-80.0, 24.0), 10.0),
            ratio: round(1.0 / (1.0 - levelling * onset * MAX_LEVELING_SLOPE), 100.0),
            attack_ms,
            release_ms,
            stereo_link_percent: link_percent,
        };
        if settings.ratio < 1.1 || over_loudness_db >= mix_plr_db {
            return None;
        }
        let setting =
            format!("leveler {:.2}:1 from {:.1} dBFS, {link_percent} % linked", settings.ratio, settings.threshold_db);
        // Where the loudness asks for more, the limiter does the rest.
        let predicted_db = target_plr_db.min(density.allowed_plr_db);
        Some((settings, self.suggestion("leveler", setting, density.cause(mix_plr_db, self.whose), predicted_db)))
    }

    /// Cutting of peaks where the master has to be denser, after a reference whose peaks were cut.
    pub(super) fn soft_clip(&self) -> Option<(SoftClipSettings, Suggestion)> {
        let Self { density: Density { allowed_plr_db, means, .. }, mix_plr_db, whose, .. } = *self;
        let gap_db = self.taken * (mix_plr_db - allowed_plr_db);
        if gap_db <= LIMITERS_SHARE_DB {
            return None;
        }
        let ceiling_db = self.mix_lufs + mix_plr_db - gap_db - means.cut_db?;
        let settings = SoftClipSettings {
            ceiling_db: round(ceiling_db.clamp(-60.0, 24.0), 10.0),
            knee_db: KNEE_DB,
            oversampling: OVERSAMPLING,
        };
        let because = if means.levelling_share < 1.0 {
            format!("{whose} were cut off, as its loud sounds stand nearly as far over its soft ones as in the mix")
        } else {
            "less than levelling leaves, so that they are cut off too".into()
        };
        let cause = format!(
            "peaks stand {mix_plr_db:.1} dB over the loudness, the master's may stand {allowed_plr_db:.1} dB: {because}"
        );
        let setting = format!("soft clip at {:.1} dBFS", settings.ceiling_db);
        Some((settings, self.suggestion("soft_clip", setting, cause, mix_plr_db - gap_db)))
    }

    fn suggestion(&self, stage: &str, setting: String, cause: String, predicted_db: f64) -> Suggestion {
        Suggestion {
            id: format!("compression.{stage}"),
            setting,
            cause,
            quantity: Quantity::PeakToLoudness,
            before: Some(self.mix_plr_db),
            predicted: Some(predicted_db),
        }
    }
}

/// Compressors by band, with a suggestion for each. `likenesses` are how alike the mix is to each reference, 0 to 1; `proposal` is
/// what the other stages do; `moved_db` is how much louder those before make each band.
pub(super) fn by_band(
    mix: &Measurement,
    references: &[&Measurement],
    likenesses: &[f64],
    proposal: &Proposal,
    moved_db: [f64; BANDS],
    share: Shares,
) -> ([Option<BandCompressorSettings>; BANDS], Vec<Suggestion>) {
    let mut compressors = [const { None }; BANDS];
    let mut suggestions = Vec::new();
    let standard = Standard::References(references);
    let plr_db = |measurement| Quantity::PeakToLoudness.of(measurement);
    let limiting_to_db = |reference_db: Option<f64>| {
        plr_db(mix).zip(reference_db).map_or(0.0, |(mix_db, reference_db)| (mix_db - reference_db).max(0.0))
    };
    let forecast = LazyCell::new(|| Forecast::new(mix, proposal));
    let bands = mix.band_dynamics();
    for (band, compressor) in compressors.iter_mut().enumerate() {
        let (wide_band, spread) = (WIDE_BANDS[band], Quantity::Spread { band });
        let (Some(before_db), Some(wanted_db)) = (spread.of(mix), standard.value(spread)) else { continue };
        // Half a band's spread is another one's.
        let top_hz = |of: &Measurement| wide_band.high_hz.min(0.5 * f64::from(of.sample_rate_hz));
        let whole = references.iter().zip(likenesses).filter(|(reference, _)| top_hz(mix) == top_hz(reference));
        let wishes_db = whole.filter_map(|(reference, likeness_ratio)| {
            let surplus_db = before_db - spread.of(reference)? - limiting_to_db(plr_db(reference));
            Some(share.blend(likeness_ratio * SHARE, 1.0) * surplus_db)
        });
        let reduction_db = to_corridor_db(wishes_db.collect()).min(MAX_SPREAD_REDUCTION_DB);
        let is_worth_it = reduction_db >= WORTHWHILE_DB && before_db <= MOST_SPREAD_DB;
        let Some(median_db) = bands[band].p50_db.filter(|_| is_worth_it) else { continue };
        // From the median up, a slope that takes `reduction_db` off the 95th percentile.
        let slope = (reduction_db / before_db).min(0.75);
        let settings = BandCompressorSettings {
            threshold_db: round((median_db + moved_db[band]).clamp(-80.0, 0.0), 10.0),
            ratio: round(1.0 / (1.0 - slope), 100.0),
            ..band_times(band)
        };
        let spreads = forecast.spreads(wide_band, &settings);
        suggestions.push(Suggestion {
            id: format!("compression.{}", wide_band.id),
            setting: format!("{:.2}:1 from {:.1} dB in the {}", settings.ratio, settings.threshold_db, wide_band.name()),
            cause: format!(
                "the level from {} spreads by {before_db:.1} dB from the median to the 95th percentile, {} by {wanted_db:.1} dB{}",
                wide_band.range(),
                standard.whose(),
                spreads.map_or(String::new(), |spreads| format!("; {}", moves(before_db, spreads)))
            ),
            quantity: spread,
            before: Some(before_db),
            predicted: spreads.map(|spreads| spreads.levelled_db),
        });
        *compressor = Some(settings);
    }
    (compressors, suggestions)
}

/// What the stages will do to a spread, in words: "the compressor takes 2.1 dB, the equaliser adds 2.3 dB".
fn moves(before_db: f64, Spreads { equalised_db, compressed_db, levelled_db }: Spreads) -> String {
    let told = |stage: &str, moved_db: f64| {
        let verb = if moved_db > 0.0 { "adds" } else { "takes" };
        format!("the {stage} {verb} {:.1} dB", moved_db.abs())
    };
    let others = [("equaliser", equalised_db - before_db), ("leveler", levelled_db - compressed_db)];
    let others = others.into_iter().filter(|(_, moved_db)| moved_db.abs() >= WORTH_SAYING_SPREAD_DB);
    let others = others.map(|(stage, moved_db)| told(stage, moved_db));
    std::iter::once(told("compressor", compressed_db - equalised_db)).chain(others).collect::<Vec<_>>().join(", ")
}

/// Low notes need slower times than cymbals, or their waveform is what gets compressed.
fn band_times(band: usize) -> BandCompressorSettings {
    let (attack_ms, release_ms) = [(40.0, 200.0), (25.0, 150.0), (15.0, 120.0), (10.0, 100.0)][band];
    BandCompressorSettings { attack_ms, release_ms, knee_db: 6.0, ..BandCompressorSettings::default() }
}

fn round(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::measure::Meter;
    use crate::units::db_to_amplitude;

    const WHOLE: Shares = Shares { proven: 1.0, whole: 0.0 };

    /// A quiet tone with short bursts four times a second: peaks far over the loudness.
    fn mix() -> Measurement {
        let mut audio = AudioBuffer::new(48_000);
        for n in 0..48_000 * 5 {
            let tone = (std::f32::consts::TAU * 440.0 * n as f32 / 48_000.0).sin();
            let level = if n % 12_000 < 240 { 0.9 } else { 0.05 };
            audio.push(level * tone, level * tone);
        }
        let mut meter = Meter::new(48_000);
        meter.push(&audio);
        meter.finish()
    }

    fn suggested(allowed_plr_db: f64, headroom_db: f64) -> (LevelerSettings, Suggestion) {
        let (mix, density) =
            (mix(), Density { allowed_plr_db, headroom_db, link: Link::Together, means: Means::default() });
        let need = Need::of(&mix, Standard::References(&[&mix]), density, 0.0, WHOLE).expect("loud");
        need.leveler().expect("a leveler")
    }

    #[test]
    fn a_denser_chain_levels_more_at_the_same_loudness() {
        let (plain, as_loud) = suggested(10.0, 0.0);
        let (denser, as_its_chain) = suggested(10.0, -2.0);
        assert!((denser.threshold_db - (plain.threshold_db - 2.0 * LEVELING_PER_PLR_DB)).abs() < 0.11);
        assert_eq!((as_loud.predicted, as_its_chain.predicted), (Some(10.0), Some(8.0)));
        assert!(as_loud.cause.contains("the limiter takes what levelling leaves of those"), "{}", as_loud.cause);
        assert!(as_its_chain.cause.contains("more than the"), "{}", as_its_chain.cause);
    }

    #[test]
    fn channels_are_linked_as_far_as_the_reference_tells() {
        let of = |link| {
            let (mix, means) = (mix(), Means::default());
            let density = Density { allowed_plr_db: 10.0, headroom_db: 0.0, link, means };
            let need = Need::of(&mix, Standard::References(&[&mix]), density, 0.0, WHOLE).expect("loud");
            let (settings, suggestion) = need.leveler().expect("a leveler");
            (settings.stereo_link_percent, suggestion.cause)
        };
        let [(together, plain), (unknown, unsure), (apart, each)] =
            [Link::Together, Link::Unknown, Link::Apart].map(of);
        assert_eq!([together, unknown, apart], [100.0, 75.0, 50.0]);
        assert!(!plain.contains("limiter turned") && each.contains("each channel by itself"), "{plain}; {each}");
        assert!(unsure.contains("nothing tells whether the reference's limiter turned both"), "{unsure}");
    }

    /// A steady tone, and a lower one that is quieter for three half seconds of five.
    fn pulsing(quieter_db: f64) -> Measurement {
        let mut audio = AudioBuffer::new(48_000);
        for n in 0..48_000 * 10 {
            let level = if n / 24_000 % 5 < 3 { db_to_amplitude(quieter_db) as f32 } else { 1.0 };
            let tone = |hz: f32| (std::f32::consts::TAU * hz * n as f32 / 48_000.0).sin();
            let x = 0.2 * tone(2000.0) + 0.2 * level * tone(300.0);
            audio.push(x, x);
        }
        let mut meter = Meter::new(48_000);
        meter.push(&audio);
        meter.finish()
    }

    /// What is suggested after the same song without its pulse.
    fn against_even(
        mix: &Measurement,
        proposal: &Proposal,
    ) -> ([Option<BandCompressorSettings>; BANDS], Vec<Suggestion>) {
        by_band(mix, &[&pulsing(0.0)], &[1.0], proposal, [0.0; BANDS], WHOLE)
    }

    #[test]
    fn a_band_compressor_predicts_what_it_and_the_other_stages_bring() {
        let mix = pulsing(-12.0);
        let suggested = |proposal: &Proposal| {
            let (compressors, suggestions) = against_even(&mix, proposal);
            let of_low_mids = |suggestion: &Suggestion| suggestion.quantity == Quantity::Spread { band: 1 };
            (compressors, suggestions.into_iter().find(of_low_mids).expect("a compressor"))
        };
        let (compressors, alone) = suggested(&Proposal::default());
        let (before_db, predicted_db) = alone.before.zip(alone.predicted).expect("loud");
        let taken_db = before_db - predicted_db;
        // No more than its slope can take, though the reference is denser.
        assert!(taken_db > 0.5 && taken_db < MAX_SPREAD_REDUCTION_DB, "{taken_db}");
        assert!(alone.cause.ends_with(&format!("the compressor takes {taken_db:.1} dB")), "{}", alone.cause);

        let leveler = LevelerSettings { threshold_db: -14.0, ..LevelerSettings::default() };
        let (same, levelled) = suggested(&Proposal { leveler: Some(leveler), ..Proposal::default() });
        assert_eq!(same, compressors, "what it predicts changes no setting");
        assert!(levelled.predicted.is_some_and(|levelled_db| levelled_db < predicted_db - 1.0), "{levelled:?}");
        assert!(levelled.cause.contains(", the leveler takes "), "{}", levelled.cause);
    }

    #[test]
    fn a_band_is_compressed_for_its_dynamics_and_not_for_its_pauses() {
        let ratio = |quieter_db: f64| {
            let (compressors, _) = against_even(&pulsing(quieter_db), &Proposal::default());
            compressors[1].as_ref().map(|settings| settings.ratio)
        };
        assert!(ratio(-12.0).is_some_and(|ratio| ratio > 1.1), "{:?}", ratio(-12.0));
        assert_eq!(ratio(-40.0), None);
    }

    #[test]
    fn a_band_that_lies_among_several_references_is_left_alone() {
        let (mix, even, wider) = (pulsing(-12.0), pulsing(0.0), pulsing(-15.0));
        let is_compressed = |references: &[&Measurement]| {
            let likenesses = vec![1.0; references.len()];
            by_band(&mix, references, &likenesses, &Proposal::default(), [0.0; BANDS], WHOLE).0[1].is_some()
        };
        assert!(is_compressed(&[&even, &even, &wider]));
        assert!(!is_compressed(&[&even, &wider, &wider]));
        assert!(!is_compressed(&[&even, &mix, &wider]));
    }

    #[test]
    fn a_looser_chain_leaves_the_rest_to_the_limiter() {
        let (plain, _) = suggested(8.0, 0.0);
        let (looser, suggestion) = suggested(8.0, 1.5);
        assert!(looser.threshold_db > plain.threshold_db);
        // The loudness has to be met all the same.
        assert_eq!(suggestion.predicted, Some(8.0));
        assert!(suggestion.cause.contains("less than the"), "{}", suggestion.cause);
    }
}
