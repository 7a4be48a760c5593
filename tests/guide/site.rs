//! A site at any stage: the healthy captures of the goldens, edited as vCenter shows a machine there, with every question answered.
//!
//! Not for what a guide should say of it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use preflight::assets::Assets;
use preflight::check::CheckSet;
use preflight::facts::stage::Stage;
use serde_json::{Value, json};

/// When it is: minutes after the captures were taken.
pub const NOW: &str = "2026-11-30T06:30:00Z";

/// Every check of the program.
pub fn checks() -> CheckSet {
    CheckSet::load(&Assets::embedded()).expect("the embedded checks are right")
}

/// A site in a directory of its own.
pub struct Site {
    directory: tempfile::TempDir,
}

impl Site {
    /// The healthy site with a machine at a stage, as vCenter and the site file show it.
    pub fn at(stage: Stage) -> Self {
        let site = Self::new();
        site.write(&format!("stage: {stage}\n"), stage, &[]);
        match stage {
            Stage::Replicating => site.show_machine("poweredOff", true),
            Stage::Home
            | Stage::Verify
            | Stage::After
            | Stage::ReprotectForward
            | Stage::CleanUp => {
                site.show_machine("poweredOn", false);
            }
            _ => site.show_machine("poweredOff", false),
        }
        site
    }

    /// The healthy site; nothing is written of stages or answers yet.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/captures/good");
        fs::create_dir(directory.path().join("good")).expect("a directory");
        for entry in fs::read_dir(captures).expect("the captures") {
            let path = entry.expect("an entry").path();
            fs::copy(&path, directory.path().join("good").join(path.file_name().expect("a name")))
                .expect("a copy");
        }
        Self { directory }
    }

    /// Where it stands.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    fn capture(&self) -> PathBuf {
        self.path().join("good/vcenter.json")
    }

    /// Writes the site file: lines of the site, every question answered yes at a stage but those named, which get "no".
    pub fn write(&self, lines: &str, stage: Stage, denied: &[&str]) {
        let original =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/captures/good.yaml");
        let text = fs::read_to_string(original).expect("the site file");
        let (systems, _) = text.split_once("answers:").expect("answers");
        let mut file = format!("{lines}{systems}answers:\n");
        for check in checks().checks().iter().filter(|check| check.question().is_some()) {
            let value = if denied.contains(&check.id.as_str()) { "no" } else { "yes" };
            writeln!(
                file,
                "  - {{ check: {}, target: '*', value: {value}, by: ann, at: 2026-11-30, stage: {stage} }}",
                check.id
            )
            .expect("a text can be written");
        }
        fs::write(self.path().join("site.yaml"), file).expect("the site file");
    }

    /// Replaces a text of the site file.
    pub fn replace(&self, from: &str, to: &str) {
        let path = self.path().join("site.yaml");
        let text = fs::read_to_string(&path).expect("the site file");
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replace(from, to)).expect("the site file");
    }

    /// Lets vCenter show the machine on or off, with its disks attached to the master target or not.
    pub fn show_machine(&self, power: &str, attached: bool) {
        let mut capture: Value =
            serde_json::from_slice(&fs::read(self.capture()).expect("the capture")).expect("JSON");
        let answers = &mut capture["answers"]["by_probe"];
        for probe in ["machines", "chosen"] {
            edit(&mut answers[probe], |objects| {
                objects[1]["properties"]["runtime.powerState"] = json!(power);
            });
        }
        if attached {
            edit(&mut answers["chosen"], attach_disk);
        }
        fs::write(self.capture(), capture.to_string()).expect("the capture");
    }
}

/// Attaches the machine's disk to the master target as well, as from Re-protect on.
fn attach_disk(objects: &mut Value) {
    let devices = |object: &Value| object["properties"]["config.hardware.device"].clone();
    let own = devices(&objects[1]);
    let is_disk = |device: &&Value| device["_type"] == "VirtualDisk";
    let mut disk = own.as_array().expect("devices").iter().find(is_disk).expect("a disk").clone();
    disk["key"] = json!("2099");
    disk["unitNumber"] = json!("9");
    let mut all = devices(&objects[0]);
    all.as_array_mut().expect("devices").push(disk);
    objects[0]["properties"]["config.hardware.device"] = all;
}

/// Changes the objects of one answer, which is a text of JSON.
fn edit(answer: &mut Value, change: impl Fn(&mut Value)) {
    let text = answer["text"].as_str().expect("a text");
    let mut value: Value = serde_json::from_str(text).expect("JSON");
    change(&mut value["objects"]);
    answer["text"] = json!(value.to_string());
}
