//! `inspect image` and `inspect agent`: prints the facts of a file without evaluating them.

use anyhow::Context;
use serde_json::Value;
use std::io::Write;

use crate::agent;
use crate::cli::ExitStatus;
use crate::cli::args::{InspectArgs, TextOrJson};
use crate::cli::terminal::screen;
use crate::facts::Document;
use crate::image::inspect::{self, MediaMd5Check};
use crate::image::plan::open_input;
use crate::report::json;

/// Prints the facts of an image.
pub fn image(args: &InspectArgs) -> anyhow::Result<ExitStatus> {
    let facts = inspect::inspect_file(&open_input(&args.file)?, MediaMd5Check::Sum)
        .with_context(|| args.file.display().to_string())?;
    show(&Document::new("image", &facts), args.format)
}

/// Prints the facts of an agent's archive.
pub fn agent(args: &InspectArgs) -> anyhow::Result<ExitStatus> {
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let bundle = agent::inspect(&*open_input(&args.file)?, &name)
        .with_context(|| args.file.display().to_string())?;
    show(&Document::new("agent", &bundle), args.format)
}

fn show(document: &Document, format: TextOrJson) -> anyhow::Result<ExitStatus> {
    match format {
        TextOrJson::Json => {
            let mut all = document.known.clone();
            if let Value::Object(all) = &mut all {
                all.insert("absent".to_owned(), serde_json::to_value(&document.absent)?);
            }
            writeln!(screen::stdout(), "{}", json::to_string(&all)?)?;
        }
        TextOrJson::Text => {
            let mut text = String::new();
            if let Value::Object(roots) = &document.known {
                roots.values().for_each(|root| outline(root, 0, &mut text));
            }
            for (path, reason) in &document.absent {
                text.push_str(&format!("{path} is not known: {reason}\n"));
            }
            write!(screen::stdout(), "{}", screen::printable(&text))?;
        }
    }
    Ok(ExitStatus::Clean)
}

/// Writes a tree of facts as indented lines; of a collection only its items.
fn outline(value: &Value, depth: usize, text: &mut String) {
    let Value::Object(map) = value else { return };
    let indent = "  ".repeat(depth);
    for (key, value) in map {
        let key = key.replace('_', " ");
        let inner = value.get("items").unwrap_or(value);
        match inner {
            Value::Object(_) => {
                text.push_str(&format!("{indent}{key}\n"));
                outline(inner, depth + 1, text);
            }
            Value::Array(items) if items.is_empty() => {
                text.push_str(&format!("{indent}{key}: none\n"));
            }
            Value::Array(items) => {
                text.push_str(&format!("{indent}{key}\n"));
                for item in items {
                    text.push_str(&format!("{indent}  - {}\n", one_line(item)));
                }
            }
            _ => text.push_str(&format!("{indent}{key}: {}\n", one_line(inner))),
        }
    }
}

fn one_line(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Object(map) => {
            let field = |(key, value): (&String, &Value)| format!("{key} {}", one_line(value));
            map.iter().map(field).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
