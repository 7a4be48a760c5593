//! What every grammar speaks of: entries, what a text holds, and why one cannot be edited.

use std::ops::Range;
use std::time::Duration;

/// The largest configuration that is read; the vendor's are under 4 KiB.
pub(super) const TEXT_LIMIT: usize = 256 * 1024;

/// An entry of a menu.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MenuEntry {
    /// The label in isolinux; elsewhere the same as the title.
    pub id: String,
    /// What the menu shows.
    pub title: String,
    /// The path of the kernel, as written. `None` for an entry that starts none.
    pub kernel: Option<String>,
    /// The kernel's arguments, as written, without `initrd=`.
    pub args: Vec<String>,
    /// The path of the initial ram disk, as written.
    pub initrd: Option<String>,
    /// Whether it starts when nobody touches the keyboard.
    pub is_default: bool,
    /// The lines of the file it takes up.
    pub(super) lines: Range<usize>,
}

impl MenuEntry {
    fn has_arg(&self, unwanted: &[&str]) -> bool {
        self.args.iter().any(|arg| unwanted.contains(&arg.as_str()))
    }

    pub(super) fn is_installer(&self) -> bool {
        let rescue = self.has_arg(&["rescue", "inst.rescue"])
            || self.title.to_ascii_lowercase().contains("rescue");
        self.kernel.is_some() && self.initrd.is_some() && !rescue
    }

    /// Whether it is the vendor's plain way to install: not the one that tests the medium first,
    /// nor the one for awkward video hardware.
    pub(super) fn is_plain(&self) -> bool {
        !self.has_arg(&["rd.live.check", "mediacheck", "nomodeset", "xdriver=vesa", "inst.text"])
    }
}

/// An entry to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMenuEntry {
    /// What the menu shows.
    pub title: String,
    /// Arguments that the kernel gets besides the vendor's, such as `ks=cdrom:/ks.cfg`.
    pub args: Vec<String>,
    /// Seconds until it starts.
    pub timeout_s: u32,
}

/// A line that decides what starts in a way that is not followed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndecidedLine {
    /// The number of the line, from 1 on.
    pub line: usize,
    /// The line.
    pub text: String,
    /// Why it is not known what it does.
    pub why: &'static str,
    /// Whether adding an entry rewrites the line, so that it no longer matters.
    pub(super) is_rewritten: bool,
}

/// Why a boot configuration cannot be read or edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BootConfigError {
    /// The file is too long to be one.
    #[error("the boot configuration has {len} bytes, more than {TEXT_LIMIT}")]
    TooLong {
        /// Bytes.
        len: usize,
    },
    /// Nothing in it starts an installation.
    #[error("no boot entry has a kernel and an initrd to install with, among {titles:?}")]
    NoInstallEntry {
        /// The titles of the entries there are.
        titles: Vec<String>,
        /// Files it includes, which are not read.
        includes: Vec<String>,
    },
    /// The entry is there already.
    #[error("there is a boot entry {title:?} already")]
    Exists {
        /// Its title.
        title: String,
    },
    /// A title or an argument that a boot loader would read as something else.
    #[error("{text:?} cannot be written into a boot entry: {why}")]
    Unwritable {
        /// The text.
        text: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A line may start something else than the new entry.
    #[error("line {line} of the boot configuration, {text:?}, may start something else: {why}")]
    Undecided {
        /// The number of the line, from 1 on.
        line: usize,
        /// The line.
        text: String,
        /// Why it is not known what it does.
        why: &'static str,
    },
    /// The entry to copy is written in a way that we do not edit.
    #[error("line {line} of the boot configuration, {text:?}, cannot be copied: {why}")]
    Uncopyable {
        /// The number of the line, from 1 on.
        line: usize,
        /// The line.
        text: String,
        /// What is in the way.
        why: &'static str,
    },
}

impl BootConfigError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { .. } => {
                Some("give the vendor's medium as the base, not one that was built".to_owned())
            }
            Self::Undecided { .. } => Some(
                "give the vendor's medium as it comes; a menu that decides by conditions or reads \
                 another file cannot be shown to start the new entry"
                    .to_owned(),
            ),
            Self::NoInstallEntry { includes, .. } if !includes.is_empty() => Some(format!(
                "the entries may be in {}, which is not followed",
                includes.join(", ")
            )),
            _ => None,
        }
    }
}

/// What a grammar finds in a text.
#[derive(Clone, Debug, Default)]
pub(super) struct ParsedMenu {
    pub(super) entries: Vec<MenuEntry>,
    pub(super) timeout: Option<Duration>,
    pub(super) includes: Vec<String>,
    /// Labels of file systems that lines outside of entries name, too.
    pub(super) labels: Vec<String>,
    /// Lines that decide what starts in a way that is not followed.
    pub(super) undecided: Vec<UndecidedLine>,
    /// Whether the default entry starts without a menu or a prompt before it.
    pub(super) is_immediate: bool,
}

impl UndecidedLine {
    pub(super) fn new(index: usize, text: &str, why: &'static str) -> Self {
        Self { line: index + 1, text: text.trim().to_owned(), why, is_rewritten: false }
    }
}

/// The vendor's arguments that an unattended entry keeps.
pub(super) fn keeps_argument(arg: &str) -> bool {
    !matches!(arg, "rd.live.check" | "mediacheck")
        && !arg.starts_with("ks=")
        && !arg.starts_with("inst.ks=")
}
