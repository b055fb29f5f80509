//! What a master is to have where nobody asks for anything else, and what can be asked for.

/// Loudness without a reference or a wish, LUFS: what most streaming services play at.
pub const DEFAULT_LOUDNESS_LUFS: f64 = -14.0;
/// Ceiling without a wish, dBTP: what the services' own advice and AES TD1008 ask for ahead of lossy encoding.
pub const DEFAULT_CEILING_DBTP: f64 = -1.0;
/// Loudness that can be wished for, LUFS.
pub const LOUDNESS_RANGE_LUFS: (f64, f64) = (-60.0, -3.0);
/// Ceilings that can be wished for, dBTP.
pub const CEILING_RANGE_DBTP: (f64, f64) = (-19.0, 0.0);
