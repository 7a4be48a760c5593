//! The report as annotations of a GitHub workflow: one command line for each finding, worst first.
//!
//! Blockers are errors, and so is what may be one and could not be decided; what only warns is a warning, what is only
//! worth knowing a notice. GitHub shows the first ten of each kind, so a finding on many targets is one annotation. Not for
//! the summary of a job, which is Markdown: `--output markdown=$GITHUB_STEP_SUMMARY`.
//!
//! The grammar is that of "Workflow commands for GitHub Actions": `::error title=TITLE::MESSAGE`.

use super::layout::{make_visible, single_line};
use super::model::Report;
use super::outline::{FindingGroup, Outline, Status, conclude};
use super::style::Style;
use crate::check::definition::Severity;

/// The most targets that a message names; the others are counted.
const MAX_TARGETS: usize = 10;

/// Renders the report as workflow commands.
pub fn render(report: &Report, _: &Style) -> Vec<u8> {
    let outline = Outline::new(report);
    let mut out = String::new();
    let mut annotations: Vec<Annotation> = Vec::new();
    annotations.extend(outline.with_status(Status::Blocker).map(annotate));
    annotations.extend(outline.shared_causes.iter().map(|cause| {
        let targets: Vec<&str> = cause.targets.iter().map(|affected| affected.target).collect();
        let title = format!("undecided: {}", names(&targets));
        let count = super::layout::pluralize(cause.checks(), "check");
        Annotation { level: Level::Error, title, message: format!("{count}: {}", cause.cause) }
    }));
    annotations.extend(outline.with_status(Status::Unknown).map(annotate));
    annotations.extend(outline.with_status(Status::Warning).map(annotate));
    annotations.sort_by_key(|annotation| annotation.level);
    for annotation in &annotations {
        out.push_str(&annotation.to_line());
    }
    out.push_str(&format!("{}\n", make_visible(&conclude(report, &outline))));
    out.into_bytes()
}

/// The kinds of annotations, worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
enum Level {
    Error,
    Warning,
    Notice,
}

impl Level {
    fn from_finding(status: Status, severity: Severity) -> Self {
        match (status, severity) {
            (Status::Blocker, _) => Self::Error,
            (Status::Unknown, severity) if severity.is_blocker() => Self::Error,
            (_, Severity::Info) => Self::Notice,
            _ => Self::Warning,
        }
    }

    fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One line that GitHub shows by itself.
struct Annotation {
    level: Level,
    title: String,
    message: String,
}

impl Annotation {
    fn to_line(&self) -> String {
        let (title, message) = (escape_property(&self.title), escape_data(&self.message));
        format!("::{} title={title}::{message}\n", self.level.as_str())
    }
}

fn annotate(group: &FindingGroup<'_>) -> Annotation {
    let first = group.first;
    let mut lines: Vec<String> = group
        .variants
        .iter()
        .map(|variant| match group.variants.len() {
            1 => make_visible(variant.found),
            _ => {
                let targets: Vec<&str> = variant.targets().collect();
                format!("{}: {}", names(&targets), make_visible(variant.found))
            }
        })
        .collect();
    match group.status {
        Status::Unknown => {}
        _ => match group.remedies().as_slice() {
            [(remedy, _)] => lines.push(format!("Do: {}", single_line(&remedy.text))),
            _ => lines.push("What to do differs from target to target: see the report.".to_owned()),
        },
    }
    let undecided = if group.status == Status::Unknown { "undecided: " } else { "" };
    Annotation {
        level: Level::from_finding(group.status, first.severity),
        title: format!("{undecided}{}: {}", names(&group.targets()), first.check),
        message: lines.join("\n"),
    }
}

fn names(targets: &[&str]) -> String {
    let shown = targets.iter().take(MAX_TARGETS).copied().collect::<Vec<_>>().join(", ");
    match targets.len().saturating_sub(MAX_TARGETS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A message: line breaks are written as the runner reads them, anything else that acts is spelt out.
fn escape_data(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(make_visible).collect();
    lines.join("\n").replace('%', "%25").replace('\n', "%0A")
}

/// A property, which a comma or a colon would end.
fn escape_property(text: &str) -> String {
    escape_data(&make_visible(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::engine::Outcome;
    use crate::report::model::tests::{every_outcome, report};

    fn text(report: &Report) -> String {
        String::from_utf8(render(report, &Style::default())).unwrap()
    }

    #[test]
    fn each_finding_is_an_annotation_worst_first() {
        insta::assert_snapshot!(text(&every_outcome()), @"
        ::error title=mt1%3A a.blocker::/mnt/retention is vfat%0ADo: Fix it.
        ::error title=undecided%3A mt2%3A a.unknown::found
        ::warning title=mt1%3A a.warning::found%0ADo: Fix it.
        ::notice title=mt1%3A a.info::found%0ADo: Fix it.
        1 blocker on 1 of 2 targets must be fixed before you go on. 1 check could not be decided. 1 more was not run.
        ");
    }

    #[test]
    fn no_text_begins_a_command_of_its_own() {
        let mut report = report(&[("m:t,1", Outcome::Fail, Severity::DataLoss)]);
        report.results[0].found = "50%\n::add-mask::x\r\n::stop-commands::y".into();
        let text = text(&report);
        let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("::")).collect();
        assert_eq!(
            commands,
            [
                "::error title=m%3At%2C1%3A a.b::50%25\\n::add-mask::x\\r\\n::stop-commands::y%0ADo: Fix it."
            ]
        );
    }

    #[test]
    fn one_finding_on_many_targets_is_one_annotation() {
        let names: Vec<String> = (0..40).map(|n| format!("mt{n:02}")).collect();
        let many: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), Outcome::Fail, Severity::BlocksReprotect))
            .collect();
        let text = text(&report(&many));
        assert_eq!(text.matches("::error ").count(), 1, "{text}");
        assert!(text.contains(" and 30 more"), "{text}");
    }
}
