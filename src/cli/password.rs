//! Where passwords come from: a prompt, a file that nobody else can read, the environment, or a
//! file descriptor. Never the command line.
//!
//! Not for what they are for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use anyhow::{Context, bail};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::secret::Secret;
use crate::transport::ssh::Secrets;

/// The most bytes of a password that are read.
const BYTES: u64 = 4096;

/// The variable that holds the password of the hosts that are asked.
const VARIABLE: &str = "PREFLIGHT_PASSWORD";

/// Keeps this process out of core files, and out of reach of others of the same user. To be called
/// before a password is in its memory.
pub fn guard() -> anyhow::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("cannot guard the password")
}

/// The first line of a file, of which nobody but its owner may read anything.
pub fn from_file(what: &str, path: &Path) -> anyhow::Result<Secret> {
    let unread = || format!("{what}: cannot read {}", path.display());
    // One open file is looked at and read, so that it cannot be another one in between.
    let file = File::open(path).with_context(unread)?;
    let meta = file.metadata().with_context(unread)?;
    if meta.permissions().mode() & 0o077 != 0 {
        bail!("{what}: {} can be read by others, chmod it to 0600", path.display());
    }
    if meta.len() > BYTES {
        bail!("{what}: {} has {} bytes, a password has fewer", path.display(), meta.len());
    }
    first_line(file).with_context(unread)
}

/// The value of an environment variable.
pub fn from_environment(what: &str, name: &str) -> anyhow::Result<Secret> {
    let value = std::env::var(name)
        .with_context(|| format!("{what}: the environment variable {name} cannot be read"))?;
    Ok(Secret::new(value))
}

/// The first line that an open file descriptor gives.
pub fn from_descriptor(what: &str, number: u16) -> anyhow::Result<Secret> {
    let unread = || format!("{what}: cannot read file descriptor {number}");
    // To be opened before `guard`, which takes /proc/self away from all but root.
    let file = File::open(format!("/dev/fd/{number}")).with_context(unread)?;
    first_line(file).with_context(unread)
}

/// Asks on the terminal, when there is one.
pub fn from_terminal(question: &str) -> anyhow::Result<Option<Secret>> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let question = super::screen::printable(question);
    Ok(Some(Secret::new(rpassword::prompt_password(question)?)))
}

fn first_line(file: File) -> std::io::Result<Secret> {
    let mut text = String::with_capacity(BYTES as usize);
    file.take(BYTES).read_to_string(&mut text)?;
    let text = Secret::new(text);
    Ok(Secret::new(text.expose().lines().next().unwrap_or("").to_owned()))
}

/// The secrets of one run: each is asked for once, however many hosts want it.
#[derive(Debug)]
pub struct Keyring {
    /// What a file, a descriptor or the environment gave.
    given: Option<Secret>,
    typed: Mutex<Typed>,
}

/// What a person typed, and that one had nothing to type.
#[derive(Debug, Default)]
struct Typed {
    passwords: BTreeMap<String, Option<Secret>>,
    passphrases: BTreeMap<PathBuf, Option<Secret>>,
}

impl Keyring {
    /// Reads what can be read without asking anybody.
    pub fn of(file: Option<&Path>, descriptor: Option<u16>) -> anyhow::Result<Self> {
        match (file, descriptor) {
            (None, Some(number)) => Self::holding(Some(from_descriptor("--password-fd", number)?)),
            (None, None) if std::env::var_os(VARIABLE).is_some() => {
                Self::holding(Some(from_environment("the password", VARIABLE)?))
            }
            _ => Self::in_file(file),
        }
    }

    /// Reads a file, if there is one, and never the environment.
    pub fn in_file(file: Option<&Path>) -> anyhow::Result<Self> {
        Self::holding(file.map(|path| from_file("password file", path)).transpose()?)
    }

    fn holding(given: Option<Secret>) -> anyhow::Result<Self> {
        if given.as_ref().is_some_and(|password| password.expose().is_empty()) {
            bail!("the password is empty");
        }
        if given.is_some() {
            guard()?;
        }
        Ok(Self { given, typed: Mutex::default() })
    }

    /// The secrets of one system alone: what a file or its own variable gives, or a person. What was
    /// given for other systems is none of it.
    pub fn alone(name: &str, file: Option<&Path>) -> anyhow::Result<Self> {
        let variable = variable_of(name);
        match file {
            None if std::env::var_os(&variable).is_some() => {
                let given = from_environment(&format!("the password of {name}"), &variable)?;
                anyhow::ensure!(!given.expose().is_empty(), "{variable} is empty");
                guard()?;
                Ok(Self { given: Some(given), typed: Mutex::default() })
            }
            None => Ok(Self { given: None, typed: Mutex::default() }),
            Some(path) => Self::of(Some(path), None),
        }
    }

    fn typed(&self) -> MutexGuard<'_, Typed> {
        self.typed.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The variable that holds the password of one system by its name in the site: that of `esx-1` is
/// `PREFLIGHT_PASSWORD_ESX_1`.
pub fn variable_of(name: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("{VARIABLE}_{}", name.chars().map(word).collect::<String>())
}

/// Asks a person, and notes the answer even if there is none.
fn asked(place: &mut Option<Secret>, question: &str) -> Result<Option<Secret>, String> {
    guard().map_err(|error| error.to_string())?;
    let answer = from_terminal(question).map_err(|error| format!("no prompt: {error}"))?;
    *place = answer.filter(|answer| !answer.expose().is_empty());
    Ok(place.clone())
}

impl Secrets for Keyring {
    fn password(&self, account: &str) -> Result<Option<Secret>, String> {
        if let Some(password) = &self.given {
            return Ok(Some(password.clone()));
        }
        let mut typed = self.typed();
        if let Some(password) = typed.passwords.get(account) {
            return Ok(password.clone());
        }
        let place = typed.passwords.entry(account.to_owned()).or_default();
        asked(place, &format!("Password of {account}: "))
    }

    fn passphrase(&self, key: &Path, given: bool) -> Result<Option<Secret>, String> {
        if let Some(password) = &self.given {
            return Ok(Some(password.clone()));
        }
        let mut typed = self.typed();
        if let Some(passphrase) = typed.passphrases.get(key) {
            return Ok(passphrase.clone());
        }
        if !given {
            return Ok(None);
        }
        let place = typed.passphrases.entry(key.to_owned()).or_default();
        asked(place, &format!("Passphrase of {}: ", key.display()))
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
    fn a_descriptor_gives_its_first_line() {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, b"secret\n").unwrap();
        let number = u16::try_from(file.as_raw_fd()).unwrap();
        assert_eq!(from_descriptor("x", number).unwrap().expose(), "secret");
        assert!(from_descriptor("x", 65_000).is_err());
    }
}
