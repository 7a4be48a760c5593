//! Whether an update of the system can bring another kernel, which the agent's drivers and
//! `kmod-reiserfs` would not fit.
//!
//! Not for which kernel runs (`os`).

use schemars::JsonSchema;
use serde::Serialize;

use super::Fact;
use super::file::{self, file_probe};
use super::packages::{Manager, PackageFacts};
use super::probe::Probe;
use super::transcript::Transcript;

/// Sends the sections and exclusions of `$conf`.
macro_rules! exclusions {
    () => {
        r#"
[ -e $conf ] || exit 44
[ -r $conf ] || exit 1
keep=
while IFS= read -r line || [ -n "$line" ]; do
  case $line in
  '['*) keep= && printf '%s\n' "$line";;
  [Ee]xclude*) keep=1 && printf '%s\n' "$line";;
  ' '*|'	'*) [ -z "$keep" ] || printf '%s\n' "$line";;
  *) keep=;;
  esac
done < $conf
"#
    };
}

/// The configuration of `yum` or `dnf`, the list of locked versions, and apt's daily duties.
///
/// Of the configuration only sections and exclusions are sent: it can hold a proxy's password.
pub const PROBES: &[Probe] = &[
    Probe::new("yum-conf", concat!("conf=/etc/yum.conf", exclusions!())),
    Probe::new("dnf-conf", concat!("conf=/etc/dnf/dnf.conf", exclusions!())),
    file_probe!("version-lock", "/etc/yum/pluginconf.d/versionlock.list"),
    Probe::new(
        "auto-upgrades",
        "[ -d /etc/apt/apt.conf.d ] || exit 44\nset +f\n\
         limit 5 grep -h 'APT::Periodic::Unattended-Upgrade' /etc/apt/apt.conf.d/*\n\
         status=$?\n[ $status = 1 ] && exit 0\nexit $status",
    ),
];

/// Whether an update can bring another kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KernelUpdateFacts {
    /// Whether it cannot.
    pub frozen: bool,
    /// By what, or what is missing; a fragment.
    pub how: String,
}

/// Reads it out of a transcript and the packages of the same host.
pub fn of(transcript: &Transcript, packages: &Fact<PackageFacts>) -> Fact<KernelUpdateFacts> {
    let packages = match packages {
        Fact::Known(packages) => packages,
        Fact::Unavailable(why) => return Fact::Unavailable(why.clone()),
    };
    match packages.manager {
        Manager::Rpm => of_rpm(transcript, packages),
        Manager::Dpkg => of_dpkg(transcript, packages),
    }
}

fn of_rpm(transcript: &Transcript, packages: &PackageFacts) -> Fact<KernelUpdateFacts> {
    let mut unread = None;
    let mut read = |probe, path| match file::text(transcript, probe, path) {
        Fact::Known(text) => text.unwrap_or_default().to_owned(),
        Fact::Unavailable(why) => {
            unread.get_or_insert(why);
            String::new()
        }
    };
    let yum = read("yum-conf", "/etc/yum.conf");
    let dnf = read("dnf-conf", "/etc/dnf/dnf.conf");
    let lock = read("version-lock", "/etc/yum/pluginconf.d/versionlock.list");
    let frozen = |how: String| Fact::Known(KernelUpdateFacts { frozen: true, how });
    for (path, text) in [("/etc/yum.conf", &yum), ("/etc/dnf/dnf.conf", &dnf)] {
        if let Some(pattern) = excluded(text).into_iter().find(|pattern| is_kernel(pattern)) {
            return frozen(format!("{path} excludes {pattern}"));
        }
    }
    if let Some(line) = lock.lines().map(str::trim).find(|line| locks_kernel(line)) {
        return frozen(format!("the version is locked: {line}"));
    }
    if let Some(why) = unread {
        return Fact::Unavailable(why);
    }
    let updater = packages
        .installed
        .items
        .iter()
        .find(|package| matches!(package.name.as_str(), "yum-cron" | "dnf-automatic"));
    let how = match updater {
        Some(updater) => format!("nothing excludes the kernel, and {} is installed", updater.name),
        None => "nothing excludes the kernel from an update".to_owned(),
    };
    Fact::Known(KernelUpdateFacts { frozen: false, how })
}

fn of_dpkg(transcript: &Transcript, packages: &PackageFacts) -> Fact<KernelUpdateFacts> {
    let held = packages.installed.items.iter().find(|p| p.held && p.name.starts_with("linux-"));
    if let Some(package) = held {
        let how = format!("{} is on hold", package.name);
        return Fact::Known(KernelUpdateFacts { frozen: true, how });
    }
    file::text(transcript, "auto-upgrades", "/etc/apt/apt.conf.d").map(|text| {
        let automatic = text.is_some_and(upgrades_by_itself);
        let how =
            if automatic { "apt installs updates by itself" } else { "apt waits to be asked" };
        KernelUpdateFacts { frozen: !automatic, how: how.to_owned() }
    })
}

/// The patterns that the `[main]` section of `yum.conf` or `dnf.conf` excludes.
///
/// ```
/// use preflight::facts::kernel_updates;
/// let text = "[main]\ngpgcheck=1\nexclude = kernel*, php\n  perl*\n";
/// assert_eq!(kernel_updates::excluded(text), ["kernel*", "php", "perl*"]);
/// ```
pub fn excluded(text: &str) -> Vec<String> {
    let mut main = false;
    let mut inside = false;
    let mut patterns = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if trimmed.starts_with('[') {
            main = trimmed.eq_ignore_ascii_case("[main]");
            inside = false;
            continue;
        }
        let values = if line.starts_with([' ', '\t']) && inside {
            trimmed
        } else if let Some((key, value)) = trimmed.split_once('=') {
            let key = key.trim();
            inside = main
                && ["exclude", "excludes", "excludepkgs"]
                    .iter()
                    .any(|word| key.eq_ignore_ascii_case(word));
            value
        } else {
            inside = false;
            ""
        };
        if inside {
            let words = values.split([',', ' ', '\t']).filter(|word| !word.is_empty());
            patterns.extend(words.map(str::to_owned));
        }
    }
    patterns
}

/// Whether a pattern of `exclude` covers a kernel that is yet to come: by its name, or by its name
/// with a version, both of which yum compares patterns with.
fn is_kernel(pattern: &str) -> bool {
    ["kernel", "kernel.x86_64", "kernel-2.6.32-9999.el6.x86_64", "kernel-3.10.0-9999.el7.x86_64"]
        .iter()
        .any(|name| matches(pattern, name))
}

/// Whether a shell pattern of `*`, `?` and plain characters matches a text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut states = vec![false; text.len() + 1];
    states[0] = true;
    for byte in pattern.bytes() {
        if byte == b'*' {
            let first = states.iter().position(|&reached| reached).unwrap_or(states.len());
            states.iter_mut().skip(first).for_each(|state| *state = true);
            continue;
        }
        for end in (1..states.len()).rev() {
            let fits = byte == b'?' || byte == text.as_bytes()[end - 1];
            states[end] = states[end - 1] && fits;
        }
        states[0] = false;
    }
    states[text.len()]
}

/// Whether a line of `versionlock.list` holds the kernel, such as `0:kernel-2.6.32-504.el6.*`.
fn locks_kernel(line: &str) -> bool {
    let name = line.split_once(':').map_or(line, |(_, name)| name);
    name.strip_prefix("kernel-").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether apt's periodic duties install updates; the last file that speaks of it counts.
fn upgrades_by_itself(text: &str) -> bool {
    let last = text.lines().rev().find_map(|line| {
        let line = line.trim();
        let rest = line.strip_prefix("APT::Periodic::Unattended-Upgrade")?;
        rest.starts_with([' ', '\t', '"']).then_some(())?;
        Some(rest.trim().trim_end_matches(';').trim().trim_matches('"').to_owned())
    });
    last.is_some_and(|value| !matches!(value.as_str(), "0" | "" | "false" | "no"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::file::ABSENT;
    use crate::facts::file::tests::guest_transcript;
    use crate::facts::packages;

    fn frozen(packages: &str, answers: &[(&str, i32, &str)]) -> Option<(bool, String)> {
        let facts = of(&guest_transcript(answers), &packages::parse(packages));
        facts.known().map(|facts| (facts.frozen, facts.how.clone()))
    }

    #[test]
    fn the_kernel_is_excluded_by_a_pattern_that_covers_it() {
        for (pattern, covers) in [
            ("kernel*", true),
            ("kernel", true),
            ("kernel-*", true),
            ("kernel.x86_64", true),
            ("kernel-2.6.32*", true),
            ("kernel-2.6.32-504*", false),
            ("k?rnel", true),
            ("*", true),
            ("kernel-headers", false),
            ("kernel-devel*", false),
            ("kernels*", false),
            ("Kernel*", false),
            ("", false),
        ] {
            assert_eq!(is_kernel(pattern), covers, "{pattern:?}");
        }
        for (text, patterns) in [
            ("[main]\nexclude=kernel*\n", &["kernel*"][..]),
            ("[main]\r\nexclude = kernel* \r\n", &["kernel*"]),
            ("[main]\nexclude=perl,\n\tkernel*\nplugins=1\n", &["perl", "kernel*"]),
            ("[main]\n#exclude=kernel*\n", &[]),
            ("[updates]\nexclude=kernel*\n[main]\nexcludepkgs=a\n", &["a"]),
            ("exclude=kernel*\n", &[]),
            ("[main]\nexclude\n", &[]),
        ] {
            assert_eq!(excluded(text), patterns, "{text:?}");
        }
    }

    #[test]
    fn a_centos_master_target_has_to_keep_its_kernel() {
        let rpm = "manager rpm\nbash 4.1.2 29.el6 x86_64\n";
        let files = |yum: &str, lock: &str| {
            frozen(
                rpm,
                &[
                    ("yum-conf", 0, yum),
                    ("dnf-conf", ABSENT, ""),
                    ("version-lock", if lock.is_empty() { ABSENT } else { 0 }, lock),
                ],
            )
        };
        let how = |frozen, how: &str| Some((frozen, how.to_owned()));
        assert_eq!(
            files("[main]\nexclude=kernel*\n", ""),
            how(true, "/etc/yum.conf excludes kernel*")
        );
        assert_eq!(
            files("[main]\n", "# locks\n0:kernel-2.6.32-504.el6.*\n"),
            how(true, "the version is locked: 0:kernel-2.6.32-504.el6.*")
        );
        assert_eq!(files("[main]\n", ""), how(false, "nothing excludes the kernel from an update"));
        assert_eq!(
            frozen(
                &format!("{rpm}yum-cron 3.2.29 60.el6 noarch\n"),
                &[("yum-conf", ABSENT, ""), ("dnf-conf", ABSENT, ""), ("version-lock", ABSENT, "")]
            ),
            how(false, "nothing excludes the kernel, and yum-cron is installed")
        );
        // What could not be read may hold the line that matters.
        assert_eq!(frozen(rpm, &[("yum-conf", 1, ""), ("dnf-conf", ABSENT, "")]), None);
        assert_eq!(frozen("", &[("yum-conf", 0, "[main]\nexclude=kernel*\n")]), None);
    }

    #[test]
    fn an_ubuntu_master_target_must_not_update_itself() {
        let dpkg = "manager dpkg\nbash 4.3 - amd64 install ok installed\n";
        let upgrades = |text| frozen(dpkg, &[("auto-upgrades", 0, text)]).unwrap().0;
        assert!(!upgrades(
            "APT::Periodic::Update-Package-Lists \"1\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n"
        ));
        assert!(upgrades("APT::Periodic::Unattended-Upgrade \"0\";\n"));
        assert!(!upgrades(
            "APT::Periodic::Unattended-Upgrade \"0\";\nAPT::Periodic::Unattended-Upgrade\t\"1\";\n"
        ));
        assert!(upgrades("APT::Periodic::Unattended-Upgrade-Shutdown \"1\";\n"));
        assert!(upgrades("// APT::Periodic::Unattended-Upgrade \"1\";\n"));
        assert!(frozen(dpkg, &[("auto-upgrades", ABSENT, "")]).unwrap().0);
        assert_eq!(frozen(dpkg, &[("auto-upgrades", 1, "")]), None);
        let held = format!("{dpkg}linux-image-generic 4.4 - amd64 hold ok installed\n");
        assert!(
            frozen(&held, &[("auto-upgrades", 0, "APT::Periodic::Unattended-Upgrade \"1\";\n")])
                .unwrap()
                .0
        );
    }
}
