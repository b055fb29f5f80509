//! The settings of a mix as plain data.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::dsp::stereo::pan::PanSettings;
use crate::engine::processors::ProcessorSettings;
use crate::error::{Error, Result};
use crate::io::read_text;

/// The form of graph settings that this version reads and writes.
const SCHEMA: &str = "halfspeed.graph/1";

/// What the master is called where a strip's output is named.
pub const MASTER: &str = "master";

/// All settings of a mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = describe::<Self>)]
pub struct GraphSettings {
    /// Always `halfspeed.graph/1`.
    pub schema: String,
    /// How long the mix goes on after its longest track, for reverbs to die away, 0 to 60 s. Default: 0.
    #[serde(default)]
    pub tail_s: f64,
    /// What all strips end in.
    #[serde(default)]
    pub master: MasterSettings,
    /// The tracks. Default: none.
    #[serde(default, rename = "track", skip_serializing_if = "Vec::is_empty")]
    pub tracks: Vec<StripSettings>,
    /// Buses: groups of tracks, and what sends lead to. Default: none.
    #[serde(default, rename = "bus", skip_serializing_if = "Vec::is_empty")]
    pub buses: Vec<StripSettings>,
}

parameters!(GraphSettings { tail_s: Within(0.0, 60.0) });

/// The master strip.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct MasterSettings {
    /// Gain of the fader, behind the chain, -120 to 24 dB. Default: 0.
    pub gain_db: f64,
    /// Processors in series. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<ProcessorSettings>,
}

parameters!(MasterSettings { gain_db: Within(-120.0, 24.0) });

/// A track or a bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = describe::<Self>)]
pub struct StripSettings {
    /// What others call it; not twice in a mix, and not "master".
    pub name: String,
    /// Gain of the fader, -120 to 24 dB. Default: 0.
    #[serde(default)]
    pub gain_db: f64,
    /// Place of a mono source: half the sum of both channels is put there. Default: the channels stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pan: Option<PanSettings>,
    /// Balance of a stereo source, -100 (left only) to 100 % (right only): the other channel falls. Not beside `pan`. Default: 0.
    #[serde(default)]
    pub balance_percent: f64,
    /// Whether nothing leaves it, its sends neither. Default: no.
    #[serde(default)]
    pub mute: bool,
    /// Name of the bus that it goes to. Default: master.
    #[serde(default = "master")]
    pub output: String,
    /// Processors in series. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<ProcessorSettings>,
    /// Where else it goes. Default: nowhere.
    #[serde(default, rename = "send", skip_serializing_if = "Vec::is_empty")]
    pub sends: Vec<SendSettings>,
}

parameters!(StripSettings { gain_db: Within(-120.0, 24.0), balance_percent: Within(-100.0, 100.0) });

/// A copy of a strip's signal to a bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = describe::<Self>)]
pub struct SendSettings {
    /// Name of the bus.
    pub to: String,
    /// Gain, -120 to 24 dB. Default: 0.
    #[serde(default)]
    pub gain_db: f64,
    /// Whether the signal is taken ahead of pan, balance and fader. Default: no.
    #[serde(default)]
    pub pre_fader: bool,
}

parameters!(SendSettings { gain_db: Within(-120.0, 24.0) });

fn master() -> String {
    MASTER.into()
}

impl StripSettings {
    /// A strip that changes nothing and goes to the master.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl Default for StripSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            gain_db: 0.0,
            pan: None,
            balance_percent: 0.0,
            mute: false,
            output: master(),
            chain: Vec::new(),
            sends: Vec::new(),
        }
    }
}

impl Default for GraphSettings {
    fn default() -> Self {
        Self {
            schema: SCHEMA.into(),
            tail_s: 0.0,
            master: MasterSettings::default(),
            tracks: Vec::new(),
            buses: Vec::new(),
        }
    }
}

impl GraphSettings {
    /// Reads a settings file, TOML or (by its name) JSON. Impulse responses are found relative to it.
    ///
    /// # Errors
    /// Those of [`read_text`]; [`Error::Content`] with the place if it isn't such a file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = read_text(path, "a graph is a TOML or JSON file")?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let parsed = if is_json { Self::from_json(&text) } else { Self::from_toml(&text) };
        let mut settings = parsed.map_err(|reason| Error::content(path, reason))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let strips = settings.tracks.iter_mut().chain(&mut settings.buses).map(|strip| &mut strip.chain);
        for processor in strips.chain([&mut settings.master.chain]).flatten() {
            if let ProcessorSettings::Convolution(convolution) = processor {
                convolution.impulse_response = folder.join(&convolution.impulse_response);
            }
        }
        Ok(settings)
    }

    /// Understands TOML; the error tells where and why not.
    ///
    /// # Errors
    /// The parser's message.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned()).and_then(Self::of_this_form)
    }

    /// Understands JSON; the error tells where and why not.
    ///
    /// # Errors
    /// The parser's message.
    pub fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string()).and_then(Self::of_this_form)
    }

    fn of_this_form(self) -> Result<Self, String> {
        if self.schema == SCHEMA {
            return Ok(self);
        }
        Err(format!("its schema is {:?}, this version of halfspeed reads {SCHEMA:?}", self.schema))
    }

    /// The text of a settings file. Numbers are written so that they read back exactly.
    pub fn to_toml(&self) -> String {
        // Plain structs of numbers and strings: there is nothing in them that TOML can't express.
        toml::to_string_pretty(self).unwrap_or_default()
    }

    /// Checks every setting at a sample rate, and that all strips lead to the master.
    ///
    /// # Errors
    /// [`Error::Setting`] names the strip, the processor and the parameter, its value, the range and what to do.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        self.check("graph", None)?;
        for (kind, strips) in [("track", &self.tracks), ("bus", &self.buses)] {
            for strip in strips {
                strip.validate(&format!("{kind} {:?}", strip.name), sample_rate_hz)?;
            }
        }
        self.master.check(MASTER, None)?;
        validate_chain(&self.master.chain, MASTER, sample_rate_hz)?;
        Plan::new(self).map(drop)
    }
}

impl StripSettings {
    fn validate(&self, place: &str, sample_rate_hz: u32) -> Result<()> {
        self.check(place, None)?;
        if let Some(pan) = &self.pan {
            pan.validate().map_err(|error| at(place, error))?;
            if self.balance_percent != 0.0 {
                let reason = "a mono source is panned, a stereo one balanced; leave one of them out";
                return Err(Error::setting(format!("{place}.balance_percent"), reason));
            }
        }
        validate_chain(&self.chain, place, sample_rate_hz)?;
        self.sends.iter().try_for_each(|send| send.check(&format!("{place}, send to {:?}", send.to), None))
    }
}

fn validate_chain(chain: &[ProcessorSettings], place: &str, sample_rate_hz: u32) -> Result<()> {
    for (index, processor) in chain.iter().enumerate() {
        let place = format!("{place}, chain[{index}]");
        processor.validate(sample_rate_hz).map_err(|error| at(&place, error))?;
    }
    Ok(())
}

/// The same complaint with the place of the processor.
fn at(place: &str, error: Error) -> Error {
    match error {
        Error::Setting { setting, reason } => Error::setting(format!("{place}: {setting}"), reason),
        other => other,
    }
}
