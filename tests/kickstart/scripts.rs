//! The rendered `%post` scripts in a scratch directory, with the paths moved there.
//!
//! Not for a chroot, real packages or a real chkconfig: the lab runs them unmodified.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use preflight::assets::Assets;
use preflight::digest::Sha256;
use preflight::installer::first_boot::{self, FirstBoot};
use preflight::installer::kickstart::parse::SectionKind;
use preflight::installer::profile::PackageFormat;
use preflight::installer::registration;
use preflight::installer::self_check::{self, SelfCheck};
use preflight::installer::service::InitSystem;

use super::{VARIANTS, named, program, rendered, scripts_of};

#[test]
fn every_script_is_one_for_every_shell() {
    let directory = tempfile::tempdir().unwrap();
    for variant in VARIANTS {
        let (_, text) = rendered(variant);
        for script in
            [SectionKind::Pre, SectionKind::Post].map(|kind| scripts_of(&text, kind)).concat()
        {
            let path = directory.path().join("script");
            fs::write(&path, &script).unwrap();
            for (name, words) in
                [("dash", &["-n"][..]), ("bash", &["--posix", "-n"]), ("busybox", &["sh", "-n"])]
            {
                if program(name).is_none() {
                    continue;
                }
                let output = Command::new(name).args(words).arg(&path).output().unwrap();
                assert!(output.status.success(), "{} {name}: {script}", variant.name);
            }
            if program("shellcheck").is_some() {
                let output = Command::new("shellcheck")
                    .args(["-s", "sh", "-S", "warning"])
                    .arg(&path)
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success(), "{}: {said}", variant.name);
            }
        }
    }
}

/// A disc and an installed system in one scratch directory.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self::without(&[])
    }

    /// A disc that lacks some of the services.
    fn without(left_out: &[&str]) -> Self {
        let scratch = Self(tempfile::tempdir().unwrap());
        for directory in [
            "disc/preflight/payload",
            "system/root",
            "system/etc/rc.d/init.d",
            "system/etc/systemd/system",
            "system/usr/libexec",
            "bin",
        ] {
            fs::create_dir_all(scratch.path(directory)).unwrap();
        }
        fs::create_dir_all(scratch.path("system/opt")).unwrap();
        for program in ["chkconfig", "systemctl"] {
            let stub = format!("#!/bin/sh\necho {program} \"$@\" >> '{}'\n", scratch.text("calls"));
            scratch.write(&format!("bin/{program}"), stub.as_bytes());
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(scratch.path(&format!("bin/{program}")), mode).unwrap();
        }
        scratch.write("system/etc/hosts", b"127.0.0.1 localhost\n");
        scratch.write("system/etc/yum.conf", b"[main]\ncachedir=/var/cache/yum\n");
        let archive = scratch.agent();
        let files: [(&str, &[u8]); 9] = [
            ("agent.tar.gz", &archive),
            ("preflight-firstboot", b"#!/bin/sh\n"),
            ("preflight-firstboot.service", b"[Unit]\n"),
            ("preflight", b"\x7fELF"),
            ("preflight-collect", b"# questions\n"),
            ("preflight-register", b"#!/bin/sh\n"),
            ("preflight-register.service", b"[Unit]\n"),
            ("preflight-selfcheck", b"#!/bin/sh\n"),
            ("preflight-selfcheck.service", b"[Unit]\n"),
        ];
        let mut manifest = String::new();
        for (name, bytes) in files {
            if left_out.contains(&name.trim_end_matches(".service")) {
                continue;
            }
            scratch.write(&format!("disc/preflight/payload/{name}"), bytes);
            manifest += &format!("{}  preflight/payload/{name}\n", Sha256::hash(bytes));
        }
        scratch.write("disc/ks.cfg", b"x");
        manifest += &format!("{}  ks.cfg\n", Sha256::hash("x"));
        scratch.write("disc/preflight/manifest.sha256", manifest.as_bytes());
        scratch
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// An archive with ApplyCustomChanges.sh in it.
    fn agent(&self) -> Vec<u8> {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
            Vec::new(),
            flate2::Compression::fast(),
        ));
        for name in ["install", "ApplyCustomChanges.sh"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            header.set_mode(0o644);
            header.set_cksum();
            archive.append_data(&mut header, name, &b"#"[..]).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    /// Runs a script with its absolute paths moved into the scratch directory.
    fn run(&self, script: &str) -> Output {
        let moved = script
            .replace("/mnt/source", &self.text("disc"))
            .replace("/mnt/preflight", &self.text("disc"))
            .replace("/run/install/repo", &self.text("disc"))
            .replace("/mnt/sysimage", &self.text("system"));
        let moved = if moved == script || !script.contains("/mnt/sysimage") {
            ["/root", "/etc/", "/usr/libexec", "/opt/"].iter().fold(moved, |text, prefix| {
                text.replace(prefix, &format!("{}{prefix}", self.text("system")))
            })
        } else {
            moved
        };
        self.write("script", moved.as_bytes());
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.text("bin"));
        Command::new("sh").arg(self.path("script")).env("PATH", path).output().unwrap()
    }
}

fn post(variant: &str) -> (String, String) {
    let mut scripts = scripts_of(&rendered(named(variant)).1, SectionKind::Post);
    let install = scripts.pop().unwrap();
    (scripts.pop().unwrap(), install)
}

#[test]
fn the_first_boot_program_is_installed_where_it_says_it_belongs() {
    for (variant, init) in [("el6-full", InitSystem::SysV), ("el7-full", InitSystem::Systemd)] {
        let boot = FirstBoot {
            init,
            scsi_id: "/lib/udev/scsi_id".into(),
            release_file: "/etc/redhat-release".into(),
            package_format: PackageFormat::Rpm,
            release_pattern: "^CentOS".into(),
            packages: Vec::new(),
            agent_directory: "/root".into(),
            standin: false,
            fill_hosts: false,
            retention: None,
            self_check: true,
        };
        let (_, install) = post(variant);
        let check = SelfCheck {
            init,
            keep: 8,
            server: None,
            retention: "/mnt/retention".into(),
            scsi_id: "/lib/udev/scsi_id".into(),
        };
        let server = r#"{"address": "cs01"}"#;
        let server = serde_json::from_str(server).unwrap();
        let assets = Assets::embedded();
        let files = [
            first_boot::render(&boot, &assets).unwrap(),
            self_check::render(&check, &assets).unwrap(),
            registration::render(&server, init, "/root", &assets).unwrap(),
        ];
        for file in files.concat() {
            let copy = format!("\ncp {} {}\n", file.name, file.installed_path);
            let mode = format!("\nchmod {:o} {}\n", file.mode, file.installed_path);
            assert!(install.contains(&copy), "{copy}");
            assert!(install.contains(&mode), "{mode}");
        }
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_payload_is_copied_and_installed() {
    let scratch = Scratch::new();
    let (copy, install) = post("el6-full");
    let output = scratch.run(&copy);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "preflight: 10 files on the disc are what the manifest says\n"
    );
    // Only what the plan named is copied; the unit is not for el6.
    let manifest = scratch.read("system/root/preflight/manifest.sha256");
    let without_unit: String = manifest
        .lines()
        .filter(|line| !line.ends_with(".service"))
        .flat_map(|l| [l, "\n"])
        .collect();
    scratch.write("system/root/preflight/manifest.sha256", without_unit.as_bytes());

    for _ in 0..2 {
        let output = scratch.run(&install);
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(mode(&scratch.path("system/root/ApplyCustomChanges.sh")), 0o755);
    assert_eq!(mode(&scratch.path("system/etc/rc.d/init.d/preflight-firstboot")), 0o755);
    let enabled: String = ["firstboot", "register", "selfcheck"]
        .iter()
        .map(|name| format!("chkconfig --add preflight-{name}\nchkconfig preflight-{name} on\n"))
        .collect();
    assert_eq!(scratch.read("calls"), enabled.repeat(2));
    assert_eq!(mode(&scratch.path("system/opt/preflight/preflight")), 0o755);
    assert_eq!(scratch.read("system/usr/libexec/preflight-collect"), "# questions\n");
    assert_eq!(
        scratch.read("system/etc/hosts"),
        "127.0.0.1 localhost\n192.0.2.10 mt01.example.test mt01\n192.0.2.20 cs01.example.test \
         cs01\n"
    );
    assert_eq!(
        scratch.read("system/etc/yum.conf"),
        "[main]\nexclude=kernel*\ncachedir=/var/cache/yum\n"
    );
}

#[test]
fn a_stand_in_says_so_and_dhcp_leaves_the_addresses_to_the_first_boot() {
    let scratch = Scratch::without(&["preflight", "preflight-register"]);
    let (copy, install) = post("el7-disc");
    assert!(scratch.run(&copy).status.success());
    let output = scratch.run(&install);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("this is a STAND-IN"));
    assert!(scratch.read("system/etc/motd").contains("STAND-IN"));
    assert_eq!(scratch.read("system/etc/hosts"), "127.0.0.1 localhost\n");
    // A stand-in has nothing to register with.
    assert_eq!(
        scratch.read("calls"),
        "systemctl enable preflight-firstboot.service\nsystemctl enable \
         preflight-selfcheck.service\n"
    );
    assert_eq!(mode(&scratch.path("system/usr/libexec/preflight-firstboot")), 0o755);
}

#[test]
fn a_disc_that_is_not_what_the_manifest_says_stops_the_installation() {
    let (copy, install) = post("el6-full");
    let spoil = |change: &dyn Fn(&Scratch)| {
        let scratch = Scratch::new();
        change(&scratch);
        let output = scratch.run(&copy);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(
        spoil(&|s| s.write("disc/preflight/payload/preflight-firstboot", b"#!/bin/sh")),
        "preflight: preflight/payload/preflight-firstboot on the disc is not what the manifest \
         says\n"
    );
    assert_eq!(
        spoil(&|s| fs::remove_file(s.path("disc/ks.cfg")).unwrap()),
        "preflight: ks.cfg is missing from the disc\n"
    );
    assert_eq!(
        spoil(&|s| s.write("disc/preflight/manifest.sha256", b"")),
        "preflight: the manifest names no file\n"
    );

    // Damage on the way to the disk is found by the second script.
    let scratch = Scratch::new();
    assert!(scratch.run(&copy).status.success());
    scratch.write("system/root/preflight/agent.tar.gz", b"x");
    assert_eq!(scratch.run(&install).status.code(), Some(1));
}
