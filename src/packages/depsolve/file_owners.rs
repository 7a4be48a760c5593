//! The packages that have a file, from a repository's file lists: files that packages require by
//! path, and those that add-ons have as well.
//!
//! Not for all files: the lists of 6,700 packages have a hundred megabytes, so they are read as a
//! stream and only these are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use rpmrepo_metadata::{FileType, Package};

use super::pool::{PackageIndex, PackageOrigin, Pool};
use super::problem::DepsolveProblem;
use super::solve::Solution;

/// The most owners of one path that are kept.
const MOST_OWNERS: usize = 64;

/// The owners of files that add-ons have.
#[derive(Debug, Default)]
pub struct FileOwners {
    /// Paths of add-ons, without directories and ghosts, with all packages that have them.
    owners: BTreeMap<String, Vec<PackageIndex>>,
}

impl FileOwners {
    /// Adds the files of the add-on that was added to the pool last.
    pub fn add_package(&mut self, pool: &Pool, package: &Package) {
        let place = pool.len() - 1;
        for file in package.files().iter().filter(|file| file.filetype() == FileType::File) {
            self.owners.entry(file.path()).or_default().push(place);
        }
    }

    /// Reads the medium's file lists.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the XML.
    pub fn read_file_lists(&mut self, pool: &mut Pool, xml: impl BufRead) -> Result<(), String> {
        let wanted = pool.missing_paths();
        let mut reader = Reader::from_reader(xml);
        let mut buffer = Vec::new();
        let mut parser = FileListParser::default();
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(|error| error.to_string())? {
                Event::Start(start) => parser.open(pool, &start)?,
                Event::Empty(start) => {
                    parser.open(pool, &start)?;
                    parser.path = None;
                }
                Event::Text(text) if parser.path.is_some() => {
                    parser.text(&text);
                }
                Event::GeneralRef(reference) if parser.path.is_some() => {
                    parser.text(&resolve_reference(&reference)?);
                }
                Event::End(_) => parser.close(self, pool, &wanted),
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// Adds the files that two packages of a solution have to its problems.
    pub fn add_conflicts(&self, pool: &Pool, solution: &mut Solution) {
        let taken: BTreeSet<PackageIndex> = solution.packages.iter().copied().collect();
        for (path, owners) in &self.owners {
            let mut installed = owners.iter().copied().filter(|place| taken.contains(place));
            let (Some(first), Some(second)) = (installed.next(), installed.next()) else {
                continue;
            };
            // The 32-bit and the 64-bit package of one name share equal files.
            if pool.packages[first].name == pool.packages[second].name {
                continue;
            }
            solution.problems.push(DepsolveProblem::SameFile {
                path: path.clone(),
                package: pool.nevra(first),
                other: pool.nevra(second),
            });
        }
    }
}

/// Returns the text that a reference stands for: a character's number or one of XML's five names.
fn resolve_reference(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.into());
    }
    let text = resolve_xml_entity(reference);
    text.map(str::to_owned).ok_or_else(|| format!("it names the entity {:?}", &**reference))
}

/// The state of reading a file list.
#[derive(Default)]
struct FileListParser {
    name: String,
    arch: String,
    place: Option<PackageIndex>,
    path: Option<String>,
}

impl FileListParser {
    fn open(&mut self, pool: &Pool, start: &BytesStart<'_>) -> Result<(), String> {
        match start.local_name().as_ref() {
            "package" => {
                self.name = attribute(start, "name")?;
                self.arch = attribute(start, "arch")?;
                self.place = None;
            }
            "version" => {
                let part = |name| attribute(start, name);
                let (epoch, ver, rel) = (part("epoch")?, part("ver")?, part("rel")?);
                let evr = format!("{epoch}:{ver}-{rel}");
                self.place = pool.find_base_package(&self.name, &evr, &self.arch);
            }
            "file" if self.place.is_some() && attribute(start, "type")?.is_empty() => {
                self.path = Some(String::new());
            }
            // A directory can be required too, but is no conflict.
            "file" if self.place.is_some() && attribute(start, "type")? == "dir" => {
                self.path = Some("\0".to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(path) = &mut self.path {
            path.push_str(text);
        }
    }

    fn close(&mut self, files: &mut FileOwners, pool: &mut Pool, wanted: &BTreeSet<String>) {
        let (Some(place), Some(path)) = (self.place, self.path.take()) else { return };
        let (path, is_dir) = match path.strip_prefix('\0') {
            Some(path) => (path, true),
            None => (path.as_str(), false),
        };
        if wanted.contains(path) {
            pool.add_file(place, path);
        }
        if let Some(owners) = files.owners.get_mut(path)
            && !is_dir
            && owners.len() < MOST_OWNERS
            && pool.packages[place].origin == PackageOrigin::Base
        {
            owners.push(place);
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<String, String> {
    let found = start.try_get_attribute(name).map_err(|error| error.to_string())?;
    let Some(found) = found else { return Ok(String::new()) };
    Ok(found.value.into_owned())
}
