//! What music is listened to on: a table of models, and devices that users add.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::noise::Noise;
use crate::dsp::eq::{BandChannel, EqBand};
use crate::dsp::parameter::{Parameters, parameters};
use crate::dsp::stereo::crossfeed::CrossfeedSettings;
use crate::error::{Error, Result};
use crate::io::read_text;
use crate::paths::path_text;

/// The table that ships.
const TABLE: &str = include_str!("devices.toml");
/// The form of table that this version reads.
const SCHEMA: &str = "halfspeed.devices/1";
/// The rate that filters are checked against: what a table may ask for does not depend on the programme.
const CHECKED_RATE_HZ: u32 = 44_100;

/// Something that music is listened to on, as a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Short name, in the JSON and in names of files: lower-case letters, digits and hyphens.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What the model rests on.
    pub provenance: String,
    /// How much of the side is left, 0 (mono) to 1 (stereo). Default: 1.
    #[serde(default = "one")]
    pub width: f64,
    /// Below this the device is mono, 20 to 1000 Hz. Default: nowhere.
    #[serde(default)]
    pub mono_below_hz: Option<f64>,
    /// Bleed between the channels of headphones. Default: none.
    #[serde(default)]
    pub crossfeed: Option<CrossfeedSettings>,
    /// How loud a programme is listened to, 40 to 120 dB SPL for the loudness of the whole. Default: 70.
    #[serde(default = "default_listening")]
    pub listening_db_spl: f64,
    /// What is heard besides. Default: none.
    #[serde(default)]
    pub noise: Option<Noise>,
    /// The device's own limiter. Default: none.
    #[serde(default)]
    pub protection: Option<Protection>,
    /// Its frequency response, as analogue curves. Default: flat.
    #[serde(default)]
    pub filters: Vec<EqBand>,
    /// A measured impulse response instead of filters: a WAV file, relative to the table. Default: none.
    #[serde(default)]
    pub impulse_response: Option<PathBuf>,
}

/// A limiter that keeps a small driver from overload.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protection {
    /// What lies below drives the cone without being heard, 20 to 2000 Hz.
    pub limit_hz: f64,
    /// Level at which it sets in, -60 to 0 dBFS of mean square, when the programme plays at -14 LUFS.
    pub threshold_dbfs: f64,
    /// Input change over output change above, 1 to 20.
    pub ratio: f64,
}

fn one() -> f64 {
    1.0
}

fn default_listening() -> f64 {
    70.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    schema: String,
    device: Vec<Device>,
}

parameters!(Device {
    width: Within(0.0, 1.0),
    mono_below_hz: Within(20.0, 1000.0),
    listening_db_spl: Within(40.0, 120.0),
});

parameters!(Protection {
    limit_hz: Within(20.0, 2000.0),
    threshold_dbfs: Within(-60.0, 0.0),
    ratio: Within(1.0, 20.0),
});

impl Device {
    /// The same with an id that none of some known devices has: its own, or that with the first number that is free.
    #[must_use]
    pub fn told_from(self, known: &[Self]) -> Self {
        let is_free = |id: &String| known.iter().all(|device| device.id != *id);
        let numbered = (2..).map(|number: u32| format!("{}-{number}", self.id));
        let free = std::iter::once(self.id.clone()).chain(numbered).find(is_free);
        Self { id: free.unwrap_or_default(), ..self }
    }

    /// Whether it changes nothing on the way to the ear.
    pub fn is_neutral(&self) -> bool {
        self.filters.is_empty()
            && self.impulse_response.is_none()
            && self.width == 1.0
            && self.mono_below_hz.is_none()
            && self.crossfeed.is_none()
            && self.protection.is_none()
    }

    /// Gain of the filters at a frequency, dB: the table's curve.
    pub fn gain_db_at(&self, frequency_hz: f64) -> f64 {
        self.filters.iter().map(|band| band.gain_db_at(frequency_hz)).sum()
    }

    /// How much of the side is left at a frequency, 0 to 1, before crossfeed.
    pub fn width_at(&self, frequency_hz: f64) -> f64 {
        if self.mono_below_hz.is_some_and(|corner_hz| frequency_hz < corner_hz) { 0.0 } else { self.width }
    }

    /// What the device's summing leaves of the power of the side in bands around some centres, 0 to 1 each.
    pub(super) fn side_powers(&self, centers_hz: &[f64]) -> Vec<f64> {
        centers_hz.iter().map(|&hz| self.width_at(hz).powi(2)).collect()
    }

    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names the device and the first field out of range.
    pub fn validate(&self) -> Result<()> {
        let name = |field: &str| format!("device {:?}.{field}", self.id);
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.id.is_empty() || !self.id.chars().all(is_plain) {
            return Err(Error::setting(
                name("id"),
                "it needs lower-case letters, digits and hyphens, and nothing else",
            ));
        }
        self.check(&format!("device {:?}", self.id), None)?;
        if let Some(noise) = &self.noise {
            noise.validate(&name("noise"))?;
        }
        if let Some(crossfeed) = &self.crossfeed {
            crossfeed.validate(&name("crossfeed"))?;
        }
        if let Some(protection) = &self.protection {
            protection.check(&name("protection"), None)?;
        }
        if self.impulse_response.is_some() && !self.filters.is_empty() {
            let reason = "a device has either filters or an impulse response, not both";
            return Err(Error::setting(name("impulse_response"), reason));
        }
        if self.filters.iter().any(|band| band.channel != BandChannel::Stereo) {
            let reason = "a device's filters work on both channels; leave `channel` out (`width` and `mono_below_hz` are for the side)";
            return Err(Error::setting(name("filters"), reason));
        }
        self.filters.iter().try_for_each(|band| {
            band.validate(CHECKED_RATE_HZ)
                .map_err(|error| Error::setting(format!("device {:?}", self.id), error.to_string()))
        })
    }
}

/// The devices that ship.
pub fn built_in() -> Vec<Device> {
    // A test reads it: the table is part of the program.
    toml::from_str::<Table>(TABLE).map_or_else(|_| Vec::new(), |table| table.device)
}

/// Reads a table of devices in the form of the one that ships. Impulse responses are found relative to it.
///
/// # Errors
/// Those of [`read_text`]; [`Error::Content`] with the place if it is no such table, holds no device or a value out of range, or names a file
/// that is not there.
pub fn load(path: &Path) -> Result<Vec<Device>> {
    let text = read_text(path, "devices are a TOML table")?;
    let table: Table = toml::from_str(&text).map_err(|error| Error::content(path, error.to_string()))?;
    if table.schema != SCHEMA {
        let reason = format!("its schema is {:?}, this version reads {SCHEMA:?}", table.schema);
        return Err(Error::content(path, reason));
    }
    if table.device.is_empty() {
        return Err(Error::content(path, "it has no device; give each an entry [[device]]"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut devices = table.device;
    for device in &mut devices {
        device.validate().map_err(|error| Error::content(path, error.to_string()))?;
        device.impulse_response = device.impulse_response.take().map(|file| folder.join(file));
        if let Some(file) = device.impulse_response.as_deref().filter(|file| !file.is_file()) {
            let reason = format!(
                "device {:?}.impulse_response: there is no file {}; its name is relative to the table",
                device.id,
                path_text(file)
            );
            return Err(Error::content(path, reason));
        }
    }
    Ok(devices)
}

/// A device that is known by its impulse response alone: stereo, listened to at 70 dB in silence. Its id is the name
/// of the file, or `device` where that has neither letters nor digits.
pub fn of_impulse_response(path: &Path) -> Device {
    let stem = path.file_stem().map_or_else(|| "device".into(), |stem| stem.to_string_lossy().to_lowercase());
    let id: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let id = if id.chars().all(|c| c == '-') { "device".into() } else { id };
    Device {
        id,
        name: stem,
        provenance: "measured impulse response".into(),
        width: 1.0,
        mono_below_hz: None,
        crossfeed: None,
        listening_db_spl: default_listening(),
        noise: None,
        protection: None,
        filters: Vec::new(),
        impulse_response: Some(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_that_ships_is_sound() {
        let table: Table = toml::from_str(TABLE).expect("the table is TOML of this form");
        assert_eq!((table.schema.as_str(), table.device.len()), (SCHEMA, 16));
        for device in &table.device {
            device.validate().expect("in range");
            assert!(device.provenance.starts_with("model: "), "{}", device.id);
            assert_eq!(table.device.iter().filter(|other| other.id == device.id).count(), 1);
        }
        assert_eq!(built_in(), table.device);
    }

    #[test]
    fn band_edges_are_those_that_the_models_were_drawn_up_with() {
        // -10 dB points below the mean of 0.5 to 2 kHz, Hz, computed independently from digital biquads at 96 kHz.
        for (id, edge_hz) in
            [("phone-mono", 398.0), ("phone-stereo", 225.0), ("tablet", 196.0), ("tv", 98.0), ("cube", 97.0)]
        {
            let device = built_in().into_iter().find(|device| device.id == id).expect("in the table");
            let octaves: Vec<f64> = (0..=40).map(|k| 500.0 * 4f64.powf(f64::from(k) / 40.0)).collect();
            let mean_db = octaves.iter().map(|&hz| device.gain_db_at(hz)).sum::<f64>() / octaves.len() as f64;
            let found = (20..2000).map(f64::from).find(|&hz| device.gain_db_at(hz) >= mean_db - 10.0).expect("an edge");
            assert!((found / edge_hz - 1.0).abs() < 0.03, "{id}: {found} Hz, not {edge_hz}");
        }
    }

    #[test]
    fn impulse_responses_of_any_name_are_told_apart() {
        let mut devices = built_in();
        for file in ["car.wav", "Tiny Box.wav", "\u{65e5}\u{672c}.wav", "x/\u{4e2d}.wav", "tiny-box.wav", "--.wav"] {
            devices.push(of_impulse_response(Path::new(file)).told_from(&devices));
        }
        let ids: Vec<&str> = devices[built_in().len()..].iter().map(|device| device.id.as_str()).collect();
        assert_eq!(ids, ["car-2", "tiny-box", "device", "device-2", "tiny-box-2", "device-3"]);
        devices.iter().for_each(|device| device.validate().expect("an id of the form"));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mine.toml");
        let entry = "schema = \"halfspeed.devices/1\"\n[[device]]\nid = \"x\"\nname = \"X\"\nprovenance = \"mine\"\n";
        let told = |rest: &str| {
            std::fs::write(&path, format!("{entry}{rest}")).expect("written");
            load(&path).expect_err("a mistake").to_string()
        };
        assert!(told("widht = 0.5").contains("widht"));
        assert!(told("width = 2.0").contains("device \"x\".width: 2 is outside 0 to 1"));
        assert!(told("noise = { dba = 200.0 }").contains("noise.dba"));
        assert!(told("filters = [{ kind = \"bell\", frequency_hz = 1.0 }]").contains("frequency_hz"));
        assert!(
            told("impulse_response = \"a.wav\"\nfilters = [{ kind = \"notch\", frequency_hz = 100.0 }]")
                .contains("either")
        );
        assert!(
            told("filters = [{ kind = \"high_pass\", frequency_hz = 300.0, channel = \"side\" }]")
                .contains("leave `channel` out")
        );
        let missing = told("impulse_response = \"a.wav\"");
        assert!(
            ["mine.toml", "device \"x\".impulse_response", "a.wav"].iter().all(|word| missing.contains(word)),
            "{missing}"
        );
        std::fs::write(folder.path().join("a.wav"), b"").expect("written");
        std::fs::write(&path, format!("{entry}impulse_response = \"a.wav\"")).expect("written");
        assert_eq!(load(&path).expect("sound")[0].impulse_response, Some(folder.path().join("a.wav")));
        std::fs::write(&path, "schema = \"halfspeed.devices/9\"\ndevice = []").expect("written");
        assert!(load(&path).unwrap_err().to_string().contains("halfspeed.devices/1"));
        std::fs::write(&path, "schema = \"halfspeed.devices/1\"\ndevice = []").expect("written");
        assert!(load(&path).unwrap_err().to_string().contains("no device"));
    }
}
