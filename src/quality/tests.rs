//! Faults placed at known times are found there; sound material raises no alarm of any kind.

use std::f64::consts::TAU;

use super::*;
use crate::dsp::dither::Dither;
use crate::dsp::testing::Noise;
use crate::measure::Meter;

const RATE: u32 = 44_100;

/// A programme of two channels.
#[derive(Clone)]
struct Signal {
    rate: u32,
    channels: [Vec<f32>; 2],
}

impl Signal {
    fn new(rate: u32, seconds: f64, mut of_time: impl FnMut(f64) -> (f64, f64)) -> Self {
        let (left, right) = (0..(seconds * f64::from(rate)) as usize)
            .map(|n| of_time(n as f64 / f64::from(rate)))
            .map(|(l, r)| (l as f32, r as f32))
            .unzip();
        Self { rate, channels: [left, right] }
    }

    fn mono(rate: u32, seconds: f64, mut of_time: impl FnMut(f64) -> f64) -> Self {
        Self::new(rate, seconds, |t| {
            let x = of_time(t);
            (x, x)
        })
    }

    /// Fades of 20 ms at both ends: where a test is not about ends.
    fn faded(mut self) -> Self {
        let length = self.rate as usize / 50;
        for channel in &mut self.channels {
            let frames = channel.len();
            for n in 0..length.min(frames / 2) {
                let gain = n as f32 / length as f32;
                channel[n] *= gain;
                channel[frames - 1 - n] *= gain;
            }
            // The last 50 ms must have died away.
            let silent = (self.rate as usize / 16).min(frames);
            let fade = (self.rate as usize / 4).min(frames - silent);
            for n in 0..silent {
                channel[frames - 1 - n] = 0.0;
            }
            for n in 0..fade {
                channel[frames - 1 - silent - n] *= (n as f32 / fade as f32).powi(2);
            }
        }
        self
    }

    fn quantised(mut self, bits: u32) -> Self {
        let [left, right] = &mut self.channels;
        let (mut l, mut r) = (vec![0; left.len()], vec![0; left.len()]);
        Dither::new(bits).quantise(left, right, &mut l, &mut r);
        let scale = 2f32.powi(1 - bits as i32);
        *left = l.into_iter().map(|x| x as f32 * scale).collect();
        *right = r.into_iter().map(|x| x as f32 * scale).collect();
        self
    }

    fn frame(&self, at_s: f64) -> usize {
        (at_s * f64::from(self.rate)).round() as usize
    }

    fn inspect_in(&self, format: Format, block_frames: usize) -> Vec<Finding> {
        let mut meter = Meter::new(self.rate);
        let mut inspector = Inspector::new(format);
        for (l, r) in self.channels[0].chunks(block_frames).zip(self.channels[1].chunks(block_frames)) {
            let block = AudioBuffer::from_channels(self.rate, l.to_vec(), r.to_vec());
            meter.push(&block);
            inspector.push(&block);
        }
        inspector.finish(&meter.finish())
    }

    fn inspect(&self, bits: Option<u32>) -> Vec<Finding> {
        self.inspect_in(Format { sample_rate_hz: self.rate, channels: 2, bits, lossy: false }, 4_096)
    }
}

fn find(findings: &[Finding], id: Check) -> &Finding {
    findings.iter().find(|finding| finding.id == id).unwrap_or_else(|| panic!("no {id} in {findings:?}"))
}

fn value_of(findings: &[Finding], id: Check) -> f64 {
    find(findings, id).value.unwrap_or_else(|| panic!("{id} has no value in {findings:?}"))
}

/// The finding has exactly these times, to within 1 ms.
fn assert_times(findings: &[Finding], id: Check, times_s: &[f64]) {
    let found = &find(findings, id).times_s;
    let near = found.len() == times_s.len() && found.iter().zip(times_s).all(|(a, b)| (a - b).abs() < 1e-3);
    assert!(near, "{id} at {found:?}, placed at {times_s:?}");
}

fn assert_only(findings: &[Finding], ids: &[Check], what: &str) {
    let unwanted: Vec<_> = findings.iter().filter(|finding| !ids.contains(&finding.id)).collect();
    assert!(unwanted.is_empty(), "{what}: {unwanted:#?}");
}

/// Pink-ish noise in stereo with a given peak: a common part and two own ones, nothing below 30 Hz.
fn music_like(rate: u32, seconds: f64, peak: f32) -> Signal {
    let mut noise = Noise(5);
    let mut states = [[0.0f64; 4]; 3];
    let mut lows = [[0.0f64; 3]; 2];
    let low = 1.0 - (-TAU * 35.0 / f64::from(rate)).exp();
    let mut signal = Signal::new(rate, seconds, |t| {
        let [mid, left, right] = [0, 1, 2].map(|k| {
            let white = noise.next();
            // Poles a few octaves apart: near enough to 3 dB per octave.
            for (state, corner_hz) in states[k].iter_mut().zip([60.0, 400.0, 2_500.0, 16_000.0]) {
                let coefficient = (-TAU * corner_hz / f64::from(rate)).exp();
                *state = coefficient * *state + (1.0 - coefficient) * white * (16_000.0 / corner_hz).sqrt();
            }
            states[k].iter().sum::<f64>()
        });
        let swell = 0.7 + 0.3 * (TAU * 0.31 * t).sin();
        let mut outputs = [mid + 0.3 * left, mid + 0.3 * right];
        for (x, states) in outputs.iter_mut().zip(&mut lows) {
            for state in states {
                *state += low * (*x - *state);
                *x -= *state;
            }
        }
        (swell * outputs[0], swell * outputs[1])
    })
    .faded();
    let largest = signal.channels.iter().flatten().fold(0.0f32, |largest, x| largest.max(x.abs()));
    signal.channels.iter_mut().flatten().for_each(|x| *x *= peak / largest);
    signal
}

/// Bursts of noise and a falling tone with attacks within one sample.
fn drums(rate: u32) -> Signal {
    let mut noise = Noise(9);
    Signal::new(rate, 8.0, |t| {
        let (beat, since) = ((t * 4.0).floor(), (t * 4.0).fract() / 4.0);
        if t < 0.05 {
            return (0.0, 0.0);
        }
        let kick = 0.6 * (-since * 18.0).exp() * (TAU * (45.0 * since + 3.0 * (1.0 - (-since * 40.0).exp()))).sin();
        let snare = 0.5 * (-since * 30.0).exp() * noise.next();
        let hat = 0.3 * (-since * 120.0).exp() * noise.next();
        match beat as u32 % 4 {
            0 => (kick, kick),
            2 => (0.8 * snare, 0.7 * snare),
            _ => (0.5 * hat, 0.8 * hat),
        }
    })
    .faded()
}

/// A square wave as a naive oscillator draws it, with a filtered copy beside it.
fn square_bass(rate: u32, level: f64) -> Signal {
    let mut low = 0.0;
    Signal::new(rate, 6.0, |t| {
        let hz = [55.0, 41.2, 65.4][(t / 2.0) as usize % 3];
        let square = if (t * hz).fract() < 0.5 { level } else { -level };
        low += 0.2 * (square - low);
        (square, 0.8 * square + 0.2 * low)
    })
    .faded()
}

fn sweep(rate: u32) -> Signal {
    let top_hz = 0.45 * f64::from(rate);
    let seconds = 10.0;
    let growth = (top_hz / 20.0).ln() / seconds;
    Signal::mono(rate, seconds, |t| 0.5 * (TAU * 20.0 * ((growth * t).exp() - 1.0) / growth).sin()).faded()
}

/// Dense material driven into a limiter: a smooth gain holds every peak at the ceiling, none is cut.
fn limited(rate: u32) -> Signal {
    let mut signal = music_like(rate, 8.0, 3.0);
    let reach = rate as usize / 2_000;
    let frames = signal.channels[0].len();
    let peak: Vec<f32> = (0..frames).map(|n| signal.channels[0][n].abs().max(signal.channels[1][n].abs())).collect();
    let needed: Vec<f32> = (0..frames)
        .map(|n| {
            let near = &peak[n.saturating_sub(reach)..(n + reach).min(frames)];
            (0.97 / near.iter().copied().fold(0.97, f32::max)).min(1.0)
        })
        .collect();
    let mut sum: f32 = needed[..reach / 2].iter().sum();
    for n in 0..frames {
        let ahead = (n + reach / 2).min(frames - 1);
        sum += needed[ahead];
        if let Some(behind) = n.checked_sub(reach / 2) {
            sum -= needed[behind];
        }
        let gain = (sum / (2 * (reach / 2)) as f32).min(1.0);
        signal.channels.iter_mut().for_each(|channel| channel[n] *= gain);
    }
    signal
}

/// Instruments at fixed places between the speakers.
fn panned(rate: u32) -> Signal {
    Signal::new(rate, 8.0, |t| {
        let note = |hz: f64, decay: f64, period: f64| {
            let since = t % period;
            (1.0 - (-since * 400.0).exp())
                * (-since * decay).exp()
                * (1..6).map(|k| (TAU * hz * f64::from(k) * t).sin() / f64::from(k * k)).sum::<f64>()
        };
        let (bass, guitar, keys) = (note(82.4, 9.0, 1.0), note(330.0, 20.0, 0.5), note(523.3, 12.0, 0.75));
        (0.2 * bass + 0.16 * guitar + 0.02 * keys, 0.2 * bass + 0.02 * guitar + 0.16 * keys)
    })
    .faded()
}

/// A recording through a gentle low-pass, as tape and ribbon microphones are.
fn dull(rate: u32) -> Signal {
    let mut signal = music_like(rate, 8.0, 0.7);
    let coefficient = 1.0 - (-TAU * 6_000.0 / f64::from(rate)).exp() as f32;
    for channel in &mut signal.channels {
        for _ in 0..4 {
            let mut state = 0.0;
            for x in channel.iter_mut() {
                state += coefficient * (*x - state);
                *x = state;
            }
        }
    }
    signal
}

#[test]
fn sound_material_raises_no_alarm() {
    let rate = RATE;
    let white = |seed, level: f64| {
        let mut noise = Noise(seed);
        Signal::new(rate, 8.0, move |_| (level * noise.next(), level * noise.next())).faded()
    };
    let fade = |signal: Signal| {
        let mut signal = signal;
        let frames = signal.channels[0].len() as f32;
        for channel in &mut signal.channels {
            channel.iter_mut().enumerate().for_each(|(n, x)| *x *= 1.0 - n as f32 / frames);
        }
        signal
    };
    let set = [
        ("white noise", white(1, 0.3)),
        ("pink noise", music_like(rate, 8.0, 0.7)),
        ("a quiet programme", music_like(rate, 8.0, 0.01)),
        ("a sweep", sweep(rate)),
        ("drums", drums(rate)),
        ("a square bass at -6 dBFS", square_bass(rate, 0.5)),
        ("a square bass near full scale", square_bass(rate, 0.65)),
        ("panned instruments", panned(rate)),
        ("a fade", fade(music_like(rate, 8.0, 0.7))),
        ("a dull recording", dull(rate)),
        ("a full-scale low tone", Signal::mono(rate, 6.0, |t| 0.89 * (TAU * 30.0 * t).sin()).faded()),
    ];
    for (name, signal) in set {
        for bits in [16, 24] {
            // Sweeps, low tones and squares are mono or nearly so: not a fault of theirs.
            assert_only(
                &signal.clone().quantised(bits).inspect(Some(bits)),
                &[Check::DualMono],
                &format!("{name}, {bits} bits"),
            );
        }
        assert_only(&signal.inspect(None), &[Check::DualMono], name);
    }
}

#[test]
fn sound_material_raises_no_alarm_at_any_rate() {
    for rate in [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000, 384_000] {
        let set = [
            ("noise", music_like(rate, 5.0, 0.6)),
            ("drums", drums(rate)),
            ("panned", panned(rate)),
            ("a sweep", sweep(rate)),
        ];
        for (name, signal) in set {
            assert_only(&signal.inspect(None), &[Check::DualMono], &format!("{name} at {rate} Hz"));
        }
        // Held at -0.3 dBFS, so between samples it goes higher: that is true, and nothing else is.
        for signal in [limited(rate), limited(rate).quantised(16)] {
            assert_only(&signal.inspect(None), &[Check::InterSampleOvers], &format!("a limiter's output at {rate} Hz"));
        }
    }
}

#[test]
fn silence_and_scraps_are_no_trouble() {
    for frames in [0, 1, 2, 15, 16, 511, 512, 513, 4_000] {
        for rate in [8_000, 44_100, 384_000] {
            let silence = Signal { rate, channels: [vec![0.0; frames], vec![0.0; frames]] };
            assert_only(&silence.inspect(Some(24)), &[Check::Silent], "silence");
            let loud = Signal { rate, channels: [vec![0.5; frames], vec![-0.5; frames]] };
            let _ = loud.inspect(Some(24));
            let _ = loud.inspect(None);
        }
    }
}

#[test]
fn what_is_next_to_silent_is_told_with_its_peak_and_judged_where_it_has_a_loudness() {
    let silence = Signal::mono(RATE, 1.0, |_| 0.0).inspect(None);
    assert_eq!((find(&silence, Check::Silent).value, find(&silence, Check::Silent).threshold), (None, -60.0));
    let low = Signal::new(RATE, 2.0, |t| {
        let tone = (TAU * 997.0 * t).sin();
        (0.0009 * tone, 0.0005 * tone)
    });
    let findings = low.faded().inspect(None);
    assert_eq!(findings[0].id, Check::Silent, "{findings:?}");
    assert!(
        (value_of(&findings, Check::Silent) + 60.9).abs() < 0.05 && findings[0].message.contains("than -60.9 dBFS"),
        "{findings:?}"
    );
    assert!((value_of(&findings, Check::Balance) - 5.1).abs() < 0.1, "{findings:?}");
}

#[test]
fn blocks_do_not_matter() {
    let mut signal = drums(RATE);
    let at = signal.frame(3.3);
    signal.channels[0][at..at + 400].fill(0.0);
    signal.channels[1][at + 20_000] += 0.6;
    let format = Format { sample_rate_hz: RATE, channels: 2, bits: Some(24), lossy: false };
    let whole = signal.inspect_in(format, usize::MAX >> 1);
    for block in [1, 77, 4_096, 100_000] {
        assert_eq!(signal.inspect_in(format, block), whole);
    }
}

#[test]
fn flat_tops_are_found() {
    for rate in [8_000, 44_100, 192_000] {
        let mut signal = music_like(rate, 4.0, 0.1);
        let placed = [0.5, 1.25, 3.0];
        for (at_s, sign) in placed.into_iter().zip([1.0, -1.0, 1.0]) {
            let at = signal.frame(at_s);
            for (n, x) in signal.channels[1][at - 5..at + 10].iter_mut().enumerate() {
                *x = sign * (2.0 - 0.2 * (n as f32 - 7.0).abs()).min(1.0);
            }
        }
        let findings = signal.inspect(None);
        assert_times(&findings, Check::Clipping, &placed);
        let finding = find(&findings, Check::Clipping);
        assert_eq!((finding.value, finding.severity), (Some(3.0), Severity::Fail), "runs of 11 samples");
    }
    // Hard clipping of a whole programme, turned down by half a dB and dithered.
    let mut signal = music_like(RATE, 4.0, 0.6);
    signal.channels.iter_mut().flatten().for_each(|x| *x = 0.944 * (3.0 * *x).clamp(-1.0, 1.0));
    assert_eq!(find(&signal.quantised(16).inspect(Some(16)), Check::Clipping).severity, Severity::Fail);
}

#[test]
fn overs_are_found_between_samples() {
    let mut signal = music_like(RATE, 4.0, 0.1);
    for at_s in [1.004, 2.51] {
        // A quarter of the sample rate, in phase with the gaps: peaks 3 dB above the samples.
        let at = signal.frame(at_s);
        for (n, x) in signal.channels[0][at - 40..at + 41].iter_mut().enumerate() {
            let swell = (std::f64::consts::PI * (n as f64 + 1.0) / 82.0).sin().powi(8);
            *x += (1.1 * swell * (TAU * (n as f64 - 40.5) / 4.0 + 0.0).cos()) as f32;
        }
    }
    let findings = signal.inspect(None);
    assert_times(&findings, Check::InterSampleOvers, &[1.004, 2.51]);
    assert_eq!(find(&findings, Check::InterSampleOvers).severity, Severity::Fail);
    assert_only(&findings, &[Check::InterSampleOvers, Check::Click], "overs");
}

#[test]
fn a_peak_that_is_told_as_the_limit_keeps_to_it() {
    let told = |dbtp: f64| {
        let peak = crate::units::db_to_amplitude(dbtp);
        let findings = Signal::mono(RATE, 1.0, |t| peak * (TAU * 997.0 * t).sin()).faded().inspect(None);
        findings.iter().any(|finding| finding.id == Check::InterSampleOvers)
    };
    assert_eq!([-0.995, -0.96].map(told), [false, true]);
}

#[test]
fn frequencies_are_told_in_words() {
    let words = [&[][..], &[50.0], &[50.0, 149.9], &[100.0, 150.0, 250.0]].map(in_hertz);
    assert_eq!(words, ["", "50 Hz", "50 and 150 Hz", "100, 150 and 250 Hz"]);
}

#[test]
fn ends_are_found() {
    let sound = music_like(RATE, 3.0, 0.7);
    let mut late = sound.clone();
    for channel in &mut late.channels {
        channel.splice(..0, vec![0.0; RATE as usize]);
        channel.extend(vec![0.0; 4 * RATE as usize]);
    }
    let findings = late.inspect(None);
    let first = sound.channels[0].iter().zip(&sound.channels[1]).position(|(l, r)| l.abs().max(r.abs()) > 1e-3);
    assert_times(&findings, Check::HeadSilence, &[1.0 + first.expect("audible") as f64 / f64::from(RATE)]);
    assert!((value_of(&findings, Check::TailSilence) - 4.06).abs() < 0.03);
    assert_only(&findings, &[Check::HeadSilence, Check::TailSilence], "late");
    let mut cut = sound;
    for channel in &mut cut.channels {
        channel.drain(..RATE as usize);
        channel.truncate(RATE as usize);
        channel[0] = 0.1;
    }
    let findings = cut.inspect(None);
    assert_times(&findings, Check::CutStart, &[0.0]);
    assert_times(&findings, Check::CutEnd, &[1.0]);
    assert_eq!(find(&findings, Check::CutEnd).severity, Severity::Fail);
}

#[test]
fn what_a_faint_programme_begins_with_is_no_silence() {
    let faint = |start: f64| {
        let level = |t: f64| if t < 3.0 { start } else { 0.0012 };
        Signal::mono(RATE, 8.0, |t| level(t) * (TAU * 1000.0 * t).sin()).inspect(None)
    };
    // 64 dB under full scale, and 6 dB under the rest.
    assert!(faint(0.0006).iter().all(|finding| finding.id != Check::HeadSilence), "{:?}", faint(0.0006));
    assert!((value_of(&faint(0.0), Check::HeadSilence) - 3.0).abs() < 0.01);
}

#[test]
fn hum_and_noise_that_go_on_to_the_ends_are_no_cut() {
    let mut noise = Noise(7);
    let mut hum = |n: usize| {
        let turns = TAU * 50.0 * n as f64 / f64::from(RATE);
        (1..=4).map(|k| 0.01 / f64::from(k) * (f64::from(k) * (turns + 1.0)).sin()).sum::<f64>()
    };
    let added: [(Check, &mut dyn FnMut(usize) -> f64); 2] =
        [(Check::Hum, &mut hum), (Check::Noise, &mut |_| 0.006 * noise.next())];
    for (id, of_frame) in added {
        let mut signal = music_like(RATE, 6.0, 0.4);
        for channel in &mut signal.channels {
            channel.splice(..0, vec![0.0; 8 * RATE as usize]);
            channel.extend(vec![0.0; 8 * RATE as usize]);
            channel.iter_mut().enumerate().for_each(|(n, x)| *x += of_frame(n) as f32);
        }
        let ends = |findings: &[Finding]| -> Vec<Check> {
            let ids = findings.iter().map(|finding| finding.id);
            ids.filter(|id| matches!(id, Check::CutStart | Check::CutEnd)).collect()
        };
        let findings = signal.inspect(None);
        find(&findings, id);
        assert_eq!(ends(&findings), [], "{findings:?}");
        // Music that is cut is told as ever, and after what stands under it.
        let mut ended = signal.clone();
        ended.channels.iter_mut().for_each(|channel| channel.truncate(11 * RATE as usize));
        let findings = ended.inspect(None);
        assert_eq!((ends(&findings), findings[0].severity), (vec![Check::CutEnd], Severity::Fail), "{findings:?}");
        let mut begun = signal;
        for channel in &mut begun.channels {
            channel.drain(..11 * RATE as usize);
            channel[0] = 0.1;
        }
        let findings = begun.inspect(None);
        assert_eq!(ends(&findings), [Check::CutStart], "{findings:?}");
        let place = |id| findings.iter().position(|finding| finding.id == id);
        assert!(place(id).is_some() && place(id) < place(Check::CutStart), "{findings:?}");
    }
}

#[test]
fn a_fade_to_nothing_is_no_cut() {
    for fade_s in [0.1, 0.5, 3.0] {
        let mut signal = music_like(RATE, 6.0, 0.7);
        let fade = (fade_s * f64::from(RATE)) as usize;
        for channel in &mut signal.channels {
            let frames = channel.len();
            channel.iter_mut().enumerate().for_each(|(n, x)| *x *= ((frames - 1 - n) as f32 / fade as f32).min(1.0));
        }
        let findings = signal.inspect(None);
        assert!(findings.iter().all(|finding| finding.id != Check::CutEnd), "{fade_s} s: {findings:?}");
    }
}

#[test]
fn silence_at_the_ends_of_music_with_an_offset_is_no_click() {
    // Half-waves have a mean, and are silent between each other.
    let lopsided = |n: usize| {
        let t = n as f64 / f64::from(RATE);
        (0.3 * (4.0 - t).min(1.0) * (TAU * 110.0 * t).sin()).max(0.0) as f32
    };
    let mut samples = vec![0.0; RATE as usize / 20];
    samples.extend((0..4 * RATE as usize).map(lopsided));
    samples.extend(vec![0.0; RATE as usize / 20]);
    let signal = Signal { rate: RATE, channels: [samples.clone(), samples] };
    let findings = signal.inspect(None);
    find(&findings, Check::Dc);
    assert!(findings.iter().all(|finding| !matches!(finding.id, Check::CutStart | Check::CutEnd)), "{findings:?}");
}

#[test]
fn a_chord_that_is_held_to_an_end_is_no_floor() {
    let chord = |n: usize| {
        let tone = |hz: f64| (TAU * hz * n as f64 / f64::from(RATE) + 1.0).sin();
        (0.02 * (tone(220.0) + tone(277.2) + tone(329.6))) as f32
    };
    let held: Vec<f32> = (0..4 * RATE as usize).map(chord).collect();
    let music = music_like(RATE, 6.0, 0.4);
    let [mut ended, mut begun] = [music.clone(), music];
    ended.channels.iter_mut().for_each(|channel| channel.extend(&held));
    for channel in &mut begun.channels {
        channel.splice(..0, held.iter().copied());
    }
    for (cut, signal) in [(Check::CutEnd, ended), (Check::CutStart, begun)] {
        let findings = signal.inspect(None);
        find(&findings, cut);
        assert!(findings.iter().all(|finding| finding.id != Check::Noise), "{findings:?}");
    }
}

#[test]
fn an_offset_or_rumble_to_the_end_is_no_cut() {
    let sound = music_like(RATE, 6.0, 0.7);
    let fade = |channel: &mut Vec<f32>| {
        let length = channel.len();
        channel.iter_mut().enumerate().for_each(|(n, x)| *x *= ((length - n) as f32 / length as f32).powi(4).min(1.0));
    };
    for (id, added) in
        [(Check::Dc, (&|_: f64| 0.03) as &dyn Fn(f64) -> f64), (Check::SubSonic, &|t: f64| 0.1 * (TAU * 8.0 * t).sin())]
    {
        let mut faded = sound.clone();
        for channel in &mut faded.channels {
            fade(channel);
            let whole_waves = 8 * RATE as usize * 5;
            channel.truncate(whole_waves.min(channel.len()));
            channel.iter_mut().enumerate().for_each(|(n, x)| *x += added(n as f64 / f64::from(RATE)) as f32);
        }
        let findings = faded.inspect(None);
        assert!(findings.iter().any(|finding| finding.id == id), "{findings:?}");
        assert!(findings.iter().all(|finding| !matches!(finding.id, Check::CutStart | Check::CutEnd)), "{findings:?}");
    }
}

#[test]
fn clicks_are_found() {
    for rate in [22_050, 44_100, 96_000, 192_000] {
        for (signal, size) in [(panned(rate), 0.25), (music_like(rate, 5.0, 0.02), 0.6)] {
            let mut signal = signal;
            let placed = [0.777, 1.9, 3.2];
            for (index, at_s) in placed.into_iter().enumerate() {
                let at = signal.frame(at_s);
                signal.channels[index % 2][at] += size;
            }
            let findings = signal.inspect(None);
            assert_times(&findings, Check::Click, &placed);
            assert_only(&findings, &[Check::Click], "clicks");
        }
    }
}

#[test]
fn dropouts_are_found() {
    for rate in [8_000, 44_100, 96_000] {
        for length_s in [0.005, 0.05, 1.0] {
            let mut signal = music_like(rate, 6.0, 0.7);
            let placed = [1.3337, 3.1];
            for at_s in placed {
                let range = signal.frame(at_s)..signal.frame(at_s + length_s);
                signal.channels.iter_mut().for_each(|channel| channel[range.clone()].fill(0.0));
            }
            let findings = signal.inspect(None);
            assert_times(&findings, Check::Dropout, &placed);
            assert!((value_of(&findings, Check::Dropout) - 1e3 * length_s).abs() < 1.0);
            assert_only(&findings, &[Check::Dropout], "dropouts");
        }
    }
    // In one channel only, in a 16-bit file.
    let mut signal = music_like(RATE, 6.0, 0.7);
    let at = signal.frame(2.0);
    signal.channels[1][at..at + 60].fill(0.0);
    let findings = signal.quantised(16).inspect(Some(16));
    assert_times(&findings, Check::Dropout, &[2.0]);
}

#[test]
fn channel_faults_are_found() {
    let sound = music_like(RATE, 8.0, 0.6);
    let with_right = |change: &dyn Fn(&[f32]) -> Vec<f32>| {
        let right = change(&sound.channels[1]);
        Signal { rate: RATE, channels: [sound.channels[0].clone(), right] }.inspect(None)
    };
    let inverted = with_right(&|x| x.iter().map(|x| -x).collect());
    assert!(value_of(&inverted, Check::Polarity) < -0.8);
    let Finding { severity, message, .. } = find(&inverted, Check::Polarity);
    assert_eq!(*severity, Severity::Fail);
    assert!(message.starts_with("one channel is probably upside down, or a widener goes too far"), "{message}");
    assert_only(&inverted, &[Check::Polarity], "inverted");
    let dead = with_right(&|x| vec![0.0; x.len()]);
    assert!(find(&dead, Check::DeadChannel).message.contains("the right channel"));
    assert_eq!(find(&dead, Check::DeadChannel).value, None, "nothing has no level");
    assert_only(&dead, &[Check::DeadChannel], "dead");
    let quieter = with_right(&|x| x.iter().map(|x| 0.5 * x).collect());
    assert!((value_of(&quieter, Check::Balance) - 6.0).abs() < 0.2);
    assert_only(&quieter, &[Check::Balance], "quieter");
    let same = with_right(&|_| sound.channels[0].clone());
    assert_only(&same, &[Check::DualMono], "the same");
    find(&same, Check::DualMono);
    let mono = Signal { rate: RATE, channels: [sound.channels[0].clone(), sound.channels[0].clone()] };
    let format = Format { sample_rate_hz: RATE, channels: 1, bits: None, lossy: false };
    assert_only(&mono.inspect_in(format, 4_096), &[], "a mono file");
    // For three seconds against each other.
    let half =
        with_right(&|x| (0..).zip(x).map(|(n, x)| if (n / (3 * RATE as usize)) == 1 { -x } else { *x }).collect());
    assert_times(&half, Check::Phase, &[3.0]);
    // The last window has 0.3 s: no third of the time.
    let mut noise = Noise(5);
    let end = Signal::new(RATE, 6.3, |t| {
        let (mid, side) = (0.2 * noise.next(), 0.05 * noise.next());
        if t < 6.02 { (mid + side, mid - side) } else { (mid + side, side - mid) }
    });
    assert!(end.inspect(None).iter().all(|finding| finding.id != Check::Phase));
}

#[test]
fn a_hit_in_a_pause_is_no_window_of_sound() {
    let mut noise = Noise(5);
    let signal = Signal::new(RATE, 9.0, |t| {
        let (mid, side) = (0.2 * noise.next(), 0.05 * noise.next());
        match t {
            3.0..5.7 => (0.0, 0.0),
            5.7..6.0 => (mid + side, side - mid),
            _ => (mid + side, mid - side),
        }
    });
    let findings = signal.inspect(None);
    assert!(findings.iter().all(|finding| finding.id != Check::Phase), "{findings:?}");
}

#[test]
fn moments_tell_nothing_of_polarity() {
    let mut noise = Noise(5);
    let opposed = Signal::new(RATE, 0.5, |_| {
        let x = 0.3 * noise.next();
        (x, -x)
    });
    for (seconds, told) in [(0.0, false), (0.39, false), (0.5, true)] {
        let mut signal = opposed.clone();
        let frames = signal.frame(seconds).max(1);
        signal.channels.iter_mut().for_each(|channel| channel.truncate(frames));
        let findings = signal.inspect(None);
        assert_eq!(findings.iter().any(|finding| finding.id == Check::Polarity), told, "{seconds} s: {findings:?}");
        assert!(findings.iter().all(|finding| finding.id != Check::Phase));
    }
}

#[test]
fn offsets_decide_no_polarity() {
    let polarity = |right: f32, offsets: [f32; 2]| {
        let mut signal = music_like(RATE, 6.0, 0.1);
        signal.channels[1].iter_mut().for_each(|x| *x *= right);
        for (channel, offset) in signal.channels.iter_mut().zip(offsets) {
            channel.iter_mut().for_each(|x| *x += offset);
        }
        signal.inspect(None).into_iter().find(|finding| finding.id == Check::Polarity)
    };
    assert_eq!(polarity(1.0, [0.06, -0.06]), None);
    assert!(polarity(-1.0, [0.06, 0.06]).is_some());
}

#[test]
fn both_channels_of_a_soft_programme_are_alive() {
    let findings = |right_level: f64| {
        let mut noise = Noise(5);
        Signal::new(RATE, 5.0, |_| (7e-4 * noise.next(), right_level * noise.next())).inspect(None)
    };
    let soft = findings(2.6e-4);
    assert!(soft.iter().all(|finding| finding.id != Check::DeadChannel), "{soft:?}");
    assert!((value_of(&soft, Check::Balance) - 8.6).abs() < 0.2);
    find(&findings(7e-6), Check::DeadChannel);
}

#[test]
fn one_click_does_not_tell_which_channel_is_dead() {
    let mut noise = Noise(5);
    let mut left_only = Signal::new(RATE, 200.0, |_| (0.3 * noise.next(), 0.0)).faded();
    let at = left_only.frame(100.0);
    left_only.channels[1][at] = 0.31;
    let findings = left_only.inspect(None);
    assert!(find(&findings, Check::DeadChannel).message.contains("the right channel"), "{findings:?}");
}

#[test]
fn gaps_are_found_from_the_length_that_is_told() {
    for rate in [8_000, 22_050, 44_100] {
        let told_ms = {
            let mut signal = music_like(rate, 4.0, 0.7);
            let range = signal.frame(2.0)..signal.frame(2.05);
            signal.channels.iter_mut().for_each(|channel| channel[range.clone()].fill(0.0));
            find(&signal.inspect(None), Check::Dropout).threshold
        };
        let length = (1e-3 * told_ms * f64::from(rate)).ceil() as usize;
        let mut missed = 0;
        for shift in 0..16 {
            let mut signal = music_like(rate, 4.0, 0.7);
            let at = signal.frame(2.0) + shift;
            signal.channels.iter_mut().for_each(|channel| channel[at..at + length].fill(0.0));
            missed += usize::from(!signal.inspect(None).iter().any(|finding| finding.id == Check::Dropout));
        }
        // Where the wave crosses zero at the gap's edge, nothing is torn.
        assert!(missed <= 4, "{rate} Hz: {missed} of 16 gaps of {told_ms} ms");
    }
}

#[test]
fn a_single_flat_top_counts_at_full_scale_only() {
    let flat = |level: f32| {
        let mut signal = music_like(RATE, 3.0, 0.5).faded();
        let at = signal.frame(1.0);
        signal.channels[0][at..at + 4].fill(level);
        signal.inspect(None).iter().any(|finding| finding.id == Check::Clipping)
    };
    assert_eq!([0.993, 0.9955, 0.9985, 0.9995, 1.0].map(flat), [false, false, false, true, true]);
}

#[test]
fn delays_are_found() {
    let sound = music_like(RATE, 12.0, 0.6);
    for frames in [1usize, 7, 44, 882] {
        let mut late = sound.clone();
        late.channels[1] = late.channels[0].clone();
        late.channels[1].splice(..0, vec![0.0; frames]);
        late.channels[1].truncate(sound.channels[0].len());
        // Not the same in all: each channel has some noise of its own.
        let mut noise = Noise(3);
        late.channels.iter_mut().flatten().for_each(|x| *x += 0.002 * noise.next() as f32);
        let late = late.faded();
        let findings = late.inspect(None);
        let expected_ms = 1e3 * frames as f64 / f64::from(RATE);
        assert!((value_of(&findings, Check::ChannelDelay) - expected_ms).abs() < 0.002, "{findings:?}");
        assert_only(&findings, &[Check::ChannelDelay, Check::Phase], "delay");
    }
}

#[test]
fn a_late_channel_that_is_upside_down_is_told_as_both() {
    // Of its own each channel has next to nothing, or so much that only phases tell.
    for own in [0.02, 1.5] {
        let mut noise = Noise(3);
        let sound = Signal::new(RATE, 12.0, |_| {
            let mid = noise.next();
            (0.1 * (mid + own * noise.next()), 0.1 * (mid + own * noise.next()))
        });
        for gain in [1.0, -1.0] {
            let mut late = sound.clone();
            late.channels[1].splice(..0, vec![0.0; 400]);
            late.channels[1].truncate(sound.channels[0].len());
            late.channels[1].iter_mut().for_each(|x| *x *= gain);
            let findings = late.faded().inspect(None);
            let delay = find(&findings, Check::ChannelDelay);
            assert!((value_of(&findings, Check::ChannelDelay) - 9.070).abs() < 0.002, "{delay:?}");
            let is_told = delay.message.contains("late and upside down; move it earlier by as much and invert it");
            assert_eq!((delay.is_inverted, is_told), (gain < 0.0, gain < 0.0), "{delay:?}");
        }
    }
}

#[test]
fn dc_and_depth_are_found() {
    let sound = music_like(RATE, 4.0, 0.6);
    let mut off = sound.clone();
    off.channels[1].iter_mut().for_each(|x| *x += 0.02);
    let findings = off.inspect(None);
    assert!(
        (value_of(&findings, Check::Dc) - 2.0).abs() < 0.05 && find(&findings, Check::Dc).severity == Severity::Fail
    );
    let padded = sound.clone().quantised(16).inspect(Some(24));
    assert_eq!(value_of(&padded, Check::PaddedBits), 16.0);
    assert_only(&padded, &[Check::PaddedBits], "padded");
    assert_only(&sound.clone().quantised(16).inspect(Some(16)), &[], "16 bits");
    assert_only(&sound.clone().quantised(24).inspect(Some(24)), &[], "24 bits");
    let coarse = sound.clone().quantised(8).inspect(Some(16));
    assert_eq!(value_of(&coarse, Check::PaddedBits), 8.0);
    // No release has 8 or 12 bits.
    assert!(find(&coarse, Check::PaddedBits).message.ends_with("ask for the original"), "{coarse:?}");
    let uneven = sound.quantised(12).inspect(Some(24));
    let message = &find(&uneven, Check::PaddedBits).message;
    assert!(
        message.ends_with("uses 12: it was made from one with fewer; ask for the original, or deliver it as 16 bits")
    );
}

#[test]
fn the_threshold_that_is_told_is_that_of_the_severity() {
    use super::thresholds::{
        BALANCE_FAIL_LU, BALANCE_WARNING_LU, CLIP_FAIL_RUNS, CUT_END_FAIL_DBFS, CUT_END_WARNING_DBFS, DC_FAIL_PERCENT,
        DC_WARNING_PERCENT, HEAD_FAIL_S, HEAD_WARNING_S,
    };
    type Change<'a> = &'a dyn Fn(&mut Vec<f32>);
    let sound = music_like(RATE, 3.0, 0.7);
    let told = |id: Check, channels: std::ops::Range<usize>, change: Change<'_>| {
        let mut changed = sound.clone();
        changed.channels[channels].iter_mut().for_each(change);
        let findings = changed.inspect(None);
        (find(&findings, id).severity, find(&findings, id).threshold)
    };
    let warning = |threshold: f64| (Severity::Warning, threshold);
    let fail = |threshold: f64| (Severity::Fail, threshold);
    let late = |seconds: usize| {
        told(Check::HeadSilence, 0..2, &|x| x.splice(..0, vec![0.0; seconds * RATE as usize]).for_each(drop))
    };
    assert_eq!([late(1), late(3)], [warning(HEAD_WARNING_S), fail(HEAD_FAIL_S)]);
    let cut = |gain: f32| {
        told(Check::CutEnd, 0..2, &|x| {
            x.truncate(RATE as usize);
            x.iter_mut().for_each(|x| *x *= gain);
        })
    };
    assert_eq!([cut(0.02), cut(1.0)], [warning(CUT_END_WARNING_DBFS), fail(CUT_END_FAIL_DBFS)]);
    let off = |mean: f32| told(Check::Dc, 0..1, &|x| x.iter_mut().for_each(|x| *x += mean));
    assert_eq!([off(0.005), off(0.02)], [warning(DC_WARNING_PERCENT), fail(DC_FAIL_PERCENT)]);
    let leaning = |gain: f32| told(Check::Balance, 1..2, &|x| x.iter_mut().for_each(|x| *x *= gain));
    assert_eq!([leaning(0.5), leaning(0.1)], [warning(BALANCE_WARNING_LU), fail(BALANCE_FAIL_LU)]);
    let clipped = told(Check::Clipping, 0..2, &|x| x.iter_mut().for_each(|x| *x = (4.0 * *x).clamp(-1.0, 1.0)));
    assert_eq!(clipped, fail(CLIP_FAIL_RUNS as f64));
}

/// Removes everything above a frequency.
fn low_passed(signal: &Signal, hz: f64) -> Signal {
    low_passed_within(signal, hz, 200)
}

/// The same with so many taps on either side: the fewer, the wider the slope.
fn low_passed_within(signal: &Signal, hz: f64, half: i32) -> Signal {
    let ratio = hz / f64::from(signal.rate);
    let taps: Vec<f32> = (-half..=half)
        .map(|n| {
            let x = f64::from(n);
            let sinc = if n == 0 { 2.0 * ratio } else { (TAU * ratio * x).sin() / (0.5 * TAU * x) };
            let phase = 0.5 * TAU * (x / f64::from(half) + 1.0);
            (sinc * (0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos())) as f32
        })
        .collect();
    let channels = signal.channels.each_ref().map(|channel| {
        let mut padded = vec![0.0; half as usize];
        padded.extend_from_slice(channel);
        padded.resize(channel.len() + 2 * half as usize, 0.0);
        padded.windows(taps.len()).map(|x| x.iter().zip(&taps).map(|(x, tap)| x * tap).sum()).collect()
    });
    Signal { rate: signal.rate, channels }
}

#[test]
fn edges_of_codecs_and_rates_are_found() {
    let sound = music_like(RATE, 8.0, 0.6);
    for hz in [11_000.0, 16_000.0, 19_000.0, 20_000.0] {
        let findings = low_passed(&sound, hz).quantised(16).inspect(Some(16));
        assert!((value_of(&findings, Check::LossySource) - hz).abs() < 400.0, "{findings:?}");
        assert_only(&findings, &[Check::LossySource], "low-passed");
    }
    let lossy = Format { sample_rate_hz: RATE, channels: 2, bits: None, lossy: true };
    let findings = low_passed(&sound, 16_000.0).inspect_in(lossy, 4_096);
    assert_eq!(find(&findings, Check::LossySource).severity, Severity::Info);
    for (rate, edge_hz, source_hz) in
        [(96_000, 21_700.0, 44_100.0), (96_000, 23_600.0, 48_000.0), (192_000, 43_500.0, 88_200.0)]
    {
        let sound = music_like(rate, 6.0, 0.6);
        let findings = low_passed(&sound, edge_hz).quantised(24).inspect(Some(24));
        assert_eq!(value_of(&findings, Check::UpSampled), source_hz);
        assert_only(&findings, &[Check::UpSampled], "up-sampled");
    }
}

#[test]
fn a_converter_whose_filter_ends_late_is_found_too() {
    for source_hz in [44_100.0, 48_000.0] {
        // Twice, for a slope from 0.46 to 0.6 of the lower rate into nothing at all, as ffmpeg's own filter has it.
        let once = low_passed_within(&music_like(96_000, 6.0, 0.6), 0.53 * source_hz, 50);
        let sloped = low_passed_within(&once, 0.53 * source_hz, 50);
        let findings = sloped.quantised(24).inspect(Some(24));
        assert_eq!(value_of(&findings, Check::UpSampled), source_hz);
    }
}

#[test]
fn tones_on_either_side_are_not_late() {
    let square = |hz: f64, t: f64| if (hz * t).fract() < 0.5 { 0.4 } else { -0.4 };
    let voices = Signal::new(RATE, 12.0, |t| (square(220.0, t), square(330.0, t)));
    let turned = Signal::new(RATE, 12.0, |t| (0.4 * (TAU * 220.0 * t).sin(), 0.4 * (TAU * 220.0 * t + 1.48).sin()));
    for signal in [voices, turned] {
        let findings = signal.faded().inspect(None);
        assert!(findings.iter().all(|finding| finding.id != Check::ChannelDelay), "{findings:?}");
    }
}

#[test]
fn a_tone_in_time_outvotes_a_few_late_excerpts() {
    // Noise that is 30 samples late in 3 of 16 excerpts.
    let mut noise = Noise(7);
    let late: Vec<f64> = (0..40 * RATE as usize + 30).map(|_| 0.1 * noise.next()).collect();
    let mut n = 0;
    let signal = Signal::new(RATE, 40.0, |t| {
        let tone = 0.2 * (TAU * 880.0 * t).sin();
        let gain = if [3, 8, 13].contains(&((t / 2.5) as u32)) { 1.0 } else { 0.0 };
        n += 1;
        (tone + gain * late[n + 29], tone + gain * late[n - 1])
    });
    let findings = signal.inspect(None);
    assert!(findings.iter().all(|finding| finding.id != Check::ChannelDelay), "{findings:?}");
}

#[test]
fn one_late_sound_makes_no_late_channel() {
    // Middle and side cancel, so that a sound that reaches the right channel late is all that phases show. What is loud and low is in
    // time, in the middle or in the side; without it, nothing speaks against a delay.
    let is_told = |low_gains: [f64; 2]| {
        let mut noises = [1, 2, 3, 4].map(Noise);
        let late: Vec<f64> = (0..12 * RATE as usize + 256).map(|_| noises[0].next()).collect();
        let (mut n, mut low) = (0, [0.0; 2]);
        let signal = Signal::new(RATE, 12.0, |_| {
            let [_, mid, side, bass] = noises.each_mut().map(Noise::next);
            low[0] += 0.01 * (bass - low[0]);
            low[1] += 0.01 * (low[0] - low[1]);
            n += 1;
            let left = mid + side + late[n + 255] + low_gains[0] * low[1];
            (0.05 * left, 0.05 * (mid - side + late[n - 1] + low_gains[1] * low[1]))
        });
        signal.faded().inspect(None).iter().any(|finding| finding.id == Check::ChannelDelay)
    };
    assert_eq!([[0.0, 0.0], [60.0, 60.0], [60.0, -60.0]].map(is_told), [true, false, false]);
}

#[test]
fn drawn_waves_and_coarse_steps_are_neither_torn_nor_clipped() {
    let square = |hz: f64, n: usize| if (hz * n as f64 / f64::from(RATE)).fract() < 0.5 { 1.0f32 } else { -1.0 };
    // Two voices of a sound chip: silent half of the time, and flat at its loudest.
    let chip: Vec<f32> = (0..5 * RATE as usize).map(|n| 0.48 * (square(220.0, n) + square(331.0, n))).collect();
    // A melody that is gated without a fade.
    let gated: Vec<f32> =
        (0..5 * RATE as usize).map(|n| if n / 11_025 % 2 == 0 { 0.4 * square(220.0, n) } else { 0.0 }).collect();
    // Music in 8 bits: around its zero crossings there is nothing.
    let coarse = music_like(RATE, 8.0, 0.1).quantised(8);
    let signals = [(chip, Some(16)), (gated, Some(16)), (coarse.channels[0].clone(), Some(8))];
    for (index, (channel, bits)) in signals.into_iter().enumerate() {
        let findings = Signal { rate: RATE, channels: [channel.clone(), channel] }.inspect(bits);
        let wrong = findings.iter().find(|finding| [Check::Dropout, Check::Clipping].contains(&finding.id));
        assert!(wrong.is_none(), "{index}: {wrong:?}");
    }
}

#[test]
fn hum_beside_the_middle_is_found_under_music() {
    // In antiphase, and in one channel.
    for of_right in [-1.0, 0.0] {
        let mut signal = music_like(RATE, 20.0, 0.4).faded();
        signal.channels[1] = signal.channels[0].clone();
        let [left, right] = &mut signal.channels;
        for (n, (l, r)) in left.iter_mut().zip(right).enumerate() {
            let t = n as f64 / f64::from(RATE);
            let hum: f64 = (1..=4).map(|k| 0.004 / f64::from(k) * (TAU * 50.0 * f64::from(k) * t).sin()).sum();
            *l += hum as f32;
            *r += (of_right * hum) as f32;
        }
        // Of one channel, half is in the side.
        let expected_dbfs = if of_right == 0.0 { -57.0 } else { -51.0 };
        let findings = signal.inspect(None);
        assert!((value_of(&findings, Check::Hum) - expected_dbfs).abs() < 1.0, "{findings:?}");
    }
}

#[test]
fn notes_that_could_fold_onto_the_mains_at_low_rates_are_no_hum() {
    // Of all that a note is made of, sums of 16 samples, 500 or 1000 a second, leave tones at multiples of 60 Hz.
    for (rate, hz) in [(8_000u32, 440.0), (16_000, 880.0)] {
        let partials: Vec<f64> = (1..=8).map(f64::from).filter(|k| k * hz < 0.47 * f64::from(rate)).collect();
        let note = |t: f64| partials.iter().map(|k| 0.2 / k * (TAU * k * hz * t).sin()).sum::<f64>();
        let findings = Signal::mono(rate, 8.0, note).faded().inspect(None);
        assert!(findings.iter().all(|finding| finding.id != Check::Hum), "{rate} Hz: {findings:?}");
    }
}

#[test]
fn hum_noise_and_rumble_are_found() {
    for rate in [8_000, 16_000, 22_050, 44_100, 96_000] {
        for mains_hz in [50.0, 60.0] {
            let mut signal = music_like(rate, 20.0, 0.4);
            for (n, (l, r)) in {
                let [left, right] = &mut signal.channels;
                left.iter_mut().zip(right).enumerate()
            } {
                let t = n as f64 / f64::from(rate);
                // The music pauses for 8 s.
                let gain = if (6.0..14.0).contains(&t) { 0.01 } else { 1.0 };
                let hum: f64 = (1..=4).map(|k| 0.004 / f64::from(k) * (TAU * mains_hz * f64::from(k) * t).sin()).sum();
                *l = *l * gain + hum as f32;
                *r = *r * gain + hum as f32;
            }
            let findings = signal.faded().inspect(None);
            assert!((value_of(&findings, Check::Hum) + 51.0).abs() < 2.0, "{findings:?}");
            let Finding { message, frequencies_hz, .. } = find(&findings, Check::Hum);
            assert!(message.contains(&format!("{mains_hz:.0} Hz")));
            assert_eq!(frequencies_hz[..3], [1.0, 2.0, 3.0].map(|number| number * mains_hz));
        }
    }
    let mut noise = Noise(8);
    let mut hissing = music_like(RATE, 10.0, 0.6);
    for channel in &mut hissing.channels {
        for (n, x) in channel.iter_mut().enumerate() {
            // The music pauses from 3 to 6 s, with fades of 50 ms.
            let t = n as f32 / RATE as f32;
            let gain = if (3.0..6.0).contains(&t) { 1.0 - 20.0 * (t - 3.0).min(6.0 - t) } else { 1.0 };
            *x = *x * gain.max(0.0) + 0.004 * noise.next() as f32;
        }
    }
    let findings = hissing.inspect(None);
    assert!((value_of(&findings, Check::Noise) + 55.0).abs() < 2.0, "{findings:?}");
    let mut rumbling = music_like(RATE, 10.0, 0.5);
    let rumble = |n: usize| 0.1 * (n as f32 * 12.0 * std::f32::consts::TAU / 44_100.0).sin();
    rumbling.channels.iter_mut().for_each(|channel| {
        channel.iter_mut().enumerate().for_each(|(n, x)| *x += rumble(n));
    });
    let findings = rumbling.clone().faded().inspect(None);
    assert_only(&findings, &[Check::SubSonic], "rumble");
    let of_both_db = value_of(&findings, Check::SubSonic);
    // A pick-up that moves up and down makes as much of the side.
    rumbling.channels[1].iter_mut().enumerate().for_each(|(n, x)| *x -= 2.0 * rumble(n));
    let of_side_db = value_of(&rumbling.faded().inspect(None), Check::SubSonic);
    assert!((of_side_db - of_both_db).abs() < 0.5, "{of_side_db} {of_both_db}");
    let alone = Signal::mono(RATE, 5.0, |t| 0.5 * (TAU * 8.0 * t).sin()).inspect(None);
    assert!(find(&alone, Check::SubSonic).message.starts_with("more than half of all energy"), "{alone:?}");
}
