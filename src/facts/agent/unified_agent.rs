//! The replication agent on a host: its version, its role, and what its configuration says.
//!
//! How its files are spelled was seen in published sources and in the field, and is still to be
//! confirmed on a real agent: keys are compared without regard to case, underscores, blanks and
//! quotes, and a key that is not there is unknown rather than wrong. Not for whether it runs
//! (`processes`), nor for an agent's tarball (`image`).

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::file::{self, file_probe};
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Fact, Unavailable};

/// Shell text that finds the agent, for every probe that needs it. It touches no file system but
/// that of `/usr/local`.
///
/// `setting FILE PATTERN` makes `value` what a file says of the key that the pattern matches once
/// blanks and underscores are taken out of it, and `state` one of `yes`, `no`, `doubled` (lines
/// whose values differ) and `unreadable`. `dir` is the installation directory, empty when
/// `/usr/local/.vx_version` does not tell one; `conf` is its drscout.conf.
macro_rules! installation {
    () => {
        r#"
bare() {
  bare=$1
  while :; do case $bare in
    [[:space:]\"\']*) bare=${bare#?};;
    *[[:space:]\"\']) bare=${bare%?};;
    *) break;;
  esac; done
}
setting() {
  value= state=no
  [ -r "$1" ] || { state=unreadable; return 1; }
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in *=*) ;; *) continue;; esac
    key=${line%%=*}
    while :; do case $key in
      *[[:space:]_]*) key=${key%%[[:space:]_]*}${key#*[[:space:]_]};;
      *) break;;
    esac; done
    case $key in $2) ;; *) continue;; esac
    bare "${line#*=}"
    case $state in
      no) value=$bare state=yes;;
      *) [ "$bare" = "$value" ] || state=doubled;;
    esac
  done < "$1"
  [ $state = yes ]
}
dir=/usr/local/ASR
if [ -e /usr/local/.vx_version ]; then
  setting /usr/local/.vx_version '[Ii][Nn][Ss][Tt][Aa][Ll][Ll][Aa][Tt][Ii][Oo][Nn][Dd][Ii][Rr]'
  case $state:$value in
    yes:/*) dir=$value;;
    no:*) ;;
    *) dir=;;
  esac
fi
while :; do case $dir in ?*/) dir=${dir%/};; *) break;; esac; done
conf=$dir/Vx/etc/drscout.conf
"#
    };
}
pub(in crate::facts) use installation;

/// Where the agent is installed when nothing is said of it (S001, agent).
pub const DEFAULT_DIRECTORY: &str = "/usr/local/ASR";

const AGENT_VERSION: ProbeName = ProbeName::new("agent-version");
/// The agent's configuration.
pub const CONF: ProbeName = ProbeName::new("agent-conf");
const AGENT_LOG: ProbeName = ProbeName::new("agent-log");

/// The agent's files.
///
/// Of `drscout.conf` only the keys below are sent, and none that looks like a secret, behind a line
/// that says whose configuration it is. A file below a directory that may not be searched is
/// unreadable, not missing.
pub const PROBES: &[Probe] = &[
    file_probe!(AGENT_VERSION, "/usr/local/.vx_version"),
    Probe::new(
        CONF,
        concat!(
            installation!(),
            r#"
[ -n "$dir" ] || exit 1
if [ ! -e "$conf" ]; then
  up=$conf
  while [ ! -e "$up" ]; do up=${up%/*}; [ -n "$up" ] || up=/; done
  [ -x "$up" ] || exit 1
  exit 44
fi
[ -r "$conf" ] || exit 1
printf 'preflight-directory=%s\n' "$dir"
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
"#
        ),
    ),
    Probe::new(
        AGENT_LOG,
        "[ -e /var/log/ua_install.log ] || exit 44\n\
         [ -r /var/log/ua_install.log ] || exit 1\n\
         limit 5 grep -i -m 3 'VM_PLATFORM value is either null' /var/log/ua_install.log\n\
         status=$?\n[ $status = 1 ] && exit 0\nexit $status",
    ),
];

/// The replication agent on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AgentFacts {
    /// Whether there is one. A version file that names no version proves neither.
    pub installed: Fact<bool>,
    /// Whether it has a configuration.
    pub configured: Fact<bool>,
    /// Where it is installed; where it would be, by default, when it is not.
    pub directory: Fact<String>,
    /// Its version, such as `9.8.9.0`.
    pub version: Fact<String>,
    /// What it was made for, such as `RHEL6-64`.
    pub built_for: Fact<String>,
    /// The role it was installed with.
    pub role: Fact<AgentRole>,
    /// The platform it takes the machine for.
    pub platform: Fact<AgentPlatform>,
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
pub enum AgentRole {
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
pub enum AgentPlatform {
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
pub fn from_transcript(transcript: &Transcript) -> AgentFacts {
    let version = file::contents(transcript, AGENT_VERSION, VERSION_FILE);
    let directory = version.clone().and_then(installation_directory);
    let conf = file::contents(transcript, CONF, "drscout.conf")
        .and_then(|text| require_directory(text, &directory));
    let refused = file::contents(transcript, AGENT_LOG, "/var/log/ua_install.log")
        .and_then(|text| parse_install_log(text.unwrap_or_default()));
    let from_version = |key| value_in_file(version.clone()?, VERSION_FILE, key);
    let from_conf = |key| value_in_file(conf.clone()?, "drscout.conf", key);
    let number = from_version("VERSION").and_then(parse_version);
    let installed = version.clone().and_then(|text| match (text, &number) {
        (None, _) => Ok(false),
        (Some(_), Ok(_)) => Ok(true),
        (Some(_), Err(why)) => {
            Err(format!("{VERSION_FILE} is there, and of VERSION: {}", why.reason).into())
        }
    });
    let is_configurators = |text: &str| !values(text, "preflight-configurator").is_empty();
    AgentFacts {
        installed: installed.into(),
        configured: conf.clone().map(|text| text.is_some()).into(),
        directory: directory.into(),
        version: number.into(),
        built_for: from_version("OS_BUILT_FOR").into(),
        role: from_conf("Role").map(|word| parse_role(&word)).into(),
        platform: read_platform(&conf, &refused).into(),
        platform_refused: refused.into(),
        cache_directory: from_conf("CacheDirectory").into(),
        configuration_server: from_conf("Hostname").into(),
        configurator: conf.map(|text| text.is_some_and(is_configurators)).into(),
    }
}

/// The file by which the agent says that it is there.
const VERSION_FILE: &str = "/usr/local/.vx_version";

impl AgentFacts {
    /// The directories that the agent fills, or will when it is installed: its own, and that of its
    /// cache. Unavailable when one of them is not known.
    pub fn directories(&self) -> Result<Vec<String>, Unavailable> {
        let directory = self.directory.value()?.clone();
        // A configuration that is left over counts.
        if self.installed == Fact::Known(false) && self.configured == Fact::Known(false) {
            return Ok(vec![directory]);
        }
        let cache = self.cache_directory.value()?.clone();
        Ok(vec![format!("{directory}/Vx"), directory, cache])
    }
}

/// Where the agent is, by its own word; the default when it says nothing of it.
fn installation_directory(text: Option<&str>) -> Result<String, Unavailable> {
    let path = text.map_or(Ok(None), |text| value(text, "INSTALLATION_DIR"))?;
    let Some(path) = path else { return Ok(DEFAULT_DIRECTORY.to_owned()) };
    if !path.starts_with('/') {
        return Err(format!("INSTALLATION_DIR is {path:?}, which is not an absolute path").into());
    }
    let path = path.trim_end_matches('/');
    Ok(if path.is_empty() { "/" } else { path }.to_owned())
}

/// A configuration, when it is that of the directory the agent says it is in.
fn require_directory<'t>(
    text: Option<&'t str>,
    directory: &Result<String, Unavailable>,
) -> Result<Option<&'t str>, Unavailable> {
    let Some(text) = text else { return Ok(None) };
    let directory = directory.as_ref()?;
    match value(text, "preflight-directory") {
        Ok(Some(read)) if read != *directory => {
            Err(format!("drscout.conf was read below {read}, the agent is in {directory}").into())
        }
        _ => Ok(Some(text)),
    }
}

/// Whether the installer stopped for want of a platform. What is no such line is no answer.
fn parse_install_log(text: &str) -> Result<bool, Unavailable> {
    let is_one =
        |line: &str| line.to_ascii_lowercase().contains("vm_platform value is either null");
    match text.lines().find(|line| !is_one(line)) {
        Some(line) => Err(format!("the probe of ua_install.log printed {line:?}").into()),
        None => Ok(!text.is_empty()),
    }
}

/// A version of numbers and dots.
pub(in crate::facts) fn parse_version(word: String) -> Result<String, Unavailable> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if word.contains('.') && word.split('.').all(is_number) {
        Ok(word)
    } else {
        Err(format!("{word:?} is not a version").into())
    }
}

/// The value of a key in a file that may not be there.
fn value_in_file(text: Option<&str>, path: &str, key: &str) -> Result<String, Unavailable> {
    let text = text.ok_or_else(|| format!("there is no {path}"))?;
    let value = value(text, key)?.ok_or_else(|| format!("{path} has no {key}"))?;
    if value.is_empty() { Err("it is blank".into()) } else { Ok(value) }
}

/// The value of a key in a file of `key = value` lines; none when it is not there, and unavailable
/// when it is there with values that differ, for nobody knows which of them the agent takes.
///
/// ```
/// use preflight::facts::agent::unified_agent;
/// let text = "[vxagent]\n Cache_Directory = \"/usr/local/ASR/Vx/cache\"\nRole=MT\nRole=Agent\n";
/// let cache = unified_agent::value(text, "CacheDirectory").unwrap();
/// assert_eq!(cache.as_deref(), Some("/usr/local/ASR/Vx/cache"));
/// assert!(unified_agent::value(text, "Role").is_err());
/// ```
pub fn value(text: &str, key: &str) -> Result<Option<String>, Unavailable> {
    let values = values(text, key);
    let Some((first, rest)) = values.split_first() else { return Ok(None) };
    match rest.iter().find(|other| *other != first) {
        None => Ok(Some(first.clone())),
        Some(other) => Err(format!("{key} stands there twice, as {first:?} and {other:?}").into()),
    }
}

/// Every value of a key, in the order of the lines.
fn values(text: &str, key: &str) -> Vec<String> {
    let plain = |key: &str| -> String {
        let letters = key.chars().filter(|c| *c != '_' && !c.is_whitespace());
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let wanted = plain(key);
    let value = |line: &str| {
        let (key, value) = line.split_once('=')?;
        let value = value.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        (plain(key) == wanted).then(|| value.to_owned())
    };
    text.lines().filter_map(value).collect()
}

/// The role a word stands for: `MasterTarget`, and `MT` as newer installers take it.
pub(in crate::facts) fn parse_role(word: &str) -> AgentRole {
    let letters: String =
        word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    match letters.as_str() {
        "mastertarget" | "mt" => AgentRole::MasterTarget,
        "agent" | "ms" | "mobilityservice" | "scoutagent" => AgentRole::MobilityService,
        _ => AgentRole::Other,
    }
}

/// The platform. Without a key for it, an installation that stopped for want of it decides.
fn read_platform(
    conf: &Result<Option<&str>, Unavailable>,
    refused: &Result<bool, Unavailable>,
) -> Result<AgentPlatform, Unavailable> {
    // The key is spelled VmPlatform and VM_PLATFORM, which are one to us; when both are there,
    // neither may be blank, and both must say the same.
    let words: Vec<String> = match conf {
        Ok(Some(text)) => values(text, "VmPlatform"),
        _ => Vec::new(),
    };
    let read = |word: &String| match word.to_ascii_lowercase().as_str() {
        "vmware" => AgentPlatform::Vmware,
        "azure" => AgentPlatform::Azure,
        "" | "null" => AgentPlatform::Blank,
        _ => AgentPlatform::Other,
    };
    let platforms: Vec<AgentPlatform> = words.iter().map(read).collect();
    let odd = platforms
        .iter()
        .find(|platform| matches!(platform, AgentPlatform::Blank | AgentPlatform::Other));
    if odd.is_none() && platforms.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(format!("drscout.conf names platforms {}", words.join(", ")).into());
    }
    match (odd.or(platforms.last()), conf, refused) {
        (Some(platform), ..) => Ok(*platform),
        (None, _, Ok(true)) => Ok(AgentPlatform::Blank),
        (None, Err(why), _) => Err(why.clone()),
        (None, Ok(None), _) => Err("there is no drscout.conf".into()),
        (None, Ok(Some(_)), _) => Err("drscout.conf has no VmPlatform".into()),
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
        from_transcript(&guest_transcript(&[
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
                configured: Fact::Known(true),
                directory: text("/usr/local/ASR"),
                version: text("9.8.9.0"),
                built_for: text("RHEL6-64"),
                role: Fact::Known(AgentRole::MasterTarget),
                platform: Fact::Known(AgentPlatform::Vmware),
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
        assert_eq!(none.directories(), Ok(vec!["/usr/local/ASR".to_owned()]));
        assert_eq!(none.version, Fact::unavailable("there is no /usr/local/.vx_version"));
        assert_eq!(none.role, Fact::unavailable("there is no drscout.conf"));
        assert_eq!(none.platform_refused, Fact::Known(false));
        let unreadable = agent((1, ""), (1, ""), (1, ""));
        assert!(unreadable.installed.known().is_none());
        assert_eq!(unreadable.platform, Fact::unavailable("drscout.conf could not be read"));
        let blank = agent((0, "PARTNER=inmage\nVERSION=\n"), (0, ""), (0, ""));
        assert_eq!(blank.version, Fact::unavailable("it is blank"));
        assert_eq!(blank.installed.known(), None);
        assert_eq!(blank.role, Fact::unavailable("drscout.conf has no Role"));
    }

    #[test]
    fn spellings_of_the_role() {
        for (line, expected) in [
            ("Role=MasterTarget", Some(AgentRole::MasterTarget)),
            ("  role = \"Master Target\"  ", Some(AgentRole::MasterTarget)),
            ("ROLE=MT\r", Some(AgentRole::MasterTarget)),
            ("Role=Agent", Some(AgentRole::MobilityService)),
            ("Role=MS", Some(AgentRole::MobilityService)),
            ("Role=Something", Some(AgentRole::Other)),
            ("Role=", None),
            ("#Role=MasterTarget", None),
            ("AgentRole=MasterTarget", None),
            ("Role=Agent\nRole=MasterTarget", None),
            ("Role=MasterTarget\n[other]\nRole = MasterTarget", Some(AgentRole::MasterTarget)),
        ] {
            let facts = agent((0, VERSION), (0, &format!("{line}\n")), (0, ""));
            assert_eq!(facts.role.known().copied(), expected, "{line:?}");
        }
    }

    #[test]
    fn spellings_of_the_platform() {
        for (conf, log, expected) in [
            ("VmPlatform=VmWare\n", "", Some(AgentPlatform::Vmware)),
            ("VM_PLATFORM = vmware\n", "", Some(AgentPlatform::Vmware)),
            ("vm_platform='Azure'\n", "", Some(AgentPlatform::Azure)),
            ("VmPlatform=VmWare\nVM_PLATFORM=\n", "", Some(AgentPlatform::Blank)),
            ("VmPlatform=\nVM_PLATFORM=VmWare\n", "", Some(AgentPlatform::Blank)),
            ("VmPlatform=null\n", "", Some(AgentPlatform::Blank)),
            ("VmPlatform=HyperV\n", "", Some(AgentPlatform::Other)),
            ("VmPlatform=VmWare\nVM_PLATFORM=Azure\n", "", None),
            ("Role=MasterTarget\n", "", None),
            (
                "Role=MasterTarget\n",
                "VM_PLATFORM value is either null\n",
                Some(AgentPlatform::Blank),
            ),
            (
                "VmPlatform=VmWare\n",
                "VM_PLATFORM value is either null\n",
                Some(AgentPlatform::Vmware),
            ),
        ] {
            let facts = agent((0, VERSION), (0, conf), (0, log));
            assert_eq!(facts.platform.known().copied(), expected, "{conf:?}");
        }
    }

    #[test]
    fn a_file_without_a_version_is_no_agent() {
        for (text, installed) in [
            ("\n", None),
            ("", None),
            (" \n\n", None),
            ("sh: show: command not found\n", None),
            ("PARTNER=inmage\n", None),
            ("VERSION=\n", None),
            ("VERSION=\"\"\n", None),
            ("VERSION=null\n", None),
            ("VERSION=9.8.9.0\nVERSION=9.9.1.0\n", None),
            ("VERSION=9.8.9.0\nVERSION=9.8.9.0\n", Some(true)),
            ("VERSION=9.8.9.0\nINSTALLATION_D", None),
            ("version = '9.8.9.0'\r\n", Some(true)),
        ] {
            let facts = agent((0, text), (0, CONF), (0, ""));
            assert_eq!(facts.installed.known().copied(), installed, "{text:?}");
        }
    }

    #[test]
    fn a_key_with_two_values_has_none() {
        let version = |dirs: &str| format!("VERSION=9.8.9.0\n{dirs}");
        for (dirs, expected) in [
            ("", Some("/usr/local/ASR")),
            ("INSTALLATION_DIR=/opt/ASR/\n", Some("/opt/ASR")),
            ("Installation_Dir = \"/opt/ASR\"\n", Some("/opt/ASR")),
            ("INSTALLATION_DIR=/opt/ASR\nINSTALLATION_DIR='/opt/ASR'\n", Some("/opt/ASR")),
            ("INSTALLATION_DIR=/opt/ASR\nINSTALLATION_DIR=/usr/local/ASR\n", None),
            ("INSTALLATION_DIR=opt/ASR\n", None),
            ("INSTALLATION_DIR=\n", None),
        ] {
            let facts = agent((0, &version(dirs)), (0, CONF), (0, ""));
            assert_eq!(facts.directory.known().map(String::as_str), expected, "{dirs:?}");
            // Whose configuration was read is not known then.
            assert_eq!(facts.role.known().is_some(), expected.is_some(), "{dirs:?}");
        }
        let two = "Hostname=cs01\n[vxtransport]\nhost_name=10.9.9.9\nCacheDirectory=/a\n";
        let facts = agent((0, VERSION), (0, two), (0, ""));
        assert_eq!(
            facts.configuration_server,
            Fact::unavailable("Hostname stands there twice, as \"cs01\" and \"10.9.9.9\"")
        );
        assert_eq!(facts.cache_directory, Fact::Known("/a".to_owned()));
    }

    #[test]
    fn a_configuration_counts_only_for_the_agent_it_is_of() {
        let conf = |dir: &str| format!("preflight-directory={dir}\n{CONF}");
        let role = |dir: &str| agent((0, VERSION), (0, &conf(dir)), (0, "")).role.known().copied();
        assert_eq!(role("/usr/local/ASR"), Some(AgentRole::MasterTarget));
        assert_eq!(role("/opt/ASR"), None);
        let log = agent((0, VERSION), (0, CONF), (0, "sh: grep: command not found\n"));
        assert_eq!(log.platform_refused.known(), None);
    }

    #[test]
    fn the_directories_are_all_known_or_none_is() {
        let of = |version: (i32, &str), conf: (i32, &str)| {
            agent(version, conf, (0, "")).directories().ok()
        };
        let list = |paths: &[&str]| Some(paths.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
        let opt = VERSION.replace("/usr/local/ASR", "/opt/ASR");
        assert_eq!(
            of((0, &opt), (0, CONF)),
            list(&["/opt/ASR/Vx", "/opt/ASR", "/usr/local/ASR/Vx/cache"])
        );
        assert_eq!(of((0, VERSION), (0, "Role=MT\n")), None);
        assert_eq!(of((0, VERSION), (ABSENT, "")), None);
        assert_eq!(of((1, ""), (0, CONF)), None);
        assert_eq!(of((ABSENT, ""), (1, "")), None);
        assert_eq!(of((ABSENT, ""), (0, "Role=MT\n")), None);
        assert_eq!(of((ABSENT, ""), (ABSENT, "")), list(&["/usr/local/ASR"]));
        // No version file, and a configuration all the same: its cache counts.
        assert_eq!(
            of((ABSENT, ""), (0, CONF)),
            list(&["/usr/local/ASR/Vx", "/usr/local/ASR", "/usr/local/ASR/Vx/cache"])
        );
    }
}
