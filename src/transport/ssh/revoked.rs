//! Revoked host keys, as the file of RevokedHostKeys lists them: public keys, or a key revocation list
//! (PROTOCOL.krl of OpenSSH).
//!
//! Not for `@revoked` lines of known_hosts. Serial numbers and names of certificates are skipped, for
//! certificates are never accepted here.

use openssl::base64;
use openssl::sha::{sha1, sha256};

use super::wire::split_string;

/// The first bytes of a revocation list: its name and the version of its format.
const MAGIC: &[u8] = b"SSHKRL\n\0\0\0\0\x01";

/// Section 2 holds keys, section 3 their SHA-1 digests, section 5 their SHA-256 digests.
const SECTIONS: [u8; 3] = [2, 3, 5];

/// Whether a file lists a key.
///
/// # Errors
///
/// Returns why the file cannot be read: a damaged list may have listed the key.
pub(super) fn is_revoked(file: &[u8], key: &[u8]) -> Result<bool, &'static str> {
    if file.starts_with(b"SSHKRL\n\0") {
        return is_in_krl(file, key).ok_or("it is a damaged or an unknown kind of revocation list");
    }
    Ok(is_in_key_list(file, key))
}

/// Whether a list of public keys, one a line, has a key.
fn is_in_key_list(file: &[u8], key: &[u8]) -> bool {
    let text = String::from_utf8_lossy(file);
    text.lines().filter(|line| !line.trim_start().starts_with('#')).any(|line| {
        // A type or options may precede the key, which is the word that decodes to it.
        line.split_ascii_whitespace()
            .any(|word| base64::decode_block(word).is_ok_and(|listed| listed == key))
    })
}

/// Whether a revocation list has a key.
fn is_in_krl(file: &[u8], key: &[u8]) -> Option<bool> {
    // Version, date and flags have eight bytes each; two texts follow.
    let rest = file.strip_prefix(MAGIC)?.get(24..)?;
    let (_, rest) = split_string(rest)?;
    let (_, mut rest) = split_string(rest)?;
    let (of_sha1, of_sha256) = (sha1(key), sha256(key));
    let mut found = false;
    while let Some((kind, after)) = rest.split_first() {
        let (section, after) = split_string(after)?;
        rest = after;
        let meant: &[u8] = match kind {
            2 => key,
            3 => &of_sha1,
            _ => &of_sha256,
        };
        let mut entries = if SECTIONS.contains(kind) { section } else { &[] };
        while !entries.is_empty() {
            let (entry, after) = split_string(entries)?;
            found |= entry == meant;
            entries = after;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_list_of_keys_is_read_as_openssh_reads_it() {
        let (one, two) = (b"key one".as_slice(), b"key two".as_slice());
        let list = format!(
            "# {}\nssh-rsa {} who\n\n",
            base64::encode_block(two),
            base64::encode_block(one)
        );
        assert_eq!(is_revoked(list.as_bytes(), one), Ok(true));
        assert_eq!(is_revoked(list.as_bytes(), two), Ok(false));
        assert_eq!(is_revoked(b"", one), Ok(false));
    }

    /// What `ssh-keygen -k` makes, of keys, of SHA-1 and of SHA-256 digests.
    #[test]
    fn a_revocation_list_of_ssh_keygen_is_read_and_a_damaged_one_is_not() {
        if Command::new("ssh-keygen").arg("-?").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "ssh-keygen is missing");
            return eprintln!("SKIPPED: no ssh-keygen");
        }
        let dir = tempfile::tempdir().unwrap();
        let key = |name: &str| {
            let path = dir.path().join(name);
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path);
            assert!(command.status().unwrap().success());
            let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
            let word = line.split_whitespace().nth(1).unwrap().to_owned();
            (line, base64::decode_block(&word).unwrap())
        };
        let ((bad_line, bad), (_, good)) = (key("bad"), key("good"));
        for kind in ["", "key: ", "sha1: ", "sha256: "] {
            let (list, krl) = (dir.path().join("list"), dir.path().join("krl"));
            std::fs::write(&list, format!("{kind}{bad_line}")).unwrap();
            let made =
                Command::new("ssh-keygen").args(["-q", "-k", "-f"]).args([&krl, &list]).status();
            assert!(made.unwrap().success(), "{kind}");
            let file = std::fs::read(&krl).unwrap();
            assert_eq!(is_revoked(&file, &bad), Ok(true), "{kind}");
            assert_eq!(is_revoked(&file, &good), Ok(false), "{kind}");
            for end in 8..file.len() {
                let cut = is_revoked(&file[..end], &bad);
                assert!(
                    cut != Ok(false) || end == file.len() - 1 || is_whole(&file[..end]),
                    "{end}"
                );
            }
        }
    }

    /// Whether the sections end where the bytes do.
    fn is_whole(file: &[u8]) -> bool {
        is_in_krl(file, b"").is_some()
    }
}
