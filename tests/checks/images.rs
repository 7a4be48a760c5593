//! Facts of whole images, written by hand: a good one, and what may be otherwise.

use preflight::facts::image::*;
use preflight::facts::{Collection, Fact};

pub fn known<T>(value: T) -> Fact<T> {
    Fact::Known(value)
}

pub fn none<T>() -> Fact<Collection<T>> {
    known(Collection::complete(Vec::new()))
}

pub fn all(items: &[&str]) -> Collection<String> {
    Collection::complete(items.iter().map(|item| (*item).to_owned()).collect())
}

/// What the recipe `centos-6.6` builds on a vendor medium, with a real agent.
pub fn installer() -> ImageFacts {
    let partition = |mount: &str, fstype: &str| PartitionFacts {
        mount: mount.to_owned(),
        fstype: fstype.to_owned(),
        disk: "sda".to_owned(),
        size_mib: 10_240,
    };
    ImageFacts {
        kind: ImageKind::Installer,
        size: 760_217_600,
        volume_id: "CentOS_6.6_Final".to_owned(),
        generation: known(6),
        architecture: known("x86_64".to_owned()),
        medium: MediumFacts {
            rock_ridge: true,
            joliet: true,
            trees_agree: known(true),
            media_md5: known("match".to_owned()),
            hybrid: true,
            partition_faults: none(),
            bios: true,
            uefi: true,
        },
        boot: BootFacts {
            defaults: none(),
            entries: none(),
            labels: none(),
            efi_copy_agrees: known(true),
            attended_defaults: none(),
            obstacles: none(),
            faults: none(),
            kickstart_keys: known(all(&["ks"])),
            kickstart_locations: known(all(&["cdrom:/ks.cfg"])),
            most_kickstart_arguments: known(1),
            longest_arguments: known(34),
        },
        source: SourceFacts {
            pool: false,
            discinfo: true,
            second_stage: true,
            repodata: true,
            groups: known(all(&["core"])),
            missing_packages: none(),
            missing_groups: none(),
            addon_faults: none(),
            addon_packages: known(17),
            addons: none(),
            pool_signed: Fact::unavailable("no Debian packages were added"),
            pool_trust: Fact::unavailable("no Debian packages were added"),
            vendor_packages: known(243),
            vendor_faults: none(),
            vendor_verified: known(249),
            vendor_stale: none(),
            uncovered: none(),
            repository_faults: none(),
        },
        kickstart: known(KickstartFacts {
            path: "/ks.cfg".to_owned(),
            size: 5_120,
            lint_errors: all(&[]),
            lint_warnings: all(&[]),
            bootloader: known("partition".to_owned()),
            zerombr: true,
            erases: true,
            disks: all(&["sda"]),
            disks_named: true,
            disk_guard: true,
            partitions: Collection::complete(vec![
                partition("/", "ext4"),
                partition("/var/crash", "ext4"),
                partition("/home", "ext4"),
                partition("swap", "swap"),
            ]),
            lvm: false,
            firmware: known("bios".to_owned()),
            packages: all(&["@core", "perl", "lsscsi"]),
            minimal: true,
            root_password: "sha512".to_owned(),
            network: "static".to_owned(),
            agent_directory: known("/root/agent".to_owned()),
            custom_changes_executable: true,
            first_boot: known(true),
            repositories: all(&["file:///mnt/source/preflight/repo"]),
            sources: all(&["cdrom"]),
        }),
        payload: PayloadFacts {
            manifest: known(true),
            faults: none(),
            strangers: none(),
            self_check: known("none".to_owned()),
            registration: known("none".to_owned()),
            files: known(24),
            verified: known(true),
            made: Fact::unavailable("nobody asked"),
        },
        agent: BundledAgentFacts {
            present: true,
            standin: known(false),
            name: known("Microsoft-ASR_UA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar.gz".to_owned()),
            name_recognised: known(true),
            distribution: known("RHEL6-64".to_owned()),
            wanted_distribution: known("RHEL6-64".to_owned()),
            version: known("9.8.0.0".to_owned()),
            complete: known(true),
            pinned: known(true),
        },
    }
}

pub fn change(mut facts: ImageFacts, change: impl FnOnce(&mut KickstartFacts)) -> ImageFacts {
    if let Fact::Known(kickstart) = &mut facts.kickstart {
        change(kickstart);
    }
    facts
}

/// What the recipe `centos-6.6` builds when it is given no agent.
pub fn without_agent() -> ImageFacts {
    let absent = "there is no agent on the disc";
    let facts = ImageFacts {
        agent: BundledAgentFacts {
            present: false,
            standin: Fact::unavailable(absent),
            name: Fact::unavailable(absent),
            name_recognised: Fact::unavailable(absent),
            distribution: Fact::unavailable(absent),
            wanted_distribution: known("RHEL6-64".to_owned()),
            version: Fact::unavailable(absent),
            complete: Fact::unavailable(absent),
            pinned: Fact::unavailable(absent),
        },
        ..installer()
    };
    change(facts, |kickstart| {
        kickstart.agent_directory = Fact::unavailable(absent);
        kickstart.custom_changes_executable = false;
        kickstart.first_boot = known(false);
    })
}

/// What the recipe `demo` builds: a kickstart disc with a declared stand-in.
pub fn demo() -> ImageFacts {
    let beside = "the vendor's medium is not here";
    let facts = ImageFacts {
        kind: ImageKind::KickstartDisc,
        size: 1_048_576,
        volume_id: "PREFLIGHT".to_owned(),
        medium: MediumFacts {
            media_md5: known("absent".to_owned()),
            hybrid: false,
            bios: false,
            uefi: false,
            ..installer().medium
        },
        boot: BootFacts {
            kickstart_keys: none(),
            kickstart_locations: none(),
            efi_copy_agrees: Fact::unavailable(beside),
            most_kickstart_arguments: Fact::unavailable(beside),
            longest_arguments: Fact::unavailable(beside),
            ..installer().boot
        },
        source: SourceFacts {
            pool: false,
            discinfo: false,
            second_stage: false,
            repodata: false,
            groups: Fact::unavailable(beside),
            missing_packages: Fact::unavailable(beside),
            missing_groups: Fact::unavailable(beside),
            addon_faults: none(),
            addon_packages: known(0),
            addons: none(),
            pool_signed: Fact::unavailable("no Debian packages were added"),
            pool_trust: Fact::unavailable("no Debian packages were added"),
            vendor_packages: Fact::unavailable(beside),
            vendor_faults: Fact::unavailable(beside),
            vendor_verified: known(0),
            vendor_stale: none(),
            uncovered: none(),
            repository_faults: none(),
        },
        agent: BundledAgentFacts {
            standin: known(true),
            name: known("preflight-standin-agent.tar.gz".to_owned()),
            name_recognised: known(false),
            distribution: Fact::unavailable("the name has none"),
            version: Fact::unavailable("the name has none"),
            ..installer().agent
        },
        ..installer()
    };
    change(facts, |kickstart| kickstart.root_password = "locked".to_owned())
}

/// A vendor's medium as it comes.
pub fn vendor_medium() -> ImageFacts {
    let nothing = "nothing of ours is on this medium";
    ImageFacts {
        kind: ImageKind::VendorMedium,
        boot: BootFacts {
            attended_defaults: known(all(&["isolinux/isolinux.cfg", "EFI/BOOT/BOOTX64.conf"])),
            kickstart_keys: none(),
            kickstart_locations: none(),
            most_kickstart_arguments: known(0),
            ..installer().boot
        },
        kickstart: Fact::unavailable(nothing),
        payload: PayloadFacts {
            manifest: known(false),
            faults: Fact::unavailable(nothing),
            strangers: Fact::unavailable(nothing),
            self_check: Fact::unavailable(nothing),
            registration: Fact::unavailable(nothing),
            files: Fact::unavailable(nothing),
            verified: Fact::unavailable(nothing),
            made: Fact::unavailable(nothing),
        },
        ..without_agent()
    }
}
