//! Resolves the packages of a kickstart to those that will be installed, and to the problems.
//!
//! Not for yum's choice among equal providers: the choice here is stable, but the installer may
//! choose another provider, which may need other packages.

mod conditions;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::evr;
use super::pool::{Candidate, Capability, PackageIndex, PackageOrigin, Pool, Symbol};
use super::problem::{DepsolveProblem, NearMiss, package_name_of_file};
use super::rules::PackageRules;
use crate::packages::repository::PackageGroup;

/// The most problems that are kept.
const MOST_PROBLEMS: usize = 500;

/// The packages to resolve.
#[derive(Clone, Debug)]
pub struct SolveRequest<'a> {
    /// `%packages` or `pkgsel/include`: names, `@groups`, and `-names` to leave out.
    pub packages: &'a [String],
    /// The medium's groups.
    pub groups: &'a [PackageGroup],
    /// Packages that the installer adds itself, those that are available.
    pub implied: &'a [String],
    /// Whether add-ons are installed after the medium's packages, in a step of their own.
    pub add_ons_last: bool,
    /// Whether the installer's rpm reads rich dependencies (since 4.13).
    pub reads_rich: bool,
    /// File names of known packages, to name the one that would help.
    pub known_files: &'a [String],
}

/// The packages that will be installed, and the problems.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Solution {
    /// Packages that would be installed, sorted.
    pub install: Vec<String>,
    /// How many of them are add-ons.
    pub addons: usize,
    /// The problems, sorted, each once.
    pub problems: Vec<DepsolveProblem>,
    /// Whether `problems` has all of them.
    pub complete: bool,
    /// Add-ons that no package needs.
    pub unneeded: Vec<String>,
    /// Indices of the packages that would be installed.
    pub(super) packages: Vec<usize>,
}

/// Resolves a request.
pub fn solve(pool: &Pool, request: &SolveRequest<'_>) -> Solution {
    let mut solver = Solver {
        pool,
        request,
        taken: BTreeMap::new(),
        by_name: HashMap::new(),
        queue: VecDeque::new(),
        problems: BTreeSet::new(),
        newest: Vec::new(),
        uninstallable: BTreeSet::new(),
        conditions: Vec::new(),
    };
    if pool.rules == PackageRules::Deb {
        solver.find_newest();
        solver.find_uninstallable();
    }
    solver.take_requested();
    solver.take_all_requirements();
    solver.find_conflicts();
    solver.find_shadowed();
    if request.add_ons_last {
        solver.find_late_add_ons();
    }
    solver.solution()
}

struct Solver<'a> {
    pool: &'a Pool,
    request: &'a SolveRequest<'a>,
    /// The packages to install, and the package that each is needed for.
    taken: BTreeMap<PackageIndex, Option<PackageIndex>>,
    by_name: HashMap<Symbol, Vec<PackageIndex>>,
    queue: VecDeque<PackageIndex>,
    problems: BTreeSet<DepsolveProblem>,
    /// Which Debian packages are the newest of their names.
    newest: Vec<bool>,
    /// Debian packages that something is missing for, whatever else is installed.
    uninstallable: BTreeSet<PackageIndex>,
    /// Rich dependencies, each with its package: what they demand changes with what is taken.
    conditions: Vec<(PackageIndex, Symbol)>,
}

impl<'a> Solver<'a> {
    fn package(&self, place: PackageIndex) -> &Candidate {
        &self.pool.packages[place]
    }

    fn take_requested(&mut self) {
        let requested = self.request.packages;
        let left_out: BTreeSet<&str> =
            requested.iter().filter_map(|name| name.strip_prefix('-')).collect();
        let mut names: Vec<(&str, bool)> = Vec::new();
        for name in requested.iter().filter(|name| !name.starts_with('-')) {
            let Some(group) = name.strip_prefix('@') else {
                names.push((name, true));
                continue;
            };
            let group = group.trim();
            let mut groups = self.request.groups.iter();
            let found = groups.find(|one| one.id == group || one.name == group);
            match found {
                // A missing member is skipped, as yum does.
                Some(found) => names.extend(found.members().map(|name| (name, false))),
                None => {
                    self.problems.insert(DepsolveProblem::NoGroup { group: group.to_owned() });
                }
            }
        }
        names.extend(self.request.implied.iter().map(|name| (name.as_str(), false)));
        for (name, demanded) in names {
            if left_out.contains(name) {
                continue;
            }
            match self.best_of_name(name).or_else(|| self.stand_in(name)) {
                Some(place) => self.take(place, None),
                None if demanded => {
                    let (name, file) = (name.to_owned(), self.find_known_file(name));
                    self.problems.insert(DepsolveProblem::NoPackage { name, file });
                }
                None => {}
            }
        }
    }

    /// Returns the newest package of a name: a 64-bit one before a 32-bit one, one of the medium
    /// before the same version of the add-ons.
    fn best_of_name(&self, name: &str) -> Option<PackageIndex> {
        let places = self.pool.by_name.get(&self.pool.lookup(name)?)?;
        places.iter().copied().max_by(|a, b| self.compare_versions(*a, *b))
    }

    fn compare_versions(&self, a: PackageIndex, b: PackageIndex) -> std::cmp::Ordering {
        let (left, right) = (self.package(a), self.package(b));
        let rules = self.pool.rules;
        let native = |package: &Candidate| rules.is_native(self.pool.text(package.arch));
        native(left)
            .cmp(&native(right))
            .then_with(|| rules.compare(self.pool.text(left.evr), self.pool.text(right.evr)))
            .then_with(|| right.origin.cmp(&left.origin))
            .then_with(|| b.cmp(&a))
    }

    /// Returns the one package that provides a name which no package has; apt, too, takes the name
    /// for that package, and refuses when there are several.
    fn stand_in(&self, name: &str) -> Option<PackageIndex> {
        if self.pool.rules == PackageRules::Rpm {
            return None;
        }
        let providers = self.pool.providers_of(self.pool.lookup(name)?);
        let mut providers =
            providers.map(|(place, _)| place).filter(|place| self.is_newest(*place));
        let first = providers.next()?;
        providers.all(|place| self.package(place).name == self.package(first).name).then_some(first)
    }

    /// Whether a package is the newest of its name: apt considers no other.
    fn is_newest(&self, place: PackageIndex) -> bool {
        self.newest.get(place).copied().unwrap_or_default()
    }

    fn find_newest(&mut self) {
        let mut newest = vec![false; self.pool.packages.len()];
        for places in self.pool.by_name.values() {
            let best = places.iter().copied().max_by(|a, b| self.compare_versions(*a, *b));
            if let Some(best) = best {
                newest[best] = true;
            }
        }
        self.newest = newest;
    }

    /// The packages that a request can lead to, by whichever alternative.
    fn find_reachable(&self) -> BTreeSet<PackageIndex> {
        let names = self.request.packages.iter().chain(self.request.implied);
        let first =
            names.filter_map(|name| self.best_of_name(name).or_else(|| self.stand_in(name)));
        let mut queue: Vec<PackageIndex> = first.collect();
        let mut reachable = BTreeSet::new();
        while let Some(place) = queue.pop() {
            if !reachable.insert(place) {
                continue;
            }
            for required in &self.package(place).requires {
                let providers = self.pool.providers_satisfying(required);
                queue.extend(providers.filter(|one| self.is_newest(*one)));
            }
        }
        reachable
    }

    fn take(&mut self, place: PackageIndex, wanted_by: Option<PackageIndex>) {
        let place = self.replacement_of(place);
        if self.taken.contains_key(&place) {
            return;
        }
        self.taken.insert(place, wanted_by);
        self.by_name.entry(self.package(place).name).or_default().push(place);
        self.queue.push_back(place);
    }

    /// Returns the package that makes this one obsolete, or this one. It takes a few steps at most:
    /// there are packages that make each other obsolete.
    fn replacement_of(&mut self, mut place: PackageIndex) -> PackageIndex {
        for _ in 0..4 {
            let package = self.package(place);
            let own = Capability {
                name: package.name,
                relation: evr::Relation::from_flags(Some(rpmrepo_metadata::RequirementType::EQ)),
                or_next: false,
                evr: package.evr,
            };
            let rivals = self.pool.obsoleted.get(&package.name).map_or(&[][..], Vec::as_slice);
            let rival = rivals.iter().find(|(rival, obsolete)| {
                self.package(*rival).name != package.name && self.pool.satisfies(&own, obsolete)
            });
            let Some((rival, _)) = rival else { break };
            if package.origin == PackageOrigin::Base
                && self.package(*rival).origin == PackageOrigin::AddOn
            {
                let (addon, base) = (self.pool.nevra(*rival), self.pool.nevra(place));
                self.problems.insert(DepsolveProblem::Obsoletes { addon, base });
            }
            place = *rival;
        }
        place
    }

    fn take_requirements(&mut self, place: PackageIndex) {
        let pool = self.pool;
        for alternatives in pool.packages[place].requires.chunk_by(|one, _| one.or_next) {
            let Some(first) = alternatives.first() else { continue };
            let name = pool.text(first.name);
            if name.starts_with("rpmlib(") {
                continue;
            }
            if self.request.reads_rich && pool.rich.contains_key(&first.name) {
                self.conditions.push((place, first.name));
                continue;
            }
            if name.starts_with('(') {
                let (package, capability) = (pool.nevra(place), name.to_owned());
                self.problems.insert(DepsolveProblem::RichDependency { package, capability });
                continue;
            }
            self.demand(place, alternatives);
            if self.problems.len() > MOST_PROBLEMS {
                return;
            }
        }
    }

    /// Takes what is required until nothing more is: a package that comes in may meet a condition of another.
    fn take_all_requirements(&mut self) {
        loop {
            while let Some(place) = self.queue.pop_front() {
                self.take_requirements(place);
            }
            let pool = self.pool;
            for (place, name) in self.conditions.clone() {
                self.demand_rich(place, &pool.rich[&name], name);
            }
            if self.queue.is_empty() || self.problems.len() > MOST_PROBLEMS {
                return;
            }
        }
    }

    /// Takes a package for a requirement that nothing that is taken meets.
    fn demand(&mut self, place: PackageIndex, alternatives: &[Capability]) {
        if alternatives.iter().any(|required| self.is_met(place, required)) {
            return;
        }
        match self.choose(place, alternatives) {
            Some(choice) => self.take(choice, Some(place)),
            None => self.report_unresolved(place, alternatives),
        }
    }

    fn is_met(&self, place: PackageIndex, required: &Capability) -> bool {
        let mut providers = self.pool.providers_satisfying(required);
        providers.any(|index| index == place || self.taken.contains_key(&index))
    }

    /// Finds the packages that can never be installed, by repeating until no more are found: apt passes
    /// over an alternative that is one of them.
    fn find_uninstallable(&mut self) {
        let mut rest = self.find_reachable();
        loop {
            let can_be = |required: &Capability| {
                let mut providers = self.pool.providers_satisfying(required);
                providers.any(|one| self.is_newest(one) && !self.uninstallable.contains(&one))
            };
            let lacks = |package: &Candidate| {
                let mut groups = package.requires.chunk_by(|one, _| one.or_next);
                groups.any(|group| !group.iter().any(can_be))
            };
            let found: Vec<PackageIndex> =
                rest.iter().copied().filter(|place| lacks(self.package(*place))).collect();
            if found.is_empty() {
                return;
            }
            rest.retain(|place| !found.contains(place));
            self.uninstallable.extend(found);
        }
    }

    /// Chooses a package for a requirement: of the first alternative that can be had, and if there
    /// is such a one, one that excludes nothing of what is taken.
    fn choose(&self, place: PackageIndex, alternatives: &[Capability]) -> Option<PackageIndex> {
        let best = |required: &Capability, fits: &dyn Fn(PackageIndex) -> bool| {
            self.pool
                .providers_satisfying(required)
                .filter(|choice| fits(*choice))
                .max_by(|a, b| self.compare_providers(*a, *b, place, required.name))
        };
        if self.pool.rules == PackageRules::Rpm {
            return alternatives.iter().find_map(|required| best(required, &|_| true));
        }
        let newest = |choice| self.is_newest(choice);
        let can_be = |choice| newest(choice) && !self.uninstallable.contains(&choice);
        let fits = |choice| can_be(choice) && !self.excludes_taken(choice);
        let mut all = alternatives.iter();
        all.find_map(|required| best(required, &fits))
            .or_else(|| alternatives.iter().find_map(|required| best(required, &can_be)))
            .or_else(|| alternatives.iter().find_map(|required| best(required, &newest)))
    }

    /// Whether a package and one that is taken exclude each other.
    fn excludes_taken(&self, choice: PackageIndex) -> bool {
        let mut excluded = self.package(choice).conflicts.iter();
        let excludes = |one: &Capability| {
            let mut others = self.pool.providers_satisfying(one);
            others.any(|other| other != choice && self.taken.contains_key(&other))
        };
        let is_excluded = |one: &Capability| {
            let mut provided = self.package(choice).provides.iter();
            provided.any(|provided| self.pool.satisfies(provided, one))
        };
        let mut taken = self.taken.keys().filter(|place| **place != choice);
        excluded.any(excludes)
            || taken.any(|place| self.package(*place).conflicts.iter().any(is_excluded))
    }

    /// Orders providers of one capability: same architecture, that name, from the medium, shortest
    /// name, newest.
    fn compare_providers(
        &self,
        a: PackageIndex,
        b: PackageIndex,
        for_whom: PackageIndex,
        name: Symbol,
    ) -> std::cmp::Ordering {
        let arch = self.pool.text(self.package(for_whom).arch);
        let rules = self.pool.rules;
        let fitness = |package: &Candidate| match (self.pool.text(package.arch), arch) {
            (own, wanted) if own == wanted && rules == PackageRules::Rpm => 2,
            (own, _) if rules.is_native(own) => 1,
            _ => 0,
        };
        let (left, right) = (self.package(a), self.package(b));
        let len = |package: &Candidate| self.pool.text(package.name).len();
        fitness(left)
            .cmp(&fitness(right))
            .then_with(|| (left.name == name).cmp(&(right.name == name)))
            .then_with(|| right.origin.cmp(&left.origin))
            .then_with(|| len(right).cmp(&len(left)))
            .then_with(|| rules.compare(self.pool.text(left.evr), self.pool.text(right.evr)))
            .then_with(|| b.cmp(&a))
    }

    fn report_unresolved(&mut self, place: PackageIndex, alternatives: &[Capability]) {
        let names = || alternatives.iter().map(|required| required.name);
        let providers = names().flat_map(|name| self.pool.providers_of(name));
        let near = providers.take(8).map(|(place, provided)| NearMiss {
            nevra: self.pool.nevra(place),
            provides: self.pool.capability_text(provided),
            origin: self.package(place).origin,
            file: self.pool.text(self.package(place).file).to_owned(),
        });
        let wanted_by = match self.taken.get(&place) {
            Some(Some(who)) => self.pool.nevra(*who),
            _ => self.pool.rules.answers().to_owned(),
        };
        let texts = alternatives.iter().map(|required| self.pool.capability_text(required));
        let problem = DepsolveProblem::Unresolved {
            package: self.pool.nevra(place),
            origin: self.package(place).origin,
            capability: texts.collect::<Vec<_>>().join(" | "),
            wanted_by,
            near: near.collect(),
            file: names().find_map(|name| self.find_known_file(self.pool.text(name))),
        };
        self.problems.insert(problem);
    }

    /// Returns the known file of the package of that name.
    fn find_known_file(&self, name: &str) -> Option<String> {
        let of_name = |file: &&String| package_name_of_file(file) == Some(name);
        self.request.known_files.iter().find(of_name).cloned()
    }

    fn find_conflicts(&mut self) {
        let mut found = Vec::new();
        for &place in self.taken.keys() {
            for excluded in &self.package(place).conflicts {
                if self.request.reads_rich && self.pool.text(excluded.name).starts_with('(') {
                    found.extend(self.rich_conflict(place, excluded));
                    continue;
                }
                let others = self.pool.providers_satisfying(excluded);
                let named = self.by_name.get(&excluded.name).into_iter().flatten().copied();
                let named = named.filter(|other| {
                    let package = self.package(*other);
                    let versions = (self.pool.text(package.evr), self.pool.text(excluded.evr));
                    let own =
                        evr::Relation::from_flags(Some(rpmrepo_metadata::RequirementType::EQ));
                    let rules = self.pool.rules;
                    rules.meets((own, versions.0), (excluded.relation, versions.1))
                });
                for other in others.chain(named) {
                    if other != place && self.taken.contains_key(&other) {
                        found.push(DepsolveProblem::Conflict {
                            package: self.pool.nevra(place),
                            capability: self.pool.capability_text(excluded),
                            other: self.pool.nevra(other),
                        });
                    }
                }
            }
        }
        self.problems.extend(found);
    }

    /// Finds add-ons with the name of a package of the medium. The same version is the same
    /// package.
    fn find_shadowed(&mut self) {
        let mut found = Vec::new();
        for places in self.pool.by_name.values() {
            let newest =
                |origin| {
                    let of_origin = |place: &PackageIndex| self.package(*place).origin == origin;
                    let mut packages = places.iter().copied().filter(of_origin);
                    let first = packages.next()?;
                    Some(packages.fold(first, |a, b| {
                        if self.compare_versions(a, b).is_lt() { b } else { a }
                    }))
                };
            let (Some(base), Some(addon)) =
                (newest(PackageOrigin::Base), newest(PackageOrigin::AddOn))
            else {
                continue;
            };
            let (mine, theirs) = (self.package(addon).evr, self.package(base).evr);
            let rules = self.pool.rules;
            let order = rules.compare(self.pool.text(mine), self.pool.text(theirs));
            // apt takes the newest of a name, wherever it is, and what goes with it.
            let is_meant = rules == PackageRules::Deb && order.is_gt();
            if order.is_ne() && !is_meant {
                let (addon, base) = (self.pool.nevra(addon), self.pool.nevra(base));
                found.push(DepsolveProblem::Shadows { addon, base, newer: order.is_gt() });
            }
        }
        self.problems.extend(found);
    }

    /// Finds packages of the medium that need an add-on. They are installed first and must be
    /// satisfied among themselves: add-ons, which have no media id, follow in another transaction
    /// (anaconda 13.21.229, sortedtransaction.py).
    fn find_late_add_ons(&mut self) {
        let mut found = Vec::new();
        let taken = self.taken.keys().copied();
        for place in taken.filter(|place| self.package(*place).origin == PackageOrigin::Base) {
            for required in &self.package(place).requires {
                let providers: Vec<PackageIndex> = self
                    .pool
                    .providers_satisfying(required)
                    .filter(|index| *index == place || self.taken.contains_key(index))
                    .collect();
                let of_addons =
                    |index: &PackageIndex| self.package(*index).origin == PackageOrigin::AddOn;
                if let Some(addon) = providers.first().filter(|_| providers.iter().all(of_addons)) {
                    found.push(DepsolveProblem::NeedsAddOn {
                        package: self.pool.nevra(place),
                        capability: self.pool.capability_text(required),
                        addon: self.pool.nevra(*addon),
                    });
                }
            }
        }
        self.problems.extend(found);
    }

    fn solution(self) -> Solution {
        let addon = |place: &PackageIndex| self.package(*place).origin == PackageOrigin::AddOn;
        let mut install: Vec<String> =
            self.taken.keys().map(|place| self.pool.nevra(*place)).collect();
        install.sort_unstable();
        let mut unneeded: Vec<String> = (0..self.pool.packages.len())
            .filter(|place| addon(place) && !self.taken.contains_key(place))
            .map(|place| self.pool.nevra(place))
            .collect();
        unneeded.sort_unstable();
        Solution {
            install,
            addons: self.taken.keys().filter(|place| addon(place)).count(),
            complete: self.problems.len() <= MOST_PROBLEMS,
            unneeded,
            packages: self.taken.keys().copied().collect(),
            problems: self.problems.into_iter().take(MOST_PROBLEMS).collect(),
        }
    }
}
