//! Debian packages beside Debian's own tools: dpkg-deb makes them, dpkg compares their versions, apt
//! chooses among them on the same lists.
//!
//! Not for what the installer makes of them.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]
#![allow(clippy::print_stdout, reason = "the figures are worth a line")]

mod debian_archive;
#[path = "hostile/mutation.rs"]
mod mutation;
mod program;
mod ubuntu_medium;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use debian_archive::{Apt, Keys, OWNER, STRANGER, dpkg_deb, stdout};
use mutation::Dice;
use preflight::installer::preseed::cpio;
use preflight::packages::deb::version::DebVersion;
use preflight::packages::deb::{
    DebTrust, DpkgFeatures, list, pool as pool_lists, read_add_ons, read_packages,
};
use preflight::packages::depsolve::{PackageOrigin, Pool, SolveRequest, solve};
use preflight::packages::repository::Keyring;
use program::{ONE_FILE, binary, installed, names_in, run};
use ubuntu_medium::{PACKAGES, XENIAL, write_pool};

const VERSIONS: &[&str] = &[
    "0",
    "1.0",
    "1.0-1",
    "1.0-1ubuntu2",
    "1.0-1ubuntu10",
    "1.0~rc1-1",
    "1.0~~",
    "1.0+dfsg-1",
    "1.0a",
    "1.0.1",
    "1:0.1",
    "0:1.0",
    "2:0.9-0ubuntu5.1~16.04.1",
    "9.9",
    "1.0-1+b1",
    "1.00-01",
    "1.0-1.1",
];

#[test]
fn versions_compare_as_dpkg_compares_them() {
    if !installed(&["dpkg"]) {
        return;
    }
    let mut script = String::new();
    let mut ours = Vec::new();
    for a in VERSIONS {
        for b in VERSIONS {
            script += &format!("dpkg --compare-versions '{a}' lt '{b}' && echo lt || echo ge\n");
            let version = |text: &str| text.parse::<DebVersion>().unwrap();
            ours.push(if version(a) < version(b) { "lt" } else { "ge" });
        }
    }
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let theirs = String::from_utf8(output.stdout).unwrap();
    assert_eq!(theirs.lines().collect::<Vec<_>>(), ours);
}

#[test]
fn packages_of_every_compression_are_read_as_dpkg_deb_reads_them() {
    if !installed(&["dpkg-deb"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let debs = dir.path().join("debs");
    fs::create_dir(&debs).unwrap();
    for kind in ["gzip", "xz", "zstd", "none"] {
        let control = format!(
            "Package: of-{kind}\nVersion: 2:1.0-1\nArchitecture: all\nMaintainer: nobody <n@example.test>\n\
             Depends: libc6 (>= 2.14) | musl\nDescription: a package\n of two lines\n"
        );
        dpkg_deb(&debs, &control, kind);
    }
    let all = DpkgFeatures { zstd: true };
    let read = read_packages(&debs, all, &Keyring::default()).unwrap();
    assert_eq!(read.len(), 4);
    for file in &read {
        let output = Command::new("dpkg-deb").arg("-f").arg(&file.path).output().unwrap();
        let theirs = String::from_utf8(output.stdout).unwrap();
        let ours: String =
            file.fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        assert_eq!(ours, theirs);
        assert_eq!(file.location, format!("{}_1.0-1_all.deb", file.package.name));
        assert_eq!(file.trust, DebTrust::Unlisted);
    }
    // dpkg of 16.04 knows no zstd.
    let old = read_add_ons(&debs, DpkgFeatures::default(), &Keyring::default()).unwrap();
    assert_eq!((old.packages.len(), old.refused.len()), (3, 1));

    // What is cut or changed anywhere is refused, or is still the same package.
    let whole = fs::read(&read[0].path).unwrap();
    let mut dice = Dice::of(15, 0);
    for _ in 0..150 {
        let mut bytes = whole.clone();
        let at = dice.below(bytes.len());
        match dice.below(2) {
            0 => bytes.truncate(at),
            _ => bytes[at] ^= 1 << dice.below(8),
        }
        fs::write(&read[0].path, &bytes).unwrap();
        let set = read_add_ons(&debs, all, &Keyring::default()).unwrap();
        assert_eq!(set.packages.len() + set.refused.len(), 4);
    }
}

/// Writes a list of packages with relations between them; a name is provided by one package alone,
/// so that apt has no choice that is not written in the list.
fn random_list(dice: &mut Dice) -> String {
    let mut list = String::new();
    let names = 16;
    for number in 0..names {
        for version in 0..=dice.below(2) {
            list += &format!(
                "Package: p{number}\nVersion: {}.0-{}\nArchitecture: {}\nMaintainer: n <n@e>\n",
                version + 1,
                dice.below(3),
                ["amd64", "all"][dice.below(2)],
            );
            let mut relations = Vec::new();
            for _ in 0..dice.below(3) {
                let mut alternatives = Vec::new();
                for _ in 0..=dice.below(2) {
                    let other = number + 1 + dice.below(names - number);
                    let kind = ["p", "p", "p", "p", "p", "v"][dice.below(6)];
                    let sign = ["", "", "", "", " (>= 1.0-1)", " (<< 2.0)", " (= 2.0-0)", ""];
                    let any = [":any", "", "", "", "", "", "", ""][dice.below(8)];
                    let sign = sign[dice.below(8)];
                    alternatives.push(format!("{kind}{other}{any}{sign}"));
                }
                relations.push(alternatives.join(" | "));
            }
            if !relations.is_empty() {
                let field = ["Depends", "Pre-Depends"][dice.below(2)];
                list += &format!("{field}: {}\n", relations.join(", "));
            }
            if dice.below(3) == 0 {
                let version = ["", " (= 2.0-0)"][dice.below(2)];
                list += &format!("Provides: v{number}{version}\n");
            }
            if dice.below(4) == 0 {
                list += "Multi-Arch: allowed\n";
            }
            list += &format!(
                "Filename: ./p{number}_{version}.deb\nSize: 1\nSHA256: {}\nDescription: x\n\n",
                "0".repeat(64)
            );
        }
    }
    list
}

#[test]
fn dependencies_resolve_as_apt_resolves_them() {
    if !installed(&["apt-get"]) {
        return;
    }
    let mut dice = Dice::of(15, 1);
    let (mut met, mut unmet) = (0, 0);
    for _ in 0..12 {
        let list = random_list(&mut dice);
        let apt = Apt::new();
        apt.add_list(&list);
        let mut pool = Pool::of_debs();
        for package in list::parse(&list).unwrap() {
            pool.add_deb(&package, PackageOrigin::Base, &package.file).unwrap();
        }
        for number in 0..8 {
            let asked = vec![format!("p{number}"), format!("p{}", 8 + dice.below(8))];
            let request = SolveRequest {
                packages: &asked,
                groups: &[],
                implied: &[],
                add_ons_last: false,
                reads_rich: false,
                known_files: &[],
            };
            let solution = solve(&pool, &request);
            let theirs = apt.simulate(&asked);
            let ours = solution.problems.is_empty().then_some(solution.install.clone());
            assert_eq!(ours, theirs, "{asked:?} of\n{list}\n{:?}", solution.problems);
            *if theirs.is_some() { &mut met } else { &mut unmet } += 1;
        }
    }
    assert!(met > 10 && unmet > 10, "{met} can be installed, {unmet} cannot");
}

/// A medium without universe, and what it lacks as packages in `debs`.
fn medium_and_debs(dir: &Path) {
    ubuntu_medium::write_changed(dir, XENIAL, |tree| {
        fs::remove_dir_all(tree.join("pool")).unwrap();
        write_pool(tree, XENIAL, PACKAGES);
    });
    fs::create_dir(dir.join("debs")).unwrap();
    for (name, version, fields) in ubuntu_medium::UNIVERSE {
        let fields = if fields.is_empty() { String::new() } else { format!("{fields}\n") };
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: n <n@example.test>\n\
             {fields}Description: filler\n"
        );
        dpkg_deb(&dir.join("debs"), &control, "xz");
    }
}

#[test]
fn what_a_medium_lacks_is_listed_and_completes_it() {
    if !installed(&["dpkg-deb", "xorriso"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    medium_and_debs(dir.path());
    let list = ["list", "packages", "ubuntu-16.04", "--base", "base.iso"];
    let ran = run(dir.path(), &ONE_FILE, list);
    assert_eq!((ran.code, ran.misdeeds()), (Some(0), Vec::new()), "{}", ran.text());
    let mut lacking: Vec<&str> = ubuntu_medium::UNIVERSE.iter().map(|row| row.0).collect();
    lacking.sort_unstable();
    let text = ran.text();
    let listed = text.lines().filter_map(|line| line.split_whitespace().next());
    assert_eq!(listed.collect::<Vec<_>>(), lacking);
    let ran = run(dir.path(), &ONE_FILE, [&list[..], &["--debs", "debs"]].concat());
    assert_eq!((ran.code, ran.text()), (Some(0), String::new()));

    let check = ["check", "packages", "ubuntu-16.04", "--base", "base.iso", "--debs", "debs"];
    let ran = run(dir.path(), &ONE_FILE, check);
    assert_eq!((ran.code, ran.misdeeds()), (Some(0), Vec::new()), "{}", ran.text());
    fs::remove_file(dir.path().join("debs/kpartx.deb")).unwrap();
    let ran = run(dir.path(), &ONE_FILE, check);
    assert_eq!(ran.code, Some(1), "{}", ran.text());
    assert!(ran.text().contains("kpartx is in no repository"), "{}", ran.text());
}

/// Builds an image in a directory at a time, and returns status and words.
fn build(dir: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut args = vec!["build", "image", "ubuntu-16.04", "--base", "base.iso", "-o", "mt.iso"];
    args.extend(["--set", "agent={standin: true}", "--self-check-binary", "none", "--overwrite"]);
    args.extend(["--debs", "debs"]);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let mut command = Command::new(binary());
    command.args(args).args(more).current_dir(dir);
    if more.contains(&"--sign-key") {
        let epoch = fs::read_to_string(dir.join("epoch")).unwrap_or_else(|_| now.to_string());
        fs::write(dir.join("epoch"), &epoch).unwrap();
        command.env("SOURCE_DATE_EPOCH", epoch);
    }
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn extract(dir: &Path) -> std::path::PathBuf {
    let out = dir.join("out");
    stdout(
        Command::new("xorriso")
            .args(["-osirrox", "on", "-indev", "mt.iso", "-extract", "/", "out"])
            .current_dir(dir),
    );
    stdout(Command::new("chmod").args(["-R", "u+w"]).arg(&out));
    out
}

/// The script that the installer runs when the base system is there.
fn pool_script(out: &Path) -> String {
    let entries = cpio::read(&fs::read(out.join("preseed.img")).unwrap()).unwrap();
    let entry = entries.iter().find(|entry| entry.path.ends_with("/10preflight")).unwrap();
    // While the disc is mounted: pkgsel unmounts it before its own scripts run.
    let path = "usr/lib/post-base-installer.d/10preflight";
    assert_eq!((entry.path.as_str(), entry.mode), (path, 0o100_755));
    String::from_utf8(entry.bytes.clone()).unwrap()
}

/// What is doubtful of the finished image.
fn checked(dir: &Path) -> Vec<String> {
    let ran = run(dir, &ONE_FILE, ["check", "image", "mt.iso", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let results = report["results"].as_array().unwrap().iter();
    let doubtful = results
        .filter(|result| !matches!(result["outcome"].as_str().unwrap(), "pass" | "not-applicable"));
    doubtful.map(|result| result["check"].as_str().unwrap().to_owned()).collect()
}

const NAMES: [&str; 7] = [
    "kpartx", "lsscsi", "multipath-tools", "open-vm-tools", "python-pyasn1", "reiserfsprogs",
    "xfsprogs",
];

#[test]
fn a_signed_pool_is_read_by_gpgv_and_apt_and_is_the_same_each_time() {
    if !installed(&["dpkg-deb", "xorriso", "gpg1", "gpgv", "apt-get"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    medium_and_debs(dir);
    let keys = Keys::new();
    let secret = keys.write_private(OWNER, &dir.join("secret.gpg"));
    let signed = ["--sign-key", "secret.gpg"];
    let (code, text) = build(dir, &signed);
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("unsigned"), "{text}");
    assert_eq!(checked(dir), ["image.agent-standin"]);
    let image = fs::read(dir.join("mt.iso")).unwrap();
    assert_eq!(build(dir, &signed).0, Some(0));
    assert!(image == fs::read(dir.join("mt.iso")).unwrap(), "two builds differ");
    // Behind the public numbers of the key come the private ones.
    let private = &secret[300..360];
    assert!(!image.windows(private.len()).any(|window| window == private));
    let manifest = fs::read_to_string(dir.join("mt.iso.manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["pool"]["packages"], 7);
    assert!(manifest["pool"]["signed_by"].as_str().unwrap().ends_with(OWNER), "{manifest}");
    let sbom = fs::read_to_string(dir.join("mt.iso.cdx.json")).unwrap();
    assert!(
        sbom.contains("pkg:deb/ubuntu/reiserfsprogs@1%3A3.6.24-3.1?arch=amd64&distro=ubuntu-16.04")
    );

    let out = extract(dir);
    let pool = out.join("preflight/repo");
    let release = dir.join("release");
    stdout(
        Command::new("gpgv")
            .arg("--keyring")
            .arg(pool.join("archive.gpg"))
            .arg("--output")
            .arg(&release)
            .arg(pool.join("InRelease")),
    );
    let own = fs::read_to_string(pool.join("Release")).unwrap();
    assert_eq!(fs::read_to_string(&release).unwrap().trim_end(), own.trim_end());

    // Read back, the signature counts for the very list and the very key alone.
    let file = |name: &str| fs::read(pool.join(name)).unwrap();
    let (release, key, list) = (file("InRelease"), file("archive.gpg"), file("Packages"));
    let signer =
        |key: &[u8], list: &[u8]| pool_lists::signer(&String::from_utf8_lossy(&release), key, list);
    assert!(signer(&key, &list).unwrap().contains(OWNER));
    assert!(signer(&key, &list[1..]).unwrap_err().contains("is of another Packages"));
    assert!(signer(&key[..40], &list).unwrap_err().contains("is no public key"));

    // The script of the installer makes apt trust the list by its signature, and fetch the packages.
    let apt = Apt::new();
    let (ended, said) = apt.run_in_installer(&pool_script(&out), &out);
    assert!(ended, "{said}");
    let list = apt.path().join("etc/apt/sources.list.d/preflight.list");
    assert!(fs::read_to_string(list).unwrap().contains("[signed-by="));
    assert_eq!(apt.download(&NAMES).unwrap().len(), 7);
    let asked: Vec<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(apt.simulate(&asked).unwrap().len(), 7);
    // A list that somebody changed is refused.
    let text = fs::read_to_string(pool.join("InRelease")).unwrap();
    fs::write(pool.join("InRelease"), text.replace("Suite: preflight", "Suite: preflighT"))
        .unwrap();
    assert!(!Apt::new().run_in_installer(&pool_script(&out), &out).0);
}

#[test]
fn an_unsigned_pool_says_so_and_is_trusted_for_its_digest() {
    if !installed(&["dpkg-deb", "xorriso", "apt-get"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    medium_and_debs(dir);
    let (code, text) = build(dir, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("the list of the added packages is unsigned"), "{text}");
    assert_eq!(checked(dir), ["image.pool-signed", "image.agent-standin"]);
    let out = extract(dir);
    let pool = out.join("preflight/repo");
    assert!(!names_in(&pool).contains(&"InRelease".to_owned()));
    let apt = Apt::new();
    // By itself apt takes no list that nobody signed.
    assert!(apt.add_source(&format!("deb file:{} ./", pool.display())).is_err());
    let apt = Apt::new();
    let (ended, said) = apt.run_in_installer(&pool_script(&out), &out);
    assert!(ended, "{said}");
    assert_eq!(apt.download(&NAMES).unwrap().len(), 7);
    // A package that somebody changed is refused by its digest, and a list by its own.
    let apt = Apt::new();
    let deb = pool.join("lsscsi_0.27-3_amd64.deb");
    let mut bytes = fs::read(&deb).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&deb, bytes).unwrap();
    assert!(apt.run_in_installer(&pool_script(&out), &out).0);
    assert_eq!(apt.download(&["lsscsi"]), None);
    let list = fs::read_to_string(pool.join("Packages")).unwrap();
    fs::write(pool.join("Packages"), list.replace("0.27-3", "0.27-4")).unwrap();
    let (ended, said) = apt.run_in_installer(&pool_script(&out), &out);
    assert!(!ended && said.contains("Packages of the added packages is not what it was"), "{said}");
}

#[test]
fn keys_that_cannot_sign_are_refused_with_the_reason() {
    if !installed(&["dpkg-deb", "xorriso", "gpg1"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    medium_and_debs(dir);
    let keys = Keys::new();
    keys.write_private(OWNER, &dir.join("secret.gpg"));
    keys.write_private("Locked", &dir.join("locked.gpg"));
    keys.write_public(OWNER, &dir.join("public.gpg"));
    for file in ["public.gpg", "base.iso"] {
        stdout(Command::new("chmod").arg("600").arg(dir.join(file)));
    }
    for (file, message) in [
        ("locked.gpg", "the signing key locked.gpg: it is protected by a passphrase"),
        ("public.gpg", "the signing key public.gpg: it is no private key of OpenPGP"),
        ("base.iso", "the signing key base.iso: it is no private key of OpenPGP"),
    ] {
        let (code, text) = build(dir, &["--sign-key", file]);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(message), "{text}");
    }
    // The image's own date is before the key was made.
    fs::write(dir.join("epoch"), "1490572800").unwrap();
    let (code, text) = build(dir, &["--sign-key", "secret.gpg"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("which did not exist by then"), "{text}");
    stdout(Command::new("chmod").arg("640").arg(dir.join("secret.gpg")));
    let (code, text) = build(dir, &["--sign-key", "secret.gpg"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("can be read by others, its mode is 0640"), "{text}");
    assert!(!dir.join("mt.iso").exists());
}

#[test]
fn an_archives_signature_vouches_for_packages_and_every_change_is_found() {
    if !installed(&["dpkg-deb", "xorriso", "gpg1", "xz"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    medium_and_debs(dir);
    let (keys, debs) = (Keys::new(), dir.join("debs"));
    keys.write_public(OWNER, &dir.join("archive.asc"));
    keys.write_public(STRANGER, &dir.join("other.asc"));
    // As an archive lists them, in the names of apt's own directory.
    let mut list = String::new();
    for file in read_packages(&debs, DpkgFeatures::default(), &Keyring::default()).unwrap() {
        list += &format!(
            "Package: {}\nVersion: {}\nArchitecture: amd64\nFilename: pool/{}\nSize: {}\nSHA256: {}\n\n",
            file.package.name, file.package.version, file.location, file.len, file.sha256
        );
    }
    let packages = debs.join("archive.example.test_ubuntu_dists_xenial_main_binary-amd64_Packages");
    fs::write(&packages, &list).unwrap();
    stdout(Command::new("xz").arg(&packages));
    let packages = debs.join(format!("{}.xz", packages.file_name().unwrap().to_str().unwrap()));
    let release = |digest: &[u8]| {
        format!(
            "Origin: Ubuntu\nSuite: xenial\nSHA256:\n {} {} main/binary-amd64/Packages.xz\n",
            preflight::digest::Sha256::hash(digest),
            digest.len()
        )
    };
    let plain = dir.join("plain");
    fs::write(&plain, release(&fs::read(&packages).unwrap())).unwrap();
    let signed = debs.join("archive.example.test_ubuntu_dists_xenial_InRelease");
    let check = |key: &str| {
        let mut args =
            vec!["check", "packages", "ubuntu-16.04", "-v", "--base", "base.iso", "--debs", "debs"];
        if !key.is_empty() {
            args.extend(["--deb-key", key]);
        }
        let ran = run(dir, &ONE_FILE, args);
        assert_eq!(ran.misdeeds(), [""; 0]);
        (ran.code, ran.text())
    };
    keys.sign(OWNER, "--clearsign", &plain, &signed);
    let (code, text) = check("archive.asc");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("7 in the list of Ubuntu xenial signed by key"), "{text}");
    let (code, text) = build(dir, &["--deb-key", "archive.asc"]);
    assert_eq!(code, Some(0), "{text}");
    // Beside the file instead.
    fs::remove_file(&signed).unwrap();
    let beside = debs.join("Release");
    fs::copy(&plain, &beside).unwrap();
    keys.sign(OWNER, "--detach-sign", &plain, &debs.join("binary"));
    stdout(
        Command::new("gpg1")
            .args(["--batch", "--enarmor", "-o"])
            .arg(debs.join("Release.gpg"))
            .arg(debs.join("binary")),
    );
    assert_eq!(check("archive.asc").0, Some(2), "what gpg calls a file is no signature");
    fs::remove_file(debs.join("Release.gpg")).unwrap();
    keys.sign(OWNER, "-ab", &plain, &debs.join("Release.gpg"));
    assert_eq!(check("archive.asc").0, Some(0));
    for file in ["Release", "Release.gpg", "binary"] {
        fs::remove_file(debs.join(file)).unwrap();
    }
    keys.sign(OWNER, "--clearsign", &plain, &signed);
    // Another key than the one that is named, and none at all.
    let (code, text) = check("other.asc");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("in a list whose signature is not verified"), "{text}");
    assert_eq!(build(dir, &["--deb-key", "other.asc"]).0, Some(2));
    // A package, the list, and what is signed, each changed.
    let deb = debs.join("lsscsi.deb");
    let whole = fs::read(&deb).unwrap();
    dpkg_deb(
        &debs,
        "Package: lsscsi\nVersion: 0.27-3\nArchitecture: amd64\nMaintainer: else <e@e>\n\
         Description: another\n",
        "gzip",
    );
    let (code, text) = check("archive.asc");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("has other bytes for lsscsi 0.27-3: the package was changed"), "{text}");
    fs::write(&deb, whole).unwrap();
    let text = fs::read_to_string(&signed).unwrap();
    fs::write(&signed, text.replace("Suite: xenial", "Suite: xeniaI")).unwrap();
    let (code, said) = check("archive.asc");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("it was changed"), "{said}");
    fs::write(&signed, text).unwrap();
    fs::write(&packages, b"").unwrap();
    let (code, text) = check("archive.asc");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("lsscsi_0.27-3_amd64.deb is in no signed list"), "{text}");
}

/// Run by hand: `cargo test --test debs -- --ignored --nocapture`.
#[test]
#[ignore = "needs a machine that has read a real archive's lists; the figures are for docs"]
fn a_real_archive_resolves_as_apt_resolves_it() {
    let lists = fs::read_dir("/var/lib/apt/lists").unwrap().map(|entry| entry.unwrap().path());
    let is_main = |path: &std::path::PathBuf| path.to_string_lossy().contains("_main_binary-amd64");
    let mut text = String::new();
    for list in lists.filter(is_main) {
        text += &stdout(Command::new("/usr/lib/apt/apt-helper").arg("cat-file").arg(list));
        text += "\n";
    }
    let apt = Apt::new();
    apt.add_list(&text);
    let started = std::time::Instant::now();
    let mut pool = Pool::of_debs();
    let packages = list::parse(&text).unwrap();
    for package in &packages {
        pool.add_deb(package, PackageOrigin::Base, &package.file).unwrap();
    }
    println!("{} packages read in {:?}", packages.len(), started.elapsed());
    let mut dice = Dice::of(15, 2);
    let (mut same, mut total) = (0, 0);
    let fixed = ["multipath-tools lsscsi lvm2 kpartx xfsprogs openssh-server", "open-vm-tools"];
    let fixed = fixed.iter().map(|names| names.split(' ').map(str::to_owned).collect());
    let random = (0..100).map(|_| vec![packages[dice.below(packages.len())].name.clone()]);
    let requests: Vec<Vec<String>> = fixed.chain(random).collect();
    for asked in requests {
        let request = SolveRequest {
            packages: &asked,
            groups: &[],
            implied: &[],
            add_ons_last: false,
            reads_rich: false,
            known_files: &[],
        };
        let started = std::time::Instant::now();
        let solution = solve(&pool, &request);
        let took = started.elapsed();
        let ours = solution.problems.is_empty().then_some(solution.install.clone());
        let theirs = apt.simulate(&asked);
        total += 1;
        if ours == theirs {
            same += 1;
            continue;
        }
        let (ours, theirs) = (ours.unwrap_or_default(), theirs.unwrap_or_default());
        let only = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|one| !b.contains(one)).take(4).cloned().collect()
        };
        println!(
            "{asked:?} {took:?}: we {} {:?}, apt {} {:?}; {:?}",
            ours.len(),
            only(&ours, &theirs),
            theirs.len(),
            only(&theirs, &ours),
            solution.problems.iter().take(2).map(ToString::to_string).collect::<Vec<_>>()
        );
    }
    println!("{same} of {total} alike");
}
