//! The file on the disc that the installer reads in place of asking, whichever installer it is.
//!
//! Not for where it is (`kickstart_location`).

use super::source::KickstartSources;
use crate::facts::image::KickstartFacts;
use crate::facts::{Collection, Fact};
use crate::image::manifest::{CUSTOM_MEDIUM, Manifest};
use crate::installer::kickstart;
use crate::installer::kickstart::facts::findings;
use crate::installer::kickstart::lint::LintStyle;
use crate::installer::preseed::cpio::{self, CpioEntry};
use crate::installer::preseed::{self, parse::parse};
use crate::packages::generation::Generation;

/// What an archive of the kernel's begins with.
const CPIO_MAGIC: &[u8] = b"0707";

/// The answers, as far as they are told apart.
pub enum AnswerFile {
    /// A kickstart's text. What is not UTF-8 must reach the linter as something that is not ASCII.
    Kickstart(String),
    /// An archive with a preseed and its scripts.
    Preseed(Vec<CpioEntry>),
}

impl AnswerFile {
    /// Reads the bytes of the file.
    ///
    /// # Errors
    ///
    /// Returns the reason when an archive cannot be read.
    pub fn read(path: &str, bytes: &[u8]) -> Result<Self, String> {
        if bytes.starts_with(CPIO_MAGIC) {
            let entries = cpio::read(bytes).map_err(|error| format!("/{path}: {error}"))?;
            return Ok(Self::Preseed(entries));
        }
        Ok(Self::Kickstart(String::from_utf8_lossy(bytes).into_owned()))
    }

    /// What is installed, and from where.
    pub fn sources(&self) -> KickstartSources {
        match self {
            Self::Kickstart(text) => {
                let document = kickstart::parse(text);
                KickstartSources {
                    packages: document.packages().into_iter().map(str::to_owned).collect(),
                    repositories: kickstart::facts::repositories(&document),
                    sources: kickstart::facts::sources(&document),
                }
            }
            Self::Preseed(entries) => {
                let text = preseed::facts::text(entries).unwrap_or_default();
                let document = parse(&text);
                KickstartSources {
                    packages: preseed::facts::packages(&document),
                    repositories: preseed::facts::repositories(entries, &document),
                    sources: Vec::new(),
                }
            }
        }
    }

    /// The facts; `generation` is the installer's, of the medium or the manifest.
    ///
    /// # Errors
    ///
    /// Returns the reason when there are none.
    pub fn facts(
        &self,
        path: &str,
        generation: &Result<u8, String>,
        manifest: &Result<Manifest, String>,
    ) -> Result<KickstartFacts, String> {
        // Somebody's own kickstart need not install a master target.
        let is_custom = manifest.as_ref().is_ok_and(|manifest| manifest.kind == CUSTOM_MEDIUM);
        let mut facts = match self {
            Self::Kickstart(text) => {
                let generation = generation.as_ref().map_err(Clone::clone)?;
                let generation = Generation::try_from(*generation)?;
                let mut facts = kickstart::facts(text, path, generation);
                if is_custom {
                    let (errors, warnings) = findings(text, generation, Some(LintStyle::Syntax));
                    facts.lint_errors = Collection::complete(errors);
                    facts.lint_warnings = Collection::complete(warnings);
                }
                facts
            }
            Self::Preseed(entries) => preseed::facts(entries, path)?,
        };
        if let (Ok(manifest), false) = (manifest, is_custom) {
            facts.firmware = Fact::Known(manifest.firmware.clone());
        }
        Ok(facts)
    }
}
