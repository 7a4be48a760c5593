//! The bill of materials beside an image: complete, the same each time, and what the format's own
//! schema and its own readers accept.
//!
//! The schemas are those of cyclonedx-python-lib, which `tests/run` installs.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod packaging;
mod program;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use packaging::{AS_CENTOS, RSA, Signer, Spec, done};
use preflight::digest::Sha256;
use program::{ONE_FILE, run, skipped};
use serde_json::Value;

/// Names, versions and licences with every letter that a purl must encode.
const PACKAGES: [Spec<'_>; 3] = [
    Spec { name: "wget", evr: "1.12-5.el6", more: "", also: None },
    Spec { name: "libstdc++", evr: "4.4.7-11.el6", more: "Epoch: 3", also: None },
    Spec {
        name: "odd",
        evr: "1.0_a+b-1.el6",
        more: "URL: https://example.test/?a=b&c",
        also: None,
    },
];

/// A Python with the format's schemas.
fn python() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let own = std::env::var_os("PREFLIGHT_PYTHON").map(PathBuf::from);
    let python = own.unwrap_or_else(|| home.join(".cache/preflight-lab/venv/bin/python"));
    let import = "import cyclonedx.validation.json, jsonschema, packageurl";
    let there = Command::new(&python).args(["-c", import]).output();
    if there.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skipped("no cyclonedx-python-lib to validate with (tests/run installs it)");
    None
}

const VALIDATE: &str = "
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
text = open(sys.argv[1]).read()
fault = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
assert fault is None, fault
broken = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text.replace('\"library\"', '\"libary\"', 1))
assert broken is not None, 'the validator takes anything'
purls = [c['purl'] for c in json.loads(text)['components'] if 'purl' in c]
for purl in purls:
    read = PackageURL.from_string(purl)
    assert read.to_string() == purl, (read.to_string(), purl)
    print(read.type, read.namespace, read.name, read.version, *(f'{k}={v}' for k, v in sorted(read.qualifiers.items())))
";

#[test]
fn everything_that_was_added_is_listed_and_the_formats_own_reader_agrees() {
    let Some(signer) = Signer::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let rpms: Vec<PathBuf> =
        PACKAGES.iter().map(|spec| spec.build(&dir.path().join("rpms"))).collect();
    signer.sign(AS_CENTOS, &rpms[..1]);
    let build = || {
        let args = ["build", "image", "demo", "--overwrite", "-o", "mt.iso", "--rpms", "rpms"];
        let ran = run(dir.path(), &ONE_FILE, args);
        assert_eq!(ran.code, Some(0), "{}", ran.text());
        fs::read_to_string(dir.path().join("mt.iso.cdx.json")).unwrap()
    };
    let text = build();
    assert_eq!(text, build(), "the same plan, the same bytes");
    let bom: Value = serde_json::from_str(&text).unwrap();
    let manifest = fs::read_to_string(dir.path().join("mt.iso.manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();

    // The manifest names it by its digest, as it lies in the image.
    let files = manifest["files"].as_array().unwrap();
    let inside = files.iter().find(|file| file["path"] == "preflight/sbom.cdx.json").unwrap();
    assert_eq!(inside["sha256"], Sha256::hash(&text).to_string());
    assert_eq!(bom["metadata"]["component"]["version"], manifest["plan_sha256"]);
    assert_eq!(bom["metadata"]["timestamp"], "2017-03-27T00:00:00Z");
    assert_eq!(bom["compositions"][0]["aggregate"], "incomplete");

    // Every file that the manifest names is there with its digest, once.
    let components = bom["components"].as_array().unwrap();
    let property = |component: &Value, name: &str| {
        let all = component["properties"].as_array().unwrap();
        let found = all.iter().find(|property| property["name"] == name);
        found.map(|property| property["value"].as_str().unwrap().to_owned())
    };
    for file in files.iter().filter(|file| file["path"] != "preflight/sbom.cdx.json") {
        let path = format!("/{}", file["path"].as_str().unwrap());
        let of: Vec<&Value> = components
            .iter()
            .filter(|it| property(it, "preflight:path").as_deref() == Some(&path))
            .collect();
        assert_eq!(of.len(), 1, "{path}");
        assert_eq!(of[0]["hashes"][0]["content"], file["sha256"], "{path}");
    }
    let libraries: Vec<&Value> = components.iter().filter(|it| it["type"] == "library").collect();
    assert_eq!(libraries.len(), PACKAGES.len());
    for library in &libraries {
        assert_eq!(library["supplier"]["name"], "The lab");
        assert_eq!(library["licenses"][0]["license"]["id"], "GPL-2.0-or-later");
    }
    let wget = libraries.iter().find(|it| it["name"] == "wget").unwrap();
    let signed = property(wget, "preflight:signature").unwrap();
    assert!(signed.starts_with("not verified, by key "), "{signed}: no key was named");
    let odd = libraries.iter().find(|it| it["name"] == "odd").unwrap();
    assert_eq!(property(odd, "preflight:signature").unwrap(), "not signed");
    let agent = components.iter().find(|it| it["type"] == "application").unwrap();
    assert!(agent["description"].as_str().unwrap().contains("STAND-IN"), "{agent}");

    // Another plan has another name.
    let key = signer.public(RSA);
    let args = ["build", "image", "demo", "-o", "other.iso", "--rpms", "one", "--rpm-key"];
    fs::create_dir(dir.path().join("one")).unwrap();
    fs::copy(&rpms[0], dir.path().join("one/wget.rpm")).unwrap();
    let ran = run(dir.path(), &ONE_FILE, args.into_iter().chain([key.to_str().unwrap()]));
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let other = fs::read_to_string(dir.path().join("other.iso.cdx.json")).unwrap();
    assert!(other.contains("RSA/SHA1 by key ") && other.contains(RSA), "{other}");
    let other: Value = serde_json::from_str(&other).unwrap();
    assert_ne!(other["serialNumber"], bom["serialNumber"]);

    let Some(python) = python() else { return };
    let validated = done(
        Command::new(python).args(["-B", "-c", VALIDATE]).arg(dir.path().join("mt.iso.cdx.json")),
    );
    assert_eq!(
        String::from_utf8(validated.stdout).unwrap(),
        "rpm centos libstdc++ 4.4.7-11.el6 arch=x86_64 distro=centos-6.6 epoch=3\n\
         rpm centos odd 1.0_a+b-1.el6 arch=x86_64 distro=centos-6.6\n\
         rpm centos wget 1.12-5.el6 arch=x86_64 distro=centos-6.6\n"
    );
}
