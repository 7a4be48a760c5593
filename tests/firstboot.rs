//! The rendered first-boot script, run for real under every shell there is, on a machine that is a
//! directory: once only, whatever happens, and never a claim that was not checked.
//!
//! Not covered: losing what was written and not yet synced, the order of real services, and the
//! real ApplyCustomChanges.sh, which is not to be had.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test file, its helpers too")]

#[path = "firstboot/machine.rs"]
mod machine;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use machine::{APPLY, Machine, RETENTION, Shell, WWID, ended, have, mode, now, skipped};
use preflight::installer::service::InitSystem;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

fn shells() -> impl Iterator<Item = Shell> {
    Shell::ALL.into_iter().filter(|shell| shell.available())
}

#[test]
fn applied_once_rebooted_once_and_verified_after_the_reboot() {
    for shell in shells() {
        let machine = Machine::new(shell);
        assert_eq!(machine.status().code, 3, "{shell:?}");

        let first = machine.start();
        assert_eq!((first.code, machine.state().as_str()), (0, "applied"), "{shell:?}: {first:?}");
        assert_eq!(machine.count("apply answer=[Y] rest=[]"), 1, "{:?}", machine.calls());
        assert_eq!((machine.runs(), machine.reboots()), (1, 1));
        assert_eq!(machine.status().code, 4);
        assert!(machine.read("etc/issue").ends_with(
            "preflight: master target setup is applied, see /var/lib/preflight/status\n"
        ));
        assert!(machine.read("dev/console").contains("preflight: applied: rebooting once"));

        machine.reboot();
        let second = machine.start();
        assert_eq!((second.code, machine.state().as_str()), (0, "done"), "{shell:?}: {second:?}");
        assert_eq!(machine.status().code, 0);
        assert_eq!(
            machine.field("reason"),
            "the custom changes are applied and verified after a reboot"
        );
        assert_eq!(machine.count("chkconfig preflight-firstboot off"), 1);
        assert_eq!(
            machine.read("etc/issue"),
            "CentOS release 6.6 (Final)\nKernel \\r on an \\m\n\n"
        );
        assert_eq!(mode(&machine.path("etc/issue")), 0o644);

        machine.reboot();
        assert_eq!(machine.start().code, 0);
        assert_eq!((machine.runs(), machine.reboots()), (1, 1), "{shell:?}");
        assert_eq!(leftovers(&machine), Vec::<String>::new());
    }
}

#[test]
fn many_starts_are_one_run_and_one_reboot() {
    let slow = APPLY.replace("IFS= read", "sleep 0.3; IFS= read");
    for shell in shells() {
        let machine = Machine::new(shell);
        machine.set_apply(&slow);
        machine.start();
        machine.start();
        at_once(&machine, 3);
        assert_eq!((machine.runs(), machine.reboots()), (1, 1), "{shell:?} one after another");

        let machine = Machine::new(shell);
        machine.set_apply(&slow);
        let codes = at_once(&machine, 8);
        assert_eq!((machine.runs(), machine.reboots()), (1, 1), "{shell:?} at once");
        assert_eq!(codes, vec![0; 8]);
        assert_eq!(machine.state(), "applied");
    }
}

/// Then the exclusive file alone decides.
#[test]
fn without_the_lock_there_is_still_one_run() {
    for shell in shells() {
        let machine = Machine::new(shell);
        machine.stub("flock", "exit 127");
        machine.set_apply(&APPLY.replace("IFS= read", "sleep 0.3; IFS= read"));
        at_once(&machine, 8);
        assert_eq!((machine.runs(), machine.reboots()), (1, 1), "{shell:?}");
    }
}

fn at_once(machine: &Machine, starts: usize) -> Vec<i32> {
    let children: Vec<_> = (0..starts).map(|_| machine.command("start").spawn().unwrap()).collect();
    children.into_iter().map(|child| ended(child).code).collect()
}

#[test]
fn a_script_that_fails_is_not_repeated_and_does_not_reboot() {
    for shell in shells() {
        let machine = Machine::new(shell);
        machine.set_apply("#!/bin/sh\necho \"apply \" >> \"$PREFLIGHT_ROOT/calls\"\nexit 7\n");
        assert_eq!(machine.start().code, 1);
        machine.start();
        machine.reboot();
        assert_eq!(machine.start().code, 1);
        assert_eq!((machine.runs(), machine.reboots()), (1, 0), "{shell:?}");
        assert_eq!((machine.state().as_str(), machine.status().code), ("failed", 1));
        assert!(
            machine.read("var/lib/preflight/apply.failed").starts_with("exit status 7; the marker")
        );
        assert!(machine.field("do").contains("/var/lib/preflight/apply.log"));
    }
}

#[test]
fn a_run_that_was_cut_short_is_reported_and_not_repeated() {
    for shell in shells() {
        let machine = Machine::new(shell);
        machine.set_apply(
            "#!/bin/sh\necho \"apply \" >> \"$PREFLIGHT_ROOT/calls\"\nkill -9 $PPID\nkill -9 $$\n",
        );
        machine.start();
        assert_eq!(machine.status().code, 4, "{shell:?}");
        assert_eq!(machine.start().code, 4);
        machine.reboot();
        assert_eq!(machine.start().code, 4);
        assert_eq!((machine.runs(), machine.reboots()), (1, 0), "{shell:?}");
        assert_eq!(machine.state(), "started");
        assert!(machine.field("reason").contains("did not come to its end; it is not run again"));
    }
}

#[test]
fn effects_of_a_run_whose_end_was_lost_are_verified_after_a_reboot_by_hand() {
    let machine = Machine::new(Shell::Sh);
    machine.set_apply(&format!("{APPLY}kill -9 $PPID\n"));
    machine.start();
    // Some shells run the script in their own place, some in a child's.
    if !machine.exists("var/lib/preflight/apply.done") {
        assert_eq!(machine.start().code, 4);
        assert_eq!(machine.reboots(), 0);
    }
    machine.reboot();
    assert_eq!(machine.start().code, 0);
    assert_eq!((machine.state().as_str(), machine.runs()), ("done", 1));
}

/// Names what closes a gate, what opens it again, and what the reason must say.
type Gate = (&'static str, fn(&Machine), fn(&Machine));

#[test]
fn a_closed_gate_leaves_the_state_pending_until_it_is_opened() {
    let gates: Vec<Gate> = vec![
        ("this is not root", |m| m.stub("id", "echo 500"), |m| m.stub("id", "echo 0")),
        (
            "/root/ApplyCustomChanges.sh is missing or not executable",
            |m| m.remove("root/ApplyCustomChanges.sh"),
            |m| m.set_apply(APPLY),
        ),
        (
            "this is CentOS release 6.10 (Final), but the agent is for",
            |m| m.write("etc/redhat-release", "CentOS release 6.10 (Final)\n"),
            |m| m.write("etc/redhat-release", "CentOS release 6.6 (Final)\n"),
        ),
        ("this is i686", |m| m.stub("uname", "echo i686"), |m| m.stub("uname", "echo x86_64")),
        (
            "packages are missing: lsscsi",
            |m| m.write("missing-lsscsi", ""),
            |m| m.remove("missing-lsscsi"),
        ),
        (
            "/ is on /dev/dm-0",
            |m| {
                m.write("dev/dm-0", "");
                std::os::unix::fs::symlink("../dm-0", m.path("dev/mapper/vg-root")).unwrap();
                m.write("proc/mounts", "/dev/mapper/vg-root / ext4 rw 0 0\n");
            },
            |m| m.write("proc/mounts", "/dev/sda2 / ext4 rw 0 0\n"),
        ),
        (
            "the device mounted on / cannot be found",
            |m| m.write("proc/mounts", "rootfs / rootfs rw 0 0\n"),
            |m| m.write("proc/mounts", "/dev/sda2 / ext4 rw 0 0\n"),
        ),
        (
            "scsi_id says nothing about /dev/sda",
            |m| m.stub_at("lib/udev/scsi_id", "exit 1"),
            |m| m.stub_at("lib/udev/scsi_id", &format!("echo {WWID}")),
        ),
        (
            "the agent on this machine is a stand-in",
            |m| m.write("root/PREFLIGHT-STAND-IN", ""),
            |m| m.remove("root/PREFLIGHT-STAND-IN"),
        ),
    ];
    for shell in shells() {
        for (reason, close, open) in &gates {
            let machine = Machine::new(shell);
            close(&machine);
            for _ in 0..2 {
                assert_eq!(machine.start().code, 3, "{shell:?}: {reason}");
                machine.reboot_keeping_mounts();
            }
            assert_eq!((machine.state().as_str(), machine.status().code), ("pending", 3));
            assert!(machine.field("reason").starts_with(reason), "{:?}", machine.field("reason"));
            assert!(!machine.field("do").is_empty());
            assert!(!machine.exists("var/lib/preflight/apply.started"));
            assert_eq!(machine.runs(), 0);
            open(&machine);
            assert_eq!(machine.start().code, 0, "{shell:?}: {reason}");
            assert_eq!((machine.runs(), machine.reboots()), (1, 1));
        }
    }
}

#[test]
fn a_stand_in_is_never_run_and_never_said_to_be_applied() {
    let machine = Machine::with(Shell::Sh, |boot| boot.standin = true);
    for _ in 0..3 {
        assert_eq!(machine.start().code, 3);
        machine.reboot();
    }
    assert_eq!((machine.runs(), machine.reboots()), (0, 0));
    assert!(machine.field("reason").contains("stand-in"));
    assert!(machine.field("do").contains("--agent"));
}

#[test]
fn every_missing_effect_is_seen_behind_an_exit_status_of_zero() {
    let edits: [(&str, &str, &str); 8] = [
        (
            ": > \"$R/etc/.appliedmtcustomchanges\"",
            ":",
            "the marker /etc/.appliedmtcustomchanges is missing",
        ),
        (
            "echo 'COMPLETED'",
            "echo 'done'",
            "/var/log/appliedmtcustomchanges.log does not say COMPLETED",
        ),
        ("echo 'all steps'", "echo 'step 3 FAILED'", "a step says FAILED"),
        ("echo \"applied\" >>", "echo FAILED; echo \"applied\" >>", "a step says FAILED"),
        (
            "user_friendly_names no",
            "user_friendly_names yes",
            "multipath.conf lacks user_friendly_names no",
        ),
        (
            "vendor \"InMage\"",
            "product \"InMage\"",
            "multipath.conf does not blacklist vendor InMage",
        ),
        ("wwid \"WWID\"", "# wwid \"WWID\"", "multipath.conf does not blacklist the root disk"),
        (
            "wwid \"WWID\"",
            "}\nblacklist_exceptions {\nwwid \"WWID\"",
            "multipath.conf does not blacklist the root disk",
        ),
    ];
    for shell in shells() {
        for (from, to, reason) in edits {
            let machine = Machine::new(shell);
            assert!(APPLY.contains(from));
            machine.set_apply(&APPLY.replace(from, to));
            assert_eq!(machine.start().code, 1, "{shell:?}: {reason}");
            assert_eq!((machine.runs(), machine.reboots()), (1, 0));
            assert_eq!(machine.state(), "failed");
            assert!(machine.field("reason").contains(reason), "{:?}", machine.field("reason"));
        }
    }
}

#[test]
fn what_is_undone_before_the_second_boot_is_seen_and_a_repair_is_accepted() {
    let machine = Machine::new(Shell::Sh);
    machine.start();
    let conf = machine.read("etc/multipath.conf");
    machine.write("etc/multipath.conf", &conf.replace(WWID, "other"));
    machine.reboot();
    assert_eq!(machine.start().code, 1);
    assert!(
        machine.field("reason").starts_with("what ApplyCustomChanges.sh did is no longer there")
    );
    machine.write("etc/multipath.conf", &conf);
    machine.reboot();
    assert_eq!(machine.start().code, 0);
    assert_eq!((machine.state().as_str(), machine.runs(), machine.reboots()), ("done", 1, 1));
}

#[test]
fn a_boot_older_than_the_changes_is_no_proof_of_a_reboot() {
    let machine = Machine::new(Shell::Sh);
    machine.start();
    machine.reboot();
    machine.set_clock_of_boot(now() - 3600);
    assert_eq!(machine.start().code, 1);
    assert!(
        machine.field("reason").starts_with("by the clock this machine was last booted before")
    );
    machine.set_clock_of_boot(now() + 10);
    assert_eq!((machine.start().code, machine.reboots()), (0, 1));
}

#[test]
fn changes_made_by_hand_are_verified_and_not_made_again() {
    let machine = Machine::new(Shell::Sh);
    machine.write("etc/.appliedmtcustomchanges", "");
    assert_eq!(machine.start().code, 1);
    assert_eq!(machine.runs(), 0);
    assert!(machine.field("reason").contains("by hand"));
}

#[test]
fn power_lost_before_the_reboot_needs_no_second_one() {
    for request_made in [false, true] {
        let machine = Machine::new(Shell::Sh);
        machine.stub("reboot", "");
        machine.start();
        if !request_made {
            machine.remove("var/lib/preflight/reboot.requested");
        }
        machine.reboot();
        assert_eq!((machine.start().code, machine.reboots()), (0, 1));
        assert_eq!(machine.state(), "done");
    }
}

#[test]
fn what_was_decided_is_on_disk_before_it_is_acted_on() {
    let machine = Machine::new(Shell::Sh);
    machine.start();
    let calls = machine.calls();
    let at = |what: &str| calls.iter().position(|call| call.starts_with(what)).unwrap();
    assert_eq!(calls[at("apply ") - 1], "sync ");
    assert_eq!(calls[at("reboot") - 1], "sync ");
    assert_eq!(calls[at("applied") + 1], "sync ");
}

#[test]
fn the_self_check_looks_between_the_changes_and_the_reboot() {
    for shell in shells() {
        let machine = Machine::new(shell);
        machine.stub_at("etc/rc.d/init.d/preflight-selfcheck", "exit 7");
        assert_eq!(machine.start().code, 0, "{shell:?}");
        let calls = machine.calls();
        let at = |what: &str| calls.iter().position(|call| call.starts_with(what)).unwrap();
        assert!(at("applied") < at("preflight-selfcheck run"), "{calls:?}");
        assert!(at("preflight-selfcheck run") < at("reboot"), "{calls:?}");
        assert_eq!((machine.runs(), machine.reboots()), (1, 1));
    }
}

#[test]
fn a_status_while_the_script_runs_says_started() {
    let machine = Machine::new(Shell::Sh);
    machine.set_apply(&APPLY.replace("IFS= read", "sleep 1; IFS= read"));
    let child = machine.command("start").spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !machine.exists("pids") {
        assert!(Instant::now() < deadline, "the script was not run");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((machine.status().code, machine.state().as_str()), (4, "started"));
    assert_eq!(machine.command("start").status().unwrap().code(), Some(0));
    ended(child);
    assert_eq!((machine.runs(), machine.state().as_str()), (1, "applied"));
}

#[test]
fn killed_at_any_time_there_is_at_most_one_run() {
    let started = Instant::now();
    Machine::new(Shell::Sh).start();
    let full = started.elapsed();
    let workers: Vec<_> = (0..2u64)
        .map(|worker| {
            thread::spawn(move || {
                let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ (worker << 32);
                let mut seen = [0usize; 3];
                for round in 0..50 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let delay = full.mul_f64((random >> 40) as f64 / f64::from(1u32 << 24));
                    seen[killed_after(delay, round % 2 == 0)] += 1;
                }
                seen
            })
        })
        .collect();
    let mut seen = [0; 3];
    for worker in workers {
        let counts = worker.join().unwrap();
        (0..3).for_each(|i| seen[i] += counts[i]);
    }
    eprintln!(
        "100 kills within {full:?}: {} pending, {} done, {} cut short",
        seen[0], seen[1], seen[2]
    );
}

/// Kills a start after a while (the service alone, or all it started: a loss of power), looks, and
/// goes on as boots would. Returns how far the first start had got.
fn killed_after(delay: Duration, all: bool) -> usize {
    let machine = Machine::new(Shell::Sh);
    let mut child = machine.start_in_group();
    thread::sleep(delay);
    let pid = Pid::from_child(&child);
    // It may have ended by itself.
    let _ =
        if all { kill_process_group(pid, Signal::KILL) } else { kill_process(pid, Signal::KILL) };
    child.wait().unwrap();
    let status = machine.status();
    let state = status.text.lines().next().unwrap_or_default().to_owned();
    let states =
        [("state: pending", 3), ("state: started", 4), ("state: applied", 4), ("state: failed", 1)];
    assert!(states.contains(&(state.as_str(), status.code)), "{status:?}");
    // An orphaned script comes to its end before the machine goes down.
    thread::sleep(Duration::from_millis(100));
    let reached = if !machine.exists("var/lib/preflight/apply.started") {
        0
    } else if machine.exists("var/lib/preflight/apply.done") {
        1
    } else {
        2
    };
    if reached == 0 {
        assert_eq!(machine.runs(), 0, "a run without apply.started");
    }
    for _ in 0..4 {
        machine.start();
        assert!(machine.runs() <= 1 && machine.reboots() <= 1, "{:?}", machine.calls());
        let file = machine.read("var/lib/preflight/status");
        assert!(file.starts_with("state: ") && file.ends_with("Z\n"), "{file:?}");
        machine.reboot();
    }
    let state = machine.state();
    match reached {
        0 | 1 => assert_eq!(state, "done", "{:?}", machine.calls()),
        // The script may or may not have come to its end.
        _ => assert!(["done", "started", "failed"].contains(&state.as_str()), "{state}"),
    }
    assert_eq!(leftovers(&machine), Vec::<String>::new());
    reached
}

fn leftovers(machine: &Machine) -> Vec<String> {
    ["etc", "var/lib/preflight"]
        .iter()
        .flat_map(|dir| fs::read_dir(machine.path(dir)).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("preflight-new"))
        .collect()
}

#[test]
fn the_host_name_is_given_to_every_address_once() {
    for shell in shells() {
        let machine = Machine::new(shell);
        let written = machine.read("etc/hosts");
        machine.start();
        machine.reboot();
        machine.start();
        assert_eq!(
            machine.read("etc/hosts"),
            format!(
                "{written}\
                 192.0.2.5 mt1.example.com mt1 # preflight address\n\
                 198.51.100.7 mt1.example.com mt1 # preflight address\n"
            )
        );

        let machine = Machine::with(shell, |boot| boot.fill_hosts = false);
        machine.start();
        assert_eq!(machine.read("etc/hosts"), written);
    }
}

/// A machine on its second boot, its retention disk attached and of this content.
fn with_disk(shell: Shell, content: &str) -> Machine {
    let machine = Machine::with_retention(shell);
    machine.stub("multipath", &format!("echo '{RETENTION} dm-0 VMware,Virtual disk'"));
    machine.start();
    machine.reboot();
    machine.write(&format!("dev/mapper/{RETENTION}"), content);
    machine
}

#[test]
fn a_blank_retention_disk_is_formatted_once_and_mounted() {
    for shell in shells() {
        let machine = Machine::with_retention(shell);
        machine.stub("multipath", &format!("echo '{RETENTION} dm-0 VMware,Virtual disk'"));
        assert_eq!(machine.start().code, 0);
        machine.reboot();
        assert_eq!(machine.start().code, 3, "{shell:?}: not attached yet");
        assert_eq!((machine.state().as_str(), machine.status().code), ("pending", 3));

        machine.reboot();
        machine.write(&format!("dev/mapper/{RETENTION}"), &"\0".repeat(4096));
        assert_eq!(machine.start().code, 0, "{shell:?}: {}", machine.field("reason"));
        machine.start();
        assert_eq!((machine.state().as_str(), machine.runs(), machine.reboots()), ("done", 1, 1));
        assert_eq!(machine.count("mkfs.ext4 -q -L asr-retention "), 1);
        assert_eq!(machine.count("mount /mnt/retention"), 1);
        let fstab = machine.read("etc/fstab");
        assert_eq!(
            fstab.lines().last().unwrap(),
            format!("/dev/mapper/{RETENTION} /mnt/retention ext4 rw 0 0")
        );
        assert!(machine.path("mnt/retention").is_dir());
        assert_eq!(leftovers(&machine), Vec::<String>::new());
    }
}

#[test]
fn a_retention_disk_that_is_not_blank_is_left_alone() {
    type Case = (&'static str, fn(&Machine));
    let cases: [Case; 6] = [
        ("is not blank: x: TYPE=\"xfs\"", |m| m.write("blkid", "x: TYPE=\"xfs\"\n")),
        ("is not blank: x: LABEL=\"home\" TYPE=\"ext4\"", |m| {
            m.write("blkid", "x: LABEL=\"home\" TYPE=\"ext4\"\n")
        }),
        ("blkid cannot tell", |m| m.stub("blkid", "exit 8")),
        ("its first MiB holds data of no known kind", |m| {
            m.write(&format!("dev/mapper/{RETENTION}"), "\0\0data")
        }),
        ("has partitions", |m| m.write(&format!("dev/mapper/{RETENTION}p1"), "")),
        ("/etc/fstab mounts /dev/sdb1 on /mnt/retention", |m| {
            m.write("etc/fstab", "/dev/sdb1 /mnt/retention ext4 rw 0 0\n")
        }),
    ];
    for shell in shells() {
        for (reason, change) in cases {
            let machine = with_disk(shell, "\0\0\0\0");
            change(&machine);
            let fstab = machine.read("etc/fstab");
            assert_eq!(machine.start().code, 1, "{shell:?}: {reason}");
            assert!(machine.field("reason").contains(reason), "{:?}", machine.field("reason"));
            assert_eq!((machine.count("mkfs"), machine.state().as_str()), (0, "failed"));
            assert_eq!(machine.read("etc/fstab"), fstab);
        }
    }
}

#[test]
fn formatting_that_was_cut_short_goes_on_and_a_made_volume_is_kept() {
    let machine = with_disk(Shell::Sh, "\0\0\0\0");
    machine.stub(
        "mkfs.ext4",
        "echo half > \"$PREFLIGHT_ROOT/dev/mapper/$(basename \"$4\")\"; kill -9 $PPID",
    );
    machine.start();
    machine.reboot();
    machine.stub("mkfs.ext4", "echo 'x: LABEL=\"asr-retention\" TYPE=\"ext4\"' > \"$PREFLIGHT_ROOT/blkid\"; kill -9 $PPID");
    machine.start();
    machine.reboot();
    assert_eq!(machine.start().code, 0, "{}", machine.field("reason"));
    assert_eq!((machine.count("mkfs"), machine.state().as_str()), (2, "done"));
}

#[test]
fn on_systemd_the_unit_is_disabled() {
    let machine = Machine::with(Shell::Sh, |boot| boot.init = InitSystem::Systemd);
    machine.start();
    machine.reboot();
    machine.start();
    assert_eq!(machine.count("systemctl disable preflight-firstboot.service"), 1);
    assert_eq!(machine.count("chkconfig"), 0);
}

#[test]
fn actions_other_than_start_change_nothing() {
    for shell in shells() {
        let machine = Machine::new(shell);
        for action in ["stop", "restart", "condrestart"] {
            assert_eq!(machine.command(action).status().unwrap().code(), Some(0));
        }
        let mut usage = machine.command("boil");
        assert_eq!(usage.stderr(Stdio::null()).status().unwrap().code(), Some(2));
        assert_eq!(machine.status().text.lines().next(), Some("state: pending"));
        assert!(!machine.exists("var/lib/preflight") && machine.calls().is_empty());
    }
}

#[test]
fn shellcheck_has_nothing_to_say() {
    if !have("shellcheck") {
        return skipped("shellcheck is not installed");
    }
    let machine = Machine::with_retention(Shell::Sh);
    let output = Command::new("shellcheck")
        .args(["--shell=sh", "--severity=style"])
        .arg(machine.path("firstboot"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
