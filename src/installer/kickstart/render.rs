//! From a kickstart's model to its text, read back and compared before anyone gets it.
//!
//! Not for deciding what it says (`model`).

use serde::Serialize;

use super::model::{Kickstart, ModelError};
use super::verify::{KickstartDifference, verify};
use crate::assets::Assets;
use crate::template::{self, TemplateError};

/// Why there is no kickstart.
#[derive(Debug, thiserror::Error)]
pub enum KickstartError {
    /// A template does not render.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The text does not say what was meant.
    #[error("template {template}: {difference}")]
    Differs {
        /// The template.
        template: String,
        /// The first difference.
        difference: KickstartDifference,
    },
    /// The recipe and the payload do not make a kickstart.
    #[error(transparent)]
    Model(#[from] ModelError),
}

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
pub fn render(assets: &Assets, kickstart: &Kickstart) -> Result<String, KickstartError> {
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
    verify(kickstart, &text).map_err(|difference| KickstartError::Differs {
        template: kickstart.template.clone(),
        difference,
    })?;
    Ok(text)
}
