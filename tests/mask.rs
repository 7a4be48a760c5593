//! `mask` on captures and reports of every kind: nothing planted is left, and what is found is the same.
//!
//! Not for single words and addresses: `src/mask` has those.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use program::{Limits, ONE_FILE, Ran, run};
use serde_json::Value;

/// A debug build masks a megabyte in some seconds.
const LARGE: Limits = Limits { cpu_s: 60, memory_mib: 512, ..ONE_FILE };

const NOW: &str = "2026-11-30T12:00:00Z";

const FORMATS: [&str; 10] = [
    "text", "json", "json-compact", "html", "markdown", "junit", "sarif", "github", "nagios",
    "prometheus",
];

fn captures() -> Vec<PathBuf> {
    let below = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = vec![below.join("windows/good.json")];
    for directory in ["golden/captures", "golden/captures/good", "golden/captures/broken"] {
        let entries = fs::read_dir(below.join(directory)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        found.extend(paths.filter(|path| path.extension().is_some_and(|name| name == "json")));
    }
    found.sort();
    found
}

fn preflight(directory: &Path, args: &[&str]) -> Ran {
    let ran =
        run(directory, &Limits { patience: std::time::Duration::from_secs(120), ..LARGE }, args);
    assert!(
        !ran.hung && ran.signal.is_none() && ran.code != Some(101),
        "{args:?} {:?} {:?}: {}",
        ran.code,
        ran.signal,
        ran.text()
    );
    ran
}

fn mask(directory: &Path, from: &str, to: &str) {
    let ran = preflight(directory, &["mask", from, "-o", to, "--map", "map.json", "--overwrite"]);
    assert_eq!(ran.code, Some(0), "{from}: {}", ran.text());
}

/// Runs the check that a capture is for, in a format.
fn check(directory: &Path, capture: &str, format: &str) -> String {
    let text = fs::read_to_string(directory.join(capture)).unwrap();
    let verb = ["vcenter", "esxi"]
        .into_iter()
        .find(|kind| text.contains(&format!("\"kind\": \"{kind}\"")));
    let target = format!("capture:{capture}");
    let args = ["check", verb.unwrap_or("host"), &target, "--now", NOW, "--format", format];
    let ran = preflight(directory, &args);
    assert!(ran.code != Some(2) || format == "nagios", "{capture}: {}", ran.complaint());
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn a_masked_capture_gives_the_same_report_once_the_map_is_applied() {
    for path in captures() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::copy(&path, at("own.json")).unwrap();
        mask(dir.path(), "own.json", "masked.json");
        for format in ["json", "text"] {
            let own = check(dir.path(), "own.json", format);
            fs::write(at("theirs"), check(dir.path(), "masked.json", format)).unwrap();
            let undo =
                ["mask", "theirs", "--undo", "--map", "map.json", "-o", "back", "--overwrite"];
            assert_eq!(preflight(dir.path(), &undo).code, Some(0));
            assert_eq!(fs::read_to_string(at("back")).unwrap(), own, "{}", path.display());
        }
    }
}

/// What must not be left of the canary of a number: the texts that only it has.
struct Canary {
    text: String,
    /// Other canaries may get these in their place, since there are so few of that form.
    is_common: bool,
    traces: Vec<String>,
}

fn canary(number: usize) -> Canary {
    // No word of any language, and none that is a part of another.
    let mut word = String::new();
    let mut left = number;
    for _ in 0..4 {
        word.push_str(["ju", "qe", "xo", "vy", "wu", "zo", "ky", "hux", "joq", "zew"][left % 10]);
        left /= 10;
    }
    let word = format!("q{word}q");
    let hex = format!(
        "{:016x}{:016x}",
        (number as u64 + 7).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        number as u64 | 0xab00_0000_0000_0000
    );
    let (a, b) = (100 + number % 97, 100 + number / 97 % 131);
    let plain = |text: String, trace: &str| Canary {
        text,
        is_common: false,
        traces: vec![trace.to_owned()],
    };
    let common = |text: String| Canary { traces: vec![text.clone()], text, is_common: true };
    match number % 16 {
        0 => plain(word.clone(), &word),
        1 => plain(format!("{word}-{:02}", number % 90), &word),
        2 => plain(format!("srv.{word}.example.com"), &word),
        3 => plain(format!("{word}@corp.example"), &word),
        4 => plain(format!("CORP\\{word}"), &word),
        5 => plain(format!("/home/{word}/.ssh/id_rsa"), &word),
        6 => common(format!("203.0.{a}.{b}")),
        7 => common(format!("10.{a}.{b}.117")),
        8 => plain(format!("2001:db8:{a}::{b}:{}", &hex[..4]), &format!("::{b}:{}", &hex[..4])),
        9 => common(format!("52:54:{}:{}:{}:{}", &hex[0..2], &hex[2..4], &hex[4..6], &hex[6..8])),
        10 => plain(
            format!(
                "{}-{}-{}-{}-{}",
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..]
            ),
            &hex[..8],
        ),
        11 => plain(format!("3{hex}"), &hex),
        12 => common(format!("serial={}", 730_000_000 + number)),
        13 => plain(format!("AAAAB3NzaC1yc2E{}{word}", &hex[..9]), &word),
        14 => plain(word.to_uppercase(), &word.to_uppercase()),
        _ => plain(format!("{}K{}", word.to_uppercase(), number), &word.to_uppercase()),
    }
}

/// Puts canaries behind the words of a text, `every` so many.
fn plant_text(text: &str, every: usize, planted: &mut Vec<Canary>) -> String {
    let mut grown = String::new();
    for (place, word) in text.split_inclusive([' ', '\n', '\t']).enumerate() {
        let (word, end) = word.split_at(word.trim_end_matches([' ', '\n', '\t']).len());
        grown.push_str(word);
        if place.is_multiple_of(every) && !word.starts_with("::") {
            let next = canary(planted.len());
            grown.push_str(&format!(" {}", next.text));
            planted.push(next);
        }
        grown.push_str(end);
    }
    grown
}

fn plant_json(value: &mut Value, every: usize, planted: &mut Vec<Canary>) {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(mut inner @ (Value::Object(_) | Value::Array(_))) => {
                plant_json(&mut inner, every, planted);
                *text = inner.to_string();
            }
            _ => *text = plant_text(text, every, planted),
        },
        Value::Array(items) => items.iter_mut().for_each(|item| plant_json(item, every, planted)),
        Value::Object(members) => {
            let next = canary(planted.len());
            members.values_mut().for_each(|member| plant_json(member, every, planted));
            if planted.len().is_multiple_of(5) {
                members.insert(next.text.clone(), Value::from(1));
                planted.push(next);
            }
        }
        _ => {}
    }
}

/// Fails for every canary that is still there. `made` is what stands in the place of others.
fn assert_none_left(masked: &str, planted: &[Canary], map: &Value, file: &str) {
    let made: BTreeMap<&str, &str> = ["addresses", "ids", "words", "names"]
        .iter()
        .flat_map(|kind| map[kind].as_object().unwrap())
        .map(|(from, to)| (to.as_str().unwrap(), from.as_str()))
        .collect();
    let traces: Vec<(&Canary, &str)> = planted
        .iter()
        .flat_map(|canary| canary.traces.iter().map(move |trace| (canary, trace.as_str())))
        .collect();
    let finder = AhoCorasick::new(traces.iter().map(|(_, trace)| trace)).unwrap();
    for found in finder.find_iter(masked) {
        let (canary, trace) = traces[found.pattern().as_usize()];
        let digits: String = trace.chars().filter(|c| c.is_ascii_hexdigit()).collect();
        let is_others = canary.is_common
            && (made.contains_key(trace) || made.keys().any(|to| digits.contains(to)));
        let around =
            &masked[masked.floor_char_boundary(found.start().saturating_sub(60))..found.end()];
        assert!(is_others, "{file}: {} is left: {around}", canary.text);
    }
}

/// Where `check` gets its reports from, with what lies in the directory then: a host and a vault's capture, a site's captures,
/// an image.
const CHECKS: [(&[&str], &[&str]); 4] = [
    (&["check", "host", "capture:own.json"], &FORMATS),
    (&["check", "site", "broken.yaml", "--captures", "broken"], &["text", "json", "html"]),
    (&["check", "azure", "vault.json"], &["text", "json", "html"]),
    (&["check", "image", "demo.iso"], &FORMATS),
];

/// Makes what [`CHECKS`] read.
fn evidence(directory: &Path) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let copy = |from: &str, to: &str| {
        fs::copy(tests.join(from), directory.join(to)).unwrap();
    };
    copy("golden/captures/broken/linux-mt.mt1.json", "own.json");
    copy("azure/vaults/gavle.json", "vault.json");
    copy("golden/captures/broken.yaml", "broken.yaml");
    fs::create_dir(directory.join("broken")).unwrap();
    for entry in fs::read_dir(tests.join("golden/captures/broken")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        copy(&format!("golden/captures/broken/{name}"), &format!("broken/{name}"));
    }
    let image = ["build", "image", "demo", "-o", "demo.iso", "--self-check-binary", "none"];
    assert_eq!(preflight(directory, &image).code, Some(0));
}

#[test]
fn of_ten_thousand_canaries_in_captures_and_reports_none_is_left() {
    let mut total = 0;
    let vault = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/azure/vaults/gavle.json");
    for path in captures().into_iter().chain([vault]) {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let shown = path.display().to_string();
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        let mut planted = Vec::new();
        let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let every = if path.metadata().unwrap().len() > 20_000 { 3 } else { 1 };
        plant_json(&mut value, every, &mut planted);
        fs::write(at("own.json"), serde_json::to_string_pretty(&value).unwrap()).unwrap();
        mask(dir.path(), "own.json", "masked.json");
        let map = |name: &str| serde_json::from_str::<Value>(&read(name)).unwrap();
        assert_none_left(&read("masked.json"), &planted, &map("map.json"), &shown);
        total += planted.len();
    }
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    evidence(dir.path());
    for (check, format) in
        CHECKS.iter().flat_map(|(check, formats)| formats.iter().map(move |format| (check, format)))
    {
        let args = [check, &["--now", NOW, "--format", format][..]].concat();
        let ran = preflight(dir.path(), &args);
        let report = String::from_utf8(ran.stdout).unwrap();
        assert!(report.len() > 100, "{args:?}: {report}");
        let mut planted = Vec::new();
        let grown = match serde_json::from_str::<Value>(&report) {
            Ok(mut value) => {
                plant_json(&mut value, 2, &mut planted);
                value.to_string()
            }
            Err(_) => plant_text(&report, 2, &mut planted),
        };
        fs::write(at("report"), grown).unwrap();
        mask(dir.path(), "report", "masked");
        let map: Value =
            serde_json::from_str(&fs::read_to_string(at("map.json")).unwrap()).unwrap();
        let masked = fs::read_to_string(at("masked")).unwrap();
        assert_none_left(&masked, &planted, &map, &format!("{args:?}"));
        total += planted.len();
    }
    println!("{total} canaries");
    assert!(total >= 10_000, "{total}");
}

#[test]
fn the_map_is_its_owners_and_nothing_is_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("own.txt"), "qorvex 192.0.2.7\n").unwrap();
    assert_eq!(preflight(dir.path(), &["mask", "own.txt", "-o", "out.txt"]).code, Some(0));
    let mode = |name: &str| fs::metadata(at(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("out.txt.map.json"), 0o600);
    fs::write(at("bytes"), b"\x1f\x8b\x08\0\0").unwrap();
    fs::write(at("empty"), "\n").unwrap();
    for (args, why) in [
        (&["mask", "own.txt", "-o", "out.txt"][..], "out.txt exists"),
        (&["mask", "own.txt", "-o", "own.txt", "--overwrite"], "is also an input"),
        (&["mask", "own.txt", "-o", "x", "--map", "x"], "are the same file"),
        (&["mask", "own.txt", "-o", "x", "--map", "own.txt"], "is also an input"),
        (&["mask", "own.txt", "-o", "x", "--map", "out.txt"], "it is no map of preflight mask"),
        (&["mask", "own.txt", "-o", "x", "--undo"], "--map"),
        (&["mask", "own.txt", "-o", "x", "--undo", "--map", "none"], "cannot read none"),
        (&["mask", "bytes", "-o", "x"], "bytes is no text"),
        (&["mask", "empty", "-o", "x"], "empty is empty"),
        (&["mask", "none", "-o", "x"], "cannot read none"),
    ] {
        let ran = preflight(dir.path(), args);
        assert_eq!(ran.code, Some(2), "{args:?} {:?} {:?}: {}", ran.code, ran.signal, ran.text());
        assert!(ran.complaint().contains(why), "{args:?}: {}", ran.complaint());
        assert!(!at("x").exists(), "{args:?}");
    }
    let before = fs::read_to_string(at("out.txt")).unwrap();
    assert_eq!(
        preflight(dir.path(), &["mask", "own.txt", "-o", "out.txt", "--overwrite"]).code,
        Some(0)
    );
    assert_eq!(fs::read_to_string(at("out.txt")).unwrap(), before);
}

#[test]
fn a_masked_site_file_is_one_still() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [&["init", "site"][..], &["init", "site", "--scenario", "hyperv"]] {
        let sample = preflight(dir.path(), arguments);
        // What is commented out is an example of every other member.
        let whole = String::from_utf8(sample.stdout).unwrap();
        fs::write(dir.path().join("site.yaml"), &whole).unwrap();
        mask(dir.path(), "site.yaml", "masked.yaml");
        let listed = |site| preflight(dir.path(), &["list", "questions", "--site", site]);
        let masked = listed("masked.yaml");
        assert_eq!(masked.code, listed("site.yaml").code, "{}", masked.text());
    }
    // Every name of a member stays, for a site file has no other.
    let schema = preflight(dir.path(), &["schema", "site"]);
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    let mut names = Vec::new();
    member_names(&schema, &mut names);
    assert!(names.iter().any(|name| name == "filesystems"), "{names:?}");
    let text: String = names.iter().map(|name| format!("{name}: 1\n")).collect();
    fs::write(dir.path().join("names.yaml"), &text).unwrap();
    mask(dir.path(), "names.yaml", "masked-names.yaml");
    assert_eq!(fs::read_to_string(dir.path().join("masked-names.yaml")).unwrap(), text);
}

fn member_names(schema: &Value, names: &mut Vec<String>) {
    if let Some(members) = schema["properties"].as_object() {
        names.extend(members.keys().cloned());
    }
    match schema {
        Value::Object(inner) => inner.values().for_each(|value| member_names(value, names)),
        Value::Array(inner) => inner.iter().for_each(|value| member_names(value, names)),
        _ => {}
    }
}
