//! Linear systems, as small as filters' designs make them.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved_whatever_the_order_of_its_rows() {
        // x = 2, y = -1, z = 3.
        let mut rows = [[0.0, 2.0, 1.0, 1.0], [4.0, 0.0, -1.0, 5.0], [1.0, 1.0, 1.0, 4.0]];
        solve(&mut rows).expect("regular");
        assert!(rows.iter().zip([2.0, -1.0, 3.0]).all(|(row, value)| (row[3] - value).abs() < 1e-12));
        assert_eq!(solve(&mut [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]), None);
    }
}
