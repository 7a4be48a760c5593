//! One question to a host: a name, and the shell text that answers it on standard output.
//!
//! Each subject of facts owns its probes beside the parser of their answers. Not for sending them:
//! `script` makes one script of many, `transport` carries it.

use std::borrow::Cow;

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
    /// What the answer is known by: `mounts`, `retention-df`. Letters, digits and hyphens.
    pub name: Cow<'static, str>,
    /// The shell text.
    pub shell: Cow<'static, str>,
}

impl Probe {
    /// A probe that is part of the program.
    pub const fn new(name: &'static str, shell: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), shell: Cow::Borrowed(shell) }
    }
}

/// What the probes of a host need to know about its surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Where the retention volume is mounted; the documents' default is `/mnt/retention`
    /// (S001, Reprotect, step 5).
    pub retention: String,
    /// The configuration server's address, when the site file or an option tells it; otherwise the
    /// host's own agent configuration does.
    pub configuration_server: Option<String>,
    /// Addresses of the process servers, each with its data port.
    pub process_servers: Vec<(String, u16)>,
    /// Addresses of vCenter servers or ESXi hosts, each with its port.
    pub vcenters: Vec<(String, u16)>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            retention: "/mnt/retention".to_owned(),
            configuration_server: None,
            process_servers: Vec::new(),
            vcenters: Vec::new(),
        }
    }
}
