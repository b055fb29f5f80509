//! Padded bit depth: a 24-bit file whose samples all fit into 16 bits.

use super::thresholds::PADDED_BITS;
use super::{Check, Finding, Severity};

/// Adding and subtracting 1.5 * 2^23 rounds an `f32` below 2^22 to the nearest integer.
const ROUNDER: f32 = 12_582_912.0;
/// Fewer bits than this are a test signal, no recording.
const MIN_BITS: u32 = 6;
/// Least bits that a file is delivered with.
const DELIVERED_BITS: u32 = 16;
const _: () = assert!(24 - PADDED_BITS <= DELIVERED_BITS, "what is padded has to fit");

/// Finds out how many bits a programme uses.
#[derive(Debug, Clone)]
pub(super) struct Depth {
    bits: u32,
    /// Bits that hold all samples so far. It only grows, and nothing is looked at once it is no longer suspicious.
    used: u32,
}

impl Depth {
    /// For a file of so many bits; `None` where samples are no integers of up to 24 bits.
    pub(super) fn new(bits: Option<u32>) -> Option<Self> {
        bits.filter(|bits| (PADDED_BITS + MIN_BITS..=24).contains(bits)).map(|bits| Self { bits, used: 1 })
    }

    pub(super) fn push(&mut self, samples: &[f32]) {
        while self.used + PADDED_BITS <= self.bits {
            let scale = (1u32 << (self.used - 1)) as f32;
            // Branch-free within a stretch: a padded file is looked at to its end.
            let fits = samples.iter().fold(true, |fits, x| {
                let scaled = x * scale;
                fits & (scaled + ROUNDER - ROUNDER == scaled)
            });
            if fits {
                break;
            }
            self.used += 1;
        }
    }

    pub(super) fn finish(self) -> Option<Finding> {
        let Self { bits, used } = self;
        let unused = bits - used;
        // Files have 16 bits or 24: what is padded to more than 16 fits into those.
        let or_deliver = if bits > DELIVERED_BITS { ", or deliver it as 16 bits" } else { "" };
        (unused >= PADDED_BITS && used >= MIN_BITS).then(|| {
            let message = format!(
                "the file has {bits} bits but uses {used}: it was made from one with fewer; ask for the original{or_deliver}"
            );
            Finding::new(Check::PaddedBits, Severity::Warning, f64::from(used), f64::from(bits - PADDED_BITS), message)
        })
    }
}
