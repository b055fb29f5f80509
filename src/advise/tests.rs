//! Faults put into synthesised music are told, with their numbers; the music itself is left alone.

use std::f64::consts::TAU;

use super::*;
use crate::dsp::biquad::{Cascade, Coefficients};
use crate::dsp::testing::Noise;

const RATE: u32 = 44_100;
const SECONDS: f64 = 20.0;

#[derive(Clone)]
struct Signal(Vec<[f64; 2]>);

impl Signal {
    /// Noise with the median spectrum of music, a common part and one for each channel, swelling, faded at both ends.
    fn music() -> Self {
        let mut noise = Noise(5);
        let mut frames: Vec<[f64; 2]> = (0..(SECONDS * f64::from(RATE)) as usize)
            .map(|_| {
                let [mid, left, right] = [0; 3].map(|_| noise.next());
                [mid + 0.5 * left, mid + 0.5 * right]
            })
            .collect();
        // White noise rises by 1 dB from one third octave to the next.
        let bands = (-14..=10).map(|k| 1000.0 * 10f64.powf(f64::from(k) / 10.0));
        let sections = bands.filter_map(|hz| {
            let (level_db, _) = prior::of_music(hz)?;
            Some((hz, level_db - 10.0 * (hz / 1000.0).log10()))
        });
        let curve: Vec<(f64, f64)> = sections.collect();
        let mut last_db = curve[0].1;
        let shelves = curve.windows(2).map(|pair| {
            let step_db = pair[1].1 - last_db;
            last_db = pair[1].1;
            Coefficients::high_shelf((pair[0].0 * pair[1].0).sqrt(), step_db, 0.7, RATE)
        });
        let mut sections: Vec<Coefficients> = shelves.collect();
        sections.push(Coefficients::high_pass(35.0, 0.7, RATE));
        Cascade::new(sections).process(&mut frames);
        let length = frames.len();
        let peak = frames.iter().flatten().fold(0.0f64, |peak, x| peak.max(x.abs()));
        for (n, frame) in frames.iter_mut().enumerate() {
            let swell = 0.8 + 0.2 * (TAU * 0.31 * n as f64 / f64::from(RATE)).sin();
            let fade = (n.min(length - 1 - n).saturating_sub(4_000) as f64 / 4_000.0).min(1.0);
            frame.iter_mut().for_each(|x| *x *= 0.4 / peak * swell * fade);
        }
        Self(frames)
    }

    fn with(mut self, change: impl Fn(usize, [f64; 2]) -> [f64; 2]) -> Self {
        self.0.iter_mut().enumerate().for_each(|(n, frame)| *frame = change(n, *frame));
        self
    }

    fn through(mut self, section: Coefficients) -> Self {
        Cascade::new([section]).process(&mut self.0);
        self
    }

    fn audio(&self) -> AudioBuffer {
        let (left, right) = self.0.iter().map(|[l, r]| (*l as f32, *r as f32)).unzip();
        AudioBuffer::from_channels(RATE, left, right)
    }

    fn advice(&self, reference: Option<&Self>) -> Vec<Advice> {
        self.advice_in(Format { sample_rate_hz: RATE, channels: 2, bits: None, lossy: false }, reference)
    }

    fn advice_in(&self, format: Format, reference: Option<&Self>) -> Vec<Advice> {
        let reference = reference.map(Self::measured);
        advise_audio(&self.audio(), format, reference.as_ref())
    }

    fn measured(&self) -> Measurement {
        let mut meter = Meter::new(RATE);
        meter.push(&self.audio());
        meter.finish()
    }
}

#[track_caller]
fn find(findings: &[Advice], id: Problem) -> &Advice {
    findings.iter().find(|advice| advice.id == id).unwrap_or_else(|| panic!("no {id} in {findings:#?}"))
}

#[test]
fn a_channel_of_zeros_has_no_level_in_the_evidence() {
    let audio = Signal((0..RATE).map(|n| [0.1 * (0.05 * f64::from(n)).sin(), 0.0]).collect());
    let findings = audio.advice(None);
    assert!(find(&findings, Problem::DeadChannel).evidence.is_empty(), "{findings:?}");
}

#[test]
fn sound_music_is_left_alone() {
    let music = Signal::music();
    assert_eq!(music.advice(None), []);
    assert_eq!(music.advice(Some(&music)), []);
}

#[test]
fn a_tone_of_which_nothing_is_told_beside_a_reference_has_its_reason() {
    let music = Signal::music();
    let format = Format { sample_rate_hz: RATE, channels: 2, bits: None, lossy: false };
    let untold =
        |mix: &Signal, reference: Option<&Measurement>| judge_audio(&mix.audio(), format, reference).untold_tone;
    let reference = music.measured();
    assert_eq!(untold(&music, Some(&reference)), Some(UntoldTone::NothingStandsOut));
    assert_eq!(untold(&music, None), None);
    let muddy = music.clone().through(Coefficients::bell(300.0, 7.0, 1.0, RATE));
    assert_eq!(untold(&muddy, Some(&reference)), None);
    // One low tone that swells: a few bands are no spectrum.
    let angle = |hz: f64, n: usize| TAU * hz * n as f64 / f64::from(RATE);
    let rumble = |n, _| [0.3 * angle(60.0, n).sin() * angle(0.5 / SECONDS, n).sin(); 2];
    let rumble = music.clone().with(rumble).measured();
    assert_eq!(untold(&music, Some(&rumble)), Some(UntoldTone::NotComparable));
}

#[test]
fn what_a_format_takes_away_is_told() {
    let quiet = Signal::music().with(|_, frame| frame.map(|x| 0.1 * x));
    let told = |bits: Option<u32>, lossy: bool, id: Problem| {
        let format = Format { sample_rate_hz: RATE, channels: 2, bits, lossy };
        quiet.advice_in(format, None).into_iter().find(|advice| advice.id == id)
    };
    // Peaks at 0.04 or so, 28 dB under full scale, which is 4.7 bits.
    let low = told(Some(16), false, Problem::LowLevel).expect("11 bits are few");
    assert!((low.evidence["used_bits"] - 11.4).abs() < 0.5, "{low:?}");
    assert_eq!([told(Some(24), false, Problem::LowLevel), told(None, false, Problem::LowLevel)], [None, None]);
    assert!(told(None, true, Problem::LossySource).is_some() && told(None, false, Problem::LossySource).is_none());
}

#[test]
fn a_sample_rate_below_that_of_releases_is_told() {
    let told = |sample_rate_hz| {
        let format = Format { sample_rate_hz, channels: 2, bits: Some(24), lossy: false };
        super::quality::low_sample_rate(format)
    };
    let low = told(22_050).expect("half of a release's");
    assert!(low.message.starts_with("at 22050 Hz it can hold nothing above 11.0 kHz"), "{}", low.message);
    assert!(told(44_100).is_none() && told(96_000).is_none());
}

#[test]
fn padded_bits_and_silence_at_the_start_are_told_as_what_they_are() {
    let music = Signal::music();
    let padded = music.clone().with(|_, frame| frame.map(|x| (32_768.0 * x).round() / 32_768.0));
    let format = Format { sample_rate_hz: RATE, channels: 2, bits: Some(24), lossy: false };
    assert_eq!(find(&padded.advice_in(format, None), Problem::PaddedBits).evidence["used_bits"], 16.0);

    let late = music.with(|n, frame| if n < 2 * RATE as usize { [0.0; 2] } else { frame });
    let [[from_s, to_s]] = find(&late.advice(None), Problem::HeadSilence).times_s[..] else { panic!("one place") };
    assert!(from_s == 0.0 && (to_s - 2.0).abs() < 0.1, "{from_s} to {to_s}");
}

#[test]
fn silence_at_the_end_and_a_sample_rate_that_holds_nothing_are_told() {
    let early = Signal::music().with(|n, frame| if n < 15 * RATE as usize { frame } else { [0.0; 2] });
    let [[from_s, to_s]] = find(&early.advice(None), Problem::TailSilence).times_s[..] else { panic!("one place") };
    assert!((from_s - 15.0).abs() < 0.01 && to_s == SECONDS, "{from_s} to {to_s}");

    let mut meter = Meter::new(RATE);
    meter.push(&AudioBuffer::silence(RATE, 10));
    let known = Finding::new(
        Check::UpSampled,
        crate::quality::Severity::Warning,
        44_100.0,
        96_000.0,
        "the file holds nothing above 22.05 kHz",
    );
    let mut told = Vec::new();
    super::quality::advice(&[known], &meter.finish(), &mut told);
    let up_sampled = find(&told, Problem::UpSampled);
    assert_eq!((up_sampled.evidence["original_rate_hz"], up_sampled.mend), (44_100.0, Mend::Mix));
}

#[test]
fn what_is_cut_off_only_the_mix_brings_back_and_the_words_agree() {
    let cut = Signal::music().with(|n, frame| if n == 0 { [0.1; 2] } else { frame });
    let cut = Signal(cut.0[..15 * RATE as usize].to_vec()).advice(None);
    for id in [Problem::CutStart, Problem::CutEnd] {
        let advice = find(&cut, id);
        assert!(advice.mend == Mend::Mix && advice.fix.starts_with("export again"), "{advice:?}");
        assert!(advice.fix.ends_with("brings nothing back") && !advice.message.contains(", or fade"), "{advice:?}");
    }
}

#[test]
fn a_mix_that_was_exported_far_too_low_is_told_so_first() {
    // Squeezed, so that it has a loudness although no sample reaches -60 dBFS.
    let low = Signal::music().with(|_, frame| frame.map(|x| 0.0009 * (20.0 * x).clamp(-1.0, 1.0)));
    let format = Format { sample_rate_hz: RATE, channels: 2, bits: Some(16), lossy: false };
    let findings = low.advice_in(format, None);
    let places: Vec<usize> = (0..findings.len()).filter(|&place| findings[place].id == Problem::LowLevel).collect();
    assert_eq!((places, findings[0].severity), (vec![0], Severity::High), "{findings:#?}");
    assert!((findings[0].evidence["sample_peak_dbfs"] + 60.9).abs() < 0.1, "{findings:#?}");
    // It is judged as any other.
    find(&findings, Problem::OverCompressed);
}

#[test]
fn a_mix_that_no_master_brings_to_level_is_told_whatever_its_bits() {
    // Near -60 LUFS, with peaks that are no silence.
    let low = Signal::music().with(|_, frame| frame.map(|x| 0.008 * x));
    let format = Format { sample_rate_hz: RATE, channels: 2, bits: Some(24), lossy: false };
    let findings = low.advice_in(format, None);
    let advice = find(&findings, Problem::LowLevel);
    assert!(advice.evidence["integrated_lufs"] < -49.0 && advice.evidence["sample_peak_dbfs"] > -60.0, "{advice:?}");
    assert!(advice.message.ends_with("by 40 dB at the most"), "{advice:?}");
}

#[test]
fn steady_tones_are_told_as_what_may_be_none_of_compression() {
    let squeezed = |sample: &dyn Fn(usize, f64) -> f64| {
        let findings = Signal::music().with(|n, [l, _]| [sample(n, l); 2]).advice(None);
        let advice = find(&findings, Problem::OverCompressed);
        (advice.severity, advice.confidence, advice.message.contains("steady tones"))
    };
    // The first harmonics of a saw.
    let drone = |n: usize, _: f64| {
        let phase = TAU * 110.0 * n as f64 / f64::from(RATE);
        (1..30).map(|k| 0.2 * (f64::from(k) * (phase + 0.3)).sin() / f64::from(k)).sum::<f64>()
    };
    assert_eq!(squeezed(&drone), (Severity::Medium, 0.4, true));
    // Noise that is cut off has as steady a level.
    assert_eq!(squeezed(&|_, x: f64| (20.0 * x).clamp(-0.5, 0.5)), (Severity::High, 0.7, false));
}

#[test]
fn gross_faults_of_tone_are_told_without_a_reference() {
    let cases = [
        (Problem::Boom, Coefficients::bell(90.0, 16.0, 1.0, RATE)),
        (Problem::Mud, Coefficients::bell(300.0, 12.0, 1.0, RATE)),
        (Problem::Harshness, Coefficients::bell(3_200.0, 12.0, 1.0, RATE)),
        (Problem::Sibilance, Coefficients::bell(7_000.0, 16.0, 1.4, RATE)),
        (Problem::Dull, Coefficients::high_shelf(4_000.0, -36.0, 0.7, RATE)),
        (Problem::Thin, Coefficients::low_shelf(200.0, -18.0, 0.7, RATE)),
    ];
    for (id, section) in cases {
        let findings = Signal::music().through(section).advice(None);
        let advice = find(&findings, id);
        assert!(advice.confidence <= 0.6 && advice.message.contains("A hint"), "{advice:?}");
        assert!(advice.fix.contains(" dB at "), "{advice:?}");
    }
}

#[test]
fn a_reference_shows_smaller_faults_and_their_size() {
    let music = Signal::music();
    for (id, hz) in [(Problem::Mud, 300.0), (Problem::Harshness, 3_200.0)] {
        let findings = music.clone().through(Coefficients::bell(hz, 7.0, 1.0, RATE)).advice(Some(&music));
        let advice = find(&findings, id);
        assert!((advice.evidence["deviation_db"] - 7.0).abs() < 2.5, "{advice:?}");
        assert!(advice.fix.starts_with("bell -") && advice.message.contains("reference"), "{advice:?}");
    }
}

#[cfg(feature = "ml")]
#[test]
fn a_resonance_is_placed() {
    for hz in [220.0, 890.0, 3_600.0] {
        let findings = Signal::music().through(Coefficients::bell(hz, 14.0, 14.0, RATE)).advice(None);
        let advice = find(&findings, Problem::Resonance);
        assert!((advice.evidence["frequency_hz"] / hz).log2().abs() < 0.05, "{hz}: {advice:?}");
        assert!(advice.message.contains("hint") && advice.evidence["q"] > 4.0, "{advice:?}");
    }
}

#[test]
fn notes_are_no_resonances() {
    // A held chord over the noise: lines of one frequency each.
    let chord = [220.0, 277.2, 329.6, 440.0, 880.0];
    let song = Signal::music().with(|n, [l, r]| {
        let t = n as f64 / f64::from(RATE);
        let sum: f64 = chord.iter().map(|hz| 0.03 * (TAU * hz * t).sin()).sum();
        [l + sum, r + sum]
    });
    assert!(song.advice(None).iter().all(|advice| advice.id != Problem::Resonance));
}

#[test]
fn faults_of_the_channels_are_told() {
    let inverted = Signal::music().with(|_, [l, r]| [l, -r]).advice(None);
    assert_eq!(
        (find(&inverted, Problem::Phase).severity, find(&inverted, Problem::Phase).mend),
        (Severity::High, Mend::Master)
    );
    let leaning = Signal::music().with(|_, [l, r]| [l, 0.5 * r]).advice(None);
    assert!((find(&leaning, Problem::Balance).evidence["balance_lu"] - 6.02).abs() < 0.2, "{leaning:?}");
    assert!(find(&leaning, Problem::Balance).fix.contains("right channel +6"), "{leaning:?}");

    let music = Signal::music();
    let late = 882;
    let delayed = music.clone().with(|n, [l, _]| [l, if n < late { 0.0 } else { music.0[n - late][1] }]).advice(None);
    assert!((find(&delayed, Problem::ChannelDelay).evidence["delay_ms"] - 20.0).abs() < 0.1, "{delayed:?}");

    // So late that the bass is opposed: the delay is told, and nothing that follows from it.
    let late = 265;
    let delayed = music.clone().with(|n, [l, _]| [l, if n < late { 0.0 } else { music.0[n - late][1] }]).advice(None);
    find(&delayed, Problem::ChannelDelay);
    let follows = |advice: &Advice| matches!(advice.id, Problem::Phase | Problem::MonoLoss | Problem::SideBass);
    assert!(!delayed.iter().any(follows), "{delayed:?}");
    // No delay of a sample makes a channel work against the other.
    let opposed = music.clone().with(|n, [l, _]| [l, if n < 1 { 0.0 } else { -music.0[n - 1][1] }]).advice(None);
    find(&opposed, Problem::ChannelDelay);
    assert_eq!(find(&opposed, Problem::Phase).severity, Severity::High);

    let mut low = music.clone();
    for _ in 0..2 {
        low = low.through(Coefficients::low_pass(120.0, 0.7, RATE));
    }
    let wide = music.with(|n, [l, r]| {
        let side = if n < 500 { 0.0 } else { 0.8 * (low.0[n - 500][0] + low.0[n - 500][1]) };
        [l + side, r - side]
    });
    let advice = wide.advice(None);
    assert_eq!(find(&advice, Problem::SideBass).band_hz, Some([20.0, 120.0]));
}

#[test]
fn parts_whose_channels_are_opposed_are_told_with_their_times() {
    let rate = f64::from(RATE);
    let upside_down_to = |end_s: f64| {
        let from_s = 8.0;
        let change = move |n: usize, [l, r]: [f64; 2]| {
            let is_opposed = (from_s..end_s).contains(&(n as f64 / rate));
            [l, if is_opposed { -r } else { r }]
        };
        Signal::music().with(change).advice(None)
    };
    let findings = upside_down_to(15.0);
    let phase = find(&findings, Problem::Phase);
    assert_eq!((phase.severity, phase.mend, phase.band_hz), (Severity::Medium, Mend::Mix, None), "{phase:?}");
    assert!(phase.evidence["correlation"] > 0.0, "the whole agrees: {phase:?}");
    let [[from_s, to_s]] = phase.times_s[..] else { panic!("one stretch: {phase:?}") };
    assert!((7.0..=8.0).contains(&from_s) && (15.0..=16.0).contains(&to_s), "{from_s} to {to_s}");
    // A break of 4 s is short.
    assert!(upside_down_to(12.0).iter().all(|advice| advice.id != Problem::Phase));
}

#[test]
fn bass_that_cancels_is_told_by_itself() {
    // Only a tone of 60 Hz is upside down in the right channel; the channels as a whole still agree.
    let opposed = Signal::music().with(|n, [l, r]| {
        let tone = 0.07 * (TAU * 60.0 * n as f64 / f64::from(RATE)).sin();
        [l + tone, r - tone]
    });
    let findings = opposed.advice(None);
    let phase = find(&findings, Problem::Phase);
    assert!(phase.evidence["correlation"] > 0.0 && phase.evidence["bass_correlation"] < 0.0, "{phase:?}");
    assert_eq!((phase.band_hz, phase.mend), (Some([20.0, 120.0]), Mend::Mix));
    find(&findings, Problem::SideBass);
}

#[test]
fn clipping_hum_and_offset_are_told() {
    let clipped = Signal::music().with(|_, frame| frame.map(|x| (7.0 * x).clamp(-1.0, 1.0))).advice(None);
    assert_eq!(
        (find(&clipped, Problem::Clipping).severity, find(&clipped, Problem::Clipping).mend),
        (Severity::High, Mend::Mix)
    );
    // The music leaves room for it in the second half.
    let half = (0.5 * SECONDS * f64::from(RATE)) as usize;
    let humming = Signal::music().with(|n, frame| {
        let phase = TAU * 50.0 * n as f64 / f64::from(RATE);
        let hum: f64 = (1..=5).map(|harmonic| 0.01 / f64::from(harmonic) * (f64::from(harmonic) * phase).sin()).sum();
        frame.map(|x| if n < half { x } else { 0.01 * x } + hum)
    });
    let findings = humming.advice(None);
    let hum = find(&findings, Problem::Hum);
    assert!(hum.message.contains("mains hum at 50 Hz stands out at 50, 100"), "{hum:?}");
    assert!(findings.iter().all(|advice| !matches!(advice.id, Problem::CutStart | Problem::CutEnd)), "{findings:?}");
    assert!(hum.fix.contains(": at 50, 100") && hum.evidence["frequency_3_hz"] == 150.0, "{hum:?}");
    let off = Signal::music().with(|_, frame| frame.map(|x| x + 0.02)).advice(None);
    assert!((find(&off, Problem::Dc).evidence["offset_percent"] - 2.0).abs() < 0.1, "{off:?}");
}

#[test]
fn peaks_that_are_cut_off_in_earnest_make_headroom_matter() {
    // Flat tops of 7 samples at full scale, in the left channel.
    let with_tops = |count: usize| {
        let top = |n: usize| {
            let (number, at) = (n / RATE as usize, (n % RATE as usize) as f64);
            ((1..=count).contains(&number) && at < 15.0).then(|| (1.6 - 0.2 * (at - 7.0).abs()).min(1.0))
        };
        Signal::music().with(|n, [l, r]| [top(n).unwrap_or(l), r]).advice(None)
    };
    let cut = with_tops(12);
    let headroom = find(&cut, Problem::Headroom);
    assert_eq!((headroom.severity, headroom.mend, headroom.times_s.len()), (Severity::Medium, Mend::Mix, 12));
    assert!((headroom.times_s[0][0] - 1.0).abs() < 1e-3 && headroom.evidence["clipped_peaks"] == 12.0, "{headroom:?}");
    assert!(headroom.fix.starts_with("take clippers and limiters off"), "{headroom:?}");
    assert!(cut.iter().all(|advice| advice.id != Problem::Clipping), "{cut:?}");

    // A few are an accident: lower, and told where they are.
    let few = with_tops(2);
    let headroom = find(&few, Problem::Headroom);
    assert_eq!((headroom.severity, headroom.mend, headroom.times_s.len()), (Severity::Low, Mend::Mix, 2));
    assert!(headroom.fix.starts_with("lower the whole mix by"), "{headroom:?}");
}

#[test]
fn advice_comes_worst_first_and_silence_gets_none() {
    let bad = Signal::music().with(|_, [l, r]| [7.0 * l, -6.0 * r].map(|x| x.clamp(-1.0, 1.0) + 0.02)).advice(None);
    assert!(bad.len() >= 3 && bad.is_sorted_by(|a, b| a.severity >= b.severity), "{bad:?}");
    assert_eq!(Signal::music().with(|_, _| [0.0; 2]).advice(None), []);
}
