//! Servers of a fabric, with their heartbeats, and what all machines need together.

use serde_json::{Value, json};

use super::super::plan::plan_facts;
use super::super::registered::{
    configuration_server_facts, host_discovered, master_target_facts, process_server_facts,
};
use super::super::servers::ServerNames;
use super::super::survey::{PlannedServer, PlannedSite, SiteInVault};
use super::{CONTAINER, FABRIC, GivenAnswers, VAULT, id, item, site, words};

fn fabric(server_beat: &str, targets: Value) -> Value {
    json!({ "id": id(FABRIC), "properties": { "friendlyName": "CS-FALUN", "health": "Normal", "customDetails": {
        "instanceType": "VMware", "ipAddress": "192.168.7.2", "hostName": "CS-FALUN", "csServiceStatus": "Running",
        "lastHeartbeat": server_beat, "agentVersion": "9.52.0.0", "versionStatus": "Supported",
        "processServers": [
            { "friendlyName": "CS-FALUN", "id": "A", "ipAddress": "192.168.7.2", "lastHeartbeat": "2026-11-20T07:58:00Z",
              "psServiceStatus": "Running", "cpuLoad": "96%", "totalMemoryInBytes": "1000", "availableMemoryInBytes": 100,
              "totalSpaceInBytes": 1000, "availableSpaceInBytes": 280 } ],
        "masterTargetServers": targets } } })
}

fn target(name: &str, beat: &str, stores: Value, volumes: Value) -> Value {
    json!({ "name": name, "id": "B", "ipAddress": "10.20.0.7", "osType": "Linux", "lastHeartbeat": beat, "dataStores": stores,
        "retentionVolumes": volumes, "validationErrors": [], "versionStatus": "Odd" })
}

const FRESH: &str = "2026-11-20T07:58:00.9953281Z";

fn planned(names: &[&str]) -> PlannedServer {
    PlannedServer {
        name: names[0].to_owned(),
        names: ServerNames::from_names(names.iter().copied()),
        is_on_premises: false,
    }
}

#[test]
fn a_master_target_is_registered_discovered_and_has_its_volume() {
    let stores = || json!([{ "symbolicName": "ds-1" }]);
    let volume = || json!([{ "volumeName": "/mnt/retention/", "capacityInBytes": "128849018880", "freeSpaceInBytes": 64424509440_u64 }]);
    let read = |body: Value, names: &[&str]| {
        let vault = GivenAnswers::new().list("replicationFabrics", &[body]).vault();
        let survey = SiteInVault::new(&vault, PlannedSite::default());
        let facts = master_target_facts(&survey, &planned(names), Some("/mnt/retention"));
        [words(&facts.registered), words(&facts.discovered), words(&facts.retention)]
    };
    let stale = "2026-10-30T08:00:00Z";
    for (body, names, says) in [
        (
            fabric(FRESH, json!([target("MT7", FRESH, stores(), volume())])),
            ["mt7", "x"].as_slice(),
            [
                "good: mt7 (10.20.0.7), last heartbeat at 2026-11-20 07:58",
                "good: mt7",
                "good: /mnt/retention is listed with 120 gib, 60 gib",
            ],
        ),
        // By its address, or by the first label of its name.
        (
            fabric(
                FRESH,
                json!([target("MT7", FRESH, json!([]), json!([{ "volumeName": "/var/crash" }]))]),
            ),
            &["other", "10.20.0.7"],
            [
                "good: mt7",
                "bad: mt7 is registered, and not discovered",
                "bad: /mnt/retention is not listed; listed are: /var/crash",
            ],
        ),
        (
            fabric(FRESH, json!([target("mt7.falun.test", stale, stores(), volume())])),
            &["MT7"],
            ["bad: mt7.falun.test (10.20.0.7), last heartbeat at 2026-10-30", "bad: mt7", "good"],
        ),
        (
            fabric(FRESH, json!([])),
            &["mt7"],
            [
                "bad: the vault lists no master target",
                "unknown: the vault lists no master target",
                "unknown",
            ],
        ),
        // A configuration server that is silent itself says nothing of others.
        (
            fabric(stale, json!([target("MT7", stale, stores(), json!([]))])),
            &["mt7"],
            [
                "unknown: the configuration server cs-falun was last",
                "unknown: the configuration server",
                "unknown: the configuration server",
            ],
        ),
    ] {
        let found = read(body, names);
        for (found, says) in found.iter().zip(says) {
            assert!(
                found.starts_with(says)
                    || found.replace("had its last", "was last").starts_with(says),
                "{found} / {says}"
            );
        }
    }
}

#[test]
fn a_word_that_is_not_known_is_no_version_status() {
    let vault = GivenAnswers::new()
        .list(
            "replicationFabrics",
            &[fabric(FRESH, json!([target("MT7", FRESH, json!([]), json!([]))]))],
        )
        .vault();
    let survey = SiteInVault::new(&vault, PlannedSite::default());
    let facts = master_target_facts(&survey, &planned(&["mt7"]), None);
    let server = facts.server.known().unwrap();
    assert_eq!(
        server.version_status.value().unwrap_err().reason,
        "Azure says versionStatus \"Odd\", which is not known"
    );
    assert_eq!(server.silent_minutes.known(), Some(&1));
}

#[test]
fn a_process_server_says_its_load_in_texts_and_numbers() {
    let vault = GivenAnswers::new().list("replicationFabrics", &[fabric(FRESH, json!([]))]).vault();
    let survey = SiteInVault::new(&vault, PlannedSite::default());
    let facts = process_server_facts(&survey, &planned(&["cs-falun"]));
    assert_eq!(facts.cpu_percent.known(), Some(&96.0));
    assert_eq!(facts.memory_percent.known(), Some(&90.0));
    assert_eq!(facts.free_percent.known(), Some(&28.0));
    assert!(words(&facts.heartbeat).starts_with("good: cs-falun"));
    let none = process_server_facts(&survey, &planned(&["ps9"]));
    assert_eq!(none.listed.known(), Some(&false));
    // The list of an appliance leaves its parts out, so nothing is missing from it.
    let appliance = json!({ "id": id("replicationFabrics/f2"), "properties": { "friendlyName": "app",
        "customDetails": { "instanceType": "InMageRcm", "processServers": [] } } });
    let vault =
        GivenAnswers::new().list("replicationFabrics", std::slice::from_ref(&appliance)).vault();
    let unknown =
        process_server_facts(&SiteInVault::new(&vault, PlannedSite::default()), &planned(&["ps9"]));
    assert!(unknown.listed.value().unwrap_err().reason.contains("leaves out its servers"));
    let vault = GivenAnswers::new()
        .list("replicationFabrics", std::slice::from_ref(&appliance))
        .get(&appliance)
        .vault();
    let known =
        process_server_facts(&SiteInVault::new(&vault, PlannedSite::default()), &planned(&["ps9"]));
    assert_eq!(known.listed.known(), Some(&false));
}

#[test]
fn the_machines_lie_in_the_fabric_of_the_server_that_is_named() {
    let body = item("app", "InMageAzureV2", json!({}), json!({ "vmId": "1", "osType": "Linux" }));
    let read = |named: &str, beat: &str| {
        let vault = GivenAnswers::new()
            .list(
                "replicationFabrics",
                &[fabric(
                    beat,
                    json!([target("MT7", FRESH, json!([{ "symbolicName": "d" }]), json!([]))]),
                )],
            )
            .list("replicationProtectedItems", std::slice::from_ref(&body))
            .vault();
        let site = PlannedSite {
            configuration_server: Some(ServerNames::from_names([named])),
            ..site(&["app"])
        };
        let facts = configuration_server_facts(&SiteInVault::new(&vault, site));
        [words(&facts.has_machines), words(&facts.address), words(&facts.master_targets)]
    };
    let [machines, address, targets] = read("cs-falun.corp.test", FRESH);
    assert!(machines.starts_with("good"), "{machines}");
    assert!(address.starts_with("good: cs-falun is registered with 192.168.7.2"), "{address}");
    assert!(targets.starts_with("good: mt7"), "{targets}");
    assert!(
        read("192.168.9.9", FRESH)[1]
            .starts_with("bad: cs-falun is registered with 192.168.7.2, and the site says")
    );
    assert!(read("cs-falun", "2026-11-19T08:00:00Z")[0].starts_with("unknown"));
}

#[test]
fn a_host_is_discovered_by_itself_or_through_its_vcenter() {
    let server = |status: &str| json!({ "id": id(&format!("{FABRIC}/replicationvCenters/v")), "properties": { "friendlyName": "vc2", "ipAddress": "vc2.falun.test", "discoveryStatus": status } });
    let read = |status: Option<&str>, name: &str| {
        let objects: Vec<Value> = status.map(server).into_iter().collect();
        let vault = GivenAnswers::new().list("replicationvCenters", &objects).vault();
        let survey = SiteInVault::new(
            &vault,
            PlannedSite { vcenter: Some(ServerNames::from_names(["other"])), ..site(&[]) },
        );
        words(&host_discovered(&survey, &ServerNames::from_names([name])).into())
    };
    assert!(read(Some("Completed"), "VC2").starts_with("good: vc2 is discovered"));
    assert!(read(Some("Pending"), "vc2").starts_with("unknown: discovery of vc2 is pending"));
    assert!(read(Some("Completed"), "esx1").starts_with("unknown: registered are vc2"));
    assert!(read(None, "esx1").starts_with("bad"));
}

#[test]
fn groups_plans_and_policies_are_read_from_ids() {
    let member = |name: &str, target: &str| {
        item(
            name,
            "InMage",
            json!({ "protectionState": "Protected", "activeLocation": "Primary", "allowedOperations": ["UnplannedFailover"] }),
            json!({ "activeSiteType": "Azure", "multiVmGroupId": "g", "multiVmGroupName": "shop", "masterTargetId": target, "osDetails": { "osType": "Linux" } }),
        )
    };
    let plan = |members: &[&Value]| {
        let members: Vec<Value> = members
            .iter()
            .map(|item| json!({ "id": item["id"].as_str().unwrap().to_uppercase() }))
            .collect();
        json!({ "id": id("replicationRecoveryPlans/home"), "properties": { "friendlyName": "home", "groups": [{ "groupType": "Boot", "replicationProtectedItems": members }] } })
    };
    let policy = json!({ "id": id("replicationPolicies/back"), "properties": { "providerSpecificDetails": { "instanceType": "InMage" } } });
    let mapping = |target: &str, state: &str| {
        json!({ "id": id(&format!("{CONTAINER}/replicationProtectionContainerMappings/m")), "properties": {
            "targetProtectionContainerId": target, "policyId": id("replicationPolicies/BACK"), "policyFriendlyName": "back", "state": state } })
    };
    let own = id(CONTAINER);
    let read = |items: &[Value], plans: &[Value], mappings: &[Value]| {
        let vault = GivenAnswers::new()
            .list("replicationProtectedItems", items)
            .list("replicationRecoveryPlans", plans)
            .list("replicationPolicies", std::slice::from_ref(&policy))
            .list("replicationProtectionContainerMappings", mappings)
            .vault();
        let facts = plan_facts(&SiteInVault::new(&vault, site(&["app"])));
        [facts.group_master_target, facts.group_plan, facts.policy, facts.ungrouped]
            .map(|shown| words(&shown))
    };
    let (app, db) = (member("app", "B"), member("db", "B"));
    let [targets, plans, policy_is, ungrouped] = read(
        &[app.clone(), db.clone()],
        &[plan(&[&app, &db])],
        &[mapping("Microsoft Azure", "Paired"), mapping(&own, "Paired")],
    );
    assert_eq!(targets, "good: shop has one master target");
    assert_eq!(plans, "good: shop is in the plan home");
    assert!(policy_is.starts_with("good: the policy back"), "{policy_is}");
    assert!(ungrouped.starts_with("unknown: 2 machines share the group shop"), "{ungrouped}");
    let [targets, plans, policy_is, _] = read(
        &[app.clone(), member("db", "C")],
        &[plan(&[&app])],
        &[mapping("Microsoft Azure", "Paired")],
    );
    assert_eq!(targets, "bad: shop has 2 master targets");
    assert!(plans.starts_with("bad: 1 of the 2 machines of shop"), "{plans}");
    assert!(policy_is.starts_with("bad: no policy for the way home"), "{policy_is}");
    // A group of one, whose name is a GUID as often as not, is none.
    let [targets, _, policy_is, ungrouped] =
        read(&[app], &[], &[mapping(&own, "PairingInProgress")]);
    assert!(targets.starts_with("good: no machine shares"), "{targets}");
    assert!(policy_is.starts_with("unknown: the association of back is pairing"), "{policy_is}");
    assert!(ungrouped.starts_with("good"), "{ungrouped}");
    // Before Re-protect the master target of an item is that of the way out.
    let out = |name: &str| {
        item(
            name,
            "InMageAzureV2",
            json!({ "activeLocation": "Recovery" }),
            json!({ "multiVmGroupId": "g", "masterTargetId": "A" }),
        )
    };
    assert!(
        read(&[out("app"), out("db")], &[], &[])[0]
            .starts_with("unknown: app of g is not reprotected")
    );
    assert!(VAULT.starts_with("/Subscriptions"));
}

#[test]
fn a_list_that_is_null_or_left_out_says_nothing_and_an_empty_one_says_that_there_is_none() {
    let fabric = |details: Value| {
        let mut all = json!({ "instanceType": "VMware", "ipAddress": "192.0.2.10",
            "lastHeartbeat": "2026-11-20T07:59:00Z", "csServiceStatus": "Running" });
        all.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
        json!({ "id": id(FABRIC), "properties": { "friendlyName": "cs", "customDetails": all } })
    };
    let target = |details: Value| {
        let mut one =
            json!({ "name": "mt", "osType": "Linux", "lastHeartbeat": "2026-11-20T07:59:00Z" });
        one.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
        fabric(json!({ "masterTargetServers": [one] }))
    };
    let facts = |fabric: &Value| {
        let vault =
            GivenAnswers::new().list("replicationFabrics", std::slice::from_ref(fabric)).vault();
        let planned = PlannedServer {
            name: "mt".to_owned(),
            names: ServerNames::from_names(["mt"]),
            is_on_premises: true,
        };
        master_target_facts(&SiteInVault::new(&vault, site(&[])), &planned, Some("/mnt/retention"))
    };
    let registered = |details: Value| words(&facts(&fabric(details)).registered);
    assert!(
        registered(json!({ "masterTargetServers": [] })).starts_with("bad: the vault lists no")
    );
    for missing in [json!({ "masterTargetServers": null }), json!({})] {
        assert!(registered(missing).starts_with("unknown: cs: azure does not say"));
    }
    let both = |details: Value| {
        let facts = facts(&target(details));
        [words(&facts.discovered), words(&facts.retention)]
    };
    let [discovered, retention] = both(json!({ "dataStores": [], "retentionVolumes": [] }));
    assert!(
        discovered.starts_with("bad:") && retention.starts_with("bad:"),
        "{discovered} {retention}"
    );
    for missing in [json!({ "dataStores": null, "retentionVolumes": null }), json!({})] {
        let [discovered, retention] = both(missing);
        assert!(discovered.starts_with("unknown:"), "{discovered}");
        assert!(retention.starts_with("unknown:"), "{retention}");
    }
    // A fabric of a kind that is not known may have anything.
    let mut strange = fabric(json!({}));
    strange["properties"]["customDetails"]["instanceType"] = json!("VMwareV9");
    assert_eq!(words(&facts(&strange).registered), "unknown: the fabric cs is of vmwarev9");
}
