//! From a kickstart's model to its text, read back and compared before anyone gets it.
//!
//! Not for deciding what it says (`model`).

use serde_json::json;

use super::model::{CommandGroup, Kickstart, ScriptSection};
use super::verify::verify;
use crate::assets::Assets;
use crate::installer::answers_error::AnswersError;
use crate::template;

/// Renders a kickstart and reads it back: the result holds exactly the commands, packages and
/// scripts that were meant.
///
/// # Errors
///
/// Fails when the template does not render, or says something else than the model.
pub fn render(assets: &Assets, kickstart: &Kickstart) -> Result<String, AnswersError> {
    let group = |group: &CommandGroup| {
        let commands: Vec<String> = group.commands.iter().map(ToString::to_string).collect();
        json!({ "note": group.note, "commands": commands })
    };
    let script = |script: &ScriptSection| json!({ "header": script.header.to_string(), "body": script.body });
    let (header, items) = &kickstart.packages;
    let page = json!({
        "head": kickstart.head,
        "groups": kickstart.groups.iter().map(group).collect::<Vec<_>>(),
        "packages": { "header": header.to_string(), "items": items },
        "scripts": kickstart.scripts.iter().map(script).collect::<Vec<_>>(),
    });
    let text = template::render(assets, &kickstart.template, &page)?;
    verify(kickstart, &text).map_err(|difference| {
        AnswersError::Differs(kickstart.template.clone(), difference.to_string())
    })?;
    Ok(text)
}
