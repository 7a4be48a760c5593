//! Changes the kernel's arguments of a menu's own entries, and the label of the volume that the menu
//! names. Every line that names neither stays byte for byte.
//!
//! Not for adding an entry: that is each format's own.

use super::entry::{BootConfigError, MenuEntry, is_kickstart_argument, with_arguments};
use super::lines::split_lines;
use super::volume_label;
use super::{BootConfig, MenuFormat, check_argument, grub_legacy, grub2, isolinux};

/// What to change in the entries of a menu.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArgumentChange {
    /// The argument that names the kickstart. Entries that install get it in place of theirs.
    pub kickstart: Option<String>,
    /// Arguments for every entry that starts a kernel with an initial RAM disk, in this order.
    pub add: Vec<String>,
    /// Arguments that are taken out of those entries: `NAME` with any value, or `NAME=VALUE`.
    pub remove: Vec<String>,
    /// The label of the volume and the new one.
    pub volume_label: Option<(String, String)>,
}

impl ArgumentChange {
    /// Returns the changed arguments of an entry; those that stay are as they were written.
    fn apply(&self, entry: &MenuEntry, args: &[String]) -> Vec<String> {
        let kickstart = self.kickstart.as_ref().filter(|_| entry.is_installer());
        let is_removed = |arg: &str| {
            let plain = arg.replace(['"', '\''], "");
            let name = plain.split('=').next().unwrap_or_default();
            self.remove.iter().any(|wanted| *wanted == plain || wanted == name)
                || kickstart.is_some() && is_kickstart_argument(&plain)
        };
        let kept = args.iter().map(String::as_str);
        let kept = kept.filter(|arg| arg.starts_with("initrd=") || !is_removed(arg));
        let new: Vec<String> = kickstart.into_iter().chain(&self.add).cloned().collect();
        with_arguments(kept, &new).into_iter().map(str::to_owned).collect()
    }
}

impl BootConfig {
    /// Returns the text with changed arguments in every entry that starts a kernel with an initial
    /// RAM disk. What starts by itself, and when, stays.
    ///
    /// # Errors
    ///
    /// Fails when there is no entry that installs, when a boot loader would read an argument as
    /// something else, when entries may be written elsewhere, and when an entry has no line that
    /// takes arguments or one that goes on in the next.
    pub fn with_changed_arguments(
        &self,
        change: &ArgumentChange,
    ) -> Result<String, BootConfigError> {
        change.kickstart.iter().chain(&change.add).try_for_each(|arg| check_argument(arg))?;
        self.base_entry()?;
        if let Some(elsewhere) = self.undecided_lines().iter().find(|line| line.leads_elsewhere) {
            let (line, text, why) = (elsewhere.line, elsewhere.text.clone(), elsewhere.why);
            return Err(BootConfigError::Undecided { line, text, why });
        }
        let kernel_lines = match self.format() {
            MenuFormat::Isolinux => isolinux::kernel_lines(self.text()),
            MenuFormat::GrubLegacy => grub_legacy::kernel_lines(self.text()),
            MenuFormat::Grub2 => grub2::kernel_lines(self.text()),
        };
        let mut texts: Vec<String> =
            split_lines(self.text()).iter().map(|line| line.whole.to_owned()).collect();
        for (number, entry) in self.entries().iter().enumerate() {
            if entry.kernel.is_none() || entry.initrd.is_none() {
                continue;
            }
            let mut found = kernel_lines.iter().filter(|line| line.entry == number).peekable();
            if found.peek().is_none() {
                return Err(self.uncopyable(entry.lines.start, "it has no line for arguments"));
            }
            for line in found {
                let text = &mut texts[line.index];
                let bare = text.trim_end();
                if bare.ends_with('\\') {
                    return Err(self.uncopyable(line.index, "it goes on in the next line"));
                }
                let args = change.apply(entry, &line.args);
                if args != line.args {
                    let end = &text[text.trim_end_matches(['\r', '\n']).len()..];
                    let space = if args.is_empty() { "" } else { " " };
                    *text = format!("{}{space}{}{end}", line.head, args.join(" "));
                }
            }
        }
        if let Some((old, new)) = &change.volume_label {
            for text in &mut texts {
                let searched = match self.format() {
                    MenuFormat::Grub2 => grub2::with_search_label(text, old, new),
                    MenuFormat::Isolinux | MenuFormat::GrubLegacy => None,
                };
                *text = searched.unwrap_or_else(|| volume_label::replace(text, old, new));
            }
        }
        Ok(texts.concat())
    }

    fn uncopyable(&self, index: usize, why: &'static str) -> BootConfigError {
        let text = self.text().lines().nth(index).unwrap_or_default().trim().to_owned();
        BootConfigError::Uncopyable { line: index + 1, text, why }
    }
}
