//! Whole sites, by what `collect site` saved of them.

use super::hosts::OWN;
use super::{Case, case, in_every_format};

/// A site whose systems are captures, with two master targets.
const CAPTURED: &str = "\
vcenter: { url: 'capture:vcenter.json', discovery_account: asr@vsphere.local }
configuration_server: { address: cs01.example.test, version: 9.8.9.0 }
process_servers: [ { name: ps1, address: ps01.example.test, version: 9.8.9.0 } ]
master_targets:
  - { name: mt1, ssh: 'capture:healthy.json', vm: asr-mt-01 }
  - { name: mt2, ssh: 'capture:unwell.json', vm: asr-mt-02 }
  - { name: mt3, ssh: 'capture:unreachable.json' }
protected_vms:
  - { name: app-01, master_target: mt1, filesystems: [ext4, reiserfs] }
  - { name: app-02, master_target: mt2, filesystems: [xfs] }
answers:
  - { check: cs.backup, value: not-applicable, by: ann, at: 2026-11-20 }
waivers:
  - { check: mt.sizing-ram, target: 'mt*', reason: it is new, owner: bo, expires: 2026-12-31 }
  - { check: mt.root-access, target: mt9, reason: none, owner: bo, expires: 2026-12-31 }
";

/// A site whose ESXi hosts are captures of their shells.
const ESXI: &str = "\
esxi:
  - { name: DC0_H0, ssh: 'capture:shell.json' }
  - { name: DC0_H1, ssh: 'capture:free-shell.json' }
  - { name: DC0_H2 }
master_targets:
  - { name: mt1, ssh: 'capture:healthy.json', vm: asr-mt-01 }
protected_vms:
  - { name: app-01, master_target: mt1, filesystems: [ext4] }
";

/// A site at whose addresses nobody listens.
const SILENT: &str = "\
master_targets:
  - { name: mt1, ssh: 'ssh://root@127.0.0.1:1' }
  - { name: mt2, ssh: 'ssh://root@127.0.0.1:2' }
";

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
        case("check-site-captured")
            .with(&["vcenter.json", "healthy.json", "unwell.json", "unreachable.json"])
            .file("site.yaml", CAPTURED)
            .run("check site site.yaml NOW")
            .run("check host --site site.yaml NOW")
            .run("check host mt2 --site site.yaml --format json NOW"),
        case("check-site-captured-waivers")
            .with(&["vcenter.json", "healthy.json", "unwell.json", "unreachable.json"])
            .file("site.yaml", CAPTURED)
            .file("own/mine.yaml", OWN)
            .run("check site site.yaml --checks own NOW")
            .run("check site site.yaml --checks own --format markdown --fail-on warning NOW")
            .run("troubleshoot ts-mt-not-listed --site site.yaml NOW"),
        case("check-vcenter-of-site")
            .with(&["vcenter.json", "healthy.json", "unwell.json", "unreachable.json"])
            .file("site.yaml", CAPTURED)
            .run("check vcenter vc99.example.test --site site.yaml NOW")
            .run("check vcenter --site site.yaml NOW"),
        case("check-esxi-of-site")
            .with(&["shell.json", "free-shell.json", "healthy.json"])
            .file("site.yaml", ESXI)
            .run("check esxi DC0_H2 --site site.yaml NOW")
            .run("check esxi DC0_H9 --site site.yaml NOW")
            .run("check esxi DC0_H0 --site site.yaml NOW")
            .run("check esxi --site site.yaml NOW"),
        case("check-site-silent")
            .file("site.yaml", SILENT)
            .run("check site site.yaml --ssh-config none NOW")
            .run("check host --site site.yaml --ssh-config none --format nagios NOW")
            .run("collect site site.yaml --ssh-config none -o captures"),
        case("check-site-alone")
            .file("site.yaml", "scenario: vmware-classic\nanswers: [ { check: cs.backup, value: no, by: ann, at: 2026-11-20 } ]\n")
            .run("check site site.yaml NOW"),
        case("list-questions-site")
            .with(&["vcenter.json", "healthy.json", "unwell.json", "unreachable.json"])
            .file("site.yaml", CAPTURED)
            .run("list questions --site site.yaml NOW")
            .run("list questions --site site.yaml --stage verify NOW")
            .run("list questions --site site.yaml --stage verify --format json NOW")
            .run("list questions --site site.yaml --stage sync NOW"),
        case("list-questions-captures")
            .with(&["good.yaml", "good"])
            .run("list questions --site good.yaml --captures good NOW"),
        case("answer")
            .with(&["vcenter.json", "healthy.json", "unwell.json", "unreachable.json"])
            .file("site.yaml", CAPTURED)
            .run("answer site.yaml NOW")
            .run("answer site.yaml cs.backup --set cs.backup=yes --by ann NOW")
            .run("answer site.yaml --set 'cs.two-nics@*=no' --set vm.temp-disk@app-02=yes --by 'bo #1' --offline NOW"),
        case("troubleshoot-site")
            .with(&["broken.yaml"])
            .file("site.yaml", "scenario: hyperv\nanswers: [ { check: hyperv.no-cancel, value: no, by: ann, at: 2026-11-20 } ]\n")
            .run("troubleshoot ts-hv-corrupt --site site.yaml NOW")
            .run("troubleshoot ts-hv-corrupt --site site.yaml --format json NOW"),
    ]);
    cases
}
