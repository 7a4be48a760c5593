//! Which operating system runs on a host, on which kernel, and since when.
//!
//! Not for which agent may run on it: that is a check's business.

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Fact, Unavailable, file};

const RELEASE: ProbeName = ProbeName::new("release");
const UNAME: ProbeName = ProbeName::new("uname");
const BOOTED: ProbeName = ProbeName::new("booted");

/// The release text, the kernel's own words, and when it started.
pub const PROBES: &[Probe] = &[
    Probe::new(
        RELEASE,
        "for f in /etc/redhat-release /etc/os-release /usr/lib/os-release; do\n  \
         [ -r $f ] && { show $f; exit 0; }\ndone\nexit 1",
    ),
    Probe::new(UNAME, "uname -a"),
    Probe::new(
        BOOTED,
        "while read -r key value rest; do\n  \
         [ \"$key\" = btime ] && { printf '%s\\n' \"$value\"; exit 0; }\n\
         done < /proc/stat\nexit 1",
    ),
];

/// Which operating system runs on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OsFacts {
    /// The release as the system calls itself, such as `CentOS release 6.6 (Final)`.
    pub release: Fact<String>,
    /// Whose distribution it is.
    pub distribution: Fact<Distribution>,
    /// Its version as far as the release text tells, such as `6.6`, `7.4.1708`, `16.04`.
    pub version: Fact<String>,
    /// The running kernel, such as `2.6.32-504.el6.x86_64`.
    pub kernel: Fact<String>,
    /// The newest kernel of the running one's series that the documents name for a master target,
    /// such as `4.4.0-81`.
    pub newest_documented_kernel: Fact<String>,
    /// The kernel's architecture, such as `x86_64`.
    pub arch: Fact<String>,
    /// The host name the kernel has been given.
    pub host_name: Fact<String>,
    /// When the kernel started, in seconds since 1970 of the host's own clock.
    pub booted_at: Fact<i64>,
}

/// Whose distribution an operating system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// CentOS.
    Centos,
    /// Red Hat Enterprise Linux.
    Rhel,
    /// Oracle Linux.
    Oracle,
    /// Ubuntu.
    Ubuntu,
    /// Debian.
    Debian,
    /// SUSE Linux Enterprise or openSUSE.
    Suse,
    /// Any other.
    Other,
}

/// Reads the operating system out of a transcript.
pub fn from_transcript(transcript: &Transcript) -> OsFacts {
    let release = file::complete_text(transcript, RELEASE).and_then(parse_release);
    let kernel = file::complete_text(transcript, UNAME).and_then(parse_uname);
    let version = release.clone().and_then(|OsRelease { version, text, .. }| {
        Ok(version.ok_or_else(|| format!("{text:?} has no version"))?)
    });
    OsFacts {
        distribution: release.clone().map(|release| release.distribution).into(),
        version: version.into(),
        newest_documented_kernel: newest_documented_kernel(&release, &kernel).into(),
        release: release.map(|release| release.text).into(),
        arch: kernel.clone().map(|kernel| kernel.arch).into(),
        host_name: kernel.clone().map(|kernel| kernel.host_name).into(),
        kernel: kernel.map(|kernel| kernel.release).into(),
        booted_at: booted_at(transcript).into(),
    }
}

/// The newest kernel of each series of Ubuntu 16.04 that a master target is supported on
/// (D:vmware-azure-install-linux-master-target in its editions of 2018 and 2019).
///
/// That of 2026 says 4.16.* for every release, a series that none of Ubuntu's has; for 20.04 there
/// is no other word. The matrix of source machines has wider windows, which are not these.
const DOCUMENTED_KERNELS: [&str; 3] = ["4.4.0-81", "4.8.0-56", "4.10.0-24"];

fn newest_documented_kernel(
    release: &Result<OsRelease, Unavailable>,
    kernel: &Result<KernelInfo, Unavailable>,
) -> Result<String, Unavailable> {
    let (release, kernel) = (release.as_ref()?, kernel.as_ref()?);
    let is_xenial =
        release.distribution == Distribution::Ubuntu && release.version.as_deref() == Some("16.04");
    if !is_xenial {
        return Err(
            format!("no kernels of a master target on {} are documented", release.text).into()
        );
    }
    let series = |kernel: &str| kernel.split('.').take(2).map(str::to_owned).collect::<Vec<_>>();
    let mut newest = DOCUMENTED_KERNELS.iter();
    let found = newest.find(|newest| series(newest) == series(&kernel.release));
    Ok(found.map(|newest| (*newest).to_owned()).ok_or_else(|| {
        format!(
            "kernel {} is of no series that the documents name for a master target: up to {} in \
             2018 and 2019, 4.16.* in 2026",
            kernel.release,
            DOCUMENTED_KERNELS.join(", ")
        )
    })?)
}

fn booted_at(transcript: &Transcript) -> Result<i64, Unavailable> {
    let text = file::complete_text(transcript, BOOTED)?;
    Ok(text.trim().parse().map_err(|_| format!("btime is {text:?}"))?)
}

/// What a release file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsRelease {
    /// The release in one line.
    pub text: String,
    /// Whose distribution it is.
    pub distribution: Distribution,
    /// Its version; none when the text has no number.
    pub version: Option<String>,
}

/// Reads `/etc/redhat-release` or an `os-release` file.
///
/// ```
/// use preflight::facts::guest::os::{Distribution, parse_release};
/// let release = parse_release("CentOS release 6.6 (Final)\n").unwrap();
/// assert_eq!(release.distribution, Distribution::Centos);
/// assert_eq!(release.version.as_deref(), Some("6.6"));
/// ```
pub fn parse_release(text: &str) -> Result<OsRelease, Unavailable> {
    let key = |name: &str| {
        text.lines().find_map(|line| {
            let value = line.trim().strip_prefix(name)?.strip_prefix('=')?;
            Some(value.trim().trim_matches(['"', '\'']).to_owned())
        })
    };
    if let Some(id) = key("ID") {
        let version = key("VERSION_ID").filter(|version| !version.is_empty());
        let name = key("PRETTY_NAME").or_else(|| key("NAME")).unwrap_or_else(|| id.clone());
        return Ok(OsRelease { text: name, distribution: parse_distribution(&id), version });
    }
    let Some(line) = text.lines().map(str::trim).find(|line| !line.is_empty()) else {
        return Err("the release file is empty".into());
    };
    let version = line
        .split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .map(str::to_owned);
    Ok(OsRelease { text: line.to_owned(), distribution: parse_distribution(line), version })
}

/// The distribution a release text begins with, or the `ID` of an `os-release` file.
fn parse_distribution(text: &str) -> Distribution {
    let text = text.to_ascii_lowercase();
    let starts = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    let known: [(&[&str], Distribution); 6] = [
        (&["centos"], Distribution::Centos),
        (&["red hat enterprise", "rhel"], Distribution::Rhel),
        (&["oracle", "ol"], Distribution::Oracle),
        (&["ubuntu"], Distribution::Ubuntu),
        (&["debian"], Distribution::Debian),
        (&["sles", "suse", "opensuse"], Distribution::Suse),
    ];
    let found = known.into_iter().find(|(words, _)| starts(words));
    found.map_or(Distribution::Other, |(_, distribution)| distribution)
}

/// What `uname -a` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelInfo {
    /// The host name.
    pub host_name: String,
    /// The kernel's release.
    pub release: String,
    /// The architecture.
    pub arch: String,
}

/// Reads what `uname -a` prints: the architecture is the word before the operating system's name.
///
/// ```
/// use preflight::facts::guest::os;
/// let line = "Linux mt01 2.6.32-504.el6.x86_64 #1 SMP Wed Oct 15 04:27:16 UTC 2014 x86_64 x86_64 \
///             x86_64 GNU/Linux\n";
/// let kernel = os::parse_uname(line).unwrap();
/// assert_eq!((kernel.host_name.as_str(), kernel.arch.as_str()), ("mt01", "x86_64"));
/// assert_eq!(kernel.release, "2.6.32-504.el6.x86_64");
/// ```
pub fn parse_uname(text: &str) -> Result<KernelInfo, Unavailable> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["Linux", host_name, release, .., arch, "GNU/Linux" | "Linux"] => Ok(KernelInfo {
            host_name: (*host_name).to_owned(),
            release: (*release).to_owned(),
            arch: (*arch).to_owned(),
        }),
        _ => Err(format!("uname -a printed {text:?}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_told_apart() {
        use Distribution::*;
        let ubuntu = "NAME=\"Ubuntu\"\nVERSION=\"16.04.7 LTS (Xenial Xerus)\"\nID=ubuntu\n\
                      ID_LIKE=debian\nPRETTY_NAME=\"Ubuntu 16.04.7 LTS\"\nVERSION_ID=\"16.04\"\n";
        let sles = "NAME=\"SLES\"\nVERSION_ID='12.5'\nID=\"sles\"\n";
        let arch = "NAME=\"Arch Linux\"\nID=arch\n";
        for (text, line, distribution, version) in [
            ("CentOS release 6.6 (Final)\n", "CentOS release 6.6 (Final)", Centos, Some("6.6")),
            (
                "CentOS Linux release 7.4.1708 (Core) \n",
                "CentOS Linux release 7.4.1708 (Core)",
                Centos,
                Some("7.4.1708"),
            ),
            (
                "Red Hat Enterprise Linux Server release 6.6 (Santiago)\r\n",
                "Red Hat Enterprise Linux Server release 6.6 (Santiago)",
                Rhel,
                Some("6.6"),
            ),
            (
                "Oracle Linux Server release 6.6\n",
                "Oracle Linux Server release 6.6",
                Oracle,
                Some("6.6"),
            ),
            ("CentOS Stream release 8", "CentOS Stream release 8", Centos, Some("8")),
            (
                "\nScientific Linux release 6.6 (Carbon)",
                "Scientific Linux release 6.6 (Carbon)",
                Other,
                Some("6.6"),
            ),
            ("CentOS release\n", "CentOS release", Centos, None),
            (ubuntu, "Ubuntu 16.04.7 LTS", Ubuntu, Some("16.04")),
            (sles, "SLES", Suse, Some("12.5")),
            (arch, "Arch Linux", Other, None),
        ] {
            let version = version.map(str::to_owned);
            let release = OsRelease { text: line.to_owned(), distribution, version };
            assert_eq!(parse_release(text), Ok(release), "{text:?}");
        }
        assert!(parse_release(" \n").is_err());
    }

    #[test]
    fn a_kernel_is_held_against_its_own_series() {
        let newest = |release: &str, kernel: &str| {
            let release = parse_release(&format!("ID=ubuntu\nVERSION_ID={release}\n"));
            let line = format!("Linux mt1 {kernel} #1-Ubuntu SMP x86_64 GNU/Linux");
            newest_documented_kernel(&release, &parse_uname(&line)).ok()
        };
        assert_eq!(newest("16.04", "4.4.0-62-generic").as_deref(), Some("4.4.0-81"));
        assert_eq!(newest("16.04", "4.10.0-42-generic").as_deref(), Some("4.10.0-24"));
        for (release, kernel) in [
            ("16.04", "4.15.0-45-generic"),
            ("16.04", "4.16.0-1-generic"),
            ("16.04", "4.40.0-1-generic"),
            ("20.04", "5.4.0-42-generic"),
            ("20.04", "4.4.0-62-generic"),
        ] {
            assert_eq!(newest(release, kernel), None, "{release} {kernel}");
        }
    }

    #[test]
    fn the_architecture_stands_before_the_name_of_the_system() {
        for (text, arch) in [
            (
                "Linux a 2.6.32-504.el6.x86_64 #1 SMP Wed Oct 15 04:27:16 UTC 2014 x86_64 x86_64 x86_64 GNU/Linux",
                Some("x86_64"),
            ),
            (
                "Linux a 2.6.32-504.el6.i686 #1 SMP Wed Oct 15 2014 i686 i686 i386 GNU/Linux\n",
                Some("i386"),
            ),
            (
                "Linux a 4.4.0-210-generic #242-Ubuntu SMP Fri Apr 16 2021 x86_64 x86_64 x86_64 GNU/Linux",
                Some("x86_64"),
            ),
            ("Linux a 6.1.0 #1 SMP Debian 6.1.4-1 (2023-01-07) x86_64 GNU/Linux", Some("x86_64")),
            ("Linux a 6.1.0 #1-Alpine SMP 2023 x86_64 Linux", Some("x86_64")),
            ("Linux a 2.6.32", None),
            ("VMkernel esx1 6.7.0 #1 SMP Release build x86_64 x86_64 ESXi", None),
            ("", None),
        ] {
            assert_eq!(
                parse_uname(text).ok().map(|kernel| kernel.arch).as_deref(),
                arch,
                "{text:?}"
            );
        }
    }
}
