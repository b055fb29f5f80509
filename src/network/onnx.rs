//! Networks run by tract.

use std::io::Cursor;

use tract_onnx::prelude::*;

use super::schema_hash;

/// A network ready to run.
pub(crate) struct Network {
    plan: Arc<TypedRunnableModel>,
    shape: Vec<usize>,
    version: String,
}

impl Network {
    /// From an ONNX file for inputs of a shape, made of features with these names. The error says why it can't be used.
    pub(crate) fn load(onnx: &[u8], shape: &[usize], names: &[String]) -> Result<Self, String> {
        let unusable = |error: TractError| format!("its network can't be loaded: {error:#}");
        let framework = tract_onnx::onnx().with_ignore_value_info(true);
        let proto = framework.proto_model_for_read(&mut Cursor::new(onnx)).map_err(unusable)?;
        let metadata = |key: &str| {
            let entry = proto.metadata_props.iter().find(|entry| entry.key == key);
            entry.map(|entry| entry.value.clone()).unwrap_or_default()
        };
        let (trained_on, ours) = (metadata("schema_hash"), format!("{:016x}", schema_hash(names)));
        if trained_on != ours {
            return Err(format!("it was trained on other features than these ({trained_on} instead of {ours})"));
        }
        let version = metadata("version");
        let plan = framework
            .model_for_proto_model(&proto)
            .and_then(|model| model.with_input_fact(0, f32::fact(shape).into()))
            .and_then(|model| model.into_optimized())
            .and_then(|model| model.into_runnable())
            .map_err(unusable)?;
        Ok(Self { plan, shape: shape.to_vec(), version })
    }

    /// Its outputs, row by row. The error says what failed.
    pub(crate) fn run(&self, features: &[f32]) -> Result<Vec<f64>, String> {
        let failed = |error: TractError| format!("its network failed: {error:#}");
        let input = Tensor::from_shape(&self.shape, features).map_err(failed)?;
        let outputs = self.plan.run(tvec!(input.into())).map_err(failed)?;
        let values = outputs[0].to_plain_array_view::<f32>().map_err(failed)?;
        Ok(values.iter().map(|&value| f64::from(value)).collect())
    }

    /// Which one it is.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_network_is_refused() {
        let names = ["level_db".to_owned()];
        assert!(Network::load(b"no network", &[1, 1], &names).is_err());
        assert!(Network::load(&[], &[1, 1], &names).err().is_some_and(|reason| reason.contains("other features")));
    }
}
