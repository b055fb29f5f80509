//! Who feeds whom, and in which order: names resolved, circles found.

use std::collections::HashMap;

use super::settings::{GraphSettings, MASTER, StripSettings};
use crate::error::{Error, Result};

/// Strips in the order in which they have to run. Tracks come first, then the buses, then the master; within the
/// numbering, `levels` tells which can run at the same time.
#[derive(Debug)]
pub(super) struct Plan {
    /// What comes in at each strip, in the order of the settings: outputs of all strips, then their sends.
    pub(super) feeds: Vec<Vec<Feed>>,
    /// Strips that need nothing but earlier levels.
    pub(super) levels: Vec<Vec<usize>>,
}

/// A signal on its way into a strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Feed {
    /// The strip that it comes from.
    pub(super) from: usize,
    /// Gain of a send, dB; 0 of an output.
    pub(super) gain_db: f64,
    /// Whether it is taken ahead of the fader.
    pub(super) pre_fader: bool,
}

impl Plan {
    pub(super) fn new(settings: &GraphSettings) -> Result<Self> {
        let strips: Vec<(&str, &StripSettings)> = settings
            .tracks
            .iter()
            .map(|track| ("track", track))
            .chain(settings.buses.iter().map(|bus| ("bus", bus)))
            .collect();
        let master = strips.len();
        let mut buses = HashMap::from([(MASTER, master)]);
        let mut names = HashMap::from([(MASTER, "the master".to_owned())]);
        for (index, (kind, strip)) in strips.iter().enumerate() {
            if let Some(other) = names.insert(&strip.name, format!("a {kind}")) {
                let reason = format!("the name is that of {other} too; give each its own");
                return Err(Error::setting(format!("{kind} {:?}, name", strip.name), reason));
            }
            if *kind == "bus" {
                buses.insert(&strip.name, index);
            }
        }
        let find = |setting: String, name: &str| {
            buses.get(name).copied().ok_or_else(|| {
                let known: Vec<String> = settings.buses.iter().map(|bus| format!("{:?}", bus.name)).collect();
                let known = if known.is_empty() { "there are no buses".into() } else { known.join(", ") };
                let reason = format!("there is no bus {name:?}; choose \"{MASTER}\" or one of the buses ({known})");
                Error::setting(setting, reason)
            })
        };
        let mut feeds = vec![Vec::new(); strips.len() + 1];
        for (from, (kind, strip)) in strips.iter().enumerate() {
            let to = find(format!("{kind} {:?}, output", strip.name), &strip.output)?;
            feeds[to].push(Feed { from, gain_db: 0.0, pre_fader: false });
        }
        for (from, (kind, strip)) in strips.iter().enumerate() {
            for send in &strip.sends {
                let to = find(format!("{kind} {:?}, send", strip.name), &send.to)?;
                feeds[to].push(Feed { from, gain_db: send.gain_db, pre_fader: send.pre_fader });
            }
        }
        let levels = levels(&feeds).map_err(|circle| {
            let names: Vec<String> = circle.iter().map(|&index| format!("{:?}", strips[index].1.name)).collect();
            let reason =
                format!("feeds itself by way of {}; take one output or send out of the circle", names.join(", "));
            Error::setting(format!("bus {}", names[0]), reason)
        })?;
        Ok(Self { feeds, levels })
    }
}

/// Strips by how many others they have to wait for in a row; the strips of a circle if there is one.
fn levels(feeds: &[Vec<Feed>]) -> Result<Vec<Vec<usize>>, Vec<usize>> {
    let mut level_of: Vec<Option<usize>> = vec![None; feeds.len()];
    let mut levels = Vec::new();
    loop {
        let ready =
            |index: usize| level_of[index].is_none() && feeds[index].iter().all(|feed| level_of[feed.from].is_some());
        let level: Vec<usize> = (0..feeds.len()).filter(|&index| ready(index)).collect();
        if level.is_empty() {
            break;
        }
        level.iter().for_each(|&index| level_of[index] = Some(levels.len()));
        levels.push(level);
    }
    let Some(stuck) = level_of.iter().position(Option::is_none) else { return Ok(levels) };
    // Going back from a strip that waits along those that it waits for ends in a circle.
    let waits_for = |index: usize| feeds[index].iter().map(|feed| feed.from).find(|&from| level_of[from].is_none());
    let mut path = vec![stuck];
    while let Some(before) = path.last().and_then(|&last| waits_for(last)) {
        if let Some(start) = path.iter().position(|&index| index == before) {
            return Err(path.split_off(start));
        }
        path.push(before);
    }
    Err(path)
}
