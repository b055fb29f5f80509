//! Stands in for networks in a program built without the feature `ml`.

/// No network.
pub(crate) enum Network {}

impl Network {
    /// Says why there is none.
    pub(crate) fn load(_onnx: &[u8], _shape: &[usize], _names: &[String]) -> Result<Self, String> {
        Err("this program was built without the network (feature `ml`)".into())
    }

    /// Never called: there is none.
    pub(crate) fn run(&self, _features: &[f32]) -> Result<Vec<f64>, String> {
        match *self {}
    }

    /// Never called: there is none.
    pub(crate) fn version(&self) -> &str {
        match *self {}
    }
}
