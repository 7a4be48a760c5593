//! Images: what is said when they are built, read and judged; kickstarts, deltas, descriptors.

use super::{AGENT, Case, FULL, case, in_every_format};

const LINT: &str = "\
install
cdrom
lang en_US
rootpw secret
timezone Europe/Berln
keyboard xx
bootloader --location=nowhere --apend=quiet
clearpart --all
part / --fstype=vfat --size=zero
logvol /x --vgname=a --name=b --size=1
autopart --lvm
%packages
@core
%post
if true; then
echo open
";

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("build-image-disc").run("build image demo --self-check-binary none NOW"),
        case("build-image-disc-again")
            .with(&["demo.iso"])
            .run("build image demo --self-check-binary none NOW")
            .run("build image demo --self-check-binary none --overwrite --manifest m.json NOW"),
        case("build-image-verbose").run("build image demo -vv --self-check-binary none NOW"),
        case("build-image-without-agent").run("build image centos-6.6 --self-check-binary none NOW"),
        case("build-image-json").run("build image demo --self-check-binary none --format json NOW"),
        case("build-image-stream")
            .run("build image demo --self-check-binary none -o - --output markdown=r.md NOW"),
        case("build-image-incomplete")
            .with(&["base.iso", "rpms", "judge"])
            .run("build image demo --set packages=[tcpdump] --base base.iso --rpms rpms --self-check-binary judge NOW"),
        case("build-image-medium")
            .with(&["base.iso", "rpms", "judge"])
            .run("build image demo --base base.iso --rpms rpms --self-check-binary judge --allow-incomplete -o mt.iso NOW"),
        case("build-image-full")
            .with(&["base.iso", "rpms", "judge", AGENT, "full.yaml"])
            .run("build image full.yaml --base base.iso --rpms rpms --self-check-binary judge --allow-incomplete NOW"),
        case("build-image-unpinned")
            .with(&[AGENT])
            .run(&format!("build image centos-6.6 --agent {AGENT} --self-check-binary none NOW"))
            .run(&format!("build image centos-6.6 --agent {AGENT} --self-check-binary none --allow-unpinned NOW")),
        case("build-image-dry-run-disc").run("build image demo --dry-run --self-check-binary none"),
        case("build-image-dry-run-medium")
            .with(&["base.iso", "rpms", "judge", AGENT, "full.yaml"])
            .run("build image full.yaml --base base.iso --rpms rpms --self-check-binary judge --dry-run"),
        case("build-delta")
            .with(&["base.iso", "mt.iso"])
            .run("build delta mt.iso --base base.iso")
            .run("build image --from-delta mt.iso.delta --base base.iso -o again.iso --dry-run")
            .run("build image --from-delta mt.iso.delta --base base.iso -o again.iso NOW"),
        case("build-vm")
            .run("build vm")
            .run("build vm")
            .run("build vm demo --network 'a network' --image '[ds 1] mt.iso' -o other"),
        case("render-kickstart").run("render kickstart"),
        case("render-kickstart-disc").run("render kickstart demo --kickstart-disc"),
        case("render-kickstart-full").with(&["full.yaml", AGENT]).run("render kickstart full.yaml"),
        case("render-kickstart-uefi").run(
            "render kickstart demo --set firmware=uefi --set bootloader=mbr \
             --set 'network={device: eth0, method: static, address: 192.0.2.10, netmask: 255.255.255.0, gateway: 192.0.2.1, dns: [192.0.2.53]}' \
             --set 'retention={when: install, disk: {name: sdb, erase: true, size: {min: 900 GiB}}}'",
        ),
        case("build-image-dry-run-el7")
            .with(&["judge"])
            .run("build image demo --set profile=centos-7 --dry-run --self-check-binary judge"),
        case("check-image-verbose-log").with(&["mt.iso"]).run("-vv check image mt.iso NOW"),
        case("render-kickstart-el7").run("render kickstart demo --set profile=centos-7"),
        case("lint-kickstart-good")
            .file("ks.cfg", "")
            .run("render kickstart")
            .run("lint kickstart ks.cfg")
            .run("lint kickstart ks.cfg --format json"),
        case("lint-kickstart-bad").file("ks.cfg", LINT).run("lint kickstart ks.cfg"),
        case("lint-kickstart-bad-syntax")
            .file("ks.cfg", LINT)
            .run("lint kickstart ks.cfg --style syntax")
            .run("lint kickstart ks.cfg --profile centos-7 --style syntax"),
        case("lint-kickstart-bad-json")
            .file("ks.cfg", LINT)
            .run("lint kickstart ks.cfg --format json"),
        case("lint-kickstart-stdin").run("lint kickstart -").input(LINT),
        case("inspect-agent")
            .with(&[AGENT])
            .run(&format!("inspect agent {AGENT}"))
            .run(&format!("inspect agent {AGENT} --format json")),
        case("check-packages")
            .with(&["base.iso", "rpms", "full.yaml", AGENT])
            .run("check packages demo --base base.iso --rpms rpms NOW")
            .run("check packages full.yaml --base base.iso --rpms rpms NOW"),
        case("check-packages-json")
            .with(&["base.iso", "rpms"])
            .run("check packages --base base.iso --rpms rpms --format json NOW"),
        case("list-packages")
            .with(&["base.iso", "rpms"])
            .run("list packages --base base.iso")
            .run("list packages demo --base base.iso --rpms rpms")
            .run("list packages --base base.iso --format json"),
        case("check-image-outputs").with(&["damaged.iso"]).run(
            "check image damaged.iso --format nagios --output json=r.json --output html=r.html \
             --output junit=r.xml --fix-script fix.sh NOW",
        ),
        case("check-image-fail-on-warning")
            .with(&["demo.iso"])
            .run("check image demo.iso --format nagios NOW")
            .run("check image demo.iso --format nagios --fail-on warning NOW"),
        case("check-image-without-agent").with(&["bare.iso"]).run("check image bare.iso NOW"),
        case("check-image-hash").with(&["hash.iso"]).run("check image hash.iso NOW"),
        case("check-image-el7").with(&["el7.iso"]).run("check image el7.iso NOW"),
        case("check-image-medium").with(&["mt.iso"]).run("check image mt.iso -v NOW"),
        case("check-image-vendor").with(&["base.iso"]).run("check image base.iso NOW"),
        case("check-image-short").with(&["short.iso"]).run("check image short.iso NOW"),
    ];
    for name in ["demo", "mt", "full", "base", "damaged", "hash", "el7"] {
        let (iso, input) = (format!("{name}.iso"), image(name));
        cases.push(
            case(format!("inspect-image-{name}"))
                .with(&[input])
                .run(&format!("inspect image {iso}")),
        );
        cases.push(
            case(format!("inspect-image-{name}-json"))
                .with(&[input])
                .run(&format!("inspect image {iso} --format json")),
        );
    }
    cases.extend(in_every_format("check-image-full", "check image full.iso", &["full.iso"]));
    cases.extend(in_every_format(
        "check-image-damaged",
        "check image damaged.iso",
        &["damaged.iso"],
    ));
    assert!(FULL.contains(AGENT));
    cases
}

fn image(name: &str) -> &'static str {
    match name {
        "demo" => "demo.iso",
        "mt" => "mt.iso",
        "full" => "full.iso",
        "base" => "base.iso",
        "damaged" => "damaged.iso",
        "hash" => "hash.iso",
        _ => "el7.iso",
    }
}
