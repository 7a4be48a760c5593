//! The preseed of every variant: linted, the same questions whatever a recipe says, and hostile
//! values refused or harmless in answers and scripts.
//!
//! Not for what the installer does with it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use preflight::assets::Assets;
use preflight::facts::Fact;
use preflight::image::recipe::Recipe;
use preflight::image::resolve::resolve;
use preflight::image::setting::Setting;
use preflight::installer::kickstart::{Carrier, Placement, RootAccess};
use preflight::installer::preseed::model::Preseed;
use preflight::installer::preseed::parse::parse;
use preflight::installer::preseed::render::archive_entries;
use preflight::installer::preseed::{facts, lint, render};
use preflight::installer::root_password::RootPassword;

use super::hostile::{FIELDS, POISON, with_field};
use super::program;

/// Fields that debian-installer's profiles have no use for, or that name the profile itself.
const OTHERS: &[&str] = &["open_ports.0", "profile", "title"];

/// The preseed's text and its scripts, when nothing refuses the settings.
fn rendered(recipe: &str, settings: &[Setting]) -> Option<(String, Preseed)> {
    let assets = Assets::embedded();
    let file = Recipe::read(&assets, recipe, settings).ok()?;
    let system = resolve(&file.recipe, file.read_profile(&assets).ok()?).ok()?;
    let payload = ["preflight-firstboot", "preflight-firstboot.service"];
    let payload: BTreeSet<_> = payload.iter().map(|name| name.parse().unwrap()).collect();
    let placement =
        Placement { carrier: Carrier::InstallerDisc, have_repo: false, pool: None, payload };
    let root = match &system.root_password {
        RootPassword::Hash(hash) => RootAccess::Hash(hash.clone()),
        _ => RootAccess::Locked,
    };
    let preseed = Preseed::new(&assets, &system, &placement, &root).unwrap();
    // Rendering reads the text back and compares it with what was meant.
    Some((render(&assets, &preseed).unwrap(), preseed))
}

/// The questions in order, and the number of lines of each script.
fn shape(rendered: &(String, Preseed)) -> (Vec<String>, Vec<usize>) {
    let answers = parse(&rendered.0).answers;
    let questions = answers.into_iter().map(|(_, answer)| answer.question).collect();
    let lines = rendered.1.scripts.iter().map(|script| script.text.lines().count());
    (questions, lines.collect())
}

#[test]
fn poison_in_any_field_is_refused_or_harmless() {
    for (key, good) in FIELDS.iter().filter(|(key, _)| !OTHERS.contains(key)) {
        let reference = rendered("ubuntu-16.04", &with_field(key, good));
        let reference = reference.unwrap_or_else(|| panic!("{key} = {good}"));
        for poison in POISON {
            for value in
                [format!("{good}{poison}"), format!("{poison}{good}"), (*poison).to_owned()]
            {
                let Some(changed) = rendered("ubuntu-16.04", &with_field(key, &value)) else {
                    continue;
                };
                assert_eq!(shape(&changed), shape(&reference), "{key} = {value:?}");
                assert_eq!(lint(&changed.0), [], "{key} = {value:?}");
                assert_eq!(kept_by_debconf(&changed.1), None, "{key} = {value:?}");
            }
        }
    }
}

/// Values of the right form that a shell or debconf could take for something else.
const ODD: &[(&str, &str)] = &[
    ("host_name", "0-0.x--1.example.test"),
    ("timezone", "Etc/GMT+12"),
    ("locale.language", "ca_ES.UTF-8@valencia"),
    ("network.device", "ens192"),
    ("network.dns.0", "255.255.255.254"),
    (
        "root_password.hash",
        "$6$rounds=5000$./x$HOMEHOMEHOMEHOMEHOMEHOMEHOMEHOMEHOMEHOMEHOM\
         ./././././././././././././././././././././.",
    ),
    ("disks.system.name", "nvme0n1"),
    ("disks.system.scsi", "*:0:0:0"),
    ("layout.0.label", "mt-root_1"),
    ("layout.0.fstype", "xfs"),
    ("packages.0", "libstdc++6"),
    ("packages.0", "a.b-c+d"),
];

/// The first answer that debconf, given the rendered preseed, keeps otherwise than it was meant.
fn kept_by_debconf(preseed: &Preseed) -> Option<(String, String)> {
    program("debconf-set-selections")?;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let database = |name: &str| {
        let file = at(name);
        format!("\nName: {name}\nDriver: File\nMode: 644\nFilename: {}\n", file.display())
    };
    let configuration = database("config") + &database("templates");
    fs::write(at("rc"), format!("Config: config\nTemplates: templates\n{configuration}")).unwrap();
    fs::write(at("preseed"), render(&Assets::embedded(), preseed).unwrap()).unwrap();
    let mut command = Command::new("debconf-set-selections");
    let output = command.arg(at("preseed")).env("DEBCONF_SYSTEMRC", at("rc")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let kept = fs::read_to_string(at("config")).unwrap();
    let value = |question: &str| {
        let paragraph =
            kept.split("\n\n").find(|text| text.starts_with(&format!("Name: {question}\n")));
        let value = paragraph?.lines().find_map(|line| line.strip_prefix("Value:"))?;
        Some(value.strip_prefix(' ').unwrap_or(value).to_owned())
    };
    let mut answers = preseed.answers();
    let differs =
        answers.find(|answer| value(&answer.question).unwrap_or_default() != answer.value)?;
    Some((differs.question.clone(), value(&differs.question).unwrap_or_default()))
}

#[test]
fn odd_values_reach_debconf_and_the_guard_as_they_are() {
    for (key, value) in ODD {
        let Some((_, preseed)) = rendered("ubuntu-20.04", &with_field(key, value)) else {
            panic!("{key} = {value:?}");
        };
        assert_eq!(kept_by_debconf(&preseed), None, "{key} = {value:?}");
        let guard = &preseed.scripts.iter().find(|script| script.name == "guard.sh").unwrap().text;
        let is_call = |line: &&str| {
            ["guard_disk '", "choose_disk '"].iter().any(|call| line.starts_with(call))
        };
        let calls: String = guard.lines().filter(is_call).map(|line| format!("{line}\n")).collect();
        assert_eq!(calls.lines().count(), 2, "{guard}");
        let directory = tempfile::tempdir().unwrap();
        // What a pattern without quotes would become.
        fs::write(directory.path().join("0:0:0:0"), "").unwrap();
        let script = format!(
            "guard_disk() {{ printf '%s\\n' \"$1\" \"$4\"; }}\nchoose_disk() {{ printf '%s\\n' \"$@\"; }}\n{calls}"
        );
        for shell in ["dash", "bash"].into_iter().filter(|shell| program(shell).is_some()) {
            let mut command = Command::new(shell);
            let output =
                command.args(["-c", &script]).current_dir(directory.path()).output().unwrap();
            let seen = String::from_utf8(output.stdout).unwrap();
            let word = |wanted, usual| if *key == wanted { *value } else { usual };
            let name = word("disks.system.name", "sda");
            let scsi = word("disks.system.scsi", "-");
            assert_eq!(seen, format!("{name}\n{scsi}\n{name}\n"), "{shell}: {calls}");
        }
    }
}

#[test]
fn a_rendered_preseed_has_no_findings_and_says_what_was_meant() {
    for recipe in ["ubuntu-16.04", "ubuntu-20.04"] {
        for (settings, firmware, network) in [
            (&[][..], "bios", "static"),
            (&["firmware=uefi"][..], "uefi", "static"),
            (&["network={method: dhcp, device: link}"][..], "bios", "dhcp"),
        ] {
            let settings: Vec<Setting> =
                settings.iter().map(|text| text.parse().unwrap()).collect();
            let (text, preseed) = rendered(recipe, &settings).unwrap();
            assert_eq!(lint(&text), [], "{recipe}");
            let entries = archive_entries(&preseed, &text).unwrap();
            let facts = facts(&entries, "preseed.img").unwrap();
            assert_eq!(facts.firmware, Fact::Known(firmware.to_owned()));
            assert_eq!(facts.network, network);
            assert_eq!(facts.root_password, "locked");
            assert_eq!(facts.disks.items, ["sda"]);
            assert!(facts.disk_guard && facts.zerombr && facts.minimal && !facts.lvm);
            let mounts: Vec<&str> =
                facts.partitions.items.iter().map(|partition| partition.mount.as_str()).collect();
            let efi = if firmware == "uefi" { &["/boot/efi"][..] } else { &[] };
            assert_eq!(mounts, [efi, &["/", "swap", "/var/crash", "/home"]].concat());
        }
    }
}

#[test]
fn a_guard_that_is_changed_or_not_run_is_none() {
    let (text, preseed) = rendered("ubuntu-16.04", &[]).unwrap();
    let guarded = |text: &str, change: fn(&str) -> String| {
        let mut entries = archive_entries(&preseed, text).unwrap();
        let guard = entries.iter_mut().find(|entry| entry.path.ends_with("guard.sh")).unwrap();
        guard.bytes = change(&String::from_utf8_lossy(&guard.bytes)).into_bytes();
        facts(&entries, "preseed.img").unwrap().disk_guard
    };
    assert!(guarded(&text, str::to_owned));
    let other_command = text.replace("sh /preflight/guard.sh", "true");
    assert!(!guarded(&other_command, str::to_owned));
    let other_disk =
        text.replace("partman-auto/disk string /dev/sda", "partman-auto/disk string /dev/sdb");
    assert!(!guarded(&other_disk, str::to_owned));
    for change in [
        |guard: &str| guard.replace("guard_disk 'sda'", "# guard_disk 'sda'"),
        |guard: &str| guard.replace("refuse() {\n", "refuse() {\n  return 0\n"),
        |guard: &str| format!("exit 0\n{guard}"),
        |guard: &str| guard.replace("choose_disk 'sda'", "choose_disk 'sdb'"),
        |guard: &str| guard.replace("debconf-set \"$question\" \"/dev/$kernel\"", "true"),
    ] {
        assert!(!guarded(&text, change));
    }
}
