//! How an album translates, for the terminal.

use super::super::AlbumTranslationDocument;
use super::super::figures::{file_names, number, printable, signed};
use super::super::translation::{album_words, ceiling_of_all, encoder_note, fix_outcome, worst_codec};
use super::{WIDTH, line, line_with_words, pad, shorten, wrap};

/// The album as one, its tracks, and what services do to both; nothing of one without tracks.
pub fn album_translation_text(document: &AlbumTranslationDocument) -> String {
    let mut out = String::new();
    let AlbumTranslationDocument { album: Some(album), tracks, .. } = document else { return out };
    line(
        &mut out,
        &format!(
            "Album of {} files: {} LUFS, loudest track {} LUFS, highest peak {} dBTP",
            tracks.len(),
            number(Some(album.integrated_lufs), 1),
            number(Some(album.loudest_track_lufs), 1),
            number(Some(album.true_dbtp), 1)
        ),
    );
    line(&mut out, "");
    line(&mut out, &format!("{:<40}{:>6}  {}", "Track", "score", "weakest device"));
    let names = file_names(tracks.iter().map(|track| track.file.path.as_str()));
    for (track, name) in tracks.iter().zip(&names) {
        let weakest = track.translation.weakest();
        let row = format!(
            "  {}{:>6}  {}",
            pad(&shorten(name, 38), 38),
            number(weakest.and_then(|device| device.own.score), 0),
            weakest.map_or(String::new(), |device| printable(&device.name))
        );
        line(&mut out, &shorten(&row, WIDTH));
        // What was rendered is told; what is proposed alone is a matter of the track.
        if let Some(fix) = weakest.and_then(|device| device.fix()).filter(|fix| fix.verified.is_some()) {
            wrap(&mut out, &format!("{}; {}", fix.setting, fix_outcome(fix, &track.translation)), 4);
        }
    }
    codecs(&mut out, document, &names);
    line(&mut out, "");
    line(&mut out, &format!("{:<28}{:>7}{:>7}{:>7}{:>16}", "", "album", "album", "album", "tracks alone"));
    let heads = format!("{:<28}{:>7}{:>7}{:>7}{:>16}", "", "gain", "LUFS", "dBTP", "gain");
    line(&mut out, &format!("{heads}  services as of {}", document.platforms_as_of));
    for service in &document.platforms {
        let alone = document
            .track_gains_db(&service.id)
            .map_or(String::new(), |[least, most]| format!("{} to {}", signed(Some(least), 1), signed(Some(most), 1)));
        let row = format!(
            "  {:<26}{:>7}{:>7}{:>7}{alone:>16}",
            service.name,
            signed(service.gain_db, 1),
            number(service.played_lufs, 1),
            number(service.true_dbtp, 1)
        );
        line_with_words(&mut out, &row, &album_words(service));
    }
    line(&mut out, "");
    line(&mut out, "Devices and codecs of each track: name one file, or --html or --json.");
    out
}

/// Of each track the codec behind which it peaks highest, and what ceiling passes all.
fn codecs(out: &mut String, document: &AlbumTranslationDocument, names: &[String]) {
    let tracks = || document.tracks.iter().map(|track| &track.translation).zip(names);
    if tracks().any(|(translation, _)| !translation.codecs.is_empty()) {
        line(out, "");
        line(out, &format!("{:<40}{:>8}{:>9}  {}", "Behind codecs, decoded", "dBTP", "ceiling", "highest behind"));
    }
    for (translation, name) in tracks() {
        let Some(worst) = worst_codec(translation) else { continue };
        let row = format!(
            "  {}{:>8}{:>9}  {}",
            pad(&shorten(name, 38), 38),
            number(worst.true_dbtp, 2),
            ceiling_of_all(translation),
            worst.id
        );
        line(out, &row);
    }
    wrap(out, tracks().find_map(|(translation, _)| encoder_note(translation)).unwrap_or_default(), 2);
    // The same codecs are looked for on behalf of every track.
    for absent in tracks().take(1).flat_map(|(translation, _)| &translation.codecs_absent) {
        wrap(out, &format!("Not checked: {}", printable(absent)), 2);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_fits;
    use super::*;
    use crate::report::sample;

    #[test]
    fn an_album_is_told_as_one_and_track_by_track() {
        let text = album_translation_text(&sample::album_translation());
        assert_fits(&text);
        for wanted in [
            "Album of 2 files: -12.0 LUFS, loudest track -10.0 LUFS, highest peak -1.0 dBTP",
            "  Night Drive master.wav                    41  Phone, one speaker",
            "\n    harmonics of the bass below 110 Hz at -12 dB; +4.0 points predicted, +3.1 rendered",
            "  Night Drive master.wav                    0.40     -1.6  opus-128",
            "  Not checked: mp3: no encoder",
            "Devices and codecs of each track",
            "  Spotify, normal              -2.0  -14.0   -3.0    -5.0 to -1.0  you give up 2.0 dB",
            "  YouTube                         \u{2013}      \u{2013}      \u{2013}                  each track by itself",
            "  Qobuz                           \u{2013}      \u{2013}      \u{2013}                  changes nothing",
        ] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
        let mut plain = sample::album_translation();
        for track in &mut plain.tracks {
            (track.translation.codecs, track.translation.codecs_absent) = (Vec::new(), Vec::new());
            track.translation.devices[0].fixes[0].verified = None;
        }
        let text = album_translation_text(&plain);
        assert!(!text.contains("Behind codecs") && !text.contains("predicted"), "{text}");
    }
}
