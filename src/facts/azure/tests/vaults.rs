//! GivenAnswers put together, and which item belongs to which machine.

use serde_json::json;

use super::super::object::ObjectKind;
use super::super::survey::{NoItem, PlannedMachine, PlannedSite, SiteInVault};
use super::{CONTAINER, FABRIC, GROUP, GivenAnswers, VAULT, id, item, site};
use crate::facts::vsphere::identity::MachineIdentity;

#[test]
fn a_get_counts_before_a_list_and_a_list_fills_what_it_lacks() {
    let listed = item(
        "app",
        "InMage",
        json!({ "replicationHealth": "Normal" }),
        json!({ "protectedDisks": [], "masterTargetId": null }),
    );
    let mut whole = listed.clone();
    whole["properties"]["providerSpecificDetails"]["protectedDisks"] =
        json!([{ "diskName": "Disk0" }]);
    whole["properties"].as_object_mut().unwrap().remove("replicationHealth");
    for answers in [
        GivenAnswers::new()
            .list("replicationProtectedItems", std::slice::from_ref(&listed))
            .get(&whole),
        GivenAnswers::new()
            .get(&whole)
            .list("replicationProtectedItems", std::slice::from_ref(&listed)),
        GivenAnswers::new()
            .exported(std::slice::from_ref(&listed))
            .exported(std::slice::from_ref(&whole)),
    ] {
        let vault = answers.vault();
        let items: Vec<_> = vault.items().collect();
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].disks().unwrap().len(), 1);
        assert_eq!(items[0].properties()["replicationHealth"], "Normal");
    }
    let alone = GivenAnswers::new().list("replicationProtectedItems", &[listed]).vault();
    assert!(
        alone.items().next().unwrap().disks().unwrap_err().reason.contains("a list leaves out")
    );
}

#[test]
fn what_a_get_says_is_empty_stays_so() {
    let with =
        |operations| item("app", "InMage", json!({ "allowedOperations": operations }), json!({}));
    let answers = GivenAnswers::new()
        .list("replicationProtectedItems", &[with(json!(["Commit"]))])
        .get(&with(json!([])));
    assert!(!answers.vault().items().next().unwrap().offers("Commit"));
}

#[test]
fn a_list_is_known_whole_by_itself_or_by_its_parts() {
    let path = format!("{VAULT}/replicationProtectedItems");
    let part = format!("{VAULT}/{CONTAINER}/replicationProtectedItems");
    let right = "Microsoft.RecoveryServices/vaults/replicationProtectedItems/read";
    let reason = |answers: GivenAnswers| {
        answers.vault().all_of(ObjectKind::Item).err().map(|why| why.reason)
    };
    assert_eq!(reason(GivenAnswers::new().list("replicationProtectedItems", &[])), None);
    let refused = || GivenAnswers::new().refused(&path, 403, Some(right));
    assert_eq!(
        reason(refused()).unwrap(),
        format!("access was refused: it takes {right}, which the role Reader has")
    );
    let fabric = |name: &str, kind: &str| json!({ "id": id(&format!("replicationFabrics/{name}")), "properties": { "customDetails": { "instanceType": kind } } });
    let with = |others: &[serde_json::Value]| {
        let all = [&[fabric("F1", "VMware"), fabric("a", "Azure")], others].concat();
        refused().list("replicationFabrics", &all)
    };
    assert_eq!(reason(with(&[]).list_at(&part, &[])), None);
    assert!(reason(refused().refused(&part, 403, None)).unwrap().contains("Site Recovery Reader"));
    assert_eq!(reason(refused().refused(&part, 500, None)).unwrap(), "the service answered 500");
    assert!(
        reason(GivenAnswers::new()).unwrap().starts_with("nothing says which replicated items")
    );
    // An exported body of one object is the answer to a GET of its own; one with a value is a list, of the vault or of a container.
    let one = |container: &str| {
        let body = item("app", "InMage", json!({}), json!({}));
        json!({ "id": body["id"].as_str().unwrap().replace("/c1/", container), "properties": body["properties"] })
    };
    let list = |containers: &[&str]| {
        let all: Vec<serde_json::Value> = containers.iter().map(|name| one(name)).collect();
        [json!({ "value": all })]
    };
    assert!(reason(GivenAnswers::new().exported(&[one("/c1/")])).is_some());
    assert_eq!(reason(GivenAnswers::new().exported(&list(&["/c1/", "/c2/"]))), None);
    let alone = reason(GivenAnswers::new().exported(&list(&["/c1/"]))).unwrap();
    assert_eq!(
        alone,
        "the replicated items of c1 alone are known, and not those of other fabrics, if there are any"
    );
    assert_eq!(reason(with(&[]).exported(&list(&["/c1/"]))), None);
    let other = reason(with(&[fabric("f2", "InMageRcm")]).exported(&list(&["/c1/"]))).unwrap();
    assert_eq!(other, "the replicated items of c1 alone are known, and not those of f2");
    // A server of VMM may have more clouds than one.
    let vmm = |known: &[&str]| {
        let container = |name: &&str| json!({ "id": id(&format!("{FABRIC}/replicationProtectionContainers/{name}")) });
        let known: Vec<serde_json::Value> = known.iter().map(container).collect();
        refused()
            .list("replicationFabrics", &[fabric("f1", "VMM")])
            .list(&format!("{FABRIC}/replicationProtectionContainers"), &known)
            .exported(&list(&["/c1/"]))
    };
    assert_eq!(reason(vmm(&["c1"])), None);
    assert!(reason(vmm(&["c1", "c2"])).is_some());
}

#[test]
fn an_exported_list_says_nothing_of_the_resource_groups_that_are_not_in_it() {
    let other = |name: &str| json!({ "id": format!("/subscriptions/11/resourceGroups/{name}/providers/Microsoft.Compute/virtualMachines/x") });
    let app = item(
        "app",
        "InMageRcm",
        json!({}),
        json!({ "targetResourceGroupId": GROUP, "targetVmName": "app" }),
    );
    let power = |list: &[serde_json::Value]| {
        let vault = GivenAnswers::new().exported(std::slice::from_ref(&app)).exported(list).vault();
        let item = vault.items().next().unwrap();
        item.azure_power().map(|power| power.as_str()).map_err(|why| why.reason)
    };
    assert!(power(&[other("rg-else"), other("rg-more")]).unwrap_err().starts_with("nothing says"));
    assert_eq!(power(&[other("rg-else"), other("RG-run")]), Ok("gone"));
}

#[test]
fn of_two_exports_of_one_item_the_newer_counts() {
    let with = |state: &str, beat: &str, disks: serde_json::Value| {
        let details =
            json!({ "lastHeartbeat": beat, "protectedDisks": disks, "activeSiteType": "Azure" });
        item("app", "InMage", json!({ "protectionState": state }), details)
    };
    let old = with("InitialReplicationInProgress", "2026-11-19T08:00:00Z", json!([{}, {}, {}, {}]));
    let new = with("Protected", "2026-11-20T08:00:00Z", json!([{}]));
    for both in [[&old, &new], [&new, &old]] {
        let [one, other] = both.map(std::slice::from_ref);
        let vault = GivenAnswers::new().exported(one).exported(other).vault();
        assert_eq!(vault.items().next().unwrap().state(), "Protected");
    }
}

#[test]
fn a_published_example_is_read_like_a_body() {
    let policy =
        json!({ "id": id("replicationPolicies/p"), "properties": { "friendlyName": "p" } });
    let example = json!({ "parameters": {}, "responses": { "200": { "body": policy } } });
    let vault = GivenAnswers::new().exported(&[example]).vault();
    assert!(vault.object(&id("REPLICATIONPOLICIES/P")).is_some());
    assert_eq!(vault.name(), Some("vault-falun"));
}

#[test]
fn an_item_is_found_by_uuid_then_by_a_name_that_is_its_own() {
    const UUID: &str = "5015aaaa-0000-4000-8000-00000000000f";
    let modern = |name: &str, uuid: &str| {
        let machine = format!("/subscriptions/11/machines/vc1_{uuid}");
        let mut body =
            item(name, "InMageRcm", json!({}), json!({ "fabricDiscoveryMachineId": machine }));
        body["id"] = json!(format!("{}-{uuid}", body["id"].as_str().unwrap()));
        body
    };
    let classic = |name: &str| item(name, "InMageAzureV2", json!({}), json!({}));
    let find = |items: &[serde_json::Value], uuid: Option<&str>| {
        let vault = GivenAnswers::new().list("replicationProtectedItems", items).vault();
        let machine = PlannedMachine {
            name: "APP".to_owned(),
            known: MachineIdentity {
                instance_uuid: uuid.map(str::to_owned),
                ..MachineIdentity::default()
            },
            ..PlannedMachine::default()
        };
        let site = PlannedSite { machines: vec![machine], ..PlannedSite::default() };
        SiteInVault::new(&vault, site).item("APP").map(|item| item.name().to_owned())
    };
    assert_eq!(find(&[classic("app"), classic("db")], None), Ok("app".to_owned()));
    assert_eq!(
        find(&[modern("renamed", UUID), classic("app")], Some(&UUID.to_uppercase())),
        Ok("renamed".to_owned())
    );
    assert_eq!(find(&[classic("db")], None), Err(NoItem::Missing));
    let other = "5015bbbb-0000-4000-8000-00000000000f";
    for (items, uuid, says) in [
        (vec![modern("app", other)], Some(UUID), "is of another machine"),
        (vec![modern("app", UUID), modern("app", other)], None, "2 items are named APP"),
    ] {
        let Err(NoItem::Unknown(why)) = find(&items, uuid) else { panic!("{says}") };
        assert!(why.reason.contains(says), "{}", why.reason);
    }
    let unlisted = GivenAnswers::new().exported(&[classic("db")]).vault();
    let unknown = SiteInVault::new(&unlisted, site(&["app"]));
    assert!(matches!(unknown.item("app"), Err(NoItem::Unknown(_))));
}
