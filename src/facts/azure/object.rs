//! What an object of Azure Resource Manager is, by its id or its type.
//!
//! Exported bodies have no path, older ones no type; ids are there in all of them and are compared without case. Not for
//! what an object says (`vault`).

use serde_json::Value;

/// The kinds of objects that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// The Recovery Services vault itself.
    Vault,
    /// A fabric: a configuration server, an appliance site, a Hyper-V site, Azure.
    Fabric,
    /// A protection container.
    Container,
    /// The association of a policy with a container.
    ContainerMapping,
    /// A replicated item.
    Item,
    /// A machine that can be protected, as it was discovered.
    ProtectableItem,
    /// A recovery point of an item.
    RecoveryPoint,
    /// A replication policy.
    Policy,
    /// A recovery plan.
    Plan,
    /// A vCenter server or an ESXi host that is registered.
    Vcenter,
    /// The provider of a configuration server or a Hyper-V host.
    Provider,
    /// A job.
    Job,
    /// An event.
    Event,
    /// The health of the vault.
    VaultHealth,
    /// A virtual machine in Azure.
    VirtualMachine,
    /// A network interface.
    NetworkInterface,
    /// A virtual network.
    Network,
    /// A gateway of a virtual network.
    Gateway,
    /// A connection of a gateway.
    Connection,
    /// An ExpressRoute circuit.
    Circuit,
    /// A machine on premises as the appliance discovered it.
    DiscoveredMachine,
}

/// Each kind with the last name in its type and in its id.
const NAMES: &[(ObjectKind, &str)] = &[
    (ObjectKind::Vault, "vaults"),
    (ObjectKind::Fabric, "replicationfabrics"),
    (ObjectKind::Container, "replicationprotectioncontainers"),
    (ObjectKind::ContainerMapping, "replicationprotectioncontainermappings"),
    (ObjectKind::Item, "replicationprotecteditems"),
    (ObjectKind::ProtectableItem, "replicationprotectableitems"),
    (ObjectKind::RecoveryPoint, "recoverypoints"),
    (ObjectKind::Policy, "replicationpolicies"),
    (ObjectKind::Plan, "replicationrecoveryplans"),
    (ObjectKind::Vcenter, "replicationvcenters"),
    (ObjectKind::Provider, "replicationrecoveryservicesproviders"),
    (ObjectKind::Job, "replicationjobs"),
    (ObjectKind::Event, "replicationevents"),
    (ObjectKind::VaultHealth, "replicationvaulthealth"),
    (ObjectKind::VirtualMachine, "virtualmachines"),
    (ObjectKind::NetworkInterface, "networkinterfaces"),
    (ObjectKind::Network, "virtualnetworks"),
    (ObjectKind::Gateway, "virtualnetworkgateways"),
    (ObjectKind::Connection, "connections"),
    (ObjectKind::Circuit, "expressroutecircuits"),
    (ObjectKind::DiscoveredMachine, "machines"),
];

impl ObjectKind {
    /// Returns what an object is; none for what is not read.
    pub fn from_object(object: &Value) -> Option<Self> {
        let id = object["id"].as_str().and_then(Self::of_id);
        id.or_else(|| Self::named(object["type"].as_str()?.rsplit('/').next()?))
    }

    /// Returns what an id names.
    pub fn of_id(id: &str) -> Option<Self> {
        let mut names = id.trim_end_matches('/').rsplit('/');
        names.next()?;
        Self::named(names.next()?)
    }

    /// Returns what a list is of, by the last name in its path.
    pub fn of_list(path: &str) -> Option<Self> {
        Self::named(path.trim_end_matches('/').rsplit('/').next()?)
    }

    fn named(name: &str) -> Option<Self> {
        let known = NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        known.map(|(kind, _)| *kind)
    }
}

/// Returns an id as it is compared: the service does not tell upper from lower case in it.
pub fn id_key(id: &str) -> String {
    id.trim_end_matches('/').to_ascii_lowercase()
}

/// Returns the last name of an id.
pub fn last_name(id: &str) -> &str {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Returns the id without what follows a part of it: the network of a subnet, the fabric of an item.
pub fn id_up_to<'i>(id: &'i str, kind: &str) -> Option<&'i str> {
    let lower = id.to_ascii_lowercase();
    let at = lower.find(&format!("/{}/", kind.to_ascii_lowercase()))? + kind.len() + 2;
    let end = id[at..].find('/').map_or(id.len(), |end| at + end);
    (end > at).then(|| &id[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const VAULT: &str =
        "/Subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v";

    #[test]
    fn an_object_is_known_by_its_id_or_its_type() {
        for (object, kind) in [
            (json!({ "id": VAULT }), Some(ObjectKind::Vault)),
            (json!({ "id": format!("{VAULT}/replicationFabrics/f") }), Some(ObjectKind::Fabric)),
            (
                json!({ "id": format!("{VAULT}/replicationJobs/j"), "type": null }),
                Some(ObjectKind::Job),
            ),
            (
                json!({ "type": "Microsoft.RecoveryServices/vaults/replicationPolicies" }),
                Some(ObjectKind::Policy),
            ),
            (
                json!({ "id": "/subscriptions/s/resourcegroups/g/providers/Microsoft.Compute/VirtualMachines/a" }),
                Some(ObjectKind::VirtualMachine),
            ),
            (json!({ "id": "/subscriptions/s" }), None),
            (json!({}), None),
            (json!([1]), None),
        ] {
            assert_eq!(ObjectKind::from_object(&object), kind, "{object}");
        }
        assert_eq!(
            ObjectKind::of_list("/subscriptions/s/vaults/v/replicationvCenters"),
            Some(ObjectKind::Vcenter)
        );
    }

    #[test]
    fn an_id_is_cut_after_a_name() {
        let subnet = "/subscriptions/s/providers/Microsoft.Network/virtualNetworks/n/subnets/x";
        assert_eq!(
            id_up_to(subnet, "virtualnetworks"),
            Some("/subscriptions/s/providers/Microsoft.Network/virtualNetworks/n")
        );
        assert_eq!(id_up_to(subnet, "vaults"), None);
        assert_eq!(id_up_to("/a/virtualMachines/", "virtualMachines"), None);
        assert_eq!((last_name(subnet), last_name("a/b/")), ("x", "b"));
    }
}
