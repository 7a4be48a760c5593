//! Running the script over SSH: one connection, one command, the script on its standard input.
//!
//! The host key is verified before anything secret is sent, the host's time ends whatever the server
//! does, and only the script's end marker means that the output is complete.
//! The SSH protocol is libssh2's; what its release must be, and why, stands in ARCHITECTURE.md.

mod algorithms;
mod command;
mod config;
mod connect;
mod connection;
mod deadline;
mod failure;
mod host;
mod host_key;
mod jump;
mod kexinit;
mod key_file;
mod known_hosts;
mod login;
mod revoked;
mod route;
mod secret_provider;
mod socket;
mod sudo;
mod tunnel;
mod wire;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use ssh2::MethodType;

use self::connection::SshConnection;
use self::deadline::HostDeadline;
use self::failure::{SshError, Step, failure};
use self::kexinit::Greeting;
use self::route::Hop;
use self::socket::Socket;
use super::{ScriptOutput, Transport};
use crate::facts::failure_kind::FailureKind;
use crate::facts::script::Nonce;
use crate::facts::transcript::{CollectedBy, Failure, SshSession};
use crate::random;
use crate::uri::target::SshTarget;

pub use self::config::SshConfig;
pub use self::host::SshHost;
pub use self::host_key::{Fingerprint, FingerprintError};
pub use self::secret_provider::{
    NoSecrets, PromptError, SecretOwner, SecretProvider, UnknownHostKey,
};
pub use self::tunnel::{SshTunnel, TunnelError};

/// How often a server that drops connections is tried at most.
const MAX_ATTEMPTS: u32 = 6;

/// The types of host keys, as known_hosts spells them.
const KEY_TYPES: [&str; 5] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"];

impl SshHost {
    fn run_script(
        &self,
        script: &str,
        nonce: &Nonce,
        deadline: &Arc<HostDeadline>,
    ) -> Result<ScriptOutput, Failure> {
        let hops = route::resolve_hops(self, deadline)?;
        let connector = HopConnector { ssh: self, deadline };
        let (connection, session) = connector.log_in_with_retries(&hops)?;
        // A server that runs nothing has still negotiated a session.
        let (hop, _) = hops.split_last().expect("a way has an end");
        let sudo = sudo::password(self, &hop.account, deadline)?;
        let printed = command::run(&connection, &hop.account.user, sudo.as_ref(), script, nonce)
            .unwrap_or_else(|failure| command::CommandOutput {
                stdout: Vec::new(),
                failure: Some(failure),
            });
        Ok(ScriptOutput { stdout: printed.stdout, failure: printed.failure, ssh: Some(session) })
    }
}

impl Transport for SshHost {
    fn by(&self) -> CollectedBy {
        CollectedBy::Ssh
    }

    fn run(&self, script: &str, nonce: &Nonce) -> Result<ScriptOutput, Failure> {
        let deadline = Arc::new(HostDeadline::after(self.timeout));
        let (script, nonce) = (script.to_owned(), nonce.clone());
        self.with_deadline(&deadline, move |ssh, deadline| {
            ssh.run_script(&script, &nonce, deadline)
        })
    }
}

impl SshHost {
    /// Runs work in a thread, and waits for it up to the deadline.
    fn with_deadline<T, E>(
        &self,
        deadline: &Arc<HostDeadline>,
        work: impl FnOnce(&Self, &Arc<HostDeadline>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Failure> + Send + 'static,
    {
        let (send, receive) = mpsc::channel();
        let (ssh, with_deadline) = (self.clone(), Arc::clone(deadline));
        // Some calls of the worker have no time limit: the resolver, an agent.
        let worker = std::thread::Builder::new().name("ssh".to_owned()).spawn(move || {
            send.send(work(&ssh, &with_deadline)).ok();
        });
        if let Err(error) = worker {
            return Err(failure(FailureKind::Local, format!("no thread: {error}")).into());
        }
        deadline.enforce(&receive).unwrap_or_else(|| {
            Err(match deadline.left() {
                Some(_) => {
                    failure(FailureKind::NotSsh, "the server's answer could not be understood")
                }
                None => failure::timeout_failure(deadline, "waiting for the agent or the resolver"),
            }
            .into())
        })
    }
}

/// A failure to connect, and whether a retry may succeed.
struct ConnectError {
    failure: Failure,
    retry: bool,
}

impl From<Failure> for ConnectError {
    fn from(failure: Failure) -> Self {
        Self { failure, retry: false }
    }
}

/// Connects to a host, hop by hop.
struct HopConnector<'a> {
    ssh: &'a SshHost,
    deadline: &'a Arc<HostDeadline>,
}

impl HopConnector<'_> {
    /// Logs in to the last hop. A server that drops connections because it has too many of them
    /// (MaxStartups) is tried again after a while that differs from everybody else's.
    fn log_in_with_retries(&self, hops: &[Hop]) -> Result<(SshConnection, SshSession), Failure> {
        let mut pause = Duration::from_millis(150);
        for _ in 1..MAX_ATTEMPTS {
            match self.log_in(hops) {
                Ok(there) => return Ok(there),
                Err(ConnectError { failure, retry: false }) => return Err(failure),
                Err(ConnectError { failure, retry: true }) => {
                    tracing::info!("{}; trying again", failure.reason);
                    let wait = jitter(pause);
                    if self.deadline.left().is_none_or(|left| left <= wait) {
                        return Err(failure);
                    }
                    std::thread::sleep(wait);
                    pause *= 2;
                }
            }
        }
        self.log_in(hops).map_err(|error| error.failure)
    }

    /// Logs in to the last hop through those before it.
    fn log_in(&self, hops: &[Hop]) -> Result<(SshConnection, SshSession), ConnectError> {
        let (hop, _) = hops.split_last().expect("a way has an end");
        let connection = self.connect_verified(hops, hop)?;
        let login = login::log_in(&connection, &hop.account, self.ssh.secrets.as_ref())?;
        let session = SshSession {
            banner: connection.session.banner().unwrap_or_default().to_owned(),
            key_exchange: negotiated(&connection, MethodType::Kex),
            host_key: negotiated(&connection, MethodType::HostKey),
            cipher: negotiated(&connection, MethodType::CryptSc),
            mac: negotiated(&connection, MethodType::MacSc),
            login: login.to_owned(),
            legacy: self.ssh.legacy,
        };
        tracing::debug!("{}: {session:?}", hop.account.label);
        Ok((connection, session))
    }

    /// Opens a connection to the last hop and verifies its host key.
    fn connect_verified(&self, hops: &[Hop], hop: &Hop) -> Result<SshConnection, ConnectError> {
        let known = hop.host_key_policy.load_known()?;
        if hop.host_key_policy.pinned.is_none() {
            let first = known.key_types(&hop.host_key_policy.host, hop.host_key_policy.port);
            let connection = self.handshake(hops, hop, &first)?;
            let (key_type, key) = presented_host_key(&connection)?;
            let person = Some((self.ssh.secrets.as_ref(), self.deadline.as_ref()));
            hop.host_key_policy.verify(&known, &key_type, &key, person)?;
            return Ok(connection);
        }
        // A fingerprint does not tell the type of its key, so each type is requested.
        let mut seen: Vec<String> = Vec::new();
        let mut refused = None;
        for wanted in [None].into_iter().chain(KEY_TYPES.map(Some)) {
            if wanted.is_some_and(|wanted| seen.iter().any(|seen| seen == wanted)) {
                continue;
            }
            let connection = self.handshake(hops, hop, wanted.as_slice())?;
            let (key_type, key) = presented_host_key(&connection)?;
            match hop.host_key_policy.verify(&known, &key_type, &key, None) {
                Ok(()) => return Ok(connection),
                Err(failure) => refused = refused.or(Some(failure)),
            }
            seen.push(key_type);
            seen.extend(wanted.map(str::to_owned));
        }
        Err(refused
            .unwrap_or_else(|| failure(FailureKind::HostKey, "no host key was presented"))
            .into())
    }

    /// Opens a connection to the last hop and exchanges keys, with a host key of the types in `first`
    /// if the server has one.
    fn handshake(
        &self,
        hops: &[Hop],
        hop: &Hop,
        first: &[&str],
    ) -> Result<SshConnection, ConnectError> {
        let failed = |stop: &SshError| failure::step_failure(Step::Handshake, stop, self.deadline);
        let socket = self.open_socket(hops)?;
        let connection = SshConnection::new(socket, self.deadline).map_err(|stop| failed(&stop))?;
        let legacy = self.ssh.legacy;
        algorithms::set_preferences(&connection.session, legacy, first)
            .map_err(|e| failed(&e.into()))?;
        match connection.wait_for(|session| session.clone().handshake()) {
            Ok(()) => Ok(connection),
            Err(stop @ SshError::TimedOut) => Err(failed(&stop).into()),
            Err(stop @ SshError::Libssh2(code, _)) => {
                drop(connection);
                tracing::debug!("{}: {stop:?}", hop.account.label);
                Err(self.with_hop(hop, self.diagnose(hops, code, failed(&stop))))
            }
        }
    }

    /// Opens a byte stream to the last hop.
    fn open_socket(&self, hops: &[Hop]) -> Result<Socket, ConnectError> {
        let (hop, before) = hops.split_last().expect("a way has an end");
        let Some(jump) = before.last() else {
            let Some(via) = &self.ssh.via else {
                return Ok(Socket::Tcp(connect::connect(&hop.address, hop.port, self.deadline)?));
            };
            let there = via.log_in(self.deadline).map_err(|f| via_failure(&via.label(), f))?;
            return Ok(jump::open_tunnel(there.connection, &there.name, &hop.address, hop.port)?);
        };
        let (connection, _) = self.log_in(before).map_err(|error| ConnectError {
            failure: via_failure(&jump.account.label, error.failure),
            retry: error.retry,
        })?;
        Ok(jump::open_tunnel(connection, &jump.account.label, &hop.address, hop.port)?)
    }

    /// Adds the hop's name and a hint to the failure of a handshake.
    fn with_hop(&self, hop: &Hop, error: ConnectError) -> ConnectError {
        let mut failure = error.failure;
        if failure.kind == FailureKind::LegacyAlgorithms {
            failure.hint = Some(format!(
                "allow the algorithms of the SHA-1 era for it: {}, or legacy_ssh: true in the site \
                 file",
                self.ssh.rerun_command("--legacy-ssh")
            ));
        }
        if !hop.account.is_jump {
            failure.reason = format!("{}: {}", hop.account.label, failure.reason);
        }
        ConnectError { failure, retry: error.retry }
    }

    /// Finds out why a handshake failed, from the server's greeting on a new connection.
    fn diagnose(&self, hops: &[Hop], code: i32, plain: Failure) -> ConnectError {
        let Ok(socket) = self.open_socket(hops) else {
            return ConnectError { failure: plain, retry: true };
        };
        let socket = Arc::new(socket);
        self.deadline.watch(&socket);
        socket.limit_reads(Duration::from_secs(3));
        let greeting = kexinit::read_greeting(&mut &*socket);
        socket.shutdown();
        if self.deadline.left().is_none() {
            return failure::timeout_failure(
                self.deadline,
                "waiting for the server's banner and keys",
            )
            .into();
        }
        explain_greeting(&greeting, code, plain, self.ssh.legacy)
    }
}

/// Marks a failure as one of a jump host.
fn via_failure(name: &str, failure: Failure) -> Failure {
    match failure.kind {
        // It is marked already, or it is no host's failure.
        FailureKind::Via | FailureKind::Interrupted => failure,
        _ => Failure {
            kind: FailureKind::Via,
            reason: format!("the jump host {name}: {}", failure.reason),
            hint: failure.hint,
        },
    }
}

/// Explains a failed handshake by the server's greeting.
fn explain_greeting(greeting: &Greeting, code: i32, plain: Failure, legacy: bool) -> ConnectError {
    let not_ssh = |reason: String| {
        failure(FailureKind::NotSsh, reason)
            .with_hint("check that the port is that of an SSH server")
    };
    match greeting {
        Greeting { offer: Some(offer), banner, .. } if failure::is_negotiation_error(code) => {
            kexinit::negotiation_failure(banner, offer, legacy).into()
        }
        // The greeting is complete this time, so a retry may succeed.
        Greeting { offer: Some(_), .. } => ConnectError { failure: plain, retry: true },
        Greeting { banner, .. } if !banner.is_empty() => {
            not_ssh(format!("the server says {banner:?} and then nothing that is SSH")).into()
        }
        // OpenSSH sends this since 8.5; older ones send nothing.
        Greeting { first_line, .. } if first_line.contains("MaxStartups") => ConnectError {
            failure: failure(
                FailureKind::Refused,
                "the server has too many connections that are logging in",
            )
            .with_hint("contact fewer hosts at a time, or raise MaxStartups in its sshd_config"),
            retry: true,
        },
        Greeting { first_line, .. } if !first_line.is_empty() => {
            not_ssh(format!("the port answers {first_line:?}, which is no SSH server")).into()
        }
        _ => ConnectError {
            failure: failure(
                FailureKind::NotSsh,
                "the server closes the connection before its banner",
            )
            .with_hint(
                "check that the port is that of an SSH server, and its MaxStartups and \
                     hosts.deny",
            ),
            retry: true,
        },
    }
}

/// Returns the host key of a server: its type as known_hosts spells it, and the key.
fn presented_host_key(connection: &SshConnection) -> Result<(String, Vec<u8>), Failure> {
    let (key, _) = connection
        .session
        .host_key()
        .ok_or_else(|| failure(FailureKind::HostKey, "the server presented no host key"))?;
    // A key begins with its own type's name.
    let name = wire::split_string(key).and_then(|(name, _)| std::str::from_utf8(name).ok());
    let name =
        name.ok_or_else(|| failure(FailureKind::HostKey, "the server's host key is damaged"))?;
    Ok((name.to_owned(), key.to_vec()))
}

fn negotiated(connection: &SshConnection, part: MethodType) -> String {
    connection.session.methods(part).unwrap_or_default().to_owned()
}

/// Returns a random time around this one, so that dropped connections are not retried all at once.
fn jitter(time: Duration) -> Duration {
    let mut bytes = [0; 2];
    // Without random numbers all wait the same time, which still works.
    random::fill(&mut bytes).ok();
    time / 2 + time * u32::from(u16::from_le_bytes(bytes)) / u32::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_tells_why_a_handshake_failed() {
        let plain = || failure(FailureKind::NotSsh, "plain");
        let greeting = |banner: &str, first_line: &str, offer| Greeting {
            banner: banner.to_owned(),
            first_line: first_line.to_owned(),
            offer,
        };
        let offer = || Some(kexinit::AlgorithmOffer::default());
        for (greeting, code, kind, retry) in [
            (greeting("SSH-2.0-x", "", offer()), -5, "algorithms", false),
            (greeting("SSH-2.0-x", "", offer()), -13, "not-ssh", true),
            (greeting("SSH-2.0-x", "", None), -5, "not-ssh", false),
            (greeting("", "HTTP/1.1 400 Bad Request", None), -13, "not-ssh", false),
            (greeting("", "Exceeded MaxStartups", None), -13, "refused", true),
            (greeting("", "", None), -13, "not-ssh", true),
        ] {
            let error = explain_greeting(&greeting, code, plain(), false);
            assert_eq!((error.failure.kind.as_str(), error.retry), (kind, retry), "{greeting:?}");
        }
    }

    #[test]
    fn waits_differ() {
        let time = Duration::from_millis(100);
        let waits: Vec<Duration> = (0..20).map(|_| jitter(time)).collect();
        assert!(waits.iter().all(|wait| *wait >= time / 2 && *wait <= time * 3 / 2), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
