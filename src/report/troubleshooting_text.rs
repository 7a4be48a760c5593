//! The text of `troubleshoot`: the best cause, why, what to do and what confirms it; the rest in a line each.
//!
//! An answer fits a screen. Not for the content: `troubleshooting` holds that.

use anstyle::{AnsiColor, Effects, Style as Ansi};

use super::layout::{make_visible, single_line, truncate, wrap};
use super::style::Style;
use super::text_page::TextPage;
use super::troubleshooting::{
    Answer, CandidateRow, CauseCheck, CauseRow, NearRow, TopicRow, Troubleshooting,
};
use crate::knowledge::candidate::Confidence;
use crate::knowledge::diagnosis::CauseVerdict;

/// The longest piece of evidence that is quoted.
const MAX_QUOTED_CHARS: usize = 140;

/// The most pieces of evidence that are quoted of the best candidate, and of each other one.
const MAX_QUOTED: usize = 8;
const MAX_QUOTED_OF_OTHERS: usize = 3;

/// The most other causes, and the most other candidates, that have a line.
const MAX_OTHERS: usize = 5;

/// The most lines of a remedy; the whole stands in `explain`.
const MAX_REMEDY_LINES: usize = 4;

/// How much of the vault's own errors is shown, and how much of each.
const MAX_TROUBLES: usize = 3;
const MAX_TROUBLE_CHARS: usize = 240;

/// The most commands of a remedy.
const MAX_COMMANDS: usize = 3;

/// Renders the result as text.
pub fn render(troubleshooting: &Troubleshooting, style: &Style) -> String {
    let mut text = Text { troubleshooting, page: TextPage::new(style) };
    text.vault();
    match troubleshooting.answer {
        Answer::OutOfScope => text.out_of_scope(),
        Answer::Nothing => text.nothing(),
        Answer::Nearest if troubleshooting.targets.is_empty() => text.nearest(),
        Answer::Nearest | Answer::Likely => text.answer(),
    }
    text.page.finish()
}

struct Text<'r> {
    troubleshooting: &'r Troubleshooting,
    page: TextPage,
}

impl<'r> Text<'r> {
    fn line(&mut self, label: &str, text: &str) {
        self.page.line(label, text);
    }

    fn explain(&mut self, label: &str, id: &str) {
        self.page.command(label, &format!("preflight explain {id}"));
    }

    fn more(&mut self, all: usize, shown: usize) {
        if all > shown {
            self.page.plain(&format!("  and {} more: --format json", all - shown));
        }
    }

    /// What the vault says went wrong, before anything that is inferred.
    fn vault(&mut self) {
        let troubles = &self.troubleshooting.vault;
        for trouble in troubles.iter().take(MAX_TROUBLES) {
            let parts =
                [trouble.job.as_deref().unwrap_or_default(), &trouble.code, &trouble.message];
            let said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let at = trouble.at.as_ref().map_or_else(String::new, |at| format!(" ({at})"));
            let text = format!("{}: {}{at}", trouble.machine, said.join(": "));
            self.line("vault    ", &truncate(&make_visible(&text), MAX_TROUBLE_CHARS));
            if !trouble.action.is_empty() {
                let action = truncate(&make_visible(&trouble.action), MAX_TROUBLE_CHARS);
                self.line("  says   ", &action);
            }
            trouble.entries.iter().take(MAX_COMMANDS).for_each(|id| self.explain("  see    ", id));
        }
        self.more(troubles.len(), MAX_TROUBLES);
    }

    fn out_of_scope(&mut self) {
        if let Some(TopicRow { topic, says, checks }) = &self.troubleshooting.out_of_scope {
            self.page.plain(&format!("out-of-scope: {topic}"));
            self.line("", says);
            checks.iter().for_each(|check| self.explain("next     ", check));
        }
        let candidates = &self.troubleshooting.candidates;
        if !candidates.is_empty() {
            self.page.plain("if it is about failback all the same");
        }
        candidates.iter().take(MAX_QUOTED_OF_OTHERS).for_each(|one| self.brief(one));
    }

    fn nothing(&mut self) {
        let advice = "say what you see in other words, give the error code, or paste the lines of the log around it; \
                      preflight search WORDS and preflight list symptoms show what is known";
        let other = if self.troubleshooting.vault.is_empty() { "" } else { " else" };
        self.page.plain(&format!("nothing{other} fits"));
        self.line("next     ", advice);
    }

    fn nearest(&mut self) {
        let Troubleshooting { nearest, candidates, .. } = self.troubleshooting;
        self.page.plain("nothing fits well; nearest:");
        for NearRow { id, title, .. } in nearest {
            self.line("  ", &format!("{}: {title}", id.as_str()));
        }
        let rest = candidates.iter().skip(nearest.len());
        let rest: Vec<&str> = rest.map(|candidate| candidate.id.as_str()).collect();
        self.page.list("  also ", &rest);
        let best = &candidates[0];
        let reasons = best.because.iter().take(MAX_QUOTED_OF_OTHERS);
        reasons.for_each(|because| self.page.cut("  for  ", because));
        self.line(
            "next     ",
            "say more of what you see, give the error code, or paste the lines of the log around it",
        );
        self.explain("         ", best.id.as_str());
        self.page.command("         ", &best.confirm);
    }

    fn answer(&mut self) {
        let Some((best, others)) = self.troubleshooting.candidates.split_first() else {
            return self.nothing();
        };
        let was_checked = !self.troubleshooting.targets.is_empty();
        self.head(best);
        if was_checked {
            self.checked(best);
        } else {
            self.suspected(best);
        }
        let (likely, possible): (Vec<_>, Vec<_>) =
            others.iter().partition(|candidate| candidate.confidence == Confidence::Likely);
        for (heading, group) in [("likely as well", likely), ("possible", possible)] {
            if !group.is_empty() {
                self.page.plain(heading);
            }
            group.iter().take(MAX_OTHERS).for_each(|candidate| self.brief(candidate));
            self.more(group.len(), MAX_OTHERS);
        }
        if was_checked {
            self.next_check();
            self.summary();
        } else {
            self.explain("next     ", best.id.as_str());
        }
    }

    fn head(&mut self, candidate: &CandidateRow) {
        let CandidateRow { confidence, title, id, score, .. } = candidate;
        self.line(
            &format!("{}: ", confidence.as_str()),
            &format!("{title} ({}, fits {score:.2})", id.as_str()),
        );
        self.evidence("why      ", candidate, MAX_QUOTED);
    }

    fn evidence(&mut self, label: &str, candidate: &CandidateRow, most: usize) {
        let blank = " ".repeat(label.len());
        for (index, because) in candidate.because.iter().take(most).enumerate() {
            self.evidence_line(if index == 0 { label } else { &blank }, because);
        }
        let left = candidate.line_count.saturating_sub(most);
        if left > 0 && candidate.because.len() > most {
            self.page.plain(&format!("{blank}and {left} more lines like these"));
        }
    }

    /// One piece of evidence in one line. Of a long line of a log the end is shown: it begins with times and names.
    fn evidence_line(&mut self, label: &str, because: &str) {
        let room = self.page.room(label);
        let text = make_visible(&single_line(because));
        let number = text.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
        match number {
            Some((number, line)) if text.chars().count() > room => {
                let start = format!("line {number}: ...");
                let count = line.chars().count();
                let left = room.saturating_sub(start.chars().count());
                let end: String = line.chars().skip(count.saturating_sub(left)).collect();
                self.page.plain(&format!("{label}{start}{end}"));
            }
            _ => self.page.cut(label, &truncate(because, MAX_QUOTED_CHARS)),
        }
    }

    /// The causes of a candidate of a text alone.
    fn suspected(&mut self, candidate: &CandidateRow) {
        let Some((first, others)) = candidate.causes.split_first() else { return };
        if first.cause != candidate.title {
            self.line("cause    ", &first.cause);
        }
        self.remedy(first);
        self.page.command("confirm  ", &candidate.confirm);
        if !others.is_empty() {
            self.page.plain("or");
        }
        others.iter().take(MAX_OTHERS).for_each(|cause| self.other_cause(cause));
        if others.len() > MAX_OTHERS {
            let left = others[MAX_OTHERS..].iter().flat_map(check_ids);
            self.page.cut("  also ", &left.collect::<Vec<_>>().join(", "));
        }
    }

    fn other_cause(&mut self, cause: &CauseRow) {
        let checks: Vec<&str> = check_ids(cause).collect();
        let text = match checks.as_slice() {
            [] => cause.cause.clone(),
            checks => format!("{} ({})", cause.cause, checks.join(", ")),
        };
        self.page.cut("  ", &text);
    }

    fn remedy(&mut self, cause: &CauseRow) {
        // `explain` shows the rest of several remedies.
        let Some(remedy) = cause.remedies.first() else { return };
        let downtime = if remedy.downtime { " This needs downtime." } else { "" };
        let text = single_line(&format!("{}{downtime}", remedy.text));
        let lines = wrap(&text, self.page.room("do       "));
        for (index, line) in lines.iter().take(MAX_REMEDY_LINES).enumerate() {
            let label = if index == 0 { "do       " } else { "         " };
            let is_cut = index + 1 == MAX_REMEDY_LINES && lines.len() > MAX_REMEDY_LINES;
            self.page.plain(&format!("{label}{line}{}", if is_cut { " ..." } else { "" }));
        }
        let commands = remedy.commands.iter().take(MAX_COMMANDS);
        commands.for_each(|command| self.page.command("         ", command));
    }

    /// The causes of a candidate that was checked: what was confirmed in full, what was ruled out in a line.
    fn checked(&mut self, candidate: &CandidateRow) {
        for verdict in [CauseVerdict::Confirmed, CauseVerdict::Undecided] {
            for cause in candidate.causes.iter().filter(|cause| cause.verdict == Some(verdict)) {
                let word = self.painted(verdict);
                self.page.plain(&word);
                self.line("cause    ", &cause.cause);
                cause.checks.iter().for_each(|check| self.findings(check));
                if verdict == CauseVerdict::Confirmed {
                    self.remedy(cause);
                }
            }
        }
        let ruled_out: Vec<&str> =
            self.with(CauseVerdict::RuledOut).map(|cause| cause.cause.as_str()).collect();
        if !ruled_out.is_empty() {
            let (word, room) =
                (self.painted(CauseVerdict::RuledOut), self.page.room("ruled out  "));
            let causes = truncate(&make_visible(&single_line(&ruled_out.join("; "))), room);
            self.page.plain(&format!("{word}  {causes}"));
        }
    }

    fn findings(&mut self, check: &CauseCheck) {
        const LABEL: &str = "         ";
        for finding in &check.findings {
            let (outcome, target, found) =
                (finding.outcome.as_str(), &finding.target, &finding.found);
            self.line(LABEL, &format!("{}: {outcome} on {target}: {found}", check.check));
        }
        if check.not_asked {
            let how: Vec<&str> = check.needs.iter().map(|need| need.instruction()).collect();
            self.line(LABEL, &format!("{}: not run: {}", check.check, how.join("; ")));
        }
        if let Some(question) = check.question.as_ref().filter(|_| check.findings.is_empty()) {
            self.line(LABEL, question);
        }
    }

    fn brief(&mut self, candidate: &CandidateRow) {
        self.page.cut("  ", &format!("{}: {}", candidate.id.as_str(), candidate.title));
        if !candidate.lines.is_empty() {
            self.evidence("    for  ", candidate, MAX_QUOTED_OF_OTHERS);
        }
    }

    /// What to type next: never about something that was ruled out.
    fn next_check(&mut self) {
        let mut open = self
            .causes()
            .filter(|cause| cause.verdict != Some(CauseVerdict::RuledOut))
            .flat_map(|cause| &cause.checks);
        match open.find(|check| !is_passed(check)) {
            Some(check) => self.explain("next     ", &check.check),
            None => self.line(
                "next     ",
                "nothing of this is the cause: run preflight check site SITE.yaml, or say what you see in other words",
            ),
        }
    }

    fn causes(&self) -> impl Iterator<Item = &'r CauseRow> + use<'r> {
        self.troubleshooting.candidates.iter().flat_map(|candidate| &candidate.causes)
    }

    fn with(&self, verdict: CauseVerdict) -> impl Iterator<Item = &'r CauseRow> + use<'r> {
        self.causes().filter(move |cause| cause.verdict == Some(verdict))
    }

    fn summary(&mut self) {
        let parts = [CauseVerdict::Confirmed, CauseVerdict::Undecided, CauseVerdict::RuledOut]
            .map(|verdict| format!("{} {}", self.with(verdict).count(), verdict.as_str()));
        self.page.plain(&format!("causes: {}", parts.join(", ")));
    }

    fn painted(&self, verdict: CauseVerdict) -> String {
        let colour = |colour: AnsiColor| Ansi::new().fg_color(Some(colour.into()));
        let (colour, word) = match verdict {
            CauseVerdict::Confirmed => (colour(AnsiColor::Red).effects(Effects::BOLD), "CONFIRMED"),
            CauseVerdict::RuledOut => (colour(AnsiColor::Green), verdict.as_str()),
            CauseVerdict::Undecided => (colour(AnsiColor::Magenta), verdict.as_str()),
        };
        self.page.painted(colour, word)
    }
}

fn check_ids(cause: &CauseRow) -> impl Iterator<Item = &str> {
    cause.checks.iter().map(|check| check.check.as_str())
}

/// Whether a check has a finding and all of them passed.
fn is_passed(check: &CauseCheck) -> bool {
    !check.findings.is_empty()
        && check.findings.iter().all(|finding| finding.outcome.as_str() == "pass")
}
