//! How to fix something on one target: the text and the commands of a remedy, filled in with the target's facts.
//!
//! A command is a text with `{{value FACT "WORD"}}` and `{{each LIST "WORD"}}`, and `target` for the target's name; what is filled in is one word of a POSIX
//! shell, whatever a host has said. Where a fact is not known, the word in capitals stays and the text says why. Not for
//! whether a remedy may be told at all: `order` decides that.

use handlebars::Template;
use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fact_context::FactContext;
use super::message::{MessageError, fact_type, parse_path};
use super::rule::Rule;
use super::rule_error::RuleError;
use super::schema::FactType;
use super::unknown::UnknownCause;
use crate::shell;

/// What stands for the target's own name, as the command line or the site file has it.
const TARGET: &str = "target";

/// How many elements of a list one command is given.
const MAX_ARGUMENTS: usize = 100;

/// How to fix what a check found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// What to do, in sentences.
    pub text: String,
    /// Commands to type; words in capitals have to be replaced.
    #[serde(default)]
    pub commands: Vec<String>,
    /// Whether the target must be stopped for it.
    #[serde(default)]
    pub downtime: bool,
}

/// What is wrong with a remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemedyError {
    /// A blank command.
    #[error("a command is blank")]
    Blank,
    /// The rule of a command is wrong.
    #[error("when: {0}")]
    Rule(Box<RuleError>),
    /// The text or a command is wrong.
    #[error("{0}")]
    Text(#[from] MessageError),
}

/// A remedy as it is written.
#[derive(Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(deny_unknown_fields)]
pub(super) struct RemedyEntry {
    pub text: String,
    /// Other texts, each for the targets whose facts its rule is about; the first that holds counts.
    #[serde(default)]
    instead: Vec<TextEntry>,
    #[serde(default)]
    commands: Vec<CommandEntry>,
    #[serde(default)]
    downtime: bool,
}

/// `{ when: a rule over facts, text: what to do there }`.
#[derive(Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(deny_unknown_fields)]
struct TextEntry {
    when: String,
    text: String,
}

/// `- COMMAND` or `- { when: RULE, run: COMMAND }`.
#[derive(Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(untagged, expecting = "expected a command, or { when: a rule over facts, run: a command }")]
enum CommandEntry {
    Always(String),
    When(ConditionalEntry),
}

#[derive(Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(deny_unknown_fields)]
struct ConditionalEntry {
    when: String,
    run: String,
}

/// A verified remedy.
pub(super) struct RemedyTemplate {
    text: RemedyText,
    instead: Vec<(Rule, RemedyText)>,
    commands: Vec<Command>,
    downtime: bool,
}

struct Command {
    /// The rule that must hold for the command to be right.
    when: Option<Rule>,
    text: RemedyText,
}

/// A text with places for facts.
struct RemedyText(Vec<Piece>);

enum Piece {
    Raw(String),
    Fact {
        path: String,
        /// The member that is shown of each element of a list.
        member: Option<String>,
        /// What stands for it when it is not known.
        word: String,
    },
}

impl RemedyTemplate {
    /// Reads a remedy and verifies the facts in it; `proven` says that tests have verified its rules.
    pub(super) fn compile(
        entry: RemedyEntry,
        facts: &FactType,
        is_prevalidated: bool,
    ) -> Result<Self, RemedyError> {
        let rule = |text: String| {
            if is_prevalidated {
                Ok(Rule::prevalidated(&text, facts))
            } else {
                Rule::compile(&text, facts).map_err(RemedyError::Rule)
            }
        };
        let command = |entry: CommandEntry| {
            let (when, run) = match entry {
                CommandEntry::Always(run) => (None, run),
                CommandEntry::When(ConditionalEntry { when, run }) => (Some(when), run),
            };
            if run.trim().is_empty() {
                return Err(RemedyError::Blank);
            }
            let text = RemedyText::compile(&run, facts)?;
            Ok(Command { when: when.map(rule).transpose()?, text })
        };
        let other = |entry: TextEntry| -> Result<(Rule, RemedyText), RemedyError> {
            Ok((rule(entry.when)?, RemedyText::compile(&entry.text, facts)?))
        };
        Ok(Self {
            text: RemedyText::compile(&entry.text, facts)?,
            instead: entry.instead.into_iter().map(other).collect::<Result<_, RemedyError>>()?,
            commands: entry
                .commands
                .into_iter()
                .map(command)
                .collect::<Result<_, RemedyError>>()?,
            downtime: entry.downtime,
        })
    }

    /// Returns the remedy for no target in particular.
    pub(super) fn as_written(&self) -> Remedy {
        Remedy {
            text: self.text.as_written(),
            commands: self.commands.iter().map(|command| command.text.as_written()).collect(),
            downtime: self.downtime,
        }
    }

    /// Renders the remedy for one target: the commands that are right there, with its facts.
    pub(super) fn render(&self, context: &FactContext<'_>, target: &str) -> Remedy {
        let mut missing: Vec<String> = Vec::new();
        let mut unfit: Option<String> = None;
        let mut commands = Vec::new();
        for command in &self.commands {
            match command.when.as_ref().map_or(Ok(true), |rule| rule.decide(context)) {
                Ok(false) => continue,
                Err(why) => {
                    let why = match why {
                        UnknownCause::Unexplained(..) => "it was not collected".to_owned(),
                        other => other.to_string(),
                    };
                    unfit.get_or_insert(why);
                    continue;
                }
                Ok(true) => {}
            }
            commands.push(command.text.render(context, target, &mut missing, shell_word));
        }
        let fits = |(rule, _): &&(Rule, RemedyText)| rule.decide(context) == Ok(true);
        let text = self.instead.iter().find(fits).map_or(&self.text, |(_, text)| text);
        let mut text = text.render(context, target, &mut Vec::new(), |text| Some(text.to_owned()));
        for note in missing {
            text.push_str(&format!(" {note}."));
        }
        if let Some(why) = unfit {
            text.push_str(&format!(" Which command is right here is not known ({why})."));
        }
        Remedy { text, commands, downtime: self.downtime }
    }
}

impl RemedyText {
    fn compile(text: &str, facts: &FactType) -> Result<Self, MessageError> {
        if !text.contains("{{") {
            return Ok(Self(vec![Piece::Raw(text.trim().to_owned())]));
        }
        let template = Template::compile(text)
            .map_err(|error| MessageError::Syntax(error.reason().to_string()))?;
        let pieces = template.elements.iter().map(|element| match element {
            TemplateElement::RawString(text) => Ok(Piece::Raw(text.clone())),
            TemplateElement::Expression(it) | TemplateElement::HtmlExpression(it) => {
                parse_piece(it, facts)
            }
            _ => Err(MessageError::Unsupported("blocks in a remedy".to_owned())),
        });
        pieces.collect::<Result<_, _>>().map(Self)
    }

    fn as_written(&self) -> String {
        let word = |piece: &Piece| match piece {
            Piece::Raw(text) => text.clone(),
            Piece::Fact { word, .. } => word.clone(),
        };
        self.0.iter().map(word).collect()
    }

    /// Renders the text over known facts; the word of a missing fact stays and is noted.
    fn render(
        &self,
        context: &FactContext<'_>,
        target: &str,
        missing: &mut Vec<String>,
        write: impl Fn(&str) -> Option<String>,
    ) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            let Piece::Fact { path, member, word } = piece else {
                if let Piece::Raw(text) = piece {
                    out.push_str(text);
                }
                continue;
            };
            let known = match path.as_str() {
                TARGET => Ok(vec![target.to_owned()]),
                _ => values(context, path, member.as_deref()),
            };
            match known.and_then(|values| {
                let words: Option<Vec<String>> = values.iter().map(|value| write(value)).collect();
                words
                    .ok_or_else(|| "it holds characters that no command should be given".to_owned())
            }) {
                Ok(words) => out.push_str(&words.join(" ")),
                Err(why) => {
                    out.push_str(word);
                    let note = format!("{word} is not known here: {why}");
                    if !missing.contains(&note) {
                        missing.push(note);
                    }
                }
            }
        }
        out
    }
}

/// Reads `{{value FACT "WORD"}}`, `{{each LIST "WORD"}}` or `{{each LIST "MEMBER" "WORD"}}`.
fn parse_piece(it: &HelperTemplate, facts: &FactType) -> Result<Piece, MessageError> {
    let name = parse_path(&it.name)?;
    let texts: Option<Vec<&str>> = it
        .params
        .iter()
        .skip(1)
        .map(|parameter| match parameter {
            Parameter::Literal(Value::String(text)) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let (Some(first), Some(texts)) = (it.params.first(), texts) else {
        return Err(MessageError::Unsupported(name));
    };
    let path = parse_path(first)?;
    if let ("value", TARGET, [word]) = (name.as_str(), path.as_str(), texts.as_slice()) {
        return Ok(Piece::Fact { path, member: None, word: (*word).to_owned() });
    }
    let found = fact_type(&path, facts)?;
    let wrong =
        |wanted| MessageError::WrongType { path: path.clone(), found: found.to_string(), wanted };
    let (member, word) = match (name.as_str(), texts.as_slice(), found) {
        ("value", [_], FactType::List(_) | FactType::Record(_) | FactType::Nothing) => {
            return Err(wrong("a single value"));
        }
        ("value", [word], _) => (None, *word),
        ("each", [word], FactType::List(_)) => (None, *word),
        ("each", [member, word], FactType::List(item)) => {
            fact_type(member, item)?;
            (Some((*member).to_owned()), *word)
        }
        ("each", [_] | [_, _], _) => return Err(wrong("a list")),
        _ => return Err(MessageError::Unsupported(name)),
    };
    Ok(Piece::Fact { path, member, word: word.to_owned() })
}

/// Returns the known values at a path as texts, or why there are none.
fn values(
    context: &FactContext<'_>,
    path: &str,
    member: Option<&str>,
) -> Result<Vec<String>, String> {
    let text = |value: &Value| match value {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
    };
    let Some(value) = context.value(path) else {
        let absent = context.find_absence(path).map(|(_, reason)| reason);
        return Err(absent.unwrap_or_else(|| "it was not collected".to_owned()));
    };
    let values: Option<Vec<String>> = match value {
        Value::Array(list) if list.len() > MAX_ARGUMENTS => None,
        Value::Array(list) => {
            list.iter().map(|item| text(member.map_or(item, |name| &item[name]))).collect()
        }
        single => text(single).map(|text| vec![text]),
    };
    values.filter(|values| !values.is_empty()).ok_or_else(|| "there is none".to_owned())
}

/// Quotes a text as one word of a POSIX shell; `None` if it has characters that nobody types.
pub(super) fn shell_word(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c);
    let typed =
        |c: char| c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && c.is_alphanumeric());
    if !text.chars().all(typed) {
        return None;
    }
    let bare = !text.is_empty() && text.chars().all(plain) && !text.starts_with('-');
    // A word that begins with a dash would be taken for an option, quoted or not.
    if text.starts_with('-') {
        None
    } else if bare {
        Some(text.to_owned())
    } else {
        Some(shell::quote(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::schema;
    use crate::facts::Document;
    use serde_json::json;

    fn rendered(yaml: &str, mt: Value, absent: &[(&str, &str)]) -> Remedy {
        let entry: RemedyEntry = crate::yaml::parse(yaml, "x.yaml").unwrap();
        let template = RemedyTemplate::compile(entry, schema::all_facts(), false)
            .unwrap_or_else(|problem| panic!("{problem}"));
        let mut document = Document::from_known(json!({ "mt": mt }));
        for (path, reason) in absent {
            document.absent.insert((*path).to_owned(), (*reason).to_owned());
        }
        template.render(&FactContext::new(&document), "mt1")
    }

    const MOUNT: &str = "{ text: Mount it., commands: ['mount {{value mt.retention.device \"DEVICE\"}} \
                         {{value mt.retention.path \"PATH\"}}'] }";

    #[test]
    fn what_a_host_says_is_one_word_of_a_shell() {
        for (device, expected) in [
            ("/dev/mapper/36000c29a", "mount /dev/mapper/36000c29a /mnt/retention"),
            ("/dev/a b", "mount '/dev/a b' /mnt/retention"),
            ("x;rm -rf /", "mount 'x;rm -rf /' /mnt/retention"),
            ("$(id)`id`", "mount '$(id)`id`' /mnt/retention"),
            ("it's", r"mount 'it'\''s' /mnt/retention"),
            ("a'\\b*?[c]~{d}|&<>#!\"", "mount 'a'\\''\\b*?[c]~{d}|&<>#!\"' /mnt/retention"),
        ] {
            let mt = json!({ "retention": { "device": device, "path": "/mnt/retention" } });
            let remedy = rendered(MOUNT, mt, &[]);
            assert_eq!(
                (remedy.commands[0].as_str(), remedy.text.as_str()),
                (expected, "Mount it.")
            );
            let said = std::process::Command::new("sh")
                .args(["-c", &remedy.commands[0].replacen("mount", "printf '%s|'", 1)])
                .output()
                .unwrap();
            assert_eq!(
                String::from_utf8(said.stdout).unwrap(),
                format!("{device}|/mnt/retention|")
            );
        }
    }

    #[test]
    fn what_nobody_types_or_knows_is_named_and_not_filled_in() {
        for device in ["a\nreboot", "a\u{202e}b", "\u{1b}[2J", "-rf", "a\rb"] {
            let mt = json!({ "retention": { "device": device, "path": "/mnt/retention" } });
            let remedy = rendered(MOUNT, mt, &[]);
            assert_eq!(remedy.commands, ["mount DEVICE /mnt/retention"]);
            assert!(remedy.text.starts_with("Mount it. DEVICE is not known here: it holds"));
        }
        let remedy = rendered(
            MOUNT,
            json!({ "retention": { "path": "/mnt/retention" } }),
            &[("mt.retention.device", "nothing is mounted there")],
        );
        assert_eq!(remedy.commands, ["mount DEVICE /mnt/retention"]);
        assert_eq!(remedy.text, "Mount it. DEVICE is not known here: nothing is mounted there.");
    }

    #[test]
    fn a_command_is_for_the_targets_it_fits() {
        let text = "{ text: Install it., commands: [\
            { when: \"mt.packages.manager == 'rpm'\", run: 'yum install {{each mt.packages.missing_base.items \"PACKAGES\"}}' },\
            { when: \"mt.packages.manager == 'dpkg'\", run: apt-get install it }] }";
        let packages = |manager: &str| json!({ "packages": { "manager": manager, "missing_base": { "items": ["perl", "a b"], "complete": true } } });
        assert_eq!(rendered(text, packages("rpm"), &[]).commands, ["yum install perl 'a b'"]);
        assert_eq!(rendered(text, packages("dpkg"), &[]).commands, ["apt-get install it"]);
        let unknown = rendered(text, json!({}), &[("mt.packages", "rpm is not there")]);
        assert!(unknown.commands.is_empty());
        assert_eq!(
            unknown.text,
            "Install it. Which command is right here is not known (mt.packages: rpm is not there)."
        );
        let entry: RemedyEntry = crate::yaml::parse(text, "x.yaml").unwrap();
        let template = RemedyTemplate::compile(entry, schema::all_facts(), false).ok().unwrap();
        assert_eq!(template.as_written().commands, ["yum install PACKAGES", "apt-get install it"]);
    }

    #[test]
    fn the_text_is_for_the_stage_it_is_read_at() {
        let text = "{ text: Rebuild it., instead: [\
            { when: \"mt.packages.manager == 'rpm'\", text: Leave it. }] }";
        let packages = |manager: &str| json!({ "packages": { "manager": manager } });
        assert_eq!(rendered(text, packages("rpm"), &[]).text, "Leave it.");
        assert_eq!(rendered(text, packages("dpkg"), &[]).text, "Rebuild it.");
        // What is not known changes nothing.
        assert_eq!(rendered(text, json!({}), &[]).text, "Rebuild it.");
    }

    #[test]
    fn a_defect_of_a_rule_is_named_as_one() {
        let remedy = |when: &str| {
            let text = format!("{{ text: T., commands: [{{ when: '{when}', run: x }}] }}");
            let entry: RemedyEntry = crate::yaml::parse(&text, "x.yaml").unwrap();
            let template = RemedyTemplate::compile(entry, schema::all_facts(), false).ok().unwrap();
            let document = crate::facts::Document::from_known(serde_json::json!({}));
            template.render(&FactContext::new(&document), "mt1")
        };
        for (when, why) in [
            ("1 / 0 == 1", "this is a defect of the check: "),
            ("mt.retention.device == \"x\"", "it was not collected"),
        ] {
            let Remedy { text, commands, .. } = remedy(when);
            let begin = format!("T. Which command is right here is not known ({why}");
            assert!(text.starts_with(&begin), "{text}");
            assert!(commands.is_empty());
        }
    }

    #[test]
    fn a_misspelt_fact_is_refused() {
        for (command, why) in [
            ("x {{value targets \\\"D\\\"}}", "there is no fact \"targets\""),
            ("x {{value mt.retention.devise \\\"D\\\"}}", "did you mean \"mt.retention.device\"?"),
            ("x {{value mt.packages.missing_base.items \\\"D\\\"}}", "a single value is wanted"),
            ("x {{each mt.retention.device \\\"D\\\"}}", "a list is wanted"),
            ("x {{mt.retention.device}}", "and no mt.retention.device"),
            ("x {{#if mt.retention.device}}y{{/if}}", "blocks in a remedy"),
        ] {
            let text = format!("{{ text: T., commands: [\"{command}\"] }}");
            let entry: RemedyEntry = crate::yaml::parse(&text, "x.yaml").unwrap();
            let problem = RemedyTemplate::compile(entry, schema::all_facts(), false).err().unwrap();
            assert!(problem.to_string().contains(why), "{command}: {problem}");
        }
    }

    /// What ends, restarts, formats or removes something that may be in use.
    const NEVER: &[&str] = &[
        "vm.power", "poweroff", "reboot", "shutdown", "halt", "init 0", "init 6", "telinit",
        "vm.destroy", "datastore.rm", "vm.unregister", "vgremove", "pvremove", "lvremove",
        "rm -rf", "uninstall", "nfs remove", "maintenanceMode", "Stop-VM", "Restart-", "wipefs",
        "dd if=",
    ];

    /// What takes a volume or its history away, which nobody may do while a machine replicates.
    const HELD: &[&str] = &["umount", "mkfs", "fsck", "snapshot.remove -vm NAME"];

    #[test]
    fn no_command_powers_off_or_destroys_and_none_takes_a_volume_that_may_be_in_use() {
        let assets = crate::assets::Assets::embedded();
        let set = crate::check::CheckSet::load(&assets).unwrap();
        let symptoms = crate::knowledge::SymptomSet::load(&assets, &set).unwrap();
        let of_symptoms = symptoms.symptoms().iter().flat_map(|symptom| &symptom.causes);
        let own = of_symptoms
            .filter_map(|cause| cause.remedy.as_ref())
            .flat_map(|remedy| &remedy.commands);
        let mut all: Vec<(String, String)> =
            own.map(|text| (text.clone(), String::new())).collect();
        for command in set.checks().iter().flat_map(|check| &check.remedy_template.commands) {
            let when = command.when.as_ref().map_or("", |rule| rule.text());
            all.push((command.text.as_written(), when.to_owned()));
        }
        assert!(all.len() > 100);
        for (text, when) in &all {
            for word in NEVER {
                assert!(!text.contains(word), "{word:?} in {text:?}");
            }
            let held = HELD.iter().any(|word| text.contains(word));
            assert!(
                !held || when.contains("site.stages.complete"),
                "{text:?} is told at any stage"
            );
        }
    }
}
