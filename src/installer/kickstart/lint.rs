//! Finds what is wrong with any kickstart, above all what pykickstart's validator accepts and the
//! installer does not.
//!
//! Not a validator of every option of every command: `ksvalidator` is, and the tests run it.
//!
//! Sources: anaconda 13.21.229 (kickstart.py, loader/kickstart.c) where the message says what the
//! installer does; the rest comes from failures in the field.

mod disks;
mod finding;
mod network;
mod options;
mod packages;
mod partitions;
mod script;
mod settings;
mod structure;
mod tables;
mod text;

use super::parse::parse;
use crate::packages::generation::Generation;
use finding::LintSubject;

pub(in crate::installer) use finding::Findings;
pub use finding::{LintFinding, LintSeverity, LintStyle};

/// Finds what is wrong with a kickstart, in the order of its lines; of each code the first hundred.
///
/// ```
/// use preflight::installer::kickstart::lint;
/// use preflight::packages::generation::Generation;
/// let lints = lint("part / --size=20G --ondisk=sda\n", Generation::EL6);
/// assert!(lints.iter().any(|lint| lint.code == "size-not-a-number" && lint.line == 1));
/// ```
pub fn lint(text: &str, generation: Generation) -> Vec<LintFinding> {
    let document = parse(text);
    let subject = LintSubject { text, document: &document, generation };
    let mut findings = Findings::default();
    text::check(&subject, &mut findings);
    structure::check(&subject, &mut findings);
    options::check(&subject, &mut findings);
    script::check(&subject, &mut findings);
    settings::check(&subject, &mut findings);
    network::check(&subject, &mut findings);
    disks::check(&subject, &mut findings);
    partitions::check(&subject, &mut findings);
    packages::check(&subject, &mut findings);
    let mut lints = findings.lints;
    let lines: Vec<&str> = text.lines().collect();
    lints.iter_mut().for_each(|lint| lint.set_column(&lines));
    lints.sort_by(|a, b| (a.line, a.severity, a.code).cmp(&(b.line, b.severity, b.code)));
    lints
}

#[cfg(test)]
mod tests {
    use super::finding::MAX_PER_CODE;
    use super::*;

    /// A kickstart that nothing is wrong with, for el6.
    const GOOD: &str = "\
install
text
cdrom
lang en_US.UTF-8
keyboard us
network --onboot=yes --bootproto=static --ip=192.0.2.10 --netmask=255.255.255.0 --gateway=192.0.2.1 --nameserver=192.0.2.53 --hostname=mt01
timezone --utc Etc/UTC
rootpw --iscrypted --lock *
firewall --enabled --port=443:tcp
ignoredisk --only-use=sda
zerombr
clearpart --all --drives=sda --initlabel
bootloader --location=partition --driveorder=sda
part / --fstype=ext4 --size=20480 --ondisk=sda
part swap --size=4096 --ondisk=sda
reboot
%packages --nobase
@core
%end
%post --erroronfail
echo
%end
";

    fn codes(text: &str, generation: Generation) -> Vec<(usize, &'static str)> {
        lint(text, generation).iter().map(|lint| (lint.line, lint.code)).collect()
    }

    #[test]
    fn a_good_kickstart_is_clean() {
        assert_eq!(lint(GOOD, Generation::EL6), []);
        assert_eq!(lint(&GOOD.replace(" --nobase", ""), Generation::EL7), []);
    }

    #[test]
    fn of_one_code_a_hundred_are_kept_and_none_of_another_is_lost() {
        let lints = lint(&format!("{}rootpw\n", "nonsense\n".repeat(5000)), Generation::EL6);
        let unknown = lints.iter().filter(|lint| lint.code == "unknown-command").count();
        assert_eq!(unknown, MAX_PER_CODE);
        assert!(lints.iter().any(|lint| lint.line == 5001), "{:?}", lints.last());
    }

    /// One change to the good kickstart, and all that is then found.
    type Case = (&'static str, &'static str, &'static [(usize, &'static str)]);

    #[test]
    fn every_fault_is_found_alone_and_on_its_line() {
        let cases: &[Case] = &[
            // The text.
            ("install", "\u{feff}install", &[(1, "byte-order-mark")]),
            ("text\n", "text\r\n", &[(2, "carriage-return")]),
            ("install", "install\u{7}", &[(1, "control-character"), (1, "unknown-command")]),
            ("--bootproto", "\u{2013}bootproto", &[(6, "non-ascii"), (6, "unknown-word")]),
            ("reboot\n", "reboot \\\n", &[(16, "backslash-at-line-end")]),
            ("echo\n", "echo \\\n", &[]),
            ("lang en_US.UTF-8", "lang 'en_US.UTF-8", &[(4, "unbalanced-quotes")]),
            ("keyboard us", "keyboard us # German", &[(5, "cut-short-by-hash")]),
            // The structure.
            ("echo\n%end\n", "echo\n", &[(20, "missing-end")]),
            ("@core\n%end\n", "@core\n", &[(17, "missing-end")]),
            ("reboot\n", "reboot\n%end\n", &[(17, "stray-end")]),
            ("reboot\n", "reboot\n%include /tmp/x\n", &[(17, "include")]),
            ("reboot\n", "reboot\n%ksappend /tmp/x\n", &[(17, "include")]),
            ("echo\n", "cat <<X\n%done\nX\n", &[(22, "percent-in-script")]),
            ("echo\n", "cat <<X\n %include y\nX\n", &[(22, "percent-in-script")]),
            ("%post --erroronfail", "%posts --erroronfail", &[(20, "unknown-section")]),
            ("install\n", "instal\n", &[(1, "unknown-command")]),
            ("install\n", "upgrade\n", &[(1, "upgrade")]),
            ("install\n", "interactive\n", &[(1, "asks-questions")]),
            ("install\n", "multipath --name=x --device=y --rule=z\n", &[(1, "not-implemented")]),
            ("install\n", "dmraid --name=x --dev=y\n", &[(1, "not-implemented")]),
            ("%post", "lang en_US\n%post", &[(20, "command-too-late"), (20, "written-twice")]),
            (
                "%post",
                "url --url=http://x\n%post",
                &[(20, "command-too-late"), (20, "two-sources")],
            ),
            ("reboot\n", "reboot\nreboot\n", &[(17, "written-twice")]),
            ("%post --erroronfail", "%post", &[(20, "errors-ignored")]),
            (
                "%post --erroronfail",
                "%post --erroronfail --interpreter=/usr/bin/zsh",
                &[(20, "unknown-interpreter")],
            ),
            ("%post --erroronfail", "%post --erroronfail --interpreter /bin/bash", &[]),
            // What must be there.
            ("text\n", "", &[(0, "no-display-mode")]),
            ("text\n", "cmdline\n", &[(2, "cmdline")]),
            ("cdrom\n", "", &[(0, "no-source")]),
            ("lang en_US.UTF-8\n", "", &[(0, "no-language")]),
            ("keyboard us\n", "", &[(0, "no-keyboard")]),
            ("timezone --utc Etc/UTC\n", "", &[(0, "no-timezone")]),
            (
                "timezone --utc Etc/UTC\n",
                "timezone --utc\n",
                &[(7, "missing-word"), (7, "no-timezone")],
            ),
            ("rootpw --iscrypted --lock *\n", "", &[(0, "no-root-password")]),
            ("zerombr\n", "", &[(0, "no-zerombr")]),
            ("zerombr\n", "zerombr yes\n", &[(11, "zerombr-value")]),
            ("bootloader --location=partition --driveorder=sda\n", "", &[(0, "no-bootloader")]),
            ("reboot\n", "", &[(0, "no-ending")]),
            ("reboot\n", "reboot\npoweroff\n", &[(17, "two-endings")]),
            ("cdrom\n", "cdrom\nnfs --server=a --dir=b\n", &[(4, "two-sources")]),
            // Settings.
            ("--iscrypted --lock *", "secret", &[(8, "plain-password")]),
            ("--iscrypted --lock *", "--plaintext secret", &[(8, "plain-password")]),
            ("--iscrypted --lock *", "--plain secret", &[(8, "plain-password")]),
            ("us\n", "usa\n", &[(5, "unknown-keyboard")]),
            ("en_US.UTF-8", "en-US.UTF-8", &[(4, "unknown-language")]),
            ("--utc Etc/UTC", "--utc Etc/Utcc", &[(7, "unknown-timezone")]),
            // Options and their values.
            ("--initlabel", "--initlable", &[(12, "unknown-option"), (12, "no-initlabel")]),
            ("--port=443:tcp", "--prt=443:tcp", &[(9, "unknown-option")]),
            ("--onboot=yes", "--onboot=maybe", &[(6, "bad-value"), (6, "not-on-boot")]),
            ("%packages --nobase", "%packages --nobase --nocore", &[(17, "unknown-option")]),
            ("--lock *", "--lock=yes *", &[(8, "bad-value")]),
            ("reboot\n", "reboot --eject --now\n", &[(16, "unknown-option")]),
            ("reboot\n", "reboot now\n", &[(16, "extra-word")]),
            ("lang en_US.UTF-8", "lang en_US.UTF-8 sv_SE.UTF-8", &[(4, "extra-word")]),
            ("reboot\n", "reboot\nrepo --baseurl=http://x\n", &[(17, "missing-option")]),
            (
                "reboot\n",
                "reboot\nrepo --name=x --baseurl=http://x --cost=dear\n",
                &[(17, "bad-value")],
            ),
            ("reboot\n", "reboot\nselinux --enforced\n", &[(17, "unknown-option")]),
            ("reboot\n", "reboot\nlogging --level=loud\n", &[(17, "bad-value")]),
            ("reboot\n", "reboot\nlogging --level\n", &[(17, "bad-value")]),
            ("--size=20480", "--size=100 --grow", &[]),
            ("reboot\n", "reboot\n# an end \\\n", &[]),
            ("echo\n", "if true; then\n echo\n", &[(21, "unclosed-block")]),
            ("echo\n", "echo\nfi\n", &[(22, "stray-word")]),
            ("--iscrypted --lock *", "--iscrypted $1$ab$cdef", &[(8, "weak-hash")]),
            ("--iscrypted --lock *", "--iscrypted $6$ab$cdef", &[(8, "weak-hash")]),
            ("--iscrypted --lock *", "--iscrypted a b", &[(8, "password-words")]),
            ("--iscrypted --lock *", "--iscrypted", &[(8, "password-words")]),
            ("install\n", "user --name=a --password=b\n", &[(1, "plain-password")]),
            ("install\n", "firstboot --enable\n", &[(1, "asks-questions")]),
            ("install\n", "mediacheck\n", &[(1, "asks-questions")]),
            ("443:tcp", "443", &[(9, "port-without-protocol")]),
            ("443:tcp", "443:tcp,x:tcp", &[(9, "port-without-protocol")]),
            // The network.
            (" --ip=192.0.2.10", "", &[(6, "static-incomplete")]),
            (" --netmask=255.255.255.0", "", &[(6, "static-incomplete")]),
            (" --gateway=192.0.2.1", "", &[(6, "static-incomplete")]),
            (" --nameserver=192.0.2.53", "", &[(6, "no-name-server")]),
            ("--ip=192.0.2.10", "--ip=192.0.2", &[(6, "bad-address")]),
            ("--gateway=192.0.2.1", "--gateway=198.51.100.1", &[(6, "gateway-outside")]),
            ("--bootproto=static", "--bootproto=fixed", &[(6, "unknown-bootproto")]),
            ("--hostname=mt01", "--hostname='mt 01'", &[(6, "bad-host-name")]),
            ("--hostname=mt01", "--hostname=localhost", &[(6, "bad-host-name")]),
            (" --hostname=mt01", "", &[(6, "no-host-name")]),
            ("--onboot=yes", "--onboot=no", &[(6, "not-on-boot")]),
            ("--ip=192.0.2.10", "--ip=192.0.2.10 stray", &[(6, "unknown-word")]),
            // Disks.
            ("clearpart --all --drives=sda --initlabel\n", "", &[(0, "no-clearpart")]),
            (" --drives=sda", "", &[(12, "erases-any-disk")]),
            ("ignoredisk --only-use=sda\n", "", &[(0, "other-disks-usable")]),
            (
                "ignoredisk --only-use=sda",
                "ignoredisk --interactive",
                &[(0, "other-disks-usable"), (10, "asks-questions")],
            ),
            (
                "--drives=sda",
                "--drives=sdb",
                &[(12, "disk-not-usable"), (14, "disk-not-cleared"), (15, "disk-not-cleared")],
            ),
            (" --initlabel", "", &[(12, "no-initlabel")]),
            ("--all --drives=sda --initlabel", "--none", &[(12, "nothing-cleared")]),
            ("--location=partition", "--location=none", &[(13, "no-boot-loader")]),
            ("--location=partition", "--location=root", &[(13, "unknown-location")]),
            ("--driveorder=sda", "--driveorder=sdb", &[(13, "disk-not-usable")]),
            // Partitions.
            ("part / --fstype=ext4 --size=20480 --ondisk=sda\n", "", &[(0, "no-root-partition")]),
            ("part swap --size=4096 --ondisk=sda\n", "", &[(0, "no-swap")]),
            (" --size=20480", "", &[(14, "part-without-size")]),
            (" --size=20480", " --grow", &[(14, "part-without-size")]),
            ("--size=20480", "--size=20G", &[(14, "size-not-a-number")]),
            ("--size=20480", "--size=100", &[(14, "partition-too-small")]),
            ("--fstype=ext4", "--fstype=zfs", &[(14, "unknown-fstype")]),
            (
                "part swap --size=4096 --ondisk=sda",
                "part swap --size=4096",
                &[(15, "part-without-disk")],
            ),
            ("part swap", "part /", &[(0, "no-swap"), (15, "mounted-twice")]),
            ("reboot", "part /mnt --size=1 --ondisk=sda\nreboot", &[(16, "bad-mount-point")]),
            ("reboot", "part mnt --size=1 --ondisk=sda\nreboot", &[(16, "bad-mount-point")]),
            (
                "reboot",
                "part --size=1 --ondisk=sda\nreboot",
                &[(16, "bad-mount-point"), (16, "missing-word")],
            ),
            (
                "reboot",
                "part /mnt/retention --size=1 --ondisk=sda\nreboot",
                &[(16, "retention-on-system-disk")],
            ),
            ("reboot", "part pv.1 --size=1 --ondisk=sda\nreboot", &[(16, "not-a-plain-partition")]),
            ("reboot", "volgroup a pv.1\nreboot", &[(16, "not-a-plain-partition")]),
            ("reboot", "autopart\nreboot", &[(16, "not-a-plain-partition"), (16, "two-layouts")]),
            (
                "reboot",
                "part /boot/efi --size=10 --ondisk=sda\nreboot",
                &[(13, "boot-sector-under-uefi"), (16, "partition-too-small")],
            ),
            // Packages.
            ("%packages --nobase\n@core\n%end\n", "", &[(0, "no-packages")]),
            ("@core\n", "", &[(17, "no-packages")]),
            ("--nobase", "--nobase --ignoremissing", &[(17, "ignore-missing")]),
            (" --nobase", "", &[(17, "not-minimal")]),
            ("@core\n", "@core\n@base\n", &[(19, "not-minimal")]),
            ("@core\n", "@core\nperl wget\n", &[(19, "bad-package-name")]),
        ];
        let mut wrong = Vec::new();
        for (from, to, expected) in cases {
            assert!(GOOD.contains(from), "{from:?}");
            let seen = codes(&GOOD.replacen(from, to, 1), Generation::EL6);
            if seen != *expected {
                wrong.push(format!("{from:?} -> {to:?}: expected {expected:?}, seen {seen:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_finding_says_where_in_its_line_and_for_whom() {
        let text = GOOD.replace("--initlabel", "--initlable").replace("reboot", " rboot");
        let of = |code: &str| {
            let lints = lint(&text, Generation::EL6);
            let lint = lints.iter().find(|lint| lint.code == code).unwrap();
            (lint.line, lint.column, lint.style, lint.severity.as_str(), lint.hint.clone())
        };
        let initlabel = of("unknown-option");
        assert_eq!(
            initlabel,
            (12, 30, LintStyle::Syntax, "error", Some("write --initlabel".to_owned()))
        );
        assert_eq!(of("unknown-command").1, 2);
        assert_eq!((of("no-ending").1, of("no-ending").2), (0, LintStyle::Policy));
        let el7 = GOOD.replace(" --nobase", "").replace("--utc Etc/UTC", "--isUtc --nontp UTC");
        assert_eq!(codes(&el7, Generation::EL7), []);
        assert_eq!(codes(&el7, Generation::EL6)[0], (7, "unknown-option"));
    }

    #[test]
    fn what_only_one_generation_knows_is_found_for_the_other() {
        assert_eq!(codes(GOOD, Generation::EL7), [(17, "nobase-on-el7")]);
        let el7 = GOOD.replace(" --nobase", "");
        for (line, generation, code) in [
            ("btrfs / --data=0\n", Generation::EL6, "unknown-command"),
            ("monitor\n", Generation::EL7, "unknown-command"),
        ] {
            let lints = lint(&format!("{line}{el7}"), generation);
            assert!(lints.iter().any(|lint| (lint.line, lint.code) == (1, code)), "{line}");
        }
    }

    #[test]
    fn two_disks_that_can_swap_want_a_guard() {
        let two = GOOD
            .replace("--only-use=sda", "--only-use=sda,sdb")
            .replace("--drives=sda", "--drives=sda,sdb");
        assert_eq!(codes(&two, Generation::EL6), [(12, "disks-can-swap")]);
        let lasting = two
            .replace("sda", "disk/by-path/pci-0-scsi-0:0:0:0")
            .replace("sdb", "disk/by-path/pci-0-scsi-0:0:1:0");
        assert_eq!(codes(&lasting, Generation::EL6), [(13, "no-such-boot-drive")]);
    }

    #[test]
    fn hostile_text_is_survived() {
        for text in ["", "\0", "%", "%end", "%post", "'", "\\", "%packages\n%packages\n%post --x='"]
        {
            assert!(!lint(text, Generation::EL6).is_empty());
        }
        let large = "#\n".repeat(40_000);
        assert!(codes(&large, Generation::EL6).contains(&(0, "too-large")));
    }
}
