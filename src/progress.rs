//! How far a job has come, told while it runs.
//!
//! Who is told can show it, and nothing else: what a callback does changes nothing in the job, and a job can't be called off
//! from it. What has to be stopped runs in a process of its own. Outputs appear only when they are complete, so that a process
//! that is ended leaves the files that were there as they were, and nothing half written under their names.
//!
//! Files are decoded side by side, so that a callback is called often, from several threads and also at once: it should be quick,
//! and what it keeps has to bear that (atomics, a lock).

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

/// Told now and then how many frames are done, of how many if that is known. [The module](self) says what it may do.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Sync);

/// The same of a job in several steps: told which step has done them. A step can come again, as when a master is written anew,
/// and then counts from the start.
pub type StepProgress<'a> = &'a (dyn Fn(Step, u64, Option<u64>) + Sync);
