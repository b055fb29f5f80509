//! The slots that everything over time is kept in: cut to the nearest frame, without drift.

/// Slots a second, for everything but loudness, which has finer ones.
pub const SLOTS_PER_S: u32 = 10;
/// Length of such a slot, s.
pub const SLOT_S: f64 = 1.0 / SLOTS_PER_S as f64;
/// Length of a short-term window, s (EBU Tech 3341, 2.2).
pub const SHORT_TERM_S: f64 = 3.0;
/// Slots of such a window.
pub const SHORT_TERM_SLOTS: usize = SHORT_TERM_S as usize * SLOTS_PER_S as usize;

/// First frame of a slot of 100 ms.
pub fn slot_border(slot: u64, sample_rate_hz: u32) -> u64 {
    border(slot, SLOTS_PER_S, sample_rate_hz)
}

/// The slot of 100 ms that a frame lies in.
pub fn slot_at(frame: u64, sample_rate_hz: u32) -> u64 {
    let slots_per_s = u64::from(SLOTS_PER_S);
    (frame * slots_per_s + (slots_per_s - 1) / 2) / u64::from(sample_rate_hz)
}

/// First frame of a slot, where there are so many a second.
pub fn border(slot: u64, slots_per_s: u32, sample_rate_hz: u32) -> u64 {
    let slots_per_s = u64::from(slots_per_s);
    (slot * u64::from(sample_rate_hz) + slots_per_s / 2) / slots_per_s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_lies_in_the_slot_between_its_borders() {
        for rate in [8_000, 11_025, 22_050, 44_100, 47_999, 48_001, 384_000] {
            for slot in [0, 1, 2, 7, 9_999, 36_000] {
                let first = slot_border(slot, rate);
                let last = slot_border(slot + 1, rate) - 1;
                assert_eq!([first, last].map(|frame| slot_at(frame, rate)), [slot; 2], "{rate}");
            }
        }
    }
}
