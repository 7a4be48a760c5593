//! The words that must not come back: private names, participles as names of functions, and what
//! people should not have to read. Each row says what stands in its place.
//!
//! Not for grammar: whether a sentence is plain English is for the reviewer to see.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Names that no item may have, as a pattern of whole words, with what to use instead.
const NAMES: &[(&str, &str)] = &[
    (r"Wish(es)?", "PlanRequest, LayoutRequest: what is requested, by name"),
    ("Asking|Asked|Asks", "CollectOptions, Query, Body"),
    ("Heard|Answered", "Collected, Responses"),
    ("Beside|Around|Surroundings", "Sources, SiteContext, ProbeEnv"),
    (
        "Told|Said|Seen|Touched|Looking|Whereabouts",
        "Recorded, Query, SiteView, ProbeOutput, Context, Location",
    ),
    (
        "Keeper|Steady|Belt|Shelf|Stock",
        "SelfCheckHost, DigestWithoutMd5, BufferPool, AddOns, Available",
    ),
    (r"Judge\w*|Judged\w*", "SelfCheckBinary, Evaluated"),
    ("Replacement|Readers", "AtomicFile, Visibility"),
    ("Bench|Basis|Ground|Strange", "TargetEvaluator, Criterion, Weights, UnknownTerm"),
    (
        "Silence|Silent|Dumb|LeftOut|Unasked|Maker",
        "SharedCause, AffectedTarget, AffectedRow, SkippedCheck, PageBuilder",
    ),
    (
        "Means|Inquiry|Callee|Trouble|Setback",
        "Collector, VsphereQuery, Endpoint, CallError, ConnectError",
    ),
    ("NoWay|NoTunnel|There|NotChanged", "ChannelError, TunnelError, JumpHost, EnableUuidError"),
    ("Looked|Survey", "Collection, VsphereSnapshot"),
    ("Texts|AsItIs|Balanced", "Interner, IdentityHasher, BoundedXml"),
];

/// Names of functions that say nothing of what the function does.
const FUNCTIONS: &[(&str, &str)] = &[
    ("of", "from_*, new, or a noun"),
    ("told|said|asked|heard|seen|judged|answered", "a verb: describe, query, collect, evaluate"),
    (r"judge\w*", "evaluate"),
    (
        "mend|settle|foresee|pour|patiently|shaken|tame|spare",
        "apply_fix, finalize, precompute, write_stream, wait_for, handshake, make_visible, check_outputs",
    ),
];

/// Words that nobody should read in help, messages, reports, checks, scripts or documentation.
const PROSE: &[(&str, &str)] = &[
    (r"[Mm]end(s|ed|ing)?", "fix, correct or repair"),
    (r"[Jj]udg(e|es|ed|ing)", "check or evaluate"),
    (r"[Hh]eard", "collected or received"),
    (r"homeless", "unplaced"),
];

/// Constructions of Rust that hide what is meant.
const CODE: &[(&str, &str)] = &[
    (r"match \(\) \{", "if and else"),
    (r"\|&?it(: [^|]*)?\|", "a closure over a named thing"),
    (
        r"(?m)^\s*true => |^\s*false => |^\s*(true|false) if ",
        "if and else in place of a match on a bool",
    ),
];

fn files(below: &str, extensions: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(below).sort_by_file_name() {
        let path = entry.expect("the tree can be read").into_path();
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && extensions.contains(&extension.as_str()) {
            let text = std::fs::read_to_string(&path).expect("a source file is text");
            found.push((path, text));
        }
    }
    assert!(!found.is_empty(), "{below} has no files of {extensions:?}");
    found
}

/// Every place where a pattern stands, as `path:line: match (use ...)`.
fn places(path: &Path, text: &str, pattern: &Regex, instead: &str) -> Vec<String> {
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    // Members of files that are released keep their names.
    let is_member = |at: usize| text[..at].ends_with("rename = \"");
    let show = |found: regex::Match<'_>| {
        let word = found.as_str().trim();
        format!("{}:{}: {word} (instead: {instead})", path.display(), line_of(found.start()))
    };
    pattern.find_iter(text).filter(|found| !is_member(found.start())).map(show).collect()
}

fn check(files: &[(PathBuf, String)], rows: &[(&str, &str)], pattern: impl Fn(&str) -> String) {
    let mut broken = Vec::new();
    for (words, instead) in rows {
        let regex = Regex::new(&pattern(words)).expect("a valid pattern");
        for (path, text) in files {
            broken.extend(places(path, text, &regex, instead));
        }
    }
    assert!(broken.is_empty(), "{} words of the list:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn no_type_has_a_private_name() {
    let item = |words: &str| format!(r"\b(struct|enum|trait|type) ({words})\b");
    check(&files("src", &["rs"]), NAMES, item);
}

#[test]
fn every_function_says_what_it_does() {
    check(&files("src", &["rs"]), FUNCTIONS, |words| format!(r"\bfn ({words})\b"));
}

#[test]
fn nobody_reads_words_of_a_dialect() {
    let mut all = files("src", &["rs"]);
    all.extend(files("checks", &["yaml"]));
    all.extend(files("templates", &["hbs"]));
    all.extend(files("kickstart", &["yaml"]));
    all.extend(files("images", &["yaml"]));
    for page in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/delta.md", "docs/site.md"]
    {
        all.push((page.into(), std::fs::read_to_string(page).expect("the page can be read")));
    }
    check(&all, PROSE, |words| format!(r"\b({words})\b"));
}

#[test]
fn no_construction_hides_what_is_meant() {
    check(&files("src", &["rs"]), CODE, str::to_owned);
}

#[test]
fn no_two_public_types_share_a_name() {
    let item = Regex::new(r"(?m)^pub (?:struct|enum|trait|type) (\w+)").expect("a valid pattern");
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in files("src", &["rs"]) {
        for found in item.captures_iter(&text) {
            places.entry(found[1].to_owned()).or_default().push(path.display().to_string());
        }
    }
    places.retain(|_, paths| paths.len() > 1);
    assert!(places.is_empty(), "public types that share a name: {places:#?}");
}

#[test]
fn a_word_of_the_list_is_found() {
    let text = "fn mend(it: u8) {}\nlet x = y.map(|it| it);\n";
    let found = |pattern: &str| {
        let regex = Regex::new(pattern).unwrap();
        places(Path::new("x.rs"), text, &regex, "z")
    };
    assert_eq!(found(r"\bfn (mend)\b"), ["x.rs:1: fn mend (instead: z)"]);
    assert_eq!(found(CODE[1].0), ["x.rs:2: |it| (instead: z)"]);
}
