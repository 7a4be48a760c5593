//! The replication agent on a host: its version, its role, and what its configuration says.
//!
//! How its files are spelled was seen in published sources and in the field, and is still to be
//! confirmed on a real agent: keys are compared without regard to case, underscores, blanks and
//! quotes, and a key that is not there is unknown rather than wrong. Not for whether it runs
//! (`processes`), nor for an agent's tarball (`image`).

use schemars::JsonSchema;
use serde::Serialize;

use super::Fact;
use super::file::{self, file_probe};
use super::probe::Probe;
use super::transcript::Transcript;

/// The agent's files.
///
/// Of `drscout.conf` only the keys below are sent, and none that looks like a secret. A file below
/// a directory that may not be searched is unreadable, not missing.
pub const PROBES: &[Probe] = &[
    file_probe!("agent-version", "/usr/local/.vx_version"),
    Probe::new(
        "agent-conf",
        r#"
dir=/usr/local/ASR
if [ -r /usr/local/.vx_version ]; then
  while IFS='=' read -r key value || [ -n "$key" ]; do
    case $key$value in INSTALLATION_DIR/*) dir=$value;; esac
  done < /usr/local/.vx_version
fi
conf=$dir/Vx/etc/drscout.conf
if [ ! -e "$conf" ]; then
  up=$conf
  while [ ! -e "$up" ]; do up=${up%/*}; [ -n "$up" ] || up=/; done
  [ -x "$up" ] || exit 1
  exit 44
fi
[ -r "$conf" ] || exit 1
[ -e "$dir/Vx/bin/UnifiedAgentConfigurator.sh" ] && echo 'preflight-configurator=yes'
while IFS= read -r line || [ -n "$line" ]; do
  case ${line%%=*} in
  *[Pp][Aa][Ss][Ss]*|*[Ss][Ee][Cc][Rr][Ee][Tt]*|*[Kk][Ee][Yy]*) ;;
  *[Rr][Oo][Ll][Ee]*|*[Pp][Ll][Aa][Tt][Ff][Oo][Rr][Mm]*) printf '%s\n' "$line";;
  *[Cc][Aa][Cc][Hh][Ee]*[Dd][Ii][Rr]*|*[Hh][Oo][Ss][Tt]*[Nn][Aa][Mm][Ee]*) printf '%s\n' "$line";;
  '['*) printf '%s\n' "$line";;
  esac
done < "$conf"
exit 0
"#,
    ),
    Probe::new(
        "agent-log",
        "[ -e /var/log/ua_install.log ] || exit 44\n\
         [ -r /var/log/ua_install.log ] || exit 1\n\
         limit 5 grep -i -m 3 'VM_PLATFORM value is either null' /var/log/ua_install.log\n\
         status=$?\n[ $status = 1 ] && exit 0\nexit $status",
    ),
];

/// The replication agent on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AgentFacts {
    /// Whether there is one.
    pub installed: Fact<bool>,
    /// Its version, such as `9.8.9.0`.
    pub version: Fact<String>,
    /// What it was made for, such as `RHEL6-64`.
    pub built_for: Fact<String>,
    /// The role it was installed with.
    pub role: Fact<Role>,
    /// The platform it takes the machine for.
    pub platform: Fact<Platform>,
    /// Whether its installation stopped because the platform had no value, at any time.
    pub platform_refused: Fact<bool>,
    /// Where it keeps what it has not sent yet.
    pub cache_directory: Fact<String>,
    /// The address of its configuration server.
    pub configuration_server: Fact<String>,
    /// Whether the configurator of newer agents is there.
    pub configurator: Fact<bool>,
}

/// The role an agent was installed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The other end of replication.
    MasterTarget,
    /// The agent of a machine that is protected.
    MobilityService,
    /// A word nobody knows.
    Other,
}

/// The platform an agent takes its machine for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// VMware.
    Vmware,
    /// Azure.
    Azure,
    /// Nothing at all.
    Blank,
    /// A word nobody knows.
    Other,
}

/// Reads the agent out of a transcript.
pub fn of(transcript: &Transcript) -> AgentFacts {
    let version = file::text(transcript, "agent-version", "/usr/local/.vx_version");
    let conf = file::text(transcript, "agent-conf", "drscout.conf");
    let log = file::text(transcript, "agent-log", "/var/log/ua_install.log");
    let refused = log.map(|text| text.is_some_and(|text| !text.trim().is_empty()));
    let from_version = |key| in_file(&version, "/usr/local/.vx_version", key);
    let from_conf = |key| in_file(&conf, "drscout.conf", key);
    AgentFacts {
        installed: version.clone().map(|text| text.is_some()),
        version: from_version("VERSION").and_then(filled),
        built_for: from_version("OS_BUILT_FOR").and_then(filled),
        role: from_conf("Role").and_then(filled).map(|word| role(&word)),
        platform: platform(&conf, &refused),
        platform_refused: refused,
        cache_directory: from_conf("CacheDirectory").and_then(filled),
        configuration_server: from_conf("Hostname").and_then(filled),
        configurator: conf
            .map(|text| text.is_some_and(|text| value(text, "preflight-configurator").is_some())),
    }
}

/// The value of a key in a file that may not be there.
fn in_file(text: &Fact<Option<&str>>, path: &str, key: &str) -> Fact<String> {
    text.clone().and_then(|text| match text.map(|text| value(text, key)) {
        Some(Some(value)) => Fact::Known(value),
        Some(None) => Fact::unavailable(format!("{path} has no {key}")),
        None => Fact::unavailable(format!("there is no {path}")),
    })
}

fn filled(value: String) -> Fact<String> {
    match value.is_empty() {
        true => Fact::unavailable("it is blank"),
        false => Fact::Known(value),
    }
}

/// The value of a key in a file of `key = value` lines; the last one counts.
///
/// ```
/// use preflight::facts::agent;
/// let text = "[vxagent]\n Cache_Directory = \"/usr/local/ASR/Vx/cache\"\n";
/// assert_eq!(agent::value(text, "CacheDirectory").as_deref(), Some("/usr/local/ASR/Vx/cache"));
/// ```
pub fn value(text: &str, key: &str) -> Option<String> {
    let plain = |key: &str| -> String {
        let letters = key.trim().chars().filter(|c| !matches!(c, '_' | ' '));
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let wanted = plain(key);
    let mut values = text.lines().filter_map(|line| {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            return None;
        }
        let (key, value) = line.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']).trim();
        (plain(key) == wanted).then(|| value.to_owned())
    });
    values.next_back()
}

/// The role a word stands for: `MasterTarget`, and `MT` as newer installers take it.
fn role(word: &str) -> Role {
    let letters: String =
        word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    match letters.as_str() {
        "mastertarget" | "mt" => Role::MasterTarget,
        "agent" | "ms" | "mobilityservice" | "scoutagent" => Role::MobilityService,
        _ => Role::Other,
    }
}

/// The platform. Without a key for it, an installation that stopped for want of it decides.
fn platform(conf: &Fact<Option<&str>>, refused: &Fact<bool>) -> Fact<Platform> {
    // The key is spelled VmPlatform and VM_PLATFORM, which are one to us; when both are there,
    // neither may be blank.
    let words: Vec<String> = match conf {
        Fact::Known(Some(text)) => {
            text.lines().filter_map(|line| value(line, "VmPlatform")).collect()
        }
        _ => Vec::new(),
    };
    let read = |word: &String| match word.to_ascii_lowercase().as_str() {
        "vmware" => Platform::Vmware,
        "azure" => Platform::Azure,
        "" | "null" => Platform::Blank,
        _ => Platform::Other,
    };
    let platforms: Vec<Platform> = words.iter().map(read).collect();
    let odd = platforms.iter().find(|it| matches!(it, Platform::Blank | Platform::Other));
    match (odd.or(platforms.last()), conf, refused) {
        (Some(platform), ..) => Fact::Known(*platform),
        (None, _, Fact::Known(true)) => Fact::Known(Platform::Blank),
        (None, Fact::Unavailable(why), _) => Fact::Unavailable(why.clone()),
        (None, Fact::Known(None), _) => Fact::unavailable("there is no drscout.conf"),
        (None, Fact::Known(Some(_)), _) => Fact::unavailable("drscout.conf has no VmPlatform"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::file::ABSENT;
    use crate::facts::file::tests::guest_transcript;

    const VERSION: &str =
        "PARTNER=inmage\nVERSION=9.8.9.0\nOS_BUILT_FOR=RHEL6-64\nINSTALLATION_DIR=/usr/local/ASR\n";
    const CONF: &str = "preflight-configurator=yes\n[vxagent]\nRole=MasterTarget\n\
        VmPlatform=VmWare\nVM_PLATFORM=VmWare\nCacheDirectory=/usr/local/ASR/Vx/cache\n\
        [vxtransport]\nHostname = cs01.example.test\n";

    fn agent(version: (i32, &str), conf: (i32, &str), log: (i32, &str)) -> AgentFacts {
        of(&guest_transcript(&[
            ("agent-version", version.0, version.1),
            ("agent-conf", conf.0, conf.1),
            ("agent-log", log.0, log.1),
        ]))
    }

    #[test]
    fn an_installed_agent_is_read() {
        let facts = agent((0, VERSION), (0, CONF), (0, ""));
        let text = |text: &str| Fact::Known(text.to_owned());
        assert_eq!(
            facts,
            AgentFacts {
                installed: Fact::Known(true),
                version: text("9.8.9.0"),
                built_for: text("RHEL6-64"),
                role: Fact::Known(Role::MasterTarget),
                platform: Fact::Known(Platform::Vmware),
                platform_refused: Fact::Known(false),
                cache_directory: text("/usr/local/ASR/Vx/cache"),
                configuration_server: text("cs01.example.test"),
                configurator: Fact::Known(true),
            }
        );
    }

    #[test]
    fn no_agent_and_an_unreadable_one_are_told_apart() {
        let none = agent((ABSENT, ""), (ABSENT, ""), (ABSENT, ""));
        assert_eq!(none.installed, Fact::Known(false));
        assert_eq!(none.version, Fact::unavailable("there is no /usr/local/.vx_version"));
        assert_eq!(none.role, Fact::unavailable("there is no drscout.conf"));
        assert_eq!(none.platform_refused, Fact::Known(false));
        let unreadable = agent((1, ""), (1, ""), (1, ""));
        assert!(unreadable.installed.known().is_none());
        assert_eq!(unreadable.platform, Fact::unavailable("drscout.conf could not be read"));
        let blank = agent((0, "PARTNER=inmage\nVERSION=\n"), (0, ""), (0, ""));
        assert_eq!(blank.version, Fact::unavailable("it is blank"));
        assert_eq!(blank.role, Fact::unavailable("drscout.conf has no Role"));
    }

    #[test]
    fn spellings_of_the_role() {
        for (line, expected) in [
            ("Role=MasterTarget", Some(Role::MasterTarget)),
            ("  role = \"Master Target\"  ", Some(Role::MasterTarget)),
            ("ROLE=MT\r", Some(Role::MasterTarget)),
            ("Role=Agent", Some(Role::MobilityService)),
            ("Role=MS", Some(Role::MobilityService)),
            ("Role=Something", Some(Role::Other)),
            ("Role=", None),
            ("#Role=MasterTarget", None),
            ("AgentRole=MasterTarget", None),
            ("Role=Agent\nRole=MasterTarget", Some(Role::MasterTarget)),
        ] {
            let facts = agent((0, VERSION), (0, line), (0, ""));
            assert_eq!(facts.role.known().copied(), expected, "{line:?}");
        }
    }

    #[test]
    fn spellings_of_the_platform() {
        for (conf, log, expected) in [
            ("VmPlatform=VmWare\n", "", Some(Platform::Vmware)),
            ("VM_PLATFORM = vmware\n", "", Some(Platform::Vmware)),
            ("vm_platform='Azure'\n", "", Some(Platform::Azure)),
            ("VmPlatform=VmWare\nVM_PLATFORM=\n", "", Some(Platform::Blank)),
            ("VmPlatform=\nVM_PLATFORM=VmWare\n", "", Some(Platform::Blank)),
            ("VmPlatform=null\n", "", Some(Platform::Blank)),
            ("VmPlatform=HyperV\n", "", Some(Platform::Other)),
            ("Role=MasterTarget\n", "", None),
            ("Role=MasterTarget\n", "VM_PLATFORM value is either null\n", Some(Platform::Blank)),
            ("VmPlatform=VmWare\n", "VM_PLATFORM value is either null\n", Some(Platform::Vmware)),
        ] {
            let facts = agent((0, VERSION), (0, conf), (0, log));
            assert_eq!(facts.platform.known().copied(), expected, "{conf:?}");
        }
    }
}
