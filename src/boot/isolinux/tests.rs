//! Menus of isolinux as vendors write them, and what becomes of them.

use super::super::{BootConfig, BootConfigError, MenuFormat};
use super::*;

/// The shape of isolinux.cfg on CentOS 6.6 media.
const EL6: &str = "default vesamenu.c32
#prompt 1
timeout 600

display boot.msg

menu background splash.jpg
menu title Welcome to CentOS 6.6!
menu color border 0 #ffffffff #00000000

label linux
  menu label ^Install or upgrade an existing system
  menu default
  kernel vmlinuz
  append initrd=initrd.img
label vesa
  menu label Install system with ^basic video driver
  kernel vmlinuz
  append initrd=initrd.img xdriver=vesa nomodeset
label rescue
  menu label ^Rescue installed system
  kernel vmlinuz
  append initrd=initrd.img rescue
label local
  menu label Boot from ^local drive
  localboot 0xffff
label memtest86
  menu label ^Memory test
  kernel memtest
  append -
";

/// The shape of isolinux.cfg on CentOS 7 media.
const EL7: &str = r"default vesamenu.c32
timeout 600

display boot.msg

# Clear the screen when exiting the menu, instead of leaving the menu displayed.
menu clear
menu background splash.png
menu title CentOS 7

label linux
  menu label ^Install CentOS 7
  kernel vmlinuz
  append initrd=initrd.img inst.stage2=hd:LABEL=CentOS\x207\x20x86_64 quiet

label check
  menu label Test this ^media & install CentOS 7
  menu default
  kernel vmlinuz
  append initrd=initrd.img inst.stage2=hd:LABEL=CentOS\x207\x20x86_64 rd.live.check quiet

menu separator # insert an empty line

# utilities submenu
menu begin ^Troubleshooting
  menu title Troubleshooting

label vesa
  menu indent count 5
  menu label Install CentOS 7 in ^basic graphics mode
  text help
	Try this option out if you're having trouble installing
	label nonsense
  endtext
  kernel vmlinuz
  append initrd=initrd.img inst.stage2=hd:LABEL=CentOS\x207\x20x86_64 xdriver=vesa nomodeset quiet

label rescue
  menu indent count 5
  menu label ^Rescue a CentOS system
  menu default
  kernel vmlinuz
  append initrd=initrd.img inst.stage2=hd:LABEL=CentOS\x207\x20x86_64 rescue quiet

menu separator # insert an empty line

label returntomain
  menu label Return to ^main menu
  menu exit
menu end
";

fn new() -> NewMenuEntry {
    NewMenuEntry::unattended("ks=cdrom:/ks.cfg", 1)
}

fn config(text: &str) -> BootConfig {
    BootConfig::parse(MenuFormat::Isolinux, text).unwrap()
}

#[test]
fn the_menu_of_el6_is_read() {
    let config = config(EL6);
    let seen: Vec<_> = config
        .entries()
        .iter()
        .map(|e| (e.id.as_str(), e.kernel.as_deref(), e.args.as_slice(), e.is_default))
        .collect();
    let nothing: &[String] = &[];
    let args = |args: &[&str]| args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
    let expected = [
        ("linux", Some("vmlinuz"), nothing, true),
        ("vesa", Some("vmlinuz"), &args(&["xdriver=vesa", "nomodeset"]), false),
        ("rescue", Some("vmlinuz"), &args(&["rescue"]), false),
        ("local", None, nothing, false),
        ("memtest86", Some("memtest"), nothing, false),
    ];
    assert_eq!(seen, expected);
    assert_eq!(config.entries()[0].title, "Install or upgrade an existing system");
    assert_eq!(config.entries()[0].initrd.as_deref(), Some("initrd.img"));
    assert_eq!(config.entries()[4].initrd, None);
    assert_eq!(config.start(), crate::boot::MenuStart::After(Duration::from_secs(60)));
}

#[test]
fn an_unattended_entry_comes_first_and_the_rest_stays() {
    let added = "label install-unattended\n  menu label Install unattended\n  menu default\n  kernel vmlinuz\n  append initrd=initrd.img ks=cdrom:/ks.cfg\n\n";
    let expected = EL6
        .replace("  menu default\n", "")
        .replace("timeout 600", "timeout 10")
        .replace("label linux", &format!("{added}label linux"));
    assert_eq!(config(EL6).with_unattended_entry(&new()).unwrap(), expected);

    let windows = EL6.replace('\n', "\r\n");
    let grown = config(&windows).with_unattended_entry(&new()).unwrap();
    assert_eq!(grown, expected.replace('\n', "\r\n"));
    let again = config(&grown);
    assert_eq!(again.default_entry().unwrap().id, "install-unattended");
    assert!(matches!(again.with_unattended_entry(&new()), Err(BootConfigError::Exists(..))));
}

#[test]
fn the_menu_of_el7_keeps_its_submenu() {
    let before = config(EL7);
    assert_eq!(before.default_entry().unwrap().id, "check");
    assert_eq!(before.volume_labels(), ["CentOS 7 x86_64"]);
    let ids: Vec<_> = before.entries().iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids, ["linux", "check", "vesa", "rescue", "returntomain"]);

    let grown = before.with_unattended_entry(&new()).unwrap();
    let after = config(&grown);
    assert_eq!(after.default_entry().unwrap().id, "install-unattended");
    assert_eq!(
        after.entries()[0].args,
        [r"inst.stage2=hd:LABEL=CentOS\x207\x20x86_64", "quiet", "ks=cdrom:/ks.cfg"]
    );
    // The mark inside of the sub-menu is the sub-menu's own.
    assert_eq!(grown.matches("menu default").count(), 2);
    let submenu = |text: &str| text[text.find("# utilities").unwrap()..].to_owned();
    assert_eq!(submenu(&grown), submenu(EL7));
}

#[test]
fn whatever_decides_the_default_decides_for_the_new_entry() {
    let entry = "label a\n  linux k\n  initrd i\n  append quiet\n";
    let added = "label install-unattended\n  menu label Install unattended\n  menu default\n  linux k\n  initrd i\n  append quiet ks=cdrom:/ks.cfg\n\n";
    let label = "install-unattended";
    for (head, expected) in [
        ("", format!("timeout 10\ndefault {label}\nprompt 1\n")),
        ("DEFAULT a\nprompt 0\n", format!("DEFAULT {label}\nprompt 1\ntimeout 10\n")),
        ("default a single\nTIMEOUT 0\n", format!("default {label}\nTIMEOUT 10\nprompt 1\n")),
        ("ui vesamenu.c32\ntimeout 5\n", "ui vesamenu.c32\ntimeout 10\n".to_owned()),
        (
            "default menu.c32\nontimeout a\ntimeout 5\n",
            format!("default menu.c32\nontimeout {label}\ntimeout 10\n"),
        ),
    ] {
        let grown = config(&format!("{head}{entry}")).with_unattended_entry(&new()).unwrap();
        assert_eq!(grown, format!("{expected}{added}{entry}"));
        assert_eq!(config(&grown).default_entry().unwrap().id, label);
    }
}

#[test]
fn a_submenu_that_was_the_default_no_longer_is() {
    let text =
        "menu begin\n  menu default\n  label a\n    kernel k\n    append initrd=i\nmenu end\n";
    let grown = config(text).with_unattended_entry(&new()).unwrap();
    assert!(
        grown.ends_with("menu begin\n  label a\n    kernel k\n    append initrd=i\nmenu end\n")
    );
    assert!(grown.starts_with(
        "timeout 10\ndefault install-unattended\nprompt 1\nlabel install-unattended\n"
    ));
}

#[test]
fn the_last_append_of_an_entry_counts() {
    let text = "default a\nlabel a\n  append initrd=i ks=cdrom:/ks.cfg\n  kernel k x\n  append initrd=i quiet\n";
    assert_eq!(config(text).entries()[0].args, ["x", "quiet"]);
    let text = "default a\nlabel a\n  kernel k\n  append initrd=i quiet\n  localboot 0\n";
    assert_eq!(config(text).default_entry().unwrap().kernel, None);
}

#[test]
fn arguments_for_every_entry_count() {
    let text = "append initrd=i quiet\nlabel a\n  kernel k\nlabel b\n  kernel m\n  append -\n";
    let config = config(text);
    assert_eq!(config.entries()[0].args, ["quiet"]);
    assert_eq!(config.entries()[0].initrd.as_deref(), Some("i"));
    assert_eq!(config.entries()[1].initrd, None);
    let grown = config.with_unattended_entry(&new()).unwrap();
    assert!(grown.contains("  append initrd=i quiet ks=cdrom:/ks.cfg\n"), "{grown}");
}

#[test]
fn odd_lines_do_not_panic() {
    for text in ["", "label", "menu", "menu end", "text help", "label\nkernel\nappend", "timeout x"]
    {
        assert!(config(text).with_unattended_entry(&new()).is_err(), "{text:?}");
    }
}
