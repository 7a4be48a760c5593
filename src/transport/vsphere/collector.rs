//! Properties of many objects at once, page by page, through the server's property collector.
//!
//! Not for which properties: that is `survey`'s.

use serde_json::{Value, json};

use super::client::{Client, Trouble};
use super::json;
use super::soap::{Arg, Reference};
use super::xml::Element;

/// Objects per page. A page of machines with their extra configuration is below one MiB.
const PAGE: &str = "100";

/// Objects of one question; a vCenter of this size has 64 hosts in each of 500 clusters.
const MAX_OBJECTS: usize = 50_000;

/// A type of objects and the properties of it that are read.
pub type Wanted<'w> = (&'w str, &'w [&'w str]);

/// The managers that collecting needs.
pub struct Managers {
    /// The property collector.
    pub collector: Reference,
    /// The view manager.
    pub views: Reference,
}

/// What was collected: objects as captures have them, and whether these are all.
#[derive(Debug, Default)]
pub struct Collected {
    /// The objects, in the server's order.
    pub objects: Vec<Value>,
    /// Whether the server had no more.
    pub complete: bool,
}

impl Collected {
    /// The answer that a capture keeps of the objects that `choose` takes.
    pub fn answer(&self, choose: impl Fn(&Value) -> bool) -> Value {
        let objects: Vec<&Value> = self.objects.iter().filter(|object| choose(object)).collect();
        json!({ "objects": objects, "complete": self.complete })
    }
}

/// Collects every object of some types below a folder.
///
/// # Errors
///
/// A fault, or the end of the connection.
pub fn below(
    client: &mut Client<'_>,
    managers: &Managers,
    folder: &Reference,
    wanted: &[Wanted<'_>],
) -> Result<Collected, Trouble> {
    let mut args = vec![Arg::Object("container", folder)];
    args.extend(wanted.iter().map(|(kind, _)| Arg::Text("type", kind)));
    args.push(Arg::Text("recursive", "true"));
    let answer = client.call("CreateContainerView", &managers.views, &args)?;
    let view = answer.child("returnval").and_then(Reference::of).unwrap_or(Reference::new("", ""));
    let traversal = Arg::Typed(
        "selectSet",
        "TraversalSpec",
        vec![
            Arg::Text("name", "view"),
            Arg::Text("type", "ContainerView"),
            Arg::Text("path", "view"),
            Arg::Text("skip", "false"),
        ],
    );
    let set = Arg::Parts(
        "objectSet",
        vec![Arg::Object("obj", &view), Arg::Text("skip", "true"), traversal],
    );
    let collected = retrieve(client, managers, wanted, vec![set])?;
    // A view ends with its session at the latest.
    client.call("DestroyView", &view, &[]).map(|_| collected)
}

/// Collects properties of objects that are known by reference.
///
/// # Errors
///
/// As [`below`].
pub fn these(
    client: &mut Client<'_>,
    managers: &Managers,
    objects: &[Reference],
    wanted: &[Wanted<'_>],
) -> Result<Collected, Trouble> {
    if objects.is_empty() {
        return Ok(Collected { complete: true, ..Collected::default() });
    }
    let sets = objects.iter().map(|object| {
        Arg::Parts("objectSet", vec![Arg::Object("obj", object), Arg::Text("skip", "false")])
    });
    retrieve(client, managers, wanted, sets.collect())
}

fn retrieve(
    client: &mut Client<'_>,
    managers: &Managers,
    wanted: &[Wanted<'_>],
    sets: Vec<Arg<'_>>,
) -> Result<Collected, Trouble> {
    let mut parts: Vec<Arg<'_>> = wanted
        .iter()
        .map(|(kind, paths)| {
            let mut set = vec![Arg::Text("type", kind), Arg::Text("all", "false")];
            set.extend(paths.iter().map(|path| Arg::Text("pathSet", path)));
            Arg::Parts("propSet", set)
        })
        .collect();
    parts.extend(sets);
    let args =
        [Arg::Parts("specSet", parts), Arg::Parts("options", vec![Arg::Text("maxObjects", PAGE)])];
    let mut collected = Collected::default();
    let mut answer = client.call("RetrievePropertiesEx", &managers.collector, &args)?;
    while let Some(page) = answer.child("returnval") {
        take(&mut collected.objects, page)?;
        let Some(token) = page.text_of("token").filter(|token| !token.is_empty()) else { break };
        let args = [Arg::Text("token", token)];
        if collected.objects.len() > MAX_OBJECTS {
            client.call("CancelRetrievePropertiesEx", &managers.collector, &args)?;
            return Ok(collected);
        }
        answer = client.call("ContinueRetrievePropertiesEx", &managers.collector, &args)?;
    }
    collected.complete = true;
    Ok(collected)
}

/// Takes the objects of a page. A session that ends while a page is made shows as properties that
/// are missing for that reason, which is no reason at all.
fn take(objects: &mut Vec<Value>, page: &Element) -> Result<(), Trouble> {
    for content in page.all("objects") {
        let faults = content.all("missingSet").filter_map(json::missing_fault);
        if let Some(fault) = faults.into_iter().find(|fault| fault.is_not_authenticated()) {
            return Err(Trouble::Fault(fault));
        }
        objects.extend(json::object(content));
    }
    Ok(())
}
