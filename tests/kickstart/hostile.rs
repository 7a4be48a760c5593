//! Hostile values in every field of a recipe: each is refused by its type, or the kickstart has
//! the same commands and sections as ever.
//!
//! Not for hostile YAML: `src/yaml.rs` tests its limits.

use std::collections::BTreeSet;

use preflight::assets::Assets;
use preflight::image::recipe::Recipe;
use preflight::image::resolve::resolve;
use preflight::image::setting::Setting;
use preflight::installer::kickstart::parse::parse;
use preflight::installer::kickstart::{
    Carrier, Kickstart, Placement, RootAccess, facts, lint, render,
};
use preflight::installer::root_password::RootPassword;
use preflight::packages::generation::Generation;
use proptest::prelude::*;

/// Every place in a recipe that takes text and that a template could see.
pub const FIELDS: &[(&str, &str)] = &[
    ("host_name", "mt01.example.test"),
    ("timezone", "Etc/UTC"),
    ("locale.language", "en_US.UTF-8"),
    ("locale.keyboard", "us"),
    ("network.device", "eth0"),
    ("network.address", "192.0.2.10"),
    ("network.netmask", "255.255.255.0"),
    ("network.gateway", "192.0.2.1"),
    ("network.dns.0", "192.0.2.53"),
    (
        "root_password.hash",
        "$6$salt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ),
    ("disks.system.name", "sda"),
    ("disks.system.scsi", "0:0:0:0"),
    ("disks.system.size.min", "100 GiB"),
    ("layout.0.mount", "/"),
    ("layout.0.label", "root"),
    ("layout.0.fstype", "ext4"),
    ("hosts.0.address", "192.0.2.20"),
    ("hosts.0.names.0", "cs01"),
    ("packages.0", "tcpdump"),
    ("open_ports.0", "443:tcp"),
    ("retention.multipath", "36000c29"),
    ("retention.mount", "/mnt/retention"),
    ("title", "a title"),
    ("profile", "centos-6.6"),
];

pub const POISON: &[&str] = &[
    "\n%post\nrm -rf /\n%end\n",
    "\nrootpw secret",
    "\r\npoweroff",
    " --bootproto=dhcp",
    "'; reboot; '",
    "\"; reboot; \"",
    "$(reboot)",
    "`reboot`",
    "#",
    " #",
    "\\",
    "{{sh x}}",
    "{{{x}}}",
    "%end",
    "\u{2013}",
    "\0",
    "\u{1b}[2J",
    ",sdb",
    "/../..",
];

/// The text of a kickstart with these settings, when nothing refuses them.
fn kickstart(settings: &[Setting]) -> Option<String> {
    let assets = Assets::embedded();
    let file = Recipe::read(&assets, "centos-6.6", settings).ok()?;
    let system = resolve(&file.recipe, file.read_profile(&assets).ok()?).ok()?;
    let payload: BTreeSet<_> = ["preflight-firstboot".parse().unwrap()].into();
    let placement =
        Placement { carrier: Carrier::InstallerDisc, have_repo: true, pool: None, payload };
    let root = match &system.root_password {
        RootPassword::Hash(hash) => RootAccess::Hash(hash.clone()),
        _ => RootAccess::Locked,
    };
    let kickstart = Kickstart::new(&assets, &system, &placement, &root).unwrap();
    // Rendering reads the text back and compares it with what was meant.
    Some(render(&assets, &kickstart).unwrap())
}

/// The names of all commands and sections, and the length of each script.
fn shape(text: &str) -> Vec<(String, usize)> {
    let document = parse(text);
    let commands = document.commands.iter().map(|p| (p.command.name.clone(), 0));
    let sections = document.sections.iter().map(|s| {
        let lines = if s.is_script() { s.body.len() } else { 0 };
        (s.header.name.clone(), lines)
    });
    commands.chain(sections).collect()
}

/// The same, with what each field may add to a good recipe set to something good.
pub fn with_field(key: &str, value: &str) -> Vec<Setting> {
    let quoted = serde_json::to_string(value).unwrap();
    let mut settings: Vec<String> = Vec::new();
    match key.split('.').next().unwrap() {
        "layout" => {
            settings.push("layout=[{mount: /, size: 20 GiB}, {mount: swap, size: 1 GiB}]".into())
        }
        "hosts" => settings.push("hosts=[{address: 192.0.2.20, names: [cs01]}]".into()),
        "retention" => {
            settings.push("retention={when: first-boot, multipath: '36000c29'}".into());
        }
        _ => {}
    }
    settings.push(format!("{key}={quoted}"));
    settings.iter().map(|text| text.parse().unwrap()).collect()
}

fn harmless(key: &str, good: &str, value: &str) -> Result<(), TestCaseError> {
    let Some(text) = kickstart(&with_field(key, value)) else { return Ok(()) };
    // A good value of the same field; one of `fields` is not good alone.
    let reference = kickstart(&with_field(key, good)).unwrap();
    prop_assert_eq!(shape(&text), shape(&reference), "{} = {:?}", key, value);
    prop_assert!(text.is_ascii(), "{} = {:?}", key, value);
    let mut errors = lint(&text, Generation::EL6);
    // A name of the right form that no installer knows, such as Etc/UTCa, does no harm.
    errors.retain(|lint| !lint.code.starts_with("unknown-"));
    prop_assert!(errors.is_empty(), "{} = {:?}: {:?}", key, value, errors);
    Ok(())
}

#[test]
fn poison_in_any_field_is_refused_or_harmless() {
    for (key, good) in FIELDS {
        for poison in POISON {
            for value in
                [format!("{good}{poison}"), format!("{poison}{good}"), (*poison).to_owned()]
            {
                harmless(key, good, &value).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_in_any_field_is_refused_or_harmless(
        field in 0..FIELDS.len(),
        text in "[ -~\\n\\r\\t\\u{e9}\\u{2013}]{0,24}",
        behind in any::<bool>(),
    ) {
        let (key, good) = FIELDS[field];
        let value = if behind { format!("{good}{text}") } else { text };
        harmless(key, good, &value)?;
    }

    #[test]
    fn any_text_can_be_linted_and_has_facts(
        lines in proptest::collection::vec("(%(end|pre|post|packages|include)|part|network|rootpw|clearpart|#)?[ -~\\t\\r\\u{e9}]{0,40}", 0..20),
    ) {
        let text = lines.join("\n");
        for generation in [Generation::EL6, Generation::EL7] {
            lint(&text, generation);
            facts(&text, "/ks.cfg", generation);
        }
    }
}
