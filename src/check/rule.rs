//! One rule: a CEL expression over facts, verified when it is read, decided in three values.
//!
//! A rule is true, false, or cannot be decided because a fact is absent. CEL's `&&`, `||`, `all`
//! and `exists` already let a decided side absorb an undecided one. Anything else that goes wrong
//! is a defect of the rule and is never mistaken for either.
//!
//! Not for what follows of a decision: that is `engine`'s.

use std::sync::OnceLock;

use cel::{ExecutionError, Program};

use super::fact_context::{FactContext, find_missing};
use super::rule_error::{RuleError, RuleFault};
use super::schema::FactType;
use super::steps::{Loops, MAX_STEPS};
use super::typing::{self, Paths};
use super::unknown::UnknownCause;

/// The longest rule that is read, in bytes.
pub const MAX_RULE_BYTES: usize = 2000;

/// A verified rule.
pub struct Rule {
    text: String,
    facts: FactType,
    compiled: OnceLock<Result<CompiledRule, Box<RuleError>>>,
}

/// A compiled rule.
struct CompiledRule {
    program: Program,
    paths: Paths,
    loops: Loops,
}

impl Rule {
    /// Compiles a rule and verifies it against the types of the facts.
    ///
    /// # Errors
    ///
    /// Fails at the first place that is not CEL, not in the facts, or of the wrong type.
    pub fn compile(text: &str, facts: &FactType) -> Result<Self, Box<RuleError>> {
        let rule = Self::prevalidated(text, facts);
        // Nobody else has it yet, so nobody else can have read it.
        rule.compiled.set(Ok(compile(text, facts)?)).ok();
        Ok(rule)
    }

    /// Returns a rule that the tests of this program verify; it is compiled at its first
    /// evaluation. A defect would be reported as one and decide nothing.
    pub(super) fn prevalidated(text: &str, facts: &FactType) -> Self {
        Self { text: text.to_owned(), facts: facts.clone(), compiled: OnceLock::new() }
    }

    /// Compiles the rule if that was put off.
    ///
    /// # Errors
    ///
    /// As [`Rule::compile`].
    pub(super) fn prepare(&self) -> Result<(), &RuleError> {
        self.compiled().map(|_| ())
    }

    fn compiled(&self) -> Result<&CompiledRule, &RuleError> {
        let compiled = self.compiled.get_or_init(|| compile(&self.text, &self.facts));
        compiled.as_ref().map_err(|error| &**error)
    }

    /// Returns the rule as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the facts that the rule names; `[]` stands for every element of a list.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.compiled().ok().into_iter().flat_map(|read| &read.paths).map(String::as_str)
    }

    /// Decides the rule.
    ///
    /// # Errors
    ///
    /// [`UnknownCause::Absent`] when a fact that would decide it is absent.
    pub fn decide(&self, context: &FactContext<'_>) -> Result<bool, UnknownCause> {
        let read = self.compiled().map_err(|error| UnknownCause::Defect(error.to_string()))?;
        let known = &context.document.known;
        if let Some((path, steps)) = read.loops.excess(read.program.expression(), known) {
            let reason = format!(
                "its list is too long: the rule would take {steps} steps, at most {MAX_STEPS} are \
                 taken"
            );
            return Err(UnknownCause::Absent(path, reason));
        }
        match read.program.execute(&context.cel) {
            Ok(cel::Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(UnknownCause::Defect(format!("its value is {other:?}"))),
            Err(ExecutionError::NoSuchKey(key)) => Err(self.find_absence(context, &key)),
            Err(error) => Err(UnknownCause::Defect(error.to_string())),
        }
    }

    /// Finds the named fact that is missing at `key`, and why.
    fn find_absence(&self, context: &FactContext<'_>, key: &str) -> UnknownCause {
        let mut missing = Vec::new();
        for path in self.paths() {
            let known = &context.document.known;
            find_missing(known, path.split('.'), String::new(), &mut missing);
        }
        missing.retain(|(_, at)| at == key);
        let mut reasons = missing.iter().map(|(path, _)| (path, context.absence_reason(path)));
        let unexplained = reasons.clone().find(|(_, reason)| reason.is_none());
        match (unexplained, reasons.next()) {
            (None, Some((path, Some(reason)))) => UnknownCause::Absent(path.clone(), reason),
            (Some((path, _)), _) => UnknownCause::Unexplained(path.clone()),
            (None, _) => UnknownCause::Defect(format!("no such key: {key}")),
        }
    }
}

/// Compiles a text and verifies it against the types of the facts.
fn compile(text: &str, facts: &FactType) -> Result<CompiledRule, Box<RuleError>> {
    let failed = |offset, fault| Box::new(RuleError { text: text.to_owned(), offset, fault });
    if text.len() > MAX_RULE_BYTES {
        let fault = RuleFault::TooLong { bytes: text.len(), most: MAX_RULE_BYTES };
        let start = text.chars().take(60).collect();
        return Err(Box::new(RuleError { text: start, offset: 0, fault }));
    }
    if let Some((offset, char)) = text.char_indices().find(|(_, char)| !char.is_ascii()) {
        return Err(failed(offset, RuleFault::NotAscii(char)));
    }
    let program = Program::compile(text).map_err(|errors| {
        let first = errors.errors.first();
        let place = first.map_or((1, 1), |error| error.pos);
        let message = first.map_or("no expression", |error| error.msg.as_str());
        failed(offset_of(text, place), RuleFault::Syntax(shorten(message).to_owned()))
    })?;
    let (paths, loops) = typing::verify(&program, facts).map_err(|(id, fault)| {
        let (start, _) = program.source_info().offset_for(id).unwrap_or_default();
        failed(caret_offset(text, start as usize), fault)
    })?;
    Ok(CompiledRule { program, paths, loops })
}

/// The byte offset of a line and column, both from 1 as the parser tells them.
fn offset_of(text: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    before + usize::try_from(column).unwrap_or(1).saturating_sub(1)
}

/// A parser's message without the list of every token it would have taken.
fn shorten(message: &str) -> &str {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    message.split(" expecting {").next().unwrap_or(message)
}

/// Returns the offset of the caret for the node at `start`: the member rather than the dot.
fn caret_offset(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or("");
    match rest.strip_prefix('.') {
        Some(member) => text.len() - member.trim_start().len(),
        None => start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::schema::all_facts;
    use crate::facts::Document;
    use serde_json::{Value, json};

    fn decide(rule: &str, image: Value) -> Result<bool, UnknownCause> {
        let document = Document::from_known(json!({ "image": image }));
        Rule::compile(rule, all_facts()).unwrap().decide(&FactContext::from_example(&document))
    }

    fn absent(path: &str) -> Result<bool, UnknownCause> {
        let reason = "not given in the example".to_owned();
        Err(UnknownCause::Absent(path.to_owned(), reason))
    }

    fn refusal(rule: &str) -> String {
        Rule::compile(rule, all_facts()).err().expect(rule).to_string()
    }

    #[test]
    fn a_decided_side_absorbs_an_absent_one_whichever_stands_first() {
        let (a, b) = ("image.medium.hybrid", "image.medium.bios");
        for (rule, expected) in [
            (format!("{a} && {b}"), Ok(false)),
            (format!("{b} && {a}"), Ok(false)),
            (format!("!{a} || {b}"), Ok(true)),
            (format!("{b} || !{a}"), Ok(true)),
            (format!("{a} || {b}"), absent(b)),
            (format!("{b} || {a}"), absent(b)),
            (format!("!{a} && {b}"), absent(b)),
            (format!("{b} && !{a}"), absent(b)),
            (format!("!{b}"), absent(b)),
            (format!("{b} ? true : false"), absent(b)),
            (format!("({b} && {a}) || ({b} && !{a})"), absent(b)),
        ] {
            let image = json!({ "medium": { "hybrid": false } });
            assert_eq!(decide(&rule, image), expected, "{rule}");
        }
    }

    #[test]
    fn a_loop_is_decided_by_one_element_although_another_is_absent() {
        let all = "image.kickstart.partitions.complete && \
                   image.kickstart.partitions.items.all(p, p.size_mib > 0)";
        let exists = "image.kickstart.partitions.items.exists(p, p.mount == '/') \
                      || !image.kickstart.partitions.complete";
        let hole = "image.kickstart.partitions.items[0].size_mib";
        let list = |items: Value, complete: bool| json!({ "kickstart": { "partitions": { "items": items, "complete": complete } } });
        for (rule, items, complete, expected) in [
            (all, json!([{}, { "size_mib": 0 }]), true, Ok(false)),
            (all, json!([{ "size_mib": 0 }, {}]), true, Ok(false)),
            (all, json!([{}, { "size_mib": 5 }]), true, absent(hole)),
            (all, json!([{ "size_mib": 5 }]), true, Ok(true)),
            (all, json!([{ "size_mib": 0 }]), false, Ok(false)),
            (exists, json!([{}, { "mount": "/" }]), true, Ok(true)),
            (exists, json!([{ "mount": "/" }]), false, Ok(true)),
            (exists, json!([{ "mount": "/home" }]), true, Ok(false)),
        ] {
            assert_eq!(decide(rule, list(items.clone(), complete)), expected, "{rule} {items}");
        }
        for (rule, items) in [(all, json!([{ "size_mib": 5 }])), (exists, json!([]))] {
            assert_eq!(
                decide(rule, list(items, false)),
                Err(UnknownCause::Absent(
                    "image.kickstart.partitions.complete".to_owned(),
                    "not everything could be looked at".to_owned()
                )),
                "{rule}"
            );
        }
    }

    #[test]
    fn collected_facts_are_absent_only_with_a_reason() {
        let mut document = Document::from_known(json!({ "image": { "medium": {} } }));
        document.absent.insert("image.kickstart".into(), "no such file".into());
        let rule = |text| Rule::compile(text, all_facts()).unwrap();
        let decide = |text| rule(text).decide(&FactContext::new(&document));
        assert_eq!(
            decide("image.kickstart.zerombr"),
            Err(UnknownCause::Absent("image.kickstart".into(), "no such file".into()))
        );
        assert_eq!(
            decide("image.medium.bios"),
            Err(UnknownCause::Unexplained("image.medium.bios".to_owned()))
        );
        let nothing = Document {
            absent: [("image".into(), "no such file".into())].into(),
            ..Document::default()
        };
        assert_eq!(
            rule("image.size > 0").decide(&FactContext::new(&nothing)).unwrap_err().to_string(),
            "image.size: no such file"
        );
    }

    #[test]
    fn other_failures_are_defects_and_never_decide() {
        let image = json!({ "size": 1, "volume_id": "x" });
        let overflow = decide("image.size + 9223372036854775807 > 0", image.clone());
        assert!(matches!(overflow, Err(UnknownCause::Defect(_))), "{overflow:?}");
        let division = decide("image.size / 0 == 1", image);
        assert!(matches!(division, Err(UnknownCause::Defect(_))), "{division:?}");
    }

    #[test]
    fn what_rules_can_say() {
        let image = json!({
            "size": 5, "volume_id": "CentOS_6.6_Final", "kind": "installer", "generation": 6,
            "agent": { "version": "9.8.10.0" },
            "boot": { "labels": { "items": ["A", "B"], "complete": true } },
            "kickstart": {
                "disks": { "items": ["sda"], "complete": true },
                "partitions": { "complete": true, "items": [
                    { "mount": "/", "fstype": "ext4", "disk": "sda", "size_mib": 10 },
                    { "mount": "swap", "fstype": "swap", "disk": "", "size_mib": 2 },
                ] },
            },
        });
        for (rule, holds) in [
            ("versionCmp(image.agent.version, '9.8.9.0') > 0", true),
            ("versionCmp(image.agent.version, '9.9') >= 0", false),
            ("image.kind in ['installer', 'kickstart-disc']", true),
            ("image.volume_id.startsWith('CentOS') && !image.volume_id.endsWith('x')", true),
            ("image.volume_id.matches('(?i)^centos')", true),
            ("image.boot.labels.complete && size(image.boot.labels.items) == 2", true),
            ("image.boot.labels.complete && 'A' in image.boot.labels.items", true),
            ("image.generation * 2 - 1 == 11 && -image.generation < 0", true),
            ("image.generation == 6 ? image.size == 5 : false", true),
            (
                "image.kickstart.partitions.complete && \
                 image.kickstart.partitions.items.filter(p, p.size_mib > 5).size() == 1",
                true,
            ),
            (
                "image.kickstart.partitions.complete && \
                 image.kickstart.partitions.items.map(p, p.mount) == ['/', 'swap']",
                true,
            ),
            (
                "image.kickstart.partitions.complete && image.kickstart.disks.complete && \
                 image.kickstart.partitions.items.exists_one(p, \
                   image.kickstart.disks.items.all(d, d == p.disk))",
                true,
            ),
            (
                "image.kickstart.partitions.complete && image.kickstart.partitions.items\
                 .filter(p, p.fstype == 'ext4').all(p, p.disk == 'sda')",
                true,
            ),
        ] {
            assert_eq!(decide(rule, image.clone()), Ok(holds), "{rule}");
        }
    }

    #[test]
    fn loops_take_no_more_steps_than_a_rule_has() {
        let ten = "[0,1,2,3,4,5,6,7,8,9]";
        let nested = |depth: usize, range: &str| {
            let open: String = (0..depth).map(|at| format!("{range}.all(v{at}, ")).collect();
            format!("{open}image.size > 0{}", ")".repeat(depth))
        };
        let inside =
            |depth: usize| format!("{}true{}", "true in [".repeat(depth), "]".repeat(depth));
        let began = std::time::Instant::now();
        for rule in [
            nested(6, ten),
            nested(12, "[1,2,3,4]"),
            nested(6, &format!("{ten}.map(x, x)")),
            nested(6, &format!("{ten}.filter(x, x > 0)")),
            nested(6, &format!("(image.size > 0 ? {ten} : [1])")),
            format!("{ten}.exists(z, {})", nested(5, ten)),
            format!("{ten}.exists_one(z, {})", nested(5, ten)),
        ] {
            let error = Rule::compile(&rule, all_facts()).err().expect(&rule);
            assert!(matches!(error.fault, RuleFault::TooManySteps(_)), "{rule}: {error}");
            assert!(error.to_string().ends_with('^'), "{error}");
        }
        assert!(Rule::compile(&nested(3, ten), all_facts()).is_ok());
        assert!(Rule::compile(&inside(28), all_facts()).is_ok());

        let labels = |count: usize| {
            let items: Vec<String> = (0..count).map(|at| at.to_string()).collect();
            json!({ "size": 1, "boot": { "labels": { "items": items, "complete": true } } })
        };
        let all = "image.boot.labels.complete && image.boot.labels.items.all(a, \
                   image.boot.labels.items.exists(b, a == b))";
        let within = "image.boot.labels.complete && image.boot.labels.items.all(a, \
                      a in image.boot.labels.items)";
        let mapped = "image.boot.labels.complete && image.boot.labels.items.map(a, a).all(a, \
                      image.boot.labels.items.filter(b, b != a).size() > 0)";
        for rule in [all, within, mapped] {
            assert_eq!(decide(rule, labels(60)), Ok(true), "{rule}");
            let long = decide(rule, labels(4096));
            let Err(UnknownCause::Absent(path, reason)) = &long else { panic!("{rule}: {long:?}") };
            assert_eq!(path, "image.boot.labels.items");
            assert!(reason.contains("steps, at most 2000000"), "{reason}");
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
    }

    #[test]
    fn a_rule_is_no_deeper_than_what_reads_it_can_go() {
        let strung = |count: usize, term: &str| format!("{} > 0", vec![term; count].join(" + "));
        for rule in [
            strung(400, "1"),
            strung(150, "image.size"),
            format!("{}true", "!".repeat(901)),
            format!("{}1 < 0", "-".repeat(901)),
            format!("image.kind == 'other'{}", " == true".repeat(200)),
        ] {
            if let Err(error) = Rule::compile(&rule, all_facts()) {
                assert_eq!(error.fault, RuleFault::TooDeep, "{rule}");
                assert!(error.to_string().ends_with('^'), "{error}");
            }
        }
        assert!(Rule::compile(&strung(400, "1"), all_facts()).is_err());
        assert_eq!(decide(&strung(50, "image.size"), json!({ "size": 1 })), Ok(true));
        let many = vec!["image.size > 0"; 40].join(" && ");
        assert_eq!(decide(&many, json!({ "size": 1 })), Ok(true));
    }

    #[test]
    fn a_rule_knows_the_facts_it_speaks_of() {
        let rule = Rule::compile(
            "image.boot.labels.complete && image.boot.labels.items.all(l, l == image.volume_id) \
             && image.kickstart.partitions.complete \
             && image.kickstart.partitions.items.all(p, p.mount != '')",
            all_facts(),
        )
        .unwrap();
        assert_eq!(
            rule.paths().collect::<Vec<_>>(),
            [
                "image.boot.labels.complete",
                "image.boot.labels.items",
                "image.boot.labels.items[]",
                "image.kickstart.partitions.complete",
                "image.kickstart.partitions.items",
                "image.kickstart.partitions.items[].mount",
                "image.volume_id",
            ]
        );
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        insta::assert_snapshot!(refusal("image.kickstart.zerombrr"), @r#"
        image.kickstart has no member "zerombrr", did you mean "zerombr"?
            image.kickstart.zerombrr
                            ^
        "#);
        insta::assert_snapshot!(refusal("true\n  && image.kind == 'instaler'"), @r#"
        "instaler" is none of the values of this fact, did you mean "installer"?
              && image.kind == 'instaler'
                               ^
        "#);
        insta::assert_snapshot!(refusal("image.size >"), @r"
        mismatched input '<EOF>'
            image.size >
                        ^
        ");
        insta::assert_snapshot!(
            refusal("image.boot.labels.complete &&\n image.boot.labels.items.all(d, d.name == 'x')"),
            @r#"
        type string has no members, and so no "name"
             image.boot.labels.items.all(d, d.name == 'x')
                                              ^
        "#);
        insta::assert_snapshot!(refusal("image.size > 0 && image.volume_id > 5"), @r"
        type string is compared with type int
            image.size > 0 && image.volume_id > 5
                                              ^
        ");
        insta::assert_snapshot!(refusal("image.boot.labels.items.all(d, d == 'x')"), @r"
        this list may be cut short, and the rule does not ask for image.boot.labels.complete
            image.boot.labels.items.all(d, d == 'x')
                              ^
        ");
    }

    #[test]
    fn what_cel_accepts_and_rules_do_not() {
        for (rule, why) in [
            ("imag.size == 1", "there are no facts named \"imag\", did you mean \"image\"?"),
            ("image.volume_id == 1", "type string is compared with type int"),
            ("image.size == '1'", "type int is compared with type string"),
            (
                "image.volume_id < 'b'",
                "texts have no order: compare versions with versionCmp(a, b)",
            ),
            ("image.size", "a rule is true or false, this is of type int"),
            ("image.volume_id.all(c, true)", "type list is wanted here, this is of type string"),
            ("has(image.kickstart.zerombr)", "has() would take what could not be read for absent"),
            ("image.kind == 'iso'", "\"iso\" is none of the values of this fact"),
            ("'iso' != image.kind", "\"iso\" is none of the values of this fact"),
            (
                "image.kind in ['other', 'instaler']",
                "\"instaler\" is none of the values of this fact, did you mean \"installer\"?",
            ),
            (
                "image.kickstart.root_password != 'lock'",
                "\"lock\" is none of the values of this fact, did you mean \"locked\"?",
            ),
            (
                "image.size in ['a']",
                "type list of int is wanted here, this is of type list of string",
            ),
            (
                "image.boot.labels.items.size() == 0",
                "this list may be cut short, and the rule does not ask for image.boot.labels.complete",
            ),
            ("image.boot.labels.items[0] == 'x'", "rules do not have an index"),
            ("image.kind == null", "rules do not have null"),
            ("{'a': 1}.a == 1", "rules do not have a map"),
            ("image == image", "rules do not have a comparison of records"),
            ("image.medium.bios && image.size", "type bool is wanted here, this is of type int"),
            ("image.volume_id.matches('(')", "not a regular expression"),
            (
                "image.volume_id.matches(image.volume_id)",
                "not a regular expression: it must be written out",
            ),
            ("image.volume_id.lower() == 'x'", "there is no function \"lower\" that takes this"),
            ("size(image.size) == 1", "type list or string is wanted here, this is of type int"),
            ("versionCmp(image.size, '9') > 0", "type string is wanted here, this is of type int"),
            ("image.size.x == 1", "type int has no members, and so no \"x\""),
            ("image.volume_id == \u{2018}x\u{2019}", "'\u{2018}' is not ASCII"),
            ("[1, 'a'].all(x, true)", "type int is wanted here, this is of type string"),
            ("", ""),
        ] {
            let error = Rule::compile(rule, all_facts()).err().expect(rule);
            let fault = error.fault.to_string();
            assert!(fault.starts_with(why), "{rule}: {fault}");
        }
    }
}
