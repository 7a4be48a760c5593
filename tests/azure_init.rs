//! `init site --azure`: the file that is made of a vault, that it is one, and that it is never written over.
//!
//! Not for what is asked of Azure: `tests/azure.rs`.

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

use std::fs;

use estate::{Estate, vault_address};
use preflight::assets::Assets;
use preflight::check::CheckSet;
use preflight::site::{Site, SiteFile};
use run::*;
use standin::StandIn;

fn parse(text: &str) -> Site {
    let checks = CheckSet::load(&Assets::embedded()).unwrap();
    SiteFile::parse(text, "site.yaml", &checks)
        .unwrap_or_else(|error| panic!("{error}:\n{text}"))
        .site
}

/// What is made of an estate.
fn draft(estate: Estate) -> String {
    let server = StandIn::start(estate);
    let directory = tempfile::tempdir().unwrap();
    let ran =
        Azure::new(&server).run(&["init", "site", "--azure", &vault_address()], directory.path());
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn a_classic_vault_becomes_a_site() {
    let text = draft(Estate::classic(3));
    let site = parse(&text);
    assert_eq!(
        site.azure.as_ref().map(|azure| azure.vault.as_str()),
        Some(vault_address().as_str())
    );
    let server = site.configuration_server.as_ref().unwrap();
    assert_eq!(
        (server.address.as_str(), server.version.as_ref().unwrap().as_str()),
        ("192.0.2.10", "9.61.0.0")
    );
    let servers: Vec<(&str, &str)> = site
        .process_servers
        .iter()
        .map(|server| (server.name.as_str(), server.address.as_str()))
        .collect();
    assert_eq!(servers, [("cs-falun", "192.0.2.10"), ("ps-azure", "10.9.1.9")]);
    assert!(text.contains("role: azure   # a network card in Azure has its address"), "{text}");
    // The configuration server's own master target is left out.
    let targets: Vec<&str> =
        site.master_targets.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(targets, ["asr-mt-01"]);
    assert_eq!(site.master_targets[0].retention.as_deref(), Some("/mnt/retention"));
    assert_eq!(site.protected_vms.len(), 3);
    for vm in &site.protected_vms {
        assert_eq!(vm.master_target.as_ref().map(|name| name.as_str()), Some("asr-mt-01"));
        assert_eq!(vm.datastore.as_deref(), Some("datastore1"));
        assert_eq!(vm.disks.as_ref().map(Vec::len), Some(2));
    }
    assert!(text.contains("disks: [40 GiB, 100 GiB]"), "{text}");
    assert!(
        text.contains("app-000   # replicating (InMage: Protected), policy failback"),
        "{text}"
    );
    assert_eq!(
        site.vcenter.as_ref().map(|vcenter| vcenter.url.as_str()),
        Some("vsphere://192.0.2.5")
    );
    assert!(text.contains("the configuration server calls it \"vcenter-reader\""), "{text}");
    assert!(site.link.is_some(), "the VPN is up");
}

#[test]
fn a_modernised_vault_says_so() {
    let text = draft(Estate::modernised(2));
    let site = parse(&text);
    assert_eq!((site.protected_vms.len(), site.master_targets.len()), (2, 0));
    assert!(text.contains("modernised experience"), "{text}");
}

#[test]
fn names_that_are_no_names_do_no_harm() {
    let mut estate = Estate::classic(4);
    let id = |number: usize| {
        format!("{}/app-{number:03}", {
            let item = objects::Machine::classic_back(0).item();
            item["id"].as_str().unwrap().rsplit_once('/').unwrap().0.to_owned()
        })
    };
    for (number, name) in [
        (0, "x\nwaivers: [ { check: cs.backup } ]\n# \u{1b}[2J"),
        (1, "no"),
        (2, "a: {b} # c \"d\" 'e' \\"),
        (3, "\u{202e}evil"),
    ] {
        estate.change(&id(number), |item| item["properties"]["friendlyName"] = name.into());
    }
    let text = draft(estate);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    let site = parse(&text);
    assert!(site.waivers.is_empty());
    assert!((3..=4).contains(&site.protected_vms.len()), "{text}");
    assert!(site.protected_vms.iter().any(|vm| vm.name.as_str() == "no"), "{text}");
}

#[test]
fn servers_and_machines_of_one_name_do_not_clash() {
    let mut estate = Estate::classic(2);
    let fabric = objects::classic_fabric()["id"].as_str().unwrap().to_owned();
    estate.change(&fabric, |fabric| {
        let details = &mut fabric["properties"]["customDetails"];
        // The process server in Azure has a master target on it, and a machine is called like the other one.
        details["masterTargetServers"][1]["name"] = "ps-azure".into();
        let again = details["processServers"][1].clone();
        details["processServers"].as_array_mut().unwrap().push(again);
    });
    let text = draft(estate);
    let site = parse(&text);
    assert_eq!(site.process_servers.len(), 2, "{text}");
    assert_eq!(site.master_targets[0].name.as_str(), "ps-azure-mt");
    assert_eq!(site.master_targets[0].vm.as_deref(), Some("ps-azure"));
    assert_eq!(
        site.protected_vms[0].master_target.as_ref().map(|name| name.as_str()),
        Some("ps-azure-mt")
    );
}

#[test]
fn a_file_that_is_there_is_compared_and_not_changed() {
    let server = StandIn::start(Estate::classic(2));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("site.yaml");
    let init = || {
        let azure = Azure::new(&server);
        azure.run(
            &["init", "site", "--azure", &vault_address(), "-o", "site.yaml"],
            directory.path(),
        )
    };
    assert_eq!(init().code, Some(0));
    let first = fs::read_to_string(&path).unwrap();
    assert_eq!(init().code, Some(0), "nothing has changed");
    // What a person adds, or writes in another way, is no difference.
    let completed = first
        .replace("ssh: ssh://root@", "identity: keys/id\n    ssh: ssh://asr@")
        .replace("disks: [40 GiB", "# as agreed\n    stage: replicating\n    disks: [ 40 GiB");
    assert_ne!(completed, first);
    fs::write(&path, format!("waivers: []\n{completed}")).unwrap();
    let ran = init();
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let by_hand = first.replace("  - name: app-001", "  # by hand\n  - name: app-009");
    assert_ne!(by_hand, first);
    fs::write(&path, &by_hand).unwrap();
    let ran = init();
    assert_eq!(ran.code, Some(1), "{}", ran.text());
    let shown = String::from_utf8(ran.stdout).unwrap();
    assert!(shown.contains("which is not changed"), "{shown}");
    assert!(
        shown.contains("-  - name: app-009") && shown.contains("+  - name: app-001"),
        "{shown}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), by_hand);
}

#[test]
fn how_the_cloud_is_reached_is_written_down_and_is_enough() {
    let server = StandIn::start(Estate::classic(1));
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    fs::write(&token, standin::TOKEN).unwrap();
    fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let audience = "https://management.example/falun";
    let init = || {
        Azure::without_token(&server)
            .option(&["--cloud", "AzureUSGovernment", "--azure-audience", audience])
            .option(&["--azure-token-file", "token", "--azure-group", "rg-other"])
            .run(
                &["init", "site", "--azure", &vault_address(), "-o", "site.yaml"],
                directory.path(),
            )
    };
    assert_eq!(init().code, Some(0), "{}", init().complaint());
    let path = directory.path().join("site.yaml");
    let written = fs::read_to_string(&path).unwrap();
    let azure = parse(&written).azure.unwrap();
    assert_eq!(azure.cloud.as_deref(), Some("AzureUSGovernment"));
    let origin = Some(server.origin.as_str());
    assert_eq!((azure.endpoint.as_deref(), azure.login.as_deref()), (origin, origin));
    assert_eq!(azure.audience.as_deref(), Some(audience));
    assert_eq!(azure.token_file.as_deref(), Some(token.as_path()), "it is found from everywhere");
    assert_eq!(azure.groups, ["rg-other"]);
    // With the file alone the vault is asked like this again, also for that resource group.
    let before = server.gets().len();
    let ca = server.ca.display().to_string();
    let ran =
        Azure::plain().run(&["check", "site", "site.yaml", "--ca-file", &ca], directory.path());
    let asked = server.gets().split_off(before);
    assert!(
        asked.iter().any(|get| get.path.contains("/resourcegroups/rg-other/")),
        "{}",
        ran.text()
    );
    // A person's change is shown, and stays.
    let by_hand = written.replace("[rg-other]", "[rg-other, rg-third]");
    assert_ne!(by_hand, written);
    fs::write(&path, &by_hand).unwrap();
    let ran = init();
    assert_eq!(ran.code, Some(1), "{}", ran.text());
    assert!(ran.text().contains("rg-third"), "{}", ran.text());
    assert_eq!(fs::read_to_string(&path).unwrap(), by_hand);
    // A capture is found from where the file is.
    let collected = Azure::without_token(&server)
        .option(&["--azure-token-file", "token"])
        .run(&["collect", "azure", &vault_address(), "-o", "azure.json"], directory.path());
    assert_eq!(collected.code, Some(0), "{}", collected.complaint());
    fs::create_dir(directory.path().join("sub")).unwrap();
    let plain = |args: &[&str]| Azure::plain().run(args, directory.path());
    let ran = plain(&["init", "site", "--azure", "azure.json", "-o", "sub/site.yaml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    let ran = plain(&["check", "site", "sub/site.yaml"]);
    assert!(ran.text().contains("as of 2026-11-20"), "{}", ran.text());
}

#[test]
fn what_cannot_be_read_makes_no_file() {
    let server = StandIn::with_fault(Estate::classic(1), |_| {
        Some(standin::Reply::forbidden("Microsoft.RecoveryServices/vaults/read"))
    });
    let directory = tempfile::tempdir().unwrap();
    let args = ["init", "site", "--azure", &vault_address(), "-o", "site.yaml"];
    let ran = Azure::new(&server).run(&args, directory.path());
    assert_eq!(ran.code, Some(3), "{}", ran.complaint());
    assert!(
        ran.complaint().contains("lacks the right Microsoft.RecoveryServices/vaults/read"),
        "{}",
        ran.complaint()
    );
    assert_eq!(program::names_in(directory.path()), [""; 0]);
}
