//! What rich dependencies demand with what is taken.
//!
//! Not for reading them (`rich`), nor for which package is best (`solve`).

use std::collections::BTreeSet;

use super::super::evr;
use super::super::pool::{Capability, PackageIndex, Symbol};
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
            // The condition of the one holds, and so what it demands does not; or the other way about.
            Rich::If(then, when, other) | Rich::Unless(then, when, other) => {
                let demands_first = self.holds(place, when) == matches!(rich, Rich::If(..));
                let demanded = if demands_first { Some(then) } else { other.as_ref() };
                demanded.into_iter().for_each(|part| self.demand_rich(place, part, name));
            }
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
            Rich::If(then, when, other) | Rich::Unless(then, when, other) => {
                let demands_first = self.holds(place, when) == matches!(rich, Rich::If(..));
                let demanded = if demands_first { Some(then) } else { other.as_ref() };
                demanded.is_none_or(|part| self.holds(place, part))
            }
            Rich::With(_) | Rich::Without(..) => {
                let is_taken = |one: &PackageIndex| *one == place || self.taken.contains_key(one);
                self.fitting(rich).iter().any(is_taken)
            }
        }
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
}
