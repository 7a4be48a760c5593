//! Where the installer finds packages: the vendor's repository and ours, held against what the
//! kickstart asks for.

use std::io;

use super::debian::DebianMedium;
use super::digests::Digests;
use super::fault_list::FaultList;
use super::packages::file_fault;
use super::vendor::VendorFacts;
use crate::digest::Sha256;
use crate::facts::image::{AddOnFacts, SourceFacts};
use crate::facts::{Collection, Fact, Unavailable};
use crate::image::vendor_repositories::{path_below, vendor_repositories};
use crate::installer::disc_layout::REPOSITORY;
use crate::iso::Medium;
use crate::packages::deb::pool::{KEY, PACKAGES, read_pool as read_pool_list, signer};
use crate::packages::repository::{Repository, read_repository};

/// The most faults of a repository that are listed.
const MAX_FAULTS: usize = 100;

/// The most bytes of a pool's list.
const MAX_LIST_BYTES: u64 = 64 * 1024 * 1024;

/// The most add-on packages that are listed.
const MAX_ADD_ONS: usize = 1000;

/// The sources of the kickstart, or why there is none.
pub type KickstartSourcesResult = Result<KickstartSources, String>;

/// What a kickstart installs, and from where.
#[derive(Clone, Debug, Default)]
pub struct KickstartSources {
    /// `%packages`; groups with `@`.
    pub packages: Vec<String>,
    /// Where its `repo` lines find packages.
    pub repositories: Vec<String>,
    /// The commands that say where the installation comes from.
    pub sources: Vec<String>,
}

/// The repositories of a medium.
pub struct Repositories {
    /// The vendor's, at the top.
    pub vendor: Result<Repository, String>,
    /// The one that was added.
    pub add_ons: Result<Repository, String>,
    has_add_ons: bool,
}

impl Repositories {
    /// Reads the repositories of a medium.
    pub fn read(medium: &Medium) -> Self {
        let has_add_ons = medium.find(REPOSITORY).is_some();
        let add_ons = if medium.find(&format!("{REPOSITORY}/{PACKAGES}")).is_some() {
            read_pool(medium, REPOSITORY)
        } else if has_add_ons {
            read_medium_repository(medium, REPOSITORY)
        } else {
            Ok(Repository::default())
        };
        Self { vendor: read_vendor(medium), add_ons, has_add_ons }
    }

    /// Requests the digests of the add-ons.
    pub fn request_digests(&self, digests: &mut Digests<'_>) {
        for repo in self.add_ons.iter() {
            let packages = repo.packages.values().flatten().map(|package| &package.location);
            let files = repo.files.iter().map(|file| &file.location);
            packages.chain(files).for_each(|path| digests.request(&format!("{REPOSITORY}/{path}")));
        }
    }
}

/// Reads the facts.
pub fn facts(
    medium: &Medium,
    repositories: &Repositories,
    debian: Option<&DebianMedium>,
    asked: &KickstartSourcesResult,
    mounts: &[&str],
    vendor_facts: VendorFacts,
    digests: &mut Digests<'_>,
) -> SourceFacts {
    let Repositories { vendor, add_ons, has_add_ons } = repositories;
    let used = asked.as_ref().map(|asked| used_repositories(medium, asked, mounts, *has_add_ons));
    let missing = |wanted: fn(&str) -> Option<&str>,
                   has: fn(&Repository, &str) -> bool|
     -> Result<Vec<String>, &String> {
        let asked = asked.as_ref()?;
        if let Some(debian) = debian {
            debian.packages.as_ref()?;
            let added = add_ons.as_ref()?;
            let names = asked.packages.iter().filter_map(|asked| wanted(asked));
            let lacks = |name: &&str| !debian.has_package(name) && !has(added, name);
            return Ok(names.filter(lacks).map(str::to_owned).collect());
        }
        let vendor = vendor.as_ref()?;
        let (used, _) = used.as_ref().map_err(|why| *why)?;
        let mut others = Vec::new();
        for path in used {
            if path == REPOSITORY {
                others.push(add_ons.as_ref()?.clone());
            } else {
                others.extend(read_medium_repository(medium, path));
            }
        }
        let lacks = |name: &&str| !has(vendor, name) && !others.iter().any(|repo| has(repo, name));
        let names = asked.packages.iter().filter_map(|asked| wanted(asked)).filter(lacks);
        Ok(names.map(str::to_owned).collect())
    };
    let missing_packages = missing(
        |asked| (!asked.starts_with('@') && !asked.starts_with('-')).then_some(asked),
        Repository::has_package,
    );
    let missing_packages = missing_packages.map(|names| {
        // What the repository names and the disc lacks may be needed by any of the others.
        let absent = vendor.iter().flat_map(|repo| missing_files(medium, repo));
        Collection::complete(names.into_iter().chain(absent).collect())
    });
    let signer = pool_signer(medium);
    SourceFacts {
        discinfo: medium.find(".discinfo").is_some(),
        second_stage: ["images/install.img", "LiveOS/squashfs.img"]
            .iter()
            .any(|path| medium.find(path).is_some()),
        repodata: !vendor_repositories(medium).is_empty(),
        pool: debian.is_some_and(|debian| debian.packages.is_ok()),
        groups: Fact::from(vendor.as_ref().map(|repo| {
            Collection::complete(repo.groups.iter().map(|group| group.id.clone()).collect())
        })),
        missing_packages: Fact::from(missing_packages),
        missing_groups: Fact::from(
            missing(|asked| asked.strip_prefix('@'), Repository::has_group)
                .map(Collection::complete),
        ),
        addon_packages: Fact::from(add_ons.as_ref().map(package_count)),
        addons: Fact::from(add_ons.as_ref().map(addon_facts)),
        pool_signed: signer.as_ref().map(Result::is_ok).map_err(Clone::clone).into(),
        pool_trust: signer
            .map(|signer| {
                signer.unwrap_or_else(|why| format!("trusted for its digest alone: {why}"))
            })
            .into(),
        vendor_packages: match debian {
            Some(debian) => Fact::from(
                debian.packages.as_ref().map(|all| i64::try_from(all.len()).unwrap_or(i64::MAX)),
            ),
            None => Fact::from(vendor.as_ref().map(package_count)),
        },
        addon_faults: Fact::from(add_ons.as_ref().map(|repo| digest_faults(repo, digests))),
        vendor_stale: Fact::Known(vendor_facts.stale()),
        vendor_verified: Fact::Known(vendor_facts.verified),
        uncovered: Fact::Known(Collection::complete(vendor_facts.uncovered)),
        vendor_faults: vendor_facts.faults.into_fact(),
        repository_faults: match used {
            Ok((_, answer)) => answer.into_fact(),
            Err(why) => Fact::unavailable(why.clone()),
        },
    }
}

/// The vendor's packages that are missing from the disc, each as a fault.
fn missing_files(medium: &Medium, repo: &Repository) -> Vec<String> {
    let packages = repo.packages.values().flatten();
    let absent = packages.filter_map(|package| {
        let why = file_fault(medium, &package.location, package.len)?;
        Some(format!("{} (/{} {why})", package.nevra, package.location))
    });
    absent.take(MAX_FAULTS).collect()
}

/// The repositories of this disc that a kickstart uses, besides the vendor's.
fn used_repositories(
    medium: &Medium,
    asked: &KickstartSources,
    mounts: &[&str],
    has_add_ons: bool,
) -> (Vec<String>, FaultList) {
    let (mut paths, mut answer) = (Vec::new(), FaultList::default());
    for source in asked.sources.iter().filter(|source| *source != "cdrom") {
        answer.add_unclear(format!("{source:?} takes the packages from elsewhere"));
    }
    for place in &asked.repositories {
        let path =
            place.strip_prefix("file:").map(|rest| format!("/{}", rest.trim_start_matches('/')));
        let Some(path) = path else {
            if place.contains("://") {
                answer.add_unclear(format!("the repository {place} is not on this disc"));
            } else {
                answer.add_fault(format!("{place:?} names no place of packages"));
            }
            continue;
        };
        let below = mounts.iter().find_map(|mount| {
            let rest = path.strip_prefix(mount)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_matches('/').to_owned())
        });
        match below {
            None => answer.add_fault(format!(
                "{place} is not where the installer mounts this disc ({})",
                mounts.join(", ")
            )),
            Some(path) => {
                let list = |name: &str| format!("{path}/{name}").trim_start_matches('/').to_owned();
                let [repomd, packages] = ["repodata/repomd.xml", PACKAGES].map(list);
                if medium.find(&repomd).or_else(|| medium.find(&packages)).is_none() {
                    answer.add_fault(format!("{place} is not on this disc: there is no /{repomd}"));
                } else {
                    paths.push(path);
                }
            }
        }
    }
    if has_add_ons && !paths.iter().any(|path| path == REPOSITORY) {
        answer.add_fault(format!("/{REPOSITORY} is on the disc, and no repo command names it"));
    }
    (paths, answer)
}

fn package_count(repo: &Repository) -> i64 {
    i64::try_from(repo.packages.values().map(Vec::len).sum::<usize>()).unwrap_or(i64::MAX)
}

/// The packages, as many as a person looks through.
fn addon_facts(repo: &Repository) -> Collection<AddOnFacts> {
    let mut items: Vec<AddOnFacts> = repo
        .packages
        .values()
        .flatten()
        .map(|package| AddOnFacts {
            nevra: package.nevra.clone(),
            size: i64::try_from(package.len).unwrap_or(i64::MAX),
        })
        .collect();
    items.sort_by(|a, b| a.nevra.cmp(&b.nevra));
    let complete = items.len() <= MAX_ADD_ONS;
    items.truncate(MAX_ADD_ONS);
    Collection { items, complete }
}

/// Reads a pool of Debian packages: its list, and what `Release` says of the list.
fn read_pool(medium: &Medium, top: &str) -> Result<Repository, String> {
    let read = |name: &str| {
        let bytes = medium.read_file(&format!("{top}/{name}"), MAX_LIST_BYTES);
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let failed = |error: &dyn std::fmt::Display| format!("/{top}/{PACKAGES}: {error}");
    let list = read(PACKAGES).map_err(|error| failed(&error))?;
    let release = read("Release").map_err(|error| format!("/{top}/Release: {error}"))?;
    read_pool_list(&list, &release).map_err(|error| failed(&error))
}

/// Who signed the pool on a medium, or why its signature proves nothing; an error where there is no
/// pool, or it cannot be read.
fn pool_signer(medium: &Medium) -> Result<Result<String, String>, Unavailable> {
    let path = |name: &str| format!("{REPOSITORY}/{name}");
    let read = |name: &str| medium.read_file(&path(name), MAX_LIST_BYTES);
    if medium.find(&path(PACKAGES)).is_none() {
        return Err("no Debian packages were added".into());
    }
    let list = read(PACKAGES).map_err(|error| format!("/{}: {error}", path(PACKAGES)))?;
    let (Ok(release), Ok(key)) = (read("InRelease"), read(KEY)) else {
        return Ok(Err(format!("there is no InRelease with its key ({KEY})")));
    };
    Ok(signer(&String::from_utf8_lossy(&release), &key, &list))
}

/// Reads the vendor's repositories as one, with paths from the medium's top.
fn read_vendor(medium: &Medium) -> Result<Repository, String> {
    let tops = vendor_repositories(medium);
    let Some((first, others)) = tops.split_first() else {
        return read_medium_repository(medium, "");
    };
    let mut all = read_medium_repository(medium, first)?.below(first);
    for top in others {
        all.add(read_medium_repository(medium, top)?.below(top));
    }
    Ok(all)
}

fn read_medium_repository(medium: &Medium, top: &str) -> Result<Repository, String> {
    let open = |path: &str| {
        let map = medium
            .file_map(&path_below(top, path))
            .map_err(|error| io::Error::other(error.to_string()))?;
        Ok(map.into_reader())
    };
    let mut repo = read_repository(open).map_err(|error| super::join_causes(&error))?;
    // Packages on another disc of the set do not count.
    for packages in repo.packages.values_mut() {
        packages.retain(|package| {
            package.disc.is_none_or(|disc| disc <= 1)
                || file_fault(medium, &path_below(top, &package.location), package.len).is_none()
        });
    }
    repo.packages.retain(|_, packages| !packages.is_empty());
    Ok(repo)
}

fn digest_faults(repo: &Repository, digests: &mut Digests<'_>) -> Collection<String> {
    let mut found = Vec::new();
    let files = repo.files.iter().map(|file| (&file.location, &file.checksum_kind, &file.checksum));
    let packages = repo.packages.values().flatten();
    let packages =
        packages.map(|package| (&package.location, &package.checksum_kind, &package.checksum));
    for (location, kind, checksum) in files.chain(packages) {
        if let Some(fault) = digest_fault(location, kind, checksum, digests) {
            if found.len() == MAX_FAULTS {
                return Collection { items: found, complete: false };
            }
            found.push(fault);
        }
    }
    Collection::complete(found)
}

fn digest_fault(
    location: &str,
    kind: &str,
    checksum: &str,
    digests: &mut Digests<'_>,
) -> Option<String> {
    let path = format!("{REPOSITORY}/{location}");
    if kind != "sha256" {
        return Some(format!("/{path} is recorded with {kind}, not sha256"));
    }
    match (digests.get(&path), checksum.parse::<Sha256>()) {
        (Ok(found), Ok(recorded)) if found == recorded => None,
        (Ok(found), _) => Some(format!("/{path} has sha256 {found}, not {checksum}")),
        (Err(why), _) => Some(format!("/{path} {why}")),
    }
}
