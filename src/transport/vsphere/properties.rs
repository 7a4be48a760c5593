//! Properties of many objects at once, page by page, through the server's property collector.
//!
//! Not for which properties: that is `collect`'s.

use serde_json::{Value, json};

use super::client::{CallError, SoapClient};
use super::json;
use super::soap::{ObjectRef, SoapArg};
use super::xml::XmlElement;

/// Objects per page. A page of machines with their extra configuration is below one MiB.
const PAGE_SIZE: &str = "100";

/// The most objects of one call; a vCenter of this size has 64 hosts in each of 500 clusters.
const MAX_OBJECTS: usize = 50_000;

/// The most bytes of memory for the objects of one call: those of ten thousand machines take 35
/// million, for most of a machine's data is not kept.
const MAX_MEMORY: usize = 96 * 1024 * 1024;

/// A type of objects and the properties of it that are read.
pub type PropertySpec<'w> = (&'w str, &'w [&'w str]);

/// The managers that collecting needs.
pub struct Managers {
    /// The property collector.
    pub collector: ObjectRef,
    /// The view manager.
    pub views: ObjectRef,
}

/// Objects as captures have them, and whether these are all.
#[derive(Debug, Default)]
pub struct ObjectList {
    /// The objects, in the server's order.
    pub objects: Vec<Value>,
    /// Whether the list is complete.
    pub complete: bool,
    /// The bytes of memory that the objects take, estimated.
    memory: usize,
}

impl ObjectList {
    /// Returns the answer for a capture, with the objects that `choose` selects.
    pub fn to_answer(&self, choose: impl Fn(&Value) -> bool) -> Value {
        let objects: Vec<&Value> = self.objects.iter().filter(|object| choose(object)).collect();
        json!({ "objects": objects, "complete": self.complete })
    }
}

/// Collects every object of some types below a folder.
///
/// # Errors
///
/// A fault, or the end of the connection.
pub fn collect_below(
    client: &mut SoapClient<'_>,
    managers: &Managers,
    folder: &ObjectRef,
    wanted: &[PropertySpec<'_>],
) -> Result<ObjectList, CallError> {
    let mut args = vec![SoapArg::Object("container", folder)];
    args.extend(wanted.iter().map(|(kind, _)| SoapArg::Text("type", kind)));
    args.push(SoapArg::Text("recursive", "true"));
    let answer = client.call("CreateContainerView", &managers.views, &args)?;
    let view = answer
        .child("returnval")
        .and_then(ObjectRef::from_element)
        .unwrap_or(ObjectRef::new("", ""));
    let traversal = SoapArg::Typed(
        "selectSet",
        "TraversalSpec",
        vec![
            SoapArg::Text("name", "view"),
            SoapArg::Text("type", "ContainerView"),
            SoapArg::Text("path", "view"),
            SoapArg::Text("skip", "false"),
        ],
    );
    let set = SoapArg::Parts(
        "objectSet",
        vec![SoapArg::Object("obj", &view), SoapArg::Text("skip", "true"), traversal],
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
pub fn collect_objects(
    client: &mut SoapClient<'_>,
    managers: &Managers,
    objects: &[ObjectRef],
    wanted: &[PropertySpec<'_>],
) -> Result<ObjectList, CallError> {
    if objects.is_empty() {
        return Ok(ObjectList { complete: true, ..ObjectList::default() });
    }
    let sets = objects.iter().map(|object| {
        SoapArg::Parts(
            "objectSet",
            vec![SoapArg::Object("obj", object), SoapArg::Text("skip", "false")],
        )
    });
    retrieve(client, managers, wanted, sets.collect())
}

fn retrieve(
    client: &mut SoapClient<'_>,
    managers: &Managers,
    wanted: &[PropertySpec<'_>],
    sets: Vec<SoapArg<'_>>,
) -> Result<ObjectList, CallError> {
    let mut parts: Vec<SoapArg<'_>> = wanted
        .iter()
        .map(|(kind, paths)| {
            let mut set = vec![SoapArg::Text("type", kind), SoapArg::Text("all", "false")];
            set.extend(paths.iter().map(|path| SoapArg::Text("pathSet", path)));
            SoapArg::Parts("propSet", set)
        })
        .collect();
    parts.extend(sets);
    let args = [
        SoapArg::Parts("specSet", parts),
        SoapArg::Parts("options", vec![SoapArg::Text("maxObjects", PAGE_SIZE)]),
    ];
    let mut collected = ObjectList::default();
    let mut answer = client.call("RetrievePropertiesEx", &managers.collector, &args)?;
    while let Some(page) = answer.child("returnval") {
        let all = collected.add_page(page)?;
        let token = page.child_text("token").filter(|token| !token.is_empty());
        let args = [SoapArg::Text("token", token.unwrap_or_default())];
        match token {
            None if all => break,
            None => return Ok(collected),
            Some(_) if all => {}
            Some(_) => {
                client.call("CancelRetrievePropertiesEx", &managers.collector, &args)?;
                return Ok(collected);
            }
        }
        answer = client.call("ContinueRetrievePropertiesEx", &managers.collector, &args)?;
    }
    collected.complete = true;
    Ok(collected)
}

impl ObjectList {
    /// Adds the objects of a page. Returns false when the limits are reached. When the session ends
    /// while the server makes a page, its properties are missing for that reason; that is an error.
    fn add_page(&mut self, page: &XmlElement) -> Result<bool, CallError> {
        for content in page.children_named("objects") {
            let faults = content.children_named("missingSet").filter_map(json::missing_fault);
            if let Some(fault) = faults.into_iter().find(|fault| fault.is_not_authenticated()) {
                return Err(CallError::Fault(fault));
            }
            if self.objects.len() >= MAX_OBJECTS || self.memory >= MAX_MEMORY {
                return Ok(false);
            }
            let object = json::from_object_content(content);
            self.memory += object.as_ref().map_or(0, estimate_memory);
            self.objects.extend(object);
        }
        Ok(true)
    }
}

/// Estimates the bytes of memory of a value: a map of one entry has room for eleven.
fn estimate_memory(value: &Value) -> usize {
    const VALUE: usize = size_of::<Value>();
    const NODE: usize = 11 * (size_of::<String>() + VALUE);
    match value {
        Value::String(text) => VALUE + text.len(),
        Value::Array(list) => VALUE + list.iter().map(estimate_memory).sum::<usize>(),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| key.len() + estimate_memory(value));
            VALUE + NODE * map.len().div_ceil(6).max(1) + entries.sum::<usize>()
        }
        _ => VALUE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One page with so many objects, each with a value of so many small parts.
    fn page(objects: usize, parts: usize) -> XmlElement {
        let element = |name: &str, text: &str, children: Vec<XmlElement>| XmlElement {
            name: name.to_owned(),
            text: text.to_owned(),
            children,
            ..XmlElement::default()
        };
        let part = || element("p", "", vec![element("q", "x", Vec::new())]);
        let object = || {
            let mut reference = element("obj", "vm-1", Vec::new());
            reference.object_type = Some("VirtualMachine".to_owned());
            let value = element("val", "", (0..parts).map(|_| part()).collect());
            let set = element("propSet", "", vec![element("name", "n", Vec::new()), value]);
            element("objects", "", vec![reference, set])
        };
        element("returnval", "", (0..objects).map(|_| object()).collect())
    }

    #[test]
    fn no_more_is_kept_than_there_is_memory_for_and_then_it_is_not_all() {
        let mut few = ObjectList::default();
        assert!(few.add_page(&page(100, 10)).unwrap());
        assert_eq!(few.objects.len(), 100);
        // Parts of a few bytes are the dearest: each is a map of its own.
        let dear = page(10, 2000);
        let mut all = ObjectList::default();
        let mut pages = 0;
        while all.add_page(&dear).unwrap() {
            pages += 1;
            assert!(pages < 20, "{}", all.memory);
        }
        assert!(all.memory < MAX_MEMORY + 2 * 1024 * 1024, "{}", all.memory);
        assert!(!all.add_page(&dear).unwrap());
        let mut many = ObjectList::default();
        let page = page(MAX_OBJECTS / 10, 0);
        for _ in 0..10 {
            assert!(many.add_page(&page).unwrap());
        }
        assert!(!many.add_page(&page).unwrap());
        assert_eq!(many.objects.len(), MAX_OBJECTS);
    }
}
