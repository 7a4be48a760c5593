//! Module metadata of a repository (`modules` in repomd.xml, from release 8 on): packages of streams that are not their module's default
//! are on the disc and not to be had, for nobody enables a stream in a kickstart of ours.
//!
//! Not for a stream's dependencies on other modules, nor for hiding a package of no module behind one of a default stream. Read line by
//! line, as libmodulemd writes it (document: modulemd version 2, modulemd-defaults version 1): a parser of YAML takes seconds
//! for what a hostile medium may have there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use rpmrepo_metadata::Package;

/// The packages that are not to be had.
#[derive(Debug, Default)]
pub(super) struct Modules {
    inactive: BTreeSet<String>,
}

/// One document of the metadata.
#[derive(Default)]
struct Document {
    kind: String,
    /// The module: `name` of a stream, `module` of defaults.
    name: String,
    stream: String,
    artifacts: Vec<String>,
    is_in_artifacts: bool,
}

impl Modules {
    /// Reads the documents.
    ///
    /// # Errors
    ///
    /// Fails when the text cannot be read, or is none of these documents.
    pub(super) fn read(text: impl BufRead) -> io::Result<Self> {
        let mut documents = Vec::new();
        let mut current = Document::default();
        for line in text.lines() {
            let line = line?;
            if line == "---" || line == "..." {
                documents.push(std::mem::take(&mut current));
            } else {
                current.read_line(&line);
            }
        }
        documents.push(current);
        documents.retain(|document| !document.kind.is_empty());
        if documents.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it has no module"));
        }
        let defaults: BTreeMap<&str, &str> = documents
            .iter()
            .filter(|document| document.kind == "modulemd-defaults" && !document.stream.is_empty())
            .map(|document| (document.name.as_str(), document.stream.as_str()))
            .collect();
        let streams = documents.iter().filter(|document| document.kind == "modulemd");
        let (active, others): (Vec<_>, Vec<_>) = streams.partition(|document| {
            defaults.get(document.name.as_str()) == Some(&document.stream.as_str())
        });
        let artifacts = |streams: &[&Document]| -> BTreeSet<String> {
            streams.iter().flat_map(|document| &document.artifacts).cloned().collect()
        };
        Ok(Self { inactive: &artifacts(&others) - &artifacts(&active) })
    }

    /// Whether a package is of a stream that is not its module's default.
    pub(super) fn excludes(&self, package: &Package) -> bool {
        !self.inactive.is_empty() && {
            let (name, epoch, version) = (package.name(), package.epoch(), package.version());
            let nevra =
                format!("{name}-{epoch}:{version}-{}.{}", package.release(), package.arch());
            self.inactive.contains(&nevra)
        }
    }
}

impl Document {
    fn read_line(&mut self, line: &str) {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        if indent == 2 && !line.starts_with('-') {
            self.is_in_artifacts = line == "artifacts:";
        }
        if let Some(artifact) = line.strip_prefix("- ").filter(|_| self.is_in_artifacts) {
            self.artifacts.push(unquote(artifact).to_owned());
        }
        let Some((key, value)) = line.split_once(':') else { return };
        match (indent, key) {
            (0, "document") => unquote(value).clone_into(&mut self.kind),
            (2, "name" | "module") => unquote(value).clone_into(&mut self.name),
            (2, "stream") => unquote(value).clone_into(&mut self.stream),
            _ => {}
        }
    }
}

fn unquote(value: &str) -> &str {
    value.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULES: &str = "\
---
document: modulemd
version: 2
data:
  name: perl
  stream: \"5.26\"
  summary: Practical
  description: >-
    - no artifact
  artifacts:
    rpms:
    - perl-4:5.26.3-416.el8.x86_64
    - shared-0:1-1.el8.noarch
  license:
    module:
    - MIT
...
---
document: modulemd
version: 2
data:
  name: perl
  stream: 5.30
  artifacts:
    rpms:
      - perl-4:5.30.1-452.x86_64
      - shared-0:1-1.el8.noarch
...
---
document: modulemd-defaults
version: 1
data:
  module: perl
  stream: '5.26'
  profiles:
    5.26: [common]
...
";

    #[test]
    fn what_is_of_no_default_stream_is_not_to_be_had() {
        let read = |text: &str| Modules::read(text.as_bytes()).unwrap().inactive;
        let inactive: Vec<String> = read(MODULES).into_iter().collect();
        assert_eq!(inactive, ["perl-4:5.30.1-452.x86_64"]);
        // Without a default nothing of the module is.
        let none = MODULES.split("document: modulemd-defaults").next().unwrap();
        assert_eq!(read(none).len(), 3);
        assert!(Modules::read("{}".as_bytes()).is_err());
        assert!(Modules::read("".as_bytes()).is_err());
    }
}
