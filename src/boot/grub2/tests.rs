//! Menus in the shape of vendors', read and edited.

use super::*;
use crate::boot::{BootConfig, MenuFormat};

/// The shape of EFI/BOOT/grub.cfg on CentOS 7 media.
const EL7: &str = r#"set default="1"

function load_video {
  insmod efi_gop
  insmod all_video
}

load_video
set gfxpayload=keep
insmod gzio

set timeout=60
### END /etc/grub.d/00_header ###

search --no-floppy --set=root -l 'CentOS 7 x86_64'

### BEGIN /etc/grub.d/10_linux ###
menuentry 'Install CentOS 7' --class fedora --class os {
	linuxefi /images/pxeboot/vmlinuz inst.stage2=hd:LABEL=CentOS\x207\x20x86_64 quiet
	initrdefi /images/pxeboot/initrd.img
}
menuentry 'Test this media & install CentOS 7' --class fedora --class os {
	linuxefi /images/pxeboot/vmlinuz inst.stage2=hd:LABEL=CentOS\x207\x20x86_64 rd.live.check quiet
	initrdefi /images/pxeboot/initrd.img
}
submenu 'Troubleshooting -->' {
	menuentry 'Install CentOS 7 in basic graphics mode' --class fedora {
		linuxefi /images/pxeboot/vmlinuz inst.stage2=hd:LABEL=CentOS\x207\x20x86_64 xdriver=vesa nomodeset quiet
		initrdefi /images/pxeboot/initrd.img
	}
	menuentry 'Rescue a CentOS system' --class fedora {
		linuxefi /images/pxeboot/vmlinuz inst.stage2=hd:LABEL=CentOS\x207\x20x86_64 rescue quiet
		initrdefi /images/pxeboot/initrd.img
	}
}
"#;

fn new() -> NewMenuEntry {
    NewMenuEntry::unattended("inst.ks=hd:LABEL=CentOS\\x207\\x20x86_64:/ks.cfg", 2)
}

fn config(text: &str) -> BootConfig {
    BootConfig::parse(MenuFormat::Grub2, text).unwrap()
}

#[test]
fn the_menu_of_el7_is_read() {
    let config = config(EL7);
    let seen: Vec<_> =
        config.entries().iter().map(|e| (e.title.as_str(), e.args.len(), e.is_default)).collect();
    let expected = [
        ("Install CentOS 7", 2, false),
        ("Test this media & install CentOS 7", 3, true),
        ("Install CentOS 7 in basic graphics mode", 4, false),
        ("Rescue a CentOS system", 3, false),
    ];
    assert_eq!(seen, expected);
    let first = &config.entries()[0];
    assert_eq!(first.kernel.as_deref(), Some("/images/pxeboot/vmlinuz"));
    assert_eq!(first.initrd.as_deref(), Some("/images/pxeboot/initrd.img"));
    assert_eq!(first.args, [r"inst.stage2=hd:LABEL=CentOS\x207\x20x86_64", "quiet"]);
    assert_eq!(config.start(), crate::boot::MenuStart::After(Duration::from_secs(60)));
    assert_eq!(config.volume_labels(), ["CentOS 7 x86_64"]);
    assert_eq!(config.install_entry().unwrap().title, "Install CentOS 7");
}

#[test]
fn an_unattended_entry_comes_first_and_the_rest_stays() {
    let text = config(EL7).with_unattended_entry(&new()).unwrap();
    let added = r"menuentry 'Install unattended' --class fedora --class os {
	linuxefi /images/pxeboot/vmlinuz inst.stage2=hd:LABEL=CentOS\x207\x20x86_64 quiet inst.ks=hd:LABEL=CentOS\x207\x20x86_64:/ks.cfg
	initrdefi /images/pxeboot/initrd.img
}
";
    let expected = EL7
        .replace("set default=\"1\"", "set default=\"0\"")
        .replace("set timeout=60", "set timeout=2")
        .replace("menuentry 'Install CentOS 7' ", &format!("{added}menuentry 'Install CentOS 7' "));
    assert_eq!(text, expected);
    let again = config(&text);
    assert!(again.entries()[0].is_default);
    assert_eq!(again.start(), crate::boot::MenuStart::After(Duration::from_secs(2)));
    assert!(matches!(again.with_unattended_entry(&new()), Err(BootConfigError::Exists(..))));
}

#[test]
fn a_menu_that_only_tests_the_medium_loses_the_test() {
    let text = "menuentry \"Test this media & install\" --id test {\r\n  linux /k rd.live.check ks=nfs:x\r\n  initrd /i\r\n}\r\n";
    let grown = config(text).with_unattended_entry(&new()).unwrap();
    let added = "set default=0\r\nset timeout=2\r\nmenuentry \"Install unattended\" {\r\n  linux /k inst.ks=hd:LABEL=CentOS\\x207\\x20x86_64:/ks.cfg\r\n  initrd /i\r\n}\r\n";
    assert_eq!(grown, format!("{added}{text}"));
}

#[test]
fn an_entry_of_a_submenu_is_copied_to_the_top_level() {
    let text = "submenu x {\n\tmenuentry y {\n\t\tlinux /k\n\t\tinitrd /i\n\t}\n}\n";
    let grown = config(text).with_unattended_entry(&new()).unwrap();
    assert!(grown.contains("menuentry 'Install unattended' {\n\tlinux /k inst.ks="), "{grown}");
    assert!(grown.ends_with(text));
    assert!(config(&grown).entries()[0].is_default);
}

#[test]
fn assignments_in_conditions_are_overruled_and_those_in_blocks_stay() {
    let text = "if [ x ]; then\n  set default=\"${saved}\"\nfi\nmenuentry a {\n\tset timeout=9\n\tlinux /k\n\tinitrd /i\n}\ndefault=3\n";
    let grown = config(text).with_unattended_entry(&new()).unwrap();
    assert!(
        grown.starts_with("if [ x ]; then\n  set default=\"0\"\nfi\nset timeout=2\nmenuentry"),
        "{grown}"
    );
    assert!(grown.ends_with("}\ndefault=0\n"), "{grown}");
    assert_eq!(grown.matches("\tset timeout=9\n").count(), 2);
}

#[test]
fn what_goes_on_in_the_next_line_is_refused() {
    let text = "menuentry a {\n linux /k a \\\n b\n initrd /i\n}\n";
    let error = config(text).with_unattended_entry(&new()).unwrap_err();
    assert!(matches!(error, BootConfigError::Uncopyable { line: 2, .. }), "{error:?}");
}

#[test]
fn a_key_of_the_vendors_entry_does_not_start_ours() {
    for option in ["--hotkey=i", "--hotkey i", "--hotkey=i --id x"] {
        let text = format!("menuentry a --class x {option} {{\n linux /k\n initrd /i\n}}\n");
        let grown = config(&text).with_unattended_entry(&new()).unwrap();
        assert!(grown.contains("menuentry 'Install unattended' --class x {\n"), "{grown}");
        assert_eq!(grown.matches("hotkey").count(), 1);
    }
}

#[test]
fn a_label_in_a_variable_ends_with_its_argument() {
    let text = "set x=\"quiet inst.stage2=hd:LABEL=CentOS\\x207 rd.live.check\"\n";
    assert_eq!(config(text).volume_labels(), ["CentOS 7"]);
}

#[test]
fn searched_labels_are_found() {
    for (line, label) in [
        ("search --no-floppy --set=root -l 'CentOS 7 x86_64'", Some("CentOS 7 x86_64")),
        ("search --label \"X\" --set=root", Some("X")),
        ("search --set=root --file /x", None),
        ("search.fs_label X root", Some("X")),
        ("search", None),
        ("# search -l X", None),
    ] {
        assert_eq!(config(line).volume_labels().first().map(String::as_str), label, "{line}");
    }
}

#[test]
fn odd_words_do_not_panic() {
    for text in ["'", "\"\\", "menuentry", "menuentry {", "}}}", "set", "=", "a\\", "set default"] {
        let config = config(text);
        assert!(config.with_unattended_entry(&new()).is_err(), "{text:?}");
    }
    let deep = "{ ".repeat(100_000);
    assert_eq!(config(&deep).entries(), []);
}
