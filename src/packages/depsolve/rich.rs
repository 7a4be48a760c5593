//! Rich dependencies: `(a or b)`, `(a if b else c)`, `(a with b)`, as rpm writes them since 4.13.
//!
//! Not for choosing packages (`solve`). Grammar: rpm's manual, "Boolean Dependencies"; `and`, `or` and `with` may stand between more
//! than two, and all operators of one pair of parentheses are the same.

use super::evr::Relation;
use rpmrepo_metadata::RequirementType;

/// The deepest nesting that is read; packagers write two or three.
const MAX_DEPTH: usize = 16;

/// A dependency on capabilities of type `C`: as written, or as the pool has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rich<C> {
    /// One capability.
    One(C),
    /// All of them.
    And(Vec<Self>),
    /// One of them.
    Or(Vec<Self>),
    /// The first where the second holds; otherwise the third, if there is one.
    If(Box<Self>, Box<Self>, Option<Box<Self>>),
    /// The first where the second does not hold; otherwise the third, and without one it does not hold (rpm, depends.c:
    /// "A UNLESS B -> A AND NOT(B)").
    Unless(Box<Self>, Box<Self>, Option<Box<Self>>),
    /// One package that has all of them.
    With(Vec<C>),
    /// One package that has the first and not the second.
    Without(C, C),
}

/// A capability as it is written: name, relation, `[EPOCH:]VERSION[-RELEASE]`.
pub(super) type Written = (String, Relation, Option<String>);

impl Rich<Written> {
    /// Parses a dependency in parentheses; none where it is not written as rpm would.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { words: words(text)?, at: 0 };
        let parsed = parser.expression(0)?;
        (parser.at == parser.words.len()).then_some(parsed)
    }

    /// Converts every capability.
    pub(super) fn map<D>(&self, convert: &mut dyn FnMut(&Written) -> D) -> Rich<D> {
        let mut each = |parts: &[Self]| parts.iter().map(|part| part.map(convert)).collect();
        match self {
            Self::And(parts) => Rich::And(each(parts)),
            Self::Or(parts) => Rich::Or(each(parts)),
            Self::One(one) => Rich::One(convert(one)),
            Self::With(all) => Rich::With(all.iter().map(convert).collect()),
            Self::Without(one, other) => {
                let one = convert(one);
                Rich::Without(one, convert(other))
            }
            Self::If(then, when, other) => {
                let (then, when) = (then.map(convert), when.map(convert));
                let other = other.as_ref().map(|other| Box::new(other.map(convert)));
                Rich::If(Box::new(then), Box::new(when), other)
            }
            Self::Unless(then, when, other) => {
                let (then, when) = (then.map(convert), when.map(convert));
                let other = other.as_ref().map(|other| Box::new(other.map(convert)));
                Rich::Unless(Box::new(then), Box::new(when), other)
            }
        }
    }
}

impl<C> Rich<C> {
    /// Returns every capability in it.
    pub(super) fn capabilities(&self) -> Vec<&C> {
        match self {
            Self::One(one) => vec![one],
            Self::With(all) => all.iter().collect(),
            Self::Without(one, other) => vec![one, other],
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().flat_map(Self::capabilities).collect()
            }
            Self::If(then, when, other) | Self::Unless(then, when, other) => {
                let parts = [Some(then), Some(when), other.as_ref()].into_iter().flatten();
                parts.flat_map(|part| part.capabilities()).collect()
            }
        }
    }
}

/// Splits at blanks and at parentheses that are no part of a name: `libc.so.6()(64bit)` is one word.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut inside = 0_usize;
    for char in text.chars() {
        match char {
            '(' if word.is_empty() => words.push("(".to_owned()),
            ')' if inside == 0 => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                words.push(")".to_owned());
            }
            ' ' if inside == 0 => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)))
            }
            char => {
                inside = match char {
                    '(' => inside + 1,
                    ')' => inside - 1,
                    _ => inside,
                };
                word.push(char);
            }
        }
    }
    (word.is_empty() && inside == 0).then_some(words)
}

struct Parser {
    words: Vec<String>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> &str {
        self.words.get(self.at).map_or("", String::as_str)
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_it = self.peek() == word;
        self.at += usize::from(is_it);
        is_it
    }

    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.at)?.clone();
        self.at += 1;
        Some(word)
    }

    fn expression(&mut self, depth: usize) -> Option<Rich<Written>> {
        if depth > MAX_DEPTH || !self.takes("(") {
            return None;
        }
        let first = self.operand(depth)?;
        let operator = self.peek().to_owned();
        let mut parts = vec![first];
        let mut other = None;
        while !self.takes(")") {
            if self.takes("else") && matches!(operator.as_str(), "if" | "unless") {
                other = Some(Box::new(self.operand(depth)?));
                return self.takes(")").then(|| conditional(&operator, parts, other)).flatten();
            }
            if !self.takes(&operator) || operator.is_empty() {
                return None;
            }
            parts.push(self.operand(depth)?);
        }
        match operator.as_str() {
            ")" => parts.pop(),
            "and" => Some(Rich::And(parts)),
            "or" => Some(Rich::Or(parts)),
            "with" => Some(Rich::With(parts.into_iter().map(one).collect::<Option<_>>()?)),
            "without" => {
                let [first, second] = <[_; 2]>::try_from(parts).ok()?;
                Some(Rich::Without(one(first)?, one(second)?))
            }
            _ => conditional(&operator, parts, other),
        }
    }

    fn operand(&mut self, depth: usize) -> Option<Rich<Written>> {
        if self.peek() == "(" {
            return self.expression(depth + 1);
        }
        let name = self.next().filter(|word| word != ")")?;
        let relation = match self.peek() {
            "<" => RequirementType::LT,
            "<=" => RequirementType::LE,
            "=" => RequirementType::EQ,
            ">=" => RequirementType::GE,
            ">" => RequirementType::GT,
            _ => return Some(Rich::One((name, Relation::from_flags(None), None))),
        };
        self.at += 1;
        let version = self.next().filter(|word| word != ")" && word != "(")?;
        Some(Rich::One((name, Relation::from_flags(Some(relation)), Some(version))))
    }
}

fn one(part: Rich<Written>) -> Option<Written> {
    match part {
        Rich::One(one) => Some(one),
        _ => None,
    }
}

fn conditional(
    operator: &str,
    parts: Vec<Rich<Written>>,
    other: Option<Box<Rich<Written>>>,
) -> Option<Rich<Written>> {
    let [then, when] = <[_; 2]>::try_from(parts).ok()?;
    match operator {
        "if" => Some(Rich::If(Box::new(then), Box::new(when), other)),
        "unless" => Some(Rich::Unless(Box::new(then), Box::new(when), other)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rich: &Rich<Written>) -> String {
        let name = |(name, relation, version): &Written| {
            version.as_ref().map_or_else(
                || name.clone(),
                |version| format!("{name}{}{version}", relation.operator()),
            )
        };
        let all = |parts: &[Rich<Written>]| parts.iter().map(shown).collect::<Vec<_>>().join(" ");
        match rich {
            Rich::One(one) => name(one),
            Rich::And(parts) => format!("and[{}]", all(parts)),
            Rich::Or(parts) => format!("or[{}]", all(parts)),
            Rich::With(parts) => {
                format!("with[{}]", parts.iter().map(name).collect::<Vec<_>>().join(" "))
            }
            Rich::Without(a, b) => format!("without[{} {}]", name(a), name(b)),
            Rich::If(a, b, c) | Rich::Unless(a, b, c) => {
                let word = if matches!(rich, Rich::If(..)) { "if" } else { "unless" };
                let other = c.as_ref().map_or_else(String::new, |c| format!(" {}", shown(c)));
                format!("{word}[{} {}{other}]", shown(a), shown(b))
            }
        }
    }

    #[test]
    fn what_packagers_write_is_read() {
        for (text, expected) in [
            ("(a)", "a"),
            ("(a and b and c)", "and[a b c]"),
            (
                "(glibc-langpack-en or glibc-all-langpacks)",
                "or[glibc-langpack-en glibc-all-langpacks]",
            ),
            ("(systemd-udev if systemd)", "if[systemd-udev systemd]"),
            ("(a if b else c)", "if[a b c]"),
            ("(a unless b)", "unless[a b]"),
            (
                "((python3.9dist(x) >= 1.2 with python3.9dist(x) < 2) if python3)",
                "if[with[python3.9dist(x)>=1.2 python3.9dist(x)<2] python3]",
            ),
            ("(libc.so.6()(64bit) or (a and (b if c)))", "or[libc.so.6()(64bit) and[a if[b c]]]"),
            ("(kernel without kernel-rt = 1:2-3)", "without[kernel kernel-rt=1:2-3]"),
        ] {
            assert_eq!(shown(&Rich::parse(text).expect(text)), expected, "{text}");
        }
    }

    #[test]
    fn what_nobody_can_mean_is_refused() {
        let deep = format!("{}a{}", "(".repeat(40), ")".repeat(40));
        for text in [
            "",
            "(",
            "()",
            "(a",
            "a)",
            "(a b)",
            "(a and)",
            "(a and b or c)",
            "(a >=)",
            "(a if b if c)",
            "(a else b)",
            "(a) b",
            "((a and b) with c)",
            "(a without b without c)",
            &deep,
        ] {
            assert_eq!(Rich::parse(text), None, "{text}");
        }
    }
}
