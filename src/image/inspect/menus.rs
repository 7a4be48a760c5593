//! What the boot menus of an image say.

use std::collections::BTreeSet;

use crate::facts::image::{BootEntryFacts, BootFacts};
use crate::facts::{Fact, Looked};
use crate::image::menus::{Menu, Menus, Place};

/// Reads the facts.
pub fn facts(menus: &Menus) -> BootFacts {
    let complete = menus.faults.is_empty();
    let entries = menus.found.iter().flat_map(entries_of).collect();
    let labels = distinct(menus.found.iter().flat_map(|menu| menu.config.volume_labels()));
    let named: Vec<(String, String)> = menus.found.iter().flat_map(kickstarts_of).collect();
    let attended: Vec<String> = menus
        .found
        .iter()
        .filter(|menu| kickstarts_of(menu).is_empty())
        .map(|menu| menu.file.clone())
        .collect();
    let defaults = menus.found.iter().filter_map(|menu| {
        let entry = menu.config.default_entry()?;
        Some(format!("{}: {}", menu.file, entry.title))
    });
    let looked = |items: Vec<String>| Fact::Known(Looked { items, complete });
    let most = menus.found.iter().map(|menu| kickstarts_of(menu).len()).max().unwrap_or(0);
    let longest = menus.found.iter().flat_map(|menu| menu.config.entries());
    let longest = longest.map(|entry| entry.args.join(" ").len()).max().unwrap_or(0);
    BootFacts {
        defaults: looked(defaults.collect()),
        entries: Fact::Known(Looked { items: entries, complete }),
        labels: looked(labels),
        efi_copy_agrees: efi_copy_agrees(menus),
        attended_defaults: looked(attended),
        kickstart_keys: looked(distinct(named.iter().map(|(key, _)| key.clone()))),
        kickstart_locations: looked(distinct(named.iter().map(|(_, at)| at.clone()))),
        most_kickstart_arguments: Fact::Known(i64::try_from(most).unwrap_or(i64::MAX)),
        longest_arguments: Fact::Known(i64::try_from(longest).unwrap_or(i64::MAX)),
    }
}

/// The path on the disc of the kickstart that the default entries name.
///
/// # Errors
///
/// A fragment that says why there is none.
pub fn kickstart_path(menus: &Menus) -> Result<String, String> {
    let (_, location) = menus
        .found
        .iter()
        .flat_map(kickstarts_of)
        .next()
        .ok_or("no default boot entry names a kickstart")?;
    let path = match location.split_once(':') {
        Some(("cdrom", path)) => path,
        // hd:DEVICE:/path
        Some(("hd", rest)) => rest.rsplit_once(':').map_or("", |(_, path)| path),
        None if location == "cdrom" => "/ks.cfg",
        _ => return Err(format!("the kickstart is not on this disc but at {location}")),
    };
    Ok(path.trim_start_matches('/').to_owned())
}

/// Key and location of every kickstart argument of a menu's default entry.
fn kickstarts_of(menu: &Menu) -> Vec<(String, String)> {
    let arguments = menu.config.default_entry().map_or(&[][..], |entry| &entry.args);
    let named = |argument: &String| {
        let (key, location) = argument.split_once('=')?;
        matches!(key, "ks" | "inst.ks").then(|| (key.to_owned(), location.to_owned()))
    };
    arguments.iter().filter_map(named).collect()
}

fn entries_of(menu: &Menu) -> Vec<BootEntryFacts> {
    let entry = |entry: &crate::image::boot::Entry| BootEntryFacts {
        file: menu.file.clone(),
        title: entry.title.clone(),
        default: entry.is_default,
        arguments: entry.args.join(" "),
    };
    menu.config.entries().iter().map(entry).collect()
}

/// Whether each menu inside a boot image starts what its namesake in the tree starts.
fn efi_copy_agrees(menus: &Menus) -> Fact<bool> {
    let mut compared = false;
    for menu in &menus.found {
        let Place::EfiImage { inside, .. } = &menu.place else { continue };
        let twin = menus
            .found
            .iter()
            .find(|other| other.place == Place::Tree && other.file.eq_ignore_ascii_case(inside));
        let Some(twin) = twin else { continue };
        compared = true;
        if twin.config.kernel_lines() != menu.config.kernel_lines() {
            return Fact::Known(false);
        }
    }
    match menus.faults.first() {
        Some(fault) if !compared => Fact::unavailable(fault.clone()),
        _ => Fact::Known(true),
    }
}

fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.collect::<BTreeSet<_>>().into_iter().collect()
}
