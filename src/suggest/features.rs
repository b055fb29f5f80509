//! What the model sees of a mix and its reference: one list of numbers, the same in training as in use.
//!
//! Nothing in it changes with the level, the polarity or the order of the channels. Values are bounded, so that an empty
//! band or a silent side can't outweigh the rest. Names and units make the schema; a model carries its hash, and is
//! refused where it differs.

use super::tone::Evidence;
use crate::measure::Measurement;
use crate::measure::spectrum::BandPower;
use crate::statistics::{correlation, median, quantile};
use crate::units::power_to_db;

/// Third octaves that the model sees: centres 40 Hz to 16 kHz, as the evidence of `tone.rs` has them.
pub const BANDS: usize = 27;
/// Neighbouring bands that share a feature of movement.
const BANDS_PER_GROUP: usize = 3;
const GROUPS: usize = BANDS / BANDS_PER_GROUP;
/// A band is seen no lower than this under the programme's strongest one, dB.
const FLOOR_DB: f64 = 50.0;
/// Width of a band is seen within these, dB.
const WIDTH_RANGE_DB: (f64, f64) = (-30.0, 6.0);

/// The features' names, in order.
pub fn names() -> Vec<String> {
    let bands = |name: &'static str| (0..BANDS).map(move |band| format!("{name}.{band}"));
    let groups = |name: &'static str| (0..GROUPS).map(move |group| format!("{name}.{group}"));
    let of_programme = |programme: &'static str| {
        let each = ["mid_level_db", "width_db", "p95_over_p50_db", "p50_over_p10_db"].into_iter().flat_map(bands);
        let grouped = ["change_db", "neighbour_correlation"].into_iter().flat_map(groups);
        each.chain(grouped).chain(GLOBAL_NAMES.map(String::from)).map(move |name| format!("{programme}.{name}"))
    };
    let pair = ["difference_db", "matched_shift_db", "matched_scatter_db", "held"].into_iter().flat_map(bands);
    of_programme("mix")
        .chain(of_programme("reference"))
        .chain(pair.chain(PAIR_NAMES.map(String::from)).map(|name| format!("pair.{name}")))
        .collect()
}

const GLOBAL_NAMES: [&str; 11] = [
    "peak_to_loudness_db",
    "short_crest_db",
    "loudness_range_lu",
    "micro_dynamics_db",
    "psr_p5_db",
    "near_peak_density_log10",
    "flat_top_ratio",
    "codec_edge_octaves",
    "width_db",
    "correlation",
    "tilt_db_per_octave",
];
const PAIR_NAMES: [&str; 3] = ["likeness_ratio", "matched_ratio", "disagreement_db"];

/// What a network that sees these carries, to be refused where they differ.
pub fn schema_hash() -> u64 {
    crate::network::schema_hash(&names())
}

/// The features of a pair, as [`names`] orders them; and the weight of each band (0: nothing there to be matched).
/// `None` if either programme is silent.
pub fn of_pair(mix: &Measurement, reference: &Measurement) -> Option<(Vec<f32>, Vec<f64>)> {
    let evidence = Evidence::between(mix, reference)?;
    Some((of_evidence(mix, reference, &evidence), evidence.weights))
}

/// The features, where the evidence stands already.
pub(super) fn of_evidence(mix: &Measurement, reference: &Measurement, evidence: &Evidence) -> Vec<f32> {
    let mut values = Vec::new();
    of_programme(mix, evidence, &evidence.mix_db, &mut values);
    of_programme(reference, evidence, &evidence.reference_db, &mut values);
    let registration = evidence.registration.as_ref();
    let nothing = Vec::new();
    let shift = registration.map_or(&nothing, |found| &found.shift_db);
    let scatter = registration.map_or(&nothing, |found| &found.scatter_db);
    push_bands(&mut values, &evidence.difference_db, 0.0, (-20.0, 20.0));
    push_bands(&mut values, shift, 0.0, (-20.0, 20.0));
    push_bands(&mut values, scatter, 10.0, (0.0, 10.0));
    push_bands(&mut values, &evidence.weights, 0.0, (0.0, 1.0));
    values.push(evidence.likeness_ratio());
    values.push(registration.map_or(0.0, |found| found.pair_share));
    values.push(registration.map_or(10.0, |found| found.disagreement_db.min(10.0)));
    values.into_iter().map(|value| value as f32).collect()
}

/// One value for each band; `missing` for bands that the sample rate doesn't hold.
fn push_bands(values: &mut Vec<f64>, bands: &[f64], missing: f64, (low, high): (f64, f64)) {
    values.extend((0..BANDS).map(|band| bands.get(band).map_or(missing, |value| value.clamp(low, high))));
}

fn of_programme(measurement: &Measurement, evidence: &Evidence, levels_db: &[f64], values: &mut Vec<f64>) {
    let strongest_db = levels_db.iter().copied().fold(f64::MIN, f64::max);
    let floored: Vec<f64> = levels_db.iter().map(|db| db.max(strongest_db - FLOOR_DB)).collect();
    let mean_db = floored.iter().sum::<f64>() / floored.len().max(1) as f64;
    let levels: Vec<f64> = floored.iter().map(|db| db - mean_db).collect();
    push_bands(values, &levels, -FLOOR_DB, (-FLOOR_DB, FLOOR_DB));

    let of_band = |of: &dyn Fn(&BandPower) -> f64| -> Vec<f64> {
        evidence.bands.iter().map(|&band| of(&measurement.loud_spectrum[band])).collect()
    };
    let width = |power: &BandPower| power_to_db((f64::from(power.side) + 1e-20) / (f64::from(power.mid) + 1e-20));
    push_bands(values, &of_band(&width), WIDTH_RANGE_DB.0, WIDTH_RANGE_DB);

    let over_time: Vec<Vec<f64>> =
        evidence.bands.iter().map(|&band| levels_over_time(measurement, band, strongest_db)).collect();
    let spreads: Vec<[f64; 2]> = over_time.iter().map(|levels| spread_db(levels)).collect();
    push_bands(values, &spreads.iter().map(|spread| spread[0]).collect::<Vec<_>>(), 0.0, (0.0, 30.0));
    push_bands(values, &spreads.iter().map(|spread| spread[1]).collect::<Vec<_>>(), 0.0, (0.0, 40.0));

    let group = |of: &dyn Fn(usize) -> f64| -> Vec<f64> {
        let mean = |group: usize| {
            let bands = (group * BANDS_PER_GROUP..(group + 1) * BANDS_PER_GROUP).filter(|&band| band < over_time.len());
            let (sum, count) = bands.fold((0.0, 0.0), |(sum, count), band| (sum + of(band), count + 1.0));
            if count > 0.0 { sum / count } else { 0.0 }
        };
        (0..GROUPS).map(mean).collect()
    };
    values.extend(group(&|band| median_change_db(&over_time[band])));
    values.extend(group(&|band| over_time.get(band + 1).map_or(1.0, |above| correlation(&over_time[band], above))));
    values.extend(globals(measurement));
}

/// Level of the mid in a band, in each loud frame, dB: no lower than 20 dB under the floor of the levels.
fn levels_over_time(measurement: &Measurement, band: usize, strongest_db: f64) -> Vec<f64> {
    let floor_db = strongest_db - FLOOR_DB - 20.0;
    measurement.loud_spectra().map(|frame| frame[band].mid_db().max(floor_db)).collect()
}

/// 95th percentile over the median, and median over the 10th.
fn spread_db(levels: &[f64]) -> [f64; 2] {
    let mut levels = levels.to_vec();
    let [p10_db, p50_db, p95_db] = [0.1, 0.5, 0.95].map(|share| quantile(&mut levels, share).unwrap_or(0.0));
    [p95_db - p50_db, p50_db - p10_db]
}

/// How far a level moves from one frame to the next, in the middle of all cases: what is struck moves, what is held doesn't.
fn median_change_db(levels: &[f64]) -> f64 {
    let changes = levels.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    median(changes).unwrap_or(0.0).min(20.0)
}

fn globals(measurement: &Measurement) -> [f64; GLOBAL_NAMES.len()] {
    let analysis = measurement.analysis();
    let (loudness, dynamics, stereo) = (&analysis.loudness, &analysis.dynamics, &analysis.stereo);
    let within = |value: Option<f64>, low: f64, high: f64, missing: f64| value.map_or(missing, |v| v.clamp(low, high));
    [
        within(loudness.plr_db, 0.0, 30.0, 15.0),
        within(dynamics.short_crest_db, 0.0, 30.0, 12.0),
        within(loudness.range_lu, 0.0, 25.0, 5.0),
        within(dynamics.short_to_long_p95_db, 0.0, 15.0, 3.0),
        within(loudness.psr_p5_db, 0.0, 30.0, 12.0),
        dynamics.limiting.map_or(-5.0, |shape| shape.within_1_db_ratio.max(1e-6).log10()),
        dynamics.limiting.map_or(0.3, |shape| shape.flat_top_ratio),
        analysis.spectrum.codec_edge_hz.map_or(0.0, |hz| (hz / 20_000.0).log2().max(-2.0)),
        within(stereo.width_db, WIDTH_RANGE_DB.0, WIDTH_RANGE_DB.1, WIDTH_RANGE_DB.0),
        within(stereo.correlation, -1.0, 1.0, 1.0),
        within(analysis.spectrum.tilt_db_per_octave, -15.0, 6.0, -5.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::dsp::testing::Noise;
    use crate::measure::Meter;

    /// Chords over noise that come and go, at a gain, plain, upside down or with the channels swapped.
    fn music(gain: f32, swapped: bool) -> Measurement {
        let mut block = AudioBuffer::new(44_100);
        let mut noise = Noise(7);
        for n in 0..44_100 * 4 {
            let t = n as f32 / 44_100.0;
            let noise = 0.1 * noise.next() as f32 * (1.0 - (t * 2.0).fract());
            let note = 110.0 * 2f32.powf(((t * 2.0).floor() as i32 % 5) as f32 / 5.0);
            let tone = 0.3 * (std::f32::consts::TAU * note * t).sin() * (1.0 - 0.7 * (t * 2.0).fract());
            let (left, right) = (gain * (tone + noise), gain * (0.8 * tone - 0.5 * noise));
            if swapped { block.push(right, left) } else { block.push(left, right) }
        }
        let mut meter = Meter::new(44_100);
        meter.push(&block);
        meter.finish()
    }

    #[test]
    fn there_is_a_name_for_each_value() {
        let (values, weights) = of_pair(&music(1.0, false), &music(0.5, false)).expect("loud");
        assert_eq!((values.len(), weights.len()), (names().len(), BANDS));
        assert!(values.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn level_polarity_and_order_of_channels_do_not_matter() {
        let of = |gain, swapped| of_pair(&music(gain, swapped), &music(1.0, false)).expect("loud").0;
        let plain = of(1.0, false);
        for (gain, swapped) in [(0.25, false), (-1.0, false), (1.0, true)] {
            for ((name, a), b) in names().iter().zip(&plain).zip(of(gain, swapped)) {
                assert!((a - b).abs() < 0.02, "{name}: {a} and {b} at {gain}, {swapped}");
            }
        }
    }

    #[test]
    fn silence_has_no_features() {
        let mut meter = Meter::new(44_100);
        meter.push(&AudioBuffer::silence(44_100, 44_100));
        assert!(of_pair(&meter.finish(), &music(1.0, false)).is_none());
    }
}
