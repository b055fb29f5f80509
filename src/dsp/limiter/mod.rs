//! True-peak look-ahead limiter.
//!
//! The signal is cut into control intervals of half a millisecond. Of each, the true peak is found
//! ([`TruePeaks`]); from the peaks, the level of the bass and the settings follows the gain at each border between intervals
//! ([`GainEnvelope`]); the gain moves in a straight line between borders. A gain that moves changes what lies between
//! samples, so the limited signal is looked at once more, with 16 points a sample (8 above 128 kHz), and where it still exceeds the
//! ceiling its interval is given more reduction, until none does or after 24 rounds ([`Limiter`]).
//!
//! What users complain about in limiters is pumping, lost bass and distortion. So two reductions compete,
//! and the deeper one counts. The sustained one is what all peaks of the last 80 ms have asked for at least, each held for
//! longer than half a period of the lowest notes: under a lasting tone it settles, and a bass note gets a constant gain instead of
//! one that follows its waveform, while a drum that comes and goes does not move it. What a peak needs beyond that is left to the
//! transient one, which is there for a millisecond or two and gone again before anything is heard to duck. Both grow within their
//! look-ahead, the sustained one along an S-shape.
//!
//! Crests of two bass notes at once, or of a wave that reaches further to one side, lie further apart than half a period. So what
//! the bass alone would need ([`BassLevels`]) is held longer than what peaks need. Where the bass alone stays under the ceiling, or
//! where other sounds stand well above it, nothing of that is felt: holding all peaks as long would change more of the music.
//!
//! That makes the release depend on the programme: after a lone peak the gain is back within the transient release (0.5 ms), after a
//! lasting load within the sustained one (30 ms). It costs distortion where a loud bass note begins, until the sustained reduction
//! carries it; `sustained_after_ms` sets for how long. Slow settings are not gentler: at the same loudness they change more of
//! the music (`benches/limiter_peers.py`).
//!
//! Because peaks and gains are apart, "how loud would it get at 2 dB more drive?" is answered from these numbers alone.

mod bass;
mod envelope;
mod needs;
mod peaks;
mod process;
mod sliding;
mod stream;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::bass::BassLevels;
pub use self::envelope::GainEnvelope;
use self::needs::Needs;
pub use self::needs::{Levels, Need};
pub use self::peaks::TruePeaks;
pub use self::process::Limiter;
pub use self::stream::StreamLimiter;
use crate::audio::AudioBuffer;
use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;
use crate::units::db_to_amplitude;

/// What is limited at all is aimed this much under the ceiling: meters with other filters read other hundredths of a dB.
const GUARD_DB: f64 = 0.03;
/// And found to be too high from this much under the ceiling on.
const LOOK_DB: f64 = 0.025;

/// How the limiter works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct LimiterSettings {
    /// Gain before limiting, -60 to 40 dB. Default: 0.
    pub drive_db: f64,
    /// Highest true peak to let through, -20 to 0 dBTP. Default: -1.
    pub ceiling_dbtp: f64,
    /// How long before a peak the sustained reduction starts to grow, 2 to 20 ms. Default: 4.
    pub lookahead_ms: f64,
    /// How long a peak counts for the sustained reduction, 0 to 100 ms. Default: 12.5, half a period of 40 Hz.
    pub hold_ms: f64,
    /// How long peaks have to ask for a reduction, without a break, until it counts as sustained, 0 to 1000 ms. Default: 80.
    pub sustained_after_ms: f64,
    /// Time to 63 % of the way up for the sustained reduction, 10 to 1000 ms. Default: 30.
    pub sustained_attack_ms: f64,
    /// Time to 63 % of the way back for the sustained reduction, 10 to 5000 ms. Default: 30.
    pub sustained_release_ms: f64,
    /// Time to 63 % of the way back for the transient reduction, 0.25 to 1000 ms. Default: 0.5.
    pub transient_release_ms: f64,
    /// How much of what the louder channel needs the other one gets too, 0 (each for itself) to 100 % (the stereo image
    /// stays). Default: 100.
    pub stereo_link_percent: f64,
}

impl Default for LimiterSettings {
    fn default() -> Self {
        Self {
            drive_db: 0.0,
            ceiling_dbtp: -1.0,
            lookahead_ms: 4.0,
            hold_ms: 12.5,
            sustained_after_ms: 80.0,
            sustained_attack_ms: 30.0,
            sustained_release_ms: 30.0,
            transient_release_ms: 0.5,
            stereo_link_percent: 100.0,
        }
    }
}

parameters!(LimiterSettings {
    drive_db: Within(-60.0, 40.0),
    ceiling_dbtp: Within(-20.0, 0.0),
    lookahead_ms: Within(2.0, 20.0),
    hold_ms: Within(0.0, 100.0),
    sustained_after_ms: Within(0.0, 1000.0),
    sustained_attack_ms: Within(10.0, 1000.0),
    sustained_release_ms: Within(10.0, 5000.0),
    transient_release_ms: Within(0.25, 1000.0),
    stereo_link_percent: Within(0.0, 100.0),
});

impl LimiterSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names the first field out of range.
    pub fn validate(&self) -> Result<()> {
        self.check("limiter", None)
    }
}

/// Frames in a control interval: half a millisecond.
pub fn interval_frames(sample_rate_hz: u32) -> usize {
    (sample_rate_hz as usize / 2000).max(4)
}

/// Limits a whole programme held in memory.
pub fn limit(programme: &AudioBuffer, settings: &LimiterSettings) -> AudioBuffer {
    const BLOCK_FRAMES: usize = 1 << 16;
    let rate = programme.sample_rate_hz();
    let (mut finder, mut peaks) = (TruePeaks::new(rate), Vec::new());
    let floor = db_to_amplitude(settings.ceiling_dbtp - settings.drive_db) as f32;
    finder.push(programme, floor, &mut peaks);
    finder.finish(floor, &mut peaks);
    let (mut bass_finder, mut bass) = (BassLevels::new(rate), Vec::new());
    bass_finder.push(programme.left(), programme.right(), &mut bass);
    bass_finder.finish(&mut bass);
    let mut limiter = Limiter::new(settings, Levels { peaks: &peaks, bass: &bass }, rate);
    let (mut limited, mut done) = (AudioBuffer::new(rate), AudioBuffer::new(rate));
    for (left, right) in programme.left().chunks(BLOCK_FRAMES).zip(programme.right().chunks(BLOCK_FRAMES)) {
        limiter.push(&AudioBuffer::from_channels(rate, left.to_vec(), right.to_vec()), &mut done);
        limited.extend(done.left(), done.right());
    }
    limiter.finish(&mut done);
    limited.extend(done.left(), done.right());
    limited
}

/// The reduction of each channel in dB at every border between control intervals, the first before the first interval and the
/// last after the last one, as the levels alone would have it: without the corrections that [`Limiter`] makes.
pub fn reductions_db(
    settings: &LimiterSettings,
    levels: Levels<'_>,
    sample_rate_hz: u32,
) -> impl Iterator<Item = [f64; 2]> {
    let needs = Needs::new(settings);
    let mut envelopes = [(); 2].map(|()| GainEnvelope::new(settings, sample_rate_hz));
    let intervals = levels.peaks.len() + envelopes[0].latency() + 1;
    (0..intervals).filter_map(move |index| {
        let [left_need, right_need] = needs.of(levels.of(index));
        let left = envelopes[0].push(left_need)?;
        let right = if needs.are_linked() { left } else { envelopes[1].push(right_need)? };
        Some([left, right])
    })
}

/// The gain for a reduction in dB: exactly 1 for none.
pub fn gain_of_reduction(reduction_db: f64) -> f64 {
    db_to_amplitude(-reduction_db)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reduction_is_a_gain_of_exactly_one() {
        assert_eq!(gain_of_reduction(0.0), 1.0);
    }

    #[test]
    fn out_of_range_settings_are_named() {
        let error = LimiterSettings { stereo_link_percent: 101.0, ..Default::default() }.validate().unwrap_err();
        assert_eq!(
            error.to_string(),
            "limiter.stereo_link_percent: 101 is outside 0 to 100; choose a value in that range"
        );
    }
}
