//! How a programme translates: the document.

use schemars::JsonSchema;
use serde::Serialize;

use super::figures::{clock, number, printable, signed};
use super::{FailedFile, FileDocument};
use crate::translate::ceiling::{CeilingFix, CeilingOutcome};
use crate::translate::codecs::{CodecCheck, LOWEST_DBTP};
use crate::translate::fix::{Change, Fix, LeftOut};
use crate::translate::job::{Translated, TranslatedAlbum};
use crate::translate::platforms::{Album, AlbumPlayback, Playback};
use crate::translate::{Part, SectionScore, Translation};

/// `halfspeed.translation/1`: what is left of a programme on devices, services and codecs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TranslationDocument {
    /// Always `halfspeed.translation/1`.
    pub schema: &'static str,
    /// The programme.
    pub file: FileDocument,
    /// The mix that it was made from, if one was given.
    pub before: Option<FileDocument>,
    /// The reference, if one was given.
    pub reference: Option<FileDocument>,
    /// What was found.
    #[serde(flatten)]
    pub translation: Translation,
}

impl TranslationDocument {
    /// The document of a programme that was looked at.
    pub fn new(translated: Translated) -> Self {
        Self {
            schema: "halfspeed.translation/1",
            file: FileDocument::new(&translated.source),
            before: translated.before.as_ref().map(FileDocument::new),
            reference: translated.reference.as_ref().map(FileDocument::new),
            translation: translated.translation,
        }
    }
}

/// `halfspeed.album-translation/1`: what services make of an album, and what is left of each of its tracks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AlbumTranslationDocument {
    /// Always `halfspeed.album-translation/1`.
    pub schema: &'static str,
    /// The album as services see it; `None` where none of its tracks could be looked at.
    pub album: Option<Album>,
    /// What they do to it.
    pub platforms: Vec<AlbumPlayback>,
    /// Month up to which the table of services holds.
    pub platforms_as_of: String,
    /// Its tracks, in order.
    pub tracks: Vec<TranslationDocument>,
    /// Tracks that could not be looked at, in order; left out where all were.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedFile>,
}

impl AlbumTranslationDocument {
    /// The document of an album that was looked at, but for what failed of it.
    pub fn new(translated: TranslatedAlbum, failed: Vec<FailedFile>) -> Self {
        let TranslatedAlbum { album, platforms, platforms_as_of, tracks } = translated;
        Self {
            schema: "halfspeed.album-translation/1",
            album,
            platforms,
            platforms_as_of,
            tracks: tracks.into_iter().map(TranslationDocument::new).collect(),
            failed,
        }
    }

    /// Least and most gain that a service gives to a track played by itself, dB.
    pub(super) fn track_gains_db(&self, id: &str) -> Option<[f64; 2]> {
        let playbacks = self.tracks.iter().flat_map(|track| &track.translation.platforms);
        let gains = playbacks.filter(|playback| playback.id == id).map(|playback| playback.gain_db);
        gains.fold(None, |range: Option<[f64; 2]>, gain| {
            Some(range.map_or([gain; 2], |[least, most]| [least.min(gain), most.max(gain)]))
        })
    }
}

/// What would be told as 0.0 is not told, dB.
const WORTH_TELLING_DB: f64 = 0.05;

/// What loudness costs an album on a service, in words.
pub(super) fn album_words(service: &AlbumPlayback) -> String {
    if service.target_lufs.is_none() {
        return "changes nothing".into();
    }
    if service.gain_db.is_none() {
        return "each track by itself".into();
    }
    costs(service.given_up_db, service.limited_db).join(", ")
}

/// What loudness costs a track on a service, and what its peaks do there, in words.
pub(super) fn service_words(service: &Playback) -> String {
    let Playback { advised_dbtp, over_advice_db, .. } = service;
    let mut told = costs(service.given_up_db, service.limited_db);
    if *over_advice_db > WORTH_TELLING_DB {
        told.push(format!("peak {} dB over its advice of {advised_dbtp} dBTP", number(*over_advice_db, 1)));
    }
    told.join(", ")
}

/// Costs that are worth telling.
fn costs(given_up_db: f64, limited_db: f64) -> Vec<String> {
    let costs = [("you give up", given_up_db), ("its limiter takes", limited_db)];
    let told = costs.into_iter().filter(|(_, db)| *db > WORTH_TELLING_DB);
    told.map(|(what, db)| format!("{what} {} dB", number(db, 1))).collect()
}

/// What stands over the column of a part.
pub(super) fn part_head(part: Part) -> &'static str {
    match part {
        Part::Bass => "bass",
        Part::Lead => "lead",
        Part::Mono => "mono",
        Part::Balance => "tone",
        Part::Noise => "noise",
        Part::Stress => "stress",
    }
}

/// The score of a section, and that of the mix there.
pub(super) fn section_words(section: &SectionScore) -> String {
    let was = section.before.map_or(String::new(), |was| format!(" (was {})", number(Some(was), 0)));
    format!("{} {}{was}", clock(section.times_s[0]), number(section.score, 0))
}

/// Where proposals come true.
const HINT: &str = "master --translate-fix makes such changes, and keeps those that prove right when rendered.";

/// What a reader of proposals can do about them; nothing where there are none but such as were rendered and left out.
pub(super) fn fix_hint(translation: &Translation) -> Option<&'static str> {
    translation.fixes().any(|(_, fix)| !fix.is_left_out()).then_some(HINT)
}

/// What people call a device. One that isn't told of has nothing but its id.
fn device_name(id: &str, translation: &Translation) -> String {
    let device = translation.devices.iter().find(|device| device.id == id);
    printable(device.map_or(id, |device| device.name.as_str()))
}

/// What a fix should do, and does.
pub(super) fn fix_outcome(fix: &Fix, translation: &Translation) -> String {
    let gain = signed(Some(fix.predicted_gain), 1);
    let predicted = format!("{gain} points predicted");
    match &fix.verified {
        // Rendered, six gained two to four fifths of it (docs/translation.md).
        None if matches!(fix.change, Change::BassHarmonics { .. }) => format!("up to {predicted}"),
        None => predicted,
        Some(verified) => {
            let harm = match &verified.harmed {
                Some(harmed) if verified.worst_harm >= 0.05 => {
                    let name = device_name(harmed, translation);
                    format!(", {} on {name}", signed(Some(-verified.worst_harm), 1))
                }
                _ => String::new(),
            };
            let verdict = match verified.left_out {
                None => "",
                Some(LeftOut::TooLittle) => ": left out, it adds too little",
                Some(LeftOut::Harms) => ": left out, it takes too much",
                Some(LeftOut::NotWithOthers) => ": left out, it doesn't go with the changes before it",
                Some(LeftOut::Rewrites) => ": left out, it would be another sound",
            };
            format!("{predicted}, {} rendered{harm}{verdict}", signed(Some(verified.gain), 1))
        }
    }
}

/// What a codec that fails needs. `None` for one that passes.
pub(super) fn codec_need(check: &CodecCheck) -> Option<String> {
    let clips = || format!("clips at {} dBTP decoded", signed(check.true_dbtp, 2));
    match check.passing_ceiling_dbtp {
        _ if check.passes => None,
        Some(ceiling) => {
            Some(format!("{}; a ceiling of {} dBTP passes this encoder", clips(), number(Some(ceiling), 1)))
        }
        None => Some(format!("{}; no ceiling down to {LOWEST_DBTP} dBTP passes", clips())),
    }
}

/// The codec behind which a programme peaks highest.
pub(super) fn worst_codec(translation: &Translation) -> Option<&CodecCheck> {
    let peak_dbtp = |check: &CodecCheck| check.true_dbtp.unwrap_or(f64::NEG_INFINITY);
    translation.codecs.iter().max_by(|a, b| peak_dbtp(a).total_cmp(&peak_dbtp(b)))
}

/// The ceiling at which a programme passes all codecs that were checked, dBTP: the lowest of theirs.
pub(super) fn ceiling_of_all(translation: &Translation) -> String {
    let mut failing = translation.codecs.iter().filter(|check| !check.passes).peekable();
    if failing.peek().is_none() {
        return "passes".into();
    }
    let ceilings: Option<Vec<f64>> = failing.map(|check| check.passing_ceiling_dbtp).collect();
    number(ceilings.and_then(|ceilings| ceilings.into_iter().reduce(f64::min)), 1)
}

/// A change of loudness by less is not worth a word, LU.
const LEVEL_LU: f64 = 0.1;

/// What changes of loudness do to the rises of peaks.
pub(super) fn level_notes(translation: &Translation) -> impl Iterator<Item = String> {
    translation.codecs.iter().filter_map(|check| {
        let change_lu = check.loudness_change_lu.filter(|lu| lu.abs() >= LEVEL_LU)?;
        let (comes_out, more) = if change_lu < 0.0 { ("quieter", "more") } else { ("louder", "less") };
        let by_lu = number(change_lu.abs(), 2);
        Some(format!(
            "{} comes out {by_lu} LU {comes_out}: at equal loudness its peak rises by that much {more}.",
            check.id
        ))
    })
}

/// What holds of every ceiling that passes; nothing where none is told.
pub(super) fn encoder_note(translation: &Translation) -> Option<&'static str> {
    let has_ceiling = translation.codecs.iter().any(|check| check.passing_ceiling_dbtp.is_some());
    has_ceiling.then_some("Other encoders at the same bit rate may need a ceiling that is up to 1 dB lower.")
}

/// What became of a lower ceiling for the sake of codecs.
pub(super) fn ceiling_outcome(fix: &CeilingFix, translation: &Translation) -> String {
    let names = fix.codecs.iter().map(|codec| codec.id.as_str()).collect::<Vec<_>>().join(", ");
    let (from, to) = (number(Some(fix.from_dbtp), 1), number(fix.to_dbtp, 1));
    match fix.outcome {
        CeilingOutcome::Applied => {
            let moves = fix.codecs.iter().map(|codec| {
                format!("{} {} to {} dBTP", codec.id, signed(codec.before_dbtp, 2), signed(codec.after_dbtp, 2))
            });
            format!(
                "ceiling {from} to {to} dBTP: {}; loudness {} LU",
                moves.collect::<Vec<_>>().join(", "),
                signed(fix.loudness_change_lu, 2)
            )
        }
        CeilingOutcome::NonePasses if fix.to_dbtp.is_some() => {
            format!("clips behind {names}; ceilings down to {to} dBTP were tried and did not pass: left at {from} dBTP")
        }
        CeilingOutcome::NonePasses => {
            format!("clips behind {names}; no ceiling down to {LOWEST_DBTP} dBTP passes: left at {from} dBTP")
        }
        CeilingOutcome::Harms => format!(
            "clips behind {names}; a ceiling of {to} dBTP passes and takes {} points from {}: left at {from} dBTP",
            number(Some(fix.worst_harm), 1),
            fix.harmed.as_deref().map(|id| device_name(id, translation)).unwrap_or_default()
        ),
    }
}

/// What scores don't tell of a programme against the mix that it was made from.
pub(super) fn unheard(translation: &Translation) -> impl Iterator<Item = String> {
    bass_note(translation).into_iter().chain(density_note(translation))
}

/// That a programme lacks bass that its mix has, and what that means for the changes of its scores.
pub(super) fn bass_note(translation: &Translation) -> Option<String> {
    let lack_db = number(Some(translation.bass_lack_db?), 0);
    Some(format!(
        "It lacks {lack_db} dB of the mix's bass, 30 to 130 Hz at equal loudness: what bass, tone and noise gain by that is not \
         counted in the changes."
    ))
}

/// A PLR that fell by more is worth a word, dB.
const DENSER_DB: f64 = 3.0;

/// That a programme is much denser than its mix, which no score knows of.
fn density_note(translation: &Translation) -> Option<String> {
    let denser_db = translation.plr_change_db.map(|change| -change).filter(|db| *db > DENSER_DB)?;
    Some(format!(
        "Its peaks stand {} dB less over its loudness than the mix's. Dynamics and distortion are not scored: \
         halfspeed compare has them.",
        number(Some(denser_db), 1)
    ))
}

/// Changes of a score that are worth a word in the summary, points.
const NOTABLE: f64 = 5.0;

/// A sentence on what mastering changed.
pub(super) fn summary(translation: &Translation) -> String {
    let changes: Vec<(&str, f64)> =
        translation.devices.iter().filter_map(|device| Some((device.name.as_str(), device.change?))).collect();
    let of = |sign: f64| {
        let mut found: Vec<_> = changes.iter().filter(|(_, change)| sign * change >= NOTABLE).collect();
        found.sort_by(|a, b| (sign * b.1).total_cmp(&(sign * a.1)));
        found
            .iter()
            .take(3)
            .map(|(name, change)| format!("{name} {}", signed(Some(*change), 0)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (better, worse) = (of(1.0), of(-1.0));
    match (better.is_empty(), worse.is_empty()) {
        (true, true) => "Translation stays as it was, within 5 points on every device.".into(),
        (false, true) => format!("Translates better on: {better}."),
        (true, false) => format!("Translates worse on: {worse}."),
        (false, false) => format!("Translates better on: {better}; worse on: {worse}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::NONE;
    use crate::report::sample;
    use crate::translate::fix::Verified;

    #[test]
    fn what_became_of_a_ceiling_is_told() {
        let translation = sample::translation();
        let fix = translation.ceiling.clone().expect("in the sample");
        let told = |outcome, to_dbtp| ceiling_outcome(&CeilingFix { outcome, to_dbtp, ..fix.clone() }, &translation);
        assert_eq!(
            told(CeilingOutcome::Applied, Some(-2.3)),
            "ceiling -1.0 to -2.3 dBTP: vorbis-96 +1.01 to -0.12 dBTP; loudness -0.31 LU"
        );
        let harms = told(CeilingOutcome::Harms, Some(-2.3));
        assert!(harms.ends_with("takes 2.6 points from Car <\u{fffd}motorway>: left at -1.0 dBTP"), "{harms}");
        assert!(told(CeilingOutcome::NonePasses, Some(-2.3)).contains("down to -2.3 dBTP were tried"));
        assert!(told(CeilingOutcome::NonePasses, None).contains("no ceiling down to -8 dBTP passes"));
    }

    #[test]
    fn what_was_rendered_and_left_out_says_why() {
        let mut translation = sample::translation();
        let mut fix = translation.devices[0].fixes[0].clone();
        assert_eq!(
            fix_outcome(&fix, &translation),
            "+4.0 points predicted, +3.1 rendered, -2.6 on Car <\u{fffd}motorway>: left out, it takes too much"
        );
        assert_eq!(fix_hint(&translation), None);
        // A device that isn't told of.
        translation.devices.truncate(1);
        assert!(fix_outcome(&fix, &translation).contains("-2.6 on car:"));
        let verified = fix.verified.take().expect("rendered");
        let alone = Verified { worst_harm: 0.0, harmed: None, left_out: Some(LeftOut::Rewrites), ..verified };
        fix.verified = Some(alone);
        assert!(fix_outcome(&fix, &translation).ends_with("+3.1 rendered: left out, it would be another sound"));
        fix.verified = None;
        assert_eq!(fix_outcome(&fix, &translation), "up to +4.0 points predicted");
        fix.change = Change::Presence { gain_db: 2.0 };
        assert_eq!(fix_outcome(&fix, &translation), "+4.0 points predicted");
        translation.devices[0].fixes[0].verified = None;
        assert!(fix_hint(&translation).is_some_and(|hint| hint.contains("master --translate-fix")));
    }

    #[test]
    fn what_scores_do_not_tell_is_told_where_there_is_much_of_it() {
        let told = |bass_lack_db, plr_change_db| {
            unheard(&Translation { bass_lack_db, plr_change_db, ..sample::translation() }).collect::<Vec<_>>()
        };
        assert!(told(None, None).is_empty() && told(None, Some(-2.9)).is_empty() && told(None, Some(8.0)).is_empty());
        let notes = told(Some(14.2), Some(-4.2));
        assert!(notes[0].starts_with("It lacks 14 dB of the mix's bass"), "{notes:?}");
        assert!(
            notes[1].contains("4.2 dB less") && notes[1].ends_with("not scored: halfspeed compare has them."),
            "{notes:?}"
        );
    }

    #[test]
    fn a_peak_over_the_advice_of_a_service_is_told_with_it() {
        let service = sample::translation().platforms.remove(0);
        assert_eq!(service_words(&service), "you give up 5.0 dB");
        let over = Playback { over_advice_db: 0.5, ..service };
        assert_eq!(service_words(&over), "you give up 5.0 dB, peak 0.5 dB over its advice of -2 dBTP");
    }

    #[test]
    fn the_worst_codec_and_the_ceiling_of_all_are_those_of_all() {
        let mut translation = sample::translation();
        assert_eq!(worst_codec(&translation).map(|check| check.id.as_str()), Some("opus-128"));
        assert_eq!(ceiling_of_all(&translation), "-1.6");
        let check = translation.codecs[0].clone();
        let more = |id: &str, true_dbtp, passes, passing_ceiling_dbtp| CodecCheck {
            id: id.into(),
            true_dbtp: Some(true_dbtp),
            passes,
            passing_ceiling_dbtp,
            ..check.clone()
        };
        translation.codecs.push(more("vorbis-96", 1.1, false, Some(-2.3)));
        translation.codecs.push(more("mp3-320", -0.4, true, None));
        assert_eq!(worst_codec(&translation).map(|check| check.id.as_str()), Some("vorbis-96"));
        assert_eq!(ceiling_of_all(&translation), "-2.3");
        translation.codecs.push(more("mp3-128", 0.9, false, None));
        assert_eq!(ceiling_of_all(&translation), NONE);
        translation.codecs.retain(|check| check.passes);
        assert_eq!(ceiling_of_all(&translation), "passes");
    }

    #[test]
    fn a_change_of_loudness_is_told_from_a_tenth_of_a_lu_on() {
        let mut translation = sample::translation();
        let mut told = |change_lu| {
            translation.codecs[0].loudness_change_lu = change_lu;
            level_notes(&translation).next()
        };
        assert_eq!(
            told(Some(-0.44)).as_deref(),
            Some("opus-128 comes out 0.44 LU quieter: at equal loudness its peak rises by that much more.")
        );
        assert!(told(Some(0.1)).is_some_and(|note| note.contains("0.10 LU louder") && note.ends_with("much less.")));
        assert_eq!([told(Some(-0.09)), told(None)], [None, None]);
    }

    #[test]
    fn a_codec_that_clips_is_told_with_what_it_needs() {
        let check = sample::translation().codecs.remove(0);
        assert_eq!(
            codec_need(&check).as_deref(),
            Some("clips at +0.40 dBTP decoded; a ceiling of -1.6 dBTP passes this encoder")
        );
        assert_eq!(codec_need(&CodecCheck { passes: true, ..check }), None);
        let mut translation = sample::translation();
        assert!(encoder_note(&translation).is_some_and(|note| note.contains("up to 1 dB")));
        translation.codecs[0].passing_ceiling_dbtp = None;
        assert_eq!(encoder_note(&translation), None);
    }
}
