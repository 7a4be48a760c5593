//! One directory tree of a medium, in a compact form for all files of a DVD. It holds the
//! directories as they are stored, and the paths as Rock Ridge shows them after relocation.
//!
//! Not for reading it (`tree_reader`), nor for changing it (`planned_tree`).

use std::ops::Range;

use super::record::Extent;
use super::system_use::RockRidge;

/// Stands for "no node" and "no directory".
pub(super) const NONE: u32 = u32::MAX;

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeKind {
    File,
    /// A directory, by its index in [`Tree::directories`].
    Directory(u32),
    /// A symbolic link, by its index in [`Tree::links`].
    Link(u32),
    /// A device, a socket or a pipe.
    Special,
}

/// One path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// The directory that shows it.
    pub parent: u32,
    pub kind: NodeKind,
    /// The offset of its (first) directory record.
    pub record_at: u64,
    pub len: u64,
    pub name: (u32, u16),
    pub extents: (u32, u32),
}

/// One directory as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub extent: Extent,
    /// The directory that stores its record; the root's is itself.
    pub parent: u32,
    /// The node that shows it; that of a relocated directory is stored elsewhere.
    pub node: u32,
    /// The offset of its record in the parent; 0 for the root.
    pub record_at: u64,
    pub identifier: Box<[u8]>,
    /// The nodes it shows, sorted by name.
    pub children: Range<u32>,
    /// 1 for the root.
    pub depth: u8,
    /// Whether Rock Ridge moved it up from its true place.
    pub relocated: bool,
}

/// A directory tree: the main one or Joliet's.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The root first, then level by level.
    pub directories: Vec<Directory>,
    pub nodes: Vec<Node>,
    pub links: Vec<Box<str>>,
    pub names: String,
    pub extents: Vec<Extent>,
    /// The form of Rock Ridge, if the tree has it.
    pub rock_ridge: Option<RockRidge>,
    /// Whether file identifiers end with a version number.
    pub versions: bool,
    /// The end of the last byte that belongs to the tree or its files.
    pub reach: u64,
}

impl Tree {
    pub(super) fn name(&self, node: &Node) -> &str {
        &self.names[node.name.0 as usize..][..usize::from(node.name.1)]
    }

    pub(super) fn extents(&self, node: &Node) -> &[Extent] {
        &self.extents[node.extents.0 as usize..][..node.extents.1 as usize]
    }

    /// Returns the node of that name in a directory.
    pub(super) fn child(&self, directory: u32, name: &str) -> Option<u32> {
        let children = self.directories[directory as usize].children.clone();
        let nodes = &self.nodes[children.start as usize..children.end as usize];
        let index = nodes.binary_search_by(|node| self.name(node).cmp(name)).ok()?;
        Some(children.start + u32::try_from(index).expect("fewer nodes than the record limit"))
    }

    /// Returns the node at a path without a leading slash; none for the root.
    pub(super) fn find(&self, path: &str) -> Option<u32> {
        let mut directory = 0;
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let node = self.child(directory, part)?;
            if parts.peek().is_none() {
                return Some(node);
            }
            let NodeKind::Directory(inner) = self.nodes[node as usize].kind else { return None };
            directory = inner;
        }
        None
    }

    /// Returns every node below the root with its path: a directory before its entries, names in
    /// byte order.
    pub(super) fn walk(&self) -> Walk<'_> {
        let open = self.directories.first().map(|root| (root.children.clone(), 0));
        Walk { tree: self, path: String::new(), open: open.into_iter().collect() }
    }
}

/// The iterator of [`Tree::walk`].
pub(super) struct Walk<'a> {
    tree: &'a Tree,
    path: String,
    /// For each open directory the nodes still to come, and the length of its path.
    open: Vec<(Range<u32>, usize)>,
}

impl Iterator for Walk<'_> {
    type Item = (String, u32);

    fn next(&mut self) -> Option<Self::Item> {
        let (index, path_len) = loop {
            let (rest, path_len) = self.open.last_mut()?;
            if let Some(index) = rest.next() {
                break (index, *path_len);
            }
            self.open.pop();
        };
        let node = &self.tree.nodes[index as usize];
        self.path.truncate(path_len);
        if path_len > 0 {
            self.path.push('/');
        }
        self.path.push_str(self.tree.name(node));
        if let NodeKind::Directory(directory) = node.kind {
            let children = self.tree.directories[directory as usize].children.clone();
            self.open.push((children, self.path.len()));
        }
        Some((self.path.clone(), index))
    }
}
