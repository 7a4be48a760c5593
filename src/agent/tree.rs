//! The tree of names an archive would make, and the rules that keep it inside one directory.
//!
//! Not for reading archives, and not for making the tree: nothing here touches a file system.

use std::collections::BTreeMap;

use super::error::{AgentError, ArchiveLimit, EntryFault};

/// The agent's installer, which the archive must carry at its top.
pub const INSTALLER: &str = "install";
/// The script that prepares a master target, which the archive must carry at its top.
pub const CUSTOM_CHANGES: &str = "ApplyCustomChanges.sh";

/// Bytes of all names together, parents included.
const MAX_NAME_BYTES: u64 = 32 << 20;
/// Directories in one path.
pub(super) const MAX_DEPTH: usize = 64;
/// Bytes of a path, of a component: Linux' `PATH_MAX` and `NAME_MAX`.
const MAX_PATH: usize = 4095;
const MAX_COMPONENT: usize = 255;
/// Links followed in a row; the kernel gives up at 40, too.
const MAX_LINKS: usize = 40;

/// What lies at a path.
enum Node {
    File { mode: u32 },
    Directory,
    SymbolicLink { target: String },
}

/// What a member is, with what its kind needs.
pub(super) enum Member {
    /// A regular file.
    File {
        /// Its permission bits.
        mode: u32,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    SymbolicLink(String),
    /// Another name of an earlier file.
    HardLink(String),
}

/// All paths seen so far.
#[derive(Default)]
pub(super) struct ArchiveTree {
    nodes: BTreeMap<String, Node>,
    name_bytes: u64,
}

/// Returns a path that stays inside, without `./`; empty for the directory itself.
pub(super) fn normalize(name: &str) -> Result<String, EntryFault> {
    if name.is_empty() {
        return Err(EntryFault::NoName);
    }
    if name.len() > MAX_PATH {
        return Err(EntryFault::NameLength(name.len()));
    }
    if name.starts_with('/') {
        return Err(EntryFault::Absolute);
    }
    if name.chars().any(char::is_control) {
        return Err(EntryFault::Name);
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(EntryFault::Traversal);
    }
    if parts.len() > MAX_DEPTH {
        return Err(EntryFault::Depth(parts.len()));
    }
    match parts.iter().find(|part| part.len() > MAX_COMPONENT) {
        Some(part) => Err(EntryFault::NameLength(part.len())),
        None => Ok(parts.join("/")),
    }
}

/// Why a member was refused.
#[derive(derive_more::From)]
pub(super) enum MemberError {
    /// It is at fault itself.
    #[from]
    Entry(EntryFault),
    /// There are too many names.
    Limit(ArchiveLimit),
}

impl ArchiveTree {
    /// Adds a member under its path, which [`normalize`] returned.
    pub(super) fn add(&mut self, path: &str, member: Member) -> Result<(), MemberError> {
        if path.is_empty() {
            return match member {
                Member::Directory => Ok(()),
                _ => Err(EntryFault::NoName.into()),
            };
        }
        self.add_parents(path)?;
        let node = match member {
            Member::File { mode } => Node::File { mode },
            Member::Directory if matches!(self.nodes.get(path), Some(Node::Directory)) => {
                return Ok(());
            }
            Member::Directory => Node::Directory,
            Member::SymbolicLink(target) => Node::SymbolicLink { target },
            Member::HardLink(target) => self.hard_link_target(&target)?,
        };
        if self.nodes.contains_key(path) {
            return Err(EntryFault::Duplicate.into());
        }
        self.insert(path, node)
    }

    /// The directories above a path, as unpacking would make them.
    fn add_parents(&mut self, path: &str) -> Result<(), MemberError> {
        for (end, _) in path.match_indices('/') {
            let parent = &path[..end];
            match self.nodes.get(parent) {
                Some(Node::Directory) => {}
                Some(_) => {
                    return Err(EntryFault::ThroughNonDirectory(parent.to_owned()).into());
                }
                None => self.insert(parent, Node::Directory)?,
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: &str, node: Node) -> Result<(), MemberError> {
        let target = match &node {
            Node::SymbolicLink { target } => target.len(),
            _ => 0,
        };
        // A node takes about 64 bytes in addition to its names.
        self.name_bytes += (path.len() + target + 64) as u64;
        if self.name_bytes > MAX_NAME_BYTES {
            return Err(MemberError::Limit(ArchiveLimit::NameBytes(MAX_NAME_BYTES)));
        }
        self.nodes.insert(path.to_owned(), node);
        Ok(())
    }

    /// What a hard link to `target` is. Tar's hard links name a member from the archive's top.
    fn hard_link_target(&self, target: &str) -> Result<Node, EntryFault> {
        let fault = |why| EntryFault::Link(target.escape_default().to_string(), why);
        let path = normalize(target).map_err(|_| fault("which is outside"))?;
        match self.nodes.get(&path) {
            Some(Node::File { mode }) => Ok(Node::File { mode: *mode }),
            Some(_) => Err(fault("which is not a file")),
            None => Err(fault("which is not an earlier entry")),
        }
    }

    /// Follows every symbolic link as a kernel would.
    ///
    /// # Errors
    ///
    /// Names the first link that leads outside or in a circle. One that leads nowhere is harmless.
    pub(super) fn check_links(&self) -> Result<(), AgentError> {
        for (path, node) in &self.nodes {
            let Node::SymbolicLink { target } = node else { continue };
            if let Err(why) = self.follow(path, target) {
                let target = target.escape_default().to_string();
                let fault = EntryFault::Link(target, why);
                return Err(AgentError::Entry(path.escape_default().to_string(), fault));
            }
        }
        Ok(())
    }

    fn follow(&self, from: &str, target: &str) -> Result<(), &'static str> {
        let parent = from.rsplit_once('/').map_or("", |(parent, _)| parent);
        let mut at: Vec<&str> = parent.split('/').filter(|part| !part.is_empty()).collect();
        let mut links = 0;
        let mut next = Some(target);
        let mut todo: Vec<&str> = Vec::new();
        loop {
            if let Some(target) = next.take() {
                links += 1;
                if links > MAX_LINKS {
                    return Err("which leads in a circle");
                }
                if target.starts_with('/') {
                    return Err("which is outside");
                }
                todo.extend(target.rsplit('/'));
            }
            let Some(part) = todo.pop() else { return Ok(()) };
            match part {
                "" | "." => {}
                ".." => {
                    at.pop().ok_or("which is outside")?;
                }
                name => {
                    at.push(name);
                    if let Some(Node::SymbolicLink { target }) = self.nodes.get(&at.join("/")) {
                        at.pop();
                        next = Some(target);
                    }
                }
            }
        }
    }

    /// Whether a regular file lies at this path.
    pub(super) fn has_file(&self, path: &str) -> bool {
        matches!(self.nodes.get(path), Some(Node::File { .. }))
    }

    /// The modes of the installer and of the custom-changes script.
    ///
    /// # Errors
    ///
    /// Fails when one of them is not a regular file at the top.
    pub(super) fn required_modes(&self) -> Result<(u32, u32), AgentError> {
        Ok((self.mode_of(INSTALLER)?, self.mode_of(CUSTOM_CHANGES)?))
    }

    fn mode_of(&self, name: &'static str) -> Result<u32, AgentError> {
        if let Some(Node::File { mode }) = self.nodes.get(name) {
            return Ok(*mode);
        }
        let nested = self.nodes.iter().find_map(|(path, node)| {
            let below = path.strip_suffix(name)?.ends_with('/');
            (below && matches!(node, Node::File { .. })).then(|| path.clone())
        });
        Err(AgentError::Missing(name, nested))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(members: Vec<(&str, Member)>) -> Result<ArchiveTree, String> {
        let mut tree = ArchiveTree::default();
        for (name, member) in members {
            let path = normalize(name).map_err(|fault| format!("{name}: {fault}"))?;
            match tree.add(&path, member) {
                Ok(()) => {}
                Err(MemberError::Entry(fault)) => return Err(format!("{name}: {fault}")),
                Err(MemberError::Limit(limit)) => return Err(format!("{name}: {limit}")),
            }
        }
        tree.check_links().map_err(|error| error.to_string())?;
        Ok(tree)
    }

    fn file() -> Member {
        Member::File { mode: 0o644 }
    }

    fn link(target: &str) -> Member {
        Member::SymbolicLink(target.to_owned())
    }

    #[test]
    fn links_are_followed_as_a_kernel_would() {
        let cases = [
            (vec![("a", link("lib")), ("lib/x", file())], true),
            (vec![("a", link("nowhere"))], true),
            (vec![("d/a", link("../x"))], true),
            (vec![("d/a", link("../../x"))], false),
            (vec![("a", link("/etc"))], false),
            (vec![("a", link("b/..")), ("b", link(".."))], false),
            (vec![("a", link("b/..")), ("b", link("c/d")), ("c/d/x", file())], true),
            (vec![("a", link("b")), ("b", link("a"))], false),
            (vec![("a", link("a/a/a"))], false),
            (vec![("a", link("nowhere/../../x"))], false),
        ];
        for (members, good) in cases {
            let names: Vec<_> = members.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(tree(members).is_ok(), good, "{names:?}");
        }
    }

    #[test]
    fn nothing_is_written_twice_or_through_a_link() {
        let cases = [
            (vec![("d", Member::Directory), ("d/", Member::Directory)], true),
            (vec![("d/x", file()), ("d", Member::Directory)], true),
            (vec![("x", file()), ("./x", file())], false),
            (vec![("d", link("lib")), ("d/x", file())], false),
            (vec![("d/x", file()), ("d", link("lib"))], false),
            (vec![("x", file()), ("x/y", file())], false),
            (vec![("h", Member::HardLink("x".into())), ("x", file())], false),
            (vec![("x", file()), ("h", Member::HardLink("./x".into()))], true),
            (vec![("h", Member::HardLink("../x".into()))], false),
            (vec![("h", Member::HardLink("/x".into()))], false),
            (vec![("d/x", file()), ("h", Member::HardLink("d".into()))], false),
        ];
        for (members, good) in cases {
            let names: Vec<_> = members.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(tree(members).is_ok(), good, "{names:?}");
        }
    }

    #[test]
    fn the_script_is_looked_for_at_the_top_only() {
        let error = tree(vec![("install", file()), ("agent/ApplyCustomChanges.sh", file())])
            .unwrap()
            .required_modes()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the archive has no file \"ApplyCustomChanges.sh\" at its top, \
             but \"agent/ApplyCustomChanges.sh\""
        );
    }

    #[test]
    fn names_alone_cannot_fill_the_memory() {
        let mut tree = ArchiveTree::default();
        let long = "n".repeat(200);
        let refused =
            (0..1_000_000).find_map(|i| tree.add(&format!("{long}/{i}-{long}"), file()).err());
        assert!(matches!(refused, Some(MemberError::Limit(ArchiveLimit::NameBytes(_)))));
    }
}
