//! A root password that is a canary: wherever it comes from, it is in no output, no log and no
//! file; its hash is in the kickstart on the disc and nowhere else.
//!
//! Not for how it is hashed, whose tests sit below the code.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "all of this file is a test")]

mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use program::names_in;

const CANARY: &str = "Canary-7f3a-tr0ub4dor";

/// Of the password "canary", by `openssl passwd -6 -salt preflight.canary`.
const HASH: &str = "$6$preflight.canary$lmr6X1IKsBISxWpORgJpJymDSNKwn4r721IGxruxcS76J9.Hjt6MJjKBZC9INaydZ/3Q9XiZnNNrZgFxmbEVo/";

/// Where the password may come from.
fn sources(dir: &Path) -> Vec<(&'static str, String)> {
    let file = dir.join("password");
    fs::write(&file, format!("{CANARY}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    vec![
        ("environment", "{env: PREFLIGHT_CANARY}".to_owned()),
        ("file", format!("{{file: {}}}", file.display())),
    ]
}

fn recipe(dir: &Path, root_password: &str) {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/images/demo.yaml");
    let text = fs::read_to_string(demo).unwrap();
    let text = text.replace("root_password: locked", &format!("root_password: {root_password}"));
    assert!(text.contains(root_password));
    fs::write(dir.join("mt.yaml"), text).unwrap();
}

/// Runs the program and gives all it said.
fn said(dir: &Path, args: &[&str]) -> (i32, Vec<u8>) {
    let output = Command::new(program::binary())
        .args(args)
        .current_dir(dir)
        .env("PREFLIGHT_CANARY", CANARY)
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "1")
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap();
    (output.status.code().unwrap(), [output.stdout, output.stderr].concat())
}

fn has(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn a_password_is_nowhere_but_where_it_came_from() {
    let dir = tempfile::tempdir().unwrap();
    for (source, value) in sources(dir.path()) {
        recipe(dir.path(), &value);
        let runs: &[&[&str]] = &[
            &["-vv", "build", "image", "./mt.yaml", "--overwrite"],
            &["-vv", "build", "image", "./mt.yaml", "--overwrite", "--format", "json"],
            &["-vv", "build", "image", "./mt.yaml", "--dry-run"],
            &["-vv", "render", "kickstart", "./mt.yaml"],
            &["-vv", "inspect", "image", "mt.iso", "--format", "json"],
            &["-vv", "check", "image", "mt.iso"],
            // Errors behind the point where the password is known.
            &["-vv", "build", "image", "./mt.yaml"],
            &["-vv", "build", "image", "./mt.yaml", "--overwrite", "-o", "no/such/directory.iso"],
            &["-vv", "build", "image", "./mt.yaml", "--base", "mt.yaml"],
        ];
        for (number, args) in runs.iter().enumerate() {
            let (code, said) = said(dir.path(), args);
            let text = String::from_utf8_lossy(&said);
            assert_eq!(code, if number < 6 { 0 } else { 2 }, "{source}, {args:?}: {text}");
            assert!(!has(&said, CANARY), "{source}, {args:?} tells the password");
        }
        for name in names_in(dir.path()).iter().filter(|name| *name != "password") {
            let bytes = fs::read(dir.path().join(name)).unwrap();
            assert!(!has(&bytes, CANARY), "{source}: {name} has the password");
        }
        let image = fs::read(dir.path().join("mt.iso")).unwrap();
        assert!(has(&image, "rootpw --iscrypted $6$"), "{source}: the image has a hash");
    }
}

#[test]
fn a_hash_is_in_the_kickstart_alone() {
    let dir = tempfile::tempdir().unwrap();
    recipe(dir.path(), &format!("{{hash: {HASH}}}"));
    let args = ["-vv", "build", "image", "./mt.yaml", "--output", "json=report.json"];
    let (code, told) = said(dir.path(), &args);
    assert_eq!(code, 0, "{}", String::from_utf8_lossy(&told));
    assert!(!has(&told, HASH), "the build tells the hash");
    let dry = said(dir.path(), &["-vv", "build", "image", "./mt.yaml", "--dry-run"]).1;
    assert!(!has(&dry, HASH), "the plan tells the hash");
    for args in [
        ["-vv", "inspect", "image", "mt.iso", "--format", "json"],
        ["-vv", "check", "image", "mt.iso", "--format", "json"],
    ] {
        assert!(!has(&said(dir.path(), &args).1, HASH), "{args:?} tells the hash");
    }
    for name in ["mt.iso.manifest.json", "report.json"] {
        assert!(!has(&fs::read(dir.path().join(name)).unwrap(), HASH), "{name} has the hash");
    }
    let image = fs::read(dir.path().join("mt.iso")).unwrap();
    let file = std::sync::Arc::new(fs::File::open(dir.path().join("mt.iso")).unwrap());
    let medium = preflight::iso::Medium::open(file).unwrap();
    let kickstart = medium.read_file("ks.cfg", 1 << 20).unwrap();
    let places = |bytes: &[u8]| bytes.windows(HASH.len()).filter(|w| *w == HASH.as_bytes()).count();
    assert_eq!(places(&kickstart), 1);
    assert_eq!(places(&image), 1, "nowhere but in ks.cfg");
}

/// The passphrase of a configuration server has no place to be written in: where somebody writes it
/// all the same, it is refused, not repeated, and in no file.
#[test]
fn a_passphrase_has_no_place_in_a_recipe_or_an_image() {
    let dir = tempfile::tempdir().unwrap();
    recipe(dir.path(), "locked");
    let text = fs::read_to_string(dir.path().join("mt.yaml")).unwrap();
    let server = |more: &str| {
        let text = format!("{text}\nconfiguration_server: {{address: cs01.example.test{more}}}\n");
        fs::write(dir.path().join("mt.yaml"), text).unwrap();
    };
    for key in ["passphrase", "password", "secret"] {
        server(&format!(", {key}: {CANARY}"));
        let (code, told) = said(dir.path(), &["-vv", "build", "image", "./mt.yaml"]);
        assert_eq!(code, 2, "{}", String::from_utf8_lossy(&told));
        assert!(!has(&told, CANARY), "{}", String::from_utf8_lossy(&told));
        assert_eq!(names_in(dir.path()), ["mt.yaml"]);
    }
    // Nor is one taken from where the machine that builds may have it.
    server("");
    fs::write(dir.path().join("connection.passphrase"), CANARY).unwrap();
    let (code, told) = said(dir.path(), &["-vv", "build", "image", "./mt.yaml"]);
    assert_eq!(code, 0, "{}", String::from_utf8_lossy(&told));
    assert!(!has(&told, CANARY));
    for name in names_in(dir.path()).iter().filter(|name| *name != "connection.passphrase") {
        let bytes = fs::read(dir.path().join(name)).unwrap();
        assert!(!has(&bytes, CANARY), "{name} has the passphrase");
    }
}

#[test]
fn an_image_with_a_hash_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mode =
        |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    for value in ["locked".to_owned(), format!("{{hash: {HASH}}}"), "locked".to_owned()] {
        recipe(dir.path(), &value);
        let (code, told) = said(dir.path(), &["build", "image", "./mt.yaml", "--overwrite"]);
        assert_eq!(code, 0, "{}", String::from_utf8_lossy(&told));
        // The manifest holds no hash, so it is as the umask says.
        let manifest = mode("mt.iso.manifest.json");
        assert_eq!(mode("mt.yaml") & 0o644, manifest, "{value}");
        assert_eq!(mode("mt.iso"), if value == "locked" { manifest } else { 0o600 }, "{value}");
    }
}

#[test]
fn a_password_in_plain_text_is_refused_and_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    for value in [CANARY.to_owned(), format!("{{hash: {CANARY}}}"), format!("{{plain: {CANARY}}}")]
    {
        recipe(dir.path(), &value);
        let (code, told) = said(dir.path(), &["-vv", "build", "image", "./mt.yaml"]);
        assert_eq!(code, 2, "{}", String::from_utf8_lossy(&told));
        assert!(!has(&told, CANARY), "{}", String::from_utf8_lossy(&told));
        assert_eq!(names_in(dir.path()), ["mt.yaml"]);
    }
}
