//! All available packages, with what they provide and require; each text is stored once.
//!
//! Not for choosing among them (`solve`). A medium of 6,700 packages takes some 10 MB here.

use std::collections::{BTreeSet, HashMap};

use rpmrepo_metadata::{Package, Requirement};

use super::evr::Relation;
use super::interner::Interner;
pub(super) use super::interner::Symbol;
use super::rich::Rich;
use super::rules::PackageRules;
use crate::packages::deb::list::{DebPackage, PackageRelation, VersionTest};

/// The source of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PackageOrigin {
    /// The vendor's medium.
    Base,
    /// The packages that are added to it.
    AddOn,
}

impl PackageOrigin {
    /// Returns its name in messages.
    pub fn label(self) -> &'static str {
        match self {
            Self::Base => "the medium",
            Self::AddOn => "the add-ons",
        }
    }
}

/// A name with a range of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capability {
    pub(super) name: Symbol,
    pub(super) relation: Relation,
    /// Whether the next one of the list is as good (`|` of a Debian relation).
    pub(super) or_next: bool,
    pub(super) evr: Symbol,
}

/// One package.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) name: Symbol,
    pub(super) evr: Symbol,
    pub(super) arch: Symbol,
    pub(super) origin: PackageOrigin,
    /// Its file: on the medium, or on the machine that builds.
    pub(super) file: Symbol,
    pub(super) provides: Box<[Capability]>,
    pub(super) requires: Box<[Capability]>,
    pub(super) conflicts: Box<[Capability]>,
    pub(super) obsoletes: Box<[Capability]>,
}

/// The index of a package in the pool.
pub(super) type PackageIndex = usize;

/// The most bytes of texts and the most capabilities of a pool: several times those of 6,700
/// packages.
const MOST_TEXT: usize = 64 << 20;
const MOST_CAPABILITIES: usize = 4_000_000;

/// The packages are more, or larger, than in any repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the metadata of the packages is larger than any repository's")]
pub struct PoolLimitError;

/// All available packages.
#[derive(Debug, Default)]
pub struct Pool {
    pub(super) rules: PackageRules,
    interner: Interner,
    capabilities: usize,
    pub(super) packages: Vec<Candidate>,
    pub(super) by_name: HashMap<Symbol, Vec<PackageIndex>>,
    /// The packages that provide a name or have a file.
    providers: Providers,
    /// Rich dependencies by their text.
    pub(super) rich: HashMap<Symbol, Rich<Capability>>,
    /// The packages that make a name obsolete.
    pub(super) obsoleted: HashMap<Symbol, Vec<(PackageIndex, Capability)>>,
}

impl Pool {
    /// Returns an empty pool of Debian packages; `default` is one of RPMs.
    pub fn of_debs() -> Self {
        Self { rules: PackageRules::Deb, ..Self::default() }
    }

    /// Adds a Debian package; `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// Fails when the pool would need more memory than any archive.
    pub fn add_deb(
        &mut self,
        package: &DebPackage,
        origin: PackageOrigin,
        file: &str,
    ) -> Result<(), PoolLimitError> {
        let own = PackageRelation {
            name: package.name.clone(),
            versions: Some((VersionTest::Equal, package.version.clone())),
        };
        let any = PackageRelation { name: format!("{}:any", package.name), ..own.clone() };
        let any = package.is_for_any_architecture.then_some(any);
        let provides: Vec<PackageRelation> =
            package.provides.iter().cloned().chain([own]).chain(any).collect();
        let candidate = Candidate {
            name: self.intern(&package.name),
            evr: self.intern(package.version.as_str()),
            arch: self.intern(&package.architecture),
            origin,
            file: self.intern(file),
            provides: self.deb_relations(std::slice::from_ref(&provides), false),
            requires: self.deb_relations(&package.depends, true),
            conflicts: self.deb_relations(std::slice::from_ref(&package.conflicts), false),
            obsoletes: Box::default(),
        };
        self.push(candidate);
        self.check_limits()
    }

    /// Converts lists of relations; with `alternatives` each list is of such as are as good.
    fn deb_relations(
        &mut self,
        lists: &[Vec<PackageRelation>],
        alternatives: bool,
    ) -> Box<[Capability]> {
        let mut relations = Vec::new();
        for list in lists {
            for (index, written) in list.iter().enumerate() {
                let name = self.intern(&written.name);
                let test = written.versions.as_ref().map(|(test, _)| *test);
                let evr = match &written.versions {
                    Some((_, version)) => self.intern(version.as_str()),
                    None => name,
                };
                let relation = Relation::from_version_test(test);
                let or_next = alternatives && index + 1 < list.len();
                relations.push(Capability { name, relation, or_next, evr });
            }
        }
        self.capabilities += relations.len();
        relations.into()
    }

    /// Adds a package; `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// Fails when the pool would need more memory than any repository.
    pub fn add(
        &mut self,
        package: &Package,
        origin: PackageOrigin,
        file: &str,
    ) -> Result<(), PoolLimitError> {
        let place = self.packages.len();
        let evr = format!("{}:{}-{}", package.epoch(), package.version(), package.release());
        let candidate = Candidate {
            name: self.intern(package.name()),
            evr: self.intern(&evr),
            arch: self.intern(package.arch()),
            origin,
            file: self.intern(file),
            provides: self.capabilities(package.provides()),
            requires: self.capabilities(package.requires()),
            conflicts: self.capabilities(package.conflicts()),
            obsoletes: self.capabilities(package.obsoletes()),
        };
        self.push(candidate);
        for file in package.files().iter() {
            self.add_file(place, &file.path());
        }
        self.check_limits()
    }

    fn push(&mut self, candidate: Candidate) {
        let place = self.packages.len();
        self.by_name.entry(candidate.name).or_default().push(place);
        for provided in &candidate.provides {
            self.providers.push(place, *provided);
        }
        for obsolete in &candidate.obsoletes {
            self.obsoleted.entry(obsolete.name).or_default().push((place, *obsolete));
        }
        self.packages.push(candidate);
    }

    fn check_limits(&self) -> Result<(), PoolLimitError> {
        let within = self.interner.bytes() <= MOST_TEXT && self.capabilities <= MOST_CAPABILITIES;
        if within { Ok(()) } else { Err(PoolLimitError) }
    }

    /// Records that a package has a file, which others may require by its path.
    pub(super) fn add_file(&mut self, place: PackageIndex, path: &str) {
        let name = self.intern(path);
        let has = Capability { name, relation: Relation::default(), or_next: false, evr: name };
        if self.providers.last(name).is_none_or(|last| last != place) {
            self.providers.push(place, has);
            self.capabilities += 1;
        }
    }

    /// Finds a package of the medium.
    pub(super) fn find_base_package(
        &self,
        name: &str,
        evr: &str,
        arch: &str,
    ) -> Option<PackageIndex> {
        let (evr, arch) = (self.lookup(evr)?, self.lookup(arch)?);
        let places = self.by_name.get(&self.lookup(name)?)?;
        places.iter().copied().find(|place| {
            let package = &self.packages[*place];
            package.origin == PackageOrigin::Base && package.evr == evr && package.arch == arch
        })
    }

    /// Returns paths that packages require and that no package is known to have: `primary.xml`
    /// lists only those that are often required.
    pub fn missing_paths(&self) -> BTreeSet<String> {
        let required = self.packages.iter().flat_map(|package| &package.requires);
        let rich = self.rich.values().flat_map(Rich::capabilities);
        let names: BTreeSet<Symbol> = required.chain(rich).map(|required| required.name).collect();
        let missing = names.into_iter().filter(|name| self.providers.last(*name).is_none());
        let paths = missing.map(|name| self.text(name)).filter(|name| name.starts_with('/'));
        paths.map(str::to_owned).collect()
    }

    /// Whether there is a package of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.lookup(name).is_some_and(|name| self.by_name.contains_key(&name))
    }

    /// Returns the number of packages.
    pub fn len(&self) -> usize {
        self.packages.len()
    }

    /// Whether there are no packages.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    fn intern(&mut self, text: &str) -> Symbol {
        self.interner.intern(text)
    }

    fn capabilities(&mut self, written: &[Requirement]) -> Box<[Capability]> {
        self.capabilities += written.len();
        written.iter().map(|requirement| self.capability(requirement)).collect()
    }

    /// Reads a rich dependency; one that cannot be read is none.
    fn add_rich(&mut self, name: Symbol, text: &str) {
        let Some(parsed) = Rich::parse(text).filter(|_| !self.rich.contains_key(&name)) else {
            return;
        };
        let rich = parsed.map(&mut |(name, relation, version)| {
            let name = self.intern(name);
            let evr = match version {
                Some(version) if version.contains(':') => self.intern(version),
                Some(version) => self.intern(&format!("0:{version}")),
                None => name,
            };
            Capability { name, relation: *relation, or_next: false, evr }
        });
        self.capabilities += rich.capabilities().len();
        self.rich.insert(name, rich);
    }

    fn capability(&mut self, written: &Requirement) -> Capability {
        let name = self.intern(written.name());
        if written.name().starts_with('(') {
            self.add_rich(name, written.name());
        }
        let Some(version) = written.version().filter(|_| written.flags().is_some()) else {
            return Capability { name, relation: Relation::default(), or_next: false, evr: name };
        };
        let epoch = written.epoch().unwrap_or("0");
        let evr = match written.release() {
            Some(release) => format!("{epoch}:{version}-{release}"),
            None => format!("{epoch}:{version}"),
        };
        let relation = Relation::from_flags(written.flags());
        Capability { name, relation, or_next: false, evr: self.intern(&evr) }
    }

    pub(super) fn lookup(&self, text: &str) -> Option<Symbol> {
        self.interner.get(text)
    }

    pub(super) fn text(&self, symbol: Symbol) -> &str {
        self.interner.text(symbol)
    }

    /// Returns `NAME-EPOCH:VERSION-RELEASE.ARCH`, without an epoch of 0, or `NAME_VERSION_ARCH`.
    pub(super) fn nevra(&self, place: PackageIndex) -> String {
        let package = &self.packages[place];
        let (name, evr) = (self.text(package.name), self.text(package.evr));
        self.rules.package(name, evr, self.text(package.arch))
    }

    /// Returns a capability as packagers write it: `glibc >= 2.12`, `libc6 (>= 2.14)`.
    pub(super) fn capability_text(&self, capability: &Capability) -> String {
        let name = self.text(capability.name);
        if capability.relation.is_any() {
            return name.to_owned();
        }
        self.rules.relation(name, capability.relation, self.text(capability.evr))
    }

    pub(super) fn satisfies(&self, provided: &Capability, required: &Capability) -> bool {
        provided.name == required.name
            && self.rules.meets(
                (provided.relation, self.text(provided.evr)),
                (required.relation, self.text(required.evr)),
            )
    }

    /// Returns all packages that provide this name, whatever the version.
    pub(super) fn providers_of(
        &self,
        name: Symbol,
    ) -> impl Iterator<Item = (PackageIndex, &Capability)> {
        self.providers.of_name(name)
    }

    /// Returns all packages that satisfy a requirement, in the pool's order.
    pub(super) fn providers_satisfying<'a>(
        &'a self,
        required: &'a Capability,
    ) -> impl Iterator<Item = PackageIndex> + 'a {
        self.providers_of(required.name)
            .filter(|(_, provided)| self.satisfies(provided, required))
            .map(|(place, _)| place)
    }
}

/// The providers of names, in the order they were added. One list for each of the hundreds of
/// thousands of names, most of which have one provider, would take several times as much memory.
#[derive(Debug, Default)]
struct Providers {
    /// Package, capability, and the index of the next one of the same name.
    all: Vec<(u32, Capability, u32)>,
    /// The indices of the first and the last of a name, by its symbol.
    ends: Vec<(u32, u32)>,
}

/// The end of a list.
const NONE: u32 = u32::MAX;

impl Providers {
    fn push(&mut self, place: PackageIndex, provided: Capability) {
        let at = to_u32(self.all.len());
        self.all.push((to_u32(place), provided, NONE));
        let name = provided.name.index();
        if self.ends.len() <= name {
            self.ends.resize(name + 1, (NONE, NONE));
        }
        let (first, last) = &mut self.ends[name];
        match *last {
            NONE => *first = at,
            before => self.all[before as usize].2 = at,
        }
        *last = at;
    }

    fn entry(&self, at: u32) -> Option<&(u32, Capability, u32)> {
        self.all.get(at as usize)
    }

    /// Returns the provider of a name that was added last.
    fn last(&self, name: Symbol) -> Option<PackageIndex> {
        let (_, last) = self.ends.get(name.index())?;
        self.entry(*last).map(|(place, _, _)| *place as PackageIndex)
    }

    fn of_name(&self, name: Symbol) -> impl Iterator<Item = (PackageIndex, &Capability)> {
        let first = self.ends.get(name.index()).map_or(NONE, |(first, _)| *first);
        let each = std::iter::successors(self.entry(first), |(_, _, next)| self.entry(*next));
        each.map(|(place, provided, _)| (*place as PackageIndex, provided))
    }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).expect("fewer packages and capabilities than the pool's limits")
}
