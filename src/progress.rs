//! How far a job has come, told while it runs.

/// A step of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Decoding and measuring the mix, or whatever file the job is about.
    Mix,
    /// Decoding and measuring the reference, or whatever file that is held against.
    Reference,
    /// Equalising and compressing.
    Process,
    /// Reading back the written master.
    Verify,
}

/// Told now and then how many frames are done, of how many if that is known.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Sync);

/// The same of a job in several steps: told which step has done them.
pub type StepProgress<'a> = &'a (dyn Fn(Step, u64, Option<u64>) + Sync);
