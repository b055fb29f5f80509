//! From the levels of control intervals to the reductions that these need.

use super::{GUARD_DB, LimiterSettings};
use crate::dsp::coarse::Coarse;
use crate::units::{amplitude_to_db, db_to_amplitude};

/// What the limiter has to know of each control interval of a programme: left and right, full scale = 1.0.
#[derive(Debug, Clone, Copy)]
pub struct Levels<'a> {
    /// True peaks, as [`super::TruePeaks`] gives them.
    pub peaks: &'a [[f32; 2]],
    /// Of the bass alone, as [`super::BassLevels`] gives them.
    pub bass: &'a [[Coarse; 2]],
}

impl Levels<'_> {
    /// Those of one interval; silence after the last.
    pub(super) fn of(&self, interval: usize) -> IntervalLevels {
        IntervalLevels {
            peaks: self.peaks.get(interval).copied().unwrap_or_default(),
            bass: self.bass.get(interval).copied().unwrap_or_default(),
        }
    }
}

/// The [`Levels`] of one control interval.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct IntervalLevels {
    pub(super) peaks: [f32; 2],
    pub(super) bass: [Coarse; 2],
}

/// Reductions that a control interval needs in one channel, dB (0 or more).
#[derive(Debug, Clone, Copy, Default)]
pub struct Need {
    /// For its peak to pass.
    pub peak_db: f64,
    /// For its bass to pass, if there were nothing else.
    pub bass_db: f64,
}

/// Tells what each control interval needs, by the settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    drive_over_ceiling_db: f64,
    /// Levels up to here pass.
    threshold: f64,
    /// 0 to 1.
    link: f64,
}

impl Needs {
    pub(super) fn new(settings: &LimiterSettings) -> Self {
        Self {
            drive_over_ceiling_db: settings.drive_db - settings.ceiling_dbtp + GUARD_DB,
            threshold: db_to_amplitude(settings.ceiling_dbtp - settings.drive_db),
            link: settings.stereo_link_percent / 100.0,
        }
    }

    /// Whether both channels always need the same.
    pub(super) fn are_linked(&self) -> bool {
        self.link == 1.0
    }

    /// What each channel needs.
    pub(super) fn of(&self, levels: IntervalLevels) -> [Need; 2] {
        let peak_db = self.of_each(levels.peaks);
        let bass_db = self.of_each(levels.bass.map(Coarse::value));
        [0, 1].map(|channel| Need { peak_db: peak_db[channel], bass_db: bass_db[channel] })
    }

    /// Reduction that each channel needs for its level, dB (0 or more).
    fn of_each(&self, levels: [f32; 2]) -> [f64; 2] {
        if self.are_linked() {
            return [self.of_level(levels[0].max(levels[1])); 2];
        }
        let own = levels.map(|level| self.of_level(level));
        let most = own[0].max(own[1]);
        own.map(|own| own.max(self.link * most))
    }

    fn of_level(&self, level: f32) -> f64 {
        let level = f64::from(level);
        if level > self.threshold { amplitude_to_db(level) + self.drive_over_ceiling_db } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_says_how_much_of_the_louder_channels_need_the_other_gets() {
        let needs = |stereo_link_percent| {
            let settings = LimiterSettings { drive_db: 11.0, stereo_link_percent, ..Default::default() };
            let levels = IntervalLevels { peaks: [0.5, 0.2], ..Default::default() };
            Needs::new(&settings).of(levels).map(|need| (need.peak_db * 10.0).round() / 10.0)
        };
        assert_eq!(needs(100.0), [6.0, 6.0]);
        assert_eq!(needs(50.0), [6.0, 3.0]);
        assert_eq!(needs(0.0), [6.0, 0.0]);
    }
}
