//! Resolves the packages of a kickstart to those that will be installed, and to the problems.
//!
//! Not for yum's choice among equal providers: the choice here is stable, but the installer may
//! choose another provider, which may need other packages.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::evr;
use super::pool::{Candidate, Capability, PackageIndex, PackageOrigin, Pool, Symbol};
use super::problem::{DepsolveProblem, NearMiss};
use crate::packages::generation::Generation;
use crate::packages::repository::PackageGroup;

/// The most problems that are kept.
const MOST_PROBLEMS: usize = 500;

/// Packages that the installer adds itself if they are available: it needs a kernel, a boot loader
/// and the tools of the file systems it creates (anaconda's yuminstall.py; the lists are general
/// knowledge).
const INSTALLER_EL6: &[&str] = &["kernel", "grub", "e2fsprogs", "authconfig"];
const INSTALLER_EL7: &[&str] = &["kernel", "grub2", "e2fsprogs", "authconfig", "firewalld"];

/// The packages to resolve.
#[derive(Clone, Debug)]
pub struct SolveRequest<'a> {
    /// `%packages`: names, `@groups`, and `-names` to leave out.
    pub packages: &'a [String],
    /// The medium's groups.
    pub groups: &'a [PackageGroup],
    /// The generation of the installer.
    pub generation: Generation,
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
    };
    solver.take_requested();
    while let Some(place) = solver.queue.pop_front() {
        solver.take_requirements(place);
    }
    solver.find_conflicts();
    solver.find_shadowed();
    if request.generation == Generation::El6 {
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
}

impl Solver<'_> {
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
        let installer = match self.request.generation {
            Generation::El6 => INSTALLER_EL6,
            Generation::El7 => INSTALLER_EL7,
        };
        names.extend(installer.iter().map(|name| (*name, false)));
        for (name, demanded) in names {
            if left_out.contains(name) {
                continue;
            }
            match self.best_of_name(name) {
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
        let native =
            |package: &Candidate| matches!(self.pool.text(package.arch), "x86_64" | "noarch");
        native(left)
            .cmp(&native(right))
            .then_with(|| evr::compare(self.pool.text(left.evr), self.pool.text(right.evr)))
            .then_with(|| right.origin.cmp(&left.origin))
            .then_with(|| b.cmp(&a))
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
        for index in 0..self.package(place).requires.len() {
            let required = self.package(place).requires[index];
            let name = self.pool.text(required.name);
            if name.starts_with("rpmlib(") {
                continue;
            }
            if name.starts_with('(') {
                let (package, capability) = (self.pool.nevra(place), name.to_owned());
                self.problems.insert(DepsolveProblem::RichDependency { package, capability });
                continue;
            }
            let mut providers = self.pool.providers_satisfying(&required);
            if providers.any(|index| index == place || self.taken.contains_key(&index)) {
                continue;
            }
            let choice = self
                .pool
                .providers_satisfying(&required)
                .max_by(|a, b| self.compare_providers(*a, *b, place, required.name));
            match choice {
                Some(choice) => self.take(choice, Some(place)),
                None => self.report_unresolved(place, &required),
            }
            if self.problems.len() > MOST_PROBLEMS {
                return;
            }
        }
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
        let fitness = |package: &Candidate| match (self.pool.text(package.arch), arch) {
            (own, wanted) if own == wanted => 2,
            ("noarch" | "x86_64", _) => 1,
            _ => 0,
        };
        let (left, right) = (self.package(a), self.package(b));
        let len = |package: &Candidate| self.pool.text(package.name).len();
        fitness(left)
            .cmp(&fitness(right))
            .then_with(|| (left.name == name).cmp(&(right.name == name)))
            .then_with(|| right.origin.cmp(&left.origin))
            .then_with(|| len(right).cmp(&len(left)))
            .then_with(|| evr::compare(self.pool.text(left.evr), self.pool.text(right.evr)))
            .then_with(|| b.cmp(&a))
    }

    fn report_unresolved(&mut self, place: PackageIndex, required: &Capability) {
        let name = self.pool.text(required.name);
        let near =
            self.pool.providers_of(required.name).take(8).map(|(place, provided)| NearMiss {
                nevra: self.pool.nevra(place),
                provides: self.pool.capability_text(provided),
                origin: self.package(place).origin,
                file: self.pool.text(self.package(place).file).to_owned(),
            });
        let wanted_by = match self.taken.get(&place) {
            Some(Some(who)) => self.pool.nevra(*who),
            _ => "the kickstart".to_owned(),
        };
        let problem = DepsolveProblem::Unresolved {
            package: self.pool.nevra(place),
            origin: self.package(place).origin,
            capability: self.pool.capability_text(required),
            wanted_by,
            near: near.collect(),
            file: self.find_known_file(name),
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
                let others = self.pool.providers_satisfying(excluded);
                let named = self.by_name.get(&excluded.name).into_iter().flatten().copied();
                let named = named.filter(|other| {
                    let package = self.package(*other);
                    let versions = (self.pool.text(package.evr), self.pool.text(excluded.evr));
                    let own =
                        evr::Relation::from_flags(Some(rpmrepo_metadata::RequirementType::EQ));
                    evr::ranges_overlap((own, versions.0), (excluded.relation, versions.1))
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
            let order = evr::compare(self.pool.text(mine), self.pool.text(theirs));
            if order.is_ne() {
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

/// Returns the name in `NAME-VERSION-RELEASE.ARCH.rpm`.
///
/// ```
/// use preflight::packages::depsolve::package_name_of_file;
/// assert_eq!(package_name_of_file("perl-libs-5.10.1-136.el6_6.1.x86_64.rpm"), Some("perl-libs"));
/// ```
pub fn package_name_of_file(file: &str) -> Option<&str> {
    file.rsplitn(3, '-').nth(2)
}
