use super::moved::{Moved, evened, held_lower, image_notes, quiet_reference, squeezed};
use super::*;
use crate::AudioBuffer;
use crate::advise::{Mend, Problem};
use crate::dsp::eq::{BandChannel, response_db};
use crate::dsp::leveler::LevelerSettings;
use crate::dsp::limiter::LimiterSettings;
use crate::dsp::testing::Noise;
use crate::dsp::width::WidthSettings;
use crate::engine::Recipe;
use crate::engine::render::{ChainLog, LimiterLog};
use crate::io::{SourceInfo, Tags};
use crate::measure::{Measurement, Meter};
use crate::quality::Finding;
use crate::suggest::Proposal;

fn finding(id: Check, severity: Severity, value: f64) -> Finding {
    Finding::new(id, severity, value, 0.0, "it is so; mend it")
}

fn found<'a>(mix: &'a [Finding], master: &'a [Finding]) -> Found<'a> {
    Found { mix, master, louder_lu: 9.0, makes_harmonics: false, side_gain_db: 0.0, eq_width_db: 0.0 }
}

#[test]
fn a_fault_that_has_grown_is_told_once_with_both_values() {
    let offset = |severity, percent| [finding(Check::Dc, severity, percent)];
    let (mix, master) = (offset(Severity::Fail, -1.4), offset(Severity::Fail, -3.2));
    let grown = "In the mix: it is so; mend it. It has grown: in the mix -1.4 %, in the master -3.2 %.";
    assert_eq!(found(&mix, &master).mix_notes(), [grown]);
    assert!(found(&mix, &master).master_notes().is_empty());
    let same = offset(Severity::Fail, -1.5);
    assert_eq!(found(&mix, &same).mix_notes(), ["In the mix: it is so; mend it."]);
    // One that nobody tells of the mix.
    let small = offset(Severity::Warning, 0.5);
    let grown = "In the master: it is so; mend it. It has grown: in the mix 0.5 %, in the master -3.2 %.";
    assert_eq!(found(&small, &master).master_notes(), [grown]);
    assert!(found(&small, &master).mix_notes().is_empty());
}

#[test]
fn bass_in_the_side_of_a_master_is_told_with_the_mix_and_the_settings_that_mend_it() {
    let advice = |width_db| Advice {
        id: Problem::SideBass,
        severity: crate::advise::Severity::High,
        confidence: 0.8,
        message: "the side is loud".into(),
        band_hz: None,
        times_s: Vec::new(),
        evidence: [("side_over_mid_db", width_db)].into(),
        fix: String::new(),
        mend: Mend::Master,
    };
    let alone = side_bass(&advice(5.0), None);
    assert!(alone.starts_with("In the master: the side is loud. In its recipe, [[eq]] kind"), "{alone}");
    let known = side_bass(&advice(5.0), Some(&advice(4.6)));
    assert!(known.contains("is loud. The mix has it already (side over mid +4.6 dB). In its"), "{known}");
}

#[test]
fn the_settings_that_mend_bass_in_the_side_are_those_of_a_recipe() {
    let lines = MONO_BASS.replace("[[eq]] ", "[[eq]]\n").replace(", ", "\n");
    let recipe = format!("schema = \"halfspeed.recipe/1\"\n{lines}\n");
    let recipe: Recipe = toml::from_str(&recipe).expect("a recipe");
    let [band] = &recipe.eq[..] else { panic!("{recipe:?}") };
    let side_db = |hz| response_db(&recipe.eq, BandChannel::Side, hz, 44_100);
    assert!((side_db(120.0) + 3.0).abs() < 0.1 && side_db(60.0) < -23.0, "{band:?}");
    assert_eq!(response_db(&recipe.eq, BandChannel::Mid, 60.0, 44_100), 0.0);
}

#[test]
fn what_is_raised_with_the_music_has_not_grown() {
    let hum = |dbfs| [finding(Check::Hum, Severity::Warning, dbfs)];
    let (mix, as_much, more) = (hum(-60.0), hum(-51.0), hum(-47.0));
    assert!(!found(&mix, &as_much).mix_notes()[0].contains("grown"));
    assert!(found(&mix, &more).mix_notes()[0].ends_with("in the mix -60.0 dBFS, in the master -47.0 dBFS."));
    let side = |lu| [finding(Check::Balance, Severity::Warning, lu)];
    let (mix, more) = (side(-3.1), side(-6.4));
    assert!(found(&mix, &more).mix_notes()[0].contains("grown"));
}

#[test]
fn what_a_master_has_from_its_mix_is_told_of_that() {
    let told = |id, value| found(&[], &[finding(id, Severity::Warning, value)]).master_notes();
    let edge = told(Check::LossySource, 14_000.0);
    assert_eq!(edge, ["The mix ends at 14.0 kHz, which shows in the master."]);
    assert_eq!(told(Check::UpSampled, 44_100.0), ["The mix holds nothing above 22.05 kHz."]);
    assert_eq!(told(Check::Click, 45.0), ["In the master: it is so; mend it."]);
    let hum = [finding(Check::Hum, Severity::Warning, -50.0)];
    let behind_harmonics = |mix| Found { makes_harmonics: true, ..found(mix, &hum) };
    assert!(behind_harmonics(&[]).master_notes().is_empty(), "harmonics that were made are no hum");
    let softer = [finding(Check::Hum, Severity::Warning, -90.0)];
    assert!(found(&softer, &hum).mix_notes()[0].contains("grown"));
    assert!(!behind_harmonics(&softer).mix_notes()[0].contains("grown"));
}

#[test]
fn channels_that_a_gain_of_the_side_opposes_are_told_as_its_doing() {
    let opposed = [finding(Check::Phase, Severity::Warning, 37.0)];
    let wider = |mix| Found { side_gain_db: 4.0, ..found(mix, &opposed) };
    let notes = wider(&[]).master_notes();
    let [told] = &notes[..] else { panic!("one note: {notes:?}") };
    assert!(told.contains("in 37 % of the loud parts, mostly through the +4.0 dB of the side"), "{told}");
    assert!(told.contains("--amount-width 0, or a lower width.side_gain_db"), "{told}");
    let told = Found { eq_width_db: 6.0, ..wider(&[]) }.master_notes().concat();
    assert!(told.contains("mostly through the equaliser, which widens by 6.0 dB"), "{told}");
    assert_eq!(found(&[], &opposed).master_notes(), ["In the master: it is so; mend it."]);
    assert!(wider(&opposed).master_notes().is_empty(), "the mix has it already");
}

fn source(measurement: Measurement, findings: Vec<Finding>) -> Source {
    let info = SourceInfo {
        path: "song.wav".into(),
        format: "WAV".into(),
        sample_rate_hz: 48_000,
        channels: 2,
        bits: Some(24),
        float: false,
        lossy: false,
        frames: None,
        tags: Tags::default(),
    };
    Source { info, measurement, findings }
}

/// A master after a reference whose channels have these gains, with peaks held so high by a limiter that works.
fn mastered(reference_gains: [f64; 2], held_dbtp: f64) -> Mastered {
    let limiter = LimiterSettings { ceiling_dbtp: held_dbtp, ..LimiterSettings::default() };
    Mastered {
        mix: source(leaning([0.5, 0.5]), Vec::new()),
        references: References { middle: Some(source(leaning(reference_gains), Vec::new())), others: Vec::new() },
        chosen: None,
        proposal: Proposal::default(),
        refinement: None,
        recipe: Recipe { limiter, leveler: Some(LevelerSettings::default()), ..Recipe::default() },
        written: source(leaning([1.0, 1.0]), Vec::new()),
        chain_log: ChainLog::default(),
        limiter_log: LimiterLog { reduction_db: vec![0.0, 2.0] },
        p95_reduction_db: 5.0,
        raised_db: 0.0,
        is_turned_against: false,
        promises: Vec::new(),
        translation: None,
    }
}

#[test]
fn peaks_are_held_as_the_references_only_where_that_is_so() {
    let job = MasterJob::new("song.wav", "master.wav");
    let as_dense = mastered([1.0, 1.0], -9.1);
    let told = held_lower(&job, &as_dense).expect("under the ceiling");
    assert!(told.starts_with("Peaks are held at -9.1 dBTP, as the reference's are"), "{told}");
    let raised = Mastered { raised_db: 5.1, ..mastered([1.0, 1.0], -4.0) };
    let wanted =
        "Peaks are held at -4.0 dBTP, 5.1 dB higher than for the reference's density: the loudness asks for it.";
    assert_eq!(held_lower(&job, &raised).as_deref(), Some(wanted));
    assert_eq!(held_lower(&job, &mastered([1.0, 1.0], -19.1)), None, "the reference's are lower still");
    let resting = LimiterLog { reduction_db: vec![0.0; 2] };
    assert_eq!(held_lower(&job, &Mastered { limiter_log: resting, ..as_dense }), None);
}

#[test]
fn a_reference_that_is_far_down_is_told_unless_a_loudness_is_wished_for() {
    let faint = mastered([0.01, 0.01], -19.1);
    let job = MasterJob::new("song.wav", "master.wav");
    let told = quiet_reference(&job, &faint).expect("far down");
    assert!(told.contains("as quiet; --loudness=-14 makes it as loud"), "{told}");
    let wishing = MasterJob { loudness_lufs: Some(-14.0), ..job };
    assert_eq!(quiet_reference(&wishing, &faint), None);
    assert_eq!(quiet_reference(&MasterJob::new("song.wav", "master.wav"), &mastered([1.0, 1.0], -9.1)), None);
}

#[test]
fn notes_tell_the_master_first_then_what_moved_then_the_mix() {
    let hum = |dbfs| vec![finding(Check::Hum, Severity::Warning, dbfs)];
    let click = finding(Check::Click, Severity::Warning, 45.0);
    let made = Mastered { p95_reduction_db: 8.4, ..mastered([1.0, 1.0], -9.1) };
    let made = Mastered {
        mix: source(leaning([0.5, 0.5]), hum(-60.0)),
        written: source(leaning([1.0, 1.0]), [hum(-54.0), vec![click]].concat()),
        ..made
    };
    let told = notes(&MasterJob::new("mix.wav", "master.wav"), &made);
    let begins = ["In the master:", "Leveler and limiter together take 8.4 dB", "Peaks are held", "In the mix:"];
    let places = begins.map(|begin| told.iter().position(|note| note.starts_with(begin)).expect(begin));
    assert!(places.is_sorted(), "{told:#?}");
    assert_eq!(squeezed(&mastered([1.0, 1.0], -9.1)), None, "5 dB are not much");
}

/// Noise whose channels have much in common, with a gain for each of them.
fn leaning(gains: [f64; 2]) -> Measurement {
    let (mut common, mut own) = (Noise(3), Noise(4));
    let mut audio = AudioBuffer::new(48_000);
    for _ in 0..48_000 {
        let (mid, side) = (0.2 * common.next(), 0.05 * own.next());
        audio.push((gains[0] * (mid + side)) as f32, (gains[1] * (mid - side)) as f32);
    }
    let mut meter = Meter::new(48_000);
    meter.push(&audio);
    meter.finish()
}

#[test]
fn an_image_that_nobody_asked_to_move_is_told_with_what_moved_it() {
    let (mix, master) = (leaning([1.0, 1.0]), leaning([1.0, 0.85]));
    let leveler = LevelerSettings { stereo_link_percent: 50.0, ..LevelerSettings::default() };
    let apart = Recipe { leveler: Some(leveler), ..Recipe::default() };
    let told = image_notes(&mix, &master, &apart);
    let wanted = "The balance moved to the left by 1.4 dB, mostly through levelling each channel for itself; a \
                  leveler.stereo_link_percent nearer 100 in its recipe keeps it.";
    assert_eq!(told[0], wanted);
    let told = image_notes(&mix, &master, &Recipe::default());
    assert!(told[0].contains("mostly through limiting; less loudness"), "{told:?}");
    assert!(image_notes(&mix, &leaning([0.5, 0.5]), &apart).is_empty());
}

#[test]
fn a_width_that_was_set_is_no_movement() {
    let (mix, wider) = (leaning([1.0, 1.0]), WidthSettings { side_gain_db: 3.0 });
    let recipe = Recipe { width: Some(wider), ..Recipe::default() };
    let told = image_notes(&mix, &mix, &recipe);
    assert!(told.iter().any(|note| note.contains("moved by -3.0 dB beyond the gain of the side")), "{told:?}");
    assert!(Moved::of(Some(0.4), Some(0.4)).is_none());
    assert!(Moved::of(Some(1.0), Some(0.8)).is_some_and(|moved| moved.is_set));
    assert!(Moved::of(Some(1.0), Some(-0.8)).is_some_and(|moved| !moved.is_set));
}

#[test]
fn a_range_below_both_mix_and_reference_is_told() {
    assert_eq!(evened(6.7, 4.0, Some(4.5), true), None);
    assert_eq!(evened(6.7, 4.0, None, false), None);
    let told = evened(6.7, 2.6, Some(4.5), true).expect("below both");
    assert!(told.contains("from 6.7 to 2.6 LU (the reference has 4.5); a higher leveler.threshold_db"), "{told}");
    assert!(
        evened(9.7, 4.6, None, false)
            .is_some_and(|told| told.ends_with("LU; less loudness (--loudness) keeps more of it."))
    );
}
