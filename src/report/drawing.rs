//! What a drawing of a site consists of, as its template reads it: places, lines, boxes, words.
//!
//! Not for where they stand (`picture_layout`).

use serde::Serialize;

/// A picture that is ready to be written.
#[derive(Serialize)]
pub(super) struct Drawing {
    /// `across` or `stacked`: which pages show it.
    pub(super) class: &'static str,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) zones: Vec<Zone>,
    pub(super) wires: Vec<Wire>,
    pub(super) boxes: Vec<DrawnBox>,
    pub(super) labels: Vec<Label>,
}

/// A place that boxes stand in: Azure, home.
#[derive(Serialize)]
pub(super) struct Zone {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) title: &'static str,
    pub(super) title_x: i32,
    pub(super) title_y: i32,
}

/// A line with the heads of its arrows.
#[derive(Serialize)]
pub(super) struct Wire {
    pub(super) class: &'static str,
    pub(super) path: String,
    pub(super) head: Option<String>,
}

#[derive(Serialize)]
pub(super) struct DrawnBox {
    pub(super) class: &'static str,
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) href: Option<String>,
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
}

/// A line of text in a box.
#[derive(Serialize)]
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) text: String,
}

/// The words at an arrow, one below the other.
#[derive(Serialize)]
pub(super) struct Label {
    pub(super) class: &'static str,
    pub(super) href: Option<String>,
    pub(super) title: String,
    pub(super) words: Vec<Word>,
}

/// One line of the words at an arrow.
#[derive(Serialize)]
pub(super) struct Word {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) text: String,
}

/// Returns the head of an arrow that ends at a point.
pub(super) fn head_right(x: i32, y: i32) -> String {
    format!("M{x} {y}l-9 -5v10z")
}

/// Returns the head of an arrow that ends at a point.
pub(super) fn head_left(x: i32, y: i32) -> String {
    format!("M{x} {y}l9 -5v10z")
}

/// Returns the head of an arrow that ends at a point.
pub(super) fn head_up(x: i32, y: i32) -> String {
    format!("M{x} {y}l-5 9h10z")
}

/// Returns the head of an arrow that ends at a point.
pub(super) fn head_down(x: i32, y: i32) -> String {
    format!("M{x} {y}l-5 -9h10z")
}
