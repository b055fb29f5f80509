//! Loudness per ITU-R BS.1770-5, EBU Tech 3341 and Tech 3342.
//!
//! K-weighted energy is summed over slots of 10 ms; everything else follows from the slots: momentary loudness at
//! 10 ms hops, short-term at 50 ms, gating blocks at 100 ms.

use std::f64::consts::PI;

use crate::units::{db_to_power, power_to_db};

/// Slots a second.
const SLOTS_PER_S: u64 = 100;
/// Momentary window and gating block: 400 ms (BS.1770-5, Annex 1).
const MOMENTARY_SLOTS: usize = 40;
/// Short-term window: 3 s (Tech 3341, 2.2).
const SHORT_TERM_SLOTS: usize = 300;
/// Gating blocks overlap by 75 %.
const GATING_HOP_SLOTS: usize = 10;
/// Hop of the short-term loudness when its maximum is sought.
const SHORT_TERM_HOP_SLOTS: usize = 5;
/// Absolute gate, LUFS (BS.1770-5, Annex 1; Tech 3342 uses the same).
const ABSOLUTE_GATE_LUFS: f64 = -70.0;
/// Relative gate of the integrated loudness, LU.
const RELATIVE_GATE_LU: f64 = -10.0;
/// Relative gate of the loudness range, LU (Tech 3342).
const RANGE_GATE_LU: f64 = -20.0;
/// Offset that makes a 997 Hz sine of 0 dBFS in one channel read -3.01 LUFS (BS.1770-5, Annex 1).
const OFFSET_DB: f64 = -0.691;

/// Loudness of a K-weighted, channel-weighted mean square.
fn lufs(mean_square: f64) -> f64 {
    OFFSET_DB + power_to_db(mean_square)
}

/// K-weighting of two channels: the shelf and the high-pass of BS.1770-5, Annex 1, at any sample rate.
///
/// The standard gives coefficients for 48 kHz only. The analogue parameters behind them are those derived by
/// B. De Man ("Evaluation of Implementations of the EBU R128 Loudness Measurement", AES 145, 2018); the numerator of
/// the high-pass is scaled so that its pass-band gain is that at 48 kHz, which keeps the response within 0.01 dB of
/// the 48 kHz one at 44.1 kHz and above.
#[derive(Debug, Clone)]
pub struct KWeighting {
    shelf_b: [f64; 3],
    shelf_a: [f64; 2],
    high_pass_gain: f64,
    high_pass_a: [f64; 2],
    shelf_state: [[f64; 2]; 2],
    high_pass_state: [[f64; 2]; 2],
}

impl KWeighting {
    /// The filter at rest.
    pub fn new(sample_rate_hz: u32) -> Self {
        const SHELF_HZ: f64 = 1_681.974_450_955_533;
        const SHELF_DB: f64 = 3.999_843_853_973_347;
        const SHELF_Q: f64 = 0.707_175_236_955_419_6;
        const SHELF_MIDDLE_EXPONENT: f64 = 0.499_666_774_154_541_6;
        const HIGH_PASS_HZ: f64 = 38.135_470_876_024_44;
        const HIGH_PASS_Q: f64 = 0.500_327_037_323_877_3;

        let warp = |hz: f64, rate: f64| (PI * hz / rate).tan();
        let high_pass_a = |rate: f64| {
            let k = warp(HIGH_PASS_HZ, rate);
            let norm = 1.0 / (1.0 + k / HIGH_PASS_Q + k * k);
            [2.0 * (k * k - 1.0) * norm, (1.0 - k / HIGH_PASS_Q + k * k) * norm]
        };
        let pass_band_gain = |[a1, a2]: [f64; 2]| 4.0 / (1.0 - a1 + a2);

        let rate = f64::from(sample_rate_hz);
        let k = warp(SHELF_HZ, rate);
        let top = 10f64.powf(SHELF_DB / 20.0);
        let middle = top.powf(SHELF_MIDDLE_EXPONENT);
        let norm = 1.0 / (1.0 + k / SHELF_Q + k * k);
        let high_pass = high_pass_a(rate);
        Self {
            shelf_b: [
                (top + middle * k / SHELF_Q + k * k) * norm,
                2.0 * (k * k - top) * norm,
                (top - middle * k / SHELF_Q + k * k) * norm,
            ],
            shelf_a: [2.0 * (k * k - 1.0) * norm, (1.0 - k / SHELF_Q + k * k) * norm],
            high_pass_gain: pass_band_gain(high_pass_a(48_000.0)) / pass_band_gain(high_pass),
            high_pass_a: high_pass,
            shelf_state: [[0.0; 2]; 2],
            high_pass_state: [[0.0; 2]; 2],
        }
    }

    /// Gain of the filter at a frequency, dB.
    pub fn gain_db_at(&self, frequency_hz: f64, sample_rate_hz: u32) -> f64 {
        let w = 2.0 * PI * frequency_hz / f64::from(sample_rate_hz);
        let power = |c: [f64; 3]| {
            let real = c[0] + c[1] * w.cos() + c[2] * (2.0 * w).cos();
            let imaginary = c[1] * w.sin() + c[2] * (2.0 * w).sin();
            real * real + imaginary * imaginary
        };
        let section = |b: [f64; 3], [a1, a2]: [f64; 2]| power(b) / power([1.0, a1, a2]);
        let high_pass = self.high_pass_gain * self.high_pass_gain * section([1.0, -2.0, 1.0], self.high_pass_a);
        power_to_db(section(self.shelf_b, self.shelf_a) * high_pass)
    }

    /// Filters a stretch of two channels and gives the sum of squares of each.
    pub fn energy(&mut self, left: &[f32], right: &[f32]) -> [f64; 2] {
        let ([b0, b1, b2], [a1, a2]) = (self.shelf_b, self.shelf_a);
        let (gain, [c1, c2]) = (self.high_pass_gain, self.high_pass_a);
        let [mut s1, mut s2] = self.shelf_state;
        let [mut w1, mut w2] = self.high_pass_state;
        let mut sums = [0.0; 2];
        for (&l, &r) in left.iter().zip(right) {
            let x = [f64::from(l), f64::from(r)];
            let (mut y, mut w) = ([0.0; 2], [0.0; 2]);
            for c in 0..2 {
                // Shelf, transposed direct form II.
                y[c] = b0 * x[c] + s1[c];
                s1[c] = (b1 * x[c] + s2[c]) - a1 * y[c];
                s2[c] = b2 * x[c] - a2 * y[c];
                // High-pass, direct form II: its zeros are a plain second difference.
                w[c] = (y[c] - c2 * w2[c]) - c1 * w1[c];
                let z = w[c] - (w1[c] + w1[c]) + w2[c];
                sums[c] += z * z;
            }
            w2 = w1;
            w1 = w;
        }
        self.shelf_state = [s1, s2].map(|state| state.map(flush_denormal));
        self.high_pass_state = [w1, w2].map(|state| state.map(flush_denormal));
        sums.map(|sum| sum * gain * gain)
    }
}

/// Far below any signal: kept from turning into denormals, which are slow.
fn flush_denormal(x: f64) -> f64 {
    if x.abs() < 1e-30 { 0.0 } else { x }
}

/// Sums K-weighted energy over slots of 10 ms, for any number of channels.
///
/// ```
/// use halfspeed::measure::loudness::LoudnessMeter;
///
/// let sine: Vec<f32> = (0..96_000).map(|n| (n as f32 * 997.0 * std::f32::consts::TAU / 48_000.0).sin()).collect();
/// let silence = vec![0.0; sine.len()];
/// let mut meter = LoudnessMeter::stereo(48_000);
/// meter.push(&[&sine, &silence]);
/// let integrated_lufs = meter.finish().integrated_lufs().unwrap();
/// assert!((integrated_lufs - -3.01).abs() < 0.005);
/// ```
#[derive(Debug, Clone)]
pub struct LoudnessMeter {
    sample_rate_hz: u32,
    /// Weight of each channel (BS.1770-5, Table 4: 1 in front, 1.41 for surrounds, 0 for the LFE).
    weights: Vec<f64>,
    /// One filter for every two channels.
    filters: Vec<KWeighting>,
    /// Silence, in place of the partner of an odd last channel.
    silence: Vec<f32>,
    frames: u64,
    slot_end: u64,
    partial: f64,
    series: LoudnessSeries,
}

impl LoudnessMeter {
    /// A meter for left and right.
    pub fn stereo(sample_rate_hz: u32) -> Self {
        Self::new(sample_rate_hz, &[1.0, 1.0])
    }

    /// A meter for channels with the given weights (5.0: `[1.0, 1.0, 1.0, 1.41, 1.41]`).
    pub fn new(sample_rate_hz: u32, weights: &[f64]) -> Self {
        let filter = KWeighting::new(sample_rate_hz);
        let mut meter = Self {
            sample_rate_hz,
            weights: weights.to_vec(),
            filters: vec![filter; weights.len().div_ceil(2)],
            silence: Vec::new(),
            frames: 0,
            slot_end: 0,
            partial: 0.0,
            series: LoudnessSeries { sample_rate_hz, slots: Vec::new(), channel_energy: vec![0.0; weights.len()] },
        };
        meter.slot_end = slot_border(1, sample_rate_hz);
        meter
    }

    /// Takes the next stretch: one slice for each channel, all of one length.
    ///
    /// # Panics
    /// If the number of channels or their lengths don't fit.
    pub fn push(&mut self, channels: &[&[f32]]) {
        assert_eq!(channels.len(), self.weights.len(), "one slice for each channel");
        let frames = channels.first().map_or(0, |channel| channel.len());
        assert!(channels.iter().all(|channel| channel.len() == frames), "channels of one length");
        let mut start = 0;
        while start < frames {
            let end = frames.min(start + (self.slot_end - self.frames) as usize);
            self.add(channels, start, end);
            self.frames += (end - start) as u64;
            if self.frames == self.slot_end {
                self.series.slots.push(self.partial);
                self.partial = 0.0;
                self.slot_end = slot_border(self.series.slots.len() as u64 + 1, self.sample_rate_hz);
            }
            start = end;
        }
    }

    fn add(&mut self, channels: &[&[f32]], start: usize, end: usize) {
        if self.silence.len() < end - start {
            self.silence.resize(end - start, 0.0);
        }
        for (pair, filter) in self.filters.iter_mut().enumerate() {
            let first = &channels[2 * pair][start..end];
            let second =
                channels.get(2 * pair + 1).map_or(&self.silence[..end - start], |channel| &channel[start..end]);
            for (channel, energy) in (2 * pair..).zip(filter.energy(first, second)) {
                let Some(weight) = self.weights.get(channel) else { continue };
                self.partial += weight * energy;
                self.series.channel_energy[channel] += weight * energy;
            }
        }
    }

    /// Ends the programme. A last slot that isn't full belongs to no window and is dropped, as the standard has it.
    pub fn finish(self) -> LoudnessSeries {
        self.series
    }
}

/// First frame of a slot: the slots are cut to the nearest frame, without drift.
fn slot_border(slot: u64, sample_rate_hz: u32) -> u64 {
    (slot * u64::from(sample_rate_hz) + SLOTS_PER_S / 2) / SLOTS_PER_S
}

/// K-weighted energy over time, and the loudness values that follow from it.
#[derive(Debug, Clone)]
pub struct LoudnessSeries {
    sample_rate_hz: u32,
    /// Sum of weighted squares of each 10 ms.
    slots: Vec<f64>,
    channel_energy: Vec<f64>,
}

impl LoudnessSeries {
    /// Mean squares of windows of `length` slots, every `hop` slots.
    fn windows(&self, length: usize, hop: usize) -> impl Iterator<Item = f64> {
        // Prefix sums would lose quiet passages after loud ones; a window's own sum does not.
        let starts = (0..(self.slots.len() + 1).saturating_sub(length)).step_by(hop);
        starts.map(move |start| {
            let frames = slot_border((start + length) as u64, self.sample_rate_hz)
                - slot_border(start as u64, self.sample_rate_hz);
            self.slots[start..start + length].iter().sum::<f64>() / frames as f64
        })
    }

    /// Gated loudness of the whole programme (BS.1770-5, Annex 1). `None` if no 400 ms block passes the gates.
    pub fn integrated_lufs(&self) -> Option<f64> {
        Self::integrated_lufs_of([self])
    }

    /// Gated loudness of several programmes as one, such as an album: the blocks of all are gated together.
    pub fn integrated_lufs_of<'a>(programmes: impl IntoIterator<Item = &'a Self>) -> Option<f64> {
        gated_lufs(
            programmes.into_iter().flat_map(|series| series.windows(MOMENTARY_SLOTS, GATING_HOP_SLOTS)).collect(),
        )
    }

    /// Loudness range in LU (Tech 3342). `None` if no 3 s window passes the gates.
    pub fn range_lu(&self) -> Option<f64> {
        let absolute_gate = db_to_power(ABSOLUTE_GATE_LUFS - OFFSET_DB);
        let mut windows: Vec<f64> =
            self.windows(SHORT_TERM_SLOTS, GATING_HOP_SLOTS).filter(|&power| power >= absolute_gate).collect();
        let relative_gate = mean(&windows)? * db_to_power(RANGE_GATE_LU);
        windows.retain(|&power| power >= relative_gate);
        windows.sort_by(f64::total_cmp);
        let last = windows.len().checked_sub(1)?;
        let percentile = |percent: f64| windows[(last as f64 * percent / 100.0).round() as usize];
        Some(power_to_db(percentile(95.0)) - power_to_db(percentile(10.0)))
    }

    /// The loudest 400 ms, sought every 10 ms. `None` for silence or less than 400 ms.
    pub fn max_momentary_lufs(&self) -> Option<f64> {
        self.windows(MOMENTARY_SLOTS, 1).reduce(f64::max).map(lufs).filter(|value| value.is_finite())
    }

    /// The loudest 3 s, sought every 50 ms. `None` for silence or less than 3 s.
    pub fn max_short_term_lufs(&self) -> Option<f64> {
        self.windows(SHORT_TERM_SLOTS, SHORT_TERM_HOP_SLOTS)
            .reduce(f64::max)
            .map(lufs)
            .filter(|value| value.is_finite())
    }

    /// Momentary loudness every 100 ms; value `k` covers the 400 ms from `k * 100 ms`. `-inf` for silence.
    pub fn momentary_lufs(&self) -> Vec<f64> {
        self.windows(MOMENTARY_SLOTS, GATING_HOP_SLOTS).map(lufs).collect()
    }

    /// Short-term loudness every 100 ms; value `k` covers the 3 s from `k * 100 ms`. `-inf` for silence.
    pub fn short_term_lufs(&self) -> Vec<f64> {
        self.windows(SHORT_TERM_SLOTS, GATING_HOP_SLOTS).map(lufs).collect()
    }

    /// How much louder the left channel is than the right, dB of K-weighted energy. `None` where either is silent.
    pub fn balance_db(&self) -> Option<f64> {
        match self.channel_energy[..] {
            [left, right] if left > 0.0 && right > 0.0 => Some(power_to_db(left / right)),
            _ => None,
        }
    }
}

/// Integrated loudness of the mean squares of 400 ms blocks.
fn gated_lufs(mut blocks: Vec<f64>) -> Option<f64> {
    let absolute_gate = db_to_power(ABSOLUTE_GATE_LUFS - OFFSET_DB);
    blocks.retain(|&power| power > absolute_gate);
    let relative_gate = mean(&blocks)? * db_to_power(RELATIVE_GATE_LU);
    blocks.retain(|&power| power > relative_gate);
    mean(&blocks).map(lufs)
}

/// Integrated loudness of a programme of which the K-weighted mean square (summed over channels) of every 100 ms is
/// known.
pub fn integrated_lufs_of_slots(powers: &[f64]) -> Option<f64> {
    gated_lufs(powers.windows(4).map(|slots| slots.iter().sum::<f64>() / 4.0).collect())
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Magnitude of the K-weighting at a frequency, by filtering nothing: straight from the coefficients.
    fn gain_db(filter: &KWeighting, hz: f64, rate: f64) -> f64 {
        let power = |b: [f64; 3], a: [f64; 2]| {
            let w = 2.0 * PI * hz / rate;
            let square = |c: [f64; 3]| {
                let re = c[0] + c[1] * w.cos() + c[2] * (2.0 * w).cos();
                let im = c[1] * w.sin() + c[2] * (2.0 * w).sin();
                re * re + im * im
            };
            square(b) / square([1.0, a[0], a[1]])
        };
        let g = filter.high_pass_gain;
        power_to_db(power(filter.shelf_b, filter.shelf_a) * power([g, -2.0 * g, g], filter.high_pass_a))
    }

    #[test]
    fn coefficients_at_48_khz_are_those_of_the_standard() {
        // BS.1770-5, Annex 1, Tables 1 and 2.
        let filter = KWeighting::new(48_000);
        let published = [
            (filter.shelf_b[0], 1.535_124_859_586_97),
            (filter.shelf_b[1], -2.691_696_189_406_38),
            (filter.shelf_b[2], 1.198_392_810_852_85),
            (filter.shelf_a[0], -1.690_659_293_182_41),
            (filter.shelf_a[1], 0.732_480_774_215_85),
            (filter.high_pass_gain, 1.0),
            (filter.high_pass_a[0], -1.990_047_454_833_98),
            (filter.high_pass_a[1], 0.990_072_250_366_21),
        ];
        for (ours, theirs) in published {
            assert!((ours - theirs).abs() < 1e-10, "{ours} for {theirs}");
        }
    }

    #[test]
    fn weighting_is_the_same_at_every_rate() {
        let reference = KWeighting::new(48_000);
        for rate in [32_000, 44_100, 88_200, 96_000, 176_400, 192_000, 384_000] {
            let filter = KWeighting::new(rate);
            let top_hz = 20_000f64.min(0.45 * f64::from(rate));
            for step in 0..=200 {
                let hz = 20.0 * (top_hz / 20.0).powf(f64::from(step) / 200.0);
                let error_db = gain_db(&filter, hz, f64::from(rate)) - gain_db(&reference, hz, 48_000.0);
                assert!(error_db.abs() < 0.0105, "{error_db} dB at {hz} Hz, {rate} Hz");
            }
        }
    }

    #[test]
    fn silence_and_short_files_have_no_loudness() {
        for frames in [0, 1, 17_639] {
            let mut meter = LoudnessMeter::stereo(44_100);
            meter.push(&[&vec![0.5; frames], &vec![0.5; frames]]);
            let series = meter.finish();
            assert_eq!((series.integrated_lufs(), series.range_lu()), (None, None), "{frames} frames");
            assert_eq!((series.max_momentary_lufs(), series.max_short_term_lufs()), (None, None));
        }
        let mut meter = LoudnessMeter::stereo(44_100);
        meter.push(&[&[0.0; 200_000], &[0.0; 200_000]]);
        let series = meter.finish();
        assert_eq!((series.integrated_lufs(), series.max_momentary_lufs(), series.balance_db()), (None, None, None));
    }
}
