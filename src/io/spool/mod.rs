//! A whole programme between two passes over it, in memory while it fits.

mod memory;

use std::f32::consts::FRAC_PI_2;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use self::memory::Memory;
use crate::audio::AudioBuffer;
use crate::error::{Error, Result};

/// Frames of a block on the disk: 1.4 s at 48 kHz, 512 KiB.
const BLOCK_FRAMES: usize = 1 << 16;
/// Bytes of a block: two channels of `f32`.
const BLOCK_BYTES: usize = BLOCK_FRAMES * 2 * size_of::<f32>();
/// Memory for audio before it goes to the disk: 4.4 minutes at 48 kHz, so that a song stays in memory and a master with
/// its reference stays well below 300 MB.
const MEMORY_FRAMES: usize = (96 << 20) / (2 * size_of::<f32>());

/// A programme as planar stereo `f32`. What does not fit into 96 MiB goes to a temporary file that has no name, so that
/// nothing is left of it however the process ends.
///
/// One writer, then any number of readers: [`Spool::read`] may run in several threads.
pub struct Spool {
    sample_rate_hz: u32,
    /// The beginning.
    memory: Memory,
    /// Full blocks after it.
    disk: Option<Mutex<File>>,
    disk_blocks: u64,
    /// The block that is being filled.
    tail: AudioBuffer,
    bytes: Vec<u8>,
}

impl Spool {
    /// An empty spool at a sample rate in Hz.
    pub fn new(sample_rate_hz: u32) -> Self {
        Self::with_memory(sample_rate_hz, MEMORY_FRAMES)
    }

    /// An empty spool that goes to the disk beyond a number of frames.
    fn with_memory(sample_rate_hz: u32, memory_frames: usize) -> Self {
        Self {
            sample_rate_hz,
            memory: Memory::with_room(memory_frames),
            disk: None,
            disk_blocks: 0,
            tail: AudioBuffer::new(sample_rate_hz),
            bytes: Vec::new(),
        }
    }

    /// Sample rate in Hz.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Length so far in frames.
    pub fn frames(&self) -> u64 {
        self.disk_end() + self.tail.frames() as u64
    }

    /// The frame after the last one on the disk.
    fn disk_end(&self) -> u64 {
        self.memory.frames() as u64 + self.disk_blocks * BLOCK_FRAMES as u64
    }

    /// Appends audio.
    ///
    /// # Errors
    /// [`Error::Spool`] if the temporary file can't be made or written, most often because the disk is full.
    ///
    /// # Panics
    /// If the sample rate is another one: a mistake in the calling code.
    pub fn push(&mut self, audio: &AudioBuffer) -> Result<()> {
        assert_eq!(audio.sample_rate_hz(), self.sample_rate_hz, "a spool holds one sample rate");
        let in_memory = self.memory.push(audio.left(), audio.right());
        let (mut left, mut right) = (&audio.left()[in_memory..], &audio.right()[in_memory..]);
        while !left.is_empty() {
            let count = left.len().min(BLOCK_FRAMES - self.tail.frames());
            self.tail.extend(&left[..count], &right[..count]);
            (left, right) = (&left[count..], &right[count..]);
            if self.tail.frames() == BLOCK_FRAMES {
                self.put_away().map_err(spool_error)?;
            }
        }
        Ok(())
    }

    /// Replaces the content of `into` with up to `frames` frames from `start_frame` on: fewer at the end, none beyond it.
    ///
    /// # Errors
    /// [`Error::Spool`] if the temporary file can't be read.
    pub fn read(&self, start_frame: u64, frames: usize, into: &mut AudioBuffer) -> Result<()> {
        if into.sample_rate_hz() == self.sample_rate_hz {
            into.clear();
        } else {
            *into = AudioBuffer::new(self.sample_rate_hz);
        }
        let end = self.frames().min(start_frame.saturating_add(frames as u64));
        let in_memory = self.memory.frames() as u64;
        let mut at = start_frame;
        while at < end {
            let rest = usize::try_from(end - at).unwrap_or(usize::MAX);
            let count = if at < in_memory {
                extend_from(self.memory.channels(), at, rest, into)
            } else if at < self.disk_end() {
                let from = ((at - in_memory) % BLOCK_FRAMES as u64) as usize;
                let count = rest.min(BLOCK_FRAMES - from);
                self.fetch((at - in_memory) / BLOCK_FRAMES as u64, from, count, into).map_err(spool_error)?;
                count
            } else {
                extend_from([self.tail.left(), self.tail.right()], at - self.disk_end(), rest, into)
            };
            at += count as u64;
        }
        Ok(())
    }

    /// Hands on what is left from `start_frame` on, in blocks of `block_frames` frames (1 at the least); the last may be shorter.
    ///
    /// # Errors
    /// Those of [`Self::read`] and of `visit`.
    pub fn blocks(
        &self,
        start_frame: u64,
        block_frames: usize,
        mut visit: impl FnMut(&mut AudioBuffer) -> Result<()>,
    ) -> Result<()> {
        let mut block = AudioBuffer::new(self.sample_rate_hz);
        let mut at = start_frame;
        while at < self.frames() {
            self.read(at, block_frames.max(1), &mut block)?;
            at += block.frames() as u64;
            visit(&mut block)?;
        }
        Ok(())
    }

    /// Stretches of the programme, first frame and the one after the last, one behind the other as a programme of their own.
    /// They are faded in and out, so that the joints don't click. What lies beyond the end is left out.
    ///
    /// # Errors
    /// Those of [`Self::read`] and [`Self::push`].
    pub fn stretches(&self, stretches: impl IntoIterator<Item = Range<u64>>) -> Result<Self> {
        let mut joined = Self::new(self.sample_rate_hz);
        let mut block = AudioBuffer::new(self.sample_rate_hz);
        for stretch in stretches {
            self.read(stretch.start, stretch.end.saturating_sub(stretch.start) as usize, &mut block)?;
            fade_ends(&mut block);
            joined.push(&block)?;
        }
        Ok(joined)
    }

    /// Changes the audio where it is, left and right together, block after block in order.
    ///
    /// # Errors
    /// [`Error::Spool`] if the temporary file can't be read or written.
    pub fn transform(&mut self, mut change: impl FnMut(&mut [f32], &mut [f32])) -> Result<()> {
        let [left, right] = self.memory.channels_mut();
        for (left, right) in left.chunks_mut(BLOCK_FRAMES).zip(right.chunks_mut(BLOCK_FRAMES)) {
            change(left, right);
        }
        let mut block = AudioBuffer::new(self.sample_rate_hz);
        for index in 0..self.disk_blocks {
            block.clear();
            self.fetch(index, 0, BLOCK_FRAMES, &mut block).map_err(spool_error)?;
            let (left, right) = block.channels_mut();
            change(left, right);
            self.store(index, &block).map_err(spool_error)?;
        }
        let (left, right) = self.tail.channels_mut();
        change(left, right);
        Ok(())
    }

    /// Moves the full tail to the disk.
    fn put_away(&mut self) -> io::Result<()> {
        let full = std::mem::take(&mut self.tail);
        let stored = self.store(self.disk_blocks, &full);
        self.tail = full;
        stored?;
        self.disk_blocks += 1;
        self.tail.clear();
        Ok(())
    }

    /// Writes a block to the disk.
    fn store(&mut self, index: u64, block: &AudioBuffer) -> io::Result<()> {
        let disk = match &mut self.disk {
            Some(disk) => disk,
            none => none.insert(Mutex::new(tempfile::tempfile()?)),
        };
        self.bytes.clear();
        for channel in [block.left(), block.right()] {
            self.bytes.extend(channel.iter().flat_map(|sample| sample.to_le_bytes()));
        }
        let file = disk.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(index * BLOCK_BYTES as u64))?;
        file.write_all(&self.bytes)
    }

    /// Appends part of a block on the disk.
    fn fetch(&self, block: u64, from: usize, count: usize, into: &mut AudioBuffer) -> io::Result<()> {
        let Some(disk) = &self.disk else { return Err(io::ErrorKind::NotFound.into()) };
        let size = size_of::<f32>();
        let mut bytes = vec![0; count * 2 * size];
        {
            // Every access seeks first, so a poisoned lock does no harm.
            let mut file = disk.lock().unwrap_or_else(PoisonError::into_inner);
            let start = block * BLOCK_BYTES as u64 + (from * size) as u64;
            let (left, right) = bytes.split_at_mut(count * size);
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(left)?;
            file.seek(SeekFrom::Start(start + (BLOCK_FRAMES * size) as u64))?;
            file.read_exact(right)?;
        }
        let (left_bytes, right_bytes) = bytes.split_at(count * size);
        let before = into.frames();
        let (left, right) = into.resize(before + count);
        for (channel, bytes) in [(left, left_bytes), (right, right_bytes)] {
            for (sample, bytes) in channel[before..].iter_mut().zip(bytes.as_chunks::<4>().0) {
                *sample = f32::from_le_bytes(*bytes);
            }
        }
        Ok(())
    }
}

/// Appends up to `count` frames of two channels from a frame on, and says how many.
fn extend_from(channels: [&[f32]; 2], start: u64, count: usize, into: &mut AudioBuffer) -> usize {
    // The start is within the channels, so it fits.
    let [left, right] = channels.map(|channel| &channel[start as usize..]);
    let count = count.min(left.len());
    into.extend(&left[..count], &right[..count]);
    count
}

/// Fades the first and the last 10 ms, or halves of what is shorter, along a squared sine.
fn fade_ends(block: &mut AudioBuffer) {
    let frames = (block.sample_rate_hz() as usize / 100).min(block.frames() / 2);
    let gain = |n: usize| (FRAC_PI_2 * (n as f32 + 0.5) / frames as f32).sin().powi(2);
    let (left, right) = block.channels_mut();
    for channel in [left, right] {
        for n in 0..frames {
            channel[n] *= gain(n);
            let last = channel.len() - 1 - n;
            channel[last] *= gain(n);
        }
    }
}

fn spool_error(source: io::Error) -> Error {
    Error::Spool { directory: std::env::temp_dir(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames that say where they stand; exact in f32 up to 2^24.
    fn counted(start: usize, frames: usize) -> AudioBuffer {
        let left: Vec<f32> = (start..start + frames).map(|frame| frame as f32).collect();
        let right = left.iter().map(|sample| -sample).collect();
        AudioBuffer::from_channels(48_000, left, right)
    }

    fn filled(memory_blocks: usize, frames: usize) -> Spool {
        let mut spool = Spool::with_memory(48_000, memory_blocks * BLOCK_FRAMES);
        let mut start = 0;
        while start < frames {
            let count = (frames - start).min(10_007);
            spool.push(&counted(start, count)).unwrap();
            start += count;
        }
        spool
    }

    #[test]
    fn a_change_in_place_reaches_every_frame_once_and_in_order() {
        let frames = 4 * BLOCK_FRAMES + 99;
        for memory_blocks in [0, 2, 9] {
            let mut spool = filled(memory_blocks, frames);
            let mut next = 0.0;
            let negate = |left: &mut [f32], right: &mut [f32]| {
                for (l, r) in left.iter_mut().zip(right) {
                    assert_eq!((*l, *r), (next, -next));
                    (*l, *r, next) = (*r, *l, next + 1.0);
                }
            };
            spool.transform(negate).unwrap();
            let mut whole = AudioBuffer::default();
            spool.read(0, frames, &mut whole).unwrap();
            assert!(whole.right() == counted(0, frames).left() && whole.left() == counted(0, frames).right());
        }
    }

    #[test]
    fn every_frame_comes_back_from_memory_disk_and_tail() {
        let frames = 5 * BLOCK_FRAMES + 123;
        for memory_blocks in [0, 2, 9] {
            let spool = filled(memory_blocks, frames);
            assert_eq!(spool.frames(), frames as u64);
            assert_eq!(spool.disk.is_some(), memory_blocks < 5);
            let mut part = AudioBuffer::default();
            for (start, count) in [(0, frames), (65_535, 2), (131_000, 140_000), (frames - 5, 5), (7, 0)] {
                spool.read(start as u64, count, &mut part).unwrap();
                assert_eq!(part, counted(start, count), "{count} frames at {start}, {memory_blocks} blocks in memory");
            }
        }
    }

    #[test]
    fn reading_over_the_end_gives_what_is_there() {
        let spool = filled(1, BLOCK_FRAMES + 10);
        let mut part = counted(0, 3);
        spool.read(BLOCK_FRAMES as u64 + 7, 100, &mut part).unwrap();
        assert_eq!(part, counted(BLOCK_FRAMES + 7, 3));
        spool.read(u64::MAX, usize::MAX, &mut part).unwrap();
        assert!(part.is_empty());
    }

    #[test]
    fn stretches_are_joined_and_faded_at_their_ends_only() {
        let spool = filled(1, 2 * BLOCK_FRAMES);
        let joined = spool.stretches([1_000..3_000, 100_000..u64::from(u32::MAX)]).unwrap();
        let mut whole = AudioBuffer::default();
        joined.read(0, usize::MAX, &mut whole).unwrap();
        assert_eq!(whole.frames(), 2_000 + 2 * BLOCK_FRAMES - 100_000);
        // 10 ms at 48 kHz are 480 frames.
        assert_eq!(whole.left()[480..1_520], counted(1_480, 1_040).left()[..]);
        assert_eq!(whole.left()[2_480], 100_480.0);
        assert!(whole.left()[0] < 0.01 && whole.left()[1_999] < 0.1 && whole.left()[2_000] < 1.0);
    }

    #[test]
    fn two_threads_read_at_once() {
        let spool = filled(1, 4 * BLOCK_FRAMES);
        std::thread::scope(|scope| {
            for offset in [0, 31] {
                let spool = &spool;
                scope.spawn(move || {
                    let mut part = AudioBuffer::default();
                    for step in 0..200 {
                        let start = offset + step * 1_300;
                        spool.read(start as u64, 977, &mut part).unwrap();
                        assert_eq!(part, counted(start, 977));
                    }
                });
            }
        });
    }
}
