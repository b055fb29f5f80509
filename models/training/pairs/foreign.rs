//! Other makers' effects: ffmpeg's own filters, and the LV2 plug-ins that it hosts.

use std::io::Write;
use std::process::{Command, Stdio};

use halfspeed::AudioBuffer;
use halfspeed::dsp::eq::{BandKind, EqBand};
use halfspeed::units::db_to_amplitude;

use crate::draw::Draw;

/// Limiters' ceiling as an amplitude, -1 dBFS.
const CEILING: f64 = 0.89;
/// What a plug-in chain is driven with, dBFS: within the range of all thresholds.
const LEVEL_DBFS: f64 = -20.0;
/// How far peaks stand over the level, about, dB.
const PEAKS_OVER_LEVEL_DB: f64 = 13.0;

/// Who made an effect.
#[derive(Clone, Copy, PartialEq)]
pub enum Maker {
    Ffmpeg,
    /// Robin Gareus' fil4, darc and dpl (Debian's x42-plugins).
    X42,
    /// Linux Studio Plugins (Debian's lsp-plugins-lv2).
    Lsp,
}

impl Maker {
    pub fn draw(draw: &mut Draw) -> Self {
        match draw.uniform(0.0, 3.0) {
            ..1.0 => Self::Ffmpeg,
            ..2.0 => Self::X42,
            _ => Self::Lsp,
        }
    }
}

/// The error says whose effects can't be run here.
pub fn check() -> Result<(), String> {
    let second = AudioBuffer::from_channels(48_000, vec![0.1; 48_000], vec![0.1; 48_000]);
    for (maker, whose) in [
        (Maker::Ffmpeg, "ffmpeg's filters: is ffmpeg installed?"),
        (Maker::X42, "x42's plug-ins through ffmpeg: is x42-plugins installed?"),
        (Maker::Lsp, "LSP's plug-ins through ffmpeg: is lsp-plugins-lv2 installed?"),
    ] {
        let chain = Chain::draw(&mut Draw::new(0, 0), |_| maker);
        chain.apply(&second, -20.0, &[EqBand::default()], 0.0, 0.0).ok_or(format!("can't run {whose}"))?;
    }
    Ok(())
}

/// Another maker's chain, or one of several makers'.
pub struct Chain {
    /// Threshold over the level, dB.
    over_db: f64,
    ratio: f64,
    attack_ms: f64,
    release_ms: f64,
    equaliser: Maker,
    compressor: Maker,
    limiter: Maker,
}

impl Chain {
    pub fn draw(draw: &mut Draw, maker: impl Fn(&mut Draw) -> Maker) -> Self {
        Self {
            over_db: draw.uniform(-1.0, 9.0),
            ratio: draw.log(1.4, 4.5),
            attack_ms: draw.log(4.0, 50.0),
            release_ms: draw.log(50.0, 400.0),
            equaliser: maker(draw),
            compressor: maker(draw),
            limiter: maker(draw),
        }
    }

    /// Equaliser, width, compressor and limiter. `None` where ffmpeg fails.
    pub fn apply(
        &self,
        audio: &AudioBuffer,
        level_dbfs: f64,
        eq: &[EqBand],
        side_gain_db: f64,
        drive_over_peak_db: f64,
    ) -> Option<AudioBuffer> {
        let side = format!("stereotools=slev={:.4}", db_to_amplitude(side_gain_db).clamp(0.016, 4.0));
        let plugged = [self.equaliser, self.compressor, self.limiter].iter().any(|maker| *maker != Maker::Ffmpeg);
        let at_dbfs = if plugged { LEVEL_DBFS } else { level_dbfs };
        let drive_db = -at_dbfs - PEAKS_OVER_LEVEL_DB + drive_over_peak_db;
        let mut filters = Vec::new();
        if plugged {
            filters.push(format!("volume={:.3}dB", LEVEL_DBFS - level_dbfs));
        }
        filters.extend(self.equaliser_filters(eq));
        filters.extend([
            side,
            self.compressor_filter(at_dbfs + self.over_db),
            format!("volume={drive_db:.3}dB"),
            self.limiter_filter(),
        ]);
        run(audio, &filters.join(","))
    }

    fn equaliser_filters(&self, eq: &[EqBand]) -> Vec<String> {
        match self.equaliser {
            Maker::Ffmpeg => eq.iter().map(ffmpeg_band).collect(),
            Maker::X42 => vec![plugin("http\\://gareus.org/oss/lv2/fil4#stereo", &fil4_controls(eq))],
            Maker::Lsp => {
                let controls: Vec<String> = eq.iter().enumerate().map(lsp_band).collect();
                vec![plugin("http\\://lsp-plug.in/plugins/lv2/para_equalizer_x16_stereo", &controls.join("|"))]
            }
        }
    }

    fn compressor_filter(&self, threshold_dbfs: f64) -> String {
        let Self { ratio, attack_ms, release_ms, .. } = self;
        match self.compressor {
            Maker::Ffmpeg => {
                let threshold = db_to_amplitude(threshold_dbfs.clamp(-55.0, 0.0)).max(0.001);
                format!(
                    "acompressor=threshold={threshold:.5}:ratio={ratio:.3}:attack={attack_ms:.2}:release={release_ms:.2}"
                )
            }
            Maker::X42 => plugin(
                "http\\://gareus.org/oss/lv2/darc#stereo",
                &format!(
                    "threshold={threshold_dbfs:.3}|Ratio={:.4}|attack={:.4}|release={:.4}",
                    1.0 - 1.0 / ratio,
                    attack_ms / 1e3,
                    release_ms / 1e3
                ),
            ),
            Maker::Lsp => plugin(
                "http\\://lsp-plug.in/plugins/lv2/compressor_stereo",
                &format!(
                    "al={:.5}|cr={ratio:.3}|at={attack_ms:.2}|rt={release_ms:.2}",
                    db_to_amplitude(threshold_dbfs)
                ),
            ),
        }
    }

    fn limiter_filter(&self) -> String {
        match self.limiter {
            Maker::Ffmpeg => format!("alimiter=limit={CEILING}:attack=3:release=80:level=disabled"),
            Maker::X42 => plugin("http\\://gareus.org/oss/lv2/dpl#stereo", "threshold=-1|release=0.08"),
            Maker::Lsp => {
                plugin("http\\://lsp-plug.in/plugins/lv2/limiter_stereo", &format!("th={CEILING}|alr=0|boost=0"))
            }
        }
    }
}

fn plugin(uri: &str, controls: &str) -> String {
    format!("lv2=p='{uri}':c={controls}")
}

/// A band as a filter of ffmpeg's.
fn ffmpeg_band(band: &EqBand) -> String {
    let name = match band.kind {
        BandKind::LowShelf => "bass",
        BandKind::HighShelf => "treble",
        _ => "equalizer",
    };
    format!("{name}=f={:.1}:t=q:w={:.3}:g={:.3}", band.frequency_hz, band.q, band.gain_db)
}

/// fil4 has two shelves and four bells, of which the first and the third reach as far as the bells drawn here.
fn fil4_controls(eq: &[EqBand]) -> String {
    let mut bells = ["1", "3"].into_iter();
    let bands = eq.iter().filter_map(|band| {
        let (frequency, width, gain) = match band.kind {
            BandKind::LowShelf => ("LSfreq".into(), "LSq".into(), "LSgain".into()),
            BandKind::HighShelf => ("HSfreq".into(), "HSq".into(), "HSgain".into()),
            _ => bells.next().map(|n| (format!("freq{n}"), format!("q{n}"), format!("gain{n}")))?,
        };
        let octaves = 2.0 / std::f64::consts::LN_2 * (0.5 / band.q).asinh();
        Some(format!("{frequency}={:.1}|{width}={octaves:.3}|{gain}={:.3}", band.frequency_hz, band.gain_db))
    });
    bands.collect::<Vec<_>>().join("|")
}

/// A band's controls. Shelves keep the plug-in's own slope.
fn lsp_band((index, band): (usize, &EqBand)) -> String {
    let (kind, q) = match band.kind {
        BandKind::LowShelf => (5, 0.0),
        BandKind::HighShelf => (3, 0.0),
        _ => (1, band.q),
    };
    let gain = db_to_amplitude(band.gain_db);
    format!("ft_{index}={kind}|f_{index}={:.1}|g_{index}={gain:.4}|q_{index}={q:.3}", band.frequency_hz)
}

/// Pipes audio through ffmpeg's filters.
fn run(audio: &AudioBuffer, filters: &str) -> Option<AudioBuffer> {
    let rate = audio.sample_rate_hz().to_string();
    let format = ["-f", "f32le", "-ar", &rate, "-ac", "2"];
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(format)
        .args(["-i", "pipe:0", "-af", filters])
        .args(format)
        .arg("pipe:1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    let frames = audio.left().iter().zip(audio.right());
    let bytes: Vec<u8> = frames.flat_map(|(l, r)| [l.to_le_bytes(), r.to_le_bytes()]).flatten().collect();
    let writer = std::thread::spawn(move || input.write_all(&bytes).is_ok());
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?;
    let (samples, _) = output.stdout.as_chunks::<4>();
    let samples: Vec<f32> = samples.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let (mut left, mut right): (Vec<f32>, Vec<f32>) = samples.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    // Limiters may lag by less than a window: what is missing at the end is silence.
    if left.len() + 4096 < audio.frames() {
        return None;
    }
    left.resize(audio.frames(), 0.0);
    right.resize(audio.frames(), 0.0);
    Some(AudioBuffer::from_channels(audio.sample_rate_hz(), left, right))
}
