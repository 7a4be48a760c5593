//! A host behind an SSH server: one connection, one command, the script on its standard input.
//!
//! The host key is verified before anything secret is sent, the host's time ends by the clock on
//! the wall whatever the server does, and only the script's own last line means that all was said.
//! The SSH protocol is libssh2's; what its release must be, and why, stands in ARCHITECTURE.md.

mod algorithms;
mod command;
mod config;
mod connect;
mod deadline;
mod failure;
mod host;
mod host_key;
mod jump;
mod kexinit;
mod key_file;
mod known_hosts;
mod link;
mod login;
mod person;
mod revoked;
mod route;
mod socket;
mod sudo;
mod tunnel;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use ssh2::MethodType;

use self::deadline::Deadline;
use self::failure::{Step, Stop, failure};
use self::kexinit::Greeting;
use self::link::Link;
use self::route::Hop;
use self::socket::Socket;
use super::target::SshTarget;
use super::{Output, Transport};
use crate::facts::connection::LEGACY_ALGORITHMS;
use crate::facts::script::Nonce;
use crate::facts::transcript::{Failure, INTERRUPTED, SshSession};
use crate::random;

pub use self::config::SshConfig;
pub use self::host::Ssh;
pub use self::host_key::{BadFingerprint, Fingerprint};
pub use self::person::{NewKey, NoSecrets, Secrets, Unanswered, Whose};
pub use self::tunnel::{NoTunnel, Tunnel};

/// The kind of failure of a host on the way to the one that is asked.
const VIA: &str = "via";

/// How often a server that drops connections is tried.
const TRIES: u32 = 6;

/// The types of host keys there are, as known_hosts spells them.
const KEY_TYPES: [&str; 5] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"];

impl Ssh {
    fn ask(
        &self,
        script: &str,
        nonce: &Nonce,
        deadline: &Arc<Deadline>,
    ) -> Result<Output, Failure> {
        let hops = route::settle(self, deadline)?;
        let way = Way { ssh: self, deadline };
        let (link, session) = way.patiently_into(&hops)?;
        // A server that runs nothing has still told how it was reached.
        let (hop, _) = hops.split_last().expect("a way has an end");
        let sudo = sudo::password(self, &hop.account, deadline)?;
        let printed = command::run(&link, &hop.account.user, sudo.as_ref(), script, nonce)
            .unwrap_or_else(|failure| command::Printed { stdout: Vec::new(), cut: Some(failure) });
        Ok(Output { stdout: printed.stdout, cut: printed.cut, ssh: Some(session) })
    }
}

impl Transport for Ssh {
    fn name(&self) -> &'static str {
        "ssh"
    }

    fn run(&self, script: &str, nonce: &Nonce) -> Result<Output, Failure> {
        let deadline = Arc::new(Deadline::after(self.timeout));
        let (script, nonce) = (script.to_owned(), nonce.clone());
        self.watched(&deadline, move |ssh, deadline| ssh.ask(&script, &nonce, deadline))
    }
}

impl Ssh {
    /// Does something that takes its time, and waits for it no longer than the deadline says.
    fn watched<T, E>(
        &self,
        deadline: &Arc<Deadline>,
        work: impl FnOnce(&Self, &Arc<Deadline>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Failure> + Send + 'static,
    {
        let (send, receive) = mpsc::channel();
        let (ssh, watched) = (self.clone(), Arc::clone(deadline));
        // The worker may be where no time limit reaches it: in the resolver, in an agent.
        let worker = std::thread::Builder::new().name("ssh".to_owned()).spawn(move || {
            send.send(work(&ssh, &watched)).ok();
        });
        if let Err(error) = worker {
            return Err(failure("local", format!("no thread: {error}")).into());
        }
        deadline.enforce(&receive).unwrap_or_else(|| {
            Err(match deadline.left() {
                Some(_) => failure("not-ssh", "the server's answer could not be understood"),
                None => failure::late(deadline, "waiting for the agent or the resolver"),
            }
            .into())
        })
    }
}

/// A failure on the way, and whether another try may do better.
struct Setback {
    failure: Failure,
    again: bool,
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Self {
        Self { failure, again: false }
    }
}

/// The way to a host, hop by hop.
struct Way<'a> {
    ssh: &'a Ssh,
    deadline: &'a Arc<Deadline>,
}

impl Way<'_> {
    /// Logs in to the last hop. A server that drops connections because it has too many of them
    /// (MaxStartups) is tried again after a while that differs from everybody else's.
    fn patiently_into(&self, hops: &[Hop]) -> Result<(Link, SshSession), Failure> {
        let mut pause = Duration::from_millis(150);
        for _ in 1..TRIES {
            match self.into(hops) {
                Ok(there) => return Ok(there),
                Err(Setback { failure, again: false }) => return Err(failure),
                Err(Setback { failure, again: true }) => {
                    tracing::info!("{}; trying again", failure.reason);
                    let wait = jittered(pause);
                    if self.deadline.left().is_none_or(|left| left <= wait) {
                        return Err(failure);
                    }
                    std::thread::sleep(wait);
                    pause *= 2;
                }
            }
        }
        self.into(hops).map_err(|setback| setback.failure)
    }

    /// Logs in to the last hop through those before it.
    fn into(&self, hops: &[Hop]) -> Result<(Link, SshSession), Setback> {
        let (hop, _) = hops.split_last().expect("a way has an end");
        let link = self.verified(hops, hop)?;
        let login = login::log_in(&link, &hop.account, self.ssh.secrets.as_ref())?;
        let session = SshSession {
            banner: link.session.banner().unwrap_or_default().to_owned(),
            key_exchange: method(&link, MethodType::Kex),
            host_key: method(&link, MethodType::HostKey),
            cipher: method(&link, MethodType::CryptSc),
            mac: method(&link, MethodType::MacSc),
            login: login.to_owned(),
            legacy: self.ssh.legacy,
        };
        tracing::debug!("{}: {session:?}", hop.account.shown);
        Ok((link, session))
    }

    /// A connection to the last hop whose host key is the right one.
    fn verified(&self, hops: &[Hop], hop: &Hop) -> Result<Link, Setback> {
        let known = hop.trust.known()?;
        if hop.trust.pinned.is_none() {
            let first = known.types(&hop.trust.host, hop.trust.port);
            let link = self.shaken(hops, hop, &first)?;
            let (key_type, key) = host_key(&link)?;
            let person = Some((self.ssh.secrets.as_ref(), self.deadline.as_ref()));
            hop.trust.verify(&known, &key_type, &key, person)?;
            return Ok(link);
        }
        // A fingerprint does not say of which type its key is, so each type is asked for.
        let mut seen: Vec<String> = Vec::new();
        let mut refused = None;
        for wanted in [None].into_iter().chain(KEY_TYPES.map(Some)) {
            if wanted.is_some_and(|wanted| seen.iter().any(|seen| seen == wanted)) {
                continue;
            }
            let link = self.shaken(hops, hop, wanted.as_slice())?;
            let (key_type, key) = host_key(&link)?;
            match hop.trust.verify(&known, &key_type, &key, None) {
                Ok(()) => return Ok(link),
                Err(failure) => refused = refused.or(Some(failure)),
            }
            seen.push(key_type);
            seen.extend(wanted.map(str::to_owned));
        }
        Err(refused.unwrap_or_else(|| failure("host-key", "no host key was presented")).into())
    }

    /// A connection to the last hop that has its keys, of a host key of the types in `first` if
    /// there is one.
    fn shaken(&self, hops: &[Hop], hop: &Hop, first: &[&str]) -> Result<Link, Setback> {
        let failed = |stop: &Stop| failure::of(Step::Handshake, stop, self.deadline);
        let socket = self.socket_to(hops)?;
        let link = Link::over(socket, self.deadline).map_err(|stop| failed(&stop))?;
        let legacy = self.ssh.legacy;
        algorithms::prefer(&link.session, legacy, first).map_err(|e| failed(&e.into()))?;
        match link.patiently(|session| session.clone().handshake()) {
            Ok(()) => Ok(link),
            Err(stop @ Stop::Late) => Err(failed(&stop).into()),
            Err(stop @ Stop::Ssh(code, _)) => {
                drop(link);
                tracing::debug!("{}: {stop:?}", hop.account.shown);
                Err(self.of_hop(hop, self.diagnosed(hops, code, failed(&stop))))
            }
        }
    }

    /// A byte stream to the last hop.
    fn socket_to(&self, hops: &[Hop]) -> Result<Socket, Setback> {
        let (hop, before) = hops.split_last().expect("a way has an end");
        let Some(jump) = before.last() else {
            let Some(via) = &self.ssh.via else {
                return Ok(Socket::Tcp(connect::connect(&hop.address, hop.port, self.deadline)?));
            };
            let there = via.logged_in(self.deadline).map_err(|f| on_the_way(&via.shown(), f))?;
            return Ok(jump::tunnel(there.link, &there.name, &hop.address, hop.port)?);
        };
        let (link, _) = self.into(before).map_err(|setback| Setback {
            failure: on_the_way(&jump.account.shown, setback.failure),
            again: setback.again,
        })?;
        Ok(jump::tunnel(link, &jump.account.shown, &hop.address, hop.port)?)
    }

    /// A failed handshake with a hop, which says whose it is and what would let it be done.
    fn of_hop(&self, hop: &Hop, setback: Setback) -> Setback {
        let mut failure = setback.failure;
        if failure.kind == LEGACY_ALGORITHMS {
            failure.hint = Some(format!(
                "allow the algorithms of the SHA-1 era for it: {}, or legacy_ssh: true in the site \
                 file",
                self.ssh.again("--legacy-ssh")
            ));
        }
        if !hop.account.is_jump {
            failure.reason = format!("{}: {}", hop.account.shown, failure.reason);
        }
        Setback { failure, again: setback.again }
    }

    /// Why a handshake failed, as far as the server itself tells when it is asked again.
    fn diagnosed(&self, hops: &[Hop], code: i32, plain: Failure) -> Setback {
        let Ok(socket) = self.socket_to(hops) else {
            return Setback { failure: plain, again: true };
        };
        let socket = Arc::new(socket);
        self.deadline.watch(&socket);
        socket.limit_reads(Duration::from_secs(3));
        let greeting = kexinit::greet(&mut &*socket);
        socket.shut();
        if self.deadline.left().is_none() {
            return failure::late(self.deadline, "waiting for the server's banner and keys").into();
        }
        explained(&greeting, code, plain, self.ssh.legacy)
    }
}

/// The failure of a host that only leads to the one that is asked: nothing of it is that one's.
fn on_the_way(name: &str, failure: Failure) -> Failure {
    match failure.kind.as_str() {
        // It was told already, by the hop behind it, or nobody's it is.
        VIA | INTERRUPTED => failure,
        _ => Failure {
            kind: VIA.to_owned(),
            reason: format!("the jump host {name}: {}", failure.reason),
            hint: failure.hint,
        },
    }
}

/// What a greeting says about a handshake that failed.
fn explained(greeting: &Greeting, code: i32, plain: Failure, legacy: bool) -> Setback {
    let not_ssh = |reason: String| {
        failure("not-ssh", reason).with_hint("check that the port is that of an SSH server")
    };
    match greeting {
        Greeting { offer: Some(offer), banner, .. } if failure::is_disagreement(code) => {
            kexinit::explain(banner, offer, legacy).into()
        }
        // It greets us properly now, so it was in a hurry before.
        Greeting { offer: Some(_), .. } => Setback { failure: plain, again: true },
        Greeting { banner, .. } if !banner.is_empty() => {
            not_ssh(format!("the server says {banner:?} and then nothing that is SSH")).into()
        }
        // OpenSSH says this since 8.5; before that it says nothing.
        Greeting { first_line, .. } if first_line.contains("MaxStartups") => Setback {
            failure: failure("refused", "the server has too many connections that are logging in")
                .with_hint("ask fewer hosts at a time, or raise MaxStartups in its sshd_config"),
            again: true,
        },
        Greeting { first_line, .. } if !first_line.is_empty() => {
            not_ssh(format!("the port answers {first_line:?}, which is no SSH server")).into()
        }
        _ => Setback {
            failure: failure("not-ssh", "the server closes the connection before its banner")
                .with_hint(
                    "check that the port is that of an SSH server, and its MaxStartups and \
                     hosts.deny",
                ),
            again: true,
        },
    }
}

/// The host key a server proved to have: its type as known_hosts spells it, and the key.
fn host_key(link: &Link) -> Result<(String, Vec<u8>), Failure> {
    let (key, _) = link
        .session
        .host_key()
        .ok_or_else(|| failure("host-key", "the server presented no host key"))?;
    // A key begins with its own type's name.
    let name = key.split_first_chunk::<4>().and_then(|(length, rest)| {
        let length = u32::from_be_bytes(*length) as usize;
        std::str::from_utf8(rest.get(..length)?).ok()
    });
    let name = name.ok_or_else(|| failure("host-key", "the server's host key is damaged"))?;
    Ok((name.to_owned(), key.to_vec()))
}

fn method(link: &Link, part: MethodType) -> String {
    link.session.methods(part).unwrap_or_default().to_owned()
}

/// A time around this one, so that hosts that were dropped together do not come back together.
fn jittered(time: Duration) -> Duration {
    let mut bytes = [0; 2];
    // Without random numbers everybody waits the same, which is worse and works.
    random::fill(&mut bytes).ok();
    time / 2 + time * u32::from(u16::from_le_bytes(bytes)) / u32::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_tells_why_a_handshake_failed() {
        let plain = || failure("not-ssh", "plain");
        let greeting = |banner: &str, first_line: &str, offer| Greeting {
            banner: banner.to_owned(),
            first_line: first_line.to_owned(),
            offer,
        };
        let offer = || Some(kexinit::Offer::default());
        for (greeting, code, kind, again) in [
            (greeting("SSH-2.0-x", "", offer()), -5, "algorithms", false),
            (greeting("SSH-2.0-x", "", offer()), -13, "not-ssh", true),
            (greeting("SSH-2.0-x", "", None), -5, "not-ssh", false),
            (greeting("", "HTTP/1.1 400 Bad Request", None), -13, "not-ssh", false),
            (greeting("", "Exceeded MaxStartups", None), -13, "refused", true),
            (greeting("", "", None), -13, "not-ssh", true),
        ] {
            let setback = explained(&greeting, code, plain(), false);
            assert_eq!(
                (setback.failure.kind.as_str(), setback.again),
                (kind, again),
                "{greeting:?}"
            );
        }
    }

    #[test]
    fn waits_differ() {
        let time = Duration::from_millis(100);
        let waits: Vec<Duration> = (0..20).map(|_| jittered(time)).collect();
        assert!(waits.iter().all(|wait| *wait >= time / 2 && *wait <= time * 3 / 2), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
