//! Packs the data files into the program, compressed; with each file of checks once more as JSON, which a run reads several
//! times faster than YAML; and lists the words that the program itself knows, which `mask` keeps.
//!
//! Nothing is verified here: a file that is no YAML is left out, and whoever reads it says why.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde_json::Value;

/// The rooms that read site files and what hosts answer, and write what people read: whatever they compare a text with stands in them.
const ROOMS: [&str; 6] = ["facts", "check", "transport", "guide", "report", "site"];

/// Members of check files that hold samples, whose names are nobody's but look like names.
const SAMPLES: [&str; 4] = ["examples", "said_as", "tests", "texts"];

/// The directories that are embedded.
const EMBEDDED: [&str; 4] = ["checks", "images", "kickstart", "templates"];

fn main() -> io::Result<()> {
    let variable = |name| env::var(name).map_err(io::Error::other);
    let (root, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    let (root, out) = (Path::new(&root), Path::new(&out));
    let (mut words, mut packed) = (BTreeSet::new(), Packed::default());
    for directory in EMBEDDED {
        println!("cargo:rerun-if-changed={directory}");
        for path in files_below(&root.join(directory))? {
            let text = fs::read_to_string(&path)?;
            let name = path.strip_prefix(root).map_err(io::Error::other)?.display().to_string();
            packed.add(&name, &text)?;
            let is_checks = directory == "checks" && name.ends_with(".yaml");
            let value = is_checks.then(|| serde_yaml::from_str::<Value>(&text).ok()).flatten();
            if let Some(value) = value {
                add_words_of_checks(&value, &mut words);
                packed.add(&format!("json/{name}"), &value.to_string())?;
            }
        }
    }
    packed.write(out)?;
    println!("cargo:rerun-if-changed=src");
    for room in ROOMS {
        add_words_below(&root.join("src").join(room), &mut words)?;
    }
    add_words_below(&root.join("templates"), &mut words)?;
    let words: Vec<String> = words.into_iter().filter(|word| !is_sample_name(word)).collect();
    fs::write(out.join("words.txt"), words.join("\n"))
}

/// Texts one behind the other, and a table of their names and lengths.
#[derive(Default)]
struct Packed {
    table: String,
    texts: String,
}

impl Packed {
    fn add(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.texts.push_str(text);
        writeln!(self.table, "({name:?}, {}),", text.len()).map_err(io::Error::other)
    }

    fn write(&self, out: &Path) -> io::Result<()> {
        // What is built to be tried is built often.
        let level =
            if env::var("PROFILE").is_ok_and(|profile| profile == "release") { 19 } else { 1 };
        fs::write(out.join("assets.in"), format!("[{}]", self.table))?;
        fs::write(out.join("assets.zst"), zstd::encode_all(self.texts.as_bytes(), level)?)
    }
}

/// The files below a directory, sorted.
fn files_below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
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
    for path in files_below(directory)? {
        let of_tests = path
            .strip_prefix(directory)
            .is_ok_and(|below| below.iter().any(|part| part == "tests"))
            || path.file_name().is_some_and(|name| name == "tests.rs" || name == "stand_in.rs");
        // A site file to start from names nobody's servers, but they look like names.
        let is_sample = path.extension().is_some_and(|end| end == "yaml");
        if !of_tests && !is_sample {
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
