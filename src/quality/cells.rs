//! A programme cut into cells of a quarter to a third of a millisecond, of 16 frames below 72 kHz: what every check looks at first.

use pulp::{Arch, Simd, WithSimd};

/// Cells in a group. Groups are what detectors are given.
pub(super) const GROUP_CELLS: usize = 32;
/// Groups that detectors can look back.
pub(super) const LOOK_BACK_GROUPS: usize = 8;
/// Groups that detectors can look ahead.
pub(super) const LOOK_AHEAD_GROUPS: usize = 3;

/// What is known of the cells of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scanned {
    /// Largest magnitude in each cell.
    peaks: [f32; GROUP_CELLS],
    /// Largest second difference that begins in each cell: it lies at the sample after.
    bends: [f32; GROUP_CELLS],
    /// Sum of the samples of each cell.
    sums: [f32; GROUP_CELLS],
    extremes: Extremes,
}

/// What lets a detector pass a whole group by.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Extremes {
    /// Largest peak of a cell.
    pub(super) peak: f32,
    /// Smallest peak of a cell.
    pub(super) least_peak: f32,
    /// Largest bend of a cell.
    pub(super) bend: f32,
}

/// Frames of a cell: 16 at 44.1 and 48 kHz and below, and as long a time above.
pub(super) fn cell_frames(sample_rate_hz: u32) -> usize {
    16 * ((sample_rate_hz + 24_000) / 48_000).max(1) as usize
}

/// One channel of a group, with what lies around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group<'a> {
    /// Samples, from [`LOOK_BACK_GROUPS`] groups before the group to [`LOOK_AHEAD_GROUPS`] groups after it. What lies
    /// before the programme or after it is silence.
    pub(super) samples: &'a [f32],
    /// Largest magnitude in each cell of those samples.
    pub(super) peaks: &'a [f32],
    /// Largest second difference that begins in each cell.
    pub(super) bends: &'a [f32],
    /// Sum of the samples in each cell.
    pub(super) sums: &'a [f32],
    /// Of each group that the samples lie in, this one at [`LOOK_BACK_GROUPS`].
    groups: &'a [Extremes],
    /// Frame number of the group's first sample.
    pub(super) frame: u64,
}

impl Group<'_> {
    /// Frames of a cell.
    pub(super) fn cell_frames(&self) -> usize {
        self.samples.len() / self.peaks.len()
    }

    /// The group's own cells, with their index among all that are at hand.
    pub(super) fn own_cells(&self) -> std::ops::Range<usize> {
        LOOK_BACK_GROUPS * GROUP_CELLS..(LOOK_BACK_GROUPS + 1) * GROUP_CELLS
    }

    /// Extremes of the group's own cells.
    pub(super) fn extremes(&self) -> Extremes {
        self.groups[LOOK_BACK_GROUPS]
    }

    /// Extremes of the group so many groups before this one.
    pub(super) fn extremes_before(&self, groups: usize) -> Extremes {
        self.groups[LOOK_BACK_GROUPS - groups]
    }

    /// Extremes of the group so many groups after this one.
    pub(super) fn extremes_after(&self, groups: usize) -> Extremes {
        self.groups[LOOK_BACK_GROUPS + groups]
    }

    /// Frame number of a sample.
    pub(super) fn frame_of(&self, index: usize) -> u64 {
        (self.frame + index as u64).saturating_sub((LOOK_BACK_GROUPS * GROUP_CELLS * self.cell_frames()) as u64)
    }
}

/// Cuts a channel into groups.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    cell_frames: usize,
    /// Groups that are kept once they have been handed out: as many as are looked back to, or more.
    kept: usize,
    samples: Vec<f32>,
    peaks: Vec<f32>,
    bends: Vec<f32>,
    sums: Vec<f32>,
    groups: Vec<Extremes>,
    /// Groups that have been handed out, counted from the start of `samples`.
    done: usize,
    /// Frame number of the next group.
    frame: u64,
    arch: Arch,
}

impl Channel {
    /// A channel that keeps at least the last `tail_frames` of what it was given.
    pub(super) fn new(cell_frames: usize, tail_frames: usize) -> Self {
        let silence = vec![0.0; LOOK_BACK_GROUPS * GROUP_CELLS];
        Self {
            cell_frames,
            kept: tail_frames.div_ceil(GROUP_CELLS * cell_frames).max(LOOK_BACK_GROUPS),
            samples: vec![0.0; silence.len() * cell_frames],
            peaks: silence.clone(),
            bends: silence.clone(),
            sums: silence,
            groups: vec![Extremes::default(); LOOK_BACK_GROUPS],
            done: LOOK_BACK_GROUPS,
            frame: 0,
            arch: Arch::new(),
        }
    }

    /// Takes samples.
    pub(super) fn push(&mut self, samples: &[f32]) {
        self.samples.extend_from_slice(samples);
        let group_frames = GROUP_CELLS * self.cell_frames;
        let (arch, cell_frames) = (self.arch, self.cell_frames);
        // The last second difference of a group reaches two samples into the next.
        while (self.groups.len() + 1) * group_frames + 2 <= self.samples.len() {
            let start = self.groups.len() * group_frames;
            let stretch = &self.samples[start..start + group_frames + 2];
            let scanned = arch.dispatch(Scan { samples: stretch, cell_frames });
            self.peaks.extend_from_slice(&scanned.peaks);
            self.bends.extend_from_slice(&scanned.bends);
            self.sums.extend_from_slice(&scanned.sums);
            self.groups.push(scanned.extremes);
        }
    }

    /// Whether a group has all that it may look ahead to.
    pub(super) fn is_ready(&self) -> bool {
        self.done + 1 + LOOK_AHEAD_GROUPS <= self.groups.len()
    }

    /// The next group.
    pub(super) fn group(&self) -> Group<'_> {
        let (first, end) = (self.done - LOOK_BACK_GROUPS, self.done + 1 + LOOK_AHEAD_GROUPS);
        let cells = first * GROUP_CELLS..end * GROUP_CELLS;
        Group {
            samples: &self.samples[cells.start * self.cell_frames..cells.end * self.cell_frames],
            peaks: &self.peaks[cells.clone()],
            bends: &self.bends[cells.clone()],
            sums: &self.sums[cells],
            groups: &self.groups[first..end],
            frame: self.frame,
        }
    }

    /// Goes on to the group after it.
    pub(super) fn advance(&mut self) {
        self.done += 1;
        self.frame += (GROUP_CELLS * self.cell_frames) as u64;
    }

    /// The last `frames` samples that it was given, no more than it keeps.
    pub(super) fn tail(&self, frames: usize) -> &[f32] {
        &self.samples[self.samples.len() - frames..]
    }

    /// Forgets what is no longer looked back to, when it is worth the move.
    pub(super) fn trim(&mut self) {
        let old = self.done.saturating_sub(self.kept);
        if old >= 4 * self.kept {
            self.samples.drain(..old * GROUP_CELLS * self.cell_frames);
            for of_cells in [&mut self.peaks, &mut self.bends, &mut self.sums] {
                of_cells.drain(..old * GROUP_CELLS);
            }
            self.groups.drain(..old);
            self.done = self.kept;
        }
    }
}

/// A stretch of [`GROUP_CELLS`] cells, with the two samples after them, as work for the widest vectors at hand: a cell is a whole number
/// of vectors.
struct Scan<'a> {
    samples: &'a [f32],
    cell_frames: usize,
}

impl WithSimd for Scan<'_> {
    type Output = Scanned;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Scanned {
        let [mut peaks, mut bends, mut sums] = [[0.0f32; GROUP_CELLS]; 3];
        let cells =
            |first: usize| S::as_simd_f32s(&self.samples[first..]).0.chunks_exact(self.cell_frames / S::F32_LANES);
        let shifted = cells(0).zip(cells(1)).zip(cells(2));
        for ((peak, bend), ((here, next), after)) in peaks.iter_mut().zip(&mut bends).zip(shifted) {
            let (mut highest, mut most_bent) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
            for ((&x, &next), &after) in here.iter().zip(next).zip(after) {
                highest = simd.max_f32s(highest, simd.abs_f32s(x));
                let bent = simd.sub_f32s(simd.sub_f32s(x, next), simd.sub_f32s(next, after));
                most_bent = simd.max_f32s(most_bent, simd.abs_f32s(bent));
            }
            (*peak, *bend) = (simd.reduce_max_f32s(highest), simd.reduce_max_f32s(most_bent));
        }
        for (sum, cell) in sums.iter_mut().zip(self.samples.chunks_exact(self.cell_frames)) {
            *sum = sum_of(cell);
        }
        let (mut highest, mut most_bent) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
        let mut lowest = simd.splat_f32s(f32::INFINITY);
        for (&peak, &bend) in S::as_simd_f32s(&peaks).0.iter().zip(S::as_simd_f32s(&bends).0) {
            highest = simd.max_f32s(highest, peak);
            lowest = simd.min_f32s(lowest, peak);
            most_bent = simd.max_f32s(most_bent, bend);
        }
        let extremes = Extremes {
            peak: simd.reduce_max_f32s(highest),
            least_peak: simd.reduce_min_f32s(lowest),
            bend: simd.reduce_max_f32s(most_bent),
        };
        Scanned { peaks, bends, sums, extremes }
    }
}

/// Sum of a cell, in the same order whatever vectors there are.
#[inline(always)]
fn sum_of(cell: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    for octet in cell.as_chunks::<8>().0 {
        for (sum, x) in lanes.iter_mut().zip(octet) {
            *sum += x;
        }
    }
    let four: [f32; 4] = std::array::from_fn(|lane| lanes[lane] + lanes[lane + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_peak_bend_and_sum() {
        let mut samples = vec![0.0f32; GROUP_CELLS * 16 + 2];
        samples[40] = -0.5;
        let scanned = Arch::new().dispatch(Scan { samples: &samples, cell_frames: 16 });
        let cell = |index: usize| [scanned.peaks[index], scanned.bends[index], scanned.sums[index]];
        assert_eq!(cell(2), [0.5, 1.0, -0.5]);
        assert_eq!(cell(1), [0.0; 3]);
        assert_eq!(scanned.extremes, Extremes { peak: 0.5, least_peak: 0.0, bend: 1.0 });
    }

    #[test]
    fn groups_know_their_frames() {
        let mut channel = Channel::new(16, 0);
        let ramp: Vec<f32> = (0..10_000).map(|n| n as f32).collect();
        let mut groups = 0;
        for part in ramp.chunks(777) {
            channel.push(part);
            while channel.is_ready() {
                let group = channel.group();
                let own = group.own_cells().start * 16;
                assert_eq!(group.frame_of(own), 512 * groups);
                assert_eq!(u64::from(group.samples[own] as u32), group.frame);
                channel.advance();
                groups += 1;
            }
            channel.trim();
        }
        assert_eq!(channel.tail(3), [9_997.0, 9_998.0, 9_999.0]);
        assert_eq!(groups, (10_000 - 2) / 512 - LOOK_AHEAD_GROUPS as u64);
    }
}
