//! Every format over the same reports: programs can read those for programs, nothing a host says
//! gets out of its place in any, and one run writes them all.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

mod findings;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::sync::LazyLock;

use findings::{HOSTILE, hostile, hostile_report, many_hosts, mixed_report};
use preflight::report::{self, FORMATS, Report, Style};
use proptest::prelude::*;
use quick_xml::events::Event;
use regex::Regex;
use serde_json::Value;

fn rendered(format: &str, report: &Report) -> String {
    let format = report::format(format).expect("there is such a format");
    String::from_utf8(format.render(report, &Style::default())).expect("a report is UTF-8")
}

/// The members of SARIF 2.1.0 that are in use, and no others; restated from the standard.
static SARIF: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let text = include_str!("findings/sarif.schema.json");
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
});

/// The published schema, where PREFLIGHT_SARIF_SCHEMA names a copy of it.
static PUBLISHED: LazyLock<Option<jsonschema::Validator>> = LazyLock::new(|| {
    let path = std::env::var_os("PREFLIGHT_SARIF_SCHEMA")?;
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    Some(jsonschema::validator_for(&schema).unwrap())
});

fn assert_sarif(text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap();
    for validator in [Some(&*SARIF), PUBLISHED.as_ref()].into_iter().flatten() {
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    let run = &value["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len(), "each rule is there once");
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        // 3.27.10: a level other than none is for failures alone.
        assert_eq!(result["level"] == "none", result["kind"] != "fail", "{result}");
    }
    value
}

/// The elements of an XML text, each with its depth.
fn elements(xml: &str) -> Vec<(usize, String)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut depth, mut out) = (0, Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                start.attributes().for_each(|attribute| {
                    attribute.unwrap();
                });
                out.push((depth, start.name().as_ref().to_owned()));
                depth += 1;
            }
            Event::Empty(start) => {
                start.attributes().for_each(|attribute| {
                    attribute.unwrap();
                });
                out.push((depth, start.name().as_ref().to_owned()));
            }
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    out
}

/// Whether XML 1.0 has a way to write a character.
fn is_xml(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Samples by name and labels, read by the rules of Prometheus' text format and those that
/// `promtool check metrics` and the textfile collector add.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let sample = Regex::new(
        r#"^([a-z_][a-z0-9_]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (-?[0-9]+)$"#,
    )
    .unwrap();
    let (mut helped, mut typed, mut done) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut current = String::new();
    let mut out = BTreeMap::new();
    assert!(text.ends_with('\n') && !text.contains('\r'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(helped.insert(name.to_owned()) && help.ends_with('.'), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let name = rest.strip_suffix(" gauge").expect("all are gauges");
            assert!(helped.contains(name) && typed.insert(name.to_owned()), "{line}");
            assert!(done.insert(name.to_owned()), "samples of {name} stand together");
            current = name.to_owned();
        } else {
            let parts = sample.captures(line).unwrap_or_else(|| panic!("no sample: {line:?}"));
            assert_eq!(&parts[1], current);
            assert!(!parts[1].ends_with("_total") && !parts[1].ends_with("_count"), "{line}");
            let key = format!("{}{}", &parts[1], parts.get(2).map_or("", |labels| labels.as_str()));
            assert_eq!(out.insert(key, parts[3].parse().unwrap()), None, "twice: {line}");
        }
    }
    out
}

/// A page's tags, in order, with what is in them.
fn tags(page: &str) -> Vec<String> {
    let tag = Regex::new("<[^>]*>").unwrap();
    tag.find_iter(page).map(|tag| tag.as_str().to_owned()).collect()
}

/// Markdown with each code span made one sign, by CommonMark's rule: as many backticks at its end
/// as at its beginning.
fn without_code(markdown: &str) -> String {
    let mut out = String::new();
    for line in markdown.lines() {
        let mut rest = line;
        while let Some(start) = rest.find('`') {
            let fence = rest[start..].len() - rest[start..].trim_start_matches('`').len();
            if start > 0 && rest[..start].ends_with('\\') {
                out.push_str(&rest[..start + fence]);
                rest = &rest[start + fence..];
                continue;
            }
            out.push_str(&rest[..start]);
            rest = &rest[start + fence..];
            let mut at = 0;
            let end = loop {
                let Some(next) = rest[at..].find('`') else { break None };
                let run = rest[at + next..].len() - rest[at + next..].trim_start_matches('`').len();
                if run == fence {
                    break Some(at + next);
                }
                at += next + run;
            };
            match end {
                Some(end) => {
                    out.push('\u{25a1}');
                    rest = &rest[end + fence..];
                }
                None => out.push_str(&"`".repeat(fence)),
            }
        }
        out.push_str(rest);
        out.push('\n');
    }
    out
}

/// The texts with everything in them harmless, but still as many different ones.
fn harmless<T: AsRef<str>>(texts: &[T]) -> Vec<String> {
    let mut names: BTreeMap<&str, String> = BTreeMap::from([("", String::new())]);
    for text in texts {
        let name = format!("name{}", names.len());
        names.entry(text.as_ref()).or_insert(name);
    }
    texts.iter().map(|text| names[text.as_ref()].clone()).collect()
}

/// What holds of every format, whatever hosts say.
fn assert_tame<T: AsRef<str>>(texts: &[T]) {
    let (report, plain) = (hostile(texts), hostile(&harmless(texts)));
    for format in FORMATS {
        let text = rendered(format.name, &report);
        let acting = text.chars().find(|c| *c != '\n' && report::is_unprintable(*c));
        assert_eq!(acting, None, "{}", format.name);
    }
    let json: Value = serde_json::from_str(&rendered("json", &report)).unwrap();
    assert_eq!(json["results"].as_array().unwrap().len(), report.results.len());
    for (said, read) in report.results.iter().zip(json["results"].as_array().unwrap()) {
        assert_eq!(read["found"].as_str(), Some(said.found.as_str()));
    }
    assert_sarif(&rendered("sarif", &report));

    let xml = rendered("junit", &report);
    assert_eq!(xml.chars().find(|c| !is_xml(*c)), None);
    assert_eq!(elements(&xml), elements(&rendered("junit", &plain)));

    let page = rendered("html", &report);
    assert_eq!(tags(&page), tags(&rendered("html", &plain)));

    assert_eq!(
        without_code(&rendered("markdown", &report)),
        without_code(&rendered("markdown", &plain))
    );

    let nagios = rendered("nagios", &report);
    assert_eq!(nagios.matches('|').count(), 1);
    assert_eq!(nagios.find(['<', '>', '&']), None);
    assert_eq!(nagios.lines().count(), rendered("nagios", &plain).lines().count());

    samples(&rendered("prometheus", &report));

    let commands = |report: &Report| {
        let text = rendered("github", report);
        assert!(text.lines().rev().skip(1).all(|line| {
            ["::error title=", "::warning title=", "::notice title="]
                .iter()
                .any(|begin| line.starts_with(begin))
        }));
        text.lines().count()
    };
    assert_eq!(commands(&report), commands(&plain));
}

#[test]
fn nothing_known_to_be_hostile_gets_out_of_its_place() {
    assert_tame(HOSTILE);
    for text in HOSTILE {
        assert_tame(&[text]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_gets_out_of_its_place(
        texts in prop::collection::vec(
            prop_oneof![
                any::<String>(),
                "[ -~]{0,24}",
                "[<>&\"'`|\\\\{}\\[\\]()\\r\\n\\x00-\\x1f\\x7f-\\x9f]{0,16}",
                "[\\x{200b}-\\x{202e}\\x{2066}-\\x{2069}\\x{fff9}-\\x{ffff}]{0,8}",
                prop::sample::select(HOSTILE).prop_map(str::to_owned),
            ],
            1..5,
        )
    ) {
        assert_tame(&texts);
    }
}

/// What a real parser makes of the Markdown: the same elements whatever hosts say.
#[test]
fn markdown_is_no_markup_for_a_real_parser_either() {
    let tree = |report: &Report| {
        let mut child = std::process::Command::new("cmark-gfm")
            .args(["--unsafe", "-t", "xml"])
            .args(["-e", "table", "-e", "autolink", "-e", "strikethrough", "-e", "tagfilter"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .ok()?;
        let text = rendered("markdown", report);
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
        let xml = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(xml.status.success());
        Some(elements(&String::from_utf8(xml.stdout).unwrap()))
    };
    let all: Vec<String> = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    let Some(hostile_tree) = tree(&hostile(&all)) else {
        let ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!ci, "no cmark-gfm: Markdown was not parsed");
        eprintln!("SKIPPED: no cmark-gfm, so no real parser saw the Markdown");
        return;
    };
    assert_eq!(hostile_tree, tree(&hostile(&harmless(&all))).unwrap());
    assert!(hostile_tree.iter().all(|(_, name)| !name.starts_with("html") && name != "link"));
    for text in all {
        let text = [text];
        assert_eq!(tree(&hostile(&text)), tree(&hostile(&harmless(&text))), "{text:?}");
    }
}

/// The schemas of Jenkins' xUnit plugin and of Ant's JUnit task, of which GitLab reads a part, hold for every report.
#[test]
fn junit_keeps_to_the_schemas_of_build_servers() {
    if !program::installed(&["xmllint"]) {
        return;
    }
    let all: Vec<String> = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    let dir = tempfile::tempdir().unwrap();
    for report in [mixed_report(), hostile_report(), many_hosts(3), hostile(&all)] {
        let file = dir.path().join("report.xml");
        fs::write(&file, rendered("junit", &report)).unwrap();
        for schema in ["junit-jenkins.xsd", "junit-ant.xsd"] {
            let schema = format!("{}/tests/findings/{schema}", env!("CARGO_MANIFEST_DIR"));
            let told = std::process::Command::new("xmllint")
                .args(["--nonet", "--noout", "--schema", &schema])
                .arg(&file)
                .output()
                .unwrap();
            assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        }
    }
}

#[test]
fn junit_counts_what_the_report_counts() {
    for report in [mixed_report(), hostile_report(), many_hosts(40)] {
        let xml = rendered("junit", &report);
        let document = elements(&xml);
        let count = |name: &str| document.iter().filter(|(_, other)| other == name).count();
        let results = |outcome: &str, blocks: bool| {
            let matches = |result: &&report::model::CheckResult| {
                result.outcome.as_str() == outcome && result.severity.is_blocker() == blocks
            };
            report.results.iter().filter(matches).count()
        };
        let summary = &report.summary;
        assert_eq!(count("testsuite"), report.targets.len());
        assert_eq!(count("testcase"), summary.planned);
        assert_eq!(count("failure"), results("fail", true));
        assert_eq!(count("error"), results("unknown", true));
        let skipped = summary.not_applicable + summary.waived + results("unknown", false);
        assert_eq!(count("skipped"), skipped);
    }
}

#[test]
fn sarif_keeps_to_the_standard() {
    for report in [mixed_report(), many_hosts(3)] {
        let log = assert_sarif(&rendered("sarif", &report));
        let results = log["runs"][0]["results"].as_array().unwrap();
        let of = |kind: &str| results.iter().filter(|result| result["kind"] == kind).count();
        assert_eq!(of("open"), report.summary.unknown);
        assert_eq!(of("pass"), report.summary.pass);
        assert_eq!(of("notApplicable"), report.summary.not_applicable);
        assert_eq!(of("fail"), report.summary.fail + report.summary.waived);
        let waived = results.iter().filter(|result| result.get("suppressions").is_some());
        assert_eq!(waived.count(), report.summary.waived);
        let told = &log["runs"][0]["invocations"][0]["executionSuccessful"];
        assert_eq!(told.as_bool(), Some(report.summary.unknown == 0));
    }
    // The restated schema does refuse.
    let mut log: Value = serde_json::from_str(&rendered("sarif", &mixed_report())).unwrap();
    log["runs"][0]["results"][0]["kind"] = "unknown".into();
    assert!(!SARIF.is_valid(&log));
    if let Some(published) = &*PUBLISHED {
        assert!(!published.is_valid(&log));
    }
}

#[test]
fn prometheus_counts_what_the_report_counts() {
    let report = mixed_report();
    let samples = samples(&rendered("prometheus", &report));
    let value = |key: &str| samples.get(key).copied();
    assert_eq!(value("preflight_checks{outcome=\"unknown\"}"), Some(5.0));
    assert_eq!(value("preflight_target_blockers{target=\"mt1\"}"), Some(1.0));
    assert_eq!(value("preflight_run_complete"), Some(1.0));
    assert_eq!(value("preflight_run_timestamp_seconds"), Some(1_795_143_600.0));
    let statuses = samples.keys().filter(|key| key.starts_with("preflight_check_status{"));
    assert_eq!(statuses.count(), report.results.len());
}

#[test]
fn a_finding_on_many_hosts_is_told_once() {
    let report = many_hosts(40);
    for format in ["text", "markdown", "html"] {
        let text = rendered(format, &report);
        assert_eq!(text.matches("/mnt/retention is vfat").count(), 1, "{format}: {text}");
        assert!(text.contains("mt039.example.net"), "{format}");
    }
    let page = rendered("html", &many_hosts(500));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

#[test]
fn a_host_that_does_not_answer_is_told_once() {
    let report = mixed_report();
    for format in ["text", "markdown", "html", "nagios"] {
        let text = rendered(format, &report);
        let told = text.matches("cannot connect to mt3 port 22: connection refused").count();
        // Among what to do first the text says it once more, in lines of its own.
        assert!((1..=2).contains(&told), "{format}: {text}");
    }
}

#[test]
fn people_read_worst_first() {
    insta::assert_snapshot!(rendered("text", &mixed_report()), @"
    mt1, mt2, mt3: 12 checks
    blocked: 2 blockers, 5 unknown, 1 warning, 3 passed, 1 waived, 2 not run
    do first:
      1. mt1 and 1 more: Mend it, then check again (retention.fs-not-fat)
      2. mt1: find out, for it is not known: the name cs01 could not be resolved
         (mt.port-443)
      3. mt3: find out, for it is not known: cannot connect to mt3 port 22:
         connection refused (retention.fs-not-fat)
      4. mt1: Mend it, then check again (mt.root-access)

    FAIL  retention.fs-not-fat on 2 targets (blocks-reprotect)
      should   the retention volume is not FAT
      found    mt1: /mnt/retention is vfat
               mt2: /mnt/retention is msdos
      shows as the drive is not listed for the master target in Re-protect
      do       Mend it, then check again. Take your time.
               $ mount -o remount,rw /mnt/retention
               $ preflight check host ssh://root@MASTER-TARGET --format html > /root/report-of-the-master-target-before-reprotect.html
      source   S001, Reprotect the Azure VMs, step 5

    WARN  mt.root-access on mt1 (warning)
      should   the checks run as root, or through sudo without a password
      found    the user id is 1000
      shows as the drive is not listed for the master target in Re-protect
      do       Mend it, then check again. Take your time.
               $ mount -o remount,rw /mnt/retention
               $ preflight check host ssh://root@MASTER-TARGET --format html > /root/report-of-the-master-target-before-reprotect.html
      source   S001, Reprotect the Azure VMs, step 5

    UNKNOWN  all 4 checks on mt3
      because  cannot connect to mt3 port 22: connection refused

    UNKNOWN  mt.port-443 on mt1 (blocks-reprotect)
      should   the configuration server answers
      unknown  mt.network.cs: the name cs01 could not be resolved
      source   S001, Reprotect the Azure VMs, step 5

    WAIVED  mt.memory on mt2 (warning)
      should   the master target has enough memory for its disks
      found    4 GiB
      waived   a lab machine, small on purpose (ann, until 2026-12-31)
      source   S001, Reprotect the Azure VMs, step 5

    3 passed, 0 not applicable; -v lists them

    not run    1 more check needs vCenter or ESXi: add --vcenter
               vsphere://USER@HOST, or vcenter: in --site
               vm.disk-enable-uuid
    not run    1 more check needs a person's answers: answer in --site FILE, under
               answers:
               cs.backup

    note: the waiver of mt.clock for mt? expired on 2026-01-31, ask ann

    blocked         2: mt1, mt2
    undecided       mt3

    blocked: 2 blockers, 5 unknown, 1 warning, 3 passed, 1 waived, 2 not run; first:
    mt1 and 1 more (retention.fs-not-fat)
    ");
}

#[test]
fn one_run_writes_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let preflight = |args: &[String]| {
        assert_cmd::Command::cargo_bin("preflight")
            .unwrap()
            .args(args)
            .current_dir(dir.path())
            .output()
            .unwrap()
    };
    let built = preflight(&["build".into(), "image".into(), "demo".into()]);
    assert_eq!(built.status.code(), Some(0), "{built:?}");
    let mut args: Vec<String> = ["check", "image", "demo.iso"].map(str::to_owned).to_vec();
    for format in FORMATS {
        args.extend(["--output".to_owned(), format!("{0}=report.{0}", format.name)]);
    }
    args.extend(["--output".to_owned(), "json=again.json".to_owned()]);
    let checked = preflight(&args);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(read("report.text"), String::from_utf8(checked.stdout).unwrap());
    assert_eq!(read("report.json"), read("again.json"));
    assert_sarif(&read("report.sarif"));
    assert!(!samples(&read("report.prometheus")).is_empty());
    assert_eq!(elements(&read("report.junit"))[0].1, "testsuites");
    assert!(read("report.html").starts_with("<!DOCTYPE html>"));
    assert!(read("report.markdown").starts_with("# preflight: "));
    assert!(read("report.nagios").starts_with("PREFLIGHT "));
    let wrong = preflight(&["check", "image", "demo.iso", "--format", "yaml"].map(str::to_owned));
    assert_eq!(wrong.status.code(), Some(2));
    let told = String::from_utf8(wrong.stderr).unwrap();
    for format in FORMATS {
        assert!(told.contains(format.name), "{told}");
    }
}

/// A command line with `--format nagios` is a plugin as it is: its exit statuses are those of plugins, whatever goes wrong.
#[test]
fn nagios_has_its_own_exit_statuses() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = |args: &str| {
        let output = assert_cmd::Command::cargo_bin("preflight")
            .unwrap()
            .args(args.split_whitespace())
            .current_dir(dir.path())
            .output()
            .unwrap();
        let first = String::from_utf8(output.stdout).unwrap().lines().next().unwrap().to_owned();
        (output.status.code().unwrap(), first)
    };
    plugin("build image demo");
    let mut image = fs::read(dir.path().join("demo.iso")).unwrap();
    let text = b"rootpw ";
    let at = image.windows(text.len()).position(|window| window == text).unwrap();
    image[at] = b'R';
    fs::write(dir.path().join("damaged.iso"), &image).unwrap();
    for (args, status, begin) in [
        ("check image demo.iso --format nagios", 1, "PREFLIGHT WARNING - demo.iso: "),
        ("check image damaged.iso --format nagios", 2, "PREFLIGHT CRITICAL - damaged.iso: "),
        ("check host capture:/dev/null --format nagios", 3, "PREFLIGHT UNKNOWN - could not run: "),
        ("check image none.iso --format=nagios", 3, "PREFLIGHT UNKNOWN - could not run: "),
        (
            "check image demo.iso --format nagios --no-such",
            3,
            "PREFLIGHT UNKNOWN - could not run: ",
        ),
        ("check image demo.iso --format text", 0, ""),
        ("check image demo.iso --format text --output nagios=out", 0, ""),
    ] {
        let (code, first) = plugin(args);
        assert_eq!(code, status, "{args}: {first}");
        assert!(first.starts_with(begin), "{args}: {first}");
    }
}
