//! What rich dependencies and conflicts demand and forbid with what is taken.
//!
//! Not for reading them (`rich`), nor for which package is best (`solve`).

use std::collections::BTreeSet;

use super::super::evr;
use super::super::pool::{Capability, PackageIndex, Symbol};
use super::super::problem::DepsolveProblem;
use super::super::rich::Rich;
use super::Solver;

impl Solver<'_> {
    /// Takes what a rich dependency demands now; `name` is its text.
    pub(super) fn demand_rich(
        &mut self,
        place: PackageIndex,
        rich: &Rich<Capability>,
        name: Symbol,
    ) {
        if self.holds(place, rich) {
            return;
        }
        match rich {
            Rich::One(one) => self.demand(place, std::slice::from_ref(one)),
            Rich::And(parts) => {
                parts.iter().for_each(|part| self.demand_rich(place, part, name));
            }
            Rich::Or(parts) => match parts.iter().find(|part| self.can_hold(part)) {
                Some(part) => self.demand_rich(place, part, name),
                None => self.report_rich(place, name),
            },
            Rich::If(..) | Rich::Unless(..) => match self.demanded_part(place, rich) {
                Some(part) => self.demand_rich(place, part, name),
                None => self.report_rich(place, name),
            },
            Rich::With(_) | Rich::Without(..) => match self.fitting(rich).first() {
                Some(choice) => self.take(*choice, Some(place)),
                None => self.report_rich(place, name),
            },
        }
    }

    /// Whether a rich dependency holds with what is taken.
    fn holds(&self, place: PackageIndex, rich: &Rich<Capability>) -> bool {
        match rich {
            Rich::One(one) => self.is_met(place, one),
            Rich::And(parts) => parts.iter().all(|part| self.holds(place, part)),
            Rich::Or(parts) => parts.iter().any(|part| self.holds(place, part)),
            Rich::If(..) | Rich::Unless(..) => self
                .demanded_part(place, rich)
                .map_or(matches!(rich, Rich::If(..)), |part| self.holds(place, part)),
            Rich::With(_) | Rich::Without(..) => {
                let is_taken = |one: &PackageIndex| *one == place || self.taken.contains_key(one);
                self.fitting(rich).iter().any(is_taken)
            }
        }
    }

    /// Returns what `if` or `unless` demands with what is taken; none where there is no `else`.
    fn demanded_part<'r>(
        &self,
        place: PackageIndex,
        rich: &'r Rich<Capability>,
    ) -> Option<&'r Rich<Capability>> {
        let (Rich::If(then, when, other) | Rich::Unless(then, when, other)) = rich else {
            return None;
        };
        let demands_first = self.holds(place, when) == matches!(rich, Rich::If(..));
        if demands_first { Some(then) } else { other.as_deref() }
    }

    /// Whether packages that are there could make a rich dependency hold.
    fn can_hold(&self, rich: &Rich<Capability>) -> bool {
        match rich {
            Rich::One(one) => self.pool.providers_satisfying(one).next().is_some(),
            Rich::And(parts) => parts.iter().all(|part| self.can_hold(part)),
            Rich::Or(parts) => parts.iter().any(|part| self.can_hold(part)),
            Rich::If(..) | Rich::Unless(..) => true,
            Rich::With(_) | Rich::Without(..) => !self.fitting(rich).is_empty(),
        }
    }

    /// Returns the packages that have by themselves what `with` or `without` asks for, the best first.
    fn fitting(&self, rich: &Rich<Capability>) -> Vec<PackageIndex> {
        let has = |one: &Capability| -> BTreeSet<PackageIndex> {
            self.pool.providers_satisfying(one).collect()
        };
        let mut fitting: Vec<PackageIndex> = match rich {
            Rich::With(all) => {
                let mut sets = all.iter().map(has);
                let first = sets.next().unwrap_or_default();
                sets.fold(first, |fits, set| &fits & &set).into_iter().collect()
            }
            Rich::Without(one, other) => (&has(one) - &has(other)).into_iter().collect(),
            _ => Vec::new(),
        };
        fitting.sort_by(|a, b| self.compare_versions(*b, *a));
        fitting
    }

    fn report_rich(&mut self, place: PackageIndex, name: Symbol) {
        let whole =
            Capability { name, relation: evr::Relation::default(), or_next: false, evr: name };
        self.report_unresolved(place, &[whole]);
    }

    /// Returns the conflict of a rich dependency that holds. One that cannot be read is one as well (rpm, depends.c,
    /// `unsatisfiedDepend`), and the package itself counts.
    pub(super) fn rich_conflict(
        &self,
        place: PackageIndex,
        excluded: &Capability,
    ) -> Option<DepsolveProblem> {
        let other = match self.pool.rich.get(&excluded.name) {
            None => "not written as rpm reads it".to_owned(),
            Some(rich) if !self.holds(place, rich) => return None,
            Some(rich) => {
                let named = rich.capabilities().into_iter();
                let others: BTreeSet<PackageIndex> = named
                    .flat_map(|one| self.pool.providers_satisfying(one))
                    .filter(|other| *other != place && self.taken.contains_key(other))
                    .collect();
                let others: Vec<String> =
                    others.into_iter().map(|other| self.pool.nevra(other)).collect();
                if others.is_empty() {
                    "so with what is installed".to_owned()
                } else {
                    others.join(" and ")
                }
            }
        };
        Some(DepsolveProblem::Conflict {
            package: self.pool.nevra(place),
            capability: self.pool.capability_text(excluded),
            other,
        })
    }
}
