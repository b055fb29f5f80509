//! Levels in two bytes, where a long programme has millions of them.

/// The upper half of a 32-bit float of 0 or more: its exponent and seven bits of its mantissa, which are steps of 0.8 %.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Coarse(u16);

impl Coarse {
    /// The nearest one, at most 0.4 % off.
    pub fn nearest(value: f64) -> Self {
        Self::rounded(value, 0x7FFF)
    }

    /// The nearest one that is not lower.
    pub fn at_least(value: f64) -> Self {
        Self::rounded(value, 0xFFFF)
    }

    fn rounded(value: f64, towards_next: u32) -> Self {
        Self(((value as f32).to_bits().saturating_add(towards_next) >> 16) as u16)
    }

    /// The level.
    pub fn value(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarse_values_are_near() {
        for value in [0.0, 1e-30, 3.3e-7, 0.1, 0.891_250_9, 1.0, 1.000_001, 7.9, 3e5] {
            assert!((f64::from(Coarse::nearest(value).value()) - value).abs() <= 0.004 * value, "{value}");
            let above = f64::from(Coarse::at_least(value).value());
            assert!(above >= f64::from(value as f32) && above <= 1.008 * value, "{value}");
        }
    }
}
