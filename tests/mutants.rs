//! Thousands of damaged images, archives, packages and texts through the library, in one process:
//! no panic, none that never ends, time that grows with the text and no faster, and memory that stays low over all.
//!
//! Nothing is caught: a panic fails the test with the number of the mutant, which makes it again.
//! PREFLIGHT_MUTANTS=N tries N times as many; what is found there becomes a case of its own.
//! Not for what the program does around the library, which `tests/hostile.rs` tries.

#![allow(clippy::print_stdout, reason = "a skip must be told, and the figures are worth a line")]
#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod el6_medium;
#[path = "hostile/mutation.rs"]
mod mutation;
mod packaging;
mod program;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mutation::{Dice, Subject};
use packaging::{AS_CENTOS, AS_ELREPO, DSA, RSA, STRANGER, Signer, Spec};
use preflight::agent;
use preflight::assets::{Asset, Assets};
use preflight::check::{self, CheckSet, Target};
use preflight::digest::Sha256;
use preflight::disc_path::DiscPath;
use preflight::facts::Document;
use preflight::facts::target_kind::TargetKind;
use preflight::image::inspect::{self, MediaMd5Check};
use preflight::image::recipe::Recipe;
use preflight::image::resolve::resolve;
use preflight::installer::kickstart;
use preflight::iso::{Edits, FileContent, Medium, Timestamp, extend};
use preflight::packages::generation::Generation;
use preflight::packages::repository::{self, Keyring};
use program::{ONE_FILE, installed, run};

/// Processor time after which a mutant counts as one that never ends. No measure of speed: none needs a hundredth of it.
const ENDLESS: Duration = Duration::from_secs(60);

/// How many times as long a text of sixteen times the lines may take: about 16 when time grows with the text, about 256 when with
/// its square. What lies between leaves room for caches and for a busy machine.
const MOST_GROWTH: f64 = 64.0;

/// What a series of mutants did.
#[derive(Default)]
struct Tally {
    accepted: u64,
    refused: u64,
    slowest: (Duration, u64),
}

/// Tries mutants 0 to `count`, or more; `accept` says whether one was accepted.
fn series(heading: &str, count: u64, accept: impl FnMut(u64) -> bool) {
    let times = std::env::var("PREFLIGHT_MUTANTS").map_or(1, |times| times.parse().unwrap());
    all_of(heading, count * times, accept);
}

/// Tries number 0 to `count`.
fn all_of(heading: &str, count: u64, mut accept: impl FnMut(u64) -> bool) {
    let mut tally = Tally::default();
    let began = Instant::now();
    for number in 0..count {
        let mutant = Announced(heading, number);
        let before = processor_time();
        if accept(number) {
            tally.accepted += 1
        } else {
            tally.refused += 1
        }
        let took = processor_time().saturating_sub(before);
        tally.slowest = tally.slowest.max((took, number));
        assert!(took <= ENDLESS, "{heading}: mutant {number} took {took:?}");
        std::mem::forget(mutant);
    }
    let Tally { accepted, refused, slowest: (slowest, number) } = tally;
    let peak_kib = program::resident_peak_kib(std::process::id());
    println!(
        "{heading}: {count} mutants, {accepted} accepted, {refused} refused, {:?}, slowest {slowest:?} \
         (number {number}), peak of all so far {} MiB",
        began.elapsed(),
        peak_kib / 1024
    );
    // Whatever ran beside it in this process included.
    assert!(peak_kib <= 128 * 1024, "{heading}: {peak_kib} KiB resident");
}

/// Tells, when a panic drops it, which mutant that was.
struct Announced<'a>(&'a str, u64);

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        println!("{}: this was mutant {}", self.0, self.1);
    }
}

/// Processor time of this thread so far; other work of the machine does not count.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

/// The generator's well-formed file of a kind; none without python3.
fn good(kind: &str, name: &str) -> Option<Vec<u8>> {
    if !installed(&["python3"]) {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let made = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/hostile/gen.py"))
        .arg(kind)
        .arg(dir.path())
        .args(["--count", "0"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(fs::read(dir.path().join(name)).unwrap())
}

/// A file in memory.
fn in_memory(bytes: &[u8]) -> Arc<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::memfd_create("mutant", flags).unwrap());
    file.write_all(bytes).unwrap();
    Arc::new(file)
}

/// Inspects and judges an image, and extends it; whether it was taken for one.
///
/// What is accepted for extension must be a sound image afterwards, with the new file in it.
fn image(bytes: &[u8], checks: &CheckSet) -> bool {
    let file = in_memory(bytes);
    let Ok(facts) = inspect::inspect_file(&file, MediaMd5Check::Sum) else { return false };
    let document = Document::new("image", &facts);
    let targets = [Target::new("mutant".into(), TargetKind::Image, document)];
    let findings = check::evaluate(checks, &targets, &[], jiff::Timestamp::UNIX_EPOCH);
    let of_images = checks.checks().iter().filter(|c| c.applies_to.contains(&TargetKind::Image));
    assert_eq!(findings.len(), of_images.count());

    let medium = Medium::open(file).unwrap();
    let path = "preflight/added/file.txt";
    let source = FileContent::Bytes(Arc::from(&b"added\n"[..]));
    let edits = Edits { add: vec![(DiscPath::new(path).unwrap(), source)], ..Edits::default() };
    let at = Timestamp::new(1_490_572_800).unwrap();
    if let Ok(extended) = extend(&medium, &edits, medium.content_end(), at) {
        let again = Medium::from_map(extended.map).unwrap();
        // Without Rock Ridge, the main tree's names are invented where they do not fit.
        if medium.has_rock_ridge() {
            assert_eq!(again.read_file(path, 100).unwrap(), b"added\n");
        }
    }
    true
}

fn images(heading: &str, seed: u64, count: u64, subject: &Subject) {
    let checks = CheckSet::load(&Assets::embedded()).unwrap();
    assert!(image(subject.intact(), &checks), "the intact image is none");
    series(heading, count, |number| image(&subject.mutant(&mut Dice::of(seed, number)), &checks));
}

#[test]
fn images_built_byte_by_byte() {
    let Some(bytes) = good("iso", "good.iso") else { return };
    images("small images", 1, 2500, &Subject::new(bytes));
}

#[test]
fn kickstart_discs() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &ONE_FILE, ["build", "image", "demo"]);
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    images(
        "kickstart discs",
        2,
        1500,
        &Subject::new(fs::read(dir.path().join("demo.iso")).unwrap()),
    );
}

#[test]
fn customised_installers() {
    if !installed(&["xorriso"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let base = el6_medium::write(dir.path(), 0);
    let args = ["build", "image", "demo", "-o", "out.iso", "--allow-incomplete", "--base"];
    let ran = run(dir.path(), &ONE_FILE, args.into_iter().chain([base.to_str().unwrap()]));
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.text());
    let bytes = fs::read(dir.path().join("out.iso")).unwrap();
    images("customised installers", 3, 1500, &Subject::new(bytes));
}

#[test]
fn agents() {
    let tar = Subject::new(unpacked(&agent::standin_bundle(0)));
    let gzip = Subject::new(agent::standin_bundle(0));
    let accept = |bytes: &[u8]| agent::inspect(bytes, "agent.tar.gz").is_ok();
    assert!(accept(gzip.intact()) && accept(&packed(tar.intact())));
    series("tar of agents", 3000, |n| accept(&packed(&tar.mutant(&mut Dice::of(4, n)))));
    series("gzip of agents", 1000, |n| accept(&gzip.mutant(&mut Dice::of(5, n))));
}

fn unpacked(gzip: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(gzip), &mut tar).unwrap();
    tar
}

fn packed(tar: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(tar).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn packages() {
    let Some(bytes) = good("rpm", "good.rpm") else { return };
    let subject = Subject::new(bytes);
    let dir = tempfile::tempdir().unwrap();
    let accept = |bytes: &[u8]| {
        fs::write(dir.path().join("mutant.rpm"), bytes).unwrap();
        let packages = repository::read_packages(dir.path(), Generation::EL6, &Keyring::default());
        packages.is_ok_and(|packages| repository::repodata(&packages, 0).is_ok())
    };
    assert!(accept(subject.intact()));
    series("packages", 3000, |number| accept(&subject.mutant(&mut Dice::of(6, number))));
}

#[test]
fn signed_packages() {
    let Some(signer) = Signer::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut keyring = Keyring::default();
    for owner in [RSA, DSA] {
        keyring.add(&fs::read(signer.public(owner)).unwrap()).unwrap();
    }
    for (heading, seed, how) in
        [("packages signed with RSA", 12, AS_CENTOS), ("packages signed with DSA", 13, AS_ELREPO)]
    {
        let spec = Spec { name: "probe", evr: "1-1.el6", more: "", also: None };
        let built = spec.build(dir.path());
        signer.sign(how, std::slice::from_ref(&built));
        let bytes = fs::read(&built).unwrap();
        // The signature header and the beginning of the header: the rest is digests' matter.
        let (front, rest) = bytes.split_at(4096.min(bytes.len()));
        let subject = Subject::new(front.to_vec());
        let accept = |front: &[u8]| {
            fs::write(&built, [front, rest].concat()).unwrap();
            repository::read_packages(dir.path(), Generation::EL6, &keyring).is_ok()
        };
        assert!(accept(subject.intact()));
        series(heading, 1500, |number| accept(&subject.mutant(&mut Dice::of(seed, number))));
    }
}

/// Keys damaged below their armour, and in it.
#[test]
fn keys() {
    let Some(signer) = Signer::new() else { return };
    let armoured = |bytes: &[u8]| {
        let text = openssl::base64::encode_block(bytes);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{}\n-----END PGP PUBLIC KEY BLOCK-----\n",
            lines.join("\n")
        )
    };
    let accept = |text: &[u8]| Keyring::default().add(text).is_ok();
    for (seed, owner) in [(14, RSA), (15, DSA)] {
        let binary = Subject::new(signer.binary(owner));
        assert!(accept(armoured(binary.intact()).as_bytes()));
        series(&format!("keys of {owner}"), 2000, |number| {
            accept(armoured(&binary.mutant(&mut Dice::of(seed, number))).as_bytes())
        });
    }
    let text = Subject::new(fs::read(signer.public(STRANGER)).unwrap());
    assert!(accept(text.intact()));
    series("armoured keys", 1000, |number| accept(&text.mutant(&mut Dice::of(16, number))));
}

/// The files of a repository that createrepo_c wrote, each damaged by itself: as text below its
/// compression, with digests that fit, and as it is stored.
#[test]
fn repositories() {
    if !installed(&["rpmbuild", "createrepo_c"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for name in ["bash", "wget", "perl"] {
        let more =
            "Requires: libc.so.6()(64bit) >= 2\nProvides: /bin/sh\nObsoletes: y\nConflicts: x < 1";
        Spec { name, evr: "1-1.el6", more, also: Some("second") }.build(dir.path());
    }
    let comps = dir.path().join("comps.xml");
    fs::write(&comps, "<?xml version=\"1.0\"?><comps><group><id>core</id><name>Core</name><name xml:lang=\"it\">Essenziale</name><default>true</default><uservisible>false</uservisible><packagelist><packagereq type=\"mandatory\">bash</packagereq></packagelist></group></comps>").unwrap();
    packaging::done(
        Command::new("createrepo_c")
            .args(["-q", "--checksum", "sha256", "--general-compress-type", "gz", "--no-database"])
            .args(["--simple-md-filenames", "-g"])
            .args([&comps, dir.path()]),
    );
    let stored = |name: &str| fs::read(dir.path().join("repodata").join(name)).unwrap();
    let repomd = stored("repomd.xml");
    let read = |name: &str, bytes: &[u8], repomd: &[u8]| {
        let open = |path: &str| {
            let path = path.strip_prefix("repodata/").unwrap_or(path);
            Ok(std::io::Cursor::new(match path {
                "repomd.xml" => repomd.to_vec(),
                _ if path == name => bytes.to_vec(),
                _ => fs::read(dir.path().join("repodata").join(path))?,
            }))
        };
        let lists = repository::open_file_lists(open);
        let lists = lists.is_ok_and(|lists| match lists {
            Some(lists) => lists
                .xml()
                .is_ok_and(|mut xml| std::io::copy(&mut xml, &mut std::io::sink()).is_ok()),
            None => false,
        });
        repository::read_repository(open).is_ok() && lists
    };
    assert!(read("", b"", &repomd), "createrepo_c's own is read");
    let told = String::from_utf8(repomd.clone()).unwrap();
    for (seed, name) in
        [(17, "primary.xml.gz"), (18, "filelists.xml.gz"), (19, "comps.xml.gz"), (20, "comps.xml")]
    {
        if !told.contains(&format!("repodata/{name}\"")) {
            continue;
        }
        let whole = stored(name);
        let before = Sha256::hash(&whole).to_string();
        let accept = |bytes: &[u8]| {
            let fits = told.replace(&before, &Sha256::hash(bytes).to_string());
            read(name, bytes, fits.as_bytes())
        };
        assert!(accept(&whole));
        if name.ends_with(".gz") {
            let plain = Subject::new(unpacked(&whole));
            series(&format!("text of {name}"), 1200, |number| {
                accept(&packed(&plain.mutant(&mut Dice::of(seed, number))))
            });
        }
        let subject = Subject::new(whole);
        series(name, 600, |number| accept(&subject.mutant(&mut Dice::of(seed + 10, number))));
    }
    let subject = Subject::new(repomd);
    series("repomd.xml", 1500, |number| read("", b"", &subject.mutant(&mut Dice::of(23, number))));
    // el6's yum reads gzip only, and so does this: xz is refused by its name, not unpacked.
    let primary = Sha256::hash(stored("primary.xml.gz")).to_string();
    let other = told.replace("primary.xml.gz", "primary.xml.xz");
    let other = other.replace(&primary, &Sha256::hash(b"\xfd7zXZ\0").to_string());
    assert!(!read("primary.xml.xz", b"\xfd7zXZ\0", other.as_bytes()));
}

#[test]
fn recipes() {
    let text = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("images/centos-6.6.yaml"));
    let subject = Subject::new(text.unwrap());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mutant.yaml");
    let assets = Assets::embedded();
    let accept = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let Ok(file) = Recipe::read(&assets, path.to_str().unwrap(), &[]) else { return false };
        resolve(&file.recipe, file.read_profile(&assets).unwrap()).is_ok()
    };
    assert!(accept(subject.intact()));
    series("recipes", 3000, |number| accept(&subject.mutant(&mut Dice::of(7, number))));
}

#[test]
fn check_files() {
    // One that names no check of another file.
    let text =
        Assets::embedded().read(preflight::assets::AssetKind::Check, "vcenter.yaml").unwrap().text;
    let subject = Subject::new(text.into_bytes());
    let accept = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        CheckSet::read(&[Asset { path: "mutant.yaml".into(), text }]).is_ok()
    };
    assert!(accept(subject.intact()));
    series("check files", 400, |number| accept(&subject.mutant(&mut Dice::of(8, number))));
}

#[test]
fn kickstarts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/el6-full.ks");
    let subject = Subject::new(fs::read(path).unwrap());
    series("kickstarts", 2000, |number| {
        let mutant = subject.mutant(&mut Dice::of(9, number));
        linted(&String::from_utf8_lossy(&mutant))
    });
}

/// One line, over and over: what takes time in the square of the lines shows here. The largest
/// kickstart that is read has 1 MiB, a file given by hand 256 KiB.
#[test]
fn kickstarts_of_one_line() {
    let lines = [
        "'",
        "\\",
        "\"\\",
        "x\\",
        "#",
        "%pre",
        "%post",
        "%post\n%end",
        "%pre\n\\",
        "%packages\na\n%end",
        "%packages",
        "%include x",
        "%end",
        "%x",
        "part / --size=1",
        "part swap --size=1 --ondisk=sda",
        "part /a --size=1",
        "clearpart --drives=sda",
        "ignoredisk --only-use=sda,sdb",
        "network --bootproto=static",
        "network --device=eth0",
        "bootloader --append=x",
        "rootpw x",
        "text",
        "timezone x",
        "repo --name=x",
        "user --name=x",
        "volgroup x",
        "logvol x",
        "\u{e9}",
        "a",
    ];
    let mut texts: Vec<String> = lines
        .iter()
        .map(|line| format!("{line}\n").repeat(256 * 1024 / (line.len() + 1)))
        .collect();
    // And every line another one.
    let numbered = |form: fn(usize) -> String| (0..10_000).map(form).collect::<String>();
    texts.push(numbered(|n| format!("part /m{n} --size=1 --ondisk=sd{n}\n")));
    texts.push(numbered(|n| format!("command{n}\n")));
    texts.push(format!("%packages\n{}%end\n", numbered(|n| format!("package{n}\n"))));
    texts.push(format!("%pre\n{}%end\n", numbered(|n| format!("guard sd{n}\n"))));
    texts.push(format!("ignoredisk --only-use={}\n", numbered(|n| format!("sd{n},"))));
    texts.push(format!("clearpart --drives={}\n", numbered(|n| format!("sd{n},"))));
    texts.push("a".repeat(256 * 1024));
    texts.push(format!("part {}\n", "--size=1 ".repeat(25_000)));
    all_of("kickstarts of one line", texts.len() as u64, |number| linted(&texts[number as usize]));
    for text in &texts {
        let growth = growth(text);
        let begins: String = text.chars().take(40).collect();
        assert!(
            growth <= MOST_GROWTH,
            "{begins:?}: sixteen times the text took {growth:.1} times as long"
        );
    }
}

/// Returns how many times as long a text takes as its first sixteenth: the least of three tries, because other work of the
/// machine only ever adds to one.
fn growth(text: &str) -> f64 {
    let end = text.len() / 16;
    let sixteenth = &text[..(0..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap()];
    let shortest = |text: &str| {
        let tries = (0..3).map(|_| {
            let before = processor_time();
            linted(text);
            processor_time() - before
        });
        tries.min().unwrap().as_secs_f64()
    };
    shortest(text) / shortest(sixteenth).max(0.001)
}

fn linted(text: &str) -> bool {
    let found = kickstart::lint(text, Generation::EL6);
    kickstart::facts(text, "ks.cfg", Generation::EL7);
    found.is_empty()
}
