//! What there is a check for.

use std::fmt;

use serde::Serialize;

/// What quality control looks for. JSON calls it by the name of the variant in snake case; from where on it is told
/// stands in [`thresholds`](super::thresholds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Nothing in it is audible.
    Silent,
    /// Peaks are cut off flat.
    Clipping,
    /// Peaks, those between samples too, that lossy encoders or converters can't hold.
    InterSampleOvers,
    /// An offset: the waveform is off centre.
    Dc,
    /// Silence before the first sound.
    HeadSilence,
    /// Silence after the last sound.
    TailSilence,
    /// It starts in the middle of a sound.
    CutStart,
    /// It ends before the sound has died away.
    CutEnd,
    /// Samples that tear the waveform.
    Click,
    /// Silent gaps that are torn into the sound.
    Dropout,
    /// One channel is upside down.
    Polarity,
    /// For a part of the time, the channels work against each other.
    Phase,
    /// Both channels of a stereo file are the same.
    DualMono,
    /// One channel is silent.
    DeadChannel,
    /// One channel is louder than the other.
    Balance,
    /// One channel is late.
    ChannelDelay,
    /// The file was made from one at a lower sample rate.
    UpSampled,
    /// The lowest bits are never used.
    PaddedBits,
    /// A codec has removed the top of the spectrum.
    LossySource,
    /// Mains hum.
    Hum,
    /// Noise that is left where the music pauses.
    Noise,
    /// Rumble: energy below what can be heard.
    SubSonic,
}

impl fmt::Display for Check {
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
            (Check::Silent, "silent"),
            (Check::Clipping, "clipping"),
            (Check::InterSampleOvers, "inter_sample_overs"),
            (Check::Dc, "dc"),
            (Check::HeadSilence, "head_silence"),
            (Check::TailSilence, "tail_silence"),
            (Check::CutStart, "cut_start"),
            (Check::CutEnd, "cut_end"),
            (Check::Click, "click"),
            (Check::Dropout, "dropout"),
            (Check::Polarity, "polarity"),
            (Check::Phase, "phase"),
            (Check::DualMono, "dual_mono"),
            (Check::DeadChannel, "dead_channel"),
            (Check::Balance, "balance"),
            (Check::ChannelDelay, "channel_delay"),
            (Check::UpSampled, "up_sampled"),
            (Check::PaddedBits, "padded_bits"),
            (Check::LossySource, "lossy_source"),
            (Check::Hum, "hum"),
            (Check::Noise, "noise"),
            (Check::SubSonic, "sub_sonic"),
        ];
        for (check, name) in names {
            assert_eq!(serde_json::to_value(check).expect("a name"), name);
            assert_eq!(check.to_string(), name);
        }
    }
}
