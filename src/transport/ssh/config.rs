//! The settings of the user's SSH configuration for a host, as `ssh -G` prints them.
//!
//! OpenSSH reads its own files, with all conditions, includes and patterns. Without an ssh program, or
//! without relevant settings in its files, OpenSSH's defaults hold.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use super::deadline::HostDeadline;
use super::failure::failure;
use crate::facts::failure_kind::FailureKind;
use crate::facts::transcript::Failure;
use crate::regular_file;
use crate::secret;
use crate::uri::target::SshTarget;

/// The most bytes read of the output of `ssh -G`, which has some 5 KiB.
const MAX_PRINTED_BYTES: u64 = 256 * 1024;

/// The most bytes read of one configuration file in search of relevant settings.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// The keywords that are honoured, and those that may hide one.
const KEYWORDS: &[&str] = &[
    "hostname",
    "port",
    "user",
    "identityfile",
    "identitiesonly",
    "identityagent",
    "proxyjump",
    "proxycommand",
    "userknownhostsfile",
    "globalknownhostsfile",
    "hostkeyalias",
    "revokedhostkeys",
    "knownhostscommand",
    "match",
];

/// The key files OpenSSH looks for.
const DEFAULT_KEYS: &[&str] = &["id_rsa", "id_ecdsa", "id_ed25519"];

/// Which configuration is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SshConfig {
    /// The user's and the system's.
    #[default]
    Default,
    /// This file in place of both.
    File(PathBuf),
    /// None.
    None,
}

/// The settings of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HostSettings {
    pub hostname: Option<String>,
    pub port: Option<u16>,
    pub user: Option<String>,
    /// Keys that are configured for this host.
    pub identity_files: Vec<PathBuf>,
    /// The default key files.
    pub default_identity_files: Vec<PathBuf>,
    pub identities_only: bool,
    /// `none`, a path, or absent for the environment's.
    pub identity_agent: Option<String>,
    pub proxy_jump: Option<String>,
    pub proxy_command: Option<String>,
    pub known_hosts: Vec<PathBuf>,
    pub host_key_alias: Option<String>,
    /// Files of revoked keys.
    pub revoked: Vec<PathBuf>,
    /// The program that prints known host keys.
    pub known_hosts_command: Option<String>,
}

impl HostSettings {
    /// Returns OpenSSH's settings without a configuration.
    fn defaults(home: Option<&Path>) -> Self {
        let below = |name: &str| home.map(|home| home.join(".ssh").join(name));
        let mut known_hosts: Vec<PathBuf> =
            ["known_hosts", "known_hosts2"].into_iter().filter_map(below).collect();
        known_hosts
            .extend(["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"].map(PathBuf::from));
        let default_identity_files = DEFAULT_KEYS.iter().copied().filter_map(below).collect();
        Self { known_hosts, default_identity_files, ..Self::default() }
    }
}

/// Returns the settings of a host.
pub(super) fn load(
    target: &SshTarget,
    config: &SshConfig,
    deadline: &HostDeadline,
) -> Result<HostSettings, Failure> {
    let home = std::env::home_dir();
    let file = match config {
        SshConfig::None => return Ok(HostSettings::defaults(home.as_deref())),
        SshConfig::Default if !has_relevant_settings(home.as_deref()) => {
            return Ok(HostSettings::defaults(home.as_deref()));
        }
        SshConfig::Default => None,
        SshConfig::File(path) => Some(path),
    };
    let mut command = secret::command_without_secrets("ssh");
    command.arg("-G");
    if let Some(path) = file {
        command.arg("-F").arg(path);
    }
    if let Some(user) = &target.user {
        command.args(["-l", user]);
    }
    if let Some(port) = target.port {
        command.args(["-p", &port.to_string()]);
    }
    command.args(["--", &target.host]);
    match run_ssh_g(command, deadline)? {
        Some(text) => Ok(parse(&text, home.as_deref())),
        None if file.is_none() => Ok(HostSettings::defaults(home.as_deref())),
        None => {
            Err(failure(FailureKind::Config, "there is no ssh program to read its configuration")
                .with_hint("leave out --ssh-config, or install OpenSSH's client"))
        }
    }
}

/// Whether the default files have any setting that is honoured here; `ssh -G` costs a process per
/// host.
fn has_relevant_settings(home: Option<&Path>) -> bool {
    let mut files = vec![PathBuf::from("/etc/ssh/ssh_config")];
    files.extend(home.map(|home| home.join(".ssh/config")));
    let included = std::fs::read_dir("/etc/ssh/ssh_config.d");
    files.extend(included.into_iter().flatten().flatten().map(|entry| entry.path()));
    files.iter().any(|path| {
        let text = regular_file::read(path, MAX_CONFIG_BYTES);
        // A file that is too large may have one.
        text.map_or_else(
            |error| error.kind() == std::io::ErrorKind::FileTooLarge,
            |text| String::from_utf8_lossy(&text).lines().any(is_relevant),
        )
    })
}

fn is_relevant(line: &str) -> bool {
    let keyword = line.trim_start().split([' ', '\t', '=', '"']).next().unwrap_or("");
    let keyword = keyword.to_ascii_lowercase();
    let elsewhere = keyword == "include" && !line.contains("/etc/ssh/ssh_config.d/");
    elsewhere || KEYWORDS.contains(&keyword.as_str())
}

/// Returns the output of the program; none when there is no such program.
fn run_ssh_g(mut command: Command, deadline: &HostDeadline) -> Result<Option<String>, Failure> {
    let broken = |why: String| {
        failure(FailureKind::Config, format!("ssh -G cannot tell how to reach the host: {why}"))
            .with_hint("fix ~/.ssh/config, or bypass it with --ssh-config none")
    };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(broken(error.to_string())),
    };
    let (send, receive) = mpsc::channel();
    let streams = (child.stdout.take(), child.stderr.take());
    std::thread::spawn(move || {
        let text = |stream: Option<&mut dyn Read>| {
            let mut text = String::new();
            stream.map(|stream| stream.take(MAX_PRINTED_BYTES).read_to_string(&mut text));
            text
        };
        let (mut out, mut err) = streams;
        let out = text(out.as_mut().map(|stream| stream as &mut dyn Read));
        send.send((out, text(err.as_mut().map(|stream| stream as &mut dyn Read)))).ok();
    });
    // `Match exec` runs a program of the user, which may hang.
    let said = receive.recv_timeout(deadline.left().unwrap_or_default());
    if said.is_err() {
        child.kill().ok();
    }
    let status = child.wait().map_err(|error| broken(error.to_string()))?;
    match said {
        Ok((out, _)) if status.success() => Ok(Some(out)),
        Ok((_, err)) => {
            let line =
                err.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
            Err(broken(line.trim().chars().take(200).collect()))
        }
        Err(_) => Err(broken("it does not end".to_owned())),
    }
}

/// Parses the output of `ssh -G`: a lower-case keyword and its value on each line.
pub(super) fn parse(text: &str, home: Option<&Path>) -> HostSettings {
    let mut settings = HostSettings::default();
    let mut identities = Vec::new();
    let mut local_known = Vec::new();
    let mut global_known = Vec::new();
    let mut revoked: Vec<&str> = Vec::new();
    for line in text.lines() {
        let Some((keyword, value)) = line.split_once(' ') else { continue };
        let value = value.trim();
        let some = || (value != "none").then(|| value.to_owned());
        match keyword {
            "hostname" => settings.hostname = Some(value.to_owned()),
            "port" => settings.port = value.parse().ok(),
            "user" => settings.user = Some(value.to_owned()),
            "identityfile" => identities.extend(some()),
            "identitiesonly" => settings.identities_only = value == "yes",
            "identityagent" if value == "SSH_AUTH_SOCK" => {}
            "identityagent" => settings.identity_agent = Some(value.to_owned()),
            "proxyjump" => settings.proxy_jump = some(),
            "proxycommand" => settings.proxy_command = some(),
            "hostkeyalias" => settings.host_key_alias = some(),
            "revokedhostkeys" => revoked = value.split_whitespace().collect(),
            "knownhostscommand" => settings.known_hosts_command = some(),
            "userknownhostsfile" => local_known = value.split_whitespace().collect(),
            "globalknownhostsfile" => global_known = value.split_whitespace().collect(),
            _ => {}
        }
    }
    let defaults = HostSettings::defaults(home);
    let hostname = settings.hostname.clone().unwrap_or_default();
    let user = settings.user.clone().unwrap_or_default();
    let path = |text: &str| expand_path(text, home, &hostname, &user);
    let identities: Vec<PathBuf> = identities.iter().filter_map(|text| path(text)).collect();
    // A host without keys of its own has the default ones, some of which are for tokens.
    let is_usual = |file: &PathBuf| {
        home.is_some_and(|home| file.parent() == Some(&home.join(".ssh")))
            && file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("id_"))
            && ["rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk", "xmss", "dsa"]
                .iter()
                .any(|kind| file.ends_with(format!("id_{kind}")))
    };
    if identities.iter().all(is_usual) && identities.len() > 1 {
        settings.default_identity_files = defaults.default_identity_files;
    } else {
        settings.identity_files = identities;
    }
    let known = local_known.into_iter().chain(global_known).filter(|text| *text != "none");
    settings.known_hosts = known.filter_map(path).collect();
    let revoked = revoked.into_iter().filter(|text| *text != "none");
    // A path with unknown tokens cannot be read, which is reported later.
    settings.revoked = revoked.map(|text| path(text).unwrap_or_else(|| text.into())).collect();
    settings
}

/// Expands `~` and the tokens of ssh_config(5) in a path; none for unknown tokens.
fn expand_path(text: &str, home: Option<&Path>, hostname: &str, user: &str) -> Option<PathBuf> {
    let text = match text.strip_prefix("~/") {
        Some(rest) => home?.join(rest).to_string_lossy().into_owned(),
        None => text.to_owned(),
    };
    let mut path = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, if letter == '%' { letters.next() } else { None }) {
            ('%', Some('d')) => path.push_str(&home?.to_string_lossy()),
            ('%', Some('h')) => path.push_str(hostname),
            ('%', Some('r')) => path.push_str(user),
            ('%', Some('%')) => path.push('%'),
            ('%', _) => return None,
            _ => path.push(letter),
        }
    }
    Some(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `ssh -G` of OpenSSH 9.2, shortened.
    const MAX_PRINTED_BYTES: &str = "\
host mt1
user ann
hostname 192.0.2.7
port 2222
addressfamily any
identitiesonly no
globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2
userknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2
identityfile ~/.ssh/id_rsa
identityfile ~/.ssh/id_ecdsa
identityfile ~/.ssh/id_ecdsa_sk
identityfile ~/.ssh/id_ed25519
identityfile ~/.ssh/id_ed25519_sk
identityfile ~/.ssh/id_xmss
identityfile ~/.ssh/id_dsa
";

    fn read_settings(more: &str) -> HostSettings {
        parse(&format!("{MAX_PRINTED_BYTES}{more}"), Some(Path::new("/home/ann")))
    }

    #[test]
    fn what_ssh_prints_is_understood() {
        let settings = read_settings("proxyjump bastion,ann@inner:2200\n");
        assert_eq!(settings.hostname.as_deref(), Some("192.0.2.7"));
        assert_eq!((settings.port, settings.user.as_deref()), (Some(2222), Some("ann")));
        assert_eq!(settings.proxy_jump.as_deref(), Some("bastion,ann@inner:2200"));
        assert_eq!(settings.known_hosts[0], Path::new("/home/ann/.ssh/known_hosts"));
        assert_eq!(settings.known_hosts.len(), 4);
        assert!(settings.identity_files.is_empty());
        assert_eq!(settings.default_identity_files.len(), 3);
    }

    #[test]
    fn a_key_of_its_own_stands_in_place_of_the_usual_ones() {
        let text = "user root\nhostname mt1\nidentityfile ~/.ssh/%h-%r\nidentityfile /k/%C\n\
                    identitiesonly yes\nidentityagent none\nuserknownhostsfile none\n";
        let settings = parse(text, Some(Path::new("/root")));
        assert_eq!(settings.identity_files, [Path::new("/root/.ssh/mt1-root")]);
        assert!(settings.default_identity_files.is_empty() && settings.identities_only);
        assert_eq!(settings.identity_agent.as_deref(), Some("none"));
        assert!(settings.known_hosts.is_empty());
    }

    #[test]
    fn revoked_keys_and_programs_that_know_keys_are_not_passed_over() {
        let settings = read_settings(
            "revokedhostkeys ~/revoked /etc/ssh/%C\nknownhostscommand /bin/keys %H\n",
        );
        assert_eq!(settings.revoked, [Path::new("/home/ann/revoked"), Path::new("/etc/ssh/%C")]);
        assert_eq!(settings.known_hosts_command.as_deref(), Some("/bin/keys %H"));
        let settings = read_settings("revokedhostkeys none\nknownhostscommand none\n");
        assert_eq!((settings.revoked.len(), settings.known_hosts_command), (0, None));
    }

    #[test]
    fn an_agent_at_a_socket_is_told_from_the_environments() {
        assert_eq!(read_settings("identityagent SSH_AUTH_SOCK\n").identity_agent, None);
        assert_eq!(
            read_settings("identityagent /run/a\n").identity_agent.as_deref(),
            Some("/run/a")
        );
    }

    #[test]
    fn only_files_that_say_something_are_worth_a_process() {
        for (line, expected) in [
            ("Host *", false),
            ("    SendEnv LANG LC_*", false),
            ("    # User bob", false),
            ("Include /etc/ssh/ssh_config.d/*.conf", false),
            ("Include ~/other", true),
            ("  User=bob", true),
            ("\tProxyJump bastion", true),
            ("Match exec true", true),
            ("RevokedHostKeys /etc/ssh/revoked", true),
            ("KnownHostsCommand /bin/keys", true),
        ] {
            assert_eq!(is_relevant(line), expected, "{line}");
        }
    }
}
