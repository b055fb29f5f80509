//! What networks make of a programme's spectrum: where it rings, and how its tone departs from that of music.
//!
//! Both were trained on songs with faults put into them, and see the same [`features`], segment by segment.
//! `models/MODEL_CARD.md` says on what and how well.

pub mod features;
mod networks;
mod spectrum;

use super::prior::Share;
use super::tonal::TONES;
use crate::audio::AudioBuffer;
use spectrum::FineSpectrum;

/// Windows of a segment, 40 s at 44.1 kHz: as long as what the networks were trained on.
const SEGMENT_WINDOWS: usize = 108;
/// The rest of a programme is left out where it is shorter than this, unless there is nothing else.
const MIN_REST_WINDOWS: usize = 54;

/// What was heard of a programme, to ask the networks about.
pub(super) struct Hints {
    bands_hz: Vec<f64>,
    segments: Vec<Vec<f32>>,
}

impl Hints {
    /// Where it rings, from low to high. Nowhere in a program built without networks.
    pub(super) fn resonances(&self) -> Vec<Resonance> {
        networks::resonances(&self.segments, &self.bands_hz)
    }

    /// How much of each fault of tone it has, as [`TONES`] orders them. `None` where the sample rate leaves out bands, where too
    /// little is heard, and in a program built without networks.
    pub(super) fn tone(&self) -> Option<[Share; TONES.len()]> {
        networks::tone(&self.segments)
    }
}

/// A narrow peak that stands at one frequency whatever is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Resonance {
    /// Its frequency.
    pub(super) hz: f64,
    /// What a bell would have to take off.
    pub(super) height_db: f64,
    /// That bell's Q.
    pub(super) q: f64,
    /// How sure the network is, 0 to 1.
    pub(super) certainty_ratio: f64,
}

/// Gathers the features of a programme.
pub(super) struct Listener {
    bands_hz: Vec<f64>,
    spectrum: FineSpectrum,
    segments: Vec<Vec<f32>>,
}

impl Listener {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        let bands_hz = bands_hz(sample_rate_hz);
        Self { spectrum: FineSpectrum::new(&bands_hz, sample_rate_hz), bands_hz, segments: Vec::new() }
    }

    /// Takes the next block. How a programme is cut into blocks changes nothing.
    pub(super) fn push(&mut self, block: &AudioBuffer) {
        let (mut left, mut right) = (block.left(), block.right());
        while !left.is_empty() {
            let taken = self.spectrum.push(left, right);
            (left, right) = (&left[taken..], &right[taken..]);
            if self.spectrum.windows() == SEGMENT_WINDOWS {
                self.end_segment();
            }
        }
    }

    fn end_segment(&mut self) {
        self.segments.extend(features::of(&self.spectrum));
        self.spectrum.clear();
    }

    /// Ends the programme.
    pub(super) fn finish(mut self) -> Hints {
        self.end_programme();
        Hints { bands_hz: self.bands_hz, segments: self.segments }
    }

    fn end_programme(&mut self) {
        if self.segments.is_empty() || self.spectrum.windows() >= MIN_REST_WINDOWS {
            self.end_segment();
        }
    }
}

/// Centres of the bands that a sample rate can hold, Hz: the columns of the features.
pub fn bands_hz(sample_rate_hz: u32) -> Vec<f64> {
    spectrum::centers_hz(sample_rate_hz)
}

/// Features of each segment of a programme, for training: see [`features::names`].
pub fn segments_of(audio: &AudioBuffer) -> Vec<Vec<f32>> {
    let mut listener = Listener::new(audio.sample_rate_hz());
    listener.push(audio);
    listener.end_programme();
    listener.segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::Noise;

    /// Noise of two channels that have little in common.
    fn noise(sample_rate_hz: u32, seconds: f64) -> AudioBuffer {
        let (mut left, mut right) = (Noise(3), Noise(7));
        let frames = (seconds * f64::from(sample_rate_hz)) as usize;
        let channel = |of: &mut Noise| (0..frames).map(|_| 0.1 * of.next() as f32).collect();
        AudioBuffer::from_channels(sample_rate_hz, channel(&mut left), channel(&mut right))
    }

    #[test]
    fn blocks_change_nothing() {
        let audio = noise(44_100, 47.0);
        let whole = segments_of(&audio);
        assert_eq!(whole.len(), 1, "a rest of 7 s is left out");
        for frames in [1_000, 16_384, 100_003] {
            let mut listener = Listener::new(44_100);
            for (left, right) in audio.left().chunks(frames).zip(audio.right().chunks(frames)) {
                listener.push(&AudioBuffer::from_channels(44_100, left.to_vec(), right.to_vec()));
            }
            listener.end_programme();
            assert_eq!(listener.segments, whole);
        }
    }

    #[test]
    fn level_and_order_of_the_channels_change_nothing() {
        let audio = noise(44_100, 10.0);
        // A power of 2, so that nothing is rounded.
        let quieter = |channel: &[f32]| channel.iter().map(|x| x / 128.0).collect();
        let changed = AudioBuffer::from_channels(44_100, quieter(audio.right()), quieter(audio.left()));
        let (before, after) = (segments_of(&audio), segments_of(&changed));
        let farthest = before[0].iter().zip(&after[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(farthest < 1e-3, "{farthest}");
    }

    #[test]
    fn every_sample_rate_has_as_many_bands_as_it_holds() {
        for (sample_rate_hz, bands) in [(8_000, 121), (22_050, 156), (44_100, 168), (96_000, 168), (192_000, 168)] {
            let segments = segments_of(&noise(sample_rate_hz, 8.0));
            assert_eq!(segments.len(), 1);
            assert_eq!(segments[0].len(), features::names().len() * bands, "{sample_rate_hz} Hz");
            assert!(segments[0].iter().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn where_too_little_is_heard_nothing_is_said() {
        for audio in [noise(44_100, 0.0), noise(44_100, 2.0)] {
            let mut listener = Listener::new(44_100);
            listener.push(&audio);
            let hints = listener.finish();
            assert!(hints.resonances().is_empty() && hints.tone().is_none());
        }
    }

    #[cfg(feature = "ml")]
    #[test]
    fn low_sample_rates_have_resonances_and_no_tone() {
        let ringing = |channel: &[f32]| {
            let section = crate::dsp::biquad::Coefficients::bell(890.0, 16.0, 14.0, 8_000);
            let mut frames: Vec<[f64; 2]> = channel.iter().map(|x| [f64::from(*x); 2]).collect();
            crate::dsp::biquad::Cascade::new([section]).process(&mut frames);
            frames.iter().map(|frame| frame[0] as f32).collect()
        };
        let audio = noise(8_000, 30.0);
        let mut listener = Listener::new(8_000);
        listener.push(&AudioBuffer::from_channels(8_000, ringing(audio.left()), ringing(audio.right())));
        let hints = listener.finish();
        let resonances = hints.resonances();
        let found = resonances.iter().max_by(|a, b| a.certainty_ratio.total_cmp(&b.certainty_ratio));
        assert!(found.is_some_and(|found| (found.hz / 890.0).log2().abs() < 0.05), "{resonances:?}");
        assert!(hints.tone().is_none());
    }
}
