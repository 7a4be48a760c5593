//! What reports say of findings about images: as text and as JSON.

use super::*;

fn report(name: &str, facts: &ImageFacts) -> Report {
    let targets = [target(name, facts)];
    let waivers = preflight::yaml::parse::<Vec<Waiver>>(
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
    String::from_utf8(format.render(report, &style)).expect("text is UTF-8")
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
    mt.iso: 38 checks
    blocked: 1 blocker, 1 unknown, 27 passed, 9 not applicable
    do first:
      1. mt.iso: Take the tarball from the process server, folder
         home\svsystems\pushinstallsvc\repository, the one with RHEL6-64 in its name
         for CentOS 6, and build again wi... (agent.package-name)

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

    27 passed, 9 not applicable; -v lists them

    note: the waiver of image.zerombr for mt?.iso expired on 2026-01-31, ask ann

    blocked: 1 blocker, 1 unknown, 27 passed, 9 not applicable; first: mt.iso
    (agent.package-name)
    ");
}

#[test]
fn the_text_report_fits_its_columns_and_shows_no_control_character() {
    let mut facts = vendor_medium();
    facts.volume_id = "x\u{1b}[31m".to_owned();
    facts.boot.labels = known(all(&["\u{1b}]0;x\u{7}", "a\nb"]));
    let report = report("evil\u{1b}[2J.iso", &facts);
    for width in [80, 132] {
        let text = text(&report, Style { width, ..Style::default() });
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
    let coloured = text(&report, Style { colour: true, ..Style::default() });
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
            report::format("json").unwrap().render(&report("mt.iso", &facts), &Style::default());
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
fn the_compact_report_says_what_the_whole_one_says() {
    let schema: serde_json::Value = serde_json::from_str(&json_compact::schema_json()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for facts in [installer(), without_agent(), demo(), vendor_medium()] {
        let value = |format: &str| -> serde_json::Value {
            let format = report::format(format).unwrap();
            let bytes = format.render(&report("mt.iso", &facts), &Style::default());
            serde_json::from_slice(&bytes).unwrap()
        };
        let (mut whole, mut compact) = (value("json"), value("json-compact"));
        let errors: Vec<String> = validator.iter_errors(&compact).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let (checks, remedies) = (compact["checks"].take(), compact["remedies"].take());
        for result in compact["results"].as_array_mut().unwrap() {
            let of_check = |shared: &&serde_json::Value| shared["check"] == result["check"];
            let shared = checks.as_array().unwrap().iter().find(of_check).unwrap();
            let members = result.as_object_mut().unwrap();
            for key in ["title", "symptom", "source"] {
                members.insert(key.to_owned(), shared[key].clone());
            }
            let place = usize::try_from(members["remedy"].as_u64().unwrap()).unwrap();
            members.insert("remedy".to_owned(), remedies[place].clone());
            if matches!(members["outcome"].as_str(), Some("unknown" | "not-applicable")) {
                let found = members["found"].clone();
                members.entry("reason").or_insert(found);
            }
        }
        for key in ["schema", "checks", "remedies"] {
            whole.as_object_mut().unwrap().remove(key);
            compact.as_object_mut().unwrap().remove(key);
        }
        assert_eq!(whole, compact);
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
