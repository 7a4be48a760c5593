//! Rebuilds when a data file is added, for `include_dir` watches the files it knows and not the
//! directories they stand in; and writes the check files once more as JSON, which a run reads
//! several times faster than YAML; and lists the words that the program itself knows, which `mask` keeps.
//!
//! Nothing is verified here: a file that is no YAML is left out, and whoever reads it says why.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

use serde_json::Value;

/// The rooms that read what hosts answer and write what people read: whatever they compare a text with stands in them.
const ROOMS: [&str; 5] = ["facts", "check", "transport", "guide", "report"];

/// Members of check files that hold samples, whose names are nobody's but look like names.
const SAMPLES: [&str; 4] = ["examples", "said_as", "tests", "texts"];

fn main() -> io::Result<()> {
    for directory in ["images", "kickstart", "templates", "checks", "src"] {
        println!("cargo:rerun-if-changed={directory}");
    }
    let mut words = BTreeSet::new();
    let variable = |name| env::var(name).map_err(io::Error::other);
    let (sources, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    let mut names: Vec<String> = Vec::new();
    for folder in ["", "steps/"] {
        let entries = fs::read_dir(Path::new(&sources).join("checks").join(folder))?;
        let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.extend(
            files.filter(|file| file.ends_with(".yaml")).map(|file| format!("{folder}{file}")),
        );
    }
    names.sort();
    let mut table = String::from("[\n");
    for name in names {
        let text = fs::read_to_string(Path::new(&sources).join("checks").join(&name))?;
        let Ok(value) = serde_yaml::from_str::<Value>(&text) else { continue };
        add_words_of_checks(&value, &mut words);
        writeln!(table, "({name:?}, {:?}),", value.to_string()).map_err(io::Error::other)?;
    }
    table.push(']');
    fs::write(Path::new(&out).join("checks.in"), table)?;
    for room in ROOMS {
        add_words_below(&Path::new(&sources).join("src").join(room), &mut words)?;
    }
    add_words_below(&Path::new(&sources).join("templates"), &mut words)?;
    let words: Vec<String> = words.into_iter().filter(|word| !is_sample_name(word)).collect();
    fs::write(Path::new(&out).join("words.txt"), words.join("\n"))
}

/// Adds the words of a check file without its samples: names of members, rules, texts.
fn add_words_of_checks(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => add_words(text, words),
        Value::Array(items) => items.iter().for_each(|item| add_words_of_checks(item, words)),
        Value::Object(members) => {
            for (name, value) in
                members.iter().filter(|(name, _)| !SAMPLES.contains(&name.as_str()))
            {
                add_words(name, words);
                add_words_of_checks(value, words);
            }
        }
        _ => {}
    }
}

/// Adds the words of source files and templates, without tests and comments.
fn add_words_below(directory: &Path, words: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            add_words_below(&path, words)?;
        } else if path.is_file() && !matches!(&*name, "tests.rs" | "stand_in.rs") {
            let text = fs::read_to_string(&path)?;
            let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            let code = before_tests.lines().filter(|line| !line.trim_start().starts_with("//"));
            code.for_each(|line| add_words(line, words));
        }
    }
    Ok(())
}

/// Adds the words of a text in small letters; of a name such as `host_name` also the form that JSON has of it.
fn add_words(text: &str, words: &mut BTreeSet<String>) {
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 1) {
        words.insert(word.to_ascii_lowercase());
    }
    for name in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        let joined = name.replace('_', "");
        if joined.len() < name.len() && joined.len() > 1 {
            words.insert(joined.to_ascii_lowercase());
        }
    }
    // `NotApplicable` is written `not-applicable`.
    let mut part = String::new();
    for c in text.chars() {
        if !c.is_ascii_lowercase() {
            if part.len() > 1 {
                words.insert(part.to_ascii_lowercase());
            }
            part.clear();
        }
        if c.is_ascii_alphabetic() {
            part.push(c);
        }
    }
    if part.len() > 1 {
        words.insert(part.to_ascii_lowercase());
    }
}

/// Whether a word is what samples call a server: letters of a role and a number.
fn is_sample_name(word: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.len() < word.len()
        && ["mt", "cs", "ps", "vc", "esx", "app", "db", "web"].contains(&letters)
}
