//! Signal processors: each unit is plain settings, a processor built from them, and its tests.
