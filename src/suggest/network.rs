//! The network of the learned suggester: an ONNX file within the program, run by tract.

use std::io::Cursor;
use std::sync::OnceLock;

use tract_onnx::prelude::*;

use super::features;

static ONNX: &[u8] = include_bytes!("../../models/suggest.onnx");

/// A network ready to run.
struct Network {
    plan: Arc<TypedRunnableModel>,
    version: String,
}

impl Network {
    /// The one within the program, loaded when it is first asked for. The error says why it can't be used.
    fn shipped() -> Result<&'static Self, &'static str> {
        static NETWORK: OnceLock<Result<Network, String>> = OnceLock::new();
        NETWORK.get_or_init(|| Self::load(ONNX)).as_ref().map_err(String::as_str)
    }

    fn load(onnx: &[u8]) -> Result<Self, String> {
        let unusable = |error: TractError| format!("its network can't be loaded: {error:#}");
        let framework = tract_onnx::onnx().with_ignore_value_info(true);
        let proto = framework.proto_model_for_read(&mut Cursor::new(onnx)).map_err(unusable)?;
        let metadata = |key: &str| {
            let entry = proto.metadata_props.iter().find(|entry| entry.key == key);
            entry.map(|entry| entry.value.clone()).unwrap_or_default()
        };
        let (trained_on, ours) = (metadata("schema_hash"), format!("{:016x}", features::schema_hash()));
        if trained_on != ours {
            return Err(format!("it was trained on other features than these ({trained_on} instead of {ours})"));
        }
        let version = metadata("version");
        let plan = framework
            .model_for_proto_model(&proto)
            .and_then(|model| model.with_input_fact(0, f32::fact([1, features::names().len()]).into()))
            .and_then(|model| model.into_optimized())
            .and_then(|model| model.into_runnable())
            .map_err(unusable)?;
        Ok(Self { plan, version })
    }

    fn run(&self, features: &[f32]) -> Result<Vec<f64>, String> {
        let failed = |error: TractError| format!("its network failed: {error:#}");
        let input = Tensor::from_shape(&[1, features.len()], features).map_err(failed)?;
        let outputs = self.plan.run(tvec!(input.into())).map_err(failed)?;
        let values = outputs[0].to_plain_array_view::<f32>().map_err(failed)?;
        Ok(values.iter().map(|&value| f64::from(value)).collect())
    }
}

/// What the shipped network says of a pair by its features, and the network's version. The error says why it says nothing.
pub(super) fn predict(features: &[f32]) -> Result<(Vec<f64>, &'static str), String> {
    let network = Network::shipped()?;
    Ok((network.run(features)?, &network.version))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        features: Vec<f32>,
        outputs: Vec<f64>,
    }

    /// The outputs are those of the training program's own arithmetic (models/training/train.py, NumPy in double precision).
    #[test]
    fn the_network_says_what_it_was_trained_to_say() {
        let golden: Vec<Golden> =
            serde_json::from_str(include_str!("../../models/golden.json")).expect("a list of pairs");
        assert!(golden.len() >= 8);
        let network = Network::shipped().expect("loads");
        for pair in &golden {
            let outputs = network.run(&pair.features).expect("runs");
            for (index, (got, wanted)) in outputs.iter().zip(&pair.outputs).enumerate() {
                assert!((got - wanted).abs() < 1e-3, "output {index}: {got}, trained to say {wanted}");
            }
        }
    }

    #[test]
    fn a_file_that_is_no_network_is_refused() {
        assert!(Network::load(b"no network").is_err());
        assert!(Network::load(&[]).err().is_some_and(|reason| reason.contains("other features")));
    }

    #[test]
    fn it_is_small() {
        assert!(ONNX.len() < 5_000_000);
    }
}
