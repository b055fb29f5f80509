//! The DR of "Measuring DR" (Algorithmix, version 1.3, 2009).

use crate::units::{amplitude_to_db_checked, power_to_db_checked};

/// Blocks of 3 s for the DR value.
#[derive(Debug, Clone)]
pub(super) struct DrBlocks {
    block_frames: u64,
    end: u64,
    start: u64,
    squares_before: [f64; 2],
    peaks: [f32; 2],
    /// RMS (of the convention in which a full-scale sine reads 1) and peak of each block, for both channels.
    blocks: [Vec<(f64, f32)>; 2],
}

impl DrBlocks {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        // The published procedure counts 3 * (44100 + 60) samples at 44.1 kHz; other rates take 3 s.
        let block_frames = if sample_rate_hz == 44_100 { 132_480 } else { 3 * u64::from(sample_rate_hz) };
        Self {
            block_frames,
            end: block_frames,
            start: 0,
            squares_before: [0.0; 2],
            peaks: [0.0; 2],
            blocks: [Vec::new(), Vec::new()],
        }
    }

    pub(super) fn block_end(&self) -> u64 {
        self.end
    }

    pub(super) fn note_peaks(&mut self, peaks: [f32; 2]) {
        self.peaks = [self.peaks[0].max(peaks[0]), self.peaks[1].max(peaks[1])];
    }

    pub(super) fn close(&mut self, squares: [f64; 2], position: u64) {
        let frames = position - self.start;
        // What is left of a block at the end may be a fade or nearly nothing: beside two whole ones it counts as one of many.
        let counts = position == self.end || self.blocks[0].len() >= 2;
        if frames > 0 && counts {
            for (c, blocks) in self.blocks.iter_mut().enumerate() {
                let mean_square = (squares[c] - self.squares_before[c]).max(0.0) / frames as f64;
                blocks.push(((2.0 * mean_square).sqrt(), self.peaks[c]));
            }
        }
        (self.start, self.end) = (position, position + self.block_frames);
        (self.squares_before, self.peaks) = (squares, [0.0; 2]);
    }

    pub(super) fn finish(self) -> Option<f64> {
        let of_channel = |blocks: &[(f64, f32)]| {
            if blocks.len() < 2 {
                return None;
            }
            let mut rms: Vec<f64> = blocks.iter().map(|block| block.0).collect();
            let mut peaks: Vec<f32> = blocks.iter().map(|block| block.1).collect();
            rms.sort_by(|a, b| b.total_cmp(a));
            peaks.sort_by(|a, b| b.total_cmp(a));
            let loudest = (blocks.len() / 5).max(1);
            let power = rms[..loudest].iter().map(|value| value * value).sum::<f64>() / loudest as f64;
            power_to_db_checked(power).zip(amplitude_to_db_checked(f64::from(peaks[1]))).map(|(rms, peak)| peak - rms)
        };
        let [left, right] = self.blocks.each_ref().map(|blocks| of_channel(blocks));
        left.zip(right).map(|(left, right)| (0.5 * (left + right)).round())
    }
}
