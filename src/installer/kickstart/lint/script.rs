//! Shell scripts of sections: blocks that are opened and never closed, so that the shell reads to
//! the end and runs nothing.
//!
//! Not a shell's grammar: only `if`, loops, `case` and braces are followed, and a script that this
//! reader loses its way in is left alone.

use super::{Findings, LintSubject};
use crate::installer::kickstart::parse::Section;

/// Interpreters of this language.
const SHELLS: &[&str] = &["/bin/sh", "/bin/bash", "/usr/bin/sh", "/usr/bin/bash"];

pub(super) fn check(subject: &LintSubject<'_>, findings: &mut Findings) {
    for section in subject.document.sections.iter().filter(|section| section.is_script()) {
        let interpreter = section.header.option("--interpreter").unwrap_or("/bin/sh");
        if SHELLS.contains(&interpreter) {
            check_section(section, findings);
        }
    }
}

fn check_section(section: &Section, findings: &mut Findings) {
    match check_blocks(&section.text()) {
        Ok(()) => {}
        Err(UnbalancedBlock::Open { word, line }) => {
            let closing = closing_words(word).join(" or ");
            findings
                .error(
                    section.line + line,
                    "unclosed-block",
                    format!("{word} is not closed, so the shell runs nothing of the script"),
                )
                .at_word(word)
                .hint(format!("add {closing}"));
        }
        Err(UnbalancedBlock::Stray { word, line }) => {
            findings
                .error(section.line + line, "stray-word", format!("{word:?} closes nothing"))
                .at_word(&word);
        }
    }
}

/// A block that does not end, or an end that has no block; lines are counted from 1.
#[derive(Debug, PartialEq, Eq)]
enum UnbalancedBlock {
    Open { word: &'static str, line: usize },
    Stray { word: String, line: usize },
}

/// The words that open a block.
const OPENING: &[&str] = &["if", "for", "while", "until", "select", "case", "{"];

fn closing_words(opening: &str) -> &'static [&'static str] {
    match opening {
        "if" => &["fi"],
        "case" => &["esac"],
        "{" => &["}"],
        _ => &["done"],
    }
}

/// Words behind which a command begins.
const BEFORE_A_COMMAND: &[&str] =
    &["then", "do", "else", "elif", "if", "while", "until", "!", "{", "time"];

/// Whether every block of a script is closed. What cannot be followed counts as closed.
fn check_blocks(text: &str) -> Result<(), UnbalancedBlock> {
    let Some(words) = tokenize(text) else { return Ok(()) };
    let mut open: Vec<(&'static str, usize)> = Vec::new();
    let mut at_command = true;
    // In a case, patterns stand where commands do, up to their parenthesis.
    let mut pattern = false;
    let mut words = words.into_iter().peekable();
    while let Some(Token { word, line, quoted }) = words.next() {
        if matches!(word.as_str(), "\n" | ";" | "&" | "&&" | "||" | "|" | "(" | ")" | ";;" | ";&") {
            if pattern && word == ")" {
                pattern = false;
            } else if matches!(word.as_str(), ";;" | ";&") {
                pattern = true;
            }
            at_command = true;
            continue;
        }
        if quoted || !at_command || (pattern && word != "esac") {
            if word == "in"
                && !quoted
                && open.last().is_some_and(|(word, _)| *word == "case")
                && !pattern
            {
                pattern = true;
            }
            at_command = false;
            continue;
        }
        if words.peek().is_some_and(|next| next.word == "(") && !OPENING.contains(&word.as_str()) {
            at_command = true;
            continue;
        }
        if word == "function" {
            // Its name; behind it stands its body.
            words.next();
            continue;
        }
        if let Some(opening) = OPENING.iter().find(|opening| **opening == word) {
            open.push((opening, line));
        } else if ["fi", "done", "esac", "}"].contains(&word.as_str()) {
            match open.pop() {
                Some((opening, _)) if closing_words(opening).contains(&word.as_str()) => {
                    pattern = false
                }
                _ => return Err(UnbalancedBlock::Stray { word, line }),
            }
        }
        at_command = BEFORE_A_COMMAND.contains(&word.as_str());
    }
    open.last().map_or(Ok(()), |(word, line)| Err(UnbalancedBlock::Open { word, line: *line }))
}

struct Token {
    word: String,
    line: usize,
    /// Whether any of it was quoted or came of an expansion, so that it is no word of the grammar.
    quoted: bool,
}

/// The words and operators of a script; none where a quote does not end.
fn tokenize(text: &str) -> Option<Vec<Token>> {
    let mut tokens: Vec<Token> = Vec::new();
    let (mut word, mut quoted, mut line) = (String::new(), false, 1);
    let mut heredocs: Vec<(String, bool)> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => {
                if chars.next()? == '\n' {
                    line += 1;
                } else {
                    quoted = true;
                }
            }
            '\'' => {
                quoted = true;
                loop {
                    match chars.next()? {
                        '\'' => break,
                        '\n' => line += 1,
                        _ => {}
                    }
                }
            }
            '"' => {
                quoted = true;
                line += skip_double_quotes(&mut chars)?;
            }
            '`' => {
                quoted = true;
                line += skip_backticks(&mut chars)?;
            }
            '$' => {
                quoted = true;
                line += skip_expansion(&mut chars)?;
            }
            '#' if word.is_empty() && !quoted => {
                while chars.next_if(|next| *next != '\n').is_some() {}
            }
            '\n' => {
                end_word(&mut tokens, &mut word, &mut quoted, line);
                tokens.push(Token { word: "\n".to_owned(), line, quoted: false });
                line += 1;
                for (end, tabs) in std::mem::take(&mut heredocs) {
                    line += skip_heredoc(&mut chars, &end, tabs)?;
                }
            }
            ' ' | '\t' => end_word(&mut tokens, &mut word, &mut quoted, line),
            '<' if chars.peek() == Some(&'<') => {
                end_word(&mut tokens, &mut word, &mut quoted, line);
                chars.next();
                if chars.next_if_eq(&'<').is_none() {
                    heredocs.push(heredoc_delimiter(&mut chars)?);
                }
            }
            '<' | '>' => {
                // A redirection's target is no command.
                end_word(&mut tokens, &mut word, &mut quoted, line);
                while chars.next_if(|next| ['>', '&', '|', '<'].contains(next)).is_some() {}
                if chars.next_if_eq(&'(').is_some() {
                    line += skip_parentheses(&mut chars)?;
                }
                word.push('>');
                quoted = true;
            }
            ';' | '&' | '|' => {
                end_word(&mut tokens, &mut word, &mut quoted, line);
                let mut operator = String::from(char);
                if let Some(next) =
                    chars.next_if(|next| *next == char || (char == ';' && *next == '&'))
                {
                    operator.push(next);
                }
                tokens.push(Token { word: operator, line, quoted: false });
            }
            '(' | ')' => {
                let assignment = char == '(' && word.ends_with('=');
                if assignment {
                    line += skip_parentheses(&mut chars)?;
                    quoted = true;
                    continue;
                }
                if char == '(' && word.is_empty() && chars.peek() == Some(&'(') {
                    line += skip_parentheses(&mut chars)?;
                    quoted = true;
                    continue;
                }
                end_word(&mut tokens, &mut word, &mut quoted, line);
                tokens.push(Token { word: char.to_string(), line, quoted: false });
            }
            other => word.push(other),
        }
    }
    end_word(&mut tokens, &mut word, &mut quoted, line);
    Some(tokens)
}

fn end_word(tokens: &mut Vec<Token>, word: &mut String, quoted: &mut bool, line: usize) {
    if !word.is_empty() || *quoted {
        tokens.push(Token { word: std::mem::take(word), line, quoted: *quoted });
        *quoted = false;
    }
}

type Chars<'t> = std::iter::Peekable<std::str::Chars<'t>>;

/// The end mark of a here-document, and whether tabs before it count for nothing.
fn heredoc_delimiter(chars: &mut Chars<'_>) -> Option<(String, bool)> {
    let tabs = chars.next_if_eq(&'-').is_some();
    while chars.next_if(|next| *next == ' ' || *next == '\t').is_some() {}
    let mut end = String::new();
    while let Some(char) = chars.next_if(|next| !next.is_whitespace() && !";&|<>()".contains(*next))
    {
        if !['\'', '"', '\\'].contains(&char) {
            end.push(char);
        }
    }
    (!end.is_empty()).then_some((end, tabs))
}

/// Skips a here-document. Returns its number of lines; none when it does not end.
fn skip_heredoc(chars: &mut Chars<'_>, end: &str, tabs: bool) -> Option<usize> {
    let mut lines = 0;
    loop {
        chars.peek()?;
        let mut line = String::new();
        while let Some(char) = chars.next_if(|next| *next != '\n') {
            line.push(char);
        }
        chars.next();
        lines += 1;
        let line = if tabs { line.trim_start_matches('\t') } else { &line };
        if line == end {
            return Some(lines);
        }
    }
}

fn skip_double_quotes(chars: &mut Chars<'_>) -> Option<usize> {
    let mut lines = 0;
    loop {
        match chars.next()? {
            '"' => return Some(lines),
            '\\' => lines += usize::from(chars.next()? == '\n'),
            '\n' => lines += 1,
            '`' => lines += skip_backticks(chars)?,
            '$' => lines += skip_expansion(chars)?,
            _ => {}
        }
    }
}

fn skip_backticks(chars: &mut Chars<'_>) -> Option<usize> {
    let mut lines = 0;
    loop {
        match chars.next()? {
            '`' => return Some(lines),
            '\\' => lines += usize::from(chars.next()? == '\n'),
            '\n' => lines += 1,
            _ => {}
        }
    }
}

/// Skips what follows a dollar sign, with all that it holds.
fn skip_expansion(chars: &mut Chars<'_>) -> Option<usize> {
    if chars.next_if_eq(&'(').is_some() {
        return skip_parentheses(chars);
    }
    if chars.next_if_eq(&'{').is_none() {
        // `$#` begins no comment.
        chars.next_if_eq(&'#');
        return Some(0);
    }
    let mut lines = 0;
    loop {
        match chars.next()? {
            '}' => return Some(lines),
            '\\' => lines += usize::from(chars.next()? == '\n'),
            '\n' => lines += 1,
            '"' => lines += skip_double_quotes(chars)?,
            '$' => lines += skip_expansion(chars)?,
            _ => {}
        }
    }
}

/// Up to the parenthesis that closes, quotes and nested ones passed over. A `case` in a
/// substitution has a parenthesis more, and then the script is not followed.
fn skip_parentheses(chars: &mut Chars<'_>) -> Option<usize> {
    let (mut lines, mut depth) = (0, 1);
    let mut before = ' ';
    loop {
        let char = chars.next()?;
        match char {
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return Some(lines);
                }
            }
            '(' => depth += 1,
            '\\' => lines += usize::from(chars.next()? == '\n'),
            '\n' => lines += 1,
            '\'' => loop {
                match chars.next()? {
                    '\'' => break,
                    '\n' => lines += 1,
                    _ => {}
                }
            },
            '"' => lines += skip_double_quotes(chars)?,
            '`' => lines += skip_backticks(chars)?,
            '#' if before.is_whitespace() => while chars.next_if(|next| *next != '\n').is_some() {},
            _ => {}
        }
        before = char;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_blocks_are_let_be() {
        for script in [
            "",
            "echo if\n",
            "if true; then echo; fi\n",
            "if true\nthen\n  for i in a b; do echo $i; done\nelse\n  while :; do break; done\nfi\n",
            "case $x in\n  if) echo;;\n  a|b) if true; then :; fi;;\n  (c) ;;\n  *) ;;\nesac\n",
            "case \"$1\" in start) run ;; esac; echo done\n",
            "f() {\n  echo }\n}\nf\n",
            "function f {\n echo\n}\n",
            "cat <<X\nif this\nX\necho <<'Y' done\nfor\nY\n",
            "cat <<-X\n\tif\n\tX\n",
            "echo \"if $(if true; then echo; fi)\" # if\n",
            "a=(if for); b=$((1<<2)); [ $# -gt 1 ] && echo\n",
            "x=`if true; then echo; fi`\n",
            "{ echo a; } > /tmp/x\n( if true; then :; fi )\n",
            "for i in 1 2\ndo\n echo; done >> /x 2>&1 || if true; then :; fi\n",
            "echo ${x:-\"a}\"} ${#y}\n",
            "while read a; do :; done < <(if true; then :; fi)\n",
            "echo 'unfinished\nif\n",
        ] {
            assert_eq!(check_blocks(script), Ok(()), "{script:?}");
        }
    }

    #[test]
    fn what_is_open_is_told_with_its_line() {
        for (script, word, line) in [
            ("echo\nif true; then\n echo\n", "if", 2),
            ("for i in a; do\n echo\n", "for", 1),
            ("\n\nwhile true; do if :; then :; fi\n", "while", 3),
            ("case x in\n a) echo;;\n", "case", 1),
            ("f() {\n echo\n", "{", 1),
            ("cat <<X\nif\nX\nif true; then :\n", "if", 4),
            ("if a; then if b; then :; fi\n", "if", 1),
        ] {
            assert_eq!(
                check_blocks(script),
                Err(UnbalancedBlock::Open { word, line }),
                "{script:?}"
            );
        }
        for (script, word, line) in
            [("fi\n", "fi", 1), ("echo\nif true; then :; done\n", "done", 2), ("echo; }\n", "}", 1)]
        {
            assert_eq!(
                check_blocks(script),
                Err(UnbalancedBlock::Stray { word: word.to_owned(), line }),
                "{script:?}"
            );
        }
    }
}
