//! The kickstart arguments of a boot menu, and where on which disc each says the kickstart is.
//!
//! Not for whether it is there (`chain`).

use crate::boot::volume_label;
use crate::image::menus::Menu;
use crate::installer::disc_layout;

/// Where a kickstart argument says that the kickstart is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KickstartLocation {
    /// A path on this disc.
    Disc(String),
    /// Not on this disc, with the reason.
    Elsewhere(String),
    /// Not decidable from the image alone, with the reason.
    Unclear(String),
}

/// Reads the value of a kickstart argument (anaconda 13.21.229, loader/kickstart.c; dracut's
/// `inst.ks` from 7 on).
pub fn parse_location(location: &str, volume_id: &str) -> KickstartLocation {
    let disc = |path: &str| match path.trim_start_matches('/') {
        "" => KickstartLocation::Disc(disc_layout::KICKSTART.to_owned()),
        path => KickstartLocation::Disc(path.to_owned()),
    };
    let (kind, rest) = location.split_once(':').unwrap_or((location, ""));
    match kind {
        "cdrom" => disc(rest.rsplit_once(':').map_or(rest, |(_, path)| path)),
        "hd" => match rest.rsplit_once(':') {
            Some((device, path)) => match device.strip_prefix("LABEL=") {
                Some(label) if volume_label::unescape(label) == volume_id => disc(path),
                Some(label) => KickstartLocation::Elsewhere(format!(
                    "{location} names the volume {:?}, this one is {volume_id:?}",
                    volume_label::unescape(label)
                )),
                None => KickstartLocation::Unclear(format!("{location} names a device")),
            },
            None => KickstartLocation::Elsewhere(format!("{location} names no path")),
        },
        "http" | "https" | "ftp" | "nfs" => {
            KickstartLocation::Unclear(format!("{location} is fetched from a server"))
        }
        // An initial RAM disk of ours, by the name of its file on the disc.
        "initrd" => disc(rest),
        "file" => {
            KickstartLocation::Unclear(format!("{location} is inside of the initial RAM disk"))
        }
        _ => KickstartLocation::Elsewhere(format!("{location} is not on this disc")),
    }
}

/// Returns key and location of every kickstart argument of a menu's default entry; a preseed in an
/// initial RAM disk counts as one.
pub fn kickstart_arguments(menu: &Menu) -> Vec<(String, String)> {
    let entry = menu.config.default_entry();
    let arguments = entry.map_or(&[][..], |entry| &entry.args);
    let named = |argument: &String| {
        let (key, location) = argument.split_once('=')?;
        matches!(key, "ks" | "inst.ks").then(|| (key.to_owned(), location.to_owned()))
    };
    let disks = entry.and_then(|entry| entry.initrd.as_deref()).unwrap_or_default();
    let preseeds = disks
        .split([',', ' '])
        .filter(|path| path.trim_start_matches('/') == disc_layout::PRESEED)
        .map(|path| ("initrd".to_owned(), format!("initrd:{path}")));
    arguments.iter().filter_map(named).chain(preseeds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kickstart_is_found_where_the_loader_looks_for_it() {
        let disc = |path: &str| Some(path.to_owned());
        for (location, expected) in [
            ("cdrom:/ks.cfg", disc("ks.cfg")),
            ("initrd:/preseed.img", disc("preseed.img")),
            ("cdrom", disc("ks.cfg")),
            ("cdrom:", disc("ks.cfg")),
            ("cdrom:/a/b.ks", disc("a/b.ks")),
            ("cdrom:sr0:/a.ks", disc("a.ks")),
            ("hd:LABEL=CentOS\\x207:/ks.cfg", disc("ks.cfg")),
            ("hd:LABEL=Other:/ks.cfg", None),
            ("hd:sda1:/ks.cfg", None),
            ("floppy", None),
            ("floppy:/ks.cfg", None),
            ("bd:sda:/x", None),
            ("http://x/ks.cfg", None),
            ("nfs:x:/ks.cfg", None),
            ("file:/ks.cfg", None),
            ("", None),
        ] {
            let found = match parse_location(location, "CentOS 7") {
                KickstartLocation::Disc(path) => Some(path),
                _ => None,
            };
            assert_eq!(found, expected, "{location}");
        }
    }
}
