//! Verifying a server's host key against known_hosts or a fingerprint, before anything secret is sent
//! to it.
//!
//! Not for the format of known_hosts (`known_hosts`).

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Mutex;

use openssl::base64;
use openssl::sha::sha256;

use super::deadline::HostDeadline;
use super::failure::failure;
use super::known_hosts::{self, KeyStatus, KnownHosts, LineLocation};
use super::login::prompt_failure;
use super::revoked;
use super::secret_provider::{SecretProvider, UnknownHostKey};
use crate::facts::failure_kind::FailureKind;
use crate::facts::transcript::Failure;
use crate::regular_file;
use crate::shell;

/// The most bytes of one known_hosts file.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The SHA-256 of a host key, as `ssh-keygen -l` prints it: `SHA256:` and base64 without padding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// A text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a fingerprint, expected SHA256: and 43 characters, as ssh-keygen -l prints it"
)]
pub struct FingerprintError(pub String);

impl Fingerprint {
    /// Returns the fingerprint of a key in its wire format.
    pub fn from_key(key: &[u8]) -> Self {
        Self(sha256(key))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", base64::encode_block(&self.0).trim_end_matches('='))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let bad = || FingerprintError(text.to_owned());
        let digits = text.strip_prefix("SHA256:").ok_or_else(bad)?.trim_end_matches('=');
        if digits.len() != 43 || !digits.is_ascii() {
            return Err(bad());
        }
        let bytes = base64::decode_block(&format!("{digits}=")).map_err(|_| bad())?;
        let fingerprint = Self(bytes.try_into().map_err(|_| bad())?);
        // The last digit has unused bits; a key has only one spelling.
        let same = fingerprint.to_string()[7..] == *digits;
        same.then_some(fingerprint).ok_or_else(bad)
    }
}

/// How a server's host key is verified.
#[derive(Clone, Debug)]
pub(super) struct HostKeyPolicy {
    /// The name by which the key is looked up.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The known_hosts files; an unknown key is added to the first one.
    pub files: Vec<PathBuf>,
    /// The pinned key; then files do not count.
    pub pinned: Option<Fingerprint>,
    /// Whether an unknown key is accepted and written to a file.
    pub accept_new: bool,
    /// Files of revoked keys.
    pub revoked: Vec<PathBuf>,
    /// The commands for hints.
    pub rerun: RerunCommands,
}

/// The commands that run again, once somebody has compared the host's key.
#[derive(Clone, Debug, Default)]
pub(super) struct RerunCommands {
    /// The command that accepts the key and keeps it.
    pub accept: String,
    /// The command that pins the key, without the fingerprint. None for a jump host.
    pub pin: Option<String>,
}

impl HostKeyPolicy {
    /// Reads the known_hosts files.
    pub(super) fn load_known(&self) -> Result<KnownHosts, Failure> {
        let mut known = KnownHosts::default();
        if self.pinned.is_some() {
            return Ok(known);
        }
        for path in &self.files {
            match read(path) {
                Ok(text) => known.add_file(&text, path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // A file that cannot be read may be the one that revokes a key.
                Err(error) => {
                    let reason = format!("{} cannot be read: {error}", path.display());
                    return Err(failure(FailureKind::HostKey, reason)
                        .with_hint("make it readable, or name another: --known-hosts FILE"));
                }
            }
        }
        Ok(known)
    }

    /// Returns the host, and its port where it is not 22.
    fn host_label(&self) -> String {
        match self.port {
            22 => self.host.clone(),
            port => format!("{} port {port}", self.host),
        }
    }

    /// Refuses a revoked key, and any key where a file of revoked keys cannot be read.
    fn refuse_revoked(&self, key_type: &str, key: &[u8]) -> Result<(), Failure> {
        let named = self.host_label();
        for path in &self.revoked {
            let shown = path.display();
            let unread = |why: String| {
                failure(
                    FailureKind::HostKey,
                    format!("RevokedHostKeys of the SSH configuration: {shown}: {why}"),
                )
                .with_hint("make it a list that can be read: without it no host key is accepted")
            };
            let file = regular_file::read(path, MAX_FILE_BYTES)
                .map_err(|error| unread(error.to_string()))?;
            if revoked::is_revoked(&file, key).map_err(|why| unread(why.to_owned()))? {
                let seen = Fingerprint::from_key(key);
                let reason = format!("the {key_type} key {seen} of {named} is revoked in {shown}");
                return Err(failure(FailureKind::HostKey, reason).with_hint(REVOKED));
            }
        }
        Ok(())
    }

    /// Verifies that a key is the server's. A person is asked about an unknown one.
    pub(super) fn verify(
        &self,
        known: &KnownHosts,
        key_type: &str,
        key: &[u8],
        person: Option<(&dyn SecretProvider, &HostDeadline)>,
    ) -> Result<(), Failure> {
        self.refuse_revoked(key_type, key)?;
        let seen = Fingerprint::from_key(key);
        let named = self.host_label();
        let refused = |reason: String| failure(FailureKind::HostKey, reason);
        if let Some(pinned) = self.pinned {
            return if pinned == seen {
                Ok(())
            } else {
                Err(refused(format!(
                    "{named} presents the {key_type} key {seen}, and {pinned} is demanded"
                ))
                .with_hint(MITM))
            };
        }
        match known.check_key(&self.host, self.port, key) {
            KeyStatus::Match => Ok(()),
            KeyStatus::Revoked => {
                let at = known.revoked_at(&self.host, self.port, key).map(format_location);
                Err(refused(format!(
                    "the {key_type} key {seen} of {named} is marked @revoked in {}",
                    at.unwrap_or_else(|| "known_hosts".to_owned())
                ))
                .with_hint(REVOKED))
            }
            KeyStatus::Changed(types) => {
                let places = known.locations(&self.host, self.port);
                Err(refused(format!(
                    "{named} presents the {key_type} key {seen}, and known_hosts has {} for it: {}",
                    if types.iter().any(|known| known == key_type) {
                        "another one".to_owned()
                    } else {
                        format!("only {}", types.join(" and "))
                    },
                    places.iter().copied().map(format_location).collect::<Vec<_>>().join(" and ")
                ))
                .with_hint(self.removal_hint(&places)))
            }
            KeyStatus::Unknown if self.accept_new => self.remember(key_type, key, &seen, &named),
            KeyStatus::Unknown => match self.confirm(key_type, &seen, person)? {
                Some(true) => self.remember(key_type, key, &seen, &named),
                Some(false) => Err(refused(format!(
                    "{named} is not in known_hosts, and its {key_type} key {seen} was not accepted"
                ))
                .with_hint("find out which key the host has: ssh-keygen -l on its console")),
                None => Err(refused(format!(
                    "{named} is not in known_hosts; its {key_type} key is {seen}"
                ))
                .with_hint(self.accept_hint(&seen))),
            },
            KeyStatus::OnlyAuthority => Err(refused(format!(
                "known_hosts trusts {named} through a certificate authority only, and \
                 certificates are not verified here; its {key_type} key is {seen}"
            ))
            .with_hint("add the key itself to known_hosts, or to a file for --known-hosts")),
        }
    }

    /// Asks a person about an unknown key; none when there is nobody to ask.
    fn confirm(
        &self,
        key_type: &str,
        seen: &Fingerprint,
        person: Option<(&dyn SecretProvider, &HostDeadline)>,
    ) -> Result<Option<bool>, Failure> {
        let (Some((person, deadline)), Some(file)) = (person, self.files.first()) else {
            return Ok(None);
        };
        let (host, fingerprint) = (self.host_label(), seen.to_string());
        let new = UnknownHostKey { host: &host, key_type, fingerprint: &fingerprint, file };
        let answer = deadline.pause_while(|limit| person.confirm_host_key(&new, limit));
        answer.map_err(|why| {
            let what = format!("whether {seen} is the {key_type} key of {host}");
            let failure = prompt_failure(&what, &why, deadline);
            failure.with_hint(self.accept_hint(seen))
        })
    }

    fn accept_hint(&self, seen: &Fingerprint) -> String {
        let RerunCommands { accept, pin } = &self.rerun;
        let pin = pin.as_ref().map(|command| format!(", or {command} {seen}"));
        format!(
            "compare the fingerprint with the one on the host's console (ssh-keygen -l), then \
             take it once: {accept}{}",
            pin.unwrap_or_default()
        )
    }

    /// Returns how to remove the old lines, once somebody has compared the keys.
    fn removal_hint(&self, places: &[&LineLocation]) -> String {
        let name = quote_if_needed(&known_hosts::lookup_name(&self.host, self.port));
        let mut files: Vec<&Path> = places.iter().map(|place| &*place.file).collect();
        files.dedup();
        let commands: Vec<String> = files
            .iter()
            .map(|file| {
                format!("ssh-keygen -R {name} -f {}", quote_if_needed(&file.to_string_lossy()))
            })
            .collect();
        format!("{MITM}: {}", commands.join("; "))
    }

    fn remember(
        &self,
        key_type: &str,
        key: &[u8],
        seen: &Fingerprint,
        named: &str,
    ) -> Result<(), Failure> {
        let Some(path) = self.files.first() else {
            return Err(failure(FailureKind::HostKey, "there is no known_hosts file to write to")
                .with_hint("name one: --known-hosts FILE"));
        };
        append(path, &known_hosts::format_line(&self.host, self.port, key_type, key)).map_err(
            |error| {
                failure(
                    FailureKind::HostKey,
                    format!("{} cannot be written: {error}", path.display()),
                )
                .with_hint("name a file that can be written: --known-hosts FILE")
            },
        )?;
        tracing::warn!(
            "{named}: accepted the new {key_type} key {seen}, now in {}",
            path.display()
        );
        Ok(())
    }
}

const MITM: &str = "do not go on: either the host was installed anew, or somebody stands between. \
                    Compare with the host's console (ssh-keygen -l); only then remove the old line";

const REVOKED: &str = "do not use it: ask who revoked it, and give the host a new key";

fn format_location(place: &LineLocation) -> String {
    format!("{}, line {}", place.file.display(), place.line)
}

/// Quotes a text as one word of a shell's command line, where necessary.
pub(super) fn quote_if_needed(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:/@=+".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { shell::quote(text) }
}

/// Reads a known_hosts file. Lines beyond the limit might revoke a key, so a file is read whole or not
/// at all.
fn read(path: &Path) -> io::Result<String> {
    // The usual way to configure no file.
    if path == Path::new("/dev/null") {
        return Ok(String::new());
    }
    let bytes = regular_file::read(path, MAX_FILE_BYTES)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Adds a line to a file that may be new, and whose last line may have no end.
fn append(path: &Path, line: &str) -> io::Result<()> {
    /// Hosts run in parallel, and each line must be written whole.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    if path == Path::new("/dev/null") {
        return Ok(());
    }
    let known = regular_file::read(path, MAX_FILE_BYTES);
    let open = known.is_ok_and(|text| !text.is_empty() && !text.ends_with(b"\n"));
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let text = if open { format!("\n{line}") } else { line.to_owned() };
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(files: Vec<PathBuf>, accept_new: bool) -> HostKeyPolicy {
        HostKeyPolicy {
            host: "mt1".to_owned(),
            port: 22,
            files,
            pinned: None,
            accept_new,
            revoked: Vec::new(),
            rerun: RerunCommands {
                accept: "preflight check host ssh://root@mt1 --accept-new".to_owned(),
                pin: Some("preflight check host ssh://root@mt1 --host-key".to_owned()),
            },
        }
    }

    #[test]
    fn a_fingerprint_is_spelled_as_ssh_keygen_does() {
        let fingerprint = Fingerprint::from_key(b"key");
        let text = fingerprint.to_string();
        assert_eq!(text, "SHA256:LHDhK3oGRvkiefQnx7OOczTY5Tic/xZ6HcMOc/gmtoM");
        assert_eq!(text.parse(), Ok(fingerprint));
        for bad in ["", "SHA256:", "MD5:aa", &text[7..], &text[..49], &format!("{text}A")] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
        let twin = format!("{}N", &text[..49]);
        assert!(twin.parse::<Fingerprint>().is_err(), "another spelling of the same bytes");
    }

    #[test]
    fn an_unknown_key_is_taken_once_and_a_changed_one_never() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".ssh/known_hosts");
        let strict = trust(vec![path.clone()], false);
        let refused =
            strict.verify(&strict.load_known().unwrap(), "ssh-rsa", b"a", None).unwrap_err();
        assert!(refused.reason.contains("SHA256:"), "{refused:?}");
        let hint = refused.hint.unwrap();
        assert!(hint.contains("preflight check host ssh://root@mt1 --accept-new"), "{hint}");
        let demanded = format!("ssh://root@mt1 --host-key {}", Fingerprint::from_key(b"a"));
        assert!(hint.contains(&demanded), "{hint}");
        let open = trust(vec![path.clone()], true);
        open.verify(&open.load_known().unwrap(), "ssh-rsa", b"a", None).unwrap();
        strict.verify(&strict.load_known().unwrap(), "ssh-rsa", b"a", None).unwrap();
        for key_type in ["ssh-rsa", "ssh-ed25519"] {
            let changed =
                open.verify(&open.load_known().unwrap(), key_type, b"b", None).unwrap_err();
            assert_eq!(changed.kind, FailureKind::HostKey);
            let place = format!("{}, line 1", path.display());
            assert!(changed.reason.ends_with(&place), "{}", changed.reason);
            let hint = changed.hint.unwrap();
            assert!(hint.starts_with("do not go on"), "{key_type}");
            let command = format!("ssh-keygen -R mt1 -f {}", path.display());
            assert!(hint.ends_with(&command), "{hint}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    }

    #[test]
    fn a_line_without_an_end_is_not_continued() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known");
        fs::write(&path, "mt2 ssh-rsa AAAA").unwrap();
        let open = trust(vec![path.clone()], true);
        open.verify(&open.load_known().unwrap(), "ssh-rsa", b"a", None).unwrap();
        open.verify(&open.load_known().unwrap(), "ssh-rsa", b"a", None).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().next(), Some("mt2 ssh-rsa AAAA"));
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn a_demanded_fingerprint_decides_alone() {
        let pinned = Some(Fingerprint::from_key(b"a"));
        let trust = HostKeyPolicy { pinned, ..trust(vec!["/no/such/file".into()], true) };
        let known = trust.load_known().unwrap();
        assert!(trust.verify(&known, "ssh-rsa", b"a", None).is_ok());
        assert!(
            trust.verify(&known, "ssh-rsa", b"b", None).unwrap_err().reason.contains("demanded")
        );
    }

    #[test]
    fn revoked_keys_are_never_taken_and_an_unreadable_list_takes_none() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("revoked");
        fs::write(&list, format!("ssh-rsa {} old\n", base64::encode_block(b"a"))).unwrap();
        let pinned = Some(Fingerprint::from_key(b"a"));
        for pinned in [None, pinned] {
            let revoked = vec![list.clone()];
            let trust =
                HostKeyPolicy { pinned, revoked, ..trust(vec![dir.path().join("known")], true) };
            let known = trust.load_known().unwrap();
            let refused = trust.verify(&known, "ssh-rsa", b"a", None).unwrap_err();
            assert!(refused.reason.contains("is revoked in"), "{}", refused.reason);
        }
        let revoked = vec![dir.path().join("no")];
        let trust = HostKeyPolicy { revoked, ..trust(vec![dir.path().join("known")], true) };
        let refused =
            trust.verify(&trust.load_known().unwrap(), "ssh-rsa", b"b", None).unwrap_err();
        assert!(refused.reason.contains("RevokedHostKeys"), "{}", refused.reason);
    }

    #[test]
    fn a_file_of_known_keys_is_read_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known");
        let mut text = "# a comment that says nothing and is long\n".repeat(401_000);
        assert!(text.len() as u64 > MAX_FILE_BYTES);
        text.push_str(&format!("@revoked * ssh-rsa {}\n", base64::encode_block(b"a")));
        fs::write(&path, text).unwrap();
        let refused = trust(vec![path], true).load_known().unwrap_err();
        assert!(refused.reason.contains("more than"), "{}", refused.reason);
        assert!(trust(vec!["/dev/null".into()], true).load_known().is_ok());
        assert!(trust(vec!["/dev/zero".into()], true).load_known().is_err());
    }
}
