//! The route to a server: directly, or through a gateway over SSH.
//!
//! Not for the login settings of the gateway (`login`).

use anyhow::{Context, bail};

use crate::cli::args::{SshClientArgs, ViaArgs};
use crate::cli::login::SshDefaults;
use crate::site::{self, Site, Via};
use crate::transport::http::ssh_tunnel::SshTunnelConnector;
use crate::transport::http::stream::{Connector, DirectTcp};
use crate::transport::ssh::SshHost;
use crate::uri::target::TargetAddress;

/// Returns the gateway of `--via`; none without it.
pub fn of_options(
    host: &ViaArgs,
    client: &SshClientArgs,
    timeout: u64,
) -> anyhow::Result<Option<SshHost>> {
    let Some(target) = &host.via else { return Ok(None) };
    let login = SshDefaults::for_gateway(host, client, timeout)?;
    Ok(Some(login.ssh("via", target.clone(), &site::SshLogin::default())?))
}

/// Returns the gateway of `via:` in a site, with the defaults of `login`; none when it is this
/// machine.
pub fn of_site(via: &Via, site: &Site, login: &SshDefaults) -> anyhow::Result<Option<SshHost>> {
    let unknown = || format!("via: nothing is reached through {via}");
    let (address, ssh_login) = site.via_host(via).with_context(unknown)?;
    match address {
        TargetAddress::Local => Ok(None),
        TargetAddress::Ssh(target) => Ok(Some(match via.name() {
            Some(name) => login.ssh(name, target, &ssh_login)?,
            // A gateway outside of the site never gets the password of its hosts.
            None => login.ssh_with_own_password("via", target, &ssh_login)?,
        })),
        TargetAddress::Captures(_) | TargetAddress::Sos(_) => {
            bail!("via: nothing is reached through {via}")
        }
    }
}

/// A connector that can be moved to another thread.
pub type AnyRoute = Box<dyn Connector + Send + Sync>;

/// Returns the connector to a vSphere server.
pub fn route(via: Option<SshHost>) -> AnyRoute {
    match via {
        Some(host) => Box::new(SshTunnelConnector { host }),
        None => Box::new(DirectTcp),
    }
}
