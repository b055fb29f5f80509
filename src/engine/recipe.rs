//! The recipe: every setting of a master as plain data, and its file.
//!
//! Recipes are TOML, because people edit them: comments survive in their heads and in the file, and a diff is readable.
//! Applied to the same audio by the same version, a recipe gives the same bytes.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsp::bass_harmonics::BassHarmonicsSettings;
use crate::dsp::compressor::CompressorSettings;
use crate::dsp::eq::EqBand;
use crate::dsp::eq_fir::EqMode;
use crate::dsp::leveler::LevelerSettings;
use crate::dsp::limiter::LimiterSettings;
use crate::dsp::multiband::MultibandSettings;
use crate::dsp::noise_shaping::NoiseShaping;
use crate::dsp::soft_clip::SoftClipSettings;
use crate::dsp::width::WidthSettings;
use crate::engine::processors::catalogue::catalogue;
use crate::error::{Error, Result};
use crate::io::{MAX_RATE_HZ, MIN_RATE_HZ, SampleFormat, read_text};

/// The form of recipe that this version reads and writes.
const SCHEMA: &str = "halfspeed.recipe/1";

/// The stages in the order in which they run: what a recipe calls each, and the kind of processor that it is.
const STAGES: [(&str, &str); 8] = [
    ("eq", "eq"),
    ("bass_harmonics", "bass_harmonics"),
    ("multiband", "multiband"),
    ("width", "width"),
    ("glue", "compressor"),
    ("leveler", "leveler"),
    ("soft_clip", "soft_clip"),
    ("limiter", "limiter"),
];

/// What a recipe calls a kind of processor. `None` for one that only graphs take.
pub(crate) fn stage_of(kind: &str) -> Option<&'static str> {
    STAGES.iter().find(|(_, processor)| *processor == kind).map(|(stage, _)| *stage)
}

/// All stages, in words.
fn stages() -> String {
    STAGES.map(|(stage, _)| stage).join(", ")
}

/// All settings of a master. The stages run from the last field up: the equaliser first, the limiter last; and `output` is the form
/// of what they give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Always `halfspeed.recipe/1`.
    pub schema: String,
    /// How the equaliser is realised: `"minimum_phase_iir"`, `"linear_phase"` or `"minimum_phase_fir"`.
    /// Default: `"minimum_phase_iir"`.
    #[serde(default, skip_serializing_if = "EqMode::is_default")]
    #[schemars(!skip_serializing_if)]
    pub eq_mode: EqMode,
    /// Form of the output.
    #[serde(default)]
    pub output: OutputSettings,
    /// Final limiter.
    #[serde(default)]
    pub limiter: LimiterSettings,
    /// Rounds off peaks, before the limiter. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_clip: Option<SoftClipSettings>,
    /// Evens out loud passages, before the soft clip. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leveler: Option<LevelerSettings>,
    /// Compressor over the whole signal, before the leveler. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glue: Option<CompressorSettings>,
    /// Width of the whole signal, before the glue. Default: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<WidthSettings>,
    /// Four bands with their own compression and width, after the bass harmonics. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiband: Option<MultibandSettings>,
    /// Harmonics of the bass for small speakers, after the equaliser. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bass_harmonics: Option<BassHarmonicsSettings>,
    /// Equaliser bands, first of all; a high-pass on the side is mono bass. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eq: Vec<EqBand>,
}

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSettings {
    /// Sample rate, 8000 to 384000 Hz. Default: that of the mix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate_hz: Option<u32>,
    /// Sample format: `"16"`, `"24"` (both dithered) or `"32f"`. Default: `"24"`.
    #[serde(default = "default_format")]
    pub format: SampleFormat,
    /// Where the noise of 16 or 24 bits goes: `"none"` leaves it white; `"lipshitz"` and `"wannamaker"` move it to where it is
    /// heard least, by 9 and 11 dB, which is meant for a last step at 16 bits. Default: `"none"`.
    #[serde(default, skip_serializing_if = "NoiseShaping::is_none")]
    pub noise_shaping: NoiseShaping,
}

fn default_format() -> SampleFormat {
    SampleFormat::Int24
}

impl OutputSettings {
    /// Checks what is asked for.
    ///
    /// # Errors
    /// [`Error::Setting`] names what can't be had.
    pub fn validate(&self) -> Result<()> {
        if let Some(rate) = self.sample_rate_hz.filter(|rate| !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(rate)) {
            let reason = format!("{rate} is outside {MIN_RATE_HZ} to {MAX_RATE_HZ}");
            return Err(Error::setting("output.sample_rate_hz", reason));
        }
        if self.format == SampleFormat::Float32 && !self.noise_shaping.is_none() {
            let reason =
                "floating point has no dither that could be shaped; leave it (--shaping) out, or write 16 or 24 bits";
            return Err(Error::setting("output.noise_shaping", reason));
        }
        Ok(())
    }
}

impl Default for OutputSettings {
    fn default() -> Self {
        Self { sample_rate_hz: None, format: default_format(), noise_shaping: NoiseShaping::None }
    }
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            schema: SCHEMA.into(),
            eq_mode: EqMode::default(),
            output: OutputSettings::default(),
            limiter: LimiterSettings::default(),
            soft_clip: None,
            leveler: None,
            glue: None,
            width: None,
            multiband: None,
            bass_harmonics: None,
            eq: Vec::new(),
        }
    }
}

impl Recipe {
    /// Reads a recipe file.
    ///
    /// # Errors
    /// Those of [`read_text`]; [`Error::Recipe`] with line and column if it isn't a recipe.
    pub fn load(path: &Path) -> Result<Self> {
        let text = read_text(path, "a recipe is a TOML file, as `master --recipe-out` writes it")?;
        Self::from_toml(&text).map_err(|reason| Error::Recipe { path: path.to_owned(), reason })
    }

    /// Understands the text of a recipe file; the error tells where and why not.
    fn from_toml(text: &str) -> Result<Self, String> {
        let recipe: Self = toml::from_str(text).map_err(|error| explained(error.to_string().trim_end()))?;
        if recipe.schema == SCHEMA {
            Ok(recipe)
        } else {
            Err(format!("its schema is {:?}, this version of halfspeed reads {SCHEMA:?}", recipe.schema))
        }
    }

    /// The text of the recipe file. Numbers are written so that they read back exactly.
    pub fn to_toml(&self) -> String {
        // Plain structs of numbers and strings: there is nothing in them that TOML can't express.
        let body = toml::to_string_pretty(self).unwrap_or_default();
        format!(
            "# A halfspeed recipe. Edit it, then apply it: halfspeed render MIX --recipe THIS -o OUT.wav\n\
             # Stages run in the order {}.\n\n{body}",
            stages()
        )
    }

    /// Checks every setting against its range at a sample rate.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first that is out of range.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        self.output.validate()?;
        self.eq.iter().try_for_each(|band| band.validate(sample_rate_hz))?;
        if let Some(bass_harmonics) = &self.bass_harmonics {
            bass_harmonics.validate()?;
        }
        if let Some(multiband) = &self.multiband {
            multiband.validate(sample_rate_hz)?;
        }
        if let Some(width) = &self.width {
            width.validate()?;
        }
        if let Some(glue) = &self.glue {
            glue.validate("glue")?;
        }
        if let Some(leveler) = &self.leveler {
            leveler.validate()?;
        }
        if let Some(soft_clip) = &self.soft_clip {
            soft_clip.validate()?;
        }
        self.limiter.validate()
    }
}

/// The parser's message, with what to do about the mistakes that beginners in TOML make.
fn explained(message: &str) -> String {
    const REMEDIES: [(&str, &str); 3] = [
        ("missing field `schema`", "a recipe begins with schema = \"halfspeed.recipe/1\""),
        ("invalid type: map, expected a sequence", "bands are a list: write [[eq]], with two brackets"),
        ("wanted string or table", "formats are words: write \"16\", \"24\" or \"32f\", in quotes"),
    ];
    let usual = REMEDIES.iter().find(|(mistake, _)| message.contains(mistake)).map(|(_, remedy)| (*remedy).to_owned());
    let remedy = usual.or_else(|| of_graphs(unknown_field(message)?));
    remedy.map_or_else(|| message.to_owned(), |remedy| format!("{message}\n{remedy}"))
}

/// The field of a parser's message that there is none of.
fn unknown_field(message: &str) -> Option<&str> {
    let (_, field) = message.split_once("unknown field `")?;
    field.split('`').next()
}

/// What to do about a processor that no recipe has under that name. `None` for what is no such processor.
fn of_graphs(kind: &str) -> Option<String> {
    match stage_of(kind) {
        Some(stage) if stage == kind => None,
        Some(stage) => Some(format!("the {kind} of a recipe is called {stage}")),
        None => {
            let is_processor = catalogue().iter().any(|entry| entry.kind == kind);
            is_processor.then(|| format!("{kind} is a processor for graphs; a recipe has {}", stages()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::eq::{BandChannel, BandKind};
    use crate::engine::processors::catalogue::schema_of;

    #[test]
    fn a_recipe_survives_its_file() {
        let recipe = Recipe {
            eq: vec![EqBand {
                name: "air".into(),
                kind: BandKind::HighShelf,
                channel: BandChannel::Mid,
                frequency_hz: 10_000.0 / 3.0,
                gain_db: -1.234_567_890_123_4,
                q: 0.7,
                ..EqBand::default()
            }],
            multiband: Some(MultibandSettings::default()),
            bass_harmonics: Some(BassHarmonicsSettings::default()),
            width: Some(WidthSettings { side_gain_db: 1.5 }),
            glue: Some(CompressorSettings::default()),
            eq_mode: EqMode::LinearPhase,
            soft_clip: Some(SoftClipSettings::default()),
            ..Recipe::default()
        };
        assert_eq!(Recipe::from_toml(&recipe.to_toml()), Ok(recipe));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let text = Recipe::default().to_toml().replace("drive_db", "dirve_db");
        let reason = Recipe::from_toml(&text).unwrap_err();
        assert!(reason.contains("dirve_db") && reason.contains("line"), "{reason}");
        let reason = Recipe::from_toml("schema = \"halfspeed.recipe/9\"").unwrap_err();
        assert!(reason.contains("halfspeed.recipe/1"), "{reason}");
    }

    #[test]
    fn a_processor_that_recipes_do_not_have_is_told_with_what_they_have() {
        let reason = |table: &str| Recipe::from_toml(&format!("schema = \"{SCHEMA}\"\n{table}\n")).unwrap_err();
        let de_esser = reason("[de_esser]");
        assert!(
            de_esser.contains("de_esser is a processor for graphs; a recipe has eq, bass_harmonics,"),
            "{de_esser}"
        );
        assert!(reason("[compressor]").contains("the compressor of a recipe is called glue"));
        // No processor, and one that recipes have.
        for table in ["[no_such_thing]", "[limiter]\nwidth = 1.0"] {
            let reason = reason(table);
            assert!(reason.contains("unknown field") && !reason.contains("a recipe"), "{reason}");
        }
    }

    #[test]
    fn the_stages_are_the_fields_of_a_recipe_from_the_last_one_up() {
        let schema = schema_of::<Recipe>().to_value();
        let mut fields: Vec<&String> = schema["properties"].as_object().expect("fields").keys().collect();
        fields.retain(|field| !["schema", "eq_mode", "output"].contains(&field.as_str()));
        fields.reverse();
        assert_eq!(fields, STAGES.map(|(stage, _)| stage));
        let kinds: Vec<String> = catalogue().into_iter().map(|entry| entry.kind).collect();
        assert!(STAGES.iter().all(|(_, kind)| kinds.iter().any(|known| known == kind)), "{kinds:?}");
    }

    #[test]
    fn a_recipe_of_nothing_but_its_schema_is_neutral() {
        assert_eq!(Recipe::from_toml("schema = \"halfspeed.recipe/1\""), Ok(Recipe::default()));
    }

    #[test]
    fn a_list_that_is_too_long_or_too_short_is_refused() {
        let recipe = |multiband: &str| Recipe::from_toml(&format!("schema = \"{SCHEMA}\"\n[multiband]\n{multiband}\n"));
        assert!(recipe("corners_hz = [200.0, 500.0, 1000.0]").is_ok());
        for wrong in [
            "corners_hz = [200.0, 500.0]",
            "corners_hz = [200.0, 500.0, 1000.0, 2000.0]",
            "bands = [{}, {}, {}, {}, {}]",
        ] {
            let reason = recipe(wrong).unwrap_err();
            assert!(reason.contains("where there have to be"), "{wrong}: {reason}");
        }
    }

    #[test]
    fn mistakes_of_beginners_are_told_with_a_remedy() {
        let schema = format!("schema = \"{SCHEMA}\"\n");
        for (text, remedy) in [
            ("".to_owned(), "a recipe begins with schema"),
            (format!("{schema}[eq]\nkind = \"bell\"\n"), "[[eq]]"),
            (format!("{schema}[output]\nformat = 24\n"), "in quotes"),
        ] {
            let reason = Recipe::from_toml(&text).unwrap_err();
            assert!(reason.contains(remedy), "{reason}");
        }
    }
}
