//! Machines on their whole way, one stage after the other, asked for live: the stage that `check site` says, and what `guide` says next.
//!
//! The values of each stage are those of the published table. Not for values by themselves (`tests/azure_readings.rs`).

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

#[path = "azure/estate.rs"]
mod estate;
#[path = "azure/objects.rs"]
mod objects;
mod program;
#[path = "azure/run.rs"]
mod run;
#[path = "azure/standin.rs"]
mod standin;

use std::fs;

use estate::{Entry, Estate, SUBSCRIPTION, vault_address, vault_id};
use objects::Machine;
use run::*;
use serde_json::{Value, json};
use standin::StandIn;

/// One moment on the way of a machine: the values of its item, and what is to be said of it.
struct Moment {
    machine: Machine,
    state: &'static str,
    /// `activeLocation`, and `activeSiteType` where the provider writes one.
    place: (&'static str, &'static str),
    offers: &'static [&'static str],
    runs: &'static str,
    more: Value,
    stage: &'static str,
}

impl Moment {
    fn new(
        machine: Machine,
        state: &'static str,
        place: (&'static str, &'static str),
        offers: &'static [&'static str],
        stage: &'static str,
    ) -> Self {
        Self { machine, state, place, offers, runs: "None", more: json!({}), stage }
    }

    fn running(self, runs: &'static str) -> Self {
        Self { runs, ..self }
    }

    fn with(self, more: Value) -> Self {
        Self { more, ..self }
    }

    /// The vault at this moment.
    fn estate(&self) -> Estate {
        let mut estate = Estate::classic(0);
        estate.add_fabric(&objects::modernised_fabric());
        estate.add_in_azure(objects::virtual_machine(0), objects::network_card(0));
        estate.add_machine(&self.machine);
        let own = self.machine.item();
        let id = own["id"].as_str().unwrap().to_owned();
        let change = |item: &mut Value| {
            let properties = &mut item["properties"];
            properties["protectionState"] = self.state.into();
            properties["protectionStateDescription"] = self.state.into();
            properties["activeLocation"] = self.place.0.into();
            properties["allowedOperations"] = json!(self.offers);
            properties["currentScenario"] = json!({ "scenarioName": self.runs, "jobId": self.runs, "startTime": "2026-11-20T07:50:00Z" });
            if !properties["recoveryFabricId"].is_null() && self.more["instanceType"] == "InMageRcm"
            {
                properties["recoveryFabricId"] = "Microsoft Azure".into();
            }
            let details = &mut properties["providerSpecificDetails"];
            if !self.place.1.is_empty() {
                details["activeSiteType"] = self.place.1.into();
            }
            for (key, value) in self.more.as_object().unwrap() {
                details[key] = value.clone();
            }
        };
        estate.change(&id, change);
        let container = id.rsplit_once("/replicationProtectedItems/").unwrap().0;
        for list in [container, &vault_id()] {
            let list = format!("{list}/replicationProtectedItems").to_lowercase();
            if let Some(Entry::List(items)) = estate.entries.get_mut(&list) {
                items.iter_mut().for_each(change);
            }
        }
        estate
    }
}

/// What `check site` and `guide` say of the machine of an estate.
fn said(estate: Estate, rest: &str) -> [Value; 2] {
    let server = StandIn::start(estate);
    let directory = tempfile::tempdir().unwrap();
    let origin = &server.origin;
    let site = format!(
        "azure: {{ vault: '{}', endpoint: '{origin}', login: '{origin}' }}\n{rest}",
        vault_address()
    );
    fs::write(directory.path().join("site.yaml"), site).unwrap();
    let ca = server.ca.display().to_string();
    ["check", "guide"].map(|verb| {
        let words: &[&str] = if verb == "check" { &["check", "site"] } else { &["guide"] };
        let args = [words, &["site.yaml", "--format", "json", "--ca-file", &ca]].concat();
        let azure = Azure::plain().variable("AZURE_ACCESS_TOKEN", standin::TOKEN);
        let ran = azure.run(&args, directory.path());
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.text()))
    })
}

/// The site of a VMware machine.
const VMWARE: &str = "configuration_server: { address: 192.0.2.10 }
process_servers: [ { name: ps-azure, address: 10.9.1.9, role: azure } ]
protected_vms: [ { name: app-000, os: linux } ]
";

fn walk(moments: &[Moment]) {
    for moment in moments {
        let [check, guide] = said(moment.estate(), VMWARE);
        let case = format!("{} {} {}", moment.machine.item()["name"], moment.state, moment.runs);
        let stage = &check["stages"][0];
        assert_eq!(stage["stage"], moment.stage, "{case}: {stage}");
        let section = &guide["sections"][0];
        assert_eq!(section["machines"][0]["stage"], moment.stage, "{case}: {section}");
        assert_eq!(section["stage"]["stage"], moment.stage, "{case}");
    }
}

/// The id of the virtual machine in Azure, which an item names once it has failed over.
fn in_azure() -> Value {
    let id = objects::virtual_machine(0)["id"].clone();
    json!({ "targetVmId": id, "recoveryAzureResourceGroupId": format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{}", objects::AZURE_GROUP) })
}

#[test]
fn a_classic_machine_is_led_from_azure_home_and_back_under_protection() {
    let (out, back) = (Machine::classic_home(0), Machine::classic_back(0));
    let away = ("Recovery", "");
    walk(&[
        Moment::new(
            out,
            "Protected",
            ("Primary", ""),
            &["UnplannedFailover", "DisableProtection", "TestFailover"],
            "home",
        ),
        Moment::new(
            out,
            "UnplannedFailoverCommitPendingStatesBegin",
            away,
            &["Commit", "DisableProtection", "ChangePit", "SwitchProtection"],
            "prepare",
        )
        .with(in_azure()),
        Moment::new(
            out,
            "UnplannedFailoverCommitted",
            away,
            &["CompleteMigration", "DisableProtection", "SwitchProtection"],
            "prepare",
        )
        .with(in_azure()),
        Moment::new(out, "UnplannedFailoverCommitted", away, &[], "reprotect")
            .with(in_azure())
            .running("SwitchReplicationGroupProtection"),
        Moment::new(
            back,
            "InitialReplicationInProgress",
            ("Primary", "Azure"),
            &["DisableProtection"],
            "replicating",
        )
        .with(json!({ "protectionStage": "InitialSync" })),
        Moment::new(
            back,
            "Protected",
            ("Primary", "Azure"),
            &["UnplannedFailover", "DisableProtection"],
            "replicating",
        ),
        Moment::new(back, "Protected", ("Primary", "Azure"), &[], "failback")
            .running("UnplannedFailover"),
        Moment::new(
            back,
            "UnplannedFailoverCommitPendingStatesBegin",
            ("Recovery", "OnPrem"),
            &["Commit", "DisableProtection"],
            "verify",
        ),
        Moment::new(
            back,
            "UnplannedFailoverCommitted",
            ("Recovery", "OnPrem"),
            &["CompleteMigration", "DisableProtection", "SwitchProtection"],
            "after",
        ),
        Moment::new(
            back,
            "UnplannedFailoverCommitted",
            ("Recovery", "OnPrem"),
            &[],
            "reprotect-forward",
        )
        .running("SwitchReplicationGroupProtection"),
        Moment::new(
            out,
            "Protected",
            ("Primary", ""),
            &["UnplannedFailover", "DisableProtection", "TestFailover"],
            "home",
        ),
    ]);
}

#[test]
fn a_modernised_machine_is_told_of_at_every_stage() {
    let back = Machine::modernised_back(0);
    let out = json!({ "instanceType": "InMageRcm", "targetVmName": "app-000",
        "targetResourceGroupId": format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{}", objects::AZURE_GROUP) });
    let moment = |state, at, offers, stage| Moment::new(back, state, (at, ""), offers, stage);
    walk(&[
        moment(
            "InitialReplicationRecoveryCompletionPending",
            "Primary",
            &["DisableProtection"],
            "reprotect-forward",
        )
        .with(out.clone()),
        moment(
            "Protected",
            "Primary",
            &["UnplannedFailover", "DisableProtection", "TestFailover"],
            "home",
        )
        .with(out.clone()),
        moment(
            "UnplannedFailoverCommitPendingStatesBegin",
            "Recovery",
            &["CompleteMigration", "Commit", "DisableProtection", "ChangePit", "SwitchProtection"],
            "prepare",
        )
        .with(out.clone()),
        moment(
            "UnplannedFailoverCommitted",
            "Recovery",
            &["CompleteMigration", "DisableProtection", "SwitchProtection"],
            "prepare",
        )
        .with(out),
        moment("InitialReplicationInProgress", "Primary", &["DisableProtection"], "replicating"),
        moment("Protected", "Primary", &["PlannedFailover", "DisableProtection"], "replicating"),
        moment("Protected", "Primary", &[], "failback").running("PlannedFailover"),
        moment(
            "CommitPendingStatesBegin",
            "Recovery",
            &[
                "CompleteMigration", "Commit", "DisableProtection", "SwitchProtection",
                "CancelFailover",
            ],
            "verify",
        ),
        moment(
            "PlannedFailoverCommitted",
            "Recovery",
            &["SwitchProtection", "DisableProtection"],
            "after",
        ),
    ]);
}

/// State, place, what is offered, what runs; the stage that is told, and those that it may be.
type HypervMoment = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
    Option<&'static str>,
    &'static [&'static str],
);

#[test]
fn a_hyperv_machine_is_told_of_at_every_stage_and_by_a_person_where_no_reply_was_recorded() {
    let moments: &[HypervMoment] = &[
        (
            "Protected",
            "Primary",
            &["PlannedFailover", "UnplannedFailover"],
            "None",
            Some("home"),
            &[],
        ),
        (
            "UnplannedFailoverCommitPendingStatesBegin",
            "Recovery",
            &["Commit"],
            "None",
            None,
            &["prepare"],
        ),
        (
            "UnplannedFailoverCommitted",
            "Recovery",
            &["PlannedFailover"],
            "None",
            None,
            &["prepare"],
        ),
        (
            "UnplannedFailoverCommitted",
            "Recovery",
            &[],
            "PlannedFailover",
            None,
            &["sync", "complete"],
        ),
        (
            "RestoreFinalized",
            "Primary",
            &["ReverseReplicate", "DisableProtection"],
            "None",
            Some("after"),
            &[],
        ),
        (
            "Protected",
            "Primary",
            &["PlannedFailover", "UnplannedFailover"],
            "None",
            Some("home"),
            &[],
        ),
    ];
    for (state, place, offers, runs, stage, may_be) in moments {
        let item = json!({ "protectionState": state, "activeLocation": place, "allowedOperations": offers,
            "currentScenario": { "scenarioName": runs, "startTime": "2026-11-20T07:50:00Z" } });
        let estate = Estate::hyperv("HyperVSite", &["hv1"], "Connected", &item);
        let site = "scenario: hyperv\nprotected_vms: [ { name: hv-app } ]\n";
        let [check, guide] = said(estate.clone(), site);
        let (told, case) = (&check["stages"][0], format!("{state} {runs}"));
        assert_eq!(told["stage"].as_str(), *stage, "{case}: {told}");
        let machine = &guide["sections"][0]["machines"][0];
        assert_eq!(machine["stage"].as_str(), *stage, "{case}: {machine}");
        for word in *may_be {
            assert!(told.to_string().contains(word), "{case}: {told}");
        }
        // Where replies show several stages or none that is certain, a person's word decides among them.
        if let Some(word) = may_be.last() {
            let site = site.replace("hv-app", &format!("hv-app, stage: {word}"));
            let [check, guide] = said(estate, &site);
            assert_eq!(check["stages"][0]["stage"], *word, "{case}");
            assert_eq!(guide["sections"][0]["stage"]["stage"], *word, "{case}");
        }
    }
}
