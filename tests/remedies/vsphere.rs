//! Faults of simulated vSphere servers, mended by the commands of govc that a report prints; a stand-in of `tests/lab/vsim`
//! makes the calls that govc makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::judged::{ADMINISTRATOR, MACHINES, check};
use super::simulator::{self, Simulator, scenario_json};
use super::{Shown, typed};

/// One fault.
struct Fault {
    check: &'static str,
    /// A scenario of the simulator, and what is changed in it.
    scenario: &'static str,
    breaks: fn(&mut Value),
}

const FAULTS: &[Fault] = &[
    Fault { check: "mt.disk-enable-uuid", scenario: "enableuuid-missing", breaks: |_| {} },
    Fault { check: "mt.disk-enable-uuid", scenario: "enableuuid-quoted", breaks: |_| {} },
    Fault { check: "mt.no-snapshot", scenario: "snapshot-on-mt", breaks: |_| {} },
    Fault {
        check: "retention.exists",
        scenario: "good",
        breaks: |scenario| {
            scenario["vms"][0]["diskGiB"] = json!([40]);
            scenario["vms"][0]["diskUUIDs"] = json!(["6000C29a-0b1c-2d3e-4f50-617283940516"]);
        },
    },
];

/// The directory of the stand-in.
fn govc() -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("govc");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/vsim/govc");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(out.join("govc")).arg(".").current_dir(source);
    build.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode");
    if std::env::var_os("HOME").is_none() {
        build.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache"));
    }
    super::done(&mut build);
    out
}

/// Mends every fault; none when there is no simulator.
pub fn mended() -> Option<Vec<(&'static str, Shown)>> {
    simulator::built()?;
    let govc = govc();
    FAULTS.iter().map(|fault| Some((fault.check, mend(fault, &govc)?))).collect()
}

fn mend(fault: &Fault, govc: &Path) -> Option<Shown> {
    let mut scenario = scenario_json(fault.scenario);
    (fault.breaks)(&mut scenario);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("scenario.json");
    fs::write(&file, scenario.to_string()).unwrap();
    let server = Simulator::start(&file, &[])?;
    let judged = || {
        let (_, report) = check(&server, "vcenter", ADMINISTRATOR, &MACHINES);
        let results = report["results"].as_array().unwrap();
        super::of_check(results, fault.check)
    };
    let before = judged();
    if before.outcome != "fail" || before.commands.is_empty() {
        return Some(Err(format!("{} is not told how to mend: {before:?}", fault.check)));
    }
    let (commands, changed) = typed(&before.commands);
    let path = std::env::var("PATH").unwrap_or_default();
    let ran = Command::new("timeout")
        .args(["60", "sh", "-c", &commands])
        .env("PATH", format!("{}:{path}", govc.display()))
        .env("GOVC_URL", &server.authority)
        .env("GOVC_USERNAME", ADMINISTRATOR.0)
        .env("GOVC_PASSWORD", ADMINISTRATOR.1)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&ran.stderr).into_owned();
    if !ran.status.success() {
        return Some(Err(format!("{}: {commands}: {complaint}", fault.check)));
    }
    let after = judged();
    if after.outcome != "pass" {
        return Some(Err(format!("{}: {after:?}: {commands}: {complaint}", fault.check)));
    }
    Some(Ok(!changed))
}
