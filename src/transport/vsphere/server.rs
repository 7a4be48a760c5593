//! A server by what it says of itself to everybody: what it is, and which managers it has.
//!
//! Not for asking it (`client`), nor for what is asked (`survey`, `access`).

use serde_json::Value;

use super::collector::Managers;
use super::failure::VsphereError;
use super::json;
use super::soap::Reference;
use super::xml::Element;

/// A server that has said what it is.
pub(super) struct Server {
    pub(super) content: Element,
    pub(super) managers: Managers,
}

impl Server {
    /// A manager that not every server has.
    pub(super) fn optional(&self, name: &str) -> Option<Reference> {
        self.content.child(name).and_then(Reference::of)
    }

    /// Whether it is a vCenter server, and no lone host.
    pub(super) fn is_vcenter(&self) -> bool {
        let about = self.content.child("about");
        about.and_then(|about| about.text_of("apiType")) == Some("VirtualCenter")
    }
}

/// A manager that every server has.
pub(super) fn manager(content: &Element, name: &str) -> Result<Reference, VsphereError> {
    let found = content.child(name).and_then(Reference::of);
    found.ok_or_else(|| VsphereError::NotVsphere(format!("it names no {name}")))
}

/// The values that a call returns, as an array.
pub(super) fn returned(answer: &Element) -> Value {
    Value::Array(answer.all("returnval").map(json::value).collect())
}
