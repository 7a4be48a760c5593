//! Which of the packages that matter are installed, and which of the required ones are missing.
//!
//! One question for all of them, to `rpm` or to `dpkg-query`. It includes `bash`, which no host is
//! without: a package database that cannot be read says "not installed" of everything, and that
//! must not be believed. Not for packages on a medium (`image`).

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact, Unavailable, file};

const PACKAGES: ProbeName = ProbeName::new("packages");

/// The installed versions of every package that any fact below speaks of.
///
/// `rpm -q` exits with the number of packages it did not find, so its own status says nothing.
pub const PROBES: &[Probe] = &[Probe::new(
    PACKAGES,
    r#"
if [ -e /etc/debian_version ] && [ -e /var/lib/dpkg/status ]; then
  echo manager dpkg
  limit 10 dpkg-query -W -f '${Package} ${Version} - ${Architecture} ${Status}\n' \
    bash xfsprogs lsscsi lvm2 kpartx multipath-tools python-pyasn1 python3-pyasn1 \
    reiserfsprogs walinuxagent waagent open-vm-tools unattended-upgrades \
    'linux-image*' 'linux-generic*' 'linux-virtual*' 'linux-lowlatency*' 'linux-oem*' \
    'linux-aws*' 'linux-azure*' 'linux-gcp*' 'linux-kvm*' 2>&1
else
  echo manager rpm
  limit 10 rpm -q --qf '%{NAME} %{VERSION} %{RELEASE} %{ARCH}\n' \
    bash xfsprogs perl lsscsi rsync wget kexec-tools device-mapper-multipath \
    kmod-reiserfs reiserfs-utils kpartx python2-pyasn1 lvm2 iprutils kernel \
    WALinuxAgent python-azure-agent open-vm-tools yum-cron dnf-automatic
fi
status=$?
case $status in 12[4-7]|13[0-9]|14[0-9]) exit $status;; esac
exit 0
"#,
)];

/// The package no host is without.
const WITNESS: &str = "bash";

/// What a CentOS master target needs beside a minimal installation (S001, Install additional
/// packages, step 2).
const BASE_RPM: &[&str] = &["xfsprogs", "perl", "lsscsi", "rsync", "wget", "kexec-tools"];

/// What an Ubuntu master target needs, beside multipath-tools
/// (D:vmware-azure-install-linux-master-target). The archives of 16.04 and 20.04 both have the
/// pyasn1 of Python 2.
const BASE_DPKG: &[&str] = &["lsscsi", "python-pyasn1", "lvm2", "kpartx"];

/// What stands for ReiserFS (S001, step 3).
const REISERFS_RPM: &[&str] = &["kmod-reiserfs", "reiserfs-utils"];
const REISERFS_DPKG: &[&str] = &["reiserfsprogs"];

/// What the ApplyCustomChanges.sh of 7.4 wants to see (agent, its CentOS 7.4 variant).
const SCRIPT_74_RPM: &[&str] =
    &["device-mapper-multipath", "lsscsi", "kpartx", "python2-pyasn1", "lvm2", "iprutils"];

/// Azure's own agent, under the names distributions give it.
const AZURE_AGENT: &[&str] = &["WALinuxAgent", "python-azure-agent", "walinuxagent", "waagent"];

/// Which of the packages that matter are installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PackageFacts {
    /// What answered.
    pub manager: PackageManager,
    /// What is installed of all that was asked for; a package stands in it once for each version.
    pub installed: Collection<PackageFact>,
    /// Which of the base packages are missing, in the names of this distribution.
    pub missing_base: Collection<String>,
    /// Which of the packages for ReiserFS are missing.
    pub missing_reiserfs: Collection<String>,
    /// Which of the packages that the script of 7.4 looks for are missing.
    pub missing_script_74: Collection<String>,
    /// Whether the multipath tools are installed.
    pub multipath: bool,
    /// The version of xfsprogs, such as `3.1.1-16.el6`; empty when it is not installed.
    pub xfsprogs: Fact<String>,
    /// Whether Azure's own agent is installed.
    pub azure_agent: Fact<bool>,
}

/// Who keeps a host's packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PackageManager {
    /// `rpm`.
    Rpm,
    /// `dpkg`.
    Dpkg,
}

/// One installed package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PackageFact {
    /// Its name.
    pub name: String,
    /// Its version and, with `rpm`, its release, such as `3.1.1-16.el6`.
    pub version: String,
    /// Its architecture.
    pub arch: String,
    /// Whether an update is kept back by the package manager itself.
    pub held: bool,
}

/// Reads the packages out of a transcript.
pub fn from_transcript(transcript: &Transcript) -> Result<PackageFacts, Unavailable> {
    file::complete_text(transcript, PACKAGES).and_then(parse)
}

/// Reads what the probe printed.
///
/// ```
/// use preflight::facts::guest::packages;
/// let text = "manager rpm\nbash 4.1.2 29.el6 x86_64\nxfsprogs 3.1.1 16.el6 x86_64\n\
///             package perl is not installed\n";
/// let packages = packages::parse(text).unwrap();
/// assert_eq!(packages.xfsprogs.known().unwrap(), "3.1.1-16.el6");
/// assert_eq!(packages.missing_base.items, ["perl"]);
/// // Nothing was said of the others.
/// assert!(!packages.missing_base.complete);
/// ```
pub fn parse(text: &str) -> Result<PackageFacts, Unavailable> {
    let mut lines = text.lines();
    let (manager, base, reiserfs, multipath) = match lines.next().map(str::trim) {
        Some("manager rpm") => {
            (PackageManager::Rpm, BASE_RPM, REISERFS_RPM, "device-mapper-multipath")
        }
        Some("manager dpkg") => (PackageManager::Dpkg, BASE_DPKG, REISERFS_DPKG, "multipath-tools"),
        _ => return Err("no package manager answered".into()),
    };
    let odd = |line| format!("the package manager printed {line:?}");
    let read = lines.map(|line| parse_line(line, manager).ok_or_else(|| odd(line)));
    let lines: Vec<PackageLine> = read.collect::<Result<_, _>>()?;
    let absent: Vec<&str> = lines.iter().filter_map(PackageLine::absent).collect();
    // A dpkg-query of old was not asked to say which names it does not know.
    let says_absent = manager == PackageManager::Rpm || !absent.is_empty();
    let installed: Vec<PackageFact> =
        lines.iter().filter_map(PackageLine::installed).cloned().collect();
    let has = |name: &str| installed.iter().any(|package| package.name == name);
    if !has(WITNESS) {
        return Err(format!(
            "the package database says nothing of {WITNESS}, which every host has, so it could \
             not be read"
        )
        .into());
    }
    let is_absent = |name: &str| !has(name) && (!says_absent || absent.contains(&name));
    let missing = |names: &[&str]| Collection {
        items: names.iter().filter(|name| is_absent(name)).map(|name| (*name).to_owned()).collect(),
        complete: names.iter().all(|name| has(name) || is_absent(name)),
    };
    let missing_line =
        |name: &str| format!("the answer of the package manager does not mention {name}");
    let version = |name: &str| match installed.iter().rfind(|package| package.name == name) {
        Some(package) => Fact::Known(package.version.clone()),
        None if is_absent(name) => Fact::Known(String::new()),
        None => Fact::unavailable(missing_line(name)),
    };
    let own_azure_agent: &[&str] = match manager {
        PackageManager::Rpm => &AZURE_AGENT[..2],
        PackageManager::Dpkg => &AZURE_AGENT[2..],
    };
    Ok(PackageFacts {
        manager,
        missing_base: missing(base),
        missing_reiserfs: missing(reiserfs),
        missing_script_74: missing(SCRIPT_74_RPM),
        multipath: has(multipath),
        xfsprogs: version("xfsprogs"),
        azure_agent: match own_azure_agent.iter().find(|name| !has(name) && !is_absent(name)) {
            _ if own_azure_agent.iter().any(|name| has(name)) => Fact::Known(true),
            Some(name) => Fact::unavailable(missing_line(name)),
            None => Fact::Known(false),
        },
        installed: Collection::complete(installed),
    })
}

/// What one line says.
enum PackageLine {
    Installed(PackageFact),
    Absent(String),
}

impl PackageLine {
    fn installed(&self) -> Option<&PackageFact> {
        match self {
            Self::Installed(package) => Some(package),
            Self::Absent(_) => None,
        }
    }

    fn absent(&self) -> Option<&str> {
        match self {
            Self::Installed(_) => None,
            Self::Absent(name) => Some(name),
        }
    }
}

/// What one line says of a package; none for a line that no package manager prints.
fn parse_line(line: &str, manager: PackageManager) -> Option<PackageLine> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let fact = |name: &str, version: String, arch: &str, held| {
        PackageLine::Installed(PackageFact {
            name: name.to_owned(),
            version,
            arch: arch.to_owned(),
            held,
        })
    };
    match (manager, words.as_slice()) {
        (PackageManager::Rpm, ["package", name, "is", "not", "installed"]) => {
            Some(PackageLine::Absent((*name).to_owned()))
        }
        (PackageManager::Rpm, [name, version, release, arch]) if !name.ends_with(':') => {
            Some(fact(name, format!("{version}-{release}"), arch, false))
        }
        (PackageManager::Dpkg, [name, version, "-", arch, wanted, _, "installed"]) => {
            Some(fact(name, (*version).to_owned(), arch, *wanted == "hold"))
        }
        (PackageManager::Dpkg, ["dpkg-query:", "no", "packages", "found", "matching", name])
        | (PackageManager::Dpkg, ["No", "packages", "found", "matching", name]) => {
            Some(PackageLine::Absent(name.trim_end_matches('.').to_owned()))
        }
        // Known and not installed: removed, unpacked, or never there, and then without a version.
        (PackageManager::Dpkg, [name, .., _, "ok" | "reinstreq", status])
            if DPKG_STATUS.contains(status) =>
        {
            Some(PackageLine::Absent((*name).to_owned()))
        }
        _ => None,
    }
}

/// The states of a package that dpkg knows and that is not installed (dpkg(1)).
const DPKG_STATUS: &[&str] = &[
    "not-installed", "config-files", "half-installed", "unpacked", "half-configured",
    "triggers-awaited", "triggers-pending",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::file::tests::guest_transcript;

    /// What `rpm` 4.8 prints for a master target, in the order the names were given.
    const GOOD: &str = "manager rpm\nbash 4.1.2 29.el6 x86_64\nxfsprogs 3.1.1 16.el6 x86_64\n\
        perl 5.10.1 136.el6_6.1 x86_64\nlsscsi 0.23 2.el6 x86_64\nrsync 3.0.6 12.el6 x86_64\n\
        wget 1.12 5.el6_6.1 x86_64\nkexec-tools 2.0.0 280.el6 x86_64\n\
        device-mapper-multipath 0.4.9 80.el6_6.2 x86_64\nkmod-reiserfs 0.0 1.el6.elrepo x86_64\n\
        reiserfs-utils 3.6.21 1.el6.elrepo x86_64\nkpartx 0.4.9 80.el6 x86_64\n\
        package python2-pyasn1 is not installed\nlvm2 2.02.111 2.el6 x86_64\n\
        iprutils 2.4.1 1.el6 x86_64\nkernel 2.6.32 504.el6 x86_64\n\
        kernel 2.6.32 504.3.3.el6 x86_64\npackage WALinuxAgent is not installed\n\
        package python-azure-agent is not installed\n";

    fn parsed(text: &str) -> PackageFacts {
        parse(text).unwrap()
    }

    #[test]
    fn what_is_missing_is_named() {
        let good = parsed(GOOD);
        assert!(good.missing_base.items.is_empty() && good.missing_base.complete);
        assert!(
            good.missing_reiserfs.items.is_empty()
                && good.multipath
                && good.azure_agent == Fact::Known(false)
        );
        assert_eq!(good.missing_script_74.items, ["python2-pyasn1"]);
        let kernels = good.installed.items.iter().filter(|p| p.name == "kernel");
        assert_eq!(
            kernels.map(|p| p.version.as_str()).collect::<Vec<_>>(),
            ["2.6.32-504.el6", "2.6.32-504.3.3.el6"]
        );
        let without = |line: &str| {
            let name = line.split(' ').next().unwrap();
            parsed(&GOOD.replace(line, &format!("package {name} is not installed\n")))
        };
        assert_eq!(without("lsscsi 0.23 2.el6 x86_64\n").missing_base.items, ["lsscsi"]);
        assert_eq!(without("xfsprogs 3.1.1 16.el6 x86_64\n").xfsprogs, Fact::Known(String::new()));
        assert_eq!(
            without("kmod-reiserfs 0.0 1.el6.elrepo x86_64\n").missing_reiserfs.items,
            ["kmod-reiserfs"]
        );
        assert!(!without("device-mapper-multipath 0.4.9 80.el6_6.2 x86_64\n").multipath);
    }

    #[test]
    fn a_database_that_cannot_be_read_says_nothing() {
        for text in [
            "",
            "manager rpm\n",
            "manager rpm\npackage bash is not installed\npackage perl is not installed\n",
            "manager dpkg\n",
            "xfsprogs 3.1.1 16.el6 x86_64\n",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        for (status, reason) in [
            (127, "packages: the command is missing on the host"),
            (124, "packages did not answer in time"),
        ] {
            let transcript = guest_transcript(&[("packages", status, GOOD)]);
            assert_eq!(from_transcript(&transcript), Err(reason.into()));
        }
    }

    #[test]
    fn dpkg_knows_packages_that_are_gone_or_held() {
        let text = "manager dpkg\nbash 4.3-14ubuntu1.4 - amd64 install ok installed\n\
            lsscsi 0.27-3 - amd64 install ok installed\n\
            lvm2 2.02.133-1ubuntu10 - amd64 deinstall ok config-files\n\
            kpartx 0.5.0 - amd64 install ok half-installed\n\
            python-pyasn1 0.1.9-1 - all install ok installed\n\
            multipath-tools 0.5.0+git1 - amd64 install ok installed\n\
            linux-image-generic 4.4.0.210 - amd64 hold ok installed\n\
            walinuxagent 2.2.45 - amd64 install ok installed\n";
        let packages = parsed(text);
        assert_eq!(packages.manager, PackageManager::Dpkg);
        assert_eq!(packages.missing_base.items, ["lvm2", "kpartx"]);
        assert!(packages.multipath && packages.azure_agent == Fact::Known(true));
        let held = packages.installed.items.iter().filter(|package| package.held);
        assert_eq!(held.map(|p| p.name.as_str()).collect::<Vec<_>>(), ["linux-image-generic"]);
    }

    #[test]
    fn a_package_of_which_nothing_is_said_is_neither_there_nor_missing() {
        for line in GOOD.lines().skip(2) {
            let packages = parsed(&GOOD.replace(&format!("{line}\n"), ""));
            let words: Vec<&str> = line.split(' ').collect();
            let name = if words[0] == "package" { words[1] } else { words[0] };
            let complete = |names: &[&str], list: &Collection<String>| {
                assert_eq!(list.complete, !names.contains(&name), "{line}");
                assert!(!list.items.iter().any(|missing| missing == name), "{line}");
            };
            complete(BASE_RPM, &packages.missing_base);
            complete(REISERFS_RPM, &packages.missing_reiserfs);
            complete(SCRIPT_74_RPM, &packages.missing_script_74);
            assert_eq!(packages.xfsprogs.known().is_none(), name == "xfsprogs", "{line}");
            let azure = AZURE_AGENT.contains(&name);
            assert_eq!(packages.azure_agent.known().is_none(), azure, "{line}");
        }
        for foreign in ["sh: rpm: command not found", "error: rpmdb open failed", "x"] {
            assert!(parse(&format!("{GOOD}{foreign}\n")).is_err(), "{foreign}");
        }
        let dpkg = "manager dpkg\nbash 4.3 - amd64 install ok installed\n\
            lsscsi 0.27-3 - amd64 install ok installed\n\
            dpkg-query: no packages found matching python-pyasn1\n\
            dpkg-query: no packages found matching lvm2\n\
            walinuxagent  - amd64 unknown ok not-installed\n\
            dpkg-query: no packages found matching waagent\n";
        let packages = parsed(dpkg);
        assert_eq!(packages.missing_base.items, ["python-pyasn1", "lvm2"]);
        assert!(!packages.missing_base.complete, "nothing was said of kpartx");
        assert_eq!(packages.azure_agent, Fact::Known(false));
    }
}
