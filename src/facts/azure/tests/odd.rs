//! Bodies that are odd: what is in them once in many vaults, and what follows from it is none of what it looks like.

use serde_json::{Value, json};

use super::super::machine::machine_facts;
use super::super::plan::plan_facts;
use super::super::registered::process_server_facts;
use super::super::servers::ServerNames;
use super::super::survey::{PlannedServer, SiteInVault};
use super::{
    FABRIC, GROUP, GivenAnswers, VAULT, azure_machine, id, item, network_id, site, with_app, words,
};

/// An item that is protected back.
fn back(properties: Value, details: Value) -> Value {
    let mut body = item(
        "app",
        "InMage",
        json!({ "protectionState": "Protected", "activeLocation": "Primary", "replicationHealth": "Normal",
            "allowedOperations": ["UnplannedFailover"], "healthErrors": [] }),
        json!({ "activeSiteType": "Azure", "vmId": "v1" }),
    );
    for (name, value) in properties.as_object().unwrap() {
        body["properties"][name] = value.clone();
    }
    for (name, value) in details.as_object().unwrap() {
        body["properties"]["providerSpecificDetails"][name] = value.clone();
    }
    body
}

fn job(name: &str, scenario: &str, state: &str, day: &str) -> Value {
    json!({ "id": id(&format!("replicationJobs/{name}")), "properties": { "scenarioName": scenario, "friendlyName": scenario,
        "state": state, "startTime": format!("2026-11-{day}T07:00:00Z"), "endTime": format!("2026-11-{day}T07:10:00Z"),
        "targetObjectId": "v1", "targetObjectName": "app", "errors": [], "tasks": [] } })
}

#[test]
fn no_recovery_point_is_a_failure_only_of_what_has_been_copied_for_an_hour() {
    let said = |item: &Value, jobs: &[Value]| {
        let points = format!("{}/recoveryPoints", item["id"].as_str().unwrap());
        let answers =
            GivenAnswers::new().get(item).list_at(&points, &[]).list("replicationJobs", jobs);
        with_app(&answers, |survey| words(&machine_facts(survey, "app").recovery_point))
    };
    let reprotected = job("j", "SwitchReplicationGroupProtection", "Succeeded", "18");
    let copying = back(
        json!({ "protectionState": "InitialReplicationInProgress", "allowedOperations": [] }),
        json!({}),
    );
    assert!(
        said(&copying, std::slice::from_ref(&reprotected)).contains("its first copy has not ended")
    );
    let done = back(json!({}), json!({}));
    assert!(
        said(&done, std::slice::from_ref(&reprotected)).starts_with("bad: there is none since")
    );
    let mut copied = job("k", "SecondaryIrCompletion", "Succeeded", "20");
    copied["properties"]["endTime"] = json!("2026-11-20T07:40:00Z");
    assert!(said(&done, &[reprotected, copied]).starts_with("unknown: azure lists none"));
}

#[test]
fn a_failed_job_counts_without_the_list_and_not_after_one_like_it_succeeded() {
    let said = |answers: GivenAnswers| {
        with_app(&answers, |survey| words(&machine_facts(survey, "app").last_job))
    };
    let with = || GivenAnswers::new().get(&back(json!({}), json!({})));
    let failed = job("j", "UnplannedFailover", "FAILED", "18");
    assert!(said(with().get(&failed)).starts_with("bad: the job unplannedfailover"));
    assert!(said(with()).starts_with("unknown: nothing says which jobs"));
    let later = job("k", "UnplannedFailover", "Succeeded", "19");
    assert!(said(with().list("replicationJobs", &[failed.clone(), later])).starts_with("good:"));
    let other = job("k", "TestFailover", "Succeeded", "19");
    assert!(said(with().list("replicationJobs", &[failed, other])).starts_with("bad:"));
}

#[test]
fn errors_that_are_left_out_are_none_that_are_known() {
    let errors = |errors: Value| {
        let mut item = back(json!({}), json!({}));
        item["properties"]["healthErrors"] = errors;
        with_app(&GivenAnswers::new().get(&item), |survey| {
            let facts = machine_facts(survey, "app");
            format!("{:?}", facts.faults.value().ok().map(|faults| faults.items.len()))
        })
    };
    assert_eq!(errors(json!([])), "Some(0)");
    assert_eq!(errors(Value::Null), "None");
    assert_eq!(errors(json!([{ "errorLevel": "ERROR", "errorCode": "1" }])), "Some(1)");
}

#[test]
fn a_vault_is_moved_while_its_move_is_under_way_and_no_longer() {
    for (state, said) in [
        (Value::Null, "good:"),
        (json!("none"), "good:"),
        (json!("InProgress"), "bad:"),
        (json!("MoveSucceeded"), "doubtful:"),
        (json!("PrepareFailed"), "doubtful:"),
        (json!("CommitTimedout"), "doubtful:"),
        (json!("Unknown"), "unknown:"),
    ] {
        let vault = json!({ "id": VAULT, "properties": { "moveState": state } });
        let found =
            with_app(&GivenAnswers::new().get(&vault), |survey| words(&plan_facts(survey).stays));
        assert!(found.starts_with(said), "{state}: {found}");
    }
}

#[test]
fn a_machine_between_two_regions_is_none_that_returns_to_hyperv() {
    let returns = |kind: &str| {
        let fabric = json!({ "id": id(FABRIC), "properties": { "customDetails": { "instanceType": kind } } });
        let answers = GivenAnswers::new().get(&back(json!({}), json!({}))).get(&fabric);
        with_app(&answers, |survey| words(&plan_facts(survey).returns_to_vmware))
    };
    assert!(returns("VMWARE").starts_with("good:"));
    assert!(returns("HyperVSite").starts_with("bad:"));
    assert!(returns("Azure").starts_with("unknown:"));
}

/// A classic fabric with its own process server and one more.
fn fabric_with(server: &Value) -> Value {
    json!({ "id": id(FABRIC), "properties": { "friendlyName": "cs", "customDetails": {
        "instanceType": "VMware", "ipAddress": "192.0.2.10", "lastHeartbeat": "2026-11-20T07:59:00Z",
        "processServers": [{ "friendlyName": "cs", "ipAddress": "192.0.2.10" }, server] } } })
}

#[test]
fn a_process_server_that_no_card_has_may_stand_in_a_group_that_was_not_read() {
    let [vm, card] = azure_machine("app", "running", "00-22-48-00-00-01", "10.9.0.5");
    let gateway = format!("{GROUP}/providers/Microsoft.Network/virtualNetworkGateways/gw");
    let network = |subnets: Value| json!({ "id": network_id("net-run"), "properties": { "subnets": subnets, "virtualNetworkPeerings": [] } });
    let with_gateway = network(json!([{ "name": "GatewaySubnet", "properties": {
        "ipConfigurations": [{ "id": format!("{gateway}/ipConfigurations/d") }] } }]));
    let cards = format!("{GROUP}/providers/Microsoft.Network/networkInterfaces");
    let item = back(json!({}), json!({ "vmNics": [{ "nicId": "00:22:48:00:00:01" }] }));
    let answers = |server: &Value, network: &Value| {
        GivenAnswers::new()
            .get(&item)
            .get(&fabric_with(server))
            .get(&vm)
            .list_at(&cards, std::slice::from_ref(&card))
            .get(network)
            .get(&json!({ "id": gateway, "properties": { "gatewayType": "Vpn" } }))
    };
    let server = json!({ "friendlyName": "ps-far", "ipAddress": "10.9.7.7" });
    let answers_of = answers(&server, &with_gateway);
    let vault = answers_of.vault();
    let said = |is_on_premises: bool| {
        let mut site = site(&["app"]);
        site.process_servers.push(PlannedServer {
            name: "ps-far".to_owned(),
            names: ServerNames::from_names(["ps-far"]),
            is_on_premises,
        });
        words(&plan_facts(&SiteInVault::new(&vault, site)).process_server_in_azure)
    };
    assert!(
        said(false).starts_with("unknown: nothing says where the process server ps-far stands")
    );
    assert!(said(true).starts_with("bad: no process server stands in net-run"));
    // A network that does not say its subnets does not say that it has no gateway.
    let silent = with_app(&answers(&server, &network(Value::Null)), |survey| {
        words(&plan_facts(survey).way_home)
    });
    assert_eq!(silent, "unknown: azure does not say subnets");
}

#[test]
fn a_process_server_is_gone_where_the_whole_subscription_has_no_machine_of_its_name() {
    let cards = format!("{GROUP}/providers/Microsoft.Network/networkInterfaces");
    let states = "/subscriptions/11/providers/Microsoft.Compute/virtualMachines";
    let other = json!({ "id": "/subscriptions/11/resourceGroups/rg-ps/providers/Microsoft.Compute/virtualMachines/PS-far" });
    let said = |answers: GivenAnswers| {
        let answers =
            answers.get(&fabric_with(&json!({ "friendlyName": "ps-home" }))).list_at(&cards, &[]);
        let vault = answers.list("replicationFabrics", &[]).vault();
        let planned = PlannedServer {
            name: "ps-far".to_owned(),
            names: ServerNames::from_names(["ps-far"]),
            is_on_premises: false,
        };
        words(&process_server_facts(&SiteInVault::new(&vault, site(&["app"])), &planned).gone)
    };
    let new = GivenAnswers::new;
    assert_eq!(said(new().list_at(states, &[])), "good: it is neither listed nor in azure");
    assert_eq!(
        said(new().list_at(states, &[other])),
        "bad: a virtual machine ps-far is still in azure"
    );
    assert!(said(new()).starts_with("unknown:"), "{}", said(new()));
    assert!(said(new().refused(states, 403, None)).starts_with("unknown:"));
}
