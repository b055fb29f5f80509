//! Every threshold of the quality checks, in one place. What each tells of: [`Check`](super::Check).
//!
//! | finding | severity | from |
//! |---|---|---|
//! | `silent` | fail | no sample above [`AUDIBLE_DBFS`] |
//! | `clipping` | warning | [`CLIP_WARNING_RUNS`] flat top of [`CLIP_RUN_FRAMES`] samples at full scale, or [`CLIP_RUNS_BELOW_FULL_SCALE`] at one level above [`CLIP_DBFS`] |
//! | | fail | [`CLIP_FAIL_RUNS`] flat tops, or one of [`CLIP_FAIL_FRAMES`] samples |
//! | `inter_sample_overs` | info | true peak above [`LOSSY_HEADROOM_DBTP`] by over [`LOSSY_HEADROOM_TOLERANCE_DB`] |
//! | | fail | true peak above [`FULL_SCALE_DBTP`] |
//! | `dc` | warning, fail | mean of a channel beyond [`DC_WARNING_PERCENT`], [`DC_FAIL_PERCENT`] |
//! | `head_silence` | warning, fail | [`HEAD_WARNING_S`], [`HEAD_FAIL_S`] before the first sample above [`AUDIBLE_DBFS`], of a programme under [`FAR_DOWN_LUFS`] as much lower |
//! | `tail_silence` | warning | [`TAIL_SILENCE_S`] after the last sample above [`BLACK_DBFS`] |
//! | `cut_start` | warning | first sample above [`CUT_SAMPLE_DBFS`], without the offset; not where it is hum or noise: [`CUT_FLOOR_UNDER_LU`], [`CUT_FLOOR_REACH_DB`] |
//! | `cut_end` | warning, fail | last 50 ms, from 25 Hz on, above [`CUT_END_WARNING_DBFS`], [`CUT_END_FAIL_DBFS`]; warning: last sample above [`CUT_SAMPLE_DBFS`]; both without the offset, and not where it is hum or noise, as above, or where the last 5 ms are 12 dB softer: a straight fade from some 12 ms on |
//! | `click` | warning | an isolated prediction error [`CLICK_DB`] above those around it |
//! | `dropout` | fail | a silent gap of [`GAP_MIN_S`] to [`GAP_MAX_S`] torn into the sound |
//! | `polarity` | fail | correlation below [`POLARITY_CORRELATION`] |
//! | `phase` | warning | side over mid above [`PHASE_SIDE_OVER_MID`] in more than [`PHASE_SHARE_PERCENT`] of the loud time |
//! | `dual_mono` | info | correlation above [`DUAL_MONO_CORRELATION`] and side [`DUAL_MONO_SIDE_DB`] or more under the mid |
//! | `dead_channel` | fail | a channel below [`DEAD_CHANNEL_LUFS`] and [`DEAD_CHANNEL_UNDER_LU`] under the other |
//! | `balance` | warning, fail | channels differ by [`BALANCE_WARNING_LU`], [`BALANCE_FAIL_LU`] |
//! | `channel_delay` | warning | [`DELAY_FRAMES`] at a correlation of [`DELAY_CORRELATION`], or [`DELAY_PHASE_SHARE`] of the phases |
//! | `up_sampled` | warning | the spectrum ends at half of a lower sample rate |
//! | `padded_bits` | warning | [`PADDED_BITS`] lowest bits never used |
//! | `lossy_source` | warning | a codec's edge, steeper than [`EDGE_DB_PER_KHZ`] (info where the file itself is lossy) |
//! | `hum` | warning | in the mid, else in the side, [`HUM_HARMONICS`] harmonics of 50 or 60 Hz, [`HUM_PROMINENCE_DB`] over what lies beside them; or, in the mid, lines that run through the music, in half of it or more: [`HUM_STANDING_DB`], [`HUM_STANDING_UNDER_LU`] |
//! | `noise` | warning | steady noise above [`NOISE_DBFS_A`] in a pause |
//! | `sub_sonic` | warning | energy below 20 Hz above [`SUB_SONIC_DB`] of the total |

/// A programme begins with the first sample above this, dBFS. Practice of CD premastering.
pub const AUDIBLE_DBFS: f64 = -60.0;
/// A programme under this is far below any that is published, LUFS: what is audible in it lies as much lower. Set by judgement, some 10 LU
/// under the quietest recordings of orchestras.
pub const FAR_DOWN_LUFS: f64 = -35.0;

/// A flat top is this many samples at one value, at least. Below it, two equal neighbours occur in any programme.
/// Practice of editors' clip detection (three samples).
pub const CLIP_RUN_FRAMES: usize = 3;
/// Flat tops are sought above this, dBFS (Essentia's `SaturationDetector`: -1 dB). Equal samples of a square wave at
/// a usual level are no clipping.
pub const CLIP_DBFS: f64 = -1.0;
/// A flat top at or above this, full scale = 1.0, counts alone.
pub const CLIP_FULL_SCALE: f32 = 0.999;
/// Below full scale, as many flat tops at one level say that it was a clipper: fewer occur by chance.
pub const CLIP_RUNS_BELOW_FULL_SCALE: usize = 4;
/// Samples of a flat top differ by no more than this, full scale = 1.0: two steps of 16 bits, the reach of dither.
pub const CLIP_SPREAD: f32 = 2.0 / 32_768.0;
/// A flat top has corners: the step on either side is at least so many times the spread. The top of a low tone has
/// none; its steps just outside of three equal samples are under 3 spreads.
pub const CLIP_CORNER_SPREADS: f32 = 8.0;
/// So many flat tops are told.
pub const CLIP_WARNING_RUNS: usize = 1;
/// So many flat tops fail.
pub const CLIP_FAIL_RUNS: usize = 10;
/// So many samples of one flat top fail.
pub const CLIP_FAIL_FRAMES: usize = 10;

/// Room that lossy delivery needs: EBU R 128 and the platforms that stream, dBTP.
pub const LOSSY_HEADROOM_DBTP: f64 = -1.0;
/// What is over by less is told as that limit and meant to keep to it; meters differ by as much (BS.1770-5, Annex 2), dB.
pub const LOSSY_HEADROOM_TOLERANCE_DB: f64 = 0.02;
/// Converters clip above this, dBTP (ITU-R BS.1770-5, Annex 2).
pub const FULL_SCALE_DBTP: f64 = 0.0;

/// DC offset that wastes headroom and clicks at edits, percent of full scale (-60 dBFS).
pub const DC_WARNING_PERCENT: f64 = 0.1;
/// DC offset that says that something is broken, percent of full scale (-40 dBFS).
pub const DC_FAIL_PERCENT: f64 = 1.0;
/// Half a wave of 40 Hz at the peak level may be left over without being an offset, seconds.
pub const DC_HALF_WAVE_S: f64 = 0.0125;

/// Silence before the first sound that listeners notice between tracks, seconds.
pub const HEAD_WARNING_S: f64 = 0.5;
/// Silence before the first sound that is certainly no intent, seconds.
pub const HEAD_FAIL_S: f64 = 2.0;
/// What lies below is digital black, with or without dither, dBFS.
pub const BLACK_DBFS: f64 = -80.0;
/// Black at the end, seconds.
pub const TAIL_SILENCE_S: f64 = 3.0;
/// Level of the last 50 ms of a programme whose end is audibly cut, dBFS.
pub const CUT_END_WARNING_DBFS: f64 = -60.0;
/// Level of the last 50 ms of a programme that stops in the middle, dBFS.
pub const CUT_END_FAIL_DBFS: f64 = -40.0;
/// A first or last sample above this clicks, dBFS.
pub const CUT_SAMPLE_DBFS: f64 = -50.0;

/// Hum or noise goes on to the ends without being cut there. It is the quietest second that keeps its level, heard elsewhere too or noise
/// by its spectrum (a sound that is held to one end is neither), so far under the
/// programme's loudness, LU: what is less far belongs to the loud parts (the relative gate of ITU-R BS.1770-5).
pub const CUT_FLOOR_UNDER_LU: f64 = 10.0;
/// An end is nothing but hum or noise within so far of that second, dB: 50 ms of noise scatter. Of 245 places where 31 songs were
/// cut, none is.
pub const CUT_FLOOR_REACH_DB: f64 = 3.0;

/// Prediction error of a click over the power of the errors before and after it, dB. Essentia's `ClickDetector` has 30;
/// sampled drums with a hard first sample reach 37.
pub const CLICK_DB: f64 = 38.0;
/// Quieter clicks than this go unnoticed, dBFS of prediction error (Essentia: -50).
pub const CLICK_MIN_DBFS: f64 = -50.0;

/// Shortest gap, seconds; at rates under 31 kHz, the 31 samples that surely hold a whole cell of 16.
pub const GAP_MIN_S: f64 = 0.001;
/// Longest gap, seconds (Essentia's `GapsDetector`: 3.5).
pub const GAP_MAX_S: f64 = 3.5;
/// A gap is no louder than this, dBFS: black, or dithered black.
pub const GAP_DBFS: f64 = -78.0;
/// The sound on both sides of a gap is louder than this over 5 ms, dBFS.
pub const GAP_SOUND_DBFS: f64 = -40.0;
/// Levels on both sides differ by less than this, dB: a gap interrupts one sound, a rest parts two.
pub const GAP_LEVEL_STEP_DB: f64 = 10.0;

/// Two channels that cancel: below this correlation one of them is probably upside down; wideners reach -0.65, too.
pub const POLARITY_CORRELATION: f64 = -0.5;
/// Share of the loud time, in windows of 3 s, in which the channels work against each other, percent.
pub const PHASE_SHARE_PERCENT: f64 = 10.0;
/// They do where the power of the side is so many times that of the mid. Left and right correlate below 0 from 1 on, but a hard-panned sound
/// has as much of either, and leans one way or the other by rounding.
pub const PHASE_SIDE_OVER_MID: f64 = 1.1;
/// Correlation from which on two channels are the same, if the side is as low as [`DUAL_MONO_SIDE_DB`].
pub const DUAL_MONO_CORRELATION: f64 = 0.9999;
/// Level of the side under the mid that no longer makes a stereo file, dB.
pub const DUAL_MONO_SIDE_DB: f64 = -80.0;
/// A channel below the absolute gate of ITU-R BS.1770-5 is dead, LUFS.
pub const DEAD_CHANNEL_LUFS: f64 = -70.0;
/// And so far under the other one, LU: both channels of a soft programme may lie that low. Set by judgement, at more than twice what
/// fails as a balance.
pub const DEAD_CHANNEL_UNDER_LU: f64 = 30.0;
/// Difference of the channels' loudness that shifts the image, LU.
pub const BALANCE_WARNING_LU: f64 = 3.0;
/// Difference of the channels' loudness that is no artistic choice, LU.
pub const BALANCE_FAIL_LU: f64 = 12.0;

/// Delay between channels, in samples, as estimated to within a quarter.
pub const DELAY_FRAMES: f64 = 1.0;
/// Correlation of the channels once the delay is undone, least. 0.8 would do for one excerpt; wide stereo stays below,
/// and the excerpts have to agree as well.
pub const DELAY_CORRELATION: f64 = 0.5;
/// Share of the excerpts that must agree on the delay.
pub const DELAY_AGREEMENT: f64 = 0.7;
/// On wide material: share of the phases of all excerpts together that a delay explains, least.
pub const DELAY_PHASE_SHARE: f64 = 0.03;
/// The same over the root mean square of all other delays.
pub const DELAY_PHASE_PROMINENCE: f64 = 5.5;
/// The same over what arrives in time: an echo or a doubled guitar leaves the centre where it is.
pub const DELAY_PHASE_OVER_IN_TIME: f64 = 1.25;

/// A file above this rate, Hz, may hold less than it claims.
pub const HIGH_RATE_HZ: u32 = 64_000;
/// Power above the lower rate's Nyquist frequency that no converter's noise goes below, dBFS.
pub const UP_SAMPLED_DBFS: f64 = -110.0;
/// Step at the lower rate's Nyquist frequency that no recording has by itself, dB.
pub const UP_SAMPLED_STEP_DB: f64 = 40.0;

/// Unused bits at the low end: 16 in 24, or 8 in 16.
pub const PADDED_BITS: u32 = 8;

/// Slope of a codec's low-pass, dB per kHz; tape and microphones have under 5.
pub const EDGE_DB_PER_KHZ: f64 = 40.0;
/// Edges of codecs lie above this, Hz (MP3 at 96 kbit/s and below).
pub const EDGE_MIN_HZ: f64 = 10_000.0;
/// Edges of codecs lie below this, Hz (MP3 at 320 kbit/s: 20 to 20.5 kHz).
pub const EDGE_MAX_HZ: f64 = 20_600.0;
/// An edge above this share of the Nyquist frequency is a converter's.
pub const EDGE_MAX_OF_NYQUIST: f64 = 0.95;
/// The edge stays within this of its median, Hz, as no performance would.
pub const EDGE_SPREAD_HZ: f64 = 500.0;

/// Level of a harmonic over what lies 2 to 5 Hz beside it, dB.
pub const HUM_PROMINENCE_DB: f64 = 10.0;
/// Quieter harmonics than this go unheard, dBFS.
pub const HUM_MIN_DBFS: f64 = -75.0;
/// Harmonics of eight that must stand out.
pub const HUM_HARMONICS: usize = 3;

/// Under music: by how much four harmonics of the mains frequency stand higher over what is usual around them than those of
/// other frequencies within 6 Hz, dB in all. Of 864 excerpts of free music, all as loud as masters are, 3 % reach it with a
/// line that is loud enough, some of them by true hum.
pub const HUM_STANDING_DB: f64 = 3.0;
/// Under music, hum whose loudest harmonic lies farther than this below the programme's loudness goes unheard, LU. It also parts
/// hum from the music's own lines, which are quieter as a rule when only the music's gaps count.
pub const HUM_STANDING_UNDER_LU: f64 = 44.0;

/// Level of noise in a pause, A-weighted, dBFS.
pub const NOISE_DBFS_A: f64 = -60.0;
/// A pause is so much quieter than the programme, LU.
pub const NOISE_PAUSE_LU: f64 = 20.0;

/// Energy below 20 Hz over all energy, dB.
pub const SUB_SONIC_DB: f64 = -20.0;
