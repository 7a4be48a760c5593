//! A comparison of two reports for people: what changed first, what stays last.
//!
//! Not for what differs (`comparison`).

use jiff::Timestamp;

use super::comparison::{Change, ReportDiff};
use super::layout::{make_visible, pluralize, single_line, wrap_labelled};
use crate::check::finding::OutcomeKind;

/// The most targets that a line names; the others are counted.
const MAX_TARGETS: usize = 5;

/// Renders a comparison, wrapped at `width` columns.
pub fn render(comparison: &ReportDiff, width: usize) -> String {
    let mut out = wrap_labelled("", &summary(comparison), width);
    for (heading, changes) in [
        ("new", &comparison.appeared),
        ("could not be decided this time", &comparison.undecided),
        ("gone", &comparison.gone),
        ("failed, and was not checked this time", &comparison.not_checked),
        ("still failing", &comparison.still),
    ] {
        if changes.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{heading}:\n"));
        for line in lines(changes) {
            out.push_str(&wrap_labelled("  ", &line, width));
        }
    }
    out
}

/// The counts in a sentence.
fn summary(comparison: &ReportDiff) -> String {
    let blockers = comparison.appeared.iter().filter(|change| change.severity.is_blocker()).count();
    let others = comparison.appeared.len() - blockers;
    let counted = [
        (blockers, pluralize(blockers, "new blocker")),
        (others, pluralize(others, "new warning")),
        (
            comparison.undecided.len(),
            format!("{} not decided any more", comparison.undecided.len()),
        ),
        (comparison.gone.len(), format!("{} gone", comparison.gone.len())),
        (
            comparison.not_checked.len(),
            format!("{} not checked again", comparison.not_checked.len()),
        ),
    ];
    let counted: Vec<String> =
        counted.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
    let changed = match counted.as_slice() {
        [] => "nothing has changed".to_owned(),
        counted => counted.join(", "),
    };
    let still = match comparison.still.len() {
        0 => String::new(),
        still => format!("; {still} still failing"),
    };
    format!("since {}: {changed}{still}", moment(comparison.old))
}

/// One line for each thing that changed, with all targets that it changed on; worst first.
fn lines(changes: &[Change]) -> Vec<String> {
    let mut groups: Vec<(&Change, Vec<&str>)> = Vec::new();
    for change in changes {
        let same = |(first, _): &&mut (&Change, Vec<&str>)| {
            (&first.check, first.severity, &first.found, first.since, first.was, first.now)
                == (
                    &change.check, change.severity, &change.found, change.since, change.was,
                    change.now,
                )
        };
        match groups.iter_mut().find(same) {
            Some((_, targets)) => targets.push(&change.target),
            None => groups.push((change, vec![&change.target])),
        }
    }
    groups.sort_by_key(|(first, _)| first.severity);
    groups.iter().map(|(first, targets)| line(first, targets)).collect()
}

fn line(change: &Change, targets: &[&str]) -> String {
    let shown: Vec<String> =
        targets.iter().take(MAX_TARGETS).map(|target| make_visible(target)).collect();
    let more = match targets.len().saturating_sub(MAX_TARGETS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let since = match (change.was, change.since) {
        (Some(OutcomeKind::Fail), Some(since)) => format!(", since {}", moment(since)),
        _ => String::new(),
    };
    let now = match (change.was, change.now) {
        (
            Some(OutcomeKind::Fail),
            Some(now @ (OutcomeKind::Waived | OutcomeKind::NotApplicable)),
        ) => {
            format!(" ({})", now.as_str())
        }
        _ => String::new(),
    };
    let found = make_visible(&single_line(&change.found));
    format!(
        "{}: {}{more}: {}{since}{now}: {found}",
        change.severity,
        shown.join(", "),
        make_visible(&change.check)
    )
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::definition::Severity;
    use crate::check::engine::Outcome;
    use crate::report::comparison::tests::recorded;

    #[test]
    fn what_changed_comes_first() {
        let block = Severity::BlocksReprotect;
        let old = recorded(
            "2026-11-20T03:00:00Z",
            &[
                ("mt1", Outcome::Pass, block),
                ("mt2", Outcome::Fail, block),
                ("mt3", Outcome::Fail, block),
                ("mt4", Outcome::Fail, block),
                ("mt5", Outcome::Fail, Severity::Warning),
            ],
        );
        let new = recorded(
            "2026-11-21T03:00:00Z",
            &[
                ("mt1", Outcome::Fail, block),
                ("mt2", Outcome::Pass, block),
                ("mt3", Outcome::Fail, block),
                ("mt4", Outcome::Fail, block),
            ],
        );
        insta::assert_snapshot!(render(&ReportDiff::new(&old, &new), 80), @"
        since 2026-11-20 03:00 UTC: 1 new blocker, 1 gone, 1 not checked again; 2 still
        failing

        new:
          blocks-reprotect: mt1: a.b: found

        gone:
          blocks-reprotect: mt2: a.b: found

        failed, and was not checked this time:
          warning: mt5: a.b, since 2026-11-20 03:00 UTC: found

        still failing:
          blocks-reprotect: mt3, mt4: a.b, since 2026-11-20 03:00 UTC: found
        ");
        insta::assert_snapshot!(render(&ReportDiff::new(&new, &new), 80), @"
        since 2026-11-21 03:00 UTC: nothing has changed; 3 still failing

        still failing:
          blocks-reprotect: mt1, mt3, mt4: a.b, since 2026-11-21 03:00 UTC: found
        ");
    }
}
