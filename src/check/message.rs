//! The message of a finding: a Handlebars text over facts.
//!
//! It has `{{fact}}`, `{{list fact}}`, `{{list fact member}}`, `{{size fact unit}}` and `{{#if fact}}..{{else}}..{{/if}}`,
//! and its facts are verified like those of a rule. Not for files that are rendered: those are
//! `template`'s.

use std::sync::{LazyLock, OnceLock};

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, PathSeg, RenderContext, RenderErrorReason,
    Template,
};
use serde_json::Value;

use super::fact_context::FactContext;
use super::rule::MAX_RULE_BYTES;
use super::schema::FactType;
use crate::yaml::{closest_match, did_you_mean};

/// How many elements of a list a sentence names.
const MAX_LISTED: usize = 5;

/// The units of sizes that facts have.
const SIZE_UNITS: &[&str] = &["B", "KiB", "MiB"];

/// A verified text over facts.
#[derive(Debug)]
pub struct MessageTemplate {
    text: String,
    facts: FactType,
    parsed: OnceLock<Result<ParsedMessage, MessageError>>,
}

/// The facts that a text names.
#[derive(Debug, Default)]
struct ParsedMessage {
    /// The facts the text shows.
    shown: Vec<String>,
    /// The facts in the conditions of the text.
    conditions: Vec<String>,
}

/// Why a message is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Handlebars refuses it.
    #[error("{0}")]
    Syntax(String),
    /// More than [`MAX_RULE_BYTES`].
    #[error("it has {0} bytes, at most {MAX_RULE_BYTES} are read")]
    TooLong(usize),
    /// A fact that does not exist.
    #[error("there is no fact {0:?}{meant}", meant = did_you_mean(.1))]
    NoSuchFact(String, Option<String>),
    /// A fact that cannot be shown this way.
    #[error("{path} is of type {found}, and {wanted} is wanted here")]
    WrongType {
        /// The path as written.
        path: String,
        /// Its type.
        found: String,
        /// What is wanted.
        wanted: &'static str,
    },
    /// Something that Handlebars has and these texts have not.
    #[error("these texts have {{{{fact}}}}, {{{{list fact}}}} and {{{{#if fact}}}}, and no {0}")]
    Unsupported(String),
}

impl MessageTemplate {
    /// Reads a text and verifies the facts in it.
    ///
    /// # Errors
    ///
    /// Fails at the first fact that does not exist or cannot be shown as it is asked for.
    pub fn compile(text: &str, facts: &FactType) -> Result<Self, MessageError> {
        let found = Self::prevalidated(text, facts);
        // Nobody else has it yet, so nobody else can have read it.
        found.parsed.set(Ok(ParsedMessage::parse(text, facts)?)).ok();
        Ok(found)
    }

    /// Returns a text that the tests of this program verify; it is parsed when it is first
    /// rendered.
    pub(super) fn prevalidated(text: &str, facts: &FactType) -> Self {
        Self { text: text.to_owned(), facts: facts.clone(), parsed: OnceLock::new() }
    }

    /// Parses the text if that was put off.
    ///
    /// # Errors
    ///
    /// As [`MessageTemplate::compile`].
    pub(super) fn prepare(&self) -> Result<(), &MessageError> {
        self.parsed().map(|_| ())
    }

    fn parsed(&self) -> Result<&ParsedMessage, &MessageError> {
        self.parsed.get_or_init(|| ParsedMessage::parse(&self.text, &self.facts)).as_ref()
    }

    /// Returns the text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Renders the message over the known facts.
    ///
    /// An absent fact is shown with its reason. If a condition depends on one, the message
    /// names it and its reason instead.
    pub fn render(&self, context: &FactContext<'_>) -> String {
        let read = match self.parsed() {
            Ok(read) => read,
            Err(error) => return format!("no text: {error}"),
        };
        let gone = read.conditions.iter().find_map(|path| context.find_absence(path));
        if let Some((path, reason)) = gone {
            return format!("{path} could not be read: {reason}");
        }
        // Only the facts that are named: a document may be a thousand times as long as a message.
        let mut model = Value::Object(serde_json::Map::new());
        for path in read.conditions.iter().chain(&read.shown) {
            if let Some((_, reason)) = context.find_absence(path) {
                insert_at(&mut model, path, Value::String(format!("({reason})")));
            } else if let Some(value) = context.value(path) {
                insert_at(&mut model, path, value.clone());
            }
        }
        // The text was verified when it was read, so what is left to fail is worth showing.
        let text = ENGINE.render_template(&self.text, &model);
        text.map_or_else(|error| format!("no text: {error}"), |text| text.trim().to_owned())
    }
}

impl ParsedMessage {
    fn parse(text: &str, facts: &FactType) -> Result<Self, MessageError> {
        if text.len() > MAX_RULE_BYTES {
            return Err(MessageError::TooLong(text.len()));
        }
        let template = Template::compile(text)
            .map_err(|error| MessageError::Syntax(error.reason().to_string()))?;
        let mut read = Self::default();
        read.verify(&template, facts)?;
        Ok(read)
    }

    fn verify(&mut self, template: &Template, facts: &FactType) -> Result<(), MessageError> {
        for element in &template.elements {
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(it) | TemplateElement::HtmlExpression(it) => {
                    self.verify_expression(it, facts)?;
                }
                TemplateElement::HelperBlock(it) => self.verify_condition(it, facts)?,
                _ => return Err(MessageError::Unsupported("partials or decorators".to_owned())),
            }
        }
        Ok(())
    }

    fn verify_expression(
        &mut self,
        it: &HelperTemplate,
        facts: &FactType,
    ) -> Result<(), MessageError> {
        if it.params.is_empty() {
            let path = parse_path(&it.name)?;
            return match fact_type(&path, facts)? {
                FactType::List(_) | FactType::Record(_) | FactType::Nothing => {
                    Err(MessageError::WrongType {
                        found: fact_type(&path, facts)?.to_string(),
                        wanted: "a single value",
                        path,
                    })
                }
                _ => {
                    self.shown.push(path);
                    Ok(())
                }
            };
        }
        let (name, path) = (parse_path(&it.name)?, parse_path(&it.params[0])?);
        if name == "size" && it.params.len() == 2 && it.hash.is_empty() {
            return match (fact_type(&path, facts)?, &it.params[1]) {
                (FactType::Int, Parameter::Literal(Value::String(unit)))
                    if SIZE_UNITS.contains(&unit.as_str()) =>
                {
                    self.shown.push(path);
                    Ok(())
                }
                (FactType::Int, _) => {
                    Err(MessageError::Unsupported("size in another unit".to_owned()))
                }
                (other, _) => {
                    let found = other.to_string();
                    Err(MessageError::WrongType { path, found, wanted: "a whole number" })
                }
            };
        }
        if name != "list" || it.params.len() > 2 || !it.hash.is_empty() {
            return Err(MessageError::Unsupported(name));
        }
        let FactType::List(item) = fact_type(&path, facts)? else {
            let found = fact_type(&path, facts)?.to_string();
            return Err(MessageError::WrongType { path, found, wanted: "a list" });
        };
        match it.params.get(1) {
            None => {}
            Some(Parameter::Literal(Value::String(member))) => {
                fact_type(member, item)?;
            }
            Some(_) => return Err(MessageError::Unsupported("a member without quotes".to_owned())),
        }
        self.shown.push(path);
        Ok(())
    }

    fn verify_condition(
        &mut self,
        it: &HelperTemplate,
        facts: &FactType,
    ) -> Result<(), MessageError> {
        let name = parse_path(&it.name)?;
        let [condition] = it.params.as_slice() else { return Err(MessageError::Unsupported(name)) };
        if name != "if" {
            return Err(MessageError::Unsupported(format!("#{name}")));
        }
        let path = parse_path(condition)?;
        fact_type(&path, facts)?;
        self.conditions.push(path);
        for branch in [&it.template, &it.inverse].into_iter().flatten() {
            self.verify(branch, facts)?;
        }
        Ok(())
    }
}

static ENGINE: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(handlebars::no_escape);
    engine.register_helper("list", Box::new(list_helper));
    engine.register_helper("size", Box::new(size_helper));
    engine
});

/// `{{list items}}` or `{{list items "member"}}`: the first few, and how many more there are.
fn list_helper(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let value = helper
        .param(0)
        .map(|param| param.value())
        .ok_or_else(|| RenderErrorReason::Other("{{list ...}} wants a list".to_owned()))?;
    let Some(items) = value.as_array() else {
        out.write(&format_value(value))?;
        return Ok(());
    };
    let member = helper.param(1).and_then(|param| param.value().as_str());
    let words: Vec<String> = items
        .iter()
        .take(MAX_LISTED)
        .map(|item| {
            format_value(member.map_or(item, |member| item.get(member).unwrap_or(&Value::Null)))
        })
        .collect();
    let more = items.len().saturating_sub(MAX_LISTED);
    let text = match (words.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (_, 0) => words.join(", "),
        _ => format!("{} and {more} more", words.join(", ")),
    };
    out.write(&text)?;
    Ok(())
}

/// `{{size fact "B"}}` in the units disks are sold in, `{{size fact "KiB"}}` and `"MiB"` in those of memory.
fn size_helper(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let value = helper.param(0).map_or(&Value::Null, |param| param.value());
    let unit = helper.param(1).and_then(|param| param.value().as_str()).unwrap_or_default();
    let text =
        value.as_i64().map_or_else(|| format_value(value), |number| format_size(number, unit));
    out.write(&text)?;
    Ok(())
}

/// A size with one decimal, in the largest unit of which it has one.
fn format_size(number: i64, unit: &str) -> String {
    const DECIMAL: &[&str] = &["B", "kB", "MB", "GB", "TB", "PB"];
    const BINARY: &[&str] = &["KiB", "MiB", "GiB", "TiB", "PiB"];
    let units = if unit == "B" { DECIMAL } else { BINARY };
    let step = if unit == "B" { 1000.0 } else { 1024.0 };
    let mut at = units.iter().position(|known| *known == unit).unwrap_or_default();
    let mut size = number as f64;
    while size >= step && at + 1 < units.len() {
        size /= step;
        at += 1;
    }
    let digits = usize::from(size.fract() >= 0.05 && size < 100.0);
    format!("{size:.digits$} {}", units[at])
}

fn format_value(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Null => "(unknown)".to_owned(),
        other => other.to_string(),
    }
}

/// Returns a parameter as a dotted path.
pub(super) fn parse_path(parameter: &Parameter) -> Result<String, MessageError> {
    let refused = || MessageError::Unsupported(format!("{parameter:?}"));
    match parameter {
        Parameter::Name(name) => Ok(name.clone()),
        Parameter::Path(handlebars::Path::Relative((segments, _))) => {
            let names: Option<Vec<&str>> = segments
                .iter()
                .map(|segment| match segment {
                    PathSeg::Named(name) => Some(name.as_str()),
                    _ => None,
                })
                .collect();
            names.map(|names| names.join(".")).ok_or_else(refused)
        }
        _ => Err(refused()),
    }
}

/// Returns the type of the fact at a path.
pub(super) fn fact_type<'t>(path: &str, facts: &'t FactType) -> Result<&'t FactType, MessageError> {
    let mut here = facts;
    for (index, name) in path.split('.').enumerate() {
        here = here.member(name).ok_or_else(|| {
            let known: Vec<&str> = match here {
                FactType::Record(members) => members.keys().map(String::as_str).collect(),
                _ => Vec::new(),
            };
            let nearest = closest_match(name, known).map(|right| {
                let mut names: Vec<&str> = path.split('.').collect();
                names[index] = right;
                names.join(".")
            });
            MessageError::NoSuchFact(path.to_owned(), nearest)
        })?;
    }
    Ok(here)
}

/// Inserts a value at a dotted path.
fn insert_at(model: &mut Value, path: &str, value: Value) {
    let mut here = model;
    for name in path.split('.') {
        if !here.is_object() {
            *here = Value::Object(serde_json::Map::new());
        }
        here = &mut here[name];
    }
    *here = value;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::schema::all_facts;
    use crate::facts::Document;
    use serde_json::json;

    fn render(text: &str, image: Value) -> String {
        let document = Document::from_known(json!({ "image": image }));
        MessageTemplate::compile(text, all_facts())
            .unwrap()
            .render(&FactContext::from_example(&document))
    }

    #[test]
    fn a_sentence_shows_facts_as_they_are() {
        let image = json!({
            "size": 5, "volume_id": "<A&B>", "medium": { "bios": true, "uefi": false },
            "boot": { "labels": { "items": ["a", "", "c", "d", "e", "f", "g"], "complete": true } },
            "kickstart": { "partitions": { "items": [{ "mount": "/" }, {}], "complete": true } },
            "source": { "groups": { "items": [], "complete": true } },
        });
        for (text, expected) in [
            ("{{image.volume_id}} of {{image.size}}", "<A&B> of 5"),
            ("{{list image.boot.labels.items}}", "a, \"\", c, d, e and 2 more"),
            ("{{list image.source.groups.items}}", "none"),
            ("{{list image.kickstart.partitions.items \"mount\"}}", "/, (unknown)"),
            ("{{#if image.medium.bios}}yes{{else}}no{{/if}}", "yes"),
            ("{{#if image.medium.uefi}}yes{{else}}no{{/if}}", "no"),
            ("{{#if image.source.groups.items}}some{{else}}none{{/if}}", "none"),
            ("{{size image.size \"B\"}}", "5 B"),
        ] {
            assert_eq!(render(text, image.clone()), expected, "{text}");
        }
    }

    #[test]
    fn a_size_is_told_in_units_that_people_read() {
        for (number, unit, expected) in [
            (0, "B", "0 B"),
            (42_949_672_960, "B", "42.9 GB"),
            (107_374_182_400, "B", "107 GB"),
            (1_000_000_000_000, "B", "1 TB"),
            (3_924_016, "KiB", "3.7 GiB"),
            (1_056_894_132, "KiB", "1008 GiB"),
            (65_536, "MiB", "64 GiB"),
            (512, "KiB", "512 KiB"),
        ] {
            assert_eq!(format_size(number, unit), expected);
        }
    }

    #[test]
    fn an_absent_fact_does_not_break_the_sentence() {
        for (text, expected) in [
            ("v {{image.agent.version}}", "v (not given in the example)"),
            ("{{list image.boot.labels.items}}", "(not given in the example)"),
            (
                "{{#if image.medium.bios}}yes{{else}}no{{/if}}",
                "image.medium could not be read: not given in the example",
            ),
        ] {
            assert_eq!(render(text, json!({ "size": 1 })), expected, "{text}");
        }
    }

    #[test]
    fn a_misspelt_fact_is_refused() {
        for (text, why) in [
            (
                "{{image.kickstrat.zerombr}}",
                "there is no fact \"image.kickstrat.zerombr\", did you mean \"image.kickstart.zerombr\"?",
            ),
            ("{{#if image.nothing}}x{{/if}}", "there is no fact \"image.nothing\""),
            (
                "{{image.boot.labels.items}}",
                "image.boot.labels.items is of type list of string, and a single value is wanted here",
            ),
            ("{{list image.size}}", "image.size is of type int, and a list is wanted here"),
            (
                "{{list image.kickstart.partitions.items \"mont\"}}",
                "there is no fact \"mont\", did you mean \"mount\"?",
            ),
            (
                "{{#each image.boot.labels.items}}x{{/each}}",
                "these texts have {{fact}}, {{list fact}} and {{#if fact}}, and no #each",
            ),
        ] {
            assert_eq!(
                MessageTemplate::compile(text, all_facts()).unwrap_err().to_string(),
                why,
                "{text}"
            );
        }
        assert!(matches!(
            MessageTemplate::compile("{{image.size", all_facts()),
            Err(MessageError::Syntax(_))
        ));
    }
}
