//! What all three formats have in common: entries, a parsed menu, and errors of editing.
//!
//! Not for the formats themselves (`isolinux`, `grub_legacy`, `grub2`).

use std::ops::Range;
use std::time::Duration;

use crate::hint::hinted;

/// The longest configuration that is read, in bytes; the vendor's are under 4 KiB.
pub(super) const TEXT_LIMIT: usize = 256 * 1024;

/// An entry of a menu.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MenuEntry {
    /// The label in isolinux; elsewhere the same as the title.
    pub id: String,
    /// The title in the menu.
    pub title: String,
    /// The path of the kernel, as written. `None` when the entry starts no kernel.
    pub kernel: Option<String>,
    /// The kernel's arguments, as written, without `initrd=`.
    pub args: Vec<String>,
    /// The path of the initial ram disk, as written.
    pub initrd: Option<String>,
    /// Whether it starts when nobody touches the keyboard.
    pub is_default: bool,
    /// Its lines in the file.
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

    /// Whether it is the vendor's ordinary installation: it neither tests the medium first nor is
    /// for special video hardware.
    pub(super) fn is_plain(&self) -> bool {
        !self.has_arg(&["rd.live.check", "mediacheck", "nomodeset", "xdriver=vesa", "inst.text"])
    }
}

/// An entry to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMenuEntry {
    /// The title in the menu.
    pub title: String,
    /// Arguments that the kernel gets besides the vendor's, such as `ks=cdrom:/ks.cfg`.
    pub args: Vec<String>,
    /// Initial RAM disks that the kernel gets behind the vendor's, as paths from the root.
    pub initrds: Vec<String>,
    /// Seconds until it starts.
    pub timeout_s: u32,
}

#[cfg(test)]
impl NewMenuEntry {
    /// Returns an entry that installs with one more argument.
    pub(super) fn unattended(argument: &str, timeout_s: u32) -> Self {
        let (title, args) = ("Install unattended".to_owned(), vec![argument.to_owned()]);
        Self { title, args, initrds: Vec::new(), timeout_s }
    }
}

/// A line that may change what starts in a way that is not evaluated here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndecidedLine {
    /// The number of the line, from 1 on.
    pub line: usize,
    /// The line.
    pub text: String,
    /// Why its effect is unknown.
    pub why: &'static str,
    /// Whether adding an entry rewrites the line, so that its effect no longer matters.
    pub(super) is_rewritten: bool,
    /// Whether something that starts may be written elsewhere than in an entry of this text.
    pub(super) leads_elsewhere: bool,
}

/// Why a boot configuration cannot be read or edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BootConfigError {
    /// The file is too long.
    #[error("the boot configuration has {0} bytes, more than {TEXT_LIMIT}")]
    TooLong(usize),
    /// No entry starts an installation.
    #[error("no boot entry has a kernel and an initrd to install with, among {titles:?}")]
    NoInstallEntry {
        /// The titles of all entries.
        titles: Vec<String>,
        /// Files it includes, which are not read.
        includes: Vec<String>,
    },
    /// There is an entry of this title already.
    #[error("there is a boot entry {0:?} already")]
    Exists(String),
    /// A boot loader would read a title or an argument as something else.
    #[error("{0:?} cannot be written into a boot entry: {1}")]
    Unwritable(String, &'static str),
    /// A line may start something else than the new entry.
    #[error("line {line} of the boot configuration, {text:?}, may start something else: {why}")]
    Undecided {
        /// The number of the line, from 1 on.
        line: usize,
        /// The line.
        text: String,
        /// Why its effect is unknown.
        why: &'static str,
    },
    /// The entry to copy is written in a way that cannot be edited.
    #[error("line {line} of the boot configuration, {text:?}, cannot be copied: {why}")]
    Uncopyable {
        /// The number of the line, from 1 on.
        line: usize,
        /// The line.
        text: String,
        /// Why not.
        why: &'static str,
    },
}

impl BootConfigError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists(..) => {
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

hinted!(BootConfigError);

/// A line with the arguments of an entry's kernel.
pub(super) struct KernelLine {
    /// Its number, from 0 on.
    pub index: usize,
    /// The number of its entry.
    pub entry: usize,
    /// What stands before the arguments: white space, the command, the kernel's path.
    pub head: String,
    /// The arguments, as written.
    pub args: Vec<String>,
}

/// A parsed menu.
#[derive(Clone, Debug, Default)]
pub(super) struct ParsedMenu {
    pub(super) entries: Vec<MenuEntry>,
    pub(super) timeout: Option<Duration>,
    pub(super) includes: Vec<String>,
    /// Labels of file systems, those in lines outside of entries included.
    pub(super) labels: Vec<String>,
    /// Lines whose effect on what starts is unknown.
    pub(super) undecided: Vec<UndecidedLine>,
    /// Whether the default entry starts without a menu or a prompt before it.
    pub(super) is_immediate: bool,
}

impl UndecidedLine {
    pub(super) fn new(index: usize, text: &str, why: &'static str) -> Self {
        let (line, text) = (index + 1, text.trim().to_owned());
        Self { line, text, why, is_rewritten: false, leads_elsewhere: false }
    }

    pub(super) fn elsewhere(index: usize, text: &str, why: &'static str) -> Self {
        Self { leads_elsewhere: true, ..Self::new(index, text, why) }
    }
}

/// Whether an argument names a kickstart.
pub(super) fn is_kickstart_argument(arg: &str) -> bool {
    arg.starts_with("ks=") || arg.starts_with("inst.ks=")
}

/// Whether an unattended entry keeps this argument of the vendor's entry.
pub(super) fn keeps_argument(arg: &str) -> bool {
    const PRESEEDS: &[&str] = &["file=", "url=", "preseed/file=", "preseed/url="];
    !matches!(arg, "rd.live.check" | "mediacheck")
        && !is_kickstart_argument(arg)
        && !PRESEEDS.iter().any(|key| arg.starts_with(key))
}

/// Returns the vendor's arguments with new ones among them: before `---`, behind which Debian's and
/// Ubuntu's installers find what is meant for the installed system alone.
pub(super) fn with_arguments<'a>(
    vendor: impl Iterator<Item = &'a str>,
    new: &'a [String],
) -> Vec<&'a str> {
    let mut all: Vec<&str> = vendor.collect();
    let end = all.iter().position(|arg| matches!(*arg, "---" | "--")).unwrap_or(all.len());
    all.splice(end..end, new.iter().map(String::as_str));
    all
}
