//! Remedies, carried out: what the lab can break is broken, the check is seen to fail, the commands that the report prints
//! are run there, and the check is seen to pass.
//!
//! Fake master targets of `tests/lab/sshd` stand for a CentOS 6.6 host; the programs that change something there (`acting/`)
//! change its tables; the simulator stands for vSphere. Words in capitals are filled in as a person would, and do not count. Not for whether a
//! command may be printed: `check::order` and `check::remedy` test that.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

mod assurance;
#[path = "vsphere/judged.rs"]
mod judged;
mod program;
#[path = "vsphere/simulator.rs"]
mod simulator;
#[path = "remedies/ubuntu.rs"]
mod ubuntu;
#[path = "remedies/vsphere.rs"]
mod vsphere;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use program::{binary, installed, skipped};
use serde_json::Value;

/// One fault on a stub master target.
struct Fault {
    check: &'static str,
    /// The machine of the lab, and what is done to it; `$D` is its root.
    root: &'static str,
    breaks: &'static str,
}

const FAULTS: &[Fault] = &[
    Fault { check: "mt.pkgs-base", root: "mt-good", breaks: "sed -i '/^lsscsi /d; /^rsync /d' $D/fixture/rpms" },
    Fault { check: "mt.pkg-xfs", root: "mt-good", breaks: "sed -i '/^xfsprogs /d' $D/fixture/rpms" },
    Fault {
        check: "mt.pkg-reiserfs",
        root: "mt-good",
        breaks: "sed -i '/reiserfs/d' $D/fixture/rpms $D/fixture/modules
            touch $D/root/kmod-reiserfs-0.0-1.el6.elrepo.x86_64.rpm $D/root/reiserfs-utils-3.6.21-1.el6.elrepo.x86_64.rpm",
    },
    Fault {
        check: "mt.multipath-runs",
        root: "mt-good",
        breaks: "sed -i '/^device-mapper-multipath/d' $D/fixture/rpms; sed -i '/multipathd/d' $D/fixture/processes
            sed -i '/^multipathd/s/on$/off/' $D/fixture/services",
    },
    Fault { check: "mt.etc-hosts", root: "mt-good", breaks: "sed -i '/mt01/d' $D/etc/hosts" },
    Fault {
        check: "agent.installed",
        root: "mt-good",
        breaks: "rm -rf $D/usr/local/ASR $D/usr/local/.vx_version; echo secret > $D/root/passphrase
            sed -i '/svagents\\|appservice/d' $D/fixture/processes",
    },
    Fault {
        check: "agent.services",
        root: "mt-good",
        breaks: "sed -i '/svagents\\|appservice/d' $D/fixture/processes; echo 'uarespawnd appservice on' >> $D/fixture/services",
    },
    Fault { check: "custom-changes.run-once", root: "mt-not-applied", breaks: "" },
    Fault { check: "retention.mounted", root: "mt-retention-none", breaks: "" },
    Fault { check: "retention.fs-local-block", root: "mt-retention-stacked", breaks: "" },
    Fault { check: "retention.fs-not-fat", root: "mt-retention-vfat", breaks: "" },
    Fault { check: "retention.fs-not-fat", root: "mt-retention-exfat", breaks: "" },
    Fault { check: "retention.not-locked", root: "mt-retention-ro", breaks: "" },
    Fault { check: "retention.not-in-use", root: "mt-retention-in-use", breaks: "" },
    Fault { check: "retention.not-in-use", root: "mt-retention-swap", breaks: "" },
    Fault { check: "retention.fstab", root: "mt-retention-not-in-fstab", breaks: "" },
    Fault { check: "retention.fstab", root: "mt-good", breaks: "sed -i 's/ DEV rw$/ DEV ro,noauto/' $D/fixture/mounts" },
];

/// What a person types for the words in capitals; commands with any of them do not count as shown.
const TYPED: &[(&str, &str)] = &[
    ("AGENT-DIRECTORY", "agent"),
    ("PASSPHRASE-FILE", "/root/passphrase"),
    ("DATASTORE", "LocalDS_0"),
];

/// Blockers with commands that are not shown here, and why.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("after.agent-runs", "the lab has no agent whose services could be started"),
    ("agent.platform-value", "its commands look; the fix is a new installation of the agent"),
    ("agent.version-order", "its command looks; the fix is an upgrade of the servers"),
    ("cs.running", "its command looks; the fix is on the configuration server, a Windows one"),
    ("cs.same-ip", "its commands look; the fix is on the configuration server, a Windows one"),
    ("datastore.readwrite", "its command looks; the fix depends on who exports the share"),
    ("datastore.reachable-standalone", "the lab's ESXi shell has no storage adapters to scan"),
    ("esxi.host-connected", "the lab's ESXi hosts have no services to restart"),
    ("esxi.not-free", "a licence cannot be had in the lab"),
    ("mt.can-ping-network", "its commands look; the fix is in name service and routing"),
    ("mt.disk-ids-visible", "its command looks; the fix is a power cycle, which nobody prints"),
    ("mt.in-inventory", "the name is one that only a person knows"),
    ("mt.no-lvm", "its command looks; the fix destroys a volume group, which nobody prints"),
    ("mt.not-encrypted", "its command looks; the fix is another disk or another master target"),
    (
        "mt.pkg-multipath",
        "its commands look; the fix is that of mt.multipath-runs and the custom changes",
    ),
    (
        "mt.vmware-tools",
        "VMware Tools of a simulated machine do not follow from a guest's packages",
    ),
    ("network.cs-to-vcenter-443", "its command looks; the fix is in firewalls"),
    ("network.mt-to-cs-443", "its command looks; the fix is in firewalls"),
    ("network.mt-to-ps-9443", "its command looks; the fix is in firewalls"),
    ("network.ps-to-cs-443", "its command looks; the fix is in firewalls"),
    ("datastore.in-inventory", "its command looks; the name is one that only a person knows"),
    (
        "retention.capacity-nonzero",
        "a loop device that lost its content does not get it back by a rescan",
    ),
    ("retention.not-cache", "its command looks; the fix is another volume"),
    ("vcenter.connected", "its command asks the hosts instead; the fix is the repair of vCenter"),
    ("vcenter.service-answers", "there is no vCenter appliance in the lab"),
    ("agent.registered", "a question that a person answers, not a program"),
    ("agent.passphrase", "a question that a person answers, not a program"),
    ("mt.discovered", "a question that a person answers, not a program"),
    ("ps.registered", "a question that a person answers, not a program"),
    ("ps.heartbeat", "a question that a person answers, not a program"),
    ("azure.vm-running", "a question that a person answers, not a program"),
    ("link.vpn-or-er", "a question that a person answers, not a program"),
    ("failback.recovery-point", "a question that a person answers, not a program"),
    ("retention.added-visible", "a question that a person answers, not a program"),
    ("hyperv.agent-heartbeat", "a question that a person answers, not a program"),
    ("hyperv.vm-off", "a question that a person answers, not a program"),
    ("mt.timezone-time", "setting the clock of a machine would set that of the lab"),
    ("hyperv.host-connected", "a question that a person answers, not a program"),
    ("hyperv.alt-windows-role", "a question that a person answers, not a program"),
    ("hyperv.alt-vswitch", "a question that a person answers, not a program"),
    ("vcenter.privileges", "the role and the privileges are words that a person fills in"),
    ("vcenter.propagate", "the account and the datacenter are words that a person fills in"),
    ("mt.vm-matches-guest", "its command looks; the fix is in the site file"),
    ("vm.name-collision", "the names are words that a person fills in"),
    (
        "retention.own-disk",
        "the fix goes on inside the guest, which a simulated machine does not have",
    ),
    (
        "vm.no-snapshot",
        "its command is that of mt.no-snapshot, and is told only for a whole site in which nothing replicates",
    ),
];

/// Whether commands that mended ran as they are printed, or what went otherwise.
type Shown = Result<bool, String>;

/// The commands as a script, with what a person fills in; and whether there was anything to fill in.
fn typed(commands: &[String]) -> (String, bool) {
    let said = format!("set -e\n{}\n", commands.join("\n"));
    let fill = |text: String, (word, value): &(&str, &str)| text.replace(word, value);
    let filled = TYPED.iter().fold(said.clone(), fill);
    let changed = filled != said;
    (filled, changed)
}

/// What a report says of a check.
#[derive(Debug)]
struct Judged {
    outcome: String,
    commands: Vec<String>,
    #[allow(dead_code, reason = "told when something is wrong")]
    said: String,
}

/// What the report says of a check when a host's answers are evaluated.
fn judged(dir: &Path, answers: &Path, check: &str) -> Judged {
    let site = dir.join("site.yaml");
    fs::write(&site, site_of(answers)).unwrap();
    let output = Command::new(binary())
        .args(["check", "host", "mt1", "--format", "json", "--site"])
        .arg(&site)
        .env("HOME", dir)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let results = report["results"].as_array().unwrap();
    of_check(results, check)
}

/// What the results say of a check, first of all where it fails.
fn of_check(results: &[Value], check: &str) -> Judged {
    let mut of: Vec<&Value> = results.iter().filter(|result| result["check"] == check).collect();
    of.sort_by_key(|result| result["outcome"] != "fail");
    let result = of.first().expect(check);
    let commands = result["remedy"]["commands"].as_array().unwrap().iter();
    let commands = commands.map(|command| command.as_str().unwrap().to_owned()).collect();
    let said = format!("{} {}: {}", result["outcome"], result["found"], result["remedy"]["text"]);
    let outcome = match (result["outcome"].as_str().unwrap(), result["severity"].as_str().unwrap())
    {
        ("fail", "warning" | "info") => "warn",
        (outcome, _) => outcome,
    };
    Judged { outcome: outcome.to_owned(), commands, said }
}

/// The site around a master target through which nothing replicates.
fn site_of(answers: &Path) -> String {
    format!(
        "stage: prepare\n\
         configuration_server: {{ address: cs01.example.test, version: 9.55.6595.1 }}\n\
         process_servers: [ {{ name: ps1, address: ps01.example.test, version: 9.55.6595.1 }} ]\n\
         master_targets: [ {{ name: mt1, ssh: 'capture:{}' }} ]\n\
         protected_vms: [ {{ name: app, master_target: mt1, filesystems: [xfs, reiserfs] }} ]\n",
        answers.display()
    )
}

/// The script that asks a host of that site.
fn script(dir: &Path) -> PathBuf {
    let site = dir.join("asked.yaml");
    fs::write(&site, site_of(&dir.join("answers"))).unwrap();
    let output =
        Command::new(binary()).args(["collect", "script", "--site"]).arg(&site).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path = dir.join("script");
    fs::write(&path, output.stdout).unwrap();
    path
}

fn lab(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/sshd").join(name)
}

fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a command inside a stub master target with something on standard input.
fn enter(root: &Path, command: &str, input: Stdio, output: Stdio) -> std::process::Output {
    let mut entering = Command::new("timeout");
    entering
        .arg("60")
        .arg(lab("enter.sh"))
        .arg(root)
        .env("SSH_ORIGINAL_COMMAND", command)
        .stdin(input)
        .stdout(output);
    entering.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap()
}

fn asked(dir: &Path, root: &Path, script: &Path) -> PathBuf {
    let answers = dir.join("answers");
    let out = fs::File::create(&answers).unwrap();
    let input = fs::File::open(script).unwrap();
    let output = enter(root, "sh -s", input.into(), out.into());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    answers
}

/// Breaks, looks, mends and looks again.
fn mend(fault: &Fault, good: &Path) -> Shown {
    let dir = tempfile::Builder::new().prefix("preflight-remedy").tempdir().unwrap();
    let root = dir.path().join("root");
    match fault.root {
        "mt-good" => done(Command::new("cp").arg("-a").arg(good).arg(&root)),
        name => done(Command::new(lab("mkroot.sh")).arg(name).arg(&root)),
    };
    for (stub, other) in [
        ("bin/mount", "bin/mount-list"),
        ("bin/rpm", "bin/rpm-query"),
        ("sbin/service", "sbin/service-status"),
        ("sbin/chkconfig", "sbin/chkconfig-list"),
    ] {
        fs::rename(root.join(stub), root.join(other)).unwrap();
    }
    done(Command::new("cp").args(["-r", "--remove-destination"]).arg(lab("acting/.")).arg(&root));
    fs::copy(lab("../agent/ApplyCustomChanges.sh"), root.join("root/agent/ApplyCustomChanges.sh"))
        .unwrap();
    fs::create_dir_all(root.join("etc/yum.repos.d")).unwrap();
    fs::copy(root.join("fixture/rpms"), root.join("fixture/repository")).unwrap();
    if !fault.breaks.is_empty() {
        done(Command::new("sh").args(["-ec", fault.breaks]).env("D", &root));
        done(Command::new(lab("mkroot.sh")).arg("--refresh").arg(&root));
    }
    let script = script(dir.path());
    let before = judged(dir.path(), &asked(dir.path(), &root, &script), fault.check);
    if before.outcome != "fail" || before.commands.is_empty() {
        return Err(format!(
            "{} of {} is not told how to mend: {before:?}",
            fault.check, fault.root
        ));
    }
    let fstab = fs::read(root.join("etc/fstab")).unwrap();
    let (commands, changed) = typed(&before.commands);
    fs::write(root.join("root/commands"), commands).unwrap();
    let answer = dir.path().join("answer");
    fs::write(&answer, "Y\n").unwrap();
    let input = fs::File::open(&answer).unwrap();
    let ran = enter(&root, "cd /root && sh /root/commands", input.into(), Stdio::piped());
    let complaint = String::from_utf8_lossy(&ran.stderr).into_owned();
    if !ran.status.success() {
        return Err(format!(
            "{} of {}: {:#?}: {complaint}",
            fault.check, fault.root, before.commands
        ));
    }
    // What the tables say is written anew, but for a file that the commands have written.
    let written = fs::read(root.join("etc/fstab")).unwrap();
    done(Command::new(lab("mkroot.sh")).arg("--refresh").arg(&root));
    if written != fstab {
        fs::write(root.join("etc/fstab"), written).unwrap();
    }
    let after = judged(dir.path(), &asked(dir.path(), &root, &script), fault.check);
    // Where the vault's package is old by nature a warning stays.
    if after.outcome != "pass" && (after.outcome.as_str(), fault.check) != ("warn", "mt.pkg-xfs") {
        let (check, root) = (fault.check, fault.root);
        return Err(format!("{check} of {root}: {after:?}: {:#?}: {complaint}", before.commands));
    }
    Ok(!changed)
}

/// The blockers of the catalogue: what each is about, and whether its remedy has commands.
fn blockers() -> BTreeMap<String, (&'static str, bool)> {
    let text = done(Command::new(binary()).args(["list", "checks", "--format", "json"]));
    let listed: Value = serde_json::from_str(&text).unwrap();
    let blocks = |check: &&Value| {
        let severity = check["severity"].as_str().unwrap();
        ["data-loss", "blocks-reprotect", "blocks-failback"].contains(&severity)
    };
    let about = |check: &Value| {
        let is = |word: &str| check["applies_to"].as_array().unwrap().iter().any(|it| it == word);
        let is_built = is("image") || is("packages");
        if is_built { "an image or its packages, which are built again" } else { "" }
    };
    let listed = listed["checks"].as_array().unwrap().iter().filter(blocks);
    listed
        .map(|check| {
            let commands = !check["remedy"]["commands"].as_array().unwrap().is_empty();
            (check["id"].as_str().unwrap().to_owned(), (about(check), commands))
        })
        .collect()
}

#[test]
fn printed_commands_mend_what_was_broken() {
    if !rustix::process::geteuid().is_root() {
        skipped("fake machines need root");
        return;
    }
    if !installed(&["unshare", "file", "busybox", "bash", "chroot"]) {
        return;
    }
    let began = Instant::now();
    let dir = tempfile::Builder::new().prefix("preflight-remedy").tempdir().unwrap();
    let good = dir.path().join("good");
    done(Command::new(lab("mkroot.sh")).arg("mt-good").arg(&good));
    let mended: Vec<Shown> = std::thread::scope(|scope| {
        let halves = FAULTS.chunks(FAULTS.len().div_ceil(2));
        let threads: Vec<_> = halves
            .map(|half| {
                scope.spawn(|| half.iter().map(|fault| mend(fault, &good)).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut mended: Vec<(&str, Shown)> = FAULTS.iter().map(|it| it.check).zip(mended).collect();
    let Some(of_vsphere) = vsphere::mended() else { return };
    mended.extend(of_vsphere);
    println!("{} faults in {:.1} s", mended.len(), began.elapsed().as_secs_f32());
    let wrong: Vec<&String> = mended.iter().filter_map(|(_, it)| it.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let of = |as_printed: bool| -> BTreeSet<&str> {
        let such = mended.iter().filter(|(_, it)| *it == Ok(as_printed));
        such.map(|(check, _)| *check).collect()
    };
    let text = told(&of(true), &of(false));
    println!("{text}");
    assurance::states("remedies", &text);
}

/// The share, and what is missing for which reason.
fn told(shown: &BTreeSet<&str>, filled_in: &BTreeSet<&str>) -> String {
    let blockers = blockers();
    let reasons: BTreeMap<&str, &str> = NOT_SHOWN.iter().copied().collect();
    let with: Vec<&str> =
        blockers.iter().filter(|(_, (_, has))| *has).map(|(id, _)| id.as_str()).collect();
    for check in shown.union(filled_in) {
        assert!(with.contains(check), "{check} is no blocker with commands");
    }
    let mut text = format!(
        "`cargo test --test remedies`: of {} blockers {} have commands for some host, and {} of these ({} %) were shown so: {}.\n\n\
         The others that have commands, and why they are not shown:\n\n",
        blockers.len(),
        with.len(),
        shown.len(),
        shown.len() * 100 / with.len(),
        shown.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", "),
    );
    for id in with.iter().filter(|id| !shown.contains(*id)) {
        let about = blockers[*id].0;
        let why = match reasons.get(id) {
            Some(reason) => reason,
            None if filled_in.contains(id) => {
                "was carried out, but only after words in capitals were filled in"
            }
            None => about,
        };
        assert!(!why.is_empty(), "{id} is not shown, and nothing says why");
        text.push_str(&format!("* `{id}`: {why}.\n"));
    }
    for id in reasons.keys() {
        let needed = with.contains(id) && !shown.contains(id) && !filled_in.contains(id);
        assert!(needed, "{id} needs no reason any more");
    }
    text
}
