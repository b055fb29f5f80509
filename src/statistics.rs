//! Order statistics, straight lines and correlation.

/// Value below which a share of the values lies, linear between neighbours. `None` for no values. Their order is lost: a few
/// quantiles of many values are had sooner so than by sorting.
pub fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let position = share * values.len().checked_sub(1)? as f64;
    let (lower, fraction) = (position.floor() as usize, position.fract());
    let (_, &mut at, above) = values.select_nth_unstable_by(lower, f64::total_cmp);
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(at);
    Some(at + fraction * (next - at))
}

/// The middle value; the mean of the two middle ones of an even number.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    let (count, middle) = (values.len(), values.len() / 2);
    if count == 0 {
        return None;
    }
    let (lower, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let below = lower.iter().copied().max_by(f64::total_cmp).filter(|_| count.is_multiple_of(2));
    Some(below.map_or(upper, |below| 0.5 * (below + upper)))
}

/// Mean; `None` of nothing.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then_some(sum / count)
}

/// Standard deviation; `None` of nothing.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let middle = mean(values.iter().copied())?;
    mean(values.iter().map(|value| (value - middle).powi(2))).map(f64::sqrt)
}

/// Correlation of two series of one length, -1 to 1; 0 where one of them does not vary.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len().min(b.len()).max(1) as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut product, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        product += (a - mean_a) * (b - mean_b);
        square_a += (a - mean_a) * (a - mean_a);
        square_b += (b - mean_b) * (b - mean_b);
    }
    if square_a * square_b > 0.0 { product / (square_a * square_b).sqrt() } else { 0.0 }
}

/// Slope of the least-squares line.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let (mean_x, mean_y) = points.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x / n, sy + y / n));
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    (points.len() >= 2).then(|| covariance / variance).filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_its_neighbours_in_any_order() {
        let mut values = [4.0, -1.0, 9.0, 5.0, 2.0];
        for (share, expected) in [(0.5, 4.0), (0.0, -1.0), (1.0, 9.0), (0.25, 2.0), (0.9, 7.4), (0.3, 2.4)] {
            let found = quantile(&mut values, share).expect("there are values");
            assert!((found - expected).abs() < 1e-12, "{share}: {found}");
        }
        assert_eq!(quantile(&mut [3.0], 0.7), Some(3.0));
        assert_eq!(quantile(&mut [], 0.5), None);
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middle_ones() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![5.0]), Some(5.0));
        assert_eq!(median(vec![9.0, -1.0, 4.0]), Some(4.0));
        assert_eq!(median(vec![9.0, -1.0, 4.0, 5.0]), Some(4.5));
        assert_eq!(median(vec![2.0, 2.0]), Some(2.0));
    }
}
