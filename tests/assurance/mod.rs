//! docs/assurance.md, section by section: each is written by the test that proves it.
//!
//! `UPDATE_DOCS=1` writes a section anew; otherwise the test fails when the page does not say what
//! the test has just found. Not for judging figures: that is the test's.

#![allow(dead_code)]

use std::fs::{self, File};
use std::path::PathBuf;

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/assurance.md")
}

/// States figures that are the same on every machine, such as counts.
pub fn states(section: &str, text: &str) {
    let written = read(section);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        write(section, text);
    } else {
        assert!(
            written.trim() == text.trim(),
            "docs/assurance.md, section {section}, is old: run UPDATE_DOCS=1 cargo test\n\
             it says:\n{written}\nfound:\n{text}"
        );
    }
}

/// States figures that differ from machine to machine, such as seconds: they are written on
/// request, and otherwise the page only has to have some.
pub fn measures(section: &str, text: &str) {
    let written = read(section);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        write(section, text);
    } else {
        assert!(!written.trim().is_empty(), "docs/assurance.md has no figures in {section}");
    }
}

fn bounds(page: &str, section: &str) -> (usize, usize) {
    let (begin, end) = (format!("<!-- begin {section} -->\n"), format!("<!-- end {section} -->"));
    let from = page.find(&begin).unwrap_or_else(|| panic!("docs/assurance.md has no {begin}"));
    let from = from + begin.len();
    let to = page[from..].find(&end).unwrap_or_else(|| panic!("docs/assurance.md has no {end}"));
    (from, from + to)
}

fn read(section: &str) -> String {
    let page = fs::read_to_string(page()).expect("docs/assurance.md");
    let (from, to) = bounds(&page, section);
    page[from..to].to_owned()
}

/// Replaces one section under a lock, for tests run side by side.
fn write(section: &str, text: &str) {
    let lock = File::create(std::env::temp_dir().join("preflight-assurance.lock")).unwrap();
    lock.lock().unwrap();
    let page = page();
    let whole = fs::read_to_string(&page).unwrap();
    let (from, to) = bounds(&whole, section);
    let new = format!("{}{}\n{}", &whole[..from], text.trim(), &whole[to..]);
    fs::write(page, new).unwrap();
}
