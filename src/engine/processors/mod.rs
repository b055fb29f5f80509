//! Every processor, by the settings that say what it is.
//!
//! [`ProcessorSettings`] is what a file holds: a `kind` and the settings of that kind. [`ProcessorSettings::build`]
//! makes a [`Processor`] of it. [`catalogue`] lists all kinds with their parameters.

pub mod catalogue;
#[cfg(test)]
pub(crate) mod schema_check;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsp::Processor;
use crate::dsp::bass_harmonics::{BassHarmonics, BassHarmonicsSettings};
use crate::dsp::compressor::{Compressor, CompressorSettings};
use crate::dsp::convolution::{Convolution, ConvolutionSettings, ImpulseResponse};
use crate::dsp::dynamic_eq::{DynamicBand, DynamicEq};
use crate::dsp::eq::{EqBand, Equalizer};
use crate::dsp::eq_fir::{EqMode, FirEqualizer};
use crate::dsp::expander::{Expander, ExpanderSettings};
use crate::dsp::leveler::{Leveler, LevelerSettings};
use crate::dsp::limiter::{LimiterSettings, StreamLimiter};
use crate::dsp::multiband::{Bands, BandsSettings};
use crate::dsp::reverb::{Reverb, ReverbSettings};
use crate::dsp::saturation::{Saturation, SaturationSettings};
use crate::dsp::soft_clip::{SoftClip, SoftClipSettings};
use crate::dsp::stereo::alignment::{Alignment, AlignmentSettings};
use crate::dsp::stereo::band_width::{BandWidth, BandWidthSettings};
use crate::dsp::stereo::crossfeed::{Crossfeed, CrossfeedSettings};
use crate::dsp::stereo::image::{Image, ImageSettings};
use crate::dsp::stereo::pan::{Pan, PanSettings};
use crate::dsp::stereo::phase_rotation::{PhaseRotation, PhaseRotationSettings};
use crate::dsp::tamer::{DeEsserSettings, Tamer, TamerSettings};
use crate::dsp::tempo_delay::{TempoDelay, TempoDelaySettings};
use crate::dsp::transient::{TransientSettings, TransientShaper};
use crate::dsp::upward::{UpwardCompressor, UpwardSettings};
use crate::dsp::width::{Width, WidthSettings};
use crate::error::Result;
use crate::source;

/// A processor and its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProcessorSettings {
    /// Parametric equaliser: bells, shelves, passes, tilts and notches, on both channels, mid, side, left or right.
    ///
    /// Sections matched to their analogue curves up to 20 kHz (M. Vicanek, "Matched Second Order Digital Filters",
    /// 2016), or the same curves as a kernel of linear or minimum phase.
    Eq(EqSettings),
    /// Dynamic equaliser: bells and shelves whose gain follows the level in their own range.
    ///
    /// State-variable filters (V. Zavalishin, "The Art of VA Filter Design", 2012) with a detector of the band's shape.
    DynamicEq(DynamicEqSettings),
    /// De-esser: turns sibilants down while they are loud.
    ///
    /// One quick band of the dynamic equaliser (M. Senior, "Mixing Secrets for the Small Studio", 2011, chapter 9).
    DeEsser(DeEsserSettings),
    /// Resonance tamer: turns down narrow bands that stand out of their neighbours.
    ///
    /// A row of bands of the dynamic equaliser, each with a threshold that follows the others.
    Tamer(TamerSettings),
    /// Compressor: turns down what is above a threshold.
    ///
    /// Feed-forward with soft knee (D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor
    /// Design", JAES 60(6), 2012); program-dependent release after G. W. McNally, JAES 32(5), 1984.
    Compressor(CompressorSettings),
    /// Compressor that listens to another track or bus: a bass that makes room for the kick, music for a voice.
    ///
    /// The compressor, with the level taken from the other signal, brought to the same time. By itself, without a mix
    /// around it, it listens to its own input.
    SideChainCompressor(SideChainCompressorSettings),
    /// Multiband stage: two to six bands with their own compression and width.
    ///
    /// Linkwitz-Riley crossovers of fourth order (S. Linkwitz, JAES 24(1), 1976), recursive or of linear phase.
    Multiband(BandsSettings),
    /// Expander and gate: turns down what is below a threshold.
    ///
    /// Downward expansion with hysteresis and hold (D. Giannoulis et al., JAES 60(6), 2012; U. Zölzer, "DAFX", 4.2).
    Expander(ExpanderSettings),
    /// Upward compressor: turns up what is below a threshold.
    ///
    /// Gain from the mean square over 10 ms (U. Zölzer, "DAFX", 4.2), taken back below a floor.
    Upward(UpwardSettings),
    /// Transient shaper: makes attacks and tails stronger or weaker, whatever their level.
    ///
    /// Two pairs of peak followers with unequal times, compared in dB (German patent 19 755 447, 1997).
    Transient(TransientSettings),
    /// Leveler: evens out loud passages ahead of a limiter, both channels together or each for itself.
    ///
    /// Feed-forward, hard knee, peak follower (D. Giannoulis et al., JAES 60(6), 2012, section 3).
    Leveler(LevelerSettings),
    /// Saturation and excitation: the harmonics of tape, tubes and transformers.
    ///
    /// Curves without memory at 4 or 8 times the rate (D. T. Yeh, J. Abel, J. O. Smith, DAFx 2007).
    Saturation(SaturationSettings),
    /// Harmonics of the bass, from which hearing makes up what small speakers can't play.
    ///
    /// Chebyshev polynomials over a pair of allpass chains (E. Larsen, R. Aarts, "Audio Bandwidth Extension", 2004).
    BassHarmonics(BassHarmonicsSettings),
    /// Width of the whole signal: a gain of the side.
    Width(WidthSettings),
    /// Width by band, down to mono.
    ///
    /// The side behind the four-band crossover, the mid behind its allpass.
    BandWidth(BandWidthSettings),
    /// Crossfeed for headphones: each ear gets the other channel's bass, as from speakers.
    ///
    /// First-order paths, along and across (B. Bauer, JAES 9, 1961).
    Crossfeed(CrossfeedSettings),
    /// Mid and side levels, balance, polarity and swapped channels.
    ///
    /// A matrix of four gains; neutral settings change no bit.
    Image(ImageSettings),
    /// Pan: places half the sum of both channels between the loudspeakers.
    ///
    /// Laws of constant power, -3, -4.5 and -6 dB (D. Griesinger, AES 112, 2002).
    Pan(PanSettings),
    /// Phase rotation: allpasses that turn the phase around a corner and leave the level alone.
    ///
    /// First-order sections in series (U. Zölzer, "DAFX", 2nd edition, 2.2.3).
    PhaseRotation(PhaseRotationSettings),
    /// Delay of each channel, to a fraction of a frame.
    ///
    /// Windowed sinc of 96 taps (T. I. Laakso et al., "Splitting the Unit Delay", 1996).
    Alignment(AlignmentSettings),
    /// Echoes in note values, filtered on every round.
    TempoDelay(TempoDelaySettings),
    /// Algorithmic reverb with a decay time for each octave.
    ///
    /// Feedback delay network of 16 lines (J.-M. Jot, A. Chaigne, AES 90, 1991) behind early reflections.
    Reverb(ReverbSettings),
    /// Convolution reverb: the sound of a measured room.
    ///
    /// Uniformly partitioned overlap-save (F. Wefers, "Partitioned Convolution Algorithms", 2015, chapter 5).
    Convolution(ConvolutionReverbSettings),
    /// Soft clip: rounds off peaks instead of turning them down.
    ///
    /// `u / (1 + u^4)^(1/4)` above a knee, at 4, 8 or 16 times the rate; bit-exact below the knee.
    SoftClip(SoftClipSettings),
    /// True-peak limiter with look-ahead.
    ///
    /// Two competing reductions, checked with 16 points a sample (8 over 128 kHz); bit-exact below the ceiling.
    Limiter(LimiterSettings),
}

/// The equaliser.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EqSettings {
    /// How the bands are realised. Default: minimum_phase_iir.
    pub mode: EqMode,
    /// The bands, in series. Default: none.
    pub bands: Vec<EqBand>,
}

/// The compressor with an external side-chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideChainCompressorSettings {
    /// Name of the track or bus that it listens to, behind that one's fader.
    pub side_chain: String,
    /// How it compresses.
    #[serde(default)]
    pub compressor: CompressorSettings,
}

/// The dynamic equaliser.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DynamicEqSettings {
    /// The bands, in series. Default: none.
    pub bands: Vec<DynamicBand>,
}

/// The convolution reverb.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvolutionReverbSettings {
    /// Audio file of the room's answer to a click, stereo or mono, at any sample rate.
    pub impulse_response: PathBuf,
    /// How the room is used.
    #[serde(default)]
    pub room: ConvolutionSettings,
}

/// Gets the impulse response of a file at a sample rate in Hz.
pub type LoadResponse<'a> = &'a (dyn Fn(&Path, u32) -> Result<ImpulseResponse> + Sync);

/// Longest impulse response that is loaded, s.
const LONGEST_RESPONSE_S: u32 = 60;

/// Reads an impulse response from an audio file, at another sample rate if need be.
///
/// # Errors
/// Those of decoding, and [`crate::Error::Content`] for a response longer than a minute.
pub fn load_response(path: &Path, sample_rate_hz: u32) -> Result<ImpulseResponse> {
    ImpulseResponse::at_rate(&source::load_response(path, LONGEST_RESPONSE_S)?, sample_rate_hz)
}

impl ProcessorSettings {
    /// Checks every setting against its range at a sample rate.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first that is out of range, its value, the range and what to do.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        match self {
            Self::Eq(settings) => settings.bands.iter().try_for_each(|band| band.validate(sample_rate_hz)),
            Self::DynamicEq(settings) => settings
                .bands
                .iter()
                .enumerate()
                .try_for_each(|(index, band)| band.validate(&format!("dynamic_eq.bands[{index}]"), sample_rate_hz)),
            Self::DeEsser(settings) => settings.validate(sample_rate_hz),
            Self::Tamer(settings) => settings.validate(sample_rate_hz),
            Self::Compressor(settings) => settings.validate("compressor"),
            Self::SideChainCompressor(settings) => settings.compressor.validate("side_chain_compressor.compressor"),
            Self::Multiband(settings) => settings.validate(sample_rate_hz),
            Self::Expander(settings) => settings.validate(),
            Self::Upward(settings) => settings.validate(),
            Self::Transient(settings) => settings.validate(),
            Self::Leveler(settings) => settings.validate(),
            Self::Saturation(settings) => settings.validate(),
            Self::BassHarmonics(settings) => settings.validate(),
            Self::Width(settings) => settings.validate(),
            Self::BandWidth(settings) => settings.validate(sample_rate_hz),
            Self::Crossfeed(settings) => settings.validate("crossfeed"),
            Self::Image(settings) => settings.validate(),
            Self::Pan(settings) => settings.validate(),
            Self::PhaseRotation(settings) => settings.validate(),
            Self::Alignment(settings) => settings.validate(),
            Self::TempoDelay(settings) => settings.validate(),
            Self::Reverb(settings) => settings.validate(),
            Self::Convolution(settings) => settings.room.validate(),
            Self::SoftClip(settings) => settings.validate(),
            Self::Limiter(settings) => settings.validate(),
        }
    }

    /// Name of the track or bus that it listens to besides its input, if it does.
    pub fn side_chain(&self) -> Option<&str> {
        match self {
            Self::SideChainCompressor(settings) => Some(&settings.side_chain),
            _ => None,
        }
    }

    /// The processor at rest, from validated settings.
    ///
    /// # Errors
    /// Those of `load`, which only a convolution calls.
    pub fn build(&self, rate: u32, load: LoadResponse<'_>) -> Result<Box<dyn Processor + Send + Sync>> {
        Ok(match self {
            Self::Eq(EqSettings { mode: EqMode::MinimumPhaseIir, bands }) => Box::new(Equalizer::new(bands, rate)),
            // What changes nothing needn't lag.
            Self::Eq(EqSettings { bands, .. }) if bands.is_empty() => Box::new(Equalizer::new(bands, rate)),
            Self::Eq(EqSettings { mode, bands }) => Box::new(FirEqualizer::new(bands, *mode, rate)),
            Self::DynamicEq(settings) => Box::new(DynamicEq::new(&settings.bands, rate)),
            Self::DeEsser(settings) => Box::new(DynamicEq::new(&[settings.band()], rate)),
            Self::Tamer(settings) => Box::new(Tamer::new(settings, rate)),
            Self::Compressor(settings) => Box::new(Compressor::new(settings, rate)),
            Self::SideChainCompressor(settings) => Box::new(Compressor::new(&settings.compressor, rate)),
            Self::Multiband(settings) => Box::new(Bands::new(settings, rate)),
            Self::Expander(settings) => Box::new(Expander::new(settings, rate)),
            Self::Upward(settings) => Box::new(UpwardCompressor::new(settings, rate)),
            Self::Transient(settings) => Box::new(TransientShaper::new(settings, rate)),
            Self::Leveler(settings) => Box::new(Leveler::new(settings, rate)),
            Self::Saturation(settings) => Box::new(Saturation::new(settings, rate)),
            Self::BassHarmonics(settings) => Box::new(BassHarmonics::new(settings, rate)),
            Self::Width(settings) => Box::new(Width::new(settings.side_gain_db)),
            Self::BandWidth(settings) => Box::new(BandWidth::new(settings, rate)),
            Self::Crossfeed(settings) => Box::new(Crossfeed::new(settings, rate)),
            Self::Image(settings) => Box::new(Image::new(settings)),
            Self::Pan(settings) => Box::new(Pan::new(settings)),
            Self::PhaseRotation(settings) => Box::new(PhaseRotation::new(settings, rate)),
            Self::Alignment(settings) => Box::new(Alignment::new(settings, rate)),
            Self::TempoDelay(settings) => Box::new(TempoDelay::new(settings, rate)),
            Self::Reverb(settings) => Box::new(Reverb::new(settings, rate)),
            Self::Convolution(settings) => {
                let response = load(&settings.impulse_response, rate)?;
                Box::new(Convolution::new(&settings.room, &response, rate)?)
            }
            Self::SoftClip(settings) => Box::new(SoftClip::new(settings)),
            Self::Limiter(settings) => Box::new(StreamLimiter::new(settings, rate)),
        })
    }
}
