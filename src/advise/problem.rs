//! What there is advice about.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// What is to be fixed. From where on it is told stands in the table of thresholds.
// JSON has the names in snake case. The thresholds are in `super::thresholds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// Too much around 90 Hz.
    Boom,
    /// Too much around 300 Hz.
    Mud,
    /// Too much around 3 kHz.
    Harshness,
    /// Too much around 7 kHz.
    Sibilance,
    /// Too little above 4 kHz.
    Dull,
    /// Too little below 200 Hz.
    Thin,
    /// A narrow peak that stands at one frequency whatever is played.
    Resonance,
    /// Bass that the channels don't share.
    SideBass,
    /// The channels work against each other: on the whole, in the bass or in parts.
    Phase,
    /// A band that gets lost in mono.
    MonoLoss,
    /// One channel is louder than the other.
    Balance,
    /// One channel is late.
    ChannelDelay,
    /// One channel is silent.
    DeadChannel,
    /// Peaks are cut off flat.
    Clipping,
    /// The mix was compressed or limited already.
    OverCompressed,
    /// Peaks leave no room for what comes before the limiter.
    Headroom,
    /// The level is far too low, or too low for the bits.
    LowLevel,
    /// The sample rate is too low for a release.
    LowSampleRate,
    /// The lead stands too far behind.
    LeadLow,
    /// The lead stands too far in front.
    LeadHigh,
    /// An offset: the waveform is off centre.
    Dc,
    /// Samples that tear the waveform.
    Click,
    /// Silent gaps that are torn into the sound.
    Dropout,
    /// Mains hum.
    Hum,
    /// Noise that is left where the music pauses.
    Noise,
    /// Rumble: energy below what can be heard.
    SubSonic,
    /// The lowest bits are never used.
    PaddedBits,
    /// The file was made from one at a lower sample rate.
    UpSampled,
    /// Silence before the first sound.
    HeadSilence,
    /// Silence after the last sound.
    TailSilence,
    /// It starts in the middle of a sound.
    CutStart,
    /// It ends before the sound has died away.
    CutEnd,
    /// A lossy codec has been at the mix, or at what it was made from.
    LossySource,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_call_each_as_they_always_did() {
        let names = [
            (Problem::Boom, "boom"),
            (Problem::Mud, "mud"),
            (Problem::Harshness, "harshness"),
            (Problem::Sibilance, "sibilance"),
            (Problem::Dull, "dull"),
            (Problem::Thin, "thin"),
            (Problem::Resonance, "resonance"),
            (Problem::SideBass, "side_bass"),
            (Problem::Phase, "phase"),
            (Problem::MonoLoss, "mono_loss"),
            (Problem::Balance, "balance"),
            (Problem::ChannelDelay, "channel_delay"),
            (Problem::DeadChannel, "dead_channel"),
            (Problem::Clipping, "clipping"),
            (Problem::OverCompressed, "over_compressed"),
            (Problem::Headroom, "headroom"),
            (Problem::LowLevel, "low_level"),
            (Problem::LowSampleRate, "low_sample_rate"),
            (Problem::LeadLow, "lead_low"),
            (Problem::LeadHigh, "lead_high"),
            (Problem::Dc, "dc"),
            (Problem::Click, "click"),
            (Problem::Dropout, "dropout"),
            (Problem::Hum, "hum"),
            (Problem::Noise, "noise"),
            (Problem::SubSonic, "sub_sonic"),
            (Problem::PaddedBits, "padded_bits"),
            (Problem::UpSampled, "up_sampled"),
            (Problem::HeadSilence, "head_silence"),
            (Problem::TailSilence, "tail_silence"),
            (Problem::CutStart, "cut_start"),
            (Problem::CutEnd, "cut_end"),
            (Problem::LossySource, "lossy_source"),
        ];
        for (problem, name) in names {
            assert_eq!(serde_json::to_value(problem).expect("a name"), name);
            assert_eq!(problem.to_string(), name);
        }
    }
}
