//! Parses the hosts of an Ansible inventory, YAML or INI, and how to log in to them.
//!
//! Not for plugins, scripts, vaults or templates. A construct that would change how a host is
//! reached and is not understood is refused with its line, never guessed. Variables that do not
//! concern the connection are ignored.

mod host;
mod ini;
mod variable;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use crate::hint::hinted;
use crate::yaml::{closest_match, did_you_mean};

pub use host::InventoryHost;
use variable::HostVariables;
pub use variable::VariableFault;

/// The most hosts that are read.
const MAX_HOSTS: usize = 10_000;

/// The most mentions of hosts: a range in every group mentions many.
const MAX_MENTIONS: usize = 10 * MAX_HOSTS;

/// An error in an inventory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{at}: {fault}", at = .line.map_or_else(String::new, |line| format!(", line {line}")))]
pub struct InventoryError {
    /// The name of the file for messages.
    pub file: String,
    /// The line, when it is known.
    pub line: Option<usize>,
    /// The fault.
    pub fault: InventoryFault,
}

/// A fault in an inventory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InventoryFault {
    /// Not YAML.
    #[error("{0}")]
    Yaml(String),
    /// A variable that cannot be used.
    #[error(transparent)]
    Variable(#[from] VariableFault),
    /// A construct that is not supported.
    #[error("{0} is not read here")]
    NotRead(String),
    /// Something else was found where this was expected.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A group that does not exist.
    #[error("there is no group {0:?}{meant}", meant = did_you_mean(.1))]
    NoSuchGroup(String, Option<String>),
    /// Groups that contain each other.
    #[error("group {0:?} contains itself")]
    Circle(String),
    /// More hosts than the limit.
    #[error("more than {MAX_HOSTS} hosts")]
    TooMany,
}

impl InventoryError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.fault {
            InventoryFault::Variable(fault) => fault.hint(),
            InventoryFault::NotRead(_) => Some(
                "write the hosts out with ansible-inventory --list --yaml, or name them in a \
                 site file"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

hinted!(InventoryError);

/// A parsed inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnsibleInventory {
    file: String,
    /// In the order of their first mention.
    hosts: Vec<String>,
    own: BTreeMap<String, HostVariables>,
    groups: BTreeMap<String, Group>,
    depths: BTreeMap<String, usize>,
    mentions: usize,
}

/// One group of an inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Group {
    hosts: BTreeSet<String>,
    children: BTreeSet<String>,
    variables: HostVariables,
}

/// The group that contains every host.
const ALL: &str = "all";

/// The group of hosts that are in no other.
const UNGROUPED: &str = "ungrouped";

/// Parses the text of an inventory. `file` is its name for messages; its ending tells YAML from
/// INI.
///
/// # Errors
///
/// Fails at the first construct that is not understood, named by its line.
///
/// ```
/// use preflight::site::inventory;
/// let inventory = inventory::parse("[mts]\nmt1 ansible_host=192.0.2.20\n", "hosts.ini").unwrap();
/// assert_eq!(inventory.hosts(&[]).unwrap()[0].uri(), "ssh://192.0.2.20");
/// ```
pub fn parse(text: &str, file: &str) -> Result<AnsibleInventory, InventoryError> {
    let is_yaml = [".yaml", ".yml", ".json"].iter().any(|ending| file.ends_with(ending))
        || text.trim_start().starts_with("---")
        || text.trim_start().starts_with("all:");
    let mut inventory = AnsibleInventory { file: file.to_owned(), ..AnsibleInventory::default() };
    let read =
        if is_yaml { yaml::read(text, &mut inventory) } else { ini::read(text, &mut inventory) };
    read.map_err(|(line, fault)| InventoryError { file: file.to_owned(), line, fault })?;
    inventory.depths = inventory.depths().map_err(|fault| inventory.error(fault))?;
    Ok(inventory)
}

/// A fault with its line.
type LocatedFault = (Option<usize>, InventoryFault);

impl AnsibleInventory {
    /// Adds a host to a group and returns its own variables.
    fn add_host(&mut self, name: &str, group: &str) -> Result<&mut HostVariables, InventoryFault> {
        self.mentions += 1;
        if self.mentions > MAX_MENTIONS {
            return Err(InventoryFault::TooMany);
        }
        if !self.own.contains_key(name) {
            if self.hosts.len() == MAX_HOSTS {
                return Err(InventoryFault::TooMany);
            }
            self.hosts.push(name.to_owned());
        }
        self.groups.entry(group.to_owned()).or_default().hosts.insert(name.to_owned());
        Ok(self.own.entry(name.to_owned()).or_default())
    }

    /// Returns the hosts of these groups, or all hosts without groups, in the order of the file.
    ///
    /// # Errors
    ///
    /// Fails when there is no such group.
    pub fn hosts(&self, groups: &[String]) -> Result<Vec<InventoryHost>, InventoryError> {
        for name in groups {
            if !self.groups.contains_key(name) && name != ALL && name != UNGROUPED {
                let nearest = closest_match(name, self.groups.keys().map(String::as_str));
                let nearest = nearest.map(str::to_owned);
                return Err(self.error(InventoryFault::NoSuchGroup(name.clone(), nearest)));
            }
        }
        let memberships = Memberships::new(&self.groups);
        let mut hosts = Vec::new();
        for name in &self.hosts {
            let depth = |name: &str| self.depths.get(name).copied().unwrap_or_default();
            let mut of: Vec<(usize, &str)> =
                memberships.groups_of(name).into_iter().map(|name| (depth(name), name)).collect();
            let wanted = |group: &String| {
                group == ALL
                    || of.iter().any(|(_, name)| *name == group)
                    || (group == UNGROUPED && of.iter().all(|(_, name)| *name == ALL))
            };
            if !groups.is_empty() && !groups.iter().any(wanted) {
                continue;
            }
            // As in Ansible, a deeper group overrides, and of two equally deep ones the later by
            // name.
            of.sort();
            let mut known =
                self.groups.get(ALL).map(|all| all.variables.clone()).unwrap_or_default();
            for (_, group) in &of {
                known = known.overridden_by(&self.groups[*group].variables);
            }
            hosts.push(known.overridden_by(&self.own[name]).host(name));
        }
        Ok(hosts)
    }

    /// Returns the distance of each group from `all`.
    fn depths(&self) -> Result<BTreeMap<String, usize>, InventoryFault> {
        let mut parents: BTreeMap<&str, usize> =
            self.groups.keys().map(|name| (name.as_str(), 0)).collect();
        for child in self.groups.values().flat_map(|group| &group.children) {
            *parents.entry(child).or_default() += 1;
        }
        let mut depths: BTreeMap<String, usize> = BTreeMap::new();
        let mut open: Vec<&str> =
            parents.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
        while let Some(name) = open.pop() {
            let depth = *depths.entry(name.to_owned()).or_insert(usize::from(name != ALL));
            for child in self.groups.get(name).into_iter().flat_map(|group| &group.children) {
                let deepest = depths.entry(child.clone()).or_default();
                *deepest = (*deepest).max(depth + 1);
                let left = parents.get_mut(child.as_str()).expect("every child was counted");
                *left -= 1;
                if *left == 0 {
                    open.push(child);
                }
            }
        }
        match parents.iter().find(|(_, left)| **left > 0) {
            Some((name, _)) => Err(InventoryFault::Circle((*name).to_owned())),
            None => Ok(depths),
        }
    }

    fn error(&self, fault: InventoryFault) -> InventoryError {
        InventoryError { file: self.file.clone(), line: None, fault }
    }
}

/// The groups that contain each host and each group.
#[derive(Default)]
struct Memberships<'i> {
    of_host: BTreeMap<&'i str, Vec<&'i str>>,
    of_group: BTreeMap<&'i str, Vec<&'i str>>,
}

impl<'i> Memberships<'i> {
    fn new(groups: &'i BTreeMap<String, Group>) -> Self {
        let mut memberships = Self::default();
        for (name, group) in groups {
            for host in &group.hosts {
                memberships.of_host.entry(host).or_default().push(name);
            }
            for child in &group.children {
                memberships.of_group.entry(child).or_default().push(name);
            }
        }
        memberships
    }

    /// Returns every group that contains a host, directly or through other groups.
    fn groups_of(&self, host: &str) -> BTreeSet<&'i str> {
        let mut of = BTreeSet::new();
        let mut reached = self.of_host.get(host).cloned().unwrap_or_default();
        while let Some(name) = reached.pop() {
            if of.insert(name) {
                reached.extend(self.of_group.get(name).into_iter().flatten());
            }
        }
        of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same hosts in both forms.
    const INI: &str = "\
# a comment
bastion:2222 ansible_user=ann
[linux_mts]
mt[01:03] ansible_python_interpreter=/usr/bin/python3
mt9 ansible_host=192.0.2.9 ansible_port=2200 note='a b'  # the old one

[old]
mt9

[mts:children]
linux_mts
old

[mts:vars]
ansible_user = root
ansible_ssh_private_key_file = /root/.ssh/id_rsa

[old:vars]
ansible_user=\"admin\"
";

    const YAML: &str = "\
all:
  hosts:
    bastion: { ansible_port: 2222, ansible_user: ann }
  children:
    mts:
      vars: { ansible_user: root, ansible_ssh_private_key_file: /root/.ssh/id_rsa }
      children:
        linux_mts:
          hosts:
            mt01:
            mt02: {}
            mt03: { ansible_become: true }
            mt9: { ansible_host: 192.0.2.9, ansible_port: 2200, note: [a, b] }
        old:
          hosts: { mt9: }
          vars: { ansible_user: admin }
";

    #[test]
    fn both_forms_have_the_same_hosts() {
        let ini = parse(INI, "hosts").unwrap();
        let uris = |inventory: &AnsibleInventory, groups: &[&str]| -> Vec<String> {
            let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
            let hosts = inventory.hosts(&groups).unwrap();
            hosts.iter().map(|host| format!("{} {}", host.name, host.uri())).collect()
        };
        let all = [
            "bastion ssh://ann@bastion:2222",
            "mt01 ssh://root@mt01",
            "mt02 ssh://root@mt02",
            "mt03 ssh://root@mt03",
            "mt9 ssh://admin@192.0.2.9:2200",
        ];
        let yaml = parse(YAML, "hosts.yaml").unwrap();
        for inventory in [&ini, &yaml] {
            assert_eq!(uris(inventory, &[]), all);
            assert_eq!(uris(inventory, &["all"]), all);
            assert_eq!(uris(inventory, &["mts"]), all[1..]);
            assert_eq!(uris(inventory, &["old"]), all[4..]);
            assert_eq!(uris(inventory, &["ungrouped"]), all[..1]);
            let identity = inventory.hosts(&["old".to_owned()]).unwrap()[0].identity.clone();
            assert_eq!(identity, Some("/root/.ssh/id_rsa".into()));
        }
        let error = ini.hosts(&["mtz".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "hosts: there is no group \"mtz\", did you mean \"mts\"?");
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        for (file, text, says) in [
            ("h", "[a]\nmt1 ansible_ssh_common_args=-J\n", "h, line 2: ansible_ssh_common_args"),
            ("h", "mt1 ansible_password=x\n", "h, line 1: passwords are not taken"),
            ("h", "mt1 ansible_host={{ x }}\n", "h, line 1: "),
            ("h", "mt1 ansible_port=ssh\n", "\"ssh\" is not a port"),
            ("h", "mt1 ansible_connection=winrm\n", "line 1: ansible_connection=winrm"),
            ("h", "[a:hosts]\n", "line 1: [a:hosts] is not read here"),
            ("h", "[a\n", "line 1: expected ] at the end"),
            ("h", "mt[a:c]\n", "line 1: "),
            ("h", "mt1 what\n", "line 1: expected KEY=VALUE behind the host"),
            ("h", "mt1 x='y\n", "line 1: expected a closing quote"),
            ("h", "[a:children]\nb\n[b:children]\na\n", "contains itself"),
            ("h", "[a:vars]\nansible_become_pass\n", "line 2: expected KEY=VALUE"),
            ("h", "mt[1:20000]\n", "more than 10000 hosts"),
            ("h.yaml", "all:\n  hosts:\n    mt1: { ansible_ssh_pass: x }\n", "line 3: passwords"),
            ("h.yaml", "all:\n  host: {}\n", "h.yaml, line 2: host in a group is not read here"),
            ("h.yaml", "all: [a]\n", "h.yaml, line 1: expected a group"),
            ("h.yaml", "all: {\n", "h.yaml"),
            ("h.yaml", "all: { hosts: { a: { ansible_host: !vault x } } }\n", "h.yaml, line 1"),
            ("h.yaml", "plugin: aws_ec2\n", "h.yaml, line 1: expected a group"),
        ] {
            let message = parse(text, file).unwrap_err().to_string();
            assert!(message.contains(says), "{text:?}: {message}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]a-z0-9:= \n#'\"{}!&*-]{0,120}") {
            for file in ["h", "h.yaml"] {
                if let Ok(inventory) = parse(&text, file) {
                    inventory.hosts(&[]).unwrap();
                }
            }
        }
    }

    #[test]
    fn this_machine_is_reached_without_ssh() {
        let hosts =
            parse("here ansible_connection=local\nsix ansible_host=fe80::1\n", "h").unwrap();
        let uris: Vec<String> = hosts.hosts(&[]).unwrap().iter().map(InventoryHost::uri).collect();
        assert_eq!(uris, ["local:", "ssh://[fe80::1]"]);
    }
}
