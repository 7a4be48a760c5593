//! What a sosreport says of a host, as the answers to the probes that it stands for. What it does not hold stays unasked, and so
//! unknown: the agent's files, the retention volume, ports, and what is below /sys.
//!
//! The layout is that of sos 3 and 4 (their plugins `kernel`, `host`, `filesys`, `memory`, `networking`, `process`, `rpm`, `dpkg`,
//! `yum`, `multipath`). A file that the archive does not have proves nothing: the plugin may not have run. Not for opening
//! archives (`transport::sos`).

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::transcript::{ProbeAnswer, ProbeAnswers};

/// The directory of files that say how an interface starts, one for each.
pub const INTERFACE_FILES: &str = "etc/sysconfig/network-scripts/ifcfg-";

/// The files of an archive that are read, below its first directory; and all that begin with [`INTERFACE_FILES`].
pub const FILES: &[&str] = &[
    "dmidecode",
    "etc/dnf/dnf.conf",
    "etc/fstab",
    "etc/hosts",
    "etc/multipath.conf",
    "etc/os-release",
    "etc/redhat-release",
    "etc/resolv.conf",
    "etc/yum.conf",
    "etc/yum/pluginconf.d/versionlock.conf",
    "etc/yum/pluginconf.d/versionlock.list",
    "installed-rpms",
    "proc/1/mountinfo",
    "proc/cpuinfo",
    "proc/meminfo",
    "proc/self/mountinfo",
    "proc/stat",
    "proc/swaps",
    "sos_commands/date/date_--utc",
    "sos_commands/dpkg/dpkg_-l",
    "sos_commands/hardware/dmidecode",
    "sos_commands/host/hostname",
    "sos_commands/kernel/uname_-a",
    "sos_commands/memory/swapon_--summary_--verbose",
    "sos_commands/multipath/multipath_-ll",
    "sos_commands/networking/ip_-o_addr",
    "sos_commands/process/ps_auxwww",
    "sos_commands/processor/lscpu",
    "usr/lib/os-release",
    "version.txt",
];

/// The programs that facts speak of.
const PROGRAMS: [&str; 6] =
    ["svagents", "appservice", "multipathd", "vmtoolsd", "vmware-guestd", "waagent"];

/// The packages that facts speak of, in the names of RPM.
const RPMS: [&str; 19] = [
    "bash",
    "xfsprogs",
    "perl",
    "lsscsi",
    "rsync",
    "wget",
    "kexec-tools",
    "device-mapper-multipath",
    "kmod-reiserfs",
    "reiserfs-utils",
    "kpartx",
    "python2-pyasn1",
    "lvm2",
    "iprutils",
    "WALinuxAgent",
    "python-azure-agent",
    "open-vm-tools",
    "yum-cron",
    "dnf-automatic",
];

/// The options of a mount that are told as they are; of others only that they are there, for they may hold a password.
const MOUNT_OPTIONS: [&str; 21] = [
    "rw", "ro", "auto", "noauto", "defaults", "bind", "rbind", "nofail", "loop", "_netdev", "user",
    "users", "owner", "group", "noatime", "relatime", "nodiratime", "noexec", "nosuid", "nodev",
    "sync",
];

/// The files of one sosreport by their paths below its first directory.
pub type SosFiles = BTreeMap<String, String>;

/// Returns the name of the host.
pub fn host_name(files: &SosFiles) -> Option<&str> {
    let own = files.get("sos_commands/host/hostname").map(|text| text.trim());
    let uname =
        files.get("sos_commands/kernel/uname_-a").and_then(|text| text.split_whitespace().nth(1));
    own.filter(|name| !name.is_empty() && !name.contains(char::is_whitespace)).or(uname)
}

/// Returns when the report was made, by the host's own clock; none where it is not told in UTC.
pub fn taken_at(files: &SosFiles) -> Option<Timestamp> {
    let words: Vec<&str> = files.get("sos_commands/date/date_--utc")?.split_whitespace().collect();
    let [_, month, day, time, "UTC", year] = words[..] else { return None };
    let text = format!("{day} {month} {year} {time}");
    let at = DateTime::strptime("%d %b %Y %H:%M:%S", text).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Returns the answers to the probes that the files stand for.
pub fn answers(files: &SosFiles) -> ProbeAnswers {
    let file = |path: &str| files.get(path).filter(|text| !text.trim().is_empty());
    let copied = |path: &str| file(path).cloned();
    let release = ["etc/redhat-release", "etc/os-release", "usr/lib/os-release"];
    let told: [(&str, Option<String>); 20] = [
        // sos does not run but as root.
        ("user", file("version.txt").map(|_| "0\n".to_owned())),
        ("release", release.iter().find_map(|path| copied(path))),
        ("uname", copied("sos_commands/kernel/uname_-a")),
        ("booted", file("proc/stat").and_then(|text| booted(text))),
        (
            "dmi",
            ["dmidecode", "sos_commands/hardware/dmidecode"]
                .iter()
                .find_map(|path| dmi(file(path)?)),
        ),
        ("memory", file("proc/meminfo").and_then(|text| first_line(text, "MemTotal:"))),
        ("processors", processors(files)),
        (
            "packages",
            file("installed-rpms")
                .map(|text| rpms(text))
                .or_else(|| file("sos_commands/dpkg/dpkg_-l").map(|text| debs(text))),
        ),
        ("yum-conf", file("etc/yum.conf").map(|text| package_settings(text))),
        ("dnf-conf", file("etc/dnf/dnf.conf").map(|text| package_settings(text))),
        ("version-lock", copied("etc/yum/pluginconf.d/versionlock.list")),
        (
            "version-lock-conf",
            file("etc/yum/pluginconf.d/versionlock.conf").map(|text| package_settings(text)),
        ),
        ("processes", file("sos_commands/process/ps_auxwww").and_then(|text| processes(text))),
        (
            "addresses",
            file("sos_commands/networking/ip_-o_addr").and_then(|text| lines_with(text, " inet ")),
        ),
        ("resolv-conf", copied("etc/resolv.conf")),
        ("hosts", file("etc/hosts").map(|text| without_comments(text))),
        ("multipath-conf", copied("etc/multipath.conf")),
        ("multipath", copied("sos_commands/multipath/multipath_-ll")),
        // sos runs beside the first process, and not in a container, on a master target.
        (
            "mountinfo",
            ["proc/1/mountinfo", "proc/self/mountinfo"].iter().find_map(|path| copied(path)),
        ),
        (
            "swaps",
            ["proc/swaps", "sos_commands/memory/swapon_--summary_--verbose"]
                .iter()
                .find_map(|path| swaps(file(path)?)),
        ),
    ];
    let more = [
        ("fstab", file("etc/fstab").map(|text| fstab(text))),
        ("interface-files", interface_files(files)),
    ];
    let told = told.into_iter().chain(more);
    let answer = |(name, text): (&str, Option<String>)| {
        Some((name.to_owned(), ProbeAnswer { status: 0, text: text? }))
    };
    ProbeAnswers { by_probe: told.filter_map(answer).collect(), ended: true, unanswered: None }
}

fn first_line(text: &str, start: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(start))?;
    Some(line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n")
}

fn lines_with(text: &str, part: &str) -> Option<String> {
    let lines: String =
        text.lines().filter(|line| line.contains(part)).map(|line| format!("{line}\n")).collect();
    (!lines.is_empty()).then_some(lines)
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| {
        !line.is_empty() && !line.starts_with(['#']) && !line.starts_with("0.0.0.0")
    });
    lines.map(|line| format!("{line}\n")).collect()
}

fn booted(text: &str) -> Option<String> {
    let line = first_line(text, "btime ")?;
    Some(line.strip_prefix("btime ")?.to_owned())
}

/// What made the machine, out of dmidecode's block about the system.
fn dmi(text: &str) -> Option<String> {
    let block = text.split("System Information").nth(1)?;
    let value = |name: &str| {
        let line = block
            .lines()
            .take_while(|line| !line.starts_with("Handle"))
            .find(|line| line.trim().starts_with(name));
        Some(line?.trim().strip_prefix(name)?.trim().to_owned())
    };
    Some(format!(
        "sys_vendor={}\nproduct_name={}\n",
        value("Manufacturer:")?,
        value("Product Name:")?
    ))
}

fn processors(files: &SosFiles) -> Option<String> {
    let listed = files
        .get("sos_commands/processor/lscpu")
        .and_then(|text| first_line(text, "On-line CPU(s) list:"));
    if let Some(line) = listed {
        return Some(format!("{}\n", line.rsplit(' ').next()?.trim()));
    }
    let count =
        files.get("proc/cpuinfo")?.lines().filter(|line| line.starts_with("processor")).count();
    (count > 0).then(|| format!("{count}\n"))
}

/// What the files of interfaces say of how each starts.
fn interface_files(files: &SosFiles) -> Option<String> {
    let mut sent = String::new();
    for (path, text) in files {
        let Some(name) = path.strip_prefix(INTERFACE_FILES) else { continue };
        let _ = writeln!(sent, "ifcfg {name}\t");
        let keys = ["DEVICE=", "ONBOOT=", "BOOTPROTO=", "HWADDR=", "MACADDR="];
        for line in text.lines().filter(|line| keys.iter().any(|key| line.starts_with(key))) {
            let _ = writeln!(sent, "ifcfg {name}\t{line}");
        }
    }
    (!sent.is_empty()).then_some(sent)
}

/// The packages that matter, as `rpm -q` says them; a line of the list is `NAME-VERSION-RELEASE.ARCH`, and the time of its
/// installation.
fn rpms(list: &str) -> String {
    let mut answer = "manager rpm\n".to_owned();
    let installed: Vec<(&str, String)> = list.lines().filter_map(rpm).collect();
    for wanted in RPMS.into_iter().chain(["kernel"]) {
        let mut found = installed.iter().filter(|(name, _)| *name == wanted).peekable();
        if found.peek().is_none() {
            let _ = writeln!(answer, "package {wanted} is not installed");
        }
        found.for_each(|(name, rest)| {
            let _ = writeln!(answer, "{name} {rest}");
        });
    }
    answer
}

fn rpm(line: &str) -> Option<(&str, String)> {
    let (rest, arch) = line.split_whitespace().next()?.rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some((name, format!("{version} {release} {arch}")))
}

/// The packages of `dpkg -l`, as `dpkg-query` says them.
fn debs(list: &str) -> String {
    let mut answer = "manager dpkg\n".to_owned();
    for line in list.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [flags, name, version, arch, ..] = words[..] else { continue };
        let state = match flags {
            "ii" => "install ok installed",
            "hi" => "hold ok installed",
            "rc" => "deinstall ok config-files",
            _ => continue,
        };
        let name = name.split(':').next().unwrap_or(name);
        let _ = writeln!(answer, "{name} {version} - {arch} {state}");
    }
    answer
}

/// The lines of a package manager's settings that decide what is updated.
fn package_settings(text: &str) -> String {
    let mut sent = String::new();
    let mut goes_on = false;
    for line in text.lines() {
        let small = line.to_ascii_lowercase();
        let begins = |names: &[&str]| names.iter().any(|name| small.starts_with(name));
        let is_kept = match line.chars().next() {
            Some(' ' | '\t') => goes_on,
            _ => {
                goes_on = begins(&["exclude", "disable_excludes"]);
                goes_on || begins(&["[", "plugins", "enabled", "locklist", "reposdir"])
            }
        };
        if is_kept {
            let _ = writeln!(sent, "{line}");
        }
    }
    sent
}

/// The programs that matter out of `ps aux`, as /proc says them; none when the first process is not among them.
fn processes(text: &str) -> Option<String> {
    let mut answer = String::new();
    let mut sees_init = false;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, id, _, _, _, _, _, state, _, _, command, ..] = words[..] else { continue };
        let name = command.rsplit('/').next().unwrap_or(command);
        sees_init |= id == "1";
        if id == "1" || PROGRAMS.contains(&name) {
            let _ = writeln!(answer, "{id} ({name}) {}", state.chars().next().unwrap_or('S'));
        }
    }
    sees_init.then_some(answer)
}

fn swaps(text: &str) -> Option<String> {
    text.starts_with("Filename").then(|| text.to_owned())
}

/// The lines of /etc/fstab without what an option may hold.
fn fstab(text: &str) -> String {
    let mut sent = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [spec, point, ref rest @ ..] = words[..] else { continue };
        if spec.starts_with('#') {
            continue;
        }
        let is_path = spec.starts_with('/') && !spec.starts_with("//");
        let has_account = spec.contains('@') && !spec.contains('=') && !is_path;
        let spec = match spec.rsplit_once('@').filter(|_| has_account) {
            Some((_, place)) => format!("-@{place}"),
            None => spec.to_owned(),
        };
        let options = rest.get(1).copied().unwrap_or("defaults").split(',').map(|option| {
            match option.split_once('=') {
                Some((name, _)) => format!("{name}="),
                None if MOUNT_OPTIONS.contains(&option) || option == "discard" => option.to_owned(),
                None => "other".to_owned(),
            }
        });
        let options: Vec<String> = options.collect();
        let _ = writeln!(
            sent,
            "{spec} {point} {} {}",
            rest.first().unwrap_or(&"auto"),
            options.join(",")
        );
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::host;

    #[test]
    fn every_answer_is_to_a_probe_that_hosts_are_asked() {
        let files: SosFiles =
            FILES.iter().map(|path| ((*path).to_owned(), "x 1\n".to_owned())).collect();
        let asked: Vec<String> =
            host::master_target_probes().iter().map(|probe| probe.name.to_string()).collect();
        for name in answers(&files).by_probe.keys() {
            assert!(asked.contains(name), "{name}");
        }
    }

    #[test]
    fn files_say_what_probes_would() {
        let text = |parts: &[(&str, &str)], probe: &str| {
            let files =
                parts.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
            answers(&files).by_probe.get(probe).map(|answer| answer.text.clone())
        };
        let some = |text: &str| Some(text.to_owned());
        let ps = "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\n\
                  root 1 0.0 0.1 1 1 ? Ss Nov01 0:01 /sbin/init\n\
                  root 1402 0.0 0.1 1 1 ? Sl Nov01 0:01 /usr/local/ASR/Vx/bin/svagents -d\n\
                  ann 1500 0.0 0.1 1 1 ? S Nov01 0:01 less svagents\n";
        assert_eq!(
            text(&[("sos_commands/process/ps_auxwww", ps)], "processes"),
            some("1 (init) S\n1402 (svagents) S\n")
        );
        let own = ps.lines().skip(2).collect::<Vec<_>>().join("\n");
        assert_eq!(text(&[("sos_commands/process/ps_auxwww", &own)], "processes"), None);
        let rpms = text(&[("installed-rpms", "bash-4.1.2-29.el6.x86_64      Tue Nov 24 10:00:00 2026\nkernel-2.6.32-504.el6.x86_64 x\n")], "packages").unwrap();
        assert!(rpms.starts_with(
            "manager rpm\nbash 4.1.2 29.el6 x86_64\npackage xfsprogs is not installed\n"
        ));
        assert!(rpms.ends_with("\nkernel 2.6.32 504.el6 x86_64\n"));
        let fstab = "# c\nUUID=0a1b / ext4 defaults 1 1\n//u@srv/x /mnt cifs rw,username=u,password=p 0 0\n";
        assert_eq!(
            text(&[("etc/fstab", fstab)], "fstab"),
            some("UUID=0a1b / ext4 defaults\n-@srv/x /mnt cifs rw,username=,password=\n")
        );
        let dmi = "Handle 0x0001\nSystem Information\n\tManufacturer: VMware, Inc.\n\tProduct Name: VMware Virtual Platform\n\tSerial Number: x\n";
        assert_eq!(
            text(&[("dmidecode", dmi)], "dmi"),
            some("sys_vendor=VMware, Inc.\nproduct_name=VMware Virtual Platform\n")
        );
        assert_eq!(text(&[("proc/swaps", "bash: no such file\n")], "swaps"), None);
        let at = taken_at(
            &[(
                "sos_commands/date/date_--utc".to_owned(),
                "Mon Nov 30 09:06:48 UTC 2026\n".to_owned(),
            )]
            .into(),
        );
        assert_eq!(at.unwrap().to_string(), "2026-11-30T09:06:48Z");
    }
}
