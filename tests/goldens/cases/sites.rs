//! Whole sites, by what `collect site` saved of them.

use super::{Case, case, in_every_format};

pub fn cases() -> Vec<Case> {
    let mut cases = in_every_format(
        "check-site-good",
        "check site good.yaml --captures good",
        &["good.yaml", "good"],
    );
    cases.extend(in_every_format(
        "check-site-broken",
        "check site broken.yaml --captures broken",
        &["broken.yaml", "broken"],
    ));
    cases.extend([
        case("check-site-fix-script").with(&["broken.yaml", "broken"]).run(
            "check site broken.yaml --captures broken --format nagios --fix-script fix.sh NOW",
        ),
        case("check-site-unanswered")
            .with(&["broken.yaml", "good"])
            .run("check site broken.yaml --captures good NOW"),
        case("check-site-missing-capture")
            .with(&["good.yaml", "good"])
            .run("check site good.yaml --captures nowhere NOW"),
        case("check-host-of-site")
            .with(&["good.yaml", "good"])
            .run("check host nobody --site good.yaml NOW")
            .run("check host mt11 --site good.yaml NOW"),
        case("check-site-alone")
            .file("site.yaml", "scenario: vmware-classic\nanswers: [ { check: cs.backup, value: no, by: ann, at: 2026-11-20 } ]\n")
            .run("check site site.yaml NOW"),
        case("troubleshoot-site")
            .with(&["broken.yaml"])
            .file("site.yaml", "scenario: hyperv\nanswers: [ { check: hyperv.no-cancel, value: no, by: ann, at: 2026-11-20 } ]\n")
            .run("troubleshoot ts-hv-corrupt --site site.yaml NOW")
            .run("troubleshoot ts-hv-corrupt --site site.yaml --format json NOW"),
    ]);
    cases
}
