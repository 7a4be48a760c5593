//! A shell script of a kickstart as far as it can be followed without running it: which commands
//! run for certain, which only under a condition, and where it ends.
//!
//! Not a shell: nothing is expanded, and what a command does is for others to say.

use std::collections::BTreeMap;

/// One simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScriptStep {
    /// Its words without quotes; assignments in front are left out. Empty for a redirection that
    /// stands alone or behind a block.
    pub(super) words: Vec<String>,
    /// The files that its output or input is redirected to.
    pub(super) redirects: Vec<String>,
    /// Whether it runs whenever the script does.
    pub(super) is_certain: bool,
    /// The function it is part of.
    pub(super) function: Option<String>,
}

/// A parsed script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ParsedScript {
    /// Its commands in order, up to where it ends for certain.
    pub(super) steps: Vec<ScriptStep>,
    /// The functions it defines, and the status each exits with where it does.
    pub(super) functions: BTreeMap<String, Option<ScriptExit>>,
}

/// How a script ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScriptExit {
    /// With a status that is known not to be 0.
    Failure,
    /// With 0, or with an unknown status.
    Silent,
}

impl ParsedScript {
    /// How a command ends the script, itself or through a function.
    pub(super) fn exit(&self, step: &ScriptStep) -> Option<ScriptExit> {
        let name = step.words.first()?.as_str();
        match name {
            "exit" | "return" => Some(exit_status(step.words.get(1).map(String::as_str))),
            "exec" => (step.words.len() > 1).then_some(ScriptExit::Silent),
            "reboot" | "poweroff" | "halt" | "shutdown" | "init" => Some(ScriptExit::Silent),
            "kill" | "pkill" | "killall" => Some(ScriptExit::Silent),
            _ => self.functions.get(name).copied().flatten(),
        }
    }
}

fn exit_status(word: Option<&str>) -> ScriptExit {
    match word.map(str::parse::<i64>) {
        Some(Ok(number)) if number % 256 != 0 => ScriptExit::Failure,
        _ => ScriptExit::Silent,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// A redirection, whose file is the next word.
    Redirect,
    Operator(&'static str),
}

/// Parses a script. Never fails: text that is not shell gives whatever steps are recognised.
pub(super) fn parse(text: &str) -> ParsedScript {
    let mut parser = Parser::default();
    for token in tokenize(text) {
        parser.push(token);
    }
    parser.end_command("\n");
    parser.script
}

const OPERATORS: &[&str] = &["\n", ";;", "&&", "||", ";", "&", "|", "(", ")"];

fn tokenize(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    // Delimiters of here-documents whose text begins behind the next line feed.
    let mut documents: Vec<String> = Vec::new();
    let mut is_delimiter = false;
    while let Some(first) = rest.chars().next() {
        if matches!(first, ' ' | '\t' | '\r') {
            rest = &rest[1..];
        } else if let Some(after) = rest.strip_prefix("\\\n") {
            rest = after;
        } else if first == '#' {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if let Some(length) = redirection_len(rest) {
            is_delimiter = rest[..length].contains("<<") && !rest[..length].contains("<<<");
            tokens.push(Token::Redirect);
            rest = &rest[length..];
        } else if let Some(operator) = OPERATORS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Operator(operator));
            rest = &rest[operator.len()..];
            if *operator == "\n" {
                for document in documents.drain(..) {
                    rest = skip_heredoc(rest, &document);
                }
            }
        } else {
            let (word, after) = split_word(rest);
            rest = after;
            if std::mem::take(&mut is_delimiter) {
                documents.push(word.clone());
            }
            tokens.push(Token::Word(word));
        }
    }
    tokens
}

/// The length of a redirection's sign, with the number of a file before it.
fn redirection_len(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let signs = ["<<<", "<<-", "<<", "<>", "<&", ">>", ">&", ">|", "&>", "<", ">"];
    let sign = signs.iter().find(|sign| text[digits..].starts_with(**sign))?;
    Some(digits + sign.len())
}

/// What follows the line that ends a here-document.
fn skip_heredoc<'t>(text: &'t str, delimiter: &str) -> &'t str {
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after;
        if line.trim_start_matches('\t') == delimiter {
            break;
        }
    }
    rest
}

/// The word that a text begins with, without its quotes, and what follows it.
fn split_word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut chars = text.char_indices().peekable();
    let mut quote = None;
    let mut depth = 0_usize;
    while let Some((at, char)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        match (quote, char) {
            (Some(open), close) if open == close => quote = None,
            (Some('\''), inner) => word.push(inner),
            (_, '\\') => {
                if let Some((_, escaped)) = chars.next()
                    && escaped != '\n'
                {
                    word.push(escaped);
                }
            }
            // A command or a value in a word: its blanks and signs are the word's.
            (_, '$') if matches!(next, Some('(' | '{')) => word.push(char),
            (_, '(' | '{') if depth > 0 || word.ends_with('$') => {
                depth += 1;
                word.push(char);
            }
            (_, ')' | '}') if depth > 0 => {
                depth -= 1;
                word.push(char);
            }
            (_, inner) if depth > 0 => word.push(inner),
            (None, '\'' | '"' | '`') => quote = Some(char),
            (Some(_), inner) => word.push(inner),
            (None, ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>') => {
                return (word, &text[at..]);
            }
            (None, other) => word.push(other),
        }
    }
    (word, "")
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Block {
    /// `if`, a loop, a list in braces or parentheses.
    Plain(&'static str),
    Case,
    Function(String),
}

#[derive(Default)]
struct Parser {
    script: ParsedScript,
    open: Vec<Block>,
    words: Vec<String>,
    redirects: Vec<String>,
    is_redirect: bool,
    /// Whether `&&`, `||` or `|` decides about the command.
    is_conditional: bool,
    /// The name of a function whose body follows.
    named: Option<String>,
    stops_at_errors: bool,
    has_ended: bool,
}

impl Parser {
    fn push(&mut self, token: Token) {
        match token {
            Token::Redirect => self.is_redirect = true,
            Token::Word(word) if std::mem::take(&mut self.is_redirect) => self.redirects.push(word),
            Token::Word(word) => self.word(word),
            Token::Operator(sign) => self.operator(sign),
        }
    }

    fn word(&mut self, word: String) {
        if !self.words.is_empty() {
            if self.words == ["function"] {
                self.words.clear();
                self.named = Some(word);
                return;
            }
            // `for x do`, `case x in` and the like are words of a command that is thrown away.
            if word == "in" && self.words[0] == "case" {
                self.words.clear();
            } else {
                self.words.push(word);
            }
            return;
        }
        match word.as_str() {
            "if" => self.open.push(Block::Plain("fi")),
            "while" | "until" => self.open.push(Block::Plain("done")),
            "for" | "select" => {
                self.open.push(Block::Plain("done"));
                self.words.push(word);
            }
            "case" => {
                self.open.push(Block::Case);
                self.words.push(word);
            }
            "then" | "else" | "elif" | "do" | "!" | "time" => {}
            "{" => {
                let block = self.named.take().map_or(Block::Plain("}"), Block::Function);
                if let Block::Function(name) = &block {
                    self.script.functions.entry(name.clone()).or_insert(None);
                }
                self.open.push(block);
            }
            "fi" | "done" => self.close_block(|block| {
                *block == Block::Plain("fi") || *block == Block::Plain("done")
            }),
            "}" => self.close_block(|block| {
                *block == Block::Plain("}") || matches!(block, Block::Function(_))
            }),
            "esac" => self.close_block(|block| *block == Block::Case),
            _ => self.words.push(word),
        }
    }

    fn close_block(&mut self, is_match: impl Fn(&Block) -> bool) {
        if self.open.last().is_some_and(is_match) {
            self.open.pop();
        }
    }

    fn operator(&mut self, sign: &'static str) {
        match sign {
            "(" if self.words.len() == 1 => self.named = self.words.pop(),
            "(" if self.words.is_empty() && self.open.last() != Some(&Block::Case) => {
                self.open.push(Block::Plain(")"));
            }
            ")" if self.named.is_some() && self.words.is_empty() => {}
            // The pattern of a `case`.
            ")" if self.open.last() == Some(&Block::Case) => self.words.clear(),
            ")" => {
                self.end_command(sign);
                self.close_block(|block| *block == Block::Plain(")"));
            }
            _ => self.end_command(sign),
        }
    }

    fn end_command(&mut self, sign: &str) {
        let is_empty = self.words.is_empty();
        let mut words = std::mem::take(&mut self.words);
        let redirects = std::mem::take(&mut self.redirects);
        let heads = words.iter().take_while(|word| is_assignment(word)).count();
        if heads < words.len() {
            words.drain(..heads);
        }
        let is_loop_head = matches!(words.first().map(String::as_str), Some("for" | "select"));
        if !self.has_ended && !is_loop_head && (!words.is_empty() || !redirects.is_empty()) {
            let function = self.open.iter().rev().find_map(|block| match block {
                Block::Function(name) => Some(name.clone()),
                _ => None,
            });
            let is_certain = self.open.is_empty() && !self.is_conditional;
            let is_tested = matches!(sign, "&&" | "||");
            self.add(ScriptStep { words, redirects, is_certain, function }, is_tested);
        }
        if sign != "\n" {
            self.named = None;
        }
        self.is_conditional = match sign {
            "&&" | "||" | "|" => true,
            // A line that ends in `&&` goes on in the next.
            "\n" => self.is_conditional && is_empty,
            _ => false,
        };
    }

    fn add(&mut self, step: ScriptStep, is_tested: bool) {
        let exit = self.script.exit(&step);
        if let (Some(name), Some(exit)) = (&step.function, exit) {
            let known = self.script.functions.entry(name.clone()).or_insert(None);
            *known = if *known == Some(ScriptExit::Silent) { *known } else { Some(exit) };
        }
        let name = step.words.first().map_or("", String::as_str);
        if step.is_certain && name == "set" {
            let flags = step.words.iter().skip(1);
            let flag =
                |sign: char| move |word: &String| word.starts_with(sign) && word.contains('e');
            self.stops_at_errors |= flags.clone().any(flag('-'));
            self.stops_at_errors &= !flags.clone().any(flag('+'));
        }
        let fails = name == "false" && self.stops_at_errors && !is_tested;
        self.has_ended = step.is_certain && (exit.is_some() || fails);
        self.script.steps.push(step);
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands that run for certain, joined by blanks.
    fn certain(text: &str) -> Vec<String> {
        let steps = parse(text).steps;
        let certain = steps.iter().filter(|step| step.is_certain && !step.words.is_empty());
        certain.map(|step| step.words.join(" ")).collect()
    }

    #[test]
    fn what_runs_for_certain_is_told_from_what_may_run() {
        for (text, expected) in [
            ("a b\nc", &["a b", "c"][..]),
            ("a; b && c\nd || e", &["a", "b", "d"]),
            ("a &&\n\n b\nc", &["a", "c"]),
            ("if a; then\n b\nelse\n c\nfi\nd", &["d"]),
            ("for x in a b; do\n c\ndone\nd", &["d"]),
            ("while read -r x; do c; done < f\nd", &["d"]),
            ("case $x in\n a|b) c ;;\n *)\n  d\n  ;;\nesac\ne", &["e"]),
            ("f() {\n a\n}\nb", &["b"]),
            ("f () { a; }\nb", &["b"]),
            ("function f {\n a\n}\nb", &["b"]),
            ("(a; b)\nc", &["c"]),
            ("a <<'X'\nb\nX\nc", &["a", "c"]),
            ("a <<-X\nb\n\tX\nc", &["a", "c"]),
            (": '\na\n'\nb", &[": \na\n", "b"]),
            ("a \\\n b\nc", &["a b", "c"]),
            ("a # b\n# c\nd#e", &["a", "d#e"]),
            ("X=1 Y=2 a b > f 2> /dev/null", &["a b"]),
            ("a \"$(b | c)\" '$d'", &["a $(b | c) $d"]),
            ("a\nexit 0\nb", &["a", "exit 0"]),
            ("f() { exit 1; }\na || f x\nf\nb", &["a", "f"]),
            ("set -e\nfalse\nb", &["set -e", "false"]),
            ("false\nb", &["false", "b"]),
            ("exec > log\nb", &["exec", "b"]),
            ("exec /bin/true\nb", &["exec /bin/true"]),
            ("if true; then exit 0; fi\nb", &["b"]),
        ] {
            assert_eq!(certain(text), expected, "{text:?}");
        }
    }

    #[test]
    fn ways_to_end_a_script_are_told_apart() {
        let script = parse("fail() {\n echo\n exit 1\n}\nskip() { exit; }\nx || fail\ny || skip\n");
        assert_eq!(script.functions["fail"], Some(ScriptExit::Failure));
        assert_eq!(script.functions["skip"], Some(ScriptExit::Silent));
        let exits: Vec<_> =
            script.steps.iter().filter(|s| s.function.is_none()).map(|s| script.exit(s)).collect();
        assert_eq!(exits, [None, Some(ScriptExit::Failure), None, Some(ScriptExit::Silent)]);
    }

    #[test]
    fn odd_texts_do_not_panic() {
        for text in [
            "'", "\"", "`", "$(", "${", "(", ")", "}", "esac", "fi", "<<", "<<X", "\\", "é<",
            "a<<'",
        ] {
            parse(text);
        }
    }
}
