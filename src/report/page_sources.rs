//! The documents that the checks of a page cite: those with an address are links to it, the others
//! links to their rows at the end of the page.
//!
//! Not for which documents there are (`check::source`).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::model::Report;
use crate::check::definition::SourceReference;
use crate::check::source;

/// The documents that are cited and have no address.
pub(super) struct Documents<'r>(Vec<&'r str>);

impl<'r> Documents<'r> {
    /// Returns the documents that the results of a report cite.
    pub(super) fn new(report: &'r Report) -> Self {
        let cited: BTreeSet<&str> = report
            .results
            .iter()
            .map(|result| result.source.doc.as_str())
            .filter(|doc| source::address(doc).is_none() && source::source_key(doc).is_some())
            .collect();
        Self(cited.into_iter().collect())
    }

    /// Returns their rows.
    pub(super) fn rows(&self) -> Vec<Value> {
        let row = |(n, doc): (usize, &&str)| {
            let meaning = source::source_key(doc)?.meaning;
            Some(json!({ "id": format!("source-{n}"), "key": doc, "meaning": meaning }))
        };
        self.0.iter().enumerate().filter_map(row).collect()
    }

    /// Returns where a check is written, with the document's address or its place on the page.
    pub(super) fn source_row(&self, source: &SourceReference) -> Value {
        let on_page = || {
            let n = self.0.iter().position(|doc| *doc == source.doc)?;
            Some(format!("#source-{n}"))
        };
        let href = source::address(&source.doc).or_else(on_page);
        json!({ "doc": source.doc, "at": source.at, "href": href })
    }
}
