//! Images that other programs wrote, extended by us and read back by other programs: xorriso,
//! isoinfo, and this crate's own reader.
//!
//! Not for single structures, whose tests sit below the code, nor for hostile images.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use preflight::disc_path::DiscPath;
use preflight::iso::bytemap::ByteMap;
use preflight::iso::{
    BootPlatform, Edits, EntryKind, FileContent, JolietDifference, Medium, PlannedImage, Timestamp,
    create, extend,
};

/// Whether all these programs are installed; says so when not, and fails when CI must not skip.
fn installed(programs: &[&str]) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let missing: Vec<_> = programs
        .iter()
        .filter(|program| !std::env::split_paths(&paths).any(|dir| dir.join(program).is_file()))
        .collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{missing:?} must be installed when CI is set");
    println!("SKIPPED: {missing:?} not installed");
    false
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}{complaint}");
    text
}

fn open(path: &Path) -> Medium {
    Medium::open(Arc::new(File::open(path).unwrap())).unwrap()
}

fn write(map: &ByteMap, path: &Path) {
    let mut file = File::create(path).unwrap();
    let mut chunk = vec![0; 1 << 20];
    let mut at = 0;
    while at < map.len() {
        let take = chunk.len().min((map.len() - at) as usize);
        map.read_exact_at(at, &mut chunk[..take]).unwrap();
        file.write_all(&chunk[..take]).unwrap();
        at += take as u64;
    }
}

fn at() -> Timestamp {
    Timestamp::new(1_413_745_200).unwrap()
}

fn bytes(path: &str, bytes: &[u8]) -> (DiscPath, FileContent) {
    (DiscPath::new(path).unwrap(), FileContent::Bytes(bytes.into()))
}

/// Every path below a directory, with content or link target; directories have neither.
fn tree_of(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut tree = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let content = if entry.path_is_symlink() {
            fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes()
        } else if entry.file_type().is_file() {
            fs::read(entry.path()).unwrap()
        } else {
            Vec::new()
        };
        tree.insert(path, content);
    }
    tree
}

/// What our reader sees, in the same form; without the directory that holds relocated ones.
fn tree_in(medium: &Medium) -> BTreeMap<String, Vec<u8>> {
    medium
        .entries()
        .filter(|entry| !is_rr_moved(&entry.path))
        .map(|entry| {
            let content = match entry.kind {
                EntryKind::File => medium.read_file(&entry.path, 64 << 20).unwrap(),
                _ => entry.target.unwrap_or_default().into_bytes(),
            };
            (entry.path, content)
        })
        .collect()
}

/// What xorriso extracts.
fn tree_by_xorriso(iso: &Path) -> BTreeMap<String, Vec<u8>> {
    let out = tempfile::tempdir().unwrap();
    run(Command::new("xorriso")
        .args(["-abort_on", "WARNING", "-osirrox", "on", "-indev"])
        .arg(iso)
        .args(["-extract", "/"])
        .arg(out.path()));
    run(Command::new("chmod").args(["-R", "u+rwX"]).arg(out.path()));
    let mut tree = tree_of(out.path());
    tree.retain(|path, _| !is_rr_moved(path));
    tree
}

/// A tree in the shape of an installation medium, with everything that is awkward.
fn staged() -> tempfile::TempDir {
    let stage = tempfile::tempdir().unwrap();
    let put = |path: &str, content: &[u8]| {
        let path = stage.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    put("isolinux/isolinux.bin", &[0xfa; 24_000]);
    put("isolinux/isolinux.cfg", b"default linux\nlabel linux\n  append initrd=initrd.img\n");
    put("isolinux/vmlinuz", &[1; 70_000]);
    put("images/efiboot.img", &[2; 65_536]);
    put("EFI/BOOT/BOOTX64.conf", b"default=0\n");
    put(".discinfo", b"1413745200.0\nFinal\nx86_64\n");
    put("empty", b"");
    put("one/two/three/four/five/six/seven/eight/nine/ten/deep.txt", b"deep\n");
    put("one/two/three/four/five/six/seven/eight/nine/sibling.txt", b"sibling\n");
    put(&format!("long/{}.txt", "long-name-".repeat(20)), b"long\n");
    for number in 0..200 {
        let name = format!("Packages/package-{number}-1.0-{number}.el6.x86_64.rpm");
        put(&name, format!("rpm {number}").repeat(number).as_bytes());
    }
    fs::hard_link(stage.path().join("isolinux/vmlinuz"), stage.path().join("images/vmlinuz"))
        .unwrap();
    symlink("../isolinux/vmlinuz", stage.path().join("images/link")).unwrap();
    stage
}

/// A link whose target needs a continuation area; genisoimage 1.1.11 never ends on one.
fn add_far_link(stage: &Path) {
    symlink(format!("{}end", "far/".repeat(80)), stage.join("images/far")).unwrap();
}

/// How each program writes an installation medium; `-joliet-long` names have up to 103 units.
const WRITERS: [(&str, &[&str], &[&str]); 5] = [
    ("xorriso", &["-as", "mkisofs", "-R", "-J", "-joliet-long"], &[]),
    ("xorriso", &["-as", "mkisofs", "-R", "-J", "-D", "-iso-level", "3"], &["relaxed"]),
    ("xorriso", &["-as", "mkisofs", "-R"], &[]),
    ("genisoimage", &["-quiet", "-U", "-R", "-J", "-joliet-long", "-T"], &["TRANS.TBL"]),
    ("genisoimage", &["-quiet", "-R", "-hide-rr-moved"], &[]),
];

fn write_base(program: &str, options: &[&str], stage: &Path, iso: &Path) {
    let boot = "-V BASE_6 -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot \
         -boot-load-size 4 -boot-info-table -eltorito-alt-boot -e images/efiboot.img -no-emul-boot";
    run(Command::new(program)
        .args(options)
        .args(boot.split_whitespace())
        .arg("-o")
        .arg(iso)
        .arg(stage));
}

/// The edits of the tests: a new tree, files beside old ones, in relocated directories, replaced.
fn edits(source: &Path) -> Edits {
    let file = Arc::new(File::open(source).unwrap());
    let len = file.metadata().unwrap().len();
    let agent = (DiscPath::new("preflight/agent.tar.gz").unwrap(), FileContent::File { file, len });
    Edits {
        add: vec![
            agent,
            bytes("ks.cfg", b"install\n"),
            bytes("preflight/repo/repodata/repomd.xml", b"<repomd/>\n"),
            bytes("preflight/repo/Packages/Lower-and-UPPER-1.0-1.el6.noarch.rpm", &[5; 4096]),
            bytes("preflight/empty", b""),
            bytes("Packages/package-1000-1.0-1.el6.x86_64.rpm", &[6; 2049]),
            bytes("one/two/three/four/five/six/seven/eight/nine/ten/new.txt", b"new\n"),
            bytes("one/two/three/new/file.txt", b"shallow\n"),
            bytes("one/two/three/four/five/six/seven/beside.txt", b"its parent moves\n"),
            bytes("one/two/three/four/five/six/seven/eight/inside.txt", b"it moves\n"),
        ],
        replace: vec![
            bytes("isolinux/isolinux.cfg", b"default preflight\n"),
            bytes("EFI/BOOT/BOOTX64.conf", &[b'#'; 5000]),
            bytes("images/vmlinuz", b"other kernel"),
            bytes("empty", b"full"),
            bytes("one/two/three/four/five/six/seven/eight/nine/sibling.txt", b""),
        ],
        patch: vec![],
        ..Edits::default()
    }
}

/// The tree that the edits must lead to.
fn expected(mut tree: BTreeMap<String, Vec<u8>>, edits: &Edits) -> BTreeMap<String, Vec<u8>> {
    for (path, source) in edits.add.iter().chain(&edits.replace) {
        let content = match source {
            FileContent::Bytes(bytes) => bytes.to_vec(),
            FileContent::File { file, len } => {
                let mut map = ByteMap::new();
                map.push(*len, preflight::iso::bytemap::ByteOrigin::File(Arc::clone(file), 0));
                let mut content = vec![0; *len as usize];
                map.read_exact_at(0, &mut content).unwrap();
                content
            }
        };
        let mut parent = path.as_str();
        while let Some((above, _)) = parent.rsplit_once('/') {
            tree.entry(above.to_owned()).or_default();
            parent = above;
        }
        tree.insert(path.as_str().to_owned(), content);
    }
    tree
}

/// The directory whose sub-directories a writer relocates that does so from level eight on.
const RELOCATED: &str = "one/two/three/four/five/six/seven";

/// Whether this is the directory that holds relocated ones.
fn is_rr_moved(path: &str) -> bool {
    path == "rr_moved" || path == ".rr_moved"
}

/// The files that isoinfo finds, by its own reading of one of the trees.
fn isoinfo_paths(iso: &Path, tree: &str) -> Vec<String> {
    let listed = run(Command::new("isoinfo").args([tree, "-f", "-i"]).arg(iso));
    let mut paths: Vec<_> = listed
        .lines()
        .map(|line| line.trim_start_matches('/').trim_end_matches(";1"))
        .filter(|path| !is_rr_moved(path) && !path.is_empty())
        // isoinfo shows relocated directories where they are stored.
        .map(|path| match path.split_once('/') {
            Some((top, rest)) if is_rr_moved(top) => format!("{RELOCATED}/{rest}"),
            _ => path.to_owned(),
        })
        .collect();
    paths.sort();
    paths
}

fn grow(base: &Medium, edits: &Edits) -> PlannedImage {
    let append_at = base.content_end().max(base.file_len()).next_multiple_of(2048);
    extend(base, edits, append_at, at()).unwrap()
}

#[test]
fn bases_of_every_writer_are_extended_twice() {
    if !installed(&["xorriso", "genisoimage", "isoinfo"]) {
        return;
    }
    let stage = staged();
    let work = tempfile::tempdir().unwrap();
    let agent = work.path().join("agent");
    fs::write(&agent, vec![9; 100_001]).unwrap();
    add_far_link(stage.path());
    for (program, options, notes) in WRITERS {
        println!("{program} {options:?}");
        if program == "genisoimage" {
            fs::remove_file(stage.path().join("images/far")).ok();
        }
        let path = |name: &str| -> PathBuf { work.path().join(name) };
        let (iso, once, twice) = (path("base.iso"), path("once.iso"), path("twice.iso"));
        write_base(program, options, stage.path(), &iso);
        let base = open(&iso);
        assert!(base.has_rock_ridge() && base.volume_id() == "BASE_6");
        assert_eq!(base.has_joliet(), options.contains(&"-J"));
        let platforms: Vec<_> = base.boot_entries().iter().map(|entry| entry.platform).collect();
        assert_eq!(platforms[0], BootPlatform::Bios);
        assert_eq!(platforms.len(), 2);
        let mut before = tree_in(&base);
        if !notes.contains(&"TRANS.TBL") {
            // boot-info-table changes isolinux.bin, and boot.cat is new.
            let mut staged = tree_of(stage.path());
            for made in ["isolinux/isolinux.bin", "isolinux/boot.cat"] {
                staged.insert(made.to_owned(), before[made].clone());
            }
            same("our reader of the base", &before, &staged);
        }

        let edits = edits(&agent);
        write(&grow(&base, &edits).map, &once);
        let grown = open(&once);
        before = expected(before, &edits);
        check(&grown, &once, &before);
        assert_eq!(grown.boot_catalog(), base.boot_catalog());
        for entry in base.entries().filter(|entry| entry.kind == EntryKind::File) {
            let replaced = edits.replace.iter().any(|(path, _)| path.as_str() == entry.path);
            assert_eq!(grown.find(&entry.path) == Some(entry.clone()), !replaced, "{}", entry.path);
        }

        let more = Edits {
            add: vec![bytes("preflight/second", b"2"), bytes("again/x", b"x")],
            replace: vec![bytes("ks.cfg", b"upgrade\n")],
            ..Edits::default()
        };
        write(&grow(&grown, &more).map, &twice);
        check(&open(&twice), &twice, &expected(before, &more));
    }
}

/// Fails with the paths that only one side has, or that have other content.
fn same(who: &str, theirs: &BTreeMap<String, Vec<u8>>, expected: &BTreeMap<String, Vec<u8>>) {
    let differs = |path: &&String| theirs.get(*path) != expected.get(*path);
    let paths: Vec<_> = theirs.keys().chain(expected.keys()).filter(differs).collect();
    assert!(paths.is_empty(), "{who} sees otherwise: {paths:?}");
}

/// The same for paths alone.
fn same_paths(who: &str, theirs: Vec<String>, expected: impl IntoIterator<Item = String>) {
    let alone = |paths: Vec<String>| paths.into_iter().map(|path| (path, Vec::new())).collect();
    same(who, &alone(theirs), &alone(expected.into_iter().collect()));
}

/// Our reader, xorriso and both of isoinfo's see exactly this tree.
fn check(medium: &Medium, iso: &Path, expected: &BTreeMap<String, Vec<u8>>) {
    same("our reader", &tree_in(medium), expected);
    same("xorriso", &tree_by_xorriso(iso), expected);
    same_paths("isoinfo -R", isoinfo_paths(iso, "-R"), expected.keys().cloned());
    if medium.has_joliet() {
        let ours = medium.joliet_entries().map(|entry| entry.path);
        same_paths("isoinfo -J", isoinfo_paths(iso, "-J"), ours.filter(|path| !is_rr_moved(path)));
        for difference in medium.joliet_differences(100) {
            let (JolietDifference::OnlyMain(path)
            | JolietDifference::OnlyJoliet(path)
            | JolietDifference::OtherContent(path)) = &difference;
            assert!(path.starts_with("long/"), "{difference:?}");
        }
    }
}

#[test]
fn media_without_rock_ridge_are_extended() {
    if !installed(&["genisoimage", "isoinfo"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let stage = work.path().join("stage");
    fs::create_dir_all(stage.join("ISOLINUX")).unwrap();
    fs::write(stage.join("ISOLINUX/ISOLINUX.CFG"), b"default linux\n").unwrap();
    fs::write(stage.join("README"), b"read me\n").unwrap();
    let (iso, grown) = (work.path().join("base.iso"), work.path().join("grown.iso"));
    for (options, seen_by, add, unkept) in [
        (&["-quiet"][..], "-l", "ks.cfg", Some("Long name.rpm")),
        (&["-quiet", "-J"], "-J", "Long name.rpm", None),
    ] {
        run(Command::new("genisoimage").args(options).arg("-o").arg(&iso).arg(&stage));
        let base = open(&iso);
        assert!(!base.has_rock_ridge() && base.has_joliet() == options.contains(&"-J"));
        assert_eq!(base.read_file("readme", 99).unwrap(), b"read me\n");
        let edits = Edits {
            add: vec![bytes(add, b"new\n"), bytes("preflite/x", b"x")],
            replace: vec![bytes("isolinux/isolinux.cfg", b"default preflight\n")],
            ..Edits::default()
        };
        write(&grow(&base, &edits).map, &grown);
        let medium = open(&grown);
        assert_eq!(medium.read_file("isolinux/isolinux.cfg", 99).unwrap(), b"default preflight\n");
        assert_eq!(medium.read_file("preflite/x", 99).unwrap(), b"x");
        let listed = run(Command::new("isoinfo").args([seen_by, "-l", "-i"]).arg(&grown));
        let name = if seen_by == "-J" { add.to_owned() } else { add.to_uppercase() };
        assert!(listed.contains(&name), "{name:?} in {listed}");
        if let Some(name) = unkept {
            let edits = Edits { add: vec![bytes(name, b"")], ..Edits::default() };
            let error = extend(&base, &edits, base.content_end(), at()).unwrap_err();
            assert!(error.to_string().contains("neither Rock Ridge nor Joliet"), "{error}");
        }
    }
}

#[test]
fn path_tables_name_every_directory() {
    if !installed(&["xorriso", "isoinfo"]) {
        return;
    }
    let stage = staged();
    let work = tempfile::tempdir().unwrap();
    let (iso, grown) = (work.path().join("base.iso"), work.path().join("grown.iso"));
    write_base("xorriso", WRITERS[0].1, stage.path(), &iso);
    write(&grow(&open(&iso), &edits(&iso)).map, &grown);
    let rows =
        |iso: &Path| run(Command::new("isoinfo").args(["-p", "-i"]).arg(iso)).lines().count();
    // preflight, its repo with two directories, and one/two/three/new.
    assert_eq!(rows(&grown), rows(&iso) + 5);
}

#[test]
fn a_file_of_more_than_4_gib_is_read_by_others() {
    if !installed(&["xorriso", "isoinfo"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let sparse = tempfile::tempfile().unwrap();
    let len = (4 << 30) + 4097;
    sparse.set_len(len).unwrap();
    let big = (
        DiscPath::new("images/big.img").unwrap(),
        FileContent::File { file: Arc::new(sparse), len },
    );
    let disc = create(&[big, bytes("z", b"after")], "BIG", at()).unwrap();
    // Only the structures are written; what is sparse stays a hole.
    let iso = work.path().join("big.iso");
    let file = File::create(&iso).unwrap();
    file.set_len(disc.map.len()).unwrap();
    for run in disc.map.runs().iter().filter(|run| run.len < 1 << 20) {
        let mut bytes = vec![0; run.len as usize];
        disc.map.read_exact_at(run.at, &mut bytes).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &bytes, run.at).unwrap();
    }
    let listed = run(Command::new("xorriso")
        .args(["-abort_on", "WARNING", "-indev"])
        .arg(&iso)
        .args(["-find", "/", "-type", "f", "-exec", "lsdl"]));
    let size = |name: &str| -> u64 {
        let line = listed.lines().find(|line| line.contains(name)).expect(name);
        line.split_whitespace().nth(4).unwrap().parse().unwrap()
    };
    assert_eq!((size("/images/big.img"), size("/z")), (len, 5));
    assert_eq!(open(&iso).find("images/big.img").unwrap().len, len);
}

#[test]
fn a_new_disc_is_read_by_others() {
    if !installed(&["xorriso", "isoinfo"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let iso = work.path().join("new.iso");
    let many = (0..150).map(|n| bytes(&format!("repo/some-package-{n}.rpm"), &[n; 3000]));
    let files: Vec<_> =
        many.chain([bytes("ks.cfg", b"install\n"), bytes("a/b/c/d", b"")]).collect();
    write(&create(&files, "PREFLIGHT_KS", at()).unwrap().map, &iso);
    let edits = Edits { add: files, ..Edits::default() };
    check(&open(&iso), &iso, &expected(BTreeMap::new(), &edits));
}

/// Media that nobody here wrote: Debian's packages ipxe, memtest86+ and grub-rescue-pc.
const FOREIGN: [&str; 4] = [
    "/usr/lib/ipxe/ipxe.iso",
    "/usr/lib/memtest86+/memtest86+x64.iso",
    "/usr/lib/memtest86+/memtest86+ia32.iso",
    "/usr/lib/grub-rescue/grub-rescue-cdrom.iso",
];

#[test]
fn foreign_media_are_extended() {
    if !installed(&["xorriso", "isoinfo"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    for foreign in FOREIGN.map(Path::new) {
        if !foreign.is_file() {
            assert!(std::env::var_os("CI").is_none(), "{foreign:?} must be there when CI is set");
            println!("SKIPPED: no {foreign:?}");
            continue;
        }
        println!("{foreign:?}");
        let base = open(foreign);
        assert!(!base.boot_entries().is_empty());
        let before = tree_in(&base);
        same("xorriso", &tree_by_xorriso(foreign), &before);
        let edits = Edits {
            add: vec![bytes("ks.cfg", b"install\n"), bytes("preflight/repo/a.rpm", &[1; 5000])],
            ..Edits::default()
        };
        let iso = work.path().join("grown.iso");
        write(&grow(&base, &edits).map, &iso);
        let grown = open(&iso);
        assert_eq!(grown.boot_catalog(), base.boot_catalog());
        check(&grown, &iso, &expected(before, &edits));
        for entry in base.boot_entries() {
            let (mut old, mut new) = (vec![0; entry.len() as usize], vec![0; entry.len() as usize]);
            base.source().read_exact_at(entry.at(), &mut old).unwrap();
            grown.source().read_exact_at(entry.at(), &mut new).unwrap();
            assert!(old == new, "a boot image changed");
        }
    }
}

#[test]
fn boot_files_are_not_moved() {
    if !installed(&["xorriso"]) {
        return;
    }
    let stage = staged();
    let work = tempfile::tempdir().unwrap();
    let iso = work.path().join("base.iso");
    write_base("xorriso", WRITERS[0].1, stage.path(), &iso);
    let base = open(&iso);
    for path in ["isolinux/isolinux.bin", "isolinux/boot.cat", "images/efiboot.img"] {
        let edits = Edits { replace: vec![bytes(path, b"x")], ..Edits::default() };
        let error = extend(&base, &edits, base.content_end(), at()).unwrap_err();
        assert!(error.to_string().contains("boot catalog points"), "{path}: {error}");
        assert!(error.hint().is_some());
    }
    let image = base.find("images/efiboot.img").unwrap().extents[0];
    let edits = Edits { patch: vec![(image.0 + 100, b"edited".to_vec())], ..Edits::default() };
    let grown = grow(&base, &edits);
    let medium = Medium::from_map(grown.map).unwrap();
    assert_eq!(&medium.read_file("images/efiboot.img", 1 << 20).unwrap()[100..106], b"edited");
}
