//! Takes names, addresses, ids and keys out of captures and reports, so that they can be handed to others.
//!
//! What is known stays and everything else goes: a word stays when the program itself knows it (`vocabulary`), for then
//! nothing that it decides depends on any other. Each replacement has the form of what it replaces, the same length and the
//! same relations, and is the same wherever it stands, so a masked capture is evaluated as the capture is (machines of a vault
//! come in another order, for reports sort by name). Not for reading or writing files.

mod address;
mod json;
mod map;
mod names;
mod scan;
mod vocabulary;
mod word;

pub use map::{MaskError, MaskMap};

use std::io;

use scan::Scanner;

/// Replaces what identifies somebody in texts, and keeps what stood there.
pub struct Masker {
    scanner: Scanner,
    map: MaskMap,
}

impl Masker {
    /// Continues with what an earlier text was masked with; an empty map begins anew.
    pub fn new(map: MaskMap) -> Self {
        Self { scanner: Scanner::default(), map }
    }

    /// Returns the text with every name, address, id and key replaced. JSON stays JSON, byte for byte but for what is replaced.
    ///
    /// # Errors
    ///
    /// Fails where the system has no random bytes.
    pub fn mask(&mut self, text: &str) -> io::Result<String> {
        names::add_names(text, &mut self.map)?;
        self.map.sort_names();
        let (scanner, map) = (&self.scanner, &mut self.map);
        json::rewrite(text, &mut |part, context| scanner.mask(part, context, map))
    }

    /// Returns what was replaced by what.
    pub fn into_map(self) -> MaskMap {
        self.map
    }
}

/// Returns a text, such as the report of a masked capture, with what stood there before it was masked.
///
/// # Errors
///
/// As [`Masker::mask`].
pub fn unmask(text: &str, map: &MaskMap) -> io::Result<String> {
    let (scanner, back) = (Scanner::default(), map.inverted());
    json::rewrite(text, &mut |part, _| Ok(scanner.unmask(part, &back)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(text: &str) -> (String, MaskMap) {
        let mut masker = Masker::new(MaskMap::default());
        let masked = masker.mask(text).unwrap();
        (masked, masker.into_map())
    }

    #[test]
    fn what_the_program_knows_stays_and_what_it_does_not_goes() {
        for text in [
            "Linux 2.6.32-573.el6.x86_64 #1 SMP Wed Oct 15 04:27:16 UTC 2014 x86_64 GNU/Linux",
            "20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw,barrier=1,data=ordered",
            "CentOS release 6.7 (Final)",
            "VERSION=9.8.9.0",
            "inet 127.0.0.1/8 brd 255.255.255.0 168.63.129.16 ::1 eth0 dm-0",
            "2026-11-30T06:26:45.914590491Z 1796021206 +0000 UTC",
            "port vcenter refused not-asked 000 Connection refused",
        ] {
            assert_eq!(mask(text).0, text);
        }
        let text = "zquux-fs.qorvex.example 192.0.2.77 00:11:22:aa:bb:cc 0a6c1e52-3d0f-4b7e-9a41-00000000000f \
                    2001:db8:7::a17 36000c29f7d1e5a3b jsmythe@qorvex.example /home/jsmythe/Überlingen SN-77XK21";
        let (masked, map) = mask(text);
        for gone in [
            "zquux", "qorvex", "192.0.2.77", "aa:bb:cc", "0a6c1e52", "3d0f", "a17", "f7d1e5a3b",
            "jsmythe", "berlingen", "77XK21",
        ] {
            assert!(!masked.contains(gone), "{gone}: {masked}");
        }
        assert_eq!(masked.chars().count(), text.chars().count());
        assert_eq!(unmask(&masked, &map).unwrap(), text);
    }

    #[test]
    fn relations_stay() {
        let (masked, _) = mask(
            "192.0.2.7 192.0.2.99 10.1.2.3 qorvex.test a.qorvex.test QORVEX Qorvex 10.1.2.3 10.1.77.3",
        );
        let words: Vec<&str> = masked.split(' ').collect();
        let net = |text: &str| text.rsplit_once('.').unwrap().0.to_owned();
        assert_eq!(net(words[0]), net(words[1]));
        assert!(words[0] != words[1] && words[2].starts_with("10."));
        assert_eq!(words[4], format!("a.{}", words[3]));
        assert_eq!(words[5].to_lowercase(), words[6].to_lowercase());
        assert_eq!(words[2], words[7]);
        assert_eq!(net(&net(words[2])), net(&net(words[8])));
    }

    #[test]
    fn json_stays_json_and_what_is_in_its_texts_too() {
        let inner = serde_json::json!({"name": "Größe\nqorvex", "n": 17}).to_string();
        let text =
            serde_json::json!({"target": "qorvex-01", "text": inner, "t": "a\\040qorvex \u{9b}"})
                .to_string();
        let (masked, map) = mask(&text);
        let value: serde_json::Value = serde_json::from_str(&masked).unwrap();
        let inner: serde_json::Value =
            serde_json::from_str(value["text"].as_str().unwrap()).unwrap();
        assert_eq!(inner["n"], 17);
        let (first, second) = inner["name"].as_str().unwrap().split_once('\n').unwrap();
        assert_eq!((first.chars().count(), second.len()), (5, 6));
        assert_eq!(value["t"], format!("a\\040{second} \u{9b}"));
        assert!(!masked.contains("qorvex") && !masked.contains("Gr"));
        assert_eq!(unmask(&masked, &map).unwrap(), text);
    }

    #[test]
    fn a_known_map_is_continued() {
        let (first, map) = mask("qorvex 192.0.2.7 0a6c1e52-3d0f-4b7e-9a41-00000000000f");
        let map = MaskMap::parse(&map.to_json()).unwrap();
        let mut masker = Masker::new(map);
        assert_eq!(
            masker.mask("qorvex 192.0.2.7 0a6c1e52-3d0f-4b7e-9a41-00000000000f").unwrap(),
            first
        );
        let other = masker.mask("192.0.2.8").unwrap();
        assert_eq!(
            other.rsplit_once('.').unwrap().0,
            first.split(' ').nth(1).unwrap().rsplit_once('.').unwrap().0
        );
        assert!(MaskMap::parse("{\"schema\": \"other\"}").is_err());
    }
}
