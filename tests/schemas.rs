//! The JSON schemas for editors, held by somebody else's validator against every file of the kind that the project has or
//! prints: an editor must not call wrong what the program reads, and should call wrong what it refuses.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use program::skipped;
use serde_json::Value;

/// Prints one line for each fault of each file; the schema itself has to be one of draft 7.
const VALIDATE: &str = "
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for path in sys.argv[2:]:
    for fault in validator.iter_errors(json.load(open(path))):
        print(path, list(fault.absolute_path), fault.message[:200])
";

/// Importing jsonschema takes a second, so Python is looked for once.
static PYTHON: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let own = std::env::var_os("PREFLIGHT_PYTHON").map(PathBuf::from);
    let python = own.unwrap_or_else(|| home.join(".cache/preflight-lab/venv/bin/python"));
    let there = Command::new(&python).args(["-c", "import jsonschema"]).output();
    if there.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skipped("no jsonschema of Python to validate with (tests/run installs it)");
    None
});

fn preflight(args: &[&str]) -> String {
    let output = assert_cmd::Command::cargo_bin("preflight").unwrap().args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// One schema, and the faults that the validator finds with it.
struct Validator {
    directory: tempfile::TempDir,
    python: PathBuf,
}

impl Validator {
    fn new(kind: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("schema.json"), preflight(&["schema", kind])).unwrap();
        Some(Self { directory, python: PYTHON.clone()? })
    }

    /// Returns the faults of YAML texts, which are validated as the program reads them: YAML 1.2.
    fn faults<'t>(&self, texts: impl IntoIterator<Item = (&'t str, String)>) -> String {
        let mut command = Command::new(&self.python);
        command.args(["-c", VALIDATE]).arg(self.directory.path().join("schema.json"));
        for (name, text) in texts {
            let value: Value = serde_yaml::from_str(&text).unwrap();
            let path = self.directory.path().join(name.replace('/', "_"));
            fs::write(&path, serde_json::to_vec(&value).unwrap()).unwrap();
            command.arg(path);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The YAML files of a directory, without those below it.
fn files(directory: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let paths = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    let read = yaml.map(|path| {
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            fs::read_to_string(&path).unwrap(),
        )
    });
    read.collect()
}

/// A text with every line that begins with "#: " taken in.
fn everything(text: &str) -> String {
    text.lines().map(|line| line.replacen("#: ", "", 1) + "\n").collect()
}

#[test]
fn each_file_of_the_project_keeps_to_its_schema() {
    for (kind, directory, printed) in [
        (
            "site",
            "tests/golden/captures",
            vec![vec!["init", "site"], vec!["init", "site", "--scenario", "hyperv"]],
        ),
        ("recipe", "images", vec![vec!["init", "recipe"]]),
        ("profile", "kickstart", vec![]),
        ("checks", "checks", vec![]),
    ] {
        let Some(validator) = Validator::new(kind) else { return };
        let mut texts = files(directory);
        texts.retain(|(name, _)| name != "symptoms.yaml");
        assert!(!texts.is_empty(), "{directory}");
        for (number, args) in printed.iter().enumerate() {
            let text = preflight(args);
            let first = text.lines().next().unwrap();
            assert_eq!(first, format!("# yaml-language-server: $schema={kind}.schema.json"));
            texts.push((format!("all-{number}"), everything(&text)));
            texts.push((format!("printed-{number}"), text));
        }
        let faults =
            validator.faults(texts.iter().map(|(name, text)| (name.as_str(), text.clone())));
        assert_eq!(faults, "", "{kind}");
    }
}

#[test]
fn an_editor_calls_wrong_what_is_refused() {
    let site = "master_targets: [ { name: mt1, ssh: 'ssh://root@mt1' } ]\n";
    let numbers = "process_servers: [ { name: 7, address: ps01, version: 9.8 } ]\n";
    let recipe = preflight(&["init", "recipe"]);
    let check = files("checks").into_iter().find(|(name, _)| name == "retention.yaml").unwrap().1;
    let cases = [
        ("site", numbers, "9.8", "9.x"),
        ("site", site, "ssh:", "shh:"),
        ("site", site, "ssh://root@mt1", "root@mt1"),
        ("site", site, "mt1,", "'m t',"),
        ("site", site, "master_targets", "master_target"),
        ("recipe", &recipe, "timezone: Etc/UTC", "timezone: 'utc +1'"),
        ("recipe", &recipe, "profile:", "profiles:"),
        ("checks", &check, "severity: ", "severity: really-"),
        ("checks", &check, "remedy:", "remedies:"),
    ];
    for kind in ["site", "recipe", "checks"] {
        let Some(validator) = Validator::new(kind) else { return };
        // The texts of a kind in one run of Python: right ones, and each with one mistake.
        let mut texts: Vec<(String, String)> = Vec::new();
        for (place, (_, good, from, to)) in
            cases.iter().enumerate().filter(|(_, case)| case.0 == kind)
        {
            let wrong = good.replacen(from, to, 1);
            assert_ne!(wrong, *good, "{kind}: {from}");
            texts.push((format!("right-{place}"), (*good).to_owned()));
            texts.push((format!("wrong-{place}"), wrong));
        }
        let told = validator.faults(texts.iter().map(|(name, text)| (name.as_str(), text.clone())));
        for (name, text) in &texts {
            assert_eq!(told.contains(name), name.starts_with("wrong"), "{text}\n{told}");
        }
    }
}
