//! What debian-installer cannot do for a recipe, refused with the reason.
//!
//! Not for what holds for every installer.

use super::error::ResolveError;
use crate::image::recipe::{AddressMethod, Recipe};
use crate::installer::machine::BootLoader;
use crate::installer::retention::Retention;

/// Refuses what only anaconda does.
pub(super) fn check(recipe: &Recipe) -> Result<(), ResolveError> {
    let refuse = |key, why| Err(ResolveError::NotWithDebianInstaller(key, why));
    if matches!(recipe.retention, Retention::Install(_)) {
        return refuse("retention.when", "it lays out one disk: choose first-boot or none");
    }
    if recipe.bootloader == Some(BootLoader::Partition) {
        return refuse("bootloader", "it writes GRUB to the disk: choose mbr, or remove the key");
    }
    if recipe.network.device.as_str().contains(':') {
        return refuse("network.device", "it knows interfaces by name only");
    }
    if recipe.network.method == AddressMethod::Dhcp && !recipe.network.dns.is_empty() {
        return refuse("network.dns", "with dhcp it takes the name servers of the DHCP server");
    }
    if !recipe.locale.keyboard.as_str().bytes().all(|byte| byte.is_ascii_lowercase()) {
        return refuse("locale.keyboard", "it knows layouts such as us, de and se");
    }
    if recipe.open_ports.is_some() {
        return refuse("open_ports", "it sets up no packet filter");
    }
    if recipe.rpms.is_some() || !recipe.rpm_keys.is_empty() {
        return refuse("rpms", "it installs Debian packages");
    }
    Ok(())
}
