//! Questions to people: the list of them, what is open at a site, and how one is put.
//!
//! Not for which are open (`check::question`), nor for what an answer leads to: that is a report.

use schemars::JsonSchema;
use serde::Serialize;

use super::layout::{make_visible, pluralize, single_line};
use super::text_page::TextPage;
use crate::check::CheckSet;
use crate::check::answer::AnswerExpiry;
use crate::check::model::{AskOf, Check, CheckScope, Severity, SourceReference};
use crate::check::question::{QuestionState, TargetQuestion};
use crate::check::scope::Target;
use crate::facts::site::SiteAnswer;
use crate::facts::stage::{Scenario, Stage};

/// Questions, as `list questions --format json` gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QuestionCatalogue {
    /// Always `preflight.questions/1`.
    pub schema: String,
    /// The questions that there are; those of the site's scenario when a site is given.
    pub questions: Vec<ListedQuestion>,
    /// How they stand at the site; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<SiteQuestions>")]
    pub site: Option<SiteQuestions>,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ListedQuestion {
    /// The check.
    pub check: String,
    /// The question.
    pub question: String,
    /// Whether rules decide the check where facts are known, and a person is asked where they are not.
    pub when_undecided: bool,
    /// What it is about, and so whose answer counts.
    pub scope: CheckScope,
    /// Who could say, best first.
    pub ask_of: Vec<AskOf>,
    /// For how many days after its own an answer counts; absent when it counts for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>")]
    pub valid_days: Option<i32>,
    /// Whether an answer counts only at the stage at which it was given.
    pub same_stage: bool,
    /// The stages at which it is put; every one when there is none.
    #[schemars(with = "Vec<Stage>")]
    pub stages: Vec<Stage>,
    /// What a no blocks at worst.
    pub severity: Severity,
    /// How a failure shows itself to people.
    pub symptom: String,
    /// Where it is written.
    pub source: SourceReference,
}

/// The questions of a site at its stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SiteQuestions {
    /// What somebody has to answer, in the order in which work is done.
    pub open: Vec<OpenQuestion>,
    /// What is answered.
    pub answered: Vec<GivenAnswer>,
}

/// A question that is open on a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpenQuestion {
    /// The check.
    pub check: String,
    /// The target.
    pub target: String,
    /// Why it is open.
    pub state: OpenState,
    /// The answer that does not count any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<GivenAnswer>")]
    pub answer: Option<GivenAnswer>,
    /// Why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub why: Option<String>,
}

/// Why a question is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OpenState {
    /// Nobody has answered.
    Unanswered,
    /// The answer is too old.
    TooOld,
    /// The answer was given at another stage.
    OtherStage,
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GivenAnswer {
    /// The check.
    pub check: String,
    /// The target.
    pub target: String,
    /// `yes`, `no` or `not applicable`.
    pub value: String,
    /// Who answered.
    pub by: String,
    /// The day.
    pub at: String,
    /// The stage at which it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Stage>")]
    pub stage: Option<Stage>,
}

/// Returns every question of a set; those of one scenario when one is given.
pub fn catalogue(set: &CheckSet, scenario: Option<Scenario>) -> QuestionCatalogue {
    let exists = |check: &&Check| scenario.is_none_or(|given| check.scenario.includes(given));
    let listed = |check: &Check| {
        let question = check.question()?;
        Some(ListedQuestion {
            check: check.id.clone(),
            question: single_line(question),
            when_undecided: !check.is_question(),
            scope: check.scope,
            ask_of: check.ask_of.clone(),
            valid_days: check.answer_age.map(|age| age.days),
            same_stage: check.answer_age.is_some_and(|age| age.same_stage),
            stages: check.stages.stages().collect(),
            severity: check.severity,
            symptom: single_line(&check.symptom),
            source: check.source.clone(),
        })
    };
    QuestionCatalogue {
        schema: "preflight.questions/1".to_owned(),
        questions: set.checks().iter().filter(exists).filter_map(listed).collect(),
        site: None,
    }
}

/// Returns how the questions of a site stand.
pub fn of_site(set: &CheckSet, targets: &[Target], questions: &[TargetQuestion]) -> SiteQuestions {
    let mut listed = SiteQuestions::default();
    for question in questions {
        let check = set.checks()[question.check].id.clone();
        let target = targets[question.target].name.clone();
        let given = |answer: &SiteAnswer| GivenAnswer {
            check: check.clone(),
            target: target.clone(),
            value: answer.value.as_str().to_owned(),
            by: answer.by.clone(),
            at: answer.at.clone(),
            stage: answer.stage,
        };
        let (state, answer, why) = match &question.state {
            QuestionState::Answered(answer) => {
                listed.answered.push(given(answer));
                continue;
            }
            QuestionState::Unanswered => (OpenState::Unanswered, None, None),
            QuestionState::Expired { answer, why } => {
                let state = match why {
                    AnswerExpiry::OtherStage { .. } => OpenState::OtherStage,
                    _ => OpenState::TooOld,
                };
                (state, Some(given(answer)), Some(why.to_string()))
            }
        };
        listed.open.push(OpenQuestion { check, target, state, answer, why });
    }
    listed
}

/// Renders a list of questions for people.
pub fn render(catalogue: &QuestionCatalogue, width: usize) -> String {
    match &catalogue.site {
        None => catalogue.questions.iter().map(|question| listed_text(question, width)).collect(),
        Some(site) => site_text(site, &catalogue.questions, width),
    }
}

fn listed_text(question: &ListedQuestion, width: usize) -> String {
    let mut page = TextPage::of_width(width);
    page.plain(&question.check);
    page.line("  ", &question.question);
    page.line("  about     ", scope_text(question.scope));
    page.line("  ask       ", &ask_text(&question.ask_of));
    page.line("  counts    ", &age_text(question.valid_days, question.same_stage));
    page.line("  put at    ", &stages_text(&question.stages));
    if question.when_undecided {
        page.line("  only      ", "when no facts decide it");
    }
    page.plain("");
    page.finish()
}

fn site_text(site: &SiteQuestions, questions: &[ListedQuestion], width: usize) -> String {
    let mut page = TextPage::of_width(width);
    let is_same = |one: &OpenQuestion, other: &OpenQuestion| {
        let previous = |open: &OpenQuestion| {
            let answer = open.answer.as_ref();
            answer.map(|answer| (answer.value.clone(), answer.by.clone(), answer.at.clone()))
        };
        (&one.check, one.state, &one.why, previous(one))
            == (&other.check, other.state, &other.why, previous(other))
    };
    for group in site.open.chunk_by(is_same) {
        let open = &group[0];
        let targets: Vec<&str> = group.iter().map(|open| open.target.as_str()).collect();
        page.line(
            &format!("{}  ", make_visible(&open.check)),
            &format!("{}: {}", targets.join(", "), state_text(open.state)),
        );
        if let (Some(answer), Some(why)) = (&open.answer, &open.why) {
            page.line("  ", &format!("{}, but {why}", answer_text(answer)));
        }
        if let Some(listed) = questions.iter().find(|listed| listed.check == open.check) {
            page.line("  ", &listed.question);
        }
    }
    if !site.answered.is_empty() {
        page.plain(if site.open.is_empty() { "Answered:" } else { "\nAnswered:" });
    }
    for answer in &site.answered {
        let text = format!("{}  {}  {}", answer.check, answer.target, answer_text(answer));
        page.plain(&format!("  {}", make_visible(&text)));
    }
    let (open, answered) = (pluralize(site.open.len(), "question"), site.answered.len());
    let are = if site.open.len() == 1 { "is" } else { "are" };
    page.plain(&format!("\n{open} {are} open, {answered} answered"));
    page.finish()
}

/// Returns one question as it is put to a person.
pub fn put(
    check: &Check,
    targets: &[&str],
    state: &QuestionState,
    severity: Severity,
    width: usize,
) -> String {
    let mut page = TextPage::of_width(width);
    page.plain("");
    let question = single_line(check.question().unwrap_or_default());
    page.quote("", &format!("{}: {question}", targets.join(", ")));
    page.line("  check       ", &format!("{}, {severity}", check.id));
    page.line("  ask         ", &ask_text(&check.ask_of));
    page.line("  a no means  ", &check.symptom);
    page.source("  source      ", &check.source);
    if let QuestionState::Expired { answer, why } = state {
        let (value, by, at) = (answer.value.as_str(), &answer.by, &answer.at);
        page.line("  before      ", &format!("{value}, says {by} on {at}, but {why}"));
    }
    page.finish()
}

fn answer_text(answer: &GivenAnswer) -> String {
    let stage = answer.stage.map_or_else(String::new, |stage| format!(" at {stage}"));
    format!("{}, says {} on {}{stage}", answer.value, answer.by, answer.at)
}

fn state_text(state: OpenState) -> &'static str {
    match state {
        OpenState::Unanswered => "nobody has answered",
        OpenState::TooOld => "the answer is too old",
        OpenState::OtherStage => "the answer was given at another stage",
    }
}

fn scope_text(scope: CheckScope) -> &'static str {
    match scope {
        CheckScope::Site => "the site",
        CheckScope::Machine => "each machine",
        CheckScope::ProcessServer => "each process server",
        CheckScope::MasterTarget => "each master target",
        CheckScope::Host => "each host",
        CheckScope::Group => "the replication groups",
        CheckScope::Network => "the networks in Azure",
        CheckScope::Image => "the image",
    }
}

fn ask_text(ask_of: &[AskOf]) -> String {
    let who = |ask: &AskOf| match ask {
        AskOf::SshMt => "the master target",
        AskOf::CaptureMt => "a capture of the Windows master target",
        AskOf::SshPs => "the process server",
        AskOf::SshVm => "the machine itself",
        AskOf::SshEsxi => "the ESXi host",
        AskOf::Vsphere => "vCenter",
        AskOf::Azure => "the vault",
        AskOf::Person => "whoever knows",
        AskOf::File => "the site file",
    };
    let all: Vec<&str> = ask_of.iter().map(who).collect();
    if all.is_empty() { "whoever knows".to_owned() } else { all.join(", or ") }
}

fn age_text(days: Option<i32>, same_stage: bool) -> String {
    let days = match days {
        None => "for ever".to_owned(),
        Some(0) => "for its day alone".to_owned(),
        Some(days) => format!("for {}", pluralize(usize::try_from(days).unwrap_or(0), "day")),
    };
    if same_stage { format!("{days}, at the same stage") } else { days }
}

fn stages_text(stages: &[Stage]) -> String {
    let words: Vec<&str> = stages.iter().map(|stage| stage.as_str()).collect();
    if words.is_empty() { "every stage".to_owned() } else { words.join(", ") }
}
