//! A whole site in one run: a simulated vCenter, a stub ESXi host and a stub master target over real
//! sshd, a process server, machines that are to fail back, and what people answered.
//!
//! Not for what any one of them leads to alone: `tests/vsphere.rs`, `tests/esxi.rs` and
//! `tests/master_targets.rs` judge those.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a test")]

mod program;
#[path = "vsphere/simulator.rs"]
mod simulator;
mod sshd;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::Simulator;
use sshd::Server;

/// A site that runs, and ends with this.
struct Lab {
    vcenter: Option<Simulator>,
    esxi: Option<Server>,
    mt: Option<Server>,
    ps: Option<Server>,
    // The last to go: servers end by what is written in it.
    directory: tempfile::TempDir,
}

/// Whether all of it can be had here.
fn there_is_a_lab() -> bool {
    simulator::built().is_some()
        && sshd::there_are_servers()
        && sshd::is_root()
        && program::installed(&["busybox", "file", "unshare", "bash", "python3", "openssl"])
}

fn machine(below: &Path, root: &str) -> PathBuf {
    let at = below.join(root);
    if at.exists() {
        return at;
    }
    let built = Command::new(sshd::lab().join("mkroot.sh")).arg(root).arg(&at).output().unwrap();
    assert!(built.status.success(), "{root}: {}", String::from_utf8_lossy(&built.stderr));
    at
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

impl Lab {
    /// Starts everything on a scenario of vCenter's.
    fn up(scenario: &Value) -> Self {
        let directory = tempfile::Builder::new().prefix("preflight-site").tempdir().unwrap();
        // Servers give up root's rights before they look at their keys.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let below = directory.path();
        fs::write(below.join("scenario.json"), scenario.to_string()).unwrap();
        let server = |mode: &str, root: &str| {
            let root = machine(below, root);
            Server::up(below, mode, &["--root", root.to_str().unwrap()])
        };
        let lab = Self {
            vcenter: Simulator::start(&below.join("scenario.json"), &[]),
            esxi: Some(server("kbdint", "esxi-paid")),
            mt: Some(server("modern", "mt-good")),
            ps: Some(server("modern", "mt-good")),
            directory,
        };
        private(&lab.at("vcenter.password"), "asr-Pass1\n");
        private(&lab.at("esxi.password"), &lab.esxi.as_ref().unwrap().password);
        fs::write(lab.at("site.yaml"), lab.site(&lab.live())).unwrap();
        lab
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The ways to vCenter, the ESXi host, the master target and the process server.
    fn live(&self) -> [String; 4] {
        let server = |it: &Option<Server>| it.as_ref().unwrap().target();
        let vcenter = &self.vcenter.as_ref().unwrap().authority;
        [
            format!("vsphere://asr@vsphere.local@{vcenter}"),
            server(&self.esxi),
            server(&self.mt),
            server(&self.ps),
        ]
    }

    /// A site file in which these are the ways.
    fn site(&self, [vcenter, esxi, mt, ps]: &[String; 4]) -> String {
        let login = |it: &Option<Server>| {
            let it = it.as_ref().unwrap();
            format!("identity: {}, host_key: '{}'", it.key, it.fingerprint("ed25519"))
        };
        let thumbprint = &self.vcenter.as_ref().unwrap().sha256;
        let esxi_key = self.esxi.as_ref().unwrap().fingerprint("ed25519");
        format!(
            "vcenter: {{ url: '{vcenter}', discovery_account: asr@vsphere.local, thumbprint: '{thumbprint}', password_file: vcenter.password }}\n\
             configuration_server: {{ address: cs01.example.test, version: 9.8.9.0 }}\n\
             process_servers:\n  - {{ name: ps1, address: ps01.example.test, version: 9.8.9.0, ssh: '{ps}', {} }}\n\
             esxi:\n  - {{ name: DC0_H0, ssh: '{esxi}', password_file: esxi.password, host_key: '{esxi_key}' }}\n\
             master_targets:\n  - {{ name: mt1, ssh: '{mt}', vm: asr-mt-01, {} }}\n\
             protected_vms:\n  - {{ name: app-01, master_target: mt1, filesystems: [ext4] }}\n\
             answers:\n  - {{ check: cs.backup, value: yes, by: ann, at: 2026-11-20 }}\n",
            login(&self.ps),
            login(&self.mt),
        )
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program::binary());
        command
            .args(args)
            .args(["--ssh-config", "none", "--format", "json"])
            .current_dir(self.directory.path())
            .env("HOME", self.directory.path())
            .env_remove("SSH_AUTH_SOCK")
            .env_remove("PREFLIGHT_PASSWORD")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> (Output, Value) {
        let output = self.command(args).output().unwrap();
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (output, report)
    }

    fn check_site(&self) -> (Output, Value) {
        self.run(&["check", "site", "site.yaml", "--timeout", "120"])
    }

    /// How often somebody has logged in to each of them.
    fn logins(&self) -> [u64; 4] {
        let accepted = |server: &Option<Server>| {
            let directory = &server.as_ref().unwrap().directory;
            let logs = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
            let logs = logs.filter(|path| path.extension().is_some_and(|it| it == "log"));
            let text: String = logs.map(|path| fs::read_to_string(path).unwrap()).collect();
            text.lines().filter(|line| line.contains("Accepted ")).count() as u64
        };
        let vcenter = self.vcenter.as_ref().unwrap().calls("Login");
        [vcenter, accepted(&self.esxi), accepted(&self.mt), accepted(&self.ps)]
    }
}

/// Outcome by target and check; a warning is a failure that blocks nothing.
type Outcomes = BTreeMap<String, String>;

fn outcomes(report: &Value) -> Outcomes {
    let word = |result: &Value| {
        assert_ne!(result["defect"], true, "{result}");
        let text = |key: &str| result[key].as_str().unwrap().to_owned();
        let outcome = match (text("outcome").as_str(), text("severity").as_str()) {
            ("fail", "warning" | "info") => "warn".to_owned(),
            (outcome, _) => outcome.to_owned(),
        };
        (format!("{} {}", text("target"), text("check")), outcome)
    };
    report["results"].as_array().unwrap().iter().map(word).collect()
}

fn scenario() -> Value {
    simulator::scenario_json("good")
}

#[test]
fn probe() {
    if !there_is_a_lab() {
        return;
    }
    let lab = Lab::up(&scenario());
    let began = Instant::now();
    let (output, report) = lab.check_site();
    println!("{:?} {:?}", began.elapsed(), lab.logins());
    println!("{}", String::from_utf8_lossy(&output.stderr));
    for r in report["results"].as_array().unwrap() {
        if r["outcome"] != "pass" {
            println!(
                "{} {} {} {} | {}",
                r["target"], r["check"], r["outcome"], r["severity"], r["found"]
            );
        }
    }
    println!("{} {}", report["summary"], report["not_asked"]);
    let _ = (outcomes(&report), json!(1), Duration::ZERO);
}
