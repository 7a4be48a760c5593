//! The text of `troubleshoot`: the best cause, why, what to do and what confirms it; the rest in a line each.
//!
//! An answer fits a screen. Not for the content: `troubleshooting` holds that.

use anstyle::{AnsiColor, Effects, Style as Ansi};

use super::layout::{make_visible, single_line, truncate, wrap, wrap_labelled};
use super::style::Style;
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
    let page = Page { troubleshooting, style };
    let answer = match troubleshooting.answer {
        Answer::OutOfScope => page.out_of_scope(),
        Answer::Nothing => page.nothing(),
        Answer::Nearest if troubleshooting.targets.is_empty() => page.nearest(),
        Answer::Nearest | Answer::Likely => page.answer(),
    };
    page.vault() + &answer
}

struct Page<'r> {
    troubleshooting: &'r Troubleshooting,
    style: &'r Style,
}

impl Page<'_> {
    fn line(&self, label: &str, text: &str) -> String {
        wrap_labelled(label, &single_line(text), self.style.width)
    }

    /// One line, cut where the page ends.
    fn short_line(&self, label: &str, text: &str) -> String {
        let room = self.style.width.saturating_sub(label.len()).max(20);
        format!("{label}{}\n", truncate(&make_visible(&single_line(text)), room))
    }

    /// A command is copied as a whole, so it is never wrapped.
    fn command(&self, label: &str, command: &str) -> String {
        format!("{label}$ {}\n", make_visible(command))
    }

    /// What the vault says went wrong, before anything that is inferred.
    fn vault(&self) -> String {
        let troubles = &self.troubleshooting.vault;
        let mut out = String::new();
        for trouble in troubles.iter().take(MAX_TROUBLES) {
            let parts =
                [trouble.job.as_deref().unwrap_or_default(), &trouble.code, &trouble.message];
            let said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let at = trouble.at.as_ref().map_or_else(String::new, |at| format!(" ({at})"));
            let text = format!("{}: {}{at}", trouble.machine, said.join(": "));
            let text = truncate(&make_visible(&text), MAX_TROUBLE_CHARS);
            out.push_str(&self.line("vault    ", &text));
            if !trouble.action.is_empty() {
                let action = truncate(&make_visible(&trouble.action), MAX_TROUBLE_CHARS);
                out.push_str(&self.line("  says   ", &action));
            }
            for id in trouble.entries.iter().take(MAX_COMMANDS) {
                out.push_str(&self.command("  see    ", &format!("preflight explain {id}")));
            }
        }
        if troubles.len() > MAX_TROUBLES {
            out.push_str(&format!("  and {} more: --format json\n", troubles.len() - MAX_TROUBLES));
        }
        out
    }

    fn out_of_scope(&self) -> String {
        let mut out = String::new();
        if let Some(TopicRow { topic, says, checks }) = &self.troubleshooting.out_of_scope {
            out.push_str(&format!("out-of-scope: {topic}\n"));
            out.push_str(&self.line("", says));
            for check in checks {
                out.push_str(&self.command("next     ", &format!("preflight explain {check}")));
            }
        }
        if !self.troubleshooting.candidates.is_empty() {
            out.push_str("if it is about failback all the same\n");
        }
        for candidate in self.troubleshooting.candidates.iter().take(MAX_QUOTED_OF_OTHERS) {
            out.push_str(&self.brief(candidate));
        }
        out
    }

    fn nothing(&self) -> String {
        let advice = "say what you see in other words, give the error code, or paste the lines of the log around it; \
                      preflight search WORDS and preflight list symptoms show what is known";
        let other = if self.troubleshooting.vault.is_empty() { "" } else { " else" };
        format!("nothing{other} fits\n{}", self.line("next     ", advice))
    }

    fn nearest(&self) -> String {
        let mut out = String::from("nothing fits well; nearest:\n");
        for NearRow { id, title, .. } in &self.troubleshooting.nearest {
            out.push_str(&self.line("  ", &format!("{}: {title}", id.as_str())));
        }
        let rest = self.troubleshooting.candidates.iter().skip(self.troubleshooting.nearest.len());
        let rest: Vec<&str> = rest.map(|candidate| candidate.id.as_str()).collect();
        if !rest.is_empty() {
            out.push_str(&self.line("  also ", &rest.join(", ")));
        }
        let best = &self.troubleshooting.candidates[0];
        for because in best.because.iter().take(MAX_QUOTED_OF_OTHERS) {
            out.push_str(&self.short_line("  for  ", because));
        }
        out.push_str(&self.line(
            "next     ",
            "say more of what you see, give the error code, or paste the lines of the log around it",
        ));
        out.push_str(
            &self.command("         ", &format!("preflight explain {}", best.id.as_str())),
        );
        out.push_str(&self.command("         ", &best.confirm));
        out
    }

    fn answer(&self) -> String {
        let candidates = &self.troubleshooting.candidates;
        let Some(best) = candidates.first() else { return self.nothing() };
        let mut out = String::new();
        if self.troubleshooting.targets.is_empty() {
            out.push_str(&self.suspected(best));
        } else {
            out.push_str(&self.checked(best));
        }
        let others = &candidates[1..];
        let (likely, possible): (Vec<_>, Vec<_>) =
            others.iter().partition(|candidate| candidate.confidence == Confidence::Likely);
        for (heading, group) in [("likely as well", likely), ("possible", possible)] {
            if group.is_empty() {
                continue;
            }
            out.push_str(&format!("{heading}\n"));
            for candidate in group.iter().take(MAX_OTHERS) {
                out.push_str(&self.brief(candidate));
            }
            if group.len() > MAX_OTHERS {
                out.push_str(&format!("  and {} more: --format json\n", group.len() - MAX_OTHERS));
            }
        }
        out.push_str(&self.next());
        out.push_str(&self.summary());
        out
    }

    fn head(&self, candidate: &CandidateRow) -> String {
        let mut out = self.line(
            &format!("{}: ", candidate.confidence.as_str()),
            &format!(
                "{} ({}, fits {:.2})",
                candidate.title,
                candidate.id.as_str(),
                candidate.score
            ),
        );
        out.push_str(&self.evidence("why      ", candidate, MAX_QUOTED));
        out
    }

    fn evidence(&self, label: &str, candidate: &CandidateRow, most: usize) -> String {
        let mut out = String::new();
        for (index, because) in candidate.because.iter().take(most).enumerate() {
            let label = if index == 0 { label } else { &" ".repeat(label.len()) };
            out.push_str(&self.evidence_line(label, because));
        }
        let left = candidate.line_count.saturating_sub(most);
        if left > 0 && candidate.because.len() > most {
            out.push_str(&format!("{}and {left} more lines like these\n", " ".repeat(label.len())));
        }
        out
    }

    /// One piece of evidence in one line. Of a long line of a log the end is shown: it begins with times and names.
    fn evidence_line(&self, label: &str, because: &str) -> String {
        let room = self.style.width.saturating_sub(label.len()).max(20);
        let text = make_visible(&single_line(because));
        let number = text.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
        match number {
            Some((number, line)) if text.chars().count() > room => {
                let start = format!("line {number}: ...");
                let count = line.chars().count();
                let left = room.saturating_sub(start.chars().count());
                let end: String = line.chars().skip(count.saturating_sub(left)).collect();
                format!("{label}{start}{end}\n")
            }
            _ => self.short_line(label, &truncate(because, MAX_QUOTED_CHARS)),
        }
    }

    /// A candidate of a text alone.
    fn suspected(&self, candidate: &CandidateRow) -> String {
        let mut out = self.head(candidate);
        let Some((first, others)) = candidate.causes.split_first() else { return out };
        if first.cause != candidate.title {
            out.push_str(&self.line("cause    ", &first.cause));
        }
        out.push_str(&self.remedy(first));
        out.push_str(&self.command("confirm  ", &candidate.confirm));
        if !others.is_empty() {
            out.push_str("or\n");
        }
        for cause in others.iter().take(MAX_OTHERS) {
            out.push_str(&self.other_cause(cause));
        }
        if others.len() > MAX_OTHERS {
            let ids: Vec<&str> = others[MAX_OTHERS..]
                .iter()
                .flat_map(|cause| &cause.checks)
                .map(|check| check.check.as_str())
                .collect();
            out.push_str(&self.short_line("  also ", &ids.join(", ")));
        }
        out
    }

    fn other_cause(&self, cause: &CauseRow) -> String {
        let checks: Vec<&str> = cause.checks.iter().map(|check| check.check.as_str()).collect();
        let text = match checks.as_slice() {
            [] => cause.cause.clone(),
            checks => format!("{} ({})", cause.cause, checks.join(", ")),
        };
        self.short_line("  ", &text)
    }

    fn remedy(&self, cause: &CauseRow) -> String {
        let mut out = String::new();
        // `explain` shows the rest of several remedies.
        let Some(remedy) = cause.remedies.first() else { return out };
        let downtime = if remedy.downtime { " This needs downtime." } else { "" };
        let text = single_line(&format!("{}{downtime}", remedy.text));
        let lines = wrap(&text, self.style.width.saturating_sub(9));
        for (index, line) in lines.iter().take(MAX_REMEDY_LINES).enumerate() {
            let label = if index == 0 { "do       " } else { "         " };
            let more = if index + 1 == MAX_REMEDY_LINES && lines.len() > MAX_REMEDY_LINES {
                " ..."
            } else {
                ""
            };
            out.push_str(&format!("{label}{line}{more}\n"));
        }
        for command in remedy.commands.iter().take(MAX_COMMANDS) {
            out.push_str(&self.command("         ", command));
        }
        out
    }

    /// A candidate that was checked: what was confirmed in full, what was ruled out in a line.
    fn checked(&self, candidate: &CandidateRow) -> String {
        let mut out = self.head(candidate);
        let with =
            |verdict| candidate.causes.iter().filter(move |cause| cause.verdict == Some(verdict));
        for cause in with(CauseVerdict::Confirmed) {
            out.push_str(&self.decided(cause));
        }
        for cause in with(CauseVerdict::Undecided) {
            out.push_str(&self.undecided(cause));
        }
        let ruled_out: Vec<&str> = self
            .causes()
            .filter(|cause| cause.verdict == Some(CauseVerdict::RuledOut))
            .map(|cause| cause.cause.as_str())
            .collect();
        if !ruled_out.is_empty() {
            let label = format!("{}  ", self.painted(CauseVerdict::RuledOut));
            out.push_str(&label);
            let room = self.style.width.saturating_sub(11);
            out.push_str(&truncate(&make_visible(&single_line(&ruled_out.join("; "))), room));
            out.push('\n');
        }
        out
    }

    fn decided(&self, cause: &CauseRow) -> String {
        let mut out = format!("{}\n", self.painted(CauseVerdict::Confirmed));
        out.push_str(&self.line("cause    ", &cause.cause));
        out.push_str(&self.findings(cause));
        out.push_str(&self.remedy(cause));
        out
    }

    fn undecided(&self, cause: &CauseRow) -> String {
        let mut out = format!("{}\n", self.painted(CauseVerdict::Undecided));
        out.push_str(&self.line("cause    ", &cause.cause));
        out.push_str(&self.findings(cause));
        out
    }

    fn findings(&self, cause: &CauseRow) -> String {
        cause.checks.iter().map(|check| self.finding(check)).collect()
    }

    fn finding(&self, check: &CauseCheck) -> String {
        let mut out = String::new();
        for finding in &check.findings {
            let (outcome, target, found) =
                (finding.outcome.as_str(), &finding.target, &finding.found);
            let text = format!("{}: {outcome} on {target}: {found}", check.check);
            out.push_str(&self.line("         ", &text));
        }
        if check.not_asked {
            let how: Vec<&str> = check.needs.iter().map(|need| need.instruction()).collect();
            let text = format!("{}: not run: {}", check.check, how.join("; "));
            out.push_str(&self.line("         ", &text));
        }
        if let Some(question) = check.question.as_ref().filter(|_| check.findings.is_empty()) {
            out.push_str(&self.line("         ", question));
        }
        out
    }

    fn brief(&self, candidate: &CandidateRow) -> String {
        let mut out =
            self.short_line("  ", &format!("{}: {}", candidate.id.as_str(), candidate.title));
        if !candidate.lines.is_empty() {
            out.push_str(&self.evidence("    for  ", candidate, MAX_QUOTED_OF_OTHERS));
        }
        out
    }

    /// What to type next: never about something that was ruled out.
    fn next(&self) -> String {
        let best = &self.troubleshooting.candidates[0];
        if self.troubleshooting.targets.is_empty() {
            return self.command("next     ", &format!("preflight explain {}", best.id.as_str()));
        }
        let open = self
            .troubleshooting
            .candidates
            .iter()
            .flat_map(|candidate| &candidate.causes)
            .filter(|cause| cause.verdict != Some(CauseVerdict::RuledOut))
            .flat_map(|cause| &cause.checks)
            .find(|check| !is_passed(check));
        match open {
            Some(check) => {
                self.command("next     ", &format!("preflight explain {}", check.check))
            }
            None => self.line(
                "next     ",
                "nothing of this is the cause: run preflight check site SITE.yaml, or say what you see in other words",
            ),
        }
    }

    fn causes(&self) -> impl Iterator<Item = &CauseRow> {
        self.troubleshooting.candidates.iter().flat_map(|candidate| &candidate.causes)
    }

    fn summary(&self) -> String {
        if self.troubleshooting.targets.is_empty() {
            return String::new();
        }
        let count = |verdict| self.causes().filter(|cause| cause.verdict == Some(verdict)).count();
        let parts = [CauseVerdict::Confirmed, CauseVerdict::Undecided, CauseVerdict::RuledOut]
            .map(|verdict| format!("{} {}", count(verdict), verdict.as_str()));
        format!("causes: {}\n", parts.join(", "))
    }

    fn painted(&self, verdict: CauseVerdict) -> String {
        let word = match verdict {
            CauseVerdict::Confirmed => "CONFIRMED",
            other => other.as_str(),
        };
        if !self.style.colour {
            return word.to_owned();
        }
        let colour = |colour: AnsiColor| Ansi::new().fg_color(Some(colour.into()));
        let colour = match verdict {
            CauseVerdict::Confirmed => colour(AnsiColor::Red).effects(Effects::BOLD),
            CauseVerdict::RuledOut => colour(AnsiColor::Green),
            CauseVerdict::Undecided => colour(AnsiColor::Magenta),
        };
        format!("{colour}{word}{colour:#}")
    }
}

/// Whether a check has a finding and all of them passed.
fn is_passed(check: &CauseCheck) -> bool {
    !check.findings.is_empty()
        && check.findings.iter().all(|finding| finding.outcome.as_str() == "pass")
}
