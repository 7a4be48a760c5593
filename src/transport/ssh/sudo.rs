//! Running the script as root through sudo, which wants the account's password: on its standard
//! input, before the script, and nowhere else.
//!
//! One try, so that no account is locked: the password is tried alone first, and sudo is given the
//! script only when it has taken it. Not for who knows the password (`person`).

use super::SshHost;
use super::deadline::HostDeadline;
use super::login::{SshAccount, prompt_failure};
use crate::facts::guest::access;
use crate::facts::script::Nonce;
use crate::facts::transcript::Failure;
use crate::secret::Secret;

/// What the login shell of an account is asked to do that may use sudo with a password. `@` stands
/// for the nonce, whose lines tell what came of it.
///
/// The words mean the same to sh, csh and fish: nothing but words in single quotes. A password is
/// printed by the shell itself, so no list of processes has it; where printf is a program of its
/// own, it is not tried. Whether sudo has read it, or lets the account do everything unasked, nobody
/// can tell, so what runs as root reads up to a mark before it takes anything for a script.
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

/// The command line that runs a script as root with a password, both on its standard input.
pub(super) fn bootstrap(nonce: &Nonce) -> String {
    BOOTSTRAP.replace('@', nonce.as_str())
}

/// What stands on standard input: the password as a line, and the script.
pub(super) fn input(password: &Secret, script: &str) -> Secret {
    let password = password.expose();
    let mut input = String::with_capacity(password.len() + 1 + script.len());
    input.push_str(password);
    input.push('\n');
    input.push_str(script);
    Secret::new(input)
}

/// What sudo is to be given on a host; none when nobody said that it wants a password, or nobody
/// knows it.
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
        tracing::warn!("{}: {}", account.label, access::sudo_in_words("no-password"));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bootstrap_says_the_same_to_every_shell() {
        let text = bootstrap(&Nonce::of([7; 16]));
        // What csh would expand inside single quotes, and what would end them.
        assert!(!text.contains(['!', '\n', '\\', '@']), "{text}");
        assert_eq!(text.matches('\'').count(), 4);
    }

    #[test]
    fn every_word_it_says_is_one_that_is_understood() {
        for word in BOOTSTRAP.split("say ").skip(1) {
            let word = word.split(';').next().unwrap();
            assert_ne!(access::sudo_in_words(word), "sudo: unknown", "{word}");
        }
    }
}
