//! The HTML report: one page that needs nothing else, for a screen, a phone or paper, light or dark.

mod album_translation;
mod analysis;
mod plots;
mod settings;
mod translation;

pub use album_translation::album_translation_html;
pub use analysis::analysis_html;
use maud::{DOCTYPE, Markup, PreEscaped, html};
pub use translation::translation_html;

use super::figures::{
    KEY_FIGURES, PromiseWords, change, describe_file, file_name, nothing_proposed, number, printable_lines, programmes,
    signed, verdict,
};
use super::{AnalysisDocument, MasterReport, Outcome, SuggestionDocument};
use crate::master::Promise;
use crate::suggest::{CurvePoint, ModelVerdict};

/// The style sheet of the page.
const STYLE: &str = include_str!("style.css");

/// A page around its content: no scripts, nothing to load, and no character that controls, whatever a name holds.
fn page(title: &str, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " \u{2013} halfspeed" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { (content) }
                footer { "halfspeed " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    printable_lines(&page.into_string())
}

/// The head of a table of numbers: a column for each name, behind one for the rows' own names.
fn number_heads(names: &[&str]) -> Markup {
    html! { thead { tr { td {} @for name in names { th scope="col" { (name) } } } } }
}

/// A table that is wider than a phone, in a block that scrolls sideways there, by keyboard too.
fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label=(label) { (table) } }
}

/// Text with each option of the command line in it, such as `--loudness=-14`, on one line: hyphens would let it break.
fn prose(text: &str) -> Markup {
    html! {
        @for (index, word) in text.split(' ').enumerate() {
            @if index > 0 { " " }
            @if word.trim_start_matches('(').starts_with("--") { span.option { (word) } } @else { (word) }
        }
    }
}

/// One self-contained page about a master: no scripts, nothing to load.
pub fn master_html(report: &MasterReport) -> String {
    let title = file_name(&report.after.file.path);
    let content = html! {
        (head(report, &title))
        (promises(report))
        (key_numbers(report))
        (plots::over_time(report))
        (plots::spectrum(report))
        (plots::width(report))
        (suggestions(report))
        @if let Some(translation) = &report.translation {
            (translation::sections(translation, which_reference(report).as_deref()))
        }
        (settings::settings(report))
        (notes(report))
        (recipe(report))
    };
    page(&title, &content)
}

fn head(report: &MasterReport, title: &str) -> Markup {
    let MasterReport { before, after, reference, other_references, .. } = report;
    let references = reference.iter().map(|document| &document.file).chain(other_references);
    let made = programmes(before, after, None).into_iter();
    let made = made.map(|(role, AnalysisDocument { file, .. })| (role, file, file_name(&file.path), None));
    // Of several, numbers and curves are those of the first.
    let roles = std::iter::once(report.reference_role()).chain(std::iter::repeat(None));
    let given = references.zip(report.reference_names()).zip(roles);
    let given = given.map(|((file, name), role)| ("reference", file, name, role));
    html! {
        header {
            h1 title=(after.file.path) { (title) }
            dl.files {
                @for (what, file, name, role) in made.chain(given) {
                    dt.(what) { (what) }
                    dd {
                        span.path title=(file.path) { (name) }
                        @if let Some(role) = role { ", " (role) }
                        " " span.quiet { (describe_file(file)) }
                    }
                }
                @if let Some(profile) = &report.profile {
                    dt { "profile" }
                    dd { (profile.words()) }
                }
            }
        }
    }
}

fn promises(report: &MasterReport) -> Markup {
    let missed = report.verified.iter().any(|promise| !promise.met);
    let off = report.suggestions.iter().filter(|document| document.outcome.is_bad()).count();
    html! {
        section.verdict.missed[missed] #verdict {
            h2 { (mark(!missed)) " " (verdict(&report.verified)) }
            ul { @for kept in report.verified.iter().filter(|promise| !promise.met) { (promise(kept)) } }
            ul { @for kept in report.verified.iter().filter(|promise| promise.met) { (promise(kept)) } }
            p.quiet {
                "Measured on the written file."
                @if off > 0 {
                    " " a href="#changes" {
                        (off) " of " (report.suggestions.len()) " changes did not come about as predicted."
                    }
                }
            }
        }
    }
}

fn promise(promise: &Promise) -> Markup {
    let words = PromiseWords::of(promise);
    html! {
        li.missed[!promise.met] {
            (mark(promise.met)) " "
            strong { (words.name) @if !promise.met { " missed" } }
            " " span.number { (words.measured) } ", wanted " span.number { (words.wanted) }
            @if !words.reason.is_empty() { div.reason { "Why: " (prose(&words.reason)) } }
            @if !words.wanted_because.is_empty() { div.because { "Wanted because " (prose(&words.wanted_because)) } }
        }
    }
}

fn mark(kept: bool) -> Markup {
    let (symbol, word) = if kept { ("\u{2713}", "kept") } else { ("\u{2717}", "missed") };
    html! { span.mark.bad[!kept] role="img" aria-label=(word) { (symbol) } }
}

fn key_numbers(report: &MasterReport) -> Markup {
    let MasterReport { before, after, reference, .. } = report;
    html! {
        section #numbers {
            h2 { "Key numbers" }
            table.numbers {
                thead {
                    tr {
                        td {}
                        th.before scope="col" { "before" }
                        th.after scope="col" { "after" }
                        th scope="col" { "change" }
                        @if reference.is_some() { th.reference scope="col" { "reference" } }
                    }
                }
                tbody {
                    @for figure in &KEY_FIGURES {
                        @let of = |document: &AnalysisDocument| (figure.of)(&document.analysis);
                        tr {
                            th scope="row" title=(figure.help) {
                                (figure.name) @if !figure.unit.is_empty() { " " span.unit { (figure.unit) } }
                            }
                            td { (number(of(before), figure.decimals)) }
                            td.after { (number(of(after), figure.decimals)) }
                            td { (signed(change(of(before), of(after)), figure.decimals)) }
                            @if let Some(reference) = reference { td { (number(of(reference), figure.decimals)) } }
                        }
                    }
                }
            }
            @if let Some(named) = which_reference(report) { p.quiet { (named) } }
        }
    }
}

/// Which of several references is told.
fn which_reference(report: &MasterReport) -> Option<String> {
    let (names, role) = (report.reference_names(), report.reference_role()?);
    names.first().map(|name| format!("The reference here is {name}, {role}."))
}

fn suggestions(report: &MasterReport) -> Markup {
    let held_against = report.held_against();
    html! {
        section #changes {
            h2 { "What was done, and why" }
            @if report.suggestions.is_empty() {
                p { (nothing_proposed(report)) }
            } @else {
                table.changes {
                    thead {
                        tr {
                            th scope="col" { "change" }
                            th scope="col" { "measured by" }
                            th.before scope="col" { "before" }
                            th scope="col" { "predicted" }
                            th.after scope="col" { "achieved" }
                            @if let Some(name) = held_against { th.reference scope="col" { (name) } }
                            th scope="col" { "outcome" }
                        }
                    }
                    tbody { @for document in &report.suggestions { (suggestion(document, held_against)) } }
                }
                p.quiet {
                    "Levels are those of the mid over its mean from 100 Hz to 3.15 kHz. Marked: what moved the wrong way, "
                    "and what is more than 1 dB off its prediction."
                    @if !report.other_references.is_empty() { " Median: that of all references." }
                }
            }
            @if report.model.is_asked() && (!report.suggestions.is_empty() || report.model.likeness_ratio.is_some()) {
                p.quiet {
                    "Suggested by " (report.model.name) "."
                    @if let Some(likeness) = report.model.likeness_ratio {
                        " Likeness of mix and reference: " (number(likeness, 2))
                        " (0: different songs, 1: the same recording). The more alike, the more was taken over."
                    }
                    @if let Some(verdict) = &report.model.verdict { (model_words(verdict)) }
                    @if let Some(refinement) = &report.model.refinement { " " (refinement.describe()) }
                }
            }
        }
    }
}

/// How far the model was followed, and what the rules would have done.
fn model_words(verdict: &ModelVerdict) -> Markup {
    let at = |hz: f64| {
        let near = |point: &&CurvePoint| (point.frequency_hz / hz).log2().abs() < 1.0 / 6.0;
        verdict.classical_curve.iter().find(near).map(|point| point.gain_db)
    };
    html! {
        @if let (Some(version), Some(share)) = (&verdict.version, verdict.share_ratio) {
            " The model (version " (version) ") was followed by " (number(Some(100.0 * share), 0)) " %"
            ", which it puts within " (number(verdict.tone_deviation_db, 1)) " dB in tone; the rest is left to the classical rules."
        }
        " The rules alone would have aimed for " (signed(at(100.0), 1)) " dB at 100 Hz, " (signed(at(1000.0), 1))
        " dB at 1 kHz, " (signed(at(10_000.0), 1)) " dB at 10 kHz and " (signed(verdict.classical_side_gain_db, 1))
        " dB on the side."
    }
}

fn suggestion(document: &SuggestionDocument, held_against: Option<&str>) -> Markup {
    let SuggestionDocument { suggestion, unit, outcome, .. } = document;
    html! {
        tr.off[outcome.is_bad()] {
            th scope="row" title=(suggestion.id) {
                (suggestion.setting)
                div.cause { (suggestion.cause) }
                @if let Some(words) = document.reference_words() { div.cause { (words) } }
            }
            td.words data-label="measured by" { (document.measure) ", " (unit) }
            td data-label="before" { (number(suggestion.before, 1)) }
            td data-label="predicted" { (number(suggestion.predicted, 1)) }
            td.after data-label="achieved" { (number(document.achieved, 1)) }
            @if let Some(name) = held_against { td data-label=(name) { (number(document.held_against(), 1)) } }
            td.words data-label="outcome" {
                @match outcome {
                    Outcome::Unknown => {}
                    _ => { (mark(!outcome.is_bad())) " " }
                }
                (document.outcome_words())
            }
        }
    }
}

fn notes(report: &MasterReport) -> Markup {
    html! {
        @if !report.notes.is_empty() {
            section #notes {
                h2 { "Notes" }
                ul { @for note in &report.notes { li { (prose(note)) } } }
            }
        }
    }
}

fn recipe(report: &MasterReport) -> Markup {
    html! {
        section #recipe {
            details {
                summary { "The recipe: every setting, to edit and apply again" }
                pre { (report.settings.to_toml()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::NONE;
    use crate::report::sample;

    const SECTIONS: [&str; 8] = ["verdict", "numbers", "time", "spectrum", "width", "changes", "settings", "recipe"];

    /// Whether every tag is closed in its order.
    fn is_balanced(page: &str) -> bool {
        let style = page.find("<style>").zip(page.find("</style>"));
        let page = style.map_or(page.to_owned(), |(from, to)| format!("{}{}", &page[..from], &page[to + 8..]));
        let mut open = Vec::new();
        for tag in page.split('<').skip(1) {
            let Some((tag, _)) = tag.split_once('>') else { return false };
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
            if let Some(closed) = tag.strip_prefix('/') {
                if open.pop() != Some(closed) {
                    return false;
                }
            } else if !(tag.ends_with('/') || tag.starts_with('!') || name == "meta") {
                open.push(name);
            }
        }
        open.is_empty()
    }

    #[test]
    fn a_page_has_every_section_and_closes_its_tags() {
        for report in [sample::report(), sample::missed(), sample::bare()] {
            let page = master_html(&report);
            for section in SECTIONS {
                assert!(page.contains(&format!("id=\"{section}\"")), "{section}");
            }
            assert!(is_balanced(&page));
            assert!(page.contains("halfspeed 0.1.0"));
        }
        assert!(!is_balanced("<p><b></p></b>"));
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere() {
        let page = master_html(&sample::report());
        for foreign in ["http:", "https:", "src=", "url(", "@import", "<script", "<link"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn the_same_report_gives_the_same_page() {
        assert_eq!(master_html(&sample::report()), master_html(&sample::report()));
    }

    #[test]
    fn names_are_escaped_and_shortened_to_the_file() {
        let mut report = sample::report();
        report.after.file.path = "/home/me/a <b>&\" \u{1b}.wav".into();
        report.notes = vec!["<script>".into()];
        report.settings.eq[0].name = "<i>".into();
        let page = master_html(&report);
        assert!(is_balanced(&page) && !page.contains("<b>") && !page.contains("<script>") && !page.contains("<i>"));
        assert!(
            !page.contains('\u{1b}') && page.contains("a &lt;b&gt;&amp;&quot; \u{fffd}.wav\">"),
            "in the title too"
        );
        assert!(page.contains("a &lt;b&gt;&amp;&quot;") && page.contains("title=\"/home/me/a &lt;b&gt;&amp;&quot;"));
    }

    #[test]
    fn a_missed_promise_comes_with_its_reason() {
        let page = master_html(&sample::missed());
        assert!(page.contains("1 of 3 promises is missed") && page.contains("Loudness missed"));
        assert!(page.contains("<span class=\"option\">--force-loudness</span> goes on"));
        let kept = master_html(&sample::report());
        assert!(kept.contains("All 3 promises are kept") && !kept.contains("Loudness missed"));
    }

    #[test]
    fn options_stay_on_one_line() {
        let told = prose("<it> is quiet - --loudness=-14 makes it louder (--amount-eq)").into_string();
        let option = |text: &str| format!("<span class=\"option\">{text}</span>");
        let (loudness, eq) = (option("--loudness=-14"), option("(--amount-eq)"));
        assert_eq!(told, format!("&lt;it&gt; is quiet - {loudness} makes it louder {eq}"));
        let page = master_html(&MasterReport { notes: vec!["--loudness=-14 helps.".into()], ..sample::report() });
        assert!(page.contains(&format!("<li>{loudness} helps.</li>")));
        assert!(page.contains(".number, .option { white-space: nowrap; }"));
    }

    #[test]
    fn a_promise_that_needs_a_reason_has_it_beside_it() {
        let mut report = sample::report();
        report.verified[0].wanted_because = Some("<the reference> peaks over the ceiling".into());
        let page = master_html(&report);
        assert!(is_balanced(&page) && page.contains("Wanted because &lt;the reference&gt; peaks over the ceiling"));
    }

    #[test]
    fn unexpected_outcomes_are_marked() {
        let page = master_html(&sample::report());
        assert_eq!(page.matches("moved the wrong way").count(), 2, "one suggestion, and the legend");
        assert!(page.contains("+1.5 dB off the prediction") && page.contains("not measurable"));
        assert_eq!(page.matches("<tr class=\"off\">").count(), 2);
        assert!(page.contains("2 of 6 changes did not come about as predicted"));
    }

    #[test]
    fn a_density_after_a_reference_that_clips_stands_beside_the_number_that_was_used() {
        let mut report = sample::report();
        report.suggestions[0].reference_by_samples = Some(1.9);
        let page = master_html(&report);
        assert!(is_balanced(&page) && page.contains("<td data-label=\"reference\">1.9</td>"));
        assert!(page.contains("by the samples its limiter held; by true peak it would be 2.6 dB."));
    }

    #[test]
    fn of_several_references_one_is_named_and_the_others_count_in_the_median() {
        let mut report = sample::report();
        let only = master_html(&report);
        assert!(!only.contains("The reference here") && !only.contains(">median<"));
        report.other_references = vec![sample::before().file, sample::after().file];
        let page = master_html(&report);
        assert!(is_balanced(&page) && page.contains("Some Hit.flac</span>, the middle one of 3 in loudness "));
        // Key numbers, loudness, spectrum, width and scores of devices are its own; changes are held against all.
        assert_eq!(page.matches("The reference here is Some Hit.flac, the middle one of 3 in loudness.").count(), 5);
        assert_eq!(page.matches(">reference</th>").count(), 2, "key numbers and scores of devices");
        assert_eq!(page.matches(">median</th>").count(), 1);
        assert_eq!(page.matches("data-label=\"median\"").count(), report.suggestions.len());
        assert!(page.contains("Median: that of all references.") && !page.contains("data-label=\"reference\""));
    }

    #[test]
    fn an_equaliser_that_is_for_devices_alone_was_fitted_to_nothing() {
        let mut report = sample::report();
        let added = "mono below 150 Hz for Phone, one speaker.";
        assert!(master_html(&report).contains(&format!("fitted to the dotted curve. Added to it: {added}")));
        report.settings.eq.truncate(1);
        let page = master_html(&report);
        assert!(
            !page.contains("fitted to the dotted curve")
                && page.contains(&format!("what was added for devices: {added}"))
        );
    }

    #[test]
    fn what_does_not_exist_is_a_dash_and_never_a_number() {
        let page = master_html(&sample::bare());
        assert!(page.contains(NONE) && page.contains("no values") && page.contains("No equaliser was used"));
        let curves = MasterReport { reference: None, translation: None, ..sample::report() };
        for page in [page, master_html(&curves)] {
            let drawings = page.split("<svg").skip(1).map(|svg| svg.split("</svg>").next().unwrap_or_default());
            assert!(drawings.into_iter().all(|svg| !svg.contains("NaN") && !svg.contains("inf")));
            assert!(!page.contains(">NaN") && !page.contains("-inf<") && !page.contains("class=\"line reference"));
        }
    }
}
