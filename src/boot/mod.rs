//! The boot menus of a medium: isolinux.cfg for BIOS, BOOTX64.conf (GRUB legacy, el6) or grub.cfg
//! (GRUB 2, el7 and later) for UEFI. They are parsed and edited, so that an unattended entry can be
//! added while the vendor's entries stay byte for byte.
//!
//! Not for finding the files, nor for shell in a grub.cfg: conditions are not evaluated.

mod arguments;
mod entry;
mod grub2;
mod grub_legacy;
mod isolinux;
mod lines;
pub(crate) mod volume_label;

use std::time::Duration;

use entry::{ParsedMenu, TEXT_LIMIT};

pub use arguments::ArgumentChange;
pub use entry::{BootConfigError, MenuEntry, NewMenuEntry, UndecidedLine};

/// The longest title and argument that can be added, in bytes.
const WORD_LIMIT: usize = 200;

/// The format of a boot configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MenuFormat {
    /// isolinux and syslinux.
    Isolinux,
    /// GRUB 0.97, as el6 boots it under UEFI.
    GrubLegacy,
    /// GRUB 2.
    Grub2,
}

impl MenuFormat {
    /// Returns the format of a file by its name, whose case does not matter; for `BOOT*.conf` see
    /// [`MenuFormat::for_text`].
    pub fn from_path(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name.to_ascii_lowercase().as_str() {
            "isolinux.cfg" | "syslinux.cfg" => Some(Self::Isolinux),
            "bootx64.conf" | "bootia32.conf" | "boot.conf" => Some(Self::GrubLegacy),
            "grub.cfg" => Some(Self::Grub2),
            _ => None,
        }
    }

    /// Returns the format of a text in a file of this format: `BOOT.conf` is GRUB legacy's on el6,
    /// and from el8 on a copy of `grub.cfg`.
    pub fn for_text(self, text: &str) -> Self {
        let mut words = text.lines().filter_map(|line| line.split_whitespace().next());
        let is_grub2 = |word| {
            matches!(word, "menuentry" | "submenu" | "set" | "linux" | "linuxefi" | "function")
        };
        match self {
            Self::GrubLegacy if words.any(is_grub2) => Self::Grub2,
            kind => kind,
        }
    }
}

/// When a menu starts its default entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MenuStart {
    /// Only when somebody presses a key.
    Never,
    /// At once, without a chance to stop it.
    AtOnce,
    /// After this time.
    After(Duration),
}

/// A parsed boot configuration.
#[derive(Clone, Debug)]
pub struct BootConfig {
    format: MenuFormat,
    text: String,
    parsed: ParsedMenu,
}

impl BootConfig {
    /// Parses a configuration.
    ///
    /// # Errors
    ///
    /// Fails only when it is longer than 256 KiB: unknown lines are kept.
    ///
    /// ```
    /// use preflight::boot::{BootConfig, MenuFormat};
    /// let text = "timeout 600\nlabel linux\n  kernel vmlinuz\n  append initrd=initrd.img quiet\n";
    /// let config = BootConfig::parse(MenuFormat::Isolinux, text)?;
    /// assert_eq!(config.entries()[0].initrd.as_deref(), Some("initrd.img"));
    /// assert_eq!(config.start(), preflight::boot::MenuStart::After(std::time::Duration::from_secs(60)));
    /// # Ok::<(), preflight::boot::BootConfigError>(())
    /// ```
    pub fn parse(format: MenuFormat, text: &str) -> Result<Self, BootConfigError> {
        if text.len() > TEXT_LIMIT {
            return Err(BootConfigError::TooLong(text.len()));
        }
        let parsed = match format {
            MenuFormat::Isolinux => isolinux::parse(text),
            MenuFormat::GrubLegacy => grub_legacy::parse(text),
            MenuFormat::Grub2 => grub2::parse(text),
        };
        Ok(Self { format, text: text.to_owned(), parsed })
    }

    /// Returns its format.
    pub fn format(&self) -> MenuFormat {
        self.format
    }

    /// Returns its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the entries in the order of the file, those of sub-menus included.
    pub fn entries(&self) -> &[MenuEntry] {
        &self.parsed.entries
    }

    /// Returns the entry that starts when nobody touches the keyboard.
    pub fn default_entry(&self) -> Option<&MenuEntry> {
        self.entries().iter().find(|entry| entry.is_default)
    }

    /// Returns when the default entry starts automatically.
    pub fn start(&self) -> MenuStart {
        match self.parsed.timeout {
            _ if self.parsed.is_immediate => MenuStart::AtOnce,
            None => MenuStart::Never,
            Some(time) if time.is_zero() => MenuStart::AtOnce,
            Some(time) => MenuStart::After(time),
        }
    }

    /// Returns lines whose effect is unknown: the default entry may be another than
    /// [`default_entry`](Self::default_entry).
    pub fn undecided_lines(&self) -> &[UndecidedLine] {
        &self.parsed.undecided
    }

    /// Returns the files that it includes. They are not read.
    pub fn includes(&self) -> &[String] {
        &self.parsed.includes
    }

    /// Returns the file that it goes on with, when that is all it does.
    pub fn forwards_to(&self) -> Option<String> {
        match self.format {
            MenuFormat::Grub2 => grub2::forwards_to(&self.text),
            MenuFormat::Isolinux | MenuFormat::GrubLegacy => None,
        }
    }

    /// Returns every label of a file system that it names, once each, without escapes.
    pub fn volume_labels(&self) -> Vec<String> {
        let mut labels: Vec<String> = Vec::new();
        let args = self.entries().iter().flat_map(|entry| &entry.args);
        let named = args.filter_map(|arg| volume_label::from_argument(arg));
        for label in self.parsed.labels.iter().cloned().chain(named) {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels
    }

    /// Returns what each entry starts, one line each: the same for two files that boot the same,
    /// whatever their layout.
    pub fn kernel_lines(&self) -> Vec<String> {
        let line = |entry: &MenuEntry| {
            let kernel = entry.kernel.as_deref()?;
            let initrd = entry.initrd.as_deref().unwrap_or("-");
            let default = if entry.is_default { " (default)" } else { "" };
            let args = entry.args.join(" ");
            Some(format!("{}{default}: {kernel} {args} initrd={initrd}", entry.title))
        };
        self.entries().iter().filter_map(line).collect()
    }

    /// Returns the vendor's ordinary installation, which an unattended entry copies.
    pub fn install_entry(&self) -> Option<&MenuEntry> {
        let mut installs = self.entries().iter().filter(|entry| entry.is_installer());
        let first = installs.clone().next();
        installs.find(|entry| entry.is_plain()).or(first)
    }

    /// Returns a menu of isolinux's that is shown before the vendor's: `new`, which starts by itself,
    /// and an entry that goes on with the file `vendor`, into which the vendor's own menu has to be
    /// copied. `self` is the text of all files of that menu, one after the other; its own directives
    /// count for nothing, for the new menu includes none of them. `has_menu` says whether
    /// `vesamenu.c32` is beside it.
    ///
    /// # Errors
    ///
    /// As [`with_unattended_entry`](Self::with_unattended_entry), but for lines that may start
    /// something else.
    pub fn in_front(
        &self,
        new: &NewMenuEntry,
        vendor: &str,
        has_menu: bool,
    ) -> Result<String, BootConfigError> {
        check_entry_text(new)?;
        let base = self.base_entry()?;
        let slug = slug(&new.title);
        Ok(isolinux::in_front(&self.text, base, new, &slug, vendor, has_menu))
    }

    /// Returns the entry to copy.
    fn base_entry(&self) -> Result<&MenuEntry, BootConfigError> {
        self.install_entry().ok_or_else(|| {
            let titles = self.entries().iter().map(|entry| entry.title.clone()).collect();
            BootConfigError::NoInstallEntry { titles, includes: self.parsed.includes.clone() }
        })
    }

    /// Returns the text with `new` as its first entry and its default. The entry copies the kernel,
    /// the initial ram disk and the arguments of the vendor's
    /// [`install_entry`](Self::install_entry), without a media check and a kickstart of the
    /// vendor's. Lines end as they do in the file.
    ///
    /// # Errors
    ///
    /// Fails when there is nothing to copy, when there is an entry of that title already, when the
    /// boot loader would read a title or an argument as something else, and when a line of the menu
    /// may start something else than the new entry.
    pub fn with_unattended_entry(&self, new: &NewMenuEntry) -> Result<String, BootConfigError> {
        check_entry_text(new)?;
        let slug = slug(&new.title);
        let is_new = |entry: &MenuEntry| entry.title == new.title || entry.id == slug;
        if self.entries().iter().any(is_new) {
            return Err(BootConfigError::Exists(new.title.clone()));
        }
        let base = self.base_entry()?;
        if let Some(UndecidedLine { line, text, why, .. }) =
            self.parsed.undecided.iter().find(|undecided| !undecided.is_rewritten)
        {
            let text = text.clone();
            return Err(BootConfigError::Undecided { line: *line, text, why });
        }
        match self.format {
            MenuFormat::Isolinux => Ok(isolinux::with_entry(&self.text, base, new, &slug)),
            MenuFormat::GrubLegacy if !new.initrds.is_empty() => {
                let (text, why) = (new.initrds.join(" "), "this boot loader loads one only");
                Err(BootConfigError::Unwritable(text, why))
            }
            MenuFormat::GrubLegacy => Ok(grub_legacy::with_entry(&self.text, base, new)),
            MenuFormat::Grub2 => grub2::with_entry(&self.text, base, new),
        }
    }
}

/// Refuses texts that any of the three boot loaders would split or interpret.
fn check_entry_text(new: &NewMenuEntry) -> Result<(), BootConfigError> {
    let refuse = |text: &str, why| Err(BootConfigError::Unwritable(text.to_owned(), why));
    let title = new.title.as_str();
    if title.trim() != title || !title.bytes().any(|b| b.is_ascii_alphanumeric()) {
        return refuse(title, "a title begins and ends with a visible character");
    }
    if !is_word(title) || title.contains(['\'', '"', '\\', '$', '{', '}', '^', '#', ';']) {
        return refuse(title, "a title is plain ASCII without quotes and shell characters");
    }
    new.args.iter().try_for_each(|arg| check_argument(arg))
}

/// Refuses an argument that any of the three boot loaders would split or interpret. A value with
/// blanks stands in double quotes, which all three pass on.
fn check_argument(arg: &str) -> Result<(), BootConfigError> {
    let refuse = |why| Err(BootConfigError::Unwritable(arg.to_owned(), why));
    let quoted = arg.split_once("=\"").and_then(|(name, rest)| {
        Some((name, rest.strip_suffix('"')?)).filter(|(name, _)| !name.is_empty())
    });
    let (name, value) = quoted.unwrap_or((arg, ""));
    if arg.is_empty() || name.contains(' ') {
        return refuse("an argument is one word");
    }
    // `\x20` is how a blank in a volume label is written; no other escape is understood.
    let is_escape = volume_label::unescape(name).contains('\\') || value.contains('\\');
    let special = ['\'', '"', '$', '{', '}', '#', ';', '&', '|', '<', '>', '`', '*', '?'];
    if !is_word(arg) || is_escape || [name, value].iter().any(|text| text.contains(special)) {
        return refuse("an argument is plain ASCII without quotes and shell characters");
    }
    Ok(())
}

/// Whether a text is printable ASCII and not too long.
fn is_word(text: &str) -> bool {
    text.len() <= WORD_LIMIT && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// Returns a label made of a title: its letters and digits, in lower case.
fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn new(title: &str, args: &[&str]) -> NewMenuEntry {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        NewMenuEntry { title: title.to_owned(), args, initrds: Vec::new(), timeout_s: 1 }
    }

    #[test]
    fn the_grammar_follows_from_the_name() {
        for (path, kind) in [
            ("isolinux/isolinux.cfg", Some(MenuFormat::Isolinux)),
            ("/EFI/BOOT/BOOTX64.conf", Some(MenuFormat::GrubLegacy)),
            ("EFI/BOOT/BOOT.CONF", Some(MenuFormat::GrubLegacy)),
            ("EFI/BOOT/grub.cfg", Some(MenuFormat::Grub2)),
            ("SYSLINUX.CFG", Some(MenuFormat::Isolinux)),
            ("isolinux/grub.conf", None),
            ("", None),
        ] {
            assert_eq!(MenuFormat::from_path(path), kind, "{path}");
        }
    }

    #[test]
    fn a_boot_conf_may_be_of_either_grub() {
        for (text, kind) in [
            ("default=0\ntitle a\n\tkernel /k\n", MenuFormat::GrubLegacy),
            ("set default=\"1\"\nmenuentry 'a' {\n\tlinuxefi /k\n}\n", MenuFormat::Grub2),
            ("menuentry a {\n}\n", MenuFormat::Grub2),
            ("", MenuFormat::GrubLegacy),
        ] {
            assert_eq!(
                MenuFormat::from_path("EFI/BOOT/BOOT.conf").unwrap().for_text(text),
                kind,
                "{text}"
            );
            assert_eq!(MenuFormat::Isolinux.for_text(text), MenuFormat::Isolinux);
        }
    }

    #[test]
    fn what_may_start_something_else_is_refused_and_named() {
        let isolinux = "label a\n  kernel k\n  append initrd=i\n";
        let legacy = "title a\n kernel /k\n initrd /i\n";
        let grub2 = "menuentry a {\n linux /k\n initrd /i\n}\n";
        for (kind, text, line) in [
            (MenuFormat::Isolinux, format!("ui vesamenu.c32 menu.cfg\n{isolinux}"), 1),
            (MenuFormat::Isolinux, format!("default vesamenu.c32 menu.cfg\n{isolinux}"), 1),
            (MenuFormat::Isolinux, format!("{isolinux}include more.cfg\n"), 4),
            (MenuFormat::Isolinux, format!("menu include more.cfg\n{isolinux}"), 1),
            (MenuFormat::GrubLegacy, format!("configfile /other.conf\n{legacy}"), 1),
            (MenuFormat::Grub2, format!("if [ x ]; then\n{grub2}fi\n"), 2),
            (
                MenuFormat::Grub2,
                format!("{grub2}if [ x ]; then menuentry b {{\n linux /m\n}}\nfi\n"),
                5,
            ),
            (MenuFormat::Grub2, format!("source /custom.cfg\n{grub2}"), 1),
            (MenuFormat::Grub2, format!("{grub2}if [ -f /x ]; then source /x; fi\n"), 5),
            (MenuFormat::Grub2, format!("configfile $prefix/x\n{grub2}"), 1),
            (MenuFormat::Grub2, format!("{grub2}function f {{\n set default=2\n}}\nf\n"), 6),
            (MenuFormat::Grub2, format!("linux /k\nboot\n{grub2}"), 1),
        ] {
            let config = BootConfig::parse(kind, &text).unwrap();
            assert_eq!(config.undecided_lines()[0].line, line, "{text}");
            let error = config.with_unattended_entry(&new("New", &[])).unwrap_err();
            assert!(matches!(error, BootConfigError::Undecided { .. }), "{text}: {error:?}");
            assert!(error.hint().is_some());
        }
        for (kind, text) in [
            (MenuFormat::Isolinux, format!("ui vesamenu.c32\n{isolinux}")),
            (MenuFormat::Grub2, format!("if [ x ]; then\n insmod y\nfi\n{grub2}")),
            (MenuFormat::Grub2, format!("{grub2}menuentry b {{\n configfile /x\n}}\n")),
        ] {
            let config = BootConfig::parse(kind, &text).unwrap();
            assert_eq!(config.undecided_lines(), [], "{text}");
            let text = config.with_unattended_entry(&new("New", &[])).unwrap();
            assert_eq!(BootConfig::parse(kind, &text).unwrap().undecided_lines(), []);
        }
    }

    #[test]
    fn a_default_that_a_condition_decides_is_not_proven() {
        let entries = "menuentry a {\n linux /k\n initrd /i\n}\nmenuentry b {\n}\n";
        for (head, proven) in [
            ("set default=0\nset timeout=5\n", true),
            ("set default=0\nif [ x ]; then\n set default=1\nfi\n", false),
            ("set default=1\nif [ x ]; then\n set default=1\nfi\n", true),
            ("set default=\"${saved_entry}\"\n", false),
            ("set timeout=5\nif [ x ]; then\n set timeout=-1\nfi\n", false),
            ("if [ x ]; then set default=1; fi\n", false),
        ] {
            let config = BootConfig::parse(MenuFormat::Grub2, &format!("{head}{entries}")).unwrap();
            assert_eq!(config.undecided_lines().is_empty(), proven, "{head}");
        }
    }

    #[test]
    fn when_a_menu_starts_by_itself_follows_from_its_settings() {
        let five = MenuStart::After(Duration::from_secs(5));
        let isolinux = "label a\n  kernel k\n";
        let (legacy, grub2) = ("title a\n kernel /k\n", "menuentry a {\n linux /k\n}\n");
        for (kind, head, entry, start) in [
            (MenuFormat::Isolinux, "default vesamenu.c32\ntimeout 50\n", isolinux, five),
            (MenuFormat::Isolinux, "default vesamenu.c32\ntimeout 0\n", isolinux, MenuStart::Never),
            (MenuFormat::Isolinux, "ui menu.c32\n", isolinux, MenuStart::Never),
            (MenuFormat::Isolinux, "default a\nprompt 1\ntimeout 50\n", isolinux, five),
            (MenuFormat::Isolinux, "default a\nprompt 1\n", isolinux, MenuStart::Never),
            (MenuFormat::Isolinux, "default a\ntimeout 50\n", isolinux, MenuStart::AtOnce),
            (MenuFormat::Isolinux, "", isolinux, MenuStart::Never),
            (MenuFormat::GrubLegacy, "timeout 5\n", legacy, five),
            (MenuFormat::GrubLegacy, "timeout=0\n", legacy, MenuStart::AtOnce),
            (MenuFormat::GrubLegacy, "hiddenmenu\n", legacy, MenuStart::Never),
            (MenuFormat::Grub2, "set timeout=5\n", grub2, five),
            (MenuFormat::Grub2, "set timeout=-1\n", grub2, MenuStart::Never),
            (MenuFormat::Grub2, "set timeout=0\n", grub2, MenuStart::AtOnce),
            (MenuFormat::Grub2, "", grub2, MenuStart::Never),
        ] {
            let config = BootConfig::parse(kind, &format!("{head}{entry}")).unwrap();
            assert_eq!(config.start(), start, "{kind:?} {head}");
        }
    }

    #[test]
    fn what_a_boot_loader_would_take_apart_is_refused() {
        let ok = ["ks=cdrom:/ks.cfg", "inst.ks=hd:LABEL=CentOS\\x207\\x20x86_64:/ks.cfg"];
        assert_eq!(check_entry_text(&new("Install, unattended (erases sda)", &ok)), Ok(()));
        for title in
            ["", " ", "-", "a\nb", "it's", "a\"b", "x{", "$x", "^x", " x", "x ", "\u{2013}"]
        {
            assert!(check_entry_text(&new(title, &[])).is_err(), "{title:?}");
        }
        for arg in ["", "a b", "a\tb", "a;b", "a\\b", "\\x2", "a'b", "$(x)", "a#b", "a\u{2013}b"] {
            assert!(check_entry_text(&new("x", &[arg])).is_err(), "{arg:?}");
        }
        assert!(check_entry_text(&new(&"x".repeat(201), &[])).is_err());
    }

    #[test]
    fn a_text_that_is_too_long_is_refused() {
        let text = "#".repeat(TEXT_LIMIT + 1);
        let error = BootConfig::parse(MenuFormat::Grub2, &text).unwrap_err();
        assert_eq!(error, BootConfigError::TooLong(TEXT_LIMIT + 1));
    }

    #[test]
    fn a_menu_without_an_installation_is_an_error_that_names_what_is_there() {
        let text = "include more.cfg\nlabel local\n  localboot 0xffff\n";
        let config = BootConfig::parse(MenuFormat::Isolinux, text).unwrap();
        let error = config.with_unattended_entry(&new("x", &[])).unwrap_err();
        assert!(error.hint().unwrap().contains("more.cfg"));
        let BootConfigError::NoInstallEntry { titles, .. } = error else { panic!("{error:?}") };
        assert_eq!(titles, ["local"]);
    }

    /// Lines that a menu of any of the three grammars is made of, some of them broken.
    fn line() -> impl Strategy<Value = String> {
        let words = prop::sample::select(vec![
            "label a",
            "label b",
            "menu label ^A",
            "menu default",
            "menu begin",
            "menu end",
            "kernel k",
            "append initrd=i quiet",
            "append -",
            "initrd /i",
            "default a",
            "default 2",
            "default vesamenu.c32",
            "ontimeout b",
            "timeout 60",
            "timeout=9",
            "text help",
            "endtext",
            "title A",
            "title b b",
            "hiddenmenu",
            "kernel /k rescue",
            "set default=\"1\"",
            "set timeout=60",
            "menuentry 'A' --class x {",
            "menuentry b {",
            "submenu \"c\" {",
            "linuxefi /k root=live:CDLABEL=X",
            "linux /k rd.live.check",
            "initrdefi /i",
            "}",
            "{",
            "function f {",
            "# menu default",
            "",
            "'",
            "search -l 'X'",
            "localboot 0",
            "include x",
        ]);
        let indent = prop::sample::select(vec!["", "  ", "\t"]);
        let ending = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", ""]);
        (indent, words, ending).prop_map(|(indent, word, end)| format!("{indent}{word}{end}"))
    }

    proptest! {
        #[test]
        fn a_new_entry_is_the_default_and_changes_no_other(
            lines in prop::collection::vec(line(), 0..40),
        ) {
            for kind in [MenuFormat::Isolinux, MenuFormat::GrubLegacy, MenuFormat::Grub2] {
                let before = BootConfig::parse(kind, &lines.concat()).unwrap();
                let Ok(text) = before.with_unattended_entry(&new("New one", &["ks=cdrom:/ks.cfg"])) else {
                    continue;
                };
                let after = BootConfig::parse(kind, &text).unwrap();
                prop_assert_eq!(after.default_entry().map(|e| e.title.as_str()), Some("New one"));
                // Whether a file that is not there brings a menu is unknown.
                let waits = after.start() == MenuStart::After(Duration::from_secs(1));
                prop_assert!(waits || !after.parsed.includes.is_empty());
                let starts = |config: &BootConfig| {
                    let facts = |e: &MenuEntry| {
                        let (id, title) = (e.id.clone(), e.title.clone());
                        (id, title, e.kernel.clone(), e.args.clone(), e.initrd.clone())
                    };
                    config.entries().iter().filter(|e| e.title != "New one").map(facts).collect::<Vec<_>>()
                };
                prop_assert_eq!(starts(&after), starts(&before));
            }
        }
    }
}
