//! Passwords from a prompt, a file that only its owner can read, the environment, or a file
//! descriptor. Never from the command line.
//!
//! Not for what they are used for, nor for prompting (`terminal`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use crate::cli::terminal::prompt;
use crate::secret::Secret;
use crate::transport::ssh::{PromptError, SecretOwner, SecretProvider, UnknownHostKey};

/// The most bytes of a password.
const MAX_BYTES: u64 = 4096;

/// The variable with the password of hosts.
const VARIABLE: &str = "PREFLIGHT_PASSWORD";

/// The variable with the sudo password of hosts.
const SUDO_VARIABLE: &str = "PREFLIGHT_SUDO_PASSWORD";

/// How long a pipe may take to give a password.
const PIPE_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the first line of a file that only its owner can read.
pub fn from_file(what: &str, path: &Path) -> anyhow::Result<Secret> {
    let unread = || format!("{what}: cannot read {}", path.display());
    // The open file is checked and read, so that it cannot be exchanged in between. Opening a pipe
    // does not block.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC).bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path).with_context(unread)?;
    let meta = file.metadata().with_context(unread)?;
    if meta.permissions().mode() & 0o077 != 0 {
        bail!("{what}: {} can be read by others, chmod it to 0600", path.display());
    }
    if meta.len() > MAX_BYTES {
        bail!("{what}: {} has {} bytes, a password has fewer", path.display(), meta.len());
    }
    first_line(file).with_context(unread)
}

/// Returns the value of an environment variable.
pub fn from_environment(what: &str, name: &str) -> anyhow::Result<Secret> {
    let value = std::env::var(name)
        .with_context(|| format!("{what}: the environment variable {name} cannot be read"))?;
    Ok(Secret::new(value))
}

/// Returns the first line of an open file descriptor.
pub fn from_descriptor(what: &str, number: u16) -> anyhow::Result<Secret> {
    let unread = || format!("{what}: cannot read file descriptor {number}");
    let file = File::open(format!("/dev/fd/{number}")).with_context(unread)?;
    first_line(file).with_context(unread)
}

/// Returns the first line of a file; waits for that of a pipe for [`PIPE_TIMEOUT`].
fn first_line(mut file: File) -> std::io::Result<Secret> {
    let until = Instant::now() + PIPE_TIMEOUT;
    // Allocated at full size, so that growing leaves no copy in memory.
    let mut text = Vec::with_capacity(MAX_BYTES as usize);
    while !text.contains(&b'\n') && text.len() < MAX_BYTES as usize {
        let left = until.saturating_duration_since(Instant::now());
        let wait = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        match poll(&mut [PollFd::new(&file, PollFlags::IN)], Some(&wait)) {
            Ok(0) if left.is_zero() => return Err(std::io::ErrorKind::TimedOut.into()),
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let had = text.len();
        text.resize(MAX_BYTES as usize, 0);
        let read = file.read(&mut text[had..]);
        text.truncate(had + read.as_ref().map_or(0, |count| *count));
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    let text = String::from_utf8(text).map_err(|_| std::io::ErrorKind::InvalidData)?;
    let text = Secret::new(text);
    Ok(Secret::new(text.expose().lines().next().unwrap_or("").to_owned()))
}

/// The secrets of one run: each is prompted for once, however many hosts need it.
#[derive(Debug, Default)]
pub struct PasswordStore {
    /// The password from a file, a descriptor or the environment.
    given: Option<Secret>,
    typed: Mutex<Typed>,
}

/// The answers to prompts; none for an empty answer.
#[derive(Debug, Default)]
struct Typed {
    passwords: BTreeMap<String, Option<Secret>>,
    passphrases: BTreeMap<PathBuf, Option<Secret>>,
}

impl PasswordStore {
    /// Reads the password that does not need a prompt.
    pub fn from_options(file: Option<&Path>, descriptor: Option<u16>) -> anyhow::Result<Self> {
        match (file, descriptor) {
            (None, Some(number)) => {
                Self::with_password(Some(from_descriptor("--password-fd", number)?))
            }
            (None, None) => Self::with_password(from_variable("the password", VARIABLE)?),
            _ => Self::from_file_only(file),
        }
    }

    /// Reads the password from the file, if one is given, and never from the environment.
    pub fn from_file_only(file: Option<&Path>) -> anyhow::Result<Self> {
        Self::with_password(file.map(|path| from_file("password file", path)).transpose()?)
    }

    fn with_password(given: Option<Secret>) -> anyhow::Result<Self> {
        if given.as_ref().is_some_and(|password| password.expose().is_empty()) {
            bail!("the password is empty");
        }
        Ok(Self { given, ..Self::default() })
    }

    /// Returns the secrets of one system alone: from a file, its own variable or a prompt, never
    /// those of other systems.
    pub fn for_system(name: &str, file: Option<&Path>) -> anyhow::Result<Self> {
        match file {
            None => {
                let given =
                    from_variable(&format!("the password of {name}"), &password_variable(name))?;
                Self::with_password(given).with_context(|| password_variable(name))
            }
            Some(path) => Self::from_options(Some(path), None),
        }
    }

    /// Returns the sudo password: from a file, the system's own variable, that of all systems, or a
    /// prompt.
    pub fn for_sudo(name: Option<&str>, file: Option<&Path>) -> anyhow::Result<Self> {
        let what = "the password for sudo";
        if let Some(path) = file {
            return Self::with_password(Some(from_file(what, path)?)).context(what);
        }
        let own = name.map(|name| variable_for(SUDO_VARIABLE, name));
        let own = own.filter(|own| std::env::var_os(own).is_some());
        let variable = own.as_deref().unwrap_or(SUDO_VARIABLE);
        Self::with_password(from_variable(what, variable)?).context(what)
    }

    fn typed(&self) -> MutexGuard<'_, Typed> {
        self.typed.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn from_variable(what: &str, name: &str) -> anyhow::Result<Option<Secret>> {
    std::env::var_os(name).map(|_| from_environment(what, name)).transpose()
}

/// Returns the variable with the password of one system by its name in the site: that of `esx-1` is
/// `PREFLIGHT_PASSWORD_ESX_1`.
pub fn password_variable(name: &str) -> String {
    variable_for(VARIABLE, name)
}

/// Whether the environment has a sudo password for this system alone.
pub fn has_sudo_variable(name: &str) -> bool {
    std::env::var_os(variable_for(SUDO_VARIABLE, name)).is_some()
}

fn variable_for(variable: &str, name: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("{variable}_{}", name.chars().map(word).collect::<String>())
}

/// Prompts for a secret unless it was prompted for before, and remembers the answer, an empty one
/// too.
fn prompt_once<K: Ord>(
    answers: &mut BTreeMap<K, Option<Secret>>,
    of: K,
    question: &str,
    limit: Duration,
) -> Result<Option<Secret>, PromptError> {
    if let Some(answer) = answers.get(&of) {
        return Ok(answer.clone());
    }
    let answer = prompt::read_secret(question, limit)?;
    let answer = answer.filter(|answer| !answer.expose().is_empty());
    answers.insert(of, answer.clone());
    Ok(answer)
}

impl SecretProvider for PasswordStore {
    fn password(
        &self,
        of: &SecretOwner<'_>,
        limit: Duration,
    ) -> Result<Option<Secret>, PromptError> {
        let account = of.account;
        // A jump host never gets the password of another host.
        if of.is_jump {
            let own =
                from_variable(&format!("the password of {account}"), &password_variable(of.host));
            if let Some(own) = own.map_err(|error| PromptError::Unreadable(error.to_string()))? {
                return Ok(Some(own));
            }
            let question = format!("Password of the jump host {account}: ");
            return prompt_once(&mut self.typed().passwords, account.to_owned(), &question, limit);
        }
        if let Some(password) = &self.given {
            return Ok(Some(password.clone()));
        }
        let question = format!("Password of {account}: ");
        prompt_once(&mut self.typed().passwords, account.to_owned(), &question, limit)
    }

    fn passphrase(
        &self,
        key: &Path,
        given: bool,
        limit: Duration,
    ) -> Result<Option<Secret>, PromptError> {
        if let Some(password) = &self.given {
            return Ok(Some(password.clone()));
        }
        let mut typed = self.typed();
        if let (None, false) = (typed.passphrases.get(key), given) {
            return Ok(None);
        }
        let question = format!("Passphrase of {}: ", key.display());
        prompt_once(&mut typed.passphrases, key.to_owned(), &question, limit)
    }

    fn sudo_password(
        &self,
        of: &SecretOwner<'_>,
        limit: Duration,
    ) -> Result<Option<Secret>, PromptError> {
        if let Some(password) = &self.given {
            return Ok(Some(password.clone()));
        }
        let question = format!("Password for sudo of {}: ", of.account);
        prompt_once(&mut self.typed().passwords, of.account.to_owned(), &question, limit)
    }

    fn confirm_host_key(
        &self,
        new: &UnknownHostKey<'_>,
        limit: Duration,
    ) -> Result<Option<bool>, PromptError> {
        let UnknownHostKey { host, key_type, fingerprint, file } = new;
        let file = file.display();
        let question = format!(
            "The host {host} is not known.\nIts {key_type} key has the fingerprint {fingerprint}\n\
             Compare it with what the host's console shows: ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub\n\
             Is it the right one? It will be kept in {file} (yes/no/[fingerprint]) "
        );
        prompt::confirm_fingerprint(&question, fingerprint, limit)
    }

    fn password_hint(&self, of: &SecretOwner<'_>) -> String {
        if of.is_jump {
            format!(
                "give the jump host's own password ({}, or the prompt on a terminal)",
                password_variable(of.host)
            )
        } else {
            "give a password (--password-file, --password-fd, PREFLIGHT_PASSWORD, or the \
                      prompt on a terminal)"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_password_file_that_others_can_read_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "secret\nmore\n").unwrap();
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(file.path(), mode(0o644)).unwrap();
        assert!(from_file("x", file.path()).unwrap_err().to_string().contains("0600"));
        std::fs::set_permissions(file.path(), mode(0o600)).unwrap();
        assert_eq!(from_file("x", file.path()).unwrap().expose(), "secret");
        std::fs::write(file.path(), "x".repeat(5000)).unwrap();
        assert!(from_file("x", file.path()).unwrap_err().to_string().contains("5000 bytes"));
    }

    #[test]
    fn a_pipe_gives_its_first_line_and_is_not_waited_for_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status();
        assert!(made.unwrap().success());
        let writer = pipe.clone();
        let writing = std::thread::spawn(move || std::fs::write(writer, "secret\n"));
        assert_eq!(from_file("x", &pipe).unwrap().expose(), "secret");
        writing.join().unwrap().unwrap();
    }

    #[test]
    fn a_descriptor_gives_its_first_line() {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, b"secret\n").unwrap();
        let number = u16::try_from(file.as_raw_fd()).unwrap();
        assert_eq!(from_descriptor("x", number).unwrap().expose(), "secret");
        assert!(from_descriptor("x", 65_000).is_err());
    }
}
