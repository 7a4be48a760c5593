//! Stories: sites in trouble as people meet them, what must be said of each first, and what must not be said at all.
//!
//! Not for what single checks mean (`checks`), nor for the stages one after the other (`walk`).

use super::*;

/// The ports of the configuration server as a capture has them, and as they are edited.
const OPEN: &str = "port configuration-server cs01.example.test 443 open yes 200 ";
const REFUSED: &str =
    "port configuration-server cs01.example.test 443 refused not-asked 000 Connection refused";
const FILTERED: &str = "port configuration-server cs01.example.test 443 filtered not-asked 000 ";
const UNKNOWN_NAME: &str =
    "port configuration-server cs01.example.test 443 dns not-asked 000 the name is not known here";

/// What blocks and is no consequence of anything else, as `target check`.
pub fn roots(run: &Run) -> Vec<String> {
    let results = run.report["results"].as_array().unwrap().iter();
    let is_root = |result: &&Value| {
        let severity = result["severity"].as_str().unwrap();
        let is_blocker = severity != "warning" && severity != "info";
        result["outcome"] == "fail" && is_blocker && result["explained_by"].is_null()
    };
    let key = |result: &Value| format!("{} {}", result["target"], result["check"]).replace('"', "");
    results.filter(is_root).map(key).collect()
}

/// Everything below "do first", as one line.
pub fn first(run: &Run) -> String {
    let lines = run.text.lines().skip_while(|line| *line != "do first:").skip(1);
    let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).map(str::trim).collect();
    lines.join(" ")
}

fn as_it_is(good: &str) -> String {
    good.to_owned()
}

/// The site where the configuration server's port is seen like this from the master target and from the process server.
fn seen(from_master_target: &str, from_process_server: &str, but: &[(&str, &str)]) -> Run {
    evaluate_site(
        as_it_is,
        OFF,
        but,
        &[],
        |_| {},
        |name, text| {
            let state =
                if name.starts_with("linux-mt") { from_master_target } else { from_process_server };
            if name.starts_with("vcenter") { text } else { text.replace(OPEN, state) }
        },
    )
}

#[test]
fn a_server_that_is_down_is_told_from_the_network_of_one_host() {
    // Nobody reaches it: that is one thing to do, and everything else follows.
    let silent = [("agent.registered", "no"), ("ps.heartbeat", "no")];
    for (here, there) in [(REFUSED, REFUSED), (FILTERED, FILTERED), (REFUSED, FILTERED)] {
        let run = seen(here, there, &silent);
        assert_eq!(roots(&run), ["cs01.example.test cs.running"], "{}", run.text);
        assert!(run.text.contains("explains network."), "{}", run.text);
    }
    // One host alone does not reach it: the server runs, and nobody is told to restart it.
    for (state, root) in
        [(FILTERED, "mt1 network.mt-to-cs-443"), (UNKNOWN_NAME, "mt1 mt.can-ping-network")]
    {
        let run = seen(state, OPEN, &[]);
        assert_eq!(roots(&run), [root], "{}", run.text);
        assert_eq!(run.found("cs.running"), "pass blocks-reprotect", "{}", run.text);
        assert!(!run.text.contains("Start the web service"), "{}", run.text);
    }
    // From the other side: the way between is down, and the server is not.
    let run = seen(OPEN, FILTERED, &[("link.vpn-or-er", "no"), ("ps.heartbeat", "no")]);
    assert_eq!(roots(&run), ["site link.vpn-or-er"], "{}", run.text);
}

#[test]
fn a_gate_comes_before_what_has_failed() {
    let no_uuid =
        |properties: &mut Value| properties["config.flags"] = json!({ "diskUuidEnabled": "false" });
    let run = evaluate_edited("", OFF, &[("azure.experience", "-")], &[], no_uuid);
    let first = first(&run);
    assert!(first.starts_with("1. site: answer: Does the vault list your server"), "{first}");
}

#[test]
fn a_modernised_vault_is_told_and_nothing_else() {
    let modernised = |good: &str| format!("experience: modernised\n{good}");
    // The vault is asked in its place by nobody here, so the file's word counts.
    let all = [("azure.experience", "-")];
    let run = evaluate_site(modernised, OFF, &all, &[], |_| {}, |_, text| text);
    assert_eq!(roots(&run), ["site azure.experience"], "{}", run.text);
    assert_eq!(run.status, 1);
    let results = run.report["results"].as_array().unwrap();
    for result in results {
        let id = result["check"].as_str().unwrap();
        let of_classic =
            ["mt.", "retention.", "link.", "ps.", "cs.", "vcenter.", "agent.", "custom-changes."];
        assert!(!of_classic.iter().any(|subject| id.starts_with(subject)), "{id}");
    }
    assert!(run.text.contains("says the site file (experience: modernised)"), "{}", run.text);
    // Before a disaster it is a warning, and still nothing of the classic experience is looked at.
    let run = evaluate_site(modernised, OFF, &all, &["--stage", "home"], |_| {}, |_, text| text);
    assert_eq!(
        (run.status, run.failed()),
        (0, vec!["azure.experience".to_owned()]),
        "{}",
        run.text
    );
    // The guide says the same, at the stage where the machine is.
    for (stage, head) in
        [("prepare", "app-01: prepare, blocked"), ("home", "app-01: home, nothing blocks")]
    {
        let directory = tempfile::tempdir().unwrap();
        let site = format!(
            "experience: modernised\nprotected_vms: [ {{ name: app-01, stage: {stage} }} ]\n"
        );
        fs::write(directory.path().join("site.yaml"), site).unwrap();
        let (text, _) = super::run(directory.path(), &["guide", "site.yaml"]);
        assert!(
            text.contains(head) && text.contains("ASR replication appliances"),
            "{stage}: {text}"
        );
        assert!(
            !text.contains("EnableUUID") && !text.contains("ApplyCustomChanges"),
            "{stage}: {text}"
        );
    }
    // The classic one needs no answer.
    let classic = |good: &str| format!("experience: classic\n{good}");
    let run = evaluate_site(classic, OFF, &all, &[], |_| {}, |_, text| text);
    assert_eq!(
        (run.status, run.found("azure.experience").as_str()),
        (0, "pass blocks-reprotect"),
        "{}",
        run.text
    );
}

#[test]
fn a_windows_process_server_is_a_question_and_not_asked_over_ssh() {
    let windows =
        |good: &str| good.replace("ssh: 'ssh://root@ps01.example.test' }", "os: windows }");
    // A heartbeat would show that the port is open.
    let unanswered = [("network.ps-to-cs-443", "-"), ("ps.heartbeat", "-")];
    let run = evaluate_site(windows, OFF, &unanswered, &[], |_| {}, |_, text| text);
    assert_eq!(run.status, 3, "{}", run.text);
    let first = first(&run);
    assert!(
        first.contains("ps1: answer: On the process server (Windows: Test-NetConnection"),
        "{first}"
    );
    assert!(!run.text.contains("ssh:"), "{}", run.text);
    let run =
        evaluate_site(windows, OFF, &[("network.ps-to-cs-443", "no")], &[], |_| {}, |_, text| text);
    assert_eq!(roots(&run), ["ps1 network.ps-to-cs-443"], "{}", run.text);
    assert!(run.text.contains("$ Test-NetConnection cs01.example.test -Port 443"), "{}", run.text);
    assert!(!run.text.contains("bash"), "{}", run.text);
    let run = evaluate_site(windows, OFF, &[], &[], |_| {}, |_, text| text);
    assert_eq!(run.status, 0, "{}", run.text);
    let both = |good: &str| {
        good.replace(
            "ssh: 'ssh://root@ps01.example.test' }",
            "os: windows, ssh: 'ssh://root@ps01' }",
        )
    };
    let directory = tempfile::tempdir().unwrap();
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/captures/good.yaml");
    fs::write(directory.path().join("site.yaml"), both(&fs::read_to_string(captures).unwrap()))
        .unwrap();
    let (text, status) = super::run(directory.path(), &["check", "site", "site.yaml"]);
    assert_eq!(status, 2, "{text}");
    assert!(text.contains("a Windows process server is not asked over SSH"), "{text}");
}

#[test]
fn a_newer_agent_is_no_reason_to_uninstall_it_in_the_middle() {
    let newer = |name: &str, text: String| {
        if name.starts_with("linux-mt") { text.replace("9.8.9.0", "9.8.10.0") } else { text }
    };
    let run = evaluate_site(as_it_is, OFF_ATTACHED, &[], &[], |_| {}, newer);
    assert_eq!(roots(&run), ["mt1 agent.version-order"], "{}", run.text);
    assert!(
        first(&run).contains("Upgrade the configuration server, after a backup of it, then"),
        "{}",
        run.text
    );
    assert!(!run.text.contains("uninstall"), "{}", run.text);
    // While nothing replicates there is another way.
    let run = evaluate_site(as_it_is, OFF, &[], &[], |_| {}, newer);
    assert!(run.text.contains("uninstall the agent"), "{}", run.text);
}

#[test]
fn a_machine_that_cannot_return_is_alone_in_that() {
    let two = |good: &str| {
        good.to_owned()
            + "  - { name: old-9, master_target: mt1, filesystems: [ntfs], os: windows, physical: true, memory: 2 GiB, disks: [10 GiB], stage: prepare, location: alternate }\n"
    };
    let run = evaluate_site(
        two,
        OFF,
        &[("vm.ws2008r2-physical", "no")],
        &["--limit", "old-9"],
        |_| {},
        |_, text| text,
    );
    assert_eq!(roots(&run), ["old-9 vm.ws2008r2-physical"], "{}", run.text);
    let open = run.report["results"].as_array().unwrap().iter();
    let open = open.filter(|result| result["target"] == "old-9" && result["outcome"] == "unknown");
    assert_eq!(open.count(), 0, "{}", run.text);
}

#[test]
fn a_hyperv_machine_is_neither_committed_unseen_nor_started_from_half_a_copy() {
    for (stage, question, says, forbidden) in [
        (
            "sync",
            "hyperv.no-cancel",
            "Run the planned failover again and let it end",
            "Start the machine",
        ),
        (
            "verify",
            "hyperv.looked-at",
            "look at its applications and its newest data first",
            "app-01: Press Commit",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let site = format!(
            "scenario: hyperv\nvmm: false\nprotected_vms: [ {{ name: app-01, location: original, os: windows, stage: {stage} }} ]\n"
        ) + &answers(directory.path(), "hyperv", &[(question, "no")]);
        fs::write(directory.path().join("site.yaml"), site).unwrap();
        let (text, status) =
            super::run(directory.path(), &["check", "site", "site.yaml", "--now", NOW]);
        assert_eq!(status, 1, "{stage}: {text}");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(says) && !words.contains(forbidden), "{stage} {question}: {text}");
        for word in ["master target", "VPN", "retention"] {
            assert!(!words.contains(word), "{stage}: {word} in {text}");
        }
    }
}

#[test]
fn what_loses_data_is_said_before_everything_else() {
    // Its disks are written to from two sides, and the way home is down as well.
    let run = evaluate("", ON_ATTACHED, &[("link.vpn-or-er", "no"), ("ps.heartbeat", "no")], &[]);
    let first = first(&run);
    assert!(first.starts_with("1. app-01: Shut it down on premises at once"), "{first}");
    assert!(first.contains("2. site: Create a site-to-site VPN"), "{first}");
    // Both copies run, nobody has looked, and the network is not the one it should have.
    let all = [
        ("failback.azure-vm-off", "no"),
        ("failback.commit", "no"),
        ("after.static-ip", "no"),
        ("cs.backup", "no"),
    ];
    let run = evaluate(", os: linux, stage: verify", ON, &all, &[]);
    let first = super::stories::first(&run);
    let places = ["failback.azure-vm-off", "failback.commit", "after.static-ip"]
        .map(|check| first.find(check).unwrap_or_else(|| panic!("{check} is not in {first}")));
    assert!(places.is_sorted(), "{first}");
    assert!(first.starts_with("1. app-01: Stop the Azure virtual machine at once"), "{first}");
}

#[test]
fn a_machine_at_home_is_not_told_that_it_cannot_come_home() {
    let but = [("vm.not-migrated", "no"), ("after.not-migrated", "no")];
    let run = evaluate(", os: windows, stage: after", ON, &but, &[]);
    assert_eq!(roots(&run), ["app-01 after.not-migrated"], "{}", run.text);
    assert!(!run.text.contains("no way back"), "{}", run.text);
    // After Commit the machine in Azure is gone, and that is no failure.
    let run = evaluate(", os: windows, stage: after", ON, &[("vm.not-migrated", "no")], &[]);
    assert_eq!(run.status, 0, "{}", run.text);
    assert!(run.found("vm.not-migrated").starts_with("not-applicable"), "{}", run.text);
}

#[test]
fn a_vault_that_the_site_file_calls_modernised_is_no_classic_one() {
    let modernised = |good: &str| format!("experience: modernised\n{good}");
    let run = evaluate_site(modernised, OFF, &[], &[], |_| {}, |_, text| text);
    assert_eq!(
        (run.status, run.failed()),
        (1, vec!["azure.experience".to_owned()]),
        "{}",
        run.text
    );
    assert!(first(&run).contains("Follow the failback of the modernised experience"));
}

#[test]
fn a_held_fix_that_blocks_another_machine_is_told_with_its_time() {
    let two = |good: &str| {
        good.to_owned()
            + "  - { name: app-02, master_target: mt1, filesystems: [ext4], os: linux, memory: 1 GiB, disks: [10 GiB], stage: prepare, location: alternate }\n"
    };
    let no_uuid = |properties: &mut Value| {
        properties["config.flags"] = json!({ "diskUuidEnabled": "false" });
        let rows = properties["config.extraConfig"].as_array_mut();
        rows.into_iter().flatten().filter(|row| row["key"] == "disk.EnableUUID").for_each(|row| {
            row["value"] = json!("FALSE");
        });
    };
    let run = evaluate_site(two, OFF_ATTACHED, &[], &[], no_uuid, |_, text| text);
    assert_eq!(run.found("mt.disk-enable-uuid"), "fail blocks-reprotect", "{}", run.text);
    let first = first(&run);
    assert!(first.contains("Later, when no machine replicates through it (app-01"), "{first}");
}
