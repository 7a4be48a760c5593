//! What is known as documents: one for each check, symptom, step of the guide and topic that is out of scope.
//!
//! Not for finding the documents that a text is about (`search`).

use super::symptom::{Cause, OutOfScope, Symptom, distinct_checks};
use crate::check::CheckSet;
use crate::check::definition::{Check, Remedy, SourceReference};
use crate::check::window::ScenarioScope;
use crate::facts::stage::Scenario;
use crate::guide::StepSet;
use crate::guide::step::{StageEntry, Step};

/// What a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Subject {
    /// A check.
    Check,
    /// A symptom.
    Symptom,
    /// A step of the guide.
    Step,
    /// A topic that is out of this program's scope.
    Topic,
}

impl Subject {
    /// Returns the word for people and programs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One text of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The text as it is written.
    pub text: String,
    /// What it is worth when a text has it word for word.
    pub quoted: QuoteWorth,
}

/// What a passage is worth when a text has it word for word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteWorth {
    /// No more than its words: it is ours, and nobody else says it this way.
    Words,
    /// People, logs or programs say it, so it is evidence when it is long enough to be no coincidence.
    Message,
    /// It is evidence, however short it is.
    Marker,
}

/// One check, symptom, step or topic as it is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchDocument {
    /// What it is about.
    pub kind: Subject,
    /// The id by which `explain` knows it.
    pub id: String,
    /// What it is, as a fragment; of a topic what there is to say.
    pub title: String,
    /// Its texts.
    pub passages: Vec<Passage>,
    /// Error codes that mean it.
    pub codes: Vec<String>,
    /// Regular expressions over lines of logs.
    pub signatures: Vec<String>,
    /// What may be wrong, with the checks that tell, likeliest first.
    pub causes: Vec<Cause>,
    /// Steps of the guide that its checks prove.
    pub steps: Vec<String>,
    /// Which machines it is about.
    pub scenario: ScenarioScope,
    /// Where it is written.
    pub source: SourceReference,
    /// Words that put a topic in scope all the same.
    pub unless: Vec<String>,
}

impl SearchDocument {
    /// Returns the checks that tell its causes apart, each once.
    pub fn checks(&self) -> Vec<&str> {
        distinct_checks(&self.causes)
    }

    fn new(kind: Subject, id: &str, title: &str, source: SourceReference) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            title: title.to_owned(),
            passages: Vec::new(),
            codes: Vec::new(),
            signatures: Vec::new(),
            causes: Vec::new(),
            steps: Vec::new(),
            scenario: ScenarioScope::Both,
            source,
            unless: Vec::new(),
        }
    }

    fn add(&mut self, text: &str, quoted: QuoteWorth) {
        if !text.trim().is_empty() {
            self.passages.push(Passage { text: text.to_owned(), quoted });
        }
    }
}

/// Returns every document, checks first.
pub(super) fn documents(
    checks: &CheckSet,
    symptoms: &[Symptom],
    topics: &[OutOfScope],
    steps: &StepSet,
) -> Vec<SearchDocument> {
    let guide = guide_steps(steps);
    let mut documents: Vec<SearchDocument> = checks.checks().iter().map(of_check).collect();
    documents.extend(symptoms.iter().map(|symptom| of_symptom(symptom, checks)));
    documents.extend(guide.iter().map(|(entry, step)| of_step(entry, step)));
    documents.extend(topics.iter().map(of_topic));
    for document in &mut documents {
        let checks = document.checks();
        let proves = |(_, step): &&(&StageEntry, &Step)| {
            step.proved_by.iter().any(|id| checks.contains(&id.as_str()))
        };
        document.steps =
            guide.iter().filter(proves).map(|(entry, step)| step_id(entry, step)).collect();
    }
    documents
}

/// Returns the id of a step: that of its stage, and its own.
pub fn step_id(entry: &StageEntry, step: &Step) -> String {
    format!("{}.{}", entry.id, step.id)
}

/// Returns every step of the guide with the entry it stands in.
pub fn guide_steps(steps: &StepSet) -> Vec<(&StageEntry, &Step)> {
    let scenarios = [Scenario::VmwareClassic, Scenario::Hyperv];
    let entries = scenarios.into_iter().flat_map(|scenario| steps.scenario(scenario));
    let entries = entries.chain([steps.modernised()]);
    entries.flat_map(|entry| entry.steps.iter().map(move |step| (entry, step))).collect()
}

fn of_check(check: &Check) -> SearchDocument {
    let mut document =
        SearchDocument::new(Subject::Check, &check.id, &check.title, check.source.clone());
    document.add(&check.title, QuoteWorth::Words);
    document.add(&check.symptom, QuoteWorth::Words);
    for quoted in quotations(&check.symptom) {
        document.add(quoted, QuoteWorth::Message);
    }
    document.recognise(&check.recognition.said_as);
    document.codes.clone_from(&check.recognition.codes);
    document.signatures.clone_from(&check.recognition.signatures);
    document.add(&without_template(check.found.text()), QuoteWorth::Words);
    document.add(check.question().unwrap_or_default(), QuoteWorth::Words);
    document.add_remedy(&check.remedy);
    // Its id is what the field calls it.
    document.add(&check.id.replace(['.', '-'], " "), QuoteWorth::Words);
    document.causes =
        vec![Cause { cause: check.title.clone(), checks: vec![check.id.clone()], remedy: None }];
    document.scenario = check.scenario;
    document
}

fn of_symptom(symptom: &Symptom, checks: &CheckSet) -> SearchDocument {
    let mut document =
        SearchDocument::new(Subject::Symptom, &symptom.id, &symptom.title, symptom.source.clone());
    document.add(&symptom.title, QuoteWorth::Message);
    document.recognise(&symptom.words);
    document.recognise(&symptom.said_as);
    document.codes.clone_from(&symptom.codes);
    document.signatures.clone_from(&symptom.patterns);
    for code in &symptom.codes {
        document.add(code, QuoteWorth::Words);
    }
    for cause in &symptom.causes {
        document.add(&cause.cause, QuoteWorth::Words);
        if let Some(remedy) = &cause.remedy {
            document.add_remedy(remedy);
        }
    }
    document.causes.clone_from(&symptom.causes);
    let of_hyperv =
        |id: &str| checks.find(id).is_some_and(|check| check.scenario == ScenarioScope::Hyperv);
    if symptom.checks().iter().all(|id| of_hyperv(id)) {
        document.scenario = ScenarioScope::Hyperv;
    }
    document
}

fn of_step(entry: &StageEntry, step: &Step) -> SearchDocument {
    let title = first_sentence(&step.text);
    let mut document =
        SearchDocument::new(Subject::Step, &step_id(entry, step), title, step.source.clone());
    document.add(&step.text, QuoteWorth::Words);
    document.recognise(&step.said_as);
    document.add(&step.menu.join(" "), QuoteWorth::Words);
    document.add(&step.id.replace('-', " "), QuoteWorth::Words);
    document.causes = vec![Cause {
        cause: title.to_owned(),
        checks: step.proved_by.clone(),
        remedy: Some(Remedy {
            text: step.text.clone(),
            commands: step.commands.clone(),
            downtime: false,
        }),
    }];
    document.scenario = match entry.id.split('.').next() {
        Some("hyperv") => ScenarioScope::Hyperv,
        Some("vmware") => ScenarioScope::Vmware,
        _ => ScenarioScope::Both,
    };
    document
}

fn of_topic(topic: &OutOfScope) -> SearchDocument {
    let source = SourceReference { doc: "field".to_owned(), at: "what else is asked".to_owned() };
    let mut document = SearchDocument::new(Subject::Topic, &topic.id, &topic.says, source);
    topic.words.iter().for_each(|text| document.add(text, QuoteWorth::Marker));
    document.recognise(&topic.said_as);
    document.unless.clone_from(&topic.unless);
    document.scenario = topic.scenario;
    document.causes =
        vec![Cause { cause: topic.id.clone(), checks: topic.checks.clone(), remedy: None }];
    document
}

impl SearchDocument {
    fn recognise(&mut self, said_as: &[String]) {
        said_as.iter().for_each(|text| self.add(text, QuoteWorth::Message));
    }

    fn add_remedy(&mut self, remedy: &Remedy) {
        self.add(&remedy.text, QuoteWorth::Words);
        remedy
            .commands
            .iter()
            .for_each(|command| self.add(&without_template(command), QuoteWorth::Words));
    }
}

/// Returns what stands between double quotes: a text about a message quotes it.
fn quotations(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// Returns the words of a template without its parameters and conditions.
fn without_template(text: &str) -> String {
    let mut pieces = text.split("{{");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push(' ');
        plain.push_str(piece.split_once("}}").map_or("", |(_, behind)| behind));
    }
    plain
}

fn first_sentence(text: &str) -> &str {
    let end = text.find(". ").unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart() {
        let quoted: Vec<&str> = quotations("\"no host key\", or \"no kex\" and more").collect();
        assert_eq!(quoted, ["no host key", "no kex"]);
        let plain = without_template("{{#if mt.x}}{{mt.path}} is full{{else}}it fits{{/if}}");
        assert_eq!(plain.split_whitespace().collect::<Vec<_>>().join(" "), "is full it fits");
        assert_eq!(first_sentence("Do it. Then wait."), "Do it");
        assert_eq!(first_sentence("Do it."), "Do it");
    }
}
