//! A server's service content: what kind of server it is, and which managers it has.
//!
//! Not for calls (`client`), nor for which calls there are (`collect`, `access`).

use serde_json::Value;

use super::error::VsphereError;
use super::json;
use super::properties::Managers;
use super::soap::ObjectRef;
use super::xml::XmlElement;

/// A server's service content.
pub(super) struct VsphereServer {
    pub(super) content: XmlElement,
    pub(super) managers: Managers,
}

impl VsphereServer {
    /// Returns a manager that not every server has.
    pub(super) fn optional_manager(&self, name: &str) -> Option<ObjectRef> {
        self.content.child(name).and_then(ObjectRef::from_element)
    }

    /// Whether the server is a vCenter server, not a single host.
    pub(super) fn is_vcenter(&self) -> bool {
        let about = self.content.child("about");
        about.and_then(|about| about.child_text("apiType")) == Some("VirtualCenter")
    }
}

/// Returns a manager that every server has.
pub(super) fn required_manager(
    content: &XmlElement,
    name: &str,
) -> Result<ObjectRef, VsphereError> {
    let found = content.child(name).and_then(ObjectRef::from_element);
    found.ok_or_else(|| VsphereError::NotVsphere(format!("it names no {name}")))
}

/// Returns the values of a response, as an array.
pub(super) fn return_values(answer: &XmlElement) -> Value {
    Value::Array(answer.children_named("returnval").map(json::from_element).collect())
}
