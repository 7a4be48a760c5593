//! The script for a Windows master target, read by a real grammar of PowerShell, and what becomes of
//! what it prints. No PowerShell runs here: the captures below `tests/windows` are written by hand
//! after the script.
//!
//! Not for the single facts: the tests of `facts::windows` look at those.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "windows/captures.rs"]
mod captures;

use preflight::facts::windows::SCRIPT;
use tree_sitter::{Node, Parser, Tree};

/// The commands that the script may run: each of them reads, or prints what was read.
const READS: &[&str] = &[
    "ConvertTo-Json", "ForEach-Object", "Get-ChildItem", "Get-CimInstance", "Get-Command",
    "Get-Content", "Get-Date", "Get-Disk", "Get-DriveName", "Get-DriveTypeName",
    "Get-ItemProperty", "Get-ListAnswer", "Get-OneAnswer", "Get-Settings", "Get-Volume",
    "Join-Path", "Select-Object", "Set-StrictMode", "Test-Path", "Where-Object", "Write-Output",
];

fn parse(script: &str) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
    parser.parse(script, None).unwrap()
}

/// Every node below one, itself first.
fn nodes<'t>(node: Node<'t>, all: &mut Vec<Node<'t>>) {
    all.push(node);
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        nodes(child, all);
    }
}

fn text_of(script: &str, kind: &str) -> Vec<String> {
    let tree = parse(script);
    let mut all = Vec::new();
    nodes(tree.root_node(), &mut all);
    let of_kind = all.iter().filter(|node| node.kind() == kind);
    of_kind.map(|node| node.utf8_text(script.as_bytes()).unwrap().to_owned()).collect()
}

#[test]
fn the_script_is_powershell() {
    let tree = parse(SCRIPT);
    let mut all = Vec::new();
    nodes(tree.root_node(), &mut all);
    let wrong: Vec<String> = all
        .iter()
        .filter(|node| node.is_error() || node.is_missing())
        .map(|node| {
            let line = node.start_position().row;
            format!("line {}: {}", line + 1, SCRIPT.lines().nth(line).unwrap_or_default())
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(all.len() > 500, "the grammar saw {} nodes", all.len());
    assert!(parse("if (").root_node().has_error(), "the grammar takes anything");
}

#[test]
fn the_script_only_reads() {
    let commands = text_of(SCRIPT, "command_name");
    assert!(commands.len() > 30, "{commands:?}");
    for command in &commands {
        assert!(READS.contains(&command.as_str()), "{command} is not on the list");
    }
    for used in READS {
        assert!(commands.iter().any(|command| command == used), "{used} is not used");
    }
    // Nothing is redirected to a file, and no program is started.
    assert_eq!(text_of(SCRIPT, "redirection"), Vec::<String>::new());
    let invoked = text_of(SCRIPT, "command_name_expr");
    let is_known = |name: &String| {
        READS.contains(&name.as_str()) || ["$Question", "$products"].contains(&name.as_str())
    };
    assert!(invoked.iter().all(is_known), "{invoked:?}");
    assert!(SCRIPT.is_ascii());
}

/// How deep a value of JSON is nested.
fn depth(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        serde_json::Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[test]
fn nothing_that_is_printed_depends_on_culture_or_release() {
    // A moment is printed in one form, in UTC, and never as 5.1's /Date(...)/.
    for (at, _) in SCRIPT.match_indices("Get-Date") {
        let call = &SCRIPT[at..];
        assert!(call.starts_with("Get-Date).ToUniversalTime().ToString('s') + 'Z'"), "{call:.60}");
    }
    assert!(!SCRIPT.contains("InstallDate") && !SCRIPT.contains("LastBootUpTime"));
    // A number is whole, so that no decimal comma can stand in it; all else is a text or a flag.
    for line in SCRIPT.lines().map(str::trim) {
        let Some((member, value)) = line.split_once(" = ") else { continue };
        if ["size", "free"].contains(&member) {
            assert!(value.starts_with("[long]"), "{line}");
        }
    }
    let formats = text_of(SCRIPT, "string_literal");
    let with_culture = formats.iter().filter(|text| text.contains("{0:"));
    assert_eq!(with_culture.collect::<Vec<_>>(), ["'\\u{0:x4}'"]);
    // 5.1 and 7 cut what is deeper than they are told, each in its own words.
    let good: serde_json::Value = serde_json::from_str(include_str!("windows/good.json")).unwrap();
    let (_, told) = SCRIPT.split_once("-Depth ").unwrap();
    let told: usize = told.lines().next().unwrap().trim().parse().unwrap();
    assert!(told > depth(&good), "{told} {}", depth(&good));
    // Characters that are no plain ASCII are escaped, whatever the console makes of them.
    assert!(SCRIPT.contains("[regex]::Replace($json, '[^\\x00-\\x7f]', $escape)"));
}
