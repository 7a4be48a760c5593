//! What of a run is not the program's words: where it ran, how much room there is, when somebody
//! was asked, which version it has, and the digests of images, which stand in `images.tsv` alone.
//!
//! Nothing else is masked: other times are fixed by `--now` and SOURCE_DATE_EPOCH.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest, Sha256};

use super::inputs::Inputs;

/// The room on the disk, in a dry run and where it does not suffice.
static FREE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"free there: [0-9.]+ (MiB|bytes)").unwrap());

/// The line of a check in its file, which every entry before it moves.
static DEFINED_IN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(defined in  checks/[a-z-]+\.yaml, line )[0-9]+").unwrap());

/// When somebody was asked, which is the clock's time where nobody answers.
static ASKED_AT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""asked_at": "[^"]*""#).unwrap());

/// The version of the crate; not a part of a longer number.
static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    let version = regex::escape(env!("CARGO_PKG_VERSION"));
    Regex::new(&format!(r"(^|[^0-9.]){version}($|[^0-9.]|\.$|\.\s)")).unwrap()
});

/// The words that stand for others in one case.
#[derive(Clone)]
pub struct Mask {
    words: Vec<(String, String)>,
}

/// The digest of some bytes in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_image(name: &str) -> bool {
    [".iso", ".delta"].iter().any(|ending| name.ends_with(ending))
}

impl Mask {
    /// Of a case that runs in this directory.
    pub fn new(directory: &Path, inputs: &Inputs) -> Self {
        let mut words = vec![(directory.display().to_string(), "/DIR".to_owned())];
        let images = inputs.digests().iter();
        words
            .extend(images.map(|(name, sha256)| (sha256.clone(), format!("{{sha256 of {name}}}"))));
        Self { words }
    }

    /// The same, and the digests of the images among these files.
    pub fn with_images(&self, files: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut mask = self.clone();
        for (name, bytes) in files.iter().filter(|(name, _)| is_image(name)) {
            let digest = sha256(bytes);
            if !mask.words.iter().any(|(word, _)| *word == digest) {
                mask.words.push((digest, format!("{{sha256 of {name}}}")));
            }
        }
        mask
    }

    /// A file that is no text, in words.
    pub fn binary(&self, bytes: &[u8]) -> String {
        format!("{} bytes, sha256 {}", bytes.len(), sha256(bytes))
    }

    /// The text with words in place of those.
    pub fn applied(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (word, instead) in &self.words {
            text = text.replace(word, instead);
        }
        let text = FREE.replace_all(&text, "free there: ROOM");
        let text = DEFINED_IN.replace_all(&text, "${1}LINE");
        let text = ASKED_AT.replace_all(&text, "\"asked_at\": \"TIME\"");
        VERSION.replace_all(&text, "${1}VERSION$2").into_owned()
    }
}
