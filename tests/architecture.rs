//! Who may import whom. A module may use only what the table allows it, so no circle can be
//! written; and only `cli` prints.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[path = "architecture/circles.rs"]
mod circles;

/// Each module with the modules of this crate that it may name.
const MAY_USE: &[(&str, &[&str])] = &[
    ("hint", &[]),
    ("digest", &[]),
    ("secret", &[]),
    ("random", &[]),
    ("shell", &[]),
    ("text_schema", &[]),
    ("regular_file", &[]),
    ("yaml", &["hint"]),
    ("assets", &["hint"]),
    ("template", &["assets", "shell"]),
    ("disc_path", &[]),
    ("mask", &["random", "hint"]),
    ("uri", &["text_schema", "secret", "hint"]),
    ("atomic_file", &["hint"]),
    ("facts", &["shell"]),
    ("agent", &["facts", "digest", "hint"]),
    ("boot", &["hint"]),
    ("iso", &["disc_path", "digest", "hint"]),
    ("packages", &["assets", "digest", "hint"]),
    (
        "installer",
        &[
            "packages", "boot", "disc_path", "facts", "assets", "yaml", "template", "text_schema",
            "shell", "hint",
        ],
    ),
    ("check", &["facts", "assets", "yaml", "template", "digest", "shell", "hint"]),
    (
        "image",
        &[
            "installer", "packages", "iso", "boot", "agent", "disc_path", "atomic_file", "facts",
            "assets", "yaml", "template", "digest", "secret", "hint",
        ],
    ),
    ("vm", &["image", "installer", "packages", "assets", "template", "hint"]),
    ("transport", &["facts", "uri", "random", "regular_file", "secret", "shell", "hint"]),
    ("site", &["facts", "check", "uri", "yaml", "text_schema", "secret", "hint"]),
    ("knowledge", &["check", "guide", "facts", "assets", "yaml", "hint"]),
    ("guide", &["check", "facts", "assets", "yaml", "hint"]),
    ("report", &["check", "guide", "knowledge", "facts", "template", "hint"]),
    (
        "cli",
        &[
            "agent", "assets", "atomic_file", "boot", "check", "digest", "disc_path", "facts",
            "guide", "image", "installer", "iso", "knowledge", "mask", "packages", "random",
            "regular_file", "report", "secret", "shell", "site", "template", "transport", "uri",
            "vm", "yaml", "hint",
        ],
    ),
];

/// Directories of data and the one file or folder that may name their kind.
const READERS: &[(&str, &str)] = &[
    ("Kind::Recipe", "src/image/recipe"),
    ("Kind::Profile", "src/installer/profile"),
    ("Kind::Check", "src/check/definition"),
];

fn sources(below: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(below)
        .into_iter()
        .map(|entry| entry.expect("the source tree can be read").into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    files
}

/// The code of a file without its comments and its tests; none of a file that is all tests.
fn code(path: &Path) -> String {
    if path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests") {
        return String::new();
    }
    let text = std::fs::read_to_string(path).expect("a source file can be read");
    let tests = regex::Regex::new(r"#\[cfg\(test\)\]\n(pub(\([a-z]+\))? )?mod ").expect("valid");
    let before_tests = tests.split(&text).next().unwrap_or("").to_owned();
    before_tests
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The crate's own modules that a file names by `crate::`.
fn named(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let pattern = regex::Regex::new(r"crate::(\{[^}]*\}|[a-z_]+)").expect("a valid pattern");
    for capture in pattern.captures_iter(code) {
        let words = capture[1].trim_matches(['{', '}']).to_owned();
        found.extend(
            words.split(',').map(|word| word.trim().split("::").next().unwrap_or("").to_owned()),
        );
    }
    found.retain(|word| !word.is_empty());
    found
}

fn module_of(path: &Path) -> String {
    let inner = path.strip_prefix("src").expect("a path below src");
    let first = inner.components().next().expect("a component").as_os_str();
    Path::new(first).file_stem().expect("a name").to_string_lossy().into_owned()
}

#[test]
fn every_import_is_one_that_the_table_allows() {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut broken = Vec::new();
    for path in sources(Path::new("src")) {
        let module = module_of(&path);
        if module == "lib" || module == "main" {
            continue;
        }
        let allowed = table.get(module.as_str()).unwrap_or_else(|| {
            panic!("{} has no row in MAY_USE", path.display());
        });
        for name in named(&code(&path)) {
            if name != module && !allowed.contains(&name.as_str()) {
                broken.push(format!("{} names crate::{name}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "imports the architecture does not have:\n{}", broken.join("\n"));
}

#[test]
fn the_table_has_no_circle() {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    for (module, uses) in MAY_USE {
        let mut reached: Vec<&str> = uses.to_vec();
        while let Some(next) = reached.pop() {
            assert_ne!(next, *module, "{module} reaches itself");
            reached.extend(table[next]);
        }
    }
}

#[test]
fn no_two_files_import_each_other_in_a_circle() {
    let read = |path: PathBuf| {
        let below = path.strip_prefix("src").expect("a path below src").to_string_lossy();
        (below.into_owned(), code(&path))
    };
    let files: Vec<(String, String)> = sources(Path::new("src")).into_iter().map(read).collect();
    let tree = circles::Tree::of(&files);
    let found = circles::circles(&tree);
    assert!(found.is_empty(), "circles among the files of src: {found:?}");
}

#[test]
fn only_the_command_line_prints_or_exits() {
    let pattern =
        regex::Regex::new(r"\b(e?println|e?print|dbg)!|process::exit|ExitCode").expect("valid");
    for path in sources(Path::new("src")) {
        let module = module_of(&path);
        if module == "cli" || module == "main" {
            continue;
        }
        let code = code(&path);
        assert!(!pattern.is_match(&code), "{} prints or exits", path.display());
    }
}

#[test]
fn each_kind_of_asset_has_one_reader() {
    for (kind, reader) in READERS {
        for path in sources(Path::new("src")) {
            let here = path.to_string_lossy().into_owned();
            if here.starts_with(reader) || here == "src/assets.rs" || here.starts_with("src/cli") {
                continue;
            }
            assert!(!code(&path).contains(kind), "{here} reads {kind}");
        }
    }
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    for path in sources(Path::new("src")).into_iter().chain(sources(Path::new("tests"))) {
        let text = std::fs::read_to_string(&path).expect("a source file can be read");
        assert!(text.starts_with("//!"), "{} does not open with //!", path.display());
    }
}

/// The errors that have a hint of their own, each with the text of its file.
fn errors_with_hints() -> Vec<(String, String)> {
    let pattern = regex::Regex::new(r"(?s)\nimpl (\w+Error) \{\n(.*?)\n\}\n").expect("valid");
    let mut found = Vec::new();
    for path in sources(Path::new("src")) {
        let text = code(&path);
        for block in pattern.captures_iter(&text) {
            if block[2].contains("pub fn hint(&self)") {
                found.push((block[1].to_owned(), text.clone()));
            }
        }
    }
    found
}

#[test]
fn the_hint_of_every_error_is_looked_for() {
    let found = errors_with_hints();
    assert!(found.len() > 15, "{found:?}");
    for (error, text) in found {
        assert!(text.contains(&format!("hinted!({error});")), "no hint of {error} would be shown");
    }
}

/// The most lines that a file of source or tests may have.
const LONGEST_FILE: usize = 600;

#[test]
fn no_file_is_longer_than_one_idea() {
    let long = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("a source file can be read");
        (text.lines().count() > LONGEST_FILE).then(|| path.display().to_string())
    };
    let all = sources(Path::new("src")).into_iter().chain(sources(Path::new("tests")));
    let long: Vec<String> = all.filter_map(|path| long(&path)).collect();
    assert!(long.is_empty(), "files of more than {LONGEST_FILE} lines: {long:?}");
}

#[test]
fn no_room_holds_more_than_a_third_of_the_lines() {
    let mut rooms: BTreeMap<String, usize> = BTreeMap::new();
    for path in sources(Path::new("src")) {
        let text = std::fs::read_to_string(&path).expect("a source file can be read");
        *rooms.entry(module_of(&path)).or_default() += text.lines().count();
    }
    let all: usize = rooms.values().sum();
    rooms.retain(|_, lines| *lines * 3 > all);
    assert!(rooms.is_empty(), "rooms of more than a third of {all} lines: {rooms:?}");
}

/// The rows of the table of rooms in ARCHITECTURE.md: the modules of a row, and what each may use.
fn table_in_words(page: &str) -> BTreeMap<String, Vec<String>> {
    let name = regex::Regex::new("`([a-z_]+)`").expect("a valid pattern");
    let names = |text: &str| -> Vec<String> {
        name.captures_iter(text).map(|found| found[1].to_owned()).collect()
    };
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let mut table = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let mut uses = names(cells.last().expect("a row has cells"));
        uses.sort();
        table.extend(names(cells[0]).into_iter().map(|room| (room, uses.clone())));
    }
    table
}

#[test]
fn the_table_of_rooms_in_the_documentation_is_that_of_the_code() {
    let page = std::fs::read_to_string("ARCHITECTURE.md").expect("the page can be read");
    let rows = MAY_USE.iter().map(|(room, uses)| {
        let mut uses: Vec<String> = uses.iter().map(|name| (*name).to_owned()).collect();
        uses.sort();
        ((*room).to_owned(), uses)
    });
    let code: BTreeMap<String, Vec<String>> = rows.collect();
    let page = page.split("\n## The image\n").next().unwrap_or_default();
    assert_eq!(table_in_words(page), code, "the table in ARCHITECTURE.md, and MAY_USE");
}

#[test]
fn every_crate_has_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let section = |text: &str, from: &str, to: &str| {
        let text = text.split(from).nth(1).unwrap_or_default().to_owned();
        text.split(to).next().unwrap_or_default().to_owned()
    };
    let named: BTreeSet<String> = section(&read("Cargo.toml"), "\n[dependencies]\n", "\n[")
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(" = ")?;
            let package = rest.split("package = \"").nth(1).and_then(|rest| rest.split('"').next());
            Some(package.unwrap_or(name).to_owned())
        })
        .collect();
    let argued: BTreeSet<String> = section(&read("ARCHITECTURE.md"), "\n## The crates\n", "\n## ")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" |").next())
        .flat_map(|cell| cell.split(", "))
        .map(|name| name.trim_matches('`').to_owned())
        .collect();
    assert_eq!(argued, named);
}
