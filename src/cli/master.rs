//! `halfspeed master`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use halfspeed::dsp::noise_shaping::NoiseShaping;
use halfspeed::engine::OutputSettings;
use halfspeed::io::{MAX_RATE_HZ, MIN_RATE_HZ, SampleFormat, check_output, is_same_place};
use halfspeed::master::{CEILING_RANGE_DBTP, DEFAULT_CEILING_DBTP, LOUDNESS_RANGE_LUFS, MasterJob, Promised, master};
use halfspeed::paths::path_text;
use halfspeed::report::{MasterReport, master_html, master_text, promise_words};
use halfspeed::suggest::profile::ProfileChoice;
use halfspeed::suggest::{Amounts, Classical, Learned, LoudnessOnly, Suggester};
use halfspeed::translate::codecs::Selection;
use halfspeed::translate::{Devices, devices};
use halfspeed::{Error, Result};

use super::logger::tell;
use super::output::write_text;
use super::progress::Progress;
use super::{CommonArgs, SideFile, exit_code, html_output, logger, number_within, toml_output, wav_output};

#[derive(Debug, Args)]
pub(super) struct MasterArgs {
    /// The mix: WAV, AIFF, FLAC, MP3, AAC, ALAC, Ogg Vorbis or Opus.
    mix: PathBuf,
    /// A finished track to come near to, in any of the same formats. Give several, each with its own --reference, and only
    /// what lies outside the range that they make is changed.
    #[arg(long, short, value_name = "FILE")]
    reference: Vec<PathBuf>,
    /// Without a reference: hold the mix against what songs of a kind have in common, and move what lies outside of their range
    /// part of the way. `auto` takes the nearest of those that ship (`halfspeed profile list`); or give the name of one, a profile's
    /// file, or a folder of profiles for the nearest of those.
    #[arg(long, value_name = "auto|NAME|FILE", conflicts_with = "reference")]
    profile: Option<String>,
    /// The master to write, a .wav file.
    #[arg(long, short, value_name = "FILE", value_parser = wav_output)]
    output: PathBuf,
    /// How far to go, in percent: 50 takes over what is put down to production, 100 the reference's whole tone and width,
    /// arrangement included, as far as gains that bend towards 10 dB either way and 8 dB of width reach [default: 50].
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = percent)]
    amount: Option<f64>,
    /// How far the equaliser goes, in percent; instead of --amount.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = percent)]
    amount_eq: Option<f64>,
    /// How far the compression goes, in percent; instead of --amount.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = percent)]
    amount_dynamics: Option<f64>,
    /// How far the change in width goes, in percent; instead of --amount.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, value_parser = percent)]
    amount_width: Option<f64>,
    /// Integrated loudness of the master [default: the reference's, less what its peaks stand over the
    /// ceiling; without one -14, or what of the profile's range is nearest to that].
    #[arg(long, value_name = "LUFS", allow_hyphen_values = true, value_parser = loudness)]
    loudness: Option<f64>,
    /// Reach the loudness even where that takes more than 6 dB of limiting.
    #[arg(long)]
    force_loudness: bool,
    /// Highest true peak of the master.
    #[arg(long, value_name = "DBTP", allow_hyphen_values = true, default_value_t = DEFAULT_CEILING_DBTP, value_parser = ceiling)]
    ceiling: f64,
    /// Sample rate of the master in Hz [default: the mix's].
    #[arg(long, value_name = "HZ", value_parser = sample_rate)]
    rate: Option<u32>,
    /// Sample format of the master: 16, 24 (both dithered) or 32f.
    #[arg(long, value_name = "BITS", default_value = "24")]
    bits: SampleFormat,
    /// Where the noise of 16 or 24 bits goes: lipshitz and wannamaker move it to where it is heard least, by 9 and 11 dB. Only for a
    /// file that nothing is done to afterwards.
    #[arg(long, value_enum, value_name = "CURVE", default_value_t = ShapingName::None)]
    shaping: ShapingName,
    /// Who suggests the settings, with a reference [default: model].
    #[arg(long, value_enum)]
    suggester: Option<SuggesterName>,
    /// Take more time: with one reference, try and correct the settings on more excerpts of the mix, and more often.
    #[arg(long)]
    thorough: bool,
    /// Score mix, master and reference on phones, in cars and on other devices.
    #[arg(long)]
    translate: bool,
    /// Take over changes that make the weakest devices play the master better without hurting others (up to three,
    /// each as long as a master), and with --codecs the ceiling at which they don't clip. Implies --translate.
    #[arg(long)]
    translate_fix: bool,
    /// Encode, decode and measure the master with these codecs (opus-128, vorbis-320, mp3-320, aac-256, ...), those of a
    /// service (spotify, deezer, ...), or `all`. With --translate-fix, a master that clips behind one of them gets the
    /// highest ceiling at which it doesn't. Implies --translate.
    #[arg(long, value_name = "CODEC", value_delimiter = ',')]
    codecs: Vec<String>,
    /// Write the settings to a recipe file that `halfspeed render` applies again.
    #[arg(long, value_name = "FILE", value_parser = toml_output)]
    recipe_out: Option<PathBuf>,
    /// Write a report with pictures, one self-contained HTML file.
    #[arg(long, visible_alias = "html", value_name = "FILE", value_parser = html_output)]
    report: Option<PathBuf>,
    /// Replace files that exist.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SuggesterName {
    /// Tone and width by a network that was trained on mixes and their masters; the classical rules where it can't be used.
    Model,
    /// Tone and width by what matched sounds differ by, density by band.
    Classical,
    /// Nothing but loudness and peaks, and an offset that would be 5 % or more in the master.
    Loudness,
}

impl SuggesterName {
    fn suggester(self) -> &'static dyn Suggester {
        match self {
            Self::Model => &Learned,
            Self::Classical => &Classical,
            Self::Loudness => &LoudnessOnly,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShapingName {
    /// White triangular dither.
    None,
    /// Five taps: the gentler curve.
    Lipshitz,
    /// Nine taps: the lowest noise to the ear.
    Wannamaker,
}

impl ShapingName {
    fn shaping(self) -> NoiseShaping {
        match self {
            Self::None => NoiseShaping::None,
            Self::Lipshitz => NoiseShaping::Lipshitz,
            Self::Wannamaker => NoiseShaping::Wannamaker,
        }
    }
}

fn sample_rate(text: &str) -> Result<u32, String> {
    let rate_hz = text.parse().ok().filter(|rate_hz| (MIN_RATE_HZ..=MAX_RATE_HZ).contains(rate_hz));
    rate_hz.ok_or_else(|| format!("it takes a number of Hz from {MIN_RATE_HZ} to {MAX_RATE_HZ}, such as 48000"))
}

fn percent(text: &str) -> Result<f64, String> {
    number_within(text, (0.0, 100.0))
}

fn loudness(text: &str) -> Result<f64, String> {
    number_within(text, LOUDNESS_RANGE_LUFS)
}

fn ceiling(text: &str) -> Result<f64, String> {
    number_within(text, CEILING_RANGE_DBTP)
}

impl MasterArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        logger::start(self.common.verbose);
        let programmes = std::iter::once(&self.mix).chain(&self.reference).map(PathBuf::as_path);
        let inputs: Vec<&Path> = programmes.chain(self.profile.as_deref().map(Path::new)).collect();
        let side_files: Vec<&Path> = self.recipe_out.iter().chain(&self.report).map(PathBuf::as_path).collect();
        self.check_side_files(&inputs, &side_files)?;

        let wants_scores = self.translate || self.translate_fix || !self.codecs.is_empty();
        let devices = wants_scores.then(|| Devices::new(devices::built_in())).transpose()?;
        let codecs = Selection::of(&self.codecs)?;
        self.tell_idle_options();
        let usual = MasterJob::new(&self.mix, &self.output);
        let ratio = |own: Option<f64>, usual: f64| own.or(self.amount).map_or(usual, |percent| percent / 100.0);
        let job = MasterJob {
            references: self.reference.clone(),
            profile: self.profile.as_deref().map(ProfileChoice::find).transpose()?,
            force: self.force,
            suggester: self.suggester.map_or(usual.suggester, |name| name.suggester()),
            amounts: Amounts {
                eq_ratio: ratio(self.amount_eq, usual.amounts.eq_ratio),
                dynamics_ratio: ratio(self.amount_dynamics, usual.amounts.dynamics_ratio),
                width_ratio: ratio(self.amount_width, usual.amounts.width_ratio),
            },
            thorough: self.thorough,
            loudness_lufs: self.loudness,
            force_loudness: self.force_loudness,
            ceiling_dbtp: self.ceiling,
            devices: devices.as_ref(),
            translate_fix: self.translate_fix,
            codecs: &codecs,
            output_settings: OutputSettings {
                sample_rate_hz: self.rate,
                format: self.bits,
                noise_shaping: self.shaping.shaping(),
            },
            ..usual
        };
        let progress = Progress::new(self.common.quiet);
        let mastered = master(&job, &|step, done, total| progress.show(step, done, total));
        progress.finish();
        let report = MasterReport::new(&job, mastered?);

        let side_files = self.write_side_files(&report);
        self.common.tell(&report, master_text)?;
        let is_written = self.common.tell_all_written(side_files)?;
        for promise in report.verified.iter().filter(|promise| self.common.quiet && !promise.met) {
            let reason = promise.reason.as_deref().unwrap_or("the written file shows it");
            log::warn!("{} of {:.2} {} was not met: {reason}", promise.id, promise.wanted, promise.unit);
        }
        // A loudness that can't be had is explained; a broken ceiling or a wrong length is a failure of ours.
        let broken = report.verified.iter().find(|promise| !promise.met && promise.id != Promised::IntegratedLoudness);
        if let Some(promise) = broken {
            tell(&format!("error: the master breaks a promise: {}", promise_words(promise)));
            return Ok(ExitCode::from(1));
        }
        Ok(exit_code(is_written))
    }

    /// Says which options have nothing to act on.
    fn tell_idle_options(&self) {
        let has_reference = !self.reference.is_empty();
        let asks_nothing = has_reference && matches!(self.suggester, Some(SuggesterName::Loudness));
        let has_aim = (has_reference || self.profile.is_some()) && !asks_nothing;
        let options = [
            ("--amount", self.amount.is_some(), has_aim),
            ("--amount-eq", self.amount_eq.is_some(), has_aim),
            ("--amount-dynamics", self.amount_dynamics.is_some(), has_aim),
            ("--amount-width", self.amount_width.is_some(), has_aim),
            ("--suggester", self.suggester.is_some(), has_reference),
            ("--thorough", self.thorough, self.reference.len() == 1 && !asks_nothing),
        ];
        let idle: Vec<&str> =
            options.into_iter().filter_map(|(name, is_given, acts)| (is_given && !acts).then_some(name)).collect();
        if !idle.is_empty() {
            let why = match (has_reference, has_aim) {
                _ if asks_nothing => "with --suggester loudness",
                (true, _) => "with several references",
                (false, true) => "without a reference",
                (false, false) => "without a reference or profile",
            };
            log::warn!("{why} nothing is suggested that {} could change", idle.join(", "));
        }
    }

    /// Writes the recipe and the report.
    fn write_side_files(&self, report: &MasterReport) -> Vec<SideFile<'_>> {
        let write = |path: &Path, text: String| write_text(path, &text, self.force);
        let recipe =
            self.recipe_out.iter().map(|path| ("Recipe", path.as_path(), write(path, report.settings.to_toml())));
        let page = self.report.iter().map(|path| ("Report", path.as_path(), write(path, master_html(report))));
        recipe.chain(page).collect()
    }

    /// The recipe and the report must not replace an input, the master or each other.
    fn check_side_files(&self, inputs: &[&Path], side_files: &[&Path]) -> Result<()> {
        for (index, path) in side_files.iter().enumerate() {
            check_output(path, inputs, self.force)?;
            let others = side_files[..index].iter().copied().chain([self.output.as_path()]);
            if others.into_iter().any(|other| is_same_place(path, other)) {
                let reason = "the master, its recipe and its report each need a name of their own";
                return Err(Error::setting(path_text(path), reason));
            }
        }
        Ok(())
    }
}
