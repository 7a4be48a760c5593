//! Logging in: the agent's keys, key files, then a password by the method the server offers.
//!
//! Only after the host key is verified. A password is tried once, for a second wrong one may lock the
//! account. Not for where secrets come from: that is the [`SecretProvider`].

use std::path::{Path, PathBuf};

use openssl::base64;
use ssh2::{KeyboardInteractivePrompt, Prompt};

use super::connection::SshConnection;
use super::deadline::HostDeadline;
use super::failure::{self, SshError, Step, failure, format_seconds};
use super::key_file::{self, KeyFile};
use super::secret_provider::{PromptError, SecretOwner, SecretProvider};
use crate::facts::failure_kind::FailureKind;
use crate::facts::transcript::Failure;
use crate::regular_file;
use crate::secret::Secret;

/// The most keys that are offered. OpenSSH ends a connection at the sixth failure, and a password may
/// follow the keys.
const MAX_KEYS: usize = 5;

/// The most bytes of a public key file.
const MAX_PUBLIC_KEY_BYTES: u64 = 64 * 1024;

/// A private key file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub path: PathBuf,
    /// Whether the file was named, and is not a default one.
    pub explicit: bool,
}

/// Which agent is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AgentChoice {
    /// None.
    None,
    /// The agent of SSH_AUTH_SOCK.
    Environment,
    /// The agent at this socket.
    At(PathBuf),
}

/// An account, and the keys to log in with.
#[derive(Clone, Debug)]
pub(super) struct SshAccount {
    pub user: String,
    /// The name for messages: `root@mt1`.
    pub label: String,
    /// The host's name as given.
    pub host: String,
    /// Whether the host is a jump host.
    pub is_jump: bool,
    pub identities: Vec<Identity>,
    /// Whether the agent may offer only keys that `identities` name.
    pub identities_only: bool,
    pub agent: AgentChoice,
}

impl SshAccount {
    /// Returns the account for the secret provider.
    pub(super) fn secret_owner(&self) -> SecretOwner<'_> {
        SecretOwner { account: &self.label, host: &self.host, is_jump: self.is_jump }
    }
}

/// Returns the failure of a prompt.
pub(super) fn prompt_failure(what: &str, why: &PromptError, deadline: &HostDeadline) -> Failure {
    match why {
        PromptError::TimedOut(_) => failure(
            FailureKind::Timeout,
            format!(
                "{what} was asked for, and nobody answered within {} s",
                format_seconds(deadline.limit)
            ),
        )
        .with_hint("answer in time, raise --timeout, or give it by a file or the environment"),
        PromptError::Interrupted => {
            failure(FailureKind::Interrupted, format!("interrupted when {what} was asked for"))
        }
        PromptError::Unreadable(why) => {
            failure(FailureKind::Authentication, format!("{what}: {why}"))
        }
    }
}

/// Logs in, and returns the method: `agent`, `key`, `password`, `keyboard-interactive`, `none`.
pub(super) fn log_in(
    connection: &SshConnection,
    account: &SshAccount,
    secrets: &dyn SecretProvider,
) -> Result<&'static str, Failure> {
    let mut attempt = LoginAttempt {
        connection,
        account,
        secrets,
        offered: Vec::new(),
        notes: Vec::new(),
        prompt_failure: None,
    };
    let outcome = attempt.run();
    if let Some(failure) = attempt.prompt_failure.take() {
        return Err(failure);
    }
    match outcome {
        Ok(Some(how)) if connection.session.authenticated() => Ok(how),
        Ok(_) => Err(attempt.refused_failure()),
        Err(stop) => Err(failure::step_failure(Step::Login, &stop, &connection.deadline)),
    }
}

struct LoginAttempt<'a> {
    connection: &'a SshConnection,
    account: &'a SshAccount,
    secrets: &'a dyn SecretProvider,
    /// The methods that the server offers.
    offered: Vec<String>,
    /// What was tried, with its result.
    notes: Vec<String>,
    /// The failure of a prompt, which ends the login.
    prompt_failure: Option<Failure>,
}

impl LoginAttempt<'_> {
    fn run(&mut self) -> Result<Option<&'static str>, SshError> {
        self.fetch_methods()?;
        if self.connection.session.authenticated() {
            return Ok(Some("none"));
        }
        if self.offers("publickey") {
            if let Some(how) = self.try_keys()? {
                return Ok(Some(how));
            }
            // A server that requires a key and a password offers the second after the first.
            if !self.offers("password") && !self.offers("keyboard-interactive") {
                self.fetch_methods()?;
            }
        }
        self.try_password()
    }

    fn offers(&self, method: &str) -> bool {
        self.offered.iter().any(|offered| offered == method)
    }

    fn fetch_methods(&mut self) -> Result<(), SshError> {
        let user = &self.account.user;
        let methods = self.connection.wait_for(|session| {
            session.auth_methods(user).map(str::to_owned).or_else(|error| {
                // An empty list is no error when no method is needed.
                if session.authenticated() { Ok(String::new()) } else { Err(error) }
            })
        })?;
        self.offered = methods.split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect();
        tracing::debug!("{}: the server takes {methods}", self.account.label);
        Ok(())
    }

    fn try_keys(&mut self) -> Result<Option<&'static str>, SshError> {
        let mut left = MAX_KEYS;
        let explicit: Vec<Identity> =
            self.account.identities.iter().filter(|identity| identity.explicit).cloned().collect();
        let usual: Vec<Identity> =
            self.account.identities.iter().filter(|identity| !identity.explicit).cloned().collect();
        let named: Vec<Vec<u8>> =
            explicit.iter().filter_map(|identity| read_public_key(&identity.path)).collect();
        if self.try_agent(&mut left, |blob| named.iter().any(|name| name == blob))? {
            return Ok(Some("agent"));
        }
        for identity in explicit {
            if self.try_key_file(&identity, &mut left)? {
                return Ok(Some("key"));
            }
        }
        if !self.account.identities_only
            && self.try_agent(&mut left, |blob| !named.iter().any(|name| name == blob))?
        {
            return Ok(Some("agent"));
        }
        for identity in usual {
            if self.try_key_file(&identity, &mut left)? {
                return Ok(Some("key"));
            }
        }
        Ok(None)
    }

    /// Offers the keys of the agent that `wanted` selects.
    fn try_agent(
        &mut self,
        left: &mut usize,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<bool, SshError> {
        let reached = self.connection.session.agent().and_then(|mut agent| {
            match &self.account.agent {
                AgentChoice::None => return Ok(None),
                AgentChoice::Environment if std::env::var_os("SSH_AUTH_SOCK").is_none() => {
                    return Ok(None);
                }
                AgentChoice::Environment => {}
                AgentChoice::At(path) => agent.set_identity_path(path)?,
            }
            agent.connect()?;
            agent.list_identities()?;
            let identities = agent.identities()?;
            Ok(Some((agent, identities)))
        });
        let (agent, identities) = match reached {
            Ok(Some(reached)) => reached,
            Ok(None) => return Ok(false),
            Err(error) => {
                self.note(format!("the agent cannot be asked ({})", error.message()));
                return Ok(false);
            }
        };
        for identity in identities.iter().filter(|identity| wanted(identity.blob())) {
            if !self.take_key_slot(left) {
                return Ok(false);
            }
            let what = format!("the agent's key {:?}", identity.comment());
            let user = &self.account.user;
            if self
                .was_accepted(self.connection.wait_for(|_| agent.userauth(user, identity)), what)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn try_key_file(&mut self, identity: &Identity, left: &mut usize) -> Result<bool, SshError> {
        let path = identity.path.display();
        let (key, passphrase) = match key_file::read(&identity.path) {
            KeyFile::Missing if !identity.explicit => return Ok(false),
            KeyFile::Missing => {
                self.note(format!("there is no key {path}"));
                return Ok(false);
            }
            KeyFile::Unusable(why) => {
                self.note(format!("{path} cannot be used: {why}"));
                return Ok(false);
            }
            KeyFile::Plain(key) => (key, None),
            KeyFile::Encrypted(key) => {
                let ask = |limit| self.secrets.passphrase(&identity.path, identity.explicit, limit);
                match self.connection.deadline.pause_while(ask) {
                    Ok(Some(passphrase)) => (key, Some(passphrase)),
                    Ok(None) => {
                        self.note(format!("{path} is encrypted, and no passphrase was given"));
                        return Ok(false);
                    }
                    Err(PromptError::Unreadable(why)) => {
                        self.note(format!("{path} is encrypted: {why}"));
                        return Ok(false);
                    }
                    Err(why) => {
                        return Err(self.abort(&format!("the passphrase of {path}"), &why));
                    }
                }
            }
        };
        if !self.take_key_slot(left) {
            return Ok(false);
        }
        let user = &self.account.user;
        // Without the public half the library reads the private key once more, a quarter of the time
        // of a login. With a passphrase the library must try it before the server is asked.
        let public = match passphrase {
            None => key_file::public_key_line(key.expose()),
            Some(_) => None,
        };
        let tried = self.connection.wait_for(|session| {
            let passphrase = passphrase.as_ref().map(Secret::expose);
            session.userauth_pubkey_memory(user, public.as_deref(), key.expose(), passphrase)
        });
        match tried {
            Err(SshError::Libssh2(-16, _)) if passphrase.is_some() => {
                self.note(format!("the passphrase does not open {path}"));
                *left += 1;
                Ok(false)
            }
            Err(SshError::Libssh2(-16, why)) => {
                self.note(format!("{path} is not understood ({why})"));
                *left += 1;
                Ok(false)
            }
            tried => self.was_accepted(tried, format!("the key {path}")),
        }
    }

    fn take_key_slot(&mut self, left: &mut usize) -> bool {
        if *left == 0 {
            self.note(format!("no more than {MAX_KEYS} keys are offered"));
            return false;
        }
        *left -= 1;
        true
    }

    fn try_password(&mut self) -> Result<Option<&'static str>, SshError> {
        let how = match (self.offers("password"), self.offers("keyboard-interactive")) {
            (true, _) => "password",
            (false, true) => "keyboard-interactive",
            (false, false) => return Ok(None),
        };
        let whose = self.account.secret_owner();
        let ask = |limit| self.secrets.password(&whose, limit);
        let password = match self.connection.deadline.pause_while(ask) {
            Ok(Some(password)) => password,
            Ok(None) => {
                self.note("no password was given".to_owned());
                return Ok(None);
            }
            Err(PromptError::Unreadable(why)) => {
                self.note(why);
                return Ok(None);
            }
            Err(why) => {
                let what = format!("the password of {}", self.account.label);
                return Err(self.abort(&what, &why));
            }
        };
        let user = &self.account.user;
        if how == "password" {
            let tried = self
                .connection
                .wait_for(|session| session.userauth_password(user, password.expose()));
            return Ok(self.was_accepted(tried, "the password".to_owned())?.then_some(how));
        }
        let mut answers =
            KeyboardResponder { password: &password, answered: false, extra_question: None };
        let tried = self
            .connection
            .wait_for(|session| session.userauth_keyboard_interactive(user, &mut answers));
        let extra_question = answers.extra_question.take();
        let taken = self.was_accepted(tried, "the password".to_owned())?;
        if let Some(question) = extra_question.filter(|_| !taken) {
            self.note(format!("the server also asks {question:?}, which is not answered here"));
        }
        Ok(taken.then_some(how))
    }

    /// Whether an attempt was accepted. A refusal is noted; any other error ends the login.
    fn was_accepted(
        &mut self,
        tried: Result<(), SshError>,
        what: String,
    ) -> Result<bool, SshError> {
        match tried {
            Ok(()) => {
                tracing::info!("{}: logged in with {what}", self.account.label);
                Ok(true)
            }
            Err(SshError::Libssh2(code, _)) if !failure::is_disconnect(code) => {
                self.note(format!("{what} was refused"));
                Ok(false)
            }
            Err(stop) => Err(stop),
        }
    }

    /// Ends the login after a failed prompt.
    fn abort(&mut self, what: &str, why: &PromptError) -> SshError {
        self.prompt_failure = Some(prompt_failure(what, why, &self.connection.deadline));
        SshError::TimedOut
    }

    fn note(&mut self, note: String) {
        tracing::info!("{}: {note}", self.account.label);
        self.notes.push(note);
    }

    fn refused_failure(&self) -> Failure {
        let offered = match self.offered.as_slice() {
            [] => "no method".to_owned(),
            offered => offered.join(", "),
        };
        let mut reason =
            format!("{} may not log in: the server takes {offered}", self.account.label);
        for note in &self.notes {
            reason.push_str("; ");
            reason.push_str(note);
        }
        let by_password = self.offers("password") || self.offers("keyboard-interactive");
        let tried = self.notes.iter().any(|note| note == "the password was refused");
        let hint = match (by_password, tried) {
            (true, true) => {
                "check the password, and PermitRootLogin in the server's sshd_config".to_owned()
            }
            (true, false) => {
                let sources = self.secrets.password_hint(&self.account.secret_owner());
                format!("{sources} or a key (--identity)")
            }
            (false, _) => {
                "give a key that is in the account's authorized_keys: --identity KEY, or ssh-add KEY"
                    .to_owned()
            }
        };
        failure(FailureKind::Authentication, reason).with_hint(hint)
    }
}

/// Answers the rounds of a keyboard-interactive login.
struct KeyboardResponder<'a> {
    password: &'a Secret,
    answered: bool,
    /// A question after the one for the password.
    extra_question: Option<String>,
}

impl KeyboardInteractivePrompt for KeyboardResponder<'_> {
    /// Returns one answer for each question; the last round of some servers has no question.
    fn prompt<'b>(&mut self, _: &str, _: &str, prompts: &[Prompt<'b>]) -> Vec<String> {
        let mut answer = |prompt: &Prompt<'b>| {
            if !self.answered && !prompt.echo {
                self.answered = true;
                return self.password.expose().to_owned();
            }
            self.extra_question.get_or_insert_with(|| prompt.text.chars().take(80).collect());
            String::new()
        };
        prompts.iter().map(&mut answer).collect()
    }
}

/// Reads the public key file beside a private one.
fn read_public_key(path: &Path) -> Option<Vec<u8>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    let text = regular_file::read(&PathBuf::from(name), MAX_PUBLIC_KEY_BYTES).ok()?;
    let text = String::from_utf8(text).ok()?;
    base64::decode_block(text.split_ascii_whitespace().nth(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_questions_are_answered_one_for_one() {
        let password = Secret::new("secret".into());
        let mut answers =
            KeyboardResponder { password: &password, answered: false, extra_question: None };
        let prompt = |text: &'static str, echo| Prompt { text: text.into(), echo };
        assert_eq!(answers.prompt("", "", &[]), [""; 0]);
        assert_eq!(answers.prompt("", "", &[prompt("Password: ", false)]), ["secret"]);
        assert_eq!(answers.prompt("", "", &[]), [""; 0]);
        assert_eq!(answers.extra_question, None);
        assert_eq!(answers.prompt("", "", &[prompt("Code: ", false)]), [""]);
        assert_eq!(answers.extra_question.as_deref(), Some("Code: "));
    }
}
