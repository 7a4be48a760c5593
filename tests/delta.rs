//! Deltas: an image and the medium it was made from become a few bytes, those and the medium the
//! same image; what is damaged, hostile or held against another medium is refused, and nothing is
//! written.
//!
//! Not for what the image is: `tests/cli.rs` and the lab.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod el6_medium;
#[path = "hostile/mutation.rs"]
mod mutation;
mod program;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mutation::{Dice, Subject};
use preflight::digest::Sha256;
use preflight::image::delta::{self, Delta, DeltaError, DeltaFault};
use program::{ONE_FILE, Ran, installed, names_in, run};

fn in_memory(bytes: &[u8]) -> Arc<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::memfd_create("bytes", flags).unwrap());
    file.write_all(bytes).unwrap();
    Arc::new(file)
}

fn bytes_of(file: &Arc<File>) -> Vec<u8> {
    let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
    std::os::unix::fs::FileExt::read_exact_at(&**file, &mut bytes, 0).unwrap();
    bytes
}

/// The delta of two files, and its bytes.
fn made(image: &[u8], base: &[u8]) -> (Delta, Vec<u8>) {
    let out = in_memory(b"");
    let delta = delta::create(&in_memory(image), &in_memory(base), &out, &|_| {}).unwrap();
    (delta, bytes_of(&out))
}

fn rebuilt(delta: &Delta, base: &[u8]) -> Result<Vec<u8>, DeltaError> {
    let base = in_memory(base);
    delta.verify_base(&base)?;
    let mut bytes = Vec::new();
    delta.replay(&base, &mut |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(bytes)
}

/// Sectors of which no two are alike.
fn sectors(seed: u64, count: usize) -> Vec<u8> {
    let mut dice = Dice::of(seed, 1);
    (0..count * 2048).map(|_| dice.below(256) as u8).collect()
}

#[test]
fn what_a_delta_rebuilds_is_the_image() {
    let base = sectors(1, 400);
    let other = sectors(2, 5);
    let mut patched = base.clone();
    patched[100_000..100_007].copy_from_slice(b"patched");
    let sector = |at: usize| at * 2048;
    let cases: Vec<(&str, Vec<u8>, u64)> = vec![
        ("the base itself", base.clone(), 0),
        ("one patch", patched.clone(), 2048),
        ("appended", [&base[..], &other, b"tail"].concat(), 5 * 2048 + 4),
        ("cut short, inside a sector", base[..sector(10) + 77].to_vec(), 0),
        ("moved by three sectors", [&other[..sector(3)], &base].concat(), 3 * 2048),
        ("halves exchanged", [&base[sector(200)..], &base[..sector(200)]].concat(), 0),
        ("with a hole", [&base[..sector(9)], &vec![0; 70_001], b"x"].concat(), 1 + 369),
        ("of nothing", Vec::new(), 0),
        ("shorter than a sector", b"short".to_vec(), 5),
        ("another", sectors(3, 300), 300 * 2048),
    ];
    for (name, image, literal) in cases {
        let (delta, bytes) = made(&image, &base);
        assert_eq!(rebuilt(&delta, &base).unwrap(), image, "{name}");
        assert_eq!(
            (delta.result, delta.base),
            (Sha256::hash(&image), Sha256::hash(&base)),
            "{name}"
        );
        let most = literal + 2048;
        assert!(delta.literal <= most, "{name}: {} bytes of {}", delta.literal, image.len());
        assert!(bytes.len() as u64 <= most + 1000, "{name}: a delta of {} bytes", bytes.len());
        let again = Delta::open(in_memory(&bytes)).unwrap();
        assert_eq!(rebuilt(&again, &base).unwrap(), image, "{name}: read again");
    }
    let (delta, _) = made(&base, b"");
    assert_eq!(rebuilt(&delta, b"").unwrap(), base, "from a base of nothing");
}

#[test]
fn another_base_is_refused_by_length_or_digest() {
    let base = sectors(1, 20);
    let (delta, _) = made(&sectors(2, 3), &base);
    let mut changed = base.clone();
    changed[7] ^= 1;
    for (other, seen) in [(&base[1..], "40959 bytes"), (&changed[..], "sha256 ")] {
        let error = rebuilt(&delta, other).unwrap_err();
        assert!(
            matches!(&error, DeltaError::BaseMismatch { found, .. } if found.starts_with(seen))
        );
        assert!(error.hint().unwrap().contains("--base"), "{error}");
    }
}

/// A delta of these pieces, with a right digest at its end.
fn crafted(base_len: u64, result_len: u64, pieces: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"preflight-delta\n\x01\0\0\0".to_vec();
    for len in [base_len, result_len] {
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&[7; 32]);
    }
    bytes.extend_from_slice(&pieces.concat());
    sealed(bytes)
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = Sha256::hash(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    bytes
}

fn copy(offset: u64, len: u64) -> Vec<u8> {
    [&[1][..], &offset.to_le_bytes(), &len.to_le_bytes()].concat()
}

fn zeros(len: u64) -> Vec<u8> {
    [&[2][..], &len.to_le_bytes()].concat()
}

fn stored(len: u32, bytes: &[u8]) -> Vec<u8> {
    [&[3][..], &len.to_le_bytes(), bytes].concat()
}

fn deflated(len: u32, packed: u32, bytes: &[u8]) -> Vec<u8> {
    [&[4][..], &len.to_le_bytes(), &packed.to_le_bytes(), bytes].concat()
}

#[test]
fn a_delta_that_contradicts_itself_is_refused_with_the_byte() {
    let opened = |bytes: &[u8]| Delta::open(in_memory(bytes));
    let good = crafted(100, 14, &[&copy(90, 10), &stored(3, b"abc"), &zeros(1), &[0]]);
    opened(&good).unwrap();
    let outside = |offset, len| DeltaFault::OutsideBase { offset, len };
    let cases: Vec<(Vec<&[u8]>, DeltaFault)> = vec![
        (vec![&[9]], DeltaFault::Kind(9)),
        (vec![&[0]], DeltaFault::Sum),
        (vec![&[1, 2, 3]], DeltaFault::CutShort),
        (vec![b"\x03\x05\0\0\0abc"], DeltaFault::CutShort),
    ];
    let mut owned: Vec<(Vec<Vec<u8>>, DeltaFault)> = vec![
        (vec![copy(91, 10), vec![0]], outside(91, 10)),
        (vec![copy(u64::MAX, 10), vec![0]], outside(u64::MAX, 10)),
        (vec![copy(10, u64::MAX), vec![0]], outside(10, u64::MAX)),
        (vec![copy(0, 0), vec![0]], DeltaFault::Length(0)),
        (vec![zeros(0), vec![0]], DeltaFault::Length(0)),
        (vec![zeros(u64::MAX), vec![0]], DeltaFault::Sum),
        (vec![zeros(13), vec![0]], DeltaFault::Sum),
        (vec![zeros(14), zeros(1), vec![0]], DeltaFault::Sum),
        (vec![zeros(14), vec![0, 0]], DeltaFault::AfterTheEnd),
        (vec![zeros(14)], DeltaFault::CutShort),
        (vec![stored(0, b""), vec![0]], DeltaFault::Length(0)),
        (vec![stored(262_145, b""), vec![0]], DeltaFault::Length(262_145)),
        (vec![stored(u32::MAX, b""), vec![0]], DeltaFault::Length(u64::from(u32::MAX))),
        (vec![deflated(14, 14, b"12345678901234"), vec![0]], DeltaFault::Length(14)),
        (vec![deflated(14, 3, b"abc"), vec![0]], DeltaFault::Deflate),
        (vec![deflated(14, 0, b""), vec![0]], DeltaFault::Length(0)),
    ];
    owned.extend(cases.into_iter().map(|(p, f)| (p.into_iter().map(<[u8]>::to_vec).collect(), f)));
    for (pieces, wanted) in owned {
        let parts: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        match opened(&crafted(100, 14, &parts)).unwrap_err() {
            DeltaError::Faulty(at, fault) => {
                assert_eq!(fault, wanted, "{parts:?}");
                assert!(at >= 100, "{parts:?}: byte {at}");
            }
            other => panic!("{parts:?}: {other}"),
        }
    }
    for (base, result) in [(u64::MAX, 1), (1, u64::MAX)] {
        let error = opened(&crafted(base, result, &[&zeros(1), &[0]])).unwrap_err();
        assert!(matches!(error, DeltaError::TooLarge(u64::MAX)), "{error}");
    }
    assert!(matches!(opened(b"").unwrap_err(), DeltaError::NotADelta));
    assert!(matches!(opened(&[b'x'; 1000]).unwrap_err(), DeltaError::NotADelta));
    let mut later = good[..good.len() - 32].to_vec();
    later[16] = 2;
    assert!(matches!(opened(&sealed(later)).unwrap_err(), DeltaError::OtherVersion(2)));
    for at in [17, 30, 60, 101, good.len() - 1] {
        let mut damaged = good.clone();
        damaged[at] ^= 1;
        let error = opened(&damaged).unwrap_err();
        let refused = matches!(error, DeltaError::Damaged { .. } | DeltaError::OtherVersion(_));
        assert!(refused, "byte {at}: {error}");
    }
}

/// A few bytes that ask for hours of work.
#[test]
fn a_delta_repeats_no_more_than_its_base_justifies() {
    const MIB: u64 = 1 << 20;
    let whole = |base: u64, result: u64, pieces: &[Vec<u8>]| {
        let parts: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).chain([&[0][..]]).collect();
        let bytes = crafted(base, result, &parts);
        assert!(bytes.len() < 600, "{}", bytes.len());
        Delta::open(in_memory(&bytes))
    };
    for (base, result, pieces) in [
        (0, 64 << 30, vec![zeros(64 << 30)]),
        (1, 65 * MIB, vec![zeros(65 * MIB)]),
        (100 * MIB, 300 * MIB, vec![copy(0, 100 * MIB); 3]),
        (100 * MIB, 300 * MIB, vec![copy(0, 100 * MIB), zeros(200 * MIB)]),
        (4 << 30, 64 << 30, vec![copy(0, 4 << 30); 16]),
    ] {
        let error = whole(base, result, &pieces).unwrap_err();
        assert!(matches!(error, DeltaError::Unjustified { repeated, .. } if repeated == result));
        assert!(error.to_string().contains("does not justify"), "{error}");
    }
    for (base, result, pieces) in [
        (0, 64 * MIB, vec![zeros(64 * MIB)]),
        (100 * MIB, 264 * MIB, vec![copy(0, 100 * MIB), copy(0, 100 * MIB), zeros(64 * MIB)]),
    ] {
        assert_eq!(whole(base, result, &pieces).unwrap().result_len, result);
    }
}

/// Thousands of damaged deltas, their digests made right again, followed to their ends.
#[test]
fn mutants_are_refused_or_rebuild_no_more_than_they_say() {
    let base = sectors(1, 60);
    let text = b"lang en_US.UTF-8\n".repeat(400);
    let image = [&base[..40 * 2048], &text, &[0; 9000], &sectors(5, 2)[..], &base[2048..9000]];
    let (_, bytes) = made(&image.concat(), &base);
    let subject = Subject::new(bytes[..bytes.len() - 32].to_vec());
    let base = in_memory(&base);
    let (mut accepted, count) = (0, 4000);
    for number in 0..count {
        let Ok(delta) = Delta::open(in_memory(&sealed(subject.mutant(&mut Dice::of(1, number)))))
        else {
            continue;
        };
        accepted += 1;
        let mut len = 0;
        let followed = delta.replay(&base, &mut |piece| {
            assert!(piece.len() <= 256 * 1024);
            len += piece.len() as u64;
            // A hostile delta may say zeros for gigabytes: its reader decides how many to take.
            if len > 64 << 20 { Err(DeltaError::NotADelta) } else { Ok(()) }
        });
        assert!(followed.is_err() || len == delta.result_len, "mutant {number}");
    }
    assert!((100..count).contains(&accepted), "{accepted} of {count} accepted");
    let peak = program::resident_peak_kib(std::process::id());
    assert!(peak <= 128 * 1024, "{peak} KiB resident");
}

/// A directory with an image, and the medium it was built from.
fn workshop() -> Option<(tempfile::TempDir, PathBuf)> {
    if !installed(&["xorriso"]) {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let base = el6_medium::write(dir.path(), 3 << 20);
    let base = base.file_name().unwrap().to_str().unwrap().to_owned();
    fs::remove_dir_all(dir.path().join("tree")).unwrap();
    let args = ["build", "image", "demo", "-o", "mt.iso", "--allow-incomplete", "--base", &base];
    let ran = run(dir.path(), &ONE_FILE, args);
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.text());
    Some((dir, PathBuf::from(base)))
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn clean(ran: &Ran, codes: &[i32]) {
    assert_eq!(ran.misdeeds(), [""; 0]);
    assert!(codes.contains(&ran.code.unwrap()), "{:?}: {}", ran.code, ran.text());
}

#[test]
fn the_program_makes_a_delta_and_rebuilds_image_and_manifest() {
    let Some((dir, base)) = workshop() else { return };
    let base = base.to_str().unwrap();
    let at = |name: &str| dir.path().join(name);
    let ran = run(dir.path(), &ONE_FILE, ["build", "delta", "mt.iso", "--base", base]);
    clean(&ran, &[0]);
    let image = fs::read(at("mt.iso")).unwrap();
    let manifest = fs::read_to_string(at("mt.iso.manifest.json")).unwrap();
    assert!(ran.text().contains(&Sha256::hash(&image).to_string()), "{}", ran.text());
    assert_eq!(mode_of(&at("mt.iso.delta")), 0o600);
    let len = fs::metadata(at("mt.iso.delta")).unwrap().len();
    assert!(len < image.len() as u64 / 10, "{len} bytes of {}", image.len());
    for name in ["mt.iso", "mt.iso.cdx.json", "mt.iso.manifest.json"] {
        fs::rename(at(name), at(&format!("first-{name}"))).unwrap();
    }

    let rebuild = ["build", "image", "--from-delta", "mt.iso.delta", "--base", base];
    let dry = run(dir.path(), &ONE_FILE, rebuild.into_iter().chain(["--dry-run"]));
    clean(&dry, &[0]);
    assert!(!at("mt.iso").exists() && dry.text().contains("bytes of the base"), "{}", dry.text());
    let ran = run(dir.path(), &ONE_FILE, rebuild);
    clean(&ran, &[0, 1]);
    assert!(fs::read(at("mt.iso")).unwrap() == image, "the same bytes");
    assert_eq!(mode_of(&at("mt.iso")), 0o600);
    assert_eq!(fs::read_to_string(at("mt.iso.manifest.json")).unwrap(), manifest);
    let bill = |name: &str| fs::read_to_string(at(name)).unwrap();
    assert_eq!(bill("mt.iso.cdx.json"), bill("first-mt.iso.cdx.json"));
    let again = run(dir.path(), &ONE_FILE, rebuild);
    clean(&again, &[2]);
    assert!(again.complaint().contains("mt.iso exists"), "{}", again.complaint());
    let elsewhere = ["--overwrite", "--manifest", "m.json"];
    clean(&run(dir.path(), &ONE_FILE, rebuild.into_iter().chain(elsewhere)), &[0, 1]);
    assert_eq!(fs::read_to_string(at("m.json")).unwrap(), manifest);
}

#[test]
fn the_program_writes_nothing_from_what_is_wrong() {
    let Some((dir, base)) = workshop() else { return };
    let base = base.to_str().unwrap();
    let at = |name: &str| dir.path().join(name);
    let ran = run(dir.path(), &ONE_FILE, ["build", "delta", "mt.iso", "--base", base]);
    clean(&ran, &[0]);
    let mut other = fs::read(at(base)).unwrap();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    fs::write(at("other.iso"), &other).unwrap();
    fs::write(at("shorter.iso"), &other[..middle]).unwrap();
    let mut damaged = fs::read(at("mt.iso.delta")).unwrap();
    damaged[200] ^= 1;
    fs::write(at("damaged.delta"), damaged).unwrap();
    let before = names_in(dir.path());
    let cases = [
        ("mt.iso.delta", "other.iso", "other.iso: the base has sha256 "),
        ("mt.iso.delta", "shorter.iso", "shorter.iso: the base has "),
        ("mt.iso.delta", "missing.iso", "cannot open missing.iso"),
        ("damaged.delta", base, "damaged.delta: is damaged"),
        ("mt.iso", base, "mt.iso: is not a delta of preflight"),
    ];
    for (delta, base, complaint) in cases {
        let args = ["build", "image", "--from-delta", delta, "--base", base, "-o", "out.iso"];
        let ran = run(dir.path(), &ONE_FILE, args);
        clean(&ran, &[2]);
        assert!(ran.complaint().contains(complaint), "{}", ran.complaint());
        assert_eq!(names_in(dir.path()), before, "{delta} {base}");
    }
    let refused = [
        vec!["build", "image", "centos-6.6", "--from-delta", "mt.iso.delta", "--base", base],
        vec!["build", "image", "--from-delta", "mt.iso.delta"],
        vec!["build", "image", "--from-delta", "mt.iso.delta", "--base", base, "-o", base],
        vec!["build", "delta", "mt.iso.delta", "--base", base],
        vec!["build", "delta", "mt.iso", "--base", base],
        vec!["build", "delta", "mt.iso", "--base", base, "-o", base, "--overwrite"],
        vec!["build", "delta", "mt.iso", "--base", base, "-o", "-"],
    ];
    for args in refused {
        let ran = run(dir.path(), &ONE_FILE, args.clone());
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.text());
        assert_eq!(names_in(dir.path()), before, "{args:?}");
    }
}
