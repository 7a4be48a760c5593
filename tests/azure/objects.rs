//! The single objects of a stand-in's vaults, in the shapes of recorded answers and with made-up names. Bodies of
//! networks and machines have secrets in them, which may never come out again.
//!
//! Not for which vault has which: that is `estate`.

#![allow(dead_code, reason = "each test program uses a part of this")]

use serde_json::{Value, json};

use super::estate::{GROUP, SUBSCRIPTION, VAULT, vault_id};

/// The resource group of the machines in Azure.
pub const AZURE_GROUP: &str = "rg-failed-over";
/// The never of the service.
const NEVER: &str = "9999-12-31T23:59:59.9999999";
/// The id of the Linux master target.
const MASTER_TARGET: &str = "6c1f0f3e-5d0a-4b7e-9a51-1f2e3d4c5b6a";
/// What no capture and no report may have.
pub const BODY_SECRET: &str = "canary9Zx";

/// The id of a resource, whose kind is given with its provider.
pub fn resource(group: &str, kind: &str, name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{kind}/{name}")
}

fn below_vault(path: &str) -> String {
    // The service writes these with a capital.
    format!("{}/{path}", vault_id().replace("/subscriptions/", "/Subscriptions/"))
}

pub fn vault() -> Value {
    json!({
        "id": vault_id(), "name": VAULT, "type": "Microsoft.RecoveryServices/vaults", "location": "swedencentral",
        "tags": { "owner": BODY_SECRET },
        "properties": { "provisioningState": "Succeeded", "privateEndpointStateForSiteRecovery": "None",
            "publicNetworkAccess": "Enabled" },
    })
}

pub fn vault_health() -> Value {
    json!({
        "id": below_vault("replicationVaultHealth/default"), "name": "default",
        "type": "Microsoft.RecoveryServices/vaults/replicationVaultHealth",
        "properties": { "vaultErrors": [], "protectedItemsHealth": { "resourceCount": 1, "issues": [] } },
    })
}

/// The name of the classic fabric.
pub const CLASSIC: &str = "5a0c1e77d2f94b6c";
/// The name of the modernised fabric.
pub const MODERNISED: &str = "falun-appliance-fabric";

pub fn classic_fabric() -> Value {
    let live = |seconds: u32| format!("2026-11-20T07:59:{seconds:02}.1234567Z");
    let server = |name: &str, id: &str, address: &str, machines: &str| {
        json!({ "friendlyName": name, "id": id, "hostId": id, "ipAddress": address, "osType": "Windows", "agentVersion": "9.61.0.0",
            "lastHeartbeat": live(11), "versionStatus": "Supported", "machineCount": machines, "psServiceStatus": "Running",
            "totalSpaceInBytes": 100_000_000_000_u64, "availableSpaceInBytes": 80_000_000_000_u64, "health": "Normal",
            "healthErrors": [], "agentExpiryDate": NEVER, "sslCertExpiryRemainingDays": 400,
            "sslCertExpiryDate": "2027-12-25T00:00:00Z", "totalMemoryInBytes": 16_000_000_000_u64,
            "availableMemoryInBytes": 9_000_000_000_u64, "cpuLoad": "12%" })
    };
    let servers = [
        server("cs-falun", "A1B2C3D4-0000-4000-8000A1B2C3D4E5F6", "192.0.2.10", "0"),
        server("ps-azure", "B2C3D4E5-0000-4000-8000B2C3D4E5F6A7", "10.9.1.9", "3"),
    ];
    let targets = json!([
        { "id": "A1B2C3D4-0000-4000-8000A1B2C3D4E5F6", "name": "cs-falun", "ipAddress": "192.0.2.10", "osType": "Windows",
          "agentVersion": "9.61.0.0", "lastHeartbeat": live(5), "versionStatus": "Supported", "retentionVolumes": [],
          "dataStores": [], "validationErrors": [], "healthErrors": [], "diskCount": 0, "agentExpiryDate": NEVER },
        { "id": MASTER_TARGET, "name": "asr-mt-01", "ipAddress": "192.0.2.20", "osType": "Linux",
          "agentVersion": "9.61.0.0", "lastHeartbeat": live(41), "versionStatus": "Supported",
          "retentionVolumes": [{ "volumeName": "/mnt/retention", "capacityInBytes": 200_000_000_000_u64,
              "freeSpaceInBytes": 190_000_000_000_u64, "thresholdPercentage": null }],
          "dataStores": [{ "symbolicName": "datastore1", "uuid": "5f1e0c9a-1b2c3d4e-5f60-0050569a0b0c", "capacity": "999.5",
              "freeSpace": "500.25", "type": "VMFS" }],
          "validationErrors": [], "healthErrors": [], "diskCount": 3, "agentExpiryDate": NEVER }
    ]);
    json!({
        "id": below_vault(&format!("replicationFabrics/{CLASSIC}")), "name": CLASSIC,
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics",
        "properties": { "friendlyName": "cs-falun", "internalIdentifier": "0f0a", "bcdrState": "Valid", "health": "Normal",
            "healthErrorDetails": [], "encryptionDetails": { "kekState": "None", "kekCertThumbprint": null },
            "customDetails": { "instanceType": "VMware",
                "hostName": "cs-falun", "ipAddress": "192.0.2.10", "agentVersion": "9.61.0.0", "lastHeartbeat": live(20),
                "csServiceStatus": "Running", "versionStatus": "Supported", "cpuLoad": "7%", "sslCertExpiryRemainingDays": 400,
                "sslCertExpiryDate": "2027-12-25T00:00:00Z", "agentExpiryDate": NEVER,
                "runAsAccounts": [{ "accountId": "1", "accountName": "vcenter-reader" }],
                "processServers": servers,
                "masterTargetServers": targets } },
    })
}

pub fn modernised_fabric() -> Value {
    let live = "2026-11-20T07:58:00.5Z";
    let part = |name: &str, version: &str| {
        json!([{ "id": format!("00000000-0000-4000-9000-{name:0>12.12}"), "name": "falun-appliance", "fqdn": "appliance.falun.example",
            "biosId": "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9", "version": version, "lastHeartbeatUtc": live, "health": "Normal",
            "healthErrors": [] }])
    };
    let mut servers = part("1", "9.61.7000.1");
    servers[0]["ipAddresses"] = json!(["192.0.2.30"]);
    servers[0]["freeSpacePercentage"] = json!(80.5);
    let mut agents = part("2", "1.50.1.2");
    agents[0]["accessibleDatastores"] = json!(["datastore1"]);
    agents[0]["lastDiscoveryInUtc"] = json!(live);
    json!({
        "id": below_vault(&format!("replicationFabrics/{MODERNISED}")), "name": MODERNISED,
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics",
        "properties": { "friendlyName": MODERNISED, "bcdrState": "Valid", "health": "Normal", "healthErrorDetails": [],
            "customDetails": { "instanceType": "InMageRcm",
                "vmwareSiteId": resource(GROUP, "Microsoft.OffAzure/VMwareSites", "falun-site"), "processServers": servers,
                "reprotectAgents": agents, "rcmProxies": part("3", "1.50.3"), "pushInstallers": part("4", "1.50.4"),
                "replicationAgents": part("5", "1.50.5"), "marsAgents": part("6", "2.0.9"), "dras": part("7", "5.24.1"),
                "sourceAgentIdentityDetails": { "tenantId": BODY_SECRET } } },
    })
}

pub fn container(fabric: &str) -> Value {
    json!({
        "id": format!("{fabric}/replicationProtectionContainers/cloud_{}", fabric.len()), "name": format!("cloud_{}", fabric.len()),
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers",
        "properties": { "friendlyName": "falun", "fabricType": "InMage", "protectedItemCount": 1, "pairingStatus": "Paired", "role": "Primary" },
    })
}

/// A protected machine.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    number: usize,
    provider: &'static str,
}

/// The name of a machine.
pub fn machine_name(number: usize) -> String {
    format!("app-{number:03}")
}

fn mac(number: usize, separator: &str) -> String {
    let bytes = ["00", "22", "48", "6D"].map(str::to_owned);
    let last = [format!("{:02X}", number / 256), format!("{:02X}", number % 256)];
    [&bytes[..], &last[..]].concat().join(separator)
}

impl Machine {
    pub fn classic_back(number: usize) -> Self {
        Self { number, provider: "InMage" }
    }

    /// At home, towards Azure.
    pub fn classic_home(number: usize) -> Self {
        Self { number, provider: "InMageAzureV2" }
    }

    pub fn modernised_back(number: usize) -> Self {
        Self { number, provider: "InMageRcmFailback" }
    }

    fn is_classic(self) -> bool {
        matches!(self.provider, "InMage" | "InMageAzureV2")
    }

    fn id(self) -> String {
        let fabric = if self.is_classic() { CLASSIC } else { MODERNISED };
        let fabric = below_vault(&format!("replicationFabrics/{fabric}"));
        let container = container(&fabric);
        let name = if self.is_classic() {
            machine_name(self.number)
        } else {
            format!("vc-falun_5015{:04x}-1111-4222-8333-0123456789ab", self.number)
        };
        format!("{}/replicationProtectedItems/{name}", container["id"].as_str().unwrap())
    }

    /// The item as a GET has it.
    pub fn item(self) -> Value {
        let id = self.id();
        let name = id.rsplit('/').next().unwrap().to_owned();
        let fabric = id.split("/replicationProtectionContainers").next().unwrap().to_owned();
        let operations: &[&str] = match self.provider {
            "InMage" => &["UnplannedFailover", "DisableProtection"],
            "InMageAzureV2" => &["UnplannedFailover", "DisableProtection", "TestFailover"],
            _ => &["PlannedFailover", "DisableProtection"],
        };
        let details = match self.provider {
            "InMage" => self.classic(),
            "InMageAzureV2" => self.classic_forward(),
            _ => self.modernised(),
        };
        let fabric =
            if self.provider == "InMageAzureV2" { "Microsoft Azure".to_owned() } else { fabric };
        json!({
            "id": id, "name": name, "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems",
            "properties": { "friendlyName": machine_name(self.number), "protectedItemType": "", "recoveryFabricId": fabric,
                "protectionState": "Protected", "protectionStateDescription": "Protected", "activeLocation": "Primary",
                "testFailoverState": "None", "allowedOperations": operations, "replicationHealth": "Normal", "failoverHealth": "Normal",
                "healthErrors": [], "policyId": below_vault("replicationPolicies/failback"), "policyFriendlyName": "failback",
                "lastSuccessfulFailoverTime": "2026-11-18T09:00:00.1Z",
                "currentScenario": { "scenarioName": "None", "jobId": "None", "startTime": "1753-01-01T01:01:01Z" },
                "failoverRecoveryPointId": null, "providerSpecificDetails": details, "eventCorrelationId": BODY_SECRET },
        })
    }

    fn classic(self) -> Value {
        let number = self.number;
        json!({
            "instanceType": "InMage", "activeSiteType": "Azure", "osDetails": { "osType": "Linux" }, "protectionStage": "DifferentialSync",
            "vmId": format!("35dd0000-0000-4000-8000-{number:012x}"), "infrastructureVmId": format!("35dd0000-0000-4000-8000-{number:012x}"),
            "replicaId": format!("d3730000-0000-4000-8000-{number:012x}"), "rpoInSeconds": 120, "lastRpoCalculatedTime": "2026-11-20T07:58:00Z",
            "retentionWindowStart": "2026-11-20T06:00:00Z", "retentionWindowEnd": "2026-11-20T07:58:00Z",
            "protectedDisks": [
                { "diskId": "/dev/sda", "diskName": "Disk0", "protectionStage": "DifferentialSync", "rpoInSeconds": 120,
                  "resyncRequired": "NotRequired", "diskCapacityInBytes": 42_949_672_960_u64, "psDataInMB": 0.5 },
                { "diskId": "/dev/sdb", "diskName": "Disk1", "protectionStage": "DifferentialSync", "rpoInSeconds": 120,
                  "resyncRequired": "NotRequired", "diskCapacityInBytes": 107_374_182_400_u64, "psDataInMB": 0.0 }
            ],
            "ipAddress": format!("10.9.1.{}", 10 + number % 200), "lastHeartbeat": "2026-11-20T07:57:30Z",
            "processServerId": "B2C3D4E5-0000-4000-8000B2C3D4E5F6A7", "masterTargetId": MASTER_TARGET, "multiVmSyncStatus": "Disabled",
            "agentDetails": { "agentVersion": "9.61.0.0", "agentExpiryDate": NEVER }, "discoveryType": "Physical",
            "datastores": ["datastore1"], "validationErrors": [], "vmNics": [{ "nicId": mac(number, ":"), "ipConfigs": [] }],
            "osVersion": null, "totalDataTransferred": -1,
        })
    }

    fn classic_forward(self) -> Value {
        let number = self.number;
        json!({
            "instanceType": "InMageAzureV2", "osType": "Linux", "firmwareType": "BIOS", "osVersion": "CentOS 7 (64-bit)", "discoveryType": "vCenter",
            "vmId": format!("41aa0000-0000-4000-8000-{number:012x}"), "infrastructureVmId": format!("41aa0000-0000-4000-8000-{number:012x}"),
            "vCenterInfrastructureId": "a9d1", "rpoInSeconds": 60, "lastRpoCalculatedTime": "2026-11-20T07:58:00Z",
            "protectedDisks": [{ "diskId": "d0", "diskName": "Disk0", "resyncRequired": "NotRequired",
                "diskCapacityInBytes": 42_949_672_960_u64 }],
            "ipAddress": format!("192.0.2.{}", 100 + number % 100), "lastHeartbeat": "2026-11-20T07:58:30Z",
            "processServerId": "A1B2C3D4-0000-4000-8000A1B2C3D4E5F6", "masterTargetId": "A1B2C3D4-0000-4000-8000A1B2C3D4E5F6",
            "agentVersion": "9.61.0.0", "agentExpiryDate": NEVER, "datastores": ["LocalDS_0"], "validationErrors": [],
            // Before a failover this ends without a name.
            "targetVmId": format!("{}/", resource(AZURE_GROUP, "Microsoft.Compute", "virtualMachines")),
            "recoveryAzureResourceGroupId": format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{AZURE_GROUP}"),
            "recoveryAzureVMName": machine_name(number), "selectedRecoveryAzureNetworkId": network_id(),
            "vmNics": [{ "nicId": format!("00:50:56:01:{:02x}:{:02x}", number / 256, number % 256), "ipConfigs": [] }],
        })
    }

    fn modernised(self) -> Value {
        let number = self.number;
        json!({
            "instanceType": "InMageRcmFailback", "internalIdentifier": format!("e9cd0000-0000-5000-8000-{number:012x}"),
            "azureVirtualMachineId": virtual_machine(number)["id"], "reprotectAgentId": "00000000-0000-4000-9000-000000000002",
            "reprotectAgentName": "falun-appliance", "osType": "Linux", "targetDataStoreName": "datastore1",
            "targetVmName": machine_name(number), "resyncRequired": "false",
            "protectedDisks": [{ "diskId": "disk0", "diskName": "/dev/sda", "isOSDisk": "true", "capacityInBytes": 42_949_672_960_u64,
                "diskUuid": format!("6000C29b-0000-0000-0000-{number:012x}"), "isInitialReplicationComplete": "true",
                "lastSyncTime": "2026-11-20T07:55:00.1Z" }],
            "mobilityAgentDetails": { "version": "9.61.7000.1", "latestVersion": null, "lastHeartbeatUtc": "2026-11-20T07:40:00Z",
                "reasonsBlockingUpgrade": [], "isUpgradeable": "false" },
            "vmNics": [{ "macAddress": mac(number, ":"), "sourceIpAddress": "10.9.1.10" }],
            "discoveredVmDetails": { "vCenterId": "x", "powerStatus": "OFF", "vmwareToolsStatus": "NOT_RUNNING", "isDeleted": false,
                "lastDiscoveryTimeInUtc": "2026-11-20T07:30:00Z", "updatedTimestamp": "2026-11-20T12:50:00.1+05:30" },
            "isAgentRegistrationSuccessfulAfterFailover": null,
        })
    }

    pub fn recovery_points(self) -> Vec<Value> {
        let point = |time: &str, kind: &str| {
            let name = format!("{}-{kind}", self.number);
            json!({ "id": format!("{}/recoveryPoints/{name}", self.id()), "name": name,
                "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems/recoveryPoints",
                "properties": { "recoveryPointTime": time, "recoveryPointType": kind } })
        };
        vec![
            point("2026-11-20T07:55:00Z", "CrashConsistent"),
            point("2026-11-20T07:00:00Z", "AppConsistent"),
        ]
    }
}

pub fn policies() -> Vec<Value> {
    let policy = |name: &str, details: Value| {
        json!({ "id": below_vault(&format!("replicationPolicies/{name}")), "name": name,
            "type": "Microsoft.RecoveryServices/vaults/replicationPolicies",
            "properties": { "friendlyName": name, "providerSpecificDetails": details } })
    };
    let forward = json!({ "instanceType": "InMageAzureV2", "recoveryPointThresholdInMinutes": 15, "recoveryPointHistory": 1440,
        "appConsistentFrequencyInMinutes": 60, "crashConsistentFrequencyInMinutes": 5, "multiVmSyncStatus": "Disabled" });
    let back = json!({ "instanceType": "InMage", "recoveryPointThresholdInMinutes": 15, "recoveryPointHistory": 1440,
        "appConsistentFrequencyInMinutes": 60, "multiVmSyncStatus": "Disabled" });
    vec![policy("24-hours", forward), policy("failback", back)]
}

pub fn failback_mapping() -> Value {
    let fabric = below_vault(&format!("replicationFabrics/{CLASSIC}"));
    let container = container(&fabric)["id"].as_str().unwrap().to_owned();
    json!({
        "id": format!("{container}/replicationProtectionContainerMappings/back"), "name": "back",
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectionContainerMappings",
        "properties": { "targetProtectionContainerId": container, "policyId": below_vault("replicationPolicies/failback"),
            "policyFriendlyName": "failback", "state": "Paired", "health": "Normal", "healthErrorDetails": [],
            "providerSpecificDetails": { "instanceType": "InMage" } },
    })
}

pub fn plan() -> Value {
    json!({
        "id": below_vault("replicationRecoveryPlans/all"), "name": "all", "type": "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans",
        "properties": { "friendlyName": "all", "replicationProviders": ["InMage"], "allowedOperations": ["UnplannedFailover"],
            "groups": [{ "groupType": "Boot", "replicationProtectedItems": [{ "id": Machine::classic_back(0).id(), "virtualMachineId": "x" }],
                "startGroupActions": [], "endGroupActions": [] }] },
    })
}

pub fn vcenter() -> Value {
    json!({
        "id": below_vault(&format!("replicationFabrics/{CLASSIC}/replicationvCenters/vc-falun")), "name": "vc-falun",
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationvCenters",
        "properties": { "friendlyName": "vc-falun", "ipAddress": "192.0.2.5", "port": "443", "discoveryStatus": "Completed",
            "lastHeartbeat": "2026-11-20T07:50:00Z", "infrastructureId": "6b1d", "runAsAccountId": "1", "healthErrors": [] },
    })
}

pub fn jobs() -> Vec<Value> {
    let job = |name: &str, state: &str, start: &str, errors: Value| {
        json!({ "id": below_vault(&format!("replicationJobs/{name}")), "name": name, "type": "Microsoft.RecoveryServices/vaults/replicationJobs",
            "properties": { "scenarioName": "SwitchReplicationGroupProtection", "friendlyName": "Reprotect", "state": state,
                "stateDescription": state, "startTime": start, "endTime": "2026-11-19T09:10:00.1Z", "allowedActions": [],
                "targetObjectId": "35dd0000-0000-4000-8000-000000000000", "targetObjectName": machine_name(0),
                "errors": errors, "tasks": [{ "taskId": "t", "name": "t", "state": state, "errors": [] }],
                "customDetails": { "instanceType": "SwitchProtectionJobDetails" } } })
    };
    let errors = json!([
        { "serviceErrorDetails": { "code": "95226", "message": "  \r\n The agent is not registered\u{1b}[31m.", "possibleCauses": "c",
            "recommendedAction": "r", "activityId": "a" }, "providerErrorDetails": null, "errorLevel": "Error" },
        { "serviceErrorDetails": { "code": "539", "message": "The requested action couldn't be performed." }, "errorLevel": "Error" }
    ]);
    vec![
        job("job-old", "Failed", "2026-11-19T08:00:00.1Z", json!([])),
        job("job-failed", "Failed", "2026-11-19T09:00:00.1Z", errors),
        job("job-done", "Succeeded", "2026-11-18T09:00:00.1Z", json!([])),
    ]
}

pub fn virtual_machine(number: usize) -> Value {
    named_machine(&machine_name(number), number)
}

/// The process server in Azure, and its network card.
pub fn process_server_in_azure() -> (Value, Value) {
    let mut card = network_card(900);
    let id = resource(AZURE_GROUP, "Microsoft.Network/networkInterfaces", "ps-azure-nic");
    let vm = resource(AZURE_GROUP, "Microsoft.Compute/virtualMachines", "ps-azure");
    card["id"] = id.clone().into();
    card["name"] = "ps-azure-nic".into();
    card["properties"]["virtualMachine"]["id"] = vm.into();
    card["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"] = "10.9.1.9".into();
    let mut machine = named_machine("ps-azure", 900);
    machine["properties"]["networkProfile"]["networkInterfaces"][0]["id"] = id.into();
    (machine, card)
}

fn named_machine(name: &str, number: usize) -> Value {
    json!({
        "id": resource(AZURE_GROUP, "Microsoft.Compute/virtualMachines", name), "name": name,
        "type": "Microsoft.Compute/virtualMachines", "location": "swedencentral",
        "tags": { "key": BODY_SECRET },
        "properties": { "vmId": format!("00000000-0000-4000-a000-{number:012x}"), "provisioningState": "Succeeded",
            "hardwareProfile": { "vmSize": "Standard_D2s_v5" },
            "storageProfile": { "osDisk": { "osType": "Linux", "name": "os", "managedDisk": { "id": "x" } }, "dataDisks": [] },
            "osProfile": { "adminUsername": "root", "adminPassword": BODY_SECRET, "customData": BODY_SECRET },
            "userData": BODY_SECRET,
            "networkProfile": { "networkInterfaces": [{ "id": network_card(number)["id"] }] },
            "timeCreated": "2026-11-18T09:00:00Z" },
        "resources": [{ "id": "extension", "properties": { "settings": BODY_SECRET } }],
    })
}

pub fn instance_view(power: &str) -> Value {
    json!({ "statuses": [{ "code": "ProvisioningState/succeeded", "level": "Info" },
        { "code": format!("PowerState/{power}"), "level": "Info", "displayStatus": format!("VM {power}") }] })
}

pub fn network_card(number: usize) -> Value {
    let name = format!("{}-nic", machine_name(number));
    json!({
        "id": resource(AZURE_GROUP, "Microsoft.Network/networkInterfaces", &name), "name": name,
        "type": "Microsoft.Network/networkInterfaces", "location": "swedencentral",
        "properties": { "macAddress": mac(number, "-"), "enableIPForwarding": false, "primary": true,
            "virtualMachine": { "id": resource(AZURE_GROUP, "Microsoft.Compute/virtualMachines", &machine_name(number)) },
            "ipConfigurations": [{ "id": "x", "name": "ipconfig1", "properties": {
                "privateIPAddress": format!("10.9.1.{}", 10 + number % 200), "primary": true,
                "subnet": { "id": format!("{}/subnets/machines", network_id()) } } }] },
    })
}

fn network_id() -> String {
    resource("rg-net", "Microsoft.Network/virtualNetworks", "vnet-failed-over")
}

pub fn network() -> Value {
    let gateway = resource("rg-net", "Microsoft.Network/virtualNetworkGateways", "gw-falun");
    json!({
        "id": network_id(), "name": "vnet-failed-over", "type": "Microsoft.Network/virtualNetworks", "location": "swedencentral",
        "properties": { "addressSpace": { "addressPrefixes": ["10.9.0.0/16"] }, "provisioningState": "Succeeded",
            "subnets": [
                { "id": format!("{}/subnets/machines", network_id()), "name": "machines", "properties": { "addressPrefix": "10.9.1.0/24" } },
                { "id": format!("{}/subnets/GatewaySubnet", network_id()), "name": "GatewaySubnet",
                  "properties": { "addressPrefix": "10.9.255.0/27", "ipConfigurations": [{ "id": format!("{gateway}/ipConfigurations/default") }] } }
            ],
            "virtualNetworkPeerings": [] },
    })
}

pub fn gateway() -> Value {
    json!({
        "id": resource("rg-net", "Microsoft.Network/virtualNetworkGateways", "gw-falun"), "name": "gw-falun",
        "type": "Microsoft.Network/virtualNetworkGateways",
        "properties": { "gatewayType": "Vpn", "vpnType": "RouteBased", "provisioningState": "Succeeded",
            "vpnClientConfiguration": { "radiusServerSecret": BODY_SECRET, "vpnClientRootCertificates": [{ "data": BODY_SECRET }] } },
    })
}

pub fn connection() -> Value {
    json!({
        "id": resource("rg-net", "Microsoft.Network/connections", "to-falun"), "name": "to-falun", "type": "Microsoft.Network/connections",
        "properties": { "virtualNetworkGateway1": { "id": resource("rg-net", "Microsoft.Network/virtualNetworkGateways", "gw-falun") },
            "connectionType": "IPsec", "connectionStatus": "Connected", "ingressBytesTransferred": 5, "egressBytesTransferred": 6,
            "sharedKey": BODY_SECRET, "authorizationKey": BODY_SECRET, "provisioningState": "Succeeded" },
    })
}
