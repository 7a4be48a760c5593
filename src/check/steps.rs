//! How many steps a rule takes at most, by the lengths of the lists it loops over.
//!
//! A loop inside a loop takes the product of both, and CEL itself stops at nothing. So what is
//! written in a rule is counted when it is read, and what a host told when it is decided. Not for
//! types: `typing` finds out over which facts a rule loops.

use std::collections::BTreeMap;

use cel::IdedExpr;
use cel::common::ast::Expr;
use serde_json::Value;

/// The most steps of one rule: some tenths of a second.
pub(super) const MAX_STEPS: u64 = 2_000_000;

/// How long a list may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListLength {
    /// As many elements as are written.
    Written(u64),
    /// As many as the fact has; `[]` in the path stands for every element of a list.
    Fact(String),
}

/// The loops of a rule: what each goes through, by the node it is.
#[derive(Debug, Default)]
pub(super) struct Loops(BTreeMap<u64, Vec<ListLength>>);

impl Loops {
    /// Notes what the node goes through: one of these lists.
    pub(super) fn record(&mut self, id: u64, sizes: Vec<ListLength>) {
        self.0.insert(id, sizes);
    }

    /// The steps that the lists written in a rule take, when they are too many.
    pub(super) fn excess_of_literals(&self, root: &IdedExpr) -> Option<u64> {
        Some(self.steps(root, &|_| 1)).filter(|steps| *steps > MAX_STEPS)
    }

    /// The longest list among these facts that the rule loops over, and the steps it takes, when
    /// they are too many.
    pub(super) fn excess(&self, root: &IdedExpr, known: &Value) -> Option<(String, u64)> {
        let length = |path: &str| longest_list(known, path);
        let steps = self.steps(root, &length);
        if steps <= MAX_STEPS {
            return None;
        }
        let facts = self.0.values().flatten().filter_map(|size| match size {
            ListLength::Fact(path) => Some(path),
            ListLength::Written(_) => None,
        });
        Some((facts.max_by_key(|path| length(path))?.clone(), steps))
    }

    fn steps(&self, expr: &IdedExpr, length: &dyn Fn(&str) -> u64) -> u64 {
        let of = |expr: &IdedExpr| self.steps(expr, length);
        let rounds = self.0.get(&expr.id).into_iter().flatten().map(|size| match size {
            ListLength::Written(count) => *count,
            ListLength::Fact(path) => length(path),
        });
        let rounds = rounds.max().unwrap_or(0);
        let inside: u64 = match &expr.expr {
            Expr::Select(select) => of(&select.operand),
            Expr::List(list) => sum(list.elements.iter().map(of)),
            Expr::Call(call) => {
                sum(call.target.iter().map(|target| of(target)).chain(call.args.iter().map(of)))
                    .saturating_add(rounds)
            }
            Expr::Comprehension(comprehension) => {
                let round =
                    of(&comprehension.loop_cond).saturating_add(of(&comprehension.loop_step));
                of(&comprehension.iter_range).saturating_add(rounds.saturating_mul(round))
            }
            _ => 0,
        };
        inside.saturating_add(1)
    }
}

fn sum(steps: impl Iterator<Item = u64>) -> u64 {
    steps.fold(0, u64::saturating_add)
}

/// The length of the list at `path`, or of the longest where the path leads to many.
fn longest_list(known: &Value, path: &str) -> u64 {
    let (segment, rest) = path.split_once('.').unwrap_or((path, ""));
    let name = segment.trim_end_matches("[]");
    let mut here: Vec<&Value> = known.get(name).into_iter().collect();
    for _ in 0..(segment.len() - name.len()) / 2 {
        here = here.into_iter().filter_map(Value::as_array).flatten().collect();
    }
    if rest.is_empty() {
        let lengths = here.into_iter().filter_map(Value::as_array).map(|list| list.len() as u64);
        return lengths.max().unwrap_or(0);
    }
    here.into_iter().map(|value| longest_list(value, rest)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_longest_list_is_found_at_whatever_depth() {
        let known = json!({ "a": { "items": [{ "b": [1, 2] }, { "b": [1, 2, 3] }, {}], "c": 1 } });
        for (path, expected) in
            [("a.items", 3), ("a.items[].b", 3), ("a.items[].x", 0), ("a.c", 0), ("x.y", 0)]
        {
            assert_eq!(longest_list(&known, path), expected, "{path}");
        }
    }
}
