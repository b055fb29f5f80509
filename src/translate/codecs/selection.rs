//! Which codecs to check with.

use super::super::platforms;
use super::{Codec, external, known_ids, unknown};
use crate::error::{Error, Result};

/// Codecs to check with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selection {
    /// Those that can be had, each once.
    pub codecs: Vec<Codec>,
    /// Those that can't be had here, and why.
    pub absent: Vec<String>,
}

impl Selection {
    /// Codecs by their names (`opus-128`), those that a service sends by its name (`spotify`), or every known one (`all`).
    ///
    /// What a service or `all` brings along and has no encoder here is noted as absent.
    ///
    /// # Errors
    /// [`Error::Setting`] for an unknown name, for a codec that was named itself and has no encoder here, and for a
    /// service that sends no lossy codec.
    pub fn of(names: &[String]) -> Result<Self> {
        let mut selection = Self::default();
        for name in names {
            if name == "all" {
                known_ids().for_each(|id| selection.add_if_there(&id));
            } else if let Some(service) = platforms::built_in().services.into_iter().find(|known| known.id == *name) {
                if service.codecs.is_empty() {
                    let reason = "no lossy codec is known of it; name the codecs themselves";
                    return Err(Error::setting(format!("service {name:?}"), reason));
                }
                service.codecs.iter().for_each(|id| selection.add_if_there(id));
            } else {
                selection.add(Codec::known(name).unwrap_or_else(|| Err(unknown(name, &groups())))?);
            }
        }
        Ok(selection)
    }

    fn add(&mut self, codec: Codec) {
        if !self.codecs.contains(&codec) {
            self.codecs.push(codec);
        }
    }

    fn add_if_there(&mut self, id: &str) {
        match Codec::named(id) {
            Ok(codec) => self.add(codec),
            Err(_) => {
                let name = id.split('-').next().unwrap_or(id);
                let reason = format!("{name}: {}", external::absence(name));
                if !self.absent.contains(&reason) {
                    self.absent.push(reason);
                }
            }
        }
    }
}

/// What names several codecs at once.
fn groups() -> String {
    let services = platforms::built_in().services.into_iter().filter(|service| !service.codecs.is_empty());
    let services: Vec<String> = services.map(|service| service.id).collect();
    format!(", those of a service ({}), or all", services.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Selection::of(&names).expect("known").codecs.into_iter().map(|codec| codec.id).collect()
    }

    #[test]
    fn a_service_brings_what_it_sends_and_nothing_comes_twice() {
        assert_eq!(ids(&["spotify"]), ["vorbis-320", "vorbis-96"]);
        assert_eq!(ids(&["vorbis-96", "spotify", "opus-64"]), ["vorbis-96", "vorbis-320", "opus-64"]);
        assert!(ids(&[]).is_empty());
    }

    #[test]
    fn every_codec_is_found_or_its_absence_told() {
        let all = Selection::of(&["all".into()]).expect("known");
        for id in ["opus-128", "vorbis-320"] {
            assert!(all.codecs.iter().any(|codec| codec.id == id), "{id}");
        }
        for name in ["mp3", "aac"] {
            let has = all.codecs.iter().any(|codec| codec.id.starts_with(name));
            assert_eq!(has, all.absent.iter().all(|reason| !reason.starts_with(name)), "{name}");
        }
    }

    #[test]
    fn every_service_of_the_table_names_codecs_that_are_known() {
        for service in platforms::built_in().services.iter().filter(|service| !service.codecs.is_empty()) {
            let found = Selection::of(std::slice::from_ref(&service.id)).expect("known");
            assert!(!found.codecs.is_empty() || !found.absent.is_empty(), "{}", service.id);
            for id in &service.codecs {
                assert!(known_ids().any(|known| known == *id), "{id} is not among all");
            }
        }
    }

    #[test]
    fn what_sends_nothing_lossy_is_refused() {
        let told = Selection::of(&["aes-td1008".into()]).unwrap_err().to_string();
        assert!(told.contains("aes-td1008") && told.contains("name the codecs"), "{told}");
    }
}
