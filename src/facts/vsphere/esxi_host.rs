//! What is known about an ESXi host through the API of its vCenter server, or its own; rules know
//! it as `host`.
//!
//! Not for what its shell tells.

use schemars::JsonSchema;
use serde::Serialize;

use super::datastore::{self, DatastoreFacts};
use super::inventory::Inventory;
use super::licence::LicenceFacts;
use super::property::{InventoryObject, required_text};
use crate::facts::{Collection, Fact, Unavailable};

/// Bytes of a MiB.
const MIB: i64 = 1024 * 1024;

/// Everything that is checked about a host.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EsxiFacts {
    /// Its name in the inventory.
    pub name: String,
    /// Whether the inventory that it was looked for in has it.
    pub in_inventory: Fact<bool>,
    /// Whether vCenter has it: `connected`, `disconnected` or `notResponding`.
    pub connection: Fact<String>,
    /// Whether it is in maintenance mode.
    pub maintenance: Fact<bool>,
    /// Its version, such as `6.7.0`.
    pub version: Fact<String>,
    /// The licence that is assigned to it.
    pub licence: Fact<LicenceFacts>,
    /// The datastores it has.
    pub datastores: Fact<Collection<Fact<DatastoreFacts>>>,
    /// MiB of memory that no machine uses now.
    pub free_memory_mib: Fact<i64>,
}

impl EsxiFacts {
    /// A host of which nothing is known but whether the inventory has it.
    pub fn not_visible(name: &str, in_inventory: Fact<bool>) -> Self {
        let reason = match &in_inventory {
            Fact::Known(_) => format!("the inventory has no host named {name}"),
            Fact::Unavailable(why) => why.reason.clone(),
        };
        Self {
            name: name.to_owned(),
            in_inventory,
            connection: Fact::unavailable(reason.clone()),
            maintenance: Fact::unavailable(reason.clone()),
            version: Fact::unavailable(reason.clone()),
            licence: Fact::unavailable(reason.clone()),
            datastores: Fact::unavailable(reason.clone()),
            free_memory_mib: Fact::unavailable(reason),
        }
    }
}

/// Reads what is known about a host of the inventory.
pub fn from_inventory(
    inventory: &Inventory,
    host: &InventoryObject,
    licence: Result<LicenceFacts, Unavailable>,
) -> EsxiFacts {
    let version = || {
        let product = host.value("summary.config.product")?;
        required_text(product, "version").map(str::to_owned)
    };
    EsxiFacts {
        name: inventory.name(&host.object),
        in_inventory: Fact::Known(true),
        connection: host.text("runtime.connectionState").into(),
        maintenance: host.bool("runtime.inMaintenanceMode").into(),
        version: version().into(),
        licence: licence.into(),
        datastores: datastore::datastores_of_host(inventory, host).into(),
        free_memory_mib: free_memory(host).into(),
    }
}

fn free_memory(host: &InventoryObject) -> Result<i64, Unavailable> {
    let size = host.int("summary.hardware.memorySize")?;
    Ok((size / MIB).saturating_sub(host.int("summary.quickStats.overallMemoryUsage")?))
}
