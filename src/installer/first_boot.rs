//! What the installed system runs at its first boots: one script, and on systemd a unit for it.
//!
//! Not for putting the files into place, which the kickstart's `%post` does, and not for what the
//! script checks and when: that is written once, in `templates/firstboot/`.

use regex::Regex;
use serde_json::json;

use super::profile::PackageFormat;
use super::service::{
    FIRST_BOOT, InitSystem, SELF_CHECK, ServiceError, ServiceFile, check_path, check_value,
    is_name, render_files,
};
use crate::assets::Assets;

/// The label of a retention volume that the script made, by which it knows it again.
pub const RETENTION_LABEL: &str = "asr-retention";

/// A retention disk that is attached after the custom changes are applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeferredRetention {
    /// Its name below `/dev/mapper`; with `user_friendly_names no` that is its WWID.
    pub multipath_name: String,
    /// Where it is mounted, such as `/mnt/retention`.
    pub mount: String,
}

/// The values of the first-boot script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstBoot {
    /// How services are started.
    pub init: InitSystem,
    /// `/lib/udev/scsi_id` on el6, `/usr/lib/udev/scsi_id` on el7.
    pub scsi_id: String,
    /// The file that names the installed release: `/etc/redhat-release`.
    pub release_file: String,
    /// A `grep -E` pattern that a line of that file must match.
    pub release_pattern: String,
    /// How packages are asked for.
    pub package_format: PackageFormat,
    /// Packages that ApplyCustomChanges.sh needs.
    pub packages: Vec<String>,
    /// Where the agent is unpacked: `/root`.
    pub agent_directory: String,
    /// Whether the agent is a stand-in; then nothing is ever run.
    pub standin: bool,
    /// Whether the host name is given to every address that DHCP leased.
    pub fill_hosts: bool,
    /// The retention disk, when it is made at first boot.
    pub retention: Option<DeferredRetention>,
    /// Whether the self-check is run before the one reboot.
    pub self_check: bool,
}

/// Renders the script, and the unit on systemd.
///
/// # Errors
///
/// Refuses values that are not what their field says, and templates that do not render.
pub fn render(boot: &FirstBoot, assets: &Assets) -> Result<Vec<ServiceFile>, ServiceError> {
    check(boot)?;
    let self_check = boot.init.paths(SELF_CHECK).0;
    let retention = boot.retention.as_ref();
    // Texts only, empty where there is nothing.
    let model = json!({
        "scsi_id": boot.scsi_id,
        "release_file": boot.release_file,
        "release_pattern": boot.release_pattern,
        "dpkg": boot.package_format == PackageFormat::Deb,
        "packages": boot.packages.join(" "),
        "agent_directory": boot.agent_directory,
        "standin": if boot.standin { "yes" } else { "no" },
        "fills_hosts": if boot.fill_hosts { "yes" } else { "no" },
        "retention_name": retention.map_or("", |disk| &disk.multipath_name),
        "retention_mount": retention.map_or("", |disk| &disk.mount),
        "retention_label": RETENTION_LABEL,
        "self_check": if boot.self_check { &self_check } else { "" },
    });
    let templates =
        ["firstboot/preflight-firstboot.sh.hbs", "firstboot/preflight-firstboot.service.hbs"];
    render_files(assets, boot.init, FIRST_BOOT, templates, model)
}

/// Every value is checked before it reaches a template, whoever made it.
fn check(boot: &FirstBoot) -> Result<(), ServiceError> {
    const NAME: &str = "a name of letters, digits and ._+-";
    check_path("the path of scsi_id", &boot.scsi_id)?;
    check_path("the file of the release", &boot.release_file)?;
    check_path("the agent's directory", &boot.agent_directory)?;
    for package in &boot.packages {
        check_value("a package", package, NAME, is_name(package))?;
    }
    let pattern = &boot.release_pattern;
    let printable = pattern.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    check_value(
        "the release pattern",
        pattern,
        "an extended regular expression in printable ASCII, at most 200 bytes",
        !pattern.is_empty() && pattern.len() <= 200 && printable && Regex::new(pattern).is_ok(),
    )?;
    if let Some(disk) = &boot.retention {
        let name = &disk.multipath_name;
        check_value("the retention disk", name, NAME, is_name(name))?;
        check_path("the retention volume's mount point", &disk.mount)?;
        // anaconda and fstab both know these; `/mnt` itself may not be a mount point on el6.
        let fit = !["/", "/mnt", "/home", "/var", "/var/crash"].contains(&disk.mount.as_str());
        let expected = "a directory of its own, such as /mnt/retention";
        check_value("the retention volume's mount point", &disk.mount, expected, fit)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn el6() -> FirstBoot {
        FirstBoot {
            init: InitSystem::SysV,
            scsi_id: "/lib/udev/scsi_id".into(),
            release_file: "/etc/redhat-release".into(),
            package_format: PackageFormat::Rpm,
            release_pattern: r"^CentOS release 6\.6 \(Final\)".into(),
            packages: vec!["lsscsi".into(), "device-mapper-multipath".into()],
            agent_directory: "/root".into(),
            standin: false,
            fill_hosts: true,
            retention: None,
            self_check: true,
        }
    }

    #[test]
    fn el6_gets_a_script_with_its_chkconfig_header_and_el7_a_unit_that_calls_it() {
        let files = render(&el6(), &Assets::embedded()).unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(
            (files[0].installed_path.as_str(), files[0].mode),
            ("/etc/rc.d/init.d/preflight-firstboot", 0o755)
        );
        assert!(files[0].text.starts_with("#!/bin/sh\n"));
        assert!(files[0].text.contains("\n# chkconfig: 345 99 01\n# description: "));
        assert!(files[0].text.contains("\nrelease_pattern='^CentOS release 6\\.6 \\(Final\\)'\n"));
        assert!(files[0].text.contains("\npackages='lsscsi device-mapper-multipath'\n"));

        let files =
            render(&FirstBoot { init: InitSystem::Systemd, ..el6() }, &Assets::embedded()).unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(files[1].installed_path, "/etc/systemd/system/preflight-firstboot.service");
        assert!(
            files[1].text.contains(&format!("\nExecStart={} start\n", files[0].installed_path))
        );
    }

    #[test]
    fn a_value_that_a_shell_could_read_otherwise_is_refused() {
        let retention = |name: &str, mount: &str| {
            Some(DeferredRetention { multipath_name: name.into(), mount: mount.into() })
        };
        let cases = [
            FirstBoot { scsi_id: "scsi_id".into(), ..el6() },
            FirstBoot { scsi_id: "/lib/../bin/x".into(), ..el6() },
            FirstBoot { agent_directory: "/root\nreboot".into(), ..el6() },
            FirstBoot { agent_directory: "/".into(), ..el6() },
            FirstBoot { packages: vec!["a b".into()], ..el6() },
            FirstBoot { packages: vec!["-e".into()], ..el6() },
            FirstBoot { packages: vec!["$(reboot)".into()], ..el6() },
            FirstBoot { release_pattern: "CentOS (".into(), ..el6() },
            FirstBoot { release_pattern: "".into(), ..el6() },
            FirstBoot { release_pattern: "a\nb".into(), ..el6() },
            FirstBoot { retention: retention("a/b", "/mnt/retention"), ..el6() },
            FirstBoot { retention: retention("36000c29", "/mnt"), ..el6() },
            FirstBoot { retention: retention("36000c29", "/mnt/it's"), ..el6() },
        ];
        for boot in cases {
            let result = render(&boot, &Assets::embedded());
            assert!(matches!(result, Err(ServiceError::Value { .. })), "{boot:?}");
        }
        let quoted = FirstBoot { release_pattern: "it's$".into(), ..el6() };
        let text = &render(&quoted, &Assets::embedded()).unwrap()[0].text;
        assert!(text.contains("\nrelease_pattern='it'\\''s$'\n"));
    }
}
