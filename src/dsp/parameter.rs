//! What the settings of a processor may be: said once, for the check, the JSON schema and the list of processors.
//!
//! A settings type names the bounds of its numbers with `parameters!`. [`Parameters::check`] holds values to them and
//! [`describe`] writes them, and the unit that each name ends in, into the type's schema. What a number means stands in
//! the doc comment of its field, which the schema carries as its description.

use schemars::Schema;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::audio::MAX_RATE_HZ;
use crate::error::{Error, Result};

/// What a number may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bounds {
    /// From the first to the second, both included.
    Within(f64, f64),
    /// From the first to a share of the sample rate, in Hz.
    ToRate(f64, f64),
    /// One of these.
    OneOf(&'static [f64]),
}

/// Reads a list of a fixed length: serde's own reading of arrays leaves out what some formats hold beyond it, without a word.
pub(crate) fn exactly<'de, D, T, const N: usize>(deserializer: D) -> std::result::Result<[T; N], D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let values = Vec::<T>::deserialize(deserializer)?;
    let count = values.len();
    values.try_into().map_err(|_| serde::de::Error::custom(format!("{count} values, where there have to be {N}")))
}

impl Bounds {
    /// The least and the greatest value at a sample rate; at any sample rate if none is given.
    pub fn ends(&self, sample_rate_hz: Option<u32>) -> (f64, f64) {
        match *self {
            Self::Within(low, high) => (low, high),
            Self::ToRate(low, share) => (low, share * f64::from(sample_rate_hz.unwrap_or(MAX_RATE_HZ))),
            Self::OneOf(values) => (
                values.iter().copied().fold(f64::INFINITY, f64::min),
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            ),
        }
    }

    /// Holds a value to them; the error names the setting, the value and the bounds.
    pub(crate) fn check(&self, setting: &str, value: f64, sample_rate_hz: Option<u32>) -> Result<()> {
        if let Self::OneOf(values) = self {
            if values.contains(&value) {
                return Ok(());
            }
            return Err(Error::setting(setting, format!("{value} is none of {}; choose one of them", list(values))));
        }
        let (low, high) = self.ends(sample_rate_hz);
        if (low..=high).contains(&value) {
            return Ok(());
        }
        let reason = format!("{value} is outside {low} to {high}; choose a value in that range");
        Err(Error::setting(setting, reason))
    }
}

/// Values in a row, for a sentence.
fn list(values: &[f64]) -> String {
    values.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}

/// One number, or a row of alike ones, among the settings of type `S`.
#[derive(Debug)]
pub struct Parameter<S> {
    /// Name of the field.
    pub name: &'static str,
    /// What it may be.
    pub bounds: Bounds,
    /// Its values: none of what is left out, several of a row.
    pub numbers: fn(&S) -> Vec<f64>,
}

/// Settings with numbers that have bounds.
pub trait Parameters: Sized + 'static {
    /// Every number among the settings.
    const PARAMETERS: &'static [Parameter<Self>];

    /// Holds every number to its bounds, those that depend on a sample rate too if one is given.
    ///
    /// # Errors
    /// [`Error::Setting`] names `stage`, the first field out of bounds, its value and the bounds.
    fn check(&self, stage: &str, sample_rate_hz: Option<u32>) -> Result<()> {
        for Parameter { name, bounds, numbers } in Self::PARAMETERS {
            let numbers = numbers(self);
            for (index, value) in numbers.iter().enumerate() {
                let place = if numbers.len() > 1 { format!("[{index}]") } else { String::new() };
                bounds.check(&format!("{stage}.{name}{place}"), *value, sample_rate_hz)?;
            }
        }
        Ok(())
    }
}

/// Fields that hold numbers.
pub trait Numbers {
    /// The numbers.
    fn numbers(&self) -> Vec<f64>;
}

impl Numbers for f64 {
    fn numbers(&self) -> Vec<f64> {
        vec![*self]
    }
}

impl Numbers for u32 {
    fn numbers(&self) -> Vec<f64> {
        vec![f64::from(*self)]
    }
}

impl Numbers for usize {
    fn numbers(&self) -> Vec<f64> {
        vec![*self as f64]
    }
}

impl<T: Numbers> Numbers for Option<T> {
    fn numbers(&self) -> Vec<f64> {
        self.as_ref().map(Numbers::numbers).unwrap_or_default()
    }
}

impl<T: Numbers, const N: usize> Numbers for [T; N] {
    fn numbers(&self) -> Vec<f64> {
        self.iter().flat_map(Numbers::numbers).collect()
    }
}

impl<T: Numbers> Numbers for Vec<T> {
    fn numbers(&self) -> Vec<f64> {
        self.iter().flat_map(Numbers::numbers).collect()
    }
}

/// Gives the bounds of a settings type's numbers, in the order in which they are checked.
macro_rules! parameters {
    ($settings:ty { $($field:ident: $bounds:expr),* $(,)? }) => {
        impl $crate::dsp::parameter::Parameters for $settings {
            const PARAMETERS: &'static [$crate::dsp::parameter::Parameter<Self>] = {
                #[allow(unused_imports)]
                use $crate::dsp::parameter::Bounds::{OneOf, ToRate, Within};
                &[$($crate::dsp::parameter::Parameter {
                    name: stringify!($field),
                    bounds: $bounds,
                    numbers: |settings| $crate::dsp::parameter::Numbers::numbers(&settings.$field),
                }),*]
            };
        }
    };
}
pub(crate) use parameters;

/// Units by the ends of names. The first that fits counts.
const UNITS: [(&str, &str); 15] = [
    ("_db_per_octave", "dB/octave"),
    ("bands_per_octave", "per octave"),
    ("_dbtp", "dBTP"),
    ("_dbfs", "dBFS"),
    ("_db", "dB"),
    ("_lufs", "LUFS"),
    ("_lu", "LU"),
    ("_hz", "Hz"),
    ("_ms", "ms"),
    ("_s", "s"),
    ("_percent", "%"),
    ("_bpm", "beats/min"),
    ("_frames", "frames"),
    ("ratio", ":1"),
    ("oversampling", ":1"),
];

/// The unit that the name of a setting ends in; none for a bare number.
pub fn unit_of(name: &str) -> Option<&'static str> {
    UNITS.iter().find(|(end, _)| name.ends_with(end)).map(|(_, unit)| *unit)
}

/// Writes the bounds and units of a settings type's numbers into its JSON schema: `minimum`, `maximum`, `enum` and
/// `x-unit`, and `x-maximum-per-sample-rate` where the upper bound is a share of the sample rate.
pub fn describe<S: Parameters>(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for Parameter { name, bounds, .. } in S::PARAMETERS {
        let Some(Value::Object(property)) = properties.get_mut(*name) else { continue };
        if let Some(unit) = unit_of(name) {
            property.insert("x-unit".into(), json!(unit));
        }
        let number = match property.get_mut("items") {
            Some(Value::Object(items)) => items,
            _ => property,
        };
        let (low, high) = bounds.ends(None);
        let whole = number.get("type").is_some_and(|kind| kind == "integer");
        let value = |x: f64| if whole { json!(x as i64) } else { json!(x) };
        match bounds {
            Bounds::OneOf(values) => {
                number.remove("minimum");
                number.insert("enum".into(), values.iter().copied().map(value).collect());
            }
            Bounds::Within(..) | Bounds::ToRate(..) => {
                number.insert("minimum".into(), value(low));
                number.insert("maximum".into(), value(high));
            }
        }
        if let Bounds::ToRate(_, share) = bounds {
            number.insert("x-maximum-per-sample-rate".into(), json!(share));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::expander::ExpanderSettings;
    use crate::dsp::reverb::ReverbSettings;
    use crate::dsp::soft_clip::SoftClipSettings;

    #[test]
    fn what_is_wrong_is_told_with_its_place_value_range_and_remedy() {
        let settings = ExpanderSettings { ratio: 300.0, ..Default::default() };
        let text = settings.check("gate", None).unwrap_err().to_string();
        assert_eq!(text, "gate.ratio: 300 is outside 1 to 100; choose a value in that range");
        let settings = SoftClipSettings { oversampling: 5, ..Default::default() };
        let text = settings.check("clip", None).unwrap_err().to_string();
        assert_eq!(text, "clip.oversampling: 5 is none of 4, 8, 16; choose one of them");
        let mut settings = ReverbSettings::default();
        settings.decay_s[3] = f64::NAN;
        let text = settings.check("hall", None).unwrap_err().to_string();
        assert!(text.starts_with("hall.decay_s[3]: NaN is outside"), "{text}");
    }

    #[test]
    fn names_tell_their_units() {
        assert_eq!(unit_of("threshold_db"), Some("dB"));
        assert_eq!(unit_of("slope_db_per_octave"), Some("dB/octave"));
        assert_eq!(unit_of("decay_s"), Some("s"));
        assert_eq!(unit_of("q"), None);
    }
}
