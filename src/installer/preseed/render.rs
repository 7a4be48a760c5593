//! From a preseed's model to the archive that the installer's kernel unpacks, read back and
//! compared before anyone gets it.
//!
//! Not for deciding what it says (`model`).

use serde_json::{Value, json};

use super::cpio::{self, CpioEntry};
use super::model::{AnswerGroup, Preseed, SCRIPTS};
use super::parse::parse;
use super::pool;
use crate::assets::Assets;
use crate::installer::answers_error::AnswersError;
use crate::installer::disc_layout;
use crate::template;

/// The preseed's name in the installer's root file system, where it is read before any question.
pub const PRESEED: &str = "preseed.cfg";

/// Renders a preseed and reads it back: the result holds exactly the answers that were meant.
///
/// # Errors
///
/// Fails when the template does not render, or says something else than the model.
pub fn render(assets: &Assets, preseed: &Preseed) -> Result<String, AnswersError> {
    let group = |group: &AnswerGroup| {
        let answers: Vec<String> = group.answers.iter().map(ToString::to_string).collect();
        json!({ "note": group.note, "answers": answers })
    };
    let groups: Vec<Value> = preseed.groups.iter().map(group).collect();
    let page = json!({ "head": preseed.head, "groups": groups });
    let text = template::render(assets, &preseed.template, &page)?;
    verify(preseed, &text)?;
    Ok(text)
}

fn verify(preseed: &Preseed, text: &str) -> Result<(), AnswersError> {
    let differs = |expected: String, found: String| {
        AnswersError::Differs(
            preseed.template.clone(),
            format!("expected {expected:?}, the text says {found:?}"),
        )
    };
    let head = format!("# preflight-manifest: /{}", disc_layout::CHECKSUMS);
    let first = text.lines().next().unwrap_or_default();
    if first != head {
        return Err(differs(head, first.to_owned()));
    }
    let document = parse(text);
    if let Some((_, stray)) = document.strays.first() {
        return Err(differs(String::new(), stray.clone()));
    }
    let mut found = document.answers.iter().map(|(_, answer)| answer);
    for meant in preseed.answers() {
        match found.next() {
            Some(answer) if answer == meant => {}
            answer => {
                let found = answer.map(ToString::to_string).unwrap_or_default();
                return Err(differs(meant.to_string(), found));
            }
        }
    }
    match found.next() {
        None => Ok(()),
        Some(answer) => Err(differs(String::new(), answer.to_string())),
    }
}

/// What the archive holds: the preseed's text and the scripts beside it.
///
/// # Errors
///
/// Fails when the archive would not read back.
pub fn archive_entries(preseed: &Preseed, text: &str) -> Result<Vec<CpioEntry>, AnswersError> {
    let mut entries = vec![CpioEntry::file(PRESEED, text), CpioEntry::directory(SCRIPTS)];
    let scripts = preseed.scripts.iter();
    entries.extend(
        scripts.map(|script| CpioEntry::file(&format!("{SCRIPTS}/{}", script.name), &script.text)),
    );
    if let Some(script) = &preseed.pool_script {
        // The installer's own directories, which the kernel finds there already.
        for (at, _) in pool::SCRIPT.match_indices('/') {
            entries.push(CpioEntry::directory(&pool::SCRIPT[..at]));
        }
        entries.push(CpioEntry::program(pool::SCRIPT, script));
    }
    match cpio::read(&cpio::write(&entries, 0)) {
        Ok(read) if read == entries => Ok(entries),
        Ok(_) => Err(AnswersError::Archive(None)),
        Err(error) => Err(AnswersError::Archive(Some(error))),
    }
}
