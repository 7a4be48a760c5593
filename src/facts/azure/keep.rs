//! Which members of Azure's answers are kept: those that are read, and no other.
//!
//! Bodies of networks and machines hold secrets (`sharedKey`, `authorizationKey`, `serviceKey`, `customData`, RADIUS secrets), so
//! what is kept is named here, member by member: a capture cannot hold what this list does not. Not for reading what is
//! kept (`vault`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::object::ObjectKind;

/// The most bytes of one text that is kept.
const MAX_TEXT: usize = 8192;

/// The members of an error, wherever one stands.
const ERROR: &str = "errorSource errorType errorLevel errorCategory errorCode summaryMessage errorMessage possibleCauses \
    recommendedAction creationTimeUtc creationTime recoveryProviderErrorMessage entityId errorId customerResolvability taskId \
    serviceErrorDetails(code message possibleCauses recommendedAction activityId) \
    providerErrorDetails(errorCode errorMessage errorId possibleCauses recommendedAction)";

/// The members of each kind of object below `id`, `name`, `type` and `location`; `ERROR` stands for [`ERROR`]. A name in front of
/// parentheses is an object or a list of objects, any other a text, a number, a flag or a list of them.
const MEMBERS: &[(ObjectKind, &str)] = &[
    (
        ObjectKind::Vault,
        "properties(moveState provisioningState privateEndpointStateForSiteRecovery publicNetworkAccess)",
    ),
    (
        ObjectKind::Fabric,
        "properties(friendlyName internalIdentifier bcdrState health healthErrorDetails(ERROR) encryptionDetails(kekState) \
         rolloverEncryptionDetails(kekState) customDetails(instanceType vmwareSiteId physicalSiteId \
         processServers(friendlyName name fqdn id hostId biosId fabricObjectId ipAddress ipAddresses osType osVersion agentVersion \
           version lastHeartbeat lastHeartbeatUtc versionStatus machineCount replicationPairCount systemLoad systemLoadStatus cpuLoad \
           cpuLoadStatus processorUsagePercentage processorUsageStatus totalMemoryInBytes availableMemoryInBytes usedMemoryInBytes \
           memoryUsagePercentage memoryUsageStatus totalSpaceInBytes availableSpaceInBytes usedSpaceInBytes freeSpacePercentage \
           spaceUsageStatus diskUsageStatus psServiceStatus sslCertExpiryDate sslCertExpiryRemainingDays health healthErrors(ERROR) \
           agentExpiryDate psStatsRefreshTime throughputUploadPendingDataInBytes throughputInBytes throughputStatus \
           marsCommunicationStatus marsRegistrationStatus) \
         masterTargetServers(id ipAddress name osType osVersion agentVersion lastHeartbeat versionStatus \
           retentionVolumes(volumeName capacityInBytes freeSpaceInBytes thresholdPercentage) \
           dataStores(symbolicName uuid capacity freeSpace type) validationErrors(ERROR) healthErrors(ERROR) diskCount \
           agentExpiryDate marsAgentVersion marsAgentExpiryDate) \
         runAsAccounts(accountId accountName) replicationPairCount processServerCount agentCount protectedServers systemLoad \
         systemLoadStatus cpuLoad cpuLoadStatus totalMemoryInBytes availableMemoryInBytes memoryUsageStatus totalSpaceInBytes \
         availableSpaceInBytes spaceUsageStatus webLoad webLoadStatus databaseServerLoad databaseServerLoadStatus csServiceStatus \
         ipAddress agentVersion hostName lastHeartbeat versionStatus sslCertExpiryDate sslCertExpiryRemainingDays agentExpiryDate \
         psTemplateVersion \
         rcmProxies(id name fqdn biosId version lastHeartbeatUtc health healthErrors(ERROR)) \
         pushInstallers(id name fqdn biosId version lastHeartbeatUtc health healthErrors(ERROR)) \
         replicationAgents(id name fqdn biosId version lastHeartbeatUtc health healthErrors(ERROR)) \
         reprotectAgents(id name fqdn biosId version lastHeartbeatUtc health healthErrors(ERROR) accessibleDatastores vcenterId \
           lastDiscoveryInUtc protectedItemCount) \
         marsAgents(id name fqdn biosId version lastHeartbeatUtc health healthErrors(ERROR)) \
         dras(id name biosId version lastHeartbeatUtc health healthErrors(ERROR)) \
         hyperVHosts(id name marsAgentVersion) biosId))",
    ),
    (
        ObjectKind::Container,
        "properties(friendlyName fabricFriendlyName fabricType protectedItemCount pairingStatus role)",
    ),
    (
        ObjectKind::ContainerMapping,
        "properties(targetProtectionContainerId targetProtectionContainerFriendlyName targetFabricFriendlyName \
         sourceProtectionContainerFriendlyName sourceFabricFriendlyName policyId policyFriendlyName state health \
         healthErrorDetails(ERROR) providerSpecificDetails(instanceType))",
    ),
    (
        ObjectKind::Item,
        "properties(friendlyName protectedItemType protectableItemId recoveryServicesProviderId primaryFabricFriendlyName \
         primaryFabricProvider recoveryFabricFriendlyName recoveryFabricId primaryProtectionContainerFriendlyName \
         recoveryProtectionContainerFriendlyName protectionState protectionStateDescription activeLocation testFailoverState \
         testFailoverStateDescription switchProviderState allowedOperations replicationHealth failoverHealth \
         healthErrors(ERROR innerHealthErrors(ERROR)) policyId policyFriendlyName lastSuccessfulFailoverTime \
         lastSuccessfulTestFailoverTime currentScenario(scenarioName jobId startTime) failoverRecoveryPointId recoveryContainerId \
         providerSpecificDetails(instanceType activeSiteType sourceVmCpuCount sourceVmRamSizeInMB osDetails(osType) osType osVersion \
           osName protectionStage vmId internalIdentifier infrastructureVmId replicaId vmProtectionState vmProtectionStateDescription \
           resyncDetails(initialReplicationType initialReplicationProgressPercentage) \
           initialReplicationDetails(initialReplicationType initialReplicationProgressPercentage) \
           initialReplicationProgressPercentage initialReplicationProgressHealth resyncProgressPercentage resyncProgressHealth \
           resyncRequired resyncState retentionWindowStart retentionWindowEnd compressedDataRateInMB uncompressedDataRateInMB \
           rpoInSeconds lastRpoInSeconds lastRpoCalculatedTime lastUpdateReceivedTime lastRecoveryPointReceived lastRecoveryPointId \
           protectedDisks(diskId diskName diskUuid isOSDisk protectionStage healthErrorCode rpoInSeconds resyncRequired \
             resyncProgressPercentage diskCapacityInBytes fileSystemCapacityInBytes capacityInBytes psDataInMB sourceDataInMB \
             targetDataInMB psDataInMegaBytes sourceDataInMegaBytes targetDataInMegaBytes diskResized lastRpoCalculatedTime \
             progressHealth dataPendingInLogDataStoreInMB dataPendingAtSourceAgentInMB isInitialReplicationComplete lastSyncTime) \
           protectedManagedDisks(diskId replicaDiskType) azureVMDiskDetails(vhdName vhdType) \
           ipAddress primaryNicIpAddress lastHeartbeat processServerId processServerName masterTargetId reprotectAgentId \
           reprotectAgentName diskResized multiVmGroupId multiVmGroupName multiVmSyncStatus \
           agentDetails(agentVersion agentUpdateStatus postUpdateRebootStatus agentExpiryDate) agentVersion agentExpiryDate \
           isAgentUpdateRequired isRebootAfterUpdateRequired vCenterInfrastructureId discoveryType datastores targetDataStoreName \
           targetvCenterId logStorageAccountId validationErrors(ERROR) \
           vmNics(nicId macAddress networkName isPrimaryNic sourceIPAddress sourceIPAddressType recoveryVMNetworkId targetSubnetName \
             targetIPAddress targetIPAddressType vMNetworkName vMSubnetName primaryNicStaticIPAddress replicaNicStaticIPAddress \
             ipConfigs(isPrimary subnetName staticIPAddress ipAddressType recoverySubnetName recoveryStaticIPAddress)) \
           targetVmId targetVmName targetVmSize targetResourceGroupId targetNetworkId azureVirtualMachineId \
           recoveryAzureVMName recoveryAzureVMSize recoveryAzureResourceGroupId recoveryAzureStorageAccount \
           selectedRecoveryAzureNetworkId useManagedDisks encryption fabricDiscoveryMachineId firmwareType \
           isAgentRegistrationSuccessfulAfterFailover lastPlannedFailoverStartTime lastPlannedFailoverStatus \
           mobilityAgentDetails(version latestVersion driverVersion lastHeartbeatUtc reasonsBlockingUpgrade isUpgradeable \
             agentVersionExpiryDate driverVersionExpiryDate) \
           discoveredVmDetails(vCenterId vCenterFqdn datastores ipAddresses vmwareToolsStatus powerStatus vmFqdn osName \
             createdTimestamp updatedTimestamp isDeleted lastDiscoveryTimeInUtc) \
           lastReplicatedTime initialReplicationProgress totalDataTransferred totalProgressHealth))",
    ),
    (
        ObjectKind::ProtectableItem,
        "properties(friendlyName protectionStatus replicationProtectedItemId protectionReadinessErrors \
         customDetails(instanceType poweredOn agentInstalled agentVersion ipAddress osType vCenterInfrastructureId discoveryType \
           diskDetails(diskId diskName diskSizeInMB) vmwareToolsStatus))",
    ),
    (
        ObjectKind::RecoveryPoint,
        "properties(recoveryPointTime recoveryPointType providerSpecificDetails(instanceType isMultiVmSyncPoint))",
    ),
    (
        ObjectKind::Policy,
        "properties(friendlyName providerSpecificDetails(instanceType recoveryPointThresholdInMinutes recoveryPointHistory \
         recoveryPointHistoryInMinutes appConsistentFrequencyInMinutes crashConsistentFrequencyInMinutes multiVmSyncStatus \
         enableMultiVmSync recoveryPointHistoryDurationInHours applicationConsistentSnapshotFrequencyInHours replicationInterval \
         encryption))",
    ),
    (
        ObjectKind::Plan,
        "properties(friendlyName primaryFabricId primaryFabricFriendlyName recoveryFabricId recoveryFabricFriendlyName \
         failoverDeploymentModel replicationProviders allowedOperations lastPlannedFailoverTime lastUnplannedFailoverTime \
         currentScenarioStatus currentScenarioStatusDescription \
         groups(groupType replicationProtectedItems(id virtualMachineId)))",
    ),
    (
        ObjectKind::Vcenter,
        "properties(friendlyName internalId lastHeartbeat discoveryStatus processServerId ipAddress infrastructureId port \
         runAsAccountId fabricArmResourceName healthErrors(ERROR))",
    ),
    (
        ObjectKind::Provider,
        "properties(fabricType friendlyName providerVersion serverVersion providerVersionState providerVersionExpiryDate \
         fabricFriendlyName lastHeartBeat connectionStatus protectedItemCount allowedScenarios healthErrorDetails(ERROR) \
         providerVersionDetails(version expiryDate status))",
    ),
    (
        ObjectKind::Job,
        "status error(code message) startTime endTime \
         properties(activityId scenarioName friendlyName state stateDescription startTime endTime allowedActions targetObjectId \
         targetObjectName targetInstanceType errors(ERROR) \
         tasks(taskId name friendlyName state stateDescription startTime endTime allowedActions errors(ERROR)) \
         customDetails(instanceType newReplicationProtectedItemId))",
    ),
    (
        ObjectKind::Event,
        "properties(eventCode description eventType affectedObjectFriendlyName affectedObjectCorrelationId severity timeOfOccurrence \
         fabricId healthErrors(ERROR))",
    ),
    (
        ObjectKind::VaultHealth,
        "properties(vaultErrors(ERROR) protectedItemsHealth(resourceCount issues(ISSUE)) fabricsHealth(resourceCount issues(ISSUE)) \
         containersHealth(resourceCount issues(ISSUE)))",
    ),
    (
        ObjectKind::VirtualMachine,
        "properties(vmId provisioningState timeCreated hardwareProfile(vmSize) \
         storageProfile(osDisk(osType name diskSizeGB managedDisk(id storageAccountType) vhd(uri)) \
           dataDisks(lun name diskSizeGB managedDisk(id storageAccountType) vhd(uri))) \
         networkProfile(networkInterfaces(id)) \
         instanceView(osName osVersion statuses(code level displayStatus time) vmAgent(vmAgentVersion statuses(code displayStatus time))))",
    ),
    (
        ObjectKind::NetworkInterface,
        "properties(primary macAddress enableIPForwarding virtualMachine(id) networkSecurityGroup(id) \
         ipConfigurations(id name properties(privateIPAddress privateIPAllocationMethod primary subnet(id))))",
    ),
    (
        ObjectKind::Network,
        "properties(provisioningState addressSpace(addressPrefixes) \
         subnets(id name properties(addressPrefix addressPrefixes ipConfigurations(id))) \
         virtualNetworkPeerings(id name properties(peeringState useRemoteGateways allowGatewayTransit allowForwardedTraffic \
           remoteVirtualNetwork(id))))",
    ),
    (
        ObjectKind::Gateway,
        "properties(provisioningState gatewayType vpnType activeActive enableBgp sku(name tier) \
         ipConfigurations(id name properties(subnet(id))))",
    ),
    (
        ObjectKind::Connection,
        "properties(provisioningState connectionType connectionStatus ingressBytesTransferred egressBytesTransferred enableBgp \
         virtualNetworkGateway1(id) virtualNetworkGateway2(id) localNetworkGateway2(id) peer(id))",
    ),
    (
        ObjectKind::Circuit,
        "properties(provisioningState circuitProvisioningState serviceProviderProvisioningState \
         peerings(id name properties(peeringType state provisioningState)))",
    ),
    (
        ObjectKind::DiscoveredMachine,
        "properties(displayName hostName vCenterFQDN vCenterId instanceUuid biosGuid biosSerialNumber powerStatus isDeleted \
         numberOfSnapshots diskEnabledUuid maxSnapshots firmware vmFqdn operatingSystemDetails(osType osName) \
         disks(uuid name maxSizeInBytes) networkAdapters(macAddress ipAddressList) createdTimestamp updatedTimestamp)",
    ),
];

/// The members of an issue in the vault's health.
const ISSUE: &str = "summaryCode severity summaryMessage category affectedResourceType affectedResourceSubtype \
    affectedResourceCorrelationIds";

/// Members that are kept: names in lower case, each with those below it; none below a value.
#[derive(Debug, Default, PartialEq)]
struct Members(BTreeMap<String, Members>);

static KEPT: LazyLock<BTreeMap<ObjectKind, Members>> = LazyLock::new(|| {
    let kinds = MEMBERS.iter().map(|(kind, members)| {
        let text = format!("id name type location {members}");
        (*kind, parse(&text.replace("ERROR", ERROR).replace("ISSUE", ISSUE)))
    });
    kinds.collect()
});

/// The names of a list such as `id properties(name)`.
fn parse(text: &str) -> Members {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    parse_level(&mut spaced.split_whitespace())
}

fn parse_level<'t>(words: &mut impl Iterator<Item = &'t str>) -> Members {
    let mut level = Members::default();
    let mut last = String::new();
    while let Some(word) = words.next() {
        match word {
            ")" => break,
            "(" => {
                let below = parse_level(words);
                level.0.insert(last.clone(), below);
            }
            name => {
                last = name.to_ascii_lowercase();
                level.0.entry(last.clone()).or_default();
            }
        }
    }
    level
}

/// Returns an object with the members that are read, its texts without control characters. Of an object whose kind is not
/// known nothing but its names is left.
///
/// ```
/// use preflight::facts::azure::keep::keep;
/// use serde_json::json;
///
/// let connection = json!({
///     "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/connections/home",
///     "properties": { "connectionStatus": "Connected", "sharedKey": "secret" },
/// });
/// assert_eq!(keep(&connection)["properties"], json!({ "connectionStatus": "Connected" }));
/// ```
pub fn keep(object: &Value) -> Value {
    static NAMES: LazyLock<Members> = LazyLock::new(|| parse("id name type"));
    let members = ObjectKind::from_object(object).and_then(|kind| KEPT.get(&kind));
    keep_members(object, members.unwrap_or(&NAMES))
}

fn keep_members(object: &Value, members: &Members) -> Value {
    let Some(map) = object.as_object() else { return Value::Null };
    let kept = map.iter().filter_map(|(name, value)| {
        let below = members.0.get(&name.to_ascii_lowercase())?;
        Some((name.clone(), keep_value(value, below)?))
    });
    Value::Object(kept.collect::<Map<_, _>>())
}

/// Returns what is kept of one value; none of an object whose members are not named.
fn keep_value(value: &Value, below: &Members) -> Option<Value> {
    match value {
        Value::Object(_) if below.0.is_empty() => None,
        Value::Object(_) => Some(keep_members(value, below)),
        Value::Array(list) => {
            Some(Value::Array(list.iter().filter_map(|item| keep_value(item, below)).collect()))
        }
        Value::String(text) => Some(Value::String(printable(text))),
        other => Some(other.clone()),
    }
}

/// Returns a text without control characters and without those that turn the direction of writing; line breaks are blanks, and
/// what is longer than anything that is read is cut.
pub fn printable(text: &str) -> String {
    let shown = text.chars().filter_map(|letter| match letter {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{61c}'
        | '\u{feff}' => None,
        other => (!other.is_control()).then_some(other),
    });
    let mut room = MAX_TEXT;
    let fits = shown.take_while(|letter| {
        let is_in = letter.len_utf8() <= room;
        room = room.saturating_sub(letter.len_utf8());
        is_in
    });
    fits.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers";

    #[test]
    fn no_secret_is_kept() {
        let marked = |text: &str| format!("canary-{text}");
        let bodies = [
            json!({ "id": format!("{GROUP}/Microsoft.Network/connections/c"), "properties": {
                "connectionStatus": "Connected", "sharedKey": marked("1"), "authorizationKey": marked("2"),
                "localNetworkGateway2": { "id": "/x", "properties": { "sharedKey": marked("3") } } } }),
            json!({ "id": format!("{GROUP}/Microsoft.Network/expressRouteCircuits/c"), "properties": {
                "serviceKey": marked("4"), "authorizations": [{ "authorizationKey": marked("5") }],
                "peerings": [{ "name": "p", "properties": { "state": "Enabled", "sharedKey": marked("6") } }] } }),
            json!({ "id": format!("{GROUP}/Microsoft.Network/virtualNetworkGateways/g"), "properties": {
                "gatewayType": "Vpn", "vpnClientConfiguration": { "radiusServerSecret": marked("7") } } }),
            json!({ "id": format!("{GROUP}/Microsoft.Compute/virtualMachines/m"), "tags": { "a": marked("8") },
                "properties": { "vmId": "1", "userData": marked("9"), "osProfile": { "customData": marked("10") },
                    "extensions": [{ "settings": marked("11") }],
                    "instanceView": { "statuses": [{ "code": "PowerState/running", "extra": marked("12") }] } } }),
            json!({ "id": format!("{GROUP}/Microsoft.Unknown/things/t"), "properties": { "key": marked("13") } }),
            json!({ "type": "nothing", "anything": marked("14") }),
            json!(marked("15")),
            json!([marked("16")]),
        ];
        for body in &bodies {
            let kept = keep(body).to_string();
            assert!(!kept.contains("canary"), "{kept}");
        }
        assert_eq!(
            keep(&bodies[3])["properties"]["instanceView"]["statuses"][0]["code"],
            "PowerState/running"
        );
        assert_eq!(keep(&bodies[0])["properties"]["localNetworkGateway2"], json!({ "id": "/x" }));
    }

    #[test]
    fn a_member_is_known_in_any_spelling_and_kept_in_its_own() {
        let item = json!({ "id": "/v/vaults/v/replicationProtectedItems/i", "properties": {
            "FriendlyName": "a", "providerSpecificDetails": { "discoveredVmDetails": { "vCenterFQDN": "x" } } } });
        assert_eq!(keep(&item), item);
    }

    #[test]
    fn what_is_kept_is_kept_again() {
        for (kind, members) in &*KEPT {
            assert!(members.0.len() > 4, "{kind:?}");
            assert!(members.0.contains_key("properties"), "{kind:?}");
        }
        let body = json!({ "id": "/v/vaults/v/replicationJobs/j", "properties": { "errors": [
            { "serviceErrorDetails": { "code": "\u{1b}[1m539", "message": "\n  a\u{202e}b\r\n" } }, 5, null ] } });
        let once = keep(&body);
        let error = json!({ "serviceErrorDetails": { "code": "[1m539", "message": "ab" } });
        assert_eq!(once["properties"]["errors"], json!([error, 5, null]));
        assert_eq!(keep(&once), once);
    }

    #[test]
    fn a_text_is_one_printable_line() {
        for (text, printed) in [
            ("plain", "plain"),
            ("\n   a\tb\r\n", "a b"),
            ("a\u{0}\u{7}\u{1b}[31mb\u{9b}c", "a[31mbc"),
            ("\u{202e}gnp.exe\u{202c}", "gnp.exe"),
            ("\u{2066}\u{200f}\u{feff}", ""),
            ("gränsö", "gränsö"),
        ] {
            assert_eq!(printable(text), printed, "{text:?}");
        }
        assert_eq!(printable(&"ä".repeat(MAX_TEXT)).len(), MAX_TEXT);
    }
}
