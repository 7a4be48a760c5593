//! Keeps answers: in the answers file that the site file names, or in the site file's own list.
//!
//! Each is saved at once: the old file or the complete new one. Not for how a text is edited (`site::answer_edit`).

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::site::{answers_path, read_site_file};
use crate::assets::read_file;
use crate::atomic_file::{AtomicFile, Visibility};
use crate::check::CheckSet;
use crate::hint::hinted;
use crate::site::{
    AnswerEditError, AnswerEntry, AnswersKey, EMPTY_ANSWERS_FILE, SiteFile, name_answers_file,
    set_answer,
};
use crate::yaml;

/// The answers file of a site file that names none.
const DEFAULT_NAME: &str = "answers.yaml";

/// Why answers are not given or not kept.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// Nobody can be asked.
    #[error("standard input is not a terminal, so nobody can be asked")]
    NoTerminal,
    /// A file that the site file does not name.
    #[error("{} is there already, and {} does not name it", .answers.display(), .site.display())]
    Unnamed {
        /// The file that is there.
        answers: PathBuf,
        /// The site file.
        site: PathBuf,
    },
    /// A question that does not exist.
    #[error("there is no question {0:?}{meant}", meant = yaml::did_you_mean(.1))]
    UnknownQuestion(String, Option<String>),
    /// A question that is about several targets, or not about this one.
    #[error("{0} is about {known}", known = .1.join(", "))]
    WhichTarget(String, Vec<String>),
}

impl AnswerError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoTerminal => {
                "give the answers: --set CHECK=yes --by NAME; preflight list questions --site SITE names them"
                    .to_owned()
            }
            Self::Unnamed { .. } => {
                format!("write answers_file: {DEFAULT_NAME} into the site file, or remove the other")
            }
            Self::UnknownQuestion(..) => "see preflight list questions".to_owned(),
            Self::WhichTarget(check, known) => format!(
                "name one, as {check}@{}, or all of them, as {check}@*",
                known.first().map_or("TARGET", String::as_str)
            ),
        })
    }
}

hinted!(AnswerError);

/// An answer to keep.
#[derive(Clone, Debug)]
pub struct NewAnswer {
    /// The answer.
    pub entry: AnswerEntry,
    /// Whether its question has no other target, so that an answer without a target is about this one.
    pub is_only_target: bool,
}

impl NewAnswer {
    /// Whether it takes the place of an earlier answer.
    fn replaces(&self, earlier: &AnswerEntry) -> bool {
        earlier.check == self.entry.check
            && (earlier.target == self.entry.target
                || earlier.is_for_all() && (self.is_only_target || self.entry.is_for_all()))
    }
}

/// Saves answers, and returns all answers of the site and the files that were written.
pub fn save_answers(
    path: &Path,
    new: &[NewAnswer],
    checks: &CheckSet,
) -> anyhow::Result<(Vec<AnswerEntry>, Vec<PathBuf>)> {
    let site = read_for_answers(path, checks)?;
    let known = site.site.answers.as_deref().unwrap_or_default();
    let named = answers_path(&site.site, path);
    let has_list = site.has_inline_list();
    let is_inline = |answer: &&NewAnswer| match known.iter().position(|old| answer.replaces(old)) {
        Some(index) => index < site.inline_answers(),
        None => named.is_none() && has_list,
    };
    let (inline, beside): (Vec<&NewAnswer>, Vec<&NewAnswer>) = new.iter().partition(is_inline);
    let mut written = Vec::new();
    if !inline.is_empty() {
        rewrite(path, None, |text, file| edit(text, file, &inline))?;
        written.push(path.to_owned());
    }
    if !beside.is_empty() {
        let answers = match &named {
            Some(answers) => answers.clone(),
            None => {
                let answers = path.with_file_name(DEFAULT_NAME);
                if answers.symlink_metadata().is_ok() {
                    return Err(AnswerError::Unnamed { answers, site: path.to_owned() }.into());
                }
                // Whether the site file can name it is known before anything is written.
                let text = read_file(path)?;
                name_answers_file(&text.text, &text.path, DEFAULT_NAME)?;
                answers
            }
        };
        rewrite(&answers, Some(EMPTY_ANSWERS_FILE), |text, file| edit(text, file, &beside))?;
        if named.is_none() {
            let add = |text: &str, file: &str| name_answers_file(text, file, DEFAULT_NAME);
            rewrite(path, None, add)?;
            written.push(path.to_owned());
        }
        written.push(answers);
    }
    let all = read_site_file(path, checks)?.site.answers.unwrap_or_default();
    Ok((all, written))
}

/// Returns where a new answer of a site would be written.
pub fn destination(path: &Path, checks: &CheckSet) -> anyhow::Result<PathBuf> {
    let site = read_for_answers(path, checks)?;
    Ok(match answers_path(&site.site, path) {
        Some(answers) => answers,
        None if site.has_inline_list() => path.to_owned(),
        None => path.with_file_name(DEFAULT_NAME),
    })
}

/// Makes the answers file that a site file names, when it is not there yet.
pub fn ensure_answers_file(path: &Path, checks: &CheckSet) -> anyhow::Result<()> {
    let asset = read_file(path)?;
    let site = SiteFile::parse(&asset.text, &asset.path, checks)?.site;
    match answers_path(&site, path) {
        Some(answers) if answers.symlink_metadata().is_err() => {
            rewrite(&answers, Some(EMPTY_ANSWERS_FILE), |text, _| Ok(text.to_owned()))
        }
        _ => Ok(()),
    }
}

fn read_for_answers(path: &Path, checks: &CheckSet) -> anyhow::Result<SiteFile> {
    ensure_answers_file(path, checks)?;
    read_site_file(path, checks)
}

fn edit(text: &str, file: &str, new: &[&NewAnswer]) -> Result<String, AnswerEditError> {
    new.iter().try_fold(text.to_owned(), |text, answer| {
        let document: AnswersKey =
            yaml::parse::<Option<AnswersKey>>(&text, file)?.unwrap_or_default();
        let known = document.answers.unwrap_or_default();
        let replaced = known.iter().position(|earlier| answer.replaces(earlier));
        set_answer(&text, file, &answer.entry, replaced)
    })
}

/// Replaces a file by an edited text; `fallback` stands for a file that is not there.
fn rewrite(
    path: &Path,
    fallback: Option<&str>,
    edit: impl FnOnce(&str, &str) -> Result<String, AnswerEditError>,
) -> anyhow::Result<()> {
    // What is replaced is the file itself, and not a link to it.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let out = AtomicFile::open(&target, true, Visibility::ByUmask, &[])?;
    // Read behind the lock, so that no other run's answer is lost.
    let name = path.display().to_string();
    let text = match (target.symlink_metadata(), fallback) {
        (Err(_), Some(fallback)) => fallback.to_owned(),
        _ => read_file(&target)?.text,
    };
    let edited = edit(&text, &name)?;
    let unwritten = || format!("cannot write {name}");
    if let Ok(there) = fs::metadata(&target) {
        out.file().set_permissions(there.permissions()).with_context(unwritten)?;
    }
    out.file().write_all(edited.as_bytes()).with_context(unwritten)?;
    Ok(out.commit()?)
}
