//! Truths over everything that is known, and how well it is recognised in what people type.
//!
//! `tests/troubleshoot/tuned.yaml` holds the queries that texts were tuned on, `held-out.yaml` those that were written
//! before and left alone, `fresh.yaml` those that came after. Run with `--nocapture` for the figures and every query that
//! is missed.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use preflight::assets::Assets;
use preflight::check::CheckSet;
use preflight::knowledge::candidate::{Confidence, Matches};
use preflight::knowledge::document::{QuoteWorth, SearchDocument, Subject};
use preflight::knowledge::{Knowledge, SymptomSet};
use preflight::report::{search, symptoms, troubleshooting};
use serde::Deserialize;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn embedded() -> &'static (CheckSet, Knowledge) {
    static EMBEDDED: OnceLock<(CheckSet, Knowledge)> = OnceLock::new();
    EMBEDDED.get_or_init(|| {
        let checks = CheckSet::load(&Assets::embedded()).unwrap();
        match Knowledge::load(&Assets::embedded(), &checks) {
            Ok(knowledge) => (checks, knowledge),
            Err(error) => panic!("{error}"),
        }
    })
}

/// One query and what it should lead to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    ask: String,
    /// The symptom, check or step that fits best; without one, nothing may be likely.
    #[serde(default)]
    want: Option<String>,
    /// What is right as well.
    #[serde(default)]
    or: Vec<String>,
}

impl Query {
    /// What is right: what is wanted, and the checks that tell its causes apart.
    fn accepted(&self) -> Vec<String> {
        let (_, knowledge) = embedded();
        let mut accepted: Vec<String> = self.or.clone();
        accepted.extend(self.want.clone());
        for id in accepted.clone() {
            let document = knowledge.find(&id).unwrap_or_else(|| panic!("{id}"));
            if document.kind == Subject::Symptom {
                accepted.extend(document.checks().into_iter().map(str::to_owned));
            }
        }
        accepted
    }
}

/// How well a file of queries was answered.
#[derive(Default)]
struct Figures {
    asked: usize,
    first: usize,
    within_three: usize,
    likely: usize,
    likely_right: usize,
    negatives: usize,
    false_likely: usize,
}

fn named(matches: &Matches<'_>) -> Vec<String> {
    let name = |c: &preflight::knowledge::candidate::Candidate<'_>| {
        format!("{} {} {:.2}", c.confidence.as_str(), c.document.id, c.score)
    };
    matches.candidates.iter().take(4).map(name).collect()
}

fn evaluate(file: &str) -> Figures {
    let (_, knowledge) = embedded();
    let path = root().join("tests/troubleshoot").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let queries: Vec<Query> = preflight::yaml::parse(&text, file).unwrap();
    let mut figures = Figures::default();
    for query in &queries {
        let matches = knowledge.matches(&query.ask, None);
        let likely: Vec<&str> = matches.likely().map(|c| c.document.id.as_str()).collect();
        if query.want.is_none() {
            figures.negatives += 1;
            figures.false_likely += usize::from(!likely.is_empty());
            if !likely.is_empty() {
                println!("{file}: {:?} is about nothing: {:?}", query.ask, named(&matches));
            }
            continue;
        }
        let accepted = query.accepted();
        let is_right = |id: &str| accepted.iter().any(|other| other == id);
        let place = matches.candidates.iter().position(|c| is_right(&c.document.id));
        figures.asked += 1;
        figures.first += usize::from(place == Some(0));
        figures.within_three += usize::from(place.is_some_and(|place| place < 3));
        figures.likely += likely.len();
        let right = likely.iter().filter(|id| is_right(id)).count();
        figures.likely_right += right;
        if place != Some(0) || right < likely.len() {
            println!("{file}: {:?} wants {:?}: {:?}", query.ask, query.want, named(&matches));
        }
    }
    let part = |n: usize, of: usize| 100.0 * n as f64 / of.max(1) as f64;
    println!(
        "{file}: {} queries, first {:.1} %, among three {:.1} %; {} called likely, {:.1} % right; {} about nothing, {} likely",
        figures.asked,
        part(figures.first, figures.asked),
        part(figures.within_three, figures.asked),
        figures.likely,
        part(figures.likely_right, figures.likely),
        figures.negatives,
        figures.false_likely
    );
    figures
}

/// At least this many of a hundred queries have what is right as the first, and among the first three; of what is called
/// likely nine in ten are right; at most one in twenty of those about nothing has something likely.
fn assert_answered(file: &str, first: usize, within_three: usize) {
    let figures = evaluate(file);
    assert!(figures.asked >= 50, "{}", figures.asked);
    assert!(figures.first * 100 >= figures.asked * first, "first");
    assert!(figures.within_three * 100 >= figures.asked * within_three, "among three");
    assert!(figures.likely_right * 10 >= figures.likely * 9, "likely");
    assert!(figures.likely * 2 >= figures.asked, "not silent");
    assert!(figures.false_likely * 20 <= figures.negatives.max(20), "about nothing");
}

#[test]
fn queries_that_were_held_out_are_recognised() {
    assert_answered("held-out.yaml", 90, 95);
}

#[test]
fn queries_that_came_after_all_tuning_are_recognised() {
    assert_answered("fresh.yaml", 90, 95);
}

#[test]
fn queries_that_were_tuned_on_are_recognised() {
    assert_answered("tuned.yaml", 93, 97);
}

#[test]
fn every_code_and_title_leads_to_its_own_symptom() {
    let (_, knowledge) = embedded();
    for symptom in knowledge.symptoms().symptoms() {
        for text in symptom.codes.iter().chain([&symptom.title]) {
            let matches = knowledge.matches(text, None);
            let place = matches.candidates.iter().position(|c| {
                c.document.id == symptom.id || symptom.checks().contains(&c.document.id.as_str())
            });
            assert!(place.is_some_and(|place| place < 3), "{text}: {:?}", named(&matches));
        }
    }
}

/// Leaves what is said of documents out, a tenth of them at a time, and asks for it: by the other words a document is
/// found among the first three as often as this, and what is called likely is right as often as promised.
#[test]
fn a_document_is_found_by_its_other_words_too() {
    let (checks, knowledge) = embedded();
    let parts = 10;
    let (mut asked, mut found, mut likely, mut right) = (0, 0, 0, 0);
    for part in 0..parts {
        let mut documents = knowledge.documents().to_vec();
        let mut left_out: Vec<(usize, String)> = Vec::new();
        for (index, document) in documents.iter_mut().enumerate().filter(|(n, _)| n % parts == part)
        {
            if matches!(document.kind, Subject::Topic | Subject::Step) {
                continue;
            }
            let said = document.passages.iter().filter(|p| p.quoted == QuoteWorth::Message);
            left_out.extend(said.map(|passage| (index, passage.text.clone())));
            document.passages.retain(|passage| passage.quoted != QuoteWorth::Message);
        }
        let symptoms = SymptomSet::load(&Assets::embedded(), checks).unwrap();
        let without = Knowledge::from_documents(symptoms, documents);
        // A fifth is enough, and takes a fifth of the time. Which texts are in it follows from each
        // alone, so that a new one changes nothing of the others.
        let is_chosen = |text: &str| text.bytes().map(usize::from).sum::<usize>() % 5 == 0;
        for (index, text) in left_out.iter().filter(|(_, text)| is_chosen(text)) {
            let matches = without.matches(text, None);
            let own = &knowledge.documents()[*index];
            let is_right = |other: &SearchDocument| {
                other.id == own.id || other.checks().iter().any(|id| own.checks().contains(id))
            };
            asked += 1;
            let three = matches.candidates.iter().take(3);
            found += usize::from(three.into_iter().any(|c| is_right(c.document)));
            for candidate in matches.likely() {
                likely += 1;
                right += usize::from(is_right(candidate.document));
            }
        }
    }
    let percent = |n: usize, of: usize| 100 * n / of.max(1);
    println!(
        "{asked} texts left out: {} % found among three; {likely} called likely, {} % right",
        percent(found, asked),
        percent(right, likely)
    );
    assert!(asked >= 300, "{asked}");
    assert!(percent(found, asked) >= 65, "found");
    assert!(percent(right, likely) >= 90, "likely");
}

/// The menus of the seed documents in other languages lead to the same entries.
#[test]
fn words_of_other_languages_lead_to_the_same_entries() {
    let (_, knowledge) = embedded();
    let text = std::fs::read_to_string(root().join("tests/troubleshoot/languages.yaml")).unwrap();
    let queries: Vec<Query> = preflight::yaml::parse(&text, "languages.yaml").unwrap();
    let mut missed = Vec::new();
    for query in &queries {
        let matches = knowledge.matches(&query.ask, None);
        let accepted = query.accepted();
        let three = matches.candidates.iter().take(3);
        if !three.into_iter().any(|c| accepted.contains(&c.document.id)) {
            missed.push(format!("{}: {:?}", query.ask, named(&matches)));
        }
    }
    println!("{} of {} missed: {missed:#?}", missed.len(), queries.len());
    assert!(missed.len() * 10 <= queries.len(), "{missed:#?}");
}

/// What is of another world is told so, and nothing of it is likely.
#[test]
fn texts_of_another_world_are_out_of_scope() {
    let (_, knowledge) = embedded();
    let text = std::fs::read_to_string(root().join("tests/troubleshoot/elsewhere.yaml")).unwrap();
    let topics: BTreeMap<String, Vec<String>> =
        preflight::yaml::parse(&text, "elsewhere.yaml").unwrap();
    let (mut asked, mut told) = (0, 0);
    for (topic, texts) in &topics {
        for text in texts {
            let matches = knowledge.matches(text, None);
            let likely: Vec<&str> = matches.likely().map(|c| c.document.id.as_str()).collect();
            assert!(likely.is_empty(), "{text}: {likely:?}");
            asked += 1;
            let is_told = matches.out_of_scope.is_some();
            told += usize::from(is_told);
            if !is_told {
                println!("{topic}: {text}: {:?}", named(&matches));
            }
        }
    }
    println!("{asked} texts of another world, {told} told so");
    assert!(told * 10 >= asked * 8, "{told} of {asked}");
}

/// Each line that means something is named with its number, by cause and in the order of the file.
#[test]
fn logs_of_every_kind_are_read_line_by_line() {
    let (_, knowledge) = embedded();
    let folder = root().join("tests/troubleshoot");
    let text = std::fs::read_to_string(folder.join("logs.yaml")).unwrap();
    let logs: BTreeMap<String, BTreeMap<String, Vec<usize>>> =
        preflight::yaml::parse(&text, "logs.yaml").unwrap();
    for (file, expected) in logs {
        let log = std::fs::read_to_string(folder.join("logs").join(&file)).unwrap();
        let matches = knowledge.matches(&log, None);
        for (id, lines) in expected {
            let found = matches.likely().find(|candidate| candidate.document.id == id);
            let numbers = found.map(|candidate| {
                candidate.lines.iter().map(|line| line.number).collect::<Vec<_>>()
            });
            assert_eq!(numbers, Some(lines), "{file}: {id}: {:?}", named(&matches));
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CauseQuery {
    ask: String,
    symptom: String,
    cause: String,
}

/// A symptom has several causes: the one that a text speaks of is shown first.
#[test]
fn the_cause_that_fits_the_text_comes_first() {
    let (_, knowledge) = embedded();
    let text = std::fs::read_to_string(root().join("tests/troubleshoot/causes.yaml")).unwrap();
    let queries: Vec<CauseQuery> = preflight::yaml::parse(&text, "causes.yaml").unwrap();
    for query in queries {
        let matches = knowledge.matches(&query.ask, None);
        let found = matches.candidates.iter().find(|c| c.document.id == query.symptom);
        let found = found.unwrap_or_else(|| panic!("{}: {:?}", query.ask, named(&matches)));
        let first = &found.causes[0].cause;
        assert!(first.starts_with(&query.cause), "{}: {first}", query.ask);
        assert_eq!(found.causes.len(), found.document.causes.len());
    }
}

/// The patterns of what is embedded are compiled when a line needs them, and never when the program starts.
#[test]
fn every_signature_compiles_and_needs_a_text() {
    let (_, knowledge) = embedded();
    let mut count = 0;
    for document in knowledge.documents() {
        for pattern in &document.signatures {
            let verified = preflight::check::recognition::verify_signature(pattern);
            assert!(verified.is_ok(), "{}: {pattern}: {verified:?}", document.id);
            count += 1;
        }
    }
    assert!(count >= 200, "{count}");
}

#[test]
fn the_catalogue_is_complete() {
    let (checks, knowledge) = embedded();
    for symptom in knowledge.symptoms().symptoms() {
        for cause in &symptom.causes {
            for remedy in preflight::knowledge::symptom::remedies(cause, checks) {
                assert!(remedy.text.trim_end().ends_with('.'), "{}: {}", symptom.id, remedy.text);
                assert!(remedy.commands.iter().all(|command| command.is_ascii()), "{}", symptom.id);
            }
        }
    }
}

/// Nothing is asserted about seconds: what takes too long hangs the test.
#[test]
fn hostile_text_is_answered() {
    let (_, knowledge) = embedded();
    let fill = |piece: &str| piece.repeat(256 * 1024 / piece.len());
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
        (0..10_000).map(|n| format!("process server {n} heart\n")).collect(),
        (0..25_000).map(|n| format!("w{n}x{n} ")).collect(),
        "\u{91cd}".repeat(1_000),
        "failed to connect ".repeat(220),
    ];
    for text in texts {
        let matches = knowledge.matches(&text, None);
        assert!(matches.candidates.len() <= 8);
        assert!(matches.candidates.is_sorted_by_key(|candidate| candidate.confidence));
    }
    assert_eq!(Confidence::Likely.as_str(), "likely");
}

#[test]
fn generated_documents_are_current() {
    let (checks, knowledge) = embedded();
    for (path, text) in [
        ("docs/symptoms.md", symptoms::docs_symptoms_md(knowledge.symptoms(), checks)),
        ("docs/troubleshoot.schema.json", troubleshooting::schema_json()),
        ("docs/search.schema.json", search::schema_json()),
    ] {
        let path = root().join(path);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{} is old: run UPDATE_DOCS=1 cargo test", path.display());
    }
}
