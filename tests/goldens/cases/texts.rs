//! What is looked up: symptoms, checks, lists, files to start from.

use super::hosts::OWN;
use super::{Case, case};

const LOG: &str = "\
Mar  1 10:00:00 mt1 a: all is well
Mar  1 10:00:01 mt1 b: \u{1b}[31mfailed to get udev uid\u{1b}[0m: Invalid argument
error 95226
";

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("troubleshoot").run("troubleshoot datastores are not listed"),
        case("troubleshoot-json").run("troubleshoot datastores are not listed --format json"),
        case("troubleshoot-code").run("troubleshoot 95226"),
        case("troubleshoot-id").run("troubleshoot ts-mt-heartbeat"),
        case("troubleshoot-log").run("troubleshoot -").input(LOG),
        case("troubleshoot-log-json").run("troubleshoot - --format json").input(LOG),
        case("troubleshoot-nothing")
            .run("troubleshoot xyzzy")
            .run("troubleshoot printer is out of paper")
            .run("troubleshoot azure to azure replication is stuck")
            .run("troubleshoot xyzzy --format json"),
        case("troubleshoot-empty").run("troubleshoot"),
        case("troubleshoot-healthy")
            .with(&["healthy.json"])
            .run("troubleshoot ts-mt-heartbeat --target capture:healthy.json NOW"),
        case("troubleshoot-unwell")
            .with(&["unwell.json"])
            .run("troubleshoot ts-mt-heartbeat --target capture:unwell.json NOW"),
        case("troubleshoot-unwell-json").with(&["unwell.json"]).run(
            "troubleshoot ts-retention-low-space --target capture:unwell.json --format json NOW",
        ),
        case("troubleshoot-retention")
            .with(&["unwell.json"])
            .run("troubleshoot ts-retention-not-listed --target capture:unwell.json NOW"),
        case("explain-check").run("explain mt.disk-enable-uuid"),
        case("explain-image-check").run("explain image.zerombr"),
        case("explain-question").run("explain cs.backup"),
        case("explain-symptom").run("explain ts-datastores-not-listed"),
        case("explain-unknown").run("explain mt.disk-enable-uid").run("explain ts-datastore"),
        case("test-checks").run("test checks"),
        case("test-checks-verbose").run("test checks -v"),
        case("test-checks-wrong")
            .file("own/mine.yaml", OWN.replace("word: festina }", "word: lente }"))
            .run("test checks own"),
        case("test-checks-mistake")
            .file("own/mine.yaml", OWN.replace("rule: own.motto.word", "rule: own.motto.wrod"))
            .run("test checks own"),
        case("explain-host-checks")
            .run("explain retention.mounted")
            .run("explain network.mt-to-cs-443")
            .run("explain vcenter.privileges")
            .run("explain esxi.not-free"),
        case("init-recipe").run("init recipe"),
        case("init-site").run("init site"),
        case("schema")
            .run("schema site")
            .run("schema recipe")
            .run("schema profile")
            .run("schema checks")
            .run("schema nothing"),
    ];
    for what in ["checks", "questions", "symptoms", "recipes", "profiles", "formats"] {
        cases.push(case(format!("list-{what}")).run(&format!("list {what}")));
        cases.push(case(format!("list-{what}-json")).run(&format!("list {what} --format json")));
    }
    cases
}
