//! Random production: what makes a mix of a song, and what makes its master.
//!
//! The ranges are wider than use, and lean the way that mixes and masters do: mixes are muddier, duller and narrower
//! than what becomes of them.

use halfspeed::AudioBuffer;
use halfspeed::dsp::compressor::{BandCompressorSettings, CompressorSettings};
use halfspeed::dsp::eq::{BandKind, EqBand};
use halfspeed::dsp::leveler::LevelerSettings;
use halfspeed::dsp::limiter::LimiterSettings;
use halfspeed::dsp::multiband::MultibandSettings;
use halfspeed::dsp::width::WidthSettings;
use halfspeed::engine::Recipe;
use halfspeed::engine::render::process;
use halfspeed::io::Spool;
use halfspeed::units::{db_to_amplitude, power_to_db};

use crate::draw::Draw;
use crate::foreign::{Chain, Maker};

/// What masters are limited to.
const CEILING_DBTP: f64 = -1.0;

fn band(kind: BandKind, frequency_hz: f64, gain_db: f64, q: f64) -> EqBand {
    EqBand { kind, frequency_hz, gain_db: gain_db.clamp(-12.0, 12.0), q, ..EqBand::default() }
}

/// What a mix lacks or has too much of.
pub struct Roughening {
    eq: Vec<EqBand>,
    side_gain_db: f64,
}

impl Roughening {
    pub fn draw(draw: &mut Draw) -> Self {
        let strength = draw.uniform(0.4, 1.5);
        let mut eq = vec![
            band(BandKind::LowShelf, draw.log(60.0, 350.0), strength * draw.normal(0.0, 2.8), draw.uniform(0.5, 0.9)),
            band(
                BandKind::HighShelf,
                draw.log(3500.0, 12_000.0),
                strength * draw.normal(-1.1, 2.8),
                draw.uniform(0.5, 0.9),
            ),
            band(BandKind::Bell, draw.log(130.0, 750.0), strength * draw.normal(1.1, 2.2), draw.log(0.4, 1.8)),
            band(BandKind::Bell, draw.log(900.0, 6500.0), strength * draw.normal(0.0, 2.4), draw.log(0.4, 1.8)),
        ];
        if draw.chance(0.3) {
            eq.push(band(BandKind::Bell, draw.log(50.0, 12_000.0), draw.normal(0.0, 2.5), draw.log(0.5, 3.0)));
        }
        Self { eq, side_gain_db: draw.normal(-1.3, 1.8).clamp(-8.0, 4.0) }
    }

    pub fn apply(&self, audio: &AudioBuffer) -> AudioBuffer {
        let width = Some(WidthSettings { side_gain_db: self.side_gain_db });
        let recipe = Recipe { eq: self.eq.clone(), width, ..Recipe::default() };
        run(audio, &recipe, None).unwrap_or_else(|| audio.clone())
    }
}

/// Whose effects a round's masters go through.
#[derive(Clone, Copy, PartialEq)]
pub enum Makers {
    /// Mostly this engine's, now and then ffmpeg's filters.
    Ours,
    /// Equaliser, compressor and limiter of ffmpeg and of two makers of plug-ins, in any combination.
    Others,
}

/// A mastering chain.
pub struct Master {
    eq: Vec<EqBand>,
    side_gain_db: f64,
    dynamics: Dynamics,
    /// How far the highest peaks would stand over the ceiling without the limiter, dB.
    drive_over_peak_db: f64,
}

enum Dynamics {
    None,
    /// Threshold over the level, dB.
    Glue {
        over_db: f64,
        settings: CompressorSettings,
    },
    Leveler {
        over_db: f64,
        ratio: f64,
        release_ms: f64,
    },
    Multiband {
        over_db: [f64; 4],
        ratio: f64,
    },
    /// Everything by other makers' effects, the equaliser and the limiter too.
    Foreign(Chain),
}

impl Master {
    pub fn draw(draw: &mut Draw, makers: Makers) -> Self {
        let strength = draw.uniform(0.3, 1.4);
        let mut eq = vec![
            band(BandKind::LowShelf, draw.log(50.0, 260.0), strength * draw.normal(0.4, 2.2), draw.uniform(0.5, 0.9)),
            band(
                BandKind::HighShelf,
                draw.log(4500.0, 13_000.0),
                strength * draw.normal(0.8, 2.3),
                draw.uniform(0.5, 0.9),
            ),
            band(BandKind::Bell, draw.log(150.0, 900.0), strength * draw.normal(-0.7, 1.8), draw.log(0.4, 1.6)),
        ];
        if draw.chance(0.7) {
            eq.push(band(
                BandKind::Bell,
                draw.log(800.0, 7000.0),
                strength * draw.normal(0.0, 1.9),
                draw.log(0.4, 1.6),
            ));
        }
        let dynamics = match draw.uniform(0.0, 1.0) {
            _ if makers == Makers::Others => Dynamics::Foreign(Chain::draw(draw, Maker::draw)),
            ..0.12 => Dynamics::None,
            ..0.37 => Dynamics::Glue {
                over_db: draw.uniform(-2.0, 9.0),
                settings: CompressorSettings {
                    ratio: draw.log(1.3, 4.5),
                    attack_ms: draw.log(2.0, 50.0),
                    release_ms: draw.log(40.0, 400.0),
                    knee_db: draw.uniform(0.0, 8.0),
                    ..CompressorSettings::default()
                },
            },
            ..0.57 => Dynamics::Leveler {
                over_db: draw.uniform(0.0, 9.0),
                ratio: draw.log(1.5, 5.0),
                release_ms: draw.log(15.0, 120.0),
            },
            ..0.75 => {
                Dynamics::Multiband { over_db: [0; 4].map(|_| draw.uniform(-4.0, 6.0)), ratio: draw.log(1.3, 3.0) }
            }
            _ => Dynamics::Foreign(Chain::draw(draw, |_| Maker::Ffmpeg)),
        };
        Self {
            eq,
            side_gain_db: draw.normal(0.8, 1.5).clamp(-4.0, 5.0),
            dynamics,
            drive_over_peak_db: draw.uniform(-1.0, 8.0),
        }
    }

    /// The master of an excerpt. `None` where a tool fails.
    pub fn apply(&self, audio: &AudioBuffer) -> Option<AudioBuffer> {
        let mut recipe = Recipe {
            eq: self.eq.clone(),
            width: Some(WidthSettings { side_gain_db: self.side_gain_db }),
            ..Recipe::default()
        };
        let level_db = level_db(audio);
        match &self.dynamics {
            Dynamics::Glue { over_db, settings } => {
                let threshold_db = (level_db + over_db).clamp(-60.0, 0.0);
                recipe.glue = Some(CompressorSettings { threshold_db, ..settings.clone() });
            }
            Dynamics::Leveler { over_db, ratio, release_ms } => {
                recipe.leveler = Some(LevelerSettings {
                    threshold_db: (level_db + 3.0 + over_db).clamp(-60.0, 0.0),
                    ratio: *ratio,
                    release_ms: *release_ms,
                    stereo_link_percent: 0.0,
                    ..LevelerSettings::default()
                });
            }
            Dynamics::Multiband { over_db, ratio } => {
                let mut multiband = MultibandSettings::default();
                for ((band, over_db), below_db) in multiband.bands.iter_mut().zip(over_db).zip([4.0, 4.0, 9.0, 16.0]) {
                    band.compressor = Some(BandCompressorSettings {
                        threshold_db: (level_db - below_db + over_db).clamp(-70.0, 0.0),
                        ratio: *ratio,
                        attack_ms: 15.0,
                        release_ms: 140.0,
                        ..BandCompressorSettings::default()
                    });
                }
                recipe.multiband = Some(multiband);
            }
            Dynamics::Foreign(chain) => {
                return chain.apply(audio, level_db, &self.eq, self.side_gain_db, self.drive_over_peak_db);
            }
            Dynamics::None => {}
        }
        run(audio, &recipe, Some(self.drive_over_peak_db))
    }
}

fn level_db(audio: &AudioBuffer) -> f64 {
    let square = |channel: &[f32]| channel.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    power_to_db((square(audio.left()) + square(audio.right())) / (2 * audio.frames().max(1)) as f64 + 1e-12)
}

/// Runs a recipe; with a drive, through the limiter, so that the 98th percentile of the samples' peaks in half
/// milliseconds stands that far over the ceiling. Without one, the highest sample comes to -3 dBFS and nothing is limited.
fn run(audio: &AudioBuffer, recipe: &Recipe, drive_over_peak_db: Option<f64>) -> Option<AudioBuffer> {
    let rate = audio.sample_rate_hz();
    let mut spool = Spool::new(rate);
    spool.push(audio).ok()?;
    let mut processed = process(spool, recipe, &|_, _| {}).ok()?;
    let mut loudest: Vec<f32> = processed.peaks().iter().map(|peak| peak[0].max(peak[1])).collect();
    loudest.sort_by(f32::total_cmp);
    let peak_dbfs = |rank: usize| 20.0 * f64::from(loudest[rank].max(1e-6)).log10();
    let (ceiling_dbtp, drive_db) = match drive_over_peak_db {
        Some(over_db) => (CEILING_DBTP, CEILING_DBTP - peak_dbfs((loudest.len() - 1) * 98 / 100) + over_db),
        None => (0.0, -3.0 - peak_dbfs(loudest.len() - 1)),
    };
    let drive_db = drive_db.clamp(-60.0, 40.0);
    processed.find_true_peaks(db_to_amplitude(ceiling_dbtp - drive_db) as f32).ok()?;
    let mut out = AudioBuffer::new(rate);
    let limiter = LimiterSettings { drive_db, ceiling_dbtp, ..LimiterSettings::default() };
    processed
        .limit(&limiter, |block| {
            out.extend(block.left(), block.right());
            Ok(())
        })
        .ok()?;
    Some(out)
}
