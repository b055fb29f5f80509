//! The limiting itself: gains from levels, a look at what they lead to, more where it is needed.

use std::ops::Range;

use super::envelope::GainEnvelope;
use super::needs::{IntervalLevels, Levels, Need, Needs};
use super::{GUARD_DB, LOOK_DB, LimiterSettings, gain_of_reduction, interval_frames};
use crate::audio::AudioBuffer;
use crate::dsp::interpolation::{SHARP_CONTEXT_FRAMES, SharpInterpolator};
use crate::slots::slot_at;
use crate::units::{amplitude_to_db, db_to_amplitude};

/// Control intervals that are put out at a time.
const WINDOW: usize = 400;
/// Control intervals looked at together before each is looked at alone.
const STRETCH: usize = 8;
/// Rounds of correction at the most; music takes none to three, full-band noise eight.
const MAX_ROUNDS: usize = 24;
/// Reductions that changed by less need no other look, dB.
const UNCHANGED_DB: f64 = 1e-4;

/// Limits a programme whose levels are known.
///
/// Goes through it in windows of 0.2 s. In each, the reductions follow from the needs of the intervals, the signal is
/// limited with them, and its true peaks are sought above the ceiling; an interval with one is in need of as much more,
/// and the window is done again, until there is none. Windows overlap by as much as later corrections reach back.
///
/// Intervals and borders are counted from a `lead` of silence before the programme on: with it the first interval can be
/// corrected like any other, and so can what the first samples make of the time before them.
pub struct Limiter<'a> {
    levels: Levels<'a>,
    windows: Windows,
}

/// The limiting without the levels, window by window.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    needs: Needs,
    drive: f64,
    ceiling: f32,
    interval: usize,
    /// Intervals on either side that the interpolation at an interval can see.
    context: usize,
    /// Borders by which the envelope lags.
    latency: usize,
    /// Silent intervals before the programme.
    lead: usize,
    interpolator: SharpInterpolator,
    /// One for each channel, or one for both.
    lanes: Vec<Lane>,
    /// First border not yet settled.
    next: usize,
    /// Both channels from `context` intervals before the border `next` on.
    input: [Vec<f32>; 2],
    output: [Vec<f32>; 2],
    /// Intervals that went out.
    put_out: usize,
    sample_rate_hz: u32,
    /// Deepest in each 100 ms.
    reduction_db: Vec<f64>,
}

/// The side-chain of one channel, or of both.
#[derive(Debug, Clone)]
struct Lane {
    /// At the border `next`.
    envelope: GainEnvelope,
    /// What the next intervals need that the envelope has not seen.
    needs: Vec<Need>,
    /// Reductions from `context` borders before `next` on.
    reductions_db: Vec<f64>,
    /// The reductions with which each border was looked at last.
    seen_db: Vec<f64>,
    gains: Vec<f64>,
}

impl<'a> Limiter<'a> {
    /// A limiter at the beginning of a programme, from validated settings and the levels of its intervals. Peaks
    /// must be exact where they exceed the ceiling after drive.
    pub fn new(settings: &LimiterSettings, levels: Levels<'a>, sample_rate_hz: u32) -> Self {
        Self { levels, windows: Windows::new(settings, levels.peaks.len(), sample_rate_hz) }
    }

    /// Takes the next block and replaces the content of `limited` with what is done: as many frames as were taken, but
    /// some of them later.
    pub fn push(&mut self, block: &AudioBuffer, limited: &mut AudioBuffer) {
        limited.clear();
        let levels = self.levels;
        self.windows.push(block, |k| levels.of(k), limited);
    }

    /// Ends the programme and replaces the content of `limited` with what is left of it. Gives the deepest reduction within
    /// each 100 ms, dB (0 or more).
    pub fn finish(self, limited: &mut AudioBuffer) -> Vec<f64> {
        limited.clear();
        let levels = self.levels;
        self.windows.finish(|k| levels.of(k), limited)
    }
}

impl Windows {
    /// At the beginning of a programme of that many intervals, as far as the log goes.
    pub(super) fn new(settings: &LimiterSettings, logged_intervals: usize, sample_rate_hz: u32) -> Self {
        let interval = interval_frames(sample_rate_hz);
        let context = SHARP_CONTEXT_FRAMES.div_ceil(interval);
        let envelope = GainEnvelope::new(settings, sample_rate_hz);
        let latency = envelope.latency();
        let lead = latency + context;
        let slots = logged_intervals.checked_sub(1).map_or(0, |last| slot_of(last * interval, sample_rate_hz) + 1);
        let needs = Needs::new(settings);
        let drive = db_to_amplitude(settings.drive_db);
        let mut lanes = Vec::new();
        for _ in 0..if needs.are_linked() { 1 } else { 2 } {
            let mut envelope = envelope.clone();
            for _ in 0..latency {
                let _ = envelope.push(Need::default());
            }
            lanes.push(Lane {
                envelope,
                needs: Vec::new(),
                reductions_db: vec![0.0; context],
                seen_db: vec![0.0; context],
                gains: vec![drive; context],
            });
        }
        Self {
            needs,
            drive,
            ceiling: db_to_amplitude(settings.ceiling_dbtp) as f32,
            interval,
            context,
            latency,
            lead,
            interpolator: SharpInterpolator::for_checking(sample_rate_hz),
            lanes,
            next: 0,
            input: [(); 2].map(|()| vec![0.0; (context + lead) * interval]),
            output: [Vec::new(), Vec::new()],
            put_out: lead,
            sample_rate_hz,
            reduction_db: vec![0.0; slots],
        }
    }

    /// Takes the next block and appends what is done. `levels_of` gives the levels of an interval of the programme.
    pub(super) fn push(
        &mut self,
        block: &AudioBuffer,
        levels_of: impl Fn(usize) -> IntervalLevels,
        limited: &mut AudioBuffer,
    ) {
        self.input[0].extend_from_slice(block.left());
        self.input[1].extend_from_slice(block.right());
        while self.input[0].len() >= self.window_frames() {
            self.window(&levels_of, limited);
        }
    }

    /// Ends the programme and appends what is left of it to an empty buffer.
    fn finish(mut self, levels_of: impl Fn(usize) -> IntervalLevels, limited: &mut AudioBuffer) -> Vec<f64> {
        // Up to `context` intervals before `next` are there for the sake of interpolation, one of them not put out yet.
        let end = self.input[0].len() + self.next * self.interval - self.context * self.interval;
        let left = end - self.put_out * self.interval;
        while limited.frames() < left {
            let frames = self.window_frames();
            self.input.iter_mut().for_each(|channel| channel.resize(frames, 0.0));
            self.window(&levels_of, limited);
        }
        limited.resize(left);
        self.reduction_db
    }

    /// The first interval of the programme whose levels are still to be asked for.
    pub(super) fn next_interval(&self) -> usize {
        (self.next + self.latency).saturating_sub(self.lead)
    }

    /// Frames by which the levels have to be ahead of what is pushed.
    pub(super) fn levels_ahead_frames(&self) -> usize {
        (self.latency + 1) * self.interval
    }

    /// Frames by which what is put out lags what was pushed, at the most.
    pub(super) fn latency_frames(&self) -> usize {
        self.window_frames() - (self.context - 1) * self.interval
    }

    /// Intervals looked at beyond the window: far enough that what is corrected beyond them later does not reach back into
    /// what is put out now unseen.
    fn overlap(&self) -> usize {
        2 * self.latency + 2
    }

    fn window_frames(&self) -> usize {
        (self.context + WINDOW + self.overlap() + self.context) * self.interval
    }

    /// Puts out one window.
    fn window(&mut self, levels_of: &impl Fn(usize) -> IntervalLevels, limited: &mut AudioBuffer) {
        let overlap = self.overlap();
        // Borders from `next` on that have a part in what is looked at.
        let borders = WINDOW + overlap + self.context + 1;
        let linked = self.lanes.len() == 1;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            for k in self.next + self.latency + lane.needs.len()..self.next + self.latency + borders {
                let levels = k.checked_sub(self.lead).map_or_else(IntervalLevels::default, levels_of);
                lane.needs.push(self.needs.of(levels)[index]);
            }
            let channels = if linked { 0..2 } else { index..index + 1 };
            let look = Look {
                interpolator: &self.interpolator,
                ceiling: self.ceiling,
                aim: self.ceiling * db_to_amplitude(-LOOK_DB) as f32,
                drive: self.drive,
                interval: self.interval,
                context: self.context,
                first: self.context + self.latency,
                end: self.context + WINDOW + overlap,
            };
            lane.settle(&look, &self.input[channels.clone()], &mut self.output[channels]);
        }
        // The last settled border ends the last interval that goes out.
        let from = self.put_out + self.context - self.next;
        let to = self.context + WINDOW - 1;
        let frames = from * self.interval..to * self.interval;
        limited.extend(&self.output[0][frames.clone()], &self.output[1][frames]);
        for index in from..to {
            let slot = slot_of((self.put_out - self.lead) * self.interval, self.sample_rate_hz);
            if let Some(slot) = self.reduction_db.get_mut(slot) {
                *slot = self.lanes.iter().fold(*slot, |slot, lane| slot.max(lane.reductions_db[index + 1]));
            }
            self.put_out += 1;
        }
        self.next += WINDOW;
        self.lanes.iter_mut().for_each(Lane::advance);
        self.input.iter_mut().for_each(|channel| drop(channel.drain(..WINDOW * self.interval)));
    }
}

/// Place in the log of an interval that begins with a frame.
fn slot_of(frame: usize, sample_rate_hz: u32) -> usize {
    slot_at(frame as u64, sample_rate_hz) as usize
}

/// Where a lane looks for peaks above the ceiling.
struct Look<'a> {
    interpolator: &'a SharpInterpolator,
    ceiling: f32,
    /// A little below the ceiling.
    aim: f32,
    drive: f64,
    interval: usize,
    context: usize,
    /// First interval that can be corrected, and the end of those looked at; counted from the begin of the input.
    first: usize,
    end: usize,
}

impl Look<'_> {
    /// The true peak of some intervals, where it exceeds the aim.
    fn peak(&self, limited: &[Vec<f32>], intervals: Range<usize>) -> f32 {
        let (from, to) = (intervals.start * self.interval, intervals.end * self.interval);
        let peaks = limited.iter().map(|channel| self.interpolator.peak(channel, from, to, self.aim));
        peaks.fold(0.0, f32::max)
    }
}

impl Lane {
    /// Finds the reductions from `next` on, and limits with them.
    fn settle(&mut self, look: &Look<'_>, input: &[Vec<f32>], output: &mut [Vec<f32>]) {
        let context = look.context;
        let borders = context + self.needs.len();
        let frames = (borders - 1) * look.interval;
        output.iter_mut().for_each(|output| output.resize(frames, 0.0));
        self.seen_db.resize(borders, f64::INFINITY);
        self.reductions_db.resize(context, 0.0);
        self.gains.resize(context, 1.0);
        for round in 0..MAX_ROUNDS {
            // The first border that this round moves.
            let mut moved = borders;
            let mut envelope = self.envelope.clone();
            for (index, &need) in (context..).zip(&self.needs) {
                let reduction_db = envelope.push(need).unwrap_or_default();
                if round == 0 {
                    self.reductions_db.push(reduction_db);
                    self.gains.push(look.drive * gain_of_reduction(reduction_db));
                } else if self.reductions_db[index] != reduction_db {
                    moved = moved.min(index);
                    self.reductions_db[index] = reduction_db;
                    self.gains[index] = look.drive * gain_of_reduction(reduction_db);
                }
            }
            let from = if round == 0 { 0 } else { moved - 1 };
            for (input, output) in input.iter().zip(output.iter_mut()) {
                let pieces = input[from * look.interval..frames].chunks_exact(look.interval);
                let pieces = pieces.zip(output[from * look.interval..].chunks_exact_mut(look.interval));
                for ((input, output), gains) in pieces.zip(self.gains[from..].windows(2)) {
                    ramp(input, output, gains[0], gains[1]);
                }
            }
            if !self.raise(look, output) {
                break;
            }
        }
    }

    /// Looks at the intervals whose gain is new; whether one needs more reduction.
    fn raise(&mut self, look: &Look<'_>, limited: &[Vec<f32>]) -> bool {
        let is_new = self.take_changes();
        let is_due = |interval: usize| is_new[interval - look.context..=interval + 1 + look.context].contains(&true);
        let mut raised = false;
        let mut from = look.first;
        while from < look.end {
            if !is_due(from) {
                from += 1;
                continue;
            }
            let longest = look.end.min(from + STRETCH);
            let to = (from + 1..longest).find(|&interval| !is_due(interval)).unwrap_or(longest);
            if look.peak(limited, from..to) > look.aim {
                for interval in from..to {
                    raised |= self.raise_interval(interval, look, limited);
                }
            }
            from = to;
        }
        raised
    }

    /// Which borders have another reduction than when they were looked at last, as they will have been now.
    fn take_changes(&mut self) -> Vec<bool> {
        let borders = self.seen_db.iter_mut().zip(&self.reductions_db);
        let is_new = borders.map(|(seen_db, now_db)| {
            let is_new = (now_db - *seen_db).abs() >= UNCHANGED_DB;
            if is_new {
                *seen_db = *now_db;
            }
            is_new
        });
        is_new.collect()
    }

    /// Gives an interval more reduction where it exceeds the ceiling; whether it does.
    fn raise_interval(&mut self, interval: usize, look: &Look<'_>, limited: &[Vec<f32>]) -> bool {
        let peak = look.peak(limited, interval..interval + 1);
        let now_db = self.reductions_db[interval].min(self.reductions_db[interval + 1]);
        // What nothing was done to may go up to the ceiling.
        let is_over = peak > if now_db > 0.0 { look.aim } else { look.ceiling };
        if is_over {
            let over_db = amplitude_to_db(f64::from(peak) / f64::from(look.ceiling));
            self.needs[interval - look.first].peak_db = now_db + over_db + GUARD_DB;
        }
        is_over
    }

    /// Moves on by a window.
    fn advance(&mut self) {
        for need in self.needs.drain(..WINDOW) {
            self.envelope.push(need);
        }
        self.reductions_db.drain(..WINDOW);
        self.seen_db.drain(..WINDOW);
        self.gains.drain(..WINDOW);
    }
}

/// Multiplies one interval with a gain that moves in a straight line from the border before it to the border after it.
fn ramp(input: &[f32], output: &mut [f32], from_gain: f64, to_gain: f64) {
    if from_gain == 1.0 && to_gain == 1.0 {
        output.copy_from_slice(input);
        return;
    }
    let step = (to_gain - from_gain) / input.len() as f64;
    for (n, (x, y)) in input.iter().zip(output).enumerate() {
        *y = (f64::from(*x) * (from_gain + step * n as f64)) as f32;
    }
}
