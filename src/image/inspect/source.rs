//! Where the installer finds packages: the vendor's repository and ours, held against what the
//! kickstart asks for.

use std::io;

use super::payload::Digests;
use crate::digest::Sha256;
use crate::facts::image::{AddOnFacts, SourceFacts};
use crate::facts::{Fact, Looked};
use crate::image::iso::Medium;
use crate::image::on_disc::REPOSITORY;
use crate::image::repository::{PackageEntry, Repo, read_repo};

/// Faults of a repository that are worth telling one by one.
const FAULTS: usize = 100;

/// Add-on packages that are told one by one.
const ADD_ONS: usize = 1000;

/// What `%packages` asks for; groups with `@`.
pub type Asked = Result<Vec<String>, String>;

/// Reads the facts.
pub fn facts(medium: &Medium, asked: &Asked, digests: &mut Digests<'_>) -> SourceFacts {
    let vendor = read(medium, "");
    let has_add_ons = medium.find(REPOSITORY).is_some();
    let add_ons = if has_add_ons { read(medium, REPOSITORY) } else { Ok(Repo::default()) };
    let missing = |wanted: fn(&str) -> Option<&str>, has: fn(&Repo, &str) -> bool| {
        let (asked, vendor) = (asked.as_ref()?, vendor.as_ref()?);
        let add_ons = add_ons.as_ref()?;
        let lacks = |name: &&str| !has(vendor, name) && !has(add_ons, name);
        let names = asked.iter().filter_map(|asked| wanted(asked)).filter(lacks);
        Ok::<_, &String>(Looked::complete(names.map(str::to_owned).collect()))
    };
    SourceFacts {
        discinfo: medium.find(".discinfo").is_some(),
        second_stage: ["images/install.img", "LiveOS/squashfs.img"]
            .iter()
            .any(|path| medium.find(path).is_some()),
        repodata: medium.find("repodata/repomd.xml").is_some(),
        groups: Fact::from(vendor.as_ref().map(|repo| {
            Looked::complete(repo.groups.iter().map(|group| group.id.clone()).collect())
        })),
        missing_packages: Fact::from(missing(
            |asked| (!asked.starts_with('@')).then_some(asked),
            Repo::has_package,
        )),
        missing_groups: Fact::from(missing(|asked| asked.strip_prefix('@'), Repo::has_group)),
        addon_packages: Fact::from(add_ons.as_ref().map(count)),
        addons: Fact::from(add_ons.as_ref().map(addons)),
        vendor_packages: Fact::from(vendor.as_ref().map(count)),
        addon_faults: Fact::from(add_ons.as_ref().map(|repo| faults(repo, digests))),
    }
}

fn count(repo: &Repo) -> i64 {
    i64::try_from(repo.packages.values().map(Vec::len).sum::<usize>()).unwrap_or(i64::MAX)
}

/// The packages, as many as a person looks through.
fn addons(repo: &Repo) -> Looked<AddOnFacts> {
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
    let complete = items.len() <= ADD_ONS;
    items.truncate(ADD_ONS);
    Looked { items, complete }
}

fn read(medium: &Medium, top: &str) -> Result<Repo, String> {
    let open = |path: &str| {
        let path = if top.is_empty() { path.to_owned() } else { format!("{top}/{path}") };
        let map = medium.map(&path).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(map.into_reader())
    };
    read_repo(open).map_err(|error| super::told(&error))
}

fn faults(repo: &Repo, digests: &mut Digests<'_>) -> Looked<String> {
    let mut found = Vec::new();
    for package in repo.packages.values().flatten() {
        if let Some(fault) = fault(package, digests) {
            if found.len() == FAULTS {
                return Looked { items: found, complete: false };
            }
            found.push(fault);
        }
    }
    Looked::complete(found)
}

fn fault(package: &PackageEntry, digests: &mut Digests<'_>) -> Option<String> {
    let nevra = &package.nevra;
    if package.checksum_kind != "sha256" {
        return Some(format!("{nevra} is recorded with {}, not sha256", package.checksum_kind));
    }
    let path = format!("{REPOSITORY}/{}", package.location);
    match (digests.get(&path), package.checksum.parse::<Sha256>()) {
        (Ok(found), Ok(recorded)) if found == recorded => None,
        (Ok(found), _) => Some(format!("/{path} has sha256 {found}, not {}", package.checksum)),
        (Err(why), _) => Some(format!("/{path} {why}")),
    }
}
