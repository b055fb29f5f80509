//! Networks within the program: ONNX files that know which features they were trained on.

#[cfg_attr(not(feature = "ml"), path = "absent.rs")]
mod onnx;

pub(crate) use onnx::Network;

/// FNV-1a (64 bit) of the names of features: what a network was trained on.
pub(crate) fn schema_hash(names: &[String]) -> u64 {
    let text = names.join("\n");
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
