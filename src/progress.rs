//! How far a job has come, told while it runs.

/// Told now and then how many frames are done, of how many if that is known.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Sync);
