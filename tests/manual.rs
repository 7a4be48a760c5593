//! What shells complete, and the manual pages, as real shells and groff take them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "all of this file is a test"
)]

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use program::{binary, installed, names_in};

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn completions(shell: &str, directory: &Path) -> std::path::PathBuf {
    let file = directory.join(shell);
    fs::write(&file, output(Command::new(binary()).args(["completions", shell]))).unwrap();
    file
}

/// What bash offers for the last of these words.
fn bash_offers(completions: &Path, line: &str) -> BTreeSet<String> {
    let script = r#"source "$1"; read -ra COMP_WORDS <<< "$2"; [[ $2 == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _preflight preflight "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let mut bash = Command::new("bash");
    let offers = output(bash.args(["-c", script, "bash"]).arg(completions).arg(line));
    offers.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_the_names_of_things() {
    let dir = tempfile::tempdir().unwrap();
    let completions = completions("bash", dir.path());
    for (line, offered) in [
        ("preflight trou", "troubleshoot"),
        ("preflight check ho", "host"),
        ("preflight check host --accept", "--accept-new"),
        ("preflight check host --only retention.mo", "retention.mounted"),
        ("preflight check site --format ht", "html"),
        ("preflight check site --stage ver", "verify"),
        ("preflight guide --step clean", "clean-up"),
        ("preflight build image cent", "centos-6.6"),
        ("preflight list chec", "checks"),
    ] {
        let offers = bash_offers(&completions, line);
        assert!(offers.contains(offered), "{line}: {offers:?}");
    }
}

#[test]
fn fish_and_zsh_take_their_completions() {
    if !installed(&["fish", "zsh"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let fish = completions("fish", dir.path());
    let script = "source $argv[1]; complete --do-complete $argv[2]";
    let line = "preflight check host --only retention.mo";
    let offers = output(Command::new("fish").args(["-c", script]).arg(&fish).arg(line));
    assert!(offers.lines().any(|offer| offer.starts_with("retention.mounted")), "{offers}");
    let zsh = completions("zsh", dir.path());
    output(Command::new("zsh").arg("-n").arg(zsh));
}

#[test]
fn groff_formats_every_page_without_a_warning() {
    if !installed(&["groff"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man1");
    output(Command::new(binary()).args(["man", "--all"]).arg(&pages));
    let names = names_in(&pages);
    for name in ["preflight.1", "preflight-check-host.1", "preflight-build-image.1"] {
        assert!(names.iter().any(|there| there == name), "{names:?}");
    }
    for name in names {
        let mut groff = Command::new("groff");
        let groff = groff.args(["-man", "-Tutf8", "-wall", "-P-cbou"]).arg(pages.join(&name));
        let formatted = groff.output().unwrap();
        let complaints = String::from_utf8_lossy(&formatted.stderr);
        assert!(complaints.is_empty(), "{name}: {complaints}");
        let text = String::from_utf8_lossy(&formatted.stdout);
        assert!(text.contains("EXAMPLES") && text.contains("EXIT STATUS"), "{name}: {text}");
    }
}

/// Quoted names of environment variables in the program's source, but for its tests.
fn variables_read() -> BTreeSet<String> {
    let name = regex::Regex::new(
        r#""((?:PREFLIGHT|AZURE)_[A-Z_]+|SOURCE_DATE_EPOCH|NO_COLOR|HTTPS_PROXY|SSH_AUTH_SOCK)""#,
    )
    .unwrap();
    let files = walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut names = BTreeSet::new();
    for file in files.into_iter().map(Result::unwrap) {
        let is_source = file.path().extension().is_some_and(|end| end == "rs")
            && !file.path().to_string_lossy().contains("tests");
        if !is_source {
            continue;
        }
        let text = fs::read_to_string(file.path()).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        names.extend(name.captures_iter(code).map(|found| found[1].to_owned()));
    }
    names
}

#[test]
fn the_manual_names_every_variable_that_is_read() {
    let dir = tempfile::tempdir().unwrap();
    output(Command::new(binary()).args(["man", "--all"]).arg(dir.path()));
    let pages: String = names_in(dir.path())
        .iter()
        .map(|name| fs::read_to_string(dir.path().join(name)).unwrap())
        .collect();
    // Not read from outside: set for the program itself, given to az, or marks of other variables.
    let own = ["PREFLIGHT_NONCE", "AZURE_CORE_NO_COLOR", "PREFLIGHT_"];
    let missing: Vec<String> = variables_read()
        .into_iter()
        .filter(|name| !own.contains(&name.as_str()) && !pages.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn colours_and_links_are_for_terminals_or_where_they_are_forced() {
    let capture = format!(
        "capture:{}/tests/golden/captures/broken/linux-mt.mt1.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let report = ["check", "host", &capture];
    let explain = ["explain", "ts-95226"];
    let help = ["--help"];
    for (variables, colour, words, expected) in [
        ("", "auto", &report[..], (false, false)),
        ("CLICOLOR_FORCE=1", "auto", &report, (true, false)),
        ("CLICOLOR_FORCE=1 NO_COLOR=1", "auto", &report, (false, false)),
        ("CLICOLOR_FORCE=1", "never", &report, (false, false)),
        ("NO_COLOR=1", "always", &report, (true, false)),
        ("FORCE_HYPERLINK=1", "auto", &report, (false, true)),
        ("FORCE_HYPERLINK=1", "never", &explain, (false, false)),
        ("FORCE_HYPERLINK=0", "always", &explain, (false, false)),
        ("FORCE_HYPERLINK=1", "auto", &explain, (false, true)),
        ("", "always", &help, (true, false)),
        ("CLICOLOR_FORCE=1", "never", &help, (false, false)),
    ] {
        let mut command = Command::new(binary());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_HYPERLINK"] {
            command.env_remove(name);
        }
        command.envs(variables.split_whitespace().filter_map(|pair| pair.split_once('=')));
        let ran = command.args(["--color", colour]).args(words).output().unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        let seen = (text.contains("\u{1b}["), text.contains("\u{1b}]8;;https://"));
        assert_eq!(seen, expected, "{variables} --color {colour} {words:?}: {text}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let captures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/captures");
    let capture = format!("capture:{captures}/broken/linux-mt.mt1.json");
    let own = [
        "explain 95226",
        "list checks",
        "list checks --format json",
        "--help",
        "check host --help",
        "man check host",
        "completions bash",
        "schema checks",
        "search snapshot",
        "troubleshoot 95226 --format json",
        "guide --step verify",
        "init site",
        "init recipe",
        "render kickstart demo",
        "collect script",
        "test checks",
    ];
    let mut lines: Vec<String> = own.iter().map(|line| (*line).to_owned()).collect();
    let formats = preflight::report::FORMATS.iter().map(|format| format.name);
    lines.extend(formats.map(|format| format!("check host {capture} --format {format}")));
    lines.push(format!("diff {captures}/unreachable.json {captures}/broken/linux-mt.mt1.json"));
    lines.push(format!("collect host {capture}"));
    for line in lines {
        let command = || {
            let mut command = Command::new(binary());
            command.args(line.split_whitespace()).current_dir(&dir);
            command
        };
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let unread = command().stdout(writer).output().unwrap();
        let read = command().output().unwrap();
        let complaint = String::from_utf8_lossy(&unread.stderr);
        assert_eq!(unread.status, read.status, "{line}: {complaint}");
        assert_eq!(complaint, String::from_utf8_lossy(&read.stderr), "{line}");
        assert!(!read.stdout.is_empty(), "{line}");
        // A full disk is one, and no panic; clap prints help by itself.
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let full = command().stdout(full).output().unwrap();
        let complaint = String::from_utf8_lossy(&full.stderr);
        if !line.contains("--help") {
            assert_eq!(
                full.status.code(),
                Some(if line.ends_with("nagios") { 3 } else { 2 }),
                "{line}: {complaint}"
            );
            assert!(complaint.contains("No space left"), "{line}: {complaint}");
        }
    }
}
