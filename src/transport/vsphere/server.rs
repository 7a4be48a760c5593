//! A server by what it says of itself to everybody: what it is, and which managers it has.
//!
//! Not for asking it (`client`), nor for what is asked (`survey`, `access`).

use serde_json::Value;

use super::error::VsphereError;
use super::json;
use super::properties::Managers;
use super::soap::ObjectRef;
use super::xml::XmlElement;

/// A server that has said what it is.
pub(super) struct VsphereServer {
    pub(super) content: XmlElement,
    pub(super) managers: Managers,
}

impl VsphereServer {
    /// A manager that not every server has.
    pub(super) fn optional_manager(&self, name: &str) -> Option<ObjectRef> {
        self.content.child(name).and_then(ObjectRef::from_element)
    }

    /// Whether it is a vCenter server, and no lone host.
    pub(super) fn is_vcenter(&self) -> bool {
        let about = self.content.child("about");
        about.and_then(|about| about.child_text("apiType")) == Some("VirtualCenter")
    }
}

/// A manager that every server has.
pub(super) fn required_manager(
    content: &XmlElement,
    name: &str,
) -> Result<ObjectRef, VsphereError> {
    let found = content.child(name).and_then(ObjectRef::from_element);
    found.ok_or_else(|| VsphereError::NotVsphere(format!("it names no {name}")))
}

/// The values that a call returns, as an array.
pub(super) fn return_values(answer: &XmlElement) -> Value {
    Value::Array(answer.children_named("returnval").map(json::from_element).collect())
}
