//! What invented hosts say of updates of their kernel.

use super::*;
use crate::facts::file::ABSENT;
use crate::facts::file::tests::guest_transcript;
use crate::facts::guest::packages;

fn frozen(packages: &str, answers: &[(&str, i32, &str)]) -> Option<(bool, String)> {
    let facts = from_transcript(&guest_transcript(answers), &packages::parse(packages).into());
    facts.ok().map(|facts| (facts.frozen, facts.how))
}

#[test]
fn the_kernel_is_excluded_by_a_pattern_that_covers_it() {
    for (pattern, covers) in [
        ("kernel*", true),
        ("kernel", true),
        ("kernel-*", true),
        ("kernel.x86_64", true),
        ("kernel-2.6.32*", true),
        ("kernel-2.6.32-504*", false),
        ("k?rnel", true),
        ("*", true),
        ("kernel-headers", false),
        ("kernel-devel*", false),
        ("kernels*", false),
        ("Kernel*", false),
        ("", false),
    ] {
        assert_eq!(is_kernel(pattern), covers, "{pattern:?}");
    }
    for (text, patterns) in [
        ("[main]\nexclude=kernel*\n", &["kernel*"][..]),
        ("[main]\r\nexclude = kernel* \r\n", &["kernel*"]),
        ("[main]\nexclude=perl,\n\tkernel*\nplugins=1\n", &["perl", "kernel*"]),
        ("[main]\n#exclude=kernel*\n", &[]),
        ("[updates]\nexclude=kernel*\n[main]\nexcludepkgs=a\n", &["a"]),
        ("exclude=kernel*\n", &[]),
        ("[main]\nexclude\n", &[]),
        ("[main]\nexcludes=kernel*\n", &[]),
        ("[main]\nexclude=kernel*\nexclude=php*\n", &["php*"]),
        ("[main]\nexclude=kernel*\n[main]\nexclude=\n", &[]),
    ] {
        assert_eq!(excluded_patterns(text, &["exclude", "excludepkgs"]), patterns, "{text:?}");
    }
}

#[test]
fn a_centos_master_target_has_to_keep_its_kernel() {
    let rpm = "manager rpm\nbash 4.1.2 29.el6 x86_64\n";
    let files = |yum: &str, lock: &str| {
        frozen(
            rpm,
            &[
                ("yum-conf", 0, yum),
                ("dnf-conf", ABSENT, ""),
                ("version-lock", if lock.is_empty() { ABSENT } else { 0 }, lock),
                ("version-lock-conf", 0, "[main]\nenabled = 1\n"),
                ("yum-repositories", 0, "[base]\n[updates]\n"),
            ],
        )
    };
    let how = |frozen, how: &str| Some((frozen, how.to_owned()));
    assert_eq!(files("[main]\nexclude=kernel*\n", ""), how(true, "/etc/yum.conf excludes kernel*"));
    assert_eq!(
        files("[main]\nplugins=1\n", "# locks\n0:kernel-2.6.32-504.el6.*\n"),
        how(true, "the version is locked: 0:kernel-2.6.32-504.el6.*")
    );
    assert_eq!(files("[main]\n", ""), how(false, "nothing excludes the kernel from an update"));
    assert_eq!(
        frozen(
            &format!("{rpm}yum-cron 3.2.29 60.el6 noarch\n"),
            &[
                ("yum-conf", ABSENT, ""),
                ("dnf-conf", ABSENT, ""),
                ("version-lock", ABSENT, ""),
                ("yum-repositories", ABSENT, "")
            ]
        ),
        how(false, "nothing excludes the kernel, and yum-cron is installed")
    );
    // What could not be read may hold the line that matters.
    assert_eq!(frozen(rpm, &[("yum-conf", 1, ""), ("dnf-conf", ABSENT, "")]), None);
    assert_eq!(frozen("", &[("yum-conf", 0, "[main]\nexclude=kernel*\n")]), None);
}

#[test]
fn a_lock_needs_its_plug_in() {
    let lock = "0:kernel-2.6.32-504.el6.*\n";
    let yum = "[main]\nplugins=1\n";
    for (yum, list, conf, expected) in [
        (yum, lock, (0, "[main]\nenabled = 1\n"), Some(true)),
        (yum, lock, (0, "[main]\nenabled=0\n"), Some(false)),
        (yum, lock, (0, "[main]\n"), Some(false)),
        (yum, lock, (ABSENT, ""), Some(false)),
        (yum, lock, (1, ""), None),
        (yum, lock, (0, "[main]\nenabled=1\nlocklist=/etc/other\n"), None),
        ("[main]\nplugins=0\n", lock, (0, "[main]\nenabled=1\n"), Some(false)),
        ("[main]\n", lock, (0, "[main]\nenabled=1\n"), Some(false)),
        (yum, "!0:kernel-2.6.32-504.el6.*\n", (0, "[main]\nenabled=1\n"), Some(false)),
        (yum, "0:kernel-2.6.32-*\n", (0, "[main]\nenabled=1\n"), Some(false)),
        (yum, "0:kernel-2.6.32-504*.x86_64\n", (0, "[main]\nenabled=1\n"), Some(false)),
        (yum, "0:kernel-devel-2.6.32-504.el6.*\n", (0, "[main]\nenabled=1\n"), Some(false)),
    ] {
        let facts = frozen(
            "manager rpm\nbash 4.1.2 29.el6 x86_64\n",
            &[
                ("yum-conf", 0, yum),
                ("dnf-conf", ABSENT, ""),
                ("version-lock", 0, list),
                ("version-lock-conf", conf.0, conf.1),
                ("yum-repositories", 0, "[base]\n"),
            ],
        );
        assert_eq!(facts.map(|(frozen, _)| frozen), expected, "{yum}{list}{conf:?}");
    }
}

#[test]
fn repositories_exclude_the_kernel_when_all_that_are_on_do() {
    for (repositories, expected) in [
        ((0, "[base]\nexclude=kernel*\n[updates]\nexclude=kernel*\n"), Some(true)),
        ((0, "[base]\nexclude=kernel*\n[plus]\nenabled=0\n"), Some(true)),
        ((0, "[base]\nexclude=kernel*\n[extras]\nenabled=1\n"), None),
        ((0, "[base]\nexclude=kernel*\nexclude=php\n[updates]\n"), Some(false)),
        ((0, "[base]\nenabled=0\nexclude=kernel*\n[updates]\n"), Some(false)),
        ((0, "[base]\n[updates]\n"), Some(false)),
        ((0, ""), Some(false)),
        ((ABSENT, ""), Some(false)),
        ((1, ""), None),
    ] {
        let facts = frozen(
            "manager rpm\nbash 4.1.2 29.el6 x86_64\n",
            &[
                ("yum-conf", 0, "[main]\n"),
                ("dnf-conf", ABSENT, ""),
                ("version-lock", ABSENT, ""),
                ("yum-repositories", repositories.0, repositories.1),
            ],
        );
        assert_eq!(facts.map(|(frozen, _)| frozen), expected, "{repositories:?}");
    }
    // A capture of old, whose host was not asked.
    let old = [("yum-conf", 0, "[main]\n"), ("dnf-conf", ABSENT, ""), ("version-lock", ABSENT, "")];
    assert_eq!(frozen("manager rpm\nbash 4.1.2 29.el6 x86_64\n", &old), None);
    let off = [
        ("yum-conf", 0, "[main]\nexclude=kernel*\ndisable_excludes=all\n"),
        ("dnf-conf", ABSENT, ""),
        ("version-lock", ABSENT, ""),
    ];
    assert_eq!(frozen("manager rpm\nbash 4.1.2 29.el6 x86_64\n", &off), None);
}

#[test]
fn every_package_that_brings_a_kernel_must_be_held() {
    let on = "APT::Architecture \"amd64\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n";
    let line = |name: &str, held: bool| {
        format!("{name} 4.4 - amd64 {} ok installed\n", if held { "hold" } else { "install" })
    };
    let kernel = line("linux-image-4.4.0-21-generic", false);
    for (packages, expected) in [
        (vec![("linux-image-generic", true)], true),
        (vec![("linux-generic", true), ("linux-image-generic", true)], true),
        // The one depends on the very version of the other.
        (vec![("linux-generic", false), ("linux-image-generic", true)], true),
        (vec![("linux-generic", true), ("linux-image-generic", false)], false),
        (vec![("linux-image-generic", true), ("linux-image-generic-hwe-16.04", false)], false),
        (vec![("linux-image-generic", true), ("linux-generic-hwe-16.04", false)], false),
        (vec![("linux-image-generic", true), ("linux-image-virtual", false)], false),
        (vec![("linux-image-generic-hwe-20.04", true), ("linux-headers-generic", false)], true),
        (
            vec![("linux-image-generic", true), ("linux-base", false), ("linux-firmware", false)],
            true,
        ),
        (vec![("linux-headers-generic", true)], false),
        (vec![], false),
    ] {
        let list: String = packages.iter().map(|(name, held)| line(name, *held)).collect();
        let dpkg = format!("manager dpkg\nbash 4.3 - amd64 install ok installed\n{kernel}{list}");
        let facts = frozen(&dpkg, &[("apt-settings", 0, on)]);
        assert_eq!(facts.map(|(frozen, _)| frozen), Some(expected), "{list}");
    }
    // An upgrade that somebody asks for brings a kernel as well.
    let off = "APT::Architecture \"amd64\";\nAPT::Periodic::Unattended-Upgrade \"0\";\n";
    let with = |metas: String| {
        format!("manager dpkg\nbash 4.3 - amd64 install ok installed\n{kernel}{metas}")
    };
    let hwe = line("linux-image-generic", true) + &line("linux-generic-hwe-16.04", false);
    let how = "not on hold: linux-generic-hwe-16.04; apt waits to be asked".to_owned();
    assert_eq!(frozen(&with(hwe), &[("apt-settings", 0, off)]), Some((false, how)));
    // Nothing brings another kernel when only this one is installed.
    assert!(frozen(&with(String::new()), &[("apt-settings", 0, off)]).unwrap().0);
    // Who was asked about four names says nothing of a fifth.
    let old = format!(
        "manager dpkg\nbash 4.3 - amd64 install ok installed\n{}",
        line("linux-image-generic", true)
    );
    assert!(!frozen(&old, &[("apt-settings", 0, on)]).unwrap().0);
}

#[test]
fn a_kernel_that_apt_refuses_is_kept_and_a_blacklist_is_no_hold() {
    let dpkg = "manager dpkg\nbash 4.3 - amd64 install ok installed\n\
                linux-image-5.4.0-42-generic 5.4.0-42.46 - amd64 install ok installed\n\
                linux-image-generic 5.4.0.42.46 - amd64 install ok installed\n\
                linux-generic 5.4.0.42.46 - amd64 install ok installed\n";
    let on = "APT::Architecture \"amd64\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n";
    let outcome = |settings: &str, status, pins: &str| {
        frozen(dpkg, &[("apt-settings", 0, settings), ("apt-preferences", status, pins)])
    };
    let pin = |packages: &str, pin: &str| {
        format!("Package: {packages}\nPin: {pin}\nPin-Priority: -1\n\n")
    };
    for (packages, by, expected) in [
        ("linux-image-* linux-generic", "release *", Some(true)),
        // The one depends on the very version of the other, and that on a kernel of its own.
        ("linux-image-generic", "version *", Some(true)),
        ("linux-image-[0-9]*", "release *", Some(true)),
        ("linux-image-5.4.0-42-generic", "release *", Some(false)),
        ("linux-headers-*", "release *", Some(false)),
        ("linux-generic", "release *", Some(false)),
        ("linux-image-*", "release o=Ubuntu", None),
    ] {
        let facts = outcome(on, 0, &pin(packages, by));
        assert_eq!(facts.map(|(frozen, _)| frozen), expected, "{packages} {by}");
    }
    let how = "pinned by apt's preferences: linux-image-generic, linux-generic".to_owned();
    assert_eq!(outcome(on, 0, &pin("linux-*", "release *")), Some((true, how)));
    // What could not be read may hold the record that matters.
    for (status, pins) in [(1, ""), (0, "garbage\n"), (124, "")] {
        assert_eq!(outcome(on, status, pins), None, "{status} {pins}");
    }
    let blacklist = format!("{on}Unattended-Upgrade::Package-Blacklist:: \"linux-\";\n");
    let how = "not on hold: linux-image-generic, linux-generic; apt installs updates by itself, but not \
               what its blacklist has (linux-); an upgrade by hand brings that";
    assert_eq!(outcome(&blacklist, 0, ""), Some((false, how.to_owned())));
}

#[test]
fn what_apt_does_by_itself_is_its_own_word() {
    let dpkg = "manager dpkg\nbash 4.3 - amd64 install ok installed\n";
    let settings =
        |text: &str| frozen(dpkg, &[("apt-settings", 0, text)]).map(|(frozen, _)| frozen);
    let arch = "APT::Architecture \"amd64\";\n";
    for (text, expected) in [
        ("", Some(true)),
        ("APT::Periodic::Unattended-Upgrade \"1\";\n", Some(false)),
        ("APT::Periodic::Unattended-Upgrade \"0\";\n", Some(true)),
        ("APT::Periodic::Enable \"0\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n", Some(true)),
        ("apt-config: command not found\n", None),
    ] {
        assert_eq!(settings(&format!("{arch}{text}")), expected, "{text:?}");
    }
    assert_eq!(settings(""), None);
    assert_eq!(settings("APT::Periodic::Unattended-Upgrade \"0\";\n"), None);
}

#[test]
fn an_ubuntu_master_target_must_not_update_itself() {
    let dpkg = "manager dpkg\nbash 4.3 - amd64 install ok installed\n";
    let upgrades = |text| frozen(dpkg, &[("auto-upgrades", 0, text)]).unwrap().0;
    assert!(!upgrades(
        "APT::Periodic::Update-Package-Lists \"1\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n"
    ));
    assert!(upgrades("APT::Periodic::Unattended-Upgrade \"0\";\n"));
    assert!(!upgrades(
        "APT::Periodic::Unattended-Upgrade \"0\";\nAPT::Periodic::Unattended-Upgrade\t\"1\";\n"
    ));
    assert!(upgrades("APT::Periodic::Unattended-Upgrade-Shutdown \"1\";\n"));
    assert!(upgrades("// APT::Periodic::Unattended-Upgrade \"1\";\n"));
    assert!(frozen(dpkg, &[("auto-upgrades", ABSENT, "")]).unwrap().0);
    assert_eq!(frozen(dpkg, &[("auto-upgrades", 1, "")]), None);
}
