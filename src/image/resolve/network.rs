//! The network part of a system: an address that can work, and the lines of /etc/hosts.
//!
//! Not for what a DHCP server will answer.

use super::error::{MAX_ITEMS, ResolveError};
use crate::image::recipe::{AddressMethod, NetworkSettings, Recipe};
use crate::installer::machine::HostsLine;
use crate::installer::system::Interface;

/// The network interface, with all that its method needs.
pub(super) fn interface(network: &NetworkSettings) -> Result<Interface, ResolveError> {
    let NetworkSettings { device, method, address, netmask, gateway, dns } = network.clone();
    if dns.len() > 3 {
        return Err(ResolveError::NameServers(dns.len()));
    }
    if method == AddressMethod::Dhcp {
        let given = [
            ("address", address.is_some()),
            ("netmask", netmask.is_some()),
            ("gateway", gateway.is_some()),
        ];
        return match given.into_iter().find(|(_, given)| *given) {
            Some((key, _)) => Err(ResolveError::DhcpAnswers(key)),
            None => Ok(Interface::Dhcp { device, dns }),
        };
    }
    let missing = |key| ResolveError::StaticNeeds(key);
    let address = address.ok_or(missing("address"))?;
    let netmask = netmask.ok_or(missing("netmask"))?;
    let gateway = gateway.ok_or(missing("gateway"))?;
    if dns.is_empty() {
        return Err(missing("dns"));
    }
    for (key, one) in [("address", address), ("gateway", gateway)] {
        if netmask.is_edge(one.ip()) {
            return Err(ResolveError::SubnetEdge(key, one));
        }
    }
    if !netmask.is_same_subnet(address.ip(), gateway.ip()) {
        return Err(ResolveError::GatewayOutside { gateway, address, netmask });
    }
    if gateway == address {
        return Err(ResolveError::GatewayIsSelf(gateway));
    }
    Ok(Interface::Static { device, address, netmask, gateway, dns })
}

/// The lines of /etc/hosts. The agent's installation fails when the host name is not mapped to
/// every address of the master target (D:vmware-azure-install-linux-master-target); with DHCP the
/// first-boot program writes that line, for nobody knows the address yet.
pub(super) fn hosts(recipe: &Recipe, network: &Interface) -> Result<Vec<HostsLine>, ResolveError> {
    if recipe.hosts.len() > MAX_ITEMS {
        return Err(ResolveError::TooMany("hosts", recipe.hosts.len()));
    }
    if let Some(line) = recipe.hosts.iter().find(|line| line.names.is_empty()) {
        return Err(ResolveError::Nameless(line.address));
    }
    let own = match network {
        Interface::Static { address, .. } => {
            let mut names = vec![recipe.host_name.clone()];
            if recipe.host_name.short() != recipe.host_name.as_str()
                && let Ok(short) = recipe.host_name.short().parse()
            {
                names.push(short);
            }
            Some(HostsLine { address: *address, names })
        }
        Interface::Dhcp { .. } => None,
    };
    Ok(own.into_iter().chain(recipe.hosts.iter().cloned()).collect())
}
