//! Edited GRUB 2 menus, as GRUB's own parser sees them.
//!
//! Not for what is edited: that is beside the code.

// Helpers of tests are tests, too, but clippy.toml only knows the functions themselves.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::io::Write;
use std::process::{Command, Stdio};

use preflight::boot::{BootConfig, MenuFormat, NewMenuEntry};

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
