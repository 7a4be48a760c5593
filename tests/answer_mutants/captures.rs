//! The captures that are damaged: fake machines of `tests/lab/sshd` asked by the very script, and
//! the vCenter simulator asked by the program.
//!
//! Not for damaging them (`damage`).

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use preflight::assets::Assets;
use preflight::check::{CheckSet, Target};
use preflight::facts::probe::{Probe, ProbeEnv};
use preflight::facts::script::{self, Nonce};
use preflight::facts::target_kind::TargetKind;
use preflight::facts::transcript::Transcript;
use preflight::facts::vsphere::esxi_shell;
use preflight::facts::vsphere::query_scope::QueryScope;
use preflight::facts::{age, host, query};
use preflight::site::{Site, SiteFile, target};
use preflight::transport::capture;

use super::damage::{self, Damaged};
use super::{program, simulator, sshd};

const SITE: &str = "configuration_server: { address: cs01.example.test, version: 9.8.9.0 }\n\
    process_servers: [ { name: ps1, address: ps01.example.test, version: 9.8.9.0 } ]\n\
    master_targets: [ { name: mt1, ssh: 'ssh://root@mt1' } ]\n\
    protected_vms: [ { name: app-01, master_target: mt1, filesystems: [reiserfs, xfs] } ]\n";

/// One capture, and how targets are made of it.
pub struct Subject {
    pub name: &'static str,
    pub capture: Transcript,
    pub damages: Vec<Damaged>,
    kind: Kind,
}

enum Kind {
    Host(Box<Site>),
    EsxiShell(QueryScope),
    Server,
}

impl Subject {
    /// The targets of a capture of this system.
    pub fn targets(&self, transcript: &Transcript, checks: &CheckSet) -> Vec<Target> {
        match &self.kind {
            Kind::Host(site) => {
                let env = site.surroundings(site.master_targets.first());
                let probes = host::master_target_probes();
                let asked = query::apply_query(transcript.clone(), &env, &probes);
                let counted = age::apply_age(asked, transcript.asked_at.unwrap(), &probes);
                vec![target::host_target(&counted, checks, Some(site)).unwrap()]
            }
            Kind::EsxiShell(question) => target::shell_targets(transcript, question),
            Kind::Server => target::server_targets(transcript, &QueryScope::default()),
        }
    }
}

pub fn checks() -> CheckSet {
    CheckSet::load(&Assets::embedded()).unwrap_or_else(|error| panic!("{error}"))
}

/// Master targets and ESXi hosts, asked by their shells.
pub fn of_shells() -> Option<Vec<Subject>> {
    if !(sshd::is_root() && program::installed(&["busybox", "file", "unshare", "bash"])) {
        return None;
    }
    let dir = tempfile::Builder::new().prefix("preflight-mutants").tempdir().unwrap();
    let hosts =
        ["mt-good", "mt-bad", "mt-retention-swap", "mt-retention-in-use", "ubuntu-kernel-pinned"];
    let hosts = hosts.map(|name| of_host(dir.path(), name));
    let shells = ["esxi-paid", "esxi-free"].map(|name| of_esxi(dir.path(), name));
    Some(hosts.into_iter().chain(shells).collect())
}

fn of_host(below: &Path, name: &'static str) -> Subject {
    let site = SiteFile::parse(SITE, "site.yaml", &checks()).unwrap().site;
    let around = site.surroundings(site.master_targets.first());
    let mut capture = asked(below, name, &host::master_target_probes(), &around);
    capture.target = "mt1".to_owned();
    let ports = capture.answers.by_probe.get_mut("ports").unwrap();
    ports.text = answered_by_servers(&ports.text);
    let damages = damage::of_shell(&capture);
    Subject { name, capture, damages, kind: Kind::Host(Box::new(site)) }
}

/// The answer about ports with working servers in place of those that the fake machine's network
/// does not have: a damaged answer is to be told from a good one.
fn answered_by_servers(text: &str) -> String {
    let open = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["port", role, address, port, _state, ..] => {
                let http = if *role == "process-server" { 400 } else { 200 };
                let at = format!("at {role} {address} {port} 192.0.2.1\n");
                format!("{at}port {role} {address} {port} open yes {http} \n")
            }
            ["at", ..] => String::new(),
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(open).collect()
}

fn of_esxi(below: &Path, name: &'static str) -> Subject {
    let question = QueryScope {
        master_target: Some("asr-mt-01".to_owned()),
        protected: vec!["app (test) 02".to_owned()],
        ..QueryScope::default()
    };
    let probes = esxi_shell::probes(&question, "root");
    let mut capture = asked(below, name, &probes, &ProbeEnv::default());
    capture.kind = TargetKind::Esxi;
    let damages = damage::of_shell(&capture);
    Subject { name, capture, damages, kind: Kind::EsxiShell(question) }
}

/// What a fake machine answers to the script.
fn asked(below: &Path, name: &str, probes: &[Probe], around: &ProbeEnv) -> Transcript {
    let root = below.join(name);
    let lab = sshd::lab();
    let make = |arguments: &[&str]| {
        let built =
            Command::new(lab.join("mkroot.sh")).args(arguments).arg(&root).output().unwrap();
        assert!(built.status.success(), "{name}: {}", String::from_utf8_lossy(&built.stderr));
    };
    // One of Ubuntu, good as it is, whose kernel is kept by a pin in place of holds.
    let is_ubuntu = name.starts_with("ubuntu-");
    make(&[if is_ubuntu { "mt-ubuntu2004" } else { name }]);
    if is_ubuntu {
        make(&["--fault", name]);
    }
    let text = script::assemble(probes, around, &Nonce::from_bytes([7; 16]));
    let mut shell = Command::new(lab.join("enter.sh"))
        .arg(&root)
        .env("SSH_ORIGINAL_COMMAND", "sh -s")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = shell.wait_with_output().unwrap().stdout;
    let mut capture = capture::parse(&String::from_utf8_lossy(&said), name).unwrap();
    assert!(capture.answers.ended, "{name}");
    capture.asked_at = Some(jiff::Timestamp::now());
    capture
}

/// vSphere servers, asked over the API.
pub fn of_servers() -> Option<Vec<Subject>> {
    simulator::built()?;
    Some([("good", 1), ("snapshot-on-mt", 5)].map(of_server).into_iter().collect())
}

/// Every value of a server's answers is damaged, or one of so many where another subject has
/// nearly the same answers.
fn of_server((name, one_of): (&'static str, usize)) -> Subject {
    let server = simulator::Simulator::of(name).unwrap();
    let home = tempfile::tempdir().unwrap();
    let target = format!("vsphere://asr@vsphere.local@{}", server.authority);
    let output = Command::new(program::binary())
        .args(["collect", "vcenter", &target, "--thumbprint", &server.sha256])
        .args(["--vm", "asr-mt-01", "--protected-vm", "app-01"])
        .args(["--discovery-account", "asr@vsphere.local"])
        .env("PREFLIGHT_PASSWORD", "asr-Pass1")
        .env("HOME", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let capture = capture::parse(&said, name).unwrap();
    let damages = damage::of_server(&capture, one_of);
    Subject { name, capture, damages, kind: Kind::Server }
}
