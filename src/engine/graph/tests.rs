use super::*;
use crate::audio::AudioBuffer;
use crate::dsp::Processor;
use crate::dsp::compressor::Compressor;
use crate::dsp::testing::noise;
use crate::dsp::width::WidthSettings;
use crate::engine::chain::Chain;
use crate::engine::processors::{ProcessorSettings, load_response};
use crate::engine::recipe::Recipe;

const RATE_HZ: u32 = 44_100;

fn settings(text: &str) -> GraphSettings {
    GraphSettings::from_toml(&format!("schema = \"halfspeed.graph/1\"\n{text}")).expect("well-formed")
}

fn track(frames: usize, seed: u64) -> AudioBuffer {
    let (left, right) = noise(frames, seed).iter().map(|frame| (0.3 * frame[0] as f32, 0.3 * frame[1] as f32)).unzip();
    AudioBuffer::from_channels(RATE_HZ, left, right)
}

fn mix(settings: &GraphSettings, inputs: &[AudioBuffer]) -> AudioBuffer {
    let graph = Graph::new(settings, RATE_HZ, &load_response).expect("valid");
    let inputs: Vec<&dyn TrackInput> = inputs.iter().map(|input| input as &dyn TrackInput).collect();
    let mut mixed = AudioBuffer::new(RATE_HZ);
    let sink = |block: &AudioBuffer| {
        mixed.extend(block.left(), block.right());
        Ok(())
    };
    render(graph, &inputs, sink).expect("memory");
    mixed
}

/// A mix with paths of all kinds of latency.
const BUSY: &str = r#"
tail_s = 0.1
[master]
gain_db = -2.0
chain = [{ kind = "compressor", threshold_db = -20.0 }, { kind = "limiter", drive_db = 3.0 }]
[[track]]
name = "kick"
output = "drums"
chain = [{ kind = "saturation", drive_db = 12.0 }]
[[track]]
name = "snare"
output = "drums"
gain_db = -3.0
balance_percent = 30.0
send = [{ to = "hall", gain_db = -6.0 }, { to = "echo", pre_fader = true }]
[[track]]
name = "voice"
pan = { position_percent = -20.0, law = "minus_4_5_db" }
chain = [
    { kind = "eq", mode = "linear_phase", bands = [{ kind = "bell", frequency_hz = 3000.0, gain_db = 4.0 }] },
    { kind = "de_esser" },
]
send = [{ to = "hall", gain_db = -9.0 }]
[[bus]]
name = "hall"
chain = [{ kind = "reverb", mix_percent = 100.0 }]
[[bus]]
name = "echo"
chain = [{ kind = "tempo_delay", mix_percent = 100.0, tempo_bpm = 400.0, left = { note = "sixteenth" } }]
send = [{ to = "hall", gain_db = -12.0 }]
[[bus]]
name = "drums"
chain = [{ kind = "multiband", crossover = "linear_phase" }, { kind = "transient", attack_db = 3.0 }]
"#;

#[test]
fn neither_blocks_nor_threads_change_a_bit() {
    let settings = settings(BUSY);
    let inputs = [track(30_000, 1), track(30_000, 2), track(21_000, 3)];
    let expected = mix(&settings, &inputs);
    assert!(expected.left().iter().any(|x| x.abs() > 0.1));
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        assert_eq!(pool.install(|| mix(&settings, &inputs)), expected, "{threads} threads");
    }
    for block_frames in [61, 4096, 100_000] {
        let mut graph = Graph::new(&settings, RATE_HZ, &load_response).expect("valid");
        let latency = graph.latency_frames();
        let total = latency + expected.frames();
        let (mut blocks, mut block) = (vec![AudioBuffer::new(RATE_HZ); 3], AudioBuffer::new(RATE_HZ));
        let mut mixed = AudioBuffer::new(RATE_HZ);
        for start in (0..total).step_by(block_frames) {
            let frames = block_frames.min(total - start);
            for (input, block) in inputs.iter().zip(&mut blocks) {
                TrackInput::read(input, start as u64, frames, block).expect("memory");
                block.resize(frames);
            }
            graph.process(&blocks, &mut block);
            mixed.extend(block.left(), block.right());
        }
        mixed.remove_front(latency);
        assert_eq!(mixed, expected, "blocks of {block_frames}");
    }
}

#[test]
fn a_mix_is_as_long_as_its_longest_track_and_its_tail() {
    let mixed = mix(&settings(BUSY), &[track(3000, 1), track(20_000, 2), track(1, 3)]);
    assert_eq!(mixed.frames(), 20_000 + 4410);
    assert_eq!(mix(&settings(""), &[]).frames(), 0);
}

#[test]
fn paths_of_any_latency_meet_in_step() {
    // The same signal by three paths, one of them turned over: what is left must be the signal itself, on time.
    let settings = settings(
        r#"
        [[track]]
        name = "late"
        chain = [{ kind = "alignment" }, { kind = "compressor", ratio = 1.0, look_ahead_ms = 13.0 }]
        [[track]]
        name = "turned"
        output = "slow"
        chain = [{ kind = "image", invert_left = true, invert_right = true }]
        [[track]]
        name = "prompt"
        mute = true
        send = [{ to = "slow", pre_fader = true }]
        [[track]]
        name = "direct"
        [[bus]]
        name = "slow"
        chain = [{ kind = "soft_clip", ceiling_db = 0.0, knee_db = 1.0 }]
        "#,
    );
    let signal = track(10_000, 7);
    let mixed = mix(&settings, &[signal.clone(), signal.clone(), signal.clone(), signal.clone()]);
    assert_eq!(mixed, signal);
}

#[test]
fn a_master_is_a_mix_of_one() {
    let recipe = Recipe {
        eq: vec![crate::dsp::eq::EqBand { gain_db: 4.0, ..Default::default() }],
        width: Some(WidthSettings { side_gain_db: 2.0 }),
        glue: Some(crate::dsp::compressor::CompressorSettings::default()),
        leveler: Some(crate::dsp::leveler::LevelerSettings::default()),
        ..Recipe::default()
    };
    let mut settings = settings("track = [{ name = \"mix\" }]");
    settings.master = toml::from_str(
        r#"chain = [
            { kind = "eq", bands = [{ kind = "bell", frequency_hz = 1000.0, gain_db = 4.0 }] },
            { kind = "width", side_gain_db = 2.0 },
            { kind = "compressor" },
            { kind = "leveler" },
        ]"#,
    )
    .expect("a master");
    let signal = track(20_000, 9);
    let mut chain = Chain::new(&recipe, RATE_HZ);
    let latency = chain.latency_frames();
    let mut mastered = signal.clone();
    mastered.resize(20_000 + latency);
    let (left, right) = mastered.channels_mut();
    chain.process(left, right);
    mastered.remove_front(latency);
    assert_eq!(mix(&settings, &[signal]), mastered);
}

#[test]
fn faders_pans_sends_and_mutes_do_what_they_say() {
    let level = |text: &str| {
        let mut constant = AudioBuffer::new(RATE_HZ);
        (0..100).for_each(|_| constant.push(0.5, 0.5));
        let mixed = mix(&settings(text), &[constant]);
        [mixed.left()[50], mixed.right()[50]].map(f64::from)
    };
    let near = |is: [f64; 2], expected: [f64; 2]| {
        assert!((is[0] - expected[0]).abs() < 1e-7 && (is[1] - expected[1]).abs() < 1e-7, "{is:?} for {expected:?}");
    };
    let half = 0.501_187_233_6; // 10^(-6 / 20)
    near(level("track = [{ name = \"a\" }]"), [0.5, 0.5]);
    near(level("master = { gain_db = -6.0 }\ntrack = [{ name = \"a\" }]"), [0.5 * half, 0.5 * half]);
    near(level("track = [{ name = \"a\", gain_db = -6.0 }]"), [0.5 * half, 0.5 * half]);
    near(level("track = [{ name = \"a\", mute = true }]"), [0.0, 0.0]);
    near(level("track = [{ name = \"a\", balance_percent = 50.0 }]"), [0.25, 0.5]);
    near(level("track = [{ name = \"a\", pan = { position_percent = 100.0 } }]"), [0.0, 0.5]);
    near(level("track = [{ name = \"a\", pan = {} }]"), [0.5 / 2f64.sqrt(); 2]);
    let sent = |fader_db: f64, send: &str| {
        level(&format!(
            "track = [{{ name = \"a\", gain_db = {fader_db:?}, send = [{send}] }}]\nbus = [{{ name = \"b\" }}]"
        ))
    };
    near(sent(-6.0, "{ to = \"b\" }"), [half; 2]);
    near(sent(-6.0, "{ to = \"b\", gain_db = -6.0 }"), [0.5 * half * (1.0 + half); 2]);
    near(sent(-6.0, "{ to = \"b\", pre_fader = true }"), [0.5 * (1.0 + half); 2]);
    let muted =
        "track = [{ name = \"a\", mute = true, send = [{ to = \"b\", pre_fader = true }] }]\nbus = [{ name = \"b\" }]";
    near(level(muted), [0.0, 0.0]);
}

#[test]
fn an_impulse_response_is_found_beside_the_file_that_names_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mix.toml");
    let room = "{ kind = \"convolution\", impulse_response = \"rooms/hall.wav\" }";
    let text = format!("schema = \"halfspeed.graph/1\"\n[[bus]]\nname = \"hall\"\nchain = [{room}]\n");
    std::fs::write(&path, text).expect("space");
    let settings = GraphSettings::load(&path).expect("a graph");
    let ProcessorSettings::Convolution(room) = &settings.buses[0].chain[0] else { panic!("{settings:?}") };
    assert_eq!(room.impulse_response, folder.path().join("rooms/hall.wav"));
}

#[test]
fn settings_survive_their_file() {
    let settings = settings(BUSY);
    assert_eq!(GraphSettings::from_toml(&settings.to_toml()), Ok(settings.clone()));
    let json = serde_json::to_string(&settings).expect("plain data");
    assert_eq!(GraphSettings::from_json(&json), Ok(settings));
}

#[test]
fn mistakes_are_told_with_their_place_and_remedy() {
    let complaint = |text: &str| settings(text).validate(RATE_HZ).unwrap_err().to_string();
    assert_eq!(
        complaint("track = [{ name = \"a\", chain = [{ kind = \"width\" }, { kind = \"expander\", ratio = 300.0 }] }]"),
        "track \"a\", chain[1]: expander.ratio: 300 is outside 1 to 100; choose a value in that range"
    );
    assert_eq!(
        complaint("bus = [{ name = \"b\", gain_db = 30.0 }]"),
        "bus \"b\".gain_db: 30 is outside -120 to 24; choose a value in that range"
    );
    assert_eq!(
        complaint("track = [{ name = \"a\", output = \"drums\" }]\nbus = [{ name = \"b\" }]"),
        "track \"a\", output: there is no bus \"drums\"; choose \"master\" or one of the buses (\"b\")"
    );
    assert_eq!(
        complaint("track = [{ name = \"a\" }]\nbus = [{ name = \"a\" }]"),
        "bus \"a\", name: the name is that of a track too; give each its own"
    );
    assert_eq!(
        complaint("track = [{ name = \"a\", balance_percent = 5.0, pan = {} }]"),
        "track \"a\".balance_percent: a mono source is panned, a stereo one balanced; leave one of them out"
    );
    // A track is no output: it has an input of its own.
    assert!(
        complaint("track = [{ name = \"a\" }, { name = \"b\", send = [{ to = \"a\" }] }]").contains("no bus \"a\"")
    );
    assert!(complaint("track = [{ name = \"master\" }]").contains("that of the master"));
    let circle = "bus = [{ name = \"a\", output = \"b\" }, { name = \"b\", send = [{ to = \"c\" }] }, \
                  { name = \"c\", output = \"a\" }, { name = \"d\" }]";
    let text = complaint(circle);
    assert!(text.contains("feeds itself by way of") && !text.contains("\"d\""), "{text}");
    assert!(complaint("bus = [{ name = \"a\", output = \"a\" }]").contains("feeds itself"));

    let unknown =
        |text: &str| GraphSettings::from_toml(&format!("schema = \"halfspeed.graph/1\"\n{text}")).unwrap_err();
    let reason = unknown("[[track]]\nname = \"a\"\nchain = [{ kind = \"width\", side_gain = 1.0 }]");
    assert!(reason.contains("side_gain") && reason.contains("line"), "{reason}");
    assert!(unknown("[[track]]\nname = \"a\"\nchain = [{ kind = \"fuzz\" }]").contains("fuzz"));
    assert!(GraphSettings::from_toml("schema = \"halfspeed.graph/9\"").unwrap_err().contains("halfspeed.graph/1"));
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let graph = || Graph::new(&settings("track = [{ name = \"a\" }]"), RATE_HZ, &load_response).expect("valid");
    let error = render(graph(), &[], |_| Ok(())).unwrap_err().to_string();
    assert!(error.contains("1 tracks but 0 inputs"), "{error}");
    let error = render(graph(), &[&AudioBuffer::silence(48_000, 10)], |_| Ok(())).unwrap_err().to_string();
    assert!(error.contains("48000 Hz"), "{error}");
}

/// A bass under a kick: what the graph does is what the compressor does with both signals, however late either comes.
#[test]
fn a_compressor_listens_to_another_track_at_the_same_time() {
    let compressor = "threshold_db = -30.0\nratio = 8.0\nattack_ms = 2.0\nrelease_ms = 30.0";
    let chain = format!(
        "[[track.chain]]\nkind = \"side_chain_compressor\"\nside_chain = \"kick\"\n[track.chain.compressor]\n{compressor}"
    );
    // Below its ceiling a limiter changes nothing, and looks ahead.
    let late = "chain = [{ kind = \"limiter\" }]";
    let (kick, bass) = (track(20_000, 1), track(20_000, 2));
    let settings_of = toml::from_str(compressor).expect("a compressor");
    for (name, kick_chain) in [("at once", ""), ("late", late)] {
        // What is heard is behind the fader, so it is a bus that takes the kick itself out of the mix.
        let text = format!(
            "[[track]]\nname = \"kick\"\noutput = \"sink\"\n{kick_chain}\n[[track]]\nname = \"bass\"\n{chain}\n\
             [[bus]]\nname = \"sink\"\ngain_db = -120.0\n"
        );
        let settings = settings(&text);
        let latency = Graph::new(&settings, RATE_HZ, &load_response).expect("valid").latency_frames();
        assert_eq!(latency > 0, name == "late");
        let delayed = |track: &AudioBuffer| -> Vec<[f64; 2]> {
            let frames = track.left().iter().zip(track.right()).map(|(&l, &r)| [f64::from(l), f64::from(r)]);
            std::iter::repeat_n([0.0; 2], latency).chain(frames).collect()
        };
        let mut expected = delayed(&bass);
        Compressor::new(&settings_of, RATE_HZ).process_with_side_chain(&mut expected, &delayed(&kick));
        let mixed = mix(&settings, &[kick.clone(), bass.clone()]);
        let pairs = mixed.left().iter().zip(&expected[latency..]);
        let apart = pairs.map(|(&is, wanted)| (f64::from(is) - wanted[0]).abs()).fold(0.0, f64::max);
        assert!(apart < 2e-6, "{name}: {apart}");
    }
}

#[test]
fn a_side_chain_that_leads_nowhere_or_in_a_circle_is_told() {
    let listening = |to: &str| {
        let chain = format!("chain = [{{ kind = \"side_chain_compressor\", side_chain = \"{to}\" }}]");
        let settings =
            settings(&format!("[[track]]\nname = \"bass\"\noutput = \"low\"\n{chain}\n[[bus]]\nname = \"low\""));
        settings.validate(RATE_HZ).unwrap_err().to_string()
    };
    let nowhere = listening("kick");
    assert!(
        nowhere.contains("track \"bass\", chain[0]: side_chain") && nowhere.contains("no track or bus \"kick\""),
        "{nowhere}"
    );
    assert!(listening("low").contains("feeds itself"), "{}", listening("low"));
    assert!(listening("bass").contains("feeds itself"), "{}", listening("bass"));
}
