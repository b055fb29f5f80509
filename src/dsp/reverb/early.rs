//! Early reflections: the first images of a rectangular room (J. B. Allen, D. A. Berkley, "Image Method for Efficiently
//! Simulating Small-Room Acoustics", JASA 65(4), 1979).

use super::lanes::{BLOCK_FRAMES, Block, Ring, scaled, sum};

/// Width, depth and height of the room at a size of 100 %, metres.
const ROOM_M: [f64; 3] = [11.3, 8.1, 4.3];
/// Where source and listener are, as fractions of the room.
const SOURCE: [f64; 3] = [0.43, 0.71, 0.37];
const LISTENER: [f64; 3] = [0.52, 0.29, 0.34];
/// What each wall leaves of an amplitude.
const WALL: f64 = 0.75;
const SOUND_M_PER_S: f64 = 343.0;

#[derive(Debug, Clone)]
pub(super) struct Early {
    rings: [Ring; 2],
    taps: Vec<Tap>,
}

#[derive(Debug, Clone, Copy)]
struct Tap {
    delay: usize,
    gains: [f32; 2],
}

impl Early {
    pub(super) fn new(size: f64, gain: f64, sample_rate_hz: u32) -> Self {
        let room = ROOM_M.map(|side| side * size);
        let offset = |image: [i32; 3]| -> [f64; 3] {
            std::array::from_fn(|axis| {
                let mirrored = if image[axis] % 2 == 0 { SOURCE[axis] } else { 1.0 - SOURCE[axis] };
                room[axis] * (f64::from(image[axis]) + mirrored - LISTENER[axis])
            })
        };
        let distance = |[x, y, z]: [f64; 3]| (x * x + y * y + z * z).sqrt();
        let direct = distance(offset([0; 3]));
        let images = (-1i32..=1).flat_map(|x| (-1..=1).flat_map(move |y| (-1..=1).map(move |z| [x, y, z])));
        let taps: Vec<Tap> = images
            .filter(|image| *image != [0; 3])
            .map(|image| {
                let order = image.iter().map(|n: &i32| n.abs()).sum();
                let (place, length) = (offset(image), distance(offset(image)));
                let right = 0.5 + 0.5 * place[0] / place[0].hypot(place[1]);
                let level = gain * WALL.powi(order) * direct / length;
                let delay = (length - direct) / SOUND_M_PER_S * f64::from(sample_rate_hz);
                Tap {
                    delay: delay.round() as usize,
                    gains: [(1.0 - right).sqrt(), right.sqrt()].map(|share| (level * share) as f32),
                }
            })
            .collect();
        let longest = taps.iter().map(|tap| tap.delay).max().unwrap_or(0);
        Self { rings: [Ring::new(longest), Ring::new(longest)], taps }
    }

    /// The reflections of the first `frames` frames of a block.
    #[inline(always)]
    pub(super) fn step(&mut self, input: &[Block; 2], frames: usize) -> [Block; 2] {
        let mut sums = [[0.0; BLOCK_FRAMES]; 2];
        for (channel, (ring, sums)) in self.rings.iter_mut().zip(&mut sums).enumerate() {
            ring.put(&input[channel]);
            for tap in &self.taps {
                *sums = sum(*sums, &scaled(*ring.delayed(tap.delay), tap.gains[channel]));
            }
            ring.advance(frames);
        }
        sums
    }

    pub(super) fn reset(&mut self) {
        self.rings.iter_mut().for_each(Ring::reset);
    }
}
