//! Head and tail: silence that is too long, and starts and ends that are cut. Hum and noise that go on to the ends are no cut.

use super::cells::Group;
use super::floor::STEADY_FRAMES;
use super::noise::is_noise;
use super::thresholds::{
    AUDIBLE_DBFS, BLACK_DBFS, CUT_END_FAIL_DBFS, CUT_END_WARNING_DBFS, CUT_FLOOR_REACH_DB, CUT_FLOOR_UNDER_LU,
    CUT_SAMPLE_DBFS, FAR_DOWN_LUFS, HEAD_FAIL_S, HEAD_WARNING_S, TAIL_SILENCE_S,
};
use super::{Check, Finding, Severity, floor};
use crate::audio::AudioBuffer;
use crate::dsp::Frame;
use crate::dsp::biquad::{BUTTERWORTH_4_Q, Cascade, Coefficients};
use crate::measure::Measurement;
use crate::measure::dynamics::LevelSlot;
use crate::measure::spectrum::BandPower;
use crate::slots::slot_border;
use crate::units::{amplitude_to_db, db_to_amplitude, ms_to_frames, power_to_db};

/// The stretch at either end whose level is judged.
const END_MS: f64 = 50.0;
/// An end whose last few ms are so much softer than all of it is faded out, dB: they are 20 dB under it at the end of a straight fade,
/// 8 dB at most where a bass of 30 Hz is cut as it crosses zero.
const LAST_MS: f64 = 5.0;
const FADED_DB: f64 = 12.0;
/// What lies below is no sound that was cut off, but rumble, Hz (24 dB an octave); its filter has this long to settle before that.
const CORNER_HZ: f64 = 25.0;
const SETTLE_MS: f64 = 250.0;

/// How much of a programme's end is looked at.
pub(super) fn tail_frames(sample_rate_hz: u32) -> usize {
    ms_to_frames(SETTLE_MS + END_MS, sample_rate_hz)
}

/// Watches both ends of a programme.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    sample_rate_hz: u32,
    audible: f32,
    black: f32,
    /// Frame of the first audible sample.
    first: Option<u64>,
    /// Frame after the last sample that is not black.
    last: Option<u64>,
    /// The first [`END_MS`].
    head: AudioBuffer,
}

impl Ends {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        Self {
            sample_rate_hz,
            audible: db_to_amplitude(AUDIBLE_DBFS) as f32,
            black: db_to_amplitude(BLACK_DBFS) as f32,
            first: None,
            last: None,
            head: AudioBuffer::new(sample_rate_hz),
        }
    }

    /// Takes a block as it comes, to have the first samples at hand.
    pub(super) fn push_block(&mut self, block: &AudioBuffer) {
        let missing = self.end_frames().saturating_sub(self.head.frames()).min(block.frames());
        self.head.extend(&block.left()[..missing], &block.right()[..missing]);
    }

    fn end_frames(&self) -> usize {
        ms_to_frames(END_MS, self.sample_rate_hz)
    }

    /// What is left of a stretch above [`CORNER_HZ`].
    fn without_rumble(&self, mut frames: Vec<Frame>) -> Vec<Frame> {
        Cascade::new(BUTTERWORTH_4_Q.map(|q| Coefficients::high_pass(CORNER_HZ, q, self.sample_rate_hz)))
            .process(&mut frames);
        frames
    }

    pub(super) fn push(&mut self, group: &Group<'_>) {
        let cell_frames = group.cell_frames();
        let find = |level: f32, last: bool| {
            let cells = group.own_cells();
            let cell = if last {
                cells.rev().find(|&index| group.peaks[index] > level)?
            } else {
                cells.into_iter().find(|&index| group.peaks[index] > level)?
            };
            let samples = &group.samples[cell * cell_frames..(cell + 1) * cell_frames];
            let at = if last {
                samples.iter().rposition(|x| x.abs() > level)?
            } else {
                samples.iter().position(|x| x.abs() > level)?
            };
            Some(group.frame_of(cell * cell_frames + at))
        };
        if self.first.is_none_or(|first| first >= group.frame) {
            let found = find(self.audible, false);
            self.first = self.first.into_iter().chain(found).min();
        }
        if let Some(frame) = find(self.black, true) {
            self.last = self.last.max(Some(frame + 1));
        }
    }

    /// Whether no sample was audible.
    pub(super) fn is_silent(&self) -> bool {
        self.first.is_none()
    }

    /// `tail` are the last [`tail_frames`] of the programme, `measurement` is that of all of it. An offset is a fault of its own, and no
    /// sound that was cut off.
    pub(super) fn finish(
        &self,
        frames: u64,
        tail: &AudioBuffer,
        measurement: &Measurement,
        findings: &mut Vec<Finding>,
    ) {
        let (Some(first), Some(last)) = (self.first, self.last) else { return };
        let seconds = |frames: u64| frames as f64 / f64::from(self.sample_rate_hz);
        findings.extend(head_silence(seconds(first.min(faint_start(measurement).unwrap_or(first)))));
        findings.extend(tail_silence(seconds(last), seconds(frames - last)));
        let is_humming = findings.iter().any(|finding| finding.id == Check::Hum);
        let (dc, floor) = (measurement.levels.dc(), Floor::of(measurement, is_humming));
        findings.extend(self.cut_start(dc, floor));
        findings.extend(self.cut_end(tail, seconds(frames), dc, floor));
    }

    fn cut_start(&self, dc: [f64; 2], floor: Option<Floor>) -> Option<Finding> {
        let head = centred(&self.head, dc);
        let first_dbfs = sample_dbfs(*head.first()?, dc);
        if first_dbfs <= CUT_SAMPLE_DBFS || floor.is_some_and(|floor| floor.is_under_start && floor.is_all_of(&head)) {
            return None;
        }
        let message = format!(
            "the first sample is already at {first_dbfs:.1} dBFS: the start is cut off and clicks; export from a little \
             earlier (a fade-in of 5 ms takes away the click alone)"
        );
        Some(Finding::new(Check::CutStart, Severity::Warning, first_dbfs, CUT_SAMPLE_DBFS, message).at(vec![0.0]))
    }

    fn cut_end(&self, audio: &AudioBuffer, end_s: f64, dc: [f64; 2], floor: Option<Floor>) -> Option<Finding> {
        let tail = centred(audio, dc);
        let last_dbfs = sample_dbfs(*tail.last()?, dc);
        let tail = self.without_rumble(tail);
        let (before, end) = tail.split_at(tail.len().saturating_sub(self.end_frames()));
        // A sound that dies away may end at that level, but comes from higher. The filter has settled after half of what precedes.
        let is_floor =
            |floor: Floor| floor.is_under_end && floor.is_all_of(&before[before.len() / 2..]) && floor.is_all_of(end);
        if floor.is_some_and(is_floor) {
            return None;
        }
        // Silence behind music of which the mean is taken off would be a sound.
        let as_it_is = self.without_rumble(centred(audio, [0.0; 2]));
        let ends = [end, &as_it_is[before.len()..]];
        let softer_dbfs =
            |from: usize| ends.map(|end| louder_dbfs(&end[from..])).into_iter().fold(f64::INFINITY, f64::min);
        let level_dbfs = softer_dbfs(0);
        let faded_from = end.len().saturating_sub(ms_to_frames(LAST_MS, self.sample_rate_hz));
        if last_dbfs <= CUT_SAMPLE_DBFS && softer_dbfs(faded_from) <= level_dbfs - FADED_DB {
            return None;
        }
        let finding = |severity, value, threshold, message| {
            Some(Finding::new(Check::CutEnd, severity, value, threshold, message).at(vec![end_s]))
        };
        if level_dbfs > CUT_END_WARNING_DBFS {
            let (severity, threshold) = if level_dbfs > CUT_END_FAIL_DBFS {
                (Severity::Fail, CUT_END_FAIL_DBFS)
            } else {
                (Severity::Warning, CUT_END_WARNING_DBFS)
            };
            let message = format!(
                "the last 50 ms are still at {level_dbfs:.1} dBFS: the end is cut off; export until the sound has died away (a \
                 fade-out only hides the cut)"
            );
            finding(severity, level_dbfs, threshold, message)
        } else if last_dbfs > CUT_SAMPLE_DBFS {
            let message = format!("the last sample is at {last_dbfs:.1} dBFS: the end clicks; fade out to silence");
            finding(Severity::Warning, last_dbfs, CUT_SAMPLE_DBFS, message)
        } else {
            None
        }
    }
}

/// Frame at which a programme begins whose loudness is far down, by its slots of 100 ms; what it begins with may stay under
/// [`AUDIBLE_DBFS`] and be no silence. `None` of any other.
fn faint_start(measurement: &Measurement) -> Option<u64> {
    let lower_db = FAR_DOWN_LUFS - measurement.loudness.integrated_lufs()?;
    let audible = db_to_amplitude((AUDIBLE_DBFS - lower_db).max(BLACK_DBFS));
    let is_audible = |slot: &LevelSlot| f64::from(slot.peak) > audible;
    let slot = measurement.levels.slots.iter().position(is_audible).filter(|_| lower_db > 0.0)?;
    Some(slot_border(slot as u64, measurement.sample_rate_hz))
}

fn head_silence(head_s: f64) -> Option<Finding> {
    let (severity, threshold) = match head_s {
        s if s > HEAD_FAIL_S => (Severity::Fail, HEAD_FAIL_S),
        s if s > HEAD_WARNING_S => (Severity::Warning, HEAD_WARNING_S),
        _ => return None,
    };
    let message = format!("it starts with {head_s:.2} s of silence; trim the start to under {HEAD_WARNING_S} s");
    Some(Finding::new(Check::HeadSilence, severity, head_s, threshold, message).at(vec![head_s]))
}

fn tail_silence(from_s: f64, tail_s: f64) -> Option<Finding> {
    (tail_s > TAIL_SILENCE_S).then(|| {
        let message = format!("it ends with {tail_s:.2} s of silence; trim the end to under {TAIL_SILENCE_S} s");
        Finding::new(Check::TailSilence, Severity::Warning, tail_s, TAIL_SILENCE_S, message).at(vec![from_s])
    })
}

/// Hum or noise that goes on under everything, by its mean square of both channels.
#[derive(Debug, Clone, Copy)]
struct Floor {
    level_dbfs: f64,
    /// Whether it is no sound that is held at the start, or at the end, alone: it is heard elsewhere too, or known as hum or noise.
    is_under_start: bool,
    is_under_end: bool,
}

impl Floor {
    /// `is_humming`: hum was found.
    fn of(measurement: &Measurement, is_humming: bool) -> Option<Self> {
        // One channel's mean square, where loudness adds both.
        let highest_dbfs = measurement.loudness.integrated_lufs()? - 3.0 - CUT_FLOOR_UNDER_LU;
        let level_dbfs = |frame: &[BandPower]| power_to_db(frame.iter().map(BandPower::total).sum());
        let levels_dbfs: Vec<f64> = measurement.spectrum.iter().map(level_dbfs).collect();
        let (at, level_dbfs) = floor::quietest(&levels_dbfs, &(BLACK_DBFS..highest_dbfs), BLACK_DBFS, |_| true)?;
        let is_at_level = |db: &f64| (db - level_dbfs).abs() <= CUT_FLOOR_REACH_DB;
        let is_heard = |levels_dbfs: &[f64]| levels_dbfs.windows(STEADY_FRAMES).any(|run| run.iter().all(is_at_level));
        let held_at_start = levels_dbfs.iter().take_while(|db| is_at_level(db)).count();
        let held_at_end = levels_dbfs.iter().rev().take_while(|db| is_at_level(db)).count();
        let is_known = is_humming || is_noise(measurement, at..at + STEADY_FRAMES);
        Some(Self {
            level_dbfs,
            is_under_start: is_known || is_heard(&levels_dbfs[held_at_start..]),
            is_under_end: is_known || is_heard(&levels_dbfs[..levels_dbfs.len() - held_at_end]),
        })
    }

    /// Whether there is nothing else in a stretch.
    fn is_all_of(self, stretch: &[Frame]) -> bool {
        let [left, right] = powers(stretch);
        (power_to_db(0.5 * (left + right)) - self.level_dbfs).abs() <= CUT_FLOOR_REACH_DB
    }
}

/// The samples without the mean of their channel.
fn centred(audio: &AudioBuffer, dc: [f64; 2]) -> Vec<Frame> {
    let samples = audio.left().iter().zip(audio.right());
    samples.map(|(l, r)| [f64::from(*l) - dc[0], f64::from(*r) - dc[1]]).collect()
}

/// Mean squares of both channels.
fn powers(frames: &[Frame]) -> [f64; 2] {
    [0, 1].map(|channel| frames.iter().map(|frame| frame[channel].powi(2)).sum::<f64>() / frames.len() as f64)
}

/// Mean square of the louder channel.
fn louder_dbfs(frames: &[Frame]) -> f64 {
    power_to_db(powers(frames).into_iter().fold(0.0, f64::max))
}

/// Level of the larger of two centred samples: over the mean of its channel or over zero, whichever is nearer, since a mean over the
/// programme need not be an offset where it is silent.
fn sample_dbfs(centred: Frame, dc: [f64; 2]) -> f64 {
    let [left, right] = [0, 1].map(|channel| centred[channel].abs().min((centred[channel] + dc[channel]).abs()));
    amplitude_to_db(left.max(right))
}
