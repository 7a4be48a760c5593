//! The boot menus of a medium, where they are: in the tree, and inside efiboot.img, which the
//! firmware reads instead of the tree when the medium is a disk.
//!
//! Not for their grammars (`boot`), nor for evaluating them.

use super::included_menus::{self, MAX_MENU_BYTES};
use super::payload_file::PayloadFile;
use super::plan::Plan;
use crate::boot::{
    ArgumentChange, BootConfig, BootConfigError, MenuEntry, MenuFormat, NewMenuEntry,
};
use crate::disc_path::{DiscPath, DiscPathError};
use crate::hint::hinted;
use crate::installer::anaconda::kickstart_argument;
use crate::installer::disc_layout;
use crate::installer::profile::Installer;
use crate::installer::system::AgentKind;
use crate::iso::fat::{FatError, FatView};
use crate::iso::{BootPlatform, EntryKind, IsoError, Medium, Timestamp};

/// Seconds until the unattended entry starts: enough to press a key.
const TIMEOUT_S: u32 = 5;

/// The menus of a medium, and what could not be read of them.
#[derive(Debug, Default)]
pub struct Menus {
    /// Every menu found.
    pub found: Vec<Menu>,
    /// Files inside the boot images for UEFI, each as `IMAGE:PATH`.
    pub efi_files: Vec<String>,
    /// Why others, or the insides of a boot image, could not be read.
    pub faults: Vec<String>,
}

/// One menu.
#[derive(Debug)]
pub struct Menu {
    /// Where it is, for people: `isolinux/isolinux.cfg`, or
    /// `images/efiboot.img:EFI/BOOT/BOOTX64.conf`.
    pub file: String,
    /// Where it is.
    pub location: MenuLocation,
    /// What it says.
    pub config: BootConfig,
}

/// Where a menu is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MenuLocation {
    /// A file of the medium.
    Tree,
    /// A file of the FAT image that starts at this byte.
    EfiImage {
        /// First byte of the image.
        at: u64,
        /// Path inside it.
        inside: String,
    },
}

/// The entry that installs without a question.
#[derive(Clone, Debug)]
pub struct UnattendedEntry(NewMenuEntry);

/// A menu before and after.
#[derive(Clone, Debug)]
pub struct MenuChange {
    /// Where it is, as in [`Menu::file`].
    pub file: String,
    /// Its entries.
    pub before: Vec<MenuLine>,
    /// Its entries with ours.
    pub after: Vec<MenuLine>,
}

/// An entry as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuLine {
    /// The title.
    pub title: String,
    /// The kernel's arguments.
    pub arguments: String,
    /// Whether it starts by itself.
    pub default: bool,
}

/// What changing the menus changes on the medium.
#[derive(Clone, Debug, Default)]
pub struct MediumChanges {
    /// Menus in the tree, with their new content.
    pub files: Vec<PayloadFile>,
    /// Files that the new menus need beside them.
    pub added: Vec<PayloadFile>,
    /// Bytes of boot images to change in place.
    pub patches: Vec<(u64, Vec<u8>)>,
    /// Files of the tree that those patches change.
    pub patched: Vec<DiscPath>,
    /// Every menu before and after.
    pub menus: Vec<MenuChange>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Why the menus cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum MenuError {
    /// A menu cannot be read or edited.
    #[error("{0}")]
    Config(String, #[source] BootConfigError),
    /// A boot image cannot be read or edited.
    #[error("{0}")]
    Fat(String, #[source] FatError),
    /// A firmware starts the medium, but no menu of its is known.
    #[error("the medium starts under {0}, but has no boot menu for it that is known")]
    NoMenu(&'static str),
    /// The medium does not start at all.
    #[error("the medium has no boot entry for BIOS or UEFI")]
    NotBootable,
    /// Something that may be a menu cannot be read.
    #[error("{0}")]
    Unread(String),
    /// The medium cannot be read.
    #[error(transparent)]
    Iso(#[from] IsoError),
    /// A menu's path cannot be written to a disc.
    #[error(transparent)]
    Path(#[from] DiscPathError),
}

impl MenuError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(_, source) => source.hint(),
            Self::Fat(_, source) => source.hint(),
            Self::NoMenu(..) | Self::NotBootable => Some(
                "give the vendor's installer medium; preflight knows isolinux, GRUB legacy and \
                 GRUB 2 menus"
                    .to_owned(),
            ),
            Self::Iso(error) => error.hint(),
            Self::Unread(_) | Self::Path(_) => None,
        }
    }
}

hinted!(MenuError);

impl UnattendedEntry {
    /// The entry that a plan wants on a medium of this volume id.
    pub fn from_plan(plan: &Plan, volume_id: &str) -> Self {
        let disks: Vec<String> =
            plan.system.erased_disks().iter().map(|disk| disk.name.to_string()).collect();
        let standin = match plan.system.agent {
            AgentKind::StandIn => " with a STAND-IN agent",
            _ => "",
        };
        let title = format!("Install the master target{standin} (erases {})", disks.join(", "));
        let anaconda = match &plan.system.profile.installer {
            Installer::Anaconda(anaconda) => anaconda,
            Installer::DebianInstaller(_) => return Self::for_preseed(plan, title),
        };
        let kickstart = kickstart_argument(anaconda.kickstart_argument, anaconda.usb, volume_id);
        Self(NewMenuEntry {
            title,
            args: vec![kickstart],
            initrds: Vec::new(),
            timeout_s: TIMEOUT_S,
        })
    }

    /// The entry for debian-installer: the preseed is in an initial RAM disk of its own, which no
    /// other entry loads. Only what nothing can be preset for is asked with this priority.
    fn for_preseed(plan: &Plan, title: String) -> Self {
        let arguments = plan.system.profile.kernel_arguments.iter().map(ToString::to_string);
        Self(NewMenuEntry {
            title,
            args: std::iter::once("priority=critical".to_owned()).chain(arguments).collect(),
            initrds: vec![format!("/{}", disc_layout::PRESEED)],
            timeout_s: TIMEOUT_S,
        })
    }
}

/// Reads every menu of a medium.
pub fn read(medium: &Medium) -> Menus {
    let mut menus = Menus::default();
    for entry in medium.entries().filter(|entry| entry.kind == EntryKind::File) {
        let Some(kind) = MenuFormat::from_path(&entry.path) else { continue };
        let text = medium.read_file(&entry.path, MAX_MENU_BYTES).map_err(|error| error.to_string());
        menus.add(entry.path, MenuLocation::Tree, kind, text);
    }
    menus.remove_forwarders();
    for (at, len, name) in efi_images(medium) {
        if let Err(error) = read_efi_image(medium, at, len, &name, &mut menus) {
            menus.faults.push(format!("{name}: {error}"));
        }
    }
    menus
}

fn read_efi_image(
    medium: &Medium,
    at: u64,
    len: u64,
    name: &str,
    menus: &mut Menus,
) -> Result<(), FatError> {
    let mut fat = FatView::open(medium.source(), at, len, 0)?;
    for entry in fat.list()?.into_iter().filter(|entry| !entry.is_dir) {
        menus.efi_files.push(format!("{name}:{}", entry.path));
        let Some(kind) = MenuFormat::from_path(&entry.path) else { continue };
        let text = fat.read(&entry.path, MAX_MENU_BYTES).map_err(|error| error.to_string());
        let file = format!("{name}:{}", entry.path);
        menus.add(file, MenuLocation::EfiImage { at, inside: entry.path }, kind, text);
    }
    Ok(())
}

impl Menu {
    /// Whether a BIOS may come by it: isolinux's, or that of the GRUB 2 that el10 and Fedora 37 start
    /// under BIOS, too, whose menu is below `/boot`.
    pub fn serves_bios(&self) -> bool {
        let below_boot = self.location == MenuLocation::Tree && self.file.starts_with("boot/");
        match self.config.format() {
            MenuFormat::Isolinux => true,
            MenuFormat::GrubLegacy => false,
            MenuFormat::Grub2 => below_boot,
        }
    }

    /// Whether UEFI may come by it.
    pub fn serves_uefi(&self) -> bool {
        self.config.format() != MenuFormat::Isolinux
    }

    /// Its path, when it is a file of the medium.
    pub fn tree_path(&self) -> Option<String> {
        (self.location == MenuLocation::Tree).then(|| self.file.clone())
    }
}

impl Menus {
    /// Removes menus that only go on with another one that was found.
    fn remove_forwarders(&mut self) {
        let files: Vec<String> = self.found.iter().map(|menu| menu.file.clone()).collect();
        let is_found = |path: String| files.iter().any(|file| file == path.trim_start_matches('/'));
        self.found.retain(|menu| !menu.config.forwards_to().is_some_and(is_found));
    }

    fn add(
        &mut self,
        file: String,
        location: MenuLocation,
        kind: MenuFormat,
        text: Result<Vec<u8>, String>,
    ) {
        let config = text
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "is not text".to_owned()))
            .and_then(|text| {
                BootConfig::parse(kind.for_text(&text), &text).map_err(|error| error.to_string())
            });
        match config {
            Ok(config) => self.found.push(Menu { file, location, config }),
            Err(why) => self.faults.push(format!("{file}: {why}")),
        }
    }
}

/// The boot images for UEFI: first byte, bytes, and the name of the file that it is. What a
/// Macintosh starts is listed as UEFI's too, but is HFS+ and not looked into.
fn efi_images(medium: &Medium) -> Vec<(u64, u64, String)> {
    let mut images = uefi_images(medium);
    images.retain(|(at, _, _)| !is_hfs(medium, *at));
    images
}

/// Whether an HFS or HFS+ volume starts at a byte (Apple TN1150: the header is at byte 1024).
fn is_hfs(medium: &Medium, at: u64) -> bool {
    let mut signature = [0; 2];
    let read = medium.source().read_exact_at(at.saturating_add(1024), &mut signature);
    read.is_ok() && matches!(&signature, b"H+" | b"HX" | b"BD")
}

fn uefi_images(medium: &Medium) -> Vec<(u64, u64, String)> {
    let mut images: Vec<(u64, u64, String)> = Vec::new();
    for boot in medium.boot_entries().iter().filter(|boot| boot.platform == BootPlatform::Uefi) {
        let at = boot.at();
        let file = medium.entries().find(|entry| {
            entry.kind == EntryKind::File && entry.extents.first().is_some_and(|(o, _)| *o == at)
        });
        // The catalog's count of sectors has 16 bits and is often 0 or 1: the file knows better.
        let (len, name) = file.map_or_else(
            || (boot.len(), format!("the boot image at byte {at}")),
            |file| (file.len, file.path),
        );
        if images.iter().all(|(other, _, _)| *other != at) {
            images.push((at, len, name));
        }
    }
    images
}

/// Adds the unattended entry to every menu, as its default.
///
/// # Errors
///
/// Refuses a medium on which a firmware would find no menu of ours, and a menu without an entry
/// that installs.
pub fn add_unattended_entry(
    medium: &Medium,
    entry: &UnattendedEntry,
    at: Timestamp,
) -> Result<MediumChanges, MenuError> {
    change_menus(medium, at, |menu, changed| {
        let failed = |source| MenuError::Config(menu.file.clone(), source);
        let includes = !menu.config.includes().is_empty() && menu.location == MenuLocation::Tree;
        if !includes {
            return Ok((None, menu.config.with_unattended_entry(&entry.0).map_err(failed)?));
        }
        let whole =
            included_menus::flatten(medium, &menu.file, menu.config.text()).map_err(failed)?;
        let (vendor, has_menu) = find_vendor_place(medium, &menu.file)?;
        let own = menu.config.text().as_bytes();
        changed.added.push(PayloadFile::from_bytes(&vendor, own)?);
        let name = vendor.rsplit('/').next().unwrap_or(&vendor);
        let text = whole.in_front(&entry.0, name, has_menu).map_err(failed)?;
        Ok((Some(whole), text))
    })
}

/// Changes the arguments of every menu's own entries, and the label that the menus name.
///
/// # Errors
///
/// As [`add_unattended_entry`].
pub fn change_arguments(
    medium: &Medium,
    change: &ArgumentChange,
    at: Timestamp,
) -> Result<MediumChanges, MenuError> {
    change_menus(medium, at, |menu, _| {
        let changed = menu.config.with_changed_arguments(change);
        let failed = |source| MenuError::Config(menu.file.clone(), source);
        Ok((None, changed.map_err(failed)?))
    })
}

/// Gives every menu the text that `edit` makes of it, in the tree and inside the boot images; with
/// it comes the menu as it was where that is in several files.
fn change_menus(
    medium: &Medium,
    at: Timestamp,
    edit: impl Fn(&Menu, &mut MediumChanges) -> Result<(Option<BootConfig>, String), MenuError>,
) -> Result<MediumChanges, MenuError> {
    let menus = read(medium);
    if let Some(fault) = menus.faults.first() {
        return Err(MenuError::Unread(fault.clone()));
    }
    check_firmware_menus(medium, &menus)?;
    let mut changed = MediumChanges::default();
    let mut texts = Vec::new();
    for menu in &menus.found {
        let (whole, text) = edit(menu, &mut changed)?;
        if text == menu.config.text() {
            continue;
        }
        let after = BootConfig::parse(menu.config.format(), &text)
            .map_err(|source| MenuError::Config(menu.file.clone(), source))?;
        tracing::info!(file = %menu.file, "changing the boot menu");
        changed.menus.push(MenuChange {
            file: menu.file.clone(),
            before: menu_lines(whole.as_ref().unwrap_or(&menu.config)),
            after: menu_lines(&after),
        });
        if menu.location == MenuLocation::Tree {
            changed.files.push(PayloadFile::from_bytes(&menu.file, text.into_bytes())?);
        } else {
            texts.push((&menu.location, text));
        }
    }
    for (_, _, name) in uefi_images(medium).iter().filter(|(at, _, _)| is_hfs(medium, *at)) {
        changed.notes.push(format!("{name} is HFS+, for Macintosh computers: it stays as it is"));
    }
    for (start, len, name) in efi_images(medium) {
        let failed = |source| MenuError::Fat(name.clone(), source);
        let mut fat = FatView::open(medium.source(), start, len, at.seconds()).map_err(failed)?;
        for (place, text) in &texts {
            if let MenuLocation::EfiImage { at, inside } = place
                && *at == start
            {
                fat.replace(inside, text.as_bytes()).map_err(failed)?;
            }
        }
        changed.patches.extend(fat.into_patches());
        if medium.find(&name).is_some() {
            changed.patched.push(DiscPath::new(&name)?);
        }
    }
    Ok(changed)
}

/// Where the vendor's own menu of isolinux's is copied to, and whether the program that shows menus
/// is beside it.
fn find_vendor_place(medium: &Medium, file: &str) -> Result<(String, bool), MenuError> {
    let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
    let vendor = format!("{directory}/vendor.cfg");
    let vendor = vendor.trim_start_matches('/').to_owned();
    if medium.find(&vendor).is_some() {
        return Err(MenuError::Unread(format!("/{vendor} is on the medium already")));
    }
    Ok((vendor, medium.find(&format!("{directory}/vesamenu.c32")).is_some()))
}

/// Every firmware that starts the medium must come by a menu that is known.
///
/// # Errors
///
/// [`MenuError::NotBootable`] and [`MenuError::NoMenu`].
pub fn check_firmware_menus(medium: &Medium, menus: &Menus) -> Result<(), MenuError> {
    let starts = |platform| {
        medium.boot_entries().iter().any(|boot| boot.bootable && boot.platform == platform)
    };
    let (bios, uefi) = (starts(BootPlatform::Bios), starts(BootPlatform::Uefi));
    let has = |serves: fn(&Menu) -> bool| menus.found.iter().any(serves);
    match (bios, uefi) {
        (false, false) => Err(MenuError::NotBootable),
        (true, _) if !has(Menu::serves_bios) => Err(MenuError::NoMenu("BIOS")),
        (_, true) if !has(Menu::serves_uefi) => Err(MenuError::NoMenu("UEFI")),
        _ => Ok(()),
    }
}

fn menu_lines(config: &BootConfig) -> Vec<MenuLine> {
    let line = |entry: &MenuEntry| MenuLine {
        title: entry.title.clone(),
        arguments: entry.args.join(" "),
        default: entry.is_default,
    };
    config.entries().iter().map(line).collect()
}
