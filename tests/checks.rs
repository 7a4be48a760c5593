//! Truths over the whole catalogue of embedded checks, and over what it says of whole images.
//!
//! The images here are facts written by hand; what real files lead to is the business of the tests
//! of `image::inspect`.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use preflight::assets::Assets;
use preflight::check::definition::Severity;
use preflight::check::engine::{Finding, Outcome, Scope, Target, notes};
use preflight::check::example::run_examples;
use preflight::check::source::{SOURCES, sources_md};
use preflight::check::status::{Counts, FailOn, exit_status};
use preflight::check::{CheckSet, TargetKind, judge, waiver};
use preflight::facts::image::*;
use preflight::facts::{Document, Fact, Looked};
use preflight::report::{self, Report, Style, catalogue, json};
use proptest::prelude::*;

fn embedded() -> CheckSet {
    match CheckSet::load(&Assets::embedded()) {
        Ok(set) => set,
        Err(error) => panic!("{error}"),
    }
}

fn now() -> Timestamp {
    "2026-11-20T03:00:00Z".parse().expect("a moment")
}

fn known<T>(value: T) -> Fact<T> {
    Fact::Known(value)
}

fn none<T>() -> Fact<Looked<T>> {
    known(Looked::complete(Vec::new()))
}

fn all(items: &[&str]) -> Looked<String> {
    Looked::complete(items.iter().map(|item| (*item).to_owned()).collect())
}

/// What the recipe `centos-6.6` builds on a vendor medium, with a real agent.
fn installer() -> ImageFacts {
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
            entries: none(),
            labels: none(),
            efi_copy_agrees: known(true),
            attended_defaults: none(),
            kickstart_keys: known(all(&["ks"])),
            kickstart_locations: known(all(&["cdrom:/ks.cfg"])),
            most_kickstart_arguments: known(1),
            longest_arguments: known(34),
        },
        source: SourceFacts {
            discinfo: true,
            second_stage: true,
            repodata: true,
            groups: known(all(&["core"])),
            missing_packages: none(),
            missing_groups: none(),
            addon_faults: none(),
            addon_packages: known(17),
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
            partitions: Looked::complete(vec![
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
            first_boot: true,
        }),
        payload: PayloadFacts {
            manifest: known(true),
            faults: none(),
            strangers: none(),
            self_check: Fact::Known("none".to_owned()),
            registration: Fact::Known("none".to_owned()),
            files: known(24),
        },
        agent: AgentFacts {
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

fn change(mut facts: ImageFacts, change: impl FnOnce(&mut KickstartFacts)) -> ImageFacts {
    if let Fact::Known(kickstart) = &mut facts.kickstart {
        change(kickstart);
    }
    facts
}

/// What the recipe `centos-6.6` builds when it is given no agent.
fn without_agent() -> ImageFacts {
    let absent = "there is no agent on the disc";
    let facts = ImageFacts {
        agent: AgentFacts {
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
        kickstart.first_boot = false;
    })
}

/// What the recipe `demo` builds: a kickstart disc with a declared stand-in.
fn demo() -> ImageFacts {
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
            discinfo: false,
            second_stage: false,
            repodata: false,
            groups: Fact::unavailable(beside),
            missing_packages: Fact::unavailable(beside),
            missing_groups: Fact::unavailable(beside),
            addon_faults: none(),
            addon_packages: known(0),
        },
        agent: AgentFacts {
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
fn vendor_medium() -> ImageFacts {
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
        },
        ..without_agent()
    }
}

fn target(name: &str, facts: &ImageFacts) -> Target {
    Target {
        name: name.to_owned(),
        kind: TargetKind::Image,
        document: Document::new("image", facts),
    }
}

fn findings(facts: &ImageFacts) -> Vec<Finding> {
    judge(&embedded(), &[target("mt.iso", facts)], &[], now())
}

/// The ids that did not pass and are applicable, with outcome and severity.
fn remarks(facts: &ImageFacts) -> Vec<(String, String)> {
    findings(facts)
        .into_iter()
        .filter(|f| !matches!(f.outcome, Outcome::Pass | Outcome::NotApplicable { .. }))
        .map(|f| (f.check, format!("{} {}", f.outcome.word(), f.severity)))
        .collect()
}

fn named(remarks: &[(&str, &str)]) -> Vec<(String, String)> {
    remarks.iter().map(|(id, what)| ((*id).to_owned(), (*what).to_owned())).collect()
}

#[test]
fn every_example_holds() {
    let departures: Vec<String> = run_examples(&embedded())
        .into_iter()
        .filter_map(|result| {
            let instead = result.instead?;
            Some(format!(
                "{}: {}: example {} is no {}, but {instead}",
                result.at,
                result.check,
                result.number,
                result.expected.word()
            ))
        })
        .collect();
    assert!(departures.is_empty(), "{departures:#?}");
}

#[test]
fn an_example_that_does_not_hold_is_told() {
    let text = fs::read_to_string(root().join("checks/image.yaml")).unwrap();
    let wrong = text.replacen(
        "- { pass: { image: { kickstart: { lvm: false",
        "- { pass: { image: { kickstart: { lvm: true",
        1,
    );
    let set = CheckSet::read(&[preflight::assets::Asset { path: "x.yaml".into(), text: wrong }]);
    let wrong: Vec<_> =
        run_examples(&set.unwrap()).into_iter().filter(|r| r.instead.is_some()).collect();
    assert_eq!(wrong.len(), 1);
    assert_eq!((wrong[0].check.as_str(), wrong[0].number), ("image.no-lvm", 1));
    assert_eq!(wrong[0].instead.as_deref(), Some("fail"));
}

#[test]
fn ids_that_were_promised_are_there_with_their_severity() {
    let set = embedded();
    for (id, severity) in [
        ("mt.minimal-install", Severity::Info),
        ("mt.bootloader", Severity::Info),
        ("agent.package-name", Severity::BlocksReprotect),
        ("agent.unpack-home", Severity::BlocksReprotect),
        ("custom-changes.executable", Severity::Info),
        ("image.volume-label-used", Severity::BlocksReprotect),
        ("image.efi-config-inside", Severity::BlocksReprotect),
        ("image.efi-system-partition", Severity::BlocksReprotect),
        ("image.target-disk-explicit", Severity::DataLoss),
        ("image.kickstart-form", Severity::BlocksReprotect),
        ("image.install-source", Severity::BlocksReprotect),
        ("image.zerombr", Severity::BlocksReprotect),
        ("image.manifest-intact", Severity::BlocksReprotect),
        ("image.no-strangers", Severity::Warning),
        ("image.media-md5", Severity::BlocksReprotect),
        ("image.packages-available", Severity::BlocksReprotect),
        ("image.groups-available", Severity::BlocksReprotect),
        ("image.repository-intact", Severity::BlocksReprotect),
        ("image.kickstart-lint", Severity::BlocksReprotect),
        ("image.default-entry-unattended", Severity::BlocksReprotect),
        ("image.partition-tables", Severity::BlocksReprotect),
        ("image.names-agree", Severity::Warning),
        ("image.root-password-hashed", Severity::BlocksReprotect),
        ("image.partitions", Severity::Warning),
        ("image.no-lvm", Severity::BlocksReprotect),
        ("image.first-boot-service", Severity::BlocksReprotect),
        ("image.agent-standin", Severity::Warning),
        ("image.agent-complete", Severity::BlocksReprotect),
        ("image.agent-pinned", Severity::Warning),
        ("image.network", Severity::BlocksReprotect),
        ("image.usb-unsupported-el6", Severity::Info),
        ("image.kickstart-size", Severity::Warning),
    ] {
        assert_eq!(set.find(id).map(|check| check.severity), Some(severity), "{id}");
    }
}

#[test]
fn a_good_image_passes_everything_that_applies() {
    assert_eq!(remarks(&installer()), named(&[("image.usb-unsupported-el6", "fail info")]));
    assert_eq!(exit_status(&findings(&installer()), FailOn::Warning), 0);
}

#[test]
fn an_image_without_an_agent_is_blocked_by_that_alone() {
    assert_eq!(
        remarks(&without_agent()),
        named(&[
            ("image.usb-unsupported-el6", "fail info"),
            ("agent.package-name", "fail blocks-reprotect"),
        ])
    );
    assert_eq!(exit_status(&findings(&without_agent()), FailOn::Blocker), 1);
}

#[test]
fn a_kickstart_disc_with_a_stand_in_warns_and_leaves_nothing_undecided() {
    assert_eq!(
        remarks(&demo()),
        named(&[
            ("image.usb-unsupported-el6", "fail info"),
            ("image.agent-standin", "fail warning"),
        ])
    );
    assert_eq!(exit_status(&findings(&demo()), FailOn::Blocker), 0);
}

#[test]
fn a_vendor_medium_is_not_unattended() {
    assert_eq!(
        remarks(&vendor_medium()),
        named(&[("image.default-entry-unattended", "fail blocks-reprotect")])
    );
}

#[test]
fn one_fault_is_one_finding() {
    type Fault = fn(&mut ImageFacts);
    let cases: [(&str, Fault); 9] = [
        ("image.media-md5", |f| f.medium.media_md5 = known("mismatch".to_owned())),
        ("image.partition-tables", |f| f.medium.partition_faults = known(all(&["x"]))),
        ("image.names-agree", |f| f.medium.trees_agree = known(false)),
        ("image.efi-config-inside", |f| f.boot.efi_copy_agrees = known(false)),
        ("image.volume-label-used", |f| f.boot.labels = known(all(&["CentOS"]))),
        ("image.kickstart-form", |f| f.boot.kickstart_keys = known(all(&["inst.ks"]))),
        ("image.install-source", |f| f.source.second_stage = false),
        ("image.packages-available", |f| f.source.missing_packages = known(all(&["lsscsi"]))),
        ("image.manifest-intact", |f| f.payload.faults = known(all(&["x"]))),
    ];
    for (id, fault) in cases {
        let mut facts = installer();
        fault(&mut facts);
        let ids: Vec<String> = remarks(&facts)
            .into_iter()
            .map(|(id, _)| id)
            .filter(|id| id != "image.usb-unsupported-el6")
            .collect();
        assert_eq!(ids, [id]);
    }
}

#[test]
fn what_could_not_be_read_is_unknown_and_never_a_pass() {
    let facts = ImageFacts { kickstart: Fact::unavailable("the file is cut short"), ..installer() };
    for finding in findings(&facts) {
        let speaks_of_it = embedded().find(&finding.check).is_some_and(|check| {
            check
                .rules()
                .flat_map(|rule| rule.paths())
                .all(|path| path.starts_with("image.kickstart."))
        });
        if speaks_of_it && !matches!(finding.outcome, Outcome::NotApplicable { .. }) {
            let Outcome::Unknown { reason, defect: false } = &finding.outcome else {
                panic!("{}: {:?}", finding.check, finding.outcome);
            };
            assert!(reason.ends_with("the file is cut short"), "{reason}");
        }
    }
    assert_eq!(exit_status(&findings(&facts), FailOn::Blocker), 3);
}

#[test]
fn no_image_leads_to_a_defect_and_every_planned_check_is_counted() {
    let set = embedded();
    let targets: Vec<Target> = [installer(), without_agent(), demo(), vendor_medium()]
        .iter()
        .map(|facts| target("x.iso", facts))
        .chain([Target {
            document: Document {
                absent: BTreeMap::from([("image".to_owned(), "no such file".to_owned())]),
                ..Document::default()
            },
            ..target("gone.iso", &demo())
        }])
        .collect();
    let waivers = waiver::parse(
        "- { check: agent.package-name, target: '*', reason: r, owner: o, expires: 2027-01-01 }",
        "site.yaml",
    )
    .unwrap();
    let findings = judge(&set, &targets, &waivers, now());
    let defects: Vec<_> = findings
        .iter()
        .filter(|finding| matches!(finding.outcome, Outcome::Unknown { defect: true, .. }))
        .collect();
    assert!(defects.is_empty(), "{defects:#?}");
    let counts = Counts::of(&findings);
    assert_eq!(counts.planned, Scope::of(&set, &targets).planned.len());
    let of_images =
        set.checks().iter().filter(|c| c.applies_to.contains(&TargetKind::Image)).count();
    assert_eq!(counts.planned, targets.len() * of_images);
    assert_eq!(
        counts.planned,
        counts.pass + counts.fail + counts.unknown + counts.not_applicable + counts.waived
    );
    assert_eq!(counts.waived, 1);
    let gone = &findings[4 * of_images..];
    assert!(gone.iter().all(|finding| finding.outcome.word() == "unknown"));
}

/// Every path of a tree of facts, as the keys and indices to follow.
fn paths(tree: &serde_json::Value, here: &str, out: &mut Vec<String>) {
    let children: Vec<(String, &serde_json::Value)> = match tree {
        serde_json::Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v)).collect(),
        serde_json::Value::Array(list) => {
            list.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect()
        }
        _ => Vec::new(),
    };
    for (key, child) in children {
        let path = format!("{here}/{key}");
        paths(child, &path, out);
        // An element of a list cannot be absent, only its members can.
        if tree.is_object() {
            out.push(path);
        }
    }
}

/// The document without what stands at a JSON pointer, which gets a reason.
fn without(document: &mut Document, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
    let parent_of = document.known.pointer_mut(parent).and_then(|value| value.as_object_mut());
    if parent_of.and_then(|map| map.remove(key)).is_some() {
        let path: String = pointer[1..]
            .split('/')
            .map(|key| match key.parse::<usize>() {
                Ok(index) => format!("[{index}]"),
                Err(_) => format!(".{key}"),
            })
            .collect();
        document.absent.insert(path[1..].to_owned(), "taken away".to_owned());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn knowing_less_never_turns_one_verdict_into_another(
        image in 0..4_usize,
        taken in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
    ) {
        static SET: LazyLock<CheckSet> = LazyLock::new(embedded);
        let facts = [installer(), without_agent(), demo(), vendor_medium()];
        let whole = target("mt.iso", &facts[image]);
        let mut known = Vec::new();
        paths(&whole.document.known, "", &mut known);
        let mut document = whole.document.clone();
        for index in taken {
            let pointer: &String = index.get(&known);
            without(&mut document, pointer);
        }
        let partial = Target { document, ..target("mt.iso", &facts[image]) };
        let before = judge(&SET, &[whole], &[], now());
        let after = judge(&SET, &[partial], &[], now());
        for (before, after) in before.iter().zip(&after) {
            match &after.outcome {
                Outcome::Unknown { defect, reason } => {
                    prop_assert!(!defect, "{}: {reason}", after.check);
                }
                // The reason may be that of another prerequisite.
                Outcome::NotApplicable { .. } => prop_assert_eq!(before.outcome.word(), "not-applicable"),
                decided => prop_assert_eq!(decided, &before.outcome, "{}", &after.check),
            }
        }
    }
}

#[test]
fn remedies_name_commands_there_are() {
    let verbs = [
        "build image",
        "check image",
        "inspect image",
        "inspect agent",
        "render kickstart",
        "lint kickstart",
        "list recipes",
        "list packages",
        "check packages",
        "check host",
        "check vcenter",
        "check esxi",
    ];
    for check in embedded().checks() {
        for command in &check.remedy.commands {
            assert!(command.is_ascii(), "{}: {command}", check.id);
            if let Some(rest) = command.strip_prefix("preflight ") {
                assert!(verbs.iter().any(|v| rest.starts_with(v)), "{}: {command}", check.id);
            }
        }
        assert!(check.remedy.text.trim_end().ends_with('.'), "{}", check.id);
    }
}

fn report(name: &str, facts: &ImageFacts) -> Report {
    let targets = [target(name, facts)];
    let waivers = waiver::parse(
        "- { check: image.zerombr, target: mt?.iso, reason: r, owner: ann, expires: 2026-01-31 }",
        "site.yaml",
    )
    .expect("waivers");
    let findings = judge(&embedded(), &targets, &waivers, now());
    let notes = notes(&waivers, &findings, now());
    Report::new(&targets, findings, &[], &notes, now(), FailOn::Blocker)
}

fn text(report: &Report, style: Style) -> String {
    let format = report::format("text").expect("there is a text format");
    String::from_utf8((format.render)(report, &style)).expect("text is UTF-8")
}

#[test]
fn the_text_report_puts_what_blocks_first() {
    let facts = ImageFacts {
        medium: MediumFacts {
            trees_agree: Fact::unavailable("Joliet tree: bad sector"),
            ..installer().medium
        },
        ..without_agent()
    };
    insta::assert_snapshot!(text(&report("mt.iso", &facts), Style::default()), @r"
        mt.iso: 33 checks

        FAIL  agent.package-name (blocks-reprotect)
          should   the agent tarball is the Unified Agent for this distribution
          found    there is no agent on the disc
          shows as the agent's installer says that the operating system is not
                   supported, or there is nothing to install
          do       Take the tarball from the process server, folder
                   home\svsystems\pushinstallsvc\repository, the one with RHEL6-64 in
                   its name for CentOS 6, and build again with --agent. Its version must
                   not be newer than the process server's and the configuration
                   server's.
                   $ preflight inspect agent Microsoft-ASR_UA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar.gz
                   $ preflight build image centos-6.6 --base VENDOR.iso --agent AGENT.tar.gz --rpms DIR -o mt.iso
          source   S001, Apply custom changes, step 1; names:
                   D:site-recovery-failback-azure-to-vmware

        UNKNOWN  image.names-agree (warning)
          should   Rock Ridge and Joliet name the same files
          unknown  image.medium.trees_agree: Joliet tree: bad sector
          source   format, Joliet specification of 1995; Rock Ridge (RRIP 1.12)

        WARN  image.usb-unsupported-el6 (info)
          should   the installer also reads a USB stick
          found    the image would start from a USB stick, but the installer is of
                   generation 6
          shows as the installer of 6.x starts from a USB stick, then asks for its
                   kickstart or its installation source
          do       Nothing to mend. The installer of 6.x looks for `ks=cdrom:` and for
                   its packages in optical drives only: attach the image as a CD in the
                   virtual machine's settings, or burn it. Do not write it to a USB
                   stick.
          source   anaconda, loader/cdinstall.c: only optical drives are tried

        pass  image.partition-tables          no fault in MBR, GPT or Apple map
        pass  image.media-md5                 the media md5 is: match
        pass  image.install-source            .discinfo present, second stage present...
        pass  image.default-entry-unattended  the default entries name: cdrom:/ks.cfg
        pass  image.kickstart-form            generation 6, arguments: ks, at most 1...
        pass  image.kernel-line-fits          the longest kernel line has 34 bytes
        pass  image.volume-label-used         the image is CentOS_6.6_Final, its boot...
        pass  image.efi-config-inside         the copy inside efiboot.img has the sam...
        pass  image.kickstart-lint            /ks.cfg: no errors; warnings: none
        pass  image.kickstart-size            /ks.cfg has 5120 bytes
        pass  image.target-disk-explicit      disks: sda; no other may be touched; a...
        pass  image.zerombr                   disks are erased, zerombr is there
        pass  image.partitions                partitions: /, /var/crash, /home, swap
        pass  image.no-lvm                    plain partitions
        pass  mt.bootloader                   bootloader --location: partition
        pass  mt.minimal-install              packages asked for: @core, perl, lsscsi
        pass  image.root-password-hashed      the root password is: sha512
        pass  image.network                   network: static
        pass  image.packages-available        packages missing: none
        pass  image.groups-available          groups missing: none
        pass  image.repository-intact         17 packages; faults: none
        pass  image.manifest-intact           24 files verified; faults: none
        pass  image.no-strangers              not in the manifest: none
        n/a   image.efi-system-partition      no kickstart of ours that was planned f...
        n/a   image.agent-standin             there is no agent on this medium
        n/a   image.agent-complete            there is no agent on this medium
        n/a   image.agent-pinned              there is no agent on this medium
        n/a   agent.unpack-home               there is no agent on this medium
        n/a   custom-changes.executable       there is no agent on this medium
        n/a   image.first-boot-service        no agent on this medium, so no custom c...

        note: the waiver of image.zerombr for mt?.iso expired on 2026-01-31, ask ann

        blocked: 1 blocker, 1 unknown, 1 warning, 23 passed, 7 not applicable
        ");
}

#[test]
fn the_text_report_fits_its_columns_and_shows_no_control_character() {
    let mut facts = vendor_medium();
    facts.volume_id = "x\u{1b}[31m".to_owned();
    facts.boot.labels = known(all(&["\u{1b}]0;x\u{7}", "a\nb"]));
    let report = report("evil\u{1b}[2J.iso", &facts);
    for width in [80, 132] {
        let text = text(&report, Style { colour: false, width });
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
        for shown in ["evil\\u{1b}[2J.iso", "\\u{1b}]0;x\\u{7},", "a\\nb"] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        for line in text.lines().filter(|line| !line.trim_start().starts_with('$')) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn colour_is_there_only_when_it_is_asked_for() {
    let report = report("mt.iso", &demo());
    let plain = text(&report, Style::default());
    let coloured = text(&report, Style { colour: true, width: 80 });
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}[33mWARN\u{1b}[0m"));
    let bare = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert_eq!(bare.replace_all(&coloured, ""), plain);
}

#[test]
fn the_json_report_keeps_to_its_schema() {
    let schema: serde_json::Value = serde_json::from_str(&json::schema_json()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for facts in [installer(), without_agent(), demo(), vendor_medium()] {
        let bytes =
            (report::format("json").unwrap().render)(&report("mt.iso", &facts), &Style::default());
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(value["schema"], "preflight.report/1");
        let summary = &value["summary"];
        let sum: i64 = ["pass", "fail", "unknown", "not-applicable", "waived"]
            .iter()
            .map(|outcome| summary[outcome].as_i64().unwrap())
            .sum();
        assert_eq!(summary["planned"].as_i64(), Some(sum));
        assert_eq!(value["results"].as_array().unwrap().len() as i64, sum);
    }
}

#[test]
fn a_json_result_says_all_there_is_to_say() {
    let report = report("mt.iso", &without_agent());
    let result = report.results.iter().find(|r| r.check == "agent.package-name").unwrap();
    let value = serde_json::to_value(result).unwrap();
    assert_eq!(
        value,
        serde_json::json!({
            "check": "agent.package-name",
            "target": "mt.iso",
            "outcome": "fail",
            "severity": "blocks-reprotect",
            "title": "the agent tarball is the Unified Agent for this distribution",
            "found": "there is no agent on the disc",
            "symptom": result.symptom,
            "remedy": {
                "text": result.remedy.text, "commands": result.remedy.commands, "downtime": false
            },
            "source": {
                "doc": "S001",
                "at": "Apply custom changes, step 1; names: D:site-recovery-failback-azure-to-vmware"
            },
            "evidence": {
                "image.agent.present": false, "image.agent.wanted_distribution": "RHEL6-64"
            },
        })
    );
    assert_eq!(
        report.notes,
        ["the waiver of image.zerombr for mt?.iso expired on 2026-01-31, ask ann"]
    );
}

#[test]
fn explain_says_everything_about_a_check() {
    let set = embedded();
    let text = catalogue::explain(&set, "image.zerombr", 80).expect("it exists");
    // The line changes with every entry before it.
    let at = set.find("image.zerombr").expect("it exists").at.to_string();
    insta::assert_snapshot!(text.replace(&at, "FILE, line N"), @r"
        image.zerombr: an unlabelled disk raises no question
          severity    blocks-reprotect
          applies to  image
          when        image.kind in ['installer', 'kickstart-disc']
          otherwise   there is no kickstart of ours on this medium
          holds when  image.kickstart.zerombr || !image.kickstart.erases
          shows as    the installer waits at a warning about an uninitialised disk
          do          Add zerombr to the profile of this distribution; it takes no
                      value. At the waiting screen look at the disk it names, and agree
                      only when that one may be erased.
                      $ preflight render kickstart RECIPE | grep -E '^(zerombr|clearpart)'
          downtime    no
          source      field, zerombr missing, so the installer asks
                      Seen again and again in public threads of image builders and of
                      people who fail back; no document lists it.
          defined in  FILE, line N
        ");
    let error = catalogue::explain(&set, "image.zerombrr", 80).unwrap_err();
    assert_eq!(error.to_string(), "no check or symptom \"image.zerombrr\"");
    assert_eq!(error.hint().as_deref(), Some("try preflight explain image.zerombr"));
}

#[test]
fn every_check_is_listed_and_explained_within_its_columns() {
    let set = embedded();
    let list = catalogue::list(&set);
    assert_eq!(list.checks.len(), set.checks().len());
    let lines = catalogue::list_text(&set, 80);
    assert_eq!(lines.lines().count(), set.checks().len());
    for check in set.checks() {
        let text = catalogue::explain(&set, &check.id, 80).unwrap();
        for line in text.lines().chain(lines.lines()) {
            let command = line.trim_start().starts_with('$');
            let word = line.split_whitespace().any(|word| word.len() > 60);
            assert!(command || word || line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn every_cited_source_is_explained() {
    let text = sources_md();
    for source in SOURCES {
        assert!(text.contains(&format!("| `{}` |", source.key)), "{}", source.key);
    }
}

#[test]
fn generated_documents_are_current() {
    let set = embedded();
    for (path, text) in [
        ("docs/checks.md", catalogue::docs_checks_md(&set)),
        ("docs/sources.md", sources_md()),
        ("docs/report.schema.json", json::schema_json()),
    ] {
        let path = root().join(path);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{} is old: run UPDATE_DOCS=1 cargo test", path.display());
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
