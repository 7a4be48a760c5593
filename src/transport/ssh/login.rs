//! Logging in: the agent's keys, key files, then a password by the method the server offers.
//!
//! Only ever behind a verified host key. A password is tried once, for a second wrong one may lock
//! the account. Not for where secrets come from: whoever asks for the check knows.

use std::path::{Path, PathBuf};

use openssl::base64;
use ssh2::{KeyboardInteractivePrompt, Prompt};

use super::deadline::Deadline;
use super::failure::{self, Step, Stop, failure, seconds};
use super::key_file::{self, KeyFile};
use super::link::Link;
use super::person::{Secrets, Unanswered, Whose};
use crate::facts::transcript::{Failure, INTERRUPTED};
use crate::regular_file;
use crate::secret::Secret;

/// How many keys are offered. OpenSSH ends a connection at the sixth failure, and a password may
/// be wanted after the keys.
const KEYS: usize = 5;

/// The most that is read of a public key file.
const PUBLIC_BYTES: u64 = 64 * 1024;

/// A private key file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub path: PathBuf,
    /// Whether somebody named it, rather than that it lies in the usual place.
    pub given: bool,
}

/// Which agent is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AgentChoice {
    /// None.
    None,
    /// The one SSH_AUTH_SOCK names.
    Environment,
    /// The one at this socket.
    At(PathBuf),
}

/// Who logs in, and with what.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub user: String,
    /// As people know it: `root@mt1`.
    pub shown: String,
    /// The host's name, as it was given.
    pub host: String,
    /// Whether the host only leads to the one that is asked.
    pub is_jump: bool,
    pub identities: Vec<Identity>,
    /// Whether the agent may offer only keys that `identities` name.
    pub identities_only: bool,
    pub agent: AgentChoice,
}

impl Account {
    /// Whose secrets are asked for.
    pub(super) fn whose(&self) -> Whose<'_> {
        Whose { account: &self.shown, host: &self.host, is_jump: self.is_jump }
    }
}

/// The failure of a question that a person was asked.
pub(super) fn unanswered(what: &str, why: &Unanswered, deadline: &Deadline) -> Failure {
    match why {
        Unanswered::Late(_) => failure(
            "timeout",
            format!(
                "{what} was asked for, and nobody answered within {} s",
                seconds(deadline.limit)
            ),
        )
        .with_hint("answer in time, raise --timeout, or give it by a file or the environment"),
        Unanswered::Interrupted => {
            failure(INTERRUPTED, format!("interrupted when {what} was asked for"))
        }
        Unanswered::Unreadable(why) => failure("authentication", format!("{what}: {why}")),
    }
}

/// Logs in, and gives the word for how: `agent`, `key`, `password`, `keyboard-interactive`, `none`.
pub(super) fn log_in(
    link: &Link,
    account: &Account,
    secrets: &dyn Secrets,
) -> Result<&'static str, Failure> {
    let mut attempt =
        Attempt { link, account, secrets, offered: Vec::new(), notes: Vec::new(), late: None };
    let outcome = attempt.run();
    if let Some(failure) = attempt.late.take() {
        return Err(failure);
    }
    match outcome {
        Ok(Some(how)) if link.session.authenticated() => Ok(how),
        Ok(_) => Err(attempt.refused()),
        Err(stop) => Err(failure::of(Step::Login, &stop, &link.deadline)),
    }
}

struct Attempt<'a> {
    link: &'a Link,
    account: &'a Account,
    secrets: &'a dyn Secrets,
    /// The methods the server takes.
    offered: Vec<String>,
    /// What was tried, and what came of it.
    notes: Vec<String>,
    /// That nobody answered a question in time, which ends the login.
    late: Option<Failure>,
}

impl Attempt<'_> {
    fn run(&mut self) -> Result<Option<&'static str>, Stop> {
        self.ask_methods()?;
        if self.link.session.authenticated() {
            return Ok(Some("none"));
        }
        if self.offers("publickey") {
            if let Some(how) = self.keys()? {
                return Ok(Some(how));
            }
            // A server that wants a key and a password offers the second after the first.
            if !self.offers("password") && !self.offers("keyboard-interactive") {
                self.ask_methods()?;
            }
        }
        self.password()
    }

    fn offers(&self, method: &str) -> bool {
        self.offered.iter().any(|offered| offered == method)
    }

    fn ask_methods(&mut self) -> Result<(), Stop> {
        let user = &self.account.user;
        let methods = self.link.patiently(|session| {
            session.auth_methods(user).map(str::to_owned).or_else(|error| {
                // That no method is listed is no error when none is needed.
                if session.authenticated() { Ok(String::new()) } else { Err(error) }
            })
        })?;
        self.offered = methods.split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect();
        tracing::debug!("{}: the server takes {methods}", self.account.shown);
        Ok(())
    }

    fn keys(&mut self) -> Result<Option<&'static str>, Stop> {
        let mut left = KEYS;
        let given: Vec<Identity> =
            self.account.identities.iter().filter(|identity| identity.given).cloned().collect();
        let usual: Vec<Identity> =
            self.account.identities.iter().filter(|identity| !identity.given).cloned().collect();
        let named: Vec<Vec<u8>> =
            given.iter().filter_map(|identity| public_part(&identity.path)).collect();
        if self.agent(&mut left, |blob| named.iter().any(|name| name == blob))? {
            return Ok(Some("agent"));
        }
        for identity in given {
            if self.key_file(&identity, &mut left)? {
                return Ok(Some("key"));
            }
        }
        if !self.account.identities_only
            && self.agent(&mut left, |blob| !named.iter().any(|name| name == blob))?
        {
            return Ok(Some("agent"));
        }
        for identity in usual {
            if self.key_file(&identity, &mut left)? {
                return Ok(Some("key"));
            }
        }
        Ok(None)
    }

    /// Offers those keys of the agent that are wanted.
    fn agent(&mut self, left: &mut usize, wanted: impl Fn(&[u8]) -> bool) -> Result<bool, Stop> {
        let reached = self.link.session.agent().and_then(|mut agent| {
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
            if !self.may_offer(left) {
                return Ok(false);
            }
            let what = format!("the agent's key {:?}", identity.comment());
            let user = &self.account.user;
            if self.judged(self.link.patiently(|_| agent.userauth(user, identity)), what)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn key_file(&mut self, identity: &Identity, left: &mut usize) -> Result<bool, Stop> {
        let path = identity.path.display();
        let (key, passphrase) = match key_file::read(&identity.path) {
            KeyFile::Missing if !identity.given => return Ok(false),
            KeyFile::Missing => {
                self.note(format!("there is no key {path}"));
                return Ok(false);
            }
            KeyFile::Unusable(why) => {
                self.note(format!("{path} cannot be used: {why}"));
                return Ok(false);
            }
            KeyFile::Open(key) => (key, None),
            KeyFile::Encrypted(key) => {
                let ask = |limit| self.secrets.passphrase(&identity.path, identity.given, limit);
                match self.link.deadline.while_asking(ask) {
                    Ok(Some(passphrase)) => (key, Some(passphrase)),
                    Ok(None) => {
                        self.note(format!("{path} is encrypted, and no passphrase was given"));
                        return Ok(false);
                    }
                    Err(Unanswered::Unreadable(why)) => {
                        self.note(format!("{path} is encrypted: {why}"));
                        return Ok(false);
                    }
                    Err(why) => {
                        return Err(self.unanswered(&format!("the passphrase of {path}"), &why));
                    }
                }
            }
        };
        if !self.may_offer(left) {
            return Ok(false);
        }
        let user = &self.account.user;
        // Without it the library reads the private key once more, a quarter of what a login costs.
        // Whether a passphrase is right is to be known before the server is asked.
        let public = match passphrase {
            None => key_file::public_half(key.expose()),
            Some(_) => None,
        };
        let tried = self.link.patiently(|session| {
            let passphrase = passphrase.as_ref().map(Secret::expose);
            session.userauth_pubkey_memory(user, public.as_deref(), key.expose(), passphrase)
        });
        match tried {
            Err(Stop::Ssh(-16, _)) if passphrase.is_some() => {
                self.note(format!("the passphrase does not open {path}"));
                *left += 1;
                Ok(false)
            }
            Err(Stop::Ssh(-16, why)) => {
                self.note(format!("{path} is not understood ({why})"));
                *left += 1;
                Ok(false)
            }
            tried => self.judged(tried, format!("the key {path}")),
        }
    }

    fn may_offer(&mut self, left: &mut usize) -> bool {
        if *left == 0 {
            self.note(format!("no more than {KEYS} keys are offered"));
            return false;
        }
        *left -= 1;
        true
    }

    fn password(&mut self) -> Result<Option<&'static str>, Stop> {
        let how = match (self.offers("password"), self.offers("keyboard-interactive")) {
            (true, _) => "password",
            (false, true) => "keyboard-interactive",
            (false, false) => return Ok(None),
        };
        let whose = self.account.whose();
        let ask = |limit| self.secrets.password(&whose, limit);
        let password = match self.link.deadline.while_asking(ask) {
            Ok(Some(password)) => password,
            Ok(None) => {
                self.note("no password was given".to_owned());
                return Ok(None);
            }
            Err(Unanswered::Unreadable(why)) => {
                self.note(why);
                return Ok(None);
            }
            Err(why) => {
                let what = format!("the password of {}", self.account.shown);
                return Err(self.unanswered(&what, &why));
            }
        };
        let user = &self.account.user;
        if how == "password" {
            let tried =
                self.link.patiently(|session| session.userauth_password(user, password.expose()));
            return Ok(self.judged(tried, "the password".to_owned())?.then_some(how));
        }
        let mut answers = Answers { password: &password, told: false, also: None };
        let tried = self
            .link
            .patiently(|session| session.userauth_keyboard_interactive(user, &mut answers));
        let also = answers.also.take();
        let taken = self.judged(tried, "the password".to_owned())?;
        if let Some(question) = also.filter(|_| !taken) {
            self.note(format!("the server also asks {question:?}, which is not answered here"));
        }
        Ok(taken.then_some(how))
    }

    /// Whether a try was taken. That it was refused is noted; all else ends the login.
    fn judged(&mut self, tried: Result<(), Stop>, what: String) -> Result<bool, Stop> {
        match tried {
            Ok(()) => {
                tracing::info!("{}: logged in with {what}", self.account.shown);
                Ok(true)
            }
            Err(Stop::Ssh(code, _)) if !failure::is_broken(code) => {
                self.note(format!("{what} was refused"));
                Ok(false)
            }
            Err(stop) => Err(stop),
        }
    }

    /// Ends the login for want of an answer.
    fn unanswered(&mut self, what: &str, why: &Unanswered) -> Stop {
        self.late = Some(unanswered(what, why, &self.link.deadline));
        Stop::Late
    }

    fn note(&mut self, note: String) {
        tracing::info!("{}: {note}", self.account.shown);
        self.notes.push(note);
    }

    fn refused(&self) -> Failure {
        let offered = match self.offered.as_slice() {
            [] => "no method".to_owned(),
            offered => offered.join(", "),
        };
        let mut reason =
            format!("{} may not log in: the server takes {offered}", self.account.shown);
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
                let sources = self.secrets.sources(&self.account.whose());
                format!("{sources} or a key (--identity)")
            }
            (false, _) => {
                "give a key that is in the account's authorized_keys: --identity KEY, or ssh-add KEY"
                    .to_owned()
            }
        };
        failure("authentication", reason).with_hint(hint)
    }
}

/// Answers the rounds of a keyboard-interactive login.
struct Answers<'a> {
    password: &'a Secret,
    told: bool,
    /// A question behind the one for the password.
    also: Option<String>,
}

impl KeyboardInteractivePrompt for Answers<'_> {
    /// One answer for each question; none for the last round of some servers, which has none.
    fn prompt<'b>(&mut self, _: &str, _: &str, prompts: &[Prompt<'b>]) -> Vec<String> {
        let mut answer = |prompt: &Prompt<'b>| {
            if !self.told && !prompt.echo {
                self.told = true;
                return self.password.expose().to_owned();
            }
            self.also.get_or_insert_with(|| prompt.text.chars().take(80).collect());
            String::new()
        };
        prompts.iter().map(&mut answer).collect()
    }
}

/// The public key that lies beside a private one.
fn public_part(path: &Path) -> Option<Vec<u8>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    let text = regular_file::read(&PathBuf::from(name), PUBLIC_BYTES).ok()?;
    let text = String::from_utf8(text).ok()?;
    base64::decode_block(text.split_ascii_whitespace().nth(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_questions_are_answered_one_for_one() {
        let password = Secret::new("secret".into());
        let mut answers = Answers { password: &password, told: false, also: None };
        let prompt = |text: &'static str, echo| Prompt { text: text.into(), echo };
        assert_eq!(answers.prompt("", "", &[]), [""; 0]);
        assert_eq!(answers.prompt("", "", &[prompt("Password: ", false)]), ["secret"]);
        assert_eq!(answers.prompt("", "", &[]), [""; 0]);
        assert_eq!(answers.also, None);
        assert_eq!(answers.prompt("", "", &[prompt("Code: ", false)]), [""]);
        assert_eq!(answers.also.as_deref(), Some("Code: "));
    }
}
