//! Wrong input: what is said, and what is advised.

use super::{AGENT, Case, case};

const MTS: &str = "master_targets: [ { name: mt1, ssh: 'local:' } ]\n";

/// A case with a recipe, which is rendered and built.
fn recipe(name: &str, text: &str) -> Case {
    case(format!("wrong-recipe-{name}"))
        .file("mt.yaml", text)
        .run("build image mt.yaml")
        .run("render kickstart mt.yaml")
}

/// A case with a site file.
fn site(name: &str, text: &str) -> Case {
    case(format!("wrong-site-{name}"))
        .file("site.yaml", text)
        .run("check site site.yaml NOW")
        .run("check host --site site.yaml NOW")
}

pub fn cases() -> Vec<Case> {
    let demo = include_str!("../../../images/demo.yaml");
    vec![
        recipe("key", "profile: centos-6.6\nhost_nam: mt\n"),
        recipe("profile", &demo.replace("profile: centos-6.6", "profile: centos-6.5")),
        recipe("type", &demo.replace("erase: true", "erase: maybe")),
        recipe("size", &demo.replace("min: 40 GiB", "min: 40 Gib")),
        recipe("range", &demo.replace("min: 40 GiB", "min: 4 TiB")),
        recipe("password", &demo.replace("root_password: locked", "root_password: secret")),
        recipe("host-name", &demo.replace("mt-demo.example.test", "mt_demo!")),
        recipe("device", &demo.replace("device: eth0", "device: eth0, netmask: 255.0.0.255")),
        recipe("yaml", "title: [unclosed\n"),
        recipe("empty", ""),
        recipe("agent-missing", &demo.replace("{standin: true}", "{file: no.tar.gz}")),
        case("wrong-recipe-name").run("build image no-such-recipe").run("build image centos-6.7"),
        case("wrong-setting")
            .run("build image demo --set netwrk.method=dhcp")
            .run("build image demo --set network.method=bootp")
            .run("build image demo --set nothing"),
        case("wrong-base")
            .with(&["demo.iso", "short.iso"])
            .file("text.iso", "not an image")
            .run("build image demo -o new.iso --base missing.iso")
            .run("build image demo -o new.iso --base text.iso")
            .run("build image demo -o new.iso --base short.iso")
            .run("build image demo -o new.iso --base demo.iso"),
        case("wrong-agent")
            .file("a.tar.gz", "not an archive")
            .run("build image centos-6.6 --agent a.tar.gz --allow-unpinned")
            .run("build image centos-6.6 --agent missing.tar.gz")
            .run("inspect agent a.tar.gz"),
        case("wrong-agent-sha256").with(&[AGENT]).run(&format!(
            "build image centos-6.6 --set 'agent={{file: {AGENT}, sha256: {}}}'",
            "0".repeat(64)
        )),
        case("wrong-self-check-binary")
            .file("a", "no program")
            .run("build image demo --self-check-binary a")
            .run("build image demo --self-check-binary missing"),
        case("wrong-rpms")
            .with(&["base.iso"])
            .file("rpms/a.rpm", "no package")
            .file("none/readme", "nothing here")
            .run("build image demo -o new.iso --self-check-binary none --base base.iso --rpms rpms")
            .run("build image demo -o new.iso --self-check-binary none --base base.iso --rpms none")
            .run("build image demo -o new.iso --self-check-binary none --base base.iso --rpms missing")
            .run("check packages demo --base base.iso --rpms rpms"),
        case("wrong-rpm-key")
            .with(&["base.iso", "rpms"])
            .file("key.asc", "no key")
            .run("build image demo -o new.iso --self-check-binary none --base base.iso --rpms rpms --rpm-key key.asc"),
        case("wrong-out")
            .run("build image demo -o no/such/directory.iso")
            .run("build vm demo -o no/such/machine"),
        case("wrong-epoch").run("build image demo").variable("SOURCE_DATE_EPOCH", "yesterday"),
        case("wrong-delta")
            .with(&["base.iso", "mt.iso", "demo.iso"])
            .run("build delta demo.iso --base mt.iso")
            .run("build delta missing.iso --base base.iso")
            .run("build image --from-delta mt.iso --base base.iso -o new.iso")
            .run("build image --from-delta mt.iso"),
        case("wrong-image")
            .file("text.iso", "not an image")
            .run("check image text.iso")
            .run("check image missing.iso")
            .run("check image .")
            .run("inspect image text.iso")
            .run("inspect image missing.iso"),
        case("wrong-output")
            .with(&["demo.iso"])
            .run("check image demo.iso --output report.json")
            .run("check image demo.iso --output pdf=report.pdf")
            .run("check image demo.iso --format xml")
            .run("check image demo.iso --output json=no/such/report.json")
            .run("check image demo.iso --output json=demo.iso")
            .run("check image demo.iso --output json=r --output html=r"),
        case("wrong-now").with(&["demo.iso"]).run("check image demo.iso --now yesterday"),
        case("wrong-kickstart")
            .file("ks.cfg", [0xff, 0xfe, 0x00])
            .run("lint kickstart ks.cfg")
            .run("lint kickstart missing.cfg")
            .run("lint kickstart ks.cfg --profile centos-8"),
        site(
            "master-target",
            &format!("{MTS}protected_vms:\n  - {{ name: a, master_target: mt2 }}\n"),
        ),
        site(
            "check",
            &format!(
                "{MTS}waivers:\n- {{ check: mt.root-acess, target: mt1, reason: r, owner: o, expires: 2026-12-31 }}\n"
            ),
        ),
        site(
            "answer",
            &format!(
                "{MTS}answers:\n- {{ check: mt.root-access, value: yes, by: ann, at: 2026-11-20 }}\n"
            ),
        ),
        site("key", "master_targets: [ { name: mt1, shh: 'local:' } ]\n"),
        site(
            "twice",
            "master_targets: [ { name: a, ssh: 'local:' }, { name: a, ssh: 'local:' } ]\n",
        ),
        site("password", "master_targets: [ { name: mt1, ssh: 'ssh://root:secret@mt1' } ]\n"),
        site("scenario", "scenario: vmware\n"),
        site("yaml", "master_targets: [\n"),
        site("empty", ""),
        case("wrong-site-missing")
            .run("check site missing.yaml")
            .run("check host --site missing.yaml"),
        case("wrong-target")
            .run("check host mt1")
            .run("check host root@mt1")
            .run("check host http://mt1")
            .run("check host ssh://mt1:port")
            .run("check host ssh://root@")
            .run("check host local: local:")
            .run("check vcenter ssh://root@vc1")
            .run("check vcenter vc1")
            .run("check esxi esx1")
            .run("trust vc1"),
        case("wrong-target-password")
            .run("check host ssh://root:secret@mt1")
            .run("check vcenter vsphere://root:secret@vc1")
            .run("check esxi ssh://root:secret@esx1")
            .run("check host --vcenter vsphere://root:secret@vc1 ssh://root@mt1")
            .run("check host ssh://root@mt1 --jump root:secret@b"),
        case("wrong-capture")
            .with(&["healthy.json", "vcenter.json", "good"])
            .file("empty.json", "{}")
            .file("text.json", "not a capture")
            .file("future.json", "{\"schema\": \"preflight.capture/9\"}")
            .run("check host capture:vcenter.json")
            .run("check vcenter capture:healthy.json")
            .run("check esxi capture:healthy.json")
            .run("check vcenter capture:good")
            .run("check host capture:missing.json")
            .run("check host capture:empty.json")
            .run("check host capture:text.json")
            .run("check host capture:future.json")
            .run("check host capture:healthy.json --vcenter capture:healthy.json"),
        case("wrong-collect")
            .with(&["vcenter.json"])
            .run("collect host nobody")
            .run("collect host capture:missing.json")
            .run("collect vcenter capture:vcenter.json")
            .run("collect esxi capture:vcenter.json")
            .run("collect site missing.yaml -o captures")
            .run("collect host local: -o no/such/file.json"),
        case("wrong-standard-input")
            .run("lint kickstart -")
            .run("troubleshoot -")
            .input("a".repeat(300 * 1024)),
        case("wrong-own-checks")
            .with(&["healthy.json"])
            .file("own/mine.yaml", "- id: nothing\n")
            .run("check host capture:healthy.json --checks own")
            .run("check host capture:healthy.json --checks missing")
            .run("test checks missing"),
        case("wrong-inventory")
            .file("hosts.ini", "[mts]\nzeta ansible_ssh_common_args='-J b'\n")
            .file("none.ini", "[mts]\n")
            .run("check host --inventory hosts.ini")
            .run("check host --inventory none.ini")
            .run("check host --inventory missing.ini")
            .run("check host --group mts"),
        case("wrong-assets")
            .file("assets/images/mt.yaml", "profile: none\n")
            .file("assets/checks/a.yaml", "- id: a\n")
            .run("list recipes --assets assets")
            .run("list checks --assets assets")
            .run("build image mt --assets assets"),
        case("wrong-options")
            .run("frobnicate")
            .run("build imge")
            .run("check")
            .run("check host --tiemout 3 local:")
            .run("check host --timeout 0 local:")
            .run("check host local: --yes")
            .run("check host local: --site s.yaml --cs c")
            .run("build image demo --from-delta x --base y")
            .run("list everything")
            .run("completions tcsh")
            .run("explain"),
        case("wrong-credentials")
            .run("check host ssh://root@127.0.0.1:1 --ssh-config none --password-file missing")
            .run("check host ssh://root@127.0.0.1:1 --ssh-config none --identity missing")
            .run("check host ssh://root@127.0.0.1:1 --host-key SHA256:short")
            .run("check vcenter vsphere://root@127.0.0.1:1 --thumbprint 12")
            .run("check vcenter vsphere://root@127.0.0.1:1 --ca-file missing"),
    ]
}
