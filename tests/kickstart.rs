//! Every rendered kickstart against its golden file, our linter, and pykickstart's validator.
//!
//! Not for what the installer does with it: no anaconda runs here.
//!
//! `UPDATE_GOLDEN=1` rewrites the golden files. The validator is found through
//! `PREFLIGHT_KSVALIDATOR` or `PATH`.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use preflight::assets::Assets;
use preflight::image::kickstart::{Carrier, Kickstart, Placement, RootAccess, render};
use preflight::image::profile::Generation;
use preflight::image::recipe::{Recipe, RootPassword};
use preflight::image::setting::Setting;
use preflight::image::system::{AgentKind, System};

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
    variant("el6-uefi", &["firmware=uefi", "bootloader=mbr", "network={method: dhcp}"]),
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
            "retention={when: install, disk: {name: sdb, erase: true, scsi: '2:0:1:0'}}",
            "disks.system.scsi='2:0:0:0'",
        ],
    ),
];

fn rendered(variant: &Variant) -> (Generation, String) {
    let assets = Assets::embedded();
    let settings: Vec<Setting> = variant.settings.iter().map(|s| s.parse().unwrap()).collect();
    let file = Recipe::read(&assets, variant.recipe, &settings).unwrap();
    let system = System::new(&file.recipe, file.profile(&assets).unwrap()).unwrap();
    let mut payload = BTreeSet::new();
    if system.agent != AgentKind::None {
        payload.insert("agent.tar.gz".parse().unwrap());
    }
    if variant.first_boot {
        payload.insert("preflight-firstboot".parse().unwrap());
        if system.profile.generation == Generation::El7 {
            payload.insert("preflight-firstboot.service".parse().unwrap());
        }
    }
    let placement = Placement { carrier: variant.carrier, have_repo: variant.have_repo, payload };
    let root = match &system.root_password {
        RootPassword::Hash(hash) => RootAccess::Hash(hash.clone()),
        _ => RootAccess::Locked,
    };
    let kickstart = Kickstart::new(&assets, &system, &placement, &root).unwrap();
    (system.profile.generation, render(&assets, &kickstart).unwrap())
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
