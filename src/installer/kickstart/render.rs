//! From a kickstart's model to its text, read back and compared before anyone gets it.
//!
//! Not for deciding what it says (`model`).

use serde::Serialize;

use super::model::Kickstart;
use super::verify::verify;
use crate::assets::Assets;
use crate::installer::answers_error::AnswersError;
use crate::template;

/// What the template is rendered over.
#[derive(Serialize)]
struct Page<'a> {
    head: &'a [String],
    groups: Vec<Lines<'a>>,
    packages: Packages<'a>,
    scripts: Vec<Section<'a>>,
}

#[derive(Serialize)]
struct Lines<'a> {
    note: &'a str,
    commands: Vec<String>,
}

#[derive(Serialize)]
struct Packages<'a> {
    header: String,
    items: &'a [String],
}

#[derive(Serialize)]
struct Section<'a> {
    header: String,
    body: &'a str,
}

/// Renders a kickstart and reads it back: the result holds exactly the commands, packages and
/// scripts that were meant.
///
/// # Errors
///
/// Fails when the template does not render, or says something else than the model.
pub fn render(assets: &Assets, kickstart: &Kickstart) -> Result<String, AnswersError> {
    let page = Page {
        head: &kickstart.head,
        groups: kickstart
            .groups
            .iter()
            .map(|group| Lines {
                note: group.note,
                commands: group.commands.iter().map(ToString::to_string).collect(),
            })
            .collect(),
        packages: Packages {
            header: kickstart.packages.0.to_string(),
            items: &kickstart.packages.1,
        },
        scripts: kickstart
            .scripts
            .iter()
            .map(|script| Section { header: script.header.to_string(), body: &script.body })
            .collect(),
    };
    let text = template::render(assets, &kickstart.template, &page)?;
    verify(kickstart, &text).map_err(|difference| AnswersError::Differs {
        template: kickstart.template.clone(),
        difference: difference.to_string(),
    })?;
    Ok(text)
}
