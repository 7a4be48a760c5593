//! Grown partition tables and implanted sums against the tools that make and check them: isohybrid,
//! xorriso, sgdisk, implantisomd5 and checkisomd5, and on ISO images that Debian ships.
//!
//! Not for what is inside of the volume: the data appended here is noise.

// Helpers of tests are tests, too, but clippy.toml only knows the functions themselves.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use preflight::iso::media_md5::{FIELD_LEN, FIELD_OFFSET, Implant, MediaMd5};
use preflight::iso::partition_report::{self, PartitionReport};
use preflight::iso::system_area::{Growth, GrowthNote, PartitionTable, SystemArea};

const PVD: usize = 32768;

/// Whether all of `tools` can be found. Says so when not; in CI that is a failure.
fn have(tools: &[&str]) -> bool {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let missing: Vec<_> = tools
        .iter()
        .filter(|tool| !path.split(':').any(|dir| Path::new(dir).join(tool).exists()))
        .collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI lacks {missing:?}");
    eprintln!("SKIPPED: {missing:?} not found");
    false
}

fn run(tool: &str, args: &[&str]) -> String {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(tool).args(args).env("PATH", path).output().expect("the tool starts");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || tool == "sgdisk", "{tool} {args:?}: {text}");
    text.into_owned()
}

/// A directory with what the images are made of, and the command lines that make them.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        let tree = bench.path("tree");
        fs::create_dir_all(tree.join("isolinux")).unwrap();
        fs::create_dir_all(tree.join("images")).unwrap();
        fs::copy("/usr/lib/ISOLINUX/isolinux.bin", tree.join("isolinux/isolinux.bin")).unwrap();
        fs::write(tree.join("images/efiboot.img"), noise(1440 * 1024)).unwrap();
        fs::write(tree.join("images/macboot.img"), noise(720 * 1024)).unwrap();
        fs::write(tree.join("data.bin"), noise(2_000_000)).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// An image in the manner of the vendor's build scripts, then `isohybrid` with `options`.
    fn isohybrid(&self, options: &[&str]) -> PathBuf {
        let iso = self.path("isohybrid.iso");
        let tree = self.path("tree");
        let mac = ["-eltorito-alt-boot", "-e", "images/macboot.img", "-no-emul-boot"];
        let mut args = "-quiet -R -J -T -V T -b isolinux/isolinux.bin -c isolinux/boot.cat \
            -no-emul-boot -boot-load-size 4 -boot-info-table -eltorito-alt-boot \
            -e images/efiboot.img -no-emul-boot"
            .split_whitespace()
            .collect::<Vec<_>>();
        if options.contains(&"--mac") {
            args.extend(mac);
        }
        args.extend(["-o", iso.to_str().unwrap(), tree.to_str().unwrap()]);
        run("genisoimage", &args);
        self.hybridise(&iso, options);
        iso
    }

    fn hybridise(&self, iso: &Path, options: &[&str]) {
        let mut args = options.to_vec();
        args.extend(["-i", "12345", iso.to_str().unwrap()]);
        run("isohybrid", &args);
    }

    fn xorriso(&self, options: &[&str]) -> PathBuf {
        let iso = self.path("xorriso.iso");
        let (tree, efi) = (self.path("tree"), self.path("tree/images/efiboot.img"));
        let mut args = "-as mkisofs -quiet -V T -R -J -isohybrid-mbr \
            /usr/lib/ISOLINUX/isohdpfx.bin -b isolinux/isolinux.bin -c isolinux/boot.cat \
            -no-emul-boot -boot-load-size 4 -boot-info-table"
            .split_whitespace()
            .collect::<Vec<_>>();
        args.extend(options.iter().map(|o| if *o == "EFI" { efi.to_str().unwrap() } else { o }));
        args.extend(["-o", iso.to_str().unwrap(), tree.to_str().unwrap()]);
        run("xorriso", &args);
        iso
    }
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    };
    (0..len).map(next).collect()
}

/// `base` with `added` bytes of noise appended in the way a writer does it.
fn grow(base: &[u8], added: usize) -> (Vec<u8>, Growth, SystemArea) {
    let area = SystemArea::read(&base.to_vec(), base.len() as u64).unwrap();
    let at = area.append_at() as usize;
    let mut image = base[..at.min(base.len())].to_vec();
    image.resize(at, 0);
    image.extend(noise(added));
    let data_end = image.len().next_multiple_of(2048);
    let growth = area.grow(image.len() as u64);
    image.resize(growth.len as usize, 0);
    let blocks = u32::try_from(data_end / 2048).unwrap();
    image[PVD + 80..PVD + 84].copy_from_slice(&blocks.to_le_bytes());
    image[PVD + 84..PVD + 88].copy_from_slice(&blocks.to_be_bytes());
    for (at, bytes) in &growth.patches {
        image[*at as usize..*at as usize + bytes.len()].copy_from_slice(bytes);
    }
    (image, growth, area)
}

fn check(image: &[u8]) -> PartitionReport {
    partition_report::check_partition_tables(&image.to_vec(), image.len() as u64).unwrap()
}

fn debian_isos() -> Vec<PathBuf> {
    [
        "/usr/lib/ipxe/ipxe.iso",
        "/usr/lib/memtest86+/memtest86+x64.iso",
        "/usr/lib/memtest86+/memtest86+ia32.iso",
        "/usr/lib/grub-rescue/grub-rescue-cdrom.iso",
    ]
    .into_iter()
    .map(PathBuf::from)
    .filter(|iso| have(&[iso.to_str().unwrap()]))
    .collect()
}

/// The most telling oracle: an image that grew has the tables that isohybrid makes for an image
/// of that length.
#[test]
fn a_grown_image_has_the_tables_isohybrid_would_make() {
    if !have(&["genisoimage", "isohybrid", "/usr/lib/ISOLINUX/isolinux.bin"]) {
        return;
    }
    let bench = Bench::new();
    for options in [&[][..], &["--uefi"], &["--uefi", "--mac"]] {
        for added in [0, 1, 700_001, 5 << 20] {
            let base = fs::read(bench.isohybrid(options)).unwrap();
            let (image, growth, area) = grow(&base, added);
            assert_eq!(growth.notes, [], "{options:?}");
            assert_eq!(growth.len % (1 << 20), 0);

            // The same data, hybridised afterwards.
            let data_end = (area.append_at() as usize + added).next_multiple_of(2048);
            let other = bench.path("other.iso");
            fs::write(&other, [&[0; 512], &image[512..data_end]].concat()).unwrap();
            bench.hybridise(&other, options);
            let expected = fs::read(&other).unwrap();
            assert_eq!(image[432..512], expected[432..512], "MBR, {options:?} + {added}");
            // isohybrid leaves room for the backup only by luck of the padding.
            if image.len() == expected.len() {
                let (ours, theirs) = (check(&image), check(&expected));
                assert_eq!(ours.tables, theirs.tables, "{options:?} + {added}");
                assert_eq!(image[2048..PVD].len(), expected[2048..PVD].len());
            }
            assert_eq!(check(&image).problems, [], "{options:?} + {added}");
        }
    }
}

#[test]
fn xorriso_images_grow_and_the_tools_agree() {
    if !have(&["xorriso", "sgdisk", "/usr/lib/ISOLINUX/isohdpfx.bin"]) {
        return;
    }
    let bench = Bench::new();
    let efi = ["-eltorito-alt-boot", "-e", "images/efiboot.img", "-no-emul-boot"];
    let cases: [(&[&str], bool); 5] = [
        (&[], true),
        (&["-partition_offset", "16"], true),
        (&[&efi[..], &["-isohybrid-gpt-basdat"]].concat(), true),
        (&[&efi[..], &["-isohybrid-gpt-basdat", "-isohybrid-apm-hfsplus"]].concat(), true),
        (
            &[
                "-append_partition",
                "2",
                "0xef",
                "EFI",
                "-appended_part_as_gpt",
                "-eltorito-alt-boot",
                "-e",
                "--interval:appended_partition_2:all::",
                "-no-emul-boot",
            ],
            false,
        ),
    ];
    for (options, grows) in cases {
        let base = fs::read(bench.xorriso(options)).unwrap();
        let before = check(&base);
        assert_eq!(before.problems, [], "{options:?}");
        let (image, growth, _) = grow(&base, 3_333_333);
        assert_eq!(growth.notes.is_empty(), grows, "{options:?}: {:?}", growth.notes);
        let after = check(&image);
        assert_eq!(after.problems, [], "{options:?}");
        assert_eq!(after.has_backup, before.has_backup);
        agree(&bench, &base, &image, &format!("{options:?}"));
    }
}

#[test]
fn debian_images_grow_and_the_tools_agree() {
    if !have(&["xorriso", "sgdisk"]) {
        return;
    }
    let bench = Bench(tempfile::tempdir().unwrap());
    for iso in debian_isos() {
        let base = fs::read(&iso).unwrap();
        assert_eq!(check(&base).problems, [], "{}", iso.display());
        let (image, growth, _) = grow(&base, 3_333_333);
        let left_alone = GrowthNote::LeftAlone { table: PartitionTable::Mbr, number: 1, behind: 2 };
        let is_memtest = iso.to_str().unwrap().contains("memtest");
        let expected = if is_memtest { vec![left_alone] } else { vec![] };
        assert_eq!(growth.notes, expected, "{}", iso.display());
        assert_eq!(check(&image).problems, [], "{}", iso.display());
        agree(&bench, &base, &image, &iso.display().to_string());
    }
}

/// sgdisk finds nothing in `image` that it does not find in `base`, and xorriso still calls the
/// system area what it called it before.
fn agree(bench: &Bench, base: &[u8], image: &[u8], what: &str) {
    let facts = |bytes: &[u8]| {
        let iso = bench.path("agree.iso");
        fs::write(&iso, bytes).unwrap();
        let iso = iso.to_str().unwrap();
        let complaints = run("sgdisk", &["-v", iso])
            .lines()
            .filter(|l| l.contains("Problem") || l.contains("Invalid") || l.contains("Caution"))
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let report = run("xorriso", &["-indev", iso, "-report_system_area", "plain"]);
        let summary = report.lines().find(|l| l.starts_with("System area summary"));
        (complaints, summary.map(str::to_owned), report.contains("GPT backup problems"))
    };
    assert_eq!(facts(image), facts(base), "{what}");
}

#[test]
fn a_grown_image_grows_again() {
    if !have(&["genisoimage", "isohybrid", "/usr/lib/ISOLINUX/isolinux.bin"]) {
        return;
    }
    let base = fs::read(Bench::new().isohybrid(&["--uefi"])).unwrap();
    let (once, ..) = grow(&base, 1_000_000);
    let (twice, growth, area) = grow(&once, 9_000_000);
    assert_eq!(growth.notes, []);
    assert_eq!(check(&twice).problems, []);
    // The backup of the first growth is gone: written over, or zeroed.
    let old = &twice[once.len() - 512..once.len()];
    assert!(!old.starts_with(b"EFI PART"), "append at {}", area.append_at());
}

#[test]
fn implanted_sums_are_those_of_implantisomd5() {
    if !have(&["genisoimage", "implantisomd5", "checkisomd5", "/usr/lib/ISOLINUX/isolinux.bin"]) {
        return;
    }
    let bench = Bench::new();
    // From media so small that fragments share a read, to one where they do not.
    for size in [1, 300_000, 4_000_000, 40_000_000] {
        fs::write(bench.path("tree/data.bin"), noise(size)).unwrap();
        for supported in [false, true] {
            let iso = bench.isohybrid(&[]);
            let mut image = fs::read(&iso).unwrap();
            let blocks = u32::from_le_bytes(image[PVD + 80..PVD + 84].try_into().unwrap());
            let mut sum = MediaMd5::new(u64::from(blocks) * 2048);
            image.chunks(1_000_003).for_each(|piece| sum.update(piece));
            let implant = sum.finish(supported).unwrap();
            let field = PVD + FIELD_OFFSET..PVD + FIELD_OFFSET + FIELD_LEN;
            image[field.clone()].copy_from_slice(&implant.to_field());

            let mut args = vec!["--force", iso.to_str().unwrap()];
            if supported {
                args.insert(0, "--supported-iso");
            }
            run("implantisomd5", &args);
            let theirs = fs::read(&iso).unwrap();
            assert_eq!(
                image[field.clone()].escape_ascii().to_string(),
                theirs[field].escape_ascii().to_string(),
                "{size} bytes"
            );
            assert_eq!(Implant::parse(&theirs[PVD..PVD + 2048]), Some(implant));
            fs::write(&iso, &image).unwrap();
            run("checkisomd5", &[iso.to_str().unwrap()]);
        }
    }
}

/// Lies in every field of the tables, checksums made right again where that is needed to be read.
#[test]
fn hostile_tables_neither_panic_nor_patch_outside_of_the_image() {
    if !have(&["genisoimage", "isohybrid", "/usr/lib/ISOLINUX/isolinux.bin"]) {
        return;
    }
    let base = fs::read(Bench::new().isohybrid(&["--uefi", "--mac"])).unwrap();
    let crc = |bytes: &[&[u8]]| {
        let mut crc = flate2::Crc::new();
        bytes.iter().for_each(|bytes| crc.update(bytes));
        crc.sum().to_le_bytes()
    };
    let mut state = 7_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    let mut bad = base.clone();
    for round in 0..2000 {
        bad[..PVD].copy_from_slice(&base[..PVD]);
        for _ in 0..=random(6) {
            let at = match random(5) {
                0 => 446 + random(64),
                1 => 512 + 24 + random(68),
                2 => 8192 + random(512),
                3 => 2048 + random(8192),
                _ => random(32768),
            };
            bad[at as usize] = [0, 1, 0x7F, 0x80, 0xFF, random(256) as u8][random(6) as usize];
        }
        if round % 2 == 0 {
            let array = crc(&[&bad[8192..8192 + 128 * 128]]);
            bad[512 + 88..512 + 92].copy_from_slice(&array);
            let header = crc(&[&bad[512..528], &[0; 4], &bad[532..512 + 92]]);
            bad[528..532].copy_from_slice(&header);
        }
        let report = partition_report::check_partition_tables(&bad, bad.len() as u64).unwrap();
        assert!(report.problems.iter().all(|problem| !problem.to_string().is_empty()));
        if let Ok(area) = SystemArea::read(&bad, bad.len() as u64) {
            let growth = area.grow(area.append_at() + 5000);
            let end = |(at, bytes): &(u64, Vec<u8>)| at + bytes.len() as u64;
            assert!(growth.patches.iter().all(|patch| end(patch) <= growth.len), "round {round}");
            assert!(growth.len <= base.len() as u64 + (32 << 20), "round {round}");
        }
    }
}
