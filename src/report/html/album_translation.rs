//! How an album translates: the album as one, then each track.

use maud::{Markup, html};

use super::translation::parts_of;
use super::{number_heads, page, scrolling};
use crate::report::AlbumTranslationDocument;
use crate::report::figures::{describe_file, file_names, number, signed};
use crate::report::translation::album_words;

/// One self-contained page about how an album translates: no scripts, nothing to load.
pub fn album_translation_html(document: &AlbumTranslationDocument) -> String {
    let title = format!("Album of {} files", document.tracks.len());
    let names = file_names(document.tracks.iter().map(|track| track.file.path.as_str()));
    let content = html! {
        header {
            h1 { (title) }
            @if let Some(album) = &document.album {
                p {
                    span.number { (number(Some(album.integrated_lufs), 1)) " LUFS" } ", loudest track "
                    span.number { (number(Some(album.loudest_track_lufs), 1)) " LUFS" } ", highest peak "
                    span.number { (number(Some(album.true_dbtp), 1)) " dBTP" }
                }
            }
        }
        (tracks(document, &names))
        (platforms(document))
        @for (track, name) in document.tracks.iter().zip(&names) {
            section.translation {
                h2 title=(track.file.path) { (name) }
                p.quiet { (describe_file(&track.file)) }
                (parts_of(&track.translation, None))
            }
        }
    };
    page(&title, &content)
}

fn tracks(document: &AlbumTranslationDocument, names: &[String]) -> Markup {
    html! {
        section.translation {
            h2 { "Weakest devices" }
            table {
                tbody {
                    @for (track, name) in document.tracks.iter().zip(names) {
                        tr {
                            th scope="row" { (name) }
                            @if let Some(weakest) = track.translation.weakest() {
                                td { (number(weakest.own.score, 0)) }
                                td.words { (weakest.name) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn platforms(document: &AlbumTranslationDocument) -> Markup {
    let table = html! {
        table.numbers {
            (number_heads(&["gain on the album dB", "LUFS", "dBTP", "tracks alone dB"]))
            tbody {
                @for service in &document.platforms {
                    tr {
                        th scope="row" { (service.name) div.cause { (album_words(service)) } }
                        td { (signed(service.gain_db, 1)) }
                        td { (number(service.played_lufs, 1)) }
                        td { (number(service.true_dbtp, 1)) }
                        td {
                            @if let Some([least, most]) = document.track_gains_db(&service.id) {
                                (signed(Some(least), 1)) " to " (signed(Some(most), 1))
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        section.translation {
            h2 { "Services, as of " (document.platforms_as_of) }
            (scrolling("What services do to the album", &table))
            p.quiet {
                "Played as an album, all tracks get one gain and keep the levels between them; alone, or in a playlist, each gets its own."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_page_has_the_album_and_every_track() {
        let document = sample::album_translation();
        let page = album_translation_html(&document);
        for foreign in ["http:", "https:", "src=", "<script", "<link", "NaN", ">inf", ">-inf"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert_eq!(page.matches("<svg class=\"wide\"").count(), 2 * document.tracks.len());
        assert!(page.contains("you give up 2.0 dB") && page.contains("each track by itself"));
        assert!(page.contains("-5.0 to -1.0") && !page.contains("id=\"translation\""));
    }
}
