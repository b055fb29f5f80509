//! Every threshold of the advice, in one place. Faults that quality control finds have theirs in
//! [`crate::quality::thresholds`]. What each advice is about: [`Problem`](super::Problem).
//!
//! | advice | from |
//! |---|---|
//! | `boom`, `thin` | [`TONE_END_SIGMAS`] or [`TONE_SIGMAS`] off what music has |
//! | `mud`, `harshness`, `sibilance`, `dull` | what a network says of them, [`NETWORK_MUD_SIGMAS`] and so on |
//! | all of these, against a profile or where the network can't be asked | [`TONE_SIGMAS`], [`TONE_END_SIGMAS`], [`HARSHNESS_SIGMAS`] or [`DULL_SIGMAS`] off what the songs or music have |
//! | all of these, with a reference | [`REFERENCE_SIGMAS`] to [`STRANGER_SIGMAS`] off what the reference and the network let expect, and [`REFERENCE_MIN_DB`] |
//! | `resonance` | a network's certainty of [`RESONANCE_CERTAINTY_RATIO`], within [`RESONANCE_RANGE_HZ`] |
//! | `side_bass` | side over mid below 120 or 85 Hz above [`SIDE_BASS_DB`], or above [`SIDE_BASS_NARROW_DB`] where the low mids are narrower by [`SIDE_BASS_OVER_LOW_MIDS_DB`] |
//! | `phase` | correlation below [`PHASE_CORRELATION`], below [`PHASE_BASS_CORRELATION`] under 120 Hz, or below [`PHASE_PART_CORRELATION`] in [`PHASE_PART_RATIO`] of the audible time; where a channel is late, only what that delay does not explain |
//! | `mono_loss` | a band loses [`MONO_LOSS_DB`] in mono |
//! | `balance` | channels differ by [`crate::quality::thresholds::BALANCE_WARNING_LU`] |
//! | `clipping` | quality control's `clipping`, [`CLIPPED_PEAKS_PER_MINUTE`] |
//! | `over_compressed` | PLR under [`PLR_LOW_DB`], or under [`PLR_OPEN_DB`] with a 5th percentile of PSR under [`PSR_LOW_DB`]; less sure where the loudness stays within [`STEADY_RANGE_LU`] and fewer peaks than [`FLAT_TOP_RATIO`] are flat |
//! | `headroom` | true peak above [`HEADROOM_DBTP`]; graver where quality control's `clipping` fails |
//! | `low_sample_rate` | under [`RELEASE_RATE_HZ`] |
//! | `low_level` | fewer than [`USED_BITS_LOW`] bits in use, more than [`LOW_LEVEL_GAIN_DB`] short of -14 LUFS, or quality control's `silent` where there is a loudness all the same |
//! | `lead_low`, `lead_high` | centre from 1 to 4 kHz under [`LEAD_LOW_DB`], over [`LEAD_HIGH_DB`] of the rest, or [`LEAD_REFERENCE_DB`] off the reference |
//! | `dc` | quality control's `dc` where it fails |
//! | `dead_channel`, `click`, `dropout`, `hum`, `noise`, `channel_delay`, `sub_sonic`, `padded_bits`, `up_sampled`, `head_silence`, `tail_silence`, `cut_start`, `cut_end`, `lossy_source` | quality control; `lossy_source` also where the file's format is lossy |
//!
//! Those that are a matter of degree were set on 245 songs of free game soundtracks (the music that also made
//! the table in `prior.rs`) so that the untouched ones raise at most 5 % of alarms.

/// Without a reference: the deviation of the lows and mids in multiples of its own uncertainty, at least.
pub const TONE_SIGMAS: f64 = 2.6;
/// The same of the ends of the spectrum (`boom`, `sibilance`), where music differs more than a bell curve has it.
pub const TONE_END_SIGMAS: f64 = 3.0;
/// The same of `harshness`: bright mixes are common, and of 48 training masters 6 % had more than [`TONE_SIGMAS`], 4 % more than this.
pub const HARSHNESS_SIGMAS: f64 = 3.15;
/// The same of `dull`: dark music is common.
pub const DULL_SIGMAS: f64 = 4.2;
/// Without a reference, by the network: what it says of `mud`, in multiples of the spread of what it says of untouched songs. So
/// much do 4 % of these reach when their packages are left out of its training (models/faults_metrics.json).
pub const NETWORK_MUD_SIGMAS: f64 = 2.17;
/// The same of `harshness`.
pub const NETWORK_HARSHNESS_SIGMAS: f64 = 2.33;
/// The same of `sibilance`.
pub const NETWORK_SIBILANCE_SIGMAS: f64 = 2.21;
/// The same of `dull`.
pub const NETWORK_DULL_SIGMAS: f64 = 2.05;
/// With a reference: least deviation that is told, dB.
pub const REFERENCE_MIN_DB: f64 = 3.0;
/// With a reference whose content the mix shares: the deviation in multiples of its own uncertainty, at least. Towards a stranger
/// it goes to [`STRANGER_SIGMAS`]. On 355 masters of training songs, each beside its other half behind the same chain, with the
/// network that has not heard their packages: faults of 7 dB (dullness: 9 dB) told in 0.96 to 0.99 and alarms in 0.01 where the
/// likeness is 0.7 or more, 0.56 to 0.86 and 0.03 to 0.05 from 0.3 to 0.7.
pub const REFERENCE_SIGMAS: f64 = 1.6;
/// The same with a reference of which the mix shares nothing, where reference and network err alike (correlation 0.3 to 0.4) and
/// songs differ more than a bell curve has it: mud, harshness and dullness are told in 0.50, 0.54 and 0.26, with alarms in 0.05 to
/// 0.07.
pub const STRANGER_SIGMAS: f64 = 2.4;

/// Lowest sample rate of releases, Hz: that of the CD (IEC 60908), and the least that streaming services take.
pub const RELEASE_RATE_HZ: u32 = 44_100;

/// Certainty of the network that is told: 5 % of the untouched songs reach it when their packages are left out of its training
/// (models/faults_metrics.json). Some of these ring.
pub const RESONANCE_CERTAINTY_RATIO: f64 = 0.93;
/// Where it was taught to find resonances, Hz.
pub const RESONANCE_RANGE_HZ: std::ops::RangeInclusive<f64> = 150.0..=9_000.0;

/// Side over mid below 120 Hz, or below 85 Hz, dB. Of 302 excerpts of free
/// game soundtracks 5 % have more.
pub const SIDE_BASS_DB: f64 = 1.0;
/// Or above this, where side over mid is [`SIDE_BASS_OVER_LOW_MIDS_DB`] more than from 120 to 500 Hz. Of 858 excerpts of the same
/// music, one in 300 is told for this alone, and two in five of those whose side was given the bass 3 dB louder than the mid
/// without coming over [`SIDE_BASS_DB`].
pub const SIDE_BASS_NARROW_DB: f64 = -2.0;
/// See [`SIDE_BASS_NARROW_DB`].
pub const SIDE_BASS_OVER_LOW_MIDS_DB: f64 = 5.0;
/// Correlation of left and right over the whole programme. Wide music goes down to -0.18: what correlates as little as
/// that looks the same with one channel upside down, and isn't told.
pub const PHASE_CORRELATION: f64 = -0.2;
/// Correlation of left and right below 120 Hz. Bass is mixed to the middle, and shows an inverted channel best: of
/// 302 excerpts 91 % would fall below one of both limits with a channel inverted, and 4 % do as they are.
pub const PHASE_BASS_CORRELATION: f64 = -0.15;
/// Correlation of left and right over 3 s, where parts of a programme are upside down. From here on mono loses 6 dB and more; unrelated
/// channels lose 3 dB, and wide sound has hardly less than that.
pub const PHASE_PART_CORRELATION: f64 = -0.5;
/// Such parts are told from this share of the audible time on: a wide intro, a break or an effect takes less of a song, and is meant. Of
/// 170 songs of free games, one has as much, and is upside down on the whole.
pub const PHASE_PART_RATIO: f64 = 0.2;
/// Loss of a band in mono, dB; 3 is what two unrelated channels lose.
pub const MONO_LOSS_DB: f64 = 4.0;

/// Clipped peaks a minute that are told: fewer are what a limiter or clipper of a loud mix leaves (up to 1200 in 302
/// excerpts of music), and `analyze` lists them. 9 dB of clipping make 20 000 and more.
pub const CLIPPED_PEAKS_PER_MINUTE: f64 = 1_500.0;
/// Clipped peaks a minute that spoil the sound.
pub const CLIPPED_PEAKS_PER_MINUTE_HIGH: f64 = 6_000.0;
/// True peak minus loudness of a mix that was squeezed, dB.
pub const PLR_LOW_DB: f64 = 8.0;
/// The same of a mix that may have been squeezed in its dense parts, dB: one that has more was not.
pub const PLR_OPEN_DB: f64 = 11.0;
/// True peak minus loudness within 3 s that dense parts of such a mix reach, dB.
pub const PSR_LOW_DB: f64 = 6.0;
/// Loudness range of what may be made of steady tones, LU. Drones, chip tunes and basses have 0 to 1.4, and by nature a PLR under 6 dB: a
/// sine in both channels has none at 1 kHz, and at 45 Hz, which counts for less in loudness, 5.4 dB.
pub const STEADY_RANGE_LU: f64 = 1.5;
/// Share of the samples within 0.1 dB of the peak that lie within 0.01 dB of it, from which on a limiter or clipper made them. Behind
/// limiters 14 masters have 0.65 to 0.89; tones, whose tops are round, 0.02 to 0.33.
pub const FLAT_TOP_RATIO: f64 = 0.5;
/// True peak that leaves no room, dBTP.
pub const HEADROOM_DBTP: f64 = -1.0;

/// Bits that reach from the highest sample down to the step of an integer format, at least. Dither over 13 bits lies 75 dB under the
/// highest sample, and so it does in a master whose limiter does nothing; with 6 dB of limiting it is at -69 dB, where pauses are.
pub const USED_BITS_LOW: f64 = 13.0;
/// Gain up to [`DEFAULT_LOUDNESS_LUFS`](crate::master::DEFAULT_LOUDNESS_LUFS) that no mix needs, dB. Quiet ones need 20, and a master gets
/// [`crate::engine::drive::DRIVE_RANGE_DB`] at the most.
pub const LOW_LEVEL_GAIN_DB: f64 = 35.0;

/// Centre from 1 to 4 kHz over everything else from 200 Hz to 8 kHz, dB.
pub const LEAD_LOW_DB: f64 = -24.0;
/// The same of a lead that stands in front.
pub const LEAD_HIGH_DB: f64 = -2.0;
/// The same, against the reference.
pub const LEAD_REFERENCE_DB: f64 = 5.0;
