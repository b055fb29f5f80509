//! What there is a check for.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// What quality control looks for, and how severe it can be. From where on it is told stands in its table of thresholds.
// JSON has the names in snake case. The thresholds are in `super::thresholds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Nothing in it is audible: fail.
    Silent,
    /// Peaks are cut off flat: warning, or fail for many or long ones.
    Clipping,
    /// Peaks, those between samples too, that lossy encoders (info) or converters (fail) can't hold.
    InterSampleOvers,
    /// An offset, the waveform is off centre: warning or fail.
    Dc,
    /// Silence before the first sound: warning or fail.
    HeadSilence,
    /// Silence after the last sound: warning.
    TailSilence,
    /// It starts in the middle of a sound: warning.
    CutStart,
    /// It ends before the sound has died away: warning or fail.
    CutEnd,
    /// Samples that tear the waveform: warning.
    Click,
    /// Silent gaps that are torn into the sound: fail.
    Dropout,
    /// One channel is probably upside down, or a widener goes too far: fail.
    Polarity,
    /// For a part of the time, the channels work against each other: warning.
    Phase,
    /// Both channels of a stereo file are the same: info.
    DualMono,
    /// One channel is silent: fail.
    DeadChannel,
    /// One channel is louder than the other: warning or fail.
    Balance,
    /// One channel is late: warning.
    ChannelDelay,
    /// The file was made from one at a lower sample rate: warning.
    UpSampled,
    /// The lowest bits are never used: warning.
    PaddedBits,
    /// A codec has removed the top of the spectrum: warning, or info where the file itself is lossy.
    LossySource,
    /// Mains hum: warning.
    Hum,
    /// Noise that is left where the music pauses: warning.
    Noise,
    /// Rumble, energy below what can be heard: warning.
    SubSonic,
}

impl Check {
    /// Unit of what is measured for it and of its threshold. The symbol, or the word where there is none.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Silent | Self::CutStart | Self::CutEnd | Self::Hum => "dBFS",
            Self::Clipping => "peaks",
            Self::InterSampleOvers => "dBTP",
            Self::Dc | Self::Phase => "percent",
            Self::HeadSilence | Self::TailSilence => "s",
            Self::Click | Self::SubSonic => "dB",
            Self::Dropout | Self::ChannelDelay => "ms",
            Self::Polarity | Self::DualMono => "correlation",
            Self::DeadChannel => "LUFS",
            Self::Balance => "LU",
            Self::UpSampled | Self::LossySource => "Hz",
            Self::PaddedBits => "bits",
            Self::Noise => "dBFS(A)",
        }
    }
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
