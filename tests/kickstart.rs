//! Every rendered kickstart against its golden file, our linter and pykickstart's validator; its
//! scripts under three shells; and hostile recipes.
//!
//! Not for what the installer does with it: no anaconda runs here.
//!
//! `UPDATE_GOLDEN=1` rewrites the golden files. The validator is found through
//! `PREFLIGHT_KSVALIDATOR` or `PATH`; a program that is missing is a skip, and with `CI=true` a
//! failure.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may panic, and a skip is told"
)]

#[path = "kickstart/guard.rs"]
mod guard;
#[path = "kickstart/hostile.rs"]
mod hostile;
#[path = "kickstart/preseed.rs"]
mod preseed;
#[path = "kickstart/scripts.rs"]
mod scripts;
#[path = "kickstart/strangers.rs"]
mod strangers;

mod assurance;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use preflight::assets::Assets;
use preflight::facts::Fact;
use preflight::image::recipe::Recipe;
use preflight::image::resolve::resolve;
use preflight::image::setting::Setting;
use preflight::installer::kickstart::parse::SectionKind;
use preflight::installer::kickstart::{
    Carrier, Kickstart, Placement, RootAccess, facts, lint, parse, render,
};
use preflight::installer::root_password::RootPassword;
use preflight::installer::system::AgentKind;
use preflight::packages::generation::Generation;

struct Variant {
    name: &'static str,
    recipe: &'static str,
    settings: &'static [&'static str],
    carrier: Carrier,
    have_repo: bool,
    first_boot: bool,
}

const HASH: &str = "root_password={hash: $6$saltsalt$\
                    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
                    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}";

const fn variant(name: &'static str, settings: &'static [&'static str]) -> Variant {
    Variant {
        name,
        recipe: "centos-6.6",
        settings,
        carrier: Carrier::InstallerDisc,
        have_repo: true,
        first_boot: true,
    }
}

const VARIANTS: &[Variant] = &[
    Variant {
        recipe: "demo",
        carrier: Carrier::KickstartDisc,
        have_repo: false,
        ..variant("demo-disc", &[])
    },
    Variant { have_repo: false, first_boot: false, ..variant("centos-6.6", &[]) },
    variant(
        "el6-full",
        &[
            HASH,
            "agent={}",
            "retention={when: install, disk: {name: sdb, erase: true, size: {min: 900 GiB}}}",
            "hosts=[{address: 192.0.2.20, names: [cs01.example.test, cs01]}]",
            "packages=[tcpdump]",
            "configuration_server={address: cs01.example.test}",
        ],
    ),
    variant(
        "el6-by-path",
        &[
            "agent={}",
            "disks.system.name=disk/by-path/pci-0000:03:00.0-scsi-0:0:0:0",
            "disks.system.scsi='*:0:0:0'",
            "bootloader=mbr",
            "retention={when: first-boot, multipath: '36000c29f3a5d7e1b2c4d6e8f0a1b2c3d'}",
        ],
    ),
    variant(
        "el6-uefi",
        &["self_check.enabled=false", "firmware=uefi", "bootloader=mbr", "network={method: dhcp}"],
    ),
    Variant {
        recipe: "demo",
        carrier: Carrier::KickstartDisc,
        ..variant("el7-disc", &["profile=centos-7"])
    },
    variant(
        "el7-full",
        &[
            "profile=centos-7",
            HASH,
            "agent={}",
            "firmware=uefi",
            "bootloader=mbr",
            "open_ports=[]",
            "configuration_server={address: 192.0.2.20, port: 9443}",
            "retention={when: install, disk: {name: sdb, erase: true, scsi: '2:0:1:0'}}",
            "disks.system.scsi='2:0:0:0'",
        ],
    ),
];

fn is_service(name: &str) -> bool {
    ["preflight-firstboot", "preflight-register", "preflight-selfcheck"].contains(&name)
}

fn rendered(variant: &Variant) -> (Generation, String) {
    let assets = Assets::embedded();
    let settings: Vec<Setting> = variant.settings.iter().map(|s| s.parse().unwrap()).collect();
    let file = Recipe::read(&assets, variant.recipe, &settings).unwrap();
    let system = resolve(&file.recipe, file.read_profile(&assets).unwrap()).unwrap();
    let mut payload = BTreeSet::new();
    if system.agent != AgentKind::None {
        payload.insert("agent.tar.gz".parse().unwrap());
    }
    if variant.first_boot {
        payload.insert("preflight-firstboot".parse().unwrap());
    }
    if system.self_check.is_some() {
        payload.insert("preflight-collect".parse().unwrap());
        payload.insert("preflight-selfcheck".parse().unwrap());
    }
    if system.registration_server().is_some() {
        payload.insert("preflight-register".parse().unwrap());
        payload.insert("preflight".parse().unwrap());
    }
    let generation = system.profile.anaconda().unwrap().generation;
    if generation == Generation::EL7 {
        let services: Vec<String> =
            payload.iter().map(ToString::to_string).filter(|n| is_service(n)).collect();
        payload.extend(services.iter().map(|name| format!("{name}.service").parse().unwrap()));
    }
    let placement =
        Placement { carrier: variant.carrier, have_repo: variant.have_repo, pool: None, payload };
    let root = match &system.root_password {
        RootPassword::Hash(hash) => RootAccess::Hash(hash.clone()),
        _ => RootAccess::Locked,
    };
    let kickstart = Kickstart::new(&assets, &system, &placement, &root).unwrap();
    (generation, render(&assets, &kickstart).unwrap())
}

#[test]
fn every_variant_renders_as_its_golden_file_says() {
    for variant in VARIANTS {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{}.ks", variant.name));
        let (_, text) = rendered(variant);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            golden == text,
            "{} differs; look at the change, then UPDATE_GOLDEN=1\n{text}",
            path.display()
        );
    }
}

/// The variant of that name.
fn named(name: &str) -> &'static Variant {
    VARIANTS.iter().find(|variant| variant.name == name).unwrap()
}

/// The scripts of one kind in a rendered kickstart.
fn scripts_of(text: &str, kind: SectionKind) -> Vec<String> {
    parse(text).sections_of(kind).map(|section| section.text()).collect()
}

/// A program by its name, or a loud skip; in CI a skip is a failure.
fn program(name: &str) -> Option<PathBuf> {
    let found = env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .map(|directory| directory.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: there is no {name} in PATH");
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "{name} is missing in CI");
    }
    found
}

#[test]
fn our_own_kickstarts_lint_clean() {
    for variant in VARIANTS {
        let (generation, text) = rendered(variant);
        assert_eq!(lint(&text, generation), [], "{}", variant.name);
    }
}

#[test]
fn pykickstart_accepts_every_kickstart() {
    let validator = match env::var_os("PREFLIGHT_KSVALIDATOR") {
        Some(path) => PathBuf::from(path),
        None => match program("ksvalidator") {
            Some(path) => path,
            None => return,
        },
    };
    let directory = tempfile::tempdir().unwrap();
    for variant in VARIANTS {
        let (generation, text) = rendered(variant);
        let version = format!("RHEL{}", u8::from(generation));
        let path = directory.path().join("ks.cfg");
        fs::write(&path, text).unwrap();
        let output = Command::new(&validator).args(["-v", &version]).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}: {said}", variant.name);
    }
}

#[test]
fn what_the_recipe_asked_for_is_read_back_as_facts() {
    let (generation, text) = rendered(named("el6-full"));
    let facts = facts(&text, "/ks.cfg", generation);
    assert_eq!(facts.bootloader, Fact::Known("partition".into()));
    assert!(facts.zerombr && facts.erases && facts.disks_named && facts.disk_guard);
    assert_eq!(facts.disks.items, ["sda", "sdb"]);
    assert!(facts.minimal && !facts.lvm);
    assert!(facts.custom_changes_executable);
    assert_eq!(facts.first_boot, Fact::Known(true));
    assert_eq!(facts.agent_directory, Fact::Known("/root".into()));
    assert_eq!((facts.root_password.as_str(), facts.network.as_str()), ("sha512", "static"));
    let partitions: Vec<_> = facts
        .partitions
        .items
        .iter()
        .map(|p| (p.mount.as_str(), p.fstype.as_str(), p.disk.as_str(), p.size_mib))
        .collect();
    assert_eq!(
        partitions,
        [
            ("/", "ext4", "sda", 20480),
            ("swap", "swap", "sda", 4096),
            ("/var/crash", "ext4", "sda", 8192),
            ("/home", "ext4", "sda", 4096),
            ("/mnt/retention", "ext4", "sdb", 1024),
        ]
    );
    assert!(facts.packages.items.contains(&"kmod-reiserfs".to_owned()));

    let (generation, text) = rendered(named("centos-6.6"));
    let facts = preflight::installer::kickstart::facts(&text, "/ks.cfg", generation);
    assert!(!facts.custom_changes_executable && facts.disk_guard);
    assert_eq!(facts.first_boot, Fact::Known(false));
    assert!(facts.agent_directory.known().is_none());
    assert_eq!(facts.root_password, "locked");

    let (generation, text) = rendered(named("el7-full"));
    let facts = preflight::installer::kickstart::facts(&text, "/ks.cfg", generation);
    assert_eq!(facts.firmware, Fact::Known("uefi".into()));
    assert_eq!(facts.first_boot, Fact::Known(true));
    assert!(facts.minimal);
}
