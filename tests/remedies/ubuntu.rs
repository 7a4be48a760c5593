//! The commands that are printed for an Ubuntu master target, carried out in stub ones: the check passes afterwards, and
//! a second run changes nothing.
//!
//! apt, netplan and systemctl are the lab's (`tests/lab/sshd/acting-ubuntu`); dash, awk, sed and the files are real. What holds
//! packages is carried out by the real apt-mark and dpkg-query, too, in a database of their own.

use std::collections::BTreeMap;

use super::*;

/// Master target, fault of the lab's, and the check that finds it.
const UBUNTU_FAULTS: &[(&str, &str, &str)] = &[
    ("mt-ubuntu1604", "ubuntu-kernel-free", "mt.kernel-frozen"),
    ("mt-ubuntu2004", "ubuntu-hwe-free", "mt.kernel-frozen"),
    ("mt-ubuntu2004", "ubuntu-kernel-blacklisted", "mt.kernel-frozen"),
    ("mt-ubuntu2004", "ubuntu-no-pyasn1", "mt.pkgs-base"),
    ("mt-ubuntu1604", "ubuntu-without-nofail", "retention.nofail"),
    ("mt-ubuntu2004", "mt-retention-not-in-fstab", "retention.fstab"),
    ("mt-ubuntu1604", "ubuntu-not-at-boot", "mt.static-ip"),
    ("mt-ubuntu2004", "ubuntu-not-at-boot", "mt.static-ip"),
];

/// What a person types for the words of netplan's file.
const ADDRESSES: &[(&str, &str)] = &[
    ("INTERFACE", "eth0"),
    ("ADDRESS/PREFIX", "192.0.2.10/24"),
    ("GATEWAY", "192.0.2.1"),
    ("NAME-SERVER", "192.0.2.1"),
];

/// The files below a directory that commands may have written.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let below = ["etc", "fixture/debs"].map(|path| walkdir::WalkDir::new(root.join(path)));
    let entries = below.into_iter().flatten().filter_map(Result::ok);
    let written = entries.filter(|entry| entry.file_type().is_file());
    // The copy that is taken before is of the file as it was then.
    let written = written.filter(|entry| !entry.path().to_string_lossy().ends_with(".before"));
    written.map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap())).collect()
}

fn run_commands(root: &Path, commands: &str) {
    fs::write(root.join("root/commands"), commands).unwrap();
    let ran = enter(root, "cd /root && sh /root/commands", Stdio::null(), Stdio::piped());
    let complaint = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{commands}: {complaint}");
}

/// Runs the command that holds packages with the real tools, twice, on a database that has the packages
/// of a stub master target.
fn hold_with_real_tools(command: &str, debs: &str) {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["dpkg/info", "dpkg/updates", "lists/partial", "cache/archives/partial", "etc"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    let row = |line: &str| {
        let (name, rest) = line.split_once(' ').unwrap();
        let [version, arch, status] = rest.splitn(3, ' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        format!(
            "Package: {name}\nStatus: {status}\nVersion: {version}\nArchitecture: {arch}\n\
             Maintainer: nobody\nDescription: none\n\n"
        )
    };
    fs::write(at("dpkg/status"), debs.lines().map(row).collect::<String>()).unwrap();
    fs::write(at("dpkg/available"), "").unwrap();
    let top = dir.path().display();
    let configuration = format!(
        "Dir \"{top}\"; Dir::State \"{top}\"; Dir::State::status \"{top}/dpkg/status\"; Dir::State::lists \
         \"{top}/lists\"; Dir::Cache \"{top}/cache\"; Dir::Etc \"{top}/etc\"; APT::Architecture \"amd64\"; \
         Dir::Bin::dpkg \"/usr/bin/dpkg\";"
    );
    fs::write(at("apt.conf"), configuration).unwrap();
    let shell = |text: &str| {
        let mut shell = Command::new("dash");
        shell.args(["-ec", text]).env("APT_CONFIG", at("apt.conf"));
        done(shell.env("DPKG_ADMINDIR", at("dpkg")))
    };
    shell(command);
    let held = shell("dpkg-query -W -f '${Status} ${Package}\\n' 'linux-*'");
    assert!(held.lines().count() > 3, "{held}");
    assert!(held.lines().all(|line| line.starts_with("hold ok installed ")), "{held}");
    shell(command);
    assert_eq!(shell("dpkg-query -W -f '${Status} ${Package}\\n' 'linux-*'"), held);
}

fn mend_ubuntu(good: &Path, fault: &str, check: &str) {
    let dir = tempfile::Builder::new().prefix("preflight-ubuntu").tempdir().unwrap();
    let root = dir.path().join("root");
    done(Command::new("cp").arg("-a").arg(good).arg(&root));
    fs::copy(root.join("fixture/debs"), root.join("fixture/repository")).unwrap();
    done(Command::new(lab("mkroot.sh")).args(["--fault", fault]).arg(&root));
    let script = script(dir.path());
    let before = judged(dir.path(), &asked(dir.path(), &root, &script), check);
    assert!(["fail", "warn"].contains(&before.outcome.as_str()), "{fault}: {before:?}");
    assert!(!before.commands.is_empty(), "{fault}: {before:?}");
    if let Some(command) = before.commands.iter().find(|line| line.starts_with("apt-mark hold ")) {
        hold_with_real_tools(command, &fs::read_to_string(root.join("fixture/debs")).unwrap());
    }
    fs::rename(root.join("bin/mount"), root.join("bin/mount-list")).unwrap();
    done(Command::new("cp").arg(lab("acting/bin/mount")).arg(root.join("bin")));
    let acting = lab("acting-ubuntu/.");
    done(Command::new("cp").args(["-r", "--remove-destination"]).arg(acting).arg(&root));
    let said = format!("set -e\n{}\n", before.commands.join("\n"));
    let fill = |text: String, (word, value): &(&str, &str)| text.replace(word, value);
    let commands = ADDRESSES.iter().fold(said, fill);
    fs::create_dir_all(root.join("etc/apt/apt.conf.d")).unwrap();
    run_commands(&root, &commands);
    let first = files(&root);
    let fstab = fs::read(root.join("etc/fstab")).unwrap();
    run_commands(&root, &commands);
    assert!(files(&root) == first, "{fault}: a second run of {commands} changes a file");
    done(Command::new(lab("mkroot.sh")).arg("--refresh").arg(&root));
    fs::write(root.join("etc/fstab"), fstab).unwrap();
    let after = judged(dir.path(), &asked(dir.path(), &root, &script), check);
    assert_eq!(after.outcome, "pass", "{fault}: {after:?}: {commands}");
}

#[test]
fn commands_for_ubuntu_mend_and_may_run_twice() {
    if !rustix::process::geteuid().is_root() {
        skipped("fake machines need root");
        return;
    }
    if !installed(&["unshare", "file", "busybox", "bash", "dash", "chroot", "apt-mark"]) {
        return;
    }
    let dir = tempfile::Builder::new().prefix("preflight-ubuntu").tempdir().unwrap();
    for name in ["mt-ubuntu1604", "mt-ubuntu2004"] {
        done(Command::new(lab("mkroot.sh")).arg(name).arg(dir.path().join(name)));
    }
    std::thread::scope(|scope| {
        for half in UBUNTU_FAULTS.chunks(UBUNTU_FAULTS.len().div_ceil(2)) {
            let good = dir.path();
            scope.spawn(move || {
                for (root, fault, check) in half {
                    mend_ubuntu(&good.join(root), fault, check);
                }
            });
        }
    });
}
