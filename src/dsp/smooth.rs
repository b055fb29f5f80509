//! Changes of settings without clicks: the old and the new processor run side by side and are crossfaded.
//!
//! A filter whose coefficients jump rings with a state that isn't its own. Here the new settings get a processor of
//! their own, which first runs unheard until it has settled, then takes over along a raised cosine: what is heard is at
//! every moment a mix of two clean signals.

use std::f64::consts::PI;

use super::{Frame, Processor, Retune};
use crate::error::{Error, Result};
use crate::units::ms_to_frames;

/// How long a new processor runs unheard before it is faded in, at least.
const SETTLE_MS: f64 = 10.0;
/// How long the fade takes.
const FADE_MS: f64 = 20.0;

/// Frames that are worked on at a time during a fade.
const PIECE: usize = 128;

/// A processor that takes new settings without a click, within 30 ms, or 20 ms after it has
/// [settled](Retune::settle_frames) where that takes longer.
#[derive(Debug, Clone)]
pub struct Smooth<P> {
    current: P,
    incoming: Option<P>,
    /// Settings that came during a fade wait for its end; only the last ones count.
    waiting: Option<P>,
    /// Frames since the change.
    position: usize,
    /// Frames that a processor is given to settle, at least.
    settle: usize,
    fade: usize,
}

impl<P: Retune> Smooth<P> {
    /// Wraps a processor.
    pub fn new(processor: P, sample_rate_hz: u32) -> Self {
        Self {
            current: processor,
            incoming: None,
            waiting: None,
            position: 0,
            settle: ms_to_frames(SETTLE_MS, sample_rate_hz),
            fade: ms_to_frames(FADE_MS, sample_rate_hz).max(1),
        }
    }

    /// Changes the settings, which must be valid. Allocates; [`process`](Processor::process) does not.
    ///
    /// # Errors
    /// [`Error::Setting`] if they change the latency: what comes at two times can't be crossfaded.
    pub fn set(&mut self, settings: &P::Settings) -> Result<()> {
        let next = self.incoming.as_ref().unwrap_or(&self.current).retuned(settings);
        let (was, is) = (self.current.latency_frames(), next.latency_frames());
        if is != was {
            let reason = format!("it would go from {was} to {is} frames; begin with a new processor instead");
            return Err(Error::setting("latency", reason));
        }
        if self.incoming.is_some() {
            self.waiting = Some(next);
        } else {
            self.incoming = Some(next);
            self.position = 0;
        }
        Ok(())
    }

    /// The processor that is heard, or was last.
    pub fn processor(&self) -> &P {
        &self.current
    }

    /// Runs a block piece by piece; `play` has a processor play a piece that begins at a frame of the block.
    fn run(&mut self, frames: &mut [Frame], play: impl Fn(&mut P, &mut [Frame], usize)) {
        let (mut rest, mut begin) = (frames, 0);
        while let Some(incoming) = &mut self.incoming
            && !rest.is_empty()
        {
            let settle = self.settle.max(incoming.settle_frames());
            let end = settle + self.fade;
            let (piece, tail) = rest.split_at_mut(rest.len().min(PIECE).min(end - self.position));
            let length = piece.len();
            let mut fresh = [[0.0; 2]; PIECE];
            let fresh = &mut fresh[..length];
            // Unheard, so that its delays and envelopes hold what came last when its turn comes.
            if let Some(waiting) = &mut self.waiting {
                fresh.copy_from_slice(piece);
                play(waiting, fresh, begin);
            }
            fresh.copy_from_slice(piece);
            play(&mut self.current, piece, begin);
            play(incoming, fresh, begin);
            for (frame, fresh) in piece.iter_mut().zip(fresh) {
                self.position += 1;
                let phase = self.position.saturating_sub(settle) as f64 / self.fade as f64;
                let share = 0.5 - 0.5 * (PI * phase).cos();
                *frame = [frame[0] + share * (fresh[0] - frame[0]), frame[1] + share * (fresh[1] - frame[1])];
            }
            if self.position == end
                && let Some(incoming) = self.incoming.take()
            {
                self.current = incoming;
                self.incoming = self.waiting.take();
                self.position = 0;
            }
            (rest, begin) = (tail, begin + length);
        }
        if !rest.is_empty() {
            play(&mut self.current, rest, begin);
        }
    }
}

impl<P: Retune> Processor for Smooth<P> {
    fn process(&mut self, frames: &mut [Frame]) {
        self.run(frames, |processor, piece, _| processor.process(piece));
    }

    fn process_with_side_chain(&mut self, frames: &mut [Frame], side_chain: &[Frame]) {
        assert_eq!(frames.len(), side_chain.len(), "a side-chain has as many frames as the signal");
        self.run(frames, |processor, piece, begin| {
            processor.process_with_side_chain(piece, &side_chain[begin..begin + piece.len()]);
        });
    }

    /// The last settings remain, without a fade.
    fn reset(&mut self) {
        if let Some(last) = self.waiting.take().or(self.incoming.take()) {
            self.current = last;
        }
        self.position = 0;
        self.current.reset();
    }

    fn latency_frames(&self) -> usize {
        self.current.latency_frames()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::dsp::biquad::{Cascade, Coefficients};
    use crate::dsp::compressor::{Compressor, CompressorSettings};
    use crate::dsp::eq::{BandKind, EqBand, Equalizer};
    use crate::dsp::eq_fir::{EqMode, FirEqualizer};
    use crate::dsp::multiband::{Bands, BandsSettings, Crossover};
    use crate::dsp::testing::noise;

    /// Level in dB of the loudest sample above 6 kHz while a 440 Hz tone at -6 dBFS passes a processor whose settings
    /// change half a second after its output has begun.
    pub(crate) fn click_db<P: Retune>(processor: P, settings: &[&P::Settings]) -> f64 {
        let begin = processor.latency_frames();
        let mut smooth = Smooth::new(processor, 48_000);
        let mut output: Vec<Frame> = (0..begin + 96_000)
            .map(|n| 0.5 * (n as f64 * 440.0 * std::f64::consts::TAU / 48_000.0).sin())
            .map(|x| [x, 0.9 * x])
            .collect();
        let (before, after) = output.split_at_mut(begin + 24_000);
        before.chunks_mut(100).for_each(|block| smooth.process(block));
        let mut settings = settings.iter();
        after.chunks_mut(700).for_each(|block| {
            if let Some(settings) = settings.next() {
                smooth.set(settings).expect("the same latency");
            }
            smooth.process(block);
        });
        Cascade::new([0.51, 0.6, 0.9, 2.56].map(|q| Coefficients::high_pass(6000.0, q, 48_000))).process(&mut output);
        20.0 * output[begin + 23_000..].iter().flatten().fold(1e-12f64, |peak, x| peak.max(x.abs())).log10()
    }

    #[test]
    fn an_equaliser_changes_without_a_click() {
        let band = |kind, frequency_hz, gain_db| [EqBand { kind, frequency_hz, gain_db, ..EqBand::default() }];
        let flat = Equalizer::new(&[], 48_000);
        let changes = [
            band(BandKind::Bell, 440.0, 12.0),
            band(BandKind::LowShelf, 300.0, -12.0),
            band(BandKind::HighPass, 1000.0, 0.0),
            band(BandKind::Notch, 440.0, 0.0),
        ];
        for change in &changes {
            let click_db = click_db(flat.clone(), &[change]);
            assert!(click_db < -80.0, "{change:?}: {click_db} dBFS");
        }
        // A knob turned: changes come faster than fades.
        let changes: Vec<_> = (0..50).map(|k| band(BandKind::Bell, 440.0, 0.24 * f64::from(k))).collect();
        let changes: Vec<&[EqBand]> = changes.iter().map(<[EqBand; 1]>::as_slice).collect();
        assert!(click_db(flat, &changes) < -80.0);
    }

    #[test]
    fn what_works_in_blocks_or_has_to_be_filled_changes_without_a_click_or_a_gap() {
        let bands = [EqBand { frequency_hz: 440.0, gain_db: -12.0, ..EqBand::default() }];
        let linear = FirEqualizer::new(&[], EqMode::LinearPhase, 48_000);
        let click_db = click_db(linear, &[&bands]);
        assert!(click_db < -80.0, "{click_db} dBFS");

        let settings = BandsSettings { crossover: Crossover::LinearPhase, ..BandsSettings::default() };
        let mut smooth = Smooth::new(Bands::new(&settings, 48_000), 48_000);
        let tone = |n: usize| [0.5 * (n as f64 * 440.0 * std::f64::consts::TAU / 48_000.0).sin(); 2];
        let mut output: Vec<Frame> = (0..144_000).map(tone).collect();
        let (before, after) = output.split_at_mut(48_000);
        smooth.process(before);
        let moved = BandsSettings { corners_hz: vec![200.0, 900.0, 5000.0], ..settings.clone() };
        smooth.set(&moved).expect("the same latency");
        smooth.process(after);
        // Neither set of corners changes the sum of the bands: it stays the tone.
        let late = smooth.processor().latency_frames();
        for (n, frame) in output.iter().enumerate().skip(24_000) {
            assert!((frame[0] - tone(n - late)[0]).abs() < 1e-6, "{n}");
        }
        // Changes during a fade, of what has a memory as long as a fade.
        let looking = |threshold_db: f64| CompressorSettings {
            ratio: 1.0,
            threshold_db,
            look_ahead_ms: 20.0,
            ..CompressorSettings::default()
        };
        let (first, second, third) = (looking(-10.0), looking(-20.0), looking(-30.0));
        let click_db = self::click_db(Compressor::new(&first, 48_000), &[&second, &third, &first, &second]);
        assert!(click_db < -80.0, "{click_db} dBFS");

        let with_look_ahead =
            |look_ahead_ms: f64| CompressorSettings { look_ahead_ms, ..CompressorSettings::default() };
        let mut compressor = Smooth::new(Compressor::new(&with_look_ahead(0.0), 48_000), 48_000);
        let error = compressor.set(&with_look_ahead(5.0)).unwrap_err().to_string();
        assert!(error.contains("from 0 to 240 frames"), "{error}");
    }

    #[test]
    fn a_side_chain_is_heard_through_a_change() {
        let (input, heard) = (noise(5000, 1), noise(5000, 2));
        let settings = CompressorSettings { threshold_db: -30.0, ..CompressorSettings::default() };
        let mut expected = input.clone();
        Compressor::new(&settings, 48_000).process_with_side_chain(&mut expected, &heard);
        let mut smooth = Smooth::new(Compressor::new(&settings, 48_000), 48_000);
        let mut output = input;
        for (n, (block, heard)) in output.chunks_mut(333).zip(heard.chunks(333)).enumerate() {
            // To the same again: it goes on as if nothing had been.
            if n == 3 {
                smooth.set(&settings).expect("the same latency");
            }
            smooth.process_with_side_chain(block, heard);
        }
        assert_eq!(output, expected);
    }

    #[test]
    fn after_a_reset_the_last_settings_play_alone() {
        let bell = |gain_db| [EqBand { gain_db, ..EqBand::default() }];
        let input = noise(2000, 3);
        let mut expected = input.clone();
        Equalizer::new(&bell(-6.0), 48_000).process(&mut expected);
        let mut smooth = Smooth::new(Equalizer::new(&[], 48_000), 48_000);
        // The second waits until the first has been faded in, at frame 1440.
        for gain_db in [6.0, -6.0] {
            smooth.set(&bell(gain_db)).expect("no latency");
            smooth.process(&mut input[..700].to_vec());
        }
        smooth.reset();
        let mut output = input;
        smooth.process(&mut output);
        assert_eq!(output, expected);
    }

    #[test]
    fn blocks_do_not_matter_and_the_last_settings_stay() {
        let input: Vec<Frame> = (0..20_000).map(|n| [f64::from(n % 71) - 35.0, f64::from(n % 13)]).collect();
        let bands = [EqBand { gain_db: 6.0, ..EqBand::default() }];
        let run = |block: usize| {
            let mut smooth = Smooth::new(Equalizer::new(&[], 48_000), 48_000);
            smooth.set(&bands).expect("no latency");
            smooth.set(&[]).expect("no latency");
            let mut output = input.clone();
            output.chunks_mut(block).for_each(|block| smooth.process(block));
            output
        };
        let output = run(20_000);
        assert_eq!(output, run(89));
        assert_eq!(output[..400], input[..400]);
        assert_eq!(output[4000..], input[4000..]);
    }
}
