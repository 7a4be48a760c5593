//! The working order: in which order what fails is fixed.
//!
//! It is data of the checks: the line of work a fix belongs to (`line:`) and the checks whose fixes come before it
//! (`fix_after:`). Not for what a run makes of it: `held` takes commands out that come too early.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::model::Check;

/// The place of each check in the working order, by its place in the set.
///
/// # Errors
///
/// Fails with the places of checks whose fixes wait for each other.
pub(super) fn ranks(
    checks: &[Check],
    places: &BTreeMap<String, usize>,
) -> Result<Vec<usize>, Vec<usize>> {
    let earlier = |index: usize| {
        checks[index].fix_after.iter().filter_map(|id| places.get(id.as_str()).copied())
    };
    let mut waits: Vec<usize> = Vec::with_capacity(checks.len());
    let mut later: Vec<Vec<usize>> = vec![Vec::new(); checks.len()];
    for index in 0..checks.len() {
        let before: BTreeSet<usize> = earlier(index).collect();
        waits.push(before.len());
        before.into_iter().for_each(|first| later[first].push(index));
    }
    // A check without a line is about nothing that the lines order, so it comes behind them.
    let key = |index: usize| {
        let check = &checks[index];
        Reverse((check.line.is_none(), check.line, check.severity, index))
    };
    let free = (0..checks.len()).filter(|&index| waits[index] == 0);
    let mut free: BinaryHeap<_> = free.map(key).collect();
    let mut ranks = vec![0; checks.len()];
    let mut placed = 0;
    while let Some(Reverse((_, _, _, index))) = free.pop() {
        ranks[index] = placed;
        placed += 1;
        for &next in &later[index] {
            waits[next] -= 1;
            free.extend((waits[next] == 0).then(|| key(next)));
        }
    }
    if placed == checks.len() {
        return Ok(ranks);
    }
    // Walking back from one that never became free meets one of them twice.
    let stuck = |index: &usize| waits[*index] > 0;
    let mut path = vec![(0..checks.len()).find(stuck).expect("some were not placed")];
    loop {
        let last = *path.last().expect("it begins with one");
        let before = earlier(last).find(stuck).expect("what is not free waits for such a one");
        if let Some(from) = path.iter().position(|&known| known == before) {
            path.push(before);
            let mut circle = path.split_off(from);
            circle.reverse();
            return Err(circle);
        }
        path.push(before);
    }
}
