//! A recipe and a profile as one system: every default filled, every inconsistency refused.
//!
//! Not for files of the machine that builds (agent, RPMs, base medium): a system is the same
//! wherever it is built, so that its digest can be compared.

mod debian_installer;
mod disks;
mod error;
mod network;

use super::recipe::{Recipe, SelfCheckSettings};
use crate::installer::profile::{Installer, Profile};
use crate::installer::self_check::MAX_KEEP;
use crate::installer::system::{AgentKind, System};
use crate::installer::value::PackageName;

pub use error::ResolveError;

use error::MAX_ITEMS;

/// Fills every default and refuses what does not fit together.
///
/// # Errors
///
/// The first inconsistency.
pub fn resolve(recipe: &Recipe, profile: Profile) -> Result<System, ResolveError> {
    let network = network::interface(&recipe.network)?;
    disks::check(recipe)?;
    if let Installer::DebianInstaller(_) = &profile.installer {
        debian_installer::check(recipe)?;
    } else if recipe.debs.is_some() || !recipe.deb_keys.is_empty() {
        return Err(ResolveError::DebsWithAnaconda);
    }
    let boot_loader = disks::boot_loader(recipe, &profile)?;
    let layout = disks::layout(recipe, &profile, boot_loader)?;
    Ok(System {
        profile_name: recipe.profile.clone(),
        locale: recipe.locale.clone(),
        timezone: recipe.timezone.clone(),
        host_name: recipe.host_name.clone(),
        root_password: recipe.root_password.clone(),
        disk: recipe.disks.system.clone(),
        layout,
        boot_loader,
        firmware: recipe.firmware,
        retention: recipe.retention.clone(),
        hosts: network::hosts(recipe, &network)?,
        packages: packages(recipe, &profile)?,
        open_ports: recipe.open_ports.clone().unwrap_or_else(|| profile.open_ports.clone()),
        agent: agent(recipe)?,
        configuration_server: recipe.configuration_server.clone(),
        self_check: self_check(recipe)?,
        network,
        profile,
    })
}

fn self_check(recipe: &Recipe) -> Result<Option<u16>, ResolveError> {
    if recipe.configuration_server.as_ref().is_some_and(|server| server.port == 0) {
        return Err(ResolveError::NoPort);
    }
    let SelfCheckSettings { enabled, keep, .. } = recipe.self_check;
    if !(1..=MAX_KEEP).contains(&keep) {
        return Err(ResolveError::Keep(keep));
    }
    Ok(enabled.then_some(keep))
}

fn packages(recipe: &Recipe, profile: &Profile) -> Result<Vec<PackageName>, ResolveError> {
    if recipe.packages.len() > MAX_ITEMS {
        return Err(ResolveError::TooMany("packages", recipe.packages.len()));
    }
    let mut names: Vec<PackageName> = Vec::new();
    for name in profile.packages.names.iter().chain(&recipe.packages) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok(names)
}

fn agent(recipe: &Recipe) -> Result<AgentKind, ResolveError> {
    match &recipe.agent {
        None => Ok(AgentKind::None),
        Some(agent) if agent.standin && agent.file.is_some() => Err(ResolveError::TwoAgents),
        Some(agent) if agent.standin => Ok(AgentKind::StandIn),
        Some(_) => Ok(AgentKind::Bundle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Assets;
    use crate::installer::machine::BootLoader;

    const STATIC: &[&str] = &[
        "network.method=static",
        "network.address=192.0.2.10",
        "network.netmask=24",
        "network.gateway=192.0.2.1",
        "network.dns=[192.0.2.53]",
    ];
    const RETENTION: &[&str] = &[
        "retention.when=install",
        "retention.disk={name: sdb, erase: true, size: {min: 900 GiB}}",
    ];

    fn system(settings: &[&[&str]]) -> Result<System, ResolveError> {
        let settings: Vec<_> = settings.concat().iter().map(|s| s.parse().unwrap()).collect();
        let assets = Assets::embedded();
        let file = Recipe::read(&assets, "demo", &settings).unwrap();
        resolve(&file.recipe, file.read_profile(&assets).unwrap())
    }

    #[test]
    fn defaults_are_those_of_the_profile() {
        let system = system(&[STATIC, RETENTION]).unwrap();
        let mounts: Vec<_> = system.layout.iter().map(|p| p.mount.as_str()).collect();
        assert_eq!(mounts, ["/", "swap", "/var/crash", "/home"]);
        assert_eq!(system.boot_loader, BootLoader::Partition);
        assert_eq!(system.hosts[0].address.to_string(), "192.0.2.10");
        assert_eq!(system.erased_disks().len(), 2);
        assert_eq!(system.agent, AgentKind::StandIn);
        let names: Vec<_> = system.packages.iter().map(PackageName::as_str).collect();
        // S001, Install additional packages; S001, ReiserFS and multipath.
        for wanted in [
            "xfsprogs",
            "perl",
            "lsscsi",
            "rsync",
            "wget",
            "kexec-tools",
            "device-mapper-multipath",
            "open-vm-tools",
            "kmod-reiserfs",
            "reiserfs-utils",
        ] {
            assert!(names.contains(&wanted), "{wanted}");
        }
    }

    #[test]
    fn uefi_adds_its_partition_and_moves_the_boot_loader() {
        let system = system(&[&["firmware=uefi"]]).unwrap();
        assert_eq!(system.layout[0].mount.as_str(), "/boot/efi");
        assert_eq!(system.boot_loader, BootLoader::Mbr);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let layout = |text: &'static str| -> String { format!("layout={text}") };
        let cases: &[(&[&[&str]], &str)] = &[
            (&[&["network.method=static"]], "network.address is missing, and method is static"),
            (&[&["network.gateway=192.0.2.1"]], "network.gateway is given, and method is dhcp"),
            (
                &[STATIC, &["network.gateway=198.51.100.1"]],
                "network.gateway: 198.51.100.1 is not in the subnet of 192.0.2.10 with \
                 255.255.255.0",
            ),
            (
                &[STATIC, &["network.address=192.0.2.255"]],
                "network.address: 192.0.2.255 is the first or last address of its subnet",
            ),
            (
                &[STATIC, &["network.gateway=192.0.2.10"]],
                "network.gateway: 192.0.2.10 is the master target's own address",
            ),
            (&[STATIC, &["network.dns=[]"]], "network.dns is missing, and method is static"),
            (
                &[&["network.dns=[192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4]"]],
                "network.dns: 4 name servers, the resolver asks at most 3",
            ),
            (
                &[&["disks.system.erase=false"]],
                "disks.system.erase is not true, and installing destroys what is on sda",
            ),
            (
                &[&["disks.system.size={min: 2 TiB, max: 1 TiB}"]],
                "disks.system.size: min 2 TiB is larger than max 1 TiB",
            ),
            (
                &[&["disks.system.size={min: 8 GiB}"]],
                "layout: the partitions need 36870 MiB, and disks.system.size allows 8 GiB",
            ),
            (
                &[RETENTION, &["retention.disk.name=sda"]],
                "retention.disk.name: sda is the system disk",
            ),
            (
                &[RETENTION, &["retention.disk={name: sdb, erase: true}"]],
                "retention.disk: with two disks sdb alone may be either, for the names can swap \
                 at boot",
            ),
            (
                &[RETENTION, &["retention.disk.size={min: 100 GiB}"]],
                "disks.system and retention.disk: one disk could have the size and address of \
                 both",
            ),
            (
                &[RETENTION, &["retention.disk.erase=false"]],
                "retention.disk.erase is not true, and installing destroys what is on sdb",
            ),
            (
                &[&["firmware=uefi", "bootloader=partition"]],
                "bootloader: partition is given, and firmware is uefi",
            ),
            (&[&["hosts=[{address: 192.0.2.9, names: []}]"]], "hosts: 192.0.2.9 has no names"),
            (&[&["agent.file=x"]], "agent: file and standin are both given"),
        ];
        for (settings, message) in cases {
            assert_eq!(system(settings).unwrap_err().to_string(), *message, "{settings:?}");
        }
        for (text, message) in [
            ("[{mount: swap, size: 1 GiB}]", "layout: no partition is mounted on /"),
            ("[{mount: /, size: 1 GiB}, {mount: /, size: 1 GiB}]", "layout: / occurs twice"),
            (
                "[{mount: /, size: 1 GiB, grow: true}, {mount: /home, size: 1 GiB, grow: true}]",
                "layout: / and /home both grow",
            ),
            ("[{mount: /, size: 1 GiB, fstype: swap}]", "layout: / cannot be swap"),
            ("[{mount: /, size: 100 MiB}]", "layout: / has 100 MiB, expected at least 250 MiB"),
            (
                "[{mount: /, size: 1 GiB}, {mount: /mnt/retention, size: 1 GiB}]",
                "layout: /mnt/retention would be a retention volume on the system disk",
            ),
            (
                "[{mount: /, size: 1 GiB}, {mount: /boot/efi, size: 200 MiB}]",
                "layout: /boot/efi is given, and firmware is bios",
            ),
            (
                "[{mount: /, size: 1 GiB, fstype: xfs}]",
                "bootloader: / is xfs, which leaves no room for a boot sector on its partition",
            ),
            (
                "[{mount: /, size: 1 GiB, label: a}, {mount: /home, size: 1 GiB, label: a}]",
                "layout: the label \"a\" occurs twice",
            ),
        ] {
            let error = system(&[&[&layout(text)]]).unwrap_err();
            assert_eq!(error.to_string(), message, "{text}");
        }
    }
}
