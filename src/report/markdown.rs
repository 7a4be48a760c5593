//! The report for a ticket or a chat: Markdown as GitHub, GitLab and Azure DevOps read it.
//!
//! What came from elsewhere stands in code spans, where nothing is markup, no name is mentioned
//! and no number becomes a link; what checks say is escaped.

use super::layout::{counted, pieces, sentence, visible};
use super::model::Report;
use super::outline::{
    Class, Entry, Outline, Silence, Verdict, by_target, conclusion, count, subject,
};
use super::style::Style;

/// With more targets than this, what passes is counted and not listed.
const LISTED_TARGETS: usize = 3;

/// Renders the report as Markdown.
pub fn render(report: &Report, _: &Style) -> Vec<u8> {
    let outline = Outline::of(report);
    let verdict = Verdict::of(report).words();
    let mut out = format!("# preflight: {verdict}\n\n");
    out.push_str(&format!("{}\n\n", prose(&conclusion(report, &outline))));
    if !report.run.complete {
        out.push_str("**The run was interrupted: what is missing was not judged.**\n\n");
    }
    out.push_str(&counts(report));
    for (class, heading) in [
        (Class::Blocker, "Blockers"),
        (Class::Unknown, "Unknown"),
        (Class::Warning, "Warnings"),
        (Class::Waived, "Waived"),
    ] {
        let mut blocks: Vec<String> = Vec::new();
        if class == Class::Unknown {
            blocks.extend(outline.silences.iter().map(silence));
        }
        blocks.extend(outline.of_class(class).map(|entry| block_of(report, entry)));
        if !blocks.is_empty() {
            out.push_str(&format!("\n## {heading}\n\n{}", blocks.join("\n")));
        }
    }
    out.push_str(&targets(report));
    out.push_str(&quiet(report));
    out.push_str(&not_asked(&outline));
    if !report.notes.is_empty() {
        let notes: String = report.notes.iter().map(|note| format!("- {}\n", code(note))).collect();
        out.push_str(&format!("\n## Notes\n\n{notes}"));
    }
    let tool = &report.tool;
    out.push_str(&format!(
        "\n{} {}, judged {}\n",
        prose(&tool.name),
        prose(&tool.version),
        prose(&report.run.at)
    ));
    out.into_bytes()
}

fn counts(report: &Report) -> String {
    let cells: Vec<String> =
        Class::ALL.iter().map(|class| count(report, *class).to_string()).collect();
    format!(
        "Judged: {}, {}.\n\n\
         | Blockers | Unknown | Warnings | Waived | Passed | Not applicable |\n\
         |---:|---:|---:|---:|---:|---:|\n| {} |\n",
        subject(report).map_or_else(|| counted(report.targets.len(), "target"), code),
        counted(report.summary.planned, "check"),
        cells.join(" | ")
    )
}

fn block_of(report: &Report, entry: &Entry<'_>) -> String {
    let first = entry.first;
    let mut out = format!("### {}: {}\n\n", code(&first.check), prose(&sentence(&first.title)));
    let what = if entry.class == Class::Unknown { "Unknown" } else { "Found" };
    let several = report.targets.len() > 1;
    for variant in &entry.variants {
        let on = match several {
            true => format!(" on {}", names(variant.targets())),
            false => String::new(),
        };
        out.push_str(&format!("- **{what}**: {}{on}\n", code(variant.found)));
    }
    out.push_str(&format!("- **Severity**: {}\n", first.severity));
    if let Some(waiver) = &first.waiver {
        let text = format!("{} ({}, until {})", waiver.reason, waiver.owner, waiver.expires);
        out.push_str(&format!("- **Waived**: {}\n", code(&text)));
    }
    if entry.class.wants_mending() {
        out.push_str(&remedies(entry));
    }
    let source = format!("{}, {}", first.source.doc, first.source.at);
    out.push_str(&format!("- **Source**: {}\n", prose(&sentence(&source))));
    out
}

fn remedies(entry: &Entry<'_>) -> String {
    let remedies = entry.remedies();
    let mut out = format!("- **Shows as**: {}\n", prose(&sentence(&entry.first.symptom)));
    for (remedy, targets) in &remedies {
        let on = match remedies.len() {
            1 => String::new(),
            _ => format!(" on {}", names(targets.iter().copied())),
        };
        let downtime = if remedy.downtime { " **This needs downtime.**" } else { "" };
        out.push_str(&format!("- **Do**{on}: {}{downtime}\n", prose(&sentence(&remedy.text))));
        if !remedy.commands.is_empty() {
            let lines = block(&remedy.commands);
            let indented: String = lines.lines().map(|line| format!("  {line}\n")).collect();
            out.push_str(&format!("\n{indented}\n"));
        }
    }
    out
}

fn silence(silence: &Silence<'_>) -> String {
    let mut out = format!(
        "### {} for one cause\n\n- **Because**: {}\n",
        counted(silence.checks(), "check"),
        code(silence.cause)
    );
    let whole: Vec<&str> = silence.silent.iter().filter(|s| s.wholly).map(|s| s.target).collect();
    if !whole.is_empty() {
        out.push_str(&format!("- **Nothing is known of**: {}\n", names(whole.into_iter())));
    }
    for silent in silence.silent.iter().filter(|silent| !silent.wholly) {
        let checks = names(silent.checks.iter().copied());
        out.push_str(&format!("- **Checks of** {}: {checks}\n", code(silent.target)));
    }
    out
}

fn targets(report: &Report) -> String {
    let rows = by_target(report);
    if rows.len() < 2 {
        return String::new();
    }
    let rows: String = rows
        .iter()
        .map(|(name, results)| {
            let of = |class| results.iter().filter(|r| Class::of(r) == class).count();
            format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                cell(name),
                Verdict::of_target(results).words(),
                of(Class::Blocker),
                of(Class::Unknown),
                of(Class::Warning),
                of(Class::Pass)
            )
        })
        .collect();
    format!(
        "\n## Targets\n\n| Target | Verdict | Blockers | Unknown | Warnings | Passed |\n\
         |---|---|---:|---:|---:|---:|\n{rows}"
    )
}

/// What passed and what has no meaning, where there are few targets.
fn quiet(report: &Report) -> String {
    if report.targets.len() > LISTED_TARGETS {
        return String::new();
    }
    let several = report.targets.len() > 1;
    let mut out = String::new();
    for (class, heading) in [(Class::Pass, "Passed"), (Class::NotApplicable, "Not applicable")] {
        let rows: String = report
            .results
            .iter()
            .filter(|result| Class::of(result) == class)
            .map(|result| {
                let on =
                    if several { format!("| {} ", cell(&result.target)) } else { String::new() };
                format!("{on}| {} | {} |\n", cell(&result.check), cell(&result.found))
            })
            .collect();
        if !rows.is_empty() {
            let (on, bar) = if several { ("| Target ", "|---") } else { ("", "") };
            out.push_str(&format!(
                "\n## {heading}\n\n{on}| Check | Found |\n{bar}|---|---|\n{rows}"
            ));
        }
    }
    out
}

fn not_asked(outline: &Outline<'_>) -> String {
    let rows: String = outline
        .unasked
        .iter()
        .map(|group| {
            let ids: Vec<&str> = group.checks.keys().copied().collect();
            format!(
                "- {} {} {}: {}. {}\n",
                counted(ids.len(), "more check"),
                if ids.len() == 1 { "needs" } else { "need" },
                prose(&group.who()),
                prose(&group.how()),
                names(ids.into_iter())
            )
        })
        .collect();
    if rows.is_empty() { rows } else { format!("\n## Not asked\n\n{rows}") }
}

fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(code).collect::<Vec<_>>().join(", ")
}

/// A text from elsewhere as a code span, in a fence longer than any in it.
pub(super) fn code(text: &str) -> String {
    let text = visible(text);
    if text.is_empty() {
        return "(nothing)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    let edge = |end: Option<char>| matches!(end, Some('`' | ' '));
    let pad = if edge(text.chars().next()) || edge(text.chars().last()) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// As [`code`], for a table: there a bar ends the cell, even in code.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\u{7c}")
}

/// A text of a definition: code where it has backticks in pairs, and everything else escaped that
/// could be markup.
pub(super) fn prose(text: &str) -> String {
    let piece = |(is_code, text): (bool, &str)| if is_code { code(text) } else { escaped(text) };
    pieces(text).into_iter().map(piece).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for char in visible(text).chars() {
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
pub(super) fn block(commands: &[String]) -> String {
    let lines: Vec<String> = commands.iter().map(|line| visible(line)).collect();
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

        1 blocker on 1 of 2 targets has to be mended before you go on. 1 check could not be decided. 1 more was not asked.

        Judged: 2 targets, 7 checks.

        | Blockers | Unknown | Warnings | Waived | Passed | Not applicable |
        |---:|---:|---:|---:|---:|---:|
        | 1 | 1 | 2 | 1 | 1 | 1 |

        ## Blockers

        ### `a.blocker`: it holds

        - **Found**: `/mnt/retention is vfat` on `mt1`
        - **Severity**: blocks-reprotect
        - **Shows as**: symptom
        - **Do**: Mend it. **This needs downtime.**

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
        - **Do**: Mend it.
        - **Source**: field, a

        ### `a.info`: it holds

        - **Found**: `found` on `mt1`
        - **Severity**: info
        - **Shows as**: symptom
        - **Do**: Mend it.
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

        ## Not asked

        - 1 more check needs vCenter or ESXi: add --vcenter vsphere://USER@HOST, or vcenter: in --site. `vm.b`

        ## Notes

        - `the waiver of x for y expired`

        preflight 1.2.3, judged 2026-11-20T03:00:00Z
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
            assert_eq!(code(text), expected);
        }
        assert_eq!(cell("a|b\\|c"), "`a\\u{7c}b\\\\u{7c}c`");
    }

    #[test]
    fn what_checks_say_is_no_markup() {
        assert_eq!(prose(r"home\x <b> *a* [l](u) $x$"), r"home\\x &lt;b&gt; \*a\* \[l\](u) \$x\$");
        assert_eq!(prose("see `ks=<x>` and `"), "see \\`ks=&lt;x&gt;\\` and \\`");
        assert_eq!(prose("see `ks=<x>` there_"), "see `ks=<x>` there\\_");
        assert_eq!(block(&["echo ```".to_owned()]), "````sh\necho ```\n````");
    }
}
