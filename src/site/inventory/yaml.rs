//! Parses inventories in YAML form.
//!
//! Not for the meaning of variables (`variable`).

use serde_yaml::{Mapping, Value};

use super::variable::{HostVariables, VariableFault};
use super::{ALL, AnsibleInventory, InventoryFault, LocatedFault, UNGROUPED};
use crate::yaml::{self, PathStep, find_position};

/// The deepest nesting of groups that is read.
const MAX_DEPTH: usize = 16;

pub(super) fn read(text: &str, inventory: &mut AnsibleInventory) -> Result<(), LocatedFault> {
    let file = inventory.file.clone();
    let groups: Option<Value> = yaml::parse(text, &file).map_err(|error| {
        (error.place.map(|place| place.line), InventoryFault::Yaml(error.problem.to_string()))
    })?;
    let mut reader = Reader { text, inventory, path: Vec::new() };
    match groups {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Mapping(groups)) => {
            reader.each(&groups, |reader, name, group| reader.group(name, group))
        }
        Some(_) => Err((Some(1), InventoryFault::Expected("groups by their names"))),
    }
}

struct Reader<'a> {
    text: &'a str,
    inventory: &'a mut AnsibleInventory,
    /// The keys down to the current entry.
    path: Vec<String>,
}

impl Reader<'_> {
    /// Reads every entry of a map and keeps track of its path.
    fn each(
        &mut self,
        map: &Mapping,
        mut read: impl FnMut(&mut Self, &str, &Value) -> Result<(), LocatedFault>,
    ) -> Result<(), LocatedFault> {
        for (key, value) in map {
            let Some(key) = key.as_str() else {
                return self.fail(InventoryFault::Expected("a name before the colon"));
            };
            self.path.push(key.to_owned());
            read(self, key, value)?;
            self.path.pop();
        }
        Ok(())
    }

    fn fail<T>(&self, fault: InventoryFault) -> Result<T, LocatedFault> {
        let path: Vec<PathStep<'_>> = self.path.iter().map(|key| PathStep::Key(key)).collect();
        Err((find_position(self.text, &path).map(|place| place.line), fault))
    }

    fn group(&mut self, name: &str, group: &Value) -> Result<(), LocatedFault> {
        if self.path.len() > 2 * MAX_DEPTH {
            return self.fail(InventoryFault::NotRead("a group this deep".to_owned()));
        }
        self.inventory.groups.entry(name.to_owned()).or_default();
        let members = match group {
            Value::Null => return Ok(()),
            Value::Mapping(members) => members,
            _ => {
                return self.fail(InventoryFault::Expected("a group with hosts, children or vars"));
            }
        };
        self.each(members, |reader, key, value| match (key, value) {
            ("hosts" | "children" | "vars", Value::Null) => Ok(()),
            ("hosts", Value::Mapping(hosts)) => {
                reader.each(hosts, |reader, host, value| reader.host(name, host, value))
            }
            ("children", Value::Mapping(children)) => {
                reader.each(children, |reader, child, value| reader.child(name, child, value))
            }
            ("vars", Value::Mapping(variables)) => {
                let variables = reader.variables(variables)?;
                let known = &mut reader.inventory.groups.entry(name.to_owned()).or_default();
                known.variables = std::mem::take(&mut known.variables).overridden_by(&variables);
                Ok(())
            }
            ("hosts" | "children" | "vars", _) => {
                reader.fail(InventoryFault::Expected("names with a colon behind each"))
            }
            _ => reader.fail(InventoryFault::NotRead(format!("{key} in a group"))),
        })
    }

    fn host(&mut self, group: &str, host: &str, value: &Value) -> Result<(), LocatedFault> {
        if host.contains('[') {
            return self.fail(InventoryFault::NotRead(format!("the range {host:?}")));
        }
        // Hosts directly below `all` are in no group of their own.
        let group = if group == ALL { UNGROUPED } else { group };
        if let Err(fault) = self.inventory.add_host(host, group).map(|_| ()) {
            return self.fail(fault);
        }
        let variables = match value {
            Value::Null => return Ok(()),
            Value::Mapping(variables) => self.variables(variables)?,
            _ => return self.fail(InventoryFault::Expected("variables of the host")),
        };
        let own = self.inventory.own.entry(host.to_owned()).or_default();
        *own = std::mem::take(own).overridden_by(&variables);
        Ok(())
    }

    fn child(&mut self, parent: &str, child: &str, value: &Value) -> Result<(), LocatedFault> {
        if parent != ALL {
            let parent = self.inventory.groups.entry(parent.to_owned()).or_default();
            parent.children.insert(child.to_owned());
        }
        self.group(child, value)
    }

    fn variables(&mut self, map: &Mapping) -> Result<HostVariables, LocatedFault> {
        let mut known = HostVariables::default();
        self.each(map, |reader, key, value| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(bool) => bool.to_string(),
                Value::Tagged(_) => {
                    return reader.fail(VariableFault::Template(key.to_owned()).into());
                }
                // Lists and maps never concern the connection.
                _ => String::new(),
            };
            match known.set(key, &text) {
                Ok(()) => Ok(()),
                Err(fault) => reader.fail(fault.into()),
            }
        })?;
        Ok(known)
    }
}
