//! Truths over all embedded symptoms, and how well they are recognised in what people type.
//!
//! `tests/troubleshoot/tuned.yaml` holds the queries that words and weights were tuned on,
//! `held-out.yaml` those that were written before and left alone. Run with `--nocapture` for the
//! figures and every query that is missed.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::path::Path;
use std::time::{Duration, Instant};

use preflight::assets::Assets;
use preflight::check::CheckSet;
use preflight::knowledge::SymptomSet;
use preflight::knowledge::matching::MAX_TEXT_BYTES;
use preflight::report::{symptoms, troubleshooting};
use serde::Deserialize;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn embedded() -> (CheckSet, SymptomSet) {
    let checks = CheckSet::load(&Assets::embedded()).unwrap();
    match SymptomSet::load(&Assets::embedded(), &checks) {
        Ok(symptoms) => (checks, symptoms),
        Err(error) => panic!("{error}"),
    }
}

/// One query and what it should lead to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    ask: String,
    /// The symptom that fits best; without one, nothing may fit.
    #[serde(default)]
    want: Option<String>,
    /// What may stand before it.
    #[serde(default)]
    or: Vec<String>,
}

/// How well a file of queries was answered.
struct Figures {
    asked: usize,
    first: usize,
    within_three: usize,
    negatives: usize,
    false_positives: usize,
}

fn evaluate(file: &str) -> Figures {
    let (_, set) = embedded();
    let path = root().join("tests/troubleshoot").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let queries: Vec<Query> = preflight::yaml::parse(&text, file).unwrap();
    let mut figures =
        Figures { asked: 0, first: 0, within_three: 0, negatives: 0, false_positives: 0 };
    for query in &queries {
        let matches = set.matches(&query.ask);
        let named: Vec<(&str, f64)> =
            matches.candidates.iter().map(|c| (c.symptom.id.as_str(), c.score)).collect();
        let near: Vec<(&str, f64)> =
            matches.nearest.iter().map(|c| (c.symptom.id.as_str(), c.score)).collect();
        let Some(want) = &query.want else {
            figures.negatives += 1;
            if !named.is_empty() {
                figures.false_positives += 1;
                println!("{file}: {:?} should fit nothing: {named:.2?}", query.ask);
            }
            continue;
        };
        assert!(set.find(want).is_some(), "{want}");
        figures.asked += 1;
        let good = |id: &&str| id == want || query.or.iter().any(|other| other == id);
        let first = named.first().is_some_and(|(id, _)| good(id));
        figures.first += usize::from(first);
        figures.within_three += usize::from(named.iter().take(3).any(|(id, _)| id == want));
        if !first {
            println!("{file}: {:?} wants {want}: {named:.2?}, near {near:.2?}", query.ask);
        }
    }
    let part = |n: usize| 100.0 * n as f64 / figures.asked as f64;
    println!(
        "{file}: {} queries, recall@1 {:.1} %, recall@3 {:.1} %; {} negatives, {} false positives",
        figures.asked,
        part(figures.first),
        part(figures.within_three),
        figures.negatives,
        figures.false_positives
    );
    figures
}

#[test]
fn queries_that_were_held_out_are_recognised() {
    let figures = evaluate("held-out.yaml");
    assert!(figures.asked >= 50, "{}", figures.asked);
    assert!(figures.first * 100 >= figures.asked * 90, "recall@1");
    assert!(figures.within_three * 100 >= figures.asked * 95, "recall@3");
    assert_eq!(figures.false_positives, 0);
}

#[test]
fn queries_that_came_after_all_tuning_are_recognised() {
    let figures = evaluate("fresh.yaml");
    assert!(figures.first * 100 >= figures.asked * 90, "recall@1");
    assert!(figures.false_positives * 10 <= figures.negatives);
}

#[test]
fn queries_that_were_tuned_on_are_recognised() {
    let figures = evaluate("tuned.yaml");
    assert!(figures.asked >= 100, "{}", figures.asked);
    assert!(figures.first * 100 >= figures.asked * 97, "recall@1");
    assert_eq!(figures.false_positives, 0);
}

#[test]
fn every_description_code_and_title_leads_to_its_own_symptom() {
    let (_, set) = embedded();
    for symptom in set.symptoms() {
        for text in symptom.words.iter().chain(&symptom.codes) {
            let matches = set.matches(text);
            let first = matches.candidates.first().map(|c| (c.symptom.id.as_str(), c.score));
            assert_eq!(first.map(|(id, _)| id), Some(symptom.id.as_str()), "{text}: {first:?}");
        }
    }
}

#[test]
fn the_catalogue_is_complete() {
    let (checks, set) = embedded();
    assert_eq!(set.symptoms().len(), 56);
    for symptom in set.symptoms() {
        for cause in &symptom.causes {
            for remedy in preflight::knowledge::symptom::remedies(cause, &checks) {
                assert!(remedy.text.trim_end().ends_with('.'), "{}: {}", symptom.id, remedy.text);
                assert!(remedy.commands.iter().all(|command| command.is_ascii()), "{}", symptom.id);
            }
        }
    }
}

#[test]
fn hostile_text_is_answered_in_time() {
    let (_, set) = embedded();
    let fill = |piece: &str| piece.repeat(MAX_TEXT_BYTES / piece.len());
    let texts = [
        fill("a"),
        fill("datastore "),
        fill("no data store "),
        fill("datastore snapshot retention vcenter "),
        fill("\n"),
        fill("\u{0}\u{1b}[31m"),
        fill("\u{301}\u{202e}\u{13000}"),
        fill("error 8061 reprotect snapshot\n"),
        fill("- -- --- \u{2013}"),
        (0..MAX_TEXT_BYTES / 24).map(|n| format!("process server {n} heart\n")).collect(),
        (0..MAX_TEXT_BYTES / 10).map(|n| format!("w{n}x{n} ")).collect(),
    ];
    for text in texts {
        let began = Instant::now();
        set.matches(&text);
        let took = began.elapsed();
        println!(
            "{:?}.. of {} bytes: {took:?}",
            text.chars().take(12).collect::<String>(),
            text.len()
        );
        // Without optimisation, on a machine that does other things too.
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[test]
fn generated_documents_are_current() {
    let (checks, set) = embedded();
    for (path, text) in [
        ("docs/symptoms.md", symptoms::docs_symptoms_md(&set, &checks)),
        ("docs/troubleshoot.schema.json", troubleshooting::schema_json()),
    ] {
        let path = root().join(path);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{} is old: run UPDATE_DOCS=1 cargo test", path.display());
    }
}
