//! What streaming services do to the loudness of a master, as dated data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::Measurement;
use crate::measure::loudness::AlbumLoudness;
use crate::measure::peak::Peaks;

const TABLE: &str = include_str!("platforms.toml");

/// A table of services with the month up to which it holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platforms {
    /// Always `halfspeed.platforms/1`.
    pub schema: String,
    /// Year and month.
    pub as_of: String,
    /// The services.
    #[serde(rename = "platform")]
    pub services: Vec<Platform>,
}

/// What one service does.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// Short name.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What a track is brought to, LUFS. `None` where nothing is changed.
    pub target_lufs: Option<f64>,
    /// Whether quiet tracks are turned up.
    pub raises: bool,
    /// True peak at which raising stops, dBTP.
    pub raise_limit_dbtp: Option<f64>,
    /// Ceiling of the service's own limiter, dBFS.
    pub limiter_dbfs: Option<f64>,
    /// Whether an album keeps the levels between its tracks.
    pub album: bool,
    /// What the loudest track of an album is brought to, LUFS, where albums are not brought to their own loudness.
    pub loudest_album_track_lufs: Option<f64>,
    /// True peak that is asked for, dBTP.
    pub advised_dbtp: f64,
    /// Loudness beyond which another true peak is asked for, LUFS.
    pub loud_lufs: Option<f64>,
    /// That true peak, dBTP: what is turned down is encoded loud.
    pub advised_loud_dbtp: Option<f64>,
    /// What it sends, by the names of codecs here.
    pub codecs: Vec<String>,
    /// How this is known.
    pub source: String,
}

/// A master as a service plays it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Playback {
    /// Short name of the service.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Gain that the service applies, dB.
    pub gain_db: f64,
    /// True peak after that gain, dBTP, before a limiter of the service.
    pub true_dbtp: Option<f64>,
    /// What its limiter, which sees samples, takes off the highest one, dB (0 or more).
    pub limited_db: f64,
    /// Loudness as played, LUFS, before a limiter of the service.
    pub played_lufs: Option<f64>,
    /// What loudness was worth: how much of it is turned down, dB (0 or more).
    pub given_up_db: f64,
    /// The true peak that the service asks for of a master as loud as this one, dBTP.
    pub advised_dbtp: f64,
    /// How far the true peak of the master exceeds that, dB (0 or more).
    pub over_advice_db: f64,
    /// Gain if the track plays as part of an album whose loudness is known, dB. `None` where it isn't, or the service makes
    /// nothing of albums.
    pub album_gain_db: Option<f64>,
}

/// An album as services see it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Album {
    /// Loudness of all tracks gated together, LUFS.
    pub integrated_lufs: f64,
    /// Loudness of the loudest track, LUFS.
    pub loudest_track_lufs: f64,
    /// Highest true peak of any track, dBTP.
    pub true_dbtp: f64,
    /// Highest sample of any track, dBFS.
    pub sample_dbfs: f64,
}

/// An album as a service plays it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AlbumPlayback {
    /// Short name of the service.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What it is brought to, LUFS. `None` where nothing is changed.
    pub target_lufs: Option<f64>,
    /// Gain on every track, dB. `None` where each track gets one of its own, or is left as it is.
    pub gain_db: Option<f64>,
    /// Loudness of the whole album as played, LUFS, before a limiter of the service.
    pub played_lufs: Option<f64>,
    /// Highest true peak after that gain, dBTP, before a limiter of the service.
    pub true_dbtp: Option<f64>,
    /// What its limiter, which sees samples, takes off the highest one, dB (0 or more).
    pub limited_db: f64,
    /// What loudness was worth: how much of it is turned down, dB (0 or more).
    pub given_up_db: f64,
}

impl Album {
    /// Of measured tracks. `None` if one of them has no loudness or no peak, or there is none.
    pub fn new(tracks: &[&Measurement]) -> Option<Self> {
        let lufs: Option<Vec<f64>> = tracks.iter().map(|track| track.loudness.integrated_lufs()).collect();
        let highest = |of: fn(&Peaks) -> Option<f64>| -> Option<f64> {
            let peaks: Option<Vec<f64>> = tracks.iter().map(|track| of(&track.peaks)).collect();
            peaks?.into_iter().reduce(f64::max)
        };
        let mut loudness = AlbumLoudness::default();
        tracks.iter().for_each(|track| loudness.push(&track.loudness));
        Some(Self {
            integrated_lufs: loudness.integrated_lufs()?,
            loudest_track_lufs: lufs?.into_iter().reduce(f64::max)?,
            true_dbtp: highest(Peaks::true_dbtp)?,
            sample_dbfs: highest(Peaks::sample_dbfs)?,
        })
    }
}

/// The table that ships.
pub fn built_in() -> Platforms {
    // A test reads it: the table is part of the program.
    toml::from_str(TABLE).unwrap_or_else(|_| Platforms {
        schema: String::new(),
        as_of: String::new(),
        services: Vec::new(),
    })
}

impl Platform {
    /// Gain in dB on a programme of such a loudness and true peak.
    pub fn gain_db(&self, integrated_lufs: f64, true_dbtp: f64) -> f64 {
        self.target_lufs.map_or(0.0, |target| self.gain_to(target, integrated_lufs, true_dbtp))
    }

    /// Gain in dB on every track of an album. `None` where albums are played track by track.
    pub fn album_gain_db(&self, album: &Album) -> Option<f64> {
        let target = self.target_lufs.filter(|_| self.album)?;
        Some(match self.loudest_album_track_lufs {
            Some(loudest) => self.gain_to(loudest, album.loudest_track_lufs, album.true_dbtp),
            None => self.gain_to(target, album.integrated_lufs, album.true_dbtp),
        })
    }

    /// An album as the service plays it.
    pub fn album_playback(&self, album: &Album) -> AlbumPlayback {
        let gain_db = self.album_gain_db(album);
        AlbumPlayback {
            id: self.id.clone(),
            name: self.name.clone(),
            target_lufs: self.target_lufs,
            gain_db,
            played_lufs: gain_db.map(|gain| album.integrated_lufs + gain),
            true_dbtp: gain_db.map(|gain| album.true_dbtp + gain),
            limited_db: over(gain_db.map(|gain| album.sample_dbfs + gain), self.limiter_dbfs),
            given_up_db: gain_db.map_or(0.0, |gain| (-gain).max(0.0)),
        }
    }

    /// The true peak that is asked for of a master of some loudness, dBTP.
    fn advised_dbtp(&self, integrated_lufs: Option<f64>) -> f64 {
        let is_loud = integrated_lufs.zip(self.loud_lufs).is_some_and(|(lufs, loud_lufs)| lufs > loud_lufs);
        self.advised_loud_dbtp.filter(|_| is_loud).unwrap_or(self.advised_dbtp)
    }

    fn gain_to(&self, target_lufs: f64, integrated_lufs: f64, true_dbtp: f64) -> f64 {
        let gain_db = target_lufs - integrated_lufs;
        if gain_db <= 0.0 {
            return gain_db;
        }
        match self.raise_limit_dbtp {
            _ if !self.raises => 0.0,
            // Raising stops at the limit; it never turns into lowering.
            Some(limit_dbtp) => gain_db.min((limit_dbtp - true_dbtp).max(0.0)),
            None => gain_db,
        }
    }

    /// A measured master as the service plays it, alone and as part of an album.
    pub fn playback(&self, measurement: &Measurement, album: Option<&Album>) -> Playback {
        let (lufs, peak) = (measurement.loudness.integrated_lufs(), measurement.peaks.true_dbtp());
        let gain_db = lufs.zip(peak).map_or(0.0, |(lufs, peak)| self.gain_db(lufs, peak));
        let sample_dbfs = measurement.peaks.sample_dbfs().map(|sample| sample + gain_db);
        let advised_dbtp = self.advised_dbtp(lufs);
        Playback {
            id: self.id.clone(),
            name: self.name.clone(),
            gain_db,
            true_dbtp: peak.map(|peak| peak + gain_db),
            limited_db: over(sample_dbfs, self.limiter_dbfs),
            played_lufs: lufs.map(|lufs| lufs + gain_db),
            given_up_db: (-gain_db).max(0.0),
            advised_dbtp,
            over_advice_db: over(peak, Some(advised_dbtp)),
            album_gain_db: album.and_then(|album| self.album_gain_db(album)),
        }
    }
}

/// By how much a value exceeds a limit (0 or more); 0 where either is missing.
fn over(value: Option<f64>, limit: Option<f64>) -> f64 {
    value.zip(limit).map_or(0.0, |(value, limit)| (value - limit).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::programme::tests::measured;

    fn platform(id: &str) -> Platform {
        built_in().services.into_iter().find(|platform| platform.id == id).expect("in the table")
    }

    #[test]
    fn the_table_that_ships_is_sound() {
        let table: Platforms = toml::from_str(TABLE).expect("the table is TOML of this form");
        assert_eq!((table.schema.as_str(), table.services.len()), ("halfspeed.platforms/1", 12));
        assert_eq!(built_in(), table);
        for service in &table.services {
            assert_eq!(
                service.raises && service.raise_limit_dbtp.is_none(),
                service.limiter_dbfs.is_some(),
                "{}",
                service.id
            );
        }
    }

    #[test]
    fn gains_are_those_of_the_published_examples() {
        // Spotify's own example: a track at -20 LUFS with peaks at -5 dBTP is raised to -16 LUFS.
        for (id, lufs, dbtp, expected_db) in [
            ("spotify", -20.0, -5.0, 4.0),
            ("spotify", -8.0, -0.5, -6.0),
            ("youtube", -20.0, -5.0, 0.0),
            ("youtube-music", -9.0, -1.0, 0.0),
            ("spotify-loud", -14.0, -1.0, 3.0),
            ("spotify", -20.0, 0.5, 0.0),
            ("apple-music", -9.0, -1.0, -7.0),
            ("qobuz", -6.0, 0.0, 0.0),
        ] {
            let found = platform(id).gain_db(lufs, dbtp);
            assert!((found - expected_db).abs() < 0.01, "{id} at {lufs} LUFS: {found}");
        }
    }

    #[test]
    fn louder_masters_are_to_leave_more_room() {
        for id in ["spotify", "spotify-loud", "spotify-quiet"] {
            let advised = [-14.5, -13.5].map(|lufs| platform(id).advised_dbtp(Some(lufs)));
            assert_eq!(advised, [-1.0, -2.0], "{id}");
        }
        assert_eq!(platform("youtube").advised_dbtp(Some(-6.0)), -1.0);
    }

    #[test]
    fn an_album_keeps_the_levels_between_its_tracks() {
        let album = Album { integrated_lufs: -10.0, loudest_track_lufs: -8.5, true_dbtp: -1.0, sample_dbfs: -1.0 };
        assert_eq!(platform("spotify").album_gain_db(&album), Some(-4.0));
        assert_eq!(platform("aes-td1008").album_gain_db(&album), Some(-5.5));
        assert_eq!(platform("youtube").album_gain_db(&album), None);
        let played = |id| platform(id).album_playback(&album);
        let loud = played("spotify-loud");
        // -11 LUFS is asked for: 1 dB down, to peaks at -2 dBTP, which its limiter at -1 leaves alone.
        assert_eq!((loud.gain_db, loud.played_lufs, loud.true_dbtp), (Some(-1.0), Some(-11.0), Some(-2.0)));
        assert_eq!((loud.limited_db, loud.given_up_db), (0.0, 1.0));
        let youtube = played("youtube");
        assert_eq!((youtube.gain_db, youtube.played_lufs, youtube.given_up_db), (None, None, 0.0));
    }

    #[test]
    fn a_quiet_album_is_raised_only_as_far_as_its_highest_peak_allows() {
        let album = Album { integrated_lufs: -20.0, loudest_track_lufs: -18.0, true_dbtp: -4.0, sample_dbfs: -4.0 };
        assert_eq!(platform("spotify").album_gain_db(&album), Some(3.0));
        let loud = platform("spotify-loud").album_playback(&album);
        assert_eq!((loud.gain_db, loud.true_dbtp, loud.limited_db), (Some(9.0), Some(5.0), 6.0));
    }

    #[test]
    fn a_limiter_that_sees_samples_takes_nothing_for_the_peaks_between_them() {
        // A quiet tone and a burst at a quarter of the rate whose samples lie 3 dB under its crests.
        let source = measured(48_000, 4.0, |n| {
            let burst = 0.5 * (std::f64::consts::FRAC_PI_2 * (n as f64 + 0.5)).sin();
            let x = if (96_000..97_000).contains(&n) { burst } else { 0.05 * (n as f64 * 0.1309).sin() };
            (x, x)
        });
        let (sample, peak) = (source.peaks.sample_dbfs().expect("loud"), source.peaks.true_dbtp().expect("loud"));
        assert!(peak > sample + 2.5, "{sample} {peak}");
        let loud = platform("spotify-loud").playback(&source, None);
        assert!((loud.limited_db - (sample + loud.gain_db + 1.0)).abs() < 1e-9 && loud.limited_db > 0.0, "{loud:?}");
        let album = Album::new(&[&source]).expect("loud");
        assert_eq!((album.sample_dbfs, album.true_dbtp), (sample, peak));
        let loud_album = platform("spotify-loud").album_playback(&album);
        assert!((loud_album.limited_db - loud.limited_db).abs() < 1e-9, "{loud_album:?}");
    }
}
