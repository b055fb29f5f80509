//! The part of a spool that is in memory.

use memmap2::{MmapMut, MmapOptions};

/// Room for a number of frames as two channels of `f32`, one behind the other. The system provides pages as they are filled.
pub(super) struct Memory {
    /// `None` without room.
    map: Option<MmapMut>,
    frames: usize,
}

impl Memory {
    /// Empty, with room for a number of frames; without any if the system refuses.
    pub(super) fn with_room(frames: usize) -> Self {
        let map = MmapOptions::new().len(frames * 2 * size_of::<f32>()).no_reserve_swap().map_anon().ok();
        // A song is 20 000 small pages: to get each of them from the system took 4 % of the time of a master.
        #[cfg(target_os = "linux")]
        if let Some(refused) = map.as_ref().and_then(|map| map.advise(memmap2::Advice::HugePage).err()) {
            log::debug!("no large pages: {refused}");
        }
        Self { map, frames: 0 }
    }

    /// Frames in it.
    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// Appends as many frames as there is room for, and says how many.
    pub(super) fn push(&mut self, left: &[f32], right: &[f32]) -> usize {
        let before = self.frames;
        let [left_room, right_room] = self.rooms_mut();
        let count = left.len().min(left_room.len() - before);
        left_room[before..before + count].copy_from_slice(&left[..count]);
        right_room[before..before + count].copy_from_slice(&right[..count]);
        self.frames += count;
        count
    }

    /// Left and right.
    pub(super) fn channels(&self) -> [&[f32]; 2] {
        let samples: &[f32] = self.map.as_deref().map_or(&[], bytemuck::cast_slice);
        let (left, right) = samples.split_at(samples.len() / 2);
        [&left[..self.frames], &right[..self.frames]]
    }

    /// Left and right, to be changed in place.
    pub(super) fn channels_mut(&mut self) -> [&mut [f32]; 2] {
        let frames = self.frames;
        self.rooms_mut().map(|room| &mut room[..frames])
    }

    /// All that each channel has, filled or not.
    fn rooms_mut(&mut self) -> [&mut [f32]; 2] {
        let samples: &mut [f32] = self.map.as_deref_mut().map_or(&mut [], bytemuck::cast_slice_mut);
        samples.split_at_mut(samples.len() / 2).into()
    }
}
