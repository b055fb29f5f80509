//! The promises of the scores: what is lost is told as lost, and more of a fault gives a lower score.

use std::f64::consts::TAU;

use super::devices::built_in;
use super::programme::tests::measured;
use super::*;
use crate::dsp::testing::Noise as White;

const RATE: u32 = 44_100;

fn table() -> Devices {
    Devices::new(built_in()).expect("filters only")
}

fn programme(seconds: f64, signal: impl Fn(usize) -> (f64, f64)) -> Programme {
    Programme::new(&measured(RATE, seconds, signal)).expect("loud")
}

fn sine(n: usize, hz: f64) -> f64 {
    (TAU * hz * n as f64 / f64::from(RATE)).sin()
}

/// Parts of a programme by device.
fn parts(programme: &Programme) -> Vec<(String, Parts)> {
    let devices = table();
    devices.iter().map(|device| device.id.clone()).zip(devices.score(programme).into_iter().map(|s| s.parts)).collect()
}

fn part_on(programme: &Programme, id: &str, of: fn(&Parts) -> Option<f64>) -> f64 {
    let found = parts(programme).into_iter().find(|(device, _)| device == id).expect("in the table");
    of(&found.1).expect("the part applies")
}

/// Pink-ish noise: white through three one-pole filters (P. Kellet's economy form).
fn pink(seed: u64, length: usize) -> Vec<f64> {
    let (mut white, mut b) = (White(seed), [0.0f64; 3]);
    (0..length)
        .map(|_| {
            let w = white.next();
            b = [0.997_65 * b[0] + w * 0.099_046, 0.963 * b[1] + w * 0.296_516_4, 0.57 * b[2] + w * 1.052_691_3];
            0.1 * (b.iter().sum::<f64>() + w * 0.1848)
        })
        .collect()
}

#[test]
fn a_bass_tone_is_lost_on_the_phone_and_its_harmonics_keep_it() {
    let level = 0.3;
    let pure = programme(8.0, |n| (level * sine(n, 55.0), level * sine(n, 55.0)));
    let with_harmonics = programme(8.0, |n| {
        let tone =
            level * (sine(n, 55.0) + 10f64.powf(-0.5) * (2..=5).map(|k| sine(n, 55.0 * f64::from(k))).sum::<f64>());
        (tone, tone)
    });
    let bass = |programme, id| part_on(programme, id, |parts| parts.bass);
    assert!(bass(&pure, "phone-mono") < 5.0, "{}", bass(&pure, "phone-mono"));
    assert!(bass(&with_harmonics, "phone-mono") > 60.0, "{}", bass(&with_harmonics, "phone-mono"));
    assert!(bass(&pure, "hi-fi") > 95.0 && bass(&with_harmonics, "hi-fi") > 95.0);
}

#[test]
fn harmonics_that_do_not_follow_the_bass_do_not_keep_it() {
    // The bass plays every other half second; what stands in for its harmonics plays in between, or with it.
    let of = |follows: bool| {
        programme(12.0, move |n| {
            let on = (n / 22_050).is_multiple_of(2);
            let bass = if on { 0.3 * sine(n, 55.0) } else { 0.0 };
            let upper =
                if on == follows { 0.1 * (2..=5).map(|k| sine(n, 55.0 * f64::from(k))).sum::<f64>() } else { 0.0 };
            (bass + upper, bass + upper)
        })
    };
    let bass = |follows| part_on(&of(follows), "phone-stereo", |parts| parts.bass);
    assert!(bass(true) > bass(false) + 40.0, "{} {}", bass(true), bass(false));
}

#[test]
fn a_quieter_lead_is_heard_less_on_every_device() {
    let length = 10 * RATE as usize;
    let (left, right, voice) = (pink(1, length), pink(2, length), pink(3, length));
    let with_lead = |db: f64| {
        let gain = 10f64.powf(db / 20.0);
        let (left, right, voice) = (&left, &right, &voice);
        programme(10.0, move |n| (left[n] + gain * voice[n], right[n] + gain * voice[n]))
    };
    let versions: Vec<_> = [0.0, -6.0, -12.0].into_iter().map(|db| parts(&with_lead(db))).collect();
    for pair in versions.windows(2) {
        for ((id, louder), (_, quieter)) in pair[0].iter().zip(&pair[1]) {
            let (louder, quieter) = (louder.lead.expect("stereo"), quieter.lead.expect("stereo"));
            assert!(quieter < louder - 3.0, "{id}: {louder} to {quieter}");
        }
    }
}

#[test]
fn an_element_of_the_side_alone_is_named_as_lost_in_mono() {
    let length = 20 * RATE as usize;
    let center = pink(4, length);
    let song = programme(20.0, |n| {
        // From 8 to 14 s, a tone in opposite phase.
        let plays = (8 * RATE as usize..14 * RATE as usize).contains(&n);
        let side = if plays { 0.1 * sine(n, 2_000.0) } else { 0.0 };
        (center[n] + side, center[n] - side)
    });
    let lost = lost_in_mono(&song);
    assert_eq!(lost.len(), 1, "{lost:?}");
    let [low, high] = lost[0].band_hz;
    assert!(low < 2_000.0 && high > 2_000.0 && high / low < 1.7, "{lost:?}");
    assert_eq!(lost[0].times_s.len(), 1);
    let [from, to] = lost[0].times_s[0];
    assert!((from - 8.0).abs() < 0.21 && (to - 14.0).abs() < 0.21, "{lost:?}");
    assert!(lost[0].loss_db > 6.0);
    let without = programme(20.0, |n| (center[n], center[n]));
    assert_eq!(lost_in_mono(&without), []);
    let mono = |programme| part_on(programme, "phone-mono", |parts| parts.mono);
    assert!(mono(&without) > 99.999);
    assert!(mono(&song) < 75.0, "{}", mono(&song));
}

#[test]
fn what_is_told_of_an_element_of_the_side_is_the_most_that_it_loses_at_any_time() {
    // A tone that plays twice: of its power, 90 % lie in the side the first time, and 99 % the second time.
    let song = programme(30.0, |n| {
        let (side_share, hz): (f64, f64) = match n / RATE as usize {
            4..8 => (0.9, 2_000.0),
            20..24 => (0.99, 2_000.0),
            _ => (0.0, 500.0),
        };
        let [mid, side] = [1.0 - side_share, side_share].map(|share| 0.2 * share.sqrt() * sine(n, hz));
        (mid + side, mid - side)
    });
    let lost = lost_in_mono(&song);
    assert!(lost.len() == 1 && lost[0].times_s.len() == 2, "{lost:?}");
    // In mono 10 dB go, then 20 dB.
    assert!((lost[0].loss_db - 20.0).abs() < 0.5, "{lost:?}");
}

#[test]
fn the_loss_in_mono_is_that_of_the_correlation() {
    // Left and right of equal power and correlation r keep (1 + r) / 2 of their power.
    for (r, expected_db) in [(1.0f64, 0.0), (0.0, -3.0103), (-0.5, -6.0206)] {
        let song = programme(5.0, |n| {
            let (x, y) = (0.3 * sine(n, 1_000.0), 0.3 * (TAU * 1_000.0 * n as f64 / f64::from(RATE)).cos());
            (x, r * x + (1.0 - r * r).sqrt() * y)
        });
        let mean = song.mean(0..song.frames());
        let (mid, side) = mean.iter().fold((0.0, 0.0), |(mid, side), power| (mid + power[0], side + power[1]));
        let kept_db = crate::units::power_to_db(mid / (mid + side));
        assert!((kept_db - expected_db).abs() < 0.01, "r {r}: {kept_db} dB");
        // 6 dB of loss is a score of 0.
        let score = part_on(&song, "phone-mono", |parts| parts.mono);
        assert!((score - 100.0 * (1.0 + expected_db / 6.0).max(0.0)).abs() < 0.2, "r {r}: {score}");
    }
}

#[test]
fn quiet_passages_drown_in_noise() {
    let length = 20 * RATE as usize;
    let music = pink(5, length);
    let with_passage = |db: f64| {
        let (gain, music) = (10f64.powf(db / 20.0), &music);
        programme(20.0, move |n| {
            let x = music[n] * if n < length / 2 { 1.0 } else { gain };
            (x, x)
        })
    };
    let scores: Vec<f64> = [0.0, -8.0, -16.0, -24.0]
        .into_iter()
        .map(|db| part_on(&with_passage(db), "car", |parts| parts.noise))
        .collect();
    assert!(scores.windows(2).all(|pair| pair[1] < pair[0] - 3.0), "{scores:?}");
}

#[test]
fn bass_drives_small_speakers_into_their_limiter() {
    let length = 10 * RATE as usize;
    let music = pink(6, length);
    let with_bass = |level: f64| {
        let music = &music;
        programme(10.0, move |n| {
            let x = music[n] + level * sine(n, 45.0);
            (x, x)
        })
    };
    let scores: Vec<f64> = [0.0, 0.3, 1.0, 2.0]
        .into_iter()
        .map(|level| part_on(&with_bass(level), "phone-mono", |parts| parts.stress))
        .collect();
    assert!(scores.windows(2).all(|pair| pair[1] < pair[0]), "{scores:?}");
}

#[test]
fn a_flat_device_keeps_the_balance_and_a_phone_does_not() {
    let music = pink(7, 10 * RATE as usize);
    let song = programme(10.0, |n| (music[n], music[n]));
    let flat = Device { filters: Vec::new(), width: 1.0, ..built_in().remove(0) };
    let score = Devices::new(vec![flat]).expect("no files").score(&song).remove(0);
    assert!((score.parts.balance.expect("music") - 100.0).abs() < 1e-3, "{:?}", score.parts);
    assert!(score.bands.iter().flatten().all(|db| db.abs() < 1e-3));
    let balance = |id| part_on(&song, id, |parts| parts.balance);
    assert!(balance("phone-mono") < balance("laptop-thin") && balance("laptop-thin") < balance("hi-fi"));
    // What the phone's model does to the third octave of 200 Hz, against that of 1 kHz.
    let devices = table();
    let bands = devices.score(&song).remove(0).bands;
    let at = |hz: f64| bands[song.bands.band_at(hz).expect("a band")].expect("music");
    let phone = devices.iter().next().expect("a phone");
    let expected_db = phone.gain_db_at(199.526) - phone.gain_db_at(1_000.0);
    assert!((at(200.0) - at(1_000.0) - expected_db).abs() < 1e-3 && expected_db < -30.0);
}

#[test]
fn an_impulse_response_scores_as_its_curve_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("Tiny Box.wav");
    // A click followed by its negative: a comb with known gains.
    let mut taps = vec![0.0f32; 4_410];
    (taps[0], taps[1]) = (1.0, -1.0);
    let file = std::fs::File::create(&path).expect("created");
    let mut writer = crate::io::WavWriter::create(file, RATE, crate::io::SampleFormat::Float32).expect("header");
    writer.write_float(&taps, &taps).expect("written");
    writer.finish().expect("finished");
    let device = devices::of_impulse_response(&path);
    assert_eq!(device.id, "tiny-box");
    let music = pink(8, 5 * RATE as usize);
    let song = programme(5.0, |n| (music[n], music[n]));
    let bands = Devices::new(vec![device]).expect("a response").score(&song).remove(0).bands;
    let at = |hz: f64| bands[song.bands.band_at(hz).expect("a band")].expect("music");
    let gain_db = |hz: f64| 20.0 * (2.0 * (std::f64::consts::PI * hz / f64::from(RATE)).sin()).log10();
    // The mean over the third octave differs from its centre by little.
    assert!((at(4_000.0) - at(1_000.0) - (gain_db(3_981.07) - gain_db(1_000.0))).abs() < 0.1);
    std::fs::write(&path, b"no audio").expect("written");
    assert!(Devices::new(vec![devices::of_impulse_response(&path)]).is_err());
}

#[test]
fn sections_have_scores_of_their_own() {
    let length = 60 * RATE as usize;
    let (left, right) = (pink(9, length), pink(10, length));
    // Wide noise first, then a centred tone; in the mix the noise is centred too.
    let tone = |n: usize| (0.3 * sine(n, 700.0), 0.3 * sine(n, 700.0));
    let song = programme(60.0, |n| if n < length / 2 { (left[n], right[n]) } else { tone(n) });
    let mix = programme(60.0, |n| if n < length / 2 { (left[n], left[n]) } else { tone(n) });
    let sections = table().score_sections(&song, Some(&mix)).remove(0);
    assert_eq!(sections.len(), 2, "{sections:?}");
    assert!((sections[0].times_s[1] - 30.0).abs() <= 1.0 && sections[1].times_s[1] > 59.0);
    assert!(sections[0].before.expect("a mix") > sections[0].score.expect("parts") + 5.0, "{sections:?}");
    for section in table().score_sections(&song, Some(&song)).iter().flatten() {
        assert!(section.before.is_some() && section.before == section.score, "{section:?}");
    }
    let short = programme(50.0, |n| (left[n], left[n]));
    assert!(table().score_sections(&song, Some(&short)).iter().flatten().all(|section| section.before.is_none()));
    assert!(sections[0].parts.mono.expect("mono") < 60.0 && sections[1].parts.mono.expect("mono") > 99.0);
}

#[test]
fn the_weights_of_the_parts_make_the_whole() {
    let parts = Parts { bass: Some(50.0), lead: Some(100.0), ..Parts::default() };
    assert_eq!(parts.score(), Some(75.0));
    assert_eq!(Parts::default().score(), None);
    let all = Parts {
        bass: Some(80.0),
        lead: Some(80.0),
        mono: Some(80.0),
        balance: Some(80.0),
        noise: Some(80.0),
        stress: Some(80.0),
    };
    assert!((all.score().expect("parts") - 80.0).abs() < 1e-9);
}

/// A score that its balance alone makes.
fn balanced(score: f64) -> DeviceScore {
    let parts = Parts { balance: Some(score), ..Parts::default() };
    DeviceScore { score: parts.score(), parts, bands: Vec::new() }
}

#[test]
fn a_part_that_one_version_has_not_is_no_part_of_the_change() {
    let stereo = Parts { lead: Some(20.0), balance: Some(80.0), stress: Some(60.0), ..Parts::default() };
    let folded = Parts { lead: None, ..stereo };
    assert!(folded.score() > stereo.score().map(|score| score + 20.0));
    assert_eq!(folded.gain_over(&stereo, false), Some(0.0));
    assert_eq!(stereo.gain_over(&folded, false), Some(0.0));
    assert_eq!(stereo.gain_over(&Parts::default(), false), None);
    // Where both have the same parts, it is the difference of the scores.
    let other = Parts { lead: Some(30.0), balance: Some(76.0), ..stereo };
    let difference = other.score().expect("parts") - stereo.score().expect("parts");
    assert!((other.gain_over(&stereo, false).expect("parts") - difference).abs() < 1e-9);
    // What a lack of bass gives to parts that don't miss it isn't counted; what it takes from them is.
    let (more, less) = ([70.0, 90.0], [40.0, 76.0]);
    let with_bass = Parts { bass: Some(50.0), ..stereo };
    let thin = |[bass, balance]: [f64; 2]| Parts { bass: Some(bass), balance: Some(balance), ..stereo };
    assert_eq!(thin(more).gain_over(&with_bass, true), Some(0.0));
    assert_eq!(thin(less).gain_over(&with_bass, true), thin(less).gain_over(&with_bass, false));
    let relieved = Parts { stress: Some(100.0), ..thin(more) };
    assert!(relieved.gain_over(&with_bass, true).is_some_and(|gain| gain > 1.0));
}

#[test]
fn a_mix_without_its_bass_is_told_as_one_and_gains_nothing_by_it() {
    // Notes of half a second under noise; the other version has a tenth of the bass.
    let length = 8 * RATE as usize;
    let (left, right) = (pink(18, length), pink(19, length));
    let with_bass = |level: f64| {
        let (left, right) = (&left, &right);
        measured(RATE, 8.0, move |n| {
            let on = if n % 22_050 < 16_000 { 1.0 } else { 0.0 };
            let bass = level * on * (sine(n, 50.0) + 0.3 * sine(n, 100.0));
            (bass + left[n], bass + right[n])
        })
    };
    let (mix, thin) = (with_bass(0.5), with_bass(0.05));
    let devices = table();
    let told = |after, before| Translation::new(&devices, after, Some(before), None).expect("loud");
    let without = told(&thin, &mix);
    assert!(without.bass_lack_db.is_some_and(|db| (5.0..12.0).contains(&db)), "{:?}", without.bass_lack_db);
    for device in &without.devices {
        let before = device.before.as_ref().expect("a mix").parts;
        assert_eq!(device.change, device.own.parts.gain_over(&before, true), "{}", device.id);
    }
    let has_left_out = |device: &DeviceTranslation| {
        let before = device.before.as_ref().expect("a mix").parts;
        device.own.parts.gain_over(&before, false) > device.change
    };
    assert!(without.devices.iter().any(has_left_out), "some device would gain by it");
    assert_eq!(told(&mix, &thin).bass_lack_db, None, "more bass is no lack");
    let same = told(&mix, &mix);
    assert_eq!((same.bass_lack_db, same.plr_change_db), (None, Some(0.0)));
    assert!(same.devices.iter().all(|device| device.change == Some(0.0)));
}

#[test]
fn a_fix_that_hurts_another_device_does_not_pass() {
    let devices = table();
    let scores = |of: &dyn Fn(usize) -> f64| -> Vec<DeviceScore> { (0..16).map(|k| balanced(of(k))).collect() };
    let before = scores(&|_| 50.0);
    let judged = |after: &dyn Fn(usize) -> f64| fix::judge(&devices, &before, &scores(after), 0);
    let helps = judged(&|k| if k == 0 { 58.0 } else { 48.5 });
    assert!(helps.passes && (helps.gain - 8.0).abs() < 1e-9 && (helps.worst_harm - 1.5).abs() < 1e-9, "{helps:?}");
    let hurts = judged(&|k| {
        if k == 0 {
            58.0
        } else if k == 11 {
            47.9
        } else {
            50.0
        }
    });
    assert!(!hurts.passes && hurts.harmed.as_deref() == Some("car"), "{hurts:?}");
    assert!(!judged(&|_| 50.2).passes, "too little to be worth a change");
}

#[test]
fn harmonics_of_the_bass_do_what_they_promise_and_are_not_proposed_where_they_would_be_another_sound() {
    // A bass line of half-second notes under a centred melody and wide noise.
    let length = 12 * RATE as usize;
    let (left, right) = (pink(11, length), pink(12, length));
    let signal = |n: usize| {
        let note = [45.0, 55.0, 50.0, 60.0][(n / 22_050) % 4];
        let on = if n % 22_050 < 16_000 { 1.0 } else { 0.0 };
        let center = 0.3 * on * sine(n, note) + 0.05 * sine(n, 1_500.0);
        (center + 0.08 * left[n], center + 0.08 * right[n])
    };
    let source = measured(RATE, 12.0, signal);
    let devices = table();
    let translation = Translation::new(&devices, &source, None, None).expect("loud");
    let phone = translation.devices.iter().find(|device| device.id == "phone-stereo").expect("in the table");
    // There is little between the bass and the melody: harmonics that a phone plays raise what is there by 20 dB.
    let is_harmonics = |fix: &fix::Fix| matches!(fix.change, fix::Change::BassHarmonics { .. });
    assert!(!phone.fixes.is_empty() && !phone.fixes.iter().any(is_harmonics), "{:?}", phone.fixes);
    let index = devices.iter().position(|device| device.id == "phone-stereo").expect("in the table");
    let gain_of =
        |programme: &Programme| devices.score(programme)[index].score.expect("parts") - phone.own.score.expect("parts");
    let change = fix::Change::BassHarmonics { level_db: -12.0 };
    let predicted_gain = gain_of(&change.predicted(&Programme::new(&source).expect("loud")));
    let mut audio = Spool::new(RATE);
    let (l, r): (Vec<f32>, Vec<f32>) = (0..length).map(signal).map(|(l, r)| (l as f32, r as f32)).unzip();
    audio.push(&crate::AudioBuffer::from_channels(RATE, l, r)).expect("memory");
    let changed = fix::rendered(audio, &source, &change).expect("rendered");
    let lufs = |measurement: &Measurement| measurement.loudness.integrated_lufs().expect("loud");
    assert!((lufs(&changed) - lufs(&source)).abs() < 0.1 && changed.frames == source.frames);
    let programme = |measurement: &Measurement| Programme::new(measurement).expect("loud");
    let (source, changed) = (programme(&source), programme(&changed));
    let gain = gain_of(&changed);
    assert!(gain > 0.5 * predicted_gain && gain > 3.0, "{gain} of {predicted_gain}");
    assert!(fix::rewrites(&source, &changed) && !fix::rewrites(&source, &source));
}

#[test]
fn what_is_not_told_of_is_still_not_to_be_hurt() {
    let all = table();
    let one = table().telling(vec!["phone-mono".into()]);
    let scores = |of: &dyn Fn(usize) -> f64| -> Vec<DeviceScore> { (0..16).map(|k| balanced(of(k))).collect() };
    let car = all.position("car").expect("in the table");
    let (before, after) = (scores(&|_| 50.0), scores(&|k| if k == car { 45.0 } else { 60.0 }));
    assert_eq!(fix::judge(&one, &before, &after, 0).left_out, Some(fix::LeftOut::Harms));
    let (left, right) = (pink(13, 5 * RATE as usize), pink(14, 5 * RATE as usize));
    let source = measured(RATE, 5.0, |n| {
        let bass = 0.3 * sine(n, 55.0);
        (bass + left[n], bass + right[n])
    });
    let [whole, narrow] = [&all, &one].map(|devices| Translation::new(devices, &source, None, None).expect("loud"));
    let phone = &whole.devices[all.position("phone-mono").expect("in the table")];
    assert_eq!(narrow.devices, std::slice::from_ref(phone));
    assert_eq!(one.told().map(|device| device.id.as_str()).collect::<Vec<_>>(), ["phone-mono"]);
}

#[test]
fn what_was_rendered_and_left_out_is_proposed_last_and_says_so() {
    let devices = table();
    let music = pink(15, 3 * RATE as usize);
    let source = measured(RATE, 3.0, |n| (music[n], music[n]));
    let mut translation = Translation::new(&devices, &source, None, None).expect("loud");
    let propose = |change: Change| Fix { change, setting: change.describe(), predicted_gain: 3.0, verified: None };
    let [failed, untried] = [2.0, 1.0].map(|gain_db| Change::Presence { gain_db });
    let taken = Change::LowCut { below_hz: 30.0 };
    for device in &mut translation.devices {
        device.fixes = vec![propose(taken), propose(failed), propose(untried)];
    }
    let scores = |score: f64| -> Vec<DeviceScore> { (0..16).map(|_| balanced(score)).collect() };
    let (before, after) = (scores(50.0), scores(50.2));
    let verified = (0..16).map(|index| fix::judge(&devices, &before, &after, index)).collect();
    let applied =
        AppliedFix { device: "car".into(), name: "Car".into(), change: taken, setting: taken.describe(), gain: 1.0 };
    translation.note_tried(&devices, vec![applied], &[Rejected { change: failed, verified }]);
    for device in &translation.devices {
        assert_eq!(device.fixes.iter().map(|fix| fix.change).collect::<Vec<_>>(), [untried, failed], "{}", device.id);
        assert!(device.fixes[1].is_left_out() && !device.fixes[0].is_left_out());
    }
}

#[test]
fn the_balance_weighs_what_it_weighs_on_a_device_that_plays_all_as_it_is() {
    let (left, right) = (pink(16, 5 * RATE as usize), pink(17, 5 * RATE as usize));
    let flat = Device { filters: Vec::new(), width: 1.0, noise: None, protection: None, ..built_in().remove(0) };
    let cost_of = |song: &Programme| {
        // The parts of such a device, with the balance 6 points down and without.
        let parts = Devices::new(vec![flat.clone()]).expect("no files").score(song).remove(0).parts;
        assert_eq!((parts.mono, parts.noise, parts.stress), (None, None, None));
        let score = |points: f64| Parts { balance: parts.balance.map(|balance| balance - points), ..parts }.score();
        score(0.0).expect("a score") - score(6.0).expect("a score")
    };
    let stereo = programme(5.0, |n| {
        let bass = 0.3 * sine(n, 55.0);
        (bass + left[n], bass + right[n])
    });
    let tone = programme(5.0, |n| (0.3 * sine(n, 997.0), 0.3 * sine(n, 997.0)));
    for (song, share) in [(&stereo, 0.15 / 0.65), (&tone, 1.0)] {
        let cost = scores::cost_of_balance(song, 6.0);
        assert!((cost - cost_of(song)).abs() < 1e-9 && (cost - 6.0 * share).abs() < 1e-9, "{cost}");
    }
}
