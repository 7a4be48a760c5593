//! From what a kickstart asks for to what will be installed, and everything that is in the way.
//!
//! Not for choosing as yum would among equals: who is taken is stable and sensible, and when more
//! than one would do, another choice of the installer's may need other packages.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::evr;
use super::pool::{Candidate, Capability, Origin, Place, Pool, Symbol};
use super::problem::{NearMiss, Problem};
use crate::packages::generation::Generation;
use crate::packages::repository::Group;

/// Problems that are worth telling one by one.
const MOST: usize = 500;

/// What the installer adds by itself when it is there: it needs a kernel, a boot loader and the
/// tools of the file systems it makes (anaconda's yuminstall.py; the lists are general knowledge).
const INSTALLER_EL6: &[&str] = &["kernel", "grub", "e2fsprogs", "authconfig"];
const INSTALLER_EL7: &[&str] = &["kernel", "grub2", "e2fsprogs", "authconfig", "firewalld"];

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// `%packages`: names, `@groups`, and `-names` that are left out.
    pub asked: &'a [String],
    /// The medium's groups.
    pub groups: &'a [Group],
    /// Which installer it is.
    pub generation: Generation,
    /// File names of packages that are known by heart, to say which one would help.
    pub known: &'a [String],
}

/// What will be installed, and what is in the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Solution {
    /// Packages that would be installed, sorted.
    pub install: Vec<String>,
    /// How many of them are add-ons.
    pub addons: usize,
    /// What is in the way, sorted, each once.
    pub problems: Vec<Problem>,
    /// Whether all problems are told.
    pub complete: bool,
    /// Add-ons that nobody needs.
    pub unneeded: Vec<String>,
    /// Places of the packages that would be installed.
    pub(super) places: Vec<usize>,
}

/// Resolves what is asked for.
pub fn solve(pool: &Pool, wanted: &Wanted<'_>) -> Solution {
    let mut solver = Solver {
        pool,
        wanted,
        taken: BTreeMap::new(),
        by_name: HashMap::new(),
        queue: VecDeque::new(),
        problems: BTreeSet::new(),
    };
    solver.ask();
    while let Some(place) = solver.queue.pop_front() {
        solver.follow(place);
    }
    solver.exclusions();
    solver.rivals_of_the_medium();
    if wanted.generation == Generation::El6 {
        solver.order();
    }
    solver.solution()
}

struct Solver<'a> {
    pool: &'a Pool,
    wanted: &'a Wanted<'a>,
    /// Who is installed, and who wanted it.
    taken: BTreeMap<Place, Option<Place>>,
    by_name: HashMap<Symbol, Vec<Place>>,
    queue: VecDeque<Place>,
    problems: BTreeSet<Problem>,
}

impl Solver<'_> {
    fn package(&self, place: Place) -> &Candidate {
        &self.pool.packages[place]
    }

    fn ask(&mut self) {
        let asked = self.wanted.asked;
        let left_out: BTreeSet<&str> =
            asked.iter().filter_map(|name| name.strip_prefix('-')).collect();
        let mut names: Vec<(&str, bool)> = Vec::new();
        for wish in asked.iter().filter(|wish| !wish.starts_with('-')) {
            let Some(group) = wish.strip_prefix('@') else {
                names.push((wish, true));
                continue;
            };
            let group = group.trim();
            let found = self.wanted.groups.iter().find(|it| it.id == group || it.name == group);
            match found {
                // A member that is not there is passed over, as yum does.
                Some(found) => names.extend(found.members().map(|name| (name, false))),
                None => {
                    self.problems.insert(Problem::NoGroup { group: group.to_owned() });
                }
            }
        }
        let installer = match self.wanted.generation {
            Generation::El6 => INSTALLER_EL6,
            Generation::El7 => INSTALLER_EL7,
        };
        names.extend(installer.iter().map(|name| (*name, false)));
        for (name, demanded) in names {
            if left_out.contains(name) {
                continue;
            }
            match self.best(name) {
                Some(place) => self.take(place, None),
                None if demanded => {
                    let (name, file) = (name.to_owned(), self.known_file(name));
                    self.problems.insert(Problem::NoPackage { name, file });
                }
                None => {}
            }
        }
    }

    /// The newest of a name, for this machine rather than for 32 bits, from the medium rather than
    /// the same from the add-ons.
    fn best(&self, name: &str) -> Option<Place> {
        let places = self.pool.by_name.get(&self.pool.known(name)?)?;
        places.iter().copied().max_by(|a, b| self.preferred(*a, *b))
    }

    fn preferred(&self, a: Place, b: Place) -> std::cmp::Ordering {
        let (left, right) = (self.package(a), self.package(b));
        let native = |it: &Candidate| matches!(self.pool.text(it.arch), "x86_64" | "noarch");
        native(left)
            .cmp(&native(right))
            .then_with(|| evr::compare(self.pool.text(left.evr), self.pool.text(right.evr)))
            .then_with(|| right.origin.cmp(&left.origin))
            .then_with(|| b.cmp(&a))
    }

    fn take(&mut self, place: Place, wanted_by: Option<Place>) {
        let place = self.instead_of(place);
        if self.taken.contains_key(&place) {
            return;
        }
        self.taken.insert(place, wanted_by);
        self.by_name.entry(self.package(place).name).or_default().push(place);
        self.queue.push_back(place);
    }

    /// Who makes this package obsolete, or it itself. A few steps at most: packages that make each
    /// other obsolete exist.
    fn instead_of(&mut self, mut place: Place) -> Place {
        for _ in 0..4 {
            let package = self.package(place);
            let own = Capability {
                name: package.name,
                relation: evr::Relation::of(Some(rpmrepo_metadata::RequirementType::EQ)),
                evr: package.evr,
            };
            let rivals = self.pool.obsoleted.get(&package.name).map_or(&[][..], Vec::as_slice);
            let rival = rivals.iter().find(|(rival, obsolete)| {
                self.package(*rival).name != package.name && self.pool.meets(&own, obsolete)
            });
            let Some((rival, _)) = rival else { break };
            if package.origin == Origin::Base && self.package(*rival).origin == Origin::AddOn {
                let (addon, base) = (self.pool.nevra(*rival), self.pool.nevra(place));
                self.problems.insert(Problem::Obsoletes { addon, base });
            }
            place = *rival;
        }
        place
    }

    fn follow(&mut self, place: Place) {
        for index in 0..self.package(place).requires.len() {
            let required = self.package(place).requires[index];
            let name = self.pool.text(required.name);
            if name.starts_with("rpmlib(") {
                continue;
            }
            if name.starts_with('(') {
                let (package, capability) = (self.pool.nevra(place), name.to_owned());
                self.problems.insert(Problem::Rich { package, capability });
                continue;
            }
            let mut there = self.pool.satisfying(&required);
            if there.any(|it| it == place || self.taken.contains_key(&it)) {
                continue;
            }
            let choice = self
                .pool
                .satisfying(&required)
                .max_by(|a, b| self.fitter(*a, *b, place, required.name));
            match choice {
                Some(choice) => self.take(choice, Some(place)),
                None => self.unresolved(place, &required),
            }
            if self.problems.len() > MOST {
                return;
            }
        }
    }

    /// Among those who provide the same: the one of that name, for the same machine, from the
    /// medium, with the shortest name, the newest.
    fn fitter(&self, a: Place, b: Place, for_whom: Place, name: Symbol) -> std::cmp::Ordering {
        let arch = self.pool.text(self.package(for_whom).arch);
        let wide = |it: &Candidate| match (self.pool.text(it.arch), arch) {
            (it, wanted) if it == wanted => 2,
            ("noarch" | "x86_64", _) => 1,
            _ => 0,
        };
        let (left, right) = (self.package(a), self.package(b));
        let len = |it: &Candidate| self.pool.text(it.name).len();
        wide(left)
            .cmp(&wide(right))
            .then_with(|| (left.name == name).cmp(&(right.name == name)))
            .then_with(|| right.origin.cmp(&left.origin))
            .then_with(|| len(right).cmp(&len(left)))
            .then_with(|| evr::compare(self.pool.text(left.evr), self.pool.text(right.evr)))
            .then_with(|| b.cmp(&a))
    }

    fn unresolved(&mut self, place: Place, required: &Capability) {
        let name = self.pool.text(required.name);
        let near = self.pool.of_name(required.name).take(8).map(|(place, provided)| NearMiss {
            nevra: self.pool.nevra(place),
            provides: self.pool.written(provided),
            origin: self.package(place).origin,
            file: self.pool.text(self.package(place).file).to_owned(),
        });
        let wanted_by = match self.taken.get(&place) {
            Some(Some(who)) => self.pool.nevra(*who),
            _ => "the kickstart".to_owned(),
        };
        let problem = Problem::Unresolved {
            package: self.pool.nevra(place),
            origin: self.package(place).origin,
            capability: self.pool.written(required),
            wanted_by,
            near: near.collect(),
            file: self.known_file(name),
        };
        self.problems.insert(problem);
    }

    /// The file of a package known by heart; the capability is its name.
    fn known_file(&self, name: &str) -> Option<String> {
        let of_name = |file: &&String| name_of_file(file) == Some(name);
        self.wanted.known.iter().find(of_name).cloned()
    }

    fn exclusions(&mut self) {
        let mut found = Vec::new();
        for &place in self.taken.keys() {
            for excluded in &self.package(place).conflicts {
                let others = self.pool.satisfying(excluded);
                let named = self.by_name.get(&excluded.name).into_iter().flatten().copied();
                let named = named.filter(|other| {
                    let package = self.package(*other);
                    let versions = (self.pool.text(package.evr), self.pool.text(excluded.evr));
                    let own = evr::Relation::of(Some(rpmrepo_metadata::RequirementType::EQ));
                    evr::meet((own, versions.0), (excluded.relation, versions.1))
                });
                for other in others.chain(named) {
                    if other != place && self.taken.contains_key(&other) {
                        found.push(Problem::Conflict {
                            package: self.pool.nevra(place),
                            capability: self.pool.written(excluded),
                            other: self.pool.nevra(other),
                        });
                    }
                }
            }
        }
        self.problems.extend(found);
    }

    /// Add-ons with the name of a package of the medium. The same version is the same package.
    fn rivals_of_the_medium(&mut self) {
        let mut found = Vec::new();
        for places in self.pool.by_name.values() {
            let newest = |origin| {
                let mut of = places.iter().copied().filter(|it| self.package(*it).origin == origin);
                let first = of.next()?;
                Some(of.fold(first, |a, b| if self.preferred(a, b).is_lt() { b } else { a }))
            };
            let (Some(base), Some(addon)) = (newest(Origin::Base), newest(Origin::AddOn)) else {
                continue;
            };
            let (mine, theirs) = (self.package(addon).evr, self.package(base).evr);
            let order = evr::compare(self.pool.text(mine), self.pool.text(theirs));
            if order.is_ne() {
                let (addon, base) = (self.pool.nevra(addon), self.pool.nevra(base));
                found.push(Problem::Shadows { addon, base, newer: order.is_gt() });
            }
        }
        self.problems.extend(found);
    }

    /// Packages of the medium go first and must be satisfied among themselves: those without a
    /// media id, the add-ons, follow in a transaction of their own (anaconda 13.21.229,
    /// sortedtransaction.py).
    fn order(&mut self) {
        let mut found = Vec::new();
        let taken = self.taken.keys().copied();
        for place in taken.filter(|place| self.package(*place).origin == Origin::Base) {
            for required in &self.package(place).requires {
                let there: Vec<Place> = self
                    .pool
                    .satisfying(required)
                    .filter(|it| *it == place || self.taken.contains_key(it))
                    .collect();
                let of_addons = |it: &Place| self.package(*it).origin == Origin::AddOn;
                if let Some(addon) = there.first().filter(|_| there.iter().all(of_addons)) {
                    found.push(Problem::Late {
                        package: self.pool.nevra(place),
                        capability: self.pool.written(required),
                        addon: self.pool.nevra(*addon),
                    });
                }
            }
        }
        self.problems.extend(found);
    }

    fn solution(self) -> Solution {
        let addon = |place: &Place| self.package(*place).origin == Origin::AddOn;
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
            complete: self.problems.len() <= MOST,
            unneeded,
            places: self.taken.keys().copied().collect(),
            problems: self.problems.into_iter().take(MOST).collect(),
        }
    }
}

/// The name in `NAME-VERSION-RELEASE.ARCH.rpm`.
///
/// ```
/// use preflight::packages::depsolve::name_of_file;
/// assert_eq!(name_of_file("perl-libs-5.10.1-136.el6_6.1.x86_64.rpm"), Some("perl-libs"));
/// ```
pub fn name_of_file(file: &str) -> Option<&str> {
    file.rsplitn(3, '-').nth(2)
}
