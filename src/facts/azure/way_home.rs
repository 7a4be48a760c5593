//! The way from a virtual network in Azure to the site: its gateway, or that of a network beside it, and what is connected there.
//!
//! A connection that is up does not say that a port is open: user routes, firewalls and security groups stay a matter of asking the
//! servers. Not for which network a machine is in (`azure_vm`).

use serde_json::Value;

use super::object::{ObjectKind, id_key, id_up_to, last_name};
use super::read::{flag, list, required_text, text};
use super::servers::says_list;
use super::shown::{Shown, ShownResult};
use super::vault::{Vault, VaultObject};
use super::words::{required_word, word};
use crate::facts::Unavailable;

/// The gateway of a network, and how the network gets to it.
struct NetworkGateway<'v> {
    gateway: &'v VaultObject,
    /// The network beside it that has the gateway.
    through: Option<String>,
}

impl Vault {
    /// Returns whether a VPN or an ExpressRoute leads home from a network.
    ///
    /// # Errors
    ///
    /// Fails where the network, its gateway or the state of a connection is not known, and for a Virtual WAN, whose hub cannot be looked into.
    pub fn way_home(&self, network: &str) -> ShownResult {
        let name = last_name(network);
        let gateways = self.gateways_of(network)?;
        if gateways.is_empty() {
            return Ok(Shown::bad(format!(
                "{name} has no gateway, and no network beside it lends it one"
            )));
        }
        let mut seen: Vec<String> = Vec::new();
        let mut unknown: Option<Unavailable> = None;
        for gateway in &gateways {
            let id = gateway.gateway.id();
            let connections: Vec<&VaultObject> = self.connections_of(id).collect();
            if connections.is_empty() {
                match self.all_below(ObjectKind::Connection, Some(id)) {
                    Ok(()) => seen.push(format!("{} has no connection", last_name(id))),
                    Err(why) => unknown = Some(why),
                }
            }
            for connection in connections {
                let (kind, state) = connection_state(connection);
                let words = format!("{} ({kind}) is {state}", last_name(connection.id()));
                if !matches!(kind, "IPsec" | "ExpressRoute") {
                    continue;
                }
                match state {
                    "Connected" => return Ok(Shown::good(gateway.words(name, &words))),
                    "NotConnected" => seen.push(words),
                    _ => unknown = Some(Unavailable::from(words)),
                }
            }
        }
        match unknown {
            Some(why) => Err(why),
            None if seen.is_empty() => Ok(Shown::bad(format!(
                "no gateway of {name} has a VPN to a site or an ExpressRoute"
            ))),
            None => Ok(Shown::bad(format!("{name}: {}", seen.join(", ")))),
        }
    }

    /// Returns whether an ExpressRoute reaches a network; none where no ExpressRoute is used.
    ///
    /// # Errors
    ///
    /// As [`Vault::way_home`].
    pub fn express_route(&self, network: &str) -> Result<Option<Shown>, Unavailable> {
        for gateway in self.gateways_of(network)? {
            if required_word(gateway.gateway.properties(), "gatewayType")? == "ExpressRoute" {
                let words =
                    format!("{} is an ExpressRoute gateway", last_name(gateway.gateway.id()));
                return Ok(Some(Shown::good(gateway.words(last_name(network), &words))));
            }
        }
        Ok(None)
    }

    /// Returns whether the circuits behind a network have a private peering; none where no ExpressRoute is used.
    ///
    /// # Errors
    ///
    /// Fails where the gateway, its connections or the circuit are not known: it may belong to another subscription.
    pub fn express_route_peering(&self, network: &str) -> Result<Option<Shown>, Unavailable> {
        let gateways = self.gateways_of(network)?;
        let mut shown: Vec<ShownResult> = Vec::new();
        for gateway in gateways {
            let is_express =
                required_word(gateway.gateway.properties(), "gatewayType")? == "ExpressRoute";
            if !is_express {
                continue;
            }
            let id = gateway.gateway.id();
            let circuits: Vec<&str> = self
                .connections_of(id)
                .filter_map(|connection| text(connection.properties(), "peer.id"))
                .collect();
            if circuits.is_empty() {
                self.all_below(ObjectKind::Connection, Some(id))?;
                shown.push(Ok(Shown::bad(format!("{} is linked to no circuit", last_name(id)))));
            }
            shown.extend(circuits.into_iter().map(|circuit| self.circuit(circuit)));
        }
        if shown.is_empty() { Ok(None) } else { Shown::all(shown).map(Some) }
    }

    fn circuit(&self, id: &str) -> ShownResult {
        let name = last_name(id);
        let Some(circuit) = self.object(id) else {
            let refused = self.refused(id).map(|(_, why)| why);
            return Err(refused.unwrap_or_else(|| {
                Unavailable::from(format!("the circuit {name} was not asked about"))
            }));
        };
        let properties = circuit.properties();
        for (member, wanted) in [
            ("circuitProvisioningState", "Enabled"),
            ("serviceProviderProvisioningState", "Provisioned"),
        ] {
            let state = required_word(properties, member)?;
            if state != wanted {
                return Ok(Shown::bad(format!("{member} of {name} is {state}")));
            }
        }
        let peerings = list(properties, "peerings").iter();
        let private = peerings
            .clone()
            .find(|peering| word(peering, "properties.peeringType") == Some("AzurePrivatePeering"));
        let Some(private) = private else {
            return Ok(Shown::bad(format!("{name} has no private peering")));
        };
        match (
            required_word(private, "properties.state")?,
            required_word(private, "properties.provisioningState")?,
        ) {
            ("Enabled", "Succeeded") => {
                Ok(Shown::good(format!("private peering of {name} is enabled")))
            }
            ("Disabled", _) => Ok(Shown::bad(format!("private peering of {name} is disabled"))),
            (state, provisioning) => Err(Unavailable::from(format!(
                "private peering of {name} is {state}, provisioningState {provisioning}"
            ))),
        }
    }

    /// Returns the gateways that a network has, or that networks beside it lend it.
    fn gateways_of(&self, network: &str) -> Result<Vec<NetworkGateway<'_>>, Unavailable> {
        let object = self.known_network(network)?;
        let own = self.own_gateways(object)?;
        if !own.is_empty() {
            return Ok(own
                .into_iter()
                .map(|gateway| NetworkGateway { gateway, through: None })
                .collect());
        }
        let mut lent = Vec::new();
        for peering in list(object.properties(), "virtualNetworkPeerings") {
            let remote = required_text(peering, "properties.remoteVirtualNetwork.id")?;
            // A Virtual WAN's hub is a network of Microsoft's, which nobody else can look into.
            if last_name(remote).starts_with("HV_") {
                return Err(Unavailable::from(format!(
                    "{} is connected to the hub of a Virtual WAN, which cannot be looked into",
                    last_name(network)
                )));
            }
            let uses = flag(peering, "properties.useRemoteGateways").unwrap_or(false);
            if !uses || word(peering, "properties.peeringState") != Some("Connected") {
                continue;
            }
            let beside = self.known_network(remote)?;
            if !lends_gateway(beside, network)? {
                continue;
            }
            let through = Some(last_name(remote).to_owned());
            let gateways = self.own_gateways(beside)?.into_iter();
            lent.extend(
                gateways.map(|gateway| NetworkGateway { gateway, through: through.clone() }),
            );
        }
        if lent.is_empty() && list(object.properties(), "virtualNetworkPeerings").is_empty() {
            // Networks on the hub of a Virtual WAN, or behind an appliance of somebody else, look like this.
            return Err(Unavailable::from(format!(
                "{} has no gateway and no network beside it; one on a Virtual WAN looks like that",
                last_name(network)
            )));
        }
        Ok(lent)
    }

    /// Returns the gateways in the gateway subnet of a network.
    fn own_gateways(&self, network: &VaultObject) -> Result<Vec<&VaultObject>, Unavailable> {
        says_list(network.properties(), "subnets")?;
        let subnets = list(network.properties(), "subnets").iter();
        let is_of_gateways = |subnet: &&Value| {
            text(subnet, "name").is_some_and(|name| name.eq_ignore_ascii_case("GatewaySubnet"))
        };
        let Some(subnet) = subnets.clone().find(is_of_gateways) else { return Ok(Vec::new()) };
        let mut gateways: Vec<&VaultObject> = Vec::new();
        for configuration in list(subnet, "properties.ipConfigurations") {
            let Some(id) = text(configuration, "id")
                .and_then(|configuration| id_up_to(configuration, "virtualNetworkGateways"))
            else {
                continue;
            };
            if gateways.iter().any(|known| id_key(known.id()) == id_key(id)) {
                continue;
            }
            let refused = || self.refused(id).map(|(_, why)| why);
            gateways.push(self.object(id).ok_or_else(|| {
                refused().unwrap_or_else(|| {
                    Unavailable::from(format!("the gateway {} was not asked about", last_name(id)))
                })
            })?);
        }
        Ok(gateways)
    }

    /// Returns a network that was asked about.
    ///
    /// # Errors
    ///
    /// Fails where it was not, or was refused.
    pub fn known_network(&self, id: &str) -> Result<&VaultObject, Unavailable> {
        self.object(id).ok_or_else(|| {
            let refused = self.refused(id).map(|(_, why)| why);
            refused.unwrap_or_else(|| {
                Unavailable::from(format!("the network {} was not asked about", last_name(id)))
            })
        })
    }

    /// Returns the connections of a gateway.
    fn connections_of(&self, gateway: &str) -> impl Iterator<Item = &VaultObject> {
        let key = id_key(gateway);
        self.objects(ObjectKind::Connection).filter(move |connection| {
            ["virtualNetworkGateway1.id", "virtualNetworkGateway2.id"]
                .iter()
                .any(|end| text(connection.properties(), end).is_some_and(|id| id_key(id) == key))
        })
    }

    /// Returns whether two networks are one, or joined in both directions.
    ///
    /// # Errors
    ///
    /// Fails where one that matters is not known.
    pub fn are_joined(&self, one: &str, other: &str) -> Result<bool, Unavailable> {
        if id_key(one) == id_key(other) {
            return Ok(true);
        }
        Ok(is_peered(self.known_network(one)?, other) && is_peered(self.known_network(other)?, one))
    }
}

impl NetworkGateway<'_> {
    fn words(&self, network: &str, what: &str) -> String {
        match &self.through {
            Some(through) => format!("{network}: through {through} {what}"),
            None => format!("{network}: {what}"),
        }
    }
}

/// Whether a network has a peering with another one that is connected.
fn is_peered(network: &VaultObject, other: &str) -> bool {
    let peerings = list(network.properties(), "virtualNetworkPeerings").iter();
    peerings.clone().any(|peering| {
        let remote = text(peering, "properties.remoteVirtualNetwork.id");
        remote.is_some_and(|remote| id_key(remote) == id_key(other))
            && word(peering, "properties.peeringState") == Some("Connected")
    })
}

/// Whether a network lets another one use its gateway.
fn lends_gateway(network: &VaultObject, to: &str) -> Result<bool, Unavailable> {
    let peerings = list(network.properties(), "virtualNetworkPeerings").iter();
    for peering in peerings {
        let remote = text(peering, "properties.remoteVirtualNetwork.id");
        if remote.is_some_and(|remote| id_key(remote) == id_key(to)) {
            return flag(peering, "properties.allowGatewayTransit");
        }
    }
    Ok(false)
}

/// The type and the state of a connection, as they stand there.
fn connection_state(connection: &VaultObject) -> (&str, &str) {
    let properties = connection.properties();
    let said = |name| word(properties, name).unwrap_or("of no known state");
    (said("connectionType"), said("connectionStatus"))
}
