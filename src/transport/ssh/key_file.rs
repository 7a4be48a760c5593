//! Private key files: whether one is there, and whether it wants a passphrase.
//!
//! libssh2 calls a key that is encrypted an unsupported format, so the file is looked at before.

use std::io;
use std::path::Path;

use openssl::base64;

use super::wire::split_string;
use crate::regular_file;
use crate::secret::Secret;

/// The most that is read of a key file; the longest RSA keys have a few thousand bytes.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// What a private key file is.
#[derive(Debug)]
pub(super) enum KeyFile {
    /// A key that can be used as it is.
    Plain(Secret),
    /// A key that needs its passphrase.
    Encrypted(Secret),
    /// Not a private key, for this reason.
    Unusable(String),
    /// There is no such file.
    Missing,
}

/// Reads a key file.
pub(super) fn read(path: &Path) -> KeyFile {
    match regular_file::read(path, MAX_FILE_BYTES).map(String::from_utf8) {
        Ok(Ok(text)) => classify(Secret::new(text)),
        Ok(Err(_)) => KeyFile::Unusable("it is not text".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => KeyFile::Missing,
        Err(error) => KeyFile::Unusable(error.to_string()),
    }
}

fn classify(text: Secret) -> KeyFile {
    match is_encrypted(text.expose()) {
        Ok(true) => KeyFile::Encrypted(text),
        Ok(false) => KeyFile::Plain(text),
        Err(why) => KeyFile::Unusable(why.to_owned()),
    }
}

/// Whether a private key in PEM, PKCS 8 or OpenSSH's own format is encrypted; or why it is none.
fn is_encrypted(text: &str) -> Result<bool, &'static str> {
    let begins =
        |what: &str| text.lines().any(|line| line.trim() == format!("-----BEGIN {what}-----"));
    if text.trim_start().starts_with("PuTTY-User-Key-File") {
        return Err("it is a PuTTY key, convert it with puttygen -O private-openssh");
    }
    if begins("ENCRYPTED PRIVATE KEY") {
        return Ok(true);
    }
    if ["RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"].into_iter().any(begins) {
        return Ok(text
            .lines()
            .any(|line| line.starts_with("Proc-Type:") && line.contains("ENCRYPTED")));
    }
    if begins("PRIVATE KEY") {
        return Ok(false);
    }
    if !begins("OPENSSH PRIVATE KEY") {
        let public = ["ssh-", "ecdsa-", "sk-"].iter().any(|start| text.starts_with(start));
        return Err(if public { "it is a public key" } else { "it is no private key" });
    }
    // The format: a magic word, then the cipher's name, "none" when there is none
    // (PROTOCOL.key of OpenSSH).
    let digits: String = text
        .lines()
        .map(str::trim)
        .skip_while(|l| !l.starts_with("-----BEGIN"))
        .skip(1)
        .take_while(|line| !line.starts_with('-'))
        .collect();
    let head = digits.get(..40).and_then(|head| base64::decode_block(head).ok());
    let cipher = head.as_deref().and_then(|head| head.strip_prefix(b"openssh-key-v1\0"));
    match cipher {
        Some(rest) => Ok(!rest.starts_with(b"\0\0\0\x04none")),
        None => Err("it is damaged"),
    }
}

/// The public half of a private key in OpenSSH's own format, as a line of authorized_keys: it stands
/// there in the clear (PROTOCOL.key). None for other formats and for types of keys that libssh2
/// may not know: it finds out itself.
pub(super) fn public_key_line(text: &str) -> Option<String> {
    let begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
    let (_, body) = text.split_once(begin)?;
    let (body, _) = body.split_once("-----END")?;
    let digits: String = body.split_ascii_whitespace().collect();
    let bytes = base64::decode_block(&digits).ok()?;
    let rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    // Cipher, key derivation and its options stand before the number of keys, which is one.
    let (_, rest) = split_string(rest)?;
    let (_, rest) = split_string(rest)?;
    let (_, rest) = split_string(rest)?;
    let (key, _) = split_string(rest.strip_prefix(b"\0\0\0\x01")?)?;
    let (name, _) = split_string(key)?;
    let name = std::str::from_utf8(name).ok()?;
    let usual = matches!(name, "ssh-ed25519" | "ssh-rsa") || name.starts_with("ecdsa-sha2-");
    usual.then(|| format!("{name} {}", base64::encode_block(key)))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn headers_tell_what_a_key_is() {
        let pem = |kind: &str, rest: &str| {
            format!("-----BEGIN {kind}-----\n{rest}\n-----END {kind}-----\n")
        };
        for (text, expected) in [
            (pem("RSA PRIVATE KEY", "MIIE"), Ok(false)),
            (pem("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\nMIIE"), Ok(true)),
            (pem("ENCRYPTED PRIVATE KEY", "MIIE"), Ok(true)),
            (pem("PRIVATE KEY", "MIIE"), Ok(false)),
            (pem("OPENSSH PRIVATE KEY", "AAAA"), Err("it is damaged")),
            ("ssh-ed25519 AAAA comment\n".to_owned(), Err("it is a public key")),
            (
                "PuTTY-User-Key-File-3: ssh-rsa\n".to_owned(),
                Err("it is a PuTTY key, convert it with puttygen -O private-openssh"),
            ),
            (String::new(), Err("it is no private key")),
        ] {
            assert_eq!(is_encrypted(&text), expected, "{text}");
        }
    }

    #[test]
    fn a_damaged_key_has_no_public_half() {
        let whole = [&b"openssh-key-v1\0"[..], &[0, 0, 0, 0].repeat(3), &[0, 0, 0, 1]].concat();
        for (bytes, what) in [
            (whole.clone(), "cut"),
            ([&whole[..], &[255, 255, 255, 255]].concat(), "longer than it is"),
            ([&whole[..], &[0, 0, 0, 4, 0, 0, 0, 0]].concat(), "without a name"),
            (b"other".to_vec(), "of another kind"),
        ] {
            let text = format!(
                "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
                base64::encode_block(&bytes)
            );
            assert_eq!(public_key_line(&text), None, "{what}");
        }
        assert_eq!(public_key_line("-----BEGIN OPENSSH PRIVATE KEY-----"), None);
    }

    #[test]
    fn keys_of_ssh_keygen_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        for (name, options, passphrase, encrypted) in [
            ("a", &["-t", "ed25519"][..], "", false),
            ("b", &["-t", "ed25519"], "secret", true),
            ("c", &["-t", "rsa", "-b", "2048", "-m", "PEM"], "secret", true),
            ("d", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"], "", false),
            ("e", &["-t", "rsa", "-b", "2048"], "", false),
            ("f", &["-t", "ecdsa"], "", false),
        ] {
            let path = dir.path().join(name);
            let made = Command::new("ssh-keygen")
                .args(["-q", "-N", passphrase, "-f"])
                .arg(&path)
                .args(options)
                .status();
            if !made.is_ok_and(|status| status.success()) {
                assert!(std::env::var_os("CI").is_none(), "ssh-keygen is missing");
                eprintln!("SKIPPED: no ssh-keygen");
                return;
            }
            let read = read(&path);
            assert_eq!(matches!(read, KeyFile::Encrypted(_)), encrypted, "{name}: {read:?}");
            assert_eq!(matches!(read, KeyFile::Plain(_)), !encrypted, "{name}: {read:?}");
            let half = public_key_line(&std::fs::read_to_string(&path).unwrap());
            let beside = std::fs::read_to_string(path.with_extension("pub")).unwrap();
            match name {
                "c" | "d" => assert_eq!(half, None, "{name}"),
                _ => assert!(beside.starts_with(&format!("{} ", half.unwrap())), "{name}"),
            }
        }
        assert!(matches!(read(Path::new("/no/such/key")), KeyFile::Missing));
        assert!(matches!(read(dir.path()), KeyFile::Unusable(_)));
    }
}
