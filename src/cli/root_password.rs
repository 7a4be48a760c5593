//! Hashes the root password of the appliance before it is passed on.
//!
//! Not for reading it (`password`), the form of hashes (`installer::value`), nor the kickstart.

use std::time::Duration;

use anyhow::{Context, bail};
use sha_crypt::{ROUNDS_DEFAULT, Sha512Params, sha512_crypt_b64};

use crate::cli::password;
use crate::cli::terminal::prompt;
use crate::installer::root_password::RootPassword;
use crate::installer::value::account::CryptHash;
use crate::random;
use crate::secret::Secret;

/// How long the prompt waits.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(3600);

/// The characters of a salt; their number divides 256, so that each is as likely as the others.
const SALT_CHARACTERS: &[u8; 64] =
    b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The key of the recipe, for messages.
const KEY: &str = "root_password";

/// Returns the hash of the recipe's root password; none when the account is locked.
pub fn resolve(source: &RootPassword) -> anyhow::Result<Option<CryptHash>> {
    let read: &dyn Fn() -> anyhow::Result<Secret> = match source {
        RootPassword::Locked => return Ok(None),
        RootPassword::Hash(hash) => return Ok(Some(hash.clone())),
        RootPassword::Prompt => &prompt_twice,
        RootPassword::File(path) => &|| password::from_file(KEY, path),
        RootPassword::Env(name) => &|| password::from_environment(KEY, name.as_str()),
    };
    let password = read()?;
    if password.expose().is_empty() {
        bail!("root_password: the password is empty");
    }
    hash(&password).map(Some)
}

fn prompt_twice() -> anyhow::Result<Secret> {
    let ask = |question: &str| {
        prompt::read_secret(question, PROMPT_TIMEOUT)?.ok_or_else(|| {
            anyhow::anyhow!("root_password: the recipe asks for a prompt, but there is no terminal")
        })
    };
    let first = ask("Root password of the appliance: ")?;
    let again = ask("The same again: ")?;
    if first.expose() != again.expose() {
        bail!("root_password: the two passwords differ");
    }
    Ok(first)
}

/// Hashes with a random salt. A salt derived from the password would make images bit-identical, but
/// would also make guessing passwords cheap.
fn hash(password: &Secret) -> anyhow::Result<CryptHash> {
    let mut salt = [0; 16];
    random::fill(&mut salt).context("no random numbers")?;
    let salt = salt.map(|byte| SALT_CHARACTERS[usize::from(byte) % SALT_CHARACTERS.len()]);
    let failed = |error| anyhow::anyhow!("cannot hash the root password: {error:?}");
    let rounds = Sha512Params::new(ROUNDS_DEFAULT).map_err(failed)?;
    let hash = sha512_crypt_b64(password.expose().as_bytes(), &salt, &rounds).map_err(failed)?;
    Ok(format!("$6${}${hash}", String::from_utf8_lossy(&salt)).parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_that_openssl_makes_of_the_same_salt() {
        let hash = hash(&Secret::new("pass word".into())).unwrap();
        let fields: Vec<&str> = hash.as_str().split('$').collect();
        let [_, "6", rest @ ..] = &fields[..] else { panic!("not $6$") };
        let salt = match rest {
            [salt, _] => (*salt).to_owned(),
            [rounds, salt, _] => format!("{rounds}${salt}"),
            _ => panic!("an unknown form"),
        };
        let output = std::process::Command::new("openssl")
            .args(["passwd", "-6", "-salt", &salt, "pass word"])
            .output();
        match output {
            Ok(output) if output.status.success() => {
                assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), hash.as_str());
            }
            _ if std::env::var_os("CI").is_some() => panic!("openssl is missing"),
            _ => eprintln!("SKIPPED: no openssl to compare with"),
        }
    }
}
