//! What is shown of a machine, for each provider that occurs.

use serde_json::{Value, json};

use super::super::machine::{VaultMachineFacts, machine_facts};
use super::super::shown::Shown;
use super::super::survey::SiteInVault;
use super::{FABRIC, GROUP, GivenAnswers, azure_machine, id, item, site, with_app, words};
use crate::facts::Fact;

type Member = fn(&VaultMachineFacts) -> &Fact<Shown>;

fn shown(answers: &GivenAnswers, member: Member) -> String {
    with_app(answers, |survey| words(member(&machine_facts(survey, "app"))))
}

/// The vault with an item that was asked for itself.
fn with_item(body: &Value) -> GivenAnswers {
    GivenAnswers::new().list("replicationProtectedItems", std::slice::from_ref(body)).get(body)
}

fn back(properties: Value, details: Value) -> Value {
    let mut all = json!({ "protectionState": "Protected", "activeLocation": "Primary",
        "replicationHealth": "Normal", "allowedOperations": ["UnplannedFailover", "DisableProtection"],
        "healthErrors": [] });
    all.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
    let mut more = json!({ "activeSiteType": "Azure",
        "protectedDisks": [{ "diskName": "Disk0", "resyncRequired": "NotRequired" }] });
    more.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
    item("app", "InMage", all, more)
}

#[test]
fn replication_home_is_healthy_by_its_health_and_not_by_what_is_offered() {
    let error = |level: &str| json!([{ "errorLevel": level, "errorCode": "90078", "errorMessage": "no progress" }]);
    let resync =
        json!({ "protectedDisks": [{ "diskName": "Disk1", "resyncRequired": "Required" }] });
    let odd = json!({ "protectedDisks": [{ "diskName": "Disk1", "resyncRequired": "Soon" }] });
    for (body, says) in [
        (back(json!({}), json!({})), "good: replication health is normal"),
        (
            back(json!({ "healthErrors": error("Info") }), json!({})),
            "good: replication health is normal",
        ),
        (
            back(
                json!({ "replicationHealth": "Warning", "healthErrors": error("Warning") }),
                json!({}),
            ),
            "doubtful: replication health is warning: error 90078",
        ),
        (
            back(
                json!({ "replicationHealth": "Critical", "healthErrors": error("Error") }),
                json!({}),
            ),
            "bad: replication health is critical: error 90078",
        ),
        (
            back(json!({ "healthErrors": error("Error") }), json!({})),
            "bad: replication health is normal: error 90078",
        ),
        (
            back(json!({ "replicationHealth": "Odd" }), json!({})),
            "unknown: replication health is odd",
        ),
        (back(json!({}), resync), "bad: a resynchronisation is required: disk1"),
        (back(json!({}), odd), "unknown: azure says resyncrequired \"soon\""),
        (back(json!({}), json!({ "protectedDisks": [] })), "unknown: azure names no disk"),
        (
            back(
                json!({ "protectionState": "InitialReplicationInProgress", "allowedOperations": [] }),
                json!({}),
            ),
            "bad: its first copy has not ended",
        ),
    ] {
        let said = shown(&with_item(&body), |facts| &facts.replication);
        assert!(said.starts_with(says), "{said} / {says}");
    }
    let modern = |complete: &str| {
        item(
            "app",
            "InMageRcmFailback",
            json!({ "protectionState": "Protected", "activeLocation": "Primary", "replicationHealth": "Normal" }),
            json!({ "resyncRequired": "false", "resyncState": "None",
                "protectedDisks": [{ "diskName": "d", "isInitialReplicationComplete": complete }] }),
        )
    };
    assert!(shown(&with_item(&modern("true")), |facts| &facts.replication).starts_with("good"));
    assert!(shown(&with_item(&modern("false")), |facts| &facts.replication).starts_with("bad"));
}

#[test]
fn a_machine_in_azure_runs_with_its_agent_and_a_way_home() {
    let forward = |beat: &str, failover: &str| {
        item(
            "app",
            "InMageAzureV2",
            json!({ "protectionState": "UnplannedFailoverCommitted", "activeLocation": "Recovery",
                "lastSuccessfulFailoverTime": failover }),
            json!({ "recoveryAzureResourceGroupId": GROUP, "recoveryAzureVMName": "app",
                "targetVmId": format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/"), "lastHeartbeat": beat }),
        )
    };
    let [on, card] = azure_machine("app", "running", "00-22-48-AA-00-01", "10.9.0.4");
    let [off, _] = azure_machine("app", "deallocated", "00-22-48-AA-00-01", "10.9.0.4");
    let [odd, _] = azure_machine("app", "starting", "00-22-48-AA-00-01", "10.9.0.4");
    let vms = format!("{GROUP}/providers/Microsoft.Compute/virtualMachines");
    let with = |body: &Value, vm: &Value| {
        with_item(body).list_at(&vms, std::slice::from_ref(vm)).get(&card)
    };
    let fresh = forward("2026-11-20T07:55:00.1234567Z", "2026-11-19T08:00:00Z");
    for (body, vm, says) in [
        (&fresh, &off, "bad: its virtual machine in azure is deallocated"),
        (&fresh, &odd, "unknown: app is starting"),
        (
            &forward("2026-11-20T07:40:00Z", "2026-11-19T08:00:00Z"),
            &on,
            "bad: its agent had its last heartbeat at 2026-11-20 07:40",
        ),
        (
            &forward("2026-11-20T07:50:00Z", "2026-11-20T07:55:00Z"),
            &on,
            "unknown: its agent had its last heartbeat",
        ),
        // The network was not asked about.
        (&fresh, &on, "unknown: the network net-run was not asked about"),
    ] {
        let said = shown(&with(body, vm), |facts| &facts.runs_in_azure);
        assert!(said.starts_with(says), "{said} / {says}");
    }
    // The agent of the modernised provider falls silent with the failover; its flag counts.
    let modern = |flag: Value| {
        let body = item(
            "app",
            "InMageRcm",
            json!({}),
            json!({ "targetResourceGroupId": GROUP, "targetVmName": "app",
            "isAgentRegistrationSuccessfulAfterFailover": flag,
            "mobilityAgentDetails": { "lastHeartbeatUtc": "2026-11-19T06:00:00Z" } }),
        );
        shown(&with(&body, &on), |facts| &facts.runs_in_azure)
    };
    assert!(modern(json!(true)).starts_with("good"), "{}", modern(json!(true)));
    assert!(modern(json!(null)).starts_with("unknown"));
    assert!(modern(json!(false)).starts_with("unknown"));
}

#[test]
fn the_azure_side_of_a_machine_on_its_way_home_is_found_by_its_network_card() {
    let body = |mac: &str| {
        back(json!({}), json!({ "vmNics": [{ "nicId": mac }], "ipAddress": "10.9.0.4" }))
    };
    let [vm, card] = azure_machine("other-name", "running", "00-22-48-AA-00-01", "10.9.0.4");
    let vms = format!("{GROUP}/providers/Microsoft.Compute/virtualMachines");
    let power = |body: &Value, cards: &[Value]| {
        let cards_at = format!("{GROUP}/providers/Microsoft.Network/networkInterfaces");
        let answers =
            with_item(body).list_at(&vms, std::slice::from_ref(&vm)).list_at(&cards_at, cards);
        shown(&answers, |facts| &facts.azure_off)
    };
    for mac in ["00:22:48:aa:00:01", "00-22-48-AA-00-01", "002248AA0001"] {
        assert_eq!(
            power(&body(mac), std::slice::from_ref(&card)),
            "bad: its virtual machine in azure is running"
        );
    }
    // By its address, where no card has the MAC address.
    assert!(power(&body("00:00:00:00:00:09"), std::slice::from_ref(&card)).starts_with("bad"));
    assert!(power(&body("00:00:00:00:00:09"), &[]).starts_with("unknown: no network interface"));
}

#[test]
fn a_machine_is_gone_only_where_its_group_can_be_read() {
    let body = item(
        "app",
        "InMageRcmFailback",
        json!({}),
        json!({
        "azureVirtualMachineId": format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/app") }),
    );
    let vm = format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/app");
    let vms = format!("{GROUP}/providers/Microsoft.Compute/virtualMachines");
    let right = "Microsoft.Compute/virtualMachines/read";
    for (answers, says) in [
        (with_item(&body).list_at(&vms, &[]), "good: there is no virtual machine app"),
        (with_item(&body).list_at(&vms, &[]).refused(&vm, 404, None), "good: there is no"),
        (with_item(&body).refused(&vm, 404, None), "unknown: the service answered 404"),
        (
            with_item(&body).refused(&vms, 403, Some(right)),
            "unknown: access was refused: it takes microsoft.compute",
        ),
        (with_item(&body), "unknown: nothing says which virtual machines"),
    ] {
        let said = shown(&answers, |facts| &facts.azure_gone);
        assert!(said.starts_with(says), "{said} / {says}");
    }
}

#[test]
fn a_recovery_point_counts_when_it_is_of_the_way_home() {
    let body = back(
        json!({ "lastSuccessfulFailoverTime": "2026-11-19T08:00:00Z" }),
        json!({ "vmId": "v1" }),
    );
    let points = format!("{}/recoveryPoints", body["id"].as_str().unwrap());
    let point = |at: &str| json!({ "id": format!("{points}/{at}"), "properties": { "recoveryPointTime": at } });
    let job = |end: &str| {
        json!({ "id": id("replicationJobs/j"), "properties": { "scenarioName": "SwitchReplicationGroupProtection",
        "state": "Succeeded", "targetObjectId": "V1", "startTime": "2026-11-19T20:00:00Z", "endTime": end } })
    };
    let with = |listed: Option<&[Value]>, jobs: &[Value]| {
        let mut answers = with_item(&body).list("replicationJobs", jobs);
        if let Some(listed) = listed {
            answers = answers.list_at(&points, listed);
        }
        shown(&answers, |facts| &facts.recovery_point)
    };
    let early = "2026-11-19T20:05:00Z";
    for (listed, jobs, says) in [
        (
            Some([point("2026-11-20T07:00:00Z"), point("2026-11-20T06:00:00Z")].as_slice()),
            [job(early)].as_slice(),
            "good: the newest is of 2026-11-20 07:00",
        ),
        (Some(&[point("2026-11-19T20:01:00Z")]), &[job(early)], "unknown: the newest is of"),
        (Some(&[point("2026-11-19T20:01:00Z")]), &[], "good"),
        (Some(&[point("2026-11-18T20:01:00Z")]), &[], "unknown: the newest is of"),
        (Some(&[]), &[job(early)], "bad: there is none since"),
        (Some(&[]), &[job("2026-11-20T07:30:00Z")], "unknown: azure lists none"),
        (Some(&[]), &[], "unknown: azure lists none"),
        (None, &[job(early)], "unknown: nothing says which recovery points"),
    ] {
        let said = with(listed, jobs);
        assert!(said.starts_with(says), "{said} / {says}");
    }
}

#[test]
fn what_waits_too_long_is_said_by_the_services_clock() {
    let returned = |state: &str, at: &str| {
        item(
            "app",
            "InMage",
            json!({ "protectionState": state, "activeLocation": "Recovery", "lastSuccessfulFailoverTime": at,
                "allowedOperations": if state == "Odd" { json!(["Commit"]) } else { json!(["SwitchProtection"]) } }),
            json!({ "activeSiteType": "OnPrem" }),
        )
    };
    let commit: Member = |facts| &facts.commit;
    let again: Member = |facts| &facts.protected_again;
    for (body, member, says) in [
        (
            returned("Odd", "2026-11-01T08:00:00Z"),
            commit,
            "bad: commit is pending since the failover of 2026-11-01",
        ),
        (returned("Odd", "2026-11-20T01:00:00Z"), commit, "unknown: commit is pending"),
        (
            returned("UnplannedFailoverCommitted", "2026-11-01T08:00:00Z"),
            again,
            "bad: it returned at",
        ),
        (
            returned("UnplannedFailoverCommitted", "2026-11-20T01:00:00Z"),
            again,
            "unknown: it returned at",
        ),
    ] {
        let said = shown(&with_item(&body), member);
        assert!(said.starts_with(says), "{said} / {says}");
    }
}

#[test]
fn the_rpo_is_held_against_the_items_own_policy() {
    let policy = json!({ "id": id("replicationPolicies/home"), "properties": {
        "providerSpecificDetails": { "instanceType": "InMage", "recoveryPointThresholdInMinutes": "15" } } });
    let with = |seconds: i64, computed: &str, policies: &[Value]| {
        let body = back(
            json!({ "policyId": id("replicationpolicies/HOME") }),
            json!({ "rpoInSeconds": seconds, "lastRpoCalculatedTime": computed }),
        );
        shown(&with_item(&body).list("replicationPolicies", policies), |facts| &facts.rpo)
    };
    let fresh = "2026-11-20T07:58:00Z";
    assert!(with(300, fresh, std::slice::from_ref(&policy)).starts_with("good: 5 min behind"));
    assert!(with(901, fresh, std::slice::from_ref(&policy)).starts_with("bad: 15 min behind"));
    assert!(with(3, "2026-11-19T07:58:00Z", &[policy]).starts_with("unknown: 0 min behind"));
    assert!(with(300, fresh, &[]).starts_with("unknown: the policy home is not known"));
}

#[test]
fn where_a_machine_came_from_is_read_on_the_way_out_alone() {
    let out = |kind: &str, system: Value| {
        item(
            "app",
            "InMageAzureV2",
            json!({}),
            json!({ "discoveryType": kind, "osVersion": system }),
        )
    };
    let system: Member = |facts| &facts.system_may_return;
    for (body, says) in [
        (out("vCenter", json!(null)), "good: it was protected as a virtual machine"),
        (
            out("Physical", json!("Microsoft Windows Server 2008 R2 Enterprise")),
            "bad: it was a physical server",
        ),
        (out("Physical", json!("Microsoft Windows Server 2016")), "good: it was a physical server"),
        (out("Physical", json!(null)), "unknown: azure does not say"),
        (out("Cloud", json!(null)), "unknown: azure says discoverytype \"cloud\""),
        // Every machine in Azure is physical to the provider of the way home.
        (
            back(json!({}), json!({ "discoveryType": "Physical", "osVersion": null })),
            "unknown: an item on the way home",
        ),
    ] {
        let said = shown(&with_item(&body), system);
        assert!(said.starts_with(says), "{said} / {says}");
    }
}

#[test]
fn the_newest_failed_job_is_told_with_its_cause() {
    let body = back(json!({}), json!({ "vmId": "v1" }));
    let job = |number: u8, state: &str, start: &str, target: Value, errors: Value| {
        json!({ "id": id(&format!("replicationJobs/{number}")), "properties": { "scenarioName": "SwitchReplicationGroupProtection",
            "friendlyName": "Reprotect", "state": state, "startTime": start, "targetObjectId": target["id"],
            "targetObjectName": target["name"], "errors": errors } })
    };
    let error = |code: &str, message: &str| json!({ "serviceErrorDetails": { "code": code, "message": message }, "providerErrorDetails": { "errorCode": 0, "errorMessage": null } });
    let own = || json!({ "id": "V1", "name": "other" });
    let by_name = || json!({ "id": "old", "name": "APP" });
    let causes = || {
        json!([
            error("95226", "\r\n   no way to the  server"),
            error("95226", "no way to the server"),
            error("539", "the operation failed")
        ])
    };
    let with = |jobs: &[Value]| {
        shown(&with_item(&body).list("replicationJobs", jobs), |facts| &facts.last_job)
    };
    let late = "2026-11-20T06:00:00Z";
    assert_eq!(
        with(&[job(1, "Failed", late, own(), causes())]),
        "bad: the job reprotect of 2026-11-20 06:00 utc is failed: error 95226: no way to the server"
    );
    // The ids change with every Re-protect; the name stays.
    assert!(
        with(&[job(1, "Failed", late, by_name(), json!([]))]).ends_with("azure was not asked why")
    );
    assert!(
        with(&[
            job(1, "Failed", "2026-11-20T05:00:00Z", own(), causes()),
            job(2, "Succeeded", late, own(), json!([]))
        ])
        .starts_with("good")
    );
    assert!(
        with(&[job(1, "Failed", late, json!({ "id": "x", "name": "db" }), causes())])
            .starts_with("good")
    );
    assert!(
        shown(&with_item(&body), |facts| &facts.last_job)
            .starts_with("unknown: nothing says which jobs")
    );
}

#[test]
fn troubles_are_jobs_first_and_then_errors_of_health() {
    let health = |level: &str, code: &str, at: &str| {
        json!({ "errorLevel": level, "errorCode": code, "errorMessage": " a \u{1b}[1m b", "creationTimeUtc": at,
            "possibleCauses": "c", "recommendedAction": "d" })
    };
    let body = back(
        json!({ "healthErrors": [health("Info", "548004", "2026-11-20T07:00:00Z"),
            health("Warning", "78026", "2026-11-19T07:00:00Z"), health("Error", "90078", "2026-11-20T06:00:00Z")] }),
        json!({ "vmId": "v1" }),
    );
    let job = json!({ "id": id("replicationJobs/1"), "properties": { "scenarioName": "UnplannedFailover", "state": "Failed",
        "startTime": "2026-11-20T05:00:00Z", "targetObjectId": "v1", "friendlyName": "Failover",
        "tasks": [{ "errors": [{ "serviceErrorDetails": { "code": "28031", "message": "not created" } }] }] } });
    let vault = with_item(&body).list("replicationJobs", &[job]).vault();
    let told: Vec<(bool, String, String)> = vault
        .troubles(|name| name == "app")
        .into_iter()
        .map(|one| (one.job.is_some(), one.error.code, one.error.message))
        .collect();
    let line = |is_job, code: &str, message: &str| (is_job, code.to_owned(), message.to_owned());
    assert_eq!(
        told,
        [
            line(true, "28031", "not created"),
            line(false, "90078", "a [1m b"),
            line(false, "78026", "a [1m b")
        ]
    );
    assert!(vault.troubles(|_| false).is_empty());
}

#[test]
fn a_hyperv_machine_has_its_own_questions() {
    let body = |state: &str, location: &str, operations: Value, details: Value| {
        item(
            "app",
            "HyperVReplicaAzure",
            json!({ "protectionState": state, "activeLocation": location, "allowedOperations": operations }),
            details,
        )
    };
    let away = |operations: Value| {
        body("Odd", "Recovery", operations, json!({ "useManagedDisks": "true" }))
    };
    let committed: Member = |facts| &facts.hyperv_committed;
    let account: Member = |facts| &facts.storage_account;
    let reversed: Member = |facts| &facts.reversed;
    for (body, member, says) in [
        (away(json!(["PlannedFailover"])), committed, "good"),
        (away(json!(["Commit"])), committed, "bad: commit is offered"),
        (body("Protected", "Primary", json!(["PlannedFailover"]), json!({})), committed, "unknown"),
        (away(json!([])), account, "doubtful: it uses managed disks"),
        (
            body("Protected", "Primary", json!([]), json!({ "useManagedDisks": "false" })),
            account,
            "good",
        ),
        (
            body("RestoreFinalized", "Primary", json!(["ReverseReplicate"]), json!({})),
            reversed,
            "bad",
        ),
        (back(json!({}), json!({})), account, "unknown: it is no hyper-v machine"),
    ] {
        let said = shown(&with_item(&body), member);
        assert!(said.starts_with(says), "{said} / {says}");
    }
}

#[test]
fn a_machine_and_its_master_target_are_of_one_family() {
    let target = |family: &str| {
        json!({ "id": id(FABRIC), "properties": { "friendlyName": "CS", "customDetails": { "instanceType": "VMware",
            "lastHeartbeat": "2026-11-20T07:59:00Z", "masterTargetServers": [
                { "id": "B", "name": "mt1", "osType": family, "lastHeartbeat": "2026-11-20T07:59:00Z" }] } } })
    };
    for (details, family, says) in [
        (
            json!({ "osDetails": { "osType": "LINUX" } }),
            "Linux",
            "good: it runs linux, and mt1 runs linux",
        ),
        (json!({ "osType": "Windows" }), "Linux", "bad: it runs windows, and mt1 runs linux"),
        (json!({ "osType": "Windows" }), "windows", "good: it runs windows, and mt1 runs windows"),
        (
            json!({ "osType": "Solaris" }),
            "Linux",
            "unknown: azure says ostype \"solaris\", which is not known",
        ),
        (json!({}), "Linux", "unknown:"),
        (json!({ "osType": "Linux" }), "", "unknown:"),
        (
            json!({ "osType": "Linux", "masterTargetId": "C" }),
            "Linux",
            "unknown: its master target is not listed",
        ),
    ] {
        let mut all = json!({ "masterTargetId": "B" });
        all.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
        let answers =
            with_item(&back(json!({}), all)).list("replicationFabrics", &[target(family)]);
        let shown = shown(&answers, |facts| &facts.system_beside_target);
        assert!(shown.starts_with(says), "{details} {family}: {shown}");
    }
}

#[test]
fn a_datastore_is_the_one_that_vcenter_means_by_its_uuid_and_else_by_its_name() {
    let fabric = json!({ "id": id(FABRIC), "properties": { "friendlyName": "CS", "customDetails": { "instanceType": "VMware",
        "lastHeartbeat": "2026-11-20T07:59:00Z", "masterTargetServers": [{ "id": "B", "name": "mt1",
            "dataStores": [{ "symbolicName": "ds1", "uuid": "60A0-1" }, { "symbolicName": "old", "uuid": "60a0-2" }] }] } } });
    let answers = with_item(&back(json!({}), json!({ "masterTargetId": "B" })));
    let vault = answers.list("replicationFabrics", &[fabric]).vault();
    for (wanted, uuid, says) in [
        ("ds1", None, "good: mt1 reaches ds1"),
        ("DS1", Some("60a0-1"), "good: mt1 reaches ds1"),
        ("new", Some("60a0-2"), "good: mt1 reaches new, which the vault calls old"),
        (
            "ds1",
            Some("60a0-9"),
            "bad: mt1 reaches a datastore ds1 with the uuid 60a0-1, and vcenter's has 60a0-9",
        ),
        ("new", Some("60a0-9"), "bad: mt1 reaches ds1, old, and not new"),
        ("new", None, "bad: mt1 reaches ds1, old, and not new"),
    ] {
        let mut site = site(&["app"]);
        site.machines[0].datastore = Some(wanted.to_owned());
        site.machines[0].reached =
            uuid.map(|uuid: &str| (wanted.to_owned(), uuid.to_owned())).into_iter().collect();
        let facts = machine_facts(&SiteInVault::new(&vault, site), "app");
        assert_eq!(words(&facts.datastore), says);
    }
}

#[test]
fn a_machine_at_home_has_its_own_address_among_those_that_one_text_joins() {
    let home = |details: Value| {
        let body = item(
            "app",
            "InMageAzureV2",
            json!({ "protectionState": "Protected", "activeLocation": "Primary",
            "allowedOperations": ["UnplannedFailover"] }),
            details,
        );
        let vault = with_item(&body).vault();
        let mut site = site(&["app"]);
        site.machines[0].address = Some("10.4.0.7".to_owned());
        words(&machine_facts(&SiteInVault::new(&vault, site), "app").address_at_home)
    };
    assert_eq!(home(json!({ "ipAddress": "fe80::1_10.4.0.7" })), "good: it has 10.4.0.7");
    let other = home(json!({ "ipAddress": "10.4.0.70" }));
    assert_eq!(other, "bad: it has 10.4.0.70, and the site says 10.4.0.7");
    assert_eq!(home(json!({})), "unknown: azure does not say its address");
}

#[test]
fn firmware_has_the_words_of_vcenter() {
    for (details, known) in [
        (json!({ "firmwareType": "BIOS" }), Some("bios")),
        (json!({ "firmwareType": "uefi" }), Some("efi")),
        (json!({ "firmwareType": "EFI" }), Some("efi")),
        (json!({ "firmwareType": "" }), Some("unsaid")),
        (json!({ "firmwareType": null }), Some("unsaid")),
        (json!({}), Some("unsaid")),
        (json!({ "firmwareType": "Open" }), None),
    ] {
        let body =
            item("app", "InMageAzureV2", json!({ "activeLocation": "Recovery" }), details.clone());
        let said =
            with_app(&with_item(&body), |survey| match machine_facts(survey, "app").firmware {
                Fact::Known(word) => word,
                Fact::Unavailable(why) => format!("unknown: {}", why.reason),
            });
        match known {
            Some(word) => assert_eq!(said, word, "{details}"),
            None => assert!(said.starts_with("unknown: Azure says firmwareType"), "{said}"),
        }
    }
}
