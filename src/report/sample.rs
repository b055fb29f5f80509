//! A made-up master for the tests of the writers.

use super::document::ReductionsDocument;
use super::{
    AlbumTranslationDocument, AnalysisDocument, FileDocument, MasterCurves, MasterReport, ModelDocument,
    SuggestionDocument, TranslationDocument,
};
use crate::dsp::compressor::{BandCompressorSettings, CompressorSettings};
use crate::dsp::eq::{BandChannel, BandKind, EqBand, response_db};
use crate::dsp::leveler::LevelerSettings;
use crate::dsp::limiter::LimiterSettings;
use crate::dsp::multiband::MultibandSettings;
use crate::engine::Recipe;
use crate::master::{Promise, Promised};
use crate::measure::PeakShape;
use crate::measure::analysis::{
    Analysis, BandDynamics, BandStereo, DynamicsAnalysis, HighPeak, LoudnessAnalysis, PeakAnalysis, SpectrumAnalysis,
    StereoAnalysis, StereoOverTime,
};
use crate::measure::wide_bands::{WIDE_BANDS, WideBand};
use crate::quality::{Check, Finding, Severity};
use crate::suggest::{CurvePoint, Quantity, Suggestion};
use crate::translate::ceiling::{CeilingFix, CeilingOutcome, CodecOver};
use crate::translate::codecs::CodecCheck;
use crate::translate::fix::{Change, Fix, LeftOut, Verified};
use crate::translate::platforms::{Album, AlbumPlayback, Playback};
use crate::translate::{AppliedFix, DeviceScore, DeviceTranslation, LostElement, Parts, SectionScore, Translation};

fn centers_hz() -> Vec<f64> {
    (-16..=13).map(|k| 1000.0 * 10f64.powf(f64::from(k) / 10.0)).collect()
}

/// A plausible programme: `lufs` loud, with `bump_db` more around 300 Hz and `air_db` more above 8 kHz.
fn programme(
    path: &str,
    lufs: f64,
    peak_dbtp: f64,
    bump_db: f64,
    air_db: f64,
    widths_db: [f64; 4],
) -> AnalysisDocument {
    let level = |hz: f64| {
        let octaves = (hz / 80.0f64).log2();
        let bell = |center: f64, width: f64| (-((hz / center).log2() / width).powi(2)).exp();
        let low_cut = -14.0 * (40.0 / hz).powi(2).min(3.0);
        let high_cut = -10.0 * (hz / 15_000.0).powi(4).min(2.5);
        lufs - 9.0 - 1.6 * octaves.max(0.0)
            + low_cut
            + high_cut
            + bump_db * bell(300.0, 0.8)
            + air_db * bell(12_000.0, 1.2)
            + 1.2 * (hz.ln() * 3.1).sin()
    };
    let center_hz = centers_hz();
    let mid_db: Vec<_> = center_hz.iter().map(|&hz| Some(level(hz))).collect();
    let width = |hz: f64| WIDE_BANDS.iter().position(|band| hz < band.high_hz).map_or(-12.0, |b| widths_db[b]);
    let side_db = center_hz.iter().map(|&hz| Some(level(hz) + width(hz))).collect();
    let plr_db = peak_dbtp - lufs;
    let bands = WIDE_BANDS.into_iter().zip(widths_db);
    let analysis = Analysis {
        loudness: LoudnessAnalysis {
            integrated_lufs: Some(lufs),
            range_lu: Some(0.45 * plr_db),
            max_momentary_lufs: Some(lufs + 3.6),
            max_short_term_lufs: Some(lufs + 2.1),
            plr_db: Some(plr_db),
            psr_min_db: Some(plr_db - 1.3),
            psr_p5_db: Some(plr_db - 0.9),
        },
        peak: PeakAnalysis {
            sample_dbfs: Some(peak_dbtp - 0.3),
            true_dbtp: Some(peak_dbtp),
            highest: vec![HighPeak { time_s: 61.25, channel: "left", true_dbtp: peak_dbtp }],
        },
        spectrum: SpectrumAnalysis {
            spread_db: vec![Some(9.4); center_hz.len()],
            center_hz,
            mid_db,
            side_db,
            tilt_db_per_octave: Some(-1.4 + 0.1 * air_db),
            centroid_hz: Some(310.0),
            centroid_spread_hz: Some(820.0),
            sub_to_bass_db: Some(-4.2),
            codec_edge_hz: None,
        },
        dynamics: DynamicsAnalysis {
            crest_db: Some(plr_db + 2.4),
            short_crest_db: Some(plr_db - 0.6),
            dr14: Some(plr_db - 0.9),
            short_to_long_p95_db: Some(3.1),
            limiting: Some(PeakShape { within_1_db_ratio: 0.002, within_0_1_db_ratio: 5e-5, flat_top_ratio: 0.3 }),
            coincidence_ratio: Some(0.4),
            bands: WIDE_BANDS
                .into_iter()
                .map(|WideBand { low_hz, high_hz, .. }| BandDynamics {
                    low_hz,
                    high_hz,
                    p10_db: Some(lufs - 14.2),
                    p50_db: Some(lufs - 7.9),
                    p95_db: Some(lufs - 2.3),
                    spread_db: Some(11.9),
                    long_range_db: Some(7.7),
                    short_to_long_p10_db: Some(-4.9),
                    short_to_long_p50_db: Some(-0.6),
                    short_to_long_p95_db: Some(3.8),
                })
                .collect(),
        },
        stereo: StereoAnalysis {
            correlation: Some(0.71),
            width_db: Some(widths_db[2]),
            balance_db: Some(-0.03),
            mono_loss_db: Some(0.6),
            over_time: StereoOverTime {
                correlation_p5: Some(0.41),
                correlation_p50: Some(0.72),
                negative_ratio: Some(0.0),
                width_p10_db: Some(-14.0),
                width_p90_db: Some(-7.0),
                balance_p5_db: Some(-0.8),
                balance_p95_db: Some(0.7),
            },
            bands: bands
                .map(|(WideBand { low_hz, high_hz, .. }, width_db)| BandStereo {
                    low_hz,
                    high_hz,
                    correlation: Some(0.8),
                    width_db: Some(width_db),
                    balance_db: Some(0.2),
                    mono_loss_db: Some(0.5),
                })
                .collect(),
        },
    };
    let file = FileDocument {
        path: path.into(),
        format: "WAV".into(),
        sample_rate_hz: 44_100,
        channels: 2,
        bits: Some(24),
        lossy: false,
        duration_s: 222.3,
    };
    AnalysisDocument { schema: "halfspeed.analysis/1", file, analysis, quality: vec![finding()] }
}

fn finding() -> Finding {
    Finding::new(Check::Clipping, Severity::Warning, 3.0, 1.0, "3 clipped peaks; export the mix at a lower level.")
        .at(vec![12.345, 61.0])
}

pub(super) fn before() -> AnalysisDocument {
    programme("session/Night Drive mix 7.wav", -18.4, -3.12, 3.2, -2.5, [-24.1, -14.0, -9.8, -11.2])
}

pub(super) fn after() -> AnalysisDocument {
    programme("out/Night Drive master.wav", -9.04, -1.02, 1.1, -0.4, [-24.3, -12.9, -8.4, -8.1])
}

pub(super) fn reference() -> AnalysisDocument {
    let mut document = programme("refs/Some Hit.flac", -8.6, -0.21, 0.2, 0.8, [-28.0, -11.7, -7.2, -6.3]);
    document.file.duration_s = 187.0;
    document
}

pub(super) fn suggestion() -> SuggestionDocument {
    eq_suggestion("low_mids", "-2.1 dB at 310 Hz, Q 0.8", 170.0, 565.0, [5.2, 3.3, 3.4, 2.6])
}

fn eq_suggestion(id: &str, setting: &str, low_hz: f64, high_hz: f64, values: [f64; 4]) -> SuggestionDocument {
    let [before, predicted, achieved, reference] = values;
    let quantity = Quantity::BandLevel { low_hz, high_hz };
    let suggestion = Suggestion {
        id: format!("eq.{id}"),
        setting: setting.into(),
        cause: format!(
            "{low_hz:.0} to {high_hz:.0} Hz lie {:.1} dB {} the reference",
            (before - reference).abs(),
            if before > reference { "above" } else { "below" }
        ),
        quantity,
        before: Some(before),
        predicted: Some(predicted),
    };
    SuggestionDocument::new(suggestion, Some(achieved), Some(reference))
}

fn suggestions() -> Vec<SuggestionDocument> {
    let width = Suggestion {
        id: "width".into(),
        setting: "side +3.2 dB".into(),
        cause: "narrower than the reference: side over mid is -11.2 dB, the reference's -6.3 dB".into(),
        quantity: Quantity::Width,
        before: Some(-11.2),
        predicted: Some(-8.0),
    };
    let compression = Suggestion {
        id: "compression.bass".into(),
        setting: "ratio 1.42 from -31.2 dB, 20 to 120 Hz".into(),
        cause: "level spreads by 6.9 dB from the median to the 95th percentile, the reference's by 4.1 dB".into(),
        quantity: Quantity::Spread { band: 0 },
        before: Some(6.9),
        predicted: Some(5.6),
    };
    vec![
        suggestion(),
        eq_suggestion("bass", "+0.9 dB shelf below 90 Hz", 35.0, 90.0, [9.1, 9.9, 8.2, 9.4]),
        eq_suggestion("presence", "+0.8 dB at 3150 Hz, Q 1.1", 2000.0, 4960.0, [-4.1, -3.4, -3.3, -3.2]),
        eq_suggestion("air", "+2.0 dB shelf above 8200 Hz", 8200.0, 17_000.0, [-15.3, -13.4, -11.9, -12.0]),
        SuggestionDocument::new(width, Some(-8.1), Some(-6.3)),
        SuggestionDocument::new(compression, None, Some(4.1)),
    ]
}

fn recipe() -> Recipe {
    let band = |name: &str, kind, frequency_hz, gain_db, q| EqBand {
        name: name.into(),
        kind,
        frequency_hz,
        gain_db,
        q,
        ..EqBand::default()
    };
    let mut multiband = MultibandSettings::default();
    multiband.bands[0].compressor =
        Some(BandCompressorSettings { threshold_db: -31.2, ratio: 1.42, attack_ms: 40.0, ..Default::default() });
    multiband.bands[3].side_gain_db = 3.2;
    Recipe {
        eq: vec![
            band("low mids", BandKind::Bell, 310.0, -2.1, 0.8),
            band("bass", BandKind::LowShelf, 90.0, 0.9, 0.7),
            band("presence", BandKind::Bell, 3150.0, 0.8, 1.1),
            band("air", BandKind::HighShelf, 8200.0, 2.0, 0.7),
        ],
        multiband: Some(multiband),
        glue: Some(CompressorSettings::default()),
        leveler: Some(LevelerSettings::default()),
        limiter: LimiterSettings { drive_db: 10.3, ceiling_dbtp: -1.03, ..Default::default() },
        ..Recipe::default()
    }
}

fn promise(id: Promised, unit: &'static str, wanted: f64, measured: f64, tolerance: f64) -> Promise {
    Promise { id, unit, wanted, measured: Some(measured), tolerance, met: true, reason: None, wanted_because: None }
}

/// Short-term loudness of a song of `seconds` around `lufs`, with intro, breakdown and fade.
fn short_term_lufs(seconds: f64, lufs: f64, depth: f64) -> Vec<f64> {
    let count = ((seconds - 3.0) * 10.0) as usize;
    (0..count)
        .map(|k| {
            let (time, share) = (k as f64 / 10.0, k as f64 / count as f64);
            let section = if share < 0.12 || (0.55..0.63).contains(&share) { -depth } else { 0.0 };
            let fade = if share > 0.96 { -400.0 * (share - 0.96) } else { 0.0 };
            let wobble = (time * 0.9).sin() + 0.7 * (time * 2.3).sin() + 0.4 * (time * 7.1).sin();
            if k < 20 { f64::NEG_INFINITY } else { lufs + 0.8 + section + fade + 0.35 * depth / 6.0 * wobble }
        })
        .collect()
}

/// A master with everything in it: one suggestion went the wrong way, one came out too far, one can't be measured.
pub(super) fn report() -> MasterReport {
    let settings = recipe();
    let eq = |hz: f64| response_db(&settings.eq, BandChannel::Mid, hz, 44_100);
    let points = |frequencies: Vec<f64>, of: &dyn Fn(f64) -> f64| -> Vec<CurvePoint> {
        frequencies.into_iter().map(|frequency_hz| CurvePoint { frequency_hz, gain_db: of(frequency_hz) }).collect()
    };
    let curves = MasterCurves {
        before_short_term_lufs: short_term_lufs(222.3, -18.4, 9.0),
        after_short_term_lufs: short_term_lufs(222.3, -9.04, 6.0),
        reference_short_term_lufs: short_term_lufs(187.0, -8.6, 4.0),
        leveler_reduction_db: (0..2223).map(|k| if k % 10 < 6 { 5.2 } else { 1.5 }).collect(),
        limiter_reduction_db: (0..2223)
            .map(|k| {
                let time = f64::from(k) / 10.0;
                let loud = if !(25.0..213.0).contains(&time) || (122.0..140.0).contains(&time) { 0.1 } else { 1.0 };
                loud * (2.0 + 1.5 * (time * 12.6).sin() + 1.1 * (time * 3.7).cos()).max(0.0)
            })
            .collect(),
        eq_response: points((0..200).map(|k| 20.0 * 1000f64.powf(f64::from(k) / 199.0)).collect(), &eq),
        eq_target: points(centers_hz(), &|hz| eq(hz) + 0.4 * (hz.ln() * 4.0).sin()),
    };
    MasterReport {
        schema: "halfspeed.master/1",
        version: "0.1.0",
        before: before(),
        after: after(),
        reference: Some(reference()),
        other_references: Vec::new(),
        profile: None,
        suggestions: suggestions(),
        verified: vec![
            promise(Promised::IntegratedLoudness, "LUFS", -9.0, -9.04, 0.1),
            promise(Promised::TruePeak, "dBTP", -1.0, -1.02, 0.0),
            promise(Promised::Length, "frames", 9_803_430.0, 9_803_430.0, 0.0),
        ],
        translation: Some(translation()),
        model: ModelDocument {
            name: "classical",
            likeness_ratio: Some(0.17),
            matched_ratio: Some(0.09),
            verdict: None,
            refinement: None,
        },
        reductions: ReductionsDocument {
            multiband_db: [2.4, 0.0, 0.0, 0.0],
            glue_db: 1.8,
            leveler_db: 5.2,
            limiter_db: 4.6,
            leveler_and_limiter_p95_db: 7.1,
        },
        notes: vec!["The mix is MP3, a lossy format; a lossless export makes a better master.".into()],
        curves,
        settings,
    }
}

/// How it translates: a weak phone, a car without reference, and a fix that was left out.
pub(super) fn translation() -> Translation {
    let center_hz = centers_hz();
    let score = |score: f64, cut_hz: f64| DeviceScore {
        score: Some(score),
        parts: Parts { bass: Some(score - 20.0), lead: Some(score + 8.0), ..Parts::default() },
        bands: center_hz.iter().map(|hz| Some(-24.0 * (cut_hz / hz).log2().max(0.0))).collect(),
    };
    let section = |from, to, score| SectionScore {
        times_s: [from, to],
        score: Some(score),
        parts: Parts::default(),
        before: Some(score - 8.0),
    };
    let verified = Verified {
        gain: 3.1,
        worst_harm: 2.6,
        harmed: Some("car".into()),
        passes: false,
        left_out: Some(LeftOut::Harms),
    };
    let change = Change::BassHarmonics { level_db: -12.0 };
    Translation {
        platforms: vec![Playback {
            id: "spotify".into(),
            name: "Spotify, normal".into(),
            gain_db: -5.0,
            true_dbtp: Some(-6.0),
            limited_db: 0.0,
            played_lufs: Some(-14.0),
            given_up_db: 5.0,
            advised_dbtp: -2.0,
            over_advice_db: 0.0,
            album_gain_db: None,
        }],
        platforms_as_of: "2025-10".into(),
        devices: vec![
            DeviceTranslation {
                id: "phone-mono".into(),
                name: "Phone, one speaker".into(),
                own: score(41.2, 500.0),
                sections: vec![section(0.0, 61.0, 38.0), section(61.0, 222.3, 44.0)],
                before: Some(score(33.0, 500.0)),
                change: Some(8.2),
                reference: Some(score(47.0, 500.0)),
                fixes: vec![Fix { change, setting: change.describe(), predicted_gain: 4.0, verified: Some(verified) }],
            },
            DeviceTranslation {
                id: "car".into(),
                name: "Car <\u{1b}motorway>".into(),
                own: score(66.0, 40.0),
                sections: Vec::new(),
                before: Some(score(72.0, 40.0)),
                change: Some(-6.0),
                reference: None,
                fixes: Vec::new(),
            },
        ],
        bass_lack_db: None,
        plr_change_db: None,
        unscored: Vec::new(),
        lost_in_mono: vec![LostElement {
            band_hz: [1_778.3, 2_818.4],
            times_s: (0..6).map(|k| [f64::from(k) * 20.0, f64::from(k) * 20.0 + 3.0]).collect(),
            loss_db: 9.0,
        }],
        codecs: vec![CodecCheck {
            id: "opus-128".into(),
            encoder: "opus-pure".into(),
            true_dbtp: Some(0.4),
            rise_db: Some(1.4),
            loudness_change_lu: Some(-0.44),
            band_limit_hz: Some(19_900.0),
            side_change_db: Some(-0.4),
            noise_to_mask_db: center_hz.iter().map(|_| Some(-3.0)).collect(),
            worst_noise_to_mask_db: Some(-3.0),
            passes: false,
            passing_ceiling_dbtp: Some(-1.6),
        }],
        codecs_absent: vec!["mp3: no encoder for mp3 was found that works; install lame or ffmpeg".into()],
        applied: vec![AppliedFix {
            device: "phone-mono".into(),
            name: "Phone, one speaker".into(),
            change: Change::MonoBass { below_hz: 150.0 },
            setting: "mono below 150 Hz".into(),
            gain: 1.4,
        }],
        ceiling: Some(CeilingFix {
            codecs: vec![CodecOver { id: "vorbis-96".into(), before_dbtp: Some(1.006), after_dbtp: Some(-0.12) }],
            from_dbtp: -1.0,
            to_dbtp: Some(-2.3),
            loudness_change_lu: Some(-0.31),
            worst_harm: 2.6,
            harmed: Some("car".into()),
            outcome: CeilingOutcome::Applied,
        }),
        center_hz,
    }
}

/// An album of two tracks, one 4 dB louder than the other.
pub(super) fn album_translation() -> AlbumTranslationDocument {
    let track = |document: AnalysisDocument, gain_db: f64| {
        let mut translation = translation();
        translation.platforms[0].gain_db = gain_db;
        TranslationDocument {
            schema: "halfspeed.translation/1",
            file: document.file,
            before: None,
            reference: None,
            translation,
        }
    };
    let service = |id: &str, name: &str, gain_db: Option<f64>| AlbumPlayback {
        id: id.into(),
        name: name.into(),
        target_lufs: Some(-14.0),
        gain_db,
        played_lufs: gain_db.map(|gain| -12.0 + gain),
        true_dbtp: gain_db.map(|gain| -1.0 + gain),
        limited_db: 0.0,
        given_up_db: gain_db.map_or(0.0, |gain| -gain),
    };
    AlbumTranslationDocument {
        schema: "halfspeed.album-translation/1",
        album: Some(Album { integrated_lufs: -12.0, loudest_track_lufs: -10.0, true_dbtp: -1.0, sample_dbfs: -1.1 }),
        platforms: vec![
            service("spotify", "Spotify, normal", Some(-2.0)),
            service("youtube", "YouTube", None),
            AlbumPlayback { target_lufs: None, ..service("qobuz", "Qobuz", None) },
        ],
        platforms_as_of: "2025-10".into(),
        tracks: vec![track(after(), -5.0), track(reference(), -1.0)],
        failed: Vec::new(),
    }
}

/// The same, short of its loudness and without codecs.
pub(super) fn missed() -> MasterReport {
    let mut report = report();
    report.verified[0].wanted = -7.0;
    if let Some(translation) = &mut report.translation {
        (translation.ceiling, translation.codecs, translation.codecs_absent) = (None, Vec::new(), Vec::new());
    }
    report.verified[0].met = false;
    report.verified[0].reason = Some(
        "more would take over 6 dB of limiting in the loud parts; it stops at -9.0 LUFS (2.0 LU short); \
         --force-loudness goes on"
            .into(),
    );
    report
}

/// A master without a reference, of a mix of which little can be said.
pub(super) fn bare() -> MasterReport {
    let mut report = report();
    report.reference = None;
    report.suggestions.clear();
    report.notes.clear();
    report.settings = Recipe::default();
    report.translation = None;
    report.curves = MasterCurves { limiter_reduction_db: vec![f64::NAN, 0.0], ..MasterCurves::default() };
    report.model =
        ModelDocument { name: "classical", likeness_ratio: None, matched_ratio: None, verdict: None, refinement: None };
    for document in [&mut report.before, &mut report.after] {
        let analysis = &mut document.analysis;
        analysis.loudness = LoudnessAnalysis {
            integrated_lufs: None,
            range_lu: None,
            max_momentary_lufs: None,
            max_short_term_lufs: None,
            plr_db: None,
            psr_min_db: None,
            psr_p5_db: None,
        };
        analysis.stereo.width_db = None;
        analysis.stereo.bands.iter_mut().for_each(|band| band.width_db = None);
        analysis.spectrum.mid_db.iter_mut().for_each(|level| *level = None);
    }
    report
}
