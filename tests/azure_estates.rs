//! `check azure` over whole vaults of every kind: an ExpressRoute behind a hub, a Virtual WAN, Hyper-V with and without VMM, two
//! configuration servers, two experiences, a machine that is gone and one that may not be seen.
//!
//! Not for single items (`tests/azure_readings.rs`), nor for how answers come (`tests/azure.rs`).

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

#[path = "azure/estate.rs"]
mod estate;
#[path = "azure/objects.rs"]
mod objects;
mod program;
#[path = "azure/run.rs"]
mod run;
#[path = "azure/standin.rs"]
mod standin;

use std::collections::BTreeMap;
use std::fs;

use estate::{Estate, SUBSCRIPTION, vault_address, vault_id};
use objects::{Machine, resource};
use preflight::assets::Assets;
use preflight::check::CheckSet;
use preflight::facts::azure::vault::Vault;
use preflight::site::{Site, SiteFile, VaultSite};
use program::Ran;
use run::*;
use serde_json::{Value, json};
use standin::{Reply, Request, StandIn};

/// The outcome of each check on each target, as `TARGET CHECK`.
struct Report {
    outcomes: BTreeMap<String, String>,
    found: BTreeMap<String, String>,
    json: Value,
}

impl Report {
    fn new(ran: &Ran) -> Self {
        let json: Value =
            serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.text()));
        let results = json["results"].as_array().unwrap();
        let key = |one: &Value| {
            format!("{} {}", one["target"].as_str().unwrap(), one["check"].as_str().unwrap())
        };
        let outcomes =
            results.iter().map(|one| (key(one), one["outcome"].as_str().unwrap().to_owned()));
        let found = results.iter().map(|one| (key(one), one.to_string()));
        Self { outcomes: outcomes.collect(), found: found.collect(), json: json.clone() }
    }

    fn expect(&self, wanted: &[(&str, &str)]) {
        for (key, outcome) in wanted {
            let found = self.outcomes.get(*key).map(String::as_str);
            assert_eq!(
                found,
                Some(*outcome),
                "{key}: {}",
                self.found.get(*key).unwrap_or(&String::new())
            );
        }
    }

    fn stage(&self, machine: &str) -> Option<&str> {
        let stages = self.json["stages"].as_array().unwrap();
        stages.iter().find(|one| one["machine"] == machine)?["stage"].as_str()
    }
}

fn check(server: &StandIn, more: &[&str]) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let vault = vault_address();
    let args = [&["check", "azure", &vault, "--format", "json"], more].concat();
    Report::new(&Azure::new(server).run(&args, directory.path()))
}

fn network(name: &str, subnets: Value, peerings: Value) -> Value {
    json!({ "id": resource("rg-net", "Microsoft.Network/virtualNetworks", name), "name": name,
        "type": "Microsoft.Network/virtualNetworks",
        "properties": { "provisioningState": "Succeeded", "subnets": subnets, "virtualNetworkPeerings": peerings } })
}

fn peering(to: &str, uses: bool, lends: bool) -> Value {
    json!({ "id": format!("{to}/p"), "name": "p", "properties": { "peeringState": "Connected", "useRemoteGateways": uses,
        "allowGatewayTransit": lends, "remoteVirtualNetwork": { "id": to } } })
}

fn network_id(name: &str) -> String {
    resource("rg-net", "Microsoft.Network/virtualNetworks", name)
}

/// A classic vault whose machines' network borrows the ExpressRoute gateway of a hub.
fn behind_a_hub(circuit: &str) -> Estate {
    let mut estate = Estate::classic(1);
    let gateway = resource("rg-net", "Microsoft.Network/virtualNetworkGateways", "gw-er");
    let subnet = json!([{ "id": format!("{}/subnets/GatewaySubnet", network_id("vnet-hub")), "name": "GatewaySubnet",
        "properties": { "ipConfigurations": [{ "id": format!("{gateway}/ipConfigurations/default") }] } }]);
    let own = json!([{ "id": format!("{}/subnets/machines", network_id("vnet-failed-over")), "name": "machines", "properties": {} }]);
    estate.put(network(
        "vnet-failed-over",
        own,
        json!([peering(&network_id("vnet-hub"), true, false)]),
    ));
    estate.put(network(
        "vnet-hub",
        subnet,
        json!([peering(&network_id("vnet-failed-over"), false, true)]),
    ));
    estate.put(
        json!({ "id": gateway, "name": "gw-er", "type": "Microsoft.Network/virtualNetworkGateways",
        "properties": { "gatewayType": "ExpressRoute", "provisioningState": "Succeeded" } }),
    );
    let connection = json!({ "id": resource("rg-net", "Microsoft.Network/connections", "er-home"), "name": "er-home",
        "type": "Microsoft.Network/connections", "properties": { "connectionType": "ExpressRoute", "connectionStatus": "Connected",
            "virtualNetworkGateway1": { "id": gateway }, "peer": { "id": circuit }, "authorizationKey": objects::BODY_SECRET } });
    estate.add_to(&format!("{gateway}/connections"), connection);
    estate
}

fn circuit(id: &str, peerings: Value) -> Value {
    json!({ "id": id, "name": "circuit", "type": "Microsoft.Network/expressRouteCircuits",
        "properties": { "circuitProvisioningState": "Enabled", "serviceProviderProvisioningState": "Provisioned",
            "serviceKey": objects::BODY_SECRET, "peerings": peerings } })
}

#[test]
fn an_expressroute_behind_a_hub_leads_home() {
    let id = resource("rg-net", "Microsoft.Network/expressRouteCircuits", "circuit");
    let private = json!([{ "name": "p", "properties": { "peeringType": "AzurePrivatePeering", "state": "Enabled",
        "provisioningState": "Succeeded", "sharedKey": objects::BODY_SECRET } }]);
    let microsoft = json!([{ "name": "m", "properties": { "peeringType": "MicrosoftPeering", "state": "Enabled",
        "provisioningState": "Succeeded" } }]);
    for (peerings, outcome) in [(private, "pass"), (microsoft, "fail")] {
        let mut estate = behind_a_hub(&id);
        estate.put(circuit(&id, peerings));
        check(&StandIn::start(estate), &[]).expect(&[
            ("vault-falun link.vpn-or-er", "pass"),
            ("vault-falun link.er-network", "pass"),
            ("vault-falun link.er-peering", outcome),
        ]);
    }
    // A circuit of another subscription may not be read.
    let foreign = id.replace(SUBSCRIPTION, "00000000-2222-4222-8222-000000000000");
    let server = StandIn::with_fault(behind_a_hub(&foreign), |request: &Request| {
        request
            .path
            .contains("expressroutecircuits")
            .then(|| Reply::forbidden("Microsoft.Network/expressRouteCircuits/read"))
    });
    let report = check(&server, &[]);
    report.expect(&[
        ("vault-falun link.vpn-or-er", "pass"),
        ("vault-falun link.er-peering", "unknown"),
    ]);
    assert!(report.json.to_string().contains("Microsoft.Network/expressRouteCircuits/read"));
    assert!(!report.json.to_string().contains(objects::BODY_SECRET));
}

#[test]
fn a_virtual_wan_and_a_network_without_any_gateway_are_not_told() {
    let hub =
        "/subscriptions/x/resourceGroups/m/providers/Microsoft.Network/virtualNetworks/HV_hub_1f2e";
    for peerings in [json!([peering(hub, true, false)]), json!([])] {
        let mut estate = Estate::classic(1);
        estate.put(network("vnet-failed-over", json!([]), peerings));
        check(&StandIn::start(estate), &[]).expect(&[
            ("vault-falun link.vpn-or-er", "unknown"),
            ("app-000 azure.vm-running", "unknown"),
        ]);
    }
}

#[test]
fn hyperv_vaults_are_evaluated_as_such_with_and_without_vmm() {
    let home = json!({ "protectionState": "Protected", "activeLocation": "Primary",
        "allowedOperations": ["PlannedFailover", "UnplannedFailover", "TestFailover"] });
    let away = json!({ "protectionState": "PlannedFailoverCommitted", "activeLocation": "Recovery",
        "allowedOperations": ["PlannedFailover", "DisableProtection"] });
    let back = json!({ "protectionState": "RestoreFinalized", "activeLocation": "Primary",
        "allowedOperations": ["ReverseReplicate", "DisableProtection"] });
    for kind in ["HyperVSite", "VMM"] {
        let report =
            check(&StandIn::start(Estate::hyperv(kind, &["hv1"], "Connected", &home)), &[]);
        assert_eq!(report.stage("hv-app"), Some("home"), "{kind}");
        assert!(report.outcomes.keys().all(|key| !key.ends_with(" azure.experience")), "{kind}");
        let report = check(
            &StandIn::start(Estate::hyperv(kind, &["hv1", "hv2"], "Connected", &away)),
            &["--stage", "prepare"],
        );
        let site = "vault-falun (Hyper-V)";
        report.expect(&[
            (&format!("{site} hyperv.host-connected"), "pass"),
            (&format!("{site} hyperv.agent-heartbeat"), "unknown"),
            (&format!("{site} hyperv.alt-windows-role"), "pass"),
            ("hv-app hyperv.committed", "pass"),
            ("hv-app hyperv.storage-account", "pass"),
            ("hv-app hyperv.sync-mode", "unknown"),
        ]);
        assert!(
            report.found["hv-app hyperv.sync-mode"].contains("for 19 days"),
            "{}",
            report.found["hv-app hyperv.sync-mode"]
        );
        let report = check(&StandIn::start(Estate::hyperv(kind, &["hv1"], "Odd", &back)), &[]);
        assert_eq!(report.stage("hv-app"), Some("after"), "{kind}");
        report.expect(&[("hv-app hyperv.commit-reverse", "fail")]);
    }
}

#[test]
fn two_experiences_in_one_vault_are_told_of_machine_by_machine() {
    let mut estate = Estate::classic(2);
    estate.add_fabric(&objects::modernised_fabric());
    estate.add_machine(&Machine::modernised_back(7));
    let report = check(&StandIn::start(estate), &[]);
    report.expect(&[
        ("vault-falun azure.experience", "pass"),
        ("app-000 azure.machine-experience", "pass"),
        ("app-007 azure.machine-experience", "fail"),
        ("app-000 azure.vm-running", "pass"),
        ("app-007 azure.vm-running", "not-applicable"),
        // That an appliance needs no process server says nothing of the classic machines.
        ("vault-falun ps.in-azure", "pass"),
    ]);
    let found = &report.found["vault-falun ps.in-azure"];
    assert!(!found.contains("an appliance needs none"), "{found}");
}

#[test]
fn a_dead_configuration_server_beside_the_living_one_does_no_harm() {
    let mut estate = Estate::classic(1);
    let mut dead = objects::classic_fabric();
    let id = dead["id"].as_str().unwrap().replace(objects::CLASSIC, "0dead0dead0dead0");
    dead["id"] = json!(id);
    dead["name"] = json!("0dead0dead0dead0");
    dead["properties"]["friendlyName"] = json!("cs-old");
    let details = &mut dead["properties"]["customDetails"];
    details["hostName"] = json!("cs-old");
    details["ipAddress"] = json!("192.0.2.11");
    details["lastHeartbeat"] = json!("2026-01-01T00:00:00Z");
    for list in ["processServers", "masterTargetServers"] {
        for entry in details[list].as_array_mut().unwrap() {
            entry["lastHeartbeat"] = json!("2026-01-01T00:00:00Z");
        }
    }
    estate.add_fabric(&dead);
    let report = check(&StandIn::start(estate), &[]);
    report.expect(&[
        ("192.0.2.10 vcenter.original-cs", "pass"),
        ("192.0.2.10 cs.azure-heartbeat", "pass"),
        ("asr-mt-01 agent.registered", "pass"),
        ("asr-mt-01 mt.azure-version", "pass"),
        ("app-000 azure.vm-running", "pass"),
    ]);
    assert!(report.outcomes.keys().all(|key| !key.starts_with("192.0.2.11")), "nothing uses it");
}

#[test]
fn a_machine_that_is_gone_and_one_that_may_not_be_seen_are_kept_apart() {
    let group = "resourcegroups/rg-failed-over/providers/microsoft.compute/virtualmachines";
    let gone = |request: &Request| {
        let is_machine = request.path.contains("/virtualmachines/");
        is_machine.then(|| Reply::error(404, "ResourceNotFound", "not there"))
    };
    let hidden = move |request: &Request| {
        if request.path.ends_with(group)
            || request.path.ends_with("microsoft.compute/virtualmachines")
        {
            return Some(Reply::forbidden("Microsoft.Compute/virtualMachines/read"));
        }
        gone(request)
    };
    let without_machine = || {
        let mut estate = Estate::modernised(1);
        let lists = [
            format!("/subscriptions/{SUBSCRIPTION}/providers/microsoft.compute/virtualmachines"),
            format!("/subscriptions/{SUBSCRIPTION}/{group}"),
        ];
        for list in lists {
            estate.entries.insert(list.to_lowercase(), estate::Entry::List(Vec::new()));
        }
        estate
    };
    // The modernised machine's own case has ended; what it shows of Azure is in the same facts.
    let mut classic = without_machine();
    let fabric = objects::classic_fabric();
    classic.add_fabric(&fabric);
    let id = Machine::modernised_back(0).item()["id"].as_str().unwrap().to_owned();
    let to_forward = |item: &mut Value| {
        let vm = item["properties"]["providerSpecificDetails"]["azureVirtualMachineId"].clone();
        item["properties"]["protectionState"] = json!("UnplannedFailoverCommitted");
        item["properties"]["activeLocation"] = json!("Recovery");
        item["properties"]["allowedOperations"] = json!(["SwitchProtection"]);
        item["properties"]["recoveryFabricId"] = json!("Microsoft Azure");
        item["properties"]["providerSpecificDetails"] =
            json!({ "instanceType": "InMageAzureV2", "targetVmId": vm });
    };
    classic.change(&id, to_forward);
    let list = format!("{}/replicationProtectedItems", vault_id()).to_lowercase();
    if let Some(estate::Entry::List(items)) = classic.entries.get_mut(&list) {
        items.iter_mut().for_each(to_forward);
    }
    let report = check(&StandIn::with_fault(classic.clone(), gone), &[]);
    assert_eq!(report.stage("app-000"), Some("prepare"));
    report.expect(&[("app-000 vm.not-migrated", "fail")]);
    let report = check(&StandIn::with_fault(classic, hidden), &[]);
    report.expect(&[("app-000 vm.not-migrated", "unknown")]);
    assert!(report.json.to_string().contains("Microsoft.Compute/virtualMachines/read"));
}

#[test]
fn the_file_that_is_written_is_the_site_that_is_evaluated() {
    let mut estate = Estate::classic(2);
    estate.add_machine(&Machine::classic_home(7));
    for number in 0..2 {
        let id = Machine::classic_back(number).item()["id"].as_str().unwrap().to_owned();
        estate.change(&id, |item| {
            let details = &mut item["properties"]["providerSpecificDetails"];
            details["multiVmGroupId"] = json!("7a3b");
            details["multiVmGroupName"] = json!("shop: all");
        });
    }
    let server = StandIn::start(estate);
    let directory = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| Azure::new(&server).run(args, directory.path());
    assert_eq!(run(&["collect", "azure", &vault_address(), "-o", "a.json"]).code, Some(0));
    let ran = run(&["init", "site", "--azure", "a.json"]);
    let text = String::from_utf8(ran.stdout.clone()).unwrap();
    let checks = CheckSet::load(&Assets::embedded()).unwrap();
    let written = SiteFile::parse(&text, "site.yaml", &checks).unwrap().site;
    let answers = capture(&fs::read_to_string(directory.path().join("a.json")).unwrap());
    let evaluated = VaultSite::of_vault(&Vault::from_answers(&answers)).remove(0).site;
    assert_eq!(written.configuration_server, evaluated.configuration_server);
    assert_eq!(written.process_servers, evaluated.process_servers);
    assert_eq!(written.protected_vms, evaluated.protected_vms);
    assert_eq!(written.replication_groups, evaluated.replication_groups);
    assert_eq!(written.link, evaluated.link);
    let targets = |site: &Site| {
        let all = site.master_targets.iter();
        all.map(|one| (one.name.clone(), one.ssh.clone(), one.retention.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(targets(&written), targets(&evaluated));
    assert_eq!(written.replication_groups.len(), 1, "{text}");
}

#[test]
fn an_export_without_a_time_is_of_the_time_that_is_given() {
    let server = StandIn::start(Estate::classic(1));
    let directory = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| Azure::new(&server).run(args, directory.path());
    assert_eq!(run(&["collect", "azure", &vault_address(), "-o", "a.json"]).code, Some(0));
    let text = fs::read_to_string(directory.path().join("a.json")).unwrap();
    let out = directory.path().join("out");
    fs::create_dir(&out).unwrap();
    for (place, answer) in capture(&text).answers.iter().enumerate() {
        let body = json!({ "value": answer.objects() });
        fs::write(out.join(format!("{place:03}.json")), body.to_string()).unwrap();
    }
    let without = Report::new(&run(&["check", "azure", "out", "--format", "json"]));
    without.expect(&[("192.0.2.10 cs.azure-heartbeat", "unknown")]);
    let given = Report::new(&run(&[
        "check",
        "azure",
        "out",
        "--format",
        "json",
        "--now",
        "2026-11-20T08:00:00Z",
    ]));
    given.expect(&[
        ("192.0.2.10 cs.azure-heartbeat", "pass"),
        ("asr-mt-01 agent.registered", "pass"),
    ]);
}

#[test]
fn a_limit_to_machines_asks_for_no_others() {
    let server = StandIn::start(Estate::classic(6));
    let report = check(&server, &["--limit", "app-003"]);
    report.expect(&[
        ("app-003 azure.vm-running", "pass"),
        ("app-003 failback.reprotect-done", "pass"),
    ]);
    let asked: Vec<String> = server.gets().into_iter().map(|request| request.path).collect();
    let of_items = asked.iter().filter(|path| path.contains("/replicationprotecteditems/"));
    assert_eq!(of_items.count(), 2, "{asked:#?}");
}

#[test]
fn a_site_asks_for_its_own_machines_and_a_limit_for_fewer() {
    let mut estate = Estate::classic(6);
    let group = json!("7A3B");
    // Of two machines in one group nothing is known without the other.
    for (number, group) in [(1, group.clone()), (5, json!("7a3b"))] {
        let mut item = Machine::classic_back(number).item();
        item["properties"]["providerSpecificDetails"]["multiVmGroupId"] = group;
        let list = format!("{}/replicationProtectedItems", vault_id()).to_lowercase();
        if let Some(estate::Entry::List(items)) = estate.entries.get_mut(&list) {
            items.retain(|known| known["id"] != item["id"]);
            items.push(item.clone());
        }
        estate.put(item);
    }
    for (limit, machines, wanted) in [
        ("", &["app-000", "app-002"][..], &["app-000", "app-002"][..]),
        ("app-002", &["app-000", "app-002"], &["app-002"]),
        ("app-00*", &["app-000", "app-001"], &["app-000", "app-001", "app-005"]),
        ("no-such", &["app-003"], &["app-003"]),
        (
            "",
            &["app-003", "not-there"],
            &["app-000", "app-001", "app-002", "app-003", "app-004", "app-005"],
        ),
    ] {
        let verbs: &[&[&str]] = &[&["check", "site"], &["guide"]];
        for verb in verbs {
            let server = StandIn::start(estate.clone());
            let directory = tempfile::tempdir().unwrap();
            let origin = &server.origin;
            let machines: Vec<String> =
                machines.iter().map(|name| format!("{{ name: {name} }}")).collect();
            let site = format!(
                "azure: {{ vault: '{}', endpoint: '{origin}', login: '{origin}' }}\nprotected_vms: [ {} ]\n",
                vault_address(),
                machines.join(", ")
            );
            fs::write(directory.path().join("site.yaml"), site).unwrap();
            let ca = server.ca.display().to_string();
            let mut args = [verb, &["site.yaml", "--ca-file", &ca][..]].concat();
            args.extend([["--limit", limit]].iter().filter(|_| !limit.is_empty()).flatten());
            let azure = Azure::plain().variable("AZURE_ACCESS_TOKEN", standin::TOKEN);
            let ran = azure.run(&args, directory.path());
            let points =
                server.gets().into_iter().filter(|get| get.path.ends_with("/recoverypoints"));
            let mut asked: Vec<String> =
                points.map(|get| get.path.rsplit('/').nth(1).unwrap().to_owned()).collect();
            asked.sort();
            let id = |name: &&str| {
                let number = name.rsplit('-').next().unwrap().parse().unwrap();
                let item = Machine::classic_back(number).item();
                item["name"].as_str().unwrap().to_lowercase()
            };
            let mut wanted: Vec<String> = wanted.iter().map(id).collect();
            wanted.sort();
            assert_eq!(asked, wanted, "{verb:?} {limit} {}", ran.text());
        }
    }
}
