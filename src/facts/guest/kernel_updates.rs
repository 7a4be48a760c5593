//! Whether an update of the system can bring another kernel, which the agent's drivers and
//! `kmod-reiserfs` would not fit.
//!
//! Not for which kernel runs (`os`).

use schemars::JsonSchema;
use serde::Serialize;
use wildmatch::WildMatch;

use super::apt_pins::{self, AptPins};
use super::packages::{PackageFact, PackageFacts, PackageManager};
use crate::facts::file::{self, file_probe};
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Fact, Unavailable};

/// Defines `send FILE`, which sends the sections of a configuration and the keys that matter here.
macro_rules! send {
    () => {
        r#"
send() {
  keep=
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    '['*) keep= && printf '%s\n' "$line";;
    [Ee]xclude*|[Dd]isable_excludes*) keep=1 && printf '%s\n' "$line";;
    [Pp]lugins*|[Ee]nabled*|[Ll]ocklist*|[Rr]eposdir*) keep= && printf '%s\n' "$line";;
    ' '*|'	'*) [ -z "$keep" ] || printf '%s\n' "$line";;
    *) keep=;;
    esac
  done < "$1"
}
"#
    };
}

/// Sends what matters of `$conf`.
macro_rules! configuration {
    () => {
        concat!(send!(), "[ -e $conf ] || exit 44\n[ -r $conf ] || exit 1\nsend $conf\nexit 0\n")
    };
}

const YUM_CONF: ProbeName = ProbeName::new("yum-conf");
const DNF_CONF: ProbeName = ProbeName::new("dnf-conf");
const VERSION_LOCK: ProbeName = ProbeName::new("version-lock");
const VERSION_LOCK_CONF: ProbeName = ProbeName::new("version-lock-conf");
const YUM_REPOSITORIES: ProbeName = ProbeName::new("yum-repositories");
const APT_SETTINGS: ProbeName = ProbeName::new("apt-settings");
const AUTO_UPGRADES: ProbeName = ProbeName::new("auto-upgrades");

/// The configuration of `yum` or `dnf`, the list of locked versions, and apt's daily duties.
///
/// Of the configuration only sections and exclusions are sent: it can hold a proxy's password.
pub const PROBES: &[Probe] = &[
    Probe::new(YUM_CONF, concat!("conf=/etc/yum.conf", configuration!())),
    Probe::new(DNF_CONF, concat!("conf=/etc/dnf/dnf.conf", configuration!())),
    file_probe!(VERSION_LOCK, "/etc/yum/pluginconf.d/versionlock.list"),
    Probe::new(
        VERSION_LOCK_CONF,
        concat!("conf=/etc/yum/pluginconf.d/versionlock.conf", configuration!()),
    ),
    Probe::new(
        YUM_REPOSITORIES,
        concat!(
            send!(),
            "[ -d /etc/yum.repos.d ] || exit 44\n[ -r /etc/yum.repos.d ] || exit 1\nset +f\n\
             for f in /etc/yum.repos.d/*.repo; do\n  [ -e \"$f\" ] || continue\n  \
             [ -r \"$f\" ] || exit 1\n  send \"$f\"\ndone\nexit 0\n"
        ),
    ),
    Probe::new(
        APT_SETTINGS,
        "command -v apt-config >/dev/null || exit 44\n\
         said=$(limit 10 apt-config dump) || exit 1\n\
         printf '%s\\n' \"$said\" | grep -e '^APT::Architecture ' -e '^APT::Periodic::' \
         -e '^Unattended-Upgrade::Package-Blacklist::'",
    ),
    Probe::new(
        AUTO_UPGRADES,
        "[ -d /etc/apt/apt.conf.d ] || exit 44\nset +f\n\
         limit 5 grep -h 'APT::Periodic::Unattended-Upgrade' /etc/apt/apt.conf.d/*\n\
         status=$?\n[ $status = 1 ] && exit 0\nexit $status",
    ),
    apt_pins::PROBE,
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
pub fn from_transcript(
    transcript: &Transcript,
    packages: &Fact<PackageFacts>,
) -> Result<KernelUpdateFacts, Unavailable> {
    let packages = packages.value()?;
    match packages.manager {
        PackageManager::Rpm => from_rpm(transcript, packages),
        PackageManager::Dpkg => from_dpkg(transcript, packages),
    }
}

/// What a host says of the configuration of its package manager.
struct YumConfig {
    yum: String,
    dnf: String,
    lock: String,
    /// The lock's plug-in, which the lock is nothing without.
    lock_conf: Result<String, Unavailable>,
    repositories: Result<String, Unavailable>,
    unread: Option<Unavailable>,
}

impl YumConfig {
    fn from_transcript(transcript: &Transcript) -> Self {
        let mut unread = None;
        let maybe = |probe, path| {
            let text = file::contents(transcript, probe, path)?;
            Ok::<_, Unavailable>(text.unwrap_or_default().to_owned())
        };
        let mut read = |probe, path| {
            maybe(probe, path).unwrap_or_else(|why| {
                unread.get_or_insert(why);
                String::new()
            })
        };
        Self {
            yum: read(YUM_CONF, "/etc/yum.conf"),
            dnf: read(DNF_CONF, "/etc/dnf/dnf.conf"),
            lock: read(VERSION_LOCK, "/etc/yum/pluginconf.d/versionlock.list"),
            lock_conf: maybe(VERSION_LOCK_CONF, "/etc/yum/pluginconf.d/versionlock.conf"),
            repositories: maybe(YUM_REPOSITORIES, "/etc/yum.repos.d"),
            unread,
        }
    }

    /// By what the kernel is frozen; none when it is by nothing.
    fn freeze_reason(&self) -> Result<Option<String>, Unavailable> {
        for (path, text, keys) in [
            ("/etc/yum.conf", &self.yum, &["exclude"][..]),
            ("/etc/dnf/dnf.conf", &self.dnf, &["exclude", "excludepkgs"]),
        ] {
            let mut patterns = excluded_patterns(text, keys).into_iter();
            let Some(pattern) = patterns.find(|word| is_kernel(word)) else { continue };
            let how = format!("{path} excludes {pattern}");
            return match last_value(text, "main", "disable_excludes") {
                Some(value) if !value.is_empty() => {
                    Err(format!("{how}, and disable_excludes={value}").into())
                }
                _ => Ok(Some(how)),
            };
        }
        match self.lock_reason()? {
            Some(how) => Ok(Some(how)),
            None => self.repository_exclusion(),
        }
    }

    /// A line of the list of locks counts with its plug-in on.
    fn lock_reason(&self) -> Result<Option<String>, Unavailable> {
        let mut lines = self.lock.lines().map(str::trim);
        let Some(line) = lines.find(|line| locks_kernel(line)) else { return Ok(None) };
        let conf = self.lock_conf.as_ref().map_err(|why| {
            format!("the version is locked, if the plug-in is on: {}", why.reason)
        })?;
        let is_on = |value: Option<String>| value.is_some_and(|value| is_yes(&value));
        // Without a configuration there is no plug-in; yum's own switch is off by default.
        let on = is_on(last_value(&self.yum, "main", "plugins"))
            && is_on(last_value(conf, "main", "enabled"));
        match last_value(conf, "main", "locklist") {
            Some(path) if path != "/etc/yum/pluginconf.d/versionlock.list" => {
                Err(format!("the list of locked versions is {path}").into())
            }
            _ => Ok(on.then(|| format!("the version is locked: {line}"))),
        }
    }

    /// Exclusions in repositories count when every one that is on has one.
    fn repository_exclusion(&self) -> Result<Option<String>, Unavailable> {
        let text = self.repositories.as_ref().map_err(|why| {
            format!("nothing but a repository's file could exclude the kernel: {}", why.reason)
        })?;
        if let Some(path) = last_value(&self.yum, "main", "reposdir") {
            return Err(format!("repositories are in {path}").into());
        }
        let excludes = |name: &str| {
            let keys = ["exclude", "excludepkgs"];
            last_words(text, name, &keys).iter().any(|pattern| is_kernel(pattern))
        };
        let is_on =
            |name: &&String| last_value(text, name, "enabled").is_none_or(|value| is_yes(&value));
        let names = section_names(text);
        let (without, with): (Vec<&String>, Vec<&String>) =
            names.iter().filter(is_on).partition(|name| !excludes(name));
        match (with.first(), without.first()) {
            (None, _) => Ok(None),
            (Some(_), None) => {
                Ok(Some("every repository that is on excludes the kernel".to_owned()))
            }
            (Some(closed), Some(open)) => {
                let reason =
                    format!("repository {closed} excludes the kernel, and {open} does not");
                Err(reason.into())
            }
        }
    }
}

fn is_yes(value: &str) -> bool {
    ["1", "yes", "true", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

fn from_rpm(
    transcript: &Transcript,
    packages: &PackageFacts,
) -> Result<KernelUpdateFacts, Unavailable> {
    let yum = YumConfig::from_transcript(transcript);
    let freeze = yum.freeze_reason();
    if let Ok(Some(how)) = freeze {
        return Ok(KernelUpdateFacts { frozen: true, how });
    }
    match yum.unread {
        Some(why) => return Err(why),
        None => freeze?,
    };
    let updater = packages
        .installed
        .items
        .iter()
        .find(|package| matches!(package.name.as_str(), "yum-cron" | "dnf-automatic"));
    let how = match updater {
        Some(updater) => format!("nothing excludes the kernel, and {} is installed", updater.name),
        None => "nothing excludes the kernel from an update".to_owned(),
    };
    Ok(KernelUpdateFacts { frozen: false, how })
}

/// Whether a package brings the newest kernel of its kind, such as `linux-generic-hwe-16.04`.
fn is_meta(name: &str) -> bool {
    let kind = name.strip_prefix("linux-image-").or_else(|| name.strip_prefix("linux-"));
    let others = [
        "headers", "tools", "cloud-tools", "firmware", "base", "libc-dev", "image-extra",
        "modules", "doc", "source", "crashdump", "sound-base", "buildinfo", "signed-image",
    ];
    name != "linux-image"
        && kind.is_some_and(|kind| {
            kind.starts_with(|c: char| c.is_ascii_alphabetic())
            && !kind.starts_with("image")
            && !others.iter().any(|other| kind.starts_with(other))
            // `linux-image-unsigned-4.15.0-58-generic` is one kernel.
            && !kind.split('-').any(|part| part.split('.').count() > 2)
        })
}

/// The image that a package depends on the very version of.
fn image_of(name: &str) -> Option<String> {
    name.strip_prefix("linux-").map(|kind| format!("linux-image-{kind}"))
}

/// Whether an upgrade of this package is kept back: it is held, or the image it depends on is.
fn is_held(name: &str, held: &[&str]) -> bool {
    held.contains(&name) || image_of(name).is_some_and(|image| held.contains(&image.as_str()))
}

/// Whether apt's preferences keep a package from an upgrade: itself, the image it depends on, or
/// every kernel that is yet to come.
fn is_pinned_by(package: &PackageFact, pins: &AptPins) -> Result<bool, Unavailable> {
    let kind = package.name.trim_start_matches("linux-").trim_start_matches("image-");
    let flavour = kind.split('-').next().filter(|kind| *kind != "virtual").unwrap_or("generic");
    let kernel = format!("linux-image-9999.0.0-1-{flavour}");
    let image = image_of(&package.name).unwrap_or_default();
    Ok(pins.keep(&package.name, &package.version)?
        || pins.keep(&image, &package.version)?
        || pins.keep(&kernel, "")?)
}

fn from_dpkg(
    transcript: &Transcript,
    packages: &PackageFacts,
) -> Result<KernelUpdateFacts, Unavailable> {
    let installed = &packages.installed.items;
    let names = |wanted: &dyn Fn(&PackageFact) -> bool| -> Vec<&str> {
        installed.iter().filter(|p| wanted(p)).map(|p| p.name.as_str()).collect()
    };
    let held = names(&|package| package.held);
    let metas: Vec<&PackageFact> = installed.iter().filter(|p| is_meta(&p.name)).collect();
    let pins = AptPins::from_transcript(transcript);
    let (mut free, mut pinned, mut doubt) = (Vec::new(), Vec::new(), None);
    for package in metas.iter().filter(|package| !is_held(&package.name, &held)) {
        match pins.as_ref().map_err(Unavailable::clone).and_then(|pins| is_pinned_by(package, pins))
        {
            Ok(true) => pinned.push(package.name.as_str()),
            Ok(false) => free.push(package.name.as_str()),
            Err(why) => doubt = Some(why),
        }
    }
    // What one package is free for needs no other.
    if let Some(why) = doubt.filter(|_| free.is_empty()) {
        return Err(why);
    }
    // Every Ubuntu has a kernel: when none is listed, packages of kernels were not asked about.
    let is_kernel_image = |name: &str| {
        let release = name.strip_prefix("linux-image-").unwrap_or_default();
        release.starts_with(|c: char| c.is_ascii_digit())
    };
    let asked = installed.iter().any(|p| is_kernel_image(&p.name)) && packages.installed.complete;
    if asked && free.is_empty() && !metas.is_empty() {
        let kept = [("on hold", held), ("pinned by apt's preferences", pinned)];
        let kept = kept.iter().filter(|(_, names)| !names.is_empty());
        let how: Vec<_> = kept.map(|(how, names)| format!("{how}: {}", names.join(", "))).collect();
        return Ok(KernelUpdateFacts { frozen: true, how: how.join("; ") });
    }
    let probe = if transcript.was_asked(APT_SETTINGS) { APT_SETTINGS } else { AUTO_UPGRADES };
    let settings = file::contents(transcript, probe, "apt's configuration")?;
    let settings = settings.unwrap_or_default();
    let automatic = upgrades_unattended(settings, probe)?;
    let mut apt =
        if automatic { "apt installs updates by itself" } else { "apt waits to be asked" }
            .to_owned();
    let left_out = blacklist(settings);
    if automatic && !left_out.is_empty() {
        let patterns = left_out.join(", ");
        apt += &format!(
            ", but not what its blacklist has ({patterns}); an upgrade by hand brings that"
        );
    }
    let how = match free.as_slice() {
        [] => apt,
        free => format!("not on hold: {}; {apt}", free.join(", ")),
    };
    // What is not held comes with the next upgrade that a person asks for.
    Ok(KernelUpdateFacts { frozen: !automatic && (free.is_empty() || !asked), how })
}

/// The names of the sections of a configuration, each once.
fn section_names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        let name = line.strip_prefix('[').and_then(|rest| rest.split(']').next());
        if let Some(name) = name.filter(|name| !names.iter().any(|known| known == name)) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The last value of a key in a section.
fn last_value(text: &str, section: &str, key: &str) -> Option<String> {
    entries_of(text, section, &[key]).pop().map(|words| words.join(" "))
}

/// The words of the last line that has one of the keys, for that is the one that counts.
fn last_words(text: &str, section: &str, keys: &[&str]) -> Vec<String> {
    entries_of(text, section, keys).pop().unwrap_or_default()
}

/// The words of each line of a section that has one of the keys, with the lines that continue it.
fn entries_of(text: &str, section: &str, keys: &[&str]) -> Vec<Vec<String>> {
    let mut within = false;
    let mut inside = false;
    let mut entries: Vec<Vec<String>> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = trimmed.strip_prefix('[') {
            within = rest.split(']').next().is_some_and(|name| name.eq_ignore_ascii_case(section));
            inside = false;
            continue;
        }
        let words = if line.starts_with([' ', '\t']) && inside {
            trimmed
        } else if let Some((key, value)) = trimmed.split_once('=') {
            inside = within && keys.iter().any(|word| key.trim().eq_ignore_ascii_case(word));
            if inside {
                entries.push(Vec::new());
            }
            value
        } else {
            inside = false;
            ""
        };
        if let Some(entry) = entries.last_mut().filter(|_| inside) {
            let words = words.split([',', ' ', '\t']).filter(|word| !word.is_empty());
            entry.extend(words.map(str::to_owned));
        }
    }
    entries
}

/// The patterns that the `[main]` section excludes by one of these keys; of several lines the last
/// counts.
///
/// ```
/// use preflight::facts::guest::kernel_updates;
/// let text = "[main]\ngpgcheck=1\nexclude = kernel*, php\n  perl*\n";
/// assert_eq!(kernel_updates::excluded_patterns(text, &["exclude"]), ["kernel*", "php", "perl*"]);
/// let twice = "[main]\nexclude=kernel*\nexclude=php*\n";
/// assert_eq!(kernel_updates::excluded_patterns(twice, &["exclude"]), ["php*"]);
/// ```
pub fn excluded_patterns(text: &str, keys: &[&str]) -> Vec<String> {
    last_words(text, "main", keys)
}

/// Whether a pattern of `exclude` covers a kernel that is yet to come: by its name, or by its name
/// with a version, both of which yum compares patterns with.
fn is_kernel(pattern: &str) -> bool {
    ["kernel", "kernel.x86_64", "kernel-2.6.32-9999.el6.x86_64", "kernel-3.10.0-9999.el7.x86_64"]
        .iter()
        .any(|name| WildMatch::new(pattern).matches(name))
}

/// Whether a line of `versionlock.list` holds the kernel at one version, such as
/// `0:kernel-2.6.32-504.el6.*`. A line with an exclamation mark keeps a version away, and one whose
/// version or release is a pattern lets others in.
fn locks_kernel(line: &str) -> bool {
    let name = line.split_once(':').map_or(line, |(_, name)| name);
    let Some(rest) = name.strip_prefix("kernel-").filter(|_| !line.starts_with('!')) else {
        return false;
    };
    // The last part is the architecture.
    let Some((version, _)) = rest.rsplit_once('.') else { return false };
    version.starts_with(|c: char| c.is_ascii_digit())
        && version.contains('-')
        && !version.contains(['*', '?', '['])
}

/// The key of what unattended-upgrades leaves out; nobody else heeds it.
const BLACKLIST: &str = "Unattended-Upgrade::Package-Blacklist::";

/// The patterns of unattended-upgrades' blacklist that speak of kernels.
fn blacklist(settings: &str) -> Vec<&str> {
    let values = settings.lines().filter_map(|line| line.trim().strip_prefix(BLACKLIST));
    let values = values.map(|value| value.trim().trim_end_matches(';').trim_matches('"'));
    values.filter(|pattern| pattern.contains("linux")).collect()
}

/// Whether apt's periodic duties install updates; the last file that speaks of it counts. What is no
/// setting was not apt's answer.
fn upgrades_unattended(text: &str, probe: ProbeName<'_>) -> Result<bool, Unavailable> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_setting = |line: &&str| line.contains("APT::") || line.starts_with(BLACKLIST);
    if let Some(line) = lines().find(|line| !is_setting(line)) {
        return Err(format!("apt's configuration has a line {line:?}").into());
    }
    if probe == APT_SETTINGS && !lines().any(|line| line.starts_with("APT::Architecture ")) {
        return Err("apt-config did not print its settings".into());
    }
    let value = |key: &str| {
        lines().rev().find_map(|line| {
            let rest = line.strip_prefix(key)?;
            rest.starts_with([' ', '\t', '"']).then_some(())?;
            Some(rest.trim().trim_end_matches(';').trim().trim_matches('"').to_owned())
        })
    };
    let off = |value: String| matches!(value.as_str(), "0" | "" | "false" | "no");
    let never = value("APT::Periodic::Enable").is_some_and(off);
    Ok(!never && value("APT::Periodic::Unattended-Upgrade").is_some_and(|word| !off(word)))
}

#[cfg(test)]
mod tests;
