//! Items in the shapes that replies of the service have, each with its stage.

use super::*;
use serde_json::json;

/// An item with these values; an empty one is left out, as the service does.
fn item(
    provider: &str,
    state: &str,
    location: &str,
    site: &str,
    running: &str,
    operations: &[&str],
) -> Value {
    let mut details = json!({ "instanceType": provider });
    if !site.is_empty() {
        details["activeSiteType"] = site.into();
    }
    json!({ "properties": {
        "protectionState": state,
        "activeLocation": location,
        "allowedOperations": operations,
        "currentScenario": { "scenarioName": running, "jobId": "None" },
        "providerSpecificDetails": details,
    } })
}

/// Provider, state, location, site, running job, operations, and the stage; a dash is an empty value.
const RECORDED: &str = "
    InMageAzureV2 Protected Primary - None UnplannedFailover,TestFailover home
    InMageAzureV2 UnplannedFailoverCommitted Recovery - None SwitchProtection prepare
    InMageAzureV2 UnplannedFailoverCommitPendingStatesBegin Recovery - None Commit,SwitchProtection prepare
    InMageAzureV2 UnplannedFailoverCommitted Recovery - SwitchReplicationGroupProtection - reprotect
    InMage Protected Primary Azure None UnplannedFailover,DisableProtection replicating
    InMage InitialReplicationInProgress Primary Azure None DisableProtection replicating
    InMage Protected Primary Azure UnplannedFailover - failback
    InMage UnplannedFailoverCommitPendingStatesBegin Recovery OnPrem None Commit verify
    InMage UnplannedFailoverCommitted Recovery OnPrem CommitFailover - verify
    InMage UnplannedFailoverCommitted Recovery OnPrem None SwitchProtection,CompleteMigration after
    InMage UnplannedFailoverCommitted Recovery OnPrem SwitchReplicationGroupProtection - reprotect-forward
    InMageAzureV2 InitialReplicationInProgress Primary - None DisableProtection reprotect-forward
    InMageAzureV2 Protected Primary - TestFailover UnplannedFailover home
    InMageRcm Protected Primary - None UnplannedFailover home
    InMageRcm InitialReplicationRecoveryCompletionPending Primary - None DisableProtection reprotect-forward
    InMageRcm UnplannedFailoverCommitPendingStatesBegin Recovery - None CompleteMigration,Commit,ChangePit,SwitchProtection prepare
    InMageRcm UnplannedFailoverCommitted Recovery - - CompleteMigration,SwitchProtection prepare
    InMageRcmFailback InitialReplicationInProgress Primary - None DisableProtection replicating
    InMageRcmFailback Protected Primary - None PlannedFailover replicating
    InMageRcmFailback CommitPendingStatesBegin Recovery - None CompleteMigration,Commit,SwitchProtection,CancelFailover verify
    InMageRcmFailback Odd Recovery - None SwitchProtection after
    InMage Odd Recovery OnPrem None Commit verify
    HyperVReplicaAzure Protected Primary - - PlannedFailover home
    HyperVReplicaAzure Odd Recovery - - PlannedFailover prepare
    HyperVReplicaAzure RestoreFinalized Primary - - ReverseReplicate after
";

/// Reads a line of a table; also returns what stands behind the item.
fn recorded(line: &str) -> (Value, String) {
    let mut words = line.split_whitespace().map(|word| word.trim_matches('-'));
    let [provider, state, location, site, running, operations] =
        std::array::from_fn(|_| words.next().expect(line));
    let operations: Vec<&str> = operations.split(',').filter(|word| !word.is_empty()).collect();
    let item = item(provider, state, location, site, running, &operations);
    (item, words.collect::<Vec<_>>().join(" "))
}

#[test]
fn recorded_shapes_have_their_stage() {
    for line in RECORDED.lines().filter(|line| !line.is_empty()) {
        let (item, stage) = recorded(line);
        let reading = read(&item).unwrap_or_else(|why| panic!("{item}: {why}"));
        assert_eq!(reading.fits[0].as_str(), stage, "{item}");
    }
}

#[test]
fn what_no_reply_has_shown_is_told_word_for_word() {
    const NOT_TOGETHER: &str = "its values are not known together: ";
    for (line, says) in [
        (
            "InMageAzureV2 UnplannedFailoverFailed Recovery - None UnplannedFailover",
            "InMageAzureV2, protectionState UnplannedFailoverFailed, activeLocation Recovery, offers UnplannedFailover",
        ),
        (
            "InMage ReprotectFailed Recovery OnPrem None Commit",
            "InMage, protectionState ReprotectFailed",
        ),
        (
            "InMageAzureV2 InitialReplicationFailed Primary - None DisableProtection",
            "InMageAzureV2",
        ),
        ("InMage InitialReplicationInProgress Primary Azure None UnplannedFailover", "InMage"),
        ("InMage Protected Recovery Azure None -", "InMage"),
        ("InMage Protected Primary Azure DisableDr -", "InMage"),
    ] {
        let why = read(&recorded(line).0).expect_err("not recognised");
        assert!(why.starts_with(&format!("{NOT_TOGETHER}{says}")), "{why}");
    }
    let odd = json!({ "properties": { "providerSpecificDetails": { "instanceType": 5 } } });
    for (item, says) in [
        (
            recorded("InMageRcm UnprotectedStatesBegin Primary - None -").0,
            "it is not protected: InMageRcm, protectionState UnprotectedStatesBegin",
        ),
        (recorded("A2A Protected Primary - None -").0, "it is replicated from Azure to Azure"),
        (
            recorded("Vmm Protected Primary - None -").0,
            "the item's instanceType \"Vmm\" is not known",
        ),
        (json!({}), "the item names no instanceType"),
        (odd, "the item names no instanceType"),
    ] {
        let why = read(&item).expect_err("not recognised");
        assert!(why.starts_with(says), "{why}");
    }
}

#[test]
fn where_an_item_leads_must_fit_its_provider() {
    let with = |provider: &str, fabric: &str| {
        let mut body = item(provider, "Protected", "Primary", "", "None", &[]);
        body["properties"]["recoveryFabricId"] = fabric.into();
        read(&body).is_ok()
    };
    let own = "/subscriptions/s/vaults/v/replicationFabrics/f";
    for (provider, fabric, fits) in [
        ("InMageAzureV2", "Microsoft Azure", true),
        ("InMageRcm", own, false),
        ("InMage", own, true),
        ("InMageRcmFailback", "Microsoft Azure", false),
        ("HyperVReplicaAzure", "Microsoft Azure", true),
    ] {
        assert_eq!(with(provider, fabric), fits, "{provider} {fabric}");
    }
}

#[test]
fn only_recorded_replies_decide_for_hyperv() {
    let decides = |state: &str, location: &str, operation: &str| {
        read(&item("HyperVReplicaAzure", state, location, "", "", &[operation])).unwrap().decides
    };
    assert!(decides("Protected", "Primary", "PlannedFailover"));
    assert!(decides("RestoreFinalized", "Primary", "ReverseReplicate"));
    assert!(!decides("Odd", "Recovery", "PlannedFailover"));
}

#[test]
fn the_progress_of_a_first_copy_is_said() {
    let mut body =
        item("InMageRcmFailback", "InitialReplicationInProgress", "Primary", "", "None", &[]);
    let details = &mut body["properties"]["providerSpecificDetails"];
    details["initialReplicationProgressPercentage"] = json!(92);
    assert!(read(&body).unwrap().says.contains("first copy at 92 %"));
}

#[test]
fn the_active_location_alone_proves_nothing() {
    // Primary is the site on the way out and Azure on the way back.
    let out = item("InMageAzureV2", "Protected", "Primary", "", "None", &[]);
    let back = item("InMage", "Protected", "Primary", "Azure", "None", &[]);
    assert_eq!(read(&out).unwrap().fits, [Stage::Home]);
    assert_eq!(read(&back).unwrap().fits, [Stage::Replicating]);
}
