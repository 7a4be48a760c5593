//! Reading a server's banner and the algorithms it offers (SSH_MSG_KEXINIT, RFC 4253, section 7.1), to
//! explain a handshake that failed.
//!
//! Not for exchanging keys: the connection is closed after the offer.

use std::io::{self, Read, Write};

use ssh2::Session;

use super::algorithms::{self, AlgorithmKind};
use super::failure::failure;
use crate::facts::failure_kind::FailureKind;
use crate::facts::transcript::Failure;

/// The most bytes of a packet; an offer has one or two thousand.
const MAX_PACKET: usize = 35_000;

/// The most that is read before the banner, in bytes and in lines.
const MAX_PREAMBLE: usize = 8 * 1024;

/// A server's first lines and packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Greeting {
    /// The banner, without its line end; empty when the first lines were none.
    pub banner: String,
    /// The first line before the banner.
    pub first_line: String,
    /// The algorithms that the server offers, if it sent them.
    pub offer: Option<AlgorithmOffer>,
}

/// The algorithms a server offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AlgorithmOffer {
    pub key_exchange: Vec<String>,
    pub host_key: Vec<String>,
    pub cipher: Vec<String>,
    pub mac: Vec<String>,
}

impl AlgorithmOffer {
    pub(super) fn algorithms(&self, part: AlgorithmKind) -> &[String] {
        match part {
            AlgorithmKind::KeyExchange => &self.key_exchange,
            AlgorithmKind::HostKey => &self.host_key,
            AlgorithmKind::Cipher => &self.cipher,
            AlgorithmKind::Mac => &self.mac,
        }
    }
}

/// Reads a server's greeting, as far as it comes.
pub(super) fn read_greeting(stream: &mut (impl Read + Write)) -> Greeting {
    let mut greeting = Greeting::default();
    // Some servers wait for our banner before they say anything.
    if stream.write_all(b"SSH-2.0-preflight\r\n").is_err() {
        return greeting;
    }
    let mut read = 0;
    while read < MAX_PREAMBLE {
        let Ok(line) = read_line(stream) else { return greeting };
        read += line.len().max(1);
        if line.starts_with("SSH-") {
            greeting.banner = line;
            greeting.offer = read_packet(stream).ok().and_then(|payload| parse(&payload));
            return greeting;
        }
        if greeting.first_line.is_empty() {
            greeting.first_line = line;
        }
    }
    greeting
}

/// One line of at most 255 bytes, as text.
fn read_line(stream: &mut impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while bytes.len() < 255 {
        match stream.read(&mut byte) {
            Ok(0) if bytes.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => bytes.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if !bytes.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    // Messages quote this text, so it has no control characters.
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_end().chars().map(|c| if c.is_control() { '?' } else { c }).collect())
}

/// The payload of one packet, which is not yet encrypted.
fn read_packet(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
    let padding = usize::from(head[4]);
    if length > MAX_PACKET || length < padding + 2 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = vec![0; length - 1];
    stream.read_exact(&mut payload)?;
    payload.truncate(length - 1 - padding);
    Ok(payload)
}

/// Reads the payload of a KEXINIT.
pub(super) fn parse(payload: &[u8]) -> Option<AlgorithmOffer> {
    /// The message's number.
    const KEXINIT: u8 = 20;
    let (number, rest) = payload.split_first()?;
    // Behind the number stand 16 random bytes.
    let mut rest = rest.get(16..)?;
    if *number != KEXINIT {
        return None;
    }
    let mut lists = Vec::new();
    for _ in 0..6 {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let names = std::str::from_utf8(after.get(..length)?).ok()?;
        // Names are printable ASCII (RFC 4251, section 6), and are quoted in messages.
        if !names.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        lists.push(names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect());
        rest = &after[length..];
    }
    // Only the lists of the direction from the server are used.
    let [key_exchange, host_key, _, cipher, _, mac]: [Vec<String>; 6] = lists.try_into().ok()?;
    Some(AlgorithmOffer { key_exchange, host_key, cipher, mac })
}

/// Returns the failure of a negotiation, with what to do about it.
pub(super) fn negotiation_failure(banner: &str, offer: &AlgorithmOffer, legacy: bool) -> Failure {
    let Ok(session) = Session::new() else {
        return failure(FailureKind::Algorithms, "no algorithms in common");
    };
    let missing = |legacy: bool| -> Vec<AlgorithmKind> {
        let lacks = |part: &AlgorithmKind| {
            let ours = algorithms::supported_algorithms(&session, *part, legacy);
            let aead = *part == AlgorithmKind::Mac && offer.cipher.iter().any(|name| is_aead(name));
            !aead && !offer.algorithms(*part).iter().any(|name| ours.contains(&name.as_str()))
        };
        AlgorithmKind::ALL.into_iter().filter(lacks).collect()
    };
    let parts = missing(legacy);
    let offers: Vec<String> = parts
        .iter()
        .map(|part| format!("{} {}", part.label(), summarize(offer.algorithms(*part))))
        .collect();
    if parts.is_empty() {
        let reason = format!("{banner} offers what is needed, yet the handshake failed");
        return failure(FailureKind::Algorithms, reason);
    }
    let reason = format!("{banner} offers only {}", offers.join(", "));
    if !legacy && missing(true).is_empty() {
        // The caller adds the hint, for it names the host.
        return failure(FailureKind::LegacyAlgorithms, reason);
    }
    failure(FailureKind::Algorithms, reason)
        .with_hint("allow today's algorithms in the server's sshd_config")
}

fn is_aead(cipher: &str) -> bool {
    cipher.contains("-gcm@") || cipher.starts_with("chacha20-poly1305")
}

/// Returns the first few names of a list.
fn summarize(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let mut shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = format!("and {} more", names.len().saturating_sub(SHOWN));
    if names.len() > SHOWN {
        shown.push(&more);
    }
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A server of which everything is known beforehand.
    struct Recorded(io::Cursor<Vec<u8>>);

    impl Read for Recorded {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Recorded {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn greeting(bytes: &[u8]) -> Greeting {
        read_greeting(&mut Recorded(io::Cursor::new(bytes.to_vec())))
    }

    fn payload(lists: [&str; 10]) -> Vec<u8> {
        let mut bytes = vec![20];
        bytes.extend([7; 16]);
        for list in lists {
            bytes.extend((list.len() as u32).to_be_bytes());
            bytes.extend(list.as_bytes());
        }
        bytes.extend([0; 5]);
        bytes
    }

    fn framed(payload: &[u8]) -> Vec<u8> {
        let mut bytes = ((payload.len() + 5) as u32).to_be_bytes().to_vec();
        bytes.push(4);
        bytes.extend(payload);
        bytes.extend([0; 4]);
        bytes
    }

    /// What OpenSSH 5.3 says (myproposal.h at tag V_5_3_P1), shortened.
    fn centos_6() -> Vec<u8> {
        let kex = "diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha1";
        let (ciphers, macs) = ("aes128-ctr,arcfour", "hmac-md5,hmac-sha1");
        framed(&payload([
            kex, "ssh-rsa,ssh-dss", ciphers, ciphers, macs, macs, "none", "none", "", "",
        ]))
    }

    #[test]
    fn a_greeting_is_read_behind_other_lines() {
        let bytes = [b"Hello\r\nthere\r\nSSH-2.0-OpenSSH_5.3\r\n".to_vec(), centos_6()].concat();
        let greeting = greeting(&bytes);
        assert_eq!(greeting.banner, "SSH-2.0-OpenSSH_5.3");
        assert_eq!(greeting.first_line, "Hello");
        let offer = greeting.offer.unwrap();
        assert_eq!(offer.host_key, ["ssh-rsa", "ssh-dss"]);
        assert_eq!(offer.mac, ["hmac-md5", "hmac-sha1"]);
        let failure = negotiation_failure("SSH-2.0-OpenSSH_5.3", &offer, false);
        assert_eq!(failure.kind, FailureKind::LegacyAlgorithms);
        assert_eq!(
            failure.reason,
            "SSH-2.0-OpenSSH_5.3 offers only host key ssh-rsa, ssh-dss, MAC hmac-md5, hmac-sha1"
        );
        assert_eq!(failure.hint, None, "who knows the host says what to do");
    }

    #[test]
    fn what_legacy_cannot_mend_is_not_promised() {
        let offer = AlgorithmOffer {
            key_exchange: vec!["curve25519-sha256".to_owned()],
            host_key: vec!["ssh-dss".to_owned()],
            cipher: vec!["aes256-gcm@openssh.com".to_owned()],
            mac: Vec::new(),
        };
        let failure = negotiation_failure("SSH-2.0-x", &offer, false);
        assert_eq!(failure.kind, FailureKind::Algorithms);
        assert_eq!(failure.reason, "SSH-2.0-x offers only host key ssh-dss");
    }

    #[test]
    fn other_servers_are_told_by_their_first_line() {
        let http = greeting(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        assert_eq!((http.first_line.as_str(), http.offer), ("HTTP/1.1 400 Bad Request", None));
        assert_eq!(greeting(b""), Greeting::default());
        assert_eq!(greeting(&b"x\n".repeat(100_000)).banner, "");
    }

    #[test]
    fn a_cut_or_lying_packet_is_no_offer() {
        let banner = b"SSH-2.0-OpenSSH_5.3\r\n".to_vec();
        let packet = centos_6();
        for end in 0..packet.len() {
            let greeting = greeting(&[&banner, &packet[..end]].concat());
            assert_eq!(greeting.offer, None, "{end}");
        }
        for length in [0, 1, 5, 35_001, u32::MAX] {
            let mut lie = packet.clone();
            lie[..4].copy_from_slice(&length.to_be_bytes());
            assert_eq!(greeting(&[&banner, &lie[..]].concat()).offer, None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
            parse(&bytes);
            parse(&[vec![20; 17], bytes.clone()].concat());
            greeting(&bytes);
            greeting(&[b"SSH-2.0-x\n".to_vec(), bytes].concat());
        }

        #[test]
        fn a_changed_offer_does_no_harm(at in 0_usize..200, byte in any::<u8>()) {
            let mut packet = centos_6();
            let place = at % packet.len();
            packet[place] = byte;
            if let Some(offer) = greeting(&[b"SSH-2.0-x\n".to_vec(), packet].concat()).offer {
                negotiation_failure("x", &offer, true);
            }
        }
    }
}
