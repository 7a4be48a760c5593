//! `inspect image` and `inspect agent`: what somebody who was handed a file learns from it alone.
//!
//! Not for whether it is good: `check image`.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod el6_medium;
mod program;

use std::fs;
use std::path::Path;

use preflight::agent::standin_bundle;
use program::{ONE_FILE, installed, run};
use serde_json::{Value, json};

fn inspected(dir: &Path, args: &[&str]) -> Value {
    let args = ["inspect"].into_iter().chain(args.iter().copied()).chain(["--format", "json"]);
    let ran = run(dir, &ONE_FILE, args);
    assert_eq!((ran.code, ran.misdeeds()), (Some(0), Vec::new()), "{}", ran.text());
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn texts(dir: &Path, args: &[&str]) -> String {
    let ran = run(dir, &ONE_FILE, ["inspect"].into_iter().chain(args.iter().copied()));
    assert_eq!((ran.code, ran.misdeeds()), (Some(0), Vec::new()), "{}", ran.text());
    ran.text()
}

#[test]
fn an_installer_tells_what_starts_what_is_on_it_and_what_it_was_made_of() {
    if !installed(&["xorriso", "python3"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let base = el6_medium::write(dir.path(), 0);
    el6_medium::write_add_on(dir.path());
    let args = ["build", "image", "demo", "-o", "mt.iso", "--allow-incomplete", "--rpms", "rpms"];
    let ran =
        run(dir.path(), &ONE_FILE, args.into_iter().chain(["--base", base.to_str().unwrap()]));
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.text());

    let image = &inspected(dir.path(), &["image", "mt.iso"])["image"];
    let defaults = image["boot"]["defaults"]["items"].as_array().unwrap();
    assert!(
        defaults.iter().any(|it| it.as_str().unwrap().starts_with("isolinux/isolinux.cfg: ")),
        "{defaults:?}"
    );
    let entries = image["boot"]["entries"]["items"].as_array().unwrap();
    for entry in entries.iter().filter(|entry| entry["default"] == true) {
        let name = format!("{}: {}", entry["file"], entry["title"]).replace('"', "");
        assert!(defaults.iter().any(|it| *it == name), "{name}: {defaults:?}");
        assert!(entry["arguments"].as_str().unwrap().contains("ks=cdrom:/ks.cfg"), "{entry}");
    }
    let manifest: Value =
        serde_json::from_slice(&fs::read(dir.path().join("mt.iso.manifest.json")).unwrap())
            .unwrap();
    let made = &image["payload"]["made"];
    assert_eq!(made["recipe"], "demo");
    assert_eq!(made["plan_sha256"], manifest["plan_sha256"]);
    assert_eq!(made["base_sha256"], manifest["base"]["sha256"]);
    assert_eq!(made["incomplete"]["items"], manifest["incomplete"]);
    assert_eq!(image["payload"]["verified"], true);
    assert_eq!(image["source"]["addon_packages"], 1);
    let addons = image["source"]["addons"]["items"].as_array().unwrap();
    let nevra = addons[0]["nevra"].as_str().unwrap();
    assert!(nevra.contains('-') && nevra.contains(':') && nevra.contains('.'), "{nevra}");
    let size = fs::metadata(dir.path().join("rpms/good.rpm")).unwrap().len();
    assert_eq!(addons[0]["size"], size);

    let text = texts(dir.path(), &["image", "mt.iso"]);
    for wanted in [nevra, "verified: yes", "recipe: demo", "root password: locked"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn a_disc_whose_file_was_changed_is_not_verified() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &ONE_FILE, ["build", "image", "demo"]);
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let payload = |name: &str| inspected(dir.path(), &["image", name])["image"]["payload"].clone();
    assert_eq!(payload("demo.iso")["verified"], true);
    let mut bytes = fs::read(dir.path().join("demo.iso")).unwrap();
    let at = bytes.windows(7).position(|window| window == b"zerombr").unwrap();
    bytes[at] = b'Z';
    fs::write(dir.path().join("changed.iso"), bytes).unwrap();
    let changed = payload("changed.iso");
    assert_eq!(changed["verified"], false);
    assert_eq!(changed["made"]["recipe"], "demo", "by its own word");
    assert!(texts(dir.path(), &["image", "changed.iso"]).contains("verified: no"));
}

#[test]
fn a_vendors_medium_is_not_verified_and_says_why() {
    if !installed(&["xorriso"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    el6_medium::write(dir.path(), 0);
    let all = inspected(dir.path(), &["image", "base.iso"]);
    assert_eq!(all["image"]["payload"].get("verified"), None);
    assert!(all["absent"]["image.payload.verified"].is_string(), "{}", all["absent"]);
    assert_eq!(all["image"]["kind"], "vendor-medium");
}

#[test]
fn an_agent_tells_its_version_and_the_scripts_inside() {
    let dir = tempfile::tempdir().unwrap();
    let name = "Microsoft-ASR_UA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar.gz";
    fs::write(dir.path().join(name), standin_bundle(0)).unwrap();
    let agent = &inspected(dir.path(), &["agent", name])["agent"];
    let identity = json!({
        "version": "9.8.0.0", "distribution": "RHEL6-64", "ring": "GA", "built": "10Feb2017",
    });
    assert_eq!(agent["identity"], identity);
    let scripts = agent["scripts"]["items"].as_array().unwrap();
    let paths: Vec<&str> = scripts.iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["install", "ApplyCustomChanges.sh"]);
    assert!(scripts.iter().all(|it| it["interpreter"].as_str().unwrap().starts_with("/bin/")));
    let text = texts(dir.path(), &["agent", name]);
    assert!(text.contains("path ApplyCustomChanges.sh"), "{text}");
}
