//! The way to a server: straight, or through a host that is logged in to over SSH.
//!
//! Not for logging in: `login` makes that of the options, and of what the site says.

use anyhow::{Context, bail};

use crate::cli::args::{SshArgs, ViaArgs};
use crate::cli::login::SshDefaults;
use crate::site::{self, Site, Via};
use crate::transport::http::ssh_tunnel::SshTunnelConnector;
use crate::transport::http::stream::{Connector, DirectTcp};
use crate::transport::ssh::SshHost;
use crate::transport::target::TargetAddress;

/// The host that `--via` names; none without it.
pub fn of_options(
    host: &ViaArgs,
    credentials: &SshArgs,
    timeout: u64,
) -> anyhow::Result<Option<SshHost>> {
    let Some(target) = &host.via else { return Ok(None) };
    let login = SshDefaults::for_gateway(credentials, timeout)?;
    Ok(Some(login.ssh("via", target.clone(), &site::SshLogin::default())?))
}

/// The host that `via:` names in a site; none when it is this one, so that the way is straight.
/// What `login` says of all hosts is said of it, too.
pub fn of_site(via: &Via, site: &Site, login: &SshDefaults) -> anyhow::Result<Option<SshHost>> {
    let unknown = || format!("via: nothing is reached through {via}");
    let (uri, ssh_login) = site.via_host(via).with_context(unknown)?;
    match uri.as_str().parse::<TargetAddress>().with_context(|| format!("via {via}"))? {
        TargetAddress::Local => Ok(None),
        TargetAddress::Ssh(target) => Ok(Some(match via.name() {
            Some(name) => login.ssh(name, target, &ssh_login)?,
            // A host that is none of the site's is not shown the password of those.
            None => login.ssh_with_own_password("via", target, &ssh_login)?,
        })),
        TargetAddress::Captures(_) => bail!("via: nothing is reached through {via}"),
    }
}

/// A way that a thread of its own may take.
pub type AnyRoute = Box<dyn Connector + Send + Sync>;

/// The way to a vSphere server.
pub fn route(via: Option<SshHost>) -> AnyRoute {
    match via {
        Some(host) => Box::new(SshTunnelConnector { host }),
        None => Box::new(DirectTcp),
    }
}
