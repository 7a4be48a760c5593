//! The root password of the appliance: asked for, read from a 0600 file or the environment, and
//! hashed before anything else sees it.
//!
//! Not for the form of hashes (`image::value`), nor for the kickstart.

use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::rand::{GetRandomFlags, getrandom};
use sha_crypt::{PasswordHasher, ShaCrypt};

use crate::image::recipe::RootPassword;
use crate::image::value::account::CryptHash;
use crate::secret::Secret;

/// The most bytes of a password file that are read.
const FILE_BYTES: u64 = 4096;

/// The hash that the recipe means; none when the account is locked.
pub fn resolve(source: &RootPassword) -> anyhow::Result<Option<CryptHash>> {
    let read: &dyn Fn() -> anyhow::Result<Secret> = match source {
        RootPassword::Locked => return Ok(None),
        RootPassword::Hash(hash) => return Ok(Some(hash.clone())),
        RootPassword::Prompt => &prompted,
        RootPassword::File(path) => &|| from_file(path),
        RootPassword::Env(name) => &|| from_environment(name.as_str()),
    };
    // No core file, and no other process of this user may look into this one's memory.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("cannot guard the password")?;
    let password = read()?;
    if password.expose().is_empty() {
        bail!("root_password: the password is empty");
    }
    hashed(&password).map(Some)
}

fn from_environment(name: &str) -> anyhow::Result<Secret> {
    let value = std::env::var(name).with_context(|| {
        format!("root_password: the environment variable {name} cannot be read")
    })?;
    Ok(Secret::new(value))
}

fn prompted() -> anyhow::Result<Secret> {
    if !std::io::stdin().is_terminal() {
        bail!("root_password: the recipe asks for a prompt, but there is no terminal");
    }
    let first = Secret::new(rpassword::prompt_password("Root password of the appliance: ")?);
    let again = Secret::new(rpassword::prompt_password("The same again: ")?);
    if first.expose() != again.expose() {
        bail!("root_password: the two passwords differ");
    }
    Ok(first)
}

fn from_file(path: &Path) -> anyhow::Result<Secret> {
    let unread = || format!("root_password: cannot read {}", path.display());
    let meta = std::fs::metadata(path).with_context(unread)?;
    if meta.permissions().mode() & 0o077 != 0 {
        bail!("root_password: {} can be read by others, chmod it to 0600", path.display());
    }
    if meta.len() > FILE_BYTES {
        bail!("root_password: {} has {} bytes, a password has fewer", path.display(), meta.len());
    }
    let text = Secret::new(std::fs::read_to_string(path).with_context(unread)?);
    Ok(Secret::new(text.expose().lines().next().unwrap_or("").to_owned()))
}

/// Hashes with a random salt. One derived from the password would make images bit-identical,
/// and give anybody who guesses a test that costs nothing.
fn hashed(password: &Secret) -> anyhow::Result<CryptHash> {
    let mut salt = [0; 12];
    let filled = getrandom(&mut salt, GetRandomFlags::empty()).context("no random numbers")?;
    anyhow::ensure!(filled == salt.len(), "no random numbers");
    let hash = ShaCrypt::SHA512
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .map_err(|error| anyhow::anyhow!("cannot hash the root password: {error}"))?;
    Ok(hash.to_string().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_that_openssl_makes_of_the_same_salt() {
        let hash = hashed(&Secret::new("pass word".into())).unwrap();
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

    #[test]
    fn a_password_file_that_others_can_read_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "secret\n").unwrap();
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(file.path(), mode(0o644)).unwrap();
        assert!(from_file(file.path()).unwrap_err().to_string().contains("0600"));
        std::fs::set_permissions(file.path(), mode(0o600)).unwrap();
        assert_eq!(from_file(file.path()).unwrap().expose(), "secret");
    }
}
