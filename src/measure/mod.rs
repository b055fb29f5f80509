//! From audio to numbers.
