//! Several things at once, told in their order.

use rayon::prelude::*;

use crate::error::Result;

/// All results in order, or the first error in order: rayon's own collecting gives whichever error comes first in time.
pub(crate) fn in_order<T: Send>(results: impl ParallelIterator<Item = Result<T>>) -> Result<Vec<T>> {
    results.collect::<Vec<_>>().into_iter().collect()
}
