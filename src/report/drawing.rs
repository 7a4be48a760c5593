//! What a drawing of a site consists of, as its template reads it: places, lines, boxes, words.
//!
//! Not for where they stand (`picture_layout`).

use serde::Serialize;
use serde_json::Value;

/// A picture that is ready to be written.
#[derive(Serialize)]
pub(super) struct Drawing {
    /// `across` or `stacked`: which pages show it.
    pub(super) class: &'static str,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) zones: Vec<Value>,
    pub(super) wires: Vec<Value>,
    pub(super) boxes: Vec<DrawnBox>,
    pub(super) labels: Vec<Value>,
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
    pub(super) lines: Vec<Value>,
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
