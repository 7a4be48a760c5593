//! Reports to render: one with something of everything, one of many hosts, hostile ones.

#![allow(dead_code, reason = "each test uses some of these")]

use std::collections::BTreeMap;

use preflight::check::Provider;
use preflight::check::definition::{Remedy, Severity, SourceReference};
use preflight::check::engine::{Finding, Outcome, SkippedCheck, Target};
use preflight::check::status::FailOn;
use preflight::check::unknown::UnknownCause;
use preflight::facts::Document;
use preflight::facts::target_kind::TargetKind;
use preflight::report::Report;

/// Texts that hosts may send to those who print what they are sent.
pub const HOSTILE: &[&str] = &[
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "\"><svg onload=window.hacked=1>",
    "' onmouseover='window.hacked=1",
    "</pre></details></main><h1>Nothing blocks</h1>",
    "</style><style>*{display:none}</style>",
    "--><!-- <![CDATA[ ]]>",
    "{{verdict.word}} {{{at}}}",
    "&lt;b&gt; &#60;b&#62;",
    "[here](javascript:alert(1)) ![x](http://192.0.2.1/)",
    "`code` ``more`` *bold* _low_ ~~gone~~",
    "@everyone #1 GH-1",
    "| a | b |",
    "$(reboot) ${HOME} $x^2$",
    "a\nb\r\n# heading\n\n- item\n```\nfence",
    "\u{1b}[2J\u{1b}]0;title\u{7}red",
    "\u{9b}31m\u{90}q\u{9c}",
    "abc\u{202e}fed\u{2066}x\u{2069}\u{200b}\u{feff}",
    "\u{0}\u{8}\u{b}\u{7f}\u{fffe}\u{ffff}\u{d7ff}\u{e000}",
    "percent %s %00 {0} {{1}}",
];

/// One finding to come; what is not said here is harmless.
pub struct Said<'t> {
    pub check: &'t str,
    pub title: &'t str,
    pub target: &'t str,
    pub outcome: Outcome,
    pub severity: Severity,
    pub found: &'t str,
    pub evidence: &'t str,
}

impl Said<'_> {
    fn finding(&self) -> Finding {
        let found = match &self.outcome {
            Outcome::Unknown(unknown) => unknown.to_string(),
            Outcome::NotApplicable { reason, .. } => reason.clone(),
            _ => self.found.to_owned(),
        };
        Finding {
            check: self.check.to_owned(),
            target: self.target.to_owned(),
            outcome: self.outcome.clone(),
            severity: self.severity,
            title: self.title.to_owned(),
            found,
            symptom: "the drive is not listed for the master target in Re-protect".to_owned(),
            remedy: Remedy {
                text: "Mend it, then check again. Take your time.".to_owned(),
                commands: vec![
                    "mount -o remount,rw /mnt/retention".to_owned(),
                    "preflight check host ssh://root@MASTER-TARGET --format html > \
                     /root/report-of-the-master-target-before-reprotect.html"
                        .to_owned(),
                ],
                downtime: self.severity == Severity::DataLoss,
            },
            after: Vec::new(),
            order: 0,
            source: SourceReference {
                doc: "S001".to_owned(),
                at: "Reprotect the Azure VMs, step 5".to_owned(),
            },
            evidence: BTreeMap::from([("mt.fact".to_owned(), self.evidence.into())]),
        }
    }
}

pub fn report(said: &[Said<'_>], not_asked: &[SkippedCheck]) -> Report {
    let mut targets: Vec<Target> = Vec::new();
    for said in said {
        if targets.iter().all(|target| target.name != said.target) {
            let (kind, document) = (TargetKind::LinuxMt, Document::default());
            targets.push(Target { name: said.target.to_owned(), kind, document });
        }
    }
    let findings: Vec<Finding> = said.iter().map(Said::finding).collect();
    let now = "2026-11-20T03:00:00Z".parse().expect("a moment");
    Report::new(&targets, findings, not_asked, &[], now, FailOn::Blocker)
}

pub fn unknown(reason: &str) -> Outcome {
    let (path, reason) = reason.split_once(": ").unwrap_or(("mt.access", reason));
    let cause = UnknownCause::Absent { path: path.to_owned(), reason: reason.to_owned() };
    Outcome::Unknown(cause.into())
}

pub fn waived(reason: &str, owner: &str) -> Outcome {
    Outcome::Waived {
        reason: reason.to_owned(),
        owner: owner.to_owned(),
        expires: "2026-12-31".to_owned(),
    }
}

/// Three hosts: two with a blocker that was found in two spellings, one that did not answer.
pub fn mixed_report() -> Report {
    use Severity::{BlocksFailback, BlocksReprotect, Warning};
    let said = |check, title, target, outcome, severity, found| Said {
        check,
        title,
        target,
        outcome,
        severity,
        found,
        evidence: "ext4",
    };
    let (fat, path, root, memory) = (
        "the retention volume is not FAT",
        "multipath is there",
        "the checks run as root, or through sudo without a password",
        "the master target has enough memory for its disks",
    );
    let gone = unknown("mt.access: cannot connect to mt3 port 22: connection refused");
    let dns = unknown("mt.network.cs: the name cs01 could not be resolved");
    let said = [
        said(
            "retention.fs-not-fat",
            fat,
            "mt1",
            Outcome::Fail,
            BlocksReprotect,
            "/mnt/retention is vfat",
        ),
        said("mt.multipath", path, "mt1", Outcome::Pass, Warning, "device-mapper-multipath 0.4.9"),
        said("mt.root-access", root, "mt1", Outcome::Fail, Warning, "the user id is 1000"),
        said("mt.port-443", "the configuration server answers", "mt1", dns, BlocksReprotect, ""),
        said("mt.clock", "the clock is right", "mt1", Outcome::Pass, Warning, "0.3 s apart"),
        said(
            "retention.fs-not-fat",
            fat,
            "mt2",
            Outcome::Fail,
            BlocksReprotect,
            "/mnt/retention is msdos",
        ),
        said("mt.multipath", path, "mt2", Outcome::Pass, Warning, "device-mapper-multipath 0.4.9"),
        said(
            "mt.memory",
            memory,
            "mt2",
            waived("a lab machine, small on purpose", "ann"),
            Warning,
            "4 GiB",
        ),
        said("retention.fs-not-fat", fat, "mt3", gone.clone(), BlocksReprotect, ""),
        said("mt.multipath", path, "mt3", gone.clone(), Warning, ""),
        said("mt.root-access", root, "mt3", gone.clone(), Warning, ""),
        said("mt.memory", memory, "mt3", gone, BlocksFailback, ""),
    ];
    let left = |check: &str, title: &str, needs| SkippedCheck {
        check: check.to_owned(),
        title: title.to_owned(),
        target: "mt1".to_owned(),
        needs: vec![needs],
    };
    let not_asked = [
        left("vm.disk-enable-uuid", "disk.EnableUUID is TRUE", Provider::Vsphere),
        left("cs.backup", "the configuration server is backed up", Provider::Answers),
    ];
    let mut report = report(&said, &not_asked);
    report.notes = vec!["the waiver of mt.clock for mt? expired on 2026-01-31, ask ann".to_owned()];
    report
}

/// So many hosts with the same finding, and some that are well.
pub fn many_hosts(hosts: usize) -> Report {
    let names: Vec<String> = (1..=hosts).map(|n| format!("mt{n:03}.example.net")).collect();
    let said: Vec<Said<'_>> = names
        .iter()
        .enumerate()
        .flat_map(|(n, target)| {
            let bad = n % 4 != 3;
            let said = |check, title, outcome, severity, found| Said {
                check,
                title,
                target,
                outcome,
                severity,
                found,
                evidence: target,
            };
            [
                said(
                    "retention.fs-not-fat",
                    "the retention volume is not FAT",
                    if bad { Outcome::Fail } else { Outcome::Pass },
                    Severity::BlocksReprotect,
                    if bad { "/mnt/retention is vfat" } else { "/mnt/retention is ext4" },
                ),
                said(
                    "mt.multipath",
                    "multipath is there",
                    Outcome::Pass,
                    Severity::Warning,
                    "device-mapper-multipath 0.4.9",
                ),
            ]
        })
        .collect();
    report(&said, &[])
}

/// Every hostile text in every place that a host has a say in.
pub fn hostile_report() -> Report {
    hostile(HOSTILE)
}

/// A report with texts where hosts have a say: names, what was found, reasons, evidence, waivers.
pub fn hostile<T: AsRef<str>>(texts: &[T]) -> Report {
    let said: Vec<Said<'_>> = texts
        .iter()
        .map(AsRef::as_ref)
        .flat_map(|text| {
            let said = |check, outcome, severity| Said {
                check,
                title: "it holds",
                target: text,
                outcome,
                severity,
                found: text,
                evidence: text,
            };
            [
                said("a.blocker", Outcome::Fail, Severity::DataLoss),
                said("a.warning", Outcome::Fail, Severity::Warning),
                said("a.unknown", unknown(text), Severity::BlocksFailback),
                said(
                    "a.meaningless",
                    Outcome::NotApplicable { reason: text.to_owned(), by_failure: false },
                    Severity::Info,
                ),
                said("a.waived", waived(text, text), Severity::Warning),
                said("a.pass", Outcome::Pass, Severity::Warning),
            ]
        })
        .collect();
    let mut report = report(&said, &[]);
    report.notes = texts.iter().map(|text| format!("a note: {}", text.as_ref())).collect();
    report
}
