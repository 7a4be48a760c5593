//! Edited GRUB 2 menus, as GRUB's own parser sees them.
//!
//! Not for what is edited: that is beside the code.

// Helpers of tests are tests, too, but clippy.toml only knows the functions themselves.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::io::Write;
use std::process::{Command, Stdio};

use preflight::boot::{ArgumentChange, BootConfig, MenuFormat, NewMenuEntry};

/// What GRUB's parser says about a script. `None`, said loudly, when it is not installed, which
/// in CI is a failure.
fn script_check(text: &str) -> Option<bool> {
    let check =
        Command::new("grub-script-check").stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut check) = check else {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI lacks grub-script-check");
        eprintln!("SKIPPED: grub-script-check not found");
        return None;
    };
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Some(check.wait().unwrap().success())
}

#[test]
fn grub_parses_what_we_write() {
    if script_check("menuentry x {\n") != Some(false) {
        return;
    }
    let entry = |title: &str, args: &str| {
        format!(
            "menuentry '{title}' --class os --id a {{\n\tlinuxefi /images/pxeboot/vmlinuz {args}\n\
             \tinitrdefi /images/pxeboot/initrd.img\n}}\n"
        )
    };
    let label = "inst.stage2=hd:LABEL=CentOS\\x207\\x20x86_64";
    let menus = [
        format!("set default=\"1\"\nset timeout=60\n{}", entry("Install", label)),
        format!("submenu 'More' {{\n{}}}\n", entry("Test & install", "rd.live.check quiet")),
        format!(
            "if [ -n \"${{x}}\" ]; then\n  set default=1\nfi\n{}",
            entry("Install", "a=\"b c\"")
        ),
    ];
    for menu in menus {
        assert_eq!(script_check(&menu), Some(true), "{menu}");
        let new = NewMenuEntry {
            title: "Install the master target, unattended".to_owned(),
            args: vec!["inst.ks=hd:LABEL=CentOS\\x207\\x20x86_64:/ks.cfg".to_owned()],
            initrds: Vec::new(),
            timeout_s: 1,
        };
        let config = BootConfig::parse(MenuFormat::Grub2, &menu).unwrap();
        let text = config.with_unattended_entry(&new).unwrap();
        assert_eq!(script_check(&text), Some(true), "{text}");
    }
}

/// A change of arguments, a label included.
fn change(remove: &[&str]) -> ArgumentChange {
    ArgumentChange {
        kickstart: Some("inst.ks=hd:LABEL=New\\x20id:/ks.cfg".to_owned()),
        add: vec!["note=\"two words\"".to_owned()],
        remove: remove.iter().map(|name| (*name).to_owned()).collect(),
        volume_label: Some(("Old id".to_owned(), "New id".to_owned())),
    }
}

#[test]
fn arguments_change_in_every_entry_and_nothing_else_does() {
    let menu = "search -l 'Old id' # where\r\nif [ x ]; then\r\nmenuentry 'a' {\r\n\
        \tlinux /k inst.stage2=hd:LABEL=Old\\x20id inst.ks=cdrom quiet console=a\r\n\tinitrd /i\r\n}\r\nfi\r\n\
        menuentry 'rescue' {\r\n\tlinuxefi /k quiet=1\r\n\tinitrdefi /i\r\n}\r\n\
        menuentry 'test' {\r\n\tlinux16 /memtest quiet\r\n}\r\n";
    let expected = "search -l 'New id' # where\r\nif [ x ]; then\r\nmenuentry 'a' {\r\n\
        \tlinux /k inst.stage2=hd:LABEL=New\\x20id console=a inst.ks=hd:LABEL=New\\x20id:/ks.cfg \
        note=\"two words\"\r\n\tinitrd /i\r\n}\r\nfi\r\n\
        menuentry 'rescue' {\r\n\tlinuxefi /k note=\"two words\"\r\n\tinitrdefi /i\r\n}\r\n\
        menuentry 'test' {\r\n\tlinux16 /memtest quiet\r\n}\r\n";
    let config = BootConfig::parse(MenuFormat::Grub2, menu).unwrap();
    let text = config.with_changed_arguments(&change(&["quiet", "console=b"])).unwrap();
    assert_eq!(text, expected);
    assert_ne!(script_check(&text.replace('\r', "")), Some(false), "{text}");
    // What is there no longer is removed once, and a second change finds what the first made.
    let again = BootConfig::parse(MenuFormat::Grub2, &text).unwrap();
    let none = ArgumentChange::default();
    assert_eq!(again.with_changed_arguments(&none).unwrap(), text);
}

#[test]
fn a_menu_that_is_written_elsewhere_too_is_refused() {
    let isolinux = "label a\n  kernel k\n  append initrd=i\n";
    let grub2 = "menuentry a {\n linux /k\n initrd /i\n}\n";
    for (format, text) in [
        (MenuFormat::Isolinux, format!("ui vesamenu.c32 menu.cfg\n{isolinux}")),
        (MenuFormat::Isolinux, format!("{isolinux}include more.cfg\n")),
        (MenuFormat::Isolinux, "append initrd=i\nlabel a\n  kernel k\n".to_owned()),
        (MenuFormat::GrubLegacy, "configfile /x\ntitle a\n kernel /k\n initrd /i\n".to_owned()),
        (MenuFormat::Grub2, format!("{grub2}source /custom.cfg\n")),
        (MenuFormat::Grub2, format!("if [ x ]; then configfile /x; fi\n{grub2}")),
        (MenuFormat::Grub2, grub2.replace("linux /k", "linux /k \\\n  quiet")),
        (MenuFormat::Grub2, String::new()),
    ] {
        let config = BootConfig::parse(format, &text).unwrap();
        let error = config.with_changed_arguments(&change(&[]));
        assert!(error.is_err(), "{text}: {error:?}");
    }
    let config = BootConfig::parse(MenuFormat::Grub2, grub2).unwrap();
    for word in ["a b", "a=$x", "a=\"b\"c", "=\"a b\"", "a=\"b\\c\"", "a=\"$b\"", "a;b", ""] {
        let add = vec![word.to_owned()];
        let change = ArgumentChange { add, ..ArgumentChange::default() };
        assert!(config.with_changed_arguments(&change).is_err(), "{word:?}");
    }
}
