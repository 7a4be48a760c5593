//! A site to check: a simulated vCenter, a stub ESXi host, a stub master target and a process server,
//! each behind a real server on loopback, and its site file.
//!
//! Not for what is found there: the test says that.

#![allow(dead_code, reason = "each test program uses a part of this")]
#![allow(clippy::unwrap_used, reason = "all of this file is for tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::program;
use super::simulator::{self, Simulator};
use super::sshd::{self, Server};

/// A site that runs, and ends with this.
pub struct Lab {
    pub vcenter: Option<Simulator>,
    pub esxi: Option<Server>,
    pub mt: Option<Server>,
    pub ps: Option<Server>,
    // The last to go: servers end by what is written in it.
    pub directory: tempfile::TempDir,
}

/// Whether all of it can be had here.
pub fn there_is_a_lab() -> bool {
    simulator::built().is_some()
        && sshd::there_are_servers()
        && sshd::is_root()
        && program::installed(&["busybox", "file", "unshare", "bash", "python3", "openssl"])
}

pub fn machine(below: &Path, root: &str) -> PathBuf {
    let at = below.join(root);
    if at.exists() {
        return at;
    }
    let built = Command::new(sshd::lab().join("mkroot.sh")).arg(root).arg(&at).output().unwrap();
    assert!(built.status.success(), "{root}: {}", String::from_utf8_lossy(&built.stderr));
    at
}

pub fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

impl Lab {
    /// Starts everything on a scenario of vCenter's.
    pub fn up(scenario: &Value) -> Self {
        let directory = tempfile::Builder::new().prefix("preflight-site").tempdir().unwrap();
        // Servers give up root's rights before they look at their keys.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let below = directory.path();
        fs::write(below.join("scenario.json"), scenario.to_string()).unwrap();
        let server = |mode: &str, root: &str| {
            let root = machine(below, root);
            Server::up(below, mode, &["--root", root.to_str().unwrap()])
        };
        // The ESXi host's master target is the machine that is asked by its shell.
        let config = machine(below, "esxi-paid").join("fixture/config.11");
        let text = fs::read_to_string(&config).unwrap();
        let text = ["6000C29a-0b1c-2d3e-4f50-617283940516", "6000C29f-3a1b-5d7e-9001-12233445566a"]
            .iter()
            .zip(["6000C290-0000-0000-0000-000000000007", "6000C291-0000-0000-0000-000000000007"])
            .fold(text, |text, (guest, stub)| text.replace(stub, guest));
        fs::write(&config, text).unwrap();
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

    pub fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The ways to vCenter, the ESXi host, the master target and the process server.
    pub fn live(&self) -> [String; 4] {
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
    pub fn site(&self, [vcenter, esxi, mt, ps]: &[String; 4]) -> String {
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
             answers:\n  - {{ check: cs.backup, value: yes, by: ann, at: {} }}\n",
            login(&self.ps),
            login(&self.mt),
            // An answer ages, so it is of today.
            jiff::Timestamp::now().strftime("%F"),
        )
    }

    pub fn command(&self, args: &[&str]) -> Command {
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

    pub fn run(&self, args: &[&str]) -> (Output, Value) {
        let output = self.command(args).output().unwrap();
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (output, report)
    }

    pub fn check_site(&self) -> (Output, Value) {
        self.run(&["check", "site", "site.yaml", "--timeout", "120"])
    }

    /// How often somebody has logged in to each of them.
    pub fn logins(&self) -> [u64; 4] {
        let accepted = |server: &Option<Server>| {
            let directory = &server.as_ref().unwrap().directory;
            let logs = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
            let logs = logs.filter(|path| path.extension().is_some_and(|it| it == "log"));
            let text: String = logs.map(|path| fs::read_to_string(path).unwrap()).collect();
            let of = ["Accepted publickey for ", "Accepted keyboard-interactive/pam for "];
            text.lines().filter(|line| of.iter().any(|it| line.contains(it))).count() as u64
        };
        let vcenter = self.vcenter.as_ref().unwrap().calls("Login");
        [vcenter, accepted(&self.esxi), accepted(&self.mt), accepted(&self.ps)]
    }
}
