//! The four wide bands in which dynamics and width are measured, changed and told.

use crate::dsp::crossover::BANDS;
use crate::dsp::multiband::DEFAULT_CORNERS_HZ;

/// A wide band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WideBand {
    /// Stable name.
    pub id: &'static str,
    /// Lower edge.
    pub low_hz: f64,
    /// Upper edge.
    pub high_hz: f64,
}

const fn band(id: &'static str, low_hz: f64, high_hz: f64) -> WideBand {
    WideBand { id, low_hz, high_hz }
}

/// The bands, lowest first: those of the multiband stage at its default corners.
pub const WIDE_BANDS: [WideBand; BANDS] = [
    band("bass", 20.0, DEFAULT_CORNERS_HZ[0]),
    band("low_mids", DEFAULT_CORNERS_HZ[0], DEFAULT_CORNERS_HZ[1]),
    band("presence", DEFAULT_CORNERS_HZ[1], DEFAULT_CORNERS_HZ[2]),
    band("air", DEFAULT_CORNERS_HZ[2], 20_000.0),
];

impl WideBand {
    /// Its name in words: "low mids".
    pub fn name(&self) -> String {
        self.id.replace('_', " ")
    }

    /// Its edges in words: "120 to 700 Hz".
    pub fn range(&self) -> String {
        format!("{:.0} to {:.0} Hz", self.low_hz, self.high_hz)
    }
}
