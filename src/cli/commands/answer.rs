//! `answer`: asks what is open at a site, one question at a time, and keeps every answer at once.
//!
//! Not for which questions are open (`check::question`), nor for where answers are kept (`cli::answers`).

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use jiff::tz::TimeZone;

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::check::model::{Check, CheckScope};
use crate::check::question::{TargetQuestion, opens_others};
use crate::check::waiver::matches_glob;
use crate::cli::answers::{self, AnswerError, NewAnswer, save_answers};
use crate::cli::args::{AnswerArgs, SelectArgs};
use crate::cli::checks::load_checks;
use crate::cli::questions::{QuestionList, QuestionSession};
use crate::cli::terminal::{prompt, screen};
use crate::cli::whole_site::{collect_options, select_site};
use crate::cli::{ExitStatus, interrupt};
use crate::facts::site::AnswerValue;
use crate::facts::stage::Stage;
use crate::report::{is_unprintable, questions};
use crate::site::AnswerEntry;
use crate::transport::ssh::PromptError;

/// How long somebody may think about one question.
const PATIENCE: Duration = Duration::from_secs(3600);
/// The most characters of a person's name.
const MAX_NAME: usize = 80;

/// Asks what is open, or takes the answers of the command line.
pub fn answer(args: &AnswerArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let checks = load_checks(assets, args.site_file.access.own_checks.as_deref())?;
    check_names(&args.only, &checks)?;
    let settings: Vec<Setting> =
        args.settings.iter().map(|text| Setting::parse(text, &checks)).collect::<Result<_, _>>()?;
    let by = args.by.as_deref().map(person).transpose().context("--by")?;
    if settings.is_empty() && !io::stdin().is_terminal() {
        return Err(AnswerError::NoTerminal.into());
    }
    let path = args.site_file.site.as_path();
    answers::ensure_answers_file(path, &checks)?;
    let session = start_session(args, &checks)?;
    if session.was_interrupted() {
        return Ok(ExitStatus::Interrupted);
    }
    let only = &args.only;
    let mut run = Run { path, checks: &checks, only, session, saved: 0, files: BTreeSet::new() };
    let is_interrupted = match by {
        Some(by) if !settings.is_empty() => {
            run.set_all(&settings, &by)?;
            false
        }
        by => run.ask_all(by)?,
    };
    run.finish(is_interrupted)
}

/// Collects from the site as `check site` does, or from nothing.
fn start_session(args: &AnswerArgs, checks: &CheckSet) -> anyhow::Result<QuestionSession> {
    let site = &args.site_file;
    let mut selection = select_site(&site.site, args.captures.as_deref(), checks)?;
    selection.choose(&SelectArgs { stage: args.stage, ..SelectArgs::default() }, checks)?;
    let now = args.now.unwrap_or_else(jiff::Timestamp::now);
    if args.offline {
        return Ok(QuestionSession::offline(selection, now));
    }
    let options = collect_options(&site.access, args.now)?;
    QuestionSession::collect(selection, checks, &options, now)
}

/// Checks that every glob names a question.
fn check_names(globs: &[String], checks: &CheckSet) -> anyhow::Result<()> {
    for glob in globs {
        let mut questions = checks.checks().iter().filter(|check| check.question().is_some());
        if !questions.any(|check| matches_glob(glob, &check.id)) {
            return Err(unknown_question(glob, checks).into());
        }
    }
    Ok(())
}

fn unknown_question(id: &str, checks: &CheckSet) -> AnswerError {
    let questions = checks.checks().iter().filter(|check| check.question().is_some());
    let nearest = crate::yaml::closest_match(id, questions.map(|check| check.id.as_str()));
    AnswerError::UnknownQuestion(id.to_owned(), nearest.map(str::to_owned))
}

/// Reads the name of who answers.
fn person(text: &str) -> anyhow::Result<String> {
    let name = text.trim();
    let is_name =
        !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(is_unprintable);
    anyhow::ensure!(
        is_name,
        "{text:?} is not a name: write one line of at most {MAX_NAME} characters"
    );
    Ok(name.to_owned())
}

/// An answer of the command line: `CHECK[@TARGET]=ANSWER`.
struct Setting {
    check: String,
    target: Option<String>,
    value: AnswerValue,
}

impl Setting {
    fn parse(text: &str, checks: &CheckSet) -> anyhow::Result<Self> {
        let wrong = || format!("--set {text:?}: expected CHECK[@TARGET]=yes, no or not-applicable");
        let (what, value) = text.rsplit_once('=').with_context(wrong)?;
        let value = match value {
            "yes" => AnswerValue::Yes,
            "no" => AnswerValue::No,
            "not-applicable" => AnswerValue::NotApplicable,
            _ => anyhow::bail!(wrong()),
        };
        let (check, target) = match what.split_once('@') {
            Some((check, target)) => (check, Some(target.to_owned())),
            None => (what, None),
        };
        if checks.find(check).and_then(Check::question).is_none() {
            return Err(unknown_question(check, checks).into());
        }
        Ok(Self { check: check.to_owned(), target, value })
    }
}

/// What somebody types to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    /// An answer, and whether it is for every target of the question.
    Answer(AnswerValue, bool),
    Skip,
    Stop,
    Unclear,
}

impl Reply {
    fn parse(text: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        let value = |word: &str| match word.trim_end() {
            "y" | "yes" => Some(AnswerValue::Yes),
            "n" | "no" => Some(AnswerValue::No),
            "-" => Some(AnswerValue::NotApplicable),
            _ => None,
        };
        if let Some(value) = value(&text) {
            return Self::Answer(value, false);
        }
        match text.as_str() {
            "" | "s" | "skip" => Self::Skip,
            "q" | "quit" => Self::Stop,
            other => match other.strip_suffix('a').and_then(value) {
                Some(value) => Self::Answer(value, true),
                None => Self::Unclear,
            },
        }
    }
}

/// Questions of one check that are put together: one, unless the answer is the whole site's.
struct Group<'l> {
    check: usize,
    questions: Vec<&'l TargetQuestion>,
}

/// One run of the verb.
struct Run<'r> {
    path: &'r Path,
    checks: &'r CheckSet,
    only: &'r [String],
    session: QuestionSession,
    /// How many answers were saved.
    saved: usize,
    /// The files that were written.
    files: BTreeSet<PathBuf>,
}

impl Run<'_> {
    /// Saves the answers of the command line; none is written unless all of them are right.
    fn set_all(&mut self, settings: &[Setting], by: &str) -> anyhow::Result<()> {
        let list = self.session.list(self.checks)?;
        let mut new = Vec::new();
        for Setting { check: id, target, value } in settings {
            let index = self.checks.position(id).expect("its name was checked");
            let check = &self.checks.checks()[index];
            let known = targets_of(check, &list);
            let names = || known.iter().map(|&place| list.targets[place].name.clone()).collect();
            let chosen: Vec<usize> = match target.as_deref() {
                Some("*") => known.clone(),
                Some(name) => {
                    let named = |&&place: &&usize| list.targets[place].name == name;
                    known.iter().filter(named).copied().collect()
                }
                None if known.len() == 1 || is_of_whole_site(check) => known.clone(),
                None => Vec::new(),
            };
            if chosen.is_empty() {
                return Err(AnswerError::WhichTarget(id.clone(), names()).into());
            }
            new.extend(self.entries(&list, index, &chosen, *value, by));
        }
        self.save(&new)
    }

    /// Asks what is open, and returns whether Ctrl-C ended it.
    fn ask_all(&mut self, by: Option<String>) -> anyhow::Result<bool> {
        // From here on Ctrl-C ends the question, and not the program.
        interrupt::stop_flag()?;
        let mut list = self.session.list(self.checks)?;
        let mut done: BTreeSet<(String, String)> = BTreeSet::new();
        let mut is_evaluated = true;
        if self.next(&list, &done).is_none() {
            return Ok(false);
        }
        let place = answers::destination(self.path, self.checks)?;
        let place = format!("Answers are kept in {}.\n", place.display());
        let by = match by {
            Some(by) => by,
            None => match ask_person(&place)? {
                Some(by) => by,
                None => return Ok(interrupt::is_requested()),
            },
        };
        loop {
            let Some(group) = self.next(&list, &done) else {
                if is_evaluated {
                    return Ok(false);
                }
                // An answer may have opened another question.
                list = self.session.list(self.checks)?;
                is_evaluated = true;
                continue;
            };
            let Some(reply) = self.prompt_for(&list, &group)? else {
                return Ok(interrupt::is_requested());
            };
            let index = group.check;
            let mut about: Vec<usize> =
                group.questions.iter().map(|question| question.target).collect();
            if let Reply::Answer(_, true) = reply {
                let open = list.open().filter(|question| question.check == index);
                about = open.map(|question| question.target).collect();
            }
            let id = &self.checks.checks()[index].id;
            done.extend(about.iter().map(|&place| (id.clone(), list.targets[place].name.clone())));
            match reply {
                Reply::Stop => return Ok(false),
                Reply::Answer(value, _) => {
                    self.save(&self.entries(&list, index, &about, value, &by))?;
                    is_evaluated = opens_others(self.checks, index);
                    if is_evaluated {
                        list = self.session.list(self.checks)?;
                    } else {
                        list.remove(index, &about);
                    }
                }
                Reply::Skip | Reply::Unclear => {}
            }
        }
    }

    /// Returns the next questions that are put together.
    fn next<'l>(
        &self,
        list: &'l QuestionList,
        done: &BTreeSet<(String, String)>,
    ) -> Option<Group<'l>> {
        let is_left = |question: &&TargetQuestion| {
            let id = &self.checks.checks()[question.check].id;
            let key = (id.clone(), list.target_name(question).to_owned());
            self.is_wanted(id) && !done.contains(&key)
        };
        let mut left = list.open().filter(is_left);
        let first = left.next()?;
        let mut questions = vec![first];
        if is_of_whole_site(&self.checks.checks()[first.check]) {
            questions.extend(left.filter(|question| question.check == first.check));
        }
        Some(Group { check: first.check, questions })
    }

    fn is_wanted(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|glob| matches_glob(glob, id))
    }

    /// Puts a question until the reply is clear; none when nobody answers any more.
    fn prompt_for(&self, list: &QuestionList, group: &Group<'_>) -> anyhow::Result<Option<Reply>> {
        let check = &self.checks.checks()[group.check];
        let targets: Vec<&str> =
            group.questions.iter().map(|question| list.target_name(question)).collect();
        let state = &group.questions[0].state;
        let severity = check.severity;
        let text = questions::put(check, &targets, state, severity, screen::report_width());
        let keys = "y yes, n no, - not applicable, s skip, q stop";
        let others = list.open().filter(|question| question.check == group.check).count();
        let all = if others > group.questions.len() {
            format!(", a behind it: for all {others}")
        } else {
            String::new()
        };
        let mut text = format!("{text}{keys}{all}: ");
        loop {
            let Some(typed) = read_line(&text)? else { return Ok(None) };
            match Reply::parse(&typed) {
                Reply::Unclear => text = format!("Please type one of {keys}{all}: "),
                reply => return Ok(Some(reply)),
            }
        }
    }

    /// Returns the entries of one answer about some targets.
    fn entries(
        &self,
        list: &QuestionList,
        index: usize,
        about: &[usize],
        value: AnswerValue,
        by: &str,
    ) -> Vec<NewAnswer> {
        let check = &self.checks.checks()[index];
        let at = self.session.now.to_zoned(TimeZone::UTC).date();
        let is_only_target = targets_of(check, list).len() == 1;
        let entry = |target: &str, stage| NewAnswer {
            entry: AnswerEntry {
                check: check.id.clone(),
                target: Some(target.to_owned()),
                value,
                by: by.to_owned(),
                at,
                stage,
            },
            is_only_target,
        };
        let stage = |place: usize| stage_at(check, list, place);
        let has_own = self
            .session
            .answers()
            .iter()
            .any(|earlier| earlier.check == check.id && !earlier.is_for_all());
        if about.len() > 1 && is_of_whole_site(check) && !has_own {
            return vec![entry("*", stage(about[0]))];
        }
        about.iter().map(|&place| entry(&list.targets[place].name, stage(place))).collect()
    }

    fn save(&mut self, new: &[NewAnswer]) -> anyhow::Result<()> {
        let (all, files) = save_answers(self.path, new, self.checks)?;
        self.session.set_answers(all);
        self.saved += new.len();
        self.files.extend(files);
        Ok(())
    }

    /// Prints what was saved and what is left, and returns the exit status.
    fn finish(&self, is_interrupted: bool) -> anyhow::Result<ExitStatus> {
        let list = self.session.list(self.checks)?;
        let wanted =
            |question: &&TargetQuestion| self.is_wanted(&self.checks.checks()[question.check].id);
        let open = list.open().filter(wanted).count();
        let files: Vec<String> = self.files.iter().map(|path| path.display().to_string()).collect();
        let saved = match self.saved {
            0 => "no answer was saved".to_owned(),
            1 => format!("1 answer saved in {}", files.join(", ")),
            count => format!("{count} answers saved in {}", files.join(", ")),
        };
        let left = match open {
            0 => "no question is open".to_owned(),
            1 => "1 question is open".to_owned(),
            count => format!("{count} questions are open"),
        };
        writeln!(screen::stdout(), "{}", screen::printable(&format!("{saved}; {left}")))?;
        Ok(match open {
            _ if is_interrupted => ExitStatus::Interrupted,
            0 => ExitStatus::Clean,
            _ => ExitStatus::Undecided,
        })
    }
}

/// Whether one answer counts for the whole site, whatever target its check is decided on.
fn is_of_whole_site(check: &Check) -> bool {
    matches!(check.scope, CheckScope::Site | CheckScope::Network | CheckScope::Group)
}

/// Returns the targets that a check is decided on.
fn targets_of(check: &Check, list: &QuestionList) -> Vec<usize> {
    let applies = |(_, target): &(usize, &crate::check::Target)| {
        check.applies_to.contains(&target.kind)
            && check.scenario.includes(target.stages.scenario)
            && check.experience.includes(target.stages.is_modernised)
    };
    list.targets.iter().enumerate().filter(applies).map(|(place, _)| place).collect()
}

/// Returns the stage that an answer is given at, where it counts at no other.
fn stage_at(check: &Check, list: &QuestionList, place: usize) -> Option<Stage> {
    check.answer_age.filter(|age| age.same_stage)?;
    let machines = &list.targets[place].stages.machines;
    let stage = machines.first()?.known()?;
    machines.iter().all(|machine| machine.known() == Some(stage)).then_some(stage)
}

/// Asks who answers; none when nobody does.
fn ask_person(place: &str) -> anyhow::Result<Option<String>> {
    let user = std::env::var("USER").ok().and_then(|user| person(&user).ok());
    let default = user.as_ref().map_or_else(String::new, |user| format!(" [{user}]"));
    let mut text = format!("{place}Who answers?{default} ");
    loop {
        let Some(typed) = read_line(&text)? else { return Ok(None) };
        match (typed.trim(), &user) {
            ("", Some(user)) => return Ok(Some(user.clone())),
            (name, _) => match person(name) {
                Ok(name) => return Ok(Some(name)),
                Err(error) => text = format!("{error}\nWho answers?{default} "),
            },
        }
    }
}

/// Reads a line; none when Ctrl-C or the time ended the question.
fn read_line(text: &str) -> anyhow::Result<Option<String>> {
    match prompt::read_line(text, PATIENCE) {
        Ok(Some(line)) => Ok(Some(line)),
        Ok(None) => Err(AnswerError::NoTerminal.into()),
        Err(PromptError::Interrupted | PromptError::TimedOut(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_an_answer_and_an_a_behind_it_is_for_all() {
        use AnswerValue::{No, NotApplicable, Yes};
        for (typed, reply) in [
            ("y", Reply::Answer(Yes, false)),
            (" Yes ", Reply::Answer(Yes, false)),
            ("n", Reply::Answer(No, false)),
            ("-", Reply::Answer(NotApplicable, false)),
            ("ya", Reply::Answer(Yes, true)),
            ("n a", Reply::Answer(No, true)),
            ("-a", Reply::Answer(NotApplicable, true)),
            ("", Reply::Skip),
            ("s", Reply::Skip),
            ("q", Reply::Stop),
            ("a", Reply::Unclear),
            ("perhaps", Reply::Unclear),
            ("\u{e9}a", Reply::Unclear),
        ] {
            assert_eq!(Reply::parse(typed), reply, "{typed:?}");
        }
    }
}
