//! `%packages`: there, not empty, minimal, and complete or else refused.

use super::{Findings, LintSubject};
use crate::installer::kickstart::parse::{Section, SectionKind};

pub(super) fn check(subject: &LintSubject<'_>, findings: &mut Findings) {
    let mut sections = subject.document.sections_of(SectionKind::Packages).peekable();
    if sections.peek().is_none() {
        findings
            .error(0, "no-packages", "there is no %packages section, so the installer stops")
            .hint("add %packages with @core, and %end");
    }
    for section in sections {
        check_section(subject, section, findings);
    }
}

fn check_section(subject: &LintSubject<'_>, section: &Section, findings: &mut Findings) {
    if section.header.has("--ignoremissing") {
        findings
            .error(
                section.line,
                "ignore-missing",
                "a package that is missing is left out without a word",
            )
            .hint("remove --ignoremissing, and put the package on the disc");
    }
    let no_base = section.header.has("--nobase");
    if no_base && !subject.is_el6() {
        findings
            .warning(section.line, "nobase-on-el7", "the el7 installer makes nothing of --nobase")
            .hint("remove it");
    }
    let mut names = 0;
    for (line, text) in section.numbered_lines() {
        let name = text.split('#').next().unwrap_or_default().trim();
        if name.is_empty() || ["%include ", "%ksappend "].iter().any(|word| name.starts_with(word))
        {
            continue;
        }
        names += 1;
        let bare = name.trim_start_matches(['-', '@', '^']);
        if name.starts_with('@') && !matches!(name, "@core" | "@Core") {
            let message = format!("{name} is more than S001's minimal installation");
            findings.warning(line, "not-minimal", message);
        } else if name.starts_with('%') || !name.starts_with('@') && bare.contains([' ', '\t']) {
            findings
                .error(line, "bad-package-name", format!("{name:?} is not a package"))
                .hint("write one package or @group on each line");
        }
    }
    if names == 0 {
        findings.error(section.line, "no-packages", "%packages names nothing").hint("write @core");
    }
    let without_base = no_base || section.body.iter().any(|line| line.trim() == "-@base");
    if subject.is_el6() && !without_base {
        findings
            .warning(section.line, "not-minimal", "el6 adds the group base of its own accord")
            .hint("add --nobase");
    }
}
