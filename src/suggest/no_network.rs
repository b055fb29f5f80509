//! Stands in for the network in a program built without the feature `ml`.

/// Says nothing, and why.
pub(super) fn predict(_features: &[f32]) -> Result<(Vec<f64>, &'static str), String> {
    Err("this program was built without the network (feature `ml`)".into())
}
