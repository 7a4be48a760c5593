//! What the boot menus of an image say.

use std::collections::BTreeSet;

use super::chain::BootChain;
use super::kickstart_location::{KickstartLocation, kickstart_arguments, parse_location};
use crate::facts::image::{BootEntryFacts, BootFacts};
use crate::facts::{Collection, Fact};
use crate::image::menus::{Menu, MenuLocation, Menus};

/// Reads the facts.
pub fn facts(menus: &Menus, chain: BootChain) -> BootFacts {
    let complete = menus.faults.is_empty();
    let entries = menus.found.iter().flat_map(boot_entries).collect();
    let labels = distinct(menus.found.iter().flat_map(|menu| menu.config.volume_labels()));
    let named: Vec<(String, String)> = menus.found.iter().flat_map(kickstart_arguments).collect();
    let attended: Vec<String> = menus
        .found
        .iter()
        .filter(|menu| kickstart_arguments(menu).is_empty())
        .map(|menu| menu.file.clone())
        .collect();
    let defaults = menus.found.iter().filter_map(|menu| {
        let entry = menu.config.default_entry()?;
        Some(format!("{}: {}", menu.file, entry.title))
    });
    let looked = |items: Vec<String>| Fact::Known(Collection { items, complete });
    let most = menus.found.iter().map(|menu| kickstart_arguments(menu).len()).max().unwrap_or(0);
    let longest = menus.found.iter().flat_map(|menu| menu.config.entries());
    let longest = longest.map(|entry| entry.args.join(" ").len()).max().unwrap_or(0);
    BootFacts {
        defaults: looked(defaults.collect()),
        entries: Fact::Known(Collection { items: entries, complete }),
        labels: looked(labels),
        efi_copy_agrees: efi_copy_agrees(menus),
        attended_defaults: looked(attended),
        obstacles: chain.obstacles.into_fact(),
        faults: chain.faults.into_fact(),
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
/// Returns the reason when there is none.
pub fn kickstart_path(menus: &Menus, volume_id: &str) -> Result<String, String> {
    let mut paths = Vec::new();
    for menu in &menus.found {
        // The last argument counts, for both loaders.
        let Some((_, location)) = kickstart_arguments(menu).pop() else { continue };
        match parse_location(&location, volume_id) {
            KickstartLocation::Disc(path) if paths.contains(&path) => {}
            KickstartLocation::Disc(path) => paths.push(path),
            KickstartLocation::Elsewhere(why) | KickstartLocation::Unclear(why) => {
                return Err(format!("the kickstart {why}"));
            }
        }
    }
    match &paths[..] {
        [] => Err("no default boot entry names a kickstart".to_owned()),
        [path] => Ok(path.clone()),
        several => Err(format!("the boot menus name several kickstarts: {}", several.join(", "))),
    }
}

fn boot_entries(menu: &Menu) -> Vec<BootEntryFacts> {
    let entry = |entry: &crate::boot::MenuEntry| BootEntryFacts {
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
        let MenuLocation::EfiImage { inside, .. } = &menu.location else { continue };
        let twin = menus.found.iter().find(|other| {
            other.location == MenuLocation::Tree && other.file.eq_ignore_ascii_case(inside)
        });
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
