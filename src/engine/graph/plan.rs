//! Who feeds whom, and in which order: names resolved, circles found.

use std::collections::HashMap;

use super::settings::{GraphSettings, MASTER, StripSettings};
use crate::engine::processors::ProcessorSettings;
use crate::error::{Error, Result};

/// Strips in the order in which they have to run. Tracks come first, then the buses, then the master; within the
/// numbering, `levels` tells which can run at the same time.
#[derive(Debug)]
pub(super) struct Plan {
    /// What comes in at each strip, in the order of the settings: outputs of all strips, then their sends.
    pub(super) routes: Vec<Vec<Route>>,
    /// For each strip, the strip that each of its processors listens to, if it does.
    pub(super) side_chains: Vec<Vec<Option<usize>>>,
    /// Strips that need nothing but earlier levels.
    pub(super) levels: Vec<Vec<usize>>,
}

/// A signal on its way into a strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Route {
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
        let mut routes = vec![Vec::new(); strips.len() + 1];
        for (from, (kind, strip)) in strips.iter().enumerate() {
            let to = find(format!("{kind} {:?}, output", strip.name), &strip.output)?;
            routes[to].push(Route { from, gain_db: 0.0, pre_fader: false });
        }
        for (from, (kind, strip)) in strips.iter().enumerate() {
            for send in &strip.sends {
                let to = find(format!("{kind} {:?}, send", strip.name), &send.to)?;
                routes[to].push(Route { from, gain_db: send.gain_db, pre_fader: send.pre_fader });
            }
        }
        let place_of = |index: usize| {
            strips.get(index).map_or(MASTER.to_owned(), |(kind, strip)| format!("{kind} {:?}", strip.name))
        };
        let chains = strips.iter().map(|(_, strip)| &strip.chain).chain([&settings.master.chain]);
        let side_chains = chains.enumerate().map(|(strip, chain)| {
            let listens_to = |(index, processor): (usize, &ProcessorSettings)| {
                let Some(name) = processor.side_chain() else { return Ok(None) };
                let heard = strips.iter().position(|(_, strip)| strip.name == name);
                heard.map(Some).ok_or_else(|| {
                    let reason = format!("there is no track or bus {name:?}; name one of this mix");
                    Error::setting(format!("{}, chain[{index}]: side_chain", place_of(strip)), reason)
                })
            };
            chain.iter().enumerate().map(listens_to).collect::<Result<Vec<_>>>()
        });
        let side_chains = side_chains.collect::<Result<Vec<_>>>()?;
        let levels = levels(&routes, &side_chains).map_err(|circle| {
            let names: Vec<String> = circle.iter().map(|&index| format!("{:?}", strips[index].1.name)).collect();
            let reason = format!(
                "feeds itself by way of {}; take one output, send or side-chain out of the circle",
                names.join(", ")
            );
            Error::setting(place_of(circle[0]), reason)
        })?;
        Ok(Self { routes, side_chains, levels })
    }
}

/// Strips by how many others they have to wait for in a row; the strips of a circle if there is one.
fn levels(routes: &[Vec<Route>], side_chains: &[Vec<Option<usize>>]) -> Result<Vec<Vec<usize>>, Vec<usize>> {
    let waits_for = |index: usize| {
        let heard = side_chains[index].iter().copied().flatten();
        routes[index].iter().map(|route| route.from).chain(heard)
    };
    let mut level_of: Vec<Option<usize>> = vec![None; routes.len()];
    let mut levels = Vec::new();
    loop {
        let ready = |index: usize| level_of[index].is_none() && waits_for(index).all(|from| level_of[from].is_some());
        let level: Vec<usize> = (0..routes.len()).filter(|&index| ready(index)).collect();
        if level.is_empty() {
            break;
        }
        level.iter().for_each(|&index| level_of[index] = Some(levels.len()));
        levels.push(level);
    }
    let Some(stuck) = level_of.iter().position(Option::is_none) else { return Ok(levels) };
    // Going back from a strip that waits along those that it waits for ends in a circle.
    let mut path = vec![stuck];
    while let Some(before) = path.last().and_then(|&last| waits_for(last).find(|&from| level_of[from].is_none())) {
        if let Some(start) = path.iter().position(|&index| index == before) {
            return Err(path.split_off(start));
        }
        path.push(before);
    }
    Err(path)
}
