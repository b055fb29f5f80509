//! What a measured value means for a listener or a service, in a few words.
//!
//! The thresholds in one place. Peaks and loudness: AES TD1008 and what streaming services ask for (-14 LUFS, -1 dBTP).
//! PLR and PSR: under 8 dB is squeezed, 12 dB and more dynamic (I. Shepherd's guides to PSR). Correlation, balance and
//! mono loss: usual quality control of mastering. They are hints, and genres differ.

use super::AnalysisDocument;
use super::figures::{hertz, number};

/// How good a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// As it should be.
    Good,
    /// Neither good nor bad.
    Plain,
    /// Worth a look.
    Warning,
    /// Wrong.
    Bad,
}

/// A judgement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    /// How good.
    pub(super) mood: Mood,
    /// Why.
    pub(super) text: String,
}

fn verdict(mood: Mood, text: impl Into<String>) -> Option<Verdict> {
    Some(Verdict { mood, text: text.into() })
}

/// A PLR or PSR under this is squeezed, dB.
const SQUEEZED_DB: f64 = 8.0;
/// Level to which most streaming services play, LUFS.
const STREAMING_LUFS: f64 = -14.0;

impl Verdict {
    /// Of a value by its id. `None` where there is nothing to say.
    pub(super) fn of(id: &str, value: Option<f64>, document: &AnalysisDocument) -> Option<Self> {
        use Mood::{Bad, Good, Plain, Warning};
        let Some(x) = value.filter(|value| value.is_finite()) else {
            return match id {
                "integrated_lufs" => verdict(Warning, "silent, or under 0.4 s: no loudness"),
                "codec_edge_hz" => verdict(Good, "no cliff: no trace of a lossy codec"),
                _ => None,
            };
        };
        match id {
            "integrated_lufs" => {
                let over = x - STREAMING_LUFS;
                let db = number(over.abs(), 1);
                if over > 0.05 {
                    verdict(Plain, format!("players at -14 LUFS turn it down by {db} dB"))
                } else {
                    verdict(Plain, format!("{db} dB under players at -14 LUFS"))
                }
            }
            "range_lu" if x < 3.0 => verdict(Plain, "very even"),
            "range_lu" if x > 15.0 => verdict(Warning, "quiet parts get lost in a car or on a train"),
            "psr_min_db" if x < SQUEEZED_DB => verdict(Plain, "limited in places"),
            "plr_db" | "psr_p5_db" if x < SQUEEZED_DB => verdict(Warning, "strongly limited"),
            "plr_db" | "psr_min_db" | "psr_p5_db" if x >= 12.0 => verdict(Good, "dynamic"),
            "dr14" if x < 8.0 => verdict(Warning, "strongly compressed"),
            "dr14" if x >= 14.0 => verdict(Good, "dynamic"),
            "plr_db" | "psr_min_db" | "psr_p5_db" | "dr14" => verdict(Plain, "moderate"),
            "true_dbtp" if x > 0.0 => verdict(Bad, "over full scale: players clip it"),
            "true_dbtp" if x > -1.0 => verdict(Warning, "over -1 dBTP: lossy encoding can clip"),
            "true_dbtp" => verdict(Good, "room for lossy encoding"),
            // As it is told, in hundredths: the largest sample of 16 bits lies 0.0003 dB under full scale.
            "sample_dbfs" if (100.0 * x).round() > 0.0 => verdict(Bad, "over full scale"),
            "sample_dbfs" if (100.0 * x).round() >= 0.0 => verdict(Warning, "at full scale"),
            "near_peak_percent" => {
                let flat = document.analysis.dynamics.limiting.is_some_and(|limiting| limiting.flat_top_ratio > 0.8);
                match (x, flat) {
                    (0.05.., true) => verdict(Bad, "flat tops: clipped"),
                    (0.05.., false) => verdict(Warning, "crowded under the peak: limited hard"),
                    (0.01.., _) => verdict(Plain, "limited"),
                    // A lossy decoder adds to the highest peak.
                    _ if document.file.lossy => verdict(Plain, "says nothing of a lossy file"),
                    _ => match document.analysis.loudness.psr_p5_db {
                        None => verdict(Plain, "too short to tell"),
                        // What was limited, was held lower than the highest peak.
                        Some(psr_db) if psr_db < SQUEEZED_DB => {
                            verdict(Plain, "says nothing here: peaks are held lower")
                        }
                        Some(_) => verdict(Good, "no sign of a limiter or clipper"),
                    },
                }
            }
            "correlation" if x < -0.05 => verdict(Warning, "cancels in mono"),
            "correlation_p5" if x < -0.05 => verdict(Warning, "cancels in mono in places"),
            "correlation" if x > 0.9999 => verdict(Plain, "mono"),
            "balance_db" if x.abs() > 1.5 => {
                let mood = if x.abs() > 6.0 { Bad } else { Warning };
                verdict(mood, if x > 0.0 { "leans to the left" } else { "leans to the right" })
            }
            "balance_db" => verdict(Good, "centred"),
            "mono_loss_db" if x > 3.0 => verdict(Warning, "loses much on a mono speaker"),
            "mono_loss_db" if x > 1.5 => verdict(Plain, "loses a little on a mono speaker"),
            "mono_loss_db" => verdict(Good, "safe in mono"),
            // Sample-rate converters and high-rate codecs both end here.
            "codec_edge_hz" if x >= 19_500.0 => verdict(Plain, "a converter's filter, or a codec's at a high rate"),
            // Whether a codec made it, quality control tells, by its form.
            "codec_edge_hz" => verdict(Plain, format!("nothing over {}", hertz(x))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn mood(id: &str, value: f64) -> Option<Mood> {
        Verdict::of(id, Some(value), &sample::before()).map(|verdict| verdict.mood)
    }

    #[test]
    fn limits_are_on_the_right_side() {
        assert_eq!([mood("true_dbtp", -1.0), mood("true_dbtp", -0.9)], [Some(Mood::Good), Some(Mood::Warning)]);
        assert_eq!([mood("true_dbtp", 0.0), mood("true_dbtp", 0.1)], [Some(Mood::Warning), Some(Mood::Bad)]);
        assert_eq!(
            [mood("plr_db", 7.9), mood("plr_db", 8.0), mood("plr_db", 12.0)].map(Option::unwrap),
            [Mood::Warning, Mood::Plain, Mood::Good]
        );
        assert_eq!([mood("balance_db", -1.6), mood("balance_db", 6.1)], [Some(Mood::Warning), Some(Mood::Bad)]);
        let words = |value| Verdict::of("balance_db", Some(value), &sample::before()).map(|verdict| verdict.text);
        assert_eq!([words(6.9), words(-6.9)].map(Option::unwrap), ["leans to the left", "leans to the right"]);
        assert_eq!(mood("crest_db", 10.0), None);
        let largest_dbfs = 20.0 * (32_767.0f64 / 32_768.0).log10();
        assert_eq!([mood("sample_dbfs", largest_dbfs), mood("sample_dbfs", -0.01)], [Some(Mood::Warning), None]);
        assert_eq!(mood("sample_dbfs", 1.87), Some(Mood::Bad));
    }

    #[test]
    fn few_samples_near_the_highest_absolve_nobody_whose_limiting_shows_elsewhere() {
        let mut document = sample::before();
        let of = |document: &AnalysisDocument| Verdict::of("near_peak_percent", Some(0.001), document).map(|v| v.mood);
        assert_eq!(of(&document), Some(Mood::Good));
        document.file.lossy = true;
        assert_eq!(of(&document), Some(Mood::Plain));
        document.file.lossy = false;
        for psr_db in [Some(5.0), None] {
            document.analysis.loudness.psr_p5_db = psr_db;
            assert_eq!(of(&document), Some(Mood::Plain), "{psr_db:?}");
        }
    }

    #[test]
    fn clipping_is_told_from_limiting() {
        let mut document = sample::before();
        let of = |document: &AnalysisDocument| Verdict::of("near_peak_percent", Some(0.2), document).map(|v| v.mood);
        assert_eq!(of(&document), Some(Mood::Warning));
        document.analysis.dynamics.limiting.as_mut().expect("there").flat_top_ratio = 0.95;
        assert_eq!(of(&document), Some(Mood::Bad));
    }

    #[test]
    fn what_does_not_exist_is_said_to_be_missing() {
        let document = sample::bare().before;
        assert!(Verdict::of("integrated_lufs", None, &document).is_some_and(|v| v.text.contains("silent")));
        assert_eq!(Verdict::of("plr_db", None, &document), None);
    }
}
