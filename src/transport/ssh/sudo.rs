//! Running the script as root through sudo with the account's password, which is sent on standard
//! input before the script, and nowhere else.
//!
//! The password is tried once, so that no account is locked: sudo runs nothing first, and is given
//! the script only when it has accepted the password. Not for where the password comes from
//! (`secret_provider`).

use super::SshHost;
use super::deadline::HostDeadline;
use super::login::{SshAccount, prompt_failure};
use crate::facts::guest::access;
use crate::facts::script::Nonce;
use crate::facts::transcript::Failure;
use crate::secret::Secret;

/// The command for the login shell of an account that needs a password for sudo. `@` stands for the
/// nonce, whose lines report the result.
///
/// The words mean the same to sh, csh and fish: only words in single quotes. The shell itself prints
/// the password, so it is in no list of processes; where printf is a program of its own, the password
/// is not tried. It is unknown whether sudo has read the password or needs none, so the shell that
/// runs as root skips its input up to a mark before it runs the script.
const BOOTSTRAP: &str = concat!(
    "sh -c '",
    "IFS= read -r p; ",
    "say() { echo; echo \"::@ probe sudo\"; echo \"$1\"; echo; echo \"::@ status 0\"; }; ",
    "if [ \"$(id -u 2>/dev/null)\" = 0 ]; then exec sh -s; fi; ",
    "give() { printf %s \"$p\"; echo; }; ",
    "case $(command -v printf) in printf) ;; *) say no-printf; exec sh -s;; esac; ",
    "if e=$(give | LC_ALL=C sudo -S -k -p \"\" sh -c : 2>&1 >/dev/null); then say granted; ",
    "{ give; echo \"::@ script\"; exec cat; } | sudo -S -k -p \"\" sh -c \"$1\" 2>/dev/null; ",
    "exit; fi; ",
    "case $e in ",
    "*\"not in the sudoers\"*|*\"not allowed to \"*|*\"may not run sudo\"*|*\"afraid I can\"*) say not-allowed;; ",
    "*\"must have a tty\"*|*\"a terminal is required\"*) say needs-a-terminal;; ",
    "*incorrect*|*\"try again\"*) say wrong-password;; ",
    "*\"not found\"*) say no-sudo;; ",
    "*) say refused;; esac; ",
    "exec sh -s' preflight '",
    "while IFS= read -r l; do if [ \"$l\" = \"::@ script\" ]; then exec sh -s; fi; done'",
);

/// Returns the command line that runs a script as root, with the password and the script on its
/// standard input.
pub(super) fn bootstrap(nonce: &Nonce) -> String {
    BOOTSTRAP.replace('@', nonce.as_str())
}

/// Returns the standard input: the password as a line, and the script.
pub(super) fn input(password: &Secret, script: &str) -> Secret {
    let password = password.expose();
    let mut input = String::with_capacity(password.len() + 1 + script.len());
    input.push_str(password);
    input.push('\n');
    input.push_str(script);
    Secret::new(input)
}

/// Returns the password for sudo on a host; none when it was not asked for, or nobody gave it.
pub(super) fn password(
    ssh: &SshHost,
    account: &SshAccount,
    deadline: &HostDeadline,
) -> Result<Option<Secret>, Failure> {
    let Some(person) = ssh.sudo.as_ref().filter(|_| account.user != "root") else {
        return Ok(None);
    };
    let whose = account.secret_owner();
    let answer = deadline.pause_while(|limit| person.sudo_password(&whose, limit));
    let what = format!("the password for sudo of {}", account.label);
    let password = answer.map_err(|why| prompt_failure(&what, &why, deadline))?;
    if password.is_none() {
        tracing::warn!("{}: {}", account.label, access::describe_sudo("no-password"));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bootstrap_says_the_same_to_every_shell() {
        let text = bootstrap(&Nonce::from_bytes([7; 16]));
        // What csh would expand inside single quotes, and what would end them.
        assert!(!text.contains(['!', '\n', '\\', '@']), "{text}");
        assert_eq!(text.matches('\'').count(), 4);
    }

    #[test]
    fn every_word_it_says_is_one_that_is_understood() {
        for word in BOOTSTRAP.split("say ").skip(1) {
            let word = word.split(';').next().unwrap();
            assert_ne!(access::describe_sudo(word), "sudo: unknown", "{word}");
        }
    }
}
