//! A Hyper-V site on its whole way home: at each stage what is asked, answered and done next.
//!
//! Not for VMware's way (`stages`, `guide`).

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn run(directory: &Path, args: &[&str]) -> (String, i32) {
    let program = assert_cmd::cargo::cargo_bin("preflight");
    let output = Command::new(program).args(args).current_dir(directory).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (text, output.status.code().unwrap())
}

fn json(directory: &Path, args: &[&str]) -> Value {
    let (text, _) = run(directory, args);
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

/// The ids of the questions that are open now.
fn open(directory: &Path) -> Vec<String> {
    let listed = json(directory, &["list", "questions", "--site", "site.yaml", "--format", "json"]);
    let open = listed["site"]["open"].as_array().unwrap().iter();
    open.map(|question| question["check"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_site_goes_home_stage_by_stage_by_answers_alone() {
    goes_home("original");
}

#[test]
fn a_site_goes_to_another_host_stage_by_stage_by_answers_alone() {
    goes_home("alternate");
}

/// At each stage nothing blocks when all that is asked is as it should be, and the next step is told.
fn goes_home(location: &str) {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let today = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).date();
    for (stage, says) in [
        ("prepare", "choose-the-synchronisation"),
        ("sync", "choose planned failover"),
        ("complete", "complete failover"),
        ("verify", "commit"),
        ("after", "reverse replicate"),
        ("reverse", "follow"),
        ("home", "test failover"),
        ("clean-up", "downloadthreadspervm"),
    ] {
        let base = format!(
            "scenario: hyperv\nvmm: false\nstage: {stage}\nprotected_vms:\n  - {{ name: app-01, location: {location}, os: windows }}\n"
        );
        fs::write(directory.join("site.yaml"), &base).unwrap();
        let mut answers = String::from("answers:\n");
        // An answer may open other questions.
        loop {
            let questions = open(directory);
            if questions.is_empty() {
                break;
            }
            for id in questions {
                answers += &format!(
                    "  - {{ check: {id}, target: '*', value: yes, by: ann, at: {today}, stage: {stage} }}\n"
                );
            }
            fs::write(directory.join("site.yaml"), format!("{base}{answers}")).unwrap();
        }
        let (text, status) = run(directory, &["check", "site", "site.yaml"]);
        assert_eq!(status, 0, "{stage}: {text}");
        let (guide, _) = run(directory, &["guide", "site.yaml"]);
        assert!(guide.contains(&format!("app-01: {stage}")), "{stage}: {guide}");
        let words = guide.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(says), "{stage}: {says} is not in {guide}");
        for word in ["vCenter", "EnableUUID", "ApplyCustomChanges"] {
            assert!(!guide.contains(word), "{stage}: {word} in {guide}");
        }
        // What only another host needs is asked before and at the press for one, and what only VMM needs is not.
        let of_another_host = location == "alternate" && matches!(stage, "prepare" | "sync");
        assert_eq!(answers.contains("hyperv.alt-"), of_another_host, "{stage}: {answers}");
        assert!(!answers.contains("encryption-key"), "{answers}");
    }
}
