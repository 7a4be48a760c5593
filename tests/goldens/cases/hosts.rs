//! Hosts, vCenter and ESXi by their captures; scripts that ask; what asking nobody says.

use super::{Case, case, in_every_format};

/// A check of a site's own, with a probe.
pub const OWN: &str = "\
- id: own.motto
  title: the motto is the right one
  severity: blocks-failback
  applies_to: linux-mt
  probes:
    - { name: motto, shell: \"cat /etc/motto\", pattern: '(?m)^motto: (?P<word>\\w+)$' }
  rule: own.motto.word == 'festina'
  found: the motto is {{own.motto.word}}
  symptom: none
  remedy: { text: Choose another., commands: ['echo festina > /etc/motto'] }
  source: { doc: site, at: our handbook }
  examples:
    - { pass: { own: { motto: { word: festina } } } }
    - { fail: { own: { motto: { word: lente } } } }
    - { unknown: { own: { motto: {} } } }
";

const INVENTORY: &str = "\
[targets]
alpha ansible_connection=local
zeta ansible_host=192.0.2.9 ansible_ssh_common_args='-J b'
";

pub fn cases() -> Vec<Case> {
    let around = "--cs cs01.example.test --cs-version 9.8.9.0 \
                  --ps ps1=ps01.example.test,9.8.9.0 --retention /mnt/retention";
    let mut cases = vec![
        case("check-host-with-site-options")
            .with(&["healthy.json"])
            .run(&format!("check host capture:healthy.json {around} NOW")),
        case("check-host-with-vcenter").with(&["healthy.json", "vcenter.json"]).run(
            "check host capture:healthy.json --vcenter capture:vcenter.json --vm asr-mt-01 NOW",
        ),
        case("check-host-two")
            .with(&["healthy.json", "unwell.json", "unreachable.json"])
            .run("check host capture:unreachable.json capture:unwell.json NOW")
            .run("check host capture:unreachable.json capture:healthy.json --format json NOW"),
        case("check-host-same-twice")
            .with(&["healthy.json", "unwell.json"])
            .run("check host capture:healthy.json capture:unwell.json NOW"),
        case("check-host-directory").with(&["good"]).run("check host capture:good NOW"),
        case("check-host-fix-script")
            .with(&["unwell.json"])
            .run("check host capture:unwell.json --format nagios --fix-script fix.sh NOW"),
        case("diff-captures")
            .with(&["healthy.json", "unwell.json"])
            .run("diff healthy.json unwell.json")
            .run("diff unwell.json healthy.json")
            .run("diff healthy.json healthy.json --format json"),
        case("diff-wrong").with(&["healthy.json"]).run("diff healthy.json none.json"),
        case("check-host-since")
            .with(&["healthy.json", "unwell.json"])
            .run("check host capture:unwell.json --output json=first.json --format nagios NOW")
            .run("check host capture:unwell.json --since first.json NOW")
            .run("check host capture:healthy.json --since first.json NOW")
            .run("check host capture:healthy.json --since healthy.json NOW"),
        case("check-host-later")
            .with(&["healthy.json"])
            .run("check host capture:healthy.json --now 2027-05-01T00:00:00Z"),
        case("check-host-own-checks")
            .with(&["healthy.json"])
            .file("own/mine.yaml", OWN)
            .run("check host capture:healthy.json --checks own NOW")
            .run("test checks own"),
        case("check-host-fix")
            .with(&["unwell.json"])
            .run("check host capture:unwell.json --fix NOW"),
        case("check-host-inventory")
            .file("hosts.ini", INVENTORY)
            .run("check host --inventory hosts.ini NOW"),
        case("check-host-refused")
            .run("check host ssh://root@127.0.0.1:1 --ssh-config none --accept-new NOW")
            .run("collect host ssh://root@127.0.0.1:1 --ssh-config none -o c.json"),
        case("check-host-no-target").run("check host"),
        case("collect-host-capture")
            .with(&["healthy.json"])
            .run("collect host capture:healthy.json -o copy.json"),
        case("collect-script").run("collect script"),
        case("collect-script-site")
            .with(&["good.yaml"])
            .file("own/mine.yaml", OWN)
            .run("collect script --site good.yaml --checks own"),
        case("check-vcenter-read-only")
            .with(&["read-only.json"])
            .run("check vcenter capture:read-only.json NOW"),
        case("check-vcenter-refused")
            .run("check vcenter vsphere://root@127.0.0.1:1 NOW")
            .variable("PREFLIGHT_PASSWORD", "a-password"),
        case("check-esxi-api")
            .with(&["esxi-paid.json"])
            .run("check esxi capture:esxi-paid.json NOW"),
        case("check-esxi-api-json")
            .with(&["esxi-paid.json"])
            .run("check esxi capture:esxi-paid.json --vm ha-host_VM0 --format json NOW"),
        case("check-esxi-api-free")
            .with(&["esxi-free.json"])
            .run("check esxi capture:esxi-free.json NOW"),
        case("check-esxi-shell-free")
            .with(&["free-shell.json"])
            .run("check esxi capture:free-shell.json --vm asr-mt-01 NOW"),
        case("trust-refused").run("trust vsphere://127.0.0.1:1"),
    ];
    for (name, line, input) in [
        ("check-host-healthy", "check host capture:healthy.json", "healthy.json"),
        ("check-host-unwell", "check host capture:unwell.json", "unwell.json"),
        ("check-host-unreachable", "check host capture:unreachable.json", "unreachable.json"),
        (
            "check-vcenter",
            "check vcenter capture:vcenter.json --vm asr-mt-01 --protected-vm app-01",
            "vcenter.json",
        ),
        ("check-vcenter-snapshot", "check vcenter capture:snapshot.json", "snapshot.json"),
        ("check-esxi-shell", "check esxi capture:shell.json --vm asr-mt-01", "shell.json"),
    ] {
        cases.extend(in_every_format(name, line, &[input]));
    }
    cases
}
