//! Which file names which, below the rooms: every `use` and every path in the code is followed to
//! the file that has what it names, and no two files may reach each other.
//!
//! A name that a room's first file only passes on (`pub use`) counts as its owner's, so such a file
//! is no stop on the way. What is not followed: macros of our own, and methods, which name no file.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

/// Files by path below `src`, with their code.
pub struct Tree {
    /// Module path, such as `iso`, to file.
    files: BTreeMap<String, String>,
    code: BTreeMap<String, String>,
    /// Names that a module passes on, to where it has them from.
    passed_on: BTreeMap<(String, String), String>,
}

impl Tree {
    /// Reads the paths of all files; comments and tests must be gone.
    pub fn of(sources: &[(String, String)]) -> Self {
        let mut tree =
            Self { files: BTreeMap::new(), code: BTreeMap::new(), passed_on: BTreeMap::new() };
        for (file, code) in sources {
            tree.files.insert(module_of(file), file.clone());
            tree.code.insert(file.clone(), code.clone());
        }
        for (file, code) in sources {
            let module = module_of(file);
            // Whatever a file imports, the files below it can name as its own.
            for (_, path, name) in uses(code) {
                if let Some(path) = tree.absolute(&module, &path) {
                    tree.passed_on.insert((module.clone(), name), path);
                }
            }
        }
        tree
    }

    /// The files that each file names, itself left out.
    pub fn named(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut named = BTreeMap::new();
        for (module, file) in &self.files {
            let code = &self.code[file];
            let imports = uses(code);
            // To pass a name on is not to use it, and to import a module is to use nothing of it.
            let items = imports
                .iter()
                .filter(|(public, _, _)| !public)
                .filter_map(|(_, path, _)| self.absolute(module, path))
                .filter(|path| !self.files.contains_key(path));
            let inline = inline(code).into_iter().filter_map(|path| {
                let (first, rest) = path.split_once("::")?;
                let imported = imports.iter().find(|(_, _, name)| name == first);
                let path = imported.map(|(_, module, _)| format!("{module}::{rest}"));
                self.absolute(module, &path.unwrap_or(format!("{first}::{rest}")))
            });
            let files: BTreeSet<&str> = items
                .chain(inline)
                .filter_map(|path| self.owner(&path, 0))
                .filter(|other| other != file)
                .collect();
            named.insert(file.as_str(), files);
        }
        named
    }

    /// A path from the crate's root; none when it leads elsewhere.
    fn absolute(&self, module: &str, path: &str) -> Option<String> {
        let mut at: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
        let mut rest = path.split("::").peekable();
        match rest.peek().copied()? {
            "crate" => {
                at.clear();
                rest.next();
            }
            "self" => {
                rest.next();
            }
            "super" => {
                while rest.next_if_eq(&"super").is_some() {
                    at.pop()?;
                }
            }
            first => {
                let child = at.iter().copied().chain([first]).collect::<Vec<_>>().join("::");
                self.files.get(&child)?;
            }
        }
        at.extend(rest);
        Some(at.join("::"))
    }

    /// The file that has what an absolute path names.
    fn owner(&self, path: &str, hops: usize) -> Option<&str> {
        let parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
        let mut module = String::new();
        for (at, part) in parts.iter().enumerate() {
            let child =
                if module.is_empty() { (*part).to_owned() } else { format!("{module}::{part}") };
            if self.files.contains_key(&child) {
                module = child;
                continue;
            }
            if let Some(from) = self.passed_on.get(&(module.clone(), (*part).to_owned()))
                && hops < 8
            {
                let rest: Vec<&str> =
                    [from.as_str()].into_iter().chain(parts[at + 1..].to_vec()).collect();
                return self.owner(&rest.join("::"), hops + 1);
            }
            break;
        }
        self.files.get(&module).map(String::as_str)
    }
}

/// Every circle: the files of it, each set once.
pub fn circles(tree: &Tree) -> Vec<Vec<&str>> {
    let named = tree.named();
    let reached = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<&str> = named[from].iter().copied().collect();
        while let Some(next) = todo.pop() {
            if seen.insert(next) {
                todo.extend(&named[next]);
            }
        }
        seen
    };
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        named.keys().map(|file| (*file, reached(file))).collect();
    let mut found = BTreeSet::new();
    for (file, others) in &reach {
        if others.contains(file) {
            let both = |other: &&&str| reach[**other].contains(file);
            found.insert(others.iter().filter(both).copied().collect::<Vec<_>>());
        }
    }
    found.into_iter().collect()
}

fn module_of(file: &str) -> String {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" || path == "main" { String::new() } else { path.replace('/', "::") }
}

/// Every name a file imports: whether it is passed on, its path, and what it is called here.
fn uses(code: &str) -> Vec<(bool, String, String)> {
    let pattern = Regex::new(r"(?m)^\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);").expect("valid");
    let mut found = Vec::new();
    for capture in pattern.captures_iter(code) {
        let mut paths = Vec::new();
        expand("", &capture[2].split_whitespace().collect::<Vec<_>>().join(" "), &mut paths);
        for path in paths {
            let (path, name) = match path.split_once(" as ") {
                Some((path, name)) => (path.to_owned(), name.to_owned()),
                None => (path.clone(), path.rsplit("::").next().unwrap_or_default().to_owned()),
            };
            found.push((capture.get(1).is_some(), path, name));
        }
    }
    found
}

/// Spells out `a::{b, c::{d, self}}`.
fn expand(before: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        let path = format!("{before}{tree}");
        paths.push(path.strip_suffix("::self").map_or(path.clone(), str::to_owned));
        return;
    };
    let (mut depth, mut start) = (0, 0);
    let inner = rest.trim_end().strip_suffix('}').unwrap_or(rest);
    let before = format!("{before}{head}");
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&before, &inner[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        expand(&before, &inner[start..], paths);
    }
}

/// Every path in code that is not in a `use`.
fn inline(code: &str) -> Vec<String> {
    let uses = Regex::new(r"(?m)^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+[^;]+;").expect("valid");
    let texts = Regex::new(r#""(?:[^"\\]|\\.)*""#).expect("valid");
    let code = uses.replace_all(code, "");
    let code = texts.replace_all(&code, "\"\"");
    let pattern =
        Regex::new(r"(?:^|[^A-Za-z0-9_:])([a-z_][a-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)+)");
    pattern.expect("valid").captures_iter(&code).map(|capture| capture[1].to_owned()).collect()
}

#[test]
fn a_circle_in_a_made_up_tree_is_found_however_it_is_written() {
    let sound = [
        ("lib.rs", "pub mod a;\npub mod b;\n"),
        ("b.rs", "pub struct B;\n"),
        ("a/mod.rs", "mod one;\nmod two;\npub use one::One;\nfn f() { two::g() }\n"),
        ("a/one.rs", "use crate::b::B;\npub struct One(B);\n"),
        ("a/two.rs", "use super::One;\npub fn g() { let _: One; }\n"),
    ];
    let with = |file: &str, code: &str| {
        let mut tree: Vec<(String, String)> =
            sound.iter().map(|(file, code)| ((*file).to_owned(), (*code).to_owned())).collect();
        let place = tree.iter_mut().find(|(name, _)| name == file).expect("a file of the tree");
        place.1.push_str(code);
        tree
    };
    let found = |tree: &[(String, String)]| -> Vec<String> {
        circles(&Tree::of(tree)).iter().map(|circle| circle.join(" ")).collect()
    };
    assert_eq!(found(&with("b.rs", "")), [""; 0]);
    let cases = [
        ("b.rs", "use crate::a::One;\n", "a/one.rs b.rs"),
        ("b.rs", "use crate::{a::{self, One}};\n", "a/one.rs b.rs"),
        ("b.rs", "fn f() -> crate::a::One { todo!() }\n", "a/one.rs b.rs"),
        ("b.rs", "use super::a::One as Other;\n", "a/one.rs b.rs"),
        ("a/one.rs", "use super::two::g;\n", "a/one.rs a/two.rs"),
        ("a/one.rs", "use super::{f, two};\n", "a/mod.rs a/one.rs a/two.rs"),
        ("a/one.rs", "use super::two as other;\nfn h() { other::g() }\n", "a/one.rs a/two.rs"),
        ("a/two.rs", "fn h() { super::f() }\n", "a/mod.rs a/two.rs"),
        ("a/one.rs", "fn h() { crate::a::two::g() }\n", "a/one.rs a/two.rs"),
        ("b.rs", "use crate::a::f;\n", "a/mod.rs a/one.rs a/two.rs b.rs"),
        ("b.rs", "const TEXT: &str = \"crate::a::One\";\n", ""),
    ];
    for (file, code, circle) in cases {
        let wanted: Vec<&str> = Some(circle).filter(|it| !it.is_empty()).into_iter().collect();
        assert_eq!(found(&with(file, code)), wanted, "{file}: {code}");
    }
}
