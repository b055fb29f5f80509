//! Quality control: what is technically wrong with a programme, where, and what to do about it.
//!
//! An [`Inspector`] sees the programme block by block, next to a [`Meter`](crate::measure::Meter), and gives its
//! [`Finding`]s once the measurement is done. What the meter has measured it does not measure again. Every threshold
//! stands in [`thresholds`].

mod bandwidth;
mod cells;
mod check;
mod clicks;
mod clipping;
mod delay;
mod depth;
mod dropouts;
mod ends;
mod excerpts;
mod floor;
mod hum;
mod low_band;
mod noise;
pub(crate) mod offset;
mod overs;
mod standing;
mod stereo;
mod sub_sonic;
#[cfg(test)]
mod tests;
pub mod thresholds;

use schemars::JsonSchema;
use serde::Serialize;

use crate::audio::{AudioBuffer, assert_rate};
use crate::measure::Measurement;
use cells::{Channel, GROUP_CELLS, LOOK_AHEAD_GROUPS};
pub use check::Check;
use clicks::Clicks;
use clipping::Clipping;
use depth::Depth;
use dropouts::Dropouts;
use ends::Ends;
use excerpts::Excerpts;
use low_band::LowBand;
use overs::Overs;
pub(crate) use stereo::has_dead_channel;

/// Most times that a finding lists. What happens more often needs no longer list.
pub const MAX_TIMES: usize = 32;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "FindingSeverity")]
pub enum Severity {
    /// Good to know; often meant.
    Info,
    /// Look at it before delivery.
    Warning,
    /// Delivery would be refused, or listeners would hear it.
    Fail,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// Which check found it.
    pub id: Check,
    /// How bad it is.
    pub severity: Severity,
    /// What was measured. `None` for the level of what holds nothing but zeros.
    pub value: Option<f64>,
    /// Unit of `value` and `threshold`: its symbol, or the word where there is none.
    pub unit: &'static str,
    /// The value from which on the severity is told.
    pub threshold: f64,
    /// Where, in seconds from the start, rising, 32 at most. Empty: throughout.
    pub times_s: Vec<f64>,
    /// At which frequencies, rising: those of hum. Empty for all else.
    pub frequencies_hz: Vec<f64>,
    /// Whether the channel that is late is upside down as well. `false` for all else.
    pub is_inverted: bool,
    /// What it is and what to do, in plain English.
    pub message: String,
}

impl Finding {
    /// What was found throughout. `value` is what was measured, `threshold` from where on it has this severity.
    pub(crate) fn new(
        id: Check,
        severity: Severity,
        value: impl Into<Option<f64>>,
        threshold: f64,
        message: impl Into<String>,
    ) -> Self {
        Self {
            id,
            severity,
            value: value.into(),
            unit: id.unit(),
            threshold,
            times_s: Vec::new(),
            frequencies_hz: Vec::new(),
            is_inverted: false,
            message: message.into(),
        }
    }

    /// The same at some times, seconds from the start, rising.
    pub(crate) fn at(self, times_s: Vec<f64>) -> Self {
        Self { times_s, ..self }
    }
}

/// What a file says of its audio, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Sample rate in Hz, 8000 to 384000.
    pub sample_rate_hz: u32,
    /// Channels in the file, 1 or 2: a mono file isn't blamed for two equal channels.
    pub channels: u32,
    /// Bits of a sample stored as an integer; `None` for floating point and lossy formats.
    pub bits: Option<u32>,
    /// Whether the format discards parts of the audio.
    pub lossy: bool,
}

/// Looks a programme over.
///
/// ```
/// use halfspeed::AudioBuffer;
/// use halfspeed::measure::Meter;
/// use halfspeed::quality::{Check, Format, Inspector};
///
/// let tone = |n: i32| 0.2 + 0.1 * (n as f32 * 0.1309).sin();
/// let block = AudioBuffer::from_channels(48_000, (0..96_000).map(tone).collect(), (0..96_000).map(tone).collect());
/// let mut meter = Meter::new(48_000);
/// let mut inspector = Inspector::new(Format { sample_rate_hz: 48_000, channels: 1, bits: None, lossy: false });
/// meter.push(&block);
/// inspector.push(&block);
/// let findings = inspector.finish(&meter.finish());
/// let offset = findings.iter().find(|finding| finding.id == Check::Dc).expect("it is told");
/// assert!(offset.value.is_some_and(|percent| (percent - 20.0).abs() < 0.1));
/// ```
pub struct Inspector {
    format: Format,
    frames: u64,
    channels: [Channel; 2],
    cell_frames: usize,
    peaks: [f32; 2],
    clipping: Clipping,
    overs: Overs,
    ends: Ends,
    clicks: Clicks,
    dropouts: Dropouts,
    depth: Option<Depth>,
    low_band: LowBand,
    excerpts: Excerpts,
}

impl Inspector {
    /// An inspector that has seen nothing.
    ///
    /// # Panics
    /// If the sample rate is outside 8 to 384 kHz.
    pub fn new(format: Format) -> Self {
        let rate_hz = format.sample_rate_hz;
        assert_rate(rate_hz);
        let cell_frames = cells::cell_frames(rate_hz);
        let channel = Channel::new(cell_frames, ends::tail_frames(rate_hz));
        Self {
            format,
            frames: 0,
            channels: [channel.clone(), channel],
            cell_frames,
            peaks: [0.0; 2],
            clipping: Clipping::new(),
            overs: Overs::new(rate_hz),
            ends: Ends::new(rate_hz),
            clicks: Clicks::new(rate_hz),
            dropouts: Dropouts::new(rate_hz, format.bits),
            depth: Depth::new(format.bits),
            low_band: LowBand::new(rate_hz, cell_frames),
            excerpts: Excerpts::new(rate_hz),
        }
    }

    /// Takes the next block. How a programme is cut into blocks changes nothing.
    pub fn push(&mut self, block: &AudioBuffer) {
        self.frames += block.frames() as u64;
        if let Some(depth) = &mut self.depth {
            depth.push(block.left());
            depth.push(block.right());
        }
        self.excerpts.push(block);
        self.ends.push_block(block);
        self.channels[0].push(block.left());
        self.channels[1].push(block.right());
        self.look();
    }

    /// Looks at all groups that are ready.
    fn look(&mut self) {
        while self.channels[0].is_ready() {
            let groups = self.channels.each_ref().map(Channel::group);
            for (index, group) in groups.iter().enumerate() {
                self.peaks[index] = self.peaks[index].max(group.extremes().peak);
                self.clipping.push(index, group);
                self.overs.push(group);
                self.ends.push(group);
                self.clicks.push(group);
                self.dropouts.push(index, group);
            }
            self.low_band.push(&groups[0], &groups[1]);
            self.channels.iter_mut().for_each(Channel::advance);
        }
        self.channels.iter_mut().for_each(Channel::trim);
    }

    /// Ends the programme and tells what was found, worst first. `measurement` is that of the same programme.
    pub fn finish(mut self, measurement: &Measurement) -> Vec<Finding> {
        let rate_hz = self.format.sample_rate_hz;
        let tail_frames = (ends::tail_frames(rate_hz) as u64).min(self.frames) as usize;
        let [left, right] = self.channels.each_ref().map(|channel| channel.tail(tail_frames).to_vec());
        let tail = AudioBuffer::from_channels(rate_hz, left, right);
        // Silence follows, until the last sample has been looked at.
        let group_frames = GROUP_CELLS * self.cell_frames;
        let silence = vec![0.0; (LOOK_AHEAD_GROUPS + 1) * group_frames + 2];
        for channel in &mut self.channels {
            channel.push(&silence);
        }
        self.look();
        let mut findings = Vec::new();
        if self.ends.is_silent() {
            findings.push(silent(measurement.peaks.sample_dbfs()));
            // A mix that was exported far too low has other faults beside that.
            if measurement.loudness.integrated_lufs().is_none() {
                return findings;
            }
        }
        if self.format.channels > 1 {
            findings.extend(stereo::findings(measurement, self.peaks));
            findings.extend(self.excerpts.delays.finish());
        }
        findings.extend(self.clipping.finish(rate_hz, self.format.lossy));
        findings.extend(self.overs.finish(measurement, self.format.lossy));
        findings.extend(offset::finding(measurement));
        findings.extend(self.clicks.finish(self.frames));
        findings.extend(self.dropouts.finish());
        findings.extend(self.depth.and_then(Depth::finish));
        findings.extend(self.excerpts.bandwidth.up_sampled());
        findings.extend(self.excerpts.bandwidth.lossy_source(self.format.lossy));
        findings.extend(hum::finding(&self.low_band.windows, self.low_band.standing, measurement));
        findings.extend(sub_sonic::finding(&self.low_band.windows, measurement));
        findings.extend(noise::finding(measurement));
        // What stands at the ends may follow from what has been told by now.
        self.ends.finish(self.frames, &tail, measurement, &mut findings);
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }
}

/// `peak_dbfs`: of the highest sample, if any is above zero.
fn silent(peak_dbfs: Option<f64>) -> Finding {
    let nothing = || String::from("there is nothing in it but zeros");
    let found = peak_dbfs.map_or_else(nothing, |dbfs| format!("nothing in it is louder than {dbfs:.1} dBFS"));
    Finding::new(
        Check::Silent,
        Severity::Fail,
        peak_dbfs,
        thresholds::AUDIBLE_DBFS,
        format!("{found}; check the export"),
    )
}

/// Frequencies in words: `100, 150 and 250 Hz`.
pub(crate) fn in_hertz(frequencies_hz: &[f64]) -> String {
    let words: Vec<String> = frequencies_hz.iter().map(|hz| format!("{hz:.0}")).collect();
    match &words[..] {
        [] => String::new(),
        [only] => format!("{only} Hz"),
        [others @ .., last] => format!("{} and {last} Hz", others.join(", ")),
    }
}

/// The first times that something happened, in order.
#[derive(Debug, Clone, Default)]
struct Times {
    frames: Vec<u64>,
}

impl Times {
    fn add(&mut self, frame: u64) {
        // Channels take turns, so times come nearly in order.
        let place = self.frames.partition_point(|&known| known < frame);
        if self.frames.get(place) != Some(&frame) {
            self.frames.insert(place, frame);
            self.frames.truncate(MAX_TIMES);
        }
    }

    fn merge(&mut self, other: &Self) {
        other.frames.iter().for_each(|&frame| self.add(frame));
    }

    fn seconds(&self, sample_rate_hz: u32) -> Vec<f64> {
        self.frames.iter().map(|&frame| frame as f64 / f64::from(sample_rate_hz)).collect()
    }
}
