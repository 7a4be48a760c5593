//! A good image damaged in every place that an installation starts from, one at a time, behind a
//! media md5 that was put right: no blocker of it may still pass that read what was damaged.
//!
//! Not for hostile images (`tests/mutants.rs`): these are accidents of a disk, a copy, or a tool.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod assurance;
mod el6_medium;
#[path = "image_mutants/good.rs"]
mod good;
mod program;
#[path = "image_mutants/records.rs"]
mod records;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use good::Good;
use preflight::assets::Assets;
use preflight::check::{self, CheckSet, Outcome, Target};
use preflight::digest::Sha256;
use preflight::facts::Document;
use preflight::facts::target_kind::TargetKind;
use preflight::image::inspect::{self, MediaMd5Check};
use preflight::iso::bytemap::ByteMap;
use preflight::iso::{EntryKind, Medium};
use program::installed;
use records::Record;

/// Changes of an image: bytes to be put at a place.
type Patches = Vec<(u64, Vec<u8>)>;

struct Bench {
    good: Good,
    checks: CheckSet,
    outcomes: BTreeMap<String, Outcome>,
}

impl Bench {
    fn new() -> Option<Self> {
        if !installed(&["xorriso", "python3"]) {
            return None;
        }
        let good = Good::new();
        let checks = CheckSet::load(&Assets::embedded()).unwrap();
        let mut bench = Self { good, checks, outcomes: BTreeMap::new() };
        bench.outcomes = bench.evaluate(&Vec::new()).expect("the good image is one");
        let bad: Vec<_> = bench
            .outcomes
            .iter()
            .filter(|(_, outcome)| {
                !matches!(outcome, Outcome::Pass | Outcome::NotApplicable { .. })
            })
            .map(|(check, outcome)| format!("{check} {}", outcome.as_str()))
            .collect();
        assert_eq!(bad, ["image.agent-standin fail"], "the control must be good");
        Some(bench)
    }

    /// The outcomes of an image with these changes; none when it is refused as a whole.
    fn evaluate(&self, patches: &Patches) -> Option<BTreeMap<String, Outcome>> {
        let mut image: ByteMap = self.good.image.clone();
        for (at, bytes) in patches {
            image.patch(*at, bytes);
        }
        let medium = Medium::from_map(image).ok()?;
        // As if somebody had put the media md5 right.
        let facts = inspect::inspect_medium(&medium, MediaMd5Check::Implanted);
        let document = Document::new("image", &facts);
        let targets = [Target::new("mutant".into(), TargetKind::Image, document)];
        let findings = check::evaluate(&self.checks, &targets, &[], jiff::Timestamp::UNIX_EPOCH);
        Some(
            findings
                .into_iter()
                .map(|finding| (finding.check.to_string(), finding.outcome))
                .collect(),
        )
    }

    /// Whether a blocker that passed on the good image no longer does.
    fn is_seen(&self, patches: &Patches) -> bool {
        let Some(outcomes) = self.evaluate(patches) else { return true };
        outcomes.iter().any(|(check, outcome)| {
            let severity = self.checks.find(check).unwrap().severity;
            severity.is_blocker()
                && matches!(outcome, Outcome::Fail | Outcome::Unknown { .. })
                && matches!(self.outcomes[check], Outcome::Pass)
        })
    }

    /// Bit flips spread over `len` bytes at a place.
    fn flips(&self, at: u64, len: u64) -> Vec<Patches> {
        let places = [0, len / 3, len / 2, len.saturating_sub(1)];
        let mut flips = Vec::new();
        for (number, place) in places.iter().enumerate().filter(|(_, place)| **place < len) {
            let mut byte = self.good.bytes(at + place, 1);
            byte[0] ^= 1 << (number * 2);
            flips.push(vec![(at + place, byte)]);
        }
        flips
    }
}

/// What a series of mutants came to.
#[derive(Default)]
struct Tally {
    rows: BTreeMap<&'static str, (u32, u32)>,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, bench: &Bench, way: &'static str, name: &str, patches: &Patches) {
        let row = self.rows.entry(way).or_default();
        row.0 += 1;
        if !bench.is_seen(patches) {
            row.1 += 1;
            self.wrong.push(format!("{way}: {name}"));
        }
    }

    fn told(&self) -> String {
        let mut text = String::from("| damage | mutants | passed wrongly |\n|---|---|---|\n");
        let mut all = (0, 0);
        for (way, (mutants, wrong)) in &self.rows {
            writeln!(text, "| {way} | {mutants} | {wrong} |").unwrap();
            all = (all.0 + mutants, all.1 + wrong);
        }
        writeln!(text, "| **all** | **{}** | **{}** |", all.0, all.1).unwrap();
        text
    }
}

#[test]
fn no_damaged_image_passes() {
    let Some(bench) = Bench::new() else { return };
    let medium = Medium::from_map(bench.good.image.clone()).unwrap();
    let records = records::of(&bench.good.image);
    let mut tally = Tally::default();
    for entry in medium.entries().filter(|entry| entry.kind == EntryKind::File) {
        let path = entry.path.as_str();
        let record = records.iter().find(|record| record.path == path).expect("it has a record");
        for (at, len) in &entry.extents {
            for flip in bench.flips(*at, *len) {
                tally.add(&bench, "a file, one bit", path, &flip);
                if let Some(consistent) = bench.good.manifest_follows(path, &entry.extents, &flip) {
                    let way =
                        "a file with a checksum of its own, one bit, and the manifest follows";
                    tally.add(&bench, way, path, &consistent);
                }
            }
        }
        tally.add(&bench, "a file removed", path, &record.removal(&bench.good.image));
        for len in [0, entry.len / 2] {
            tally.add(&bench, "a file cut short", path, &record.with_length(len));
        }
        for flip in record.flips(&bench.good.image) {
            tally.add(&bench, "the record of a file, one bit", path, &flip);
        }
    }
    for (name, at, len) in places(&medium) {
        for flip in (at..at + len).flat_map(|at| bench.flips(at, 1)) {
            tally.add(&bench, "descriptors, boot catalog and boot code, one bit", name, &flip);
        }
    }
    print!("{}", tally.told());
    assert_eq!(tally.wrong, [""; 0]);
    assurance::states(
        "image-mutants",
        &format!(
            "`cargo test --test image_mutants`: an image with everything an appliance has, each file of it, the vendor's too, and \
             each structure damaged behind a media md5 that was put right.\n\n{}\nNot tried: damage to what no installer and no \
             firmware reads (the big-endian copies of numbers, dates, the Joliet tree). A manifest that is rewritten with the \
             damage is held against the vendor's checksums and the repositories' alone; who rewrites a payload file *and* its \
             digests in both lists is no accident and is not found.",
            tally.told()
        ),
    );
}

/// Structures before the files: name, first byte, bytes.
fn places(medium: &Medium) -> Vec<(&'static str, u64, u64)> {
    let catalog = medium.boot_catalog().unwrap().at;
    vec![
        ("boot code", 0, 8),
        ("primary descriptor: type and identifier", 16 * 2048, 7),
        ("primary descriptor: volume id", 16 * 2048 + 40, 8),
        ("primary descriptor: volume size", 16 * 2048 + 80, 4),
        ("primary descriptor: block size", 16 * 2048 + 128, 2),
        ("primary descriptor: path table", 16 * 2048 + 132, 12),
        ("primary descriptor: root", 16 * 2048 + 158, 12),
        ("boot record: catalog", 17 * 2048 + 71, 4),
        ("boot catalog: validation", catalog, 4),
        ("boot catalog: default entry", catalog + 32, 12),
        ("boot catalog: section", catalog + 64, 4),
        ("boot catalog: entry for UEFI", catalog + 96, 12),
    ]
}

#[test]
fn edits_that_the_manifest_follows_are_seen() {
    let Some(bench) = Bench::new() else { return };
    const ISOLINUX: &str = "isolinux/isolinux.cfg";
    const GRUB: &str = "EFI/BOOT/BOOTX64.conf";
    const KS: &str = "ks.cfg";
    let on = "chkconfig preflight-firstboot on\n";
    for (path, old, new) in [
        (ISOLINUX, "timeout 50", "timeout 0"),
        (ISOLINUX, "timeout 50\n", ""),
        (ISOLINUX, "ks=cdrom:/ks.cfg", "ks=cdrom:/kz.cfg"),
        (ISOLINUX, "ks=cdrom:/ks.cfg", "ks=floppy"),
        (ISOLINUX, "ks=cdrom:/ks.cfg", "ks=file:/ks.cfg"),
        (ISOLINUX, "ks=cdrom:/ks.cfg", "ks=bd:sda:/k"),
        (ISOLINUX, " ks=cdrom:/ks.cfg", " rescue"),
        (
            ISOLINUX,
            "kernel vmlinuz\n  append initrd=initrd.img ks",
            "kernel vmlinux\n  append initrd=initrd.img ks",
        ),
        (
            ISOLINUX,
            "kernel vmlinuz\n  append initrd=initrd.img ks",
            "kernel memtest\n  append initrd=initrd.img ks",
        ),
        (ISOLINUX, "append initrd=initrd.img ks=", "append ks="),
        (ISOLINUX, "append initrd=initrd.img ks=", "append initrd=initrd.imh ks="),
        (ISOLINUX, "  kernel vmlinuz\n", "  localboot 0\n"),
        (ISOLINUX, "default vesamenu.c32", "ui menu.c32 x.cfg"),
        (GRUB, "timeout 5\n", ""),
        (GRUB, "timeout 5\n", "timeout 0\n"),
        (GRUB, "default=0", "default=2"),
        (GRUB, "ks=cdrom:/ks.cfg", "ks=floppy"),
        (GRUB, "/images/pxeboot/vmlinuz ks", "/images/pxebooz/vmlinuz ks"),
        (KS, "file:///mnt/source/preflight/repo", "file:///mnt/sourze/preflight/repo"),
        (KS, "file:///mnt/source/preflight/repo", "file:///mnt/source/preflight/rep0"),
        (KS, "repo --name=preflight", "# repo --name=preflight"),
        (KS, on, "chkconfig preflight-firstboot off"),
        (KS, on, ""),
        (KS, "chkconfig --add preflight-selfcheck\n", "chkconfig --del preflight-firstboot\n"),
        (KS, "cp preflight-firstboot /etc/rc.d/init.d/preflight-firstboot\n", ""),
        (KS, "set -e\ncd /root/preflight\n", "exit 0\ncd /root/preflight\n"),
        (KS, "ignoredisk --only-use=sda\n", ""),
        (KS, "clearpart --all --drives=sda --initlabel", "clearpart --all --initlabel"),
    ] {
        let patches = bench.good.edited(path, old, new);
        assert!(bench.is_seen(&patches), "{path}: {old:?} -> {new:?}");
    }
    // What only takes a safeguard away is a warning.
    for (old, new) in [
        ("guard_disk 'sda'", "# guard_disk 'sda'"),
        ("refuse() {\n  say \"STOPPED. Nothing has been erased.\"\n", "refuse() {\n  return 0\n"),
        ("root=${PREFLIGHT_ROOT:-}\n", "exit 0\n"),
    ] {
        let outcomes = bench.evaluate(&bench.good.edited(KS, old, new)).unwrap();
        let outcome = &outcomes["image.target-disk-explicit"];
        assert!(!matches!(outcome, Outcome::Pass), "{new:?}: {}", outcome.as_str());
    }
}

#[test]
fn a_record_tells_where_its_file_is() {
    let Some(bench) = Bench::new() else { return };
    let medium = Medium::from_map(bench.good.image.clone()).unwrap();
    let records: Vec<Record> = records::of(&bench.good.image);
    let entry = medium.find("ks.cfg").unwrap();
    let record = records.iter().find(|record| record.path == "ks.cfg").unwrap();
    let gone = record.removal(&bench.good.image);
    let mut image = bench.good.image.clone();
    gone.iter().for_each(|(at, bytes)| image.patch(*at, bytes));
    let without = Medium::from_map(image).unwrap();
    assert!(without.find("ks.cfg").is_none());
    assert_eq!(without.entries().count() + 1, medium.entries().count());
    let content = bench.good.bytes(entry.extents[0].0, entry.len);
    assert_eq!(Sha256::hash(medium.read_file("ks.cfg", 1 << 20).unwrap()), Sha256::hash(content));
}
