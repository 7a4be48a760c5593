//! Who signed a package, judged beside rpm: keys and signatures of el6's kinds made on the fly by gpg
//! and rpmsign, damaged byte by byte, and asked of both.
//!
//! Not for what the installation makes of packages, which `tests/closure.rs` tries.

#![allow(clippy::print_stdout, reason = "the figures are worth a line")]
#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

#[path = "hostile/mutation.rs"]
mod mutation;
mod packaging;
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mutation::{Dice, Subject};
use packaging::{AS_CENTOS, AS_ELREPO, DSA, How, RSA, STRANGER, Signer, Spec};
use preflight::packages::generation::Generation;
use preflight::packages::repository::{Keyring, SignatureStatus, read_packages};
use program::{ONE_FILE, installed, names_in, run};

const WGET: Spec<'_> = Spec { name: "wget", evr: "1.12-5.el6", more: "", also: None };

fn keyring(signer: &Signer, owners: &[&str]) -> Keyring {
    let mut keyring = Keyring::default();
    for owner in owners {
        keyring.add(&fs::read(signer.public(owner)).unwrap()).unwrap();
    }
    keyring
}

/// What rpm says of a file: why it is refused, if it is.
fn refused_by_rpm(database: &Path, file: &Path) -> Option<String> {
    let mut command = Command::new("rpmkeys");
    // As many checks as there are: an unsigned package is refused too.
    command.args(["-Kv", "--define", "_pkgverify_level all", "--dbpath"]).arg(database).arg(file);
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (!output.status.success()).then(|| String::from_utf8_lossy(&told).into_owned())
}

#[test]
fn signatures_of_every_kind_are_verified_as_rpm_verifies_them() {
    if !installed(&["rpmkeys"]) {
        return;
    }
    let Some(signer) = Signer::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let known = keyring(&signer, &[RSA, DSA]);
    let others = keyring(&signer, &[STRANGER]);
    let (database, strange) = (signer.database(&[RSA, DSA]), signer.database(&[STRANGER]));
    for owner in [RSA, DSA] {
        // A key of 1024 bits of DSA takes a digest of 160, and gpg cuts longer ones to it.
        for (digest, version_3, payload) in [
            ("SHA1", true, true),
            ("SHA1", false, true),
            ("SHA1", true, false),
            ("SHA256", false, true),
            ("SHA256", false, false),
        ] {
            if owner == DSA && digest == "SHA256" {
                continue;
            }
            let how = How { owner, digest, version_3, payload };
            let case = tempfile::tempdir_in(dir.path()).unwrap();
            let file = WGET.build(case.path());
            signer.sign(how, std::slice::from_ref(&file));
            assert_eq!(refused_by_rpm(database.path(), &file), None, "{how:?}");
            let packages = read_packages(case.path(), Generation::EL6, &known).unwrap();
            let SignatureStatus::VerifiedBy(by) = &packages[0].signature_status else {
                panic!("{how:?}: {}", packages[0].signature_status)
            };
            let kind = if owner == RSA { "RSA" } else { "DSA" };
            assert_eq!(by.algorithms, format!("{kind}/{digest}"));
            assert_eq!(by.key.owner, owner);

            assert!(refused_by_rpm(strange.path(), &file).is_some(), "{how:?}");
            let error = read_packages(case.path(), Generation::EL6, &others).unwrap_err();
            let error = std::error::Error::source(&error).unwrap().to_string();
            let short = &by.key.fingerprint[by.key.fingerprint.len() - 16..];
            assert_eq!(error, format!("it is signed by key {short}, which nobody named"));
            let alone = read_packages(case.path(), Generation::EL6, &Keyring::default()).unwrap();
            assert_eq!(
                alone[0].signature_status,
                SignatureStatus::UnknownKeys(vec![short.to_owned()])
            );
        }
    }
}

/// What rpm refuses is refused: a false pass would be an altered package on the master target.
#[test]
fn no_damaged_package_passes_that_rpm_refuses() {
    if !installed(&["rpmkeys"]) {
        return;
    }
    let Some(signer) = Signer::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let known = keyring(&signer, &[RSA, DSA]);
    let database = signer.database(&[RSA, DSA]);
    let (mut refused, mut both_accept, mut only_we_refuse) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (seed, how) in [(21, AS_CENTOS), (22, AS_ELREPO)] {
        let built = WGET.build(&dir.path().join("built"));
        signer.sign(how, std::slice::from_ref(&built));
        let subject = Subject::new(fs::read(&built).unwrap());
        let place = dir.path().join(format!("{seed}"));
        fs::create_dir(&place).unwrap();
        let file = place.join("wget.rpm");
        for number in 0..150 {
            fs::write(&file, subject.mutant(&mut Dice::of(seed, number))).unwrap();
            let ours = read_packages(&place, Generation::EL6, &known).is_err();
            match (refused_by_rpm(database.path(), &file), ours) {
                (Some(_), true) => refused += 1,
                (None, false) => both_accept += 1,
                (None, true) => only_we_refuse += 1,
                (Some(why), false) => wrong.push(format!("{how:?}, mutant {number}: {why}")),
            }
        }
    }
    assert!(wrong.is_empty(), "rpm refuses what we do not:\n{}", wrong.join("\n"));
    println!("{refused} refused by both, {both_accept} by none, {only_we_refuse} by us alone");
    assert!(refused > 200, "{refused} of 300");
}

/// Digests that fit are no signature: a package that was changed and digested again.
#[test]
fn a_package_that_was_built_again_under_an_old_signature_is_refused() {
    let Some(signer) = Signer::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let good = WGET.build(&dir.path().join("good"));
    signer.sign(AS_CENTOS, std::slice::from_ref(&good));
    let other = Spec { more: "Requires: backdoor", ..WGET }.build(&dir.path().join("other"));
    signer.sign(How { owner: STRANGER, ..AS_CENTOS }, std::slice::from_ref(&other));
    // The stranger's package with the signatures of the good one: same sizes, for both keys are
    // cut to the shorter.
    let (good, mut bytes) = (fs::read(good).unwrap(), fs::read(&other).unwrap());
    for tag in [268, 1002] {
        let (from, to) = (entry(&good, tag), entry(&bytes, tag));
        let len = from.len().min(to.len());
        bytes[to.start..to.start + len].copy_from_slice(&good[from.start..from.start + len]);
    }
    fs::write(&other, bytes).unwrap();
    let known = keyring(&signer, &[RSA]);
    let error = read_packages(&dir.path().join("other"), Generation::EL6, &known).unwrap_err();
    assert!(error.to_string().contains("is refused"), "{error}");
}

/// Where the value of an entry of the signature header stands.
fn entry(package: &[u8], tag: u32) -> std::ops::Range<usize> {
    let word = |at: usize| u32::from_be_bytes(package[at..at + 4].try_into().unwrap());
    let entries = word(96 + 8) as usize;
    let store = 96 + 16 + 16 * entries;
    let at = (0..entries).map(|i| 96 + 16 + 16 * i).find(|at| word(*at) == tag).unwrap();
    let start = store + word(at + 8) as usize;
    start..start + word(at + 12) as usize
}

#[test]
fn files_that_are_no_public_keys_are_refused_before_anything_is_written() {
    let Some(signer) = Signer::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    WGET.build(&dir.path().join("rpms"));
    let write = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = fs::read(signer.public(RSA)).unwrap();
    let cases = [
        (write("empty.asc", b""), "it has no line", "RPM-GPG-KEY-CentOS-6"),
        (write("html.asc", b"<html>404</html>"), "it has no line", "RPM-GPG-KEY-CentOS-6"),
        (write("binary.gpg", &signer.binary(RSA)), "it has no line", "RPM-GPG-KEY-CentOS-6"),
        (write("cut.asc", &whole[..whole.len() / 2]), "cannot be read", "RPM-GPG-KEY-CentOS-6"),
        (write("large.asc", &vec![b'x'; 2 << 20]), "more than", "RPM-GPG-KEY-CentOS-6"),
        (signer.private(RSA), "holds a private key", "keep the private one"),
        (signer.revoked(STRANGER), "is revoked", "present key"),
        (dir.path().join("nowhere.asc"), "cannot open", ""),
        (dir.path().to_owned(), "is not a regular file", ""),
        ("/dev/zero".into(), "is not a regular file", ""),
    ];
    let before = names_in(dir.path());
    for (file, says, hint) in cases {
        let (rpms, file) = (dir.path().join("rpms"), file.into_os_string());
        let args = ["build", "image", "demo", "-o", "mt.iso", "--rpms"].map(Into::into);
        let args =
            args.into_iter().chain([rpms.into_os_string(), "--rpm-key".into(), file.clone()]);
        let ran = run(dir.path(), &ONE_FILE, args);
        assert_eq!((ran.code, ran.misdeeds()), (Some(2), Vec::new()), "{file:?}: {}", ran.text());
        let complaint = ran.complaint();
        assert!(complaint.contains(says) && complaint.contains(hint), "{file:?}: {complaint}");
        assert_eq!(names_in(dir.path()), before, "{file:?}");
    }
}

/// A recipe's keys are found from the recipe's own directory, wherever one stands.
#[test]
fn the_keys_of_a_recipe_lie_beside_it() {
    let Some(signer) = Signer::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let rpms = dir.path().join("rpms");
    let file = WGET.build(&rpms);
    signer.sign(AS_ELREPO, &[file]);
    let site = dir.path().join("site");
    fs::create_dir_all(site.join("keys")).unwrap();
    fs::copy(signer.public(DSA), site.join("keys/RPM-GPG-KEY-lab")).unwrap();
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/images/demo.yaml");
    let demo = fs::read_to_string(demo).unwrap();
    fs::write(site.join("mt.yaml"), format!("{demo}\nrpm_keys: [keys/RPM-GPG-KEY-lab]\n")).unwrap();
    let build = |more: &[&str]| {
        let args =
            ["build", "image", "site/mt.yaml", "-o", "mt.iso", "--overwrite", "--rpms", "rpms"];
        run(dir.path(), &ONE_FILE, args.iter().chain(more))
    };
    let ran = build(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let manifest = fs::read_to_string(dir.path().join("mt.iso.manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["signatures"]["verified"], 1, "{manifest}");
    assert!(manifest["signatures"]["keys"][0].as_str().unwrap().ends_with(DSA), "{manifest}");
    let ran = build(&["--dry-run"]);
    assert!(ran.text().contains("1 packages, every signature verified"), "{}", ran.text());
    // What is set by hand is where one stands.
    let ran = build(&["--set", "rpm_keys=[keys/RPM-GPG-KEY-lab]"]);
    assert_eq!(ran.code, Some(2), "{}", ran.text());
    assert!(ran.complaint().contains("cannot open keys/RPM-GPG-KEY-lab"), "{}", ran.complaint());
}
