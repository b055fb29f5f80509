//! The learned suggester: what to aim for comes from a network that has seen thousands of mixes with their true masters;
//! the settings that lead there, from the same rules as the classical ones.
//!
//! Taking over another song's spectrum takes over its arrangement. A network that sees both programmes, what their matched
//! content says and how music varies tells the two apart better than a fixed share does. `models/MODEL_CARD.md` says what
//! it was trained on and how well it does.

use std::sync::OnceLock;

use super::features::BANDS;
use super::stages::Aims;
use super::tone::Evidence;
use super::{ModelVerdict, Plan, Suggester, Target, features};
use crate::measure::Measurement;
use crate::network::Network;
use crate::statistics::median;

static ONNX: &[u8] = include_bytes!("../../models/suggest.onnx");

/// Where a pair lies beyond this, the classical rules decide: a network knows nothing out there.
const MOST_NOVELTY_RATIO: f64 = 2.5;
/// Confidence falls to this at the most novelty.
const LEAST_CONFIDENCE_RATIO: f64 = 0.3;

/// Of the tone, width and density that it asks for, the shares to take over where no content is shared: it was trained on chains
/// that do more than those of other makers, and other things. On 24 pairs of another song, masters came 1.5 % nearer to the true
/// ones with four fifths of its tone than with all of it; on 32 pairs behind two other makers' limiters 0.5 % nearer with 85 % than
/// with 70 %. There, 70 % of its width came 0.5 % nearer than all of it, and less far off the rules where that was wrong. All of its
/// density came 2 % nearer than none of it behind the one limiter, and 3 % less near behind the other; half of it 1 % and 1.5 %.
const TONE_SHARE: f64 = 0.85;
const WIDTH_SHARE: f64 = 0.7;
const HEADROOM_SHARE: f64 = 0.5;
/// The network counts by this power of what mix and reference don't share, beside the rules, whose matched frames tell better than
/// statistics do. On 32 pairs of the same song of packages that are in no test, masters came 1 % nearer to the true ones than in
/// proportion (MR-STFT 0.300 and 0.304; the same with 2), and two instead of six were over 5 % worse than those of the rules.
const UNSHARED_EXPONENT: f64 = 1.5;
/// A master's peaks are let stand over its loudness by no more than this more or less than the reference's, dB.
const MOST_HEADROOM_DB: f64 = 4.0;

/// Of a pair whose matched frames differ by an equaliser alone, all frames find each other, and scatter by less than this, dB.
const SAME_RECORDING_SCATTER_DB: f64 = 0.3;
const SAME_RECORDING_MATCHED_RATIO: f64 = 0.8;

/// Suggestions by a network; by the classical rules, and saying so, where it can't be used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Learned;

impl Suggester for Learned {
    fn name(&self) -> &'static str {
        "model"
    }

    fn plan<'a>(&self, mix: &'a Measurement, target: Target<'a>) -> Plan<'a> {
        let by_rule = Plan::by_rule(mix, target);
        let asked: Vec<(Aims, ModelVerdict)> =
            by_rule.gathered.iter().map(|(reference, evidence)| ask(mix, reference, evidence)).collect();
        let verdicts: Vec<&ModelVerdict> = asked.iter().map(|(_, verdict)| verdict).collect();
        let (Some((_, evidence)), Some(verdict)) = (by_rule.gathered.first(), together(&verdicts)) else {
            return by_rule;
        };
        let verdict = ModelVerdict {
            classical_curve: evidence.curve(&by_rule.aims.curve_db),
            classical_side_gain_db: by_rule.aims.side_gain_db,
            ..verdict
        };
        let aims: Vec<Aims> = asked.into_iter().map(|(aims, _)| aims).collect();
        Plan { aims: Aims::together(&aims), verdict: Some(verdict), ..by_rule }
    }
}

/// What became of asking about all references: of the first one for which the network was followed its numbers, and why it was not for
/// others. `None` without any.
fn together(verdicts: &[&ModelVerdict]) -> Option<ModelVerdict> {
    let followed = verdicts.iter().find(|verdict| verdict.fallback.is_none());
    let left_to_rules: Vec<&String> = verdicts.iter().filter_map(|verdict| verdict.fallback.as_ref()).collect();
    let fallback = left_to_rules.first().map(|&reason| match followed {
        None => reason.clone(),
        Some(_) => format!("with {} of {} references, for {reason}", left_to_rules.len(), verdicts.len()),
    });
    Some(ModelVerdict { fallback, ..(**followed.or(verdicts.first())?).clone() })
}

/// What to aim for with one reference, and what became of asking the network.
fn ask(mix: &Measurement, reference: &Measurement, evidence: &Evidence) -> (Aims, ModelVerdict) {
    let rule = Aims::by_rule(mix, reference, evidence);
    weigh(mix, reference, evidence, &rule)
        .unwrap_or_else(|reason| (rule, ModelVerdict { fallback: Some(reason), ..ModelVerdict::default() }))
}

/// What the network and the rules together aim for. The error says why the network can't be followed.
fn weigh(
    mix: &Measurement,
    reference: &Measurement,
    evidence: &Evidence,
    rule: &Aims,
) -> Result<(Aims, ModelVerdict), String> {
    if evidence.bands.len() < BANDS {
        return Err("the sample rate of the mix or the reference leaves out bands that it needs".into());
    }
    if evidence.registration.is_none() {
        return Err("mix or reference is too short to tell whether they are the same song".into());
    }
    if is_same_recording(evidence) {
        return Err("mix and reference are the same recording, which the matched frames tell exactly".into());
    }
    let network = network()?;
    let outputs = network.run(&features::of_evidence(mix, reference, evidence))?;
    let prediction = Prediction::of(&outputs).ok_or("its network gave no usable numbers")?;
    if prediction.novelty_ratio > MOST_NOVELTY_RATIO {
        let ratio = prediction.novelty_ratio;
        return Err(format!("the pair lies {ratio:.1} times as far out as nearly all that it was trained on"));
    }
    let confidence = prediction.confidence_ratio();
    let unshared = (1.0 - evidence.likeness_ratio()).max(0.0);
    let share = confidence * unshared.powf(UNSHARED_EXPONENT);
    let blend = |learned: f64, rule: f64| share * learned + (1.0 - share) * rule;
    // Matched content, however little, bears the network out.
    let part = |share: f64| 1.0 - (1.0 - share) * unshared.powi(4);
    let headroom_db = prediction.headroom_db.clamp(-MOST_HEADROOM_DB, MOST_HEADROOM_DB);
    let tone = prediction.tone_db.iter().zip(&rule.curve_db);
    let aims = Aims {
        curve_db: tone.map(|(learned, rule)| blend(part(TONE_SHARE) * learned, *rule)).collect(),
        side_gain_db: rule.side_gain_db.map(|rule| blend(part(WIDTH_SHARE) * prediction.width_db, rule)),
        headroom_db: blend(part(HEADROOM_SHARE) * headroom_db, rule.headroom_db),
        means: rule.means,
    };
    let deviations = &prediction.tone_deviation_db;
    let verdict = ModelVerdict {
        version: Some(network.version().into()),
        confidence_ratio: Some(confidence),
        share_ratio: Some(share),
        tone_deviation_db: Some(deviations.iter().sum::<f64>() / deviations.len() as f64),
        width_deviation_db: Some(prediction.width_deviation_db),
        headroom_db: Some(prediction.headroom_db),
        headroom_deviation_db: Some(prediction.headroom_deviation_db),
        novelty_ratio: Some(prediction.novelty_ratio),
        ..ModelVerdict::default()
    };
    Ok((aims, verdict))
}

/// The network within the program, loaded when it is first asked for. The error says why it can't be used.
fn network() -> Result<&'static Network, String> {
    static NETWORK: OnceLock<Result<Network, String>> = OnceLock::new();
    let load = || {
        let names = features::names();
        Network::load(ONNX, &[1, names.len()], &names)
    };
    NETWORK.get_or_init(load).as_ref().map_err(String::clone)
}

/// Whether the two differ by no more than an equaliser.
fn is_same_recording(evidence: &Evidence) -> bool {
    evidence.registration.as_ref().is_some_and(|found| {
        let scatter_db = median(found.scatter_db.clone()).unwrap_or(f64::INFINITY);
        found.pair_share > SAME_RECORDING_MATCHED_RATIO && scatter_db < SAME_RECORDING_SCATTER_DB
    })
}

/// What the network says of a pair.
#[derive(Debug, Clone, PartialEq)]
struct Prediction {
    /// What the true master's mid has more of than the mix, by band, dB.
    tone_db: Vec<f64>,
    /// How sure that is: standard deviation, dB.
    tone_deviation_db: Vec<f64>,
    /// What its side over mid has more of, dB.
    width_db: f64,
    /// Standard deviation of that.
    width_deviation_db: f64,
    /// How much farther its peaks stand over its loudness than those of the reference, dB.
    headroom_db: f64,
    /// Standard deviation of that.
    headroom_deviation_db: f64,
    /// Distance of the pair from what the network was trained on; a twentieth of the validation pairs exceeds 1.
    novelty_ratio: f64,
}

impl Prediction {
    /// From the network's outputs: mean and deviation of each band, of the width and of the headroom, and the novelty. `None`
    /// for another number of them, or where one is no number.
    fn of(outputs: &[f64]) -> Option<Self> {
        let (tone, rest) = outputs.split_at_checked(BANDS)?;
        let (deviation, rest) = rest.split_at_checked(BANDS)?;
        let &[width_db, width_deviation_db, headroom_db, headroom_deviation_db, novelty_ratio] = rest else {
            return None;
        };
        outputs.iter().all(|value| value.is_finite()).then(|| Self {
            tone_db: tone.to_vec(),
            tone_deviation_db: deviation.to_vec(),
            width_db,
            width_deviation_db,
            headroom_db,
            headroom_deviation_db,
            novelty_ratio,
        })
    }

    /// 1 within what the network was trained on, less the farther out.
    fn confidence_ratio(&self) -> f64 {
        let outside = (self.novelty_ratio - 1.0) / (MOST_NOVELTY_RATIO - 1.0);
        1.0 - (1.0 - LEAST_CONFIDENCE_RATIO) * outside.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "ml")]
    #[derive(serde::Deserialize)]
    struct Golden {
        features: Vec<f32>,
        outputs: Vec<f64>,
    }

    /// The outputs are those of the training program's own arithmetic (models/training/train.py, NumPy in double precision).
    #[cfg(feature = "ml")]
    #[test]
    fn the_network_says_what_it_was_trained_to_say() {
        let golden: Vec<Golden> =
            serde_json::from_str(include_str!("../../models/golden.json")).expect("a list of pairs");
        assert!(golden.len() >= 8);
        let network = network().expect("loads");
        for pair in &golden {
            let outputs = network.run(&pair.features).expect("runs");
            assert_eq!(outputs.len(), pair.outputs.len());
            for (index, (got, wanted)) in outputs.iter().zip(&pair.outputs).enumerate() {
                assert!((got - wanted).abs() < 1e-3, "output {index}: {got}, trained to say {wanted}");
            }
        }
    }

    #[test]
    fn a_reference_that_is_left_to_the_rules_speaks_for_no_other() {
        let followed = ModelVerdict { version: Some("4".into()), ..ModelVerdict::default() };
        let refused = ModelVerdict { fallback: Some("it is too short".into()), ..ModelVerdict::default() };
        let both = together(&[&refused, &followed]).expect("two");
        assert_eq!(both.version, followed.version);
        assert_eq!(both.fallback.as_deref(), Some("with 1 of 2 references, for it is too short"));
        assert_eq!(together(&[&followed]), Some(followed));
        assert_eq!(together(&[&refused, &refused]), Some(refused));
        assert_eq!(together(&[]), None);
    }

    #[test]
    fn it_is_small() {
        assert!(ONNX.len() < 5_000_000);
    }

    #[test]
    fn outputs_that_do_not_fit_are_refused() {
        let mut outputs = vec![1.0; 2 * BANDS + 5];
        assert_eq!(Prediction::of(&outputs).expect("fits").novelty_ratio, 1.0);
        outputs[3] = f64::NAN;
        assert!(Prediction::of(&outputs).is_none() && Prediction::of(&[]).is_none());
        assert!(Prediction::of(&vec![0.0; 2 * BANDS + 6]).is_none());
    }

    #[test]
    fn confidence_falls_with_distance() {
        let at = |novelty_ratio| Prediction {
            tone_db: Vec::new(),
            tone_deviation_db: Vec::new(),
            width_db: 0.0,
            width_deviation_db: 0.0,
            headroom_db: 0.0,
            headroom_deviation_db: 0.0,
            novelty_ratio,
        };
        assert_eq!(at(0.7).confidence_ratio(), 1.0);
        assert!((at(1.75).confidence_ratio() - 0.65).abs() < 1e-12);
        assert!((at(9.0).confidence_ratio() - 0.3).abs() < 1e-12);
    }
}
