//! What reports say of findings about images: as text and as JSON.

use super::*;

fn report(name: &str, facts: &ImageFacts) -> Report {
    let targets = [target(name, facts)];
    let waivers = waiver::parse(
        "- { check: image.zerombr, target: mt?.iso, reason: r, owner: ann, expires: 2026-01-31 }",
        "site.yaml",
    )
    .expect("waivers");
    let findings = evaluate(&embedded(), &targets, &waivers, now());
    let notes = waiver_notes(&waivers, &findings, now());
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
        mt.iso: 37 checks

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
          source   format, Joliet specification of 1995, names of at most 64 characters;
                   Rock Ridge (RRIP 1.12)

        pass  image.partition-tables          no fault in MBR, GPT or Apple map
        pass  image.media-md5                 the media md5 is: match
        pass  image.install-source            .discinfo present, second stage present...
        pass  image.architecture              the medium is for x86_64
        pass  image.vendor-files-intact       249 files read and right; no checksum c...
        pass  image.default-entry-unattended  the default entries name: cdrom:/ks.cfg
        pass  image.boot-chain                boot entries, kernel, initial RAM disk...
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
        pass  image.repositories-named        besides the vendor's: file:///mnt/sourc...
        pass  image.repository-intact         17 packages; faults: none
        pass  image.manifest-intact           24 files verified; faults: none
        pass  image.no-strangers              not in the manifest: none
        n/a   image.usb-unsupported-el6       the installer of 6.x reads its kickstar...
        n/a   image.efi-system-partition      no kickstart of ours that was planned f...
        n/a   image.agent-standin             there is no agent on this medium
        n/a   image.agent-complete            there is no agent on this medium
        n/a   image.agent-pinned              there is no agent on this medium
        n/a   agent.unpack-home               there is no agent on this medium
        n/a   custom-changes.executable       there is no agent on this medium
        n/a   image.first-boot-service        no agent on this medium, so no custom c...

        note: the waiver of image.zerombr for mt?.iso expired on 2026-01-31, ask ann

        blocked: 1 blocker, 1 unknown, 27 passed, 8 not applicable
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
            "order": result.order,
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
