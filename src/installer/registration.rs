//! What an installed master target runs until it is registered with its configuration server.
//!
//! Not for the passphrase, which no image ever holds, and not for the steps: those are written
//! once, in `templates/register/`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::service::{
    InitSystem, REGISTER, SELF_CHECK, ServiceError, ServiceFile, check_path, render_files,
};
use super::value::network::ServerName;
use crate::assets::Assets;

/// The configuration server a master target registers with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistrationServer {
    /// Its name or address.
    pub address: ServerName,
    /// The port it is registered on.
    #[serde(default = "https_port")]
    pub port: u16,
    /// Which of the agent's commands register it.
    #[serde(default)]
    pub commands: RegistrationCommands,
}

fn https_port() -> u16 {
    443
}

/// Which of an agent's commands register it; they differ by era (D:site-recovery-how-to-install-
/// linux-master-target and its successors).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum RegistrationCommands {
    /// What the unpacked agent seems to know: no version is known that divides them.
    #[default]
    Auto,
    /// `install` with everything, as in early 2017.
    Installer,
    /// `install`, then `UnifiedAgentConfigurator.sh`, which knows no port.
    Configurator,
}

impl RegistrationCommands {
    fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Renders the script, and the unit on systemd.
///
/// # Errors
///
/// Refuses values that are not what their field says, and templates that do not render.
pub fn render(
    server: &RegistrationServer,
    init: InitSystem,
    agent_directory: &str,
    assets: &Assets,
) -> Result<Vec<ServiceFile>, ServiceError> {
    check_path("the agent's directory", agent_directory)?;
    let model = json!({
        "server": server.address.as_str(),
        "port": server.port.to_string(),
        "commands": server.commands.as_str(),
        "agent_directory": agent_directory,
        "self_check_path": init.paths(SELF_CHECK).0,
    });
    let templates =
        ["register/preflight-register.sh.hbs", "register/preflight-register.service.hbs"];
    render_files(assets, init, REGISTER, templates, model)
}
