//! What the installer reads in place of asking: a kickstart, or an archive with a preseed. The one
//! place that decides by the installer what it gets.
//!
//! Not for how each is made (`kickstart`, `preseed`), nor for the boot argument that names it.

use super::answers_error::AnswersError;
use super::disc_layout;
use super::kickstart::{self, Kickstart, Placement, RootAccess};
use super::preseed::cpio;
use super::preseed::render::archive_entries;
use super::preseed::{self, Preseed};
use super::profile::Installer;
use super::system::System;
use crate::assets::Assets;

/// The answers of one system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallerAnswers {
    /// Where their file belongs on the disc.
    pub path: &'static str,
    /// The kickstart or the preseed.
    pub text: String,
    /// What the installer gets in one archive with the text; nothing where the text is the file.
    entries: Option<Vec<cpio::CpioEntry>>,
}

impl InstallerAnswers {
    /// The bytes of the file; `seconds` since 1970 is the date of what is in an archive.
    pub fn to_bytes(&self, seconds: u64) -> Vec<u8> {
        match &self.entries {
            None => self.text.clone().into_bytes(),
            Some(entries) => cpio::write(entries, u32::try_from(seconds).unwrap_or(u32::MAX)),
        }
    }
}

/// Renders the answers, read back and held against what they must say.
///
/// # Errors
///
/// Fails when a template does not render, or a text says something else than what was meant.
pub fn render(
    assets: &Assets,
    system: &System,
    placement: &Placement,
    root: &RootAccess,
) -> Result<InstallerAnswers, AnswersError> {
    match &system.profile.installer {
        Installer::Anaconda(_) => {
            let kickstart = Kickstart::new(assets, system, placement, root)?;
            let text = kickstart::render(assets, &kickstart)?;
            Ok(InstallerAnswers { path: disc_layout::KICKSTART, text, entries: None })
        }
        Installer::DebianInstaller(_) => {
            let preseed = Preseed::new(assets, system, placement, root)?;
            let text = preseed::render(assets, &preseed)?;
            let entries = Some(archive_entries(&preseed, &text)?);
            Ok(InstallerAnswers { path: disc_layout::PRESEED, text, entries })
        }
    }
}
