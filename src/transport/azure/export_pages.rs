//! The pages of exported lists, put together.
//!
//! A body does not say what it was asked for, but a page that is not the last one names its list in the link to the next. Not for
//! reading the files (`export`).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::facts::azure::answers::{AnswerOutcome, AzureAnswer, AzureFailure};
use crate::facts::azure::object::{ObjectKind, id_key};
use crate::uri::percent;

/// One page of an exported list.
#[derive(Debug)]
pub struct ListPage {
    /// The path of its list, where that is known.
    pub path: Option<String>,
    /// Its objects.
    pub objects: Vec<Value>,
    /// The link to the next page.
    pub next: Option<String>,
}

impl ListPage {
    /// What it lists: by its path, or by its objects where they are of one kind.
    fn kind(&self) -> Option<ObjectKind> {
        let of_path = self.path.as_deref().and_then(ObjectKind::of_list);
        of_path.or_else(|| {
            let mut kinds = self.objects.iter().map(ObjectKind::from_object);
            let first = kinds.next()??;
            kinds.all(|kind| kind == Some(first)).then_some(first)
        })
    }

    fn ids(&self) -> BTreeSet<String> {
        self.objects.iter().filter_map(|object| object["id"].as_str()).map(id_key).collect()
    }

    /// Whether it may be a page of the list that is asked for with `path`, of which these objects are known.
    fn continues(&self, path: &str, known: &BTreeSet<String>) -> bool {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let below = format!("{}/", id_key(parent));
        let ids = self.ids();
        let is_below = || ids.iter().all(|id| id.starts_with(&below));
        match &self.path {
            Some(own) => id_key(own) == id_key(path),
            None => {
                self.kind() == ObjectKind::of_list(path) && is_below() && ids.is_disjoint(known)
            }
        }
    }
}

/// Returns the path of a URL as requests have it, without its query; none for a text that is no URL.
pub fn path_of_url(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let path = &rest[rest.find('/')?..];
    let path = path.split(['?', '#']).next().unwrap_or(path);
    percent::decode(path).filter(|path| path.len() > 1)
}

/// Puts pages together, one answer for each list. A list whose last page is missing is not whole.
pub fn join_pages(mut pages: Vec<ListPage>) -> Vec<AzureAnswer> {
    for page in &mut pages {
        let of_link = || page.next.as_deref().and_then(path_of_url);
        page.path = page.path.take().or_else(of_link);
    }
    // Those that know their list come first, so that they find the others.
    pages.sort_by_key(|page| page.path.is_none());
    let mut answers = Vec::new();
    while !pages.is_empty() {
        let mut list = pages.remove(0);
        let mut has_end = list.next.is_none();
        if let Some(path) = list.path.clone() {
            let mut known = list.ids();
            while let Some(place) = next_page(&pages, &path, &known, has_end) {
                let page = pages.remove(place);
                has_end |= page.next.is_none();
                known.extend(page.ids());
                list.objects.extend(page.objects);
            }
        }
        let objects = list.objects;
        let outcome = if has_end {
            AnswerOutcome::Objects(objects)
        } else {
            let reason = "the export lacks the last page of this list".to_owned();
            let failure = AzureFailure { status: None, code: None, reason, lacking: None };
            AnswerOutcome::Partial { objects, failure }
        };
        answers.push(AzureAnswer { path: list.path, at: None, outcome });
    }
    answers
}

/// Returns the place of another page of a list. One that does not say what it is of is taken where the end is still missing.
fn next_page(
    pages: &[ListPage],
    path: &str,
    known: &BTreeSet<String>,
    has_end: bool,
) -> Option<usize> {
    pages.iter().position(|page| {
        (page.path.is_some() || (!has_end && page.next.is_none())) && page.continues(path, known)
    })
}
