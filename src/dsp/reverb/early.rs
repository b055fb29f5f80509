//! Early reflections: the first images of a rectangular room (J. B. Allen, D. A. Berkley, "Image Method for Efficiently
//! Simulating Small-Room Acoustics", JASA 65(4), 1979).

use super::super::Frame;

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
    ring: Vec<Frame>,
    position: usize,
    taps: Vec<Tap>,
}

#[derive(Debug, Clone, Copy)]
struct Tap {
    delay: usize,
    gains: Frame,
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
                Tap { delay: delay.round() as usize, gains: [level * (1.0 - right).sqrt(), level * right.sqrt()] }
            })
            .collect();
        let longest = taps.iter().map(|tap| tap.delay).max().unwrap_or(0);
        Self { ring: vec![[0.0; 2]; (longest + 1).next_power_of_two()], position: 0, taps }
    }

    #[inline(always)]
    pub(super) fn step(&mut self, frame: Frame) -> Frame {
        let mask = self.ring.len() - 1;
        self.ring[self.position] = frame;
        let mut sum = [0.0; 2];
        for tap in &self.taps {
            let [left, right] = self.ring[self.position.wrapping_sub(tap.delay) & mask];
            sum = [sum[0] + tap.gains[0] * left, sum[1] + tap.gains[1] * right];
        }
        self.position = (self.position + 1) & mask;
        sum
    }

    pub(super) fn reset(&mut self) {
        self.ring.fill([0.0; 2]);
        self.position = 0;
    }
}
