//! Loudness per ITU-R BS.1770-5, EBU Tech 3341 and Tech 3342.
//!
//! K-weighted energy is summed over slots of 10 ms; everything else follows from the slots: momentary loudness at
//! 10 ms hops, short-term at 50 ms, gating blocks at 100 ms.

use std::ops::Range;

use super::k_weighting::KWeighting;
use crate::audio::assert_rate;
use crate::slots;
use crate::statistics::mean;
use crate::units::{db_to_power, power_to_db};

/// Slots a second: ten times as many as [`slots`] has for everything else.
const FINE_SLOTS_PER_S: u32 = 100;
/// Momentary window and gating block: 400 ms (BS.1770-5, Annex 1).
const MOMENTARY_SLOTS: usize = 40;
/// The same in seconds: what is shorter has no loudness.
pub const MOMENTARY_S: f64 = MOMENTARY_SLOTS as f64 / FINE_SLOTS_PER_S as f64;
/// Short-term window: 3 s (Tech 3341, 2.2).
const SHORT_TERM_SLOTS: usize = 300;
/// Gating blocks overlap by 75 %.
const GATING_HOP_SLOTS: usize = 10;
/// Hop of the short-term loudness when its maximum is sought.
const SHORT_TERM_HOP_SLOTS: usize = 5;
/// Absolute gate, LUFS (BS.1770-5, Annex 1; Tech 3342 uses the same).
const ABSOLUTE_GATE_LUFS: f64 = -70.0;
/// Relative gate of the integrated loudness, LU.
const RELATIVE_GATE_LU: f64 = -10.0;
/// Relative gate of the loudness range, LU (Tech 3342).
const RANGE_GATE_LU: f64 = -20.0;
/// How often a gain is corrected by what passes the gates behind it: each time less is left that changes sides.
const GATE_ROUNDS: usize = 3;
/// Offset that makes a 997 Hz sine of 0 dBFS in one channel read -3.01 LUFS (BS.1770-5, Annex 1).
pub(crate) const OFFSET_DB: f64 = -0.691;

/// Loudness of a K-weighted, channel-weighted mean square.
fn lufs(mean_square: f64) -> f64 {
    OFFSET_DB + power_to_db(mean_square)
}

/// Sums K-weighted energy over slots of 10 ms, for any number of channels.
///
/// ```
/// use halfspeed::measure::loudness::LoudnessMeter;
///
/// let sine: Vec<f32> = (0..96_000).map(|n| (n as f32 * 997.0 * std::f32::consts::TAU / 48_000.0).sin()).collect();
/// let silence = vec![0.0; sine.len()];
/// let mut meter = LoudnessMeter::stereo(48_000);
/// meter.push(&[&sine, &silence]);
/// let integrated_lufs = meter.finish().integrated_lufs().unwrap();
/// assert!((integrated_lufs - -3.01).abs() < 0.005);
/// ```
#[derive(Debug, Clone)]
pub struct LoudnessMeter {
    sample_rate_hz: u32,
    /// Weight of each channel (BS.1770-5, Table 4: 1 in front, 1.41 for surrounds, 0 for the LFE).
    weights: Vec<f64>,
    /// One filter for every two channels.
    filters: Vec<KWeighting>,
    /// Silence, in place of the partner of an odd last channel.
    silence: Vec<f32>,
    frames: u64,
    slot_end: u64,
    /// Energy of the slot under way, for each filter's two channels.
    partial: Vec<[f64; 2]>,
    series: LoudnessSeries,
}

impl LoudnessMeter {
    /// A meter for left and right.
    ///
    /// # Panics
    /// If the sample rate is outside 8 to 384 kHz.
    pub fn stereo(sample_rate_hz: u32) -> Self {
        Self::new(sample_rate_hz, &[1.0, 1.0])
    }

    /// A meter for channels with the given weights (5.0: `[1.0, 1.0, 1.0, 1.41, 1.41]`).
    ///
    /// # Panics
    /// If the sample rate is outside 8 to 384 kHz.
    pub fn new(sample_rate_hz: u32, weights: &[f64]) -> Self {
        assert_rate(sample_rate_hz);
        let filter = KWeighting::new(sample_rate_hz);
        let mut meter = Self {
            sample_rate_hz,
            weights: weights.to_vec(),
            filters: vec![filter; weights.len().div_ceil(2)],
            silence: Vec::new(),
            frames: 0,
            slot_end: 0,
            partial: vec![[0.0; 2]; weights.len().div_ceil(2)],
            series: LoudnessSeries { sample_rate_hz, slots: Vec::new(), channel_energy: vec![0.0; weights.len()] },
        };
        meter.slot_end = slot_border(1, sample_rate_hz);
        meter
    }

    /// Takes the next stretch: one slice for each channel, all of one length.
    ///
    /// # Panics
    /// If the number of channels or their lengths don't fit.
    pub fn push(&mut self, channels: &[&[f32]]) {
        assert_eq!(channels.len(), self.weights.len(), "one slice for each channel");
        let frames = channels.first().map_or(0, |channel| channel.len());
        assert!(channels.iter().all(|channel| channel.len() == frames), "channels of one length");
        let mut start = 0;
        while start < frames {
            let end = frames.min(start + (self.slot_end - self.frames) as usize);
            self.add(channels, start, end);
            self.frames += (end - start) as u64;
            if self.frames == self.slot_end {
                self.close_slot();
                self.slot_end = slot_border(self.series.slots.len() as u64 + 1, self.sample_rate_hz);
            }
            start = end;
        }
    }

    fn add(&mut self, channels: &[&[f32]], start: usize, end: usize) {
        if self.silence.len() < end - start {
            self.silence.resize(end - start, 0.0);
        }
        for (pair, (filter, energy)) in self.filters.iter_mut().zip(&mut self.partial).enumerate() {
            let first = &channels[2 * pair][start..end];
            let second =
                channels.get(2 * pair + 1).map_or(&self.silence[..end - start], |channel| &channel[start..end]);
            filter.add_energy(first, second, energy);
        }
    }

    fn close_slot(&mut self) {
        let energies = self.partial.iter_mut().flat_map(std::mem::take);
        let mut slot = 0.0;
        for ((weight, sum), energy) in self.weights.iter().zip(&mut self.series.channel_energy).zip(energies) {
            slot += weight * energy;
            *sum += weight * energy;
        }
        self.series.slots.push(slot);
    }

    /// Ends the programme. A last slot that isn't full belongs to no window and is dropped, as the standard has it.
    pub fn finish(self) -> LoudnessSeries {
        self.series
    }
}

/// First frame of a slot.
fn slot_border(slot: u64, sample_rate_hz: u32) -> u64 {
    slots::border(slot, FINE_SLOTS_PER_S, sample_rate_hz)
}

/// K-weighted energy over time, and the loudness values that follow from it.
#[derive(Debug, Clone)]
pub struct LoudnessSeries {
    sample_rate_hz: u32,
    /// Sum of weighted squares of each 10 ms.
    slots: Vec<f64>,
    channel_energy: Vec<f64>,
}

impl LoudnessSeries {
    /// Mean squares of windows of `length` slots, every `hop` slots.
    fn windows(&self, length: usize, hop: usize) -> impl Iterator<Item = f64> {
        // Prefix sums would lose quiet passages after loud ones; a window's own sum does not.
        let starts = (0..(self.slots.len() + 1).saturating_sub(length)).step_by(hop);
        starts.map(move |start| {
            let frames = slot_border((start + length) as u64, self.sample_rate_hz)
                - slot_border(start as u64, self.sample_rate_hz);
            sum(&self.slots[start..start + length]) / frames as f64
        })
    }

    /// Gated loudness of the whole programme (BS.1770-5, Annex 1). `None` if no 400 ms block passes the gates.
    pub fn integrated_lufs(&self) -> Option<f64> {
        gated_lufs(self.windows(MOMENTARY_SLOTS, GATING_HOP_SLOTS).collect())
    }

    /// The gain that brings the programme to an integrated loudness, dB. The gates are those behind the gain: what is under the absolute
    /// one at its own level has a gain too. `None` for silence or less than 400 ms.
    pub fn gain_to_db(&self, target_lufs: f64) -> Option<f64> {
        let blocks: Vec<f64> = self.windows(MOMENTARY_SLOTS, GATING_HOP_SLOTS).collect();
        let ungated_lufs = mean(blocks.iter().copied()).map(lufs).filter(|value| value.is_finite())?;
        (0..GATE_ROUNDS).try_fold(target_lufs - ungated_lufs, |gain_db, _| {
            let gain = db_to_power(gain_db);
            Some(gain_db + target_lufs - gated_lufs(blocks.iter().map(|power| gain * power).collect())?)
        })
    }

    /// Gated loudness of stretches of the programme as one, each given in slots of 100 ms. `None` if no 400 ms block within
    /// them passes the gates.
    pub fn integrated_lufs_within(&self, stretches: &[Range<usize>]) -> Option<f64> {
        const BLOCK_STEPS: usize = MOMENTARY_SLOTS / GATING_HOP_SLOTS;
        let holds = |block: usize| stretches.iter().any(|all| all.start <= block && block + BLOCK_STEPS <= all.end);
        let blocks = self.windows(MOMENTARY_SLOTS, GATING_HOP_SLOTS).enumerate();
        gated_lufs(blocks.filter(|(block, _)| holds(*block)).map(|(_, power)| power).collect())
    }

    /// Loudness range in LU (Tech 3342). `None` if no 3 s window passes the gates.
    pub fn range_lu(&self) -> Option<f64> {
        gated_range_lu(self.windows(SHORT_TERM_SLOTS, GATING_HOP_SLOTS).collect())
    }

    /// The loudest 400 ms, sought every 10 ms. `None` for silence or less than 400 ms.
    pub fn max_momentary_lufs(&self) -> Option<f64> {
        self.windows(MOMENTARY_SLOTS, 1).reduce(f64::max).map(lufs).filter(|value| value.is_finite())
    }

    /// The loudest 3 s, sought every 50 ms. `None` for silence or less than 3 s.
    pub fn max_short_term_lufs(&self) -> Option<f64> {
        self.windows(SHORT_TERM_SLOTS, SHORT_TERM_HOP_SLOTS)
            .reduce(f64::max)
            .map(lufs)
            .filter(|value| value.is_finite())
    }

    /// Momentary loudness every 10 ms; value `k` covers the 400 ms from `k * 10 ms`. `-inf` for silence.
    pub fn momentary_10_ms_lufs(&self) -> Vec<f64> {
        self.windows(MOMENTARY_SLOTS, 1).map(lufs).collect()
    }

    /// Short-term loudness every 50 ms; value `k` covers the 3 s from `k * 50 ms`. `-inf` for silence.
    pub fn short_term_50_ms_lufs(&self) -> Vec<f64> {
        self.windows(SHORT_TERM_SLOTS, SHORT_TERM_HOP_SLOTS).map(lufs).collect()
    }

    /// Momentary loudness every 100 ms; value `k` covers the 400 ms from `k * 100 ms`. `-inf` for silence.
    pub fn momentary_lufs(&self) -> Vec<f64> {
        self.windows(MOMENTARY_SLOTS, GATING_HOP_SLOTS).map(lufs).collect()
    }

    /// Short-term loudness every 100 ms; value `k` covers the 3 s from `k * 100 ms`. `-inf` for silence.
    pub fn short_term_lufs(&self) -> Vec<f64> {
        self.windows(SHORT_TERM_SLOTS, GATING_HOP_SLOTS).map(lufs).collect()
    }

    /// How much louder the left channel is than the right, dB of K-weighted energy. `None` where either is silent.
    pub fn balance_db(&self) -> Option<f64> {
        match self.channel_energy[..] {
            [left, right] if left > 0.0 && right > 0.0 => Some(power_to_db(left / right)),
            _ => None,
        }
    }

    /// The loudness of the quieter of two channels where it is far the quieter one: the programme's, less what the other channel is
    /// louder by, LUFS. Where both are equally loud it is the programme's, 3 LU over that of one of them alone. `-inf` where it holds
    /// nothing at all. `None` where the programme has no loudness.
    pub fn quieter_channel_lufs(&self) -> Option<f64> {
        let &[left, right] = &self.channel_energy[..] else { return None };
        Some(self.integrated_lufs()? - power_to_db(left / right).abs())
    }
}

/// The loudness of several programmes as one, such as an album, that are measured one after the other: it keeps no more of each than
/// the gates need, 160 bytes a second.
#[derive(Debug, Clone, Default)]
pub struct AlbumLoudness {
    blocks: Vec<f64>,
    windows: Vec<f64>,
}

impl AlbumLoudness {
    /// Takes the next programme.
    pub fn push(&mut self, programme: &LoudnessSeries) {
        self.blocks.extend(programme.windows(MOMENTARY_SLOTS, GATING_HOP_SLOTS));
        self.windows.extend(programme.windows(SHORT_TERM_SLOTS, GATING_HOP_SLOTS));
    }

    /// Gated loudness of all programmes as one: the blocks of all are gated together. `None` if none passes.
    pub fn integrated_lufs(&self) -> Option<f64> {
        gated_lufs(self.blocks.clone())
    }

    /// Loudness range of all programmes as one, in LU: the windows of all are gated together. `None` if none passes.
    pub fn range_lu(&self) -> Option<f64> {
        gated_range_lu(self.windows.clone())
    }
}

/// Four sums at once: a single one waits for each addition before the next.
fn sum(values: &[f64]) -> f64 {
    let (quads, rest) = values.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for quad in quads {
        for (sum, value) in sums.iter_mut().zip(quad) {
            *sum += value;
        }
    }
    sums.iter().chain(rest).sum()
}

/// Integrated loudness of the mean squares of 400 ms blocks.
fn gated_lufs(mut blocks: Vec<f64>) -> Option<f64> {
    let absolute_gate = db_to_power(ABSOLUTE_GATE_LUFS - OFFSET_DB);
    blocks.retain(|&power| power > absolute_gate);
    let relative_gate = mean(blocks.iter().copied())? * db_to_power(RELATIVE_GATE_LU);
    blocks.retain(|&power| power > relative_gate);
    mean(blocks.iter().copied()).map(lufs)
}

/// Loudness range of the mean squares of 3 s windows.
fn gated_range_lu(mut windows: Vec<f64>) -> Option<f64> {
    let absolute_gate = db_to_power(ABSOLUTE_GATE_LUFS - OFFSET_DB);
    windows.retain(|&power| power >= absolute_gate);
    let relative_gate = mean(windows.iter().copied())? * db_to_power(RANGE_GATE_LU);
    windows.retain(|&power| power >= relative_gate);
    windows.sort_by(f64::total_cmp);
    let last = windows.len().checked_sub(1)?;
    let percentile = |percent: f64| windows[(last as f64 * percent / 100.0).round() as usize];
    Some(power_to_db(percentile(95.0)) - power_to_db(percentile(10.0)))
}

/// Integrated loudness of a programme of which the K-weighted mean square (summed over channels) of every 100 ms is
/// known.
pub fn integrated_lufs_of_slots(powers: &[f64]) -> Option<f64> {
    gated_lufs(powers.windows(4).map(|slots| slots.iter().sum::<f64>() / 4.0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_have_a_loudness_of_their_own() {
        let mut meter = LoudnessMeter::stereo(48_000);
        for (amplitude, seconds) in [(0.01, 5), (0.1, 5)] {
            let sine: Vec<f32> = (0..48_000 * seconds).map(|n| amplitude * (n as f32 * 0.1309).sin()).collect();
            meter.push(&[&sine, &sine]);
        }
        let series = meter.finish();
        let of = |stretches: Vec<Range<usize>>| series.integrated_lufs_within(&stretches);
        let near = |lufs: Option<f64>, wanted_lufs: f64| {
            assert!(lufs.is_some_and(|lufs| (lufs - wanted_lufs).abs() < 0.05), "{lufs:?}");
        };
        let (quiet, loud, whole, too_short) = (0..40, 60..100, 0..100, 0..3);
        near(of(vec![quiet.clone()]), -40.0);
        near(of(vec![loud.clone()]), -20.0);
        // The quieter part falls under the relative gate of both together.
        near(of(vec![quiet, loud]), -20.0);
        assert_eq!(of(vec![whole]), series.integrated_lufs());
        assert_eq!(of(vec![too_short]), None);
    }

    #[test]
    fn an_album_that_is_taken_track_by_track_has_the_loudness_of_all_at_once() {
        let track = |amplitude: f32| {
            let sine: Vec<f32> = (0..5 * 8_000).map(|n| amplitude * (n as f32 * 0.7).sin()).collect();
            let mut meter = LoudnessMeter::stereo(8_000);
            meter.push(&[&sine, &sine]);
            meter.finish()
        };
        let tracks = [0.1, 0.05, 0.0001].map(track);
        let mut album = AlbumLoudness::default();
        assert_eq!((album.integrated_lufs(), album.range_lu()), (None, None));
        tracks.iter().for_each(|track| album.push(track));
        assert!(album.range_lu().is_some_and(|lu| lu > 5.0), "{album:?}");
        let of_all = |slots: usize| -> Vec<f64> {
            tracks.iter().flat_map(|track| track.windows(slots, GATING_HOP_SLOTS)).collect()
        };
        assert_eq!(album.integrated_lufs(), gated_lufs(of_all(MOMENTARY_SLOTS)));
        assert_eq!(album.range_lu(), gated_range_lu(of_all(SHORT_TERM_SLOTS)));
        let mut single = AlbumLoudness::default();
        single.push(&tracks[0]);
        assert_eq!((single.integrated_lufs(), single.range_lu()), (tracks[0].integrated_lufs(), tracks[0].range_lu()));
    }

    #[test]
    fn silence_and_short_files_have_no_loudness() {
        for frames in [0, 1, 17_639] {
            let mut meter = LoudnessMeter::stereo(44_100);
            meter.push(&[&vec![0.5; frames], &vec![0.5; frames]]);
            let series = meter.finish();
            assert_eq!((series.integrated_lufs(), series.range_lu()), (None, None), "{frames} frames");
            assert_eq!((series.max_momentary_lufs(), series.max_short_term_lufs()), (None, None));
        }
        let mut meter = LoudnessMeter::stereo(44_100);
        meter.push(&[&[0.0; 200_000], &[0.0; 200_000]]);
        let series = meter.finish();
        assert_eq!((series.integrated_lufs(), series.max_momentary_lufs(), series.balance_db()), (None, None, None));
        assert_eq!(series.quieter_channel_lufs(), None);
    }

    #[test]
    fn the_quieter_channel_has_what_the_other_leaves() {
        let sine: Vec<f32> = (0..48_000).map(|n| 0.1 * (n as f32 * 0.1309).sin()).collect();
        let quieter_lufs = |amplitude: f32| {
            let quieter: Vec<f32> = sine.iter().map(|x| amplitude * x).collect();
            [[&sine, &quieter], [&quieter, &sine]].map(|[left, right]| {
                let mut meter = LoudnessMeter::stereo(48_000);
                meter.push(&[left, right]);
                let series = meter.finish();
                let lufs = series.integrated_lufs().expect("loud");
                series.quieter_channel_lufs().map(|quieter_lufs| quieter_lufs - lufs)
            })
        };
        for difference_db in quieter_lufs(0.1) {
            assert!(difference_db.is_some_and(|db| (db + 20.0).abs() < 1e-3), "{difference_db:?}");
        }
        assert_eq!(quieter_lufs(0.0), [Some(f64::NEG_INFINITY); 2]);
    }
}
