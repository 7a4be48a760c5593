//! The way home of one machine, walked against the lab: a simulated vCenter that changes as Site Recovery changes it, a stub
//! ESXi host, a stub master target and a stub process server over real sshd, and the machine itself once it has returned.
//!
//! At every stage the site as it should be, and sites with one fault each. Not for how a site is asked (`whole_site`), nor for
//! what captures of a stage lead to (`stages`).

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

#[path = "whole_site/lab.rs"]
mod lab;
mod program;
#[path = "vsphere/simulator.rs"]
mod simulator;
mod sshd;
#[path = "site/tls_server.rs"]
mod tls_server;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use lab::{Lab, machine, there_is_a_lab};
use serde_json::{Value, json};
use sshd::Server;

/// Where the stubs of this run find the servers that nobody simulates; another run has others.
fn loopback(last: u8) -> String {
    let run = std::process::id();
    format!("127.{}.{}.{last}", 64 + (run >> 8) % 128, run % 256)
}

fn configuration_server() -> String {
    loopback(77)
}

fn process_server() -> String {
    loopback(78)
}

/// What no run of any stage may print as a command.
const HARMFUL: [&str; 11] = [
    "mkfs", "vgremove", "power.off", "power -off", "poweroff", "shutdown", "datastore.rm",
    "umount", "rm -rf", "wipefs", "uninstall",
];

/// The site of the lab, its servers, and the machine that fails back.
struct Walk {
    /// The machine itself, once it has returned.
    guest: Option<Server>,
    // The last to go: servers end by what is written in it.
    lab: Lab,
}

/// One run over the site.
struct Run {
    report: Value,
    text: String,
    status: i32,
}

impl Run {
    /// Outcome and severity of a check on a target.
    fn found(&self, target: &str, check: &str) -> String {
        let results = self.report["results"].as_array().unwrap();
        let found =
            results.iter().find(|result| result["target"] == target && result["check"] == check);
        let found = found.unwrap_or_else(|| panic!("no {check} on {target}: {}", self.text));
        format!("{} {}", found["outcome"].as_str().unwrap(), found["severity"].as_str().unwrap())
    }

    /// The stage of app-01, and who says so.
    fn stage(&self) -> String {
        let stages = self.report["stages"].as_array().unwrap();
        let own = stages.iter().find(|stage| stage["machine"] == "app-01").unwrap();
        let word = |key: &str| own[key].as_str().unwrap_or("-").to_owned();
        format!("{} {}", word("stage"), word("source"))
    }

    /// What blocks, as `target check`.
    fn blockers(&self) -> Vec<String> {
        let results = self.report["results"].as_array().unwrap().iter();
        let blocks = |result: &&Value| {
            let severity = result["severity"].as_str().unwrap();
            result["outcome"] == "fail" && severity != "warning" && severity != "info"
        };
        let word =
            |result: &Value| format!("{} {}", result["target"], result["check"]).replace('"', "");
        results.filter(blocks).map(word).collect()
    }

    /// What blocks and is explained by nothing else.
    fn roots(&self) -> Vec<String> {
        let explained = |key: &String| {
            let results = self.report["results"].as_array().unwrap().iter();
            let word = |result: &Value| {
                format!("{} {}", result["target"], result["check"]).replace('"', "")
            };
            results
                .filter(|result| word(result) == *key)
                .any(|result| !result["explained_by"].is_null())
        };
        self.blockers().into_iter().filter(|key| !explained(key)).collect()
    }

    /// The report as one line.
    fn words(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What is to be done first, in order.
    fn first(&self) -> Vec<String> {
        let lines = self.text.lines().skip_while(|line| *line != "do first:").skip(1);
        let mut steps: Vec<String> = Vec::new();
        for line in lines.take_while(|line| !line.trim().is_empty()) {
            let line = line.trim_start();
            let (number, rest) = line.split_once(' ').unwrap_or((line, ""));
            match steps.last_mut() {
                Some(last) if !number.ends_with('.') || number.parse::<f64>().is_err() => {
                    last.push_str(&format!(" {number} {rest}"));
                }
                _ => steps.push(rest.to_owned()),
            }
        }
        steps
    }

    /// The commands that are printed.
    fn commands(&self) -> Vec<&str> {
        let lines = self.text.lines().map(str::trim_start);
        lines.filter(|line| line.starts_with("$ ")).collect()
    }
}

/// Copies a program of this machine, and what it is linked with, into a stub's root.
fn install(program: &str, root: &Path) {
    let libraries = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8(libraries.stdout).unwrap();
    let files = text.split_whitespace().filter(|word| word.starts_with('/')).chain([program]);
    for file in files {
        let to = root.join(file.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    }
}

/// Makes a stub find the servers of this test, and speak TLS to them.
fn prepare(root: &Path) {
    let hosts = root.join("etc/hosts");
    let text = fs::read_to_string(&hosts).unwrap();
    let text = text
        .replace("127.0.0.60", &configuration_server())
        .replace("127.0.0.61", &process_server());
    fs::write(hosts, text).unwrap();
    install("/usr/bin/openssl", root);
    let configuration = root.join("usr/local/ASR/Vx/etc/drscout.conf");
    let text = fs::read_to_string(&configuration).unwrap();
    fs::write(configuration, text.replacen('\n', "\nHostname=cs01.example.test\n", 1)).unwrap();
}

impl Walk {
    fn begin() -> Self {
        tls_server::serve(&format!("{}:443", configuration_server()), 200);
        tls_server::serve(&format!("{}:9443", process_server()), 400);
        let lab = Lab::up(&simulator::scenario_json("good"));
        prepare(&lab.at("mt-good"));
        Self { lab, guest: None }
    }

    /// The machine has come back and answers over SSH.
    fn returns(&mut self) {
        let root = self.lab.at("guest");
        let built = Command::new(sshd::lab().join("mkroot.sh")).arg("mt-good").arg(&root).output();
        assert!(built.unwrap().status.success());
        let options = ["--root", root.to_str().unwrap()];
        self.guest = Some(Server::up(self.lab.directory.path(), "modern", &options));
        self.machine("poweredOn", "-");
    }

    /// What Site Recovery or a person does to the machine at home.
    fn machine(&self, power: &str, attached_to: &str) {
        let change = json!({ "name": "app-01", "power": power, "attachTo": attached_to });
        self.lab.vcenter.as_ref().unwrap().change(&change);
    }

    /// A run over the site with these keys of the machine; every question is answered with yes but for some.
    fn run(&self, keys: &str, answers: &[(&str, &str)]) -> Run {
        let site = self.lab.site(&self.lab.live());
        let site = site.split("answers:").next().unwrap();
        // Nobody answers at its address while it is away.
        let login = self.guest.as_ref().map_or_else(
            || "ssh: 'ssh://root@127.0.0.79:22'".to_owned(),
            |guest| {
                let (at, key) = (guest.target(), guest.fingerprint("ed25519"));
                format!("ssh: '{at}', identity: {}, host_key: '{key}'", guest.key)
            },
        );
        let site = site.replace(
            "filesystems: [ext4] }",
            &format!("filesystems: [ext4], disks: [1 GiB], os: linux, address: 192.0.2.10, {login}{keys} }}"),
        );
        fs::write(self.lab.at("site.yaml"), site + &self.answers(answers)).unwrap();
        let mut command = Command::new(program::binary());
        command.args(["check", "site", "site.yaml", "--timeout", "120", "--ssh-config", "none"]);
        command.args(["--output", "json=report.json"]).current_dir(self.lab.directory.path());
        command.env("HOME", self.lab.directory.path()).env("COLUMNS", "120");
        command.env_remove("SSH_AUTH_SOCK").env_remove("PREFLIGHT_PASSWORD");
        let report = self.lab.at("report.json");
        fs::remove_file(&report).ok();
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let report = fs::read_to_string(report)
            .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
        Run {
            report: serde_json::from_str(&report).unwrap(),
            text,
            status: output.status.code().unwrap(),
        }
    }

    fn answers(&self, but: &[(&str, &str)]) -> String {
        let listed = Command::new(program::binary())
            .args(["list", "checks", "--format", "json"])
            .output()
            .unwrap();
        let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let today = jiff::Timestamp::now().strftime("%F").to_string();
        let mut lines = String::from("answers:\n");
        for check in listed["checks"].as_array().unwrap() {
            let id = check["id"].as_str().unwrap();
            if check["scenario"] == "hyperv" || !check["question"].is_string() {
                continue;
            }
            let value =
                but.iter().find(|(other, _)| *other == id).map_or("yes", |(_, value)| value);
            if value != "-" {
                writeln!(
                    lines,
                    "  - {{ check: {id}, target: '*', value: {value}, by: ann, at: {today} }}"
                )
                .unwrap();
            }
        }
        lines
    }

    /// The same while the master target is another stub.
    fn with_master_target<T>(&self, root: &str, act: impl FnOnce() -> T) -> T {
        let own = self.lab.at("mt-good");
        let other = machine(self.lab.directory.path(), root);
        prepare(&other);
        let aside = self.lab.at("aside");
        fs::rename(&own, &aside).unwrap();
        fs::rename(&other, &own).unwrap();
        let done = act();
        fs::rename(&own, &other).unwrap();
        fs::rename(&aside, &own).unwrap();
        done
    }

    fn master_target_has_ids(&self, has: bool) {
        let change = json!({ "name": "asr-mt-01", "diskUUID": has });
        self.lab.vcenter.as_ref().unwrap().change(&change);
    }
}

/// A site as it should be: nothing blocks, nothing is undecided, and nothing harmful is printed.
fn is_good(run: &Run, stage: &str) {
    assert_eq!(run.stage(), stage, "{}", run.text);
    assert_eq!(run.status, 0, "{stage}: {:?}\n{}", run.blockers(), run.text);
    is_harmless(run, stage);
}

fn is_harmless(run: &Run, stage: &str) {
    for command in run.commands() {
        let harmful = HARMFUL.iter().find(|word| command.contains(*word));
        assert!(harmful.is_none(), "{stage}: {command}");
    }
}

/// A site with one fault: it alone blocks, it is the first line of what to do, and nothing harmful is printed.
fn is_blocked(run: &Run, stage: &str, by: &str, says: &str) {
    assert_eq!(run.stage(), stage, "{}", run.text);
    assert_eq!((run.status, run.roots()), (1, vec![by.to_owned()]), "{stage}\n{}", run.text);
    let (target, check) = by.split_once(' ').unwrap();
    let first = run.first().first().cloned().unwrap_or_default();
    assert!(first.contains(target) && first.contains(check), "{stage}: {first}\n{}", run.text);
    assert!(run.words().contains(says), "{stage}: {says} is not in\n{}", run.text);
    is_harmless(run, stage);
}

#[test]
fn a_machine_is_led_home_stage_by_stage() {
    if !there_is_a_lab() {
        return;
    }
    let mut walk = Walk::begin();

    // It runs in Azure, and the one at home is off.
    let here = "prepare vsphere";
    is_good(&walk.run("", &[]), here);
    let run = walk.with_master_target("mt-no-ids", || {
        walk.master_target_has_ids(false);
        let run = walk.run("", &[]);
        walk.master_target_has_ids(true);
        run
    });
    is_blocked(&run, here, "mt1 mt.disk-enable-uuid", "explains");
    assert!(!run.text.contains("ApplyCustomChanges"), "{}", run.text);
    let run = walk.run("", &[("link.vpn-or-er", "no"), ("ps.heartbeat", "no")]);
    is_blocked(&run, here, "site link.vpn-or-er", "ps.heartbeat");
    // A gate that nobody has answered comes before what has failed.
    let run = walk.run("", &[("azure.experience", "-"), ("azure.vm-running", "no")]);
    assert_eq!(run.status, 1);
    assert!(run.first()[0].contains("site: answer"), "{}", run.text);
    let run = walk.run("", &[("azure.experience", "no")]);
    is_blocked(&run, here, "site azure.experience", "modernised");
    assert_eq!(run.commands(), Vec::<&str>::new(), "{}", run.text);

    // Re-protect was pressed: its disks hang on the master target.
    walk.machine("poweredOff", "asr-mt-01");
    let here = "reprotect person";
    is_good(&walk.run(", stage: reprotect", &[]), here);
    let run = walk.run(", stage: reprotect", &[("agent.registered-again", "no")]);
    is_blocked(&run, here, "app-01 agent.registered-again", "15 minutes");

    // It replicates home.
    let here = "replicating vsphere";
    is_good(&walk.run("", &[]), here);
    let run = walk.with_master_target("mt-retention-none", || walk.run("", &[]));
    is_blocked(&run, here, "mt1 retention.mounted", "$ service vxagent stop");
    // What needs a restart waits.
    walk.master_target_has_ids(false);
    let run = walk.run("", &[]);
    walk.master_target_has_ids(true);
    assert_eq!(run.found("mt1", "mt.disk-enable-uuid"), "fail warning");
    assert_eq!(run.status, 0, "{}", run.text);
    assert!(run.words().contains("Later, when no machine replicates"), "{}", run.text);
    is_harmless(&run, here);
    // Written to from two sides, whatever anybody says.
    walk.machine("poweredOn", "");
    let run = walk.run(", stage: after", &[]);
    is_blocked(&run, here, "app-01 vm.poweroff", "esynchroni");
    walk.machine("poweredOff", "");

    // The failover home runs.
    let here = "failback person";
    is_good(&walk.run(", stage: failback", &[]), here);
    let memory = |mib: i64| {
        let change = json!({ "name": "app-01", "memoryMB": mib });
        walk.lab.vcenter.as_ref().unwrap().change(&change);
    };
    memory(4_000_000);
    let run = walk.run(", stage: failback", &[]);
    is_blocked(&run, here, "app-01 esxi.memory", "are needed");
    memory(2048);

    // It has returned, and nothing is committed.
    walk.returns();
    let here = "verify person";
    is_good(&walk.run(", stage: verify", &[]), here);
    let run = walk.run(", stage: verify", &[("failback.azure-vm-off", "no")]);
    is_blocked(&run, here, "app-01 failback.azure-vm-off", "Azure");
    let run = walk.run(", stage: verify", &[("failback.commit", "no")]);
    is_blocked(&run, here, "app-01 failback.commit", "ook");
    for word in ["vm.poweroff", "mt.uuid-clash", "after.delete-ps", "azure.vm-running"] {
        assert!(!run.text.contains(word), "{word}: {}", run.text);
    }

    // Committed and not protected yet: a warning says so, and nothing blocks.
    let here = "after person";
    is_good(&walk.run(", stage: after", &[]), here);
    fs::write(walk.lab.at("guest/usr/sbin/waagent"), "").unwrap();
    let run = walk.run(", stage: after", &[("after.reprotect-forward", "no")]);
    assert_eq!(run.found("app-01", "after.azure-agent"), "fail warning");
    assert_eq!(run.found("app-01", "after.reprotect-forward"), "fail warning");
    is_good(&run, here);
    fs::remove_file(walk.lab.at("guest/usr/sbin/waagent")).unwrap();

    // Protected towards Azure again.
    let here = "reprotect-forward person";
    is_good(&walk.run(", stage: reprotect-forward", &[]), here);
    let run = walk.run(", stage: reprotect-forward", &[("ps.heartbeat", "no")]);
    is_blocked(&run, here, "ps1 ps.heartbeat", "heartbeat");
    let here = "home person";
    is_good(&walk.run(", stage: home", &[]), here);
    let run = walk.run(", stage: home", &[("cs.backup", "no")]);
    is_blocked(&run, here, "cs01.example.test cs.backup", "backup");

    // The site is taken down.
    let here = "clean-up person";
    is_good(&walk.run(", stage: clean-up", &[]), here);
    is_good(&walk.run(", stage: clean-up", &[("after.delete-ps", "no")]), here);
}
