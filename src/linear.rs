//! Sums of products, linear systems, as small as filters' designs make them, and linear prediction.

/// Sum of products in eight lanes, always in the same order, so that none waits for the last.
#[inline(always)]
pub(crate) fn weighted_sum(weights: &[f32], values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (chunks, rest) = weights.as_chunks::<8>();
    let (values, values_rest) = values.as_chunks::<8>();
    for (weights, values) in chunks.iter().zip(values) {
        for (lane, (weight, value)) in lanes.iter_mut().zip(weights.iter().zip(values)) {
            *lane += weight * value;
        }
    }
    for (lane, (weight, value)) in lanes.iter_mut().zip(rest.iter().zip(values_rest)) {
        *lane += weight * value;
    }
    lanes.iter().sum()
}

/// Solves a system given as rows with the right-hand side at their end, by elimination with pivots: in place of the right-hand
/// sides comes the solution. `None` where there is no single one; nothing in the rows means anything then.
pub(crate) fn solve<R: AsRef<[f64]> + AsMut<[f64]>>(rows: &mut [R]) -> Option<()> {
    let size = rows.len();
    for column in 0..size {
        let height = |row: usize| rows[row].as_ref()[column].abs();
        let pivot = (column..size).max_by(|&a, &b| height(a).total_cmp(&height(b)))?;
        rows.swap(column, pivot);
        let (done, rest) = rows.split_at_mut(column + 1);
        let pivot_row = done[column].as_ref();
        if pivot_row[column] == 0.0 {
            return None;
        }
        for row in rest {
            let row = row.as_mut();
            let factor = row[column] / pivot_row[column];
            for (cell, above) in row[column..].iter_mut().zip(&pivot_row[column..]) {
                *cell -= factor * above;
            }
        }
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| rows[row].as_ref()[column] * rows[column].as_ref()[size]).sum();
        let cells = rows[row].as_mut();
        cells[size] = (cells[size] - known) / cells[row];
    }
    Some(())
}

/// Weights that predict a sample from those before it, nearest first, by the autocorrelation at lags from 0 to their number: the
/// recursion of N. Levinson (1947) and J. Durbin (1960). Weights stay 0 from where nothing is left to predict.
pub(crate) fn predictor<const ORDER: usize>(autocorrelation: &[f64]) -> [f64; ORDER] {
    let mut weights = [0.0; ORDER];
    let mut error = autocorrelation[0];
    for order in 0..ORDER {
        if error <= 0.0 {
            break;
        }
        let predicted: f64 = (0..order).map(|k| weights[k] * autocorrelation[order - k]).sum();
        let reflection = (autocorrelation[order + 1] - predicted) / error;
        let last = weights;
        weights[order] = reflection;
        for k in 0..order {
            weights[k] = last[k] - reflection * last[order - 1 - k];
        }
        error *= 1.0 - reflection * reflection;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_predicted_by_its_own_weights() {
        // x[n] = 0.5 x[n - 1] - 0.3 x[n - 2] + noise: its autocorrelation follows from the Yule-Walker equations.
        let first = 0.5 / 1.3;
        let mut lags = vec![1.0, first];
        for lag in 2..5 {
            lags.push(0.5 * lags[lag - 1] - 0.3 * lags[lag - 2]);
        }
        let weights: [f64; 4] = predictor(&lags);
        assert!(
            weights.iter().zip([0.5, -0.3, 0.0, 0.0]).all(|(found, own)| (found - own).abs() < 1e-12),
            "{weights:?}"
        );
        assert_eq!(predictor::<3>(&[0.0; 4]), [0.0; 3]);
    }

    #[test]
    fn a_system_is_solved_whatever_the_order_of_its_rows() {
        // x = 2, y = -1, z = 3.
        let mut rows = [[0.0, 2.0, 1.0, 1.0], [4.0, 0.0, -1.0, 5.0], [1.0, 1.0, 1.0, 4.0]];
        solve(&mut rows).expect("regular");
        assert!(rows.iter().zip([2.0, -1.0, 3.0]).all(|(row, value)| (row[3] - value).abs() < 1e-12));
        assert_eq!(solve(&mut [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]), None);
    }
}
