//! The text of `troubleshoot`: the best symptom in full, what to do, and what to type next.
//!
//! Not for the content: `troubleshooting` holds that.

use anstyle::{AnsiColor, Effects, Style as Ansi};

use super::layout::{make_visible, single_line, truncate, wrap_labelled};
use super::style::Style;
use super::troubleshooting::{CandidateRow, CauseCheck, CauseRow, Troubleshooting};
use crate::check::provider::Provider;
use crate::knowledge::diagnosis::CauseVerdict;

/// Candidates that come this near to the best are shown in full as well.
const MIN_PART_FOR_FULL: f64 = 0.9;

/// The longest piece of a line that is quoted.
const MAX_QUOTED_CHARS: usize = 160;

/// Renders the result as text.
pub fn render(troubleshooting: &Troubleshooting, style: &Style) -> String {
    let page = Page { troubleshooting, style };
    if troubleshooting.candidates.is_empty() {
        return page.nothing_fits();
    }
    let best = troubleshooting.candidates[0].score;
    let (full, brief): (Vec<_>, Vec<_>) = troubleshooting
        .candidates
        .iter()
        .partition(|candidate| candidate.score >= best * MIN_PART_FOR_FULL);
    let blocks: Vec<String> = full.into_iter().map(|candidate| page.candidate(candidate)).collect();
    let mut out = blocks.join("\n");
    if !brief.is_empty() {
        out.push_str("\nless likely\n");
    }
    for candidate in brief {
        let line =
            format!("{} (fits {:.2}): {}", candidate.symptom, candidate.score, candidate.title);
        out.push_str(&wrap_labelled("  ", &make_visible(&line), style.width));
    }
    out.push_str(&page.next());
    out.push_str(&page.summary());
    out
}

struct Page<'r> {
    troubleshooting: &'r Troubleshooting,
    style: &'r Style,
}

impl Page<'_> {
    fn line(&self, label: &str, text: &str) -> String {
        wrap_labelled(label, &single_line(text), self.style.width)
    }

    fn nothing_fits(&self) -> String {
        let mut out = String::from("nothing that is known fits\n");
        if let Some(out_of_scope) = &self.troubleshooting.out_of_scope {
            out.push_str(&self.line("", out_of_scope));
            return out;
        }
        if !self.troubleshooting.nearest.is_empty() {
            out.push_str("nearest\n");
        }
        for near in &self.troubleshooting.nearest {
            out.push_str(&self.line("  ", &format!("{}: {}", near.symptom, near.title)));
        }
        out.push_str(&self.line(
            "next  ",
            "say what you see in other words, give the error code, or paste the lines of the log \
             around it; preflight list symptoms names all that are known",
        ));
        out
    }

    fn candidate(&self, candidate: &CandidateRow) -> String {
        let head = format!("{}  (fits {:.2})", candidate.title, candidate.score);
        let mut out = self.line("", &head);
        out.push_str(&self.line("  ", &format!("symptom {}", candidate.symptom)));
        for because in &candidate.because {
            out.push_str(&self.line("  for  ", &truncate(because, MAX_QUOTED_CHARS)));
        }
        for (index, cause) in candidate.causes.iter().enumerate() {
            out.push('\n');
            out.push_str(&self.cause(index + 1, cause));
        }
        let source = candidate.source.to_string();
        out.push('\n');
        out.push_str(&self.line("source ", &source));
        out
    }

    fn cause(&self, number: usize, cause: &CauseRow) -> String {
        let label = format!("{number:>2}. ");
        let mut out = match cause.verdict {
            None => self.line(&label, &cause.cause),
            Some(verdict) => {
                let cause = self.line("    ", &cause.cause);
                format!("{label}{}\n{cause}", self.painted(verdict))
            }
        };
        for check in &cause.checks {
            out.push_str(&self.check(check));
        }
        // What may not be broken gets no remedy; `explain` shows the rest of several
        // remedies.
        let remedy = cause.remedies.first();
        let wanted = cause.verdict.is_none_or(|verdict| verdict == CauseVerdict::Confirmed);
        if let Some(remedy) = remedy.filter(|_| wanted) {
            let downtime = if remedy.downtime { " This needs downtime." } else { "" };
            out.push_str(&self.line("    do    ", &format!("{}{downtime}", remedy.text)));
            for command in &remedy.commands {
                // A command is copied as a whole, so it is never wrapped.
                out.push_str(&format!("          $ {}\n", make_visible(command)));
            }
        }
        out
    }

    fn check(&self, check: &CauseCheck) -> String {
        let mut out = self.line("    check ", &format!("{}: {}", check.check, check.title));
        for finding in &check.findings {
            let text =
                format!("{} on {}: {}", finding.outcome.as_str(), finding.target, finding.found);
            out.push_str(&self.line("          ", &text));
        }
        if check.not_asked {
            let how: Vec<&str> = check.needs.iter().map(|need| need.instruction()).collect();
            out.push_str(&self.line("          ", &format!("not run: {}", how.join("; "))));
        }
        if let Some(question) = check.question.as_ref().filter(|_| check.findings.is_empty()) {
            out.push_str(&self.line("          ", question));
        }
        out
    }

    /// What to type next.
    fn next(&self) -> String {
        let best = &self.troubleshooting.candidates[0];
        let missing = self.troubleshooting.missing_providers();
        let mut commands = Vec::new();
        if missing.contains(&Provider::MasterTarget) && self.troubleshooting.targets.is_empty() {
            let id = &best.symptom;
            commands.push(format!("preflight troubleshoot {id} --target ssh://root@MASTER-TARGET"));
            commands.push("preflight check host ssh://root@MASTER-TARGET".to_owned());
        }
        if let Some(check) = best.checks.first() {
            commands.push(format!("preflight explain {check}"));
        }
        let mut out = String::from("\nnext\n");
        let answers = format!("preflight troubleshoot {} --site SITE.yaml", best.symptom);
        commands.extend(missing.contains(&Provider::Answers).then_some(answers));
        for command in commands {
            out.push_str(&format!("  $ {}\n", make_visible(&command)));
        }
        for need in missing.iter().filter(|&&need| need != Provider::MasterTarget) {
            out.push_str(
                &self.line("  ", &format!("for {}: {}", need.description(), need.instruction())),
            );
        }
        out
    }

    fn summary(&self) -> String {
        if self.troubleshooting.targets.is_empty() {
            return String::new();
        }
        let causes =
            || self.troubleshooting.candidates.iter().flat_map(|candidate| &candidate.causes);
        let count = |verdict| causes().filter(|cause| cause.verdict == Some(verdict)).count();
        let parts = [CauseVerdict::Confirmed, CauseVerdict::Undecided, CauseVerdict::RuledOut]
            .map(|verdict| format!("{} {}", count(verdict), verdict.as_str()));
        format!("\ncauses: {}\n", parts.join(", "))
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
