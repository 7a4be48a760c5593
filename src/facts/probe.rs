//! One question to a host: a name, and the shell text that answers it on standard output.
//!
//! Each subject of facts owns its probes beside the parser of their answers. Not for sending them:
//! `script` makes one script of many, `transport` carries it.

use std::borrow::Cow;
use std::fmt;

use super::address::ServerAddress;

/// What the answer to a probe is known by, in scripts and in captures. The subject that owns a probe
/// has its name as a constant; no other spelling of it compiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeName<'n>(&'n str);

impl<'n> ProbeName<'n> {
    /// The name of a probe: letters, digits and hyphens.
    pub const fn new(name: &'n str) -> Self {
        Self(name)
    }

    /// The name as captures have it.
    pub const fn as_str(self) -> &'n str {
        self.0
    }
}

impl fmt::Display for ProbeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A question in POSIX shell, answered on standard output and by an exit status.
///
/// The text runs in a subshell of its own, with standard input closed, `LC_ALL=C`, and `PATH`
/// starting at `/sbin:/usr/sbin`. It must run under bash 4.1, dash and BusyBox's ash, and must
/// write nothing. It may use what the script defines before it:
///
/// * `show FILE` prints a file without starting a process, and fails when it cannot be read;
/// * `limit SECONDS COMMAND...` ends a command that hangs, where the host has `timeout`;
/// * `$RETENTION`, the path of the retention volume;
/// * `$CS`, the configuration server's address, empty when nobody knows it;
/// * `$PROCESS_SERVERS` and `$VCENTERS`, addresses with a port, parted by blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What the answer is known by: `mounts`, `retention-df`.
    pub name: Cow<'static, str>,
    /// The shell text.
    pub shell: Cow<'static, str>,
    /// Whether the answer is about what changes quickly (services, ports, the clock), so that an
    /// old one says nothing about now.
    pub is_quick: bool,
}

impl Probe {
    /// A probe that is part of the program.
    pub const fn new(name: ProbeName<'static>, shell: &'static str) -> Self {
        Self { name: Cow::Borrowed(name.0), shell: Cow::Borrowed(shell), is_quick: false }
    }

    /// A probe of what changes quickly.
    pub const fn quick(name: ProbeName<'static>, shell: &'static str) -> Self {
        Self { name: Cow::Borrowed(name.0), shell: Cow::Borrowed(shell), is_quick: true }
    }

    /// What the answer is known by.
    pub fn name(&self) -> ProbeName<'_> {
        ProbeName(&self.name)
    }

    /// What the answer depends on beside the host: the variables that the text reads.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter> {
        let reads = |parameter: &Parameter| {
            let name = parameter.variable();
            self.shell.match_indices(name).any(|(at, _)| {
                let before = self.shell[..at].trim_end_matches('{');
                let after = self.shell[at + name.len()..].chars().next();
                before.ends_with('$')
                    && !after.is_some_and(|next| next.is_ascii_alphanumeric() || next == '_')
            })
        };
        Parameter::ALL.into_iter().filter(reads)
    }
}

/// What a probe is told of the surroundings of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// The path of the retention volume.
    Retention,
    /// The configuration server.
    ConfigurationServer,
    /// The process servers.
    ProcessServers,
    /// The vCenter servers.
    Vcenters,
}

impl Parameter {
    /// Every parameter.
    pub const ALL: [Self; 4] =
        [Self::Retention, Self::ConfigurationServer, Self::ProcessServers, Self::Vcenters];

    /// The shell variable that holds it.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Retention => "RETENTION",
            Self::ConfigurationServer => "CS",
            Self::ProcessServers => "PROCESS_SERVERS",
            Self::Vcenters => "VCENTERS",
        }
    }
}

/// Where the documents put the retention volume (S001, Reprotect, step 5).
pub const DEFAULT_RETENTION: &str = "/mnt/retention";

/// What the probes of a host need to know about its surroundings.
///
/// What is not told is not asked about for its own sake: an evaluation then takes whatever a
/// capture was asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeEnv {
    /// Where the retention volume is mounted; [`DEFAULT_RETENTION`] when nobody tells.
    pub retention: Option<String>,
    /// The configuration server's address, when the site file or an option tells it; otherwise the
    /// host's own agent configuration does.
    pub configuration_server: Option<String>,
    /// Addresses of the process servers, each with its data port.
    pub process_servers: Vec<ServerAddress>,
    /// Addresses of vCenter servers or ESXi hosts, each with its port.
    pub vcenters: Vec<ServerAddress>,
}

impl ProbeEnv {
    /// The configuration server that is named, with the port of its web service.
    pub fn configuration_servers(&self) -> Vec<ServerAddress> {
        self.configuration_server.iter().map(|address| (address.clone(), 443)).collect()
    }

    /// The path of the retention volume that a host is asked about.
    pub fn retention(&self) -> &str {
        self.retention.as_deref().unwrap_or(DEFAULT_RETENTION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_depends_on_the_variables_its_text_reads() {
        use Parameter::{ConfigurationServer, ProcessServers, Retention};
        for (shell, expected) in [
            ("df $RETENTION", vec![Retention]),
            ("df \"${RETENTION%/}\"; echo \"${CS:-$agent}\"", vec![Retention, ConfigurationServer]),
            ("echo $PROCESS_SERVERS", vec![ProcessServers]),
            ("CS=1; echo $CSS $RETENTION_X RETENTION", vec![]),
        ] {
            let found: Vec<Parameter> =
                Probe::new(ProbeName::new("x"), shell).parameters().collect();
            assert_eq!(found, expected, "{shell}");
        }
    }
}
