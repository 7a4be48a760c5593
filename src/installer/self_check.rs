//! What an installed master target runs after each boot: the collector of `check host` on itself,
//! and a program that evaluates the capture when one is included.
//!
//! Not for the questions (`facts::script`), nor for what is done with the answers: that is
//! written once, in `templates/self-check/`.

use serde_json::json;

use super::service::{
    InitSystem, SELF_CHECK, ServiceError, ServiceFile, check_path, check_value, render_files,
};
use crate::assets::Assets;
use crate::facts::host;
use crate::facts::probe::ProbeEnv;
use crate::facts::script::{Nonce, assemble};

/// The collector's name in the payload.
pub const COLLECTOR: &str = "preflight-collect";
/// The collector's path on the installed system.
pub const COLLECTOR_PATH: &str = "/usr/libexec/preflight-collect";
/// The evaluating program's name in the payload.
pub const BINARY: &str = "preflight";
/// The evaluating program's path on the installed system.
pub const BINARY_PATH: &str = "/opt/preflight/preflight";
/// How many captures are kept unless the recipe says otherwise.
pub const DEFAULT_KEEP: u16 = 8;
/// The most captures that a recipe may ask to keep; a capture is at most 3 MiB.
pub const MAX_KEEP: u16 = 100;

/// The values of the self-check's script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfCheck {
    /// How services are started.
    pub init: InitSystem,
    /// How many captures are kept.
    pub keep: u16,
    /// The configuration server's address, when the recipe tells it.
    pub server: Option<String>,
    /// Where the retention volume is mounted.
    pub retention: String,
    /// Where `scsi_id` is.
    pub scsi_id: String,
}

/// Makes the collector, and renders the script that runs it and, for systemd, its unit.
///
/// # Errors
///
/// Refuses values that are not what their field says, and templates that do not render.
pub fn render(check: &SelfCheck, assets: &Assets) -> Result<Vec<ServiceFile>, ServiceError> {
    check_path("the path of scsi_id", &check.scsi_id)?;
    check_path("the retention volume's mount point", &check.retention)?;
    let keep = check.keep.to_string();
    let fits = (1..=MAX_KEEP).contains(&check.keep);
    check_value("self_check.keep", &keep, "a number from 1 to 100", fits)?;
    let model = json!({
        "collector": COLLECTOR_PATH,
        "program": BINARY_PATH,
        "keep": keep,
        "server": check.server.as_deref().unwrap_or(""),
        "retention": check.retention,
        "scsi_id": check.scsi_id,
    });
    let templates =
        ["self-check/preflight-selfcheck.sh.hbs", "self-check/preflight-selfcheck.service.hbs"];
    let mut files = render_files(assets, check.init, SELF_CHECK, templates, model)?;
    files.insert(
        0,
        ServiceFile {
            name: COLLECTOR.to_owned(),
            installed_path: COLLECTOR_PATH.to_owned(),
            mode: 0o644,
            text: collector(check),
        },
    );
    Ok(files)
}

/// The very script that `check host` sends, and `collect script` prints.
fn collector(check: &SelfCheck) -> String {
    let around = ProbeEnv {
        retention: Some(check.retention.clone()),
        configuration_server: check.server.clone(),
        ..ProbeEnv::default()
    };
    assemble(&host::master_target_probes(), &around, &Nonce::shell_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn el6() -> SelfCheck {
        SelfCheck {
            init: InitSystem::SysV,
            keep: DEFAULT_KEEP,
            server: Some("cs01.example.test".into()),
            retention: "/mnt/retention".into(),
            scsi_id: "/lib/udev/scsi_id".into(),
        }
    }

    #[test]
    fn el6_gets_an_init_script_and_el7_a_unit_that_calls_it() {
        let files = render(&el6(), &Assets::embedded()).unwrap();
        let placed: Vec<_> = files.iter().map(|file| file.installed_path.as_str()).collect();
        assert_eq!(placed, [COLLECTOR_PATH, "/etc/rc.d/init.d/preflight-selfcheck"]);
        assert!(files[0].text.contains("\nCS='cs01.example.test'\n"));
        assert!(files[1].text.contains("\n# chkconfig: 345 99 02\n# description: "));
        let el7 = SelfCheck { init: InitSystem::Systemd, ..el6() };
        let files = render(&el7, &Assets::embedded()).unwrap();
        assert!(files[2].text.contains("\nExecStart=/usr/libexec/preflight-selfcheck boot\n"));
    }

    #[test]
    fn values_that_a_shell_could_read_otherwise_are_refused() {
        for check in [
            SelfCheck { keep: 0, ..el6() },
            SelfCheck { keep: 101, ..el6() },
            SelfCheck { retention: "/mnt/it's".into(), ..el6() },
            SelfCheck { scsi_id: "scsi_id".into(), ..el6() },
        ] {
            assert!(render(&check, &Assets::embedded()).is_err(), "{check:?}");
        }
    }
}
