//! Packages made in memory, a hostile set, and dnf as an oracle over the metadata written here.
//!
//! Not for headers and XML that lie in ways no package builder makes: `header` and `bounded_xml`
//! test those themselves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, io};

use super::stand_in::StandIn;
use super::*;
use crate::packages::add_ons::AddOnError;

const EPOCH: u64 = 1_414_159_991;

/// Writes a stand-in package and gives its path.
fn package(
    dir: &Path,
    nevra: (&str, &str, &str, &str),
    change: impl FnOnce(&mut StandIn),
) -> PathBuf {
    let mut package = StandIn::new(nevra);
    change(&mut package);
    package.write(dir)
}

fn add_ons(dir: &Path) {
    package(dir, ("lsscsi", "0.23", "2.el6", "x86_64"), |_| {});
    package(dir, ("xfsprogs", "3.1.1", "16.el6", "x86_64"), |package| {
        package.require("lsscsi", 0, "")
    });
    package(dir, ("kmod-reiserfs", "0.0", "1.el6.elrepo", "x86_64"), |package| {
        package.provide("reiserfs-kmod", 8, "0.0-1.el6.elrepo");
        package.epoch = Some(1);
    });
    package(dir, ("perl", "5.10.1", "136.el6", "x86_64"), |package| {
        package.provide("perl(:MODULE_COMPAT_5.10.1)", 0, "");
        package.require("perl-libs", 12, "5.10");
    });
    package(dir, ("perl-libs", "5.10.1", "136.el6", "x86_64"), |_| {});
}

fn read_here(root: &Path) -> Result<Repository, RepositoryError> {
    read_repository(|name| fs::File::open(root.join(name)))
}

fn write_repo(root: &Path, packages: &[RpmPackage]) {
    fs::create_dir_all(root.join("repodata")).unwrap();
    for (name, bytes) in repodata(packages, EPOCH).unwrap() {
        fs::write(root.join(name), bytes).unwrap();
    }
    for package in packages {
        fs::copy(&package.path, root.join(&package.location)).unwrap();
    }
}

#[test]
fn packages_are_read_in_the_order_of_their_names_on_the_disc() {
    let dir = tempfile::tempdir().unwrap();
    add_ons(dir.path());
    fs::write(dir.path().join("README"), "not a package").unwrap();
    let packages = read_packages(dir.path(), Generation::EL6, &Keyring::default()).unwrap();
    let names: Vec<_> = packages.iter().map(|package| package.location.as_str()).collect();
    assert_eq!(
        names,
        [
            "kmod-reiserfs-0.0-1.el6.elrepo.x86_64.rpm",
            "lsscsi-0.23-2.el6.x86_64.rpm",
            "perl-5.10.1-136.el6.x86_64.rpm",
            "perl-libs-5.10.1-136.el6.x86_64.rpm",
            "xfsprogs-3.1.1-16.el6.x86_64.rpm",
        ]
    );
    let kmod = &packages[0];
    assert_eq!(kmod.nevra(), "kmod-reiserfs-1:0.0-1.el6.elrepo.x86_64");
    assert!(kmod.provides().iter().any(|provided| provided.name() == "reiserfs-kmod"));
    assert_eq!(kmod.release_mismatch(Generation::EL6), None);
    assert_eq!(
        kmod.release_mismatch(Generation::EL7).unwrap(),
        "kmod-reiserfs-1:0.0-1.el6.elrepo.x86_64 was built for el6, not el7"
    );
    let bytes = fs::read(&kmod.path).unwrap();
    assert_eq!((kmod.sha256, kmod.len), (crate::digest::Sha256::hash(&bytes), bytes.len() as u64));
    let start = usize::try_from(kmod.header_range.0).unwrap();
    assert_eq!(bytes[start..start + 4], [0x8e, 0xad, 0xe8, 1]);
    assert_eq!(packages[4].requires()[0].name(), "lsscsi");
    assert_eq!(packages[4].requires().len(), 1, "rpmlib is not a repository's matter");
    assert_eq!(
        packages[4].metadata().files().iter().map(|file| file.path()).collect::<Vec<_>>(),
        ["/usr/bin/xfsprogs"]
    );
}

#[test]
fn what_the_installer_could_not_read_is_refused_with_the_file_named() {
    type Nevra = (&'static str, &'static str, &'static str, &'static str);
    type Case = (&'static str, Nevra, fn(&mut StandIn), &'static str);
    let cases: [Case; 7] = [
        (
            "zstd",
            ("a", "1", "1.el6", "x86_64"),
            |package| package.compressor = "zstd".into(),
            "its payload is compressed with zstd, which the installer's rpm cannot read",
        ),
        (
            "xz that is gzip",
            ("a", "1", "1.el6", "x86_64"),
            |package| package.compressor = "xz".into(),
            "its header is damaged: it names xz, the payload is something else",
        ),
        (
            "source",
            ("a", "1", "1.el6", "x86_64"),
            |package| package.source = true,
            "it is a source package",
        ),
        (
            "arch",
            ("a", "1", "1.el6", "aarch64"),
            |_| {},
            "its architecture is \"aarch64\", expected x86_64, i686 or noarch",
        ),
        (
            "rich",
            ("a", "1", "1.el6", "x86_64"),
            |package| package.require("(b or c)", 0, ""),
            "it requires \"(b or c)\", which the installer's rpm does not know",
        ),
        (
            "rpmlib",
            ("a", "1", "1.el6", "x86_64"),
            |package| package.require("rpmlib(TildeInVersions)", 10, "4.10-1"),
            "it requires \"rpmlib(TildeInVersions)\", which the installer's rpm does not know",
        ),
        (
            "dash",
            ("a", "1-2", "1.el6", "x86_64"),
            |_| {},
            "its version is \"1-2\", expected a version without a dash",
        ),
    ];
    for (case, nevra, change, want) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = package(dir.path(), nevra, change);
        match read_packages(dir.path(), Generation::EL6, &Keyring::default()) {
            Err(RepositoryError::AddOn(AddOnError::Package(named, fault))) => {
                assert_eq!((named, fault.to_string().as_str()), (path, want), "{case}");
            }
            other => panic!("{case}: {other:?}"),
        }
    }
    let dir = tempfile::tempdir().unwrap();
    package(dir.path(), ("a", "1", "1.el7", "x86_64"), |package| {
        package.require("rpmlib(TildeInVersions)", 10, "4.10-1");
    });
    assert!(read_packages(dir.path(), Generation::EL7, &Keyring::default()).is_ok());
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = package(dir.path(), ("a", "1", "1.el6", "x86_64"), |_| {});
    let good = fs::read(&path).unwrap();
    let read = read_packages(dir.path(), Generation::EL6, &Keyring::default()).unwrap();
    let header = usize::try_from(read[0].header_range.0).unwrap();
    for at in (header..good.len()).step_by(7) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(
            read_packages(dir.path(), Generation::EL6, &Keyring::default()).is_err(),
            "byte {at}"
        );
    }
    for len in (0..good.len()).step_by(101) {
        fs::write(&path, &good[..len]).unwrap();
        assert!(
            read_packages(dir.path(), Generation::EL6, &Keyring::default()).is_err(),
            "cut at {len}"
        );
    }
}

#[test]
fn the_same_package_twice_and_two_versions_of_one_are_errors_that_name_both() {
    let dir = tempfile::tempdir().unwrap();
    let first = package(dir.path(), ("wget", "1.12", "5.el6", "x86_64"), |_| {});
    let second = dir.path().join("z.rpm");
    fs::copy(&first, &second).unwrap();
    let error = read_packages(dir.path(), Generation::EL6, &Keyring::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} and {} are both wget-0:1.12-5.el6.x86_64", first.display(), second.display())
    );
    assert_eq!(error.hint().unwrap(), "remove one of the two files");

    fs::rename(&first, dir.path().join("old.rpm")).unwrap();
    fs::remove_file(&second).unwrap();
    package(dir.path(), ("wget", "1.12", "5.el6_6.1", "x86_64"), |_| {});
    let error = read_packages(dir.path(), Generation::EL6, &Keyring::default()).unwrap_err();
    assert!(matches!(error, RepositoryError::AddOn(AddOnError::TwoVersions { .. })), "{error}");
    assert!(error.to_string().contains("old.rpm is wget 0:1.12-5.el6, "), "{error}");
}

#[test]
fn a_pipe_called_a_package_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("x.rpm")).unwrap();
    let error = read_packages(dir.path(), Generation::EL6, &Keyring::default()).unwrap_err();
    assert!(matches!(
        error,
        RepositoryError::AddOn(AddOnError::Package(_, PackageFault::NotAFile))
    ));
}

#[test]
fn the_metadata_is_the_same_each_time_and_carries_no_other_time() {
    let dir = tempfile::tempdir().unwrap();
    add_ons(dir.path());
    let packages = read_packages(dir.path(), Generation::EL6, &Keyring::default()).unwrap();
    let files = repodata(&packages, EPOCH).unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let file = fs::File::options().append(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(std::time::SystemTime::now()).unwrap();
    }
    let again = read_packages(dir.path(), Generation::EL6, &Keyring::default()).unwrap();
    assert_eq!(files, repodata(&again, EPOCH).unwrap());
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "repodata/primary.xml.gz",
            "repodata/filelists.xml.gz",
            "repodata/other.xml.gz",
            "repodata/repomd.xml"
        ]
    );
    let repomd = String::from_utf8(files[3].1.clone()).unwrap();
    assert!(repomd.contains(&format!("<revision>{EPOCH}</revision>")), "{repomd}");
    assert_eq!(repomd.matches(&format!("<timestamp>{EPOCH}</timestamp>")).count(), 3);
    assert_eq!(files[0].1[4..9], [0, 0, 0, 0, 2], "no time in the gzip header");
}

#[test]
fn what_was_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    add_ons(dir.path());
    let packages = read_packages(dir.path(), Generation::EL6, &Keyring::default()).unwrap();
    let root = tempfile::tempdir().unwrap();
    write_repo(root.path(), &packages);
    let repo = read_here(root.path()).unwrap();
    assert_eq!(repo.packages.len(), packages.len());
    for package in &packages {
        let entry = &repo.packages[&package.name][0];
        assert_eq!(entry.location, package.location);
        assert_eq!(entry.nevra, package.nevra());
        assert_eq!((entry.checksum_kind.as_str(), entry.len), ("sha256", package.len));
        assert_eq!(entry.checksum, package.sha256.to_string());
    }
    assert!(repo.has_package("perl-libs") && !repo.has_package("perl-doc"));
    assert!(repo.provides.contains("perl(:MODULE_COMPAT_5.10.1)"));
    assert!(repo.groups.is_empty());

    let primary = root.path().join("repodata/primary.xml.gz");
    let mut bytes = fs::read(&primary).unwrap();
    let last = bytes.len() - 9;
    bytes[last] ^= 1;
    fs::write(&primary, bytes).unwrap();
    assert_eq!(
        read_here(root.path()).unwrap_err().to_string(),
        "repodata/primary.xml.gz of the repository does not match its digest in repomd.xml"
    );
}

/// A repository of these two lists and `repomd.xml`, with digests that fit.
fn repo_of(primary: &str, comps: &str) -> Result<Repository, RepositoryError> {
    repo_with(&[("primary", primary), ("group", comps)])
}

fn repo_with(lists: &[(&str, &str)]) -> Result<Repository, RepositoryError> {
    let record = |(kind, text): &(&str, &str)| {
        format!(
            "<data type=\"{kind}\"><checksum type=\"sha256\">{}</checksum><location href=\"repodata/{kind}.xml\"/><timestamp>1</timestamp></data>",
            crate::digest::Sha256::hash(text)
        )
    };
    let repomd = format!(
        "<?xml version=\"1.0\"?><repomd xmlns=\"http://linux.duke.edu/metadata/repo\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\"><revision>1</revision>{}</repomd>",
        lists.iter().map(record).collect::<String>()
    );
    let name_of = |kind: &str| format!("repodata/{kind}.xml");
    let mut files: BTreeMap<String, &str> =
        lists.iter().map(|(kind, text)| (name_of(kind), *text)).collect();
    files.insert(name_of("repomd"), &repomd);
    read_repository(|name| {
        files.get(name).map(|text| text.as_bytes()).ok_or_else(|| io::ErrorKind::NotFound.into())
    })
}

const COMPS: &str = "<?xml version=\"1.0\"?>\n<!DOCTYPE comps PUBLIC \"-//Red Hat, Inc.//DTD Comps info//EN\" \"comps.dtd\">\n<comps><group><id>core</id><default>true</default><uservisible>false</uservisible><name>Core</name><name xml:lang=\"it\">Essenziale</name><packagelist><packagereq type=\"mandatory\">bash</packagereq></packagelist></group></comps>";

fn primary(count: usize, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"{count}\">{body}</metadata>"
    )
}

const BASH: &str = "<package type=\"rpm\"><name>bash</name><arch>x86_64</arch><version epoch=\"0\" ver=\"4.1.2\" rel=\"29.el6\"/><checksum type=\"sha256\" pkgid=\"YES\">0000000000000000000000000000000000000000000000000000000000000000</checksum><summary/><description/><packager/><url/><time file=\"1\" build=\"1\"/><size package=\"9\" installed=\"1\" archive=\"1\"/><location href=\"Packages/bash-4.1.2-29.el6.x86_64.rpm\"/><format><rpm:license>GPL</rpm:license><rpm:provides><rpm:entry name=\"/bin/sh\"/></rpm:provides></format></package>";

#[test]
fn packages_and_groups_of_a_medium_are_read() {
    let repo = repo_of(&primary(1, BASH), COMPS).unwrap();
    assert_eq!(repo.packages["bash"][0].nevra, "bash-0:4.1.2-29.el6.x86_64");
    assert!(repo.provides.contains("/bin/sh"));
    assert!(repo.has_group("core") && repo.has_group("Core") && !repo.has_group("base"));
}

#[test]
fn metadata_that_lies_or_ends_early_is_an_error_and_not_a_hang() {
    let started = Instant::now();
    let cut_format = BASH.replace("</format></package>", "");
    let cut_provides = BASH.replace("</rpm:provides></format></package>", "");
    let no_digest = BASH.replace("<checksum type=\"sha256\" pkgid=\"YES\">0000000000000000000000000000000000000000000000000000000000000000</checksum>", "");
    let huge = BASH.replace("<summary/>", &format!("<summary>{}</summary>", "x".repeat(5 << 20)));
    let whole = primary(1, BASH);
    assert!(repo_of(&whole, COMPS).is_ok());
    let cases = [
        primary(2, BASH),
        primary(0, BASH),
        primary(1_000_000, BASH),
        primary(1, &cut_format),
        primary(1, &cut_provides),
        primary(1, &no_digest),
        primary(1, &huge),
        primary(1, &format!("{cut_format}<metadata></metadata>")),
        whole[..whole.len() - 1].to_owned(),
        whole[..whole.len() - 40].to_owned(),
        String::new(),
    ];
    for text in cases {
        let shown: String = text.chars().rev().take(60).collect();
        assert!(repo_of(&text, COMPS).is_err(), "{shown:?} backwards");
    }
    for at in (1..COMPS.len()).step_by(11) {
        assert!(repo_of(&whole, &COMPS[..at]).is_err(), "groups cut at {at}");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn modules_that_are_not_read_to_their_end_are_an_error() {
    let whole = primary(1, BASH);
    let stream = "document: modulemd\ndata:\n  name: sh\n  stream: one\n  artifacts:\n    rpms:\n    - bash-0:4.1.2-29.el6.x86_64\n";
    let read =
        |modules: &str| repo_with(&[("primary", &whole), ("group", COMPS), ("modules", modules)]);
    assert!(!read(stream).unwrap().has_package("bash"), "it is of no default stream");
    // What hides the package would stand behind the bound.
    let first = stream.replace("bash", "other");
    let error = read(&format!("{first}{}---\n{stream}", "#\n".repeat(17 << 20))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "repodata/modules.xml of the repository has more than 33554432 bytes"
    );
}

#[test]
fn ten_thousand_packages_are_read_in_seconds() {
    let body: String =
        (0..10_000).map(|i| BASH.replace("<name>bash<", &format!("<name>bash{i}<"))).collect();
    let started = Instant::now();
    let repo = repo_of(&primary(10_000, &body), COMPS).unwrap();
    assert_eq!(repo.packages.len(), 10_000);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn dnf_sees_every_package_and_resolves_over_the_metadata() {
    let dir = tempfile::tempdir().unwrap();
    add_ons(dir.path());
    let packages = read_packages(dir.path(), Generation::EL6, &Keyring::default()).unwrap();
    let root = tempfile::tempdir().unwrap();
    write_repo(root.path(), &packages);
    let scratch = tempfile::tempdir().unwrap();
    let dnf = |arguments: &[&str]| {
        Command::new("dnf")
            .args(["-q", "--releasever=6", "--forcearch=x86_64"])
            .arg(format!("--installroot={}", scratch.path().display()))
            .arg(format!("--setopt=cachedir={}/cache", scratch.path().display()))
            .arg(format!("--setopt=logdir={}", scratch.path().display()))
            .arg(format!("--repofrompath=addon,file://{}", root.path().display()))
            .args(["--repo=addon", "--nogpgcheck"])
            .args(arguments)
            .output()
    };
    let Ok(output) =
        dnf(&["repoquery", "--qf", "%{name}-%{epoch}:%{version}-%{release}.%{arch}\n"])
    else {
        return skipped("dnf is not installed");
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut seen: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
    seen.sort_unstable();
    let mut want: Vec<_> = packages.iter().map(RpmPackage::nevra).collect();
    want.sort_unstable();
    assert_eq!(seen, want, "{}", String::from_utf8_lossy(&output.stderr));
    let output = dnf(&["repoquery", "--requires", "--resolve", "perl"]).unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("perl-libs-0:5.10.1-136.el6.x86_64"));
    let output = dnf(&["repoquery", "-l", "lsscsi"]).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "/usr/bin/lsscsi");
}

#[test]
fn the_hostile_set_is_refused_in_time() {
    let Some((_made, set)) = hostile_set() else { return };
    let index = fs::read_to_string(set.join("INDEX")).unwrap();
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for line in index.lines() {
        let mut fields = line.split('\t');
        let (name, expected) = (fields.next().unwrap(), fields.next().unwrap());
        let started = Instant::now();
        let result = package::read(
            set.join(name),
            Generation::EL6,
            &Keyring::default(),
            FileRetention::Closed,
        );
        let result =
            result.map_err(RepositoryError::from).and_then(|package| repodata(&[package], EPOCH));
        let took = started.elapsed();
        let right = match expected {
            "good" => result.is_ok(),
            "bad" => result.is_err(),
            _ => true,
        };
        if !right || took > Duration::from_secs(1) {
            wrong.push(format!("{line}: {:?} in {took:?}", result.err()));
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 100, "{checked} files");
}

/// A directory given from outside, or one that lives as long as the first value.
fn hostile_set() -> Option<(Option<tempfile::TempDir>, PathBuf)> {
    if let Some(given) = std::env::var_os("PREFLIGHT_HOSTILE_RPM") {
        return Some((None, given.into()));
    }
    let generator = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/hostile/gen.py");
    let dir = tempfile::tempdir().unwrap();
    let made = generator.is_file()
        && Command::new("python3")
            .arg("-B")
            .arg(&generator)
            .args(["rpm", dir.path().to_str().unwrap(), "--seed", "1", "--count", "60"])
            .status()
            .is_ok_and(|status| status.success());
    if made {
        let path = dir.path().to_owned();
        return Some((Some(dir), path));
    }
    skipped("no hostile packages; needs python3 and tests/lab/hostile/gen.py");
    None
}

fn skipped(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}: a skip is a failure in CI");
    eprintln!("SKIPPED: {why}");
}

#[test]
fn a_package_that_is_exchanged_after_it_was_verified_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    add_ons(dir.path());
    let packages = read_packages(dir.path(), Generation::EL6, &Keyring::default()).unwrap();
    for package in &packages {
        fs::write(dir.path().join("other"), "somebody else's").unwrap();
        fs::rename(dir.path().join("other"), &package.path).unwrap();
        let file = package.file.as_deref().expect("it is kept open");
        let map = crate::iso::bytemap::ByteOrigin::File(
            std::sync::Arc::new(file.try_clone().unwrap()),
            0,
        );
        let mut bytes = crate::iso::bytemap::ByteMap::new();
        bytes.push(package.len, map);
        let (sha256, len) = crate::digest::Sha256::hash_reader(bytes.reader()).unwrap();
        assert_eq!((sha256, len), (package.sha256, package.len), "{}", package.location);
    }
    let shelf = read_add_ons(dir.path(), Generation::EL6, &Keyring::default()).unwrap();
    assert!(shelf.packages.iter().all(|package| package.file.is_none()));
}
