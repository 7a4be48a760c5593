//! Whether a kickstart's text says exactly what was meant: the same commands in the same order,
//! the same packages, the same scripts, nothing else.
//!
//! Not for whether what was meant is good (`lint`).

use super::model::Kickstart;
use super::parse::{SectionKind, parse};
use crate::installer::disc_layout;

/// Where a text differs from what was meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KickstartDifference {
    /// The line that names the manifest is not the first.
    #[error("line 1 does not name the manifest, expected {0:?}")]
    Head(String),
    /// A command that differs.
    #[error("line {line}: expected {expected:?}, the text says {seen:?}")]
    Line {
        /// Where.
        line: usize,
        /// What was meant.
        expected: String,
        /// What is there.
        seen: String,
    },
    /// Something that was meant and is not there.
    #[error("{0:?} is missing")]
    Missing(String),
    /// Something that was not meant.
    #[error("line {0}: {1:?} was not meant")]
    Surplus(usize, String),
    /// A section's lines differ.
    #[error("line {0}: the section {1:?} does not hold what was meant")]
    Body(usize, String),
}

/// Compares a text with its model.
///
/// # Errors
///
/// The first difference.
pub fn verify(kickstart: &Kickstart, text: &str) -> Result<(), KickstartDifference> {
    let expected = format!("# preflight-manifest: /{}", disc_layout::CHECKSUMS);
    if text.lines().next() != Some(expected.as_str()) {
        return Err(KickstartDifference::Head(expected));
    }
    let document = parse(text);
    if let Some(line) = document.includes.iter().chain(&document.stray_ends).min() {
        let seen = text.lines().nth(line - 1).unwrap_or_default().to_owned();
        return Err(KickstartDifference::Surplus(*line, seen));
    }
    let commands: Vec<(usize, String)> =
        document.commands.iter().map(|p| (p.line, p.command.to_string())).collect();
    let meant: Vec<String> = kickstart.commands().map(ToString::to_string).collect();
    compare(&meant, &commands)?;

    let headers: Vec<(usize, String)> =
        document.sections.iter().map(|s| (s.line, s.header.to_string())).collect();
    let mut meant = vec![kickstart.packages.0.to_string()];
    meant.extend(kickstart.scripts.iter().map(|script| script.header.to_string()));
    compare(&meant, &headers)?;

    let mut scripts = kickstart.scripts.iter();
    for section in &document.sections {
        let same = section.end.is_some()
            && match section.kind() {
                SectionKind::Packages => document.packages() == kickstart.packages.1,
                _ => scripts.next().is_some_and(|script| section.text() == script.body),
            };
        if !same {
            let header = section.header.to_string();
            return Err(KickstartDifference::Body(section.line, header));
        }
    }
    Ok(())
}

fn compare(meant: &[String], seen: &[(usize, String)]) -> Result<(), KickstartDifference> {
    for (index, expected) in meant.iter().enumerate() {
        match seen.get(index) {
            None => return Err(KickstartDifference::Missing(expected.clone())),
            Some((line, seen)) if seen != expected => {
                return Err(KickstartDifference::Line {
                    line: *line,
                    expected: expected.clone(),
                    seen: seen.clone(),
                });
            }
            Some(_) => {}
        }
    }
    match seen.get(meant.len()) {
        None => Ok(()),
        Some((line, seen)) => Err(KickstartDifference::Surplus(*line, seen.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::Command;
    use super::super::model::{CommandGroup, ScriptSection};
    use super::*;
    use crate::packages::generation::Generation;

    fn meant() -> Kickstart {
        Kickstart {
            generation: Generation::EL6,
            template: String::new(),
            head: Vec::new(),
            groups: vec![CommandGroup {
                note: "",
                commands: vec![
                    Command::new("text", [""; 0]),
                    Command::new("bootloader", ["--append=a b"]),
                ],
            }],
            packages: (Command::new("%packages", [""; 0]), vec!["@core".into(), "perl".into()]),
            scripts: vec![ScriptSection {
                header: Command::new("%post", ["--erroronfail"]),
                body: "echo 1\n".into(),
            }],
        }
    }

    const TEXT: &str = "\
# preflight-manifest: /preflight/manifest.sha256
text
bootloader --append='a b'
%packages
@core
perl
%end
%post --erroronfail
echo 1
%end
";

    #[test]
    fn whatever_differs_from_what_was_meant_is_named() {
        assert_eq!(verify(&meant(), TEXT), Ok(()));
        for (from, to, message) in [
            ("# pre", "# Pre", "line 1 does not name the manifest"),
            ("'a b'", "a b", "line 3: expected \"bootloader --append='a b'\", the text says"),
            ("text\n", "", "line 2: expected \"text\", the text says \"bootloader"),
            ("%packages", "poweroff\n%packages", "line 4: \"poweroff\" was not meant"),
            ("%packages", "%include /x\n%packages", "line 4: \"%include /x\" was not meant"),
            ("perl\n", "perl\nnmap\n", "line 4: the section \"%packages\" does not hold"),
            ("echo 1", "echo 2", "line 8: the section \"%post --erroronfail\" does not hold"),
            ("1\n%end", "1", "line 8: the section \"%post --erroronfail\" does not hold"),
            (" --erroronfail", "", "line 8: expected \"%post --erroronfail\", the text says"),
            ("%post", "%pre\n%end\n%post", "line 8: expected \"%post --erroronfail\", the"),
            ("1\n%end\n", "1\n%end\n%pre\n%end\n", "line 11: \"%pre\" was not meant"),
        ] {
            let text = TEXT.replacen(from, to, 1);
            assert_ne!(text, TEXT);
            let seen = verify(&meant(), &text).unwrap_err().to_string();
            assert!(seen.starts_with(message), "{from:?} -> {to:?}: {seen}");
        }
        let short = TEXT.replace("bootloader --append='a b'\n", "");
        assert_eq!(
            verify(&meant(), &short).unwrap_err(),
            KickstartDifference::Missing("bootloader --append='a b'".into())
        );
    }
}
