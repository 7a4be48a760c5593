//! The report for a ticket or a chat: Markdown as GitHub, GitLab and Azure DevOps read it.
//!
//! What came from elsewhere stands in code spans, where nothing is markup, no name is mentioned
//! and no number becomes a link; what checks say is escaped.

use super::first_steps;
use super::layout::{make_visible, pluralize, single_line, split_code};
use super::model::Report;
use super::outline::{
    FindingGroup, Outline, OverallVerdict, SharedCause, Status, conclude, count, group_by_target,
    single_target,
};
use super::style::Style;

/// With more targets than this, what passes is counted and not listed.
const LISTED_TARGETS: usize = 3;

/// Renders the report as Markdown.
pub fn render(report: &Report, _: &Style) -> Vec<u8> {
    let outline = Outline::new(report);
    let verdict = OverallVerdict::from_report(report).as_str();
    let mut out = format!("# preflight: {verdict}\n\n");
    out.push_str(&format!("{}\n\n", prose(&conclude(report, &outline))));
    if !report.run.complete {
        out.push_str("**The run was interrupted: what is missing was not checked.**\n\n");
    }
    out.push_str(&counts(report));
    out.push_str(&first_section(report));
    for class in [Status::Blocker, Status::Unknown, Status::Warning, Status::Waived] {
        let mut blocks: Vec<String> = Vec::new();
        if class == Status::Unknown {
            blocks.extend(outline.shared_causes.iter().map(shared_cause_section));
        }
        blocks.extend(outline.with_status(class).map(|group| finding_section(report, group)));
        if !blocks.is_empty() {
            out.push_str(&format!("\n## {}\n\n{}", class.heading(), blocks.join("\n")));
        }
    }
    out.push_str(&targets(report));
    out.push_str(&passed_tables(report));
    out.push_str(&skipped_section(&outline));
    if !report.notes.is_empty() {
        let notes: String =
            report.notes.iter().map(|note| format!("- {}\n", code_span(note))).collect();
        out.push_str(&format!("\n## Notes\n\n{notes}"));
    }
    let tool = &report.tool;
    out.push_str(&format!(
        "\n{} {}, checked {}\n",
        prose(&tool.name),
        prose(&tool.version),
        prose(&report.run.at)
    ));
    out.into_bytes()
}

/// What to do first, and the stages of machines.
fn first_section(report: &Report) -> String {
    let steps = first_steps::first_steps(report);
    let mut out = String::new();
    if !steps.is_empty() {
        out.push_str("\n## Do first\n\n");
        for (index, step) in steps.iter().enumerate() {
            out.push_str(&format!(
                "{}. {}: {} ({})\n",
                index + 1,
                code_span(&step.target),
                code_span(&step.what),
                code_span(&step.check)
            ));
        }
    }
    let stages = first_steps::stage_lines(&report.stages);
    if !stages.is_empty() {
        let lines: String = stages.iter().map(|line| format!("- {}\n", code_span(line))).collect();
        out.push_str(&format!("\n## Stages\n\n{lines}"));
    }
    out
}

fn counts(report: &Report) -> String {
    let cells: Vec<String> =
        Status::ALL.iter().map(|class| count(report, *class).to_string()).collect();
    format!(
        "Checked: {}, {}.\n\n\
         | Blockers | Unknown | Warnings | Waived | Passed | Not applicable |\n\
         |---:|---:|---:|---:|---:|---:|\n| {} |\n",
        single_target(report).map_or_else(|| pluralize(report.targets.len(), "target"), code_span),
        pluralize(report.summary.planned, "check"),
        cells.join(" | ")
    )
}

fn finding_section(report: &Report, group: &FindingGroup<'_>) -> String {
    let first = group.first;
    let mut out =
        format!("### {}: {}\n\n", code_span(&first.check), prose(&single_line(&first.title)));
    let what = if group.status == Status::Unknown { "Unknown" } else { "Found" };
    let several = report.targets.len() > 1;
    for variant in &group.variants {
        let on = if several { format!(" on {}", names(variant.targets())) } else { String::new() };
        out.push_str(&format!("- **{what}**: {}{on}\n", code_span(variant.found)));
    }
    out.push_str(&format!("- **Severity**: {}\n", first.severity));
    for cause in &first.explained_by {
        let (check, target) = (code_span(&cause.check), code_span(&cause.target));
        out.push_str(&format!("- **Probably follows from**: {check} on {target}\n"));
    }
    if let Some(waiver) = &first.waiver {
        let text = waiver.to_string();
        out.push_str(&format!("- **Waived**: {}\n", code_span(&text)));
    }
    if group.status.needs_fix() {
        out.push_str(&remedies(group));
    }
    let source = first.source.to_string();
    out.push_str(&format!("- **Source**: {}\n", prose(&single_line(&source))));
    out
}

fn remedies(group: &FindingGroup<'_>) -> String {
    let remedies = group.remedies();
    let mut out = format!("- **Shows as**: {}\n", prose(&single_line(&group.first.symptom)));
    for (remedy, targets) in &remedies {
        let on = match remedies.len() {
            1 => String::new(),
            _ => format!(" on {}", names(targets.iter().copied())),
        };
        let downtime = if remedy.downtime { " **This needs downtime.**" } else { "" };
        out.push_str(&format!("- **Do**{on}: {}{downtime}\n", prose(&single_line(&remedy.text))));
        if !remedy.commands.is_empty() {
            let lines = code_block(&remedy.commands);
            let indented: String = lines.lines().map(|line| format!("  {line}\n")).collect();
            out.push_str(&format!("\n{indented}\n"));
        }
    }
    out
}

fn shared_cause_section(cause: &SharedCause<'_>) -> String {
    let mut out = format!(
        "### {} for one cause\n\n- **Because**: {}\n",
        pluralize(cause.checks(), "check"),
        code_span(&cause.cause)
    );
    let whole: Vec<&str> = cause.targets.iter().filter(|s| s.is_whole).map(|s| s.target).collect();
    if !whole.is_empty() {
        out.push_str(&format!("- **Nothing is known of**: {}\n", names(whole.into_iter())));
    }
    for affected in cause.targets.iter().filter(|affected| !affected.is_whole) {
        let checks = names(affected.checks.iter().copied());
        out.push_str(&format!("- **Checks of** {}: {checks}\n", code_span(affected.target)));
    }
    out
}

fn targets(report: &Report) -> String {
    let rows = group_by_target(report);
    if rows.len() < 2 {
        return String::new();
    }
    let rows: String = rows
        .iter()
        .map(|(name, results)| {
            let of = |class| results.iter().filter(|r| Status::from_result(r) == class).count();
            format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                table_cell(name),
                OverallVerdict::from_results(results).as_str(),
                of(Status::Blocker),
                of(Status::Unknown),
                of(Status::Warning),
                of(Status::Pass)
            )
        })
        .collect();
    format!(
        "\n## Targets\n\n| Target | Verdict | Blockers | Unknown | Warnings | Passed |\n\
         |---|---|---:|---:|---:|---:|\n{rows}"
    )
}

/// What passed and what has no meaning, where there are few targets.
fn passed_tables(report: &Report) -> String {
    if report.targets.len() > LISTED_TARGETS {
        return String::new();
    }
    let several = report.targets.len() > 1;
    let mut out = String::new();
    for class in [Status::Pass, Status::NotApplicable] {
        let rows: String = report
            .results
            .iter()
            .filter(|result| Status::from_result(result) == class)
            .map(|result| {
                let on = if several {
                    format!("| {} ", table_cell(&result.target))
                } else {
                    String::new()
                };
                format!("{on}| {} | {} |\n", table_cell(&result.check), table_cell(&result.found))
            })
            .collect();
        if !rows.is_empty() {
            let (on, bar) = if several { ("| Target ", "|---") } else { ("", "") };
            out.push_str(&format!(
                "\n## {}\n\n{on}| Check | Found |\n{bar}|---|---|\n{rows}",
                class.heading()
            ));
        }
    }
    out
}

fn skipped_section(outline: &Outline<'_>) -> String {
    let rows: String = outline
        .skipped
        .iter()
        .map(|group| {
            let ids: Vec<&str> = group.checks.keys().copied().collect();
            format!(
                "- {} {} {}: {}. {}\n",
                pluralize(ids.len(), "more check"),
                if ids.len() == 1 { "needs" } else { "need" },
                prose(&group.providers()),
                prose(&group.instructions()),
                names(ids.into_iter())
            )
        })
        .collect();
    if rows.is_empty() { rows } else { format!("\n## Not run\n\n{rows}") }
}

fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(code_span).collect::<Vec<_>>().join(", ")
}

/// A text from elsewhere as a code span, in a fence longer than any in it.
pub(super) fn code_span(text: &str) -> String {
    let text = make_visible(text);
    if text.is_empty() {
        return "(nothing)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    let edge = |end: Option<char>| matches!(end, Some('`' | ' '));
    let pad = if edge(text.chars().next()) || edge(text.chars().last()) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// As [`code_span`], for a table: there a bar ends the cell, even in code.
fn table_cell(text: &str) -> String {
    code_span(text).replace('|', "\\u{7c}")
}

/// A text of a definition: code where it has backticks in pairs, and everything else escaped that
/// could be markup.
pub(super) fn prose(text: &str) -> String {
    let piece =
        |(is_code, text): (bool, &str)| if is_code { code_span(text) } else { escape(text) };
    split_code(text).into_iter().map(piece).collect()
}

pub(super) fn escape(text: &str) -> String {
    let mut out = String::new();
    for char in make_visible(text).chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' | '!' => {
                out.push('\\');
                out.push(char);
            }
            char => out.push(char),
        }
    }
    out
}

/// Commands as a fenced block.
pub(super) fn code_block(commands: &[String]) -> String {
    let lines: Vec<String> = commands.iter().map(|line| make_visible(line)).collect();
    let longest = lines.iter().map(|line| longest_run(line, '`')).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}sh\n{}\n{fence}", lines.join("\n"))
}

fn longest_run(text: &str, char: char) -> usize {
    text.split(|other| other != char).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::tests::every_outcome;

    #[test]
    fn a_ticket_says_it_all() {
        let text = String::from_utf8(render(&every_outcome(), &Style::default())).unwrap();
        insta::assert_snapshot!(text, @"
        # preflight: blocked

        1 blocker on 1 of 2 targets must be fixed before you go on. 1 check could not be decided. 1 more was not run.

        Checked: 2 targets, 7 checks.

        | Blockers | Unknown | Warnings | Waived | Passed | Not applicable |
        |---:|---:|---:|---:|---:|---:|
        | 1 | 1 | 2 | 1 | 1 | 1 |

        ## Do first

        1. `mt1`: `Fix it` (`a.blocker`)
        2. `mt2`: `answer: no answer` (`a.unknown`)
        3. `mt1`: `Fix it` (`a.warning`)

        ## Blockers

        ### `a.blocker`: it holds

        - **Found**: `/mnt/retention is vfat` on `mt1`
        - **Severity**: blocks-reprotect
        - **Shows as**: symptom
        - **Do**: Fix it. **This needs downtime.**

          ```sh
          mkfs.ext4 /dev/DEVICE
          ```

        - **Source**: field, a

        ## Unknown

        ### `a.unknown`: it holds

        - **Unknown**: `found` on `mt2`
        - **Severity**: blocks-failback
        - **Source**: field, a

        ## Warnings

        ### `a.warning`: it holds

        - **Found**: `found` on `mt1`
        - **Severity**: warning
        - **Shows as**: symptom
        - **Do**: Fix it.
        - **Source**: field, a

        ### `a.info`: it holds

        - **Found**: `found` on `mt1`
        - **Severity**: info
        - **Shows as**: symptom
        - **Do**: Fix it.
        - **Source**: field, a

        ## Waived

        ### `a.waived`: it holds

        - **Found**: `found` on `mt2`
        - **Severity**: blocks-reprotect
        - **Waived**: `a lab (ann, until 2026-12-31)`
        - **Source**: field, a

        ## Targets

        | Target | Verdict | Blockers | Unknown | Warnings | Passed |
        |---|---|---:|---:|---:|---:|
        | `mt1` | blocked | 1 | 0 | 2 | 1 |
        | `mt2` | undecided | 0 | 1 | 0 | 0 |

        ## Passed

        | Target | Check | Found |
        |---|---|---|
        | `mt1` | `a.pass` | `found` |

        ## Not applicable

        | Target | Check | Found |
        |---|---|---|
        | `mt2` | `a.na` | `found` |

        ## Not run

        - 1 more check needs vCenter or ESXi: add --vcenter vsphere://USER@HOST, or vcenter: in --site. `vm.b`

        ## Notes

        - `the waiver of x for y expired`

        preflight 1.2.3, checked 2026-11-20T03:00:00Z
        ");
    }

    #[test]
    fn no_text_leaves_its_code_span() {
        for (text, expected) in [
            ("plain", "`plain`"),
            ("a `b` ``c``", "``` a `b` ``c`` ```"),
            ("`", "`` ` ``"),
            (" x", "`  x `"),
            ("", "(nothing)"),
            ("a\n# b", "`a\\n# b`"),
            ("@all #1 <b> [x](y)", "`@all #1 <b> [x](y)`"),
        ] {
            assert_eq!(code_span(text), expected);
        }
        assert_eq!(table_cell("a|b\\|c"), "`a\\u{7c}b\\\\u{7c}c`");
    }

    #[test]
    fn what_checks_say_is_no_markup() {
        assert_eq!(prose(r"home\x <b> *a* [l](u) $x$"), r"home\\x &lt;b&gt; \*a\* \[l\](u) \$x\$");
        assert_eq!(prose("see `ks=<x>` and `"), "see \\`ks=&lt;x&gt;\\` and \\`");
        assert_eq!(prose("see `ks=<x>` there_"), "see `ks=<x>` there\\_");
        assert_eq!(code_block(&["echo ```".to_owned()]), "````sh\necho ```\n````");
    }
}
