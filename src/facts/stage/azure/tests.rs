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

#[test]
fn recorded_shapes_have_their_stage() {
    const SWITCH: &str = "SwitchReplicationGroupProtection";
    for (item, stage) in [
        (
            item(
                "InMageAzureV2",
                "Protected",
                "Primary",
                "",
                "None",
                &["UnplannedFailover", "TestFailover"],
            ),
            "home",
        ),
        (
            item(
                "InMageAzureV2",
                "UnplannedFailoverCommitted",
                "Recovery",
                "",
                "None",
                &["SwitchProtection"],
            ),
            "prepare",
        ),
        (
            item(
                "InMageAzureV2",
                "UnplannedFailoverCommitPendingStatesBegin",
                "Recovery",
                "",
                "None",
                &["Commit", "SwitchProtection"],
            ),
            "prepare",
        ),
        (
            item("InMageAzureV2", "UnplannedFailoverCommitted", "Recovery", "", SWITCH, &[]),
            "reprotect",
        ),
        (
            item(
                "InMage",
                "Protected",
                "Primary",
                "Azure",
                "None",
                &["UnplannedFailover", "DisableProtection"],
            ),
            "replicating",
        ),
        (
            item(
                "InMage",
                "InitialReplicationInProgress",
                "Primary",
                "Azure",
                "None",
                &["DisableProtection"],
            ),
            "replicating",
        ),
        (item("InMage", "Protected", "Primary", "Azure", "UnplannedFailover", &[]), "failback"),
        (
            item(
                "InMage",
                "UnplannedFailoverCommitPendingStatesBegin",
                "Recovery",
                "OnPrem",
                "None",
                &["Commit"],
            ),
            "verify",
        ),
        (
            item(
                "InMage",
                "UnplannedFailoverCommitted",
                "Recovery",
                "OnPrem",
                "CommitFailover",
                &[],
            ),
            "verify",
        ),
        (
            item(
                "InMage",
                "UnplannedFailoverCommitted",
                "Recovery",
                "OnPrem",
                "None",
                &["SwitchProtection", "CompleteMigration"],
            ),
            "after",
        ),
        (
            item("InMage", "UnplannedFailoverCommitted", "Recovery", "OnPrem", SWITCH, &[]),
            "reprotect-forward",
        ),
        (
            item(
                "InMageAzureV2",
                "InitialReplicationInProgress",
                "Primary",
                "",
                "None",
                &["DisableProtection"],
            ),
            "reprotect-forward",
        ),
        (
            item(
                "InMageAzureV2",
                "Protected",
                "Primary",
                "",
                "TestFailover",
                &["UnplannedFailover"],
            ),
            "home",
        ),
        (item("InMageRcm", "Protected", "Primary", "", "None", &["UnplannedFailover"]), "home"),
        (
            item(
                "InMageRcm",
                "InitialReplicationRecoveryCompletionPending",
                "Primary",
                "",
                "None",
                &["DisableProtection"],
            ),
            "reprotect-forward",
        ),
        (
            item(
                "InMageRcm",
                "UnplannedFailoverCommitPendingStatesBegin",
                "Recovery",
                "",
                "None",
                &["CompleteMigration", "Commit", "ChangePit", "SwitchProtection"],
            ),
            "prepare",
        ),
        (
            item(
                "InMageRcm",
                "UnplannedFailoverCommitted",
                "Recovery",
                "",
                "",
                &["CompleteMigration", "SwitchProtection"],
            ),
            "prepare",
        ),
        (
            item(
                "InMageRcmFailback",
                "InitialReplicationInProgress",
                "Primary",
                "",
                "None",
                &["DisableProtection"],
            ),
            "replicating",
        ),
        (
            item("InMageRcmFailback", "Protected", "Primary", "", "None", &["PlannedFailover"]),
            "replicating",
        ),
        (
            item(
                "InMageRcmFailback",
                "CommitPendingStatesBegin",
                "Recovery",
                "",
                "None",
                &["CompleteMigration", "Commit", "SwitchProtection", "CancelFailover"],
            ),
            "verify",
        ),
        (item("InMageRcmFailback", "Odd", "Recovery", "", "None", &["SwitchProtection"]), "after"),
        (item("InMage", "Odd", "Recovery", "OnPrem", "None", &["Commit"]), "verify"),
        (item("HyperVReplicaAzure", "Protected", "Primary", "", "", &["PlannedFailover"]), "home"),
        (item("HyperVReplicaAzure", "Odd", "Recovery", "", "", &["PlannedFailover"]), "prepare"),
        (
            item(
                "HyperVReplicaAzure",
                "RestoreFinalized",
                "Primary",
                "",
                "",
                &["ReverseReplicate"],
            ),
            "after",
        ),
    ] {
        let reading = read(&item).unwrap_or_else(|why| panic!("{item}: {why}"));
        assert_eq!(reading.fits[0].as_str(), stage, "{item}");
    }
}

#[test]
fn what_no_reply_has_shown_is_told_word_for_word() {
    for (item, says) in [
        (
            item(
                "InMageAzureV2",
                "UnplannedFailoverFailed",
                "Recovery",
                "",
                "None",
                &["UnplannedFailover"],
            ),
            "its values are not known together: InMageAzureV2, protectionState UnplannedFailoverFailed, \
             activeLocation Recovery, offers UnplannedFailover",
        ),
        (
            item("InMage", "ReprotectFailed", "Recovery", "OnPrem", "None", &["Commit"]),
            "its values are not known together: InMage, protectionState ReprotectFailed",
        ),
        (
            item(
                "InMageAzureV2",
                "InitialReplicationFailed",
                "Primary",
                "",
                "None",
                &["DisableProtection"],
            ),
            "its values are not known together: InMageAzureV2",
        ),
        (
            item(
                "InMage",
                "InitialReplicationInProgress",
                "Primary",
                "Azure",
                "None",
                &["UnplannedFailover"],
            ),
            "its values are not known together: InMage",
        ),
        (
            item("InMage", "Protected", "Recovery", "Azure", "None", &[]),
            "its values are not known together: InMage",
        ),
        (
            item("InMage", "Protected", "Primary", "Azure", "DisableDr", &[]),
            "its values are not known together: InMage",
        ),
        (
            item("InMageRcm", "UnprotectedStatesBegin", "Primary", "", "None", &[]),
            "it is not protected: InMageRcm, protectionState UnprotectedStatesBegin",
        ),
        (
            item("A2A", "Protected", "Primary", "", "None", &[]),
            "it is replicated from Azure to Azure",
        ),
        (
            item("Vmm", "Protected", "Primary", "", "None", &[]),
            "the item's instanceType \"Vmm\" is not known",
        ),
        (json!({}), "the item names no instanceType"),
        (
            json!({ "properties": { "providerSpecificDetails": { "instanceType": 5 } } }),
            "the item names no instanceType",
        ),
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
